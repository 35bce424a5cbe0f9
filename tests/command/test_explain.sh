#!/bin/bash
# explain dL/d...: the whole text for a small network, JSON, models, and what is refused (P4, P5, FIG4.10).
. "$(dirname "$0")/lib.sh"
printf 'a,b,y\n1,2,no\n-1,0.5,yes\n0.5,-1,no\n' >t.csv
cat >t.yaml <<'YAML'
gradus: 1
name: toy
seed: 3
data: {train: {type: csv, file: t.csv, target: y}, batch: 2}
model: {input: [2], layers: [{type: dense, units: 4, activation: relu, name: h}, {type: dense, units: 3, activation: tanh, name: k}, {type: dense, units: 2, name: o}]}
cost: cross_entropy
stop: {epochs: 1}
YAML

# The difference's last digits are the mathematics library's, the rest is ours
code 0 explain 'dL/dw[0][0,1]' t.yaml --terms 2
sed -i -E 's/^(  central difference +-?[0-9.]{6})[0-9e-]*$/\1.../' out.txt
cat >want.txt <<'TEXT'
dL/dh.weight[0,1]    in dense "h", shape [4,2], layer 0 of those with weights
L: cross_entropy of sample 0; training mode; float64

forward
  input[1]                     2
  h.weight[0,1]                0.282616
  h.z[0]                       2.52998
  h[0]                         2.52998
  k.z[0]                       -0.196676
  k.z[2]                       -0.124944
  k[0]                         -0.194179
  k[2]                         -0.124298
  o[0]                         0.198604
  o[1]                         -0.094878
  prediction[0]                0.572848
  prediction[1]                0.427152
  target class                 0
  L                            0.557134

from the cost back
  dL/do[0]    through cross_entropy "L"
      = -0.427152
  dL/do[1]    through cross_entropy "L"
      = 0.427152
  dL/dk[0]    through dense "o"
      = dL/do[0] * o.weight[0,0]  =  (-0.427152) * (-0.725543)  =  0.309917
      + dL/do[1] * o.weight[1,0]  =  0.427152 * 0.397056  =  0.169603
      = 0.47952
  dL/dk[2]    through dense "o"
      = dL/do[0] * o.weight[0,2]  =  (-0.427152) * (-0.432734)  =  0.184843
      + dL/do[1] * o.weight[1,2]  =  0.427152 * 0.0996602  =  0.04257
      = 0.227413
  dL/dk.z[0]    through tanh "k"
      = dL/dk[0] * dk[0]/dk.z[0]  =  0.47952 * 0.962295  =  0.46144
  dL/dk.z[2]    through tanh "k"
      = dL/dk[2] * dk[2]/dk.z[2]  =  0.227413 * 0.98455  =  0.223899
  dL/dh[0]    through dense "k"
      = dL/dk.z[0] * k.weight[0,0]  =  0.46144 * 0.16799  =  0.0775172
      + dL/dk.z[2] * k.weight[2,0]  =  0.223899 * 0.295233  =  0.0661024
      + 1 more term, together -0.00868115
      = 0.134939
  dL/dh.z[0]    through relu "h"
      = dL/dh[0] * dh[0]/dh.z[0]  =  0.134939 * 1  =  0.134939
  dL/dh.weight[0,1]    through dense "h"
      = dL/dh.z[0] * input[1]  =  0.134939 * 2  =  0.269877

dL/dh.weight[0,1]
  chain rule                   0.269877048
  compiled gradient            0.269877048
  central difference           0.2698...
  they agree

All 35 derivatives of this cost: 85 arithmetic operations forward and 110 backward,
88 of the latter multiplications and additions of matrix products and convolutions
TEXT
same out.txt want.txt "explain dL/dw[0][0,1]"

# The same element by its tensor's name; numbers of a sample, of a batch, of evaluation
code 0 explain 'dL/dw[0][0,1]' t.yaml --json && cp out.txt one.json
code 0 explain 'dJ/dh.weight[0,1]' t.yaml --json && same out.txt one.json "by number and by name"
has one.json '^\{"of":"h.weight\[0,1\]","layer":"h","type":"dense","shape":\[4,2\],"mode":"train","samples":\[0\],"cost":"cross_entropy","reduction":"mean","value":'
has one.json '"chain":\[\{"of":"o\[0\]","through":"cross_entropy \\"L\\"","value":'
has one.json '"agree":true,"operations":\{"forward":'
[[ $(field one.json compiled) == $(grep -o '"derivative":[^,]*,"compiled"' one.json | sed 's/.*:\(.*\),.*/\1/') ]] || short "chain and compiled gradient are not the same number here"
code 0 explain 'dL/dw[0][0,1]' t.yaml --json --sample 1 && has out.txt '"samples":\[1\]' && differ out.txt one.json
code 0 explain 'dL/dw[0][0,1]' t.yaml --json --batch 3 && has out.txt '"samples":\[0,1,2\]'
code 0 explain 'dL/dw[0][0,1]' t.yaml --json --evaluate && has out.txt '"mode":"evaluate"'
code 0 explain 'dL/dw[0][0,1]' t.yaml --json --seed 4 && differ out.txt one.json
code 0 explain 'dL/dw[0][0,1]' t.yaml --quiet && [[ ! -s out.txt ]] || short "--quiet prints"

# Convolution, pooling, dropout; a model file instead of a recipe gives its weights
small r.yaml
code 0 explain 'dL/dc1.weight[3,0,1,2]' r.yaml
has out.txt '^dL/dc1.weight\[3,0,1,2\]    in conv "c1", shape \[6,1,3,3\], layer 0 of those with weights$'
has out.txt 'through dropout "dropout1"'
has out.txt 'more terms, together'
has out.txt '^  they agree$'
code 0 explain 'dL/dc1.weight[3,0,1,2]' r.yaml --evaluate
grep -q dropout out.txt && short "evaluation goes through dropout"
code 0 init r.yaml -o m.safetensors
code 0 explain 'dL/dc1.weight[3,0,1,2]' m.safetensors --json && has out.txt '"agree":true'
code 0 train r.yaml --out run --quiet
code 0 explain 'dL/db[1][4]' run/best.safetensors --batch 4 && has out.txt '^dL/dhead.bias\[4\]'

# At a kink the difference is another number: exit 1, and the three are told
cat >kink.yaml <<'YAML'
gradus: 1
name: kink
data: {train: {type: csv, file: t.csv, target: y}, batch: 2}
model: {input: [2], layers: [{type: dense, units: 4, activation: relu, name: h, init: {weights: zeros}}, {type: dense, units: 2, name: o}]}
cost: cross_entropy
stop: {epochs: 1}
YAML
bad 1 "dL/dh.bias\[2\]: the chain rule gives 0, the compiled gradient 0, the central difference -?0.[0-9]" explain 'dL/db[0][2]' kink.yaml
has out.txt "^  THEY DIFFER$"
has err.txt "at a kink"
code 1 explain 'dL/db[0][2]' kink.yaml --json
[[ $(wc -l <out.txt) -eq 1 ]] || short "a disagreement prints $(wc -l <out.txt) JSON objects, not one"

# What is none
bad 2 'no tensor "h.wieght"' explain 'dL/dh.wieght[0,0]' t.yaml && has err.txt "did you mean dL/dh.weight"
bad 2 'the model has 3 tensors of weights' explain 'dL/dw[3][0,0]' t.yaml
bad 2 'h.weight has shape \[4,2\]: in \[4,0\] number 1 goes from 0 to 3' explain 'dL/dw[0][4,0]' t.yaml
bad 2 'whole tensor of shape \[4,2\]' explain 'dL/dw[0]' t.yaml
bad 2 'not an index' explain 'dL/dw[0][:,0]' t.yaml
bad 2 'is not a derivative' explain 'dL/d' t.yaml
bad 3 'none.yaml' explain 'dL/dw[0][0,0]' none.yaml
bad 2 'of which model' explain 'dL/dw[0][0,0]'
bad 2 'training part has 3' explain 'dL/dw[0][0,0]' t.yaml --sample 3
bad 2 'training part has 3' explain 'dL/dw[0][0,0]' t.yaml --sample 1 --batch 3
bad 2 '1 to 64' explain 'dL/dw[0][0,0]' t.yaml --terms 65
bad 2 'whole number' explain 'dL/dw[0][0,0]' t.yaml --batch 1.5
bad 2 'the recipe of a model' explain 'dL/dw[0][0,0,0,0]' m.safetensors --seed 4
bad 2 'goes with the whole list' explain 'dL/dw[0][0,0]' t.yaml --markdown
bad 2 '--terms goes with a derivative' explain adam --terms 3
bad 2 'too many arguments' explain adam t.yaml
bad 2 'no member dropuot' explain dropuot && has err.txt "did you mean dropout"
finish
