#!/bin/bash
# init: what each parameter starts with is listed, and biases by the training targets go through init, check, train, resume and eval (I8, I9, I10, I13).
. "$(dirname "$0")/lib.sh"

awk 'BEGIN { print "a,b,y"; for (i = 0; i < 400; i++) printf "%d,%d,%d\n", i * 7919 % 1009, i * 104729 % 997, i % 20 == 3 }' >t.csv
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 40; i++) printf "%d,%d,%d\n", i * 13 % 101, i * 29 % 97, i % 2 }' >even.csv
cat >r.yaml <<'YAML'
gradus: 1
name: rare
data: {train: {type: csv, file: t.csv, target: y}, batch: 50, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 8, activation: relu, name: h}, {type: dense, units: 1, name: head}]}
cost: binary_cross_entropy
init: {last_bias: auto, relu_bias: 0.01}
optimizer: {type: sgd, lr: 0.01}
stop: {epochs: 2}
checkpoint: {every: 1 epoch, keep: 9}
YAML

code 0 init r.yaml -o m.safetensors
has out.txt "^h.weight +\[8,2\] +kaiming "
has out.txt "^h.bias +\[8\] +constant +0.01 +0$"
has out.txt "^head.weight +\[1,8\] +xavier "
has out.txt "^head.bias +\[1\] +auto +-2.944 +0$" # log(20/380)
code 0 init r.yaml -o m.safetensors --json
has out.txt '"name":"h.bias","shape":\[8\],"init":\{"type":"constant","value":0.01\},"mean":0.0(1|0999999)'
has out.txt '"name":"head.bias","shape":\[1\],"init":"auto","mean":-2.9444389'
has out.txt '"init":\{"type":"kaiming","fan":"in","distribution":"truncated_normal","correct":"none"\}'
code 0 init r.yaml -o n.safetensors --set init=none --json
[[ $(grep -o '"init":{"type":"zeros"},"mean":0,"std":0' out.txt | wc -l) -eq 2 ]] || short "biases do not start at 0"
code 0 init r.yaml -o n.safetensors --set init.bias='{type: uniform, bound: fan}' --set init.last_bias=none --json
has out.txt '"name":"head.bias","shape":\[1\],"init":\{"type":"uniform","bound":"fan"\},"mean":-?0\.[0-3]' # 1/sqrt(8) at most
code 0 check r.yaml --skip T6,X9 && has out.txt "^ok +T5 .*entropy of the class frequencies" # T6: nothing links these labels to their inputs

# The same start in a run; a resumed run goes on to the same bits; a model is evaluated without its training data
code 0 train r.yaml --out whole --quiet
code 0 train r.yaml --out half --quiet --set stop.epochs=1
code 0 train r.yaml --out half --quiet --resume && same whole/last.safetensors half/last.safetensors
has whole/recipe.yaml "last_bias: auto"
code 0 train whole/recipe.yaml --out again --quiet && same whole/last.safetensors again/last.safetensors "from the resolved recipe"
code 0 eval m.safetensors --data '{type: csv, file: even.csv, target: y}' --json && cp out.txt before.txt
mv t.csv gone.csv
code 0 eval m.safetensors --data '{type: csv, file: even.csv, target: y}' --json && same before.txt out.txt "without the training data"
grep -aq '"gradus.class_counts":"\[380, 20\]"' m.safetensors || short "the model does not say how many targets each class had"
mv gone.csv t.csv

# A class without targets
awk -F, 'NR == 1 || $3 == 0' t.csv >one.csv
code 0 init r.yaml -o m.safetensors --set data.train.file=one.csv --json
has err.txt "warning: .*last_bias: auto: class 1 has no training targets"
has out.txt '"init":"auto","mean":-6.6'  # log(0.5/380.5)
code 0 plan r.yaml --json # headers alone
code 0 explain init && has out.txt "last_bias"
bad 2 "init.last_bias: .*no bias" init r.yaml -o m.safetensors --set model.layers[1].bias=false
bad 2 "init.last_bias: .*zeros, auto" train r.yaml --set init.last_bias=5 --out bad
finish
