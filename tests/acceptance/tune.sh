#!/bin/bash
# What gradus tune promises at length: a study killed 100 times at random moments, and one shared by two processes that are killed too, end in the trials of one that
# ran in one go; halving finds the rate of whole trainings with a third of their updates; TPE is no worse than Optuna's on three recipes, in the median of 10 studies.
# Usage: tests/acceptance/tune.sh [GRADUS] [PART...], parts: kills shared halving optuna; PYTHON is one that has optuna. Minutes each; folders in /dev/shm where there is one.
set -u
cd "$(dirname "$0")/../.." || exit 1
here=$PWD gradus=$(readlink -f "${1:-build/gradus}") python=${PYTHON:-python3}
shift
parts=${*:-kills shared halving optuna}
root=/tmp
[[ -d /dev/shm ]] && root=/dev/shm
work=$(mktemp -d -p "$root")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
bad=0
say() { echo "$*"; }
fail() { echo "FAILED: $*"; bad=1; }

cat >r.yaml <<'YAML'
gradus: 1
name: r
seed: 3
data: {train: {type: synthetic, kind: digits, n: 300, noise: 0.4, seed: 1}, validation: {split: 0.2}, batch: 24, prepare: [standardize], shuffle: every_epoch}
model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 16, activation: relu}, {type: dense, units: 10}]}
cost: cross_entropy
optimizer: {type: sgd, lr: 0.02, momentum: 0.9}
validate: {every: 10}
checkpoint: {every: 7}
stop: {steps: 270}
YAML
spaces=(--try 'optimizer={adam,sgdm}' --try 'optimizer.lr=log(1e-4,1)' --try 'optimizer.momentum=uniform(0.5,0.99)' --try 'data.batch=int_log(8,64)')
dump() {
  python3 - "$1" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for q in ("trials ORDER BY trial", "settings ORDER BY trial, key", "reports ORDER BY trial, step"):
    for row in db.execute("SELECT * FROM " + q): print(row)
PY
}
search() { exec "$gradus" tune r.yaml --json "${spaces[@]}" "$@" 2>>err.txt; }
# so that a kill falls anywhere in a process's life, and most fall into one
pause() { sleep "0.$(printf %03d $((RANDOM % ${1:-250} + 5)))"; }

# METHOD TRIALS KILLS ARGUMENTS...
killed() {
  local method=$1 trials=$2 kills=$3 n=0 p
  shift 3
  rm -rf one.db* two.db*
  (search --method "$method" --trials "$trials" --study one.db "$@") >one.txt || { fail "$method: $(tail -n 1 err.txt)"; return; }
  while [[ $n -lt $kills ]]; do
    (search --method "$method" --trials "$trials" --study two.db "$@") >>two.txt &
    p=$!
    pause
    kill -9 $p 2>/dev/null && n=$((n + 1)) || rm -rf two.db* # it ended before: from the beginning, and on with the kills
    wait $p 2>/dev/null
  done
  (search --method "$method" --trials "$trials" --study two.db "$@") >last.txt || fail "$method: $(tail -n 1 err.txt)"
  dump one.db >one.dump
  dump two.db >two.dump
  cmp -s one.dump two.dump || fail "$method: other trials after $n kills"
  [[ $(tail -n 1 one.txt) == "$(tail -n 1 last.txt)" ]] || fail "$method: another best after $n kills"
  [[ -e two.db-trials ]] && fail "$method: folders are left"
  say "$method: $(grep -c . one.dump) rows the same after $n kills"
}

if [[ $parts == *kills* ]]; then
  killed tpe 30 40
  killed halving 27 30
  killed random 30 30 --prune
fi

if [[ $parts == *shared* ]]; then
  rm -rf one.db* two.db*
  (search --trials 30 --study one.db) >one.txt
  for n in {1..20}; do
    (search --trials 30 --study two.db) >>two-a.txt &
    a=$!
    (search --trials 30 --study two.db --jobs 2) >>two-b.txt &
    b=$!
    pause 400
    kill -9 $((n % 2 ? a : b)) 2>/dev/null
    pause 400
    kill -9 $a $b 2>/dev/null
    wait $a $b 2>/dev/null
  done
  (search --trials 30 --study two.db) >>two-a.txt &
  (search --trials 30 --study two.db) >>two-b.txt
  wait $!
  dump one.db >one.dump
  dump two.db >two.dump
  cmp -s one.dump two.dump || fail "two processes: other trials"
  cat two-a.txt two-b.txt | grep -o '^{"trial":[0-9]*,"values"' | sort | uniq -d | grep -q . && fail "two processes: a trial twice"
  say "two processes, killed in turn: $(grep -c . two.dump) rows the same, no trial told twice"
fi

if [[ $parts == *halving* ]]; then
  whole=0 halved=0 same=0
  for seed in {1..10}; do
    "$gradus" tune r.yaml --json --seed "$seed" --try 'optimizer.lr=log(1e-5,10)' --try 'data.batch=int_log(8,64)' --method random --trials 27 --metric cost --study "w$seed.db" >w.txt 2>>err.txt
    "$gradus" tune r.yaml --json --seed "$seed" --try 'optimizer.lr=log(1e-5,10)' --try 'data.batch=int_log(8,64)' --method halving --trials 27 --metric cost --study "h$seed.db" >h.txt 2>>err.txt
    spent() { tail -n 1 "$1" | sed -E 's/.*"steps_spent":([0-9]+).*/\1/'; }
    best() { tail -n 1 "$1" | sed -E 's/.*"best":\{"trial":([0-9]+).*/\1/'; }
    whole=$((whole + $(spent w.txt))) halved=$((halved + $(spent h.txt)))
    # the same result: its best is among the best tenth of the whole trainings
    python3 - "w$seed.db" "$(best h.txt)" <<'PY' && same=$((same + 1))
import sqlite3, sys
order = [t for (t,) in sqlite3.connect(sys.argv[1]).execute("SELECT trial FROM trials WHERE metric IS NOT NULL ORDER BY metric")]
sys.exit(order.index(int(sys.argv[2])) > 2)
PY
  done
  say "halving: the best is one of the best 3 of 27 whole trainings in $same of 10 studies, with $halved of $whole updates ($((100 * halved / whole)) %)"
  [[ $same -ge 9 && $((3 * halved)) -le $whole ]] || fail "halving"
fi

if [[ $parts == *optuna* ]]; then
  if "$python" -c 'import optuna' 2>/dev/null; then
    "$python" "$here/tests/acceptance/tune.py" "$gradus" "$work" || fail "Optuna"
  else
    say "Optuna: skipped, $python has none"
  fi
fi
exit $bad
