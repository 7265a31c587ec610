/* Limits and failures that are the executor's own business: retries, time limits, initializers, workers that
 * are replaced, strict mode, and systems that give no more processes or descriptors. */

#include "executor/core.h"
#include "support/harness.h"
#include "support/tasks.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct pp_statistics statistics_of(const pp_executor *executor)
{
    struct pp_statistics statistics;
    pp_executor_statistics(executor, &statistics);
    return statistics;
}

static void assert_closed(pp_executor *executor, enum pp_close how)
{
    ck_assert_int_eq(pp_executor_close(executor, how, -1), 0);
}

static void assert_echoes(pp_executor *executor)
{
    pp_future *future = submit(executor, task_echo, "x", 1);
    ck_assert_int_eq(pp_future_wait(future, -1), 0);
    ck_assert_int_eq(pp_future_state(future), PP_SUCCEEDED);
    pp_future_release(future);
}

/* ---- Retries ---- */

/* Dies the first `deaths` times that it is executed. There is no hole in it, of which valgrind would
 * complain. */
struct weak {
    unsigned *count;
    size_t deaths;
};

static int task_weak(const void *arg, size_t arg_size, pp_reply *reply)
{
    static const int ways[] = {DIE_SEGV, DIE_EXIT_3, DIE_KILL, DIE_EXIT_0};
    struct weak weak;
    (void)arg_size;
    memcpy(&weak, arg, sizeof weak);
    unsigned before = atomic_fetch_add((_Atomic unsigned *)weak.count, 1);
    if (before < weak.deaths) {
        return task_die(&ways[before % 4], sizeof ways[0], reply);
    }
    return pp_reply_append(reply, &before, sizeof before);
}

static const struct {
    unsigned retries;
    unsigned deaths;
    bool succeeds;
} retries[] = {{0, 0, true}, {0, 1, false}, {1, 1, true},   {1, 2, false},
               {5, 5, true}, {5, 6, false}, {5, 100, false}};

START_TEST(a_task_is_tried_again_as_often_as_was_said_and_its_failure_tells_each_attempt)
{
    static const struct pp_attempt expected[] = {{.signal = SIGSEGV, .exit_status = -1},
                                                 {.exit_status = 3},
                                                 {.signal = SIGKILL, .exit_status = -1},
                                                 {0}};
    unsigned *counter = shared_counters(1);
    pp_executor *executor =
        open_executor_with(&(struct pp_options){.workers = 2, .retries = retries[_i].retries});
    struct weak weak = {counter, retries[_i].deaths};
    pp_future *future = submit(executor, task_weak, &weak, sizeof weak);
    ck_assert_int_eq(pp_future_wait(future, -1), 0);
    unsigned executions = *counter;
    if (retries[_i].succeeds) {
        ck_assert_int_eq(pp_future_state(future), PP_SUCCEEDED);
        ck_assert_uint_eq(executions, retries[_i].deaths + 1);
    } else {
        const struct pp_failure *failure = pp_future_failure(future);
        ck_assert_int_eq(failure->error, PP_E_CRASH);
        ck_assert_uint_eq(executions, retries[_i].retries + 1);
        ck_assert_uint_eq(failure->attempts, executions);
        for (size_t i = 0; i < executions; i++) {
            ck_assert_int_gt(failure->history[i].pid, 0);
            ck_assert_int_eq(failure->history[i].signal, expected[i % 4].signal);
            ck_assert_int_eq(failure->history[i].exit_status, expected[i % 4].exit_status);
            ck_assert(i == 0 || failure->history[i].pid != failure->history[i - 1].pid);
        }
    }
    ck_assert_uint_eq(statistics_of(executor).tasks_retried, executions - 1);
    pp_future_release(future);
    assert_closed(executor, PP_CLOSE_DRAIN);
    shared_counters_free(counter, 1);
}
END_TEST

START_TEST(a_task_s_own_error_is_not_tried_again)
{
    static const int code = 5;
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 1, .retries = 3});
    pp_future *future = submit(executor, task_fail, &code, sizeof code);
    ck_assert_int_eq(pp_future_wait(future, -1), 0);
    ck_assert_int_eq(pp_future_failure(future)->error, PP_E_TASK);
    ck_assert_uint_eq(statistics_of(executor).tasks_retried, 0);
    pp_future_release(future);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(what_is_to_be_tried_again_can_be_cancelled)
{
    unsigned *counter = shared_counters(1);
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 1, .retries = 1000000});
    struct weak weak = {counter, UINT32_MAX};
    pp_future *future = submit(executor, task_weak, &weak, sizeof weak);
    while (statistics_of(executor).tasks_retried < 5) {
        ck_assert_int_ge(pp_executor_step(executor, -1), 0);
    }
    ck_assert_int_eq(pp_future_kill(future), 0);
    ck_assert_int_eq(pp_future_state(future), PP_CANCELLED);
    assert_echoes(executor);
    pp_future_release(future);
    assert_closed(executor, PP_CLOSE_DRAIN);
    shared_counters_free(counter, 1);
}
END_TEST

/* ---- Time limits ---- */

START_TEST(a_task_over_its_time_is_killed_alone)
{
    enum { COUNT = 60 };
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 2, .task_timeout_ms = 60});
    pp_future *futures[COUNT];
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, i % 20 == 5 ? task_spin : task_echo, &i, sizeof i);
    }
    ck_assert_int_eq(pp_wait(futures, COUNT, PP_UNTIL_ALL_DONE, -1, NULL), 0);
    for (int i = 0; i < COUNT; i++) {
        if (i % 20 == 5) {
            const struct pp_failure *failure = pp_future_failure(futures[i]);
            ck_assert_ptr_ne(failure, NULL);
            ck_assert_int_eq(failure->error, PP_E_TASK_TIMEOUT);
            ck_assert_uint_eq(failure->attempts, 1);
            ck_assert_int_eq(failure->history[0].signal, SIGKILL);
            ck_assert_int_eq(kill(failure->history[0].pid, 0), -1);
        } else {
            ck_assert_int_eq(int_result(futures[i]), i);
        }
        pp_future_release(futures[i]);
    }
    ck_assert_uint_eq(statistics_of(executor).workers_died, 0); /* they were asked to */
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

static int task_nap(const void *arg, size_t arg_size, pp_reply *reply)
{
    const struct timespec nap = {.tv_nsec = 40000000};
    (void)arg;
    (void)arg_size;
    (void)reply;
    return nanosleep(&nap, NULL);
}

START_TEST(time_in_the_queue_does_not_count)
{
    enum { COUNT = 12 };
    /* Together they take longer than the limit, each of them by far not. */
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 1, .task_timeout_ms = 400});
    pp_future *futures[COUNT];
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, task_nap, "", 0);
    }
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(pp_future_wait(futures[i], -1), 0);
        ck_assert_int_eq(pp_future_state(futures[i]), PP_SUCCEEDED);
        pp_future_release(futures[i]);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(a_time_limit_is_kept_whatever_loop_the_caller_has)
{
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 1, .task_timeout_ms = 30});
    pp_future *future = submit(executor, task_spin, "", 0);
    while (!pp_future_is_done(future)) {
        struct pollfd fds[4];
        size_t count = pp_executor_pollfds(executor, fds, 4);
        ck_assert_int_ge(poll(fds, (nfds_t)count, pp_executor_next_deadline(executor)), 0);
        ck_assert_int_ge(pp_executor_step(executor, 0), 0);
    }
    ck_assert_int_eq(pp_future_failure(future)->error, PP_E_TASK_TIMEOUT);
    pp_future_release(future);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(a_time_limit_longer_than_any_clock_is_none)
{
    static const uint64_t limits[] = {UINT64_MAX, UINT64_MAX / 1000000, UINT64_MAX / 1000000 + 1, 1ULL << 44};
    pp_executor *executor =
        open_executor_with(&(struct pp_options){.workers = 1, .task_timeout_ms = limits[_i]});
    pp_future *future = submit(executor, task_nap, "", 0);
    ck_assert_int_eq(pp_future_wait(future, -1), 0);
    ck_assert_int_eq(pp_future_state(future), PP_SUCCEEDED);
    pp_future_release(future);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(a_stopped_task_is_killed_when_its_time_is_up)
{
    struct gate gate;
    gate_open(&gate);
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 1, .task_timeout_ms = 50});
    pp_future *future = submit_gate(executor, &gate);
    gate_await(&gate, 1);
    ck_assert_int_eq(kill(executor->pool->slots[0].pid, SIGSTOP), 0);
    ck_assert_int_eq(pp_future_wait(future, -1), 0);
    ck_assert_int_eq(pp_future_failure(future)->error, PP_E_TASK_TIMEOUT);
    pp_future_release(future);
    assert_closed(executor, PP_CLOSE_DRAIN);
    gate_close(&gate);
}
END_TEST

/* ---- Initializers ---- */

static int initialized; /* in a worker: by whom */

static int initialize(void *context)
{
    initialized = initialized == 0 ? *(int *)context : -1;
    return 0;
}

static int task_initialized(const void *arg, size_t arg_size, pp_reply *reply)
{
    (void)arg;
    (void)arg_size;
    return pp_reply_append(reply, &initialized, sizeof initialized);
}

START_TEST(an_initializer_runs_once_in_each_worker_before_any_task)
{
    int context = 42;
    pp_executor *executor = open_executor_with(&(struct pp_options){
        .workers = 3, .initializer = initialize, .initializer_context = &context, .max_tasks_per_worker = 3});
    for (int i = 0; i < 40; i++) {
        pp_future *future = submit(executor, task_initialized, "", 0);
        ck_assert_int_eq(int_result(future), 42);
        pp_future_release(future);
    }
    ck_assert_int_eq(initialized, 0);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

/* Counts how often it ran, and fails while the second counter is not 0, in one of several ways. */
enum way { REFUSES, EXITS, CRASHES, WAYS };

struct unreliable {
    unsigned *counters;
    enum way way;
};

static int initialize_perhaps(void *context)
{
    static const int deaths[] = {[EXITS] = DIE_EXIT_3, [CRASHES] = DIE_SEGV};
    const struct unreliable *unreliable = context;
    atomic_fetch_add((_Atomic unsigned *)&unreliable->counters[0], 1);
    if (unreliable->counters[1] == 0) {
        return 0;
    }
    return unreliable->way == REFUSES ? 77 : task_die(&deaths[unreliable->way], sizeof(int), NULL);
}

START_TEST(an_initializer_that_fails_fails_what_is_pending_and_forks_no_storm)
{
    enum { COUNT = 50 };
    struct unreliable unreliable = {shared_counters(2), (enum way)_i};
    unreliable.counters[1] = 1;
    pp_executor *executor = open_executor_with(&(struct pp_options){
        .workers = 4, .initializer = initialize_perhaps, .initializer_context = &unreliable});
    pp_future *futures[COUNT];
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, task_echo, "", 0);
    }
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(pp_future_wait(futures[i], -1), 0);
        const struct pp_failure *failure = pp_future_failure(futures[i]);
        ck_assert_ptr_ne(failure, NULL);
        ck_assert_int_eq(failure->error, PP_E_NO_WORKERS);
        ck_assert_int_eq(failure->code, _i == REFUSES ? 77 : PP_E_CRASH);
        pp_future_release(futures[i]);
    }
    ck_assert_uint_le(statistics_of(executor).workers_started, 4 + 5);
    ck_assert_uint_le(unreliable.counters[0], 4 + 5);
    ck_assert_uint_eq(statistics_of(executor).workers, 0);
    /* And when the cause is gone it works again. */
    unreliable.counters[1] = 0;
    assert_echoes(executor);
    assert_closed(executor, PP_CLOSE_DRAIN);
    shared_counters_free(unreliable.counters, 2);
}
END_TEST

START_TEST(an_executor_whose_initializer_fails_closes)
{
    for (int way = 0; way < WAYS; way++) {
        struct unreliable unreliable = {shared_counters(2), (enum way)way};
        unreliable.counters[1] = 1;
        pp_executor *executor = open_executor_with(&(struct pp_options){
            .workers = 2, .initializer = initialize_perhaps, .initializer_context = &unreliable});
        pp_future *future = submit(executor, task_echo, "", 0);
        assert_closed(executor, (enum pp_close)_i);
        ck_assert_int_eq(pp_future_state(future), _i == PP_CLOSE_DRAIN ? PP_FAILED : PP_CANCELLED);
        pp_future_release(future);
        shared_counters_free(unreliable.counters, 2);
    }
}
END_TEST

static int initialize_only_once(void *context)
{
    return atomic_fetch_add((_Atomic unsigned *)context, 1) == 0 ? 0 : 1;
}

START_TEST(one_worker_that_can_be_had_does_all)
{
    enum { COUNT = 200 };
    unsigned *counter = shared_counters(1);
    pp_executor *executor = open_executor_with(&(struct pp_options){
        .workers = 4, .initializer = initialize_only_once, .initializer_context = counter});
    pp_future *futures[COUNT];
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, task_echo, &i, sizeof i);
    }
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(int_result(futures[i]), i);
        pp_future_release(futures[i]);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    shared_counters_free(counter, 1);
}
END_TEST

/* ---- Workers that are replaced ---- */

static const struct {
    size_t workers;
    unsigned limit;
    int tasks;
} recyclings[] = {{1, 1, 6}, {1, 2, 6}, {2, 2, 8}, {2, 6, 40}, {3, 8, 100}, {4, 1, 30}};

START_TEST(a_worker_is_replaced_after_its_number_of_tasks_and_nothing_stalls)
{
    unsigned limit = recyclings[_i].limit;
    int count = recyclings[_i].tasks;
    pp_executor *executor = open_executor_with(
        &(struct pp_options){.workers = recyclings[_i].workers, .max_tasks_per_worker = limit});
    pp_future *futures[100];
    int pids[100];
    for (int i = 0; i < count; i++) {
        futures[i] = submit(executor, task_pid, "", 0);
    }
    for (int i = 0; i < count; i++) {
        pids[i] = int_result(futures[i]);
        pp_future_release(futures[i]);
        unsigned same = 0;
        for (int j = 0; j <= i; j++) {
            same += pids[j] == pids[i];
        }
        ck_assert_uint_le(same, limit);
    }
    struct pp_statistics statistics = statistics_of(executor);
    ck_assert_uint_ge(statistics.workers_started, (unsigned)count / limit);
    ck_assert_uint_le(statistics.workers, recyclings[_i].workers);
    ck_assert_uint_eq(statistics.workers_died, 0);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(a_worker_with_a_limit_keeps_its_pid_up_to_it)
{
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 1, .max_tasks_per_worker = 3});
    int pids[12];
    for (int i = 0; i < 12; i++) {
        pp_future *future = submit(executor, task_pid, "", 0);
        pids[i] = int_result(future);
        pp_future_release(future);
        ck_assert(i % 3 == 0 || pids[i] == pids[i - 1]);
        ck_assert(i % 3 != 0 || i == 0 || (pids[i] != pids[i - 1] && kill(pids[i - 1], 0) == -1));
    }
    ck_assert_uint_eq(statistics_of(executor).workers_started, 4);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(closing_while_workers_are_replaced_finishes_or_cancels_everything)
{
    for (unsigned limit = 1; limit <= 3; limit++) {
        pp_executor *executor =
            open_executor_with(&(struct pp_options){.workers = 2, .max_tasks_per_worker = limit});
        pp_future *futures[20];
        for (int i = 0; i < 20; i++) {
            futures[i] = submit(executor, i == 7 ? task_nap : task_echo, "", 0);
        }
        assert_closed(executor, (enum pp_close)_i);
        for (int i = 0; i < 20; i++) {
            ck_assert(pp_future_is_done(futures[i]));
            ck_assert(_i != PP_CLOSE_DRAIN || pp_future_state(futures[i]) == PP_SUCCEEDED);
            pp_future_release(futures[i]);
        }
    }
}
END_TEST

START_TEST(a_worker_that_is_replaced_and_crashes_is_counted_once)
{
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 2, .max_tasks_per_worker = 1});
    pp_future *futures[20];
    for (int i = 0; i < 20; i++) {
        futures[i] = i % 3 == 0 ? submit_death(executor, DIE_EXIT_0) : submit(executor, task_pid, "", 0);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(pp_future_state(futures[i]), i % 3 == 0 ? PP_FAILED : PP_SUCCEEDED);
        pp_future_release(futures[i]);
    }
}
END_TEST

/* ---- Strict mode ---- */

START_TEST(in_strict_mode_one_death_fails_everything)
{
    struct gate gate;
    gate_open(&gate);
    pp_executor *executor =
        open_executor_with(&(struct pp_options){.workers = 2, .strict = true, .retries = 5});
    pp_future *before = submit(executor, task_echo, "", 0);
    ck_assert_int_eq(pp_future_wait(before, -1), 0);
    pp_future *running = submit_gate(executor, &gate);
    gate_await(&gate, 1);
    pp_future *killed = submit_gate(executor, &gate);
    gate_await(&gate, 1);
    ck_assert_int_eq(pp_future_kill(killed), 0); /* that is no accident */
    pp_future *crash = submit_death(executor, DIE_SEGV);
    pp_future *queued[10];
    for (int i = 0; i < 10; i++) {
        queued[i] = submit(executor, task_gate, &gate, sizeof gate);
    }
    ck_assert_int_eq(pp_future_wait(crash, -1), 0);
    assert_died(crash, SIGSEGV, -1);
    ck_assert_int_eq(pp_future_state(before), PP_SUCCEEDED);
    ck_assert_int_eq(pp_future_state(killed), PP_CANCELLED);
    ck_assert_int_eq(pp_future_failure(running)->error, PP_E_NO_WORKERS);
    ck_assert_int_eq(pp_future_failure(running)->code, PP_E_CRASH);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(pp_future_failure(queued[i])->error, PP_E_NO_WORKERS);
        pp_future_release(queued[i]);
    }
    ck_assert_int_eq(pp_executor_submit(executor, task_echo, "", 0, NULL), PP_E_NO_WORKERS);
    ck_assert_uint_eq(statistics_of(executor).workers, 0);
    pp_future_release(before);
    pp_future_release(running);
    pp_future_release(killed);
    pp_future_release(crash);
    assert_closed(executor, (enum pp_close)_i);
    gate_close(&gate);
}
END_TEST

START_TEST(in_strict_mode_the_death_of_an_idle_worker_counts_and_a_task_s_error_does_not)
{
    static const int code = 9;
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 1, .strict = true});
    pp_future *failed = submit(executor, task_fail, &code, sizeof code);
    ck_assert_int_eq(pp_future_wait(failed, -1), 0);
    assert_echoes(executor);
    pp_future_release(failed);
    siginfo_t info;
    ck_assert_int_eq(kill(executor->pool->slots[0].pid, SIGKILL), 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)executor->pool->slots[0].pid, &info, WEXITED | WNOWAIT), 0);
    pp_executor_step(executor, 0);
    ck_assert_int_eq(pp_executor_submit(executor, task_echo, "", 0, NULL), PP_E_NO_WORKERS);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

/* ---- No more descriptors ---- */

static struct rlimit descriptors;

/* Allows `spare` more than there are now. */
static void limit_descriptors(size_t spare)
{
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    struct rlimit limited = descriptors;
    limited.rlim_cur = harness_open_descriptors() + spare;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limited), 0);
}

static void allow_descriptors(void)
{
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
}

START_TEST(fewer_workers_than_asked_for_do_the_work)
{
    enum { COUNT = 100 };
    pp_executor *executor = open_executor(8);
    limit_descriptors(14); /* enough for two or three */
    pp_future *futures[COUNT];
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, task_echo, &i, sizeof i);
    }
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(int_result(futures[i]), i);
        pp_future_release(futures[i]);
    }
    allow_descriptors();
    ck_assert_uint_ge(statistics_of(executor).workers, 1);
    ck_assert_uint_le(statistics_of(executor).workers, 3);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(without_any_worker_tasks_fail_with_the_reason_and_later_ones_may_succeed)
{
    pp_executor *executor = open_executor(2);
    limit_descriptors(3);
    pp_future *futures[10];
    for (int i = 0; i < 10; i++) {
        futures[i] = submit(executor, task_echo, "", 0);
    }
    int error = pp_wait(futures, 10, PP_UNTIL_ALL_DONE, -1, NULL);
    allow_descriptors();
    ck_assert_int_eq(error, 0);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(pp_future_failure(futures[i])->error, PP_E_NO_WORKERS);
        ck_assert_int_eq(pp_future_failure(futures[i])->code, -EMFILE);
        ck_assert_uint_eq(pp_future_failure(futures[i])->attempts, 0);
        pp_future_release(futures[i]);
    }
    ck_assert_uint_eq(statistics_of(executor).workers_started, 0);
    assert_echoes(executor);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(workers_that_cannot_be_replaced_fail_what_is_queued_promptly)
{
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 1, .max_tasks_per_worker = 1});
    assert_echoes(executor);
    limit_descriptors(0);
    pp_future *future = submit(executor, task_echo, "", 0);
    int error = pp_future_wait(future, 20000);
    allow_descriptors();
    ck_assert_int_eq(error, 0);
    /* The pipes of the one that leaves may have been enough for the next. */
    ck_assert(pp_future_state(future) == PP_SUCCEEDED || pp_future_failure(future)->code == -EMFILE);
    pp_future_release(future);
    assert_echoes(executor);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("executor/limits");
    TCase *again = harness_case(suite, "retries", 30);
    tcase_add_loop_test(again, a_task_is_tried_again_as_often_as_was_said_and_its_failure_tells_each_attempt,
                        0, sizeof retries / sizeof retries[0]);
    tcase_add_test(again, a_task_s_own_error_is_not_tried_again);
    tcase_add_test(again, what_is_to_be_tried_again_can_be_cancelled);

    TCase *time = harness_case(suite, "time limits", 30);
    tcase_add_test(time, a_task_over_its_time_is_killed_alone);
    tcase_add_test(time, time_in_the_queue_does_not_count);
    tcase_add_test(time, a_time_limit_is_kept_whatever_loop_the_caller_has);
    tcase_add_loop_test(time, a_time_limit_longer_than_any_clock_is_none, 0, 4);
    tcase_add_test(time, a_stopped_task_is_killed_when_its_time_is_up);

    TCase *initializers = harness_case(suite, "initializers", 30);
    tcase_add_test(initializers, an_initializer_runs_once_in_each_worker_before_any_task);
    tcase_add_loop_test(initializers, an_initializer_that_fails_fails_what_is_pending_and_forks_no_storm, 0,
                        WAYS);
    tcase_add_loop_test(initializers, an_executor_whose_initializer_fails_closes, 0, 3);
    tcase_add_test(initializers, one_worker_that_can_be_had_does_all);

    TCase *replaced = harness_case(suite, "replacement", 30);
    tcase_add_loop_test(replaced, a_worker_is_replaced_after_its_number_of_tasks_and_nothing_stalls, 0,
                        sizeof recyclings / sizeof recyclings[0]);
    tcase_add_test(replaced, a_worker_with_a_limit_keeps_its_pid_up_to_it);
    tcase_add_loop_test(replaced, closing_while_workers_are_replaced_finishes_or_cancels_everything, 0, 3);
    tcase_add_test(replaced, a_worker_that_is_replaced_and_crashes_is_counted_once);

    TCase *strict = harness_case(suite, "strict", 30);
    tcase_add_loop_test(strict, in_strict_mode_one_death_fails_everything, 0, 3);
    tcase_add_test(strict, in_strict_mode_the_death_of_an_idle_worker_counts_and_a_task_s_error_does_not);

    TCase *scarce = harness_case(suite, "no more descriptors", 30);
    tcase_add_test(scarce, fewer_workers_than_asked_for_do_the_work);
    tcase_add_test(scarce, without_any_worker_tasks_fail_with_the_reason_and_later_ones_may_succeed);
    tcase_add_test(scarce, workers_that_cannot_be_replaced_fail_what_is_queued_promptly);
    return harness_run(suite);
}
