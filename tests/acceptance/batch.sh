#!/bin/bash
# The noise scale at the initial weights against the critical batch that the study fits, on Fashion-MNIST with one hidden layer [mission H11, H12]: within a
# factor of three. Two minutes on two processors. Usage: tests/acceptance/batch.sh [FOLDER]; the plot of steps goes there.
set -euo pipefail
cd "$(dirname "$0")/../.."
./dev build >/dev/null
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
plot=${1:+$1/steps.svg}
[[ $# -eq 0 ]] || mkdir -p "$1"
build/gradus batch recipes/zoo/mlp.yaml --set optimizer=sgd --set 'model.layers=[flatten, {type: dense, units: 64, activation: relu}, {type: dense, units: 10}]' \
  --study --largest 2048 --updates 200 -o "${plot:-$out/steps.svg}" --json >"$out/batch.json"
awk -v noise="$(sed -nE 's/^\{"noise_scale":([0-9.]+),.*/\1/p' "$out/batch.json")" \
  -v critical="$(sed -nE 's/.*"critical_batch":([0-9.]+),.*/\1/p' "$out/batch.json")" \
  -v reached="$(sed -nE 's/.*"study":\{.*"noise_scale":([0-9.]+),.*/\1/p' "$out/batch.json")" 'BEGIN {
    held = noise > critical / 3 && noise < critical * 3
    printf "noise scale %.1f, where the target is reached %.1f, critical batch %.1f: %s\n", noise, reached, critical, held ? "held" : "SHORT"
    exit !held
  }'
