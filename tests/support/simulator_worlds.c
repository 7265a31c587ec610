/* Worlds at random: costs, work, the caller's ways and what goes wrong. */

#include "support/simulator.h"
#include "support/simulator_random.h"

#include <stdio.h>

static struct simulator_costs draw_costs(struct random *random)
{
    uint64_t syscall = draw_magnitude(random, 100, 5000);
    return (struct simulator_costs){
        .submit = draw_magnitude(random, 10, 200),
        .consume =
            draw_below(random, 8) == 0 ? draw_magnitude(random, 1000, 200000) : draw_below(random, 100),
        .send = draw_magnitude(random, 10, 200),
        .reply = draw_magnitude(random, 10, 200),
        .step = draw_magnitude(random, 50, 500),
        .poll = syscall,
        .poll_lane = draw_magnitude(random, 5, 50),
        .read = syscall,
        .write = syscall,
        .kilobyte = draw_magnitude(random, 30, 500),
        .waking = draw_magnitude(random, 500, 5000),
        .wake = draw_magnitude(random, 500, 100000),
        .sleep = draw_magnitude(random, 200, 10000),
        .fork = draw_magnitude(random, 30000, 1000000),
        .start =
            draw_below(random, 8) == 0 ? draw_magnitude(random, 1e6, 1e8) : draw_magnitude(random, 5e4, 1e6),
        .reap = draw_magnitude(random, 10000, 100000),
        .task = draw_magnitude(random, 20, 200),
    };
}

/* Most worlds are small, so that there can be many. */
static void draw_small(struct simulator_world *world, struct random *random)
{
    static const size_t most[] = {2, 4, 4, 8, 8, 16, 16, 64};
    world->workers = 1 + draw_below(random, most[draw_below(random, 8)]);
    world->tasks =
        draw_below(random, 32) == 0 ? draw_magnitude(random, 100, 10000) : 1 + draw_below(random, 90);
    world->mean_ns = draw_below(random, 32) == 0 ? 0 : draw_magnitude(random, 10, 1e8);
}

/* And some are large, with so much to do, while forks follow each other, that all get to work. */
static void draw_large(struct simulator_world *world, struct random *random)
{
    world->workers = draw_magnitude(random, 128, 1025);
    world->tasks = world->workers + draw_below(random, 6 * world->workers);
    world->costs.fork = draw_magnitude(random, 30000, 150000);
    world->mean_ns = draw_magnitude(random, 1, 100) * world->costs.fork * world->workers / 10;
    if (draw_below(random, 4) == 0) {
        world->mean_ns = draw_magnitude(random, 1e3, 1e7);
    }
}

static void draw_sizes(struct simulator_world *world, struct random *random)
{
    static const size_t sizes[] = {0, 8, 8, 8, 8, 8, 8};
    size_t which = draw_below(random, 8);
    world->size = which < 7 ? sizes[which] : draw_magnitude(random, 8, 1 << 17);
    world->large = draw_below(random, 16) == 0 ? draw_magnitude(random, 1 << 14, 1 << 21) : 0;
}

static void draw_faults_of(struct simulator_world *world, struct random *random)
{
    size_t some = world->workers < 160 ? 20 : world->workers / 8;
    size_t few = 1 + draw_below(random, 2 * world->workers < some ? 2 * world->workers : some);
    size_t tasks = 1 + draw_below(random, world->tasks < some / 2 ? world->tasks : some / 2);
    switch (draw_below(random, 18)) {
    case 0:
        world->kills = few;
        break;
    case 1:
        world->deadly = tasks;
        break;
    case 2:
        world->stops = few;
        break;
    case 3:
        world->stops_for_good = 1 + draw_below(random, world->workers);
        break;
    case 4:
        world->slow = 1 + draw_below(random, world->workers);
        break;
    case 5:
        world->failed_spawns = draw_below(random, 4) == 0 ? UINT32_MAX : few;
        break;
    case 6:
        world->failed_starts = draw_below(random, 4) == 0 ? UINT32_MAX : few;
        break;
    case 7:
        world->tasks_per_worker = 1 + draw_below(random, 10);
        break;
    case 8:
        world->obscure_kills = few;
        break;
    case 9:
        world->force_cancels = few;
        break;
    case 10:
        world->kills = few;
        world->obscure_kills = draw_below(random, 3);
        world->deadly = tasks;
        world->stops = few;
        world->stops_for_good = draw_below(random, 2);
        world->failed_spawns = draw_below(random, 3);
        world->failed_starts = draw_below(random, 3);
        world->tasks_per_worker = draw_below(random, 2) * (1 + draw_below(random, 20));
        world->slow = draw_below(random, 2);
        world->force_cancels = draw_below(random, 3);
        break;
    default:
        break; /* all is well */
    }
}

struct simulator_world simulator_draw(uint64_t seed)
{
    struct random random = {seed ^ UINT64_C(0x5851f42d4c957f2d)};
    struct simulator_world world = {.seed = seed, .costs = draw_costs(&random)};
    if (draw_below(&random, 64) == 0) {
        draw_large(&world, &random);
    } else {
        draw_small(&world, &random);
    }
    world.functions = draw_below(&random, 4) == 0 ? 1 + draw_below(&random, 4) : 1;
    draw_sizes(&world, &random);
    world.load = (enum simulator_load)draw_below(&random, SIMULATOR_LOADS);
    world.order = (enum simulator_order)draw_below(&random, SIMULATOR_ORDERS);
    world.pattern = (enum simulator_pattern)draw_below(&random, SIMULATOR_PATTERNS);
    world.look_ahead = 2 * world.workers + draw_below(&random, 100);
    world.pause_ns = draw_magnitude(&random, 1e3, 1e8);
    world.retries = (unsigned)draw_below(&random, 3);
    world.cores = draw_below(&random, 8) == 0 ? 1 + draw_below(&random, world.workers) : 0;
    world.cancels = draw_below(&random, 8) == 0 ? draw_below(&random, 10) : 0;
    draw_faults_of(&world, &random);
    return world;
}

void simulator_describe(const struct simulator_world *world, char *text, size_t size)
{
    static const char *const loads[] = {"uniform", "exponential", "Pareto", "bimodal", "one long", "book"};
    static const char *const orders[] = {"as drawn", "ascending", "descending"};
    static const char *const patterns[] = {"at once", "ordered", "as completed", "trickle"};
    snprintf(
        text, size,
        "%zu workers, %zu cores, %zu tasks of %zu bytes, some of %zu, %s, mean %llu ns, %zu functions, "
        "%s, %s, look-ahead %zu; %zu a worker, retries %u; kills %zu, obscure %zu, stops %zu, for good %zu, "
        "deadly %zu, cancels %zu, by force %zu, slow %zu, failed spawns %zu, failed starts %zu",
        world->workers, world->cores, world->tasks, world->size, world->large, loads[world->load],
        (unsigned long long)world->mean_ns, world->functions, orders[world->order], patterns[world->pattern],
        world->look_ahead, world->tasks_per_worker, world->retries, world->kills, world->obscure_kills,
        world->stops, world->stops_for_good, world->deadly, world->cancels, world->force_cancels, world->slow,
        world->failed_spawns, world->failed_starts);
}
