#ifndef CLI_RESCUE_H
#define CLI_RESCUE_H

/* rescue.h: a piece of many numbers whose task failed (its worker died, or it took too long) is tried again
 * number by number, so that only the guilty one is lost. */

#include "input.h"
#include "piece.h"

#include <proc_pool/executor.h>

struct pp_rescue {
    struct pp_piece whole;
    char *bytes;   /* of the lines, for a piece that has any; the first may begin before it */
    uint64_t base; /* where bytes[0] is in the input */
    size_t size;
    uint64_t at; /* what comes next: a byte of the input, or a number */
    bool ended;
    struct pp_piece *part; /* given out last; text follows it */
};

/* `whole` is a piece with what follows it. 0, -ENOMEM, or -errno when the input cannot be read again. To be
 * closed in any case. */
int pp_rescue_open(struct pp_rescue *rescue, const struct pp_inputs *inputs, const void *whole);
void pp_rescue_close(struct pp_rescue *rescue);

/* A pp_source: parts with a single number or line each, marked is_one, which together are the whole. */
int pp_rescue_next(void *rescue, struct pp_source_item *item);

/* What the line of a part is, read once more: *line is its scan, *lines is 0 if none begins in it, else 1. 0
 * or -errno. */
int pp_rescue_scan(const struct pp_inputs *inputs, const void *part, struct pp_line *line, uint64_t *lines);

#endif
