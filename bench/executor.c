/* The executor next to what it is made of and next to its rivals: always ratios of two things measured in
 * turns in one run, medians over the rounds. What is to be reached is said with each row; the program fails
 * if a row misses it.
 *
 *     executor            everything
 *     executor ROW...     only the rows named, in that order and as often
 *
 * Run from the top of the repository: rivals lie in bench/python and bench/perl. */

#include "rows/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    void (*run)(void);
} rows[] = {{"open-close", row_open_close}, {"tiny", row_tiny},   {"round-trip", row_round_trip},
            {"long", row_one_long},         {"mixes", row_mixes}, {"sizes", row_sizes},
            {"rivals", row_rivals},         {"idle", row_idle}};
enum { ROWS = sizeof rows / sizeof rows[0] };

static size_t find_row(const char *name)
{
    size_t row = 0;
    while (row < ROWS && strcmp(rows[row].name, name) != 0) {
        row++;
    }
    return row;
}

static _Noreturn void complain(const char *name)
{
    fprintf(stderr, "executor bench: no row is called \"%s\"; there are:", name);
    for (size_t i = 0; i < ROWS; i++) {
        fprintf(stderr, " %s", rows[i].name);
    }
    fprintf(stderr, "\n");
    exit(2);
}

/* In a process of its own: after a million futures a process is large, and what it forks costs more. */
static bool run_row(size_t row)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    must_errno(pid, "fork");
    if (pid == 0) {
        rows[row].run();
        exit(count_missed() == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    must_errno(waitpid(pid, &status, 0), "waitpid");
    return status == 0;
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--idle") == 0) {
        idle();
        return EXIT_SUCCESS;
    }
    for (int i = 1; i < argc; i++) {
        if (find_row(argv[i]) == ROWS) {
            complain(argv[i]);
        }
    }
    size_t failed = 0;
    for (int i = 1; i < argc; i++) {
        failed += !run_row(find_row(argv[i]));
    }
    for (size_t i = 0; argc == 1 && i < ROWS; i++) {
        failed += !run_row(i);
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
