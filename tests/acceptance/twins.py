"""Twins in PyTorch of the zoo's networks, trained from the same weights on the same batches. Needs numpy and torch.
   twins.py data FOLDER SIZE CHANNELS CLASSES COUNT   x.npy, y.npy; CHANNELS 0: SIZE symbols of CLASSES, a class each;
                                                  -1: s.npy too, whose symbols are 0 and 1, and values for y
   twins.py check NETWORK FOLDER BATCH UPDATES RATE        start.safetensors, x.npy and y.npy against run/last.safetensors
FOLDER holds what the shell script beside this made. Tensors agree to 1e-4 of their largest element, after one update
their changes do, the gradients, to 1e-4 of their
largest or 1e-8 of the largest of all: a key's bias has none but rounding."""
import json
import os
import struct
import sys
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "family"))
import make_attention as attention  # noqa: E402
import make_composites as blocks  # noqa: E402


def read(path):
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header, body = json.loads(f.read(size)), f.read()
    header.pop("__metadata__", None)
    kind = {"F32": np.float32, "F64": np.float64}
    return {k: torch.from_numpy(np.frombuffer(body[slice(*v["data_offsets"])], kind[v["dtype"]]).reshape(v["shape"]).astype(np.float64)) for k, v in header.items()}


class Net(blocks.Block):
    """Layers under dotted names, in order; functions stand between them."""

    def __init__(s, steps):
        super().__init__()
        s.steps = []
        for step in steps:
            if isinstance(step, tuple):
                s.put(*step)
                step = step[1]
            s.steps.append(step)

    def forward(s, x):
        for f in s.steps:
            x = f(x)
        return x


flat = lambda x: x.flatten(1)
mean = lambda x: x.mean((2, 3))


def conv(i, o, k, stride=1, padding=0, bias=True):
    return nn.Conv2d(i, o, k, stride, padding, bias=bias)


def lenet5(c, classes):
    return [("c1", conv(c, 6, 5, padding=2)), F.relu, nn.MaxPool2d(2), ("c2", conv(6, 16, 5)), F.relu, nn.MaxPool2d(2), flat,
            ("d1", nn.Linear(400, 120)), F.relu, ("d2", nn.Linear(120, 84)), F.relu, ("head", nn.Linear(84, classes))]


def vgg16(c, classes):
    steps, at = [], 0
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        steps += [(f"features.{at}", conv(c, width, 3, padding=1)), F.relu] if width else [nn.MaxPool2d(2)]
        at, c = at + (2 if width else 1), width or c
    dense = ("classifier.0", nn.Linear(25088, 4096)), F.relu, ("classifier.3", nn.Linear(4096, 4096)), F.relu, ("classifier.6", nn.Linear(4096, classes))
    return [*steps, nn.AdaptiveAvgPool2d(7), flat, *dense]


class Transformer(nn.Module):
    """Its parameters are the file's; what a block computes is in tests/family/make_attention.py."""

    def __init__(s, start, heads=4):
        super().__init__()
        s.heads, s.names = heads, {k.replace(".", "_"): k for k in start}
        for k, v in start.items():
            s.register_parameter(k.replace(".", "_"), nn.Parameter(v.double().clone()))

    def named(s, prefix):
        return {k[len(prefix):]: v for k, v in s.named_parameters() if k.startswith(prefix)}

    def forward(s, x):
        x = F.embedding(x.long(), s.bytes_weight) + s.places_weight
        for i in range(2):
            x = attention.block(s.heads, causal=True)(x, **s.named(f"blocks_{i}_"))
        return F.linear(F.layer_norm(x, x.shape[-1:], s.norm_weight, s.norm_bias), s.head_weight, s.head_bias)

    def state_dict(s):
        return {s.names[k]: v for k, v in s.named_parameters()}


class Gpt(Transformer):
    def forward(s, x):
        x = F.embedding(x.long(), s.wte_weight) + s.wpe_weight
        for i in range(12):
            x = attention.block(12, causal=True, act=partial(F.gelu, approximate="tanh"))(x, **s.named(f"h_{i}_"))
        return F.layer_norm(x, x.shape[-1:], s.ln_f_weight, s.ln_f_bias) @ s.wte_weight.T


class Bert(Transformer):
    """By the equations of the paper; names are Hugging Face's."""

    def dense(s, name, x):
        return F.linear(x, getattr(s, name + "_weight"), getattr(s, name + "_bias"))

    def norm(s, name, x):
        return F.layer_norm(x, x.shape[-1:], getattr(s, name + "_weight"), getattr(s, name + "_bias"), 1e-12)

    def layer(s, name, x):
        b, t, f = x.shape
        q, k, v = (s.dense(f"{name}_attention_self_{n}", x).view(b, t, 12, -1).transpose(1, 2) for n in ("query", "key", "value"))
        seen = ((q @ k.transpose(-1, -2) / (f // 12) ** 0.5).softmax(-1) @ v).transpose(1, 2).reshape(b, t, f)
        x = s.norm(f"{name}_attention_output_LayerNorm", x + s.dense(f"{name}_attention_output_dense", seen))
        return s.norm(f"{name}_output_LayerNorm", x + s.dense(f"{name}_output_dense", F.gelu(s.dense(f"{name}_intermediate_dense", x))))

    def forward(s, x, segments):
        e = "embeddings_"
        x = F.embedding(x.long(), getattr(s, e + "word_embeddings_weight")) + F.embedding(segments.long(), getattr(s, e + "token_type_embeddings_weight"))
        x = s.norm(e + "LayerNorm", x + getattr(s, e + "position_embeddings_weight"))
        for i in range(12):
            x = s.layer(f"encoder_layer_{i}", x)
        return torch.tanh(s.dense("pooler_dense", x[:, 0]))


class Rows(nn.Module):
    """A picture read row by row."""

    def __init__(s, units, classes):
        super().__init__()
        s.memory, s.head = nn.LSTM(28, units, batch_first=True), nn.Linear(units, classes)

    def forward(s, x):
        return s.head(s.memory(x[:, 0])[0][:, -1])


def resnet(c, classes, times, block, expansion):
    steps = [("conv1", conv(c, 64, 7, 2, 3, False)), ("bn1", nn.BatchNorm2d(64)), F.relu, nn.MaxPool2d(3, 2, 1)]
    c = 64
    for k, n in enumerate(times):
        for j in range(n):
            steps.append((f"layer{k + 1}.{j}", block(c, 64 << k, 2 if k and j == 0 else 1)))
            c = (64 << k) * expansion
    return steps + [mean, ("fc", nn.Linear(c, classes))]


def mobilenet(c, classes):
    steps, at = [("features.0.0", conv(c, 32, 3, 2, 1, False)), ("features.0.1", nn.BatchNorm2d(32)), F.relu6], 1
    c = 32
    for e, width, times, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for j in range(times):
            steps.append((f"features.{at}", blocks.Inverted(c, width, 1 if j else stride, e)))
            at, c = at + 1, width
    return steps + [("features.18.0", conv(c, 1280, 1, bias=False)), ("features.18.1", nn.BatchNorm2d(1280)), F.relu6, mean, ("classifier.1", nn.Linear(1280, classes))]


NETS = {"lenet5": lenet5, "vgg16": vgg16, "mobilenet-v2": mobilenet, "resnet18": lambda c, k: resnet(c, k, (2, 2, 2, 2), blocks.Basic, 1),
        "resnet50": lambda c, k: resnet(c, k, (3, 4, 6, 3), blocks.Bottleneck, 4)}


TEXTS = {"tiny-transformer": Transformer, "gpt2-small": Gpt, "bert-base": Bert}


def data(folder, size, channels, classes, count):
    r = np.random.default_rng(7)
    n, size, channels, classes = int(count), int(size), int(channels), int(classes)
    text = channels <= 0
    np.save(f"{folder}/x.npy", r.integers(0, classes, (n, size)) if text else r.standard_normal((n, size, size, channels)).astype(np.float32))
    if channels < 0:
        np.save(f"{folder}/s.npy", r.integers(0, 2, (n, size)))
        np.save(f"{folder}/y.npy", r.standard_normal((n, 768)).astype(np.float32))
    else:
        np.save(f"{folder}/y.npy", r.integers(0, classes, (n, size) if text else n))


def twin(network, start, channels):
    if network in TEXTS:
        return TEXTS[network](start)
    net = Rows(128, 10) if network == "lstm-classifier" else Net(NETS[network](channels, 10))
    missing, extra = net.load_state_dict(start, strict=False)
    if extra or [k for k in missing if not k.endswith("num_batches_tracked")]:
        sys.exit(f"{network}: names differ: {missing[:3]} {extra[:3]}")
    return net


def check(network, folder, batch, updates, rate):
    more = [torch.from_numpy(np.load(f"{folder}/s.npy"))] if os.path.exists(f"{folder}/s.npy") else []
    x, y = (torch.from_numpy(np.load(f"{folder}/{k}.npy")) for k in "xy")
    start, got = read(f"{folder}/start.safetensors"), read(f"{folder}/run/last.safetensors")
    text = x.dim() == 2
    net = twin(network, start, x.shape[-1]).double()
    step = torch.optim.SGD(net.parameters(), lr=float(rate))
    batch = int(batch)
    for t in range(int(updates)):
        at = slice(t * batch, (t + 1) * batch)
        step.zero_grad()
        z = net(*(v[at] for v in [x, *more])) if text else net(x[at].double().permute(0, 3, 1, 2))
        (F.mse_loss(z, y[at].double()) if y.is_floating_point() else F.cross_entropy(z.flatten(0, -2), y[at].flatten())).backward()
        step.step()
    worst, where = 0, ""
    size = lambda k, v: (v - start[k] if int(updates) == 1 and k in learned else v).abs().max()
    learned = {k for k, v in net.state_dict(keep_vars=True).items() if isinstance(v, nn.Parameter)} if not text else set(start)
    largest = max(size(k, v) for k, v in net.state_dict().items() if k in learned) if int(updates) == 1 else 1e-4
    for k, v in net.state_dict().items():
        if not v.dtype.is_floating_point:
            continue
        error = ((got[k] - v).abs().max() / max(size(k, v), 1e-4 * largest)).item()
        if not error <= worst:
            worst, where = error, k
    print(f"{network}: {len(got)} tensors, {updates} updates, at most {worst:.1e} of a tensor's largest element ({where})")
    if not worst <= 1e-4:
        sys.exit("that is more than 1e-4")


{"data": data, "check": check}[sys.argv[1]](*sys.argv[2:])
