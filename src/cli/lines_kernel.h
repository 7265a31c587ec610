#ifndef CLI_LINES_KERNEL_H
#define CLI_LINES_KERNEL_H

/* lines_kernel.h: what the ways to do pp_lines_take share. */

#include "lines.h"

/* Takes one line, whatever it is, by the automaton. There is one at text[*at]. */
void pp_lines_take_odd(struct pp_lines *lines, const char *text, size_t size, size_t *at);

#if defined(__x86_64__) && defined(__GNUC__)
#define PP_LINES_HAVE_AVX2

/* This CPU has what pp_lines_take_avx2 needs. */
bool pp_lines_avx2_works(void);

void pp_lines_take_avx2(struct pp_lines *lines, const char *text, size_t size, size_t *at);
#endif

#endif
