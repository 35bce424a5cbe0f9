#!/bin/bash
# What a model is served is what it was judged by: for every kind of source and every step of preparation, cost and error of a part, as eval tells them,
# are those of what predict answers to the raw files of the same samples; so are the numbers of data view. (D1, D2, D10, I8)
. "$(dirname "$0")/lib.sh"

# CASE TARGETS FILES LINES...: a recipe is trained for four updates, and eval and predict are compared. `precisions`, `tail_of` (head and spread) may be set before.
served() {
  local name=$1 targets=$2 files=$3 precision model=best
  shift 3
  for precision in ${precisions:-float64}; do
    { echo "gradus: 1"; printf '%s\n' "$@" "precision: $precision" 'stop: {steps: 4}'; [[ " $*" == *' optimizer: '* ]] || echo 'optimizer: {type: sgd, lr: 0.02}'; } >"$name.yaml"
    code 0 train "$name.yaml" --out "$name" --overwrite --quiet || return
    model=$name/last.safetensors
    code 0 eval "$model" --split test --json || return
    cp out.txt eval.json
    code 0 predict "$model" $files --json || return
    grep -v 'not like the training' err.txt && short "$name: predict says something"
    cp out.txt predict.json
    difference=$(perl "$here/served.pl" eval.json predict.json "$targets" "$([[ $precision == float64 ]] && echo 1e-9 || echo 1e-5)" ${tail_of:-} 2>&1)
    [[ $difference ]] && short "$name, $precision: $difference"
  done
}
mlp() { echo "model: {input: $1, layers: [flatten, {type: dense, units: 4, activation: tanh}, {type: dense, units: ${2:-3}}]}"; }

# ---- arrays: every step, on bytes (prepared by the graph) and on float64 (prepared on delivery) ----
perl -e '
  srand 3;
  sub npy { my ($name, $type, $shape, $data) = @_; open my $f, ">:raw", $name; my $h = "{\x27descr\x27: \x27$type\x27, \x27fortran_order\x27: False, \x27shape\x27: ($shape), }";
    printf $f "\x93NUMPY\x01\x00\x76\x00%-117s\n%s", $h, $data }
  for (["tr", 24], ["te", 9]) {
    my ($part, $n) = @$_;
    my @y = map { int rand 3 } 1 .. $n; my @x = map { 1 + int rand 250 } 1 .. $n * 75;
    npy("$part-y.npy", "<i8", "$n,", pack "q<*", @y); npy("$part-u1.npy", "|u1", "$n, 5, 5, 3", pack "C*", @x);
    npy("$part-f8.npy", "<f8", "$n, 5, 5, 3", pack "d<*", map { $_ + rand } @x);
    open my $f, ">", "$part-y.txt"; print $f "$_\n" for @y;
    open my $g, ">:raw", "$part.idx"; print $g pack("C4N4", 0, 0, 8, 4, $n, 5, 5, 3), pack("C*", @x); open $g, ">:raw", "$part-y.idx"; print $g pack("C4N", 0, 0, 8, 1, $n), pack("C*", @y);
  }'
arrays() { # NAME TYPE INPUT PREPARE [MORE]
  served "$1-$2" te-y.txt te-$2.npy "data: {train: {type: npy, inputs: tr-$2.npy, targets: tr-y.npy}, test: {type: npy, inputs: te-$2.npy, targets: te-y.npy}, batch: 5, prepare: $4${5:+, $5}}" "$(mlp "$3")"
}
chain='[{type: clip, quantiles: [0.1, 0.9]}, {type: log, offset: 3}, standardize, {type: min_max, per: element, to: [-1, 1]}, {type: scale, by: 1/3}]'
precisions='float64 float32'
arrays chain u1 '[5, 5, 3]' "$chain"
arrays chain f8 '[5, 5, 3]' "$chain"
arrays shape u1 '[3, 4, 1]' '[{type: standardize, per: element}, to_grey, {type: resize, size: [3, 4]}, min_max]'
arrays shape f8 '[3, 4, 1]' '[{type: standardize, per: element}, to_grey, {type: resize, size: [3, 4]}, min_max]'
# What changes training changes no evaluation
arrays mixup u1 '[5, 5, 3]' '[standardize]' 'augment: [flip, {type: mixup, alpha: 0.4}], balance: {type: smote, k: 2}'
arrays cutmix f8 '[5, 5, 3]' '[standardize]' 'augment: [{type: noise, std: 9}, {type: cutmix, alpha: 1}]'
precisions=float64
served idx te-y.txt te.idx 'data: {train: {type: idx, images: tr.idx, labels: tr-y.idx}, test: {type: idx, images: te.idx, labels: te-y.idx}, batch: 5, prepare: [standardize]}' "$(mlp '[5, 5, 3]')"

# ---- tables: numbers, categories, what is missing, what is left out; other columns in another order; values, standardized ----
perl -e '
  srand 5;
  for (["tr", 40], ["te", 12]) {
    my ($part, $n) = @$_;
    open my $f, ">", "$part.csv"; open my $k, ">", "$part-kind.txt"; open my $v, ">", "$part-price.txt";
    print $f $part eq "tr" ? "id,a,b,colour,note,kind,price\n" : "price,note,extra,b,colour,kind,a,id\n";
    for my $i (1 .. $n) {
      my %r = (id => "n$i", a => 50 + 30 * rand, b => rand(1e9), colour => ("red", "green", "\"dark, blue\"")[rand 3], note => "a word $i", kind => ("no", "yes")[rand 2], price => 100 + 40 * rand, extra => "?");
      for my $c ("a", "b", "colour") { $r{$c} = rand() < 0.5 ? "" : "NA" if rand() < 0.15 }
      print $f join(",", map { $r{$_} } $part eq "tr" ? qw(id a b colour note kind price) : qw(price note extra b colour kind a id)), "\n";
      print $k $r{kind} eq "yes" ? 1 : 0, "\n"; print $v "$r{price}\n";
    }
  }'
table() { # NAME TARGET TARGETS PREPARE MODEL COST [MORE]
  served "$1" "$3" te.csv "data: {train: {type: csv, file: tr.csv, target: $2, missing: ['', NA], columns: [a, {name: colour, as: category}, b, {name: id, as: ignore}, {name: note, as: text}]}, test: {type: csv, file: te.csv}, batch: 7, prepare: $4${7:+, $7}}" "$5" "cost: $6"
}
precisions='float64 float32'
table mode kind te-kind.txt '[{type: impute, with: mode}, standardize]' "$(mlp '[5]' 2)" cross_entropy
precisions=float64
table mean kind te-kind.txt '[{type: impute, with: mean, columns: [a]}, {type: impute, with: median, columns: [b]}, {type: min_max, columns: [b]}]' "$(mlp '[5]' 2)" cross_entropy
table hot kind te-kind.txt '[one_hot, {type: impute, with: -7}, {type: scale, by: 1/100}]' "$(mlp '[5]' 2)" cross_entropy 'balance: {type: smote, k: 2}'
table value price te-price.txt '[standardize]' "$(mlp '[5]' 1)" '{type: mse}'
spread=$(awk '{ n++; s += $1; q += $1 * $1 } END { printf "%.17g", sqrt(q / n - (s / n)^2) }' tr-price.txt)
tail_of="- $spread" # one head
table standard price te-price.txt '[standardize]' "$(mlp '[5]' 1)" '{type: mse}' 'target: {standardize: true}'
tail_of=
heads() { # HEAD TARGETS
  tail_of=$1
  served heads-$1 $2 te.csv "data: {train: {type: csv, file: tr.csv, missing: ['', NA], inputs: {words: [{name: colour, as: category}], sizes: [a, b]}, targets: {kind: kind, price: price}}, test: {type: csv, file: te.csv, inputs: {words: [{name: colour, as: category}], sizes: [a, b]}, targets: {kind: kind, price: price}}, batch: 7, prepare: {sizes: [{type: impute, with: median}, standardize]}}" \
    'model: {inputs: {words: [1], sizes: [2]}, layers: [{type: embedding, vocabulary: 4, units: 2, from: words, name: e}, {type: flatten, from: e, name: f}, {type: concat, from: [f, sizes], name: c}, {type: dense, units: 3, activation: tanh, name: h}, {type: dense, units: 2, from: h, name: k}, {type: dense, units: 1, from: h, name: p}]}' \
    'heads: {kind: {from: k, cost: cross_entropy}, price: {from: p, cost: mse, weight: 0.01}}' 'optimizer: {type: sgd, lr: 0.001}'
  tail_of=
}
heads kind te-kind.txt
heads price te-price.txt

# ---- pictures of several formats and sizes ----
pictures=$here/../data/pictures
mkdir -p ptr/ant ptr/bee pte/ant pte/bee
cp "$pictures"/{plain.jpg,rgb.png,palette.png,exif6.jpg} ptr/ant && cp "$pictures"/{grey.jpg,rgb16.png,p6.ppm,rgba.png} ptr/bee
cp "$pictures"/{exif3.png,progressive.jpg} pte/ant && cp "$pictures"/{grey_alpha.png,p5.pgm,wide.jpg} pte/bee
printf '0\n0\n1\n1\n1\n' >pte.txt
picture() { # NAME SETTINGS INPUT PREPARE
  served "$1" pte.txt "pte/ant pte/bee/grey_alpha.png pte/bee/p5.pgm pte/bee/wide.jpg" "data: {train: {type: images, folder: ptr, $2}, test: {type: images, folder: pte, $2}, batch: 3, prepare: $4}" "$(mlp "$3" 2)"
}
precisions='float64 float32'
picture crop 'resize: [6, 7], fit: crop' '[4, 5, 1]' '[to_grey, {type: resize, size: [4, 5]}, standardize]'
precisions=float64
picture pad 'resize: [6, 7], fit: pad, channels: 1' '[6, 7]' '[min_max]'

# ---- sounds of several rates, with lengths ----
sounds=$(readlink -f "$here/../fixtures/sounds")
mkdir -p str/low str/high ste/low ste/high
cp "$sounds"/{s16.wav,rate8000.wav} str/low && cp "$sounds"/{flac16.flac,rate44100.wav} str/high
cp "$sounds"/{opus.ogg,rate22050.wav,rate11025.wav} ste/low 2>/dev/null
cp "$sounds"/float.wav ste/high
printf '%s\n' 0 $(ls ste/low | sed 's/.*/1/') >ste.txt
served sounds ste.txt "ste/high/float.wav ste/low" 'data: {train: {type: audio, folder: str, mels: 8, frames: 20, lengths: true}, test: {type: audio, folder: ste, mels: 8, frames: 20, lengths: true}, batch: 3, prepare: [standardize]}' \
  'model: {input: [20, 8], layers: [{type: gru, units: 3}, {type: dense, units: 2}]}'

# ---- lines of text, with and without labels ----
printf '%s\n' $'bad\tan awful film ☃' $'good\ta very nice film, so nice' $'good\tfine' $'bad\tugly, dull and far too long for what it is' >ltr.tsv
printf '%s\n' $'good\tnice ☃' $'bad\tdull film ✗ and ugly' $'bad\tawful' >lte.tsv
printf '1\n0\n0\n' >lte.txt
cut -f2 lte.tsv >bare.txt
line='data: {train: {type: text, file: ltr.tsv, labels: tab, unit: char, length: 16}, test: {type: text, file: lte.tsv, labels: tab, unit: char, length: 16}, batch: 2, buckets: 2}'
network='model: {input: [16], layers: [{type: embedding, vocabulary: 40, units: 3}, {type: attention, heads: 1}, global_avg_pool, {type: dense, units: 2}]}'
served lines lte.txt lte.tsv "$line" "$network"
served bare lte.txt bare.txt "$line" "$network"

# ---- what comes through a pipe is what is in the file; a sample by itself is what it is among others ----
piped() { # MODEL FILE
  code 0 predict "$1/last.safetensors" "$2" --json && sed 's/^{"input":"[^"]*",//' out.txt >plain.txt
  cat "$2" | "$gradus" predict "$1/last.safetensors" - --json 2>err.txt | sed 's/^{"input":"[^"]*",//' >piped.txt
  [[ -s plain.txt ]] && same plain.txt piped.txt "$2 through a pipe: $(head -n 1 err.txt)"
}
for one in "crop pte/bee/grey_alpha.png" "crop pte/ant/progressive.jpg" "pad pte/bee/p5.pgm" "sounds ste/low/opus.ogg" "sounds ste/high/float.wav" "lines lte.tsv" "mode te.csv" "idx te.idx" "chain-f8 te-f8.npy"; do piped $one; done
code 0 predict mode/last.safetensors te.csv --csv --keep id,kind,note && cp out.txt whole.csv
[[ $(head -n 1 whole.csv) == 'input,id,kind,note,class,label,probability_no,probability_yes' ]] || short "names: $(head -n 1 whole.csv)"
{ sed -n 1p te.csv; sed -n 5p te.csv; } >one.csv
code 0 predict mode/last.safetensors one.csv --csv --keep id,kind,note
[[ $(sed -n 2p out.txt | cut -d, -f2-) == "$(sed -n 5p whole.csv | cut -d, -f2-)" ]] || short "a row by itself is predicted otherwise"
mkdir pictures && cp pte/ant/* pte/bee/* pictures
code 0 predict crop/last.safetensors pictures --csv
[[ $(wc -l <out.txt) -eq 6 ]] || short "a folder of 5 pictures is $(wc -l <out.txt) lines"

# ---- the numbers of data view are those: a network of the same bits is trained from them ----
array() { # FILE NAME FORMAT: an array of an archive that was written without packing, a number a line
  perl -e 'my ($file, $name, $form) = @ARGV; local $/; open my $f, "<:raw", $file or die; my $s = <$f>;
    $s =~ /PK\x03\x04.{22}(..)(..)\Q$name.npy\E/s or die "no array $name"; my $at = $+[0] + unpack "v", $2; my $head = unpack "v", substr $s, $at + 8, 2;
    my $shape = substr $s, $at + 10, $head; my $n = 1; $shape =~ /\(([^)]*)\)/; $n *= $_ for grep { /\d/ } split /,/, $1;
    my $size = {"d<" => 8, "q<" => 8, "l<" => 4, "f<" => 4}->{$form}; print "$_\n" for unpack "($form)$n", substr $s, $at + 10 + $head, $n * $size' "$@"
}
code 0 data view chain-f8.yaml -o rows.npz --set precision=float64 && code 0 data view chain-f8.yaml -o part.npz --part test --set precision=float64
cat >rows.yaml <<'YAML'
gradus: 1
data: {train: {type: npz, file: rows.npz, inputs: inputs, targets: targets}, test: {type: npz, file: part.npz, inputs: inputs, targets: targets}, batch: 5}
YAML
{ grep -v -e '^data:' -e '^gradus' -e '^precision' chain-f8.yaml; echo 'precision: float64'; } >>rows.yaml
code 0 train chain-f8.yaml --out original --quiet --set precision=float64 && code 0 train rows.yaml --out rows --quiet
code 0 eval original/last.safetensors --split test --json && field out.txt cost_mean >a.txt
code 0 eval rows/last.safetensors --split test --json && field out.txt cost_mean >b.txt
same a.txt b.txt "trained from the numbers of data view"
[[ $(array rows.npz index 'q<' | tr '\n' ' ') == "$(seq -s ' ' 0 23) " ]] || short "rows are $(array rows.npz index 'q<' | tr '\n' ' ')"
finish
