#include "support/simulator_clock.h"

#include <stdlib.h>

/* The generation of events that nothing calls off. */
#define FIRM UINT32_MAX

void sim_clock_open(struct sim_clock *clock, size_t processes, size_t cores)
{
    *clock = (struct sim_clock){.cores = cores};
    clock->generations = calloc(processes, sizeof *clock->generations);
    if (clock->generations == NULL) {
        abort();
    }
}

void sim_clock_close(struct sim_clock *clock)
{
    free(clock->wall.events);
    free(clock->work.events);
    free(clock->generations);
}

/* ---- Heaps ---- */

static bool is_before(const struct event *left, const struct event *right)
{
    return left->time != right->time ? left->time < right->time : left->order < right->order;
}

static void push(struct sim_clock *clock, struct event_heap *heap, struct event event)
{
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity > 0 ? 2 * heap->capacity : 16;
        heap->events = realloc(heap->events, heap->capacity * sizeof *heap->events);
        if (heap->events == NULL) {
            abort();
        }
    }
    event.order = clock->orders++;
    size_t at = heap->count++;
    while (at > 0 && is_before(&event, &heap->events[(at - 1) / 2])) {
        heap->events[at] = heap->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->events[at] = event;
}

static struct event pop(struct event_heap *heap)
{
    struct event first = heap->events[0];
    struct event last = heap->events[--heap->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && is_before(&heap->events[child + 1], &heap->events[child])) {
            child++;
        }
        if (!is_before(&heap->events[child], &last)) {
            break;
        }
        heap->events[at] = heap->events[child];
        at = child;
    }
    heap->events[at] = last;
    return first;
}

/* ---- What will happen ---- */

void sim_clock_at(struct sim_clock *clock, uint64_t time_ns, uint32_t who, enum event_kind kind)
{
    push(clock, &clock->wall,
         (struct event){.time = time_ns, .who = who, .generation = clock->generations[who], .kind = kind});
}

void sim_clock_at_any_rate(struct sim_clock *clock, uint64_t time_ns, uint32_t who, enum event_kind kind)
{
    push(clock, &clock->wall, (struct event){.time = time_ns, .who = who, .generation = FIRM, .kind = kind});
}

void sim_clock_work(struct sim_clock *clock, uint32_t who, uint64_t amount_ns)
{
    push(clock, &clock->work,
         (struct event){.time = clock->work_ns + amount_ns,
                        .who = who,
                        .generation = clock->generations[who],
                        .kind = WORK_DONE});
    clock->runnable++;
}

void sim_clock_rest(struct sim_clock *clock)
{
    clock->runnable--;
}

void sim_clock_call_off(struct sim_clock *clock, uint32_t who)
{
    clock->generations[who]++;
}

/* ---- What happens next ---- */

static void drop_called_off(struct sim_clock *clock, struct event_heap *heap)
{
    while (heap->count > 0 && heap->events[0].generation != FIRM &&
           heap->events[0].generation != clock->generations[heap->events[0].who]) {
        pop(heap);
    }
}

/* How long the wall clock takes for so much work, and how much is done in so much time. */
static uint64_t wall_of_work(const struct sim_clock *clock, uint64_t amount)
{
    size_t cores = clock->cores;
    return cores == 0 || clock->runnable <= cores ? amount : (amount * clock->runnable + cores - 1) / cores;
}

static uint64_t work_of_wall(const struct sim_clock *clock, uint64_t amount)
{
    size_t cores = clock->cores;
    return cores == 0 || clock->runnable <= cores ? amount : amount * cores / clock->runnable;
}

bool sim_clock_next(struct sim_clock *clock, struct event *event)
{
    drop_called_off(clock, &clock->work);
    drop_called_off(clock, &clock->wall);
    bool has_work = clock->work.count > 0;
    bool has_wall = clock->wall.count > 0;
    uint64_t work_at =
        has_work ? clock->now_ns + wall_of_work(clock, clock->work.events[0].time - clock->work_ns) : 0;
    if (has_work && (!has_wall || work_at <= clock->wall.events[0].time)) {
        *event = pop(&clock->work);
        clock->now_ns = work_at;
        clock->work_ns = event->time;
        sim_clock_rest(clock);
        return true;
    }
    if (has_wall) {
        *event = pop(&clock->wall);
        clock->work_ns += work_of_wall(clock, event->time - clock->now_ns);
        clock->now_ns = event->time;
    }
    return has_wall;
}
