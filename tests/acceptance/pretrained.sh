#!/bin/bash
# Published weights, SqueezeNet 1.1 and EfficientNet-Lite0, load by name into the zoo's networks and give the published outputs for a picture: in
# float64 within 3e-6 of a probability, which is how far the reference, made in float32, is from exact ones; in float32 within 1e-5, ours and its rounding
# together. Exported C source gives what `predict` gives within 1e-5. Usage: tests/acceptance/pretrained.sh [GRADUS]; GRADUS_WEIGHTS is the folder with squeezenet/ and efficientnet-lite0/, whose licences lie beside them.
set -eu
cd "$(dirname "$0")/../.."
. tests/acceptance/squeezenet.sh
gradus=$(readlink -f "${1:-build/gradus}") tool=$PWD/tests/acceptance/pretrained.py tests=$PWD/tests/command
folder=$(readlink -f "${GRADUS_WEIGHTS:-../shared/weights}")
[[ -d $folder ]] || { echo "skipped: no weights at ${GRADUS_WEIGHTS:-../shared/weights}"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

same() { # NETWORK SIZE WEIGHTS [MAP]: from raw inputs to probabilities
  local reference=$folder/$1/reference.safetensors
  python3 "$tool" data "$reference" x.npy
  echo "gradus: 1
name: $1
data: {train: {type: npy, inputs: x.npy, targets: y.npy}, batch: 1}
model: {zoo: $1, input: [$2, $2, 3]}
cost: cross_entropy
optimizer: sgd
stop: {steps: 1}" >r.yaml
  printf '\223NUMPY\001\000\166\000%-117s\n\000' "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}" >y.npy
  "$gradus" init r.yaml -o start.safetensors --quiet
  python3 "$tool" weights start.safetensors "$folder/$1/$3" model.safetensors ${4:+"$4"}
  "$gradus" predict model.safetensors x.npy --json >p.json
  echo -n "$1, float32: " && python3 "$tool" compare "$reference" p.json 1e-5
  "$gradus" export model.safetensors -o net.c --quiet
  ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Werror -DHEADER='"net.h"' -DNAME=net -DCAPITALS=NET -I. -o net "$tests/csource.c" net.c -lm
  tail -c +129 x.npy | od -An -v -tfF | ./net >net.txt
  echo -n "$1, C source, from predict: " && perl "$tests/csource.pl" p.json net.txt 1e-5
  "$gradus" init r.yaml --set precision=float64 --set device=ref -o exact.safetensors --quiet
  python3 "$tool" weights exact.safetensors model.safetensors model64.safetensors
  "$gradus" predict model64.safetensors x.npy --json >p.json
  echo -n "$1, float64: " && python3 "$tool" compare "$reference" p.json 3e-6
}

squeezenet_names >names.tsv
same squeezenet 227 squeezenet1_1.safetensors names.tsv
same efficientnet-lite0 224 efficientnet_lite0.safetensors
