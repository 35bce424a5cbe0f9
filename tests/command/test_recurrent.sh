#!/bin/bash
# Recurrent layers from a recipe: they train, save, resume and predict; any number of threads gives the same bits; gates start as `init` says; a plan holds what it says;
# what does not fit is refused by name.
. "$(dirname "$0")/lib.sh"

# 60 rows of 8 numbers, read as 4 steps of 2; the class is the sign of the first: what has to be remembered to the end.
awk 'BEGIN { srand(4); print "a,b,c,d,e,f,g,h,y"
  for (i = 0; i < 60; i++) { s = i % 2 ? 1 : -1; printf "%d", s; for (k = 1; k < 8; k++) printf ",%.4f", rand() - 0.5; print "," (s > 0) } }' >rows.csv
cat >r.yaml <<'YAML'
gradus: 1
seed: 3
data:
  train: {type: csv, file: rows.csv, target: y}
  validation: {split: 0.2}
  batch: 12
model:
  input: [8]
  layers:
    - {type: reshape, shape: [4, 2]}
    - {type: lstm, name: memory, units: 6}
    - {type: dense, name: head, units: 2}
cost: cross_entropy
optimizer: {type: adam, lr: 0.05}
stop: {epochs: 30}
YAML

# ---- every kind learns it, whatever the threads
for kind in lstm gru rnn; do
  code 0 train r.yaml --out $kind --quiet --set model.layers[1].type=$kind --set threads=1
  code 0 eval $kind/last.safetensors --split validation && has out.txt "accuracy 1.0000"
  code 0 train r.yaml --out $kind.2 --quiet --set model.layers[1].type=$kind --set threads=2
  same $kind/last.safetensors $kind.2/last.safetensors "$kind: two threads"
done
code 0 train r.yaml --out many --quiet --set model.layers[1].layers=2 --set model.layers[1].bidirectional=true
code 0 eval many/last.safetensors --split validation && has out.txt "accuracy 1.0000"
code 0 predict lstm/last.safetensors rows.csv

# ---- checked: gates make small states of their own, moves of axes between layers hide no slope
for layers in '{type: lstm, units: 32}' '{type: gru, units: 32, return: sequence}, {type: gru, units: 16}' '{type: lstm, units: 32, layers: 2, return: sequence}, global_avg_pool, {type: dense, units: 64, activation: relu}' '{type: rnn, units: 32, nonlinearity: relu, bidirectional: true}' \
  '{type: gru, units: 32, return: sequence}, {type: permute, axes: [1, 0]}, {type: permute, axes: [1, 0]}, {type: gru, units: 32}'; do
  code 0 check r.yaml --set 'data.prepare=[standardize]' --set "model.layers=[{type: reshape, shape: [4, 2]}, $layers, {type: dense, units: 2}]" || continue
  [[ $(grep -cE '^ok +(I2|P4) ' out.txt) -eq 2 ]] || short "$layers: $(grep -v ^ok out.txt)"
done
code 0 check r.yaml --set 'data.prepare=[standardize]' --set 'model.layers=[{type: reshape, shape: [4, 2]}, {type: lstm, units: 32}, {type: dense, units: 64, name: faint, init: {weights: {type: normal, std: 0.01}}}, {type: dense, units: 2}]'
has out.txt '^warning +I2 .*activations fade: layer "faint"'

# ---- resumed, the same bits
code 0 train r.yaml --out whole --quiet --set stop.epochs=6
code 0 train r.yaml --out parts --quiet --set stop.epochs=3
code 0 train --resume parts --quiet --set stop.epochs=6
same whole/last.safetensors parts/last.safetensors "resumed"

# ---- what a plan needs is what it says: a run within it, none within less
code 0 plan r.yaml --json
total=$(grep -oE '"total": ?[0-9]+' out.txt | grep -oE '[0-9]+' | head -n 1)
[ -n "$total" ] || short "the plan says no total"
code 0 train r.yaml --out fits --quiet --set memory=$total --set stop.epochs=1
code 4 train r.yaml --out less --quiet --set memory=$((total - 1)) --set remat=none --set stop.epochs=1

# ---- gates
gates() { # FILE SUFFIX: the first number of each gate of memory.SUFFIX
  local head size from
  size=$(od -An -tu8 -N8 "$1" | tr -d ' ')
  from=$(head -c $((8 + size)) "$1" | tail -c "$size" | grep -oE "\"memory\.$2\":\{[^}]*\}" | grep -oE '"data_offsets":\[[0-9]+' | grep -oE '[0-9]+$')
  for gate in 0 1 2 3; do od -An -tf4 -j $((8 + size + from + gate * 24)) -N4 "$1" | tr -d ' \n'; printf ' '; done
}
starts() { # WHAT WANTED SUFFIX ARGUMENT...
  local what=$1 wanted=$2 suffix=$3
  shift 3
  code 0 init r.yaml -o start.safetensors "$@"
  [ "$(gates start.safetensors "$suffix")" = "$wanted" ] || short "$what: gates start as $(gates start.safetensors "$suffix"), not $wanted"
}
starts usual "-1 1 0 -1 " bias_ih_l0
starts hidden "0 0 0 0 " bias_hh_l0
starts "recipe's bias" "-1 1 0 -1 " bias_ih_l0 --set init.bias='{type: constant, value: 3}'
starts set "-0.5 2 0 -1 " bias_ih_l0 --set init.lstm='{forget_bias: 2, input_bias: -0.5}'
starts own "0 0 0 0 " bias_ih_l0 --set model.layers[1].init='{bias: zeros}'
starts "own numbers" "-1 5 0 -1 " bias_ih_l0 --set model.layers[1].init='{bias: {type: lstm, forget_bias: 5}}'
starts "own, hidden" "0 0 0 0 " bias_hh_l0 --set model.layers[1].init='{bias: {type: constant, value: 3}}'
code 0 init r.yaml -o start.safetensors --set model.layers[1].type=gru --set init.lstm='{forget_bias: 2}'
has err.txt "init.lstm: no LSTM layer takes it"

# ---- refused
bad 2 'lstm "memory": takes sequences, \[steps, features\], of one step at least' train r.yaml --out bad --set model.layers[0].shape=8
bad 2 'lstm needs "units"' train r.yaml --out bad --set model.layers[1]=lstm
bad 2 'return: .*all' train r.yaml --out bad --set model.layers[1].return=all
bad 2 'forget_bias' train r.yaml --out bad --set init.lstm='{forget: 1}'
bad 2 'lstm is for biases of LSTM layers alone' train r.yaml --out bad --set model.layers[2].init='{bias: lstm}'
bad 2 'nonlinearity' train r.yaml --out bad --set model.layers[1].type=rnn --set model.layers[1].nonlinearty=relu
bad 2 'units.*0' train r.yaml --out bad --set model.layers[1].units=0
finish
