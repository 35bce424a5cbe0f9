#!/bin/bash
# Sizes of the product's sources: tests/lint_sizes.sh [FOLDER], the tree's own unless given. No file has more than 620 lines, no function more than 60, and the
# table of docs/architecture.md names the longest of each floor: it is the longest, has no more lines than stand there and not many fewer.
# Lines of a function are those from its name to its last brace. `tests/lint_sizes.sh FOLDER functions` lists all. Exit code 0: clean, 1: something is said.
set -u
cd "${1:-$(dirname "$0")/..}" || exit 1
export LC_ALL=C
bad=0
say() { echo "$*"; bad=1; }
most_lines=620 most_function=60 # of every file and function
file_room=50 function_room=15   # how far the table may be above what stands in the tree

# LINES FILE NAME of every function: it begins in the first column, with a parenthesis and no semicolon, its braces stand there too
functions() {
  find src -name '*.[ch]' -print0 | xargs -0 awk '
    FNR == 1 { begun = body = 0 }
    /^[A-Za-z_]/ && /\(/ && !/;$/ && !/[={]$/ { if (!body) { begun = FNR; name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) } }
    /^[A-Za-z_].*;$/ { if (!body) begun = 0 }
    /^\{/ { body = begun }
    /^}/ { if (body) print FNR - body + 1, FILENAME, name; begun = body = 0 }'
}
files() { find src -name '*.[ch]' -exec wc -l {} + | awk '$2 != "total" { print $1, $2 }'; }

all_files=$(files) all_functions=$(functions)
[[ ${2:-} == functions ]] && { sort -rn <<<"$all_functions"; exit 0; }
[[ $(wc -l <<<"$all_functions") -ge 3000 ]] || say "lint_sizes: only $(wc -l <<<"$all_functions") functions were found"
while read -r n file; do say "$file: $n lines; a file with one subject has at most $most_lines"; done < <(awk -v m=$most_lines '$1 > m' <<<"$all_files")
while read -r n file name; do say "$file: $name has $n lines; a function fits a screen, at most $most_function"; done < <(awk -v m=$most_function '$1 > m' <<<"$all_functions")

# longest FOLDERS LIST: the lines of LIST that no other below one of the folders exceeds
longest() { grep -E " src/(${1// /|})/" <<<"$2" | sort -rn | awk 'NR == 1 { n = $1 } $1 == n'; }
# held WHAT FOLDERS LIST NAMED LINES ROOM
held() {
  local top n
  top=$(longest "$2" "$3")
  n=${top%% *}
  [[ $'\n'$top$'\n' == *" $4"$'\n'* ]] || { say "docs/architecture.md, sizes of $2: the longest $1 is $(head -n 1 <<<"${top#* }") ($n lines), not $4"; return; }
  [[ $5 =~ ^[0-9]+$ && $n -le $5 && $n -gt $(($5 - $6)) ]] || say "docs/architecture.md, sizes of $2: $4 has $n lines; the table says at most $5"
}

known=" "
while IFS='|' read -r _ folders file lines function most why _; do
  folders=$(tr -d '`' <<<"$folders" | xargs) file=$(tr -d '` ' <<<"$file") function=$(tr -d '`' <<<"$function" | xargs) why=$(xargs <<<"${why//\'/}")
  [[ -n $why ]] || say "docs/architecture.md, sizes of $folders: no reason is given"
  held file "$folders" "$all_files" "src/$file" "${lines// /}" $file_room
  held function "$folders" "$all_functions" "src/$function" "${most// /}" $function_room
  known+="$folders "
done < <(sed -n '/^## Sizes/,/^## /p' docs/architecture.md | grep '^| `')
for folder in src/*/; do
  folder=$(basename "$folder")
  [[ $known == *" $folder "* ]] || say "docs/architecture.md: no sizes of $folder"
done
exit $bad
