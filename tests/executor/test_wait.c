/* Waiting for several futures, of one executor and of several. */

#include "support/harness.h"
#include "support/tasks.h"

#include <errno.h>
#include <stdlib.h>

/* Futures that are done or not, at will: each of its own executor with one worker, or all of one executor. */
enum { MOST = 6 };

struct set {
    pp_executor *executors[MOST];
    size_t executor_count;
    struct gate gates[MOST];
    pp_future *futures[MOST];
    size_t count;
};

static void open_set(struct set *set, size_t count, bool mixed)
{
    set->count = count;
    set->executor_count = mixed ? count : 1;
    for (size_t i = 0; i < count; i++) {
        gate_open(&set->gates[i]);
    }
    for (size_t i = 0; i < set->executor_count; i++) {
        set->executors[i] = open_executor(mixed ? 1 : count);
    }
    for (size_t i = 0; i < count; i++) {
        set->futures[i] = submit_gate(set->executors[mixed ? i : 0], &set->gates[i]);
    }
    for (size_t i = 0; i < count; i++) {
        gate_await(&set->gates[i], 1);
    }
}

static void finish(struct set *set, size_t i)
{
    gate_let_through(&set->gates[i], 1);
    ck_assert_int_eq(pp_future_wait(set->futures[i], -1), 0);
}

/* By the death of its worker. */
static void make_fail(struct set *set, size_t i)
{
    pp_future_release(set->futures[i]);
    gate_let_through(&set->gates[i], 1);
    set->futures[i] = submit_death(set->executors[i % set->executor_count], DIE_KILL);
    ck_assert_int_eq(pp_future_wait(set->futures[i], -1), 0);
    ck_assert_int_eq(pp_future_state(set->futures[i]), PP_FAILED);
}

static void cancel(struct set *set, size_t i)
{
    ck_assert_int_eq(pp_future_kill(set->futures[i]), 0);
}

static void close_set(struct set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        gate_let_through(&set->gates[i], 2);
    }
    for (size_t i = 0; i < set->executor_count; i++) {
        ck_assert_int_eq(pp_executor_close(set->executors[i], PP_CLOSE_DRAIN, -1), 0);
    }
    for (size_t i = 0; i < set->count; i++) {
        pp_future_release(set->futures[i]);
        gate_close(&set->gates[i]);
    }
}

/* ---- wait ---- */

/* What three futures are when the wait begins, what the wait says and how many it finds done. */
enum { PENDING, DONE, FAILED, CANCELLED };

static const struct {
    int are[3];
    enum pp_until until;
    int expected;
    size_t done;
} waits[] = {
    {{PENDING, PENDING, PENDING}, PP_UNTIL_FIRST_DONE, PP_E_TIMEOUT, 0},
    {{PENDING, DONE, PENDING}, PP_UNTIL_FIRST_DONE, 0, 1},
    {{PENDING, PENDING, CANCELLED}, PP_UNTIL_FIRST_DONE, 0, 1},
    {{FAILED, PENDING, DONE}, PP_UNTIL_FIRST_DONE, 0, 2}, /* all that are done, not just one */
    {{DONE, DONE, DONE}, PP_UNTIL_FIRST_DONE, 0, 3},
    {{PENDING, DONE, PENDING}, PP_UNTIL_FIRST_FAILURE, PP_E_TIMEOUT, 1},
    {{PENDING, CANCELLED, DONE}, PP_UNTIL_FIRST_FAILURE, PP_E_TIMEOUT, 2}, /* cancelled is not failed */
    {{PENDING, FAILED, PENDING}, PP_UNTIL_FIRST_FAILURE, 0, 1},
    {{DONE, DONE, FAILED}, PP_UNTIL_FIRST_FAILURE, 0, 3},
    {{DONE, CANCELLED, DONE}, PP_UNTIL_FIRST_FAILURE, 0, 3}, /* none fails: as all done */
    {{DONE, FAILED, PENDING}, PP_UNTIL_ALL_DONE, PP_E_TIMEOUT, 2},
    {{DONE, FAILED, CANCELLED}, PP_UNTIL_ALL_DONE, 0, 3},
};
enum { WAITS = sizeof waits / sizeof waits[0] };

START_TEST(wait_ends_when_it_should)
{
    for (int mixed = 0; mixed < 2; mixed++) {
        for (int timeout = 0; timeout <= 10; timeout += 10) {
            struct set set;
            open_set(&set, 3, mixed != 0);
            for (size_t i = 0; i < 3; i++) {
                switch (waits[_i].are[i]) {
                case DONE:
                    finish(&set, i);
                    break;
                case FAILED:
                    make_fail(&set, i);
                    break;
                case CANCELLED:
                    cancel(&set, i);
                    break;
                default:
                    break;
                }
            }
            size_t done = 99;
            ck_assert_int_eq(pp_wait(set.futures, 3, waits[_i].until, timeout, &done), waits[_i].expected);
            ck_assert_uint_eq(done, waits[_i].done);
            ck_assert_int_eq(pp_wait(set.futures, 3, waits[_i].until, timeout, NULL), waits[_i].expected);
            close_set(&set);
        }
    }
}
END_TEST

START_TEST(a_wait_for_nothing_ends_at_once)
{
    size_t done = 99;
    for (int until = PP_UNTIL_FIRST_DONE; until <= PP_UNTIL_ALL_DONE; until++) {
        ck_assert_int_eq(pp_wait(NULL, 0, (enum pp_until)until, -1, &done), 0);
        ck_assert_uint_eq(done, 0);
    }
    ck_assert_int_eq(pp_wait(NULL, 0, (enum pp_until)3, -1, NULL), -EINVAL);
    ck_assert_int_eq(pp_wait(NULL, 0, (enum pp_until) - 1, -1, NULL), -EINVAL);
}
END_TEST

START_TEST(a_blocking_wait_ends_with_what_happens_during_it)
{
    struct set set;
    open_set(&set, 4, _i == 1);
    size_t done;
    pp_future *repeated[] = {set.futures[2], set.futures[3], set.futures[2], set.futures[3]};
    gate_let_through(&set.gates[2], 1);
    ck_assert_int_eq(pp_wait(set.futures, 4, PP_UNTIL_FIRST_DONE, -1, &done), 0);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(pp_wait(repeated, 4, PP_UNTIL_ALL_DONE, 5, &done), PP_E_TIMEOUT);
    ck_assert_uint_eq(done, 2); /* entries, not futures */
    gate_let_through(&set.gates[3], 1);
    ck_assert_int_eq(pp_wait(repeated, 4, PP_UNTIL_ALL_DONE, -1, &done), 0);
    ck_assert_uint_eq(done, 4);
    gate_let_through(&set.gates[0], 1);
    gate_let_through(&set.gates[1], 1);
    ck_assert_int_eq(pp_wait(set.futures, 4, PP_UNTIL_FIRST_FAILURE, -1, &done), 0);
    ck_assert_uint_eq(done, 4);
    close_set(&set);
}
END_TEST

START_TEST(a_task_s_own_time_limit_is_not_the_wait_s)
{
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 1, .task_timeout_ms = 50});
    pp_future *future = submit(executor, task_spin, "", 0);
    ck_assert_int_eq(pp_wait(&future, 1, PP_UNTIL_ALL_DONE, 1, NULL), PP_E_TIMEOUT);
    ck_assert_int_eq(pp_wait(&future, 1, PP_UNTIL_ALL_DONE, -1, NULL), 0);
    ck_assert_int_eq(pp_future_failure(future)->error, PP_E_TASK_TIMEOUT);
    pp_future_release(future);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
}
END_TEST

/* ---- as_completed ---- */

static pp_as_completed *open_iterator(pp_future *const futures[], size_t count, int timeout_ms)
{
    pp_as_completed *iterator;
    ck_assert_int_eq(pp_as_completed_open(&iterator, futures, count, timeout_ms), 0);
    return iterator;
}

static void assert_next(pp_as_completed *iterator, const pp_future *expected)
{
    pp_future *future;
    ck_assert_int_eq(pp_as_completed_next(iterator, &future), 0);
    ck_assert_ptr_eq(future, expected);
    ck_assert(pp_future_is_done(future));
}

START_TEST(futures_come_out_as_they_become_done_those_done_first)
{
    struct set set;
    open_set(&set, 5, _i == 1);
    finish(&set, 4);
    cancel(&set, 1);
    pp_as_completed *iterator = open_iterator(set.futures, 5, -1);
    ck_assert_uint_eq(pp_as_completed_left(iterator), 5);
    assert_next(iterator, set.futures[1]);
    assert_next(iterator, set.futures[4]);
    ck_assert_uint_eq(pp_as_completed_left(iterator), 3);
    static const size_t order[] = {2, 0, 3};
    for (size_t i = 0; i < 3; i++) {
        gate_let_through(&set.gates[order[i]], 1);
        assert_next(iterator, set.futures[order[i]]);
    }
    ck_assert_uint_eq(pp_as_completed_left(iterator), 0);
    pp_future *none = set.futures[0];
    ck_assert_int_eq(pp_as_completed_next(iterator, &none), PP_E_END);
    ck_assert_ptr_eq(none, NULL);
    ck_assert_int_eq(pp_as_completed_next(iterator, &none), PP_E_END);
    pp_as_completed_close(iterator);
    close_set(&set);
}
END_TEST

START_TEST(a_future_that_occurs_several_times_comes_once)
{
    struct set set;
    open_set(&set, 2, _i == 1);
    finish(&set, 0);
    pp_future *repeated[] = {set.futures[0], set.futures[1], set.futures[1], set.futures[0], set.futures[1]};
    pp_as_completed *iterator = open_iterator(repeated, 5, -1);
    pp_as_completed *another = open_iterator(repeated, 5, -1);
    ck_assert_uint_eq(pp_as_completed_left(iterator), 2);
    assert_next(iterator, set.futures[0]);
    gate_let_through(&set.gates[1], 1);
    assert_next(iterator, set.futures[1]);
    pp_future *none;
    ck_assert_int_eq(pp_as_completed_next(iterator, &none), PP_E_END);
    assert_next(another, set.futures[0]);
    assert_next(another, set.futures[1]);
    pp_as_completed_close(iterator);
    pp_as_completed_close(another);
    close_set(&set);
}
END_TEST

START_TEST(what_is_done_comes_out_even_when_time_is_up)
{
    struct set set;
    open_set(&set, 3, _i == 1);
    finish(&set, 2);
    pp_as_completed *iterator = open_iterator(set.futures, 3, 0);
    assert_next(iterator, set.futures[2]);
    pp_future *future;
    ck_assert_int_eq(pp_as_completed_next(iterator, &future), PP_E_TIMEOUT);
    ck_assert_ptr_eq(future, NULL);
    ck_assert_uint_eq(pp_as_completed_left(iterator), 2);
    finish(&set, 0);
    assert_next(iterator, set.futures[0]);
    ck_assert_int_eq(pp_as_completed_next(iterator, &future), PP_E_TIMEOUT);
    pp_as_completed_close(iterator);
    iterator = open_iterator(set.futures + 1, 1, 10);
    ck_assert_int_eq(pp_as_completed_next(iterator, &future), PP_E_TIMEOUT);
    pp_as_completed_close(iterator);
    close_set(&set);
}
END_TEST

START_TEST(what_has_come_out_may_be_released_at_once)
{
    enum { COUNT = 1000 };
    pp_executor *executor = open_executor(2);
    pp_future **futures = malloc(COUNT * sizeof *futures);
    for (int i = 0; i < COUNT; i++) {
        futures[i] = submit(executor, task_echo, &i, sizeof i);
    }
    pp_as_completed *iterator = open_iterator(futures, COUNT, -1);
    free(futures);
    static bool seen[COUNT];
    for (int i = 0; i < COUNT; i++) {
        pp_future *future;
        ck_assert_int_eq(pp_as_completed_next(iterator, &future), 0);
        int number = int_result(future);
        ck_assert(!seen[number]);
        seen[number] = true;
        pp_future_release(future);
    }
    pp_as_completed_close(iterator);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
}
END_TEST

START_TEST(an_iteration_that_is_broken_off_leaves_the_futures_alone)
{
    struct set set;
    open_set(&set, 3, _i == 1);
    pp_as_completed *iterator = open_iterator(set.futures, 3, -1);
    gate_let_through(&set.gates[1], 1);
    assert_next(iterator, set.futures[1]);
    pp_as_completed_close(iterator);
    pp_as_completed_close(NULL);
    finish(&set, 0);
    finish(&set, 2);
    close_set(&set);
}
END_TEST

START_TEST(an_iteration_outlives_the_executor_of_its_futures)
{
    struct set set;
    open_set(&set, 3, _i == 1);
    pp_as_completed *iterator = open_iterator(set.futures, 3, -1);
    for (size_t i = 0; i < 3; i++) {
        gate_let_through(&set.gates[i], 1);
    }
    for (size_t i = 0; i < set.executor_count; i++) {
        ck_assert_int_eq(pp_executor_close(set.executors[i], PP_CLOSE_DRAIN, -1), 0);
    }
    set.executor_count = 0;
    for (size_t i = 0; i < 3; i++) {
        pp_future *future;
        ck_assert_int_eq(pp_as_completed_next(iterator, &future), 0);
        ck_assert_int_eq(pp_future_state(future), PP_SUCCEEDED);
    }
    pp_as_completed_close(iterator);
    close_set(&set);
}
END_TEST

START_TEST(an_iteration_over_nothing_is_at_its_end)
{
    pp_as_completed *iterator = open_iterator(NULL, 0, -1);
    pp_future *future;
    ck_assert_int_eq(pp_as_completed_next(iterator, &future), PP_E_END);
    ck_assert_uint_eq(pp_as_completed_left(iterator), 0);
    pp_as_completed_close(iterator);
}
END_TEST

static pp_as_completed *inner;

static void take_next(pp_future *future, void *context)
{
    pp_future *next;
    (void)future;
    ck_assert_int_eq(pp_as_completed_next(inner, &next), 0);
    *(int *)context += 1;
}

START_TEST(iterations_know_before_callbacks_run)
{
    struct set set;
    int taken = 0;
    open_set(&set, 1, false);
    inner = open_iterator(set.futures, 1, 0); /* asked in the callback, when time is up */
    ck_assert_int_eq(pp_future_on_done(set.futures[0], take_next, &taken), 0);
    finish(&set, 0);
    ck_assert_int_eq(taken, 1);
    pp_as_completed_close(inner);
    close_set(&set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("executor/wait");
    TCase *wait = harness_case(suite, "wait", 30);
    tcase_add_loop_test(wait, wait_ends_when_it_should, 0, WAITS);
    tcase_add_test(wait, a_wait_for_nothing_ends_at_once);
    tcase_add_loop_test(wait, a_blocking_wait_ends_with_what_happens_during_it, 0, 2);
    tcase_add_test(wait, a_task_s_own_time_limit_is_not_the_wait_s);

    TCase *iterate = harness_case(suite, "as_completed", 30);
    tcase_add_loop_test(iterate, futures_come_out_as_they_become_done_those_done_first, 0, 2);
    tcase_add_loop_test(iterate, a_future_that_occurs_several_times_comes_once, 0, 2);
    tcase_add_loop_test(iterate, what_is_done_comes_out_even_when_time_is_up, 0, 2);
    tcase_add_test(iterate, what_has_come_out_may_be_released_at_once);
    tcase_add_loop_test(iterate, an_iteration_that_is_broken_off_leaves_the_futures_alone, 0, 2);
    tcase_add_loop_test(iterate, an_iteration_outlives_the_executor_of_its_futures, 0, 2);
    tcase_add_test(iterate, an_iteration_over_nothing_is_at_its_end);
    tcase_add_test(iterate, iterations_know_before_callbacks_run);
    return harness_run(suite);
}
