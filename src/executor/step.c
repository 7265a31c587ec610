/* The loop that joins the schedule, which decides, and the pool, which does.
 *
 *   hand_out   asks the schedule for actions and carries them out on the pool; writes what is to be sent
 *   wait       polls, until something comes or the first deadline
 *   take_in    reads replies and ends of workers, tells the schedule, and makes futures done
 *
 * Callbacks run last, when all of this is in order again: they may call anything, this step included. */

#include "core.h"

#include "deadline.h"

#include <errno.h>
#include <limits.h>

enum {
    /* How often to look for workers that ended without EOF, while tasks are under way. */
    HEARTBEAT_NS = 250000000,
    /* What may take a worker several reads. */
    LARGE_BYTES = 16 * 1024,
    /* Who submits and does not step hears the workers all the same, when nobody has for so long; and for so much
     * longer for each of them, or feeding many would be all that he does. */
    UNHEARD_NS = 100000,
    UNHEARD_LANE_NS = 10000,
    LONGEST_GAP = 16 /* submits between two looks at the clock */
};

/* ---- take_in ---- */

static void mark_dirty(struct pp_executor *executor, size_t lane)
{
    if (!executor->seats[lane].dirty) {
        executor->seats[lane].dirty = true;
        executor->dirty[executor->dirty_count++] = lane;
    }
}

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
    pp_core_finish(executor, future);
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
        pp_core_bury(executor, lane);
        return;
    }
    absorb_all(executor, lane, now_ns);
    if (executor->pool->slots[lane].state == PP_SLOT_ENDED) {
        pp_core_bury(executor, lane);
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

int pp_core_poll(struct pp_executor *executor, uint64_t until_ns, struct pollfd *extra)
{
    struct pp_pool *pool = executor->pool;
    struct pollfd *const behind = &pool->pollfds[2 * pool->used]; /* where the pool keeps two entries free */
    bool is_timed = until_ns != 0 && until_ns != UINT64_MAX && pp_timer_ring_by(&pool->timer, until_ns);
    behind[0] = (struct pollfd){.fd = is_timed ? pool->timer.fd : -1, .events = POLLIN};
    behind[1] = extra != NULL ? *extra : (struct pollfd){.fd = -1};
    int timeout_ms = until_ns == 0 ? 0 : is_timed ? -1 : pp_wait_left_ms(until_ns);
    int ready = poll(pool->pollfds, (nfds_t)(2 * pool->used + 2), timeout_ms);
    int error = errno;
    if (ready > 0 && behind[0].revents != 0) {
        pp_timer_rang(&pool->timer);
        ready--;
    }
    if (extra != NULL) {
        extra->revents = ready > 0 ? behind[1].revents : 0;
    }
    behind[0] = behind[1] = (struct pollfd){.fd = -1};
    return ready == -1 ? -error : ready;
}

/* Waits until then at most (0: not at all) for something to take in, and takes in what there is; *now_ns becomes
 * that time. How many descriptors were ready, or -errno. */
static int listen(struct pp_executor *executor, uint64_t until_ns, struct pollfd *extra, uint64_t *now_ns)
{
    int ready = pp_core_poll(executor, until_ns, extra);
    *now_ns = pp_clock_ns();
    if (ready > 0) {
        take_in(executor, *now_ns);
    }
    if (ready >= 0) {
        pp_schedule_heard(&executor->schedule, *now_ns);
    }
    return ready;
}

/* ---- hand_out ---- */

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

void pp_core_take_back(struct pp_executor *executor, size_t lane)
{
    uint64_t claimed;
    if (pp_pool_take_back(executor->pool, lane, &claimed) != 0) {
        pp_core_bury(executor, lane);
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
        pp_core_take_back(executor, lane);
    }
    if (error == -ENOMEM && job->place == PP_PLACE_QUEUE) {
        pp_schedule_remove(&executor->schedule, job);
        pp_core_fail(executor, future, -ENOMEM, 0);
    }
    if (executor->options.task_timeout_ms > 0) {
        pp_core_limit_begins(executor, now_ns);
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

void pp_core_hand_out(struct pp_executor *executor, uint64_t now_ns)
{
    struct pp_action action;
    bool listened = false;
    while (pp_schedule_next(&executor->schedule, now_ns, &action)) {
        switch (action.kind) {
        case PP_ACTION_SEND:
            send(executor, action.lane, action.job, now_ns);
            break;
        case PP_ACTION_TAKE_BACK:
            pp_core_take_back(executor, action.lane);
            break;
        case PP_ACTION_SPAWN:
            /* A fork costs a hundred times what it costs to hear who has become free. Once: there may be no
             * end to what others say, and what was sent has yet to be written. */
            if (listened || executor->schedule.live == 0 || listen(executor, 0, NULL, &now_ns) <= 0) {
                spawn(executor, action.lane, now_ns);
            }
            listened = true;
            break;
        case PP_ACTION_RETIRE:
            pp_pool_retire(executor->pool, action.lane);
            break;
        case PP_ACTION_GIVE_UP:
            pp_core_fail_queued(executor, PP_E_NO_WORKERS, action.error);
            break;
        }
    }
    flush(executor);
}

/* ---- The step ---- */

bool pp_core_bury_if_dead(struct pp_executor *executor, size_t lane, uint64_t now_ns)
{
    const struct pp_slot *slot = &executor->pool->slots[lane];
    if (slot->state == PP_SLOT_EMPTY || !pp_pool_has_exited(executor->pool, lane)) {
        return false;
    }
    while (slot->state != PP_SLOT_ENDED && pp_pool_receive(executor->pool, lane) > 0) {
        absorb_all(executor, lane, now_ns);
    }
    pp_core_bury(executor, lane);
    return true;
}

static void look_for_the_dead(struct pp_executor *executor, uint64_t now_ns)
{
    for (size_t lane = 0; lane < executor->pool->used; lane++) {
        pp_core_bury_if_dead(executor, lane, now_ns);
    }
}

/* When the executor has something to do of its own accord. */
static uint64_t deadline_ns(const struct pp_executor *executor)
{
    uint64_t deadline = pp_schedule_deadline(&executor->schedule);
    deadline = executor->limit_check_ns < deadline ? executor->limit_check_ns : deadline;
    return executor->unfinished > 0 && executor->heartbeat_ns < deadline ? executor->heartbeat_ns : deadline;
}

/* Whether the workers are to be heard now, among submits. */
static bool is_unheard(struct pp_executor *executor, uint64_t now_ns)
{
    uint64_t patience_ns = UNHEARD_NS + executor->schedule.live * UNHEARD_LANE_NS;
    bool is_long = now_ns - executor->schedule.heard_ns >= patience_ns;
    executor->look_gap = is_long ? 1 : 2 * executor->look_gap;
    executor->look_gap = executor->look_gap < LONGEST_GAP ? executor->look_gap : LONGEST_GAP;
    executor->look_at += executor->look_gap;
    return is_long;
}

void pp_core_submitted(struct pp_executor *executor, bool may_act)
{
    bool to_look = ++executor->submits == executor->look_at;
    bool is_burst = executor->submits > 2 * executor->options.workers + 8;
    may_act = may_act && !is_burst;
    if (!to_look && !may_act) {
        return;
    }
    uint64_t now_ns = pp_clock_ns();
    if (to_look && is_unheard(executor, now_ns)) {
        listen(executor, 0, NULL, &now_ns);
        may_act = true;
    }
    if (may_act) {
        pp_core_hand_out(executor, now_ns);
    }
}

int pp_executor_step_watching(struct pp_executor *executor, int timeout_ms, struct pollfd *extra)
{
    uint64_t now_ns;
    executor->submits = 0;
    executor->look_at = executor->look_gap = 1;
    if (executor->schedule.queue.count > 0 || executor->limit_check_ns != UINT64_MAX) {
        now_ns = pp_clock_ns();
        pp_core_enforce_limits(executor, now_ns);
        pp_core_hand_out(executor, now_ns);
    }
    bool is_done = executor->finished != executor->told || (executor->unfinished == 0 && extra == NULL);
    uint64_t until_ns = 0;
    if (!is_done && timeout_ms != 0) {
        uint64_t end_ns = pp_wait_end_ns(timeout_ms);
        uint64_t deadline = deadline_ns(executor); /* looks at every lane: once a step */
        until_ns = deadline < end_ns ? deadline : end_ns;
    }
    int ready = listen(executor, until_ns, extra, &now_ns);
    if (now_ns >= executor->heartbeat_ns) {
        executor->heartbeat_ns = now_ns + HEARTBEAT_NS;
        if (executor->unfinished > 0) {
            look_for_the_dead(executor, now_ns);
        }
    }
    pp_core_enforce_limits(executor, now_ns);
    pp_core_hand_out(executor, now_ns);
    pp_store_notify(executor->store);
    if (ready < 0) {
        return ready;
    }
    uint64_t done = executor->finished - executor->told; /* a callback's own steps have told theirs */
    executor->told = executor->finished;
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
    /* What became done outside of a step is to be told, and callbacks may wait for it. */
    bool is_done = executor->finished != executor->told || executor->store->notify_first != NULL;
    return is_done ? 0 : pp_poll_timeout_ms(pp_clock_ns(), deadline_ns(executor));
}
