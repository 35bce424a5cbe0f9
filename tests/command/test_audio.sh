#!/bin/bash
# Sounds from folders: a network learns tones from WAV files, and predicts files and folders of them by name; what is damaged, missing or meant otherwise is one line.
. "$(dirname "$0")/lib.sh"
sounds=$(readlink -f "$here/../fixtures/sounds")

# FILE HERTZ SECONDS [RATE [CHANNELS]]: a tone with a little noise, 16 bits
tone() {
  perl -e '
    my ($hertz, $seconds, $rate, $channels) = @ARGV;
    my ($n, $state, $data) = (int($seconds * $rate), int($hertz * 7919) % 65521 + 1, "");
    for my $i (0 .. $n - 1) {
      $state = $state * 17364 % 65521;
      my $x = int(9000 * sin(6.283185307 * $hertz * $i / $rate) + 600 * ($state / 65521 - 0.5));
      $data .= pack("s<", $x) x $channels;
    }
    print pack("a4 V a4 a4 V v v V V v v a4 V", "RIFF", 36 + length $data, "WAVE", "fmt ", 16, 1, $channels, $rate, $rate * $channels * 2, $channels * 2, 16,
      "data", length $data), $data;' "$2" "$3" "${4:-16000}" "${5:-1}" >"$1"
}

mkdir -p tones/low tones/high tones/middle test/low test/high test/middle
for i in $(seq 12); do
  tone tones/low/$i.wav $((200 + 13 * i)) 0.2
  tone tones/middle/$i.wav $((900 + 31 * i)) 0.$((170 + 5 * i)) $((i % 2 ? 22050 : 16000))
  tone tones/high/$i.wav $((2500 + 57 * i)) 0.25 $((i % 3 ? 16000 : 8000)) 2
done
for i in 1 2 3; do
  tone test/low/$i.wav $((206 + 40 * i)) 0.2
  tone test/middle/$i.wav $((950 + 90 * i)) 0.2
  tone test/high/$i.wav $((2600 + 150 * i)) 0.2
done
echo "not a sound" >tones/README
cat >tones.yaml <<'YAML'
gradus: 1
seed: 3
data:
  train: {type: audio, folder: tones, mels: 24, frames: 18}
  validation: {split: 0.25}
  test: {type: audio, folder: test, mels: 24, frames: 18}
  prepare: [standardize]
  batch: 9
model: {input: [18, 24], layers: [{type: conv, filters: 8, kernel: 5}, relu, global_avg_pool, {type: dense, units: 3}]}
optimizer: {type: adam, lr: 0.01}
stop: {epochs: 12}
YAML

# ---- learning, and what the model then says of files ----
code 0 plan tones.yaml --json
total=$(field out.txt total)
code 0 train tones.yaml --out run && has err.txt 'tones: 1 other file'
[[ $(field run/result.json peak_bytes) == "$total" ]] || short "peak_bytes is $(field run/result.json peak_bytes), not what plan says, $total"
code 0 eval run/best.safetensors --split test --json
[[ $(field out.txt accuracy) == 1 ]] || short "tones are not learned: $(cat out.txt)"
for word in low middle high; do
  code 0 predict run/best.safetensors test/$word/2.wav
  has out.txt "^test/$word/2.wav +$word "
done
code 0 predict run/best.safetensors test/high
[[ $(grep -cE '^test/high.* high  ' out.txt) -eq 3 ]] || short "a folder is not predicted: $(cat out.txt)"
cp "$sounds"/tone.wav "$sounds"/flac24.flac "$sounds"/vorbis.ogg . # 1 kHz, and others that real tools wrote
code 0 predict run/best.safetensors tone.wav && has out.txt '^tone.wav +middle '
code 0 predict run/best.safetensors flac24.flac
code 0 predict run/best.safetensors vorbis.ogg

LC_ALL=C grep -aqE '"gradus.libraries": ?"libsndfile-[0-9.]+, libsamplerate-[0-9.]+' run/checkpoints/* || short "checkpoints do not say what decoded the sounds"

# ---- the same bits: threads, a run that was stopped, samples that are read when they are wanted, float64 ----
code 0 train tones.yaml --out two --threads 2 --quiet
same run/last.safetensors two/last.safetensors "two threads"
code 0 train tones.yaml --out half --quiet --set stop.steps=7
code 0 train tones.yaml --out half --quiet --resume
same run/last.safetensors half/last.safetensors "stopped and resumed"
code 0 train tones.yaml --out wide --quiet --set precision=float64 --set stop.epochs=1

code 0 train tones.yaml --out read --quiet --set hold=4K
same run/last.safetensors read/last.safetensors "sounds that are not held"
sed 's/  batch: 9/  augment: [{type: specaugment, time_warp: 4, freq_mask: 5, freq_masks: 2, time_mask: 6, portion: 0.3}, {type: noise, std: 0.1}]\n&/' tones.yaml >changed.yaml
code 0 train changed.yaml --out changed --quiet
differ run/last.safetensors changed/last.safetensors "with and without changes"
code 0 train changed.yaml --out other --quiet --set hold=4K --set workers=3 --threads 2
same changed/last.safetensors other/last.safetensors "changed by other workers"
bad 2 'changed.yaml:.*\[frames, bands\]' train changed.yaml --out wrong --set 'data.train={type: synthetic, kind: blobs, features: 8}' --set 'data.test=none' --set 'model.input=[8]' \
  --set 'model.layers=[{type: dense, units: 3}]'

# ---- sequences with lengths, pictures, labels in a table ----
sed 's/frames: 18/lengths: true/; s/conv, filters: 8, kernel: 5}, relu, global_avg_pool/lstm, units: 8}/; s/epochs: 12/epochs: 2/' tones.yaml >lengths.yaml
code 0 train lengths.yaml --out lengths --quiet
code 0 predict lengths/best.safetensors test/low/1.wav
grep -q 'trained with lengths' err.txt && short "predicting takes no lengths"
sed 's/frames: 18/frames: 18, shape: picture/; s/input: \[18, 24\]/input: [18, 24, 1]/; s/kernel: 5/kernel: [3, 5]/; s/epochs: 12/epochs: 2/' tones.yaml >picture.yaml
code 0 train picture.yaml --out picture --quiet
{ echo file,label; for f in tones/*/*.wav; do echo "$f,$(basename "$(dirname "$f")")"; done; } >labels.csv
sed 's/folder: tones/folder: ., labels: labels.csv/; s/epochs: 12/epochs: 1/' tones.yaml >labels.yaml
code 0 train labels.yaml --out labels --quiet
code 0 predict labels/best.safetensors test/low/1.wav && has out.txt '^test/low/1.wav +(low|middle|high) '

# ---- what is wrong: one line, nothing half written ----
refuse() { # CODE PATTERN EDIT: of the recipe, by sed
  sed "$3" tones.yaml >wrong.yaml
  bad "$1" "$2" train wrong.yaml --out wrong
  [[ ! -e wrong ]] || { short "$3 leaves a run behind"; rm -rf wrong; }
}
mkdir -p empty none/a none/b damaged/a damaged/b
cp test/low/1.wav damaged/a/1.wav && cp test/low/2.wav damaged/a/2.wav && cp test/low/3.wav damaged/b/3.wav
head -c 3000 test/low/1.wav >damaged/b/4.wav
cp tone.wav none/a && echo text >none/b/x.txt
refuse 3 'wrong.yaml:4.*"[^"]*damaged/b/4.wav" is cut off: its sound should have 6400 bytes, but 2956 are left' 's/folder: tones/folder: damaged/'
refuse 3 'wrong.yaml:4.*empty" is empty' 's/folder: tones/folder: empty/'
refuse 3 'none/b" holds no sound: WAV, FLAC and OGG are read' 's/folder: tones/folder: none/'
refuse 3 'nowhere' 's/folder: tones/folder: nowhere/'
refuse 2 'wrong.yaml:4.*rate.*100' 's/folder: tones/folder: tones, rate: 100/'
refuse 2 'wrong.yaml:4.*"25" is not a time' 's/folder: tones/folder: tones, window: 25/'
refuse 2 'wrong.yaml:4.*25 h' 's/folder: tones/folder: tones, hop: 25 h/'
refuse 2 'wrong.yaml:4.*0.01 ms at 16000 samples a second are 0 samples' 's/folder: tones/folder: tones, window: 0.01 ms/'
refuse 2 'wrong.yaml:4.*10 s at 16000' 's/folder: tones/folder: tones, hop: 10 s/'
refuse 2 'mels' 's/folder: tones, mels: 24/folder: tones, mels: 0/'
refuse 2 'frames' 's/frames: 18/frames: 0/'
refuse 2 'lengths' 's/frames: 18/frames: 18, shape: picture, lengths: true/'
refuse 2 'shape' 's/frames: 18/frames: 18, shape: image/'
refuse 3 '\[20,24\].*\[18,24\]|\[18,24\].*\[20,24\]' 's/frames: 18/frames: 20/'
sed 's/folder: tones/folder: damaged, on_error: skip/; s/split: 0.25/split: 0.34/; s/epochs: 12/epochs: 1/; s/units: 3/units: 2/; /test:/d; s/batch: 9/batch: 2/' tones.yaml >skip.yaml
code 0 train skip.yaml --out skip && has err.txt 'left out: .*damaged/b/4.wav' && has err.txt '1 sound is left out'
bad 3 'cut off' predict run/best.safetensors damaged/b/4.wav
bad 3 'no sound' predict run/best.safetensors none/b/x.txt
bad 3 'holds no sound' predict run/best.safetensors none/b
bad 3 'nowhere.wav' predict run/best.safetensors nowhere.wav

# Lengths count the steps of samples as they come, so no step may give these another shape
bad 2 'prepare.*samples of the input "input" have lengths' train tones.yaml --out no --set data.train.lengths=true --set 'data.prepare=[{type: resize, size: [9, 24]}]' --set 'model.input=[9, 24]'
[[ -e no ]] && short "a run that was refused left something"
finish
