#!/bin/bash
# The lint of sizes sees a file and a function that grow too long, wherever the braces' lines are hard to tell, and a table of docs/architecture.md that is no longer true.
. "$(dirname "$0")/lib.sh"
root=$here/../..
mkdir -p tree/docs
cp -r "$root/src" tree/
cp "$root/docs/architecture.md" tree/docs/

lint() { "$root/tests/lint_sizes.sh" tree >said.txt 2>&1; }
clean() { lint || short "$1: $(head -n 2 said.txt)"; [[ ! -s said.txt ]] || short "$1, but: $(head -n 2 said.txt)"; }
lines() { for ((i = 0; i < $1; i++)); do echo "    x += $i;"; done; } # N of them
# found FILE PATTERN: what was done to the file is named in one line, exit code 1; then it is undone
found() {
  lint && short "$1: nothing was said of /$2/"
  [[ $(grep -cE "$2" said.txt) -eq 1 ]] || short "$1: not /$2/ once: $(head -n 3 said.txt)"
  cp "$root/$1" "tree/$1"
}

clean "the tree itself is not clean"
{ echo 'int longer(int x)'; echo '{'; lines 58; echo '    return x;'; echo '}'; } >>tree/src/graph/verify.c
found src/graph/verify.c '^src/graph/verify.c: longer has 62 lines'
{ printf 'static struct pair of_two_lines(int x,\n    int y)\n{\n'; lines 60; echo '}'; } >>tree/src/base/text.c
found src/base/text.c '^src/base/text.c: of_two_lines has 64 lines'
{ printf 'static const int table[] = {\n'; for ((i = 0; i < 90; i++)); do echo "    $i,"; done; echo '};'; } >>tree/src/base/text.c
clean "a table is no function"
cp "$root/src/base/text.c" tree/src/base/text.c
for ((i = 0; i < 400; i++)); do echo "/* $i */"; done >>tree/src/nn/stack.c
found src/nn/stack.c '^src/nn/stack.c: [0-9]+ lines'
{ echo 'int forty(int x)'; echo '{'; lines 38; echo '}'; } >>tree/src/plan/run.c
found src/plan/run.c "sizes of plan: the longest function is src/plan/run.c forty \(41 lines\), not src/plan/simplify.c without_identities"

# The table: a name that is not there, a bound far above or below what stands in the tree, a reason or a floor that is missing.
table() { sed -i "$1" tree/docs/architecture.md; found docs/architecture.md "$2"; }
table 's/gr__loop_train` |/gr__loop_trains` |/' 'sizes of train: the longest function is src/train/loop.c gr__loop_train .*, not src/train/loop.c gr__loop_trains'
table 's/| `cli\/cmd_curvature.c` | [0-9]*/| `cli\/cmd_curvature.c` | 600/' 'sizes of cli: src/cli/cmd_curvature.c has [0-9]+ lines; the table says at most 600'
table 's/| `cli\/cmd_curvature.c` | [0-9]*/| `cli\/cmd_curvature.c` | 200/' 'sizes of cli: src/cli/cmd_curvature.c has [0-9]+ lines; the table says at most 200'
table '/^| `train`/s/| [^|]* |$/| |/' 'sizes of train: no reason'
table '/^| `result`/d' 'no sizes of result'
finish
