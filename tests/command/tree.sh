# A copy of the tree, to add to and to build: sourced behind lib.sh by tests that follow CONTRIBUTING.md.
grep -qaE '__(asan|tsan|ubsan)_' "$gradus" && { echo "skipped: a build of its own, which sanitizers would make long"; exit 77; }
for tool in meson ninja; do command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }; done
root=$(readlink -f "$here/../..")
mkdir tree
cp -a "$root"/{include,src,tests,tools,recipes,meson.build,meson_options.txt} tree/
cd tree || exit 99

# block SECTION KIND N: the N-th block of this kind (c; nothing: no language) in a section of CONTRIBUTING.md
block() {
  sed -n "/^## $1/,/^## /p" "$root/CONTRIBUTING.md" | awk -v open="\`\`\`$2" -v n="$3" '
    inside && $0 == "```" { inside = 0; next }
    inside == 2 { print }
    !inside && /^```/ { inside = 1; if ($0 == open && ++seen == n) inside = 2 }'
}

# Configures build/. Where the command stands in a build folder of the tree, its objects come along with their times, so that only what the change
# reaches is compiled; elsewhere all is.
configure_tree() {
  local built
  built=$(dirname "$gradus")
  if [[ -e $built/build.ninja && $(dirname "$built") == "$root" ]]; then
    mkdir build
    find "$built" -maxdepth 1 \( -name '*.p' -o -name '*.a' -o -name '*.c' -o -name '*.cmake' -o -name '.ninja_*' -o -name build.ninja -o -name 'meson-*' \) -exec cp -a -t build {} +
    meson setup --reconfigure build >setup.log 2>&1 || { tail setup.log; exit 99; }
  else
    meson setup build -Dtests=true -Dwerror=true -Doptimization=1 >setup.log 2>&1 || { tail setup.log; exit 99; }
  fi
}
