#!/usr/bin/env python3
"""Writes the evidence of embedding, positions, attention and transformer blocks: what PyTorch gives in float64.

    python make_attention.py           (NumPy and PyTorch 2; the format is make_evidence.py's)
"""
from functools import partial

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


def sines(length, units):
    p = torch.zeros(length, units)
    t, i = torch.arange(length).double()[:, None], torch.arange(0, units, 2).double()
    angle = t / 10000 ** (i / units)
    p[:, 0::2] = torch.sin(angle)
    p[:, 1::2] = torch.cos(angle)[:, :units // 2]
    return p


def positions():
    with Evidence("layer", "positional", "the formulas in PyTorch") as e:
        layer(e, "learned", "positional", lambda x, weight: x + weight, [draw(2, 4, 3)], dict(weight=draw(4, 3)))
        layer(e, "longer", "{type: positional, length: 9}", lambda x, weight: x + weight[:3], [draw(2, 3, 5)], dict(weight=draw(9, 5)))
        layer(e, "one_step", "{type: positional, kind: learned}", lambda x, weight: x + weight, [draw(3, 1, 2)], dict(weight=draw(1, 2)))
        for name, shape in (("sines", (2, 7, 6)), ("odd", (1, 5, 3)), ("one_feature", (2, 3, 1)), ("sines_one_step", (1, 1, 4))):
            layer(e, name, "{type: positional, kind: sinusoidal}", lambda x: x + sines(*shape[1:]), [draw(*shape)])


def turned(x, heads):
    """x [B, T, heads size]: Su et al. in the form with halves."""
    b, t, c = x.shape
    size = c // heads
    y = x.reshape(b, t, heads, size)
    angle = torch.arange(t).double()[:, None] * 10000 ** (-2 * torch.arange(size // 2).double() / size)
    z = torch.polar(torch.ones_like(angle), angle)[:, None, :] * torch.complex(y[..., :size // 2], y[..., size // 2:])
    return torch.cat([z.real, z.imag], -1).reshape(b, t, c)


def attend(heads, key_heads=None, causal=False, rotary=False, keep=None, rate=0.0, mask=None):
    """PyTorch's scaled_dot_product_attention between the projections; keep: 1 where a weight stays; mask: true where a key counts."""
    def fn(*x, out_proj_weight, in_proj_weight=None, in_proj_bias=None, out_proj_bias=None, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None):
        query, key, value = x if len(x) == 3 else x * 3
        e, shared = query.shape[-1], key_heads or heads
        units = [e, e // heads * shared, e // heads * shared]
        w = in_proj_weight.split(units) if in_proj_weight is not None else (q_proj_weight, k_proj_weight, v_proj_weight)
        b = in_proj_bias.split(units) if in_proj_bias is not None else (None,) * 3
        q, k, v = (F.linear(a, m, n) for a, m, n in zip((query, key, value), w, b))
        if rotary:
            q, k = turned(q, heads), turned(k, shared)
        q, k, v = (a.reshape(*a.shape[:2], h, -1).transpose(1, 2) for a, h in ((q, heads), (k, shared), (v, shared)))
        k, v = (a.repeat_interleave(heads // shared, 1) for a in (k, v))
        if keep is None:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=causal, attn_mask=mask)
        else:
            y = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) * keep / (1 - rate) @ v
        return F.linear(y.transpose(1, 2).reshape(query.shape), out_proj_weight, out_proj_bias)
    return fn


def module(heads, causal):
    """PyTorch's own MultiheadAttention with these weights: `attend` is held against it."""
    def fn(x, in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias):
        t, e = x.shape[1:]
        mask = torch.ones(t, t, dtype=torch.bool).triu(1) if causal else None
        return F.multi_head_attention_forward(*(x.transpose(0, 1),) * 3, e, heads, in_proj_weight, in_proj_bias, None, None, False, 0.0, out_proj_weight,
                                              out_proj_bias, need_weights=False, attn_mask=mask)[0].transpose(0, 1)
    return fn


def renamed(fn):
    """The harness calls parameters by their own names, which have dots."""
    return lambda *x, **p: fn(*x, **{k.replace(".", "_"): v for k, v in p.items()})


def small(rows):
    """A third as large as draw: biases that leave the exponents to the weights."""
    return torch.round(draw(rows) / 3 * 1e6) / 1e6


def scaled(rows, columns):
    """Of a size that keeps products near 1, as trained weights do: float32 has little left of exponentials of 50."""
    return torch.round(draw(rows, columns) / columns ** 0.5 * 1e6) / 1e6


class with_more:
    """Evidence whose case has these tensors too."""
    def __init__(self, e, more):
        self.case = lambda *a, **tensors: e.case(*a, **tensors, **(more or {}))


def weights(e, heads, key_heads=None, bias=True):
    rows = e + 2 * (e // heads) * (key_heads or heads)
    p = {"in_proj_weight": scaled(rows, e), "out_proj.weight": scaled(e, e)}
    return {**p, "in_proj_bias": small(rows), "out_proj.bias": draw(e)} if bias else p


def attentions():
    with Evidence("layer", "attention", "torch.nn.functional.multi_head_attention_forward and scaled_dot_product_attention") as e:
        one = lambda name, settings, fn, shape, p, more=None, **k: layer(with_more(e, more), name, "{type: attention, " + settings + "}", renamed(fn), [draw(*shape)], p, **k)
        one("module", "heads: 2", module(2, False), (2, 5, 6), weights(6, 2))
        one("module_causal", "heads: 3, causal: true", module(3, True), (2, 4, 6), weights(6, 3))
        one("plain", "heads: 2", attend(2), (2, 5, 6), weights(6, 2))
        one("no_bias", "heads: 1, bias: false", attend(1), (1, 3, 5), weights(5, 1, bias=False))
        one("shared", "heads: 4, key_heads: 2, causal: true", attend(4, 2, True), (2, 4, 8), weights(8, 4, 2))
        one("one_step", "heads: 2, causal: true", attend(2, causal=True), (3, 1, 4), weights(4, 2))
        one("least", "heads: 1", attend(1), (1, 1, 1), weights(1, 1))
        one("rotary", "heads: 2, rotary: true, causal: true", attend(2, causal=True, rotary=True), (2, 5, 8), weights(8, 2))
        one("rotary_shared", "heads: 2, key_heads: 1, rotary: true, bias: false", attend(2, 1, rotary=True), (1, 4, 4), weights(4, 2, 1, False))
        three = lambda name, settings, fn, shapes, p: layer(e, name, "{type: attention, " + settings + "}", renamed(fn), [draw(*s) for s in shapes], p)
        three("cross", "heads: 2", attend(2), ((2, 3, 4), (2, 5, 4), (2, 5, 4)), weights(4, 2))
        three("cross_features", "heads: 2, key_heads: 1, rotary: true", attend(2, 1, rotary=True), ((2, 3, 4), (2, 2, 3), (2, 2, 5)),
              {"q_proj_weight": scaled(4, 4), "k_proj_weight": scaled(2, 3), "v_proj_weight": scaled(2, 5), "in_proj_bias": draw(8), "out_proj.weight": scaled(4, 4), "out_proj.bias": draw(4)})
        for name, rate, seed, update, position in (("dropout", 0.25, 7, 3, 100), ("dropout_third", 1 / 3, 2 ** 33 + 5, 2 ** 32 + 1, 0)):
            keep = torch.from_numpy(base.uniforms(seed, "l/weights", update, position, (2, 2, 4, 4)) >= np.ceil(rate * 2 ** 24) / 2 ** 24).double()
            one(name, f"heads: 2, dropout: {rate!r}", attend(2, keep=keep, rate=rate), (2, 4, 6), weights(6, 2),
                words={"mode": "train", "seed": seed, "update": update, "position": position})
        for name, settings, fn, lengths, p in (("lengths", "heads: 2", attend, [3, 5, 1], weights(4, 2)),
                                               ("lengths_causal", "heads: 2, key_heads: 1, causal: true, rotary: true", partial(attend, key_heads=1, rotary=True), [2, 4, 5], weights(8, 2, 1))):
            known = torch.tensor(lengths)
            mask = (torch.arange(5) < known[:, None])[:, None, None, :].expand(3, 1, 5, 5)
            if "causal" in name:
                mask = mask & torch.ones(5, 5, dtype=torch.bool).tril()
            one(name, settings, fn(2, mask=mask), (3, 5, len(p["out_proj.weight"])), p, more={"lengths": known})
        one("dropout_evaluated", "heads: 2, dropout: 0.5", attend(2), (2, 3, 4), weights(4, 2))
        plain = lambda heads, shared, **k: lambda q, k_, v: attend(heads, shared, **k)(q, k_, v, **{n + "_proj_weight": torch.eye(x.shape[-1], dtype=torch.float64) for n, x in zip("qkv", (q, k_, v))},
                                                                                 out_proj_weight=torch.eye(q.shape[-1], dtype=torch.float64))
        three("plain", "heads: 2, project: false", plain(2, 2), ((2, 3, 4), (2, 5, 4), (2, 5, 4)), {})
        three("plain_shared", "heads: 4, key_heads: 2, project: false, causal: true, rotary: true", plain(4, 2, causal=True, rotary=True), ((1, 4, 8), (1, 4, 4), (1, 4, 4)), {})


def block(heads, key_heads=None, causal=False, rotary=False, pre=True, act=F.gelu, eps=1e-5, masks=None, rate=0.0):
    """masks: of the attention's weights, and of what both branches give."""
    keep, first, second = masks or (None, 1, 1)
    def fn(x, **p):
        e = x.shape[-1]
        norm = lambda i, z: F.layer_norm(z, (e,), p[f"norm{i}_weight"], p[f"norm{i}_bias"], eps)
        own = {k[len("attention_"):]: v for k, v in p.items() if k.startswith("attention_")}
        attention = lambda z: attend(heads, key_heads, causal, rotary, keep, rate)(z, **own) * first
        dense = lambda z: F.linear(act(F.linear(z, p["ff1_weight"], p.get("ff1_bias"))), p["ff2_weight"], p.get("ff2_bias")) * second
        if pre is None:
            x = x + attention(x)
            return x + dense(x)
        if pre:
            x = x + attention(norm(1, x))
            return x + dense(norm(2, x))
        x = norm(1, x + attention(x))
        return norm(2, x + dense(x))
    return fn


def encoder(heads, pre, act):
    """PyTorch's own TransformerEncoderLayer: `block` is held against it."""
    def fn(x, **p):
        m = torch.nn.TransformerEncoderLayer(x.shape[-1], heads, len(p["ff1_bias"]), 0.0, act, batch_first=True, norm_first=pre, dtype=torch.float64)
        names = {"attention": "self_attn", "ff1": "linear1", "ff2": "linear2"}
        renamed = {}
        for k, v in p.items():
            layer_, rest = k.split("_", 1)
            renamed[f"{names.get(layer_, layer_)}.{rest.replace('out_proj_', 'out_proj.')}"] = v
        return torch.func.functional_call(m, renamed, (x,))
    return fn


def block_weights(e, heads, ff, key_heads=None, bias=True, norms=True):
    p = {f"norm{i}.{k}": draw(e) for i in (1, 2) for k in ("weight", "bias")} if norms else {}
    p.update({f"attention.{k}": v for k, v in weights(e, heads, key_heads, bias).items()})
    p.update({"ff1.weight": scaled(ff, e), "ff2.weight": scaled(e, ff)})
    return {**p, "ff1.bias": draw(ff), "ff2.bias": draw(e)} if bias else p


def blocks():
    with Evidence("layer", "transformer_block", "torch.nn.TransformerEncoderLayer, and the same in functions of PyTorch") as e:
        one = lambda name, settings, fn, shape, p, **k: layer(e, name, "{type: transformer_block, " + settings + "}", renamed(fn), [draw(*shape)], p, **k)
        one("encoder_pre", "heads: 2, ff: 5", encoder(2, True, F.gelu), (2, 3, 4), block_weights(4, 2, 5))
        one("encoder_post", "heads: 3, ff: 7, norm: post, activation: relu", encoder(3, False, F.relu), (2, 4, 6), block_weights(6, 3, 7))
        one("plain", "heads: 2", block(2), (1, 5, 4), block_weights(4, 2, 16))
        one("causal_rotary", "heads: 2, key_heads: 1, ff: 6, causal: true, rotary: true, bias: false, eps: 1e-3", block(2, 1, True, True, eps=1e-3), (2, 4, 4), block_weights(4, 2, 6, 1, False))
        one("gpt", "heads: 1, ff: 3, causal: true, activation: {type: gelu, form: tanh}", block(1, causal=True, act=partial(F.gelu, approximate="tanh")), (2, 3, 3), block_weights(3, 1, 3))
        one("one_step", "heads: 1, ff: 1, norm: post", block(1, pre=False), (3, 1, 4), block_weights(4, 1, 1))
        drawn = lambda seed, stream, shape: torch.from_numpy(base.uniforms(seed, stream, 2, 8, shape) >= 0.25).double()
        masks = (drawn(5, "l.attention/weights", (2, 2, 3, 3)), drawn(5, "l.drop1/mask", (2, 3, 4)) / 0.75, drawn(5, "l.drop2/mask", (2, 3, 4)) / 0.75)
        for name, pre in (("dropout", True), ("dropout_post", False)):
            one(name, f"heads: 2, ff: 6, dropout: 0.25, norm: {'pre' if pre else 'post'}", block(2, pre=pre, masks=masks, rate=0.25), (2, 3, 4), block_weights(4, 2, 6),
                words={"mode": "train", "seed": 5, "update": 2, "position": 8})
        one("dropout_evaluated", "heads: 2, ff: 6, dropout: 0.25", block(2), (1, 3, 4), block_weights(4, 2, 6))
        one("no_norm", "heads: 2, ff: 6, norm: none, causal: true", block(2, causal=True, pre=None), (2, 3, 4), block_weights(4, 2, 6, norms=False))


if __name__ == "__main__":
    embeddings(), positions(), attentions(), blocks()
