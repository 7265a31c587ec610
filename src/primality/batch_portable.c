/* The kernel for every processor: C, with several chains of products in step.
 *
 * A modular product is three multiplications deep, and a multiplier that can begin one each cycle needs three
 * or four cycles for it; so one chain alone leaves it idle most of the time. Here several independent
 * numbers go through the same steps side by side, and the processor overlaps what does not wait for each
 * other. All arithmetic is that of montgomery.h, base2.h and lucas.h, and serves numbers of every size. */

#include "base2.h"
#include "kernel.h"
#include "lucas.h"
#include "small_factors.h"
#include "unroll.h"

enum {
    CHAINS = 8,      /* numbers that go together in the test to base 2, */
    LUCAS_CHAINS = 4 /* and in the Lucas test, with two chains each */
};

static bool is_supported(void)
{
    return true;
}

/* Branchless: whether a number is left depends on chance, and a predictor would be wrong too often. */
size_t pp_portable_screen(const uint64_t *n, size_t count, bool *verdicts, uint8_t left[SCREENED])
{
    size_t odd = 0, some = 0, remain = 0;
    for (size_t i = 0; i < count; i++) {
        verdicts[i] = n[i] < SMALL_LIMIT && is_small_prime(n[i]);
        left[odd] = (uint8_t)i;
        odd += n[i] % 2 == 1 && n[i] >= SMALL_LIMIT;
    }
    for (size_t i = 0; i < odd; i++) {
        uint8_t at = left[i];
        left[some] = at;
        some += !has_small_factor(n[at], 0, 5);
    }
    for (size_t i = 0; i < some; i++) {
        uint8_t at = left[i];
        left[remain] = at;
        remain += !has_small_factor(n[at], 5, 34);
    }
    return remain;
}

static uint64_t base2_chains(const uint64_t n[CHAINS])
{
    uint64_t x_m[CHAINS], inverse[CHAINS], digits[CHAINS];
    int begin[CHAINS], left = 0;
    for (size_t c = 0; c < CHAINS; c++) {
        int squarings = base2_squarings(n[c], 64);
        left = squarings > left ? squarings : left;
    }
    UNROLL for (size_t c = 0; c < CHAINS; c++)
    {
        struct base2_plan plan = base2_begin(n[c], left, 64);
        inverse[c] = inverse_mod_2_64(n[c]);
        x_m[c] = plan.x;
        digits[c] = plan.digits;
        begin[c] = plan.begin;
    }
    while (left > 0) {
        for (int end = (left - 1) / 6 * 6; left > end; left--) {
            UNROLL for (size_t c = 0; c < CHAINS; c++)
            {
                x_m[c] = base2_square(x_m[c], n[c], inverse[c]);
            }
        }
        UNROLL for (size_t c = 0; c < CHAINS; c++)
        {
            uint64_t shifted_m = base2_shift(x_m[c], digits[c] >> left & 63, n[c], inverse[c]);
            x_m[c] = left < begin[c] ? shifted_m : x_m[c];
        }
    }
    uint64_t accepted = 0;
    UNROLL for (size_t c = 0; c < CHAINS; c++)
    {
        uint64_t y = montgomery_reduce(0, x_m[c], n[c], inverse[c]);
        accepted |= (uint64_t)base2_accepts(y, n[c]) << c;
    }
    return accepted;
}

/* The ladder of lucas.h for several numbers, with as many steps for each as the longest d needs. */
static uint64_t lucas_chains(const uint64_t n[LUCAS_CHAINS])
{
    uint64_t inverse[LUCAS_CHAINS], d[LUCAS_CHAINS], differs[LUCAS_CHAINS], p[LUCAS_CHAINS],
        has_parameter = 0;
    int twos[LUCAS_CHAINS], most_twos = 0, bits = 0;
    for (size_t c = 0; c < LUCAS_CHAINS; c++) {
        twos[c] = trailing_zeros(n[c] + 1);
        most_twos = twos[c] > most_twos ? twos[c] : most_twos;
        d[c] = (n[c] + 1) >> twos[c];
        bits = lucas_bits(d[c]) > bits ? lucas_bits(d[c]) : bits;
        inverse[c] = inverse_mod_2_64(n[c]);
        p[c] = lucas_parameter(n[c]);
        has_parameter |= (uint64_t)(p[c] != 0) << c;
        p[c] = p[c] != 0 ? p[c] : LUCAS_FIRST_P;
    }
    struct lucas_constants minus[LUCAS_CHAINS];
    struct lucas_pair at[LUCAS_CHAINS];
    UNROLL for (size_t c = 0; c < LUCAS_CHAINS; c++)
    {
        minus[c] = lucas_constants_for(p[c], n[c]);
        at[c] = lucas_begin(d[c] >> bits, p[c], minus[c], n[c], inverse[c]);
        differs[c] = d[c] ^ d[c] >> 1;
    }
    for (int bit = bits - 1; bit >= 0; bit--) {
        UNROLL for (size_t c = 0; c < LUCAS_CHAINS; c++)
        {
            at[c] = lucas_step(at[c], differs[c] >> bit & 1, minus[c], n[c], inverse[c]);
        }
    }
    uint64_t passed = 0;
    UNROLL for (size_t c = 0; c < LUCAS_CHAINS; c++)
    {
        passed |= (uint64_t)lucas_closes(at[c], minus[c], n[c]) << c;
    }
    for (int r = 1; r < most_twos; r++) { /* V_(d * 2^(r - 1)) = 0, r - 1 < twos - 1? */
        UNROLL for (size_t c = 0; c < LUCAS_CHAINS; c++)
        {
            uint64_t v_m = at[c].product_m;
            passed |= (uint64_t)((v_m == 0) & (r < twos[c])) << c;
            at[c].product_m = lucas_multiply(v_m, v_m, minus[c].two_m, n[c], inverse[c]);
        }
    }
    return passed & has_parameter;
}

uint64_t pp_portable_base2(const uint64_t n[GROUP], size_t count)
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < count; i += CHAINS) {
        accepted |= base2_chains(n + i) << i;
    }
    return accepted;
}

uint64_t pp_portable_lucas(const uint64_t n[GROUP], size_t count)
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < count; i += LUCAS_CHAINS) {
        accepted |= lucas_chains(n + i) << i;
    }
    return accepted;
}

/* Below 2^32, in half words. */
static uint64_t base2_chains_32(const uint64_t n[CHAINS])
{
    uint64_t x_m[CHAINS], inverse[CHAINS], digits[CHAINS];
    int begin[CHAINS], left = 0;
    for (size_t c = 0; c < CHAINS; c++) {
        int squarings = base2_squarings(n[c], 32);
        left = squarings > left ? squarings : left;
    }
    UNROLL for (size_t c = 0; c < CHAINS; c++)
    {
        struct base2_plan plan = base2_begin(n[c], left, 32);
        inverse[c] = inverse_mod_2_64(n[c]);
        x_m[c] = plan.x;
        digits[c] = plan.digits;
        begin[c] = plan.begin;
    }
    while (left > 0) {
        for (int end = (left - 1) / 5 * 5; left > end; left--) {
            UNROLL for (size_t c = 0; c < CHAINS; c++)
            {
                x_m[c] = reduce_32(x_m[c] * x_m[c], n[c], inverse[c]);
            }
        }
        UNROLL for (size_t c = 0; c < CHAINS; c++)
        {
            uint64_t shifted_m = reduce_32(x_m[c] << (31 - (digits[c] >> left & 31)), n[c], inverse[c]);
            x_m[c] = left < begin[c] ? shifted_m : x_m[c];
        }
    }
    uint64_t accepted = 0;
    UNROLL for (size_t c = 0; c < CHAINS; c++)
    {
        accepted |= (uint64_t)base2_accepts(reduce_32(x_m[c], n[c], inverse[c]), n[c]) << c;
    }
    return accepted;
}

static uint64_t base2_32(const uint64_t n[GROUP], size_t count)
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < count; i += CHAINS) {
        accepted |= base2_chains_32(n + i) << i;
    }
    return accepted;
}

const struct kernel pp_kernel_portable = {
    .name = "portable",
    .is_supported = is_supported,
    .screen = pp_portable_screen,
    .classes = {{UINT32_MAX, base2_32, NULL}, {UINT64_MAX, pp_portable_base2, pp_portable_lucas}},
};
