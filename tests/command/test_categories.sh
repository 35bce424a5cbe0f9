#!/bin/bash
# Columns of tables that hold categories, text or identifiers: what a network is given, what a model keeps, what is refused.
. "$(dirname "$0")/lib.sh"

recipe() { # FILE INPUTS COLUMNS [PREPARE]
  cat >"$1" <<YAML
gradus: 1
name: t
seed: 5
data:
  train: {type: csv, file: train.csv, target: kind, missing: [""], columns: $3}
  test: {type: csv, file: test.csv}
  prepare: ${4:-[standardize]}
  batch: 8
model: {input: [$2], layers: [{type: dense, units: 5, activation: tanh}, {type: dense, units: 2}]}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 3}
YAML
}
# A table with an identifier, numbers, two columns of texts, some of them missing; the test part has a colour of its own.
table() { # SEED ROWS COLOURS
  awk -v seed="$1" -v n="$2" -v colours="$3" 'BEGIN {
    srand(seed); c = split(colours, colour, " "); split("S M L XL", size, " ")
    print "id,age,colour,size,kind"
    for (i = 0; i < n; i++) {
      age = 18 + int(60 * rand()); x = rand() < 0.1 ? "" : colour[1 + int(c * rand())]; s = size[1 + int(4 * rand())]
      printf "u%d,%s,%s,\"%s\",%s\n", i, rand() < 0.1 ? "" : age, x, s, (age > 50) == (x == "red") ? "yes" : "no"
    }
  }'
}
table 1 120 'red green blue grey' >train.csv
table 2 40 'red green mauve blue' >test.csv

# The same expanded by hand, in sorted order.
expand() {
  awk -F, 'NR == 1 { print "age,c1,c2,c3,c4,s1,s2,s3,s4,kind"; next }
    { gsub(/"/, ""); split("blue green grey red", c, " "); split("L M S XL", s, " "); line = $2
      for (k = 1; k <= 4; k++) line = line "," ($3 == c[k] ? 1 : 0)
      for (k = 1; k <= 4; k++) line = line "," ($4 == s[k] ? 1 : 0)
      print line "," $5 }' "$1"
}
columns='["*", {name: id, as: text}, {name: colour, as: category}, {name: size, as: category}]'
recipe r.yaml 9 "$columns"
code 0 train r.yaml --out r
has err.txt 'note|epoch|'
code 0 plan r.yaml
code 0 eval r/last.safetensors --split test --json && cp out.txt eval-r.txt
has err.txt 'column 3 \(colour\): [0-9]+ values are none of the training.s 4 categories.*"mauve" in line [0-9]+ is the first'
mkdir by-hand && expand train.csv >by-hand/train.csv && expand test.csv >by-hand/test.csv
recipe by-hand/r.yaml 9 none '[{type: impute, columns: [age]}, {type: standardize, columns: [age]}]'
cd by-hand && code 0 train r.yaml --out ../h --quiet && cd ..
code 0 eval h/last.safetensors --split test --json && cp out.txt eval-h.txt
for key in samples cost_mean error; do
  [[ $(field eval-r.txt $key) == "$(field eval-h.txt $key)" ]] || short "eval gives $key $(field eval-r.txt $key), expanded by hand $(field eval-h.txt $key)"
done

# Named one by one, or by what is left out, and whatever the order of the table's columns: the same predictions.
awk -F, -v OFS=, '{ print $4, $1, $3, $2 }' test.csv >moved.csv
code 0 predict r/last.safetensors test.csv --json && sed 's/"input":"[^"]*",*//' out.txt >a.txt
code 0 predict r/last.safetensors moved.csv --json && sed 's/"input":"[^"]*",*//' out.txt >b.txt
same a.txt b.txt 'columns moved'
code 0 predict h/last.safetensors by-hand/test.csv --json && sed 's/"input":"[^"]*",*//' out.txt >b.txt
same a.txt b.txt 'predictions of categories, and of the same expanded by hand'
recipe left.yaml 1 '[{name: id, as: ignore}, {name: colour, as: text}, {name: size, as: ignore}]'
code 0 train left.yaml --out left --quiet

# Real dresses of a table: a byte order mark, CRLF, semicolons, quoted line ends in texts.
{ printf '\357\273\277'; sed 's/,/;/g; s/$/\r/' train.csv; } >dressed.csv
sed 's/train.csv/dressed.csv/' r.yaml >dressed.yaml
code 0 train dressed.yaml --out d --quiet
code 0 eval d/last.safetensors --split test --json
[[ $(field out.txt cost_mean) == "$(field eval-r.txt cost_mean)" ]] || short 'another dress, another model'
printf 'note,x,kind\n"two\nlines",1,a\n"say ""no""",2,b\n"two\nlines",3,a\nplain,4,b\n' >quoted.csv
sed 's/train.csv/quoted.csv/; /test:/d; s/\[""\]/[NA]/; s/input: \[9\]/input: [4]/' r.yaml |
  sed 's/columns: .*}$/columns: [x, {name: note, as: category}]}/' >quoted.yaml
code 0 train quoted.yaml --out q --quiet
sed 's/,\([0-9][0-9]\),/;\1,5;/; s/,\("*[A-Z]\)/;\1/; s/,\([a-z]*\)$/;\1/; 1s/,/;/g' train.csv >comma.csv
sed 's/train.csv/comma.csv/' r.yaml >comma.yaml

# By an embedding: an input that layers look up takes a category as its index.
cat >lookup.yaml <<'YAML'
gradus: 1
name: t
data:
  train: {type: csv, file: train.csv, target: kind, missing: [""], inputs: {colour: [{name: colour, as: category}], rest: [age]}}
  test: {type: csv, file: test.csv}
  prepare: {rest: [standardize]}
  batch: 8
model:
  inputs: {colour: [1], rest: [1]}
  layers:
    - {type: embedding, name: e, from: colour, vocabulary: 5, units: 3}
    - {type: flatten, name: f}
    - {type: concat, from: [f, rest]}
    - {type: dense, units: 2}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 2}
YAML
code 0 train lookup.yaml --out l --quiet
code 0 eval l/last.safetensors --split test
has err.txt 'none of the training.s 4 categories'
sed 's/vocabulary: 5/vocabulary: 4/' lookup.yaml >small.yaml
bad 3 'column 3 \(colour\): "[a-z]*" makes more than 3 different categories' train small.yaml --out x

# What is wrong is said in one line.
recipe width.yaml 8 "$columns"
bad 3 'samples of shape \[3\], which preparation makes \[9\]; model.input is \[8\]' train width.yaml --out x
recipe ids.yaml 9 '["*", {name: id, as: category}]'
{ echo id,kind; seq 100000 | sed 's/.*/n&,a/'; } >many.csv
sed 's/train.csv/many.csv/; /test:/d' ids.yaml >many.yaml
bad 3 'many.csv": line 10002, column 1 \(id\): "n10001" makes more than 10000 different categories' train many.yaml --out x
has err.txt '\{name: id, as: ignore\}'
recipe wrong.yaml 9 '["*", {name: colour, as: colours}]'
bad 2 'columns.*"colours"' train wrong.yaml --out x
recipe wrong.yaml 9 '["*", {as: category}]'
bad 2 'name' train wrong.yaml --out x
recipe wrong.yaml 9 '["*", {name: colour, like: category}]'
bad 2 '"like"' train wrong.yaml --out x
recipe wrong.yaml 9 '["*", {name: colur, as: category}]'
bad 3 'has no column "colur"' train wrong.yaml --out x
has err.txt 'did you mean "colour"'
recipe wrong.yaml 9 "$columns" '[{type: standardize, columns: [colour]}]'
bad 2 'the column "colour" holds categories' train wrong.yaml --out x
recipe wrong.yaml 9 "$columns" '[{type: standardize, columns: [agee]}]'
bad 3 'has no column "agee"' train wrong.yaml --out x
recipe wrong.yaml 9 '[age, colour]'
bad 3 'is not a number' train wrong.yaml --out x
has err.txt 'as: category'
[[ -e x ]] && short 'a refused training left something'
finish
