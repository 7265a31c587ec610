#ifndef PRIMALITY_SMALL_FACTORS_H
#define PRIMALITY_SMALL_FACTORS_H

/* Divisibility by small primes, without dividing. For odd p, multiplication by p^-1 mod 2^64 permutes the
 * residues and takes the multiples 0, p, 2p, ... of p to 0, 1, 2, ..., UINT64_MAX / p; so n is a multiple of
 * p if and only if n * p^-1 mod 2^64 does not exceed UINT64_MAX / p (T. Granlund and P. Montgomery, 1994). */

#include "unroll.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct divisor {
    uint64_t inverse, limit;
};

/* The compiler makes the table: Newton's iteration from an inverse that is right in five bits. */
#define NEWTON(p, x) ((x) * (2 - (p) * (x)))
#define INVERSE(p)   NEWTON(p, NEWTON(p, NEWTON(p, NEWTON(p, UINT64_C(3) * (p) ^ 2))))
#define DIVISOR(p)                             \
    {                                          \
        INVERSE(UINT64_C(p)), UINT64_MAX / (p) \
    }

enum { SMALL_FACTORS = 48 };

/* The odd primes in ascending order. */
static const struct divisor small_factors[SMALL_FACTORS] = {
    DIVISOR(3),   DIVISOR(5),   DIVISOR(7),   DIVISOR(11),  DIVISOR(13),  DIVISOR(17),  DIVISOR(19),
    DIVISOR(23),  DIVISOR(29),  DIVISOR(31),  DIVISOR(37),  DIVISOR(41),  DIVISOR(43),  DIVISOR(47),
    DIVISOR(53),  DIVISOR(59),  DIVISOR(61),  DIVISOR(67),  DIVISOR(71),  DIVISOR(73),  DIVISOR(79),
    DIVISOR(83),  DIVISOR(89),  DIVISOR(97),  DIVISOR(101), DIVISOR(103), DIVISOR(107), DIVISOR(109),
    DIVISOR(113), DIVISOR(127), DIVISOR(131), DIVISOR(137), DIVISOR(139), DIVISOR(149), DIVISOR(151),
    DIVISOR(157), DIVISOR(163), DIVISOR(167), DIVISOR(173), DIVISOR(179), DIVISOR(181), DIVISOR(191),
    DIVISOR(193), DIVISOR(197), DIVISOR(199), DIVISOR(211), DIVISOR(223), DIVISOR(227),
};

/* The table, as something to load from: constants of 64 bits in the code take more than twice the room. */
static inline const struct divisor *small_factor_table(void)
{
    const struct divisor *table = small_factors;
#if defined(__GNUC__)
    __asm__("" : "+r"(table));
#endif
    return table;
}

/* Whether one of small_factors[first], ..., small_factors[last - 1] divides n. One branch at the end, not one
 * each: which prime divides is what no predictor knows. */
static inline bool has_small_factor(uint64_t n, size_t first, size_t last)
{
    assert(first <= last && last <= SMALL_FACTORS);
    const struct divisor *table = small_factor_table();
    unsigned found = 0;
    UNROLL
    for (size_t i = first; i < last; i++) {
        found |= n * table[i].inverse <= table[i].limit;
    }
    return found;
}

#undef DIVISOR
#undef INVERSE
#undef NEWTON

#endif
