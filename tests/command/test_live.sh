#!/bin/bash
# log.terminal: live draws curves over the whole terminal, fits it while it changes, and gives it back at every end, signals included; without a terminal it is as plain.
pty=$(readlink -f "$2")
. "$(dirname "$0")/lib.sh"
export TERM=xterm NO_COLOR=1 LANG=C.UTF-8
unset LC_ALL COLUMNS LINES

enter=$'\e[?1049h' leave=$'\e[?1049l' hide=$'\e[?25l' show=$'\e[?25h'
times() { grep -aoF -- "$1" "$2" | wc -l; }
given_back() { # FILE WHAT: taken, and given back as often; the last word is that
  [[ $(times "$enter" "$1") -ge 1 && $(times "$enter" "$1") -eq $(times "$leave" "$1") && $(times "$hide" "$1") -eq $(times "$show" "$1") ]] ||
    short "$2: taken $(times "$enter" "$1") times, given back $(times "$leave" "$1")"
  grep -aoE $'\e\\[\\?(1049|25)[hl]' "$1" | tail -n 1 | grep -qF "$leave" || short "$2: the last is not that it is given back"
}
# Runs end by time: so long frames come on any machine.
# What stands behind the last escape that gives it back, and what came before
behind() { perl -0777 -pe 's/.*\e\[\?1049l//s; s/\r//g' "$1"; }
# Of all frames: how many, the longest line, the most lines
measure() {
  perl -CSD -0777 -ne 's/\e\[\?1049l.*//s; s/\r//g; my ($n, $long, $high) = (0, 0, 0);
    for (split /\e\[H/) { next unless s/\e\[J.*//s; $n++; s/\e\[K//g; my @l = split /\n/; $high = @l if @l > $high; for (@l) { $long = length if length > $long } }
    print "$n $long $high\n"' "$1"
}
text() { perl -0777 -pe 's/\e\[\?1049l.*//s; s/\e\[[?0-9]*[A-Za-z]//g' "$1"; }

small live.yaml "log: {terminal: live}" "stop: {seconds: 1.5}" "schedule: constant" "checkpoint: {every: 5 epochs}"
"$pty" 80 "$gradus" train live.yaml --out run >shown.txt || short "exit $?"
given_back shown.txt "to its end"
[[ $(times $'\e[H' shown.txt) -ge 2 ]] || short "no frames: $(times $'\e[H' shown.txt)"
for what in 'Cost' 'training' 'validation' 'Validation error' 'samples/s' 'left'; do text shown.txt | grep -q "$what" || short "no '$what'"; done
behind shown.txt >after.txt
for what in 'Learning rate' 'Validation error' 'stopped after [0-9]+ steps' 'models: run/best'; do grep -qE "$what" after.txt || short "afterwards no '$what'"; done
grep -q $'\e' after.txt && short "escapes behind the end"

# Whatever the width and while it changes: no line is longer, no frame higher than the terminal
for width in 100 40 12; do
  "$pty" $width "$gradus" train live.yaml --out run --overwrite >shown.txt || short "$width columns: exit $?"
  read -r n long high <<<"$(measure shown.txt)"
  [[ $n -ge 1 && $long -gt 3 && $long -lt $width && $high -le 24 ]] || short "$width columns: $n frames, a line of $long, $high lines"
done
# Narrowed while it runs: later frames fit what is left
"$pty" 100,40 "$gradus" train live.yaml --out run --overwrite >shown.txt || short "narrowed: exit $?"
perl -0777 -pe 's/^.*?\e\[H.*?\e\[H//s' shown.txt >later.txt
read -r n long high <<<"$(measure later.txt)"
[[ $n -ge 1 && $long -gt 3 && $long -lt 40 ]] || short "narrowed to 40 columns: $n frames, a line of $long"
LC_ALL=C LANG=C "$pty" 80 "$gradus" train live.yaml --out run --overwrite >shown.txt || short "ASCII: exit $?"
LC_ALL=C grep -qaP '[\x80-\xff]' shown.txt && short "characters that this terminal has not"

state() { sed -E 's/.*\) (.).*/\1/' /proc/"$1"/stat 2>/dev/null; }
until_state() { # PID PATTERN: a letter
  local i
  for ((i = 0; i < 3000; i++)); do
    [[ $(state "$1") == $2 ]] && return
    sleep 0.02
  done
  short "process $1 is in state $(state "$1"), not $2"
}
# Signals: those that stop a run, twice over; those that end it; suspended, and on again
by_signal() { # EXIT SIGNAL...: after a while, one after the other; 128 + N: ended by it
  local want=$1 i
  shift
  "$pty" 80 "$gradus" train live.yaml --out run --overwrite --set stop.seconds=1000 --set checkpoint=none >shown.txt &
  local parent=$! leader child=
  for ((i = 0; i < 3000; i++)); do
    leader=$(pgrep -P $parent)
    [[ -z $leader ]] || child=$(pgrep -P "$leader") # its job
    [[ -n $child && $(times $'\e[H' shown.txt) -ge 2 ]] && break
    sleep 0.02
  done
  for signal in "$@"; do
    kill -"$signal" "$child"
    case $signal in
      TSTP) until_state $child T ;; # what makes it go on before it has stopped is lost
      CONT) until_state $child '[^T]' ;;
    esac
  done
  for ((i = 0; i < 3000; i++)); do # a minute; it would go on for a quarter of an hour
    kill -0 $parent 2>/dev/null || break
    sleep 0.02
  done
  kill -KILL "$child" 2>/dev/null && short "$*: $child is still there, in state $(state "$child")"
  wait $parent
  i=$?
  [[ $i -eq $want ]] || short "$*: exit $i, not $want"
  given_back shown.txt "$*"
}
by_signal 5 INT
by_signal 5 HUP
by_signal 131 QUIT
by_signal 5 TSTP CONT INT
[[ $(times "$enter" shown.txt) -eq 2 ]] || short "suspended: taken $(times "$enter" shown.txt) times"

# What is said meanwhile comes afterwards; what fails before the first update has the terminal to itself
"$pty" 80 "$gradus" train live.yaml --out run --overwrite --set optimizer.lr=1e30 >shown.txt
[[ $? -eq 1 ]] || short "diverged: exit $?"
given_back shown.txt "diverged"
behind shown.txt | grep -q 'gradus: training diverged' || short "diverged: not said afterwards"
"$pty" 80 "$gradus" train live.yaml --out run --set "stop={epochs: 1}" >shown.txt && short "an old run is trained over"
grep -qF "$enter" shown.txt && short "refused, and took the terminal"

# As plain elsewhere: the same text without a terminal, on one that is dumb, and nothing under --quiet; the same bits
code 0 train live.yaml --out run --overwrite --set "stop={epochs: 3}"
grep -q $'\e' err.txt && short "escapes without a terminal"
[[ $(grep -c '^epoch ' err.txt) -eq 3 ]] || short "without a terminal: $(grep -c '^epoch ' err.txt) lines for 3 epochs"
cp run/last.safetensors last.safetensors
TERM=dumb "$pty" 80 "$gradus" train live.yaml --out run --overwrite >shown.txt && grep -qF "$enter" shown.txt && short "a dumb terminal is taken"
"$pty" 80 "$gradus" train live.yaml --out run --overwrite --set "stop={epochs: 3}" --quiet >shown.txt && [[ -s shown.txt ]] && short "--quiet is not"
"$pty" 80 "$gradus" train live.yaml --out run --overwrite --set "stop={epochs: 3}" >shown.txt
same run/last.safetensors last.safetensors "drawn or not"
bad 2 'log.terminal: "loud" is' train live.yaml --out bad --set log.terminal=loud
finish
