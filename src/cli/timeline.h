#ifndef CLI_TIMELINE_H
#define CLI_TIMELINE_H

/* timeline.h: a picture of the run: a lane a worker, a box a task, deaths and the restarts after them marked.
 * As an SVG, drawn at the end, and as Chrome trace events (for chrome://tracing or Perfetto).
 *
 * A picture is only so wide: of a long run the SVG keeps a fixed number of boxes a lane, and joins what would
 * lie on the same point. The trace has every task, up to a quarter of a million of them. */

#include "piece.h"
#include "text.h"

struct pp_timeline;

/* NULL without memory. `keeps_all`: for a trace. */
struct pp_timeline *pp_timeline_open(size_t lanes, bool keeps_all);
void pp_timeline_close(struct pp_timeline *timeline);

/* A task was answered. */
void pp_timeline_add(struct pp_timeline *timeline, const struct pp_piece *piece,
                     const struct pp_answer *answer);

/* Appends the picture. `workers` is how many there were meant to be. */
void pp_timeline_draw_svg(const struct pp_timeline *timeline, struct pp_text *text);
void pp_timeline_draw_trace(const struct pp_timeline *timeline, struct pp_text *text);

#endif
