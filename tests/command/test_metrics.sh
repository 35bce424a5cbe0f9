#!/bin/bash
# Metrics from outside: which are told, where they are told, what makes a model best; figures that are not finite look good nowhere.
. "$(dirname "$0")/lib.sh"
near() { awk -v a="$1" -v b="$2" -v t="${3:-1e-12}" 'BEGIN { d = a - b; exit !(a + 0 == a && b + 0 == b && (d < 0 ? -d : d) <= t) }' || short "$1 is not $2${4:+ ($4)}"; }
lines() { grep '"validation_cost"' "$1"; } # the evaluations of a run
column() { sed -nE "s/.*\"$2\": ?([^,}]*).*/\1/p" "$1"; }

# Classes 12 to 1, by two noisy inputs: the majority alone gives a low error at once, and the cost says more than it.
unbalanced() { awk -v n="$1" -v seed="$2" 'BEGIN { srand(seed); print "a,b,kind"; for (i = 0; i < n; i++) { k = i % 13 == 0; printf "%.4f,%.4f,%s\n", 1.5 * k + rand() + rand(), 1.2 * k + rand() - rand(), k ? "rare" : "common" } }'; }
unbalanced 260 1 >train.csv
unbalanced 130 2 >held.csv
table() { # FILE LINES...: a recipe on these tables; further lines replace those of the same key
  local file=$1 line
  shift
  cat >"$file" <<'YAML'
gradus: 1
data: {train: {type: csv, file: train.csv, target: kind}, validation: {type: csv, file: held.csv, target: kind}, batch: 20, shuffle: every_epoch, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 6, activation: tanh, name: h}, {type: dense, units: 2, name: head}]}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.02}
stop: {epochs: 12}
YAML
  for line in "$@"; do
    sed -i "/^${line%%:*}:/d" "$file"
    echo "$line" >>"$file"
  done
}

# ---- F1 is added, and said, where classes are unbalanced beyond 3:1 and no metrics are given ----
table r.yaml
code 0 train r.yaml --out run
has err.txt "^gradus: note: f1 is added to the metrics: .* 240 samples to 20$"
has run/metrics.jsonl '"validation_accuracy":[^,]*,"validation_f1":'
has run/recipe.yaml "^metrics: \[accuracy, \{type: f1, "
code 0 train run/recipe.yaml --out again # the resolved recipe is the same run
grep -q "f1 is added" err.txt && short "f1 is said to be added where the recipe has it"
same run/last.safetensors again/last.safetensors "the resolved recipe"
for given in accuracy none '[accuracy, mcc]'; do
  code 0 train r.yaml --out given --overwrite --set "metrics=$given"
  grep -q "f1 is added" err.txt && short "metrics: $given, and f1 is added"
  grep -q validation_f1 given/metrics.jsonl && short "metrics: $given, and f1 is told"
done
# Named metrics stay, and what would tell more is said, unless one of them tells of the small class or the cost weighs it.
note='^gradus: note: the classes of the training data are unbalanced, 240 samples to 20: f1 would tell more than '
for given in accuracy '[accuracy]' '[log_loss, accuracy]' '{type: top_k, k: 1}'; do
  code 0 train r.yaml --out given --overwrite --set "metrics=$given"
  [[ $(grep -c "$note" err.txt) -eq 1 ]] || short "metrics: $given: $(cat err.txt)"
  grep -q f1 given/metrics.jsonl && short "metrics: $given, and f1 is added"
done
for given in none f1 '[accuracy, mcc]' '[balanced_accuracy]' '[accuracy, recall]' '[precision]' '[auc, accuracy]'; do
  code 0 train r.yaml --out given --overwrite --set "metrics=$given"
  grep -q 'would tell more' err.txt && short "metrics: $given, and f1 is recommended"
done
code 0 train r.yaml --out given --overwrite --set metrics=accuracy --set 'cost={type: cross_entropy, class_weights: balanced}'
grep -q 'would tell more' err.txt && short "classes are weighted, and f1 is recommended"
{ head -n 1 train.csv; grep rare train.csv; grep -m 60 common train.csv; } >mild.csv # 60 to 20: 3:1 is not beyond 3:1
code 0 train r.yaml --out given --overwrite --set data.train.file=mild.csv
grep -q "f1 is added" err.txt && short "f1 is added at 3:1"
grep -m 61 common train.csv | tail -n 1 >>mild.csv
code 0 train r.yaml --out given --overwrite --set data.train.file=mild.csv
has err.txt "unbalanced, 61 samples to 20$"

# An always-majority model: F1 of the rarer class is 0, whichever number that has; named otherwise, it is that of the other
for name in rare:common:0 zebra:common:0 common:zebra:1; do
  IFS=: read -r rare common other <<<"$name"
  sed "s/rare/Q/; s/common/$common/; s/Q/$rare/" train.csv >named.csv
  k=$([[ $rare < $common ]] && echo 0 || echo 1)
  table m.yaml "data: {train: {type: csv, file: named.csv, target: kind}, validation: {type: csv, file: named.csv, target: kind}}"
  sed -i "s/name: head}/name: head, init: {weights: zeros, bias: {type: constant, value: 0}}}/" m.yaml
  code 0 train m.yaml --out major --quiet --overwrite --set optimizer.lr=0.0001 --set stop.epochs=1 --set 'init={last_bias: auto}' \
    --set 'model.layers[1].init=none' --set "metrics=[f1, {type: f1, average: macro}, {type: f1, positive: $((1 - k))}]"
  code 0 eval major/last.safetensors --split validation --json
  [[ $(field out.txt f1) == 0 || $(field out.txt f1) == 0.0 ]] || short "$name: f1 of a model that says $common to all is $(field out.txt f1)"
  near "$(field out.txt "f1_$((1 - k))")" 0.96 1e-9 "$name: 2 240 / (2 240 + 20)"
  near "$(field out.txt f1_macro)" 0.48 1e-9 "$name"
done

# ---- every metric that a recipe names is in metrics.jsonl and in eval, to the last bit ----
all="[accuracy, {type: top_k, k: 1}, f1, {type: f1, average: weighted}, {type: precision, average: micro}, recall, mcc, balanced_accuracy, auc, log_loss, perplexity, bits_per_byte]"
code 0 train r.yaml --out all --quiet --set "metrics=$all" --set best_by=auc
code 0 eval all/last.safetensors --split validation --json
lines all/metrics.jsonl | tail -n 1 >last.txt
for name in accuracy top_k f1 f1_weighted precision recall mcc balanced_accuracy auc log_loss perplexity bits_per_byte; do
  near "$(field out.txt $name)" "$(field last.txt validation_$name)" 0 "$name"
done
near "$(field out.txt top_k)" "$(field out.txt accuracy)" 0 "the first of one is accuracy"
near "$(field out.txt log_loss)" "$(field out.txt cost_mean)" 1e-6 "without weights the loss is the cost"
[[ $(field all/result.json planned_bytes) == "$(field all/result.json peak_bytes)" ]] || short "scores of auc are not in the plan"
code 0 plan r.yaml --json --set "metrics=$all" && with=$(field out.txt total)
code 0 plan r.yaml --json && [[ $((with - $(field out.txt total))) -eq $((130 * 4)) ]] || short "130 scores take $((with - $(field out.txt total))) bytes"
code 0 eval all/last.safetensors --split validation --threads 2 --json
near "$(field out.txt auc)" "$(field last.txt validation_auc)" 0 "threads"

# ---- what makes a model best: the metric in its own direction, ties by the cost, then the earlier ----
best_of() { # FILE METRIC SIGN: the step that should be best by metrics.jsonl
  lines "$1" | sed -nE "s/.*\"step\":([0-9]+),.*\"validation_cost\":([^,}]*).*/\1 \2/p" >steps.txt
  paste -d ' ' steps.txt <(lines "$1" >l.txt; column l.txt "validation_$2") |
    awk -v s="$3" '$3 == "null" { next } { f = s * $3 } n++ == 0 || f < best || (f == best && $2 < cost) { best = f; cost = $2; step = $1 } END { print step }'
}
for by in error:1 cost:1 f1:-1 auc:-1 mcc:-1 log_loss:1 balanced_accuracy:-1 accuracy:-1 f1_macro:-1; do
  name=${by%:*}
  code 0 train r.yaml --out by --overwrite --quiet --set "metrics=[accuracy, f1, {type: f1, average: macro}]" --set best_by="$name" --set optimizer.lr=0.3
  want=$(best_of by/metrics.jsonl "$name" "${by#*:}")
  [[ $(field by/result.json step) == "$want" ]] || short "best_by $name: step $(field by/result.json step), not $want"
  case $name in error | cost) ;; *)
    near "$(sed -n '/"best"/,/}/p' by/result.json >b.txt; field b.txt "validation_$name")" "$(grep "\"step\":$want," by/metrics.jsonl | field /dev/stdin "validation_$name")" 0 "best_by $name is told";;
  esac
  code 0 eval by/best.safetensors --split validation --json
  near "$(field out.txt cost_mean)" "$(grep "\"step\":$want," by/metrics.jsonl | field /dev/stdin validation_cost)" 0 "best_by $name"
done
code 0 train r.yaml --out by --overwrite --quiet --set best_by=validation_mcc # as metrics.jsonl calls it
has by/metrics.jsonl validation_mcc
has by/recipe.yaml "^best_by: mcc"
bad 2 "best_by: unknown metric \"aucc\"" train r.yaml --out none --set best_by=aucc
bad 2 "best_by: rmse is for values" train r.yaml --out none --set best_by=rmse
bad 2 "best_by: it needs validation data" train r.yaml --out none --set best_by=f1 --set data.validation=none --set stop.patience=none
bad 2 "made with another best_by" train r.yaml --out by --resume --set best_by=f1
[[ -e none ]] && short "a refused run left a folder"

# A validation part where the metric has no value: null, said, and the cost decides. One evaluation, at the end, is enough otherwise
{ head -n 1 held.csv; grep common held.csv; } >alone.csv
code 0 train r.yaml --out alone --overwrite --set best_by=auc --set data.validation.file=alone.csv --set stop.epochs=2
has alone/metrics.jsonl '"validation_auc":null'
has err.txt "warning: best_by had no value in any evaluation: the cost decided what is best"
sed -n '/"best"/,/}/p' alone/result.json >b.txt
has b.txt '"validation_auc": null'
[[ $(field b.txt step) == 26 ]] || short "best is step $(field b.txt step), not the last"
code 0 train r.yaml --out alone --overwrite --set best_by=auc --set validate='{every: 100}' --set stop='{steps: 30}'
grep -q "best_by had no value" err.txt && short "a metric with a value at the end is said to have none"
sed -n '/"best"/,/}/p' alone/result.json >b.txt
code 0 eval alone/best.safetensors --split validation --json
near "$(field b.txt validation_auc)" "$(field out.txt auc)" 0 "the only evaluation"

# An error that stays at the majority's while the cost falls: no reason to stop, and the last model is the best
code 0 train r.yaml --out slow --overwrite --quiet --set optimizer.lr=0.002 --set stop='{epochs: 10, patience: 2}' --set init.last_bias=auto
lines slow/metrics.jsonl >l.txt
[[ $(column l.txt validation_error | sort -u | wc -l) -eq 1 ]] || short "the error moves: this test shows nothing"
column l.txt validation_cost | sort -c -g -r || short "the cost does not fall: this test shows nothing"
[[ $(field slow/result.json stop_reason) == epochs ]] || short "patience ends a run whose cost falls at every evaluation"
[[ $(sed -n '/"best"/,/}/p' slow/result.json | field /dev/stdin step) == $(field slow/result.json steps) ]] || short "the best is not the one of the lowest cost"
# A metric that does not move is no progress: patience waits for what best_by says, cost and all
code 0 train r.yaml --out slow --overwrite --quiet --set optimizer.lr=0 --set stop='{epochs: 10, patience: 2}' --set best_by=f1
[[ $(field slow/result.json stop_reason) == patience && $(lines slow/metrics.jsonl | wc -l) -eq 4 ]] || short "patience 2: $(lines slow/metrics.jsonl | wc -l) evaluations"
[[ $(sed -n '/"best"/,/}/p' slow/result.json | field /dev/stdin step) == 13 ]] || short "of equals the first is not best"

# ---- an average is evaluated as it is written ----
for run in "cycle: 3:every: 50:99" "cycle: 4:every: 7:57" "cycle: 5:every: 10:100" "cycle: 1:every: 1000:40"; do
  IFS=: read -r c1 c2 e1 e2 steps <<<"$run"
  for lr in 0.03 1; do
    code 0 train r.yaml --out swa --overwrite --quiet --set "average={type: swa, start: 0.3, $c1:$c2}" --set "validate={$e1:$e2}" --set stop="{steps: $steps}" --set optimizer.lr=$lr
    code 0 eval swa/swa.safetensors --split validation --json
    sed -n '/"average"/,/}/p' swa/result.json >a.txt
    near "$(field a.txt validation_cost)" "$(field out.txt cost_mean)" 1e-15 "the average of $run at $lr"
    near "$(field a.txt validation_error)" "$(field out.txt error)" 1e-15 "the average of $run at $lr"
    code 0 eval swa/best.safetensors --split validation --json
    sed -n '/"best"/,/}/p' swa/result.json >b.txt
    near "$(field b.txt validation_cost)" "$(field out.txt cost_mean)" 1e-15 "the best of $run at $lr"
    awk -v a="$(field a.txt validation_error)" -v ac="$(field a.txt validation_cost)" -v b="$(field b.txt validation_error)" -v bc="$(field b.txt validation_cost)" \
      'BEGIN { exit !(a + 0 == a && b + 0 == b && (b < a || (b == a && bc <= ac))) }' || short "$run at $lr: the average that is written is better than the best"
    [[ $(lines swa/metrics.jsonl | wc -l) -eq $((steps / e2)) ]] || short "$run: $(lines swa/metrics.jsonl | wc -l) evaluations told"
    cp swa/result.json before.json
    code 0 train r.yaml --out swa --resume --quiet --set "average={type: swa, start: 0.3, $c1:$c2}" --set "validate={$e1:$e2}" --set stop="{steps: $steps}" --set optimizer.lr=$lr
    same <(sed '/seconds/d; /bytes/d' before.json) <(sed '/seconds/d; /bytes/d' swa/result.json) "resumed at the end: $run"
  done
done

# ---- the training cost that is told is the mean since it was told before ----
code 0 train r.yaml --out mean --overwrite --set validate='{every: 5}' --set optimizer.lr=0.5 --set penalty.l2=0.01 --set stop.steps=48
lines mean/metrics.jsonl >l.txt
awk '/"train_cost"/ { match($0, /"samples":[0-9]+/); n = substr($0, RSTART + 10, RLENGTH - 10); match($0, /"train_cost":[^,]+/); c = substr($0, RSTART + 13, RLENGTH - 13)
  sum += c * (n - before); all += n - before; before = n } /"validation_cost"/ { printf "%.9f\n", sum / all; sum = all = 0 } END { printf "%.9f\n", sum / all }' mean/metrics.jsonl >want.txt
{ column l.txt train_cost_mean; column mean/result.json train_cost; } >got.txt
while read -r want got; do near "$got" "$want" 2e-8 "mean training cost"; done < <(paste want.txt got.txt)
[[ $(wc -l <got.txt) -eq 10 ]] || short "$(wc -l <got.txt) means, not 9 and the last"
awk '/"train_cost"/ { match($0, /"epoch":[^,]+/); e = substr($0, RSTART + 8, RLENGTH - 8); match($0, /"samples":[0-9]+/); n = substr($0, RSTART + 10, RLENGTH - 10)
  match($0, /"train_cost":[^,]+/); sum += substr($0, RSTART + 13, RLENGTH - 13) * (n - before); all += n - before; before = n }
  /"validation_cost"/ || e == int(e) { if (/"validation_cost"/) printf "%.9f\n", sum / all; sum = all = 0 }' mean/metrics.jsonl >since.txt # the line before, an epoch's too
sed -nE 's/^epoch .* cost ([0-9.]+) +validation.*/\1/p' err.txt >shown.txt
[[ $(wc -l <shown.txt) -eq 9 ]] || short "$(wc -l <shown.txt) lines of evaluations"
while read -r shown mean; do near "$shown" "$mean" 1e-5 "the line of an evaluation"; done < <(paste shown.txt since.txt)
[[ $(grep -c "^epoch.* validation cost" err.txt) -eq 9 ]] || short "$(grep -c '^epoch.* validation cost' err.txt) lines of evaluations, not 9"
# without validation data it is the epoch's, and ended in the middle of one and resumed the same
code 0 train r.yaml --out whole --quiet --set data.validation=none --set stop='{epochs: 3}'
for stop in 4 16 30; do code 0 train r.yaml --out parts --quiet --resume --set data.validation=none --set stop="{epochs: 3, steps: $stop}"; done
code 0 train r.yaml --out parts --quiet --resume --set data.validation=none --set stop='{epochs: 3}'
near "$(field parts/result.json train_cost)" "$(field whole/result.json train_cost)" 0 "resumed"
tail -n 13 whole/metrics.jsonl >l.txt
near "$(field whole/result.json train_cost)" "$(column l.txt train_cost | awk '{ s += $1 } END { printf "%.9f", s / NR }')" 1e-7 "mean of the last epoch"

# ---- not finite ----
# the last update explodes: the run ends as diverged, the best is one before, and nothing of the last looks good
table nf.yaml "schedule: {type: step, at: [155], factors: [1e42]}" "metrics: [accuracy, f1, auc]"
code 1 train nf.yaml --out nf
has err.txt "^gradus: warning: step 156: [0-9]+ of 260 outputs are not finite"
has err.txt "^gradus: training diverged: its last evaluation, at step 156, is not finite"
[[ $(field nf/result.json stop_reason) == diverged ]] || short "stop_reason is $(field nf/result.json stop_reason)"
has nf/result.json '"diverged": "step 156: the evaluation"'
[[ $(sed -n '/"final"/,/}/p' nf/result.json | grep -c 'validation_.*: null') -eq 2 ]] || short "final is not null"
step=$(sed -n '/"best"/,/}/p' nf/result.json | field /dev/stdin step)
[[ $step == "$(best_of nf/metrics.jsonl error 1)" && $step -lt 156 ]] || short "best is of step $step"
has nf/metrics.jsonl '"step":156,.*"validation_cost":null,"validation_error":null,"validation_accuracy":null,"validation_f1":null,"validation_auc":null'
code 0 eval nf/best.safetensors --split validation --json
near "$(field out.txt cost_mean)" "$(grep "\"step\":$step," nf/metrics.jsonl | field /dev/stdin validation_cost)" 0
code 0 eval nf/last.safetensors --split validation --json
has out.txt '"cost_mean":null,"cost_sum":null,"error":null,"metrics":\{"accuracy":null,.*"confusion":null'
has err.txt "^gradus: warning: validation: [0-9]+ of 260 outputs are not finite"
code 0 eval nf/last.safetensors --split validation
has out.txt "not finite"
grep -qE "accuracy|confusion|error 0" out.txt && short "eval shows figures of NaN"
code 0 eval nf/last.safetensors --data '{type: csv, file: held.csv, target: kind}' --quiet
sed -n '/"test"/,/}/p' nf/result.json >t.txt
[[ $(grep -c null t.txt) -eq 2 && $(field t.txt evaluations) == 1 ]] || short "the look at the test data: $(tr -d '\n' <t.txt)"
code 0 predict nf/last.safetensors held.csv
has out.txt "no class: probabilities are not finite"
code 0 predict nf/last.safetensors held.csv --json
has out.txt '"class":null,"label":null'
code 1 train nf.yaml --out nf --resume
[[ $(field nf/result.json stop_reason) == diverged ]] || short "resumed, the run forgot that it diverged"

# Evaluations that are not finite at first: training goes on, they count as worse than any for best and patience, and meet no target
awk 'BEGIN { print "a,b,kind"; for (i = 0; i < 20; i++) printf "%de36,%de36,%s\n", 1 + i % 3, 2 - i % 5, i % 2 ? "rare" : "common" }' >far.csv
table back.yaml "optimizer: {type: adamw, lr: 0.5, weight_decay: 1}" "validate: {every: 2}" "stop: {epochs: 2}" \
  "data: {train: {type: csv, file: train.csv, target: kind}, validation: {type: csv, file: far.csv, target: kind}, batch: 20}" \
  "model: {input: [2], layers: [{type: dense, units: 2, name: head, init: {weights: {type: constant, value: 3000}}}]}"
code 0 train back.yaml --out back
lines back/metrics.jsonl >l.txt
column l.txt validation_error >errors.txt
[[ $(head -n 1 errors.txt) == null && $(tail -n 1 errors.txt) != null ]] || short "errors $(tr '\n' ' ' <errors.txt): this test shows nothing"
[[ $(grep -c "not finite" err.txt) -eq 1 ]] || short "$(grep -c 'not finite' err.txt) warnings, not 1 for evaluations in a row"
[[ $(sed -n '/"best"/,/}/p' back/result.json | field /dev/stdin step) == "$(best_of back/metrics.jsonl error 1)" ]] || short "best after evaluations that are not finite"
code 1 train back.yaml --out back --overwrite --quiet --set optimizer.weight_decay=0 --set optimizer.lr=0.001 --set stop='{epochs: 5, patience: 3, validation_error_below: 0.99}'
[[ $(field back/result.json stop_reason) == diverged && $(lines back/metrics.jsonl | wc -l) -eq 4 ]] || short "patience and target: $(field back/result.json stop_reason), $(lines back/metrics.jsonl | wc -l) evaluations"
[[ -e back/best.safetensors ]] && short "a model without one sound evaluation is the best"
[[ $(sed -n '/"best"/,/}/p' back/result.json | grep -c null) -eq 3 ]] || short "best is not null"

# every kind of target: an infinite value, labels, distributions
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 24; i++) printf "%d,%d,%d\n", i % 5, i % 3, i % 2 }' >v.csv
sed 's/,0$/e38,0/; s/,1$/e38,1/' v.csv | sed '1s/.*/a,b,y/' >huge.csv
for kind in mse:1 mae:1 huber:1 binary_cross_entropy:1 focal:1 focal:2 cross_entropy:2; do
  table k.yaml "cost: ${kind%:*}" "data: {train: {type: csv, file: v.csv, target: y}, validation: {type: csv, file: huge.csv, target: y}, batch: 8}" \
    "model: {input: [2], layers: [{type: dense, units: ${kind#*:}, name: head, init: {weights: {type: constant, value: 30}}}]}" "stop: {epochs: 1}" "optimizer: {type: sgd, lr: 1e-6}"
  code 1 train k.yaml --out kind --overwrite
  has err.txt "warning: step 3: .*not finite"
  has kind/metrics.jsonl '"validation_cost":null,"validation_error":null'
  [[ $(field kind/result.json stop_reason) == diverged ]] || short "$kind: $(field kind/result.json stop_reason)"
  [[ -e kind/best.safetensors ]] && short "$kind: it is the best"
  code 0 eval kind/last.safetensors --split validation --json
  has out.txt '"cost_mean":null,"cost_sum":null,"error":null'
done

# ---- between evaluations each epoch has a line of its own mean ----
table e.yaml "validate: {every: 4 epochs}" "stop: {epochs: 8}"
code 0 train e.yaml --out sparse --overwrite
awk '/"train_cost"/ { match($0, /"epoch":[^,]+/); e = substr($0, RSTART + 8, RLENGTH - 8); match($0, /"samples":[0-9]+/); n = substr($0, RSTART + 10, RLENGTH - 10)
  match($0, /"train_cost":[^,]+/); sum += substr($0, RSTART + 13, RLENGTH - 13) * (n - before); all += n - before; before = n; if (e == int(e)) { printf "%.9f\n", sum / all; sum = all = 0 } }' sparse/metrics.jsonl >want.txt
sed -nE 's/^epoch [0-9]+ +step [0-9]+ +cost ([0-9.]+) .*/\1/p' err.txt >shown.txt
[[ $(wc -l <want.txt) -eq 8 && $(wc -l <shown.txt) -eq 8 ]] || short "$(wc -l <shown.txt) lines of $(wc -l <want.txt) epochs"
while read -r shown mean; do near "$shown" "$mean" 1e-5 "an epoch's line"; done < <(paste shown.txt want.txt)

# ---- a metric that never has a value leaves the choice to the cost ----
grep -v rare held.csv >one.csv
for by in auc mcc; do
  table n.yaml "best_by: $by" "stop: {epochs: 12, patience: 2}"
  code 0 train n.yaml --out null --overwrite --set data.validation.file=one.csv
  [[ $(field null/result.json steps) -eq 156 ]] || short "best_by $by without a value ends after $(field null/result.json steps) updates of falling cost"
done

# ---- ref computes in double: weights that a file of float32 cannot hold are not finite either ----
for precision in float32 float64; do
  table w.yaml "device: ref" "precision: $precision" "schedule: {type: step, at: [26], factors: [1e41]}" "stop: {steps: 27}" "validate: {every: 1}"
  if [[ $precision == float32 ]]; then
    code 1 train w.yaml --out wide --overwrite
    has err.txt "weights are beyond float32, which a model file holds"
    [[ $(sed -nE 's/.*"best": ?\{"step": ?([0-9]+).*/\1/p' <(tr -d '\n' <wide/result.json | sed 's/  */ /g; s/{ /{/g')) -le 26 ]] || short "infinite weights are the best: $(tr -d '\n' <wide/result.json)"
    code 0 eval wide/best.safetensors --split validation && has out.txt "cost [0-9]"
  else
    code 0 train w.yaml --out wide --overwrite
  fi
done

# The weights of the end may be best where the last evaluation was before them, and are not where they are worse.
small end.yaml 'optimizer: {type: sgd, lr: 0.05, momentum: 0.9}' 'schedule: constant' 'stop: {steps: 44}' 'validate: {every: 40}' 'checkpoint: none'
ends() { # LR AFTER: trains the last four updates at that rate; tells steps and costs
  code 0 train end.yaml --out end --overwrite --quiet --set "schedule={type: step, at: [40], factors: [$1]}"
  step=$(grep -A 6 '"best"' end/result.json | field /dev/stdin step)
}
ends 1
early=$(grep -h validation_cost end/metrics.jsonl | tail -n 1 | field /dev/stdin validation_error)
late=$(grep -A 6 '"final"' end/result.json | field /dev/stdin validation_error)
[[ $(grep -c validation_cost end/metrics.jsonl) -eq 1 ]] || short "the end is no line of its own: $(grep -c validation_cost end/metrics.jsonl)"
if awk -v a="$late" -v b="$early" 'BEGIN { exit !(a + 0 == a && b + 0 == b && a < b) }'; then
  [[ $step -eq 44 ]] || short "the end is better, $late below $early, and step $step is best"
  cmp -s <(tail -c 2000 end/best.safetensors) <(tail -c 2000 end/last.safetensors) || short "best is not the model of the end"
else
  short "the end, $late, is no better than step 40, $early: the test says nothing"
fi
ends 1000
[[ $step -eq 40 ]] || short "the end is worse, and step $step is best"

# activation: linear is no activation: last_bias: auto takes it, and the weights are those without.
table lin.yaml 'init: {last_bias: auto}'
n_lin=0
for a in none linear '{type: linear}'; do
  code 0 init lin.yaml -o lin.safetensors --quiet --set "model.layers[1].activation=$a"
  tail -c 128 lin.safetensors | od -An -tx1 >"lin$n_lin.txt" # 6 x 2, 2, 2 x 6 and 6 numbers end the file
  n_lin=$((n_lin + 1))
done
same lin0.txt lin1.txt "activation: linear" && same lin0.txt lin2.txt "activation: {type: linear}"
bad 2 'relu is applied to them' init lin.yaml -o no.safetensors --set 'model.layers[1].activation=relu'
finish
