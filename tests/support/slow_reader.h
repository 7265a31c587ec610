#ifndef TESTS_SLOW_READER_H
#define TESTS_SLOW_READER_H

/* Decimal text to uint64_t as cli/numbers.h promises it, slow and obvious: what the fast ways are compared
 * with. */

#include "cli/numbers.h"

/* What the line is; *n is its number, or 0. */
enum pp_line_kind slow_reader_read(const char *line, size_t size, uint64_t *n);

#endif
