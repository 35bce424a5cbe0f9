#!/bin/bash
# Attention with positions learns to look up what follows a mark; every number of threads gives the same bits; parameters have PyTorch's names; queries may take keys and
# values of other layers; a long sequence trains in memory that grows with its length.
. "$(dirname "$0")/lib.sh"

npy() { # FILE SHAPE: bytes from standard input
  local header="{'descr': '|u1', 'fortran_order': False, 'shape': ($2), }"
  local pad=$(((64 - (10 + ${#header} + 1) % 64) % 64))
  { printf '\x93NUMPY\x01\x00'; printf "\\x$(printf %02x $(((${#header} + pad + 1) % 256)))\\x$(printf %02x $(((${#header} + pad + 1) / 256)))"; printf '%s%*s\n' "$header" $pad ''; cat; } >"$1"
}
octets() { printf '%b' "$(awk '{ printf "\\x%02x", $1 }')"; } # of numbers, one a line

# 192 samples of 7 tokens below 4 with one mark, 4, among the first six: the class is the token behind it.
awk 'BEGIN { srand(3); for (i = 0; i < 192; i++) { at = i % 6; for (t = 0; t < 7; t++) print t == at ? 4 : int(rand() * 4) } }' >tokens
octets <tokens | npy x.npy "192, 7"
awk '{ if (last == 4 && NR % 7 != 1) print $1; last = $1 }' tokens | octets | npy y.npy "192,"
cat >r.yaml <<'YAML'
gradus: 1
data:
  train: {type: npy, inputs: x.npy, targets: y.npy}
  batch: 32
model:
  input: [7]
  layers:
    - {type: embedding, name: tokens, vocabulary: 5, units: 16}
    - {type: positional, name: places}
    - {type: attention, name: a, heads: 4, key_heads: 2, causal: true, rotary: true, dropout: 0.1}
    - {type: add, from: [places, a], name: s}
    - {type: attention, name: b, heads: 2, from: [s, s, s]}
    - {type: add, from: [s, b]}
    - {type: dense, units: 32, activation: relu}
    - global_avg_pool
    - {type: dense, name: head, units: 4}
cost: cross_entropy
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 60}
YAML
code 0 train r.yaml --out run --quiet && code 0 eval run/last.safetensors --split train && has out.txt "accuracy (1.0000|0.9[5-9])"
code 0 train r.yaml --out one --quiet --set threads=1 --set stop.epochs=3
code 0 train r.yaml --out two --quiet --set threads=2 --set stop.epochs=3 && same one/last.safetensors two/last.safetensors "threads"
code 0 predict run/last.safetensors x.npy
code 0 init r.yaml -o start.safetensors
for name in tokens.weight places.weight a.in_proj_weight a.in_proj_bias a.out_proj.weight a.out_proj.bias b.in_proj_weight head.weight; do
  grep -aq "\"$name\"" start.safetensors || short "no tensor $name"
done
grep -aqE '"a.in_proj_weight":\{"dtype":"F32","shape":\[32,16\]' start.safetensors || short "in_proj_weight has not the rows of queries, keys and values"

# ---- a language model whose output weights are its embedding's: 24 sentences of which each token says the next
awk 'BEGIN { for (i = 0; i < 24; i++) for (t = 0; t < 5; t++) print (i + t) % 6 }' | octets | npy lmx.npy "24, 5"
awk 'BEGIN { for (i = 0; i < 24; i++) for (t = 1; t < 6; t++) print (i + t) % 6 }' | octets | npy lmy.npy "24, 5"
cat >lm.yaml <<'YAML'
gradus: 1
data:
  train: {type: npy, inputs: lmx.npy, targets: lmy.npy}
  batch: 8
model:
  input: [5]
  layers:
    - {type: embedding, name: tokens, vocabulary: 6, units: 8}
    - {type: dense, name: q, units: 8}
    - {type: dense, name: k, units: 4, from: tokens}
    - {type: dense, name: v, units: 4, from: tokens}
    - {type: attention, name: a, heads: 4, key_heads: 2, causal: true, project: false, from: [q, k, v]}
    - {type: dense, name: d, units: 8, activation: tanh}
    - {type: dense, name: head, units: 6, tied: tokens, bias: false}
cost: cross_entropy
optimizer: {type: adam, lr: 0.03}
stop: {epochs: 80}
YAML
code 0 train lm.yaml --out lm --quiet && code 0 eval lm/last.safetensors --split train && has out.txt "accuracy 1.0000"
grep -aq '"head\.weight"' lm/last.safetensors && short "tied weights are written twice"
code 0 plan lm.yaml && has out.txt " 264 parameters" # 48 + 72 + 2 x 36 + 72

# ---- long sequences: 4096 steps in 12 MiB, of which the weights of one head and sample would fill 64
cat >long.yaml <<'YAML'
gradus: 1
data:
  train: {type: npy, inputs: lx.npy, targets: ly.npy}
  batch: 2
model:
  input: [4096, 16]
  layers:
    - {type: attention, name: a, heads: 2, causal: true, dropout: 0.1}
    - {type: attention, name: b, heads: 2}
    - global_avg_pool
    - {type: dense, units: 2}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 1}
YAML
printf '\0\1' | npy ly.npy "2,"
total() { # STEPS: bytes of tensors
  yes "a sequence of bytes" | head -c $(($1 * 32)) | npy lx.npy "2, $1, 16"
  code 0 plan long.yaml --set model.input="[$1, 16]" --json && grep -oE '"total": ?[0-9]+' out.txt | grep -oE '[0-9]+$'
}
small=$(total 1024) middle=$(total 2048) large=$(total 4096)
[[ $small -gt 0 && $middle -gt $small && $((large - middle)) -eq $((2 * (middle - small))) ]] || short "memory of 1024, 2048 and 4096 steps is not on a line: $small, $middle, $large"
code 0 train long.yaml --out long --quiet --set memory=12M
finish
