#!/bin/bash
# Recomputing (M3, M4): 100 equal layers of which every tenth is kept take a fifth; what plan says adds up; budgets that are too small are told what would do.
# test_remat_bits.sh and test_remat_zoo.sh hold the bits.
. "$(dirname "$0")/lib.sh"
. "$here/remat.sh"
number() { perl -MJSON::PP -e 'local $/; open F, "out.txt"; my $j = decode_json <F>; print eval $ARGV[0]' "$1"; }

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
