#!/bin/bash
# Folders of pictures: a small network is trained on PNG, JPEG and PNM of several sizes, evaluated, and predicts a file and a folder; the order of samples and the bits are the
# same whether pictures are held or read when they are wanted, and for any number of threads. Folders, files, tables and sizes that are wrong are named, with exit code 3.
. "$(dirname "$0")/lib.sh"
fixtures=$here/../data/pictures

# PNM NAME FORM COLOUR...: 8 x 6 pixels of one colour
pnm() {
  local form=$2 name=$1 i text=
  shift 2
  printf -v text '\\x%02x' "$@"
  { printf '%s\n8 6\n255\n' "$form"; for ((i = 0; i < 48; i++)); do printf '%b' "$text"; done; } >"$name"
}
mkdir -p d/red d/blue d/green held/red held/blue
for i in {1..12}; do
  pnm d/red/$i.ppm P6 $((200 + i)) $((i * 3)) 20
  pnm d/blue/$i.ppm P6 $((i * 2)) 30 $((190 + i))
  pnm d/green/$i.ppm P6 20 $((210 - i)) $((i * 4))
done
pnm held/red/a P6 190 0 30
pnm held/blue/b.ppm P6 0 20 220
echo "no picture" >d/red/notes.txt
cat >r.yaml <<'YAML'
gradus: 1
data:
  train: {type: images, folder: d, resize: [4, 4]}
  validation: {split: 0.25}
  test: {type: images, folder: held, resize: [4, 4]}
  batch: 6
  prepare: [{type: scale, by: 1/255}]
model:
  input: [4, 4, 3]
  layers: [flatten, {type: dense, units: 3}]
optimizer: {type: adam, lr: 0.05}
stop: {epochs: 20}
YAML
code 0 train r.yaml --out run
has err.txt 'd: 1 other file \("/?.*d/red/notes.txt"\) is not read'
code 0 eval run/best.safetensors --split test && has out.txt 'accuracy 1.0000'
code 0 plan r.yaml
code 0 train r.yaml --out threads --quiet --threads 1 && same run/last.safetensors threads/last.safetensors "one thread"

# ---- a checkpoint says what decoded the pictures, and a run goes on
code 0 train r.yaml --out steps --quiet --set stop.epochs=7
grep -qaE '"gradus.libraries": ?"libjpeg[^",]*"' steps/checkpoints/*.ckpt || short "no libraries in the checkpoint"
code 0 train r.yaml --out steps --resume && same run/last.safetensors steps/last.safetensors "resumed"
grep -q 'warning: this run began' err.txt && short "the same libraries are warned of"

# ---- prediction: a file, a folder, other formats
code 0 predict run/best.safetensors held/red/a && has out.txt 'held/red/a +red '
code 0 predict run/best.safetensors d/blue held/blue/b.ppm --json
[[ $(grep -c '"label": *"blue"' out.txt) -eq 13 ]] || short "not all are blue: $(head -n 3 out.txt)"
cp "$fixtures"/{plain.jpg,palette.png,exif6.jpg,p4.pbm} .
code 0 predict run/best.safetensors plain.jpg palette.png exif6.jpg p4.pbm
code 0 predict run/best.safetensors d/blue held/blue/b.ppm --csv && cp out.txt named.csv
has named.csv '^input,class,label,probability_blue,'
[[ $(tail -n +2 named.csv | cut -d, -f1 | grep -cE '^(d/blue/.*|held/blue/b.ppm)$') -eq $(($(wc -l <named.csv) - 1)) ]] || short "a table of pictures has other names: $(head -n 3 named.csv)"
bad 3 '"r.yaml" is a recipe, not data' predict run/best.safetensors r.yaml
bad 3 '"d/red/notes.txt" is no picture: PNG, JPEG and PNM are read' predict run/best.safetensors d/red/notes.txt
bad 3 'the folder "held" holds no picture' predict run/best.safetensors held
head -c 300 plain.jpg >cut.jpg
bad 3 '"cut.jpg" is a damaged JPEG picture' predict run/best.safetensors cut.jpg

# ---- what is wrong with folders
wrong() { # PATTERN SETTING...
  local pattern=$1
  shift
  bad 3 "$pattern" train r.yaml --out no "$@"
  [[ ! -e no ]] || { short "$pattern: a run was begun"; rm -rf no; }
}
wrong 'data.train.folder: cannot read the folder ".*none"' --set data.train.folder=none
mkdir empty one one/a
wrong 'data.train.folder: ".*empty" is empty: there is a subfolder for each class' --set data.train.folder=empty
wrong 'the folder ".*one/a" holds no picture' --set data.train.folder=one
wrong '".*held/red" holds no subfolders, but files' --set data.train.folder=held/red
wrong 'has shape|takes|shape \[6,8,3\]' --set 'data.train={type: images, folder: d}'
bad 2 'channels: 2 is not in' train r.yaml --out no --set data.train.channels=2
bad 2 'fit: "cover" is not one of stretch, crop, pad' train r.yaml --out no --set data.train.fit=cover
mkdir -p mixed/a mixed/b && cp d/red/1.ppm mixed/a && cp plain.jpg mixed/b
wrong 'different sizes: ".*mixed/a/1.ppm" is 6 x 8 \(height x width\), ".*mixed/b/plain.jpg" 43 x 61' --set 'data.train={type: images, folder: mixed}'
has err.txt 'resize: \[6, 8\]'
mkdir held/yellow && cp d/red/1.ppm held/yellow
wrong '".*held/yellow" is none of the classes of training' --set 'data.validation={type: images, folder: held, resize: [4, 4]}'
bad 3 '".*held/yellow" is none of the classes of training' eval run/best.safetensors --split test
rm -r held/yellow

# ---- damaged pictures
cp cut.jpg d/blue/
wrong '"/?.*d/blue/cut.jpg" is a damaged JPEG picture'
code 0 train r.yaml --out skipped --set data.train.on_error=skip
has err.txt 'left out: "/?.*d/blue/cut.jpg" is a damaged JPEG picture'
has err.txt 'd: 1 picture is left out'
rm d/blue/cut.jpg
same <(tail -c 200 run/last.safetensors) <(tail -c 200 skipped/last.safetensors) "without the damaged one"

# ---- a table of labels
{ echo file,label,more; for i in {1..12}; do echo "red/$i.ppm,warm,x"; echo "blue/$i.ppm,cold,y"; done; } >t.csv
code 0 train r.yaml --out table --quiet --set data.train.labels=t.csv --set data.test=none --set 'model.layers=[flatten, {type: dense, units: 2}]'
code 0 predict table/best.safetensors held/red/a && has out.txt 'warm'
echo red/13.ppm,warm,x >>t.csv
wrong 't.csv" line 26: there is no file ".*red/13.ppm"' --set data.train.labels=t.csv

# ---- a model of other data takes a picture of its size
printf '\0\0\10\3\0\0\0\4\0\0\0\6\0\0\0\10' >x.idx
for i in {1..192}; do printf "\\x$(printf %02x $i)"; done >>x.idx
printf '\0\0\10\1\0\0\0\4\0\1\0\1' >y.idx
cat >i.yaml <<'YAML'
data: {train: {type: idx, images: x.idx, labels: y.idx}, batch: 4}
model: {input: [6, 8, 1], layers: [flatten, {type: dense, units: 2}]}
stop: {epochs: 1}
YAML
code 0 train i.yaml --out idx --quiet && code 0 predict idx/last.safetensors d/red/1.ppm
bad 3 '"palette.png" has shape \[19,29,1\], but the model takes \[6,8,1\]' predict idx/last.safetensors palette.png
bad 3 'the folder "d" holds no picture' predict run/best.safetensors d
has err.txt 'its subfolders are not looked into: name them, d/\*'

# ---- a run does not go on with a picture that was replaced by another one of the same size
code 0 train r.yaml --out replaced --quiet --set stop.epochs=2
cp d/red/1.ppm kept.ppm && pnm d/red/1.ppm P6 7 8 9
bad 3 'has changed: its inputs are not those' train r.yaml --out replaced --resume --set stop.epochs=3
cp kept.ppm d/red/1.ppm
code 0 train r.yaml --out replaced --quiet --resume --set stop.epochs=3
finish
