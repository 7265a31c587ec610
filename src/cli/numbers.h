#ifndef CLI_NUMBERS_H
#define CLI_NUMBERS_H

/* numbers.h: decimal text to uint64_t, strictly, and back.
 *
 * A line holds one number, 0 to 18446744073709551615. Blanks (space, tab) around it, a leading plus, leading
 * zeros, and a carriage return at the very end are accepted. A line of nothing but blanks is empty, a line
 * whose first byte is '#' is a comment; both are passed over. Everything else is bad. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pp_line_kind {
    PP_LINE_NUMBER,       /* a number */
    PP_LINE_PASSED_OVER,  /* empty, or a comment */
    PP_LINE_NOT_A_NUMBER, /* bad */
    PP_LINE_OUT_OF_RANGE  /* bad: digits, but more than 64 bits hold */
};

/* How much of a bad line is shown. */
#define PP_EXCERPT_BYTES 40

/* The longest number, and what pp_number_format needs at most. */
#define PP_NUMBER_DIGITS 20

/* A line under way. It may come in any number of parts and be of any length: memory does not grow with it. */
struct pp_line {
    int state;          /* of the automaton in numbers.c */
    bool overflow;      /* the digits so far are more than 64 bits hold */
    bool ends_in_cr;    /* the last byte so far was a carriage return */
    uint8_t text_size;  /* bytes kept of the line, from its first that is not a blank */
    uint64_t text_seen; /* how many there were to keep */
    uint64_t n;
    char text[PP_EXCERPT_BYTES];
};

void pp_line_begin(struct pp_line *line);

/* The next `size` bytes of the line; no newline among them. */
void pp_line_feed(struct pp_line *line, const char *bytes, size_t size);

/* The line is complete: what it is. For PP_LINE_NUMBER *n is the number; otherwise *n is 0. */
enum pp_line_kind pp_line_end(const struct pp_line *line, uint64_t *n);

/* The excerpt of the line to show in a message: without blanks around it, cut at 40 bytes, each byte that is
 * not printable ASCII replaced by '?'. Returns its size; no NUL is added. */
size_t pp_line_excerpt(const struct pp_line *line, char text[PP_EXCERPT_BYTES]);

/* All of that for a line that is in memory as a whole. */
enum pp_line_kind pp_number_parse(const char *line, size_t size, uint64_t *n);

/* Why a bad line is bad: "not a number" or "out of range". */
const char *pp_line_error(enum pp_line_kind kind);

/* Digits and nothing else, at least one. Returns 0, -EINVAL (something else) or -ERANGE. For operands and the
 * arguments of options. */
int pp_number_of_digits(const char *text, size_t size, uint64_t *n);

/* Writes n in decimal and returns how many digits it has. */
size_t pp_number_format(char *out, uint64_t n);

#endif
