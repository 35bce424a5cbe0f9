#!/usr/bin/env python3
"""Makes the fixtures of tests/train/test_parity.c of sequences of different lengths: twenty updates by PyTorch in float64, which never sees what
fills them up: it takes the steps that there are, one after the other.

Usage, from the project's root, with numpy, torch and safetensors: python tests/train/parity/make_lengths.py build/gradus [CASE...]
Each case becomes a folder as make_heads.py makes it.
"""
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from make_heads import SAMPLES, exact, make, mean, weights

STEPS = 7


def lengths(rng):
    n = rng.integers(1, STEPS + 1, SAMPLES)
    n[:2] = 1, STEPS
    return n


def filled(x, n):
    """Numbers that nobody is to see, where nothing was measured."""
    for i, k in enumerate(n):
        x[i, k:] = 1000 if x.dtype == np.float32 else 0
    return x


def steps(d, name):
    """The steps of all samples, one after the other."""
    return torch.cat([x[:k] for x, k in zip(d[name], d["n"])])


def of_steps(d, name):
    """What a sample has, once for each of its steps."""
    return torch.repeat_interleave(d[name], d["n"])


# ---- a class a step; statistics of a batch, weights of samples and of classes ----

class Steps(nn.ModuleDict):
    def __init__(self):
        super().__init__({"d1": nn.Linear(4, 6, bias=False), "n1": nn.BatchNorm1d(6), "d2": nn.Linear(6, 3)})

    def forward(self, d):
        return self["d2"](torch.tanh(self["n1"](self["d1"](steps(d, "x")))))


def steps_cost(z, d):
    y = steps(d, "y")
    return mean(F.cross_entropy(z, y, reduction="none"), of_steps(d, "w") * torch.tensor([0.5, 2, 1.25])[y])


STEPS_MODEL = """model:
  input: [7, 4]
  layers:
    - {type: dense, units: 6, bias: false, name: d1}
    - {type: batch_norm, activation: tanh, name: n1}
    - {type: dense, units: 3, name: d2}
cost: {type: cross_entropy, class_weights: [0.5, 2, 1.25]}
"""


def steps_data(rng):
    n = lengths(rng)
    return dict(x=filled(exact(rng, STEPS, 4), n), y=filled(rng.integers(0, 3, (SAMPLES, STEPS)), n), w=weights(rng), n=n)


# ---- values a step, and a class a sample from what its steps have in common ----

class Both(nn.ModuleDict):
    def __init__(self):
        super().__init__({"d1": nn.Linear(4, 6), "spot": nn.Linear(6, 2), "kind": nn.Linear(6, 3)})

    def forward(self, d):
        h = torch.tanh(self["d1"](steps(d, "x")))
        pooled = torch.stack([x.mean(0) for x in h.split(d["n"].tolist())])
        return self["spot"](h), self["kind"](pooled)


def both_cost(z, d):
    spot = ((z[0] - steps(d, "v")) ** 2).mean(1)
    return 0.5 * spot.mean() + 1.5 * F.cross_entropy(z[1], d["c"])


BOTH_MODEL = """model:
  inputs: {seq: [7, 4]}
  layers:
    - {type: dense, units: 6, activation: tanh, name: d1}
    - {type: dense, units: 2, name: spot}
    - {type: global_avg_pool, from: d1, name: all}
    - {type: dense, units: 3, name: kind}
heads:
  at: {from: spot, cost: mse, weight: 0.5}
  of: {from: kind, cost: cross_entropy, weight: 1.5}
"""


def both_data(rng):
    n = lengths(rng)
    return dict(x=filled(exact(rng, STEPS, 4), n), v=filled(exact(rng, STEPS, 2), n), c=rng.integers(0, 3, SAMPLES), n=n)


CASES = {
    "lengths_steps": dict(net=Steps, cost=steps_cost, data=steps_data, model=STEPS_MODEL, optimizer="{type: sgd, lr: 0.05, momentum: 0.9}",
                          opt=lambda p: torch.optim.SGD(p, 0.05, momentum=0.9), source="inputs: x, targets: y, weights: w, lengths: n"),
    "lengths_both": dict(net=Both, cost=both_cost, data=both_data, model=BOTH_MODEL, optimizer="{type: adam, lr: 0.003}",
                         opt=lambda p: torch.optim.Adam(p, 0.003, eps=1e-3),
                         source="inputs: {seq: x}, targets: {at: v, of: c}, lengths: {seq: n}"),
}

if __name__ == "__main__":
    for name in sys.argv[2:] or CASES:
        make(name, CASES[name], sys.argv[1])
        print(name)
