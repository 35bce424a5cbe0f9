#!/bin/sh
# Writes the tables of families as C on standard output: for every family word given, each line `GR_WORD(name) =` at the start of a line in
# the *.c files of the folders becomes an entry, sorted by name. A family without members gets an empty table.
# The family `common` is of plain gr_member objects, GR_COMMON(clip_common) being gr__clip_common.
# Usage: make-registry.sh "HEADER..." "FAMILY..." FOLDER...
set -eu
export LC_ALL=C
headers=$1
families=$2
shift 2

echo "/* Written by tools/make-registry.sh; adding a member's file and building again changes it. */"
echo "#include <stddef.h>"
echo
for header in $headers; do echo "#include \"$header\""; done
for family in $families; do
    macro=GR_$(printf %s "$family" | tr '[:lower:]' '[:upper:]')
    names=$(find "$@" -maxdepth 1 -name '*.c' -exec sed -n "s/^$macro(\([A-Za-z0-9_]*\)) *=.*/\1/p" {} + | sort)
    twice=$(printf '%s\n' "$names" | uniq -d)
    if [ -n "$twice" ]; then
        echo "make-registry.sh: $family $twice is defined twice" >&2
        exit 1
    fi
    type=gr_$family
    prefix=gr__${family}_
    if [ "$family" = common ]; then
        type=gr_member
        prefix=gr__
        strays=$(find "$@" -maxdepth 1 -name '*.c' -exec grep -l '^const gr_member gr__' {} +) || true
        if [ -n "$strays" ]; then
            echo "make-registry.sh: write GR_COMMON(name) = in $strays, or its rows are in no table" >&2
            exit 1
        fi
    fi
    count=0
    echo
    for name in $names; do
        echo "extern const $type $prefix$name;"
        count=$((count + 1))
    done
    echo "static const $type *const ${family}_table[] = {"
    for name in $names; do
        echo "    &$prefix$name,"
    done
    echo "    NULL,"
    echo "};"
    case $family in
    *y) plural=${family%y}ies ;;
    *) plural=${family}s ;;
    esac
    echo "const $type *const *gr__$plural(int *n)"
    echo "{"
    echo "    *n = $count;"
    echo "    return ${family}_table;"
    echo "}"
done
