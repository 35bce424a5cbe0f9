#!/bin/sh
# Lists the files of a folder that match a pattern, sorted, one a line. Files compiled once an instruction set (*.isa.c) come only with --isa.
# Usage: list-files.sh [--isa] FOLDER PATTERN
cd "$(dirname "$0")/.." || exit 1
if [ "$1" = --isa ]; then
    shift
    [ ! -d "$1" ] || find "$1" -maxdepth 1 -name "$2" | LC_ALL=C sort
else
    [ ! -d "$1" ] || find "$1" -maxdepth 1 -type f -name "$2" ! -name '*.isa.c' | LC_ALL=C sort
fi
