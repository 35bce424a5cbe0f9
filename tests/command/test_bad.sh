#!/bin/bash
# Wrong recipes, files and arguments: one clear line, the right exit code, nothing half written.
. "$(dirname "$0")/lib.sh"

fresh() { # nothing but what the test made itself may be left
  [[ ! -e run ]] || short "a refused run left $(find run | head -n 3 | tr '\n' ' ') ($1)"
  rm -rf run
}
train() { local want=$1 pattern=$2; shift 2; bad "$want" "$pattern" train "$@" --out run; fresh "$*"; }
wrong() { # CODE PATTERN LINE...: the small recipe with these lines
  local want=$1 pattern=$2
  shift 2
  small bad.yaml "$@"
  local before
  before=$(failed)
  train "$want" "$pattern" bad.yaml
  [[ $(failed) -eq $before ]] || echo "  the lines were: $*"
}
model() { echo "model: {input: [16, 16, 1], layers: [$1]}"; }
HEAD='flatten, {type: dense, units: 10}'

# ---- arguments
bad 2 "unknown command" trane x.yaml
bad 2 "argument is missing" train
bad 2 "too many arguments" train a.yaml b.yaml
bad 2 "unknown flag --resme" train a.yaml --resme
bad 2 "wants DIR" train a.yaml --out
bad 2 "KEY=VALUE" train a.yaml --set nothing
bad 2 "takes no value" train a.yaml --quiet=yes
bad 2 "o MODEL" init a.yaml
bad 2 "no member adm" explain adm
bad 2 "not a size" plan a.yaml --budget much
bad 3 "nowhere.yaml" train nowhere.yaml

# ---- recipes as YAML
printf 'gradus: 1\nmodel: [1, 2\n' >y.yaml && train 2 "y.yaml:[0-9]+:" y.yaml
printf 'gradus: 1\ngradus: 1\n' >y.yaml && train 2 "gradus" y.yaml
printf 'gradus: 1\n---\ngradus: 1\n' >y.yaml && train 2 "document" y.yaml
printf '' >y.yaml && train 2 "y.yaml" y.yaml
printf '\000\001\377\376rubbish' >y.yaml && train 2 "y.yaml" y.yaml
printf 'gradus: 1\nname: ${GRADUS_SURELY_UNSET}\n' >y.yaml && train 2 "GRADUS_SURELY_UNSET" y.yaml
{ echo 'a: &a [x, x, x, x, x, x, x, x, x]'; for k in b c d e f g h i; do echo "$k: &$k [*$(echo $k | tr b-i a-h), *$(echo $k | tr b-i a-h), *$(echo $k | tr b-i a-h), *$(echo $k | tr b-i a-h), *$(echo $k | tr b-i a-h), *$(echo $k | tr b-i a-h), *$(echo $k | tr b-i a-h), *$(echo $k | tr b-i a-h)]"; done; } >y.yaml
train 2 "y.yaml" y.yaml

# ---- keys, types, ranges
wrong 2 "bad.yaml:[0-9]+:[0-9]+: optimiser: .*" "optimiser: adam"
wrong 2 "optimizer.beta2: .*1.5.*\[0, ?1\)" "optimizer: {type: adam, beta2: 1.5}"
wrong 2 "optimizer.*adamm" "optimizer: adamm"
wrong 2 "optimizer.lr: .*" "optimizer: {type: sgd, lr: fast}"
wrong 2 "optimizer.lr: .*" "optimizer: {type: sgd, lr: -0.1}"
wrong 2 "optimizer.momentun" "optimizer: {type: sgd, momentun: 0.9}"
wrong 2 "threads: .*0" "threads: 0"
wrong 2 "seed: .*" "seed: -1"
wrong 2 "batch: .*" "data: {train: {type: synthetic, kind: digits, n: 100}, batch: -3}"
wrong 2 "cost.*" "cost: cross_entrpy"
wrong 2 "schedule.*" "schedule: {type: polynomial, power: -1}"
wrong 2 "stop.*epoch" "stop: {epoch: 3}"
wrong 2 "stop.epochs: .*" "stop: {epochs: 2.5}"
wrong 2 "layers\[0\]" "$(model "{type: convv, filters: 3, kernel: 3}, $HEAD")"
wrong 2 "layers\[1\].units" "$(model "flatten, {type: dense}")"
wrong 2 "batch_norm.*n1.*one value a channel.*drop_last" "$(model "flatten, {type: dense, units: 9}, {type: batch_norm, name: n1}, {type: dense, units: 10}")" \
  "data: {train: {type: synthetic, kind: digits, n: 33}, batch: 8}"
wrong 2 "layers.0..momentum: 1.5 is no momentum" "$(model "{type: batch_norm, name: n1, momentum: 1.5}, $HEAD")"
wrong 2 "last_bias.*batch_norm is applied to them" "$(model "$HEAD, {type: batch_norm, name: n1}")" "init: {last_bias: auto}"
wrong 2 "average.statistics.*median" "average: {type: swa, statistics: median}"
wrong 2 "conv.*c1" "$(model "{type: conv, filters: 3, kernel: 40, name: c1}, $HEAD")"
wrong 2 "rate: .*1.5" "$(model "{type: dropout, rate: 1.5}, $HEAD")"
wrong 2 "two layers are called" "$(model "{type: relu, name: a}, {type: relu, name: a}, $HEAD")"
wrong 2 "from|nobody" "$(model "{type: relu, from: nobody}, $HEAD")"
wrong 2 "softmax" "$(model "$HEAD, softmax")"
wrong 2 "unknown average" "average: {type: emu}"
wrong 2 "no parameter is called" "groups: [{match: c2.weight, freeze: true}]"
wrong 2 "contains LookAhead already" "optimizer: ranger" "lookahead: {k: 5}"
wrong 2 "place of its own" "optimizer: {type: lamb, decay: coupled}"
wrong 2 "every parameter is frozen" "groups: [{match: '*', freeze: true}]"
wrong 2 "takes the whole training set" "optimizer: gd" "accumulate: 2"
wrong 2 "average.start" "average: {type: swa, start: 0.5}" "schedule: constant" "stop: {seconds: 1}"
wrong 2 "not in \[0, inf\)" "penalty: {l2: -1}"
wrong 2 "device|float64" "precision: float64" "device: cpu"
wrong 2 "device: .*tpu" "device: tpu"
wrong 2 "gradus: .*" "gradus: 2"

# ---- data
npy() { # FILE SHAPE DTYPE BYTES
  local header="{'descr': '$3', 'fortran_order': False, 'shape': ($2), }"
  local pad=$(((64 - (10 + ${#header} + 1) % 64) % 64))
  { printf '\x93NUMPY\x01\x00'; printf "\\x$(printf %02x $(((${#header} + pad + 1) % 256)))\\x$(printf %02x $(((${#header} + pad + 1) / 256)))"; printf '%s%*s\n' "$header" $pad ''; head -c "$4" /dev/zero; } >"$1"
}
rows() { echo "data: {train: {type: npy, inputs: x.npy, targets: y.npy}, batch: 4}"; }
small npy.yaml "$(rows)" "$(model "$HEAD")"
train 3 "x.npy" npy.yaml
npy x.npy "8, 16, 16, 1" "<f4" 8192 && npy y.npy "8," "<i8" 64 && code 0 train npy.yaml --out run --quiet && rm -rf run
npy x.npy "8, 16, 16, 1" "<f4" 8000 && train 3 "x.npy" npy.yaml
npy x.npy "8, 15, 16, 1" "<f4" 7680 && train 3 "\[15,16,1\].*\[16,16,1\]" npy.yaml
npy x.npy "7, 16, 16, 1" "<f4" 7168 && train 3 "7.*8|8.*7" npy.yaml
npy x.npy "8, 16, 16, 1" "<c8" 16384 && train 3 "x.npy" npy.yaml
npy x.npy "8, 16, 16, 1" "<f4" 8192
{ head -c 128 y.npy; printf '\013\0\0\0\0\0\0\0'; head -c 56 /dev/zero; } >z.npy && mv z.npy y.npy && train 3 "labels up to 11|label" npy.yaml
npy y.npy "8," "<i8" 64 && { head -c 128 x.npy; printf '\0\0\300\177'; head -c 8188 /dev/zero; } >z.npy && mv z.npy x.npy && train 3 "x.npy|finite|NaN|nan" npy.yaml
idx() { printf '\000\000\010\003\000\000\000\004\000\000\000\020\000\000\000\020'; head -c "$1" /dev/zero; }
small idx.yaml "data: {train: {type: idx, images: i.gz, labels: l}, batch: 2}" "$(model "$HEAD")"
printf '\000\000\010\001\000\000\000\004\001\002\003\004' >l
idx 1024 | gzip >i.gz && code 0 train idx.yaml --out run --quiet && rm -rf run
idx 1000 | gzip >i.gz && train 3 "i.gz" idx.yaml
idx 1024 | gzip | head -c 20 >i.gz && train 3 "i.gz" idx.yaml
printf '\000\000\010\001\000\000\000\005\001\002\003\004\005' >l && idx 1024 | gzip >i.gz && train 3 "5.*4|4.*5" idx.yaml
small csv.yaml "data: {train: {type: csv, file: t.csv, target: y}, batch: 2}" "model: {input: [2], layers: [{type: dense, units: 2}]}"
printf 'a,b,y\n1,2,0\n3,4,1\n' >t.csv && code 0 train csv.yaml --out run --quiet && rm -rf run
printf 'a,b,y\n1,2,0\n3,4\n' >t.csv && train 3 "t.csv.*3|line 3" csv.yaml
printf 'a,b,y\n1,nan,0\n3,4,1\n' >t.csv && train 3 "t.csv" csv.yaml
printf 'a,b,y\n1,,0\n3,4,1\n' >t.csv && train 3 "t.csv" csv.yaml
printf 'a,b,z\n1,2,0\n3,4,1\n' >t.csv && train 3 "y" csv.yaml
printf 'a,y\n1,0\n4,1\n' >t.csv && train 3 "\[1\].*\[2\]" csv.yaml

# ---- models and folders
small good.yaml "stop: {steps: 2}"
code 0 init good.yaml -o m.safetensors
head -c 300 m.safetensors >cut.safetensors && bad 3 "cut.safetensors" predict cut.safetensors x.npy
printf 'rubbish' >r.safetensors && bad 3 "r.safetensors" eval r.safetensors
bad 3 "none.safetensors" eval none.safetensors
small other.yaml "stop: {steps: 2}" "$(model "flatten, {type: dense, units: 10, name: elsewhere}")"
train 3 "elsewhere|head|c1" other.yaml --from m.safetensors
npy p.npy "3, 5" "<f4" 60 && bad 3 "p.npy" predict m.safetensors p.npy
code 0 plan good.yaml --json
total=$(field out.txt total)
train 4 "memory" good.yaml --set memory=$((total - 1)) --set remat=none
code 0 train good.yaml --out run --quiet --set memory="$total" && rm -rf run
bad 4 "memory" plan good.yaml --budget $((total - 1)) --set remat=none
if [[ $(id -u) -ne 0 ]]; then
  mkdir locked && chmod 555 locked && bad 3 "locked" train good.yaml --out locked/run
fi
touch file && bad 3 "file" train good.yaml --out file/run
bad 3 "/dev/full|space" init good.yaml -o /dev/full
"$gradus" explain adam >/dev/full 2>err.txt
[[ $? -eq 3 ]] || short "explain to a full device: not exit 3"

# ---- --json carries the error as an object
bad 2 "optimizer.beta2" train good.yaml --set optimizer='{type: adam, beta2: 1.5}' --json --out run
has out.txt '"code": ?"E_RANGE"'
finish
