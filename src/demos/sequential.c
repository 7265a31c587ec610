/* sequential.c: the baseline. One process checks the sample, one number after the other. */

#include "sample.h"

#include <proc_pool/is_prime.h>

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void check(uint64_t n)
{
    const double start = now();
    const bool prime = pp_is_prime_trial(n);
    printf("%16" PRIu64 "  %s %9.6fs\n", n, prime ? "P" : " ", now() - start);
    fflush(stdout); /* so that a reader sees each line when it is done, through a pipe too */
}

int main(void)
{
    const double start = now();
    printf("Checking %d numbers sequentially:\n", SAMPLE_COUNT);
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        check(sample[i]);
    }
    printf("Total time: %.2fs\n", now() - start);
    return ferror(stdout) || fclose(stdout) != 0 ? 3 : 0;
}
