#!/bin/bash
# Equilibria from a recipe: they train, save, resume and predict; any number of threads gives the same bits; memory does not grow with iterations; what is not found
# is told and survived. [mission M9]
. "$(dirname "$0")/lib.sh"

layers() { # WHAT MORE: a model whose function is given by its std
  echo "model: {input: [12, 12, 1], layers: [{type: conv, filters: 6, kernel: 3, stride: 2, padding: same, name: c0}, {type: equilibrium, name: eq, $2 layers: [{type: conv, filters: 6, kernel: 3, padding: same, name: c1, init: {weights: {type: normal, std: $1}}}, {type: dropout, rate: 0.2, name: drop}, {type: add, from: [drop, x], activation: tanh, name: sum}, {type: group_norm, groups: 2, name: n}]}, flatten, {type: dense, units: 10, name: head}]}"
}
data='data: {train: {type: synthetic, kind: digits, n: 90, size: 12, seed: 1}, validation: {split: 0.2}, batch: 16, prepare: [standardize], shuffle: every_epoch}'
rest=("$data" 'optimizer: {type: adam, lr: 0.004}' 'schedule: constant')
small r.yaml "$(layers 0.05 '')" "${rest[@]}" "stop: {epochs: 8}"

# ---- each solver learns, with the same bits for any number of threads, and tells what it did
for solver in anderson broyden iterate; do
  small $solver.yaml "$(layers 0.05 "solver: $solver, max: 300,")" "${rest[@]}" "stop: {epochs: 8}"
  code 0 train $solver.yaml --out $solver --quiet --set threads=1
  code 0 train $solver.yaml --out $solver.2 --quiet --set threads=2
  same $solver/last.safetensors $solver.2/last.safetensors "$solver: two threads"
  has $solver/metrics.jsonl '"unsolved":0,"evaluations":[0-9.]+,'
  has $solver/metrics.jsonl '"validation_cost":[0-9.]+,"validation_unsolved":0,'
  [[ $(field $solver/result.json unsolved) == 0 ]] || short "$solver: $(field $solver/result.json unsolved) unsolved"
  first=$(head -n 1 $solver/metrics.jsonl | grep -oE '"train_cost":[0-9.]+' | cut -d: -f2) last=$(tail -n 1 $solver/metrics.jsonl | grep -oE '"train_cost":[0-9.]+' | cut -d: -f2)
  awk -v a="$first" -v b="$last" 'BEGIN { exit !(b < 0.85 * a) }' || short "$solver: the cost went from $first to $last"
done
code 0 eval anderson/last.safetensors --split validation --json && has out.txt '"unsolved": ?0'
code 0 train r.yaml --out micro --quiet --set accumulate=2 --set data.batch=8
has micro/metrics.jsonl '"unsolved":0,"evaluations":'

# ---- resumed, the same bits
code 0 train r.yaml --out whole --quiet
code 0 train r.yaml --out parts --quiet --set stop.epochs=3
code 0 train --resume parts --quiet --set stop.epochs=8
same whole/last.safetensors parts/last.safetensors resumed

# ---- memory is that of one evaluation, however many there are
for solver in anderson broyden iterate; do
  code 0 plan $solver.yaml --json --set model.layers[1].max=10 && field out.txt total >few.txt
  code 0 plan $solver.yaml --json --set model.layers[1].max=100 && field out.txt total >many.txt
  same few.txt many.txt "$solver: bytes of 10 and of 100 iterations"
  has few.txt '^[0-9]+$'
done

# ---- what is not found is told, once, and survived
small wild.yaml "$(layers 0.8 'max: 5, tolerance: 1e-6,')" "${rest[@]}" "stop: {steps: 6}"
code 0 train wild.yaml --out wild && has err.txt 'warning: step 1: [0-9]+ of 32 solutions of an equilibrium, or of its gradient, did not reach their tolerance'
[[ $(grep -c 'did not reach' err.txt) -eq 1 ]] || short "it is said $(grep -c 'did not reach' err.txt) times"
[[ $(grep -c '"unsolved":[1-9]' wild/metrics.jsonl) -eq 6 ]] || short "not all updates tell what they did not find"
[[ $(field wild/result.json unsolved) -gt 100 ]] || short "$(field wild/result.json unsolved) unsolved in all"
[[ $(field wild/result.json stop_reason) == steps ]] || short "the run ended by $(field wild/result.json stop_reason)"
code 0 eval wild/last.safetensors --split validation --json && has out.txt '"unsolved": ?[1-9]'

finish
