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
cp net.onnx net.bin
printf 'a;b\n1;2\n' >table.csv
printf 'not a table\nof anything\n' >lines.txt
printf '{"a": [1, 2]}\n' >x.json
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
  bad 3 '^gradus: run/checkpoints/step-2.ckpt: it is a checkpoint, not a model$' $command run/checkpoints/step-2.ckpt "${more[@]}"
  has err.txt 'train RUN --resume'
  bad 3 '^gradus: net.bin: it is an ONNX model, not a model of gradus$' $command net.bin "${more[@]}"
  has err.txt 'gradus import'
  bad 3 '^gradus: table.csv: it is a table of text, not a model$' $command table.csv "${more[@]}"
  has err.txt 'gradus predict MODEL DATA'
  bad 3 '^gradus: lines.txt: it is text, not a model$' $command lines.txt "${more[@]}"
done
bad 3 'r.yaml: it is a recipe, not a model' train r.yaml --from r.yaml --out other
bad 3 'net.pt: it is a PyTorch file' train r.yaml --from net.pt --out other
bad 3 '^gradus: run/checkpoints/step-2.ckpt: it is a checkpoint, not a model$' train r.yaml --from run/checkpoints/step-2.ckpt --out other
bad 3 'table.csv: it is a table of text, not a model' train r.yaml --from table.csv --out other
[[ -e other ]] && short "a refused --from left a folder"

# Where data is wanted, in predict and in a recipe's sources; what is data of another kind gets the source that reads it.
best=run/best.safetensors
for given in "$best:a model \(safetensors\)" run/checkpoints/step-2.ckpt:"a checkpoint" "r.yaml:a recipe" "net.pt:a PyTorch file" net.onnx:"an ONNX model" net.h5:"an HDF5 file" "run:a run.s folder" x.json:JSON; do
  file=${given%%:*} what=${given#*:}
  bad 3 "^gradus: \"$file\" is $what.*, not data$" predict $best $file
  bad 3 "data.train.file: \"$file\" is $what.*, not a table of text$" train r.yaml --out other --set "data.train={type: csv, file: $file, target: y}"
  bad 3 "data.train.file: \"$file\" is $what.*, not a table of text$" plan r.yaml --set "data.train={type: csv, file: $file, target: y}"
  bad 3 "data.train.inputs: \"$file\" is $what.*, not an NPY array$" train r.yaml --out other --set "data.train={type: npy, inputs: $file, targets: x.npy}"
  bad 3 "data.train.images: \"$file\" is $what.*, not an IDX file$" train r.yaml --out other --set "data.train={type: idx, images: $file, labels: x.npy}"
  bad 3 "data.train.file: \"$file\" is $what.*, not an NPZ archive$" train r.yaml --out other --set "data.train={type: npz, file: $file, inputs: x, targets: y}"
done
bad 3 'is a model' predict $best $best
has err.txt 'the model comes first'
bad 3 '"x.npy" is an NPY array, not a table of text' train r.yaml --out other --set 'data.train={type: csv, file: x.npy, target: y}'
has err.txt 'type: npy, inputs'
bad 3 '"table.csv" is a table of text, not an NPY array' train r.yaml --out other --set 'data.train={type: npy, inputs: table.csv, targets: x.npy}'
has err.txt 'type: csv, file'
[[ -e other ]] && short "refused data left a folder"

# Where a run is wanted.
for given in "$best:a model \(safetensors\)" run/checkpoints/step-2.ckpt:"a checkpoint" "r.yaml:a recipe" "table.csv:a table of text" "x.npy:an NPY array"; do
  bad 3 "^gradus: ${given%%:*}: it is ${given#*:}, not a run$" plot ${given%%:*}
done
code 0 plot run/metrics.jsonl
head -c 3000000 /dev/zero >>net.pth # longer than a recipe may be
for command in plan train check; do
  bad 2 'net.pt: it is a PyTorch file' $command net.pt
  bad 2 'net.pth: it is a pickle' $command net.pth
  bad 2 'x.npy: it is an NPY array, not a recipe' $command x.npy
  has err.txt 'a recipe names it'
  bad 2 'x.gz: it is a gzip file' $command x.gz
  bad 2 '^gradus: table.csv: it is a table of text, not a recipe$' $command table.csv
  has err.txt 'data stands in a source'
  bad 3 '^gradus: run/checkpoints/step-2.ckpt: it is a checkpoint, not a model$' $command run/checkpoints/step-2.ckpt
done
code 0 plan run/best.safetensors # a model stands for its recipe
code 0 check run/best.safetensors --only T3
bad 3 'run: it is a run.s folder, not a recipe' plan run
has err.txt 'did you mean run/recipe.yaml'

# What is neither is refused as before, a damaged model as a damaged model.
bad 3 'eval.txt' predict run/best.safetensors eval.txt
bad 2 'table.csv: it is a table of text, not a recipe' eval $best --data table.csv
bad 2 'table.csv: it is a table of text, not a recipe' plan r.yaml --set model=table.csv
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
bad 2 'unknown command fit' fit r.yaml
has err.txt 'did you mean train'
finish
