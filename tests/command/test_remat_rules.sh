#!/bin/bash
# Keeping to a budget (M3, M4), from plans of the zoo made small: no rule that takes as many bytes is faster than `auto`, nor `auto` than `optimal`, whose bound no plan goes
# below, and which `auto` is within 5 % of where it is known; the same plan each time; a byte below the least is refused. GRADUS_ALL=1 asks all of all networks, some minutes.
. "$(dirname "$0")/lib.sh"
. "$here/zoo.sh"
. "$here/remat.sh"
zoo_data
some='^(lenet5|simple-cnn|squeezenet|mlp|lstm-classifier)$' ways=(sqrt '{every: 2}' '{every: 3}') rules=0 known=0 turn=0
nm "$gradus" 2>/dev/null | grep -qE '__asan_init|__tsan_init' && tried=$some wanted=2 || tried=. wanted=8

said() { # FILE: total bytes, predicted seconds, bound (0: none), gap
  perl -MJSON::PP -e 'local $/; open F, shift; my $j = decode_json <F>; printf "%d %.17g %.17g %.17g\n", $j->{bytes}{total}, $j->{predicted_seconds}, $j->{bound_seconds} // 0, $j->{gap} // -1' "$1"
}
least_than() { # A B: A is not above B but for rounding
  awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b * (1 + 1e-9)) }'
}
for recipe in "$here"/../../recipes/zoo/*.yaml; do
  name=$(basename "$recipe" .yaml)
  [[ $name =~ $tried ]] || continue
  zoo_args "$name" "$recipe"
  all=$(planned total "${args[@]}")
  for way in ${GRADUS_ALL:+"${ways[@]}"} "${ways[turn++ % 3]}"; do
    code 0 plan "${args[@]}" --set "remat=$way" --json || continue
    read -r bytes seconds _ < <(said out.txt)
    code 0 plan "${args[@]}" --budget "$bytes" --json || continue # never more bytes: else it were exit 4
    read -r auto_bytes auto_seconds _ < <(said out.txt)
    [[ $auto_bytes -le $bytes ]] || short "$name, $way: auto takes $auto_bytes of $bytes bytes"
    least_than "$auto_seconds" "$seconds" || short "$name, $way: auto takes $auto_seconds s, the rule $seconds s"
    rules=$((rules + (bytes < all)))
  done
  [[ $name =~ $some || ${GRADUS_ALL:-} ]] || continue
  least=$(least_of "${args[@]}" --set remat=optimal)
  bad 4 "$least" plan "${args[@]}" --budget $((least - 1)) --set remat=optimal
  for part in 10 50; do
    budget=$((least + (all - least) * part / 100))
    auto_seconds=1e99 # `optimal` may keep to less than `auto` can
    "$gradus" plan "${args[@]}" --budget "$budget" --json >out.txt 2>err.txt && read -r _ auto_seconds _ < <(said out.txt)
    code 0 plan "${args[@]}" --budget "$budget" --set remat=optimal --json || continue
    cp out.txt first.txt
    code 0 plan "${args[@]}" --budget "$budget" --set remat=optimal --json
    same out.txt first.txt "$name: the same plan twice"
    read -r bytes seconds bound gap < <(said out.txt)
    [[ $bytes -le $budget ]] || short "$name: optimal takes $bytes of $budget bytes"
    least_than "$seconds" "$auto_seconds" || short "$name: optimal takes $seconds s, auto $auto_seconds s"
    least_than "$bound" "$seconds" || short "$name: $seconds s is below the bound of $bound s"
    [[ $gap == 0 && $auto_seconds != 1e99 ]] || continue
    known=$((known + 1))
    awk -v a="$auto_seconds" -v b="$seconds" 'BEGIN { exit !(a <= 1.05 * b) }' || short "$name: auto takes $auto_seconds s, $seconds s are the best"
  done
done
[[ $rules -ge $wanted && $known -ge 3 ]] || short "only $rules rules took less than all, only $known optima were known"
finish
