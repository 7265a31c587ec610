#ifndef PRIMALITY_MONTGOMERY_H
#define PRIMALITY_MONTGOMERY_H

/* Arithmetic modulo an odd n < 2^64 without divisions (P. Montgomery, 1985), and the products of 128 bits it
 * stands on: no other file knows how to make those.
 *
 * A residue x is kept as x_m = x * R mod n with R = 2^64. The product of x_m and y_m is reduced with the
 * positive inverse, inverse = n^-1 mod R: for T < R * R let m = T * inverse mod R. Then T - m * n is a
 * multiple of R, and since the low words of T and m * n are the same, (T - m * n) / R is just the difference
 * of the high words: no carry comes from below. The one of m * n is below n, so if the difference is
 * negative, adding n once makes it a number in [0, n). If not, it does not exceed the high word of T.
 *
 * So any word will do as a residue, and the result is below n if T < n * R: for instance if the factors are
 * below n, as they are everywhere but in base2.h. */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

/* The number of bits of n, for n > 0. */
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

/* How often 2 divides n, for n > 0. */
static inline int trailing_zeros(uint64_t n)
{
    return bit_length(n & (0 - n)) - 1;
}

/* The high word of a * b; the low one goes into *low. The instruction is spelled out for x86-64, because gcc
 * takes products of 128 bits through memory where registers are short. */
static inline uint64_t wide_product(uint64_t a, uint64_t b, uint64_t *low)
{
#if defined(__x86_64__) && defined(__GNUC__)
    uint64_t high, low_word;
    __asm__("mulq %[b]" : "=a"(low_word), "=d"(high) : "%a"(a), [b] "rm"(b) : "cc");
    *low = low_word;
    return high;
#elif defined(__SIZEOF_INT128__) && !defined(PP_NO_INT128)
    __extension__ typedef unsigned __int128 uint128;
    uint128 product = (uint128)a * b;
    *low = (uint64_t)product;
    return (uint64_t)(product >> 64);
#else
    uint64_t a1 = a >> 32, a0 = (uint32_t)a, b1 = b >> 32, b0 = (uint32_t)b;
    uint64_t lowest = a0 * b0;
    uint64_t middle = a1 * b0 + (lowest >> 32);  /* at most (2^32 - 1)^2 + 2^32 - 1: no overflow */
    uint64_t carry = a0 * b1 + (uint32_t)middle; /* likewise */
    *low = carry << 32 | (uint32_t)lowest;
    return a1 * b1 + (middle >> 32) + (carry >> 32);
#endif
}

/* n^-1 mod 2^64 for odd n. (3 * n) ^ 2 is right in 5 bits; each step of Newton's iteration doubles that: 10,
 * 20, 40, 80. */
static inline uint64_t inverse_mod_2_64(uint64_t n)
{
    assert(n % 2 == 1);
    uint64_t inverse = (3 * n) ^ 2;
    for (int bits = 5; bits < 64; bits *= 2) {
        inverse *= 2 - n * inverse;
    }
    return inverse;
}

/* a - b, or a - b + n if that is negative, for b in [0, n). Compilers make more of it than three
 * instructions, or a branch that cannot be predicted. */
static inline uint64_t subtract_mod(uint64_t a, uint64_t b, uint64_t n)
{
    assert(b < n);
#if defined(__x86_64__) && defined(__GNUC__)
    uint64_t wrapped;
    __asm__("subq %[b], %[a]\n\t"
            "leaq (%[a], %[n]), %[wrapped]\n\t"
            "cmovbq %[wrapped], %[a]"
            : [a] "+r"(a), [wrapped] "=&r"(wrapped)
            : [b] "r"(b), [n] "r"(n)
            : "cc");
    return a;
#else
    uint64_t difference = a - b;
    return a < b ? difference + n : difference;
#endif
}

/* T / R mod n, for T of two words; below n if T < n * R. */
static inline uint64_t montgomery_reduce(uint64_t high, uint64_t low, uint64_t n, uint64_t inverse)
{
    assert(n * inverse == 1);
    uint64_t unused;
    return subtract_mod(high, wide_product(low * inverse, n, &unused), n);
}

/* The product of two residues, all three in Montgomery form. */
static inline uint64_t montgomery_multiply(uint64_t x_m, uint64_t y_m, uint64_t n, uint64_t inverse)
{
    uint64_t low, high = wide_product(x_m, y_m, &low);
    return montgomery_reduce(high, low, n, inverse);
}

/* T / 2^32 mod n for n < 2^32: montgomery_reduce with half the word. Below 2^32, and below n if T < n * 2^32. */
static inline uint64_t reduce_32(uint64_t t, uint64_t n, uint64_t inverse)
{
    assert(n >> 32 == 0);
    uint64_t multiple = (uint64_t)(uint32_t)((uint32_t)t * (uint32_t)inverse) * n >> 32;
    return subtract_mod(t >> 32, multiple, n);
}

/* x in Montgomery form, x * R mod n, for any x. One division, of two words by one, if x < n. */
static inline uint64_t montgomery_form(uint64_t x, uint64_t n)
{
    x = x < n ? x : x % n;
#if defined(__x86_64__) && defined(__GNUC__)
    uint64_t quotient = 0, x_m = x;
    __asm__("divq %[n]" : "+a"(quotient), "+d"(x_m) : [n] "rm"(n) : "cc");
    return x_m;
#elif defined(__SIZEOF_INT128__) && !defined(PP_NO_INT128)
    __extension__ typedef unsigned __int128 uint128;
    return (uint64_t)(((uint128)x << 64) % n);
#else
    for (int i = 0; i < 64; i++) {
        uint64_t room = n - x;
        x = x >= room ? x - room : x + x;
    }
    return x;
#endif
}

#endif
