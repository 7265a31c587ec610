#ifndef TESTS_SIMULATOR_RANDOM_H
#define TESTS_SIMULATOR_RANDOM_H

/* What worlds and what happens in them are drawn with, besides support/random.h. */

#include "support/random.h"

#include <math.h>

/* From 0 to limit - 1; 0 if the limit is. */
static inline uint64_t draw_below(struct random *random, uint64_t limit)
{
    return limit == 0 ? 0 : random_next(random) % limit;
}

/* From 0 to 1, without 1. */
static inline double draw_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) / 9007199254740992.0;
}

/* From low to high, each magnitude as likely as the others. */
static inline uint64_t draw_magnitude(struct random *random, double low, double high)
{
    return (uint64_t)(low * pow(high / low, draw_unit(random)));
}

#endif
