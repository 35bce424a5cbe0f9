#!/bin/bash
# Equilibria looked at: checked, explained, planned, traced, curved and converted as other networks are. [mission M9]
. "$(dirname "$0")/lib.sh"

layers() { # WHAT MORE: a model whose function is given by its std
  echo "model: {input: [12, 12, 1], layers: [{type: conv, filters: 6, kernel: 3, stride: 2, padding: same, name: c0}, {type: equilibrium, name: eq, $2 layers: [{type: conv, filters: 6, kernel: 3, padding: same, name: c1, init: {weights: {type: normal, std: $1}}}, {type: dropout, rate: 0.2, name: drop}, {type: add, from: [drop, x], activation: tanh, name: sum}, {type: group_norm, groups: 2, name: n}]}, flatten, {type: dense, units: 10, name: head}]}"
}
data='data: {train: {type: synthetic, kind: digits, n: 90, size: 12, seed: 1}, validation: {split: 0.2}, batch: 16, prepare: [standardize], shuffle: every_epoch}'
rest=("$data" 'optimizer: {type: adam, lr: 0.004}' 'schedule: constant')
small r.yaml "$(layers 0.05 '')" "${rest[@]}" "stop: {epochs: 8}"

tiny=(--set data.train.size=8 --set 'model.input=[8, 8, 1]' --set model.layers[0].filters=2 --set model.layers[1].layers[0].filters=2)
code 0 check r.yaml "${tiny[@]}" && has out.txt 'P4 +gradients'
code 0 check r.yaml --gradients "${tiny[@]}" && has out.txt 'eq\.c1\.weight .* ok'
# relu(2 z) + 20 + x has no fixed point: what is not found is not judged
small none.yaml 'data: {train: {type: synthetic, kind: blobs, n: 64, classes: 3, features: 6}, batch: 4, prepare: [standardize]}' \
  'model: {input: [6], layers: [{type: dense, units: 1, name: c0}, {type: equilibrium, name: eq, layers: [{type: dense, units: 1, activation: relu, name: c1, init: {weights: {type: constant, value: 2}}}, {type: dense, units: 1, name: c2, init: {weights: {type: constant, value: 1}, bias: {type: constant, value: 20}}}, {type: add, from: [c2, x], name: sum}]}, {type: dense, units: 3, name: head}]}'
code 0 check none.yaml --gradients
has out.txt 'eq\.c1\.weight .* not judged'
has out.txt 'head\.weight .* ok'
code 0 explain 'dL/deq.c1.weight[1,0,2,2]' r.yaml --set model.layers[1].layers[1].rate=0 && has out.txt 'they agree'
code 0 explain r.yaml
code 0 plan r.yaml --kernels && has out.txt '^loop of at most 50 steps'
code 0 trace r.yaml --against device=ref --tolerance 0.2 # one evaluation of a few is more than rounding
code 0 trace r.yaml --against threads=2
code 0 train r.yaml --out run --quiet
code 0 curvature run/last.safetensors
code 0 convert r.yaml --drop-dropout -o kept.yaml
grep -q 'type: dropout' kept.yaml && short 'dropout is left within the equilibrium'
code 0 plan kept.yaml
finish
