#include "support/slow_reader.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

enum pp_line_kind slow_reader_read(const char *line, size_t size, uint64_t *n)
{
    const char *end = line + size;
    *n = 0;
    if (size > 0 && *line == '#') {
        return PP_LINE_PASSED_OVER;
    }
    if (end > line && end[-1] == '\r') {
        end--;
    }
    while (line < end && is_blank(*line)) {
        line++;
    }
    while (line < end && is_blank(end[-1])) {
        end--;
    }
    if (line == end) {
        return PP_LINE_PASSED_OVER;
    }
    if (*line == '+') {
        line++;
    }
    if (line == end) {
        return PP_LINE_NOT_A_NUMBER;
    }
    for (const char *at = line; at < end; at++) {
        if (*at < '0' || *at > '9') {
            return PP_LINE_NOT_A_NUMBER;
        }
    }
    while (line < end && *line == '0') {
        line++;
    }
    if (end - line > 20 || (end - line == 20 && memcmp(line, "18446744073709551615", 20) > 0)) {
        return PP_LINE_OUT_OF_RANGE;
    }
    for (; line < end; line++) {
        *n = *n * 10 + (uint64_t)(*line - '0');
    }
    return PP_LINE_NUMBER;
}

size_t slow_reader_plain_digits(const char *line, size_t size)
{
    uint64_t n;
    char digits[32];
    const size_t bare = size > 0 && line[size - 1] == '\r' ? size - 1 : size;
    const bool is_number = slow_reader_read(line, size, &n) == PP_LINE_NUMBER;
    const bool is_plain = is_number && (size_t)snprintf(digits, sizeof digits, "%" PRIu64, n) == bare &&
                          memcmp(digits, line, bare) == 0;
    return is_plain ? bare : 0;
}
