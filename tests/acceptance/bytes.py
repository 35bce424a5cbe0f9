"""Twins in PyTorch of the zoo's language models, trained as their recipes are.
   bytes.py FOLDER NETWORK EPOCHS   three of them, trained on FOLDER/book.txt and evaluated on next.txt, against what FOLDER/NETWORK-1 to -3 reached"""
import json
import math
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

LENGTH, BATCH = 128, 32


class CharLm(nn.Module):
    settings = dict(lr=0.002, warmup=0, decay=0.0, constant=True)

    def __init__(s):
        super().__init__()
        s.bytes, s.memory, s.head = nn.Embedding(256, 64), nn.LSTM(64, 256, batch_first=True), nn.Linear(256, 256)
        with torch.no_grad():  # the chapter's gates: 1, -1, -1
            s.memory.bias_ih_l0.zero_(), s.memory.bias_hh_l0.zero_()
            s.memory.bias_ih_l0[256:512] = 1
            s.memory.bias_ih_l0[:256] = s.memory.bias_ih_l0[768:] = -1

    def forward(s, x):
        return s.head(s.memory(s.bytes(x))[0])


class TinyTransformer(nn.Module):
    settings = dict(lr=0.002, warmup=100, decay=0.01, constant=False)

    def __init__(s):
        super().__init__()
        s.bytes, s.places = nn.Embedding(256, 64), nn.Parameter(torch.randn(LENGTH, 64) * 0.02)
        s.blocks = nn.ModuleList(nn.TransformerEncoderLayer(64, 4, 256, 0.0, "gelu", batch_first=True, norm_first=True) for _ in range(2))
        s.norm, s.head = nn.LayerNorm(64), nn.Linear(64, 256)

    def forward(s, x):
        x, mask = s.bytes(x) + s.places, nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        for b in s.blocks:
            x = b(x, src_mask=mask, is_causal=True)
        return s.head(s.norm(x))


TWINS = {"char-lm": CharLm, "tiny-transformer": TinyTransformer}


def rows(file):
    text = torch.from_numpy(np.fromfile(file, np.uint8).astype(np.int64))
    n = (len(text) - 1) // LENGTH * LENGTH
    return text[:n].reshape(-1, LENGTH), text[1:n + 1].reshape(-1, LENGTH)


def rate(s, t, updates):
    if s["constant"]:
        return s["lr"]
    if t < s["warmup"]:
        return s["lr"] * (0.05 + 0.95 * t / s["warmup"])
    return s["lr"] * (1 - (t - s["warmup"]) / (updates - s["warmup"]))


def train(kind, seed, epochs, x, y):
    torch.manual_seed(seed)
    net, s = kind(), kind.settings
    decayed = [p for p in net.parameters() if p.dim() > 1]
    step = torch.optim.AdamW([{"params": decayed, "weight_decay": s["decay"]}, {"params": [p for p in net.parameters() if p.dim() == 1], "weight_decay": 0.0}], eps=1e-3)
    batches, t = math.ceil(len(x) / BATCH), 0
    for _ in range(epochs):
        for at in torch.randperm(len(x)).split(BATCH):
            for g in step.param_groups:
                g["lr"] = rate(s, t, batches * epochs)
            step.zero_grad()
            F.cross_entropy(net(x[at]).flatten(0, 1), y[at].flatten()).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1)
            step.step()
            t += 1
    return net.eval()


def bits(net, x, y):
    with torch.no_grad():
        sums = [F.cross_entropy(net(a).flatten(0, 1), b.flatten(), reduction="sum").item() for a, b in zip(x.split(BATCH), y.split(BATCH))]
    return sum(sums) / y.numel() / math.log(2)


def twins(folder, network, epochs):
    (x, y), (vx, vy) = rows(f"{folder}/book.txt"), rows(f"{folder}/next.txt")
    theirs = [bits(train(TWINS[network], seed, int(epochs), x, y), vx, vy) for seed in (1, 2, 3)]
    ours = [json.load(open(f"{folder}/{network}-{seed}/result.json"))["final"]["validation_cost"] / math.log(2) for seed in (1, 2, 3)]
    a, b = sum(ours) / 3, sum(theirs) / 3
    show = lambda v: " ".join(f"{k:.4f}" for k in v)
    print(f"{network}: {a:.4f} bits per byte ({show(ours)}), PyTorch {b:.4f} ({show(theirs)}): {100 * (a / b - 1):+.2f} %", flush=True)
    if a > 1.01 * b:
        sys.exit("that is more than 1 % above")


twins(*sys.argv[1:])
