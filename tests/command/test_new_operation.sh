#!/bin/bash
# An elementwise operation is a row, a gradient rule and a prototype: those of CONTRIBUTING.md, put into a copy of the tree, build and pass the checks that every
# operation passes; a wrong rule is found, a missing one does not link.
. "$(dirname "$0")/lib.sh"
grep -qaE '__(asan|tsan|ubsan)_' "$gradus" && { echo "skipped: a build of its own, which sanitizers would make long"; exit 77; }
for tool in meson ninja; do command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }; done

root=$here/../..
mkdir tree
cp -r "$root"/{include,src,tests,tools,recipes,meson.build,meson_options.txt} tree/
cd tree || exit 99

block() { # N: the N-th block of the section
  sed -n '/^## Adding an elementwise operation/,/^## Adding a kernel/p' "$root/CONTRIBUTING.md" | awk -v n="$1" '
    inside && $0 == "```" { inside = 0; next }
    inside == 2 { print }
    !inside && /^```/ { inside = 1; if (++seen == n) inside = 2 }'
}
after() { # FILE PATTERN TEXT: puts the text behind the line that matches
  [[ $(grep -c "$2" "$1") -eq 1 ]] || short "$1 has no line $2"
  sed -i "/$2/r $3" "$1"
}
for n in 1 2 3; do
  block $n >$n.txt
  [[ $(grep -ci softplus $n.txt) -eq 1 ]] || short "CONTRIBUTING.md has no example in block $n"
done
after src/graph/elementwise.h '^ *ROW(ERF,' 1.txt
after include/gradus/graph.h '^gr_val gr_erf(' 3.txt

options=(-Dtests=true -Dwerror=true)
command -v ccache >/dev/null || options+=(-Doptimization=1) # with it, the cache holds what the suite itself has built
meson setup build "${options[@]}" >setup.log 2>&1 || { tail setup.log; exit 99; }
make() { ninja -C build graph_test_derivatives graph_test_fields graph_test_verify >ninja.log 2>&1; }

make && short "an operation without a gradient rule links"
has ninja.log "gr__softplus_gradient"
after src/graph/map_gradient.c '^UNARY(erf,' 2.txt
make || { tail -n 20 ninja.log; exit 1; }
for t in derivatives fields verify; do build/graph_test_$t >out.txt 2>err.txt || short "$t: $(grep ERROR err.txt | head -n 2)"; done

sed -i '/^UNARY(softplus/s/gr_sigmoid/gr_tanh/' src/graph/map_gradient.c
make || { tail -n 20 ninja.log; exit 1; }
build/graph_test_derivatives >out.txt 2>err.txt && short "a wrong gradient rule is accepted"
has err.txt "softplus.*first derivative off by"
finish
