#!/usr/bin/env python3
"""Writes the evidence of layers, costs, adam and sgd (make_schedules.py, make_inits.py, make_costs.py and make_optimizers.py write the others'): what PyTorch, the standard library or a plain formula gives, in float64.

    python make_evidence.py            (NumPy and PyTorch 2; the output stands beside this file and is committed, so tests need no Python)

One file a member, tests/family/FAMILY/MEMBER.txt. Lines:
    case NAME                          starts a case
    set {type: adam, lr: 0.1}          the member's settings as a recipe has them
    word KEY TEXT                      a further word, such as a role
    tensor NAME SIZES... : NUMBERS...  no size: one number
Memory order: pictures [N,H,W,C], convolution weights [O,KH,KW,I].
"""
import decimal
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(20240607)


def number(x):
    x = float(x)
    if not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    return repr(x)[:-2] if repr(x).endswith(".0") else repr(x)


class Evidence:
    def __init__(s, family, member, source):
        s.path = os.path.join(HERE, family, member + ".txt")
        s.lines = [f"# {family} {member}: {source}. Written by {os.path.basename(sys.argv[0])}."]

    def case(s, name, settings, words=None, **tensors):
        s.lines += [f"case {name}", f"set {settings}"] + [f"word {k} {v}" for k, v in (words or {}).items()]
        for k, v in tensors.items():
            a = np.asarray(v.detach() if isinstance(v, torch.Tensor) else v, dtype=np.float64)
            s.lines.append(" ".join(["tensor", k, *map(str, a.shape), ":", *map(number, a.ravel())]))

    def __enter__(s):
        return s

    def __exit__(s, *_):
        os.makedirs(os.path.dirname(s.path), exist_ok=True)
        with open(s.path, "w") as f:
            f.write("\n".join(s.lines) + "\n")


def draw(*shape):
    return torch.from_numpy(np.round(rng.normal(size=shape), 6))


# ---------------------------------------------------------------------------------------------------------- layers

def layer(e, name, settings, fn, inputs, params=None, words=None):
    """fn(inputs..., **params) in our memory order; gradients against a random signed cotangent."""
    inputs = [x.clone().requires_grad_() for x in inputs]
    params = {k: v.clone().requires_grad_() for k, v in (params or {}).items()}
    y = fn(*inputs, **params)
    dy = draw(*y.shape)
    y.backward(dy)
    zero = lambda p: torch.zeros_like(p) if p.grad is None else p.grad
    e.case(name, settings, words, **{f"in{i}": x for i, x in enumerate(inputs)}, **params, out=y, dout=dy,
           **{f"din{i}": zero(x) for i, x in enumerate(inputs)}, **{f"d{k}": zero(p) for k, p in params.items()})


def norm(e, name, settings, x, momentum=0.1, eps=1e-5, train=True, weight=None, bias=None, mean=None, var=None, dy=None, frozen=False, batches=None):
    """Batch norm by PyTorch over all axes but the last, with the running statistics before and after."""
    c = x.shape[-1]
    weight, bias = (draw(c) if weight is None else weight).requires_grad_(), (draw(c) if bias is None else bias).requires_grad_()
    before = [draw(c) if mean is None else mean, draw(c).abs() + 0.1 if var is None else var]
    after = [t.clone() for t in before]
    x = x.clone().requires_grad_()
    momentum = momentum if batches is None else 1 / (batches + 1)
    y = F.batch_norm(x.reshape(-1, c), *after, weight, bias, train and not frozen, momentum, eps).reshape(x.shape)
    dy = draw(*y.shape) if dy is None else dy
    y.backward(dy)
    more = dict(new_running_mean=after[0], new_running_var=after[1]) if train and not frozen else {}
    if batches is not None:
        more.update(batches=[batches], new_batches=[batches + 1])
    words = {"mode": "train", "seed": 1, "update": 0, "position": 0} if train else {}
    e.case(name, settings, words, in0=x, weight=weight, bias=bias, running_mean=before[0], running_var=before[1], out=y, dout=dy, din0=x.grad,
           dweight=weight.grad, dbias=bias.grad, **more)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def same(size, kernel, stride, dilation):
    total = max((math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def conv(stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, act=None):
    def fn(x, weight, bias=None):
        z, w = nchw(x), weight.permute(0, 3, 1, 2)
        pad = padding
        if padding == "same":
            h, v = same(z.shape[2], w.shape[2], stride[0], dilation[0]), same(z.shape[3], w.shape[3], stride[1], dilation[1])
            z, pad = F.pad(z, (*v, *h)), (0, 0)
        y = nhwc(F.conv2d(z, w, bias, stride, pad, dilation, groups))
        return act(y) if act else y
    return fn


def conv1(**k):
    def fn(x, weight, bias=None):
        return conv(**k)(x[:, None], weight, bias)[:, 0]
    return fn


def pool(kind, size, stride=None, padding=0, ceil=False, count=False):
    def fn(x):
        one = x.dim() == 3
        z = x.transpose(1, 2) if one else nchw(x)
        more = {} if kind == "max" else {"count_include_pad": count}
        f = {"max1": F.max_pool1d, "max2": F.max_pool2d, "avg1": F.avg_pool1d, "avg2": F.avg_pool2d}[kind + ("1" if one else "2")]
        y = f(z, size, stride or size, padding, ceil_mode=ceil, **more)
        return y.transpose(1, 2) if one else nhwc(y)
    return fn


def norms():
    with Evidence("layer", "batch_norm", "torch.nn.functional.batch_norm; the first case is the specification's") as e:
        rows = lambda *r: torch.tensor(r, dtype=torch.float64)
        norm(e, "given", "{type: batch_norm}", rows((1, 2), (3, 6), (5, 1)), weight=rows(1.5, 0.5), bias=rows(0.1, -0.2), mean=rows(0, 0), var=rows(1, 1),
             dy=rows((1, 0), (0.5, -1), (0, 2)))
        norm(e, "picture", "{type: batch_norm}", draw(3, 4, 5, 3))
        norm(e, "line", "{type: batch_norm, momentum: 0.3, eps: 0.01}", draw(2, 5, 4), momentum=0.3, eps=0.01)
        norm(e, "least", "{type: batch_norm, momentum: 1, eps: 0.5}", draw(2, 1), momentum=1.0, eps=0.5)
        norm(e, "one_channel", "{type: batch_norm, momentum: 0}", draw(1, 2, 3, 1), momentum=0.0)
        norm(e, "far_from_zero", "{type: batch_norm}", 30 + torch.round(64 * draw(7, 3)) / 64)
        norm(e, "evaluated", "{type: batch_norm, eps: 0.001}", draw(2, 3, 2, 4), eps=0.001, train=False)
        norm(e, "evaluated_alone", "{type: batch_norm}", draw(1, 5), train=False)
        norm(e, "no_variance", "{type: batch_norm, eps: 0.01}", draw(1, 3).repeat(4, 1), eps=0.01)
        before = rng.bit_generator.state  # these came later: the draws after them stay what they were
        for n in (0, 1, 7):
            norm(e, f"cumulative_{n}", "{type: batch_norm, momentum: cumulative}", draw(3, 2, 2), batches=n)
        norm(e, "cumulative_evaluated", "{type: batch_norm, momentum: cumulative}", draw(2, 3), train=False)
        norm(e, "frozen", "{type: batch_norm, frozen: true, eps: 0.01}", draw(2, 3, 2, 4), eps=0.01, frozen=True)
        norm(e, "frozen_alone", "{type: batch_norm, frozen: true}", draw(1, 3), frozen=True)
        norm(e, "frozen_evaluated", "{type: batch_norm, frozen: true}", draw(1, 3), frozen=True, train=False)
        norm(e, "places_of_one", "{type: batch_norm}", draw(1, 3, 3, 5))
        norm(e, "far_wide", "{type: batch_norm}", 100 + torch.round(64 * draw(9, 3)) / 64)
        rng.bit_generator.state = before


def layers():
    with Evidence("layer", "dense", "torch.nn.functional.linear") as e:
        layer(e, "plain", "{type: dense, units: 3}", F.linear, [draw(4, 5)], dict(weight=draw(3, 5), bias=draw(3)))
        layer(e, "one", "{type: dense, units: 1, bias: false}", F.linear, [draw(1, 1)], dict(weight=draw(1, 1)))
        layer(e, "every_position", "{type: dense, units: 3, activation: tanh}", lambda x, weight, bias: torch.tanh(F.linear(x, weight, bias)), [draw(2, 4, 5)],
              dict(weight=draw(3, 5), bias=draw(3)))
        layer(e, "leaky", "{type: dense, units: 4, activation: {type: leaky_relu, slope: 0.2}}", lambda x, weight, bias: F.leaky_relu(F.linear(x, weight, bias), 0.2), [draw(3, 2)],
              dict(weight=draw(4, 2), bias=draw(4)))
    with Evidence("layer", "conv", "torch.nn.functional.conv2d") as e:
        layer(e, "valid", "{type: conv, filters: 2}", conv(), [draw(2, 4, 5, 3)], dict(weight=draw(2, 3, 3, 3), bias=draw(2)))
        layer(e, "same", "{type: conv, filters: 2, kernel: [3, 2], padding: same, activation: relu}", conv(padding="same", act=F.relu), [draw(1, 4, 5, 2)],
              dict(weight=draw(2, 3, 2, 2), bias=draw(2)))
        layer(e, "same_stride", "{type: conv, filters: 2, kernel: 3, stride: 2, padding: same}", conv((2, 2), "same"), [draw(1, 5, 6, 2)], dict(weight=draw(2, 3, 3, 2), bias=draw(2)))
        layer(e, "same_even", "{type: conv, filters: 1, kernel: 4, stride: [2, 3], padding: same, bias: false}", conv((2, 3), "same"), [draw(1, 7, 8, 1)], dict(weight=draw(1, 4, 4, 1)))
        layer(e, "padding_list", "{type: conv, filters: 2, kernel: [2, 3], padding: [1, 0]}", conv(padding=(1, 0)), [draw(1, 3, 4, 2)], dict(weight=draw(2, 2, 3, 2), bias=draw(2)))
        layer(e, "dilation", "{type: conv, filters: 2, kernel: 3, padding: 1, dilation: [2, 1], stride: 2}", conv((2, 2), (1, 1), (2, 1)), [draw(1, 7, 6, 1)],
              dict(weight=draw(2, 3, 3, 1), bias=draw(2)))
        layer(e, "dilation_same", "{type: conv, filters: 1, kernel: 3, padding: same, dilation: 2}", conv(padding="same", dilation=(2, 2)), [draw(1, 5, 4, 1)], dict(weight=draw(1, 3, 3, 1), bias=draw(1)))
        layer(e, "groups", "{type: conv, filters: 4, kernel: 2, groups: 2}", conv(groups=2), [draw(1, 3, 3, 4)], dict(weight=draw(4, 2, 2, 2), bias=draw(4)))
        layer(e, "depthwise", "{type: conv, filters: 6, kernel: 3, padding: same, groups: depthwise, bias: false}", conv(padding="same", groups=3), [draw(1, 4, 4, 3)], dict(weight=draw(6, 3, 3, 1)))
        layer(e, "sequence", "{type: conv, filters: 3, kernel: 4, padding: same, stride: 2}", conv1(stride=(1, 2), padding="same"), [draw(2, 7, 2)], dict(weight=draw(3, 1, 4, 2), bias=draw(3)))
        layer(e, "sequence_padding", "{type: conv, filters: 2, kernel: [3], padding: 2, dilation: 2}", conv1(padding=(0, 2), dilation=(1, 2)), [draw(1, 6, 2)], dict(weight=draw(2, 1, 3, 2), bias=draw(2)))
    ties = torch.from_numpy(rng.integers(-1, 2, size=(1, 5, 5, 2)).astype(np.float64))
    with Evidence("layer", "max_pool", "torch.nn.functional.max_pool2d, max_pool1d") as e:
        layer(e, "two", "max_pool", pool("max", 2), [draw(2, 4, 5, 2)])
        layer(e, "overlapping", "{type: max_pool, size: 3, stride: 2, padding: 1}", pool("max", 3, 2, 1), [draw(1, 6, 5, 2)])
        layer(e, "ties", "{type: max_pool, size: 3, stride: 1}", pool("max", 3, 1), [ties])
        layer(e, "ceil", "{type: max_pool, size: 3, stride: 2, ceil: true}", pool("max", 3, 2, ceil=True), [draw(1, 6, 8, 1)])
        layer(e, "ceil_padding", "{type: max_pool, size: 2, stride: [3, 2], padding: 1, ceil: true}", pool("max", 2, (3, 2), 1, True), [draw(1, 7, 5, 1)])
        layer(e, "same", "{type: max_pool, size: 2, stride: 2, padding: same}", lambda x: pool("max", 2, 2)(F.pad(x, (0, 0, 0, 1, 0, 1), value=-math.inf)), [draw(1, 5, 3, 2)])
        layer(e, "sequence", "{type: max_pool, size: 3, stride: 2, padding: 1, ceil: true}", pool("max", 3, 2, 1, True), [draw(2, 6, 3)])
    with Evidence("layer", "avg_pool", "torch.nn.functional.avg_pool2d, avg_pool1d") as e:
        layer(e, "two", "avg_pool", pool("avg", 2), [draw(2, 4, 5, 2)])
        layer(e, "padding", "{type: avg_pool, size: 3, stride: 2, padding: 1}", pool("avg", 3, 2, 1), [draw(1, 6, 5, 2)])
        layer(e, "count_padding", "{type: avg_pool, size: [3, 2], stride: 2, padding: 1, count_padding: true}", pool("avg", (3, 2), 2, 1, count=True), [draw(1, 6, 5, 1)])
        layer(e, "ceil", "{type: avg_pool, size: 3, stride: 2, ceil: true}", pool("avg", 3, 2, ceil=True), [draw(1, 6, 8, 1)])
        layer(e, "ceil_count", "{type: avg_pool, size: 3, stride: 2, padding: 1, ceil: true, count_padding: true}", pool("avg", 3, 2, 1, True, True), [draw(1, 6, 7, 2)])
        layer(e, "sequence", "{type: avg_pool, size: 3, stride: 2, padding: 1, ceil: true, count_padding: true}", pool("avg", 3, 2, 1, True, True), [draw(2, 6, 3)])
    with Evidence("layer", "global_avg_pool", "torch.mean") as e:
        layer(e, "picture", "global_avg_pool", lambda x: x.mean((1, 2)), [draw(2, 3, 4, 3)])
        layer(e, "sequence", "global_avg_pool", lambda x: x.mean(1), [draw(2, 5, 3)])
    with Evidence("layer", "flatten", "torch.flatten of [N,C,H,W]") as e:
        layer(e, "picture", "flatten", lambda x: nchw(x).flatten(1), [draw(2, 2, 3, 4)])
        layer(e, "sequence", "flatten", lambda x: x.flatten(1), [draw(2, 3, 2)])
        layer(e, "flat", "flatten", lambda x: x, [draw(2, 3)])
    odd = torch.tensor([[-2.0, -0.0, 0.0, 1e-30, 3.5], [-1e4, 1e4, -1e-5, 40.0, -745.0]])
    ends = torch.cat([odd, torch.tensor([[math.inf, -math.inf, 1.0, -1.0, 0.5]])])
    for name, fn, source, x in (("relu", F.relu, "torch.relu", ends), ("sigmoid", torch.sigmoid, "torch.sigmoid", ends), ("tanh", torch.tanh, "torch.tanh", ends)):
        with Evidence("layer", name, source) as e:
            layer(e, "plain", name, fn, [draw(3, 4)])
            layer(e, "ends", name, fn, [x])
    with Evidence("layer", "leaky_relu", "torch.nn.functional.leaky_relu") as e:
        layer(e, "plain", "leaky_relu", lambda x: F.leaky_relu(x, 0.01), [draw(3, 4)])
        layer(e, "ends", "{type: leaky_relu, slope: 0.25}", lambda x: F.leaky_relu(x, 0.25), [ends])
        layer(e, "slope_0", "{type: leaky_relu, slope: 0}", F.relu, [ends])
    with Evidence("layer", "softmax", "torch.softmax") as e:
        layer(e, "plain", "softmax", lambda x: torch.softmax(x, -1), [draw(3, 4)])
        layer(e, "ends", "softmax", lambda x: torch.softmax(x, -1), [odd])
        layer(e, "positions", "softmax", lambda x: torch.softmax(x, -1), [draw(2, 3, 2)])
    with Evidence("layer", "add", "sums") as e:
        layer(e, "two", "add", lambda a, b: a + b, [draw(2, 3), draw(2, 3)])
        layer(e, "three", "add", lambda a, b, c: a + b + c, [draw(1, 2, 2, 3), draw(1, 2, 2, 3), draw(1, 2, 2, 3)])
    with Evidence("layer", "dropout", "Philox4x32-10 after Salmon et al. 2011, written here on its own") as e:
        for name, rate, seed, update, position in (("half", 0.5, 1, 0, 0), ("quarter", 0.25, 2 ** 40 + 7, 3, 100), ("third", 1 / 3, 12345, 2 ** 33 + 1, 7)):
            keep = torch.from_numpy(uniforms(seed, "l/mask", update, position, (5, 3, 2)) >= math.ceil(rate * 2 ** 24) / 2 ** 24).double()
            words = {"mode": "train", "seed": seed, "update": update, "position": position}
            layer(e, name, f"{{type: dropout, rate: {rate!r}}}", lambda x: x * keep / (1 - rate), [draw(5, 3, 2)], words=words)
        layer(e, "evaluating", "{type: dropout, rate: 0.5}", lambda x: x, [draw(3, 4)])
        layer(e, "rate_0", "{type: dropout, rate: 0}", lambda x: x, [draw(3, 4)], words={"mode": "train"})
        before = rng.bit_generator.state  # these came later: the draws after them stay what they were
        for name, shape in (("picture", (5, 3, 2, 4)), ("steps", (4, 7, 3)), ("rows", (6, 5)), ("one", (3, 2, 2, 1))):
            drawn = uniforms(7, "l/mask", 2, 5, (shape[0], shape[-1])) >= 0.25
            keep = torch.from_numpy(drawn).double().reshape(shape[0], *[1] * (len(shape) - 2), shape[-1])
            layer(e, "channels_" + name, "{type: dropout, rate: 0.25, channels: true}", lambda x: x * keep / 0.75, [draw(*shape)],
                  words={"mode": "train", "seed": 7, "update": 2, "position": 5})
        layer(e, "channels_evaluating", "{type: dropout, channels: true}", lambda x: x, [draw(3, 2, 4)])
        rng.bit_generator.state = before


def fnv(s):
    h = 0xCBF29CE484222325
    for c in s.encode():
        h = (h ^ c) * 0x100000001B3 % 2 ** 64
    return h


def philox(c, k):
    for i in range(10):
        if i:
            k = [(k[0] + 0x9E3779B9) % 2 ** 32, (k[1] + 0xBB67AE85) % 2 ** 32]
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 % 2 ** 32, (p0 >> 32) ^ c[3] ^ k[1], p0 % 2 ** 32]
    return c


def uniforms(seed, stream, update, position, shape):
    """A random leaf: counter {element / 4, sample, update, stream}, key {seed ^ high stream, high seed}; 24 bits of word element % 4."""
    h, low = fnv(stream), 2 ** 32 - 1
    key = [(seed & low) ^ (h >> 32), seed >> 32]
    row = int(np.prod(shape[1:]))
    out = [(philox([e // 4, position + n, update & low, h & low], key)[e % 4] >> 8) / 2 ** 24 for n in range(shape[0]) for e in range(row)]
    return np.array(out).reshape(shape)


# ----------------------------------------------------------------------------------------------------------- costs

def exact_cross_entropy(z, y):
    decimal.getcontext().prec = 60
    rows = []
    for row, c in zip(z.tolist(), y.tolist()):
        top = max(map(decimal.Decimal, row))
        rows.append(float(sum((decimal.Decimal(v) - top).exp() for v in row).ln() + top - decimal.Decimal(row[c])))
    return torch.tensor(rows)


def cost(e, name, settings, fn, z, y, predict, weight=None, evaluate=None):
    """fn(z) gives the cost of each sample, weights applied; the gradient is of their mean."""
    z = z.clone().requires_grad_()
    each = fn(z)
    mean = each.sum() / (weight.sum() if weight is not None else len(each))
    mean.backward()
    more = {} if weight is None else {"weight": weight}
    e.case(name, settings, None, output=z, target=y, each=each, mean=mean, doutput=z.grad, prediction=predict(z), each_evaluate=evaluate(z) if evaluate else each, **more)


def costs():
    z, y = draw(5, 4), torch.tensor([0, 3, 1, 1, 2])
    soft = lambda v: torch.softmax(v, -1)
    plain = lambda v: F.cross_entropy(v, y, reduction="none")
    with Evidence("cost", "cross_entropy", "torch.nn.functional.cross_entropy; extreme logits in 60 decimal digits; smoothing by its formula") as e:
        cost(e, "plain", "cross_entropy", plain, z, y, soft)
        zeros = torch.zeros(3, 10)
        cost(e, "zero_logits", "cross_entropy", lambda v: F.cross_entropy(v, torch.tensor([0, 5, 9]), reduction="none"), zeros, torch.tensor([0, 5, 9]), soft)
        wild = torch.tensor([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4 - 1], [0.0, 1e-9, -1e4]])
        wild_y = torch.tensor([0, 1, 2, 1, 1])
        exact = exact_cross_entropy(wild, wild_y)
        def extreme(v):
            each = F.cross_entropy(v, wild_y, reduction="none")
            assert torch.allclose(each, exact, rtol=1e-12, atol=1e-12)
            return each
        cost(e, "extreme_logits", "cross_entropy", extreme, wild, wild_y, soft)
        w = torch.tensor([1.0, 0.5, 2.0, 0.0])
        cost(e, "class_weights", "{type: cross_entropy, class_weights: [1, 0.5, 2, 0]}", lambda v: F.cross_entropy(v, y, w, reduction="none"), z, y, soft, weight=w[y])
        for form in ("szegedy", "chapter", "kminus1"):
            k, eps = 4, 0.1
            hot = F.one_hot(y, k).double()
            q = {"szegedy": hot * (1 - eps) + eps / k, "chapter": hot * (1 - eps) + (1 - hot) * eps / k, "kminus1": hot * (1 - eps) + (1 - hot) * eps / (k - 1)}[form]
            fn = lambda v: -(q * torch.log_softmax(v, -1)).sum(-1)
            if form == "szegedy":
                assert torch.allclose(fn(z), F.cross_entropy(z, y, reduction="none", label_smoothing=eps))
            cost(e, form, f"{{type: cross_entropy, label_smoothing: {eps}, smoothing: {form}}}", fn, z, y, soft, evaluate=plain)
    with Evidence("cost", "binary_cross_entropy", "torch.nn.functional.binary_cross_entropy_with_logits") as e:
        both = lambda v: torch.cat([torch.sigmoid(-v), torch.sigmoid(v)], 1)
        bce = lambda t, **k: lambda v: F.binary_cross_entropy_with_logits(v, t.double().reshape(v.shape), reduction="none", **k).mean(-1)
        t = torch.tensor([1, 0, 0, 1, 1, 0, 1])
        v = torch.tensor([-3.0, 0, 100, -100, 0, -700, 36.5])[:, None]
        cost(e, "plain", "binary_cross_entropy", bce(t), v, t, both)
        t = torch.tensor([1, 0, 0, 1])
        cost(e, "extreme_logits", "binary_cross_entropy", bce(t), torch.tensor([1e4, 1e4, -1e4, -1e4])[:, None], t, both)
        cost(e, "positive_weight", "{type: binary_cross_entropy, positive_weight: 3}", bce(t, pos_weight=torch.tensor(3.0)), draw(4, 1), t, both)
        t = torch.from_numpy(rng.integers(0, 2, size=(3, 4)))
        cost(e, "several_outputs", "binary_cross_entropy", bce(t), draw(3, 4), t, torch.sigmoid)
    with Evidence("cost", "mse", "torch.nn.functional.mse_loss") as e:
        def mse(t):
            return lambda v: F.mse_loss(v, t.reshape(v.shape), reduction="none").flatten(1).mean(-1)
        t = draw(4, 3)
        cost(e, "plain", "mse", mse(t), draw(4, 3), t, lambda v: v)
        t = draw(5)
        cost(e, "one_output", "mse", mse(t), draw(5, 1), t, lambda v: v)
        t = draw(2, 2, 2, 3)
        cost(e, "pictures", "mse", mse(t), draw(2, 2, 2, 3), t, lambda v: v)


# ------------------------------------------------------------------------------------------------------ optimizers

STEPS = 20


def optimizer(e, name, settings, make, rates=None, role="weight", count=1.0):
    """20 updates on given gradients; make(parameter) gives something with step(gradient, rate)."""
    n = 4
    w0, g = draw(n), draw(STEPS, n)
    g[4, 0] = 0
    g[:, 3] = 0 if name == "plain" else g[:, 3]  # a weight that never has a gradient
    lr = torch.tensor(rates if rates is not None else [0.1] * STEPS)
    w = torch.nn.Parameter(w0.clone())
    step, path = make(w), []
    for t in range(STEPS):
        step(g[t], float(lr[t]))
        path.append(w.detach().clone())
    e.case(name, settings, {"role": role}, w0=w0, g=g * count, lr=lr, count=count, w=torch.stack(path))


def torch_optim(cls, **k):
    def make(w):
        o = cls([w], lr=0.1, **k)

        def step(g, lr):
            w.grad = g.clone()
            o.param_groups[0]["lr"] = lr
            o.step()
        return step
    return make


def plain(rule):
    """rule(state, w, g, lr, t) returns the new w."""
    def make(w):
        state = {"t": 0, "m": torch.zeros_like(w), "v": torch.zeros_like(w)}

        @torch.no_grad()
        def step(g, lr):
            state["t"] += 1
            w.copy_(rule(state, w.clone(), g, lr, state["t"]))
        return step
    return make


def inside(s, w, g, lr, t):
    s["m"] = 0.9 * s["m"] + lr * g
    return w - s["m"]


def hat(s, w, g, lr, t):
    s["m"] = 0.9 * s["m"] + 0.1 * g
    s["v"] = 0.999 * s["v"] + 0.001 * g * g
    return w - lr * math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t) * s["m"] / (s["v"].sqrt() + 1e-3)


def decayed_sgd(s, w, g, lr, t):
    s["m"] = 0.9 * s["m"] + g
    return w - lr * 0.01 * w - lr * s["m"]


def optimizers():
    drop = [0.1] * 7 + [0.01] * 7 + [0.001] * 6
    with Evidence("optimizer", "sgd", "torch.optim.SGD; lr_in_momentum and decoupled decay by their formulas") as e:
        sgd = lambda **k: torch_optim(torch.optim.SGD, **k)
        optimizer(e, "plain", "sgd", sgd())
        optimizer(e, "count", "{type: sgd}", sgd(), count=32.0)
        optimizer(e, "momentum", "{type: sgd, momentum: 0.9}", sgd(momentum=0.9), drop)
        optimizer(e, "dampening", "{type: sgd, momentum: 0.8, dampening: 0.5}", sgd(momentum=0.8, dampening=0.5))
        optimizer(e, "nesterov", "{type: sgd, momentum: 0.9, nesterov: true}", sgd(momentum=0.9, nesterov=True), drop)
        optimizer(e, "coupled", "{type: sgd, momentum: 0.9, weight_decay: 0.01}", sgd(momentum=0.9, weight_decay=0.01))
        optimizer(e, "bias_not_decayed", "{type: sgd, momentum: 0.9, weight_decay: 0.01}", sgd(momentum=0.9), role="bias")
        optimizer(e, "decoupled", "{type: sgd, momentum: 0.9, weight_decay: 0.01, decay: decoupled}", plain(decayed_sgd), drop)
        optimizer(e, "lr_in_momentum", "{type: sgd, momentum: 0.9, lr_in_momentum: true}", plain(inside), drop)
    with Evidence("optimizer", "adam", "torch.optim.Adam, AdamW; eps_mode hat by its formula") as e:
        adam = lambda **k: torch_optim(torch.optim.Adam, **k)
        optimizer(e, "plain", "adam", adam(eps=1e-3))
        optimizer(e, "paper", "{type: adam, eps: 1e-8}", adam(eps=1e-8), drop)
        optimizer(e, "count", "{type: adam, eps: 1e-8}", adam(eps=1e-8), count=7.0)
        optimizer(e, "betas", "{type: adam, beta1: 0.5, beta2: 0.9, eps: 1e-5}", adam(betas=(0.5, 0.9), eps=1e-5))
        optimizer(e, "no_memory", "{type: adam, beta1: 0, beta2: 0}", adam(betas=(0.0, 0.0), eps=1e-3))
        optimizer(e, "coupled", "{type: adam, eps: 1e-8, weight_decay: 0.01}", adam(eps=1e-8, weight_decay=0.01))
        optimizer(e, "decoupled", "{type: adam, eps: 1e-8, weight_decay: 0.01, decay: decoupled}", torch_optim(torch.optim.AdamW, eps=1e-8, weight_decay=0.01), drop)
        optimizer(e, "hat", "{type: adam, eps_mode: hat}", plain(hat))


if __name__ == "__main__":
    layers(), costs(), optimizers(), norms()
