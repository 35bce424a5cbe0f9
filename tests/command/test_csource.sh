#!/bin/bash
# C source of a model's prediction: it compiles without a warning, wants nothing, and gives what predict gives of the same raw samples: pictures, tables with
# categories and missing values, text, sequences of several lengths, several inputs and heads, loops. [interface 11, Export; mission D18, T15]
. "$(dirname "$0")/lib.sh"
. "$here/zoo.sh"
. "$here/csource.sh"
parity=$(readlink -f "$here/../train/parity")

# ---- pictures
small r.yaml "stop: {epochs: 1}" "checkpoint: {keep: 1}"
code 0 train r.yaml --out r --quiet
octets in.npy 6 16 16 1 <"$gradus"
bytes_of in.npy >in.txt
holds net r/last.safetensors in.txt in.npy
for define in 'NET_INPUTS 256' 'NET_OUTPUTS 10'; do has net.h "^#define $define$"; done
has net.h '^void net_predict\(const float \*input, float \*output, float \*scratch\);$'

# Nothing but the standard library, nothing kept, the same bytes twice, another name where the file has another.
grep '#include' net.c | sort >includes.txt
printf '#include "net.h"\n#include <math.h>\n#include <stddef.h>\n#include <string.h>\n' | diff - includes.txt >difference.txt || short "net.c includes otherwise: $(<difference.txt)"
grep -nE '\b(malloc|calloc|free|printf|exit|abort)\b' net.c && short "net.c asks for more than mathematics"
grep -E '^static [^(]*(=|;)' net.c | grep -v '^static const ' && short "net.c keeps something"
mkdir other && code 0 export r/last.safetensors -o other/net.c && same net.c other/net.c && same net.h other/net.h
code 0 export r/last.safetensors -o other/2-nets.v1.c
has other/2-nets.v1.h '^#define NET_2_NETS_V1_INPUTS 256$'
has other/2-nets.v1.c '^void net_2_nets_v1_predict\('
[[ -z $(find . -name '*.tmp-*') ]] || short "there are files left: $(find . -name '*.tmp-*')"

# No more memory than serving was said to take.
code 0 plan r.yaml --json
bytes=$(field out.txt serving_bytes)
read -r weights scratch < <(sed -nE 's/.*Weights take ([0-9]+) bytes.* ([0-9]+)\. \*\/.*/\1 \2/p' net.h)
[[ $((weights + scratch)) -le $bytes && $scratch -eq $((4 * $(sed -n 's/^#define NET_SCRATCH //p' net.h))) && $weights -gt 15000 ]] || short "weights $weights and scratch $scratch, where serving takes $bytes"

# Without the preparation the layers' own numbers come in.
program bare r/last.safetensors --raw
code 0 data view r.yaml -o rows.npz --part validation && mkdir rows && (cd rows && unzip -qo ../rows.npz)
[[ -s rows/inputs.npy ]] || short "no rows"
tail -c +129 rows/inputs.npy | od -An -v -tfF -w16 >bare.txt
"./bare" <bare.txt >raw.out
[[ $(wc -l <raw.out) -eq 60 ]] || short "--raw: $(wc -l <raw.out) samples"

# ---- a table: categories, missing values, numbers that float32 rounds
awk 'BEGIN { srand(3); split("red green blue", c, " "); print "year,colour,size,kind"
  for (i = 0; i < 60; i++) printf "%s,%s,%.3f,%s\n", i % 7 == 3 ? "" : 1990 + i % 25, c[1 + int(3 * rand())], 5 * rand(), i % 3 ? "yes" : "no" }' >t.csv
small t.yaml 'data: {train: {type: csv, file: t.csv, target: kind, missing: [""]}, batch: 20, prepare: [standardize]}' \
  'model: {input: [5], layers: [{type: dense, units: 6, activation: gelu}, {type: dense, units: 2}]}' "stop: {epochs: 3}" "validate: {every: 1 epoch}" "optimizer: {type: adam, lr: 0.05}"
code 0 train t.yaml --out t --quiet
awk -F, 'NR > 1 { print $1 == "" ? "nan" : $1, $2 == "blue" ? 0 : $2 == "green" ? 1 : 2, $3 }' t.csv >t.txt
holds table t/last.safetensors t.txt t.csv
has table.h 'input\[1\]: colour; 0 blue , 1 green , 2 red'
has table.h '^ \*       1 yes$'

# ---- text with lengths
for i in {1..30}; do printf 'ham\tsee you at %d\nspam\tbuy %d now, buy more\neggs\tfried\n' $i $i; done >lines.txt
small w.yaml 'data: {train: {type: text, file: lines.txt, labels: tab}, batch: 30}' \
  'model: {input: [12], layers: [{type: embedding, vocabulary: 256, units: 8}, {type: lstm, units: 7, bidirectional: true}, {type: dense, units: 3}]}' "stop: {epochs: 2}" \
  "optimizer: {type: adam, lr: 0.05}" "validate: {every: 1 epoch}"
code 0 train w.yaml --out w --quiet
cut -f2 lines.txt | head -n 9 >plain.txt
while IFS= read -r line; do printf '%-12.12s' "$line" | tr ' ' '_' >piece; printf '%s' "${line:0:12}" | od -An -v -tu1 -w12; n=${#line}; for ((i = n; i < 12; i++)); do echo 0; done; done <plain.txt >w.txt
holds words w/last.safetensors w.txt plain.txt

# ---- an equilibrium: a loop that ends when it is done; and attention, twice in a composite
small e.yaml 'data: {train: {type: synthetic, kind: digits, n: 40, size: 12, seed: 1}, batch: 20, prepare: [{type: scale, by: 1/255}]}' \
  'model: {input: [12, 12, 1], layers: [{type: conv, filters: 4, kernel: 3, stride: 2}, {type: equilibrium, max: 60, layers: [{type: conv, filters: 4, kernel: 3, padding: same, name: c1, init: {weights: {type: normal, std: 0.1}}}, {type: add, from: [c1, x], activation: tanh}]}, flatten, {type: dense, units: 10}]}' \
  "stop: {epochs: 2}" "optimizer: {type: adam, lr: 0.01}" "validate: {every: 1 epoch}"
code 0 train e.yaml --out e --quiet
octets e.npy 3 12 12 1 <"$gradus"
bytes_of e.npy >e.txt
holds eq e/last.safetensors e.txt e.npy
has eq.c 'if \(left1 == 0\) break;'
small a.yaml 'data: {train: {type: synthetic, kind: digits, n: 40, size: 12, seed: 1}, batch: 20}' \
  'model: {input: [12, 12], layers: [positional, {type: transformer_block, heads: 3, ff: 20}, {type: transformer_block, heads: 2, ff: 10, causal: true}, global_avg_pool, {type: dense, units: 10}]}' \
  "stop: {epochs: 2}" "optimizer: {type: adam, lr: 0.01}" "validate: {every: 1 epoch}"
code 0 train a.yaml --out a --quiet
octets a.npy 3 12 12 <"$gradus"
holds heads a/last.safetensors e.txt a.npy

# ---- refused
bad 2 'softmax: .*gives what predict gives' export r/last.safetensors -o x.c --softmax
bad 3 'No such file' export r/last.safetensors -o nowhere/x.c
[[ ! -e x.c && ! -e x.h ]] || short "a refused export wrote something"
finish
