#!/bin/bash
# report: figures are those of result.json and eval, pages nest and ask for nothing, names may be anything; runs of every kind and state have one, or
# it says what is missing; several are laid side by side; the test part is not looked at; what is no run is refused. [mission SYS13, X10]
. "$(dirname "$0")/lib.sh"
export LC_ALL=C

# page FILE: one page that nests, of which nothing is asked from elsewhere, with words for every picture
page() {
  local f=$1 n
  [[ -s $f ]] || { short "no $f"; return; }
  has "$f" "default-src 'none'"
  grep -q '<script' "$f" && short "$f has a script"
  grep -oE '(src|href|action|data|poster|srcset)="[^"]*"|url\([^)]*\)|@import[^;]*' "$f" | grep -vE '^(src="data:image/png;base64,|href="#)' && short "$f refers to something outside"
  grep -oE '<(link|iframe|object|embed|form|base|video|audio)[ >]' "$f" && short "$f has what pages like this do not need"
  grep -o '<img[^>]*>' "$f" | grep -vqE 'alt="[^"]+"' && short "$f has a picture without words"
  [[ $(grep -o '<svg ' "$f" | wc -l) -eq $(grep -o '<title>[^<]' "$f" | wc -l) ]] || [[ $(grep -o '<svg ' "$f" | wc -l) -eq $(($(grep -o '<title>[^<]' "$f" | wc -l) - 1)) ]] || short "$f has a drawing without a title"
  LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f]' "$f" && short "$f holds control characters"
  iconv -f UTF-8 -t UTF-8 "$f" >/dev/null 2>&1 || short "$f is not UTF-8"
  for n in section table ul dl figure article svg div main nav header p h2 h3 td th tr; do
    [[ $(grep -oE "<$n[ >]" "$f" | wc -l) -eq $(grep -o "</$n>" "$f" | wc -l) ]] || short "$f: <$n> opens $(grep -oE "<$n[ >]" "$f" | wc -l) times and closes $(grep -o "</$n>" "$f" | wc -l)"
  done
  if command -v tidy >/dev/null; then
    tidy -quiet -errors --show-warnings yes "$f" 2>tidy.txt
    grep -vE "proprietary attribute|<svg> is not approved|missing </?svg|trimming empty" tidy.txt | grep -E 'Error|Warning' && short "$f: HTML Tidy finds something"
  fi
}
# term FILE KEY: what a page says of a figure of result.json
term() { sed -nE "s|.*<dt>$2</dt><dd>([^<]*)</dd>.*|\1|p" "$1" | head -n 1; }
missing() { has "$1" "class=\"missing\">$2"; }
command -v tidy >/dev/null || echo "HTML Tidy is not here: pages are held against rules of this test alone"

# ---- classes with names that are not kind, in a table ----
nasty='<script>alert(1)</script>' quoted='a "b" & '"'c'" foreign=$'\xc3\xa4\xe2\x82\xac'
awk -v a="$nasty" -v b="$quoted" -v c="$foreign" 'BEGIN { srand(5); print "x<b>,y&amp;,kind"
  for (i = 0; i < 300; i++) { k = i % 3; t = k == 0 ? a : k == 1 ? b : c; gsub(/"/, "\"\"", t)
    printf "%.4f,%.4f,\"%s\"\n", (k == 1) + 0.9 * rand(), (k == 2) + 1.1 * rand(), t } }' >kinds.csv
cat >kinds.yaml <<'YAML'
gradus: 1
name: "<script>&\"quoted\"<b>"
seed: 2
data: {train: {type: csv, file: kinds.csv, target: kind}, validation: {split: 0.4}, test: {type: csv, file: gone.csv, target: kind}, batch: 20, prepare: [standardize]}
model: {input: 2, layers: [{type: dense, units: 6, activation: relu, name: d1}, {type: dense, units: 3, name: head}]}
optimizer: {type: sgd, lr: 0.05, momentum: 0.5}
stop: {epochs: 6}
YAML
cp kinds.csv gone.csv
code 0 train kinds.yaml --out kinds --quiet
rm gone.csv # making a report does not look at the test part
code 0 report kinds
has out.txt '^kinds/report.html: '
page kinds/report.html
[[ -e kinds/test-looks.jsonl ]] && short "a look at the test part"
for key in steps epochs parameters best/step best/validation_cost best/validation_error final/train_cost final/validation_cost final/validation_error seconds seed; do
  want=$(tr -d ' \n' <kinds/result.json | sed -E "s/.*\"${key%/*}\":(\{[^}]*\"${key#*/}\":)?([^,}]*)[,}].*/\2/")
  [[ $key == */* ]] && want=$(tr -d ' \n' <kinds/result.json | sed -E "s/.*\"${key%/*}\":\{[^}]*\"${key#*/}\":([^,}]*)[,}].*/\1/")
  [[ $(term kinds/report.html "${key/\// }") == "$want" ]] || short "$key: $want in result.json, $(term kinds/report.html "${key/\// }") on the page"
done
[[ $(term kinds/report.html peak_bytes) == "$(field kinds/result.json peak_bytes) ("* ]] || short "peak_bytes: $(term kinds/report.html peak_bytes)"
has kinds/result.json '"samples": \{'
[[ $(term kinds/report.html "samples validation") == 120 ]] || short "samples: $(term kinds/report.html 'samples validation')"
for key in version compiler isa threads; do [[ $(term kinds/report.html $key) ]] || short "nothing is said of $key"; done
# what is taken for what, as eval counts it
code 0 eval kinds/best.safetensors --split validation --json
counts=$(sed -nE 's/.*"confusion": ?(\[\[[^}]*\]\]).*/\1/p' out.txt | tr -d ' []')
shown=$(sed -n '/Confusion: a row/,/<\/table>/p' kinds/report.html | grep -oE '<td class="n[^>]*>[0-9]+' | sed 's/.*>//' | paste -sd,)
[[ $counts && $counts == "$shown" ]] || short "the confusion is $counts, shown is $shown"
# the worst of it in words: the largest counts beside the diagonal, the first one's classes by name
worst=$(tr ',' '\n' <<<"$counts" | awk '{ r = int((NR - 1) / 3); c = (NR - 1) % 3; if (r != c && $1 > 0) print $1 }' | sort -rn | head -n 3 | paste -sd,)
[[ $(grep -oE 'is taken for .* [0-9]+ times?,' kinds/report.html | grep -oE '[0-9]+ times?,' | grep -oE '[0-9]+' | paste -sd,) == "$worst" ]] || short "the worst confusions are $worst: $(grep 'is taken for' kinds/report.html)"
has kinds/report.html '&lt;script&gt;alert\(1\)&lt;/script&gt;' && has kinds/report.html 'a &quot;b&quot; &amp; .c.' && has kinds/report.html "$foreign"
has kinds/report.html '<h1>&lt;script&gt;&amp;&quot;quoted&quot;&lt;b&gt;</h1>'
for id in summary findings curves metrics confusion mistakes inside memory kernels data recipe environment; do has kinds/report.html "<section id=\"$id\">" && has kinds/report.html "href=\"#$id\""; done
has kinds/report.html 'predicted by the cost model' && has kinds/report.html '<tr><th scope="row">optimizer</th><td>sgd</td><td>adam</td></tr>'
has kinds/report.html '<code class="strong">.*epochs: 6' && has kinds/report.html '<th scope="row">stop.epochs</th><td>6</td><td>5</td>'
grep -q '<code class="strong">seed: 1' kinds/report.html && short "a default is marked"
has kinds/report.html 'x&lt;b&gt;' # a column of the worst mistakes
for title in 'Cost' 'Validation error' 'Learning rate' 'Norm of the gradient' 'Memory over an update' 'd1.weight'; do has kinds/report.html "<title>$title</title>"; done
[[ $(stat -c %s kinds/report.html) -lt 1000000 ]] || short "the page has $(stat -c %s kinds/report.html) bytes"
cp kinds/report.html first.html && code 0 report kinds -o again.html --quiet && same first.html again.html "two reports"
[[ ! -s out.txt ]] || short "--quiet prints: $(head -n 1 out.txt)"
code 0 report kinds -o again.html --json --threads 1
same <(sed '/id="memory"/,/id="data"/d' first.html) <(sed '/id="memory"/,/id="data"/d' again.html) "one thread" # but for memory of its own that each thread has
has out.txt '^\{"file":"again.html","bytes":[0-9]+,"runs":\["kinds"\],"missing":\[\]\}$'

# ---- what check and diagnose found ----
cat >kinds/check.json <<'JSON'
{"checks": [{"id": "T3", "name": "data", "verdict": "ok", "figure": 1, "limit": 2, "message": "fine <b>", "fix": ""}, {"id": "X14", "name": "dead", "verdict": "failed", "figure": 0.75, "limit": 0.5, "message": "three & a quarter", "fix": "init.relu_bias: 0.1"}, {"id": 7}], "passed": false}
JSON
echo '{"verdict": "overfit", "train_error": 0.01, "validation_error": 0.2, "bias": 0.01, "gap": 0.19, "evidence": ["errors part", {"what": "training error", "figure": 0.0123, "low": 0.011, "high": 0.014, "limit": 0.05, "text": "low & sure"}], "advice": [{"remedy": "more_data", "text": "get <more>"}]}' >kinds/diagnose.json
code 0 report kinds && page kinds/report.html
has kinds/report.html '1 of 3 checks warn or fail' && has kinds/report.html 'three &amp; a quarter' && has kinds/report.html 'init.relu_bias: 0.1' && has kinds/report.html 'more_data: get &lt;more&gt;' && has kinds/report.html 'errors part' && has kinds/report.html '<tr><th scope="row">training error</th><td class="n">0.0123</td><td class="n">0.011</td><td class="n">0.014</td><td class="n">0.05</td><td>low &amp; sure</td></tr>'
for broken in 'no JSON' '[1, 2]' '{"checks": 3}' ''; do
  printf '%s' "$broken" >kinds/check.json
  code 0 report kinds && page kinds/report.html && missing kinds/report.html '(What check finds|Findings of check) cannot be shown'
done
rm kinds/*.json.tmp* kinds/check.json kinds/diagnose.json 2>/dev/null

# ---- runs of other kinds ----
code 0 train kinds.yaml --out plain --quiet --set data.validation=none --set data.test=none --set stop.epochs=2
code 0 report plain && page plain/report.html && missing plain/report.html 'Figures, confusion and mistakes of the best model cannot be shown: the recipe has no validation data'
has plain/report.html 'nothing was validated'
cat >values.yaml <<'YAML'
gradus: 1
data: {train: {type: synthetic, kind: regression, n: 120, seed: 3}, validation: {split: 0.25}, batch: 10}
model: {input: 4, layers: [{type: dense, units: 4, activation: tanh}, {type: dense, units: 1}]}
cost: mse
stop: {epochs: 2}
YAML
code 0 train values.yaml --out values --quiet
code 0 report values && page values/report.html && has values/report.html 'furthest off' && has values/report.html 'predicted: '
grep -q 'id="confusion"' values/report.html && short "values are no classes"
cat >steps.yaml <<'YAML'
gradus: 1
data: {train: {type: synthetic, kind: copy, n: 60, seed: 3}, validation: {split: 0.25}, batch: 10}
model: {input: [8], layers: [{type: embedding, vocabulary: 10, units: 4}, {type: gru, units: 5, return: sequence}, {type: dense, units: 10}]}
stop: {epochs: 1}
YAML
code 0 train steps.yaml --out steps --quiet && code 0 report steps && page steps/report.html
awk 'BEGIN { srand(4); print "w,h,age,kind,price"
  for (i = 0; i < 120; i++) { k = i % 3; printf "%.3f,%.3f,%.3f,%s,%.3f\n", k + rand(), rand() - k, rand(), k == 0 ? "ant" : k == 1 ? "bee" : "cow", 3 * k + rand() } }' >pair.csv
cat >pair.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: pair.csv, inputs: {size: [w, h], age: age}, targets: {kind: kind, price: price}}, validation: {split: 0.25}, batch: 10}
model: {inputs: {size: [2], age: [1]}, layers: [{type: dense, units: 4, from: size, name: a}, {type: dense, units: 4, from: age, name: b}, {type: add, from: [a, b], name: both}, {type: dense, units: 3, name: k}, {type: dense, units: 1, from: both, name: p}]}
heads: {kind: {from: k, cost: cross_entropy}, price: {from: p, cost: mse, weight: 0.1}}
stop: {epochs: 2}
YAML
code 0 train pair.yaml --out pair --quiet && code 0 report pair && page pair/report.html
has pair/report.html 'Figures of kind on the validation part' && has pair/report.html 'Figures of price on' && has pair/report.html '<title>Validation error of kind</title>' && has pair/report.html 'Confusion of kind'
small pictures.yaml 'stop: {epochs: 1}'
code 0 train pictures.yaml --out pictures --quiet && code 0 report pictures && page pictures/report.html
has pictures/report.html 'First filters, c1.weight: 6 of 3 x 3' && has pictures/report.html 'Edge score' && has pictures/report.html '<img width="[0-9]+" height="[0-9]+" alt="#[0-9]+[^"]*taken for'

# ---- runs of other states ----
code 1 train kinds.yaml --out diverged --quiet --set optimizer.lr=1e20 --set optimizer.momentum=0.99 --set stop.epochs=50
code 0 report diverged && page diverged/report.html && has diverged/report.html 'it diverged: step'
cp -r kinds killed && rm killed/result.json killed/report.html
head -n 40 kinds/metrics.jsonl | head -c -20 >killed/metrics.jsonl
code 0 report killed && page killed/report.html && missing killed/report.html 'The result cannot be shown: there is no result.json: the run was killed'
has killed/report.html '<p>Best so far after update [0-9]+ of 39: ' && has err.txt 'the last line of metrics.jsonl is not whole'
has killed/report.html 'id="confusion"' # of the model that is there
mkdir begun && : >begun/metrics.jsonl
code 0 report begun && page begun/report.html && has begun/report.html 'Nothing is recorded yet' && missing begun/report.html 'Curves'
mkdir moved && cp kinds/* moved 2>/dev/null
mv kinds.csv elsewhere.csv
code 0 report moved && page moved/report.html
missing moved/report.html 'Figures, confusion and mistakes of the best model cannot be shown: .*kinds.csv' && missing moved/report.html 'Memory over the step, and kernels, cannot be shown'
has out.txt 'not shown: Figures, confusion and mistakes of the best model: .*kinds.csv' && has moved/report.html 'Training rows of each class'
mv elsewhere.csv kinds.csv
mkdir old && cp kinds/* old 2>/dev/null # of another version: a key that is gone, a model that is none, no samples, no environment
sed -i 's/^optimizer:/optimiser:/' old/recipe.yaml && echo none >old/best.safetensors && echo '{"stop_reason": "weather", "steps": 60, "best": 3}' >old/result.json
code 0 report old && page old/report.html && missing old/report.html 'What of the recipe differs from the defaults cannot be shown: .*optimiser' && missing old/report.html 'What the run was made with cannot be shown: .*older version' && has old/report.html 'best.safetensors' && has old/report.html 'weather'
echo '{"stop_reason": ' >old/result.json && code 0 report old && page old/report.html && missing old/report.html 'The result cannot be shown: result.json is not JSON'
rm old/recipe.yaml old/best.safetensors && code 0 report old && page old/report.html && missing old/report.html 'What of the recipe differs .*recipe.yaml is not there'

# ---- several ----
code 0 train kinds.yaml --out wide/kinds --quiet --set model.layers[0].units=12 --set optimizer.lr=0.1
code 0 report kinds wide/kinds killed plain -o all.html && page all.html
has all.html '<th scope="row">model.layers\[0\].units</th><td>6</td><td>12</td><td>6</td><td>6</td>' && has all.html '<th scope="row">optimizer.lr</th><td>0.05</td><td>0.1</td>'
grep -q '<th scope="row">name</th>' all.html && short "names are no difference"
has all.html '<td>no result yet</td>' && has all.html '>wide/kinds, validation<' && has all.html '>killed, training, mean<'
for i in 1 2 3 4; do has all.html "<section id=\"run$i\">"; done
want=$(sed -nE 's/.*"validation_cost": ([^,]*),?/\1/p' wide/kinds/result.json | head -n 1)
sed -n '/What the runs came to/,/<\/table>/p' all.html | grep -qF ">$want<" || short "the table of results has no $want"
code 0 report kinds kinds -o twice.html && page twice.html && has twice.html 'differ in nothing but their names'
code 0 report kinds wide/kinds --json && has out.txt '"file":"kinds/report.html"' # beside the first

# ---- refused ----
bad 3 'no such run' report nothing
bad 3 'it is not a run' report wide
bad 3 'it is a file' report kinds/metrics.jsonl
bad 2 'an argument is missing' report
bad 2 'a page of HTML' report kinds -o page.pdf
bad 2 'report shows what is there' report kinds --set seed=3
bad 2 'threads are 1 to' report kinds --threads 0
bad 3 'nowhere' report kinds -o /nowhere/at/all.html
finish
