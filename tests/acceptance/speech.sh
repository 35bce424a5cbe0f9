#!/bin/bash
# Does SpecAugment help where there is little to learn from (mission D18)? Ten spoken digits, 300 clean ones by three voices of espeak-ng to train on; to test on
# 700 by seven other voices: clean, with white noise 20 to 30 dB below the word, and with noise 0 to 10 dB below it.
# Usage: tests/acceptance/speech.sh [SEEDS [EPOCHS]]; prints a row a seed and kind of augmentation, the three accuracies, and the means. docs/experiments.md keeps what it found.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v espeak-ng >/dev/null || { echo "speech.sh: needs the Debian package espeak-ng"; exit 1; }
command -v python3 >/dev/null || { echo "speech.sh: needs python3"; exit 1; }
[[ -x build/gradus ]] || ./dev build
gradus=$PWD/build/gradus
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"

python3 - <<'PY'
import array, math, os, random, subprocess, wave
words = "zero one two three four five six seven eight nine".split()
voices = ["", "+m1", "+f1", "+m3", "+m5", "+m7", "+f2", "+f3", "+f4", "+f5"]  # the first three are heard in training
r = random.Random(0)

def read(path):
    with wave.open(path) as f:
        return f.getframerate(), array.array("h", f.readframes(f.getnframes()))

def write(path, rate, x):
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes(x.tobytes())

for word in words:
    for part in ("train", "clean", "little", "noisy"):
        os.makedirs(f"{part}/{word}", exist_ok=True)
    for i, voice in enumerate(voices):
        for k in range(10):
            part = "train" if i < 3 else "clean"
            name = f"{word}/{i}-{k}.wav"
            subprocess.run(["espeak-ng", "-v", "en" + voice, "-s", str(r.randint(110, 230)), "-p", str(r.randint(20, 80)), "-w", f"{part}/{name}", word], check=True)
            if part == "train":
                continue
            rate, x = read(f"{part}/{name}")
            power = sum(a * a for a in x) / len(x)
            for noisy, least in (("little", 20), ("noisy", 0)):
                std = math.sqrt(power / 10 ** (r.uniform(least, least + 10) / 10))
                write(f"{noisy}/{name}", rate, array.array("h", (max(-32768, min(32767, round(a + r.gauss(0, std)))) for a in x)))
PY

cat >speech.yaml <<'YAML'
gradus: 1
data:
  train: {type: audio, folder: train, mels: 40, frames: 70, shape: picture}
  test: {type: audio, folder: clean, mels: 40, frames: 70, shape: picture}
  prepare: [standardize]
  batch: 30
  shuffle: every_epoch
model:
  input: [70, 40, 1]
  layers:
    - {type: group_norm, groups: 1} # how loud a sample is does not count
    - {type: conv, filters: 12, kernel: 3, stride: 2, padding: same}
    - batch_norm
    - relu
    - {type: conv, filters: 24, kernel: 3, stride: 2, padding: same}
    - batch_norm
    - relu
    - {type: conv, filters: 48, kernel: 3, stride: 2, padding: same}
    - batch_norm
    - relu
    - global_avg_pool
    - {type: dense, units: 10}
optimizer: {type: adam, lr: 0.002}
YAML
for part in little noisy; do sed "s/folder: clean/folder: $part/" speech.yaml >$part.yaml; done
cp speech.yaml clean.yaml
declare -A augment=(
  [none]=none
  [masks]='[{type: specaugment, freq_mask: 10, freq_masks: 2, time_mask: 14, time_masks: 2, portion: 0.2}]'
  [warp]='[{type: specaugment, time_warp: 10, freq_mask: 10, freq_masks: 2, time_mask: 14, time_masks: 2, portion: 0.2}]'
)
echo "seed augment clean little noisy"
for ((seed = 1; seed <= ${1:-3}; seed++)); do
  for kind in none masks warp; do
    "$gradus" train speech.yaml --seed $seed --out run --overwrite --quiet --set stop.epochs="${2:-150}" --set data.augment="${augment[$kind]}" 2>/dev/null
    row="$seed $kind"
    for part in clean little noisy; do row+=" $("$gradus" eval run/last.safetensors --data $part.yaml --split test 2>/dev/null | sed -n 's/^test accuracy //p')"; done
    echo "$row" | tee -a rows
  done
done
awk '{ k = $2; n[k]++; for (i = 3; i <= 5; i++) { s[k, i] += $i; q[k, i] += $i * $i } }
  END { for (k in n) { printf "mean %s", k; for (i = 3; i <= 5; i++) { m = s[k, i] / n[k]; e = n[k] > 1 ? sqrt((q[k, i] / n[k] - m * m) / (n[k] - 1)) : 0; printf " %.3f +- %.3f", m, e }; print "" } }' rows
