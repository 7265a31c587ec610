#ifndef CLI_JOURNAL_H
#define CLI_JOURNAL_H

/* journal.h: how far a run has come, so that another can go on where it ended, however it ended.
 *
 * Beside a partial output file PARTIAL lies PARTIAL.journal: a text that says first what was asked for (the
 * identity), then, now and then, how much of the input is done and how long the output was at that point. The
 * output is on disk before a line says so. Each line carries a check sum; of a torn one nothing is believed.
 *
 * Every run writes into files of its own, so that two runs of one command cannot disturb each other, whatever
 * machines they are on and whatever its file locks are worth. A run that resumes takes over the files of one
 * that is gone, if a lock on them proves that here; otherwise it copies what it needs and leaves them alone. */

#include "check.h"
#include "input.h"
#include "output.h"

#include <stdbool.h>
#include <stdint.h>

/* Up to here everything is done: the first byte (or number) `at` of input `input` that is not; how long the
 * output is; and what was counted. */
struct pp_point {
    uint64_t input, at, output_size;
    uint64_t numbers, primes, bad, failed;
};

struct pp_journal {
    int fd; /* -1: no journal is kept */
    char *path;
    char
        *left_over; /* a partial file of another run that was copied; removed at the end if its run is gone */
    uint64_t next_ns;
};

/* What makes two runs the same, a line each: format, method, shard, inputs (size, time of change, a sample of
 * the bytes). 0, -ENOMEM, or -errno when an input cannot be read. */
int pp_journal_identify(struct pp_text *identity, const struct pp_job *job, uint32_t shard, uint32_t shards);

/* Begins the journal of output->partial. 0 or -errno. */
int pp_journal_open(struct pp_journal *journal, const struct pp_output *output,
                    const struct pp_text *identity);

/* Finds what an interrupted run left beside the output, and makes it this run's: *output continues it from
 * *point on. 0; -ENOENT: there is nothing; -EINVAL: what there is belongs to another command, and `complaint`
 * says how it differs; or -errno. */
int pp_journal_resume(struct pp_journal *journal, struct pp_output *output, const struct pp_text *identity,
                      struct pp_point *point, struct pp_text *complaint);

/* It is time for the next line. */
bool pp_journal_is_due(const struct pp_journal *journal);

/* Notes the point; the output was flushed. 0 or -errno. */
int pp_journal_note(struct pp_journal *journal, const struct pp_output *output, const struct pp_point *point);

/* The run ends; the journal is kept for another run, or removed. */
void pp_journal_close(struct pp_journal *journal, bool keep);

#endif
