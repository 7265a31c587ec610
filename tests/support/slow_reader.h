#ifndef TESTS_SLOW_READER_H
#define TESTS_SLOW_READER_H

/* Decimal text to uint64_t as cli/numbers.h promises it, slow and obvious: what the fast ways are compared
 * with. */

#include "cli/numbers.h"

/* What the line is; *n is its number, or 0. */
enum pp_line_kind slow_reader_read(const char *line, size_t size, uint64_t *n);

/* How many digits a line has that is the canonical form of its number, maybe with a carriage return; 0: it is
 * another. */
size_t slow_reader_plain_digits(const char *line, size_t size);

#endif
