#ifndef CLI_SIEVE_H
#define CLI_SIEVE_H

/* sieve.h: the primes of a range, without looking at most of its numbers. */

#include <stddef.h>
#include <stdint.h>

/* The most numbers a range may have here. */
#define PP_SIEVE_WIDTH ((uint64_t)1 << 20)

/* Calls found(context, primes, count) for the primes from `first` to `last`, ascending, in groups. last -
 * first is less than PP_SIEVE_WIDTH. 0 or -ENOMEM. */
typedef void pp_sieve_found(void *context, const uint64_t *primes, size_t count);
int pp_sieve_range(uint64_t first, uint64_t last, pp_sieve_found *found, void *context);

#endif
