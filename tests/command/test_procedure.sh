#!/bin/bash
# train --procedure: phases where the errors say, the same after kill -9 and resume, what is refused. [mission H7, H11, T13]
. "$(dirname "$0")/lib.sh"

awk 'BEGIN { srand(3); print "a,b,y"; for (i = 0; i < 240; i++) { a = rand() - 0.5; b = rand() - 0.5; print a "," b "," 2 * a - b + 0.4 * (rand() - 0.5) } }' >line.csv
cat >line.yaml <<'YAML'
gradus: 1
name: line
data: {source: {type: csv, file: line.csv, target: y, header: true}, split: {validation: 0.25}, prepare: [standardize], batch: 16}
model: {input: [2], layers: [{type: dense, units: 1}]}
cost: mse
optimizer: {type: sgd, lr: 0.5}
stop: {epochs: 3}
log: {events: false}
checkpoint: {every: 13}
YAML

# The rate drops exactly where both errors were flat: the rule once more, from the figures alone
code 0 train line.yaml --procedure new_topology --patience 2 --out new
replay() { # PATIENCE: "STEP" of each drop, then "end STEP"
  perl -ne 'BEGIN { $p = shift; $bt = $bv = 9e99; $helped = 1; $nt = $nv = 0 }
    next unless /"train_cost_mean":([^,]+)/; $t = $1; ($v) = /"validation_error":([^,}]+)/; ($s) = /"step":(\d+)/;
    if ($bt > 8e99 ? $t < $bt : $t < $bt - 1e-4 * abs $bt) { $bt = $t; $nt = 0 } else { $nt++ }
    if ($bv > 8e99 ? $v < $bv : $v < $bv - 1e-4 * abs $bv) { $bv = $v; $nv = 0; $helped = 1 } else { $nv++ }
    if (!$helped && $nv > $p) { print "end $s\n"; exit }
    if ($nt > $p && $nv > $p) { print "$s\n"; $nt = $nv = $helped = 0 }' "$1" "$2"
}
replay 2 new/metrics.jsonl >wanted.txt
{ grep '"lower_rate"' new/procedure.jsonl | sed 's/.*"step":\([0-9]*\).*/\1/'; echo "end $(field new/result.json steps)"; } >found.txt
same wanted.txt found.txt "phases"
[[ $(wc -l <found.txt) -ge 2 ]] || short "the rate never dropped"
[[ $(field new/result.json stop_reason) == patience ]] || short "it ended by $(field new/result.json stop_reason)"
has new/procedure.jsonl '^\{"procedure":"new_topology","phase":"train","step":0,"trigger":"[^"]+","lr":[0-9.e-]+,"schedule":"plateau","batch":16,"figures":\{'
# each rate is a tenth of the one before, and what the updates had
perl -ne '/"lr":([^,]+)/; exit 1 if $n++ && abs($1 * 10 / $last - 1) > 1e-9; $last = $1' new/procedure.jsonl || short "rates are no tenths"
while read -r step; do
  grep -q "\"step\":$((step + 1)),.*\"lr\":$(sed -n "s/.*\"step\":$step,.*\"lr\":\([^,]*\),.*/\1/p" new/procedure.jsonl)," new/metrics.jsonl || short "update $step has another rate"
done < <(grep '"lower_rate"' new/procedure.jsonl | sed 's/.*"step":\([0-9]*\).*/\1/')

# Killed at random and resumed: the same bits, the same lines
survive() { # FOLDER ARGS...
  local folder=$1 went=0
  shift
  for pause in 0.02 0.15 0.3 0.1 0.4 0.2; do
    "$gradus" train "$@" --out "$folder" --resume --quiet >/dev/null 2>&1 </dev/null &
    sleep "$pause"
    kill -9 $! 2>/dev/null && went=1
    wait $! 2>/dev/null
  done
  [[ $went -eq 1 ]] || short "no run was killed"
  code "${want:-0}" train "$@" --out "$folder" --resume
}
survive killed line.yaml --procedure new_topology --patience 2
same new/procedure.jsonl killed/procedure.jsonl "killed"
same new/last.safetensors killed/last.safetensors "killed"
# once more at its end: nothing changes
code 0 train line.yaml --procedure new_topology --patience 2 --out killed --resume
same new/procedure.jsonl killed/procedure.jsonl "resumed at its end"
# a line that no checkpoint has is cut and comes again
cp -r new cut
rm cut/result.json
latest=$(ls -v cut/checkpoints | tail -n 1)
rm "cut/checkpoints/$latest"
code 0 train line.yaml --procedure new_topology --patience 2 --out cut --resume
same new/procedure.jsonl cut/procedure.jsonl "an older checkpoint"
same new/last.safetensors cut/last.safetensors "an older checkpoint"

# Cycles at the end: from the rate that helped last to a tenth of it, as long as was asked, on a run that has ended
cp -r new cyc
code 0 train line.yaml --procedure new_topology --patience 2 --cyclic-end 0.2 --set checkpoint.keep=100 --out cyc --resume
head -n -1 cyc/procedure.jsonl >before.txt
same new/procedure.jsonl before.txt "phases before the cycles"
tail -n 1 cyc/procedure.jsonl >third.txt
at=$(field new/result.json steps)
has third.txt "\"phase\":\"cyclic\",\"step\":$at,.*\"schedule\":\"cyclic\".*\"updates\":$(((at + 3) / 4))\\b"
[[ $(field cyc/result.json steps) -eq $((at + (at + 3) / 4)) ]] || short "cycles until $(field cyc/result.json steps)"
[[ $(field cyc/result.json stop_reason) == steps ]] || short "cycles ended by $(field cyc/result.json stop_reason)"
HIGH=$(tail -n 2 new/procedure.jsonl | head -n 1 | sed 's/.*"lr":\([^,]*\),.*/\1/') AT=$at N=$(((at + 3) / 4)) perl -ne '
  BEGIN { $h = $ENV{HIGH}; $half = $ENV{N} / 9 } ($s, $lr) = /"step":(\d+),.*?"lr":([^,]+)/ or next; next if $s <= $ENV{AT};
  $x = ($s - 1 - $ENV{AT}) / $half; $x -= 2 * int($x / 2); $x = 2 - $x if $x > 1; $seen++;
  exit 1 if abs($lr / ($h * (1 - 0.9 * $x)) - 1) > 1e-6; END { exit 1 if $seen != $ENV{N} }' cyc/metrics.jsonl || short "other cycles"
survive cyc2 line.yaml --procedure new_topology --patience 2 --cyclic-end 0.2 --set checkpoint.keep=100
same cyc/procedure.jsonl cyc2/procedure.jsonl "cycles, killed"
same cyc/last.safetensors cyc2/last.safetensors "cycles, killed"
# where no checkpoint of the cycles is left, the first part comes again, and they after it
rm cyc2/result.json
for f in cyc2/checkpoints/*; do [[ $f =~ ([0-9]+)[^0-9]*$ && $((10#${BASH_REMATCH[1]})) -lt $at ]] || rm "$f"; done
code 0 train line.yaml --procedure new_topology --patience 2 --cyclic-end 0.2 --set checkpoint.keep=100 --out cyc2 --resume
same cyc/procedure.jsonl cyc2/procedure.jsonl "cycles, older checkpoints"
same cyc/last.safetensors cyc2/last.safetensors "cycles, older checkpoints"
bad 2 'ends with [0-9]+ updates of cycles' train line.yaml --procedure new_topology --patience 2 --out cyc --resume
bad 2 'ends with [0-9]+ updates of cycles' train line.yaml --procedure new_topology --patience 2 --cyclic-end 0.5 --out cyc --resume
bad 2 'cyclic-end goes with' train line.yaml --procedure established --cyclic-end 0.2
bad 2 'cyclic-end' train line.yaml --procedure new_topology --cyclic-end 0.95
bad 2 'cyclic-end' train line.yaml --procedure new_topology --cyclic-end 0

# An established topology: warm-up, decay, cycles, each where the length of the run says; batches by the noise
code 0 train line.yaml --procedure established --set stop.epochs=40 --out est
[[ $(wc -l <est/procedure.jsonl) -eq 3 ]] || short "$(wc -l <est/procedure.jsonl) phases"
steps=$(field est/result.json steps)
has est/procedure.jsonl '"phase":"warmup","step":0,'
has est/procedure.jsonl "\"phase\":\"decay\",\"step\":$(((steps + 5) / 10)),"
has est/procedure.jsonl "\"phase\":\"cyclic\",\"step\":$((steps - (2 * steps + 5) / 10)),"
head -n 1 est/procedure.jsonl >first.txt
scale=$(field first.txt noise_scale) batch=$(field first.txt batch)
[[ $scale == null && $batch -eq 16 ]] || perl -e 'exit !($ARGV[0] <= $ARGV[1] && 2 * $ARGV[0] > $ARGV[1] || $ARGV[0] * 2 > 180)' "$batch" "$scale" || short "batch $batch for a noise scale of $scale"
LR=$(field first.txt lr) perl -ne 'if (/"step":1,.*?"lr":([^,]+)/) { exit !(abs($1 * 20 / $ENV{LR} - 1) < 1e-6) }' est/metrics.jsonl || short "the warm-up starts elsewhere"
survive est2 line.yaml --procedure established --set stop.epochs=40
same est/procedure.jsonl est2/procedure.jsonl "established, killed"
same est/last.safetensors est2/last.safetensors "established, killed"

# Overfit, then regularise: the penalty begins where the training error is below its target, and not before
small over.yaml 'stop: {epochs: 25}' 'validate: {every: 1 epoch}' 'checkpoint: {every: 7, keep: 3}' 'schedule: constant'
code 0 train over.yaml --procedure overfit_then_regularise --train-error 0.05 --out over
[[ $(wc -l <over/procedure.jsonl) -eq 2 ]] || short "$(wc -l <over/procedure.jsonl) phases of overfitting"
tail -n 1 over/procedure.jsonl >second.txt
at=$(field second.txt step)
has second.txt '"phase":"regularise".*"target":0.05,"l2":(0.001|0.0001|1e-05|1e-06),'
perl -e 'exit !($ARGV[0] < 0.05)' "$(field second.txt train_error)" || short "the penalty began at $(field second.txt train_error)"
AT=$at perl -ne '($s) = /"step":(\d+)/; ($e) = /"train_error":([^,]+)/; exit 1 if $s < $ENV{AT} && defined $e && $e < 0.05; exit 1 if $s <= $ENV{AT} && /"data_cost"/; exit 1 if $s > $ENV{AT} && !/"data_cost"/' over/metrics.jsonl || short "the penalty began elsewhere than at $at"
survive over2 over.yaml --procedure overfit_then_regularise --train-error 0.05
same over/procedure.jsonl over2/procedure.jsonl "overfitting, killed"
same over/last.safetensors over2/last.safetensors "overfitting, killed"
bad 1 'never been below 1e-09, so no regularisation' train over.yaml --procedure overfit_then_regularise --train-error 1e-9 --set stop.epochs=1 --set stop.steps=3 --out never

# What is refused
bad 2 'new_topology' train line.yaml --procedure new
bad 2 'patience goes with --procedure new_topology' train line.yaml --patience 3
bad 2 'patience' train line.yaml --procedure new_topology --patience 0
bad 2 'train-error goes with' train line.yaml --procedure established --train-error 0.1
bad 2 'needs --train-error' train line.yaml --procedure overfit_then_regularise --out v
bad 2 'no validation data' train line.yaml --procedure new_topology --set data.split=none --set data.source=none --set 'data.train={type: csv, file: line.csv, target: y}' --out n
bad 2 'follows a procedure' train new --resume
bad 2 'follows a procedure' train line.yaml --resume --out new
bad 2 'follows new_topology' train line.yaml --resume --procedure established --out new
bad 2 'new weights' train line.yaml --procedure established --from new/last.safetensors --out f
bad 2 '' train line.yaml --procedure established --out new
bad 2 'train_error_below' train line.yaml --set stop.train_error_below=0
bad 2 'train_error_below' train line.yaml --set stop.train_error_below=soon
echo '{"phase":"train"}' >new/procedure.jsonl
bad 3 'procedure.jsonl:1:1: not a line of a phase' train line.yaml --resume --procedure new_topology --out new
[[ ! -e v && ! -e n && ! -e f ]] || short "a refused run left a folder"

# The key of its own: the run ends at the first evaluation whose training error is below
code 0 train over.yaml --set stop.train_error_below=0.3 --out below
[[ $(field below/result.json stop_reason) == target ]] || short "train_error_below: $(field below/result.json stop_reason)"
finish
