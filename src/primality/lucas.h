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
 * differs, and that is a bit of d ^ d >> 1. It begins with k = 1: M = P, S = P^2 - 2. */

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

/* A residue to be subtracted, c_m, and n - c_m. */
struct lucas_constant {
    uint64_t c_m, n_minus_c_m;
};

/* x * y - c, all in Montgomery form: c is taken from the high word while the low word goes through the
 * multiplier. */
static inline uint64_t lucas_multiply(uint64_t x_m, uint64_t y_m, struct lucas_constant c, uint64_t n,
                                      uint64_t inverse)
{
    assert(x_m < n && y_m < n);
    struct wide product = wide_product(x_m, y_m);
    product.high = subtract_constant_mod(product.high, c.c_m, c.n_minus_c_m);
    return montgomery_reduce(product, n, inverse);
}

struct lucas_constants {
    struct lucas_constant two, p;
};

static inline struct lucas_constants lucas_begin(uint64_t p, uint64_t n)
{
    uint64_t one_m = montgomery_one(n);
    uint64_t two_m = add_mod(one_m, one_m, n);
    uint64_t p_m = two_m;
    for (uint64_t i = 2; i < p; i++) {
        p_m = add_mod(p_m, one_m, n);
    }
    return (struct lucas_constants){{two_m, n - two_m}, {p_m, n - p_m}};
}

/* S and M. */
struct lucas_pair {
    uint64_t square_m, product_m;
};

static inline struct lucas_pair lucas_step(struct lucas_pair at, uint64_t differs,
                                           struct lucas_constants constant, uint64_t n, uint64_t inverse)
{
    uint64_t v_m = differs ? at.product_m : at.square_m;
    return (struct lucas_pair){lucas_multiply(v_m, v_m, constant.two, n, inverse),
                               lucas_multiply(at.product_m, at.square_m, constant.p, n, inverse)};
}

/* Whether (V_d, V_(d+1)) = (M, S), d being odd, is as a prime would have it. */
static inline bool lucas_accepts(struct lucas_pair at, struct lucas_constants constant, uint64_t n,
                                 uint64_t inverse)
{
    uint64_t v_m = at.product_m;
    bool plus = (v_m == constant.two.c_m) & (at.square_m == constant.p.c_m);
    bool minus = (v_m == constant.two.n_minus_c_m) & (at.square_m == constant.p.n_minus_c_m);
    bool zero = (v_m == 0) & (n % 4 == 3); /* s > 1 */
    if (plus | minus | zero) {
        return true;
    }
    for (int r = trailing_zeros(n + 1) - 1; r > 0; r--) {
        if (v_m == 0) {
            return true;
        }
        v_m = lucas_multiply(v_m, v_m, constant.two, n, inverse);
    }
    return false;
}

#endif
