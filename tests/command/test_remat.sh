#!/bin/bash
# Recomputing (M2 to M5): the same bits with dropout, batch norm, averages, micro-batches, two passes, on one and two threads, killed and resumed, by every rule and with
# the least memory; 100 equal layers of which every tenth is kept take a fifth; what plan says adds up; budgets that are too small are told what would do.
. "$(dirname "$0")/lib.sh"
. "$here/remat.sh"
number() { perl -MJSON::PP -e 'local $/; open F, "out.txt"; my $j = decode_json <F>; print eval $ARGV[0]' "$1"; }

# ---- all kinds of state ----
layers='layers: [{type: conv, filters: 6, kernel: 3, padding: same, bias: false, name: c1}, {type: batch_norm, name: n1}, relu, {type: conv, filters: 6, kernel: 3, padding: same, activation: gelu, name: c2}, {type: layer_norm, name: n2}, {type: max_pool, size: 2}, flatten, {type: dropout, rate: 0.25}, {type: dense, units: 32, activation: tanh, name: h}, {type: dropout, rate: 0.5}, {type: dense, units: 10, name: head}]'
small all.yaml "model: {input: [16, 16, 1], $layers}" "stop: {epochs: 6}" "validate: {every: 7}" "checkpoint: {every: 4, keep: 2}" "average: {type: swa, start: 0.3, cycle: 5}" "optimizer: {type: ranger, lr: 0.01}"
keep_all all.yaml
least=$(least_of all.yaml) all=$(planned total all.yaml)
[[ $least -lt $((all * 3 / 4)) ]] || short "least $least of $all bytes"
alike least all.yaml --set memory="$least"
alike two all.yaml --set memory=$(((least + all) / 2)) --set threads=2
for way in '{every: 1}' '{every: 3}' '{keep: [c2]}' '{keep: [n1, h]}' chen sqrt '{revolve: 1}' '{revolve: 3}'; do alike way all.yaml --set "remat=$way"; done
alike memory all.yaml --set memory="$all" --set remat=none
for more in accumulate=3 'sam={rho: 0.05}' 'optimizer=sgd' precision=float64 'clip={norm: 1.0, per: layer}' 'optimizer={type: adahessian, lr: 0.01}' 'data.augment=[{type: mixup, alpha: 0.2}]' 'log={histograms: 4}'; do
  keep_all all.yaml --set stop.epochs=2 --set "$more"
  alike more all.yaml --set stop.epochs=2 --set "$more" --set memory="$(least_of all.yaml --set "$more")"
  alike more all.yaml --set stop.epochs=2 --set "$more" --set 'remat={every: 2}'
done

# ---- recurrent layers: loops run again too ----
small rnn.yaml "data: {train: {type: synthetic, kind: copy, n: 64, features: 32, classes: 8, seed: 1}, batch: 32}" "model: {input: [64], layers: [{type: embedding, vocabulary: 8, units: 16}, {repeat: {times: 3, layers: [{type: gru, units: 16, return: sequence}, {type: dropout, rate: 0.2}]}}, {type: dense, units: 8}]}" "validate: none" "stop: {steps: 3}"
keep_all rnn.yaml
[[ $(least_of rnn.yaml) -lt $(($(planned total rnn.yaml) * 2 / 3)) ]] || short "recurrent: least $(least_of rnn.yaml) of $(planned total rnn.yaml) bytes"
alike least rnn.yaml --set memory="$(least_of rnn.yaml)" --set threads=2
alike way rnn.yaml --set 'remat={every: 2}'

# ---- killed, and resumed with another budget: no bit of what was trained depends on it ----
keep_all all.yaml
rm -rf killed
for ((round = 0; round < 3; round++)); do
  "$gradus" train all.yaml --set memory="$least" --out killed --resume --quiet >/dev/null 2>&1 &
  pid=$!
  sleep "0.$((RANDOM % 4 + 1))"
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
done
code 0 train all.yaml --set memory="$least" --out killed --resume --quiet
held_alike killed "killed and resumed"
code 0 train all.yaml --set stop.epochs=3 --out parts --quiet --set memory="$least"
code 0 train all.yaml --out parts --quiet --resume --set stop.epochs=6 --set 'remat={every: 2}'

# ---- M3: a hundred equal layers ----
cat >hundred.yaml <<'YAML'
gradus: 1
name: hundred
data: {train: {type: synthetic, kind: blobs, n: 1024, classes: 4, features: 16, seed: 1}, batch: 1024}
model: {input: [16], layers: [{repeat: {times: 100, layers: [{type: dense, units: 16, activation: relu}]}}, {type: dense, units: 4}]}
cost: cross_entropy
optimizer: sgd
stop: {steps: 2}
YAML
value=$((1024 * 16 * 4))
kept=$(planned activations hundred.yaml) some=$(planned activations hundred.yaml --set 'remat={every: 10}')
[[ $((kept / value)) -ge 100 && $((some / value)) -eq 21 ]] || short "100 layers take $((kept / value)) values, every tenth kept $((some / value)), not 10 and 10 and the gradient"
forward=$(planned forward_flops hundred.yaml) flops=$(planned step_flops hundred.yaml)
code 0 plan hundred.yaml --json --set 'remat={every: 10}'
[[ $(number '$j->{step_flops} - '"$flops"' <= '"$forward"' ? 1 : 0') == 1 ]] || short "more than one forward pass is computed again"
keep_all hundred.yaml
alike tenth hundred.yaml --set 'remat={every: 10}'
alike least hundred.yaml --set memory="$(least_of hundred.yaml)"

# ---- what plan says ----
code 0 plan hundred.yaml --budget $(((least_of_hundred = $(least_of hundred.yaml)) + 200000)) --json
[[ $(number 'my $s = 0; $s += $_->{flops} for @{$j->{remat}}; abs($s - ($j->{step_flops} - '"$flops"')) <= 1e-9 * $s && $s > 0 ? 1 : 0') == 1 ]] || short "the sum of remat is not what the step has more"
[[ $(number '$j->{predicted_seconds} > $j->{predicted_seconds_kept} ? 1 : 0') == 1 ]] || short "recomputing takes no time"
[[ $(number 'my $s = 0; $s += $_->{bytes_saved} for @{$j->{remat}}; $s >= '"$((90 * value))"' - '"$value"' ? 1 : 0') == 1 ]] || short "fewer bytes are saved than layers were let go"
[[ $(number '$j->{bytes}{total} <= '"$((least_of_hundred + 200000))"' ? 1 : 0') == 1 ]] || short "the budget is not kept to"
code 0 plan hundred.yaml --json
[[ $(number '@{$j->{remat}} == 0 && $j->{predicted_seconds} == $j->{predicted_seconds_kept} ? 1 : 0') == 1 ]] || short "something is computed again unasked"
code 0 plan hundred.yaml --budget "$((least_of_hundred + 200000))"
has out.txt '^computed again +kernels +bytes saved +Mflop +ms$'
has out.txt '^repeat1\.[0-9]+ +1 +65536 '
code 0 plan hundred.yaml --curve -o curve.svg --json
[[ $(number 'my ($p, $bad) = ($j->{points}, 0); for (1 .. $#$p) { $bad = 1 if $p->[$_]{bytes} <= $p->[$_ - 1]{bytes} || $p->[$_]{predicted_seconds} >= $p->[$_ - 1]{predicted_seconds} } @$p >= 5 && !$bad && $p->[-1]{recomputed} == 0 && $p->[0]{bytes} == '"$least_of_hundred"' && $p->[-1]{bytes} == '"$(planned total hundred.yaml)"' ? 1 : 0') == 1 ]] || short "the curve does not fall from the least to all kept"
has curve.svg 'memory of the run, MiB'
code 0 plan hundred.yaml --budget "$least_of_hundred" --timeline -o time.svg
has time.svg 'all kept'
bad 2 'choose one' plan hundred.yaml --curve --timeline -o x.svg
bad 2 '\-o F.svg says where' plan hundred.yaml --timeline
bad 2 'say what is drawn' plan hundred.yaml -o x.svg
bad 2 'all budgets' plan hundred.yaml --curve --budget 1G
bad 2 'x.png' plan hundred.yaml --curve -o x.png

# ---- too little ----
bad 4 "needs at least .*\($least_of_hundred bytes\)" plan hundred.yaml --budget 4K
bad 4 "$least_of_hundred" train hundred.yaml --out none --set memory=$((least_of_hundred - 1))
[[ ! -e none ]] || short "a run that does not fit left a folder"
bad 4 'remat: auto' train hundred.yaml --out none --set memory=$(($(planned total hundred.yaml) - 1)) --set remat=none
code 4 plan hundred.yaml --budget 1 --json
[[ $(number '$j->{error}{least_bytes}') == "$least_of_hundred" ]] || short "error.least_bytes is not the least"
bad 2 'did you mean "repeat1.1"' plan hundred.yaml --set 'remat={keep: [repeat1.l1]}'
finish
