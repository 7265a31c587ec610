#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

/* progress.h: the bar on standard error. It counts numbers that are done, as the workers chalk them up, not
 * what was handed out or printed; what is left is judged by the share of the input that is done, if the
 * input's size is known. It is drawn a few times a second, and taken away before anything else is written
 * there. */

#include "input.h"
#include "piece.h"

/* Begins, if `shown`; everything below does nothing otherwise. `always`: not only if the run takes long
 * enough for somebody to read it. */
void pp_progress_open(bool shown, bool always, const struct pp_inputs *inputs);

/* The piece is done. */
void pp_progress_add(const struct pp_piece *piece);

/* How long a wait may be until the bar is to be drawn again: milliseconds, or -1. */
int pp_progress_wait_ms(void);

/* Draws it, if it is time. */
void pp_progress_draw(void);

/* Takes it away until it is drawn again. */
void pp_progress_clear(void);

/* The run is over: takes it away for good. */
void pp_progress_end(void);

#endif
