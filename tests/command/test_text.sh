#!/bin/bash
# Text: a language model of a file, of bytes and of characters, a classifier of lines with labels; what is refused. Usage: test_text.sh GRADUS
. "$(dirname "$0")/lib.sh"

for i in {1..60}; do echo "the cat sat on the mat, and the dog $i sat by the cat"; done >book.txt
printf 'the dog sat on the cat, \xc3\xa4h, and the mat sat on the dog: it is so.\n' >other.txt
: >empty.txt
for i in {1..40}; do printf 'ham\tsee you at %d\nspam\tbuy %d now, buy more\neggs\tfried\n' $i $i; done >lines.txt

language() { # FILE SOURCE VOCABULARY
  cat >"$1" <<YAML
gradus: 1
name: language
data: {train: $2, validation: {split: 0.2}, batch: 16}
model: {input: [16], layers: [{type: embedding, vocabulary: $3, units: 8}, {type: gru, units: 16, return: sequence}, {type: dense, units: $3}]}
cost: cross_entropy
metrics: [perplexity]
optimizer: {type: adam, lr: 0.02}
stop: {epochs: 3}
YAML
}
sorter() { # FILE SOURCE
  cat >"$1" <<YAML
gradus: 1
name: sorter
data: {train: $2, validation: {split: 0.25}, batch: 16}
model: {input: [12], layers: [{type: embedding, vocabulary: 256, units: 8}, {type: gru, units: 8}, {type: dense, units: 3}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.05}
stop: {epochs: 12}
YAML
}

# ---- running text ----
language bytes.yaml '{type: text, file: book.txt}' 256
code 0 plan bytes.yaml
code 0 train bytes.yaml --out bytes --quiet
has bytes/recipe.yaml 'type: text'
[[ $(field bytes/metrics.jsonl validation_cost) < 4 ]] || short "nothing was learned of bytes: $(tail -n 1 bytes/metrics.jsonl)"
code 0 eval bytes/best.safetensors --data '{type: text, file: other.txt}'
language chars.yaml '{type: text, file: book.txt, unit: char}' 40
code 0 train chars.yaml --out chars --quiet
grep -aq '"gradus.text": *"{\\"unit\\": \\"char\\", \\"symbols\\": \[10, 32, ' chars/best.safetensors || short "the model does not keep its characters"
code 0 eval chars/best.safetensors --data '{type: text, file: other.txt, unit: char}' # which has others: they are unknown
code 0 train chars.yaml --from chars/best.safetensors --out further --quiet --set stop.epochs=1
sed 's/cat/c\xc3\xa4t/' book.txt >accents.txt # more characters than the model knows change no index of the others
code 0 train chars.yaml --from chars/best.safetensors --out accents --quiet --set stop.epochs=1 --set data.train.file=accents.txt
code 0 train chars.yaml --out strided --set stop.epochs=1 --set data.train.stride=8
has err.txt 'windows of .*book.txt overlap, and parts cut from them at random share text'
code 0 train chars.yaml --out own --set stop.epochs=1 --set data.train.stride=8 --set 'data.validation={type: text, file: other.txt, unit: char}'
! grep -q overlap err.txt || short "a part with a file of its own shares nothing"

# One answer a window, where the network gives one.
sed 's/, return: sequence//' bytes.yaml >next.yaml
code 0 train next.yaml --out next --quiet --set data.train.stride=4 --set stop.epochs=1

# ---- lines ----
sorter lines.yaml '{type: text, file: lines.txt, labels: tab}'
code 0 train lines.yaml --out lines --quiet
[[ $(field lines/result.json validation_error) =~ ^0(\.0)?$ ]] || short "lines were not learned: $(field lines/result.json validation_error)"
printf 'spam\tbuy 39 now, buy more\nham\tsee you at 41\n' >test.txt
code 0 eval lines/best.safetensors --data '{type: text, file: test.txt, labels: tab}'
has out.txt 'error 0\.0'

code 0 predict lines/best.safetensors test.txt # with the labels that they have
has out.txt '^test.txt\[0\]  spam '
has out.txt '^test.txt\[1\]  ham '
cut -f 2 test.txt >unlabelled.txt
cp out.txt labelled.out
code 0 predict lines/best.safetensors unlabelled.txt
sed -i 's/^unlabelled/test/' out.txt
same out.txt labelled.out
"$gradus" predict lines/best.safetensors - <unlabelled.txt 2>&1 | sed 's/^.*stdin/test.txt/' >out.txt
same out.txt labelled.out "from standard input"
mkdir folder
head -n 1 unlabelled.txt >folder/a.txt
tail -n 1 unlabelled.txt >folder/b.txt
code 0 predict lines/best.safetensors folder
[[ $(grep -oE 'spam|ham' out.txt | paste -sd,) == spam,ham ]] || short "a folder of texts: $(cat out.txt)"
mkdir nothing
bad 3 'nothing" has no files that end in .txt' predict lines/best.safetensors nothing
bad 3 'empty.txt" holds no text' predict lines/best.safetensors empty.txt

# Of running text all of it, the last window as long as it is: the cat sat on the mat.
printf 'the cat sat on the mat' >prompt.txt
code 0 predict chars/best.safetensors prompt.txt --json
[[ $(wc -l <out.txt) -eq 2 && $(tail -n 1 out.txt | sed -E 's/.*"class":\[([^]]*)\].*/\1/' | tr , '\n' | wc -l) -eq 6 ]] || short "windows of a text: $(cut -c1-200 out.txt)"

code 0 predict chars/best.safetensors prompt.txt
[[ $(wc -l <out.txt) -eq 4 ]] || short "not two lines a window: $(cat out.txt)"
has out.txt '^prompt.txt\[0\]  ".{16}"$'
has out.txt '^  then  ".+" 0\.[0-9]{4}  ".+" 0\.[0-9]{4}  ".+" 0\.[0-9]{4}$'

# Synonyms change the training, to the same bits for any threads; labels and other parts stay.
for threads in 1 2; do
  code 0 train lines.yaml --out "words$threads" --quiet --threads $threads --set stop.epochs=2 --set "data.augment=[{type: synonym, file: $here/../../recipes/synonyms.tsv, rate: 0.3}]"
done
code 0 train lines.yaml --out plain --quiet --set stop.epochs=2
same words1/best.safetensors words2/best.safetensors
differ words1/best.safetensors plain/best.safetensors
# A model is judged without what changed its training, which may be gone by then
cp "$here/../../recipes/synonyms.tsv" gone.tsv
code 0 train lines.yaml --out changed --quiet --set stop.epochs=1 --set 'data.augment=[{type: synonym, file: gone.tsv, rate: 0.3}]'
rm gone.tsv
code 0 eval changed/last.safetensors --split validation
bad 2 'data.augment\[0\]: synonym changes words of lines of text' train bytes.yaml --out never --set "data.augment=[{type: synonym, file: $here/../../recipes/synonyms.tsv}]"
bad 3 'data.augment\[0\].file: .*none.tsv' train lines.yaml --out never --set 'data.augment=[{type: synonym, file: none.tsv}]'
bad 3 'data.augment\[0\].file: .*book.txt": line 1: it has no tab' train lines.yaml --out never --set 'data.augment=[{type: synonym, file: book.txt}]'

# ---- what is refused ----
printf 'ham\tx\nno tab\n' >untabbed.txt
printf 'some \xff bytes that are no characters' >latin.txt
printf 'short' >short.txt
printf 'bacon\tx\n' >unknown.txt
for source in 'untabbed.txt, labels: tab|line 2 has no tab between a label and a text' 'empty.txt|is empty' 'empty.txt, labels: tab|holds no text' 'none.txt|none.txt' \
  'latin.txt, unit: char|is no UTF-8: byte 5, 0xff' 'short.txt|has 5 bytes, but a window of 16 and the byte after it take 17'; do
  bad 3 "data.train.file: .*${source#*|}" train bytes.yaml --out never --set "data.train={type: text, file: ${source%%|*}}"
  bad 3 "data.train.file: .*${source#*|}" plan bytes.yaml --set "data.train={type: text, file: ${source%%|*}}"
done
bad 3 'data.validation.file: .*line 1: "bacon" is none of the classes of training' train lines.yaml --out never --set 'data.validation={type: text, file: unknown.txt, labels: tab}'
bad 3 'has 26 different characters, which with .* take a vocabulary of 28, but .* 20' train chars.yaml --out never --set 'model.layers[0].vocabulary=20'
code 0 train chars.yaml --out fewer --quiet --set stop.epochs=1 --set 'model.layers[0].vocabulary=20' --set data.train.vocabulary=20
bad 2 'no layer looks those of the input "input" up' train bytes.yaml --out never --set 'model.layers=[{type: dense, units: 3}]'
bad 2 'data.train.length: "length" is of lines' train bytes.yaml --out never --set data.train.length=4
bad 2 'stride' train lines.yaml --out never --set data.train.stride=4
bad 2 'data.train.unit: .*byte, char' train bytes.yaml --out never --set data.train.unit=word
bad 2 'data.train.window' train bytes.yaml --out never --set data.train.window=0
bad 3 'samples of shape \[8\], model.input is \[16\]' train bytes.yaml --out never --set data.train.window=8
[[ ! -e never ]] || short "a refused training left a folder"

# ---- explained ----
code 0 explain text
has out.txt 'Running text, or lines with labels'
finish
