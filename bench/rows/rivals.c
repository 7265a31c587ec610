/* The executor beside other process pools, where they are installed. A rival is a command that measures one
 * thing and prints the seconds that it took a task, or is timed as a whole; ours and a rival take turns, and
 * what is measured of ours is the same thing: a round trip beside a round trip, and so on. No side is told
 * which CPUs to use. */

#include "row.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 7 };

static double our_tiny(pp_executor *executor)
{
    return tiny_by_futures(executor, 300000);
}

static double our_round_trip(pp_executor *executor)
{
    return round_trip(executor, 500);
}

/* Has an executor of its own. */
static double our_open_close(pp_executor *executor)
{
    (void)executor;
    return open_few_close();
}

struct rival {
    const char *name;
    const char *needs; /* a command that fails where the rival is not installed */
    const char *command;
    double tasks; /* that the command runs and is timed for from outside; 0: it prints the seconds a task */
    const char *ours_name;
    double (*ours)(pp_executor *executor);
};

#define PYTHON      "python3 -c 'import concurrent.futures'", "python3 bench/python/executor_rivals.py "
#define MCE         "perl -MMCE::Map -e 1", "perl bench/perl/executor_rivals.pl "
#define OUR_TINY    "tiny task, window of futures", our_tiny
#define OUR_TRIP    "submit to result", our_round_trip
#define OUR_OPENING "open 12 workers, 20 tasks, close", our_open_close

static const struct rival rivals[] = {
    {"ProcessPoolExecutor.map, chunksize 1", PYTHON "map-1", 0, OUR_TINY},
    {"ProcessPoolExecutor.map, chunksize 1000", PYTHON "map-1000", 0, OUR_TINY},
    {"ProcessPoolExecutor, submit to result", PYTHON "round-trip", 0, OUR_TRIP},
    {"ProcessPoolExecutor, 12 workers, 20 tasks", PYTHON "open-close", 0, OUR_OPENING},
    {"multiprocessing.Pool.imap", PYTHON "imap", 0, OUR_TINY},
    {"Perl MCE::Map, chunk_size 1", MCE "1", 0, OUR_TINY},
    {"Perl MCE::Map, chunk_size 1000", MCE "1000", 0, OUR_TINY},
    {"xargs -n 1 -P 2 true", "command -v xargs", "yes 1 | head -n 500 | xargs -n 1 -P 2 true", 500, OUR_TINY},
};

// NOLINTBEGIN(bugprone-command-processor,cert-env33-c): a bench's own commands

static bool is_installed(const char *needs)
{
    char command[256];
    snprintf(command, sizeof command, "%s >/dev/null 2>&1", needs);
    return system(command) == 0;
}

/* Seconds a task; 0: it failed. */
static double run_rival(const struct rival *rival)
{
    char line[64] = "";
    double start = now_s();
    FILE *output = popen(rival->command, "r");
    if (output == NULL) {
        return 0;
    }
    bool has_line = fgets(line, sizeof line, output) != NULL;
    if (pclose(output) != 0) {
        return 0;
    }
    if (rival->tasks > 0) {
        return (now_s() - start) / rival->tasks;
    }
    return has_line ? strtod(line, NULL) : 0;
}

// NOLINTEND(bugprone-command-processor,cert-env33-c)

static void compare_with(const struct rival *rival, pp_executor *executor)
{
    struct pair pair = {.count = 0};
    rival->ours(executor); /* warms up; a rival does so by itself */
    for (size_t i = 0; i < ROUNDS; i++) {
        double theirs = run_rival(rival);
        if (theirs <= 0) {
            printf("%s: not measured, it failed\n", rival->name);
            return;
        }
        add_round(&pair, rival->ours(executor), theirs);
    }
    report_rival(rival->name, &pair, rival->ours_name);
}

void row_rivals(void)
{
    pp_executor *executor = open_executor(2);
    fflush(stdout);
    for (size_t i = 0; i < sizeof rivals / sizeof rivals[0]; i++) {
        if (is_installed(rivals[i].needs)) {
            compare_with(&rivals[i], executor);
        } else {
            printf("skip %s: not installed\n", rivals[i].name);
        }
    }
    close_executor(executor);
}
