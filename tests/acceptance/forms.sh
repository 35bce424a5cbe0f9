# Forms of a key of the recipe, held against the first of them: Fashion-MNIST, some seeds for each, means with 95 % intervals (Student's t), and the planned bytes. Sourced
# by store.sh and slots.sh.
set -euo pipefail

# compare GRADUS SEEDS KEY MEMBER UNHELD FORMS... -- ARGS of train...: KEY has %s for the form, MEMBER is of the bytes that are told; a form that matches UNHELD may be worse
compare() {
  local gradus seeds=$2 key=$3 member=$4 unheld=$5 forms=() form bytes seed accuracy root work
  gradus=$(readlink -f "$1")
  shift 5
  while [[ $1 != -- ]]; do
    forms+=("$1")
    shift
  done
  shift
  root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
  work=$(mktemp -d)
  trap "rm -rf '$work'" EXIT
  for form in "${forms[@]}"; do
    # shellcheck disable=SC2059
    printf -v set "$key" "$form"
    bytes=$("$gradus" plan "$root/recipes/fashion.yaml" --set "$set" "$@" --json 2>/dev/null | sed -nE "s/.*\"$member\": ?([0-9]+).*/\\1/p")
    for ((seed = 1; seed <= seeds; seed++)); do
      "$gradus" train "$root/recipes/fashion.yaml" --set "$set" --seed $seed "$@" --out "$work/run" --overwrite --quiet
      accuracy=$("$gradus" eval "$work/run/best.safetensors" --json 2>/dev/null | sed -nE 's/.*"accuracy": ?([0-9.e+-]+).*/\1/p')
      printf '%s\t%s\t%s\n' "$form" "$bytes" "$accuracy"
    done
  done | tee "$work/all.tsv" >&2
  awk -F'\t' -v unheld="$unheld" '
    BEGIN { split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262", t, " ") }
    !($1 in n) { order[++forms] = $1 }
    { n[$1]++; sum[$1] += $3; square[$1] += $3 * $3; bytes[$1] = $2 }
    END {
      for (i = 1; i <= forms; i++) {
        f = order[i]; mean = sum[f] / n[f]; v = n[f] > 1 ? (square[f] - n[f] * mean * mean) / (n[f] - 1) : 0
        half = n[f] > 1 ? t[n[f] - 1 > 9 ? 9 : n[f] - 1] * sqrt(v > 0 ? v / n[f] : 0) : 0
        printf "%-28s %10d bytes  accuracy %.4f +- %.4f (%d seeds)\n", f, bytes[f], mean, half, n[f]
        if (i == 1) { first = mean; width = half }
        else if (n[f] > 1 && (unheld == "" || f !~ unheld) && first - mean > width + half) bad = 1
      }
      exit bad
    }' "$work/all.tsv"
}
