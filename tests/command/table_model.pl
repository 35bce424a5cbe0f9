# The format in a few lines: what a table says, as plain numbers. A second opinion for test_tables.sh.
# perl table_model.pl FILE DELIMITER HEADER MISSING INPUTS TARGET CLASSES. Lists have "=" before each item and \x1f between; columns are names, or
# indices without a header; no TARGET leaves it out; without CLASSES labels are their numbers. A line a sample: inputs, NA for what is missing, class.
use strict;
my ($file, $d, $header, @list) = @ARGV;
my ($missing, $inputs, $target, $classes) = map { [map { substr $_, 1 } split /\x1f/, $_] } @list;
open my $in, '<:raw', $file or die;
my $text = do { local $/; <$in> };
$text =~ s/^\xEF\xBB\xBF//;
my ($q, @row, @rows) = quotemeta $d;
while ($text =~ /\G(?: *"((?:[^"]|"")*)" *|([^$q\r\n]*))($q|\r\n?|\n|\z)/g) {
    my ($quoted, $plain, $end) = ($1, $2, $3);
    defined $quoted ? $quoted =~ s/""/"/g : $plain =~ s/^[ \t]+|[ \t]+$//g;
    push @row, defined $quoted ? $quoted : $plain;
    next if $end eq $d;
    push @rows, [@row] unless @row == 1 && !defined $quoted && $plain eq '';
    @row = ();
    last if $end eq '';
}
my @name = $header ? map { s/^\s+|\s+$//gr } @{shift @rows} : 0 .. $#{$rows[0]};
my %at = map { $name[$_] => $_ } 0 .. $#name;
my %class = map { $classes->[$_] => $_ } 0 .. $#$classes;
sub is { my ($f, $m) = @_; $f eq $m || ($m =~ /^-?\d/ && $f =~ /^[-+.\d]/ && $f == $m) }
for my $r (@rows) {
    my @x = map { my $f = $r->[$at{$_}]; (grep { is($f, $_) } @$missing) ? 'NA' : sprintf '%.17g', $f } @$inputs;
    my @y = map { my $y = $r->[$at{$_}]; @$classes ? $class{$y} : $y } @$target;
    print join(',', @x, @y), "\n";
}
