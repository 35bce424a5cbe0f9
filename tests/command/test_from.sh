#!/bin/bash
# train --from: the model's weights keep their meaning. Classes are numbered by its names, columns come in its order, inputs are prepared with its statistics;
# what contradicts that is refused, naming both sides, unless --force, which says what it does.
. "$(dirname "$0")/lib.sh"

# Three classes of two columns, far from mean 0: rows of the classes named, a column order, a shift of the first column
table() { # FILE COLUMNS SHIFT CLASS...
  local file=$1 columns=$2 shift=$3
  shift 3
  awk -v columns="$columns" -v shift="$shift" -v classes="$*" 'BEGIN {
    srand(7); n = split(classes, name, " "); split("ant bee cow", known, " "); print columns ",kind"
    for (i = 0; i < 60 * n; i++) {
      k = i % n; place = k; for (j = 1; j <= 3; j++) if (known[j] == name[k + 1]) place = j - 1
      w = sprintf("%.3f", 500 + shift + 300 * place + 40 * rand()); h = sprintf("%.3f", 90 - 30 * (place == 1) + 4 * rand())
      print (columns == "width,height" ? w "," h : h "," w) "," name[k + 1] } }' >"$file"
}
table all.csv width,height 0 ant bee cow
table two.csv width,height 0 cow bee
table later.csv width,height 0 bee cow ant
table swapped.csv height,width 0 ant bee cow
table moved.csv width,height 100 ant bee cow
table more.csv width,height 0 ant bee cow dog
recipe() { # FILE DATA STEPS LINES...
  cat >"$1" <<YAML
gradus: 1
name: from
data: {train: {type: csv, file: $2, target: kind}, validation: {split: 0.25}, batch: 15, prepare: $3}
model: {input: [2], layers: [{type: dense, units: 12, activation: relu, name: h}, {type: dense, units: 3, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.02}
stop: {epochs: 30}
YAML
}
recipe r.yaml all.csv "[standardize]"
code 0 train r.yaml --out m --quiet
m=m/last.safetensors
accuracy() { "$gradus" eval "$1" --split train --json 2>/dev/null | sed -E 's/.*"accuracy": ?([0-9.]+).*/\1/'; }
good() { awk -v a="$(accuracy "$1")" 'BEGIN { exit !(a + 0 == a && a > 0.97) }' || short "$1 is right in $(accuracy "$1") only${2:+ ($2)}"; }
prepared() { grep -ao 'mean[\\":  ]*\[[^]]*]' "$1" | head -n 1; } # the means that the file prepares with
good $m

# At a rate of next to nothing the model goes on being right: with the classes in another order, with fewer, with swapped columns, with the same data
still="--set optimizer.lr=1e-12 --set stop.epochs=1 --quiet"
for data in all later swapped; do
  recipe n.yaml $data.csv "[standardize]"
  code 0 train n.yaml --from $m --out n-$data $still && good n-$data/last.safetensors "from $data.csv"
  [[ $(prepared n-$data/last.safetensors) == "$(prepared $m)" ]] || short "$data.csv has statistics of its own: $(prepared n-$data/last.safetensors)"
  code 0 eval n-$data/last.safetensors --data '{type: csv, file: all.csv, target: kind}' && has out.txt "accuracy (1.0000|0.9[789])"
done
recipe n.yaml all.csv "[standardize]" # listed in another order, the same columns still come in the model's
code 0 train n.yaml --from $m --out n-listed $still --set 'data.train.columns=[height, width]' && good n-listed/last.safetensors "listed columns"
code 0 train n.yaml --from $m --out told --set stop.epochs=1
has err.txt "note: inputs are prepared with the statistics of m/last.safetensors"
# Fewer classes are another list: forced, a row's class is still what it was
recipe n.yaml two.csv "[standardize]"
bad 2 'the classes of the train data are "bee", "cow", but "ant", "bee", "cow" in m/last.safetensors' train n.yaml --from $m --out no
code 0 train n.yaml --from $m --force --out said --set optimizer.lr=1e-12 --set stop.epochs=1
has err.txt "note: classes are numbered as m/last.safetensors numbers them"
has err.txt 'warning: no training sample is of class "ant"'

# Moved data are seen by the model's statistics, so moved they are
recipe n.yaml moved.csv "[standardize]"
code 0 train n.yaml --from $m --out n-moved $still
[[ -n $(prepared $m) && $(prepared n-moved/last.safetensors) == "$(prepared $m)" ]] || short "moved data have statistics of their own"

# Refused: a class that the model does not know, other steps, none, a column that is missing, other columns
recipe n.yaml more.csv "[standardize]"
bad 2 'data.train: the train data has the class "dog", which m/last.safetensors does not know: "ant", "bee", "cow", "dog" here, "ant", "bee", "cow" there' train n.yaml --from $m --out no
for steps in "[{type: scale, by: 0.01}]" "[standardize, {type: scale, by: 2}]" "[{type: standardize, per: all}]" none "[]"; do
  recipe n.yaml all.csv "$steps"
  bad 2 "data[.a-z]*: inputs are prepared by .* here, but m/last.safetensors was trained with .*standardize" train n.yaml --from $m --out no
done
recipe n.yaml all.csv "[standardize]"
bad 2 "declares missing values, which m/last.safetensors does not fill" train n.yaml --from $m --out no --set 'data.train.missing=[NA]'
sed 's/width/breadth/' all.csv >renamed.csv
recipe n.yaml renamed.csv "[standardize]"
bad 3 'has no column "width"' train n.yaml --from $m --out no
bad 2 "force says what to do with the model of --from" train n.yaml --force --out no
[[ ! -e no ]] || short "a refused training left a folder"

# Forced: said, and done
recipe n.yaml more.csv "[{type: scale, by: 0.01}]"
sed -i 's/units: 3, name: head/units: 4, name: head/' n.yaml && recipe o.yaml all.csv "[{type: scale, by: 0.01}]"
code 0 train o.yaml --from $m --force --out forced --set stop.epochs=1
has err.txt "warning: --force: inputs are prepared by the recipe .*scale.*, with statistics of the new data; the weights of m/last.safetensors were trained with .*standardize"
[[ -z $(prepared forced/last.safetensors) ]] || short "--force does not prepare by the recipe"
recipe o.yaml moved.csv "[standardize]"
code 0 train o.yaml --from $m --force --out forced2 --set stop.epochs=1
[[ $(prepared forced2/last.safetensors) != "$(prepared $m)" ]] || short "--force keeps the model's statistics"
sed 's/,ant$/,zebra/' all.csv >zebra.csv
recipe o.yaml zebra.csv "[standardize]"
code 0 train o.yaml --from $m --force --out forced3 --set stop.epochs=1
has err.txt 'warning: --force: outputs are numbered by the classes of the new data \("bee", "cow", "zebra"\), not by those of m/last.safetensors \("ant", "bee", "cow"\)'

# Classes that are whole numbers in the table, names in the model: by their texts, not by their numbers
sed 's/ant$/1/; s/bee$/2/; s/cow$/x/' all.csv >mixed.csv
recipe r.yaml mixed.csv "[standardize]"
code 0 train r.yaml --out mixed --quiet && good mixed/last.safetensors
grep -v ',x$' mixed.csv >numbers.csv
recipe n.yaml numbers.csv "[standardize]"
bad 2 'the classes of the train data are 0 to 2, but "1", "2", "x" in mixed' train n.yaml --from mixed/last.safetensors --out no
code 0 train n.yaml --from mixed/last.safetensors --force --out n-numbers $still && good n-numbers/last.safetensors "classes 1 and 2 by name"
sed 's/,2$/,3/' numbers.csv >three.csv
recipe n.yaml three.csv "[standardize]"
bad 2 'the class "3", which mixed/last.safetensors does not know' train n.yaml --from mixed/last.safetensors --out no
# and the other way round: the model's classes have no names
sed 's/,1$/,0/; s/,2$/,1/' numbers.csv >plain.csv
recipe r.yaml plain.csv "[standardize]"
code 0 train r.yaml --out plain --quiet --set stop.epochs=1
recipe n.yaml two.csv "[standardize]"
bad 2 'the class "bee", which plain/last.safetensors does not know: "bee", "cow" here, numbers without names there' train n.yaml --from plain/last.safetensors --out no

# A run that began so goes on so: without --from it is refused, with it nothing differs from a run in one piece
recipe n.yaml moved.csv "[standardize]"
code 0 train n.yaml --from $m --out whole --quiet --set stop.epochs=6
code 0 train n.yaml --from $m --out parts --quiet --set stop.epochs=3
bad 2 "prepares its inputs with other statistics" train n.yaml --out parts --resume --quiet --set stop.epochs=6
code 0 train n.yaml --from $m --out parts --resume --quiet --set stop.epochs=6
[[ $(grep -c . whole/metrics.jsonl) -eq $(grep -c . parts/metrics.jsonl) ]] || short "the resumed run has another length"
same whole/last.safetensors parts/last.safetensors "one piece or two"
finish
