#!/usr/bin/env python3
"""Makes the fixtures of tests/train/test_parity.c: twenty updates by PyTorch in float64 of networks with several inputs, heads, weights.

Usage, from the project's root, with numpy, torch and safetensors: python tests/train/parity/make_heads.py build/gradus [CASE...]
Each case becomes a folder: recipe.yaml, data.npz, start.safetensors (from `gradus init`), want.safetensors with the weights after the last
update, costs.txt with the cost of each update.
"""
import os, subprocess, sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import load_file, save_file

HERE = os.path.dirname(os.path.realpath(__file__))
STEPS, BATCH, SAMPLES = 20, 16, 50  # the last batch of an epoch is short
torch.set_default_dtype(torch.float64)


def mean(each, weight):
    """The mean of rows that weigh so much."""
    return (each * weight).sum() / weight.sum()


# ---- two inputs, two heads, weights ----

class Two(nn.ModuleDict):
    def __init__(self):
        super().__init__({"c1": nn.Conv2d(1, 4, 3), "f": nn.Linear(4 * 6 * 6, 8), "d1": nn.Linear(5, 8), "trunk": nn.Linear(8, 16),
                          "head1": nn.Linear(16, 3), "head2": nn.Linear(16, 2)})

    def forward(self, d):
        image = F.relu(self["c1"](d["x1"].permute(0, 3, 1, 2)))
        both = self["f"](image.flatten(1)) + F.relu(self["d1"](d["x2"]))
        trunk = F.relu(self["trunk"](both))
        return self["head1"](trunk), self["head2"](trunk)


def two_cost(z, d):
    kind = F.cross_entropy(z[0], d["y1"], reduction="none")
    price = ((z[1] - d["y2"]) ** 2).mean(1)
    return mean(kind, d["w"]) + 0.1 * mean(price, d["w"])


TWO = """model:
  inputs: {image: [8, 8, 1], table: [5]}
  layers:
    - {type: conv, filters: 4, kernel: 3, activation: relu, from: image, name: c1}
    - flatten
    - {type: dense, units: 8, name: f}
    - {type: dense, units: 8, activation: relu, from: table, name: d1}
    - {type: add, from: [f, d1], name: both}
    - {type: dense, units: 16, activation: relu, name: trunk}
    - {type: dense, units: 3, from: trunk, name: head1}
    - {type: dense, units: 2, from: trunk, name: head2}
heads:
  kind: {from: head1, cost: cross_entropy, weight: 1.0}
  price: {from: head2, cost: mse, weight: 0.1}
"""


def two_data(rng):
    return dict(x1=exact(rng, 8, 8, 1), x2=exact(rng, 5), y1=rng.integers(0, 3, SAMPLES), y2=exact(rng, 2), w=weights(rng))


# ---- a class a position, whose classes weigh differently ----

class Positions(nn.ModuleDict):
    def __init__(self):
        super().__init__({"c1": nn.Conv1d(4, 7, 3, padding=1), "d1": nn.Linear(7, 3)})

    def forward(self, d):
        return self["d1"](torch.tanh(self["c1"](d["xs"].permute(0, 2, 1)).permute(0, 2, 1)))


POSITIONS = """model:
  input: [6, 4]
  layers:
    - {type: conv, filters: 7, kernel: 3, padding: same, activation: tanh, name: c1}
    - {type: dense, units: 3, name: d1}
cost: {type: cross_entropy, class_weights: [0.5, 2, 1.25]}
"""


def positions_data(rng):
    return dict(xs=exact(rng, 6, 4), yt=rng.integers(0, 3, (SAMPLES, 6)))


# ---- both: positions and samples, weights of samples and of classes ----

class Mixed(nn.ModuleDict):
    def __init__(self):
        super().__init__({"c1": nn.Conv1d(4, 7, 3, padding=1), "spot": nn.Linear(7, 3), "g": nn.Linear(5, 7), "trunk": nn.Linear(7, 6), "kind": nn.Linear(6, 4)})

    def forward(self, d):
        steps = torch.tanh(self["c1"](d["xs"].permute(0, 2, 1)))
        trunk = torch.tanh(self["trunk"](steps.mean(2) + self["g"](d["x2"])))
        return self["spot"](steps.permute(0, 2, 1)), self["kind"](trunk)


def mixed_cost(z, d):
    rows = d["w"][:, None].expand(-1, 6).reshape(-1)
    spot = F.cross_entropy(z[0].reshape(-1, 3), d["yt"].reshape(-1), reduction="none")
    classes = torch.tensor([1, 0.5, 2, 1.5])[d["yk"]]
    kind = F.cross_entropy(z[1], d["yk"], reduction="none")
    return 0.75 * mean(spot, rows) + 1.5 * mean(kind, d["w"] * classes)


MIXED = """model:
  inputs: {steps: [6, 4], table: [5]}
  layers:
    - {type: conv, filters: 7, kernel: 3, padding: same, activation: tanh, from: steps, name: c1}
    - {type: dense, units: 3, name: spot}
    - {type: global_avg_pool, from: c1, name: all}
    - {type: dense, units: 7, from: table, name: g}
    - {type: add, from: [all, g], name: both}
    - {type: dense, units: 6, activation: tanh, name: trunk}
    - {type: dense, units: 4, name: kind}
heads:
  at: {from: spot, cost: cross_entropy, weight: 0.75}
  of: {from: kind, cost: {type: cross_entropy, class_weights: [1, 0.5, 2, 1.5]}, weight: 1.5}
"""


def mixed_data(rng):
    return dict(xs=exact(rng, 6, 4), x2=exact(rng, 5), yt=rng.integers(0, 3, (SAMPLES, 6)), yk=rng.integers(0, 4, SAMPLES), w=weights(rng))


CASES = {
    "two_heads": dict(net=Two, cost=two_cost, data=two_data, model=TWO, optimizer="{type: adam, lr: 0.003}",
                      opt=lambda p: torch.optim.Adam(p, 0.003, eps=1e-3),
                      source="inputs: {image: x1, table: x2}, targets: {kind: y1, price: y2}, weights: w"),
    "positions": dict(net=Positions, cost=lambda z, d: F.cross_entropy(z.permute(0, 2, 1), d["yt"], torch.tensor([0.5, 2, 1.25])), data=positions_data,
                      model=POSITIONS, optimizer="{type: sgd, lr: 0.05, momentum: 0.9}", opt=lambda p: torch.optim.SGD(p, 0.05, momentum=0.9),
                      source="inputs: xs, targets: yt"),
    "mixed_heads": dict(net=Mixed, cost=mixed_cost, data=mixed_data, model=MIXED, optimizer="{type: sgd, lr: 0.05}",
                        opt=lambda p: torch.optim.SGD(p, 0.05),
                        source="inputs: {steps: xs, table: x2}, targets: {at: yt, of: yk}, weights: w"),
}


def exact(rng, *shape):
    return (rng.integers(-128, 129, (SAMPLES, *shape)) / 64).astype(np.float32)  # exact in every type


def weights(rng):
    return (rng.integers(0, 9, SAMPLES) / 4).astype(np.float32)  # some samples weigh nothing


def make(name, c, gradus):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    data = c["data"](np.random.default_rng(len(name)))
    np.savez(os.path.join(folder, "data.npz"), **data)
    recipe, start = os.path.join(folder, "recipe.yaml"), os.path.join(folder, "start.safetensors")
    with open(recipe, "w") as f:
        f.write(f"gradus: 1\nname: {name}\nseed: 7\n"
                f"data: {{train: {{type: npz, file: data.npz, {c['source']}}}, shuffle: none, batch: {BATCH}}}\n" + c["model"] +
                f"optimizer: {c['optimizer']}\nschedule: constant\nstop: {{steps: {STEPS}}}\nalgorithm: exact\n")
    subprocess.run([gradus, "init", recipe, "-o", start, "--quiet", "--set", "precision=float64"], check=True)
    net, given = c["net"](), load_file(start)
    save_file(given, start)  # the weights alone: no paths of the machine that made them
    own = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert own.keys() == given.keys(), (own.keys(), given.keys())
    with torch.no_grad():
        for k, v in own.items():
            v.copy_(torch.from_numpy(given[k]))
    opt = c["opt"](net.parameters())
    tensors = {k: torch.from_numpy(v if v.dtype == np.int64 else v.astype(np.float64)) for k, v in data.items()}
    batches = [slice(a, a + BATCH) for a in range(0, SAMPLES, BATCH)]
    costs = []
    for t in range(STEPS):
        d = {k: v[batches[t % len(batches)]] for k, v in tensors.items()}
        opt.zero_grad()
        cost = c["cost"](net(d), d)
        cost.backward()
        opt.step()
        costs.append(cost.item())
    save_file({k: v.detach().numpy().copy() for k, v in own.items()}, os.path.join(folder, "want.safetensors"))
    with open(os.path.join(folder, "costs.txt"), "w") as f:
        f.writelines(f"{x!r}\n" for x in costs)


if __name__ == "__main__":
    for name in sys.argv[2:] or CASES:
        make(name, CASES[name], sys.argv[1])
        print(name)
