#!/bin/bash
# events/: an independent reader finds the numbers of metrics.jsonl, the histograms and pictures that the recipe asks for, and the recipe's keys; after kill -9, damage and
# loss a resumed run has every step once. [X6, SYS13]
. "$(dirname "$0")/lib.sh"
reader=$(dirname "$gradus")/events
file=events/events.out.tfevents.gradus
events() { "$reader" "$1/$file" >"${2:-events.txt}" || short "$1: $(tail -n 1 "${2:-events.txt}")"; }

# Every number of metrics.jsonl as float32, at its step, once; and no other
agree() {
  events "$1"
  perl -e '
    open my $m, "<", "$ARGV[0]/metrics.jsonl" or die; my %want;
    while (<$m>) {
      my ($step) = /"step":(\d+)/;
      while (/"(\w+)":(null|[-+0-9.e]+)/g) { $want{"$step $1"} = $2 eq "null" ? "nan" : sprintf "%.9g", unpack "f", pack "f", $2 unless $1 eq "step" }
    }
    open my $e, "<", "events.txt" or die; my %got;
    while (<$e>) {
      my ($step, $kind, $tag, $x) = split;
      next unless $kind eq "scalar";
      print "twice: $step $tag\n" if exists $got{"$step $tag"};
      $got{"$step $tag"} = $x =~ /nan/ ? "nan" : $x;
    }
    for (sort keys %want) { print "$_: $want{$_} in metrics, ", $got{$_} // "nothing", "\n" if ($got{$_} // "") ne $want{$_} }
    for (sort keys %got) { print "$_: only in events\n" unless exists $want{$_} }
    print "nothing was compared\n" unless %want;
  ' "$1" >apart.txt
  [[ -s apart.txt ]] && short "$1${2:+, $2}: $(wc -l <apart.txt) numbers differ: $(head -n 3 apart.txt | tr '\n' ';')"
}

small plain.yaml
small full.yaml "log: {every: 2, histograms: 1 epoch, pictures: 7}"
code 0 train plain.yaml --out plain
code 0 train full.yaml --out full
agree plain
agree full
[[ $(grep -c ' scalar train_cost ' events.txt) -eq 12 ]] || short "every second of 24 updates: $(grep -c ' scalar train_cost ' events.txt)"
tensors() { tail -c $((3910 * 4)) "$1"; } # the file's header holds the recipe
for f in best last; do same <(tensors plain/$f.safetensors) <(tensors full/$f.safetensors) "looking inside changes the run"; done

# Histograms at every epoch, of every tensor and layer; bins hold all numbers, rise, and reach from the least to the greatest
for what in weights/c1.weight:54 weights/head.bias:10 gradients/c1.weight:54 gradients/head.weight:3840 activations/c1:49152 activations/dropout1:12288 activations/head:320; do
  n=${what#*:}
  awk -v tag="${what%:*}" '$2 == "histogram" && $3 == tag { print $1, $4, $10, $11, $12 }' events.txt >of.txt
  [[ $(cat of.txt) == "8 $n $n 1 1
16 $n $n 1 1
24 $n $n 1 1" ]] || short "$what: $(head -n 3 of.txt | tr '\n' ';')"
done
[[ $(awk '$2 == "histogram" { print $3 }' events.txt | sort -u | wc -l) -eq 13 ]] || short "histograms: $(awk '$2 == "histogram" { print $3 }' events.txt | sort -u | tr '\n' ' ')"
[[ $(awk '$2 == "picture" { print $1, $3 }' events.txt | tr '\n' ' ') == "7 pictures/samples 7 pictures/filters 14 pictures/samples 14 pictures/filters 21 pictures/samples 21 pictures/filters " ]] ||
  short "pictures: $(awk '$2 == "picture" { print $1, $3 }' events.txt | tr '\n' ' ')"
for key in optimizer.lr=0.02 data.batch=32 optimizer.type=sgd seed=3 log.histograms='1 epoch'; do grep -qxF "0 start $key" events.txt || short "no $key among the recipe's keys"; done
grep -q 'start model.layers' events.txt && short "layers among the recipe's keys"
[[ $(grep -c ' end ' events.txt) -eq 1 ]] && grep -q '^24 end 1' events.txt || short "how it ended: $(grep ' end ' events.txt)"

# What it takes is planned, to the byte
total() { "$gradus" plan "$1" --json --set "${2:-seed=3}" | tr -d ' \n' | sed -E 's/.*"total":([0-9]+).*/\1/'; }
[[ $(total full.yaml) -eq $(field full/result.json peak_bytes) && $(total full.yaml) -eq $(field full/result.json planned_bytes) ]] || short "planned $(total full.yaml), taken $(field full/result.json peak_bytes)"
[[ $(total full.yaml) -gt $(total plain.yaml) ]] || short "looking inside takes no memory: $(total full.yaml), $(total plain.yaml) without"
bad 4 'training needs' train full.yaml --out poor --set "memory=$(total plain.yaml)"
[[ -e poor ]] && short "a run over its budget leaves a folder"

# Other forms: heads, a run of averages, float64, micro-batches, no validation
sed 's/shuffle: none/validation: {split: 0.3}/' "$here/../train/parity/two_heads/recipe.yaml" >heads.yaml && cp "$(readlink -f "$here/../train/parity")/two_heads/data.npz" .
code 0 train heads.yaml --out heads --set 'log={every: 1, histograms: 2, pictures: 2}' && agree heads
small other.yaml "average: {type: swa, start: 0.5, cycle: 4}" "lookahead: {k: 3}" "accumulate: 2" "log: {every: 1 epoch, histograms: 5, pictures: 5}" "precision: float64"
code 0 train other.yaml --out other && agree other "averages"
[[ $(wc -l <other/metrics.jsonl) -eq 3 ]] || short "a line an epoch: $(wc -l <other/metrics.jsonl)"

# Killed anywhere and resumed, again and again: every step once, all numbers those of metrics.jsonl
small long.yaml "stop: {epochs: 60}" "log: {every: 1, histograms: 20, pictures: 1 epoch}" "checkpoint: {every: 10, keep: 2}"
for lines in 25 90 140; do
  "$gradus" train long.yaml --out killed --resume >/dev/null 2>err.txt </dev/null &
  pid=$!
  until_holds has_lines killed/metrics.jsonl $lines
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  [[ $lines -ne 25 ]] || printf 'half a record' >>killed/$file # what a killed process leaves
done
cp -r killed torn && truncate -s -5 torn/$file
code 0 train long.yaml --out torn --resume && agree torn "torn"
code 0 train long.yaml --out killed --resume && agree killed "killed and resumed"
grep -q 'warning' err.txt && short "killed and resumed: $(grep warning err.txt | head -n 1)"
awk '$2 != "start" && seen[$1 " " $2 " " $3]++ { print }' events.txt >twice.txt
[[ -s twice.txt ]] && short "killed and resumed: twice: $(head -n 2 twice.txt)"
[[ $(awk '$3 == "weights/c1.weight" { print $1 }' events.txt | tr '\n' ' ') == "$(seq 20 20 480 | tr '\n' ' ')" ]] || short "killed and resumed: histograms at $(awk '$3 == "weights/c1.weight" { print $1 }' events.txt | tr '\n' ' ')"
[[ $(grep -c ' end ' events.txt) -eq 1 ]] || short "killed and resumed: $(grep -c ' end ' events.txt) ends"
code 0 train long.yaml --out killed --resume --set stop.epochs=62 && agree killed "gone on with"
[[ $(grep ' end ' events.txt) == '496 end 1' ]] || short "gone on with: $(grep ' end ' events.txt)"

# Damaged, or gone: said, and the run goes on
cp -r full hurt && printf '\377' | dd of=hurt/$file bs=1 seek=6000 conv=notrunc 2>/dev/null
code 0 train full.yaml --out hurt --resume --set stop.epochs=4 && has err.txt 'warning: hurt/events/.* is damaged behind its first [0-9]+ bytes' && agree hurt "damaged"
cp -r full gone && rm -r gone/events
code 0 train full.yaml --out gone --resume --set stop.epochs=4 && agree gone "gone"
: >gone/$file && code 0 train full.yaml --out gone --resume --set stop.epochs=5 && agree gone "empty"

# None where none are wanted; nothing of an old run is left; what cannot be written is an error, and the run is kept
code 0 train plain.yaml --out none --set log.events=false && [[ ! -e none/events ]] || short "log.events: false writes events"
code 0 train plain.yaml --out none --resume --set stop.epochs=4 && agree none "written late"
code 0 train plain.yaml --out full --overwrite --set stop.epochs=1 && agree full "overwritten"
mkdir -p block && : >block/events
bad 3 'block/events' train plain.yaml --out block
mkdir cap && (trap '' XFSZ; ulimit -f 40; "$gradus" train full.yaml --out cap --set log.pictures=1 --set stop.epochs=2 >out.txt 2>err.txt </dev/null; echo $? >code.txt)
[[ $(cat code.txt) -eq 3 ]] && has err.txt '^gradus: cannot write cap/events/.*: File too large' || short "a full disk: exit $(cat code.txt), $(head -n 2 err.txt)"
code 0 train full.yaml --out cap --resume --set stop.epochs=2 && agree cap "after a full disk"
small fails.yaml "data: {train: {type: npy, inputs: no.npy, targets: no.npy}}"
bad 3 'no.npy' train fails.yaml --out fails
[[ -e fails ]] && short "a run that never began leaves a folder"
finish
