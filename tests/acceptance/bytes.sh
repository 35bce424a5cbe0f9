#!/bin/bash
# Language models of bytes on real text, the King James Bible: char-lm and tiny-transformer reach the bits per byte of their twins in PyTorch within 1 %, means
# over 3 seeds, with the same text, updates and settings and an initial draw and order of their own on either side. Usage: tests/acceptance/bytes.sh [GRADUS [NETWORK...]]
# PYTHON is one that has torch and numpy; BYTES of the text are read (1000000), EPOCHS times (2). Needs Debian's bible-kjv and bible-kjv-text.
set -eu
cd "$(dirname "$0")/../.."
gradus=$(readlink -f "${1:-build/gradus}") tool=$PWD/tests/acceptance/bytes.py python=${PYTHON:-python3} epochs=${EPOCHS:-2}
[[ $# -eq 0 ]] || shift
[[ $# -gt 0 ]] || set -- char-lm tiny-transformer
"$python" -c 'import torch, numpy' 2>/dev/null || { echo "skipped: $python has no torch"; exit 77; }
command -v bible >/dev/null || { echo "skipped: there is no bible-kjv"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bible -f >"$work/text" <<<Gen1:1-Rev22:21
bytes=${BYTES:-1000000}
head -c "$bytes" "$work/text" >"$work/book.txt"
tail -c +$((bytes + 1)) "$work/text" | head -c $((bytes / 10)) >"$work/next.txt"

for network; do
  "$gradus" zoo "$network" >"$work/$network.yaml"
  for seed in 1 2 3; do
    (cd "$work" && "$gradus" train "$network.yaml" --quiet --out "$network-$seed" --seed $seed --set "data.validation={type: text, file: next.txt}" \
      --set "stop={epochs: $epochs}" --set validate.every="$epochs epochs")
  done
  "$python" "$tool" "$work" "$network" "$epochs"
done
