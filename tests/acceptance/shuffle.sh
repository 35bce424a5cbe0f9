#!/bin/bash
# Does shuffling again every epoch help (mission D25)? Ten seeds each of `shuffle: once` and `every_epoch`: test accuracy after 15 epochs on 6,000 training pictures.
# Usage: tests/acceptance/shuffle.sh [SEEDS]; prints a row a seed and the means. docs/experiments.md keeps what it found.
set -euo pipefail
cd "$(dirname "$0")/../.."
./dev build
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for ((seed = 1; seed <= ${1:-10}; seed++)); do
  row=$seed
  for shuffle in once every_epoch; do
    build/gradus train recipes/zoo/mlp.yaml --seed $seed --out "$out/$shuffle-$seed" --quiet --set data.shuffle=$shuffle --set data.limit='{train: 6000}' --set stop='{epochs: 15}'
    row+=" $(build/gradus eval "$out/$shuffle-$seed/last.safetensors" 2>/dev/null | sed -n 's/^test accuracy //p')"
  done
  echo "$row" | tee -a "$out/rows"
done
awk '{ d = $3 - $2; a += $2; b += $3; s += d; q += d * d } END { m = s / NR; e = NR > 1 ? sqrt((q / NR - m * m) / (NR - 1)) : 0; printf "mean: once %.4f, every_epoch %.4f, difference %.4f, standard error %.4f\n", a / NR, b / NR, m, e }' "$out/rows"
