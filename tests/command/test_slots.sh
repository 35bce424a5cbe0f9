#!/bin/bash
# Optimizers' slots in fewer bits: bytes as planned to the last one, the same bits for any number of threads, with updates within the backward pass, resumed and killed; a
# training that ends near that of float32; and what does not go together is refused.
. "$(dirname "$0")/lib.sh"
. "$here/remat.sh"
small wide.yaml "model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 96, bias: false, name: a}, {type: batch_norm, activation: relu, name: n}, {type: dense, units: 96, activation: tanh, name: b}, {type: dense, units: 10, name: head}]}" "data: {train: {type: synthetic, kind: digits, n: 300, seed: 1}, validation: {split: 0.2}, batch: 16}" "stop: {steps: 12}" "schedule: constant" "validate: {every: 6}" "checkpoint: {every: 4, keep: 2}"
large=$((256 * 96 + 96 * 96)) blocks=$((96 + 36)) # two weights of 4096 numbers and more, in groups of 256
bytes16=$((2 * large * 2)) bytes8=$((2 * (large + 4 * blocks + 48))) # the second ends 48 bytes before a granule does
slots() { planned slots wide.yaml --set "optimizer={type: adam, slots: $1}"; }
[[ $(($(slots float32) - $(slots bfloat16))) -eq $((2 * 4 * large - bytes16)) ]] || short "bfloat16 takes $(slots bfloat16) of $(slots float32) bytes"
[[ $(($(slots float32) - $(slots float8))) -eq $((2 * 4 * large - bytes8)) ]] || short "float8 takes $(slots float8) of $(slots float32) bytes"
for form in bfloat16 float8; do
  how=(wide.yaml --set "optimizer={type: adam, slots: $form}")
  keep_all "${how[@]}"
  alike two "${how[@]}" --set threads=2
  alike early "${how[@]}" --set memory="$(least_of "${how[@]}")"
  code 0 train "${how[@]}" --set stop.steps=6 --out parts --overwrite --quiet
  code 0 train "${how[@]}" --out parts --resume --quiet
  held_alike parts "$form resumed"
  bad 2 'keeps its recipe' train wide.yaml --set optimizer=adam --set stop.steps=14 --out parts --resume --quiet
done

# ---- what it costs ----
cost() { field "$1/result.json" validation_cost; }
long=(wide.yaml --set stop.steps=150 --set validate.every=50 --quiet --overwrite)
for how in adam adamw sgdm rmsprop adagrad lion amsgrad adan muon; do
  code 0 train "${long[@]}" --set "optimizer={type: $how}" --out full
  for form in bfloat16 float8; do
    code 0 train "${long[@]}" --set "optimizer={type: $how, slots: $form}" --out few
    perl -e 'exit !(abs($ARGV[0] - $ARGV[1]) < 0.25 * $ARGV[0] + 0.03)' "$(cost full)" "$(cost few)" || short "$how, $form: cost $(cost few), not $(cost full)"
    cmp -s <(weights full/last.safetensors) <(weights few/last.safetensors) && short "$how, $form: nothing is rounded"
  done
done

# ---- refused ----
bad 2 'slots.*float32.*bfloat16.*float8' plan wide.yaml --set 'optimizer={type: adam, slots: int8}'
bad 2 'did you mean "float8"|float8' plan wide.yaml --set 'optimizer={type: adam, slots: float9}'
bad 2 'write slots: float32|does not keep' plan wide.yaml --set 'optimizer={type: prodigy, slots: float8}'
bad 2 'does not keep its steps' plan wide.yaml --set 'optimizer={type: schedule_free_adamw, slots: bfloat16}'
bad 2 'does not keep moments' plan wide.yaml --set 'optimizer={type: ranger, slots: float8}'
bad 2 'are not set back' plan wide.yaml --set 'optimizer={type: adam, slots: float8}' --set 'lookahead={k: 5, inner: reset}'
bad 2 'are not carried over' plan wide.yaml --set 'optimizer={type: switch, first: {type: adam, slots: float8}, then: sgdm, carry: true}'
code 0 plan wide.yaml --set 'optimizer={type: switch, first: {type: adam, slots: float8}, then: sgdm}'
code 0 plan wide.yaml --set 'optimizer={type: adam, slots: float8}' --set 'lookahead={k: 5}'
finish
