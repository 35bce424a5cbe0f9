#!/bin/bash
# Models that predict together, and where they come from: predict and eval with --ensemble, means of probabilities and of logits, weights, deviations; folds of a
# cross-validation; snapshots of a cyclic schedule. [mission G15, F10]
. "$(dirname "$0")/lib.sh"

awk 'BEGIN { srand(7); print "a,b,kind"; for (i = 0; i < 200; i++) { k = i % 3; printf "%.4f,%.4f,%s\n", k + 2 * rand(), rand() - k * k / 3, substr("redtanblu", 1 + 3 * k, 3) } }' >t.csv
{ head -n 1 t.csv; sed -n '20,33p' t.csv; } >new.csv
awk -F, 'NR == 1 { print "a,b,y" } NR > 1 { printf "%s,%s,%.3f\n", $1, $2, 100 + 30 * $1 - 10 * $2 }' t.csv >v.csv
recipe() { # FILE LINES: a network on t.csv
  cat >"$1" <<YAML
gradus: 1
name: ${1%.yaml}
seed: 2
data: {train: {type: csv, file: ${2:-t.csv}, target: ${3:-kind}}, validation: {split: 0.25}, batch: 16, prepare: [standardize], shuffle: every_epoch${4:-}}
model: {input: [2], layers: [{type: dense, units: 6, activation: tanh}, {type: dense, units: ${5:-3}}]}
cost: ${6:-cross_entropy}
optimizer: {type: adam, lr: 0.02}
stop: {epochs: 4}
checkpoint: none
YAML
}
recipe c.yaml
recipe v.yaml v.csv y ', target: {standardize: true}' 1 mse
for s in 1 2 3; do
  code 0 train c.yaml --set model.layers[0].units=$((3 * s)) --set optimizer.lr=0.0$s --out c$s --quiet
  code 0 train v.yaml --set model.layers[0].units=$((3 * s)) --out v$s --quiet
done
c=(c1/last.safetensors c2/last.safetensors c3/last.safetensors)
v=(v1/last.safetensors v2/last.safetensors v3/last.safetensors)

numbers() { sed -E "s/.*\"$1\":\[([^]]*)\].*/\1/; s/,/ /g" "$2"; }
near() { # WHAT FILE: two columns, as many numbers, almost equal
  awk -v what="$1" '{ if (NF != 2 || ($1 - $2) ^ 2 > 1e-18 * ($2 * $2 + 1)) { print "SHORT: " what ": " $0; bad = 1 } } END { exit bad || NR == 0 }' "$2" || short "$1"
}

# ---- predict: the first argument and those of --ensemble, wherever they stand; means, weights, logits
for m in "${c[@]}"; do code 0 predict $m new.csv --json && numbers probabilities out.txt >"${m%%/*}.p"; done
code 0 predict "${c[0]}" new.csv --ensemble "${c[1]}" "${c[2]}" --json && numbers probabilities out.txt >mean.p
cp out.txt plain.json
code 0 predict --ensemble "${c[@]}" new.csv --json && same out.txt plain.json 'the order of arguments'
paste -d ' ' c1.p c2.p c3.p mean.p | awk '{ for (k = 1; k <= 3; k++) if (($k + $(k + 3) + $(k + 6)) / 3 != $(k + 9)) exit 1 }' || short 'the mean of probabilities, to the bit'
code 0 predict "${c[0]}" new.csv --ensemble "${c[1]}" "${c[2]}" --weights 2,1,1 --json && numbers probabilities out.txt >weighted.p
paste -d ' ' c1.p c2.p c3.p weighted.p | awk '{ for (k = 1; k <= 3; k++) if (0.5 * $k + 0.25 * $(k + 3) + 0.25 * $(k + 6) != $(k + 9)) exit 1 }' || short 'weights, to the bit'
code 0 predict "${c[0]}" new.csv --ensemble "${c[1]}" "${c[2]}" --average logits --json && numbers probabilities out.txt >logits.p
paste -d ' ' c1.p c2.p c3.p logits.p | awk '{ s = 0; for (k = 1; k <= 3; k++) s += q[k] = exp((log($k) + log($(k + 3)) + log($(k + 6))) / 3); for (k = 1; k <= 3; k++) printf "%.17g %s\n", q[k] / s, $(k + 9) }' >pairs.txt
near 'the mean of logits' pairs.txt
code 0 predict "${c[0]}" new.csv --ensemble "${c[1]}" --weights validation --json
code 0 predict "${c[0]}" new.csv --ensemble "${c[1]}" "${c[2]}" --weights 0,0,7 --json && numbers probabilities out.txt >one.p && same one.p c3.p 'all the weight on one'

# ---- values come with their deviation over the members
for m in "${v[@]}"; do code 0 predict $m new.csv --json && numbers output out.txt >"${m%%/*}.y"; done
code 0 predict "${v[0]}" new.csv --ensemble "${v[1]}" "${v[2]}" --json
numbers output out.txt >mean.y && numbers std out.txt >std.y
paste -d ' ' v1.y v2.y v3.y mean.y std.y | awk '{ m = ($1 + $2 + $3) / 3; if (m != $4) exit 1; printf "%.17g %s\n", sqrt((($1 - m) ^ 2 + ($2 - m) ^ 2 + ($3 - m) ^ 2) / 3), $5 }' >pairs.txt || short 'the mean of values'
near 'the deviation' pairs.txt
code 0 predict "${v[0]}" new.csv --ensemble "${v[1]}" --csv && has out.txt '^input,output,std$' && has out.txt '^new.csv\[0\],[0-9.]+,[0-9.e-]+$'
code 0 predict "${v[0]}" new.csv --ensemble "${v[1]}" && has out.txt ' \+- [0-9.]'
code 0 predict "${v[0]}" new.csv --json && grep -q '"std"' out.txt && short 'one model has no deviation'

# ---- eval: the cost of the mean, which is at most the mean of the costs; weights by validation cost no more than any that are given
cost() { field out.txt cost_mean; }
sum=0
for m in "${c[@]}"; do
  code 0 eval $m --split validation --json && sum=$(awk -v a="$sum" -v b="$(cost)" 'BEGIN { printf "%.17g", a + b / 3 }')
done
together() { code 0 eval "${c[0]}" --split validation --json --ensemble "${c[1]}" "${c[2]}" "$@"; }
together && plain=$(cost) && has out.txt '"weights":\[0.3333333333333333,0.3333333333333333,0.3333333333333333\]'
awk -v a="$plain" -v b="$sum" 'BEGIN { exit !(a < b && a > 0) }' || short "the ensemble costs $plain, its models $sum on average"
together --weights validation && best=$(cost)
has out.txt '"models":\["c1/last.safetensors","c2/last.safetensors","c3/last.safetensors"\]'
numbers weights out.txt | awk '{ for (k = 1; k <= 3; k++) { if ($k < 0) exit 1; s += $k } exit !(NF == 3 && (s - 1) ^ 2 < 1e-24) }' || short "weights: $(numbers weights out.txt)"
for a in 0 1 2 3 4; do
  for b in 0 1 2 3 4; do
    [[ $((a + b)) -le 4 ]] || continue
    together --weights $a,$b,$((4 - a - b))
    awk -v a="$best" -v b="$(cost)" 'BEGIN { exit !(a <= b * (1 + 1e-9)) }' || short "weights $a $b cost $(cost), the chosen ones $best"
  done
done
code 0 eval "${c[1]}" --split validation --json && alone=$(cost)
together --weights 0,1,0 && awk -v a="$(cost)" -v b="$alone" 'BEGIN { exit !((a - b) ^ 2 < 1e-10 * b * b) }' || short "one model: $(cost), not $alone"
together --weights validation --average logits && has out.txt '"average":"logits"'
code 0 eval "${v[0]}" --split validation --json --ensemble "${v[1]}" && has out.txt '"error":[0-9]'
code 0 eval "${c[0]}" --split validation --ensemble "${c[1]}" && has out.txt '^0\.500000  c2/last'

# ---- what is refused
bad 2 '2 weights for 3 models' predict "${c[0]}" new.csv --ensemble "${c[1]}" "${c[2]}" --weights 1,2
bad 2 '4 weights for 3 models' predict "${c[0]}" new.csv --ensemble "${c[1]}" "${c[2]}" --weights 1,2,3,4
bad 2 'the weight of model 2 is -1' eval "${c[0]}" --split validation --ensemble "${c[1]}" --weights 1,-1
bad 2 'add up to 0' predict "${c[0]}" new.csv --ensemble "${c[1]}" --weights 0,0
bad 2 '"x" is no number' predict "${c[0]}" new.csv --ensemble "${c[1]}" --weights 1,x
bad 2 'nan|finite|at least 0' predict "${c[0]}" new.csv --ensemble "${c[1]}" --weights 1,nan
bad 2 'weights goes with --ensemble' predict "${c[0]}" new.csv --weights 1
bad 2 'average goes with --ensemble' eval "${c[0]}" --split validation --average logits
bad 2 'median' predict "${c[0]}" new.csv --ensemble "${c[1]}" --average median
bad 2 'is the only model' predict "${c[0]}" new.csv --ensemble
bad 2 'there is no input' predict "${c[0]}" --ensemble "${c[1]}"
bad 2 'with --ensemble' eval "${c[0]}" "${c[1]}"
bad 3 'do not predict together' predict "${c[0]}" new.csv --ensemble "${v[0]}"
bad 3 'do not predict together' eval "${c[0]}" --split validation --ensemble "${v[0]}"
bad 3 'new.csv is no model' eval "${c[0]}" --split validation --ensemble "${c[1]}" new.csv
bad 2 'give a number' eval "${c[0]}" --split validation --ensemble "${c[1]}" --threshold best
sed 's/,tan/,sky/' t.csv >names.csv && recipe names.yaml names.csv
code 0 train names.yaml --set stop.epochs=1 --out names --quiet
bad 3 'do not predict together: class' predict "${c[0]}" new.csv --ensemble names/last.safetensors
sed 's/validation: {split: 0.25}, //' c.yaml >bare.yaml && code 0 train bare.yaml --set stop.epochs=1 --out bare --quiet
bad 2 'there is no validation data' predict bare/last.safetensors new.csv --ensemble "${c[1]}" --weights validation

# ---- folds: as many of each class but for one, each row once; a table, a file, members of an ensemble
code 0 train c.yaml --folds 3 --out cv --json
has out.txt '"folds":\[\{"fold":1,"samples":67,"validation_error":[0-9.]+\},\{"fold":2,"samples":67,.*"fold":3,"samples":66,.*"mean":[0-9.]+,"std":[0-9.]+,"confusion":\[\['
sed -E 's/.*"folds":\[(.*)\],"mean":([0-9.e-]+),"std":([0-9.e-]+).*/\1 \2 \3/; s/\{"fold":[0-9],"samples":[0-9]+,"validation_error":([0-9.e-]+)\}/\1/g; s/,/ /g' out.txt |
  awk '{ m = ($1 + $2 + $3) / 3; s = sqrt((($1 - m) ^ 2 + ($2 - m) ^ 2 + ($3 - m) ^ 2) / 2); exit !(NF == 5 && (m - $4) ^ 2 < 1e-24 && (s - $5) ^ 2 < 1e-24) }' || short "mean and std: $(cat out.txt)"
[[ $(tr -dc '0-9\n,' < <(sed -E 's/.*"confusion":\[\[(.*)\]\].*/\1/' out.txt) | tr ',' '\n' | awk '{ s += $1 } END { print s }') == 200 ]] || short 'the confusion counts each row once'
tr -d ' \n' <cv/folds.json >file.txt && tr -d '\n' <out.txt >answer.txt && same file.txt answer.txt 'folds.json'
for f in 1 2 3; do
  code 0 data split c.yaml --set "data.validation={folds: 3, fold: $f}" -o f$f.tsv
  awk -F'\t' 'NR > 1 && $2 == "validation" { print $1 }' f$f.tsv >f$f.rows
  awk -F'\t' 'NR > 1 && $2 == "validation" { n[$3]++ } END { for (k in n) if (n[k] < 22 || n[k] > 23) exit 1 }' f$f.tsv || short "fold $f is not stratified"
done
[[ $(cat f1.rows f2.rows f3.rows | sort -n | uniq | wc -l) == 200 && $(cat f1.rows f2.rows f3.rows | wc -l) == 200 ]] || short 'a row is in no fold, or in two'
code 0 predict cv/fold-1/best.safetensors new.csv --ensemble cv/fold-{2,3}/best.safetensors
code 0 eval cv/fold-2/best.safetensors --split validation --json && has out.txt '"samples":67'
bad 2 'already holds a run' train c.yaml --folds 3 --out cv
code 0 train c.yaml --folds 3 --out cv --resume --quiet
bad 2 '1 is not a whole number from 2 to 100' train c.yaml --folds 1 --out x
bad 2 'a procedure has no folds' train c.yaml --folds 3 --procedure new_topology --out x
bad 2 'takes a recipe' train c1 --folds 3
code 0 train v.yaml --folds 2 --out vv --json --set 'data.test={split: 0.1}' && has out.txt '"samples":90.*"samples":90.*"confusion":null'

# ---- snapshots: the model where a cycle ends, and every so often
code 0 train c.yaml --out snap --quiet --set schedule='{type: restarts, cycle: 1 epoch, mult: 1}' --set 'checkpoint={every: 1 epoch, snapshots: cycle}'
[[ $(cd snap/snapshots && echo *) == 'step-10.safetensors step-20.safetensors step-30.safetensors step-40.safetensors' ]] || short "snapshots: $(ls snap/snapshots)"
same snap/snapshots/step-40.safetensors snap/last.safetensors 'the last snapshot'
code 0 eval snap/snapshots/step-10.safetensors --split validation --ensemble snap/snapshots/step-{20,30,40}.safetensors
code 0 train c.yaml --out snap --overwrite --quiet --set 'checkpoint={every: 1 epoch, snapshots: 15}'
[[ $(cd snap/snapshots && echo *) == 'step-15.safetensors step-30.safetensors' ]] || short "snapshots: $(ls snap/snapshots)"
bad 2 'a constant rate has no cycles' train c.yaml --out x --set 'checkpoint={snapshots: cycle}'
bad 2 'snapshots' train c.yaml --out x --set 'checkpoint={snapshots: never}'
finish
