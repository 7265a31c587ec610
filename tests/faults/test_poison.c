/* Among many harmless tasks some do to their worker whatever a program can do. Exactly those fail, each with
 * its cause, and all others are delivered. */

#include "executor/core.h"
#include "support/harness.h"
#include "support/tasks.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_DESCRIPTORS = 256 };

static pp_executor *the_executor; /* that a wild task looks for in its copy of the parent's memory */
static int first_descriptor;      /* that is not Check's nor the gate's */

struct poison {
    const char *name;
    void (*act)(const struct gate *gate);
    int error;
    int signal;      /* -1: any */
    int exit_status; /* -2: any */
};

static void die(enum death death)
{
    int number = (int)death;
    task_die(&number, sizeof number, NULL);
}

static void crash(const struct gate *gate)
{
    (void)gate;
    die(DIE_SEGV);
}

static void abort_it(const struct gate *gate)
{
    (void)gate;
    die(DIE_ABORT);
}

static void exit_0(const struct gate *gate)
{
    (void)gate;
    _exit(0);
}

static void exit_7(const struct gate *gate)
{
    (void)gate;
    _exit(7);
}

static void leave_by_exit(const struct gate *gate)
{
    (void)gate;
    (void)close(STDOUT_FILENO); /* what Check has not flushed is not ours to say */
    _exit(EXIT_FAILURE);
}

static void kill_itself(const struct gate *gate)
{
    (void)gate;
    kill(getpid(), SIGKILL);
}

/* Takes memory up to its limit, and then does what programs do that do not look. */
static void eat_memory(const struct gate *gate)
{
    const struct rlimit limit = {256 << 20, 256 << 20};
    (void)gate;
    setrlimit(RLIMIT_DATA, &limit);
    for (;;) {
        char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE, open("/dev/zero", O_RDWR), 0);
        if (memory == MAP_FAILED) {
            die(DIE_ABORT);
        }
        memory[0] = 1;
    }
}

static void run_for_ever(const struct gate *gate)
{
    (void)gate;
    task_spin(NULL, 0, NULL);
}

static void sleep_for_ever(const struct gate *gate)
{
    (void)gate;
    for (;;) {
        pause();
    }
}

/* Over the claim word and over everything that the executor has of its own, and dies of it. */
static void scribble(const struct gate *gate)
{
    (void)gate;
    memset(the_executor->pool->pages.memory, 0x5a, the_executor->pool->pages.page_size);
    memset(the_executor->pool->slots, 0xa5, sizeof *the_executor->pool->slots);
    memset(the_executor->schedule.lanes, 0xa5, sizeof *the_executor->schedule.lanes);
    die(DIE_SEGV);
}

/* Over the claim word, as if it had never been there; and goes on. */
static void scribble_and_return(const struct gate *gate)
{
    (void)gate;
    memset(the_executor->pool->pages.memory, 0x5a, the_executor->pool->pages.page_size);
}

/* And waits for what happens. */
static void close_descriptors(const struct gate *gate)
{
    for (int fd = first_descriptor; fd < MOST_DESCRIPTORS; fd++) {
        close(fd);
    }
    sleep_for_ever(gate);
}

/* Into every pipe of its worker that can be written. */
static void write_garbage_and_return(const struct gate *gate)
{
    (void)gate;
    char garbage[3000];
    memset(garbage, 0xdb, sizeof garbage);
    for (int fd = first_descriptor; fd < MOST_DESCRIPTORS; fd++) {
        ssize_t written = write(fd, garbage, sizeof garbage);
        (void)written;
    }
}

static void write_garbage(const struct gate *gate)
{
    write_garbage_and_return(gate);
    sleep_for_ever(gate);
}

static void leave_a_child(const struct gate *gate)
{
    if (fork() == 0) {
        char byte;
        _exit(read(gate->go_from, &byte, 1) == 1 ? 0 : 1);
    }
    _exit(9);
}

static void stop_itself(const struct gate *gate)
{
    raise(SIGSTOP);
    sleep_for_ever(gate);
}

static const struct poison poisons[] = {
    {"crashes", crash, PP_E_CRASH, SIGSEGV, -1},
    {"aborts", abort_it, PP_E_CRASH, SIGABRT, -1},
    {"exits with 0", exit_0, PP_E_CRASH, 0, 0},
    {"exits with 7", exit_7, PP_E_CRASH, 0, 7},
    {"exits with 1", leave_by_exit, PP_E_CRASH, 0, 1},
    {"kills itself", kill_itself, PP_E_CRASH, SIGKILL, -1},
    {"eats memory", eat_memory, PP_E_CRASH, SIGABRT, -1},
    {"runs for ever", run_for_ever, PP_E_TASK_TIMEOUT, SIGKILL, -1},
    {"sleeps for ever", sleep_for_ever, PP_E_TASK_TIMEOUT, SIGKILL, -1},
    {"scribbles and crashes", scribble, PP_E_CRASH, SIGSEGV, -1},
    {"scribbles and returns", scribble_and_return, PP_E_CRASH, -1, -2},
    {"closes its descriptors", close_descriptors, PP_E_CRASH, SIGKILL, -1},
    {"writes garbage", write_garbage, PP_E_CRASH, -1, -2},
    {"writes garbage and returns", write_garbage_and_return, PP_E_CRASH, -1, -2},
    {"leaves a child", leave_a_child, PP_E_CRASH, 0, 9},
    {"stops itself", stop_itself, PP_E_TASK_TIMEOUT, SIGKILL, -1},
};
enum { POISONS = sizeof poisons / sizeof poisons[0] };

/* Where the poison is among the harmless ones. */
enum { COUNT = 300 };

struct dose {
    struct gate gate;
    int number;
    int poison; /* -1: none */
};

static int task_take(const void *arg, size_t arg_size, pp_reply *reply)
{
    struct dose dose;
    (void)arg_size;
    memcpy(&dose, arg, sizeof dose);
    if (dose.poison >= 0) {
        poisons[dose.poison].act(&dose.gate);
    }
    return pp_reply_append(reply, &dose.number, sizeof dose.number);
}

static void assert_poisoned(const pp_future *future, const struct poison *poison, size_t attempts)
{
    const struct pp_failure *failure = pp_future_failure(future);
    ck_assert_msg(failure != NULL, "what %s did not fail", poison->name);
    ck_assert_msg(failure->error == poison->error, "what %s failed with %d", poison->name, failure->error);
    ck_assert_uint_eq(failure->attempts, attempts);
    for (size_t i = 0; i < attempts; i++) {
        const struct pp_attempt *attempt = &failure->history[i];
        ck_assert_msg((poison->signal == -1 || attempt->signal == poison->signal) &&
                          (poison->exit_status == -2 || attempt->exit_status == poison->exit_status),
                      "what %s ended by signal %d, status %d", poison->name, attempt->signal,
                      attempt->exit_status);
    }
}

/* Runs COUNT tasks, those that `is_poisoned` poisoned, each with the next kind from `kind`. */
static void take_all(size_t workers, unsigned retries, int kind, int kinds, int every)
{
    struct dose dose;
    gate_open(&dose.gate);
    first_descriptor = dup(STDERR_FILENO);
    close(first_descriptor);
    the_executor = open_executor_with(
        &(struct pp_options){.workers = workers, .retries = retries, .task_timeout_ms = 250});
    pp_future *futures[COUNT];
    int taken[COUNT];
    int doses = 0;
    for (int i = 0; i < COUNT; i++) {
        taken[i] = i % every == every / 2 ? kind + doses++ % kinds : -1;
        dose.number = i;
        dose.poison = taken[i];
        futures[i] = submit(the_executor, task_take, &dose, sizeof dose);
    }
    ck_assert_int_eq(pp_wait(futures, COUNT, PP_UNTIL_ALL_DONE, -1, NULL), 0);
    for (int i = 0; i < COUNT; i++) {
        if (taken[i] >= 0) {
            const struct poison *poison = &poisons[taken[i]];
            assert_poisoned(futures[i], poison, poison->error == PP_E_CRASH ? retries + 1 : 1);
        } else {
            ck_assert_int_eq(int_result(futures[i]), i);
        }
        pp_future_release(futures[i]);
    }
    ck_assert_int_eq(pp_executor_close(the_executor, PP_CLOSE_DRAIN, -1), 0);
    gate_let_through(&dose.gate, 100); /* the children that were left */
    gate_close(&dose.gate);
}

START_TEST(each_kind_of_poison_fails_alone)
{
    take_all(2, 0, _i, 1, COUNT / 2);
}
END_TEST

START_TEST(all_kinds_together_fail_alone)
{
    take_all(3, 0, 0, POISONS, COUNT / POISONS);
}
END_TEST

/* Nobody looked for it in the meantime, as when the parent itself is late. */
START_TEST(a_worker_that_ended_before_its_time_was_up_did_not_overrun_it)
{
    enum { LEAVES_A_CHILD = 14 };
    struct dose dose = {.poison = LEAVES_A_CHILD};
    gate_open(&dose.gate);
    the_executor = open_executor_with(&(struct pp_options){.workers = 1, .task_timeout_ms = 250});
    the_executor->heartbeat_ns = UINT64_MAX;
    pp_future *future = submit(the_executor, task_take, &dose, sizeof dose);
    ck_assert_int_eq(pp_future_wait(future, -1), 0);
    assert_poisoned(future, &poisons[LEAVES_A_CHILD], 1);
    pp_future_release(future);
    ck_assert_int_eq(pp_executor_close(the_executor, PP_CLOSE_DRAIN, -1), 0);
    gate_let_through(&dose.gate, 1); /* the child */
    gate_close(&dose.gate);
}
END_TEST

START_TEST(poison_that_is_tried_again_fails_with_its_whole_history)
{
    take_all(3, 2, 0, POISONS, COUNT / POISONS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults/poison");
    TCase *tcase = harness_case(suite, "poison", 60);
    tcase_add_loop_test(tcase, each_kind_of_poison_fails_alone, 0, POISONS);
    tcase_add_test(tcase, all_kinds_together_fail_alone);
    tcase_add_test(tcase, a_worker_that_ended_before_its_time_was_up_did_not_overrun_it);
    tcase_add_test(tcase, poison_that_is_tried_again_fails_with_its_whole_history);
    return harness_run(suite);
}
