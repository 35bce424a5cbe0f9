#!/bin/bash
# Evaluation and prediction for people: a table of the classes, the baseline, thresholds; tables of answers with columns passed through; ensembles (D10, G15, D18).
. "$(dirname "$0")/lib.sh"
value() { sed -nE "s/.*$2:(-?[0-9.e-]+|null|\"[^\"]*\").*/\1/p" "$1" | head -n 1; } # FILE PATTERN

# Classes 12 to 1 that overlap: the majority alone has an accuracy of 0.92
awk 'BEGIN { srand(1); print "id,a,b,kind"; for (i = 0; i < 600; i++) { k = i % 13 == 0; printf "\"n, %d\",%.4f,%.4f,%s\n", i, 0.8 * k + rand() + rand(), 0.6 * k + rand() - rand(), k ? "rare" : "common" } }' >all.csv
cat >r.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: all.csv, target: kind, columns: [a, b]}, validation: {split: 0.3}, test: {split: 0.3}, batch: 20, shuffle: every_epoch, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 6, activation: tanh, name: h}, {type: dense, units: 2, name: head}]}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.02}
stop: {epochs: 20}
YAML
for seed in 1 2 3; do code 0 train r.yaml --out run$seed --quiet --set optimizer.lr=0.0$seed --set stop.epochs=$((8 * seed)); done
m=run3/best.safetensors

# ---- eval: class by class, the baseline, thresholds ----
code 0 eval $m --json && cp out.txt plain.json
has plain.json '"baseline":\{"class":0,"label":"common","metrics":\{"accuracy":0.92[0-9]*,"f1":0,'
has plain.json '"per_class":\[\{"class":0,"label":"common","precision":[0-9.]+,"recall":[0-9.]+,"f1":[0-9.]+,"support":166,'
code 0 eval $m
has out.txt '^test baseline, always common: accuracy 0\.92[0-9]*, f1 0\.0000, balanced_accuracy 0\.5000, mcc 0'
has out.txt '^class +precision +recall +F1 +support +predicted$'
has out.txt '^rare +[01]\.[0-9]{4} +[01]\.[0-9]{4} +[01]\.[0-9]{4} +14 +[0-9]+$'
# A class that is never answered is said, its figures are 0
code 0 eval $m --threshold 1
has out.txt '^test threshold 1 for rare$'
has out.txt '^rare +0\.0000 +0\.0000 +0\.0000 +14 +0  never predicted$'
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 == a && b + 0 == b && a == b) }' || short "$1 is not $2${3:+ ($3)}"; }
code 0 eval $m --threshold 1 --json
near "$(value out.txt '"accuracy"')" "$(value out.txt '"metrics":\{"accuracy"')" "always common is the baseline"
[[ $(value out.txt '"threshold":\{"at"') == 1 ]] || short "the threshold is not told"
code 0 eval $m --threshold 0 --json
has out.txt '"confusion":\[\[0,166\],\[0,14\]\]'
# Chosen on validation, in the command that looks at the test: as good as any, and the same as given by hand
code 0 eval $m --threshold best --json && cp out.txt best.json
t=$(value best.json '"threshold":\{"at"') told=$(value best.json '"by":"f1","figure"')
code 0 eval $m --split validation --threshold "$t" --json && near "$(value out.txt '"metrics":\{"accuracy":[^,]*,"f1"')" "$told" "F1 of validation by the chosen threshold"
for other in 0.05 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.9; do
  code 0 eval $m --split validation --threshold $other --json
  awk -v a="$(value out.txt '"metrics":\{"accuracy":[^,]*,"f1"')" -v b="$told" 'BEGIN { exit !(a <= b) }' || short "threshold $other is better than $t, which is best"
done
[[ $t != 0.5 ]] || short "the chosen threshold is that of no choice: the test says nothing"
code 0 eval $m --threshold "$t" --json
near "$(field out.txt f1)" "$(field best.json f1)" "the threshold by hand"
code 0 eval $m --threshold best --threshold-by recall --json
has out.txt '"threshold":\{"at":0[.0-9]*,"class":1,"label":"rare","by":"recall","figure":1,"part":"validation"\}'
code 0 eval $m --threshold best --threshold-by '{type: f1, average: macro}' --split train
has out.txt '^train threshold 0\.[0-9]+ for rare, best f1 of validation: 0\.'
bad 2 '1.2 is not a probability' eval $m --threshold 1.2
bad 2 'beste is not a probability' eval $m --threshold beste
bad 2 'auc is the same for any threshold' eval $m --threshold best --threshold-by auc
bad 2 'unknown metric "f2"' eval $m --threshold best --threshold-by f2
bad 2 'rmse is for values' eval $m --threshold best --threshold-by rmse
bad 2 'goes with --threshold best' eval $m --threshold 0.3 --threshold-by f1
# One output for two classes, labels, and what has no threshold
code 0 train r.yaml --out one --quiet --set 'model.layers[1].units=1' --set cost=binary_cross_entropy
code 0 eval one/best.safetensors --threshold best --json
has out.txt '"threshold":\{"at":0[.0-9]*,"class":1,"label":"rare","by":"f1"'
sed 's/"n, \([0-9]*\)".*/\1/; 1s/.*/k/' all.csv | awk 'NR == 1 { print "k"; next } { print $1 % 3 }' | paste -d, all.csv - >three.csv
code 0 train r.yaml --out three --quiet --set data.train.file=three.csv --set data.train.target=k --set 'model.layers[1].units=3' --set stop.epochs=1
bad 2 'for two classes or for labels' eval three/best.safetensors --threshold 0.3
bad 2 'best is for two classes' eval three/best.safetensors --threshold best
code 0 train r.yaml --out noval --quiet --set data.validation=none --set stop.epochs=1
bad 2 'no validation data to choose by' eval noval/last.safetensors --threshold best
code 0 eval noval/last.safetensors --threshold best --data r.yaml

# ---- predict: a table of answers ----
{ echo 'name,b,id,a,label'; awk -F, 'NR > 1 && NR < 40 { printf "\"say \"\"%d\"\"\",%s,%d,%s,true\n", NR, $4, NR, $3 }' all.csv; } >new.csv
code 0 predict $m new.csv --csv --keep id,name,label && cp out.txt a.csv
[[ $(head -n 1 a.csv) == 'input,id,name,label,class,predicted_label,probability_common,probability_rare' ]] || short "names: $(head -n 1 a.csv)"
[[ $(wc -l <a.csv) -eq 39 ]] || short "38 samples are $(wc -l <a.csv) lines"
has <(sed -n 2p a.csv) '^new.csv\[0\],2,"say ""2""",true,[01],(common|rare),[0-9.e-]+,[0-9.e-]+$'
code 0 predict $m new.csv --json && cp out.txt a.json
paste -d ' ' <(sed -nE 's/.*"probabilities":\[([^,]*),([^]]*)\].*/\1 \2/p' a.json) <(tail -n +2 a.csv | sed -E 's/.*,([^,]*),([^,]*)$/\1 \2/') | awk '$1 != $3 || $2 != $4 { exit 1 }' || short "CSV and JSON give other probabilities"
code 0 predict $m new.csv --keep id,name,label --out b.csv && same a.csv b.csv "a file"
[[ -s out.txt ]] && short "a table in a file is shown as well"
code 0 predict $m new.csv --keep 2,0,4 --csv && same a.csv out.txt "columns by number"
"$gradus" predict $m - --csv --keep id,name,label <new.csv 2>err.txt | sed 's/^.dev.stdin/new.csv/' >out.txt
same a.csv out.txt "standard input"
code 0 predict $m new.csv new.csv --csv --keep id && [[ $(grep -c '^input' out.txt) -eq 1 && $(wc -l <out.txt) -eq 77 ]] || short "two files are not one table"
code 0 predict $m new.csv --csv --threshold "$t" && awk -F, -v t="$t" 'NR > 1 && ($2 == 1) != ($5 >= t) { exit 1 }' out.txt || short "the threshold does not decide"
code 0 predict $m new.csv --csv --threshold 0 && awk -F, 'NR > 1 && $3 != "rare" { exit 1 }' out.txt || short "at 0 all are rare"
bad 3 'new.csv" has no column "nam" to keep' predict $m new.csv --csv --keep nam
has err.txt 'did you mean "name"'
bad 3 'no column "9" to keep' predict $m new.csv --csv --keep 9
tail -n +2 new.csv | cut -d, -f2,4 >bare.csv
bad 2 'keep id: it goes with --csv' predict $m new.csv --keep id
bad 2 'a name is missing' predict $m new.csv --csv --keep id,,name
bad 2 'one of the two' predict $m new.csv --csv --json
bad 2 'x.json: it writes a table' predict $m new.csv --out x.json
bad 3 'no/x.csv' predict $m new.csv --out no/x.csv
echo untouched >keep.csv && printf 'a,b\n1,nonsense\n' >broken.csv
bad 3 'broken.csv' predict $m new.csv broken.csv --out keep.csv
has keep.csv '^untouched$'
[[ $(ls | grep -c tmp) -eq 0 ]] || short "half a table is left: $(ls)"
printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }" >x.npy && head -c 8 /dev/zero >>x.npy
bad 2 'keep id: x.npy is no table' predict $m x.npy --csv --keep id
code 0 predict $m x.npy --csv && has out.txt '^x.npy\[0\],0,common,'

# Values, and several heads
awk 'BEGIN { srand(2); print "a,b,kind,price"; for (i = 0; i < 90; i++) { k = i % 2; printf "%.3f,%.3f,%s,%.3f\n", k + rand(), rand(), k ? "yes" : "no", 3 * k + rand() } }' >two.csv
cat >two.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: two.csv, columns: [a, b], targets: {kind: kind, price: price}}, batch: 16, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 6, activation: relu, name: body}, {type: dense, units: 2, name: k, from: body}, {type: dense, units: 1, name: p, from: body}]}
heads: {kind: {from: k, cost: cross_entropy}, price: {from: p, cost: mse}}
optimizer: adam
stop: {epochs: 2}
YAML
code 0 train two.yaml --out two --quiet
code 0 predict two/last.safetensors two.csv --csv --keep kind
[[ $(head -n 1 out.txt) == 'input,kind,kind_class,kind_label,kind_probability_no,kind_probability_yes,price_output' ]] || short "heads: $(head -n 1 out.txt)"
code 0 eval two/last.safetensors --split train --threshold 0.9 --json
has out.txt '"heads":\{"kind":\{"threshold":\{"at":0.9,'

# ---- ensembles: the mean of the probabilities, to the bit ----
models="run1/best.safetensors run2/best.safetensors run3/best.safetensors"
code 0 predict --ensemble $models new.csv --json && cp out.txt mean.json
i=0
for one in $models; do code 0 predict $one new.csv --json; sed -nE 's/.*"probabilities":\[([^,]*),([^]]*)\].*/\1 \2/p' out.txt >p$i.txt; i=$((i + 1)); done
paste -d ' ' p0.txt p1.txt p2.txt <(sed -nE 's/.*"probabilities":\[([^,]*),([^]]*)\].*/\1 \2/p' mean.json) >means.txt
awk '{ if (($1 + $3 + $5) / 3 != $7 || ($2 + $4 + $6) / 3 != $8) exit 1; if ($1 != $3) n++ } END { exit n < 30 }' means.txt || short "the ensemble is not the mean of its models"
code 0 predict --ensemble $models new.csv --csv --keep id && [[ $(wc -l <out.txt) -eq 39 ]] || short "an ensemble's table"
code 0 predict $models new.csv --ensemble --threads 2 --json && same out.txt mean.json "the order of arguments"
bad 2 'is the only model' predict --ensemble run1/best.safetensors new.csv
bad 2 'all 2 arguments are models' predict --ensemble run1/best.safetensors run2/best.safetensors
bad 2 'standard input can be read once' predict --ensemble $models -
bad 3 'do not predict together: classes are 2 in the one and 3 in the other' predict --ensemble run1/best.safetensors three/best.safetensors new.csv
bad 3 'do not predict together: outputs are 1 in the one and 2' predict --ensemble run1/best.safetensors two/last.safetensors new.csv
sed 's/rare/seldom/' all.csv >renamed.csv && code 0 train r.yaml --out names --quiet --set data.train.file=renamed.csv --set stop.epochs=1
bad 3 'class 1 is rare in the one and seldom in the other' predict --ensemble run1/best.safetensors names/best.safetensors new.csv
code 0 train r.yaml --out wide --quiet --set 'model.input=[3]' --set 'data.train.columns=[a, b, k]' --set data.train.file=three.csv --set stop.epochs=1
bad 3 'the input is \[2\] in the one and \[3\]' predict --ensemble run1/best.safetensors wide/best.safetensors new.csv

# D18: what was prepared already is not raw input
awk -F, 'NR == 1 { print; next } { printf "x,%f,%f,y\n", ($2 - 1) / 0.45 / 30, ($3 / 0.45) / 30 }' all.csv >prepared.csv
code 0 predict $m prepared.csv --csv
has err.txt 'warning: prepared.csv: its numbers are not like the training'
code 0 predict $m new.csv --csv
grep -q 'not like the training' err.txt && short "raw input is taken for prepared"
finish
