#!/bin/bash
# gradus lr: the grid and the finder on every kind of recipe, the plot, the recipe with the rate, nothing else written; what is refused. [mission H7, H8]
. "$(dirname "$0")/lib.sh"
small small.yaml 'threads: 1'

# Points, what is suggested and why; the same bits with two threads; no file
ls >before.txt
code 0 lr small.yaml --updates 30 --seeds 2 --json
cp out.txt a.txt
rm -f out.txt err.txt a.txt.tmp
ls | grep -v -e '^a.txt$' >after.txt
grep -v -e '^out.txt$' -e '^err.txt$' before.txt | diff - <(grep -v '^after.txt$' after.txt) >&2 || short "something was written"
[[ $(wc -l <a.txt) -eq 1 ]] || short "$(wc -l <a.txt) lines, not one object"
[[ $(grep -o '"points":\[[^]]*\]' a.txt | head -n 1 | grep -o '"lr":' | wc -l) -eq 11 ]] || short "not eleven points"
has a.txt '^\{"points":\[\{"lr":1e-05,"cost":[0-9.e-]+,"low":[0-9.e-]+,"high":[0-9.e-]+,"diverged":(true|false)\}'
has a.txt '"finder":\{"points":\[\{"lr":1e-07,"cost":[0-9.e-]+,"smooth":[0-9.e-]+,"diverged":false\}'
has a.txt '"suggested":[0-9.e-]+,"rule":"the largest rate that does not diverge and whose cost is within 10 % of the least.*","seeds":2,"agree":(true|false),"why":"'
code 0 lr small.yaml --updates 30 --seeds 2 --json --threads 2
same out.txt a.txt "the same again with two threads"
code 0 lr small.yaml --updates 30 --seeds 2 --json --set schedule=constant --set optimizer.lr=7
same out.txt a.txt "the recipe's own rate and schedule count for nothing"

# As text, with a plot that is XML
code 0 lr small.yaml --updates 30 --seeds 1 -o rates.svg
has out.txt '^11 rates, 30 updates each, from 1 seed; cost [0-9.]+ before any update$'
has out.txt '^ +rate +cost +lowest +highest'
has out.txt 'suggested$'
has out.txt '^suggested: optimizer.lr: '
has out.txt "^the finder"
has rates.svg 'grid, 30 updates each'
has rates.svg 'suggested'
perl -e 'undef $/; $_ = <>; exit !(/^<svg/ && /<\/svg>\s*$/)' rates.svg || short "rates.svg is no picture"

# One method alone says that nothing was held against it
code 0 lr small.yaml --method grid --points 3 --from 1e-3 --to 0.1 --updates 10 --seeds 1
has out.txt '^3 rates, 10 updates each'
has out.txt 'nothing was held against it'
grep -q '^finder' out.txt && short "the finder ran too"
code 0 lr small.yaml --method finder --points 120 --seeds 2 --json
has out.txt '^\{"points":\[\{"lr":1e-07,'
has out.txt '"rule":"valley: '
has out.txt '"valley":[0-9.e-]+,"valley_low":[0-9.e-]+,"valley_high":[0-9.e-]+,"steep":[0-9.e-]+,"minimum":[0-9.e-]+'
code 0 lr small.yaml --method finder --updates 120 --seeds 2 --json
field out.txt valley >/dev/null

# The recipe with the rate: it trains, and what follows from the rate follows the new one
code 0 lr small.yaml --from 1e-3 --to 0.1 --points 3 --updates 10 --seeds 1 --method grid --apply --set 'schedule={type: cyclic, half_cycle: 4}' --set optimizer=sgdm
cp out.txt tuned.yaml
rate=$(sed -nE 's/^suggested: optimizer.lr: (.*)/\1/p' err.txt)
[[ $rate == 0.1 || $rate == 0.01 || $rate == 0.001 ]] || short "suggested is '$rate'"
code 0 train tuned.yaml --set stop.epochs=1 --quiet --out tuned
has tuned.yaml "lr: $rate(,|}|$)"
has tuned/recipe.yaml "high: (none|$rate)(,|}|$)"

# A schedule that names a rate of its own is told of: the rate that is applied would not be that of the updates
apply() { code 0 lr small.yaml --from 1e-3 --to 0.1 --points 3 --updates 6 --seeds 1 --method grid --apply --set optimizer=sgdm --set "schedule=$1"; }
[[ $(grep -c 'schedule\.' err.txt) -eq 0 ]] || short "cycles that follow the rate: $(cat err.txt)"
apply '{type: cyclic, half_cycle: 4, high: 0.004}'
has err.txt 'schedule.high is 0.004: of no update is the rate of optimizer.lr'
apply '{type: one_cycle, high: 0.02}'
has err.txt 'schedule.high is 0.02: of no update'
apply '{type: constant, tail: {fraction: 0.3, high: 0.05}}'
has err.txt 'schedule.tail.high is 0.05: of not every update'
apply '{type: step, every: 2 epochs, gamma: 0.5, warmup: 0.1, tail: 0.2}'
[[ $(grep -c 'schedule\.' err.txt) -eq 0 ]] || short "steps follow the rate: $(cat err.txt)"

# Other kinds of recipes
for set in optimizer=adahessian optimizer=swats optimizer=gd accumulate=3 'groups=[{match: "c1.*", lr_scale: 0.1}, {match: "head.*", weight_decay: 0}]' \
  'groups=[{match: "c1.*", freeze: true}]' 'lookahead={k: 3}' 'average={type: swa, start: 0.5, cycle: 2}' 'clip={norm: 1}' 'data.batch=all' data.drop_last=true \
  'schedule={type: plateau, patience: 1}' 'model.layers=[flatten, {type: dense, units: 4}, batch_norm, {type: dense, units: 10}]' precision=float64; do
  [[ $set == precision* ]] && more=(--set device=ref) || more=()
  code 0 lr small.yaml --points 3 --updates 6 --seeds 1 --set "$set" "${more[@]}" --json || echo "with $set" >&2
done
awk 'BEGIN { for (i = 0; i < 60; i++) print i % 7 ",k" i % 3 "," i }' | sed '1i a,b,c' >t.csv
cat >pair.yaml <<'YAML'
gradus: 1
name: pair
data: {train: {type: csv, file: t.csv, inputs: {x: [a]}, targets: {kind: b, size: c}}, batch: 10, prepare: [standardize]}
model: {inputs: {x: [1]}, layers: [{type: dense, units: 4, activation: relu, name: h}, {type: dense, units: 3, name: k}, {type: dense, units: 1, from: h, name: s}]}
heads: {kind: {from: k, cost: cross_entropy}, size: {from: s, cost: mse, weight: 0.01}}
optimizer: adam
stop: {epochs: 1}
YAML
code 0 lr pair.yaml --points 3 --updates 6 --seeds 1

# Every rate diverges: an answer without a rate, and exit code 1
bad 1 'training diverges at every rate from 1e\+03 to 1e\+05' lr small.yaml --from 1e3 --to 1e5 --points 3 --updates 10 --seeds 1 --set optimizer=sgd
code 1 lr small.yaml --from 1e3 --to 1e5 --points 3 --updates 10 --seeds 1 --set optimizer=sgd --json
[[ $(wc -l <out.txt) -eq 1 ]] || short "$(wc -l <out.txt) lines, not one object"
has out.txt '"diverged":true.*"suggested":null'
bad 1 'never falls' lr small.yaml --method finder --from 1e-12 --to 1e-9 --seeds 1

# Refused
bad 2 'from: nan is not in' lr small.yaml --from nan
bad 2 'to: inf is not in' lr small.yaml --to inf
bad 2 'from: -1 is not in' lr small.yaml --from -1
bad 2 'from: 0 is not in' lr small.yaml --from 0
bad 2 'the first rate must be below the last' lr small.yaml --from 1 --to 0.1
bad 2 'the first rate must be below the last' lr small.yaml --from 2
bad 2 'the first rate must be below the last' lr small.yaml --from 0.1 --to 0.1
bad 2 'points: 1 is not' lr small.yaml --points 1
bad 2 'points: 102 rates of a grid are more than 101' lr small.yaml --points 102
bad 2 'points: 19 is not in \[20, 1000\]' lr small.yaml --method finder --points 19
bad 2 'one update a rate' lr small.yaml --method finder --points 50 --updates 60
bad 2 'updates: 1 is not' lr small.yaml --updates 1
bad 2 'seeds: 0 is not' lr small.yaml --seeds 0
bad 2 'seeds: 11 is not' lr small.yaml --seeds 11
bad 2 'method: fnder is not one of grid, finder' lr small.yaml --method fnder
bad 2 'choose one' lr small.yaml --apply --json
bad 2 'a plot as SVG' lr small.yaml -o rates.png
bad 2 'every parameter is frozen' lr small.yaml --set 'groups=[{match: "*", freeze: true}]'
bad 2 'unknown key "lrr"' lr small.yaml --set 'optimizer={type: sgd, lrr: 1}'
bad 3 'nowhere.yaml' lr nowhere.yaml
bad 3 'cannot write "nowhere/x.svg"' lr small.yaml --points 2 --updates 2 --seeds 1 -o nowhere/x.svg
bad 4 'budget' lr small.yaml --set memory=100K
finish
