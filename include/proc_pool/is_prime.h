#ifndef PROC_POOL_IS_PRIME_H
#define PROC_POOL_IS_PRIME_H

/* Is it prime? Exact answers for every uint64_t, one number at a time or many.
 *
 * No call here blocks, allocates, does input or output, touches errno or fails, and all of them may be called
 * from any number of threads and processes at once.
 *
 * Why the answers are exact. Below 2^32, `make exhaustive` compares every verdict of every kernel with a
 * sieve. From there on the test is Baillie's, Pomerance's, Selfridge's and Wagstaff's (BPSW): a number is
 * called prime if it is a probable prime to base 2 and an extra strong Lucas probable prime as well. Every
 * prime passes both. No composite below 2^64 does: J. Feitsma listed all 118,968,378 composites below 2^64
 * that are probable primes to base 2 (2009; published with W. Galway), and none of them passes the Lucas
 * test. J. Gilchrist found that for its standard and strong forms (2009), D. Jacobsen for the extra strong
 * one. For the tests see R. Baillie and S. Wagstaff, "Lucas pseudoprimes", Math. Comp. 35 (1980), and J.
 * Grantham, "Frobenius pseudoprimes", Math. Comp. 70 (2001); for the list and its use, R. Baillie, A. Fiori
 * and S. Wagstaff, "Strengthening the Baillie-PSW primality test", Math. Comp. 90 (2021). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether n is prime. Takes time for a handful of instructions if n is even or has a small factor, and about
 * that of one modular exponentiation if not. */
bool pp_is_prime(uint64_t n);

/* Whether n is prime, by trial division as the book does it: 2 first, then 3, 5, 7, ... up to the square root
 * of n, as far as the first that divides. Slow on purpose: up to 2^31 divisions. It is here to be compared
 * with, to load processors, and as an answer that needs no theorem. */
bool pp_is_prime_trial(uint64_t n);

/* Sets verdicts[i] to whether numbers[i] is prime, for i = 0, ..., count - 1. Same answers as pp_is_prime,
 * several times as fast when there are at least some hundreds of numbers: they may be of any size in any
 * order. Both arrays are the caller's, of any alignment their types allow; they must not overlap, and either
 * may be NULL if count is 0. Uses a fixed amount of stack, well below 64 KiB. */
void pp_is_prime_batch(const uint64_t *numbers, size_t count, bool *verdicts);

/* The name of the code that pp_is_prime_batch runs: "avx512ifma", "avx2" or "portable". It is chosen at the
 * first use of either function and stays the same in this process (and in processes forked from it later):
 * the fastest that this processor has, or the one that the environment variable PP_IS_PRIME_KERNEL names, if
 * this build and this processor have it; any other value of the variable is ignored. The string is constant. */
const char *pp_is_prime_kernel(void);

#endif
