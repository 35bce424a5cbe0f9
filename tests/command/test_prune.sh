#!/bin/bash
# gradus prune: so many weights as asked for, masks that stay through whatever trains on, smaller networks, and what is refused; gradual pruning by a recipe. [mission G11, F9]
. "$(dirname "$0")/lib.sh"

small r.yaml 'stop: {epochs: 2}' 'checkpoint: none' 'schedule: constant'
code 0 train r.yaml --out run --quiet
dense=run/last.safetensors

pruned() { # FILE TENSOR: how many of its numbers are masked, by the list that prune gives of the file pruned by nothing more
  sed -E "s/.*\"name\":\"$2\",\"weights\":[0-9]+,\"pruned\":([0-9]+).*/\1/" "$1"
}
wants() { # TENSOR N
  [[ $(pruned out.txt "$1") == "$2" ]] || short "$1: not $2 are pruned: $(cat out.txt)"
}

# ---- exactly floor(S n), from none to nearly all
for s in 0:0:0 0.1:5:384 0.5:27:1920 0.999:53:3836; do
  IFS=: read -r share conv head <<<"$s"
  code 0 prune $dense --sparsity "$share" -o "p$share.safetensors" --json
  wants c1.weight "$conv"
  wants head.weight "$head"
done
code 0 prune $dense --sparsity 0.5 --scope global -o global.safetensors --json && has out.txt '"weights":3894,"pruned":1947,"sparsity":0\.5'
code 0 prune $dense --sparsity 0.5 -o text.safetensors && has out.txt 'text.safetensors: 1947 of 3894 weights are 0 and masked'
same text.safetensors p0.5.safetensors 'the same twice'
code 0 eval $dense --split validation --json && cp out.txt dense.json
code 0 eval p0.safetensors --split validation --json && same out.txt dense.json 'nothing is pruned'
code 0 eval p0.999.safetensors --split validation --json && differ out.txt dense.json

# ---- masks stay, and grow
code 0 train r.yaml --from p0.5.safetensors --out tuned --quiet --set 'average={type: ema, decay: 0.5}' --set 'penalty={l1: 0.001}'
for file in tuned/last.safetensors tuned/best.safetensors tuned/ema.safetensors; do
  code 0 prune $file --sparsity 0.5 -o again.safetensors --json && wants head.weight 1920
  rm -f again.safetensors
done
code 0 prune tuned/last.safetensors --sparsity 0.75 -o more.safetensors --json && wants head.weight 2880
bad 2 '27 of 54 weights of c1.weight are pruned already, more than the 21 of sparsity 0.4' prune tuned/last.safetensors --sparsity 0.4 -o less.safetensors
bad 2 'pruned already' prune tuned/last.safetensors --sparsity 0.4 --scope global -o less.safetensors
[[ ! -e less.safetensors ]] || short 'a refused model was written'

# ---- resumed without a word of the model that it began with
code 0 train r.yaml --from p0.5.safetensors --out whole --quiet --set checkpoint='{every: 2, keep: 9}'
code 0 train r.yaml --from p0.5.safetensors --out part --quiet --set checkpoint='{every: 2, keep: 9}' --set stop.epochs=1
code 0 train r.yaml --out part --resume --quiet --set checkpoint='{every: 2, keep: 9}'
same whole/last.safetensors part/last.safetensors 'a resumed run'

# ---- while training
code 0 train r.yaml --out gradual --quiet --set 'prune={to: 0.8, from_step: 2, to_step: 12, every: 4}' --set log.every=5
code 0 prune gradual/last.safetensors --sparsity 0.8 -o gradual.safetensors --json && wants c1.weight 43 && wants head.weight 3072
code 0 train r.yaml --out early --set 'prune={to: 0.8, to_step: 100}' && has err.txt 'warning: prune.to_step: the run ends after update 16, before 100'
code 0 train r.yaml --out frozen --quiet --set 'prune={to: 0.8, to_step: 10}' --set 'groups=[{match: "c1.*", freeze: true}]'
code 0 prune frozen/last.safetensors --sparsity 0.8 -o frozen.safetensors --json && wants head.weight 3072

# ---- structured
code 0 prune $dense --sparsity 0.5 --structured filters -o thin.safetensors --json
has out.txt '"parameters":1960,"parameters_before":3910,"layers":\[\{"name":"c1","filters":6,"removed":3,"reason":null\}\]'
code 0 train thin.safetensors --from thin.safetensors --out thin --quiet
bad 3 'c1.weight" has shape \[3,1,3,3\], the network.s has \[6,1,3,3\]' train r.yaml --from thin.safetensors --out wrong
code 0 plan thin.safetensors --json && has out.txt '"parameters":7936'
code 0 plan <(cat r.yaml) --json && has out.txt '"bytes"' # a pipe is read once
small dense.yaml 'model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 10}]}' 'checkpoint: none'
code 0 init dense.yaml -o none.safetensors
bad 2 'has no convolutions' prune none.safetensors --sparsity 0.5 --structured filters -o x.safetensors

# ---- what is refused
bad 2 'how much\? --sparsity S is missing' prune $dense -o x.safetensors
bad 2 'where to\? -o MODEL is missing' prune $dense --sparsity 0.5
bad 2 '1 is not in \[0, 1\)' prune $dense --sparsity 1 -o x.safetensors
bad 2 '-0.1' prune $dense --sparsity -0.1 -o x.safetensors
bad 2 'nan' prune $dense --sparsity nan -o x.safetensors
bad 2 '"both"|both' prune $dense --sparsity 0.5 --scope both -o x.safetensors
bad 2 'columns|filters' prune $dense --sparsity 0.5 --structured columns -o x.safetensors
bad 2 '--scope is of weights' prune $dense --sparsity 0.5 --structured filters --scope global -o x.safetensors
bad 2 'exists already' prune $dense --sparsity 0.5 -o p0.safetensors
bad 2 'onnx|ending|safetensors' prune $dense --sparsity 0.5 -o x.onnx
bad 3 'missing.safetensors' prune missing.safetensors --sparsity 0.5 -o x.safetensors
bad 3 'r.yaml' prune r.yaml --sparsity 0.5 -o x.safetensors
bad 3 'checkpoint' prune whole/checkpoints/step-16.ckpt --sparsity 0.5 -o x.safetensors
[[ ! -e x.safetensors ]] || short 'a refused model was written'

# ---- fine-tuning keeps the masks of what it keeps, frozen or not, and resumes with them
masks() { grep -ao '"[a-z0-9.]*\.mask"' "$1" | sort | tr -d '\n'; } # those that a file has
kept() { # FOLDER WANTED MASKED ARGS...: MASKED is what pruning less is refused with
  local out=$1 want=$2 masked=$3
  shift 3
  code 0 finetune p0.5.safetensors r.yaml --out "$out" --quiet --set stop.epochs=1 "$@" || return
  [[ $(masks "$out/last.safetensors") == "$want" ]] || short "finetune $*: masks of $(masks "$out/last.safetensors"), not $want"
  bad 2 "$masked are pruned already" prune "$out/last.safetensors" --sparsity 0.3 -o again.safetensors
  code 0 prune "$out/last.safetensors" --sparsity 0.5 -o "$out.safetensors" --json
  wants c1.weight 27
  wants head.weight 1920
}
kept k1 '"c1.weight.mask"' '27 of 54 weights of c1.weight' --lr-scale 1
kept k2 '"c1.weight.mask"' '27 of 54 weights of c1.weight' --freeze all-but-last
kept k3 '"c1.weight.mask""head.weight.mask"' '27 of 54 weights of c1.weight' --replace head.bias --lr-scale 1 # a pattern that leaves the weight
kept k4 '"head.weight.mask"' '1920 of 3840 weights of head.weight' --replace c1.weight # an exact name: its mask goes with it
code 0 finetune p0.5.safetensors r.yaml --out k5 --quiet --lr-scale 1 --set stop.epochs=1 --set checkpoint='{every: 1 epoch, keep: 1}'
code 0 train k5 --resume --quiet --set stop.epochs=2
[[ $(masks k5/last.safetensors) == '"c1.weight.mask"' ]] || short "resumed: masks of $(masks k5/last.safetensors)"

# ---- masks that are none: damage in a file is not a mask
cp p0.5.safetensors odd.safetensors
offset=$(grep -abo 'c1.weight.mask' odd.safetensors | head -n 1 | cut -d: -f1)
printf 'mosk' | dd of=odd.safetensors bs=1 seek=$((offset + 10)) conv=notrunc 2>/dev/null
bad 3 'odd.safetensors' train r.yaml --from odd.safetensors --out odd
finish
