#!/bin/bash
# Recomputing (M3, M4): every network of the zoo, made small, is trained to the same bits with the least memory there is, half way there, and by every rule; what
# is planned is what is taken; too small a budget says what would do.
. "$(dirname "$0")/lib.sh"
. "$here/zoo.sh"
zoo_data
total() { "$gradus" plan "$@" --json 2>err.txt | sed -nE 's/.*"total": ?([0-9]+).*/\1/p'; }
least() { # ARGS of plan: what its error says; nothing where the smallest budget is met
  "$gradus" plan "$@" --json >out.txt 2>err.txt
  sed -nE 's/.*"least_bytes": ?([0-9]+).*/\1/p' out.txt
}
weights() { # FILE: the numbers behind its header, which holds the recipe
  local n
  n=$(od -An -tu8 -N8 "$1")
  tail -c +$((n + 9)) "$1"
}
trained() { # FOLDER ARGS...: its weights and figures, which must be those of `kept`
  local folder=$1
  rm -rf "$folder"
  code 0 train "${@:2}" --out "$folder" --quiet || return
  cmp -s <(weights kept/last.safetensors) <(weights "$folder/last.safetensors") || short "$*: other weights"
  [[ $(field "$folder/result.json" peak_bytes) == $(field "$folder/result.json" planned_bytes) ]] || short "$*: peak_bytes is not what was planned"
}
recomputed=0
for recipe in "$here"/../../recipes/zoo/*.yaml; do
  name=$(basename "$recipe" .yaml)
  cp "$recipe" zoo.yaml
  case $name in deq-small | lstm-classifier) continue ;; esac # loops: below
  zoo_sets "$name" "$recipe"
  args=(zoo.yaml "${sets[@]}" --set 'stop={steps: 2}' --set validate=none --set checkpoint=none)
  rm -rf kept
  code 0 train "${args[@]}" --out kept --quiet || continue
  all=$(total "${args[@]}") few=$(least "${args[@]}" --budget 1)
  [[ $all && $few && $few -le $all ]] || { short "$name: all $all, least $few"; continue; }
  trained least "${args[@]}" --set memory="$few"
  rm -rf none
  bad 4 "$few" train "${args[@]}" --out none --set memory=$((few - 1))
  half=$(((all + few) / 2))
  trained half "${args[@]}" --set memory=$half --set threads=2
  [[ $(field half/result.json planned_bytes) -le $half ]] || short "$name: more than $half bytes are planned"
  for way in chen '{every: 2}' sqrt '{revolve: 2}'; do trained "way" "${args[@]}" --set "remat=$way"; done
  [[ $few -lt $all ]] && recomputed=$((recomputed + 1))
done
[[ $recomputed -ge 12 ]] || short "only $recomputed networks of the zoo take less when they recompute"
finish
