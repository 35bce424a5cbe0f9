#!/bin/bash
# D13: gradus data drift: planted drift is found and named, exit 1; the training's own numbers are none; what cannot be compared is one line, exit 3.
. "$(dirname "$0")/lib.sh"
table() { # N SEED SHIFT
  awk -v n="$1" -v seed="$2" -v shift="$3" 'BEGIN { srand(seed); print "id,height,weight,kind"; for (i = 0; i < n; i++) { k = i % 2; printf "%d,%.4f,%.4f,%s\n", i, 170 + 10 * (rand() + rand() + rand() - 1.5) + 6 * k, 60 + 9 * (rand() + rand()) + 4 * k + shift, k ? "yes" : "no" } }'
}
table 600 1 0 >train.csv && table 200 2 0 >same.csv && table 200 3 4 >shifted.csv
cat >r.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: train.csv, target: kind, columns: [height, weight]}, validation: {split: 0.2}, batch: 20, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 2}]}
cost: cross_entropy
optimizer: adam
stop: {epochs: 1}
YAML
code 0 train r.yaml --out run --quiet
m=run/best.safetensors
code 0 data drift $m same.csv && has out.txt '^no drift found$'
has out.txt '^same.csv, 200 samples, against the training data, 480: 3 tests'
bad 1 'shifted.csv has drifted by [12] of 3 tests, most of all weight' data drift $m shifted.csv
has out.txt '^weight .* DRIFT$' && grep -q '^height .*DRIFT' out.txt && short "height has not drifted"
code 1 data drift $m shifted.csv --json
has out.txt '^\{"file":"shifted.csv","samples":\{"training":480,"serving":200\},"alpha":0.01,"drift":true,"drifted":\["weight"\],"tests":\[\{"feature":"height","statistic":'
has out.txt '"feature":"weight",[^}]*"drift":true,"training":\{"mean":[0-9.]+,"std":[0-9.]+,"missing":0\},"serving"'
has out.txt '"joint":\{"statistic":[0-9.e-]+,"p":[0-9.]+,"adjusted":[0-9.]+,"drift":(true|false)\}\}$'
code 1 data drift $m shifted.csv --json --alpha 0.5 && has out.txt '"alpha":0.5,'
code 1 data drift $m shifted.csv --json --threads 2 && cp out.txt two.txt && code 1 data drift $m shifted.csv --json && same two.txt out.txt "threads"
# Columns by name, in another order, without the target
awk -F, '{ print $3 "," $2 }' shifted.csv >turned.csv
code 1 data drift $m turned.csv --json && sed 's/turned/shifted/' out.txt >turned.txt && same turned.txt two.txt "the order of columns"

# What cannot be compared
cut -d, -f1,2 same.csv >lacks.csv
bad 3 'lacks.csv" has no column "weight"' data drift $m lacks.csv
head -n 12 same.csv >few.csv
bad 3 'few.csv has 11 samples: fewer than 20' data drift $m few.csv
bad 3 'gone.csv' data drift $m gone.csv
printf 'height,weight\n1,nonsense\n' >broken.csv && bad 3 'nonsense' data drift $m broken.csv
bad 2 'alpha: 1.5 is not in' data drift $m same.csv --alpha 1.5
bad 2 'an argument is missing' data drift $m
bad 2 'there is no drfit|unknown|did you mean' data drfit $m same.csv
# The model holds what it takes: the training data may be gone, and says the same; --data takes all of it
code 1 data drift $m shifted.csv --json && cp out.txt held.txt
mv train.csv moved.csv
code 1 data drift $m shifted.csv --json && same held.txt out.txt "without the training data"
sed 's/train.csv/moved.csv/' r.yaml >moved.yaml
code 1 data drift $m shifted.csv --json --data moved.yaml && differ held.txt out.txt
code 0 data drift $m same.csv --data moved.yaml
code 0 data drift $m same.csv --data '{type: csv, file: moved.csv, target: kind}'
bad 3 'cannot read ".*train.csv"' data drift $m same.csv --data r.yaml
has err.txt 'data RECIPE says where the model.s training data is now'
# One that holds nothing, of an earlier version, or what is no such thing
rewrite() { # FROM TO WITH: a model whose gradus.traits become WITH, of any length; nothing: are not there
  perl -e '
    my ($from, $to, $with) = @ARGV; local $/; open my $f, "<:raw", $from; my $s = <$f>; my $n = unpack "Q<", $s;
    my ($head, $rest) = (substr($s, 8, $n), substr $s, 8 + $n);
    my $value = qr/"(?:[^"\\]|\\.)*"/;
    if ($with eq "") { $head =~ s/"gradus.traits": ?$value, ?// or die "no traits" } else { $with =~ s/"/\\"/g; $head =~ s/("gradus.traits": ?)$value/$1"$with"/ or die "no traits" }
    $head .= " " while length($head) % 8;
    open my $g, ">:raw", $to; print $g pack("Q<", length $head), $head, $rest;' "$@"
}
rewrite $m old.safetensors ''
bad 3 'cannot read ".*train.csv"' data drift old.safetensors same.csv
code 0 data drift old.safetensors same.csv --data moved.yaml
for wrong in '{}' '{"samples": 9, "rows": 2, "traits": 2, "lengths": [false], "float32": "AAAA"}' '{"samples": 1, "rows": 2, "traits": 2, "lengths": [false], "float32": "AAAAAAAAAAAAAAAAAAAAAA=="}' '[1]' 'nonsense'; do
  rewrite $m wrong.safetensors "$wrong"
  bad 3 'does not hold a sound model: gradus.traits: ' data drift wrong.safetensors same.csv
done
rewrite $m three.safetensors '{"samples": 30, "rows": 1, "traits": 3, "lengths": [false], "float32": "AAAAAAAAAAAAAAAA"}'
bad 3 'holds 3 figures of a training sample, but its samples have 2' data drift three.safetensors same.csv
finish
