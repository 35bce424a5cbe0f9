# What eval says of a part, and what predict says of the raw files of its samples: served.pl EVAL PREDICT TARGETS TOLERANCE [HEAD [SPREAD]]
# EVAL and PREDICT are their JSON, TARGETS has a class or a value a line; SPREAD: what values were standardized by. Says what differs; nothing: all is well.
use strict;
use warnings;
my ($eval, $predict, $targets, $tolerance, $head, $spread) = @ARGV;
sub lines { my @all; open my $f, '<', $_[0] or die "no $_[0]"; while (<$f>) { chomp; push @all, $_ } return @all }
my ($e, @said, @y) = (join('', lines($eval)));
@said = lines($predict);
@y = lines($targets);
if ($head && $head ne "-") {
  $e =~ s/.*"heads":\{.*?"$head":\{// or die "no head $head";
  for (@said) { s/.*"heads":\{.*?"$head":\{// or die "no head $head" }
}
my ($cost_told) = $e =~ /"cost_mean":([^,}]+)/;
my ($error_told) = $e =~ /"error":([^,}]+)/;
if (@said != @y) { print scalar(@said), " answers for ", scalar(@y), " samples\n"; exit }
my ($cost, $error, $values) = (0, 0, 0);
for my $i (0 .. $#y) {
  if ($said[$i] =~ /"probabilities":\[([^\]]*)\]/) {
    my @p = split /,/, $1;
    my ($class) = $said[$i] =~ /"class":(\d+)/;
    $cost -= log $p[$y[$i]];
    $error += $class != $y[$i];
  } elsif ($said[$i] =~ /"output":\[([^\]]*)\]/) {
    $cost += (($1 - $y[$i]) / ($spread || 1))**2;
    $error += ($1 - $y[$i])**2;
    $values = 1;
  } else { print "no answer: $said[$i]\n"; exit }
}
$cost /= @y;
$error = $values ? sqrt($error / @y) : $error / @y;
for ([cost => $cost, $cost_told], [error => $error, $error_told]) {
  my ($what, $is, $told) = @$_;
  print "the $what of what predict says is $is, eval's $told\n" if !(abs($is - $told) <= $tolerance * (abs($is) > 1 ? abs $is : 1));
}
