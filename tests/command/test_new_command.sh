#!/bin/bash
# A command is one new file: that of CONTRIBUTING.md, put into a copy of the tree, is listed, documents and checks its options, and shows what it found as text and
# as JSON.
. "$(dirname "$0")/lib.sh"
. "$here/tree.sh"
"$gradus" --help >before.txt
block "Adding a command" c 1 >src/cli/cmd_widest.c
[[ $(wc -l <src/cli/cmd_widest.c) -gt 30 ]] || short "CONTRIBUTING.md has no example of a command"

configure_tree
ninja -C build gradus >ninja.log 2>&1 || { tail -n 20 ninja.log; exit 1; }
gradus=$PWD/build/gradus

code 0 --help
diff before.txt out.txt >changes.txt
[[ $(grep -c '^[<>]' changes.txt) -eq 1 ]] || short "--help: $(cat changes.txt)"
has changes.txt '^>   widest +The largest parameters of a recipe'
code 0 widest --help
has out.txt '^gradus widest RECIPE'
has out.txt '^  --most N +how many; 3 unless given'
has out.txt '^  --json '
bad 2 'unknown command widets' widets
has err.txt 'did you mean widest'

code 0 widest "$root/recipes/zoo/lenet5.yaml"
has out.txt '^parameter +numbers$'
[[ $(wc -l <out.txt) -eq 4 ]] || short "not three rows: $(cat out.txt)"
first=$(sed -n '2s/ .*//p' out.txt)
code 0 widest "$root/recipes/zoo/lenet5.yaml" --most 1 --json
has out.txt "^\{\"recipe\":\"[^\"]*\",\"parameters\":\[\{\"name\":\"$first\",\"count\":[0-9]+\}\]\}$"
code 0 widest "$root/recipes/zoo/lenet5.yaml" --quiet
[[ -s out.txt ]] && short "--quiet prints: $(cat out.txt)"
bad 2 'most: 0 is not a whole number from 1 to 1000' widest "$root/recipes/zoo/lenet5.yaml" --most 0
bad 2 'widest: unknown flag --msot' widest "$root/recipes/zoo/lenet5.yaml" --msot 2
has err.txt 'did you mean --most'
bad 2 'widest: an argument is missing' widest
bad 2 'widest: unknown flag --out' widest --out x
finish
