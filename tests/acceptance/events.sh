#!/bin/bash
# What writing events costs: the bench's mlp_small with log.events on and off in turn, ROUNDS rounds of each, a line and an event every update. Prints the least time of
# 100 updates of each side, their ratio, and the least and median ratio of single rounds; fails above LIMIT percent by the least times.
#
#   tests/acceptance/events.sh build/gradus            about a minute; on a busy machine: nice -n -20 tests/acceptance/events.sh build/gradus
#   ROUNDS=40 UPDATES=5000 LIMIT=2 tests/acceptance/events.sh build/gradus
set -eu
gradus=$(readlink -f "$1") here=$(readlink -f "$(dirname "$0")/../..")
rounds=${ROUNDS:-20} updates=${UPDATES:-3000} limit=${LIMIT:-2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
perl -e '
  sub npy { my ($file, $type, $shape, $data) = @_;
    my $head = "{\x27descr\x27: \x27$type\x27, \x27fortran_order\x27: False, \x27shape\x27: ($shape), }";
    $head .= " " x (63 - (10 + length $head) % 64) . "\n";
    open my $f, ">:raw", $file; print $f "\x93NUMPY\x01\x00", pack("v", length $head), $head, $data }
  srand 1; my $n = 6400;
  npy("784-x.npy", "<f4", "$n, 784", pack "f<*", map { rand() - 0.5 } 1 .. $n * 784);
  npy("784-y.npy", "<i8", "$n,", pack "q<*", map { int rand 10 } 1 .. $n);'
export GRADUS_BENCH_DATA=$work
echo "load: $(cut -d' ' -f1-3 /proc/loadavg)"
for ((i = 0; i < rounds; i++)); do
  for side in $([[ $((i % 2)) -eq 0 ]] && echo true false || echo false true); do
    "$gradus" train "$here/bench/recipes/mlp_small.yaml" --out $side --overwrite --quiet --threads 1 --set stop.steps=$updates --set checkpoint=none --set log.events=$side
    sed -nE 's/.*"step":([0-9]+),.*"seconds":([0-9.]+),.*/\1 \2/p' $side/metrics.jsonl | awk -v s=$side -v i=$i '$1 % 100 == 0 { if ($1 > 200 && (!m || $2 - t < m)) m = $2 - t; t = $2 } END { printf "%s %d %.3f\n", s, i, m * 1e4 }' >>windows.txt
  done
done
awk -v limit=$limit '
  { if (!($1 in least) || $3 < least[$1]) least[$1] = $3; of[$1, $2] = $3; n = $2 }
  END {
    for (i = 0; i <= n; i++) r[i] = of["true", i] / of["false", i]
    for (i = 0; i <= n; i++) for (k = i + 1; k <= n; k++) if (r[k] < r[i]) { x = r[i]; r[i] = r[k]; r[k] = x }
    ratio = least["true"] / least["false"]
    printf "an update: %.3f us with events, %.3f us without: %+.2f %%; of single rounds the least %+.2f %%, the median %+.2f %%\n", least["true"], least["false"], 100 * (ratio - 1), 100 * (r[0] - 1), 100 * (r[int(n / 2)] - 1)
    exit !(100 * (ratio - 1) < limit)
  }' windows.txt
