#!/usr/bin/env python3
"""Writes the evidence of convolution (every combination of what it takes), transposed convolution, global and adaptive pooling: what PyTorch gives, in float64.

    python make_convolutions.py        (NumPy and PyTorch 2; the output stands beside this file and is committed, so tests need no Python)

Memory order: pictures [N,H,W,C], convolution weights [O,KH,KW,I], those of transposed convolutions [I,KH,KW,O].
"""
import itertools

import torch
import torch.nn.functional as F

from make_evidence import Evidence, conv, conv1, draw, layer, nchw, nhwc


def settings(kind, **keys):
    words = {k: v for k, v in keys.items() if v is not None}
    return "{type: " + kind + ", " + ", ".join(f"{k}: {str(v).lower() if isinstance(v, bool) else v}" for k, v in words.items()) + "}"


def every_conv():
    """Stride, padding, dilation and groups in every combination, sizes, channels and kernels that are odd and unequal in turn."""
    two = lambda v: v if isinstance(v, tuple) else (v, v)
    sizes, kernels = [(5, 4), (3, 6), (6, 3)], [(3, 3), (2, 3), (3, 1), (1, 1), (1, 2)]
    with Evidence("layer", "conv.more", "torch.nn.functional.conv2d, conv1d") as e:
        for i, (stride, pad, dilation, groups) in enumerate(itertools.product([1, 2, (3, 1)], [0, 1, (2, 0), "same"], [1, (2, 1)], [1, 2, "depthwise", "twice"])):
            (h, w), kernel = sizes[i % 3], kernels[i % 5]
            channels = {1: 1 + i % 3, 2: 2, "depthwise": 3, "twice": 2}[groups]
            filters = {1: 1 + i % 2, 2: 4, "depthwise": 3, "twice": 4}[groups]
            g = channels if isinstance(groups, str) else groups
            if pad != "same" and any(d * (k - 1) + 1 > n + 2 * p for d, k, n, p in zip(two(dilation), kernel, (h, w), two(pad))):
                continue  # it does not fit
            bias = i % 4 != 3
            text = settings("conv", filters=filters, kernel=list(kernel), stride=list(two(stride)), padding=pad if pad == "same" else list(two(pad)), dilation=list(two(dilation)),
                            groups="depthwise" if isinstance(groups, str) else groups, bias=bias, activation="relu" if i % 7 == 0 else None)
            fn = conv(two(stride), pad if pad == "same" else two(pad), two(dilation), g, torch.relu if i % 7 == 0 else None)
            params = {"weight": draw(filters, *kernel, channels // g), **({"bias": draw(filters)} if bias else {})}
            layer(e, f"all{i}", text, fn, [draw(1 + (i % 8 == 0), h, w, channels)], params)
        for i, (stride, pad, dilation, groups) in enumerate(itertools.product([1, 2], [0, 2], [1, 2], [1, 2, "depthwise"])):
            channels, filters = {1: (3, 2), 2: (2, 4), "depthwise": (3, 3)}[groups]
            g = channels if groups == "depthwise" else groups
            text = settings("conv", filters=filters, kernel=3, stride=stride, padding=pad, dilation=dilation, groups=groups)
            fn = conv1(stride=(1, stride), padding=(0, pad), dilation=(1, dilation), groups=g)
            layer(e, f"line{i}", text, fn, [draw(2, 7, channels)], {"weight": draw(filters, 1, 3, channels // g), "bias": draw(filters)})
        wide = lambda c, k, **more: dict(params={"weight": draw(c, k, k, 1), "bias": draw(c)}, **more)
        for c in (8, 17, 35):  # whole vectors and parts of one
            layer(e, f"channels{c}", settings("conv", filters=c, kernel=3, padding=1, groups="depthwise"), conv((1, 1), (1, 1), groups=c), [draw(1, 5, 6, c)], **wide(c, 3))
            layer(e, f"channels{c}_stride", settings("conv", filters=c, kernel=3, stride=2, padding=1, groups="depthwise"), conv((2, 2), (1, 1), groups=c), [draw(2, 6, 5, c)], **wide(c, 3))
        layer(e, "one_place", settings("conv", filters=5, kernel=3, padding=1, groups="depthwise"), conv((1, 1), (1, 1), groups=5), [draw(1, 1, 1, 5)], **wide(5, 3))
        layer(e, "kernel5", settings("conv", filters=9, kernel=5, padding="same", stride=2, groups="depthwise"), conv((2, 2), "same", groups=9), [draw(1, 7, 8, 9)], **wide(9, 5))


def transposed(stride, padding, more, dilation, groups):
    def fn(x, weight, bias=None):
        one = x.dim() == 3
        if one:
            y = F.conv_transpose1d(x.transpose(1, 2), weight[:, 0].permute(0, 2, 1), bias, stride[1], padding[1], more[1], groups, dilation[1])
            return y.transpose(1, 2)
        return nhwc(F.conv_transpose2d(nchw(x), weight.permute(0, 3, 1, 2), bias, stride, padding, more, groups, dilation))
    return fn


def conv_transpose():
    sizes, kernels = [(3, 2), (2, 3), (2, 1)], [(3, 3), (2, 3), (3, 1), (1, 1), (4, 2)]
    with Evidence("layer", "conv_transpose", "torch.nn.functional.conv_transpose2d, conv_transpose1d; padding same by cutting") as e:
        i = 0
        for stride, pad, dilation, groups, more in itertools.product([(1, 1), (2, 2), (3, 2)], [(0, 0), (1, 1), (2, 0)], [(1, 1), (2, 3)], [1, 2, "depthwise"], [(0, 0), (1, 0), (2, 1)]):
            (h, w), kernel = sizes[i % 3], kernels[i // 3 % 5]
            channels, filters = {1: (1 + i % 3, 2), 2: (2, 4), "depthwise": (2, 2 if i % 2 else 4)}[groups]
            g = channels if groups == "depthwise" else groups
            out = [(s - 1) * t - 2 * p + d * (k - 1) + 1 for s, t, p, d, k in zip((h, w), stride, pad, dilation, kernel)]
            uncut = [o - max(m - p, 0) + m for o, m, p in zip(out, more, pad)]
            if any(m >= max(s, d) for m, s, d in zip(more, stride, dilation)) or min(out) < 1 or min(uncut) < 1:
                continue
            i += 1
            bias = i % 4 != 3
            text = settings("conv_transpose", filters=filters, kernel=list(kernel), stride=list(stride), padding=list(pad), output_padding=list(more), dilation=list(dilation), groups=groups, bias=bias)
            params = {"weight": draw(channels, *kernel, filters // g), **({"bias": draw(filters)} if bias else {})}
            layer(e, f"all{i}", text, transposed(stride, pad, more, dilation, g), [draw(1 + (i % 8 == 0), h, w, channels)], params)
        for j, (stride, pad, more, dilation, groups) in enumerate([(1, 0, 0, 1, 1), (2, 1, 1, 1, 1), (2, 2, 0, 2, 2), (3, 0, 2, 1, 3), (2, 1, 1, 2, 3)]):
            channels, filters = {1: (3, 2), 2: (2, 4), 3: (3, 3)}[groups]
            text = settings("conv_transpose", filters=filters, kernel=3, stride=stride, padding=pad, output_padding=more, dilation=dilation, groups="depthwise" if groups == 3 else groups)
            layer(e, f"line{j}", text, transposed((1, stride), (0, pad), (0, more), (1, dilation), groups), [draw(2, 5, channels)], {"weight": draw(channels, 1, 3, filters // groups), "bias": draw(filters)})

        def same(stride, kernel):  # the whole, without what padding: same cuts, and with zeros where windows do not reach
            def fn(x, weight, bias):
                z = F.conv_transpose2d(nchw(x), weight.permute(0, 3, 1, 2), None, stride)
                over = [k - s for k, s in zip(kernel, stride)]
                for axis, o in zip((2, 3), over):
                    if o > 0:
                        z = z.narrow(axis, o // 2, z.shape[axis] - o)
                    elif o < 0:
                        z = torch.cat([z, torch.zeros_like(z.narrow(axis, 0, 1)).repeat_interleave(-o, axis)], axis)
                return torch.relu(nhwc(z) + bias)
            return fn
        for j, (stride, kernel) in enumerate([((2, 2), (3, 3)), ((3, 2), (2, 5)), ((2, 1), (4, 3)), ((3, 3), (1, 1))]):
            text = settings("conv_transpose", filters=2, kernel=list(kernel), stride=list(stride), padding="same", activation="relu")
            layer(e, f"same{j}", text, same(stride, kernel), [draw(1, 3, 4, 3)], {"weight": draw(3, *kernel, 2), "bias": draw(2)})


def adaptive(kind, size):
    def fn(x):
        one = x.dim() == 3
        z = x.transpose(1, 2) if one else nchw(x)
        f = getattr(F, f"adaptive_{kind}_pool{1 if one else 2}d")
        y = f(z, size)
        return y.transpose(1, 2) if one else nhwc(y)
    return fn


def pools():
    shapes = [((2, 8, 6, 3), (4, 2)), ((1, 7, 9, 2), (3, 4)), ((1, 2, 3, 5), (7, 7)), ((2, 1, 1, 1), (1, 1)), ((1, 1, 1, 19), (3, 2)), ((1, 7, 7, 4), (7, 7)), ((1, 5, 13, 1), (1, 5))]
    for kind, cited in (("avg", "adaptive_avg_pool2d, adaptive_avg_pool1d"), ("max", "adaptive_max_pool2d, adaptive_max_pool1d")):
        with Evidence("layer", f"adaptive_{kind}_pool", f"torch.nn.functional.{cited}") as e:
            for i, (shape, size) in enumerate(shapes):
                layer(e, f"picture{i}", settings(f"adaptive_{kind}_pool", size=list(size)), adaptive(kind, size), [draw(*shape)])
            layer(e, "number", settings(f"adaptive_{kind}_pool", size=2), adaptive(kind, 2), [draw(2, 5, 4, 2)])
            for i, (length, size) in enumerate([(6, 3), (7, 3), (3, 5), (1, 1)]):
                layer(e, f"line{i}", settings(f"adaptive_{kind}_pool", size=size), adaptive(kind, size), [draw(2, length, 3)])
            if kind == "max":
                layer(e, "ties", settings("adaptive_max_pool", size=[2, 3]), adaptive(kind, (2, 3)), [torch.tensor([1.0, 2.0, 2.0, 1.0, 2.0] * 5).reshape(1, 5, 5, 1)])
    with Evidence("layer", "global_max_pool", "torch.nn.functional.adaptive_max_pool2d, adaptive_max_pool1d of size 1") as e:
        whole = lambda x: adaptive("max", 1)(x).reshape(x.shape[0], x.shape[-1])
        layer(e, "picture", "global_max_pool", whole, [draw(2, 3, 4, 3)])
        layer(e, "one_place", "global_max_pool", whole, [draw(1, 1, 1, 1)])
        layer(e, "ties", "global_max_pool", whole, [torch.tensor([1.0, 3.0, 3.0, 2.0, 3.0, 1.0]).reshape(1, 2, 3, 1)])
        layer(e, "sequence", "global_max_pool", whole, [draw(2, 5, 19)])


if __name__ == "__main__":
    every_conv(), conv_transpose(), pools()
