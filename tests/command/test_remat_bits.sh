#!/bin/bash
# Recomputing (M2 to M5) gives the same bits with dropout, batch norm, averages, micro-batches, two passes, recurrent layers, on one and two threads, killed and resumed, by
# every rule and with the least memory.
. "$(dirname "$0")/lib.sh"
. "$here/remat.sh"

# ---- all kinds of state ----
layers='layers: [{type: conv, filters: 6, kernel: 3, padding: same, bias: false, name: c1}, {type: batch_norm, name: n1}, relu, {type: conv, filters: 6, kernel: 3, padding: same, activation: gelu, name: c2}, {type: layer_norm, name: n2}, {type: max_pool, size: 2}, flatten, {type: dropout, rate: 0.25}, {type: dense, units: 32, activation: tanh, name: h}, {type: dropout, rate: 0.5}, {type: dense, units: 10, name: head}]'
small all.yaml "model: {input: [16, 16, 1], $layers}" "stop: {epochs: 3}" "validate: {every: 7}" "checkpoint: {every: 4, keep: 2}" "average: {type: swa, start: 0.3, cycle: 5}" "optimizer: {type: ranger, lr: 0.01}"
keep_all all.yaml
least=$(least_of all.yaml) all=$(planned total all.yaml)
[[ $least -lt $((all * 3 / 4)) ]] || short "least $least of $all bytes"
alike least all.yaml --set memory="$least"
alike two all.yaml --set memory=$(((least + all) / 2)) --set threads=2
for way in '{every: 1}' '{every: 3}' '{keep: [c2]}' '{keep: [n1, h]}' chen sqrt '{revolve: 1}' '{revolve: 3}'; do
  alike way all.yaml --set "remat=$way"
done
alike memory all.yaml --set memory="$all" --set remat=none
alike best all.yaml --set memory="$least" --set remat=optimal
alike best all.yaml --set memory=$(((3 * least + all) / 4)) --set remat=optimal --set threads=2
for more in accumulate=3 'sam={rho: 0.05}' 'optimizer=sgd' precision=float64 'clip={norm: 1.0, per: layer}' 'optimizer={type: adahessian, lr: 0.01}' 'data.augment=[{type: mixup, alpha: 0.2}]' 'log={histograms: 4}'; do
  keep_all all.yaml --set stop.steps=4 --set "$more"
  alike more all.yaml --set stop.steps=4 --set "$more" --set memory="$(least_of all.yaml --set "$more")"
  alike more all.yaml --set stop.steps=4 --set "$more" --set 'remat={every: 2}'
done

# ---- recurrent layers: loops run again too ----
small rnn.yaml "data: {train: {type: synthetic, kind: copy, n: 64, features: 32, classes: 8, seed: 1}, batch: 32}" "model: {input: [64], layers: [{type: embedding, vocabulary: 8, units: 16}, {repeat: {times: 3, layers: [{type: gru, units: 16, return: sequence}, {type: dropout, rate: 0.2}]}}, {type: dense, units: 8}]}" "validate: none" "stop: {steps: 3}"
keep_all rnn.yaml
[[ $(least_of rnn.yaml) -lt $(($(planned total rnn.yaml) * 2 / 3)) ]] || short "recurrent: least $(least_of rnn.yaml) of $(planned total rnn.yaml) bytes"
alike least rnn.yaml --set memory="$(least_of rnn.yaml)" --set threads=2
alike way rnn.yaml --set 'remat={every: 2}'

# ---- killed, and resumed with another budget: no bit of what was trained depends on it ----
keep_all all.yaml
rm -rf killed
for ((round = 0; round < 3; round++)); do
  "$gradus" train all.yaml --set memory="$least" --out killed --resume --quiet >/dev/null 2>&1 &
  pid=$!
  sleep "0.$((RANDOM % 4 + 1))"
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
done
code 0 train all.yaml --set memory="$least" --out killed --resume --quiet
held_alike killed "killed and resumed"
code 0 train all.yaml --set checkpoint.every=1 --set stop.epochs=2 --out parts --quiet --set memory="$least"
code 0 train all.yaml --set checkpoint.every=1 --out parts --quiet --resume --set 'remat={every: 2}'
code 0 train all.yaml --out parts --quiet --resume --set remat=optimal --set memory="$least"
finish
