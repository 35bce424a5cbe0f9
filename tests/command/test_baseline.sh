#!/bin/bash
# gradus baseline: simple models on a recipe's parts, where they are kept, eval and report beside the network; what is refused. [mission T1, SYS1 to SYS3]
. "$(dirname "$0")/lib.sh"
awk 'BEGIN { srand(5); CONVFMT = OFMT = "%.12g"; print "a,b,c,y"; for (i = 0; i < 400; i++) { a = int(rand() * 512) / 512 - 0.5; b = int(rand() * 512) / 512 - 0.5; n = rand() - 0.5; k = 2 * a - b + n * 0.5 > 0.2 ? "yes" : 2 * a - b + n * 0.5 < -0.4 ? "no" : "perhaps"; print a "," b "," a + b "," k } }' >three.csv
awk -F, 'BEGIN { CONVFMT = OFMT = "%.12g" } NR == 1 { print; next } { print $1 "," $2 "," $3 "," 3 * $1 - 2 * $2 + 1 }' three.csv >line.csv
recipe() { # NAME UNITS COST METRICS
  cat >"$1.yaml" <<YAML
gradus: 1
name: $1
data: {source: {type: csv, file: $1.csv, target: y, header: true}, split: {validation: 0.25}, prepare: [standardize]}
model: {input: [3], layers: [{type: dense, units: $2}]}
cost: $3
metrics: $4
optimizer: {type: adam, lr: 0.05}
stop: {epochs: 4}
log: {events: false}
YAML
}
recipe three 3 cross_entropy '[accuracy, log_loss, f1]'
recipe line 1 mse '[rmse, r2]'

# No XGBoost is found: no library of that name may be in the test's way
export LD_LIBRARY_PATH=
bad 3 'none.so is no library of XGBoost' baseline three.yaml --xgboost none.so
bad 3 'is no library of XGBoost' baseline three.yaml --xgboost three.csv
code 0 baseline three.yaml --json
cp out.txt three.txt
has three.txt '^\{"baselines":\[\{"name":"majority","validation_error":0\.[0-9]+,"metrics":\{"accuracy":0\.[0-9]+,"log_loss":[0-9.]+,"f1":0\.[0-9]+\},"seconds":[0-9.e-]+,"settings":"always class [0-2], '
has three.txt '\{"name":"logistic","validation_error":0\.[0-9]+,'
same three.txt runs/three/baseline.json "what is kept"
# the same bits with one thread and with three
figures() { sed 's/"seconds":[0-9.e+-]*/"seconds"/g' "$1"; }
for more in '--threads 1' '--threads 3'; do
  # shellcheck disable=SC2086
  code 0 baseline three.yaml --json $more
  [[ $(figures out.txt) == "$(figures three.txt)" ]] || short "other figures with $more"
done
# what the network has cannot be seen: neither its layers nor how it is trained
code 0 baseline three.yaml --json --set 'model.layers=[{type: dense, units: 7, activation: relu}, {type: dense, units: 3}]' --set data.batch=7 --set data.shuffle=every_epoch
[[ $(figures out.txt | sed 's/"data":.*//') == "$(figures three.txt | sed 's/"data":.*//')" ]] || short "the network changed a baseline"
# a penalty that counts pulls the probabilities together
loss() { sed 's/.*"logistic"[^}]*"log_loss":\([0-9.]*\).*/\1/' "$1"; }
code 0 baseline three.yaml --json --c 1e-9
perl -e 'exit !($ARGV[0] > $ARGV[1] && abs($ARGV[0] - $ARGV[2]) < 0.01)' "$(loss out.txt)" "$(loss three.txt)" "$(sed 's/[^}]*"log_loss":\([0-9.]*\).*/\1/' three.txt)" || short "C counts for nothing"

# Values: a line through points on a line, of numbers that depend on each other
code 0 baseline line.yaml
has out.txt '^300 training and 100 validation samples of 3 numbers$'
has out.txt '^mean +0\.[0-9]+ '
has out.txt '^linear .*least squares, ridge 0, rank 2 of 3; rmse [0-9.e-]+; r2 1$'
code 0 baseline line.yaml --json
perl -ne '/"linear","validation_error":([0-9.e-]+)/; exit !($1 < 1e-6)' out.txt || short "the line is missed: $(cat out.txt)"

# Beside the network: the run folder may be there before or after
code 0 train three.yaml
code 0 eval runs/three/best.safetensors --split validation
has out.txt '^Simple models on this run.s validation data, by gradus baseline$'
has out.txt '^logistic +0\.'
code 0 eval runs/three/best.safetensors --split validation --json
has out.txt '"baselines":\[\{"name":"majority","validation_error":0\.'
code 0 report runs/three -o report.html
has report.html 'Simple models on the same parts'
code 0 baseline runs/three --c 2
has runs/three/baseline.json '"settings":"C 2, '
code 0 baseline line.yaml --out runs/three
code 0 eval runs/three/best.safetensors --split validation
grep -q 'Simple models' out.txt && short "baselines of other data are shown"
echo '{' >runs/three/baseline.json
code 0 eval runs/three/best.safetensors --split validation
has err.txt 'is of other data, or cannot be read'

# Pictures
cat >words.yaml <<'YAML'
gradus: 1
name: words
data: {train: {type: synthetic, kind: digits, n: 60}, validation: {split: 0.2}}
model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 10}]}
cost: cross_entropy
YAML
code 0 baseline words.yaml --json && has out.txt '"logistic"'

# What is refused
bad 2 'has no validation|and the recipe has none' baseline words.yaml --set data.validation=none
bad 2 '.c: 0 is not|--c' baseline three.yaml --c 0
bad 2 'rounds' baseline three.yaml --rounds 0
bad 3 'absent.yaml' baseline absent.yaml
bad 4 'budget' baseline three.yaml --set memory=64K
bad 2 'RECIPE' baseline
touch file
bad 3 'file' baseline three.yaml --out file/folder
finish
