#!/bin/bash
# plan --parameters: every parameter by name, shape and count, as text and as JSON, frozen ones marked; a pattern that fits none
# is referred to it.
. "$(dirname "$0")/lib.sh"
small r.yaml 'groups: [{match: "c1.*", freeze: true}]'
code 0 plan r.yaml --parameters
has out.txt '^c1.weight +\[6,1,3,3\] +54  frozen$'
has out.txt '^c1.bias +\[6\] +6  frozen$'
has out.txt '^head.weight +\[10,384\] +3840$'
has out.txt '^head.bias +\[10\] +10$'
code 0 plan r.yaml
grep -q '^c1.weight' out.txt && short "parameters are listed unasked"
code 0 plan r.yaml --parameters --json
has out.txt '"parameters":\[\{"name":"c1.weight","shape":\[6,1,3,3\],"count":54,"frozen":true\},'
has out.txt '\{"name":"head.bias","shape":\[10\],"count":10,"frozen":false\}\]\}$'
has out.txt '"bytes":\{"parameters":[0-9]+,'
code 0 plan r.yaml --json
[[ $(grep -o '"parameters"' out.txt | wc -l) -eq 1 ]] || short "the list stands in JSON unasked"
bad 2 'no parameter is called' plan r.yaml --set 'groups=[{match: "nothing.*"}]'
has err.txt 'gradus plan --parameters'

# init lists the same shapes, those of the file
code 0 init r.yaml -o m.safetensors
has out.txt '^c1.weight +\[6,1,3,3\] '
code 0 init r.yaml -o m.safetensors --json
has out.txt '"name":"c1.weight","shape":\[6,1,3,3\]'
grep -aq '"c1.weight":{"dtype":"F32","shape":\[6,1,3,3\]' m.safetensors || short "the file has another shape"

# The chapter is named where its rules and figures are.
for command in 'advise optimizer' 'advise --help' 'lab --help'; do
  # shellcheck disable=SC2086
  code 0 $command
  has out.txt "'Training a Model', chapter 4 of Deep Learning Systems \(Rodriguez\)"
done
code 0 advise optimizer --markdown
has out.txt "'Training a Model', chapter 4 of \*Deep Learning Systems\*"
code 0 advise optimizer --json
has out.txt '"chapter":"'

# T15: a recipe says what its model may take where it serves, and plan and train refuse what takes more
code 0 plan r.yaml --json && serving=$(field out.txt serving_bytes)
code 0 plan r.yaml && has out.txt "^serving one sample: $serving bytes \("
code 0 plan r.yaml --set limit.serving_bytes="$serving"
bad 4 "limit.serving_bytes: serving one sample needs .* \($serving bytes\), limit.serving_bytes allows .* \($((serving - 1)) bytes\)" plan r.yaml --set limit.serving_bytes=$((serving - 1))
bad 4 "limit.serving_bytes: serving one sample needs" train r.yaml --out served --set limit.serving_bytes=1K
[[ -e served ]] && short "a refused network left a folder"
bad 2 'limit.serving_bytes: "much" is not a size' plan r.yaml --set limit.serving_bytes=much
finish
