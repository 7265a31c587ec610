/* What a task costs that does next to nothing: through futures and maps, beside the bare probe. */

#include "row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { WINDOW = 4096 };

/* The oldest future is waited for before the next task is submitted. */
double tiny_by_futures(pp_executor *executor, size_t count)
{
    static pp_future *window[WINDOW];
    uint64_t sum = 0;
    double start = now_s();
    for (size_t i = 0; i < count + WINDOW; i++) {
        pp_future **slot = &window[i % WINDOW];
        if (i >= WINDOW && i - WINDOW < count) {
            const void *bytes;
            size_t size;
            uint64_t number;
            must(pp_future_result(*slot, -1, &bytes, &size), "result");
            memcpy(&number, bytes, sizeof number);
            sum += number;
            pp_future_release(*slot);
        }
        if (i < count) {
            uint64_t number = i;
            must(pp_executor_submit(executor, increment, &number, sizeof number, slot), "submit");
        }
    }
    double seconds = now_s() - start;
    if (sum != (uint64_t)count * (count + 1) / 2) {
        die("wrong sum", PP_E_TASK);
    }
    return seconds / (double)count;
}

/* Seconds a task with all submitted before the first is waited for. */
static double tiny_all_at_once(pp_executor *executor, size_t count)
{
    pp_future **futures = calloc(count, sizeof(pp_future *));
    if (futures == NULL) {
        die("futures", -ENOMEM);
    }
    double start = now_s();
    for (size_t i = 0; i < count; i++) {
        uint64_t number = i;
        must(pp_executor_submit(executor, increment, &number, sizeof number, &futures[i]), "submit");
    }
    for (size_t i = 0; i < count; i++) {
        must(pp_future_wait(futures[i], -1), "wait");
        pp_future_release(futures[i]);
    }
    double seconds = now_s() - start;
    free(futures);
    return seconds / (double)count;
}

struct counter {
    uint64_t next;
    uint64_t end;
};

static int count_up(void *context, struct pp_source_item *item)
{
    struct counter *counter = context;
    if (counter->next == counter->end) {
        return PP_E_END;
    }
    item->arg = &counter->next;
    item->arg_size = sizeof counter->next;
    counter->next++;
    return 0;
}

static double tiny_by_map(pp_executor *executor, size_t count, bool as_completed)
{
    struct counter counter = {0, count};
    struct pp_map_item item;
    pp_map *map;
    int error;
    uint64_t items = 0;
    double start = now_s();
    must(pp_map_open(&map, executor, increment, count_up, &counter,
                     &(struct pp_map_options){.as_completed = as_completed}),
         "map");
    while ((error = pp_map_next(map, &item, -1)) == 0) {
        must(item.error, "item");
        items++;
    }
    pp_map_close(map);
    if (error != PP_E_END || items != count) {
        die("map ended", error);
    }
    return (now_s() - start) / (double)count;
}

static double cpu_s(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) / 1e6;
}

/* Unlike wall time, CPU time does not much mind what else runs on the machine. */
static void report_cpu_time(void)
{
    enum { COUNT = 3000000 };
    double parent = cpu_s(RUSAGE_SELF);
    double workers = cpu_s(RUSAGE_CHILDREN);
    pp_executor *executor = open_executor(2);
    tiny_by_futures(executor, COUNT);
    close_executor(executor);
    printf("CPU time of a tiny task, window of futures: %.1f ns in the parent, %.1f ns in a worker\n",
           (cpu_s(RUSAGE_SELF) - parent) / COUNT * 1e9, (cpu_s(RUSAGE_CHILDREN) - workers) / COUNT * 1e9);
}

void row_tiny(void)
{
    enum { ROUNDS = 7, COUNT = 1000000, REACH_NS = 100 };
    struct pair futures = {.count = 0};
    struct pair all = {.count = 0};
    struct pair ordered = {.count = 0};
    struct pair completed = {.count = 0};
    pp_executor *executor = open_executor(2);
    tiny_by_futures(executor, COUNT / 10);
    for (size_t i = 0; i < ROUNDS; i++) {
        double bare = bare_probe(COUNT);
        add_round(&futures, tiny_by_futures(executor, COUNT), bare);
        add_round(&ordered, tiny_by_map(executor, COUNT, false), bare);
        add_round(&completed, tiny_by_map(executor, COUNT, true), bare);
        add_round(&all, tiny_all_at_once(executor, COUNT), bare);
    }
    close_executor(executor);
    double ns = 1e-9;
    report("tiny task, window of futures", &futures, ns, "ns", "bare coalescing probe", 0);
    report("tiny task, map in order", &ordered, ns, "ns", "bare coalescing probe", 0);
    report("tiny task, map as completed", &completed, ns, "ns", "bare coalescing probe", 0);
    report("tiny task, 10^6 futures at once", &all, ns, "ns", "bare coalescing probe", 0);
    double best = median(futures.ours, futures.count) / ns;
    printf("tiny task through futures: %.1f ns, at most %d: %s\n", best, REACH_NS, verdict(best <= REACH_NS));
    report_cpu_time();
}
