#ifndef PRIMALITY_LUCAS_H
#define PRIMALITY_LUCAS_H

/* The extra strong Lucas test (J. Grantham, "Frobenius pseudoprimes", Math. Comp. 70 (2001); parameters after
 * R. Baillie, OEIS A217719). Q = 1, and P is the first of 3, 4, 5, ... with (D | n) = -1, D = P^2 - 4. Let a
 * be a root of x^2 - P x + 1; then V_k = a^k + a^-k and U_k = (a^k - a^-k) / (a - a^-1). If n is prime, the
 * powers of a live in a field where a^(n+1) = 1. Write n + 1 = d * 2^s with d odd: then a^d = +-1, or a^(d *
 * 2^r) is a square root of -1 for an r < s - 1. In terms of the sequences:
 *
 *     V_d = +-2 and U_d = 0,    or    V_(d * 2^r) = 0 for some r < s - 1.
 *
 * Since D * U_d = 2 * V_(d+1) - P * V_d, the first of these says (V_d, V_(d+1)) = +-(2, P), and U is never
 * computed.
 *
 * The ladder. From V_k and V_(k+1), a bit of d leads to V_2k = V_k^2 - 2 and V_(2k+1) = V_k * V_(k+1) - P if
 * it is 0, to V_(2k+1) and V_(2k+2) = V_(k+1)^2 - 2 if it is 1. So each step yields one product, M, and one
 * square, S, whichever bit it is; only what is squared depends on it: V_k or V_(k+1). After a bit 1 these are
 * (M, S), after a 0 they are (S, M); so S is squared if the next bit is the same as the last, M if it
 * differs, and that is a bit of d ^ d >> 1. From k = 0 on, S = 2 and M = P, zeros on top of d have no effect. */

#include "montgomery.h"
#include "tables.h"

/* The parameter by way of Jacobi symbols: for the one n in 64 that the tables do not settle, which all P up
 * to LUCAS_LAST_P leave with (D | n) = 1. Answers 0 if n is seen to be composite: a square, or of a factor in
 * common with D. */
uint64_t pp_lucas_parameter_search(uint64_t n);

/* The parameter P for odd n without prime factors up to 13, or 0 if n is composite. */
static inline uint64_t lucas_parameter(uint64_t n)
{
    const struct lucas_signs *signs = &pp_lucas_signs;
    unsigned minus = signs->mod_8[n / 2 % 4] ^ signs->mod_3[n % 3] ^ signs->mod_5[n % 5] ^
                     signs->mod_7[n % 7] ^ signs->mod_11[n % 11] ^ signs->mod_13[n % 13];
    if (minus == 0) {
        return pp_lucas_parameter_search(n);
    }
    return LUCAS_FIRST_P + (uint64_t)trailing_zeros(minus);
}

/* x * y - c, all in Montgomery form: c is taken from the high word while the low word goes through the
 * multiplier. */
static inline uint64_t lucas_multiply(uint64_t x_m, uint64_t y_m, uint64_t c_m, uint64_t n, uint64_t inverse)
{
    assert(x_m < n && y_m < n);
    uint64_t low, high = wide_product(x_m, y_m, &low);
    return montgomery_reduce(subtract_mod(high, c_m, n), low, n, inverse);
}

/* 2 and P. */
struct lucas_constants {
    uint64_t two_m, p_m;
};

static inline struct lucas_constants lucas_constants_for(uint64_t p, uint64_t n)
{
    return (struct lucas_constants){montgomery_form(2, n), montgomery_form(p, n)};
}

/* S and M. */
struct lucas_pair {
    uint64_t square_m, product_m;
};

/* A step, from k to 2 * k or 2 * k + 1; `differs` tells whether its bit is not the one of the step before. */
static inline struct lucas_pair lucas_step(struct lucas_pair at, uint64_t differs,
                                           struct lucas_constants constant, uint64_t n, uint64_t inverse)
{
    uint64_t v_m = differs ? at.product_m : at.square_m;
    return (struct lucas_pair){lucas_multiply(v_m, v_m, constant.two_m, n, inverse),
                               lucas_multiply(at.product_m, at.square_m, constant.p_m, n, inverse)};
}

enum { LUCAS_FIRST_BITS = 4 };

/* How many bits of d are left for steps. */
static inline int lucas_bits(uint64_t d)
{
    int length = bit_length(d);
    return length > LUCAS_FIRST_BITS ? length - LUCAS_FIRST_BITS : 0;
}

/* Where the first LUCAS_FIRST_BITS steps from k = 0 lead, to k < 2^LUCAS_FIRST_BITS: for the usual P, the
 * values are integers from a table. */
static inline struct lucas_pair lucas_begin(uint64_t k, uint64_t p, struct lucas_constants constant,
                                            uint64_t n, uint64_t inverse)
{
    assert(k >> LUCAS_FIRST_BITS == 0);
    if (p <= LUCAS_VALUES_P) {
        const uint64_t *v = pp_lucas_values[p - LUCAS_FIRST_P];
        uint64_t v_m = montgomery_form(v[k], n), next_m = montgomery_form(v[k + 1], n);
        return k % 2 == 1 ? (struct lucas_pair){next_m, v_m} : (struct lucas_pair){v_m, next_m};
    }
    struct lucas_pair at = {constant.two_m, constant.p_m};
    for (int bit = LUCAS_FIRST_BITS - 1; bit >= 0; bit--) {
        at = lucas_step(at, (k ^ k >> 1) >> bit & 1, constant, n, inverse);
    }
    return at;
}

/* Whether (V_d, V_(d+1)) = (M, S), d being odd, is +-(2, P). */
static inline bool lucas_closes(struct lucas_pair at, struct lucas_constants constant, uint64_t n)
{
    bool plus = (at.product_m == constant.two_m) & (at.square_m == constant.p_m);
    bool minus = (at.product_m == n - constant.two_m) & (at.square_m == n - constant.p_m);
    return plus | minus;
}

#endif
