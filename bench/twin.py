"""The PyTorch side: reads a Gradus recipe, builds the same network and trains it as fast as PyTorch can. Started by compare.py, one process a measurement.

    twin.py speed RECIPE THREADS WINDOW WINDOWS VARIANT...   ms a step of each window, by variant
    twin.py first RECIPE THREADS VARIANT                     the clock at the end of the first step, everything before it included
    twin.py memory RECIPE THREADS STEPS VARIANT              peak resident bytes of a run that does nothing else
    twin.py recomputed RECIPE THREADS STEPS SEGMENTS VARIANT   ms of each step and peak resident bytes; SEGMENTS of the network are computed again in the backward
                                                             pass (0: nothing is), or, as `budget:0.5`, what the compiler's activation_memory_budget leaves to
    twin.py layers RECIPE                                    whether the network has convolutions, its number of parameters
    twin.py data FOLDER                                      makes the .npy files of the cases that need some
    twin.py versions                                         of PyTorch, and its installed bytes

A VARIANT is words joined by '+': default, fused (optimizer), channels_last, compile. Results are one JSON line.
"""
import functools
import gzip
import json
import math
import os
import re
import sys
import time
import warnings

import torch
from torch import nn
from torch.nn import functional as F


PATIENCE_S = 10  # a variant is given up after so long: threads that spin on a busy machine can take minutes for what takes a second alone


# ---- the recipe ----

def read_recipe(path):
    import yaml
    text = open(path, encoding="utf-8").read()
    text = re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: os.environ.get(m[1], m[2] or ""), text)
    recipe = yaml.safe_load(text)
    recipe["folder"] = os.path.dirname(os.path.abspath(path))
    return recipe


def member(v):
    return {"type": v} if isinstance(v, str) else dict(v)


def number(v):  # `1/255`, and `1e-3`, which YAML 1.1 takes for text
    top, _, bottom = str(v).partition("/")
    return float(top) / float(bottom or 1)


def refuse_unknown(what, d, known):
    rest = set(d) - set(known) - {"type", "name", "init"}
    if rest:
        sys.exit(f"bench: {what}: the PyTorch twin does not know {', '.join(sorted(rest))}")


# ---- the network ----

ACTIVATIONS = {"relu": lambda: nn.ReLU(inplace=True), "relu6": lambda: nn.ReLU6(inplace=True), "leaky_relu": lambda: nn.LeakyReLU(0.01, inplace=True), "gelu": nn.GELU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def padding(d):
    p, k = d.get("padding", "valid"), d["kernel"]
    if p == "valid":
        return 0
    if p != "same":
        return p
    if d.get("stride", 1) != 1 or not isinstance(k, int) or k % 2 == 0:
        sys.exit("bench: the PyTorch twin pads `same` for odd square kernels of stride 1 alone")
    return k // 2


class Recurrent(nn.Module):
    KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}

    def __init__(s, kind, features, units, layers, result):
        super().__init__()
        s.net, s.last = s.KINDS[kind](features, units, layers, batch_first=True), result == "last"

    def forward(s, x):
        y, _ = s.net(x)
        return y[:, -1] if s.last else y


class Block(nn.Module):
    """A block of a transformer as PyTorch computes one fastest: one product for queries, keys and values, attention fused."""

    def __init__(s, features, heads, ff, pre, causal, act):
        super().__init__()
        s.heads, s.pre, s.causal, s.act = heads, pre, causal, act
        s.norm1, s.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        s.qkv, s.out = nn.Linear(features, 3 * features), nn.Linear(features, features)
        s.ff1, s.ff2 = nn.Linear(features, ff), nn.Linear(ff, features)

    def attend(s, x):
        b, t, f = x.shape
        q, k, v = (a.view(b, t, s.heads, -1).transpose(1, 2) for a in s.qkv(x).split(f, -1))
        return s.out(F.scaled_dot_product_attention(q, k, v, is_causal=s.causal).transpose(1, 2).reshape(b, t, f))

    def forward(s, x):
        dense = lambda z: s.ff2(s.act(s.ff1(z)))
        if s.pre:
            x = x + s.attend(s.norm1(x))
            return x + dense(s.norm2(x))
        x = s.norm1(x + s.attend(x))
        return s.norm2(x + dense(x))


class Positions(nn.Module):
    def __init__(s, length, features):
        super().__init__()
        s.weight = nn.Parameter(torch.randn(length, features) * 0.02)

    def forward(s, x):
        return x + s.weight


class StepMean(nn.Module):
    def forward(s, x):
        return x.mean(1)


def steps(d, shape):
    """Layers of sequences, of which the shape is (features, length); None: it is another."""
    kind = d["type"]
    if kind == "embedding":
        refuse_unknown(kind, d, ["vocabulary", "units"])
        return nn.Embedding(d["vocabulary"], d["units"]), (d["units"], shape[0])
    if kind == "positional":
        refuse_unknown(kind, d, [])
        return Positions(shape[1], shape[0]), shape
    if kind == "transformer_block":
        refuse_unknown(kind, d, ["heads", "ff", "norm", "causal", "activation"])
        act = ACTIVATIONS[d.get("activation", "gelu")]()
        return Block(shape[0], d["heads"], d.get("ff", 4 * shape[0]), d.get("norm", "pre") == "pre", d.get("causal", False), act), shape
    if kind == "layer_norm":
        refuse_unknown(kind, d, [])
        return nn.LayerNorm(shape[0]), shape
    if kind in Recurrent.KINDS:
        refuse_unknown(kind, d, ["units", "layers", "return"])
        result, units = d.get("return", "last"), d["units"]
        return Recurrent(kind, shape[0], units, d.get("layers", 1), result), (units,) if result == "last" else (units, shape[1])
    return None


def layer(d, shape):
    """The module, and the shape behind it: (channels, height, width), (features, length) or (features,)."""
    kind = d["type"]
    if steps(d, shape):
        return steps(d, shape)
    if kind == "dense":
        refuse_unknown(kind, d, ["units", "activation", "bias"])
        return nn.Linear(shape[0], d["units"], bias=d.get("bias", True)), (d["units"], *shape[1:])
    if kind == "conv":
        refuse_unknown(kind, d, ["filters", "kernel", "padding", "stride", "groups", "activation", "bias"])
        groups = shape[0] if d.get("groups") == "depthwise" else d.get("groups", 1)
        m = nn.Conv2d(shape[0], d["filters"], d["kernel"], d.get("stride", 1), padding(d), groups=groups, bias=d.get("bias", True))
    elif kind in ("max_pool", "avg_pool"):
        refuse_unknown(kind, d, ["size", "stride", "padding"])
        pad = d.get("padding", 0)
        m = nn.MaxPool2d(d["size"], d.get("stride"), pad) if kind == "max_pool" else nn.AvgPool2d(d["size"], d.get("stride"), pad, count_include_pad=False)
    elif kind == "batch_norm":
        refuse_unknown(kind, d, ["activation", "momentum", "eps"])
        return (nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d)(shape[0], number(d.get("eps", 1e-5)), number(d.get("momentum", 0.1))), shape
    elif kind == "global_avg_pool" and len(shape) == 2:
        return StepMean(), (shape[0],)
    elif kind == "global_avg_pool":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), (shape[0],)
    elif kind == "flatten":
        m = nn.Flatten()
    elif kind == "dropout":
        return nn.Dropout(number(d["rate"])), shape
    elif kind in ACTIVATIONS:
        return ACTIVATIONS[kind](), shape
    else:
        sys.exit(f"bench: the PyTorch twin has no layer {kind}")
    return m, tuple(m(torch.zeros(1, *shape)).shape[1:])


def written_out(layers):
    """Members of layers, `repeat` as often as it says."""
    for d in map(member, layers):
        if "repeat" in d:
            refuse_unknown("repeat", d["repeat"], ["times", "layers"])
            yield from [dict(x) for _ in range(d["repeat"]["times"]) for x in written_out(d["repeat"]["layers"])]
        else:
            yield d


class Network(nn.Module):
    """Layers in their order, each on the one before it or on those that its `from` names; `add` is the one that takes several."""

    def __init__(s, recipe):
        super().__init__()
        size = recipe["model"]["input"]
        size = [size] if isinstance(size, int) else size
        last, s.plan = "input", []
        shapes = {"input": (size[2], size[0], size[1]) if len(size) == 3 else tuple(reversed(size))}
        for i, d in enumerate(written_out(recipe["model"]["layers"])):
            sources = d.pop("from", last)
            sources = sources if isinstance(sources, list) else [sources]
            last = d.get("name", f"layer {i + 1}")
            m, shapes[last] = (None, shapes[sources[0]]) if d["type"] == "add" else layer(d, shapes[sources[0]])
            act = ACTIVATIONS[d["activation"]]() if "activation" in d else None
            s.add_module(str(2 * i), m), s.add_module(str(2 * i + 1), act)
            s.plan.append((last, sources, m, act))
        used = {name: i for i, (_, sources, _, _) in enumerate(s.plan) for name in sources}
        s.forget = [[name for name, at in used.items() if at == i] for i in range(len(s.plan))]

    def run(s, values, begin, end):
        """The value of the last of these layers; `values` holds those that are still read."""
        for (name, sources, m, act), gone in list(zip(s.plan, s.forget))[begin:end]:
            x = m(values[sources[0]]) if m is not None else functools.reduce(torch.add, [values[k] for k in sources])
            values[name] = x = act(x) if act is not None else x
            for k in gone:
                del values[k]
        return x

    def forward(s, x):
        return s.run({"input": x}, 0, len(s.plan))

    def stages(s):
        """Functions of one value each that make the network one after another: cut where but one value is read on."""
        alive, cuts = {"input"}, [0]
        for i, ((name, *_), gone) in enumerate(zip(s.plan, s.forget)):
            alive = (alive | {name}) - set(gone)
            if alive == {name}:
                cuts.append(i + 1)
        before = ["input"] + [name for name, *_ in s.plan]
        return [functools.partial(lambda b, e, x: s.run({before[b]: x}, b, e), b, e) for b, e in zip(cuts, cuts[1:])]


def network(recipe):
    return Network(recipe)


def optimizer(recipe, net, fused):
    d = member(recipe["optimizer"])
    kind = d["type"]
    refuse_unknown(kind, d, ["lr", "beta1", "beta2", "eps", "momentum", "nesterov", "weight_decay"])
    decay = number(d.get("weight_decay", 0)) + number((recipe.get("penalty") or {}).get("l2", 0))
    more = {"fused": True} if fused else {}
    if kind == "adam":
        betas = number(d.get("beta1", 0.9)), number(d.get("beta2", 0.999))
        return torch.optim.Adam(net.parameters(), number(d.get("lr", 1e-3)), betas, number(d.get("eps", 1e-8)), decay, **more)
    if kind == "sgd":
        return torch.optim.SGD(net.parameters(), number(d.get("lr", 1e-2)), number(d.get("momentum", 0)), weight_decay=decay,
                               nesterov=bool(d.get("nesterov")), **more)
    sys.exit(f"bench: the PyTorch twin has no optimizer {kind}")


def cost(recipe):
    d = member(recipe["cost"])
    if d["type"] != "cross_entropy":
        sys.exit(f"bench: the PyTorch twin has no cost {d['type']}")
    smoothing = number(d.get("label_smoothing", 0))
    return lambda z, y: F.cross_entropy(z.flatten(0, -2), y.flatten(), label_smoothing=smoothing)


def clip(recipe, net):
    """The most a gradient's norm may be, or None."""
    c = recipe.get("clip", "none")
    return None if c in ("none", None) else number(c["norm"])


# ---- data ----

def idx(path, head):
    data = gzip.decompress(open(path, "rb").read()) if path.endswith(".gz") else open(path, "rb").read()
    warnings.simplefilter("ignore")  # that the bytes cannot be written to
    return torch.frombuffer(data, dtype=torch.uint8, offset=head)


def load(recipe):
    """Inputs as they are stored (bytes or float32, pictures as NCHW) and classes."""
    d = recipe["data"]["train"] if "train" in recipe["data"] else recipe["data"]["source"]
    at = lambda p: os.path.join(recipe["folder"], p)
    if d["type"] == "idx":
        return idx(at(d["images"]), 16).view(-1, 1, 28, 28), idx(at(d["labels"]), 8).long()
    import numpy
    x = torch.from_numpy(numpy.load(at(d["inputs"])))
    return x.permute(0, 3, 1, 2).contiguous() if x.dim() == 4 else x, torch.from_numpy(numpy.load(at(d["targets"])))


def scaled(x):
    return x.float().mul_(1 / 255) if x.dtype == torch.uint8 else x


def save(folder, name, x, y):
    import numpy
    for part, a in (("x", x), ("y", y)):
        path = os.path.join(folder, f"{name}-{part}.npy")
        with open(path + ".tmp", "wb") as f:
            numpy.save(f, a)
        os.replace(path + ".tmp", path)


def text(rng, samples, length):
    """Bytes of which each follows from the one before, with noise; and the next ones."""
    import numpy
    z = rng.integers(0, 256, (samples, length + 1))
    for t in range(length):
        z[:, t + 1] = numpy.where(rng.random(samples) < 0.7, (z[:, t] * 7 + 3) % 256, z[:, t + 1])
    return z[:, :-1].astype(numpy.int64), z[:, 1:].astype(numpy.int64)


def make_data(folder):
    """Vectors and pictures from N(0, 1), classes from a linear teacher with noise, so that training neither diverges nor ends."""
    import numpy
    os.makedirs(folder, exist_ok=True)
    save(folder, "words", *text(numpy.random.default_rng(128), 512, 128))
    for name, shape, classes, samples in (("128x768", (128, 768), 2, 64), ("16", (16,), 2, 4096), ("784", (784,), 10, 8192), ("32x256", (32, 256), 10, 2048), ("56x56x24", (56, 56, 24), 10, 128), ("224x224x3", (224, 224, 3), 10, 32)):
        features = math.prod(shape)
        rng = numpy.random.default_rng(features)
        x = rng.standard_normal((samples, *shape), dtype=numpy.float32)
        z = x.reshape(samples, -1) @ rng.standard_normal((features, classes), dtype=numpy.float32) / features ** 0.5
        save(folder, name, x, (z + rng.standard_normal(z.shape)).argmax(1).astype(numpy.int64))


# ---- training ----

def trainer(recipe, variant, segments=0):
    """step(x, y), and whether pictures are to be stored channels last. So many segments of the network are computed again."""
    words = variant.split("+")
    torch.manual_seed(int(recipe.get("seed", 1)))
    net, last = network(recipe), "channels_last" in words
    if last:
        net = net.to(memory_format=torch.channels_last)
    opt, f, limit = optimizer(recipe, net, "fused" in words), cost(recipe), clip(recipe, net)
    parameters = list(net.parameters())
    run = torch.compile(net) if "compile" in words else net
    if segments:
        from torch.utils.checkpoint import checkpoint_sequential
        stages = net.stages()
        run = lambda x: checkpoint_sequential(stages, min(segments, len(stages)), x, use_reentrant=False)

    def step(x, y):
        opt.zero_grad(set_to_none=True)
        f(run(x), y).backward()
        if limit:
            nn.utils.clip_grad_norm_(parameters, limit)
        opt.step()
    return step, last


def batches(recipe, x, y, last):
    """The batches of an epoch as views, the order drawn once: no copy and no arithmetic is left for the loop."""
    n = recipe["data"].get("batch", 64)
    order = torch.randperm(len(x))[:len(x) // n * n]
    x, y = scaled(x[order]), y[order]
    if last and x.dim() == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    return list(zip(x.split(n), y.split(n)))


def speed(path, threads, window, windows, *variants):
    torch.set_num_threads(int(threads))
    recipe, result = read_recipe(path), {}
    x, y = load(recipe)
    window, windows = int(window), int(windows)
    keep = min(len(x), max(2048, window * (windows + 1) * recipe["data"].get("batch", 64)))
    x, y = x[:keep], y[:keep]
    for variant in variants:
        step, last = trainer(recipe, variant)
        data, k, times = batches(recipe, x, y, last), 0, []
        start = time.perf_counter()
        for _ in range(windows + 1):  # the first warms up
            begin = time.perf_counter()
            if len(times) > 3 and begin - start > PATIENCE_S:
                break
            for _ in range(window):
                step(*data[k])
                k = k + 1 if k + 1 < len(data) else 0
            times.append(1e3 * (time.perf_counter() - begin) / window)
        result[variant] = times[1:]
    return result


def first(path, threads, variant):
    torch.set_num_threads(int(threads))
    recipe = read_recipe(path)
    x, y = load(recipe)
    step, last = trainer(recipe, variant)
    step(scaled(x[:recipe["data"]["batch"]]), y[:recipe["data"]["batch"]])
    return {"clock": time.clock_gettime(time.CLOCK_MONOTONIC)}


def own_peak():
    return int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) * 1024


def memory(path, threads, steps, variant, segments=0):
    """Bytes stay bytes until a batch is made of them: the smallest way to train."""
    torch.set_num_threads(int(threads))
    recipe = read_recipe(path)
    x, y = load(recipe)
    step, last = trainer(recipe, variant, segments)
    n, times = recipe["data"]["batch"], []
    for i in range(int(steps)):
        at, begin = i * n % (len(x) // n * n), time.perf_counter()
        xs = scaled(x[at:at + n])
        step(xs.contiguous(memory_format=torch.channels_last) if last and xs.dim() == 4 else xs, y[at:at + n])
        times.append(1e3 * (time.perf_counter() - begin))
    return {"peak": own_peak(), "ms": times}


def recomputed(path, threads, steps, segments, variant):
    kind, _, share = segments.partition(":")
    if kind != "budget":
        return memory(path, threads, steps, variant, int(segments))
    import torch._functorch.config as c
    c.activation_memory_budget = float(share)
    return memory(path, threads, steps, variant + "+compile")


def layers(path):
    net = network(read_recipe(path))
    return {"conv": any(isinstance(m, nn.Conv2d) for m in net.modules()), "parameters": sum(p.numel() for p in net.parameters())}


def wanted(requirements, extras):
    """The names and extras of the requirements that hold with these extras."""
    for r in requirements or []:
        extra = re.search(r"extra == ['\"]([^'\"]+)", r)
        if not extra or extra[1] in extras:
            name, of = re.match(r"([\w.-]+)(?:\[([^]]*)\])?", r).groups()
            yield name.lower(), frozenset((of or "").split(","))


def versions():
    """PyTorch's version, and the bytes of it and all packages that it pulled in, as pip lists their files."""
    from importlib import metadata
    seen, sizes, waiting = set(), {}, [("torch", frozenset())]
    while waiting:
        name, extras = waiting.pop()
        try:
            d = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        sizes[name] = sum(f.size or 0 for f in d.files or [])
        more = set(wanted(d.requires, extras)) - seen
        seen |= more
        waiting += more
    return {"torch": torch.__version__, "bytes": sum(sizes.values()), "isa": torch.backends.cpu.get_cpu_capability()}


if __name__ == "__main__":
    print(json.dumps({"speed": speed, "first": first, "memory": memory, "recomputed": recomputed, "layers": layers, "data": make_data, "versions": versions}[sys.argv[1]](*sys.argv[2:])))
