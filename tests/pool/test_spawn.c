#include "support/harness.h"

#include "pipe_io.h"
#include "spawn.h"
#include "support/pool_driver.h"
#include "support/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int echo(const void *arg, size_t size, pp_reply *reply)
{
    return pp_reply_append(reply, arg, size);
}

/* ---- What a process has open ---- */

enum { MOST = 64, NAME = 64 };

struct descriptors {
    int count;
    char names[MOST][NAME]; /* what each refers to, such as pipe:[1234] */
};

/* Of process `pid`; of this one: "self". False where the system does not tell. */
static bool list_descriptors(const char *pid, struct descriptors *list)
{
    char path[300];
    memset(list, 0, sizeof *list);
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return false;
    }
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL && list->count < MOST) {
        snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, entry->d_name);
        bool is_our_own = strcmp(pid, "self") == 0 && atoi(entry->d_name) == dirfd(directory);
        if (entry->d_name[0] != '.' && !is_our_own &&
            readlink(path, list->names[list->count], NAME - 1) > 0) {
            list->count++;
        }
    }
    closedir(directory);
    return true;
}

static int count_of(const struct descriptors *list, const char *name)
{
    int count = 0;
    for (int i = 0; i < list->count; i++) {
        count += strcmp(list->names[i], name) == 0;
    }
    return count;
}

static void name_of(int fd, char name[NAME])
{
    char path[64];
    memset(name, 0, NAME);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ck_assert_int_gt(readlink(path, name, NAME - 1), 0);
}

/* A worker has what the program had before there were pools, and one end of each of its own three pipes. */
static void assert_only_its_own(const struct pp_pool *pool, size_t slot, const struct descriptors *before)
{
    const struct pp_slot *s = &pool->slots[slot];
    const int ends[] = {s->requests_to, s->replies_from, s->liveness_to};
    char pid[32];
    struct descriptors list;
    snprintf(pid, sizeof pid, "%ld", (long)s->pid);
    ck_assert(list_descriptors(pid, &list));
    for (int i = 0; i < 3; i++) {
        char name[NAME];
        name_of(ends[i], name);
        ck_assert_int_eq(count_of(&list, name), 1);
    }
    for (int i = 0; i < before->count; i++) {
        ck_assert_int_eq(count_of(&list, before->names[i]), count_of(before, before->names[i]));
    }
    ck_assert_int_eq(list.count, before->count + 3);
}

START_TEST(a_worker_holds_its_own_three_pipe_ends_and_nothing_of_others)
{
    enum { WORKERS = 4 };
    struct descriptors before;
    if (process_is_under_valgrind() || !list_descriptors("self", &before)) {
        return; /* this system does not tell */
    }
    struct pp_pool *pools[] = {driver_open(WORKERS), driver_open(WORKERS)};
    /* Some are replaced, so that old and new ones have each other's numbers. */
    for (int i = 0; i < 2; i++) {
        struct pp_exit how;
        pp_pool_reap(pools[i], 1, &how);
        ck_assert_int_eq(pp_pool_spawn(pools[i], 1), 0);
    }
    for (int i = 0; i < 2; i++) {
        for (size_t slot = 0; slot < WORKERS; slot++) {
            driver_expect_hello(pools[i], slot, 0); /* by then it has let go */
            assert_only_its_own(pools[i], slot, &before);
        }
    }
    pp_pool_close(pools[0]);
    pp_pool_close(pools[1]);
}
END_TEST

START_TEST(what_the_parent_holds_is_close_on_exec)
{
    struct pp_pool *pool = driver_open(2);
    for (size_t slot = 0; slot < 2; slot++) {
        const struct pp_slot *s = &pool->slots[slot];
        ck_assert_int_eq(fcntl(s->requests_to, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(fcntl(s->replies_from, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(fcntl(s->liveness_to, F_GETFD), FD_CLOEXEC);
    }
    pp_pool_close(pool);
}
END_TEST

START_TEST(two_pools_work_side_by_side_and_close_in_any_order)
{
    for (int order = 0; order < 2; order++) {
        struct pp_pool *pools[] = {driver_open(2), driver_open(2)};
        for (size_t slot = 0; slot < 2; slot++) {
            for (int i = 0; i < 2; i++) {
                driver_expect_hello(pools[i], slot, 0);
                driver_send(pools[i], slot, echo, &i, sizeof i);
                driver_expect(pools[i], slot, 0, &i, sizeof i);
            }
        }
        pp_pool_close(pools[order]);
        int last = 1 - order;
        ck_assert_int_eq(pools[last]->slots[0].state, PP_SLOT_OPEN);
        pp_pool_retire(pools[last], 0);
        ck_assert_int_eq(driver_expect_end(pools[last], 0).exit_status, 0);
        ck_assert_int_eq(pp_pool_spawn(pools[last], 0), 0);
        driver_expect_hello(pools[last], 0, 0);
        pp_pool_close(pools[last]);
    }
}
END_TEST

/* ---- Pools in tasks ---- */

static int list_own(const void *arg, size_t size, pp_reply *reply)
{
    struct descriptors list;
    (void)arg, (void)size;
    return list_descriptors("self", &list) ? pp_reply_append(reply, &list, sizeof list) : -1;
}

/* Runs list_own in a worker of a pool of its own and answers with what that says. */
static int list_nested(const void *arg, size_t size, pp_reply *reply)
{
    struct pp_reply_view view;
    (void)arg, (void)size;
    struct pp_pool *pool = driver_open(2);
    driver_expect_hello(pool, 1, 0);
    driver_send(pool, 1, list_own, NULL, 0);
    int code = driver_next(pool, 1, &view) == 1 ? view.code : -2;
    int error = pp_reply_append(reply, view.payload, view.size);
    pp_pool_close(pool);
    return code != 0 ? code : error;
}

START_TEST(the_workers_of_a_pool_in_a_task_hold_nothing_of_the_worker)
{
    struct descriptors before, nested;
    struct pp_reply_view reply;
    if (process_is_under_valgrind() || !list_descriptors("self", &before)) {
        return;
    }
    struct pp_pool *pool = driver_open(2);
    driver_expect_hello(pool, 1, 0);
    driver_send(pool, 1, list_nested, NULL, 0);
    ck_assert_int_eq(driver_next(pool, 1, &reply), 1);
    ck_assert_int_eq(reply.code, 0);
    ck_assert_uint_eq(reply.size, sizeof nested);
    memcpy(&nested, reply.payload, sizeof nested);
    const struct pp_slot *s = &pool->slots[1];
    const int ends[] = {s->requests_to, s->replies_from, s->liveness_to};
    for (int i = 0; i < 3; i++) {
        char name[NAME];
        name_of(ends[i], name);
        ck_assert_int_eq(count_of(&nested, name), 0);
    }
    ck_assert_int_eq(nested.count, before.count + 3);
    pp_pool_close(pool);
}
END_TEST

static struct pp_claim *outer_page;

static int write_outer_page(const void *arg, size_t size, pp_reply *reply)
{
    const struct sigaction to_default = {.sa_handler = SIG_DFL};
    (void)arg, (void)size, (void)reply;
    sigaction(SIGSEGV, &to_default, NULL);
    atomic_store(&outer_page->word, 99);
    return 0;
}

static int run_wild_in_nested(const void *arg, size_t size, pp_reply *reply)
{
    (void)arg, (void)size, (void)reply;
    struct pp_pool *pool = driver_open(1);
    driver_expect_hello(pool, 0, 0);
    driver_send(pool, 0, write_outer_page, NULL, 0);
    int signal_number = driver_expect_end(pool, 0).signal;
    pp_pool_close(pool);
    return signal_number;
}

START_TEST(the_workers_of_a_pool_in_a_task_cannot_write_to_the_workers_page)
{
    struct pp_pool *pool;
    ck_assert_int_eq(pp_pool_open(&pool, 1, NULL, NULL), 0);
    outer_page = pp_shared_page(&pool->pages, 0);
    ck_assert_int_eq(pp_pool_spawn(pool, 0), 0);
    driver_expect_hello(pool, 0, 0);
    driver_send(pool, 0, run_wild_in_nested, NULL, 0);
    driver_expect(pool, 0, SIGSEGV, "", 0);
    pp_pool_close(pool);
}
END_TEST

/* ---- Signals ---- */

static void handle(int signal_number)
{
    (void)signal_number;
    abort(); /* no handler of the program runs in a worker, nor is any signal sent to the parent here */
}

enum disposition { DEFAULT, IGNORED, CAUGHT };

static enum disposition disposition_of(int signal_number)
{
    struct sigaction action;
    if (sigaction(signal_number, NULL, &action) != 0 || action.sa_handler == SIG_DFL) {
        return DEFAULT;
    }
    return action.sa_handler == SIG_IGN ? IGNORED : CAUGHT;
}

static void set_disposition(int signal_number, enum disposition disposition)
{
    void (*const handlers[])(int) = {SIG_DFL, SIG_IGN, handle};
    const struct sigaction action = {.sa_handler = handlers[disposition]};
    sigaction(signal_number, &action, NULL);
}

struct signals {
    unsigned char disposition[65];
    unsigned char blocked[65];
};

static void list_signals(struct signals *signals)
{
    sigset_t mask;
    memset(signals, 0, sizeof *signals);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i <= 64 && i <= SIGRTMAX; i++) {
        signals->disposition[i] = (unsigned char)disposition_of(i);
        signals->blocked[i] = sigismember(&mask, i) == 1;
    }
}

static int report_signals(const void *arg, size_t size, pp_reply *reply)
{
    struct signals signals;
    (void)arg, (void)size;
    list_signals(&signals);
    return pp_reply_append(reply, &signals, sizeof signals);
}

START_TEST(a_worker_catches_and_blocks_no_signal_and_the_parent_is_as_before)
{
    struct signals before, after, worker;
    struct pp_reply_view reply;
    sigset_t mask;
    for (int i = 1; i <= 64 && i <= SIGRTMAX; i++) {
        set_disposition(i, (enum disposition)_i); /* of some it cannot be set */
    }
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigaddset(&mask, SIGIO);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGPIPE);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (_i == IGNORED) {
        set_disposition(SIGCHLD, DEFAULT); /* the fixture waits */
    }
    list_signals(&before);
    struct pp_pool *pool = driver_open(1);
    driver_expect_hello(pool, 0, 0);
    driver_send(pool, 0, report_signals, NULL, 0);
    ck_assert_int_eq(driver_next(pool, 0, &reply), 1);
    ck_assert_uint_eq(reply.size, sizeof worker);
    memcpy(&worker, reply.payload, sizeof worker);
    list_signals(&after);
    set_disposition(SIGCHLD, DEFAULT);
    pp_pool_close(pool);
    ck_assert_mem_eq(&before, &after, sizeof before);
    for (int i = 1; i <= 64; i++) {
        enum disposition expected = before.disposition[i] == CAUGHT ? DEFAULT : before.disposition[i];
        if (i == SIGINT) {
            expected = IGNORED;
        } else if (i == SIGIO || i == SIGCHLD) {
            expected = DEFAULT;
        }
        ck_assert_msg(worker.disposition[i] == expected, "signal %d: %d, not %d", i, worker.disposition[i],
                      (int)expected);
        ck_assert_msg(!worker.blocked[i], "signal %d is blocked", i);
    }
}
END_TEST

/* ---- What cannot be had ---- */

START_TEST(a_spawn_without_descriptors_to_spare_leaves_nothing)
{
    struct rlimit limit;
    struct pp_pool *pool;
    int refused = 0, error = -1;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(pp_pool_open(&pool, 2, NULL, NULL), 0);
    ck_assert_int_eq(pp_pool_spawn(pool, 0), 0);
    size_t before = harness_open_descriptors();
    for (rlim_t most = 3; error != 0; most++) {
        struct rlimit low = {.rlim_cur = most, .rlim_max = limit.rlim_max};
        setrlimit(RLIMIT_NOFILE, &low);
        error = pp_pool_spawn(pool, 1);
        setrlimit(RLIMIT_NOFILE, &limit);
        if (error != 0) {
            ck_assert_int_eq(error, -EMFILE);
            ck_assert_int_eq(pool->slots[1].state, PP_SLOT_EMPTY);
            ck_assert_int_eq(pool->slots[1].pid, 0);
            ck_assert_int_eq(pool->slots[1].requests_to, -1);
            ck_assert_uint_eq(harness_open_descriptors(), before);
            refused++;
        }
    }
    ck_assert_int_ge(refused, 6);
    for (size_t slot = 0; slot < 2; slot++) {
        driver_expect_hello(pool, slot, 0);
        driver_send(pool, slot, echo, "well", 4);
        driver_expect(pool, slot, 0, "well", 4);
    }
    pp_pool_close(pool);
}
END_TEST

START_TEST(a_fork_that_is_refused_leaves_nothing)
{
    struct rlimit limit, none;
    struct pp_pool *pool;
    sigset_t mask_before, mask_after;
    ck_assert_int_eq(pp_pool_open(&pool, 1, NULL, NULL), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &none), 0);
    /* The limit does not bind root. This process is nobody from now on, as is only this test. */
    if (getuid() == 0 && setuid(65534) != 0) {
        pp_pool_close(pool);
        return;
    }
    size_t before = harness_open_descriptors();
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pp_pool_spawn(pool, 0), -EAGAIN);
        ck_assert_int_eq(pool->slots[0].state, PP_SLOT_EMPTY);
        ck_assert_uint_eq(harness_open_descriptors(), before);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    ck_assert_int_eq(sigismember(&mask_after, SIGTERM), sigismember(&mask_before, SIGTERM));
    ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &limit), 0);
    ck_assert_int_eq(pp_pool_spawn(pool, 0), 0);
    driver_expect_hello(pool, 0, 0);
    pp_pool_close(pool);
}
END_TEST

static int print(const void *arg, size_t size, pp_reply *reply)
{
    (void)arg, (void)size;
    printf("this must not be seen as a frame\n");
    fflush(stdout);
    fprintf(stderr, "nor this\n");
    char byte;
    if (write(1, "nor this\n", 9) != -1 || read(0, &byte, 1) != -1) {
        return -1;
    }
    return pp_reply_append(reply, "printed", 7);
}

START_TEST(a_program_without_standard_descriptors_has_pools_too)
{
    int copies[3];
    for (int fd = 0; fd < 3; fd++) {
        copies[fd] = fcntl(fd, F_DUPFD, 20);
        close(fd);
    }
    struct pp_pool *pool = driver_open(2);
    for (size_t slot = 0; slot < 2; slot++) {
        driver_expect_hello(pool, slot, 0);
        driver_send(pool, slot, print, NULL, 0);
        driver_expect(pool, slot, 0, "printed", 7);
    }
    pp_pool_close(pool);
    for (int fd = 0; fd < 3; fd++) {
        if (copies[fd] != -1) {
            dup2(copies[fd], fd);
            close(copies[fd]);
        }
    }
}
END_TEST

/* ---- Threads ---- */

/* ck_assert is for the test's own thread, so this one tells by what it returns. */
static void *use_pools(void *context)
{
    static char failed;
    (void)context;
    for (int round = 0; round < 15; round++) {
        struct pp_pool *pool;
        struct pp_reply_view reply;
        if (pp_pool_open(&pool, 3, NULL, NULL) != 0) {
            return &failed;
        }
        for (size_t slot = 0; slot < 3; slot++) {
            if (pp_pool_spawn(pool, slot) != 0) {
                return &failed;
            }
        }
        for (size_t slot = 0; slot < 3; slot++) {
            /* EOF comes although other threads fork meanwhile: their children hold nothing of this pool. */
            pp_pool_retire(pool, slot);
            int hellos = 0;
            while (driver_next(pool, slot, &reply) == 1) {
                hellos += reply.kind == PP_REPLY_HELLO;
            }
            struct pp_exit how;
            pp_pool_reap(pool, slot, &how);
            /* Valgrind calls what the other threads' stacks point at leaked in the child, and may exit so. */
            if (hellos != 1 || (how.exit_status != 0 && !process_is_under_valgrind())) {
                return &failed;
            }
        }
        pp_pool_close(pool);
    }
    return NULL;
}

START_TEST(threads_use_pools_of_their_own_at_the_same_time)
{
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    if (process_is_instrumented() && !process_is_under_valgrind()) {
        return; /* libc keeps its allocator whole across fork, the sanitizers of old do not */
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_pools, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
}
END_TEST

/* ---- The parent's death ---- */

static struct pp_pipe report;

static int report_and_compute(const void *arg, size_t size, pp_reply *reply)
{
    (void)arg, (void)size, (void)reply;
    process_write(report.to, "!", 1);
    for (volatile unsigned long i = 0; i + 1 != 0; i++) {
    }
    return 0;
}

/* Two of its workers compute, one waits for the rest of a frame, and one is idle. */
static int be_parent(void *context)
{
    enum { PART = 100 };
    static char bytes[1000];
    struct pp_request request = {.task = 1, .size = sizeof bytes};
    struct pp_buffer buffer = {0};
    (void)context;
    pp_fd_close(&report.from);
    struct pp_pool *pool = driver_open(4);
    driver_send(pool, 0, report_and_compute, NULL, 0);
    driver_send(pool, 1, report_and_compute, NULL, 0);
    if (!pp_request_append(&buffer, &request, bytes) ||
        pp_fd_write(pool->slots[2].requests_to, pp_buffer_front(&buffer), PART) != PART) {
        return 1;
    }
    driver_expect_hello(pool, 2, 0);
    driver_expect_hello(pool, 3, 0);
    process_write(report.to, "!", 1);
    pp_fd_close(&report.to);
    return pause();
}

/* From the parent's SIGKILL until none of its workers is left: each holds the report pipe's write end. */
static unsigned long long time_of_death(void)
{
    char bytes[3];
    ck_assert_int_eq(pp_pipe_open(&report), 0);
    pid_t parent = process_start(be_parent, NULL);
    pp_fd_close(&report.to);
    ck_assert(process_read(report.from, bytes, sizeof bytes));
    unsigned long long start = pp_clock_ns();
    kill(parent, SIGKILL);
    ck_assert_int_eq(pp_fd_read(report.from, bytes, 1), 0);
    unsigned long long end = pp_clock_ns();
    process_expect_signal(parent, SIGKILL);
    pp_fd_close(&report.from);
    return end - start;
}

START_TEST(all_workers_are_gone_within_10_ms_of_their_parents_sigkill)
{
    unsigned long long best = (unsigned long long)-1;
    for (int tries = 0; tries < 50 && best >= 10000000; tries++) {
        unsigned long long time = time_of_death();
        best = time < best ? time : best;
    }
    ck_assert(best < 10000000 || process_is_instrumented());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spawn");
    TCase *tcase = harness_case(suite, "spawn", 20);
    tcase_add_test(tcase, a_worker_holds_its_own_three_pipe_ends_and_nothing_of_others);
    tcase_add_test(tcase, what_the_parent_holds_is_close_on_exec);
    tcase_add_test(tcase, two_pools_work_side_by_side_and_close_in_any_order);
    tcase_add_test(tcase, the_workers_of_a_pool_in_a_task_hold_nothing_of_the_worker);
    tcase_add_test(tcase, the_workers_of_a_pool_in_a_task_cannot_write_to_the_workers_page);
    tcase_add_loop_test(tcase, a_worker_catches_and_blocks_no_signal_and_the_parent_is_as_before, DEFAULT,
                        CAUGHT + 1);
    tcase_add_test(tcase, a_spawn_without_descriptors_to_spare_leaves_nothing);
    tcase_add_test(tcase, a_fork_that_is_refused_leaves_nothing);
    tcase_add_test(tcase, a_program_without_standard_descriptors_has_pools_too);
    tcase_add_test(tcase, threads_use_pools_of_their_own_at_the_same_time);
    tcase_add_test(tcase, all_workers_are_gone_within_10_ms_of_their_parents_sigkill);
    return harness_run(suite);
}
