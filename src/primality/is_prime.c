/* One number at a time.
 *
 * Numbers below 2^16 are looked up. Above, even numbers and those with small factors leave at once. Then,
 * below 2^32: a probable prime to base 2 is prime unless it is in the list of those that are not (tables.h).
 * From 2^32 on: BPSW, a probable prime test to base 2 (base2.h) and the extra strong Lucas test (lucas.h).
 *
 * Each of these two is a chain of products where one waits for the other, three multiplications deep, and the
 * multiplier stands idle for most of the time. But base 2 is one such chain and Lucas is two, and none of the
 * three waits for another: so they are computed in step, and the two tests take hardly more time than one. */

#include "proc_pool/is_prime.h"

#include "base2.h"
#include "lucas.h"
#include "small_factors.h"
#include "tables.h"

/* T / 2^32 mod n for T < n * 2^32, n < 2^32: montgomery_reduce with half the word. */
static inline uint64_t reduce_32(uint64_t t, uint64_t n, uint64_t inverse)
{
    assert(n >> 32 == 0 && t >> 32 < n);
    uint64_t multiple = (uint64_t)(uint32_t)((uint32_t)t * (uint32_t)inverse) * n >> 32;
    uint64_t high = t >> 32;
    return high < multiple ? high + n - multiple : high - multiple;
}

/* Whether n is a probable prime to base 2, for odd n with 2^16 < n < 2^32. Squares are doubled before they
 * are reduced, which keeps them below 2 * n * 2^32; taking n from the high half then brings them below n *
 * 2^32. */
static bool is_probable_prime_32(uint64_t n)
{
    assert(n >> 16 != 0 && n >> 32 == 0);
    uint64_t inverse = inverse_mod_2_64(n);
    struct base2_start start = base2_begin(n, 32);
    uint64_t x_m = start.x, n_high = n << 32;
    for (int i = start.steps - 1; i >= 0; i--) {
        uint64_t square = x_m * x_m;
        uint64_t room = n_high - square;
        uint64_t doubled = square >= room ? square - room : square + square;
        x_m = reduce_32(start.added >> i & 1 ? doubled : square, n, inverse);
    }
    return base2_accepts(reduce_32(x_m, n, inverse), n);
}

/* The state of the two tests in progress. */
struct chains {
    uint64_t x_m;                 /* base 2 */
    uint64_t square_m, product_m; /* Lucas: S and M */
};

struct lucas_constants {
    uint64_t two_m, p_m;
};

static inline void lucas_step(struct chains *at, uint64_t differs, struct lucas_constants constant,
                              uint64_t n, uint64_t inverse)
{
    uint64_t base_m = differs ? at->product_m : at->square_m;
    uint64_t product_m = lucas_multiply(at->product_m, at->square_m, constant.p_m, n, inverse);
    at->square_m = lucas_multiply(base_m, base_m, constant.two_m, n, inverse);
    at->product_m = product_m;
}

/* Whether (V_d, V_(d+1)) = (product, square), d odd, is as a prime would have it. */
static bool lucas_accepts(const struct chains *at, struct lucas_constants constant, int s, uint64_t n,
                          uint64_t inverse)
{
    uint64_t two_m = constant.two_m, p_m = constant.p_m, v_m = at->product_m;
    if (v_m == two_m || v_m == n - two_m) {
        return at->square_m == (v_m == two_m ? p_m : n - p_m);
    }
    for (int r = 0; r < s - 1; r++) {
        if (v_m == 0) {
            return true;
        }
        v_m = lucas_multiply(v_m, v_m, two_m, n, inverse);
    }
    return false;
}

static struct lucas_constants lucas_begin(uint64_t p, uint64_t n)
{
    uint64_t one_m = montgomery_one(n);
    uint64_t two_m = add_mod(one_m, one_m, n);
    uint64_t p_m = two_m;
    for (uint64_t i = 2; i < p; i++) {
        p_m = add_mod(p_m, one_m, n);
    }
    return (struct lucas_constants){two_m, p_m};
}

/* Whether n is prime, for odd n > 2^32 without prime factors up to 13. */
static bool is_prime_bpsw(uint64_t n)
{
    assert(n % 2 == 1 && n >> 32 != 0);
    uint64_t p = lucas_parameter(n);
    if (p == 0) {
        return false;
    }
    uint64_t inverse = inverse_mod_2_64(n);
    struct base2_start start = base2_begin(n, 64);
    struct lucas_constants constant = lucas_begin(p, n);
    struct chains at = {start.x, lucas_multiply(constant.p_m, constant.p_m, constant.two_m, n, inverse),
                        constant.p_m};
    int s = __builtin_ctzll(n + 1);
    uint64_t d = (n + 1) >> s;
    uint64_t differs = d ^ d >> 1;
    int i = start.steps - 1, j = bit_length(d) - 2;
    for (; i > j; i--) {
        at.x_m = base2_step(at.x_m, start.added >> i & 1, n, inverse);
    }
    for (; j > i; j--) {
        lucas_step(&at, differs >> j & 1, constant, n, inverse);
    }
    for (; i >= 0; i--) {
        at.x_m = base2_step(at.x_m, start.added >> i & 1, n, inverse);
        lucas_step(&at, differs >> i & 1, constant, n, inverse);
    }
    uint64_t y = montgomery_reduce((struct wide){0, at.x_m}, n, inverse);
    return base2_accepts(y, n) && lucas_accepts(&at, constant, s, n, inverse);
}

bool pp_is_prime(uint64_t n)
{
    if (n < SMALL_LIMIT) {
        return is_small_prime(n);
    }
    if (n % 2 == 0 || has_small_factor(n, 0, 17)) {
        return false;
    }
    if (n >> 32 == 0) {
        return is_probable_prime_32(n) && !is_listed_pseudoprime(n);
    }
    return !has_small_factor(n, 17, 34) && is_prime_bpsw(n);
}
