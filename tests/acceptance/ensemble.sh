#!/bin/bash
# G15: an ensemble varies less than its models. Over bootstraps of the training rows the probability that a test sample is given has a variance, meant over
# the samples: that of the mean of three models (other initial weights, the same rows) is at most the mean of the models' own.
# Usage: tests/acceptance/ensemble.sh [GRADUS [BOOTSTRAPS]]. Prints both and their quotient; exit code 1 where it does not hold.
set -eu
cd "$(dirname "$0")/../.."
gradus=$(readlink -f "${1:-build/gradus}") n=${2:-20}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
rows() { # N SEED: two classes that overlap
  awk -v n="$1" -v seed="$2" 'BEGIN { srand(seed); for (i = 0; i < n; i++) { k = i % 2; printf "%.4f,%.4f,%s\n", k + 1.5 * rand() + rand(), 2 * rand() - 0.8 * k + rand(), k ? "yes" : "no" } }'
}
rows 300 1 >all.txt
{ echo a,b,kind; rows 200 2; } >test.csv
cat >r.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: train.csv, target: kind}, batch: 16, shuffle: every_epoch, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 16, activation: relu}, {type: dense, units: 16, activation: relu}, {type: dense, units: 2}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 20}
YAML
of() { sed -E 's/.*"probabilities":\[[^,]*,([^]]*)\].*/\1/'; }
for b in $(seq "$n"); do
  { echo a,b,kind; awk -v seed="$b" '{ row[NR] = $0 } END { srand(seed); for (i = 0; i < NR; i++) print row[1 + int(NR * rand())] }' all.txt; } >train.csv
  for m in 1 2 3; do
    "$gradus" train r.yaml --quiet --overwrite --out run$m --seed $m
    "$gradus" predict run$m/last.safetensors test.csv --json | of | paste -s -d ' ' >>"single$m.txt"
  done
  "$gradus" predict --ensemble run{1,2,3}/last.safetensors test.csv --json | of | paste -s -d ' ' >>together.txt
done
variance() { # FILE: over its lines, meant over the columns
  awk '{ for (i = 1; i <= NF; i++) { s[i] += $i; q[i] += $i * $i } } END { for (i = 1; i <= NF; i++) v += q[i] / NR - (s[i] / NR) ^ 2; printf "%.10g\n", v / NF }' "$1"
}
{ for m in 1 2 3; do variance single$m.txt; done; variance together.txt; } |
  awk -v n="$n" 'NR < 4 { single += $1 / 3 } NR == 4 { printf "%d bootstraps: variance of an ensemble %.4g, of its models %.4g on average, %.2f of it\n", n, $1, single, $1 / single; exit !($1 <= single && single > 0) }'
