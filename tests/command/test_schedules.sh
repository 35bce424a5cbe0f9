#!/bin/bash
# Schedules in a run: the rates of metrics.jsonl are those that `explain` draws; a plateau's state survives kill and resume; what it ends.
. "$(dirname "$0")/lib.sh"
rates() { sed -E 's/.*"lr":([^,]*),.*/\1/' "$1"; }                              # of metrics.jsonl
explained() { sed -E 's/.*"rates":\[([^]]*)\].*/\1/' "$1" | tr ',' '\n'; } # of explain --json
# agree FILE FILE: the same count of numbers, equal to the ten digits that metrics have
agree() {
  paste "$1" "$2" | awk -v what="$3" '{ n++; d = $1 - $2; if (NF != 2 || d * d > 1e-18 * $1 * $1) { print "update " NR ": " $0; exit } } END { if (n < 3) print n + 0 " rates" }' >agree.txt
  [[ ! -s agree.txt ]] || short "$3: $(<agree.txt)"
}
one_layer="model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 10}]}"

# ---- a run has the rates that explain shows of its recipe [mission X13, H3, H4] ----
for schedule in "constant, warmup: 0.5" "step, every: 1 epoch, gamma: 0.5" "polynomial, warmup: 3, from: start" "cyclic, half_cycle: 4, shape: triangular2" \
  "restarts, cycle: 2, tail: {fraction: 0.4, cycles: 1}" "one_cycle, high: 0.05"; do
  small rates.yaml "$one_layer" "schedule: {type: $schedule}"
  code 0 train rates.yaml --out rates --overwrite --quiet
  rates rates/metrics.jsonl >a.txt
  code 0 explain rates.yaml --json
  explained out.txt >b.txt
  agree a.txt b.txt "$schedule"
  code 0 train rates/recipe.yaml --out again --overwrite --quiet # the resolved recipe is the same run
  same rates/last.safetensors again/last.safetensors "resolved, $schedule"
done

# ---- what a run never comes to is said ----
small idle.yaml "$one_layer" "schedule: {type: step, every: 1000 epochs}"
code 0 train idle.yaml --out idle
has err.txt "warning: schedule: step never changes the rate within the [0-9]+ updates of this run"
small idle.yaml "$one_layer" "schedule: {type: step, at: [5], factors: [0.5]}"
code 0 train idle.yaml --out idle --overwrite
grep -q "never changes" err.txt && short "a step that changes the rate is warned of"

# ---- a plateau, killed at random moments ----
plateau="schedule: {type: plateau, patience: 1, threshold: 0.3, factor: 0.5, cooldown: 1, warmup: 4}"
small run.yaml "$plateau" "stop: {epochs: 12}" "validate: {every: 3}" "checkpoint: {every: 5, keep: 2}"
code 0 train run.yaml --out whole
has err.txt "step [0-9]+: plateau changes the rate from 0.02 to 0.01"
drops=$(rates whole/metrics.jsonl | sed 1,4d | sort -u | wc -l)
[[ $drops -ge 4 ]] || short "a plateau never flat: $drops rates"
cut() { sed -E 's/"seconds":[^,]*,"samples_per_second":[^,}]*//' "$1"; }
cut whole/metrics.jsonl >a.txt
for ((i = 1; i <= ${GRADUS_KILLS:-5}; i++)); do
  rm -rf killed
  for ((round = 0; round < 3; round++)); do
    "$gradus" train run.yaml --out killed --resume --quiet >/dev/null 2>&1 &
    pid=$!
    sleep "0.$((RANDOM % 300 + 100))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
  done
  code 0 train run.yaml --out killed --resume --quiet
  cut killed/metrics.jsonl >b.txt
  same a.txt b.txt "metrics, attempt $i"
  same whole/last.safetensors killed/last.safetensors "killed, attempt $i"
done
# Ended again and again in the middle of what it counts: before and after drops, at evaluations and between them, in the cooldown
for stop in 2 31 38 39 41 50 57 62; do code 0 train run.yaml --out parts --quiet --resume --set stop.steps=$stop; done
code 0 train run.yaml --out parts --quiet --resume
cut parts/metrics.jsonl >b.txt
same a.txt b.txt "metrics of a run in parts"
same whole/last.safetensors parts/last.safetensors "a run in parts"

# ---- what a plateau ends, and what it needs ----
code 0 train run.yaml --out ended --quiet --set schedule.stop=true --set schedule.threshold=0.9
[[ $(field ended/result.json stop_reason) == patience ]] || short "stop_reason is $(field ended/result.json stop_reason), not patience"
steps=$(field ended/result.json steps)
[[ $steps -gt 4 && $steps -lt 90 ]] || short "a plateau with stop ended after $steps steps"
code 0 train run.yaml --out ended --quiet --set schedule.stop=true --set schedule.threshold=0.9 --resume
[[ $(field ended/result.json steps) == "$steps" ]] || short "resumed, it trained on"
bad 2 "run.yaml:.*schedule: plateau watches the validation error" train run.yaml --out none --set data.validation=none
bad 2 "validate is none" train run.yaml --out none --set validate=none
code 0 train run.yaml --out alone --quiet --set data.validation=none --set schedule.metric=train --set schedule.threshold=0.9
[[ $(rates alone/metrics.jsonl | sed 1,4d | sort -u | wc -l) -ge 4 ]] || short "without validation data the training cost changes nothing"
bad 2 "tail begins at update 72 of 90" train rates.yaml --out none --set stop.steps=90 --set stop.epochs=none --set 'schedule={type: constant, warmup: 80, tail: 0.2}'
[[ -e none ]] && short "a refused run left a folder"

# ---- what a run never comes to is told at its start ----
never() { # PATTERN SETS...: a run of 24 updates that warns of this, in one line
  local pattern=$1
  shift
  code 0 train rates.yaml --out never --overwrite "$@"
  [[ $(grep -c "^gradus: warning: " err.txt) -eq 1 ]] || short "$*: $(grep -c warning err.txt) warnings, not 1"
  has err.txt "^gradus: warning: $pattern"
}
small rates.yaml "$one_layer" "schedule: constant"
never "average: nothing is due within the 24 updates of this run$" --set 'average={type: swa, start: 0.99, cycle: 1000}'
never "lookahead: nothing is due within the 24 updates .* stay as they start" --set lookahead.k=25
never "lookahead: nothing is due within the 24 updates of this run$" --set 'lookahead={k: 25, eval: fast}'
never "optimizer.at: the switch is after update 24 of 24: sgdm makes" --set 'optimizer={type: switch, first: adam, then: sgdm, at: 1.0, carry: true}'
never "optimizer.at: the switch is after update 0 of 24: adam makes" --set 'optimizer={type: switch, first: adam, then: sgdm, at: 0}'
never "schedule.warmup: a warm-up of 25 updates does not end" --set schedule.warmup=25
never 'groups\[1\]: every parameter that "\*.bias" matches belongs' --set 'groups=[{match: "*", lr_scale: 2}, {match: "*.bias", freeze: true}]'
for set in lookahead.k=24 schedule.warmup=24 'average={type: swa, start: 24}' 'optimizer={type: switch, first: adam, then: sgdm, at: 23}'; do
  code 0 train rates.yaml --out never --overwrite --set "$set"
  grep -q "warning" err.txt && short "$set: warned of $(head -n 1 err.txt)"
done
bad 2 "optimizer.at: a fraction of the run needs to know" train rates.yaml --out none --set stop.epochs=none --set stop.seconds=9 \
  --set 'optimizer={type: switch, first: adam, then: sgd, at: 0.5}'

# ---- explain ----
for name in constant cyclic one_cycle plateau polynomial restarts step; do
  LC_ALL=C code 0 explain schedule.$name
  has out.txt "^ +0.10? \\|\\*|^ +0.10? \\| +.*\\*"
  LC_ALL=C grep -q '[^ -~]' out.txt && short "explain $name is not plain ASCII"
  LC_ALL=C.UTF-8 code 0 explain schedule.$name
  has out.txt "│"
  code 0 explain schedule.$name --json --set updates=40 --set lr=0.3
  [[ $(explained out.txt | wc -l) -eq 40 ]] || short "explain $name --json: $(explained out.txt | wc -l) rates, not 40"
done
code 0 explain polynomial --json --set updates=4 --set lr=1
[[ $(explained out.txt | tr '\n' ' ') == "1 0.75 0.5 0.25 " ]] || short "rates of polynomial: $(explained out.txt | tr '\n' ' ')"
code 0 explain constant --json --set warmup=2 --set tail.cycles=1 --set tail.fraction=3 --set updates=6 --set lr=1
[[ $(explained out.txt | tr '\n' ' ') == "0.05"*" 0.525"*" 1 1 0.1"*" 1 " ]] || short "rates with warm-up and tail: $(explained out.txt | tr '\n' ' ')"
code 0 explain plateau --set stop=true --set patience=0 --set threshold=0.9
has out.txt "ends the run after update"
code 0 explain cyclic --threads 2 --seed 4
bad 2 'evry: unknown key' explain step --set evry=3
bad 2 'updates: 0 is not in' explain cyclic --set updates=0
bad 2 'there is no schedule' explain adam --set lr=1
bad 2 'there is no schedule' explain --set lr=1
bad 2 'did you mean cyclic' explain cylic
bad 3 'cannot read' explain none.yaml
code 0 explain run.yaml --set stop.epochs=none --set stop.seconds=9
has err.txt "first 20 epochs"
finish
