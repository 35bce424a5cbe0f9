#!/bin/bash
# export: the suffix chooses, names and numbers are those of the model, two exports are the same bytes, nothing is left behind by what fails. [mission F11, SYS35, D18]
. "$(dirname "$0")/lib.sh"

small r.yaml
code 0 train r.yaml --out run --quiet --set stop.epochs=1
model=run/best.safetensors

# safetensors: the file itself; without the metadata the weights alone
code 0 export $model -o a.safetensors --json
has out.txt '^\{"model":"run/best.safetensors","file":"a.safetensors","format":"safetensors","tensors":4\}$'
same a.safetensors $model "a model exported as safetensors"
code 0 export $model -o bare.safetensors --raw
grep -aq 'gradus.recipe' bare.safetensors && short "--raw leaves the recipe in"
bad 3 'has no "gradus.recipe" in its metadata' eval bare.safetensors

# NPZ: an array a tensor
code 0 export $model -o a.npz
for name in c1.weight c1.bias head.weight head.bias; do grep -aq "$name.npy" a.npz || short "no array $name"; done
grep -aq "'shape': (6, 1, 3, 3)" a.npz || short "the kernel has another layout than PyTorch's"

# ONNX: by name, in the same bytes each time and with any number of threads
code 0 export $model -o a.onnx
has out.txt '^a.onnx: ONNX of run/best.safetensors, 4 tensors$'
for name in c1.weight c1.bias head.weight head.bias Conv MaxPool Gemm gradus.prepare; do grep -aq "$name" a.onnx || short "a.onnx has no $name"; done
code 0 export $model -o raw.onnx --raw && grep -aq gradus.prepare raw.onnx && short "--raw leaves the preparation in"
code 0 export $model -o soft.onnx --softmax && grep -aq Softmax soft.onnx || short "--softmax adds none"
grep -aq Softmax a.onnx && short "logits were asked for"
for kind in onnx npz safetensors; do
  code 0 export $model -o b.$kind --threads 2 && same a.$kind b.$kind "two exports"
done

# Values come as predict gives them
small v.yaml 'data: {train: {type: synthetic, kind: regression, n: 60, seed: 1}, batch: 20}' 'model: {input: [4], layers: [{type: dense, units: 1, name: out}]}' 'cost: mse'
code 0 init v.yaml -o v.safetensors
code 0 export v.safetensors -o v.onnx
bad 2 'softmax: it does nothing to "v.safetensors", which gives values' export v.safetensors -o n.onnx --softmax

# What is refused, and leaves nothing
for name in a.txt a.onx a onnx .onnx a.ONNX; do bad 2 "\"$name\" does not end as a format" export $model -o $name; done
has err.txt 'one of .*\.onnx.*\.safetensors.*\.npz'
bad 2 'raw: it does nothing to a file .npz' export $model -o n.npz --raw
bad 2 'softmax: it does nothing to a file .safetensors' export $model -o n.safetensors --softmax
bad 2 '\-o FILE is missing' export $model
bad 2 'without --data only --threads' export $model -o n.onnx --set seed=2
bad 3 'it is a recipe, not a model' export r.yaml -o n.onnx
for kind in onnx npz safetensors; do
  bad 3 'No such file' export $model -o nowhere/n.$kind
  cp $model broken.safetensors
  printf 'x' | dd of=broken.safetensors bs=1 seek=$(($(stat -c %s $model) - 5)) conv=notrunc status=none
  bad 3 'damaged' export broken.safetensors -o n.$kind
  [[ -e n.$kind ]] && short "n.$kind was written"
done
# A limit on the size of files is a disk that is full
for file in big.safetensors big.npz big.onnx big.c; do
  (ulimit -f 4 && bad 3 'cannot write|File too large' export $model -o $file)
  [[ -e $file ]] && short "$file is there, in parts"
done
(ulimit -f 4 && bad 3 'cannot write|File too large' train r.yaml --out limited --quiet)
ls ./*.tmp-* limited/*.tmp-* limited/best.safetensors 2>/dev/null && short "a temporary file is left"

# What says its own model comes back without a recipe, to the bit; other exports need one
code 0 eval $model --split validation --json && cp out.txt want.txt
code 0 import a.onnx -o back.safetensors --json
has out.txt '"format":"ONNX","tensors":4,"left_out":0'
code 0 eval back.safetensors --split validation --json && same out.txt want.txt "through ONNX"
for kind in raw.onnx a.npz bare.safetensors; do
  if [[ $kind == *.onnx ]]; then bad 3 'is no layer of ours' import $kind -o no.safetensors
  else bad 2 'does not say which network it is: --recipe' import $kind -o no.safetensors; fi
  code 0 import $kind -o back.safetensors --recipe r.yaml && code 0 eval back.safetensors --split validation --json && same out.txt want.txt "through $kind"
done
[[ -e no.safetensors ]] && short "a refused import was written"
finish
