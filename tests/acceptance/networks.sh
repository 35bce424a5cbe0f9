#!/bin/bash
# Random networks of all layers (shapes, branches, joins, heads, lengths) against PyTorch twins: networks.py says what is compared. PYTHON names an
# interpreter with numpy, torch and safetensors. Usage: tests/acceptance/networks.sh [COUNT [FIRST]]; 200 networks unless given; exit 1 where one differs.
set -euo pipefail
cd "$(dirname "$0")/../.."
./dev build
exec "${PYTHON:-python3}" tests/acceptance/networks.py build/gradus "$@"
