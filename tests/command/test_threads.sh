#!/bin/bash
# The same bits for 1, 2 and 3 threads, on every instruction set of the machine; logging, validation and checkpoints change none.
. "$(dirname "$0")/lib.sh"
small base.yaml
sets=0
for isa in baseline avx2 avx512; do
  GRADUS_ISA=$isa "$gradus" version 2>/dev/null | grep -q "instruction set  $isa" || continue
  export GRADUS_ISA=$isa
  sets=$((sets + 1))
  for t in 1 2 3; do code 0 train base.yaml --out "$isa-$t" --threads $t --quiet; done
  same "$isa-1/last.safetensors" "$isa-2/last.safetensors" "1 and 2 threads, $isa"
  same "$isa-1/last.safetensors" "$isa-3/last.safetensors" "1 and 3 threads, $isa"
  same "$isa-1/best.safetensors" "$isa-3/best.safetensors" "best, 1 and 3 threads, $isa"
done
unset GRADUS_ISA
[[ $sets -ge 1 ]] || short "no instruction set was tried"
# Norms, trust ratios, slow weights, curvature, running statistics: whatever an update rests on is added in an order of its own
normalised="model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 3, padding: same, name: c1}, {type: batch_norm, name: n1}, relu, {type: max_pool, size: 2}, flatten, {type: dropout, rate: 0.25}, {type: dense, units: 10, name: head}]}"
for optimizer in rangerlars novograd swats "{type: adahessian, lr: 0.01}" "{type: switch, at: 9, carry: true}" schedule_free_sgd "{type: muon, lr: 0.01}" "{type: sophia, lr: 0.01}" prodigy; do
  [[ $optimizer == *muon* ]] && sam="sam: {rho: 0.1}" || sam="sam: none"
  small o.yaml "optimizer: $optimizer" "$sam" "clip: {norm: 0.5, per: layer}" "penalty: {l2: 0.001, l1: 0.0001}" "average: {type: swa, start: 0.5, cycle: 3}" "$normalised"
  for t in 1 2; do code 0 train o.yaml --out "o-$t" --threads $t --quiet --overwrite; done
  same o-1/last.safetensors o-2/last.safetensors "1 and 2 threads, $optimizer"
  same o-1/swa.safetensors o-2/swa.safetensors "the average, 1 and 2 threads, $optimizer"
done
# S1: validation leaves weights, random numbers and order alone; floor(updates / n) evaluations are logged
tensors() { tail -c +9 "$1" | sed -e '1s/^[^\n]*"data_offsets"[^\n]*//' | tail -c 20000; }
for name in none 5 7; do
  [[ $name == none ]] && line="validate: none" || line="validate: {every: $name}"
  small v.yaml "$line" "checkpoint: {every: 100, keep: 1}" "log: {every: 4}"
  code 0 train v.yaml --out "v-$name" --quiet
  tensors "v-$name/last.safetensors" >"v-$name.bits"
done
[[ $(wc -c <v-none.bits) -ge 1000 ]] || short "only $(wc -c <v-none.bits) bytes of tensors are compared"
same v-none.bits v-5.bits "without and with validation"
same v-none.bits v-7.bits "without and with validation"
steps=$(field v-5/result.json steps)
[[ $(grep -c validation_cost v-5/metrics.jsonl) -eq $((steps / 5)) ]] || short "evaluations are not floor($steps / 5)"
[[ $(grep -c validation_cost v-7/metrics.jsonl) -eq $((steps / 7)) ]] || short "evaluations are not floor($steps / 7)"
# S2: another command finds the same cost in the saved model, to the bit
code 0 eval v-5/best.safetensors --split validation --json
[[ $(field out.txt cost_mean) == "$(sed -n '/"best"/,/}/p' v-5/result.json | field /dev/stdin validation_cost)" ]] || short "eval's cost is not the run's: $(cat out.txt)"
finish
