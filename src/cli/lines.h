#ifndef CLI_LINES_H
#define CLI_LINES_H

/* lines.h: many lines of text to numbers at once: the fast way through numbers.h, with the same verdicts.
 *
 * Nearly every line of a real file is 1 to 20 digits and a newline, or all of them have a carriage return
 * before it. Such a line is read some digits at a time; whatever else comes along goes through the automaton
 * of numbers.h, which alone decides what is accepted. */

#include "numbers.h"

#define PP_LINES_MAX 2048

/* What must be readable before and behind the text, whatever it contains. */
#define PP_LINES_BEFORE  16
#define PP_LINES_PADDING 64

/* A batch of lines, one entry a line. */
struct pp_lines {
    size_t count;
    uint32_t at[PP_LINES_MAX];   /* where the line begins in the text */
    uint32_t size[PP_LINES_MAX]; /* its bytes without the newline; of a plain line the digits */
    uint64_t n[PP_LINES_MAX];    /* the number; 0 if it is none */
    uint8_t kind[PP_LINES_MAX];  /* enum pp_line_kind */
    uint8_t
        is_plain[PP_LINES_MAX]; /* the line is the number's canonical form, maybe with a carriage return */
};

/* Takes lines from text[*at] on until the batch is full or the text is used up, and moves *at behind them.
 * The text is shorter than 4 GiB and ends with a newline; PP_LINES_BEFORE bytes before it and
 * PP_LINES_PADDING behind it can be read. */
void pp_lines_take(struct pp_lines *lines, const char *text, size_t size, size_t *at);

/* The same without vector instructions, as every CPU without them does it. */
void pp_lines_take_portable(struct pp_lines *lines, const char *text, size_t size, size_t *at);

#endif
