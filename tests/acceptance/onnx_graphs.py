"""Graphs of ONNX from elsewhere become models of gradus without a recipe, and give what ONNX Runtime gives; those that are no layers are refused by name.
   onnx_graphs.py GRADUS FOLDER"""
import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

gradus, folder = sys.argv[1:]
rng = np.random.default_rng(11)
failed = []


def run(*args):
    return subprocess.run([gradus, *args], capture_output=True, text=True, cwd=folder)


def weights(**shapes):
    made = {}
    for name, shape in shapes.items():
        x = rng.standard_normal(shape).astype(np.float32) * 0.5
        made[name.replace("__", ".")] = np.abs(x) + 0.5 if name.endswith("var") else x
    return made


def model(nodes, made, shape, out):
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                              [numpy_helper.from_array(v, k) for k, v in made.items()])
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(m, f"{folder}/g.onnx")


def holds(name, shape):
    x = rng.standard_normal((5, *shape)).astype(np.float32)
    want = onnxruntime.InferenceSession(f"{folder}/g.onnx").run(None, {"x": x})[0]
    p = run("import", "g.onnx", "-o", "g.safetensors")
    if p.returncode:
        print(f"{name}: {p.stderr}")
        failed.append(name)
        return
    np.save(f"{folder}/x.npy", x.transpose(0, 2, 3, 1) if x.ndim == 4 else x)
    said = [json.loads(line) for line in run("predict", "g.safetensors", "x.npy", "--json").stdout.splitlines()]
    got = np.array([line.get("probabilities", line.get("output")) for line in said])
    if want.shape[1] == 1 and got.shape[1] == 2:  # a sigmoid's: its complement and it
        got = got[:, 1:]
    off = np.abs(got - want.reshape(got.shape)).max() / np.abs(want).max()
    print(f"{name}: {off:.1e}")
    if not off <= 1e-5:
        failed.append(name)


N = helper.make_node
model([N("Conv", ["x", "c1.weight", "c1.bias"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 1]), N("Relu", ["a"], ["b"]), N("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]),
       N("Flatten", ["c"], ["d"]), N("Gemm", ["d", "fc.weight", "fc.bias"], ["e"], transB=1), N("Softmax", ["e"], ["y"], axis=1)],
      weights(c1__weight=(4, 2, 3, 3), c1__bias=(4,), fc__weight=(3, 4 * 2 * 3), fc__bias=(3,)), (2, 8, 6), 3)
holds("a small network", (2, 8, 6))
made = weights(c__weight=(6, 3, 3, 3), n__weight=(6,), n__bias=(6,), n__mean=(6,), n__var=(6,), d__weight=(6, 1, 3, 3), m=(6, 4), b=(4,))
model([N("Conv", ["x", "c.weight"], ["a"], kernel_shape=[3, 3]), N("BatchNormalization", ["a", "n.weight", "n.bias", "n.mean", "n.var"], ["b0"], epsilon=1e-3), N("LeakyRelu", ["b0"], ["b1"], alpha=0.2),
       N("Conv", ["b1", "d.weight"], ["c0"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=6), N("Add", ["c0", "b1"], ["c1"]), N("AveragePool", ["c1"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
       N("GlobalAveragePool", ["p"], ["q"]), N("Constant", [], ["s"], value=numpy_helper.from_array(np.array([0, -1]), "s")), N("Reshape", ["q", "s"], ["r"]), N("MatMul", ["r", "m"], ["t"]),
       N("Add", ["t", "b"], ["y"])], made, (3, 9, 9), 4)
holds("norms, groups, a residual, a product with a bias", (3, 9, 9))
model([N("MatMul", ["x", "m"], ["a"]), N("Tanh", ["a"], ["b"]), N("MatMul", ["b", "k"], ["c"]), N("Sigmoid", ["c"], ["y"])], weights(m=(5, 7), k=(7, 1)), (5,), 1)
holds("two products, a sigmoid", (5,))
model([N("Conv", ["x", "a.weight"], ["p"], kernel_shape=[1, 1]), N("Conv", ["x", "b.weight"], ["q"], kernel_shape=[1, 1]), N("Concat", ["p", "q"], ["r"], axis=1), N("Dropout", ["r"], ["s"]), N("Flatten", ["s"], ["t"]),
       N("Gemm", ["t", "w"], ["y"])], weights(a__weight=(2, 3, 1, 1), b__weight=(4, 3, 1, 1), w=(6 * 16, 3)), (3, 4, 4), 3)
holds("two branches", (3, 4, 4))

model([N("Identity", ["b"], ["b2"]), N("Conv", ["x", "a.weight", "b"], ["p"], kernel_shape=[1, 1]), N("Conv", ["p", "c.weight", "b2"], ["q"], kernel_shape=[1, 1]), N("Conv", ["q", "c.weight"], ["r"], kernel_shape=[1, 1]),
       N("ReduceMean", ["r"], ["s"], axes=[-1, -2], keepdims=1), N("Constant", [], ["t"], value=numpy_helper.from_array(np.array([-1, 4]), "t")), N("Reshape", ["s", "t"], ["u"]), N("Elu", ["u"], ["y"])],
      weights(a__weight=(4, 3, 1, 1), c__weight=(4, 4, 1, 1), b=(4,)), (3, 5, 5), 4)
holds("weights that several layers have, means over places", (3, 5, 5))

# What is no layer is named, and nothing is written
for name, nodes, shape, why in [
    ("an unknown operation", [N("Sin", ["x"], ["y"], name="wave")], (5,), "Sin wave is no layer of ours"),
    ("another shape", [N("Constant", [], ["s"], value=numpy_helper.from_array(np.array([-1, 2, 3]), "s")), N("Reshape", ["x", "s"], ["y"])], (6,), "constant of two axes"),
    ("pads of two sizes", [N("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[0, 0, 1, 1])], (2, 4, 4), "in front otherwise"),
    ("a constant added", [N("Add", ["x", "b"], ["y"])], (5,), "not what a layer gives"),
]:
    model(nodes, weights(b=(5,)) if "Add" in str(nodes[0].op_type) else {}, shape, 1)
    p = run("import", "g.onnx", "-o", "no.safetensors")
    if p.returncode != 3 or why not in p.stderr:
        print(f"{name}: exit {p.returncode}: {p.stderr}")
        failed.append(name)
print("failed: " + ", ".join(failed) if failed else "all held")
sys.exit(bool(failed))
