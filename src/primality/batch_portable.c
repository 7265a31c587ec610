/* The kernel for every processor: C, with several chains of products in step.
 *
 * A modular product is three multiplications deep, and a multiplier that can begin one each cycle needs three
 * or four cycles for it; so one chain alone leaves it idle most of the time. Here CHAINS independent numbers
 * go through the same steps side by side, and the processor overlaps what does not wait for each other. All
 * arithmetic is that of montgomery.h, base2.h and lucas.h, and serves numbers of every size. */

#include "base2.h"
#include "kernel.h"
#include "lucas.h"
#include "small_factors.h"
#include "unroll.h"

enum { CHAINS = 8 };

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

/* Every chain runs as many steps as the longest; those that have fewer wait for their turn. */
static int longest(const int lengths[CHAINS])
{
    int most = 0;
    for (int c = 0; c < CHAINS; c++) {
        most = lengths[c] > most ? lengths[c] : most;
    }
    return most;
}

static int shortest(const int lengths[CHAINS])
{
    int least = 64;
    for (int c = 0; c < CHAINS; c++) {
        least = lengths[c] < least ? lengths[c] : least;
    }
    return least;
}

static uint64_t base2_chains(const uint64_t n[CHAINS])
{
    uint64_t x_m[CHAINS], inverse[CHAINS], digits[CHAINS];
    int squarings[CHAINS];
    UNROLL for (size_t c = 0; c < CHAINS; c++)
    {
        struct base2_plan plan = base2_begin(n[c], 64);
        inverse[c] = inverse_mod_2_64(n[c]);
        x_m[c] = plan.x;
        digits[c] = plan.digits;
        squarings[c] = plan.squarings;
    }
    int left = longest(squarings), all_busy = shortest(squarings);
    while (left > all_busy || left % 6 != 0) {
        UNROLL for (size_t c = 0; c < CHAINS; c++)
        {
            uint64_t next_m = base2_square(x_m[c], n[c], inverse[c]);
            if (left % 6 == 1) {
                next_m = base2_shift(next_m, digits[c] >> (left - 1) & 63, n[c], inverse[c]);
            }
            x_m[c] = left <= squarings[c] ? next_m : x_m[c];
        }
        left--;
    }
    while (left >= 6) {
        for (int i = 0; i < 6; i++) {
            UNROLL for (size_t c = 0; c < CHAINS; c++)
            {
                x_m[c] = base2_square(x_m[c], n[c], inverse[c]);
            }
        }
        left -= 6;
        UNROLL for (size_t c = 0; c < CHAINS; c++)
        {
            x_m[c] = base2_shift(x_m[c], digits[c] >> left & 63, n[c], inverse[c]);
        }
    }
    uint64_t accepted = 0;
    UNROLL for (size_t c = 0; c < CHAINS; c++)
    {
        uint64_t y = montgomery_reduce((struct wide){0, x_m[c]}, n[c], inverse[c]);
        accepted |= (uint64_t)base2_accepts(y, n[c]) << c;
    }
    return accepted;
}

/* The ladder of lucas.h for several numbers: from k = 0 on, (S, M) = (V_0, V_1) = (2, P), where the zeros
 * above the top bit of a shorter d have no effect. */
static uint64_t lucas_chains(const uint64_t n[CHAINS])
{
    uint64_t inverse[CHAINS], differs[CHAINS];
    struct lucas_constants constant[CHAINS];
    struct lucas_pair at[CHAINS];
    int lengths[CHAINS];
    uint64_t accepted = 0;
    UNROLL for (size_t c = 0; c < CHAINS; c++)
    {
        uint64_t d = (n[c] + 1) >> trailing_zeros(n[c] + 1);
        inverse[c] = inverse_mod_2_64(n[c]);
        uint64_t p = lucas_parameter(n[c]);
        accepted |= (uint64_t)(p != 0) << c;
        constant[c] = lucas_begin(p, n[c]);
        at[c] = (struct lucas_pair){constant[c].two.c_m, constant[c].p.c_m};
        differs[c] = d ^ d >> 1;
        lengths[c] = bit_length(d);
    }
    for (int bit = longest(lengths) - 1; bit >= 0; bit--) {
        UNROLL for (size_t c = 0; c < CHAINS; c++)
        {
            at[c] = lucas_step(at[c], differs[c] >> bit & 1, constant[c], n[c], inverse[c]);
        }
    }
    UNROLL for (size_t c = 0; c < CHAINS; c++)
    {
        accepted &= ~((uint64_t)!lucas_accepts(at[c], constant[c], n[c], inverse[c]) << c);
    }
    return accepted;
}

uint64_t pp_portable_base2(const uint64_t n[GROUP])
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < GROUP; i += CHAINS) {
        accepted |= base2_chains(n + i) << i;
    }
    return accepted;
}

uint64_t pp_portable_lucas(const uint64_t n[GROUP])
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < GROUP; i += CHAINS) {
        accepted |= lucas_chains(n + i) << i;
    }
    return accepted;
}

/* Below 2^32, in half words. */
static uint64_t base2_chains_32(const uint64_t n[CHAINS])
{
    uint64_t x_m[CHAINS], inverse[CHAINS], digits[CHAINS];
    int squarings[CHAINS];
    UNROLL for (size_t c = 0; c < CHAINS; c++)
    {
        struct base2_plan plan = base2_begin(n[c], 32);
        inverse[c] = inverse_mod_2_64(n[c]);
        x_m[c] = plan.x;
        digits[c] = plan.digits;
        squarings[c] = plan.squarings;
    }
    for (int i = longest(squarings), end; i > 0; i = end) {
        end = (i - 1) / 5 * 5;
        for (int j = i; j > end; j--) {
            UNROLL for (size_t c = 0; c < CHAINS; c++)
            {
                uint64_t next_m = reduce_32(x_m[c] * x_m[c], n[c], inverse[c]);
                x_m[c] = j <= squarings[c] ? next_m : x_m[c];
            }
        }
        UNROLL for (size_t c = 0; c < CHAINS; c++)
        {
            uint64_t next_m = reduce_32(x_m[c] << (31 - (digits[c] >> end & 31)), n[c], inverse[c]);
            x_m[c] = end < squarings[c] ? next_m : x_m[c];
        }
    }
    uint64_t accepted = 0;
    UNROLL for (size_t c = 0; c < CHAINS; c++)
    {
        accepted |= (uint64_t)base2_accepts(reduce_32(x_m[c], n[c], inverse[c]), n[c]) << c;
    }
    return accepted;
}

static uint64_t base2_32(const uint64_t n[GROUP])
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < GROUP; i += CHAINS) {
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
