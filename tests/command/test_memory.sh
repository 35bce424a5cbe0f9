#!/bin/bash
# Resident memory stays within what `plan` promises, 16 MiB and 2 %: tensors, files and data go through in pieces, from start to end.
. "$(dirname "$0")/lib.sh"
unset MALLOC_PERTURB_ # fills, and so makes resident, what is never used: the rests that alignment leaves
peak=$(dirname "$gradus")/peak
[[ -x $peak ]] || { short "no $peak"; finish; }
if nm "$gradus" 2>/dev/null | grep -qE '__asan_init|__tsan_init'; then echo "SKIP: sanitizers take memory of their own"; exit 77; fi

planned() { # RECIPE CLASS ARGS...: bytes of a class of `plan`
  local recipe=$1 class=$2
  shift 2
  "$gradus" plan "$recipe" "$@" --json >plan.json 2>err.txt || short "plan $recipe $*: $(head -n 1 err.txt)"
  sed -nE "s/.*\"$class\": ?([0-9]+).*/\1/p" plan.json
}
serving() { # RECIPE ARGS...: what evaluating takes, which needs neither slots nor gradients
  local sum=0 class
  for class in parameters activations workspace data loader; do sum=$((sum + $(planned "$1" $class "${@:2}"))); done
  echo $sum
}
resident=0
within() { # WHAT BYTES ARGS...: the command's resident memory
  local what=$1 bytes=$2 limit
  shift 2
  "$peak" peak.txt "$gradus" "$@" >out.txt 2>err.txt </dev/null || { short "gradus $*: exit $?: $(tail -n 2 err.txt)"; return; }
  resident=$(<peak.txt)
  limit=$((bytes + bytes / 50 + (16 << 20)))
  [[ $resident -le $limit ]] || short "$what: $((resident >> 10)) KiB resident, planned $((bytes >> 10)), allowed $((limit >> 10))"
  [[ $resident -ge $((1 << 20)) ]] || short "$what: $resident bytes resident cannot be right"
}
within version 0 version
base=$resident
bounded() { # WHAT RECIPE ARGS...: what a training that was just measured took beside its tensors; 2 MiB are its machine code and stacks
  local rest=$((resident - base - (2 << 20) - $(planned "$2" total "${@:3}"))) bound
  bound=$(planned "$2" bookkeeping "${@:3}")
  [[ $rest -le $bound ]] || short "$1: $rest bytes beside the tensors, bookkeeping was to be at most $bound"
  [[ $bound -le $((8 << 20)) ]] || short "$1: a bookkeeping of $bound bytes bounds nothing"
}

# ---- many parameters: initialise, train, validate, save, check point, resume, begin from a file ----
cat >wide.yaml <<'YAML'
gradus: 1
name: wide
data: {train: {type: synthetic, kind: blobs, n: 128, classes: 10, features: 1500, seed: 1}, validation: {split: 0.25}, batch: 16}
model: {input: [1500], layers: [{type: dense, units: 1600, activation: relu}, {type: dense, units: 1000, activation: relu, name: h2}, {type: dense, units: 10}]}
cost: cross_entropy
optimizer: adam
stop: {steps: 4}
validate: {every: 2}
checkpoint: {every: 2, keep: 2}
YAML
total=$(planned wide.yaml total)
within "training" "$total" train wide.yaml --out run --quiet
bounded "training" wide.yaml
[[ $(field run/result.json peak_bytes) == "$total" ]] || short "peak_bytes is not the total of plan"
within "resuming" "$total" train wide.yaml --out run --quiet --resume --set stop.steps=6
within "training from a file" "$total" train wide.yaml --out from --quiet --from run/last.safetensors
within "initialising" "$(planned wide.yaml parameters)" init wide.yaml -o first.safetensors --quiet
within "evaluating" "$(serving wide.yaml)" eval run/last.safetensors --split validation --quiet
yes 0 | head -n 1500 | paste -sd, >one.csv
within "predicting" "$(serving wide.yaml)" predict run/last.safetensors one.csv
for more in 'average={type: swa, start: 0.2, cycle: 1}' 'lookahead={k: 2}' 'precision=float64' 'optimizer=sgd'; do
  rm -rf run
  within "training with $more" "$(planned wide.yaml total --set "$more")" train wide.yaml --set "$more" --out run --quiet
  bounded "training with $more" wide.yaml --set "$more"
  within "evaluating with $more" "$(serving wide.yaml --set "$more")" eval run/last.safetensors --split validation --quiet
done

# ---- orthogonal matrices want room to work in: as much as the plan counts ----
sed 's/units: 1600/units: 400/; s/units: 1000/units: 3000/; s/optimizer: adam/optimizer: sgd\ninit: {weights: orthogonal}/' wide.yaml >square.yaml
within "orthogonal training" "$(planned square.yaml total)" train square.yaml --out square --quiet
[[ $(field square/result.json peak_bytes) == $(planned square.yaml total) ]] || short "orthogonal: peak_bytes is not the total of plan"
cat >tall.yaml <<'YAML'
gradus: 1
name: tall
data: {train: {type: synthetic, kind: blobs, n: 8, classes: 2, features: 1500, seed: 1}, batch: 1}
model: {input: [1500], layers: [{type: dense, units: 1500, init: {weights: orthogonal}}, {type: dense, units: 2}]}
cost: cross_entropy
optimizer: sgd
groups: [{match: "dense1.*", freeze: true}]
stop: {steps: 2}
YAML
within "orthogonal, frozen" "$(planned tall.yaml total)" train tall.yaml --out tall --quiet
[[ $(field tall/result.json peak_bytes) == $(planned tall.yaml total) ]] || short "frozen: peak_bytes is not the total of plan"
room=0
for class in gradients activations workspace; do room=$((room + $(planned tall.yaml $class))); done
[[ $room -ge $((1500 * 1501 * 4)) ]] || short "$room bytes of room are planned, the reflections take more"

# ---- convolutions stand in files in another order ----
cat >conv.yaml <<'YAML'
gradus: 1
name: conv
data: {train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8}
model: {input: [16, 16, 1], layers: [{type: conv, filters: 512, kernel: 3, stride: 8, activation: relu}, {type: conv, filters: 768, kernel: 3, padding: same, activation: relu}, flatten, {type: dense, units: 10}]}
cost: cross_entropy
optimizer: sgd
stop: {steps: 2}
YAML
within "training convolutions" "$(planned conv.yaml total)" train conv.yaml --out conv --quiet
within "evaluating convolutions" "$(serving conv.yaml)" eval conv/last.safetensors --split train --quiet

# ---- data: neither packed bytes, nor text, nor numbers of another type stand beside the set ----
n=30000
{ printf '\0\0\10\3\0\0\165\60\0\0\0\34\0\0\0\34'; head -c $((n * 784)) /dev/urandom; } | gzip -1 >images.gz
{ printf '\0\0\10\1\0\0\165\60'; head -c $n /dev/urandom | tr '\000-\377' '[\000*128][\001*128]'; } | gzip -1 >labels.gz
cat >idx.yaml <<'YAML'
gradus: 1
name: idx
data: {train: {type: idx, images: images.gz, labels: labels.gz}, validation: {split: 0.1}, batch: 32, prepare: [standardize]}
model: {input: [28, 28, 1], layers: [flatten, {type: dense, units: 2}]}
cost: cross_entropy
stop: {steps: 4}
YAML
within "training on packed pictures" "$(planned idx.yaml total)" train idx.yaml --out idx --quiet
bounded "training on packed pictures" idx.yaml
within "evaluating packed pictures" "$(planned idx.yaml total)" eval idx/last.safetensors --split validation --quiet
within "initialising on packed pictures" "$(planned idx.yaml total)" init idx.yaml -o first.safetensors --quiet
within "predicting packed pictures" "$(planned idx.yaml data)" predict idx/last.safetensors images.gz

rows=150000
awk -v n=$rows 'BEGIN { srand(1); print "a,b,c,d,e,y"; for (i = 0; i < n; i++) printf "%.15f,%.15f,%.15f,%.15f,%.15f,%s\n", rand(), rand(), rand(), rand(), rand(), rand() < 0.5 ? "yes" : "no" }' >table.csv
gzip -1 -k table.csv
for file in table.csv table.csv.gz; do
  cat >table.yaml <<YAML
gradus: 1
name: table
data: {train: {type: csv, file: $file, target: y}, validation: {split: 0.2}, batch: 64, prepare: [standardize]}
model: {input: [5], layers: [{type: dense, units: 2}]}
cost: cross_entropy
stop: {steps: 4}
YAML
  rm -rf table
  within "training on $file" "$(planned table.yaml total)" train table.yaml --out table --quiet
  within "planning with $file" 0 plan table.yaml --quiet
  within "predicting $file" "$(planned table.yaml data)" predict table/last.safetensors $file --quiet
done

# ---- many samples of a few numbers: lists of rows, the order of an epoch, what splits them, what is told of them ----
many=3000000
npy_header() { printf '\223NUMPY\1\0\166\0'; printf '%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': $2, }"; }
{ npy_header '<f4' "($many, 2)"; head -c $((many * 8)) /dev/zero; } >many_x.npy
{ npy_header '|u1' "($many,)"; yes $'\1\n' | tr -d '\n' | tr '\1' '\0' | head -c $((many / 2)); head -c $((many - many / 2)) /dev/zero | tr '\0' '\1'; } >many_y.npy
{ echo a,b,y; yes $'1,2,odd\n3,4,even' | head -n $many; } >many.csv
many_recipe() { # FILE SOURCE
  cat >"$1" <<YAML
gradus: 1
name: many
data: {train: $2, validation: {split: 0.2}, batch: 1000, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 2}]}
cost: cross_entropy
optimizer: sgd
stop: {steps: 3}
YAML
}
many_recipe arrays.yaml "{type: npy, inputs: many_x.npy, targets: many_y.npy}"
many_recipe tables.yaml "{type: csv, file: many.csv, target: y}"
many_recipe made.yaml "{type: synthetic, kind: blobs, n: $many, classes: 2, features: 2, seed: 1}"
exactly() { # WHAT RECIPE ARGS...: within the plan, whose total is the peak to the byte
  rm -rf many
  within "$1" "$(planned "$2" total "${@:3}")" train "$2" --out many --quiet "${@:3}"
  [[ $(field many/result.json peak_bytes) == $(planned "$2" total "${@:3}") ]] || short "$1: peak_bytes is not the total of plan"
}
exactly "many rows of a table" tables.yaml
within "evaluating many rows of a table" "$(serving tables.yaml)" eval many/last.safetensors --split train --quiet
exactly "many made samples" made.yaml
exactly "many samples, auc" arrays.yaml --set 'metrics=[auc]'
within "evaluating many samples" "$(serving arrays.yaml --set 'metrics=[auc]')" eval many/last.safetensors --split train --quiet
exactly "many samples in one batch" arrays.yaml --set data.batch=all
exactly "many samples in their order" arrays.yaml --set data.shuffle=none
exactly "many samples, few taken" arrays.yaml --set data.limit.train=1000
exactly "many samples in three parts, few taken in their order" arrays.yaml --set data.limit.train=1000 --set data.shuffle=none --set data.test='{split: 0.3}'
bad 4 "memory" train arrays.yaml --out none --set memory=$(($(planned arrays.yaml total) - 1)) --set remat=none
within "as much memory as planned" "$(planned arrays.yaml total)" train arrays.yaml --out none --quiet --set memory="$(planned arrays.yaml total)"

# ---- many classes: nothing grows with their square ----
for ((i = 0; i < 3000; i++)); do echo "1,2,k$i"; echo "3,4,k$i"; done >classes.csv
cat >classes.yaml <<'YAML'
gradus: 1
name: classes
data: {train: {type: csv, file: classes.csv, target: 2, header: false}, validation: {split: 0.5}, batch: 10}
model: {input: [2], layers: [{type: dense, units: 3000}]}
cost: cross_entropy
stop: {steps: 3}
YAML
exactly "3000 classes" classes.yaml
within "evaluating 3000 classes" "$(serving classes.yaml)" eval many/last.safetensors --split validation --quiet
code 0 eval many/last.safetensors --split validation --json
has out.txt '"confusion":null'

# Values of eight bytes become four. (A header of NumPy's, padded to 128 bytes.)
{ printf '\223NUMPY\1\0\166\0'; printf '%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': (3000, 1000), }"; head -c $((3000 * 8000)) /dev/zero; } >x.npy
{ printf '\223NUMPY\1\0\166\0'; printf '%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': (3000, 1000), }"; head -c $((3000 * 8000)) /dev/zero; } | gzip -1 >y.npy
cat >npy.yaml <<'YAML'
gradus: 1
name: npy
data: {train: {type: npy, inputs: x.npy, targets: y.npy}, batch: 10}
model: {input: [1000], layers: [{type: dense, units: 1000}]}
cost: mse
stop: {steps: 2}
YAML
within "training on arrays" "$(planned npy.yaml total)" train npy.yaml --out npy --quiet
finish
