#!/bin/bash
# Whole networks of the zoo: five updates from the same weights and batches agree with twins in PyTorch to 1e-4 of each tensor's scale, resnet50 in one. The
# twins count in float64, and so do ours where batches are normalised: over the few values a channel has at the end of small pictures, rounding in float32 grows a
# million times within five updates, in PyTorch too. Usage: tests/acceptance/twins.sh [GRADUS [NETWORK...]]; PYTHON is one that has torch and numpy.
set -eu
cd "$(dirname "$0")/../.."
gradus=$(readlink -f "${1:-build/gradus}") tool=$PWD/tests/acceptance/twins.py python=${PYTHON:-python3}
[[ $# -eq 0 ]] || shift
[[ $# -gt 0 ]] || set -- lenet5 resnet18 mobilenet-v2 resnet50
"$python" -c 'import torch, numpy' 2>/dev/null || { echo "skipped: $python has no torch"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for network; do
  size=32 channels=3 updates=5 batch=8 lr=0.01 dropout= how='precision: float64, device: ref'
  case $network in
    lenet5) size=28 channels=1 how='precision: float32, device: cpu' ;;
    mobilenet-v2) size=96 dropout=', dropout: 0' ;;
    resnet50) size=64 updates=1 batch=4 ;;
  esac
  folder=$work/$network
  mkdir "$folder"
  "$python" "$tool" data "$folder" $size $channels 10 $((batch * updates))
  cat >"$folder/r.yaml" <<YAML
gradus: 1
name: $network
data: {train: {type: npy, inputs: x.npy, targets: y.npy}, batch: $batch, shuffle: none}
model: {zoo: $network, input: [$size, $size, $channels], classes: 10$dropout}
cost: cross_entropy
optimizer: {type: sgd, lr: $lr, momentum: 0}
stop: {steps: $updates}
${how/, /$'\n'}
YAML
  "$gradus" init "$folder/r.yaml" -o "$folder/start.safetensors" --quiet
  "$gradus" train "$folder/r.yaml" --from "$folder/start.safetensors" --out "$folder/run" --quiet
  "$python" "$tool" check "$network" "$folder" $batch $updates $lr
  rm -rf "$folder"
done
