#!/bin/bash
# Updates within the backward pass: what is a byte short of memory lets go of gradients first, computes nothing again, and has the same bits, whatever an update is made of.
# What needs all gradients keeps them; a gradient that is not finite ends the run without a last model.
. "$(dirname "$0")/lib.sh"
. "$here/remat.sh"
number() { perl -MJSON::PP -e 'local $/; open F, "out.txt"; my $j = decode_json <F>; print eval $ARGV[0]' "$1"; }

small wide.yaml "model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 96, bias: false, name: a}, {type: batch_norm, activation: relu, name: n}, {type: dropout, rate: 0.2}, {type: dense, units: 96, activation: tanh, name: b}, {type: dense, units: 96, name: c}, {type: dense, units: 10, name: head}]}" "data: {train: {type: synthetic, kind: digits, n: 60, seed: 1}, validation: {split: 0.2}, batch: 8}" "stop: {steps: 9}" "schedule: constant" "validate: {every: 3}" "checkpoint: {every: 4, keep: 2}"
gradients=$(((256 * 96 + 2 * 96 * 96 + 960) * 4))
early() { # ARGS: the same bits a little short of memory, and more than half of the gradients' bytes less
  local all budget
  all=$(planned total wide.yaml "$@")
  budget=$((all - gradients / 2))
  code 0 plan wide.yaml "$@" --budget "$budget" --json
  [[ $(number '@{$j->{remat}} == 0 && $j->{early_updates}{gradients} == 4 && $j->{early_updates}{bytes} == '$gradients' && $j->{bytes}{gradients} < 4000 ? 1 : 0') == 1 ]] ||
    short "$*: not all gradients are let go of: $(number '"$j->{early_updates}{gradients} and " . @{$j->{remat}}')"
  keep_all wide.yaml "$@"
  alike early wide.yaml "$@" --set memory="$budget"
}
for how in sgd '{type: sgdm, lr: 0.05, weight_decay: 0.01}' adam '{type: adamw, weight_decay: 0.1}' lamb muon radam nadam schedule_free_adamw rmsprop lion; do early --set "optimizer=$how"; done
for more in 'clip={value: 0.1}' 'penalty={l1: 1e-3, l2: 1e-3}' precision=float64 'average={type: ema, warmup: true}' 'groups=[{match: "b.*", lr_scale: 0.5}]'; do
  [[ $more == precision* ]] && gradients=$((gradients * 2))
  early --set optimizer=adam --set "$more"
  [[ $more == precision* ]] && gradients=$((gradients / 2))
done
early --set threads=2
early --set accumulate=3
for more in 'clip={norm: 0.1, per: layer}' 'sam={rho: 0.05}'; do # some wait for others
  keep_all wide.yaml --set "$more"
  alike some wide.yaml --set "$more" --set memory="$(least_of wide.yaml --set "$more")"
done

# ---- killed and resumed, with and without ----
keep_all wide.yaml --set optimizer=adam
budget=$(($(planned total wide.yaml --set optimizer=adam) - gradients / 2))
code 0 train wide.yaml --set optimizer=adam --set stop.steps=6 --set memory=$budget --out parts --quiet
code 0 train wide.yaml --set optimizer=adam --out parts --quiet --resume
held_alike parts "on without"
rm -rf parts
code 0 train wide.yaml --set optimizer=adam --set stop.steps=6 --out parts --quiet
code 0 train wide.yaml --set optimizer=adam --set memory=$budget --out parts --quiet --resume
held_alike parts "on with"

# ---- what needs all of them ----
for more in 'clip={norm: 1.0}' optimizer=prodigy 'optimizer={type: adahessian, lr: 0.01}'; do
  code 0 plan wide.yaml --set "$more" --budget $(($(planned total wide.yaml --set "$more") - 1)) --json
  [[ $(number '$j->{early_updates}{gradients}') == 0 ]] || short "$more lets go of gradients"
done

# ---- a gradient that is not finite behind a cost that is ----
echo "u,v,y" >huge.csv
for ((i = 0; i < 16; i++)); do echo "3e38,$((i % 2 ? 2 : 1))e38,$((i % 3 + 1))"; done >>huge.csv
cat >huge.yaml <<'YAML'
gradus: 1
name: huge
data: {train: {type: csv, file: huge.csv, target: y}, batch: 16}
model: {input: [2], layers: [{type: dense, units: 64, bias: false, init: {weights: zeros}, name: a}, {type: dense, units: 64, name: b}, {type: dense, units: 1, name: head}]}
cost: mse
optimizer: sgd
stop: {steps: 3}
YAML
all=$(planned total huge.yaml)
bad 1 'diverged at step 1' train huge.yaml --out kept1 --quiet
[[ -e kept1/last.safetensors ]] || short "a run whose updates are refused as a whole has no last model"
bad 1 'diverged at step 1: .*the gradient in .*parameter "a.weight"' train huge.yaml --out early1 --quiet --set memory=$((all - 100))
grep -q 'there is no last model' err.txt || short "it is not said that there is no last model"
[[ ! -e early1/last.safetensors && $(field early1/result.json stop_reason) == diverged ]] || short "a last model of no update was kept"
finish
