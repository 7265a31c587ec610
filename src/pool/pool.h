#ifndef POOL_POOL_H
#define POOL_POOL_H

/* Worker processes and the pipes to them, by slot: fork, send, receive, take back, end, reap. What to send to
 * whom is decided a floor above.
 *
 * One task's round trip, with the functions it meets:
 *
 *   parent   pp_pool_send         appends a frame to the slot's out-queue; a large one goes to the pipe at once
 *            pp_pool_flush        writes of it to the request pipe what that takes without blocking
 *   worker   pp_worker_run        reads, claims, runs, answers (worker.c)
 *   parent   poll                 on pool->pollfds
 *            pp_pool_receive      reads what has come from a reply pipe
 *            pp_pool_next_reply   takes one reply after the other out of it
 *
 * A worker's end is noticed as EOF on its reply pipe; pp_pool_reap then tells how it ended. For that, no
 * process but the worker itself may hold the write end of its reply pipe, and none but the parent the write
 * ends of its request and liveness pipes: each child closes everything that belongs to its siblings, in all
 * pools of the process.
 *
 * No call here blocks, but for pp_pool_reap and pp_pool_close, which wait for processes that were killed. */

#include "claim.h"
#include "frame.h"
#include "shared_pages.h"
#include "timer.h"
#include "worker.h"

#include <poll.h>
#include <sys/types.h>

enum pp_slot_state {
    PP_SLOT_EMPTY,   /* no process */
    PP_SLOT_OPEN,    /* its worker takes requests */
    PP_SLOT_LEAVING, /* its request pipe is closed: the worker exits when it has answered what it has */
    PP_SLOT_ENDED    /* nothing more will come from it: it exits, or it has been killed; to be reaped soon */
};

/* How a process ended. */
struct pp_exit {
    pid_t pid;
    int signal;      /* that killed it; 0: none */
    int exit_status; /* -1: it did not exit by itself, or nobody knows */
};

struct pp_slot {
    enum pp_slot_state state;
    pid_t pid;            /* 0 when EMPTY */
    int requests_to;      /* OPEN: owned here; -1 otherwise */
    int requests_from;    /* OPEN: owned here, never read: it keeps SIGPIPE away; -1 otherwise */
    int replies_from;     /* OPEN, LEAVING: owned here; -1 otherwise */
    int liveness_to;      /* not EMPTY: owned here; its closing kills the worker */
    struct pp_buffer out; /* frames, the first perhaps written in part; no memory while there are none */
    size_t out_rest; /* bytes of that first frame that are still in `out`; 0: it begins with a whole one */
    struct pp_buffer in; /* the part of a frame, while no receive is under way */
    uint32_t epoch;
    uint32_t sent;           /* frames in this epoch */
    uint64_t claimed_before; /* frames claimed in the epochs before */
    uint64_t answered;       /* replies received */
    bool greeted;            /* the hello was received */
    bool requests_widened;   /* its pipe was found full, and more was asked for */
    bool replies_widened;
};

struct pp_pool {
    struct pp_pool *next_pool; /* of those open in this process */
    size_t count;
    size_t used; /* slots from here on were never used */
    struct pp_slot *slots;
    struct pollfd *pollfds; /* two a slot: its reply pipe, and its request pipe while frames wait for room;
                               and behind those of the used slots two for the caller of poll */
    struct pp_timer timer;  /* the caller's, for use with poll; here so that the children close it */
    struct pp_shared_pages pages;
    size_t pipe_bytes;                     /* what a pipe that was found full is to hold; 0: what it holds */
    struct pp_worker_memory worker_memory; /* never touched here: each worker has a copy of its own */
    struct pp_spares spares_in;            /* memory for the in-queues: only part of a frame keeps it long */
    struct pp_spares spares_out;           /* and for the out-queues */
    uint32_t epoch_limit;                  /* frames that an epoch may have; only tests make it small */
    int (*initializer)(void *);
    void *initializer_context;
};

/* Opens a pool of `count` empty slots. The initializer may be NULL. 0 or -errno. */
int pp_pool_open(struct pp_pool **pool, size_t count, int (*initializer)(void *), void *initializer_context);

/* Kills and reaps what is left, and frees everything. NULL does nothing. */
void pp_pool_close(struct pp_pool *pool);

/* Forks a worker into an EMPTY slot, which is OPEN then. 0, or -errno; then the slot is EMPTY. */
int pp_pool_spawn(struct pp_pool *pool, size_t slot);

/* Appends a request to an OPEN slot's out-queue. *ordinal becomes its place among all that this worker
 * claims, if it is not taken back. 0; -ENOMEM; -EOVERFLOW: the epoch is full, so take back first. */
int pp_pool_send(struct pp_pool *pool, size_t slot, pp_worker_task *task, const void *arg, size_t size,
                 uint64_t *ordinal);

/* Writes as much of the out-queue as the pipe takes at once. It does not matter whether the worker still
 * reads (EOF on its reply pipe will tell): the parent holds the read end too, so a write never raises SIGPIPE
 * in a process whose signals are not ours. If the pipe cannot be written for another reason the worker is
 * killed. */
void pp_pool_flush(struct pp_pool *pool, size_t slot);

/* Reads once from the reply pipe of an OPEN or LEAVING slot. How many bytes came; 0: the slot is ENDED;
 * -EAGAIN: nothing now; -ENOMEM: nothing was read. */
ssize_t pp_pool_receive(struct pp_pool *pool, size_t slot);

struct pp_reply_view {
    enum pp_reply_kind kind;
    int code;
    const void *payload; /* aligned for any type; lives until the next call for the pool */
    size_t size;
    uint64_t nanoseconds;
};

/* The next whole reply among what was received; to be asked until there is none before the next receive. The
 * first of a worker is its hello, and no more of the others come than requests were sent. 1: there is one; 0:
 * no more; -EPROTO: these bytes, or the claim word that goes with them, are none of the protocol's: nothing
 * further of the slot is believed, it has been killed and is ENDED. */
int pp_pool_next_reply(struct pp_pool *pool, size_t slot, struct pp_reply_view *reply);

/* How many requests the worker has claimed since it was spawned, answered ones included. 0; -EPROTO: the
 * claim word was overwritten; *claimed is then what was answered. */
int pp_pool_claimed(const struct pp_pool *pool, size_t slot, uint64_t *claimed);

/* Takes back what has not been claimed. As pp_pool_claimed, and *claimed does not grow any more until
 * something is sent. -EPROTO: moreover the worker has been killed, and the slot is ENDED. */
int pp_pool_take_back(struct pp_pool *pool, size_t slot, uint64_t *claimed);

/* When the task claimed last began, by pp_clock_ns; as the worker says. */
uint64_t pp_pool_started_ns(const struct pp_pool *pool, size_t slot);

/* Closes the request pipe of an OPEN slot whose requests have all been answered or taken back: it is LEAVING.
 */
void pp_pool_retire(struct pp_pool *pool, size_t slot);

/* Kills the worker at once. Its replies that are in the pipe can still be received; then it is ENDED. */
void pp_pool_kill(struct pp_pool *pool, size_t slot);

/* Ends a slot that is not EMPTY: kills the process if it has not ended by itself, reaps it, and tells how it
 * ended. A process that was about to exit keeps the exit status that it chose; one that merely closed its
 * reply pipe is told as killed. Waits for no longer than the system takes to end a killed process. Replies
 * that were not received are lost, so receive until the slot is ENDED, or until -EAGAIN, before. The slot is
 * EMPTY. */
void pp_pool_reap(struct pp_pool *pool, size_t slot, struct pp_exit *how);

/* Whether the process has ended, without reaping it. A process that still has its pipes open in a child of
 * its own may have ended without EOF. */
bool pp_pool_has_exited(const struct pp_pool *pool, size_t slot);

#endif
