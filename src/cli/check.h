#ifndef CLI_CHECK_H
#define CLI_CHECK_H

/* check.h: what runs in a worker: one piece of the input is read, parsed, tested and formatted. */

#include "input.h"
#include "options.h"

#include <proc_pool/executor.h>

/* What every piece needs to know; workers inherit it at fork. Must live as long as workers do. */
struct pp_job {
    const struct pp_inputs *inputs;
    enum pp_method method; /* FAST or TRIAL */
    enum pp_format format;
    bool strict;          /* a piece ends before its first bad line */
    uint32_t piece_bytes; /* of a file, as pp_check_choose_piece_bytes says */
};

/* To be called in the parent before the executor opens. */
void pp_check_prepare(const struct pp_job *job);

/* The task: a struct pp_piece to a struct pp_answer. Fails with -errno when the input cannot be read. */
pp_task pp_check_piece;

/* A piece of text is a single line: each takes long, or is to be timed. */
bool pp_check_is_one_by_one(const struct pp_job *job);

/* How many bytes of a file are a piece if there are `total` in all, and how many numbers of a range that
 * begins at n: enough that handing a piece out costs nothing beside it, also on a machine so busy that the
 * parent runs only now and then; few enough that no worker waits long at the end for another, and that
 * answers stay small. */
uint32_t pp_check_choose_piece_bytes(const struct pp_job *job, uint64_t total, size_t workers);
uint64_t pp_check_piece_numbers(const struct pp_job *job, uint64_t n);

#endif
