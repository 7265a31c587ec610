/* Text to numbers: the automaton in any parts, both ways to read many lines, excerpts and plain digits,
 * against a slow and obvious reader. The first byte of the input tells where the text lies and how it is cut;
 * the rest is the text. */

#include "cli/lines.h"
#include "cli/numbers.h"
#include "support/fuzz.h"
#include "support/slow_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

typedef void take(struct pp_lines *lines, const char *text, size_t size, size_t *at);

static size_t line_size(const char *line, const char *end)
{
    const char *at = line;
    while (at < end && *at != '\n') {
        at++;
    }
    return (size_t)(at - line);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t excerpt_slowly(const char *line, size_t size, char text[PP_EXCERPT_BYTES])
{
    if (size > 0 && line[size - 1] == '\r') {
        size--;
    }
    while (size > 0 && is_blank(*line)) {
        line++;
        size--;
    }
    if (size > PP_EXCERPT_BYTES) {
        size = PP_EXCERPT_BYTES;
    }
    while (size > 0 && is_blank(line[size - 1])) {
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)line[i];
        text[i] = c < 0x20 || c > 0x7e ? '?' : line[i];
    }
    return size;
}

/* One line through the automaton, whole and in parts of `part` bytes. */
static void check_line(const char *line, size_t size, size_t part)
{
    uint64_t wanted;
    uint64_t n = 1;
    const enum pp_line_kind kind = slow_reader_read(line, size, &wanted);
    FUZZ_REQUIRE(pp_number_parse(line, size, &n) == kind && n == wanted);

    struct pp_line scan;
    pp_line_begin(&scan);
    for (size_t done = 0; done < size; done += part) {
        pp_line_feed(&scan, line + done, part < size - done ? part : size - done);
        pp_line_feed(&scan, line, 0);
    }
    n = 1;
    FUZZ_REQUIRE(pp_line_end(&scan, &n) == kind && n == wanted);

    char text[PP_EXCERPT_BYTES];
    char wanted_text[PP_EXCERPT_BYTES];
    const size_t text_size = pp_line_excerpt(&scan, text);
    FUZZ_REQUIRE(text_size == excerpt_slowly(line, size, wanted_text));
    FUZZ_REQUIRE(memcmp(text, wanted_text, text_size) == 0);

    size_t digits = 0;
    while (digits < size && line[digits] >= '0' && line[digits] <= '9') {
        digits++;
    }
    const int result = size == 0 || digits < size ? -EINVAL : kind == PP_LINE_NUMBER ? 0 : -ERANGE;
    n = 1;
    FUZZ_REQUIRE(pp_number_of_digits(line, size, &n) == result && (result != 0 || n == wanted));
}

/* The text in batches, entry by entry. */
static void check_lines(take *how, const char *text, size_t size)
{
    static struct pp_lines lines;
    size_t at = 0;
    size_t begin = 0;
    while (at < size) {
        how(&lines, text, size, &at);
        FUZZ_REQUIRE(lines.count > 0 && lines.count <= PP_LINES_MAX);
        for (size_t i = 0; i < lines.count; i++) {
            const char *line = text + begin;
            const size_t length = line_size(line, text + size);
            uint64_t n;
            const enum pp_line_kind kind = slow_reader_read(line, length, &n);
            const size_t digits = slow_reader_plain_digits(line, length);
            char formatted[PP_NUMBER_DIGITS];
            FUZZ_REQUIRE(digits == 0 ||
                         (pp_number_format(formatted, n) == digits && memcmp(formatted, line, digits) == 0));
            FUZZ_REQUIRE(lines.at[i] == begin && lines.size[i] == (digits > 0 ? digits : length));
            FUZZ_REQUIRE(lines.kind[i] == kind && lines.n[i] == n && lines.is_plain[i] == (digits > 0));
            begin += length + 1;
            FUZZ_REQUIRE(begin <= size);
        }
        FUZZ_REQUIRE(at == begin);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    const uint8_t choice = fuzz_byte(&input);
    const size_t before = PP_LINES_PADDING + choice % 32;
    const size_t all =
        before + input.left + 1 + PP_LINES_PADDING; /* and not a byte more that could be read */
    char *memory = fuzz_memory(all);
    memset(memory, '7', all); /* digits in the padding must not count */
    char *text = memory + before;
    if (input.left > 0) {
        memcpy(text, input.at, input.left);
    }
    text[input.left] = '\n';
    const size_t text_size = input.left + 1;
    for (size_t begin = 0; begin < text_size;) {
        const size_t length = line_size(text + begin, text + text_size);
        check_line(text + begin, length, (size_t)choice / 32 * 3 + 1);
        begin += length + 1;
    }
    check_lines(pp_lines_take, text, text_size);
    check_lines(pp_lines_take_portable, text, text_size);
    free(memory);
    return 0;
}
