# Python for the tests that want it: sourced behind lib.sh.

# python: one with NumPy; 1 where there is none
find_python() {
  local candidate
  python=
  for candidate in "${GRADUS_PYTHON:-}" python3 ~/.cache/gradus-conformance/venv/bin/python; do
    [[ $candidate ]] && "$candidate" -c 'import numpy, sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null && python=$candidate && break
  done
  export PYTHONDONTWRITEBYTECODE=1
  [[ $python ]]
}

# FOLDER: the package with the library of this build, installed there by its wheel, and from nowhere else
install_wheel() {
  local wheel build
  build=$(dirname "$gradus")
  (cd "$here/../../python" && GRADUS_LIBRARY=$build/libgradus.so "$python" -c 'import backend, sys; print(backend.build_wheel(sys.argv[1]))' "$work") >wheel.txt 2>&1 || short "the wheel: $(tail -n 3 wheel.txt)"
  wheel=$(tail -n 1 wheel.txt)
  [[ -s $wheel ]] || { short "there is no wheel: $(cat wheel.txt)"; finish; }
  if "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m pip install --quiet --no-index --no-deps --no-compile --disable-pip-version-check --target "$1" "$wheel" >pip.txt 2>&1 || short "pip: $(tail -n 3 pip.txt)"
  else
    "$python" -m zipfile -e "$wheel" "$1"
  fi
}
