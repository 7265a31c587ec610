/* When the parent dies, its workers are gone within ten milliseconds, whatever they do and whenever it
 * happens.
 *
 * Each round forks a process that has an executor, and kills it. All its descendants have inherited the write
 * end of one pipe, the witness: when that comes to its end, the last of them is gone. Ten milliseconds are a
 * promise about a machine that has time for it, so the best of several rounds counts; but gone they are in
 * every round. */

#include "support/harness.h"
#include "support/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 12, WORKERS = 3 };

/* ---- What a parent is doing when it dies. Each tells through the gate when it is ready. ---- */

static void be_here(const struct gate *gate)
{
    if (write(gate->here_to, "", 1) != 1) {
        _exit(1);
    }
}

static pp_executor *its_executor(size_t workers, unsigned tasks_per_worker)
{
    pp_executor *executor;
    const struct pp_options options = {.workers = workers, .max_tasks_per_worker = tasks_per_worker};
    if (pp_executor_open(&executor, &options) != 0) {
        _exit(1);
    }
    return executor;
}

/* An executor each of whose workers has such a task. */
static void occupy_workers(pp_task *task, const struct gate *gate)
{
    pp_executor *executor = its_executor(WORKERS, 0);
    for (int i = 0; i < WORKERS; i++) {
        pp_executor_submit(executor, task, gate, sizeof *gate, NULL);
    }
}

static void wait_for_ever(void)
{
    for (;;) {
        pause();
    }
}

static int task_here_and_spin(const void *arg, size_t arg_size, pp_reply *reply)
{
    struct gate gate;
    memcpy(&gate, arg, sizeof gate);
    be_here(&gate);
    return task_spin(arg, arg_size, reply);
}

static void idle(const struct gate *gate)
{
    pp_executor *executor = its_executor(WORKERS, 0);
    pp_future *futures[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        pp_executor_submit(executor, task_echo, "", 0, &futures[i]);
    }
    pp_wait(futures, WORKERS, PP_UNTIL_ALL_DONE, -1, NULL);
    be_here(gate);
    wait_for_ever();
}

static void busy(const struct gate *gate)
{
    occupy_workers(task_here_and_spin, gate);
    wait_for_ever();
}

static int task_here_and_block(const void *arg, size_t arg_size, pp_reply *reply)
{
    struct gate gate;
    memcpy(&gate, arg, sizeof gate);
    (void)arg_size;
    (void)reply;
    be_here(&gate);
    wait_for_ever();
    return 0;
}

static void blocked(const struct gate *gate)
{
    occupy_workers(task_here_and_block, gate);
    wait_for_ever();
}

static int task_fill(const void *arg, size_t arg_size, pp_reply *reply)
{
    struct gate gate;
    memcpy(&gate, arg, sizeof gate);
    (void)arg_size;
    pp_reply_commit(reply, pp_reply_reserve(reply, 1 << 20) != NULL ? 1 << 20 : 0);
    be_here(&gate);
    return 0;
}

/* Their answers fill the pipes, and nobody reads them. */
static void writing(const struct gate *gate)
{
    occupy_workers(task_fill, gate);
    wait_for_ever();
}

static void *start_workers(void *gate)
{
    occupy_workers(task_here_and_spin, gate);
    return NULL;
}

static void forking_thread_gone(const struct gate *gate)
{
    struct gate copy = *gate;
    pthread_t thread;
    if (pthread_create(&thread, NULL, start_workers, &copy) != 0) {
        _exit(1);
    }
    pthread_join(thread, NULL);
    wait_for_ever();
}

/* A worker with workers of its own. */
static int task_start_workers(const void *arg, size_t arg_size, pp_reply *reply)
{
    struct gate gate;
    memcpy(&gate, arg, sizeof gate);
    (void)arg_size;
    (void)reply;
    start_workers(&gate);
    wait_for_ever();
    return 0;
}

static void nested(const struct gate *gate)
{
    pp_executor_submit(its_executor(1, 0), task_start_workers, gate, sizeof *gate, NULL);
    wait_for_ever();
}

/* Always in the middle of something: sending, taking in, starting and ending workers. */
static void at_any_moment(const struct gate *gate)
{
    pp_executor *executor = its_executor(WORKERS, 20);
    for (int i = 0; i < WORKERS; i++) {
        be_here(gate);
    }
    for (;;) {
        pp_future *futures[50];
        for (int i = 0; i < 50; i++) {
            pp_executor_submit(executor, task_echo, "", 0, &futures[i]);
        }
        pp_wait(futures, 50, PP_UNTIL_ALL_DONE, -1, NULL);
        for (int i = 0; i < 50; i++) {
            pp_future_release(futures[i]);
        }
    }
}

static const struct {
    void (*act)(const struct gate *gate);
    size_t signs; /* how many are ready */
    bool wait_a_random_time;
} acts[] = {
    {idle, 1, false},
    {busy, WORKERS, false},
    {blocked, WORKERS, false},
    {writing, WORKERS, false},
    {forking_thread_gone, WORKERS, false},
    {nested, WORKERS, false},
    {at_any_moment, WORKERS, true},
};

/* Kills a parent; how long its workers outlive it, in milliseconds. */
static double outlived_by(size_t act, int round)
{
    int witness[2];
    struct gate gate;
    ck_assert_int_eq(pipe(witness), 0);
    gate_open(&gate);
    pid_t parent = fork();
    ck_assert_int_ne(parent, -1);
    if (parent == 0) {
        close(witness[0]);
        acts[act].act(&gate);
        _exit(0);
    }
    close(witness[1]);
    gate_await(&gate, acts[act].signs);
    if (acts[act].wait_a_random_time) {
        const struct timespec moment = {.tv_nsec = (round * 7919 % 97) * 50000};
        nanosleep(&moment, NULL);
    }
    double killed = now_ms();
    ck_assert_int_eq(kill(parent, SIGKILL), 0);
    struct pollfd end = {.fd = witness[0], .events = POLLIN};
    ck_assert_int_eq(poll(&end, 1, 10000), 1);
    double gone = now_ms();
    ck_assert(end.revents & POLLHUP);
    int status;
    ck_assert_int_eq(waitpid(parent, &status, 0), parent);
    ck_assert(WIFSIGNALED(status));
    close(witness[0]);
    gate_close(&gate);
    return gone - killed;
}

START_TEST(workers_do_not_outlive_their_parent)
{
    double best = 1e9;
    int rounds = acts[_i].wait_a_random_time ? 5 * ROUNDS : ROUNDS;
    for (int round = 0; round < rounds; round++) {
        double outlived = outlived_by((size_t)_i, round);
        best = outlived < best ? outlived : best;
    }
    ck_assert_double_le(best, 10.0);
}
END_TEST

START_TEST(workers_of_a_parent_that_just_returns_from_main_are_gone_too)
{
    int witness[2];
    ck_assert_int_eq(pipe(witness), 0);
    struct gate gate;
    gate_open(&gate);
    pid_t parent = fork();
    if (parent == 0) {
        pp_executor *executor = its_executor(WORKERS, 0);
        for (int i = 0; i < WORKERS; i++) {
            pp_executor_submit(executor, task_here_and_spin, &gate, sizeof gate, NULL);
        }
        char byte;
        _exit(read(gate.go_from, &byte, 1) == 1 ? 5 : 6); /* the executor was not closed */
    }
    close(witness[1]);
    gate_await(&gate, WORKERS);
    gate_let_through(&gate, 1);
    struct pollfd end = {.fd = witness[0], .events = POLLIN};
    ck_assert_int_eq(poll(&end, 1, 10000), 1);
    int status;
    ck_assert_int_eq(waitpid(parent, &status, 0), parent);
    ck_assert_int_eq(WEXITSTATUS(status), 5);
    close(witness[0]);
    gate_close(&gate);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults/parent's death");
    TCase *tcase = harness_case(suite, "parent's death", 60);
    tcase_add_loop_test(tcase, workers_do_not_outlive_their_parent, 0, sizeof acts / sizeof acts[0]);
    tcase_add_test(tcase, workers_of_a_parent_that_just_returns_from_main_are_gone_too);
    return harness_run(suite);
}
