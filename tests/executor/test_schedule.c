/* The policy, event by event. What becomes of it in a whole world is the simulator's to say. */

#include "executor/schedule.h"
#include "support/harness.h"

enum { LANES = 2, JOBS = 16, MS = 1000000 };

static struct pp_schedule schedule;
static struct pp_job jobs[JOBS];

static void open_with_lanes(size_t lanes)
{
    ck_assert(pp_schedule_open(&schedule, lanes, 0));
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct pp_job){0};
    }
}

static void open_schedule(void)
{
    open_with_lanes(LANES);
}

static void open_with_three_lanes(void)
{
    open_with_lanes(3);
}

static void close_schedule(void)
{
    pp_schedule_close(&schedule);
}

static void submit(int job)
{
    pp_schedule_submit(&schedule, &jobs[job], 1, 8);
}

/* The next action must be this one. */
static void expect(enum pp_action_kind kind, size_t lane, const struct pp_job *job, uint64_t now_ns)
{
    struct pp_action action = {0};
    pp_schedule_heard(&schedule, now_ns);
    ck_assert(pp_schedule_next(&schedule, now_ns, &action));
    ck_assert_int_eq(action.kind, kind);
    ck_assert_uint_eq(action.lane, lane);
    ck_assert_ptr_eq(action.job, job);
}

static void expect_nothing(uint64_t now_ns)
{
    struct pp_action action;
    pp_schedule_heard(&schedule, now_ns);
    ck_assert(!pp_schedule_next(&schedule, now_ns, &action));
}

static void start(size_t lane, uint64_t now_ns)
{
    expect(PP_ACTION_SPAWN, lane, NULL, now_ns);
    pp_schedule_spawned(&schedule, lane);
}

/* A job of that cost has been run by the lane, which is idle again. */
static void start_and_measure(size_t lane, int job, uint64_t nanoseconds)
{
    submit(job);
    start(lane, 0);
    expect(PP_ACTION_SEND, lane, &jobs[job], 0);
    pp_schedule_hello(&schedule, lane, 0);
    ck_assert_ptr_eq(pp_schedule_reply(&schedule, lane, nanoseconds, 0), &jobs[job]);
    expect_nothing(0);
}

START_TEST(a_worker_is_started_when_a_job_waits_and_not_before)
{
    expect_nothing(0);
    ck_assert_uint_eq(pp_schedule_deadline(&schedule), UINT64_MAX);
    submit(0);
    ck_assert_uint_le(pp_schedule_deadline(&schedule), 0);
    start(0, 0);
    expect(PP_ACTION_SEND, 0, &jobs[0], 0);
    expect_nothing(0);
    submit(1);
    start(1, 0);
    expect(PP_ACTION_SEND, 1, &jobs[1], 0);
    submit(2);
    expect_nothing(0); /* nobody is known to be quick */
}
END_TEST

START_TEST(what_a_dead_worker_had_comes_first_in_its_order_and_the_last_claimed_is_guilty)
{
    start_and_measure(0, 0, 1000);
    for (int i = 1; i <= 5; i++) {
        submit(i);
    }
    for (int i = 1; i <= 3; i++) {
        expect(PP_ACTION_SEND, 0, &jobs[i], 0);
    }
    submit(6);
    ck_assert_ptr_eq(pp_schedule_died(&schedule, 0, 2, 0), &jobs[2]);
    ck_assert_int_eq(jobs[2].place, PP_PLACE_NONE);
    static const int order[] = {1, 3, 4, 5, 6};
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_eq(pp_schedule_remove_first(&schedule), &jobs[order[i]]);
    }
    ck_assert_ptr_eq(pp_schedule_remove_first(&schedule), NULL);
}
END_TEST

START_TEST(functions_beyond_the_table_do_not_spoil_what_is_known_of_others)
{
    start_and_measure(0, 0, 1000);
    for (uint64_t key = 2; key <= PP_SCHEDULE_COSTS; key++) {
        pp_schedule_submit(&schedule, &jobs[1], key, 8);
        pp_schedule_remove(&schedule, &jobs[1]);
    }
    for (uint64_t key = 1000; key < 1200; key++) { /* wherever their place would have been */
        pp_schedule_submit(&schedule, &jobs[1], key, 8);
        expect(PP_ACTION_SEND, 0, &jobs[1], 0);
        ck_assert_ptr_eq(pp_schedule_reply(&schedule, 0, 1000 * MS, 0), &jobs[1]);
    }
    submit(2);
    expect(PP_ACTION_SEND, 0, &jobs[2], 0);
    ck_assert_uint_eq(jobs[2].expected_ns, 1000);
}
END_TEST

/* Of jobs that take long each worker has one to spare. */
START_TEST(what_a_worker_has_to_spare_is_worth_a_start_in_the_place_of_one_that_died)
{
    start_and_measure(0, 0, 100 * MS);
    submit(1);
    submit(2);
    expect(PP_ACTION_SEND, 0, &jobs[1], 0);
    start(1, 0);
    expect(PP_ACTION_SEND, 1, &jobs[2], 0);
    pp_schedule_hello(&schedule, 1, 0);
    for (int i = 3; i <= 5; i++) {
        submit(i);
    }
    ck_assert_ptr_eq(pp_schedule_reply(&schedule, 0, 100 * MS, 0), &jobs[1]);
    expect(PP_ACTION_SEND, 0, &jobs[3], 0);
    expect(PP_ACTION_SEND, 0, &jobs[4], 0);
    ck_assert_ptr_eq(pp_schedule_reply(&schedule, 1, 100 * MS, 0), &jobs[2]);
    expect(PP_ACTION_SEND, 1, &jobs[5], 0);
    ck_assert_ptr_eq(pp_schedule_died(&schedule, 1, 1, 0), &jobs[5]);
    expect_nothing(0);
    ck_assert_uint_le(pp_schedule_deadline(&schedule), 2 * MS);
    expect(PP_ACTION_TAKE_BACK, 0, NULL, 2 * MS);
    ck_assert_uint_eq(pp_schedule_taken_back(&schedule, 0, 1), 1);
    start(1, 2 * MS);
    expect(PP_ACTION_SEND, 1, &jobs[4], 2 * MS);
}
END_TEST

START_TEST(suspects_run_alone)
{
    start_and_measure(0, 0, 1000);
    for (int i = 1; i <= 4; i++) {
        submit(i);
    }
    expect(PP_ACTION_SEND, 0, &jobs[1], 0);
    expect(PP_ACTION_SEND, 0, &jobs[2], 0);
    pp_schedule_suspect(&schedule, 0, 2);
    ck_assert_ptr_eq(pp_schedule_died(&schedule, 0, 0, 0), NULL);
    start(0, 0);
    expect(PP_ACTION_SEND, 0, &jobs[1], 0);
    start(1, 0);
    expect(PP_ACTION_SEND, 1, &jobs[2], 0);
    expect_nothing(0);
    pp_schedule_hello(&schedule, 0, 0);
    pp_schedule_hello(&schedule, 1, 0);
    ck_assert_ptr_eq(pp_schedule_died(&schedule, 1, 1, 0), &jobs[2]); /* now it is known */
    ck_assert_ptr_eq(pp_schedule_reply(&schedule, 0, 1000, 0), &jobs[1]);
    expect(PP_ACTION_SEND, 0, &jobs[3], 0);
}
END_TEST

START_TEST(a_silent_worker_loses_what_it_has_not_begun_and_patience_doubles)
{
    start_and_measure(0, 0, 1000);
    submit(1);
    expect(PP_ACTION_SEND, 0, &jobs[1], 0);
    expect_nothing(2 * MS - 1);
    ck_assert_uint_eq(pp_schedule_deadline(&schedule), 2 * MS);
    expect(PP_ACTION_TAKE_BACK, 0, NULL, 2 * MS);
    ck_assert_uint_eq(pp_schedule_taken_back(&schedule, 0, 0), 1);
    /* It has said hello once, so it is stopped rather than new: another one is a better hope. */
    start(1, 2 * MS);
    expect(PP_ACTION_SEND, 1, &jobs[1], 2 * MS);
    expect_nothing(6 * MS - 1);
    expect(PP_ACTION_TAKE_BACK, 1, NULL, 6 * MS);
}
END_TEST

START_TEST(taking_in_a_large_argument_is_no_silence)
{
    start_and_measure(0, 0, 1000);
    submit(1);
    expect(PP_ACTION_SEND, 0, &jobs[1], 0);
    pp_schedule_written(&schedule, 0, 1 * MS);
    expect_nothing(3 * MS - 1);
    expect(PP_ACTION_TAKE_BACK, 0, NULL, 3 * MS);
}
END_TEST

START_TEST(a_start_that_fails_is_tried_again_after_a_pause_that_doubles_and_given_up_in_the_end)
{
    static const uint64_t pauses[] = {10, 20, 40, 80};
    uint64_t now_ns = 0;
    submit(0);
    for (int i = 0; i < 4; i++) {
        expect(PP_ACTION_SPAWN, 0, NULL, now_ns);
        pp_schedule_spawn_failed(&schedule, -11, now_ns);
        expect_nothing(now_ns);
        now_ns += pauses[i] * MS;
        ck_assert_uint_eq(pp_schedule_deadline(&schedule), now_ns);
        expect_nothing(now_ns - 1);
    }
    expect(PP_ACTION_SPAWN, 0, NULL, now_ns);
    pp_schedule_spawn_failed(&schedule, -12, now_ns);
    struct pp_action action;
    ck_assert(pp_schedule_next(&schedule, now_ns, &action));
    ck_assert_int_eq(action.kind, PP_ACTION_GIVE_UP);
    ck_assert_int_eq(action.error, -12);
    ck_assert_ptr_eq(pp_schedule_remove_first(&schedule), &jobs[0]);
    submit(1);
    start(0, now_ns); /* and the next one may have better luck */
}
END_TEST

START_TEST(an_idle_worker_and_a_waiting_job_are_work_to_do_now)
{
    start_and_measure(0, 0, 1000);
    submit(1);
    ck_assert_uint_eq(pp_schedule_deadline(&schedule), 0);
    pp_schedule_remove(&schedule, &jobs[1]);
    ck_assert_uint_eq(pp_schedule_deadline(&schedule), UINT64_MAX);
}
END_TEST

START_TEST(what_was_sent_to_a_worker_that_still_starts_goes_to_the_first_idle_one)
{
    start_and_measure(0, 0, 1000);
    submit(1);
    submit(2);
    expect(PP_ACTION_SEND, 0, &jobs[1], 0);
    start(1, 0);
    expect(PP_ACTION_SEND, 1, &jobs[2], 0);
    expect_nothing(0);
    pp_schedule_reply(&schedule, 0, 1000, 0);
    expect(PP_ACTION_TAKE_BACK, 1, NULL, 0);
    ck_assert_uint_eq(pp_schedule_taken_back(&schedule, 1, 0), 1);
    expect(PP_ACTION_SEND, 0, &jobs[2], 0);
}
END_TEST

START_TEST(credit_doubles_when_a_worker_runs_dry_and_shrinks_when_it_has_too_much)
{
    start_and_measure(0, 0, 400000);
    for (int i = 1; i < JOBS; i++) {
        submit(i);
    }
    expect(PP_ACTION_SEND, 0, &jobs[1], 0);
    expect(PP_ACTION_SEND, 0, &jobs[2], 0);
    start(1, 0); /* a millisecond is full */
    expect(PP_ACTION_SEND, 1, &jobs[3], 0);
    expect(PP_ACTION_SEND, 1, &jobs[4], 0);
    expect_nothing(0);
    pp_schedule_reply(&schedule, 0, 400000, 0);
    pp_schedule_reply(&schedule, 0, 400000, 0);
    for (int i = 5; i < 10; i++) {
        expect(PP_ACTION_SEND, 0, &jobs[i], 0);
    }
    expect_nothing(0); /* two are full */
    pp_schedule_reply(&schedule, 0, 400000, 0);
    expect_nothing(0); /* there would be room for one more, but for what it still has */
    ck_assert_uint_eq(schedule.lanes[0].credit_ns, 2 * MS - 2 * MS / 8);
}
END_TEST

/* Starts three workers and measures a job of that cost with each; they become idle in that order. */
static void start_three(const size_t order[3], uint64_t nanoseconds)
{
    for (size_t lane = 0; lane < 3; lane++) {
        submit((int)lane);
        start(lane, 0);
        expect(PP_ACTION_SEND, lane, &jobs[lane], 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pp_schedule_hello(&schedule, order[i], 0);
        pp_schedule_reply(&schedule, order[i], nanoseconds, 0);
    }
    expect_nothing(0);
}

/* Submits `count` more jobs and hands out what may be. */
static void submit_after_three(int count)
{
    struct pp_action action;
    for (int i = 3; i < 3 + count; i++) {
        submit(i);
    }
    while (pp_schedule_next(&schedule, 0, &action)) {
        ck_assert_int_eq(action.kind, PP_ACTION_SEND);
    }
}

START_TEST(the_worker_that_became_idle_last_is_used_first)
{
    start_three((const size_t[]){0, 2, 1}, 1000);
    submit(3);
    expect(PP_ACTION_SEND, 1, &jobs[3], 0);
    submit(4);
    expect(PP_ACTION_SEND, 2, &jobs[4], 0);
    pp_schedule_reply(&schedule, 2, 1000, 0);
    submit(5);
    expect(PP_ACTION_SEND, 2, &jobs[5], 0);
}
END_TEST

START_TEST(those_who_answer_and_have_more_to_do_take_turns)
{
    static const size_t answers[] = {1, 2, 0};
    start_three((const size_t[]){0, 1, 2}, 1000);
    submit_after_three(12); /* even parts of what is left, 4, 3 and 2, and 3 wait */
    for (size_t i = 0; i < 3; i++) {
        pp_schedule_reply(&schedule, answers[i], 1000, 0);
        ck_assert_uint_gt(schedule.lanes[answers[i]].window.count, 0);
    }
    for (int i = 0; i < 3; i++) {
        expect(PP_ACTION_SEND, answers[i], &jobs[12 + i], 0);
    }
}
END_TEST

/* The richest is each of the three in turn, so that neither the first nor the last can be meant. */
START_TEST(what_is_taken_back_comes_from_the_worker_with_the_most_of_it)
{
    size_t richest = (size_t)_i;
    size_t poorer = (richest + 1) % 3;
    size_t idle = (richest + 2) % 3;
    start_three((const size_t[]){idle, poorer, richest}, 100000);
    submit_after_three(7); /* even parts of what is left, 3, 2 and 1, and 1 waits */
    pp_schedule_reply(&schedule, idle, 100000, 0);
    expect(PP_ACTION_SEND, idle, &jobs[9], 0);
    pp_schedule_reply(&schedule, idle, 100000, 0);
    expect(PP_ACTION_TAKE_BACK, richest, NULL, 0);
    ck_assert_uint_eq(pp_schedule_taken_back(&schedule, richest, 1), 2);
    expect(PP_ACTION_SEND, idle, &jobs[4], 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("executor/schedule");
    TCase *tcase = harness_case(suite, "policy", 10);
    tcase_add_checked_fixture(tcase, open_schedule, close_schedule);
    tcase_add_test(tcase, a_worker_is_started_when_a_job_waits_and_not_before);
    tcase_add_test(tcase, what_a_dead_worker_had_comes_first_in_its_order_and_the_last_claimed_is_guilty);
    tcase_add_test(tcase, functions_beyond_the_table_do_not_spoil_what_is_known_of_others);
    tcase_add_test(tcase, what_a_worker_has_to_spare_is_worth_a_start_in_the_place_of_one_that_died);
    tcase_add_test(tcase, suspects_run_alone);
    tcase_add_test(tcase, a_silent_worker_loses_what_it_has_not_begun_and_patience_doubles);
    tcase_add_test(tcase, taking_in_a_large_argument_is_no_silence);
    tcase_add_test(tcase,
                   a_start_that_fails_is_tried_again_after_a_pause_that_doubles_and_given_up_in_the_end);
    tcase_add_test(tcase, an_idle_worker_and_a_waiting_job_are_work_to_do_now);
    tcase_add_test(tcase, what_was_sent_to_a_worker_that_still_starts_goes_to_the_first_idle_one);
    tcase_add_test(tcase, credit_doubles_when_a_worker_runs_dry_and_shrinks_when_it_has_too_much);
    TCase *three = harness_case(suite, "three workers", 10);
    tcase_add_checked_fixture(three, open_with_three_lanes, close_schedule);
    tcase_add_test(three, the_worker_that_became_idle_last_is_used_first);
    tcase_add_test(three, those_who_answer_and_have_more_to_do_take_turns);
    tcase_add_loop_test(three, what_is_taken_back_comes_from_the_worker_with_the_most_of_it, 0, 3);
    return harness_run(suite);
}
