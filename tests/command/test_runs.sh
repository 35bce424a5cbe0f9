#!/bin/bash
# A run folder belongs to one process at a time, goes on with the data it began with, and never loses what it holds unasked.
. "$(dirname "$0")/lib.sh"
long=100000

wait_for() { until_holds test -s "$1"; } # FILE: until a run in the background has written it
# start ARGS...: trains in the background; its process is $pid
start() {
  "$gradus" train "$@" --quiet >/dev/null 2>background.txt &
  pid=$!
}
sleeping() { [[ $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) == S ]]; }
wait_stopped() { until_holds sleeping "$1"; } # PROCESS: until it sleeps in a call of the system
# What a run that goes on in the background does not write meanwhile
listing() { (cd "$1" && find . -type f ! -name 'metrics.jsonl' ! -name '*tfevents*' -printf '%p %s %T@\n' | sort); }

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

# While data is read there is nothing to save: one signal ends the process, whatever it waits for
mkfifo never.csv
cat >fifo.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: never.csv, target: y}, batch: 10}
model: {input: 2, layers: [{type: dense, units: 3}]}
stop: {epochs: 2}
YAML
set -m # so that jobs in the background do not ignore SIGINT
for signal in HUP TERM INT; do
  for way in open read; do
    rm -rf fifo
    "$gradus" train fifo.yaml --out fifo --quiet >/dev/null 2>background.txt &
    pid=$!
    # Opening for writing waits until it has opened for reading, and is about to wait for what never comes.
    if [[ $way == read ]]; then exec 9>never.csv; else wait_stopped $pid; fi
    kill -$signal $pid
    wait $pid
    got=$?
    [[ $got -eq $((128 + $(kill -l $signal))) ]] || short "SIG$signal while it waits to $way: exit $got"
    [[ ! -e fifo ]] || short "a run without data has made its folder"
    exec 9>&-
  done
  (exec 8>never.csv; sleep 1000) & # a writer that writes nothing
  writer=$!
  "$gradus" predict other/last.safetensors /dev/stdin <never.csv >/dev/null 2>&1 &
  pid=$!
  wait_stopped $pid
  kill -$signal $pid
  wait $pid
  got=$?
  [[ $got -eq $((128 + $(kill -l $signal))) ]] || short "SIG$signal while predict waits: exit $got"
  kill $writer
  wait $writer 2>/dev/null
done
set +m

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
  exit !(is + 0 == is && was + 0 == was && (part[2] - is) ^ 2 <= (1e-3 * is) ^ 2 && (part[3] - was) ^ 2 <= (1e-3 * was) ^ 2) }' ||
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
grep -q 'stop allows.*the rate of' err.txt && short "rates that are equal are said to differ"
# differ_rates RECIPE EPOCHS MORE: the warning shows two rates that are not the same text, and the first is that of the update it names
differ_rates() {
  rm -rf rates
  code 0 train "$1" --out rates --quiet --set stop.epochs=$2
  code 0 train rates --resume --set stop.epochs=$3
  local line step is was
  line=$(grep 'stop allows' err.txt) || { short "$1: nothing is said of other rates"; return; }
  read -r step is was < <(sed -E 's/.*the rate of update ([0-9]+) is ([^ ,]+), it was to be ([^ ;]+).*/\1 \2 \3/' <<<"$line")
  [[ $is != "$was" ]] || short "$1: two equal rates: $line"
  awk -v a="$(grep "\"step\":$step," rates/metrics.jsonl | sed -E 's/.*"lr":([^,]*),.*/\1/')" -v b="$is" 'BEGIN { exit !(a + 0 == a && b + 0 == b && (a - b) ^ 2 <= (1e-3 * b) ^ 2) }' ||
    short "$1: the rate of update $step is not that of its line: $line"
}
small late.yaml "schedule: {type: polynomial, power: 0.00001}" # differs from the seventh digit on
differ_rates late.yaml 3 4
small flat.yaml "schedule: {type: polynomial, end: 0.0199999}"
differ_rates flat.yaml 2 3
code 0 train average --overwrite --quiet --set average=none
[[ ! -e average/swa.safetensors ]] || short "--overwrite leaves the average of the run before"

# ---- damaged checkpoints ----
damage() { for f in "$@"; do printf 'xxxx' | dd of="$f" bs=1 seek=$(($(wc -c <"$f") * 3 / 4)) conv=notrunc 2>/dev/null; done; } # behind the header
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

# ---- a run that has lost a part of what it is made of ----
lost() { # PATTERN COMMAND: after it, done in the folder of a run that ended, resuming is refused and changes nothing; starting over is not
  local pattern=$1
  shift
  rm -rf lost copy
  cp -r short lost
  (cd lost && eval "$*")
  cp -r lost copy
  bad 3 "^gradus: lost cannot be resumed: $pattern" train run.yaml --out lost --resume --set stop.epochs=4
  has err.txt "or --overwrite starts over"
  diff -r lost copy >/dev/null || short "$*: a refused resume changed the run: $(diff -r lost copy | head -n 3)"
  bad 2 "lost already holds a run" train run.yaml --out lost
  code 0 train run.yaml --out lost --overwrite --quiet
  same short/last.safetensors lost/last.safetensors "started over after $*"
}
# Without validation the best is the last, after every resumption, and whether or not it is there
code 0 train run.yaml --out blind --quiet --set data.validation=none --set validate=none
code 0 train run.yaml --out blind --quiet --set data.validation=none --set validate=none --resume --set stop.epochs=4
same blind/best.safetensors blind/last.safetensors "the best of a resumed run without validation"
rm blind/best.safetensors
code 0 train run.yaml --out blind --quiet --set data.validation=none --set validate=none --resume --set stop.epochs=5
same blind/best.safetensors blind/last.safetensors "a lost best of a run without validation"
[[ $(sed -n '/"best"/,/}/s/.*"step": \([0-9]*\).*/\1/p' blind/result.json) -eq $(field blind/result.json steps) ]] || short "the best step is not the last"

lost 'its folder checkpoints/ is gone' 'rm -r checkpoints'
lost 'the checkpoints that it had are gone' 'rm checkpoints/*'
lost 'the checkpoints that it had are gone' 'mv checkpoints/step-24.ckpt checkpoints/step-24.ckpt.old'
lost 'its recipe.yaml' 'rm recipe.yaml'
lost 'its recipe.yaml' 'rm recipe.yaml metrics.jsonl result.json *.safetensors'
lost 'its metrics.jsonl is gone' 'rm metrics.jsonl'
lost 'its best.safetensors is gone' 'rm best.safetensors'
for cut in 0 1 700 -1; do lost 'its metrics.jsonl has lost lines' "truncate -s $cut metrics.jsonl"; done
lost 'its metrics.jsonl is damaged' 'printf x | dd of=metrics.jsonl bs=1 seek=20 conv=notrunc 2>/dev/null'
lost 'its metrics.jsonl is damaged' "tr 0 1 <metrics.jsonl >m && mv m metrics.jsonl"
lost 'its metrics.jsonl is damaged' "yes | head -c $(wc -c <short/metrics.jsonl) >metrics.jsonl"

# Numbers of checkpoints that are none are left alone: too large for an update, signed, filled up, of another base, none
rm -rf odd
cp -r short odd
for name in 9999999999999999999 9223372036854775808 99999999999999999999999999999999 -1 +30 030 0x30 30.0 "" " 30" 3e1; do
  cp odd/checkpoints/step-24.ckpt "odd/checkpoints/step-$name.ckpt"
done
ls odd/checkpoints >before.txt
code 0 train odd --resume --set stop.epochs=4
has err.txt "^resumed from odd/checkpoints/step-24.ckpt after step 24"
ls odd/checkpoints | sed 's/step-32.ckpt/step-24.ckpt/' | sort >after.txt
same <(sort -u before.txt) <(sort -u after.txt) "files that are no checkpoints are left alone"
rm odd/checkpoints/step-{24,32}.ckpt 2>/dev/null
bad 3 "the checkpoints that it had are gone" train odd --resume --set stop.epochs=5
cp short/checkpoints/step-24.ckpt odd/checkpoints/step-9223372036854775807.ckpt # the largest number there is
truncate -s 100 odd/checkpoints/step-9223372036854775807.ckpt
bad 3 "odd has no checkpoint to resume from: .*step-9223372036854775807.ckpt" train odd --resume --set stop.epochs=5

# Killed before its first checkpoint, at whatever moment: it may start over, to the same bits, until it has one
rarely='checkpoint={every: 100000}'
code 0 train run.yaml --out early --quiet --set "$rarely"
[[ ! -e early/no-checkpoint-yet ]] || short "a run with a checkpoint says that it has none"
for await in no-checkpoint-yet recipe.yaml metrics.jsonl best.safetensors; do
  rm -rf killed
  start run.yaml --out killed --set stop.epochs=$long --set "$rarely"
  wait_for killed/$await
  kill -9 $pid
  wait $pid 2>/dev/null
  [[ -e killed/no-checkpoint-yet ]] || short "killed early, it does not say that it has no checkpoint"
  code 0 train run.yaml --out killed --resume --quiet --set "$rarely"
  same early/last.safetensors killed/last.safetensors "killed when it had written $await"
  [[ ! -e killed/no-checkpoint-yet ]] || short "resumed to its end, it says that it has no checkpoint"
  rm killed/checkpoints/*
  bad 3 "the checkpoints that it had are gone" train run.yaml --out killed --resume --set "$rarely"
done

# What killed processes were writing goes when the next run opens the folder; nothing else does
rm -rf swept
cp -r short swept
sleep 0 &
dead=$!
wait $dead
for name in recipe.yaml result.json last.safetensors best.safetensors checkpoints/step-24.ckpt checkpoints/step-9.ckpt; do
  touch "swept/$name.tmp-$dead" "swept/$name.tmp-$dead-2"
done
kept=(recipe.yaml.tmp-$$ checkpoints/step-9.ckpt.tmp-$$ notes.txt.tmp-$dead recipe.yaml.tmp- recipe.yaml.tmp-x recipe.yaml.tmp-$dead-x
  recipe.yaml.tmp-99999999999 checkpoints/step-09.ckpt.tmp-$dead last.safetensors.tmp-0 .tmp-$dead)
for name in "${kept[@]}"; do touch "swept/$name"; done
bad 2 "already holds a run" train run.yaml --out swept
[[ -e swept/recipe.yaml.tmp-$dead ]] || short "a refused run clears the folder"
code 0 train swept --resume --quiet --set stop.epochs=4
find swept -name '*.tmp-*' -printf '%P\n' | sort >after.txt
same <(printf '%s\n' "${kept[@]}" | sort) after.txt "which unfinished files stay"

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
