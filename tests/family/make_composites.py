#!/usr/bin/env python3
"""Writes the evidence of layers made of layers: what PyTorch gives, in float64.

    python make_composites.py          (as make_evidence.py, whose helpers it uses)
"""
import torch
import torch.nn.functional as F

from make_evidence import Evidence, conv, draw, layer, nchw, nhwc  # noqa: F401


def residuals():
    with Evidence("layer", "residual", "PyTorch operations, added by hand") as e:
        def plain(x, **p):
            return F.linear(torch.relu(F.linear(x, p["a.weight"], p["a.bias"])), p["dense2.weight"]) + x
        layer(e, "plain", "{type: residual, layers: [{type: dense, units: 5, name: a}, relu, {type: dense, units: 3, bias: false}]}", plain, [draw(4, 3)],
              {"a.weight": draw(5, 3), "a.bias": draw(5), "dense2.weight": draw(3, 5)})
        layer(e, "no_parameters", "{type: residual, layers: [tanh]}", lambda x: torch.tanh(x) + x, [draw(1, 1)])

        def shortcut(x, **p):
            y = conv(padding="same", act=F.relu)(x, p["conv1.weight"])
            y = conv(padding="same", stride=(2, 2))(y, p["conv2.weight"])
            return y + conv(stride=(2, 2))(x, p["down.0.weight"], p["down.0.bias"])
        layer(e, "shortcut", "{type: residual, layers: [{type: conv, filters: 3, padding: same, bias: false, activation: relu}, {type: conv, filters: 2, padding: same, stride: 2, bias: false}], "
              "shortcut: [{type: conv, filters: 2, kernel: 1, stride: 2, name: down.0}]}", shortcut, [draw(2, 5, 3, 1)],
              {"conv1.weight": draw(3, 3, 3, 1), "conv2.weight": draw(2, 3, 3, 3), "down.0.weight": draw(2, 1, 1, 1), "down.0.bias": draw(2)})

        inside = "{type: dense, units: 4, name: a, bias: false, activation: tanh}, {type: residual, layers: [sigmoid]}, {type: dense, units: 2, bias: false}"
        layer(e, "nested_in_repeat", "{type: residual, layers: [{repeat: {times: 1, name: b, layers: [" + inside + "]}}]}",
              lambda x, **p: F.linear((lambda y: y + torch.sigmoid(y))(torch.tanh(F.linear(x, p["b.0.a.weight"]))), p["b.0.dense2.weight"]) + x, [draw(3, 2)],
              {"b.0.a.weight": draw(4, 2), "b.0.dense2.weight": draw(2, 4)})

        def from_inside(x, **p):
            a = torch.tanh(F.linear(x, p["a.weight"]))
            return (F.linear(torch.relu(a), p["c.weight"]) + a) + x
        layer(e, "from_inside", "{type: residual, layers: [{type: dense, units: 3, name: a, bias: false, activation: tanh}, relu, {type: dense, units: 3, name: c, bias: false}, {type: add, from: [c, a]}]}",
              from_inside, [draw(2, 3)], {"a.weight": draw(3, 3), "c.weight": draw(3, 3)})
        layer(e, "activation", "{type: residual, layers: [{type: residual, layers: [tanh], activation: relu}]}", lambda x: torch.relu(torch.tanh(x) + x) + x, [draw(3, 4)])


if __name__ == "__main__":
    residuals()
