#!/bin/bash
# Runs that fine-tune: pruned models, layers frozen for a while, adapters, and going on to the same bits. [mission F6, F8, FIG4.12]
. "$(dirname "$0")/lib.sh"
. "$here/finetune.sh"

# A pruned model: kept layers keep their masks, and 0 what these say; those that start anew have none
code 0 prune $M --sparsity 0.5 -o p.safetensors --quiet
code 0 finetune p.safetensors r.yaml --out p --quiet --lr-scale 1
equal p/last.safetensors p.safetensors 'c1.weight.mask|f1.weight.mask' "masks of kept layers"
[[ -z $(pick p/last.safetensors 'head.weight.mask') ]] || short "a layer that starts anew has a mask"
other p/last.safetensors p.safetensors 'f1.weight' "a pruned model is not trained"
zeros() { perl -e 'local $/; open my $f, "<:raw", $ARGV[0] or die; my $b = <$f>; my $n = unpack "Q<", $b; my $h = substr $b, 8, $n;
  $h =~ /"$ARGV[1]":\{"dtype":"F32","shape":\[[^\]]*\],"data_offsets":\[(\d+),(\d+)\]\}/; print scalar grep { $_ == 0 } unpack "f<*", substr $b, 8 + $n + $1, $2 - $1' "$1" "$2"; }
[[ $(zeros p/last.safetensors f1.weight) -ge $((12 * 196 / 2)) && $(zeros p/last.safetensors head.weight) -eq 0 ]] || short "zeros after training: $(zeros p/last.safetensors f1.weight) of f1, $(zeros p/last.safetensors head.weight) of head"
code 0 train p --resume --quiet --set stop.epochs=3
equal p/last.safetensors p.safetensors 'c1.weight.mask|f1.weight.mask' "masks of a resumed run"
bad 2 'f1.weight has a mask, and an adapter' finetune p.safetensors r.yaml --adapter '{rank: 2}' --out no

# For a while: the same bytes until then
code 0 finetune $M r.yaml --freeze all-but-last --unfreeze 'f1@1 epoch' --unfreeze 'b1.*,c1@7 steps' --out u --quiet --set stop.epochs=4
has u/recipe.yaml 'unfreeze: 1 epoch'
code 0 finetune $M r.yaml --freeze all-but-last --unfreeze 'f1@1 epoch' --unfreeze 'b1.*,c1@7 steps' --out u7 --quiet --set stop.steps=7
equal u7/last.safetensors $M 'c1.*|b1.*' "frozen for 7 updates"
other u7/last.safetensors $M 'f1.*' "unfrozen after an epoch"
other u/last.safetensors $M 'c1.*|b1.*|f1.*' "all unfrozen"
code 0 train u7 --resume --quiet --set stop.epochs=4 --set stop.steps=none
equal u7/last.safetensors u/last.safetensors "$all|head.*" "one piece or two, unfrozen on the way"
code 0 finetune $M r.yaml --freeze all-but-last --unfreeze 'f1@1 epoch' --unfreeze 'b1.*,c1@7 steps' --out u2 --quiet --set stop.epochs=4 --set accumulate=2 --set data.batch=16

# Adapters: the base rests, models hold the sums and nothing else, and are worth what the run says of them
adapted() { # MODEL OUT MORE...
  code 0 finetune "$1" t.yaml --out "$2" --quiet "${@:3}"
}
worth() { # RUN: its last evaluation, and what its model is worth, to the digit
  local cost
  cost=$(sed -nE 's/.*"validation_cost": ?([^,}]*).*/\1/p' "$1/metrics.jsonl" | tail -n 1)
  code 0 eval "$1/last.safetensors" --split validation --json && [[ -n $cost && $(field out.txt cost_mean) == "$cost" ]] || short "$1: $cost in the run, $(field out.txt cost_mean) of its model"
}
cp w.yaml t.yaml
adapted $M a0 --adapter '{rank: 2}' --set stop.steps=0
code 0 finetune $M t.yaml --out s5 --quiet --set stop.steps=0
equal a0/last.safetensors s5/last.safetensors "$all|head.*" "a fresh adapter changes nothing"
adapted $M a1 --adapter '{rank: 2, alpha: 4}' --set stop.epochs=4
equal a1/last.safetensors $M 'c1.*|b1.*|f1.bias' "the base rests"
other a1/last.safetensors $M 'f1.weight' "the adapter is not in the model"
[[ $(tensors a1/last.safetensors | cut -d ' ' -f 1) == "$(tensors $M | cut -d ' ' -f 1)" ]] || short "tensors of a model with adapters: $(tensors a1/last.safetensors | cut -d ' ' -f 1 | tr '\n' ' ')"
worth a1
has a1/recipe.yaml 'adapter: \{rank: 2, alpha: 4, match: \[f1.weight\]\}'
code 0 plan a1/recipe.yaml --json
[[ $(bytes out.txt slots) -lt 6000 && $(bytes out.txt gradients) -lt 2800 ]] || short "adapters have slots $(bytes out.txt slots), gradients $(bytes out.txt gradients)"
adapted $M a2 --adapter '{rank: 2, alpha: 4}' --set stop.epochs=2
code 0 train a2 --resume --quiet --set stop.epochs=4
same a2/last.safetensors a1/last.safetensors "one piece or two, with adapters"
code 0 finetune a1/last.safetensors t.yaml --out a3 --quiet --adapter '{rank: 1}' --set stop.epochs=1 --set 'average={type: ema, decay: 0.5}'
worth a3
code 0 eval a3/ema.safetensors --split validation
cat >q.yaml <<'YAML'
gradus: 1
name: words
data: {train: {type: synthetic, kind: copy, n: 80, seed: 3}, validation: {split: 0.25}, batch: 10}
model: {input: [8], layers: [{type: embedding, vocabulary: 10, units: 8, name: e}, {type: transformer_block, heads: 2, ff: 12, name: t}, {type: attention, heads: 2, name: q}, {type: dense, units: 10, name: head}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.02}
stop: {epochs: 1}
YAML
code 0 train q.yaml --out q --quiet
cp q.yaml t.yaml
adapted q/last.safetensors a4 --adapter '{rank: 2}' --set stop.epochs=2
worth a4
equal a4/last.safetensors q/last.safetensors 'e.*|t.norm.*|q.in_proj_bias|t.ff1.bias' "all but adapted weights rest"
other a4/last.safetensors q/last.safetensors 't.attention.in_proj_weight|t.attention.out_proj.weight|t.ff1.weight|t.ff2.weight|q.in_proj_weight|q.out_proj.weight' "weights of dense and attention have adapters"

# what is trained is what is evaluated: the cost before the third update is that of the model after the second
adapted q/last.safetensors a5 --adapter '{rank: 3, alpha: 6}' --set data.batch=all --set stop.epochs=none --set stop.steps=3
adapted q/last.safetensors a6 --adapter '{rank: 3, alpha: 6}' --set data.batch=all --set stop.epochs=none --set stop.steps=2
code 0 eval a6/last.safetensors --split train --json
awk -v a="$(sed -n 3p a5/metrics.jsonl | sed -E 's/.*"train_cost": ?([^,}]*).*/\1/')" -v b="$(field out.txt cost_mean)" 'BEGIN { d = a - b; exit !(a + 0 == a && a > 0.1 && d * d < 1e-10) }' || short "training and evaluation differ with adapters: $(sed -n 3p a5/metrics.jsonl), $(field out.txt cost_mean)"

# A run is an ordinary one: it goes on, from wherever the model lies, and not without it
code 0 finetune $M r.yaml --out g --quiet --set stop.epochs=1
code 0 train g --resume --quiet --set stop.epochs=3
code 0 finetune $M r.yaml --out h --quiet --set stop.epochs=3
same g/last.safetensors h/last.safetensors "one piece or two"
code 0 train h/recipe.yaml --out i --quiet
same i/last.safetensors h/last.safetensors "its recipe trained again"
bad 2 'holds a run' finetune $M r.yaml --out h
mkdir away && mv m/last.safetensors away/
bad 3 'cannot read .*m/last.safetensors' train g --resume --quiet --set stop.epochs=4
code 0 train g --resume --quiet --set stop.epochs=4 --set start.from="$PWD/away/last.safetensors"
code 0 eval g/last.safetensors --split validation # what a trained model is asked needs no source
mv away/last.safetensors m/
bad 2 'training starts from one model, and --from names another' train h/recipe.yaml --from $M --out no
grep -v '^start:' h/recipe.yaml >x.yaml
bad 2 'start: h was made with start, which this recipe has not' train x.yaml --out h --resume

# ---- figure 4.12: dogs and cats by a VGG-16, of the real one the shapes, and a narrow one that is trained [F8, FIG4.12]
code 0 zoo vgg16 && sed 1d out.txt >vgg16.yaml
for units in 1000 2; do
  code 0 plan vgg16.yaml --set 'data={train: {type: synthetic, kind: digits, n: 8, size: 224}, batch: 2}' --set 'model.input=[224, 224, 1]' --set "model.layers[24].units=$units" --json
  counted+=("$(sed -nE 's/.*"parameters":([0-9]+).*/\1/p' out.txt)")
done
gone=$((counted[0] - counted[1] - 4 * 998 * 4097)) # of what begins at multiples of 64 bytes
[[ $gone -gt -128 && $gone -lt 128 ]] || short "VGG-16's last layer is not 4096 x 1000, and then 4096 x 2: ${counted[*]}"
perl -e 'my @kinds = (["many/red", 9, 1, 1], ["many/green", 1, 9, 1], ["many/blue", 1, 1, 9], ["dogcat/cat", 9, 6, 2], ["dogcat/dog", 3, 4, 9]);
  mkdir for "many", "dogcat"; for (@kinds) { my ($name, @c) = @$_; mkdir $name;
    for my $i (1 .. 20) { open my $f, ">", "$name/$i.ppm"; binmode $f; print $f "P6 32 32 255\n", map { my $p = $_; map { chr(int($c[$_] * (20 + ($p * 7 + $i * 31) % 8))) } 0 .. 2 } 1 .. 1024 } }'
narrow=$(sed -nE 's/^ +- (\{.*\}|[a-z_]+)( +#.*)?$/\1/p' vgg16.yaml | sed -E 's/filters: [0-9]+/filters: 8/; s/units: 4096/units: 16/; s/units: 1000/units: 3/; s/size: 7/size: 1/' | paste -sd,)
small many.yaml "data: {train: {type: images, folder: many}, validation: {split: 0.2}, batch: 12, prepare: [{type: scale, by: 1/255}, {type: standardize, per: channel}]}" \
  "model: {input: [32, 32, 3], layers: [$narrow]}" "stop: {epochs: 4}" "optimizer: {type: adam, lr: 0.003}"
code 0 train many.yaml --out many-run --quiet
for how in '--freeze all-but-last' '--lr-scale 0.01'; do
  # shellcheck disable=SC2086
  GRADUS_PICTURES=$PWD code 0 finetune many-run/best.safetensors "$here/../../recipes/dogcat.yaml" $how --set 'data.train.resize=[32, 32]' --set data.batch=8 --out pets --overwrite
  has out.txt 'classifier.6'
  code 0 eval pets/best.safetensors --split validation --json
  [[ $(field out.txt samples) -eq 8 && $(field out.txt error) =~ ^0(\.0)?$ ]] || short "dogs and cats, $how: $(head -c 300 out.txt)"
  code 0 predict pets/best.safetensors dogcat/dog/3.ppm --json && has out.txt '"label":"dog"'
  [[ $how == --lr* ]] || equal many-run/best.safetensors pets/best.safetensors 'features.*|classifier.[03].*' "they are frozen"
  other many-run/best.safetensors pets/best.safetensors 'classifier.6.weight' "it is another layer"
done

finish
