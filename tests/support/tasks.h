#ifndef TESTS_TASKS_H
#define TESTS_TASKS_H

/* Tasks that the suites of the executor have in common, and the ropes to lead them by. A task cannot use
 * ck_assert: it runs in a worker, which would merely die of it. */

#include "proc_pool/executor.h"

#include <check.h>

/* Replies with its argument. */
int task_echo(const void *arg, size_t arg_size, pp_reply *reply);

/* Replies with the worker's pid. */
int task_pid(const void *arg, size_t arg_size, pp_reply *reply);

/* Its argument is an int, the code to return, and behind it the text. */
int task_fail(const void *arg, size_t arg_size, pp_reply *reply);

/* Its argument is one of these, as an int. */
enum death { DIE_SEGV, DIE_ABORT, DIE_EXIT_0, DIE_EXIT_3, DIE_KILL, DIE_TERM, DEATHS };
int task_die(const void *arg, size_t arg_size, pp_reply *reply);

/* What pp_attempt says of such an end. */
int death_signal(enum death death);
int death_exit_status(enum death death);

/* A gate that holds tasks up. Opened before the workers are forked. A task at the gate writes a byte to
 * `here` when it has begun, waits until it can take one byte out of `go`, and replies with the worker's pid. */
struct gate {
    int here_from;
    int here_to;
    int go_from;
    int go_to;
};

void gate_open(struct gate *gate);
void gate_close(struct gate *gate);

/* Lets `count` tasks through. */
void gate_let_through(const struct gate *gate, size_t count);

/* Waits until `count` more tasks are at the gate, without stepping any executor. */
void gate_await(const struct gate *gate, size_t count);

/* Its argument is a gate, or nothing: then it ends at once. It is one function, so nobody can know. */
int task_gate(const void *arg, size_t arg_size, pp_reply *reply);

/* Counters in memory that workers and parent share: how often something was executed. */
unsigned *shared_counters(size_t count);
void shared_counters_free(unsigned *counters, size_t count);

/* Adds one to a counter. Its argument is a struct tally. Replies with `index`. */
struct tally {
    unsigned *counters;
    size_t index;
    size_t
        death; /* enum death; DEATHS: none. Not that type: valgrind would complain of the hole behind it. */
};
/* Without argument it does nothing. */
int task_tally(const void *arg, size_t arg_size, pp_reply *reply);

/* Runs for ever, and hard. */
int task_spin(const void *arg, size_t arg_size, pp_reply *reply);

/* ---- Shorthands that assert success ---- */

pp_executor *open_executor(size_t workers);
pp_executor *open_executor_with(const struct pp_options *options);
pp_future *submit(pp_executor *executor, pp_task *task, const void *arg, size_t arg_size);
pp_future *submit_gate(pp_executor *executor, const struct gate *gate);
pp_future *submit_death(pp_executor *executor, enum death death);

/* Makes known that the function costs next to nothing, if it does so without argument. */
void make_cheap(pp_executor *executor, pp_task *task);

/* What was submitted after this goes to the only worker together, as far as it is expected to cost little. */
void keep_busy_first(pp_executor *executor);

/* The result as an int, after waiting for it. The future stays. */
int int_result(pp_future *future);

/* The future is done, failed with PP_E_CRASH, and its last attempt ended this way. */
void assert_died(pp_future *future, int signal, int exit_status);

/* Waits for a process that is not a child of this one to be gone, or be a zombie; milliseconds it took at
 * most, -1: it is still there after `limit_ms`. */
long await_gone(int pid, long limit_ms);

/* Milliseconds on the monotonic clock. */
double now_ms(void);

#endif
