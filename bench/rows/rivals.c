/* The executor beside other process pools, where they are installed. */

#include "row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs a rival that prints lines "NAME<tab>SECONDS A TASK", and prints how many times our time that is. */
static void run_rival(const char *needs, const char *command, double ours)
{
    char line[256];
    char probe_command[256];
    snprintf(probe_command, sizeof probe_command, "%s >/dev/null 2>&1", needs);
    if (system(probe_command) !=
        0) { // NOLINT(bugprone-command-processor,cert-env33-c): a bench's own commands
        printf("skip %s: not installed\n", command);
        return;
    }
    fflush(stdout);
    FILE *output = popen(command, "r"); // NOLINT(bugprone-command-processor,cert-env33-c)
    if (output == NULL) {
        die(command, -errno);
    }
    while (fgets(line, sizeof line, output) != NULL) {
        char *tab = strchr(line, '\t');
        if (tab != NULL) {
            double seconds = strtod(tab + 1, NULL);
            printf("%-44.*s %10.3f us  %-34s %10.3f us  ratio %7.0f\n", (int)(tab - line), line,
                   seconds * 1e6, "tiny task through futures", ours * 1e6, seconds / ours);
        }
    }
    if (pclose(output) != 0) {
        printf("%s failed\n", command);
    }
}

static double xargs_per_task(void)
{
    enum { COUNT = 2000 };
    double start = now_s();
    // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c)
    if (system("yes 1 | head -n 2000 | xargs -n 1 -P 2 true") != 0) {
        return 0;
    }
    return (now_s() - start) / COUNT;
}

void row_rivals(void)
{
    pp_executor *executor = open_executor(2);
    tiny_by_futures(executor, 100000);
    double ours = tiny_by_futures(executor, 1000000);
    close_executor(executor);
    run_rival("python3 -c 'import concurrent.futures'", "python3 bench/python/executor_rivals.py", ours);
    run_rival("perl -MMCE -MMCE::Map -e 1", "perl bench/perl/executor_rivals.pl", ours);
    // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c)
    if (system("command -v xargs >/dev/null 2>&1") == 0) {
        double seconds = xargs_per_task();
        printf("%-44s %10.3f us  %-34s %10.3f us  ratio %7.0f\n", "xargs -n 1 -P 2 true", seconds * 1e6,
               "tiny task through futures", ours * 1e6, seconds / ours);
    } else {
        printf("skip xargs: not installed\n");
    }
}
