#!/usr/bin/env python3
"""Writes the evidence of the hyper layer: PyTorch operations whose weights are what others give, in float64.

    python make_hyper.py               (as make_evidence.py, whose helpers it uses)
"""
import torch
import torch.nn.functional as F

from make_evidence import Evidence, conv, draw, layer


def made(e, p, name, *shape):
    """A tensor of the layer's memory order, or one a row of e."""
    return F.linear(e, p[f"main.{name}.weight"], p[f"main.{name}.bias"]).reshape(*(() if e.shape[0] == 1 else (e.shape[0],)), *shape)


def heads(width, **tensors):
    out = {}
    for name, count in tensors.items():
        out[f"main.{name}.weight"], out[f"main.{name}.bias"] = draw(count, width), draw(count)
    return out


def hypers():
    with Evidence("layer", "hyper", "PyTorch operations whose weights others give") as e:
        def dense(x, **p):
            v = p["embedding"][None]
            return torch.relu(F.linear(x, made(v, p, "weight", 2, 3), made(v, p, "bias", 2)))
        layer(e, "dense", "{type: hyper, embedding: 4, layer: {type: dense, units: 2, activation: relu}}", dense, [draw(5, 3)], {"embedding": draw(4), **heads(4, weight=6, bias=2)})

        def deep(x, **p):
            v = torch.tanh(F.linear(p["embedding"][None], p["h.weight"], p["h.bias"]))
            return F.linear(x, made(v, p, "weight", 2, 3))
        layer(e, "deep", "{type: hyper, embedding: 2, layers: [{type: dense, units: 3, activation: tanh, name: h}], layer: {type: dense, units: 2, bias: false}}", deep, [draw(2, 4, 3)],
              {"embedding": draw(2), "h.weight": draw(3, 2), "h.bias": draw(3), **heads(3, weight=6)})

        def picture(x, **p):
            v = p["embedding"][None]
            return conv(padding="same")(x, made(v, p, "weight", 2, 3, 3, 2), made(v, p, "bias", 2))
        layer(e, "conv", "{type: hyper, embedding: 3, fan: out, layer: {type: conv, filters: 2, kernel: 3, padding: same}}", picture, [draw(2, 4, 3, 2)], {"embedding": draw(3), **heads(3, weight=36, bias=2)})

        def each(x, c, **p):
            v = torch.tanh(F.linear(c, p["h.weight"], p["h.bias"]))
            return torch.einsum("bi,boi->bo", x, made(v, p, "weight", 2, 3)) + made(v, p, "bias", 2)
        layer(e, "each_sample", "{type: hyper, layers: [{type: dense, units: 4, activation: tanh, name: h}], layer: {type: dense, units: 2}}", each, [draw(5, 3), draw(5, 2)],
              {"h.weight": draw(4, 2), "h.bias": draw(4), **heads(4, weight=6, bias=2)})
        layer(e, "each_sequence", "{type: hyper, layer: {type: dense, units: 2}}",
              lambda x, c, **p: torch.einsum("bti,boi->bto", x, made(c, p, "weight", 2, 3)) + made(c, p, "bias", 2)[:, None], [draw(4, 5, 3), draw(4, 2)], heads(2, weight=6, bias=2))

        def block(x, **p):
            v = p["embedding"][None]
            y = F.linear(x, made(v, p, "a.weight", 3, 3))
            y = F.layer_norm(y, (3,), p["main.n.weight"], p["main.n.bias"])
            return x + F.linear(y, made(v, p, "b.weight", 3, 3), made(v, p, "b.bias", 3))
        layer(e, "block", "{type: hyper, embedding: 2, layer: {type: residual, layers: [{type: dense, units: 3, bias: false, name: a}, {type: layer_norm, name: n}, {type: dense, units: 3, name: b}]}}", block,
              [draw(3, 3)], {"embedding": draw(2), "main.n.weight": draw(3), "main.n.bias": draw(3), **heads(2, **{"a.weight": 9, "b.weight": 9, "b.bias": 3})})


if __name__ == "__main__":
    hypers()
