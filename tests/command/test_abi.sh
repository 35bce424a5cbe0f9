#!/bin/bash
# The binary interface that programs were compiled against does not change unseen: signatures, values of enumerations and layouts of public structs are those of
# tests/abi.txt. What is worth comparing is tried on headers that were changed.
. "$(dirname "$0")/lib.sh"
root=$here/../..
command -v perl >/dev/null || { echo "SKIP: perl is not here"; exit 77; }
[[ $(getconf LONG_BIT) -eq 64 ]] || { echo "SKIP: tests/abi.txt is of 64-bit machines"; exit 77; }
abi() { perl "$root/tools/abi.pl" "$1"; } # the compiler is CC's, or cc

# BEFORE AFTER: what a program that was compiled before would find wrong, in words; nothing: it goes on as it is
judge() {
  perl -e '
    use strict; use warnings;
    sub take { my ($file) = @_; my (%f, %v, %s, $in); open(my $h, "<", $file) or die; while (<$h>) { chomp;
      if (/^struct (\S+): (\d+) bytes$/) { $in = $1; $s{$in} = { bytes => $2, fields => [] } }
      elsif (/^ +(\d+) +(\d+)  (\w+): (.*)$/) { push @{ $s{$in}{fields} }, [$1, $2, $3, $4] }
      elsif (/^(\w+) = (-?\d+)$/) { $v{$1} = $2 }
      elsif (/\b(gr_\w+)\(.*;$/) { $f{$1} = $_ } } return (\%f, \%v, \%s) }
    my ($f, $v, $s) = take($ARGV[0]); my ($nf, $nv, $ns) = take($ARGV[1]);
    for (sort keys %$f) { print "function $_ is gone\n" unless $nf->{$_}; print "function $_ has another signature\n" if $nf->{$_} && $nf->{$_} ne $f->{$_} }
    for (sort keys %$v) { print "value $_ is gone\n" unless defined $nv->{$_}; print "value $_ is $nv->{$_}, not $v->{$_}\n" if defined $nv->{$_} && $nv->{$_} != $v->{$_} }
    for my $k (sort keys %$s) {
      if (!$ns->{$k}) { print "struct $k is gone\n"; next }
      my @new = @{ $ns->{$k}{fields} };
      for my $i (0 .. $#{ $s->{$k}{fields} }) {
        my @is = @{ $s->{$k}{fields}[$i] }; my $to = $new[$i];
        print "struct $k: $is[2] is not where it was, of the size that it had\n" unless $to && $to->[0] == $is[0] && $to->[1] == $is[1] && $to->[2] eq $is[2] && $to->[3] eq $is[3];
      }
      print "struct $k: it has grown\n" if $ns->{$k}{bytes} != $s->{$k}{bytes};
    }' "$1" "$2"
}

abi "$root/include" >now.txt 2>abi.txt || short "tools/abi.pl: $(head -n 3 abi.txt)"
[[ $(grep -c '^struct' now.txt) -ge 20 && $(grep -cE '^[a-z].*\(.*;$' now.txt) -ge 200 ]] || short "tools/abi.pl found only $(grep -c '^struct' now.txt) structs"
if ! cmp -s now.txt "$root/tests/abi.txt"; then
  wrong=$(judge "$root/tests/abi.txt" now.txt)
  if [[ -z $wrong ]]; then
    short "the interface has more than tests/abi.txt says; programs that were compiled before go on. Write it anew: tools/abi.pl >tests/abi.txt"
  else
    short "programs that were compiled before would break:
$(head -n 12 <<<"$wrong")
Take it back; or, where it is meant: a struct grows at its end with a new version of its header and both versions are taken, or the soname in meson.build goes up by one and CHANGES.md says so. Then: tools/abi.pl >tests/abi.txt"
  fi
fi

# SED HEADER WANTED: what is said of a header that was changed so
try() {
  rm -rf trial && cp -r "$root/include" trial
  sed -i "$1" "trial/gradus/$2"
  cmp -s "trial/gradus/$2" "$root/include/gradus/$2" && short "the trial of $2 changes nothing: $1"
  abi trial >trial.txt 2>abi.txt || { short "trial of $2: $(head -n 2 abi.txt)"; return; }
  said=$(judge now.txt trial.txt)
  [[ $3 == nothing && -z $said ]] || grep -qE "$3" <<<"$said" || short "$1 in $2: /$3/ is not said: $said"
}
try 's/gr_model_predict(gr_model \*m, const float/gr_model_predict(gr_model *m, const double/' model.h 'function gr_model_predict has another signature'
try 's/GR_API void gr_model_close(gr_model \*m);/GR_API int gr_model_heads_too(gr_model *m);/' model.h 'function gr_model_close is gone'
try 's/    int64_t step, steps;/    int64_t steps, step;/' trainer.h 'struct gr_progress: step is not where it was'
try 's/    GR_DATA_I8,/    GR_DATA_F80, GR_DATA_I8,/' data.h 'value GR_DATA_I8 is 2, not 1'
try 's/^} gr_watcher;/    int more;\n} gr_watcher;/' trainer.h 'struct gr_watcher: it has grown'
try 's/^GR_API void gr_model_close/GR_API int gr_model_more(const gr_model *m);\nGR_API void gr_model_close/' model.h nothing
finish
