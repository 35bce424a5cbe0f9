#!/bin/bash
# inspect: figures of every layer as text, JSON, sheet and events; what is planted is found; first filters that were trained score as edges, random ones do not. [X6, X14]
. "$(dirname "$0")/lib.sh"
reader=$(dirname "$gradus")/events
json() { perl -MJSON::PP -e 'local $/; my $j = decode_json(<STDIN>); my $r = eval $ARGV[0]; print defined $r ? $r : "null"' "$1" <out.txt; }
perl -MJSON::PP -e 1 2>/dev/null || { echo "perl has no JSON::PP"; exit 77; }

# Trained with much decay, so that what is left of the filters was learned: edges. The same net before it was trained: chance.
small edges.yaml "data: {train: {type: synthetic, kind: digits, n: 1000, seed: 1}, validation: {split: 0.2}, batch: 16, prepare: [standardize], shuffle: every_epoch}" \
  "model: {input: [16, 16, 1], layers: [{type: conv, filters: 16, kernel: 5, padding: same, activation: relu, name: c1}, {type: max_pool, size: 2}, flatten, {type: dense, units: 10, name: head}]}" \
  "optimizer: {type: adamw, lr: 0.003, weight_decay: 0.5}" "stop: {epochs: 30}" "schedule: constant" "checkpoint: {every: 10 epochs}" "log: {every: 1 epoch}"
code 0 train edges.yaml --out run --quiet
code 0 inspect run --json
trained=$(json '$j->{filters}{edge_score}') best=$(field run/result.json step)
[[ $(json '$j->{part}') == validation && $(json '$j->{samples}') -eq 200 && $(json '$j->{model}') == run/best.safetensors ]] || short "what was looked at: $(head -c 200 out.txt)"
awk -v a="$(json '$j->{cost}')" -v b="$(sed -nE "s/.*\"step\":$best,.*\"validation_cost\":([^,]*),.*/\1/p" run/metrics.jsonl)" 'BEGIN { exit !(a > 0 && (a - b) ^ 2 < 1e-10 * b * b) }' ||
  short "the cost is not that of the validation: $(json '$j->{cost}')"
[[ $(json 'join " ", map { "$_->{name}:$_->{shape}" } @{$j->{layers}}') == "c1:16x16x16 max_pool1:8x8x16 flatten1:1024 head:10" ]] || short "layers: $(json 'join " ", map { "$_->{name}:$_->{shape}" } @{$j->{layers}}')"
[[ $(json 'my $n = 0; $n += $_ for @{$j->{layers}[0]{histogram}{counts}}; sprintf "%.0f", $n') -eq $((200 * 16 * 16 * 16)) ]] || short "the histogram has not all numbers"
[[ $(json 'scalar @{$j->{tensors}}') -eq 4 && $(json '$j->{tensors}[2]{name}') == head.weight && $(json '$j->{tensors}[2]{n}') -eq 10240 ]] || short "tensors: $(json 'join " ", map { $_->{name} } @{$j->{tensors}}')"
code 0 init edges.yaml -o start.safetensors --quiet
code 0 inspect start.safetensors --json
random=$(json '$j->{filters}{edge_score}') error=$(json '$j->{filters}{edge_error}')
awk -v t="$trained" -v r="$random" -v e="$error" 'BEGIN { exit !(t > 0.4 && r < 4 * e + 0.05 && r > -4 * e - 0.05) }' || short "edge scores: trained $trained, random $random +- $error"

# Text, one layer, sheets that are the same bytes each time, events of a run
code 0 inspect run && has out.txt '^c1 +conv +16x16x16 ' && has out.txt '^c1.weight: edge score 0\.[0-9]+, standard error'
code 0 inspect run --layer 'c*' && has out.txt 'What c1 gives' && { grep -q '^head' out.txt && short "--layer shows others"; }
code 0 inspect run -o a.png && code 0 inspect run -o b.png --threads 2 && same a.png b.png "two sheets" && [[ $(head -c 4 a.png | tail -c 3) == PNG ]] || short "no PNG"
code 0 inspect run/last.safetensors -o a.html --part train --samples 50 && has out.txt '^50 samples of the train part' && has a.html 'c1 \(conv\)' && has a.html 'alt='
code 0 inspect run --events && "$reader" run/inspect/events/events.out.tfevents.gradus >events.txt || short "events: $(tail -n 1 events.txt)"
for what in 'scalar dead/c1 ' 'scalar edge_score ' 'histogram activations/head 2000 ' 'histogram weights/c1.weight 400 ' 'histogram gradients/head.bias 10 ' 'picture pictures/filters '; do
  grep -q "^$best $what" events.txt || short "no event '$what' at step $best"
done
"$reader" run/events/events.out.tfevents.gradus | grep -q edge_score && short "inspect writes into the run's own events"

# What is planted is told
small planted.yaml "model: {input: [16, 16, 1], layers: [{type: conv, filters: 4, kernel: 3, activation: relu, name: c, init: {bias: {type: constant, value: -1000}}}, flatten, {type: dense, units: 8, activation: sigmoid, name: s, init: {bias: {type: constant, value: 50}}}, {type: dense, units: 10, name: head}]}"
code 0 init planted.yaml -o planted.safetensors --quiet
code 0 inspect planted.safetensors && has out.txt '^c: 4 of 4 units give 0 for all that was seen' && has out.txt '^s: 100 % of what it gives is at an end of its range'
code 0 inspect planted.safetensors --json && [[ $(json '$j->{layers}[0]{dead}') == 1 && $(json '$j->{layers}[2]{saturated}') == 1 && $(json '$j->{layers}[3]{saturated}') == null ]] || short "planted: $(json '$j->{layers}[0]{dead}')"

# Sequences of different lengths: steps that do not count are not counted, here and in a run's events; several heads; no convolution; no validation
parity=$(readlink -f "$here/../train/parity")
cp "$parity/lengths_steps/data.npz" data.npz && cp "$parity/lengths_steps/recipe.yaml" steps.yaml
code 0 train steps.yaml --out steps --quiet --set 'log={histograms: 10}' --set data.batch=50
code 0 inspect steps/last.safetensors --json
[[ $(json '$j->{part}') == train && $(json '$j->{samples}') -eq 50 && $(json 'defined $j->{filters} ? 1 : 0') -eq 0 ]] || short "steps: $(head -c 300 out.txt)"
[[ $(json 'my $n = 0; $n += $_ for @{$j->{layers}[0]{histogram}{counts}}; sprintf "%.0f", $n') -eq 1326 ]] || short "steps that do not count are counted"
"$reader" steps/events/events.out.tfevents.gradus >events.txt
grep -q "^10 histogram activations/d1 1326 " events.txt || short "steps that do not count are in the events: $(grep 'activations/d1' events.txt | head -n 1)"
sed 's/shuffle: none/validation: {split: 0.3}/' "$here/../train/parity/two_heads/recipe.yaml" >heads.yaml && cp "$parity/two_heads/data.npz" .
code 0 init heads.yaml -o heads.safetensors --quiet && code 0 inspect heads.safetensors

# What is refused
bad 2 'there is no layer d1' inspect run --layer d1 && has err.txt 'did you mean c1'
bad 2 'inspect: -o a.pdf: it writes a sheet, which .pdf is not' inspect run -o a.pdf
bad 2 '--events writes into the folder of a run' inspect start.safetensors --events
bad 2 'there is no test data' inspect run --part test
bad 2 '--part' inspect run --part rows
mkdir empty && bad 3 'empty is a folder without a model' inspect empty
bad 3 'no.safetensors' inspect no.safetensors
bad 3 'checkpoint' inspect "$(ls run/checkpoints/*.ckpt | head -n 1)"

# A look at the test part is one
small judged.yaml "data: {train: {type: synthetic, kind: digits, n: 200, seed: 1}, validation: {split: 0.2}, test: {type: synthetic, kind: digits, n: 50, seed: 9}, batch: 16}"
code 0 train judged.yaml --out judged --quiet
code 0 inspect judged --part test && code 1 inspect judged --part test --once
finish
