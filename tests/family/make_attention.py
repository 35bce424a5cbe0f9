#!/usr/bin/env python3
"""Writes the evidence of embedding, positions, attention and transformer blocks: what PyTorch gives in float64.

    python make_attention.py           (NumPy and PyTorch 2; the format is make_evidence.py's)
"""
import numpy as np
import torch
import torch.nn.functional as F

import make_evidence as base
from make_evidence import Evidence, draw, layer

base.rng = np.random.default_rng(20250311)


def lookup(e, name, settings, indices, weight, padding=None):
    """Indices have no gradient, so `layer` does not fit."""
    index, w = torch.tensor(indices), weight.clone().requires_grad_()
    y = F.embedding(index, w, padding_idx=padding)
    dy = draw(*y.shape)
    y.backward(dy)
    e.case(name, settings, in0=index.double(), weight=w, out=y, dout=dy, dweight=w.grad)


def embeddings():
    with Evidence("layer", "embedding", "torch.nn.functional.embedding") as e:
        lookup(e, "plain", "{type: embedding, vocabulary: 7, units: 3}", [[0, 6, 2], [2, 2, 5]], draw(7, 3))
        lookup(e, "one_sample", "{type: embedding, vocabulary: 4, units: 5}", [[1, 3, 1, 1, 1]], draw(4, 5))
        lookup(e, "one_step", "{type: embedding, vocabulary: 5, units: 2}", [[4], [0], [4]], draw(5, 2))
        lookup(e, "least", "{type: embedding, vocabulary: 1, units: 1}", [[0]], draw(1, 1))
        lookup(e, "padding", "{type: embedding, vocabulary: 6, units: 4, padding_index: 2}", [[2, 1, 2, 5], [0, 2, 2, 1]], draw(6, 4), 2)
        lookup(e, "padding_last", "{type: embedding, vocabulary: 3, units: 2, padding_index: 2}", [[2], [2]], draw(3, 2), 2)
        lookup(e, "two_axes", "{type: embedding, vocabulary: 9, units: 2}", [[[8, 1], [1, 8]], [[0, 0], [3, 4]]], draw(9, 2))
        many = np.random.default_rng(5).integers(0, 300, (3, 50)).tolist()
        lookup(e, "many", "{type: embedding, vocabulary: 300, units: 19}", many, draw(300, 19))


if __name__ == "__main__":
    embeddings()
