#!/bin/bash
# Does SpecAugment help where there is little to learn from (mission D18)? Ten spoken digits, 300 clean ones by three voices of espeak-ng to train on, 700 by seven other voices with white noise to test on.
# Usage: tests/acceptance/speech.sh [SEEDS [EPOCHS]]; prints a row a seed, test accuracies without and with each kind of augmentation, and the means. docs/experiments.md keeps what it found.
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
    for part in ("train", "test"):
        os.makedirs(f"{part}/{word}", exist_ok=True)
    for i, voice in enumerate(voices):
        for k in range(10):
            part = "train" if i < 3 else "test"
            path = f"{part}/{word}/{i}-{k}.wav"
            subprocess.run(["espeak-ng", "-v", "en" + voice, "-s", str(r.randint(110, 230)), "-p", str(r.randint(20, 80)), "-w", path, word], check=True)
            if part == "train":
                continue
            rate, x = read(path)  # white noise, 0 to 10 dB below the word
            power = sum(a * a for a in x) / len(x)
            std = math.sqrt(power / 10 ** (r.uniform(0, 10) / 10))
            write(path, rate, array.array("h", (max(-32768, min(32767, round(a + r.gauss(0, std)))) for a in x)))
PY

cat >speech.yaml <<'YAML'
gradus: 1
data:
  train: {type: audio, folder: train, mels: 40, frames: 70, shape: picture}
  test: {type: audio, folder: test, mels: 40, frames: 70, shape: picture}
  prepare: [standardize]
  batch: 30
  shuffle: every_epoch
model:
  input: [70, 40, 1]
  layers:
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
declare -A augment=(
  [none]=none
  [masks]='[{type: specaugment, freq_mask: 10, freq_masks: 2, time_mask: 14, time_masks: 2, portion: 0.2}]'
  [warp]='[{type: specaugment, time_warp: 10, freq_mask: 10, freq_masks: 2, time_mask: 14, time_masks: 2, portion: 0.2}]'
  [SM]='[{type: specaugment, policy: SM}]'
  [noise]='[{type: noise, std: 2}]'
)
kinds=(none masks warp SM noise)
echo "seed ${kinds[*]}"
for ((seed = 1; seed <= ${1:-5}; seed++)); do
  row=$seed
  for kind in "${kinds[@]}"; do
    "$gradus" train speech.yaml --seed $seed --out run --overwrite --quiet --set stop.epochs="${2:-40}" --set data.augment="${augment[$kind]}" 2>/dev/null
    row+=" $("$gradus" eval run/last.safetensors --split test 2>/dev/null | sed -n 's/^test accuracy //p')"
  done
  echo "$row" | tee -a rows
done
awk '{ n = NF; for (i = 2; i <= NF; i++) { s[i] += $i; q[i] += ($i - $2) ^ 2; d[i] += $i - $2 } }
  END { printf "mean"; for (i = 2; i <= n; i++) printf " %.4f", s[i] / NR; print ""
    printf "against none, and standard error"; for (i = 3; i <= n; i++) { m = d[i] / NR; printf "  %+.4f %.4f", m, NR > 1 ? sqrt((q[i] / NR - m * m) / (NR - 1)) : 0 }; print "" }' rows
