#!/usr/bin/env python3
"""Writes the evidence of recurrent layers: what torch.nn.LSTM, GRU and RNN give, in float64; sequences of different lengths by pack_padded_sequence.

    python make_recurrent.py           (NumPy and PyTorch 2; format: make_evidence.py)
"""
import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import make_evidence
from make_evidence import Evidence, draw

make_evidence.rng = np.random.default_rng(20250611)


def case(e, kind, name, sizes, units, more="", lengths=None, layers=1, bidirectional=False, sequence=False, torch_more=None):
    samples, steps, features = sizes
    net = getattr(torch.nn, kind.upper())(features, units, layers, batch_first=True, bidirectional=bidirectional, **(torch_more or {}))
    params = dict(net.named_parameters())
    with torch.no_grad():
        for p in params.values():
            p.copy_(draw(*p.shape))
    x = draw(*sizes).requires_grad_()
    run = x if lengths is None else pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    out, state = net(run)
    if lengths is not None:
        out, _ = pad_packed_sequence(out, batch_first=True, total_length=steps)
    h = state[0] if kind == "lstm" else state
    directions = 2 if bidirectional else 1
    y = out if sequence else torch.cat(list(h[-directions:]), 1)
    dy = draw(*y.shape)
    y.backward(dy)
    settings = f"{{type: {kind}, units: {units}, layers: {layers}, bidirectional: {str(bidirectional).lower()}, return: {'sequence' if sequence else 'last'}{more}}}"
    tensors = {} if lengths is None else {"lengths": np.array(lengths)}
    e.case(name, settings, None, in0=x, **tensors, **params, out=y, dout=dy, din0=x.grad, **{"d" + k: p.grad for k, p in params.items()})


for kind in ("lstm", "gru", "rnn"):
    with Evidence("layer", kind, f"torch.nn.{kind.upper()}") as e:
        case(e, kind, "last", (3, 4, 5), 3)
        case(e, kind, "sequence", (2, 5, 3), 4, sequence=True)
        case(e, kind, "one", (1, 1, 1), 1)
        case(e, kind, "one_step", (2, 1, 3), 2, sequence=True)
        case(e, kind, "one_sample", (1, 6, 2), 3)
        case(e, kind, "one_unit", (3, 4, 2), 1, sequence=True)
        case(e, kind, "layers", (2, 4, 3), 2, layers=3)
        case(e, kind, "both_ways", (2, 4, 3), 3, bidirectional=True)
        case(e, kind, "both_ways_sequence", (2, 3, 2), 2, bidirectional=True, sequence=True)
        case(e, kind, "both_ways_layers", (2, 3, 2), 2, layers=2, bidirectional=True)
        case(e, kind, "lengths", (4, 5, 3), 2, lengths=[2, 5, 1, 4])
        case(e, kind, "lengths_sequence", (3, 4, 2), 3, lengths=[4, 1, 2], sequence=True)
        case(e, kind, "lengths_both_ways", (3, 5, 2), 2, lengths=[2, 5, 3], bidirectional=True)
        case(e, kind, "lengths_both_ways_layers", (3, 4, 2), 2, lengths=[3, 1, 4], bidirectional=True, layers=2, sequence=True)
        if kind == "rnn":
            case(e, kind, "relu", (3, 4, 3), 4, ", nonlinearity: relu", torch_more={"nonlinearity": "relu"})
