#ifndef CLI_PIECE_H
#define CLI_PIECE_H

/* piece.h: what parent and worker say to each other. A piece is one task: a part of the input; its answer is
 * what is to be written for it.
 *
 * For a regular file a piece is two offsets, and the worker reads by itself: the parent never sees the bytes.
 * To a piece belong the lines that begin in it, so a worker reads on until its last line ends, and one in
 * which no line begins has nothing to do. That way a file can be cut anywhere without being looked at. */

#include "numbers.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum pp_piece_kind {
    PP_PIECE_FILE,   /* the lines that begin in bytes first … last - 1 of a regular file */
    PP_PIECE_TEXT,   /* whole lines, which follow the struct, with padding as pp_lines_take wants it */
    PP_PIECE_RANGE,  /* the numbers first … last */
    PP_PIECE_NUMBER, /* the number `first`, an operand */
    PP_PIECE_BAD /* a bad line, too long to be sent: its excerpt follows; `first` is its enum pp_line_kind */
};

struct pp_piece {
    uint32_t kind;  /* enum pp_piece_kind */
    uint32_t input; /* which of the inputs it is of */
    uint64_t first;
    uint64_t last;
    uint64_t line;   /* the number of its first line in the input; 0: not known yet */
    uint32_t size;   /* of what follows, without padding */
    uint32_t is_one; /* it is a single number of a piece that failed as a whole */
};

/* The answer: first `output_size` bytes to be written, then `bad_count` records, and this last. */
struct pp_answer {
    uint64_t lines; /* all that begin in the piece, also those passed over */
    uint64_t numbers;
    uint64_t primes;
    uint64_t started_ns; /* on the monotonic clock */
    uint64_t ended_ns;
    uint32_t lane; /* of the worker, see board.h */
    uint32_t bad_count;
    uint64_t output_size;
};

/* A bad line of a piece. A record is so much of it as its text needs: pp_bad_size bytes. */
struct pp_bad {
    uint32_t line;      /* from 0, in the piece */
    uint32_t output_at; /* where in the piece's output something about it is to be written */
    uint8_t kind;       /* enum pp_line_kind */
    uint8_t text_size;
    char text[PP_EXCERPT_BYTES];
};

enum { PP_BAD_HEAD = 10 };
static_assert(offsetof(struct pp_bad, text) == PP_BAD_HEAD, "the text is what follows");

static inline size_t pp_bad_size(const struct pp_bad *bad)
{
    return PP_BAD_HEAD + bad->text_size;
}

#endif
