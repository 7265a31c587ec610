#ifndef TESTS_SIMULATOR_H
#define TESTS_SIMULATOR_H

/* The real schedule.c in a simulated world: virtual time, one parent, workers that read, claim, run, gather
 * replies and write them as worker.c does, pipes that fill up, wake-ups that take their time, and whatever
 * goes wrong with processes. A world follows from its description alone, so a failure can be seen again.
 *
 * While it runs, simulate checks of each schedule, by counts of its own:
 *   - every task has exactly one outcome, and is in exactly one list until then; replies come in the order of the
 *     window
 *   - every action is legal in the state that its lane is in
 *   - tasks are sent in the order submitted, and what came back before all others: nothing starves
 *   - a worker holds at most two tasks, or what its credit allows, which is from 7/8 to 16 ms of work as expected,
 *     and 256 KiB of arguments. Tasks of no bytes that are expected to take no time are bounded by this alone: at
 *     a time nobody is sent more than his even part of the queue
 *   - no worker is idle for longer than SIMULATOR_IDLE_BOUND_NS and two wake-ups while a task is unstarted, not
 *     counting the time in which the parent was busy. A worker is idle from when it first waits for a request. It is
 *     counted anew when the parent, which cannot know, sends something to a worker that is stopped or dead, when one
 *     is stopped that has something to begin, and when a part of a large argument has been written. A worker that
 *     had begun nothing for a millisecond when that was taken back does not count until it begins something: nobody
 *     can know whether it runs. When the parent sleeps and a task is queued no place for a worker is empty, but in
 *     the pause after a start that failed. (While nothing is queued that place is no idle
 *     worker here: when what lies behind another's task is fetched back for it, test_schedule says.)
 *   - no task that was sent and not begun is left with a worker that is silent meanwhile for longer than the
 *     patience with it, a millisecond and two wake-ups. Patience is SIMULATOR_PATIENCE_NS or four times what its
 *     function cost so far, whichever is more, and doubles each time that such a worker had begun nothing. Taking
 *     in a part of an argument is no silence
 *   - the task that a worker died in is the one that is blamed; if nobody knows which, all that it may have been
 *     are sent again, alone, and none is blamed
 *   - after a failed start there is a pause, which doubles; only when there is no worker after five in a row
 *     tasks fail, for the reason of the last
 *   - the deadline is right: asked before it, the schedule has nothing to do; asked at it, it has, or the
 *     deadline has moved; and it never lies in the past
 *   - nothing goes on for ever, and nothing is waited for in vain
 *   - without faults, the makespan is at most total / workers + longest, and what the parent and the start of
 *     the workers cost
 *
 * The parent and its caller are the simulator's own: they use the schedule as step.c, worker_end.c, cancel.c and
 * map.c do, but those are run by their own tests. Of a map is checked here that each result is given to the
 * caller once, in the order submitted (or as completed), and that no more than its look-ahead are under way. Time
 * limits are in here as what they are to a schedule: the parent takes back what a worker has not begun and kills
 * it. Sends that fail are not. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an idle worker waits for: until the owner of what it is to have has been silent for a millisecond, and one
 * up to which poll's limit is rounded. While nobody is idle there is more patience. */
#define SIMULATOR_IDLE_BOUND_NS UINT64_C(2000000)
#define SIMULATOR_PATIENCE_NS   UINT64_C(2000000)

/* What things cost, in ns. */
struct simulator_costs {
    uint64_t submit;    /* parent: a submit */
    uint64_t consume;   /* parent: what the caller does with a result */
    uint64_t send;      /* parent: to choose a worker and append the frame */
    uint64_t reply;     /* parent: to take in one reply */
    uint64_t step;      /* parent: the rest of a step */
    uint64_t poll;      /* a poll that does not wait */
    uint64_t poll_lane; /* and of it for each worker */
    uint64_t read;      /* a read */
    uint64_t write;     /* a write */
    uint64_t kilobyte;  /* and of either for each 1024 bytes */
    uint64_t waking;    /* of a write that wakes its reader, what comes on top */
    uint64_t wake;      /* from then until the reader runs */
    uint64_t sleep;     /* of the time of him who runs again: that he slept */
    uint64_t fork;      /* parent: a fork */
    uint64_t start;     /* from the fork to the hello */
    uint64_t reap;      /* parent: a dead worker */
    uint64_t task;      /* worker: a task, besides what it does */
};

enum simulator_load {
    SIMULATOR_UNIFORM,
    SIMULATOR_EXPONENTIAL,
    SIMULATOR_PARETO,
    SIMULATOR_BIMODAL, /* one task in a hundred takes a thousand times as long */
    SIMULATOR_ONE_LONG,
    SIMULATOR_BOOK, /* the book's sample over and over */
    SIMULATOR_LOADS
};

enum simulator_order { SIMULATOR_AS_DRAWN, SIMULATOR_ASCENDING, SIMULATOR_DESCENDING, SIMULATOR_ORDERS };

enum simulator_pattern {
    SIMULATOR_AT_ONCE,   /* all are submitted before the first wait */
    SIMULATOR_ORDERED,   /* as map does: look_ahead of them, results in order */
    SIMULATOR_COMPLETED, /* the same, results as completed */
    SIMULATOR_TRICKLE,   /* some now and then */
    SIMULATOR_PATTERNS
};

struct simulator_world {
    uint64_t seed;
    struct simulator_costs costs;
    size_t workers;
    size_t cores; /* shared evenly by all who can run; 0: one for each */
    size_t tasks;
    size_t tasks_per_worker;
    size_t functions; /* over which the tasks are spread; each has its own mean time */
    uint64_t mean_ns; /* of a task */
    size_t size;      /* of arguments and results, in bytes */
    size_t large;     /* of the arguments of one task in eight; 0: as the others */
    enum simulator_load load;
    enum simulator_order order;
    enum simulator_pattern pattern;
    size_t look_ahead;
    uint64_t pause_ns; /* TRICKLE: between bursts, on average */
    unsigned retries;
    /* Faults: how many of each, at random times. */
    size_t kills;          /* of a random worker */
    size_t obscure_kills;  /* the same, and nobody knows which task did it */
    size_t stops;          /* of a random worker, for a random time */
    size_t stops_for_good; /* until somebody kills it, a long time later */
    size_t deadly;         /* tasks that their worker dies of, at the first attempt */
    size_t cancels;        /* of random tasks, if it is not too late */
    size_t force_cancels;  /* of random tasks that are running: the parent kills their worker */
    size_t slow;           /* workers that take ten times as long */
    size_t failed_spawns;  /* forks that fail */
    size_t failed_starts;  /* workers that die before they say hello */
};

struct simulator_result {
    char violation[200]; /* "": none */
    uint64_t makespan_ns;
    uint64_t parent_busy_ns;
    uint64_t total_ns; /* of all tasks */
    uint64_t longest_ns;
    uint64_t idle_ns; /* the longest time that a worker was idle as above */
    uint64_t events;
    uint64_t taken_back;    /* tasks */
    uint64_t workers;       /* the most that there were at a time */
    uint64_t parts_written; /* of arguments that took several writes */
    uint64_t suspects;      /* tasks */
    uint64_t busy_kills;    /* workers that were killed because of what they were at */
    uint64_t given_up;      /* times that no worker could be had */
};

/* A world drawn at random. */
struct simulator_world simulator_draw(uint64_t seed);

/* Runs it. False: *result tells which check failed, and when. */
bool simulate(const struct simulator_world *world, struct simulator_result *result);

/* What makes the world, in a line of text. */
void simulator_describe(const struct simulator_world *world, char *text, size_t size);

#endif
