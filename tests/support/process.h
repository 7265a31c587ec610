#ifndef TESTS_PROCESS_H
#define TESTS_PROCESS_H

/* Child processes of tests. A ck_assert that fails in a forked child is seen by nobody, so a child tells what
 * it found by the status it exits with, and its parent asserts that. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Forks a child that runs body(context) and exits with what it returns, by _exit. */
pid_t process_start(int (*body)(void *), void *context);

/* Waits for a child. Its wait status. */
int process_wait(pid_t pid);

/* Asserts that the child exits with that status; that it dies of that signal. Both wait for it. */
void process_expect_exit(pid_t pid, int exit_status);
void process_expect_signal(pid_t pid, int signal_number);

/* Waits until the child has ended and leaves it to be reaped. */
void process_await_end(pid_t pid);

/* Reads exactly `size` bytes. False at the end of the stream. */
bool process_read(int fd, void *bytes, size_t size);

/* Writes exactly `size` bytes. */
bool process_write(int fd, const void *bytes, size_t size);

/* A sanitizer or valgrind is at work, so that limits on memory mean nothing. */
bool process_is_instrumented(void);

/* Valgrind has descriptors of its own, keeps pending signals to itself, and takes its time. */
bool process_is_under_valgrind(void);

#endif
