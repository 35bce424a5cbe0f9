#!/usr/bin/perl
# What a program is compiled against: signatures of public functions, values of public enumerations, layouts of public structs, as text.
#   tools/abi.pl [INCLUDE] >tests/abi.txt
# The headers are preprocessed, their declarations taken apart, and sizes and offsets asked of the compiler. tests/command/test_abi.sh holds the text to the headers.
use strict;
use warnings;
use File::Find;
use File::Temp qw(tempdir);

my $include = shift // 'include';
my $cc = $ENV{CC} // 'cc';
my $folder = tempdir(CLEANUP => 1);
my @headers;
find(sub { push @headers, $File::Find::name =~ s{^\Q$include\E/}{}r if /\.h$/ }, "$include/gradus");
@headers = sort @headers;

open(my $all, '>', "$folder/all.h") or die "abi: $!\n";
print $all "#include <$_>\n" for @headers;
close $all;
open(my $in, '-|', "$cc -std=c11 -E -I$include $folder/all.h") or die "abi: $!\n";
my ($ours, $text) = (0, '');
while (<$in>) {
    if (/^# \d+ "(.*?)"/) { $ours = $1 =~ m{/gradus/}; next }
    $text .= $_ if $ours;
}
close $in or die "abi: the headers cannot be preprocessed\n";
$text =~ s/__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)//g;
$text =~ s/\s+/ /g;
$text =~ s/\b_Bool\b/bool/g;

# Declarations at the top, each up to its semicolon.
my ($depth, $one, @all) = (0, '');
for my $c (split //, $text) {
    $depth++ if $c eq '{';
    $depth-- if $c eq '}';
    $one .= $c;
    if ($c eq ';' && $depth == 0) { $one =~ s/^\s+|\s+$//g; push @all, $one; $one = '' }
}
die "abi: a declaration does not end: $one\n" if $one =~ /\S/;

my (@functions, @values, %fields);
for (@all) {
    if (/^typedef enum (\w+) \{(.*)\} \w+;$/ || /^(enum) \{(.*)\};$/) {
        my ($enum, $body) = ($1, $2);
        push @values, map { /^\s*(\w+)/ ? [$enum, $1] : () } split /,/, $body;
    } elsif (/^typedef struct (\w+) \{(.*)\} \w+;$/) {
        my ($struct, $body) = ($1, $2);
        for my $f (split /;/, $body) {
            $f =~ s/^\s+|\s+$//g;
            next if $f eq '';
            if ($f =~ /^(.*?)\(\*\s*(\w+)\)\s*\((.*)\)$/) { push @{ $fields{$struct} }, ["$2", "$1(*)($3)"]; next }
            $f =~ /^(.*?)((?:\*\s*(?:const\s+)?)?\w+(?:\s*\[[^\]]*\])?(?:\s*,\s*\**\w+(?:\s*\[[^\]]*\])?)*)$/ or die "abi: $struct: $f\n";
            my ($type, $names) = ($1, $2);
            if ($names =~ /^((?:\*\s*(?:const\s+)?))(.*)$/) { $type .= $1; $names = $2 }
            for my $name (split /,\s*/, $names) {
                $name =~ /^(\**)(\w+)\s*((?:\[[^\]]*\])*)$/ or die "abi: $struct: $name\n";
                my ($stars, $is, $axes) = ($1, $2, $3);
                push @{ $fields{$struct} }, [$is, "$type$stars$axes" =~ s/\s+$//r];
            }
        }
    } elsif (/^typedef / || /^extern "C"/ || /^struct \w+;$/) {
        next;
    } elsif (/^(?:static |extern )?.*\b(gr_\w+)\s*\(/) {
        push @functions, $_ unless /^static/;
    } else {
        die "abi: what is this? $_\n";
    }
}

open(my $c, '>', "$folder/ask.c") or die "abi: $!\n";
print $c qq(#include <stdio.h>\n), map { "#include <$_>\n" } @headers;
print $c "int main(void)\n{\n";
print $c qq(    printf("value $_->[0] $_->[1] %lld\\n", (long long)$_->[1]);\n) for @values;
for my $s (sort keys %fields) {
    print $c qq(    printf("struct $s %zu\\n", sizeof($s));\n);
    print $c qq(    printf("field $s $_->[0] %zu %zu\\n", offsetof($s, $_->[0]), sizeof((($s *)0)->$_->[0]));\n) for @{ $fields{$s} };
}
print $c "    return 0;\n}\n";
close $c;
system("$cc -std=c11 -I$include -o $folder/ask $folder/ask.c") == 0 or die "abi: what was taken apart does not compile\n";
my (%size, %at, %value);
for (`$folder/ask`) {
    if (/^value (\S+) (\S+) (\S+)/) { $value{$2} = $3 }
    elsif (/^struct (\S+) (\d+)/) { $size{$1} = $2 }
    elsif (/^field (\S+) (\S+) (\d+) (\d+)/) { $at{"$1 $2"} = [$3, $4] }
}

print "# The binary interface of libgradus on 64-bit machines; tools/abi.pl writes it, tests/command/test_abi.sh says what to do when it changes.\n";
print "\n# functions\n", map { s/\s+/ /gr . "\n" } sort { ($a =~ /\b(gr_\w+)\s*\(/)[0] cmp(($b =~ /\b(gr_\w+)\s*\(/)[0]) } @functions;
print "\n# values\n", map { "$_->[1] = $value{$_->[1]}\n" } @values;
for my $s (sort keys %fields) {
    print "\nstruct $s: $size{$s} bytes\n";
    printf "  %4d %4d  %s: %s\n", @{ $at{"$s $_->[0]"} }, $_->[0], $_->[1] for @{ $fields{$s} };
}
