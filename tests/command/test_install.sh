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
flags=$(pkg-config --define-variable=prefix="$prefix" --cflags --libs --static gradus)
for example in "$here"/../../examples/*.c; do
  name=$(basename "$example" .c)
  # shellcheck disable=SC2086
  ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$name" "$example" $flags 2>cc.txt || { short "$name does not build: $(head -n 5 cc.txt)"; continue; }
  ./"$name" >"$name.txt" 2>&1 || short "$name: exit $?: $(tail -n 2 "$name.txt")"
done
has descent.txt "step 20000  f 0.00"
bytes=$(strip -o small "$gradus" && stat -c %s small)
[[ $bytes -lt 8000000 ]] || short "the command has $bytes bytes"
"$work/root$(pkg-config --variable=prefix gradus)/bin/gradus" version >/dev/null || short "the installed command does not run"
finish
