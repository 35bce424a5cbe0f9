#!/bin/sh
# Writes the tables of families as C on standard output. For every family word given, each line `GR_WORD(name) =` at the
# start of a line in the *.c files of the folders becomes an entry, sorted by name: a table of the members, and
# gr__family_WORD with their heads and the rows of `GR_COMMON(WORD_common) =`, where there are any. A family without
# members gets empty tables. The word `common` stands for plain gr_member objects, GR_COMMON(clip_common) being
# gr__clip_common; `command` for objects of type cli_command. Commands and providers of contractions have no heads.
# Usage: make-registry.sh "WORD=HEADER..." FOLDER...
set -eu
export LC_ALL=C
families=$1
shift
for folder; do # those that are there
    shift
    [ ! -d "$folder" ] || set -- "$@" "$folder"
done

defined() { # MACRO: the names it defines
    find "$@" -maxdepth 1 -name '*.c' -exec sed -n "s/^$macro(\([A-Za-z0-9_]*\)) *=.*/\1/p" {} + | sort
}

echo "/* Written by tools/make-registry.sh; adding a member's file and building again changes it. */"
echo "#include <stddef.h>"
echo
for family in $families; do echo "#include \"${family#*=}\""; done | sort -u
for family in $families; do
    family=${family%%=*}
    macro=GR_$(printf %s "$family" | tr '[:lower:]' '[:upper:]')
    names=$(defined "$@")
    twice=$(printf '%s\n' "$names" | uniq -d)
    if [ -n "$twice" ]; then
        echo "make-registry.sh: $family $twice is defined twice" >&2
        exit 1
    fi
    hidden=$(find "$@" -maxdepth 1 -name '*.c' -exec grep -lE "^.*[^A-Z_]$macro\([A-Za-z0-9_]*\) *=" {} +) || true
    if [ -n "$hidden" ]; then
        echo "make-registry.sh: begin a line with $macro(name) = in $hidden, or it is in no table" >&2
        exit 1
    fi
    case $family in
    *y) plural=${family%y}ies ;;
    *) plural=${family}s ;;
    esac
    if [ "$family" = common ]; then
        type=gr_member prefix=gr__
        strays=$(find "$@" -maxdepth 1 -name '*.c' -exec grep -l '^const gr_member gr__' {} +) || true
        if [ -n "$strays" ]; then
            echo "make-registry.sh: write GR_COMMON(name) = in $strays, or its rows are in no table" >&2
            exit 1
        fi
    else
        type=gr_$family prefix=gr__${family}_
        [ "$family" != command ] || type=cli_command
    fi
    echo
    for name in $names; do echo "extern const $type $prefix$name;"; done
    echo "static const $type *const ${family}_table[] = {"
    for name in $names; do echo "    &$prefix$name,"; done
    echo "    NULL,"
    echo "};"
    echo "const $type *const *gr__$plural(int *n)"
    echo "{"
    echo "    *n = $(printf '%s' "$names" | grep -c .);" || true
    echo "    return ${family}_table;"
    echo "}"
    case $family in common | command | provider) continue ;; esac
    macro=GR_COMMON
    common=$(defined "$@" | grep -x "${family}_common") || true
    [ -z "$common" ] || echo "extern const gr_member gr__$common;"
    echo "static const gr_member *const ${family}_heads[] = {"
    for name in $names; do echo "    &$prefix$name.head,"; done
    echo "    NULL,"
    echo "};"
    echo "const gr_family gr__family_$family = {${family}_heads, $(printf '%s' "$names" | grep -c . || true), ${common:+&gr__}${common:-NULL}};"
done
