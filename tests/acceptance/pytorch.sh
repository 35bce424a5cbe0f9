#!/bin/bash
# docs/pytorch.md, read from front to back: its commands and its Python run in their order, and PyTorch, ONNX Runtime and gradus give the same for the same samples.
# Usage: tests/acceptance/pytorch.sh [GRADUS]; GRADUS_TORCH is a Python with torch and safetensors, GRADUS_ONNX one with onnxruntime.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD gradus=$(readlink -f "${1:-build/gradus}") torch=${GRADUS_TORCH:-python3} onnx=${GRADUS_ONNX:-python3}
"$torch" -c 'import torch, safetensors.torch' 2>/dev/null || { echo "skipped: $torch has no torch and safetensors; GRADUS_TORCH names one that has"; exit 77; }
"$onnx" -c 'import onnxruntime' 2>/dev/null || { echo "skipped: $onnx has no onnxruntime; GRADUS_ONNX names one that has"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
awk 'BEGIN { srand(5); for (i = 0; i < 64; i++) printf "p%d,", i; print "digit"
  for (r = 0; r < 220; r++) { for (i = 0; i < 64; i++) printf "%d,", (i % 10 == r % 10) * 9 + int(6 * rand()); print r % 10 } }' >digits.csv
{ head -n 1 digits.csv; tail -n 20 digits.csv; } >new.csv
printf 'c1.*\tc1.*\nhead.weight\thead.weight\n' >names.tsv
awk '/^```yaml/ { on = 1; next } /^```/ { if (on) exit } on' "$root/README.md" >digits.yaml

# Commands and Python into one script of numbered parts
awk '/^```python/ { on = 1; file = sprintf("part%02d.py", ++n); next } /^```/ { on = 0 } on { print >file }
  /^    gradus / { sub(/^    /, ""); file = sprintf("part%02d.sh", ++n); print >file }' "$root/docs/pytorch.md"
ran=0
gradus() { "$gradus" "$@"; }
for part in part*; do
  case $part in
    *.sh) . "./$part" >out.txt 2>err.txt || { cat "$part" err.txt; exit 1; } ;;
    *) if grep -q onnxruntime "$part"; then "$onnx" "$part"; else cat "$part" >>all.py && "$torch" all.py; fi ;;
  esac
  ran=$((ran + 1))
done
[[ $ran -ge 10 ]] || { echo "only $ran parts were found"; exit 1; }

# The same samples through all three
cat >>all.py <<'PY'
import json, subprocess, sys
import numpy as np
rows = np.loadtxt("new.csv", delimiter=",", skiprows=1)[:, :64].astype(np.float32)
model = json.loads(open("m.header").read())
steps = json.loads(model["gradus.prepare"])[0]
mean, std = (np.asarray(steps[k], np.float64) for k in ("mean", "std"))
x = ((rows.astype(np.float64) - mean) / np.where(std == 0, 1, std)).astype(np.float32).reshape(-1, 8, 8, 1).transpose(0, 3, 1, 2).copy()
p = torch.softmax(net(torch.from_numpy(x)), 1).detach().numpy()
want = np.array([json.loads(line)["probabilities"] for line in open("p.json")])
off = np.abs(p - want).max()
print(f"PyTorch: {off:.1e}")
sys.exit(not off <= 1e-5)
PY
python3 - <<'PY'
import json
data = open("digits-model.safetensors", "rb").read()
json.dump(json.loads(data[8:8 + int.from_bytes(data[:8], "little")])["__metadata__"], open("m.header", "w"))
PY
"$gradus" predict digits-model.safetensors new.csv --json >p.json
"$torch" all.py
"$gradus" export digits-model.safetensors -o soft.onnx --softmax --quiet
"$onnx" - <<'PY'
import json, sys
import numpy as np, onnxruntime
rows = np.loadtxt("new.csv", delimiter=",", skiprows=1)[:, :64].astype(np.float32).reshape(-1, 8, 8, 1).transpose(0, 3, 1, 2).copy()
got = onnxruntime.InferenceSession("soft.onnx").run(None, {"input": rows})[0]
want = np.array([json.loads(line)["probabilities"] for line in open("p.json")])
off = np.abs(got - want).max()
print(f"ONNX Runtime: {off:.1e}")
sys.exit(not off <= 1e-5)
PY
echo "all held"
