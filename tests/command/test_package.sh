#!/bin/bash
# The installed library from an empty folder: a program of a few lines that opens a model and predicts from raw numbers, built with pkg-config and with CMake. Its
# numbers are those that the command prints, to the bit, of arrays of several types and lengths; Python's are too, and those of exported C source to 1e-5, of raw
# input that wants preparation. PyTorch's weights in, ONNX out. [D18, SYS35]
. "$(dirname "$0")/lib.sh"
. "$here/zoo.sh"
. "$here/csource.sh"
. "$here/python.sh"
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

# ---- raw input that wants preparation: the program, the command, Python and C source tell the same of it ----
cat >empty/raw.c <<'C'
#include <gradus/gradus.h>
#include <stdio.h>

int main(int argc, char **argv) /* MODEL FILE */
{
    static double y[4000];
    gr_context *ctx;
    gr_model *m;
    gr_data *d;
    int64_t width;
    if (argc != 3 || gr_context_create(NULL, &ctx) != GR_OK || gr_model_open(ctx, argv[1], &m) != GR_OK) return 2;
    if (gr_model_read(m, argv[2], &d) != GR_OK || gr_model_width(m, 0, &width) != GR_OK) return 3;
    if (gr_model_predict_data(m, d, (double *[]){y}) != GR_OK) return 4;
    for (int64_t i = 0; i < gr_data_samples(d) * width; i++) printf("%.17g\n", y[i]);
    gr_data_destroy(d);
    gr_model_close(m);
    gr_context_destroy(ctx);
    return 0;
}
C
# shellcheck disable=SC2046
${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -o raw empty/raw.c $(pkg --cflags --libs) 2>cc.txt || short "pkg-config: $(head -n 5 cc.txt)"
if find_python && ! nm "$gradus" 2>/dev/null | grep -q __gcov_; then
  install_wheel site
else
  python=
  echo "Python with NumPy is not here: its part was not run"
fi
cat >raw.py <<'PY'
import sys, gradus, numpy
model = gradus.load(sys.argv[1])
told = model.predict(sys.argv[2])
for number in told.ravel(): print("%.17g" % number)
assert not sys.argv[2].endswith(".npy") or numpy.array_equal(told, model.predict(numpy.load(sys.argv[2])))
PY

# STEM MODEL NUMBERS FILE: all four
four() {
  holds "$@" # what the command says is in out.txt then
  perl -ne 'while (/"(?:probabilities|output)": ?\[(.*?)\]/g) { printf "%.17g\n", $_ for split /, */, $1 }' out.txt >command.txt
  [[ $(wc -l <command.txt) -ge 80 ]] || short "$1: the command says $(head -c 200 out.txt)"
  ./raw "$2" "$4" >program.txt || short "$1: the program ends with $?"
  same program.txt command.txt "$1"
  [[ -n $python ]] || return 0
  env -u GRADUS_LIBRARY PYTHONPATH="$work/site" "$python" raw.py "$2" "$4" >python.txt 2>err.txt || short "$1: Python: $(tail -n 2 err.txt)"
  same python.txt command.txt "$1"
}

# A table with categories and missing values.
perl -e 'print "year,colour,size,kind\n"; printf "%s,%s,%s,%s\n", $_ % 7 == 3 ? "" : 1990 + $_ % 25, $_ % 11 == 5 ? "" : qw(red green blue)[$_ * 7 % 3],
  $_ % 13 == 6 ? "" : sprintf("%.3f", 5 + 4 * sin($_)), $_ * 7 % 5 ? "yes" : "no" for 0 .. 89' >table.csv
perl -F, -lane 'next if $. == 1; my %i = (blue => 0, green => 1, red => 2); print join " ", map { $_ eq "" ? "nan" : $i{$_} // $_ } @F[0 .. 2]' table.csv >table-raw.txt
small table.yaml 'data: {train: {type: csv, file: table.csv, target: kind, missing: [""], columns: [year, {name: colour, as: category}, size]}, validation: {split: 0.2}, batch: 20, prepare: [{type: impute, with: mode, columns: [colour]}, {type: impute, with: mean, columns: [year, size]}, standardize]}' \
  'model: {input: [5], layers: [{type: dense, units: 6, activation: gelu}, {type: dense, units: 2}]}' "stop: {epochs: 3}" "optimizer: {type: adam, lr: 0.05}"
code 0 train table.yaml --out table-run --quiet && four table table-run/best.safetensors table-raw.txt table.csv

# Pictures as bytes, made smaller and grey.
octets pictures.npy 40 12 12 3 <"$gradus"
perl -e 'print map { chr($_ % 4) } 0 .. 39' | octets kinds.npy 40
bytes_of pictures.npy >pictures-raw.txt
small pictures.yaml 'data: {train: {type: npy, inputs: pictures.npy, targets: kinds.npy}, batch: 20, prepare: [{type: resize, size: [8, 8]}, to_grey, {type: scale, by: 1/255}, standardize]}' \
  'model: {input: [8, 8, 1], layers: [{type: conv, filters: 4, kernel: 3, activation: relu}, batch_norm, flatten, {type: dense, units: 4}]}' "stop: {epochs: 2}"
code 0 train pictures.yaml --out pictures-run --quiet && four pictures pictures-run/last.safetensors pictures-raw.txt pictures.npy

# Numbers: logarithms and limits; values in the unit of the targets.
perl -e 'for my $w (4, 1) { my @x = map { my $i = $_; $w == 1 ? 500 + 90 * cos($i) : (map({ exp(3 * sin($i * 1.3 + $_)) } 0 .. 2), $i % 3) } 0 .. 79;
  my $h = "{\x27descr\x27: \x27<f8\x27, \x27fortran_order\x27: False, \x27shape\x27: (80, $w), }"; $h .= " " x (117 - length($h)) . "\n";
  open(F, ">", $w == 1 ? "prices.npy" : "amounts.npy"); binmode F; print F "\x93NUMPY\x01\x00", pack("v", length $h), $h, pack("d<*", @x); close F }'
tail -c +129 amounts.npy | od -An -v -tfD -w32 >amounts-raw.txt
small amounts.yaml 'data: {train: {type: npy, inputs: amounts.npy, targets: prices.npy}, batch: 20, prepare: [{type: log, offset: 1, columns: [0, 1]}, {type: clip, low: 0.1, high: 9, columns: [2]}, {type: standardize, columns: [0, 1, 2]}], target: {standardize: true}}' \
  'model: {input: [4], layers: [{type: dense, units: 7, activation: tanh}, {type: dense, units: 1}]}' "cost: mse" "stop: {epochs: 2}"
code 0 train amounts.yaml --out amounts-run --quiet && four amounts amounts-run/last.safetensors amounts-raw.txt amounts.npy

# ---- PyTorch's weights in, as torchvision writes them; ONNX out, and back ----
octets shown.npy 3 64 64 3 <"$gradus"
printf '\0\1\2' | octets shown-kinds.npy 3
small squeeze.yaml 'data: {train: {type: npy, inputs: shown.npy, targets: shown-kinds.npy}, batch: 3, prepare: [{type: scale, by: 1/255}, {type: standardize, per: channel}]}' \
  'model: {zoo: squeezenet, classes: 4, input: [64, 64, 3], dropout: 0}' "stop: {steps: 1}"
perl "$here/torch_weights.pl" >torch.safetensors
code 0 import torch.safetensors -o squeeze.safetensors --recipe squeeze.yaml --map torchvision
code 0 export squeeze.safetensors -o squeeze.onnx
code 0 import squeeze.onnx -o again.safetensors
code 0 predict again.safetensors shown.npy --json && cp out.txt came-back.txt
code 0 predict squeeze.safetensors shown.npy --json && same out.txt came-back.txt "an ONNX graph that comes back predicts otherwise"
# Its numbers are in the order of PyTorch, with every tensor at its own place.
code 0 export again.safetensors -o back.npz
for name in features.0.bias features.7.expand3x3.weight classifier.1.weight; do
  perl -e 'local $/; open F, "<", "torch.safetensors"; binmode F; $_ = <F>; my $n = unpack "Q<"; my ($from, $to) = substr($_, 8, $n) =~ /"\Q$ARGV[0]\E":[^}]*"data_offsets":\[(\d+),(\d+)/ or die; binmode STDOUT; print substr $_, 8 + $n + $from, $to - $from' "$name" >wanted.raw
  unzip -p back.npz "$name.npy" | tail -c "$(stat -c %s wanted.raw)" >found.raw
  same found.raw wanted.raw "$name"
done
if [[ -n $python ]] && "$python" -c 'import onnx' 2>/dev/null; then
  "$python" -c 'import onnx; m = onnx.load("squeeze.onnx"); onnx.checker.check_model(m, full_check=True); print(len(m.graph.initializer))' >onnx.txt 2>&1 || short "ONNX: $(tail -n 1 onnx.txt)"
else
  echo "ONNX's checker is not here: its part was not run"
fi

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
