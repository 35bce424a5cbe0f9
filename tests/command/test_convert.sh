#!/bin/bash
# gradus convert: other normalisations and activations, or none, where they stand in layers, in rows of blocks and between layers that name each other; what it
# changed is listed, and what it wrote is the network that one would have written by hand. [mission T9, X14]
. "$(dirname "$0")/lib.sh"
. "$here/zoo.sh"

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
  code 0 train "$file" --set stop='{steps: 2}' --out "run-$file" --quiet --overwrite
}
octets pictures.npy 5 16 16 1 <"$here/../../docs/recipes.md"
same_outputs() { # OLD NEW: the same parameters and start, and the same bits from the same pictures
  local file
  for file in "$1" "$2"; do
    code 0 init "$file" -o "$file.safetensors" --json && sed 's/"model":"[^"]*"//' out.txt >"$file.start"
    code 0 predict "$file.safetensors" pictures.npy --json && mv out.txt "$file.out"
  done
  [[ $(wc -l <"$1.out") -eq 5 ]] || short "$1: not five predictions"
  same "$1.start" "$2.start"
  same "$1.out" "$2.out"
  rm -f "$1.safetensors" "$2.safetensors"
}
turned() { # LAYERS OPTIONS...: recipes was.yaml and is.yaml
  rm -f is.yaml
  small was.yaml "model: {input: [16, 16, 1], layers: [$1]}"
  shift
  code 0 convert was.yaml "$@" -o is.yaml
}
changes() { # WANTED: how many
  [[ $(sed '1,3d' out.txt | grep -c ' ') -eq $1 ]] || short "not $1 changes: $(cat out.txt)"
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

# ---- attention and transformer blocks: dropout and norms are rows of theirs
sequence='{type: reshape, shape: [16, 16]}, {type: attention, heads: 2, dropout: 0.2, name: a}, {repeat: {times: 2, name: t, layers: [{type: transformer_block, heads: 4, ff: 8, norm: post, dropout: 0.1}]}},
  {type: transformer_block, heads: 2, causal: true, name: u}, {type: layer_norm, name: n}, {type: dropout, rate: 0.3, name: d}, flatten, {type: dense, units: 10, name: head}'
sequence=$(echo $sequence)
turned "$sequence" --drop-dropout
has_change a 'dropout: 0.2' 'dropout: 0'
has_change t.1 'dropout: 0.1' 'dropout: 0'
has_change d dropout nothing
changes 4
same_outputs was.yaml is.yaml
grep -E 'dropout|rate' is.yaml | grep -vE 'dropout: 0($|,)' && short "is.yaml still drops"
wrote is.yaml "$(sed 's/dropout: 0\.[0-9]/dropout: 0/g; s/{type: dropout, rate: 0.3, name: d}, //' <<<"$sequence")"
bad 2 'is.yaml has nothing of what is to be changed' convert is.yaml --drop-dropout -o new.yaml
turned "$sequence" --norm none
has_change t.0 'norm: post' 'norm: none'
has_change u 'norm: pre' 'norm: none'
has_change n layer_norm nothing
changes 4
wrote is.yaml "$(sed 's/norm: post/norm: none/; s/causal: true/&, norm: none/; s/{type: layer_norm, name: n}, //' <<<"$sequence")"
turned "$sequence" --norm none --drop-dropout
changes 8
bad 2 'has nothing of what is to be changed' convert was.yaml --norm group -o new.yaml

# ---- the last layer goes: what the network gives stays, wherever that came from
tail='flatten, {type: dense, units: 10, activation: tanh, name: a}, {type: dense, units: 7, name: b}'
for last in '{type: dropout, rate: 0.2, from: a, name: z}' '{type: dropout, rate: 0.2, from: a}, dropout' '{type: dropout, from: a, name: y}, {type: dropout, from: y, activation: sigmoid}' \
  '{type: add, from: [a, a], name: s}, {type: dense, units: 3, from: b}, {type: dropout, from: s}'; do
  turned "$tail, $last" --drop-dropout
  same_outputs was.yaml is.yaml
  grep -q 'type: dropout' is.yaml && short "$last: is.yaml still drops"
done
turned "{type: dropout, name: z}, $tail, {type: dense, units: 9, from: a}, {type: flatten, from: z, name: f}, {type: dense, units: 10}, {type: dropout, rate: 0.1}, {type: dropout, rate: 0.1}" --drop-dropout
same_outputs was.yaml is.yaml
has is.yaml 'name: f, from: \[?input'
turned '{type: conv, filters: 4, kernel: 3, name: c}, {type: conv, filters: 2, kernel: 3, name: e}, global_avg_pool, {type: global_avg_pool, from: c, name: g}, {type: dense, units: 10, name: y}, {type: dense, units: 8}, {type: layer_norm, from: y}' --norm none
tr -d '\n' <is.yaml | grep -qE 'type: slice[^-]*from: \[?"?y' || short "nothing gives what y gave: $(grep -n slice is.yaml)"

# ---- outputs and gates keep their activations, whatever hands them on
turned 'flatten, {type: dense, units: 12, activation: relu, name: h}, {type: dense, units: 20, activation: relu, name: y}, {type: dropout, rate: 0.1}, {type: reshape, shape: [10, 2]}, {type: max_pool, size: 2, name: m}, {type: reshape, shape: [-1]}' --relu leaky_relu
has_change h relu leaky_relu
changes 1
turned 'flatten, {type: dense, units: 12, activation: sigmoid, name: h}, {type: dense, units: 5, activation: sigmoid, name: y}, {type: dense, units: 5, from: h, name: x}, {type: concat, from: [y, x], name: j}, {type: layer_norm, name: n}' --sigmoid tanh
has_change h sigmoid tanh
changes 1
turned '{type: conv, filters: 4, kernel: 3, activation: relu, name: c}, {type: global_avg_pool, name: m}, {type: dense, units: 4, activation: sigmoid, name: g}, {type: reshape, shape: [1, 1, 4], name: r}, {type: multiply, from: [c, r]}, sigmoid, flatten, {type: dense, units: 10}' --sigmoid tanh --relu silu
has_change sigmoid1 sigmoid tanh
has_change c relu silu
changes 2

# ---- another layer has its own settings: what was chosen stays where it has them too
norm() { # SETTINGS OF NORM, THEIR OPTION, WANTED: the row of what stands for it
  turned "{type: conv, filters: 4, kernel: 3, bias: false}, {type: max_pool, size: 2}, {type: batch_norm, name: bn$1}, flatten, {type: dense, units: 10}" --norm "$2"
  sed -n '/- type: .*norm/,/^    - /p; /- {type: .*norm/p' is.yaml | grep -E 'norm|momentum|eps|affine|frozen|init' | tr -d '\n' | sed 's/^ *- *//; s/[{}]//g; s/,* name: bn,*/,/; s/,* \+/ /g' >row.txt
  [[ $(<row.txt) =~ ^$3,?\ ?$ ]] || short "batch_norm$1 as $2: $(<row.txt), not $3"
  code 0 plan is.yaml
}
norm '' renorm 'type: batch_renorm'
norm ', momentum: 0.1' renorm 'type: batch_renorm'
norm ', momentum: cumulative' renorm 'type: batch_renorm'
norm ', momentum: 0.3, eps: 1e-3' renorm 'type: batch_renorm momentum: 0.3 eps: 1e-3'
norm ', momentum: 0.3' group 'type: group_norm'
norm ', frozen: true' renorm 'type: batch_renorm'
norm ', frozen: true' group 'type: group_norm'
norm ', eps: 0.02, init: {weights: zeros}' layer 'type: layer_norm eps: 0.02,? init: weights: zeros'
norm ', init: {weights: zeros}' instance 'type: instance_norm affine: true,? init: weights: zeros'
norm ', eps: 0.02' rms 'type: rms_norm eps: 0.02'
norm ', init: {weights: zeros, bias: {type: constant, value: 1}}' rms 'type: rms_norm,? init: weights: zeros'
norm ', init: {bias: zeros}' rms 'type: rms_norm'
norm ', init: {bias: zeros}' group 'type: group_norm,? init: bias: zeros'
turned '{type: conv, filters: 4, kernel: 3}, {type: batch_renorm, momentum: 0.2}, {type: batch_renorm}, flatten, {type: dense, units: 10}' --norm batch_norm
[[ $(sed '/^init/,$d' is.yaml | grep -oE 'momentum: [0-9.]+') == 'momentum: 0.2' ]] || short "renorm's momentum: $(grep momentum is.yaml)"
turned '{type: conv, filters: 4, kernel: 3, bias: false, name: c}, {type: max_pool, size: 2}, {type: dropout, rate: 0.1}, {type: batch_norm, name: n}, flatten, {type: dense, units: 10}' --norm none
has_change c 'bias: false' 'bias: true'

# ---- lists of layers in a layer: names within lead where they did
turned '{type: conv, filters: 4, kernel: 3}, {type: inverted_residual, filters: 4, expansion: 2, name: b, norm: none, excite: {type: residual, layers: [dropout, {type: conv, filters: 8, kernel: 1, activation: relu},
  {repeat: {times: 2, layers: [dropout, {type: conv, filters: 8, kernel: 1}]}}, {type: dropout, activation: tanh}, {type: add, from: [dropout1, conv1, dropout2]}], shortcut: [dropout]}}, flatten, {type: dense, units: 10}' --drop-dropout
changes 4
same_outputs was.yaml is.yaml
grep -q 'type: dropout' is.yaml && short "a list within still drops: $(grep dropout is.yaml)"
turned '{type: conv, filters: 4, kernel: 3}, {type: inverted_residual, filters: 4, expansion: 2, name: b, excite: {type: residual, layers: [{type: conv, filters: 8, kernel: 1, bias: false}, batch_norm,
  {type: group_norm, activation: relu}, {type: add, from: [batch_norm1, group_norm1]}]}}, flatten, {type: dense, units: 10}' --norm group --relu silu
has_change b.batch_norm1 batch_norm group_norm
has_change b.group_norm1 relu silu
code 0 plan is.yaml
turned '{type: conv, filters: 4, kernel: 3}, {type: inverted_residual, filters: 4, norm: group_norm, excite: {type: batch_norm, activation: relu}, name: b}, flatten, {type: dense, units: 10}' --norm none --relu tanh
has is.yaml 'excite: tanh'
small was.yaml "model: {input: [16, 16, 1], layers: [{type: basic_block, filters: 4, norm: {type: batch_norm, activation: relu}, name: b}, flatten, {type: dense, units: 10}]}"
bad 2 'norm' convert was.yaml --norm none -o never.yaml
[[ ! -e never.yaml ]] || short "a norm with an activation leaves it nowhere, and is written"
# What a block applies within is no output
turned '{type: conv, filters: 10, kernel: 3}, {type: squeeze_excite, units: 3, name: q}, global_avg_pool' --relu silu
has_change q relu silu
changes 1

# ---- groups of which nothing is left go as well
small was.yaml "model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 10, bias: false, name: a}, {type: batch_norm, name: n}]}" 'groups: [{match: "n.running*", freeze: true}, {match: "n.*", lr_scale: 0}, {match: "*"}]'
code 0 convert was.yaml --norm none -o thin.yaml
has out.txt 'group n\.running\* +nothing'
has out.txt 'group n\.\* +nothing'
code 0 plan thin.yaml
code 0 convert was.yaml --norm renorm -o whole.yaml && grep -q 'match: "\?n\.\*' whole.yaml || short "a group that still has parameters is gone"

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
