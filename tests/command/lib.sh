# Shared by the tests of the command: sourced with the command's path as $1. A test counts what failed and ends with `finish`.
set -u
gradus=$(readlink -f "$1")
here=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")")
work=$(mktemp -d) shorts=$(mktemp)
trap '[[ $BASHPID -ne $$ ]] || rm -rf "$work" "$shorts"' EXIT # a subshell that a signal ends has the trap too
cd "$work" || exit 99
export LSAN_OPTIONS=${LSAN_OPTIONS:-} TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}

# What fails is counted in a file and told on standard error, so that neither is lost in a subshell, a pipe or $(...).
short() { echo "SHORT: $*" | tee -a "$shorts" >&2; }
failed() { grep -c '^SHORT: ' "$shorts"; }

# code WANTED ARGS...: runs the command; its output stays in out.txt and err.txt
code() {
  local want=$1 got
  shift
  "$gradus" "$@" >out.txt 2>err.txt </dev/null
  got=$?
  grep -a 'runtime error: ' err.txt && short "gradus $*: undefined behaviour" # a sanitizer's word, which changes no exit code
  if [[ $got -ne $want ]]; then
    short "gradus $*: exit $got, not $want: $(tail -n 3 err.txt)"
    return 1
  fi
}

# bad WANTED PATTERN ARGS...: the command refuses with this exit code, and exactly one error line that matches
bad() {
  local want=$1 pattern=$2
  shift 2
  code "$want" "$@" || return 0
  local n
  n=$(grep '^gradus: ' err.txt | grep -vc '^gradus: \(warning\|note\): ')
  [[ $n -eq 1 ]] || short "gradus $*: $n error lines, not 1: $(head -n 4 err.txt)"
  grep -qE -e "$pattern" err.txt || short "gradus $*: the error does not match /$pattern/: $(head -n 2 err.txt)"
}

# until_holds COMMAND...: waits for what a process in the background does: a minute and more, for the machine may be busy
until_holds() {
  local i
  for ((i = 0; i < 3000; i++)); do "$@" && return; sleep 0.02; done
  short "never came true: $*"
}
has_lines() { [[ -e $1 && $(wc -l <"$1") -ge $2 ]]; } # FILE N: N or more

same() { cmp -s "$1" "$2" || short "$1 and $2 differ${3:+ ($3)}"; }
differ() { cmp -s "$1" "$2" && short "$1 and $2 are equal${3:+ ($3)}"; }
has() { grep -qE "$2" "$1" || short "$1 has no /$2/: $(head -n 3 "$1")"; }
# FILE KEY: its value, which must be there: two missing ones would be equal
field() {
  local value
  value=$(sed -nE "s/.*\"$2\": ?\"?([^,\"}]*)\"?.*/\1/p" "$1" | head -n 1)
  [[ $value ]] || short "no $2 in $1"
  echo "${value:-no $2 in $1}"
}
# Installs what was built into $work/root: prefix is where, pkg asks pkg-config of it. Skips the test where there is nothing to install, or no plain program links with it.
install_library() {
  build=$(dirname "$gradus")
  [[ -e $build/build.ninja ]] || { echo "SKIP: the command does not stand in its build folder"; exit 77; }
  if nm "$gradus" 2>/dev/null | grep -qE '__asan_init|__tsan_init'; then echo "SKIP: a library with sanitizers does not link into a plain program"; exit 77; fi
  DESTDIR=$work/root meson install -C "$build" --no-rebuild >install.txt 2>&1 || short "meson install: $(tail -n 3 install.txt)"
  local pc
  pc=$(find root -name gradus.pc | head -n 1)
  [[ -n $pc ]] || { short "no gradus.pc"; finish; }
  export PKG_CONFIG_PATH=$work/$(dirname "$pc")
  prefix=$work/root$(pkg-config --variable=prefix gradus)
}
pkg() { pkg-config --define-variable=prefix="$prefix" "$@" gradus; }
finish() {
  [[ $(failed) -eq 0 ]] || exit 1
  echo "all held"
  exit 0
}

# A small recipe on made-up data: a convolution, a pooling, dropout, momentum and decay, so that every kind of state exists.
small() { # FILE LINES...: further top-level lines, which replace the default of the same key
  local file=$1 key line
  shift
  declare -A over=()
  for line in "$@"; do over[${line%%:*}]=$line; done
  : >"$file"
  while IFS= read -r line; do
    key=${line%%:*}
    echo "${over[$key]:-$line}" >>"$file"
    unset "over[$key]"
  done <<'YAML'
gradus: 1
name: small
seed: 3
data: {train: {type: synthetic, kind: digits, n: 300, seed: 1}, validation: {split: 0.2}, batch: 32, prepare: [standardize], shuffle: every_epoch}
model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: 3, padding: same, activation: relu, name: c1}, {type: max_pool, size: 2}, flatten, {type: dropout, rate: 0.25}, {type: dense, units: 10, name: head}]}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.02, momentum: 0.9, weight_decay: 0.001}
schedule: {type: polynomial, warmup: 3}
stop: {epochs: 3}
validate: {every: 1 epoch}
checkpoint: {every: 3, keep: 3}
YAML
  for key in "${!over[@]}"; do echo "${over[$key]}" >>"$file"; done
}
