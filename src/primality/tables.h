#ifndef PRIMALITY_TABLES_H
#define PRIMALITY_TABLES_H

/* Tables that a program made: `build/release/tests/primality/test_tables print > src/primality/tables.c`. The
 * same program, run without the word, remakes them and fails if a byte differs. */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SMALL_LIMIT = 1 << 16, /* below it, primes are looked up */
    TRIAL_LIMIT = 61, /* numbers with a prime factor up to this one need not be in the list of pseudoprimes */
    PSEUDOPRIME_SLOTS = 4096,
    PSEUDOPRIME_GROUPS = 1024,
    LUCAS_FIRST_P = 3, /* parameters P that have a bit in lucas_signs */
    LUCAS_LAST_P = 14,
    LUCAS_VALUES_P = 16 /* last parameter whose first values are listed */
};

/* Bit i of word w tells whether 2 * (64 * w + i) + 1 is prime. */
extern const uint64_t pp_small_primes[SMALL_LIMIT / 128];

/* The composites below 2^32 without prime factors up to TRIAL_LIMIT that are probable primes to base 2 in the
 * sense of base2.h: a perfect hash. The product of n and the multiplier gives in its top ten bits a group and
 * in the next twelve a slot, which the group's entry in the second table moves to where n would be. Empty
 * slots are 0. */
#define PSEUDOPRIME_MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)
extern const uint32_t pp_pseudoprimes[PSEUDOPRIME_SLOTS];
extern const uint16_t pp_pseudoprime_moves[PSEUDOPRIME_GROUPS];

/* Which P = LUCAS_FIRST_P + bit have (P^2 - 4 | n) = -1: the exclusive or of one entry from each row, chosen
 * by the residue of n modulo 8 (its entry is n / 2 % 4), 3, 5, 7, 11 and 13, none of which may divide n. All
 * P^2 - 4 up to LUCAS_LAST_P are products of these primes, 2, and squares; the signs that quadratic
 * reciprocity and (2 | n) bring are in the row for 8. */
struct lucas_signs {
    uint16_t mod_8[4], mod_3[3], mod_5[5], mod_7[7], mod_11[11], mod_13[13];
};
extern const struct lucas_signs pp_lucas_signs;

/* V_0, ..., V_16 for P = LUCAS_FIRST_P, ..., LUCAS_VALUES_P: V_0 = 2, V_1 = P, V_(k+1) = P * V_k - V_(k-1).
 * The largest is below 16^16 = 2^64. */
enum { LUCAS_VALUES = 17 };
extern const uint64_t pp_lucas_values[LUCAS_VALUES_P - LUCAS_FIRST_P + 1][LUCAS_VALUES];

/* Whether n < SMALL_LIMIT is prime. Without a branch: which way it went would depend on chance. */
static inline bool is_small_prime(uint64_t n)
{
    assert(n < SMALL_LIMIT);
    return (pp_small_primes[n / 128] >> (n / 2 % 64) & n & 1) | (n == 2);
}

/* Whether n < 2^32, a probable prime to base 2 without prime factors up to TRIAL_LIMIT, is composite after
 * all. */
static inline bool is_listed_pseudoprime(uint64_t n)
{
    assert(n >> 32 == 0);
    uint64_t hash = n * PSEUDOPRIME_MULTIPLIER;
    uint64_t slot = (hash >> 42 & (PSEUDOPRIME_SLOTS - 1)) ^ pp_pseudoprime_moves[hash >> 54];
    return pp_pseudoprimes[slot] == n;
}

#endif
