#!/bin/bash
# plot: one run and several, as text, SVG and JSON; runs with nothing to validate, with null, of one line, killed within a line, resumed; what
# is no run is refused.
. "$(dirname "$0")/lib.sh"
export LC_ALL=C COLUMNS=90
small r.yaml 'stop: {epochs: 4}'
code 0 train r.yaml --out a --quiet
code 0 train r.yaml --out b/deep --quiet --set optimizer.lr=0.005 --set schedule=constant

code 0 plot a
has out.txt '^ +Cost$' && has out.txt '^ +Validation error$' && has out.txt '^ +Learning rate$'
has out.txt '\* training  o validation'
LC_ALL=C grep -q '[^ -~]' out.txt && short "what is plain ASCII is not: $(grep -n '[^ -~]' out.txt | head -n 1)"
[[ $(awk '{ if (length($0) > w) w = length($0) } END { print w }' out.txt) -le 90 ]] || short "wider than 90 columns"
[[ $(awk '{ if (length($0) > w) w = length($0) } END { print w }' out.txt) -ge 85 ]] || short "the width is not used"
COLUMNS=50 code 0 plot a
[[ $(awk '{ if (length($0) > w) w = length($0) } END { print w }' out.txt) -le 50 ]] || short "wider than 50 columns"
LC_ALL=C.UTF-8 code 0 plot a
has out.txt '┤' && has out.txt '[⠁-⣿]'
TERM=xterm code 0 plot a
grep -q $'\033' out.txt && short "colours without a terminal"

# Files, numbers
code 0 plot a b/deep/ -o both.svg --quiet
[[ ! -s out.txt ]] || short "--quiet prints: $(head -n 1 out.txt)"
[[ $(grep -o '<svg' both.svg | wc -l) -eq 4 ]] || short "not three plots in one: $(grep -o '<svg' both.svg | wc -l)"
has both.svg '>a, training<' && has both.svg '>deep, validation<' && has both.svg '</svg>$'
code 0 plot a b/deep -o both2.svg && same both.svg both2.svg
code 0 plot a --json
lines=$(wc -l <a/metrics.jsonl)
has out.txt "^\\{\"runs\":\\[\\{\"run\":\"a\",\"label\":\"a\",\"n\":$lines,\"lines\":\\{"
list() { sed -n "s/.*\"$1\":\\[\\([^]]*\\)\\].*/\\1/p" out.txt; } # KEY: the last of that name
[[ $(list validation_error) == "$(sed -n 's/.*"validation_error":\([^,}]*\).*/\1/p' a/metrics.jsonl | paste -sd,)" ]] || short "validation errors of the JSON: $(list validation_error)"
[[ $(list train_cost) == "$(sed -n 's/.*"train_cost":\([^,}]*\).*/\1/p' a/metrics.jsonl | paste -sd,)" ]] || short "training costs of the JSON: $(list train_cost)"
for x in epoch samples seconds; do code 0 plot a --x $x --log && has out.txt "$x"; done
code 0 plot a/metrics.jsonl && has out.txt 'Cost'

# As CSV: the log's numbers, to the last digit, of all runs one behind the other; constant and cyclic rates among them [X13]
code 0 train r.yaml --out cyclic --quiet --set 'schedule={type: cyclic, low: 0.001, high: 0.02, half_cycle: 5}'
code 0 plot a cyclic -o both.csv && has out.txt 'Learning rate'
perl -e '
  sub key { my ($l, $k) = @_; $l =~ /"$k":(null|[^,}]*)/ ? ($1 eq "null" ? "" : $1) : "" }
  open my $csv, "<", "both.csv"; chomp(my @names = split /,/, <$csv>); $names[-1] =~ s/\n//; my $bad = 0; my $rows = 0;
  for my $run (qw(a cyclic)) {
    open my $m, "<", "$run/metrics.jsonl";
    while (my $line = <$m>) {
      my $row = <$csv> // ""; chomp $row; my @x = split /,/, $row, -1; $rows++;
      $bad++ if $x[0] ne $run;
      for (1 .. $#names) { my $want = key($line, $names[$_]); $bad++ if ($want eq "") != ($x[$_] eq "") || $want ne "" && $want != $x[$_] }
    }
  }
  $bad++ if defined(<$csv>); print "$bad of $rows rows differ, @{[scalar @names]} columns\n"' >csv.txt
grep -qE '^0 of [0-9]{2,} rows differ, 1[0-9] columns' csv.txt || short "CSV: $(cat csv.txt)"

# No validation; one line; a null; killed within a line; resumed
code 0 train r.yaml --out plain --quiet --set data.validation=none --set validate=none --set stop.epochs=1
code 0 plot plain
grep -q 'error' out.txt && short "an error is drawn where nothing was validated"
mkdir one null cut empty
head -n 1 a/metrics.jsonl >one/metrics.jsonl
code 0 plot one -o one.svg && has out.txt '\*' && has one.svg '<circle'
sed -E '3s/"train_cost":[^,]*/"train_cost":null/; 8s/"(validation_[a-z]*|lr)":[^,}]*/"\1":null/g' a/metrics.jsonl >null/metrics.jsonl
code 0 plot null -o null.svg
code 0 plot null --json
[[ $(list train_cost) == *,null,* ]] || short "null is not in its place: $(list train_cost | cut -c1-80)"
grep -q 'nan' null.svg && short "NaN in the drawing"
{ cat a/metrics.jsonl; head -n 1 a/metrics.jsonl | cut -c1-40 | tr -d '\n'; } >cut/metrics.jsonl
code 0 plot cut
has err.txt 'warning: cut: the last line of metrics.jsonl is not whole'
code 0 plot cut --json && has out.txt "\"n\":$lines,"
: >empty/metrics.jsonl
bad 3 'nothing to draw' plot empty
code 0 plot empty a && has out.txt 'a, training'
code 0 plot empty --json && has out.txt '"n":0,'
code 0 train r.yaml --out a --quiet --resume --set stop.epochs=6
code 0 plot a --json
[[ $(list step | tr ',' '\n' | sort -n | uniq -d | wc -l) -eq 0 ]] || short "steps twice after resuming"
[[ $(grep -o '"step":\[[^]]*\]' out.txt | head -n 1 | tr ',' '\n' | wc -l) -gt $lines ]] || short "the resumed part is missing"

# Refused
bad 3 'no such run' plot nothing
has err.txt 'a run is the folder that gradus train writes'
bad 3 'it is not a run' plot b
mkdir broken && { head -n 2 a/metrics.jsonl; echo 'hello'; tail -n 2 a/metrics.jsonl; } >broken/metrics.jsonl
bad 3 '^gradus: broken/metrics.jsonl:3:1: ' plot broken
bad 2 'is not one of step' plot a --x updates
bad 2 'an argument is missing' plot
bad 2 'plot draws what is there' plot a --set seed=3
code 3 plot a -o /nowhere/at/all.svg
finish
