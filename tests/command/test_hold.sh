#!/bin/bash
# Data that is not held in memory is read as it is needed: the same run to the bit, in less memory, held or read, also when a run goes on otherwise than it began.
. "$(dirname "$0")/lib.sh"
cut() { sed -E 's/"seconds":[^,]*,"samples_per_second":[^,}]*//' "$1"; }
perl -e 'srand 5; open F, ">x.idx"; binmode F; print F pack("C4N3", 0, 0, 8, 3, 3000, 12, 12); for (1 .. 3000) { $c = int rand 4; push @y, $c; print F pack("C*", map { int(40 * $c + rand 60) } 1 .. 144) }
open G, ">y.idx"; binmode G; print G pack("C4N", 0, 0, 8, 1, 3000), pack("C*", @y)'
gzip -k x.idx
recipe() { # FILE SAMPLES
  cat >"$1" <<YAML
gradus: 1
data: {train: {type: idx, images: $2, labels: y.idx}, validation: {split: 0.2}, prepare: [{type: scale, by: 1/255}, standardize], batch: 64, shuffle: every_epoch}
model: {input: [12, 12, 1], layers: [flatten, {type: dense, units: 16, activation: relu}, {type: dense, units: 4}]}
stop: {epochs: 2}
checkpoint: {every: 20, keep: 5}
YAML
}
recipe plain.yaml x.idx
recipe packed.yaml x.idx.gz
code 0 train plain.yaml --out held --quiet
for how in "--set hold=0" "--set hold=100K --threads 2" "--set hold=0 --set workers=3" "--set memory=500K"; do
  # shellcheck disable=SC2086 # words of options
  code 0 train plain.yaml --out read --overwrite --quiet $how
  same held/last.safetensors read/last.safetensors "$how"
  same <(cut held/metrics.jsonl) <(cut read/metrics.jsonl) "metrics, $how"
  held=$(field held/result.json planned_bytes) read=$(field read/result.json planned_bytes)
  [[ $read -lt $((held - 200000)) ]] || short "$how: $read bytes, held $held"
  [[ $(field read/result.json peak_bytes) -le $read ]] || short "$how took more than planned"
done
code 0 plan plain.yaml --set hold=0 --json
plan=$(field out.txt total)
[[ $plan -eq $(field read/result.json planned_bytes) ]] || code 0 train plain.yaml --out again --quiet --set hold=0
[[ ! -e again || $(field again/result.json planned_bytes) -eq $plan ]] || short "the plan says $plan, the run $(field again/result.json planned_bytes)"

# What is packed can only be held: then the budget says so
code 0 train packed.yaml --out packed --quiet --set hold=0
same <(cut held/metrics.jsonl) <(cut packed/metrics.jsonl) "packed"
bad 4 "data" train packed.yaml --out refused --set memory=300K

# A run that began with its data in memory goes on reading it, and the other way round
code 0 train plain.yaml --out half --quiet --set stop.epochs=1 --set hold=0
code 0 train plain.yaml --out half --quiet --resume
code 0 train plain.yaml --out whole --quiet --set stop.epochs=1
code 0 train plain.yaml --out whole --quiet --resume --set hold=0
same half/last.safetensors whole/last.safetensors "resumed otherwise than begun"

# A file that became shorter meanwhile is an error, not a crash
code 0 eval held/last.safetensors --split validation --json
head -c 100000 x.idx >short.idx
mv short.idx x.idx
bad 3 "promises" train plain.yaml --out refused --set hold=0

# Tables: rows are parsed again, where each begins is kept; numbers, categories, quotes, missing values and empty lines
perl -e 'srand 6; print "size,colour,\"a \"\"note\"\"\",weight,kind\n"; for (1 .. 4000) { $c = int rand 3;
printf "%s,%s,\"line %d\nof a \"\"note\"\"\",%.17g,%s\n%s", rand() < 0.1 ? "NA" : 3 * $c + rand 4, ("red", "green", "blue")[int rand 3], $_, $c - 2 * rand(), ("ant", "bee", "cow")[$c], $_ % 50 ? "" : "\n" }' >t.csv
cat >table.yaml <<'YAML'
gradus: 1
data:
  train: {type: csv, file: t.csv, target: kind, columns: [size, {name: colour, as: category}, weight], missing: [NA]}
  validation: {split: 0.2}
  prepare: [impute, standardize]
  batch: 64
  shuffle: every_epoch
model: {input: [5], layers: [{type: dense, units: 8, activation: relu}, {type: dense, units: 3}]}
stop: {epochs: 2}
YAML
code 0 train table.yaml --out held --overwrite --quiet
for how in "--set hold=0" "--set hold=0 --set workers=3 --threads 2" "--set hold=50K --threads 1"; do
  # shellcheck disable=SC2086 # words of options
  code 0 train table.yaml --out read --overwrite --quiet $how
  same held/last.safetensors read/last.safetensors "table, $how"
  same <(cut held/metrics.jsonl) <(cut read/metrics.jsonl) "metrics of a table, $how"
  [[ $(field read/result.json planned_bytes) -lt $(field held/result.json planned_bytes) ]] || short "table, $how: $(field read/result.json planned_bytes) bytes"
  [[ $(field read/result.json peak_bytes) -le $(field read/result.json planned_bytes) ]] || short "table, $how took more than planned"
done
code 0 plan table.yaml --set hold=0 --json
plan=$(field out.txt total)
code 0 train table.yaml --out read --overwrite --quiet --set hold=0
[[ $(field read/result.json planned_bytes) -eq $plan ]] || short "the plan of a table says $plan, the run $(field read/result.json planned_bytes)"
finish
