# Recipes of the zoo made small enough for a test: sourced behind lib.sh.

zoo_made='data={train: {type: synthetic, kind: digits, n: 8, size: 32}, batch: 4, prepare: [standardize]}'

declare -A zoo_less=( # what would take long, made narrow
  [vgg16]='layers[18].size=1 layers[20].units=16 layers[22].units=16'
  [vgg16-bn]='layers[31].size=1 layers[33].units=16 layers[35].units=16'
  [resnet18]='layers[9].filters=32 layers[10].filters=32'
  [transformer-lm]='layers[2].repeat.times=1 input=[128]'
  [gpt2-small]='layers[0].vocabulary=256 layers[3].repeat.times=1 layers[5].units=256 input=[128]'
  [bert-base]='layers[0].vocabulary=256 layers[6].repeat.times=1 inputs={words:[128],segments:[128]}'
  [resnet50]='layers[16].filters=32 layers[17].filters=32 layers[18].filters=32'
)

octets() { # FILE SIZES...: an array of bytes from standard input
  local file=$1 count=1 size shape=
  shift
  for size; do count=$((count * size)) shape+="$size, "; done
  printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': ($shape), }" >"$file"
  head -c $count >>"$file"
}

# The files that language models, GPT-2 and BERT want, here: text of ours, and what follows it.
zoo_data() {
  head -c $((12 * 128 + 1)) "$here/../../docs/recipes.md" >book.txt
  octets x.npy 12 128 <"$here/../../docs/recipes.md"
  tail -c +2 "$here/../../docs/recipes.md" | octets y.npy 12 128
  cp x.npy words.npy
  octets segments.npy 12 128 </dev/zero
  mkdir values && head -c $((12 * 768)) /dev/zero | tr '\0' '\1' | octets values/y.npy 12 768
}

# NAME RECIPE: fills `sets` with what makes it small, on made-up data or that of zoo_data
zoo_sets() {
  local set
  sets=()
  case $(sed -nE 's/^  inputs?: //p' "$2") in
    '[224, 224, 3]') sets+=(--set "$zoo_made" --set 'model.input=[32, 32, 1]') ;;
    '[28, 28, 1]') sets+=(--set "${zoo_made/32/28}") ;;
    '[128]' | '[256]' | '[1024]') sets+=(--set data.batch=4) ;; # text
    '{'*) sets+=(--set data.batch=4 --set data.train.targets=values/y.npy) ;;
  esac
  for set in ${zoo_less[$1]:-}; do sets+=(--set "model.$set"); done
}
