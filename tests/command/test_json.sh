#!/bin/bash
# JSON of every kind: numbers in the shortest form that reads back, null in the place of what is not finite, names of
# classes, any bytes in file names, a newline at the end of files; a model's predictions do not repeat its training's warnings.
. "$(dirname "$0")/lib.sh"

# Outputs that overflow: x times weights of a size up to 2, where x is near the largest float.
cat >npy.yaml <<'YAML'
gradus: 1
data: {train: {type: npy, inputs: x.npy, targets: y.npy}, batch: 4}
model: {input: [1], layers: [{type: dense, units: 8, bias: false, init: {weights: {type: uniform, bound: 2}}, name: o}]}
cost: mse
YAML
npy() { # FILE SHAPE COUNT: float32 zeros
  local head="{'descr': '<f4', 'fortran_order': False, 'shape': $2, }"
  printf '\x93NUMPY\x01\x00v\x00%-117s\n' "$head" >"$1"
  head -c $((4 * $3)) /dev/zero >>"$1"
}
npy x.npy '(4, 1)' 4
npy y.npy '(4, 8)' 32
code 0 init npy.yaml -o wide.safetensors
printf 'x\n3e38\n1\n' >huge.csv
code 0 predict wide.safetensors huge.csv --json
list=$(sed -n '1s/.*"output":\[\([^]]*\)\].*/\1/p' out.txt)
[[ $(tr ',' '\n' <<<"$list" | wc -l) -eq 8 ]] || short "8 outputs give the list $list"
grep -q null <<<"$list" || short "no output overflows: $list"
tr ',' '\n' <<<"$list" | grep -qv null || short "every output overflows: $list"

has err.txt '^gradus: warning: huge.csv\[0\]: the model.s outputs are not finite$'
code 0 predict wide.safetensors huge.csv
has err.txt '^gradus: warning: huge.csv\[0\]: the model.s outputs are not finite$'
{ echo x; for ((i = 0; i < 70; i++)); do echo 1; done; for ((i = 0; i < 7; i++)); do echo 3e38; done; } >late.csv
code 0 predict wide.safetensors late.csv
has err.txt '^gradus: warning: late.csv\[70\]: the model.s outputs are not finite, and those of 6 more rows$'
code 0 predict wide.safetensors late.csv --quiet
[[ -s err.txt ]] && short "--quiet warns: $(cat err.txt)"
printf 'x\n1\n2\n' >sound.csv
code 0 predict wide.safetensors sound.csv
grep -q "not finite" err.txt && short "finite outputs are warned of: $(cat err.txt)"

# Files of a run: 0.07 stays 0.07, whole numbers are plain, files end in a newline.
small r.yaml 'optimizer: {type: sgd, lr: 0.07, momentum: 0.9}' 'schedule: constant' 'stop: {epochs: 2}' 'init: {weights: {type: normal, std: 3}}'
code 0 train r.yaml --out run --json
[[ $(wc -l <out.txt) -eq 1 ]] || short "train --json is $(wc -l <out.txt) lines"
same <(tr -d ' \n' <out.txt) <(tr -d ' \n' <run/result.json) "the answer of train and result.json"
has err.txt '^stopped after [0-9]+ steps'
has run/metrics.jsonl '"lr":0\.07,'
grep -qE '"(step|samples)":[0-9]+[.e]' run/metrics.jsonl && short "whole numbers of metrics.jsonl are not plain"
grep -qE ':-?[0-9.]*(00000000|99999999)[0-9]' run/metrics.jsonl && short "a number with digits that say nothing: $(grep -oE ':-?[0-9.]*(00000000|99999999)[0-9]' run/metrics.jsonl | head -n 1)"
for f in run/result.json run/metrics.jsonl run/recipe.yaml; do
  [[ $(tail -c 1 $f | od -An -tx1) == ' 0a' ]] || short "$f does not end in a newline"
done
code 0 eval run/best.safetensors --split validation --json
cost=$(field out.txt cost_mean)
grep -qF "\"validation_cost\":$cost," run/metrics.jsonl || grep -qF "\"validation_cost\":$cost}" run/metrics.jsonl || short "eval's cost $cost is not written so in metrics.jsonl"

# Warnings of training (of its initial values, of validation without data) are not the predictions'.
code 0 train r.yaml --out warned --set 'init={weights: zeros}' --set 'stop={steps: 2}'
has err.txt 'warning: init.weights'
npy p.npy '(2, 16, 16, 1)' 512
code 0 predict warned/last.safetensors p.npy --json
grep -q 'init' err.txt && short "predict repeats: $(head -n 2 err.txt)"
code 0 eval warned/last.safetensors --split validation
grep -q 'init' err.txt && short "eval repeats: $(head -n 2 err.txt)"

# Class names, in JSON and in the table, long ones cut.
awk 'BEGIN { print "a,kind"; for (i = 0; i < 60; i++) print i % 3 + i / 600 "," (i % 3 == 0 ? "größer" : i % 3 == 1 ? "a rather long name" : "c") }' >kinds.csv
cat >kinds.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: kinds.csv, target: kind}, test: {type: csv, file: kinds.csv, target: kind}}
model: {input: [1], layers: [{type: dense, units: 3, name: o}]}
cost: cross_entropy
YAML
code 0 init kinds.yaml -o kinds.safetensors
code 0 eval kinds.safetensors --json
has out.txt '"classes":\["a rather long name","c","größer"\],"confusion"'
code 0 eval kinds.safetensors
has out.txt '^ +a rather lon +c +größer$'
[[ $(grep -cE '^ +(c|a rather lon|größer) +[0-9]+ +[0-9]+ +[0-9]+$' out.txt) -eq 3 ]] || short "rows of the table: $(tail -n 4 out.txt)"
code 0 eval run/best.safetensors --split validation --json
has out.txt '"classes":\["0","1","2","3","4","5","6","7","8","9"\]'

# Bytes that are no text, quotes: the answer is one JSON object all the same.
odd=$'od"d\xff.yaml'
code 3 plan "$odd" --json
has out.txt '^\{"error":\{"code":".*od\\"d\\\\xff'
code 0 new --from lenet5 -o "$odd" --json
has out.txt '^\{"recipe":"od\\"d\\ufffd.yaml"\}$'
code 0 init kinds.yaml -o $'k\xff.safetensors' --json
has out.txt '"model":"k\\ufffd.safetensors"'
cp p.npy $'p\xff.npy'
code 0 predict warned/last.safetensors $'p\xff.npy' --json
has out.txt '"input":"p\\ufffd.npy\[0\]"'
code 0 data split kinds.yaml -o 's"t.tsv' --json
has out.txt '^\{"manifest":"s\\"t.tsv","parts":\{"train":\{"samples":60,'
# An error after answers is an object of its own, but for a check that failed, which the answer tells.
code 3 predict wide.safetensors huge.csv missing.csv --json
[[ $(wc -l <out.txt) -eq 3 ]] || short "two answers and an error are $(wc -l <out.txt) lines"
tail -n 1 out.txt | grep -q '^{"error":{"code":"E_FILE",' || short "the last line is no error: $(tail -n 1 out.txt)"
printf 'gradus: 1\ndata: {train: {type: npy, inputs: x.npy, targets: y.npy}, batch: 4}\nmodel: {input: [1], layers: [{type: dense, units: 8}]}\ncost: mse\n' >trace.yaml
code 1 trace trace.yaml --against seed=2 --json
[[ $(grep -c . out.txt) -eq 1 ]] && has out.txt '^\{"difference":\{' || short "a failed check is told twice: $(cat out.txt)"
# Every error is an object too, whatever comes before --json: no command, an unknown one, a flag that is none or lacks its value, an argument too
# few or many, a file that is missing, a recipe that is wrong. Help is for people.
error() { # CODE ARGS...: the exit code's; standard output is one error object and nothing else
  local want=$1
  shift
  code "$want" "$@" || return 0
  [[ $(wc -l <out.txt) -eq 1 ]] && grep -qE '^\{"error": ?\{"code": ?"E_[A-Z]+", ?"file": ?".*", ?"line": ?[0-9]+, ?"column": ?[0-9]+, ?"key": ?".*", ?"message": ?".+", ?"hint": ?".*"\}\}$' out.txt ||
    short "gradus $*: $(head -c 300 out.txt)"
  [[ $(grep -c '^gradus: ' err.txt) -ge 1 ]] || short "gradus $*: no error line"
}
error 2 --json
error 2 nosuch --json
error 2 nosuch x y --json --quiet
error 2 export x --json
error 2 help nosuch --json
echo 'model: 3' >wrong.yaml
commands=$("$gradus" --help | sed -nE '/^Commands/,/^$/s/^  ([a-z]+) .*/\1/p')
[[ $(wc -w <<<"$commands") -gt 12 ]] || short "few commands: $commands"
for c in $commands; do
  error 2 $c --nosuch --json
  error 2 $c --nosuch 3 --json
  error 2 $c --json --set
  error 2 $c --set a --json
  error 2 $c --set --json
  error 2 $c a b c d e f g h i j k --json --x
  code 0 $c --help --json
  [[ -s out.txt ]] && short "$c --help --json prints on standard output"
  has err.txt "^gradus $c"
  "$gradus" $c --json >out.txt 2>err.txt </dev/null || error 2 $c --json
done
for c in train plan check init; do
  error 3 $c missing.yaml --json $([[ $c == init ]] && echo -o m)
  error 2 $c wrong.yaml --json $([[ $c == init ]] && echo -o m)
done
for c in eval curvature plot; do error 3 $c missing --json; done
error 3 predict missing x.csv --json
error 2 explain nosuch --json
error 2 advise nosuch --json
error 2 zoo nosuch --json
error 2 lab nosuch --json
finish
