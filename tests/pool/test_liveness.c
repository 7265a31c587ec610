#include "support/harness.h"

#include "liveness.h"
#include "pipe_io.h"
#include "support/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct watch {
    struct pp_pipe life;
    struct pp_pipe report; /* the watcher writes, the test reads */
};

static void open_watch(struct watch *watch)
{
    ck_assert_int_eq(pp_pipe_open(&watch->life), 0);
    ck_assert_int_eq(pp_pipe_open(&watch->report), 0);
}

static void close_watch(struct watch *watch)
{
    pp_pipe_close(&watch->life);
    pp_pipe_close(&watch->report);
}

/* What a watcher says of itself. */
struct watcher {
    pid_t pid;
    int signal_number; /* by which it will end */
};

/* Reports and computes for ever. */
static int watch_and_compute(void *context)
{
    struct watch *watch = context;
    pp_fd_close(&watch->life.to);
    struct watcher self = {.pid = getpid(), .signal_number = pp_liveness_watch(watch->life.from)};
    if (self.signal_number < 0 || !process_write(watch->report.to, &self, sizeof self)) {
        return 1;
    }
    for (volatile unsigned long i = 0;; i++) {
    }
}

START_TEST(the_closing_of_the_last_write_end_ends_a_busy_process)
{
    struct watch watch;
    struct watcher watcher;
    open_watch(&watch);
    pid_t pid = process_start(watch_and_compute, &watch);
    ck_assert(process_read(watch.report.from, &watcher, sizeof watcher));
    pp_fd_close(&watch.life.to);
    process_expect_signal(pid, watcher.signal_number);
    close_watch(&watch);
}
END_TEST

START_TEST(a_stopped_process_ends_too_where_the_signal_can_be_chosen)
{
    struct watch watch;
    struct watcher watcher;
    siginfo_t info;
    open_watch(&watch);
    pid_t pid = process_start(watch_and_compute, &watch);
    ck_assert(process_read(watch.report.from, &watcher, sizeof watcher));
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    pp_fd_close(&watch.life.to);
    if (watcher.signal_number != SIGKILL) {
        kill(pid, SIGCONT); /* stays stopped until then */
    }
    process_expect_signal(pid, watcher.signal_number);
    close_watch(&watch);
}
END_TEST

/* Reports by which signal it will end, and once more after each byte that it is sent. */
static int watch_and_answer(void *context)
{
    struct watch *watch = context;
    struct pp_pipe questions = watch[1].life;
    char byte;
    pp_fd_close(&watch->life.to);
    pp_fd_close(&questions.to);
    byte = (char)pp_liveness_watch(watch->life.from);
    if (byte < 0) {
        return 1;
    }
    do {
        process_write(watch->report.to, &byte, 1);
    } while (process_read(questions.from, &(char){0}, 1));
    return 0;
}

START_TEST(a_process_lives_as_long_as_one_write_end_is_open)
{
    struct watch watch[2];
    char byte = 'x';
    open_watch(&watch[0]);
    open_watch(&watch[1]);
    int other = dup(watch[0].life.to);
    ck_assert_int_ne(other, -1);
    pid_t pid = fork();
    ck_assert_int_ne(pid, -1);
    if (pid == 0) {
        close(other);
        _exit(watch_and_answer(watch));
    }
    ck_assert(process_read(watch[0].report.from, &byte, 1));
    pp_fd_close(&watch[0].life.to);
    ck_assert(process_write(watch[1].life.to, &byte, 1));
    ck_assert(process_read(watch[0].report.from, &byte, 1));
    close(other);
    process_expect_signal(pid, byte);
    close_watch(&watch[0]);
    close_watch(&watch[1]);
}
END_TEST

/* Begins to watch only when the other end is closed for certain. */
static int watch_too_late(void *context)
{
    struct watch *watch = context;
    char byte;
    pp_fd_close(&watch->life.to);
    if (read(watch->life.from, &byte, 1) != 0) {
        return 1;
    }
    pp_liveness_watch(watch->life.from);
    return 0;
}

START_TEST(a_write_end_that_was_closed_before_counts_too)
{
    struct watch watch;
    open_watch(&watch);
    pid_t pid = process_start(watch_too_late, &watch);
    pp_fd_close(&watch.life.to);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGIO));
    close_watch(&watch);
}
END_TEST

/* Forks the watcher and waits to be killed. */
static int be_parent(void *context)
{
    struct watch *watch = context;
    process_start(watch_and_compute, watch);
    pp_fd_close(&watch->report.to);
    return pause();
}

/* From the parent's SIGKILL to the watcher's end, in nanoseconds. The end shows as EOF: only the watcher
 * holds the report pipe's write end by then. */
static unsigned long long time_of_death(void)
{
    struct watch watch = {.report = {-1, -1}};
    ck_assert_int_eq(pp_pipe_open(&watch.report), 0);
    struct watcher watcher;
    pid_t parent = fork();
    ck_assert_int_ne(parent, -1);
    if (parent == 0) {
        _exit(pp_pipe_open(&watch.life) == 0 ? be_parent(&watch) : 1);
    }
    pp_fd_close(&watch.report.to);
    ck_assert(process_read(watch.report.from, &watcher, sizeof watcher));
    unsigned long long start = pp_clock_ns();
    kill(parent, SIGKILL);
    char byte;
    ck_assert_int_eq(pp_fd_read(watch.report.from, &byte, 1), 0);
    unsigned long long end = pp_clock_ns();
    process_expect_signal(parent, SIGKILL);
    pp_fd_close(&watch.report.from);
    return end - start;
}

START_TEST(a_busy_process_is_gone_within_10_ms_of_its_parents_sigkill)
{
    unsigned long long best = (unsigned long long)-1;
    for (int tries = 0; tries < 50 && best >= 10000000; tries++) {
        unsigned long long time = time_of_death();
        best = time < best ? time : best;
    }
    ck_assert(best < 10000000 || process_is_instrumented());
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_watched_is_an_error)
{
    int error = pp_liveness_watch(-1);
    ck_assert(error == -EBADF || error == -ENOTSUP);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("liveness");
    TCase *tcase = harness_case(suite, "liveness", 10);
    tcase_add_test(tcase, a_descriptor_that_cannot_be_watched_is_an_error);
    if (pp_liveness_watch(-1) == -ENOTSUP) {
        return harness_run(suite); /* pipes have no O_ASYNC here */
    }
    tcase_add_test(tcase, the_closing_of_the_last_write_end_ends_a_busy_process);
    tcase_add_test(tcase, a_stopped_process_ends_too_where_the_signal_can_be_chosen);
    tcase_add_test(tcase, a_process_lives_as_long_as_one_write_end_is_open);
    tcase_add_test(tcase, a_write_end_that_was_closed_before_counts_too);
    tcase_add_test(tcase, a_busy_process_is_gone_within_10_ms_of_its_parents_sigkill);
    return harness_run(suite);
}
