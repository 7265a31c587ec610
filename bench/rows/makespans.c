/* How well work of unlike lengths is spread over two workers: the makespan, from the first submit to the last
 * result, beside what the lengths themselves allow. Each task tells how long it really took, and the bounds
 * are made of that alone, so an executor that is slow gets no easier bound. */

#include "row.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 2 };

/* Tasks that keep a core busy for so many seconds, 0: tiny ones; and what each then took. */
struct load {
    double *seconds;
    double *took;
    size_t count;
};

static struct load new_load(size_t count)
{
    struct load load = {calloc(count, sizeof(double)), calloc(count, sizeof(double)), count};
    if (load.seconds == NULL || load.took == NULL) {
        die("load", -ENOMEM);
    }
    return load;
}

static void free_load(struct load *load)
{
    free(load->seconds);
    free(load->took);
}

/* Keeps a core busy for so many seconds and answers how long that really took. */
static int spin(const void *arg, size_t size, pp_reply *reply)
{
    double seconds;
    if (size != sizeof seconds) {
        return 1;
    }
    memcpy(&seconds, arg, sizeof seconds);
    double start = now_s();
    double took;
    do {
        took = now_s() - start;
    } while (took < seconds);
    return pp_reply_append(reply, &took, sizeof took);
}

/* ---- Makespans ---- */

static double makespan_at_once(struct load *load)
{
    pp_future **futures = calloc(load->count, sizeof(pp_future *));
    pp_executor *executor = open_executor(WORKERS);
    if (futures == NULL) {
        die("futures", -ENOMEM);
    }
    double start = now_s();
    for (size_t i = 0; i < load->count; i++) {
        must(pp_executor_submit(executor, spin, &load->seconds[i], sizeof load->seconds[i], &futures[i]),
             "submit");
    }
    for (size_t i = 0; i < load->count; i++) {
        const void *bytes;
        size_t size;
        must(pp_future_result(futures[i], -1, &bytes, &size), "result");
        memcpy(&load->took[i], bytes, sizeof load->took[i]);
    }
    double wall = now_s() - start;
    for (size_t i = 0; i < load->count; i++) {
        pp_future_release(futures[i]);
    }
    close_executor(executor);
    free(futures);
    return wall;
}

struct feed {
    const struct load *load;
    size_t next;
};

static int give_time(void *context, struct pp_source_item *item)
{
    struct feed *feed = context;
    if (feed->next == feed->load->count) {
        return PP_E_END;
    }
    item->arg = &feed->load->seconds[feed->next++];
    item->arg_size = sizeof(double);
    return 0;
}

static double makespan_of_map(struct load *load)
{
    struct feed feed = {load, 0};
    struct pp_map_item item;
    pp_map *map;
    int error;
    pp_executor *executor = open_executor(WORKERS);
    double start = now_s();
    must(pp_map_open(&map, executor, spin, give_time, &feed, &(struct pp_map_options){.as_completed = true}),
         "map");
    while ((error = pp_map_next(map, &item, -1)) == 0) {
        must(item.error, "item");
        memcpy(&load->took[item.index], item.result, sizeof load->took[item.index]);
    }
    double wall = now_s() - start;
    if (error != PP_E_END) {
        die("map ended", error);
    }
    pp_map_close(map);
    close_executor(executor);
    return wall;
}

/* ---- What the lengths allow ---- */

/* The makespan of a list schedule that costs nothing: each task, in the order given, goes to the worker that
 * is free first. */
static double list_schedule(const struct load *load)
{
    double first = 0;  /* when the worker is free that is free first */
    double second = 0; /* the other */
    for (size_t i = 0; i < load->count; i++) {
        double end = first + load->took[i];
        first = end < second ? end : second;
        second = end < second ? second : end;
    }
    return second;
}

struct bounds {
    double lower; /* no schedule is shorter: all shared evenly, or the longest task */
    double
        list; /* no list schedule is longer, in whatever order (Graham 1966), if each task costs `message` */
};

static struct bounds bounds_of(const struct load *load, double message)
{
    double total = 0;
    double longest = 0;
    for (size_t i = 0; i < load->count; i++) {
        total += load->took[i];
        longest = fmax(longest, load->took[i]);
    }
    double even = total / WORKERS;
    double messages = (double)load->count * message / WORKERS;
    return (struct bounds){.lower = fmax(even, longest),
                           .list = even + messages + (longest + message) * (WORKERS - 1) / WORKERS};
}

/* ---- One long task ---- */

/* One task of 2 s comes as a surprise among a million tiny ones. What it is held against begins it when what
 * lies before it has been shared by both workers, and lets the other worker do the rest meanwhile. The tiny
 * ones count there with what they took in the workers, some 25 ns; so the hundredth part that may be missing
 * is all that the executor may spend on the way to the long task, 200 ns for each before it, and at the end.
 * Nothing is asked of a million futures at once: their caller spends as much on making those before the long
 * one, and on looking at those behind it when it is done. */
void row_one_long(void)
{
    enum { ROUNDS = 3, COUNT = 1000000, AT = 100000 };
    struct pair mapped = {.count = 0};
    struct pair at_once = {.count = 0};
    struct load load = new_load(COUNT);
    load.seconds[AT] = 2;
    for (size_t i = 0; i < ROUNDS; i++) {
        double wall = makespan_of_map(&load);
        add_round(&mapped, wall, list_schedule(&load));
        wall = makespan_at_once(&load);
        add_round(&at_once, wall, list_schedule(&load));
    }
    free_load(&load);
    report("one task of 2 s among 10^6 tiny, map", &mapped, 1, "s", "list schedule of what they took", 1.01);
    report("one task of 2 s among 10^6 tiny, at once", &at_once, 1, "s", "list schedule of what they took",
           0);
}

/* ---- Mixes ---- */

/* xorshift64*; the mixes are the same in each run. */
static double uniform(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (double)((*state * UINT64_C(0x2545f4914f6cdd1d)) >> 11) / 9007199254740992.0;
}

/* How long the book's sample takes by trial division, in ms on the reference machine, ascending. */
static const double sample_ms[] = {0,   16, 23, 77,  0,   77,  89,  0, 0,   100,
                                   100, 0,  0,  109, 109, 118, 118, 0, 134, 0};
enum { SAMPLE = sizeof sample_ms / sizeof sample_ms[0], MANY = 4000 };

static int compare_down(const void *left, const void *right)
{
    return compare_doubles(right, left);
}

enum mix { EXPONENTIAL, PARETO, BIMODAL, BOOK, BOOK_DESCENDING, SORTED_UP, SORTED_DOWN, MIXES };

static const char *const mix_names[MIXES] = {
    "exponential, mean 100 us",  "Pareto, alpha 1.2, from 20 us",    "99 % 10 us, 1 % 5 ms",
    "the book's sample",         "the book's sample, largest first", "exponential, shortest first",
    "exponential, longest first"};

static struct load new_mix(enum mix mix)
{
    uint64_t state = 88172645463325252u;
    struct load load = new_load(mix == BOOK || mix == BOOK_DESCENDING ? SAMPLE : MANY);
    for (size_t i = 0; i < load.count; i++) {
        double u = uniform(&state);
        switch (mix) {
        case PARETO:
            load.seconds[i] = fmin(20e-6 * pow(1 - u, -1 / 1.2), 0.1);
            break;
        case BIMODAL:
            load.seconds[i] = u < 0.01 ? 5e-3 : 10e-6;
            break;
        case BOOK:
            load.seconds[i] = sample_ms[i] * 1e-3;
            break;
        case BOOK_DESCENDING:
            load.seconds[i] = sample_ms[SAMPLE - 1 - i] * 1e-3;
            break;
        case EXPONENTIAL:
        case SORTED_UP:
        case SORTED_DOWN:
        case MIXES:
            load.seconds[i] = -100e-6 * log(1 - u);
            break;
        }
    }
    if (mix == SORTED_UP || mix == SORTED_DOWN) {
        qsort(load.seconds, load.count, sizeof(double), mix == SORTED_UP ? compare_doubles : compare_down);
    }
    return load;
}

/* Beside the lower bound nothing can be asked: not even a list schedule that costs nothing reaches it, for
 * it does not know what is still to come. What can be asked is not to take longer than list schedules may
 * that hand out one task at a time over bare pipes: a ping-pong for each, on the CPUs that should be at work.
 * A tenth more than that is allowed, as it is for a round trip. */
void row_mixes(void)
{
    enum { ROUNDS = 5 };
    for (enum mix mix = 0; mix < MIXES; mix++) {
        struct pair lower = {.count = 0};
        struct pair list = {.count = 0};
        struct load load = new_mix(mix);
        for (size_t i = 0; i < ROUNDS; i++) {
            double message = bare_round_trip();
            double wall = makespan_at_once(&load);
            struct bounds bounds = bounds_of(&load, message);
            add_round(&lower, wall, bounds.lower);
            add_round(&list, wall, bounds.list);
        }
        free_load(&load);
        report(mix_names[mix], &lower, 1e-3, "ms", "lower bound of any schedule", 0);
        report(mix_names[mix], &list, 1e-3, "ms", "list bound, a ping-pong a task", 1.1);
    }
}
