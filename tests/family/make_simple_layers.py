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


if __name__ == "__main__":
    shapes()
