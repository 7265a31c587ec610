/* One future: its states, what each call says in each of them, and its callbacks. The table is the one that
 * concurrent.futures is tested against, as far as it applies. */

#include "executor/core.h"
#include "support/harness.h"
#include "support/tasks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- A future in each state ---- */

enum condition { QUEUED, SENT, RUNNING, SUCCEEDED, FAILED, CRASHED, CANCELLED, KILLED, CONDITIONS };

/* One worker, and a gate that holds it up. */
struct stage {
    pp_executor *executor;
    struct gate gate;
    pp_future *first; /* what the worker is on */
    pp_future *future;
};

/* A worker that is at the gate. */
static void hold_up_the_worker(struct stage *stage)
{
    stage->first = submit_gate(stage->executor, &stage->gate);
    gate_await(&stage->gate, 1);
}

static void set_stage(struct stage *stage, enum condition condition)
{
    static const int code = 7;
    gate_open(&stage->gate);
    stage->executor = open_executor(1);
    stage->first = NULL;
    switch (condition) {
    case QUEUED:
    case CANCELLED:
        hold_up_the_worker(stage);
        stage->future = submit(stage->executor, task_echo, "x", 1);
        if (condition == CANCELLED) {
            ck_assert_int_eq(pp_future_cancel(stage->future), 0);
        }
        return;
    case SENT:
        make_cheap(stage->executor, task_gate);
        keep_busy_first(stage->executor);
        stage->first = submit_gate(stage->executor, &stage->gate);
        stage->future = submit_gate(stage->executor, &stage->gate);
        while (pp_executor_step(stage->executor, -1) == 0) {
        }
        gate_await(&stage->gate, 1);
        ck_assert_int_eq(stage->future->job.place, PP_PLACE_WINDOW);
        return;
    case RUNNING:
    case KILLED:
        stage->future = submit_gate(stage->executor, &stage->gate);
        gate_await(&stage->gate, 1);
        if (condition == KILLED) {
            ck_assert_int_eq(pp_future_kill(stage->future), 0);
        }
        return;
    case SUCCEEDED:
        stage->future = submit(stage->executor, task_echo, "result", 7);
        break;
    case FAILED:
        stage->future = submit(stage->executor, task_fail, &code, sizeof code);
        break;
    default:
        stage->future = submit_death(stage->executor, DIE_ABORT);
        break;
    }
    ck_assert_int_eq(pp_future_wait(stage->future, -1), 0);
}

static void clear_stage(struct stage *stage)
{
    gate_let_through(&stage->gate, 8);
    ck_assert_int_eq(pp_executor_close(stage->executor, PP_CLOSE_DRAIN, -1), 0);
    ck_assert(pp_future_is_done(stage->future));
    pp_future_release(stage->first);
    pp_future_release(stage->future);
    gate_close(&stage->gate);
}

static const struct {
    enum pp_state state;
    int wait_0;
    int result_0;
    int cancel;
    int kill;
    bool has_failure;
} table[] = {
    [QUEUED] = {PP_PENDING, PP_E_TIMEOUT, PP_E_TIMEOUT, 0, 0, false},
    [SENT] = {PP_PENDING, PP_E_TIMEOUT, PP_E_TIMEOUT, 0, 0, false},
    [RUNNING] = {PP_RUNNING, PP_E_TIMEOUT, PP_E_TIMEOUT, PP_E_STATE, 0, false},
    [SUCCEEDED] = {PP_SUCCEEDED, 0, 0, PP_E_STATE, PP_E_STATE, false},
    [FAILED] = {PP_FAILED, 0, PP_E_TASK, PP_E_STATE, PP_E_STATE, true},
    [CRASHED] = {PP_FAILED, 0, PP_E_CRASH, PP_E_STATE, PP_E_STATE, true},
    [CANCELLED] = {PP_CANCELLED, 0, PP_E_CANCELLED, 0, 0, false},
    [KILLED] = {PP_CANCELLED, 0, PP_E_CANCELLED, 0, 0, false},
};

START_TEST(each_call_says_what_the_table_says)
{
    struct stage stage;
    set_stage(&stage, (enum condition)_i);
    ck_assert_int_eq(pp_future_state(stage.future), table[_i].state);
    ck_assert_int_eq(pp_future_is_done(stage.future), table[_i].state >= PP_SUCCEEDED);
    ck_assert_int_eq(pp_future_failure(stage.future) != NULL, table[_i].has_failure);
    ck_assert_int_eq(pp_future_wait(stage.future, 0), table[_i].wait_0);
    const void *bytes;
    size_t size;
    ck_assert_int_eq(pp_future_result(stage.future, 0, &bytes, &size), table[_i].result_0);
    ck_assert_int_eq(pp_future_state(stage.future), table[_i].state);
    clear_stage(&stage);
}
END_TEST

START_TEST(cancel_says_what_the_table_says_also_when_asked_twice)
{
    struct stage stage;
    set_stage(&stage, (enum condition)_i);
    ck_assert_int_eq(pp_future_cancel(stage.future), table[_i].cancel);
    ck_assert_int_eq(pp_future_cancel(stage.future), table[_i].cancel);
    enum pp_state after = table[_i].cancel == 0 ? PP_CANCELLED : table[_i].state;
    ck_assert_int_eq(pp_future_state(stage.future), after);
    clear_stage(&stage);
    ck_assert_int_eq(table[_i].state == PP_RUNNING || after >= PP_SUCCEEDED, 1);
}
END_TEST

START_TEST(kill_says_what_the_table_says_also_when_asked_twice)
{
    struct stage stage;
    set_stage(&stage, (enum condition)_i);
    ck_assert_int_eq(pp_future_kill(stage.future), table[_i].kill);
    ck_assert_int_eq(pp_future_kill(stage.future), table[_i].kill);
    ck_assert_int_eq(pp_future_state(stage.future), table[_i].kill == 0 ? PP_CANCELLED : table[_i].state);
    clear_stage(&stage);
}
END_TEST

START_TEST(the_executor_works_on_after_a_kill)
{
    struct stage stage;
    set_stage(&stage, KILLED);
    pp_future *next = submit(stage.executor, task_echo, "on", 3);
    const void *bytes;
    size_t size;
    ck_assert_int_eq(pp_future_result(next, -1, &bytes, &size), 0);
    ck_assert_str_eq(bytes, "on");
    struct pp_statistics statistics;
    pp_executor_statistics(stage.executor, &statistics);
    ck_assert_uint_eq(statistics.workers_started, 2);
    ck_assert_uint_eq(statistics.workers_died, 0); /* it was asked to */
    pp_future_release(next);
    clear_stage(&stage);
}
END_TEST

START_TEST(a_negative_timeout_waits_and_a_positive_one_ends)
{
    struct stage stage;
    set_stage(&stage, RUNNING);
    double before = now_ms();
    ck_assert_int_eq(pp_future_wait(stage.future, 20), PP_E_TIMEOUT);
    ck_assert(now_ms() - before >= 20);
    ck_assert_int_eq(pp_future_state(stage.future), PP_RUNNING);
    gate_let_through(&stage.gate, 1);
    ck_assert_int_eq(pp_future_wait(stage.future, -1), 0);
    clear_stage(&stage);
}
END_TEST

START_TEST(a_result_outlives_the_executor)
{
    struct stage stage;
    set_stage(&stage, SUCCEEDED);
    pp_future *kept = stage.future;
    stage.future = submit(stage.executor, task_echo, "", 0);
    clear_stage(&stage);
    const void *bytes;
    size_t size;
    ck_assert_int_eq(pp_future_wait(kept, -1), 0);
    ck_assert_int_eq(pp_future_result(kept, -1, &bytes, &size), 0);
    ck_assert_uint_eq(size, 7);
    ck_assert_str_eq(bytes, "result");
    ck_assert_int_eq(pp_future_cancel(kept), PP_E_STATE);
    ck_assert_int_eq(pp_future_kill(kept), PP_E_STATE);
    ck_assert_int_eq(pp_future_state(kept), PP_SUCCEEDED);
    pp_future_release(kept);
}
END_TEST

START_TEST(nothing_is_released_twice_by_releasing_nothing)
{
    pp_future_release(NULL);
}
END_TEST

/* ---- Callbacks ---- */

static char called[64]; /* the names of the callbacks that were called, in order */

static void note(pp_future *future, void *context)
{
    ck_assert(pp_future_is_done(future));
    ck_assert_uint_lt(strlen(called) + 1, sizeof called);
    strcat(called, context);
}

static void add(pp_future *future, pp_callback *callback, void *context)
{
    ck_assert_int_eq(pp_future_on_done(future, callback, context), 0);
}

START_TEST(callbacks_run_in_the_order_added_each_as_often_as_added)
{
    struct stage stage;
    set_stage(&stage, RUNNING);
    add(stage.future, note, "a");
    add(stage.future, note, "b");
    add(stage.future, note, "a");
    pp_executor_step(stage.executor, 0);
    ck_assert_str_eq(called, "");
    gate_let_through(&stage.gate, 1);
    ck_assert_int_eq(pp_future_wait(stage.future, -1), 0);
    ck_assert_str_eq(called, "aba");
    clear_stage(&stage);
    ck_assert_str_eq(called, "aba");
}
END_TEST

START_TEST(a_callback_runs_at_once_if_the_future_is_done)
{
    struct stage stage;
    set_stage(&stage, (enum condition)_i);
    add(stage.future, note, "a");
    ck_assert_str_eq(called, table[_i].state >= PP_SUCCEEDED ? "a" : "");
    clear_stage(&stage);
    ck_assert_str_eq(called, "a");
}
END_TEST

START_TEST(cancel_runs_the_callbacks_itself)
{
    struct stage stage;
    set_stage(&stage, _i == 0 ? QUEUED : _i == 1 ? SENT : RUNNING);
    add(stage.future, note, "a");
    ck_assert_int_eq(_i == 2 ? pp_future_kill(stage.future) : pp_future_cancel(stage.future), 0);
    ck_assert_str_eq(called, "a");
    clear_stage(&stage);
    ck_assert_str_eq(called, "a");
}
END_TEST

static void note_and_add(pp_future *future, void *context)
{
    note(future, context);
    add(future, note, "+");
}

START_TEST(a_callback_added_inside_a_callback_runs_before_the_remaining_ones)
{
    struct stage stage;
    set_stage(&stage, RUNNING);
    add(stage.future, note_and_add, "1");
    add(stage.future, note, "2");
    gate_let_through(&stage.gate, 1);
    ck_assert_int_eq(pp_future_wait(stage.future, -1), 0);
    ck_assert_str_eq(called, "1+2");
    clear_stage(&stage);
}
END_TEST

static void add_to_other(pp_future *future, void *context)
{
    (void)future;
    add(context, note, "2");
}

START_TEST(a_callback_added_to_a_done_future_whose_callbacks_still_wait_runs_after_them)
{
    struct stage stage;
    set_stage(&stage, RUNNING);
    stage.first = submit(stage.executor, task_echo, "", 0);
    /* Both become done in one call. */
    add(stage.future, add_to_other, stage.first);
    add(stage.first, note, "1");
    ck_assert_int_eq(pp_executor_close(stage.executor, PP_CLOSE_KILL, -1), 0);
    ck_assert_str_eq(called, "12");
    pp_future_release(stage.first);
    pp_future_release(stage.future);
    gate_close(&stage.gate);
}
END_TEST

static void release(pp_future *future, void *context)
{
    note(future, context);
    pp_future_release(future);
}

START_TEST(a_future_may_be_released_in_its_callback_and_the_later_ones_still_have_it)
{
    struct stage stage;
    set_stage(&stage, RUNNING);
    add(stage.future, release, "1");
    add(stage.future, note, "2");
    gate_let_through(&stage.gate, 1);
    while (strlen(called) < 2) {
        ck_assert_int_ge(pp_executor_step(stage.executor, -1), 0);
    }
    ck_assert_str_eq(called, "12");
    stage.future = submit(stage.executor, task_echo, "", 0);
    clear_stage(&stage);
}
END_TEST

START_TEST(callbacks_of_a_released_future_still_run)
{
    struct stage stage;
    set_stage(&stage, RUNNING);
    add(stage.future, note, "1");
    pp_future_release(stage.future);
    stage.future = submit(stage.executor, task_echo, "", 0);
    clear_stage(&stage);
    ck_assert_str_eq(called, "1");
}
END_TEST

/* What a callback may call. */
struct scene {
    pp_executor *executor;
    const struct gate *gate;
    pp_future *other;
    pp_future *made;
};

static void submit_more(pp_future *future, void *context)
{
    struct scene *scene = context;
    note(future, "s");
    scene->made = submit(scene->executor, task_echo, "more", 5);
    add(scene->made, note, "m");
}

static void cancel_other(pp_future *future, void *context)
{
    struct scene *scene = context;
    note(future, "c");
    ck_assert_int_eq(pp_future_cancel(scene->other), 0);
    ck_assert_str_eq(called, "co");
}

static void release_other(pp_future *future, void *context)
{
    struct scene *scene = context;
    note(future, "r");
    pp_future_release(scene->other);
    scene->other = NULL;
}

static void step_on(pp_future *future, void *context)
{
    struct scene *scene = context;
    note(future, "t");
    ck_assert_int_ge(pp_executor_step(scene->executor, 0), 0);
}

static void wait_for_other(pp_future *future, void *context)
{
    struct scene *scene = context;
    note(future, "w");
    gate_let_through(scene->gate, 1);
    ck_assert_int_eq(pp_future_wait(scene->other, -1), 0);
    ck_assert_str_eq(called, "wo");
}

static void wait_for_all(pp_future *future, void *context)
{
    struct scene *scene = context;
    pp_future *both[] = {future, scene->other};
    note(future, "w");
    gate_let_through(scene->gate, 1);
    ck_assert_int_eq(pp_wait(both, 2, PP_UNTIL_ALL_DONE, -1, NULL), 0);
    ck_assert_str_eq(called, "wo");
}

static void kill_other(pp_future *future, void *context)
{
    struct scene *scene = context;
    note(future, "k");
    ck_assert_int_eq(pp_future_kill(scene->other), 0);
    ck_assert_str_eq(called, "ko");
}

static const struct {
    pp_callback *callback;
    const char *expected; /* at the end */
} calls[] = {
    {submit_more, "som"},   {cancel_other, "co"}, {release_other, "ro"}, {step_on, "to"},
    {wait_for_other, "wo"}, {wait_for_all, "wo"}, {kill_other, "ko"},
};

START_TEST(a_callback_may_call_anything)
{
    struct stage stage;
    set_stage(&stage, RUNNING);
    struct scene scene = {.executor = stage.executor, .gate = &stage.gate};
    stage.first = submit_gate(stage.executor, &stage.gate); /* so that the other one has not begun */
    scene.other = submit(stage.executor, task_echo, "", 0);
    add(stage.future, calls[_i].callback, &scene);
    add(scene.other, note, "o");
    gate_let_through(&stage.gate, 1);
    ck_assert_int_eq(pp_future_wait(stage.future, -1), 0);
    gate_let_through(&stage.gate, 1);
    while (strlen(called) < strlen(calls[_i].expected)) {
        ck_assert_int_ge(pp_executor_step(stage.executor, -1), 0);
    }
    ck_assert_str_eq(called, calls[_i].expected);
    pp_future_release(scene.other);
    pp_future_release(scene.made);
    clear_stage(&stage);
}
END_TEST

static void submit_in_vain(pp_future *future, void *context)
{
    pp_future *made;
    note(future, "v");
    ck_assert_int_eq(pp_executor_submit(context, task_echo, "", 0, &made), PP_E_CLOSED);
}

START_TEST(a_callback_that_submits_while_the_executor_closes_is_refused)
{
    static const enum pp_close ways[] = {PP_CLOSE_DRAIN, PP_CLOSE_CANCEL, PP_CLOSE_KILL};
    struct stage stage;
    set_stage(&stage, RUNNING);
    add(stage.future, submit_in_vain, stage.executor);
    gate_let_through(&stage.gate, 1);
    ck_assert_int_eq(pp_executor_close(stage.executor, ways[_i], -1), 0);
    ck_assert_str_eq(called, "v");
    pp_future_release(stage.future);
    gate_close(&stage.gate);
}
END_TEST

START_TEST(a_chain_of_callbacks_as_long_as_you_like_needs_no_stack)
{
    pp_executor *executor = open_executor(1);
    struct scene scene = {.executor = executor};
    for (int i = 0; i < 20000; i++) {
        called[0] = '\0';
        pp_future *future = scene.made != NULL ? scene.made : submit(executor, task_echo, "", 0);
        add(future, submit_more, &scene);
        ck_assert_int_eq(pp_future_wait(future, -1), 0);
        pp_future_release(future);
        called[0] = '\0';
    }
    pp_future_release(scene.made);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_KILL, -1), 0);
}
END_TEST

/* ---- What a failure tells ---- */

START_TEST(a_task_s_own_error_comes_with_its_code_and_text)
{
    static const struct {
        int code;
        const char *text;
    } errors[] = {{1, ""}, {-1, "no"}, {INT32_MAX, "a text that does not fit into thirty-one bytes"}};
    pp_executor *executor = open_executor(1);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        char arg[128];
        size_t length = strlen(errors[i].text);
        memcpy(arg, &errors[i].code, sizeof errors[i].code);
        memcpy(arg + sizeof errors[i].code, errors[i].text, length);
        pp_future *future = submit(executor, task_fail, arg, sizeof errors[i].code + length);
        const void *bytes;
        size_t size;
        ck_assert_int_eq(pp_future_result(future, -1, &bytes, &size), PP_E_TASK);
        const struct pp_failure *failure = pp_future_failure(future);
        ck_assert_int_eq(failure->error, PP_E_TASK);
        ck_assert_int_eq(failure->code, errors[i].code);
        ck_assert_uint_eq(failure->text_size, length);
        ck_assert_str_eq(failure->text, errors[i].text);
        ck_assert_uint_eq(failure->attempts, 0);
        pp_future_release(future);
    }
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
}
END_TEST

static void forget_calls(void)
{
    called[0] = '\0';
}

int main(void)
{
    Suite *suite = suite_create("executor/future");
    TCase *states = harness_case(suite, "states", 20);
    tcase_add_loop_test(states, each_call_says_what_the_table_says, 0, CONDITIONS);
    tcase_add_loop_test(states, cancel_says_what_the_table_says_also_when_asked_twice, 0, CONDITIONS);
    tcase_add_loop_test(states, kill_says_what_the_table_says_also_when_asked_twice, 0, CONDITIONS);
    tcase_add_test(states, the_executor_works_on_after_a_kill);
    tcase_add_test(states, a_negative_timeout_waits_and_a_positive_one_ends);
    tcase_add_test(states, a_result_outlives_the_executor);
    tcase_add_test(states, nothing_is_released_twice_by_releasing_nothing);
    tcase_add_test(states, a_task_s_own_error_comes_with_its_code_and_text);

    TCase *callbacks = harness_case(suite, "callbacks", 20);
    tcase_add_checked_fixture(callbacks, forget_calls, NULL);
    tcase_add_test(callbacks, callbacks_run_in_the_order_added_each_as_often_as_added);
    tcase_add_loop_test(callbacks, a_callback_runs_at_once_if_the_future_is_done, 0, CONDITIONS);
    tcase_add_loop_test(callbacks, cancel_runs_the_callbacks_itself, 0, 3);
    tcase_add_test(callbacks, a_callback_added_inside_a_callback_runs_before_the_remaining_ones);
    tcase_add_test(callbacks, a_callback_added_to_a_done_future_whose_callbacks_still_wait_runs_after_them);
    tcase_add_test(callbacks, a_future_may_be_released_in_its_callback_and_the_later_ones_still_have_it);
    tcase_add_test(callbacks, callbacks_of_a_released_future_still_run);
    tcase_add_loop_test(callbacks, a_callback_may_call_anything, 0, sizeof calls / sizeof calls[0]);
    tcase_add_loop_test(callbacks, a_callback_that_submits_while_the_executor_closes_is_refused, 0, 3);
    tcase_add_test(callbacks, a_chain_of_callbacks_as_long_as_you_like_needs_no_stack);
    return harness_run(suite);
}
