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
#include "unroll.h"

/* Whether n is a probable prime to base 2, for odd n with 2^16 < n < 2^32. */
static bool is_probable_prime_32(uint64_t n)
{
    assert(n >> 16 != 0 && n >> 32 == 0);
    uint64_t inverse = inverse_mod_2_64(n);
    int squarings = base2_squarings(n, 32);
    struct base2_plan plan = base2_begin(n, squarings, 32);
    uint64_t x_m = plan.x;
    for (int i = squarings, end; i > 0; i = end) {
        end = (i - 1) / 5 * 5;
        for (int j = i; j > end; j--) {
            x_m = reduce_32(x_m * x_m, n, inverse);
        }
        x_m = reduce_32(x_m << (31 - (plan.digits >> end & 31)), n, inverse);
    }
    return base2_accepts(reduce_32(x_m, n, inverse), n);
}

/* Whether the extra strong test ends well, with V_d and V_(d+1) in `at` and n + 1 = d * 2^twos. */
static bool is_lucas_end(struct lucas_pair at, int twos, struct lucas_constants minus, uint64_t n,
                         uint64_t inverse)
{
    if (lucas_closes(at, minus, n)) {
        return true;
    }
    uint64_t v_m = at.product_m;
    for (int r = 1; r < twos; r++) { /* V_(d * 2^(r - 1)) = 0, r - 1 < twos - 1? */
        if (v_m == 0) {
            return true;
        }
        v_m = lucas_multiply(v_m, v_m, minus.two_m, n, inverse);
    }
    return false;
}

/* Whether n is prime, for odd n > 2^32 without prime factors up to 13. Each test first goes alone to where
 * whole windows of base 2 are left and as many bits of d; the processor overlaps these two stretches by
 * itself. */
static bool is_prime_bpsw(uint64_t n)
{
    assert(n % 2 == 1 && n >> 32 != 0);
    uint64_t p = lucas_parameter(n);
    if (p == 0) {
        return false;
    }
    uint64_t inverse = inverse_mod_2_64(n), d = (n + 1) >> trailing_zeros(n + 1);
    int left = base2_squarings(n, 64), bits = lucas_bits(d);
    struct base2_plan plan = base2_begin(n, left, 64);
    uint64_t x_m = plan.x;
    while (left % 6 != 0 || left > bits) {
        left--;
        x_m = base2_square(x_m, n, inverse);
        if (left % 6 == 0) {
            x_m = base2_shift(x_m, plan.digits >> left & 63, n, inverse);
        }
    }
    struct lucas_constants minus = lucas_constants_for(p, n);
    struct lucas_pair at = lucas_begin(d >> bits, p, minus, n, inverse);
    uint64_t differs = bits == 0 ? 0 : (d ^ d >> 1) << (64 - bits); /* the next bit on top */
    for (; bits > left; bits--, differs <<= 1) {
        at = lucas_step(at, differs >> 63, minus, n, inverse);
    }
    while (left >= 6) {
        left -= 6;
        UNROLL for (int step = 0; step < 6; step++)
        {
            x_m = base2_square(x_m, n, inverse);
            at = lucas_step(at, differs >> 63, minus, n, inverse);
            differs <<= 1;
        }
        x_m = base2_shift(x_m, plan.digits >> left & 63, n, inverse);
    }
    uint64_t y = montgomery_reduce(0, x_m, n, inverse);
    return base2_accepts(y, n) && is_lucas_end(at, trailing_zeros(n + 1), minus, n, inverse);
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
    return !has_small_factor(n, 17, SMALL_FACTORS) && is_prime_bpsw(n);
}
