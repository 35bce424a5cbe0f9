#!/bin/bash
# No mutable state outside a context: the library's objects have nothing in the sections that a program writes to, be it at file scope or
# static within a function, a number or an array. (The command itself keeps its signal flag and its argument lists.) And no name is defined
# twice: a linker takes the first of two from static libraries without a word.
. "$(dirname "$0")/lib.sh"
build=$(dirname "$gradus")
compgen -G "$build/libgr_*.a" >/dev/null || { echo "SKIP: the command does not stand in its build folder"; exit 77; }
grep -qaE '__(asan|tsan|ubsan)_' "$gradus" && { echo "SKIP: sanitizers keep state of their own"; exit 77; }
command -v objdump >/dev/null || { echo "SKIP: no objdump"; exit 77; }

# Objects in .data, .bss and their thread-local kin; .data.rel.ro is constant once the program is loaded.
mutable() { objdump -t "$@" 2>/dev/null | awk 'NF > 3 && $(NF-2) ~ /^\.(data|bss|tdata|tbss)/ && $(NF-2) !~ /^\.data\.rel\.ro/ && $(NF-1) !~ /^0+$/ { print $(NF-2), $NF }'; }

cat >state.c <<'C'
static int counter; int numbers[4] = {1}; static const char *const names[] = {"a", "b"}; static _Thread_local double last;
int next(void); int next(void) { static char buffer[8]; buffer[0]++; last += names[counter & 1][0]; return ++counter + numbers[0] + buffer[0] + (int)last; }
C
${CC:-cc} -fPIC -c state.c -o state.o || short "no compiler"
found=$(mutable state.o | wc -l)
[[ $found -eq 4 ]] || short "of four mutable objects $found are seen: $(mutable state.o | tr '\n' ' ')"

libraries=0
for library in "$build"/libgr_*.a; do
  state=$(mutable "$library")
  [[ -z $state ]] || short "$(basename "$library") has mutable state: $(tr '\n' ' ' <<<"$state")"
  libraries=$((libraries + 1))
done
defined() { nm -g --defined-only "$@" 2>/dev/null | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort; }
twice=$(defined "$build"/libgr_{base,result,graph,plan,backend,family,data,model,train,api,exchange,study}.a | uniq -d)
[[ $(defined "$build"/libgr_base.a | wc -l) -ge 100 ]] || short "no names are found"
[[ -z $twice ]] || short "defined twice: $(tr '\n' ' ' <<<"$twice")"
[[ $libraries -ge 10 ]] || short "only $libraries libraries are found"
finish
