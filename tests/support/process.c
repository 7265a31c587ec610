#include "support/process.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t process_start(int (*body)(void *), void *context)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(body(context));
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

int process_wait(pid_t pid)
{
    int status = 0;
    pid_t reaped;
    do {
        reaped = waitpid(pid, &status, 0);
    } while (reaped == -1 && errno == EINTR);
    ck_assert_int_eq(reaped, pid);
    return status;
}

void process_expect_exit(pid_t pid, int exit_status)
{
    int status = process_wait(pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == exit_status, "wait status %#x, not exit %d",
                  (unsigned)status, exit_status);
}

void process_expect_signal(pid_t pid, int signal_number)
{
    int status = process_wait(pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == signal_number, "wait status %#x, not signal %d",
                  (unsigned)status, signal_number);
}

void process_await_end(pid_t pid)
{
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == -1) {
        ck_assert_int_eq(errno, EINTR);
    }
}

bool process_read(int fd, void *bytes, size_t size)
{
    unsigned char *rest = bytes;
    while (size > 0) {
        ssize_t count = read(fd, rest, size);
        if (count == 0 || (count == -1 && errno != EINTR)) {
            return false;
        }
        if (count > 0) {
            rest += count;
            size -= (size_t)count;
        }
    }
    return true;
}

bool process_write(int fd, const void *bytes, size_t size)
{
    const unsigned char *rest = bytes;
    while (size > 0) {
        ssize_t count = write(fd, rest, size);
        if (count == -1 && errno != EINTR) {
            return false;
        }
        if (count > 0) {
            rest += count;
            size -= (size_t)count;
        }
    }
    return true;
}

bool process_is_instrumented(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
    return true;
#endif
#endif
    return process_is_under_valgrind();
}

bool process_is_under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD"); /* how it gets in */
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}
