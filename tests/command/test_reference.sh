#!/bin/bash
# docs/reference.md is what the command says of itself (`./dev docs` writes it), and every command explains itself.
. "$(dirname "$0")/lib.sh"
code 0 explain --markdown
same out.txt "$here/../../docs/reference.md" "run ./dev docs"
cp out.txt reference.txt
code 0 explain --json
for preset in paper torch; do # the page has every default of a preset that the JSON has
  in_json=$(grep -oE "\"$preset\": ?\"" out.txt | wc -l) in_page=$(grep -oF "($preset: " reference.txt | wc -l)
  [[ $in_json -gt 0 && $in_json -eq $in_page ]] || short "preset $preset: $in_json defaults in JSON, $in_page on the page"
done
code 0 --help
cp out.txt help.txt
commands=0
for command in $(sed -nE '/^  gradus/d; s/^  ([a-z]+) +[A-Z].*/\1/p' help.txt); do
  code 0 "$command" --help
  has out.txt "^gradus $command"
  commands=$((commands + 1))
done
[[ $commands -ge 15 ]] || short "only $commands commands explain themselves"
code 0 explain adam --json
has out.txt '"name": ?"adam"'
code 0 zoo
has out.txt "lenet5 +61706 parameters"
code 0 version --json
has out.txt '"isa"'
finish
