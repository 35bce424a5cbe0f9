#!/bin/bash
# Every conversion of every recipe of the zoo, made small: what is written is planned, has nothing left of what was to go, and without dropout gives the same bits from the
# same weights; what is refused has nothing of it. [mission T9, X4, X15]
. "$(dirname "$0")/lib.sh"
. "$here/zoo.sh"

zoo_data
octets 28.npy 3 28 28 1 <"$here/../../docs/recipes.md"
octets 32.npy 3 32 32 1 <"$here/../../docs/recipes.md"

# What no layer may be, nor any row name, behind a conversion; and what a recipe that has it says, where defaults are not written out
batch='(^|[^a-z_])batch_norm' norms='(batch|layer|group|instance|rms)_norm|batch_renorm|norm: (pre|post)' rectifiers='(type|activation): relu6?($|[^a-z_0-9])' blocks='basic_block|bottleneck|inverted_residual'
declare -A left=([group]=$batch [layer]=$batch [renorm]=$batch [none]=$norms [leaky_relu]=$rectifiers [tanh]='(type|activation): (hard_)?sigmoid' [--drop-dropout]='type: dropout|dropout: (0\.|\.|[1-9])')
declare -A says=([group]=$blocks [layer]=$blocks [renorm]=$blocks [none]="$blocks|transformer_block" [leaky_relu]="$blocks|- relu" [tanh]='- (hard_)?sigmoid' [--drop-dropout]='- dropout')
declare -A kept=([squeezenet leaky_relu]=1) # activations of outputs

layers() { sed -nE 's/ #.*//; /^model:/,/^[a-z]+:/{/^model:/p; /^ /p}' "$1"; }

converts() { # NAME WORD OPTIONS...: NAME.yaml, made small; done: something was changed
  local name=$1 word=$2 n
  shift 2
  done= && rm -f new.yaml
  "$gradus" convert "$name.yaml" "${sets[@]}" "$@" -o new.yaml >out.txt 2>err.txt </dev/null
  case $? in
    0)
      done=1 changed=$((changed + 1))
      n=$(layers new.yaml | grep -cE "${left[$word]}")
      [[ $n -eq ${kept[$name $word]:-0} ]] || short "$name $*: $n left: $(layers new.yaml | grep -E "${left[$word]}" | head -n 3)"
      code 0 plan new.yaml
      ;;
    2)
      has err.txt 'has nothing of what is to be changed'
      layers "$name.yaml" | grep -E "${left[$word]}|${says[$word]}" && short "$name $*: refused, but there is something to change"
      ;;
    *) short "gradus convert $name $*: $(tail -n 3 err.txt)" ;;
  esac
}

# What the network gives at its start, and the start itself
gives() { # RECIPE NAME SETS...
  local recipe=$1 name=$2
  shift 2
  code 0 init "$recipe" "$@" -o m.safetensors --json && sed 's/"model":"[^"]*"//' out.txt
  case $(layers "$name.yaml" | sed -nE 's/^  inputs?: //p') in
    '[224, 224, 3]') code 0 predict m.safetensors 32.npy --json ;;
    '[28, 28, 1]') code 0 predict m.safetensors 28.npy --json ;;
    '['*) code 0 predict m.safetensors x.npy --json ;;
    *) code 0 eval m.safetensors --split train --json ;; # several inputs
  esac
  sed 's/"model":"[^"]*"//' out.txt
  rm -f m.safetensors
}

changed=0
for file in "$here"/../../recipes/zoo/*.yaml; do
  name=$(basename "$file" .yaml)
  code 0 zoo "$name" && sed 1d out.txt >"$name.yaml"
  zoo_sets "$name" "$name.yaml"
  for norm in group layer renorm none; do converts "$name" $norm --norm $norm; done
  converts "$name" leaky_relu --relu leaky_relu
  converts "$name" tanh --sigmoid tanh
  converts "$name" --drop-dropout --drop-dropout
  [[ $done ]] || continue
  gives "$name.yaml" "$name" "${sets[@]}" >was.out
  gives new.yaml "$name" >is.out
  [[ $(wc -l <was.out) -gt 1 ]] || short "$name gives nothing: $(tail -n 2 err.txt)"
  same was.out is.out "$name without dropout"
  bad 2 'has nothing of what is to be changed' convert new.yaml --drop-dropout -o never.yaml
done
[[ $changed -ge 50 ]] || short "only $changed conversions"
finish
