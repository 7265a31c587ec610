#ifndef PRIMALITY_BASE2_H
#define PRIMALITY_BASE2_H

/* Probable primes to base 2, in C. Plumb's form of Euler's test. If n is prime, 2^((n-1)/2) is the Jacobi
 * symbol (2 | n), which is 1 for n = 1, 7 mod 8 and -1 for n = 3, 5 mod 8; and for n = 1 mod 8, then,
 * 2^((n-1)/4) is 1 or -1. So with
 *
 *     e = (n - 1) / 4 if n = 1 mod 8, (n - 1) / 2 if not
 *
 * n is called a probable prime if 2^e mod n is 1 or -1, and the one that n mod 8 asks for. Then 2^(n-1) = 1:
 * the number is a probable prime in Fermat's sense, which is all that BPSW needs. The form is chosen because
 * its length does not depend on the number of twos in n - 1, so that many numbers can be tested in step.
 *
 * Neither a division nor R mod n is needed. Since 1 and -1 are their own inverses, 2^-e does as well as 2^e.
 * And the plain number 2^(W-u) is the Montgomery form of 2^-u for R = 2^W: so the test begins with a power of
 * two, and a residue is multiplied by 2^-u, u = 1, ..., W, by reducing x * 2^(W-u), a shift. So e is written
 * with digits from 1 to W, W being 64 or 32, a window of 6 or 5 bits each (bijective numeration: take 1 from
 * every place, and add it to every digit); its top makes the starting value, and the rest is windows:
 * squarings, then one such shift.
 *
 * Residues need not be below n on the way (montgomery.h); the last one is, as it comes from a T below R. */

#include "montgomery.h"

static inline uint64_t base2_exponent(uint64_t n)
{
    return (n - 1) >> (n % 8 == 1 ? 2 : 1);
}

static inline int base2_window(int w)
{
    return w == 64 ? 6 : 5;
}

/* A 1 in each of so many places. */
static inline uint64_t base2_ones(int places, int w)
{
    const uint64_t ones = w == 64 ? UINT64_C(0x1041041041041041) : UINT64_C(0x42108421);
    return ones & ((UINT64_C(1) << base2_window(w) * places) - 1);
}

/* How many squarings n takes, by its size alone; with more of them the result is the same. */
static inline int base2_squarings(uint64_t n, int w)
{
    return bit_length(n) - 1 - base2_window(w);
}

/* How 2^-e is computed: begin with x; square as many times as base2_begin was told; and each time that i
 * squarings are left, i a multiple of the window and below `begin`, multiply by 2^-(1 + digit), where digit
 * is that many bits of `digits` from bit i on. */
struct base2_plan {
    uint64_t x, digits;
    int begin; /* until then a number smaller than those it is in step with stays at 1 */
};

/* W = 64 and n > 2^32, or W = 32 and 2^16 < n < 2^32. The exponent gets a digit for every window, if it has
 * so many, and the rest of it, less than W, goes into x; if not, x is 1: R - n, as R mod n would take a
 * division. */
static inline struct base2_plan base2_begin(uint64_t n, int squarings, int w)
{
    assert(n % 2 == 1 && n >> w / 2 != 0 && (w == 64 || n >> w == 0) && squarings >= base2_squarings(n, w));
    const int window = base2_window(w);
    uint64_t e = base2_exponent(n);
    int windows = (squarings + window - 1) / window, places = (bit_length(e) + window - 1) / window;
    places = places < windows ? places : windows;
    places -= e < base2_ones(places, w);
    uint64_t digits = e - base2_ones(places, w), u = digits >> squarings;
    assert(u < (uint64_t)w);
    uint64_t one = w == 64 ? 0 - n : (uint32_t)(0 - n);
    uint64_t x = u == 0 ? one : UINT64_C(1) << ((uint64_t)w - u);
    return (struct base2_plan){x, digits - (u << squarings), window * places};
}

/* x^2, in Montgomery form. */
static inline uint64_t base2_square(uint64_t x_m, uint64_t n, uint64_t inverse)
{
    return montgomery_multiply(x_m, x_m, n, inverse);
}

/* x * 2^-(1 + digit), in Montgomery form, for digit = 0, ..., 63. */
static inline uint64_t base2_shift(uint64_t x_m, uint64_t digit, uint64_t n, uint64_t inverse)
{
    assert(digit < 64);
    return montgomery_reduce(x_m >> 1 >> digit, x_m << (63 - digit), n, inverse);
}

/* Whether y = 2^e or 2^-e mod n, in [0, n), is what it has to be for a prime: bit r of a mask says what n = r
 * mod 8 allows. Without branches, which would go by chance. */
static inline bool base2_accepts(uint64_t y, uint64_t n)
{
    unsigned may_be_one = 1 << 1 | 1 << 7, may_be_minus_one = 1 << 1 | 1 << 3 | 1 << 5;
    return (((y == 1) & may_be_one >> n % 8) | ((y == n - 1) & may_be_minus_one >> n % 8)) & 1;
}

#endif
