# Exported programs, built and held against `predict`: sourced behind lib.sh.

# STEM MODEL EXPORT-OPTIONS...: exports STEM.c and builds STEM, with all warnings as errors
program() {
  local stem=$1 model=$2
  shift 2
  code 0 export "$model" -o "$stem.c" "$@" || return 1
  ${CC:-cc} -std=c11 -Wall -Wextra -Werror ${CSOURCE_FLAGS:--O1} -DHEADER="\"$stem.h\"" -DNAME="$stem" -DCAPITALS="${stem^^}" -I. -o "$stem" "$here/csource.c" "$stem.c" -lm 2>cc.txt ||
    { short "$stem.c does not build: $(head -n 5 cc.txt)"; return 1; }
}

# STEM MODEL NUMBERS FILES...: what the program gives for the numbers of samples is what predict gives for the files
agrees() {
  local stem=$1 model=$2 numbers=$3 worst
  shift 3
  "./$stem" <"$numbers" >"$stem.txt" 2>err.txt || { short "$stem: $(head -n 3 err.txt)"; return 1; }
  code 0 predict "$model" "$@" --json || return 1
  worst=$(perl "$here/csource.pl" out.txt "$stem.txt" "${CSOURCE_TOLERANCE:-1e-5}" 2>&1) || { short "$stem: the program is not what predict is: $worst"; return 1; }
}

# STEM MODEL NUMBERS FILES...: both
holds() { program "$1" "$2" && agrees "$@"; }

# FILE: an array of bytes behind its header, as numbers
bytes_of() { tail -c +129 "$1" | od -An -v -tu1 -w16; }
