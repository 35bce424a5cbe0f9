#!/bin/bash
# import: weights of other software by name; all that does not fit is listed and nothing is written; maps, types, orders of axes; pickles are never opened. [mission F11, SYS35]
. "$(dirname "$0")/lib.sh"

small r.yaml
code 0 init r.yaml -o m.safetensors
code 0 export m.safetensors -o w.npz
code 0 export m.safetensors -o w.safetensors --raw
code 0 eval m.safetensors --data r.yaml --split train --json && cp out.txt want.txt

# arrays NAME SHAPE TYPE: an NPY of zeros, for archives with a mistake
npy() {
  local n=1 d
  for d in ${2//,/ }; do n=$((n * d)); done
  printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '$3', 'fortran_order': False, 'shape': ($2), }" >"$1.npy"
  head -c $((n * ${3: -1})) /dev/zero >>"$1.npy"
}
mkdir parts && cd parts || exit 1
npy c1.weight "6, 1, 3, 3" '<f4'
npy c1.bias "6," '<i4'
npy head.weight "384, 10" '<f4'
npy other.weight "3," '<f4'
npy c1.num_batches_tracked "1," '<i8'
zipped() { perl "$here/zip.pl" "$@"; }
zipped ../bad.npz c1.weight.npy c1.bias.npy head.weight.npy other.weight.npy c1.num_batches_tracked.npy
npy head.weight "10, 384" '<f8'
npy c1.bias "6," '<f2'
npy head.bias "10," '<f4'
zipped ../zero.npz c1.weight.npy c1.bias.npy head.weight.npy head.bias.npy c1.num_batches_tracked.npy
printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '|O', 'fortran_order': False, 'shape': (6,), }" >head.bias.npy
zipped ../object.npz c1.weight.npy c1.bias.npy head.weight.npy head.bias.npy
mkdir archive && echo x >archive/data.pkl
zipped ../torch.npz archive/data.pkl
cd ..

# All of it is said at once, in the file's order, then what is missing; nothing is written
bad 3 'does not fit the network, 4 tensors: c1.bias is another type, head.weight is another shape, other.weight is unused, head.bias is missing' import bad.npz -o no.safetensors --recipe r.yaml
has err.txt '^c1.bias +another type +int32 +F16, BF16, F32 or F64$'
has err.txt '^head.weight +another shape +\[384,10\] +\[10,384\]$'
has err.txt '^other.weight +unused +\[3\]'
has err.txt '^head.bias +missing +\[10\]$'
bad 3 'does not fit' import bad.npz -o no.safetensors --recipe r.yaml --json
has out.txt '^\{"error":\{"code":"E_DATA"'
code 0 import zero.npz -o zero.safetensors --recipe r.yaml --json
has out.txt '"format":"NPZ","tensors":4,'

# Names
printf 'head.weight\thead.weight\t1 0\nother.weight\thead.bias\nc1.bias\t-\n' >n.tsv
bad 3 'head.bias is another shape, c1.bias is missing' import bad.npz -o no.safetensors --recipe r.yaml --map n.tsv
has err.txt '3 tensors|2 tensors'
printf 'c1.*\tconv.*\nhead.*\tlast.*\n' >n.tsv
code 0 import w.npz -o named.safetensors --recipe r.yaml --map n.tsv --set model.layers[0].name=conv --set model.layers[4].name=last
for line in 'nothing.weight\tc1.weight:the file has no tensor "nothing.weight"' 'c1.weight:not two names' 'c1.weight\t:not two names' 'c1.weight\tc1.weight\t0 0:no list of axes' \
  'c1.weight\tc1.weight\t1 0:2 axes are given' 'c1.*\t*.*:more stars'; do
  printf "${line%%:*}\n" >n.tsv
  bad 3 "^gradus: n.tsv:1:1: .*${line#*:}" import w.npz -o no.safetensors --recipe r.yaml --map n.tsv
done
printf 'c1.bias\thead.bias\n' >n.tsv
bad 3 'head.bias is given twice' import w.npz -o no.safetensors --recipe r.yaml --map n.tsv
bad 3 'cannot read "kerras"' import w.npz -o no.safetensors --recipe r.yaml --map kerras
has err.txt 'did you mean keras'
bad 3 'cannot read "elsewhere.txt"' import w.npz -o no.safetensors --recipe r.yaml --map elsewhere.txt
has err.txt 'torchvision, huggingface-bert'

# Every form gives the same model
for file in w.npz w.safetensors; do
  code 0 import $file -o i.safetensors --recipe r.yaml && code 0 eval i.safetensors --data r.yaml --split train --json && same out.txt want.txt "$file"
done
code 0 import w.npz -o i64.safetensors --recipe r.yaml --set precision=float64 --set device=ref
grep -aq '"dtype":"F64"' i64.safetensors || short "a model in float64 has other numbers"

# A graph of layers of ours needs no recipe: x 1 + 1, leaky_relu, both added and joined
code 0 import "$here/../fuzz/corpus/weights/dense.onnx" -o graph.safetensors --json
has out.txt '"format":"ONNX","tensors":2,'
printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }" >x.npy
printf '\0\0\200\77\0\0\0\100\0\0\100\100' >>x.npy
code 0 predict graph.safetensors x.npy --json && has out.txt '"output":\[7(\.0)?,7(\.0)?,14(\.0)?,14(\.0)?\]'
code 0 import "$here/../fuzz/corpus/weights/conv.onnx" -o graph.safetensors
bad 3 'h is unused' import "$here/../fuzz/corpus/weights/fields.onnx" -o no.safetensors
bad 2 'without --recipe there is nothing to set' import "$here/../fuzz/corpus/weights/dense.onnx" -o no.safetensors --set seed=2

# Pickles under any name, objects, what is no weights, what is cut
printf '\200\002}q\000.' >p.npz && cp p.npz p.onnx && cp p.npz p.safetensors && cp p.npz p.pt && cp torch.npz torch.pt && printf "(dp0\n." >old.onnx
for file in p.npz p.onnx p.safetensors p.pt torch.npz torch.pt old.onnx; do
  bad 3 "$file: it is a pickle" import $file -o no.safetensors --recipe r.yaml
  has err.txt 'safetensors.torch.save_file'
done
bad 3 'Python objects \(pickle\), which are never read' import object.npz -o no.safetensors --recipe r.yaml
bad 3 'it is text|it is a recipe' import r.yaml -o no.safetensors --recipe r.yaml
code 0 export m.safetensors -o w.onnx
for file in w.npz w.safetensors w.onnx; do
  head -c $(($(stat -c %s $file) - 7)) $file >cut.${file#w.}
  bad 3 "cut.${file#w.}" import cut.${file#w.} -o no.safetensors --recipe r.yaml
  (cat $file && head -c 8 /dev/zero) >long.${file#w.}
  bad 3 "long.${file#w.}" import long.${file#w.} -o no.safetensors --recipe r.yaml
done
bad 3 'No such file' import none.npz -o no.safetensors --recipe r.yaml
bad 2 'a model in safetensors' import w.npz -o no.npz --recipe r.yaml
bad 2 '\-o MODEL is missing' import w.npz --recipe r.yaml
bad 2 'without --recipe there is nothing to set' import w.onnx -o no.safetensors --set seed=3
[[ -e no.safetensors ]] && short "a refused import was written"
finish
