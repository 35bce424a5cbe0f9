#!/bin/bash
# gradus data view: sheets of what the trainer gets, of what it becomes, and of what a model gets wrong. [mission D8, D24, X2]
. "$(dirname "$0")/lib.sh"

hashes() { grep -o 'crc32 [0-9a-f]\{8\}' "$1"; }
cards() { grep -c '<article' "$1"; }

# ---- what is written ----
small r.yaml
code 0 data view r.yaml -o a.html --count 20 && has out.txt '^20 samples of the train part: a.html$'
code 0 data view r.yaml -o b.html --count 20 --threads 3 && same a.html b.html "threads"
code 0 data view r.yaml -o c.html --count 20 --seed 4 && differ a.html c.html "other samples"
[[ $(cards a.html) -eq 20 && $(hashes a.html | sort -u | wc -l) -eq 20 ]] || short "not 20 cards with a hash each"
has a.html 'before what the training graph prepares: standardize'
grep -qE 'https?://|<script' a.html && short "a.html needs something from elsewhere"
code 0 data view r.yaml -o a.png --count 20 && code 0 data view r.yaml -o b.png --count 20 --threads 2 && same a.png b.png
[[ $(head -c 8 a.png | od -An -tx1 | tr -d ' \n') == 89504e470d0a1a0a ]] || short "a.png is no PNG"
code 0 data view r.yaml -o d.html --count 1000 --part validation --json && has out.txt '"part":"validation","shown":60'
ls ./*.tmp* >/dev/null 2>&1 && short "temporary files are left"

# A batch of another size, or shuffling, changes nothing of a sample; other preparation within the graph neither.
code 0 data view r.yaml -o e.html --count 20 --set data.batch=7 --set data.shuffle=none && same a.html e.html
code 0 data view r.yaml -o f.html --count 20 --set 'data.prepare=[]'
[[ $(hashes a.html) == "$(hashes f.html)" ]] || short "preparation in the graph changes what is delivered"

# ---- changed samples ----
small g.yaml 'data: {train: {type: synthetic, kind: digits, n: 300, seed: 1}, validation: {split: 0.2}, batch: 32, prepare: [standardize], augment: [{type: crop, pad: 2}, {type: rotate, degrees: 15}]}'
code 0 data view g.yaml -o g0.html --count 9 --augmented && has g0.html 'changed by crop, rotate, as in epoch 1'
[[ $(cards g0.html) -eq 9 && $(hashes g0.html | sort -u | wc -l) -eq 18 ]] || short "not 9 cards with two hashes each"
code 0 data view g.yaml -o g1.html --count 9 --augmented --epoch 2 && differ g0.html g1.html
code 0 data view g.yaml -o g.html --count 9 && has g.html 'training changes them by crop, rotate, which --augmented shows'
[[ $(hashes g.html) == "$(hashes g0.html | sed -n '1~2p')" ]] || short "originals beside changed ones are not the originals"
[[ $(hashes g0.html | sed -n '1~2p') == "$(hashes g1.html | sed -n '1~2p')" ]] || short "originals depend on the epoch"
code 0 data view g.yaml -o g2.html --count 9 --augmented --epoch 2 --set workers=3 --threads 2 && same g1.html g2.html

# ---- words of strangers ----
printf 'a<b,"c ""d"" & e",kind\n' >t.csv
for i in $(seq 1 30); do printf '%d.5,%d,<i>%d</i>\n' "$i" $((i * i)) $((i % 3)) >>t.csv; done
cat >t.yaml <<'YAML'
gradus: 1
name: t<&>
data: {train: {type: csv, file: t.csv, target: kind, header: true}, batch: 8}
model: {input: [2], layers: [{type: dense, units: 3}]}
cost: cross_entropy
optimizer: sgd
YAML
code 0 data view t.yaml -o t.html && [[ $(cards t.html) -eq 30 ]] || short "not all 30 rows"
has t.html '<td>a&lt;b</td><td class="value">1.5</td>'
has t.html '<p>label: &lt;i&gt;1&lt;/i&gt;</p>'
has t.html '<h1>t&lt;&amp;&gt;</h1>'
grep -q '<i>' t.html && short "words of a table are taken for markup"
awk 'BEGIN { split("red green blue", c, " "); print "size,colour,age,kind"
  for (i = 0; i < 40; i++) printf "%d.25,%s,%s,%s\n", i, c[1 + i % 3], i % 8 ? i : "NA", i % 2 ? "yes" : "no" }' >c.csv
cat >c.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: c.csv, target: kind, header: true, missing: ["NA"], columns: [size, {name: colour, as: category}, age]}, batch: 8, prepare: [standardize]}
model: {input: [5], layers: [{type: dense, units: 2}]}
cost: cross_entropy
optimizer: sgd
YAML
code 0 data view c.yaml -o c.html && has c.html 'prepared before delivery, as shown: impute, standardize, one_hot'
has c.html '<td>colour</td><td class="value">green</td>' && has c.html '<td>colour=green</td><td class="value">1</td>'
[[ $(grep -c '<td>age</td><td class="value">missing</td>' c.html) -eq 5 ]] || short "not five ages are missing in the source"
[[ $(grep -c '<td>age</td>' c.html) -eq 80 ]] || short "not each row before and after preparation"
printf 'The quick <brown> fox\n\tjumps & runs \xc3\xa9 \x01.\n%.0s' {1..20} >t.txt
cat >text.yaml <<'YAML'
gradus: 1
data: {train: {type: text, file: t.txt, window: 30, unit: byte}, batch: 8}
model: {input: [30], layers: [{type: embedding, vocabulary: 256, units: 8}, {type: dense, units: 256}]}
cost: cross_entropy
optimizer: sgd
YAML
code 0 data view text.yaml -o text.html && has text.html 'quick &lt;brown&gt; fox' && has text.html '\\x01' && has text.html '\\t'
code 0 data view text.yaml -o text.png

# ---- samples that balancing makes ----
awk 'BEGIN { print "a,b,kind"; for (i = 0; i < 100; i++) printf "%d.5,%d,%s\n", i % 13, i * i % 17, i % 10 ? "common" : "rare" }' >u.csv
cat >b.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: u.csv, target: kind, header: true}, batch: 8, prepare: [standardize], balance: smote}
model: {input: [2], layers: [{type: dense, units: 2}]}
cost: cross_entropy
optimizer: sgd
YAML
code 0 data view b.yaml -o b.html --generated --count 7 && has out.txt 'that they were looked at is kept in b.html.looked'
[[ $(cards b.html) -eq 7 && $(grep -c 'crc32 [0-9a-f]' b.html) -eq 21 ]] || short "not 7 made samples, each beside two others"
has b.html '7 of 80 samples that smote has made' && has b.html.looked '"generated": 80' && has b.html.looked '"shown": 7'
code 0 data view b.yaml -o n.html --count 7 && has n.html 'beside 80 that are made, which --generated shows'
[[ ! -e n.html.looked ]] || short "a look at samples of the source is recorded"

# ---- mistakes ----
code 0 train r.yaml --out run --quiet
code 0 eval run/best.safetensors --split validation --json
error=$(field out.txt error)
code 0 data view r.yaml --part validation --mistakes run/best.safetensors -o m.html --count 1000 --json
wrong=$(field out.txt wrong)
[[ $(cards m.html) -eq $wrong ]] || short "$(cards m.html) cards of $wrong mistakes"
awk -v e="$error" -v w="$wrong" 'BEGIN { exit !(e * 60 - w < 1e-6 && w - e * 60 < 1e-6) }' || short "$wrong wrong of 60, but the error is $error"
grep -o '<p>cost [^<]*' m.html | sed 's/.* //' >costs
sort -gr costs | cmp -s - costs || short "costs do not fall"
code 0 data view r.yaml --part validation --mistakes run/best.safetensors -o m3.html --count 3
[[ $(hashes m3.html) == "$(hashes m.html | head -n 3)" ]] || short "the three costliest are not the first"
cat >v.yaml <<'YAML'
gradus: 1
data: {train: {type: synthetic, kind: regression, n: 100, features: 4, seed: 1}, batch: 20}
model: {input: [4], layers: [{type: dense, units: 1}]}
cost: mse
optimizer: {type: sgd, lr: 0.05}
stop: {epochs: 2}
YAML
code 0 train v.yaml --out runv --quiet
code 0 data view v.yaml --mistakes runv/last.safetensors -o v.html --count 5 && has v.html 'the 5 that are furthest off' && has v.html 'predicted: '

# ---- what data check names ----
awk 'BEGIN { srand(4); print "a,b,c,kind"; for (i = 0; i < 60; i++) printf "%.6f,%.6f,%.6f,%s\n", rand(), rand(), rand(), i % 2 ? "yes" : "no" }' >f.csv
{ cat f.csv; sed -n 5p f.csv; sed -n 8p f.csv | sed 's/yes$/no/; t; s/no$/yes/'; } >g.csv
cat >f.yaml <<'YAML'
gradus: 1
data: {train: {type: csv, file: g.csv, target: kind, header: true}, batch: 8, prepare: [standardize]}
model: {input: [3], layers: [{type: dense, units: 2}]}
cost: cross_entropy
optimizer: sgd
YAML
code 0 data view f.yaml -o f.html --findings --json
[[ $(cards f.html) -eq $(field out.txt shown) ]] || short "not a card a sample that was named"
has f.html 'duplicate' && has f.html '<h2>#60</h2>' && has f.html 'train: conflicting_labels' && has f.html '<p>line 62</p>'
code 0 data view f.yaml -o f1.html --findings --count 1 && [[ $(cards f1.html) -eq 1 ]] || short "--count is not kept to"
sed 's/g.csv/f.csv/' f.yaml >ok.yaml
code 0 data view ok.yaml -o f.png --findings && has out.txt '^0 samples of 0 findings'

# ---- what is refused ----
bad 2 'where to\? -o FILE is missing' data view r.yaml
bad 2 'writes a sheet, which .jpg is not' data view r.yaml -o x.jpg
bad 2 '--count: 0 is not' data view r.yaml -o x.png --count 0
bad 2 '--count: 100000 is not' data view r.yaml -o x.png --count 100000
bad 2 'there is no test data' data view r.yaml -o x.png --part test
bad 2 '--part: ' data view r.yaml -o x.png --part tests
bad 2 'r.yaml:4:.*does not change training samples' data view r.yaml -o x.png --augmented
bad 2 'nothing changes samples of the validation part' data view g.yaml -o x.png --augmented --part validation
bad 2 'epoch says how' data view g.yaml -o x.png --epoch 1
bad 2 'sheets of their own' data view g.yaml -o x.png --augmented --mistakes run/best.safetensors
bad 2 'all parts are looked at' data view r.yaml -o x.png --findings --part train
bad 2 'makes no samples' data view r.yaml -o x.png --generated
bad 2 'oversample has made no samples' data view b.yaml -o x.png --generated --set data.balance=oversample
bad 2 'only the train part has' data view b.yaml -o x.png --generated --part validation
bad 3 'cannot read "none' data view r.yaml -o x.png --mistakes none.safetensors
bad 2 'the cost wants classes|model.input is' data view v.yaml -o x.png --mistakes run/best.safetensors
bad 3 'labels up to 11' data view r.yaml -o x.png --mistakes run/best.safetensors --set 'data.train={type: synthetic, kind: blobs, n: 90, classes: 12, features: 256, seed: 1}'
bad 3 'cannot write "none/x.png"' data view r.yaml -o none/x.png
bad 2 'there is no viw' data viw r.yaml -o x.png
[[ ! -e x.png && ! -e x.jpg ]] || short "something was written all the same"

# ---- the demo's pictures, where they are ----
if [[ -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ]]; then
  code 0 data view "$here/../../recipes/fashion.yaml" -o fashion.png --count 30 && has out.txt '^30 samples'
fi

# A sheet of the test part is a look at it: kept beside the recipe, and the second one says so
small looked.yaml "data: {train: {type: synthetic, kind: digits, n: 60, seed: 1}, test: {type: synthetic, kind: digits, n: 20, seed: 2}, batch: 16}"
code 0 data view looked.yaml -o looked.html --part test --count 4
[[ $(grep -c '"command"' looked.yaml.looks.json) -eq 1 ]] || short "the look was not kept"
grep -q "looked at" err.txt && short "the first look is warned of: $(cat err.txt)"
code 0 data view looked.yaml -o looked.html --part test --count 4
has err.txt "warning.*data view"
[[ $(grep -c '"command"' looked.yaml.looks.json) -eq 2 ]] || short "the second look was not kept"
code 0 data view looked.yaml -o looked.html --count 4
[[ $(grep -c '"command"' looked.yaml.looks.json) -eq 2 ]] || short "a look at training data was counted"
code 0 data view looked.yaml -o looked.html --findings
[[ $(grep -c '"command"' looked.yaml.looks.json) -eq 3 ]] || short "findings of test data were not counted"

# ---- as numbers: all samples of a part, in the source's order, made ones last
array() { # FILE NAME FORMAT: the array, a number a line
  perl -e 'my ($file, $name, $form) = @ARGV; local $/; open my $f, "<:raw", $file or die; my $s = <$f>;
    $s =~ /PK\x03\x04.{22}(..)(..)\Q$name.npy\E/s or die "no array $name"; my $at = $+[0] + unpack "v", $2; my $head = unpack "v", substr $s, $at + 8, 2;
    my $n = 1; substr($s, $at + 10, $head) =~ /\(([^)]*)\)/; $n *= $_ for grep { /\d/ } split /,/, $1;
    my $size = {"d<" => 8, "q<" => 8, "l<" => 4, "f<" => 4, "V" => 4}->{$form}; $n *= 8 if $form eq "V";
    my @all = unpack "($form)$n", substr $s, $at + 10 + $head, $n * $size;
    if ($form eq "V") { print pack("U*", splice @all, 0, 8), "\n" while @all } else { print "$_\n" for @all }' "$@"
}
small n.yaml 'data: {train: {type: synthetic, kind: digits, n: 60, seed: 1}, validation: {split: 0.2}, test: {split: 0.1}, batch: 16, prepare: [standardize], augment: [{type: crop, pad: 2}]}'
code 0 data view n.yaml -o n.npz && code 0 data view n.yaml -o n.html --count 9
hashes n.html | sed 's,crc32 ,,' | while read -r hash; do array n.npz hash V | grep -q "^$hash$" || short "the hash $hash of a sheet is not among those of the archive"; done
n=$(array n.npz index 'q<' | wc -l)
[[ $n -eq 42 && $(array n.npz index 'q<') == "$(array n.npz index 'q<' | sort -n)" && $(array n.npz parents 'q<' | sort -u) == -1 ]] || short "$n rows, of a source that makes none"
array n.npz inputs 'f<' | awk '{ n++; s += $1; q += $1 * $1 } END { exit !(n == 42 * 256 && s / n < 1e-5 && s / n > -1e-5 && q / n > 0.9999 && q / n < 1.0001) }' || short "training samples are not standardized"
code 0 data view n.yaml -o first.npz --augmented && code 0 data view n.yaml -o again.npz --augmented --epoch 1 --threads 2 && same first.npz again.npz "the first epoch"
code 0 data view n.yaml -o second.npz --augmented --epoch 2 && differ first.npz second.npz
code 0 data view n.yaml -o part.npz --part validation && code 0 data view n.yaml -o same.npz --part validation --augmented && same part.npz same.npz "of validation nothing is changed"
code 0 data view n.yaml -o copies.npz --augmented --set 'data.augment_mode={materialise: 3}'
[[ $(array copies.npz index 'q<' | uniq -c | awk '{ print $1 }' | sort -u) == 3 ]] || short "not each sample three times"
code 0 data view n.yaml -o mixed.npz --augmented --set 'data.augment=[{type: mixup, alpha: 1}]'
array mixed.npz targets 'f<' | awk '{ s += $1; if (NR % 10 == 0) { if (s < 0.99999 || s > 1.00001) exit 1; s = 0 } if ($1 > 0.01 && $1 < 0.99) n++ } END { exit !(NR == 420 && n > 20) }' || short "targets of mixed samples are no shares"
awk 'BEGIN { srand(6); print "a,b,k"; for (i = 0; i < 40; i++) printf "%.4f,%.4f,%d\n", rand() + (i % 8 == 0), rand(), i % 8 == 0 }' >rare.csv
small s.yaml 'data: {train: {type: csv, file: rare.csv, target: k}, batch: 8, prepare: [standardize], balance: {type: smote, k: 2}}' 'model: {input: [2], layers: [{type: dense, units: 2}]}' 'precision: float64'
code 0 data view s.yaml -o made.npz
paste -d ' ' <(array made.npz index 'q<') <(array made.npz parents 'q<' | paste - -) <(array made.npz step 'd<') <(array made.npz inputs 'd<' | paste - -) |
  awk '{ if ($1 >= 0) { a[$1] = $5; b[$1] = $6; if (made) exit 1; next } made++; x = a[$2] + $4 * (a[$3] - a[$2]); y = b[$2] + $4 * (b[$3] - b[$2]); if (x - $5 > 1e-12 || $5 - x > 1e-12 || y - $6 > 1e-12 || $6 - y > 1e-12) bad++ } END { exit !(made == 30 && bad == 0) }' || short "made samples do not lie between their parents"
code 0 data view s.yaml -o copied.npz --set data.balance=oversample
[[ $(array copied.npz index 'q<' | grep -c -- -1) -eq 30 && $(array copied.npz parents 'q<' | paste - - | awk '$1 >= 0 && $1 == $2 { n++ } END { print n }') -eq 30 ]] || short "copies do not say of what"
code 0 data view n.yaml -o t.npz --part test && [[ -s n.yaml.looks.json ]] || short "numbers of the test part are no look at it"
bad 2 'has all samples of a part' data view n.yaml -o x.npz --count 3
bad 2 'has all samples of a part' data view n.yaml -o x.npz --findings
bad 2 'does not change training samples' data view s.yaml -o x.npz --augmented
bad 2 'epoch' data view n.yaml -o x.npz --augmented --epoch 0
[[ -e x.npz ]] && short "what was refused left a file"
finish
