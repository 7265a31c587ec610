/* lines_avx2.c: pp_lines_take with AVX2.
 *
 * Two comparisons of 32 bytes each say where the newlines of the next 64 bytes are and whether there is
 * anything else but digits between them. So where a line ends does not depend on the line before it having
 * been read, and the CPU works on several at once. Three multiply-and-add instructions turn the last sixteen
 * digits of a line into a number, whatever stands before them masked away; the up to four digits above are
 * joined by hand. No branch depends on how long a number is, so lines of mixed lengths cost no
 * mispredictions. Carriage returns are looked for only in blocks that have something else in them. */

#include "lines_kernel.h"

#ifdef PP_LINES_HAVE_AVX2

#include <immintrin.h>
#include <string.h>

#define AVX2   __attribute__((target("avx2,bmi")))
#define INLINE inline __attribute__((always_inline))

bool pp_lines_avx2_works(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
}

/* Of 64 bytes, a bit each: which are newlines, and which are neither newlines nor digits. */
struct block {
    uint64_t newlines;
    uint64_t others;
};

AVX2 static inline uint64_t mask_of(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                               << 32;
}

AVX2 static inline __m256i are_digits(__m256i bytes)
{
    const __m256i values = _mm256_sub_epi8(bytes, _mm256_set1_epi8('0'));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(values, _mm256_set1_epi8(9)), values);
}

AVX2 static inline struct block look_at(const char *bytes)
{
    const __m256i newline = _mm256_set1_epi8('\n');
    const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 32));
    const uint64_t newlines = mask_of(_mm256_cmpeq_epi8(low, newline), _mm256_cmpeq_epi8(high, newline));
    return (struct block){newlines, ~(newlines | mask_of(are_digits(low), are_digits(high)))};
}

/* Which of the block's newlines have a carriage return before them; these returns are no others any more. One
 * that is the last of the block belongs to a line that does not end in it. */
AVX2 static inline uint64_t allow_returns(const char *bytes, struct block *block)
{
    const __m256i carriage_return = _mm256_set1_epi8('\r');
    const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 32));
    const uint64_t returns =
        mask_of(_mm256_cmpeq_epi8(low, carriage_return), _mm256_cmpeq_epi8(high, carriage_return));
    block->others &= ~(returns & block->newlines >> 1);
    return block->newlines & returns << 1;
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
    const unsigned above = digits < 16 ? 0 : digits < 20 ? digits - 16 : 4; /* more is refused later */
    uint32_t values;
    memcpy(&values, line, sizeof values);
    values ^= 0x30303030u;
    values = (uint32_t)(((uint64_t)values << ((32 - 8 * above) & 63)) & UINT32_MAX);
    values = (values * 10 + (values >> 8)) & 0x00FF00FFu;
    return (values & 0xFF) * 100 + (values >> 16);
}

/* Puts the line of digits text[begin … end - 1] into entry i; false if the automaton is to judge it. */
AVX2 static inline bool put_digits(struct pp_lines *restrict lines, size_t i, const char *text, size_t begin,
                                   size_t end)
{
    const uint64_t power_16 = 10000000000000000;
    const unsigned digits = (unsigned)(end - begin);
    const uint64_t low = join_low_16(text + end, digits);
    const uint64_t above = join_above_16(text + begin, digits);
    const uint64_t most = UINT64_MAX / power_16;
    const bool overflows = (above > most) | ((above == most) & (low > UINT64_MAX % power_16));
    lines->at[i] = (uint32_t)begin;
    lines->size[i] = digits;
    lines->n[i] = above * power_16 + low;
    lines->kind[i] = PP_LINE_NUMBER;
    lines->is_plain[i] = true;
    return !((digits - 1 > 19) | overflows | ((text[begin] == '0') & (digits > 1)));
}

/* Takes lines of digits as long as they end within the block at text[at]. Returns where it stopped.
 * `with_return`: the newlines that have one before them. What is to be counted and where it is are kept in
 * registers: the compiler cannot know that the arrays are not over them. */
AVX2 static INLINE size_t take_block(struct pp_lines *lines, const char *text, size_t at, struct block block,
                                     uint64_t with_return)
{
    const size_t base = at;
    size_t count = lines->count;
    while (block.newlines != 0 && count < PP_LINES_MAX) {
        const uint64_t up_to_here = block.newlines ^ (block.newlines - 1);
        const size_t place = (size_t)_tzcnt_u64(block.newlines);
        const size_t end = base + place;
        const size_t digits_end = end - (with_return >> place & 1);
        if ((block.others & up_to_here) != 0 || !put_digits(lines, count, text, at, digits_end)) {
            break;
        }
        count++;
        at = end + 1;
        block.newlines &= block.newlines - 1;
    }
    lines->count = count;
    return at;
}

AVX2 void pp_lines_take_avx2(struct pp_lines *lines, const char *text, size_t size, size_t *at)
{
    lines->count = 0;
    while (*at < size && lines->count < PP_LINES_MAX) {
        struct block block = look_at(text + *at);
        if (size - *at < 64) { /* what is behind the text does not count */
            block.newlines &= (UINT64_C(1) << (size - *at)) - 1;
        }
        size_t taken;
        if (block.others == 0) {
            taken = take_block(lines, text, *at, block, 0);
        } else {
            const uint64_t with_return = allow_returns(text + *at, &block);
            taken = take_block(lines, text, *at, block, with_return);
        }
        if (taken == *at) { /* not a line of digits, or too long to be one */
            pp_lines_take_odd(lines, text, size, at);
        } else {
            *at = taken;
        }
    }
}

#else

typedef int pp_no_avx2; /* ISO C wants a declaration in every file */

#endif
