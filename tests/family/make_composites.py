#!/usr/bin/env python3
"""Writes the evidence of layers made of layers: what PyTorch gives, in float64.

    python make_composites.py          (as make_evidence.py, whose helpers it uses)
"""
import torch
import torch.nn.functional as F

from make_evidence import Evidence, conv, draw, layer, nchw, nhwc  # noqa: F401


def residuals():
    with Evidence("layer", "residual", "PyTorch operations, added by hand") as e:
        def plain(x, **p):
            return F.linear(torch.relu(F.linear(x, p["a.weight"], p["a.bias"])), p["dense2.weight"]) + x
        layer(e, "plain", "{type: residual, layers: [{type: dense, units: 5, name: a}, relu, {type: dense, units: 3, bias: false}]}", plain, [draw(4, 3)],
              {"a.weight": draw(5, 3), "a.bias": draw(5), "dense2.weight": draw(3, 5)})
        layer(e, "no_parameters", "{type: residual, layers: [tanh]}", lambda x: torch.tanh(x) + x, [draw(1, 1)])

        def shortcut(x, **p):
            y = conv(padding="same", act=F.relu)(x, p["conv1.weight"])
            y = conv(padding="same", stride=(2, 2))(y, p["conv2.weight"])
            return y + conv(stride=(2, 2))(x, p["down.0.weight"], p["down.0.bias"])
        layer(e, "shortcut", "{type: residual, layers: [{type: conv, filters: 3, padding: same, bias: false, activation: relu}, {type: conv, filters: 2, padding: same, stride: 2, bias: false}], "
              "shortcut: [{type: conv, filters: 2, kernel: 1, stride: 2, name: down.0}]}", shortcut, [draw(2, 5, 3, 1)],
              {"conv1.weight": draw(3, 3, 3, 1), "conv2.weight": draw(2, 3, 3, 3), "down.0.weight": draw(2, 1, 1, 1), "down.0.bias": draw(2)})

        inside = "{type: dense, units: 4, name: a, bias: false, activation: tanh}, {type: residual, layers: [sigmoid]}, {type: dense, units: 2, bias: false}"
        layer(e, "nested_in_repeat", "{type: residual, layers: [{repeat: {times: 1, name: b, layers: [" + inside + "]}}]}",
              lambda x, **p: F.linear((lambda y: y + torch.sigmoid(y))(torch.tanh(F.linear(x, p["b.0.a.weight"]))), p["b.0.dense2.weight"]) + x, [draw(3, 2)],
              {"b.0.a.weight": draw(4, 2), "b.0.dense2.weight": draw(2, 4)})

        def from_inside(x, **p):
            a = torch.tanh(F.linear(x, p["a.weight"]))
            return (F.linear(torch.relu(a), p["c.weight"]) + a) + x
        layer(e, "from_inside", "{type: residual, layers: [{type: dense, units: 3, name: a, bias: false, activation: tanh}, relu, {type: dense, units: 3, name: c, bias: false}, {type: add, from: [c, a]}]}",
              from_inside, [draw(2, 3)], {"a.weight": draw(3, 3), "c.weight": draw(3, 3)})
        layer(e, "activation", "{type: residual, layers: [{type: residual, layers: [tanh], activation: relu}]}", lambda x: torch.relu(torch.tanh(x) + x) + x, [draw(3, 4)])


# ------------------------------------------------------------------------------------------------------ blocks

class Block(torch.nn.Module):
    """Layers under dotted names, as torchvision calls them."""

    def put(s, name, layer):
        *path, last = name.split(".")
        at = s
        for p in path:
            if not hasattr(at, p):
                at.add_module(p, torch.nn.Module())
            at = getattr(at, p)
        at.add_module(last, layer)
        s.of = getattr(s, "of", {}) | {name: layer}

    def add(s, name, norm, i, o, kernel=1, stride=1, groups=1, one=False, same=False):
        kind, bn = (torch.nn.Conv1d, torch.nn.BatchNorm1d) if one else (torch.nn.Conv2d, torch.nn.BatchNorm2d)
        s.put(name, kind(i, o, kernel, stride, 0 if same else (kernel - 1) // 2, groups=groups, bias=norm is None))
        if norm is not None:
            s.put(norm, bn(o, eps=s.eps, momentum=s.momentum))

    def go(s, x, name, norm, act=None, same=False):
        if same:
            k, d = s.of[name].kernel_size[0], s.of[name].stride[0]
            (a, b), (c, e) = ((lambda t: (t // 2, t - t // 2))(max((-(-n // d) - 1) * d + k - n, 0)) for n in x.shape[2:])
            x = F.pad(x, (c, e, a, b))
        x = s.of[name](x)
        x = s.of[norm](x) if norm else x
        return act(x) if act else x


class Basic(Block):
    def __init__(s, i, o, stride=1, norm=True, act=F.relu, one=False, eps=1e-5, momentum=0.1):
        super().__init__()
        s.eps, s.momentum, s.act, s.n = eps, momentum, act, (lambda n: n if norm else None)
        s.add("conv1", s.n("bn1"), i, o, 3, stride, one=one)
        s.add("conv2", s.n("bn2"), o, o, 3, one=one)
        s.down = stride != 1 or i != o
        if s.down:
            s.add("downsample.0", s.n("downsample.1"), i, o, 1, stride, one=one)

    def forward(s, x):
        y = s.go(s.go(x, "conv1", s.n("bn1"), s.act), "conv2", s.n("bn2"))
        return s.act(y + (s.go(x, "downsample.0", s.n("downsample.1")) if s.down else x))


class Bottleneck(Block):
    def __init__(s, i, o, stride=1, expansion=4):
        super().__init__()
        s.eps, s.momentum = 1e-5, 0.1
        s.add("conv1", "bn1", i, o)
        s.add("conv2", "bn2", o, o, 3, stride)
        s.add("conv3", "bn3", o, expansion * o)
        s.down = stride != 1 or i != expansion * o
        if s.down:
            s.add("downsample.0", "downsample.1", i, expansion * o, 1, stride)

    def forward(s, x):
        y = s.go(s.go(s.go(x, "conv1", "bn1", F.relu), "conv2", "bn2", F.relu), "conv3", "bn3")
        return F.relu(y + (s.go(x, "downsample.0", "downsample.1") if s.down else x))


class Inverted(Block):
    def __init__(s, i, o, stride=1, expansion=6, kernel=3, same=False, efficient=False, excite=None, eps=1e-5, momentum=0.1):
        super().__init__()
        s.eps, s.momentum, s.same, s.excite = eps, momentum, same, excite
        wide = i * expansion
        if efficient:
            s.names = [("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
        elif expansion == 1:
            s.names = [None, ("conv.0.0", "conv.0.1"), ("conv.1", "conv.2")]
        else:
            s.names = [("conv.0.0", "conv.0.1"), ("conv.1.0", "conv.1.1"), ("conv.2", "conv.3")]
        if expansion != 1:
            s.add(*s.names[0], i, wide)
        else:
            s.names[0] = None
        s.add(*s.names[1], wide, wide, kernel, stride, wide, same=same)
        if excite:
            s.put("se", Excite(wide, excite))
        s.add(*s.names[2], wide, o)
        s.adds = stride == 1 and i == o

    def forward(s, x):
        y = s.go(x, *s.names[0], F.relu6) if s.names[0] else x
        y = s.go(y, *s.names[1], F.relu6, same=s.same)
        y = s.se(y) if s.excite else y
        y = s.go(y, *s.names[2])
        return y + x if s.adds else y


class Excite(torch.nn.Module):
    def __init__(s, channels, units, act=F.relu, gate=torch.sigmoid):
        super().__init__()
        s.act, s.gate = act, gate
        s.fc1, s.fc2 = torch.nn.Conv2d(channels, units, 1), torch.nn.Conv2d(units, channels, 1)

    def forward(s, x):
        z = x if x.dim() == 4 else x[:, :, None]
        z = s.gate(s.fc2(s.act(s.fc1(z.mean((2, 3), keepdim=True)))))
        return x * (z if x.dim() == 4 else z[:, :, 0])


def ours(name, t):
    """A convolution's weight in memory order, [O,KH,KW,I]; anything else as it is."""
    if t.dim() == 4:
        return t.permute(0, 2, 3, 1)
    return t[:, :, None].permute(0, 2, 3, 1) if t.dim() == 3 else t


def set_at_random(module):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(draw(*p.shape))
        for k, v in module.named_buffers():
            if v.dtype.is_floating_point:
                v.copy_(draw(*v.shape).abs() + 0.1 if k.endswith("var") else draw(*v.shape))


def block(e, name, settings, module, x, train=True):
    module.train(train)
    x = x.clone().requires_grad_()
    state = lambda: {k: v.clone() for k, v in module.named_buffers() if v.dtype.is_floating_point}
    while True:  # a shift that no unit is cut by goes into the next mean: its gradient would be rounding alone
        set_at_random(module)
        module.zero_grad()
        x.grad, before = None, state()
        y = module(x.movedim(-1, 1)).movedim(1, -1)
        dy = draw(*y.shape)
        y.backward(dy)
        if min(p.grad.abs().max() for p in module.parameters()) > 0.3:
            break
    words = {"mode": "train", "seed": 1, "update": 0, "position": 0} if train else {}
    e.case(name, settings, words, in0=x, **{k: ours(k, p) for k, p in module.named_parameters()}, **before, out=y, dout=dy, din0=x.grad,
           **{"d" + k: ours(k, p.grad) for k, p in module.named_parameters()}, **({"new_" + k: v for k, v in state().items()} if train else {}))


def blocks():
    leaky = lambda v: F.leaky_relu(v, 0.1)
    with Evidence("layer", "basic_block", "torch.nn modules, put together as torchvision does") as e:
        block(e, "same_shape", "{type: basic_block, filters: 3}", Basic(3, 3), draw(2, 4, 5, 3))
        block(e, "stride", "{type: basic_block, filters: 4, stride: 2}", Basic(3, 4, 2), draw(2, 5, 4, 3))
        block(e, "wider", "{type: basic_block, filters: 2, norm: {type: batch_norm, eps: 0.01, momentum: 0.3}}", Basic(1, 2, eps=0.01, momentum=0.3), draw(1, 3, 3, 1))
        block(e, "evaluated", "{type: basic_block, filters: 2, stride: 2, activation: {type: leaky_relu, slope: 0.1}}", Basic(3, 2, 2, act=leaky), draw(1, 3, 5, 3), train=False)
        block(e, "without_norm", "{type: basic_block, filters: 2, stride: 3, norm: none, activation: tanh}", Basic(1, 2, 3, False, torch.tanh), draw(1, 5, 5, 1))
        block(e, "sequence", "{type: basic_block, filters: 3, stride: 2}", Basic(2, 3, 2, one=True), draw(2, 5, 2))
    with Evidence("layer", "bottleneck", "torch.nn modules, put together as torchvision does") as e:
        block(e, "same_shape", "{type: bottleneck, filters: 2, expansion: 2}", Bottleneck(4, 2, 1, 2), draw(2, 3, 4, 4))
        block(e, "stride", "{type: bottleneck, filters: 2, stride: 2, expansion: 2}", Bottleneck(3, 2, 2, 2), draw(2, 5, 3, 3))
        block(e, "evaluated", "{type: bottleneck, filters: 1, expansion: 3}", Bottleneck(1, 1, 1, 3), draw(1, 2, 3, 1), train=False)
    with Evidence("layer", "squeeze_excite", "torch.nn modules, put together as torchvision does") as e:
        block(e, "ratio", "{type: squeeze_excite, ratio: 2}", Excite(5, 2), draw(2, 3, 4, 5))
        block(e, "units", "{type: squeeze_excite, units: 3, activation: tanh, gate: tanh}", Excite(2, 3, torch.tanh, torch.tanh), draw(1, 1, 1, 2), train=False)
        block(e, "sequence", "squeeze_excite", Excite(3, 1), draw(2, 4, 3))
    with Evidence("layer", "inverted_residual", "torch.nn modules, put together as torchvision does") as e:
        block(e, "added", "{type: inverted_residual, filters: 2, expansion: 3}", Inverted(2, 2, expansion=3), draw(2, 4, 5, 2))
        block(e, "narrow", "{type: inverted_residual, filters: 3, expansion: 1, stride: 2, kernel: 5}", Inverted(2, 3, 2, 1, 5), draw(2, 5, 7, 2))
        block(e, "same", "{type: inverted_residual, filters: 1, expansion: 2, stride: 2, padding: same, names: efficientnet, norm: {type: batch_norm, eps: 0.001, momentum: 0.01}}",
              Inverted(2, 1, 2, 2, same=True, efficient=True, eps=0.001, momentum=0.01), draw(2, 6, 5, 2))
        block(e, "excite", "{type: inverted_residual, filters: 2, expansion: 2, excite: {type: squeeze_excite, units: 3}}", Inverted(2, 2, expansion=2, excite=3), draw(2, 3, 3, 2))
        block(e, "evaluated", "{type: inverted_residual, filters: 1, expansion: 2}", Inverted(1, 1, expansion=2), draw(1, 3, 3, 1), train=False)


if __name__ == "__main__":
    residuals()
    blocks()
