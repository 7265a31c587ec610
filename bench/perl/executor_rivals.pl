# What a tiny task costs in MCE, two workers: lines "NAME<tab>SECONDS A TASK".
use strict;
use warnings;
use Time::HiRes qw(time);
use MCE::Map;

sub per_task {
    my ($name, $count, $chunk_size) = @_;
    MCE::Map->init(max_workers => 2, chunk_size => $chunk_size);
    mce_map { $_ + 1 } 1 .. 2;
    my $start = time;
    my @results = mce_map { $_ + 1 } 1 .. $count;
    my $seconds = time - $start;
    die "wrong count\n" if @results != $count;
    print "$name\t", $seconds / $count, "\n";
    MCE::Map->finish;
}

per_task('Perl MCE::Map, chunk_size 1', 20000, 1);
per_task('Perl MCE::Map, chunk_size 1000', 300000, 1000);
