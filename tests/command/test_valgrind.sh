#!/bin/bash
# A short training run, evaluation and prediction read nothing uninitialised and leave nothing behind (memcheck; AVX2 or below, which is what it knows).
. "$(dirname "$0")/lib.sh"
command -v valgrind >/dev/null || { echo "SKIP: no valgrind here"; exit 77; }
if nm "$gradus" 2>/dev/null | grep -qE '__asan_init|__tsan_init'; then echo "SKIP: sanitizers and valgrind exclude each other"; exit 77; fi
# Masked loads, arithmetic and masked stores of eight vectors are one block of code in joined tile instructions: translated whole, the usual 60
# machine instructions of a block do not fit valgrind's storage.
memcheck() { # ARGS...
  valgrind --vex-guest-max-insns=25 --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,possible --errors-for-leak-kinds=definite "$gradus" "$@" >out.txt 2>err.txt </dev/null
  [[ $? -eq 0 ]] || short "valgrind gradus $*: $(head -n 12 err.txt)"
}
small s.yaml "stop: {steps: 4}" "validate: {every: 2}" "checkpoint: {every: 2, keep: 1}" "schedule: constant"
memcheck train s.yaml --out run --quiet --threads 2
memcheck train s.yaml --out run --quiet --resume --set stop.steps=6
memcheck train s.yaml --out adam --quiet --set optimizer=adam --set clip='{norm: 1}' --set accumulate=2
memcheck train s.yaml --out ref --quiet --set precision=float64 --set stop.steps=2
memcheck eval run/best.safetensors --split validation --json
# Several inputs and heads, weights, a class a position; a part without weights
cp "$(readlink -f "$here/../train/parity")/mixed_heads/data.npz" . && sed 's/shuffle: none/validation: {type: npz, file: data.npz, inputs: {steps: xs, table: x2}, targets: {at: yt, of: yk}}, shuffle: every_epoch/; s/steps: 20/steps: 3/' "$here/../train/parity/mixed_heads/recipe.yaml" >heads.yaml
memcheck train heads.yaml --out heads --quiet
memcheck eval heads/last.safetensors --split validation --json
memcheck predict heads/last.safetensors data.npz --json
memcheck report run
memcheck report heads run adam -o several.html
memcheck plan s.yaml --kernels
memcheck explain
finish
