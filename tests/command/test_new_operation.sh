#!/bin/bash
# An elementwise operation is a row, a gradient rule and a prototype: those of CONTRIBUTING.md, put into a copy of the tree, build and pass the checks that every
# operation passes; a wrong rule is found, a missing one does not link. An operation said by others is a row and a prototype.
. "$(dirname "$0")/lib.sh"
. "$here/tree.sh"

after() { # FILE PATTERN TEXT: puts the text behind the line that matches
  [[ $(grep -c "$2" "$1") -eq 1 ]] || short "$1 has no line $2"
  sed -i "/$2/r $3" "$1"
}
for n in 1 2 3; do
  block "Adding an elementwise operation" c $n >$n.txt
  [[ $(grep -ci atan $n.txt) -eq 1 ]] || short "CONTRIBUTING.md has no example in block $n"
done
for n in 1 2; do
  block "Adding an operation said by others" c $n >said$n.txt
  [[ $(grep -ci swish said$n.txt) -eq 1 ]] || short "CONTRIBUTING.md has no example said by others in block $n"
done
after src/graph/elementwise.h '^ *ROW(ERF,' 1.txt
after include/gradus/graph.h '^GR_API gr_val gr_erf(' 3.txt
after src/graph/composed.h '^#define GR__COMPOSED(ROW)' said1.txt
after include/gradus/graph.h '^GR_API gr_val gr_softmax(' said2.txt

configure_tree
tests=(derivatives decompose fields verify)
make() { ninja -C build "${tests[@]/#/graph_test_}" >ninja.log 2>&1; }

make && short "an operation without a gradient rule links"
has ninja.log "gr__atan_gradient"
after src/graph/map_gradient.c '^UNARY(erf,' 2.txt
make || { tail -n 20 ninja.log; exit 1; }
for t in "${tests[@]}"; do build/graph_test_$t >out.txt 2>err.txt || short "$t: $(grep ERROR err.txt | head -n 2)"; done

sed -i '/^UNARY(atan/s/gr_square/gr_exp/' src/graph/map_gradient.c
sed -i '/ROW(SWISH,/s/gr_sigmoid(g, a)/gr_stop(g, gr_sigmoid(g, a))/' src/graph/composed.h
make || { tail -n 20 ninja.log; exit 1; }
build/graph_test_derivatives >out.txt 2>err.txt && short "a wrong gradient rule is accepted"
has err.txt "atan.*first derivative off by"
has err.txt "swish.*first derivative off by"
finish
