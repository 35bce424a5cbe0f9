#!/bin/bash
# Does `gradus check` find fault with a gradient that is right (mission P4)? Every recipe of the tree and the networks of the command's tests, from
# ten seeds each, with raw and with prepared data: none may fail, nor be left unjudged. tests/study/test_gradients.c is the short form of it.
# Usage: tests/acceptance/gradients.sh [SEEDS]; prints a line a recipe and preparation, exit 1 on an alarm.
set -euo pipefail
cd "$(dirname "$0")/../.."
./dev build
top=$PWD
. tests/command/lib.sh build/gradus # leaves us in a folder of its own
set +u
mapfile -t zoo < <(grep -lE 'type: (idx|synthetic)' "$top"/recipes/zoo/*.yaml) # those whose data is here
cp "$top"/recipes/*.yaml "${zoo[@]}" "$top"/tests/acceptance/*.yaml .
small small.yaml
small normed.yaml "model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 3, bias: false}, batch_norm, relu, {type: max_pool, size: 2}, {type: conv, filters: 8, kernel: 3, bias: false}, batch_norm, relu, {type: max_pool, size: 2}, flatten, {type: dense, units: 10, name: head}]}"
small leaky.yaml "model: {input: [16, 16, 1], layers: [{type: max_pool, size: 2}, {type: conv, filters: 6, kernel: 3, activation: leaky_relu}, {type: avg_pool, size: 2}, flatten, {type: dense, units: 10, activation: tanh, name: head}]}"
alarms=0
for recipe in *.yaml; do
  for prepare in none '[scale]' '[{type: scale, by: 1/255}, standardize]'; do
    wrong=0
    for ((seed = 1; seed <= ${1:-10}; seed++)); do
      "$gradus" check "$recipe" --seed $seed --set data.prepare="$prepare" >out.txt 2>err.txt || true # other checks may warn of raw data
      grep -q '^ok *P4 ' out.txt || { wrong=$((wrong + 1)); grep ' P4 ' out.txt || cat err.txt; }
    done
    echo "$recipe, prepare $prepare: $wrong alarms"
    alarms=$((alarms + wrong))
  done
done
[[ $alarms -eq 0 ]]
