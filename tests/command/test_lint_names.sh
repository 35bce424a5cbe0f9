#!/bin/bash
# The lint of members' names sees a name planted outside its family's folder, wherever in the line it stands, and nothing else.
. "$(dirname "$0")/lib.sh"
root=$here/../..
mkdir tree
cp -r "$root/src" tree/

# clean WHY: nothing is said. Said: PATTERN lines of it, and exit code 1
lint() { "$root/tests/lint_names.sh" tree >said.txt 2>&1; }
clean() { lint || short "$1: $(head -n 2 said.txt)"; [[ ! -s said.txt ]] || short "$1, but: $(head -n 2 said.txt)"; }
# plant FILE LINE NAME: the line at the end of a copy of the file is named, and nothing else is
plant() {
  cp "tree/$1" kept
  printf '%s\n' "$2" >>"tree/$1"
  lint && short "\"$3\" in $1 was not seen: $2"
  [[ $(wc -l <said.txt) -eq 1 ]] || short "not one line of $1: $(head -n 3 said.txt)"
  has said.txt "^$1:$(wc -l <"tree/$1"): knows \"$3\" by name"
  mv kept "tree/$1"
}
ignore() {
  cp "tree/$1" kept
  printf '%s\n' "$2" >>"tree/$1"
  clean "seen, though it is no name of a member there: $2"
  mv kept "tree/$1"
}

clean "the tree itself is not clean"
plant src/train/loop.c 'if (strcmp(name, "relu") == 0) return;' relu
plant src/model/recipe.c '/* a "comment" */ x = "huber"; /* and one more */' huber
plant src/plan/run.c 'static const char *const all[] = {"a\"/*", "kaiming"};' kaiming
plant src/cli/cmd_eval.c "char quote = '\"'; f(\"csv\");" csv
plant src/optim/build.c '    "plateau"' plateau          # families of one floor neither
plant src/data/source.c '/* begun
and ended */ "balanced_accuracy"' balanced_accuracy
plant src/nn/layer.h '#define WHICH "novograd"' novograd # headers too
plant src/train/record.c 'f("impute");' impute           # a file that may say other names
ignore src/train/loop.c '/* "relu" in a comment */'
ignore src/train/loop.c '/* begun on one line,
ended after "relu" */ f("no member");'
ignore src/train/loop.c 'f("relu_bias", "write relu"); // "adam"'
ignore src/optim/build.c 'f("adam");'

# A member that comes is known at once; one that goes leaves no row behind.
echo 'GR_METRIC(brand_new) = {' >tree/src/metric/brand_new.c
plant src/cli/cmd_eval.c 'f("brand_new");' brand_new
rm tree/src/metric/brand_new.c
sed -i 's/"relu"/"rectified"/' tree/src/init/hyperfan.c
lint && short "a row of what is allowed that allows nothing was not seen"
has said.txt 'nothing in src/init/hyperfan.c needs "relu"'
finish
