#!/bin/bash
# What `meson install` installs is a library that another program can use: the examples build against it with pkg-config alone, and run.
. "$(dirname "$0")/lib.sh"
build=$(dirname "$gradus")
[[ -e $build/build.ninja ]] || { echo "SKIP: the command does not stand in its build folder"; exit 77; }
if nm "$gradus" 2>/dev/null | grep -qE '__asan_init|__tsan_init'; then echo "SKIP: a library with sanitizers does not link into a plain program"; exit 77; fi
DESTDIR=$work/root meson install -C "$build" --no-rebuild >install.txt 2>&1 || short "meson install: $(tail -n 3 install.txt)"
pc=$(find root -name gradus.pc | head -n 1)
[[ -n $pc ]] || { short "no gradus.pc"; finish; }
export PKG_CONFIG_PATH=$work/$(dirname "$pc")
prefix=$work/root$(pkg-config --variable=prefix gradus)
# KIND FLAGS...: every example with these flags
examples() {
  local kind=$1 example name
  shift
  for example in "$here"/../../examples/*.c; do
    name=$(basename "$example" .c)-$kind
    ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror -o "$name" "$example" "$@" 2>cc.txt || { short "$name does not build: $(head -n 5 cc.txt)"; continue; }
    ./"$name" >"$name.txt" 2>&1 || short "$name: exit $?: $(tail -n 2 "$name.txt")"
  done
}
pkg() { pkg-config --define-variable=prefix="$prefix" "$@" gradus; }
libdir=$(pkg --variable=libdir)
# shellcheck disable=SC2046
{
  examples static $(pkg --cflags --libs --static | sed 's/-lgradus/-l:libgradus.a/')
  LD_LIBRARY_PATH=$libdir examples shared $(pkg --cflags --libs)
}
has descent-static.txt "step 20000  f 0.00"
for example in *-static; do
  cmp -s "$example.txt" "${example%-static}-shared.txt" || short "${example%-static} prints something else with the shared library"
  ldd "$example" | grep -q libgradus && short "$example takes the shared library"
  ldd "${example%-static}-shared" | grep -q 'libgradus\.so\.0 ' || short "${example%-static}-shared does not take the shared library"
done
bytes=$(strip -o small "$gradus" && stat -c %s small)
[[ $bytes -lt 8000000 ]] || short "the command has $bytes bytes"
"$work/root$(pkg-config --variable=prefix gradus)/bin/gradus" version >/dev/null || short "the installed command does not run"
finish
