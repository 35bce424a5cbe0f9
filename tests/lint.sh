#!/bin/bash
# What a machine can see of the rules: includes go down the floors only, public headers stand alone, no words that do not belong.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
say() { echo "$*"; bad=1; }

declare -A floor=([base]=0 [graph]=1 [plan]=2 [backend]=3 [nn]=4 [init]=4 [cost]=4 [optim]=4 [schedule]=4 [penalty]=4 [data]=5 [model]=6 [train]=7 [study]=8 [report]=9 [cli]=9)
while IFS=: read -r file line text; do
  from=${file#src/} from=${from%%/*}
  to=${text#*\"} to=${to%%/*}
  [[ $to == gradus ]] && continue
  [[ -n ${floor[$to]:-} ]] || { say "$file:$line: includes \"$to/...\", which is no floor"; continue; }
  [[ ${floor[$to]} -le ${floor[$from]} ]] || say "$file:$line: floor $from (${floor[$from]}) includes floor $to (${floor[$to]})"
done < <(grep -rnE '^#include "' src --include='*.c' --include='*.h')

for header in include/gradus/*.h; do
  echo "#include \"${header#include/}\"" | ${CC:-gcc} -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only -x c - || say "$header: does not stand alone as C11"
done

unfinished=$(grep -rnIiE '\b(todo|fixme|xxx|not implemented)\b' src include tests tools bench dev --include='*' --exclude=lint.sh)
[[ -z $unfinished ]] || say "unfinished: $unfinished"

# Mutable state outside a context: a file-scope variable that is not const. The command's signal flag and argument lists are its own.
globals=$(grep -rnE '^(static )?(_Thread_local )?[a-z_][a-z0-9_ ]*\*? ?[a-z_][a-z0-9_]*( = [^(]*)?;' src --include='*.c' | grep -vE '\b(const|extern|typedef|return|struct [a-z_]+;|goto)\b|^src/cli/')
[[ -z $globals ]] || say "mutable globals: $globals"

[[ $bad -eq 0 ]] && echo "lint: clean"
exit $bad
