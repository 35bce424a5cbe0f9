#!/bin/bash
# Tables: train, eval and predict read alike, whatever the table's dress, and say what they make of it.
. "$(dirname "$0")/lib.sh"

recipe() { # FILE SOURCE TEST INPUTS CLASSES
  cat >"$1" <<YAML
gradus: 1
name: t
seed: 5
data: {train: $2, test: $3, batch: 8, prepare: [standardize]}
model: {input: [$4], layers: [{type: dense, units: $5}]}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 2}
YAML
}
numbers() { sed -E 's/"(input|label)":"([^"\\]|\\.)*",?//g' "$1"; }

# Random tables with hostile names, labels, delimiters, quotes, line ends and missing values: trained, evaluated and predicted as they are, and as a
# model of the format in another language reads them. Weights and answers agree to the last digit.
for seed in $(seq 12); do
  mkdir s && cd s || exit 99
  perl "$here/table_random.pl" "$seed" || short "seed $seed makes no table"
  read -r inputs classes <sizes
  for part in train test new; do
    mapfile -d '' -t call <call.$part
    perl "$here/table_model.pl" $part.csv "${call[@]}" >plain-$part.csv || short "seed $seed: the model does not read $part.csv"
  done
  missing=$(grep -q NA plain-*.csv && echo ', missing: [NA]')
  recipe r.yaml "$(cat recipe)" "{type: csv, file: test.csv}" "$inputs" "$classes"
  recipe p.yaml "{type: csv, file: plain-train.csv, target: $inputs, header: false$missing}" "{type: csv, file: plain-test.csv}" "$inputs" "$classes"
  for what in r p; do
    code 0 train $what.yaml --out $what --quiet
    code 0 eval $what/last.safetensors --json && cp out.txt eval-$what.txt
    code 0 predict $what/last.safetensors "$([[ $what == r ]] && echo new.csv || echo plain-new.csv)" --json && numbers out.txt >predict-$what.txt
  done
  for key in samples cost_mean error; do
    [[ $(field eval-r.txt $key) == "$(field eval-p.txt $key)" ]] || short "seed $seed: eval gives $key $(field eval-r.txt $key), as numbers $(field eval-p.txt $key)"
  done
  [[ $(wc -l <predict-r.txt) -eq $(wc -l <plain-new.csv) ]] || short "seed $seed: $(wc -l <predict-r.txt) answers for $(wc -l <plain-new.csv) samples"
  same predict-r.txt predict-p.txt "seed $seed"
  [[ $(failed) -eq 0 ]] || { head -c 400 train.csv recipe; finish; }
  cd .. && rm -rf s
done

# Names that are numbers: the line that the recipe calls a header is one for every table
printf '10,20,30\n%s' "$(seq 40 | awk '{ printf "%d,%d,%d\n", $1 % 7, $1 % 5, $1 % 2 }')" >numbers.csv
recipe n.yaml '{type: csv, file: numbers.csv, target: 30, header: true}' '{type: csv, file: numbers.csv}' 2 2
code 0 train n.yaml --out n --quiet && code 0 predict n/last.safetensors numbers.csv
[[ $(wc -l <out.txt) -eq 40 ]] || short "40 samples under numeric names give $(wc -l <out.txt) answers"
code 0 eval n/last.safetensors --json && [[ $(field out.txt samples) -eq 40 ]] || short "eval counts $(field out.txt samples) of 40"

# Columns by index of a table without names: predict takes those that eval takes
seq 90 | awk '{ k = $1 % 3; printf "%d,%.2f,%d\n", k, 10 * k + $1 / 100, 50 - 20 * k }' >bare.csv
recipe b.yaml '{type: csv, file: bare.csv, target: 0, columns: [2, 1]}' '{type: csv, file: bare.csv, target: 0, columns: [2, 1]}' 2 3
code 0 train b.yaml --out b --set stop.epochs=60
has err.txt "note: .*bare.csv: line 1 is taken as the first sample"
code 0 eval b/last.safetensors --json && error=$(field out.txt error)
cut -d, -f2,3 bare.csv >inputs.csv && awk -F, '{ print $3 "," $2 }' bare.csv >turned.csv
code 0 predict b/last.safetensors bare.csv --json && numbers out.txt >whole.txt
has err.txt "note: bare.csv: line 1 is the first sample and names nothing, so columns are taken by position: 2, 1$"
wrong=$(paste -d ' ' <(cut -d, -f1 bare.csv) <(sed -E 's/.*"class":([0-9]+).*/\1/' whole.txt) | awk '$1 != $2' | wc -l)
awk -v e="$error" -v w="$wrong" 'BEGIN { exit !(e + 0 == e && (90 * e - w) ^ 2 < 1e-9 && e < 0.2) }' || short "eval says $error, predict errs in $wrong of 90"
code 0 predict b/last.safetensors inputs.csv --json && numbers out.txt >a.txt && same whole.txt a.txt "without the target"
has err.txt "by position: 1, 0$"
# A list for a table that cannot be held against the training's names is taken in its order, and that is said
{ echo k,u,v; cat bare.csv; } >named.csv
recipe c.yaml '{type: csv, file: named.csv, target: k}' '{type: csv, file: named.csv, target: k}' 2 3
code 0 train c.yaml --out c --set stop.epochs=2
code 0 eval c/last.safetensors --data '{type: csv, file: bare.csv, target: 0, columns: [2, 1]}' && has err.txt 'columns are taken by position: 2 for "u", 1 for "v"$'
code 0 eval b/last.safetensors --data '{type: csv, file: named.csv, target: k, columns: [v, u]}' && has err.txt "is names, but the training's table had none, so columns are taken by position: 2, 1$"
code 0 eval c/last.safetensors --data '{type: csv, file: named.csv, target: k, columns: [v, u]}' && grep -q "by position" err.txt && short "names are taken by position"
cut -d, -f1 bare.csv >one.csv && bad 3 '"one.csv" has 1 column without names' predict b/last.safetensors one.csv

# Other data may have further columns, in any order; plan looks at it too
printf 'u,v,y\n%s' "$(seq 40 | awk '{ printf "%d,%d,%s\n", $1 % 7, $1 % 5, $1 % 2 ? "no" : "yes" }')" >train.csv
awk -F, '{ print "more," $2 "," $3 "," $1 }' train.csv >other.csv
recipe o.yaml '{type: csv, file: train.csv, target: y}' '{type: csv, file: other.csv}' 2 2
code 0 plan o.yaml --set 'data.validation={type: csv, file: other.csv}'
code 0 train o.yaml --out o --set 'data.validation={type: csv, file: other.csv}'
has err.txt 'note: .*train.csv: line 1 is taken as the columns. names: "u", "v", "y"'
grep -q "other.csv: line" err.txt && short "a table matched by name says how: $(grep other.csv err.txt)"
code 0 eval o/last.safetensors --json && cp out.txt test.txt
code 0 eval o/last.safetensors --split train --json
[[ $(field out.txt cost_mean) == "$(field test.txt cost_mean)" ]] || short "the same samples cost $(field out.txt cost_mean) and $(field test.txt cost_mean)"
printf 'u,v,y\n1,2,maybe\n' >maybe.csv && bad 3 '"maybe" is none of the classes' eval o/last.safetensors --data '{type: csv, file: maybe.csv}' --split test

# A model of an older version has no gradus.table: by name it is read as ever, what it does not tell is refused
old() { LC_ALL=C sed 's/"gradus\.table"/"gradus.older"/' "$1" >"$2"; }
code 0 predict o/last.safetensors other.csv --json && numbers out.txt >new.txt
old o/last.safetensors old.safetensors && code 0 predict old.safetensors other.csv --json && numbers out.txt >a.txt && same new.txt a.txt "an older model"
code 0 eval old.safetensors --json && same test.txt out.txt "an older model"
old b/last.safetensors old.safetensors && bad 3 'has 3 columns without names, but the model takes 2' predict old.safetensors bare.csv

# What is no table of names and numbers is refused before anything is written
refused() { # PATTERN TABLE SOURCE
  printf "$2" >bad.csv
  recipe bad.yaml "{type: csv, file: bad.csv, $3}" none 2 2
  bad 3 "$1" train bad.yaml --out bad
  [[ -e bad/best.safetensors || -e bad/metrics.jsonl ]] && short "$1: a run was begun"
  rm -rf bad
}
refused 'bad.csv": line 1, column 1: "NA" is text beside numbers' 'NA,2.5,0\n1,2,1\n2,3,0\n' 'target: 2'
has err.txt 'header: false.*missing: \["NA"\].*header: true'
refused 'line 2, column 3: the byte 0xfc is not UTF-8' 'a,b,y\n1,2,gr\xfcn\n2,3,rot\n' 'target: y'
refused 'line 1, column 2: the byte 0xe9 is not UTF-8' 'a,\xe9t\xe9,y\n1,2,0\n2,3,1\n' 'target: y'
refused 'line 2, column 2: a NUL byte' 'a,b,y\n1,\0002,0\n2,3,1\n' 'target: y'
refused 'columns 1 and 2 are both called "a"' 'a,a,y\n1,2,0\n2,3,1\n' 'target: y'
refused 'columns 2 and 3 are both called "y"' 'a,y,y\n1,0,0\n2,1,1\n' 'target: y'
refused 'labels up to 2 in ".*bad.csv"' 'a,b,y\n1,2,0\n2,3,2\n' 'target: y'
printf 'u,v,y\n1,2,gr\xfcn\n' >latin.csv
bad 3 'line 2, column 3: the byte 0xfc' eval o/last.safetensors --data '{type: csv, file: latin.csv}' --split test
bad 3 'line 2, column 3: the byte 0xfc' predict o/last.safetensors latin.csv

# What a file holds or is called never reaches the terminal as it is
escapes() { LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f-\xff]' "$@" && short "a control character or half a character in $*: $(LC_ALL=C grep $'[\x01-\x08\x0b-\x1f\x7f-\xff]' "$@" | head -n 2 | cat -v)"; }
awk 'BEGIN { OFS = ","; print "u", "v\033[2J", "y"; for (i = 0; i < 40; i++) print i % 7, i % 5, i % 2 ? "\"n\033[31m\ro\"" : "yes" }' >wild.csv
recipe w.yaml '{type: csv, file: wild.csv, target: y}' '{type: csv, file: wild.csv}' 2 2
code 0 train w.yaml --out w && escapes out.txt err.txt
has err.txt 'names: "u", "v.x1b\[2J", "y"'
code 0 eval w/last.safetensors && escapes out.txt err.txt
cp wild.csv $'a\033[7m\xff.csv' && code 0 predict w/last.safetensors $'a\033[7m\xff.csv' && escapes out.txt err.txt
has out.txt '^a.x1b\[7m.xff.csv\[0\]  '
code 0 predict w/last.safetensors $'a\033[7m\xff.csv' --json && escapes out.txt err.txt
has out.txt '"input":"a.*csv\[0\]"'
printf 'u,v\n1,2\n' | sed $'s/u/u\033[1m/' >wrong.csv && bad 3 'no column "u"' predict w/last.safetensors wrong.csv && escapes err.txt
printf 'u,v,y\n1,\033]0;x\a,0\n' >wrong.csv && bad 3 '"v.x1b.2J"' predict w/last.safetensors wrong.csv && escapes err.txt
awk 'BEGIN { print "u,v,y"; for (i = 0; i < 40; i++) print i % 7 "," i % 5 "," (i % 2 ? "\177\302\23331m" : "\342\200\256sey") }' >c1.csv
code 0 train w.yaml --out c1 --quiet --set data.train.file=c1.csv && code 0 predict c1/last.safetensors c1.csv --json && escapes out.txt
has out.txt '"label":"(.u007f.u009b31m|.u202esey)"'
code 0 predict c1/last.safetensors c1.csv && escapes out.txt
bad 3 'cannot read "no.x1b' predict w/last.safetensors $'no\033[1m\xff' --json && escapes out.txt err.txt
has out.txt '"message":"cannot read'

# A table's rows are named alike, however many; a lone sample of an array is its file
head -n 2 train.csv >row.csv
for rows in row train; do
  "$gradus" predict o/last.safetensors - --json <$rows.csv >out.txt 2>err.txt || short "standard input: $(cat err.txt)"
  head -n 1 out.txt >first.txt && has first.txt '"input":"/dev/stdin\[0\]"'
done
code 0 predict o/last.safetensors row.csv && has out.txt '^row.csv\[0\]  '
finish
