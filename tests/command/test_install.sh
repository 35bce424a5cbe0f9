#!/bin/bash
# What `meson install` installs is a library that another program can use: the examples build against it with pkg-config alone, and run.
. "$(dirname "$0")/lib.sh"
install_library
# Programs of docs/library.md: a block of C that begins with the name of a file, and what it prints.
awk '
  /^```/ { if (file) { close(file); file = "" } else { kind = substr($0, 4); first = 1; if (kind == "text") { file = "page/" name ".txt"; printf "" >file } } next }
  kind == "c" && first { first = 0; name = $2; sub(/\.c$/, "", name); file = "page/" name ".c" }
  file { print >file }' <(mkdir -p page; cat "$here/../../docs/library.md")
programs=$(find page -name '*.c' | wc -l)
[[ $programs -ge 4 && $programs -eq $(grep -c '^```c$' "$here/../../docs/library.md") ]] || short "docs/library.md: $programs programs are found"

# KIND FLAGS...: every example with these flags
examples() {
  local kind=$1 example name
  shift
  for example in "$here"/../../examples/{descent,custom_layer,train,predict,optimizer}.c page/*.c; do # predict takes the model of train
    name=$(basename "$example" .c)-$kind
    ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror -o "$name" "$example" "$@" 2>cc.txt || { short "$name does not build: $(head -n 5 cc.txt)"; continue; }
    ./"$name" >"$name.txt" 2>&1 || short "$name: exit $?: $(tail -n 2 "$name.txt")"
  done
}
libdir=$(pkg --variable=libdir)
# shellcheck disable=SC2046
{
  examples static $(pkg --cflags --libs --static | sed 's/-lgradus/-l:libgradus.a/')
  LD_LIBRARY_PATH=$libdir examples shared $(pkg --cflags --libs) -lm
}
[[ $(ls "$here"/../../examples/*.c | wc -l) -eq 5 ]] || short "examples/ has others than those that are built here"
for program in page/*.c; do
  name=$(basename "$program" .c)
  cmp -s "page/$name.txt" "$name-static.txt" || short "docs/library.md: $name.c prints something else: $(diff "page/$name.txt" "$name-static.txt" | head -n 4)"
done
for header in "$here"/../../include/gradus/*.h "$here"/../../include/gradus/ext/*.h; do
  grep -qF "\`gradus/${header##*/include/gradus/}\`" "$here/../../docs/library.md" || short "docs/library.md does not name gradus/${header##*/include/gradus/}"
done
has descent-static.txt "step 20000  f 0.00"
awk '/updates, validation accuracy/ { good = $NF >= 0.98 } END { exit !good }' custom_layer-static.txt || short "custom_layer: $(tail -n 1 custom_layer-static.txt)"
awk '/^ended by asked/ { good = $9 + 0 < 0.05 } END { exit !good }' train-static.txt || short "train: $(tail -n 1 train-static.txt)"
[[ $(awk '{ print $3 }' predict-static.txt | tr '\n' ' ') == "inner outer outer inner " ]] || short "predict: $(cat predict-static.txt)"
awk '/^update 2000/ { good = $NF < 0.001 } END { exit !good }' optimizer-static.txt || short "optimizer: $(tail -n 1 optimizer-static.txt)"
for example in *-static; do
  cmp -s "$example.txt" "${example%-static}-shared.txt" || short "${example%-static} prints something else with the shared library"
  ldd "$example" | grep -q libgradus && short "$example takes the shared library"
  ldd "${example%-static}-shared" | grep -q 'libgradus\.so\.0 ' || short "${example%-static}-shared does not take the shared library"
done
bytes=$(strip -o small "$gradus" && stat -c %s small)
[[ $bytes -lt 8000000 ]] || short "the command has $bytes bytes"
"$work/root$(pkg-config --variable=prefix gradus)/bin/gradus" version >/dev/null || short "the installed command does not run"
finish
