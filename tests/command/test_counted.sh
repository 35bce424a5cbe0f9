#!/bin/bash
# The tests of the command themselves: what fails is counted wherever it stands, and the test fails with it.
. "$(dirname "$0")/lib.sh"

# ends WANTED COUNT TEXT: a test of these lines ends so, and says so many times that something was short
ends() {
  printf '. "%s"\n%s\nfinish\n' "$here/lib.sh" "$3" >trial.sh
  bash trial.sh "$gradus" >trial.out 2>trial.err
  local got=$? told
  told=$(grep -c '^SHORT: ' trial.err)
  [[ $got -eq $1 && $told -eq $2 ]] || short "$3: exit $got, not $1; $told are told, not $2: $(cat trial.out trial.err)"
}
ends 0 0 'code 0 version; has out.txt gradus'
ends 1 1 'code 1 version'
ends 1 1 'bad 2 version version'
ends 1 1 'x=$(code 1 version)'
ends 1 1 'local_sum() { code 2 version && echo 3; }; [[ $(local_sum) -eq 3 ]] || :'
ends 1 1 '(has /dev/null something)'
ends 1 1 'code 1 version | cat'
ends 1 1 'echo a b | while read -r a b; do same $a $b; done'
ends 1 2 'short one >kept.txt; code 3 version >kept.txt'
ends 1 1 'same <(code 1 version) /dev/null'
ends 1 1 'mkdir away && cd away && short "elsewhere"'
has trial.err 'SHORT: elsewhere'
finish
