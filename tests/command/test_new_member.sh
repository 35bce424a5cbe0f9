#!/bin/bash
# An optimizer is two new files, and so is a metric: those of CONTRIBUTING.md, put into a copy of the tree, build, pass, train and explain themselves; without
# their evidence the suite fails. [mission SYS17-SYS27]
. "$(dirname "$0")/lib.sh"
. "$here/tree.sh"

block "Adding an optimizer" c 1 >src/optim/signum.c
block "Adding an optimizer" "" 1 >evidence.txt
block "Adding a metric" c 1 >src/metric/kappa.c
block "Adding a metric" "" 1 >kappa.txt
[[ $(wc -l <src/metric/kappa.c) -gt 20 && $(wc -l <kappa.txt) -gt 10 ]] || short "CONTRIBUTING.md has no example of a metric"
[[ $(wc -l <src/optim/signum.c) -gt 20 && $(wc -l <evidence.txt) -gt 10 ]] || short "CONTRIBUTING.md has no example"

configure_tree
run() { "build/family_test_$1" ${2:+"$2"} >out.txt 2>err.txt; }

ninja -C build gradus family_test_evidence family_test_contract family_test_optimizer_contract family_test_backends family_test_sequences family_test_identities family_test_metric >ninja.log 2>&1 ||
  { tail -n 20 ninja.log; exit 1; }
run evidence all_optimizer && short "a member without evidence is accepted"
has err.txt "optimizer signum has no evidence"
mv evidence.txt tests/family/optimizer/signum.txt
run evidence all_optimizer || short "evidence: $(grep ERROR err.txt | head -n 2)"
for t in contract optimizer_contract backends sequences identities; do run $t || short "$t: $(grep ERROR err.txt | head -n 2)"; done
sed -i '/^tensor w 3/s/-1.9/-1.8/' tests/family/optimizer/signum.txt
run evidence all_optimizer && short "wrong evidence is accepted"
has err.txt "signum: plain: weights after update 1"

run metric every_member && short "a metric without evidence is accepted"
has err.txt "metric kappa has no evidence"
mv kappa.txt tests/family/metric/kappa.txt
for t in metric contract; do run $t || short "$t: $(grep ERROR err.txt | head -n 2)"; done
sed -i '/^tensor value/s/0.5/0.25/' tests/family/metric/kappa.txt
run metric every_member && short "wrong evidence of a metric is accepted"
has err.txt "kappa.txt, half: 0.5, not 0.25"

gradus=$PWD/build/gradus
code 0 explain kappa
has out.txt "for classes; the higher the better"
code 0 explain signum
has out.txt "Bernstein et al. 2018"
has out.txt "beta +0.9"
code 0 lab fig4.9 --out figure
has figure/fig4.9.svg "signum"
cat >digits.yaml <<'YAML'
gradus: 1
data: {train: {type: synthetic, kind: digits, n: 60}, batch: 20}
model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 10}]}
cost: cross_entropy
optimizer: {type: signum, beta: 0.8}
stop: {epochs: 2}
YAML
code 0 train digits.yaml --out run --set optimizer.lr=0.001
has run/recipe.yaml "type: signum"
has run/recipe.yaml "beta: 0.8"
bad 2 "optimizer.beta: .*\[0, ?1\)" train digits.yaml --out other --set optimizer.beta=1
code 0 train digits.yaml --out judged --set data.validation='{split: 0.3}' --set best_by=kappa
has judged/metrics.jsonl '"validation_kappa":'
has judged/result.json '"validation_kappa": '
code 0 eval judged/best.safetensors --split validation
has out.txt "^validation kappa "
finish
