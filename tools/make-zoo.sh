#!/bin/sh
# Writes the recipes given as a C table on standard output: each file's name, first comment line and whole text.
# Usage: make-zoo.sh FILE...
set -eu
export LC_ALL=C

echo "/* Written by tools/make-zoo.sh from recipes/zoo. */"
echo "#include \"model/zoo.h\""
echo
echo "static const gr_zoo_recipe recipes[] = {"
printf '%s\n' "$@" | sed 's/\.yaml$//' | sort | while IFS= read -r file; do # by name: vgg16 comes before vgg16-bn
    name=$(basename "$file")
    file=$file.yaml
    title=$(sed -n '1s/^# *//p' "$file" | sed 's/\\/\\\\/g; s/"/\\"/g')
    printf '    {"%s", "%s",\n' "$name" "$title"
    sed 's/\\/\\\\/g; s/"/\\"/g; s/^/     "/; s/$/\\n"/' "$file"
    echo "    },"
done
echo "};"
echo
echo "const gr_zoo_recipe *gr__zoo(int *n)"
echo "{"
echo "    *n = (int)(sizeof recipes / sizeof recipes[0]);"
echo "    return recipes;"
echo "}"
