#!/bin/bash
# Costs from outside: what eval and predict say for each kind of target, which targets are refused, and that balanced weights live in the model.
# [mission S4, S5, G12, P1, P3]
. "$(dirname "$0")/lib.sh"

npy() { # FILE SHAPE DTYPE: the values come from standard input
  local header="{'descr': '$3', 'fortran_order': False, 'shape': ($2), }"
  local pad=$(((64 - (10 + ${#header} + 1) % 64) % 64))
  { printf '\x93NUMPY\x01\x00'; printf "\\x$(printf %02x $(((${#header} + pad + 1) % 256)))\\x$(printf %02x $(((${#header} + pad + 1) / 256)))"; printf '%s%*s\n' "$header" $pad ''; cat; } >"$1"
}
bytes() { local b; for b in "$@"; do printf "\\x$(printf %02x "$b")"; done; }
near() { awk -v a="$1" -v b="$2" -v t="${3:-1e-6}" 'BEGIN { d = a - b; exit !(a + 0 == a && b + 0 == b && (d < 0 ? -d : d) <= t) }' || short "$1 is not $2${4:+ ($4)}"; }
recipe() { # FILE COST UNITS LINES...
  cat >"$1" <<YAML
gradus: 1
data: {train: {type: npy, inputs: x.npy, targets: y.npy}, validation: {type: npy, inputs: x.npy, targets: y.npy}, batch: 4, shuffle: none}
model: {input: [2], layers: [{type: dense, units: $3, name: head, init: {weights: zeros}}]}
cost: $2
optimizer: {type: sgd, lr: 0.1}
stop: {steps: 4}
YAML
  shift 3
  local line
  for line in "$@"; do echo "$line" >>"$file"; done
}
start() { # COST UNITS: the untrained model of zeros in m.safetensors, evaluated to out.txt
  recipe r.yaml "$1" "$2"
  code 0 init r.yaml -o m.safetensors && code 0 eval m.safetensors --split validation --json
}

# Eight samples of two inputs. From weights of 0 every logit is 0, so costs are known.
bytes 1 0 2 1 0 3 1 1 4 0 0 1 2 2 1 3 | npy x.npy "8, 2" "|u1"
bytes 0 0 0 0 0 0 1 2 | npy y.npy "8," "|u1"
start cross_entropy 3
near "$(field out.txt cost_mean)" 1.0986122886681098 1e-6 "ln 3"
near "$(field out.txt cost_sum)" 8.788898309344878 1e-5 "S4: the sum is 8 means"
start "{type: cross_entropy, label_smoothing: 0.3, smoothing: chapter, reduction: sum}" 3
near "$(field out.txt cost_mean)" 1.0986122886681098 1e-6 "evaluation does not smooth, and is a mean whatever training reduces by"
start "{type: focal, gamma: 2}" 3
near "$(field out.txt cost_mean)" 0.4882721282969377 1e-6 "(2/3)^2 ln 3"
has out.txt '"accuracy":0.75'
start "{type: focal, alpha: [1, 0, 8]}" 3
near "$(field out.txt cost_sum)" 6.835809796157128 1e-5 "alpha is kept"

# Balanced weights: 8/(3 n) for 6, 1 and 1 samples. The model knows them: evaluating the two rare samples alone, without the training data, uses them.
start "{type: cross_entropy, class_weights: balanced}" 3
near "$(field out.txt cost_sum)" 8.788898309344878 1e-5 "balanced weights have the mean 1"
bytes 2 2 1 3 0 0 | npy x3.npy "3, 2" "|u1"
bytes 1 2 0 | npy y3.npy "3," "|u1"
mkdir away && cp m.safetensors x3.npy y3.npy away/ && cd away || exit 99
code 0 eval m.safetensors --split test --data '{type: npy, inputs: x3.npy, targets: y3.npy}' --json
near "$(field out.txt cost_mean)" 1.0986122886681098 1e-6
near "$(field out.txt cost_sum)" 6.347537667860190 1e-5 "(8/3 + 8/3 + 4/9) ln 3"
cd ..
code 0 train r.yaml --out balanced --quiet
list='{type: cross_entropy, class_weights: [0.4444444444444444, 2.6666666666666665, 2.6666666666666665]}'
code 0 train r.yaml --out listed --quiet --set cost="$list"
code 0 eval balanced/last.safetensors --split validation --json && cp out.txt a.txt
code 0 eval listed/last.safetensors --split validation --json && same a.txt out.txt "balanced, and the same weights as a list"
code 0 train balanced/recipe.yaml --out twice --quiet && cmp -s balanced/last.safetensors twice/last.safetensors || short "the run's own recipe gives another model"
code 0 plan r.yaml --json && planned=$(field out.txt total)
[[ $planned -eq $(field balanced/result.json peak_bytes) ]] || short "planned $planned, taken $(field balanced/result.json peak_bytes)"
near "$(tail -n 1 balanced/metrics.jsonl | sed -E 's/.*"validation_cost":([^,]*),.*/\1/')" "$(field a.txt cost_mean)" 0 "validation is what eval gives"

# A batch that weighs nothing: cost and gradient are 0, and training goes on.
code 0 train r.yaml --out nothing --quiet --set cost='{type: cross_entropy, class_weights: [0, 1, 1]}'
head -n 1 nothing/metrics.jsonl >first.txt
has first.txt '"train_cost":0,"grad_norm":0'
sed -n 2p nothing/metrics.jsonl >second.txt
has second.txt '"train_cost":1\.0986'
has nothing/result.json '"stop_reason": "steps"'
code 0 train r.yaml --out pairs --quiet --set cost='{type: cross_entropy, class_weights: [0, 1, 1]}' --set accumulate=2 --set data.batch=2
head -n 1 pairs/metrics.jsonl >first.txt
has first.txt '"train_cost":0,"grad_norm":0'

# One output, two classes
bytes 0 1 0 1 1 0 1 0 | npy y.npy "8," "|u1"
start "{type: binary_cross_entropy, positive_weight: 3}" 1
near "$(field out.txt cost_mean)" 1.3862943611198906 1e-6 "2 ln 2"
start focal 1
near "$(field out.txt cost_mean)" 0.17328679513998632 1e-6 "ln 2 / 4"
code 0 predict m.safetensors x.npy --json
has out.txt '"class":0,"label":"0","probabilities":\[0.5,0.5\]'

# Labels: several outputs, each a yes or no of its own
bytes 1 0 1  0 0 0  1 1 1  1 0 0  1 0 1  0 1 0  1 1 0  0 0 0 | npy y.npy "8, 3" "|u1"
start binary_cross_entropy 3
near "$(field out.txt cost_mean)" 0.6931471805599453 1e-6 "ln 2"
near "$(field out.txt cost_sum)" 5.545177444479562 1e-5 "the mean over a sample's labels, summed over samples"
has out.txt '"accuracy":0.45833' # at 0.5 every label is guessed: 11 of 24
near "$(field out.txt f1)" 0.62004662004662 1e-9 "mean of 10/13, 6/11, 6/11"
grep -q confusion out.txt && short "labels have no confusion matrix"
code 0 train r.yaml --out labels --quiet --set stop='{steps: 2000}' --set optimizer.lr=1
code 0 predict labels/last.safetensors x.npy --json
head -n 1 out.txt >first.txt
has first.txt '"classes":\[0(,[12])*\],"probabilities":\[0\.[0-9]*,0\.[0-9]*,0\.[0-9]*\]'
bytes 1 0 2  0 0 0  1 1 1  1 0 0  1 0 1  0 1 0  1 1 0  0 0 0 | npy y.npy "8, 3" "|u1"
bad 3 "target 2 in row 0, but binary_cross_entropy wants labels from 0 to 1" train r.yaml --out no
bytes 1 0 1 0 1 0 1 0 | npy y.npy "8," "|u1"
bad 3 "targets of shape \[N\], but the network gives \[N,3\]" train r.yaml --out no

# Distributions
bytes 1 0 1  0 0 0  1 1 1  1 0 0  1 0 1  0 1 0  1 1 0  0 0 0 | npy y.npy "8, 3" "|u1"
recipe c.yaml binary_cross_entropy 3
sed -i 's/, init: {weights: zeros}//; s/shuffle: none/shuffle: none, prepare: [standardize]/' c.yaml
code 0 check c.yaml --json
has out.txt "3 outputs a sample, finite, within 0 to 1"
bad 2 "sigmoid before focal" check c.yaml --set model.layers='[{type: dense, units: 1}, sigmoid]' --set cost=focal
bytes 1 0 0  0 1 0  0 0 1  1 0 0  1 0 0  0 1 0  0 0 1  1 0 0 | npy y.npy "8, 3" "|u1"
start kl 3
near "$(field out.txt cost_mean)" 1.0986122886681098 1e-6 "ln 3"
has out.txt '"accuracy":0.5,' # the first class wins ties: 4 of 8
near "$(field out.txt error)" 0.4714045207910317 1e-6 "root mean square of 2/3, 1/3, 1/3"
recipe c.yaml kl 3
sed -i 's/, init: {weights: zeros}//; s/shuffle: none/shuffle: none, prepare: [standardize]/' c.yaml
code 0 check c.yaml --json
has out.txt "ln K less the targets' own entropy"
has out.txt "3 probabilities a sample"
code 1 check c.yaml --json --set model.layers='[{type: dense, units: 3}, softmax, leaky_relu]'
has out.txt "kl applies softmax once more"
bad 2 "softmax before kl" check c.yaml --set model.layers='[{type: dense, units: 3}, softmax]'
code 0 predict m.safetensors x.npy --json
has out.txt '"class":0,"label":"0","probabilities":\[0.333'
code 0 train r.yaml --out distributions --quiet --set metrics=accuracy
has distributions/metrics.jsonl '"validation_accuracy":'
bad 2 "f1 is for classes, but the cost kl learns distributions" train r.yaml --out no --set metrics=f1
bytes 1 1 0  0 1 0  0 0 1  1 0 0  1 0 0  0 1 0  0 0 1  1 0 0 | npy y.npy "8, 3" "|u1"
code 0 train r.yaml --out odd
has err.txt "warning: 1 of 8 targets of the train data do not sum to 1"
bytes 255 0 0  0 1 0  0 0 1  1 0 0  1 0 0  0 1 0  0 0 1  1 0 0 | npy y.npy "8, 3" "|i1"
bad 3 "target -1 in row 0, but kl wants distributions" train r.yaml --out no

# Values
bytes 2 0 4 1 3 0 1 2 | npy y.npy "8," "|u1"
start mae 1
near "$(field out.txt cost_mean)" 1.625 1e-6
near "$(field out.txt mae)" 1.625 1e-6
start "{type: huber, delta: 2}" 1
near "$(field out.txt cost_mean)" 1.875 1e-6 "(2 + 0 + 6 + 0.5 + 4 + 0 + 0.5 + 2) / 8"
start "{type: mse, per: sample, reduction: sum}" 1
near "$(field out.txt cost_mean)" 4.375 1e-6
near "$(field out.txt error)" 2.091650066335189 1e-6

# S4: the sum at a rate of 1/4 is the mean over batches of 4
recipe r.yaml mae 1
code 0 train r.yaml --out mean --quiet && code 0 eval mean/last.safetensors --split validation --json && cp out.txt a.txt
code 0 train r.yaml --out sum --quiet --set cost.reduction=sum --set optimizer.lr=0.025 && code 0 eval sum/last.safetensors --split validation --json
near "$(field a.txt cost_mean)" "$(field out.txt cost_mean)" 1e-6 "reduction: sum"
code 0 train r.yaml --out further --quiet --set cost.reduction=sum && code 0 eval further/last.safetensors --split validation --json
[[ $(field a.txt cost_mean) != "$(field out.txt cost_mean)" ]] || short "the sum trains like the mean"

# P3: finite logits of +-1e4 train. A NaN or infinite one stops training as diverged, naming the layer that gave it: in the message, in result.json.
bytes 100 0 200 0 | npy x.npy "2, 2" "|u1"
bytes 127 127 127 127 | npy infinite.npy "2, 2" "|i1"
bytes 127 129 127 129 | npy nan.npy "2, 2" "|i1"
for cost in cross_entropy:3 "{type: cross_entropy, label_smoothing: 0.1, class_weights: [1, 2, 3]}:3" binary_cross_entropy:1 focal:3 kl:3 mse:1 mae:1 huber:1; do
  if [[ $cost == kl:* ]]; then bytes 0 1 0 1 0 0 | npy y.npy "2, 3" "|u1"; else bytes 1 0 | npy y.npy "2," "|u1"; fi
  recipe d.yaml "${cost%:*}" "${cost##*:}"
  huge="{type: dense, units: ${cost##*:}, name: head, init: {weights: {type: constant, value: VALUE}}}"
  code 0 train d.yaml --out sound --quiet --overwrite --set checkpoint=none --set model.layers="[${huge/VALUE/100}]" --set optimizer.lr=1e-6
  has sound/result.json '"stop_reason": "steps"'
  for kind in infinite nan; do
    code 1 train d.yaml --out gone --quiet --overwrite --set data.train.inputs=$kind.npy --set data.validation=none --set model.layers="[${huge/VALUE/3e38}]"
    has err.txt "^gradus: .*diverged at step 1: .* \"?head\"?"
    has gone/result.json '"stop_reason": "diverged"'
    has gone/result.json '"diverged": "step 1: .*head'
    [[ -e gone/best.safetensors ]] && short "$cost: a diverged start is kept as the best"
    code 1 train d.yaml --out gone --quiet --overwrite --set data.train.inputs=$kind.npy --set data.validation=none \
      --set model.layers="[{type: dense, units: 2, name: below, init: {weights: {type: constant, value: 3e38}}}, ${huge/VALUE/1}]"
    has err.txt "diverged at step 1: .* \"?below\"?"
    has gone/result.json '"diverged": "step 1: .*below'
  done
done
finish
