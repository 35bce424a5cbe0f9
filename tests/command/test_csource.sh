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

# The program of docs/deploy.md, and what it says of net.h.
awk '/^```/ { inside = $0 == "```c"; next } inside' "$here/../../docs/deploy.md" >main.c
${CC:-cc} $(sed -nE 's/^cc (.*)/\1/p' "$here/../../docs/deploy.md") -Wall -Wextra -Werror 2>cc.txt || short "the program of docs/deploy.md does not build: $(head -n 3 cc.txt)"
[[ $(./digits | awk '{ sum += $2 } END { print NR, (sum > 0.999 && sum < 1.001) }') == '10 1' ]] || short "the program of docs/deploy.md gives no probabilities: $(./digits)"

# Without the preparation the layers' own numbers come in.
program bare r/last.safetensors --raw
code 0 data view r.yaml -o rows.npz --part validation && mkdir rows && (cd rows && unzip -qo ../rows.npz)
[[ -s rows/inputs.npy ]] || short "no rows"
tail -c +129 rows/inputs.npy | od -An -v -tfF >bare.txt
"./bare" <bare.txt >raw.out
[[ $(wc -l <raw.out) -eq 60 ]] || short "--raw: $(wc -l <raw.out) samples"

# ---- a table: categories, missing values, numbers that float32 rounds
awk 'BEGIN { srand(3); split("red green blue", c, " "); print "year,colour,size,kind"
  for (i = 0; i < 60; i++) printf "%s,%s,%.3f,%s\n", i % 7 == 3 ? "" : 1990 + i % 25, c[1 + int(3 * rand())], 5 * rand(), i % 3 ? "yes" : "no" }' >t.csv
small t.yaml 'data: {train: {type: csv, file: t.csv, target: kind, missing: [""], columns: [year, {name: colour, as: category}, size]}, batch: 20, prepare: [standardize]}' \
  'model: {input: [5], layers: [{type: dense, units: 6, activation: gelu}, {type: dense, units: 2}]}' "stop: {epochs: 3}" "validate: {every: 1 epoch}" "optimizer: {type: adam, lr: 0.05}"
code 0 train t.yaml --out t --quiet
awk -F, 'NR > 1 { print $1 == "" ? "nan" : $1, $2 == "blue" ? 0 : $2 == "green" ? 1 : 2, $3 }' t.csv >t.txt
holds table t/last.safetensors t.txt t.csv
has table.h 'input\[1\]: colour; 0 blue, 1 green, 2 red'
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

# ---- sequences of several lengths: NaN ends them
floats_of() { tail -c +129 "$1" | od -An -v -tfF -w"$((4 * $2))"; } # FILE.npy NUMBERS-A-SAMPLE
cp "$parity/lengths_both/data.npz" both.npz && mkdir both && (cd both && unzip -qo ../both.npz)
small s.yaml 'data: {train: {type: npz, file: both.npz, inputs: x, targets: c, lengths: n}, batch: 25}' \
  'model: {input: [7, 4], layers: [{type: dense, units: 6, activation: tanh}, {type: gru, units: 5, return: sequence}, global_max_pool, {type: dense, units: 3}]}' "stop: {epochs: 2}" "validate: {every: 1 epoch}"
code 0 train s.yaml --out s --quiet
paste <(tail -c +129 both/n.npy | od -An -v -td8 -w8) <(floats_of both/x.npy 28) | awk '{ for (i = 2; i <= NF; i++) printf "%s ", (i - 1 > 4 * $1 ? "nan" : $i); print "" }' >s.txt
holds spans s/last.safetensors s.txt both.npz
grep -q nan s.txt || short "no sequence is short"

# ---- two inputs, two heads
cp "$parity/two_heads/data.npz" two.npz && mkdir two && (cd two && unzip -qo ../two.npz)
cat >two.yaml <<'YAML'
gradus: 1
name: "two * of them"
seed: 3
data: {train: {type: npz, file: two.npz, inputs: {image: x1, table: x2}, targets: {kind: y1, price: y2}}, batch: 25, prepare: {table: [standardize]}}
model:
  inputs: {image: [8, 8, 1], table: [5]}
  layers:
    - {type: conv, filters: 4, kernel: 3, bias: false, from: image}
    - batch_norm
    - {type: relu, name: r}
    - flatten
    - {type: dense, units: 8, name: f}
    - {type: dense, units: 8, activation: relu, from: table, name: d1}
    - {type: add, from: [f, d1], name: both}
    - {type: dense, units: 3, name: head1}
    - {type: dense, units: 2, from: both, name: head2}
heads:
  kind: {from: head1, cost: cross_entropy}
  price: {from: head2, cost: mse, weight: 0.1}
optimizer: {type: sgd, lr: 0.01, momentum: 0.9}
stop: {epochs: 2}
YAML
code 0 train two.yaml --out two.run --quiet
paste <(floats_of two/x1.npy 64) <(floats_of two/x2.npy 5) >two.txt
holds pair two.run/last.safetensors two.txt two.npz
has pair.h 'input \+ 64: table \[5\]'
has pair.h 'output \+ 3: price \[2\]'

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

# ---- codes of 8 bits: a quarter of the weights, about the same answers, the same bytes twice, and what it costs told
small q.yaml 'data: {train: {type: synthetic, kind: digits, n: 300, size: 16, seed: 1}, validation: {split: 0.2}, batch: 32, prepare: [standardize]}' "stop: {epochs: 3}" "checkpoint: {keep: 1}"
code 0 train q.yaml --out q --quiet
code 0 export q/last.safetensors -o codes.c --int8 --json
[[ $(field out.txt products) -eq 2 && $(field out.txt samples) -eq 240 && $(field out.txt judged) -eq 60 ]] || short "--int8 tells otherwise: $(<out.txt)"
awk -v a="$(field out.txt error_before)" -v b="$(field out.txt error_after)" 'BEGIN { exit !(a < 0.6 && b <= a + 0.1 && b >= a - 0.1) }' || short "codes cost too much: $(<out.txt)"
code 0 eval q/last.safetensors --split validation --json
said=$(field out.txt error)
code 0 export q/last.safetensors -o other/codes.c --int8
has out.txt "error on 60 samples: $(printf '%.6g' "$said") by floats, "
same codes.c other/codes.c
CSOURCE_FLAGS=-O2 program codes q/last.safetensors --int8 --calibrate 50
differ codes.c other/codes.c "50 samples tell other ranges"
CSOURCE_TOLERANCE=0.1 agrees codes q/last.safetensors in.txt in.npy
weights=$(sed -nE 's/.*Weights take ([0-9]+) bytes.*/\1/p' codes.h)
[[ $weights -lt 4200 && $weights -gt 3900 ]] || short "the weights take $weights bytes as codes"
code 0 export e/last.safetensors -o other/loop.c --int8 # what a loop multiplies stays float
has other/loop.c 'encode\(codes'
code 0 export w/last.safetensors -o other/text.c --int8 --json
[[ $(field out.txt judged) -eq 0 ]] || short "steps that do not count are judged"
bad 2 'int8: .*float32' export q/last.safetensors -o x.onnx --int8
bad 2 'calibrate: it goes with --int8' export q/last.safetensors -o x.c --calibrate 5
bad 2 'calibrate: .*\.safetensors: weights alone become codes' export q/last.safetensors -o x.safetensors --int8 --calibrate 5

# ---- a model of codes: what its weights stand for, read as any model, trained on; its errors are those that eval finds [mission F9]
code 0 export q/last.safetensors -o coded.safetensors --int8 --json && cp out.txt coded.txt
[[ $(field coded.txt products) -eq 2 && $(field coded.txt samples) -eq 0 ]] || short "a model of codes tells otherwise: $(<coded.txt)"
[[ $(field coded.txt error_before) == "$said" ]] || short "the error before is not that of eval, $said: $(<coded.txt)"
code 0 eval coded.safetensors --split validation --json
[[ $(field out.txt error) == "$(field coded.txt error_after)" ]] || short "the error after is not that of eval, $(field out.txt error): $(<coded.txt)"
code 0 export coded.safetensors -o again.c --int8
[[ $(grep -c '^static const signed char' again.c) -eq 2 ]] && same <(sed -n '/^static const signed char/,/^}/p' codes.c) <(sed -n '/^static const signed char/,/^}/p' again.c) "codes of what codes stand for"
code 0 export coded.safetensors -o coded.npz && code 0 export q/last.safetensors -o floats.npz
for name in c1.weight c1.bias head.weight; do # levels a row, and how far they are from what they were, in steps of the row
  for of in coded floats; do unzip -p $of.npz $name.npy | tail -c +129 | od -An -v -tfF -w4 >$of.$name; done
done
same coded.c1.bias floats.c1.bias "biases are no codes"
paste coded.head.weight floats.head.weight | awk '{ row = int((NR - 1) / 384); v[NR] = $1; w[NR] = $2; a = $2 < 0 ? -$2 : $2; if (a > most[row]) most[row] = a }
  END { for (i = 1; i <= NR; i++) { s = most[int((i - 1) / 384)] / 127; q = v[i] / s; d = (v[i] - w[i]) / s; off = q - int(q + (q < 0 ? -0.5 : 0.5)); far += off > 1e-3 || off < -1e-3 || d > 0.5001 || d < -0.5001; moved += v[i] != w[i] } print NR, far, (moved > 3000) }' >steps.txt
[[ $(<steps.txt) == '3840 0 1' ]] || short "weights of the head are no codes: $(<steps.txt)"
code 0 prune q/last.safetensors --sparsity 0.5 -o half.safetensors && code 0 export half.safetensors -o half-coded.safetensors --int8
sed 's/^stop: .*/stop: {epochs: 2}/' q.yaml >more.yaml
code 0 finetune half-coded.safetensors more.yaml --replace none --lr-scale 1 --out tuned --quiet
code 0 eval half-coded.safetensors --split validation --json && before=$(field out.txt cost_mean)
code 0 eval tuned/best.safetensors --split validation --json && awk -v a="$before" -v b="$(field out.txt cost_mean)" 'BEGIN { exit !(b < a) }' || short "training on does not mend what codes cost: $before, then $(<out.txt)"
code 0 export tuned/best.safetensors -o tuned.npz
[[ $(unzip -p tuned.npz head.weight.npy | tail -c +129 | od -An -v -tfF -w4 | awk '$1 == 0' | wc -l) -eq 1920 ]] || short "what was pruned before the codes is not 0 behind training"
code 0 finetune coded.safetensors more.yaml --replace none --set stop.steps=0 --out start --quiet && code 0 export start/last.safetensors -o start.npz
same <(unzip -p start.npz head.weight.npy) <(unzip -p coded.npz head.weight.npy) "the start of fine-tuning"

mv t.csv away.csv
bad 3 't.csv.*No such file' export t/last.safetensors -o x.c --int8
mv away.csv t.csv

# ---- refused
bad 2 'softmax: .*gives what predict gives' export r/last.safetensors -o x.c --softmax
bad 3 'No such file' export r/last.safetensors -o nowhere/x.c
[[ ! -e x.c && ! -e x.h ]] || short "a refused export wrote something"
finish
