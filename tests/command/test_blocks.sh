#!/bin/bash
# Blocks: what their `init` reaches, activations with parameters within, small biases before their ReLUs, names of layers within scopes.
. "$(dirname "$0")/lib.sh"
cat >r.yaml <<'YAML'
gradus: 1
seed: 3
data: {train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8}
model: {input: [16, 16, 1], layers: [{type: conv, filters: 4, name: c, stride: 2}, {type: basic_block, filters: 4, name: b}, flatten, {type: dense, units: 10, name: end}]}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.05}
stop: {steps: 2}
YAML
names() { grep -aoE '"[A-Za-z0-9_.]+": ?\{"dtype"' "$1" | cut -d'"' -f2 | sort | tr '\n' ' '; }
shape() { grep -aoE "\"$2\": ?\{\"dtype\": ?\"F32\", ?\"shape\": ?\[[0-9, ]*\]" "$1" | sed -E 's/.*\[//; s/[] ]//g'; }
tensor() { # FILE NAME: the tensor's numbers
  local bytes first last
  bytes=$(od -An -tu8 -N8 "$1" | tr -d ' ')
  read -r first last < <(tail -c +9 "$1" | head -c "$bytes" | grep -oE "\"$2\": ?\{[^}]*\}" | sed -nE 's/.*"data_offsets": ?\[([0-9]+), ?([0-9]+)\].*/\1 \2/p')
  [[ -n ${last:-} ]] || { echo "no $2"; return; }
  od -An -v -tf4 -w4 -j $((8 + bytes + first)) -N $((last - first)) "$1" | tr -d ' '
}
all() { [[ $(tensor "$1" "$2" | sort -u) == "$3" ]] || short "$2 is not all $3: $(tensor "$1" "$2" | sort -u | head -n 3 | tr '\n' ' ')${4:+ ($4)}"; }

# A block's `init` is for its convolutions; scales and shifts are reached by that of the norm's own row, the recipe's by none
for block in 'basic_block, filters: 4' 'bottleneck, filters: 2' 'inverted_residual, filters: 4, expansion: 2'; do
  norm=$([[ $block == inverted* ]] && echo conv.0.1 || echo bn1) conv=$([[ $block == inverted* ]] && echo conv.0.0 || echo conv1)
  code 0 init r.yaml -o i.safetensors --set "model.layers[1]={type: $block, name: b, init: {weights: {type: constant, value: 0.5}}}" || continue
  all i.safetensors "b.$conv.weight" 0.5 "$block"
  all i.safetensors "b.$norm.weight" 1 "$block"
  all i.safetensors "b.$norm.bias" 0 "$block"
  code 0 init r.yaml -o i.safetensors --set init.weights=zeros --set "model.layers[1]={type: $block, name: b, norm: {type: batch_norm, init: {weights: {type: constant, value: 0.25}, bias: {type: constant, value: 0.125}}}}" || continue
  all i.safetensors "b.$conv.weight" 0 "$block, its norm's init"
  all i.safetensors "b.$norm.weight" 0.25 "$block, its norm's init"
  all i.safetensors "b.$norm.bias" 0.125 "$block, its norm's init"
done
sequence='{input: [16, 16, 1], layers: [{type: reshape, shape: [16, 16]}, {type: transformer_block, heads: 2, name: t, init: {weights: {type: constant, value: 0.5}, bias: {type: constant, value: 0.125}}}, flatten, {type: dense, units: 10, name: end}]}'
code 0 init r.yaml -o t.safetensors --set "model=$sequence"
for part in attention.in_proj_bias attention.out_proj.bias ff1.bias ff2.bias; do all t.safetensors "t.$part" 0.125; done
for part in norm1 norm2; do all t.safetensors "t.$part.weight" 1 && all t.safetensors "t.$part.bias" 0; done

# relu_bias reaches the shifts that stand before a ReLU within a block, as it does those in a list
code 0 init r.yaml -o relu.safetensors --set init.relu_bias=0.0625 && ! grep -q "does nothing" err.txt || short "relu_bias: $(cat err.txt)"
all relu.safetensors b.bn1.bias 0.0625
all relu.safetensors b.bn2.bias 0 "a sum stands behind it"
code 0 init r.yaml -o l.safetensors --set init.relu_bias=0.0625 --set 'model.layers[1]={type: batch_norm, name: n, activation: relu}' && ! grep -q "does nothing" err.txt || short "relu_bias of a shift: $(cat err.txt)"
all l.safetensors n.bias 0.0625

# What a block applies within is nothing that is applied to the outputs
code 0 plan r.yaml --set 'model.layers=[{type: conv, filters: 10, name: c}, {type: squeeze_excite, units: 2, activation: softmax}, global_avg_pool]'
bad 2 'softmax' plan r.yaml --set 'model.layers=[{type: conv, filters: 10, name: c}, {type: squeeze_excite, units: 2, activation: softmax}, global_avg_pool, softmax]'

# Slopes that are trained: every activation of a block has its own, of its own size
slopes() { # BLOCK NAME=CHANNELS...
  code 0 train r.yaml --out p --overwrite --quiet --set "model.layers[1]={type: $1, name: b}" || return
  local file=p/last.safetensors row
  for row in "${@:2}"; do [[ $(shape $file "b.${row%=*}.weight") == "${row#*=}" ]] || short "$1: b.${row%=*}.weight is [$(shape $file "b.${row%=*}.weight")], not [${row#*=}]: $(names $file)"; done
}
slopes 'basic_block, filters: 4, activation: prelu' act1=4 act2=4
slopes 'bottleneck, filters: 2, activation: prelu' act1=2 act2=2 act3=8
slopes 'inverted_residual, filters: 4, expansion: 2, activation: prelu' conv.0.2=8 conv.1.2=8
slopes 'inverted_residual, filters: 4, expansion: 1, activation: {type: prelu, shared: true}' conv.0.2=1
slopes 'inverted_residual, filters: 4, expansion: 2, names: efficientnet, activation: prelu' _act0=8 _act1=8
slopes 'squeeze_excite, units: 3, activation: prelu, gate: prelu' activation=3 scale_activation=4

# A name is looked up in its own copy first, also that of a layer whose weight another one has
tied='[{type: reshape, shape: [256]}, {repeat: {times: 2, name: r, layers: [{type: dense, units: 256, name: d, bias: false}, {type: dense, units: 256, name: e, tied: d, bias: false}]}}, {type: dense, units: 10, name: end}]'
code 0 train r.yaml --out tied --quiet --set "model.layers=$tied"
[[ $(names tied/last.safetensors) == "end.bias end.weight r.0.d.weight r.1.d.weight " ]] || short "tied within copies: $(names tied/last.safetensors)"
grep -q 'tied: "\?r.1.d' tied/recipe.yaml || short "the resolved recipe does not say in full what is tied: $(grep tied tied/recipe.yaml)"
code 0 train tied/recipe.yaml --out again --quiet && same tied/last.safetensors again/last.safetensors "the resolved recipe"
within='[{type: reshape, shape: [16, 16]}, {type: residual, name: r, layers: [{type: transformer_block, heads: 2, ff: 16, name: t}, {type: dense, units: 16, tied: t.ff1, name: e}]}, flatten, {type: dense, units: 10, name: end}]'
code 0 train r.yaml --out part --quiet --set "model.layers=$within" && ! names part/last.safetensors | grep -q 'r\.e\.weight' || short "a part of a block within a scope is not found"
long=$(printf 'n%.0s' {1..90})
deep="{type: dense, units: 256, name: $long}, {type: dense, units: 256, from: $long, name: last}"
for i in 1 2 3 4 5 6; do deep="{type: residual, name: $long$i, layers: [$deep]}"; done
code 0 plan r.yaml --set "model.layers=[flatten, $deep, {type: dense, units: 10, name: end}]"
finish
