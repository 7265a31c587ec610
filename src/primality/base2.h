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
 * every place, and add it to every digit); its top, in W / 2, ..., W, makes the starting value, and the rest
 * is windows: squarings, then one such shift. */

#include "montgomery.h"

static inline uint64_t base2_exponent(uint64_t n)
{
    return (n - 1) >> (n % 8 == 1 ? 2 : 1);
}

/* How 2^-e is computed: begin with x; square `squarings` times; and each time that i squarings are left, i a
 * multiple of the window, multiply by 2^-(1 + digit), where digit is that many bits of `digits` from bit i
 * on. */
struct base2_plan {
    uint64_t x; /* 2^(W-u), below n */
    uint64_t digits;
    int squarings;
};

/* W = 64 and n > 2^32, or W = 32 and 2^16 < n < 2^32, so that x <= 2^(W/2) < n. */
static inline struct base2_plan base2_begin(uint64_t n, int w)
{
    assert(n % 2 == 1 && n >> w / 2 != 0 && (w == 64 || n >> w == 0));
    const int window = w == 64 ? 6 : 5;
    const uint64_t ones =
        w == 64 ? UINT64_C(0x1041041041041041) : UINT64_C(0x42108421); /* a 1 in every place */
    uint64_t e = base2_exponent(n);
    int places =
        (bit_length(e) - 1) / window; /* those below the top, which keeps 1 to 6 bits (5 if W = 32) */
    uint64_t digits = e - (ones & ((UINT64_C(1) << window * places) - 1));
    int squarings =
        bit_length(digits) - window; /* now the top has all its bits, the next place what is left */
    uint64_t top = digits >> squarings;
    uint64_t u = top + (squarings % window == 0 && squarings / window < places);
    return (struct base2_plan){UINT64_C(1) << ((uint64_t)w - u), digits - (top << squarings), squarings};
}

/* x^2, in Montgomery form. */
static inline uint64_t base2_square(uint64_t x_m, uint64_t n, uint64_t inverse)
{
    return montgomery_multiply(x_m, x_m, n, inverse);
}

/* x * 2^-(1 + digit), in Montgomery form, for digit = 0, ..., 63. */
static inline uint64_t base2_shift(uint64_t x_m, uint64_t digit, uint64_t n, uint64_t inverse)
{
    assert(x_m < n && digit < 64);
    return montgomery_reduce((struct wide){x_m >> 1 >> digit, x_m << (63 - digit)}, n, inverse);
}

/* Whether y = 2^e or 2^-e mod n, in [0, n), is what it has to be for a prime: bit r of a mask says what n = r
 * mod 8 allows. Without branches, which would go by chance. */
static inline bool base2_accepts(uint64_t y, uint64_t n)
{
    unsigned may_be_one = 1 << 1 | 1 << 7, may_be_minus_one = 1 << 1 | 1 << 3 | 1 << 5;
    return (((y == 1) & may_be_one >> n % 8) | ((y == n - 1) & may_be_minus_one >> n % 8)) & 1;
}

#endif
