#!/bin/bash
# gradus data check reads on past whatever would stop training: each fault that a file of a source can have is a finding that names the sample, and its line or file;
# training refuses it, and takes the data without it. Where nothing is left to check it is exit 3. [mission D1; bad input]
. "$(dirname "$0")/lib.sh"

recipe() { # FILE TRAIN INPUT LAYERS UNITS [COST [DATA]]
  cat >"$1" <<YAML
gradus: 1
name: t
seed: 3
data: {train: $2, batch: 4${7:+, $7}}
model: {input: $3, layers: [$4{type: dense, units: $5}]}
cost: ${6:-cross_entropy}
optimizer: {type: sgd, lr: 0.01}
stop: {steps: 1}
YAML
}

# RECIPE KIND INDEX FILE LINE WHAT: the only error there is names that sample; training stops at it, and not without it. An index of null is no row.
faults=0
is() {
  local found errors
  code 1 data check "$1" --label-model none --json --fix left-out.txt || return 0
  errors=$(grep -oE '\{"kind":"[a-z_]+","severity":"error"' out.txt)
  found=$(grep -oE "\{\"kind\":\"$2\",\"severity\":\"error\",\"part\":\"${part:-train}\",\"count\":1,\"samples\":\[[^]]*\]" out.txt)
  [[ $errors == "{\"kind\":\"$2\",\"severity\":\"error\"" ]] || short "$6: the errors are $errors"
  [[ $found == *"{\"part\":\"${part:-train}\",\"index\":$3,\"file\":\"$4\",\"line\":$5}]" ]] || short "$6: not $3, $4, $5: $(head -c 600 out.txt)"
  bad 3 . train "$1" --quiet --out run --overwrite
  [[ $3 == null ]] || code 0 train "$1" --quiet --out run --overwrite --set data.exclude=left-out.txt || short "$6: without it"
  faults=$((faults + 1))
}

# ---- pictures: a folder of classes, and a table of labels ----
pgm() { # FILE SEED [SIZE]: noise
  mkdir -p "$(dirname "$1")"
  awk -v seed="$2" -v n="${3:-6}" 'BEGIN { srand(seed); print "P2", n, n, 255; for (i = 0; i < n * n; i++) print int(256 * rand()) }' >"$1"
}
pictures() {
  local i
  rm -rf p
  for i in 0 1 2 3 4 5 6 7; do pgm p/ant/$i.pgm $((i + 1)) && pgm p/bee/$i.pgm $((i + 20)); done
  pgm p/cow/0.pgm 40 && pgm p/cow/1.pgm 41 && pgm p/cow/2.pgm 42
}
recipe folder.yaml '{type: images, folder: p, channels: 1}' '[6, 6, 1]' 'flatten, ' 3
recipe skip.yaml '{type: images, folder: p, channels: 1, on_error: skip}' '[6, 6, 1]' 'flatten, ' 3
pictures
code 0 data check folder.yaml --label-model none
: >p/ant/3.pgm && is folder.yaml undecodable 3 ant/3.pgm null 'an empty file'
pictures && echo hello >p/bee/0.pgm && is folder.yaml undecodable 8 bee/0.pgm null 'no picture'
pictures && head -c 40 p/bee/7.pgm >short && mv short p/bee/7.pgm && is folder.yaml undecodable 15 bee/7.pgm null 'a picture that is cut off'
pictures && pgm p/ant/0.pgm 9 5 && is folder.yaml shape 0 ant/0.pgm null 'another size'
pictures && rm p/cow/[12].pgm && echo hello >p/cow/0.pgm
code 1 data check folder.yaml --label-model none --json
has out.txt '"kind":"undecodable","severity":"error","part":"train","count":1,"samples":\[\{"part":"train","index":16,"file":"cow/0.pgm","line":null\}\]'
has out.txt '"verdict":"errors"'
bad 3 'cow/0.pgm' train folder.yaml --quiet --out run --overwrite
code 1 data check skip.yaml --label-model none --json
has out.txt '"kind":"undecodable","severity":"warning","part":"train","count":1,"samples":\[\{"part":"train","index":null,"file":"cow/0.pgm","line":null\}\]'
has out.txt '"kind":"empty_class","severity":"error","part":"train","count":1,"samples":\[\{"part":"train","index":null,"file":"p/cow","line":null\}\]'
rm p/cow/* && is folder.yaml empty_class null p/cow null 'a class without a picture'
pictures && for i in p/*/*; do : >"$i"; done
bad 3 'every picture of "p" is damaged' data check folder.yaml --label-model none
pictures && cp -r p v && mkdir v/yak && mv v/ant/0.pgm v/yak && rm v/[bc]*/* && pgm v/bee/1.pgm 60 && pgm v/yak/0.pgm 61 && for i in 1 2 3 4 5 6 7; do pgm v/ant/$i.pgm $((i + 70)); done && pgm v/cow/5.pgm 80
recipe held.yaml '{type: images, folder: p, channels: 1}' '[6, 6, 1]' 'flatten, ' 3 cross_entropy 'validation: {type: images, folder: v, channels: 1}'
part=validation is held.yaml label_range 9 yak/0.pgm null 'a class that training has not'

if chmod 000 p/ant/3.pgm && [[ $(id -u) -eq 0 ]] && ! command -v setpriv >/dev/null; then
  echo 'skipped: nobody to whom a file is closed'
else
  chmod 755 "$work" # root reads every file
  [[ $(id -u) -ne 0 ]] || as=(setpriv --reuid=65534 --clear-groups)
  "${as[@]}" "$gradus" data check folder.yaml --label-model none --json >out.txt 2>err.txt
  has out.txt '"kind":"undecodable","severity":"error","part":"train","count":1,"samples":\[\{"part":"train","index":3,"file":"ant/3.pgm"'
fi

pictures && pgm p/zoo.txt 50
named() { # [LINE ROW]: a table of all, with this row in place of that line
  { echo file,label && (cd p && for i in */*; do echo "$i,${i%/*}"; done); } >l.csv
  [[ $# -eq 0 ]] || awk -v line="$1" -v row="$2" 'NR == line { $0 = row } { print }' l.csv >l && [[ $# -eq 0 ]] || mv l l.csv
}
recipe table.yaml '{type: images, folder: p, channels: 1, labels: l.csv}' '[6, 6, 1]' 'flatten, ' 3
named && code 0 data check table.yaml --label-model none
named 5 nowhere.pgm,ant && is table.yaml undecodable 3 nowhere.pgm 5 'no such file'
named 6 ant,ant && is table.yaml undecodable 4 ant 6 'a folder'
named 7 ant/5.pgm, && is table.yaml missing_label 5 ant/5.pgm 7 'no label'
named 8 ant/6.pgm && is table.yaml shape 6 ant/6.pgm 8 'a field is missing'
named 9 ,ant && is table.yaml undecodable 7 l.csv 9 'no name'
named 20 'cow/2.pgm,"cow' && is table.yaml undecodable 18 l.csv 20 'a quote that is open'
named && echo hello >p/bee/1.pgm && is table.yaml undecodable 9 bee/1.pgm 11 'no picture'
pictures && named && awk -F, -v OFS=, 'NR > 1 { $2 = $2 == "ant" ? 0 : $2 == "bee" ? 1 : 2 } { print }' l.csv >l && for i in 1 2; do tail -n +2 l >>l; done && mv l l.csv
sed -i '4s/0$/-1/' l.csv && code 1 data check table.yaml --label-model none --json
has out.txt '"kind":"label_range","severity":"error","part":"train","count":1,"samples":\[\{"part":"train","index":2,"file":"ant/2.pgm","line":4\}\]'
recipe values.yaml '{type: images, folder: p, channels: 1, labels: l.csv}' '[6, 6, 1]' 'flatten, ' 1 mse
awk 'NR == 1 { print } NR > 1 && NR < 9 { print "ant/" NR - 2 ".pgm," NR / 2 }' l.csv >l && mv l l.csv
sed 's/,3$/,hot/' l.csv >l && mv l l.csv && is values.yaml undecodable 4 ant/4.pgm 6 'a value that is none'
sed 's/,hot$/,inf/' l.csv >l && mv l l.csv && is values.yaml nonfinite 4 ant/4.pgm 6 'a value that is not finite'
echo file,label >l.csv && bad 3 'names no picture' data check table.yaml --label-model none

# ---- lines with labels, and running text ----
lines() { for i in 0 1 2 3 4 5 6 7 8 9; do printf '%s\tthe line %d of them\n' "$([[ $((i % 2)) -eq 0 ]] && echo ant || echo bee)" $((i * i)); done; }
recipe lines.yaml '{type: text, file: t.txt, labels: tab, length: 12}' '[12]' '{type: embedding, vocabulary: 128, units: 2}, global_avg_pool, ' 2
recipe chars.yaml '{type: text, file: t.txt, labels: tab, length: 12, unit: char}' '[12]' '{type: embedding, vocabulary: 64, units: 2}, global_avg_pool, ' 2
lines >t.txt && code 0 data check lines.yaml --label-model none
while IFS='|' read -r text kind what; do
  for r in lines chars; do
    { lines | head -n 4 && printf "$text\n" && lines | tail -n 6; } >t.txt
    is $r.yaml "$kind" 4 t.txt 5 "$r: $what"
  done
done <<'LINES'
no tab here|missing_label|no tab
\tno label here|missing_label|no label
ant\t|shape|no text
\xff\xfe\tanother|undecodable|a label that is no text
LINES
{ lines | head -n 4 && printf 'ant\t\xe4\xf6\n' && lines | tail -n 6; } >t.txt
is chars.yaml undecodable 4 t.txt 5 'a text of no characters'
is lines.yaml undecodable 4 t.txt 5 'bytes beyond the vocabulary'
recipe two.yaml '{type: text, file: t.txt, labels: tab, length: 12}' '[12]' '{type: embedding, vocabulary: 128, units: 2}, global_avg_pool, ' 2 cross_entropy 'validation: {type: text, file: v.txt, labels: tab, length: 12}'
lines >t.txt && printf 'ant\tsome\nyak\tother\nbee\tthing\n' >v.txt
part=validation is two.yaml label_range 1 v.txt 2 'a label that training has not'
recipe running.yaml '{type: text, file: t.txt, window: 10, unit: char}' '[10]' '{type: embedding, vocabulary: 64, units: 2}, ' 64
{ lines && printf '\xff' && lines; } >t.txt && code 1 data check running.yaml --label-model none --json
has out.txt '"kind":"undecodable","severity":"error","part":"train","count":1,"samples":\[\{"part":"train","index":23,"file":"t.txt","line":null\}\]'
: >t.txt && bad 3 'holds no text' data check lines.yaml --label-model none

# ---- tables: quotes, categories ----
rows() { awk -v n="$1" 'BEGIN { srand(4); print "x,y,kind"; for (i = 0; i < n; i++) printf "%s,%.4f,%s\n", i % 2 ? "red" : "blue", rand(), i % 3 ? "ant" : "bee" }'; }
recipe csv.yaml '{type: csv, file: c.csv, target: kind, columns: [{name: x, as: category}, y]}' '[3]' '' 2
rows 30 >c.csv && code 0 data check csv.yaml --label-model none
while IFS='|' read -r kind row what; do
  rows 30 | awk -v row="$row" 'NR == 12 { $0 = row } { print }' >c.csv
  is csv.yaml "$kind" 10 c.csv 12 "a table: $what"
done <<'ROWS'
undecodable|red,"1,ant|a quote that is open
undecodable|red,"1"2,ant|text behind a quote
undecodable|,1,ant|no category
shape|red|a record that ends early
shape|red,1,ant,7|a record that goes on
missing_label|red,1,|no label
nonfinite|red,inf,ant|a number that is not finite
ROWS
[[ $faults -ge 33 ]] || short "only $faults faults were tried"

# ---- shares: what no cost takes ----
recipe yes.yaml '{type: csv, file: b.csv, target: z, columns: [x, y]}' '[2]' '' 1 binary_cross_entropy
awk 'BEGIN { srand(5); print "x,y,z"; for (i = 0; i < 20; i++) printf "%.4f,%.4f,%s\n", rand(), rand(), i == 6 ? 1.5 : i % 2 ? 0.25 : 0.75 }' >b.csv
is yes.yaml label_range 6 b.csv 8 'a label beyond 1'

# ---- what prepares and changes samples ----
refused() { # WHAT TEXT ARGS...: an error of no sample; training stops at the same, and no label model is trained
  local what=$1 text=$2
  shift 2
  code 1 data check "$@" --json || return 0
  grep -qE "\"kind\":\"preparation\",\"severity\":\"error\",\"part\":\"train\",\"count\":1,\"samples\":\[\],\"text\":\".*$text" out.txt || short "$what: $(head -c 400 out.txt)"
  has out.txt 'not looked for: training would not start with these samples'
  bad 3 "$text" train "$@" --quiet --out run --overwrite
}
lines >t.txt
refused 'no file of synonyms' 'no.tsv' lines.yaml --set 'data.augment=[{type: synonym, file: no.tsv}]'
printf 'line\trow\nthem\n' >s.tsv
refused 'a line without a synonym' 's.tsv.*: line 2: it has no tab' lines.yaml --set 'data.augment=[{type: synonym, file: s.tsv}]'
rows 30 | awk 'NR == 9 { $0 = "red,-1,ant" } { print }' >c.csv
refused 'a logarithm' 'log: column .*y.* has the training value -1' csv.yaml --set 'data.prepare=[{type: log, columns: [y]}]'
rows 30 | awk 'NR == 9 { sub(/,[a-z]+$/, ",yak") } { print }' >c.csv
code 1 data check csv.yaml --epochs 1 --folds 2 --json # a class too many is no reason not to judge the labels of the others
has out.txt '"kind":"label_range","severity":"error","part":"train","count":1,"samples":\[\{"part":"train","index":7,"file":"c.csv","line":9\}\]'
rows 30 | awk 'NR == 9 { $0 = "red,-1,ant" } { print }' >c.csv
printf 'train 7\n' >out.list
code 0 data check csv.yaml --set 'data.prepare=[{type: log, columns: [y]}]' --set data.exclude=out.list --label-model none
bad 2 'probabilities are those of a label model' data check csv.yaml --label-model none --probabilities p.npy
bad 2 '0 is not' data check csv.yaml --folds 0

# ---- all that are found are listed ----
awk 'BEGIN { srand(5); print "x,y,kind"; for (i = 0; i < 200; i++) printf "%s,%.4f,%s\n", i % 2 ? "oops" : rand(), rand(), i % 3 ? "ant" : "bee" }' >c.csv
code 1 data check csv.yaml --set 'data.train.columns=[x, y]' --set 'model.input=[2]' --label-model none --json
[[ $(grep -oE '"kind":"undecodable"[^]]*\]' out.txt | grep -oE '"index":[0-9]+' | wc -l) -eq 100 ]] || short 'not all of 100 samples are listed'
finish
