#!/bin/bash
# gradus data check and split: planted faults are named by sample, what the list leaves out is gone, clean data is clean; wrong usage is said. [mission D1 to D4, D11, D12]
. "$(dirname "$0")/lib.sh"

recipe() { # FILE DATA [INPUTS]
  cat >"$1" <<YAML
gradus: 1
name: t
seed: 3
data: {$2, batch: 16}
model: {input: [${3:-3}], layers: [{type: dense, units: 3}]}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 1}
YAML
}
table() { # SEED ROWS: columns a, b, c, who, day, kind
  awk -v seed="$1" -v n="$2" 'BEGIN { srand(seed); print "a,b,c,who,day,kind"
    for (i = 0; i < n; i++) { k = int(3 * rand()); printf "%.5f,%.5f,%.5f,P%02d,2024-%02d-%02d,%s\n", rand() + k, rand(), rand(), 15 * rand(), 1 + 12 * rand(), 1 + 28 * rand(),
      k == 0 ? "ant" : k == 1 ? "bee" : "cow" } }'
}
finding() { # KIND: its object in out.txt
  grep -oE "\{\"kind\":\"$1\"[^]]*\][^}]*\}" out.txt || short "no finding $1"
}

# ---- a clean table: nothing is found, and --json is one object ----
for seed in 1 2 3; do
  table $seed 240 >t.csv
  recipe t.yaml 'train: {type: csv, file: t.csv, target: kind, columns: [a, b, c]}, validation: {split: 0.2}'
  code 0 data check t.yaml --label-model none --json
  has out.txt '^\{"samples":\{"train":192,"validation":48\},"classes":\{"train":\{"ant":[0-9]+,"bee":[0-9]+,"cow":[0-9]+\},"validation":\{.*\}\},"findings":\[.*\],"verdict":"(ok|warnings)"\}$'
  grep -q '"severity":"error"' out.txt && short "seed $seed: an error in clean data: $(cat out.txt)"
done

# ---- planted faults, a row each ----
awk 'NR == 12 { $0 = "1,oops,0,P1,2024-01-01,ant" } NR == 22 { $0 = "1,inf,0,P1,2024-01-01,ant" } NR == 32 { $0 = "1,2,0,P1" } NR == 42 { $0 = "1,2,0,P1,2024-01-01," }
  NR == 52 { kept = $0 } NR == 72 { $0 = kept } NR == 80 { sub(/,[a-z]+$/, ",ant") } NR == 80 { one = $0 } NR == 90 { $0 = one; sub(/,ant$/, ",bee") } NR == 100 { $0 = "9999,0,0,P1,2024-01-01,cow" } { print }' t.csv >bad.csv
{ head -n 1 t.csv; sed -n 61p t.csv; table 9 60 | tail -n +2; } >v.csv
recipe bad.yaml 'train: {type: csv, file: bad.csv, target: kind, columns: [a, b, c]}, validation: {type: csv, file: v.csv}'
bad 3 'line 32 has 4 fields' train bad.yaml
code 1 data check bad.yaml --label-model none --fix out.txt.list.txt --json
[[ $(wc -l <out.txt) -eq 1 ]] || short "--json prints $(wc -l <out.txt) lines"
for want in 'undecodable 10 12' 'nonfinite 20 22' 'shape 30 32' 'missing_label 40 42' 'leak 59 61' 'outlier 98 100'; do
  read -r kind index line <<<"$want"
  finding "$kind" | grep -qF "\"count\":1,\"samples\":[{\"part\":\"train\",\"index\":$index,\"file\":\"bad.csv\",\"line\":$line}]" || short "$kind is not row $index: $(finding "$kind")"
done
finding duplicate | grep -qE '"count":2,"samples":\[\{"part":"train","index":70,[^}]*\},\{"part":"train","index":88,' || short "duplicates: $(finding duplicate)"
finding conflicting_labels | grep -qE '"count":2,"samples":\[\{"part":"train","index":78,[^}]*\},\{"part":"train","index":88,' || short "conflict: $(finding conflicting_labels)"
has out.txt '"verdict":"errors"'
code 1 data check bad.yaml --label-model none
has out.txt '^error +undecodable +train +1$'
has out.txt '^           train 10 \(line 12\)$'
has err.txt 'findings of the data are errors'

# ---- the list is one that the recipe takes: the data is sound without those rows, and trains ----
mv out.txt.list.txt out.list
for row in 'train 10 undecodable' 'train 20 nonfinite' 'train 30 shape' 'train 40 missing_label' 'train 59 leak' '# train 98 outlier'; do grep -qx "$row" out.list || short "the list has no '$row'"; done
code 0 data check bad.yaml --label-model none --set data.exclude=out.list
has out.txt '^warnings$'
grep -q '^error' out.txt && short "errors remain: $(cat out.txt)"
code 0 train bad.yaml --set data.exclude=out.list --out run
has out.txt 'models:'
cp out.list before
echo 'train 77' >>out.list
bad 3 'data.exclude: .*out.list" has changed' train bad.yaml --set data.exclude=out.list --out run --resume --set stop.epochs=2
cp before out.list
code 0 train bad.yaml --set data.exclude=out.list --out run --resume --set stop.epochs=2
echo 'train 999' >>out.list
bad 3 'row 999 is to be left out, but "bad.csv" has the rows 0 to 239' train bad.yaml --set data.exclude=out.list --out other
echo 'tran 3' >out.list
bad 3 'out.list:1:1: .*"tran 3" is no row to leave out' plan bad.yaml --set data.exclude=out.list
bad 3 'no.list' data check bad.yaml --set data.exclude=no.list

# ---- labels ----
awk -F, 'NR % 30 == 4 { sub(/,[a-z]+$/, $6 == "ant" ? ",cow" : ",ant") } { print }' t.csv >flip.csv
recipe flip.yaml 'train: {type: csv, file: flip.csv, target: kind, columns: [a, b, c]}, prepare: [standardize]'
code 0 data check flip.yaml --label-model linear --epochs 20 --probabilities p.npy --json
finding suspicious_label >found.txt
right=$(grep -oE '"line":[0-9]+' found.txt | awk -F: '$2 % 30 == 4' | wc -l)
[[ $right -ge 5 ]] || short "only $right of 8 flips are suspicious: $(cat found.txt)"
[[ $(stat -c %s p.npy) -eq $((128 + 240 * 3 * 8)) ]] || short "p.npy has $(stat -c %s p.npy) bytes"
code 0 train flip.yaml --out m --set stop.epochs=20
recipe both.yaml 'train: {type: csv, file: t.csv, target: kind, columns: [a, b, c]}, validation: {type: csv, file: flip.csv}'
code 1 data check both.yaml --label-model none --model m/last.safetensors
has out.txt '^warning +suspicious_label +validation'

# ---- parts ----
recipe cut.yaml 'source: {type: csv, file: t.csv, target: kind, columns: [a, b, c]}, split: auto'
code 0 data split cut.yaml --json
has out.txt '^\{"parts":\{"train":\{"samples":192,"classes":\{"ant":[0-9]+,"bee":[0-9]+,"cow":[0-9]+\},"hash":"[0-9a-f]{16}"\},"validation":\{"samples":36,.*"test":\{"samples":12,'
code 0 data split cut.yaml --set 'data.split={validation: 0.2, test: 0.1, group: who}' -o g.tsv
awk -F'\t' 'NR == FNR { part[$1] = $2; next } FNR > 1 { split($0, c, ","); print c[4], part[FNR - 2] }' g.tsv t.csv | sort -u | cut -d' ' -f1 | uniq -d | grep -q . && short "someone is in two parts"
[[ $(cut -f2 g.tsv | sort -u | wc -l) -eq 4 ]] || short "a part has no group"
code 0 data split cut.yaml --set 'data.split={validation: 0.2, test: 0.1, order: day}' -o o.tsv
awk -F'\t' 'NR == FNR { part[$1] = $2; next } FNR > 1 { split($0, c, ","); print part[FNR - 2], c[5] }' o.tsv t.csv | sort -k2 | awk '{ n = $1 == "train" ? 0 : $1 == "validation" ? 1 : 2; if (n < last) bad = 1; last = n > last ? n : last } END { exit bad }' || short "days overlap"
code 0 plan cut.yaml --set 'data.split={validation: 0.2, group: who}'
code 0 data split cut.yaml -o a.tsv --set seed=4 && code 0 data split cut.yaml -o b.tsv --set seed=4 && same a.tsv b.tsv

# A part's hash is of its samples, in whatever order they stand.
{ head -n 1 t.csv; tail -n +2 t.csv | tac; } >tac.csv
recipe all.yaml 'train: {type: csv, file: t.csv, target: kind, columns: [a, b, c]}'
code 0 data split all.yaml && cp out.txt one.txt
code 0 data split all.yaml --set data.train.file=tac.csv && same one.txt out.txt "the same samples in another order"
code 0 data split all.yaml --set data.train.file=flip.csv && differ one.txt out.txt "other labels"

# ---- wrong usage ----
bad 2 'data: what is to be done comes first' data
bad 2 'there is no chek' data chek t.yaml
has err.txt 'did you mean check\?'
bad 2 'data check: an argument is missing' data check
bad 2 'data check: too many arguments' data check a b
bad 2 'unknown flag --fixx' data check t.yaml --fixx x
bad 2 '--label-model: tree is not one of recipe, linear, none' data check t.yaml --label-model tree
bad 2 '--folds' data check t.yaml --folds 1
bad 2 'it writes a list of rows, which .csv is not' data check t.yaml --fix x.csv
bad 3 'no column "whom"|has no column' data split cut.yaml --set 'data.split={validation: 0.2, group: whom}'
bad 3 'no.csv' data check t.yaml --set data.train.file=no.csv
bad 3 'no.safetensors' data check t.yaml --model no.safetensors
code 0 data --help && has out.txt 'gradus data check RECIPE' && has out.txt 'gradus data split RECIPE'
code 0 data check --help && has out.txt 'near_duplicate' && has out.txt 'fix FILE'
code 0 help data split && has out.txt 'order: day'
finish
