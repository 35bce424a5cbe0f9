#!/bin/bash
# A file of another kind than the one that is wanted is named as what it is: recipe for model, model for recipe, other tools' files, a
# run's folder; a command that is still to come, and one that other tools have under another name.
. "$(dirname "$0")/lib.sh"
small r.yaml 'stop: {steps: 2}'
code 0 train r.yaml --out run --quiet
printf 'PK\3\4and so on, and so on' >net.pt
cp net.pt net.zip
printf '\x80\2}q\0(X\6\0\0\0weightq' >net.pth
printf '\x89HDF\r\n\x1a\n and so on' >net.h5
printf '\x08\x09\x12\x07pytorch' >net.onnx
printf '\x93NUMPY\1\0v\0' >x.npy
printf '\x1f\x8b\x08\0\0\0\0\0' >x.gz
for command in eval predict curvature; do
  more=()
  [[ $command == predict ]] && more=(x.npy)
  bad 3 '^gradus: r.yaml: it is a recipe, not a model$' $command r.yaml "${more[@]}"
  bad 3 'net.pt: it is a PyTorch file' $command net.pt "${more[@]}"
  has err.txt 'safetensors.torch.save_file'
  bad 3 'net.pth: it is a pickle' $command net.pth "${more[@]}"
  bad 3 'net.zip: it is a ZIP archive' $command net.zip "${more[@]}"
  bad 3 'net.h5: it is an HDF5 file' $command net.h5 "${more[@]}"
  bad 3 'net.onnx: it is an ONNX model' $command net.onnx "${more[@]}"
  bad 3 'x.npy: it is an NPY array' $command x.npy "${more[@]}"
  bad 3 'run: it is a run.s folder, not a model' $command run "${more[@]}"
  has err.txt 'did you mean run/best.safetensors'
  bad 3 'has no "gradus.recipe"' $command run/checkpoints/step-2.ckpt "${more[@]}"
  has err.txt 'it is a checkpoint'
done
bad 3 'r.yaml: it is a recipe, not a model' train r.yaml --from r.yaml --out other
bad 3 'net.pt: it is a PyTorch file' train r.yaml --from net.pt --out other
[[ -e other ]] && short "a refused --from left a folder"
head -c 3000000 /dev/zero >>net.pth # longer than a recipe may be
for command in plan train check; do
  bad 2 'run/best.safetensors: it is a model \(safetensors\), not a recipe' $command run/best.safetensors
  bad 2 'net.pt: it is a PyTorch file' $command net.pt
  bad 2 'net.pth: it is a pickle' $command net.pth
  bad 2 'x.npy: it is an NPY array, not a recipe' $command x.npy
  has err.txt 'a recipe names it'
  bad 2 'x.gz: it is a gzip file' $command x.gz
done
bad 3 'run: it is a run.s folder, not a recipe' plan run
has err.txt 'did you mean run/recipe.yaml'

# What is neither is refused as before, a damaged model as a damaged model.
echo "a,b" >table.csv
bad 3 '"table.csv"' eval table.csv
head -c 100 run/best.safetensors >cut.safetensors
bad 3 '"cut.safetensors"' eval cut.safetensors
bad 3 'No such file' eval nothing.safetensors

bad 2 'unknown flag --epochs' train r.yaml --epochs 5
has err.txt 'it is a key of the recipe: --set stop.epochs=VALUE'
bad 2 'unknown flag --learning-rate' train r.yaml --learning-rate=0.1
has err.txt '\-\-set optimizer.lr=VALUE'
bad 2 'unknown flag --loss' train r.yaml --loss mse
has err.txt '\-\-set cost=VALUE'
bad 2 'unknown flag --treads' train r.yaml --treads 2
has err.txt 'did you mean --threads'
bad 2 'unknown command export' export run/best.safetensors
has err.txt 'not there yet'
bad 2 'unknown command fit' fit r.yaml
has err.txt 'did you mean train'
finish
