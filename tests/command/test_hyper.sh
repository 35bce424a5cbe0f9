#!/bin/bash
# Layers whose weights a network makes: they train, save, resume and predict, with the same bits for any number of threads, and whoever looks at a network looks at
# these. [mission I7, SYS16]
. "$(dirname "$0")/lib.sh"

small r.yaml 'data: {train: {type: synthetic, kind: digits, n: 90, size: 12, seed: 1}, validation: {split: 0.2}, batch: 16, prepare: [standardize], shuffle: every_epoch}' \
  'model: {input: [12, 12, 1], layers: [{type: hyper, name: h1, embedding: 8, layers: [{type: dense, units: 6, activation: tanh, name: e}], layer: {type: conv, filters: 4, kernel: 3, stride: 2, padding: same, activation: relu}}, flatten, {type: dense, units: 5, activation: tanh, name: code}, {type: hyper, name: h2, from: [flatten1, code], layer: {type: dense, units: 10}}]}' \
  'optimizer: {type: adam, lr: 0.003}' 'schedule: constant' 'stop: {epochs: 8}'
code 0 train r.yaml --out one --quiet --set threads=1
code 0 train r.yaml --out two --quiet --set threads=2
same one/last.safetensors two/last.safetensors 'two threads'
first=$(head -n 1 one/metrics.jsonl | grep -oE '"train_cost":[0-9.]+' | cut -d: -f2) last=$(tail -n 1 one/metrics.jsonl | grep -oE '"train_cost":[0-9.]+' | cut -d: -f2)
awk -v a="$first" -v b="$last" 'BEGIN { exit !(b < 0.7 * a) }' || short "the cost went from $first to $last"
code 0 train r.yaml --out parts --quiet --set stop.epochs=3
code 0 train --resume parts --quiet --set stop.epochs=8
same one/last.safetensors parts/last.safetensors resumed
code 0 eval one/last.safetensors --split validation

# ---- what is made is no parameter; what makes it is, and starts as the layer wants it
code 0 plan r.yaml --parameters
for row in 'h1\.embedding +\[8\]' 'h1\.e\.weight +\[6,8\]' 'h1\.main\.weight\.weight +\[36,6\]' 'h1\.main\.bias\.bias +\[4\]' 'h2\.main\.weight\.weight +\[1440,5\]'; do has out.txt "^$row"; done
grep -qE '^h[12]\.main\.(weight|bias) ' out.txt && short 'what is made is a parameter'
code 0 init r.yaml -o start.safetensors && has out.txt 'h1\.main\.weight\.weight.*hyperfan'

# ---- whoever looks at a network
code 0 check r.yaml --gradients --set data.train.size=8 --set 'model.input=[8, 8, 1]' && has out.txt 'h2\.main\.weight\.weight .* ok'
code 0 explain 'dL/dh1.main.weight.weight[3,2]' r.yaml && has out.txt 'they agree'
code 0 trace r.yaml --against device=ref --tolerance 1e-3
code 0 curvature one/last.safetensors
finish
