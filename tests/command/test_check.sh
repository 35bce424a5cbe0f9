#!/bin/bash
# check, trace and predict's look at raw input: verdicts, exit codes, and planted faults that the right check names (T3 to T5, X1, X8, X11, I1, I2, P4, X4, T9, X5, X14, X15, D18).
. "$(dirname "$0")/lib.sh"
small r.yaml
short_ones="--skip T6,T7,X6,X7,X9,X10,X11,X12,X13,X16,X17" # what short trainings tell is tests/command/test_rules.sh's

code 0 check r.yaml
for name in formats data outputs "initial cost" symmetry initialisation gradients "dropout, norms" "batch" sigmoids; do has out.txt "^ok +[A-Z][0-9]+( [A-Z][0-9]+)? +$name "; done
code 0 check r.yaml $short_ones --json
has out.txt '"checks":\[\{"id":"T3","name":"data","verdict":"ok","figure":0,"limit":0,"message":"[^"]+","fix":""\},'
has out.txt '\{"id":"X1","name":"formats","verdict":"ok","figure":32,"limit":32,"message":"'
has out.txt '"passed":true'
[[ $(grep -o '"kind":"parameter","format":"float32"' out.txt | wc -l) -eq 4 ]] || short "not every parameter's format is told"
code 0 check r.yaml $short_ones --set precision=float64 && has out.txt "X1 .* 64 .*float64"
code 0 check r.yaml $short_ones --quiet && [[ ! -s out.txt && ! -s err.txt ]] || short "--quiet prints"
code 0 check r.yaml $short_ones && [[ ! -s err.txt ]] || short "progress without a terminal: $(head -c 200 err.txt)"
if command -v script >/dev/null; then # a terminal: progress on standard error, and nothing of it left
  script -qec "$gradus check r.yaml $short_ones >out.txt" seen.txt >/dev/null </dev/null && has seen.txt $'[a-z]+: +[0-9]+ % .*\r\x1b\\[K$'
  for flag in --json --quiet; do
    script -qec "$gradus check r.yaml $flag >out.txt" seen.txt >/dev/null </dev/null && grep -q '%' seen.txt && short "check $flag shows progress"
  done
fi
code 0 check r.yaml --gradients && has out.txt "^head.weight +[0-9]+ +24 +24 .* ok"
code 0 check r.yaml --gradients --set 'penalty={l2: 0.01, l1: 0.02}' && has out.txt "^head.weight +[0-9]+ +24 +24 .* ok" # P2: of cost and penalty together
code 0 check r.yaml --gradients --json && has out.txt '"passed":true' && has out.txt '"name":"head.weight","count":[0-9]+,"checked":24,"judged":24,"error":'
code 0 check r.yaml --init && has out.txt "^c1 +conv " && has out.txt "^ok +I2 "
code 0 check r.yaml --init --json && has out.txt '"layers":\[\{"name":"c1","type":"conv","activation":\{"mean":'
bad 2 "each restrict" check r.yaml --gradients --init
bad 2 "argument is missing" check

# A layer that normalises takes away what scale its input has: neither raw bytes nor large weights before it are a fault
small n.yaml "data: {train: {type: synthetic, kind: digits, n: 300, seed: 1}, batch: 32}" "model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 3, bias: false, name: c1}, {type: batch_norm, name: n1}, relu, flatten, {type: dense, units: 10, name: head}]}"
code 0 check n.yaml $short_ones
grep -vE '^(ok|skipped +X3) ' out.txt && short "check of a network with batch_norm"

code 0 check n.yaml $short_ones --set 'model.layers[1]={type: batch_norm, frozen: true}' --set 'data.prepare=[standardize]' # whose statistics no batch tells
code 0 check n.yaml $short_ones --set 'model.layers[1]={type: batch_norm, momentum: cumulative}'

# What layers say of themselves is advice: the exit code stays
code 0 check n.yaml $short_ones --set data.batch=16 --set 'model.layers[2]=sigmoid'
has out.txt '^warning +X5 T9 +batch +16 .*--norm group' && has out.txt '^warning +X15 +sigmoids +1 .*--sigmoid tanh'
code 0 check n.yaml $short_ones --set 'model.layers[2]={type: dropout, rate: 0.1}' && has out.txt '^warning +X4 +dropout, norms .*batch_norm "n1".*--drop-dropout'

# Units that a planted bias switches off are found, and the conversion that the warning names wakes them
small d.yaml "data: {train: {type: synthetic, kind: digits, n: 300, seed: 1}, batch: 32, prepare: [standardize]}" "model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 3, activation: relu, name: c1, init: {bias: {type: constant, value: -10}}}, flatten, {type: dense, units: 10, name: head}]}"
code 1 check d.yaml $short_ones && has out.txt '^warning +X14 +dead units +1  100 % of the 6 units of "c1" .*--relu leaky_relu'
code 0 convert d.yaml --relu leaky_relu -o awake.yaml
# one draw of eight that is well does not make a fault chance, two do: of these weights six and five of seven further draws kill a layer too
small mostly.yaml 'data: {train: {type: synthetic, kind: blobs, n: 200, classes: 3, features: 6, seed: 1}, batch: 16, prepare: [standardize]}' \
  'model: {input: [6], layers: [{type: dense, units: 8, activation: relu, name: h, init: {bias: {type: constant, value: -2.7}}}, {type: dense, units: 3, name: o}]}' 'optimizer: sgd'
"$gradus" check mostly.yaml --only X14 --seed 2 >out.txt 2>err.txt </dev/null
has out.txt '^(warning|failed) +X14 +dead units'
code 0 check mostly.yaml --only X14 --seed 1 && has out.txt '^ok +X14 +dead units .*by chance, for with another seed'
code 0 check awake.yaml $short_ones && has out.txt '^ok +X14 +dead units +-  no layer ends in a ReLU'

# Raw bytes make the first cost absurd; equal weights are a warning; a table's constant column is named, no fault
bad 1 "initial cost" check r.yaml $short_ones --set data.prepare=none
has out.txt "^FAILED +T5 X8 .*prepare the data"
code 1 check r.yaml $short_ones --set data.prepare=none --json
[[ $(wc -l <out.txt) -eq 1 ]] || short "a failed check prints $(wc -l <out.txt) JSON objects, not one"
has out.txt '"verdict":"failed".*"passed":false'
code 0 check r.yaml $short_ones --set init.weights='{type: constant, value: 0.02}' && has out.txt "^warning +I1 .*stay equal"
awk 'BEGIN { srand(4); print "width,height,lost,kind"; for (i = 0; i < 240; i++) { k = i % 3; printf "%.4f,%.5f,7,%s\n", 5000 + 300 * k + 60 * rand(), 0.001 * (k == 1) + 0.0002 * rand(), k == 0 ? "ant" : k == 1 ? "bee" : "cow" } }' >t.csv
cat >t.yaml <<'YAML'
gradus: 1
name: table
data: {train: {type: csv, file: t.csv, target: kind}, batch: 16, prepare: [standardize]}
model: {input: [3], layers: [{type: dense, units: 16, activation: relu, name: h}, {type: dense, units: 3, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 2}
YAML
code 0 check t.yaml $short_ones
has out.txt '^warning +T3 .*1 of 3 input columns never change and tell nothing, the first is column "lost"'
code 0 check t.yaml $short_ones --set data.train.columns='[width, height]' --set model.input='[2]' && has out.txt "^ok +T3 "

# Two clean runs: no difference, for any number of threads; what is set differently is named
code 0 trace r.yaml r.yaml && has out.txt "^no difference in 1 update:"
code 0 trace r.yaml --threads 2 --against threads=1 --steps 9 && has out.txt "^no difference in 9 updates"
code 0 trace r.yaml --against device=ref --tolerance 1e-4 --json && has out.txt '"difference":null'
bad 1 'step 2, .* in optimizer "sgd" / parameter "c1.weight"' trace r.yaml --against optimizer.momentum=0.8 --steps 4
code 1 trace r.yaml --against seed=4 --json
has out.txt '"operation":"parameter \\"c1.weight\\"","position":"\['
[[ $(wc -l <out.txt) -eq 1 ]] || short "a difference prints $(wc -l <out.txt) JSON objects, not one"
bad 2 "nothing to compare" trace r.yaml
bad 2 "steps: 0 is not a whole number from 1 to" trace r.yaml r.yaml --steps 0
bad 2 "not in \[0, 1\)" trace r.yaml r.yaml --tolerance 2
bad 2 "r.yaml.*unknown key|unknown key" trace r.yaml --against nothing=1
bad 3 "missing.yaml" trace r.yaml missing.yaml

# predict takes raw input; what was standardised already is noticed, and once a file
code 0 train t.yaml --out run --quiet --set data.train.columns='[width, height]' --set model.input='[2]'
cut -d, -f1,2,4 t.csv >raw.csv
awk -F, 'NR == 1 { print; next } { printf "%.4f,%.4f,%s\n", ($1 - 5330) / 246, ($2 - 0.00043) / 0.00047, $3 }' raw.csv >ready.csv
code 0 predict run/last.safetensors raw.csv && grep -q warning err.txt && short "raw input warns: $(cat err.txt)"
code 0 predict run/last.safetensors ready.csv
[[ $(grep -c "^gradus: warning: ready.csv: .*give raw input" err.txt) -eq 1 ]] || short "standardised input does not warn: $(head -n 2 err.txt)"
finish
