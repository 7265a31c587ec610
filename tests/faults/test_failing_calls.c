/* Every call that the library makes of the system fails at its first use, its second, and so on until there
 * is none left to fail, with each error that it can have. What happens then is documented: some call says so,
 * or a task fails with a reason, or nobody notices. Nothing is left behind, and nothing hangs.
 *
 * The linker puts the functions named __wrap_… here in the place of the system's. They count only while a
 * play is on, in the parent or in its workers; the count of the workers is shared, so that one of them fails,
 * once.
 *
 * Not among them: calls that are documented not to fail. */

#include "executor/core.h"
#include "support/harness.h"
#include "support/tasks.h"

#include "liveness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum call {
    FORK,
    PIPE2,
    FCNTL,
    POLL,
    READ,
    WRITE,
    CLOSE,
    MMAP,
    MUNMAP,
    KILL,
    WAITPID,
    WAITID,
    TIMERFD_CREATE,
    TIMERFD_SETTIME,
    MEMORY,
    SHORT_READ,
    SHORT_WRITE
};

/* What fails. In shared memory. */
static struct fault {
    enum call call;
    bool in_worker;
    int error;
    unsigned nth;  /* from 1 */
    bool for_good; /* and all after it */
    _Atomic unsigned count;
} * fault;

static pid_t parent; /* 0: no play is on */

static bool is_up(enum call call)
{
    return parent != 0 && fault->call == call && fault->in_worker == (getpid() != parent);
}

static bool fails(enum call call)
{
    if (!is_up(call)) {
        return false;
    }
    unsigned use = atomic_fetch_add(&fault->count, 1) + 1;
    if (use != fault->nth && !(fault->for_good && use > fault->nth)) {
        return false;
    }
    errno = fault->error;
    return true;
}

/* Every read and write is short. */
static size_t shorten(enum call call, size_t size)
{
    if (!is_up(call) || size == 0) {
        return size;
    }
    size_t most = 1 + (atomic_fetch_add(&fault->count, 1) * 7) % fault->nth;
    return size < most ? size : most;
}

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp, readability-identifier-naming) */
pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    return fails(FORK) ? -1 : __real_fork();
}

int __real_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags)
{
    return fails(PIPE2) ? -1 : __real_pipe2(ends, flags);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return fails(FCNTL) ? -1 : __real_fcntl(fd, command, argument);
}

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    return fails(POLL) ? -1 : __real_poll(fds, count, timeout);
}

ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    return fails(READ) ? -1 : __real_read(fd, bytes, shorten(SHORT_READ, size));
}

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    return fails(WRITE) ? -1 : __real_write(fd, bytes, shorten(SHORT_WRITE, size));
}

/* A short one ends in the first of the parts. */
ssize_t __real_writev(int fd, const struct iovec *parts, int count);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count)
{
    if (fails(WRITE)) {
        return -1;
    }
    const size_t size = count > 0 ? shorten(SHORT_WRITE, parts[0].iov_len) : 0;
    if (count > 0 && size < parts[0].iov_len) {
        return __real_write(fd, parts[0].iov_base, size);
    }
    return __real_writev(fd, parts, count);
}

void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return fails(MMAP) ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}

int __real_kill(pid_t pid, int signal_number);
int __wrap_kill(pid_t pid, int signal_number);
int __wrap_kill(pid_t pid, int signal_number)
{
    return fails(KILL) ? -1 : __real_kill(pid, signal_number);
}

pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    if (!fails(WAITPID)) {
        return __real_waitpid(pid, status, options);
    }
    if (fault->error == ECHILD) { /* somebody else has waited for it */
        __real_kill(pid, SIGKILL);
        __real_waitpid(pid, NULL, 0);
    }
    errno = fault->error;
    return -1;
}

/* A close that fails has closed all the same. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    int result = __real_close(fd);
    return fails(CLOSE) ? -1 : result;
}

int __real_munmap(void *at, size_t size);
int __wrap_munmap(void *at, size_t size);
int __wrap_munmap(void *at, size_t size)
{
    return fails(MUNMAP) ? -1 : __real_munmap(at, size);
}

int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    return fails(WAITID) ? -1 : __real_waitid(type, id, info, options);
}

int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags)
{
    return fails(TIMERFD_CREATE) ? -1 : __real_timerfd_create(clock, flags);
}

struct itimerspec;
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *before);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *before);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *before)
{
    return fails(TIMERFD_SETTIME) ? -1 : __real_timerfd_settime(fd, flags, at, before);
}

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails(MEMORY) ? NULL : __real_aligned_alloc(alignment, size);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return fails(MEMORY) ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return fails(MEMORY) ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
    return fails(MEMORY) ? NULL : __real_realloc(memory, size);
}
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp, readability-identifier-naming) */

/* ---- The play ---- */

enum { TASKS = 14, MOST_REFUSALS = 5000 };

static unsigned char large[150000];

/* What came of it. Nothing is asserted while the play is on, for Check allocates and writes too. */
struct outcome {
    int opened;
    int refused; /* submits */
    int wrong;   /* results that are not what they should be */
    int failed;  /* tasks, besides those that are meant to */
    int odd;     /* failed in a way that is not documented */
    int closed;
    int hung;
    int map_items;
};

/* Waits however often the wait itself fails. */
static bool wait_for(pp_future *future)
{
    int waited = -1;
    for (int i = 0; i < MOST_REFUSALS && waited != 0 && waited != PP_E_TIMEOUT; i++) {
        waited = pp_future_wait(future, 20000);
    }
    return waited == 0;
}

static void judge(pp_future *future, int number, size_t size, struct outcome *outcome)
{
    const void *bytes;
    size_t got;
    if (!wait_for(future)) {
        outcome->hung++;
        return;
    }
    int error = pp_future_result(future, 0, &bytes, &got);
    if (error == 0) {
        outcome->wrong += number == 3 || got != size || memcmp(bytes, large, got) != 0;
        return;
    }
    const struct pp_failure *failure = pp_future_failure(future);
    outcome->odd +=
        failure == NULL || failure->error != error ||
        (error == PP_E_TASK ? failure->code != -ENOMEM
                            : error != PP_E_CRASH && error != -ENOMEM && error != PP_E_NO_WORKERS);
    outcome->failed += number != 3;
}

static int give(void *context, struct pp_source_item *item)
{
    int *left = context;
    if (*left == 0) {
        return PP_E_END;
    }
    --*left;
    *item = (struct pp_source_item){.arg = large, .arg_size = 5000};
    return 0;
}

static void play_map(pp_executor *executor, bool as_completed, struct outcome *outcome)
{
    int left = 10;
    pp_map *map;
    struct pp_map_item item;
    int opened = pp_map_open(&map, executor, task_echo, give, &left,
                             &(struct pp_map_options){.as_completed = as_completed});
    if (opened != 0) {
        outcome->map_items += 10;
        return;
    }
    int error = 0;
    for (int i = 0; i < MOST_REFUSALS && error != PP_E_END && error != PP_E_TIMEOUT; i++) {
        error = pp_map_next(map, &item, 20000);
        if (error == 0) {
            outcome->map_items++;
            outcome->failed += item.error != 0;
            outcome->wrong += item.error == 0 && item.result_size != 5000;
        }
    }
    pp_map_close(map);
}

/* A task that runs for ever is killed, however that is done. */
static void play_kill(pp_executor *executor, struct outcome *outcome)
{
    pp_future *future;
    if (pp_executor_submit(executor, task_spin, "", 0, &future) != 0) {
        outcome->refused++;
        return;
    }
    while (pp_future_state(future) == PP_PENDING) {
        pp_executor_step(executor, 1);
    }
    if (pp_future_state(future) == PP_RUNNING) {
        outcome->odd += pp_future_kill(future) != 0;
    } else {
        outcome->failed++;
    }
    pp_future_release(future);
}

static void play(struct outcome *outcome)
{
    pp_executor *executor;
    pp_future *futures[TASKS] = {NULL};
    size_t sizes[TASKS];
    *outcome = (struct outcome){0};
    outcome->opened = pp_executor_open(&executor, &(struct pp_options){.workers = 2});
    if (outcome->opened != 0) {
        return;
    }
    play_map(executor, true, outcome);
    for (int i = 0; i < TASKS; i++) {
        int death = DIE_EXIT_3;
        sizes[i] = i % 5 == 4 ? sizeof large : (size_t)i * 10;
        int error = i == 3 ? pp_executor_submit(executor, task_die, &death, sizeof death, &futures[i])
                           : pp_executor_submit(executor, task_echo, large, sizes[i], &futures[i]);
        if (error != 0) {
            futures[i] = NULL;
            outcome->refused++;
        }
    }
    for (int i = 0; i < TASKS; i++) {
        if (futures[i] != NULL) {
            judge(futures[i], i, sizes[i], outcome);
        }
    }
    play_kill(executor, outcome);
    play_map(executor, false, outcome);
    outcome->closed = pp_executor_close(executor, PP_CLOSE_DRAIN, 20000);
    for (int i = 0; i < TASKS; i++) {
        pp_future_release(futures[i]);
    }
}

static void perform(enum call call, bool in_worker, int error, unsigned nth, struct outcome *outcome)
{
    *fault = (struct fault){.call = call, .in_worker = in_worker, .error = error, .nth = nth};
    parent = getpid();
    play(outcome);
    parent = 0;
}

static const struct {
    enum call call;
    bool in_worker;
    int error;
    int most_failed; /* tasks */
} faults[] = {
    {FORK, false, EAGAIN, 0},
    {FORK, false, ENOMEM, 0},
    {PIPE2, false, EMFILE, 0},
    {PIPE2, false, ENFILE, 0},
    {FCNTL, false, EMFILE, 0},
    {POLL, false, EINTR, 0},
    {POLL, false, ENOMEM, 0},
    {READ, false, EINTR, 0},
    {READ, false, EAGAIN, 0},
    {READ, false, EIO, 1},
    {WRITE, false, EINTR, 0},
    {WRITE, false, EAGAIN, 0},
    {WRITE, false, EPIPE, 1},
    {WRITE, false, EIO, 1},
    {MMAP, false, ENOMEM, 0},
    {WAITPID, false, EINTR, 0},
    {WAITPID, false, ECHILD, 1},
    {MEMORY, false, ENOMEM, 2},
    {FCNTL, true, EINVAL, 0},
    {POLL, true, EINTR, 0},
    {READ, true, EINTR, 0},
    {READ, true, EIO, 1},
    {WRITE, true, EINTR, 0},
    {WRITE, true, EIO, 1},
    {WRITE, true, EPIPE, 1},
    {MEMORY, true, ENOMEM, 1},
    {CLOSE, false, EINTR, 0},
    {CLOSE, false, EIO, 0},
    {CLOSE, true, EINTR, 0},
    {MUNMAP, true, ENOMEM, 0},
    {KILL, false, EPERM, 0},
    {WAITID, false, EINTR, 0},
    {TIMERFD_CREATE, false, EMFILE, 0},
    {TIMERFD_SETTIME, false, EINVAL, 0},
};

START_TEST(a_call_that_fails_once_is_survived_or_told_and_leaves_nothing)
{
    enum { MOST = 400 };
    size_t descriptors = harness_open_descriptors();
    unsigned nth = 0;
    bool was_called = true;
    while (was_called && nth < MOST) {
        struct outcome outcome;
        nth++;
        perform(faults[_i].call, faults[_i].in_worker, faults[_i].error, nth, &outcome);
        was_called = fault->count >= nth;
        ck_assert(outcome.opened == 0 || outcome.opened == -faults[_i].error);
        ck_assert_int_eq(outcome.hung, 0);
        ck_assert_int_eq(outcome.wrong, 0);
        ck_assert_int_eq(outcome.odd, 0);
        ck_assert_int_le(outcome.failed + outcome.refused, faults[_i].most_failed);
        ck_assert(outcome.opened != 0 || outcome.map_items == 20);
        ck_assert(outcome.closed == 0 || outcome.closed == -faults[_i].error);
        ck_assert_uint_eq(harness_open_descriptors(), descriptors);
        int status;
        ck_assert_int_eq(waitpid(-1, &status, WNOHANG), -1);
    }
    ck_assert_uint_gt(nth, 1);
    ck_assert_uint_lt(nth, MOST);
}
END_TEST

/* As of a worker that has become somebody else's. */
START_TEST(a_worker_that_may_not_be_killed_ends_when_its_parent_lets_go_of_it)
{
    struct outcome outcome = {0};
    pp_executor *executor;
    ck_assert_int_eq(pp_executor_open(&executor, &(struct pp_options){.workers = 2}), 0);
    *fault = (struct fault){.call = KILL, .error = EPERM, .nth = 1, .for_good = true};
    parent = getpid();
    play_kill(executor, &outcome);
    pp_future_release(submit(executor, task_spin, "", 0));
    int closed = pp_executor_close(executor, PP_CLOSE_KILL, -1);
    parent = 0;
    ck_assert_int_eq(closed, 0);
    ck_assert_int_eq(outcome.odd + outcome.failed + outcome.refused, 0);
    ck_assert_uint_ge(fault->count, 2);
}
END_TEST

START_TEST(without_a_timer_the_timeouts_of_poll_do)
{
    static const enum call calls[] = {TIMERFD_CREATE, TIMERFD_SETTIME};
    pp_executor *executor;
    *fault = (struct fault){.call = calls[_i], .error = ENOSYS, .nth = 1, .for_good = true};
    parent = getpid();
    int opened = pp_executor_open(&executor, &(struct pp_options){.workers = 2, .task_timeout_ms = 20});
    pp_future *future = NULL;
    int submitted = opened != 0 ? opened : pp_executor_submit(executor, task_spin, "", 0, &future);
    int waited = submitted != 0 ? submitted : pp_future_wait(future, -1);
    parent = 0;
    ck_assert_int_eq(waited, 0);
    ck_assert_int_eq(pp_future_failure(future)->error, PP_E_TASK_TIMEOUT);
    ck_assert_uint_ge(fault->count, 1);
    pp_future_release(future);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
}
END_TEST

/* In a program with threads another one may have held the heap's lock at the fork. */
START_TEST(a_worker_allocates_nothing_for_small_tasks)
{
    enum { COUNT = 1000 };
    pp_executor *executor;
    pp_future *futures[COUNT];
    *fault = (struct fault){.call = MEMORY, .in_worker = true};
    parent = getpid();
    int opened = pp_executor_open(&executor, &(struct pp_options){.workers = 2});
    for (int i = 0; i < COUNT && opened == 0; i++) {
        opened = pp_executor_submit(executor, task_echo, large, 100, &futures[i]);
    }
    int waited = pp_wait(futures, COUNT, PP_UNTIL_ALL_DONE, -1, NULL);
    int closed = pp_executor_close(executor, PP_CLOSE_DRAIN, -1);
    parent = 0;
    ck_assert_int_eq(opened, 0);
    ck_assert_int_eq(waited, 0);
    ck_assert_int_eq(closed, 0);
    ck_assert_uint_eq(fault->count, 0);
    for (int i = 0; i < COUNT; i++) {
        pp_future_release(futures[i]);
    }
}
END_TEST

START_TEST(an_idle_executor_looks_for_nobody)
{
    pp_executor *executor;
    ck_assert_int_eq(pp_executor_open(&executor, &(struct pp_options){.workers = 2}), 0);
    pp_future *future = submit(executor, task_echo, "", 0);
    ck_assert_int_eq(pp_future_wait(future, -1), 0);
    pp_future_release(future);
    *fault = (struct fault){.call = WAITID};
    parent = getpid();
    executor->heartbeat_ns = 0; /* long ago */
    int stepped = pp_executor_step(executor, 0);
    stepped = stepped < 0 ? stepped : pp_executor_step(executor, -1);
    parent = 0;
    ck_assert_int_eq(stepped, 0);
    ck_assert_uint_eq(fault->count, 0);
    ck_assert_int_eq(pp_executor_next_deadline(executor), -1);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
}
END_TEST

/* Submits some at once and waits for all of them. */
static int play_round(pp_executor *executor, size_t size)
{
    enum { COUNT = 256 };
    pp_future *futures[COUNT] = {NULL};
    int error = 0;
    for (int i = 0; i < COUNT && error == 0; i++) {
        error = pp_executor_submit(executor, task_echo, large, size, &futures[i]);
    }
    if (error == 0) {
        error = pp_wait(futures, COUNT, PP_UNTIL_ALL_DONE, -1, NULL);
    }
    for (int i = 0; i < COUNT; i++) {
        pp_future_release(futures[i]);
    }
    return error;
}

/* What a wait allocates is its own; a queue may be the longest so far, or be held by a frame that is cut. */
START_TEST(the_parent_allocates_nothing_for_small_tasks_once_it_runs)
{
    enum { WORKERS = 8, ROUNDS = 30 };
    static const size_t sizes[] = {8, 200};
    pp_executor *executor;
    *fault = (struct fault){.call = MEMORY};
    int error = pp_executor_open(&executor, &(struct pp_options){.workers = WORKERS});
    for (int i = 0; i < ROUNDS && error == 0; i++) {
        error = play_round(executor, sizes[_i]);
    }
    for (int i = 0; i < ROUNDS && error == 0; i++) {
        parent = getpid();
        error = play_round(executor, sizes[_i]);
        parent = 0;
    }
    ck_assert_int_eq(error, 0);
    ck_assert_uint_le(fault->count, 2 * ROUNDS + 2 * WORKERS);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
}
END_TEST

START_TEST(short_reads_and_writes_everywhere_change_nothing)
{
    static const struct {
        enum call call;
        bool in_worker;
    } shorts[] = {{SHORT_READ, false}, {SHORT_READ, true}, {SHORT_WRITE, false}, {SHORT_WRITE, true}};
    static const unsigned mosts[] = {97, 1000, 40000}; /* a large argument in bytes takes its time */
    for (size_t i = 0; i < 3; i++) {
        struct outcome outcome;
        perform(shorts[_i].call, shorts[_i].in_worker, 0, mosts[i], &outcome);
        ck_assert_int_eq(outcome.opened, 0);
        ck_assert_int_eq(outcome.hung + outcome.wrong + outcome.odd + outcome.failed + outcome.refused, 0);
        ck_assert_int_eq(outcome.map_items, 20);
        ck_assert_int_eq(outcome.closed, 0);
    }
}
END_TEST

static void open_fault(void)
{
    for (size_t i = 0; i < sizeof large; i++) {
        large[i] = (unsigned char)(i * 31 >> 3);
    }
    fault = (struct fault *)shared_counters(16);
}

static void close_fault(void)
{
    shared_counters_free((unsigned *)fault, 16);
}

int main(void)
{
    Suite *suite = suite_create("faults/failing calls");
    TCase *tcase = harness_case(suite, "each call fails once", 120);
    tcase_add_checked_fixture(tcase, open_fault, close_fault);
    tcase_add_loop_test(tcase, a_call_that_fails_once_is_survived_or_told_and_leaves_nothing, 0,
                        sizeof faults / sizeof faults[0]);
    if (pp_liveness_watch(-1) != -ENOTSUP) {
        tcase_add_test(tcase, a_worker_that_may_not_be_killed_ends_when_its_parent_lets_go_of_it);
    }
    tcase_add_loop_test(tcase, without_a_timer_the_timeouts_of_poll_do, 0, 2);
    tcase_add_test(tcase, a_worker_allocates_nothing_for_small_tasks);
    tcase_add_test(tcase, an_idle_executor_looks_for_nobody);
    tcase_add_loop_test(tcase, the_parent_allocates_nothing_for_small_tasks_once_it_runs, 0, 2);
    tcase_add_loop_test(tcase, short_reads_and_writes_everywhere_change_nothing, 0, 4);
    return harness_run(suite);
}
