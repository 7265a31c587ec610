/* A world is made: its tasks and what will go wrong. Then one thing happens after the other. */

#include "support/simulator_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_BYTES = 24, FRAME_UNIT = 16 };

#define LONGEST_NS UINT64_C(5000000000) /* of a task */

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* ---- Frames, and the rings that they are in ---- */

uint64_t sim_frame_bytes(size_t payload)
{
    return (FRAME_BYTES + payload + FRAME_UNIT - 1) / FRAME_UNIT * FRAME_UNIT;
}

uint64_t sim_copy_ns(const struct simulator *sim, uint64_t bytes)
{
    return bytes * sim->world->costs.kilobyte / 1024;
}

static void *ring_at(const struct ring *ring, uint64_t index)
{
    return (char *)ring->items + (index & (ring->capacity - 1)) * ring->item_size;
}

void *sim_ring_push(struct ring *ring, size_t item_size)
{
    if (ring->end - ring->begin == ring->capacity) {
        struct ring larger = {.item_size = item_size,
                              .capacity = ring->capacity > 0 ? 2 * ring->capacity : 8};
        larger.items = zeroed(larger.capacity, item_size);
        larger.begin = ring->begin;
        for (larger.end = ring->begin; larger.end < ring->end; larger.end++) {
            memcpy(ring_at(&larger, larger.end), ring_at(ring, larger.end), item_size);
        }
        free(ring->items);
        *ring = larger;
    }
    return ring_at(ring, ring->end++);
}

struct frame *sim_frame_at(const struct worker *worker, uint64_t index)
{
    return ring_at(&worker->frames, index);
}

struct reply *sim_reply_at(const struct worker *worker, uint64_t index)
{
    return ring_at(&worker->replies, index);
}

/* ---- Tasks ---- */

static const uint64_t book_ns[] = {2000,      16000000,  23000000,  77000000,  1000,      77000000, 89000000,
                                   1000,      1000,      100000000, 100000000, 1000,      1000,     109000000,
                                   109000000, 118000000, 118000000, 1000,      134000000, 1000};

static uint64_t draw_time(struct simulator *sim, size_t index, uint64_t mean)
{
    double u = draw_unit(&sim->random);
    switch (sim->world->load) {
    case SIMULATOR_EXPONENTIAL:
        return (uint64_t)(-log(1 - u) * (double)mean);
    case SIMULATOR_PARETO: {
        double ns = 0.2 * (double)mean * pow(1 - u, -1 / 1.2);
        return ns < 1000.0 * (double)mean ? (uint64_t)ns : 1000 * mean;
    }
    case SIMULATOR_BIMODAL:
        return u < 0.01 ? 1000 * mean : mean;
    case SIMULATOR_ONE_LONG:
        return index == sim->world->tasks / 3 ? 200000 * mean + 2000000 : mean;
    case SIMULATOR_BOOK:
        return book_ns[index % (sizeof book_ns / sizeof book_ns[0])];
    case SIMULATOR_UNIFORM:
    case SIMULATOR_LOADS:
        break;
    }
    return mean;
}

static uint64_t draw_duration(struct simulator *sim, size_t index, uint64_t mean)
{
    uint64_t ns = draw_time(sim, index, mean);
    return ns < LONGEST_NS ? ns : LONGEST_NS;
}

static int compare_up(const void *left, const void *right)
{
    uint64_t l = ((const struct task *)left)->duration_ns;
    uint64_t r = ((const struct task *)right)->duration_ns;
    return (l > r) - (l < r);
}

static int compare_down(const void *left, const void *right)
{
    return compare_up(right, left);
}

static void draw_tasks(struct simulator *sim)
{
    const struct simulator_world *world = sim->world;
    for (size_t i = 0; i < world->tasks; i++) {
        struct task *task = &sim->tasks[i];
        size_t function = draw_below(&sim->random, world->functions);
        task->key = 0x400000 + 64 * function;
        task->duration_ns = draw_duration(sim, i, world->mean_ns >> (3 * function));
        task->size = world->large > 0 && draw_below(&sim->random, 8) == 0 ? world->large : world->size;
    }
    for (size_t i = 0; i < world->deadly; i++) {
        sim->tasks[draw_below(&sim->random, world->tasks)].deadly = true;
    }
    if (world->order != SIMULATOR_AS_DRAWN) {
        qsort(sim->tasks, world->tasks, sizeof *sim->tasks,
              world->order == SIMULATOR_ASCENDING ? compare_up : compare_down);
    }
    for (size_t i = 0; i < world->tasks; i++) {
        uint64_t ns = sim->tasks[i].duration_ns;
        sim->result->total_ns += ns;
        sim->result->longest_ns = ns > sim->result->longest_ns ? ns : sim->result->longest_ns;
    }
}

/* ---- Faults ---- */

static void draw_faults(struct simulator *sim)
{
    const struct simulator_world *world = sim->world;
    assert(world->workers > 0);
    size_t starts = world->tasks < world->workers ? world->tasks : world->workers;
    uint64_t span =
        sim->result->total_ns / world->workers + (1 + starts) * world->costs.fork + 2 * world->costs.start;
    for (size_t i = 0; i < world->kills + world->obscure_kills; i++) {
        uint32_t lane = (uint32_t)draw_below(&sim->random, world->workers);
        sim_clock_at_any_rate(&sim->clock, draw_below(&sim->random, span), lane,
                              i < world->kills ? KILL : KILL_OBSCURELY);
    }
    for (size_t i = 0; i < world->stops + world->stops_for_good; i++) {
        uint32_t lane = (uint32_t)draw_below(&sim->random, world->workers);
        uint64_t from = draw_below(&sim->random, span);
        sim_clock_at_any_rate(&sim->clock, from, lane, STOP);
        if (i < world->stops) {
            sim_clock_at_any_rate(&sim->clock, from + draw_magnitude(&sim->random, 1e4, 1e8), lane, CONTINUE);
        } else {
            sim_clock_at_any_rate(&sim->clock, from + UINT64_C(3000000000), lane, KILL);
        }
    }
}

/* ---- The run ---- */

static void run_world(struct simulator *sim)
{
    struct event event = {0};
    uint64_t latest =
        20 * sim->result->total_ns + UINT64_C(200000000000) + 2 * sim->world->pause_ns * sim->world->tasks;
    uint64_t most_events = 1000000 + 1000 * (uint64_t)sim->world->tasks;
    sim_parent_event(sim, WORK_DONE);
    while (!sim->over && !sim->failed) {
        if (!sim_clock_next(&sim->clock, &event)) {
            sim_violation(sim, "nothing happens any more and %zu tasks are not done",
                          sim->world->tasks - sim->finished);
            return;
        }
        sim->result->events++;
        CHECK(sim->result->events < most_events && sim->clock.now_ns < latest, "this goes on for ever");
        if (event.who == parent_of(sim)) {
            sim_parent_event(sim, event.kind);
        } else {
            sim_worker_event(sim, &sim->workers[event.who], event.kind);
        }
    }
    sim->result->makespan_ns = sim->clock.now_ns;
    if (!sim->failed) {
        sim_check_end(sim);
    }
}

bool simulate(const struct simulator_world *world, struct simulator_result *result)
{
    *result = (struct simulator_result){0};
    struct simulator sim = {.world = world,
                            .look_at = 1,
                            .look_gap = 1,
                            .result = result,
                            .random = {world->seed},
                            .tasks = zeroed(world->tasks, sizeof *sim.tasks),
                            .workers = zeroed(world->workers, sizeof *sim.workers),
                            .dirty = zeroed(world->workers, sizeof *sim.dirty),
                            .ready = zeroed(world->workers, sizeof *sim.ready),
                            .outcomes = zeroed(world->tasks, sizeof *sim.outcomes),
                            .given = zeroed(world->tasks, sizeof *sim.given),
                            .failed_spawns = world->failed_spawns,
                            .failed_starts = world->failed_starts,
                            .cancels = world->cancels,
                            .force_cancels = world->force_cancels};
    if (!pp_schedule_open(&sim.schedule, world->workers, world->tasks_per_worker)) {
        abort();
    }
    sim_clock_open(&sim.clock, world->workers + 1, world->cores);
    draw_tasks(&sim);
    draw_faults(&sim);
    run_world(&sim);
    pp_schedule_close(&sim.schedule);
    sim_clock_close(&sim.clock);
    for (size_t lane = 0; lane < world->workers; lane++) {
        free(sim.workers[lane].frames.items);
        free(sim.workers[lane].replies.items);
    }
    free(sim.given);
    free(sim.outcomes);
    free(sim.ready);
    free(sim.dirty);
    free(sim.workers);
    free(sim.tasks);
    return !sim.failed;
}
