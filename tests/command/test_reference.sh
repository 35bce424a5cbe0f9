#!/bin/bash
# docs/reference.md is what the command says of itself (`./dev docs` writes it), and every command explains itself.
. "$(dirname "$0")/lib.sh"
code 0 explain --markdown
same out.txt "$here/../../docs/reference.md" "run ./dev docs"
code 0 --help
for command in $(sed -nE '/^  gradus/d; s/^  ([a-z]+) +[A-Z].*/\1/p' out.txt); do
  code 0 "$command" --help
  has out.txt "^gradus $command"
done
code 0 explain adam --json
has out.txt '"name": ?"adam"'
code 0 zoo
has out.txt "lenet5 +61706 parameters"
code 0 version --json
has out.txt '"isa"'
finish
