#!/bin/bash
# check, rule by rule: which ids there are, which are asked; planted faults that the right one names, and the fix that it gives, pasted (T6, T7, X2, X3, X6, X10 to X13, X16 to X18, T2, T15, T16, T18).
. "$(dirname "$0")/lib.sh"
small r.yaml "data: {train: {type: synthetic, kind: digits, n: 300, seed: 1}, validation: {split: 0.2}, batch: 32, prepare: [standardize]}"

# VERDICT ID: what JSON has of it
verdict() { sed -E 's/\},\{/\n/g' out.txt | grep -E "\"id\":\"$1\"" | sed -E 's/.*"verdict":"([a-z]*)".*/\1/'; }
fix() { sed -E 's/\},\{/\n/g' out.txt | grep -E "\"id\":\"$1\"" | sed -E 's/.*"fix":"([^"]*)".*/\1/; s/\\n/\n/g'; }
# ID WANTED ARGS...: asked for alone
says() {
  local id=$1 want=$2 exit=0
  shift 2
  [[ $want == failed ]] && exit=1
  code "$exit" check "$@" --only "$id" --json || return 0
  [[ $(verdict "$id") == "$want" ]] || short "$id of $*: $(verdict "$id"), not $want: $(sed -E 's/\},\{/\n/g' out.txt | grep "\"id\":\"$id\"")"
}
# ID VERDICT SET RECIPE...: a setting that is a fault; the first line of its fix, as --set takes it, mends it
mends() {
  local id=$1 want=$2 line
  shift 2
  says "$id" "$want" "$@"
  local sets=()
  while IFS= read -r line; do
    [[ $line == *": "* ]] || { short "$id of $*: the fix is no key: $line"; return 0; }
    sets+=(--set "${line%%: *}=${line#*: }")
  done < <(fix "$id")
  says "$id" ok "$@" "${sets[@]}"
}

# Every id once; what is not asked for is skipped; one check may have two ids, and says the same under either
code 0 check r.yaml --only X11 --json
for id in T3 T4 T5 T6 T7 X1 X2 X3 X4 X5 X6 X7 X8 X9 X10 X11 X12 X13 X14 X15 X16 X17 X18 T9 T15 T16 T18 I1 I2 P4; do
  [[ $(grep -o "\"id\":\"$id\"" out.txt | wc -l) -eq 1 ]] || short "$id stands $(grep -o "\"id\":\"$id\"" out.txt | wc -l) times in checks"
done
[[ $(grep -o '"verdict":"skipped"' out.txt | wc -l) -eq 29 && $(verdict X11) == ok ]] || short "--only X11 asks for others"
code 0 check r.yaml --json --skip T6,X13,P4 && [[ $(verdict T6) == skipped && $(verdict X9) == ok && $(verdict T7) == ok && $(verdict X7) == ok && $(verdict X13) == skipped ]] || short "--skip T6 leaves X9, T7 and X7: $(verdict X9) $(verdict T7) $(verdict X7)"
grep -qE '"verdict":"(failed|warning)"' out.txt && short "a sound recipe is not: $(sed -E 's/\},\{/\n/g' out.txt | grep -E '"verdict":"(failed|warning)"')"
bad 2 'there is no check "T33"' check r.yaml --only T33 && has err.txt 'did you mean T3'
bad 2 'there is no check ""' check r.yaml --skip X1,
bad 2 'go with all checks' check r.yaml --init --only X1
bad 2 'steps: 0 is not' check r.yaml --steps 0
bad 3 'nothing.safetensors' check r.yaml --only X10 --model nothing.safetensors

# Nothing is written that was not asked for, and a run stays as it is
all_files() { find . -type f ! -name out.txt ! -name err.txt -exec md5sum {} + | sort; }
code 0 train r.yaml --out run --quiet
before=$(all_files)
code 0 check r.yaml --skip P4
[[ $(all_files) == "$before" ]] || short "a check changes or writes files: $(diff <(all_files) <(echo "$before"))"
code 0 check r.yaml --only X2,X6,X10,X13 --sheets looks
for f in samples.html activations.html mistakes.html rates.csv; do [[ -s looks/$f ]] || short "--sheets writes no $f"; done
[[ $(head -n 1 looks/rates.csv) == lr,schedule,step,cost && $(wc -l <looks/rates.csv) -gt 100 ]] || short "rates.csv: $(head -n 2 looks/rates.csv)"
code 0 check r.yaml --only X10 --model run/best.safetensors && has out.txt '^ok +X10 .*the model'
code 0 check r.yaml --json --only X9,X12 --seed 5 && cp out.txt once.txt && code 0 check r.yaml --json --only X9,X12 --seed 5 --threads 2 && same once.txt out.txt "the same check with other threads"

# Where a training fits, so does what looks into it: with fewer samples at once, or not at all, which it says
code 0 plan r.yaml --json && total=$(grep -oE '"total":[0-9]+' out.txt | head -n 1 | grep -oE '[0-9]+')
code 0 check r.yaml --json --set memory="$total" && [[ $(verdict T3) == ok && $(verdict T9) == ok && $(verdict T7) == ok ]] || short "within the memory of a training: $(verdict T3) $(verdict T9) $(verdict T7)"
bad 4 "budget" check r.yaml --set memory=10K

# Real data, two samples
mends T7 failed r.yaml --set optimizer.lr=0
mends X7 failed r.yaml --set 'groups=[{match: "*", freeze: false, lr_scale: 0}]'
says T7 failed r.yaml --set 'groups=[{match: "head.*", freeze: true}, {match: "c1.weight", freeze: true}]' --set 'init.weights={type: constant, value: 0}'
awk 'BEGIN { srand(7); print "a,b,c,y"; for (i = 0; i < 400; i++) printf "%.4f,%.4f,%.4f,%d\n", rand(), rand(), rand(), rand() < 0.5 }' >noise.csv
cat >noise.yaml <<'YAML'
gradus: 1
name: noise
data: {train: {type: csv, file: noise.csv, target: y}, batch: 32, prepare: [standardize]}
model: {input: [3], layers: [{type: dense, units: 16, activation: relu}, {type: dense, units: 2}]}
optimizer: {type: adam, lr: 0.01}
YAML
says T6 failed noise.yaml
says X9 warning noise.yaml --steps 20

# Samples, pipelines
awk 'BEGIN { srand(3); for (part = 0; part < 3; part++) { file = part == 0 ? "train.csv" : part == 1 ? "like.csv" : "unlike.csv"; print "a,b,c,y" >file; for (i = 0; i < 300; i++) { k = i % 2; s = part == 2 ? 0.01 : 1; printf "%.4f,%.4f,%.4f,%d\n", s * (50 + 9 * rand() + 9 * k), s * 7 * rand(), s * 100 * rand(), k >file } } }'
cat >t.yaml <<'YAML'
gradus: 1
name: pipelines
data: {train: {type: csv, file: train.csv, target: y}, validation: {type: csv, file: like.csv, target: y}, batch: 32, prepare: [standardize]}
model: {input: [3], layers: [{type: dense, units: 16, activation: relu}, {type: dense, units: 2}]}
optimizer: {type: adam, lr: 0.01}
YAML
says X3 ok t.yaml
says X3 failed t.yaml --set data.validation.file=unlike.csv
says X2 failed r.yaml --set 'data.prepare=[{type: scale, by: 0}]'
says X2 ok r.yaml

# Layers, norms, costs
says X6 failed r.yaml --set 'model.layers[0].init={weights: zeros, bias: zeros}' --set 'groups=[{match: "c1.*", freeze: true}]'
small b.yaml "data: {train: {type: synthetic, kind: digits, n: 300, seed: 1}, batch: 32, prepare: [standardize]}" "model: {input: [16, 16, 1], layers: [{type: conv, filters: 4, kernel: 3, activation: relu}, {type: conv, filters: 6, kernel: 3, bias: false, name: c2}, {type: batch_norm, name: n1}, relu, flatten, {type: dense, units: 10, name: head}]}"
says X17 ok b.yaml
says X17 warning b.yaml --set 'model.layers[1].init={weights: {type: normal, std: 30}}'
says X18 failed t.yaml --set 'model.layers=[{type: dense, units: 2}, softmax, leaky_relu]'
mends X18 warning r.yaml --set 'model.layers[4].activation=relu'
says X18 ok r.yaml

# Sweeps, peaks
mends X13 warning t.yaml --set optimizer.lr=1e-9
mends X16 warning t.yaml --set optimizer=sgd --set optimizer.lr=1e9
says X12 warning t.yaml --set optimizer.lr=0

# What a design is for
mends T15 failed r.yaml --set limit.serving_bytes=1K
code 0 plan r.yaml --json && bytes=$(grep -oE '"serving":[0-9]+' out.txt | grep -oE '[0-9]+')
says T15 ok r.yaml --set "limit.serving_bytes=$bytes"
says T15 failed r.yaml --set "limit.serving_bytes=$((bytes - 1))"
bad 4 'serving' train r.yaml --out small --quiet --set "limit.serving_bytes=$((bytes - 1))"
mends T16 warning r.yaml --set phase=design --set optimizer=adam --set 'schedule={type: step, every: 5 epochs, gamma: 0.5}'
mends T16 warning r.yaml --set phase=design --set schedule=constant --set optimizer=rangerlars
mends T16 warning r.yaml --set phase=design --set schedule=constant --set optimizer=lion --set 'sam={rho: 0.1}'
mends T18 warning r.yaml --set phase=design --set data.augment='[flip]'
for phase in new established none; do says T16 ok r.yaml --set phase=$phase --set optimizer=rangerlars; says T18 ok r.yaml --set phase=$phase --set data.augment='[flip]'; done
mends X5 warning r.yaml --set phase=design --set data.batch=300 --set data.train.n=900
bad 2 'phase' check r.yaml --set phase=sketch

# explain: a rule by its id, all of them
code 0 explain X9 && has out.txt 'answers T6 and X9' && has out.txt 'source: the chapter, 4.5.2'
code 0 explain checks && [[ $(wc -l <out.txt) -eq 27 ]] || short "explain checks has $(wc -l <out.txt) lines"
code 0 explain checks --json && has out.txt '"ids":"T5 X8","name":"expected_cost"'
finish
