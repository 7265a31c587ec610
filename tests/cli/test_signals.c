/* Signals to the program itself: it ends by them, with whole lines written and no worker left. */

#include "support/harness.h"

#include "cli/signals.h"
#include "support/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Two numbers that take trial division hours, and one that is done at once. */
static char *const words[] = {
    "proc_pool", "2", "-c", "-m", "trial", "-f", "tsv", "97", "18446744073709551557..18446744073709551557",
    NULL};

/* Starts the program with standard output to a pipe, whose reading end is *from. */
static pid_t start(int *from)
{
    int ends[2];
    char path[4096];
    const char *build = getenv("BUILD");
    ck_assert_ptr_nonnull(build);
    snprintf(path, sizeof path, "%s/proc_pool", build);
    ck_assert_int_eq(pipe(ends), 0);
    sigset_t term;
    sigset_t before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM); /* Check's own handler must not run in the child */
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &term, &before), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL); /* a shell may have started us with it ignored */
        signal(SIGHUP, SIG_DFL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(path, words);
        _exit(127);
    }
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    close(ends[1]);
    *from = ends[0];
    return pid;
}

/* Reads until the first line is complete: then the workers are at work. */
static void await_first_line(int from)
{
    char text[64];
    size_t size = 0;
    while (size == 0 || text[size - 1] != '\n') {
        const ssize_t got = read(from, text + size, sizeof text - size);
        ck_assert_int_gt(got, 0);
        size += (size_t)got;
    }
    ck_assert_uint_eq(size, strlen("97\tprime\n"));
    ck_assert_mem_eq(text, "97\tprime\n", size);
}

/* Nobody has the other end any more: neither the program nor a worker of its. */
static void await_end(int from)
{
    char byte;
    ck_assert_int_eq(read(from, &byte, 1), 0);
    close(from);
}

static void assert_ends_by(int signal_number)
{
    int from;
    int status;
    const pid_t pid = start(&from);
    await_first_line(from);
    ck_assert_int_eq(kill(pid, signal_number), 0);
    await_end(from);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), signal_number);
}

START_TEST(the_program_ends_by_the_signal_with_its_workers)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGKILL};
    assert_ends_by(signals[_i]);
}
END_TEST

START_TEST(a_signal_at_any_moment_ends_it)
{
    const int rounds = harness_exhaustive() ? 2000 : 40;
    for (int i = 0; i < rounds; i++) {
        int from;
        int status;
        const pid_t pid = start(&from);
        for (volatile int spin = 0; spin < i % 40 * 20000; spin++) {
        }
        ck_assert_int_eq(kill(pid, SIGTERM), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status));
        char text[64];
        const ssize_t got = read(from, text, sizeof text);
        ck_assert(got == 0 || got == (ssize_t)strlen("97\tprime\n"));
        if (got > 0) {
            await_end(from);
        } else {
            close(from);
        }
    }
}
END_TEST

/* A program that catches, and never comes to look whether it is to end. */
static int never_look(void *context)
{
    const int *to = context;
    const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < 4; i++) {
        signal(signals[i], SIG_DFL);
    }
    pp_signals_catch();
    raise(SIGPIPE); /* of which many may come: the first is remembered */
    raise(SIGPIPE);
    const int first = pp_signals_caught();
    if (!process_write(*to, &first, sizeof first)) {
        return 1;
    }
    for (;;) {
        pause();
    }
}

START_TEST(who_is_asked_a_second_time_ends_at_once)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    int ends[2];
    int first;
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t pid = process_start(never_look, &ends[1]);
    ck_assert(process_read(ends[0], &first, sizeof first));
    ck_assert_int_eq(first, SIGPIPE);
    ck_assert_int_eq(kill(pid, signals[_i]), 0);
    process_expect_signal(pid, signals[_i]);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/signals");
    TCase *tcase = harness_case(suite, "signals", 120);
    tcase_add_loop_test(tcase, the_program_ends_by_the_signal_with_its_workers, 0, 5);
    tcase_add_test(tcase, a_signal_at_any_moment_ends_it);
    tcase_add_loop_test(tcase, who_is_asked_a_second_time_ends_at_once, 0, 3);
    return harness_run(suite);
}
