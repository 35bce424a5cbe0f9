#!/bin/bash
# Published weights fine-tuned on few pictures, beside the same network from scratch: 1000 pictures of Fashion-MNIST, 96 x 96 in three equal colours, judged on
# 2000 of its test part. `new` has new weights; `head` keeps all but the last layer as it is; `whole` trains all on, at the recipe's rate. Errors in percent, seeds 1 to 3.
# Usage: tests/acceptance/transfer.sh [GRADUS [NETWORK...]]; EPOCHS (12), SEEDS ("1 2 3"), THREADS; GRADUS_WEIGHTS is the folder with squeezenet/ and
# efficientnet-lite0/, whose licences lie beside them. Fails where the best of `head` and `whole` is not 5 points better than `new` in every seed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/acceptance/squeezenet.sh
gradus=$(readlink -f "${1:-build/gradus}")
folder=$(readlink -f "${GRADUS_WEIGHTS:-../shared/weights}")
[[ -d $folder ]] || { echo "skipped: no weights at ${GRADUS_WEIGHTS:-../shared/weights}"; exit 77; }
[[ $# -eq 0 ]] || shift
[[ $# -gt 0 ]] || set -- squeezenet efficientnet-lite0
data=${GRADUS_DATA:-/usr/share/datasets/fashion-mnist} epochs=${EPOCHS:-12}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# NPY files of the first pictures: every pixel three times, one after the other
npy() { # TYPE SHAPE
  printf "\223NUMPY\001\000\166\000%-117s\n" "{'descr': '$1', 'fortran_order': False, 'shape': ($2)}"
}
pictures() { # PART N NAME
  { npy '|u1' "$2, 28, 28, 3" && gzip -dc "$data/$1-images-idx3-ubyte.gz" | tail -c +17 | head -c $(($2 * 784)) | perl -0777 -pe 's/(.)/$1$1$1/gs'; } >"$3-x.npy" || true
  { npy '|u1' "$2," && gzip -dc "$data/$1-labels-idx1-ubyte.gz" | tail -c +9 | head -c "$2"; } >"$3-y.npy" || true
}
pictures train 1000 few
pictures t10k 2000 other

squeezenet_names >squeezenet.tsv
declare -A file=([squeezenet]=squeezenet1_1 [efficientnet-lite0]=efficientnet_lite0) # whose weights stand in the folder
declare -A spread=([squeezenet]=70 [efficientnet-lite0]=0.7)                         # of the pixels that each was trained on
recipe() { # NETWORK MODEL
  echo "gradus: 1
name: $1
data:
  train: {type: npy, inputs: few-x.npy, targets: few-y.npy}
  validation: {split: 0.1}
  test: {type: npy, inputs: other-x.npy, targets: other-y.npy}
  prepare: [{type: resize, size: 96}, {type: standardize, per: channel}, {type: scale, by: ${spread[$1]}}]
  batch: 32
  shuffle: every_epoch
$2
cost: cross_entropy
optimizer: {type: adam, lr: 0.001}
schedule: {type: polynomial, warmup: 0.1}
stop: {epochs: $epochs}
log: {events: false}"
}
wrong() { # FOLDER: errors on the test part
  "$gradus" eval "$1/last.safetensors" --split test --json 2>/dev/null | sed -E 's/.*"error":([0-9.e-]+).*/\1/'
}
threads=(--threads "${THREADS:-auto}" --quiet)
failed=0
for network; do
  recipe "$network" "model: {zoo: $network, input: [96, 96, 3]}" >source.yaml
  recipe "$network" "" >few.yaml
  map=()
  [[ $network != squeezenet ]] || map=(--map squeezenet.tsv)
  "$gradus" import "$folder/$network/${file[$network]}.safetensors" -o source.safetensors --recipe source.yaml "${map[@]}" --quiet
  for seed in ${SEEDS:-1 2 3}; do
    "$gradus" finetune source.safetensors few.yaml --freeze all-but-last --out head --overwrite --seed "$seed" "${threads[@]}"
    "$gradus" finetune source.safetensors few.yaml --lr-scale 1 --out whole --overwrite --seed "$seed" "${threads[@]}"
    sed '/^start:/,/^[a-z]/{/^start:/d;/^ /d}; /^groups:/,/^[a-z]/{/^groups:/d;/^ /d}' head/recipe.yaml >new.yaml
    "$gradus" train new.yaml --out new --overwrite --seed "$seed" "${threads[@]}"
    row="$(wrong new) $(wrong head) $(wrong whole)"
    awk -v network="$network" -v seed="$seed" -v row="$row" 'BEGIN { split(row, x, " "); best = x[2] < x[3] ? x[2] : x[3]
      printf "%s, seed %d: new %.1f, head %.1f, whole %.1f\n", network, seed, 100 * x[1], 100 * x[2], 100 * x[3]
      exit !(x[1] - best >= 0.05) }' || failed=1
  done
done
exit $failed
