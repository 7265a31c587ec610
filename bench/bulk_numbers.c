/* bulk_numbers COUNT [SEED]: that many random 64-bit numbers, a line each, on standard output. The same seed
 * gives the same numbers everywhere (SplitMix64, by Steele, Lea and Flood, 2014). */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int main(int argc, char *argv[])
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (count == 0) {
        fprintf(stderr, "usage: bulk_numbers COUNT [SEED]\n");
        return 2;
    }
    while (count-- > 0) {
        printf("%" PRIu64 "\n", next_random(&state));
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
