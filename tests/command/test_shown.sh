#!/bin/bash
# Bytes that others wrote never reach the terminal as they are: names of files, runs, columns and classes that hold escape sequences, a bell, C1 controls
# and markup, in every command that prints or draws them; an SVG stays XML. Files to write are named by what they hold.
. "$(dirname "$0")/lib.sh"
esc=$'\x1b[31m'
bad=e$esc$'\a'"v<&>\"'il"
perl -e 'my $b = shift; print "a$b,b<&,y\n"; for (0 .. 59) { printf "%.3f,%.3f,%s\n", $_ * 0.31 % 7, $_ % 5, $_ % 3 ? "ye$b<&" : "no\xc2\x9b" }' "$esc" >t.csv
recipe="r$bad.yaml"
cat >"$recipe" <<'YAML'
name: shown
data: {train: {type: csv, file: t.csv, target: y}, validation: {split: 0.2}, test: {type: csv, file: t.csv, target: y}, prepare: [standardize], batch: 8}
model: {input: [2], layers: [{type: dense, units: 4, activation: tanh, name: h}, {type: dense, units: 2}]}
optimizer: {type: sgd, lr: 0.1}
stop: {epochs: 2}
checkpoint: {every: 3}
YAML

raw() { LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$@"; }
looked=0
look() { # ARGS...: whatever it answers is fit for a terminal
  "$gradus" "$@" >out.txt 2>err.txt </dev/null
  local got=$?
  [[ $got -le 5 ]] || short "gradus ${*@Q}: exit $got"
  raw out.txt err.txt && short "gradus ${*@Q}: raw bytes: $(LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' out.txt err.txt | head -n 1 | cat -v)"
  [[ -s out.txt || -s err.txt ]] && looked=$((looked + 1))
}
printf '\x1b' >one && raw one || short "raw bytes are not seen"

run="run$bad" best="run$bad/best.safetensors" none="none$bad"
look train "$recipe" --out "$run" && [[ -e $best ]] || short "no model: $(cat -v err.txt)"
look train "$recipe" --out "$run"
look train "$run" --resume --set stop.epochs=3 && has err.txt 'resumed from run'
look train "$recipe" --from "$best" --out "again$bad"
for more in plan "plan --kernels" check "check --init" "check --gradients" explain "trace --against seed=9" "advise optimizer"; do
  set -- $more
  case $1 in advise) look "$@" "$recipe" ;; *) look "$1" "$recipe" "${@:2}" ;; esac
done
look init "$recipe" -o "m$bad.safetensors" && has out.txt 'parameters'
look data split "$recipe" -o "s$bad.tsv" && has out.txt manifest
look new --from simple-cnn -o "n$bad.yaml" && has out.txt 'edit its data'
look lab fig4.8 --out "lab$bad" && has out.txt svg
look explain 'dL/dw[0][0,0]' "$recipe"
for data in validation test; do look eval "$best" --split $data && has out.txt 'confusion'; done
look predict "$best" t.csv && has out.txt 'ye\\x1b'
look curvature "$best"
look plot "$run"
look plot "$run" "again$bad" -o "p$bad.svg" && has out.txt svg
for svg in *.svg "lab$bad"/*.svg; do
  perl -0777 -ne 'exit 1 if /[\x00-\x08\x0b-\x1f]/; s/<(?:[^<>"]|"[^"<]*")*>//g; exit 1 if /[<>]|&(?!(?:amp|lt|gt|quot|apos|#\d+);)/' "$svg" || short "$(cat -v <<<"$svg") is not XML"
done

# Arguments that name nothing
look "$none"
look train "--$none"
for c in train plan check plot eval curvature explain zoo advise lab trace; do look $c "$none"; done
look init "$none" -o m.safetensors
look predict "$best" "$none"
look eval "$best" --data "$none"
look eval "$best" --split "$none"
look eval "$best" --data "{type: csv, file: \"$none\", target: y}" --split test
look new --from "$none" -o y.yaml
look data "$none" "$recipe"
look plot "$run" --x "$none"
look plan "$recipe" --budget "$none"
look curvature "$best" --eig "$none"
look trace "$recipe" --steps "$none"
look trace "$recipe" --against "$none"
for set in "$none=3" "optimizer=$none" "data.train.target=$none" "data.train.columns=[\"$none\"]" "model.layers[0].name=$none" "metrics=[$none]" "name=$none"; do look train "$recipe" --set "$set" --out no; done
[[ $looked -gt 50 ]] || short "only $looked commands said something"

# What is written under another format's name is refused before anything is done.
for name in a.png a.PNG "$bad.pdf" b.c/x.html a.svg.gz; do bad 2 'it writes a drawing in SVG or the numbers as CSV, which' plot "$run" -o "$name"; done
has err.txt 'name it a.svg.svg'
bad 2 'it writes a model in safetensors, which .onnx is not' init "$recipe" -o m.onnx
bad 2 'it writes a recipe in YAML, which .json is not' new --from simple-cnn -o my.json
bad 2 'it writes a table of tabs, which .csv is not' data split "$recipe" -o s.csv
for name in a.png a.PNG m.onnx my.json s.csv; do [[ -e $name ]] && short "$name was written"; done
for name in a.SVG plain .svg; do code 0 plot "$run" -o "$name" && has "$name" '<svg'; done
finish
