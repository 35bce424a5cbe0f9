#!/bin/bash
# A run folder belongs to one process at a time, goes on with the data it began with, and never loses what it holds unasked.
. "$(dirname "$0")/lib.sh"
long=100000

# wait_for FILE: until a run in the background has written it
wait_for() {
  local i
  for ((i = 0; i < 500; i++)); do [[ -s $1 ]] && return; sleep 0.02; done
  short "$1 never came"
}
# start ARGS...: trains in the background; its process is $pid
start() {
  "$gradus" train "$@" --quiet >/dev/null 2>background.txt &
  pid=$!
}
listing() { (cd "$1" && find . -type f ! -name 'metrics.jsonl' -printf '%p %s %T@\n' | sort); }

# ---- one process at a time ----
small run.yaml "checkpoint: {every: 4 epochs, keep: 3}"
start run.yaml --out busy --set stop.epochs=$long --set 'checkpoint={every: 100000}' --set validate=none
wait_for busy/metrics.jsonl
ln -s busy alias
listing busy >before.txt
for how in "" --resume --overwrite; do
  for folder in busy ./busy/ alias "$PWD/busy"; do bad 2 "^gradus: process $pid is training in " train run.yaml --out "$folder" $how; done
done
bad 2 "process $pid is training" train busy --resume
bad 2 '"code":"E_BUSY"|process' train run.yaml --out busy --resume --json
has out.txt '"code": ?"E_BUSY"'
listing busy >after.txt
same before.txt after.txt "what is refused touches nothing"
code 0 plan busy/recipe.yaml --quiet
code 0 train run.yaml --out other --quiet # next to it there is room
kill -0 $pid 2>/dev/null || short "the first process is gone"
kill -TERM $pid
wait $pid
[[ $? -eq 5 ]] || short "SIGTERM: exit code is not 5: $(cat background.txt)"
[[ ! -e busy/lock ]] || short "the lock stays behind a run that ended"
[[ $(grep -c . busy/metrics.jsonl) -eq $(grep -c '^{.*}$' busy/metrics.jsonl) ]] || short "metrics.jsonl has broken lines"

# Killed: the file stays, the lock does not
start run.yaml --out killed --set stop.epochs=$long
wait_for killed/metrics.jsonl
kill -9 $pid
wait $pid 2>/dev/null
[[ -e killed/lock ]] || short "a killed process cannot have removed its lock"
code 0 train run.yaml --out killed --resume --quiet
[[ ! -e killed/lock ]] || short "the lock of a killed process stays for ever"

# Many at once: one trains, the others are refused, in a new folder and in an old one
for folder in new new; do
  pids=()
  for i in 1 2 3 4 5 6; do
    "$gradus" train run.yaml --out $folder --resume --set stop.epochs=40 --quiet >/dev/null 2>crowd$i.txt &
    pids+=($!)
  done
  for i in 1 2 3 4 5 6; do
    wait "${pids[$((i - 1))]}"
    got=$?
    [[ $got -eq 0 || $got -eq 2 ]] || short "one of six: exit $got: $(cat crowd$i.txt)"
    [[ $got -ne 2 ]] || has crowd$i.txt "is training in"
  done
  [[ $(grep -c . new/metrics.jsonl) -eq $(grep -o '"step":[0-9]*' new/metrics.jsonl | sort -u | wc -l) ]] || short "metrics.jsonl has a step twice"
done

# ---- SIGHUP ----
start run.yaml --out hung --set stop.epochs=$long
wait_for hung/metrics.jsonl
kill -HUP $pid
kill -HUP $pid # a closing terminal often says it twice
wait $pid
[[ $? -eq 5 ]] || short "SIGHUP: exit code is not 5: $(cat background.txt)"
[[ $(field hung/result.json stop_reason) == interrupted ]] || short "SIGHUP: stop_reason is not interrupted"
ls hung/checkpoints/*.ckpt >/dev/null 2>&1 || short "no checkpoint after SIGHUP"
(trap '' HUP; exec "$gradus" train run.yaml --out nohup --set stop.epochs=400 --quiet) >/dev/null 2>background.txt &
pid=$!
wait_for nohup/metrics.jsonl
kill -HUP $pid
wait $pid
[[ $? -eq 0 ]] || short "under nohup a hangup ended the run"

# ---- the folder of a run stands for its recipe ----
code 0 train run.yaml --out whole --quiet --set optimizer.lr=0.03 --set stop.epochs=4 --set 'checkpoint={every: 1 epoch, keep: 5}'
code 0 train run.yaml --out parts --quiet --set optimizer.lr=0.03 --set stop.epochs=4 --set 'checkpoint={every: 1 epoch, keep: 5}'
for how in parts parts/ parts/recipe.yaml ./parts; do
  rm -f parts/checkpoints/step-32.ckpt parts/checkpoints/step-24.ckpt
  code 0 train $how --resume --set 'checkpoint={every: 1 epoch, keep: 5}'
  has err.txt "^resumed from parts/checkpoints/step-[0-9]+\.ckpt after step [0-9]+$|^resumed from \./parts/"
  same whole/last.safetensors parts/last.safetensors "train $how --resume"
done
(cd parts && "$gradus" train recipe.yaml --resume --quiet 2>../err.txt) || short "train recipe.yaml --resume within the folder: $(cat err.txt)"
[[ ! -e parts/runs && ! -e runs ]] || short "resuming a folder made another one"
bad 2 "already holds a run" train parts
code 0 train parts --overwrite --quiet
same whole/last.safetensors parts/last.safetensors "train parts --overwrite"
mkdir empty
bad 3 "without the recipe.yaml of a run" train empty
bad 3 "without the recipe.yaml of a run" train empty --resume
[[ -z $(ls empty) ]] || short "a refused folder holds $(ls empty)"
code 0 train parts/recipe.yaml --quiet # without --resume it is a recipe like any other
[[ -e runs/small/result.json ]] || short "a run's recipe alone does not train under its name"

# A recipe may change on resume only where its row says so, and the message lists just those
bad 2 "made with another seed" train parts --resume --seed 9
for key in name stop validate metrics checkpoint log memory threads; do has err.txt "only .*\b$key\b.* may change"; done
sed -nE 's/.*only (.*) may change.*/\1/p' err.txt | sed 's/ and /, /;s/, /\n/g' | sort >said.txt
sed -nE 's/^- the recipe must be the same but for (.*);$/\1/p' "$here/../../docs/recipes.md" | grep -o '`[^`]*`' | tr -d '`' | sort >documented.txt
same said.txt documented.txt "docs/recipes.md lists the keys that may change"
code 0 train parts --resume --quiet --set 'log={every: 5}' --set threads=1 --set memory=1G --set name=other --set 'metrics=[f1]' --set 'checkpoint={every: 7}' --set stop.epochs=5 --set 'validate={every: 9}'

# ---- the schedule of a longer run ----
code 0 train run.yaml --out short --quiet
last=$(tail -n 1 short/metrics.jsonl | sed -E 's/.*"lr":([^,]*),.*/\1/')
cp -r short longer
code 0 train longer --resume --set stop.epochs=6
has err.txt "^gradus: warning: stop allows 48 updates now and allowed 24 before.*the rate of update 25 is [0-9.e-]+, it was to be [0-9.e-]+"
new=$(grep '"step":25,' longer/metrics.jsonl | sed -E 's/.*"lr":([^,]*),.*/\1/')
awk -v line="$(grep 'stop allows' err.txt)" -v was="$last" -v is="$new" 'BEGIN {
  match(line, /is [0-9.e-]+, it was to be [0-9.e-]+/); split(substr(line, RSTART, RLENGTH), part, /is |, it was to be /)
  exit !((part[2] - is) ^ 2 <= (1e-3 * is) ^ 2 && (part[3] - was) ^ 2 <= (1e-3 * was) ^ 2) }' ||
  short "the warning's rates are not $new and $last: $(grep 'stop allows' err.txt)"
code 0 train longer --resume --set stop.epochs=5 # it is past that: nothing is stretched
grep -q 'stop allows' err.txt && short "a warning of a rate that is never used"
code 0 train short --resume --set stop.epochs=3
grep -q 'stop allows' err.txt && short "the same stop is said to stretch the schedule"
small constant.yaml "schedule: {type: step, every: 5, gamma: 0.5}"
code 0 train constant.yaml --out constant --quiet
code 0 train constant --resume --set stop.epochs=6
grep -q 'stop allows' err.txt && short "a schedule that does not count by the length of the run is said to be stretched"
small average.yaml "schedule: constant" "average: {type: swa, start: 0.5, cycle: 2}"
code 0 train average.yaml --out average --quiet --set stop.epochs=4
code 0 train average --resume --set stop.epochs=20
has err.txt "warning: stop allows .* the average begins at another update"
code 0 train average --overwrite --quiet --set average=none
[[ ! -e average/swa.safetensors ]] || short "--overwrite leaves the average of the run before"

# ---- damaged checkpoints ----
damage() { for f in "$@"; do printf 'xxxx' | dd of="$f" bs=1 seek=2000 conv=notrunc 2>/dev/null; done; }
for how in damage "truncate -s 100" "truncate -s 0" "chmod 000"; do
  rm -rf hurt
  cp -r short hurt
  $how hurt/checkpoints/*.ckpt
  [[ $how == "chmod 000" && -r hurt/checkpoints/$(ls hurt/checkpoints | head -n 1) ]] && continue # root reads everything
  cp -r hurt copy
  bad 3 "hurt has no checkpoint to resume from" train hurt --resume
  has err.txt "start over with --overwrite"
  for f in hurt/*.safetensors hurt/metrics.jsonl hurt/result.json; do same "$f" "copy/${f#hurt/}" "all checkpoints damaged: $how"; done
  code 0 train hurt --overwrite --quiet
  same short/last.safetensors hurt/last.safetensors "started over after: $how"
  rm -rf copy
done
[[ $(ls short/checkpoints | wc -l) -eq 1 ]] || short "one checkpoint was expected: $(ls short/checkpoints)"
code 0 train run.yaml --out unhurt --quiet --set 'checkpoint={every: 5, keep: 3}'
cp -r unhurt several
newest=$(ls -v several/checkpoints | tail -n 1) second=$(ls -v several/checkpoints | tail -n 2 | head -n 1)
damage "several/checkpoints/$newest"
code 0 train several --resume
has err.txt "^gradus: warning: .*$newest.* damaged.*; it is passed over"
has err.txt "^resumed from several/checkpoints/$second after step"
same unhurt/last.safetensors several/last.safetensors "from the checkpoint before the damaged one"

# Metrics that were lost are not filled up with zeros
for cut in 0 1 700 -0; do
  rm -rf lost
  cp -r short lost
  if [[ $cut == -0 ]]; then rm lost/metrics.jsonl; else truncate -s $cut lost/metrics.jsonl; fi
  code 0 train lost --resume --set stop.epochs=4
  has err.txt "metrics.jsonl has lost lines"
  [[ $(tr -d '\0' <lost/metrics.jsonl | wc -c) -eq $(wc -c <lost/metrics.jsonl) ]] || short "zeros in metrics.jsonl cut to $cut"
  [[ $(grep -vc '^{.*}$' lost/metrics.jsonl) -eq 0 ]] || short "a broken line in metrics.jsonl cut to $cut"
done

# ---- changed data ----
table() { # SEED ROWS: a table of three classes
  awk -v seed="$1" -v n="$2" 'BEGIN { srand(seed); print "a,b,kind"
    for (i = 0; i < n; i++) { k = i % 3; printf "%.4f,%.4f,%s\n", k + rand() / 2, -k + rand(), substr("xyz", k + 1, 1) } }'
}
recipe() { # FILE TRAIN VALIDATION
  cat >"$1" <<YAML
gradus: 1
data: {train: $2, validation: $3, batch: 10, prepare: [standardize]}
model: {input: 2, layers: [{type: dense, units: 3}]}
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 2}
YAML
}
table 1 60 >t.csv
table 2 30 >v.csv
recipe own.yaml "{type: csv, file: t.csv, target: kind}" "{type: csv, file: v.csv, target: kind}"
recipe cut.yaml "{type: csv, file: t.csv, target: kind}" "{split: 0.2}"
changed() { # PATTERN COMMAND: after it has changed the data, the run does not go on
  local pattern=$1 r
  shift
  for r in own cut; do
    [[ $r == cut && $pattern == *v.csv* ]] && continue
    rm -rf $r
    table 1 60 >t.csv
    table 2 30 >v.csv
    code 0 train $r.yaml --out $r --quiet
    cp -r $r was
    eval "$*"
    bad 3 "^gradus: $r.yaml:[0-9]+:[0-9]+: data\.(train|validation)\.file: .*$pattern" train $r.yaml --out $r --resume --set stop.epochs=4
    bad 3 "$pattern" train $r --resume --set stop.epochs=4
    diff -r was $r >/dev/null || short "$*: a refused resume changed the run"
    rm -rf was
  done
}
changed 't.csv" has changed: it holds 61 samples, this run began with 60' 'echo 1,2,x >>t.csv'
changed 't.csv" has changed: it holds 57 samples' 'table 1 57 >t.csv'
changed 't.csv" has changed: its inputs' 'table 7 60 >t.csv'
changed 't.csv" has changed: its inputs' "sed -i '33s/\\./1./' t.csv"
changed 't.csv" has changed: its targets' "sed -i '5s/[xyz]\$/y/;6s/[xyz]\$/z/' t.csv"
changed 't.csv" has changed: its names' "sed -i 's/z\$/zz/' t.csv v.csv"
changed 't.csv" has changed: its names' "sed -i '1s/.*/b,a,kind/' t.csv v.csv"
changed 'v.csv" has changed: it holds 29 samples' 'table 2 29 >v.csv'
changed 'v.csv" has changed: its inputs' 'table 5 30 >v.csv'

# Touched, copied, written otherwise with the same numbers: the same data
table 1 60 >t.csv
table 2 30 >v.csv
rm -rf own
code 0 train own.yaml --out own --quiet
touch t.csv
cp v.csv w.csv && mv w.csv v.csv
code 0 train own --resume --quiet --set stop.epochs=3
sed -i 's/$/\r/' t.csv
code 0 train own --resume --quiet --set stop.epochs=4

# Many rows of a table: their number and the checksums fit into what a checkpoint says of them
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 100000; i++) print i % 7 "," i % 5 "," (i % 2 ? "odd" : "even") }' >many.csv
cat >many.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: many.csv, target: y}, batch: 100}
model: {input: [2], layers: [{type: dense, units: 2}]}
cost: cross_entropy
optimizer: sgd
stop: {steps: 2}
YAML
code 0 train many.yaml --out many --quiet
code 0 train many --resume --quiet --set stop.steps=4
[[ $(field many/result.json steps) -eq 4 ]] || short "100000 rows do not go on: $(cat err.txt)"

# An average whose start has moved since, whether or not any rate has
code 0 train average.yaml --out moved --quiet --set stop.epochs=4
code 0 train moved --resume --set stop.epochs=8
has err.txt "warning: average.start counts by the length of the run"

# A link called lock is followed nowhere; names of folders do not reach the terminal as they are
mkdir linked && echo precious >precious && ln -s ../precious linked/lock
bad 3 "cannot write linked/lock" train run.yaml --out linked
[[ $(cat precious) == precious ]] || short "a link called lock is written through"
code 0 train run.yaml --out $'odd\e[31m' --set stop.epochs=1
grep -q $'\e' out.txt err.txt && short "an escape sequence of a folder's name reaches the terminal"
code 2 $'\e[31mx'; grep -q $'\e' err.txt && short "an escape sequence of a command's name reaches the terminal"
finish
