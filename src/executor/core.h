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
    uint64_t limit_check_ns; /* when a task may next overrun its time; UINT64_MAX: none can */
    uint64_t heartbeat_ns;   /* when to look next for workers that ended without EOF */
    uint64_t finished;
    bool closing;
    bool broken; /* strict, and a worker died */
    int broken_reason;
    struct pp_statistics statistics;
};

/* One step as pp_executor_step, which also watches `extra` (may be NULL), a descriptor that somebody else
 * waits for. */
int pp_executor_step_watching(struct pp_executor *executor, int timeout_ms, struct pollfd *extra);

/* The time at which a wait that begins now ends; UINT64_MAX: never. And what is left of it for poll. */
uint64_t pp_wait_end_ns(int timeout_ms);
int pp_wait_left_ms(uint64_t end_ns);

#endif
