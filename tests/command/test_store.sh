#!/bin/bash
# How activations are kept (M7, M8): lossless has the bits of float32; lossy forms train, with the same bits on one and two threads, killed and resumed, and recomputed by rule;
# micro-batches draw what the whole batch draws; what is planned falls and is what is taken.
. "$(dirname "$0")/lib.sh"
. "$here/remat.sh"
quantised='store={type: quantized, bits: 8}'
activations() { planned activations "$@"; }

# ---- lossless: no bit changes, with all kinds of state ----
conv='[{type: conv, filters: 6, kernel: 3, padding: same, bias: false, name: c1}, {type: batch_norm, name: n1}, relu, {type: conv, filters: 6, kernel: 3, padding: same, activation: gelu, name: c2}, {type: layer_norm, name: n2}, {type: max_pool, size: 2}, flatten, {type: dropout, rate: 0.25}, {type: dense, units: 32, activation: tanh, name: h}, {type: dropout, rate: 0.5}, {type: dense, units: 10, name: head}]'
attention='[{type: reshape, shape: [16, 16]}, {type: transformer_block, heads: 2, ff: 24}, {type: gru, units: 8}, {type: dense, units: 10}]'
small all.yaml "model: {input: [16, 16, 1], layers: $conv}" "stop: {epochs: 2}"
small rows.yaml "model: {input: [16, 16, 1], layers: $attention}" "stop: {epochs: 1}"
for recipe in all.yaml rows.yaml; do
  for more in seed=3 accumulate=3 'sam={rho: 0.05}' precision=float64 'data.augment=[{type: mixup, alpha: 0.2}]'; do
    keep_all $recipe --set "$more"
    alike lossless $recipe --set "$more" --set store=lossless
    alike packed $recipe --set "$more" --set store=float32 --set threads=2
  done
done

# ---- lossy: other bits than float32, and always the same ones ----
for store in store=bfloat16 store=float16 "$quantised" 'store={type: quantized, bits: 2, group: 40}'; do
  keep_all all.yaml
  cp -r kept exact
  keep_all all.yaml --set "$store"
  cmp -s <(weights kept/last.safetensors) <(weights exact/last.safetensors) && short "$store: the bits of float32"
  rm -rf exact
  alike two all.yaml --set "$store" --set threads=2
  alike again all.yaml --set "$store" --set 'remat={every: 2}'
  alike again all.yaml --set "$store" --set remat=chen
  keep_all all.yaml --set "$store" --set schedule=constant
  code 0 train all.yaml --set "$store" --set schedule=constant --set stop.epochs=1 --out parts --quiet
  code 0 train all.yaml --set "$store" --set schedule=constant --out parts --quiet --resume
  held_alike parts "$store resumed"
  rm -rf parts
done
# ---- micro-batches draw what the whole batch draws: the same training but for the order of sums ----
coarse='store={type: quantized, bits: 2, group: 16}'
small whole.yaml 'model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 32, activation: tanh}, {type: dropout, rate: 0.25}, {type: dense, units: 32, activation: gelu}, {type: dense, units: 10}]}' 'precision: float64' 'stop: {steps: 6}'
last_cost() { # ARGS of train
  code 0 train whole.yaml --out drawn --overwrite --quiet --set validate=none --set log.every=1 "$@"
  tail -n 1 drawn/metrics.jsonl | sed -E 's/.*"train_cost":([0-9.e-]+).*/\1/'
}
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && b > 0 && a - b < 1e-9 * a && b - a < 1e-9 * a) }'; }
at_once=$(last_cost --set "$coarse" --set data.batch=32)
near "$at_once" "$(last_cost --set "$coarse" --set data.batch=8 --set accumulate=4)" || short "micro-batches draw otherwise: $at_once, then $(last_cost --set "$coarse" --set data.batch=8 --set accumulate=4)"
near "$at_once" "$(last_cost --set data.batch=32)" && short "two bits change nothing"

code 0 train rows.yaml --set "$quantised" --out rows --quiet
code 2 train all.yaml --set store=float16 --out kept --quiet --resume

# ---- the forward pass is exact: the first cost, before any update, is that of float32 ----
first() { head -n 1 "$1/metrics.jsonl" | sed -E 's/.*"train_cost": ?([0-9.e+-]+).*/\1/'; }
keep_all all.yaml
for store in store=bfloat16 "$quantised"; do
  rm -rf other
  code 0 train all.yaml --set "$store" --out other --quiet
  [[ -n $(first kept) && $(first other) == "$(first kept)" ]] || short "$store: the first cost is $(first other), not $(first kept)"
done

# ---- bytes: ten equal convolutions ----
deep=''
for i in 1 2 3 4 5 6 7 8 9 10; do deep+="{type: conv, filters: 8, kernel: 3, padding: same, name: d$i}, {type: batch_norm, name: b$i}, relu, "; done
small deep.yaml "model: {input: [16, 16, 1], layers: [${deep}flatten, {type: dense, units: 10}]}"
all=$(activations deep.yaml)
[[ $(activations deep.yaml --set store=bfloat16) -lt $((all * 64 / 100)) ]] || short "bfloat16: $(activations deep.yaml --set store=bfloat16) of $all bytes"
[[ $(activations deep.yaml --set store=float16) -eq $(activations deep.yaml --set store=bfloat16) ]] || short "the forms of 16 bits differ"
[[ $(activations deep.yaml --set "$quantised") -lt $((all * 50 / 100)) ]] || short "8 bits: $(activations deep.yaml --set "$quantised") of $all bytes"
[[ $(activations deep.yaml --set 'store={type: quantized, bits: 2}') -lt $((all * 34 / 100)) ]] || short "2 bits: $(activations deep.yaml --set 'store={type: quantized, bits: 2}') of $all bytes"
[[ $(activations all.yaml --set store=lossless) -lt $(activations all.yaml) ]] || short "lossless takes no less"
finish
