#ifndef PROC_POOL_EXECUTOR_H
#define PROC_POOL_EXECUTOR_H

/* executor.h: futures over crash-isolated worker processes.
 *
 * An executor owns a number of forked worker processes. A caller submits calls of plain C functions of its
 * own program and gets a future for each; the call runs in a worker, its result comes back as bytes. A task
 * that crashes, hangs or leaks harms nobody but itself. pp_map runs one function over a stream of items,
 * results in order or as completed.
 *
 * The caller's wait is the event loop. There are no helper threads and no signal handlers: work is handed out
 * and results are taken in only inside calls of this header, and only those that say so block. A caller with
 * an event loop of its own polls the descriptors of pp_executor_pollfds and calls pp_executor_step with a
 * timeout of 0.
 *
 * What is promised: each task has exactly one outcome. It is executed at least once if it was not cancelled;
 * a task that was running when its worker died is executed again only if options.retries allows it, one that
 * a dying worker had finished but not yet reported is executed again in any case. Tasks must bear that.
 *
 * What a task does to its worker's memory and descriptors can hurt tasks that run there before it is noticed.
 * If the claim word or the pipes of a worker that ended were overwritten, nobody knows who it was: all that
 * it may have been run again, each alone. A task that closes descriptors that are not its own and returns may
 * have the next one blamed.
 *
 * Workers are forked, not exec'ed, at the time they are needed: they see the program's memory as it was then,
 * so a function pointer means the same on both sides, and what they change in memory stays with them.
 *
 * What a caller must not do, and what the library does not do:
 *   - An executor and its futures belong to one thread at a time. Calls for different executors may run
 *     in parallel.
 *   - fork in a program with threads copies only the calling thread: tasks of such a program must not
 *     need a lock that another thread may have held. The library itself takes none between fork and the
 *     first task.
 *   - A child that the caller forks of its own inherits the executor's descriptors until it execs (all
 *     are close-on-exec). It must not call into the executor, and while it lives workers do not see the
 *     parent's death.
 *   - The library waits only for processes that it started (never waitpid(-1)), changes no signal
 *     disposition and leaves no signal mask changed in the caller. With SIGCHLD ignored the kernel reaps
 *     the workers itself; then a crash is still noticed but its cause is unknown (signal 0, exit status
 *     -1).
 *   - stdio: a worker inherits what was not flushed at the fork, and leaves by _exit, which flushes
 *     nothing. Flush before pp_executor_open; a task that prints must flush (or write(2)) itself.
 *
 * In a worker: SIGINT is ignored (the program decides what ^C means), SIGIO ends the process (it or, on
 * Linux, SIGKILL comes when the parent dies), other signals that the program caught have their default
 * action, none is blocked.
 *
 * Errors: calls return 0 or a negative code: -errno for what the system said, or one of enum pp_error.
 * pp_strerror names both. A call that fails changes nothing unless it says otherwise. Times are in
 * milliseconds on the monotonic clock; a timeout of 0 does not block, a negative one waits for ever. */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum pp_error {
    PP_E_CANCELLED = -10001,    /* the task was cancelled before it ran, or killed on request */
    PP_E_TIMEOUT = -10002,      /* a wait ended before what it waited for; the task goes on */
    PP_E_TASK = -10003,         /* the task returned an error code of its own */
    PP_E_TASK_TIMEOUT = -10004, /* the task ran over its time limit, and its worker was killed */
    PP_E_CRASH = -10005,        /* the worker that ran the task died of it */
    PP_E_NO_WORKERS = -10006,   /* no worker could be started, or (strict) one died */
    PP_E_STATE = -10007,        /* the future is not in a state for this call */
    PP_E_CLOSED = -10008,       /* the executor is being closed */
    PP_E_AGAIN = -10009,        /* a source has nothing now, but may have later */
    PP_E_END = -10010           /* there is no further item */
};

/* A message for any code of this header, for -errno, and "success" for 0. Static or per-thread storage; never
 * NULL. */
const char *pp_strerror(int error);

/* The CPUs that this process may use: the least of those online, those of its affinity mask, and the CPU
 * quota of its cgroups along the whole path, rounded up. At least 1. Does not block. */
size_t pp_cpu_count(void);

/* ---- Tasks: what runs in the worker ---- */

/* The reply that a task fills in. Lives until the task returns. */
typedef struct pp_reply pp_reply;

/* A task. `arg` are the bytes given to submit, aligned for any type, the task's to change until it returns;
 * `arg_size` may be 0. Returns 0 for success: what it appended to `reply` is the result; anything else is the
 * task's own error code, and what it appended is the error's text. A task may block, crash, exit or never
 * return. */
typedef int pp_task(const void *arg, size_t arg_size, pp_reply *reply);

/* Appends `size` bytes to the reply. 0, or -ENOMEM, or -EMSGSIZE beyond PP_MAX_BYTES; then the reply is as
 * before. */
int pp_reply_append(pp_reply *reply, const void *bytes, size_t size);

/* Room for `size` bytes at the end of the reply, to be written in place; pp_reply_commit says how many of
 * them count. NULL when it cannot be had. Valid until the next call for this reply. The room for the first
 * bytes of a reply is aligned for any type. */
void *pp_reply_reserve(pp_reply *reply, size_t size);

/* Counts `size` bytes of the room reserved last as part of the reply. `size` is at most what was reserved. */
void pp_reply_commit(pp_reply *reply, size_t size);

/* The most bytes that an argument or a result may have. */
#define PP_MAX_BYTES ((size_t)1 << 30)

/* ---- The executor ---- */

typedef struct pp_executor pp_executor;
typedef struct pp_future pp_future;

/* All zero means the defaults. */
struct pp_options {
    size_t workers; /* how many worker processes at most, up to 4096; 0: pp_cpu_count() */
    int (*initializer)(
        void *); /* called once in each worker before any task; not 0: the worker cannot be used, and if five
                    in a row cannot, what is queued fails with PP_E_NO_WORKERS. task_timeout_ms does not end it:
                    it must return */
    void *initializer_context;     /* its argument */
    uint64_t task_timeout_ms;      /* how long a task may run, counted from when it starts; 0: for ever */
    unsigned retries;              /* how often a task is started again after the worker that ran it died; not
                                      after it ran over its time */
    unsigned max_tasks_per_worker; /* a worker is replaced after so many tasks; 0: never */
    bool strict; /* one worker's death fails everything that is pending, and every later submit */
};

/* Opens an executor. Starts no worker yet: they are forked when there is work for them, so a caller pays for
 * what it uses. `options` may be NULL (all defaults) and is copied. Does not block. On success *executor must
 * be closed with pp_executor_close. -EINVAL: more than 4096 workers; -ENOMEM, -EMFILE and so on: *executor is
 * NULL. */
int pp_executor_open(pp_executor **executor, const struct pp_options *options);

/* Submits task(arg, arg_size). The bytes of `arg` are copied, unless they are in place (pp_executor_reserve).
 * The task is handed to a worker at once if one is known to be idle, and otherwise queued without bound: a
 * caller with an endless supply of tasks waits for some of its futures now and then, or uses pp_map. Who has
 * become idle is heard in each step; and if there was none for 0.1 ms, and 0.01 ms more for each worker, in the
 * next submit or in one of the fifteen after it. Never blocks. Callbacks do not run here: that is for the next
 * step. *future must be released with pp_future_release; `future` may be NULL when the result does not matter.
 * -EINVAL: no task; -EMSGSIZE: more than PP_MAX_BYTES; -ENOMEM; PP_E_CLOSED; PP_E_NO_WORKERS: strict, and a
 * worker died. */
int pp_executor_submit(pp_executor *executor, pp_task *task, const void *arg, size_t arg_size,
                       pp_future **future);

/* Room for an argument of at most `size` bytes, aligned for any type, to be written in place: a submit, or an
 * item of a map's source, whose `arg` is this very address takes the memory over if the argument fills at
 * least seven eighths of it, and nothing is copied. Valid, and the caller's to write, until then, until the
 * next pp_executor_reserve (which may give the same again), or until the executor is closed; a map that could
 * not submit it for want of memory still needs it when it is asked again. Worth its while from some ten
 * thousand bytes on. Does not block. NULL: no memory, or more than PP_MAX_BYTES. */
void *pp_executor_reserve(pp_executor *executor, size_t size);

/* One step: hands out work, waits at most `timeout_ms` for something to happen, takes in replies and deaths,
 * runs the callbacks of what became done. Returns how many futures have become done, in whatever way, since a
 * step last returned such a number (and waits for nothing if some have before it), or -errno if poll failed.
 * With nothing under way it returns at once. Callbacks may call anything here except close. */
int pp_executor_step(pp_executor *executor, int timeout_ms);

/* For callers with an event loop: the descriptors to poll before the next pp_executor_step(executor, 0), with
 * the events to poll for. Fills in at most `capacity` of them and returns how many there are; ask again after
 * each call that takes the executor. */
size_t pp_executor_pollfds(const pp_executor *executor, struct pollfd *fds, size_t capacity);

/* For callers with an event loop: in how many milliseconds the next step is due even if no descriptor is
 * ready; -1: none is. A timeout for poll. */
int pp_executor_next_deadline(const pp_executor *executor);

struct pp_statistics {
    size_t workers;           /* processes now */
    uint64_t workers_started; /* forks so far */
    uint64_t workers_died;    /* that ended without being asked to */
    uint64_t tasks_submitted;
    uint64_t tasks_done; /* with whatever outcome */
    uint64_t tasks_retried;
    uint64_t tasks_taken_back; /* sent ahead, and taken back before the worker began them */
};

void pp_executor_statistics(const pp_executor *executor, struct pp_statistics *statistics);

enum pp_close {
    PP_CLOSE_DRAIN,  /* run everything that was submitted */
    PP_CLOSE_CANCEL, /* cancel what has not started, wait for what runs */
    PP_CLOSE_KILL    /* kill the workers; what was not done is cancelled */
};

/* Closes the executor: as `how` says, then ends and reaps all workers. If that takes longer than `timeout_ms`
 * the rest is killed and PP_E_TIMEOUT is returned; likewise -errno if poll fails (not EINTR). The executor is
 * closed all the same. Blocks until then; callbacks run, and a submit from one of them fails with
 * PP_E_CLOSED. Every future is done afterwards and stays valid until it is released. Maps over the executor
 * must have been closed before. NULL does nothing. */
int pp_executor_close(pp_executor *executor, enum pp_close how, int timeout_ms);

/* ---- Futures ---- */

enum pp_state {
    PP_PENDING,   /* not started: queued, or sent to a worker that has not begun it */
    PP_RUNNING,   /* a worker has begun it and its answer was not taken in yet; the truth, not a guess */
    PP_SUCCEEDED, /* done: there is a result */
    PP_FAILED,    /* done: see pp_future_failure */
    PP_CANCELLED  /* done: it was not run, or was killed on request */
};

/* Does not block and takes nothing in: PENDING and RUNNING are as of now, done as of the last call that
 * steps or submits. */
enum pp_state pp_future_state(const pp_future *future);

/* SUCCEEDED, FAILED or CANCELLED. */
bool pp_future_is_done(const pp_future *future);

/* Blocks until the future is done, stepping its executor meanwhile. 0, PP_E_TIMEOUT, or -errno. */
int pp_future_wait(pp_future *future, int timeout_ms);

/* Waits like pp_future_wait, then gives the result: *bytes points at *size bytes that are aligned for any
 * type and live as long as the future (never NULL, also for size 0). 0; PP_E_TIMEOUT: not done in time; or
 * why there is no result: PP_E_CANCELLED, PP_E_TASK, PP_E_TASK_TIMEOUT, PP_E_CRASH, PP_E_NO_WORKERS, -ENOMEM
 * (the result did not fit into memory here). */
int pp_future_result(pp_future *future, int timeout_ms, const void **bytes, size_t *size);

/* How one attempt at a task ended. */
struct pp_attempt {
    pid_t pid;       /* of the worker; 0 if there was none */
    int signal;      /* that ended the worker; 0: none */
    int exit_status; /* that the worker exited with; -1: it did not exit by itself, or nobody knows */
};

struct pp_failure {
    int error;        /* PP_E_… or -errno, as pp_future_result returns it */
    int code;         /* PP_E_TASK: what the task returned; PP_E_NO_WORKERS: the reason, -errno or what
                         the initializer returned */
    const char *text; /* what the task appended, ended by a NUL; "" if nothing */
    size_t text_size; /* its bytes without that NUL */
    size_t attempts;  /* how many workers died of the task */
    const struct pp_attempt *history; /* of each of them, in order; the last is what ended it */
};

/* Why the task failed; NULL unless the state is PP_FAILED. Lives as long as the future. */
const struct pp_failure *pp_future_failure(const pp_future *future);

/* Cancels a task that has not started. 0: it is cancelled (or was already), will not run, and its callbacks
 * have run; PP_E_STATE: it runs or is done. Also takes back what was sent to a worker that has not begun it.
 * Does not block. */
int pp_future_cancel(pp_future *future);

/* Cancels a task even if it runs: its worker is killed and replaced. 0, or PP_E_STATE if it is done. Does not
 * block. */
int pp_future_kill(pp_future *future);

/* Calls callback(future, context) once when the future becomes done, from within the call that steps; at once
 * if it is done already and those added before have run or are running. Callbacks run in the order added,
 * each as often as it was added. 0 or -ENOMEM. */
typedef void pp_callback(pp_future *future, void *context);
int pp_future_on_done(pp_future *future, pp_callback *callback, void *context);

/* Gives the future back. A task that is not done goes on and its outcome is dropped. Callbacks still run; the
 * future is theirs until they return. NULL does nothing. */
void pp_future_release(pp_future *future);

/* ---- Waiting for several ---- */

enum pp_until {
    PP_UNTIL_FIRST_DONE,    /* at least one is done; at once if one is already */
    PP_UNTIL_FIRST_FAILURE, /* one has failed (cancelled is not failed), or all are done */
    PP_UNTIL_ALL_DONE
};

/* Blocks until `until` holds for the `count` futures, which may repeat and may belong to several executors.
 * *done (may be NULL) becomes the number of entries that are done. 0; PP_E_TIMEOUT; -errno; -EINVAL: no such
 * `until`. No futures: returns at once. */
int pp_wait(pp_future *const futures[], size_t count, enum pp_until until, int timeout_ms, size_t *done);

typedef struct pp_as_completed pp_as_completed;

/* Iterates over futures in the order in which they become done; those done already come first. A future that
 * occurs several times comes once. They may belong to several executors. The clock of `timeout_ms` starts
 * here. The array is not needed afterwards. The futures must not be released before they have come out;
 * afterwards they may be at once. 0 or -ENOMEM. */
int pp_as_completed_open(pp_as_completed **iterator, pp_future *const futures[], size_t count,
                         int timeout_ms);

/* The next one. Blocks. 0; PP_E_END: all have come; PP_E_TIMEOUT: time is up and none of the rest is done;
 * -errno. */
int pp_as_completed_next(pp_as_completed *iterator, pp_future **future);

/* How many have not come out yet. */
size_t pp_as_completed_left(const pp_as_completed *iterator);

/* Ends the iteration; the futures are untouched. NULL does nothing. */
void pp_as_completed_close(pp_as_completed *iterator);

/* ---- map ---- */

typedef struct pp_map pp_map;

/* One item from a source. */
struct pp_source_item {
    /* The argument's bytes: they must live until the source is called again, and are copied before that; or
     * what pp_executor_reserve gave. */
    const void *arg;
    size_t arg_size;
    int wait_fd; /* with PP_E_AGAIN: the descriptor that will be readable when there is more; -EINVAL ends the
                    map if none is given */
};

/* Where a map takes its items from; runs in the parent, within pp_map_next. 0: *item is the next item;
 * PP_E_END: there is no further one; PP_E_AGAIN: not now, ask again when item->wait_fd is readable; any other
 * negative code: the source failed. Is not called again after PP_E_END or a failure. A source that blocks
 * holds up the results meanwhile. */
typedef int pp_source(void *context, struct pp_source_item *item);

/* All zero means the defaults. */
struct pp_map_options {
    bool as_completed;       /* results as they come; default: in the order of the items */
    size_t look_ahead_bytes; /* how much may be under way: arguments and results that are not yet taken, with
                                what they cost in memory; results that are still to come count like those that
                                came. 0: 1 MiB and 64 KiB for each worker. Two tasks a worker always may, and
                                until the first result comes no more than that */
};

/* Runs task over all that `source` gives. Lazy: nothing is taken from the source before pp_map_next is
 * called, and never more than the look-ahead, so the source may be endless and the memory is bounded. 0 or
 * -ENOMEM, -EINVAL. Close with pp_map_close before the executor. Several maps may share an executor. */
int pp_map_open(pp_map **map, pp_executor *executor, pp_task *task, pp_source *source, void *source_context,
                const struct pp_map_options *options);

struct pp_map_item {
    uint64_t index;     /* of the item in the source, from 0 */
    int error;          /* 0, or as pp_future_result */
    const void *result; /* aligned for any type; never NULL */
    size_t result_size;
    const void *arg; /* what the source gave */
    size_t arg_size;
    const struct pp_failure *failure; /* NULL unless the task failed */
};

/* The next result. Blocks. An item whose task failed is an item like any other: the map goes on. What *item
 * points at lives until the next call for this map. 0; PP_E_END: all have come; PP_E_TIMEOUT; what the source
 * failed with, after all items that it gave have come; -errno. A result that is ready is given even when the
 * time is up. */
int pp_map_next(pp_map *map, struct pp_map_item *item, int timeout_ms);

/* Ends the map: what has not started is cancelled, what runs is left to itself. NULL does nothing. */
void pp_map_close(pp_map *map);

#endif
