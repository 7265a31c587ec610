/* The executor as its users know it: what is submitted has one outcome, whatever happens to workers. */

#include "executor/core.h"
#include "support/harness.h"
#include "support/process.h"
#include "support/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
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

static void assert_echoed(pp_future *future, const void *expected, size_t expected_size)
{
    const void *bytes;
    size_t size;
    ck_assert_int_eq(pp_future_result(future, -1, &bytes, &size), 0);
    ck_assert_uint_eq(size, expected_size);
    ck_assert_uint_eq((uintptr_t)bytes % _Alignof(max_align_t), 0);
    ck_assert_int_eq(size == 0 ? 0 : memcmp(bytes, expected, size), 0);
}

/* ---- Opening and closing ---- */

START_TEST(an_executor_that_is_not_used_starts_no_worker)
{
    static const struct pp_options options[] = {{0}, {.workers = 1}, {.workers = 4096}};
    pp_executor *executor = open_executor_with(_i < 3 ? &options[_i] : NULL);
    ck_assert_int_eq(pp_executor_step(executor, -1), 0);
    ck_assert_int_eq(pp_executor_next_deadline(executor), -1);
    ck_assert_uint_eq(pp_executor_pollfds(executor, NULL, 0), 0);
    ck_assert_uint_eq(statistics_of(executor).workers_started, 0);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    pp_executor *executor = (pp_executor *)&executor;
    ck_assert_int_eq(pp_executor_open(&executor, &(struct pp_options){.workers = 4097}), -EINVAL);
    ck_assert_ptr_eq(executor, NULL);
    assert_closed(NULL, PP_CLOSE_KILL);
    executor = open_executor(1);
    ck_assert_int_eq(pp_executor_submit(executor, NULL, "", 0, NULL), -EINVAL);
    ck_assert_int_eq(pp_executor_submit(executor, task_echo, "", PP_MAX_BYTES + 1, NULL), -EMSGSIZE);
    ck_assert_uint_eq(statistics_of(executor).tasks_submitted, 0);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

/* One worker is at a gate, others wait behind it; then the executor is closed. */
enum { BEHIND = 5 };

struct closing {
    struct gate gate;
    pp_future *at_gate;
    pp_future *behind[BEHIND];
    pp_executor *executor;
};

static void begin_closing(struct closing *closing)
{
    gate_open(&closing->gate);
    closing->executor = open_executor(1);
    closing->at_gate = submit_gate(closing->executor, &closing->gate);
    for (int i = 0; i < BEHIND; i++) {
        closing->behind[i] = submit(closing->executor, task_echo, "", 0);
    }
    gate_await(&closing->gate, 1);
}

static void end_closing(struct closing *closing, enum pp_state at_gate, enum pp_state behind)
{
    ck_assert_int_eq(pp_future_state(closing->at_gate), at_gate);
    pp_future_release(closing->at_gate);
    for (int i = 0; i < BEHIND; i++) {
        ck_assert_int_eq(pp_future_state(closing->behind[i]), behind);
        pp_future_release(closing->behind[i]);
    }
    gate_close(&closing->gate);
}

static const struct {
    enum pp_close how;
    bool let_through;
    int timeout_ms;
    int expected;
    enum pp_state at_gate;
    enum pp_state behind;
} closings[] = {
    {PP_CLOSE_DRAIN, true, -1, 0, PP_SUCCEEDED, PP_SUCCEEDED},
    {PP_CLOSE_CANCEL, true, -1, 0, PP_SUCCEEDED, PP_CANCELLED},
    {PP_CLOSE_KILL, true, -1, 0, PP_CANCELLED, PP_CANCELLED},
    {PP_CLOSE_KILL, false, 0, 0, PP_CANCELLED, PP_CANCELLED},
    {PP_CLOSE_DRAIN, false, 20, PP_E_TIMEOUT, PP_CANCELLED, PP_CANCELLED},
    {PP_CLOSE_DRAIN, false, 0, PP_E_TIMEOUT, PP_CANCELLED, PP_CANCELLED},
    {PP_CLOSE_CANCEL, false, 20, PP_E_TIMEOUT, PP_CANCELLED, PP_CANCELLED},
    {PP_CLOSE_CANCEL, false, 0, PP_E_TIMEOUT, PP_CANCELLED, PP_CANCELLED},
};

START_TEST(closing_ends_each_task_as_it_promises)
{
    struct closing closing;
    begin_closing(&closing);
    gate_let_through(&closing.gate, closings[_i].let_through ? 1 : 0);
    ck_assert_int_eq(pp_executor_close(closing.executor, closings[_i].how, closings[_i].timeout_ms),
                     closings[_i].expected);
    end_closing(&closing, closings[_i].at_gate, closings[_i].behind);
}
END_TEST

START_TEST(a_crash_while_the_executor_drains_stops_nothing)
{
    pp_executor *executor = open_executor(2);
    pp_future *futures[20];
    for (int i = 0; i < 20; i++) {
        futures[i] = i % 5 == 0 ? submit_death(executor, DIE_ABORT) : submit(executor, task_echo, "", 0);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(pp_future_state(futures[i]), i % 5 == 0 ? PP_FAILED : PP_SUCCEEDED);
        pp_future_release(futures[i]);
    }
}
END_TEST

START_TEST(submit_and_cancel_right_before_closing_does_not_hang)
{
    for (int round = 0; round < 50; round++) {
        pp_executor *executor = open_executor(2);
        pp_future *kept = submit(executor, task_echo, "", 0);
        pp_future *cancelled = submit(executor, task_echo, "", 0);
        int answer = pp_future_cancel(cancelled);
        assert_closed(executor, PP_CLOSE_DRAIN);
        ck_assert_int_eq(pp_future_state(kept), PP_SUCCEEDED);
        ck_assert_int_eq(pp_future_state(cancelled), answer == 0 ? PP_CANCELLED : PP_SUCCEEDED);
        pp_future_release(kept);
        pp_future_release(cancelled);
    }
}
END_TEST

START_TEST(closing_does_not_wait_for_an_idle_worker_that_is_stopped)
{
    pp_executor *executor = open_executor(1);
    pp_future *future = submit(executor, task_pid, "", 0);
    int pid = int_result(future);
    pp_future_release(future);
    int status;
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(futures_nobody_holds_are_run_all_the_same)
{
    enum { COUNT = 100 };
    unsigned *counters = shared_counters(COUNT);
    pp_executor *executor = open_executor(2);
    for (size_t i = 0; i < COUNT; i++) {
        struct tally tally = {counters, i, DEATHS};
        ck_assert_int_eq(pp_executor_submit(executor, task_tally, &tally, sizeof tally, NULL), 0);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(counters[i], 1);
    }
    shared_counters_free(counters, COUNT);
}
END_TEST

/* ---- Bytes ---- */

START_TEST(arguments_and_results_of_any_size_arrive_unchanged)
{
    static const size_t sizes[] = {0,      1,    7,    15,    16,    17,    30,     31,      32,
                                   33,     4072, 4096, 65512, 65536, 65537, 262144, 1 << 20, (1 << 20) + 1,
                                   8 << 20};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    unsigned char *bytes = malloc((8 << 20) + COUNT);
    for (size_t i = 0; i < (8 << 20) + COUNT; i++) {
        bytes[i] = (unsigned char)(i * 2654435761U >> 13);
    }
    pp_executor *executor = open_executor(2);
    pp_future *futures[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, task_echo, bytes + i, sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_echoed(futures[i], bytes + i, sizes[i]);
        pp_future_release(futures[i]);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    free(bytes);
}
END_TEST

START_TEST(more_than_a_pipe_holds_travels_both_ways_at_once)
{
    enum { COUNT = 64, SIZE = 300000 };
    unsigned char *bytes = calloc(SIZE, 1);
    pp_executor *executor = open_executor(1);
    pp_future *futures[COUNT];
    for (int i = 0; i < COUNT; i++) {
        bytes[0] = (unsigned char)i;
        futures[i] = submit(executor, task_echo, bytes, SIZE);
    }
    for (int i = 0; i < COUNT; i++) {
        bytes[0] = (unsigned char)i;
        assert_echoed(futures[i], bytes, SIZE);
        pp_future_release(futures[i]);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    free(bytes);
}
END_TEST

static int task_is_aligned(const void *arg, size_t arg_size, pp_reply *reply)
{
    void *room = pp_reply_reserve(reply, 100);
    bool aligned =
        (uintptr_t)arg % _Alignof(max_align_t) == 0 && (uintptr_t)room % _Alignof(max_align_t) == 0;
    ((char *)(uintptr_t)arg)[0] = 'c'; /* the task's to change */
    if (room == NULL) {
        return -1;
    }
    memset(room, 'r', 100);
    pp_reply_commit(reply, arg_size);
    return aligned ? 0 : -1;
}

START_TEST(an_argument_is_aligned_and_the_task_s_to_change)
{
    pp_executor *executor = open_executor(1);
    for (size_t size = 1; size < 70; size++) {
        char bytes[70] = {0};
        pp_future *future = submit(executor, task_is_aligned, bytes, size);
        pp_future *more = submit(executor, task_is_aligned, bytes, size + 1 > 69 ? 69 : size + 1);
        ck_assert_int_eq(pp_future_wait(more, -1), 0);
        ck_assert_int_eq(pp_future_state(future), PP_SUCCEEDED);
        ck_assert_int_eq(pp_future_state(more), PP_SUCCEEDED);
        pp_future_release(future);
        pp_future_release(more);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(a_hundred_thousand_tasks_run_once_each)
{
    enum { COUNT = 100000 };
    unsigned *counters = shared_counters(COUNT);
    pp_executor *executor = open_executor(2);
    pp_future **futures = malloc(COUNT * sizeof *futures);
    for (size_t i = 0; i < COUNT; i++) {
        struct tally tally = {counters, i, DEATHS};
        futures[i] = submit(executor, task_tally, &tally, sizeof tally);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_echoed(futures[i], &i, sizeof i);
        pp_future_release(futures[i]);
        ck_assert_uint_eq(counters[i], 1);
    }
    ck_assert_uint_eq(statistics_of(executor).tasks_done, COUNT);
    ck_assert_uint_eq(statistics_of(executor).tasks_submitted, COUNT);
    ck_assert_uint_eq(statistics_of(executor).workers_started, 2);
    assert_closed(executor, PP_CLOSE_DRAIN);
    free(futures);
    shared_counters_free(counters, COUNT);
}
END_TEST

/* ---- Workers ---- */

/* How many workers a task after the other needs. */
static uint64_t workers_for_one_after_the_other(void)
{
    pp_executor *executor = open_executor(4);
    for (int i = 0; i < 20; i++) {
        pp_future *future = submit(executor, task_pid, "", 0);
        int_result(future);
        pp_future_release(future);
    }
    uint64_t started = statistics_of(executor).workers_started;
    assert_closed(executor, PP_CLOSE_DRAIN);
    return started;
}

START_TEST(an_idle_worker_is_used_again)
{
    /* On a busy machine it may look as if the first one did not begin. */
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 20 && least > 1; i++) {
        uint64_t started = workers_for_one_after_the_other();
        least = started < least ? started : least;
    }
    ck_assert_uint_eq(least, 1);
}
END_TEST

/* Waits for what a worker says, without taking it in. */
static void await_word(pp_executor *executor)
{
    struct pollfd fds[8];
    size_t count = pp_executor_pollfds(executor, fds, 8);
    ck_assert_int_ge(poll(fds, (nfds_t)count, -1), 1);
}

START_TEST(a_worker_that_has_answered_unheard_is_used_before_another_is_started)
{
    pp_executor *executor = open_executor(4);
    pp_future *futures[5];
    futures[0] = submit(executor, task_pid, "", 0);
    ck_assert_int_gt(int_result(futures[0]), 0);
    uint64_t started = statistics_of(executor).workers_started; /* 1, or the machine is very slow */
    for (int i = 1; i < 5; i++) {
        futures[i] = submit(executor, task_pid, "", 0);
        await_word(executor);
    }
    ck_assert_uint_eq(statistics_of(executor).workers_started, started);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_gt(int_result(futures[i]), 0);
        pp_future_release(futures[i]);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(who_only_submits_is_served_all_the_same_and_the_next_step_tells_of_it)
{
    pp_executor *executor = open_executor(2);
    pp_future *first = submit(executor, task_echo, "", 0);
    size_t count = 1;
    for (; !pp_future_is_done(first); count++) {
        pp_future_release(submit(executor, task_echo, "", 0));
    }
    int early = pp_executor_step(executor, -1);
    ck_assert_int_ge(early, 1);
    size_t done = (size_t)early;
    while (done < count) {
        int finished = pp_executor_step(executor, -1);
        ck_assert_int_ge(finished, 0);
        done += (size_t)finished;
    }
    ck_assert_uint_eq(done, count);
    pp_future_release(first);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(who_submits_seldom_and_never_steps_finds_idle_workers_busy_at_once)
{
    enum { COUNT = 60 };
    static const struct timespec pause = {.tv_nsec = 2000000};
    unsigned *counters = shared_counters(COUNT);
    pp_executor *executor = open_executor(2);
    for (size_t i = 0; i < COUNT; i++) {
        struct tally tally = {.counters = counters, .index = i, .death = DEATHS};
        pp_future_release(submit(executor, task_tally, &tally, sizeof tally));
        while (*(volatile unsigned *)&counters[i] == 0) {
            nanosleep(&pause, NULL); /* what is known grows old */
        }
        nanosleep(&pause, NULL);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    shared_counters_free(counters, COUNT);
}
END_TEST

static size_t submitted_by_callback;

static void submit_many(pp_future *future, void *context)
{
    (void)future;
    for (int i = 0; i < 20000; i++) {
        pp_future_release(submit(context, task_echo, "", 0));
        submitted_by_callback++;
    }
}

START_TEST(steps_tell_of_each_end_once_though_callbacks_submit_and_futures_are_cancelled)
{
    pp_executor *executor = open_executor(2);
    pp_future *first = submit(executor, task_echo, "", 0);
    submitted_by_callback = 0;
    ck_assert_int_eq(pp_future_on_done(first, submit_many, executor), 0);
    size_t told = 0;
    while (!pp_future_is_done(first)) {
        told += (size_t)pp_executor_step(executor, -1);
    }
    pp_future *last = submit(executor, task_spin, "", 0);
    ck_assert_int_eq(pp_future_kill(last), 0);
    while (told < submitted_by_callback + 2) {
        int finished = pp_executor_step(executor, -1);
        ck_assert_int_ge(finished, 0);
        told += (size_t)finished;
    }
    ck_assert_uint_eq(told, submitted_by_callback + 2);
    ck_assert_uint_eq(statistics_of(executor).tasks_done, told);
    ck_assert_int_eq(pp_executor_step(executor, -1), 0);
    pp_future_release(first);
    pp_future_release(last);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(all_workers_work_at_once_and_never_more)
{
    enum { WORKERS = 3, COUNT = 45 };
    struct gate gate;
    gate_open(&gate);
    fcntl(gate.here_from, F_SETFL, O_NONBLOCK);
    pp_executor *executor = open_executor(WORKERS);
    pp_future *futures[COUNT];
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit_gate(executor, &gate);
    }
    int here = 0;
    int let_through = 0;
    for (int done = 0; done < COUNT;) {
        char byte;
        while (read(gate.here_from, &byte, 1) == 1) {
            here++;
        }
        ck_assert_int_le(here, let_through + WORKERS);
        int running = 0;
        for (int i = 0; i < COUNT; i++) {
            running += pp_future_state(futures[i]) == PP_RUNNING;
        }
        ck_assert_int_le(running, WORKERS + let_through - done);
        /* The answer to one may wait for the end of the next, so `done` may lag behind. */
        if (let_through < COUNT && here == (let_through + WORKERS < COUNT ? let_through + WORKERS : COUNT)) {
            ck_assert_int_eq(running, here - done);
            gate_let_through(&gate, 1);
            let_through++;
        }
        done += pp_executor_step(executor, 1);
    }
    ck_assert_int_eq(here, COUNT);
    ck_assert_uint_eq(statistics_of(executor).workers_started, WORKERS);
    for (int i = 0; i < COUNT; i++) {
        pp_future_release(futures[i]);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    gate_close(&gate);
}
END_TEST

START_TEST(a_task_that_ends_its_worker_fails_alone_and_tells_how)
{
    enum { COUNT = 60, POISON = 20 };
    unsigned *counters = shared_counters(COUNT);
    pp_executor *executor = open_executor(2);
    pp_future *futures[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        struct tally tally = {counters, i, i == POISON ? (enum death)_i : DEATHS};
        futures[i] = submit(executor, task_tally, &tally, sizeof tally);
    }
    ck_assert_int_eq(pp_wait(futures, COUNT, PP_UNTIL_ALL_DONE, -1, NULL), 0);
    for (size_t i = 0; i < COUNT; i++) {
        if (i == POISON) {
            assert_died(futures[i], death_signal((enum death)_i), death_exit_status((enum death)_i));
            ck_assert_uint_eq(pp_future_failure(futures[i])->attempts, 1);
            ck_assert_uint_eq(counters[i], 1);
        } else {
            assert_echoed(futures[i], &i, sizeof i);
        }
        pp_future_release(futures[i]);
    }
    struct pp_statistics statistics = statistics_of(executor);
    ck_assert_uint_eq(statistics.workers_died, 1);
    ck_assert_uint_eq(statistics.tasks_done, COUNT);
    assert_closed(executor, PP_CLOSE_DRAIN);
    shared_counters_free(counters, COUNT);
}
END_TEST

START_TEST(several_workers_that_die_at_once_are_all_replaced)
{
    enum { WORKERS = 4, COUNT = 40 };
    pp_executor *executor = open_executor(WORKERS);
    struct gate gate;
    gate_open(&gate);
    pp_future *held[WORKERS];
    pp_future *futures[COUNT];
    for (int i = 0; i < WORKERS; i++) {
        held[i] = submit_gate(executor, &gate);
    }
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, task_echo, "", 0);
    }
    gate_await(&gate, WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(kill(executor->pool->slots[i].pid, SIGKILL), 0);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_echoed(futures[i], "", 0);
        pp_future_release(futures[i]);
    }
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pp_future_wait(held[i], -1), 0);
        assert_died(held[i], SIGKILL, -1);
        pp_future_release(held[i]);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    gate_close(&gate);
}
END_TEST

START_TEST(what_was_just_sent_is_not_taken_back_however_many_workers_start)
{
    enum { WORKERS = 32 };
    struct gate gate;
    gate_open(&gate);
    pp_executor *executor = open_executor(WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        pp_future_release(submit_gate(executor, &gate));
    }
    for (int i = 0; i < WORKERS; i++) {
        pp_future_release(submit_gate(executor, &gate));
    }
    gate_await(&gate, WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        pid_t pid = executor->pool->slots[i].pid;
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        process_await_end(pid);
    }
    uint64_t taken_back = statistics_of(executor).tasks_taken_back; /* while they started, if that was slow */
    ck_assert_int_ge(pp_executor_step(executor, 0), 1);
    ck_assert_uint_eq(statistics_of(executor).workers_died, WORKERS);
    ck_assert_uint_eq(statistics_of(executor).workers_started, 2 * WORKERS);
    ck_assert_uint_eq(statistics_of(executor).tasks_taken_back, taken_back);
    assert_closed(executor, PP_CLOSE_KILL);
    gate_close(&gate);
}
END_TEST

START_TEST(a_worker_killed_while_it_is_idle_costs_no_task)
{
    pp_executor *executor = open_executor(1);
    for (int i = 0; i < 5; i++) {
        pp_future *future = submit(executor, task_pid, "", 0);
        int pid = int_result(future);
        pp_future_release(future);
        siginfo_t info;
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    }
    pp_future *last = submit(executor, task_echo, "last", 4);
    assert_echoed(last, "last", 4);
    pp_future_release(last);
    ck_assert_uint_eq(statistics_of(executor).workers_died, 5);
    ck_assert_uint_eq(statistics_of(executor).workers_started, 6);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(one_long_task_does_not_hold_up_the_short_ones_sent_behind_it)
{
    enum { COUNT = 3000 };
    struct gate gate;
    gate_open(&gate);
    pp_executor *executor = open_executor(2);
    pp_future **futures = malloc(COUNT * sizeof *futures);
    /* So cheap that plenty is sent ahead. */
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, task_echo, "", 0);
    }
    pp_future *held = submit_gate(executor, &gate);
    ck_assert_int_eq(pp_wait(futures, COUNT, PP_UNTIL_ALL_DONE, -1, NULL), 0);
    for (int i = 0; i < COUNT; i++) {
        pp_future_release(futures[i]);
        futures[i] = submit(executor, task_echo, "", 0);
    }
    ck_assert_int_eq(pp_wait(futures, COUNT, PP_UNTIL_ALL_DONE, -1, NULL), 0);
    ck_assert_int_eq(pp_future_state(held), PP_RUNNING);
    for (int i = 0; i < COUNT; i++) {
        pp_future_release(futures[i]);
    }
    gate_let_through(&gate, 1);
    ck_assert_int_gt(int_result(held), 0);
    pp_future_release(held);
    assert_closed(executor, PP_CLOSE_DRAIN);
    free(futures);
    gate_close(&gate);
}
END_TEST

/* All but those that their worker has begun. */
static bool all_others_are_done(pp_future *const futures[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pp_future_state(futures[i]) == PP_PENDING) {
            return false;
        }
    }
    return true;
}

START_TEST(a_surprise_among_tasks_of_one_function_is_taken_back_from_behind)
{
    enum { COUNT = 2000, SURPRISE = 1000 };
    struct gate gate;
    gate_open(&gate);
    pp_executor *executor = open_executor(2);
    pp_future **futures = malloc(COUNT * sizeof *futures);
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, task_gate, &gate, i == SURPRISE ? sizeof gate : 0);
    }
    while (!all_others_are_done(futures, COUNT)) {
        ck_assert_int_ge(pp_executor_step(executor, -1), 0);
    }
    gate_await(&gate, 1);
    for (int i = SURPRISE + 1; i < COUNT; i++) {
        assert_echoed(futures[i], "", 0);
    }
    ck_assert_int_eq(pp_future_state(futures[SURPRISE]), PP_RUNNING);
    gate_let_through(&gate, 1);
    assert_closed(executor, PP_CLOSE_DRAIN);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(pp_future_state(futures[i]), PP_SUCCEEDED);
        pp_future_release(futures[i]);
    }
    free(futures);
    gate_close(&gate);
}
END_TEST

/* Stops the only worker and waits until it has. */
static void stop(int pid)
{
    int status;
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    ck_assert(WIFSTOPPED(status));
}

START_TEST(what_was_sent_to_a_stopped_worker_is_run_by_another_one)
{
    pp_executor *executor = open_executor(2);
    pp_future *future = submit(executor, task_pid, "", 0);
    int pid = int_result(future);
    pp_future_release(future);
    stop(pid);
    pp_future *futures[10];
    int count = _i == 0 ? 1 : 10; /* one alone is worth a new worker, too */
    for (int i = 0; i < count; i++) {
        futures[i] = submit(executor, task_pid, "", 0);
    }
    for (int i = 0; i < count; i++) {
        ck_assert_int_ne(int_result(futures[i]), pid);
        pp_future_release(futures[i]);
    }
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(a_stopped_worker_that_goes_on_is_of_use_again)
{
    pp_executor *executor = open_executor(1);
    pp_future *future = submit(executor, task_pid, "", 0);
    int pid = int_result(future);
    pp_future_release(future);
    stop(pid);
    future = submit(executor, task_pid, "", 0);
    ck_assert_int_eq(pp_future_wait(future, 30), PP_E_TIMEOUT);
    ck_assert_int_eq(pp_future_state(future), PP_PENDING);
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
    ck_assert_int_eq(int_result(future), pid);
    pp_future_release(future);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

/* ---- Cancel and kill ---- */

START_TEST(what_was_sent_and_not_begun_can_be_cancelled_and_never_runs)
{
    enum { COUNT = 200 };
    unsigned *counters = shared_counters(COUNT);
    struct gate gate;
    gate_open(&gate);
    pp_executor *executor = open_executor(1);
    struct tally tally = {.counters = counters, .death = DEATHS};
    make_cheap(executor, task_gate);
    make_cheap(executor, task_tally);
    keep_busy_first(executor);
    pp_future *held = submit_gate(executor, &gate);
    pp_future *futures[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        tally.index = i;
        futures[i] = submit(executor, task_tally, &tally, sizeof tally);
    }
    while (pp_executor_step(executor, -1) == 0) {
    }
    gate_await(&gate, 1);
    size_t sent = 0;
    for (size_t i = 0; i < COUNT; i++) {
        sent += futures[i]->job.place == PP_PLACE_WINDOW;
    }
    ck_assert_uint_ge(sent, 1); /* or this test tests nothing */
    for (size_t i = 0; i < COUNT; i += 2) {
        ck_assert_int_eq(pp_future_cancel(futures[i]), 0);
    }
    gate_let_through(&gate, 1);
    assert_closed(executor, PP_CLOSE_DRAIN);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_int_eq(pp_future_state(futures[i]), i % 2 == 0 ? PP_CANCELLED : PP_SUCCEEDED);
        ck_assert_uint_eq(counters[i], i % 2);
        pp_future_release(futures[i]);
    }
    pp_future_release(held);
    gate_close(&gate);
    shared_counters_free(counters, COUNT);
}
END_TEST

START_TEST(killing_a_running_task_hurts_nobody_else)
{
    enum { COUNT = 100 };
    pp_executor *executor = open_executor(2);
    pp_future *victim = submit(executor, task_spin, "", 0);
    pp_future *futures[COUNT];
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, task_echo, "", 0);
    }
    while (pp_future_state(victim) != PP_RUNNING) {
        ck_assert_int_ge(pp_executor_step(executor, 1), 0);
    }
    ck_assert_int_eq(pp_future_kill(victim), 0);
    ck_assert_int_eq(pp_future_state(victim), PP_CANCELLED);
    for (int i = 0; i < COUNT; i++) {
        assert_echoed(futures[i], "", 0);
        pp_future_release(futures[i]);
    }
    pp_future_release(victim);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

/* The first task has ended and its answer is still with the worker, which is at the gate with the second. */
static void answer_is_held_back(pp_executor *executor, struct gate *gate, unsigned *counter,
                                pp_future *futures[2])
{
    struct tally tally = {.counters = counter, .death = DEATHS};
    make_cheap(executor, task_gate);
    make_cheap(executor, task_tally);
    keep_busy_first(executor);
    futures[0] = submit(executor, task_tally, &tally, sizeof tally);
    futures[1] = submit_gate(executor, gate);
    while (pp_executor_step(executor, -1) == 0) {
    }
    gate_await(gate, 1);
    ck_assert_int_eq(pp_future_state(futures[0]), PP_RUNNING); /* or this test tests nothing */
    ck_assert_int_eq(pp_future_state(futures[1]), PP_RUNNING);
}

START_TEST(a_task_killed_when_it_had_ended_unheard_stays_cancelled_though_its_worker_dies)
{
    struct gate gate;
    gate_open(&gate);
    pp_executor *executor = open_executor(1);
    pp_future *futures[2];
    unsigned *counter = shared_counters(1);
    answer_is_held_back(executor, &gate, counter, futures);
    ck_assert_int_eq(pp_future_kill(futures[0]), 0);
    ck_assert_int_eq(kill(executor->pool->slots[0].pid, SIGKILL), 0);
    if (_i == 0) {
        ck_assert_int_eq(pp_future_wait(futures[1], -1), 0);
        assert_died(futures[1], SIGKILL, -1);
    }
    ck_assert_int_eq(pp_executor_close(executor, _i == 1 ? PP_CLOSE_CANCEL : PP_CLOSE_DRAIN, -1), 0);
    ck_assert_int_eq(pp_future_state(futures[0]), PP_CANCELLED);
    ck_assert_int_eq(pp_future_state(futures[1]), PP_FAILED);
    ck_assert_uint_eq(*counter, 1); /* and is not run again */
    shared_counters_free(counter, 1);
    pp_future_release(futures[0]);
    pp_future_release(futures[1]);
    gate_close(&gate);
}
END_TEST

START_TEST(an_answer_lost_with_its_worker_is_worked_out_again)
{
    struct gate gate;
    gate_open(&gate);
    pp_executor *executor = open_executor(1);
    pp_future *futures[2];
    unsigned *counter = shared_counters(1);
    answer_is_held_back(executor, &gate, counter, futures);
    ck_assert_int_eq(kill(executor->pool->slots[0].pid, SIGKILL), 0);
    ck_assert_int_eq(pp_future_wait(futures[0], -1), 0);
    ck_assert_int_eq(pp_future_state(futures[0]), PP_SUCCEEDED);
    /* A slow worker sends what it holds back for so long. */
    ck_assert(*counter == 2 || process_is_under_valgrind());
    shared_counters_free(counter, 1);
    ck_assert_int_eq(pp_future_wait(futures[1], -1), 0);
    assert_died(futures[1], SIGKILL, -1);
    pp_future_release(futures[0]);
    pp_future_release(futures[1]);
    assert_closed(executor, PP_CLOSE_DRAIN);
    gate_close(&gate);
}
END_TEST

START_TEST(an_epoch_that_is_full_is_followed_by_the_next)
{
    enum { COUNT = 3000 };
    size_t bytes[128] = {0}; /* so large that no more is sent ahead than an epoch has room for */
    pp_executor *executor = open_executor(2);
    executor->pool->epoch_limit = 300 + 7 * (uint32_t)_i;
    pp_future *futures[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        bytes[0] = i;
        futures[i] = submit(executor, task_echo, bytes, sizeof bytes);
    }
    for (size_t i = 0; i < COUNT; i++) {
        bytes[0] = i;
        assert_echoed(futures[i], bytes, sizeof bytes);
        pp_future_release(futures[i]);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

/* ---- Other loops, other signals, other processes ---- */

START_TEST(a_foreign_loop_that_polls_what_it_is_told_to_gets_everything_done)
{
    enum { COUNT = 300 };
    pp_executor *executor = open_executor(3);
    pp_future *futures[COUNT];
    for (int i = 0; i < COUNT; i++) {
        futures[i] = i % 50 == 7 ? submit_death(executor, DIE_SEGV) : submit(executor, task_echo, "", 0);
    }
    for (int done = 0; done < COUNT;) {
        struct pollfd fds[16];
        size_t count = pp_executor_pollfds(executor, fds, 16);
        ck_assert_uint_ge(count, 1);
        ck_assert_uint_le(count, 6);
        int timeout = pp_executor_next_deadline(executor);
        ck_assert_int_ge(timeout, 0); /* there is work under way, so a look is due now and then */
        ck_assert_int_ge(poll(fds, (nfds_t)count, timeout), 0);
        int finished = pp_executor_step(executor, 0);
        ck_assert_int_ge(finished, 0);
        done += finished;
    }
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(pp_future_state(futures[i]), i % 50 == 7 ? PP_FAILED : PP_SUCCEEDED);
        pp_future_release(futures[i]);
    }
    ck_assert_int_eq(pp_executor_next_deadline(executor), -1);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(a_foreign_loop_need_not_wait_after_a_cancel)
{
    struct gate gate;
    gate_open(&gate);
    pp_executor *executor = open_executor(1);
    pp_future *futures[3];
    for (int i = 0; i < 3; i++) {
        futures[i] = submit(executor, task_echo, "", 0);
    }
    /* The worker may have begun the first one or not. */
    pp_future_cancel(futures[0]);
    for (int done = 0; done < 2;) {
        struct pollfd fds[4];
        size_t count = pp_executor_pollfds(executor, fds, 4);
        ck_assert_int_ge(poll(fds, (nfds_t)count, pp_executor_next_deadline(executor)), 0);
        pp_executor_step(executor, 0);
        done = pp_future_is_done(futures[1]) + pp_future_is_done(futures[2]);
    }
    for (int i = 0; i < 3; i++) {
        pp_future_release(futures[i]);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    gate_close(&gate);
}
END_TEST

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

struct interrupter {
    pthread_t target;
    atomic_bool enough;
};

/* Again and again, because a signal that comes before the target waits is none that ends the wait. */
static void *interrupt(void *arg)
{
    struct interrupter *interrupter = arg;
    const struct timespec pause = {.tv_nsec = 1000000};
    while (!atomic_load(&interrupter->enough)) {
        nanosleep(&pause, NULL);
        pthread_kill(interrupter->target, SIGUSR1);
    }
    return NULL;
}

START_TEST(a_signal_ends_a_wait_with_eintr_and_harms_nothing)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct gate gate;
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    gate_open(&gate);
    pp_executor *executor = open_executor(1);
    pp_future *future = submit_gate(executor, &gate);
    gate_await(&gate, 1);
    struct interrupter interrupter = {.target = pthread_self()};
    pthread_t other;
    ck_assert_int_eq(pthread_create(&other, NULL, interrupt, &interrupter), 0);
    ck_assert_int_eq(pp_future_wait(future, -1), -EINTR);
    atomic_store(&interrupter.enough, true);
    pthread_join(other, NULL);
    gate_let_through(&gate, 1);
    int waited;
    while ((waited = pp_future_wait(future, -1)) == -EINTR) {
    }
    ck_assert_int_eq(waited, 0);
    pp_future_release(future);
    assert_closed(executor, PP_CLOSE_DRAIN);
    gate_close(&gate);
}
END_TEST

static void *use_an_executor(void *unused)
{
    (void)unused;
    pp_executor *executor = open_executor(2);
    for (size_t i = 0; i < 200; i++) {
        pp_future *future =
            i % 20 == 0 ? submit_death(executor, DIE_KILL) : submit(executor, task_echo, &i, sizeof i);
        ck_assert_int_eq(pp_future_wait(future, -1), 0);
        ck_assert_int_eq(pp_future_state(future), i % 20 == 0 ? PP_FAILED : PP_SUCCEEDED);
        pp_future_release(future);
    }
    assert_closed(executor, PP_CLOSE_DRAIN);
    return NULL;
}

START_TEST(executors_in_several_threads_do_not_disturb_each_other)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_an_executor, NULL), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
}
END_TEST

START_TEST(two_executors_of_one_thread_end_in_any_order)
{
    pp_executor *executors[2] = {open_executor(1), open_executor(2)};
    pp_future *futures[2];
    for (int i = 0; i < 2; i++) {
        futures[i] = submit(executors[i], task_pid, "", 0);
    }
    ck_assert_int_ne(int_result(futures[1]), int_result(futures[0]));
    assert_closed(executors[_i],
                  PP_CLOSE_DRAIN); /* its workers see EOF though the other's were forked later */
    pp_future *more = submit(executors[1 - _i], task_echo, "x", 1);
    assert_echoed(more, "x", 1);
    pp_future_release(more);
    assert_closed(executors[1 - _i], PP_CLOSE_DRAIN);
    pp_future_release(futures[0]);
    pp_future_release(futures[1]);
}
END_TEST

/* Its own executor, with one worker more than it is deep. */
static int task_nest(const void *arg, size_t arg_size, pp_reply *reply)
{
    int depth;
    memcpy(&depth, arg, sizeof depth);
    if (depth == 0) {
        return pp_reply_append(reply, arg, arg_size);
    }
    depth--;
    pp_executor *executor;
    pp_future *futures[3];
    int sum = 1;
    if (pp_executor_open(&executor, &(struct pp_options){.workers = 2}) != 0) {
        return -1;
    }
    for (int i = 0; i < 3; i++) {
        const void *bytes;
        size_t size;
        if (pp_executor_submit(executor, task_nest, &depth, sizeof depth, &futures[i]) != 0 ||
            pp_future_result(futures[i], -1, &bytes, &size) != 0 || size != sizeof depth) {
            return -2;
        }
        sum += *(const int *)bytes;
        pp_future_release(futures[i]);
    }
    int error = pp_executor_close(executor, PP_CLOSE_DRAIN, -1);
    return error != 0 ? error : pp_reply_append(reply, &sum, sizeof sum);
}

START_TEST(a_task_may_have_an_executor_of_its_own)
{
    int depth = 2;
    pp_executor *executor = open_executor(2);
    pp_future *one = submit(executor, task_nest, &depth, sizeof depth);
    pp_future *two = submit(executor, task_nest, &depth, sizeof depth);
    ck_assert_int_eq(int_result(one), 1 + 3 * 1);
    ck_assert_int_eq(int_result(two), 1 + 3 * 1);
    pp_future_release(one);
    pp_future_release(two);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

START_TEST(closed_standard_descriptors_are_not_taken_for_pipes)
{
    int saved[3];
    for (int fd = 0; fd < 3; fd++) {
        saved[fd] = fcntl(fd, F_DUPFD, 10);
        close(fd);
    }
    pp_executor *executor;
    int opened = pp_executor_open(&executor, &(struct pp_options){.workers = 2});
    pp_future *future = NULL;
    int error = pp_executor_submit(executor, task_echo, "x", 1, &future);
    int waited = pp_future_wait(future, -1);
    bool used = false;
    for (int fd = 0; fd < 3; fd++) {
        used = used || fcntl(fd, F_GETFD) != -1;
    }
    int closed = pp_executor_close(executor, PP_CLOSE_DRAIN, -1);
    for (int fd = 0; fd < 3; fd++) {
        dup2(saved[fd], fd);
        close(saved[fd]);
    }
    ck_assert_int_eq(opened, 0);
    ck_assert_int_eq(error, 0);
    ck_assert_int_eq(waited, 0);
    ck_assert(!used);
    ck_assert_int_eq(closed, 0);
    assert_echoed(future, "x", 1);
    pp_future_release(future);
}
END_TEST

START_TEST(a_child_of_the_caller_s_own_is_never_waited_for_and_holds_nothing_up)
{
    int hold[2];
    ck_assert_int_eq(pipe(hold), 0);
    pp_executor *executor = open_executor(2);
    pp_future *future = submit(executor, task_echo, "x", 1);
    assert_echoed(future, "x", 1);
    pid_t ended = fork();
    if (ended == 0) {
        _exit(42);
    }
    pid_t child = fork(); /* it holds all pipes of the executor */
    if (child == 0) {
        char byte;
        close(hold[1]);
        _exit(read(hold[0], &byte, 1) == 1 ? 43 : 44);
    }
    pp_future *crash = submit_death(executor, DIE_SEGV);
    ck_assert_int_eq(pp_future_wait(crash, -1), 0);
    assert_died(crash, SIGSEGV, -1);
    pp_future_release(future);
    pp_future_release(crash);
    assert_closed(executor, PP_CLOSE_DRAIN);
    ck_assert_int_eq(write(hold[1], "", 1), 1);
    int status;
    ck_assert_int_eq(waitpid(ended, &status, 0), ended);
    ck_assert_int_eq(WEXITSTATUS(status), 42);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 43);
    close(hold[0]);
    close(hold[1]);
}
END_TEST

/* Leaves a child behind that holds the worker's pipes, and dies. */
static int task_leave_a_child(const void *arg, size_t arg_size, pp_reply *reply)
{
    struct gate gate;
    memcpy(&gate, arg, sizeof gate);
    (void)arg_size;
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(gate.here_to);
        _exit(read(gate.go_from, &byte, 1) == 1 ? 0 : 1);
    }
    (void)reply;
    _exit(9);
}

START_TEST(a_worker_whose_child_holds_its_pipes_is_missed_all_the_same)
{
    struct gate gate;
    gate_open(&gate);
    pp_executor *executor = open_executor(1);
    pp_executor *other = open_executor(1);
    pp_future *future = submit(executor, task_leave_a_child, &gate, sizeof gate);
    pp_future *held = submit_gate(other, &gate);
    if (_i == 0) {
        ck_assert_int_eq(pp_future_wait(future, -1), 0);
    } else if (_i == 1) {
        pp_future *both[] = {future, held};
        ck_assert_int_eq(pp_wait(both, 2, PP_UNTIL_FIRST_DONE, -1, NULL), 0);
    } else {
        while (!pp_future_is_done(future)) {
            struct pollfd fds[4];
            size_t count = pp_executor_pollfds(executor, fds, 4);
            ck_assert_int_ge(poll(fds, (nfds_t)count, pp_executor_next_deadline(executor)), 0);
            ck_assert_int_ge(pp_executor_step(executor, 0), 0);
        }
    }
    assert_died(future, 0, 9);
    gate_let_through(&gate, 2);
    assert_closed(executor, PP_CLOSE_DRAIN);
    assert_closed(other, PP_CLOSE_DRAIN);
    pp_future_release(future);
    pp_future_release(held);
    gate_close(&gate);
}
END_TEST

START_TEST(signals_and_their_mask_are_the_caller_s_as_before)
{
    struct sigaction before[32];
    struct sigaction after;
    sigset_t mask_before;
    sigset_t mask_after;
    for (int i = 1; i < 32; i++) {
        sigaction(i, NULL, &before[i]);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    use_an_executor(NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    for (int i = 1; i < 32; i++) {
        sigaction(i, NULL, &after);
        ck_assert(after.sa_handler == before[i].sa_handler);
        ck_assert_int_eq(sigismember(&mask_before, i), sigismember(&mask_after, i));
    }
}
END_TEST

START_TEST(with_sigchld_ignored_a_crash_is_noticed_but_its_cause_unknown)
{
    signal(SIGCHLD, SIG_IGN);
    pp_executor *executor = open_executor(2);
    pp_future *crash = submit_death(executor, DIE_SEGV);
    pp_future *future = submit(executor, task_echo, "x", 1);
    ck_assert_int_eq(pp_future_wait(crash, -1), 0);
    ck_assert_int_eq(pp_future_failure(crash)->history[0].signal, 0);
    ck_assert_int_eq(pp_future_failure(crash)->history[0].exit_status, -1);
    assert_echoed(future, "x", 1);
    pp_future_release(crash);
    pp_future_release(future);
    assert_closed(executor, PP_CLOSE_DRAIN);
    signal(SIGCHLD, SIG_DFL);
}
END_TEST

START_TEST(statistics_count_what_happened)
{
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 1, .retries = 1});
    pp_future *crash = submit_death(executor, DIE_SEGV);
    pp_future *future = submit(executor, task_echo, "", 0);
    pp_future *cancelled = submit(executor, task_echo, "", 0);
    ck_assert_int_eq(pp_future_cancel(cancelled), 0);
    ck_assert_int_eq(pp_future_wait(crash, -1), 0);
    ck_assert_int_eq(pp_future_wait(future, -1), 0);
    struct pp_statistics statistics = statistics_of(executor);
    ck_assert_uint_eq(statistics.workers, 1);
    ck_assert_uint_eq(statistics.workers_started, 3);
    ck_assert_uint_eq(statistics.workers_died, 2);
    ck_assert_uint_eq(statistics.tasks_submitted, 3);
    ck_assert_uint_eq(statistics.tasks_done, 3);
    ck_assert_uint_eq(statistics.tasks_retried, 1);
    pp_future_release(crash);
    pp_future_release(future);
    pp_future_release(cancelled);
    assert_closed(executor, PP_CLOSE_DRAIN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("executor/executor");
    TCase *life = harness_case(suite, "open and close", 30);
    tcase_add_loop_test(life, an_executor_that_is_not_used_starts_no_worker, 0, 4);
    tcase_add_test(life, what_cannot_be_is_refused);
    tcase_add_loop_test(life, closing_ends_each_task_as_it_promises, 0, sizeof closings / sizeof closings[0]);
    tcase_add_test(life, a_crash_while_the_executor_drains_stops_nothing);
    tcase_add_test(life, submit_and_cancel_right_before_closing_does_not_hang);
    tcase_add_test(life, closing_does_not_wait_for_an_idle_worker_that_is_stopped);
    tcase_add_test(life, futures_nobody_holds_are_run_all_the_same);

    TCase *bytes = harness_case(suite, "bytes", 60);
    tcase_add_test(bytes, arguments_and_results_of_any_size_arrive_unchanged);
    tcase_add_test(bytes, more_than_a_pipe_holds_travels_both_ways_at_once);
    tcase_add_test(bytes, an_argument_is_aligned_and_the_task_s_to_change);
    tcase_add_test(bytes, a_hundred_thousand_tasks_run_once_each);

    TCase *workers = harness_case(suite, "workers", 30);
    tcase_add_test(workers, an_idle_worker_is_used_again);
    tcase_add_test(workers, a_worker_that_has_answered_unheard_is_used_before_another_is_started);
    tcase_add_test(workers, who_only_submits_is_served_all_the_same_and_the_next_step_tells_of_it);
    tcase_add_test(workers, who_submits_seldom_and_never_steps_finds_idle_workers_busy_at_once);
    tcase_add_test(workers, steps_tell_of_each_end_once_though_callbacks_submit_and_futures_are_cancelled);
    tcase_add_test(workers, what_was_just_sent_is_not_taken_back_however_many_workers_start);
    tcase_add_test(workers, all_workers_work_at_once_and_never_more);
    tcase_add_loop_test(workers, a_task_that_ends_its_worker_fails_alone_and_tells_how, 0, DEATHS);
    tcase_add_test(workers, several_workers_that_die_at_once_are_all_replaced);
    tcase_add_test(workers, a_worker_killed_while_it_is_idle_costs_no_task);
    tcase_add_test(workers, one_long_task_does_not_hold_up_the_short_ones_sent_behind_it);
    tcase_add_test(workers, a_surprise_among_tasks_of_one_function_is_taken_back_from_behind);
    tcase_add_loop_test(workers, what_was_sent_to_a_stopped_worker_is_run_by_another_one, 0, 2);
    tcase_add_test(workers, a_stopped_worker_that_goes_on_is_of_use_again);
    tcase_add_loop_test(workers, an_epoch_that_is_full_is_followed_by_the_next, 0, 4);

    TCase *ends = harness_case(suite, "cancel and kill", 30);
    tcase_add_test(ends, what_was_sent_and_not_begun_can_be_cancelled_and_never_runs);
    tcase_add_test(ends, killing_a_running_task_hurts_nobody_else);
    tcase_add_loop_test(ends, a_task_killed_when_it_had_ended_unheard_stays_cancelled_though_its_worker_dies,
                        0, 3);
    tcase_add_test(ends, an_answer_lost_with_its_worker_is_worked_out_again);

    TCase *others = harness_case(suite, "the caller's world", 30);
    tcase_add_test(others, a_foreign_loop_that_polls_what_it_is_told_to_gets_everything_done);
    tcase_add_test(others, a_foreign_loop_need_not_wait_after_a_cancel);
    tcase_add_test(others, a_signal_ends_a_wait_with_eintr_and_harms_nothing);
    tcase_add_test(others, executors_in_several_threads_do_not_disturb_each_other);
    tcase_add_loop_test(others, two_executors_of_one_thread_end_in_any_order, 0, 2);
    tcase_add_test(others, a_task_may_have_an_executor_of_its_own);
    tcase_add_test(others, closed_standard_descriptors_are_not_taken_for_pipes);
    tcase_add_test(others, a_child_of_the_caller_s_own_is_never_waited_for_and_holds_nothing_up);
    tcase_add_loop_test(others, a_worker_whose_child_holds_its_pipes_is_missed_all_the_same, 0, 3);
    tcase_add_test(others, signals_and_their_mask_are_the_caller_s_as_before);
    tcase_add_test(others, with_sigchld_ignored_a_crash_is_noticed_but_its_cause_unknown);
    tcase_add_test(others, statistics_count_what_happened);
    return harness_run(suite);
}
