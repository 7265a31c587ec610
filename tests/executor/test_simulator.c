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

/* As bench/simulate measured them on a machine of two cores; a step costs more the more workers there are. */
static struct simulator_costs costs_of(size_t workers)
{
    return (struct simulator_costs){.submit = 20,
                                    .consume = 20,
                                    .send = 20,
                                    .reply = 20,
                                    .step = 54 + 8 * workers,
                                    .poll = 310,
                                    .poll_lane = 31,
                                    .read = 350,
                                    .write = 420,
                                    .kilobyte = 76,
                                    .waking = 5500,
                                    .wake = 10000,
                                    .sleep = 4700,
                                    .fork = 100000,
                                    .start = 42000,
                                    .reap = 30000,
                                    .task = 57};
}

static void run_made(const struct simulator_world *world, struct simulator_result *result)
{
    ck_assert_msg(simulate(world, result), "%s", result->violation);
}

/* Within what time the tasks of a world must be done. Either the workers are at it for nine tenths of the time, or
 * the parent is, and what a task costs it is known: its own part, and its part of a write that wakes somebody and
 * of a read. Of those a task has no more than one each, and shares them with all that were sent together: a
 * millisecond's worth, but no more than a worker's even part of what is submitted between two looks. A
 * worker writes when it has gathered answers for 50 us. The workers are started one after the other; in the end
 * there may be one long task, and nobody is left idle. */
static double bound_ns(const struct simulator_world *world, const struct simulator_result *result)
{
    const struct simulator_costs *costs = &world->costs;
    double of_a_credit = 1e6 / (double)world->mean_ns;
    double workers = (double)world->workers;
    double of_a_burst = (100000 + 10000 * workers) / (double)costs->submit / workers;
    double together = of_a_credit < of_a_burst ? of_a_credit : of_a_burst;
    double calls = (double)(costs->read + costs->write + costs->waking);
    double of_the_parent = (double)(costs->submit + costs->consume + costs->send + costs->reply) +
                           (together > 1 ? calls / together : calls);
    double of_an_answer = world->mean_ns < 50000 ? (double)world->mean_ns / 50000 : 1;
    double of_a_worker = (double)result->total_ns / (double)world->tasks + (double)costs->task +
                         of_an_answer * (double)(costs->write + costs->waking);
    double each = of_a_worker / (double)world->workers;
    each = each > of_the_parent ? each : of_the_parent;
    return (double)(world->workers * costs->fork + costs->start) + (double)world->tasks * each / 0.9 +
           (double)(result->longest_ns + SIMULATOR_IDLE_BOUND_NS);
}

static const struct {
    size_t workers;
    size_t tasks;
    uint64_t mean_ns;
    enum simulator_load load;
} feasts[] = {
    {2, 40000, 10000, SIMULATOR_UNIFORM},       {2, 2000, 1000000, SIMULATOR_EXPONENTIAL},
    {16, 20000, 100000, SIMULATOR_UNIFORM},     {16, 20000, 100000, SIMULATOR_EXPONENTIAL},
    {128, 20000, 10000000, SIMULATOR_UNIFORM},  {128, 200000, 100000, SIMULATOR_EXPONENTIAL},
    {1024, 600000, 100000, SIMULATOR_UNIFORM},  {1024, 200000, 1000000, SIMULATOR_UNIFORM},
    {1024, 50000, 10000000, SIMULATOR_UNIFORM},
};

START_TEST(one_parent_feeds_many_workers)
{
    struct simulator_world world = {.seed = 1,
                                    .costs = costs_of(feasts[_i].workers),
                                    .workers = feasts[_i].workers,
                                    .tasks = feasts[_i].tasks,
                                    .functions = 1,
                                    .mean_ns = feasts[_i].mean_ns,
                                    .load = feasts[_i].load,
                                    .size = 8,
                                    .pattern = SIMULATOR_COMPLETED,
                                    .look_ahead = 4000 + 250 * feasts[_i].workers};
    struct simulator_result result;
    run_made(&world, &result);
    ck_assert_double_le((double)result.makespan_ns, bound_ns(&world, &result));
    ck_assert_uint_le(result.taken_back, world.tasks / 20);
}
END_TEST

START_TEST(one_long_task_among_a_million_tiny_ones_holds_nobody_up)
{
    struct simulator_world world = {.seed = 1,
                                    .costs = costs_of(2),
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
    const struct simulator_costs *costs = &world.costs;
    uint64_t rest_ns =
        world.tasks * (100 + costs->submit + costs->send + costs->reply + costs->consume + costs->task);
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
