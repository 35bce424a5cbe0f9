#!/bin/bash
# Planted faults that the right check names, their sound twins that it passes, and sound recipes without a false alarm: the cheap ones of those that
# tests/acceptance/mutants.sh has, with one seed. [mission T3 to T7, T9, T15, T16, T18, X1 to X18]
. "$(dirname "$0")/lib.sh"
tree=$(readlink -f "$here/../..")
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
python3 -B "$tree/tests/acceptance/mutants/mutants.py" "$(dirname "$gradus")" --quick --jobs 1 --data none >out.txt 2>err.txt || short "$(grep -A1 -E '^(MISSED|FALSE)' out.txt; tail -n 3 err.txt)"
grep -qa 'runtime error: ' err.txt && short "undefined behaviour"
has out.txt '^faults: ([0-9]+) of \1 told'
has out.txt '^sound recipes: 0 of [1-9][0-9]* checks'
finish
