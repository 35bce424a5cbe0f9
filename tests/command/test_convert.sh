#!/bin/bash
# gradus convert: other normalisations and activations, or none, where they stand in layers, in rows of blocks and between layers that name each other; what it
# changed is listed, and what it wrote is the network that one would have written by hand. [mission T9, X14]
. "$(dirname "$0")/lib.sh"

layers='{type: conv, filters: 4, kernel: 3, padding: same, bias: false, name: c1}, {type: batch_norm, activation: relu, name: n1}, {type: dropout, rate: 0.1, name: d1},
  {type: conv, filters: 4, kernel: 1, bias: false, from: n1, name: c2}, {type: batch_norm, name: n2}, {type: add, from: [n2, d1], activation: sigmoid, name: a1},
  {type: basic_block, filters: 6, stride: 2, name: b1}, {type: inverted_residual, filters: 6, excite: {type: squeeze_excite, units: 2}, name: b2}, flatten,
  {type: dropout, rate: 0.5, name: d2}, {type: dense, units: 10, name: head}'
model="model: {input: [16, 16, 1], layers: [$(echo $layers)]}"
small r.yaml "$model"
wrote() { # FILE LAYERS: the same parameters, and the same start
  local file=$1 other=$2
  small hand.yaml "model: {input: [16, 16, 1], layers: [$other]}"
  code 0 init hand.yaml -o hand.safetensors --json && mv out.txt hand.txt
  code 0 init "$file" -o file.safetensors --json && mv out.txt file.txt
  sed -i 's/"model":"[^"]*"//' hand.txt file.txt
  same hand.txt file.txt "$file"
  rm -f hand.safetensors file.safetensors
  code 0 train "$file" --set stop='{steps: 2}' --out "run-$file" --quiet
}
has_change() { grep -qE "^$1 +$2 +$3\$" out.txt || short "no change of $1 from $2 to $3: $(cat out.txt)"; }

# ---- without normalisation: convolutions get biases, activations stay, names lead to what there was before
code 0 convert r.yaml --norm none -o plain.yaml
has_change n1 batch_norm nothing
has_change c1 'bias: false' 'bias: true'
has_change b1 batch_norm none
[[ $(grep -c ' ' <(sed '1,3d' out.txt)) -eq 6 ]] || short "not six changes: $(cat out.txt)"
wrote plain.yaml '{type: conv, filters: 4, kernel: 3, padding: same, name: c1}, {type: relu, name: n1}, {type: dropout, rate: 0.1, name: d1},
  {type: conv, filters: 4, kernel: 1, from: n1, name: c2}, {type: add, from: [c2, d1], activation: sigmoid, name: a1},
  {type: basic_block, filters: 6, stride: 2, norm: none, name: b1}, {type: inverted_residual, filters: 6, norm: none, excite: {type: squeeze_excite, units: 2}, name: b2}, flatten,
  {type: dropout, rate: 0.5, name: d2}, {type: dense, units: 10, name: head}'

# ---- activations: of layers, on layers, of blocks, of layers within them; gates stay, and what gives an output
code 0 convert r.yaml --relu leaky_relu --sigmoid tanh --drop-dropout -o other.yaml
has_change n1 relu leaky_relu
has_change a1 sigmoid tanh
has_change b1 relu leaky_relu
[[ $(grep -cE '^b2 +relu6? +leaky_relu$' out.txt) -eq 2 ]] || short "b2 and its squeeze_excite: $(grep b2 out.txt)"
has_change d1 dropout nothing
wrote other.yaml '{type: conv, filters: 4, kernel: 3, padding: same, bias: false, name: c1}, {type: batch_norm, activation: leaky_relu, name: n1},
  {type: conv, filters: 4, kernel: 1, bias: false, from: n1, name: c2}, {type: batch_norm, name: n2}, {type: add, from: [n2, n1], activation: tanh, name: a1},
  {type: basic_block, filters: 6, stride: 2, activation: leaky_relu, name: b1},
  {type: inverted_residual, filters: 6, activation: leaky_relu, excite: {type: squeeze_excite, units: 2, activation: leaky_relu}, name: b2}, flatten, {type: dense, units: 10, name: head}'
small out.yaml "model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 5, activation: relu, name: d}, {type: dense, units: 10, activation: relu, name: head}]}"
code 0 convert out.yaml --relu tanh -o outputs.yaml --json
[[ $(<out.txt) == '{"recipe":"outputs.yaml","parameters":'*',"changes":[{"layer":"d","from":"relu","to":"tanh"}]}' ]] || short "JSON: $(<out.txt)"

# ---- a layer that is left out and has a source of its own; heads; copies and parts
small h.yaml "model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 4, name: a}, {type: dense, units: 4, name: b}, {type: dropout, rate: 0.2, from: a, name: d}, {repeat: {times: 2, name: r, layers: [{type: residual, layers: [{type: dropout, rate: 0.3}, {type: dense, units: 4}]}]}}, {type: add, from: [b, r.1], name: s}, {type: dense, units: 10, name: y}, {type: dropout, rate: 0.1, name: z}]}" \
  "heads: {k: {from: z, cost: cross_entropy}}" "cost: " "data: {train: {type: synthetic, kind: digits, n: 300}, batch: 32}"
sed -i '/^cost: $/d; s/^data:.*/data: {train: {type: npz, file: t.npz, targets: {k: y}}, batch: 32}/' h.yaml
code 0 convert h.yaml --drop-dropout -o heads.yaml
has_change r.1.dropout1 dropout nothing
has heads.yaml 'from: "y"'
grep -q 'type: dropout' heads.yaml && short "heads.yaml still drops"
sed -n '/name: r.0.dense1/,/name: r.0,/p' heads.yaml >dense.txt
has dense.txt 'from: a'
has heads.yaml 'name: r.0, from: \[r.0.dense1, a\]'
grep -A1 'name: r.1.dense1' heads.yaml | grep -q 'from: a' && short "r.1.dense1 takes a"

# ---- for small batches
code 0 convert r.yaml --norm group -o group.yaml
has_change n1 batch_norm group_norm
has_change b1 batch_norm group_norm
wrote group.yaml "$(echo $layers | sed 's/batch_norm/group_norm/g; s/type: basic_block/&, norm: group_norm/; s/type: inverted_residual/&, norm: group_norm/')"
code 0 convert r.yaml --norm renorm -o renorm.yaml && has_change n1 batch_norm batch_renorm
code 0 convert group.yaml --norm none -o bare.yaml && has_change b1 group_norm none

# ---- mistakes
bad 2 'what to\? --norm' convert r.yaml -o new.yaml
bad 2 'where to\? -o NEW' convert r.yaml --norm none
bad 2 '--norm: there is no grup' convert r.yaml --norm grup -o new.yaml
bad 2 '--norm: there is no relu' convert r.yaml --norm relu -o new.yaml
bad 2 '--relu: there is no leaky_rely' convert r.yaml --relu leaky_rely -o new.yaml
has err.txt 'did you mean leaky_relu'
bad 2 '--sigmoid: there is no dense' convert r.yaml --sigmoid dense -o new.yaml
bad 2 'plain.yaml has nothing of what is to be changed' convert plain.yaml --norm none -o new.yaml
bad 2 'a recipe in YAML' convert r.yaml --norm none -o new.json
bad 2 'layers\[0\].*convv' convert r.yaml --norm none -o new.yaml --set 'model.layers[0].type=convv'
bad 3 'nowhere.yaml' convert nowhere.yaml --norm none -o new.yaml
bad 2 'plain.yaml exists already' convert r.yaml --norm none -o plain.yaml
bad 3 'no/new.yaml' convert r.yaml --norm none -o no/new.yaml
[[ ! -e new.yaml ]] || short "a refused conversion wrote new.yaml"
finish
