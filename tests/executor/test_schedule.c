/* The schedule's rules, one by one, in worlds small enough to follow by hand. What holds in all worlds is
 * test_simulator's business. */

#include "support/harness.h"

#include "executor/schedule.h"

enum { JOBS = 2000, US = 1000, MS = 1000000 };

static struct pp_schedule schedule;
static struct pp_job jobs[JOBS];
static size_t submitted;
static uint64_t now;

static void open_schedule(size_t lanes, uint64_t tasks_per_worker)
{
    submitted = 0;
    now = 1000;
    ck_assert(pp_schedule_open(&schedule, lanes, tasks_per_worker));
}

static void submit(size_t count, uint64_t key, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        pp_schedule_submit(&schedule, &jobs[submitted++], key, size);
    }
}

/* The next action must be of that kind. Its lane. */
static size_t expect(enum pp_action_kind kind)
{
    struct pp_action action;
    ck_assert_msg(pp_schedule_next(&schedule, now, &action), "no action instead of %d", kind);
    ck_assert_int_eq(action.kind, kind);
    return action.lane;
}

static void expect_nothing(void)
{
    struct pp_action action;
    ck_assert_msg(!pp_schedule_next(&schedule, now, &action), "action %d instead of none", action.kind);
}

/* Carries out sends and starts until there is nothing more to do. How many were sent. */
static size_t hand_out(void)
{
    struct pp_action action;
    size_t sent = 0;
    while (pp_schedule_next(&schedule, now, &action)) {
        ck_assert(action.kind == PP_ACTION_SEND || action.kind == PP_ACTION_SPAWN);
        if (action.kind == PP_ACTION_SPAWN) {
            pp_schedule_spawned(&schedule, action.lane);
            pp_schedule_hello(&schedule, action.lane, now);
        } else {
            sent++;
        }
    }
    return sent;
}

static void reply(size_t lane, size_t count, uint64_t nanoseconds)
{
    for (size_t i = 0; i < count; i++) {
        pp_schedule_reply(&schedule, lane, nanoseconds, now);
    }
}

static void pass(uint64_t nanoseconds)
{
    now += nanoseconds;
    pp_schedule_heard(&schedule, now);
}

static size_t window(size_t lane)
{
    return schedule.lanes[lane].window.count;
}

START_TEST(a_function_that_was_never_measured_gets_one_job_a_worker)
{
    open_schedule(3, 0);
    submit(100, 1, 8);
    ck_assert_uint_eq(hand_out(), 3);
    reply(0, 1, 1);
    /* Now it is known to be cheap, and the one that answered gets its even share of the rest. */
    ck_assert_uint_eq(hand_out(), 33);
    ck_assert_uint_eq(window(0), 33);
    pp_schedule_close(&schedule);
}
END_TEST

static const struct {
    uint64_t cost_ns;
    size_t size;
    size_t window;
} credits[] = {{10 * US, 8, 100},  {300 * US, 8, 3},     {10 * MS, 8, 2},
               {10, 64 * 1024, 4}, {10, 1024 * 1024, 2}, {UINT64_C(1) << 60, 8, 2}};

START_TEST(credit_is_in_time_and_bytes_and_at_least_one_spare)
{
    open_schedule(1, 0);
    submit(1, 1, 8);
    hand_out();
    reply(0, 1, credits[_i].cost_ns);
    submit(1000, 1, credits[_i].size);
    ck_assert_uint_eq(hand_out(), credits[_i].window);
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(a_worker_that_runs_dry_while_jobs_wait_gets_more)
{
    open_schedule(1, 0);
    submit(1000, 1, 8);
    hand_out();
    reply(0, 1, 100 * US);
    size_t first = hand_out();
    reply(0, first, 100 * US);
    size_t second = hand_out();
    ck_assert_uint_eq(second, 2 * first);
    /* Found half full, it gets less again. */
    for (size_t i = 0; i < 100; i++) {
        reply(0, 1, 100 * US);
        hand_out();
    }
    ck_assert_uint_le(window(0), 12);
    pp_schedule_close(&schedule);
}
END_TEST

/* Two workers; the first has `count` jobs that it has not answered, each expected to take so long, the second
 * is idle, and the queue is empty. */
static void one_rich_one_idle(size_t count, uint64_t cost_ns)
{
    open_schedule(2, 0);
    submit(2, 1, 8);
    hand_out();
    reply(0, 1, cost_ns);
    submit(2 * count, 1, 8);
    hand_out();
    ck_assert_uint_eq(window(0), count);
    while (window(1) > 0) {
        reply(1, window(1), cost_ns);
        if (schedule.queue.count > 0) {
            hand_out();
        }
    }
    ck_assert_uint_eq(schedule.queue.count, 0);
}

START_TEST(an_idle_worker_gets_what_another_has_not_begun)
{
    one_rich_one_idle(10, 100 * US);
    ck_assert_uint_eq(expect(PP_ACTION_TAKE_BACK), 0);
    ck_assert_uint_eq(pp_schedule_taken_back(&schedule, 0, 1), 9);
    ck_assert_uint_eq(hand_out(), 5); /* its even share; the owner gets of the others when it answers */
    ck_assert_uint_eq(window(1), 5);
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(what_is_not_worth_a_wake_up_is_taken_back_only_from_the_silent)
{
    one_rich_one_idle(10, US);
    expect_nothing();
    ck_assert_uint_eq(pp_schedule_deadline(&schedule), now + MS);
    pass(MS - 1);
    expect_nothing();
    pass(1);
    ck_assert_uint_eq(expect(PP_ACTION_TAKE_BACK), 0);
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(a_tail_is_worth_what_its_function_turned_out_to_cost)
{
    one_rich_one_idle(40, US);
    expect_nothing();
    reply(0, 1, 900 * US);
    ck_assert_uint_eq(expect(PP_ACTION_TAKE_BACK), 0);
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(a_silent_worker_loses_what_it_has_not_begun_and_is_used_last)
{
    open_schedule(2, 0);
    submit(2, 1, 8);
    hand_out();
    reply(0, 1, US);
    reply(1, 1, US);
    submit(4, 1, 8);
    ck_assert_uint_eq(hand_out(), 3); /* two, one, and one stays in the queue for who answers first */
    pass(2 * MS);
    size_t first = expect(PP_ACTION_TAKE_BACK);
    ck_assert_uint_eq(pp_schedule_taken_back(&schedule, first, 0), 2);
    size_t second = expect(PP_ACTION_SEND); /* a suspect, for there is nobody else, and one job only */
    ck_assert_uint_eq(second, first);
    ck_assert_uint_eq(expect(PP_ACTION_TAKE_BACK), 1 - first);
    ck_assert_uint_eq(pp_schedule_taken_back(&schedule, 1 - first, 0), 1);
    ck_assert_uint_eq(expect(PP_ACTION_SEND), 1 - first);
    expect_nothing();
    ck_assert_uint_eq(schedule.queue.count, 2);
    reply(first, 1, US);
    ck_assert_uint_eq(hand_out(), 1); /* trusted again, with its even share */
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(a_worker_that_has_just_said_hello_is_not_late)
{
    open_schedule(2, 0);
    submit(3, 1, 8);
    for (size_t lane = 0; lane < 2; lane++) {
        pp_schedule_spawned(&schedule, expect(PP_ACTION_SPAWN));
        ck_assert_uint_eq(expect(PP_ACTION_SEND), lane);
    }
    expect_nothing();
    now += 3 * MS;
    pp_schedule_hello(&schedule, 0, now);
    pass(0);
    ck_assert_uint_eq(expect(PP_ACTION_TAKE_BACK), 1);
    ck_assert_uint_eq(pp_schedule_taken_back(&schedule, 1, 0), 1);
    ck_assert_uint_eq(expect(PP_ACTION_SEND), 1);
    expect_nothing();
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(a_parent_that_has_not_listened_does_not_blame_the_workers)
{
    open_schedule(2, 0);
    submit(2, 1, 8);
    hand_out();
    reply(0, 1, US);
    reply(1, 1, US);
    submit(100, 1, 8);
    hand_out();
    now += 100 * MS;
    expect_nothing();
    pass(0);
    expect(PP_ACTION_TAKE_BACK);
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(starts_that_come_to_nothing_are_paused_and_given_up)
{
    static const uint64_t pauses_ms[] = {10, 20, 40, 80, 160};
    open_schedule(4, 0);
    submit(1, 1, 8);
    for (size_t i = 0; i < 5; i++) {
        expect(PP_ACTION_SPAWN);
        pp_schedule_spawn_failed(&schedule, -11, now);
        if (i < 4) {
            expect_nothing();
            ck_assert_uint_eq(pp_schedule_deadline(&schedule), now + pauses_ms[i] * MS);
            pass(pauses_ms[i] * MS);
        }
    }
    struct pp_action action;
    ck_assert(pp_schedule_next(&schedule, now, &action));
    ck_assert_int_eq(action.kind, PP_ACTION_GIVE_UP);
    ck_assert_int_eq(action.error, -11);
    ck_assert_ptr_eq(pp_schedule_remove_first(&schedule), &jobs[0]);
    expect_nothing();
    ck_assert_uint_eq(pp_schedule_deadline(&schedule), UINT64_MAX);
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(the_last_job_that_a_dead_worker_claimed_is_guilty)
{
    open_schedule(1, 0);
    submit(1, 1, 8);
    hand_out();
    reply(0, 1, US);
    submit(5, 1, 8);
    hand_out();
    ck_assert_ptr_eq(pp_schedule_died(&schedule, 0, 3, now), &jobs[3]);
    /* The others are the first in the queue, in their order. */
    ck_assert_ptr_eq(pp_schedule_remove_first(&schedule), &jobs[1]);
    ck_assert_ptr_eq(pp_schedule_remove_first(&schedule), &jobs[2]);
    ck_assert_ptr_eq(pp_schedule_remove_first(&schedule), &jobs[4]);
    pp_schedule_resubmit(&schedule, &jobs[3]);
    expect(PP_ACTION_SPAWN); /* at once: that was the job's fault */
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(a_worker_leaves_after_its_number_of_tasks)
{
    open_schedule(1, 3);
    submit(1, 1, 8);
    hand_out();
    reply(0, 1, US);
    submit(5, 1, 8);
    ck_assert_uint_eq(hand_out(), 2);
    reply(0, 2, US);
    ck_assert_uint_eq(expect(PP_ACTION_RETIRE), 0);
    expect_nothing();
    ck_assert_ptr_null(pp_schedule_died(&schedule, 0, 0, now));
    ck_assert_uint_eq(expect(PP_ACTION_SPAWN), 0);
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(more_functions_than_are_remembered_do_no_harm)
{
    open_schedule(1, 0);
    for (uint64_t key = 1; key <= 3 * PP_SCHEDULE_COSTS; key++) {
        submit(1, key * 0x10, 8);
        ck_assert_uint_eq(hand_out(), 1);
        reply(0, 1, US);
    }
    pp_schedule_close(&schedule);
}
END_TEST

START_TEST(jobs_that_are_not_wanted_any_more_leave_the_queue)
{
    open_schedule(1, 0);
    submit(4, 1, 8);
    pp_schedule_remove(&schedule, &jobs[1]);
    pp_schedule_remove(&schedule, &jobs[3]);
    pp_schedule_remove(&schedule, &jobs[0]);
    ck_assert_ptr_eq(pp_schedule_remove_first(&schedule), &jobs[2]);
    ck_assert_ptr_null(pp_schedule_remove_first(&schedule));
    expect_nothing();
    pp_schedule_close(&schedule);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *rules = harness_case(suite, "rules", 60);
    tcase_add_test(rules, a_function_that_was_never_measured_gets_one_job_a_worker);
    tcase_add_loop_test(rules, credit_is_in_time_and_bytes_and_at_least_one_spare, 0,
                        sizeof credits / sizeof credits[0]);
    tcase_add_test(rules, a_worker_that_runs_dry_while_jobs_wait_gets_more);
    tcase_add_test(rules, an_idle_worker_gets_what_another_has_not_begun);
    tcase_add_test(rules, what_is_not_worth_a_wake_up_is_taken_back_only_from_the_silent);
    tcase_add_test(rules, a_tail_is_worth_what_its_function_turned_out_to_cost);
    tcase_add_test(rules, a_silent_worker_loses_what_it_has_not_begun_and_is_used_last);
    tcase_add_test(rules, a_worker_that_has_just_said_hello_is_not_late);
    tcase_add_test(rules, a_parent_that_has_not_listened_does_not_blame_the_workers);
    tcase_add_test(rules, starts_that_come_to_nothing_are_paused_and_given_up);
    tcase_add_test(rules, the_last_job_that_a_dead_worker_claimed_is_guilty);
    tcase_add_test(rules, a_worker_leaves_after_its_number_of_tasks);
    tcase_add_test(rules, more_functions_than_are_remembered_do_no_harm);
    tcase_add_test(rules, jobs_that_are_not_wanted_any_more_leave_the_queue);
    return harness_run(suite);
}
