#ifndef PRIMALITY_MONTGOMERY_H
#define PRIMALITY_MONTGOMERY_H

/* Arithmetic modulo an odd n < 2^64 without divisions (P. Montgomery, 1985), and the products of 128 bits it
 * stands on: no other file knows how to make those.
 *
 * A residue x is kept as x_m = x * R mod n with R = 2^64, always in [0, n). The product of x_m and y_m is
 * reduced with the positive inverse, inverse = n^-1 mod R: for T < n * R let m = T * inverse mod R. Then T -
 * m * n is a multiple of R, and since the low words of T and m * n are the same, (T - m * n) / R is just the
 * difference of the high words: no carry comes from below. It lies in (-n, n), so one conditional addition
 * makes it canonical. */

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

struct wide {
    uint64_t high, low;
};

/* a * b, all 128 bits. */
static inline struct wide wide_product(uint64_t a, uint64_t b)
{
#if defined(__SIZEOF_INT128__) && !defined(PP_NO_INT128)
    __extension__ typedef unsigned __int128 uint128;
    uint128 product = (uint128)a * b;
    return (struct wide){(uint64_t)(product >> 64), (uint64_t)product};
#else
    uint64_t a1 = a >> 32, a0 = (uint32_t)a, b1 = b >> 32, b0 = (uint32_t)b;
    uint64_t low = a0 * b0;
    uint64_t middle = a1 * b0 + (low >> 32);     /* at most (2^32 - 1)^2 + 2^32 - 1: no overflow */
    uint64_t carry = a0 * b1 + (uint32_t)middle; /* likewise */
    return (struct wide){a1 * b1 + (middle >> 32) + (carry >> 32), carry << 32 | (uint32_t)low};
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

/* a + b mod n, for a and b in [0, n). */
static inline uint64_t add_mod(uint64_t a, uint64_t b, uint64_t n)
{
    assert(a < n && b < n);
    uint64_t room = n - b;
    return a >= room ? a - room : a + b;
}

/* a - b mod n, for a and b in [0, n). When b is what comes late, as in a reduction, a + n is ready by then,
 * and two instructions are left to wait for. Compilers make four of them, or a branch that cannot be
 * predicted. */
static inline uint64_t subtract_mod(uint64_t a, uint64_t b, uint64_t n)
{
    assert(a < n && b < n);
#if defined(__x86_64__) && defined(__GNUC__)
    uint64_t wrapped = a + n;
    __asm__("sub %[b], %[wrapped]\n\t"
            "sub %[b], %[a]\n\t"
            "cmovb %[wrapped], %[a]"
            : [a] "+r"(a), [wrapped] "+r"(wrapped)
            : [b] "r"(b)
            : "cc");
    return a;
#else
    uint64_t difference = a - b, wrapped = a + n - b;
    return a < b ? wrapped : difference;
#endif
}

/* a - c mod n for a and c in [0, n), with n - c known. */
static inline uint64_t subtract_constant_mod(uint64_t a, uint64_t c, uint64_t n_minus_c)
{
    assert(a < c + n_minus_c && n_minus_c != 0);
    uint64_t wrapped = a + n_minus_c;
#if defined(__x86_64__) && defined(__GNUC__)
    __asm__("sub %[c], %[a]\n\t"
            "cmovb %[wrapped], %[a]"
            : [a] "+r"(a)
            : [c] "r"(c), [wrapped] "r"(wrapped)
            : "cc");
    return a;
#else
    return a < c ? wrapped : a - c;
#endif
}

/* T / R mod n, in [0, n), for T < n * R. */
static inline uint64_t montgomery_reduce(struct wide t, uint64_t n, uint64_t inverse)
{
    assert(t.high < n && n * inverse == 1);
    return subtract_mod(t.high, wide_product(t.low * inverse, n).high, n);
}

/* The product of two residues, all three in Montgomery form. */
static inline uint64_t montgomery_multiply(uint64_t x_m, uint64_t y_m, uint64_t n, uint64_t inverse)
{
    assert(x_m < n && y_m < n);
    return montgomery_reduce(wide_product(x_m, y_m), n, inverse);
}

/* T / 2^32 mod n for T < n * 2^32, n < 2^32: montgomery_reduce with half the word. */
static inline uint64_t reduce_32(uint64_t t, uint64_t n, uint64_t inverse)
{
    assert(n >> 32 == 0 && t >> 32 < n);
    uint64_t multiple = (uint64_t)(uint32_t)((uint32_t)t * (uint32_t)inverse) * n >> 32;
    return subtract_mod(t >> 32, multiple, n);
}

/* 1 in Montgomery form: R mod n. One division. */
static inline uint64_t montgomery_one(uint64_t n)
{
    return (0 - n) % n;
}

#endif
