#!/bin/bash
# gradus finetune: kept tensors bit for bit, new ones as `init` has them, rates, frozen parts, what is refused, and going on. [mission F1 to F7]
. "$(dirname "$0")/lib.sh"

layers="{type: conv, filters: 4, kernel: 3, name: c1}, {type: batch_norm, name: b1}, relu, {type: max_pool, size: 2}, flatten, {type: dropout, rate: 0.25}, {type: dense, units: 12, activation: relu, name: f1}"
small m.yaml "model: {input: [16, 16, 1], layers: [$layers, {type: dense, units: 10, name: head}]}" "optimizer: {type: sgd, lr: 0.05}" "stop: {epochs: 2}" "schedule: constant"
code 0 train m.yaml --out m --quiet
M=m/last.safetensors
target() { small "$@" "seed: 7" "schedule: constant" "stop: {epochs: 2}"; }
data="data: {train: {type: synthetic, kind: digits, n: 200, classes: 4, seed: 9}, validation: {split: 0.2}, batch: 32}"
target r.yaml "$data" "model: {input: [16, 16, 1], layers: [$layers, {type: dense, units: 4, name: head}]}" "optimizer: {type: adam, lr: 0.2}"

# tensors FILE: a line a tensor, its name and a sum of its bytes
tensors() {
  perl -MDigest::MD5=md5_hex -e 'local $/; open my $f, "<:raw", $ARGV[0] or die; my $b = <$f>; my $n = unpack "Q<", $b; my $h = substr $b, 8, $n;
    while ($h =~ /"([^"]+)":\{"dtype":"[FU]\d+","shape":\[[^\]]*\],"data_offsets":\[(\d+),(\d+)\]\}/g) { print "$1 ", md5_hex(substr $b, 8 + $n + $2, $3 - $2), "\n" }' "$1" | sort
}
# equal A B NAMES WHY, other A B NAMES WHY: these tensors are the same bytes, or none of them is
pick() { tensors "$1" | grep -E "^($2) "; }
equal() { [[ -n $(pick "$1" "$3") && $(pick "$1" "$3") == "$(pick "$2" "$3")" ]] || short "$3 of $1 and $2 differ: $4"; }
other() {
  local n
  n=$(comm -12 <(pick "$1" "$3") <(pick "$2" "$3") | grep -c .)
  [[ $n -eq 0 && -n $(pick "$1" "$3") ]] || short "$n of $3 are the same in $1 and $2: $4"
}
all='c1.weight|c1.bias|b1.weight|b1.bias|b1.running_mean|b1.running_var|f1.weight|f1.bias'

# The start: kept ones are the model's, the others those of `init`
code 0 init r.yaml -o init.safetensors --quiet --set 'data.prepare=[standardize]'
start() { # OUT MORE...
  code 0 finetune $M r.yaml --set stop.steps=0 --out "$@"
}
start s1
has out.txt 'head +52 init +0.2$'
has out.txt 'c1 +40 source +0.0005$'
equal s1/last.safetensors $M "$all" "the last layer alone is replaced"
equal s1/last.safetensors init.safetensors 'head.*' "it starts as init has it"
[[ ! -s s1/metrics.jsonl && $(field s1/result.json steps) == 0 && $(field s1/result.json stop_reason) == steps ]] || short "stop.steps=0 trained"
field s1/result.json validation_cost | grep -qv null || short "the start is not validated"
start s2 --replace 2 --quiet
equal s2/last.safetensors init.safetensors 'head.*|f1.*' "--replace 2"
equal s2/last.safetensors $M 'c1.*|b1.*' "--replace 2 keeps the rest"
start s3 --reinit 3 --quiet # norms are layers too
equal s3/last.safetensors init.safetensors 'head.*|f1.*|b1.*' "--reinit 3"
equal s3/last.safetensors $M 'c1.*' "--reinit 3 keeps the rest"
start s4 --replace head --reinit 'c1,f1.b*' --quiet
equal s4/last.safetensors init.safetensors 'head.*|c1.*|f1.bias' "names and patterns"
equal s4/last.safetensors $M 'f1.weight|b1.*' "names and patterns keep the rest"

# A recipe without layers and steps has the model's, as wide as the data has classes
target w.yaml "$data" "optimizer: {type: adam, lr: 0.2}"
sed -i '/^model:/d' w.yaml
code 0 finetune $M w.yaml --set stop.steps=0 --out s5 --quiet
equal s5/last.safetensors s1/last.safetensors "$all|head.*" "the model's own layers"
has s5/recipe.yaml 'units: 4'
prepared() { grep -ao 'mean[\\":  ]*\[[^]]*]' "$1" | head -n 1; }
[[ -n $(prepared $M) && $(prepared s5/last.safetensors) == "$(prepared $M)" ]] || short "the statistics are not the model's"
code 0 finetune $M r.yaml --set stop.steps=0 --out s6 --force --quiet --set 'data.prepare=[standardize]'
[[ $(prepared s6/last.safetensors) != "$(prepared $M)" ]] || short "--force keeps the model's statistics"
# another name for the last layer
sed 's/name: head/name: out/' r.yaml >o.yaml
code 0 finetune $M o.yaml --set stop.steps=0 --out s7 --quiet
equal s7/last.safetensors $M "$all" "the last layer is replaced by one of another name"

# Rates: of one step of sgd, kept layers' is lr-scale times the model's, new ones' the recipe's own
sgd="optimizer={type: sgd, lr: 0.4}"
code 0 finetune $M r.yaml --set stop.steps=1 --set "$sgd" --out r1 --quiet --lr-scale 0.5
perl -MJSON::PP -e 'local $/; open my $f, "<", $ARGV[0]; my %l = map { $_->{name} => $_ } @{decode_json(<$f>)->{layers}};
  abs($l{c1}{lr} - 0.5 * 0.05) < 1e-12 && $l{head}{lr} == 0.4 && $l{head}{from} eq "init" && $l{c1}{from} eq "source" && !$l{c1}{frozen} && keys %l == 4 or exit 1' r1/result.json || short "layers of result.json: $(grep -A9 layers r1/result.json)"

# Frozen: the same bytes at the end, statistics included, and no bytes for what is not trained
code 0 finetune $M r.yaml --freeze all-but-last --out f1 --json
equal f1/last.safetensors $M "$all" "--freeze all-but-last"
other f1/last.safetensors init.safetensors 'head.weight' "the last layer is not trained"
code 0 finetune $M r.yaml --freeze 'c1,b1.*' --out f2 --quiet
equal f2/last.safetensors $M 'c1.*|b1.*' "--freeze names"
other f2/last.safetensors $M 'f1.*' "what is not frozen is not trained"
code 0 plan f1/recipe.yaml --json && cp out.txt frozen.txt
code 0 plan r.yaml --json
bytes() { perl -MJSON::PP -e 'local $/; open my $f, "<", $ARGV[0]; print decode_json(<$f>)->{bytes}{$ARGV[1]}' "$1" "$2"; }
[[ $(bytes frozen.txt slots) -lt 1000 && $(bytes frozen.txt gradients) -lt 500 && $(bytes out.txt gradients) -gt 9000 ]] ||
  short "frozen layers have slots $(bytes frozen.txt slots), gradients $(bytes frozen.txt gradients) of $(bytes out.txt gradients)"
[[ $(bytes frozen.txt total) -lt $(bytes out.txt total) ]] || short "freezing saves no byte"

# A pruned model: kept layers keep their masks, and 0 what these say; those that start anew have none
code 0 prune $M --sparsity 0.5 -o p.safetensors --quiet
code 0 finetune p.safetensors r.yaml --out p --quiet --lr-scale 1
equal p/last.safetensors p.safetensors 'c1.weight.mask|f1.weight.mask' "masks of kept layers"
[[ -z $(pick p/last.safetensors 'head.weight.mask') ]] || short "a layer that starts anew has a mask"
other p/last.safetensors p.safetensors 'f1.weight' "a pruned model is not trained"
zeros() { perl -e 'local $/; open my $f, "<:raw", $ARGV[0] or die; my $b = <$f>; my $n = unpack "Q<", $b; my $h = substr $b, 8, $n;
  $h =~ /"$ARGV[1]":\{"dtype":"F32","shape":\[[^\]]*\],"data_offsets":\[(\d+),(\d+)\]\}/; print scalar grep { $_ == 0 } unpack "f<*", substr $b, 8 + $n + $1, $2 - $1' "$1" "$2"; }
[[ $(zeros p/last.safetensors f1.weight) -ge $((12 * 196 / 2)) && $(zeros p/last.safetensors head.weight) -eq 0 ]] || short "zeros after training: $(zeros p/last.safetensors f1.weight) of f1, $(zeros p/last.safetensors head.weight) of head"
code 0 train p --resume --quiet --set stop.epochs=3
equal p/last.safetensors p.safetensors 'c1.weight.mask|f1.weight.mask' "masks of a resumed run"
bad 2 'f1.weight has a mask, and an adapter' finetune p.safetensors r.yaml --adapter '{rank: 2}' --out no

# For a while: the same bytes until then
code 0 finetune $M r.yaml --freeze all-but-last --unfreeze 'f1@1 epoch' --unfreeze 'b1.*,c1@7 steps' --out u --quiet --set stop.epochs=4
has u/recipe.yaml 'unfreeze: 1 epoch'
code 0 finetune $M r.yaml --freeze all-but-last --unfreeze 'f1@1 epoch' --unfreeze 'b1.*,c1@7 steps' --out u7 --quiet --set stop.steps=7
equal u7/last.safetensors $M 'c1.*|b1.*' "frozen for 7 updates"
other u7/last.safetensors $M 'f1.*' "unfrozen after an epoch"
other u/last.safetensors $M 'c1.*|b1.*|f1.*' "all unfrozen"
code 0 train u7 --resume --quiet --set stop.epochs=4 --set stop.steps=none
equal u7/last.safetensors u/last.safetensors "$all|head.*" "one piece or two, unfrozen on the way"
code 0 finetune $M r.yaml --freeze all-but-last --unfreeze 'f1@1 epoch' --unfreeze 'b1.*,c1@7 steps' --out u2 --quiet --set stop.epochs=4 --set accumulate=2 --set data.batch=16

# Adapters: the base rests, models hold the sums and nothing else, and are worth what the run says of them
adapted() { # MODEL OUT MORE...
  code 0 finetune "$1" t.yaml --out "$2" --quiet "${@:3}"
}
worth() { # RUN: its last evaluation, and what its model is worth, to the digit
  local cost
  cost=$(sed -nE 's/.*"validation_cost": ?([^,}]*).*/\1/p' "$1/metrics.jsonl" | tail -n 1)
  code 0 eval "$1/last.safetensors" --split validation --json && [[ -n $cost && $(field out.txt cost_mean) == "$cost" ]] || short "$1: $cost in the run, $(field out.txt cost_mean) of its model"
}
cp w.yaml t.yaml
adapted $M a0 --adapter '{rank: 2}' --set stop.steps=0
equal a0/last.safetensors s5/last.safetensors "$all|head.*" "a fresh adapter changes nothing"
adapted $M a1 --adapter '{rank: 2, alpha: 4}' --set stop.epochs=4
equal a1/last.safetensors $M 'c1.*|b1.*|f1.bias' "the base rests"
other a1/last.safetensors $M 'f1.weight' "the adapter is not in the model"
[[ $(tensors a1/last.safetensors | cut -d ' ' -f 1) == "$(tensors $M | cut -d ' ' -f 1)" ]] || short "tensors of a model with adapters: $(tensors a1/last.safetensors | cut -d ' ' -f 1 | tr '\n' ' ')"
worth a1
has a1/recipe.yaml 'adapter: \{rank: 2, alpha: 4, match: \[f1.weight\]\}'
code 0 plan a1/recipe.yaml --json
[[ $(bytes out.txt slots) -lt 6000 && $(bytes out.txt gradients) -lt 2800 ]] || short "adapters have slots $(bytes out.txt slots), gradients $(bytes out.txt gradients)"
adapted $M a2 --adapter '{rank: 2, alpha: 4}' --set stop.epochs=2
code 0 train a2 --resume --quiet --set stop.epochs=4
same a2/last.safetensors a1/last.safetensors "one piece or two, with adapters"
code 0 finetune a1/last.safetensors t.yaml --out a3 --quiet --adapter '{rank: 1}' --set stop.epochs=1 --set 'average={type: ema, decay: 0.5}'
worth a3
code 0 eval a3/ema.safetensors --split validation
cat >q.yaml <<'YAML'
gradus: 1
name: words
data: {train: {type: synthetic, kind: copy, n: 80, seed: 3}, validation: {split: 0.25}, batch: 10}
model: {input: [8], layers: [{type: embedding, vocabulary: 10, units: 8, name: e}, {type: transformer_block, heads: 2, ff: 12, name: t}, {type: attention, heads: 2, name: q}, {type: dense, units: 10, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.02}
stop: {epochs: 1}
YAML
code 0 train q.yaml --out q --quiet
cp q.yaml t.yaml
adapted q/last.safetensors a4 --adapter '{rank: 2}' --set stop.epochs=2
worth a4
equal a4/last.safetensors q/last.safetensors 'e.*|t.norm.*|q.in_proj_bias|t.ff1.bias' "all but adapted weights rest"
other a4/last.safetensors q/last.safetensors 't.attention.in_proj_weight|t.attention.out_proj.weight|t.ff1.weight|t.ff2.weight|q.in_proj_weight|q.out_proj.weight' "weights of dense and attention have adapters"

# what is trained is what is evaluated: the cost before the third update is that of the model after the second
adapted q/last.safetensors a5 --adapter '{rank: 3, alpha: 6}' --set data.batch=all --set stop.epochs=none --set stop.steps=3
adapted q/last.safetensors a6 --adapter '{rank: 3, alpha: 6}' --set data.batch=all --set stop.epochs=none --set stop.steps=2
code 0 eval a6/last.safetensors --split train --json
awk -v a="$(sed -n 3p a5/metrics.jsonl | sed -E 's/.*"train_cost": ?([^,}]*).*/\1/')" -v b="$(field out.txt cost_mean)" 'BEGIN { d = a - b; exit !(a + 0 == a && a > 0.1 && d * d < 1e-10) }' || short "training and evaluation differ with adapters: $(sed -n 3p a5/metrics.jsonl), $(field out.txt cost_mean)"

# A run is an ordinary one: it goes on, from wherever the model lies, and not without it
code 0 finetune $M r.yaml --out g --quiet --set stop.epochs=1
code 0 train g --resume --quiet --set stop.epochs=3
code 0 finetune $M r.yaml --out h --quiet --set stop.epochs=3
same g/last.safetensors h/last.safetensors "one piece or two"
code 0 train h/recipe.yaml --out i --quiet
same i/last.safetensors h/last.safetensors "its recipe trained again"
bad 2 'holds a run' finetune $M r.yaml --out h
mkdir away && mv m/last.safetensors away/
bad 3 'cannot read .*m/last.safetensors' train g --resume --quiet --set stop.epochs=4
code 0 train g --resume --quiet --set stop.epochs=4 --set start.from="$PWD/away/last.safetensors"
code 0 eval g/last.safetensors --split validation # what a trained model is asked needs no source
mv away/last.safetensors m/
bad 2 'training starts from one model, and --from names another' train h/recipe.yaml --from $M --out no
grep -v '^start:' h/recipe.yaml >x.yaml
bad 2 'start: h was made with start, which this recipe has not' train x.yaml --out h --resume

# Refused
no() { # CODE PATTERN ARGS...
  bad "$1" "$2" finetune $M "${@:3}" --out no
  [[ ! -e no ]] || short "finetune ${*:3} left a folder"
}
no 2 '--replace haed: no layer with parameters is called so' r.yaml --replace haed
has err.txt 'did you mean head'
no 2 '--freeze x\*: no layer' r.yaml --freeze 'x*'
no 2 '--reinit c2' r.yaml --reinit 'c1,c2'
no 2 '--replace 5: the network has 4 layers with parameters' r.yaml --replace 5
no 2 '--replace 0: ' r.yaml --replace 0
no 2 '--lr-scale: -0.1 is not in' r.yaml --lr-scale -0.1
no 2 'every parameter is frozen' r.yaml --freeze '*'
no 3 'tensor "head.weight" has shape \[10,12\], the network.s has \[4,12\]' r.yaml --replace none
no 3 'tensor "head.weight" has shape \[10,12\], the network.s has \[4,12\]' r.yaml --replace c1 --reinit head
sed 's/filters: 4/filters: 5/' r.yaml >x.yaml
no 3 'tensor "c1.weight" has shape \[4,1,3,3\], the network.s has \[5,1,3,3\]' x.yaml --replace last
sed 's/name: f1/name: f2/' r.yaml >x.yaml
no 3 'f[12].(weight|bias)' x.yaml
no 2 'prepare.* by none here, but .* was trained with ' r.yaml --set data.prepare=none
no 2 'inputs are prepared by .*scale' r.yaml --set 'data.prepare=[{type: scale, by: 1/255}]'
no 2 'start: finetune says itself' r.yaml --set 'start={from: x}'
no 2 '--unfreeze f1: it wants a pattern and a moment' r.yaml --freeze all-but-last --unfreeze f1
no 2 '--unfreeze f1@soon: after @ stands' r.yaml --freeze all-but-last --unfreeze f1@soon
no 2 '--unfreeze f1@2 epochs: none of it is frozen' r.yaml --unfreeze 'f1@2 epochs'
no 2 '--unfreeze f3: no layer' r.yaml --freeze all-but-last --unfreeze f3@3
no 2 'nothing can be unfrozen while prodigy updates' r.yaml --freeze all-but-last --unfreeze f1@3 --set optimizer=prodigy
no 2 'nothing can be unfrozen while schedule_free_adamw updates: its weights are averages' r.yaml --freeze all-but-last --unfreeze f1@3 --set optimizer=schedule_free_adamw
no 2 'keeps for all parameters together' r.yaml --freeze all-but-last --unfreeze f1@3 --set optimizer=nadam
no 2 'unknown key "ranks"' r.yaml --adapter '{ranks: 3}'
no 2 'rank.* 0 is not in' r.yaml --adapter '{rank: 0}'
no 2 'adapter.*is no' r.yaml --adapter 8
no 2 'nothing that "c1.\*" matches can have an adapter' r.yaml --adapter '{rank: 2, match: "c1.*"}'
no 2 'no parameter is called "x"' r.yaml --adapter '{rank: 2, match: [f1.*, x]}'
no 2 'no weight that is kept can have one' r.yaml --adapter '{rank: 2}' --replace 2
no 2 'beside adapters the weights rest' r.yaml --adapter '{rank: 2}' --unfreeze f1@3
bad 3 'cannot read' finetune nowhere.safetensors r.yaml --out no
bad 3 'no.yaml' finetune $M no.yaml --out no
bad 3 'checkpoint' finetune m/checkpoints/$(ls m/checkpoints | tail -n 1) r.yaml --out no
bad 2 'an argument is missing' finetune $M
finish
