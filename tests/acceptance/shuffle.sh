#!/bin/bash
# Does shuffling again every epoch help (mission D25)? `shuffle: once` and `every_epoch` on three sets, ten seeds each: accuracy on samples that training has not seen.
# Usage: [DIGITS=.../digits.csv.gz] tests/acceptance/shuffle.sh [SEEDS]; DIGITS is scikit-learn's file (sklearn/datasets/data/ of its wheel), without which that set is left out.
# Prints a row a set and seed and a line a set; docs/experiments.md keeps what it found.
set -euo pipefail
cd "$(dirname "$0")/../.."
[[ -n ${GRADUS:-} ]] || ./dev build
gradus=$(readlink -f "${GRADUS:-build/gradus}")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
fashion=${GRADUS_DATA:-/usr/share/datasets/fashion-mnist}

recipe() { # NAME TRAIN TEST MODEL EPOCHS
  cat >"$out/$1.yaml" <<YAML
gradus: 1
data: {train: $2, test: $3, prepare: [standardize], batch: 64, limit: {train: 6000}}
model: $4
optimizer: {type: sgdm, lr: 0.05, momentum: 0.9}
stop: {epochs: $5}
YAML
}
mlp() { echo "{input: [$1], layers: [{type: dense, units: $2, activation: relu}, {type: dense, units: $3}]}"; }
sets=(fashion spirals)
recipe fashion "{type: idx, images: $fashion/train-images-idx3-ubyte.gz, labels: $fashion/train-labels-idx1-ubyte.gz}" \
  "{type: idx, images: $fashion/t10k-images-idx3-ubyte.gz, labels: $fashion/t10k-labels-idx1-ubyte.gz}" \
  "{input: [28, 28, 1], layers: [flatten, {type: dense, units: 128, activation: relu}, {type: dense, units: 10}]}" 15
recipe spirals "{type: synthetic, kind: spirals, n: 1500, noise: 0.08, seed: 101}" "{type: synthetic, kind: spirals, n: 5000, noise: 0.08, seed: 102}" "$(mlp 2 32 2)" 60
if [[ -n ${DIGITS:-} ]]; then
  sets+=(digits)
  recipe digits "{type: csv, file: $(readlink -f "$DIGITS"), target: 64, header: false}" "{split: 0.3}" "$(mlp 64 32 10)" 15
fi
for set in "${sets[@]}"; do
  for ((seed = 1; seed <= ${1:-10}; seed++)); do
    row="$set $seed"
    for shuffle in once every_epoch; do
      "$gradus" train "$out/$set.yaml" --seed $seed --out "$out/run" --overwrite --quiet --set data.shuffle=$shuffle 2>/dev/null
      row+=" $("$gradus" eval "$out/run/last.safetensors" --split test 2>/dev/null | sed -n 's/^test accuracy //p')"
    done
    echo "$row" | tee -a "$out/rows"
  done
done
awk '{ d = $4 - $3; n[$1]++; a[$1] += $3; b[$1] += $4; s[$1] += d; q[$1] += d * d; if (d > 0) w[$1]++ }
END { for (k in n) { m = s[k] / n[k]; e = n[k] > 1 ? sqrt((q[k] / n[k] - m * m) / (n[k] - 1)) : 0
  printf "%s: once %.4f, every_epoch %.4f, difference %+.4f, 95 %% interval %+.4f to %+.4f, better in %d of %d\n", k, a[k] / n[k], b[k] / n[k], m, m - 2.26 * e, m + 2.26 * e, w[k], n[k] } }' "$out/rows"
