#!/bin/bash
# Several named inputs, heads with costs of their own, samples with weights, a class a position: every command takes such recipes, their
# models and runs; what does not fit together is one clear line.
. "$(dirname "$0")/lib.sh"
parity=$(readlink -f "$here/../train/parity")
export LC_ALL=C COLUMNS=100

# A table: classes are words, the rare one an eighth; a weight, which is 0 for every fourth row
awk 'BEGIN { srand(4); print "w,h,age,kind,price,n"
  for (i = 0; i < 240; i++) { k = i % 8 == 0 ? 0 : 1 + i % 2
    printf "%.4f,%.4f,%.3f,%s,%.3f,%.2f\n", 5000 + 300 * k + 60 * rand(), 0.001 * (k == 1) + 0.0002 * rand(), rand(), k == 0 ? "ant" : k == 1 ? "bee" : "cow", 3 * k + rand(), i % 4 / 2 } }' >t.csv
cat >pair.yaml <<'YAML'
gradus: 1
name: pair
seed: 3
data: {train: {type: csv, file: t.csv, inputs: {size: [w, h], age: age}, targets: {kind: kind, price: price}, weights: n}, validation: {split: 0.2}, batch: 32, prepare: {size: [standardize]}}
model:
  inputs: {size: [2], age: [1]}
  layers:
    - {type: dense, units: 8, activation: relu, from: size, name: a}
    - {type: dense, units: 8, activation: relu, from: age, name: b}
    - {type: add, from: [a, b], name: both}
    - {type: dense, units: 3, name: k}
    - {type: dense, units: 1, from: both, name: p}
heads:
  kind: {from: k, cost: cross_entropy}
  price: {from: p, cost: mse, weight: 0.1}
optimizer: {type: adam, lr: 0.02}
stop: {epochs: 12}
YAML

# Pictures and a table, every kind of state: running statistics, dropout, momentum, an average
cp "$parity/two_heads/data.npz" two.npz
cat >two.yaml <<'YAML'
gradus: 1
name: two
seed: 3
data: {train: {type: npz, file: two.npz, inputs: {image: x1, table: x2}, targets: {kind: y1, price: y2}, weights: w}, validation: {split: 0.3}, batch: 8, prepare: {table: [standardize]}, shuffle: every_epoch}
model:
  inputs: {image: [8, 8, 1], table: [5]}
  layers:
    - {type: conv, filters: 4, kernel: 3, bias: false, from: image, name: c1}
    - {type: batch_norm, name: n1}
    - relu
    - flatten
    - {type: dropout, rate: 0.25}
    - {type: dense, units: 8, name: f}
    - {type: dense, units: 8, activation: relu, from: table, name: d1}
    - {type: add, from: [f, d1], name: both}
    - {type: dense, units: 3, name: head1}
    - {type: dense, units: 2, from: both, name: head2}
heads:
  kind: {from: head1, cost: cross_entropy, metrics: [accuracy, f1]}
  price: {from: head2, cost: mse, weight: 0.1}
optimizer: {type: sgd, lr: 0.01, momentum: 0.9}
average: {type: swa, start: 16, cycle: 4}
best_by: validation_kind_f1
stop: {epochs: 8}
checkpoint: {every: 4, keep: 2}
YAML

# A class a position and one a sample, of sequences and a table
cp "$parity/mixed_heads/data.npz" mixed.npz
sed 's/data.npz/mixed.npz/; s/shuffle: none/validation: {split: 0.3}/' "$parity/mixed_heads/recipe.yaml" >mixed.yaml

# ---- training and its files ----

number() { sed -n "s/.*\"$2\":\\([^,}]*\\).*/\\1/p" "$1" | tail -n 1; } # FILE KEY: of the last line that has it
near() { # A B WHAT
  awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 == a && b + 0 == b && (a - b) ^ 2 <= 1e-24 * (a * a + 1e-30)) }' || short "$3: $1 is not $2"
}
no_nan() { # FILES
  local file
  for file in "$@"; do ! grep -qiwE 'nan|inf|infinity' "$file" || short "$file has a figure that is none: $(grep -iwE 'nan|inf|infinity' "$file" | head -n 1)"; done
}

code 0 train pair.yaml --out pair
has err.txt 'note: kind_f1 is added to the metrics: .* unbalanced'
has err.txt 'validation cost [0-9.]+ +kind error [01]\.[0-9]{4}  price error [0-9.]+ '
has out.txt '^best: step [0-9]+, validation cost [0-9.]+$'
no_nan err.txt out.txt pair/result.json pair/metrics.jsonl
for key in validation_cost validation_kind_cost validation_kind_error validation_kind_accuracy validation_kind_f1 validation_price_cost validation_price_error validation_price_rmse; do
  [[ -n $(number pair/metrics.jsonl $key) ]] || short "metrics.jsonl has no $key"
done
grep -q '"validation_error"' pair/metrics.jsonl && short "an error of all heads together"
near "$(number pair/metrics.jsonl validation_cost)" "$(awk -v a="$(number pair/metrics.jsonl validation_kind_cost)" -v b="$(number pair/metrics.jsonl validation_price_cost)" 'BEGIN { printf "%.17g", a + 0.1 * b }')" "the sum of the heads' costs"
has pair/result.json '"validation_error": null'
has pair/recipe.yaml 'inputs: \{size: \[w, h\], age: \[?age\]?\}'
code 0 train two.yaml --out two
no_nan err.txt out.txt two/result.json two/metrics.jsonl
has two/result.json '"validation_kind_f1": 0\.[0-9]+'
code 0 train mixed.yaml --out mixed --quiet

# The same bits for any number of threads, after a stop within an epoch (5 updates each), and after SIGTERM
code 0 train two.yaml --out threads --quiet --threads 2
code 0 train two.yaml --out cut --quiet --set stop.steps=11
code 0 train two.yaml --out cut --quiet --resume
"$gradus" train two.yaml --out killed --quiet --set stop.epochs=100000 >/dev/null 2>err.txt &
pid=$!
until_holds has_lines killed/metrics.jsonl 18
kill -TERM $pid
wait $pid
[[ $? -eq 5 ]] || short "SIGTERM: exit code is not 5: $(cat err.txt)"
steps=$(field killed/result.json steps)
code 0 train two.yaml --out killed --quiet --resume --set stop.epochs=none --set stop.steps=$((steps + 7))
code 0 train two.yaml --out unkilled --quiet --set stop.epochs=none --set stop.steps=$((steps + 7))
best() { sed -n '/"best"/,/}/p' "$1/result.json"; }
for file in last swa; do
  same two/$file.safetensors threads/$file.safetensors "1 and 2 threads, $file"
  same two/$file.safetensors cut/$file.safetensors "resumed within an epoch, $file"
  same unkilled/$file.safetensors killed/$file.safetensors "resumed after SIGTERM, $file"
done
same two/best.safetensors threads/best.safetensors "1 and 2 threads, best"
same <(best two) <(best cut) "the best of a run resumed within an epoch" # its file has the shorter run's recipe
same <(best unkilled) <(best killed) "the best of a run resumed after SIGTERM"

# What a resumed run may have otherwise, and what not; f1 was added to its metrics, which does not make it another recipe
cp t.csv kept.csv
code 0 train pair.yaml --out on --quiet --set stop.epochs=1
code 0 train pair.yaml --out on --quiet --resume --set stop.epochs=2
code 0 train pair.yaml --out on --quiet --resume --set stop.epochs=3 --set 'heads.price.metrics=[mae, rmse]'
[[ -n $(number on/metrics.jsonl validation_price_mae) ]] || short "a metric of a resumed run is not told"
bad 2 'heads: on was made with another heads' train pair.yaml --out on --quiet --resume --set heads.price.weight=0.2
bad 2 'heads: on was made with another heads' train pair.yaml --out on --quiet --resume --set 'heads.kind.cost={type: cross_entropy, label_smoothing: 0.1}'
for column in 6 5 3; do # a weight, a value, an input
  awk -F, -v c=$column 'NR == 20 { $c = 8 } 1' OFS=, kept.csv >t.csv
  bad 3 't.csv' train pair.yaml --out on --quiet --resume --set stop.epochs=4
done
cp kept.csv t.csv

# ---- evaluation ----

code 0 eval pair/last.safetensors --split validation --json
cost() { sed -E 's/.*"samples":[0-9]+,"cost_mean":([^,]*),"heads".*/\1/' out.txt; }
final() { sed -n '/"final"/,/}/s/.*"validation_cost": \([^,]*\).*/\1/p' "$1/result.json"; }
near "$(cost)" "$(number pair/metrics.jsonl validation_cost)" "eval and validation"
has out.txt '^\{"samples":48,"cost_mean":[0-9.]+,"heads":\{"kind":\{"baseline":\{"class":2,"label":"cow","metrics":\{"accuracy":0.5,[^}]*\}\},"per_class":\[(\{"class":[0-2],"label":"(ant|bee|cow)","precision":[0-9.]+,"recall":[0-9.]+,"f1":[0-9.]+,"support":[0-9]+,"predicted":[0-9]+,"note":(null|"[a-z ]+")\},?){3}\],"cost_mean":[0-9.e-]+,"cost_sum":[0-9.e-]+,"error":[0-9.e-]+,"metrics":\{"accuracy":[^}]*\},"classes":\["ant","bee","cow"\],"confusion":\[\[[0-9,]*\],\[[0-9,]*\],\[[0-9,]*\]\]\},"price":\{"cost_mean":[0-9.]+,"cost_sum":[0-9.]+,"error":[0-9.]+,"metrics":\{"rmse":[^}]*\}\}\}\}$'
code 0 eval pair/last.safetensors --split validation
has out.txt '^validation cost [0-9.]+$' && has out.txt '^validation kind error 0' && has out.txt '^validation price rmse ' && has out.txt '^ +ant +bee +cow'
code 0 eval two/swa.safetensors --split validation --json
near "$(cost)" "$(number two/metrics.jsonl swa_validation_cost)" "eval of the average"
code 0 eval mixed/last.safetensors --split validation --json
near "$(cost)" "$(final mixed)" "eval of positions"
total=$(sed -E 's/.*"at":.*"confusion":\[\[([0-9,]*)\],\[([0-9,]*)\],\[([0-9,]*)\]\]\},"of".*/\1,\2,\3/' out.txt | tr , '+')
[[ $((total)) -eq 90 ]] || short "15 samples of 6 positions have $total in the confusion"
# Other data by the same names, with no weights: all count
code 0 eval pair/last.safetensors --data '{type: csv, file: t.csv, inputs: {size: [w, h], age: age}, targets: {kind: kind, price: price}}' --json
has out.txt '"samples":240,'

# ---- prediction ----

code 0 predict pair/last.safetensors t.csv --json && cp out.txt full.txt
[[ $(wc -l <full.txt) -eq 240 ]] || short "240 rows give $(wc -l <full.txt) lines"
[[ $(grep -cE '^\{"input":"t.csv\[[0-9]+\]","heads":\{"kind":\{"class":[0-2],"label":"(ant|bee|cow)","probabilities":\[[0-9.,e-]*\]\},"price":\{"output":\[[0-9.e-]*\]\}\}\}$' full.txt) -eq 240 ]] || short "lines of predict: $(head -n 1 full.txt)"
awk -F, '{ print $3 "," $2 "," $1 }' t.csv >inputs.csv
code 0 predict pair/last.safetensors inputs.csv --json
same <(sed 's/inputs.csv/t.csv/' out.txt) full.txt "inputs alone, in another order"
code 0 predict pair/last.safetensors t.csv && has out.txt '^t.csv\[0\]  kind  (ant|bee|cow)  [01]\.[0-9]{4}  price  [0-9.]+$'
cut -d, -f1,3 t.csv >lacks.csv && bad 3 'lacks.csv.*"h"' predict pair/last.safetensors lacks.csv
code 0 predict mixed/last.safetensors mixed.npz --json
[[ $(grep -cE '"heads":\{"at":\{"class":\[[0-2](,[0-2]){5}\],"label":\["[0-2]"(,"[0-2]"){5}\],"probabilities":\[(\[[0-9.,e-]*\],?){6}\]\},"of":\{"class":[0-3],"label":"[0-3]","probabilities":\[[0-9.,e-]*\]\}\}\}$' out.txt) -eq 50 ]] || short "positions of predict: $(head -n 1 out.txt)"
bad 3 'two.npz' predict mixed/last.safetensors two.npz
cp "$parity/dense_sgd/x.npy" . && bad 3 'x.npy" holds one array, but the model has 2 inputs' predict mixed/last.safetensors x.npy
has err.txt 'an array for each: "xs", "x2"$'
code 0 predict two/last.safetensors two.npz && has out.txt '^two.npz\[49\]  kind  [0-2]  [01]\.[0-9]{4}  price( +[-0-9.e]+){2}$'

# ---- what looks at recipes ----

for recipe in pair two mixed; do
  code 0 plan $recipe.yaml --json && has out.txt '"total":[0-9]+'
  total=$(field out.txt total)
  code 0 train $recipe.yaml --out least --overwrite --quiet --set "memory=$total" --set stop.epochs=1
  bad 4 "$total" train $recipe.yaml --out less --quiet --set "memory=$((total - 1))" --set remat=none --set stop.epochs=1
  code 0 check $recipe.yaml --gradients && has out.txt 'agrees with central differences'
  code 0 init $recipe.yaml -o m.safetensors
  code 0 check $recipe.yaml --init
  code 1 trace $recipe.yaml --against optimizer.lr=0.3
  code 0 trace $recipe.yaml --against threads=2
done
code 0 check mixed.yaml --skip T6,X9 && has out.txt 'T4 .* at: 3 probabilities' && has out.txt 'T5 .* at: '
# A layer that ends in the reshape with which the next begins
cat >dense.yaml <<'YAML'
data: {train: {type: npz, file: mixed.npz, inputs: xs, targets: yk}}
model: {input: [6, 4], layers: [{type: dense, units: 8}, {type: dense, units: 8, activation: relu}, flatten, {type: dense, units: 4}]}
YAML
code 0 check dense.yaml --init
code 0 curvature pair/last.safetensors && has out.txt 'largest'
code 0 explain 'dL/dw[0][1,0]' pair.yaml && has out.txt 'they agree' && has out.txt 'size\[0\]' # sample 0 weighs nothing, and costs 0
code 0 explain 'dL/dc1.weight[1,0,2]' mixed.yaml --batch 3 && has out.txt 'they agree'
code 0 explain 'dL/dhead2.weight[1,0]' two.yaml --sample 2 && has out.txt 'they agree'
code 0 advise --json >/dev/null
code 0 data split pair.yaml -o s.tsv && [[ $(grep -c validation s.tsv) -eq 48 ]] || short "the split of a table with heads"

code 0 plot pair two -o both.svg
has out.txt '^ +Validation error of kind$' && has out.txt '^ +Validation error of price$'
[[ $(grep -o '<svg' both.svg | wc -l) -eq 5 ]] || short "not four plots beside the whole: $(grep -o '<svg' both.svg | wc -l)"
code 0 plot pair --json && has out.txt '"validation_kind_error":\[' && has out.txt '"validation_cost":\['

# ---- models ----

code 0 train pair.yaml --from pair/last.safetensors --out again --quiet --set stop.epochs=1
sed 's/ kind: / sort: /; s/{kind: kind,/{sort: kind,/' pair.yaml >sort.yaml
bad 2 'heads.sort: pair/last.safetensors has other heads' train sort.yaml --from pair/last.safetensors --out from
sed 's/age: age/years: age/; s/age: \[1\]/years: [1]/; s/from: age/from: years/' pair.yaml >years.yaml
bad 2 'inputs.years: pair/last.safetensors has other inputs' train years.yaml --from pair/last.safetensors --out from
[[ ! -e from ]] || short "what was refused has left a folder"
strings -n 100 pair/last.safetensors | head -n 1 >meta.txt
for key in prepare classes class_counts; do grep -q "gradus.$key" meta.txt || short "the model file has no gradus.$key"; done
has meta.txt '\\"kind\\": \[\\"ant\\", \\"bee\\", \\"cow\\"\]'
# Words of two heads are classes of their own, whatever order another table has them in
awk 'BEGIN { srand(4); print "a,b,color,shape"
  for (i = 0; i < 120; i++) printf "%.3f,%.3f,%s,%s\n", i % 3 + rand() / 2, i % 2 + rand() / 2, i % 3 ? i % 3 == 1 ? "green" : "blue" : "red", i % 2 ? "round" : "square" }' >words.csv
cat >words.yaml <<'YAML'
data: {train: {type: csv, file: words.csv, inputs: {x: [a, b]}, targets: {color: color, shape: shape}}, validation: {split: 0.2}, batch: 16}
model: {inputs: {x: [2]}, layers: [{type: dense, units: 16, activation: relu, name: t}, {type: dense, units: 3, name: c}, {type: dense, units: 2, from: t, name: s}]}
heads: {color: {from: c}, shape: {from: s}}
optimizer: {type: adam, lr: 0.02}
stop: {epochs: 20}
YAML
code 0 train words.yaml --out words --quiet
code 0 eval words/last.safetensors --split validation --json
has out.txt '"color":\{.*"classes":\["blue","green","red"\].*"shape":\{.*"classes":\["round","square"\]'
{ head -n 1 words.csv; tail -n +2 words.csv | tac; } >turned.csv
code 0 train words.yaml --from words/last.safetensors --out turned --quiet --set data.train.file=turned.csv --set stop.epochs=1
for model in words turned; do
  code 0 predict $model/last.safetensors words.csv
  right=$(paste -d ' ' <(tail -n +2 words.csv | tr , ' ') out.txt | awk '$3 == $7 && $4 == $10' | wc -l)
  [[ $right -ge 114 ]] || short "$model: $right of 120 rows have both words right"
done
sed 's/red/violet/' words.csv >violet.csv
bad 2 'the class "violet"' train words.yaml --from words/last.safetensors --out violet --quiet --set data.train.file=violet.csv

# Steps for every input, or by input; the statistics are each input's own
code 0 train pair.yaml --out each --quiet --set 'data.prepare=[standardize]' --set stop.epochs=1
code 0 train pair.yaml --out named --quiet --set 'data.prepare={size: [standardize], age: [standardize]}' --set stop.epochs=1
same <(tail -n +2 each/metrics.jsonl | sed -E 's/"seconds":[^,]*,"samples_per_second":[^,}]*//') <(tail -n +2 named/metrics.jsonl | sed -E 's/"seconds":[^,]*,"samples_per_second":[^,}]*//') "steps as a list and as a map"

# ---- what does not fit together ----

plan() { bad "$1" "$2" plan pair.yaml --set "$3"; }
plan 2 'cost: cost stands beside heads' cost=mse
plan 2 'metrics: metrics stands beside heads' 'metrics=[f1]'
plan 2 'model.inputs: input and inputs stand side by side' 'model.input=[2]'
plan 2 'an input and a layer are called "a"' 'model.inputs.a=[2]'
plan 2 'layers\[0\].from: there is no layer "sise" before this one' 'model.layers[0].from=sise' && has err.txt 'did you mean "size"'
plan 2 'no layer takes the input "age"' 'model.layers[1].from=size'
plan 2 'heads.kind.from: there is no layer "nix"' 'heads.kind.from=nix'
plan 2 'the head "kind" is an input' 'heads.kind.from=size'
plan 2 'heads.kind: which layer gives the head "kind" is not said' 'heads={kind: {cost: cross_entropy}, price: {cost: mse}}'
plan 2 'weight: -1 is not in \[0, inf\)' heads.price.weight=-1
plan 2 'all heads have the weight 0' 'heads={kind: {from: k, weight: 0}, price: {from: p, cost: mse, weight: 0}}'
plan 2 'a network has 1 to 8 inputs, not 9' 'model.inputs={size: [2], age: [1], c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1}'
plan 2 'a network has 1 to 8 heads, not 9' 'heads={kind: {from: k}, b: {from: k}, c: {from: k}, d: {from: k}, e: {from: k}, f: {from: k}, g: {from: k}, h: {from: k}, i: {from: k}}'
plan 2 'nothing is said of "price"' 'data.train.targets={kind: kind}'
plan 2 'the recipe has no head "more"' 'data.train.targets={kind: kind, price: price, more: n}'
plan 2 'nothing is said of "age"' 'data.train.inputs={size: [w, h]}'
plan 2 'the recipe has no input "more"' 'data.train.inputs={size: [w, h], age: age, more: n}'
plan 2 'there is no input "more"' 'data.prepare={more: [standardize]}'
plan 2 'some heads sum, others take means' heads.kind.cost.reduction=sum
bad 2 'classes of the head "kind" weigh differently' plan pair.yaml --set heads.kind.cost.class_weights=balanced --set accumulate=2
plan 2 'each of the 2 heads has an error of its own' stop.validation_error_below=0.1
plan 2 '"error" is neither cost nor a figure of one of the heads' best_by=error
plan 2 '"sort_error" is neither cost nor a figure' best_by=sort_error
plan 2 'best_by: f1 is for classes' best_by=price_f1
plan 3 '"t.csv" has no column "hh"' 'data.train.inputs={size: [w, hh], age: age}'
plan 3 '"t.csv" has no column "nope"' data.train.weights=nope
plan 3 'samples of shape \[1\], model.inputs.size is \[2\]' 'data.train.inputs={size: [w], age: age}'
bad 3 '"ant" is not a number' train pair.yaml --out none --quiet --set data.train.weights=kind
awk -F, 'NR > 1 { $6 = NR == 7 ? -1 : 0 } 1' OFS=, t.csv >below.csv
bad 3 'below.csv.* line 7, column 6 \(n\): "-1" is below 0' train pair.yaml --out none --quiet --set data.train.file=below.csv
sed -i 's/,-1$/,0/' below.csv
bad 3 'below.csv.*every weight .* is 0' train pair.yaml --out none --quiet --set data.train.file=below.csv
bad 2 'the recipe has heads "kind" and "price", but one is said' eval pair/last.safetensors --data '{type: csv, file: t.csv, target: kind}'
has err.txt 'write targets: \{kind: \.\.\., price: \.\.\.\}'
bad 3 'yt" has targets of shape \[N,6\]' train mixed.yaml --out none --quiet --set heads.at.cost=mse
has err.txt '^ +mse wants \[N,6,3\]; class numbers want cost: cross_entropy$'
bad 3 'x2" has targets of shape \[N,5\]' train mixed.yaml --out none --quiet --set heads.at.cost=mse --set data.train.targets.at=x2
has err.txt '^ +mse wants \[N,6,3\]$'
bad 3 'yk" has targets of shape \[N\], .* wants a class a position' train mixed.yaml --out none --quiet --set data.train.targets.at=yk
bad 3 'x2" has 5 weights a sample' train mixed.yaml --out none --quiet --set data.train.weights=x2
two() { bad "$1" "$2" plan two.yaml --set "$3"; }
two 3 'two.npz.* no array "x9"' data.train.inputs.image=x9
two 3 'two.npz.* no array "y9"' data.train.targets.price=y9
two 3 'two.npz.* no array "w9"' data.train.weights=w9
two 3 'shape \[5\], model.inputs.image is \[8,8,1\]' 'data.train.inputs={image: x2, table: x2}'
two 3 'price' data.train.targets.price=x2
two 2 'has one input and one target, but the recipe has inputs "image" and "table"' 'data.train={type: synthetic, kind: blobs, n: 100}'
[[ ! -e none ]] || short "what was refused has left a folder"
# What a run needs to go on, and what counts as the same recipe: inputs in their order, numbers by their value
code 0 train mixed.yaml --out order --quiet --set stop.epochs=1
grep -q 'inputs: {steps: \[6, 4\], table: \[5\]}' mixed.yaml || short "the inputs of mixed.yaml are not as this test turns them"
bad 2 'model: order was made with another model' train mixed.yaml --out order --quiet --resume --set stop.epochs=2 --set 'model.inputs={table: [5], steps: [6, 4]}'
code 0 train pair.yaml --out order --overwrite --quiet --set stop.epochs=1 --set heads.price.weight=1
code 0 train pair.yaml --out order --quiet --resume --set stop.epochs=2 --set heads.price.weight=1.0
sed 's/, targets: {[^}]*}/, target: kind/; /^  price:/d; /name: p}/d' pair.yaml >lone.yaml
code 0 train lone.yaml --out lone --quiet --set stop.epochs=1
bad 2 'cost: lone was made with a recipe of named heads' train lone.yaml --out lone --quiet --resume --set heads=none
code 0 train lone.yaml --out bare --quiet --set stop.epochs=1 --set heads=none
bad 2 'heads: bare was made with a recipe without named heads' train lone.yaml --out bare --quiet --resume

# Names of two heads that would be one with their metrics; a head of weight 0, behind which nothing learns; a hint names the key that is there
sed 's/  kind: {from/  price_balanced: {from/; s/{kind: kind,/{price_balanced: kind,/; s/{from: p, cost: mse, weight: 0.1}/{from: k, metrics: [balanced_accuracy]}/; s/price: price}/price: kind}/' pair.yaml >equal.yaml
bad 2 'heads.price: accuracy of price_balanced and balanced_accuracy of price would both be called price_balanced_accuracy' train equal.yaml --out no
code 0 train equal.yaml --out equal --quiet --set stop.epochs=1 --set 'heads.price.metrics=[f1]'
for head in kind price; do code 0 check pair.yaml --set heads.$head.weight=0 && has out.txt '^ok +I2 '; done
dead='model.layers[5]={type: dense, units: 6, activation: relu, init: {weights: zeros, bias: {type: constant, value: -1}}, name: trunk}'
code 1 check mixed.yaml --set heads.at.weight=0 --set "$dead" && has out.txt '^FAILED +I2 '
awk 'NR == 5 { sub(/,/, "x,") } 1' kept.csv >unit.csv
sed 's/, age: age}/}/; s/, age: \[1\]}/}/; /from: age/d; /from: \[a, b\]/d; s/from: both/from: a/' pair.yaml >sized.yaml
code 0 train sized.yaml --out sized --quiet --set stop.epochs=1
bad 3 'unit.csv": line 5, column 1 \(w\)' train sized.yaml --out no --quiet --set data.train.file=unit.csv
has err.txt 'inputs: \{size: \[\.\.\.\]\}' && ! grep -q 'columns: \[' err.txt || short "the hint names another key than inputs: $(cat err.txt)"

# Archives: an empty one, and one with two arrays of a name
printf 'PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >none.npz
bad 3 '"none.npz" has no array "xs"' predict mixed/last.safetensors none.npz
LC_ALL=C sed 's/yk\.npy/x2.npy/g' mixed.npz >twice.npz
bad 3 '"twice.npz" holds two arrays called "x2"' predict mixed/last.safetensors twice.npz

# One output a position is no class
for cost in focal cross_entropy; do
  bad 2 'heads.at: .*wants at least two outputs( each)?, but the network has 1$' plan mixed.yaml --set 'model.layers[1].units=1' --set heads.at.cost=$cost
done
finish
