#ifndef CLI_CUT_H
#define CLI_CUT_H

/* cut.h: the inputs, cut into pieces: the source of the map. Regular files and ranges are cut unseen. From a
 * stream the lines that have arrived become a piece as soon as there are many or no more are to be had at
 * once; nothing here waits. */

#include "check.h"
#include "input.h"
#include "numbers.h"
#include "piece.h"

#include <proc_pool/executor.h>

struct pp_cutter {
    const struct pp_inputs *inputs;
    const struct pp_job *job;
    bool counts_lines; /* the pieces of streams know their line numbers */
    size_t input;      /* the input being cut … */
    uint64_t at;       /* … and where: a byte of a file or stream, a number of a range */
    bool begun;        /* `at` is set */
    struct pp_piece piece;
    pp_executor
        *executor;    /* whose room for arguments a stream is read into; to be set before the first piece */
    char *buffer;     /* of a stream: a piece's struct, bytes, padding; NULL: none now */
    char *own;        /* where pieces are so small that many come out of one buffer: this one. Else NULL */
    char *rest;       /* what came behind the lines that went with the last buffer … */
    size_t rest_size; /* … and is to begin the next */
    size_t begin;     /* what has not been handed out is buffer[begin … end - 1] */
    size_t end;
    size_t searched; /* up to here there is no newline in it */
    uint64_t lines;  /* of the stream, handed out */
    bool ended;      /* the stream has no more */
    bool is_long;    /* a line under way is too long for the buffer and goes through `line` */
    struct pp_line line;
    char *made; /* a piece made for such a line */
};

/* 0 or -ENOMEM. */
int pp_cut_open(struct pp_cutter *cutter, const struct pp_inputs *inputs, const struct pp_job *job,
                bool counts_lines);
void pp_cut_close(struct pp_cutter *cutter);

/* Begins not at the first input but at `at` in input `input`: what an interrupted run had not done. */
void pp_cut_start(struct pp_cutter *cutter, size_t input, uint64_t at);

/* A pp_source. Fails with -errno when a stream cannot be read; cutter->input tells which. */
int pp_cut_next(void *cutter, struct pp_source_item *item);

#endif
