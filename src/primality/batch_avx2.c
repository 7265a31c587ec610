/* The kernel for processors with AVX2 and FMA: four numbers in a vector, in floating point.
 *
 * There is no wide integer product here, but a fused multiply-add rounds only once, and so shows what the
 * rounding of a product lost. For integers x and y,
 *
 *     h = x * y rounded,   l = x * y - h exactly,   q = h / n rounded to an integer,   r = (h - q * n) + l =
 * x * y - q * n
 *
 * and r is exact as long as it is small: h - q * n and l are integers below 2^53. With 1 / n, h and their
 * product each rounded, h / n is off by 3 * 2^-53 of itself; so for |x|, |y| <= b * n, |r| <= (1/2 + 3 *
 * 2^-53 * b^2 * n) * n. That is why n has to be below 2^48: then with b = 4/3, |r| <= 2/3 n, and the double
 * of r is within b again.
 *
 * Residues are plain and signed, within a small multiple of n, and nothing has to be set up: a power of two
 * is a power of two, 1 stays 1 when it is squared, so exponents of different lengths go together.
 *
 * Larger numbers are left to the portable code. */

#include "kernel.h"

#ifdef PP_HAVE_X86_KERNELS

#include "base2.h"
#include "lucas.h"
#include "unroll.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma")))
#define INLINE TARGET static inline __attribute__((always_inline))

typedef __m256d lanes; /* four integers, in floating point */
typedef __m256i words; /* four words of 64 bits */

enum {
    LANES = 4,
    VECTORS = 8,
    NUMBERS = VECTORS * LANES,
    LUCAS_VECTORS = 4,
    LUCAS_NUMBERS = LUCAS_VECTORS * LANES
};

static bool is_supported(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

struct modulus {
    lanes n, reciprocal;
};

INLINE lanes all(double value)
{
    return _mm256_set1_pd(value);
}

INLINE lanes rounded(lanes x)
{
    return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* The four integers below 2^52 at n: their bits, put under the exponent of 2^52, are 2^52 more. */
INLINE lanes load(const uint64_t *n)
{
    words bits = _mm256_loadu_si256((const words *)(const void *)n);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(bits, _mm256_castpd_si256(all(0x1p52)))),
                         all(0x1p52));
}

INLINE struct modulus modulus_of(const uint64_t *n)
{
    lanes modulus = load(n);
    return (struct modulus){modulus, _mm256_div_pd(all(1), modulus)};
}

/* x * y mod n. */
INLINE lanes multiply(lanes x, lanes y, struct modulus modulus)
{
    lanes h = _mm256_mul_pd(x, y);
    lanes l = _mm256_fmsub_pd(x, y, h);
    lanes q = rounded(_mm256_mul_pd(h, modulus.reciprocal));
    return _mm256_add_pd(_mm256_fnmadd_pd(q, modulus.n, h), l);
}

/* x if the sign bit of the word is clear, y if it is set. */
INLINE lanes choose(words sign, lanes x, lanes y)
{
    return _mm256_blendv_pd(x, y, _mm256_castsi256_pd(sign));
}

/* Where x = value, one bit for each lane. */
INLINE unsigned equal(lanes x, lanes value)
{
    return (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(x, value, _CMP_EQ_OQ));
}

/* Bit `bit` of each word becomes its sign. */
INLINE words sign_from(words bits, int bit)
{
    return _mm256_sll_epi64(bits, _mm_cvtsi32_si128(63 - bit));
}

/* Plumb's test, as base2.h has it. The first four bits of the longest exponent, at most 15, make a power of
 * two. */
INLINE uint64_t base2_vectors(const uint64_t *numbers)
{
    uint64_t e[NUMBERS], power[NUMBERS], longest = 0;
    for (size_t i = 0; i < NUMBERS; i++) {
        e[i] = base2_exponent(numbers[i]);
        longest |= e[i];
    }
    int bit = bit_length(longest) - 4;
    for (size_t i = 0; i < NUMBERS; i++) {
        power[i] = UINT64_C(1) << (e[i] >> bit);
    }
    struct modulus modulus[VECTORS];
    words exponent[VECTORS];
    lanes x[VECTORS];
    UNROLL for (size_t v = 0; v < VECTORS; v++)
    {
        modulus[v] = modulus_of(numbers + LANES * v);
        exponent[v] = _mm256_loadu_si256((const words *)(const void *)(e + LANES * v));
        x[v] = load(power + LANES * v);
    }
    while (bit > 0) {
        bit--;
        UNROLL for (size_t v = 0; v < VECTORS; v++)
        {
            lanes square = multiply(x[v], x[v], modulus[v]);
            x[v] = choose(sign_from(exponent[v], bit), square, _mm256_add_pd(square, square));
        }
    }
    uint64_t accepted = 0;
    UNROLL for (size_t v = 0; v < VECTORS; v++)
    {
        lanes y = multiply(x[v], all(1), modulus[v]);
        uint64_t one = equal(y, all(1)), minus_one = equal(y, all(-1));
        for (size_t i = 0; i < LANES; i++) {
            uint64_t n = numbers[LANES * v + i];
            uint64_t residue = one >> i & 1 ? 1 : minus_one >> i & 1 ? n - 1 : 0;
            accepted |= (uint64_t)base2_accepts(residue, n) << (LANES * v + i);
        }
    }
    return accepted;
}

/* The ladder of lucas.h from k = 0 on, (S, M) = (2, P): the zeros above the top bit of a shorter d have no
 * effect. Residues are within 2/3 n of 0, so that small values have only one form. */
INLINE uint64_t lucas_vectors(const uint64_t *numbers)
{
    uint64_t changes[LUCAS_NUMBERS], parameter[LUCAS_NUMBERS], longest = 0, accepted = 0;
    int twos[LUCAS_NUMBERS], most_twos = 0;
    for (size_t i = 0; i < LUCAS_NUMBERS; i++) {
        parameter[i] = lucas_parameter(numbers[i]);
        twos[i] = trailing_zeros(numbers[i] + 1);
        most_twos = twos[i] > most_twos ? twos[i] : most_twos;
        uint64_t d = (numbers[i] + 1) >> twos[i];
        changes[i] = d ^ d >> 1;
        longest |= d;
    }
    struct modulus modulus[LUCAS_VECTORS];
    words differs[LUCAS_VECTORS];
    lanes square[LUCAS_VECTORS], product[LUCAS_VECTORS], p[LUCAS_VECTORS];
    UNROLL for (size_t v = 0; v < LUCAS_VECTORS; v++)
    {
        modulus[v] = modulus_of(numbers + LANES * v);
        differs[v] = _mm256_loadu_si256((const words *)(const void *)(changes + LANES * v));
        square[v] = all(2);
        product[v] = p[v] = load(parameter + LANES * v);
    }
    for (int bit = bit_length(longest) - 1; bit >= 0; bit--) {
        UNROLL for (size_t v = 0; v < LUCAS_VECTORS; v++)
        {
            lanes x = choose(sign_from(differs[v], bit), square[v], product[v]);
            product[v] = _mm256_sub_pd(multiply(product[v], square[v], modulus[v]), p[v]);
            square[v] = _mm256_sub_pd(multiply(x, x, modulus[v]), all(2));
        }
    }
    UNROLL for (size_t v = 0; v < LUCAS_VECTORS; v++)
    { /* (V_d, V_(d+1)) = +-(2, P)? */
        unsigned plus = equal(product[v], all(2)) & equal(square[v], p[v]);
        unsigned minus = equal(product[v], all(-2)) & equal(square[v], _mm256_sub_pd(all(0), p[v]));
        accepted |= (uint64_t)(plus | minus) << LANES * v;
    }
    for (int r = 1; r < most_twos; r++) { /* V_(d * 2^(r - 1)) = 0, r - 1 < s - 1? */
        UNROLL for (size_t v = 0; v < LUCAS_VECTORS; v++)
        {
            unsigned zero = equal(product[v], all(0));
            for (size_t i = 0; i < LANES; i++) {
                accepted |= (uint64_t)((zero >> i & 1) && r < twos[LANES * v + i]) << (LANES * v + i);
            }
            product[v] = _mm256_sub_pd(multiply(product[v], product[v], modulus[v]), all(2));
        }
    }
    for (size_t i = 0; i < LUCAS_NUMBERS; i++) {
        accepted &= ~((uint64_t)(parameter[i] == 0) << i);
    }
    return accepted;
}

TARGET static uint64_t base2(const uint64_t numbers[GROUP], size_t count)
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < count; i += NUMBERS) {
        accepted |= base2_vectors(numbers + i) << i;
    }
    return accepted;
}

TARGET static uint64_t lucas(const uint64_t numbers[GROUP], size_t count)
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < count; i += LUCAS_NUMBERS) {
        accepted |= lucas_vectors(numbers + i) << i;
    }
    return accepted;
}

const struct kernel pp_kernel_avx2 = {
    .name = "avx2",
    .is_supported = is_supported,
    .screen = pp_portable_screen,
    .classes = {{(UINT64_C(1) << 48) - 1, base2, lucas}, {UINT64_MAX, pp_portable_base2, pp_portable_lucas}},
};

#else
typedef int not_this_processor; /* ISO C wants a declaration in every file */
#endif
