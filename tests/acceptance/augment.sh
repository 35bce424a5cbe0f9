#!/bin/bash
# Which changes of training pictures help the demo's network on Fashion-MNIST: test accuracy of the best model, seeds 1 to 3.
# Minutes of work a change. Usage: tests/acceptance/augment.sh [EPOCHS] [CHANGES...]; GRADUS: another command than build/gradus, SEEDS: others than 1 2 3,
# THREADS: how many. docs/experiments.md keeps what it found.
set -euo pipefail
cd "$(dirname "$0")/../.."
[[ -n ${GRADUS:-} ]] || ./dev build
gradus=$(readlink -f "${GRADUS:-build/gradus}")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
epochs=${1:-10}
shift || true
changes=("$@")
[[ ${#changes[@]} -gt 0 ]] || changes=(none '[flip]' '[{type: crop, pad: 2}]' '[flip, {type: crop, pad: 2}]' '[{type: rotate, degrees: 10}]' '[{type: scale, by: 0.1}]'
  '[{type: cutout, size: 8}]' '[{type: color, brightness: 0.2, contrast: 0.2}]' '[{type: mixup, alpha: 0.2}]' '[{type: cutmix, alpha: 1}]')
for change in "${changes[@]}"; do
  row=
  for seed in ${SEEDS:-1 2 3}; do
    "$gradus" train recipes/fashion.yaml --seed $seed --out "$out/run" --overwrite --quiet --threads "${THREADS:-auto}" --set stop.epochs="$epochs" --set data.augment="$change" 2>/dev/null
    row+=" $("$gradus" eval "$out/run/best.safetensors" --split test 2>/dev/null | sed -n 's/^test accuracy //p')"
  done
  awk -v change="$change" -v row="$row" 'BEGIN { n = split(row, x, " "); for (i in x) m += x[i] / n; for (i in x) q += (x[i] - m) ^ 2; printf "%s:%s, mean %.4f, deviation %.4f\n", change, row, m, sqrt(q / (n > 1 ? n - 1 : 1)) }'
done
