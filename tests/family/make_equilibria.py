#!/usr/bin/env python3
"""Writes the evidence of the equilibrium layer: PyTorch operations repeated until nothing changes, differentiated step by step, in float64.

    python make_equilibria.py          (as make_evidence.py, whose helpers it uses)
"""
import torch
import torch.nn.functional as F

from make_evidence import Evidence, conv, draw, layer, nchw, nhwc


def repeated(f, steps=400):
    def fn(x, **p):
        z = torch.zeros_like(x)
        for _ in range(steps):
            z = f(z, x, **p)
        assert (f(z, x, **p) - z).abs().max() < 1e-14, "it does not converge"
        return z
    return fn


def equilibria():
    exact = "tolerance: 1e-13, max: 150"
    with Evidence("layer", "equilibrium", "PyTorch operations, repeated to the end and differentiated step by step") as e:
        layer(e, "given", "{type: equilibrium, layers: [{type: dense, units: 1, name: w}, {type: dense, units: 1, name: u, bias: false, from: x}, {type: add, from: [w, u]}, tanh], " + exact + "}",
              repeated(lambda z, x, **p: torch.tanh(p["w.weight"] * z + p["w.bias"] + p["u.weight"] * x)), [torch.tensor([[0.3]])],
              {"w.weight": torch.tensor([[0.5]]), "w.bias": torch.tensor([0.1]), "u.weight": torch.tensor([[1.0]])})

        def dense(z, x, **p):
            return torch.tanh(F.linear(z, p["w.weight"], p["w.bias"]) + x)
        for solver in ("anderson, window: 3", "broyden", "iterate"):
            layer(e, solver.split(",")[0], "{type: equilibrium, solver: " + solver + ", layers: [{type: dense, units: 5, name: w}, {type: add, from: [w, x]}, tanh], " + exact + "}",
                  repeated(dense), [draw(4, 5)], {"w.weight": draw(5, 5) * 0.3, "w.bias": draw(5)})

        def picture(z, x, **p):
            y = conv(padding="same")(z, p["c1.weight"])
            y = nhwc(F.group_norm(nchw(y), 2, p["n.weight"], p["n.bias"]))
            return torch.relu(conv(padding="same")(y, p["c2.weight"], p["c2.bias"]) + x)
        layer(e, "picture", "{type: equilibrium, layers: [{type: conv, filters: 4, padding: same, bias: false, name: c1}, {type: group_norm, groups: 2, name: n}, "
              "{type: conv, filters: 2, padding: same, name: c2}, {type: add, from: [c2, x], activation: relu}], backward_max: 200, " + exact + "}",
              repeated(picture), [draw(3, 4, 3, 2)], {"c1.weight": draw(4, 3, 3, 2), "n.weight": draw(4) * 0.1, "n.bias": draw(4), "c2.weight": draw(2, 3, 3, 4) * 0.1, "c2.bias": draw(2)})

        layer(e, "nested", "{type: equilibrium, layers: [{type: dense, units: 3, bias: false, name: w}, {type: equilibrium, name: i, layers: [{type: dense, units: 3, bias: false, name: v}, {type: add, from: [v, x]}, tanh], " + exact + "}, "
              "{type: add, from: [i, x]}, tanh], " + exact + "}",
              repeated(lambda z, x, **p: torch.tanh(repeated(lambda u, y, **q: torch.tanh(F.linear(u, p["i.v.weight"]) + y), 100)(F.linear(z, p["w.weight"])) + x), 80),
              [draw(2, 3)], {"w.weight": draw(3, 3) * 0.3, "i.v.weight": draw(3, 3) * 0.3})
        layer(e, "of_x_alone", "{type: equilibrium, layers: [{type: dense, units: 2, from: x, name: u}]}", lambda x, **p: F.linear(x, p["u.weight"], p["u.bias"]), [draw(3, 2)],
              {"u.weight": draw(2, 2), "u.bias": draw(2)})


if __name__ == "__main__":
    equilibria()
