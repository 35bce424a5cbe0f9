#!/bin/bash
# Does the rate that `gradus lr` suggests train as well as the best of its grid [mission H8]? Each recipe is trained at all eleven rates from three seeds; the
# mean validation error at the suggested one must lie within 10 % of the least mean. Recipes keep their schedules, over STEPS updates.
# Usage: tests/acceptance/rates.sh [demo|lenet5|lstm-classifier]...; half an hour on two processors. STEPS (400; the demo's 300), SEEDS (3)
# of the trainings, LR_SEEDS (3) of the grid, HALVES (-10 ... 0): which rates are trained, as halves of powers of ten.
set -euo pipefail
cd "$(dirname "$0")/../.."
[[ $# -gt 0 ]] || set -- demo lenet5 lstm-classifier
SEEDS=${SEEDS:-3} LR_SEEDS=${LR_SEEDS:-3} short=0
read -ra HALVES <<<"${HALVES:--10 -9 -8 -7 -6 -5 -4 -3 -2 -1 0}"
./dev build >/dev/null
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cp build/gradus "$out/gradus" # the same one for all, whatever is built meanwhile
for name in "$@"; do
  recipe=recipes/zoo/$name.yaml steps=${STEPS:-400}
  [[ $name != demo ]] || recipe=recipes/fashion.yaml steps=${STEPS:-300}
  "$out/gradus" lr "$recipe" --seeds "$LR_SEEDS" --threads 1 --json >"$out/lr.json"
  suggested=$(sed -nE 's/.*"suggested":([0-9.e-]+).*/\1/p' "$out/lr.json")
  echo "$name: suggested $(printf %.3g "$suggested"); $(sed -nE 's/.*"why":"([^"]*)".*/\1/p' "$out/lr.json")"
  : >"$out/errors"
  for half in "${HALVES[@]}"; do
    rate=$(awk -v h=$half 'BEGIN { printf "%.9g", 10 ^ (h / 2) }')
    for ((seed = 1; seed <= SEEDS; seed++)); do
      error=1 # where it diverges
      if "$out/gradus" train "$recipe" --set optimizer.lr="$rate" --set stop.epochs=none --set stop.steps=$steps --seed $seed --threads 1 --out "$out/run" --overwrite \
        --quiet 2>/dev/null; then
        error=$(sed -n '/"best"/,/}/s/.*"validation_error": \([0-9.e-]*\).*/\1/p' "$out/run/result.json")
      fi
      echo "$rate $error" >>"$out/errors"
    done
  done
  awk -v s="$suggested" -v n="$SEEDS" '
    { sum[$1] += $2 / n; if (!($1 in at)) { at[$1] = 1; rate[++k] = $1 } }
    END {
      for (i = 1; i <= k; i++) {
        r = rate[i]
        printf "  %-10.3g %.4f\n", r, sum[r]
        if (i == 1 || sum[r] < sum[best]) best = r
        if (i == 1 || (r / s - 1) ^ 2 < (mine / s - 1) ^ 2) mine = r
      }
      printf "  validation error at %.3g: %.4f; the least, at %.3g: %.4f; %s\n", mine, sum[mine], best, sum[best], (held = sum[mine] <= 1.1 * sum[best]) ? "held" : "SHORT"
      exit !held
    }' "$out/errors" || short=1
done
exit $short
