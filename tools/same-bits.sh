#!/bin/bash
# Compares two builds of the command byte for byte: tools/same-bits.sh OLD NEW [CASE...]
# For each recipe below: what `gradus plan --kernels` prints, and of 20 updates the metrics (without what time says), the models and the checkpoints.
# For commits that claim to change nothing. Exit code 0: all the same; 1: something differs; 2: it could not be tried.
set -u
[[ $# -ge 2 && -x $1 && -x $2 ]] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
old=$(readlink -f "$1") new=$(readlink -f "$2")
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
names=()

# recipe NAME LINES...: a recipe on made-up pictures; further lines replace the line of the same key
recipe() {
  local name=$1 key line
  shift
  names+=("$name")
  declare -A over=()
  for line in "$@"; do over[${line%%:*}]=$line; done
  while IFS= read -r line; do
    key=${line%%:*}
    echo "${over[$key]:-$line}"
    unset "over[$key]"
  done >"$name.yaml" <<'YAML'
gradus: 1
seed: 3
data: {train: {type: synthetic, kind: digits, n: 320, seed: 1}, validation: {split: 0.2}, batch: 32, prepare: [standardize], shuffle: every_epoch}
model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 3, padding: same, activation: relu, name: c1}, {type: max_pool, size: 2}, flatten, {type: dense, units: 10, name: head}]}
cost: cross_entropy
optimizer: {type: sgdm, lr: 0.02, weight_decay: 0.001}
stop: {steps: 20}
validate: {every: 7}
checkpoint: {every: 10, keep: 2}
YAML
  for key in "${!over[@]}"; do echo "${over[$key]}" >>"$name.yaml"; done
}

pictures="data: {train: {type: synthetic, kind: digits, n: 300, size: 28, seed: 1}, validation: {split: 0.2}, batch: 32, prepare: [standardize], shuffle: every_epoch}"
values="data: {train: {type: synthetic, kind: regression, n: 203, features: 12, seed: 2}, validation: {split: 0.2}, batch: 16}"
normalised="model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 3, padding: same, bias: false, name: c1}, {type: batch_norm, name: n1}, relu, {type: max_pool, size: 2}, flatten, {type: dropout, rate: 0.25}, {type: dense, units: 10, name: head}]}"
dense="model: {input: 12, layers: [{type: dense, units: 33, activation: tanh, name: h1}, {type: dense, units: 17, activation: sigmoid, name: h2}, {type: dense, units: 1, name: head}]}"
residual="model: {input: [16, 16, 1], layers: [{type: conv, filters: 8, kernel: 3, padding: same, activation: relu, name: c1}, {type: conv, filters: 8, kernel: 3, padding: same, name: c2}, {type: add, from: [c1, c2], activation: relu, name: a}, {type: avg_pool, size: 2}, {type: conv, filters: 12, kernel: 5, stride: 2, name: c3}, flatten, {type: dense, units: 10, name: head}]}"

recipe lenet5 "$pictures" "model: {zoo: lenet5}" "optimizer: {type: adam, lr: 0.001}"
recipe simple-cnn "$pictures" "model: {zoo: simple-cnn}" "optimizer: {type: adam, lr: 0.002, eps: 1e-8}" "schedule: {type: polynomial, power: 1, warmup: 5}"
recipe norm-swa "$normalised" "average: {type: swa, start: 0.3, cycle: 3}" "penalty: {l2: 1e-4}"
recipe norm-accumulate "$normalised" "accumulate: 3" "optimizer: {type: rmsprop, lr: 0.003}"
recipe switch "optimizer: {type: switch, first: {type: adam, lr: 0.01}, then: {type: sgdm, lr: 0.01}, at: 0.5, carry: true}"
recipe adahessian "$values" "$dense" "cost: mse" "optimizer: {type: adahessian, lr: 0.01, hessian_interval: 3}"
recipe lookahead "optimizer: {type: nadam, lr: 0.004}" "lookahead: {k: 4, alpha: 0.5, inner: reset}"
recipe lamb "$residual" "optimizer: {type: lamb, lr: 0.01, weight_decay: 0.01}" "clip: {value: 0.1}"
recipe ref "$normalised" "precision: float64" "optimizer: {type: ranger, lr: 0.01}"
recipe dropout-clip "$normalised" "clip: {norm: 0.5}" "optimizer: {type: amsgrad, lr: 0.003, gradient_centralization: true}"
recipe groups "$residual" "groups: [{match: 'c1.*', lr_scale: 0.5}, {match: 'c2.*', freeze: true}]" "penalty: {l2: 1e-3, l1: 1e-4, l1_step: proximal}" "clip: {norm: 1, per: layer}"
recipe one-cycle "schedule: {type: one_cycle, high: 0.05}" "cost: {type: cross_entropy, label_smoothing: 0.1, class_weights: balanced}"
recipe values "$values" "$dense" "cost: {type: huber, delta: 0.7}" "optimizer: {type: swats, lr: 0.01}" "schedule: {type: plateau, patience: 1}"
recipe exact "$residual" "algorithm: exact" "threads: 2" "cost: {type: focal, gamma: 2}"

# What is compared of one case, below the folder of a side
run() { # SIDE COMMAND CASE
  mkdir -p "$1/$3"
  "$2" plan "$3.yaml" --kernels 2>"$1/$3/err" >"$1/$3/out" || { cat "$1/$3/err" >&2; return 1; }
  sed '/bytes of bookkeeping$/d' "$1/$3/out" >"$1/$3/plan" # the sizes of our own structs
  "$2" train "$3.yaml" --out "$1/$3/run" --quiet >/dev/null 2>"$1/$3/err" || { cat "$1/$3/err" >&2; return 1; }
  sed -E 's/"seconds":[^,}]*,?//; s/"samples_per_second":[^,}]*,?//' "$1/$3/run/metrics.jsonl" >"$1/$3/metrics"
  mv "$1/$3/run/"*.safetensors "$1/$3"
  local file
  for file in "$1/$3/run/checkpoints/"*.ckpt; do take_apart "$file" "$1/$3/$(basename "$file")"; done
  rm -r "$1/$3/run" "$1/$3/err" "$1/$3/out"
}

# A checkpoint as its header, an entry a line and without what time says (lengths of text and checksums follow from it), and its tensors
take_apart() { # FILE TO
  local n
  n=$(od -An -t u8 -N 8 "$1")
  tail -c +9 "$1" | head -c "$n" | sed -E 's/ *$//; s/"(loop\/seconds|metrics\/bytes|metrics\/crc32|gradus\.crc32)":"[^"]*",?//g; s/("|\}),"/\1,\n"/g' >"$2.header"
  tail -c +$((9 + n)) "$1" >"$2.tensors"
}

status=0
for name in "${names[@]}"; do
  [[ $# -eq 0 || " $* " == *" $name "* ]] || continue
  run old "$old" "$name" || { echo "$name: the old build refuses it"; exit 2; }
  run new "$new" "$name" || { echo "$name: the new build refuses it"; status=1; continue; }
  [[ -s new/$name/last.safetensors && -s new/$name/metrics && -s new/$name/step-20.ckpt.tensors ]] || { echo "$name: nothing to compare"; exit 2; }
  if differs=$(diff -rq "old/$name" "new/$name"); then echo "$name: the same"; continue; fi
  status=1
  echo "$name: differs"
  sed 's/^/  /' <<<"$differs"
  for text in plan metrics step-20.ckpt.header; do diff "old/$name/$text" "new/$name/$text" | head -n 6 | sed 's/^/    /'; done
done
exit $status
