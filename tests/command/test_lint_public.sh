#!/bin/bash
# The lint of public headers sees a file of the command that reaches past them, by an include or by a name, and one that has come to do without.
. "$(dirname "$0")/lib.sh"
root=$here/../..
mkdir tree
cp -r "$root/src" "$root/include" tree/

lint() { "$root/tests/lint_public.sh" tree >said.txt 2>&1; }
# FILE PATTERN: what was done to the file is named in one line, exit code 1; then it is undone
found() {
  lint && short "$1: nothing was said of /$2/"
  [[ $(grep -cE "$2" said.txt) -eq 1 ]] || short "$1: not /$2/ once: $(head -n 3 said.txt)"
  cp "$root/$1" "tree/$1"
}

lint || short "the tree itself is not clean: $(head -n 2 said.txt)"
sed -i 's/gr_trainer_run(t, result)/gr__training_run(t, result)/' tree/src/cli/training.c
found src/cli/training.c '^src/cli/training.c: .* gr__training_run'
sed -i 's,#include "base/file.h",#include "base/file.h"\n#include "train/train.h",' tree/src/cli/training.c
found src/cli/training.c '^src/cli/training.c: .*#include "train/train.h"'
echo '/* Nothing. */' >tree/src/cli/source.c
found src/cli/source.c '^src/cli/source.c: it knows public headers alone; add it'
rm tree/src/cli/show.c
lint && short "a file that is gone is not missed"
has said.txt 'lists show.c, which is not there'
finish
