#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

/* output.h: results to standard output or into a file. Every write and every error of one happens here.
 *
 * A file appears under its name only when it is complete: what is written goes beside it, into a file whose
 * name no other run has, also not on another machine; at the end it is synced and renamed. What is not a
 * regular file (a terminal, /dev/null, a named pipe) is written directly. */

#include "text.h"

#include <signal.h>

#include <stdbool.h>
#include <stdint.h>

#define PP_OUTPUT_BUFFER ((size_t)128 * 1024)

struct pp_output {
    int fd;
    bool is_temporary; /* `partial` is to become `path` */
    char *path;        /* where the file is to appear; NULL: standard output */
    char *partial;     /* what is written meanwhile */
    char *buffer;
    size_t used;
    uint64_t written;           /* bytes so far, with what is in the buffer */
    int error;                  /* the first; everything after it is dropped */
    void (*before_write)(void); /* may be NULL: a terminal that shows other things too is cleared of them */
    const volatile sig_atomic_t
        *interrupted; /* a write that a signal cut short is given up when this is set */
};

/* Opens standard output (path NULL) or what is to become `path`. 0 or -errno. In any case it
 * ends with pp_output_close, after pp_output_finish or pp_output_abandon. */
int pp_output_open(struct pp_output *output, const char *path, const volatile sig_atomic_t *interrupted);

/* Goes on with a partial file of this run instead of the new one: it becomes output->partial, cut to `size`.
 */
void pp_output_adopt(struct pp_output *output, int fd, char *partial, uint64_t size);

/* Appends whole lines. Blocks when the reader is slow. 0, or the first error there was. */
int pp_output_write(struct pp_output *output, const void *bytes, size_t size);

/* Writes what is buffered. */
int pp_output_flush(struct pp_output *output);

/* The end of a complete output: flushed, and a file synced and under its name. 0 or -errno. */
int pp_output_finish(struct pp_output *output);

/* The end of an incomplete one: what is complete is flushed if that is possible without waiting for long; a
 * partial file is removed, or left for another run if `keep`. */
void pp_output_abandon(struct pp_output *output, bool keep);

/* Frees what it holds. */
void pp_output_close(struct pp_output *output);

/* How to name it in a message. */
const char *pp_output_name(const struct pp_output *output);

/* Whether such a file could be written there: 0 or -errno. Leaves nothing behind. */
int pp_output_check(const char *path);

/* Writes a whole file of its own at once (a timeline): complete or absent. 0 or -errno. */
int pp_output_whole(const char *path, const struct pp_text *text);

/* Writes all of it to a descriptor, however often that takes. 0 or -errno. */
int pp_output_all(int fd, const void *bytes, size_t size);

/* Locks a partial file for this process, or says with -errno that another has it, or that there are no locks.
 * Whoever gets the lock of a file that another run made knows that that run is gone, on one machine at least. */
int pp_output_lock(int fd);

#endif
