# Lines of `predict --json` against lines of numbers: perl csource.pl PREDICTIONS OUTPUTS TOLERANCE prints the largest difference, as a share of the largest
# number of its line where that is above 1, and is 1 where it is larger than the tolerance, or nothing was compared.
use strict;
use warnings;
my ($predictions, $outputs, $tolerance) = @ARGV;
open my $p, '<', $predictions or die "$predictions: $!";
open my $o, '<', $outputs or die "$outputs: $!";
my ($worst, $lines) = (0, 0);
while (my $line = <$p>) {
    my $list = qr/(\[(?:[^\[\]]++|(?1))*\])/;
    my @want;
    while ($line =~ /"(?:probabilities|output)": ?$list/g) { my $text = $1; push @want, $text =~ /-?[0-9][0-9.e+-]*|null/g; }
    my $got = <$o> // die "there are fewer outputs than predictions\n";
    my @got = split ' ', $got;
    @want == @got && @want or die "line $.: " . @want . " numbers are predicted, " . @got . " put out\n";
    my $size = 1;
    for (@want) { $size = abs($_) if $_ ne 'null' && abs($_) > $size; }
    for my $i (0 .. $#want) {
        $got[$i] =~ /^-?[0-9]/ && $want[$i] ne 'null' or die "line $.: $got[$i] and $want[$i]\n";
        my $d = abs($want[$i] - $got[$i]) / $size;
        $worst = $d if $d > $worst;
    }
    $lines++;
}
die "there are more outputs than predictions\n" if defined <$o>;
print "$worst\n";
exit($lines == 0 || $worst > $tolerance);
