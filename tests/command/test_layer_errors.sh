#!/bin/bash
# Networks that cannot be: nested wrongly, tensors joined that do not fit, inputs that nothing gives, samples that a layer cannot take. Each is one line with the
# place, the layers' names and the shapes of samples, before anything is read or made.
. "$(dirname "$0")/lib.sh"
cat >r.yaml <<'YAML'
gradus: 1
data: {train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8}
model:
  input: [16, 16, 1]
  layers:
    - {type: dense, units: 2, name: head}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 1}
YAML
end='{type: dense, units: 10, name: end}'
layers() { # PLACE MESSAGE HINT LAYERS: the message stands behind the place model.layers...; an empty hint: whatever it is
  bad 2 "^gradus: --set: model.layers$1: $2" plan r.yaml --set "model.layers=[$4]"
  [[ -z $3 ]] || has err.txt "^  $3"
}

# ---- joined, but of other shapes ----
two='{type: conv, filters: 4, kernel: 3, name: a}, {type: conv, filters: 4, kernel: 5, from: input, name: b}'
layers '\[2\]' 'add "s": "a" gives \[14,14,4\] and "b" \[12,12,4\]: they cannot be added$' '' "$two, {type: add, from: [a, b], name: s}, flatten, $end"
layers '\[2\]' 'concat "s": "a" gives \[14,14,4\] and "b" \[12,12,4\]: but for the last axis they must be alike$' '' "$two, {type: concat, from: [a, b], name: s}, flatten, $end"
layers '\[2\]' 'multiply "s": "a" gives \[14,14,4\] and "b" \[12,12,4\]: they cannot be multiplied' '' "$two, {type: multiply, from: [a, b], name: s}, flatten, $end"
layers '\[2\]' 'concat "s": "a" gives \[14,14,4\] and "f" \[256\]' '' "{type: conv, filters: 4, name: a}, {type: flatten, from: input, name: f}, {type: concat, from: [a, f], name: s}, flatten, $end"
layers '\[1\]' 'concat "s": "a" gives \[14,14,4\] and "input" \[16,16,1\]: but for the joined axis' '' "{type: conv, filters: 4, name: a}, {type: concat, from: [a, input], axis: 0, name: s}, flatten, $end"
layers '\[0\]' 'add "residual1": "residual1.c" gives \[14,14,1\] and "input" \[16,16,1\]: they cannot be added$' '' "{type: residual, layers: [{type: conv, filters: 1, name: c}]}, flatten, $end"
layers '\[0\]' 'add "r": "r.c" gives \[14,14,4\] and "r.d" \[14,14,2\]: they cannot be added$' '' "{type: residual, name: r, layers: [{type: conv, filters: 4, name: c}], shortcut: [{type: conv, filters: 2, name: d}]}, flatten, $end"

# ---- inputs that nothing gives ----
layers '\[0\].from' 'there is no layer "image" before this one$' '`input` is the sample itself$' "{type: dense, units: 4, from: image}, flatten, $end"
layers '\[1\].from' 'there is no layer "fist" before this one$' 'did you mean "first"\?$' "{type: dense, units: 4, name: first}, {type: relu, from: fist}, flatten, $end"
layers '\[0\].from\[1\]' 'there is no layer "b" before this one$' '' "{type: add, from: [input, b]}, flatten, $end"
layers '\[0\].from' 'the layer "end" comes only later$' '' "{type: conv, filters: 4, from: end}, flatten, $end"
layers '\[0\].from' 'there is no layer "me" before this one|the layer "me" comes only later' '' "{type: dense, units: 4, name: me, from: me}, flatten, $end"
layers '\[0\].layers\[0\].from' 'there is no layer "elsewhere" before this one$' '' "{type: residual, name: r, layers: [{type: dense, units: 1, from: elsewhere}]}, flatten, $end"
layers '\[1\].from' 'there is no layer "a" before this one$' '' "{type: residual, name: r, layers: [{type: dense, units: 1, name: a}]}, {type: relu, from: a}, flatten, $end"
layers '\[0\].from' 'a map is not the name of a layer$' '' "{type: relu, from: {type: dense}}, flatten, $end"
layers '\[1\].name' 'two layers are called "a"$' 'give it a name of its own$' "{type: dense, units: 3, name: a}, {type: dense, units: 4, name: a}, flatten, $end"
bad 2 '^gradus: --set: model.inputs.b: no layer takes the input "b"$' plan r.yaml --set 'model={inputs: {a: [4], b: [3]}, layers: [{type: dense, units: 2, from: a}]}'
bad 2 '^gradus: --set: model.layers\[0\]: which input the first layer takes is not said: from$' plan r.yaml --set 'model={inputs: {a: [4], b: [3]}, layers: [{type: dense, units: 2}]}'
has err.txt '^  the inputs are a, b$'
bad 2 '^gradus: --set: model.layers\[0\].from: there is no layer "c" before this one$' plan r.yaml --set 'model={inputs: {a: [4], b: [3]}, layers: [{type: dense, units: 2, from: c}]}'

# ---- how many inputs ----
layers '\[0\]' 'add takes at least 2 inputs, not 1$' 'name them: from: \[a, b\]$' "add, flatten, $end"
layers '\[0\].from' 'concat takes at least 2 inputs, not 1$' '' "{type: concat, from: input}, flatten, $end"
layers '\[0\].from' 'relu takes 1 input, not 2$' '' "{type: relu, from: [input, input]}, flatten, $end"
layers '\[0\].from' 'residual takes 1 input, not 2$' '' "{type: residual, from: [input, input], layers: [relu]}, flatten, $end"

# ---- nested wrongly ----
layers '\[0\]' 'a list is not a layer$' 'such as flatten, or \{type: dense, units: 10\}$' "[relu], flatten, $end"
layers '\[0\]' '3 is not a layer$' '' "3, flatten, $end"
layers '\[0\]' 'a layer needs "type"$' '' "{units: 3}, flatten, $end"
layers '\[0\].type' 'a list is not the name of a layer$' '' "{type: [relu]}, flatten, $end"
layers '\[0\].layers' 'unknown key "layers"$' '' "{type: dense, units: 10, layers: [relu]}, flatten, $end"
layers '\[0\].layers' 'there is no layer$' '' "{type: residual, layers: []}, flatten, $end"
layers '\[0\].layers' 'a map is not a list of layers$' '' "{type: residual, layers: {type: relu}}, flatten, $end"
layers '\[0\].layers' 'residual needs "layers"$' '' "{type: residual, shortcut: [relu]}, flatten, $end"
layers '\[0\].repeat' 'a list is not a map of keys$' 'such as repeat: \{times: 3, layers: \[...\]\}$' "{repeat: [relu]}, flatten, $end"
layers '\[0\].repeat.layers' 'repeat needs "layers"$' '' "{repeat: {times: 2}}, flatten, $end"
layers '\[0\].repeat.layers\[0\]' 'conv "repeat1.1.c": a kernel of 9 reaches over 9, but its input has 8$' '"repeat1.0.relu1" gives it \[8,8,3\]$' "{repeat: {times: 2, layers: [{type: conv, filters: 3, kernel: 9, name: c}, relu]}}, flatten, $end"
deep='relu'
for i in 1 2 3 4 5 6 7 8 9; do deep="{type: residual, layers: [$deep]}"; done
layers '(\[0\].layers){9}' 'layers nested deeper than 8$' '' "$deep, flatten, $end"
layers '\[0\].excite.type' 'unknown layer "squeeze_excit"$' 'did you mean "squeeze_excite"\?$' "{type: inverted_residual, filters: 3, excite: {type: squeeze_excit}}, flatten, $end"
layers '\[0\].norm.foo' 'unknown key "foo"$' '' "{type: bottleneck, filters: 3, norm: {type: batch_norm, foo: 3}}, flatten, $end"
layers '\[0\].activation' 'unknown activation "conv"$' '' "{type: dense, units: 3, activation: conv}, flatten, $end"

# ---- samples that a layer cannot take ----
of_row='"flatten1" gives it \[256\]$'
for type in 'conv, filters: 2' 'conv_transpose, filters: 2' 'max_pool' 'avg_pool' 'adaptive_avg_pool, size: 2' 'adaptive_max_pool, size: 2' global_avg_pool global_max_pool squeeze_excite; do
  layers '\[1\]' "${type%%,*} \"l\": takes \[height, width, channels\] or \[length, features\]" "$of_row" "flatten, {type: $type, name: l}, $end"
done
for type in lstm gru rnn; do
  layers '\[1\]' "$type \"l\": takes sequences, \[steps, features\], of one step at least$" "$of_row" "flatten, {type: $type, units: 2, name: l}, $end"
  layers '\[0\]' "$type \"l\": takes sequences" '"input" gives it \[16,16,1\]$' "{type: $type, units: 2, name: l}, $end"
done
layers '\[1\]' 'basic_block "b" / conv "b.conv1": takes \[height, width, channels\]' "$of_row" "flatten, {type: basic_block, filters: 3, name: b}, $end"
layers '\[0\]' 'inverted_residual "b" / conv "b.conv.2": takes \[height, width, channels\]' '"input" gives it \[16,16,1\]$' "{type: inverted_residual, filters: 3, excite: flatten, name: b}, flatten, $end"
layers '\[0\].layers\[1\]' 'conv "r.b": a kernel of 9 reaches over 9, but its input has 8$' '"r.a" gives it \[8,8,1\]$' "{type: residual, name: r, layers: [{type: max_pool, name: a}, {type: conv, filters: 2, name: b, kernel: 9}]}, flatten, $end"
layers '\[0\]' 'max_pool "l": a size of 20 reaches over 20, but its input has 16$' '"input" gives it \[16,16,1\]$' "{type: max_pool, size: 20, name: l}, flatten, $end"
layers '\[0\].kernel' 'a list of 3 does not fit 2 axes$' '' "{type: conv, filters: 2, kernel: [3, 3, 3]}, flatten, $end"
layers '\[0\]' 'conv "l": 3 groups do not divide 1 channels and 4 filters$' '' "{type: conv, filters: 4, groups: 3, name: l}, flatten, $end"
layers '\[0\]' 'reshape "l": a sample \[16,16,1\] does not become \[5,5\]: it has 256 numbers$' '' "{type: reshape, shape: [5, 5], name: l}, flatten, $end"
layers '\[0\].axes' 'these are not the axes of a sample \[16,16,1\]$' 'each axis of the sample is named once$' "{type: permute, axes: [0, 1]}, flatten, $end"
layers '\[0\].axis' '3 is no axis of a sample \[16,16,1\]$' 'last, 0 to 2, or from the end -1 to -3$' "{type: slice, axis: 3}, flatten, $end"
layers '\[0\].start' 'start 20 reaches beyond axis 1 of a sample \[16,16,1\]$' '' "{type: slice, axis: 1, start: 20}, flatten, $end"
layers '\[1\]' 'dense "d" takes numbers, but the input "input" holds indices, which embedding "e" looks up$' '' "{type: embedding, vocabulary: 5, units: 3, name: e}, {type: dense, units: 4, from: input, name: d}, flatten, $end"
layers '\[1\]' 'embedding "e" looks up indices, which an input holds, not what flatten "f" gives$' '' "{type: flatten, name: f}, {type: embedding, vocabulary: 5, units: 3, name: e}, flatten, $end"

# ---- larger than any machine: refused, or planned, by shapes alone ----
rows='{type: reshape, shape: [256, 1]}'
layers '\[2\]' 'positional "p": a table of 256 steps by 1000000 numbers is more than can be made: 134217728 numbers$' '' "$rows, {type: dense, units: 1000000}, {type: positional, kind: sinusoidal, name: p}, flatten, $end"
layers '\[2\]' 'attention "a": a table of 256 steps by 1000000 numbers is more' '' "$rows, {type: dense, units: 2000000}, {type: attention, heads: 1, rotary: true, name: a}, flatten, $end"
layers '\[2\].kernel' 'a window of 25000000 places is larger than any that can be planned, 16777216$' '' "{type: dense, units: 2000000}, {type: reshape, shape: [51200, 10000, 1]}, {type: conv, filters: 2, kernel: 5000}, flatten, $end"
layers '\[2\].size' 'a window of 25000000 places' '' "{type: dense, units: 2000000}, {type: reshape, shape: [51200, 10000, 1]}, {type: max_pool, size: 5000}, flatten, $end"
for list in "$rows, {type: dense, units: 1000000000}, flatten, $end" "{type: dense, units: 2000000}, {type: reshape, shape: [51200, 10000, 1]}, {type: avg_pool, size: 3, padding: 1, stride: 2, ceil: true, count_padding: true}, global_avg_pool, $end"; do
  timeout 120 "$gradus" plan r.yaml --set "model.layers=[$list]" >out.txt 2>err.txt || short "not planned: $list: $(head -n 1 err.txt)"
done
finish
