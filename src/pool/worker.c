/* A worker's round: read what has come (at most a pipe's worth), claim and run frame after frame, gather the
 * replies, and write them when
 *   - there is nothing more to read, so that the worker would have to wait while somebody waits for it,
 *   - they fill a good part of a pipe, or
 *   - a task has ended and the task of the oldest of them began more than REPLY_AGE_NS ago.
 * So a stream of tiny tasks costs a system call per thousands, and a single one is answered at once. The time
 * is read once a task: the end of one is the beginning of the next. */

#include "worker.h"

#include "frame.h"
#include "pipe_io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
    READ_SIZE = 64 * 1024,  /* what a pipe holds on Linux */
    WRITE_SIZE = 32 * 1024, /* half of it, so that the reader need not have emptied it */
    REPLY_AGE_NS = 50000
};

struct pp_reply {
    struct pp_buffer *out; /* the reply's frame is the last in it */
    size_t offset;         /* where the frame begins, from the front */
};

/* The worker's state between two frames. */
struct round {
    const struct pp_worker *worker;
    struct pp_buffer in;
    struct pp_buffer out;
    uint64_t now_ns;          /* read at the last boundary between tasks */
    uint64_t oldest_began_ns; /* when the task of the first reply in `out` began */
    uint32_t answered;        /* tasks so far */
    size_t batch;             /* frames that the last read brought */
};

/* ---- The reply, as tasks see it ---- */

static size_t reply_size(const pp_reply *reply)
{
    return pp_buffer_size(reply->out) - reply->offset - sizeof(struct pp_reply_header);
}

void *pp_reply_reserve(pp_reply *reply, size_t size)
{
    if (size > PP_FRAME_MAX_PAYLOAD - reply_size(reply) || !pp_reply_room(reply->out, size)) {
        return NULL;
    }
    return pp_buffer_room(reply->out);
}

void pp_reply_commit(pp_reply *reply, size_t size)
{
    assert(size <= pp_buffer_room_size(reply->out));
    reply->out->end += size;
}

int pp_reply_append(pp_reply *reply, const void *bytes, size_t size)
{
    if (size > PP_FRAME_MAX_PAYLOAD - reply_size(reply)) {
        return -EMSGSIZE;
    }
    if (!pp_reply_room(reply->out, size)) {
        return -ENOMEM;
    }
    if (size > 0) {
        memcpy(pp_buffer_room(reply->out), bytes, size);
        reply->out->end += size;
    }
    return 0;
}

/* ---- The worker ---- */

static enum pp_worker_status flush(struct round *round)
{
    size_t size = pp_buffer_size(&round->out);
    if (size == 0) {
        return PP_WORKER_DONE;
    }
    if (pp_fd_write_all(round->worker->replies_to, pp_buffer_front(&round->out), size) != 0) {
        return PP_WORKER_PIPE_FAILED;
    }
    pp_buffer_consume(&round->out, size);
    return PP_WORKER_DONE;
}

static bool flush_is_due(const struct round *round)
{
    size_t size = pp_buffer_size(&round->out);
    return size >= WRITE_SIZE || (size > 0 && round->now_ns - round->oldest_began_ns >= REPLY_AGE_NS);
}

/* Ends the frame begun at `offset`. */
static enum pp_worker_status finish_reply(struct round *round, size_t offset, enum pp_reply_kind kind,
                                          int code, uint64_t nanoseconds)
{
    struct pp_reply_header header = {.ordinal = round->answered, .code = code, .nanoseconds = nanoseconds};
    if (kind != PP_REPLY_HELLO) {
        round->answered++;
    }
    pp_reply_finish(&round->out, offset, kind, &header);
    if (offset == 0) {
        round->oldest_began_ns = round->now_ns - nanoseconds;
    }
    if (!flush_is_due(round)) {
        return PP_WORKER_DONE;
    }
    enum pp_worker_status status = flush(round);
    round->now_ns = pp_clock_ns(); /* the write may have waited long for the parent to read */
    return status;
}

static enum pp_worker_status say(struct round *round, enum pp_reply_kind kind, int code)
{
    size_t offset;
    if (!pp_reply_begin(&round->out, &offset)) {
        return PP_WORKER_NO_MEMORY;
    }
    return finish_reply(round, offset, kind, code, 0);
}

/* Runs a request that has been claimed. */
static enum pp_worker_status run(struct round *round, const struct pp_request *request)
{
    pp_reply reply = {.out = &round->out};
    if (!pp_reply_begin(&round->out, &reply.offset)) {
        return PP_WORKER_NO_MEMORY;
    }
    uint64_t start_ns = round->now_ns;
    pp_worker_task *task = (pp_worker_task *)(uintptr_t)request->task; // NOLINT(performance-no-int-to-ptr)
    int code = task(pp_frame_payload(&round->in), request->size, &reply);
    round->now_ns = pp_clock_ns();
    if (!pp_claim_check(round->worker->claim, request->epoch, request->seq)) {
        return PP_WORKER_BAD_CLAIM;
    }
    return finish_reply(round, reply.offset, PP_REPLY_RETURNED, code, round->now_ns - start_ns);
}

/* Claims and runs every whole frame that has been read. */
static enum pp_worker_status run_all(struct round *round)
{
    struct pp_request request;
    enum pp_frame_state state;
    round->batch = 0;
    while ((state = pp_request_look(&round->in, &request)) == PP_FRAME_WHOLE) {
        round->batch++;
        if (pp_claim_take(round->worker->claim, request.epoch, request.seq, round->now_ns)) {
            enum pp_worker_status status = run(round, &request);
            if (status != PP_WORKER_DONE) {
                return status;
            }
        }
        pp_buffer_consume(&round->in, pp_frame_size(request.size));
    }
    return state == PP_FRAME_BAD ? PP_WORKER_BAD_REQUEST : PP_WORKER_DONE;
}

/* There is no memory for the rest of a frame: answers for it if its header came, and reads on behind it. */
static enum pp_worker_status skip_frame(struct round *round)
{
    struct pp_request request;
    if (pp_request_look(&round->in, &request) != PP_FRAME_HEADER) {
        return PP_WORKER_NO_MEMORY;
    }
    enum pp_worker_status status = flush(round); /* the rest may take long to come */
    if (status != PP_WORKER_DONE) {
        return status;
    }
    size_t rest = pp_frame_size(request.size) - pp_buffer_size(&round->in);
    pp_buffer_consume(&round->in, pp_buffer_size(&round->in));
    while (rest > 0) {
        unsigned char dropped[4096];
        ssize_t count =
            pp_fd_read(round->worker->requests_from, dropped, rest < sizeof dropped ? rest : sizeof dropped);
        if (count <= 0) {
            return PP_WORKER_PIPE_FAILED;
        }
        rest -= (size_t)count;
    }
    round->now_ns = pp_clock_ns();
    if (!pp_claim_take(round->worker->claim, request.epoch, request.seq, round->now_ns)) {
        return PP_WORKER_DONE;
    }
    return say(round, PP_REPLY_NO_MEMORY, -ENOMEM);
}

static bool is_readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

/* Whether a read would have to wait. A single frame was most likely all that there was, and whoever sent it
 * waits for the answer; so that is not worth a system call to ask. */
static bool would_wait(const struct round *round)
{
    return round->batch == 1 || !is_readable(round->worker->requests_from);
}

/* Reads once, after telling what is known if that would have to wait. *more: not at the end of the stream. */
static enum pp_worker_status read_more(struct round *round, bool *more)
{
    int from = round->worker->requests_from;
    *more = true;
    if (pp_buffer_size(&round->out) > 0 && (flush_is_due(round) || would_wait(round))) {
        enum pp_worker_status status = flush(round);
        if (status != PP_WORKER_DONE) {
            return status;
        }
    }
    /* A frame larger than the queue makes it grow as the bytes come, not as its header claims. */
    if (!pp_buffer_reserve(&round->in, READ_SIZE)) {
        return skip_frame(round);
    }
    ssize_t count = pp_fd_read(from, pp_buffer_room(&round->in), pp_buffer_room_size(&round->in));
    if (count < 0) {
        return PP_WORKER_PIPE_FAILED;
    }
    round->in.end += (size_t)count;
    round->now_ns = pp_clock_ns();
    *more = count > 0;
    return PP_WORKER_DONE;
}

static enum pp_worker_status run_until_eof(struct round *round)
{
    enum pp_worker_status status = PP_WORKER_DONE;
    bool more = true;
    while (status == PP_WORKER_DONE && more) {
        status = read_more(round, &more);
        if (status == PP_WORKER_DONE) {
            status = run_all(round);
        }
    }
    return status == PP_WORKER_DONE ? flush(round) : status;
}

bool pp_worker_memory_open(struct pp_worker_memory *memory)
{
    *memory = (struct pp_worker_memory){0};
    if (pp_buffer_reserve(&memory->in, READ_SIZE) && pp_buffer_reserve(&memory->out, WRITE_SIZE)) {
        return true;
    }
    pp_worker_memory_close(memory);
    return false;
}

void pp_worker_memory_close(struct pp_worker_memory *memory)
{
    pp_buffer_free(&memory->in);
    pp_buffer_free(&memory->out);
}

enum pp_worker_status pp_worker_run(struct pp_worker *worker)
{
    struct round round = {
        .worker = worker, .in = worker->memory.in, .out = worker->memory.out, .now_ns = pp_clock_ns()};
    int code = worker->initializer != NULL ? worker->initializer(worker->initializer_context) : 0;
    enum pp_worker_status status = say(&round, PP_REPLY_HELLO, code);
    if (status == PP_WORKER_DONE) {
        status = code != 0 ? flush(&round) : run_until_eof(&round);
        if (status == PP_WORKER_DONE && code != 0) {
            status = PP_WORKER_NOT_READY;
        }
    }
    worker->memory = (struct pp_worker_memory){.in = round.in, .out = round.out};
    return status;
}
