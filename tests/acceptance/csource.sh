#!/bin/bash
# Every network of the zoo as C source, made small where it is huge (tests/command/zoo.sh): trained for STEPS updates, exported, built by gcc and by clang with all
# warnings as errors, run under AddressSanitizer and UBSan, and held against `predict` on raw samples: within 1e-5. Some networks are so badly conditioned after a few
# updates that float32 itself is further off: then the program is also built with doubles in the place of floats, and may be no further from that than 4 times what
# `predict` is. A line a network: what the weights and the scratch take, what serving was said to take, the differences.
# Usage: tests/acceptance/csource.sh [NAME...]; STEPS=20 unless given. Building with sanitizers takes longest.
cd "$(dirname "$0")/../.." || exit 1
./dev build >/dev/null 2>&1 || exit 1
. tests/command/lib.sh build/gradus
here=$(readlink -f "$OLDPWD/tests/command")
. "$here/zoo.sh"
. "$here/csource.sh"
[[ $# -gt 0 ]] || mapfile -t names < <("$gradus" zoo --json | sed -E 's/.*"name":"([^"]+)".*/\1/')
[[ $# -gt 0 ]] && names=("$@")
zoo_data

# RECIPE: raw samples of the network's kind as in.npy or in.npz, and their numbers as in.txt
samples() {
  case $(sed -nE 's/^  inputs?: //p' "$1") in
    '{'*)
      octets words.raw 3 128 <book.txt && octets segments.raw 3 128 </dev/zero
      mkdir -p in && cp words.raw in/words.npy && cp segments.raw in/segments.npy && (cd in && zip -qr ../in.npz words.npy segments.npy)
      paste <(tail -c +129 words.raw | od -An -v -tu1 -w128) <(tail -c +129 segments.raw | od -An -v -tu1 -w128) >in.txt
      files=(in.npz) ;;
    '[128]' | '[256]' | '[1024]') octets in.npy 3 "$length" <book.txt && bytes_of in.npy >in.txt && files=(in.npy) ;;
    *)
      code 0 data view "$1" "${sets[@]}" --set data.prepare='[]' -o in.npz --part train || return 1
      rm -rf in && mkdir in && (cd in && unzip -qo ../in.npz) && cp in/inputs.npy in.npy
      tail -c +129 in.npy | od -An -v -tfF >in.txt
      files=(in.npy) ;;
  esac
}

for name in "${names[@]}"; do
  code 0 zoo "$name" && sed 1d out.txt >"$name.yaml"
  zoo_sets "$name" "$name.yaml"
  sets+=(--set "stop={steps: ${STEPS:-20}}" --set checkpoint.keep=1)
  length=$(printf '%s\n' "${sets[@]}" | sed -nE 's/^model.input=\[([0-9]+)\]$/\1/p')
  length=${length:-$(sed -nE 's/^  input: \[([0-9]+)\]$/\1/p' "$name.yaml")}
  rm -rf run && code 0 train "$name.yaml" "${sets[@]}" --out run --quiet || continue
  code 0 plan "$name.yaml" "${sets[@]}" --json && serving=$(field out.txt serving_bytes)
  samples "$name.yaml" || continue
  model=run/last.safetensors
  CC=gcc CSOURCE_FLAGS=-O2 program net $model || continue
  CSOURCE_TOLERANCE=1e9 agrees net $model in.txt "${files[@]}" || continue
  cp out.txt predicted.txt
  off=$(perl "$here/csource.pl" predicted.txt net.txt 1e9)
  CC=clang CSOURCE_FLAGS='-O1 -fsanitize=address,undefined -fno-sanitize-recover=all' program net $model || continue
  ./net <in.txt >checked.txt 2>err.txt || short "$name: $(head -n 3 err.txt)"
  fine=$(awk -v a="$off" 'BEGIN { print a <= 1e-5 }')
  if [[ $fine -eq 0 ]]; then
    gcc -std=c11 -O2 -w -Dfloat=double -Dexpf=exp -Dtanhf=tanh -Dsqrtf=sqrt -Derff=erf -Dlogf=log -Dlog1pf=log1p -DHEADER='"net.h"' -DNAME=net -DCAPITALS=NET -I. -o exact "$here/csource.c" net.c -lm
    ./exact <in.txt >exact.txt
    theirs=$(perl "$here/csource.pl" predicted.txt exact.txt 1e9)
    ours=$(sed 's/^/{"output": [/; s/ /, /g; s/$/]}/' net.txt >asked.txt && perl "$here/csource.pl" asked.txt exact.txt 1e9)
    awk -v a="$ours" -v b="$theirs" 'BEGIN { exit !(a <= 4 * b) }' || short "$name: the program is $ours from numbers in double, predict $theirs"
    off="$off (from doubles: program $ours, predict $theirs)"
  fi
  read -r weights scratch < <(sed -nE 's/.*Weights take ([0-9]+) bytes.* ([0-9]+)\. \*\/.*/\1 \2/p; s/.*own\. Weights take ([0-9]+) bytes, the scratch ([0-9]+)\. \*\/.*/\1 \2/p' net.h)
  [[ $((weights + scratch)) -le $serving ]] || short "$name takes $((weights + scratch)) bytes, serving was said to take $serving"
  echo "$name: weights $weights, scratch $scratch, serving $serving bytes; $(wc -l <net.txt) samples differ by $off"
done
finish
