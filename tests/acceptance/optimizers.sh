#!/bin/bash
# Which optimizer finds the lower error on the same budget (missions G10, O28)? Each gets seven learning rates around its default, the one with the lowest
# validation error (seed 1) is trained again with new seeds, and these models meet the test pictures once; how sharp their minima are is measured too. The
# others' settings stay at their defaults.
# Usage: tests/acceptance/optimizers.sh [FOLDER [OPTIMIZER...]]; writes docs/optimizers.md. Runs that FOLDER (runs/optimizers) has already are not repeated.
# SEEDS (3) after the choice; BATCHES ("64 512"); JOBS at a time (as many as there are processors).
set -euo pipefail
cd "$(dirname "$0")/../.."
OUT=${1:-runs/optimizers}
[[ $# -gt 0 ]] && shift
NAMES=("$@")
[[ ${#NAMES[@]} -gt 0 ]] || NAMES=(sgdm adam lamb ranger rangerlars radam adamw nadam lion adan schedule_free_sgd schedule_free_adamw muon sophia prodigy sam ema)
SEEDS=${SEEDS:-3} BATCHES=${BATCHES:-64 512} JOBS=${JOBS:-$(nproc)}
FACTORS=(0.1 0.3 1 3 10 30 100)
./dev build >/dev/null
mkdir -p "$OUT"
cp build/gradus "$OUT/gradus" # the same one for all, whatever is built meanwhile
export OUT

# What stands around an optimizer goes by the optimizer that it stands around.
inner() { case $1 in sam) echo sgdm ;; ema) echo adam ;; *) echo "$1" ;; esac }

default_rate() { "$OUT/gradus" explain "$(inner "$1")" | awk '$1 == "lr" { print $2; exit }'; }

field() { sed -nE "s/.*\"$1\":(\[\{\"value\":)?(-?[0-9.e+-]+).*/\2/p"; }

# NAME LR: --set options, a line each. All rates of a method keep their proportions; schedule-free methods have no schedule; an average over 1000 updates
# would hold the first weights of a run of 471 to the end, so EMA has its warm-up.
settings() {
  local method more=
  method=$(inner "$1")
  case $1 in
    muon) more=", other_lr: $(awk -v x="$2" 'BEGIN { printf "%.6g", x * 3e-4 / 0.02 }')" ;;
    schedule_free_*) printf '%s\n' --set schedule=constant ;;
    sam) printf '%s\n' --set "sam={rho: 0.05}" ;;
    ema) printf '%s\n' --set "average={type: ema, warmup: true}" ;;
  esac
  printf '%s\n' --set "optimizer={type: $method, lr: $2$more}"
}

# BATCH OPTIMIZER LR SEED: one training; its file holds the validation error, and for seeds above 1 the test accuracy, the average trace of the Hessian and
# its largest eigenvalue, of the cost of 300 training pictures
train() {
  local options row=$OUT/$1-$2-$3-$4 error=diverged accuracy=- sharp=- trace=- largest=-
  [[ -s $row ]] && return 0
  mapfile -t options < <(settings "$2" "$3")
  if "$OUT/gradus" train tests/acceptance/optimizers.yaml --out "$row.run" --overwrite --quiet --threads 1 --seed "$4" --set data.batch="$1" \
    "${options[@]}" 2>/dev/null; then
    error=$(sed -n '/"best"/,/}/s/.*"validation_error": \([0-9.e-]*\).*/\1/p' "$row.run/result.json")
    if [[ $4 -gt 1 ]]; then
      accuracy=$("$OUT/gradus" eval "$row.run/best.safetensors" 2>/dev/null | sed -n 's/^test accuracy //p')
      sharp=$("$OUT/gradus" curvature "$row.run/best.safetensors" --samples 300 --threads 1 --json)
      trace=$(field average_trace <<<"$sharp") largest=$(field largest <<<"$sharp")
    fi
  fi
  rm -rf "$row.run"
  echo "$1 $2 $3 $4 $error $accuracy $trace $largest" >"$row.part"
  mv "$row.part" "$row"
  cat "$row"
}
export -f train field settings inner

all() { xargs -P "$JOBS" -n 4 bash -euo pipefail -c 'train "$@"' train; }

rates() { # OPTIMIZER
  local base f
  base=$(default_rate "$1")
  for f in "${FACTORS[@]}"; do awk -v b="$base" -v f="$f" 'BEGIN { printf "%.6g\n", b * f }'; done
}

chosen() { # BATCH OPTIMIZER: the rate with the lowest validation error
  local lr
  for lr in $(rates "$2"); do cat "$OUT/$1-$2-$lr-1"; done | awk '$5 != "diverged" && (best == "" || $5 < best) { best = $5; lr = $3 } END { print lr }'
}

for batch in $BATCHES; do
  for name in "${NAMES[@]}"; do
    for lr in $(rates "$name"); do echo "$batch $name $lr 1"; done
  done
done | all
for batch in $BATCHES; do
  for name in "${NAMES[@]}"; do
    lr=$(chosen "$batch" "$name")
    for ((seed = 2; seed <= SEEDS + 1; seed++)); do [[ -z $lr ]] || echo "$batch $name $lr $seed"; done
  done
done | all

# ---- the page ----

percent() { awk '{ printf "%.2f", 100 * $1 }'; }

table() { # BATCH, best first
  local name lr cells row best
  for name in "${NAMES[@]}"; do
    lr=$(chosen "$1" "$name")
    cells=
    for row in $(rates "$name"); do
      best=$(awk '{ print $5 }' "$OUT/$1-$name-$row-1")
      [[ $best == diverged ]] || best=$(percent <<<"$best")
      [[ $row != "$lr" ]] || best="**$best**"
      cells+=" $row: $best |"
    done
    for ((seed = 2; seed <= SEEDS + 1; seed++)); do cat "$OUT/$1-$name-$lr-$seed"; done |
      awk -v name="$name" -v lr="$lr" -v cells="$cells" '{ a = 100 * $6; s += a; q += a * a; n++; t += $7; e += $8; if (n == 1 || a < low) low = a }
        END { m = s / n; d = n > 1 ? (q - n * m * m) / (n - 1) : 0; printf "%.6f | %s |%s %s | %.2f | %.2f | %.2f | %.4f | %.0f |\n", m, name, cells, lr, m, sqrt(d < 0 ? 0 : d), low, t / n, e / n }'
  done | sort -rn | sed "s/^[0-9.]* //"
}

reading=$(sed -n '/^## What it says/,$p' docs/optimizers.md 2>/dev/null || true)
{
  cat <<TEXT
# Optimizers on Fashion-MNIST: the same budget for each

\`tests/acceptance/optimizers.sh\` made this page: LeNet-5 (61,706 parameters, \`tests/acceptance/optimizers.yaml\`) on 10,000 training pictures, 3 epochs, the rate falling in a
straight line to 0. **Each optimizer gets the same budget**: seven learning rates, 0.1 to 100 times its default, one training each (seed 1). The rate with the
lowest validation error (6,000 other pictures; in bold) is trained again with $SEEDS new seeds, and those models meet the 10,000 test pictures once. Everything else of an optimizer stays at its default, so none is tuned as far as it could be. Losers are shown like winners.
But for: Muon's second rate, which moves with the first; \`schedule_free_sgd\` and \`schedule_free_adamw\`, which have a constant rate, as they are made for; \`sam\`, SGDM with \`sam: {rho: 0.05}\`, each update twice the work of all others;
and \`ema\`, Adam with \`average: {type: ema, warmup: true}\`, of which the better of trained and averaged weights is taken.
Sharpness is that of \`gradus curvature\` at the same models: the average trace of the Hessian of the cost over 300 training pictures (mean curvature a weight), and its largest eigenvalue.

TEXT
  for batch in $BATCHES; do
    echo "## Batches of $batch"
    echo
    echo "| optimizer | validation error, %, at rate | | | | | | | chosen rate | test accuracy, %: mean of $SEEDS seeds | standard deviation | worst seed | average trace | largest eigenvalue |"
    echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    table "$batch"
    echo
  done
  printf '%s\n' "${reading:-## What it says}"
} >docs/optimizers.md.part
mv docs/optimizers.md.part docs/optimizers.md
