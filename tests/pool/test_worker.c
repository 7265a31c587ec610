/* The worker on plain descriptors. Where its replies fit into a pipe it simply runs in the test's own
 * process: the requests are written, their pipe is closed, the worker runs until it sees that, and then its
 * replies are read. */

#include "support/harness.h"

#include "frame.h"
#include "pipe_io.h"
#include "support/process.h"
#include "support/random.h"
#include "worker.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct rig {
    struct pp_pipe requests;
    struct pp_pipe replies;
    struct pp_claim claim;
    struct pp_worker worker;
    struct pp_buffer out;
    struct pp_buffer in;
    uint32_t epoch, seq; /* of the next request */
    uint32_t ordinal;    /* of the next reply */
};

/* The one of this test, for tasks that do what they should not. */
static struct rig rig;

static void rig_open(void)
{
    ck_assert_int_eq(pp_pipe_open(&rig.requests), 0);
    ck_assert_int_eq(pp_pipe_open(&rig.replies), 0);
    rig.worker = (struct pp_worker){
        .requests_from = rig.requests.from, .replies_to = rig.replies.to, .claim = &rig.claim};
}

static void rig_close(void)
{
    pp_pipe_close(&rig.requests);
    pp_pipe_close(&rig.replies);
    pp_worker_memory_close(&rig.worker.memory);
    pp_buffer_free(&rig.out);
    pp_buffer_free(&rig.in);
}

static void add(pp_worker_task *task, const void *arg, size_t size)
{
    struct pp_request request = {
        .task = (uintptr_t)task, .size = (uint32_t)size, .epoch = rig.epoch, .seq = rig.seq++};
    ck_assert(pp_request_append(&rig.out, &request, arg));
}

static void write_requests(void)
{
    ck_assert_int_eq(pp_fd_write_all(rig.requests.to, pp_buffer_front(&rig.out), pp_buffer_size(&rig.out)),
                     0);
    pp_buffer_consume(&rig.out, pp_buffer_size(&rig.out));
}

/* Writes what was added, runs the worker to the end of it, and lets nobody write replies any more. */
static enum pp_worker_status run_to_end(void)
{
    if (pp_buffer_size(&rig.out) > 0) {
        write_requests();
    }
    pp_fd_close(&rig.requests.to);
    enum pp_worker_status status = pp_worker_run(&rig.worker);
    pp_fd_close(&rig.replies.to);
    return status;
}

/* The next reply; reads on as long as it takes. False: there is none, and nothing is left over. Its payload
 * is at the front of rig.in until drop_reply. */
static bool next_reply(enum pp_reply_kind *kind, struct pp_reply_header *header)
{
    enum pp_frame_state state;
    while ((state = pp_reply_look(&rig.in, header, kind)) != PP_FRAME_WHOLE) {
        ck_assert_int_ne(state, PP_FRAME_BAD);
        ck_assert(pp_buffer_reserve(&rig.in, 65536));
        ssize_t count = pp_fd_read(rig.replies.from, pp_buffer_room(&rig.in), pp_buffer_room_size(&rig.in));
        ck_assert_int_ge(count, 0);
        if (count == 0) {
            ck_assert_uint_eq(pp_buffer_size(&rig.in), 0);
            return false;
        }
        rig.in.end += (size_t)count;
    }
    return true;
}

static void drop_reply(void)
{
    struct pp_reply_header header;
    enum pp_reply_kind kind;
    ck_assert_int_eq(pp_reply_look(&rig.in, &header, &kind), PP_FRAME_WHOLE);
    pp_buffer_consume(&rig.in, pp_frame_size(header.size));
}

static void expect_hello(int code)
{
    struct pp_reply_header header;
    enum pp_reply_kind kind;
    ck_assert(next_reply(&kind, &header));
    ck_assert_int_eq(kind, PP_REPLY_HELLO);
    ck_assert_int_eq(header.code, code);
    ck_assert_uint_eq(header.size, 0);
    ck_assert_uint_eq(header.ordinal, 0);
    drop_reply();
}

static struct pp_reply_header expect_reply(int code, const void *bytes, size_t size)
{
    struct pp_reply_header header;
    enum pp_reply_kind kind;
    ck_assert(next_reply(&kind, &header));
    ck_assert_int_eq(kind, PP_REPLY_RETURNED);
    ck_assert_int_eq(header.code, code);
    ck_assert_uint_eq(header.ordinal, rig.ordinal++);
    ck_assert_uint_eq(header.size, size);
    ck_assert(size == 0 || memcmp(pp_frame_payload(&rig.in), bytes, size) == 0);
    drop_reply();
    return header;
}

static void expect_no_more(void)
{
    struct pp_reply_header header;
    enum pp_reply_kind kind;
    ck_assert(!next_reply(&kind, &header));
}

static void expect_claimed(uint32_t epoch, uint32_t count)
{
    uint32_t claimed;
    ck_assert(pp_claim_count(&rig.claim, epoch, UINT32_MAX, &claimed));
    ck_assert_uint_eq(claimed, count);
}

/* ---- Tasks ---- */

static int runs; /* in this process */

static int count_run(const void *arg, size_t size, pp_reply *reply)
{
    (void)arg, (void)size, (void)reply;
    return runs++;
}

static int echo(const void *arg, size_t size, pp_reply *reply)
{
    if ((uintptr_t)arg % _Alignof(max_align_t) != 0) {
        return -1;
    }
    return pp_reply_append(reply, arg, size);
}

static int return_arg(const void *arg, size_t size, pp_reply *reply)
{
    int code;
    memcpy(&code, arg, sizeof code);
    return size == sizeof code ? (pp_reply_append(reply, "why", 3), code) : 99;
}

/* Computes for so many nanoseconds. */
static int spin(const void *arg, size_t size, pp_reply *reply)
{
    unsigned long long nanoseconds, start = pp_clock_ns();
    (void)reply;
    memcpy(&nanoseconds, arg, size);
    while (pp_clock_ns() - start < nanoseconds) {
    }
    return 0;
}

/* Waits for a byte from a descriptor. */
static int wait_for_byte(const void *arg, size_t size, pp_reply *reply)
{
    int fd;
    char byte;
    (void)reply;
    memcpy(&fd, arg, size);
    return read(fd, &byte, 1) == 1 ? 0 : -1;
}

/* ---- Hello and the end ---- */

START_TEST(a_worker_without_work_says_hello_and_leaves)
{
    rig_open();
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    expect_hello(0);
    expect_no_more();
    expect_claimed(0, 0);
    rig_close();
}
END_TEST

static int initialize(void *context)
{
    runs += 100;
    return *(int *)context;
}

START_TEST(the_initializer_runs_once_and_before_any_task)
{
    int code = 0;
    rig_open();
    rig.worker.initializer = initialize;
    rig.worker.initializer_context = &code;
    add(count_run, NULL, 0);
    add(count_run, NULL, 0);
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    expect_hello(0);
    expect_reply(100, "", 0);
    expect_reply(101, "", 0);
    expect_no_more();
    rig_close();
}
END_TEST

START_TEST(an_initializer_that_fails_is_told_and_nothing_is_claimed)
{
    static const int codes[] = {1, -1, INT_MIN, INT_MAX};
    int code = codes[_i];
    rig_open();
    rig.worker.initializer = initialize;
    rig.worker.initializer_context = &code;
    add(count_run, NULL, 0);
    ck_assert_int_eq(run_to_end(), PP_WORKER_NOT_READY);
    expect_hello(code);
    expect_no_more();
    expect_claimed(0, 0);
    ck_assert_int_eq(runs, 100);
    rig_close();
}
END_TEST

/* ---- Answers ---- */

START_TEST(each_claimed_frame_is_answered_once_and_in_order)
{
    enum { TASKS = 500 };
    rig_open();
    for (int i = 0; i < TASKS; i++) {
        add(count_run, NULL, 0);
    }
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    expect_hello(0);
    for (int i = 0; i < TASKS; i++) {
        expect_reply(i, "", 0);
    }
    expect_no_more();
    expect_claimed(0, TASKS);
    rig_close();
}
END_TEST

START_TEST(arguments_of_any_size_arrive_aligned_and_come_back)
{
    unsigned char bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 7 + 1);
    }
    rig_open();
    for (size_t size = 0; size < sizeof bytes; size++) {
        add(echo, bytes, size);
    }
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    expect_hello(0);
    for (size_t size = 0; size < sizeof bytes; size++) {
        expect_reply(0, bytes, size);
    }
    expect_no_more();
    rig_close();
}
END_TEST

START_TEST(codes_and_texts_of_failed_tasks_arrive)
{
    static const int codes[] = {1, -1, INT_MAX, INT_MIN, 0};
    enum { CODES = sizeof codes / sizeof codes[0] };
    rig_open();
    for (size_t i = 0; i < CODES; i++) {
        add(return_arg, &codes[i], sizeof codes[i]);
    }
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    expect_hello(0);
    for (size_t i = 0; i < CODES; i++) {
        expect_reply(codes[i], "why", 3);
    }
    expect_no_more();
    rig_close();
}
END_TEST

START_TEST(how_long_a_task_ran_is_told)
{
    static const unsigned long long times[] = {3000000, 0, 1000000};
    rig_open();
    for (size_t i = 0; i < 3; i++) {
        add(spin, &times[i], sizeof times[i]);
    }
    unsigned long long start = pp_clock_ns(), sum = 0;
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    unsigned long long elapsed = pp_clock_ns() - start;
    expect_hello(0);
    for (size_t i = 0; i < 3; i++) {
        struct pp_reply_header header = expect_reply(0, "", 0);
        ck_assert_uint_ge(header.nanoseconds, times[i]);
        sum += header.nanoseconds;
    }
    ck_assert_uint_le(sum, elapsed);
    ck_assert_uint_ge(rig.claim.started_ns, start);
    ck_assert_uint_le(rig.claim.started_ns, start + elapsed);
    rig_close();
}
END_TEST

/* ---- Taking back ---- */

START_TEST(frames_of_another_epoch_are_dropped_unread)
{
    rig_open();
    for (int i = 0; i < 5; i++) {
        add(count_run, NULL, 0);
    }
    rig.claim.word = (uint64_t)1 << 32; /* all taken back before the worker looked */
    rig.epoch = 1;
    rig.seq = 0;
    for (int i = 0; i < 3; i++) {
        add(count_run, NULL, 0);
    }
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    expect_hello(0);
    for (int i = 0; i < 3; i++) {
        expect_reply(i, "", 0);
    }
    expect_no_more();
    ck_assert_int_eq(runs, 3);
    expect_claimed(1, 3);
    rig_close();
}
END_TEST

/* What the parent does meanwhile. */
static int take_back(const void *arg, size_t size, pp_reply *reply)
{
    uint32_t count = 0, expected;
    (void)reply;
    memcpy(&expected, arg, size);
    return pp_claim_take_back(&rig.claim, 0, 10, &count) && count == expected ? 7 : -1;
}

START_TEST(what_is_taken_back_during_a_task_is_not_run_and_the_task_is_answered)
{
    uint32_t expected = 3;
    rig_open();
    add(count_run, NULL, 0);
    add(count_run, NULL, 0);
    add(take_back, &expected, sizeof expected);
    for (int i = 0; i < 7; i++) {
        add(count_run, NULL, 0);
    }
    rig.epoch = 1;
    rig.seq = 0;
    add(echo, "new", 3);
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    expect_hello(0);
    expect_reply(0, "", 0);
    expect_reply(1, "", 0);
    expect_reply(7, "", 0);
    expect_reply(0, "new", 3);
    expect_no_more();
    ck_assert_int_eq(runs, 2);
    rig_close();
}
END_TEST

static int write_over_claim(const void *arg, size_t size, pp_reply *reply)
{
    uint64_t word;
    (void)reply;
    memcpy(&word, arg, size);
    rig.claim.word = word;
    return 0;
}

START_TEST(a_task_that_writes_over_the_claim_word_ends_its_worker)
{
    static const uint64_t words[] = {0, 1, 3, 4, UINT64_MAX, ((uint64_t)1 << 32) + 1, (uint64_t)-1 << 32};
    rig_open();
    add(count_run, NULL, 0);
    add(write_over_claim, &words[_i], sizeof words[_i]);
    for (int i = 0; i < 3; i++) {
        add(count_run, NULL, 0);
    }
    ck_assert_int_eq(run_to_end(), PP_WORKER_BAD_CLAIM);
    ck_assert_int_eq(runs, 1);
    expect_claimed(0, 2); /* so that the guilty one is told */
    rig_close();
}
END_TEST

/* ---- When replies are written ---- */

/* Replies travel over a socket that keeps what each write wrote apart. */
static void use_packets(void)
{
    int ends[2];
    pp_pipe_close(&rig.replies);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    rig.replies = (struct pp_pipe){.from = ends[0], .to = ends[1]};
    rig.worker.replies_to = rig.replies.to;
}

START_TEST(replies_of_a_stream_of_tiny_tasks_are_written_together)
{
    enum { TASKS = 1500 };
    static unsigned char packet[1 << 17];
    rig_open();
    use_packets();
    for (int i = 0; i < TASKS; i++) {
        add(count_run, NULL, 0);
    }
    unsigned long long start = pp_clock_ns();
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    unsigned long long elapsed = pp_clock_ns() - start;
    unsigned long long writes = 0;
    size_t bytes = 0;
    ssize_t size;
    while ((size = read(rig.replies.from, packet, sizeof packet)) > 0) {
        ck_assert_uint_le((size_t)size, 32768 + pp_frame_size(0));
        bytes += (size_t)size;
        writes++;
    }
    ck_assert_uint_eq(bytes, (TASKS + 1) * pp_frame_size(0));
    /* One at the end, one for every 32 KiB, and one for every 50 us that have passed, however slow the
     * machine. */
    ck_assert_uint_le(writes, 1 + bytes / 32768 + elapsed / 50000);
    rig_close();
}
END_TEST

static int run_worker(void *context)
{
    (void)context;
    pp_fd_close(&rig.requests.to);
    pp_fd_close(&rig.replies.from);
    return (int)pp_worker_run(&rig.worker);
}

/* The worker runs in a child, and only there are its ends open. */
static pid_t start_worker(void)
{
    pid_t pid = process_start(run_worker, NULL);
    pp_fd_close(&rig.requests.from);
    pp_fd_close(&rig.replies.to);
    return pid;
}

START_TEST(a_worker_answers_before_it_waits)
{
    rig_open();
    pid_t pid = start_worker();
    expect_hello(0); /* comes although nothing was sent */
    for (int i = 0; i < 100; i++) {
        add(count_run, NULL, 0);
        write_requests();
        expect_reply(i, "", 0);
    }
    pp_fd_close(&rig.requests.to);
    process_expect_exit(pid, PP_WORKER_DONE);
    expect_no_more();
    rig_close();
}
END_TEST

START_TEST(a_worker_answers_before_it_waits_for_the_rest_of_a_frame)
{
    rig_open();
    pid_t pid = start_worker();
    expect_hello(0);
    add(count_run, NULL, 0);
    add(echo, "abcdefgh", 8);
    size_t cut = pp_frame_size(0) + 9;
    ck_assert_int_eq(pp_fd_write_all(rig.requests.to, pp_buffer_front(&rig.out), cut), 0);
    expect_reply(0, "", 0);
    pp_buffer_consume(&rig.out, cut);
    write_requests();
    expect_reply(0, "abcdefgh", 8);
    pp_fd_close(&rig.requests.to);
    process_expect_exit(pid, PP_WORKER_DONE);
    rig_close();
}
END_TEST

START_TEST(an_old_reply_does_not_wait_for_the_next_long_task)
{
    struct pp_pipe gate;
    unsigned long long long_enough = 200000;
    rig_open();
    ck_assert_int_eq(pp_pipe_open(&gate), 0);
    pid_t pid = start_worker();
    expect_hello(0);
    add(spin, &long_enough, sizeof long_enough);
    add(wait_for_byte, &gate.from, sizeof gate.from);
    write_requests();       /* at once: the worker has both when it runs the first */
    expect_reply(0, "", 0); /* while the second waits */
    ck_assert_int_eq(pp_fd_write_all(gate.to, "!", 1), 0);
    expect_reply(0, "", 0);
    pp_fd_close(&rig.requests.to);
    process_expect_exit(pid, PP_WORKER_DONE);
    pp_pipe_close(&gate);
    rig_close();
}
END_TEST

/* ---- Large ones ---- */

enum { LARGE = 3000000 };

static int feed(void *context)
{
    (void)context;
    pp_fd_close(&rig.replies.from);
    write_requests();
    return 0;
}

START_TEST(arguments_and_results_larger_than_a_pipe_pass_in_both_directions)
{
    static const size_t sizes[] = {LARGE, 0, 65536, 1, LARGE / 2, 65536 - 24, 17};
    enum { FRAMES = sizeof sizes / sizeof sizes[0] };
    struct random random = {1};
    unsigned char *bytes = malloc(LARGE);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < LARGE; i++) {
        bytes[i] = (unsigned char)random_next(&random);
    }
    rig_open();
    for (size_t i = 0; i < FRAMES; i++) {
        add(echo, bytes, sizes[i]);
    }
    pid_t worker = process_start(run_worker, NULL);
    pid_t feeder = process_start(feed, NULL);
    pp_pipe_close(&rig.requests);
    pp_fd_close(&rig.replies.to);
    expect_hello(0);
    for (size_t i = 0; i < FRAMES; i++) {
        expect_reply(0, bytes, sizes[i]);
    }
    expect_no_more();
    process_expect_exit(feeder, 0);
    process_expect_exit(worker, PP_WORKER_DONE);
    free(bytes);
    rig_close();
}
END_TEST

static int run_worker_in_little_memory(void *context)
{
    const struct rlimit limit = {128 << 20, 128 << 20};
    return setrlimit(RLIMIT_AS, &limit) == 0 ? run_worker(context) : 1;
}

START_TEST(an_argument_that_does_not_fit_into_memory_is_answered_and_skipped)
{
    static const size_t size = 200 << 20;
    if (process_is_instrumented()) {
        return;
    }
    unsigned char *bytes = calloc(size, 1);
    ck_assert_ptr_nonnull(bytes);
    rig_open();
    add(echo, "before", 6);
    add(echo, bytes, size);
    add(echo, "after", 5);
    free(bytes);
    pid_t feeder = process_start(feed, NULL);
    pp_buffer_free(&rig.out); /* what the worker inherits counts */
    pid_t worker = process_start(run_worker_in_little_memory, NULL);
    pp_pipe_close(&rig.requests);
    pp_fd_close(&rig.replies.to);
    struct pp_reply_header header;
    enum pp_reply_kind kind;
    expect_hello(0);
    expect_reply(0, "before", 6);
    ck_assert(next_reply(&kind, &header));
    ck_assert_int_eq(kind, PP_REPLY_NO_MEMORY);
    ck_assert_uint_eq(header.ordinal, rig.ordinal++);
    drop_reply();
    expect_reply(0, "after", 5);
    expect_no_more();
    process_expect_exit(feeder, 0);
    process_expect_exit(worker, PP_WORKER_DONE);
    rig_close();
}
END_TEST

/* ---- What should not come ---- */

START_TEST(bytes_that_are_no_frame_end_the_worker)
{
    unsigned char bytes[64];
    rig_open();
    add(count_run, NULL, 0);
    memset(bytes, _i * 51, sizeof bytes);
    write_requests();
    ck_assert_int_eq(pp_fd_write_all(rig.requests.to, bytes, sizeof bytes), 0);
    ck_assert_int_eq(run_to_end(), PP_WORKER_BAD_REQUEST);
    ck_assert_int_eq(runs, 1);
    expect_claimed(0, 1);
    rig_close();
}
END_TEST

START_TEST(a_frame_cut_by_the_end_of_the_stream_is_not_run)
{
    rig_open();
    add(count_run, NULL, 0);
    add(count_run, "argument", 8);
    rig.out.end -= 1 + (size_t)_i;
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    expect_hello(0);
    expect_reply(0, "", 0);
    expect_no_more();
    expect_claimed(0, 1);
    rig_close();
}
END_TEST

START_TEST(replies_that_nobody_reads_end_the_worker)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    rig_open();
    pp_fd_close(&rig.replies.from);
    add(count_run, NULL, 0);
    ck_assert_int_eq(run_to_end(), PP_WORKER_PIPE_FAILED);
    rig_close();
}
END_TEST

static int close_requests(const void *arg, size_t size, pp_reply *reply)
{
    (void)arg, (void)size, (void)reply;
    pp_fd_close(&rig.requests.from);
    return 0;
}

START_TEST(a_task_that_closes_the_request_pipe_ends_the_worker)
{
    rig_open();
    add(close_requests, NULL, 0);
    ck_assert_int_eq(run_to_end(), PP_WORKER_PIPE_FAILED);
    rig_close();
}
END_TEST

/* ---- The reply, as a task fills it in ---- */

#define TASK_ASSERT(condition) \
    if (!(condition)) {        \
        return __LINE__;       \
    }

static int try_limits(const void *arg, size_t arg_size, pp_reply *reply)
{
    (void)arg, (void)arg_size;
    char bytes[100];
    memset(bytes, 'x', sizeof bytes);
    TASK_ASSERT(pp_reply_append(reply, bytes, PP_FRAME_MAX_PAYLOAD + 1) == -EMSGSIZE);
    TASK_ASSERT(pp_reply_append(reply, bytes, SIZE_MAX) == -EMSGSIZE);
    TASK_ASSERT(pp_reply_reserve(reply, PP_FRAME_MAX_PAYLOAD + 1) == NULL);
    TASK_ASSERT(pp_reply_reserve(reply, SIZE_MAX) == NULL);
    TASK_ASSERT(pp_reply_append(reply, bytes, sizeof bytes) == 0);
    TASK_ASSERT(pp_reply_append(reply, bytes, PP_FRAME_MAX_PAYLOAD - 99) == -EMSGSIZE);
    TASK_ASSERT(pp_reply_reserve(reply, PP_FRAME_MAX_PAYLOAD - 99) == NULL);
    TASK_ASSERT(pp_reply_append(reply, NULL, 0) == 0);
    return 0;
}

static int try_in_place(const void *arg, size_t arg_size, pp_reply *reply)
{
    (void)arg, (void)arg_size;
    for (size_t size = 0; size < 5000; size += 7) {
        char *room = pp_reply_reserve(reply, size);
        TASK_ASSERT(room != NULL);
        TASK_ASSERT(size > 0 || (uintptr_t)room % _Alignof(max_align_t) == 0);
        memset(room, 'r', size); /* less of it counts than there is */
        size_t counts = size < 3 ? 0 : 3;
        memcpy(room, "abc", counts);
        pp_reply_commit(reply, counts);
        TASK_ASSERT(pp_reply_append(reply, "-", 1) == 0);
    }
    TASK_ASSERT(pp_reply_reserve(reply, 100000) != NULL); /* and nothing committed */
    return 0;
}

START_TEST(a_reply_within_the_limits_is_kept_and_beyond_them_refused)
{
    char limits[100], in_place[4000];
    size_t size = 0;
    memset(limits, 'x', sizeof limits);
    for (size_t i = 0; i < 5000; i += 7) {
        size_t counts = i < 3 ? 0 : 3;
        memcpy(in_place + size, "abc", counts);
        in_place[size + counts] = '-';
        size += counts + 1;
    }
    rig_open();
    add(try_limits, NULL, 0);
    add(try_in_place, NULL, 0);
    add(try_limits, NULL, 0);
    ck_assert_int_eq(run_to_end(), PP_WORKER_DONE);
    expect_hello(0);
    expect_reply(0, limits, sizeof limits);
    expect_reply(0, in_place, size);
    expect_reply(0, limits, sizeof limits);
    expect_no_more();
    rig_close();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker");
    TCase *tcase = harness_case(suite, "worker", 20);
    tcase_add_test(tcase, a_worker_without_work_says_hello_and_leaves);
    tcase_add_test(tcase, the_initializer_runs_once_and_before_any_task);
    tcase_add_loop_test(tcase, an_initializer_that_fails_is_told_and_nothing_is_claimed, 0, 4);
    tcase_add_test(tcase, each_claimed_frame_is_answered_once_and_in_order);
    tcase_add_test(tcase, arguments_of_any_size_arrive_aligned_and_come_back);
    tcase_add_test(tcase, codes_and_texts_of_failed_tasks_arrive);
    tcase_add_test(tcase, how_long_a_task_ran_is_told);
    tcase_add_test(tcase, frames_of_another_epoch_are_dropped_unread);
    tcase_add_test(tcase, what_is_taken_back_during_a_task_is_not_run_and_the_task_is_answered);
    tcase_add_loop_test(tcase, a_task_that_writes_over_the_claim_word_ends_its_worker, 0, 7);
    tcase_add_test(tcase, replies_of_a_stream_of_tiny_tasks_are_written_together);
    tcase_add_test(tcase, a_worker_answers_before_it_waits);
    tcase_add_test(tcase, a_worker_answers_before_it_waits_for_the_rest_of_a_frame);
    tcase_add_test(tcase, an_old_reply_does_not_wait_for_the_next_long_task);
    tcase_add_test(tcase, arguments_and_results_larger_than_a_pipe_pass_in_both_directions);
    tcase_add_test(tcase, an_argument_that_does_not_fit_into_memory_is_answered_and_skipped);
    tcase_add_loop_test(tcase, bytes_that_are_no_frame_end_the_worker, 0, 6);
    tcase_add_loop_test(tcase, a_frame_cut_by_the_end_of_the_stream_is_not_run, 0, 32);
    tcase_add_test(tcase, replies_that_nobody_reads_end_the_worker);
    tcase_add_test(tcase, a_task_that_closes_the_request_pipe_ends_the_worker);
    tcase_add_test(tcase, a_reply_within_the_limits_is_kept_and_beyond_them_refused);
    return harness_run(suite);
}
