#!/bin/bash
# target: {standardize: true}: the network learns values of mean 0 and deviation 1, and everything that is told is in the data's unit, but for the cost.
. "$(dirname "$0")/lib.sh"

awk 'BEGIN { srand(7); print "a,b,y,z"; for (i = 0; i < 150; i++) { a = rand(); b = 10 * rand(); n = rand()
  printf "%.5f,%.5f,%.2f,%.6f\n", a, b, 200000 + 30000 * a - 5000 * b + 1000 * n, 1e-4 * (a + n) + 5 } }' >t.csv
recipe() { # FILE TARGET BIAS LR OUTPUTS STOP [TARGETS]
  cat >"$1" <<YAML
gradus: 1
name: t
seed: 2
data:
  train: {type: csv, file: t.csv, columns: [a, b], ${7:-target: y}}
  prepare: [standardize]
  target: $2
  batch: 25
model: {input: [2], layers: [{type: dense, units: $5}]}
init: {weights: zeros, last_bias: $3}
cost: mse
metrics: [rmse, mae, r2]
optimizer: {type: sgd, lr: $4}
stop: $6
YAML
}
near() { awk -v a="$1" -v b="$2" -v by="$3" 'BEGIN { exit !(a - b <= by * (b < 0 ? -b : b) && b - a <= by * (b < 0 ? -b : b)) }' || short "$4: $1 is not near $2"; }
deviation=$(awk -F, 'NR > 1 { n++; s += $3 - 2e5; q += ($3 - 2e5) ^ 2 } END { printf "%.9g", sqrt(q / n - (s / n) ^ 2) }' t.csv)

# Before it has learned anything it predicts the mean: the error is the deviation, the cost the variance, in its own unit 1.
recipe start.yaml '{standardize: true}' zeros 0 1 '{steps: 1}'
code 0 train start.yaml --out start --quiet
code 0 eval start/last.safetensors --split train --json && cp out.txt start.json
near "$(field start.json rmse)" "$deviation" 1e-5 'the first error'
near "$(field start.json cost_mean)" 1 1e-5 'the first cost'
code 0 check start.yaml --skip T6,X9,T7,X7,X6,X13 # its rate is 0

# Trained, both ways of meeting a mean far from 0 come to the same answers.
recipe one.yaml '{standardize: true}' zeros 0.05 1 '{epochs: 40}'
recipe two.yaml none auto 0.05 1 '{epochs: 40}'
for way in one two; do
  code 0 train $way.yaml --out $way --quiet
  code 0 eval $way/last.safetensors --split train --json && cp out.txt $way.json
  code 0 predict $way/last.safetensors t.csv --json && sed -nE 's/.*"output": ?\[([-0-9.e+]+).*/\1/p' out.txt >$way.txt
done
for key in error rmse mae; do near "$(field one.json $key)" "$(field two.json $key)" 1e-3 "$key"; done
[[ $(wc -l <one.txt) -eq 150 ]] || short "$(wc -l <one.txt) predictions, not 150"
paste one.txt two.txt | awk '{ d = $1 - $2; if (d > 5 || d < -5) bad++ } END { exit bad > 0 }' || short 'both ways predict otherwise'
cost=$(field one.json cost_mean)
near "$(awk -v c="$cost" -v d="$deviation" 'BEGIN { printf "%.9g", sqrt(c) * d }')" "$(field one.json rmse)" 1e-4 'cost and error'

# Each of several outputs by itself, whatever their scales; the statistics are in the model.
recipe several.yaml '{standardize: true}' zeros 0.05 2 '{epochs: 40}' 'targets: {main: [y, z]}'
code 0 train several.yaml --out several --quiet
code 0 predict several/last.safetensors t.csv --json
grep -aq '"gradus.targets":"{\\"mean\\": \[[0-9.]*, 5.00' several/last.safetensors || short 'the model keeps no statistics of its targets'

# Goes on from such a model in its unit, or not at all.
recipe from.yaml '{standardize: true}' zeros 0 1 '{steps: 1}' 'target: z'
code 0 train from.yaml --from one/last.safetensors --out from --quiet
code 0 predict from/last.safetensors t.csv --json && sed -nE 's/.*"output": ?\[([-0-9.e+]+).*/\1/p' out.txt >from.txt
same one.txt from.txt 'a model that learned nothing more'
bad 2 'standardized here, but one/last.safetensors was trained with targets that are' train two.yaml --from one/last.safetensors --out x
bad 2 'targets are standardized here' train one.yaml --from two/last.safetensors --out x

# What cannot be meant.
recipe wrong.yaml '{standardise: true}' zeros 0 1 '{steps: 1}'
bad 2 'data.target' train wrong.yaml --out x
recipe wrong.yaml '{standardize: 2}' zeros 0 1 '{steps: 1}'
bad 2 'standardize' train wrong.yaml --out x
recipe wrong.yaml '{standardize: true}' zeros 0 2 '{steps: 1}'
sed -i 's/cost: mse/cost: cross_entropy/; /metrics/d' wrong.yaml
bad 2 'cross_entropy takes no values' train wrong.yaml --out x
[[ -e x ]] && short 'a refused training left something'
finish
