# Shared by the tests of fine-tuning: sourced after lib.sh. A model $M of ten digits, a recipe r.yaml for four of them, w.yaml without network and preparation.
layers="{type: conv, filters: 4, kernel: 3, name: c1}, {type: batch_norm, name: b1}, relu, {type: max_pool, size: 2}, flatten, {type: dropout, rate: 0.25}, {type: dense, units: 12, activation: relu, name: f1}"
small m.yaml "model: {input: [16, 16, 1], layers: [$layers, {type: dense, units: 10, name: head}]}" "optimizer: {type: sgd, lr: 0.05}" "stop: {epochs: 2}" "schedule: constant"
code 0 train m.yaml --out m --quiet
M=m/last.safetensors
target() { small "$@" "seed: 7" "schedule: constant" "stop: {epochs: 2}"; }
data="data: {train: {type: synthetic, kind: digits, n: 200, classes: 4, seed: 9}, validation: {split: 0.2}, batch: 32}"
target r.yaml "$data" "model: {input: [16, 16, 1], layers: [$layers, {type: dense, units: 4, name: head}]}" "optimizer: {type: adam, lr: 0.2}"

# tensors FILE: a line a tensor, its name and a sum of its bytes
tensors() {
  perl -MDigest::MD5=md5_hex -e 'local $/; open my $f, "<:raw", $ARGV[0] or die; my $b = <$f>; my $n = unpack "Q<", $b; my $h = substr $b, 8, $n;
    while ($h =~ /"([^"]+)":\{"dtype":"[FU]\d+","shape":\[[^\]]*\],"data_offsets":\[(\d+),(\d+)\]\}/g) { print "$1 ", md5_hex(substr $b, 8 + $n + $2, $3 - $2), "\n" }' "$1" | sort
}
# equal A B NAMES WHY, other A B NAMES WHY: these tensors are the same bytes, or none of them is
pick() { tensors "$1" | grep -E "^($2) "; }
equal() { [[ -n $(pick "$1" "$3") && $(pick "$1" "$3") == "$(pick "$2" "$3")" ]] || short "$3 of $1 and $2 differ: $4"; }
other() {
  local n
  n=$(comm -12 <(pick "$1" "$3") <(pick "$2" "$3") | grep -c .)
  [[ $n -eq 0 && -n $(pick "$1" "$3") ]] || short "$n of $3 are the same in $1 and $2: $4"
}
all='c1.weight|c1.bias|b1.weight|b1.bias|b1.running_mean|b1.running_var|f1.weight|f1.bias'

# A recipe without layers and steps
target w.yaml "$data" "optimizer: {type: adam, lr: 0.2}"
sed -i '/^model:/d' w.yaml
bytes() { perl -MJSON::PP -e 'local $/; open my $f, "<", $ARGV[0]; print decode_json(<$f>)->{bytes}{$ARGV[1]}' "$1" "$2"; }
