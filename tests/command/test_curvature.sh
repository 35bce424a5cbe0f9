#!/bin/bash
# gradus curvature: figures that are the same for any number of threads, samples and parts as asked for, and what is refused. [mission O4]
. "$(dirname "$0")/lib.sh"
small run.yaml "stop: {epochs: 3}"
code 0 train run.yaml --out run --quiet
model=run/best.safetensors

code 0 curvature $model --eig 3 --samples 100
has out.txt '^train cost [0-9.]+ over 100 samples; 3910 parameters$'
has out.txt '^trace [0-9.e+-]+, standard error [0-9.e+-]+ of [0-9]+ probes; average trace [0-9.e+-]+$'
has out.txt '^ +largest +[0-9.]+ +[0-9.e+-]+$'
has out.txt '^ +3\. +'
has out.txt '^ +smallest +'
[[ ! -s err.txt ]] || short "curvature says on standard error: $(head -n 1 err.txt)"
for t in 1 2; do
  code 0 curvature $model --eig 2 --samples 100 --threads $t --json
  cp out.txt "t$t.txt"
done
same t1.txt t2.txt "1 and 2 threads"
grep -q '"converged":true' t1.txt || short "not converged: $(cat t1.txt)"
code 0 curvature $model --eig 0 --probes 10 --json
has out.txt '"largest":\[\],"smallest":null'
has out.txt '"probes":10,'
has out.txt '"samples":240,' # all of the training part
code 0 curvature $model --split validation --probes 0 --json
has out.txt '"part":"validation","samples":60,'
has out.txt '"trace":null'
# The cost is eval's: without dropout
code 0 eval $model --split validation --json
cost=$(field out.txt cost_mean)
code 0 curvature $model --split validation --probes 0 --json
awk -v a="$cost" -v b="$(field out.txt cost_mean)" 'BEGIN { exit !(a + 0 == a && b + 0 == b && (a - b) ^ 2 < 1e-14 * a * a) }' || short "the cost is $(field out.txt cost_mean), eval's is $cost"
# A sharper minimum at the same weights: the cost times ten by its data
cat >mean.yaml <<'YAML'
gradus: 1
seed: 2
precision: float64
data: {train: {type: csv, file: line.csv, target: y}, batch: 4}
model: {input: [1], layers: [{type: dense, units: 1}]}
cost: mse
optimizer: {type: sgd, lr: 0.1}
stop: {steps: 1}
YAML
printf 'x,y\n1,2\n2,3\n3,5\n4,4\n' >line.csv
code 0 init mean.yaml -o line.safetensors
code 0 curvature line.safetensors --eig 2 --json
# mean of (w x + b - y)^2: H = 2 [[7.5, 2.5], [2.5, 1]], eigenvalues 8.5 +- sqrt(67.25)
has out.txt '"largest":\[\{"value":16\.70060[0-9]*'
has out.txt '"smallest":\{"value":0\.29939[0-9]*'

bad 2 "eig: 21 is not a whole number from 0 to 20" curvature $model --eig 21
bad 2 "samples: 0 is not a whole number" curvature $model --samples 0
bad 2 "probes: 3 random vectors give no standard error" curvature $model --probes 3
bad 2 "leave nothing to measure" curvature $model --probes 0 --eig 0
bad 2 "there is no test data" curvature $model --split test
bad 2 "split: [a-z]* is not one of train, validation, test" curvature $model --split rest
bad 3 "nowhere" curvature nowhere.safetensors
bad 2 "argument is missing" curvature
bad 2 "only --threads can be set" curvature $model --set optimizer.lr=1
finish
