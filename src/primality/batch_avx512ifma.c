/* The kernel for processors with AVX-512 IFMA: eight numbers in a vector, several vectors in flight.
 *
 * The instructions at hand multiply the low 52 bits of two lanes and add the low or the high 52 bits of the
 * product to a third; another one gives the low 64 bits of a product. A processor does one or two of either
 * kind a cycle, with a latency of three or four. So what counts is how many there are, and that as many
 * vectors are in flight as hide the latency.
 *
 * Wide numbers, from 2^50 on. R = 2^104, two digits of 52 bits. A residue is one lane of 64 bits, x = x0 +
 * 2^52 * x1, and needs no masking, as the instructions read only the low 52 bits of x. The product T = c0 +
 * 2^52 * c1 + 2^104 * c2 is reduced digit by digit with the inverse of n mod 2^52:
 *
 *     m0 = c0 * inverse mod 2^52      t1 = c1 - floor(m0 * n / 2^52)         = (T - m0 * n) / 2^52 without c2
 *     m1 = t1 * inverse mod 2^52      r = c2 + floor(t1 / 2^52) - floor(m1 * n / 2^52)
 *
 * exactly: c0 and m0 * n end in the same digit, and so do t1 and m1 * n, so nothing is borrowed from there.
 * With n = n0 + 2^52 * n1, floor(m * n / 2^52) is high(m * n0) + m * n1, less than n: one instruction of each
 * kind. Hence eleven multiplications a squaring, thirteen a product, and hardly anything else.
 *
 * The price is that t1 has to fit into a lane. It lies between -n and 4 * 2^52: so c1 begins with 2043 *
 * 2^52, which is taken off again from floor(t1 / 2^52), and n must be at most 2^64 - 5 * 2^52. The numbers
 * above, one in eight hundred, are left to the portable code.
 *
 * R being 2^40 times as large as n, T / R is small: below 2^38 even for x < 2^71. So r + n, with r above -n,
 * is positive and below 2^64, and no comparison is needed; and a residue may be shifted by seven bits before
 * it is squared. Base 2 squares three times, then takes three bits of the exponent by one shift.
 *
 * What a ladder subtracts costs nothing either: a residue added to c1 and c2 before they are summed, times R
 * / 2^52.
 *
 * Narrow numbers, below 2^50. R = 2^52, one digit: r = high(x * y) - high(m * n) + n with m = low(x * y) *
 * inverse. For x, y < 2n it is below 2n again, since 4 * n < R. */

#include "kernel.h"

#ifdef PP_HAVE_X86_KERNELS

#include "base2.h"
#include "lucas.h"
#include "small_factors.h"
#include "tables.h"
#include "unroll.h"

#include <immintrin.h>

#define TARGET      \
    __attribute__(( \
        target("avx512f,avx512dq,avx512cd,avx512bw,avx512vl,avx512ifma,avx512vbmi2,lzcnt,bmi,bmi2,popcnt")))
#define INLINE TARGET static inline __attribute__((always_inline))

typedef __m512i lanes; /* eight numbers of 64 bits */
typedef __mmask8 flags;

enum { LANES = 8 };

static bool is_supported(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma") &&
           __builtin_cpu_supports("avx512vbmi2");
}

/* --- what both sizes need */

INLINE lanes all(uint64_t value)
{
    return _mm512_set1_epi64((long long)value);
}

INLINE lanes low(lanes sum, lanes a, lanes b)
{
    return _mm512_madd52lo_epu64(sum, a, b);
}

INLINE lanes high(lanes sum, lanes a, lanes b)
{
    return _mm512_madd52hi_epu64(sum, a, b);
}

INLINE lanes zero(void)
{
    return _mm512_setzero_si512();
}

/* n^-1 mod 2^64, as montgomery.h has it. */
INLINE lanes inverse_of(lanes n)
{
    lanes inverse = _mm512_xor_si512(_mm512_add_epi64(_mm512_add_epi64(n, n), n), all(2));
    for (int bits = 5; bits < 64; bits *= 2) {
        inverse = _mm512_mullo_epi64(inverse, _mm512_sub_epi64(all(2), _mm512_mullo_epi64(n, inverse)));
    }
    return inverse;
}

INLINE lanes bit_lengths(lanes n)
{
    return _mm512_sub_epi64(all(64), _mm512_lzcnt_epi64(n));
}

/* a + b mod n for a, b < n. */
INLINE lanes add_mod_n(lanes a, lanes b, lanes n)
{
    lanes room = _mm512_sub_epi64(n, b);
    lanes difference = _mm512_sub_epi64(a, room);
    return _mm512_mask_add_epi64(difference, _mm512_cmplt_epu64_mask(a, room), difference, n);
}

/* The one of x and x - n that is below n, for x < 2n. */
INLINE lanes canonical(lanes x, lanes n)
{
    return _mm512_min_epu64(x, _mm512_sub_epi64(x, n));
}

/* The exponent of Plumb's test (base2.h) and its plan for R = 2^w: x = 2^(w - u), `added` = u * 2^squarings -
 * e; after each squaring a bit of `added`, from the top, doubles x. For n >= 2^16 and w = 52 or 104, u
 * between w / 2 and w. */
struct plan {
    lanes x, added, squarings;
};

INLINE struct plan plan_base2(lanes n, uint64_t w)
{
    const uint64_t window = w == 104 ? 7 : 6; /* w lies between 2^(window - 1) and 2^window */
    flags one_mod_8 = _mm512_cmpeq_epi64_mask(_mm512_and_si512(n, all(7)), all(1));
    lanes e = _mm512_srlv_epi64(n, _mm512_mask_blend_epi64(one_mod_8, all(1), all(2)));
    lanes squarings = _mm512_sub_epi64(bit_lengths(e), all(window));
    flags too_much = _mm512_cmpge_epu64_mask(_mm512_srlv_epi64(e, squarings), all(w));
    squarings = _mm512_mask_add_epi64(squarings, too_much, squarings, all(1));
    lanes up = _mm512_sub_epi64(_mm512_sllv_epi64(all(1), squarings), all(1));
    lanes u = _mm512_srlv_epi64(_mm512_add_epi64(e, up), squarings);
    lanes x = _mm512_sllv_epi64(all(1), _mm512_sub_epi64(all(w), u));
    return (struct plan){x, _mm512_sub_epi64(_mm512_sllv_epi64(u, squarings), e), squarings};
}

/* Whether y = 2^e or 2^-e mod n is what base2.h asks for. */
INLINE flags accepts_base2(lanes y, lanes n)
{
    lanes residue_bit = _mm512_sllv_epi64(all(1), _mm512_and_si512(n, all(7)));
    flags one =
        _mm512_mask_cmpeq_epi64_mask(_mm512_test_epi64_mask(residue_bit, all(1 << 1 | 1 << 7)), y, all(1));
    flags minus_one = _mm512_mask_cmpeq_epi64_mask(
        _mm512_test_epi64_mask(residue_bit, all(1 << 1 | 1 << 3 | 1 << 5)), y, _mm512_sub_epi64(n, all(1)));
    return (flags)(one | minus_one);
}

struct modulus {
    lanes n, top, inverse; /* top is n1 */
};

INLINE lanes top_digit(lanes x)
{
    return _mm512_srli_epi64(x, 52);
}

INLINE struct modulus modulus_of(lanes n)
{
    return (struct modulus){n, top_digit(n), inverse_of(n)};
}

/* --- wide numbers */

#define BIAS UINT64_C(2043) /* in c1, as a multiple of 2^52; to be taken off c2 */

/* floor(m * n / 2^52) for m < 2^52. */
INLINE lanes multiple_of_n(lanes m, const struct modulus *modulus)
{
    return high(_mm512_mullo_epi64(m, modulus->top), m, modulus->n);
}

/* (c0 + 2^52 * c1 + 2^104 * c2) / R mod n. c1 is a sum that began with BIAS * 2^52, c2 one that began with n
 * - BIAS. */
INLINE lanes wide_reduce(lanes c0, lanes c1, lanes c2, const struct modulus *modulus)
{
    lanes m0 = low(zero(), c0, modulus->inverse);
    lanes t1 = _mm512_sub_epi64(c1, multiple_of_n(m0, modulus));
    lanes m1 = low(zero(), t1, modulus->inverse);
    return _mm512_sub_epi64(_mm512_add_epi64(c2, _mm512_srai_epi64(t1, 52)), multiple_of_n(m1, modulus));
}

/* What the sums begin with. A residue c = c0 + 2^52 * c1 put in there as well is added to the product for
 * nothing: it makes (T + 2^52 * c) / R out of T / R. */
struct start {
    lanes c1, c2;
};

INLINE struct start start_with(lanes c, lanes n)
{
    lanes c0 = _mm512_and_si512(c, all((UINT64_C(1) << 52) - 1));
    return (struct start){_mm512_add_epi64(c0, all(BIAS << 52)),
                          _mm512_add_epi64(top_digit(c), _mm512_sub_epi64(n, all(BIAS)))};
}

/* (x0 + 2^52 * x1)^2 / R. */
INLINE lanes wide_square_digits(lanes x0, lanes x1, struct start start, const struct modulus *modulus)
{
    lanes twice_x1 = _mm512_add_epi64(x1, x1);
    lanes c0 = low(zero(), x0, x0);
    lanes c1 = low(high(start.c1, x0, x0), x0, twice_x1);
    lanes c2 = low(high(start.c2, x0, twice_x1), x1, x1);
    return wide_reduce(c0, c1, c2, modulus);
}

INLINE lanes wide_square(lanes x, struct start start, const struct modulus *modulus)
{
    return wide_square_digits(x, top_digit(x), start, modulus);
}

INLINE lanes wide_multiply(lanes x, lanes y, struct start start, const struct modulus *modulus)
{
    lanes x1 = top_digit(x), y1 = top_digit(y);
    lanes c0 = low(zero(), x, y);
    lanes c1 = low(low(high(start.c1, x, y), x, y1), x1, y);
    lanes c2 = low(high(high(start.c2, x, y1), x1, y), x1, y1);
    return wide_reduce(c0, c1, c2, modulus);
}

/* Takes the bits left, ..., left + 2 of `added`: a residue x0 becomes x0 * 2^bits in two digits. */
INLINE void take_three_bits(lanes *x0, lanes *x1, lanes added, uint64_t left)
{
    lanes bits = _mm512_and_si512(_mm512_srl_epi64(added, _mm_cvtsi64_si128((long long)left)), all(7));
    *x1 = _mm512_srlv_epi64(*x0, _mm512_sub_epi64(all(52), bits));
    *x0 = _mm512_sllv_epi64(*x0, bits);
}

enum { WIDE_VECTORS = 8, WIDE_NUMBERS = 8 * LANES };

INLINE uint64_t wide_base2_vectors(const uint64_t *numbers)
{
    struct modulus modulus[WIDE_VECTORS];
    struct plan plan[WIDE_VECTORS];
    struct start start[WIDE_VECTORS];
    lanes x0[WIDE_VECTORS], x1[WIDE_VECTORS], most = zero(), least = all(64);
    UNROLL for (size_t v = 0; v < WIDE_VECTORS; v++)
    {
        lanes n = _mm512_loadu_si512(numbers + LANES * v);
        modulus[v] = modulus_of(n);
        plan[v] = plan_base2(n, 104);
        start[v] = start_with(zero(), n);
        x0[v] = plan[v].x;
        x1[v] = top_digit(x0[v]);
        most = _mm512_max_epu64(most, plan[v].squarings);
        least = _mm512_min_epu64(least, plan[v].squarings);
    }
    uint64_t left = _mm512_reduce_max_epu64(most), all_busy = _mm512_reduce_min_epu64(least);
    while (left > all_busy || left % 3 != 0) {
        UNROLL for (size_t v = 0; v < WIDE_VECTORS; v++)
        {
            flags busy = _mm512_cmpge_epu64_mask(plan[v].squarings, all(left));
            lanes square = wide_square_digits(x0[v], x1[v], start[v], &modulus[v]);
            x0[v] = _mm512_mask_mov_epi64(x0[v], busy, square);
            x1[v] = top_digit(x0[v]);
        }
        left--;
        if (left % 3 == 0) {
            UNROLL for (size_t v = 0; v < WIDE_VECTORS; v++)
            {
                take_three_bits(&x0[v], &x1[v], plan[v].added, left);
            }
        }
    }
    while (left > 0) {
        UNROLL for (size_t v = 0; v < WIDE_VECTORS; v++)
        {
            x0[v] = wide_square_digits(x0[v], x1[v], start[v], &modulus[v]);
        }
        UNROLL for (size_t v = 0; v < WIDE_VECTORS; v++)
        {
            x0[v] = wide_square(x0[v], start[v], &modulus[v]);
        }
        left -= 3;
        UNROLL for (size_t v = 0; v < WIDE_VECTORS; v++)
        {
            x0[v] = wide_square(x0[v], start[v], &modulus[v]);
            take_three_bits(&x0[v], &x1[v], plan[v].added, left);
        }
    }
    uint64_t accepted = 0;
    UNROLL for (size_t v = 0; v < WIDE_VECTORS; v++)
    {
        lanes y = wide_reduce(x0[v], _mm512_add_epi64(x1[v], start[v].c1), start[v].c2, &modulus[v]);
        accepted |= (uint64_t)accepts_base2(y, modulus[v].n) << LANES * v;
    }
    return accepted;
}

TARGET static uint64_t wide_base2(const uint64_t numbers[GROUP], size_t count)
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < count; i += WIDE_NUMBERS) {
        accepted |= wide_base2_vectors(numbers + i) << i;
    }
    return accepted;
}

/* floor(x / n), or less by up to 2^-49 of itself, given 1 / n. */
INLINE lanes quotient_by(__m512d reciprocal, lanes x, double scale)
{
    __m512d less = _mm512_mul_pd(reciprocal, _mm512_set1_pd(scale * (1 - 0x1p-50)));
    return _mm512_cvttpd_epu64(_mm512_mul_pd(_mm512_cvtepu64_pd(x), less));
}

INLINE __m512d reciprocal_of(lanes n)
{
    return _mm512_div_pd(_mm512_set1_pd(1), _mm512_cvtepu64_pd(n));
}

/* x * c mod n for x < n, c < 2^39, n <= 2^64 - 5 * 2^52: the quotient is below 2^39, so it is too small by at
 * most 1 + 2^-10, and the remainder, below n + 2^54, has its place in 64 bits. */
INLINE lanes times(lanes x, lanes c, lanes n, __m512d reciprocal)
{
    lanes quotient =
        _mm512_cvttpd_epu64(_mm512_mul_pd(_mm512_mul_pd(_mm512_cvtepu64_pd(x), _mm512_cvtepu64_pd(c)),
                                          _mm512_mul_pd(reciprocal, _mm512_set1_pd(1 - 0x1p-50))));
    lanes product = _mm512_mullo_epi64(x, c);
    return canonical(_mm512_sub_epi64(product, _mm512_mullo_epi64(quotient, n)), n);
}

/* 2^104 mod n. The quotient is less than 2^54. Rounded three times and made less by 2^-51 of itself, it is
 * too small by at most 7 / 4 * 2^-51, which leaves a remainder below n + 2^54 < 2^64; a second quotient, at
 * most 17, does the rest. */
INLINE lanes wide_one(lanes n)
{
    __m512d ratio = _mm512_div_pd(_mm512_set1_pd(0x1p104), _mm512_cvtepu64_pd(n));
    lanes quotient = _mm512_cvttpd_epu64(_mm512_mul_pd(ratio, _mm512_set1_pd(1 - 0x1p-51)));
    lanes rest = _mm512_sub_epi64(zero(), _mm512_mullo_epi64(quotient, n));
    quotient = quotient_by(reciprocal_of(n), rest, 1);
    return canonical(_mm512_sub_epi64(rest, _mm512_mullo_epi64(quotient, n)), n);
}

/* So that products come out less by the residue c_m = c * R: with -c * R * 2^52 put in, (T - c * R^2) / R. */
INLINE struct start wide_minus(lanes c_m, lanes n, __m512d reciprocal)
{
    lanes half = all(UINT64_C(1) << 26);
    return start_with(_mm512_sub_epi64(n, times(times(c_m, half, n, reciprocal), half, n, reciprocal)), n);
}

/* --- narrow numbers */

INLINE lanes narrow_reduce(lanes c0, lanes c1, const struct modulus *modulus)
{
    lanes m = low(zero(), c0, modulus->inverse);
    return _mm512_sub_epi64(c1, high(zero(), m, modulus->n));
}

/* The one of x and x - 2n that is not negative and below 2n, for x < 4n. */
INLINE lanes below_2n(lanes x, lanes n)
{
    return _mm512_min_epu64(x, _mm512_sub_epi64(x, _mm512_add_epi64(n, n)));
}

enum { NARROW_VECTORS = 8, NARROW_NUMBERS = 8 * LANES };

INLINE uint64_t narrow_base2_vectors(const uint64_t *numbers)
{
    struct modulus modulus[NARROW_VECTORS];
    struct plan plan[NARROW_VECTORS];
    lanes x[NARROW_VECTORS], most = zero();
    UNROLL for (size_t v = 0; v < NARROW_VECTORS; v++)
    {
        lanes n = _mm512_loadu_si512(numbers + LANES * v);
        modulus[v] = modulus_of(n);
        plan[v] = plan_base2(n, 52);
        x[v] = plan[v].x;
        most = _mm512_max_epu64(most, plan[v].squarings);
    }
    for (uint64_t left = _mm512_reduce_max_epu64(most); left > 0; left--) {
        lanes bit = all(UINT64_C(1) << (left - 1));
        UNROLL for (size_t v = 0; v < NARROW_VECTORS; v++)
        {
            lanes square =
                narrow_reduce(low(zero(), x[v], x[v]), high(modulus[v].n, x[v], x[v]), &modulus[v]);
            flags busy = _mm512_cmpge_epu64_mask(plan[v].squarings, all(left));
            flags doubled = _mm512_test_epi64_mask(plan[v].added, bit);
            square = _mm512_mask_add_epi64(square, doubled, square, square);
            x[v] = _mm512_mask_mov_epi64(x[v], busy, below_2n(square, modulus[v].n));
        }
    }
    uint64_t accepted = 0;
    UNROLL for (size_t v = 0; v < NARROW_VECTORS; v++)
    {
        lanes y = narrow_reduce(x[v], modulus[v].n, &modulus[v]);
        accepted |= (uint64_t)accepts_base2(y, modulus[v].n) << LANES * v;
    }
    return accepted;
}

TARGET static uint64_t narrow_base2(const uint64_t numbers[GROUP], size_t count)
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < count; i += NARROW_NUMBERS) {
        accepted |= narrow_base2_vectors(numbers + i) << i;
    }
    return accepted;
}

INLINE lanes narrow_multiply(lanes x, lanes y, struct start start, const struct modulus *modulus)
{
    return below_2n(narrow_reduce(low(zero(), x, y), high(start.c1, x, y), modulus), modulus->n);
}

INLINE lanes narrow_square(lanes x, struct start start, const struct modulus *modulus)
{
    return narrow_multiply(x, x, start, modulus);
}

/* What the high digit begins with for products less c, c < n. */
INLINE struct start narrow_minus(lanes c, lanes n, __m512d reciprocal)
{
    (void)reciprocal;
    return (struct start){_mm512_sub_epi64(_mm512_add_epi64(n, n), c), zero()};
}

/* 2^52 mod n, for 2^32 < n < 2^50. The quotient is below 2^20; if it was rounded up to an integer that it
 * does not reach, it misses it by less than 2^-33, and n times that is less than 1, so nothing. */
INLINE lanes narrow_one(lanes n)
{
    lanes quotient = _mm512_cvttpd_epu64(_mm512_div_pd(_mm512_set1_pd(0x1p52), _mm512_cvtepu64_pd(n)));
    return _mm512_sub_epi64(all(UINT64_C(1) << 52), _mm512_mullo_epi64(quotient, n));
}

/* --- Lucas, for both */

/* x mod q for x < 2^27, q <= 13: the reciprocal is too large by less than 2^-52, the product so by less than
 * 2^-25. */
INLINE lanes remainder_of(lanes x, uint64_t q)
{
    lanes quotient = high(zero(), x, all((UINT64_C(1) << 52) / q + 1));
    return _mm512_sub_epi64(x, low(zero(), quotient, all(q)));
}

/* row[index], for index < count in each lane; row[0] is 0, and so are the upper parts of index. */
INLINE lanes look_up(const uint16_t *row, uint32_t count, lanes index)
{
    return _mm512_permutexvar_epi16(index, _mm512_maskz_loadu_epi16((1U << count) - 1, row));
}

/* lucas_parameter of lucas.h. All residues come from one, modulo 3 * 5 * 7 * 11 * 13, that is not quite
 * reduced: x is n but for a multiple of that, less than 3 * 15015 for its low digit and less than 4096 *
 * 15015 for its high one. */
INLINE lanes lucas_parameters(lanes n)
{
    const struct lucas_signs *signs = &pp_lucas_signs;
    const uint64_t primes = UINT64_C(3) * 5 * 7 * 11 * 13, radix = UINT64_C(1) << 52;
    lanes quotient = high(zero(), n, all(radix / primes));
    lanes x = _mm512_sub_epi64(_mm512_and_si512(n, all(radix - 1)), low(zero(), quotient, all(primes)));
    x = low(x, top_digit(n), all(radix % primes));
    lanes minus = look_up(signs->mod_8, 4, _mm512_and_si512(_mm512_srli_epi64(n, 1), all(3)));
    minus = _mm512_xor_si512(minus, look_up(signs->mod_3, 3, remainder_of(x, 3)));
    minus = _mm512_xor_si512(minus, look_up(signs->mod_5, 5, remainder_of(x, 5)));
    minus = _mm512_xor_si512(minus, look_up(signs->mod_7, 7, remainder_of(x, 7)));
    minus = _mm512_xor_si512(minus, look_up(signs->mod_11, 11, remainder_of(x, 11)));
    minus = _mm512_xor_si512(minus, look_up(signs->mod_13, 13, remainder_of(x, 13)));
    lanes lowest = _mm512_and_si512(minus, _mm512_sub_epi64(zero(), minus));
    lanes p = _mm512_add_epi64(bit_lengths(lowest), all(LUCAS_FIRST_P - 1));
    flags none = _mm512_cmpeq_epi64_mask(minus, zero());
    if (none != 0) {
        uint64_t number[LANES], parameter[LANES];
        _mm512_storeu_si512(number, n);
        _mm512_storeu_si512(parameter, p);
        for (size_t i = 0; i < LANES; i++) {
            if (none >> i & 1) {
                parameter[i] = pp_lucas_parameter_search(number[i]);
            }
        }
        p = _mm512_loadu_si512(parameter);
    }
    return p;
}

INLINE flags are(lanes residue, lanes value, lanes n)
{
    return _mm512_cmpeq_epi64_mask(canonical(residue, n), value);
}

enum {
    LUCAS_VECTORS = 4, /* with two chains each */
    LUCAS_NUMBERS = LUCAS_VECTORS * LANES,
    LUCAS_INTEGER_STEPS = 2,
    LUCAS_INTEGER_P = 861 /* 861^4 < 2^39 */
};

/* The first steps of the ladder in plain integers: their values are below P^4. */
INLINE void integer_steps(lanes *square, lanes *product, lanes p, lanes differs, uint64_t bits)
{
    *square = all(2);
    *product = p;
    for (int step = 0; step < LUCAS_INTEGER_STEPS; step++) {
        flags differ = _mm512_test_epi64_mask(differs, all(UINT64_C(1) << --bits));
        lanes x = _mm512_mask_mov_epi64(*square, differ, *product);
        *product = _mm512_sub_epi64(_mm512_mullo_epi64(*product, *square), p);
        *square = _mm512_sub_epi64(_mm512_mullo_epi64(x, x), all(2));
    }
}

/* The ladder of lucas.h from k = 0 on, (S, M) = (2, P): the zeros above the top bit of a shorter d have no
 * effect. Products are below 2n; `minus` says how much is taken off them. Answers false, and has done
 * nothing, if a parameter is too large for the first steps: hardly ever. */
INLINE bool lucas_vectors(const uint64_t *numbers, uint64_t *primes, lanes (*one_of)(lanes),
                          struct start (*minus_of)(lanes, lanes, __m512d),
                          lanes (*square_of)(lanes, struct start, const struct modulus *),
                          lanes (*product_of)(lanes, lanes, struct start, const struct modulus *))
{
    struct modulus modulus[LUCAS_VECTORS];
    struct start minus_two[LUCAS_VECTORS], minus_p[LUCAS_VECTORS];
    lanes two[LUCAS_VECTORS], p[LUCAS_VECTORS];
    lanes square[LUCAS_VECTORS], product[LUCAS_VECTORS], differs[LUCAS_VECTORS], twos[LUCAS_VECTORS];
    flags accepted[LUCAS_VECTORS];
    uint64_t longest = LUCAS_INTEGER_STEPS, most_twos = 0;
    UNROLL for (size_t v = 0; v < LUCAS_VECTORS; v++)
    {
        lanes n = _mm512_loadu_si512(numbers + LANES * v), next = _mm512_add_epi64(n, all(1));
        lanes lowest_bit = _mm512_and_si512(next, _mm512_sub_epi64(zero(), next));
        twos[v] = _mm512_sub_epi64(bit_lengths(lowest_bit), all(1));
        lanes d = _mm512_srlv_epi64(next, twos[v]);
        differs[v] = _mm512_xor_si512(d, _mm512_srli_epi64(d, 1));
        uint64_t bits = _mm512_reduce_max_epu64(bit_lengths(d)), most = _mm512_reduce_max_epu64(twos[v]);
        longest = bits > longest ? bits : longest;
        most_twos = most > most_twos ? most : most_twos;
    }
    UNROLL for (size_t v = 0; v < LUCAS_VECTORS; v++)
    {
        lanes n = _mm512_loadu_si512(numbers + LANES * v), parameter = lucas_parameters(n), one = one_of(n);
        if (_mm512_cmpgt_epu64_mask(parameter, all(LUCAS_INTEGER_P)) != 0) {
            return false;
        }
        __m512d reciprocal = reciprocal_of(n);
        modulus[v] = modulus_of(n);
        two[v] = add_mod_n(one, one, n);
        p[v] = times(one, parameter, n, reciprocal);
        minus_two[v] = minus_of(two[v], n, reciprocal);
        minus_p[v] = minus_of(p[v], n, reciprocal);
        integer_steps(&square[v], &product[v], parameter, differs[v], longest);
        square[v] = times(one, square[v], n, reciprocal);
        product[v] = times(one, product[v], n, reciprocal);
        accepted[v] = _mm512_cmpneq_epi64_mask(parameter, zero());
    }
    for (uint64_t bit = UINT64_C(1) << (longest - LUCAS_INTEGER_STEPS) >> 1; bit != 0; bit >>= 1) {
        UNROLL for (size_t v = 0; v < LUCAS_VECTORS; v++)
        {
            lanes x =
                _mm512_mask_mov_epi64(square[v], _mm512_test_epi64_mask(differs[v], all(bit)), product[v]);
            product[v] = product_of(product[v], square[v], minus_p[v], &modulus[v]);
            square[v] = square_of(x, minus_two[v], &modulus[v]);
        }
    }
    flags passed[LUCAS_VECTORS];
    UNROLL for (size_t v = 0; v < LUCAS_VECTORS; v++)
    { /* (V_d, V_(d+1)) = +-(2, P)? */
        lanes n = modulus[v].n, minus_2 = _mm512_sub_epi64(n, two[v]), minus_p_1 = _mm512_sub_epi64(n, p[v]);
        passed[v] = (flags)((are(product[v], two[v], n) & are(square[v], p[v], n)) |
                            (are(product[v], minus_2, n) & are(square[v], minus_p_1, n)));
    }
    for (uint64_t r = 1; r < most_twos; r++) { /* V_(d * 2^(r - 1)) = 0, r - 1 < s - 1? */
        UNROLL for (size_t v = 0; v < LUCAS_VECTORS; v++)
        {
            flags waiting = (flags)(~passed[v] & _mm512_cmpgt_epu64_mask(twos[v], all(r)));
            if (waiting != 0) {
                passed[v] |= (flags)(waiting & are(product[v], zero(), modulus[v].n));
                product[v] = square_of(product[v], minus_two[v], &modulus[v]);
            }
        }
    }
    uint64_t result = 0;
    UNROLL for (size_t v = 0; v < LUCAS_VECTORS; v++)
    {
        result |= (uint64_t)(accepted[v] & passed[v]) << LANES * v;
    }
    *primes = result;
    return true;
}

TARGET static uint64_t wide_lucas(const uint64_t numbers[GROUP], size_t count)
{
    uint64_t accepted = 0, primes;
    for (size_t i = 0; i < count; i += LUCAS_NUMBERS) {
        if (!lucas_vectors(numbers + i, &primes, wide_one, wide_minus, wide_square, wide_multiply)) {
            return pp_portable_lucas(numbers, count);
        }
        accepted |= primes << i;
    }
    return accepted;
}

TARGET static uint64_t narrow_lucas(const uint64_t numbers[GROUP], size_t count)
{
    uint64_t accepted = 0, primes;
    for (size_t i = 0; i < count; i += LUCAS_NUMBERS) {
        if (!lucas_vectors(numbers + i, &primes, narrow_one, narrow_minus, narrow_square, narrow_multiply)) {
            return pp_portable_lucas(numbers, count);
        }
        accepted |= primes << i;
    }
    return accepted;
}

/* --- screening */

/* Keeps those of count numbers, and their positions, that none of small_factors[first], ..., [last - 1]
 * divides, in place; what is behind them up to a multiple of eight is overwritten. Answers how many there
 * are. */
INLINE size_t sift(uint64_t *n, uint8_t *at, size_t count, size_t first, size_t last)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i += LANES) {
        lanes number = _mm512_loadu_si512(n + i);
        flags divided = 0;
        for (size_t p = first; p < last; p++) {
            lanes quotient = _mm512_mullo_epi64(number, all(small_factors[p].inverse));
            divided |= _mm512_cmple_epu64_mask(quotient, all(small_factors[p].limit));
        }
        flags keep = (flags)~divided;
        if (count - i < LANES) {
            keep &= (flags)((1U << (count - i)) - 1);
        }
        __m128i place = _mm_loadl_epi64((const __m128i *)(const void *)(at + i));
        _mm512_storeu_si512(n + kept, _mm512_maskz_compress_epi64(keep, number));
        _mm_storel_epi64((__m128i *)(void *)(at + kept), _mm_maskz_compress_epi8(keep, place));
        kept += (size_t)__builtin_popcount(keep);
    }
    return kept;
}

TARGET static size_t screen(const uint64_t *n, size_t count, bool *verdicts, uint8_t left[SCREENED])
{
    uint64_t number[SCREENED + LANES];
    uint8_t at[SCREENED + LANES];
    size_t remain = 0;
    for (size_t i = 0; i < count; i += LANES) {
        flags there = (flags)(count - i < LANES ? (1U << (count - i)) - 1 : 0xff);
        lanes eight = _mm512_maskz_loadu_epi64(there, n + i);
        flags odd = _mm512_mask_test_epi64_mask(there, eight, all(1));
        flags small = _mm512_mask_cmplt_epu64_mask(there, eight, all(SMALL_LIMIT));
        for (size_t j = i; j < i + LANES && j < count; j++) {
            verdicts[j] = small != 0 && n[j] < SMALL_LIMIT && is_small_prime(n[j]);
        }
        flags keep = (flags)(odd & ~small);
        __m128i place = _mm_add_epi8(_mm_set1_epi8((char)i), _mm_set_epi64x(0, 0x0706050403020100));
        _mm512_storeu_si512(number + remain, _mm512_maskz_compress_epi64(keep, eight));
        _mm_storel_epi64((__m128i *)(void *)(at + remain), _mm_maskz_compress_epi8(keep, place));
        remain += (size_t)__builtin_popcount(keep);
    }
    remain = sift(number, at, remain, 0, 5);
    remain = sift(number, at, remain, 5, 17);
    remain = sift(number, at, remain, 17, 34);
    for (size_t i = 0; i < remain; i++) {
        left[i] = at[i];
    }
    return remain;
}

const struct kernel pp_kernel_avx512ifma = {
    .name = "avx512ifma",
    .is_supported = is_supported,
    .screen = screen,
    .classes = {{(UINT64_C(1) << 50) - 1, narrow_base2, narrow_lucas},
                {UINT64_MAX - 5 * (UINT64_C(1) << 52), wide_base2, wide_lucas},
                {UINT64_MAX, pp_portable_base2, pp_portable_lucas}},
};

#else
typedef int not_this_processor; /* ISO C wants a declaration in every file */
#endif
