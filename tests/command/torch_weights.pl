# SqueezeNet 1.1 of four classes as safetensors.torch writes torchvision's: perl torch_weights.pl >FILE. Weights are drawn, as large as Kaiming's.
use strict;
use warnings;
my @layers = (["features.0", 64, 3, 3]);
my ($in, $seed, $at, $head, $body) = (64, 1, 0, '"__metadata__":{"format":"pt"}', '');
for my $fire ([3, 16], [4, 16], [6, 32], [7, 32], [9, 48], [10, 48], [11, 64], [12, 64]) {
    my ($n, $squeezed) = @$fire;
    push @layers, ["features.$n.squeeze", $squeezed, $in, 1];
    push @layers, map { ["features.$n.expand${_}x$_", 4 * $squeezed, $squeezed, $_] } 1, 3;
    $in = 8 * $squeezed;
}
sub drawn { my ($n, $most) = @_; pack "f<*", map { $seed = ($seed * 1103515245 + 12345) % 2147483648; $most * ($seed / 1073741824 - 1) } 1 .. $n }
sub add {
    my ($name, $shape, $bytes) = @_;
    $head .= sprintf ',"%s":{"dtype":"F32","shape":[%s],"data_offsets":[%d,%d]}', $name, $shape, $at, $at + length $bytes;
    $at += length $bytes;
    $body .= $bytes;
}
for (@layers, ["classifier.1", 4, $in, 1]) {
    my ($name, $out, $read, $kernel) = @$_;
    my $fan = $read * $kernel * $kernel;
    add("$name.bias", $out, drawn($out, 0.05));
    add("$name.weight", "$out,$read,$kernel,$kernel", drawn($out * $fan, sqrt(6 / $fan)));
}
$head = "{$head}";
$head .= " " x (-length($head) % 8);
binmode STDOUT;
print pack("Q<", length $head), $head, $body;
