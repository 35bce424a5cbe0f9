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

# Where all eigenvalues lie, and the cost around the model
code 0 curvature $model --probes 0 --eig 0 --density 2 --samples 50 --slice --points 5 -o look --json
has out.txt '"trace":null.*"density":\[\{"probe":1,"value":.*"density_trace_error":[0-9.]+'
has out.txt '"direction":"random","slice":\[\{"a":-1,"cost":[0-9.]+\},.*"files":\["look/curvature-density.csv","look/curvature-slice.csv","look/curvature-density.svg","look/curvature-slice.svg"\]'
[[ $(wc -l <look/curvature-slice.csv) -eq 6 && $(wc -l <look/curvature-density.csv) -eq 1001 ]] || short "lines: $(wc -l look/*.csv)"
[[ $(sed -n 's/^0,0,//p' look/curvature-slice.csv) == "$(field out.txt cost_mean)" ]] || short "the middle is not the model: $(cat look/curvature-slice.csv)"
for f in look/*.svg; do grep -q '</svg>' $f || short "$f is no picture"; done
cp look/curvature-slice.csv slice.csv
code 0 curvature $model --probes 0 --eig 0 --samples 50 --slice --points 5 -o look --threads 1 --quiet
same slice.csv look/curvature-slice.csv "with and without the Hessian, threads"
code 0 curvature $model --probes 0 --eig 0 --samples 50 --plane --points 3 -o look
has out.txt '^the lowest of 9 points costs [0-9.]+$'
code 0 train run.yaml --out two --quiet --set optimizer.lr=0.02
code 0 curvature $model --probes 0 --eig 0 --between two/best.safetensors --points 5 --json
has out.txt '^\{"part":"train","samples":240,"parameters":3910,"direction":"between","slice":\[\{"a":-0\.5,'
there=$(sed -E 's/.*"a":1,"cost":([^}]*)\}.*/\1/' out.txt)
code 0 curvature two/best.safetensors --probes 0 --eig 0 --slice --points 3 --json
awk -v a="$there" -v b="$(sed -E 's/.*"a":0,"cost":([^}]*)\}.*/\1/' out.txt)" 'BEGIN { exit !(a + 0 == a && b + 0 == b && (a - b) ^ 2 < 1e-12 * a * a) }' || short "1 is not the other model: $there, $(cat out.txt)"

bad 2 "choose one" curvature $model --slice --plane
bad 2 "belong to --slice" curvature $model --points 5
bad 2 "belong to --slice" curvature $model --reach 2
bad 2 "reach: a line between two models" curvature $model --between $model --reach 2
bad 2 "points: 102 a side" curvature $model --plane --points 102
bad 2 "points: 1 is not a whole number" curvature $model --slice --points 1
bad 2 "density: 21 is not a whole number" curvature $model --density 21
bad 3 "nowhere" curvature $model --between nowhere.safetensors
bad 3 "line" curvature $model --between line.safetensors
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
