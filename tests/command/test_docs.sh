#!/bin/bash
# README.md and docs/*.md: every command in them runs, every recipe and every key of one is taken, every file and chore named is there.
# Commands stand in indented or fenced blocks and in code spans; they run in the order of the page, in a folder with small data.
. "$(dirname "$0")/lib.sh"
root=$(readlink -f "$here/../..")
pages=("$root"/README.md "$root"/docs/*.md)
[[ ${#pages[@]} -ge 8 ]] || short "only ${#pages[@]} pages are found"

# Not run, with the reason. Only what stands here may fail to run.
declare -A unrun=(
  ['./dev demo']='installs packages; trains for minutes'
  ['./dev test']='is what runs this'
  ['./dev build']='would build beside the build that is tested'
  ['./dev lint']='builds twice'
  ['./dev fuzz']='builds with sanitizers; a minute a target'
  ['./dev bench']='makes a Python environment of some GB'
  ['./dev wheel']='builds beside the build that is tested; test_python.sh makes a wheel'
  ['./dev docs']='writes into the tree; test_reference.sh and test_advice.sh compare'
)
declare -A notation=( # spans that look like keys of a recipe and are not
  ['init: {weights, bias}']='says which keys there are'
  ['stop: true']='is a key of the plateau schedule'
  ['model:']='names the key'
  ['--set KEY=VALUE']='stands for any key'
  ['average: macro']='is a key of a metric'
  ['stop.patience: n']='stands for any number'
  ['--set width=64 --set networks=1']='sets a figure of the lab, whose claims then fail, as the page says'
)

# ---- what the pages work on ----

awk 'BEGIN { srand(5); for (i = 0; i < 64; i++) printf "p%d,", i; print "digit"
  for (r = 0; r < 220; r++) { for (i = 0; i < 64; i++) printf "%d,", (i % 10 == r % 10) * 9 + int(6 * rand()); print r % 10 } }' >digits.csv
{ head -n 1 digits.csv; tail -n 5 digits.csv; } >new.csv
cp digits.csv train.csv
printf 'c1.*\tc1.*\nhead.weight\thead.weight\n' >names.tsv
mkdir -p words/yes words/no
for i in $(seq 12); do cp "$root/tests/fixtures/sounds/s16.wav" words/yes/$i.wav && cp "$root/tests/fixtures/sounds/flac16.flac" words/no/$i.flac; done
cp "$root/tests/data/tumours.csv" .
awk 'BEGIN { print "area,rooms,age,kind,price,sure"
  for (i = 0; i < 120; i++) printf "%d,%d,%d,%s,%.1f,%.2f\n", 40 + i * 37 % 160, 1 + i % 6, i * 13 % 90, i % 5 ? i % 2 ? "flat" : "house" : "hut", (40 + i * 37 % 160) / 10, i % 4 / 2 }' >houses.csv
loans() { # N SEED
  awk -v n="$1" -v seed="$2" 'BEGIN { srand(seed); print "id,name,income,debt,age,repaid"
    for (i = 0; i < n; i++) { bad = i % 10 == 3; printf "%d,\"Doe, %d\",%d,%d,%d,%s\n", i, i, 1500 + 3000 * rand() - 600 * bad, 9000 * rand() + 6000 * bad, 20 + 50 * rand(), bad ? "no" : "yes" } }'
}
loans 900 1 >loans.csv
loans 200 2 | sed 's|,[a-z]*$||' >applicants.csv
awk 'BEGIN { srand(3); print "area,rooms,age,kind"
  for (i = 0; i < 200; i++) { k = i % 2; printf "%.1f,%d,%.1f,%s\n", 60 + 40 * k + 30 * rand(), 1 + 6 * rand(), 90 * rand(), k != (i % 50 == 7) ? "house" : "flat" } }' |
  awk 'NR == 80 { kept = $0 } NR == 180 { $0 = kept } NR == 120 { sub(/^[0-9.]+/, "99999") } { print }' >homes.csv
pictures=${GRADUS_DATA:-/usr/share/datasets/fashion-mnist} # its first 2000: pages say nothing of how many there are
mkdir small
for part in train t10k; do
  { printf '\0\0\10\3\0\0\7\320\0\0\0\34\0\0\0\34' && gzip -dc "$pictures/$part-images-idx3-ubyte.gz" | tail -c +17 | head -c $((2000 * 784)); } | gzip -1 >small/$part-images-idx3-ubyte.gz
  { printf '\0\0\10\1\0\0\7\320' && gzip -dc "$pictures/$part-labels-idx1-ubyte.gz" | tail -c +9 | head -c 2000; } | gzip -1 >small/$part-labels-idx1-ubyte.gz
done
export GRADUS_DATA=$PWD/small
narrow() { sed -i 's/filters: 32/filters: 4/; s/filters: 64/filters: 8/; s/units: 256/units: 32/' "$1"; } # FILE: simple-cnn's layers, which checks would be long about
"$gradus" new --from simple-cnn -o my.yaml --quiet || short "no recipe to start from"
narrow my.yaml
cp my.yaml recipe.yaml

blocks() { # PAGE LANGUAGE: the fenced blocks, each into a file of its own, whose names are printed
  awk -v language="$2" -v stem="$(basename "$1" .md)" '
    /^```/ { if (inside) { inside = 0; close(file) } else { inside = $0 == "```" language; if (inside) { file = stem "-" ++n "." language; print file } else skip = !skip }; next }
    inside { print >file }' "$1"
}
spans() { grep -oE '`[^`]+`' "$1" | tr -d '`'; } # PAGE: code spans, in order

recipes=0
for page in "${pages[@]}"; do
  for file in $(blocks "$page" yaml); do
    name=$(sed -n 's/^name: *\([^ #]*\).*/\1/p' "$file")
    cp "$file" "${name:-other}.yaml"
    code 0 plan "${name:-other}.yaml"
    recipes=$((recipes + 1))
  done
done
[[ $recipes -ge 1 && -e digits.yaml ]] || short "README's recipe is not found"
cp digits.yaml other.yaml
sed 's/{type: conv, filters: 16, kernel: 3, padding: same, activation: relu, name: c1}/{type: dense, units: 8}/; /max_pool/d; /- flatten/d; s/input: .*/input: [64]/' digits.yaml >flat.yaml
printf '\x93NUMPY\x01\x00v\x00%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 32, 32, 3), }" >x.npy
head -c 12288 /dev/zero >>x.npy
printf '\x93NUMPY\x01\x00v\x00%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }" >y.npy
printf '\0\1\2\3' >>y.npy
code 0 init digits.yaml -o m.safetensors --quiet

# ---- commands ----

# A command that is named without its arguments is one that its help knows, with the flags it is named with.
named() { # WORDS...
  local word
  "$gradus" "$1" --help >help.txt 2>&1 || short "$page: gradus $1: there is no such command"
  for word in "${@:2}"; do
    [[ $word != --* ]] || grep -qE -- "$word\b" help.txt || short "$page: gradus $*: help has no $word"
  done
}

ran=0
run_gradus() { # LINE: a command as the page has it
  local line=$1 command words
  line=${line//RECIPE/digits.yaml}
  line=${line// -o M/ -o m2.safetensors}
  line=${line// --from MODEL/ --from m.safetensors --out from-a-model}
  [[ $line != *'explain NAME'* ]] || line=${line//NAME/adam}
  line=${line//NAME/fig4.8}
  line=${line//$'\n'/ }
  eval "words=($line)"
  ran=$((ran + 1))
  if [[ ${words[1]:-} == COMMAND ]]; then
    for command in $("$gradus" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
      "$gradus" "$command" --help >out.txt 2>err.txt || short "$page: gradus $command --help"
    done
    return
  fi
  [[ ${words[1]} != @(train|finetune) || $line == *--resume* || ${#words[@]} -lt 3 ]] || words+=(--overwrite) # pages train the same recipe again
  [[ ${words[1]} != new ]] || rm -f "${words[-1]}"
  if "$gradus" "${words[@]:1}" >out.txt 2>err.txt </dev/null; then
    [[ ${words[1]} != new ]] || narrow "${words[-1]}"
    return
  fi
  if grep -qE 'an argument is missing|where to\?' err.txt; then
    named "${words[@]:1}"
  else
    short "$(basename "$page"): $1: $(head -n 2 err.txt | tr '\n' ' ')"
  fi
}

run_dev() { # LINE
  local chore
  read -r _ chore _ <<<"$1"
  "$root/dev" help | grep -qE "^  $chore\b" || short "$(basename "$page"): $1: ./dev help has no $chore"
  [[ -n ${unrun["./dev $chore"]:-} ]] || short "$(basename "$page"): $1: neither run nor excused"
}

for page in "${pages[@]}"; do
  while IFS= read -r line; do
    line=$(sed -E 's/ +# .*//; s/ +$//' <<<"$line")
    case $line in
      'gradus: '* | 'gradus '[0-9]*) ;; # what is printed
      'gradus '*) run_gradus "$line" ;;
      './dev '*) run_dev "$line" ;;
    esac
  done < <({ sed -nE 's/^    (gradus|\.\/dev)/\1/p' "$page"; blocks "$page" sh | xargs -r cat; spans "$page"; })
done
[[ $ran -ge 30 ]] || short "only $ran commands are found"

# ---- keys ----

keys='name|seed|preset|data|model|init|cost|heads|best_by|metrics|penalty|optimizer|schedule|clip|average|lookahead|stop|validate|checkpoint|log|limit|groups|accumulate|precision|store|algorithm|memory|remat|device|threads'
taken=0
for page in "${pages[@]}"; do
  while IFS= read -r span; do
    [[ -z ${notation[$span]:-} && $span != *...* && $span != *'|'* ]] || continue
    if [[ $span == --set\ * ]]; then
      eval "words=($span)"
      set -- flat.yaml --set "${words[1]}"
    elif [[ $span =~ ^($keys)(\.[a-z]+)*:\ . ]]; then
      set -- digits.yaml --set "${span%%: *}=${span#*: }"
      [[ $span != *zoo* ]] || set -- "$@" --set 'data={train: {type: npy, inputs: x.npy, targets: y.npy}}' --set 'stop={epochs: 1}'
    else
      continue
    fi
    taken=$((taken + 1))
    if [[ $span == 'device: cuda' ]]; then bad 2 'does not have it yet' plan "$@"
    else
      "$gradus" plan "$@" >out.txt 2>err.txt || short "$(basename "$page"): $span: $(head -n 2 err.txt | tr '\n' ' ')"
    fi
  done < <(spans "$page")
done
[[ $taken -ge 15 ]] || short "only $taken keys are found"

# ---- what README says of errors, and names of files ----

sed 's/lr: 0.001}/beta2: 1.5}/' digits.yaml >wrong.yaml
code 2 plan wrong.yaml
grep -qF "$(sed -n 's/^    gradus: digits.yaml:/gradus: wrong.yaml:/p' "$root/README.md")" err.txt || short "README's error is not what is printed: $(head -n 1 err.txt)"
files=0
for page in "${pages[@]}"; do
  for name in $(spans "$page" | grep -E '^(tests|src|docs|recipes|examples|bench|tools|include)/[^ ]*$'); do
    files=$((files + 1))
    compgen -G "$root/$name" >/dev/null || short "$(basename "$page"): there is no $name"
  done
done
[[ $files -ge 10 ]] || short "only $files names of files are found"
finish
