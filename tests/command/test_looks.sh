#!/bin/bash
# D14: looks at the test data are counted by whatever opens it, said with when and by what, refused under --once, and a model that has no run has its own count.
. "$(dirname "$0")/lib.sh"

awk 'BEGIN { srand(4); print "a,b,kind"; for (i = 0; i < 120; i++) { k = i % 3; printf "%.4f,%.4f,%s\n", k + rand(), rand() - k, k == 0 ? "ant" : k == 1 ? "bee" : "cow" } }' >all.csv
cat >r.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: all.csv, target: kind}, validation: {split: 0.2}, test: {split: 0.2}, batch: 16, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 3}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.05}
stop: {epochs: 2}
YAML
code 0 train r.yaml --out run --quiet
looks() { wc -l <run/test-looks.jsonl; }
[[ -e run/test-looks.jsonl ]] && short "training looks at the test data"
m=run/best.safetensors
code 0 eval $m --split validation && code 0 eval $m --split train && code 0 curvature $m --probes 0 && code 0 predict $m all.csv
[[ -e run/test-looks.jsonl ]] && short "what opens no test data counts as a look at it"

code 0 eval $m --once # the first
grep -q warning err.txt && short "the first look warns"
[[ $(looks) -eq 1 ]] || short "one look is $(looks) lines"
has run/test-looks.jsonl '^\{"at":"20[0-9-]{8}T[0-9:]{8}Z","command":"eval","file":"run/best.safetensors","data":"120 samples, '
bad 1 "looked at 1 time with this run's models already, last by eval, 20[0-9TZ:-]+, and --once allows one" eval $m --once
bad 1 "looked at 1 time" eval run/last.safetensors --once
bad 1 "looked at 1 time" curvature $m --split test --probes 0 --once
[[ $(looks) -eq 1 ]] || short "refused looks are counted"
code 0 curvature $m --split test --probes 0
has err.txt "warning: the test data has been looked at 1 time with this run's models, last by eval"
code 0 eval $m --once --again --json
has err.txt "warning: the test data has been looked at 2 times .* last by curvature"
has run/test-looks.jsonl '"command":"eval",.*"again":true'
[[ $(looks) -eq 3 && $(grep -c again run/test-looks.jsonl) -eq 1 ]] || short "three looks, one of them again: $(cat run/test-looks.jsonl)"
has run/result.json '"evaluations": 3'
[[ $(looks) -eq 3 ]] || short "a look that failed is counted"

# What fails before anything is seen is no look
mv all.csv gone.csv
bad 3 'all.csv' eval $m
mv gone.csv all.csv
[[ $(looks) -eq 3 ]] || short "an evaluation without data is a look"
bad 2 'neither|number of' eval $m --threshold nought
[[ $(looks) -eq 3 ]] || short "wrong usage is a look"

# A resumed run keeps them, a new one in its place has none
code 0 train r.yaml --out run --quiet --resume --set stop.epochs=3
[[ $(looks) -eq 3 ]] || short "a resumed run forgets its looks"
bad 1 "3 times" eval $m --once
code 0 train r.yaml --out run --quiet --overwrite
[[ -e run/test-looks.jsonl ]] && short "another model has the looks of the old one"

# Runs of a version that counted in result.json alone
code 0 eval $m && code 0 eval $m && rm run/test-looks.jsonl
bad 1 "looked at 2 times with this run's models already, and" eval $m --once
code 0 eval $m
has run/test-looks.jsonl '"earlier":2'
bad 1 "looked at 3 times" eval $m --once

# A model elsewhere is counted beside it, and each by itself
mkdir away && cp $m away/one.safetensors && cp $m away/two.safetensors
code 0 eval away/one.safetensors --once && grep -q warning err.txt && short "a copy has the run's looks"
bad 1 "looked at 1 time with this file already" eval away/one.safetensors --once
code 0 eval away/two.safetensors --once
[[ $(field away/one.safetensors.looks.json evaluations) -eq 1 && $(grep -c '"command"' away/two.safetensors.looks.json) -eq 1 ]] || short "looks of files: $(ls away)"

# Two at a time: one is the first
rm -f away/*.json
for i in 1 2 3 4; do ("$gradus" eval away/one.safetensors --once >o$i.txt 2>e$i.txt; echo $? >c$i.txt) & done
wait
[[ $(cat c?.txt | sort | tr -d '\n') == 0111 ]] || short "of four looks under --once: $(cat c?.txt | tr '\n' ' ')"
[[ $(grep -l 'test accuracy' o?.txt | wc -l) -eq 1 ]] || short "a refused look shows what it saw"

# A folder that is only to be read: a warning, and the figures. What stands in the file is counted, whatever it is
rm -f away/*.json && mkdir away/one.safetensors.looks.json
code 0 eval away/one.safetensors
has err.txt 'warning: the look at the test data could not be recorded: cannot write .*Is a directory'
has out.txt '^test accuracy'
rmdir away/one.safetensors.looks.json
printf 'a line of something\n\n{}\n[1]' >away/one.safetensors.looks.json
bad 1 "looked at 3 times with this file already, and" eval away/one.safetensors --once
finish
