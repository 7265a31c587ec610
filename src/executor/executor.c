/* The loop that joins the schedule, which decides, and the pool, which does.
 *
 *   hand_out   asks the schedule for actions and carries them out on the pool; writes what is to be sent
 *   wait       polls, until something comes or the first deadline
 *   take_in    reads replies and ends of workers, tells the schedule, and makes futures done
 *
 * Callbacks run last, when all of this is in order again: they may call anything, this step included. */

#include "core.h"

#include "pipe_io.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>

enum {
    MOST_WORKERS = 4096,
    /* How often to look for workers that ended without EOF, while tasks are under way. */
    HEARTBEAT_NS = 250000000,
    /* How long an idle worker may take to leave: far longer than it needs. */
    LEAVE_NS = 250000000,
    /* What may take a worker several reads. */
    LARGE_BYTES = 16 * 1024,
    NS_PER_MS = 1000000
};

/* A hundred years: longer limits could not be added to the clock. */
#define MOST_TIMEOUT_MS (UINT64_C(100) * 366 * 24 * 3600 * 1000)

/* ---- Futures become done ---- */

static void finish(struct pp_executor *executor, struct pp_future *future)
{
    executor->unfinished--;
    executor->finished++;
    pp_future_collect(future);
}

static void cancel(struct pp_executor *executor, struct pp_future *future)
{
    pp_future_become_cancelled(future);
    finish(executor, future);
}

static void fail(struct pp_executor *executor, struct pp_future *future, int error, int code)
{
    pp_future_fail(future, error, code, NULL, 0);
    finish(executor, future);
}

/* All that waits in the queue fails for one reason. */
static void fail_queued(struct pp_executor *executor, int error, int code)
{
    struct pp_job *job;
    while ((job = pp_schedule_remove_first(&executor->schedule)) != NULL) {
        fail(executor, pp_future_of(job), error, code);
    }
}

/* Of the first `count` jobs of the queue, which came back from a worker, those that were cancelled meanwhile are
 * not wanted any more. */
static void drop_cancelled(struct pp_executor *executor, size_t count)
{
    struct pp_job *job = executor->schedule.queue.first;
    while (count-- > 0) {
        struct pp_job *next = job->next;
        if (pp_is_done(pp_future_of(job))) {
            pp_schedule_remove(&executor->schedule, job);
            pp_future_collect(pp_future_of(job));
        }
        job = next;
    }
}

/* Reaps a worker of which nothing more is wanted. What it had comes back to the queue. */
static void dismiss(struct pp_executor *executor, size_t lane)
{
    struct pp_exit how;
    size_t count = executor->schedule.lanes[lane].window.count;
    pp_pool_reap(executor->pool, lane, &how);
    pp_schedule_died(&executor->schedule, lane, 0, pp_clock_ns());
    drop_cancelled(executor, count);
}

/* Kills and dismisses all workers. */
static void end_all_workers(struct pp_executor *executor)
{
    struct pp_pool *pool = executor->pool;
    for (size_t lane = 0; lane < pool->used; lane++) {
        pp_pool_kill(pool, lane); /* all of them, so that they end side by side */
    }
    for (size_t lane = 0; lane < pool->used; lane++) {
        if (pool->slots[lane].state != PP_SLOT_EMPTY) {
            dismiss(executor, lane);
        }
    }
}

/* ---- The end of a worker ---- */

/* A worker died of this task: it runs again, or that was its outcome. */
static void settle(struct pp_executor *executor, struct pp_future *future, const struct pp_exit *how,
                   enum pp_verdict verdict)
{
    struct pp_attempt attempt = {.pid = how->pid, .signal = how->signal, .exit_status = how->exit_status};
    if (pp_is_done(future)) {
        pp_future_collect(future); /* cancelled by force */
        return;
    }
    size_t attempts = pp_future_add_attempt(future, &attempt);
    if (verdict == PP_VERDICT_TASK_TIMEOUT) {
        fail(executor, future, PP_E_TASK_TIMEOUT, 0);
    } else if (verdict == PP_VERDICT_NO_MEMORY) {
        fail(executor, future, -ENOMEM, 0);
    } else if (attempts <= executor->options.retries && !executor->options.strict) {
        executor->statistics.tasks_retried++;
        pp_schedule_resubmit(&executor->schedule, &future->job);
    } else {
        fail(executor, future, PP_E_CRASH, 0);
    }
}

/* Strict: one death ends everything. */
static void break_down(struct pp_executor *executor)
{
    executor->broken = true;
    executor->broken_reason = PP_E_CRASH;
    end_all_workers(executor);
    fail_queued(executor, PP_E_NO_WORKERS, PP_E_CRASH);
}

/* Whether a worker ended in a way that tells nothing of which task did it: what was in its pipes, or in the word
 * that says what it claimed, is none of ours. */
static bool is_obscure(const struct pp_seat *seat, const struct pp_exit *how)
{
    return seat->garbled || how->exit_status == PP_WORKER_BAD_REQUEST ||
           how->exit_status == PP_WORKER_PIPE_FAILED;
}

/* The task that the worker died of; NULL: none, or nobody knows, and those that it may have been will run again,
 * each alone. All others are in the queue. */
static struct pp_job *find_guilty(struct pp_executor *executor, size_t lane, size_t suspects, bool is_clear)
{
    if (!is_clear && suspects > 1) {
        pp_schedule_suspect(&executor->schedule, lane, suspects);
        suspects = 0;
    }
    return pp_schedule_died(&executor->schedule, lane, suspects, pp_clock_ns());
}

static void bury(struct pp_executor *executor, size_t lane)
{
    struct pp_slot *slot = &executor->pool->slots[lane];
    struct pp_lane *schedule_lane = &executor->schedule.lanes[lane];
    struct pp_seat *seat = &executor->seats[lane];
    enum pp_verdict verdict = seat->verdict;
    bool expected = slot->state == PP_SLOT_LEAVING || schedule_lane->state == PP_LANE_LEAVING ||
                    verdict != PP_VERDICT_NONE;
    uint64_t claimed;
    uint64_t answered = slot->answered;
    size_t window = schedule_lane->window.count;
    size_t unanswered = window; /* claimed ones; if the claim word was overwritten, any of them */
    /* Taken back, because until the process has ended it could go on to the next. */
    if (pp_pool_take_back(executor->pool, lane, &claimed) == 0) {
        unanswered = (size_t)(claimed - answered);
    } else {
        seat->garbled = true;
    }
    if (verdict == PP_VERDICT_NO_MEMORY && window > 0) {
        unanswered = 1; /* whose answer it is that does not fit */
    }
    if (!schedule_lane->hello && !seat->refused && unanswered == 0) {
        pp_schedule_blame(&executor->schedule, PP_E_CRASH);
    }
    if (!expected && !seat->refused) {
        executor->statistics.workers_died++;
    }
    struct pp_exit how;
    pp_pool_reap(executor->pool, lane, &how);
    bool is_clear = verdict != PP_VERDICT_NONE || !is_obscure(seat, &how);
    struct pp_job *guilty = find_guilty(executor, lane, unanswered, is_clear);
    drop_cancelled(executor, window - (guilty != NULL));
    *seat = (struct pp_seat){.dirty = seat->dirty};
    if (guilty != NULL) {
        settle(executor, pp_future_of(guilty), &how, verdict);
    }
    if (executor->options.strict && !expected && !executor->broken) {
        break_down(executor);
    }
}

/* ---- hand_out ---- */

static void mark_dirty(struct pp_executor *executor, size_t lane)
{
    if (!executor->seats[lane].dirty) {
        executor->seats[lane].dirty = true;
        executor->dirty[executor->dirty_count++] = lane;
    }
}

/* Writes what waits to be written and was not refused room before. */
static void flush(struct pp_executor *executor)
{
    while (executor->dirty_count > 0) {
        size_t lane = executor->dirty[--executor->dirty_count];
        executor->seats[lane].dirty = false;
        const struct pp_buffer *out = &executor->pool->slots[lane].out;
        size_t size = pp_buffer_size(out);
        pp_pool_flush(executor->pool, lane);
        if (size > LARGE_BYTES && pp_buffer_size(out) < size) {
            pp_schedule_written(&executor->schedule, lane, pp_clock_ns());
        }
    }
}

static void take_back(struct pp_executor *executor, size_t lane)
{
    uint64_t claimed;
    if (pp_pool_take_back(executor->pool, lane, &claimed) != 0) {
        bury(executor, lane);
        return;
    }
    executor->statistics.tasks_taken_back += pp_schedule_taken_back(
        &executor->schedule, lane, (size_t)(claimed - executor->pool->slots[lane].answered));
}

static void send(struct pp_executor *executor, size_t lane, struct pp_job *job, uint64_t now_ns)
{
    struct pp_future *future = pp_future_of(job);
    int error = pp_pool_send(executor->pool, lane, future->task, pp_payload_bytes(&future->arg),
                             future->arg.size, &future->ordinal);
    if (error == 0) {
        mark_dirty(executor, lane);
    } else {
        /* The epoch is full: the next one begins with a take-back, and the job goes there. */
        take_back(executor, lane);
    }
    if (error == -ENOMEM && job->place == PP_PLACE_QUEUE) {
        pp_schedule_remove(&executor->schedule, job);
        fail(executor, future, -ENOMEM, 0);
    }
    if (executor->options.task_timeout_ms > 0) {
        uint64_t end = now_ns + executor->options.task_timeout_ms * NS_PER_MS;
        executor->limit_check_ns = end < executor->limit_check_ns ? end : executor->limit_check_ns;
    }
}

static void spawn(struct pp_executor *executor, size_t lane, uint64_t now_ns)
{
    int error = pp_pool_spawn(executor->pool, lane);
    if (error != 0) {
        pp_schedule_spawn_failed(&executor->schedule, error, now_ns);
        return;
    }
    executor->statistics.workers_started++;
    pp_schedule_spawned(&executor->schedule, lane);
}

static void hand_out(struct pp_executor *executor, uint64_t now_ns)
{
    struct pp_action action;
    while (pp_schedule_next(&executor->schedule, now_ns, &action)) {
        switch (action.kind) {
        case PP_ACTION_SEND:
            send(executor, action.lane, action.job, now_ns);
            break;
        case PP_ACTION_TAKE_BACK:
            take_back(executor, action.lane);
            break;
        case PP_ACTION_SPAWN:
            spawn(executor, action.lane, now_ns);
            break;
        case PP_ACTION_RETIRE:
            pp_pool_retire(executor->pool, action.lane);
            break;
        case PP_ACTION_GIVE_UP:
            fail_queued(executor, PP_E_NO_WORKERS, action.error);
            break;
        }
    }
    flush(executor);
}

/* ---- Time limits ---- */

/* When the task that the worker runs will overrun its time. Kills it if it has. UINT64_MAX: it runs none. */
static uint64_t limit_lane(struct pp_executor *executor, size_t lane, uint64_t now_ns)
{
    struct pp_seat *seat = &executor->seats[lane];
    const struct pp_slot *slot = &executor->pool->slots[lane];
    uint64_t limit_ns = executor->options.task_timeout_ms * NS_PER_MS;
    uint64_t claimed;
    if (slot->state != PP_SLOT_OPEN || executor->schedule.lanes[lane].window.count == 0 ||
        seat->verdict != PP_VERDICT_NONE) {
        return UINT64_MAX;
    }
    if (pp_pool_claimed(executor->pool, lane, &claimed) != 0) {
        take_back(executor, lane); /* finds the same, and buries it */
        return UINT64_MAX;
    }
    if (claimed == slot->answered) {
        return now_ns + limit_ns;
    }
    if (claimed != seat->seen) {
        seat->seen = claimed;
        seat->seen_ns = now_ns;
    }
    uint64_t started = pp_pool_started_ns(executor->pool, lane);
    started = started < seat->seen_ns ? started : seat->seen_ns; /* a task could have written it */
    if (now_ns < started + limit_ns) {
        return started + limit_ns;
    }
    /* Overdue, unless it has just gone on to the next; from now on it cannot. */
    take_back(executor, lane);
    if (slot->state == PP_SLOT_OPEN && slot->claimed_before == seat->seen) {
        seat->verdict = PP_VERDICT_TASK_TIMEOUT;
        pp_pool_kill(executor->pool, lane);
        return UINT64_MAX;
    }
    return now_ns + limit_ns;
}

static void enforce_limits(struct pp_executor *executor, uint64_t now_ns)
{
    if (now_ns < executor->limit_check_ns) {
        return;
    }
    uint64_t next = UINT64_MAX;
    for (size_t lane = 0; lane < executor->pool->used; lane++) {
        uint64_t end = limit_lane(executor, lane, now_ns);
        next = end < next ? end : next;
    }
    executor->limit_check_ns = next;
}

/* ---- take_in ---- */

static void absorb(struct pp_executor *executor, size_t lane, const struct pp_reply_view *reply,
                   uint64_t now_ns)
{
    if (reply->kind == PP_REPLY_HELLO) {
        if (reply->code == 0) {
            pp_schedule_hello(&executor->schedule, lane, now_ns);
        } else {
            executor->seats[lane].refused = true;
            pp_schedule_blame(&executor->schedule, reply->code);
        }
        return;
    }
    struct pp_future *future =
        pp_future_of(pp_schedule_reply(&executor->schedule, lane, reply->nanoseconds, now_ns));
    if (pp_is_done(future)) {
        pp_future_collect(future); /* cancelled while its answer was on the way */
        return;
    }
    if (reply->kind == PP_REPLY_NO_MEMORY) {
        pp_future_fail(future, -ENOMEM, 0, NULL, 0);
    } else if (reply->code == 0) {
        pp_future_succeed(future, reply->payload, reply->size);
    } else {
        pp_future_fail(future, PP_E_TASK, reply->code, reply->payload, reply->size);
    }
    finish(executor, future);
}

/* All that was received from one worker. */
static void absorb_all(struct pp_executor *executor, size_t lane, uint64_t now_ns)
{
    struct pp_reply_view reply;
    int next;
    while ((next = pp_pool_next_reply(executor->pool, lane, &reply)) == 1) {
        absorb(executor, lane, &reply, now_ns);
    }
    executor->seats[lane].garbled = next < 0;
}

/* Takes in what one worker says. */
static void take_in_lane(struct pp_executor *executor, size_t lane, uint64_t now_ns)
{
    if (pp_pool_receive(executor->pool, lane) == -ENOMEM) {
        executor->seats[lane].verdict = PP_VERDICT_NO_MEMORY;
        bury(executor, lane);
        return;
    }
    absorb_all(executor, lane, now_ns);
    if (executor->pool->slots[lane].state == PP_SLOT_ENDED) {
        bury(executor, lane);
    }
}

static void take_in(struct pp_executor *executor, uint64_t now_ns)
{
    struct pp_pool *pool = executor->pool;
    for (size_t lane = 0; lane < pool->used; lane++) {
        if (pool->pollfds[2 * lane].revents != 0) {
            take_in_lane(executor, lane, now_ns);
        }
        if (pool->pollfds[2 * lane + 1].revents != 0) {
            mark_dirty(executor, lane);
        }
    }
}

/* Workers that ended without EOF, because a child of theirs holds their pipes. */
static void look_for_the_dead(struct pp_executor *executor, uint64_t now_ns)
{
    for (size_t lane = 0; lane < executor->pool->used; lane++) {
        const struct pp_slot *slot = &executor->pool->slots[lane];
        if (slot->state != PP_SLOT_EMPTY && pp_pool_has_exited(executor->pool, lane)) {
            while (slot->state != PP_SLOT_ENDED && pp_pool_receive(executor->pool, lane) > 0) {
                absorb_all(executor, lane, now_ns);
            }
            bury(executor, lane);
        }
    }
}

/* ---- The step ---- */

uint64_t pp_wait_end_ns(int timeout_ms)
{
    return timeout_ms < 0 ? UINT64_MAX : pp_clock_ns() + (uint64_t)timeout_ms * NS_PER_MS;
}

/* From now until then in the milliseconds of poll, rounded up. */
static int poll_timeout(uint64_t now_ns, uint64_t end_ns)
{
    if (end_ns == UINT64_MAX) {
        return -1;
    }
    if (end_ns <= now_ns) {
        return 0;
    }
    uint64_t ms = (end_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

int pp_wait_left_ms(uint64_t end_ns)
{
    return end_ns == UINT64_MAX ? -1 : poll_timeout(pp_clock_ns(), end_ns);
}

/* When the executor has something to do of its own accord. */
static uint64_t deadline_ns(const struct pp_executor *executor)
{
    uint64_t deadline = pp_schedule_deadline(&executor->schedule);
    deadline = executor->limit_check_ns < deadline ? executor->limit_check_ns : deadline;
    return executor->unfinished > 0 && executor->heartbeat_ns < deadline ? executor->heartbeat_ns : deadline;
}

/* Polls the workers' pipes, and the extra descriptor if there is one. How many are ready, or -errno. */
static int poll_pipes(struct pp_executor *executor, int timeout_ms, struct pollfd *extra)
{
    struct pp_pool *pool = executor->pool;
    /* The pool keeps one entry free behind its last slot's. */
    pool->pollfds[2 * pool->used] = extra != NULL ? *extra : (struct pollfd){.fd = -1};
    int ready = poll(pool->pollfds, (nfds_t)(2 * pool->used + 1), timeout_ms);
    int error = errno;
    if (extra != NULL) {
        extra->revents = ready > 0 ? pool->pollfds[2 * pool->used].revents : 0;
    }
    pool->pollfds[2 * pool->used] = (struct pollfd){.fd = -1};
    return ready == -1 ? -error : ready;
}

int pp_executor_step_watching(struct pp_executor *executor, int timeout_ms, struct pollfd *extra)
{
    uint64_t finished_before = executor->finished;
    uint64_t now_ns = pp_clock_ns();
    executor->submits = 0;
    enforce_limits(executor, now_ns);
    hand_out(executor, now_ns);

    bool is_done = executor->finished != finished_before || (executor->unfinished == 0 && extra == NULL);
    uint64_t end_ns = timeout_ms < 0 ? UINT64_MAX : now_ns + (uint64_t)timeout_ms * NS_PER_MS;
    uint64_t deadline = is_done ? now_ns : deadline_ns(executor); /* looks at every lane: once a step */
    int ready = poll_pipes(executor, poll_timeout(now_ns, deadline < end_ns ? deadline : end_ns), extra);
    now_ns = pp_clock_ns();
    if (ready > 0) {
        take_in(executor, now_ns);
    }
    if (executor->unfinished > 0 && now_ns >= executor->heartbeat_ns) {
        executor->heartbeat_ns = now_ns + HEARTBEAT_NS;
        look_for_the_dead(executor, now_ns);
    }
    if (ready >= 0) {
        pp_schedule_heard(&executor->schedule, now_ns);
    }
    enforce_limits(executor, now_ns);
    hand_out(executor, now_ns);
    pp_store_notify(executor->store);
    if (ready < 0) {
        return ready;
    }
    uint64_t done = executor->finished - finished_before;
    return done < INT_MAX ? (int)done : INT_MAX;
}

int pp_executor_step(struct pp_executor *executor, int timeout_ms)
{
    return pp_executor_step_watching(executor, timeout_ms, NULL);
}

size_t pp_executor_pollfds(const struct pp_executor *executor, struct pollfd *fds, size_t capacity)
{
    size_t count = 0;
    for (size_t i = 0; i < 2 * executor->pool->used; i++) {
        if (executor->pool->pollfds[i].fd != -1) {
            if (count < capacity) {
                fds[count] = executor->pool->pollfds[i];
            }
            count++;
        }
    }
    return count;
}

int pp_executor_next_deadline(const struct pp_executor *executor)
{
    /* Callbacks wait when something became done outside of a step, as when no worker could be had. */
    return executor->store->notify_first != NULL ? 0 : poll_timeout(pp_clock_ns(), deadline_ns(executor));
}

/* ---- Opening, submitting, closing ---- */

int pp_executor_open(struct pp_executor **executor, const struct pp_options *options)
{
    *executor = NULL;
    struct pp_executor *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return -ENOMEM;
    }
    opened->options = options != NULL ? *options : (struct pp_options){0};
    if (opened->options.task_timeout_ms > MOST_TIMEOUT_MS) {
        opened->options.task_timeout_ms = MOST_TIMEOUT_MS;
    }
    if (opened->options.workers == 0) {
        opened->options.workers = pp_cpu_count();
    }
    size_t workers = opened->options.workers;
    int error = workers > MOST_WORKERS ? -EINVAL : -ENOMEM;
    if (error == -EINVAL) {
        goto fail_arguments;
    }
    opened->limit_check_ns = UINT64_MAX;
    opened->seats = calloc(workers, sizeof *opened->seats);
    opened->dirty = calloc(workers, sizeof *opened->dirty);
    opened->store = pp_store_open(opened);
    if (opened->seats == NULL || opened->dirty == NULL || opened->store == NULL ||
        !pp_schedule_open(&opened->schedule, workers, opened->options.max_tasks_per_worker)) {
        goto fail_memory;
    }
    error = pp_pool_open(&opened->pool, workers, opened->options.initializer,
                         opened->options.initializer_context);
    if (error != 0) {
        goto fail_pool;
    }
    *executor = opened;
    return 0;
fail_pool:
    pp_schedule_close(&opened->schedule);
fail_memory:
    if (opened->store != NULL) {
        pp_store_close(opened->store);
    }
    free(opened->dirty);
    free(opened->seats);
fail_arguments:
    free(opened);
    return error;
}

int pp_executor_submit(struct pp_executor *executor, pp_task *task, const void *arg, size_t arg_size,
                       struct pp_future **future)
{
    /* Who submits in a burst will step before long; until then the idle workers have been given something. */
    size_t burst = 2 * executor->options.workers + 8;
    if (task == NULL) {
        return -EINVAL;
    }
    if (arg_size > PP_MAX_BYTES) {
        return -EMSGSIZE;
    }
    if (executor->closing || executor->broken) {
        return executor->closing ? PP_E_CLOSED : PP_E_NO_WORKERS;
    }
    struct pp_future *opened = pp_future_open(executor->store, task, arg, arg_size);
    if (opened == NULL) {
        return -ENOMEM;
    }
    opened->released = future == NULL;
    if (future != NULL) {
        *future = opened;
    }
    executor->unfinished++;
    executor->statistics.tasks_submitted++;
    if (pp_schedule_submit(&executor->schedule, &opened->job, (uintptr_t)task, arg_size) &&
        executor->submits++ < burst) {
        hand_out(executor, pp_clock_ns());
    }
    return 0;
}

void pp_executor_statistics(const struct pp_executor *executor, struct pp_statistics *statistics)
{
    *statistics = executor->statistics;
    statistics->workers = executor->schedule.live;
    statistics->tasks_done = executor->finished;
}

static void cancel_queued(struct pp_executor *executor)
{
    struct pp_job *job;
    while ((job = pp_schedule_remove_first(&executor->schedule)) != NULL) {
        cancel(executor, pp_future_of(job));
    }
}

static void cancel_unstarted(struct pp_executor *executor)
{
    for (size_t lane = 0; lane < executor->pool->used; lane++) {
        if (executor->pool->slots[lane].state == PP_SLOT_OPEN) {
            take_back(executor, lane);
        }
    }
    cancel_queued(executor);
}

/* Whether a worker that was told to leave has. What it still says does not matter. */
static bool has_left(struct pp_executor *executor, size_t lane)
{
    struct pp_pool *pool = executor->pool;
    struct pp_reply_view reply;
    if (pool->pollfds[2 * lane].revents != 0 && pp_pool_receive(pool, lane) == 0) {
        return true;
    }
    while (pp_pool_next_reply(pool, lane, &reply) == 1) {
    }
    return pool->slots[lane].state == PP_SLOT_ENDED;
}

/* Tells all workers to leave and waits until they have; but none has anything to do any more, so not for long: one
 * that is stopped never will, and of one whose child holds its pipes nobody hears. False: time is up. */
static bool let_all_leave(struct pp_executor *executor, uint64_t end_ns)
{
    struct pp_pool *pool = executor->pool;
    uint64_t patience_end_ns = pp_clock_ns() + LEAVE_NS;
    size_t left = 0;
    for (size_t lane = 0; lane < pool->used; lane++) {
        if (pool->slots[lane].state == PP_SLOT_OPEN) {
            pp_pool_retire(pool, lane);
        }
        left += pool->slots[lane].state != PP_SLOT_EMPTY;
    }
    while (left > 0) {
        uint64_t now_ns = pp_clock_ns();
        if (now_ns >= end_ns) {
            return false;
        }
        if (now_ns >= patience_end_ns) {
            end_all_workers(executor);
            return true;
        }
        poll_pipes(executor, poll_timeout(now_ns, patience_end_ns < end_ns ? patience_end_ns : end_ns), NULL);
        for (size_t lane = 0; lane < pool->used; lane++) {
            if (pool->slots[lane].state != PP_SLOT_EMPTY && has_left(executor, lane)) {
                dismiss(executor, lane);
                left--;
            }
        }
    }
    return true;
}

int pp_executor_close(struct pp_executor *executor, enum pp_close how, int timeout_ms)
{
    if (executor == NULL) {
        return 0;
    }
    uint64_t end_ns = pp_wait_end_ns(timeout_ms);
    int error = 0;
    executor->closing = true;
    if (how == PP_CLOSE_CANCEL) {
        cancel_unstarted(executor);
    }
    while (how != PP_CLOSE_KILL && executor->unfinished > 0 && error == 0) {
        int stepped = pp_executor_step(executor, pp_wait_left_ms(end_ns));
        if (stepped < 0 && stepped != -EINTR) {
            error = stepped;
        } else if (executor->unfinished > 0 && pp_wait_left_ms(end_ns) == 0) {
            error = PP_E_TIMEOUT;
        }
    }
    if (how != PP_CLOSE_KILL && error == 0 && !let_all_leave(executor, end_ns)) {
        error = PP_E_TIMEOUT;
    }
    if (how == PP_CLOSE_KILL || error != 0) {
        end_all_workers(executor);
        cancel_queued(executor);
    }
    pp_store_notify(executor->store);
    pp_pool_close(executor->pool);
    pp_schedule_close(&executor->schedule);
    pp_store_close(executor->store);
    free(executor->dirty);
    free(executor->seats);
    free(executor);
    return error;
}

/* ---- Futures, as far as they touch a worker ---- */

/* Whether a worker has claimed the job. */
static bool is_claimed(const struct pp_future *future)
{
    struct pp_executor *executor = future->store->executor;
    uint64_t claimed;
    return future->job.place == PP_PLACE_WINDOW &&
           pp_pool_claimed(executor->pool, future->job.lane, &claimed) == 0 && future->ordinal < claimed;
}

enum pp_state pp_future_state(const struct pp_future *future)
{
    return future->state == PP_PENDING && is_claimed(future) ? PP_RUNNING : future->state;
}

int pp_future_cancel(struct pp_future *future)
{
    if (pp_is_done(future)) {
        return future->state == PP_CANCELLED ? 0 : PP_E_STATE;
    }
    struct pp_store *store = future->store;
    struct pp_executor *executor = store->executor;
    if (future->job.place == PP_PLACE_WINDOW && !is_claimed(future)) {
        take_back(executor, future->job.lane);
    }
    if (future->job.place != PP_PLACE_QUEUE) {
        return PP_E_STATE;
    }
    pp_schedule_remove(&executor->schedule, &future->job);
    cancel(executor, future);
    pp_store_notify(store);
    return 0;
}

int pp_future_kill(struct pp_future *future)
{
    if (pp_is_done(future)) {
        return future->state == PP_CANCELLED ? 0 : PP_E_STATE;
    }
    struct pp_store *store = future->store;
    if (pp_future_cancel(future) == 0) {
        return 0;
    }
    /* Claimed. If it is the last that the worker claimed it runs, or has just ended; if not, its answer is on
     * the way and will be dropped. */
    struct pp_executor *executor = store->executor;
    size_t lane = future->job.lane;
    take_back(executor, lane);
    if (future->job.place == PP_PLACE_WINDOW && executor->schedule.lanes[lane].window.last == &future->job) {
        executor->seats[lane].verdict = PP_VERDICT_CANCELLED;
        pp_pool_kill(executor->pool, lane);
    }
    if (future->job.place == PP_PLACE_QUEUE) {
        pp_schedule_remove(&executor->schedule, &future->job); /* its worker was found dead: a retry */
    }
    if (!pp_is_done(future)) {
        cancel(executor, future);
    }
    bool is_cancelled = future->state == PP_CANCELLED;
    pp_store_notify(store);
    return is_cancelled ? 0 : PP_E_STATE;
}

int pp_future_wait(struct pp_future *future, int timeout_ms)
{
    uint64_t end_ns = pp_is_done(future) || timeout_ms <= 0 ? 0 : pp_wait_end_ns(timeout_ms);
    while (!pp_is_done(future)) {
        int left_ms = timeout_ms <= 0 ? timeout_ms : pp_wait_left_ms(end_ns);
        int stepped = pp_executor_step(future->store->executor, left_ms);
        if (stepped < 0) {
            return stepped;
        }
        if (left_ms == 0 && !pp_is_done(future)) {
            return PP_E_TIMEOUT;
        }
    }
    return 0;
}

int pp_future_result(struct pp_future *future, int timeout_ms, const void **bytes, size_t *size)
{
    int error = pp_future_wait(future, timeout_ms);
    if (error != 0) {
        return error;
    }
    *bytes = pp_payload_bytes(&future->result);
    *size = future->error == 0 ? future->result.size : 0;
    return future->error;
}
