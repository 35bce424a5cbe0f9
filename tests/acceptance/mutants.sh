#!/bin/bash
# `gradus check` against planted faults, each of which the right check must tell, and against sound recipes, of which none may raise a false alarm.
# Usage: tests/acceptance/mutants.sh [BUILD] [OPTIONS of mutants/mutants.py, such as --faults T6 or --sound xor]. BUILD is a build folder with -Dtests=true. Without options
# everything runs, ten seeds of each sound recipe, more than half an hour on two processors, and writes the tables of docs/checks.md; --deep-seeds 3 asks large networks less often. Fashion-MNIST is Debian's package dataset-fashion-mnist.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}
[[ $# -eq 0 ]] || shift
[[ -d ${DATA:=/usr/share/datasets/fashion-mnist} ]] || { echo "skipped: no Fashion-MNIST in $DATA (Debian: dataset-fashion-mnist)"; exit 77; }
ninja -C "$build" gradus gradus_faulty >&2
[[ $# -gt 0 ]] || set -- --docs docs/checks.md
exec python3 tests/acceptance/mutants/mutants.py "$build" --data "$DATA" "$@"
