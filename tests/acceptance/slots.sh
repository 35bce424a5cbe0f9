#!/bin/bash
# What keeping an optimizer's moments in fewer bits costs in accuracy: Fashion-MNIST, five seeds for each form, means with 95 % intervals (Student's t), and the planned bytes
# of slots.
#
#   tests/acceptance/slots.sh GRADUS [SEEDS] [MORE ARGS of train...]
#   tests/acceptance/slots.sh build/gradus 5                                           all of it: 15 trainings of recipes/fashion.yaml
#   tests/acceptance/slots.sh build/gradus 1 --set stop.steps=60 --set validate=none      a look
#
# Exit 1 where a form is worse than float32 by more than both intervals.
. "$(dirname "${BASH_SOURCE[0]}")/forms.sh"
gradus=$1 seeds=${2:-5}
shift
[[ $# -gt 0 ]] && shift
compare "$gradus" "$seeds" 'optimizer.slots=%s' slots '' float32 bfloat16 float8 -- "$@"
