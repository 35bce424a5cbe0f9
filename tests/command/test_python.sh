#!/bin/bash
# The Python package: tests/python/check.py against the library of this build; a wheel with the library inside, installed where nothing else of Gradus is, runs the
# programs of docs/python.md, which print what the page says.
. "$(dirname "$0")/lib.sh"
. "$here/python.sh"
build=$(dirname "$gradus") root=$here/../..
[[ -e $build/libgradus.so ]] || { echo "SKIP: the command does not stand in its build folder"; exit 77; }
if nm "$gradus" 2>/dev/null | grep -qE '__asan_init|__tsan_init|__gcov_'; then echo "SKIP: a library with sanitizers does not load into Python"; exit 77; fi
find_python || { echo "SKIP: there is no Python 3.9 with NumPy; GRADUS_PYTHON names one"; exit 77; }

mkdir check
(cd check && GRADUS_LIBRARY=$build/libgradus.so PYTHONPATH=$root/python "$python" "$root/tests/python/check.py" "$gradus" "$root/tests/abi.txt" >../check.txt 2>&1) ||
  short "check.py: $(tail -n 12 check.txt)"
has check.txt '^[0-9]+ held$'

install_wheel site
awk '/^```/ { kind = substr($0, 4); if (kind == "python") n++; if (kind != "") next; kind = ""; next } kind == "python" { print >("page" n ".py") } kind == "text" { print >("page" n ".txt") }' "$root/docs/python.md"
[[ $(ls page*.py | wc -l) -eq $(grep -c '^```python$' "$root/docs/python.md") && $(ls page*.py | wc -l) -eq $(ls page*.txt | wc -l) ]] || short "docs/python.md: programs are missing, or what they print"
for program in page*.py; do
  env -u GRADUS_LIBRARY PYTHONPATH="$work/site" "$python" "$program" >said.txt 2>err.txt || short "$program: $(tail -n 3 err.txt)"
  cmp -s said.txt "${program%.py}.txt" || short "docs/python.md, $program prints something else: $(diff "${program%.py}.txt" said.txt | head -n 6)"
done
env -u GRADUS_LIBRARY PYTHONPATH="$work/site" "$python" -c 'import gradus._library as l; print(l.lib._name)' >said.txt 2>&1
has said.txt "$work/site/gradus/libgradus.so"
GRADUS_LIBRARY=/nowhere.so "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import gradus' "$root/python" >said.txt 2>&1 && short "it imports without a library"
has said.txt 'ImportError: libgradus.so cannot be loaded'
finish
