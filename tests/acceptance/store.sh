#!/bin/bash
# What keeping activations in fewer bits costs in accuracy: Fashion-MNIST, five seeds for each form, means with 95 % intervals (Student's t), and the planned bytes.
#
#   tests/acceptance/store.sh GRADUS [SEEDS] [MORE ARGS of train...]
#   tests/acceptance/store.sh build/gradus 5                                           all of it: 35 trainings of recipes/fashion.yaml
#   tests/acceptance/store.sh build/gradus 1 --set stop.steps=60 --set validate=none      a look
#
# Exit 1 where a form of 16 bits, or 8 bits, is worse than float32 by more than both intervals.
set -euo pipefail
gradus=$(readlink -f "$1") seeds=${2:-5}
shift
[[ $# -gt 0 ]] && shift
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
forms=(float32 lossless bfloat16 float16 '{type: quantized, bits: 8}' '{type: quantized, bits: 4}' '{type: quantized, bits: 2}')
for form in "${forms[@]}"; do
  bytes=$("$gradus" plan "$root/recipes/fashion.yaml" --set "store=$form" "$@" --json 2>/dev/null | sed -nE 's/.*"activations": ?([0-9]+).*/\1/p')
  for ((seed = 1; seed <= seeds; seed++)); do
    "$gradus" train "$root/recipes/fashion.yaml" --set "store=$form" --seed $seed "$@" --out "$work/run" --overwrite --quiet
    accuracy=$("$gradus" eval "$work/run/best.safetensors" --json 2>/dev/null | sed -nE 's/.*"accuracy": ?([0-9.e+-]+).*/\1/p')
    printf '%s\t%s\t%s\n' "$form" "$bytes" "$accuracy"
  done
done | tee "$work/all.tsv" >&2
awk -F'\t' '
  BEGIN { split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262", t, " ") }
  !($1 in n) { order[++forms] = $1 }
  { n[$1]++; sum[$1] += $3; square[$1] += $3 * $3; bytes[$1] = $2 }
  END {
    for (i = 1; i <= forms; i++) {
      f = order[i]; mean = sum[f] / n[f]; v = n[f] > 1 ? (square[f] - n[f] * mean * mean) / (n[f] - 1) : 0
      half = n[f] > 1 ? t[n[f] - 1 > 9 ? 9 : n[f] - 1] * sqrt(v > 0 ? v / n[f] : 0) : 0
      printf "%-28s %10d bytes  accuracy %.4f +- %.4f (%d seeds)\n", f, bytes[f], mean, half, n[f]
      if (i == 1) { first = mean; width = half }
      else if (n[f] > 1 && f !~ /bits: [24]/ && first - mean > width + half) bad = 1
    }
    exit bad
  }' "$work/all.tsv"
