"""Puts published weights into a model that gradus made, by name, and holds what it predicts against the published outputs. No modules but Python's own.
   pretrained.py data REFERENCE OUT.npy               the reference's prepared picture
   pretrained.py weights MODEL WEIGHTS OUT [MAP]      MODEL, its tensors those of WEIGHTS; MAP: lines NAME IN WEIGHTS<TAB>NAME IN MODEL
   pretrained.py compare REFERENCE PREDICTED.json TOLERANCE   the largest difference of probabilities; fails above TOLERANCE"""
import array
import json
import struct
import sys


def read(path):
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        body = f.read()
    return header.pop("__metadata__", {}), {k: (v["dtype"], v["shape"], body[slice(*v["data_offsets"])]) for k, v in header.items()}


def write(path, meta, tensors):
    header, body = {"__metadata__": meta}, b""
    for k, (kind, shape, data) in tensors.items():
        header[k] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def data(reference, out):
    kind, shape, numbers = read(reference)[1]["input_nhwc"]
    assert kind == "F32"
    header = str({"descr": "<f4", "fortran_order": False, "shape": tuple(shape)})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(out, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + numbers)


def weights(model, source, out, names=None):
    meta, made = read(model)
    _, published = read(source)
    called = dict(line.rstrip("\n").split("\t") for line in open(names)) if names else {}
    published = {called.get(k, k): v for k, v in published.items()}
    if sorted(published) != sorted(made):
        sys.exit(f"names differ: {sorted(set(published) ^ set(made))[:8]}")
    for k, (_, shape, _) in made.items():  # the file may hold F32 where the network counts in F64
        if published[k][1] != shape:
            sys.exit(f"{k} is {published[k][1]} in the file and {shape} in the network")
    meta.pop("gradus.crc32", None)  # of other numbers
    write(out, meta, published)


def compare(reference, predicted, tolerance):
    want = array.array("f", read(reference)[1]["probabilities"][2])
    got = json.loads(open(predicted).readline())
    top = sorted(range(len(want)), key=lambda i: -want[i])
    worst = max(abs(a - b) for a, b in zip(want, got["probabilities"], strict=True))
    print(f"class {got['class']} at {got['probabilities'][got['class']]:.3f}, then {top[1]} at {got['probabilities'][top[1]]:.3f}; at most {worst:.1e} from the reference")
    if got["class"] != top[0] or not worst <= float(tolerance):
        sys.exit(f"that is more than {tolerance}")


if __name__ == "__main__":
    {"data": data, "weights": weights, "compare": compare}[sys.argv[1]](*sys.argv[2:])
