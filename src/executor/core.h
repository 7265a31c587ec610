#ifndef EXECUTOR_CORE_H
#define EXECUTOR_CORE_H

/* The executor as its own floor sees it. */

#include "future.h"
#include "schedule.h"

#include "pool.h"

/* Why the executor killed a worker. */
enum pp_verdict {
    PP_VERDICT_NONE, /* it did not: the task crashed */
    PP_VERDICT_TASK_TIMEOUT,
    PP_VERDICT_NO_MEMORY, /* its answer could not be held */
    PP_VERDICT_CANCELLED
};

/* What the executor remembers of a lane besides what schedule and pool know. */
struct pp_seat {
    enum pp_verdict verdict;
    bool refused;     /* its initializer failed */
    bool garbled;     /* what came from it, or its claim word, was none of the protocol's */
    bool dirty;       /* in the list of lanes with frames to write */
    uint64_t seen;    /* claims counted when a time limit was last looked at */
    uint64_t seen_ns; /* when that count was first seen */
};

struct pp_executor {
    struct pp_options options;
    struct pp_pool *pool;
    struct pp_schedule schedule;
    struct pp_store *store;
    struct pp_seat *seats;
    size_t *dirty; /* lanes with frames to write */
    size_t dirty_count;
    size_t unfinished;
    size_t submits;          /* since the last step */
    size_t look_at;          /* at which of them to look at the clock */
    size_t look_gap;         /* how many later to look again */
    uint64_t limit_check_ns; /* when a task may next overrun its time; UINT64_MAX: none can */
    uint64_t heartbeat_ns;   /* when to look next for workers that ended without EOF */
    uint64_t finished;
    uint64_t told;           /* of those, by what steps have returned */
    unsigned char *reserved; /* room for an argument; NULL: none */
    size_t reserved_size;
    bool closing;
    bool broken; /* strict, and a worker died */
    int broken_reason;
    struct pp_statistics statistics;
};

/* ---- Futures become done (outcome.c) ---- */

/* What follows when a future has become done. */
static inline void pp_core_finish(struct pp_executor *executor, struct pp_future *future)
{
    executor->unfinished--;
    executor->finished++;
    pp_future_collect(future);
}

/* A future that is nowhere in the schedule becomes cancelled, or fails. */
void pp_core_cancel(struct pp_executor *executor, struct pp_future *future);
void pp_core_fail(struct pp_executor *executor, struct pp_future *future, int error, int code);

/* All that waits in the queue is cancelled, or fails for one reason. */
void pp_core_cancel_queued(struct pp_executor *executor);
void pp_core_fail_queued(struct pp_executor *executor, int error, int code);

/* Of the first `count` jobs of the queue, which came back from a worker, those that were cancelled meanwhile
 * are not wanted any more. */
void pp_core_drop_cancelled(struct pp_executor *executor, size_t count);

/* ---- The end of a worker (worker_end.c) ---- */

/* A worker is dead or dying: reaps it, and what it was running fails or runs again. */
void pp_core_bury(struct pp_executor *executor, size_t lane);

/* Reaps a worker of which nothing more is wanted. What it had comes back to the queue. */
void pp_core_dismiss(struct pp_executor *executor, size_t lane);

/* Kills and dismisses all workers. */
void pp_core_end_all_workers(struct pp_executor *executor);

/* ---- Time limits (time_limit.c) ---- */

/* Something was sent, which may begin at once. */
void pp_core_limit_begins(struct pp_executor *executor, uint64_t now_ns);

/* Kills the workers whose task has overrun its time. */
void pp_core_enforce_limits(struct pp_executor *executor, uint64_t now_ns);

/* ---- The step (step.c) ---- */

/* Something was submitted. Who submits in a burst will step before long; until then the idle workers are
 * given something, if `may_act`: the schedule may have something to do. The clock is looked at less
 * often while submits come fast, and at each when they do not. */
void pp_core_submitted(struct pp_executor *executor, bool may_act);

/* Carries out what the schedule wants. */
void pp_core_hand_out(struct pp_executor *executor, uint64_t now_ns);

/* What the worker has not begun comes back to the queue; if it turns out to be broken, it is buried. */
void pp_core_take_back(struct pp_executor *executor, size_t lane);

/* A worker that has ended without EOF, because a child of its own holds its pipes, is buried after what it said has
 * been taken in. Whether it had ended. */
bool pp_core_bury_if_dead(struct pp_executor *executor, size_t lane, uint64_t now_ns);

/* Polls the workers' pipes, and the extra descriptor if there is one, until then at most (0: does not wait). How
 * many are ready, or -errno. It may end with none before the time. */
int pp_core_poll(struct pp_executor *executor, uint64_t until_ns, struct pollfd *extra);

/* One step as pp_executor_step, which also watches `extra` (may be NULL), a descriptor that somebody else
 * waits for. */
int pp_executor_step_watching(struct pp_executor *executor, int timeout_ms, struct pollfd *extra);

#endif
