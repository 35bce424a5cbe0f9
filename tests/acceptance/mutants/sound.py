"""Sound recipes: those of the zoo made narrow, those of recipes/ and of the pages, and more that between them have most layers, costs and optimizers."""
import glob
import os
import re
from collections import namedtuple

import planted

# known: {id: why} of warnings that are right for the recipe
Recipe = namedtuple("Recipe", "name origin text path changes known")

# ---- the zoo, narrow ----

IMAGENET = {
    r"\[224, 224, 3\]": "[32, 32, 3]",
    r"batch: \d+": "batch: 32",
    r"split: 0.05": "split: 0.2",
    r"size: 7, name: avgpool": "size: 1, name: avgpool",
    r"(filters|units): 1000\b": r"\1: 4",
    r"units: 4096": "units: 512",
}
WIDTHS = r"(filters|units): (\d{2,})"
SIXTEENTH = lambda m: "%s: %d" % (m[1], max(4, int(m[2]) // 16))
# SqueezeNet has neither norms nor skips: of a few ReLUs a layer is off as a whole, at pictures of 32 its last maps would be a pixel, of which a 3 x 3 kernel sees
# a ninth, and its rate is for a thousand classes. It keeps more of its widths, twice the resolution, and takes a tenth of the rate.
WIDER = {
    WIDTHS: lambda m: "%s: %d" % (m[1], max(16, int(m[2]) // 8)),
    r"stride: 2, activation: relu, name: features.0\b": "activation: relu, name: features.0",
    r"lr: 0.04\b": "lr: 0.004",
}
WORDS = {
    r"vocabulary: (30522|50257)": "vocabulary: 64",
    r"units: 50257": "units: 64",
    r"units: (768|384)": "units: 24",
    r"units: 3072": "units: 96",
    r"heads: (12|6)": "heads: 4",
    r"times: (12|6)": "times: 2",
    r"\[(256|512|1024)\]": "[16]",
    r"\[128\]": "[16]",
    r"units: 256, return": "units: 24, return",
    r"units: 64, name": "units: 16, name",
    r"batch: 32": "batch: 16",
}
NARROW = {r"(filters|units): (\d{2,})(?=.*name: (?!head|fc))": lambda m: "%s: %d" % (m[1], max(4, int(m[2]) // 8))}
PATHS = {r"\$\{GRADUS_PICTURES:-pictures\}": "imagenet", r"\$\{GRADUS_TEXT:-\.\}/book": "text/book"}


def rewrite(text, *rules):
    for all in rules:
        for pattern, to in all.items():
            text = re.sub(pattern, to, text)
    return text


def zoo(root):
    for path in sorted(glob.glob(root + "/recipes/zoo/*.yaml")):
        name = os.path.basename(path)[:-5]
        with open(path) as f:
            text = f.read()
        text = "\n".join(line for line in text.splitlines() if not re.match(r"#|gradus: |name: ", line))
        if "224, 224, 3" in text:
            text = rewrite(text, IMAGENET, WIDER if name == "squeezenet" else {WIDTHS: SIXTEENTH})
        elif "GRADUS_TEXT" in text:
            text = rewrite(text, WORDS, {r"\$\{GRADUS_TEXT:-\.\}/(?!book)": name + "/"})
        elif name == "hyper-small": # hidden units of the networks that make weights stay
            text = rewrite(text, {r"filters: (\d+)": lambda m: "filters: %d" % (int(m[1]) // 4)})
        elif name == "deq-small":
            text = rewrite(text, {"filters: 24": "filters: 4", "filters: 32": "filters: 8", "groups: 8": "groups: 2", "max: 25": "max: 12"})
        elif name not in ("linear", "logistic", "mlp", "lenet5"):
            text = rewrite(text, NARROW)
        yield Recipe("zoo-" + name, "zoo", rewrite(text, PATHS), None, {}, KNOWN.get("zoo-" + name, {}))


# ---- pages and recipes/ ----


def pages(root):
    for page in [root + "/README.md"] + sorted(glob.glob(root + "/docs/*.md")):
        with open(page) as f:
            blocks = re.findall(r"^```yaml\n(.*?)^```", f.read(), re.M | re.S)
        for i, text in enumerate(b for b in blocks if "model" in b):
            named = re.search(r"^name: (\S+)", text, re.M)
            name = "%s-%s" % (os.path.basename(page)[:-3].lower(), named[1] if named else i + 1)
            text = re.sub(r"(file|folder): (?=\w)", r"\1: page/", re.sub(r"^(gradus|name): .*\n", "", text, flags=re.M))
            yield Recipe(name, os.path.relpath(page, root), text, None, {}, KNOWN.get(name, {}))


def kept(root):
    for path in sorted(glob.glob(root + "/recipes/*.yaml")):
        with open(path) as f:
            text = re.sub(r"^(gradus|name): .*\n", "", f.read(), flags=re.M)
        name = os.path.basename(path)[:-5]
        yield Recipe(name, "recipes", rewrite(text, NARROW), None, {}, KNOWN.get(name, {}))


# ---- more ----

MORE = {
    "xor": "data: {train: {type: synthetic, kind: xor, n: 400, noise: 0.1}, validation: {split: 0.2}, batch: 32, prepare: [standardize]}\n"
    "model: {input: [2], layers: [{type: dense, units: 16, activation: tanh, name: h}, {type: dense, units: 1, name: head}]}\n"
    "cost: binary_cross_entropy\noptimizer: {type: adam, lr: 0.02}\nstop: {epochs: 20}",
    "spirals": "data: {train: {type: synthetic, kind: spirals, n: 500, noise: 0.02}, validation: {split: 0.2}, batch: 50, prepare: [standardize], shuffle: every_epoch}\n"
    "model: {input: [2], layers: [{type: dense, units: 32, activation: relu, name: h}, {type: dense, units: 32, activation: relu, name: i}, {type: dense, units: 2, name: head}]}\n"
    "cost: cross_entropy\noptimizer: {type: adam, lr: 0.01}\nclip: {norm: 1}\nschedule: {type: polynomial, warmup: 20}\nstop: {epochs: 60}",
    "blobs": "data: {train: {type: synthetic, kind: blobs, n: 400, classes: 5, features: 8}, validation: {split: 0.2}, batch: 32, prepare: [standardize]}\n"
    "model: {input: [8], layers: [{type: dense, units: 5, name: head}]}\ncost: cross_entropy\noptimizer: {type: sgdm, lr: 0.05}\nstop: {epochs: 10}",
    "blobs-rare": "data: {train: {type: synthetic, kind: blobs, n: 500, classes: 3, features: 6}, validation: {split: 0.2}, batch: 32, prepare: [standardize], balance: {type: undersample}}\n"
    "model: {input: [6], layers: [{type: dense, units: 24, activation: elu, name: h}, {type: dense, units: 3, name: head}]}\ncost: {type: focal}\noptimizer: {type: rmsprop, lr: 0.003}\nstop: {epochs: 10}",
    "regression": "data: {train: {type: synthetic, kind: regression, n: 500, features: 8, noise: 0.1}, validation: {split: 0.2}, batch: 25}\n"
    "model: {input: [8], layers: [{type: dense, units: 16, activation: gelu, name: h}, {type: dense, units: 1, name: head}]}\ncost: {type: huber}\noptimizer: {type: adamw, lr: 0.01}\nstop: {epochs: 20}",
    "regression-mae": "data: {train: {type: synthetic, kind: regression, n: 500, features: 4, noise: 0.1}, validation: {split: 0.2}, batch: 25, target: {standardize: true}}\n"
    "model: {input: [4], layers: [{type: dense, units: 16, activation: leaky_relu, name: h}, {type: dense, units: 1, name: head}]}\ncost: mae\noptimizer: {type: adam, lr: 0.01}\nstop: {epochs: 20}",
    "copy-gru": "data: {train: {type: synthetic, kind: copy, n: 400, features: 2, classes: 4}, validation: {split: 0.2}, batch: 40}\n"
    "model: {input: [4], layers: [{type: embedding, vocabulary: 4, units: 8, name: e}, {type: gru, units: 24, return: sequence, name: r}, {type: dense, units: 4, name: head}]}\ncost: cross_entropy\noptimizer: {type: adam, lr: 0.01}\nclip: {norm: 1}\nstop: {epochs: 20}",
    "latch-lstm": "data: {train: {type: synthetic, kind: latch, n: 400, features: 8, classes: 2}, validation: {split: 0.2}, batch: 40}\n"
    "model: {input: [8], layers: [{type: embedding, vocabulary: 4, units: 8, name: e}, {type: lstm, units: 16, name: r}, {type: dense, units: 2, name: head}]}\ncost: cross_entropy\noptimizer: {type: adam, lr: 0.01}\nclip: {norm: 1}\nstop: {epochs: 20}",
    "digits-residual": "data: {train: {type: synthetic, kind: digits, n: 500}, validation: {split: 0.2}, batch: 40, prepare: [standardize], shuffle: every_epoch}\n"
    "model: {input: [16, 16, 1], layers: [{type: conv, filters: 8, kernel: 3, stride: 2, padding: same, name: c}, {type: group_norm, groups: 2, activation: relu, name: n}, "
    "{type: residual, name: r, activation: relu, layers: [{type: conv, filters: 8, kernel: 3, padding: same, name: a}, {type: group_norm, groups: 2, name: b}]}, {type: global_avg_pool, name: g}, {type: dense, units: 10, name: head}]}\n"
    "cost: {type: cross_entropy, label_smoothing: 0.05}\noptimizer: {type: nadam, lr: 0.005}\nstop: {epochs: 10}",
    "digits-norm": "data: {train: {type: synthetic, kind: digits, n: 500}, validation: {split: 0.2}, batch: 50, prepare: [standardize], shuffle: every_epoch, augment: [{type: crop, pad: 1}]}\n"
    "model: {input: [16, 16, 1], layers: [{type: conv, filters: 8, kernel: 3, bias: false, name: c}, {type: batch_norm, activation: relu, name: n}, {type: max_pool, size: 2, name: p}, {type: conv, filters: 12, kernel: 3, bias: false, name: d}, "
    "{type: batch_norm, activation: relu, name: m}, {type: flatten, name: f}, {type: dense, units: 10, name: head}]}\ncost: cross_entropy\noptimizer: {type: nag, lr: 0.02}\nschedule: {type: one_cycle}\nstop: {epochs: 10}",
    "digits-depthwise": "data: {train: {type: synthetic, kind: digits, n: 500}, validation: {split: 0.2}, batch: 50, prepare: [standardize], shuffle: every_epoch}\n"
    "model: {input: [16, 16, 1], layers: [{type: conv, filters: 12, kernel: 3, stride: 2, name: c}, {type: inverted_residual, filters: 12, expansion: 2, name: v}, {type: squeeze_excite, units: 4, name: s}, {type: global_avg_pool, name: g}, {type: dense, units: 10, name: head}]}\n"
    "cost: cross_entropy\noptimizer: {type: adam, lr: 0.01}\nstop: {epochs: 10}",
    "digits-dropout": "data: {train: {type: synthetic, kind: digits, n: 500}, validation: {split: 0.2}, batch: 32, prepare: [standardize], shuffle: every_epoch}\n"
    "model: {input: [16, 16, 1], layers: [{type: flatten, name: f}, {type: dense, units: 64, activation: relu, name: h}, {type: dropout, rate: 0.3, name: d}, {type: dense, units: 10, name: head}]}\n"
    "cost: cross_entropy\noptimizer: {type: radam, lr: 0.003}\npenalty: {l2: 1e-4}\nstop: {epochs: 10}",
    "digits-design": "phase: design\ndata: {train: {type: synthetic, kind: digits, n: 400}, validation: {split: 0.2}, batch: 32, prepare: [standardize]}\n"
    "model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 5, activation: relu, name: c}, {type: avg_pool, size: 2, name: p}, {type: flatten, name: f}, {type: dense, units: 10, name: head}]}\n"
    "cost: cross_entropy\noptimizer: {type: adam, lr: 0.003}\nstop: {epochs: 10}\nlimit: {serving_bytes: 256K}",
    "waves-attention": "data: {train: {type: npy, inputs: waves/x.npy, targets: waves/y.npy}, validation: {type: npy, inputs: waves/xv.npy, targets: waves/yv.npy}, batch: 30, prepare: [standardize]}\n"
    "model: {input: [24, 2], layers: [{type: dense, units: 16, name: e}, {type: positional, name: p}, {type: transformer_block, heads: 2, ff: 32, name: t}, {type: layer_norm, name: n}, {type: global_avg_pool, name: g}, {type: dense, units: 3, name: head}]}\n"
    "cost: cross_entropy\noptimizer: {type: adam, lr: 0.003}\nschedule: {type: polynomial, warmup: 10}\nstop: {epochs: 15}",
    "waves-conv": "data: {train: {type: npy, inputs: waves/x.npy, targets: waves/y.npy}, validation: {type: npy, inputs: waves/xv.npy, targets: waves/yv.npy}, batch: 30, prepare: [standardize]}\n"
    "model: {input: [24, 2], layers: [{type: conv, filters: 12, kernel: 5, activation: silu, name: c}, {type: global_max_pool, name: g}, {type: dense, units: 3, name: head}]}\n"
    "cost: cross_entropy\noptimizer: {type: adam, lr: 0.01}\naverage: {type: swa, start: 0.5}\nstop: {epochs: 15}",
    "table-prelu": "data: {train: {type: npy, inputs: table/x.npy, targets: table/y.npy}, validation: {split: 0.2, stratify: true}, batch: 16, prepare: [min_max, standardize], shuffle: every_epoch}\n"
    "model: {input: [6], layers: [{type: dense, units: 12, activation: prelu, name: h}, {type: rms_norm, name: n}, {type: dense, units: 3, name: head}]}\ncost: {type: cross_entropy, class_weights: balanced}\n"
    "optimizer: {type: lamb, lr: 0.02}\nlookahead: {k: 5, alpha: 0.5}\nstop: {epochs: 15}",
    "table-micro": "data: {train: {type: npy, inputs: table/x.npy, targets: table/y.npy}, validation: {type: npy, inputs: table/xv.npy, targets: table/yv.npy}, batch: 16, prepare: [standardize]}\n"
    "model: {input: [6], layers: [{type: dense, units: 24, activation: softplus, name: h}, {type: dense, units: 3, name: head}]}\ncost: cross_entropy\noptimizer: {type: adagrad, lr: 0.05}\naccumulate: 2\nstop: {epochs: 15}",
    "price-bias": "data: {train: {type: npy, inputs: table/x.npy, targets: table/p.npy}, validation: {type: npy, inputs: table/xv.npy, targets: table/pv.npy}, batch: 32, prepare: [standardize]}\n"
    "model: {input: [6], layers: [{type: dense, units: 16, activation: relu, name: h}, {type: dense, units: 1, name: head}]}\ncost: mse\ninit: {last_bias: auto}\noptimizer: {type: adam, lr: 0.03}\nstop: {epochs: 30}",
}

# Warnings that are right: the recipe does what the chapter advises against, or its data are so.
BOTH = {"X4": "published with dropout and norms"}
KNOWN = {
    "zoo-bert-base": {**BOTH, "I2": "embeddings published with a deviation of 0.02", "X2": "some of the made-up texts are one segment"},
    "zoo-gpt2-small": {**BOTH, "I2": "embeddings published with a deviation of 0.02"},
    "zoo-transformer-lm": BOTH,
    "zoo-efficientnet-lite0": BOTH,
    "zoo-mobilenet-v1": BOTH,
    "zoo-mobilenet-v2": BOTH,
    "zoo-vgg16-bn": BOTH,
    "zoo-squeezenet": {"X18": "published with a ReLU before the last pool"},
    "copy-gru": {"T3": "the pause is the same in every sample"},
}

# Those that take half a minute of a processor and more: a table of their own, and of as many seeds as there is time for.
DEEP = tuple(
    "zoo-" + name
    for name in "resnet18 resnet50 vgg16 vgg16-bn mobilenet-v1 mobilenet-v2 efficientnet-lite0 squeezenet deq-small bert-base gpt2-small tiny-transformer transformer-lm".split()
) + ("fashion", "resnet18-fashion")

QUICK = ("xor", "blobs", "waves-conv", "planted-table")


def recipes(root, build):
    out = list(zoo(root)) + list(kept(root)) + list(pages(root))
    out += [Recipe(name, "made up", text, None, {}, KNOWN.get(name, {})) for name, text in MORE.items()]
    out += [Recipe("planted-" + name, "of the faults", text, None, {}, KNOWN.get("planted-" + name, {})) for name, text in planted.BASES.items() if name != "clusters"]
    return out
