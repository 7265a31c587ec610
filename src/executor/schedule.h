#ifndef EXECUTOR_SCHEDULE_H
#define EXECUTOR_SCHEDULE_H

/* Who runs what, and when. A pure state machine: events go in, actions come out. It knows no descriptor, no
 * process, no clock and makes no system call, so it can be driven by the executor or by a simulated world
 * alike. schedule.c tells the policy. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pp_cost;

/* Where a job is.
 *
 *             submit   resubmit   remove   send     reply   taken back      died
 *   NONE      QUEUE    QUEUE      -        -        -       -               -
 *   QUEUE     -        -          NONE     WINDOW   -       -               -
 *   WINDOW    -        -          -        -        NONE    QUEUE, or       QUEUE, or
 *                                                           WINDOW if       NONE: the guilty one
 *                                                           claimed                             "-": cannot happen */
enum pp_place {
    PP_PLACE_NONE,   /* the caller's: not submitted, or finished */
    PP_PLACE_QUEUE,  /* waits for a worker */
    PP_PLACE_WINDOW, /* sent to a worker: the worker may have claimed it or not */
    PP_PLACE_COUNT
};

/* A task as the schedule sees it; a part of whatever the caller knows about it. */
struct pp_job {
    struct pp_job *next; /* in its queue or window; free for the caller while the place is NONE */
    struct pp_job *previous;
    struct pp_cost *cost; /* what is known of its function */
    uint64_t expected_ns; /* as counted in its window */
    uint32_t size;        /* of its argument, in bytes */
    uint32_t lane;        /* WINDOW: whose */
    uint32_t returns;     /* how often it was the next and a silent worker had not begun it, up to a limit */
    enum pp_place place;
    bool
        alone; /* it may have ended a worker: it is sent to one that has nothing else, and nothing behind it */
};

struct pp_job_list {
    struct pp_job *first;
    struct pp_job *last;
    size_t count;
};

/* What the schedule knows of one worker is its state and, of a READY one, its list.
 *
 *             spawned   hello     send      reply           taken back              retire    died
 *   ABSENT    NEW       -         -         -               -                       -         -
 *   NEW       -         IDLE      NOWHERE   -               -                       -         ABSENT
 *   IDLE      -         -         NOWHERE   -               -                       LEAVING   ABSENT
 *   NOWHERE   -         NOWHERE   NOWHERE   SERVED, or      NOWHERE, or if it has   -         ABSENT
 *                                           after its       nothing left NEW,
 *                                           last IDLE       IDLE, SUSPECT
 *   SERVED    -         -         NOWHERE   SERVED, IDLE    NOWHERE, IDLE, SUSPECT  -         ABSENT
 *   SUSPECT   -         IDLE      NOWHERE   -               -                       -         ABSENT
 *   LEAVING   -         -         -         -               -                       -         ABSENT
 *
 * "-": cannot happen. A SERVED lane that has no room for what is to be sent goes NOWHERE until it answers again.
 * One that becomes SUSPECT is late until it answers or says hello. */
enum pp_lane_state { PP_LANE_ABSENT, PP_LANE_READY, PP_LANE_LEAVING };

enum pp_lane_list {
    PP_LISTED_NOWHERE, /* busy, and silent since it was last filled; or not READY */
    PP_LISTED_IDLE,    /* READY, with an empty window, has said hello and is not late */
    PP_LISTED_SERVED,  /* has answered since it was last filled, and has more to answer */
    PP_LISTED_NEW,     /* READY, with an empty window, has not said hello yet and is not late */
    PP_LISTED_SUSPECT, /* READY, with an empty window, but late: it did not begin what it was sent */
    PP_LISTED_COUNT
};

struct pp_lane {
    struct pp_job_list window; /* in the order sent */
    uint64_t window_ns;        /* expected time of all in it */
    size_t window_bytes;
    uint64_t credit_ns; /* how much the window may hold */
    uint64_t
        progress_ns; /* when it last answered, took in a part, or was sent something after it had nothing */
    uint64_t tasks;  /* sent to this process and not taken back */
    struct pp_lane *next; /* in its list */
    struct pp_lane *previous;
    enum pp_lane_list list;
    enum pp_lane_state state;
    bool hello; /* it has told that it can work */
    bool late;  /* what it had not begun was taken back because it was silent, and it is silent still */
    bool tail_claimed; /* all in the window is known to be claimed: there is nothing to take back */
    bool rich;         /* there may be something to take back; counted in schedule->rich */
};

struct pp_lane_queue {
    struct pp_lane *first;
    struct pp_lane *last;
};

enum { PP_SCHEDULE_COSTS = 64 };

struct pp_schedule {
    struct pp_lane *lanes;
    size_t lane_count;
    size_t live;  /* lanes that are not ABSENT */
    size_t ready; /* lanes that are READY */
    struct pp_job_list queue;
    struct pp_lane_queue lists[PP_LISTED_COUNT];
    size_t rich;             /* lanes that are */
    struct pp_lane *filling; /* the lane that is being filled, for `share` more jobs */
    size_t share;
    uint64_t tasks_per_worker; /* 0: no limit */
    unsigned failures;         /* starts in a row that came to nothing */
    int failure_reason;
    uint64_t spawn_after_ns; /* no start before that */
    uint64_t heard_ns;       /* what workers said until then has been told */
    struct pp_cost *costs;
};

/* A schedule for at most `lanes` workers, each to be replaced after `tasks_per_worker` tasks (0: never).
 * False: no memory. */
bool pp_schedule_open(struct pp_schedule *schedule, size_t lanes, uint64_t tasks_per_worker);

/* Frees it. The jobs are the caller's. */
void pp_schedule_close(struct pp_schedule *schedule);

/* ---- Events ---- */

/* A new job for a function known by `key`, with an argument of `size` bytes. Returns whether some action may
 * follow at once: an idle worker or the right to start one. */
bool pp_schedule_submit(struct pp_schedule *schedule, struct pp_job *job, uint64_t key, size_t size);

/* A job that a dead worker had claimed is to run again: it comes before all others. */
void pp_schedule_resubmit(struct pp_schedule *schedule, struct pp_job *job);

/* A job in the QUEUE is not wanted any more. */
void pp_schedule_remove(struct pp_schedule *schedule, struct pp_job *job);

/* The first job of the queue, removed; NULL: there is none. */
struct pp_job *pp_schedule_remove_first(struct pp_schedule *schedule);

/* The worker can work. */
void pp_schedule_hello(struct pp_schedule *schedule, size_t lane, uint64_t now_ns);

/* The worker has answered its oldest job, which ran that long. Returns the job. The window must not be empty.
 */
struct pp_job *pp_schedule_reply(struct pp_schedule *schedule, size_t lane, uint64_t nanoseconds,
                                 uint64_t now_ns);

/* The worker takes in what it was sent, which is too much to be written at once. */
void pp_schedule_written(struct pp_schedule *schedule, size_t lane, uint64_t now_ns);

/* All that workers had said by then has been told: a worker that has not answered was silent. A busy parent
 * may be long behind the clock. */
void pp_schedule_heard(struct pp_schedule *schedule, uint64_t now_ns);

/* All that the worker had not claimed is the parent's again; `claimed` jobs of its window it keeps. Returns
 * how many came back: they are the first in the queue. */
size_t pp_schedule_taken_back(struct pp_schedule *schedule, size_t lane, size_t claimed);

/* The worker is gone (or has been told to leave and did). It had claimed `claimed` of the jobs in its window.
 * Returns the guilty one: the last it claimed, NULL: none; it is the caller's now. All others are the first
 * in the queue. */
struct pp_job *pp_schedule_died(struct pp_schedule *schedule, size_t lane, size_t claimed, uint64_t now_ns);

/* The worker is about to be gone, and nobody knows which of the first `count` jobs in its window it died of.
 * To be called before pp_schedule_died, which is then told of no claims; next time it will be known. */
void pp_schedule_suspect(struct pp_schedule *schedule, size_t lane, size_t count);

/* The worker that a SPAWN asked for has been started, or could not be: `error`. */
void pp_schedule_spawned(struct pp_schedule *schedule, size_t lane);
void pp_schedule_spawn_failed(struct pp_schedule *schedule, int error, uint64_t now_ns);

/* Why starts come to nothing: what a failed start or a failed initializer gave. */
void pp_schedule_blame(struct pp_schedule *schedule, int error);

/* ---- Actions ---- */

enum pp_action_kind {
    PP_ACTION_SEND,      /* `job` to `lane`: it is in its window already */
    PP_ACTION_TAKE_BACK, /* from `lane`; answer with pp_schedule_taken_back */
    PP_ACTION_SPAWN,     /* a worker for `lane`; answer with pp_schedule_spawned or _spawn_failed */
    PP_ACTION_RETIRE,    /* `lane` has done its number of tasks; it leaves and dies */
    PP_ACTION_GIVE_UP    /* no worker can be had: fail all in the queue for the reason `error` */
};

struct pp_action {
    enum pp_action_kind kind;
    size_t lane;
    struct pp_job *job;
    int error;
};

/* The next thing to do. False: nothing now. Ask until false after each round of events. */
bool pp_schedule_next(struct pp_schedule *schedule, uint64_t now_ns, struct pp_action *action);

/* When to ask again even if no event comes; UINT64_MAX: never. */
uint64_t pp_schedule_deadline(const struct pp_schedule *schedule);

#endif
