#!/usr/bin/env python3
"""Writes the evidence of optimizers and penalties (but of adam and sgd, which make_evidence.py has), and random sequences of updates of all.

    python make_optimizers.py          (NumPy and PyTorch 2; the output stands beside this file and is committed, so tests need no Python)

Each method is its paper's equations in plain float64 NumPy, written apart from the members. Where PyTorch has the method in the same form, both
must agree before anything is written: over the twelve updates of the evidence, whose gradients are near 1, and over the random sequences, whose
gradients reach over twelve orders of magnitude with zeros among them: every update of every sequence, by the tolerance of its file
(in_torch() says which settings PyTorch has). Lion, Prodigy and the schedule-free methods are held against packages in the same way where these
are installed (pip install --no-deps lion-pytorch prodigyopt schedulefree; the last two are the authors'). Formats: optimizer/NAME.txt and penalty/NAME.txt as make_evidence.py says, with the words role (weight, bias), layer (last: of an output),
layout (conv: [O,KH,KW,I]), lr_scale and group_weight_decay (of a group that holds the parameter), the tensors z and hz (signs, and sums of
Hessian times z; NaN in updates whose curvature nobody may ask for). sequences/NAME.txt: see sequences() below.
"""
import importlib
import math
import os
from types import SimpleNamespace

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def number(x):
    x = float(x)
    if not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    return repr(x)[:-2] if repr(x).endswith(".0") else repr(x)


def norm(x):
    return math.sqrt(float(np.sum(x * x)))


# ------------------------------------------------------------------------------------------------- the methods
# rule(o, s, c, w, g) -> new w.  o: options; s: state (a dict); c: lr, t, trusted (weight or embedding), decay, z, hz, conv, scale.

def keep(s, name, like, start=0.0):
    return s.setdefault(name, np.full_like(like, start))


def gd(o, s, c, w, g):
    return w - c.lr * g


def summed(s, mu, damp, t, x):
    s["m"] = mu * keep(s, "m", x) + (x if t == 1 else (1 - damp) * x)
    return s["m"]


def sgdm(o, s, c, w, g):
    if o.lr_in_momentum:
        return w - summed(s, o.momentum, o.dampening, c.t, c.lr * g)
    return w - c.lr * summed(s, o.momentum, o.dampening, c.t, g)


def sgd(o, s, c, w, g):
    if o.momentum == 0:
        return gd(o, s, c, w, g)
    if o.nesterov:
        return w - c.lr * (g + o.momentum * summed(s, o.momentum, 0, c.t, g))
    return sgdm(o, s, c, w, g)


def nag(o, s, c, w, g):
    m = summed(s, o.momentum, 0, c.t, g)
    return w - c.lr * (m if o.form == "sutskever" else g + o.momentum * m)


def adagrad(o, s, c, w, g):
    s["G"] = keep(s, "G", w, o.init_accumulator) + g * g
    return w - c.lr / (1 + (c.t - 1) * o.lr_decay) * g / (np.sqrt(s["G"]) + o.eps)


def rmsprop(o, s, c, w, g):
    s["v"] = o.alpha * keep(s, "v", w, o.init_scale) + (1 - o.alpha) * g * g
    v = s["v"]
    if o.centered:
        s["mean"] = o.alpha * keep(s, "mean", w) + (1 - o.alpha) * g
        v = np.maximum(v - s["mean"] ** 2, 0)
    step = g / (np.sqrt(v + o.eps) if o.eps_in_sqrt else np.sqrt(v) + o.eps)
    if o.momentum:
        s["b"] = step = o.momentum * keep(s, "b", w) + step
    return w - c.lr * step


def adadelta(o, s, c, w, g):
    u = keep(s, "u", w)
    s["v"] = o.rho * keep(s, "v", w) + (1 - o.rho) * g * g
    d = np.sqrt(u + o.eps) / np.sqrt(s["v"] + o.eps) * g
    s["u"] = o.rho * u + (1 - o.rho) * d * d
    return w - c.lr * d


def moments(o, s, g):
    s["m"] = o.beta1 * keep(s, "m", g) + (1 - o.beta1) * g
    s["v"] = o.beta2 * keep(s, "v", g) + (1 - o.beta2) * g * g
    return s["m"], s["v"]


def adam(o, s, c, w, g):
    m, v = moments(o, s, g)
    a, b = 1 - o.beta1 ** c.t, 1 - o.beta2 ** c.t
    if o.eps_mode == "hat":
        return w - c.lr * math.sqrt(b) / a * m / (np.sqrt(v) + o.eps)
    return w - c.lr * (m / a) / (np.sqrt(v / b) + o.eps)


def amsgrad(o, s, c, w, g):
    m, v = moments(o, s, g)
    a, b = 1 - o.beta1 ** c.t, 1 - o.beta2 ** c.t
    s["top"] = np.maximum(keep(s, "top", w), v / b if o.form == "optax" else v)
    if o.form == "paper":
        return w - c.lr * m / (np.sqrt(s["top"]) + o.eps)
    return w - c.lr * (m / a) / (np.sqrt(s["top"] if o.form == "optax" else s["top"] / b) + o.eps)


def nadam(o, s, c, w, g):
    mu = lambda t: o.beta1 * (1 - 0.5 * 0.96 ** (t * o.psi))
    now, then = mu(c.t), mu(c.t + 1)
    product = s["product"] = s.get("product", 1.0) * now
    decay = now if o.form == "dozat" else o.beta1
    s["m"] = decay * keep(s, "m", w) + (1 - decay) * g
    s["v"] = o.beta2 * keep(s, "v", w) + (1 - o.beta2) * g * g
    if o.form == "simple":
        ahead = o.beta1 * s["m"] / (1 - o.beta1 ** (c.t + 1)) + (1 - o.beta1) * g / (1 - o.beta1 ** c.t)
    else:
        ahead = then * s["m"] / (1 - product * then) + (1 - now) * g / (1 - product)
    v = s["v"] / (1 - o.beta2 ** c.t) * (o.beta2 if o.form == "dozat" else 1)
    return w - c.lr * ahead / (np.sqrt(v) + o.eps)


def novograd(o, s, c, w, g):
    old = s.get("v", 0.0)
    s["v"] = float(np.sum(g * g)) if old == 0 else o.beta2 * old + (1 - o.beta2) * float(np.sum(g * g))
    below = math.sqrt(s["v"]) + o.eps
    u = (g / below if below else 0 * g) + c.decay * w
    if o.grad_averaging == "from_1" or (o.grad_averaging == "from_2" and c.t > 1):
        u = (1 - o.beta1) * u
    s["m"] = u if c.t == 1 else o.beta1 * s["m"] + u
    return w - c.lr * s["m"]


def rho(o, t):
    return 2 / (1 - o.beta2) - 1 - 2 * t * o.beta2 ** t / (1 - o.beta2 ** t)


def skips(o, t):
    """An update that is skipped does not decay either."""
    return getattr(o, "unrectified", "") == "skip" and not rho(o, t) > o.rho_threshold


def rectified(o, s, c, g):
    m, v = moments(o, s, g)
    a, b, now, top = 1 - o.beta1 ** c.t, 1 - o.beta2 ** c.t, rho(o, c.t), 2 / (1 - o.beta2) - 1
    if now > o.rho_threshold:
        r = math.sqrt((now - 4) * (now - 2) * top / ((top - 4) * (top - 2) * now))
        return r * (m / a) / (np.sqrt(v / b) + o.eps) if o.eps_mode == "corrected" else r * (m / a) * math.sqrt(b) / (np.sqrt(v) + o.eps)
    return 0 * m if skips(o, c.t) else m / a


def radam(o, s, c, w, g):
    return w - c.lr * rectified(o, s, c, g)


def lars(o, s, c, w, g):
    ratio = 1.0
    if c.trusted and norm(w) > 0 and norm(g) > 0:
        ratio = o.trust_coef * norm(w) / (norm(g) + c.decay * norm(w) + o.eps)
    step = ratio * (g + c.decay * w)
    if o.lr_in_momentum:
        s["m"] = o.momentum * keep(s, "m", w) + c.lr * step
        return w - s["m"]
    s["m"] = o.momentum * keep(s, "m", w) + step
    return w - c.lr * s["m"]


def trust(c, w, u, low, high):
    if not c.trusted or norm(w) == 0 or norm(u) == 0:
        return 1.0
    return min(max(norm(w), low), high) / norm(u)


def lamb(o, s, c, w, g):
    m, v = moments(o, s, g)
    if o.form == "chapter":
        r = np.where(v == 0, 0, m / np.sqrt(np.where(v == 0, 1, v)))
        ratio = 1.0
        if c.trusted and norm(w) > 0 and norm(r) > 0:
            ratio = min(max(norm(w), o.trust_low), o.trust_high) / (norm(r) + c.decay * norm(w))
        return w - c.lr * ratio * r
    if o.form == "paper":
        m, v = m / (1 - o.beta1 ** c.t), v / (1 - o.beta2 ** c.t)
    u = m / (np.sqrt(v) + o.eps) + c.decay * w
    return w - c.lr * trust(c, w, u, o.trust_low, o.trust_high) * u


def adahessian(o, s, c, w, g):
    s["m"] = o.beta1 * keep(s, "m", w) + (1 - o.beta1) * g
    keep(s, "v", w)
    if (c.t - 1) % o.hessian_interval == 0:
        d = c.z * c.hz
        if o.spatial != "signed":
            d = np.abs(d)
        if o.spatial != "none" and c.conv:
            d = np.broadcast_to(d.mean(axis=tuple(range(1, d.ndim - 1)), keepdims=True), d.shape)
        elif o.spatial != "none" and d.ndim == 2 and d.shape[1] % o.block_length == 0:
            rows = d.reshape(d.shape[0], -1, o.block_length)
            d = np.broadcast_to(rows.mean(axis=2, keepdims=True), rows.shape).reshape(d.shape)
        s["v"] = o.beta2 * s["v"] + (1 - o.beta2) * d * d
        s["n"] = s.get("n", 0) + 1
    root = np.sqrt(s["v"] / (1 - o.beta2 ** s["n"]))
    return w - c.lr * (s["m"] / (1 - o.beta1 ** c.t) / (root ** o.hessian_power + o.eps) + c.decay * w)


def rangerlars(o, s, c, w, g):
    u, decay = rectified(o, s, c, g), 0 if skips(o, c.t) else c.decay
    if o.form == "over9000":
        w = w - c.lr * decay * w
        after = w - c.lr * u
        size = min(norm(w), 10)  # of the decayed weights: that code decays in place before it measures
        ratio = size / norm(after) if c.trusted and size > 0 and norm(after) > 0 else 1.0
        return w - c.lr * ratio * u
    u = u + decay * w
    return w - c.lr * trust(c, w, u, 0, 10) * u


def swats(o, s, c, w, g):
    """One tensor; lr: with the group's scale in it; the second phase's rate follows the schedule from the switch on."""
    m, v = moments(o, s, g)
    base = c.lr / c.scale
    if "on" in s:
        s["b"] = o.beta1 * keep(s, "b", w) + g
        return w - (1 - o.beta1) * s["on"] * (base / s["base"] if s["base"] > 0 else 1) * c.scale * s["b"]
    p = -c.lr * (m / (1 - o.beta1 ** c.t)) / (np.sqrt(v / (1 - o.beta2 ** c.t)) + o.eps)
    pg = float(np.sum(p * g))
    if pg != 0:
        gamma = float(np.sum(p * p)) / -pg
        s["rate"] = o.beta2 * s.get("rate", 0.0) + (1 - o.beta2) * gamma
        mean = s["rate"] / (1 - o.beta2 ** c.t)
        limit, gap = o.switch_tol * (abs(mean) if o.switch_relative else 1), abs(mean - gamma)
        if c.t > 1 and o.switch_relative:
            assert abs(gap - limit) > 1e-7 * limit, "a decision too close for rounding: take another seed"
        if c.t > 1 and gap < limit and mean > 0:
            s["on"], s["base"] = mean, base
    return w + p


def lion(o, s, c, w, g):
    m = keep(s, "m", w)
    s["m"] = o.beta2 * m + (1 - o.beta2) * g
    return w - c.lr * np.sign(o.beta1 * m + (1 - o.beta1) * g)


def adan(o, s, c, w, g):
    d = g - s["last"] if "last" in s else 0 * g
    s["last"] = g
    s["m"] = o.beta1 * keep(s, "m", w) + (1 - o.beta1) * g
    s["v"] = o.beta2 * keep(s, "v", w) + (1 - o.beta2) * d
    s["n"] = o.beta3 * keep(s, "n", w) + (1 - o.beta3) * (g + o.beta2 * d) ** 2
    ahead = s["m"] / (1 - o.beta1 ** c.t) + o.beta2 * s["v"] / (1 - o.beta2 ** c.t)
    step = c.lr * ahead / (np.sqrt(s["n"] / (1 - o.beta3 ** c.t)) + o.eps)
    return (w - step) / (1 + c.lr * c.decay) if o.form == "proximal" else w * (1 - c.lr * c.decay) - step


def free_average(o, s, c, w, beta, step_of):
    """z and x apart, as the paper writes them; step_of(y): what z moves against, times lr."""
    z = s.get("z", w)
    y = (1 - beta) * z + beta * w
    s["z"] = z - c.lr * step_of(y)
    s["top"] = max(s.get("top", 0.0), c.lr / c.scale)
    weight = c.t ** o.r * s["top"] ** o.weight_lr_power
    s["sum"] = s.get("sum", 0.0) + weight
    share = weight / s["sum"] if s["sum"] else 0.0
    return (1 - share) * w + share * s["z"]


def schedule_free_sgd(o, s, c, w, g):
    return free_average(o, s, c, w, o.momentum, lambda y: g + c.decay * y)


def schedule_free_adamw(o, s, c, w, g):
    s["v"] = o.beta2 * keep(s, "v", w) + (1 - o.beta2) * g * g
    scaled = g / (np.sqrt(s["v"] / (1 - o.beta2 ** c.t)) + o.eps)
    return free_average(o, s, c, w, o.beta1, lambda y: scaled + c.decay * y)


def muon(o, s, c, w, g):
    """Matrices by Muon's code (in float64, where that is in bfloat16); all else by its Adam. Columns in any order give the same."""
    if not (c.trusted and w.ndim > 1) or c.last:
        m, v = moments(o, s, g)
        rate = c.lr * o.other_lr / o.lr
        return w * (1 - rate * c.decay) - rate * (m / (1 - o.beta1 ** c.t)) / (np.sqrt(v / (1 - o.beta2 ** c.t)) + o.eps)
    s["m"] = o.momentum * keep(s, "m", w) + (1 - o.momentum) * g
    u = o.momentum * s["m"] + (1 - o.momentum) * g if o.nesterov else s["m"]
    x = u.reshape(len(u), -1)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (norm(x) + 1e-7)
    for _ in range(o.ns_steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    x = (x.T if tall else x).reshape(w.shape)
    rows, columns = len(w), w.size // len(w)
    return w * (1 - c.lr * c.decay) - c.lr * (math.sqrt(max(1, rows / columns)) if o.adjust == "original" else 0.2 * math.sqrt(max(rows, columns))) * x


def sophia(o, s, c, w, g):
    """gnb: hz are sums of gradients for drawn labels, over c.count samples."""
    s["m"] = o.beta1 * keep(s, "m", w) + (1 - o.beta1) * g
    h = keep(s, "h", w)
    if (c.t - 1) % o.hessian_interval == 0:
        e = c.count * c.hz ** 2 if o.estimator == "gnb" else c.z * c.hz
        s["h"] = h = o.beta2 * h + (1 - o.beta2) * e
    return w - c.lr * np.clip(s["m"] / np.maximum(o.rho * h, o.eps), -1, 1)


def prodigy(o, s, c, w, g):
    """One tensor, in the order of the authors' code."""
    beta3 = math.sqrt(o.beta2) if o.beta3 is None else o.beta3
    d, d0 = s.get("d", o.d0), o.d0
    start = s.setdefault("start", w)
    rate = d * c.lr * (math.sqrt(1 - o.beta2 ** c.t) / (1 - o.beta1 ** c.t) if o.bias_correction else 1)
    for name in ("m", "v", "s"):
        keep(s, name, w)
    if c.lr == 0:
        return w
    above = beta3 * s.get("above", 0.0) + d / d0 * rate * float(np.sum(g * (start - w)))
    s["m"] = o.beta1 * s["m"] + d * (1 - o.beta1) * g
    s["v"] = o.beta2 * s["v"] + d * d * (1 - o.beta2) * g * g
    s["s"] = beta3 * s["s"] + d / d0 * (d if o.safeguard_warmup else rate) * g
    below = float(np.abs(s["s"]).sum())
    if below == 0:
        return w
    hat = o.d_coef * above / below
    s["above"], s["most"] = above, max(s.get("most", d0), hat)
    s["d"] = min(s["most"], (max(d, hat) if d == d0 else d) * o.growth_rate)
    return w - rate * c.decay * w - rate * s["m"] / (np.sqrt(s["v"]) + s["d"] * o.eps)


RECTIFIED = dict(eps_mode="raw", rho_threshold=5, unrectified="sgdm")
betas = dict(lr=0.001, beta1=0.9, beta2=0.999)
METHODS = {  # rule, decay unless given ("own": inside the rule), weight decay unless given, options
    "gd": (gd, "coupled", 0, dict(lr=0.01)),
    "sgd": (sgd, "coupled", 0, dict(lr=0.01, momentum=0, dampening=0, nesterov=False, lr_in_momentum=False)),
    "sgdm": (sgdm, "coupled", 0, dict(lr=0.01, momentum=0.9, dampening=0, lr_in_momentum=False)),
    "nag": (nag, "coupled", 0, dict(lr=0.01, momentum=0.9, form="torch")),
    "adagrad": (adagrad, "coupled", 0, dict(lr=0.01, eps=1e-10, init_accumulator=0, lr_decay=0)),
    "rmsprop": (rmsprop, "coupled", 0, dict(lr=0.01, alpha=0.9, eps=1e-8, momentum=0, centered=False, eps_in_sqrt=False, init_scale=0)),
    "adadelta": (adadelta, "coupled", 0, dict(lr=1, rho=0.95, eps=1e-6)),
    "adam": (adam, "coupled", 0, dict(betas, eps=1e-3, eps_mode="plain")),
    "adamw": (adam, "decoupled", 0.01, dict(betas, eps=1e-3, decay_times_lr="yes", eps_mode="plain")),
    "amsgrad": (amsgrad, "coupled", 0, dict(betas, eps=1e-8, form="torch")),
    "nadam": (nadam, "coupled", 0, dict(lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8, psi=0.004, form="torch")),
    "novograd": (novograd, "own", 0, dict(lr=0.01, beta1=0.95, beta2=0.98, eps=1e-8, grad_averaging="off")),
    "radam": (radam, "decoupled", 0, dict(betas, **RECTIFIED, eps=1e-8)),
    "lars": (lars, "own", 0, dict(lr=0.005, momentum=0.9, trust_coef=1, eps=0, lr_in_momentum=False)),
    "lamb": (lamb, "own", 0.01, dict(lr=0.005, beta1=0.9, beta2=0.999, eps=1e-6, form="paper", trust_low=0, trust_high=math.inf)),
    "adahessian": (adahessian, "own", 0, dict(lr=0.15, beta1=0.9, beta2=0.999, eps=1e-4, hessian_power=1, spatial="abs", block_length=1, hessian_interval=1)),
    "ranger": (radam, "decoupled", 0, dict(lr=0.001, beta1=0.95, beta2=0.999, eps=1e-5, **RECTIFIED, k=6, alpha=0.5)),
    "rangerlars": (rangerlars, "own", 0, dict(lr=0.005, beta1=0.95, beta2=0.999, eps=1e-5, **RECTIFIED, form="trust", k=6, alpha=0.5)),
    "lion": (lion, "decoupled", 0, dict(lr=1e-4, beta1=0.9, beta2=0.99)),
    "adan": (adan, "own", 0, dict(lr=0.001, beta1=0.98, beta2=0.92, beta3=0.99, eps=1e-8, form="proximal")),
    "schedule_free_sgd": (schedule_free_sgd, "own", 0, dict(lr=1, momentum=0.9, r=0, weight_lr_power=2)),
    "schedule_free_adamw": (schedule_free_adamw, "own", 0, dict(lr=0.0025, beta1=0.9, beta2=0.999, eps=1e-8, r=0, weight_lr_power=2)),
    "muon": (muon, "own", 0, dict(lr=0.02, momentum=0.95, nesterov=True, ns_steps=5, adjust="original", other_lr=3e-4, beta1=0.9, beta2=0.95, eps=1e-10)),
    "sophia": (sophia, "decoupled", 0.1, dict(lr=1e-4, beta1=0.965, beta2=0.99, rho=0.04, eps=1e-12, estimator="gnb", hessian_interval=10)),
    "prodigy": (prodigy, "own", 0, dict(lr=1, beta1=0.9, beta2=0.999, beta3=None, eps=1e-8, d0=1e-6, d_coef=1, growth_rate=math.inf, bias_correction=False, safeguard_warmup=False)),
    "swats": (swats, "coupled", 0, dict(betas, eps=1e-8, switch_tol=1e-9, switch_relative=False)),
}


def run(name, options, w, sums, lr, count=1.0, trusted=True, conv=False, z=None, hz=None, lr_scale=1.0, group_decay=None, last=False):
    """The weights after each update. sums: gradients times count."""
    rule, kind, decay, defaults = METHODS[name]
    options = dict(options)
    kind, decay = options.pop("decay", kind), options.pop("weight_decay", decay)
    centred = options.pop("gradient_centralization", False)
    o, s, path = SimpleNamespace(**{**defaults, **options}), {}, []
    assert set(options) <= set(defaults), options
    decay = group_decay if group_decay is not None else decay if trusted else 0
    for t in range(1, len(sums) + 1):
        rate, g = lr[t - 1] * lr_scale, sums[t - 1] / count
        c = SimpleNamespace(lr=rate, t=t, trusted=trusted, decay=decay, conv=conv, scale=lr_scale, last=last, count=count,
                            z=None if z is None else z[t - 1], hz=None if hz is None else hz[t - 1] / count)
        if centred and trusted and g.ndim > 1:
            g = g - g.mean(axis=tuple(range(1, g.ndim)), keepdims=True)
        if kind == "coupled":
            g = g + decay * w
        if kind == "decoupled" and not skips(o, t):
            w = w - (rate / o.lr if getattr(o, "decay_times_lr", "yes") == "schedule_only" else rate) * decay * w
        w = rule(o, s, c, w, g)
        path.append(w)
    return np.stack(path)


# ------------------------------------------------------------------------------------------------ evidence files

STEPS = 12
DROP = [0.1] * 4 + [0.01] * 4 + [0.001] * 4
ZERO_FIRST = np.vstack([np.zeros((3, 3)), np.round(np.random.default_rng(5).normal(size=(STEPS - 3, 3)), 4)])


def text(name, options):
    word = lambda v: {True: "true", False: "false"}.get(v, v) if isinstance(v, (bool, str)) else number(v)
    return "{" + ", ".join([f"type: {name}"] + [f"{k}: {word(v)}" for k, v in options.items()]) + "}"


class Evidence:
    def __init__(s, family, member, source):
        s.member, s.path = member, os.path.join(HERE, family, member + ".txt")
        s.lines = [f"# {family} {member}: {source}. Written by make_optimizers.py."]
        s.rng = np.random.default_rng(sum(map(ord, family + member)))

    def draw(s, *shape):
        return np.round(s.rng.normal(size=shape), 4)

    def tensor(s, name, a):
        a = np.asarray(a, dtype=np.float64)
        s.lines.append(" ".join(["tensor", name, *map(str, a.shape), ":", *map(number, a.ravel())]))

    def start(s, case, settings, words):
        s.lines += [f"case {case}", f"set {settings}"] + [f"word {k} {v}" for k, v in words.items()]

    def case(s, case, options, torch_optimizer=None, lr=None, shape=(4,), count=1.0, role="weight", conv=False, w0=None, g=None, scale_torch=1, last=False, **group):
        """torch_optimizer: (class, arguments), which must give the same at scale_torch times the rate; group: lr_scale, group_decay."""
        w0 = s.draw(*shape) if w0 is None else np.asarray(w0, dtype=float)
        sums = s.draw(STEPS, *w0.shape) if g is None else np.asarray(g, dtype=float)
        lr = lr or [0.1] * len(sums)
        if g is None and w0.size > 1:
            sums[4].flat[0] = 0
            sums.reshape(len(sums), -1)[:, -1] *= case != "plain"  # a weight that never has a gradient
        curved, z, hz = s.member in ("adahessian", "sophia"), None, None
        if curved:
            z, hz = np.sign(s.draw(len(sums), *w0.shape)) + 0.0, s.draw(len(sums), *w0.shape)
            z[z == 0] = 1
            hz[0].flat[0] = 0
            every = options.get("hessian_interval", METHODS[s.member][3]["hessian_interval"])
            hz[[t for t in range(len(sums)) if t % every]] = np.nan
            hz = hz * count
        w = run(s.member, options, w0, sums * count, lr, count, role == "weight", conv, z, hz, last=last, **group)
        assert np.isfinite(w).all(), case
        if torch_optimizer:
            other = by_torch(*torch_optimizer, w0, sums, [r * group.get("lr_scale", 1) * scale_torch for r in lr])
            off = 1e-6 if torch_optimizer[0] is T.Muon else 0  # it has max(|U|, 1e-7) for |U| + 1e-7
            assert np.allclose(w, other, rtol=1e-12 + off, atol=1e-13 + off), (s.member, case, np.abs(w - other).max())
        words = {"role": role, **({"layer": "last"} if last else {}), **({"layout": "conv"} if conv else {}), **({"lr_scale": group["lr_scale"]} if "lr_scale" in group else {}),
                 **({"group_weight_decay": group["group_decay"]} if "group_decay" in group else {})}
        s.start(case, text(s.member, options), words)
        for name, a in (("w0", w0), ("g", sums * count), *((("z", z), ("hz", hz)) if curved else ()), ("lr", lr), ("count", count), ("w", w)):
            s.tensor(name, a)

    def __enter__(s):
        return s

    def __exit__(s, failed, *_):
        if not failed:
            os.makedirs(os.path.dirname(s.path), exist_ok=True)
            with open(s.path, "w") as f:
                f.write("\n".join(s.lines) + "\n")


torch.bfloat16 = torch.float64  # the type of torch.optim.Muon's products, which it looks up there; nothing else here asks for it


def by_torch(cls, arguments, w0, g, lr):
    w = torch.nn.Parameter(torch.tensor(w0))
    o, path = cls([w], lr=lr[0] or 1.0, **arguments), []
    for t in range(len(g)):
        if hasattr(o, "train"):  # of the package schedulefree: training stands at other weights
            o.train()
        w.grad = torch.tensor(g[t])
        o.param_groups[0]["lr"] = lr[t]
        o.step()
        if hasattr(o, "eval"):
            o.eval()
        path.append(w.detach().numpy().copy())
    return np.stack(path)


T = torch.optim


def package(module, cls, **fixed):
    """A case's torch_optimizer of a package that may not be installed, with arguments that are always given."""
    try:
        found = getattr(importlib.import_module(module), cls)
    except ImportError:
        print(f"{module} is not installed: {cls} is not compared")
        return lambda **k: None
    return lambda **k: (found, {**fixed, **k})


DECAYS = (("coupled", dict(weight_decay=0.05, decay="coupled")), ("decoupled", dict(weight_decay=0.05, decay="decoupled")))


def decays(e, lr=None, **coupled):
    """Both kinds of decay, and the roles that have none. coupled: PyTorch's optimizer for that kind."""
    for kind, options in DECAYS:
        e.case(kind, options, coupled.get(kind), lr)
    e.case("bias_not_decayed", dict(weight_decay=0.05), coupled.get("plain"), role="bias")
    e.case("group", dict(weight_decay=0.05), lr=lr, role="bias", lr_scale=0.5, group_decay=0.2)


def sgd_family():
    with Evidence("optimizer", "gd", "the formula; torch.optim.SGD") as e:
        e.case("plain", {}, (T.SGD, {}))
        e.case("count", {}, (T.SGD, {}), DROP, count=32.0)
        e.case("scalar", {}, (T.SGD, {}), shape=())
        decays(e, plain=(T.SGD, {}), coupled=(T.SGD, dict(weight_decay=0.05)))
    with Evidence("optimizer", "sgdm", "the formula; torch.optim.SGD with momentum") as e:
        e.case("plain", {}, (T.SGD, dict(momentum=0.9)))
        e.case("drop", dict(momentum=0.8), (T.SGD, dict(momentum=0.8)), DROP)
        e.case("count", {}, (T.SGD, dict(momentum=0.9)), count=7.0)
        e.case("momentum_0", dict(momentum=0), (T.SGD, {}), DROP)
        e.case("dampening", dict(momentum=0.8, dampening=0.5), (T.SGD, dict(momentum=0.8, dampening=0.5)))
        e.case("dampening_1", dict(dampening=1), (T.SGD, dict(momentum=0.9, dampening=1)))
        e.case("lr_in_momentum", dict(lr_in_momentum=True), None, DROP)
        e.case("lr_in_momentum_dampening", dict(lr_in_momentum=True, dampening=0.3), None, DROP)
        decays(e, DROP, plain=(T.SGD, dict(momentum=0.9)), coupled=(T.SGD, dict(momentum=0.9, weight_decay=0.05)))
    with Evidence("optimizer", "nag", "the formulas; form torch: torch.optim.SGD with nesterov") as e:
        e.case("plain", {}, (T.SGD, dict(momentum=0.9, nesterov=True)))
        e.case("drop", dict(momentum=0.5), (T.SGD, dict(momentum=0.5, nesterov=True)), DROP)
        e.case("sutskever", dict(form="sutskever"), None, DROP)
        e.case("count", {}, (T.SGD, dict(momentum=0.9, nesterov=True)), count=7.0)
        decays(e, plain=(T.SGD, dict(momentum=0.9, nesterov=True)), coupled=(T.SGD, dict(momentum=0.9, nesterov=True, weight_decay=0.05)))


def adaptive():
    with Evidence("optimizer", "adagrad", "the formula; torch.optim.Adagrad") as e:
        e.case("plain", {}, (T.Adagrad, {}))
        e.case("drop", dict(eps=1e-3), (T.Adagrad, dict(eps=1e-3)), DROP)
        e.case("init_accumulator", dict(init_accumulator=0.1, eps=1e-7), (T.Adagrad, dict(initial_accumulator_value=0.1, eps=1e-7)))
        e.case("lr_decay", dict(lr_decay=0.25), (T.Adagrad, dict(lr_decay=0.25)), DROP)
        e.case("count", {}, (T.Adagrad, {}), count=7.0)
        decays(e, plain=(T.Adagrad, {}), coupled=(T.Adagrad, dict(weight_decay=0.05)))
    with Evidence("optimizer", "rmsprop", "the formula; torch.optim.RMSprop, but for eps_in_sqrt and init_scale") as e:
        R = lambda **k: (T.RMSprop, dict(dict(alpha=0.9), **k))
        e.case("plain", {}, R())
        e.case("torch", dict(alpha=0.99), R(alpha=0.99), DROP)
        e.case("momentum", dict(momentum=0.9), R(momentum=0.9), DROP)
        e.case("centered", dict(centered=True), R(centered=True))
        e.case("all", dict(alpha=0.95, eps=1e-4, momentum=0.5, centered=True), R(alpha=0.95, eps=1e-4, momentum=0.5, centered=True), DROP)
        e.case("eps_in_sqrt", dict(eps_in_sqrt=True, eps=1e-3))
        e.case("eps_in_sqrt_centered", dict(eps_in_sqrt=True, eps=1e-3, centered=True, momentum=0.3))
        e.case("init_scale", dict(init_scale=1))
        e.case("count", {}, R(), count=7.0)
        decays(e, plain=R(), coupled=R(weight_decay=0.05))
    with Evidence("optimizer", "adadelta", "the formula; torch.optim.Adadelta") as e:
        D = lambda **k: (T.Adadelta, dict(dict(rho=0.95, eps=1e-6), **k))
        ones = [1.0] * 8 + [0.5] * 4
        e.case("plain", {}, D(), ones)
        e.case("torch", dict(rho=0.9), D(rho=0.9), ones)
        e.case("eps", dict(eps=0.01, rho=0), D(eps=0.01, rho=0), ones)
        e.case("count", {}, D(), ones, count=7.0)
        decays(e, ones, coupled=D(weight_decay=0.05))


def adams():
    with Evidence("optimizer", "adamw", "the formulas; torch.optim.AdamW, but for schedule_only") as e:
        W = lambda **k: (T.AdamW, dict(dict(eps=1e-3, weight_decay=0.01), **k))
        e.case("plain", {}, W())
        e.case("paper", dict(eps=1e-8, weight_decay=0.1), W(eps=1e-8, weight_decay=0.1), DROP)
        e.case("betas", dict(beta1=0.5, beta2=0.9), W(betas=(0.5, 0.9)))
        e.case("no_decay", dict(weight_decay=0), (T.Adam, dict(eps=1e-3)))
        e.case("coupled", dict(decay="coupled"), (T.Adam, dict(eps=1e-3, weight_decay=0.01)))
        e.case("schedule_only", dict(lr=0.1, decay_times_lr="schedule_only"), None, DROP)
        e.case("schedule_only_own_rate", dict(lr=0.02, decay_times_lr="schedule_only", weight_decay=0.03), None, [0.02] * 6 + [0.005] * 6)
        e.case("count", {}, W(), count=7.0)
        e.case("bias_not_decayed", dict(weight_decay=0.5), (T.Adam, dict(eps=1e-3)), role="bias")
        e.case("group", {}, W(weight_decay=0.2), DROP, role="bias", lr_scale=0.5, group_decay=0.2)
    with Evidence("optimizer", "amsgrad", "the formulas; form torch: torch.optim.Adam with amsgrad") as e:
        A = lambda **k: (T.Adam, dict(dict(eps=1e-8, amsgrad=True), **k))
        e.case("plain", {}, A())
        e.case("eps", dict(eps=1e-3), A(eps=1e-3), DROP)
        quick = dict(beta1=0.8, beta2=0.7)
        e.case("torch", dict(quick, form="torch"), A(betas=(0.8, 0.7)))
        e.case("optax", dict(quick, form="optax"))
        e.case("paper", dict(quick, form="paper"))
        e.case("count", {}, A(), count=7.0)
        decays(e, plain=A(), coupled=A(weight_decay=0.05))
    with Evidence("optimizer", "nadam", "the formulas; form torch: torch.optim.NAdam, foreach") as e:
        N = lambda **k: (T.NAdam, dict(k, foreach=True))
        e.case("plain", {}, N())
        e.case("eps", dict(eps=1e-3, beta1=0.8, beta2=0.95), N(eps=1e-3, betas=(0.8, 0.95)), DROP)
        e.case("psi", dict(psi=0.5), N(momentum_decay=0.5))
        e.case("psi_0", dict(psi=0), N(momentum_decay=0))
        e.case("dozat", dict(form="dozat"), None, DROP)
        e.case("dozat_betas", dict(form="dozat", beta1=0.6, beta2=0.8, psi=0.1))
        e.case("simple", dict(form="simple"), None, DROP)
        e.case("simple_betas", dict(form="simple", beta1=0.6, beta2=0.8))
        e.case("count", {}, N(), count=7.0)
        decays(e, plain=N(), coupled=N(weight_decay=0.05), decoupled=N(weight_decay=0.05, decoupled_weight_decay=True))
    with Evidence("optimizer", "radam", "the formulas; torch.optim.RAdam at threshold 5") as e:
        R = lambda **k: (T.RAdam, k)
        e.case("plain", {}, R())
        e.case("raw_eps", dict(eps=1e-3), R(eps=1e-3), DROP)
        e.case("corrected_eps", dict(eps=1e-3, eps_mode="corrected"))
        e.case("threshold_4", dict(rho_threshold=4))
        e.case("threshold_7", dict(rho_threshold=7, beta2=0.99), None, DROP)
        e.case("skip", dict(unrectified="skip"), None, DROP)
        e.case("skip_decay", dict(unrectified="skip", weight_decay=0.05))
        e.case("skip_coupled", dict(unrectified="skip", weight_decay=0.05, decay="coupled"))
        e.case("skip_corrected", dict(unrectified="skip", eps_mode="corrected", eps=1e-2))
        e.case("never_rectified", dict(beta2=0.6), R(betas=(0.9, 0.6)))
        e.case("never_at_two_thirds", dict(beta2=0.66), R(betas=(0.9, 0.66)))
        e.case("never_and_skipped", dict(beta2=0.5, unrectified="skip", weight_decay=0.1))
        e.case("betas", dict(beta1=0.5, beta2=0.9), R(betas=(0.5, 0.9)))
        e.case("count", {}, R(), count=7.0)
        decays(e, plain=R(), coupled=R(weight_decay=0.05), decoupled=R(weight_decay=0.05, decoupled_weight_decay=True))


CONV = (3, 2, 2, 2)


def layerwise():
    with Evidence("optimizer", "novograd", "the formula of Ginsburg et al. 2019, algorithm 1") as e:
        e.case("plain", {})
        e.case("decay", dict(weight_decay=0.05), None, DROP)
        e.case("from_1", dict(grad_averaging="from_1", weight_decay=0.05))
        e.case("from_2", dict(grad_averaging="from_2", weight_decay=0.05))
        e.case("betas", dict(beta1=0.5, beta2=0, eps=0.1), None, DROP)
        e.case("zero_first_gradients", dict(weight_decay=0.05), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("no_eps", dict(eps=0), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("bias_not_decayed", dict(weight_decay=0.05), role="bias")
        e.case("group", dict(weight_decay=0.05), None, DROP, role="bias", lr_scale=0.5, group_decay=0.2)
        e.case("conv", dict(gradient_centralization=True), shape=CONV, conv=True, count=7.0)
    with Evidence("optimizer", "lars", "the formula of You, Gitman & Ginsburg 2017, eq. 6") as e:
        e.case("plain", {}, None, [0.01] * STEPS)
        e.case("decay", dict(weight_decay=0.05), None, DROP)
        e.case("trust_coef", dict(trust_coef=0.001, weight_decay=1e-4), None, [10.0] * 6 + [1.0] * 6)
        e.case("eps", dict(eps=0.5), None, DROP)
        e.case("momentum_0", dict(momentum=0), None, DROP)
        e.case("lr_in_momentum", dict(lr_in_momentum=True, trust_coef=0.02), None, DROP)
        e.case("zero_weights", dict(weight_decay=0.05), w0=[0, 0, 0, 0])
        e.case("zero_gradients", dict(weight_decay=0.05), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("bias_has_ratio_1", dict(weight_decay=0.05), role="bias")
        e.case("group", dict(weight_decay=0.05), None, DROP, lr_scale=0.5, group_decay=0.2)
        e.case("conv", {}, shape=CONV, conv=True, count=7.0)
    with Evidence("optimizer", "lamb", "the formulas of You et al. 2020, algorithm 2, and of the chapter") as e:
        e.case("plain", {}, None, [0.01] * STEPS)
        e.case("no_decay", dict(weight_decay=0, eps=1e-3), None, DROP)
        e.case("uncorrected", dict(form="uncorrected"), None, DROP)
        e.case("chapter", dict(form="chapter", weight_decay=0.3), None, DROP)
        e.case("betas", dict(beta1=0.5, beta2=0.8), None, DROP)
        e.case("trust_low", dict(trust_low=5), None, DROP)
        e.case("trust_high", dict(trust_high=0.5), None, DROP)
        e.case("chapter_trust", dict(form="chapter", trust_low=0.4, trust_high=0.5), None, DROP)
        e.case("zero_weights", {}, None, DROP, w0=[0, 0, 0, 0])
        e.case("zero_weights_trust_low", dict(trust_low=3), None, DROP, w0=[0, 0, 0, 0])
        e.case("chapter_zero_weights", dict(form="chapter", trust_low=3), None, DROP, w0=[0, 0, 0, 0])
        e.case("zero_gradients", dict(weight_decay=0), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("chapter_zero_gradients", dict(form="chapter"), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("bias_has_ratio_1", dict(weight_decay=0.5), None, DROP, role="bias")
        e.case("chapter_bias", dict(form="chapter"), None, DROP, role="bias")
        e.case("group", {}, None, DROP, lr_scale=0.5, group_decay=0.2)
        e.case("conv", {}, None, DROP, shape=CONV, conv=True, count=7.0)
    with Evidence("optimizer", "ranger", "the formulas of RAdam; LookAhead is tested apart") as e:
        R = lambda **k: (T.RAdam, dict(dict(betas=(0.95, 0.999), eps=1e-5), **k))
        e.case("plain", {}, R())
        e.case("eps", dict(eps=1e-2, beta1=0.9), R(eps=1e-2, betas=(0.9, 0.999)), DROP)
        e.case("threshold", dict(rho_threshold=4, k=2, alpha=0.8), None, DROP)
        e.case("never_rectified", dict(beta2=0.6), R(betas=(0.95, 0.6)))
        e.case("corrected", dict(eps_mode="corrected", eps=1e-2))
        e.case("skip", dict(unrectified="skip", weight_decay=0.05), None, DROP)
        decays(e, plain=R(), coupled=R(weight_decay=0.05), decoupled=R(weight_decay=0.05, decoupled_weight_decay=True))
        e.case("centralised", dict(gradient_centralization=True), None, DROP, shape=CONV, conv=True, count=7.0)
        e.case("bias_not_centralised", dict(gradient_centralization=True), R(), shape=(2, 3), role="bias")
    with Evidence("optimizer", "rangerlars", "the chapter's definition; form over9000: that code's order of steps") as e:
        e.case("plain", {}, None, [0.01] * STEPS)
        e.case("decay", dict(weight_decay=0.05), None, DROP)
        e.case("eps", dict(eps=1e-2, beta1=0.8, beta2=0.9), None, DROP)
        e.case("threshold", dict(rho_threshold=4, eps_mode="corrected", eps=1e-3), None, DROP)
        e.case("skip", dict(unrectified="skip", weight_decay=0.05), None, DROP)
        e.case("over9000_skip", dict(form="over9000", unrectified="skip", weight_decay=0.05), None, DROP)
        e.case("large_weights", dict(weight_decay=0.05), None, [0.01] * STEPS, w0=[20, -30, 4])
        e.case("over9000", dict(form="over9000"), None, [0.01] * STEPS)
        e.case("over9000_decay", dict(form="over9000", weight_decay=0.5), None, DROP)
        e.case("over9000_large", dict(form="over9000"), None, DROP, w0=[20, -30, 4])
        e.case("zero_weights", {}, None, DROP, w0=[0, 0, 0, 0])
        e.case("over9000_zero_weights", dict(form="over9000"), None, DROP, w0=[0, 0, 0, 0])
        e.case("zero_gradients", {}, None, DROP, w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("bias_has_ratio_1", dict(weight_decay=0.5), None, DROP, role="bias")
        e.case("over9000_bias", dict(form="over9000", weight_decay=0.5), None, DROP, role="bias")
        e.case("group", {}, None, DROP, lr_scale=0.5, group_decay=0.2)
        e.case("conv", {}, None, DROP, shape=CONV, conv=True, count=7.0)


def curved():
    with Evidence("optimizer", "adahessian", "the formula of Yao et al. 2021 and its authors' averaging, with given signs and products") as e:
        e.case("plain", {})
        e.case("decay", dict(weight_decay=0.05), None, DROP)
        e.case("eps", dict(eps=0.5, beta1=0.5, beta2=0.8), None, DROP)
        for power in (0.5, 0.3, 0):
            e.case(f"power_{power}".replace(".", "_"), dict(hessian_power=power))
        for spatial in ("abs", "signed", "none"):
            e.case(f"kernel_{spatial}", dict(spatial=spatial), shape=CONV, conv=True)
        e.case("sequence_kernel", {}, shape=(2, 3, 2), conv=True)
        e.case("block", dict(block_length=3), shape=(2, 6))
        e.case("block_signed", dict(block_length=3, spatial="signed"), shape=(2, 6))
        e.case("block_none", dict(block_length=3, spatial="none"), shape=(2, 6))
        e.case("block_not_of_the_row", dict(block_length=4), shape=(2, 6))
        e.case("interval", dict(hessian_interval=3), None, DROP)
        e.case("interval_beyond", dict(hessian_interval=100, beta2=0.9))
        e.case("count", {}, count=7.0)
        e.case("bias_not_decayed", dict(weight_decay=0.5), role="bias")
        e.case("group", dict(weight_decay=0.05), None, DROP, role="bias", lr_scale=0.5, group_decay=0.2)
    with Evidence("optimizer", "swats", "the formula of Keskar & Socher 2017, algorithm 1") as e:
        half = [0.5] * 6
        e.case("never", {})
        e.case("absolute", dict(switch_tol=0.05))
        e.case("switches", dict(eps=0), None, [0.01] * 6, w0=[1], g=[[x] for x in half])
        e.case("scalar", dict(eps=0, switch_tol=1e-5, switch_relative=True), None, [0.01] * 6, w0=1.0, g=half)
        e.case("tolerance", dict(switch_tol=0.5, switch_relative=True, beta1=0.8, beta2=0.9))
        e.case("schedule", dict(switch_tol=0.5, switch_relative=True, beta1=0.8, beta2=0.9), None, DROP)
        e.case("weight_decay", dict(switch_tol=0.5, switch_relative=True, weight_decay=0.05))
        e.case("lr_scale", dict(switch_tol=0.5, switch_relative=True, beta2=0.9), None, DROP, lr_scale=0.25)
        e.case("zero_gradients", dict(switch_tol=0.5, switch_relative=True), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("bias_not_decayed", dict(switch_tol=0.5, switch_relative=True, weight_decay=0.5), role="bias")
        e.case("conv", dict(switch_tol=0.9, switch_relative=True), shape=CONV, conv=True, count=7.0)


def later():
    with Evidence("optimizer", "lion", "the formula of Chen et al. 2023, algorithm 2; the package lion-pytorch") as e:
        L = package("lion_pytorch", "Lion")
        e.case("plain", {}, L())
        e.case("betas", dict(beta1=0.5, beta2=0.8), L(betas=(0.5, 0.8)), DROP)
        e.case("beta_0", dict(beta1=0, beta2=0), L(betas=(0, 0)))
        e.case("count", {}, L(), count=7.0)
        e.case("zero_gradients", {}, L(), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("conv", dict(gradient_centralization=True), None, DROP, shape=CONV, conv=True)
        decays(e, DROP, plain=L(), decoupled=L(weight_decay=0.05))
    with Evidence("optimizer", "adan", "the formulas of Xie et al. 2022, corrected as in the authors' code") as e:
        e.case("plain", {})
        e.case("betas", dict(beta1=0.9, beta2=0.5, beta3=0.8, eps=1e-2), None, DROP)
        e.case("beta2_0", dict(beta2=0))
        e.case("decay", dict(weight_decay=0.05), None, DROP)
        e.case("decoupled", dict(weight_decay=0.05, form="decoupled"), None, DROP)
        e.case("count", {}, count=7.0)
        e.case("zero_gradients", dict(weight_decay=0.05), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("bias_not_decayed", dict(weight_decay=0.05), role="bias")
        e.case("group", dict(weight_decay=0.05), None, DROP, role="bias", lr_scale=0.5, group_decay=0.2)
        e.case("conv", {}, shape=CONV, conv=True)
    rising = [0.0] * 2 + [0.02 * k for k in range(1, 6)] + [0.1] * 3 + [0.05] * 2
    with Evidence("optimizer", "schedule_free_sgd", "the formulas of Defazio et al. 2024, eq. 1-3; the authors' package schedulefree") as e:
        F = package("schedulefree", "SGDScheduleFree")
        e.case("plain", {}, F())
        e.case("rising", {}, F(), rising)
        e.case("weights", dict(momentum=0.5, r=1.5, weight_lr_power=1), F(momentum=0.5, r=1.5, weight_lr_power=1), rising)
        e.case("even", dict(weight_lr_power=0), F(weight_lr_power=0), DROP)
        e.case("at_the_steps", dict(momentum=0), None, DROP)
        e.case("at_the_average", dict(momentum=1, weight_decay=0.05), None, DROP)
        e.case("decay", dict(weight_decay=0.05), F(weight_decay=0.05), DROP)
        e.case("count", {}, F(), count=7.0)
        e.case("zero_gradients", dict(weight_decay=0.05), F(weight_decay=0.05), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("bias_not_decayed", dict(weight_decay=0.05), F(), role="bias")
        e.case("group", dict(weight_decay=0.05), F(weight_decay=0.2), DROP, role="bias", lr_scale=0.5, group_decay=0.2)
        e.case("conv", {}, F(), shape=CONV, conv=True)
    with Evidence("optimizer", "schedule_free_adamw", "the formulas of Defazio et al. 2024, algorithm 1; the authors' package schedulefree") as e:
        F = package("schedulefree", "AdamWScheduleFree", foreach=False)
        e.case("plain", {}, F())
        e.case("rising", {}, F(), rising)
        e.case("weights", dict(beta1=0.5, r=1.5, weight_lr_power=1), F(betas=(0.5, 0.999), r=1.5, weight_lr_power=1), rising)
        e.case("betas", dict(beta1=0.8, beta2=0.9, eps=1e-2), F(betas=(0.8, 0.9), eps=1e-2), DROP)
        e.case("at_the_steps", dict(beta1=0), None, DROP)
        e.case("at_the_average", dict(beta1=1, weight_decay=0.05), None, DROP)
        e.case("decay", dict(weight_decay=0.05), F(weight_decay=0.05), DROP)
        e.case("count", {}, F(), count=7.0)
        e.case("zero_gradients", dict(weight_decay=0.05), F(weight_decay=0.05), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("bias_not_decayed", dict(weight_decay=0.05), F(), role="bias")
        e.case("group", dict(weight_decay=0.05), F(weight_decay=0.2), DROP, role="bias", lr_scale=0.5, group_decay=0.2)
        e.case("conv", {}, F(), shape=CONV, conv=True)
    with Evidence("optimizer", "muon", "the author's code, in float64; torch.optim.Muon, its products in float64 too, and Adam") as e:
        M = lambda **k: (T.Muon, dict(dict(weight_decay=0), **k))
        A = lambda **k: (T.Adam, dict(dict(betas=(0.9, 0.95), eps=1e-10), **k))
        e.case("plain", {}, M(), shape=(3, 5))
        e.case("tall", {}, M(), DROP, shape=(6, 2))
        e.case("momentum", dict(momentum=0.5, nesterov=False, ns_steps=3), M(momentum=0.5, nesterov=False, ns_steps=3), shape=(4, 4))
        e.case("match_rms", dict(adjust="match_rms_adamw"), M(adjust_lr_fn="match_rms_adamw"), shape=(3, 5))
        e.case("decay", dict(weight_decay=0.05), M(weight_decay=0.05), DROP, shape=(3, 4))
        e.case("row", {}, M(), shape=(1, 6))
        e.case("column", {}, M(), shape=(6, 1))
        e.case("conv", dict(gradient_centralization=True), shape=CONV, conv=True, count=7.0)
        e.case("vector", {}, A(), scale_torch=3e-4 / 0.02)
        e.case("bias", dict(weight_decay=0.05), A(), DROP, role="bias", scale_torch=3e-4 / 0.02)
        e.case("matrix_not_a_weight", dict(other_lr=0.02, beta2=0.9, eps=1e-3), A(betas=(0.9, 0.9), eps=1e-3), shape=(2, 3), role="bias")
        e.case("last_layer", {}, A(), shape=(3, 5), scale_torch=3e-4 / 0.02, last=True)
        e.case("last_layer_decay", dict(weight_decay=0.05), None, DROP, shape=(3, 5), last=True)
        e.case("group", dict(weight_decay=0.05), None, DROP, shape=(2, 3), lr_scale=0.5, group_decay=0.2)
        e.case("group_of_a_vector", dict(weight_decay=0.05), None, DROP, lr_scale=0.5, group_decay=0.2)
        e.case("zero_gradients", dict(weight_decay=0.05), w0=[[1], [-2], [0.5]], g=ZERO_FIRST[:, :, None])
    with Evidence("optimizer", "prodigy", "the authors' package prodigyopt, and the same order of steps apart from it") as e:
        P = package("prodigyopt", "Prodigy")
        fast = dict(d0=0.01)
        ones = [1.0] * 8 + [0.5] * 4
        e.case("plain", {}, P(), ones)
        e.case("fast", fast, P(**fast), ones)
        e.case("betas", dict(fast, beta1=0.5, beta2=0.8, eps=1e-2), P(betas=(0.5, 0.8), eps=1e-2, **fast), ones)
        e.case("beta3", dict(fast, beta3=0.5, d_coef=2), P(beta3=0.5, d_coef=2, **fast), ones)
        e.case("growth", dict(d0=0.001, growth_rate=1.2), P(d0=0.001, growth_rate=1.2), ones)
        e.case("corrected", dict(fast, bias_correction=True), P(use_bias_correction=True, **fast), ones)
        e.case("safeguard", dict(fast, safeguard_warmup=True), P(safeguard_warmup=True, **fast), rising)
        e.case("rising", fast, P(**fast), rising)
        e.case("decay", dict(fast, weight_decay=0.05), P(weight_decay=0.05, **fast), ones)
        e.case("count", fast, P(**fast), ones, count=7.0)
        e.case("zero_gradients", fast, P(**fast), ones, w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("bias_not_decayed", dict(fast, weight_decay=0.05), P(**fast), ones, role="bias")
        e.case("group", dict(fast, weight_decay=0.05), P(weight_decay=0.2, **fast), ones, role="bias", lr_scale=0.5, group_decay=0.2)
        e.case("conv", fast, P(**fast), ones, shape=CONV, conv=True)
    with Evidence("optimizer", "sophia", "the formulas of Liu et al. 2023, algorithms 1-3, with given gradients for drawn labels, or signs and products") as e:
        e.case("plain", {})
        e.case("often", dict(hessian_interval=1, rho=1), None, DROP)
        e.case("betas", dict(beta1=0.5, beta2=0.8, rho=2, hessian_interval=3), None, DROP)
        e.case("eps", dict(eps=0.5, rho=0.5, hessian_interval=2))
        e.case("hutchinson", dict(estimator="hutchinson", hessian_interval=2, rho=1))
        e.case("beyond", dict(hessian_interval=100))
        e.case("count", dict(hessian_interval=2, rho=1), count=7.0)
        e.case("conv", dict(hessian_interval=1, rho=1), shape=CONV, conv=True, count=7.0)
        e.case("zero_gradients", dict(weight_decay=0), w0=[1, -2, 0.5], g=ZERO_FIRST)
        e.case("no_decay", dict(weight_decay=0))
        e.case("coupled", dict(weight_decay=0.05, decay="coupled"), None, DROP)
        e.case("bias_not_decayed", {}, role="bias")
        e.case("group", {}, None, DROP, role="bias", lr_scale=0.5, group_decay=0.2)


# ------------------------------------------------------------------------------------------------------ penalties

def penalties():
    """value, slope (of value), and where there is one the proximal operator: argmin_u (u - w)^2 / 2 + threshold |u|, found by bisection."""
    w = np.array([[0.75, -0.5, 0.0], [-0.0, 1e-3, -3.25], [0.2, -0.2, 1e6]])
    with Evidence("penalty", "l1", "sum |w|, torch's gradient of it, and its proximal operator by search") as e:
        for name, x, threshold in (("plain", w, 0.2), ("scalar", np.array(-0.3), 0.1), ("large_threshold", w, 100.0), ("threshold_0", w, 0.0)):
            p = torch.tensor(x, requires_grad=True)
            p.abs().sum().backward()
            e.start(name, "{}", {})
            for k, a in (("w", x), ("value", np.abs(x).sum()), ("slope", p.grad.numpy()), ("threshold", threshold),
                         ("proximal", np.vectorize(lambda v: shrink(v, threshold))(x))):
                e.tensor(k, a)
    with Evidence("penalty", "l2", "sum w^2, and torch's gradient of it: 2 w") as e:
        for name, x in (("plain", w), ("scalar", np.array(-0.3)), ("zeros", np.zeros(3))):
            p = torch.tensor(x, requires_grad=True)
            (p * p).sum().backward()
            e.start(name, "{}", {})
            for k, a in (("w", x), ("value", (x * x).sum()), ("slope", p.grad.numpy())):
                e.tensor(k, a)


def shrink(w, threshold):
    """The u where 0 is in u - w + threshold sign(u): by cases, checked against a search."""
    u = w - threshold if w > threshold else w + threshold if w < -threshold else 0.0
    cost = lambda x: (x - w) ** 2 / 2 + threshold * abs(x)
    assert all(cost(u) <= cost(x) for x in np.linspace(-2 * abs(w), 2 * abs(w), 4001)), (w, threshold)
    return u


# ------------------------------------------------------------------------------------------------------ sequences

class Numbers:
    """SplitMix64 (Steele, Lea & Flood 2014). Every number made of it is exact in float64, so that the test makes the same ones."""
    MASK = 2 ** 64 - 1

    def __init__(s, seed):
        s.state = seed

    def next(s):
        s.state = (s.state + 0x9E3779B97F4A7C15) & s.MASK
        z = s.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & s.MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & s.MASK
        return z ^ (z >> 31)

    def below(s, n):
        return (s.next() >> 32) % n

    def unit(s):
        """In [-1, 1), a multiple of 2^-23."""
        return math.ldexp((s.next() >> 40) - 2 ** 23, -23)

    def sized(s, exponent):
        """0 once in eight; else of that binary exponent, give or take 3."""
        return 0.0 if s.below(8) == 0 else math.ldexp(s.unit(), exponent + s.below(7) - 3)


SHAPES = [(), (1,), (3,), (7,), (2, 3), (4, 1), (1, 6), (2, 3, 2), (3, 2, 2, 2), (2, 1, 3, 1)]  # those of rank 3 and 4 are kernels
SEQUENCES = 200


def sequence(seed):
    """What sequence number `seed` consists of, in the order in which the numbers are drawn."""
    r = Numbers(seed)
    shape = SHAPES[r.below(len(SHAPES))]
    n, trusted, count, updates = math.prod(shape), r.below(4) > 0, float(1 + r.below(4)), 1 + r.below(10)
    exponent = r.below(35) - 17  # of the gradients: with the 3 more, 2^-20 to 2^20, twelve orders of magnitude
    w0 = np.array([0.0 if r.below(16) == 0 else r.unit() for _ in range(n)]).reshape(shape)
    lr, sums, z, hz = [], [], [], []
    for _ in range(updates):
        if r.below(4) == 0:
            exponent = r.below(35) - 17
        lr.append(math.ldexp(1.0, -2 - r.below(6)))
        sums.append(np.array([r.sized(exponent) for _ in range(n)]).reshape(shape))
        z.append(np.array([1.0 if r.below(2) else -1.0 for _ in range(n)]).reshape(shape))
        hz.append(np.array([r.sized(exponent) for _ in range(n)]).reshape(shape))
    return w0, np.stack(sums), lr, count, trusted, np.stack(z), np.stack(hz)


def digest(w):
    """Three weights, and the sum of all by weights 1 to 5."""
    w = w.ravel()
    return w[0], w[len(w) // 2], w[-1], sum(x * (1 + i % 5) for i, x in enumerate(w))


# Settings, and how far a test may be off: of the largest weight. Ratios of sums of a few terms of one sign, as nearly all of these are, lose
# a few of the 16 digits. What subtracts numbers of a size loses more: the variance of centered RMSProp, gamma of SWATS (whose p.g has
# terms of both signs).
RANDOM = {
    "gd": (1e-13, [{}, dict(weight_decay=0.05), dict(weight_decay=0.05, decay="decoupled")]),
    "sgd": (1e-13, [{}, dict(momentum=0.9), dict(momentum=0.9, nesterov=True, weight_decay=0.05), dict(momentum=0.8, dampening=0.3), dict(momentum=0.9, lr_in_momentum=True)]),
    "sgdm": (1e-13, [{}, dict(weight_decay=0.05), dict(dampening=0.3), dict(lr_in_momentum=True)]),
    "nag": (1e-13, [{}, dict(weight_decay=0.05), dict(form="sutskever")]),
    "adagrad": (1e-13, [{}, dict(init_accumulator=0.1), dict(lr_decay=0.1, weight_decay=0.05)]),
    "rmsprop": (1e-11, [{}, dict(momentum=0.9), dict(centered=True), dict(eps_in_sqrt=True), dict(init_scale=1, alpha=0.99)]),
    "adadelta": (1e-13, [{}, dict(rho=0.9), dict(weight_decay=0.05)]),
    "adam": (1e-13, [{}, dict(eps=1e-8), dict(eps_mode="hat"), dict(weight_decay=0.05, beta2=0.9)]),
    "adamw": (1e-13, [{}, dict(eps=1e-8), dict(lr=0.25, decay_times_lr="schedule_only")]),
    "amsgrad": (1e-13, [{}, dict(form="optax", eps=1e-8, beta2=0.9), dict(form="paper", eps=1e-8, beta2=0.9), dict(beta2=0.5)]),
    "nadam": (1e-13, [{}, dict(form="dozat"), dict(form="simple"), dict(psi=0.3, eps=1e-3)]),
    "novograd": (1e-13, [{}, dict(weight_decay=0.05), dict(grad_averaging="from_1"), dict(grad_averaging="from_2", beta2=0.5)]),
    "radam": (1e-13, [{}, dict(eps=1e-3, eps_mode="corrected"), dict(rho_threshold=4, weight_decay=0.05), dict(unrectified="skip"), dict(beta2=0.6), dict(beta2=0.9)]),
    "lars": (1e-13, [{}, dict(weight_decay=0.05), dict(trust_coef=0.02, lr_in_momentum=True), dict(momentum=0, eps=0.01)]),
    "lamb": (1e-13, [{}, dict(form="uncorrected"), dict(form="chapter", weight_decay=0.1), dict(trust_low=0.5, trust_high=1)]),
    "adahessian": (1e-13, [{}, dict(weight_decay=0.05), dict(spatial="signed", block_length=3), dict(hessian_power=0.3), dict(hessian_interval=3)]),
    "ranger": (1e-13, [{}, dict(weight_decay=0.05), dict(gradient_centralization=True), dict(rho_threshold=4, eps=1e-3)]),
    "rangerlars": (1e-13, [{}, dict(weight_decay=0.05), dict(form="over9000", weight_decay=0.05), dict(beta2=0.9)]),
    "lion": (1e-13, [{}, dict(weight_decay=0.05), dict(beta1=0.5, beta2=0.9, weight_decay=0.05, decay="coupled")]),
    "adan": (1e-13, [{}, dict(weight_decay=0.05), dict(weight_decay=0.05, form="decoupled"), dict(beta1=0.9, beta2=0.5, beta3=0.9, eps=1e-3)]),
    "schedule_free_sgd": (1e-13, [{}, dict(weight_decay=0.05), dict(momentum=0.5, r=2, weight_lr_power=0), dict(momentum=0)]),
    "schedule_free_adamw": (1e-13, [{}, dict(weight_decay=0.05), dict(beta1=0.5, beta2=0.9, eps=1e-3, r=1), dict(beta1=1, weight_lr_power=0.5)]),
    "muon": (1e-11, [{}, dict(weight_decay=0.05, adjust="match_rms_adamw"), dict(momentum=0.5, nesterov=False), dict(ns_steps=2, weight_decay=0.05)]),
    "sophia": (1e-13, [{}, dict(hessian_interval=1, rho=1), dict(estimator="hutchinson", hessian_interval=2, weight_decay=0), dict(beta1=0.5, beta2=0.5, rho=10, eps=1e-3, hessian_interval=3)]),
    "prodigy": (1e-11, [{}, dict(d0=0.01, weight_decay=0.05), dict(d0=0.1, growth_rate=1.5, d_coef=2), dict(d0=0.1, bias_correction=True, safeguard_warmup=True, beta3=0.9)]),
    "swats": (1e-10, [{}, dict(switch_tol=0.5, switch_relative=True, beta2=0.9), dict(switch_tol=0.9, switch_relative=True, beta2=0.5), dict(switch_tol=0.9, switch_relative=True, weight_decay=0.05)]),
}


betas_of = lambda o: dict(betas=(o.beta1, o.beta2), eps=o.eps)
either = lambda o: dict(weight_decay=o.weight_decay, decoupled_weight_decay=o.decay == "decoupled")
TWINS = {  # PyTorch's class and its arguments; those that do not say what kind of decay they have, have the coupled one
    gd: (T.SGD, lambda o: {}),
    sgd: (T.SGD, lambda o: dict(momentum=o.momentum, dampening=o.dampening, nesterov=o.nesterov)),
    sgdm: (T.SGD, lambda o: dict(momentum=o.momentum, dampening=o.dampening)),
    nag: (T.SGD, lambda o: dict(momentum=o.momentum, nesterov=True)),
    adagrad: (T.Adagrad, lambda o: dict(eps=o.eps, initial_accumulator_value=o.init_accumulator, lr_decay=o.lr_decay)),
    rmsprop: (T.RMSprop, lambda o: dict(alpha=o.alpha, eps=o.eps, momentum=o.momentum, centered=o.centered)),
    adadelta: (T.Adadelta, lambda o: dict(rho=o.rho, eps=o.eps)),
    adam: (T.Adam, lambda o: {**betas_of(o), **either(o)}),
    amsgrad: (T.Adam, lambda o: dict(betas_of(o), amsgrad=True)),
    nadam: (T.NAdam, lambda o: {**betas_of(o), **either(o), "momentum_decay": o.psi, "foreach": True}),  # the other path of PyTorch 1.13 is wrong
    radam: (T.RAdam, lambda o: {**betas_of(o), **either(o)}),
}
# What a setting must be for PyTorch to have it, which has one form of each.
ONLY = dict(lr_in_momentum=[False], form=["torch"], eps_in_sqrt=[False], init_scale=[0], decay_times_lr=["yes"], rho_threshold=[5], unrectified=["sgdm"],
            gradient_centralization=[False], eps_mode=["plain", "raw"])


def in_torch(name, options, trusted):
    """PyTorch's optimizer for these settings, as (class, arguments); None: it has none."""
    rule, kind, decay, defaults = METHODS[name]
    given = {"decay": kind, "weight_decay": decay, **defaults, **options}
    given["weight_decay"] *= trusted
    if rule not in TWINS or any(given[k] not in v for k, v in ONLY.items() if k in given):
        return None
    cls, arguments = TWINS[rule]
    arguments = {"weight_decay": given["weight_decay"], **arguments(SimpleNamespace(**given))}
    if given["decay"] == "decoupled" and "decoupled_weight_decay" not in arguments:
        return None
    return cls, arguments


def agree_with_torch(name, options, trusted, w0, g, lr, path, tolerance):
    """Whether PyTorch has these settings; where it has, it must find the same weights after every update."""
    twin = in_torch(name, options, trusted)
    if not twin:
        return False
    for t, (ours, theirs) in enumerate(zip(path, by_torch(*twin, w0, g, lr))):
        off, largest = np.abs(ours - theirs).max(), max(1.0, np.abs(ours).max())  # as test_sequences.c measures
        assert off <= tolerance * largest, (name, options, t + 1, off, largest)
    return True


def sequences():
    """sequences/NAME.txt: `tolerance`, lines `set`, then one `run` a sequence: the digest of its last weights. Sequence i has seed i and setting i
    modulo their number."""
    os.makedirs(os.path.join(HERE, "sequences"), exist_ok=True)
    assert set(RANDOM) == set(METHODS)
    compared = set()
    for name, (tolerance, settings) in RANDOM.items():
        lines = [f"# {SEQUENCES} random sequences of updates of {name}. Written by make_optimizers.py.", f"tolerance {tolerance}"]
        lines += ["set " + text(name, s) for s in settings]
        for seed in range(SEQUENCES):
            w0, sums, lr, count, trusted, z, hz = sequence(seed)
            chosen = settings[seed % len(settings)]
            path = run(name, chosen, w0, sums, lr, count, trusted, w0.ndim > 2, z, hz)
            w = path[-1]
            assert np.isfinite(path).all(), (name, seed)
            if agree_with_torch(name, chosen, trusted, w0, sums / count, lr, path, tolerance):
                compared.add((name, seed % len(settings)))
            lines.append("run " + " ".join(map(number, digest(w))))
        with open(os.path.join(HERE, "sequences", name + ".txt"), "w") as f:
            f.write("\n".join(lines) + "\n")
    assert {name for name, _ in compared} == {name for name in METHODS if METHODS[name][0] in TWINS}
    print(f"PyTorch agrees in {len(compared)} of the {sum(len(settings) for _, settings in RANDOM.values())} settings of random sequences; it lacks the others")



sgd_family(), adaptive(), adams(), layerwise(), curved(), later(), penalties(), sequences()
