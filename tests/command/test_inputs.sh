#!/bin/bash
# Data held against the network, and inputs prepared in float64: what train, check, plan and eval refuse of target shapes; times in seconds since 1970, which a constant
# offset must not change anything about; 64-bit integers of any value; what a split says.
. "$(dirname "$0")/lib.sh"

npy() { # FILE SHAPE DTYPE: bytes from standard input
  local header="{'descr': '$3', 'fortran_order': False, 'shape': ($2), }"
  local pad=$(((64 - (10 + ${#header} + 1) % 64) % 64))
  { printf '\x93NUMPY\x01\x00'; printf "\\x$(printf %02x $(((${#header} + pad + 1) % 256)))\\x$(printf %02x $(((${#header} + pad + 1) / 256)))"; printf '%s%*s\n' "$header" $pad ''; cat; } >"$1"
}
octets() { # WIDTH NUMBER...: little-endian
  local width=$1 x i text=
  shift
  for x in "$@"; do for ((i = 0; i < width; i++)); do printf -v text '%s\\x%02x' "$text" $(((x >> (8 * i)) & 255)); done; done
  printf '%b' "$text"
}
near() { awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a - b; exit !(a + 0 == a && b + 0 == b && (d < 0 ? -d : d) <= t * (b < 0 ? -b : b)) }' || short "$1 is not $2 ($4)"; }

# ---- one-hot targets and other shapes, in every command that reads data
numbers=$(awk 'BEGIN { for (i = 0; i < 24; i++) printf "%d ", i % 3 }')
hot=$(awk 'BEGIN { for (i = 0; i < 24; i++) for (k = 0; k < 3; k++) printf "%d ", i % 3 == k }')
octets 1 $hot | npy x.npy "24, 3" "|u1"
octets 8 $numbers | npy y.npy "24," "<i8" && octets 8 $numbers | npy column.npy "24, 1" "<i8" && octets 8 $hot | npy hot.npy "24, 3" "<i8"
cat >r.yaml <<'YAML'
gradus: 1
data: {train: {type: npy, inputs: x.npy, targets: y.npy}, batch: 8}
model: {input: [3], layers: [{type: dense, units: 3}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.1}
stop: {epochs: 50}
YAML
for y in y column; do
  code 0 train r.yaml --out $y --quiet --set data.train.targets=$y.npy && code 0 eval $y/last.safetensors --split train && has out.txt "accuracy 1.0000"
done
same y/last.safetensors y/best.safetensors
sed 's/y.npy/hot.npy/' r.yaml >hot.yaml
wrong='hot.yaml:2:[0-9]+: data.train.targets: "hot.npy" has targets of shape \[N,3\], but the network gives \[N,3\] and cross_entropy wants a class a sample'
bad 3 "$wrong" train hot.yaml --out no
has err.txt "argmax.*cost: kl"
bad 3 "$wrong" check hot.yaml
bad 3 "$wrong" plan hot.yaml
bad 3 "$wrong" init hot.yaml -o no.safetensors
bad 3 "${wrong#*: }" eval y/last.safetensors --split train --data hot.yaml
bad 3 '"hot.npy" has targets of shape \[N,3\]' eval y/last.safetensors --split train --data '{type: npy, inputs: x.npy, targets: hot.npy}'
[[ ! -e no && ! -e no.safetensors ]] || short "something was written for data that do not fit"
code 0 train hot.yaml --out kl --quiet --set cost=kl
bad 3 '"y.npy" has targets of shape \[N\], but the network gives \[N,3\] and kl wants as many numbers' train r.yaml --out no --set cost=kl
code 0 train r.yaml --out more --set stop.epochs=1 --set model.layers[0].units=7
[[ $(grep -c "the network has outputs for 7 classes, but the data has 3 (0 to 2)" err.txt) -eq 1 ]] || short "more outputs than classes are not said once: $(cat err.txt)"

# ---- 64-bit integers: any value as an input, a class named with its own digits
octets 8 $((1 << 40)) -9223372036854775808 9223372036854775807 7 | npy wide.npy "4, 1" "<i8" && octets 8 0 1 0 9007199254740993 | npy far.npy "4," "<i8" && octets 8 0 1 0 1 | npy two.npy "4," "<i8"
sed 's/x.npy/wide.npy/; s/y.npy/two.npy/; s/\[3\]/[1]/; s/units: 3/units: 2/; s/batch: 8/batch: 8, prepare: [standardize]/' r.yaml >wide.yaml
code 0 train wide.yaml --out wide --quiet --set stop.epochs=2
bad 3 'the label of sample \[3\] is 9007199254740993, but classes are whole numbers from 0 to 16777215' train wide.yaml --out no --set data.train.targets=far.npy

# ---- an offset changes nothing, up to rounding: seconds of an hour, counted from its beginning and from 1970, as text and as 32-bit integers
seconds=$(awk 'BEGIN { for (i = 0; i < 382; i++) printf "%d ", (i * 197 % 382) * 9 + i % 5 }')
late=$(for s in $seconds; do echo $((s + 1700000000)); done)
for from in 0 1700000000; do
  { echo "when,y"; for s in $seconds; do echo "$((s + from)) $s"; done | awk '{ print $1 "," sin($2 / 600) }'; } >from$from.csv
  cat >t$from.yaml <<YAML
gradus: 1
data: {train: {type: csv, file: from$from.csv, target: y}, validation: {split: 0.2}, batch: 32, prepare: [standardize]}
model: {input: [1], layers: [{type: dense, units: 16, activation: tanh}, {type: dense, units: 1}]}
cost: mse
optimizer: {type: adam, lr: 0.02}
stop: {epochs: 40}
YAML
  code 0 plan t$from.yaml --json && planned=$(field out.txt total)
  code 0 train t$from.yaml --out t$from --quiet
  [[ $(sed -nE 's/.*"peak_bytes": ([0-9]+).*/\1/p' t$from/result.json) -eq $planned ]] || short "planned $planned bytes, taken $(grep peak_bytes t$from/result.json)"
  code 0 eval t$from/last.safetensors --split validation --json && cost[from % 7]=$(field out.txt cost_mean)
  grep -qF "\"validation_cost\": ${cost[from % 7]}" t$from/metrics.jsonl || near "$(tail -n 1 t$from/metrics.jsonl | field /dev/stdin validation_cost)" "${cost[from % 7]}" 1e-12 "eval of the run's last evaluation"
  code 0 predict t$from/last.safetensors from$from.csv --json && sed -E 's/.*"output": ?\[([^]]*)\].*/\1/' out.txt >p$from.txt
done
near "${cost[1700000000 % 7]}" "${cost[0]}" 1e-3 "the cost with times since 1970"
[[ $(sort -u p1700000000.txt | wc -l) -gt 370 ]] || short "only $(sort -u p1700000000.txt | wc -l) different predictions of 382"
paste -d ' ' p0.txt p1700000000.txt | awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > m) m = d } END { exit !(NR == 382 && m < 1e-3) }' || short "predictions differ by the offset"
octets 4 $late | npy late.npy "382, 1" "<i4"
code 0 predict t1700000000/last.safetensors late.npy --json && sed -E 's/.*"output": ?\[([^]]*)\].*/\1/' out.txt >p.txt && same p.txt p1700000000.txt "text and 32-bit integers"
code 0 train t1700000000.yaml --out ref --quiet --set device=ref && code 0 eval ref/last.safetensors --split validation --json
near "$(field out.txt cost_mean)" "${cost[1700000000 % 7]}" 1e-3 "ref and cpu"

# ---- pictures whose channels stand first are not taken for pictures of height 1 without a word
octets 1 $(seq 512 | awk '{ print $1 % 251 }') | npy p.npy "2, 1, 16, 16" "|u1" && octets 1 0 1 | npy py.npy "2," "|u1"
pictures() { # INPUT
  cat >p.yaml <<YAML
gradus: 1
data: {train: {type: npy, inputs: p.npy, targets: py.npy}, batch: 2}
model: {input: $1, layers: [{type: conv, filters: 2, kernel: 1}, flatten, {type: dense, units: 2}]}
cost: cross_entropy
optimizer: sgd
stop: {epochs: 1}
YAML
}
pictures "[1, 16, 16]" && code 0 train p.yaml --out p1 && has err.txt 'warning: model.input: \[1, 16, 16\] is a picture of height 1 with 16 channels: .* write \[16, 16, 1\]'
pictures "[16, 16]" && code 0 train p.yaml --out p2 && has err.txt 'warning: model.input: \[16, 16\] is a sequence of 16 steps'
pictures "[16, 16, 1]" && code 0 train p.yaml --out p3 && grep -q 'warning: model.input' err.txt && short "a picture is warned of"

# ---- a split: each class its fraction, and what is too small for one is said; ties are the seed's
{ echo "x,kind"; for ((i = 0; i < 100; i++)); do echo "$i,A"; done; for ((i = 0; i < 10; i++)); do echo "$i,p$i"; echo "$((i + 3)),p$i"; done; } >pairs.csv
{ head -n 101 pairs.csv; for ((i = 0; i < 10; i++)); do echo "$i,s$i"; done; } >single.csv
cat >s.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: pairs.csv, target: kind}, validation: {split: 0.15}}
model: {input: [1], layers: [{type: dense, units: 11}]}
cost: cross_entropy
optimizer: sgd
YAML
code 0 data split s.yaml -o s.tsv
[[ $(grep -c 'validation	0	' s.tsv) -eq 15 && $(grep -c validation s.tsv) -eq 18 ]] || short "the fraction is not kept: $(grep -c 'validation	0	' s.tsv) of A, $(grep -c validation s.tsv) in all"
has err.txt 'note: the validation part has no sample of class "p[0-9]", "p[0-9]".* and 2 more: too few for a share of it'
for seed in 1 2 3 4 5 6; do
  code 0 data split s.yaml -o s$seed.tsv --seed $seed --set data.train.file=single.csv --set data.validation.split=0.3
  has err.txt 'warning: no training sample is of class "s[0-9]", "s[0-9]", "s[0-9]": the network cannot learn it'
  grep validation s$seed.tsv | cut -f3 | grep -v '^0$' | tr '\n' ' '
  echo
done >left.txt
[[ $(sort -u left.txt | wc -l) -gt 2 ]] || short "the same classes leave training for every seed: $(sort -u left.txt)"

# ---- a cost without targets: whatever the source, before anything is trained
npy() { # FILE SHAPE NUMBERS...: float64
  local file=$1 head
  printf -v head "%-117s\n" "{'descr': '<f8', 'fortran_order': False, 'shape': ($2), }"
  shift 2
  { printf '\223NUMPY\1\0\166\0%s' "$head" && perl -e 'print pack("d<*", @ARGV)' "$@"; } >"$file"
}
printf 'a,b\n1,2\n2,3\n3,5\n' >bare.csv
npy bare.npy '3, 2' 1 2 2 3 3 5
for source in '{type: csv, file: bare.csv}' '{type: npy, inputs: bare.npy}'; do
  printf '%s\n' 'gradus: 1' "data: {train: $source}" 'model: {input: [2], layers: [{type: dense, units: 1}]}' 'cost: mse' 'optimizer: sgd' >bare.yaml
  for what in train plan 'data check'; do bad 2 'data.train: the cost wants targets, but (csv|npy) gives none' $what bare.yaml; done
  has err.txt '^  `targets?` says w'
done
finish
