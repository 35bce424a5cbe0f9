#!/bin/bash
# Silero VAD's published weights load by name into a convolution that makes spectra and into the network behind it (the size of a spectrum, a root, stands between
# them), and give PyTorch's outputs within 1e-5 of the largest. Usage: tests/acceptance/silero.sh [GRADUS]; GRADUS_WEIGHTS is the folder with silero-vad/, PYTHON
# one that has torch and numpy.
set -eu
cd "$(dirname "$0")/../.."
gradus=$(readlink -f "${1:-build/gradus}") tool=$PWD/tests/acceptance/silero.py python=${PYTHON:-python3}
weights=$(readlink -f "${GRADUS_WEIGHTS:-../shared/weights}")/silero-vad/silero_vad_16k.safetensors
[[ -e $weights ]] || { echo "skipped: no weights at $weights"; exit 77; }
"$python" -c 'import torch, numpy' 2>/dev/null || { echo "skipped: $python has no torch"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$python" "$tool" data "$weights" .

predicted() { # NAME INPUT TARGETS LAYERS: NAME.json, with the published weights
  echo "gradus: 1
name: $1
data: {train: {type: npy, inputs: $2.npy, targets: $3.npy}, batch: 1}
model:
$4
cost: mse
optimizer: sgd
stop: {steps: 1}" >"$1.yaml"
  "$gradus" init "$1.yaml" -o start.safetensors --quiet
  "$python" "$tool" weights "$weights" start.safetensors "$1.safetensors"
  "$gradus" predict "$1.safetensors" "$2.npy" --json >"$1.json"
}

predicted spectrum sound z '  input: [640, 1]
  layers:
    - {type: conv, filters: 258, kernel: 256, stride: 128, bias: false, name: stft_conv}'
predicted speech spectrum y '  input: [4, 129]
  layers:
    - {type: conv, filters: 128, kernel: 3, padding: 1, activation: relu, name: conv1}
    - {type: conv, filters: 64, kernel: 3, stride: 2, padding: 1, activation: relu, name: conv2}
    - {type: conv, filters: 64, kernel: 3, stride: 2, padding: 1, activation: relu, name: conv3}
    - {type: conv, filters: 128, kernel: 3, padding: 1, activation: relu, name: conv4}
    - {type: lstm, units: 128, return: sequence, name: lstm_cell}
    - relu
    - {type: conv, filters: 1, kernel: 1, activation: sigmoid, name: final_conv}
    - flatten'
"$python" "$tool" compare "$weights" .
