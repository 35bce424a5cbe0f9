# A random table in a random dress, three times: train.csv, test.csv, new.csv; beside them `recipe`, its source, and for each the arguments of
# table_model.pl after the file, with NULs between, in call.train, call.test, call.new. `sizes` holds the numbers of inputs and classes.
# perl table_random.pl SEED
use strict;
srand shift;
sub pick { $_[rand @_] }
sub shuffled { my @a = @_; map { splice @a, rand @a, 1 } 1 .. @a }
sub yaml { my $s = shift; $s =~ s/([\\"])/\\$1/g; $s =~ s/\n/\\n/g; $s =~ s/\t/\\t/g; "\"$s\"" }
sub put { my $file = shift; open my $out, '>:raw', $file or die; print $out @_ }

my $n = 1 + int rand 4; # the last column
my @name = (shuffled('a b', 'x,y', 'q"q', "gr\xC3\xB6\xC3\x9Fe", '7', '2001', '', 'NA', "two\nlines", 'true', '-1', 'a;b', 'C', "t\tt"))[0 .. $n];
my @label = pick(0, 1) ? (0 .. 1 + int rand 2) : (shuffled('01', '1', '1.0', 'yes', 'say "no"', 'a,b', ' x', "\xC3\xA9", '+1', 'NaN', '-'))[0 .. 1 + int rand 2];
my ($header, $d) = (pick(0, 1, 1), pick(',', ',', ';', "\t", '|'));
my $missing = pick([], [], ['-999'], ['NA'], ['?', '-1e3'], ['']);
my @lost = map { $_ eq '-999' ? ('-999', '-999.0', '-9.99e2') : $_ eq '-1e3' ? ('-1000', '-1e+03') : $_ } @$missing;
my $target = int rand($n + 1);
my @input = grep { $_ != $target } 0 .. $n;
my $chosen = pick(0, 0, 1);
@input = (shuffled(@input))[0 .. int rand @input] if $chosen;

sub field { # quoted where it must be, and now and then where it need not
    my $s = shift;
    my $must = $s eq '' || $s =~ /["\r\n\t]|^\s|\s$/ || index($s, $d) >= 0;
    return $s if !$must && rand() < 0.7;
    $s =~ s/"/""/g;
    pick('', '', ' ') . "\"$s\"" . pick('', '', ' ');
}
sub number { my $x = shift; pick("$x", sprintf('%.3e', $x), sprintf('%.5f', $x), sprintf('%+.4f', $x)) =~ s/^0\./pick('0.', '.')/er }
sub value { my ($i, $k) = @_; $i == $target ? $label[$k] : @lost && rand() < 0.15 ? pick(@lost) : number(($k - 1) * ($i + 1) + rand 0.5) }
sub table { # FILE ROWS WHICH...: the columns that it has, in their order; -1 is one that nobody asked for
    my ($file, $rows, @which) = @_;
    my $end = pick("\n", "\r\n", "\r");
    my @line = $header ? join $d, map { field($_ < 0 ? 'nobody' : $name[$_]) } @which : ();
    for my $r (1 .. $rows) {
        push @line, '' if rand() < 0.2;
        push @line, join $d, map { field(value($_, $r % @label)) } @which;
    }
    put($file, pick('', '', "\xEF\xBB\xBF"), join($end, @line), pick('', $end, "$end$end"));
}
my @all = 0 .. $n;
my @new = $header ? shuffled(@input, pick(-1, $target)) : @{pick([@all], [grep { $_ != $target } @all])};
table('train.csv', 24, @all);
table('test.csv', 15, $header ? shuffled(@all, -1) : @all);
table('new.csv', 9, @new);

my @key = map { $header ? $name[$_] : $_ } @all;
my $said = !$header ? 'false' : (grep { /^[-\d.]+$/ || $_ eq 'NA' || $_ eq '' } @name) ? 'true' : 'auto';
put('recipe', '{type: csv, file: train.csv, header: ', $said, ', target: ', yaml($key[$target]), $d ne ',' || rand() < 0.5 ? ', delimiter: ' . yaml($d) : '',
    $chosen ? ', columns: [' . join(', ', map { yaml($key[$_]) } @input) . ']' : '',
    @$missing ? ', missing: [' . join(', ', map { /^-\d/ ? $_ : yaml($_) } @$missing) . ']' : '', '}');
sub list { join "\x1f", map { "=$_" } @_ }
sub call { my ($file, $target, @columns) = @_; put($file, map { "$_\0" } $d, $header, list(@$missing), list(@columns), $target, $label[0] eq '0' ? '' : list(sort @label)) }
call('call.train', list($key[$target]), map { $key[$_] } @input);
call('call.test', list($key[$target]), map { $key[$_] } @input);
call('call.new', '', map { $header ? $name[$_] : $_ - (@new < @all && $_ > $target) } @input);
put('sizes', scalar @input, ' ', scalar @label, "\n");
