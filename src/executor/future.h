#ifndef EXECUTOR_FUTURE_H
#define EXECUTOR_FUTURE_H

/* The future: a passive state machine. It is told what happens to its task and remembers it; it runs nothing
 * and waits for nothing.
 *
 *              submitted      start over     outcome                        released
 *   (free)     PENDING        -              -                              -
 *   PENDING    -              PENDING        SUCCEEDED, FAILED, CANCELLED   freed when it is done
 *   done       -              -              -                              freed      "-": cannot happen,
 * asserted
 *
 * PENDING and RUNNING are one state here: which of the two it is, the claim word knows. */

#include "payload.h"
#include "schedule.h"

#include "proc_pool/executor.h"

struct pp_store;

enum { PP_FUTURE_LINE = 64 }; /* what a cache line most often is */

/* Something that is to know when a future is done. */
struct pp_watcher {
    struct pp_watcher *next;
    void (*done)(struct pp_watcher *watcher, struct pp_future *future); /* NULL: a callback of the user's */
    pp_callback *callback;
    void *context;
};

/* Whose a future is, if it is part of something larger: told as soon as it is done. */
struct pp_owner {
    void (*done)(struct pp_owner *owner, struct pp_future *future);
};

/* How a failed task failed. */
struct pp_record {
    struct pp_failure failure;
    struct pp_attempt *attempts;
};

/* In the order in which it is needed, a cache line each: to queue and send it, to answer it, and seldom. */
struct pp_future {
    _Alignas(PP_FUTURE_LINE) struct pp_job job;
    pp_task *task;
    struct pp_payload arg;
    uint64_t ordinal;            /* of the job, when it was sent */
    struct pp_owner *owner;      /* NULL: nobody's */
    struct pp_payload result;    /* or the error's text */
    struct pp_watcher *watchers; /* in the order in which they came */
    int error;
    uint8_t state; /* an enum pp_state, never RUNNING */
    bool released;
    bool to_notify; /* its callbacks wait to be run */
    bool notifying; /* they are being run */
    struct pp_store *store;
    struct pp_future *next; /* in the owner's list, or among the free ones */
    struct pp_future *previous;
    uint64_t index;           /* the owner's */
    const void *mark;         /* NULL but while an array of futures is searched for repetitions */
    struct pp_record *record; /* of workers that died of it, or of its failure */
    struct pp_future *next_to_notify;
};

static inline bool pp_is_done(const struct pp_future *future)
{
    return future->state != PP_PENDING;
}

/* Where futures come from; outlives the executor until the last of them is released. */
struct pp_store {
    struct pp_executor *executor; /* NULL: closed */
    struct pp_future *free_futures;
    struct pp_chunk *chunks;
    size_t live;
    bool keeps_memory;              /* some free future may, for the payloads of the next */
    struct pp_future *notify_first; /* linked by next_to_notify */
    struct pp_future *notify_last;
};

static inline struct pp_future *pp_future_of(struct pp_job *job)
{
    return (struct pp_future *)job; /* its first member */
}

/* NULL: no memory. */
struct pp_store *pp_store_open(struct pp_executor *executor);

/* The executor is gone. Frees the store now, or with its last future. */
void pp_store_close(struct pp_store *store);

/* A PENDING future with a copy of the argument. NULL: no memory. */
struct pp_future *pp_future_open(struct pp_store *store, pp_task *task, const void *arg, size_t arg_size);

/* Frees a future that is released, done, not to be notified and whose job is nowhere; otherwise does nothing.
 * To be called when one of these may have become true. */
void pp_future_collect(struct pp_future *future);

/* The outcomes. Each tells the watchers; callbacks run at the next pp_store_notify. */
void pp_future_succeed(struct pp_future *future, const void *result, size_t size);
void pp_future_fail(struct pp_future *future, int error, int code, const void *text, size_t size);
void pp_future_become_cancelled(struct pp_future *future);

/* Remembers that a worker died of the task. How many have. */
size_t pp_future_add_attempt(struct pp_future *future, const struct pp_attempt *attempt);

/* Adds and removes a watcher of a future that is not done. */
void pp_future_watch(struct pp_future *future, struct pp_watcher *watcher);
void pp_future_unwatch(struct pp_future *future, struct pp_watcher *watcher);

/* Runs the callbacks of all that became done. They may add to them. */
void pp_store_notify(struct pp_store *store);

#endif
