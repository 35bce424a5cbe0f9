#!/bin/bash
# Exports to ONNX give what predict gives: every layer, network of the zoo, preparation and cost, within 1e-5 of the largest output, by ONNX Runtime from raw samples; each
# accepted by ONNX's checker. Graphs from elsewhere become models that give what ONNX Runtime gives. Two minutes. Usage: tests/acceptance/exchange.sh [GRADUS]; GRADUS_ONNX is a Python with onnx, onnxruntime and numpy (pip install onnx onnxruntime).
set -eu
cd "$(dirname "$0")/../.."
gradus=$(readlink -f "${1:-build/gradus}") python=${GRADUS_ONNX:-python3}
"$python" -c 'import onnx, onnxruntime, numpy' 2>/dev/null || { echo "skipped: $python has no onnx and onnxruntime; GRADUS_ONNX names one that has"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" tests/acceptance/exchange.py "$gradus" "$work"
"$python" tests/acceptance/onnx_graphs.py "$gradus" "$work"
