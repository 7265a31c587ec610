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
 * Neither a division nor R mod n is needed to begin. Since 1 and -1 are their own inverses, 2^-e does as well
 * as 2^e; and the plain number 2^(64-u) is the Montgomery form of 2^-u. So the topmost bits of e, rounded up
 * to u, are taken care of by the starting value x_m = 2^(64-u); what was added by rounding up,
 *
 *     w = u * 2^steps - e >= 0,
 *
 * comes in bit by bit, from the top, as `steps` squarings are done: 2^-e = 2^(-u * 2^steps + w). */

#include "montgomery.h"

static inline int bit_length(uint64_t n)
{
    assert(n != 0);
#if defined(__GNUC__)
    return 64 - __builtin_clzll(n);
#else
    int length = 0;
    for (; n != 0; n >>= 1) {
        length++;
    }
    return length;
#endif
}

struct base2_start {
    uint64_t x;     /* 2^(radix_bits - u), a power of two below n: the Montgomery form of 2^-u */
    uint64_t added; /* w, less than 2^steps */
    int steps;
};

static inline uint64_t base2_exponent(uint64_t n)
{
    return (n - 1) >> (n % 8 == 1 ? 2 : 1);
}

/* For R = 2^radix_bits, radix_bits = 64 and n > 2^32, or radix_bits = 32 and 2^16 < n < 2^32. u lies between
 * radix_bits / 2 and radix_bits, so that x <= 2^(radix_bits / 2) < n. */
static inline struct base2_start base2_begin(uint64_t n, int radix_bits)
{
    assert(n % 2 == 1 && n >> radix_bits / 2 != 0);
    int window = radix_bits == 64 ? 6 : 5;
    uint64_t e = base2_exponent(n);
    int steps = bit_length(e) - window;
    uint64_t u = (e + (UINT64_C(1) << steps) - 1) >> steps;
    return (struct base2_start){UINT64_C(1) << ((uint64_t)radix_bits - u), (u << steps) - e, steps};
}

/* x^2 * 2^bit, all in Montgomery form. The doubling costs no time: it is done to the high word of the square
 * while the low word goes through the multiplier, and to the inverse beforehand. A doubled high word may
 * equal n, but only if it carries a bit from the low word; then the result is 0 or less before n is added,
 * and as it is a power of two and so not 0 mod n, it is canonical all the same. */
static inline uint64_t base2_step(uint64_t x_m, uint64_t bit, uint64_t n, uint64_t inverse)
{
    assert(x_m < n && bit <= 1);
    struct wide square = wide_product(x_m, x_m);
    uint64_t room = n - square.high;
    uint64_t doubled =
        (square.high >= room ? square.high - room : square.high + square.high) + (square.low >> 63);
    uint64_t high = bit ? doubled : square.high;
    uint64_t multiple = wide_product(square.low * (inverse << bit), n).high;
    uint64_t difference = high - multiple, wrapped = high + n - multiple;
    return high < multiple ? wrapped : difference;
}

/* Whether y = 2^e or 2^-e mod n, in [0, n), is what it has to be for a prime. */
static inline bool base2_accepts(uint64_t y, uint64_t n)
{
    bool one = y == 1, minus_one = y == n - 1;
    return n % 8 == 1 ? one | minus_one : n % 8 == 7 ? one : minus_one;
}

#endif
