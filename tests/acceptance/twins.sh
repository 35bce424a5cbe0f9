#!/bin/bash
# Whole networks of the zoo: five updates from the same weights and batches agree with twins in PyTorch to 1e-4 of each tensor's scale; resnet50, bert-base and gpt2-small in one, by their gradients. The
# twins count in float64, and so do ours where float32 cannot be held against that: over the few values a channel has at the end of small pictures, normalising
# makes of rounding a million times as much within five updates, in vgg16 a maximum that moves to its neighbour is more than 1e-4 of a bias, and bert-base's last keys have
# gradients of a ten-thousandth of the others'. Usage: tests/acceptance/twins.sh [GRADUS [NETWORK...]]; PYTHON is one that has torch and numpy.
set -eu
cd "$(dirname "$0")/../.."
gradus=$(readlink -f "${1:-build/gradus}") tool=$PWD/tests/acceptance/twins.py python=${PYTHON:-python3}
[[ $# -eq 0 ]] || shift
[[ $# -gt 0 ]] || set -- lenet5 vgg16 resnet18 mobilenet-v2 resnet50 lstm-classifier tiny-transformer gpt2-small bert-base
"$python" -c 'import torch, numpy' 2>/dev/null || { echo "skipped: $python has no torch"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for network; do
  size=32 channels=3 classes=10 updates=5 batch=8 lr=0.01 set= how='precision: float64, device: ref'
  case $network in
    lenet5 | lstm-classifier) size=28 channels=1 how='precision: float32, device: cpu' ;;
    vgg16) batch=2 lr=0.0001 set=', dropout: 0' ;;
    tiny-transformer) size=128 channels=0 classes=256 how='precision: float32, device: cpu' ;;
    mobilenet-v2) size=96 set=', dropout: 0' ;;
    resnet50) size=64 updates=1 batch=4 ;;
    gpt2-small) size=48 channels=0 classes=50257 updates=1 batch=2 lr=100 set=', dropout: 0' how='precision: float32, device: cpu' ;;
    bert-base) size=24 channels=-1 classes=30522 updates=1 batch=2 lr=100 ;;
  esac
  folder=$work/$network
  mkdir "$folder"
  "$python" "$tool" data "$folder" $size $channels $classes $((batch * updates))
  input="[$size, $size, $channels], classes: 10"
  [[ $channels -gt 0 ]] || input="[$size]"
  model="{zoo: $network, input: $input$set}" cost=cross_entropy inputs=x.npy
  if [[ $channels -lt 0 ]]; then # two inputs: the zoo's own text with shorter ones
    "$gradus" convert <("$gradus" zoo $network) --drop-dropout -o "$folder/zoo.yaml" --quiet
    model=$(sed -n '/^model:/,/^[a-ln-z]/p' "$folder/zoo.yaml" | sed '1d;$d' | sed "s/\[512\]/[$size]/g") cost=mse
    model=$'\n'"$model" inputs='{words: x.npy, segments: s.npy}'
  fi
  cat >"$folder/r.yaml" <<YAML
gradus: 1
name: $network
data: {train: {type: npy, inputs: $inputs, targets: y.npy}, batch: $batch, shuffle: none}
model: $model
cost: $cost
optimizer: {type: sgd, lr: $lr, momentum: 0}
stop: {steps: $updates}
${how/, /$'\n'}
YAML
  "$gradus" init "$folder/r.yaml" -o "$folder/start.safetensors" --quiet
  "$gradus" train "$folder/r.yaml" --from "$folder/start.safetensors" --out "$folder/run" --quiet
  "$python" "$tool" check "$network" "$folder" $batch $updates $lr
  rm -rf "$folder"
done
