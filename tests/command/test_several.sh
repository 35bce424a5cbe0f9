#!/bin/bash
# What is said of a lone input or target is said of each of several, by its name: predictions that are not finite, metrics that tell little, hints.
. "$(dirname "$0")/lib.sh"

awk 'BEGIN { srand(3); print "a,b,kind,price,sort"; for (i = 0; i < 130; i++) { k = i % 13 == 0; printf "%.4f,%.4f,%s,%.4f,%d\n", k + rand(), k - rand(), k ? "rare" : "common", rand(), i % 2 } }' >train.csv
cat >r.yaml <<'YAML'
gradus: 1
data:
  train: {type: csv, file: train.csv, inputs: {left: [a], right: [b]}, targets: {kind: kind, price: price, sort: sort}}
  batch: 13
model:
  inputs: {left: [1], right: [1]}
  layers:
    - {type: dense, units: 4, activation: tanh, from: left, name: l}
    - {type: dense, units: 4, from: right, name: r}
    - {type: dense, units: 2, from: l, name: which}
    - {type: dense, units: 2, from: l, name: half}
    - {type: dense, units: 1, from: r, name: much}
heads:
  kind: {from: which}
  price: {from: much, cost: mse}
  sort: {from: half}
optimizer: {type: sgd, lr: 0.05}
stop: {epochs: 2}
YAML
note='the classes of the training data are unbalanced, 120 samples to 10: kind_f1 would tell more than kind_'
code 0 train r.yaml --out run
[[ $(grep -c 'kind_f1 is added to the metrics' err.txt) -eq 1 ]] || short "f1 of the unbalanced head is not added: $(cat err.txt)"
grep -q 'sort_f1' err.txt && short "f1 of the balanced head is added"
code 0 train run/recipe.yaml --out again --quiet # what is resolved may be trained without validation too
same run/last.safetensors again/last.safetensors "the resolved recipe"
for given in accuracy '[log_loss, accuracy]'; do
  code 0 train r.yaml --out run --overwrite --set "heads.kind.metrics=$given"
  [[ $(grep -c "would tell more" err.txt) -eq 1 ]] && has err.txt "^gradus: note: $note" || short "metrics: $given: $(cat err.txt)"
  code 0 train r.yaml --out run --overwrite --set "heads.sort.metrics=$given" && grep -q 'would tell more' err.txt && short "metrics: $given of a balanced head"
done
for set in 'heads.kind.metrics=[accuracy, recall]' 'heads.kind.metrics=none' 'heads.kind={from: which, metrics: accuracy, cost: {type: cross_entropy, class_weights: balanced}}'; do
  code 0 train r.yaml --out run --overwrite --set "$set" && grep -q 'would tell more' err.txt && short "$set: $(cat err.txt)"
done

# Only the head whose numbers break is named, with the first row and how many more.
code 0 train r.yaml --out run --overwrite --quiet
{ echo a,b; for ((i = 0; i < 70; i++)); do echo 1,1; done; for ((i = 0; i < 3; i++)); do echo 1,3e38; done; } >late.csv
sed -i 's/units: 1, from: r/units: 1, from: r, init: {weights: {type: constant, value: 3}}/; s/units: 4, from: r/units: 4, init: {weights: {type: constant, value: 3}}, from: r/' r.yaml
code 0 init r.yaml -o big.safetensors --quiet
for flags in "" --json; do
  code 0 predict big.safetensors late.csv $flags
  has err.txt '^gradus: warning: late.csv\[70\]: the model.s outputs of the head price are not finite, and those of 2 more rows$'
  [[ $(grep -c 'not finite' err.txt) -eq 1 ]] || short "other heads are warned of: $(cat err.txt)"
done
code 0 predict big.safetensors late.csv --quiet
[[ -s err.txt ]] && short "--quiet warns: $(cat err.txt)"
[[ $(head -n 71 late.csv | "$gradus" predict big.safetensors - 2>&1 | grep -c 'not finite') -eq 0 ]] || short "finite rows are warned of"

# A part whose numbers are no number at all: the key that the recipe has is named, and none where there is no recipe.
awk 'BEGIN { print "a,b,kind,price,sort"; print "1,2,rare,1,0"; print "1,NaN,common,1,1" }' >odd.csv
bad 3 'odd.csv": line 3, column 2 \(b\): "NaN" is not finite' train r.yaml --out no --set data.train.file=odd.csv
has err.txt 'missing: \["NaN"\]'
bad 3 'odd.csv": line 3, column 2 \(b\)' predict big.safetensors odd.csv
grep -qE 'missing: \[|columns: \[|inputs: ' err.txt && short "predict's hint names a key: $(cat err.txt)"
finish
