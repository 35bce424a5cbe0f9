#!/bin/bash
# Inputs of indices: whole numbers of any type reach an embedding as they are, in training, evaluation and prediction; what is no index of the vocabulary is refused with
# file, place, value and vocabulary before anything is trained; preparation and layers that take numbers are refused by name; the row of nothing starts as 0 and stays so.
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

# 24 samples of 3 words; the class is the first word's remainder.
words=$(awk 'BEGIN { for (i = 0; i < 24; i++) printf "%d %d %d ", i % 6, (i * 5) % 9, 8 }')
classes=$(awk 'BEGIN { for (i = 0; i < 24; i++) printf "%d ", i % 3 }')
octets 8 $classes | npy y.npy "24," "<i8"
octets 8 $words | npy x.npy "24, 3" "<i8"
octets 1 $words | npy x1.npy "24, 3" "|u1"
octets 2 $words | npy x2.npy "24, 3" "<u2"
octets 4 $words | npy x4.npy "24, 3" "<i4"
octets 8 $(awk 'BEGIN { for (i = 0; i < 72; i++) printf "%d ", i == 40 ? 9 : 1 }') | npy large.npy "24, 3" "<i8"
octets 8 $(awk 'BEGIN { for (i = 0; i < 72; i++) printf "%.0f ", i == 7 ? 5000000000 : 1 }') | npy huge.npy "24, 3" "<u8"
{ for ((i = 0; i < 71; i++)); do printf '\0\0\0\0'; done; printf '\0\0\0\77'; } | npy half.npy "24, 3" "<f4"
octets 1 $(awk 'BEGIN { for (i = 0; i < 71; i++) printf "1 "; print 255 }') | npy below.npy "24, 3" "|i1"
cat >r.yaml <<'YAML'
gradus: 1
data:
  train: {type: npy, inputs: x.npy, targets: y.npy}
  batch: 8
model:
  input: [3]
  layers:
    - {type: embedding, name: words, vocabulary: 9, units: 4, padding_index: 8}
    - {type: flatten}
    - {type: dense, units: 3}
cost: cross_entropy
optimizer: {type: adamw, lr: 0.1, weight_decay: 0.01}
stop: {epochs: 30}
YAML

# ---- every type the same bits
code 0 train r.yaml --out x --quiet && code 0 eval x/last.safetensors --split train && has out.txt "accuracy 1.0000"
for t in x1 x2 x4; do
  code 0 train r.yaml --out $t --quiet --set data.train.inputs=$t.npy
  cmp -s <(tail -c 300 x/last.safetensors) <(tail -c 300 $t/last.safetensors) || short "$t: other weights"
done
code 0 train r.yaml --out threads --quiet --set threads=1 && same x/last.safetensors threads/last.safetensors "one thread"
code 0 predict x/last.safetensors x1.npy --json && has out.txt '"class": ?0'
bad 3 '"large.npy": element \[13,1\] is 9, but a vocabulary of 9 has indices 0 to 8' predict x/last.safetensors large.npy
code 0 check r.yaml
code 0 plan r.yaml

# ---- the row of nothing: 0 before and after
code 0 init r.yaml -o start.safetensors
for f in start x/last; do
  row=$(perl -e 'open F, "<:raw", $ARGV[0]; read F, $n, 8; read F, $h, unpack("Q<", $n); $h =~ /"words.weight":\{[^}]*"data_offsets":\[(\d+)/ or die;
    seek F, 8 + length($h) + $1 + 8 * 4 * 4, 0; read F, $r, 16; print unpack("H*", $r)' $f.safetensors)
  [[ $row == 00000000000000000000000000000000 ]] || short "$f: the row of nothing is $row"
done

# ---- what is refused
wrong() { bad 3 "$1" train r.yaml --out no --set data.train.inputs=$2; }
wrong 'data.train.inputs: "large.npy": element \[13,1\] is 9, but a vocabulary of 9 has indices 0 to 8' large.npy
wrong '"huge.npy": element \[2,1\] is 5000000000, but a vocabulary' huge.npy
wrong '"half.npy": element \[23,2\] is 0.5, but a vocabulary' half.npy
has err.txt "whole numbers"
wrong '"below.npy": element \[23,2\] is -1, but a vocabulary' below.npy
bad 3 '"large.npy": element \[13,1\] is 9' eval x/last.safetensors --split train --data '{type: npy, inputs: large.npy, targets: y.npy}'
bad 2 'data.prepare: the input "input" holds indices' train r.yaml --out no --set data.prepare=[standardize]
bad 2 'r.yaml.*dense "dense1" takes numbers, but the input "input" holds indices, which embedding "words" looks up' train r.yaml --out no --set 'model.layers[2].from=input'
bad 2 'embedding "words" looks up indices, which an input holds, not what flatten "flatten1" gives' train r.yaml --out no \
  --set 'model.layers=[{type: flatten}, {type: embedding, name: words, vocabulary: 9, units: 4}, {type: flatten}, {type: dense, units: 3}]'
bad 2 'padding_index: 9 is no index of a vocabulary of 9: 0 to 8' train r.yaml --out no --set 'model.layers[0].padding_index=9'
bad 2 'vocabulary: 0 is not in \[1, 16777216\]' train r.yaml --out no --set 'model.layers[0].vocabulary=0'
bad 2 'the input "input" holds indices, but synthetic gives other numbers' train r.yaml --out no \
  --set 'data.train={type: synthetic, kind: blobs, n: 24}'
[[ ! -e no ]] || short "something was written for indices that do not fit"

# ---- tables, and numbers beside indices
{ echo "w1,w2,size,kind"; awk 'BEGIN { for (i = 0; i < 24; i++) printf "%d,%d,%g,%d\n", i % 6, (i * 5) % 9, i / 10, i % 3 }'; } >t.csv
cat >t.yaml <<'YAML'
gradus: 1
data:
  train: {type: csv, file: t.csv, inputs: {words: [w1, w2], size: [size]}, targets: {main: kind}}
  prepare: {size: [standardize]}
  batch: 8
model:
  inputs: {words: [2], size: [1]}
  layers:
    - {type: embedding, from: words, vocabulary: 9, units: 4}
    - {type: flatten, name: flat}
    - {type: dense, from: size, units: 8, name: sized}
    - {type: add, from: [flat, sized]}
    - {type: dense, units: 3}
cost: cross_entropy
optimizer: {type: adam, lr: 0.1}
stop: {epochs: 20}
YAML
sed -i 's/, targets: {main: kind}/, target: kind/' t.yaml
code 0 train t.yaml --out t --quiet
sed 's/^5,/7.5,/; t; s/^4,/NA,/' t.csv >odd.csv
bad 3 '"odd.csv": line 6, column 1 \(w1\): "NA" is not a number' train t.yaml --out no --set data.train.file=odd.csv
sed 's/^5,/7.5,/' t.csv >odd.csv
bad 3 '"odd.csv": line 7, column 1 \(w1\): "7.5" is no index of a vocabulary of 9: 0 to 8' train t.yaml --out no --set data.train.file=odd.csv
sed 's/^4,/NA,/' t.csv >odd.csv
bad 3 '"odd.csv": line 6, column 1 \(w1\): "NA" is missing, which an index cannot be' train t.yaml --out no --set data.train.file=odd.csv --set 'data.train.missing=[NA]'
bad 2 'data.prepare: the input "words" holds indices' train t.yaml --out no --set 'data.prepare=[standardize]'
has err.txt "NAME"
bad 2 'data.prepare.words: the input "words" holds indices' train t.yaml --out no --set 'data.prepare={words: [standardize]}'
finish
