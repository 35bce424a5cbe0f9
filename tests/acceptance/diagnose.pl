# Made-up data with a known cause, for diagnose.sh: diagnose.pl KIND N SEED [NOISE [FEATURES]] writes a table on standard output, the target last.
#   circles  a disc within a ring, two features           strips  the side of the sum of two of FEATURES normal numbers, the others tell nothing
#   sine     values of a wave, one feature                plane   values of a plane in FEATURES numbers, of which the first two count
# NOISE: of classes, the share of labels that are drawn anew among the others; of values, the standard deviation of what is added.
use strict;
my ($kind, $n, $seed, $noise, $features) = (@ARGV, 0, 2);
srand($seed);
sub normal { sqrt(-2 * log(1 - rand())) * cos(6.283185307179586 * rand()) }
$features = 2 if $kind eq 'circles';
$features = 1 if $kind eq 'sine';
print join(',', (map { "x$_" } 1 .. $features), 'y'), "\n";
for (1 .. $n) {
  my (@x, $y);
  if ($kind eq 'circles') {
    $y = int(rand(2));
    my ($r, $a) = ($y ? 1.6 + 0.8 * rand() : sqrt(rand()), 6.283185307179586 * rand());
    @x = ($r * cos($a), $r * sin($a));
  } elsif ($kind eq 'sine') {
    @x = (6 * rand() - 3);
    $y = sin(2 * $x[0]) + $noise * normal();
  } else {
    @x = map { normal() } 1 .. $features;
    $y = $x[0] + $x[1];
    $y = $kind eq 'strips' ? ($y > 0 ? 1 : 0) : $y + $noise * normal();
  }
  $y = 1 - $y if ($kind eq 'circles' || $kind eq 'strips') && rand() < $noise;
  print join(',', (map { sprintf '%.6f', $_ } @x), sprintf('%.6g', $y)), "\n";
}
