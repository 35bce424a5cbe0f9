#!/bin/bash
# Sequences of different lengths: every command knows them; in buckets a run stopped within an epoch goes on to the same bits, for any number of threads, within the
# memory that was planned; lengths that cannot be are refused with file and row, layers that cannot take them by name and shape.
. "$(dirname "$0")/lib.sh"
parity=$(readlink -f "$here/../train/parity")
cp "$parity/lengths_both/data.npz" both.npz && cp "$parity/lengths_steps/data.npz" steps.npz
sed 's/data.npz/both.npz/; s/shuffle: none, batch: 16/validation: {split: 0.25}, shuffle: every_epoch, batch: 5, buckets: [2, 4]/' "$parity/lengths_both/recipe.yaml" >both.yaml
sed 's/data.npz/steps.npz/; s/shuffle: none, batch: 16/validation: {split: 0.25}, shuffle: every_epoch, batch: 5, buckets: 3/' "$parity/lengths_steps/recipe.yaml" >steps.yaml
has both.yaml 'buckets: \[2, 4\]' && has steps.yaml 'buckets: 3'

npy() { # FILE SHAPE DTYPE: bytes from standard input
  local header="{'descr': '$3', 'fortran_order': False, 'shape': ($2), }"
  local pad=$(((64 - (10 + ${#header} + 1) % 64) % 64))
  { printf '\x93NUMPY\x01\x00'; printf "\\x$(printf %02x $(((${#header} + pad + 1) % 256)))\\x$(printf %02x $(((${#header} + pad + 1) / 256)))"; printf '%s%*s\n' "$header" $pad ''; cat; } >"$1"
}
octets() { printf '%b' "$(printf '\\x%02x' "$@")"; } # NUMBER...

# ---- every command ----
for r in both steps; do
  code 0 check $r.yaml --skip T6,X9 || cat out.txt
  code 0 plan $r.yaml --json
  total=$(field out.txt total)
  code 0 train $r.yaml --out $r --quiet
  [[ $(field $r/result.json peak_bytes) == "$total" ]] || short "$r: peak_bytes is not the total of plan: $(field $r/result.json peak_bytes) for $total"
  code 0 train $r.yaml --out half --quiet --overwrite --set stop.steps=7 # 38 samples in batches of 5: within an epoch, and with the short batch in it
  code 0 train $r.yaml --out half --quiet --resume --threads 1
  same $r/last.safetensors half/last.safetensors "$r, stopped and resumed"
  code 0 train $r/recipe.yaml --out again --quiet --overwrite --threads 2
  same $r/last.safetensors again/last.safetensors "$r, its resolved recipe"
  code 0 train $r.yaml --out plain --quiet --overwrite --set data.buckets=none
  differ $r/last.safetensors plain/last.safetensors "$r: buckets are other batches"
  [[ $(wc -l <plain/metrics.jsonl) -eq $(wc -l <$r/metrics.jsonl) ]] || short "$r: buckets change how many updates there are"
done

# With batches that hold all, buckets or not, one update is the same to rounding.
for set in data.buckets=none data.buckets=4; do code 0 train both.yaml --out "$set" --quiet --set "$set" --set data.batch=all --set stop.steps=1; done
awk -v a="$(field data.buckets=none/result.json train_cost)" -v b="$(field data.buckets=4/result.json train_cost)" \
  'BEGIN { exit !(a + 0 == a && b + 0 == b && a > 0 && (a - b) ^ 2 <= 1e-12 * a * a) }' || short "buckets change the cost of all samples"

# ---- 300 steps: lengths about 256, in every type, one by one or together or in buckets ----
random() { awk -v seed="$1" -v n="$2" -v below="$3" 'BEGIN { srand(seed); for (i = 0; i < n; i++) print int(rand() * below) }'; }
wide() { for x in "$@"; do octets $((x & 255)) $((x >> 8 & 255)); done; } # NUMBER...: of two bytes each
octets $(random 5 4800 200) | npy long.npy "8, 300, 2" "|u1"
octets $(random 6 2400 5) | npy each.npy "8, 300" "|u1"
wide 256 257 300 255 1 128 299 2 | npy about.npy "8," "<u2"
for x in 256 257 300 255 1 128 299 2; do wide $x 0; done | npy about4.npy "8," "<i4"
cat >long.yaml <<'YAML'
gradus: 1
precision: float64
data: {train: {type: npy, inputs: long.npy, targets: each.npy, lengths: about.npy}, batch: 8, prepare: [{type: scale, by: 1/255}]}
model: {input: [300, 2], layers: [{type: gru, units: 3, return: sequence, bidirectional: true}, positional, {type: dense, units: 5}]}
optimizer: {type: sgd, lr: 0.5}
stop: {epochs: 3}
YAML
code 0 train long.yaml --out long --quiet
for set in "data.train.lengths=about4.npy" "data.batch=1 accumulate=8" "data.batch=1 accumulate=8 data.buckets=[1,2,128,255,256,257,299]" "data.batch=2 accumulate=4 data.buckets=[255,256]" \
  "data.batch=3 accumulate=3 data.buckets=64"; do
  code 0 train long.yaml --out other --overwrite --quiet $(printf -- '--set %s ' $set)
  awk -v a="$(field long/result.json train_cost)" -v b="$(field other/result.json train_cost)" \
    'BEGIN { exit !(a + 0 == a && b + 0 == b && a > 0 && (a - b) ^ 2 <= 1e-20 * a * a) }' || short "$set: the cost of sequences about 256 long is $(field other/result.json train_cost), not $(field long/result.json train_cost)"
done

# ---- lengths in one part and not in the other: all steps of the other count ----
octets $(random 7 48 200) | npy part.npy "8, 3, 2" "|u1"
octets 0 1 0 1 0 1 0 1 | npy kind.npy "8," "|u1"
octets 3 1 2 3 1 2 3 1 | npy some.npy "8," "|u1"
octets 3 3 3 3 3 3 3 3 | npy all.npy "8," "|u1"
of_parts() { # OUT TRAIN VALIDATION: lengths of the two, or none
  cat >parts.yaml <<YAML
gradus: 1
precision: float64
data:
  train: {type: npy, inputs: part.npy, targets: kind.npy, lengths: $2}
  validation: {type: npy, inputs: part.npy, targets: kind.npy, lengths: $3}
  batch: 3
model: {input: [3, 2], layers: [{type: lstm, units: 3}, {type: dense, units: 2}]}
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 2}
YAML
  code 0 train parts.yaml --out "$1" --quiet
  code 0 eval "$1/last.safetensors" --split validation --json
  local told
  told=$(tail -n 1 "$1/metrics.jsonl" | sed -nE 's/.*"validation_cost":([^,}]*).*/\1/p')
  [[ $(field out.txt cost_mean) == "$told" ]] || short "lengths of $2 and $3: eval gives $(field out.txt cost_mean), training told $told"
  echo "$told" >"$1.told"
}
for x in none all.npy some.npy; do for y in none all.npy some.npy; do of_parts "$x-$y" $x $y; done; done
for x in none all.npy some.npy; do
  near() { awk -v a="$(cat "$1.told")" -v b="$(cat "$2.told")" 'BEGIN { exit !(a + 0 == a && b + 0 == b && (a - b) ^ 2 <= 1e-24 * a * a) }' || short "$1 is not as $2: $(cat "$1.told") and $(cat "$2.told")"; }
  near "$x-none" "$x-all.npy"
  near "none-$x" "all.npy-$x"
done
bad 2 'data.buckets.*the training data has none' train parts.yaml --out no --set data.train.lengths=none --set data.buckets=2

# ---- evaluation and prediction: steps that are there ----
code 0 eval both/last.safetensors --split validation --json && has out.txt '"at_rmse"|"rmse"|"at_mae"|"mae"'
code 0 predict both/last.safetensors both.npz --json
[[ $(wc -l <out.txt) -eq 50 ]] || short "predict gives $(wc -l <out.txt) lines for 50 samples"
count=$(head -n 1 out.txt | grep -oE '"at": ?\{"output": ?\[[^]]*' | tr , '\n' | wc -l)
[[ $count -eq 2 ]] || short "a sample of one step has $count numbers, not 2: $(head -n 1 out.txt)"
count=$(sed -n 2p out.txt | grep -oE '"at": ?\{"output": ?\[[^]]*' | tr , '\n' | wc -l)
[[ $count -eq 14 ]] || short "a sample of seven steps has $count numbers, not 14: $(sed -n 2p out.txt)"
head -c $((7 * 4)) /dev/zero | npy one.npy "7, 4" "|u1"
code 0 predict both/last.safetensors one.npy
has err.txt 'warning: one.npy: the model was trained with lengths of seq, but the file has none: all 7 steps of a sample count'

# ---- lengths that cannot be ----
# 8 samples of 3 steps of 2 numbers, a class each
octets $(seq 1 48) | npy x.npy "8, 3, 2" "|u1"
octets 0 1 0 1 0 1 0 1 | npy y.npy "8," "|u1"
octets 3 1 2 3 1 2 3 1 | npy n.npy "8," "|u1"
cat >r.yaml <<'YAML'
gradus: 1
data: {train: {type: npy, inputs: x.npy, targets: y.npy, lengths: n.npy}, batch: 4}
model: {input: [3, 2], layers: [{type: dense, units: 4, activation: tanh, name: a}, {type: global_avg_pool, name: p}, {type: dense, units: 2, name: head}]}
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 2}
YAML
code 0 train r.yaml --out run --quiet
lengths() { # CODE PATTERN SHAPE DTYPE: bytes of the lengths from standard input
  npy bad.npy "$3" "$4"
  bad "$1" "$2" train r.yaml --out no --set data.train.lengths=bad.npy
  [[ -e no ]] && short "a refused run leaves a folder: $2"
}
octets 3 1 2 0 1 2 3 1 | lengths 3 'bad.npy": the length of sample \[3\] is 0, but samples have 1 to 3 steps' "8," "|u1"
octets 3 1 2 3 1 4 3 1 | lengths 3 'bad.npy": the length of sample \[5\] is 4, but samples have 1 to 3 steps' "8," "|u1"
octets 3 1 255 3 1 2 3 1 | lengths 3 'bad.npy": the length of sample \[2\] is -1, but' "8," "|i1"
for i in 0 1 2 3 4 5 6; do octets 0 0 128 63; done | { cat; octets 0 0 192 63; } | lengths 3 'bad.npy": the length of sample \[7\] is 1.5, but' "8," "<f4"
for i in 0 1 2 3 4 5 6; do octets 0 0 128 63; done | { cat; octets 0 0 192 127; } | lengths 3 'bad.npy": element \[7\] is nan, which is not finite' "8," "<f4"
for i in 0 1 2 3 4 5 6; do octets 1 0 0 0 0 0 0 0; done | { cat; octets 1 0 0 0 1 0 0 0; } | lengths 3 'the length of sample \[7\] is 4294967297, but' "8," "<i8"
octets 3 1 2 3 1 2 3 | lengths 3 '"[^"]*x.npy" holds 8 samples, but "[^"]*bad.npy" holds lengths of 7' "7," "|u1"
octets $(seq 1 16) | lengths 3 'bad.npy" has 2 lengths a sample, but a sample has one' "8, 2" "|u1"
bad 3 'bad-none.npy' train r.yaml --out no --set data.train.lengths=bad-none.npy
bad 2 'data.train.lengths.seq: the recipe has no input "seq"' train r.yaml --out no --set 'data.train.lengths={seq: n.npy}'
bad 2 'data.buckets: .*1 is neither a number of buckets, 2 to 64, nor a list' train r.yaml --out no --set data.buckets=1
bad 2 'data.buckets\[1\]: .*2 is not more than the limit before it, 2' train r.yaml --out no --set 'data.buckets=[2, 2]'
bad 2 'data.buckets.*lengths' train r.yaml --out no --set data.train.lengths=none --set data.buckets=2
bad 2 'data.buckets' train r.yaml --out no --set 'data.buckets=[2, 4]'

# ---- layers that cannot take them ----
layers() { bad 2 "$1" train r.yaml --out no --set "model.layers=$2"; }
layers 'model.layers\[0\]: conv "c": cannot take sequences of different lengths, such as its input \[3,2\]' '[{type: conv, filters: 2, kernel: 2, name: c}, global_avg_pool, {type: dense, units: 2}]'
has err.txt '^  put a layer before it that ends the steps, such as global_avg_pool'
layers 'model.layers\[1\]: flatten "f": cannot take sequences of different lengths, such as its input \[3,4\]' '[{type: dense, units: 4}, {type: flatten, name: f}, {type: dense, units: 2}]'
layers 'model.layers\[0\].layers\[1\]: max_pool "r.m": cannot take .* such as its input \[3,2\]' '[{type: residual, name: r, layers: [{type: dense, units: 2}, {type: max_pool, size: 1, name: m}]}, global_avg_pool, {type: dense, units: 2}]'
layers 'slice "s": sequences have lengths of their own here: their steps cannot be joined, cut or moved' '[{type: slice, axis: 0, start: 1, name: s}, global_avg_pool, {type: dense, units: 2}]'
layers 'concat "c": sequences have lengths' '[{type: dense, units: 2, name: a}, {type: dense, units: 2, name: b}, {type: concat, axis: 0, from: [a, b], name: c}, global_avg_pool, {type: dense, units: 2}]'
layers 'permute "t": sequences have lengths' '[{type: permute, axes: [1, 0], name: t}, global_avg_pool, {type: dense, units: 2}]'
bad 3 'data.train.targets: "[^"]*y.npy" has targets of shape \[N\], but the network gives \[N,3,2\]' train r.yaml --out no --set 'model.layers=[{type: dense, units: 2}]' # a class a sample of outputs a step
finish
