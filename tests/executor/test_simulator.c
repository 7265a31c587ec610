/* The schedule in a hundred thousand simulated worlds; see support/simulator.h for what is checked in each.
 * A failure names its seed: PP_SEED=N runs that world alone. */

#include "support/harness.h"
#include "support/simulator.h"

#include <stdlib.h>

enum { SCHEDULES = 100000, EXHAUSTIVE_SCHEDULES = 1000000, PARTS = 4 };

static void run_seed(uint64_t seed)
{
    struct simulator_result result;
    struct simulator_world world = simulator_draw(seed);
    if (!simulate(&world, &result)) {
        char text[400];
        simulator_describe(&world, text, sizeof text);
        ck_abort_msg("%s\n%s", result.violation, text);
    }
}

START_TEST(schedules_keep_their_promises_in_any_world)
{
    const char *seed = getenv("PP_SEED");
    uint64_t count = (harness_exhaustive() ? EXHAUSTIVE_SCHEDULES : SCHEDULES) / PARTS;
    if (seed != NULL) {
        run_seed(strtoull(seed, NULL, 10));
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        run_seed((uint64_t)_i * count + i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulator");
    TCase *worlds = harness_case(suite, "worlds", 3600);
    tcase_add_loop_test(worlds, schedules_keep_their_promises_in_any_world, 0, PARTS);
    return harness_run(suite);
}
