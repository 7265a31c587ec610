#ifndef TESTS_ORACLE_H
#define TESTS_ORACLE_H

/* Independent answers to "is it prime?", simple enough to be believed, and numbers to ask about. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets prime[i] to whether low + i is prime, for i < count, with the sieve of Eratosthenes. low + count <=
 * 2^40. */
void oracle_sieve(uint64_t low, size_t count, bool *prime);

/* Whether n is prime, by strong probable prime tests to the twelve bases 2, 3, 5, ..., 37. No composite below
 * 318665857834031151167461 passes them all (J. Sorenson and J. Webster, "Strong pseudoprimes to twelve prime
 * bases", Math. Comp. 86 (2017)), and their proof does not use the list of pseudoprimes that BPSW rests on.
 * Shares no arithmetic with the library: products are divided the plain way. */
bool oracle_twelve_bases(uint64_t n);

/* a * b mod n and a^e mod n, the plain way, for n > 0. */
uint64_t oracle_product(uint64_t a, uint64_t b, uint64_t n);
uint64_t oracle_power(uint64_t a, uint64_t e, uint64_t n);

/* The next number of a fixed sequence that looks random, uniform below 2^64 (splitmix64); *state picks the
 * sequence. */
uint64_t oracle_random(uint64_t *state);

/* The same with a bit length drawn uniformly from 1 to 64. */
uint64_t oracle_random_size(uint64_t *state);

/* Numbers that have caught other tests, with the right answer, from the literature. */
struct oracle_case {
    uint64_t n;
    bool prime;
    const char *why;
};
extern const struct oracle_case oracle_cases[];
extern const size_t oracle_case_count;

#endif
