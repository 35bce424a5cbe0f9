#!/bin/bash
# What is not finite is named by its parameter or layer; a large gradient that is finite has a finite norm and is trained with.
. "$(dirname "$0")/lib.sh"

# One weight whose gradient is about 2e20, of a cost of about 1e10: its square fits no float32
awk 'BEGIN { print "x,y"; for (i = 1; i <= 8; i++) printf "%de14,%de4\n", 6 + i, 4 + i }' >steep.csv
steep() { # FILE LINES...
  local file=$1
  shift
  small "$file" "data: {train: {type: csv, file: steep.csv, target: y}, batch: 4, shuffle: none}" "init: {weights: zeros}" \
    "model: {input: 1, layers: [{type: dense, units: 1, name: line}]}" "cost: mse" "schedule: constant" "stop: {steps: 6}" "validate: none" "checkpoint: none" "$@"
}
# holds_finite MODEL: no number of the file is infinite or NaN
holds_finite() {
  "$gradus" predict "$1" steep.csv --json 2>/dev/null | grep -qE '"output": ?\[-?[0-9]' || short "$1 gives no finite output"
}

steep sgd.yaml "optimizer: {type: sgd, lr: 1e-31}"
code 0 train sgd.yaml --out sgd --quiet
# of the first update: 2/4 sum x (0 - y), and without the x for the bias
awk 'BEGIN { for (i = 1; i <= 4; i++) { w += (6 + i) * 1e14 * (4 + i) * 1e4; b += (4 + i) * 1e4 } printf "%.10g\n", sqrt((w / 2) ^ 2 + (b / 2) ^ 2) }' >norm.txt
sed -nE '1s/.*"grad_norm":([^,]*),.*/\1/p' sgd/metrics.jsonl >>norm.txt
awk '{ x[NR] = $1 } END { exit !(NR == 2 && (x[1] - x[2]) ^ 2 <= (1e-5 * x[1]) ^ 2) }' norm.txt || short "grad_norm is $(tail -n 1 norm.txt), not $(head -n 1 norm.txt)"
holds_finite sgd/last.safetensors

# Every optimizer trains on with finite weights, or says whose numbers are not finite; clipped, every one trains on
optimizers=$("$gradus" explain --json | grep -oE '"name": ?"[^"]*", ?"family": ?"optimizer"' | sed -E 's/"name": ?"([^"]*)".*/\1/' | grep -vx 'common\|switch' | sort -u)
[[ $(wc -w <<<"$optimizers") -ge 18 ]] || short "only these optimizers are listed: $optimizers"
refused=0
for o in $optimizers; do
  for precision in float32 float64; do
    rm -rf run
    more=
    [[ $o == sophia ]] && more=', estimator: hutchinson' # its other way draws labels
    steep r.yaml "optimizer: {type: $o, lr: 1e-31$more}" "precision: $precision"
    "$gradus" train r.yaml --out run >out.txt 2>err.txt
    got=$?
    if [[ $got -eq 1 ]]; then
      refused=$((refused + 1))
      [[ $precision == float32 ]] || short "$o: float64 holds the squares of 1e20: $(cat err.txt)"
      has err.txt '^gradus: training diverged at step 1: .* parameter "line\.(weight|bias)"'
      has run/result.json '"diverged": "step 1: .* parameter \\"line\.weight\\"'
      grep -q 'best' err.txt out.txt && short "$o: a best model is spoken of, and there is none: $(grep -h best err.txt out.txt)"
    elif [[ $got -ne 0 ]]; then
      short "$o, $precision: exit $got: $(cat err.txt)"
    fi
    holds_finite run/last.safetensors
  done
  for clip in '{norm: 1}' '{norm: 1, per: layer}' '{value: 1}'; do
    [[ $o == adahessian || $o == sophia ]] && continue # its curvature is 1e30 and is not clipped
    code 0 train r.yaml --out run --overwrite --set precision=float32 --set "clip=$clip" || continue
    holds_finite run/last.safetensors
    grep -q '"grad_norm":null' run/metrics.jsonl && short "$o with clip $clip: a norm is not finite"
  done
done
[[ $refused -ge 5 ]] || short "only $refused optimizers were found to keep squares"

# Averages of groups: the layer is named also where many parameters are looked at in one pass
small wide.yaml "optimizer: {type: adam, lr: 1e-3}" "data: {train: {type: csv, file: steep.csv, target: y}, batch: 4, shuffle: none}" "init: {weights: zeros}" \
  "model: {input: 1, layers: [{type: dense, units: 1, name: first}, {type: dense, units: 1, name: second}]}" "cost: mse" "schedule: constant" "stop: {steps: 6}" "validate: none" "penalty: {l2: 1e-4}"
sed -i 's/init: .*/init: {weights: {type: constant, value: 1e-12}}/' wide.yaml
code 1 train wide.yaml --out wide
has err.txt 'diverged at step [0-9]+: .* parameter "first\.weight"'

# ---- a best model is spoken of only where there is one ----
small lost.yaml "optimizer: {type: sgd, lr: 1e30}" "stop: {epochs: 3}" "validate: {every: 1 epoch}"
code 1 train lost.yaml --out lost
[[ ! -e lost/best.safetensors ]] || short "there is a best model before the first evaluation"
grep -q 'best' err.txt out.txt && short "a best model is spoken of, and there is none: $(grep -h best err.txt out.txt)"
small found.yaml "optimizer: {type: sgd, lr: 0.01}" "stop: {epochs: 4}" "validate: {every: 1 epoch}" "schedule: {type: step, at: [2 epochs], factors: [1e30]}"
code 1 train found.yaml --out found
[[ -e found/best.safetensors ]] || short "the best model is gone"
has err.txt "the best model so far is kept"
has out.txt "^models: found/best.safetensors, last.safetensors$"

# ---- epochs agree: between the last line of metrics, the result, and what is shown ----
agree() { # RUN
  local last result shown
  last=$(tail -n 1 "$1/metrics.jsonl" | sed -E 's/.*"epoch":([^,]*),.*/\1/')
  result=$(field "$1/result.json" epochs)
  shown=$(grep -hoE '\([0-9.]+ epochs\)' out.txt | tr -dc '0-9.')
  awk -v a="$last" -v b="$result" -v c="$shown" 'BEGIN { exit !(a + 0 == a && b + 0 == b && c + 0 == c && (a - b) ^ 2 < 1e-16 && (b - c) ^ 2 <= (1e-3 * b) ^ 2) }' || short "$1: epochs are $last, $result and $shown"
  [[ $(tail -n 1 "$1/metrics.jsonl" | sed -E 's/.*"step":([^,]*),.*/\1/') == "$(field "$1/result.json" steps)" ]] || short "$1: steps differ"
}
code 1 train found.yaml --out found --overwrite
agree found
for steps in 1 2 3 4 5 7; do # 8 batches of an epoch, the third update of which has only two
  code 0 train found.yaml --out some --overwrite --set schedule=constant --set accumulate=3 --set "stop={steps: $steps}"
  agree some
done
code 1 train found.yaml --out found --overwrite --set accumulate=3
agree found
finish
