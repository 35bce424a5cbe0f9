#!/bin/bash
# G11: lenet5 at 80 % sparsity. Dense, pruned at once, after fine-tuning, and pruned gradually while training, on Fashion-MNIST: the mean error over the seeds after
# fine-tuning must be within half a point of the dense network's, exactly the share of the weights must be 0 before and after, and half of the filters may be taken out for what
# is told. Pictures are Debian's dataset-fashion-mnist, in $GRADUS_DATA or /usr/share/datasets/fashion-mnist; where there are none, drawn digits (a smaller task).
# Usage: tests/acceptance/prune.sh [GRADUS [SEEDS [EPOCHS [SAMPLES]]]]: 3 seeds, 10 epochs, all samples unless given; as many epochs to fine-tune.
set -eu
cd "$(dirname "$0")/../.."
gradus=$(readlink -f "${1:-build/gradus}") seeds=${2:-3} epochs=${3:-10} samples=${4:-0}
sparsity=0.8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=${GRADUS_DATA:-/usr/share/datasets/fashion-mnist}
if [[ -e $folder/train-images-idx3-ubyte.gz ]]; then
  data="{train: {type: idx, images: $folder/train-images-idx3-ubyte.gz, labels: $folder/train-labels-idx1-ubyte.gz}, validation: {split: 0.1667}, batch: 64, shuffle: every_epoch, prepare: [standardize]"
else
  data="{train: {type: synthetic, kind: digits, size: 28, noise: 0.3, n: 12000, seed: 1}, validation: {split: 0.1667}, batch: 64, shuffle: every_epoch, prepare: [standardize]"
fi
[[ $samples -eq 0 ]] || data+=", limit: {train: $samples}"
cat >"$work/r.yaml" <<YAML
gradus: 1
name: lenet5
data: $data}
model: {zoo: lenet5}
cost: cross_entropy
optimizer: {type: adam, lr: 0.001}
schedule: {type: polynomial}
stop: {epochs: $epochs}
checkpoint: none
YAML
cd "$work"
error_of() { "$gradus" eval "$1" --split validation --json | sed -E 's/.*"error":([0-9.e-]+).*/\1/'; }
tune=(--quiet --overwrite)
steps=$("$gradus" train r.yaml --seed 1 --out probe --set stop.steps=1 --set validate=none --quiet && "$gradus" train r.yaml --seed 1 --out probe --overwrite --set stop.epochs=1 --set validate=none --quiet && sed -nE 's/.*"steps": ?([0-9]+).*/\1/p' probe/result.json | head -n 1)
for seed in $(seq "$seeds"); do
  "$gradus" train r.yaml --seed "$seed" --out dense --quiet --overwrite
  rm -f pruned.safetensors again.safetensors small.safetensors
  "$gradus" prune dense/best.safetensors --sparsity $sparsity --scope global -o pruned.safetensors --quiet
  "$gradus" train r.yaml --seed "$seed" --from pruned.safetensors --out tuned "${tune[@]}"
  "$gradus" prune tuned/best.safetensors --sparsity $sparsity --scope global -o again.safetensors --quiet # what was masked still is, and no more is to prune
  cmp -s again.safetensors tuned/best.safetensors || { echo "seed $seed: the masks of fine-tuning are not those of pruning"; exit 1; }
  "$gradus" train r.yaml --seed "$seed" --out gradual --quiet --overwrite --set "prune={to: $sparsity, from_step: 0, to_step: $((steps * (epochs + 1) / 2)), every: $((steps / 4 + 1))}"
  "$gradus" prune dense/best.safetensors --sparsity 0.5 --structured filters -o small.safetensors --quiet
  "$gradus" train small.safetensors --seed "$seed" --from small.safetensors --out small "${tune[@]}"
  echo "$seed $(error_of dense/best.safetensors) $(error_of pruned.safetensors) $(error_of tuned/best.safetensors) $(error_of gradual/last.safetensors) $(error_of small/best.safetensors)"
done | tee errors.txt
awk -v limit=0.005 '{ for (k = 2; k <= 6; k++) s[k] += $k }
  END { printf "mean error, %d seeds: dense %.4f, pruned %.4f, fine-tuned %.4f, gradual %.4f, half of the filters %.4f\n", NR, s[2] / NR, s[3] / NR, s[4] / NR, s[5] / NR, s[6] / NR
    d = (s[4] - s[2]) / NR; printf "fine-tuned less dense: %.4f, at most %.4f\n", d, limit; exit !(NR > 0 && d <= limit) }' errors.txt
