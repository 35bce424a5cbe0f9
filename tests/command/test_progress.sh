#!/bin/bash
# The progress line fits the terminal, whatever its width and while it changes; elsewhere a line an epoch says how training goes.
pty=$(readlink -f "$2")
. "$(dirname "$0")/lib.sh"

# Lines as a terminal draws them one over the other, without what moves the cursor and without the summary, which is for reading and may wrap
drawn() { tr '\r' '\n' <"$1" | sed 's/\x1b\[K//g' | grep -v '^\(stopped\|reason\|best\|models\)'; }
longest() { awk '{ if (length($0) > n) n = length($0) } END { print n + 0 }'; }

small valid.yaml "stop: {epochs: 40}" "checkpoint: none"
small alone.yaml "stop: {epochs: 250}" "checkpoint: none" \
  "data: {train: {type: synthetic, kind: digits, n: 300, seed: 1}, batch: 32, prepare: [standardize]}"
sed -i '/^validate:/d' alone.yaml
# A line is drawn ten times a second: 250 epochs take longer on any machine, also without validation, which draws one by itself
small open.yaml "stop: {seconds: 1}" "checkpoint: none" "schedule: constant"

for width in 200 80 79 40 20 9; do
  for recipe in valid alone; do
    "$pty" $width "$gradus" train $recipe.yaml --out run --overwrite >shown.txt || short "$recipe.yaml on $width columns: exit $?"
    drawn shown.txt >lines.txt
    n=$(longest <lines.txt)
    [[ $n -lt $width ]] || short "$recipe.yaml on $width columns: a line of $n: $(awk -v w=$width 'length($0) >= w' lines.txt | head -n 1)"
    [[ $n -gt 0 ]] || short "$recipe.yaml on $width columns: nothing is shown"
    [[ $width -lt 80 ]] || for what in ' %' 'samples/s' 'left' 'lr ' 'cost ' 'epoch '; do
      grep -q "$what" lines.txt || short "$recipe.yaml on $width columns: no '$what'"
    done
    [[ $width -lt 120 ]] || grep -q '^\[#*\.*\]  ' lines.txt || short "$recipe.yaml on $width columns: no bar"
    [[ $width -lt 40 ]] || grep -q '[0-9] left' lines.txt || short "$recipe.yaml on $width columns: no time left"
  done
done

# Several heads: an error each, as many as the line holds
cp "$(readlink -f "$here/../train/parity")/two_heads/data.npz" . && sed 's/shuffle: none/validation: {split: 0.3}/' "$here/../train/parity/two_heads/recipe.yaml" >heads.yaml
for width in 200 80 30; do
  "$pty" $width "$gradus" train heads.yaml --out run --overwrite >shown.txt || short "heads.yaml on $width columns: exit $?"
  n=$(drawn shown.txt | longest)
  [[ $n -gt 0 && $n -lt $width ]] || short "heads.yaml on $width columns: a line of $n"
  grep -qi 'nan' shown.txt && short "heads.yaml on $width columns: $(grep -i nan shown.txt | head -n 1)"
  [[ $width -lt 200 ]] || drawn shown.txt | grep -q 'kind error [01]\.[0-9]*  price error [0-9.]*' || short "heads.yaml on $width columns: no error of each head"
done

# Narrowed while it runs, and widened again: the widest line fits the widest terminal, and later ones the narrow one
"$pty" 100,30,30,30,30,30,30 "$gradus" train alone.yaml --out run --overwrite --set stop.epochs=700 >shown.txt || short "narrowed: exit $?"
n=$(drawn shown.txt | tail -n +4 | longest)
[[ $n -gt 0 && $n -lt 30 ]] || short "narrowed to 30 columns: a line of $n"

# COLUMNS where the terminal does not know its width
COLUMNS=50 "$pty" 0 "$gradus" train alone.yaml --out run --overwrite >shown.txt || short "COLUMNS: exit $?"
n=$(drawn shown.txt | longest)
[[ $n -gt 20 && $n -lt 50 ]] || short "COLUMNS=50: a line of $n"

# Only a limit of time: the time left is what remains of it
"$pty" 80 "$gradus" train open.yaml --out run --overwrite >shown.txt || short "seconds alone: exit $?"
drawn shown.txt | grep -q '0:0[01] left' || short "seconds alone: no time left"

# Without a terminal: a line an epoch, with and without validation data, on standard error
for recipe in valid alone; do
  code 0 train $recipe.yaml --out run --overwrite --set stop.epochs=7
  [[ $(grep -c '^epoch ' err.txt) -eq 7 ]] || short "$recipe.yaml: $(grep -c '^epoch ' err.txt) lines for 7 epochs"
  grep -q '^epoch ' out.txt && short "$recipe.yaml: progress on standard output"
  grep -q $'\r' err.txt && short "$recipe.yaml: a line that is drawn over, without a terminal"
  code 0 train $recipe.yaml --out run --overwrite --set stop.epochs=7 --quiet
  [[ -s err.txt || -s out.txt ]] && short "$recipe.yaml: --quiet is not"
done
code 0 train valid.yaml --out run --overwrite --set stop.epochs=7 --set 'validate={every: 3 epochs}'
[[ $(grep -c '^epoch ' err.txt) -eq 7 ]] || short "an evaluation every third epoch: $(grep -c '^epoch ' err.txt) lines for 7 epochs"
[[ $(grep -c 'validation cost' err.txt) -eq 2 ]] || short "an evaluation every third epoch: $(grep -c 'validation cost' err.txt) of them"

# Resumed in the middle of an epoch: the line of each epoch once
code 0 train alone.yaml --out run --overwrite --set stop.steps=25 --set stop.epochs=7
[[ $(grep -c '^epoch ' err.txt) -eq 2 ]] || short "25 updates: $(grep -c '^epoch ' err.txt) lines for 2 whole epochs"
code 0 train alone.yaml --out run --resume --set stop.epochs=4
[[ $(grep '^epoch ' err.txt | awk '{ printf "%s ", $2 }') == "3 4 " ]] || short "resumed: epochs $(grep '^epoch ' err.txt | awk '{ printf "%s ", $2 }')"
finish
