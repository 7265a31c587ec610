#include "lines.h"

#include "lines_kernel.h"

#include <string.h>

/* Eight bytes as a number whose lowest byte comes first. Compilers make one load of it. */
static uint64_t load_8(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
           (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

/* The highest bit of each byte of `digits` that is above 9, up to the first such byte; what is above that one
 * may be wrong, because a carry may have come out of it. */
static uint64_t not_digits(uint64_t digits)
{
    return ((digits + 0x7676767676767676u) | digits) & 0x8080808080808080u;
}

/* How many bytes lie below the lowest bit of such a mask; 8 if there is none. */
static unsigned bytes_below(uint64_t mask)
{
    if (mask == 0) {
        return 8;
    }
    uint64_t below = (mask & (0 - mask)) - 1; /* all bits below the lowest one */
    return (unsigned)((((below >> 7) & 0x0101010101010101u) * 0x0101010101010101u) >> 56);
}

/* The number that eight digit values, the most significant in the lowest byte, make up: neighbours are joined
 * to pairs, pairs to fours, fours to eight, each time all of them with one multiplication. */
static uint64_t join_8(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    uint64_t high = (digits & 0x000000FF000000FFu) * 0x000F424000000064u;
    uint64_t low = (digits >> 16 & 0x000000FF000000FFu) * 0x0000271000000001u;
    return (high + low) >> 32;
}

/* Up to eight digits at `bytes`: how many there are, and their number. */
static unsigned take_digits(const char *bytes, uint64_t *n)
{
    uint64_t digits = load_8(bytes) ^ 0x3030303030303030u;
    unsigned count = bytes_below(not_digits(digits));
    *n = count == 0 ? 0 : join_8(digits << (64 - 8 * count));
    return count;
}

/* The digits that the line begins with: how many, at most 24, and their number if it has 64 bits. */
static unsigned take_number(const char *line, uint64_t *n, bool *overflow)
{
    static const uint64_t power[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t part[3] = {0};
    unsigned count = take_digits(line, &part[0]);
    *overflow = false;
    *n = part[0];
    if (count < 8) {
        return count;
    }
    unsigned more = take_digits(line + 8, &part[1]);
    *n = part[0] * power[more] + part[1];
    if (more < 8) {
        return 8 + more;
    }
    unsigned rest = take_digits(line + 16, &part[2]);
    const uint64_t most = UINT64_MAX / 10000;
    *overflow = rest > 4 || (rest == 4 && (*n > most || (*n == most && part[2] > UINT64_MAX % 10000)));
    *n = *n * power[rest] + part[2];
    return 16 + rest;
}

void pp_lines_take_odd(struct pp_lines *lines, const char *text, size_t size, size_t *at)
{
    const char *line = text + *at;
    size_t length = (size_t)((const char *)memchr(line, '\n', size - *at) - line);
    size_t i = lines->count++;
    enum pp_line_kind kind = pp_number_parse(line, length, &lines->n[i]);
    lines->at[i] = (uint32_t)*at;
    lines->size[i] = (uint32_t)length;
    lines->kind[i] = (uint8_t)kind;
    lines->is_plain[i] = false;
    *at += length + 1;
}

void pp_lines_take_portable(struct pp_lines *lines, const char *text, size_t size, size_t *at)
{
    lines->count = 0;
    while (*at < size && lines->count < PP_LINES_MAX) {
        const char *line = text + *at;
        uint64_t n;
        bool overflow;
        unsigned digits = take_number(line, &n, &overflow);
        const unsigned end = digits + (line[digits] == '\r');
        if (digits == 0 || line[end] != '\n' || overflow || (*line == '0' && digits > 1)) {
            pp_lines_take_odd(lines, text, size, at);
            continue;
        }
        size_t i = lines->count++;
        lines->at[i] = (uint32_t)*at;
        lines->size[i] = digits;
        lines->n[i] = n;
        lines->kind[i] = PP_LINE_NUMBER;
        lines->is_plain[i] = true;
        *at += end + 1;
    }
}

void pp_lines_take(struct pp_lines *lines, const char *text, size_t size, size_t *at)
{
#ifdef PP_LINES_HAVE_AVX2
    if (pp_lines_avx2_works()) {
        pp_lines_take_avx2(lines, text, size, at);
        return;
    }
#endif
    pp_lines_take_portable(lines, text, size, at);
}
