#!/bin/bash
# TensorBoard's own reader finds in events/ what metrics.jsonl has, histograms, pictures and the recipe's keys. Wants a Python with the package `tensorboard`, which
# GRADUS_TENSORBOARD may name; without one it is skipped, and the reader of test_events.sh stands alone. [SYS13]
. "$(dirname "$0")/lib.sh"
for python in "${GRADUS_TENSORBOARD:-}" python3 "$HOME/.cache/gradus-tensorboard/bin/python"; do
  [[ $python ]] && "$python" -c 'import tensorboard' 2>/dev/null && break
  python=
done
[[ $python ]] || { echo "no Python with tensorboard: GRADUS_TENSORBOARD=/path/to/python names one"; exit 77; }

small full.yaml "log: {every: 1, histograms: 1 epoch, pictures: 1 epoch}" "stop: {epochs: 4}"
code 0 train full.yaml --out run --set stop.steps=13
code 0 train full.yaml --out run --resume --set stop.steps=none
cat >read.py <<'PY'
import json, math, struct, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

size = {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0, "compressedHistograms": 1}
seen = EventAccumulator("run/events", size_guidance=size)
seen.Reload()
tags = seen.Tags()
single = lambda x: math.nan if x is None else struct.unpack("f", struct.pack("f", x))[0]
alike = lambda a, b: a == b or (a != a and b != b)
lines = [json.loads(line) for line in open("run/metrics.jsonl")]
keys = {key for line in lines for key in line} - {"step"}
assert keys == set(tags["scalars"]), keys ^ set(tags["scalars"])
numbers = 0
for key in keys:
    want = [(line["step"], single(line[key])) for line in lines if key in line]
    got = [(e.step, e.value) for e in seen.Scalars(key)]
    assert len(want) == len(got) and all(a[0] == b[0] and alike(a[1], b[1]) for a, b in zip(want, got)), key
    numbers += len(want)
assert numbers > 200
layers = ["c1", "max_pool1", "flatten1", "dropout1", "head"]
tensors = ["c1.weight", "c1.bias", "head.weight", "head.bias"]
histograms = {f"activations/{n}" for n in layers} | {f"{room}/{n}" for n in tensors for room in ("weights", "gradients")}
assert histograms == set(tags["histograms"]), tags["histograms"]
for tag in histograms:
    assert [h.step for h in seen.Histograms(tag)] == [8, 16, 24, 32], tag
    for h in seen.Histograms(tag):
        assert sum(h.histogram_value.bucket) == h.histogram_value.num > 0, tag
        assert h.histogram_value.min <= h.histogram_value.max <= h.histogram_value.bucket_limit[-1], tag
assert {"pictures/samples", "pictures/filters"} == set(tags["images"]), tags["images"]
for tag in tags["images"]:
    assert [p.step for p in seen.Images(tag)] == [8, 16, 24, 32], tag
plugin = lambda tag: plugin_data_pb2.HParamsPluginData.FromString(seen.SummaryMetadata(tag).plugin_data.content)
start = plugin("_hparams_/session_start_info").session_start_info
assert start.hparams["optimizer.lr"].number_value == 0.02 and start.hparams["optimizer.type"].string_value == "sgd"
assert start.hparams["data.batch"].number_value == 32 and start.group_name == "small"
assert plugin("_hparams_/session_end_info").session_end_info.status == 1
print(numbers, "numbers agree")
PY
"$python" read.py >read.txt 2>read.err || short "TensorBoard: $(tail -n 1 read.err)"
has read.txt 'numbers agree'
finish
