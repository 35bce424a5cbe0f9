#!/bin/bash
# A kernel for contractions is one new file: that of CONTRIBUTING.md, put into a copy of the tree, is found, held against plain loops and against the cost that it
# states, and chosen where it is the cheapest; with wrong results, another cost or shapes that no test has, the suite fails.
. "$(dirname "$0")/lib.sh"
. "$here/tree.sh"
file=src/backend/cpu/outer.c
block "Adding a kernel for contractions" c 1 >$file
[[ $(wc -l <$file) -gt 30 ]] || short "CONTRIBUTING.md has no example of a kernel"

configure_tree
make() { ninja -C build "$@" >ninja.log 2>&1 || { tail -n 20 ninja.log; exit 1; }; }
providers() { build/backend_test_contract_providers >out.txt 2>err.txt; }

make gradus backend_test_contract_{providers,matmul}
providers || short "providers: $(grep ERROR err.txt | head -n 2)"
build/backend_test_contract_matmul >out.txt 2>err.txt || short "matmul: $(grep ERROR err.txt | head -n 2)"

# A batch of one sample makes each gradient of weights a product of one term.
cat >one.yaml <<'YAML'
gradus: 1
data: {train: {type: synthetic, kind: digits, n: 20, size: 32}, batch: 1}
model: {input: [32, 32, 1], layers: [flatten, {type: dense, units: 64}, {type: dense, units: 10}]}
stop: {steps: 10}
YAML
code 0 plan one.yaml --kernels
grep -q 'matmul, outer' out.txt && short "the kernel was there before"
code 0 train one.yaml --out before
gradus=$PWD/build/gradus
code 0 plan one.yaml --kernels
has out.txt 'matmul, outer'
code 0 train one.yaml --out after
same before/last.safetensors after/last.safetensors "one product rounds as one term of a sum does"

wrong() { # SED PATTERN: with this change the suite fails, for this reason
  cp $file kept.c
  sed -i "$1" $file
  cmp -s $file kept.c && short "nothing to change: $1"
  make backend_test_contract_providers
  providers && short "accepted: $1"
  has err.txt "$2"
  mv kept.c $file
}
wrong 's/a\[i\] \* b\[/a[i] + b[/' 'matmul, outer: element'
wrong 's/b\[i \/ o->m \* o->n + j\]/b[j]/' 'matmul, outer: element'
wrong 's/cost_ns = cost_of(c, isa);/cost_ns = 2 * cost_of(c, isa);/' 'matmul, outer: states'
wrong 's/c->mm.k != 1/c->mm.k != 1 || c->mm.n != 77/' 'matmul, outer takes 0 of the shapes'
finish
