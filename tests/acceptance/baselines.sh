#!/bin/bash
# Holds `gradus baseline` against scikit-learn (1e-6) and XGBoost's own package (1 %), on tables that it makes; then times it on Fashion-MNIST.
# Usage: baselines.sh [quick]; PYTHON with numpy, scikit-learn and xgboost (pip install numpy scikit-learn xgboost). A minute; with Fashion-MNIST some more.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" tests/acceptance/baselines.py build/gradus "$work"
[[ ${1:-} == quick ]] && exit
library=$("$python" -c 'import os, xgboost; print(os.path.join(os.path.dirname(xgboost.__file__), "lib", "libxgboost.so"))')
build/gradus baseline recipes/fashion.yaml --out "$work/fashion" --xgboost "$library"
