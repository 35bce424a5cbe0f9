#!/bin/bash
# The installed library from an empty folder: a program of a few lines that opens a model and predicts from raw numbers, built with pkg-config and with CMake. Its
# numbers are those that the command prints, to the bit, of arrays of several types and lengths. [D18]
. "$(dirname "$0")/lib.sh"
install_library
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(pkg --variable=libdir)

mkdir empty
cat >empty/use.c <<'C'
#include <gradus/gradus.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) /* MODEL RAW N */
{
    static float x[4000], y[4000];
    int n = argc == 4 ? atoi(argv[3]) : 0;
    int64_t width;
    FILE *f = fopen(argv[2], "rb");
    gr_context *ctx;
    gr_model *m;
    if (!f || fread(x, sizeof *x, 4000, f) == 0 || fclose(f) != 0) return 2;
    if (gr_context_create(NULL, &ctx) != GR_OK || gr_model_open(ctx, argv[1], &m) != GR_OK) return 3;
    if (gr_model_predict(m, x, n, y) != GR_OK || gr_model_width(m, 0, &width) != GR_OK) return 4;
    for (int i = 0; i < n * (int)width; i++) printf("%.17g\n", (double)y[i]);
    gr_model_close(m);
    gr_context_destroy(ctx);
    return 0;
}
C
# shellcheck disable=SC2046
${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -o use empty/use.c $(pkg --cflags --libs) 2>cc.txt || short "pkg-config: $(head -n 5 cc.txt)"

# NAME TYPE N WIDTH: a table of so many rows as NAME.raw and NAME.npy
numbers() {
  perl -e 'my ($name, $n, $w) = @ARGV; my @x = map { 50 + 40 * sin($_ * 1.37) + ($_ % 7) } 0 .. $n * $w - 1;
    my $raw = pack("f<*", @x); open(F, ">", "$name.raw"); binmode F; print F $raw; close F;
    my $h = "{\x27descr\x27: \x27<f4\x27, \x27fortran_order\x27: False, \x27shape\x27: ($n, $w), }"; $h .= " " x (117 - length($h)) . "\n";
    open(F, ">", "$name.npy"); binmode F; print F "\x93NUMPY\x01\x00", pack("v", length $h), $h, $raw; close F' "$@"
}
# NAME MODEL N: what the program and the command say of it
agree() {
  ./use "$2" "$1.raw" "$3" >program.txt || { short "$1: the program ends with $?"; return; }
  code 0 predict "$2" "$1.npy" --json
  perl -ne 'if (/"(?:probabilities|output)": *\[(.*?)\]/) { printf "%.17g\n", $_ for split /, */, $1 }' out.txt >command.txt
  [[ $(wc -l <command.txt) -ge $3 ]] || short "$1: the command says $(head -c 200 out.txt)"
  cmp -s program.txt command.txt || short "$1 of $2: other numbers: $(diff program.txt command.txt | head -n 4 | tr '\n' ' ')"
}
for form in classes values; do
  [[ $form == classes ]] && kind=blobs last=3 cost=cross_entropy more="classes: 3," || { kind=regression last=1 cost=mse more=""; }
  cat >$form.yaml <<Y
gradus: 1
name: $form
data: {train: {type: synthetic, kind: $kind, features: 4, $more n: 240}, batch: 24, prepare: [standardize]}
model: {input: [4], layers: [{type: dense, units: 32, activation: gelu}, batch_norm, {type: dense, units: $last}]}
cost: $cost
optimizer: adam
stop: {epochs: 3}
Y
  code 0 train $form.yaml --out $form-run
  for n in 2 64 65 200; do
    numbers rows$n $n 4
    agree rows$n $form-run/best.safetensors $n
  done
done
bad 3 "this data is a program's, which gives it through the library" train classes.yaml --set data.train=program --out x
[[ ! -e x ]] || short "a run without data left a folder"

# CMake, with a build folder of its own, from a place to which everything was moved.
if command -v cmake >/dev/null; then
  mv root moved
  prefix=${prefix/root/moved}
  LD_LIBRARY_PATH=${LD_LIBRARY_PATH/root/moved}
  cat >empty/CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.10)
project(use C)
find_package(gradus 0.1 REQUIRED)
add_executable(use use.c)
target_link_libraries(use gradus::gradus)
C
  cmake -S empty -B cmake -DCMAKE_PREFIX_PATH="$prefix" >cmake.txt 2>&1 && cmake --build cmake >>cmake.txt 2>&1 || short "CMake: $(grep -iE 'error' cmake.txt | head -n 3)"
  ./cmake/use classes-run/best.safetensors rows65.raw 65 >program.txt || short "CMake's program ends with $?"
  ./use classes-run/best.safetensors rows65.raw 65 >again.txt
  cmp -s program.txt again.txt || short "CMake's program prints something else"
  sed -i 's/gradus 0.1/gradus 0.2/' empty/CMakeLists.txt
  cmake -S empty -B other -DCMAKE_PREFIX_PATH="$prefix" >cmake.txt 2>&1 && short "CMake takes version 0.1 for 0.2"
else
  echo "CMake is not here: its part was not run"
fi
finish
