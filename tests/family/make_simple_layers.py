#!/usr/bin/env python3
"""Writes the evidence of simple layers: shapes, activations, norms. PyTorch's own, or a formula where it has none.

    python make_simple_layers.py            (as make_evidence.py)
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

import make_evidence as base
from make_evidence import Evidence, draw, layer, nchw, nhwc

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


# ---- norms ----

def biased(x, axes, centred=True):
    mean = x.mean(axes, keepdim=True) if centred else 0
    return mean, ((x - mean) ** 2).mean(axes, keepdim=True)


def layer_norms():
    def over(axes, eps=1e-5):
        def fn(x, weight=1.0, bias=0.0):
            mean, var = biased(x, axes)
            along = [x.shape[i] if i in axes else 1 for i in range(x.dim())] # weights have the axes that are named alone
            return (x - mean) / torch.sqrt(var + eps) * weight.reshape(along) + bias.reshape(along)
        return fn

    def whole(x, weight, bias): # of pictures as PyTorch has them, channels first
        first = [w.permute(2, 0, 1) for w in (weight, bias)]
        return nhwc(F.layer_norm(nchw(x), first[0].shape, *first))

    plane = lambda x, weight, bias: nhwc(F.layer_norm(nchw(x), weight.shape, weight, bias))
    last = lambda eps=1e-5: lambda x, weight=None, bias=None: F.layer_norm(x, x.shape[-1:], weight, bias, eps)
    with Evidence("layer", "layer_norm", "torch.nn.functional.layer_norm; a formula where axes are not the last") as e:
        layer(e, "rows", "layer_norm", last(), [draw(3, 5)], dict(weight=draw(5), bias=draw(5)))
        layer(e, "steps", "{type: layer_norm, eps: 0.01}", last(0.01), [draw(2, 3, 7)], dict(weight=draw(7), bias=draw(7)), words=TRAIN)
        layer(e, "picture", "layer_norm", last(), [draw(2, 3, 1, 4)], dict(weight=draw(4), bias=draw(4)))
        layer(e, "all", "{type: layer_norm, axes: [0, 1, 2]}", over((1, 2, 3)), [draw(2, 3, 2, 4)], dict(weight=draw(3, 2, 4), bias=draw(3, 2, 4)))
        layer(e, "two", "{type: layer_norm, axes: [2, 1]}", over((2, 3)), [draw(2, 3, 2, 3)], dict(weight=draw(2, 3), bias=draw(2, 3)))
        layer(e, "around", "{type: layer_norm, axes: [0, 2]}", over((1, 3)), [draw(2, 3, 2, 3)], dict(weight=draw(3, 3), bias=draw(3, 3)))
        layer(e, "first", "{type: layer_norm, axes: 0}", over((1,)), [draw(2, 3, 2)], dict(weight=draw(3), bias=draw(3)))
        layer(e, "no_bias", "{type: layer_norm, bias: false}", last(), [draw(2, 4)], dict(weight=draw(4)))
        layer(e, "plain", "{type: layer_norm, affine: false}", last(), [draw(3, 6)])
        layer(e, "pair", "{type: layer_norm, affine: false, eps: 0.5}", last(0.5), [draw(1, 2)], words=TRAIN)
        layer(e, "no_variance", "{type: layer_norm, eps: 0.01}", last(0.01), [(torch.round(8 * draw(3, 1)) / 8).repeat(1, 4)], dict(weight=draw(4), bias=draw(4)))
        layer(e, "far_from_zero", "layer_norm", last(), [30 + torch.round(64 * draw(3, 9)) / 64], dict(weight=draw(9), bias=draw(9)))
        layer(e, "wide", "layer_norm", last(), [draw(2, 131)], dict(weight=draw(131), bias=draw(131)))
        state = base.rng.bit_generator.state # the files after this one keep their numbers
        layer(e, "pixels", "{type: layer_norm, axes: [0, 1, 2]}", whole, [draw(2, 3, 2, 4)], dict(weight=draw(3, 2, 4), bias=draw(3, 2, 4)), words=TRAIN)
        layer(e, "places", "{type: layer_norm, axes: [0, 1]}", plane, [draw(2, 3, 2, 4)], dict(weight=draw(3, 2), bias=draw(3, 2)), words=TRAIN)
        base.rng.bit_generator.state = state


def rms_norms():
    rms = lambda eps=1e-5: lambda x, weight=1.0: x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight
    with Evidence("layer", "rms_norm", "x / sqrt(mean x^2 + eps), as torch.nn.RMSNorm") as e:
        layer(e, "rows", "rms_norm", rms(), [draw(3, 5)], dict(weight=draw(5)))
        layer(e, "steps", "{type: rms_norm, eps: 0.1}", rms(0.1), [draw(2, 3, 7)], dict(weight=draw(7)), words=TRAIN)
        layer(e, "plain", "{type: rms_norm, affine: false}", rms(), [draw(2, 2, 2, 3)])
        layer(e, "one", "{type: rms_norm, eps: 0.1}", rms(0.1), [draw(1, 1)], dict(weight=draw(1)))
        layer(e, "zeros", "{type: rms_norm, eps: 0.01}", rms(0.01), [torch.zeros(2, 4)], dict(weight=draw(4)))
        layer(e, "wide", "rms_norm", rms(), [draw(2, 131)], dict(weight=draw(131)))


def by_channel(fn):
    """fn on [N, C, places] for pictures, sequences and rows with the channels last"""
    return lambda x, **p: fn(x.movedim(-1, 1), **p).movedim(1, -1)


def group_norms():
    group = lambda n, eps=1e-5: by_channel(lambda x, weight=None, bias=None: F.group_norm(x, n, weight, bias, eps))

    def pairs(x, weight, bias):  # torch's gradient of the weight is no 0 where all values are equal
        z = x.reshape(2, 2, 2, 2)
        mean, var = biased(z, (1, 3))
        return ((z - mean) / torch.sqrt(var + 0.01)).reshape(x.shape) * weight + bias

    with Evidence("layer", "group_norm", "torch.nn.functional.group_norm") as e:
        both = lambda c: dict(weight=draw(c), bias=draw(c))
        layer(e, "picture", "{type: group_norm, groups: 2}", group(2), [draw(2, 3, 2, 6)], both(6))
        layer(e, "line", "{type: group_norm, groups: 3, eps: 0.01}", group(3, 0.01), [draw(2, 5, 3)], both(3), words=TRAIN)
        layer(e, "rows", "{type: group_norm, groups: 2}", group(2), [draw(3, 8)], both(8))
        layer(e, "usual", "group_norm", group(17), [draw(1, 2, 1, 34)], both(34))
        layer(e, "usual_32", "group_norm", group(32), [draw(1, 2, 64)], both(64))
        layer(e, "usual_prime", "group_norm", group(1), [draw(1, 1, 2, 37)], both(37))
        layer(e, "one_group", "{type: group_norm, groups: 1}", group(1), [draw(2, 3, 3, 4)], both(4))
        layer(e, "each", "{type: group_norm, groups: 4}", group(4), [draw(1, 3, 2, 4)], both(4))
        layer(e, "plain", "{type: group_norm, groups: 2, affine: false}", group(2), [draw(2, 2, 2, 4)])
        layer(e, "one_channel", "group_norm", group(1), [draw(1, 3, 3, 1)], both(1))
        layer(e, "no_variance", "{type: group_norm, groups: 2, eps: 0.01}", pairs, [(torch.round(8 * draw(2, 1, 1)) / 8).repeat(1, 2, 4)], both(4))


def instance_norms():
    each = lambda eps=1e-5: by_channel(lambda x, weight=None, bias=None: F.instance_norm(x, weight=weight, bias=bias, eps=eps))
    with Evidence("layer", "instance_norm", "torch.nn.functional.instance_norm") as e:
        layer(e, "picture", "instance_norm", each(), [draw(2, 3, 2, 4)])
        layer(e, "affine", "{type: instance_norm, affine: true, eps: 0.01}", each(0.01), [draw(2, 3, 5, 3)], dict(weight=draw(3), bias=draw(3)), words=TRAIN)
        layer(e, "line", "instance_norm", each(), [draw(1, 7, 2)])
        layer(e, "one_channel", "instance_norm", each(), [draw(1, 5, 5, 1)])
        layer(e, "no_variance", "{type: instance_norm, eps: 0.01}", each(0.01), [(torch.round(8 * draw(2, 1, 1, 3)) / 8).repeat(1, 2, 2, 1)])


def renorm(e, name, settings, x, updates, update, r_max, d_max, momentum=0.01, eps=1e-5, train=True, mean=None, std=None):
    """Ioffe 2017, algorithm 1; r_max and d_max are those that hold at this update."""
    c = x.shape[-1]
    p = dict(weight=draw(c).requires_grad_(), bias=draw(c).requires_grad_())
    mean, std = draw(c) if mean is None else mean, draw(c).abs() + 0.2 if std is None else std
    x = x.clone().requires_grad_()
    words, more = {}, {}
    if train:
        rows = x.reshape(-1, c)
        mu, sigma = rows.mean(0), torch.sqrt(rows.var(0, unbiased=False) + eps)
        r = (sigma.detach() / std).clamp(1 / r_max, r_max)
        d = ((mu.detach() - mean) / std).clamp(-d_max, d_max)
        y = p["weight"] * ((x - mu) / sigma * r + d) + p["bias"]
        words = {"mode": "train", "seed": 1, "update": update, "position": 0, "updates": updates}
        more = dict(new_running_mean=mean + momentum * (mu - mean), new_running_std=std + momentum * (sigma - std))
    else:
        y = p["weight"] * (x - mean) / std + p["bias"]
    dy = draw(*y.shape)
    y.backward(dy)
    e.case(name, settings, words, in0=x, **p, running_mean=mean, running_std=std, out=y, dout=dy, din0=x.grad, dweight=p["weight"].grad, dbias=p["bias"].grad, **more)


def batch_renorms():
    with Evidence("layer", "batch_renorm", "Ioffe 2017, algorithm 1, by torch's autograd") as e:
        full = 200000
        renorm(e, "start", "batch_renorm", draw(3, 2, 2, 3), full, 0, 1, 0)
        renorm(e, "before", "batch_renorm", draw(4, 3), full, 5000, 1, 0)
        renorm(e, "way_d", "batch_renorm", draw(4, 3), full, 15000, 1 + 2 * 10 / 35, 2.5)
        renorm(e, "way_r", "batch_renorm", draw(4, 3), full, 30000, 1 + 2 * 25 / 35, 5)
        renorm(e, "end", "batch_renorm", draw(4, 3), full, 50000, 3, 5)
        renorm(e, "free", "{type: batch_renorm, r_max: 100, d_max: 100}", draw(5, 2), 0, 50000, 100, 100)
        renorm(e, "own", "{type: batch_renorm, r_max: 1.5, d_max: 0.5, momentum: 0.3, eps: 0.1}", draw(2, 5, 4), full, 50000, 1.5, 0.5, 0.3, 0.1)
        renorm(e, "shorter", "batch_renorm", draw(4, 3), 1000, 95, 1 + 2 * 65 / 220, 5 * 65 / 130)
        renorm(e, "shorter_start", "batch_renorm", draw(4, 3), 1000, 30, 1, 0)
        renorm(e, "one_channel", "{type: batch_renorm, momentum: 1, eps: 0.1}", draw(2, 1), full, 50000, 3, 5, 1.0, 0.1)
        renorm(e, "no_variance", "{type: batch_renorm, eps: 0.01}", (torch.round(8 * draw(1, 3)) / 8).repeat(4, 1), full, 50000, 3, 5, eps=0.01)
        renorm(e, "evaluated", "batch_renorm", draw(2, 3, 2, 4), full, 0, 1, 0, train=False)
        renorm(e, "evaluated_alone", "batch_renorm", draw(1, 5), full, 0, 1, 0, train=False)


def norms():
    layer_norms()
    rms_norms()
    group_norms()
    instance_norms()
    batch_renorms()


if __name__ == "__main__":
    shapes()
    activations()
    norms()
