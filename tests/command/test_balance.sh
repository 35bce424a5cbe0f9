#!/bin/bash
# data.balance from a recipe to its run: counts, bytes, threads, resuming, and what cannot be balanced.
. "$(dirname "$0")/lib.sh"

awk 'BEGIN { srand(11); print "a,b,shade,kind"
  for (i = 0; i < 400; i++) { c = i % 25 == 3 ? 2 : i % 8 == 1; m = c == 2 ? 4 : c == 1 ? -2 : 0
    printf "%.4f,%.4f,%d,%s\n", m + 3 * rand() + rand(), m + 4 * rand(), (i * 7 + c) % 3, c == 2 ? "rare" : c ? "some" : "most" } }' >t.csv
recipe() { # FILE BALANCE LINES...
  local file=$1 how=$2
  shift 2
  printf '%s\n' 'gradus: 1' "data: {train: {type: csv, file: t.csv, target: kind}, validation: {split: 0.2}, batch: 16, prepare: [standardize], balance: $how}" \
    'model: {input: [3], layers: [{type: dense, units: 6, activation: relu}, {type: dense, units: 3}]}' 'optimizer: {type: sgd, lr: 0.05, momentum: 0.9}' \
    'stop: {epochs: 2}' "$@" >"$file"
}
counts() { # RUN KEY: {"most": 1, ...} as "1 2 3"
  tr -d ' \n' <"$1/result.json" | sed -nE "s/.*\"$2\":\{([^}]*)\}.*/\1/p"
}

# ---- counts, bytes and bits of every member
members=(oversample undersample smote '{type: smote, form: box, k: 3}' '{type: smote, categorical: [shade]}' '{type: smote, target: 0.5}' adasyn
  '{type: adasyn, form: exact, threshold: 1, categorical: [2]}' '{type: hard_undersample, models: 2, epochs: 2}')
for how in "${members[@]}"; do
  recipe r.yaml "$how"
  rm -rf one two
  code 0 train r.yaml --out one --set threads=1 || continue
  grep -qE "^gradus: note: ${how//[\{\}]/}" /dev/null || has err.txt 'note: [a-z_]*: 320 training samples become [0-9]+'
  [[ $(counts one classes) == '"most":269,"rare":13,"some":38' ]] || short "$how: classes are $(counts one classes)"
  [[ $(field one/result.json peak_bytes) == "$(field one/result.json planned_bytes)" ]] || short "$how: took other bytes than were planned"
  code 0 train r.yaml --out two --set threads=3 --quiet
  same one/last.safetensors two/last.safetensors "$how, threads"
  code 0 plan r.yaml --json --set threads=1
  total=$(field out.txt total)
  [[ $total == "$(field one/result.json planned_bytes)" ]] || short "$how: plan says $total bytes"
  rm -rf one
  code 0 train r.yaml --out one --quiet --set threads=1 --set memory="$total"
  bad 4 "memory allows|budget|bytes" train r.yaml --out three --set threads=1 --set memory=$((total - 1)) --set remat=none
  [[ ! -e three ]] || short "$how: a refused run left something"
  case $how in
    undersample | *hard*) want='"most":13,"rare":13,"some":13' ;;
    *0.5*) want='"most":269,"rare":135,"some":135' ;;
    adasyn) want='"most":269,"rare":' ;;
    *) want='"most":269,"rare":269,"some":269' ;;
  esac
  [[ $(counts one balanced) == "$want"* ]] || short "$how: balanced are $(counts one balanced)"
done

# ---- a run that goes on goes on with the same rows
recipe r.yaml smote
rm -rf whole part
code 0 train r.yaml --out whole --quiet --set stop.epochs=4
code 0 train r.yaml --out part --quiet --set stop.epochs=2
code 0 train r.yaml --out part --quiet --set stop.epochs=4 --resume
same whole/last.safetensors part/last.safetensors "resumed"
bad 2 "another data" train r.yaml --out part --set stop.epochs=5 --set data.balance=adasyn --resume

# ---- what is looked at: the same rows; evaluation: those of the source
code 0 check r.yaml
has out.txt '^ok +T3 .* 807 samples'
code 0 eval whole/best.safetensors --split train --json
[[ $(field out.txt samples) == 320 ]] || short "eval balances the training part: $(field out.txt samples) samples"

# ---- the split is that of the source
recipe s.yaml none
recipe r.yaml hard_undersample
code 0 data split s.yaml -o plain.tsv
code 0 data split r.yaml -o balanced.tsv
same plain.tsv balanced.tsv "manifests"
grep -q 'model 1 of' err.txt && short "a manifest needs no models"

# ---- said once: that classes are unequal, unless the recipe knows
recipe r.yaml none 'metrics: [accuracy]'
code 0 train r.yaml --out run1
[[ $(grep -c 'are unbalanced' err.txt) -eq 1 ]] || short "unequal classes are told $(grep -c 'are unbalanced' err.txt) times"
[[ $(counts run1 classes) == '"most":269,"rare":13,"some":38' && ! $(counts run1 balanced) ]] || short "counts without balance: $(counts run1 classes)"
recipe r.yaml smote 'metrics: [accuracy]'
code 0 train r.yaml --out run2
[[ $(grep -c 'are unbalanced' err.txt) -eq 0 ]] || short "unequal classes are told though they are balanced"

[[ $(grep -c 'decide; prepare: ' err.txt) -eq 0 ]] || short "prepared numbers are taken for others"
code 0 train r.yaml --out run6 --set 'data.prepare=[]'
[[ $(grep -c 'decide; prepare: ' err.txt) -eq 1 ]] || short "that numbers are not prepared is told $(grep -c 'decide; prepare: ' err.txt) times"

# ---- missing values are filled first
sed '7s/^[^,]*/NA/; 30s/^[^,]*/NA/; 31s/^[^,]*/NA/' t.csv >m.csv
sed 's/t.csv/m.csv/; s/target: kind/target: kind, missing: [NA]/' r.yaml >m.yaml
code 0 train m.yaml --out run3 --quiet

# ---- columns of categories stay what they are, expanded as always
sed '2,$s/^\([^,]*,[^,]*\),0,/\1,red,/; s/^\([^,]*,[^,]*\),1,/\1,blue,/; s/^\([^,]*,[^,]*\),2,/\1,green,/' t.csv >c.csv
recipe c.yaml smote
sed -i 's/t.csv, target: kind/c.csv, target: kind, columns: [a, {name: shade, as: category}, b]/; s/input: \[3\]/input: [5]/' c.yaml
for how in smote adasyn oversample hard_undersample; do
  code 0 train c.yaml --out run7 --overwrite --set "data.balance=$how" --quiet
  [[ $(field run7/result.json peak_bytes) == "$(field run7/result.json planned_bytes)" ]] || short "$how of categories took other bytes than were planned"
done

# ---- bytes, as pictures are
small s.yaml
for more in augment=[] 'augment=[flip, {type: crop, pad: 2}]' 'augment_mode={materialise: 3}' 'augment=[{type: mixup, alpha: 0.2}]'; do
  for how in oversample smote hard_undersample; do
    set -- --quiet --set "data.balance={type: $how, target: 0.9}" --set 'data.augment=[flip]' --set "data.$more" --set stop.epochs=1
    rm -rf run4
    code 0 train s.yaml --out run4 "$@"
    [[ $(field run4/result.json peak_bytes) == "$(field run4/result.json planned_bytes)" ]] || short "$how, $more: took other bytes than were planned"
    code 0 plan s.yaml --json "$@"
    [[ $(field out.txt total) == "$(field run4/result.json planned_bytes)" ]] || short "$how, $more: plan says $(field out.txt total) bytes"
  done
done

# ---- one sample of a class is copied, and that is said
{ cat t.csv && echo 9,9,1,lone; } >l.csv
recipe l.yaml smote
sed -i 's/t.csv/l.csv/; s/, validation: {split: 0.2}//; s/units: 3}\]/units: 4}]/' l.yaml
code 0 train l.yaml --out run5
has err.txt 'warning: smote: class "lone" has one training sample'

# ---- refused
awk 'BEGIN { print "a,kind"; for (i = 0; i < 40; i++) printf "%d,%s\n", i < 8 ? i : 1000 + i, i < 8 ? "x" : "y" }' >far.csv
recipe f.yaml adasyn
sed -i 's/t.csv/far.csv/; s/input: \[3\]/input: [1]/; s/units: 3}\]/units: 2}]/' f.yaml
bad 3 'f.yaml:2.*adasyn: no sample of class "x" has one of another class' train f.yaml --out no
has err.txt 'use smote'
recipe r.yaml '{type: smote, categorical: [colour]}'
bad 3 'no input column "colour"' train r.yaml --out no
recipe r.yaml '{type: smote, categorical: [3]}'
bad 3 'samples have 3 numbers' train r.yaml --out no
recipe r.yaml smote
bad 2 'holds indices' train r.yaml --out no --set 'model.layers=[{type: embedding, vocabulary: 9, units: 2}, flatten, {type: dense, units: 3}]' --set 'data.prepare=[]'
bad 2 'no head has one class' train r.yaml --out no --set cost=mse
recipe h.yaml oversample
sed -i 's/target: kind/targets: {kind: kind, other: shade}/; s/units: 3}\]/units: 3, name: last}]/' h.yaml
echo 'heads: {kind: {from: last}, other: {from: last}}' >>h.yaml
bad 2 'several heads' train h.yaml --out no
[[ ! -e no ]] || short "a refused run left something"
finish
