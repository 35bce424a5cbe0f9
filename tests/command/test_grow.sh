#!/bin/bash
# gradus grow: a line a stage, towards a recipe and until an error; a fault is told at the stage that adds it, and what is refused. [mission T8, T10, T13, T17]
. "$(dirname "$0")/lib.sh"
cat >digits.yaml <<'YAML'
gradus: 1
name: digits
data: {train: {type: synthetic, kind: digits, n: 300, seed: 1}, validation: {split: 0.2}, batch: 32, shuffle: every_epoch, prepare: [standardize]}
model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 10, name: fc}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.001}
stop: {epochs: 2}
YAML
cat >net.yaml <<'YAML'
gradus: 1
name: net
data: {train: {type: npz, file: none.npz, inputs: x, targets: y}}
model:
  input: [28, 28, 1]
  layers:
    - {type: conv, filters: 4, kernel: 3, padding: same, activation: relu, name: c1}
    - {type: max_pool, size: 2}
    - {type: conv, filters: 6, kernel: 3, padding: same, name: c2}
    - {type: group_norm, groups: 2, activation: relu}
    - {type: max_pool, size: 2}
    - flatten
    - {type: dense, units: 16, activation: relu, name: d1}
    - {type: dense, units: 99, name: head}
cost: cross_entropy
YAML

# Towards a recipe whose data is nowhere: data and outputs are the first one's
code 0 grow digits.yaml --towards net.yaml --updates 60 --seeds 2 --json
cp out.txt a.txt
[[ $(wc -l <a.txt) -eq 4 ]] || short "$(wc -l <a.txt) lines, not a stage each"
has a.txt '^\{"stage":1,"added":"head","layers":\["before_the_last","head"\],"parameters":2570,"lr":[0-9.e-]+,"train_error":[0-9.e-]+,"validation_error":[0-9.e-]+,"scatter":'
has a.txt '^\{"stage":2,"added":"c1",'
has a.txt '^\{"stage":3,"added":"c2",'
has a.txt '^\{"stage":4,"added":"d1","layers":\["c1","max_pool1","c2","group_norm1","max_pool2","flatten1","d1","head"\],"parameters":[0-9]+,'
has a.txt '"checks":\[\{"id":"T3","verdict":"ok",.*"rates":\[\{"lr":'
code 0 grow digits.yaml --towards net.yaml --updates 60 --seeds 2 --threads 1 --json
same out.txt a.txt "the same again with one thread"

# Until an error: with the recipe's own layers, then wider; the last stage is a recipe to train
code 0 grow digits.yaml --set 'model.layers=[flatten, {type: dense, units: 2, activation: tanh, name: h}, {type: dense, units: 10, name: fc}]' --until 'train_error<0.05' --updates 100 --seeds 1 -o grown.yaml
has out.txt '^stage +adds +parameters +rate +training error +validation +updates +checks$'
code 0 train grown.yaml --set stop.steps=5 --quiet
bad 2 'grown.yaml exists already' grow digits.yaml --until 'train_error<0.5' -o grown.yaml
bad 1 'the training error is [0-9.]+ after [0-9]+ stages?, and was to be below 1e-09' grow digits.yaml --until 'train_error<1e-9' --set data.train.noise=5 --updates 5 --seeds 1

# A fault in the second convolution
bad 1 'stage 3, which adds c2: no update moves c2.weight: `groups` freezes it' grow digits.yaml --towards <(sed '$a groups: [{match: "c2.*", freeze: true}]' net.yaml) --updates 20 --seeds 1
sed 's/name: c2}/name: c2, init: {weights: zeros}}/' net.yaml >zeros.yaml
bad 1 'stage 3, which adds c2: ' grow digits.yaml --towards zeros.yaml --updates 20 --seeds 1 --json
[[ $(grep -c '"stage":' out.txt) -eq 3 ]] || short "not the three stages up to the fault: $(cut -c1-40 out.txt)"
grep '"stage":3' out.txt | grep -q '"passed":false' || short "the stage at fault has passed"
code 0 grow digits.yaml --towards net.yaml --updates 20 --seeds 1 --skip T3,P4
grep -q 'P4' out.txt && short "P4 was to be skipped"

bad 2 'how far\?' grow digits.yaml
bad 2 'no bound of the training error' grow digits.yaml --until 'train_error>0.1'
bad 2 'no bound of the training error' grow digits.yaml --until 'train_error<x'
bad 2 'no bound of the training error' grow digits.yaml --until 'train_error<0'
bad 2 'updates: 0 is not' grow digits.yaml --until 'train_error<1' --updates 0
bad 2 'seeds: 11 is not' grow digits.yaml --until 'train_error<1' --seeds 11
bad 2 'there is no check "T99"' grow digits.yaml --until 'train_error<1' --skip T99
bad 3 'nowhere.yaml' grow digits.yaml --towards nowhere.yaml
bad 2 'conv' grow digits.yaml --towards net.yaml --set model.input=[256] --set 'model.layers=[{type: dense, units: 10}]'
finish
