#!/bin/bash
# Norms and activations with parameters in whole runs: statistics through a resume and over threads, frozen ones, what weight decay and `init` leave alone.
. "$(dirname "$0")/lib.sh"

# FILE NAME: the tensor's numbers, float32
tensor() {
  local bytes header first last
  bytes=$(od -An -tu8 -N8 "$1" | tr -d ' ')
  header=$(tail -c +9 "$1" | head -c "$bytes")
  read -r first last < <(grep -oE "\"$2\": ?\{[^}]*\}" <<<"$header" | sed -nE 's/.*"data_offsets": ?\[([0-9]+), ?([0-9]+)\].*/\1 \2/p')
  [[ -n ${last:-} ]] || { echo "no $2"; return; }
  od -An -v -tf4 -w4 -j $((8 + bytes + first)) -N $((last - first)) "$1" | tr -d ' '
}
model() { echo "model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 3, padding: same, name: c1}, $1, {type: max_pool, size: 2}, flatten, {type: dense, units: 10, name: head}]}"; }

# The mean over all batches needs their number, which a resumed run goes on from
small r.yaml "$(model '{type: batch_norm, momentum: cumulative, name: n}, {type: prelu, name: a}')" "schedule: constant"
code 0 train r.yaml --out whole --quiet
code 0 train r.yaml --out part --quiet --set stop.steps=5
code 0 train r.yaml --out part --quiet --resume
same whole/last.safetensors part/last.safetensors "cumulative statistics, resumed"
code 0 train r.yaml --out one --quiet --threads 1
same whole/last.safetensors one/last.safetensors "cumulative statistics on one thread"
code 0 train r.yaml --out usual --quiet --set model.layers[1].momentum=0.1
[[ $(tensor whole/last.safetensors n.running_mean) != $(tensor usual/last.safetensors n.running_mean) ]] || short "cumulative statistics are those of a momentum"
tensor whole/last.safetensors n.batches | grep -qx "no n.batches" || short "the model holds the number of batches"

# Frozen: the statistics stay as they started, the scale moves
code 0 train r.yaml --out frozen --quiet --set 'model.layers[1]={type: batch_norm, frozen: true, name: n}'
[[ $(tensor frozen/last.safetensors n.running_mean | sort -u) == 0 ]] || short "a frozen mean moves"
[[ $(tensor frozen/last.safetensors n.running_var | sort -u) == 1 ]] || short "a frozen variance moves"
[[ $(tensor frozen/last.safetensors n.weight | sort -u | wc -l) -gt 1 ]] || short "the scale of a frozen layer does not move"

# Slopes start as their layer says, whatever `init` has; a decay that leaves nothing of weights leaves them
small p.yaml "$(model '{type: prelu, name: a}')" "init: {weights: zeros}"
code 0 init p.yaml -o p.safetensors --set model.layers[1].slope=0.125
[[ $(tensor p.safetensors a.weight | sort -u) == 0.125 ]] || short "slopes start at $(tensor p.safetensors a.weight | sort -u | head -n 2)"
[[ $(tensor p.safetensors a.weight | wc -l) -eq 6 ]] || short "not a slope a channel"
code 0 init p.yaml -o q.safetensors --set 'model.layers[1]={type: prelu, shared: true, name: a}' && [[ $(tensor q.safetensors a.weight) == 0.25 ]] || short "shared slopes are not one"
code 0 init p.yaml -o i.safetensors --set 'model.layers[0]={type: conv, filters: 6, kernel: 3, activation: prelu, name: c1, init: {weights: zeros}}'
[[ $(tensor i.safetensors c1.activation.weight | sort -u) == 0.25 ]] || short "a layer's own init reaches the slopes of its activation"
code 0 train p.yaml --out decay --quiet --set 'optimizer={type: sgd, lr: 0.05, weight_decay: 20}' --set init=null --set schedule=constant --set stop.steps=1
[[ $(tensor decay/last.safetensors a.weight | awk '$1 < 0.2 || $1 > 0.3' | wc -l) -eq 0 ]] || short "slopes decay: $(tensor decay/last.safetensors a.weight | head -n 2)"

# Norms of single samples: the same for any batch
for norm in layer_norm '{type: group_norm, groups: 3}' instance_norm rms_norm; do
  code 0 train r.yaml --out each --overwrite --quiet --set "model.layers[1]=$norm" --set data.batch=1 --set stop.steps=3 --set validate.every=3
  [[ $(field each/result.json steps) == 3 ]] || short "$norm on single samples"
done
code 0 train r.yaml --out renorm --quiet --set 'model.layers[1]={type: batch_renorm, name: n}' && [[ $(tensor renorm/last.safetensors n.running_std | grep -c .) -eq 6 ]] || short "batch_renorm keeps no deviations"
# One value by itself: what is left of it is a bias
for norm in '{type: group_norm, groups: 16}' '{type: residual, layers: [{type: reshape, shape: [16, 1]}, layer_norm, flatten]}'; do
  code 0 train r.yaml --out single --overwrite --quiet --set "model.layers=[{type: global_avg_pool}, {type: dense, units: 16}, $norm, {type: dense, units: 10}]" --set stop.steps=1
  code 0 init r.yaml -o single.safetensors --set "model.layers=[{type: global_avg_pool}, {type: dense, units: 16}, $norm, {type: dense, units: 10}]"
  [[ $(grep -c 'normalises single values' err.txt) -eq 1 ]] || short "$norm: $(cat err.txt)"
done
for norm in group_norm layer_norm '{type: group_norm, groups: 8}'; do
  code 0 init r.yaml -o single.safetensors --set "model.layers=[{type: global_avg_pool}, {type: dense, units: 16}, $norm, {type: dense, units: 10}]"
  grep -q 'single values' err.txt && short "$norm: $(cat err.txt)"
done
bad 2 "one value a channel has no variance" train r.yaml --out alone --set 'model.layers[3]={type: global_avg_pool}' --set 'model.layers[1]=relu' --set 'model.layers[2]={type: max_pool, size: 16}' --set data.batch=1 --set 'model.layers[0]={type: conv, filters: 6, kernel: 16, name: c1}' --set 'model.layers[2]=batch_norm'
bad 2 'activation.*did you mean "gelu"|did you mean "gelu"' plan r.yaml --set 'model.layers[0].activation=gelo'
finish
