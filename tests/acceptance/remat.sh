#!/bin/bash
# Every network of the zoo, made small, by every way to recompute, and with the least memory: the weights must have the bits of a training that keeps all. Some
# minutes. Then what each way takes on two large networks (plans alone): memory, and predicted time beside what the same memory allows. Usage:
# tests/acceptance/remat.sh; GRADUS: another command than build/gradus. docs/memory.md keeps what it found.
set -u
cd "$(dirname "$0")/../.."
[[ -n ${GRADUS:-} ]] || ./dev build
set -- "$(readlink -f "${GRADUS:-build/gradus}")"
. tests/command/lib.sh
here=$here/../command
. "$here/zoo.sh"
. "$here/remat.sh"
zoo_data
for recipe in "$here"/../../recipes/zoo/*.yaml; do
  name=$(basename "$recipe" .yaml)
  zoo_args "$name" "$recipe"
  keep_all "${args[@]}"
  alike least "${args[@]}" --set memory="$(least_of "${args[@]}")"
  for way in chen sqrt '{every: 2}' '{every: 3}' '{revolve: 2}' '{revolve: 4}'; do alike way "${args[@]}" --set "remat=$way"; done
  echo "$name: all $(planned total "${args[@]}") bytes, least $(least_of "${args[@]}")"
done
GRADUS_ALL=1 bash "$here/test_remat_rules.sh" "$gradus" || short "rules against auto, auto against optimal"
for name in resnet50 vgg16-bn; do
  cat >large.yaml <<YAML
gradus: 1
data: {train: {type: synthetic, kind: digits, n: 64, size: 224, seed: 1}, batch: 16, prepare: [standardize]}
model: {zoo: $name, classes: 10, input: [224, 224, 1]}
optimizer: sgd
YAML
  echo "$name: $(planned total large.yaml) bytes, $(planned predicted_seconds large.yaml) s; least $(least_of large.yaml) bytes"
  for bytes in 460000000 500000000 700000000 1000000000; do
    [[ $name == resnet50 ]] || break
    echo "$name, $bytes bytes: auto $(planned predicted_seconds large.yaml --budget $bytes) s, optimal $(planned predicted_seconds large.yaml --budget $bytes --set remat=optimal) s, at least $(planned bound_seconds large.yaml --budget $bytes --set remat=optimal) s"
  done
  for way in chen sqrt '{every: 2}' '{every: 4}' '{revolve: 4}'; do
    bytes=$(planned total large.yaml --set "remat=$way")
    echo "$name, $way: $bytes bytes, $(planned predicted_seconds large.yaml --set "remat=$way") s; auto $(planned predicted_seconds large.yaml --budget "$bytes") s"
  done
done
finish
