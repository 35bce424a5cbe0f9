#!/bin/bash
# gradus finetune: kept tensors bit for bit, new ones as `init` has them, rates, frozen parts, and what is refused. [mission F1 to F7]
. "$(dirname "$0")/lib.sh"
. "$here/finetune.sh"

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

# The start again, from the recipe of the run
code 0 init s1/recipe.yaml -o again.safetensors
equal again.safetensors s1/last.safetensors "$all|head.*" "init of a recipe that starts from a model"
has out.txt '^c1.weight .* start.from '
has out.txt '^head.weight .* xavier '

# Rates: of one step of sgd, kept layers' is lr-scale times the model's, new ones' the recipe's own
sgd="optimizer={type: sgd, lr: 0.4}"
code 0 finetune $M r.yaml --set stop.steps=1 --set "$sgd" --out r1 --quiet --lr-scale 0.5
perl -MJSON::PP -e 'local $/; open my $f, "<", $ARGV[0]; my %l = map { $_->{name} => $_ } @{decode_json(<$f>)->{layers}};
  abs($l{c1}{lr} - 0.5 * 0.05) < 1e-12 && $l{head}{lr} == 0.4 && $l{head}{from} eq "init" && $l{c1}{from} eq "source" && !$l{c1}{frozen} && keys %l == 4 or exit 1' r1/result.json || short "layers of result.json: $(grep -A9 layers r1/result.json)"

# with groups of the recipe's own: rates are multiplied, the rest stays
code 0 finetune $M r.yaml --set stop.steps=0 --out r2 --quiet --set 'groups=[{match: "c1.*", lr_scale: 0.5, weight_decay: 0.1}, {match: "f*", freeze: true}]'
perl -MJSON::PP -e 'local $/; open my $f, "<", $ARGV[0]; my %l = map { $_->{name} => $_ } @{decode_json(<$f>)->{layers}};
  abs($l{c1}{lr} - 0.5 * 0.01 * 0.05) < 1e-12 && abs($l{b1}{lr} - 0.01 * 0.05) < 1e-12 && $l{f1}{frozen} && $l{f1}{lr} == 0 && $l{head}{lr} == 0.2 or exit 1' r2/result.json || short "layers with groups of the recipe: $(grep -A20 '"layers"' r2/result.json | tr -d '\n')"
has r2/recipe.yaml 'match: c1.\*, lr_scale: [0-9.e-]+, freeze: false, weight_decay: 0.1'

# Frozen: the same bytes at the end, statistics included, and no bytes for what is not trained
code 0 finetune $M r.yaml --freeze all-but-last --out f1 --json
equal f1/last.safetensors $M "$all" "--freeze all-but-last"
other f1/last.safetensors init.safetensors 'head.weight' "the last layer is not trained"
code 0 finetune $M r.yaml --freeze 'c1,b1.*' --out f2 --quiet
equal f2/last.safetensors $M 'c1.*|b1.*' "--freeze names"
other f2/last.safetensors $M 'f1.*' "what is not frozen is not trained"
code 0 plan f1/recipe.yaml --json && cp out.txt frozen.txt
code 0 plan r.yaml --json
[[ $(bytes frozen.txt slots) -lt 1000 && $(bytes frozen.txt gradients) -lt 500 && $(bytes out.txt gradients) -gt 9000 ]] ||
  short "frozen layers have slots $(bytes frozen.txt slots), gradients $(bytes frozen.txt gradients) of $(bytes out.txt gradients)"
[[ $(bytes frozen.txt total) -lt $(bytes out.txt total) ]] || short "freezing saves no byte"

# A frozen norm normalises by its running statistics in training too: of a network without dropout the first batch costs what the start is worth
sed 's/{type: dropout, rate: 0.25}, //' r.yaml >d.yaml
for freeze in all-but-last none; do
  code 0 finetune $M d.yaml --freeze $freeze --set data.batch=all --set stop.steps=0 --out d0-$freeze --quiet
  code 0 finetune $M d.yaml --freeze $freeze --set data.batch=all --set stop.steps=1 --out d1-$freeze --quiet
  code 0 eval d0-$freeze/last.safetensors --split train --json
  awk -v a="$(sed -nE 's/.*"train_cost": ?([^,}]*).*/\1/p' d1-$freeze/metrics.jsonl)" -v b="$(field out.txt cost_mean)" 'BEGIN { d = a - b; exit !(a + 0 == a && d * d < 1e-10) }'
  [[ $? -eq $([[ $freeze == none ]] && echo 1 || echo 0) ]] || short "--freeze $freeze: the first batch costs $(sed -nE 's/.*"train_cost": ?([^,}]*).*/\1/p' d1-$freeze/metrics.jsonl), the start $(field out.txt cost_mean)"
done

# A last layer that is kept means what it meant: other names of as many classes are warned of
words() { # NAME WORDS...: a table of two numbers and a word
  local name=$1
  shift
  { echo a,b,word && for i in $(seq 48); do echo "$((i % 7)),$((i * i % 5)),${*:i % $# + 1:1}"; done; } >"$name.csv"
  echo "gradus: 1
data: {train: {type: csv, file: $name.csv, target: word}, validation: {split: 0.25}, batch: 12, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 4, activation: relu, name: h1}, {type: dense, units: 2, name: out}]}
cost: cross_entropy
optimizer: sgd
stop: {epochs: 1}
log: {events: false}" >"$name.yaml"
}
words pets cat dog
words trees ash oak
code 0 train pets.yaml --out pets --quiet
said() { grep -c 'stood for other classes' err.txt; }
code 0 finetune pets/last.safetensors trees.yaml --out t1 --replace h1
[[ $(said) -eq 1 ]] || short "a kept last layer of other classes is not warned of"
code 0 finetune pets/last.safetensors trees.yaml --out t2
[[ $(said) -eq 0 ]] || short "a new last layer is warned of"
code 0 finetune pets/last.safetensors pets.yaml --out t3 --replace none
[[ $(said) -eq 0 ]] || short "a last layer of the same classes is warned of"

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
