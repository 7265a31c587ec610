/* The schedule in a hundred thousand simulated worlds; see support/simulator.h for what is checked in each.
 * A failure names its seed: PP_SEED=N runs that world alone. */

#include "support/harness.h"
#include "support/simulator.h"

#include <stdlib.h>

enum { SCHEDULES = 100000, EXHAUSTIVE_SCHEDULES = 1000000, PARTS = 4, MANY_WORKERS = 128 };

static void run_drawn(uint64_t seed, struct simulator_result *result)
{
    struct simulator_world world = simulator_draw(seed);
    if (!simulate(&world, result)) {
        char text[500];
        simulator_describe(&world, text, sizeof text);
        ck_abort_msg("%s\nPP_SEED=%llu: %s", result->violation, (unsigned long long)seed, text);
    }
}

/* And the worlds are what they are meant to be: one in a hundred has many workers at work at a time, and everything
 * that may go wrong does. */
START_TEST(schedules_keep_their_promises_in_any_world)
{
    const char *seed = getenv("PP_SEED");
    struct simulator_result result;
    if (seed != NULL) {
        run_drawn(strtoull(seed, NULL, 10), &result);
        return;
    }
    uint64_t count = (harness_exhaustive() ? EXHAUSTIVE_SCHEDULES : SCHEDULES) / PARTS;
    uint64_t first = (uint64_t)_i * count;
    uint64_t many_workers = 0;
    uint64_t large_arguments = 0;
    uint64_t suspects = 0;
    uint64_t busy_kills = 0;
    uint64_t given_up = 0;
    for (uint64_t i = first; i < first + count; i++) {
        run_drawn(i, &result);
        many_workers += result.workers >= MANY_WORKERS;
        large_arguments += result.parts_written > 0;
        suspects += result.suspects > 0;
        busy_kills += result.busy_kills > 0;
        given_up += result.given_up > 0;
    }
    ck_assert_uint_ge(many_workers, count / 100);
    ck_assert_uint_ge(large_arguments, count / 100);
    ck_assert_uint_ge(busy_kills, count / 100);
    ck_assert_uint_ge(given_up, count / 100);
    ck_assert_uint_ge(suspects, count / 1000);
}
END_TEST

/* About what the machines at hand cost. */
static const struct simulator_costs costs = {.submit = 30,
                                             .consume = 10,
                                             .send = 30,
                                             .reply = 30,
                                             .step = 200,
                                             .poll = 400,
                                             .poll_lane = 15,
                                             .read = 500,
                                             .write = 600,
                                             .kilobyte = 60,
                                             .waking = 1500,
                                             .wake = 25000,
                                             .fork = 2000,
                                             .start = 30000,
                                             .reap = 30000,
                                             .task = 30};

static void run_made(const struct simulator_world *world, struct simulator_result *result)
{
    ck_assert_msg(simulate(world, result), "%s", result->violation);
}

/* How many times the work of one worker without overhead is done. */
static double parallelism(const struct simulator_result *result)
{
    return (double)result->total_ns / (double)result->makespan_ns;
}

/* What each kind of load reaches on many workers, stated a little below what was seen. */
static const struct {
    size_t workers;
    size_t tasks;
    uint64_t mean_ns;
    enum simulator_load load;
    double least;
} feasts[] = {
    {2, 4000, 10000, SIMULATOR_UNIFORM, 1.85},       {2, 2000, 1000000, SIMULATOR_EXPONENTIAL, 1.95},
    {16, 20000, 100000, SIMULATOR_UNIFORM, 15},      {16, 20000, 100000, SIMULATOR_EXPONENTIAL, 15},
    {128, 10000, 10000000, SIMULATOR_UNIFORM, 125},  {1024, 300000, 100000, SIMULATOR_UNIFORM, 400},
    {1024, 100000, 1000000, SIMULATOR_UNIFORM, 700}, {1024, 50000, 10000000, SIMULATOR_UNIFORM, 980},
};

START_TEST(one_parent_feeds_many_workers)
{
    struct simulator_world world = {.seed = 1,
                                    .costs = costs,
                                    .workers = feasts[_i].workers,
                                    .tasks = feasts[_i].tasks,
                                    .functions = 1,
                                    .mean_ns = feasts[_i].mean_ns,
                                    .load = feasts[_i].load,
                                    .size = 8,
                                    .pattern = SIMULATOR_COMPLETED,
                                    .look_ahead = 250 * feasts[_i].workers};
    struct simulator_result result;
    run_made(&world, &result);
    ck_assert_double_ge(parallelism(&result), feasts[_i].least);
    ck_assert_uint_le(result.taken_back, world.tasks / 20);
}
END_TEST

START_TEST(one_long_task_among_a_million_tiny_ones_holds_nobody_up)
{
    struct simulator_world world = {.seed = 1,
                                    .costs = costs,
                                    .workers = 2,
                                    .tasks = 1000000,
                                    .functions = 1,
                                    .mean_ns = 100,
                                    .load = SIMULATOR_ONE_LONG,
                                    .size = 8,
                                    .pattern = SIMULATOR_AT_ONCE};
    struct simulator_result result;
    run_made(&world, &result);
    /* The long one starts after a third of the others. */
    uint64_t rest_ns =
        world.tasks * (100 + costs.submit + costs.send + costs.reply + costs.consume + costs.task);
    ck_assert_uint_le(result.makespan_ns, result.longest_ns + rest_ns);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulator");
    TCase *worlds = harness_case(suite, "worlds", 3600);
    tcase_add_loop_test(worlds, schedules_keep_their_promises_in_any_world, 0, PARTS);
    TCase *quality = harness_case(suite, "quality", 600);
    tcase_add_loop_test(quality, one_parent_feeds_many_workers, 0, sizeof feasts / sizeof feasts[0]);
    tcase_add_test(quality, one_long_task_among_a_million_tiny_ones_holds_nobody_up);
    return harness_run(suite);
}
