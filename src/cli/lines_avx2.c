/* lines_avx2.c: pp_lines_take with AVX2. One comparison of 32 bytes finds where a line's digits end; three
 * multiply-and-add instructions turn the last sixteen of them into a number, whatever stands before them
 * masked away; the up to four digits above are joined by hand. No branch depends on how long a number is, so
 * lines of mixed lengths cost no mispredictions. */

#include "lines_kernel.h"

#ifdef PP_LINES_HAVE_AVX2

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2,bmi")))

bool pp_lines_avx2_works(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
}

/* How many of the 32 bytes at `line` are digits before the first that is not; 32 if all are. */
AVX2 static inline unsigned count_digits(const char *line)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)line);
    __m256i values = _mm256_sub_epi8(bytes, _mm256_set1_epi8('0'));
    __m256i is_digit = _mm256_cmpeq_epi8(_mm256_min_epu8(values, _mm256_set1_epi8(9)), values);
    return (unsigned)_tzcnt_u32(~(unsigned)_mm256_movemask_epi8(is_digit));
}

/* The number of the last sixteen of `digits` digits that end before `end`. */
AVX2 static inline uint64_t join_low_16(const char *end, unsigned digits)
{
    static const uint8_t keep[32] = {0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
                                     0,   0,   0,   0,   0,   255, 255, 255, 255, 255, 255,
                                     255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    const unsigned low = digits < 16 ? digits : 16;
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(end - 16));
    __m128i mask = _mm_loadu_si128((const __m128i *)(const void *)(keep + low));
    __m128i values = _mm_and_si128(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), mask);
    __m128i twos =
        _mm_maddubs_epi16(values, _mm_setr_epi8(10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1));
    __m128i fours = _mm_madd_epi16(twos, _mm_setr_epi16(100, 1, 100, 1, 100, 1, 100, 1));
    __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours),
                                    _mm_setr_epi16(10000, 1, 10000, 1, 10000, 1, 10000, 1));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (both & UINT32_MAX) * 100000000 + (both >> 32);
}

/* The number of the digits above the last sixteen; there are at most four. */
static inline uint64_t join_above_16(const char *line, unsigned digits)
{
    const unsigned above = digits < 16 ? 0 : digits - 16;
    uint32_t values;
    memcpy(&values, line, sizeof values);
    values ^= 0x30303030u;
    values = (uint32_t)(((uint64_t)values << ((32 - 8 * above) & 63)) & UINT32_MAX);
    values = (values * 10 + (values >> 8)) & 0x00FF00FFu;
    return (values & 0xFF) * 100 + (values >> 16);
}

AVX2 void pp_lines_take_avx2(struct pp_lines *lines, const char *text, size_t size, size_t *at)
{
    const uint64_t power_16 = 10000000000000000;
    lines->count = 0;
    while (*at < size && lines->count < PP_LINES_MAX) {
        const char *line = text + *at;
        const unsigned digits = count_digits(line);
        if (digits - 1 > 19 || line[digits] != '\n' || (*line == '0' && digits > 1)) {
            pp_lines_take_odd(lines, text, size, at);
            continue;
        }
        const uint64_t low = join_low_16(line + digits, digits);
        const uint64_t above = join_above_16(line, digits);
        const uint64_t most = UINT64_MAX / power_16;
        if ((above > most) | ((above == most) & (low > UINT64_MAX % power_16))) {
            pp_lines_take_odd(lines, text, size, at);
            continue;
        }
        const size_t i = lines->count++;
        lines->at[i] = (uint32_t)*at;
        lines->size[i] = digits;
        lines->n[i] = above * power_16 + low;
        lines->kind[i] = PP_LINE_NUMBER;
        lines->is_plain[i] = true;
        *at += digits + 1;
    }
}

#else

typedef int pp_no_avx2; /* ISO C wants a declaration in every file */

#endif
