/* Text to numbers: the automaton, the two fast ways, and formatting, against a slow and obvious reader. */

#include "cli/lines.h"
#include "cli/lines_kernel.h"
#include "cli/numbers.h"
#include "support/harness.h"
#include "support/slow_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Single lines ---- */

struct example {
    const char *line;
    enum pp_line_kind kind;
    uint64_t n;
};

static const struct example examples[] = {
    {"0", PP_LINE_NUMBER, 0},
    {"97", PP_LINE_NUMBER, 97},
    {"  97\t", PP_LINE_NUMBER, 97},
    {"+97\r", PP_LINE_NUMBER, 97},
    {"97 \r", PP_LINE_NUMBER, 97},
    {"000000000000000000000000000000000097", PP_LINE_NUMBER, 97},
    {"18446744073709551615", PP_LINE_NUMBER, UINT64_MAX},
    {"+0018446744073709551615", PP_LINE_NUMBER, UINT64_MAX},
    {"18446744073709551616", PP_LINE_OUT_OF_RANGE, 0},
    {"18446744073709551620", PP_LINE_OUT_OF_RANGE, 0},
    {"28446744073709551615", PP_LINE_OUT_OF_RANGE, 0},
    {"99999999999999999999", PP_LINE_OUT_OF_RANGE, 0},
    {"184467440737095516150", PP_LINE_OUT_OF_RANGE, 0},
    {"18446744073709551616x", PP_LINE_NOT_A_NUMBER, 0},
    {"", PP_LINE_PASSED_OVER, 0},
    {"\r", PP_LINE_PASSED_OVER, 0},
    {" \t ", PP_LINE_PASSED_OVER, 0},
    {" \r", PP_LINE_PASSED_OVER, 0},
    {"#", PP_LINE_PASSED_OVER, 0},
    {"# 97", PP_LINE_PASSED_OVER, 0},
    {" # 97", PP_LINE_NOT_A_NUMBER, 0},
    {"+", PP_LINE_NOT_A_NUMBER, 0},
    {"+ 97", PP_LINE_NOT_A_NUMBER, 0},
    {"++97", PP_LINE_NOT_A_NUMBER, 0},
    {"-0", PP_LINE_NOT_A_NUMBER, 0},
    {"-97", PP_LINE_NOT_A_NUMBER, 0},
    {"9 7", PP_LINE_NOT_A_NUMBER, 0},
    {"97\r\r", PP_LINE_NOT_A_NUMBER, 0},
    {"9\r7", PP_LINE_NOT_A_NUMBER, 0},
    {"97 # prime", PP_LINE_NOT_A_NUMBER, 0},
    {"0x61", PP_LINE_NOT_A_NUMBER, 0},
    {"97.0", PP_LINE_NOT_A_NUMBER, 0},
    {"1e9", PP_LINE_NOT_A_NUMBER, 0},
    {"\v97", PP_LINE_NOT_A_NUMBER, 0},
    {"\xEF\xBB\xBF"
     "97",
     PP_LINE_NOT_A_NUMBER, 0},
};

START_TEST(a_line_is_read_as_the_contract_says)
{
    const struct example *example = &examples[_i];
    uint64_t n;
    ck_assert_int_eq(pp_number_parse(example->line, strlen(example->line), &n), example->kind);
    ck_assert_uint_eq(n, example->n);
    ck_assert_int_eq(slow_reader_read(example->line, strlen(example->line), &n), example->kind);
    ck_assert_uint_eq(n, example->n);
}
END_TEST

START_TEST(a_nul_byte_is_not_the_end)
{
    uint64_t n;
    ck_assert_int_eq(pp_number_parse("9\0007", 3, &n), PP_LINE_NOT_A_NUMBER);
    ck_assert_int_eq(pp_number_parse("97\0", 3, &n), PP_LINE_NOT_A_NUMBER);
}
END_TEST

START_TEST(a_line_may_come_in_any_parts)
{
    const struct example *example = &examples[_i];
    const size_t size = strlen(example->line);
    for (size_t cut = 0; cut <= size; cut++) {
        struct pp_line line;
        uint64_t n;
        pp_line_begin(&line);
        pp_line_feed(&line, example->line, cut);
        pp_line_feed(&line, example->line + cut, size - cut);
        ck_assert_int_eq(pp_line_end(&line, &n), example->kind);
        ck_assert_uint_eq(n, example->n);
    }
}
END_TEST

static void assert_excerpt(const char *line, size_t size, const char *wanted)
{
    char text[PP_EXCERPT_BYTES];
    struct pp_line scan;
    pp_line_begin(&scan);
    pp_line_feed(&scan, line, size);
    const size_t got = pp_line_excerpt(&scan, text);
    ck_assert_uint_eq(got, strlen(wanted));
    ck_assert_mem_eq(text, wanted, got);
}

START_TEST(an_excerpt_is_trimmed_cut_and_printable)
{
    assert_excerpt("12a", 3, "12a");
    assert_excerpt(" \t12a \t\r", 8, "12a");
    assert_excerpt("1\0002\033\177\200", 6, "1?2???");
    assert_excerpt("12\r\r", 4, "12?");
    assert_excerpt("", 0, "");
    assert_excerpt("0123456789012345678901234567890123456789x", 41,
                   "0123456789012345678901234567890123456789");
    assert_excerpt("012345678901234567890123456789012345678\r", 40,
                   "012345678901234567890123456789012345678");
    assert_excerpt("0123456789012345678901234567890123456 8          x", 50,
                   "0123456789012345678901234567890123456 8");
}
END_TEST

/* ---- Many lines ---- */

typedef void take(struct pp_lines *lines, const char *text, size_t size, size_t *at);

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Reads the text in batches and compares every entry with the slow reader. */
static void compare(take *how, const char *text, size_t size)
{
    static struct pp_lines lines;
    size_t at = 0;
    size_t begin = 0;
    while (at < size) {
        how(&lines, text, size, &at);
        ck_assert_uint_gt(lines.count, 0);
        ck_assert_uint_le(lines.count, PP_LINES_MAX);
        for (size_t i = 0; i < lines.count; i++) {
            const char *line = text + begin;
            const size_t length = (size_t)((const char *)memchr(line, '\n', size - begin) - line);
            uint64_t n;
            const enum pp_line_kind kind = slow_reader_read(line, length, &n);
            const size_t digits = slow_reader_plain_digits(line, length);
            ck_assert_uint_eq(lines.at[i], begin);
            ck_assert_uint_eq(lines.size[i], digits > 0 ? digits : length);
            ck_assert_msg(lines.kind[i] == kind, "\"%.*s\": kind %d, not %d", (int)length, line,
                          lines.kind[i], (int)kind);
            ck_assert_msg(lines.n[i] == n, "\"%.*s\": %" PRIu64, (int)length, line, lines.n[i]);
            ck_assert_int_eq(lines.is_plain[i], digits > 0);
            begin += length + 1;
        }
        ck_assert_uint_eq(at, begin);
    }
    ck_assert_uint_eq(begin, size);
}

/* One line of some kind at `out`; its size with the newline. */
static size_t make_line(char *out, uint64_t *state)
{
    static const char alphabet[] = "0123456789 \t+-#\r.ax/:\0";
    const uint64_t kind = next_random(state) % 16;
    size_t size = 0;
    if (kind < 9) {
        const uint64_t n = next_random(state) >> next_random(state) % 64;
        size = pp_number_format(out, n);
    } else if (kind < 11) { /* around the largest */
        size = (size_t)sprintf(out, "1844674407370955%04" PRIu64, next_random(state) % 10000);
    } else if (kind < 13) { /* digits of any number */
        for (uint64_t left = next_random(state) % 45; left > 0; left--) {
            out[size++] = (char)('0' + next_random(state) % 10 * (next_random(state) % 2));
        }
    } else { /* anything */
        for (uint64_t left = next_random(state) % 30; left > 0; left--) {
            out[size++] = alphabet[next_random(state) % (sizeof alphabet - 1)];
        }
    }
    if (size > 0 && next_random(state) % 50 == 0) { /* one byte of a good line goes wrong */
        out[next_random(state) % size] = (char)next_random(state);
    }
    for (size_t i = 0; i < size; i++) {
        out[i] = out[i] == '\n' ? 'n' : out[i];
    }
    if (next_random(state) % 4 == 0) {
        out[size++] = '\r';
    }
    out[size++] = '\n';
    return size;
}

static void fuzz(take *how)
{
    enum { TEXT = 100000 };
    static char padded[PP_LINES_PADDING + TEXT + 100 + PP_LINES_PADDING];
    char *text = padded + PP_LINES_PADDING;
    const uint64_t rounds = harness_exhaustive() ? 2000 : 20;
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        uint64_t state = seed;
        size_t size = 0;
        while (size < TEXT) {
            size += make_line(text + size, &state);
        }
        for (size_t i = 0; i < PP_LINES_PADDING; i++) { /* digits in the padding must not count */
            padded[i] = text[size + i] = '7';
        }
        compare(how, text, size);
    }
}

START_TEST(the_portable_reader_agrees_with_the_slow_one)
{
    fuzz(pp_lines_take_portable);
}
END_TEST

START_TEST(the_chosen_reader_agrees_with_the_slow_one)
{
    fuzz(pp_lines_take);
}
END_TEST

START_TEST(every_number_of_digits_at_every_length_is_read)
{
    char padded[2 * PP_LINES_PADDING + 64];
    char *text = padded + PP_LINES_PADDING;
    memset(padded, '9', sizeof padded);
    for (int digits = 0; digits <= 45; digits++) {
        for (int digit = '0'; digit <= '9'; digit++) {
            memset(text, digit, (size_t)digits);
            text[digits] = '\n';
            compare(pp_lines_take_portable, text, (size_t)digits + 1);
            compare(pp_lines_take, text, (size_t)digits + 1);
            memcpy(text + digits, "\r\n", 2);
            compare(pp_lines_take_portable, text, (size_t)digits + 2);
            compare(pp_lines_take, text, (size_t)digits + 2);
            text[digits + 1] = '9'; /* as it was */
        }
    }
}
END_TEST

START_TEST(a_number_is_written_as_printf_would)
{
    char wanted[32];
    char got[32];
    uint64_t state = 9;
    for (int i = 0; i < 100000; i++) {
        const uint64_t n = i < 2000 ? (uint64_t)i : i == 2000 ? UINT64_MAX : next_random(&state) >> i % 64;
        const int size = snprintf(wanted, sizeof wanted, "%" PRIu64, n);
        ck_assert_uint_eq(pp_number_format(got, n), (size_t)size);
        ck_assert_mem_eq(got, wanted, (size_t)size);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/numbers");
    TCase *tcase = harness_case(suite, "numbers", 60);
    const int count = sizeof examples / sizeof *examples;
    tcase_add_loop_test(tcase, a_line_is_read_as_the_contract_says, 0, count);
    tcase_add_loop_test(tcase, a_line_may_come_in_any_parts, 0, count);
    tcase_add_test(tcase, a_nul_byte_is_not_the_end);
    tcase_add_test(tcase, an_excerpt_is_trimmed_cut_and_printable);
    tcase_add_test(tcase, the_portable_reader_agrees_with_the_slow_one);
    tcase_add_test(tcase, the_chosen_reader_agrees_with_the_slow_one);
    tcase_add_test(tcase, every_number_of_digits_at_every_length_is_read);
    tcase_add_test(tcase, a_number_is_written_as_printf_would);
    return harness_run(suite);
}
