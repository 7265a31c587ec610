#ifndef TESTS_SIMULATOR_PARTS_H
#define TESTS_SIMULATOR_PARTS_H

/* What the simulated world is made of, for its own rooms:
 *
 *   simulator_worlds.c   draws and describes worlds
 *   simulator_clock.c    time, and what happens next
 *   simulator_worker.c   worker processes and their pipes
 *   simulator_parent.c   the parent: the caller, the step, and what the schedule wants done
 *   simulator_checks.c   what is promised, as seen from outside of the schedule
 *   simulator.c          tasks, faults, and a run from begin to end
 *
 * A process has one piece of work at a time and, when that is done, goes on to its next phase:
 *
 *   parent   CALLER -> HAND_OUT [-> POLL -> TAKE_IN -> HAND_OUT] -> FLUSH (a write each) -> POLL -> ASLEEP
 *                   -> TAKE_IN (a read each) -> HAND_OUT -> FLUSH -> CALLER
 *   worker   STARTING -> (READING | READ -> RUNNING ... -> WRITE [WRITING] -> ...) -> GONE */

#include "support/simulator.h"
#include "support/simulator_clock.h"
#include "support/simulator_random.h"

#include "executor/schedule.h"

enum { PIPE_BYTES = 64 * 1024, NS_PER_MS = 1000000 };

/* What a worker that crashed while it started is blamed for, and the first of what initializers return. */
enum { CRASHED = -1, REFUSED = -2 };

struct task {
    struct pp_job job;
    uint64_t duration_ns;
    uint64_t key;
    size_t size; /* of its argument */
    uint64_t done_ns;
    unsigned attempts;
    bool sent; /* at least once */
    bool submitted;
    bool started; /* claimed by a worker that lives, or done */
    bool done;
    bool cancelled; /* done, while a worker had it */
    bool suspect;   /* it may have ended a worker */
    bool deadly;
};

struct frame {
    struct task *task;
    uint64_t epoch;
    uint64_t size;
    uint64_t left; /* of it: bytes that were not written yet */
};

struct reply {
    struct task *task; /* NULL: a hello */
    uint64_t nanoseconds;
};

/* A queue in a ring, of two kinds of item, cut in stretches by its user. */
struct ring {
    void *items;
    size_t item_size;
    size_t capacity; /* a power of two */
    uint64_t begin;
    uint64_t end;
};

/* A time, and how long the parent had been busy until then: what is counted from a moment on is time in which
 * the parent could have acted. */
struct moment {
    uint64_t time;
    uint64_t parent_busy;
};

enum phase { GONE, STARTING, READING, READ, RUNNING, WRITE, WRITING };

struct worker {
    enum phase phase;
    bool stopped;
    bool busy;    /* has work under way, or left when stopped */
    bool eof;     /* its request pipe is closed */
    bool process; /* there is one, dead or alive, that was not reaped */
    bool waking;
    bool dirty;
    bool dies_at_start;
    int start_code; /* of a worker that dies at its start: what it tells, or CRASHED */
    bool refused;   /* it has told */
    bool obscure;   /* nobody knows what it died of */
    bool idle;      /* it waits for a request, and none is on its way */
    bool mute;      /* it had begun nothing for long when that was taken back, and has begun nothing since */
    uint64_t work_left; /* while stopped; else when its work ends, on the clock of work */
    uint64_t cost;      /* to be spent with its next piece of work */
    struct ring frames; /* [begin, piped): read; [piped, unsent): in the pipe; [unsent, end): the parent's */
    uint64_t piped;     /* the first of the parent's may have been written in part */
    uint64_t unsent;
    uint64_t in_pipe;         /* bytes */
    uint64_t unwritten_bytes; /* of the parent's frames */
    struct ring replies;      /* [begin, unwritten): in the pipe; [unwritten, end): the worker's */
    uint64_t unwritten;
    struct task *running;
    uint64_t oldest_began_ns; /* of the tasks whose replies are not written */
    uint64_t slowness;
    uint64_t epoch;
    size_t claimed; /* tasks claimed and not answered, as the parent counts the answers */
    struct moment idle_since;
    struct moment
        progress; /* when it last began or answered a task, took in a part, or was sent the first that
                               it has not begun */
    /* What it holds, counted by what was sent, answered and taken back. */
    size_t held;
    uint64_t held_ns;
    uint64_t held_bytes;
};

enum parent_phase { CALLER, HAND_OUT, FLUSH, POLL, ASLEEP, TAKE_IN, AWAY };

/* What the parent listens for. */
enum listening { FOR_ALL, BEFORE_A_START, AMONG_SUBMITS };

struct simulator {
    const struct simulator_world *world;
    struct simulator_result *result;
    struct pp_schedule schedule;
    struct task *tasks;
    struct worker *workers;
    struct sim_clock clock;
    struct random random;
    /* The parent. */
    enum parent_phase phase;
    enum parent_phase after_flush;
    enum listening listening;
    bool awake_soon;
    uint64_t cost; /* to be spent with the next piece of work */
    uint64_t busy_since;
    bool is_busy;
    uint64_t hand_out_ns;
    size_t actions; /* in this round */
    bool listened;
    bool spawning;
    size_t spawn_lane;
    bool flushing;
    size_t flush_lane;
    bool polled;
    size_t *dirty;
    size_t dirty_count;
    size_t *ready;
    size_t ready_count;
    size_t ready_index;
    bool reading;
    bool submitting;
    size_t submits; /* since the last step */
    size_t look_at; /* at which of them to look at the clock */
    size_t look_gap;
    uint64_t deadline;
    bool timed_out;
    uint64_t heard_ns;
    /* The tasks. */
    size_t submitted;
    size_t finished;
    size_t unstarted;
    size_t consumed;
    size_t *outcomes; /* tasks, in the order of their outcomes */
    uint64_t next_submit_ns;
    /* What the checks remember. */
    size_t *given; /* tasks, in the order in which the caller was given their outcomes */
    size_t open;   /* submitted and not given */
    struct moment unstarted_since;
    struct moment excused_since; /* when one that does not run was last sent something */
    size_t first_sends;          /* the tasks before this one have been sent at least once, or cancelled */
    size_t returned;             /* tasks in the queue that were sent before */
    size_t part_lane;            /* who is being filled, and how many more he may be sent */
    size_t part;
    size_t failures_in_a_row;
    uint64_t last_failure_ns;
    int last_failure;
    /* Faults still to come. */
    size_t failed_spawns;
    size_t failed_starts;
    size_t cancels;
    size_t force_cancels;
    bool failed;
    bool over;
};

/* ---- The world (simulator.c) ---- */

static inline uint32_t parent_of(const struct simulator *sim)
{
    return (uint32_t)sim->world->workers;
}

static inline uint32_t lane_of(const struct simulator *sim, const struct worker *worker)
{
    return (uint32_t)(worker - sim->workers);
}

uint64_t sim_frame_bytes(size_t payload);
uint64_t sim_copy_ns(const struct simulator *sim, uint64_t bytes);
void *sim_ring_push(struct ring *ring, size_t item_size);
struct frame *sim_frame_at(const struct worker *worker, uint64_t index);
struct reply *sim_reply_at(const struct worker *worker, uint64_t index);

/* ---- Workers and their pipes (simulator_worker.c) ---- */

void sim_worker_start(struct simulator *sim, size_t lane);

/* Something came for a worker that waits for it. */
void sim_worker_wake(struct simulator *sim, struct worker *worker);

/* What happens to it. */
void sim_worker_event(struct simulator *sim, struct worker *worker, enum event_kind kind);

/* The process ends. */
void sim_worker_vanish(struct simulator *sim, struct worker *worker);

/* ---- The parent (simulator_parent.c) ---- */

/* What happens to it; WORK_DONE also begins its life. */
void sim_parent_event(struct simulator *sim, enum event_kind kind);

/* A worker has written something, read what was in the way of a write, or is gone. */
void sim_parent_wake(struct simulator *sim);

/* ---- Checks (simulator_checks.c) ---- */

void sim_violation(struct simulator *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A check that stops this world if it fails. */
#define CHECK(condition, ...)                \
    do {                                     \
        if (!(condition)) {                  \
            sim_violation(sim, __VA_ARGS__); \
        }                                    \
    } while (0)

struct moment sim_moment_now(const struct simulator *sim);

/* What becomes of tasks. */
void sim_task_submitted(struct simulator *sim, struct task *task);
void sim_task_started(struct simulator *sim, struct task *task);
void sim_task_lost(struct simulator *sim, struct task *task); /* the worker that had started it is gone */
void sim_task_done(struct simulator *sim, struct task *task);
void sim_task_given(struct simulator *sim, size_t index); /* its outcome, to the caller */

/* The worker has nothing to do, or no longer. */
void sim_idle_begins(struct simulator *sim, struct worker *worker);
void sim_idle_ends(struct simulator *sim, struct worker *worker);

/* What was given to a worker will not begin soon, and the parent cannot know. */
void sim_excuse(struct simulator *sim);

/* The worker has begun or answered something, or what it had not begun is with it no more. */
void sim_silence_ends(struct simulator *sim, struct worker *worker);

/* A task has come into a window, or has left it for good (NULL: none has), and so many for the queue. */
void sim_check_send(struct simulator *sim, size_t lane, struct task *task);
void sim_check_left(struct simulator *sim, size_t lane, const struct pp_job *job, size_t returned);

/* A new round of sends begins. */
void sim_part_ends(struct simulator *sim);

/* Starts that come to nothing. */
void sim_start_blamed(struct simulator *sim, int reason);
void sim_start_failed(struct simulator *sim, uint64_t now_ns);
void sim_start_succeeded(struct simulator *sim);
void sim_check_spawn(struct simulator *sim, size_t lane);
void sim_check_give_up(struct simulator *sim, int reason);

/* The parent has nothing more to do now, and sleeps. */
void sim_check_asleep(struct simulator *sim);

/* All is over. */
void sim_check_end(struct simulator *sim);

#endif
