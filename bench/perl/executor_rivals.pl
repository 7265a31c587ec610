# What a tiny task costs in MCE, two workers, for bench/rows/rivals.c: executor_rivals.pl CHUNK_SIZE prints the seconds a
# task.
use strict;
use warnings;
use Time::HiRes qw(time);
use MCE::Map;

my $chunk_size = shift // die "usage: executor_rivals.pl CHUNK_SIZE\n";
my $count = $chunk_size == 1 ? 10000 : 200000;
MCE::Map->init(max_workers => 2, chunk_size => $chunk_size);
mce_map { $_ + 1 } 1 .. 2;
my $start = time;
my @results = mce_map { $_ + 1 } 1 .. $count;
my $seconds = time - $start;
die "wrong count\n" if @results != $count;
MCE::Map->finish;
print $seconds / $count, "\n";
