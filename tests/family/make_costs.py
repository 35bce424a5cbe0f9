#!/usr/bin/env python3
"""Writes evidence of the costs beyond make_evidence.py's: whole files of mae, huber, kl and focal, further cases of the others.

    python make_costs.py               (NumPy and PyTorch 2, in float64; run after make_evidence.py, whose files it goes on from its mark)

The same format as make_evidence.py's. PyTorch's own function gives cost and gradient where there is one; focal costs, the chapter's smoothing and
everything checked a second time are plain NumPy.
"""
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = "# From here on written by make_costs.py."
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(1511)


def number(x):
    text = repr(float(x))
    assert math.isfinite(float(x)), text
    return text[:-2] if text.endswith(".0") else text


def write(member, source, cases, extend):
    path = os.path.join(HERE, "cost", member + ".txt")
    head = [f"# cost {member}: {source}. Written by make_costs.py."]
    if extend:
        with open(path) as f:
            head = f.read().split(MARK)[0].splitlines() + [MARK]
    with open(path, "w") as f:
        f.write("\n".join(head + cases) + "\n")


def case(name, settings, **tensors):
    lines = [f"case {name}", f"set {settings}"]
    for key, value in tensors.items():
        a = np.asarray(value, dtype=np.float64)
        lines.append(" ".join(["tensor", key, *map(str, a.shape), ":", *map(number, a.ravel())]))
    return lines


def draw(*shape, scale=1.0):
    return np.round(scale * rng.normal(size=shape), 6)


def by_torch(name, settings, z, y, cost, predict, weight=None, evaluated=None):
    """cost(z) gives each sample's cost, weights in it; PyTorch differentiates their mean."""
    z = torch.tensor(np.asarray(z, dtype=np.float64), requires_grad=True)
    each = cost(z)
    mean = each.sum() / (len(each) if weight is None else weight.sum())
    mean.backward()
    more = {} if weight is None else {"weight": weight}
    return case(name, settings, output=z.detach(), target=y, each=each.detach(), mean=mean.detach(), doutput=z.grad, prediction=predict(z.detach()),
                each_evaluate=(each if evaluated is None else evaluated(z)).detach(), **more)


def by_numpy(name, settings, z, y, each, slope, prediction, evaluated=None):
    """each and slope (of each sample's own cost) come from formulas; both are compared with central differences before they are written."""
    z = np.asarray(z, dtype=np.float64)
    e, d = each(z), slope(z)
    h = 1e-6
    for i in np.ndindex(*z.shape):
        up, down = z.copy(), z.copy()
        up[i] += h
        down[i] -= h
        difference = (each(up).sum() - each(down).sum()) / (2 * h)
        assert abs(difference - d[i]) < 1e-5 * max(1, abs(d[i])) or np.abs(z).max() > 100, (name, i, difference, d[i])
    return case(name, settings, output=z, target=y, each=e, mean=e.sum() / len(e), doutput=d / len(e), prediction=prediction(z),
                each_evaluate=e if evaluated is None else evaluated(z))


# -------------------------------------------------------------------------------------------------- NumPy's formulas

def log_softmax(z):
    s = z - z.max(1, keepdims=True)
    return s - np.log(np.exp(s).sum(1, keepdims=True))


def softmax(z):
    return np.exp(log_softmax(z))


def one_hot(y, k):
    return np.eye(k)[np.asarray(y)]


def smoothed(y, k, e, form):
    hot = one_hot(y, k)
    return {"szegedy": hot * (1 - e) + e / k, "chapter": np.where(hot == 1, 1 - e, e / k), "kminus1": np.where(hot == 1, 1 - e, e / (k - 1))}[form]


def softplus(z):
    return np.logaddexp(0, z)


def sigmoid(z):
    return np.exp(-softplus(-z))


def two(z):
    return np.concatenate([sigmoid(-z), sigmoid(z)], 1)


# ------------------------------------------------------------------------------------------------------------ costs

def cross_entropy():
    out, soft = [], lambda z: torch.softmax(z, -1)

    def smoothing(name, z, y, e, form):
        k = z.shape[1]
        q = smoothed(y, k, e, form)
        each = lambda v: -(q * log_softmax(v)).sum(1)
        plain = lambda v: -np.take_along_axis(log_softmax(v), np.asarray(y)[:, None], 1)[:, 0]
        slope = lambda v: softmax(v) * q.sum(1, keepdims=True) - q
        if form == "szegedy":
            assert np.allclose(each(z), F.cross_entropy(torch.tensor(z), torch.tensor(y), reduction="none", label_smoothing=e), rtol=1e-13)
        return by_numpy(name, f"{{type: cross_entropy, label_smoothing: {e}, smoothing: {form}}}", z, y, each, slope, softmax, plain)

    for form in ("szegedy", "chapter", "kminus1"):
        out += smoothing(f"vector_{form}", np.array([[2, 1, 0.1]]), [0], 0.1, form)
        out += smoothing(f"two_classes_{form}", draw(3, 2), [0, 1, 1], 0.3, form)
        out += smoothing(f"nearly_all_{form}", draw(2, 5, scale=3), [4, 0], 0.999, form)
        out += smoothing(f"extreme_{form}", np.array([[1e4, -1e4, 0.0], [0.0, 0.0, 0.0]]), [1, 2], 0.1, form)
    y = torch.tensor([2, 2, 0, 1, 2, 0])
    w = torch.tensor([0.25, 3.0, 0.5])
    out += by_torch("weights", "{type: cross_entropy, class_weights: [0.25, 3, 0.5]}", draw(6, 3), y, lambda z: F.cross_entropy(z, y, w, reduction="none"), soft, w[y])
    one = torch.tensor([1])
    out += by_torch("one_sample", "{type: cross_entropy, class_weights: [0.25, 3, 0.5]}", draw(1, 3), one, lambda z: F.cross_entropy(z, one, w, reduction="none"), soft, w[one])
    e, k = 0.2, 3
    q = torch.tensor(smoothed(y.numpy(), k, e, "szegedy"))
    out += by_torch("weights_and_smoothing", "{type: cross_entropy, class_weights: [0.25, 3, 0.5], label_smoothing: 0.2}", draw(6, 3), y,
                    lambda z: -(q * torch.log_softmax(z, -1)).sum(-1) * w[y], soft, w[y], lambda z: F.cross_entropy(z, y, w, reduction="none"))
    write("cross_entropy", "", out, True)


def binary_cross_entropy():
    out = []

    def bce(t, **more):
        return lambda z: F.binary_cross_entropy_with_logits(z, torch.as_tensor(t).double().reshape(z.shape), reduction="none", **more).flatten(1).mean(-1)

    t = [1, 0, 1, 0, 0]
    both = lambda z: torch.cat([torch.sigmoid(-z), torch.sigmoid(z)], 1)
    out += by_torch("vector", "binary_cross_entropy", [[-3.0], [0], [100], [-100]], [1, 0, 0, 1], bce([1, 0, 0, 1]), both)
    out += by_torch("rare_positive", "{type: binary_cross_entropy, positive_weight: 0.2}", draw(5, 1, scale=4), t, bce(t, pos_weight=torch.tensor(0.2)), both)
    out += by_torch("one_sample", "{type: binary_cross_entropy, positive_weight: 7}", [[0.0]], [1], bce([1], pos_weight=torch.tensor(7.0)), both)
    t = np.array([[0, 1, 1], [0.25, 0, 0.9]])
    out += by_torch("shares_of_labels", "{type: binary_cross_entropy, positive_weight: 2}", draw(2, 3, scale=3), t, bce(t, pos_weight=torch.tensor(2.0)), torch.sigmoid)
    t = rng.integers(0, 2, size=(2, 2, 3, 1))
    out += by_torch("picture_of_labels", "binary_cross_entropy", draw(2, 2, 3, 1), t, bce(t), torch.sigmoid)
    t = np.array([[1, 0], [0, 1]])
    out += by_torch("extreme_labels", "binary_cross_entropy", [[1e4, 1e4], [-1e4, -1e4]], t, bce(t), torch.sigmoid)
    write("binary_cross_entropy", "", out, True)


def values():
    same = lambda z: z
    sets = {"mse": ("torch.nn.functional.mse_loss", F.mse_loss, [""]), "mae": ("torch.nn.functional.l1_loss", F.l1_loss, [""]),
            "huber": ("torch.nn.functional.huber_loss", F.huber_loss, ["", "delta: 0.25", "delta: 5"])}
    for member, (source, loss, settings) in sets.items():
        out = []
        for i, s in enumerate(settings):
            more = {"delta": float(s.split()[1])} if s else {}
            f = lambda t, collect: lambda z: collect(loss(z, torch.as_tensor(t).reshape(z.shape), reduction="none", **more).flatten(1), -1)
            written = lambda *keys: "{" + ", ".join(["type: " + member, *[k for k in keys if k]]) + "}"
            end = f"_{i}" if i else ""
            t = draw(4, 3)
            out += by_torch("elements" + end, written(s), draw(4, 3, scale=2), t, f(t, torch.mean), same)
            t = draw(3, 2, 2)
            out += by_torch("sums" + end, written(s, "per: sample"), draw(3, 2, 2, scale=2), t, f(t, torch.sum), same)
            t = draw(5)
            out += by_torch("one_output" + end, written(s, "per: sample"), draw(5, 1), t, f(t, torch.sum), same)
        more, t = {}, np.array([[1.0, -2.0]])
        out += by_torch("met", member, t, t, f(t, torch.mean), same)
        out += by_torch("far", member, [[1e4, -1e4]], t, f(t, torch.mean), same)
        if member == "huber":
            out += by_torch("corners", "huber", [[1.0, -1.0, 0.5, -3.0]], np.zeros((1, 4)), lambda z: F.huber_loss(z, torch.zeros(1, 4), reduction="none").mean(-1), same)
        write(member, source, out, member == "mse")


def kl():
    out, soft = [], lambda z: torch.softmax(z, -1)
    cost = lambda q: lambda z: F.kl_div(torch.log_softmax(z, -1), torch.tensor(q), reduction="none").sum(-1)
    q = softmax(draw(4, 5, scale=2))
    out += by_torch("plain", "kl", draw(4, 5), q, cost(q), soft)
    hot = one_hot([1, 0, 2], 3)
    out += by_torch("certain", "kl", draw(3, 3), hot, cost(hot), soft)
    q = softmax(draw(2, 4))
    out += by_torch("equal_logits", "kl", np.full((2, 4), -3.0), q, cost(q), soft)
    z = draw(2, 3, scale=3)
    q = np.stack([softmax(z)[0], softmax(z)[1, ::-1]])
    out += by_torch("one_met", "kl", z, q, cost(q), soft)
    q = np.array([[0.5, 0.5, 0], [0, 0, 1], [0.25, 0.5, 0.25]])
    out += by_torch("extreme_logits", "kl", [[1e4, -1e4, 0], [1e4, -1e4, 1e4], [-1e4, -1e4, -1e4]], q, cost(q), soft)
    q = np.array([[0.2, 0.3]])
    out += by_torch("sum_below_one", "kl", draw(1, 2), q, cost(q), soft)
    write("kl", "torch.nn.functional.kl_div of log_softmax", out, False)


def focal():
    out = []

    def classes(name, settings, z, y, gamma, alpha=None):
        k = z.shape[1]
        hot = one_hot(y, k)
        a = np.ones(len(y)) if alpha is None else np.asarray(alpha)[np.asarray(y)]
        logp = lambda v: (log_softmax(v) * hot).sum(1)
        rest = lambda v: (softmax(v) * (1 - hot)).sum(1)
        each = lambda v: -a * rest(v) ** gamma * logp(v)

        def slope(v):
            p, r, l = np.exp(logp(v)), rest(v), logp(v)
            inner = np.where(r > 0, gamma * p * l / np.where(r > 0, r, 1) - 1, -gamma - 1)  # log p / (1 - p) goes to -1
            return (a * r ** gamma * inner)[:, None] * (hot - softmax(v))
        return by_numpy(name, settings, z, y, each, slope, softmax)

    y = [0, 3, 1, 2, 2]
    out += classes("default", "focal", draw(5, 4), y, 2)
    out += classes("sharp", "{type: focal, gamma: 5}", draw(5, 4, scale=3), y, 5)
    out += classes("mild", "{type: focal, gamma: 0.5}", draw(5, 4), y, 0.5)
    out += classes("alpha", "{type: focal, gamma: 2, alpha: [0.25, 1, 0, 2]}", draw(5, 4), y, 2, [0.25, 1, 0, 2])
    out += classes("equal_logits", "focal", np.full((1, 3), 7.0), [1], 2)
    out += classes("extreme_logits", "focal", np.array([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, 0]]), [0, 1, 2, 1], 2)
    z = draw(4, 3)
    plain = by_torch("as_cross_entropy", "{type: focal, gamma: 0}", z, [0, 2, 1, 1], lambda v: F.cross_entropy(v, torch.tensor([0, 2, 1, 1]), reduction="none"), lambda v: torch.softmax(v, -1))
    out += plain

    def binary(name, settings, z, y, gamma, alpha=None):
        z, t = np.asarray(z, dtype=np.float64), np.asarray(y, dtype=np.float64)[:, None]
        a = 1 if alpha is None else np.where(t == 1, alpha, 1 - alpha)
        s = 2 * t - 1  # the right class has probability sigmoid(s z)
        each = lambda v: (a * sigmoid(-s * v) ** gamma * softplus(-s * v))[:, 0]
        slope = lambda v: -s * a * sigmoid(-s * v) ** gamma * (gamma * sigmoid(s * v) * softplus(-s * v) + sigmoid(-s * v))
        return by_numpy(name, settings, z, y, each, slope, two)

    t = [1, 0, 0, 1, 1, 0]
    out += binary("one_output", "focal", draw(6, 1, scale=2), t, 2)
    out += binary("one_output_alpha", "{type: focal, gamma: 1.5, alpha: 0.25}", draw(6, 1, scale=2), t, 1.5, 0.25)
    out += binary("one_output_extreme", "focal", [[1e4], [1e4], [-1e4], [-1e4], [0], [0]], t, 2)
    write("focal", "Lin et al. 2017, equation 5, in NumPy; its slope in closed form, compared with differences", out, False)


cross_entropy(), binary_cross_entropy(), values(), kl(), focal()
