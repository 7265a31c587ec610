#ifndef CLI_LEDGER_H
#define CLI_LEDGER_H

/* ledger.h: takes in the answers of the workers: results go to the output, bad lines become messages with
 * their line numbers, everything is added up. Nothing that a worker says is believed beyond what its size
 * allows. */

#include "check.h"
#include "output.h"
#include "piece.h"
#include "places.h"

struct pp_ledger {
    const struct pp_job *job;
    struct pp_output *output;
    struct pp_places places;
    bool quiet;
    bool input_failed; /* the error returned last was not of the output, but of the input */
    uint64_t numbers, primes, bad, failed; /* so far */
};

enum { PP_LEDGER_STOP = 1 }; /* strict, and there was a bad line */

/* 0 or -ENOMEM. */
int pp_ledger_open(struct pp_ledger *ledger, const struct pp_job *job, struct pp_output *output, bool quiet);
void pp_ledger_close(struct pp_ledger *ledger);

/* The answer to a piece. 0; PP_LEDGER_STOP; -EBADMSG: it is none; -errno: the output failed. *answer becomes
 * its head. */
int pp_ledger_add(struct pp_ledger *ledger, const struct pp_piece *piece, const void *bytes, size_t size,
                  struct pp_answer *answer);

/* The piece, a single line or number, has none: its task failed, `cause` says how. `kind` and `n` are what
 * the line is; of a bad one `excerpt` is shown. Returns as pp_ledger_add. */
struct pp_loss {
    uint64_t lines; /* that begin in the piece: 0 or 1 */
    enum pp_line_kind kind;
    uint64_t n;
    const char *excerpt;
    size_t excerpt_size;
    const char *cause;
};
int pp_ledger_lose(struct pp_ledger *ledger, const struct pp_piece *piece, const struct pp_loss *loss);

#endif
