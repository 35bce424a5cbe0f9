#!/usr/bin/env python3
"""Random networks of all layers against PyTorch: shapes, branches, joins, several inputs and heads, lengths of sequences.

Usage, from the project's root, with numpy, torch and safetensors: python tests/acceptance/networks.py build/gradus [COUNT [FIRST]] (networks.sh does it)
Of each network three updates from given weights, of which the last batch is short, then predictions: float64 on `ref` to 1e-9 of a tensor's largest number, float32
on `cpu` to 2e-5, or to five times what PyTorch's own float32 loses, where that is more. Every layer that the command knows and this file has a twin of is drawn; the
last lines say how often each was, and which have no twin. Exit 1 where one differs; its recipe and data then stay in build/networks/SEED.
"""
import json, math, os, shutil, subprocess, sys, tempfile

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

N, BATCH, UPDATES, RATE, CLIP = 13, 5, 3, 0.05, 2.0  # clipped, since a random network soon runs away, and then digits say nothing
torch.set_num_threads(1)
SKIP = ("dropout",)  # its random numbers are no PyTorch's


# ---- twins: samples as recipes have them, [N,H,W,C] | [N,T,F] | [N,F] | [N,T] of indices ----

def image(x):
    return x.dim() == 4


def first(f):
    """f works on channels first."""
    def g(x):
        return f(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1) if image(x) else f(x.transpose(1, 2)).transpose(1, 2)
    return g


def pads(x, k, st, di):
    """What padding: same is, for F.pad, of channels first."""
    p = []
    for size, kk, s, d in reversed(list(zip(x.shape[2:], k, st, di))):
        t = max((math.ceil(size / s) - 1) * s + d * (kk - 1) + 1 - size, 0)
        p += [t // 2, t - t // 2]
    return p


def draw(r, *choices):
    return choices[r.integers(len(choices))]


def axes_of(r, n, low, high):
    """A number for all axes, or a list."""
    v = [int(r.integers(low, high + 1)) for _ in range(n)]
    return (v[0], (v[0],) * n) if r.random() < 0.5 else (v if n > 1 else v[0], tuple(v))


def conv(r, s):
    n = len(s) - 1
    groups = draw(r, 1, 1, "depthwise", *[g for g in (2, 3) if s[-1] % g == 0])
    g = s[-1] if groups == "depthwise" else groups
    filters = int(g * r.integers(1, 4))
    for _ in range(20):
        (k, kk), (st, ss), (di, dd) = axes_of(r, n, 1, 3), axes_of(r, n, 1, 2), axes_of(r, n, 1, 2)
        p, pp = draw(r, ("valid", (0,) * n), ("same", None), axes_of(r, n, 0, 2))
        if pp is None or all(s[i] + 2 * pp[i] >= dd[i] * (kk[i] - 1) + 1 for i in range(n)):
            break
    else:
        return None
    bias = bool(r.random() < 0.7)
    m = (nn.Conv2d if n == 2 else nn.Conv1d)(s[-1], filters, kk, ss, pp or 0, dd, g, bias=bias)
    f = first(lambda x: m(F.pad(x, pads(x, kk, ss, dd)) if pp is None else x))
    return dict(filters=filters, kernel=k, stride=st, dilation=di, padding=p, groups=groups, bias=bias), m, f


def conv_transpose(r, s):
    n = len(s) - 1
    (k, kk), (st, ss), (di, dd) = axes_of(r, n, 1, 3), axes_of(r, n, 1, 3), axes_of(r, n, 1, 2)
    p, pp = axes_of(r, n, 0, 1)
    o, oo = axes_of(r, n, 0, 1)
    if any((s[i] - 1) * ss[i] - 2 * pp[i] + dd[i] * (kk[i] - 1) + oo[i] + 1 < 1 or oo[i] >= max(ss[i], dd[i]) for i in range(n)):
        return None
    groups = draw(r, 1, 1, "depthwise", *[g for g in (2, 3) if s[-1] % g == 0])
    g = s[-1] if groups == "depthwise" else groups
    filters, bias = int(g * r.integers(1, 3)), bool(r.random() < 0.7)
    m = (nn.ConvTranspose2d if n == 2 else nn.ConvTranspose1d)(s[-1], filters, kk, ss, pp, oo, g, bias, dd)
    return dict(filters=filters, kernel=k, stride=st, dilation=di, padding=p, output_padding=o, groups=groups, bias=bias), m, first(m)


def pool(kind):
    def make(r, s):
        n = len(s) - 1
        for _ in range(20):
            (k, kk), (st, ss) = axes_of(r, n, 1, 3), axes_of(r, n, 1, 3)
            p, pp = draw(r, ("valid", (0,) * n), ("same", None), axes_of(r, n, 0, 1))
            over = [max((math.ceil(s[i] / ss[i]) - 1) * ss[i] + kk[i] - s[i], 0) for i in range(n)]
            if all(s[i] >= kk[i] for i in range(n)) if pp is None else all(s[i] + 2 * pp[i] >= kk[i] and pp[i] <= kk[i] // 2 for i in range(n)):
                if pp is not None or all(o - o // 2 <= kk[i] // 2 for i, o in enumerate(over)):
                    break
        else:
            return None
        ceil, count = bool(pp is not None and r.random() < 0.3), bool(r.random() < 0.5)
        d = dict(size=k, stride=st, padding=p, ceil=ceil, **({"count_padding": count} if kind == "avg" else {}))
        one = (1,) * n
        fmax, favg = (F.max_pool2d, F.avg_pool2d) if n == 2 else (F.max_pool1d, F.avg_pool1d)
        if pp is not None:
            f = (lambda x: fmax(x, kk, ss, pp, ceil_mode=ceil)) if kind == "max" else (lambda x: favg(x, kk, ss, pp, ceil, count))
        elif kind == "max":
            f = lambda x: fmax(F.pad(x, pads(x, kk, ss, one), value=-math.inf), kk, ss)
        else:
            def f(x):
                mean = favg(F.pad(x, pads(x, kk, ss, one)), kk, ss)
                return mean if count else mean / favg(F.pad(torch.ones_like(x), pads(x, kk, ss, one)), kk, ss)
        return d, None, first(f)
    return make


def adaptive(kind):
    def make(r, s):
        n = len(s) - 1
        k, kk = axes_of(r, n, 1, 4)
        f = {"avg2": F.adaptive_avg_pool2d, "avg1": F.adaptive_avg_pool1d, "max2": F.adaptive_max_pool2d, "max1": F.adaptive_max_pool1d}[f"{kind}{n}"]
        return dict(size=k), None, first(lambda x: f(x, kk if n == 2 else kk[0]))
    return make


def dense(r, s):
    units, bias = int(r.integers(1, 7)), bool(r.random() < 0.7)
    m = nn.Linear(s[-1], units, bias)
    return dict(units=units, bias=bias), m, m


def flat_norm(r, s):
    """Over all but the last axis."""
    m = nn.BatchNorm1d(s[-1], eps=draw(r, 1e-5, 1e-2), momentum=draw(r, 0.1, 0.3))
    return dict(eps=m.eps, momentum=m.momentum), m, lambda x: m(x.reshape(-1, s[-1])).reshape(x.shape)


def layer_norm(r, s):
    if len(s) == 3 and r.random() < 0.6:  # over a picture, or over its places, as PyTorch has them
        over, shape = (([0, 1, 2], (s[2], s[0], s[1])), ([0, 1], (s[0], s[1])))[int(r.integers(2))]
        m = nn.LayerNorm(shape, eps=draw(r, 1e-5, 1e-2))
        return dict(axes=over, eps=m.eps), m, first(m)
    m = nn.LayerNorm(s[-1], eps=draw(r, 1e-5, 1e-2))
    return dict(eps=m.eps), m, m


def group_norm(r, s):
    g = draw(r, *[g for g in (1, 2, 3, s[-1]) if s[-1] % g == 0])
    m = nn.GroupNorm(int(g), s[-1], eps=draw(r, 1e-5, 1e-2))
    return dict(groups=int(g), eps=m.eps), m, first(m)


def instance_norm(r, s):
    if math.prod(s[:-1]) == 1:  # PyTorch refuses one place
        return None
    affine = bool(r.random() < 0.5)
    m = (nn.InstanceNorm2d if len(s) == 3 else nn.InstanceNorm1d)(s[-1], eps=draw(r, 1e-5, 1e-2), affine=affine)
    return dict(affine=affine, eps=m.eps), m, first(m)


class Rms(nn.Module):
    def __init__(s, n, eps):
        super().__init__()
        s.weight, s.eps = nn.Parameter(torch.ones(n)), eps

    def forward(s, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + s.eps) * s.weight


def rms_norm(r, s):
    m = Rms(s[-1], draw(r, 1e-5, 1e-2))
    return dict(eps=m.eps), m, m


def prelu(r, s):
    shared = bool(r.random() < 0.5)
    m = nn.PReLU(1 if shared else s[-1])
    return dict(shared=shared), m, lambda x: torch.where(x > 0, x, x * m.weight)


def recurrent(kind):
    def make(r, s):
        units, layers, both, last = int(r.integers(1, 5)), int(r.integers(1, 3)), bool(r.random() < 0.4), bool(r.random() < 0.5)
        m = kind(s[-1], units, num_layers=layers, bidirectional=both, batch_first=True)

        def f(x):
            y, hidden = m(x)
            hidden = hidden[0] if isinstance(hidden, tuple) else hidden
            return torch.cat(list(hidden[-2 if both else -1:]), -1) if last else y
        return {"units": units, "layers": layers, "bidirectional": both, "return": "last" if last else "sequence"}, m, f
    return make


def attend(m, causal):
    def f(x):
        mask = torch.full((x.shape[1],) * 2, -math.inf, dtype=x.dtype).triu(1) if causal else None
        return m(x, x, x, attn_mask=mask, need_weights=False)[0]
    return f


def attention(r, s):
    heads = draw(r, *[h for h in (1, 2, 3) if s[-1] % h == 0])
    causal, bias = bool(r.random() < 0.5), bool(r.random() < 0.7)
    m = nn.MultiheadAttention(s[-1], heads, batch_first=True, bias=bias)
    return dict(heads=heads, causal=causal, bias=bias), m, attend(m, causal)


class Positions(nn.Module):
    def __init__(s, shape):
        super().__init__()
        s.weight = nn.Parameter(torch.zeros(*shape))

    def forward(s, x):
        return x + s.weight[: x.shape[1]]


def positional(r, s):
    if r.random() < 0.5:
        m = Positions(s)
        return dict(kind="learned"), m, m
    if s[1] % 2:
        return None
    p, i = torch.arange(s[0]).double()[:, None], torch.arange(0, s[1], 2).double()
    a = p / 10000 ** (i / s[1])
    table = torch.stack([a.sin(), a.cos()], -1).reshape(*s)
    return dict(kind="sinusoidal"), None, lambda x: x + table[: x.shape[1]].to(x.dtype)


class Block(nn.Module):
    def __init__(s, n, heads, ff, causal, pre, act):
        super().__init__()
        s.norm1, s.norm2, s.attention = nn.LayerNorm(n), nn.LayerNorm(n), nn.MultiheadAttention(n, heads, batch_first=True)
        s.ff1, s.ff2 = nn.Linear(n, ff), nn.Linear(ff, n)
        s.look, s.pre, s.act = attend(s.attention, causal), pre, act

    def forward(s, x):
        if s.pre:
            x = x + s.look(s.norm1(x))
            return x + s.ff2(s.act(s.ff1(s.norm2(x))))
        x = s.norm1(x + s.look(x))
        return s.norm2(x + s.ff2(s.act(s.ff1(x))))


def transformer_block(r, s):
    heads = draw(r, *[h for h in (1, 2, 3) if s[-1] % h == 0])
    ff, causal, pre, act = int(r.integers(1, 7)), bool(r.random() < 0.5), bool(r.random() < 0.5), draw(r, "gelu", "relu", "silu")
    m = Block(s[-1], heads, ff, causal, pre, ACT[act])
    return dict(heads=heads, ff=ff, causal=causal, norm="pre" if pre else "post", activation=act), m, m


# ---- blocks of convolutional networks, with torchvision's names ----

class Equilibrium(nn.Module):
    """z = sigmoid(w z + b + x), which any small w solves: unrolled until nothing changes."""

    def __init__(s, n):
        super().__init__()
        s.w = nn.Linear(n, n)

    def forward(s, x):
        z = torch.zeros_like(x)
        for _ in range(80):
            z = torch.sigmoid(s.w(z) + x)
        return z


def equilibrium(r, s):
    m = Equilibrium(s[-1])
    layers = [dict(type="dense", units=s[-1], name="w"), {"type": "add", "from": ["w", "x"], "name": "sum"}, "sigmoid"]
    return dict(solver=draw(r, "anderson", "broyden", "iterate"), max=80, tolerance=1e-12, layers=layers), m, m


class Hyper(nn.Module):
    """A dense layer whose weights are made of a trained vector."""

    def __init__(s, n, units, width, inner, bias):
        super().__init__()
        s.shape, s.embedding, s.main = (units, n), nn.Parameter(torch.randn(width)), nn.Module()
        s.e = nn.Linear(width, inner) if inner else None
        s.main.add_module("weight", nn.Linear(inner or width, units * n))
        s.main.add_module("bias", nn.Linear(inner or width, units) if bias else None)

    def forward(s, x):
        v = torch.tanh(s.e(s.embedding)) if s.e else s.embedding
        return F.linear(x, s.main.weight(v).reshape(s.shape), s.main.bias(v) if s.main.bias else None)


def hyper(r, s):
    units, width, inner, bias = (int(v) for v in (r.integers(1, 5), r.integers(1, 5), r.integers(0, 5), r.integers(2)))
    m = Hyper(s[-1], units, width, inner, bias)
    layers = dict(layers=[dict(type="dense", units=inner, activation="tanh", name="e")]) if inner else {}
    return dict(embedding=width, fan=draw(r, "in", "out"), layer=dict(type="dense", units=units, bias=bool(bias)), **layers), m, m


def conv_of(n, a, b, kernel=1, stride=1, groups=1, bias=False):
    return (nn.Conv2d if n == 2 else nn.Conv1d)(a, b, kernel, stride, kernel // 2, 1, groups, bias)


def norm_of(n, channels):
    return (nn.BatchNorm2d if n == 2 else nn.BatchNorm1d)(channels)


class Excite(nn.Module):
    def __init__(s, n, channels, units, act, gate):
        super().__init__()
        s.fc1, s.fc2 = conv_of(n, channels, units, bias=True), conv_of(n, units, channels, bias=True)
        s.act, s.gate = ACT[act], ACT[gate]

    def forward(s, x):
        return x * s.gate(s.fc2(s.act(s.fc1(x.mean(tuple(range(2, x.dim())), keepdim=True)))))


class Narrow(nn.Module):
    """A residual block; kernels: of its convolutions, of which one has the stride."""

    def __init__(s, n, channels, widths, kernels, at, stride, act):
        super().__init__()
        s.n, s.act = len(widths), ACT[act]
        for i, (a, b) in enumerate(zip([channels, *widths], widths)):
            s.add_module(f"conv{i + 1}", conv_of(n, a, b, kernels[i], stride if i == at else 1))
            s.add_module(f"bn{i + 1}", norm_of(n, b))
        s.downsample = nn.Sequential(conv_of(n, channels, widths[-1], 1, stride), norm_of(n, widths[-1])) if stride > 1 or channels != widths[-1] else None

    def forward(s, x):
        y = x
        for i in range(1, s.n + 1):
            y = s.get_submodule(f"bn{i}")(s.get_submodule(f"conv{i}")(y))
            y = s.act(y) if i < s.n else y
        return s.act(y + (s.downsample(x) if s.downsample else x))


class Inverted(nn.Module):
    def __init__(s, n, channels, filters, expansion, kernel, stride, act, excite):
        super().__init__()
        wide, parts = channels * expansion, []
        if expansion > 1:
            parts.append(nn.Sequential(conv_of(n, channels, wide), norm_of(n, wide)))
        parts.append(nn.Sequential(conv_of(n, wide, wide, kernel, stride, wide), norm_of(n, wide)))
        s.conv = nn.Sequential(*parts, conv_of(n, wide, filters), norm_of(n, filters))
        s.parts, s.act, s.adds = len(parts), ACT[act], stride == 1 and channels == filters
        s.se = excite(wide) if excite else None

    def forward(s, x):
        y = x
        for i in range(s.parts):
            y = s.act(s.conv[i](y))
        y = s.se(y) if s.se else y
        y = s.conv[-1](s.conv[-2](y))
        return y + x if s.adds else y


def excite_of(r, n):
    ratio, act, gate = draw(r, 1, 2, 4), draw(r, "relu", "tanh"), draw(r, "sigmoid", "tanh")
    return dict(ratio=ratio, activation=act, gate=gate), lambda channels: Excite(n, channels, max(channels // ratio, 1), act, gate)


def squeeze_excite(r, s):
    d, make = excite_of(r, len(s) - 1)
    m = make(s[-1])
    return d, m, first(m)


def basic_block(r, s):
    filters, stride, act = int(r.integers(1, 5)), draw(r, 1, 1, 2), draw(r, "relu", "tanh")
    m = Narrow(len(s) - 1, s[-1], [filters] * 2, (3, 3), 0, stride, act)
    return dict(filters=filters, stride=stride, activation=act), m, first(m)


def bottleneck(r, s):
    filters, stride, act, expansion = int(r.integers(1, 4)), draw(r, 1, 1, 2), draw(r, "relu", "tanh"), draw(r, 1, 2, 4)
    m = Narrow(len(s) - 1, s[-1], [filters, filters, filters * expansion], (1, 3, 1), 1, stride, act)
    return dict(filters=filters, stride=stride, expansion=expansion, activation=act), m, first(m)


def inverted_residual(r, s):
    n, filters, expansion, kernel, stride = len(s) - 1, int(r.integers(1, 5)), draw(r, 1, 2, 3), draw(r, 1, 3, 5), draw(r, 1, 1, 2)
    act = draw(r, "relu", "tanh")
    d, excite = excite_of(r, n) if r.random() < 0.4 else ({}, None)
    m = Inverted(n, s[-1], filters, expansion, kernel, stride, act, excite)
    more = {"excite": {"type": "squeeze_excite", **d}} if excite else {}
    return dict(filters=filters, expansion=expansion, kernel=kernel, stride=stride, activation=act, **more), m, first(m)


def embedding(r, s):
    units, pad = int(r.integers(1, 6)), draw(r, None, 0, 3)
    m = nn.Embedding(WORDS, units, padding_idx=pad)
    return dict(vocabulary=WORDS, units=units, **({} if pad is None else {"padding_index": pad})), m, m


def reshape(r, s):
    total = math.prod(s)
    a = draw(r, *[d for d in range(1, total + 1) if total % d == 0])
    to = draw(r, [total], [a, total // a], [-1, a])
    return dict(shape=to), None, lambda x: x.reshape(x.shape[0], *to)


def permute(r, s):
    axes = [int(i) for i in r.permutation(len(s))]
    return dict(axes=axes), None, lambda x: x.permute(0, *[i + 1 for i in axes])


def cut(r, s):
    axis = int(r.integers(len(s)))
    start = int(r.integers(s[axis]))
    count = int(r.integers(1, s[axis] - start + 1))
    said = start if r.random() < 0.5 else start - s[axis]
    return dict(axis="last" if axis == len(s) - 1 and r.random() < 0.5 else axis, start=said, count=count), None, lambda x: x.narrow(axis + 1, start, count)


def flat(x):
    """In PyTorch's order: a picture's rows channel after channel."""
    return (x.permute(0, 3, 1, 2) if image(x) else x).flatten(1)


def plain(f):
    return lambda r, s: ({}, None, f)


def leaky(r, s):
    slope = draw(r, 0.01, 0.3)
    return dict(slope=slope), None, lambda x: F.leaky_relu(x, slope)


def gelu(r, s):
    form = draw(r, "exact", "tanh")
    return dict(form=form), None, lambda x: F.gelu(x, approximate="none" if form == "exact" else "tanh")


def elu(r, s):
    return {}, None, F.elu


ACT = dict(relu=F.relu, relu6=F.relu6, tanh=torch.tanh, sigmoid=torch.sigmoid, leaky_relu=lambda x: F.leaky_relu(x, 0.01), elu=F.elu, gelu=F.gelu, silu=F.silu, softplus=F.softplus,
           hard_sigmoid=lambda x: F.relu6(x + 3) / 6, hard_swish=lambda x: x * (F.relu6(x + 3) / 6))  # PyTorch's own have 1/6 in float32
WORDS = 7
# type: (ranks of samples that it takes, what makes it, whether it takes sequences of different lengths)
LAYERS = {
    "dense": ((1, 2, 3), dense, True), "conv": ((2, 3), conv, False), "conv_transpose": ((2, 3), conv_transpose, False),
    "max_pool": ((2, 3), pool("max"), False), "avg_pool": ((2, 3), pool("avg"), False),
    "adaptive_avg_pool": ((2, 3), adaptive("avg"), False), "adaptive_max_pool": ((2, 3), adaptive("max"), False),
    "global_avg_pool": ((2, 3), plain(lambda x: x.mean(tuple(range(1, x.dim() - 1)))), True),
    "global_max_pool": ((2, 3), plain(lambda x: x.amax(tuple(range(1, x.dim() - 1)))), True),
    "batch_norm": ((1, 2, 3), flat_norm, False), "layer_norm": ((1, 2, 3), layer_norm, True), "group_norm": ((2, 3), group_norm, False),
    "instance_norm": ((2, 3), instance_norm, False), "rms_norm": ((1, 2, 3), rms_norm, True),
    "prelu": ((1, 2, 3), prelu, True), "leaky_relu": ((1, 2, 3), leaky, True), "gelu": ((1, 2, 3), gelu, True), "elu": ((1, 2, 3), elu, True),
    "flatten": ((2, 3), plain(flat), False), "reshape": ((1, 2, 3), reshape, False), "permute": ((1, 2, 3), permute, False),
    "slice": ((1, 2, 3), cut, False), "softmax": ((1, 2, 3), plain(lambda x: x.softmax(-1)), True),
    "log_softmax": ((1, 2, 3), plain(lambda x: x.log_softmax(-1)), True),
    "lstm": ((2,), recurrent(nn.LSTM), True), "gru": ((2,), recurrent(nn.GRU), True), "rnn": ((2,), recurrent(nn.RNN), True),
    "attention": ((2,), attention, True), "positional": ((2,), positional, True), "transformer_block": ((2,), transformer_block, True),
    "squeeze_excite": ((2, 3), squeeze_excite, False), "basic_block": ((2, 3), basic_block, False), "bottleneck": ((2, 3), bottleneck, False),
    "inverted_residual": ((2, 3), inverted_residual, False), "equilibrium": ((1, 2, 3), equilibrium, False),
    "hyper": ((1, 2, 3), hyper, False),
    **{k: ((1, 2, 3), plain(ACT[k]), True) for k in ("relu", "relu6", "tanh", "sigmoid", "silu", "softplus", "hard_sigmoid", "hard_swish")},
}
OTHERS = ("embedding", "add", "multiply", "concat", "residual")  # drawn by what follows
RECURRENT = ("lstm", "gru", "rnn")
ENDS = ("global_avg_pool", "global_max_pool")  # the steps of a sample
BATCH_WIDE = ("batch_norm",)  # not sample by sample, as lengths are run here; parity/make_lengths.py has them
WINDOWS = ("conv", "conv_transpose", "max_pool", "avg_pool", "squeeze_excite", "basic_block", "bottleneck", "inverted_residual")
DOT = "__"  # in names of modules


# ---- networks ----

class Network(nn.Module):
    """A random network: its recipe's model and heads, and itself."""

    def __init__(s, r, known):
        super().__init__()
        s.r, s.known, s.steps, s.layers, s.count, s.used, s.inputs, s.shape, s.heads = r, known, [], [], 0, {}, {}, {}, {}
        s.lengths = bool(r.random() < 0.25)
        s.draw_inputs()
        for _ in range(r.integers(2, 9)):
            s.grow()
        s.finish()

    def draw_inputs(s):
        words = ["words"] if "embedding" in s.known else []
        one = lambda low, high: int(s.r.integers(low, high + 1))
        kinds = [draw(s.r, "sequence", "sequence", *words)] if s.lengths else [draw(s.r, "picture", "picture", "sequence", "row", *words) for _ in range(one(1, 3))]
        for i, kind in enumerate(kinds):
            s.inputs[f"in{i}"] = (kind, dict(picture=[one(1, 7), one(1, 7), one(1, 4)], sequence=[one(1, 7), one(1, 5)], row=[one(1, 7)], words=[one(1, 5)])[kind])
        s.of_steps = {k for k in s.inputs if s.lengths}  # values whose steps have lengths
        for name, (kind, shape) in s.inputs.items():
            if kind == "words":
                s.add("embedding", embedding(s.r, shape), [name])
            else:
                s.shape[name] = shape

    def name(s, kind):
        s.count += 1
        return f"{kind[:3]}{s.count}"

    def add(s, kind, made, source, bare=False):
        d, m, f = made
        name, act = s.name(kind), None
        if m is not None:
            s.add_module(name, m)
        if not bare and "activation" not in d and s.r.random() < 0.3:
            act = draw(s.r, *[a for a in ACT if a in s.known])
        layer = {"type": kind, "name": name, **d, "from": source if len(source) > 1 else source[0], **({"activation": act} if act else {})}
        s.put([kind], name, (lambda *x: ACT[act](f(*x))) if act else f, source)
        s.layers.append(layer)
        return name

    def put(s, kinds, name, f, source):
        for k in kinds:
            s.used[k] = s.used.get(k, 0) + 1
        s.steps.append((name, f, source))
        x = [torch.zeros(2, *s.shape[k]) if k in s.shape else torch.zeros(2, *s.inputs[k][1], dtype=torch.long) for k in source]
        s.eval()
        with torch.no_grad():
            s.shape[name] = list(f(*x).shape[1:])
        steps = [s.shape.get(k, s.inputs.get(k, (0, 0))[1]) for k in source if k in s.of_steps]
        if steps and kinds[-1] not in ENDS and not (kinds[-1] in RECURRENT and len(s.shape[name]) == 1):
            s.of_steps.add(name)

    def source(s):
        """A value, a late one rather than an early one."""
        names = list(s.shape)
        return names[max(int(s.r.integers(len(names))), int(s.r.integers(len(names))))]

    def kinds(s, shape, steps):
        found = [k for k, (ranks, _, lengths) in LAYERS.items() if k in s.known and len(shape) in ranks and (lengths or not steps) and not (s.lengths and k in BATCH_WIDE)]
        windows = [k for k in found if k in WINDOWS]
        return windows if windows and s.r.random() < 0.3 else found

    def one(s, x, kind=None):
        """A layer on x; its name, or None where its settings met no shape."""
        kind = kind or draw(s.r, *s.kinds(s.shape[x], x in s.of_steps))
        made = LAYERS[kind][1](s.r, s.shape[x])
        return made and s.add(kind, made, [x])

    def chain(s, seed, x, n, letter):
        """A list of layers that gives the shape of x: [recipe, module, function, kind]. The same seed gives the same again, with modules of its own."""
        r, shape, out = np.random.default_rng(seed), list(s.shape[x]), []
        outer, s.r = s.r, r
        for i in range(n + 1):
            kind = draw(r, *s.kinds(shape, x in s.of_steps)) if i < n else "dense"
            units = s.shape[x][-1]
            d, m, f = (LAYERS[kind][1](r, shape) or (None,) * 3) if i < n else (dict(units=units), (m := nn.Linear(shape[-1], units)), m)
            if d is None or len(shape) > 1 and kind in ENDS:
                continue
            with torch.no_grad():
                m and m.eval()
                to = list(f(torch.zeros(2, *shape)).shape[1:])
            if to[:-1] != shape[:-1]:
                continue
            shape = to
            out.append(({"type": kind, "name": f"{letter}{i}", **d}, m, f, kind))
        s.r = outer
        return out

    def own(s, prefix, parts):
        """Takes in the modules of a chain."""
        for d, m, _, _ in parts:
            if m is not None:
                s.add_module(f"{prefix}.{d['name']}".replace(".", DOT), m)

    def residual(s, x):
        name, seed = s.name("residual"), int(s.r.integers(2**31))
        parts = s.chain(seed, x, int(s.r.integers(0, 3)), "a")
        short = s.chain(seed + 1, x, int(s.r.integers(0, 2)), "b") if s.r.random() < 0.3 else []
        s.own(name, parts + short)

        def f(v):
            a, b = v, v
            for _, _, g, _ in parts:
                a = g(a)
            for _, _, g, _ in short:
                b = g(b)
            return a + b
        s.put([k for _, _, _, k in parts + short] + ["residual"], name, f, [x])
        s.layers.append({"type": "residual", "name": name, "from": x, "layers": [d for d, _, _, _ in parts], **({"shortcut": [d for d, _, _, _ in short]} if short else {})})

    def repeat(s, x):
        x = s.add("leaky_relu", (dict(slope=1), None, lambda v: v), [x], True)  # the first copy takes what stands above it
        name, times, seed, n = s.name("repeat"), int(s.r.integers(1, 4)), int(s.r.integers(2**31)), int(s.r.integers(0, 3))
        for i in range(times):
            parts = s.chain(seed, x, n, "a")
            s.own(f"{name}.{i}", parts)
            for d, m, f, kind in parts:
                s.put([kind], f"{name}.{i}.{d['name']}", f, [x])
                x = f"{name}.{i}.{d['name']}"
        s.used["repeat"] = s.used.get("repeat", 0) + 1
        s.layers.append({"repeat": {"name": name, "times": times, "layers": [d for d, _, _, _ in parts]}})

    def join(s):
        x = s.source()
        kind = draw(s.r, *[k for k in ("add", "multiply", "concat") if k in s.known])
        y = s.source()
        steps = (x in s.of_steps) + (y in s.of_steps)
        if steps == 1 and len(s.shape[x]) == len(s.shape[y]):
            return
        a, b = s.shape[x], s.shape[y]
        if kind == "concat":
            fit = [i for i in range(len(a)) if len(a) == len(b) and all(a[j] == b[j] for j in range(len(a)) if j != i) and not (steps and i == 0)]
            if not fit:
                return
            axis = draw(s.r, *fit)
            s.add("concat", (dict(axis="last" if axis == len(a) - 1 and s.r.random() < 0.5 else axis), None, lambda u, v: torch.cat([u, v], axis + 1)), [x, y])
        elif kind == "add" and a != b:
            if len(a) != len(b) or a[:-1] != b[:-1] or x == y:
                return
            d = s.add("dense", (dict(units=a[-1]), (m := nn.Linear(b[-1], a[-1])), m), [y])
            s.add("add", ({}, None, lambda u, v: u + v), [x, d])
        elif kind == "multiply":
            if any(p != q and p != 1 and q != 1 for p, q in zip(a[::-1], b[::-1])) or (steps and len(a) != len(b)):
                return

            def f(u, v):
                n = max(u.dim(), v.dim())
                wide = lambda t: t.reshape(t.shape[0], *[1] * (n - t.dim()), *t.shape[1:])
                return wide(u) * wide(v)
            s.add("multiply", ({}, None, f), [x, y])
        else:
            s.add("add", ({}, None, lambda u, v: u + v), [x, y])

    def grow(s):
        what = s.r.random()
        if what < 0.22:
            s.join()
        elif what < 0.32 and "residual" in s.known:
            s.residual(s.source())
        elif what < 0.40:
            s.repeat(s.source())
        else:
            s.one(s.source())

    def head(s, x):
        cost, steps = draw(s.r, "cross_entropy", "mse"), x in s.of_steps
        positions = len(s.shape[x]) == 2 and s.r.random() < 0.6
        if len(s.shape[x]) > 1 and not positions:
            x = s.one(x, "global_avg_pool") if steps else s.add("flatten", ({}, None, flat), [x])
        units = int(s.r.integers(2, 5))
        x = s.add("dense", (dict(units=units), (m := nn.Linear(s.shape[x][-1], units)), m), [x], True)
        s.heads[f"h{len(s.heads)}"] = {"from": x, "cost": cost, "weight": draw(s.r, 1.0, 0.5, 2.0)}

    def finish(s):
        """Heads on what nobody takes; of many ends some stay without a reader, but for inputs."""
        read = {k for _, _, source in s.steps for k in source}
        ends = [k for k in s.shape if k not in read]
        for x in sorted(ends, key=lambda k: k not in s.inputs)[:3]:
            s.head(x)

    # what it computes

    def run(s, data):
        v = dict(data)
        for name, f, source in s.steps:
            v[name] = f(*[v[k] for k in source])
        return [v[h["from"]] for h in s.heads.values()]

    def forward(s, data, lengths):
        """Of each head: rows of outputs, those of steps that are there alone; and which rows they are of."""
        if lengths is None:
            return s.run(data)
        each = [s.run({k: x[i:i + 1, :int(lengths[i])] for k, x in data.items()}) for i in range(len(lengths))]
        return [torch.cat([e[h].reshape(-1, e[h].shape[-1]) if s.steps_of(h) else e[h] for e in each]) for h in range(len(s.heads))]

    def steps_of(s, h):
        return list(s.heads.values())[h]["from"] in s.of_steps

    def cost(s, z, data, target, lengths):
        total = 0
        for h, (zz, y, head) in enumerate(zip(z, target, s.heads.values())):
            if s.steps_of(h):
                y = torch.cat([y[i, :int(n)] for i, n in enumerate(lengths)])
            if head["cost"] == "cross_entropy":
                c = F.cross_entropy(zz.reshape(-1, zz.shape[-1]), y.reshape(-1))
            else:
                c = ((zz - y.to(zz.dtype)) ** 2).mean()
            total = total + head["weight"] * c
        return total


# ---- the command ----

def recipe_of(net, precision):
    sources = {"inputs": {k: f"x_{k}" for k in net.inputs}, "targets": {k: f"y_{k}" for k in net.heads}}
    if net.lengths:
        sources["lengths"] = {k: "n" for k in net.inputs}
    return {"gradus": 1, "name": "net", "seed": 7, "precision": precision, "algorithm": "exact",
            "data": {"train": {"type": "npz", "file": "data.npz", **sources}, "shuffle": "none", "batch": BATCH},
            "model": {"inputs": {k: v[1] for k, v in net.inputs.items()}, "layers": net.layers},
            "heads": {k: {"from": h["from"], "cost": h["cost"], "weight": h["weight"]} for k, h in net.heads.items()},
            "optimizer": {"type": "sgd", "lr": RATE}, "clip": {"norm": CLIP}, "schedule": "constant", "stop": {"steps": UPDATES}, "checkpoint": "none"}


class Differs(Exception):
    pass


def command(*args, cwd):
    p = subprocess.run([GRADUS, *args], cwd=cwd, capture_output=True, text=True)
    if p.returncode:
        raise Differs(f"gradus {' '.join(args)}: exit {p.returncode}: {p.stderr.strip()[:400]}")
    return p.stdout


def state(net):
    return {k.replace(DOT, "."): v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}


def load(net, t):
    own = state(net)
    if set(own) != set(t):
        raise Differs(f"parameters: missing {sorted(set(own) - set(t))[:4]}, too many {sorted(set(t) - set(own))[:4]}")
    for k, v in own.items():
        if tuple(v.shape) != t[k].shape:
            raise Differs(f"{k} is {list(t[k].shape)}, PyTorch's {list(v.shape)}")
        with torch.no_grad():
            v.copy_(torch.from_numpy(t[k].astype(np.float64)))


def far(got, want):
    worst = (0.0, "-")
    for k, w in want.items():
        g, w = np.asarray(got[k], np.float64), np.asarray(w, np.float64)
        if g.shape != w.shape:
            raise Differs(f"{k}: shape {g.shape}, not {w.shape}")
        d = np.abs(g - w).max(initial=0.0) / max(np.abs(w).max(initial=0.0), 1e-2)
        if not d <= worst[0]:
            worst = (float(d), k)
    return worst


def random_data(net, r):
    d = {f"x_{k}": r.integers(0, WORDS, (N, *s)) if kind == "words" else r.normal(size=(N, *s)) for k, (kind, s) in net.inputs.items()}
    n = None
    if net.lengths:
        steps = list(net.inputs.values())[0][1][0]
        n = d["n"] = r.integers(1, steps + 1, N)
        n[0], n[1] = 1, steps
    for k, h in net.heads.items():
        s = net.shape[h["from"]]
        if h["cost"] == "cross_entropy":
            d[f"y_{k}"] = r.integers(0, s[-1], (N, *s[:-1]))
            d[f"y_{k}"].reshape(-1)[: s[-1]] = np.arange(s[-1])[: d[f"y_{k}"].size]
        else:
            d[f"y_{k}"] = r.normal(size=(N, *s))
    return d, n


def twin_run(net, d, n, start, dtype):
    """Updates by PyTorch: (weights after them, costs, outputs in evaluation)"""
    net.to(dtype)
    load(net, start)
    net.train()
    x = {k: torch.from_numpy(d[f"x_{k}"]) for k in net.inputs}
    x = {k: v if v.dtype == torch.long else v.to(dtype) for k, v in x.items()}
    y = [torch.from_numpy(d[f"y_{k}"]) for k in net.heads]
    opt, costs, at = torch.optim.SGD(net.parameters(), RATE) if list(net.parameters()) else None, [], 0
    for _ in range(UPDATES):
        a, b = at, min(at + BATCH, N)
        at = b % N
        lengths = None if n is None else n[a:b]
        cost = net.cost(net({k: v[a:b] for k, v in x.items()}, lengths), x, [v[a:b] for v in y], lengths)
        opt.zero_grad()
        cost.backward()
        norm = torch.sqrt(sum(p.grad.double().square().sum() for p in net.parameters() if p.grad is not None))
        for p in net.parameters():
            if p.grad is not None and norm > CLIP:
                p.grad *= CLIP / norm.item()
        opt.step()
        costs.append(cost.item())
    net.eval()
    with torch.no_grad():
        out = net(x, n)
    return {k: v.detach().double().numpy().copy() for k, v in state(net).items()}, costs, [o.double() for o in out]


def predictions(text, net, n):
    """Of each head, as the network's outputs without what a cost makes of them: rows of values."""
    rows = [json.loads(line) for line in text.splitlines()]
    heads = [[] for _ in net.heads]
    for row in rows:
        for i, k in enumerate(net.heads):
            h = row["heads"][k]
            if "positions" in h:
                heads[i] += [v for p in h["positions"] for v in p["probabilities"]]
            else:
                heads[i] += h["probabilities"] if "probabilities" in h else h["output"]
    return [np.array(h) for h in heads]


def check(seed, known):
    r = np.random.default_rng(seed)
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.float64)
    net = Network(r, known)
    d, n = random_data(net, r)
    folder = tempfile.mkdtemp(prefix="gradus-network-")
    try:
        np.savez(os.path.join(folder, "data.npz"), **d)
        for precision, limit in (("float64", 1e-9), ("float32", 2e-5)):
            with open(os.path.join(folder, f"{precision}.yaml"), "w") as f:
                json.dump(recipe_of(net, precision), f, indent=1)
        command("init", "float64.yaml", "-o", "start.safetensors", "--quiet", cwd=folder)
        path = os.path.join(folder, "start.safetensors")
        start = load_file(path)
        with safe_open(path, "np") as f:
            meta = f.metadata()
        for k in start:  # biases and scales that start alike would hide that they are taken for each other
            more = r.normal(size=start[k].shape) * 0.2
            start[k] = start[k] + (np.abs(more) if "running_var" in k else more)
        for name, m in net.named_modules():
            if isinstance(m, nn.Embedding) and m.padding_idx is not None:
                start[f"{name.replace(DOT, '.')}.weight"][m.padding_idx] = 0
        start = {k: np.ascontiguousarray(v.astype(np.float32).astype(np.float64)) for k, v in start.items()}  # float32 holds them too
        save_file(start, path, metadata=meta)
        want, costs, out = twin_run(net, d, n, start, torch.float64)
        single, _, _ = twin_run(net, d, n, start, torch.float32)
        lost = far(single, want)[0]
        for precision, limit in (("float64", 1e-9), ("float32", max(2e-5, 5 * lost))):
            command("train", f"{precision}.yaml", "--from", "start.safetensors", "--out", precision, "--quiet", "--force", cwd=folder)
            got = load_file(os.path.join(folder, precision, "last.safetensors"))
            distance, where = far(got, want)
            if not distance <= limit:
                raise Differs(f"{precision}: {where} is {distance:.2g} away, more than {limit:.2g}")
            if precision == "float32":
                continue
            with open(os.path.join(folder, precision, "metrics.jsonl")) as f:
                told = [v for v in (json.loads(line).get("train_cost") for line in f) if v is not None]
            if len(told) != UPDATES or max(abs(a - b) / max(abs(b), 1e-2) for a, b in zip(told, costs)) > limit:
                raise Differs(f"costs {told}, PyTorch's {costs}")
            text = command("predict", f"{precision}/last.safetensors", "data.npz", "--json", cwd=folder)
            for k, (head, o, p) in zip(net.heads, zip(net.heads.values(), out, predictions(text, net, n))):
                o = o.softmax(-1) if head["cost"] == "cross_entropy" else o
                distance, _ = far({k: p.reshape(-1)}, {k: o.reshape(-1).numpy()})
                if not distance <= 1e-6:  # told in decimal
                    raise Differs(f"predictions of {k} are {distance:.2g} away")
    except Differs as e:
        kept = os.path.join("build", "networks", str(seed))
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept)
        return net, str(e)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return net, None


def main():
    global GRADUS
    GRADUS = os.path.abspath(sys.argv[1])
    count, begin = (int(sys.argv[2]) if len(sys.argv) > 2 else 200), (int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    said = subprocess.run([GRADUS, "explain"], capture_output=True, text=True).stdout.split("\nlayer\n")[1].split("\n\n")[0]
    names = [line.split()[0] for line in said.splitlines()]
    known = set(names) & {*LAYERS, *OTHERS}
    used, wrong = {}, 0
    for seed in range(begin, begin + count):
        net, why = check(seed, known)
        for k, v in net.used.items():
            used[k] = used.get(k, 0) + v
        if why:
            wrong += 1
            print(f"network {seed}: {why}", flush=True)
    print(f"{count - wrong} of {count} networks agree; layers: " + ", ".join(f"{k} {v}" for k, v in sorted(used.items())))
    without = [k for k in names if k not in used and k not in SKIP]
    if without:
        print("never drawn: " + ", ".join(without))
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
