#!/bin/bash
# What keeping activations in fewer bits costs in accuracy: Fashion-MNIST, five seeds for each form, means with 95 % intervals (Student's t), and the planned bytes.
#
#   tests/acceptance/store.sh GRADUS [SEEDS] [MORE ARGS of train...]
#   tests/acceptance/store.sh build/gradus 5                                           all of it: 35 trainings of recipes/fashion.yaml
#   tests/acceptance/store.sh build/gradus 1 --set stop.steps=60 --set validate=none      a look
#
# Exit 1 where a form of 16 bits, or 8 bits, is worse than float32 by more than both intervals.
. "$(dirname "${BASH_SOURCE[0]}")/forms.sh"
gradus=$1 seeds=${2:-5}
shift
[[ $# -gt 0 ]] && shift
forms=(float32 lossless bfloat16 float16 '{type: quantized, bits: 8}' '{type: quantized, bits: 4}' '{type: quantized, bits: 2}')
compare "$gradus" "$seeds" 'store=%s' activations 'bits: [24]' "${forms[@]}" -- "$@"
