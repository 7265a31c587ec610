#include "support/harness.h"

#include "pipe_io.h"
#include "support/pool_driver.h"
#include "support/process.h"
#include "support/random.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Tasks ---- */

static int echo(const void *arg, size_t size, pp_reply *reply)
{
    return pp_reply_append(reply, arg, size);
}

static int return_number(const void *arg, size_t size, pp_reply *reply)
{
    int number;
    (void)reply;
    memcpy(&number, arg, size);
    return number;
}

/* A task at a gate has begun when a byte comes from `begun`, and ends when one is written to `open`. */
static struct pp_pipe begun, gate;

static void open_gate_pipes(void)
{
    ck_assert_int_eq(pp_pipe_open(&begun), 0);
    ck_assert_int_eq(pp_pipe_open(&gate), 0);
}

static void close_gate_pipes(void)
{
    pp_pipe_close(&begun);
    pp_pipe_close(&gate);
}

static int wait_at_gate(const void *arg, size_t size, pp_reply *reply)
{
    char byte = '!';
    (void)arg, (void)size, (void)reply;
    return process_write(begun.to, &byte, 1) && process_read(gate.from, &byte, 1) ? 0 : -1;
}

static void await_begin(void)
{
    char byte;
    ck_assert(process_read(begun.from, &byte, 1));
}

static void open_gate(void)
{
    ck_assert(process_write(gate.to, "!", 1));
}

/* ---- Work ---- */

START_TEST(each_worker_answers_in_the_order_sent)
{
    enum { WORKERS = 3, TASKS = 3000 };
    struct pp_pool *pool = driver_open(WORKERS);
    for (int i = 0; i < TASKS; i++) {
        uint64_t ordinal = UINT64_MAX;
        ck_assert_int_eq(pp_pool_send(pool, (size_t)i % WORKERS, return_number, &i, sizeof i, &ordinal), 0);
        ck_assert_uint_eq(ordinal, (uint64_t)i / WORKERS);
    }
    for (size_t slot = 0; slot < WORKERS; slot++) {
        pp_pool_flush(pool, slot);
    }
    for (size_t slot = 0; slot < WORKERS; slot++) {
        driver_expect_hello(pool, slot, 0);
        for (int i = (int)slot; i < TASKS; i += WORKERS) {
            driver_expect(pool, slot, i, "", 0);
        }
        uint64_t claimed;
        ck_assert_int_eq(pp_pool_claimed(pool, slot, &claimed), 0);
        ck_assert_uint_eq(claimed, TASKS / WORKERS);
    }
    pp_pool_close(pool);
}
END_TEST

START_TEST(large_arguments_and_results_pass_in_both_directions_at_once)
{
    static const size_t sizes[] = {3000000, 0, 65536, 1, 1500000, 65512, 0, 17, 100000};
    enum { LARGE = 3000000, FRAMES = sizeof sizes / sizeof sizes[0] };
    struct random random = {3};
    unsigned char *bytes = malloc(LARGE);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < LARGE; i++) {
        bytes[i] = (unsigned char)random_next(&random);
    }
    struct pp_pool *pool = driver_open(2);
    for (size_t i = 0; i < FRAMES; i++) {
        driver_send(pool, 0, echo, bytes, sizes[i]);
        driver_send(pool, 1, echo, bytes, sizes[FRAMES - 1 - i]);
    }
    for (size_t slot = 0; slot < 2; slot++) {
        driver_expect_hello(pool, slot, 0);
    }
    for (size_t i = 0; i < FRAMES; i++) {
        driver_expect(pool, 0, 0, bytes, sizes[i]);
        driver_expect(pool, 1, 0, bytes, sizes[FRAMES - 1 - i]);
    }
    pp_pool_close(pool);
    free(bytes);
}
END_TEST

START_TEST(no_memory_is_kept_when_all_is_answered)
{
    static char bytes[200000];
    struct pp_pool *pool = driver_open(4);
    for (size_t slot = 0; slot < 4; slot++) {
        driver_expect_hello(pool, slot, 0);
        driver_send(pool, slot, echo, bytes, sizeof bytes);
    }
    /* Each has a part of a frame before any has a whole one. */
    for (size_t slot = 0; slot < 4; slot++) {
        struct pp_reply_view reply;
        while (pp_buffer_size(&pool->slots[slot].in) == 0) {
            ck_assert_int_gt(poll(&pool->pollfds[2 * slot], 2, -1), 0);
            pp_pool_flush(pool, slot);
            ck_assert(pp_pool_receive(pool, slot) != 0);
        }
        ck_assert_int_eq(pp_pool_next_reply(pool, slot, &reply), 0);
    }
    for (size_t slot = 0; slot < 4; slot++) {
        driver_expect(pool, slot, 0, bytes, sizeof bytes);
        struct pp_reply_view reply;
        ck_assert_int_eq(pp_pool_next_reply(pool, slot, &reply), 0);
        ck_assert_ptr_null(pool->slots[slot].in.memory);
        ck_assert_ptr_null(pool->slots[slot].out.memory);
    }
    ck_assert_ptr_nonnull(pool->spares_in.first);
    ck_assert_ptr_nonnull(pool->spares_out.first);
    pp_pool_close(pool);
}
END_TEST

static int fail_to_start(void *context)
{
    return *(int *)context;
}

START_TEST(an_initializer_that_fails_is_told)
{
    int code = 42;
    struct pp_pool *pool;
    ck_assert_int_eq(pp_pool_open(&pool, 1, fail_to_start, &code), 0);
    ck_assert_int_eq(pp_pool_spawn(pool, 0), 0);
    driver_send(pool, 0, echo, "never", 5);
    driver_expect_hello(pool, 0, 42);
    struct pp_exit how = driver_expect_end(pool, 0);
    ck_assert_int_eq(how.exit_status, PP_WORKER_NOT_READY);
    pp_pool_close(pool);
}
END_TEST

/* ---- Taking back ---- */

START_TEST(what_a_busy_worker_has_not_begun_can_be_taken_back)
{
    open_gate_pipes();
    struct pp_pool *pool = driver_open(1);
    uint64_t claimed;
    driver_expect_hello(pool, 0, 0);
    driver_send(pool, 0, echo, "first", 5);
    driver_expect(pool, 0, 0, "first", 5);
    driver_send(pool, 0, wait_at_gate, NULL, 0);
    for (int i = 0; i < 10; i++) {
        driver_send(pool, 0, echo, "taken back", 10);
    }
    await_begin();
    ck_assert_int_eq(pp_pool_claimed(pool, 0, &claimed), 0);
    ck_assert_uint_eq(claimed, 2);
    ck_assert_int_eq(pp_pool_take_back(pool, 0, &claimed), 0);
    ck_assert_uint_eq(claimed, 2);
    ck_assert_int_eq(pp_pool_take_back(pool, 0, &claimed), 0); /* again, in vain */
    ck_assert_uint_eq(claimed, 2);
    ck_assert_uint_eq(driver_send(pool, 0, echo, "new", 3), 2);
    ck_assert_uint_eq(driver_send(pool, 0, echo, "newer", 5), 3);
    open_gate();
    driver_expect(pool, 0, 0, "", 0);
    driver_expect(pool, 0, 0, "new", 3);
    driver_expect(pool, 0, 0, "newer", 5);
    ck_assert_int_eq(pp_pool_claimed(pool, 0, &claimed), 0);
    ck_assert_uint_eq(claimed, 4);
    pp_pool_retire(pool, 0);
    ck_assert_int_eq(driver_expect_end(pool, 0).exit_status, PP_WORKER_DONE);
    pp_pool_close(pool);
    close_gate_pipes();
}
END_TEST

/* The pipe is full of a frame that was cut, or ends exactly with one. The worker must find what is sent
 * afterwards. */
START_TEST(a_frame_that_is_half_written_when_it_is_taken_back_is_finished)
{
    static const size_t sizes[] = {1000000, 65536, 65512, 65488, 65464, 40000, 16, 0};
    static char bytes[1000000];
    open_gate_pipes();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pp_pool *pool = driver_open(1);
        uint64_t claimed;
        driver_expect_hello(pool, 0, 0);
        driver_send(pool, 0, wait_at_gate, NULL, 0);
        await_begin();
        for (int frames = 0; frames < 3; frames++) {
            driver_send(pool, 0, echo, bytes, sizes[i]);
        }
        ck_assert_int_eq(pp_pool_take_back(pool, 0, &claimed), 0);
        ck_assert_uint_eq(claimed, 1);
        ck_assert_uint_le(pp_buffer_size(&pool->slots[0].out), pp_frame_size(sizes[i]));
        driver_send(pool, 0, echo, "new", 3);
        driver_send(pool, 0, echo, bytes, sizes[i]);
        open_gate();
        driver_expect(pool, 0, 0, "", 0);
        driver_expect(pool, 0, 0, "new", 3);
        driver_expect(pool, 0, 0, bytes, sizes[i]);
        pp_pool_close(pool);
    }
    close_gate_pipes();
}
END_TEST

START_TEST(a_worker_can_leave_while_a_frame_that_was_taken_back_is_half_written)
{
    static char bytes[1000000];
    uint64_t claimed;
    open_gate_pipes();
    struct pp_pool *pool = driver_open(1);
    driver_expect_hello(pool, 0, 0);
    driver_send(pool, 0, wait_at_gate, NULL, 0);
    await_begin();
    driver_send(pool, 0, echo, bytes, sizeof bytes);
    ck_assert_int_eq(pp_pool_take_back(pool, 0, &claimed), 0);
    pp_pool_retire(pool, 0);
    ck_assert_int_eq(pool->slots[0].state, PP_SLOT_LEAVING);
    open_gate();
    driver_expect(pool, 0, 0, "", 0);
    ck_assert_int_eq(driver_expect_end(pool, 0).exit_status, PP_WORKER_DONE);
    pp_pool_close(pool);
    close_gate_pipes();
}
END_TEST

START_TEST(a_full_epoch_asks_for_taking_back_and_ordinals_go_on)
{
    struct pp_pool *pool = driver_open(1);
    pool->epoch_limit = 3;
    driver_expect_hello(pool, 0, 0);
    for (uint64_t ordinal = 0; ordinal < 30;) {
        uint64_t sent = ordinal, claimed, place = 0;
        while (pp_pool_send(pool, 0, echo, &sent, sizeof sent, &place) == 0) {
            ck_assert_uint_eq(place, sent);
            sent++;
        }
        ck_assert_int_eq(pp_pool_send(pool, 0, echo, NULL, 0, &place), -EOVERFLOW);
        ck_assert_uint_eq(sent, ordinal + 3);
        pp_pool_flush(pool, 0);
        driver_expect(pool, 0, 0, &ordinal, sizeof ordinal);
        ck_assert_int_eq(pp_pool_take_back(pool, 0, &claimed), 0);
        ck_assert(claimed > ordinal && claimed <= sent);
        for (uint64_t i = ordinal + 1; i < claimed; i++) {
            driver_expect(pool, 0, 0, &i, sizeof i);
        }
        ordinal = claimed;
    }
    pp_pool_close(pool);
}
END_TEST

START_TEST(when_a_task_began_is_told)
{
    open_gate_pipes();
    struct pp_pool *pool = driver_open(1);
    unsigned long long before = pp_clock_ns();
    driver_send(pool, 0, wait_at_gate, NULL, 0);
    await_begin();
    ck_assert_uint_ge(pp_pool_started_ns(pool, 0), before);
    ck_assert_uint_le(pp_pool_started_ns(pool, 0), pp_clock_ns());
    pp_pool_close(pool);
    close_gate_pipes();
}
END_TEST

/* ---- Death ---- */

enum death { BY_SIGNAL, BY_EXIT, BY_EXIT_NOW };

struct way {
    enum death death;
    int value;
};

static int die(const void *arg, size_t size, pp_reply *reply)
{
    struct way way;
    const struct sigaction to_default = {.sa_handler = SIG_DFL};
    memcpy(&way, arg, size);
    if (pp_reply_append(reply, "half a reply", 12) != 0) {
        return -1;
    }
    switch (way.death) {
    case BY_SIGNAL:
        sigaction(way.value, &to_default, NULL);
        raise(way.value);
        return -1;
    case BY_EXIT:
        exit(way.value);
    case BY_EXIT_NOW:
        _exit(way.value);
    }
    return -1;
}

START_TEST(how_a_worker_died_is_told_exactly_and_whose_fault_it_was)
{
    static const struct way ways[] = {{BY_SIGNAL, SIGSEGV}, {BY_SIGNAL, SIGABRT}, {BY_SIGNAL, SIGKILL},
                                      {BY_SIGNAL, SIGFPE},  {BY_SIGNAL, SIGTERM}, {BY_SIGNAL, SIGPIPE},
                                      {BY_EXIT_NOW, 0},     {BY_EXIT_NOW, 3},     {BY_EXIT_NOW, 255},
                                      {BY_EXIT, 0},         {BY_EXIT, 3}};
    struct pp_pool *pool = driver_open(2);
    driver_expect_hello(pool, 1, 0);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct pp_reply_view reply;
        uint64_t answered = 0, claimed;
        pid_t pid = pool->slots[0].pid;
        for (int before = 0; before < 4; before++) {
            driver_send(pool, 0, echo, "before", 6);
        }
        driver_send(pool, 0, die, &ways[i], sizeof ways[i]);
        driver_send(pool, 0, echo, "after", 5);
        while (driver_next(pool, 0, &reply) == 1) {
            answered += reply.kind == PP_REPLY_RETURNED;
        }
        ck_assert_int_eq(pool->slots[0].state, PP_SLOT_ENDED);
        ck_assert_uint_le(answered, 4);
        ck_assert_int_eq(pp_pool_claimed(pool, 0, &claimed), 0);
        ck_assert_uint_eq(claimed, 5); /* the guilty one is the last of these */
        ck_assert_int_eq(pp_pool_take_back(pool, 0, &claimed), 0);
        ck_assert_uint_eq(claimed, 5);
        struct pp_exit how = driver_reap(pool, 0);
        ck_assert_int_eq(how.pid, pid);
        ck_assert_int_eq(how.signal, ways[i].death == BY_SIGNAL ? ways[i].value : 0);
        ck_assert_int_eq(how.exit_status, ways[i].death == BY_SIGNAL ? -1 : ways[i].value);
        /* The slot takes another worker, and the sibling noticed nothing. */
        ck_assert_int_eq(pp_pool_spawn(pool, 0), 0);
        driver_send(pool, 1, echo, "sibling", 7);
        driver_expect(pool, 1, 0, "sibling", 7);
    }
    pp_pool_close(pool);
}
END_TEST

START_TEST(a_killed_workers_replies_that_are_in_the_pipe_still_come)
{
    open_gate_pipes();
    struct pp_pool *pool = driver_open(1);
    driver_expect_hello(pool, 0, 0);
    driver_send(pool, 0, echo, "one", 3);
    ck_assert_int_gt(poll(&pool->pollfds[0], 1, -1), 0); /* it is in the pipe */
    driver_send(pool, 0, wait_at_gate, NULL, 0);
    await_begin();
    pp_pool_kill(pool, 0);
    process_await_end(pool->slots[0].pid);
    pp_pool_kill(pool, 0); /* harmless */
    driver_expect(pool, 0, 0, "one", 3);
    struct pp_exit how = driver_expect_end(pool, 0);
    ck_assert_int_eq(how.signal, SIGKILL);
    pp_pool_close(pool);
    close_gate_pipes();
}
END_TEST

START_TEST(sending_to_a_dead_worker_is_no_error_and_raises_no_signal)
{
    static char bytes[100000];
    struct pp_pool *pool = driver_open(1);
    uint64_t claimed;
    driver_expect_hello(pool, 0, 0);
    pp_pool_kill(pool, 0);
    process_await_end(pool->slots[0].pid);
    for (int i = 0; i < 3; i++) {
        driver_send(pool, 0, echo, bytes, sizeof bytes); /* more than the pipe holds */
    }
    ck_assert_int_eq(pp_pool_claimed(pool, 0, &claimed), 0);
    ck_assert_uint_eq(claimed, 0);
    ck_assert_int_eq(driver_expect_end(pool, 0).signal, SIGKILL);
    pp_pool_close(pool);
}
END_TEST

START_TEST(a_live_worker_that_is_reaped_is_killed)
{
    struct pp_pool *pool = driver_open(1);
    struct pp_exit how;
    pid_t pid = pool->slots[0].pid;
    driver_expect_hello(pool, 0, 0);
    ck_assert(!pp_pool_has_exited(pool, 0));
    pp_pool_reap(pool, 0, &how);
    ck_assert_int_eq(how.pid, pid);
    ck_assert_int_eq(how.signal, SIGKILL);
    ck_assert_int_eq(how.exit_status, -1);
    ck_assert_int_eq(pool->slots[0].state, PP_SLOT_EMPTY);
    pp_pool_close(pool);
}
END_TEST

/* Its status is told as it chose it, however soon after EOF it is reaped. */
START_TEST(a_worker_that_is_about_to_exit_keeps_its_status)
{
    const struct way way = {BY_EXIT_NOW, 3};
    struct pp_pool *pool = driver_open(1);
    for (int i = 0; i < 300; i++) {
        struct pp_reply_view reply;
        struct pp_exit how;
        driver_send(pool, 0, die, &way, sizeof way);
        while (driver_next(pool, 0, &reply) == 1) {
        }
        pp_pool_reap(pool, 0, &how);
        ck_assert_int_eq(how.signal, 0);
        ck_assert_int_eq(how.exit_status, 3);
        ck_assert_int_eq(pp_pool_spawn(pool, 0), 0);
    }
    pp_pool_close(pool);
}
END_TEST

START_TEST(a_closed_request_pipe_ends_one_worker_though_it_has_younger_siblings)
{
    enum { WORKERS = 4 };
    struct pp_pool *pool = driver_open(WORKERS);
    for (size_t slot = 0; slot < WORKERS; slot++) {
        driver_expect_hello(pool, slot, 0);
    }
    for (size_t slot = 0; slot < WORKERS; slot++) {
        pp_pool_retire(pool, slot);
        ck_assert_int_eq(driver_expect_end(pool, slot).exit_status, PP_WORKER_DONE);
        for (size_t other = slot + 1; other < WORKERS; other++) {
            driver_send(pool, other, echo, "here", 4);
            driver_expect(pool, other, 0, "here", 4);
        }
    }
    pp_pool_close(pool);
}
END_TEST

START_TEST(closing_kills_workers_in_any_state)
{
    static char bytes[1000000];
    open_gate_pipes();
    struct pp_pool *pool = driver_open(5);
    driver_send(pool, 1, wait_at_gate, NULL, 0);
    driver_send(pool, 1, echo, bytes, sizeof bytes);
    driver_send(pool, 2, echo, bytes, sizeof bytes);
    driver_send(pool, 2, echo, bytes, sizeof bytes);
    await_begin();
    pp_pool_retire(pool, 3);
    pp_pool_kill(pool, 4);
    struct pp_reply_view reply;
    while (driver_next(pool, 4, &reply) == 1) {
    }
    pp_pool_close(pool);
    pp_pool_close(NULL);
    ck_assert_int_eq(pp_pool_open(&pool, 3, NULL, NULL), 0);
    ck_assert_int_eq(pp_pool_spawn(pool, 1), 0); /* and not the others */
    pp_pool_close(pool);
    close_gate_pipes();
}
END_TEST

START_TEST(with_sigchld_ignored_a_death_is_noticed_and_its_cause_unknown)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN}, to_default = {.sa_handler = SIG_DFL};
    struct pp_exit how;
    struct pp_reply_view reply;
    const struct way way = {BY_EXIT_NOW, 3};
    sigaction(SIGCHLD, &ignore, NULL);
    struct pp_pool *pool = driver_open(2);
    pid_t pid = pool->slots[0].pid;
    driver_send(pool, 0, die, &way, sizeof way);
    while (driver_next(pool, 0, &reply) == 1) {
    }
    ck_assert_int_eq(pool->slots[0].state, PP_SLOT_ENDED);
    ck_assert_int_eq(waitpid(pid, NULL, 0), -1); /* waits, and then there is nothing to wait for */
    ck_assert(pp_pool_has_exited(pool, 0));
    pp_pool_kill(pool, 0); /* nobody */
    pp_pool_reap(pool, 0, &how);
    ck_assert_int_eq(how.pid, pid);
    ck_assert_int_eq(how.signal, 0);
    ck_assert_int_eq(how.exit_status, -1);
    pp_pool_close(pool);
    sigaction(SIGCHLD, &to_default, NULL);
}
END_TEST

/* ---- Tasks gone wild ---- */

static struct pp_claim *pages[3]; /* of the slots of the pools of this test */

static int write_word(const void *arg, size_t size, pp_reply *reply)
{
    uint64_t word;
    (void)reply;
    memcpy(&word, arg, size);
    atomic_store(&pages[0]->word, word);
    return 0;
}

START_TEST(a_task_that_writes_over_its_claim_word_ends_its_worker_only)
{
    static const uint64_t words[] = {
        0, 1, 3, 5, UINT32_MAX, UINT64_MAX, 1ULL << 32, (1ULL << 32) + 1, 2ULL << 32, (uint64_t)-1 << 32};
    struct pp_pool *pool;
    ck_assert_int_eq(pp_pool_open(&pool, 2, NULL, NULL), 0);
    pages[0] = pp_shared_page(&pool->pages, 0);
    ck_assert_int_eq(pp_pool_spawn(pool, 1), 0);
    driver_expect_hello(pool, 1, 0);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        ck_assert_int_eq(pp_pool_spawn(pool, 0), 0);
        driver_expect_hello(pool, 0, 0);
        driver_send(pool, 0, echo, "before", 6);
        driver_expect(pool, 0, 0, "before", 6);
        driver_send(pool, 0, write_word, &words[i], sizeof words[i]); /* claimed: {0, 2} */
        for (int after = 0; after < 3; after++) {
            driver_send(pool, 0, echo, "after", 5);
        }
        struct pp_reply_view reply;
        uint64_t answered = 1, claimed;
        int result;
        while ((result = driver_next(pool, 0, &reply)) == 1) {
            answered++;
        }
        ck_assert_int_eq(pool->slots[0].state, PP_SLOT_ENDED);
        /* The worker sees it and puts the word right, or the parent sees it first and kills the worker; then
         * the worker may still have come as far as putting it right. */
        process_await_end(pool->slots[0].pid);
        int error = pp_pool_claimed(pool, 0, &claimed);
        ck_assert(error == 0 || (error == -EPROTO && result == -EPROTO));
        ck_assert_uint_eq(claimed, error == 0 ? 2 : answered);
        ck_assert_int_eq(pp_pool_take_back(pool, 0, &claimed), error);
        ck_assert_uint_eq(claimed, error == 0 ? 2 : answered);
        struct pp_exit how = driver_reap(pool, 0);
        ck_assert(how.exit_status == PP_WORKER_BAD_CLAIM || (result == -EPROTO && how.signal == SIGKILL));
        driver_send(pool, 1, echo, "sibling", 7);
        driver_expect(pool, 1, 0, "sibling", 7);
    }
    pp_pool_close(pool);
}
END_TEST

START_TEST(a_claim_word_that_cannot_be_true_is_noticed_when_it_is_asked_for)
{
    open_gate_pipes();
    struct pp_pool *pool = driver_open(1);
    struct pp_claim *claim = pp_shared_page(&pool->pages, 0);
    uint64_t claimed;
    driver_expect_hello(pool, 0, 0);
    driver_send(pool, 0, echo, "answered", 8);
    driver_expect(pool, 0, 0, "answered", 8);
    driver_send(pool, 0, wait_at_gate, NULL, 0);
    await_begin();
    atomic_store(&claim->word, _i == 0 ? 7 : _i == 1 ? 5ULL << 32 : 0);
    ck_assert_int_eq(pp_pool_claimed(pool, 0, &claimed), -EPROTO);
    ck_assert_uint_eq(claimed, 1);
    ck_assert_int_eq(pool->slots[0].state, PP_SLOT_OPEN);
    ck_assert_int_eq(pp_pool_take_back(pool, 0, &claimed), -EPROTO);
    ck_assert_uint_eq(claimed, 1);
    ck_assert_int_eq(pool->slots[0].state, PP_SLOT_ENDED);
    ck_assert_int_eq(driver_reap(pool, 0).signal, SIGKILL);
    pp_pool_close(pool);
    close_gate_pipes();
}
END_TEST

static int write_page(const void *arg, size_t size, pp_reply *reply)
{
    int page;
    const struct sigaction to_default = {.sa_handler = SIG_DFL};
    (void)reply;
    memcpy(&page, arg, size);
    sigaction(SIGSEGV, &to_default, NULL);
    atomic_store(&pages[page]->started_ns, 99);
    return 0;
}

START_TEST(a_task_that_writes_to_another_workers_page_dies_of_it)
{
    struct pp_pool *first, *second;
    ck_assert_int_eq(pp_pool_open(&first, 2, NULL, NULL), 0);
    ck_assert_int_eq(pp_pool_open(&second, 1, NULL, NULL), 0);
    pages[0] = pp_shared_page(&first->pages, 0);
    pages[1] = pp_shared_page(&first->pages, 1);
    pages[2] = pp_shared_page(&second->pages, 0);
    for (int slot = 0; slot < 3; slot++) {
        struct pp_pool *pool = slot < 2 ? first : second;
        size_t place = slot < 2 ? (size_t)slot : 0;
        for (int page = 0; page < 3; page++) {
            ck_assert_int_eq(pp_pool_spawn(pool, place), 0);
            driver_expect_hello(pool, place, 0);
            driver_send(pool, place, write_page, &page, sizeof page);
            if (page == slot) {
                driver_expect(pool, place, 0, "", 0);
                pp_pool_retire(pool, place);
                ck_assert_int_eq(driver_expect_end(pool, place).exit_status, 0);
            } else {
                ck_assert_int_eq(driver_expect_end(pool, place).signal, SIGSEGV);
            }
        }
    }
    pp_pool_close(first);
    pp_pool_close(second);
}
END_TEST

/* Writes its argument into every pipe that can be written, but for the standard descriptors. */
static int write_into_pipes(const void *arg, size_t size, pp_reply *reply)
{
    (void)reply;
    for (int fd = 3; fd < 200; fd++) {
        struct stat status;
        int flags = fcntl(fd, F_GETFL);
        if (flags != -1 && (flags & O_ACCMODE) == O_WRONLY && fstat(fd, &status) == 0 &&
            S_ISFIFO(status.st_mode)) {
            process_write(fd, arg, size);
        }
    }
    return 0;
}

static size_t make_reply(void *bytes, enum pp_reply_kind kind, uint32_t ordinal)
{
    struct pp_buffer buffer = {0};
    struct pp_reply_header header = {.ordinal = ordinal};
    size_t offset;
    ck_assert(pp_reply_begin(&buffer, &offset));
    pp_reply_finish(&buffer, offset, kind, &header);
    size_t size = pp_buffer_size(&buffer);
    memcpy(bytes, pp_buffer_front(&buffer), size);
    pp_buffer_free(&buffer);
    return size;
}

START_TEST(a_worker_whose_reply_pipe_holds_anything_else_is_disowned)
{
    unsigned char bytes[100] = {0};
    size_t size = sizeof bytes;
    uint32_t too_large = (uint32_t)PP_FRAME_MAX_PAYLOAD + 1;
    struct random random = {5};
    switch (_i) {
    case 0: /* zeros */
        break;
    case 1:
        memset(bytes, 0xff, size);
        break;
    case 2:
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (unsigned char)random_next(&random);
        }
        break;
    case 3: /* a second hello */
        size = make_reply(bytes, PP_REPLY_HELLO, 0);
        break;
    case 4: /* a reply out of its turn */
        size = make_reply(bytes, PP_REPLY_RETURNED, 1);
        break;
    case 5: /* a reply in its turn, and then the true one */
        size = make_reply(bytes, PP_REPLY_RETURNED, 0);
        break;
    case 6: /* a reply in its turn, and one for which nothing was sent */
        size = make_reply(bytes, PP_REPLY_RETURNED, 0);
        size += make_reply(bytes + size, PP_REPLY_RETURNED, 1);
        break;
    case 7:
        size = make_reply(bytes, PP_REPLY_RETURNED, 0);
        memcpy(bytes + offsetof(struct pp_reply_header, size), &too_large, sizeof too_large);
        break;
    case 8: /* less than a header: the true reply becomes its rest */
        size = 1;
        break;
    }
    struct pp_pool *pool = driver_open(1);
    driver_expect_hello(pool, 0, 0);
    driver_send(pool, 0, write_into_pipes, bytes, size);
    struct pp_reply_view reply;
    int result, answers = 0;
    while ((result = driver_next(pool, 0, &reply)) == 1) {
        answers++;
    }
    ck_assert_int_eq(result, -EPROTO);
    ck_assert_int_le(answers, 1);
    ck_assert_int_eq(pool->slots[0].state, PP_SLOT_ENDED);
    ck_assert_int_eq(pp_pool_next_reply(pool, 0, &reply), 0);
    driver_reap(pool, 0); /* it was killed, or had left when its pipe was closed */
    pp_pool_close(pool);
}
END_TEST

static int close_everything(const void *arg, size_t size, pp_reply *reply)
{
    int goes_on;
    (void)reply;
    memcpy(&goes_on, arg, size);
    for (int fd = 0; fd < 1000; fd++) {
        close(fd);
    }
    while (goes_on) {
        pause();
    }
    return 0;
}

START_TEST(a_task_that_closes_all_descriptors_ends_its_worker)
{
    struct pp_pool *pool = driver_open(1);
    driver_expect_hello(pool, 0, 0);
    driver_send(pool, 0, close_everything, &_i, sizeof _i);
    struct pp_exit how = driver_expect_end(pool, 0);
    ck_assert(how.signal == SIGKILL || (_i == 0 && how.exit_status == PP_WORKER_PIPE_FAILED));
    pp_pool_close(pool);
}
END_TEST

/* Leaves a child behind that holds all that the worker had. */
static int fork_and_exit(const void *arg, size_t size, pp_reply *reply)
{
    (void)arg, (void)size, (void)reply;
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    process_write(begun.to, &pid, sizeof pid);
    _exit(9);
}

START_TEST(a_worker_whose_child_holds_its_pipes_is_seen_to_have_exited)
{
    pid_t child;
    struct pp_exit how;
    open_gate_pipes();
    struct pp_pool *pool = driver_open(1);
    driver_expect_hello(pool, 0, 0);
    driver_send(pool, 0, fork_and_exit, NULL, 0);
    ck_assert(process_read(begun.from, &child, sizeof child));
    process_await_end(pool->slots[0].pid);
    ck_assert_int_eq(pp_pool_receive(pool, 0), -EAGAIN); /* no EOF */
    ck_assert(pp_pool_has_exited(pool, 0));
    pp_pool_reap(pool, 0, &how);
    ck_assert_int_eq(how.exit_status, 9);
    ck_assert_int_eq(pool->slots[0].state, PP_SLOT_EMPTY);
    kill(child, SIGKILL);
    pp_pool_close(pool);
    close_gate_pipes();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tcase = harness_case(suite, "pool", 20);
    tcase_add_test(tcase, each_worker_answers_in_the_order_sent);
    tcase_add_test(tcase, large_arguments_and_results_pass_in_both_directions_at_once);
    tcase_add_test(tcase, no_memory_is_kept_when_all_is_answered);
    tcase_add_test(tcase, an_initializer_that_fails_is_told);
    tcase_add_test(tcase, what_a_busy_worker_has_not_begun_can_be_taken_back);
    tcase_add_test(tcase, a_frame_that_is_half_written_when_it_is_taken_back_is_finished);
    tcase_add_test(tcase, a_worker_can_leave_while_a_frame_that_was_taken_back_is_half_written);
    tcase_add_test(tcase, a_full_epoch_asks_for_taking_back_and_ordinals_go_on);
    tcase_add_test(tcase, when_a_task_began_is_told);
    tcase_add_test(tcase, how_a_worker_died_is_told_exactly_and_whose_fault_it_was);
    tcase_add_test(tcase, a_killed_workers_replies_that_are_in_the_pipe_still_come);
    tcase_add_test(tcase, sending_to_a_dead_worker_is_no_error_and_raises_no_signal);
    tcase_add_test(tcase, a_live_worker_that_is_reaped_is_killed);
    tcase_add_test(tcase, a_worker_that_is_about_to_exit_keeps_its_status);
    tcase_add_test(tcase, a_closed_request_pipe_ends_one_worker_though_it_has_younger_siblings);
    tcase_add_test(tcase, closing_kills_workers_in_any_state);
    tcase_add_test(tcase, with_sigchld_ignored_a_death_is_noticed_and_its_cause_unknown);
    tcase_add_test(tcase, a_task_that_writes_over_its_claim_word_ends_its_worker_only);
    tcase_add_loop_test(tcase, a_claim_word_that_cannot_be_true_is_noticed_when_it_is_asked_for, 0, 3);
    tcase_add_test(tcase, a_task_that_writes_to_another_workers_page_dies_of_it);
    tcase_add_loop_test(tcase, a_worker_whose_reply_pipe_holds_anything_else_is_disowned, 0, 9);
    tcase_add_loop_test(tcase, a_task_that_closes_all_descriptors_ends_its_worker, 0, 2);
    tcase_add_test(tcase, a_worker_whose_child_holds_its_pipes_is_seen_to_have_exited);
    return harness_run(suite);
}
