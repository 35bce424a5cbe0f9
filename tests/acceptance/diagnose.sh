#!/bin/bash
# gradus diagnose against runs with a planted cause: bias (too small, too short, held down), variance (few samples, false labels), both, neither, or too little to tell.
#   tests/acceptance/diagnose.sh build/gradus [NAME...]      trains all of them (a minute on two cores), or those named, and prints the table of docs/diagnose.md
# Exit code 1 when fewer than 90 % are right, or more than one is wrong. Pictures are Debian's dataset-fashion-mnist, in $GRADUS_DATA or /usr/share/datasets/fashion-mnist. [mission G1-G3, T14]
set -u
gradus=$(readlink -f "$1")
shift
here=$(readlink -f "$(dirname "$0")")
only=" $* "
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99

source_of() { # KIND:N:SEED[:NOISE[:FEATURES]] of diagnose.pl, or a source as it stands
  [[ $1 == \{* ]] && { echo "$1"; return; }
  perl "$here/diagnose.pl" ${1//:/ } >"$2.csv" && echo "{type: csv, file: $2.csv, target: y}"
}

# run NAME CAUSE TRAIN VALIDATION INPUT LAYERS COST KEYS...: TRAIN and VALIDATION as source_of has them; VALIDATION may be "split F" or "none"
right=0 wrong=0 open=0 n=0 rows=
declare -A count
run() {
  local name=$1 cause=$2 train=$3 validation=$4 input=$5 layers=$6 cost=$7 v keys=() key
  shift 7
  [[ $only == "  " || $only == *" $name "* ]] || return 0
  case $validation in
    none) v= ;;
    split*) v="validation: {split: ${validation#split }}, " ;;
    *) v="validation: $(source_of "$validation" "$name-v"), " ;;
  esac
  cat >"$name.yaml" <<YAML
gradus: 1
name: $name
data: {train: $(source_of "$train" "$name"), ${v}batch: 32, shuffle: every_epoch, prepare: [standardize]}
model: {input: $input, layers: [$layers]}
cost: $cost
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 40}
checkpoint: none
log: {every: 5}
YAML
  for key in "$@"; do keys+=(--set "$key"); done
  "$gradus" train "$name.yaml" --out "$name" --threads 2 --quiet "${keys[@]}" >/dev/null 2>"$name.err" || { echo "$name: $(tail -n 2 "$name.err")" >&2; exit 1; }
  judge "$name" "$cause" "$name"
}

judge() { # NAME CAUSE RUN... [--reference E]
  local name=$1 cause=$2 got
  shift 2
  "$gradus" diagnose "$@" --json >"$name.json" || exit 1
  got=$(sed -E 's/.*"verdict":"([a-z]*)".*/\1/' "$name.json")
  n=$((n + 1))
  count[$cause,$got]=$((${count[$cause,$got]:-0} + 1))
  if [[ $got == "$cause" ]]; then right=$((right + 1)); elif [[ $got == unresolved ]]; then open=$((open + 1)); else wrong=$((wrong + 1)); fi
  rows+="| $name | $cause | $got | $(sed -E 's/.*"train_error":([^,]*),"validation_error":([^,]*),.*/\1 \2/' "$name.json" | awk '{ printf "%.3f | %s", $1, $2 == "null" ? "-" : sprintf("%.3f", $2) }') |"$'\n'
}

h() { echo "{type: dense, units: $1, activation: ${2:-relu}}"; } # a hidden layer
out() { echo "{type: dense, units: $1, name: head}"; }
synthetic() { echo "{type: synthetic, kind: $1, n: $2, noise: $3, seed: $4${5:+, $5}}"; }
fashion=${GRADUS_DATA:-/usr/share/datasets/fashion-mnist}
pictures="{type: idx, images: $fashion/train-images-idx3-ubyte.gz, labels: $fashion/train-labels-idx1-ubyte.gz}"
checked="{type: idx, images: $fashion/t10k-images-idx3-ubyte.gz, labels: $fashion/t10k-labels-idx1-ubyte.gz}" # as validation data: nothing else is chosen by it
P='[28, 28, 1]'

# ---- bias: the network cannot, or was not let ----
run linear-xor underfit "$(synthetic xor 600 0.1 1)" "$(synthetic xor 1000 0.1 2)" '[2]' "$(out 2)" cross_entropy
run linear-spirals underfit "$(synthetic spirals 600 0.02 1)" "$(synthetic spirals 1000 0.02 2)" '[2]' "$(out 2)" cross_entropy
run linear-circles underfit circles:600:1 circles:1000:2 '[2]' "$(out 2)" cross_entropy
run one-unit-spirals underfit "$(synthetic spirals 600 0.02 1)" "$(synthetic spirals 1000 0.02 2)" '[2]' "$(h 1 tanh), $(out 2)" cross_entropy
run two-units-circles underfit circles:600:3 circles:1000:4 '[2]' "$(h 1), $(out 2)" cross_entropy
run linear-sine underfit sine:600:1:0.05 sine:1000:2:0.05 '[1]' "$(out 1)" mse
run short-spirals underfit "$(synthetic spirals 600 0.02 1)" "$(synthetic spirals 1000 0.02 2)" '[2]' "$(h 32), $(h 32), $(out 2)" cross_entropy stop.epochs=1
run slow-circles underfit circles:600:5 circles:1000:6 '[2]' "$(h 32), $(out 2)" cross_entropy optimizer.lr=1e-6
run fast-circles underfit circles:600:5 circles:1000:6 '[2]' "$(h 32), $(out 2)" cross_entropy 'optimizer={type: sgd, lr: 30}' 'clip={norm: 1}'
run decayed-circles underfit circles:600:5 circles:1000:6 '[2]' "$(h 32), $(out 2)" cross_entropy penalty.l2=1
run dropped-sine underfit sine:600:1:0.05 sine:1000:2:0.05 '[1]' "$(h 32), {type: dropout, rate: 0.95}, $(out 1)" mse
run short-pictures underfit "$pictures" "$checked" "$P" "flatten, $(h 64), $(out 10)" cross_entropy data.limit.train=6000 'stop={steps: 4}' optimizer.lr=0.001

# ---- variance: few samples, false labels, much that tells nothing ----
run noise-50 overfit circles:50:1:0.3 circles:1000:2:0.3 '[2]' "$(h 128), $(h 128), $(out 2)" cross_entropy stop.epochs=600
run noise-50-wide overfit strips:50:3:0.3:10 strips:1000:4:0.3:10 '[10]' "$(h 256), $(out 2)" cross_entropy stop.epochs=300
run noise-100 overfit strips:100:5:0.3:20 strips:1000:6:0.3:20 '[20]' "$(h 128), $(out 2)" cross_entropy stop.epochs=200
run noise-300 overfit strips:300:7:0.2:30 strips:1000:8:0.2:30 '[30]' "$(h 128), $(out 2)" cross_entropy stop.epochs=150
run wide-40 overfit strips:40:9:0:100 strips:1000:10:0:100 '[100]' "$(h 64), $(out 2)" cross_entropy stop.epochs=100
run wide-linear overfit strips:60:11:0.1:100 strips:1000:12:0.1:100 '[100]' "$(out 2)" cross_entropy stop.epochs=300
run blobs-noise overfit strips:200:13:0.3:40 strips:1000:14:0.3:40 '[40]' "$(h 64 tanh), $(h 64 tanh), $(out 2)" cross_entropy stop.epochs=150
run plane-30 overfit plane:30:1:0.5:20 plane:1000:2:0.5:20 '[20]' "$(h 64), $(out 1)" mse stop.epochs=400
run plane-60 overfit plane:60:3:0.5:40 plane:1000:4:0.5:40 '[40]' "$(h 128), $(out 1)" mse stop.epochs=300
run sine-15 overfit sine:15:3:0.5 sine:1000:4:0.5 '[1]' "$(h 128), $(h 128), $(out 1)" mse stop.epochs=3000
run pictures-50 overfit "$pictures" "$checked" "$P" "flatten, $(h 128), $(out 10)" cross_entropy data.limit.train=50 stop.epochs=60 optimizer.lr=0.001
run pictures-300 overfit "$pictures" "$checked" "$P" "flatten, $(h 128), $(out 10)" cross_entropy data.limit.train=300 stop.epochs=60 optimizer.lr=0.001

# ---- both: held short of what it was trained on, and far from the rest ----
run both-noise both strips:300:21:0.3:60 strips:1000:22:0.3:60 '[60]' "$(out 2)" cross_entropy stop.epochs=200
run both-noise-2 both strips:400:23:0.35:80 strips:1000:24:0.35:80 '[80]' "$(out 2)" cross_entropy stop.epochs=200
run both-short both strips:200:25:0.3:60 strips:1000:26:0.3:60 '[60]' "$(h 32), $(out 2)" cross_entropy stop.epochs=2
run both-decayed both strips:200:27:0.3:60 strips:1000:28:0.3:60 '[60]' "$(h 32), $(out 2)" cross_entropy penalty.l2=0.1 stop.epochs=100
run both-plane both plane:100:29:2:50 plane:1000:30:2:50 '[50]' "$(out 1)" mse stop.epochs=200
run both-dropped both strips:200:31:0.3:60 strips:1000:32:0.3:60 '[60]' "$(h 24), {type: dropout, rate: 0.95}, $(out 2)" cross_entropy stop.epochs=40

# ---- neither ----
run good-xor good "$(synthetic xor 1000 0.1 1)" "$(synthetic xor 2000 0.1 2)" '[2]' "$(h 16 tanh), $(out 2)" cross_entropy
run good-spirals good "$(synthetic spirals 2000 0.02 1)" "$(synthetic spirals 2000 0.02 2)" '[2]' "$(h 32), $(h 32), $(out 2)" cross_entropy
run good-circles good circles:1500:41 circles:2000:42 '[2]' "$(h 24), $(out 2)" cross_entropy
run good-blobs good "$(synthetic blobs 1500 0.3 1 'classes: 4, features: 5')" 'split 0.3' '[5]' "$(h 16), $(out 4)" cross_entropy
run good-moons good "$(synthetic moons 2000 0.1 1)" "$(synthetic moons 2000 0.1 2)" '[2]' "$(h 24), $(out 2)" cross_entropy
run good-strips good strips:3000:43:0.01:5 strips:3000:44:0.01:5 '[5]' "$(h 16), $(out 2)" cross_entropy stop.epochs=15
run good-linear good strips:2000:45:0:4 strips:2000:46:0:4 '[4]' "$(out 2)" cross_entropy
run good-plane good plane:1000:47:0.2:5 plane:2000:48:0.2:5 '[5]' "$(out 1)" mse
run good-sine good sine:1500:49:0.1 sine:2000:50:0.1 '[1]' "$(h 32 tanh), $(h 32 tanh), $(out 1)" mse stop.epochs=60
run good-digits good "{type: synthetic, kind: digits, n: 3000, seed: 1}" 'split 0.3' '[16, 16, 1]' "{type: conv, filters: 8, kernel: 3, activation: relu}, {type: max_pool, size: 2}, flatten, $(out 10)" cross_entropy stop.epochs=4
run good-dropout good circles:1500:51 circles:2000:52 '[2]' "$(h 64), {type: dropout, rate: 0.2}, $(out 2)" cross_entropy

# ---- too little to tell ----
run tiny-5 unresolved circles:300:61 circles:5:62 '[2]' "$(h 24), $(out 2)" cross_entropy
run tiny-10 unresolved strips:500:63:0.05:5 strips:10:64:0.05:5 '[5]' "$(h 8), $(out 2)" cross_entropy
run tiny-20 unresolved circles:300:65 circles:20:66 '[2]' "$(h 24), $(out 2)" cross_entropy
run tiny-sine unresolved sine:300:67:0.1 sine:4:68:0.1 '[1]' "$(h 32 tanh), $(h 32 tanh), $(out 1)" mse
run no-validation unresolved circles:300:69 none '[2]' "$(h 24), $(out 2)" cross_entropy
run no-validation-xor unresolved "$(synthetic xor 400 0.1 1)" none '[2]' "$(out 2)" cross_entropy

# ---- the table ----
causes="underfit overfit both good unresolved"
printf '| planted | %s |\n| --- | --- | --- | --- | --- | --- |\n' "${causes// / | }"
for a in $causes; do
  printf '| %s |' "$a"
  for b in $causes; do printf ' %s |' "${count[$a,$b]:-0}"; done
  echo
done
printf '\n%d runs: %d right, %d unresolved that were planted otherwise, %d wrong.\n\n' "$n" "$right" "$open" "$wrong"
printf '| run | planted | told | training error | validation error |\n| --- | --- | --- | --- | --- |\n%s' "$rows"
[[ $((10 * right)) -ge $((9 * n)) && $wrong -le 1 ]]
