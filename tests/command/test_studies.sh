#!/bin/bash
# Every command that looks at a network takes those of sequences too: recurrent layers of every kind, one or several, in one direction or both, embeddings of indices, attention, lengths of their
# own, buckets; and what it finds is right, for these recipes are.
. "$(dirname "$0")/lib.sh"

npy() { # FILE SHAPE: bytes from standard input
  local header="{'descr': '|u1', 'fortran_order': False, 'shape': ($2), }"
  local pad=$(((64 - (10 + ${#header} + 1) % 64) % 64))
  { printf '\x93NUMPY\x01\x00'; printf "\\x$(printf %02x $(((${#header} + pad + 1) % 256)))\\x00"; printf '%s%*s\n' "$header" $pad ''; cat; } >"$1"
}
octets() { printf '%b' "$(printf '\\x%02x' "$@")"; } # NUMBER...
random() { awk -v seed="$1" -v n="$2" -v below="$3" 'BEGIN { srand(seed); for (i = 0; i < n; i++) print int(rand() * below) }'; }
octets $(random 7 144 200) | npy x.npy "12, 4, 3"
octets $(random 8 48 6) | npy words.npy "12, 4"
octets $(random 9 48 6) | npy next.npy "12, 4"
octets 0 1 2 0 1 2 0 1 2 0 1 2 | npy y.npy "12,"
octets 4 2 3 1 4 4 2 3 4 1 3 2 | npy n.npy "12,"

recipe() { # INPUTS TARGETS SHAPE MORE LAYERS
  cat >r.yaml <<YAML
gradus: 1
seed: 3
data:
  train: {type: npy, inputs: $1.npy, targets: $2.npy${4:+, $4}}
  validation: {split: 0.5}
  prepare: $([[ $1 == x ]] && echo '[{type: scale, by: 1/255}]' || echo '[]')
  batch: 4
model:
  input: $3
  layers: [$5]
cost: cross_entropy
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 1}
YAML
}
holds() { code 0 "$@" || short "that is for $kind"; } # ARGS...
# NAME PARAMETER...: every command on r.yaml; the derivatives of the first element of each parameter
all() {
  kind=$1
  shift
  holds plan r.yaml
  "$gradus" check r.yaml >out.txt 2>err.txt # whatever it thinks of such small layers
  [[ $? -le 1 ]] || short "check fails for $kind: $(tail -n 1 err.txt)"
  has out.txt '^ok +P4'
  holds check r.yaml --gradients && has out.txt 'agrees with central differences in all'
  for p in "$@"; do
    holds explain "dL/d$p" r.yaml && has out.txt 'they agree'
    holds explain "dL/d$p" r.yaml --batch 3 --evaluate
  done
  holds trace r.yaml --against threads=1 --steps 2
  holds advise optimizer r.yaml
  holds init r.yaml -o start.safetensors
  holds train r.yaml --out run --overwrite --quiet
  holds eval run/last.safetensors --split validation
  holds curvature run/last.safetensors
  holds explain "dL/d$1" run/last.safetensors
  [[ $kind == *transformer* ]] || holds trace r.yaml --against device=ref --tolerance 1e-3 --steps 2
}

head='{type: dense, units: 3, name: head}'
for cell in lstm gru rnn; do
  recipe x y "[4, 3]" "" "{type: $cell, units: 4, name: m}, $head"
  all "$cell" 'm.weight_ih_l0[0,0]' 'm.weight_hh_l0[1,2]' 'm.bias_hh_l0[3]' 'head.weight[0,0]'
  recipe x y "[4, 3]" "" "{type: $cell, units: 4, layers: 2, bidirectional: true, return: sequence, name: m}, global_avg_pool, $head"
  all "$cell, both ways" 'm.weight_hh_l0_reverse[0,0]' 'm.weight_ih_l1[2,5]'
  recipe x y "[4, 3]" "lengths: n.npy" "{type: $cell, units: 4, name: m, bidirectional: true}, $head"
  all "$cell of lengths" 'm.weight_hh_l0[1,2]' 'm.weight_hh_l0_reverse[1,2]'
  recipe words next "[4]" "" "{type: embedding, vocabulary: 6, units: 4, name: e}, {type: $cell, units: 4, return: sequence, name: m}, {type: dense, units: 6}"
  all "$cell of words" 'e.weight[1,1]' 'm.weight_hh_l0[1,2]'
done
recipe x y "[4, 3]" "" "{type: rnn, nonlinearity: relu, units: 5, name: m}, $head"
all "relu" 'm.weight_hh_l0[1,2]'
recipe words y "[4]" "" "{type: embedding, vocabulary: 6, units: 4, name: e}, flatten, $head"
all "words" 'e.weight[1,1]'
recipe words y "[4]" "lengths: n.npy" "{type: embedding, vocabulary: 6, units: 4, name: e}, global_avg_pool, $head"
all "words of lengths" 'e.weight[2,3]'
recipe words next "[4]" "" "{type: embedding, vocabulary: 6, units: 4, name: e}, positional, {type: transformer_block, heads: 2, causal: true, name: b}, {type: dense, units: 6}"
all "a transformer" 'e.weight[1,1]' 'b.attention.in_proj_weight[0,0]' 'b.ff1.weight[0,1]'
recipe words y "[4]" "lengths: n.npy" "{type: embedding, vocabulary: 6, units: 4, name: e}, positional, {type: transformer_block, heads: 2, name: b}, global_avg_pool, $head"
all "a transformer of lengths" 'e.weight[1,1]' 'b.attention.in_proj_weight[5,1]'

# ---- in buckets: every update is of batches as long as their bucket
recipe x y "[4, 3]" "lengths: n.npy" "{type: gru, units: 4, name: m}, $head"
sed -i 's/^  batch: 4/  batch: 2\n  buckets: [1, 3]\n  shuffle: every_epoch/' r.yaml
all "buckets" 'm.weight_hh_l0[1,2]'
code 0 trace r.yaml --against threads=1 --steps 9
finish
