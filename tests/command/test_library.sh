#!/bin/bash
# The shared library exports what the public headers declare, nothing less and nothing more; it neither ends the process nor prints; it says
# which version it is. Every public header stands alone, as C11 and as C++17.
. "$(dirname "$0")/lib.sh"
build=$(dirname "$gradus")
root=$here/../..
library=$build/libgradus.so
[[ -e $library ]] || { echo "SKIP: the command does not stand in its build folder"; exit 77; }
if nm "$gradus" 2>/dev/null | grep -qE '__asan_init|__tsan_init|__gcov_'; then echo "SKIP: sanitizers and coverage add names of their own"; exit 77; fi

# FOLDER: the functions that the headers there declare, whether or not they are marked to be exported
declared() {
  (cd "$1" && find gradus -name '*.h' | sed 's/.*/#include "&"/') | ${CC:-cc} -E -I"$1" -x c - |
    awk '/^# [0-9]+ "/ { ours = $3 ~ /\/gradus\//; next } ours' | tr '\n' ' ' | tr ';' '\n' | grep -v typedef |
    grep -oE '\bgr_[a-z0-9_]+ *\([^*]' | sed 's/ *(.*//' | sort -u
}
exported() { nm -D --defined-only "$1" | awk '{ print $3 }' | sort -u; }

declared "$root/include" >declared.txt
exported "$library" >exported.txt
[[ $(wc -l <declared.txt) -ge 100 ]] || short "only $(wc -l <declared.txt) functions are declared"
leaked=$(comm -13 declared.txt exported.txt | tr '\n' ' ')
lost=$(comm -23 declared.txt exported.txt | tr '\n' ' ')
[[ -z $leaked ]] || short "exported, but in no public header: $leaked"
[[ -z $lost ]] || short "declared in a public header, but not exported: $lost"
# The names that programs may have been linked with are kept: none goes, or changes its spelling, unseen.
grep -v '^#' "$root/tests/exported.txt" | LC_ALL=C sort -c 2>/dev/null || short "tests/exported.txt is not sorted"
LC_ALL=C sort -u exported.txt >names.txt
gone=$(grep -v '^#' "$root/tests/exported.txt" | LC_ALL=C comm -13 names.txt - | tr '\n' ' ')
fresh=$(grep -v '^#' "$root/tests/exported.txt" | LC_ALL=C comm -23 names.txt - | tr '\n' ' ')
[[ -z $gone ]] || short "programs linked with these no longer start: $gone"
[[ -z $fresh ]] || short "new; tests/exported.txt is to have them: $fresh"

# What the comparison is worth: a function without GR_API, and a stray one.
mkdir -p trial/gradus
cat >trial/gradus/a.h <<'C'
#define GR_API __attribute__((visibility("default")))
typedef int gr_number;
typedef struct gr_thing { int n; gr_number (*act)(int gr_argument); } gr_thing;
GR_API int gr_marked(gr_thing *t); /* gr_comment( */
int gr_unmarked(
    int n);
C
printf '#include "gradus/a.h"\nint gr_marked(gr_thing *t) { t->act(1); return 0; }\nint gr_unmarked(int n) { return n; }\nGR_API int gr_stray(void);\nint gr_stray(void) { return 1; }\n' >trial.c
${CC:-cc} -fPIC -shared -fvisibility=hidden -Itrial -o trial.so trial.c || short "no compiler"
[[ $(declared trial | tr '\n' ' ') == "gr_marked gr_unmarked " ]] || short "declared: $(declared trial | tr '\n' ' ')"
[[ $(exported trial.so | tr '\n' ' ') == "gr_marked gr_stray " ]] || short "exported: $(exported trial.so | tr '\n' ' ')"

# Ending the process and printing are for whoever uses the library. (A broken invariant of our own is an assert, which ends it.)
ends='^(exit|_exit|_Exit|quick_exit|abort|raise|printf|vprintf|puts|putchar|putc|fputs|fputc|perror|psignal|stdout|stderr|err|errx|warn|warnx|syslog)$'
wanted() { nm -D --undefined-only "$1" | awk '{ sub(/@.*/, "", $2); sub(/^__/, "", $2); sub(/_chk$/, "", $2); print $2 }'; }
[[ $(wanted "$library" | wc -l) -ge 50 ]] || short "no names are wanted"
[[ -z $(wanted "$library" | grep -E "$ends") ]] || short "the library ends the process or prints: $(wanted "$library" | grep -E "$ends" | tr '\n' ' ')"
printf '#include <stdio.h>\n#include <stdlib.h>\nvoid f(int n);\nvoid f(int n) { if (n) exit(n); fprintf(stderr, "%%d\\n", n); printf("%%d\\n", n); }\n' >trial.c
${CC:-cc} -O2 -D_FORTIFY_SOURCE=2 -fPIC -shared -o trial.so trial.c
[[ $(wanted trial.so | grep -cE "$ends") -eq 3 ]] || short "of exit, stderr and printf only $(wanted trial.so | grep -E "$ends" | tr '\n' ' ')are seen"

version=$("$gradus" version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)
[[ $(objdump -p "$library" | awk '/SONAME/ { print $2 }') == libgradus.so.0 ]] || short "its soname is $(objdump -p "$library" | grep SONAME)"
[[ $(basename "$(readlink -f "$library")") == "libgradus.so.$version" ]] || short "it is $(readlink -f "$library"), of version $version"

cd "$root/include" || exit 99
for header in $(find gradus -name "*.h"); do
  for language in "c11 c" "c++17 c++"; do
    echo "#include \"$header\"" | ${CC:-cc} -std="${language% *}" -Wall -Wextra -Wpedantic -Werror -I. -fsyntax-only -x "${language#* }" - ||
      short "$header does not stand alone as ${language% *}"
  done
done
cd "$work" || exit 99
finish
