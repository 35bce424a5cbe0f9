#!/bin/bash
# Killed at random moments and resumed, a run ends in the same bits as one that was never killed; Ctrl-C likewise, with exit code 5.
. "$(dirname "$0")/lib.sh"
KILLS=${GRADUS_KILLS:-5}
cut() { sed -E 's/"seconds":[^,]*,"samples_per_second":[^,}]*//' "$1"; }

# kill_and_resume RECIPE KILLS FILES...: what is killed and resumed ends with the same files and metrics as the run in folder `whole`
kill_and_resume() {
  local recipe=$1 kills=$2 i round pid f
  shift 2
  for ((i = 1; i <= kills; i++)); do
    rm -rf killed
    for ((round = 0; round < 40; round++)); do
      "$gradus" train "$recipe" --out killed --resume --quiet >/dev/null 2>&1 &
      pid=$!
      sleep "0.0$((RANDOM % 90 + 10))"
      kill -9 $pid 2>/dev/null
      wait $pid 2>/dev/null
      [[ -e killed/result.json ]] && break
      [[ $round -ge 2 ]] && break
    done
    code 0 train "$recipe" --out killed --resume --quiet
    for f in "$@"; do same "whole/$f" "killed/$f" "$recipe killed, attempt $i"; done
    cut whole/metrics.jsonl >a.txt
    cut killed/metrics.jsonl >b.txt
    same a.txt b.txt "metrics of $recipe, attempt $i"
    same <(grep -v seconds whole/result.json) <(grep -v seconds killed/result.json) "result of $recipe, attempt $i"
  done
}

# Every kind of state at once: slow weights, running statistics, an average with its own, a switch of methods with its carried momentum, curvature every third update
normalised="model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 3, padding: same, bias: false, name: c1}, {type: batch_norm, name: n1}, relu, {type: max_pool, size: 2}, flatten, {type: dropout, rate: 0.25}, {type: dense, units: 10, name: head}]}"
small slow.yaml "stop: {epochs: 9}" "validate: {every: 7}" "best_by: mcc" "checkpoint: {every: 4, keep: 2}" "optimizer: {type: ranger, lr: 0.01}" "average: {type: swa, start: 0.3, cycle: 5}" "penalty: {l2: 1e-4}" "$normalised"
small change.yaml "stop: {epochs: 9}" "checkpoint: {every: 4, keep: 2}" "optimizer: {type: switch, first: {type: adahessian, lr: 0.01, hessian_interval: 3}, then: {type: sgdm, lr: 0.01}, at: 0.6, carry: true}" "lookahead: {k: 7}" "average: {type: ema, decay: 0.9}"
small run.yaml "stop: {epochs: 12}" "checkpoint: {every: 7, keep: 2}"
code 0 train slow.yaml --out whole --quiet
kill_and_resume slow.yaml $((KILLS / 2)) last.safetensors best.safetensors swa.safetensors
code 0 train change.yaml --out whole --quiet --overwrite
kill_and_resume change.yaml $((KILLS / 2)) last.safetensors best.safetensors ema.safetensors
code 0 train run.yaml --out whole --quiet --overwrite
kill_and_resume run.yaml "$KILLS" last.safetensors best.safetensors

"$gradus" train run.yaml --out stopped --quiet --set stop.epochs=100000 >/dev/null 2>err.txt &
pid=$!
until_holds test -s stopped/metrics.jsonl
kill -INT $pid
wait $pid
[[ $? -eq 5 ]] || short "SIGINT: exit code is not 5: $(cat err.txt)"
[[ $(field stopped/result.json stop_reason) == interrupted ]] || short "stop_reason is not interrupted"
ls stopped/checkpoints/*.ckpt >/dev/null 2>&1 || short "no checkpoint after SIGINT"

# A damaged newest checkpoint: the one before it is used, and said so
cp -r whole damaged
newest=$(ls -v damaged/checkpoints | tail -n 1)
printf 'xxxx' | dd of="damaged/checkpoints/$newest" bs=1 seek=2000 conv=notrunc 2>/dev/null
code 0 train run.yaml --out damaged --resume
has err.txt "damaged"
same whole/last.safetensors damaged/last.safetensors "after a damaged checkpoint"

# A run is never overwritten unasked, and another recipe does not continue it
bad 2 "already holds a run" train run.yaml --out whole
bad 2 "made with another optimizer" train run.yaml --out whole --resume --set optimizer.lr=0.5
bad 2 "exclude each other" train run.yaml --out whole --resume --overwrite
finish
