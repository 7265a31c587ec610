#include "support/harness.h"

#include "pipe_io.h"
#include "pipe_size.h"
#include "support/process.h"
#include "support/random.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

/* ---- Opening ---- */

START_TEST(pipe_ends_are_blocking_and_close_on_exec)
{
    struct pp_pipe ends;
    ck_assert_int_eq(pp_pipe_open(&ends), 0);
    ck_assert_int_eq(fcntl(ends.from, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(fcntl(ends.to, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(fcntl(ends.from, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(ends.to, F_GETFL) & O_NONBLOCK, 0);
    char byte = 'x';
    ck_assert_int_eq(pp_fd_write(ends.to, &byte, 1), 1);
    byte = 0;
    ck_assert_int_eq(pp_fd_read(ends.from, &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    pp_pipe_close(&ends);
    ck_assert_int_eq(ends.from, -1);
    ck_assert_int_eq(ends.to, -1);
    pp_pipe_close(&ends); /* does nothing */
}
END_TEST

/* Closes those of the descriptors 0 to 2 whose bit is set, and keeps copies. */
static void close_standard(int which, int copies[3])
{
    for (int fd = 0; fd < 3; fd++) {
        copies[fd] = -1;
        if ((which >> fd & 1) != 0) {
            copies[fd] = fcntl(fd, F_DUPFD, 10);
            close(fd);
        }
    }
}

static void reopen_standard(const int copies[3])
{
    for (int fd = 0; fd < 3; fd++) {
        if (copies[fd] != -1) {
            dup2(copies[fd], fd);
            close(copies[fd]);
        }
    }
}

START_TEST(pipe_ends_are_never_standard_descriptors)
{
    for (int which = 0; which < 8; which++) {
        int copies[3];
        struct pp_pipe first, second;
        close_standard(which, copies);
        int errors = (pp_pipe_open(&first) != 0) + (pp_pipe_open(&second) != 0);
        bool still_closed = true, close_on_exec = true;
        for (int fd = 0; fd < 3; fd++) {
            still_closed = still_closed && (fcntl(fd, F_GETFD) == -1) == (which >> fd & 1);
        }
        const int ends[] = {first.from, first.to, second.from, second.to};
        int least = ends[0];
        for (int i = 0; i < 4; i++) {
            least = ends[i] < least ? ends[i] : least;
            close_on_exec = close_on_exec && fcntl(ends[i], F_GETFD) == FD_CLOEXEC;
        }
        pp_pipe_close(&first);
        pp_pipe_close(&second);
        reopen_standard(copies);
        ck_assert_int_eq(errors, 0);
        ck_assert_int_gt(least, 2);
        ck_assert_msg(still_closed, "standard descriptors %d are in use", which);
        ck_assert(close_on_exec);
    }
}
END_TEST

START_TEST(no_descriptor_is_left_when_a_pipe_cannot_be_opened)
{
    struct rlimit limit, low;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int which = 0; which < 8; which++) {
        int copies[3];
        close_standard(which, copies);
        size_t before = harness_open_descriptors();
        int refused = 0, error = -1;
        for (rlim_t most = 1; error != 0; most++) {
            low = limit;
            low.rlim_cur = most;
            setrlimit(RLIMIT_NOFILE, &low);
            struct pp_pipe ends;
            error = pp_pipe_open(&ends);
            bool closed = ends.from == -1 && ends.to == -1;
            pp_pipe_close(&ends);
            setrlimit(RLIMIT_NOFILE, &limit);
            refused += error != 0;
            if ((error != 0 && !closed) || harness_open_descriptors() != before) {
                error = 1;
                break;
            }
        }
        reopen_standard(copies);
        ck_assert_int_eq(error, 0);
        ck_assert_int_gt(refused, 2);
    }
}
END_TEST

/* ---- Reading and writing ---- */

START_TEST(errors_are_negative_and_the_end_is_zero)
{
    struct pp_pipe ends;
    char bytes[1 << 17] = {0};
    ck_assert_int_eq(pp_pipe_open(&ends), 0);
    ck_assert_int_eq(pp_fd_set_nonblocking(ends.from), 0);
    ck_assert_int_eq(pp_fd_set_nonblocking(ends.to), 0);
    ck_assert_int_eq(pp_fd_read(ends.from, bytes, 1), -EAGAIN);
    ssize_t filled = pp_fd_write(ends.to, bytes, sizeof bytes);
    ck_assert_int_gt(filled, 0);
    ck_assert_int_lt(filled, (int)sizeof bytes);
    ck_assert_int_eq(pp_fd_write(ends.to, bytes, sizeof bytes), -EAGAIN);
    pp_fd_close(&ends.to);
    ck_assert_int_eq(pp_fd_read(ends.from, bytes, sizeof bytes), filled);
    ck_assert_int_eq(pp_fd_read(ends.from, bytes, 1), 0);
    pp_fd_close(&ends.from);
    ck_assert_int_eq(pp_fd_read(-1, bytes, 1), -EBADF);
    ck_assert_int_eq(pp_fd_write(-1, bytes, 1), -EBADF);
    ck_assert_int_eq(pp_fd_write_all(-1, bytes, 1), -EBADF);
    ck_assert_int_eq(pp_fd_write_all(-1, bytes, 0), 0);
    ck_assert_int_eq(pp_fd_set_nonblocking(-1), -EBADF);
}
END_TEST

enum { LARGE = 3000001 };

static unsigned char *large_bytes(void)
{
    struct random random = {1};
    unsigned char *bytes = malloc(LARGE);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < LARGE; i++) {
        bytes[i] = (unsigned char)random_next(&random);
    }
    return bytes;
}

static int write_large(void *context)
{
    unsigned char *bytes = large_bytes();
    int error = pp_fd_write_all(*(int *)context, bytes, LARGE);
    free(bytes);
    return error == 0 ? 0 : 1;
}

static void ignore(int signal_number)
{
    (void)signal_number;
}

/* A signal cuts a write that has moved a part of its bytes already, so the writer is sent many. */
START_TEST(all_is_written_however_the_reader_takes_it)
{
    const struct sigaction action = {.sa_handler = ignore};
    sigaction(SIGUSR1, &action, NULL);
    struct pp_pipe ends;
    unsigned char *expected = large_bytes(), *bytes = malloc(LARGE);
    struct random random = {2};
    ck_assert_int_eq(pp_pipe_open(&ends), 0);
    pid_t pid = process_start(write_large, &ends.to);
    pp_fd_close(&ends.to);
    size_t size = 0;
    ssize_t count = 1;
    while (size < LARGE && count > 0) {
        size_t want = random_below(&random, 20000) + 1;
        count = pp_fd_read(ends.from, bytes + size, want < LARGE - size ? want : LARGE - size);
        size += count > 0 ? (size_t)count : 0;
        kill(pid, SIGUSR1);
    }
    ck_assert_uint_eq(size, LARGE);
    ck_assert_int_eq(memcmp(bytes, expected, LARGE), 0);
    process_expect_exit(pid, 0);
    pp_fd_close(&ends.from);
    free(bytes);
    free(expected);
}
END_TEST

/* Interrupts whatever blocks with SIGALRM, and at the third time ends what it waits for. */
static struct pp_pipe interrupted;
static volatile sig_atomic_t interruptions, frees_room;

static void interrupt(int signal_number)
{
    (void)signal_number;
    static char bytes[1 << 16];
    int error = errno;
    if (++interruptions == 3) {
        ssize_t count =
            frees_room ? read(interrupted.from, bytes, sizeof bytes) : write(interrupted.to, "!", 1);
        (void)count;
    }
    errno = error;
}

static void set_alarm(int microseconds)
{
    const struct itimerval timer = {.it_interval.tv_usec = microseconds, .it_value.tv_usec = microseconds};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

enum { BLOCK = 4096 };

/* Writes blocks until there is no room, the bytes of each one more than of the one before. How many there are
 * then. */
static size_t fill(int to, size_t count)
{
    unsigned char block[BLOCK];
    memset(block, (int)(count % 256), sizeof block);
    while (pp_fd_write(to, block, sizeof block) == BLOCK) {
        count++;
        memset(block, (int)(count % 256), sizeof block);
    }
    return count;
}

START_TEST(a_widened_pipe_keeps_what_is_in_it_and_is_not_narrowed)
{
    struct pp_pipe ends;
    ck_assert_int_eq(pp_pipe_open(&ends), 0);
    ck_assert_int_eq(pp_fd_set_nonblocking(ends.to), 0);
    size_t narrow = fill(ends.to, 0);
    pp_pipe_widen(ends.from, (size_t)1 << 20); /* either end will do */
    size_t wide = fill(ends.to, narrow);
    pp_pipe_widen(ends.to, 1);
    pp_pipe_widen(STDIN_FILENO, 1); /* is no pipe, or is one that is no less wide already */
#ifdef __linux__
    ck_assert_uint_gt(wide, narrow); /* by how much depends on what else the user's pipes hold */
#else
    ck_assert_uint_eq(wide, narrow);
#endif
    for (size_t i = 0; i < wide; i++) {
        unsigned char block[BLOCK];
        ck_assert_int_eq(pp_fd_read(ends.from, block, sizeof block), BLOCK);
        ck_assert_uint_eq(block[0], i % 256);
        ck_assert_uint_eq(block[BLOCK - 1], i % 256);
    }
    pp_pipe_close(&ends);
}
END_TEST

START_TEST(a_signal_does_not_disturb_a_read_or_write)
{
    const struct sigaction action = {.sa_handler = interrupt}; /* no SA_RESTART */
    static char bytes[1 << 16];
    char byte;
    sigaction(SIGALRM, &action, NULL);
    ck_assert_int_eq(pp_pipe_open(&interrupted), 0);
    set_alarm(2000);
    ck_assert_int_eq(pp_fd_read(interrupted.from, &byte, 1), 1);
    set_alarm(0);
    ck_assert_int_ge(interruptions, 3);

    ck_assert_int_eq(pp_fd_set_nonblocking(interrupted.to), 0);
    while (pp_fd_write(interrupted.to, bytes, sizeof bytes) > 0) {
    }
    ck_assert_int_eq(fcntl(interrupted.to, F_SETFL, 0), 0);
    frees_room = 1;
    interruptions = 0;
    set_alarm(2000);
    ck_assert_int_eq(pp_fd_write_all(interrupted.to, bytes, 1), 0);
    set_alarm(0);
    ck_assert_int_ge(interruptions, 3);
    pp_pipe_close(&interrupted);
}
END_TEST

START_TEST(the_clock_does_not_go_back)
{
    unsigned long long before = pp_clock_ns();
    for (int i = 0; i < 10000; i++) {
        unsigned long long now = pp_clock_ns();
        ck_assert(now >= before);
        before = now;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipe_io");
    TCase *tcase = harness_case(suite, "pipe_io", 10);
    tcase_add_test(tcase, pipe_ends_are_blocking_and_close_on_exec);
    tcase_add_test(tcase, pipe_ends_are_never_standard_descriptors);
    tcase_add_test(tcase, no_descriptor_is_left_when_a_pipe_cannot_be_opened);
    tcase_add_test(tcase, errors_are_negative_and_the_end_is_zero);
    tcase_add_test(tcase, all_is_written_however_the_reader_takes_it);
    tcase_add_test(tcase, a_widened_pipe_keeps_what_is_in_it_and_is_not_narrowed);
    tcase_add_test(tcase, a_signal_does_not_disturb_a_read_or_write);
    tcase_add_test(tcase, the_clock_does_not_go_back);
    return harness_run(suite);
}
