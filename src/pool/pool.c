#include "pool.h"

#include "pipe_io.h"
#include "pipe_size.h"
#include "spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* A pipe holds 64 KiB on Linux. One that is found full, because what goes through it is large, is widened:
 * the two sides wait less often for each other. All of a pool together take a quarter of what the pipes of
 * one user may hold there (64 MiB); what the system refuses stays as it was. */
enum {
    READ_SIZE = 64 * 1024,
    WORTH_A_WRITE = 32 * 1024, /* an argument of that size is not copied to be written with others */
    PIPE_BYTES = 64 * 1024,
    WIDE_BYTES = 512 * 1024,
    ALL_WIDE_BYTES = 16 * 1024 * 1024
};

static const struct pp_slot empty_slot = {
    .requests_to = -1, .requests_from = -1, .replies_from = -1, .liveness_to = -1};

static struct pp_claim *claim_of(const struct pp_pool *pool, size_t slot)
{
    return pp_shared_page(&pool->pages, slot);
}

/* What poll is to watch of a slot follows from its state. */
static void update_pollfds(struct pp_pool *pool, size_t slot)
{
    const struct pp_slot *s = &pool->slots[slot];
    bool waits_for_room = pp_buffer_size(&s->out) > 0;
    pool->pollfds[2 * slot] = (struct pollfd){.fd = s->replies_from, .events = POLLIN};
    pool->pollfds[2 * slot + 1] =
        (struct pollfd){.fd = waits_for_room ? s->requests_to : -1, .events = POLLOUT};
}

/* ---- Pipes that are found full ---- */

/* How wide each of the pipes of `count` workers may become; 0: no wider than it is. */
static size_t choose_pipe_bytes(size_t count)
{
    size_t bytes = WIDE_BYTES;
    while (bytes > PIPE_BYTES && bytes > ALL_WIDE_BYTES / 2 / count) {
        bytes /= 2;
    }
    return bytes > PIPE_BYTES ? bytes : 0;
}

static void widen(const struct pp_pool *pool, int fd, bool *widened)
{
    if (!*widened && pool->pipe_bytes > 0) {
        pp_pipe_widen(fd, pool->pipe_bytes);
    }
    *widened = true;
}

/* ---- Opening and closing ---- */

int pp_pool_open(struct pp_pool **pool, size_t count, int (*initializer)(void *), void *initializer_context)
{
    *pool = NULL;
    struct pp_pool *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return -ENOMEM;
    }
    int error = -ENOMEM;
    opened->slots = calloc(count, sizeof *opened->slots);
    opened->pollfds = calloc(2 * count + 2, sizeof *opened->pollfds);
    if (opened->slots == NULL || opened->pollfds == NULL || !pp_worker_memory_open(&opened->worker_memory)) {
        goto fail;
    }
    error = pp_shared_pages_open(&opened->pages, count);
    if (error != 0) {
        goto fail;
    }
    opened->count = count;
    opened->pipe_bytes = choose_pipe_bytes(count);
    opened->epoch_limit = UINT32_MAX;
    opened->initializer = initializer;
    opened->initializer_context = initializer_context;
    for (size_t i = 0; i < count; i++) {
        opened->slots[i] = empty_slot;
        update_pollfds(opened, i);
    }
    pp_timer_open(&opened->timer);
    pp_spawn_register(opened);
    *pool = opened;
    return 0;
fail:
    pp_worker_memory_close(&opened->worker_memory);
    free(opened->pollfds);
    free(opened->slots);
    free(opened);
    return error;
}

/* Everything of a process that has been reaped. */
static void clear_slot(struct pp_pool *pool, size_t slot)
{
    struct pp_slot *s = &pool->slots[slot];
    pp_spawn_fd_close(&s->requests_to);
    pp_spawn_fd_close(&s->requests_from);
    pp_spawn_fd_close(&s->replies_from);
    pp_spawn_fd_close(&s->liveness_to);
    pp_buffer_free(&s->out);
    pp_buffer_free(&s->in);
    *s = empty_slot;
    update_pollfds(pool, slot);
}

void pp_pool_close(struct pp_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (size_t i = 0; i < pool->used; i++) {
        pp_pool_kill(pool, i); /* all of them, so that they end side by side */
    }
    for (size_t i = 0; i < pool->used; i++) {
        if (pool->slots[i].state != PP_SLOT_EMPTY) {
            struct pp_exit how;
            pp_pool_reap(pool, i, &how);
        }
    }
    pp_spawn_unregister(pool);
    pp_timer_close(&pool->timer);
    pp_shared_pages_close(&pool->pages);
    pp_spares_free(&pool->spares_in);
    pp_spares_free(&pool->spares_out);
    pp_worker_memory_close(&pool->worker_memory);
    free(pool->pollfds);
    free(pool->slots);
    free(pool);
}

int pp_pool_spawn(struct pp_pool *pool, size_t slot)
{
    struct pp_slot *s = &pool->slots[slot];
    assert(s->state == PP_SLOT_EMPTY);
    struct pp_claim *claim = claim_of(pool, slot);
    atomic_store(&claim->word, 0);
    atomic_store(&claim->started_ns, 0);
    if (slot >= pool->used) {
        pool->used = slot + 1;
    }
    int error = pp_spawn(pool, slot);
    if (error == 0) {
        s->state = PP_SLOT_OPEN;
        update_pollfds(pool, slot);
    }
    return error;
}

/* ---- To the worker ---- */

/* A large request is written at once, from where its argument lies, as far as the pipe takes it; only the
 * rest is copied. As pp_request_append. Not inlined, so that what small requests pay for is only the
 * question. */
#ifdef __GNUC__
__attribute__((noinline))
#endif
static bool
send_large(struct pp_pool *pool, struct pp_slot *s, struct pp_request *request, const void *arg)
{
    struct iovec parts[PP_REQUEST_PARTS];
    size_t size = pp_frame_size(request->size);
    if (!pp_buffer_reserve(&s->out,
                           size)) { /* before anything is written: a frame that was begun must be ended */
        return false;
    }
    pp_request_gather(parts, request, arg);
    ssize_t count = pp_fd_write_gathered(s->requests_to, parts, PP_REQUEST_PARTS);
    size_t written = count > 0 ? (size_t)count : 0; /* pp_pool_flush will see what is wrong */
    if (written < size) {
        widen(pool, s->requests_to, &s->requests_widened);
        pp_parts_append(&s->out, parts, PP_REQUEST_PARTS, written);
        s->out_rest = written > 0 ? size - written : 0;
    }
    pp_spares_take_back(&pool->spares_out, &s->out);
    return true;
}

int pp_pool_send(struct pp_pool *pool, size_t slot, pp_worker_task *task, const void *arg, size_t size,
                 uint64_t *ordinal)
{
    struct pp_slot *s = &pool->slots[slot];
    assert(s->state == PP_SLOT_OPEN && size <= PP_FRAME_MAX_PAYLOAD);
    if (s->sent == pool->epoch_limit) {
        return -EOVERFLOW;
    }
    struct pp_request request = {
        .task = (uintptr_t)task, .size = (uint32_t)size, .epoch = s->epoch, .seq = s->sent};
    bool is_large = size >= WORTH_A_WRITE && pp_buffer_size(&s->out) == 0;
    pp_spares_lend(&pool->spares_out, &s->out);
    if (!(is_large ? send_large(pool, s, &request, arg) : pp_request_append(&s->out, &request, arg))) {
        pp_spares_take_back(&pool->spares_out, &s->out);
        return -ENOMEM;
    }
    *ordinal = s->claimed_before + s->sent;
    s->sent++;
    return 0;
}

void pp_pool_flush(struct pp_pool *pool, size_t slot)
{
    struct pp_slot *s = &pool->slots[slot];
    size_t size = pp_buffer_size(&s->out);
    if (s->state != PP_SLOT_OPEN || size == 0) {
        return;
    }
    /* Once: a write that was cut has filled the pipe, and a worker that empties it as fast as it is filled
     * must not keep the parent from the others. */
    ssize_t count = pp_fd_write(s->requests_to, pp_buffer_front(&s->out), size);
    if (count < (ssize_t)size) {
        widen(pool, s->requests_to, &s->requests_widened);
    }
    if (count >= 0) {
        s->out_rest = (size_t)count == size ? 0 : pp_request_rest(&s->out, s->out_rest, (size_t)count);
        pp_buffer_consume(&s->out, (size_t)count);
    } else if (count != -EAGAIN) {
        /* What is dropped here would be waited for in vain if the worker went on. */
        pp_pool_kill(pool, slot);
        pp_buffer_consume(&s->out, size);
        s->out_rest = 0;
    }
    pp_spares_take_back(&pool->spares_out, &s->out);
    update_pollfds(pool, slot);
}

/* ---- From the worker ---- */

/* Nothing more comes from the worker, or nothing more is wanted. A process that merely closed its reply pipe
 * would never end by itself; one that is exiting keeps its status. */
static void end_slot(struct pp_pool *pool, size_t slot)
{
    struct pp_slot *s = &pool->slots[slot];
    pp_pool_kill(pool, slot);
    pp_spawn_fd_close(&s->requests_to);
    pp_spawn_fd_close(&s->requests_from);
    pp_spawn_fd_close(&s->replies_from);
    pp_buffer_free(&s->out);
    pp_buffer_free(&s->in);
    s->out_rest = 0;
    s->state = PP_SLOT_ENDED;
    update_pollfds(pool, slot);
}

/* The protocol is broken: believes nothing further. */
static int disown(struct pp_pool *pool, size_t slot)
{
    end_slot(pool, slot);
    return -EPROTO;
}

ssize_t pp_pool_receive(struct pp_pool *pool, size_t slot)
{
    struct pp_slot *s = &pool->slots[slot];
    assert(s->state == PP_SLOT_OPEN || s->state == PP_SLOT_LEAVING);
    pp_spares_lend(&pool->spares_in, &s->in);
    if (!pp_buffer_reserve(&s->in, READ_SIZE)) {
        return -ENOMEM;
    }
    ssize_t count = pp_fd_read(s->replies_from, pp_buffer_room(&s->in), pp_buffer_room_size(&s->in));
    if (count >= PIPE_BYTES) {
        widen(pool, s->replies_from, &s->replies_widened);
    }
    if (count > 0) {
        s->in.end += (size_t)count;
    } else if (count == -EAGAIN) {
        pp_spares_take_back(&pool->spares_in, &s->in);
    } else {
        end_slot(pool, slot);
        count = 0;
    }
    return count;
}

/* Whether a reply with this header may come next. Hello first, once; then one for each claimed request. */
static bool is_due(const struct pp_slot *s, enum pp_reply_kind kind, const struct pp_reply_header *header)
{
    if (kind == PP_REPLY_HELLO) {
        return !s->greeted && header->ordinal == 0;
    }
    return s->greeted && header->ordinal == (uint32_t)s->answered &&
           s->answered < s->claimed_before + s->sent;
}

/* Whether the claim word is one that the protocol can have produced; *count of this epoch's frames are
 * claimed. */
static bool claim_is_right(const struct pp_pool *pool, size_t slot, uint32_t *count)
{
    const struct pp_slot *s = &pool->slots[slot];
    return pp_claim_count(claim_of(pool, slot), s->epoch, s->sent, count) &&
           s->claimed_before + *count >= s->answered;
}

int pp_pool_next_reply(struct pp_pool *pool, size_t slot, struct pp_reply_view *reply)
{
    struct pp_slot *s = &pool->slots[slot];
    struct pp_reply_header header;
    if (s->state == PP_SLOT_ENDED || s->in.memory == NULL) {
        return 0;
    }
    enum pp_frame_state state = pp_reply_look(&s->in, &header, &reply->kind);
    if (state == PP_FRAME_BAD || (state != PP_FRAME_PARTIAL && !is_due(s, reply->kind, &header))) {
        return disown(pool, slot);
    }
    if (state != PP_FRAME_WHOLE) {
        /* Once a batch, so that a task that wrote over the word cannot make others be waited for in vain. */
        uint32_t count;
        if (!claim_is_right(pool, slot, &count)) {
            return disown(pool, slot);
        }
        pp_spares_take_back(&pool->spares_in, &s->in);
        return 0;
    }
    reply->code = header.code;
    reply->payload = pp_frame_payload(&s->in);
    reply->size = header.size;
    reply->nanoseconds = header.nanoseconds;
    if (reply->kind == PP_REPLY_HELLO) {
        s->greeted = true;
    } else {
        s->answered++;
    }
    /* The bytes stay where they are until the next receive. */
    s->in.begin += pp_frame_size(header.size);
    return 1;
}

/* ---- Claims ---- */

int pp_pool_claimed(const struct pp_pool *pool, size_t slot, uint64_t *claimed)
{
    const struct pp_slot *s = &pool->slots[slot];
    uint32_t count;
    bool believable = claim_is_right(pool, slot, &count);
    *claimed = believable ? s->claimed_before + count : s->answered;
    return believable ? 0 : -EPROTO;
}

int pp_pool_take_back(struct pp_pool *pool, size_t slot, uint64_t *claimed)
{
    struct pp_slot *s = &pool->slots[slot];
    uint32_t count;
    *claimed = s->answered;
    if (!pp_claim_take_back(claim_of(pool, slot), s->epoch, s->sent, &count) ||
        s->claimed_before + count < s->answered) {
        return s->state == PP_SLOT_ENDED ? -EPROTO : disown(pool, slot);
    }
    s->claimed_before += count;
    s->epoch++;
    s->sent = 0;
    /* Of the frames that wait to be written only the one that was begun must be finished. */
    s->out.end = s->out.begin + s->out_rest;
    pp_spares_take_back(&pool->spares_out, &s->out);
    update_pollfds(pool, slot);
    *claimed = s->claimed_before;
    return 0;
}

uint64_t pp_pool_started_ns(const struct pp_pool *pool, size_t slot)
{
    return atomic_load_explicit(&claim_of(pool, slot)->started_ns, memory_order_relaxed);
}

/* ---- The end of a worker ---- */

void pp_pool_retire(struct pp_pool *pool, size_t slot)
{
    struct pp_slot *s = &pool->slots[slot];
    assert(s->state == PP_SLOT_OPEN);
    pp_spawn_fd_close(&s->requests_to);
    pp_spawn_fd_close(&s->requests_from);
    pp_buffer_free(&s->out);
    s->out_rest = 0;
    s->state = PP_SLOT_LEAVING;
    update_pollfds(pool, slot);
}

void pp_pool_kill(struct pp_pool *pool, size_t slot)
{
    struct pp_slot *s = &pool->slots[slot];
    /* A process that the kernel reaped by itself, because the caller ignores SIGCHLD, has left its pid to
     * others. One that has become another user's cannot be killed, but loses its parent. */
    if (s->state != PP_SLOT_EMPTY && !pp_pool_has_exited(pool, slot) && kill(s->pid, SIGKILL) != 0) {
        pp_spawn_fd_close(&s->liveness_to);
    }
}

void pp_pool_reap(struct pp_pool *pool, size_t slot, struct pp_exit *how)
{
    pid_t pid = pool->slots[slot].pid;
    int status = 0;
    pid_t reaped = waitpid(pid, &status, WNOHANG);
    if (reaped == 0) {
        pp_pool_kill(pool, slot);
    }
    while (reaped == 0 || (reaped == -1 && errno == EINTR)) {
        reaped = waitpid(pid, &status, 0);
    }
    /* ECHILD: the caller ignores SIGCHLD, or waited for a process that was not its own. */
    *how = (struct pp_exit){.pid = pid, .exit_status = -1};
    if (reaped == pid && WIFSIGNALED(status)) {
        how->signal = WTERMSIG(status);
    } else if (reaped == pid && WIFEXITED(status)) {
        how->exit_status = WEXITSTATUS(status);
    }
    clear_slot(pool, slot);
}

bool pp_pool_has_exited(const struct pp_pool *pool, size_t slot)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pool->slots[slot].pid, &info, WEXITED | WNOHANG | WNOWAIT) == -1) {
        return errno == ECHILD;
    }
    return info.si_pid != 0;
}
