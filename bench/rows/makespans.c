/* How well work of unlike lengths is spread over two workers. */

#include "row.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* xorshift64*; the mixes are the same in each run. */
static double uniform(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (double)((*state * UINT64_C(0x2545f4914f6cdd1d)) >> 11) / 9007199254740992.0;
}

/* Runs the tasks and returns the makespan; *bound becomes what no schedule of the times that the tasks really
 * took can beat: all of it shared evenly, or the longest. Times of 0 are tiny tasks. */
static double makespan(size_t workers, const double *seconds, size_t count, double *bound)
{
    pp_future **futures = calloc(count, sizeof(pp_future *));
    pp_executor *executor = open_executor(workers);
    if (futures == NULL) {
        die("futures", -ENOMEM);
    }
    double start = now_s();
    for (size_t i = 0; i < count; i++) {
        must(pp_executor_submit(executor, spin, &seconds[i], sizeof seconds[i], &futures[i]), "submit");
    }
    must(pp_executor_step(executor, 0), "step");
    double total = 0;
    double longest = 0;
    for (size_t i = 0; i < count; i++) {
        const void *bytes;
        size_t size;
        double took;
        must(pp_future_result(futures[i], -1, &bytes, &size), "result");
        memcpy(&took, bytes, sizeof took);
        total += took;
        longest = took > longest ? took : longest;
    }
    double wall = now_s() - start;
    for (size_t i = 0; i < count; i++) {
        pp_future_release(futures[i]);
    }
    close_executor(executor);
    free(futures);
    *bound = total / (double)workers > longest ? total / (double)workers : longest;
    return wall;
}

/* How long the book's sample takes by trial division, in ms on the reference machine, ascending. */
static const double sample_ms[] = {0,   16, 23, 77,  0,   77,  89,  0, 0,   100,
                                   100, 0,  0,  109, 109, 118, 118, 0, 134, 0};
enum { SAMPLE = sizeof sample_ms / sizeof sample_ms[0] };

static int compare_down(const void *left, const void *right)
{
    return compare_doubles(right, left);
}

enum mix { EXPONENTIAL, PARETO, BIMODAL, BOOK, BOOK_DESCENDING, SORTED_UP, SORTED_DOWN, MIXES };

static const char *const mix_names[MIXES] = {
    "exponential, mean 100 us",  "Pareto, alpha 1.2, from 20 us",    "99 % 10 us, 1 % 5 ms",
    "the book's sample",         "the book's sample, largest first", "exponential, shortest first",
    "exponential, longest first"};

static size_t fill_mix(enum mix mix, double *seconds)
{
    uint64_t state = 88172645463325252u;
    size_t count = mix == BOOK || mix == BOOK_DESCENDING ? SAMPLE : 4000;
    for (size_t i = 0; i < count; i++) {
        double u = uniform(&state);
        switch (mix) {
        case PARETO:
            seconds[i] = 20e-6 * pow(1 - u, -1 / 1.2);
            seconds[i] = seconds[i] < 0.1 ? seconds[i] : 0.1;
            break;
        case BIMODAL:
            seconds[i] = u < 0.01 ? 5e-3 : 10e-6;
            break;
        case BOOK:
            seconds[i] = sample_ms[i] * 1e-3;
            break;
        case BOOK_DESCENDING:
            seconds[i] = sample_ms[SAMPLE - 1 - i] * 1e-3;
            break;
        case EXPONENTIAL:
        case SORTED_UP:
        case SORTED_DOWN:
        case MIXES:
            seconds[i] = -100e-6 * log(1 - u);
            break;
        }
    }
    if (mix == SORTED_UP || mix == SORTED_DOWN) {
        qsort(seconds, count, sizeof *seconds, mix == SORTED_UP ? compare_doubles : compare_down);
    }
    return count;
}

void row_mixes(void)
{
    enum { ROUNDS = 5 };
    static double seconds[4000];
    for (enum mix mix = 0; mix < MIXES; mix++) {
        struct pair pair = {.count = 0};
        size_t count = fill_mix(mix, seconds);
        for (size_t i = 0; i < ROUNDS; i++) {
            double bound;
            double wall = makespan(2, seconds, count, &bound);
            add_round(&pair, wall, bound);
        }
        report(mix_names[mix], &pair, 1e-3, "ms", "lower bound of what the tasks took", 0);
    }
}

struct times {
    const double *seconds;
    size_t count;
    size_t next;
};

static int give_time(void *context, struct pp_source_item *item)
{
    struct times *times = context;
    if (times->next == times->count) {
        return PP_E_END;
    }
    item->arg = &times->seconds[times->next++];
    item->arg_size = sizeof(double);
    return 0;
}

/* The makespan of a map as completed. */
static double map_makespan(const double *seconds, size_t count)
{
    struct times times = {seconds, count, 0};
    struct pp_map_item item;
    pp_map *map;
    pp_executor *executor = open_executor(2);
    double start = now_s();
    must(pp_map_open(&map, executor, spin, give_time, &times, &(struct pp_map_options){.as_completed = true}),
         "map");
    while (pp_map_next(map, &item, -1) == 0) {
        must(item.error, "item");
    }
    double wall = now_s() - start;
    pp_map_close(map);
    close_executor(executor);
    return wall;
}

/* One task of 2 s comes as a surprise among a million tiny ones. A list schedule in the order given starts it
 * when all before it are under way, and the other worker does the rest meanwhile. Submitted all at once,
 * nothing runs until the last has been submitted, which a list schedule does not know of. */
void row_one_long(void)
{
    enum { ROUNDS = 3, COUNT = 1000000, AT = 100000 };
    static struct pair mapped;
    static struct pair at_once;
    double *seconds = calloc(COUNT, sizeof *seconds);
    if (seconds == NULL) {
        die("times", -ENOMEM);
    }
    for (size_t i = 0; i < ROUNDS; i++) {
        double bound;
        seconds[AT] = 0;
        double tiny = map_makespan(seconds, COUNT) / COUNT;
        seconds[AT] = 2;
        add_round(&mapped, map_makespan(seconds, COUNT), AT * tiny + 2);
        add_round(&at_once, makespan(2, seconds, COUNT, &bound), AT * tiny + 2);
    }
    free(seconds);
    report("one task of 2 s among 10^6 tiny, map", &mapped, 1, "s", "list-scheduling bound", 1.01);
    report("one task of 2 s among 10^6 tiny, at once", &at_once, 1, "s", "list-scheduling bound", 0);
}
