/* For ru_maxrss, which POSIX does not have and every system gives. */
#define _DEFAULT_SOURCE 1 /* NOLINT(bugprone-reserved-identifier) */

#include "stats.h"

#include "board.h"

#include <inttypes.h>
#include <sys/resource.h>

static double cpu_seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1e-6;
}

static void append_lane(struct pp_text *text, size_t i, const struct pp_lane *lane, double seconds)
{
    const double busy = seconds > 0 ? (double)lane->busy_ns * 1e-9 / seconds : 0;
    pp_text_printf(text, "%6zu %10" PRIu64 " %14" PRIu64 " %6.1f%% %8" PRIu64 " %9.2fs %8.1f MiB\n", i + 1,
                   lane->tasks, lane->numbers, busy * 100, lane->workers - 1, (double)lane->cpu_ns * 1e-9,
                   (double)lane->peak_kib / 1024);
}

static void append_totals(struct pp_text *text, double seconds, uint64_t numbers,
                          const struct pp_statistics *statistics)
{
    struct rusage parent = {0};
    struct rusage workers = {0};
    getrusage(RUSAGE_SELF, &parent);
    getrusage(RUSAGE_CHILDREN, &workers);
    const double cpu = cpu_seconds(&parent) + cpu_seconds(&workers);
    pp_text_printf(text, "%" PRIu64 " numbers in %.3f s: %.0f a second\n", numbers, seconds,
                   seconds > 0 ? (double)numbers / seconds : 0);
    pp_text_printf(text, "CPU time %.3f s (parent %.3f s), %.2f CPUs busy\n", cpu, cpu_seconds(&parent),
                   seconds > 0 ? cpu / seconds : 0);
    pp_text_printf(text, "memory at most: parent %.1f MiB, largest worker %.1f MiB\n",
                   (double)parent.ru_maxrss / 1024, (double)workers.ru_maxrss / 1024);
    pp_text_printf(text,
                   "%" PRIu64 " tasks, %" PRIu64 " started again, %" PRIu64 " taken back; %" PRIu64
                   " workers started, %" PRIu64 " died\n",
                   statistics->tasks_done, statistics->tasks_retried, statistics->tasks_taken_back,
                   statistics->workers_started, statistics->workers_died);
}

void pp_stats_table(struct pp_text *text, double seconds, uint64_t numbers,
                    const struct pp_statistics *statistics)
{
    pp_text_printf(text, "worker      tasks        numbers    busy restarts       CPU  memory peak\n");
    for (size_t i = 0; i < pp_board_lanes(); i++) {
        const struct pp_lane lane = pp_board_read(i);
        if (lane.workers > 0) {
            append_lane(text, i, &lane, seconds);
        }
    }
    append_totals(text, seconds, numbers, statistics);
}
