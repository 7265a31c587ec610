#include "numbers.h"

#include <errno.h>
#include <string.h>

/* Where in a line the automaton is. START differs from BEFORE only in that a '#' there begins a comment. */
enum state { START, BEFORE, SIGN, DIGITS, AFTER, CR_AFTER_NUMBER, CR_AFTER_NOTHING, COMMENT, JUNK };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

void pp_line_begin(struct pp_line *line)
{
    *line = (struct pp_line){.state = START};
}

static enum state next_state(enum state state, char c)
{
    switch (state) {
    case START:
        if (c == '#') {
            return COMMENT;
        }
        /* fall through */
    case BEFORE:
        if (is_blank(c)) {
            return BEFORE;
        }
        if (c == '\r') {
            return CR_AFTER_NOTHING;
        }
        return is_digit(c) ? DIGITS : c == '+' ? SIGN : JUNK;
    case SIGN:
        return is_digit(c) ? DIGITS : JUNK;
    case DIGITS:
        if (is_digit(c)) {
            return DIGITS;
        }
        /* fall through */
    case AFTER:
        return is_blank(c) ? AFTER : c == '\r' ? CR_AFTER_NUMBER : JUNK;
    case COMMENT:
        return COMMENT;
    case CR_AFTER_NUMBER:
    case CR_AFTER_NOTHING:
    case JUNK:
        break;
    }
    return JUNK;
}

static void add_digit(struct pp_line *line, char c)
{
    uint64_t digit = (uint64_t)(c - '0');
    if (line->n > UINT64_MAX / 10 || (line->n == UINT64_MAX / 10 && digit > UINT64_MAX % 10)) {
        line->overflow = true;
    } else {
        line->n = line->n * 10 + digit;
    }
}

static void keep_excerpt(struct pp_line *line, char c)
{
    if (line->text_size < PP_EXCERPT_BYTES && (line->text_size > 0 || !is_blank(c))) {
        line->text[line->text_size++] = c;
    }
    if (line->text_size > 0) {
        line->text_seen++;
    }
}

void pp_line_feed(struct pp_line *line, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        line->state = (int)next_state((enum state)line->state, c);
        if (line->state == DIGITS) {
            add_digit(line, c);
        }
        keep_excerpt(line, c);
    }
    if (size > 0) {
        line->ends_in_cr = bytes[size - 1] == '\r';
    }
}

enum pp_line_kind pp_line_end(const struct pp_line *line, uint64_t *n)
{
    *n = 0;
    switch ((enum state)line->state) {
    case DIGITS:
    case AFTER:
    case CR_AFTER_NUMBER:
        if (line->overflow) {
            return PP_LINE_OUT_OF_RANGE;
        }
        *n = line->n;
        return PP_LINE_NUMBER;
    case START:
    case BEFORE:
    case CR_AFTER_NOTHING:
    case COMMENT:
        return PP_LINE_PASSED_OVER;
    case SIGN:
    case JUNK:
        break;
    }
    return PP_LINE_NOT_A_NUMBER;
}

size_t pp_line_excerpt(const struct pp_line *line, char text[PP_EXCERPT_BYTES])
{
    size_t size = line->text_size;
    if (size > 0 && line->ends_in_cr && line->text_seen == size) {
        size--;
    }
    while (size > 0 && is_blank(line->text[size - 1])) {
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        char c = line->text[i];
        text[i] = c;
        if (c < ' ' || c > '~') {
            text[i] = '?';
        }
    }
    return size;
}

enum pp_line_kind pp_number_parse(const char *line, size_t size, uint64_t *n)
{
    struct pp_line scan;
    pp_line_begin(&scan);
    pp_line_feed(&scan, line, size);
    return pp_line_end(&scan, n);
}

const char *pp_line_error(enum pp_line_kind kind)
{
    return kind == PP_LINE_OUT_OF_RANGE ? "out of range" : "not a number";
}

int pp_number_of_digits(const char *text, size_t size, uint64_t *n)
{
    size_t digits = 0;
    while (digits < size && is_digit(text[digits])) {
        digits++;
    }
    if (digits == 0 || digits < size) {
        return -EINVAL;
    }
    return pp_number_parse(text, size, n) == PP_LINE_NUMBER ? 0 : -ERANGE;
}

size_t pp_number_format(char *out, uint64_t n)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[PP_NUMBER_DIGITS];
    size_t at = sizeof digits;
    while (n >= 100) {
        at -= 2;
        memcpy(digits + at, pairs + n % 100 * 2, 2);
        n /= 100;
    }
    if (n >= 10) {
        at -= 2;
        memcpy(digits + at, pairs + n * 2, 2);
    } else {
        digits[--at] = (char)('0' + n);
    }
    size_t size = sizeof digits - at;
    memcpy(out, digits + at, size);
    return size;
}
