#!/bin/bash
# The command is written with the public headers: tests/lint_public.sh [FOLDER], the tree's own unless given. Files of src/cli on the list below know, beside their own, only include/gradus, base and
# result: they include nothing else, and use no name that others declare. A file that is fit for the list must be on it, so the list only grows; what was on it in
# the last commit stays. Exit code 0: clean, 1: something is said.
set -u
cd "${1:-$(dirname "$0")/..}" || exit 1
export LC_ALL=C
bad=0
say() { echo "$*"; bad=1; }

# Those that know nothing else.
listed() {
  sed -n '/^ROWS$/,/^ROWS$/{/^ROWS$/d;p}' <<'LIST'
ROWS
cmd_data.c
files.c
live.c
names.c
options.c
progress.c
sheet.c
show.c
terminal.c
training.c
ROWS
LIST
}

names() { grep -ohE '\b(gr_|gr__|GR_)[A-Za-z0-9_]+' "$@" | sort -u; }
public=$(names $(find include src/base src/result -name '*.h') ; echo GR_COMMAND; echo GR_VERSION)
known=$(sort -u <<<"$public")
[[ $(wc -l <<<"$known") -ge 500 ]] || say "lint_public: only $(wc -l <<<"$known") names are public"

# FILE: what it knows that is none of these
stranger() {
  grep -E '^#include "' "$1" | grep -vE '"(gradus|base|result|cli)/'
  sed 's/"[^"]*"//g; s,/\*.*\*/,,' "$1" | names /dev/stdin | comm -23 - <(echo "$known")
}
for file in src/cli/*.c; do
  name=${file##*/} what=$(stranger "$file")
  if listed | grep -qxF "$name"; then
    [[ -z $what ]] || say "$file: the command's files on the list of tests/lint_public.sh know public headers alone, but it has $(tr '\n' ' ' <<<"$what")"
  elif [[ -z $what && $name != units.c ]]; then # units.c looks into a model, which names alone do not show
    say "$file: it knows public headers alone; add it to the list of tests/lint_public.sh"
  fi
done
while read -r name; do [[ -e src/cli/$name ]] || say "tests/lint_public.sh lists $name, which is not there"; done < <(listed)
if git rev-parse -q --verify HEAD:tests/lint_public.sh >/dev/null 2>&1; then
  gone=$(comm -23 <(git show HEAD:tests/lint_public.sh | sed -n '/^ROWS$/,/^ROWS$/{/^ROWS$/d;p}' | sort -u) <(listed | sort -u))
  [[ -z $gone ]] || say "tests/lint_public.sh: the list only grows, and lacks $(tr '\n' ' ' <<<"$gone")"
fi
exit $bad
