#!/usr/bin/perl
# zip.pl ARCHIVE FILE...: a ZIP archive of the files as they are, under the names given. What tests need of zip, which need not be there.
use strict;
my ($to, @files) = @ARGV;
my @table = map { my $c = $_; $c = $c & 1 ? 0xEDB88320 ^ ($c >> 1) : $c >> 1 for 1 .. 8; $c } 0 .. 255;
my ($all, $directory, $n) = ("", "", 0);
for my $file (@files) {
    open my $in, "<:raw", $file or die "$file: $!";
    my $data = do { local $/; <$in> };
    my $crc = 0xFFFFFFFF;
    $crc = $table[($crc ^ ord) & 255] ^ ($crc >> 8) for split //, $data;
    my $common = pack("vvvvvVVVvv", 20, 0, 0, 0, 33, $crc ^ 0xFFFFFFFF, length $data, length $data, length $file, 0);
    $directory .= "PK\1\2" . pack("v", 20) . $common . pack("vvvVV", 0, 0, 0, 0, length $all) . $file;
    $all .= "PK\3\4" . $common . $file . $data;
    $n++;
}
open my $out, ">:raw", $to or die "$to: $!";
print $out $all, $directory, "PK\5\6", pack("vvvvVVv", 0, 0, $n, $n, length $directory, length $all, 0);
