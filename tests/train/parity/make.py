#!/usr/bin/env python3
"""Makes the fixtures of tests/train/test_parity.c: twenty updates by PyTorch in float64 from the weights of `gradus init`.

Usage, from the project's root, with numpy, torch and safetensors: python tests/train/parity/make.py build/gradus [CASE...]
Each case becomes a folder: recipe.yaml, x.npy, y.npy (or t.csv), start.safetensors, want.safetensors; where weights are averaged also what the average is by
torch.optim.swa_utils, its running statistics by update_bn (swa.batches.safetensors) and weighted by samples (swa.samples.safetensors). SAM is written out here, schedule-free SGD is its authors' package.
"""
import os, subprocess, sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import load_file, save_file
from torch.optim import swa_utils

HERE = os.path.dirname(os.path.realpath(__file__))
STEPS, BATCH, SAMPLES = 20, 16, 50  # the last batch of an epoch is short
torch.set_default_dtype(torch.float64)


class Net(nn.Module):
    """Layers by name, in order; pictures come as N,H,W,C."""

    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleDict(layers)

    def forward(self, x):
        x = x.permute(0, 3, 1, 2) if x.dim() == 4 else x
        for layer in self.layers.values():
            x = layer(x)
        return x


def free(p):
    """Schedule-free SGD by its authors' package (pip install --no-deps schedulefree)."""
    import schedulefree
    return schedulefree.SGDScheduleFree(p, 0.1, momentum=0.8)


NORMALISED = ["{type: conv, filters: 6, kernel: 3, padding: same, bias: false, name: c1}", "{type: batch_norm, name: n1}", "relu", "{type: max_pool, size: 2}",
              "flatten", "{type: dense, units: 9, bias: false, name: h}", "{type: batch_norm, momentum: 0.3, eps: 0.01, name: n2}", "tanh", "{type: dense, units: 5, name: head}"]


def normalised():
    return Net({"c1": nn.Conv2d(3, 6, 3, padding=1, bias=False), "n1": nn.BatchNorm2d(6), "r": nn.ReLU(), "p": nn.MaxPool2d(2), "f": nn.Flatten(),
                "h": nn.Linear(72, 9, bias=False), "n2": nn.BatchNorm1d(9, momentum=0.3, eps=0.01), "t": nn.Tanh(), "head": nn.Linear(9, 5)})


CASES = {
    "dense_sgd": dict(
        shape=[13], classes=5, cost="cross_entropy", optimizer="{type: sgd, lr: 0.1}",
        layers=["{type: dense, units: 17, activation: relu, name: h}", "{type: dense, units: 5, name: head}"],
        net=lambda: Net({"h": nn.Linear(13, 17), "r": nn.ReLU(), "head": nn.Linear(17, 5)}), opt=lambda p: torch.optim.SGD(p, 0.1)),
    "dense_adam": dict(
        shape=[13], classes=5, cost="cross_entropy", optimizer="{type: adam, lr: 0.003}",
        layers=["{type: dense, units: 17, activation: tanh, name: h}", "{type: dense, units: 5, name: head}"],
        net=lambda: Net({"h": nn.Linear(13, 17), "t": nn.Tanh(), "head": nn.Linear(17, 5)}), opt=lambda p: torch.optim.Adam(p, 0.003, eps=1e-3)),
    "conv_pool_momentum": dict(
        shape=[11, 9, 3], classes=5, cost="cross_entropy", optimizer="{type: sgd, lr: 0.03, momentum: 0.9}",
        layers=["{type: conv, filters: 6, kernel: 3, padding: same, activation: relu, name: c1}", "{type: max_pool, size: 2}",
                "{type: conv, filters: 7, kernel: [3, 2], stride: 2, padding: 1, activation: leaky_relu, name: c2}", "{type: avg_pool, size: 2, stride: 1}",
                "flatten", "{type: dense, units: 5, name: head}"],
        net=lambda: Net({"c1": nn.Conv2d(3, 6, 3, padding=1), "r": nn.ReLU(), "p": nn.MaxPool2d(2), "c2": nn.Conv2d(6, 7, (3, 2), 2, 1), "l": nn.LeakyReLU(0.01),
                         "a": nn.AvgPool2d(2, 1), "f": nn.Flatten(), "head": nn.Linear(28, 5)}), opt=lambda p: torch.optim.SGD(p, 0.03, momentum=0.9)),
    "bce": dict(
        shape=[7], classes=2, cost="binary_cross_entropy", optimizer="{type: sgd, lr: 0.1}",
        layers=["{type: dense, units: 11, activation: sigmoid, name: h}", "{type: dense, units: 1, name: head}"],
        net=lambda: Net({"h": nn.Linear(7, 11), "s": nn.Sigmoid(), "head": nn.Linear(11, 1)}), opt=lambda p: torch.optim.SGD(p, 0.1)),
    "mse": dict(
        shape=[6], classes=0, cost="mse", optimizer="{type: sgd, lr: 0.1}",
        layers=["{type: dense, units: 14, activation: tanh, name: h}", "{type: dense, units: 3, name: head}"],
        net=lambda: Net({"h": nn.Linear(6, 14), "t": nn.Tanh(), "head": nn.Linear(14, 3)}), opt=lambda p: torch.optim.SGD(p, 0.1)),
    "batch_norm_swa": dict(
        shape=[8, 6, 3], classes=5, cost="cross_entropy", optimizer="{type: sgd, lr: 0.03, momentum: 0.9}", layers=NORMALISED, net=normalised,
        average=dict(start=0.5, cycle=4, text="{type: swa, start: 0.5, cycle: 4}"), opt=lambda p: torch.optim.SGD(p, 0.03, momentum=0.9)),
    "batch_norm_ema": dict(
        shape=[8, 6, 3], classes=5, cost="cross_entropy", optimizer="{type: sgd, lr: 0.03, momentum: 0.9}", layers=NORMALISED, net=normalised,
        average=dict(start=0.1, cycle=1, text="{type: ema, start: 2, decay: 0.8}", by=dict(multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.8))),
        opt=lambda p: torch.optim.SGD(p, 0.03, momentum=0.9)),
    "batch_norm_sam": dict(
        shape=[8, 6, 3], classes=5, cost="cross_entropy", optimizer="{type: sgd, lr: 0.03, momentum: 0.9}", layers=NORMALISED, net=normalised,
        sam=dict(rho=0.2, adaptive=False), opt=lambda p: torch.optim.SGD(p, 0.03, momentum=0.9)),
    "dense_asam": dict(
        shape=[13], classes=5, cost="cross_entropy", optimizer="{type: adam, lr: 0.003}", sam=dict(rho=0.5, adaptive=True),
        layers=["{type: dense, units: 17, activation: tanh, name: h}", "{type: dense, units: 5, name: head}"],
        net=lambda: Net({"h": nn.Linear(13, 17), "t": nn.Tanh(), "head": nn.Linear(17, 5)}), opt=lambda p: torch.optim.Adam(p, 0.003, eps=1e-3)),
    "schedule_free": dict(
        shape=[13], classes=5, cost="cross_entropy", optimizer="{type: schedule_free_sgd, lr: 0.1, momentum: 0.8}",
        layers=["{type: dense, units: 17, activation: tanh, name: h}", "{type: dense, units: 5, name: head}"],
        net=lambda: Net({"h": nn.Linear(13, 17), "t": nn.Tanh(), "head": nn.Linear(17, 5)}), opt=free),
}


def cost(kind, z, y):
    if kind == "cross_entropy":
        return F.cross_entropy(z, y)
    if kind == "binary_cross_entropy":
        return F.binary_cross_entropy_with_logits(z[:, 0], y.to(z.dtype))
    return F.mse_loss(z, y)


def state(net, prefix):
    """Weights and running statistics under our names."""
    return {k.removeprefix(prefix): v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked") and k != "n_averaged"}


def save(tensors, path):
    save_file({k: v.detach().numpy().copy() for k, v in tensors.items()}, path)


def statistics_by_samples(net, batches):
    """Running statistics as means over the samples of one pass: what each batch gives alone, weighted by its size."""
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    sums, n = [[0, 0] for _ in norms], 0
    for m in norms:
        m.momentum = 1.0
    net.train()
    for x in batches:
        net(x)
        n += len(x)
        for s, m in zip(sums, norms):
            s[0], s[1] = s[0] + len(x) * m.running_mean, s[1] + len(x) * m.running_var
    for s, m in zip(sums, norms):
        m.running_mean.copy_(s[0] / n)
        m.running_var.copy_(s[1] / n)


def climb(net, rho, adaptive):
    """SAM, from the first gradient: the weights move up; what they were before is returned. Statistics stay as the first pass has left them."""
    grads = [(p.abs() if adaptive else 1) * p.grad for p in net.parameters()]
    norm, before = torch.sqrt(sum((g ** 2).sum() for g in grads)), [p.detach().clone() for p in net.parameters()]
    with torch.no_grad():
        for p in net.parameters():
            p.add_((p ** 2 if adaptive else 1) * p.grad * rho / norm)
    return before


def second_gradient(net, c, x, y):
    norms = [(m, m.momentum) for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    before = climb(net, **c["sam"])
    for m, _ in norms:
        m.momentum = 0
    net.zero_grad()
    cost(c["cost"], net(x), y).backward()
    for m, momentum in norms:
        m.momentum = momentum
    with torch.no_grad():
        for p, w in zip(net.parameters(), before):
            p.copy_(w)


def make(name, c, gradus):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(len(name))
    x = (rng.integers(-128, 129, (SAMPLES, *c["shape"])) / 64).astype(np.float32)  # exact in every type
    y = rng.integers(0, c["classes"], SAMPLES) if c["classes"] else (rng.integers(-128, 129, (SAMPLES, 3)) / 64).astype(np.float32)
    np.save(os.path.join(folder, "x.npy"), x)
    np.save(os.path.join(folder, "y.npy"), y)
    with open(os.path.join(folder, "recipe.yaml"), "w") as f:
        f.write(f"gradus: 1\nname: {name}\nseed: 7\n"
                f"data: {{train: {{type: npy, inputs: x.npy, targets: y.npy}}, shuffle: none, batch: {BATCH}}}\n"
                f"model:\n  input: {c['shape']}\n  layers:\n" + "".join(f"    - {layer}\n" for layer in c["layers"]) +
                f"cost: {c['cost']}\noptimizer: {c['optimizer']}\nschedule: constant\nstop: {{steps: {STEPS}}}\nalgorithm: exact\n" +
                (f"average: {c['average']['text']}\n" if "average" in c else "") +
                ("sam: {rho: %g, adaptive: %s}\n" % (c["sam"]["rho"], str(c["sam"]["adaptive"]).lower()) if "sam" in c else ""))
    start = os.path.join(folder, "start.safetensors")
    subprocess.run([gradus, "init", os.path.join(folder, "recipe.yaml"), "-o", start, "--quiet", "--set", "precision=float64"], check=True)
    net = c["net"]()
    weights = load_file(start)
    save_file(weights, start)  # the weights alone: no paths of the machine that made them
    own = state(net, "layers.")
    assert own.keys() == weights.keys(), (own.keys(), weights.keys())
    with torch.no_grad():
        for k, v in own.items():
            v.copy_(torch.from_numpy(weights[k]))
    opt, mean = c["opt"](net.parameters()), swa_utils.AveragedModel(net, **c.get("average", {}).get("by", {}))
    if hasattr(opt, "train"):
        opt.train()
    tx, ty = torch.from_numpy(x.astype(np.float64)), torch.from_numpy(y if c["classes"] else y.astype(np.float64))
    batches = [slice(a, a + BATCH) for a in range(0, SAMPLES, BATCH)]
    for t in range(STEPS):
        b = batches[t % len(batches)]
        opt.zero_grad()
        cost(c["cost"], net(tx[b]), ty[b]).backward()
        if "sam" in c:
            second_gradient(net, c, tx[b], ty[b])
        opt.step()
        if "average" in c and t + 1 >= c["average"]["start"] * STEPS and (t + 1) % c["average"]["cycle"] == 0:
            mean.update_parameters(net)
    if hasattr(opt, "eval"):
        opt.eval()
    save(own, os.path.join(folder, "want.safetensors"))
    if "average" not in c:
        return
    with torch.no_grad():
        swa_utils.update_bn([tx[b] for b in batches], mean)
        save(state(mean, "module.layers."), os.path.join(folder, "swa.batches.safetensors"))
        statistics_by_samples(mean, [tx[b] for b in batches])
        save(state(mean, "module.layers."), os.path.join(folder, "swa.samples.safetensors"))


for name in sys.argv[2:] or CASES:
    make(name, CASES[name], sys.argv[1])
    print(name)
