#!/bin/bash
# The chapter's procedures: on a noisy quadratic against a simulation in NumPy, update by update; on Fashion-MNIST against the hand-tuned recipe.
# new_topology: best accuracy within half a point of the recipe's; established: fewer seconds to the recipe's own error at its default epochs.
# Usage: procedures.sh [TRAINING PICTURES]; PYTHON with numpy. 6000 pictures unless given; all 54000 take hours on two processors.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3} limit=${1:-6000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" tests/acceptance/procedures.py build/gradus "$work"
train() { # FOLDER ARGS...
  local folder=$work/$1
  shift
  build/gradus train recipes/fashion.yaml --out "$folder" --set data.limit.train="$limit" --set log.events=false --quiet "$@"
}
train tuned
train new --procedure new_topology --patience 2
train established --procedure established
"$python" - "$work" <<'PYTHON'
import json
import sys

def errors(folder):
    with open(f"{sys.argv[1]}/{folder}/metrics.jsonl") as f:
        rows = [json.loads(x) for x in f]
    return [(r["validation_error"], r["seconds"]) for r in rows if "validation_error" in r]

tuned, new, established = (errors(f) for f in ("tuned", "new", "established"))
best, reached = min(e for e, _ in tuned), min(e for e, _ in new)
print(f"new_topology: error {reached:.4f}, the tuned recipe {best:.4f}: {'ok' if reached <= best + 0.005 else 'FAIL'}")
first = {n: next((s for e, s in of if e <= best), None) for n, of in (("tuned", tuned), ("established", established))}
ok = first["established"] is not None and first["established"] < first["tuned"]
print(f"established: seconds to {best:.4f}: {first['established']}, the recipe {first['tuned']}: {'ok' if ok else 'FAIL'}")
with open(f"{sys.argv[1]}/established/procedure.jsonl") as f:
    print(f.readline(), end="")
sys.exit(not (ok and reached <= best + 0.005))
PYTHON
