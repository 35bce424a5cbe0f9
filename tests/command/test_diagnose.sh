#!/bin/bash
# gradus diagnose: planted causes are told (a quick part of tests/acceptance/diagnose.sh), errors are eval's, several runs are judged together, and what is refused. [mission G1-G3, T14]
. "$(dirname "$0")/lib.sh"

"$here/../acceptance/diagnose.sh" "$gradus" linear-xor wide-linear both-plane good-linear tiny-20 no-validation >table.txt 2>&1 || short "planted runs: $(cat table.txt)"
has table.txt '^6 runs: 6 right, 0 unresolved that were planted otherwise, 0 wrong\.$'

cat >r.yaml <<'YAML'
gradus: 1
name: moons
data: {train: {type: synthetic, kind: moons, n: 300, noise: 0.1, seed: 1}, validation: {split: 0.3}, batch: 16, balance: oversample, augment: [{type: noise, std: 1}]}
model: {input: [2], layers: [{type: dense, units: 4, activation: tanh, name: h}, {type: dropout, rate: 0.5}, {type: dense, units: 2, name: head}]}
cost: cross_entropy
stop: {epochs: 2}
YAML
code 0 train r.yaml --out run --quiet
code 0 diagnose run --json
cp out.txt d.txt
has d.txt '^\{"verdict":"(underfit|overfit|both|good|unresolved)","train_error":[0-9.]+,"validation_error":[0-9.]+,"bias":[0-9.]+,"gap":[-0-9.]+,.*"evidence":\[\{.*\}\],"advice":\[\{.*\}\]\}$'
# The errors are those of eval, to the bit: of last, nothing dropped out, changed or balanced
for part in train validation; do
  code 0 eval run/last.safetensors --split $part --json
  cp out.txt e.txt
  [[ $(field d.txt ${part}_error) == "$(grep -o '"error":[^,}]*' e.txt | tail -n 1 | cut -d: -f2)" ]] || short "$part: diagnose has another error than eval"
done
code 0 diagnose run/last.safetensors --json
same out.txt d.txt "a run and its last model"
code 0 diagnose run
has out.txt '^underfit: high bias'
has out.txt '^train_error +[0-9.]+ +[0-9.]+ +[0-9.]+ +0\.05 +of 210 samples; above the limit: high bias$'
has out.txt '^larger_model +more units or layers: units: 8 of layer "h"'
has out.txt '^less_regularisation +.*"dropout1", data\.augment$'
code 0 diagnose run --quiet
[[ ! -s out.txt ]] || short "--quiet prints"
code 0 diagnose run --reference 0.9
has out.txt '^(good|unresolved)'
cp -r run elsewhere && rm elsewhere/metrics.jsonl # less is known then, and no more is said
code 0 diagnose elsewhere
grep -q 'training_cost' out.txt && short "a cost without records"

# Seeds
code 0 train r.yaml --out run2 --quiet --seed 2
code 0 diagnose run run2 --json
has out.txt '"runs":2'
has out.txt 'of 210 samples in each of 2 runs, which scatter by'
code 0 train r.yaml --out run3 --quiet --set model.layers[0].units=5
bad 2 'run and run3 differ in `model`' diagnose run run3

# Heads
cat >heads.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: t.csv, inputs: {x: [a, b]}, targets: {kind: k, price: p}}, validation: {split: 0.3}, batch: 16}
model: {inputs: {x: [2]}, layers: [{type: dense, units: 4, activation: tanh, name: h}, {type: dense, units: 2, name: k1, from: h}, {type: dense, units: 1, name: p1, from: h}]}
heads: {kind: {from: k1, cost: cross_entropy}, price: {from: p1, cost: mse}}
stop: {epochs: 1}
YAML
awk -v OFS=, 'BEGIN { print "a,b,k,p"; for (i = 0; i < 100; i++) print i % 7, i % 5, i % 2, i % 7 + i % 5 }' >t.csv
code 0 train heads.yaml --out heads --quiet
bad 2 'each of the 2 heads has an error of its own' diagnose heads
code 0 diagnose heads --head price
has out.txt '^train_error'
has out.txt 'always answering the mean$'
code 0 diagnose heads --head kind
has out.txt 'always answering the most frequent class$'
bad 2 'there is no head prise' diagnose heads --head prise
has err.txt 'did you mean price'
bad 2 'the model has one output' diagnose run --head kind

mkdir empty
bad 3 'empty: the folder has no last.safetensors' diagnose empty
bad 3 'nowhere' diagnose nowhere
bad 3 'r.yaml' diagnose r.yaml
bad 2 'reference' diagnose run --reference -1
bad 2 'reference: 2 is no share' diagnose run --reference 2
bad 2 'only --threads can be set' diagnose run --set seed=2
bad 2 'argument is missing' diagnose
finish
