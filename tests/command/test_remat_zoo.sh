#!/bin/bash
# Recomputing (M3, M4): every network of the zoo, made small, is trained to the same bits with half of the memory that recomputing can save, on two threads, as when
# all is kept, and what was planned is what was taken. The least is refused a byte of. tests/acceptance/remat.sh goes through all ways.
. "$(dirname "$0")/lib.sh"
. "$here/zoo.sh"
. "$here/remat.sh"
zoo_data
recomputed=0 wanted=15
nm "$gradus" 2>/dev/null | grep -qE '__asan_init|__tsan_init' && slow='^(resnet50|vgg16-bn|vgg16|mobilenet-v2|efficientnet-lite0|bert-base|gpt2-small)$' wanted=9 || slow='^$'
for recipe in "$here"/../../recipes/zoo/*.yaml; do
  name=$(basename "$recipe" .yaml)
  [[ ! $name =~ $slow ]] || continue # too much for a sanitizer
  zoo_args "$name" "$recipe"
  all=$(planned total "${args[@]}")
  least=$(least_of "${args[@]}")
  [[ $all && $least && $least -le $all ]] || { short "$name: all $all, least $least"; continue; }
  half=$(((all + least) / 2))
  keep_all "${args[@]}"
  alike half "${args[@]}" --set memory=$half --set threads=2
  [[ $(field half/result.json planned_bytes) -le $half ]] || short "$name: more than $half bytes are planned"
  bad 4 "$least" plan "${args[@]}" --budget $((least - 1))
  code 0 plan "${args[@]}" --budget "$least"
  [[ $least -lt $all ]] && recomputed=$((recomputed + 1))
done
[[ $recomputed -ge $wanted ]] || short "only $recomputed networks of the zoo take less when they recompute"
finish
