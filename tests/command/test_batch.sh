#!/bin/bash
# gradus batch: the noise scale with its error, what memory has room for as plan counts it, the study and its plot; what is refused. [mission H11, H12, O5]
. "$(dirname "$0")/lib.sh"
small small.yaml 'threads: 1'

ls >before.txt
code 0 batch small.yaml --json
cp out.txt a.txt
ls | grep -v '^a.txt$' | diff <(grep -v -e '^out.txt$' -e '^err.txt$' -e '^before.txt$' before.txt) <(ls | grep -v -e '^a.txt$' -e '^out.txt$' -e '^err.txt$' -e '^before.txt$') >&2 || short "something was written"
has a.txt '^\{"noise_scale":[0-9.e+]+,"trace":[0-9.e+]+,"gradient_norm2":[0-9.e-]+,"resolved":true,'
has a.txt '"standard_error":\{"noise_scale":[0-9.e-]+,"trace":[0-9.e-]+,"gradient_norm2":[0-9.e-]+\},"group":1,"groups":240,'
has a.txt '"fits_memory":240,.*"regimes":\[\]\}'
first() { grep -o "\"$1\":[0-9.e+-]*" a.txt | head -n 1 | cut -d: -f2; }
awk -v n="$(first noise_scale)" -v b="$(first suggested_batch)" 'BEGIN { r = n / b; exit !(r > 0.7 && r < 1.42) }' || short "the batch is not the power of two nearest to the noise scale"
awk -v n="$(first noise_scale)" -v t="$(first trace)" -v g="$(first gradient_norm2)" 'BEGIN { exit !((n * g / t - 1) ^ 2 < 1e-12) }' || short "the noise scale is no quotient"
code 0 batch small.yaml --json --threads 2
same out.txt a.txt "the same again with two threads"
code 0 batch small.yaml
has out.txt 'noise scale +tr S / \|G\|\^2'
has out.txt '^suggested: data.batch: [0-9]+, the power of two nearest to the noise scale'

# Unresolved: nothing is divided, nothing suggested
code 0 batch small.yaml --samples 4 --json
has out.txt '^\{"noise_scale":null,.*"resolved":false,.*"suggested_batch":null,'

# What fits is what plan says, to the batch
for budget in 1M 700K; do
  code 0 batch small.yaml --budget $budget --json
  fits=$(field out.txt fits_memory)
  code 0 plan small.yaml --set data.batch="$fits" --budget $budget
  code 4 plan small.yaml --set data.batch=$((fits + 1)) --budget $budget
done
code 0 batch small.yaml --budget 1K --json
has out.txt '"fits_memory":0,'
code 0 batch small.yaml --set memory=1M
has out.txt '(memory of the recipe)'

# Other kinds of recipes
for set in optimizer=adahessian optimizer=gd accumulate=3 'groups=[{match: "c1.*", freeze: true}]' 'cost={type: cross_entropy, class_weights: balanced}' \
  'model.layers=[flatten, {type: dense, units: 4}, batch_norm, {type: dense, units: 10}]' 'penalty={l2: 0.1}' reduction=sum; do
  [[ $set == reduction* ]] && set='cost={type: cross_entropy, reduction: sum}'
  code 0 batch small.yaml --set "$set" --json || echo "with $set" >&2
  if [[ $set == cost*sum* ]]; then same out.txt a.txt "the mean's gradient, whatever the reduction"; fi
done

# The study
code 0 batch small.yaml --study --smallest 4 --largest 16 --updates 20 --seeds 2 --json -o steps.svg
has out.txt '"regimes":\[\{"batch":4,"lr":[0-9.e-]+,"edge":(true|false),"steps":[0-9.]+,"low":[0-9.]+,"high":[0-9.]+,"ratio":[0-9.]+,"ratio_low":[0-9.]+,"ratio_high":[0-9.]+,"regime":"(perfect|diminishing|stagnation)"\},\{"batch":8,'
has out.txt '"study":\{"target":[0-9.]+,"of":"validation",'
has steps.svg 'perfect scaling'
cp out.txt b.txt
code 0 batch small.yaml --study --smallest 4 --largest 16 --updates 20 --seeds 2 --json -o steps.svg --threads 2
same out.txt b.txt "the study with two threads"
code 0 batch small.yaml --study --smallest 8 --largest 16 --updates 20 --seeds 1 --set accumulate=2 --set data.validation=none
has out.txt '^updates until the training cost is'
has out.txt '^ +batch +rate +steps'

# Refused
bad 2 'samples: 3 is not' batch small.yaml --samples 3
bad 2 'seeds belongs to --study' batch small.yaml --seeds 2
bad 2 'out belongs to --study' batch small.yaml -o steps.svg
bad 2 'smallest: 3 is no power of two' batch small.yaml --study --smallest 3
bad 2 'largest: 24 is no power of two' batch small.yaml --study --largest 24
bad 2 'the first batch must be below the last' batch small.yaml --study --smallest 64 --largest 64
bad 2 'more than the 240 training samples' batch small.yaml --study --largest 256
bad 2 'are not two' batch small.yaml --study --smallest 512
bad 2 'updates: 19 is not' batch small.yaml --study --updates 19
bad 2 'seeds: 0 is not' batch small.yaml --study --seeds 0
bad 2 'target: nan is not' batch small.yaml --study --target nan
bad 2 'budget: x is not a size' batch small.yaml --budget x
bad 2 'there is one batch' batch small.yaml --study --set optimizer=gd
bad 2 'a plot as SVG' batch small.yaml --study -o steps.csv
bad 1 'not below the cost at the start' batch small.yaml --study --largest 16 --updates 20 --seeds 1 --target 1000
bad 1 'at no rate' batch small.yaml --study --largest 16 --updates 20 --seeds 1 --target -1
bad 3 'nowhere.yaml' batch nowhere.yaml
bad 4 'budget' batch small.yaml --set memory=100K
finish
