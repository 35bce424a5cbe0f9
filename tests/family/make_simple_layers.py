#!/usr/bin/env python3
"""Writes the evidence of simple layers: shapes, activations, norms. PyTorch's own, or a formula where it has none.

    python make_simple_layers.py            (as make_evidence.py)
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

import make_evidence as base
from make_evidence import Evidence, draw, layer

base.rng = np.random.default_rng(20241123)
TRAIN = {"mode": "train", "seed": 1, "update": 0, "position": 0}


def shapes():
    cat = lambda axis: lambda *x: torch.cat(x, axis)
    with Evidence("layer", "concat", "torch.cat") as e:
        layer(e, "rows", "concat", cat(-1), [draw(3, 2), draw(3, 4)])
        layer(e, "pictures", "{type: concat, axis: last}", cat(-1), [draw(2, 3, 2, 1), draw(2, 3, 2, 5), draw(2, 3, 2, 2)])
        layer(e, "first", "{type: concat, axis: 0}", cat(1), [draw(2, 3, 4), draw(2, 1, 4)])
        layer(e, "middle", "{type: concat, axis: -2}", cat(2), [draw(1, 2, 3, 2), draw(1, 2, 1, 2)])
        layer(e, "four", "concat", cat(-1), [draw(1, 1), draw(1, 1), draw(1, 7), draw(1, 1)])
        x = draw(2, 3)
        layer(e, "training", "concat", cat(-1), [x, draw(2, 1)], words=TRAIN)
    with Evidence("layer", "multiply", "products") as e:
        layer(e, "two", "multiply", lambda a, b: a * b, [draw(2, 3), draw(2, 3)])
        layer(e, "three", "multiply", lambda a, b, c: a * b * c, [draw(1, 2, 2, 3), draw(1, 2, 2, 3), draw(1, 2, 2, 3)])
        layer(e, "gate", "multiply", lambda a, b: a * b, [draw(2, 3, 2, 4), draw(2, 1, 1, 4)])
        layer(e, "features", "multiply", lambda a, b: a * b[:, None, None], [draw(2, 3, 5, 4), draw(2, 4)])
        layer(e, "features_first", "multiply", lambda a, b: a[:, None] * b, [draw(3, 1), draw(3, 2, 1)])
        layer(e, "outer", "multiply", lambda a, b: a * b, [draw(2, 3, 1), draw(2, 1, 4)])
        layer(e, "places", "multiply", lambda a, b, c: a * b * c[:, None], [draw(2, 3, 2, 2), draw(2, 3, 2, 1), draw(2, 2, 2)])
    with Evidence("layer", "slice", "torch.narrow") as e:
        layer(e, "channels", "{type: slice, start: 1, count: 2}", lambda x: x[..., 1:3], [draw(2, 3, 2, 4)])
        layer(e, "last_step", "{type: slice, axis: 0, start: -1}", lambda x: x[:, -1:], [draw(2, 5, 3)])
        layer(e, "rest", "{type: slice, axis: 0, start: 2}", lambda x: x[:, 2:], [draw(3, 7)])
        layer(e, "middle", "{type: slice, axis: -2, start: -3, count: 2}", lambda x: x[:, :, 1:3], [draw(1, 2, 4, 3)])
        layer(e, "all", "slice", lambda x: x, [draw(1, 1)])
    with Evidence("layer", "reshape", "torch.reshape") as e:
        layer(e, "tokens", "{type: reshape, shape: [-1, 3]}", lambda x: x.reshape(2, 8, 3), [draw(2, 4, 2, 3)])
        layer(e, "picture", "{type: reshape, shape: [2, 3, 2]}", lambda x: x.reshape(3, 2, 3, 2), [draw(3, 12)])
        layer(e, "row", "{type: reshape, shape: 6}", lambda x: x.reshape(2, 6), [draw(2, 2, 3)])
        layer(e, "one", "{type: reshape, shape: [1, -1, 1]}", lambda x: x.reshape(1, 1, 1, 1), [draw(1, 1)])
    with Evidence("layer", "permute", "torch.permute") as e:
        layer(e, "channels_first", "{type: permute, axes: [2, 0, 1]}", lambda x: x.permute(0, 3, 1, 2), [draw(2, 3, 2, 4)])
        layer(e, "turned", "{type: permute, axes: [1, 0]}", lambda x: x.transpose(1, 2), [draw(3, 5, 1)])
        layer(e, "one_axis", "{type: permute, axes: 0}", lambda x: x, [draw(2, 3)])
        layer(e, "four", "{type: permute, axes: [3, 1, 0, 2]}", lambda x: x.permute(0, 4, 2, 1, 3), [draw(1, 2, 3, 2, 2)])


FAR = torch.tensor([[1e30, -1e30, 1e19], [-1e19, 900.0, -900.0], [math.inf, -math.inf, -150.0]])
ENDS = torch.tensor([[-2.0, -0.0, 0.0, 1e-30, 3.5], [-1e4, 1e4, -1e-5, 40.0, -745.0], [math.inf, -math.inf, 1.0, -1.0, 0.5], [-3.0, 3.0, 6.0, -6.0, 2.9]])


class HardSwish(torch.autograd.Function):
    """The product rule has no number where x is -inf."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x <= -3, 0.0, x * F.relu6(x + 3) / 6)

    @staticmethod
    def backward(ctx, dy):
        x, = ctx.saved_tensors
        return torch.where(x <= -3, 0.0, torch.where(x >= 3, dy, dy * (x / 3 + 0.5)))


def straight(fn, most=800.0):
    """x beyond and 0 below, where torch multiplies 0 by infinity"""
    return lambda x: fn(x.clamp(-most, most)) + torch.where(x > most, x - most, 0.0)


def activations():
    def member(name, source, *cases):
        with Evidence("layer", name, source) as e:
            for i, (what, fn) in enumerate(cases):
                more = f"_{i}" if i else ""
                layer(e, "plain" + more, what, fn, [3 * draw(3, 4)])
                layer(e, "picture" + more, what, fn, [draw(2, 3, 1, 5)])
                layer(e, "one" + more, what, fn, [draw(1, 1)], words=TRAIN)
                layer(e, "ends" + more, what, fn, [ENDS])
                layer(e, "far" + more, what, fn, [FAR])

    member("elu", "torch.nn.functional.elu", ("elu", F.elu), ("{type: elu, alpha: 0.3}", lambda x: F.elu(x, 0.3)), ("{type: elu, alpha: 0}", lambda x: F.elu(x, 0.0)))
    member("gelu", "torch.nn.functional.gelu", ("gelu", straight(F.gelu)), ("{type: gelu, form: tanh}", straight(lambda x: F.gelu(x, approximate="tanh"))))
    member("silu", "torch.nn.functional.silu", ("silu", straight(F.silu)))
    # torch's own take the sixth of float32
    member("hard_sigmoid", "torch.nn.functional.relu6(x + 3) / 6", ("hard_sigmoid", lambda x: F.relu6(x + 3) / 6))
    member("hard_swish", "x torch.nn.functional.relu6(x + 3) / 6, and its slopes", ("hard_swish", HardSwish.apply))
    member("softplus", "torch.nn.functional.softplus", ("softplus", F.softplus))
    member("relu6", "torch.nn.functional.relu6", ("relu6", F.relu6))
    with Evidence("layer", "log_softmax", "torch.log_softmax") as e:
        log = lambda x: torch.log_softmax(x, -1)
        layer(e, "plain", "log_softmax", log, [draw(3, 4)])
        layer(e, "far", "log_softmax", log, [torch.tensor([[-2.0, -0.0, 0.0, 1e-30, 3.5], [-1e4, 1e4, -1e-5, 40.0, -745.0], [1e4, 1e4, 1e4, 1e4, 1e4], [-math.inf, 1.0, 0.5, -math.inf, 2.0]])])
        layer(e, "positions", "log_softmax", log, [draw(2, 3, 2)])
        layer(e, "one", "log_softmax", log, [draw(2, 1)])
        layer(e, "picture", "log_softmax", log, [draw(1, 2, 3, 7)], words=TRAIN)
    with Evidence("layer", "prelu", "torch.nn.functional.prelu") as e:
        prelu = lambda x, weight: F.prelu(x.movedim(-1, 1), weight).movedim(1, -1)
        layer(e, "rows", "prelu", prelu, [draw(3, 4)], dict(weight=draw(4)))
        layer(e, "picture", "prelu", prelu, [draw(2, 3, 2, 5)], dict(weight=draw(5)), words=TRAIN)
        layer(e, "shared", "{type: prelu, shared: true}", prelu, [draw(2, 3, 3)], dict(weight=draw(1)))
        layer(e, "one", "{type: prelu, slope: 0.5}", prelu, [draw(1, 1)], dict(weight=draw(1)))
        layer(e, "ends", "{type: prelu, shared: true}", prelu, [ENDS[:2]], dict(weight=draw(1)))


if __name__ == "__main__":
    shapes()
    activations()
