#ifndef CLI_INPUT_H
#define CLI_INPUT_H

/* input.h: what the operands name. Files are opened here, before there are workers: these inherit the
 * descriptors and read their pieces of a regular file by themselves. */

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum pp_input_kind {
    PP_INPUT_NUMBER, /* first */
    PP_INPUT_RANGE,  /* first … last, inclusive */
    PP_INPUT_FILE,   /* a regular file: bytes first … last - 1 of it, by pread */
    PP_INPUT_STREAM  /* anything else that can be read, from where it stands */
};

struct pp_input {
    enum pp_input_kind kind;
    const char *name; /* as the user typed it */
    int fd; /* ours to close, except standard input; -1 for numbers and ranges, and a pipe not yet open */
    uint64_t first;
    uint64_t last;
    uint64_t file_size;       /* of a FILE, when it was opened */
    struct timespec modified; /* likewise */
    bool nothing;             /* no part of it is in this shard */
};

struct pp_inputs {
    struct pp_input *list;
    size_t count;
    bool is_sample;
};

/* Sorts out the operands and opens the files; without operands the sample. Returns 0, or the exit status,
 * with one line in `complaint` that says which operand is wrong and what would be right. To be closed in any
 * case. */
int pp_inputs_open(struct pp_inputs *inputs, const char *const *operands, size_t count,
                   struct pp_text *complaint);

/* Opens the named pipes among them, which pp_inputs_open left closed; blocks until each has a writer. Returns
 * like it; also when a signal interrupts the wait. */
int pp_inputs_open_pipes(struct pp_inputs *inputs, struct pp_text *complaint);

/* Narrows the inputs to part `shard` of `shards`. 0, or the exit status with a complaint: streams have no
 * length. */
int pp_inputs_shard(struct pp_inputs *inputs, uint32_t shard, uint32_t shards, struct pp_text *complaint);

/* All inputs are of kinds whose bit (1 << kind) is set in `kinds`. */
bool pp_inputs_are_all(const struct pp_inputs *inputs, unsigned kinds);

/* How many numbers there are, if that can be known without reading: *count, else false. */
bool pp_inputs_count_numbers(const struct pp_inputs *inputs, uint64_t *count);

/* How many bytes of regular files there are. */
uint64_t pp_inputs_file_bytes(const struct pp_inputs *inputs);

/* Reads exactly `size` bytes of a file at `offset`. 0, -errno, or -ENODATA: the file ends before. */
int pp_input_read_at(int fd, char *bytes, size_t size, uint64_t offset);

/* Reads what comes next: at most `size` bytes. The number of bytes, 0 at the end, or -errno. */
ssize_t pp_input_read_some(int fd, char *bytes, size_t size);
ssize_t pp_input_read_some_at(int fd, char *bytes, size_t size, uint64_t offset);

/* How many lines begin in bytes from … to - 1 of a file, and are added to *lines. 0 or -errno. */
int pp_input_count_lines(int fd, uint64_t from, uint64_t to, uint64_t *lines);

void pp_inputs_close(struct pp_inputs *inputs);

#endif
