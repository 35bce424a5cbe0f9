#!/bin/bash
# Augmented training: the same bits for any number of threads and workers, held or read, and after kills; validation and prediction never see it.
. "$(dirname "$0")/lib.sh"
cut() { sed -E 's/"seconds":[^,]*,"samples_per_second":[^,}]*//' "$1"; }
pictures() { # FILE CHANGES LINES...: a recipe of made-up pictures that are changed so
  local file=$1 changes=$2
  shift 2
  small "$file" "data: {train: {type: synthetic, kind: digits, n: 96}, validation: {split: 0.25}, batch: 16, shuffle: every_epoch, augment: $changes}" "$@"
}
all='[flip, {type: crop, pad: 2}, {type: rotate, degrees: 8}, {type: scale, by: 0.1}, {type: color, brightness: 0.1}, {type: cutout, size: 3}, {type: mixup, alpha: 0.4}]'
pictures all.yaml "$all" "stop: {epochs: 3}" "checkpoint: {every: 4, keep: 2}"
pictures none.yaml none "stop: {epochs: 3}"

# Who reads and changes samples does not matter, nor when
code 0 train all.yaml --out whole --quiet --threads 1
for how in "--threads 2" "--threads 1 --set workers=3" "--threads 2 --set workers=1" "--threads 3 --set workers=7"; do
  # shellcheck disable=SC2086 # words of options
  code 0 train all.yaml --out other --overwrite --quiet $how
  same whole/last.safetensors other/last.safetensors "$how"
  same <(cut whole/metrics.jsonl) <(cut other/metrics.jsonl) "metrics, $how"
done
code 0 train none.yaml --out plain --quiet
differ whole/last.safetensors plain/last.safetensors "with and without changes"

# Killed and resumed
for ((i = 0; i < 3; i++)); do
  rm -rf killed
  "$gradus" train all.yaml --out killed --quiet >/dev/null 2>&1 &
  pid=$!
  sleep "0.0$((RANDOM % 90 + 10))"
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  code 0 train all.yaml --out killed --resume --quiet
  same whole/last.safetensors killed/last.safetensors "killed, attempt $i"
done

# Evaluation and prediction take samples as they are: a model's figures are those of its recipe without changes
code 0 eval whole/last.safetensors --split validation --json
mv out.txt changed.json
code 0 eval whole/last.safetensors --data none.yaml --split validation --json
same <(grep -v '"model"\|seconds' changed.json) <(grep -v '"model"\|seconds' out.txt) "evaluation with and without changes"

# An epoch of ten of each: as many updates, and the plan's memory is what the run took
pictures ten.yaml "[flip, {type: crop, pad: 2}]" "stop: {epochs: 2}"
code 0 train ten.yaml --set 'data.augment_mode={materialise: 10}' --out ten --quiet
[[ $(field ten/result.json steps) -eq 90 ]] || short "2 epochs of 720 in batches of 16: $(field ten/result.json steps) updates"
code 0 train ten.yaml --set 'data.augment_mode={materialise: 10}' --set workers=2 --out again --quiet
same ten/last.safetensors again/last.safetensors "ten of each"
[[ $(field ten/result.json planned_bytes) -ge $(field ten/result.json peak_bytes) ]] || short "ten of each took more memory than planned"

# What makes no sense is refused
while IFS='|' read -r exit pattern change; do
  bad "$exit" "$pattern" train all.yaml --out refused --set "$change"
  [[ ! -e refused ]] || short "$change left a run behind"
done <<'TEXT'
2|unknown augmentation "flop"|data.augment=[flop]
2|is not a list of changes|data.augment=flip
2|"axiss"|data.augment=[{type: flip, axiss: vertical}]
2|mixed already|data.augment=[mixup, cutmix]
2|border of 99 pixels|data.augment=[{type: crop, pad: 99}]
2|neither a number nor|data.augment=[{type: rotate, degrees: many}]
2|does not say when|data.augment_mode=often
2|2 to 1000|data.augment_mode={materialise: 1}
2|is not a size|hold=much
2|is not in \[1, 256\]|workers=0
TEXT
bad 2 "so all 10 of each would be alike" train none.yaml --out refused --set 'data.augment_mode={materialise: 10}'
finish
