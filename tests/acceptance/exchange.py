"""Exports of gradus held against ONNX's own checker and ONNX Runtime: every layer, every network of the zoo, every step of preparation, from raw samples.
   exchange.py GRADUS FOLDER [NAME...]   models are made in FOLDER; fails where an output is further than 1e-5 from what predict gives, of its largest"""
import json
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime

gradus, folder, only = sys.argv[1], sys.argv[2], sys.argv[3:]
rng = np.random.default_rng(7)
failed = []


def run(*args):
    p = subprocess.run([gradus, *args], capture_output=True, text=True, cwd=folder)
    if p.returncode:
        raise RuntimeError(f"gradus {' '.join(args)}: exit {p.returncode}: {p.stderr}")
    return p.stdout


def first(x):  # pictures as ONNX has them
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


def recipe(model, x, y, cost, prepare):
    np.save(f"{folder}/x.npy", x)
    np.save(f"{folder}/y.npy", y)
    open(f"{folder}/r.yaml", "w").write(
        "gradus: 1\nname: it\ndata: {train: {type: npy, inputs: x.npy, targets: y.npy}, batch: 4, drop_last: true, prepare: %s}\nmodel: %s\ncost: %s\n"
        "optimizer: {type: sgd, lr: 0.01}\nstop: {steps: 2}\n" % (prepare, model, cost))


def compare(x, softmax=True):
    """The model m.safetensors on raw samples x: largest difference, of the largest output."""
    run("export", "m.safetensors", "-o", "m.onnx", *(["--softmax"] if softmax else []))
    run("export", "m.safetensors", "-o", "again.onnx", *(["--softmax"] if softmax else []))
    assert open(f"{folder}/m.onnx", "rb").read() == open(f"{folder}/again.onnx", "rb").read(), "two exports differ"
    made = onnx.load(f"{folder}/m.onnx")
    onnx.checker.check_model(made, full_check=True)
    assert made.opset_import[0].version >= 17 and len(made.graph.input) == 1 and len(made.graph.output) == 1
    header = open(f"{folder}/m.safetensors", "rb").read()
    names = [k for k in json.loads(header[8:8 + int.from_bytes(header[:8], "little")]) if k != "__metadata__"]
    assert {t.name for t in made.graph.initializer} <= set(names), "an initialiser has a name of its own"
    session = onnxruntime.InferenceSession(f"{folder}/m.onnx", providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    assert given.shape[0] == "N", "the batch is not free"
    fed = first(x).astype(np.int64 if given.type == "tensor(int64)" else np.float32)
    got = np.concatenate([session.run(None, {given.name: fed[:1]})[0], session.run(None, {given.name: fed[1:]})[0]]).reshape(len(x), -1)
    np.save(f"{folder}/p.npy", x)
    said = [json.loads(line) for line in run("predict", "m.safetensors", "p.npy", "--json").splitlines()]
    want = np.array([line.get("probabilities", line.get("output")) for line in said]).reshape(len(x), -1)
    return np.abs(got - want).max() / max(np.abs(want).max(), 1e-30)


def case(name, model, x, y=None, cost="cross_entropy", prepare="none", train=True):
    if only and not any(word in name for word in only):
        return
    try:
        recipe(model, x, np.arange(len(x)) % 10 if y is None else y, cost, prepare)
        if train:
            run("train", "r.yaml", "--out", "run", "--overwrite", "--quiet")
            subprocess.run(["cp", f"{folder}/run/last.safetensors", f"{folder}/m.safetensors"], check=True)
        else:
            run("init", "r.yaml", "-o", "m.safetensors")
        off = compare(x, cost not in ("mse", "huber"))  # values come as they are
        print(f"{name}: {off:.1e}", flush=True)
        if not off <= 1e-5:
            failed.append(name)
    except Exception as e:  # whatever it is, the others are looked at too
        print(f"{name}: {str(e)[:500]}", flush=True)
        failed.append(name)


def pictures(h, w, c, n=8):
    return rng.standard_normal((n, h, w, c)).astype(np.float32)


def layers(text, shape, **more):
    return f"{{input: {list(shape)}, layers: [{text}, flatten, {{type: dense, units: 10}}]}}"


def all_layers():
    picture = {  # each before flatten and a dense layer
        "conv": "{type: conv, filters: 6, kernel: [3, 2], stride: 2, dilation: [1, 2], activation: relu}", "groups": "{type: conv, filters: 8, kernel: 3, groups: 2}",
        "depthwise": "{type: conv, kernel: 3, groups: depthwise, filters: 4, padding: same}", "conv_transpose": "{type: conv_transpose, filters: 3, kernel: 3, stride: 2}",
        "conv_transpose_open": "{type: conv_transpose, filters: 3, kernel: 3, stride: 2, padding: 1, output_padding: 1}",
        "max_pool": "{type: max_pool, size: 3, stride: 2, padding: same}", "ceil": "{type: max_pool, size: 2, ceil: true}", "avg_pool": "{type: avg_pool, size: 3, padding: same}",
        "avg_counted": "{type: avg_pool, size: 3, padding: same, count_padding: true}", "adaptive_avg": "{type: adaptive_avg_pool, size: 3}",
        "adaptive_max": "{type: adaptive_max_pool, size: [2, 5]}", "adaptive_even": "{type: adaptive_max_pool, size: [3, 7]}", "global_avg": "global_avg_pool", "global_max": "global_max_pool",
        "batch_norm": "{type: conv, filters: 4, kernel: 3}, batch_norm", "batch_renorm": "batch_renorm", "layer_norm": "layer_norm", "group_norm": "{type: group_norm, groups: 2}",
        "instance_norm": "{type: instance_norm, affine: true}", "rms_norm": "rms_norm", "residual": "{type: residual, layers: [{type: conv, filters: 4, kernel: 3, padding: same}]}",
        "basic_block": "{type: basic_block, filters: 8, stride: 2}", "bottleneck": "{type: bottleneck, filters: 4}", "inverted_residual": "{type: inverted_residual, filters: 6, expansion: 2}",
        "squeeze_excite": "{type: squeeze_excite, ratio: 2}", "permute": "{type: permute, axes: [2, 0, 1]}", "slice": "{type: slice, axis: 1, start: 1, count: 3}",
        "reshape": "{type: reshape, shape: [7, 18, 2]}", "concat": "{type: conv, filters: 4, kernel: 1, name: a}, {type: relu, name: b}, {type: concat, from: [a, b]}",
        "add": "{type: conv, filters: 4, kernel: 1, name: a}, {type: relu, name: b}, {type: add, from: [a, b]}", "multiply": "{type: conv, filters: 4, kernel: 1, name: a}, {type: sigmoid, name: b}, {type: multiply, from: [a, b]}",
        "prelu": "prelu", "dropout": "{type: dropout, rate: 0.5}",
    }
    for word in "relu relu6 leaky_relu elu gelu sigmoid tanh softplus silu hard_sigmoid hard_swish softmax log_softmax".split():
        picture[word] = word
    picture["gelu_tanh"] = "{type: gelu, form: tanh}"
    for name, text in picture.items():
        case(name, layers(text, (9, 7, 4)), pictures(9, 7, 4))
    steps = rng.standard_normal((8, 6, 5)).astype(np.float32)
    sequence = {
        "conv1d": "{type: conv, filters: 4, kernel: 3, stride: 2, padding: same}", "max_pool1d": "{type: max_pool, size: 2}", "positional": "positional", "sinusoidal": "{type: positional, kind: sinusoidal}",
        "attention": "{type: dense, units: 8}, {type: attention, heads: 2}", "causal": "{type: dense, units: 8}, {type: attention, heads: 4, key_heads: 2, causal: true, rotary: true}",
        "transformer_block": "{type: dense, units: 8}, {type: transformer_block, heads: 2}", "transformer_post": "{type: dense, units: 8}, {type: transformer_block, heads: 2, norm: post, causal: true}",
    }
    for kind in "rnn gru lstm".split():
        sequence[kind] = f"{{type: {kind}, units: 4}}"
        sequence[f"{kind} both ways"] = f"{{type: {kind}, units: 3, layers: 2, bidirectional: true, return: sequence}}"
    for name, text in sequence.items():
        case(name, layers(text, (6, 5)), steps)
    case("embedding", layers("{type: embedding, vocabulary: 20, units: 4}", (6,)), rng.integers(0, 20, (8, 6)))
    words = rng.integers(0, 20, (8, 6))
    case("tied", "{input: [6], layers: [{type: embedding, vocabulary: 20, units: 4, name: e}, {type: dense, units: 20, tied: e, bias: false}]}", words, words)
    case("equilibrium", layers("{type: dense, units: 6}, {type: equilibrium, layers: [{type: dense, units: 6, name: w}, {type: add, from: [w, x]}, tanh], tolerance: 1e-6}", (5,)), steps[:, 0])
    case("hyper", layers("{type: hyper, layer: {type: dense, units: 6}}", (5,)), steps[:, 0])


def preparations():
    raw = rng.integers(0, 256, (8, 8, 6, 3)).astype(np.uint8)
    for name, steps in {"scale": "[{type: scale, by: 1/255}]", "standardize": "[{type: standardize, per: channel}]", "each": "[{type: standardize, per: element}]", "min_max": "[min_max]",
                        "grey": "[to_grey, standardize]", "resize": "[{type: resize, size: [8, 6]}, {type: scale, by: 1/127.5}]"}.items():
        shape = (8, 6, 1) if name == "grey" else (8, 6, 3)
        case(f"prepare {name}", layers("{type: conv, filters: 4, kernel: 3}", shape), raw, prepare=steps)
    table = np.abs(rng.standard_normal((40, 5))) * [1, 100, 0.01, 3, 7] + [0, 500, 0, 1, 2]
    case("prepare table", layers("tanh", (5,)), table.astype(np.float32), prepare="[{type: log, offset: 1}, {type: clip, quantiles: [0.05, 0.95]}, standardize]")


def costs():
    x = rng.standard_normal((8, 5)).astype(np.float32)
    case("values", "{input: [5], layers: [{type: dense, units: 3}]}", x, 1000 + 50 * x[:, :3], "mse")
    case("values standardized", "{input: [5], layers: [{type: dense, units: 1}]}", x, 1000 + 50 * x[:, 0], "huber")
    case("two classes", "{input: [5], layers: [{type: dense, units: 1}]}", x, (x[:, 0] > 0).astype(np.int64), "binary_cross_entropy")
    case("labels", "{input: [5], layers: [{type: dense, units: 3}]}", x, (x[:, :3] > 0).astype(np.float32), "binary_cross_entropy")


def told(model, name, fed, given):
    """A trained model's export on what is fed against what predict gives of the file `given`."""
    if only and not any(word in name for word in only):
        return
    try:
        run("train", "r.yaml", "--out", "run", "--overwrite", "--quiet")
        run("export", "run/last.safetensors", "-o", "m.onnx", "--softmax")
        onnx.checker.check_model(onnx.load(f"{folder}/m.onnx"), full_check=True)
        got = onnxruntime.InferenceSession(f"{folder}/m.onnx", providers=["CPUExecutionProvider"]).run(None, fed)[0]
        want = np.array([json.loads(line)["probabilities"] for line in run("predict", "run/last.safetensors", given, "--json").splitlines()])
        off = np.abs(got.reshape(want.shape) - want).max() / np.abs(want).max()
        print(f"{name}: {off:.1e}", flush=True)
        if not off <= 1e-5:
            failed.append(name)
    except Exception as e:
        print(f"{name}: {str(e)[:500]}", flush=True)
        failed.append(name)


def lengths():
    head = "gradus: 1\nname: it\ncost: cross_entropy\noptimizer: {type: sgd, lr: 0.5}\nstop: {steps: 3}\n"
    words = "so it is a sound that nobody has heard before".split()
    lines = [" ".join(rng.choice(words, rng.integers(1, 6))) for _ in range(40)]
    open(f"{folder}/t.tsv", "w").write("".join(f"{'ab'[i % 2]}\t{line}\n" for i, line in enumerate(lines)))
    open(f"{folder}/t.txt", "w").write("".join(f"{line}\n" for line in lines))
    for unit in "byte", "char":
        known = sorted({c for line in lines for c in line})
        code = {c: i + 2 for i, c in enumerate(known)} if unit == "char" else {c: ord(c) for c in known}
        tokens = np.array([([code[c] for c in line] + [0] * 24)[:24] for line in lines], np.int64)
        open(f"{folder}/r.yaml", "w").write(head + f"data: {{train: {{type: text, file: t.tsv, labels: tab, length: 24, unit: {unit}}}, batch: 8}}\n"
                                            "model: {input: [24], layers: [{type: embedding, vocabulary: 256, units: 6}, {type: lstm, units: 5}, {type: dense, units: 2}]}\n")
        told("text", f"lines of {unit}s", {"input": tokens}, "t.txt")
    x, n = rng.standard_normal((16, 9, 3)).astype(np.float32), rng.integers(1, 10, 16)
    np.savez(f"{folder}/s.npz", x=x, y=np.arange(16) % 3, n=n)
    open(f"{folder}/r.yaml", "w").write(head + "data: {train: {type: npz, file: s.npz, inputs: x, targets: y, lengths: n}, batch: 8, prepare: [standardize]}\n"
                                        "model: {input: [9, 3], layers: [{type: gru, units: 5, bidirectional: true, return: sequence}, {type: attention, heads: 2}, {type: lstm, units: 4}, {type: dense, units: 3}]}\n")
    told("npz", "lengths told", {"input": x, "lengths": n}, "s.npz")


def zoo():
    large = {name: (64, 64, 3) for name in "resnet18 resnet50 squeezenet mobilenet-v1 mobilenet-v2 efficientnet-lite0".split()} | {"vgg16": (32, 32, 3), "vgg16-bn": (32, 32, 3)}
    told = [line.split()[0] for line in run("zoo").splitlines() if "parameters" in line]
    assert len(told) > 18
    for name in told:
        if name in ("bert-base", "gpt2-small"):  # 440 MB and more each, of the layers above; the first has two inputs
            continue
        text = run("zoo", name)
        if name in large:
            case(f"zoo {name}", f"{{zoo: {name}, input: {list(large[name])}, classes: 10}}", pictures(*large[name], n=3), train=False)
            continue
        shape = tuple(int(v) for v in re.search(r"input: \[([0-9, ]+)\]", text).group(1).split(","))
        words = "vocabulary: 256" in text
        n = 4
        x = rng.integers(0, 256, (n, *shape)) if words else rng.standard_normal((n, *shape)).astype(np.float32)
        y = rng.integers(0, 256, (n, *shape)) if words else None
        value = re.search(r"^cost: mse", text, re.M)
        case(f"zoo {name}", f"{{zoo: {name}}}", x, rng.standard_normal(n) if value else y, "mse" if value else "cross_entropy", train=False)


all_layers()
preparations()
costs()
lengths()
zoo()
print("failed: " + ", ".join(failed) if failed else "all held")
sys.exit(bool(failed))
