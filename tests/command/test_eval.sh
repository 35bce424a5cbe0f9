#!/bin/bash
# eval and predict: looks at the test split are counted; raw input in, classes by name out; the model file is all that prediction needs (D17, D18).
. "$(dirname "$0")/lib.sh"

# A table whose classes are words and whose columns are far from mean 0 and spread 1: without the training's own preparation nothing fits.
awk 'BEGIN { srand(4); print "width,height,kind"; for (i = 0; i < 240; i++) { k = i % 3; printf "%.4f,%.4f,%s\n", 5000 + 300 * k + 60 * rand(), 0.001 * (k == 1) + 0.0002 * rand(), k == 0 ? "ant" : k == 1 ? "bee" : "cow" } }' >all.csv
head -n 181 all.csv >train.csv
{ head -n 1 all.csv; tail -n 60 all.csv; } >test.csv
cat >r.yaml <<'YAML'
gradus: 1
name: table
data: {train: {type: csv, file: train.csv, target: kind}, test: {type: csv, file: test.csv, target: kind}, validation: {split: 0.2}, batch: 16, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 16, activation: relu, name: h}, {type: dense, units: 3, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 30}
YAML
code 0 train r.yaml --out run --quiet
code 0 eval run/best.safetensors
has out.txt "^test accuracy (1.0000|0.9[5-9])"
grep -q warning err.txt && short "the first look warns"
code 0 eval run/best.safetensors
has err.txt "warning: the test data has been looked at 1 time"
bad 1 "looked at 2 times" eval run/best.safetensors --once
has run/result.json '"evaluations": 2'
code 0 train r.yaml --out run --quiet --resume
has run/result.json '"evaluations": 2'
has run/result.json '"data": "60 samples, inputs [0-9a-f]{8}, targets [0-9a-f]{8}, names [0-9a-f]{8}"'
grep -q "the test data is not what" err.txt && short "the same test data is said to have changed"
code 0 eval run/best.safetensors --split train --json
has out.txt '"confusion":\[\[4[0-9],'

# Training never reads the test source: that it has changed is said where it is looked at again, and the run goes on
cp test.csv same.csv
cp -r run looked
for change in '1!s/ant/bee/' '30s/^5/6/' '$d'; do
  sed "$change" same.csv >test.csv
  code 0 train looked --resume --quiet --set stop.epochs=31
  code 0 eval looked/last.safetensors
  has err.txt "warning: the test data is not what this run's models were held against before \(then 60 samples, .*; now (60|59) samples"
  cp same.csv test.csv
  code 0 eval looked/last.safetensors
  has err.txt "warning: the test data is not what"
  code 0 eval looked/last.safetensors
  grep -q "the test data is not what" err.txt && short "test data that is as it was is said to have changed"
done
bad 2 "split: [a-z]* is not one of train, validation, test" eval run/best.safetensors --split exam
code 0 eval run/best.safetensors --data '{type: csv, file: test.csv, target: kind}' --json
[[ $(field out.txt samples) -eq 60 ]] || short "an inline source has $(field out.txt samples) samples, not 60"

# With or without the target column, in another order of columns, and from another folder without any of the training's files
awk -F, '{ print $2 "," $1 }' test.csv >swapped.csv
mkdir away && cp run/best.safetensors test.csv swapped.csv away/ && mv train.csv hidden.csv && cd away || exit 99
code 0 predict best.safetensors test.csv --json && cp out.txt a.txt
code 0 predict best.safetensors swapped.csv --json && cp out.txt b.txt
[[ $(wc -l <a.txt) -eq 60 ]] || short "60 rows give $(wc -l <a.txt) lines"
sed 's/"input":"[^"]*"//' a.txt >a2.txt && sed 's/"input":"[^"]*"//' b.txt >b2.txt
same a2.txt b2.txt "columns by name"
head -n 1 a.txt >first.txt && has first.txt '"label":"(ant|bee|cow)"'
right=$(paste -d ' ' <(tail -n 60 test.csv | cut -d, -f3) <(sed -E 's/.*"label":"([a-z]*)".*/\1/' a.txt) | awk '$1 == $2' | wc -l)
[[ $right -ge 57 ]] || short "only $right of 60 raw rows are recognised"
"$gradus" predict best.safetensors - --json <test.csv | sed 's/"input":"[^"]*"//' >c2.txt
same a2.txt c2.txt "standard input"
code 0 predict best.safetensors test.csv --threads 2
has out.txt "^test.csv\[0\]  (ant|bee|cow)  [01]\.[0-9]{4}"
cd ..

# Another seed splits and trains differently; the same seed gives the same file
mv hidden.csv train.csv
code 0 train r.yaml --out again --quiet && same run/last.safetensors again/last.safetensors "the same seed"
code 0 train r.yaml --out other --quiet --seed 2 && differ run/last.safetensors other/last.safetensors "another seed"

# D11: a split is disjoint, exhaustive, repeatable, with a hash of every sample
code 0 data split r.yaml -o s1.tsv && code 0 data split r.yaml -o s2.tsv && same s1.tsv s2.tsv
[[ $(tail -n +2 s1.tsv | cut -f1 | sort -n | uniq | wc -l) -eq 180 ]] || short "the manifest does not hold each row once"
[[ $(grep -c validation s1.tsv) -eq 36 ]] || short "validation has not a fifth of the rows"

# S2, S3: stop rules name themselves
code 0 train r.yaml --out target --quiet --set stop.validation_error_below=0.2 && [[ $(field target/result.json stop_reason) == target ]] || short "did not stop at its target"
code 0 train r.yaml --out patient --quiet --set stop='{epochs: 4000, patience: 2}' && [[ $(field patient/result.json stop_reason) == patience ]] || short "patience did not stop it"
code 0 train r.yaml --out quick --quiet --set stop='{seconds: 0.2}' && [[ $(field quick/result.json stop_reason) == seconds ]] || short "seconds did not stop it"
code 1 train r.yaml --out gone --quiet --set optimizer='{type: sgd, lr: 1e20}' && true
has gone/result.json '"stop_reason": "diverged"'
has err.txt "diverged at step [0-9]+: .* \"?(cost|head|h)\"?"

# Statistics of averaged weights are in their file: eval finds what the run found, and another run may start from it
small n.yaml "average: {type: swa, start: 0.5, cycle: 4}" "model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 3, bias: false, name: c1}, {type: batch_norm, name: n1}, relu, flatten, {type: dense, units: 10, name: head}]}"
code 0 train n.yaml --out normal --quiet
code 0 eval normal/swa.safetensors --split validation --json
want=$(tail -n 1 normal/metrics.jsonl | field /dev/stdin swa_validation_cost) got=$(field out.txt cost_mean)
awk -v a="$want" -v b="$got" 'BEGIN { exit !(a + 0 == a && b + 0 == b && (a - b) ^ 2 <= 1e-24 * a * a) }' || short "eval of the average gives $got, the run had $want"
for model in swa last; do
  code 0 eval normal/$model.safetensors --split validation
  code 0 train n.yaml --from normal/$model.safetensors --out from-$model --quiet --set stop.epochs=1
done
finish
