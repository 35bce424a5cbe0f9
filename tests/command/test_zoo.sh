#!/bin/bash
# The zoo: every recipe is listed with its parameters and operations, is printed as it stands in the tree, and trains as it is printed, at small sizes and on
# made-up data. [mission T11, SYS4, SYS6, SYS7]
. "$(dirname "$0")/lib.sh"
. "$here/zoo.sh"

# ---- the list
code 0 zoo --json
[[ $(wc -l <out.txt) -eq $(ls "$here"/../../recipes/zoo/*.yaml | wc -l) ]] || short "zoo lists $(wc -l <out.txt) recipes"
grep -qvE '^\{"name":"[^"]+","title":"[^"]+\.","parameters":[1-9][0-9]*,"forward_flops":[1-9][0-9]*(\.[0-9]+)?\}$' out.txt && short "zoo --json: $(grep -vE 'forward_flops":[1-9]' out.txt | head -n 2)"
cp out.txt list.txt
code 0 zoo
[[ $(wc -l <out.txt) -eq $(wc -l <list.txt) ]] || short "zoo prints $(wc -l <out.txt) lines"
has out.txt '^resnet50 +25557032 parameters +82[0-9]{2}\.[0-9]{2} MFLOP +ResNet-50'
has out.txt '^bert-base +109482240 parameters '
has out.txt '^gpt2-small +124439808 parameters '
has out.txt '^vgg16 +138357544 parameters +30[0-9]{3}\.[0-9]{2} MFLOP +VGG-16'
# The page lists the same, word for word.
with_commas() { sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta'; }
while IFS= read -r line; do
  [[ $line =~ ^\{\"name\":\"(.*)\",\"title\":\"(.*)\",\"parameters\":([0-9]+), ]] || short "zoo --json: $line"
  echo "| \`${BASH_REMATCH[1]}\` | $(with_commas <<<"${BASH_REMATCH[3]}") | ${BASH_REMATCH[2]} |"
done <list.txt >table.txt
sed -n '/^| network | parameters |/,/^$/p' "$here/../../docs/recipes.md" | sed '1,2d; $d' >page.txt
[[ -s table.txt ]] || short "no table of the zoo"
diff table.txt page.txt >difference.txt || short "docs/recipes.md lists the zoo otherwise (<: as it should): $(<difference.txt)"
bad 2 'the zoo has no resnet5' zoo resnet5
has err.txt 'did you mean resnet50'

# ---- names in files are torchvision's
code 0 zoo resnet18 && cp out.txt resnet18.yaml
code 0 plan resnet18.yaml --set "$zoo_made" --set 'model.input=[32, 32, 1]' --parameters
for name in conv1.weight bn1.bias layer1.1.conv2.weight layer2.0.downsample.0.weight layer4.0.downsample.1.bias layer4.1.bn2.weight fc.bias; do
  grep -qE "^$name +" out.txt || short "resnet18 has no $name"
done
grep -q '^layer1.0.downsample' out.txt && short "the first block of resnet18 has no need of a downsample"

# ---- each as it is printed
zoo_data
while IFS= read -r line; do
  name=${line#*\"name\":\"} name=${name%%\"*}
  [[ $line =~ \"parameters\":([0-9]+) ]] && count=${BASH_REMATCH[1]}
  code 0 zoo "$name"
  has out.txt "^# $count parameters, "
  sed 1d out.txt >"$name.yaml"
  same "$name.yaml" "$here/../../recipes/zoo/$name.yaml"
  zoo_sets "$name" "$name.yaml"
  sets+=(--set stop='{steps: 2}' --set checkpoint.keep=1)
  code 0 train "$name.yaml" "${sets[@]}" --out "runs/$name" --quiet || continue
  [[ $(grep -c '"train_cost"' "runs/$name/metrics.jsonl") -eq 2 ]] || short "$name: not two updates"
  [[ $(field "runs/$name/result.json" stop_reason) == steps ]] || short "$name ended by $(field "runs/$name/result.json" stop_reason)"
  grep -q null "runs/$name/metrics.jsonl" && short "$name has figures that are not finite"
  rm -rf "runs/$name"
done <list.txt

# ---- BERT's names are Hugging Face's
code 0 plan bert-base.yaml --parameters --set 'model.inputs={words: [128], segments: [128]}' --set 'data={train: {type: npy, inputs: {words: words.npy, segments: segments.npy}, targets: values/y.npy}, batch: 4}'
for name in embeddings.word_embeddings.weight embeddings.token_type_embeddings.weight embeddings.position_embeddings.weight embeddings.LayerNorm.bias encoder.layer.0.attention.self.query.weight \
  encoder.layer.3.attention.self.key.bias encoder.layer.11.attention.self.value.weight encoder.layer.11.attention.output.dense.bias encoder.layer.5.attention.output.LayerNorm.weight \
  encoder.layer.5.intermediate.dense.weight encoder.layer.5.output.dense.weight encoder.layer.5.output.LayerNorm.bias pooler.dense.weight; do
  grep -qE "^$name +" out.txt || short "bert-base has no $name"
done

# ---- a network of it within a recipe
small r.yaml "model: {zoo: squeezenet, classes: 10, input: [32, 32, 1], dropout: 0}" "data: {train: {type: synthetic, kind: digits, n: 12, size: 32}, batch: 4}" "stop: {steps: 1}" \
  "validate: {every: 1}" "schedule: constant"
code 0 train r.yaml --out runs/s --quiet
grep -A1 'type: dropout' runs/s/recipe.yaml | grep -q 'rate: 0[,}]*' || short "dropout: 0 is not taken"
code 0 plan r.yaml --parameters
has out.txt '^classifier.1.weight +\[10,512,1,1\]'

# ---- classes: of a network that ends with features, behind it; not of one whose outputs are what it reads
octets classes.npy 12 </dev/zero
for head in 2 7; do
  small b.yaml "data: {train: {type: npy, inputs: {words: words.npy, segments: segments.npy}, targets: classes.npy}, batch: 4}" "model: {zoo: bert-base, classes: $head, input: [128], dropout: 0.2}" \
    "stop: {steps: 1}" "validate: {every: 1}" "schedule: constant"
  code 0 plan b.yaml --parameters
  has out.txt "^classifier.weight +\[$head,768\]"
  has out.txt '^pooler.dense.weight +\[768,768\]'
  has out.txt '^embeddings.position_embeddings.weight +\[128,768\]'
done
finish
