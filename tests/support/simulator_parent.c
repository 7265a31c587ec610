/* The parent does what src/executor/step.c and worker_end.c do with the schedule, and its caller what one does
 * who submits all at once, or as map.c does, or now and then. */

#include "support/simulator_parts.h"

enum {
    LARGE_BYTES = 16 * 1024,
    UNHEARD_NS = 100000,
    UNHEARD_LANE_NS = 10000,
    LONGEST_GAP = 16,
    HEARTBEAT_NS = 250000000
};

static void spend(struct simulator *sim, enum parent_phase phase, uint64_t amount)
{
    sim->phase = phase;
    sim->is_busy = true;
    sim->busy_since = sim->clock.now_ns;
    sim_clock_work(&sim->clock, parent_of(sim), amount + sim->cost);
    sim->cost = 0;
}

static void mark_dirty(struct simulator *sim, size_t lane)
{
    if (!sim->workers[lane].dirty) {
        sim->workers[lane].dirty = true;
        sim->dirty[sim->dirty_count++] = lane;
    }
}

void sim_parent_wake(struct simulator *sim)
{
    if (sim->phase == ASLEEP && !sim->awake_soon) {
        sim->awake_soon = true;
        sim_clock_at(&sim->clock, sim->clock.now_ns + sim->world->costs.wake, parent_of(sim), PARENT_WAKE);
    }
}

/* ---- hand_out ---- */

/* What was not written is not sent; of a frame that was begun the rest has to follow. */
static void drop_unwritten(struct worker *worker)
{
    worker->unwritten_bytes = 0;
    if (worker->unsent < worker->frames.end) {
        const struct frame *frame = sim_frame_at(worker, worker->unsent);
        bool begun = frame->left < frame->size;
        worker->frames.end = worker->unsent + begun;
        worker->unwritten_bytes = begun ? frame->left : 0;
    }
}

static void take_back(struct simulator *sim, size_t lane)
{
    struct worker *worker = &sim->workers[lane];
    CHECK(sim->schedule.lanes[lane].state == PP_LANE_READY && worker->process && !worker->eof,
          "take back from lane %zu, which takes no requests", lane);
    if (worker->held > 0 && worker->claimed == 0 && sim->clock.now_ns >= worker->progress.time + NS_PER_MS) {
        worker->mute = true;
    }
    sim_silence_ends(sim, worker);
    worker->epoch++;
    drop_unwritten(worker);
    size_t returned = pp_schedule_taken_back(&sim->schedule, lane, worker->claimed);
    sim->result->taken_back += returned;
    sim_check_left(sim, lane, NULL, returned);
}

static void send(struct simulator *sim, const struct pp_action *action)
{
    struct worker *worker = &sim->workers[action->lane];
    struct task *task = (struct task *)action->job; /* its first member */
    sim_check_send(sim, action->lane, task);
    uint64_t size = sim_frame_bytes(task->size);
    struct frame *frame = sim_ring_push(&worker->frames, sizeof(struct frame));
    *frame = (struct frame){task, worker->epoch, size, size};
    worker->unwritten_bytes += size;
    sim->cost += sim->world->costs.send;
    mark_dirty(sim, action->lane);
}

static void give_up(struct simulator *sim, int reason)
{
    struct pp_job *job;
    sim_check_give_up(sim, reason);
    while ((job = pp_schedule_remove_first(&sim->schedule)) != NULL) {
        sim_task_done(sim, (struct task *)job);
    }
    sim->returned = 0;
}

static void spawned(struct simulator *sim)
{
    sim->spawning = false;
    if (sim->failed_spawns > 0) {
        int reason = REFUSED - (int)(sim->failed_spawns % 64);
        sim->failed_spawns--;
        sim_start_blamed(sim, reason);
        sim_start_failed(sim, sim->hand_out_ns);
        pp_schedule_spawn_failed(&sim->schedule, reason, sim->hand_out_ns);
    } else {
        sim_worker_start(sim, sim->spawn_lane);
        pp_schedule_spawned(&sim->schedule, sim->spawn_lane);
        if (sim->schedule.live > sim->result->workers) {
            sim->result->workers = sim->schedule.live;
        }
    }
}

static void retire(struct simulator *sim, size_t lane)
{
    struct worker *worker = &sim->workers[lane];
    CHECK(worker->claimed == 0 && worker->process && sim->world->tasks_per_worker > 0,
          "lane %zu is retired with work", lane);
    sim_idle_ends(sim, worker);
    worker->eof = true;
    sim_worker_wake(sim, worker);
}

static void listen(struct simulator *sim, enum listening why)
{
    sim->listening = why;
    sim->polled = false;
    sim->phase = POLL;
}

/* Before a start it hears once who has become free. */
static void spawn(struct simulator *sim, size_t lane)
{
    if (!sim->listened && sim->schedule.live > 0) {
        sim->listened = true;
        listen(sim, BEFORE_A_START);
        return;
    }
    sim_check_spawn(sim, lane);
    sim->listened = true;
    sim->spawning = true;
    sim->spawn_lane = lane;
    spend(sim, HAND_OUT, sim->world->costs.fork);
}

/* Goes on with the schedule's actions until there are none or one takes time. */
static void hand_out(struct simulator *sim)
{
    struct pp_action action;
    if (sim->spawning) {
        spawned(sim);
    }
    while (!sim->failed && pp_schedule_next(&sim->schedule, sim->hand_out_ns, &action)) {
        sim->timed_out = false;
        CHECK(++sim->actions < 4 * sim->world->tasks + 8 * sim->world->workers + 100, "actions without end");
        switch (action.kind) {
        case PP_ACTION_SEND:
            send(sim, &action);
            break;
        case PP_ACTION_TAKE_BACK:
            take_back(sim, action.lane);
            sim->cost += sim->world->costs.send;
            break;
        case PP_ACTION_SPAWN:
            spawn(sim, action.lane);
            return;
        case PP_ACTION_RETIRE:
            retire(sim, action.lane);
            break;
        case PP_ACTION_GIVE_UP:
            give_up(sim, action.error);
            break;
        }
    }
    sim->phase = FLUSH;
}

/* A new round of it. */
static void begin_hand_out(struct simulator *sim, enum parent_phase after)
{
    sim->phase = HAND_OUT;
    sim->after_flush = after;
    sim->hand_out_ns = sim->clock.now_ns;
    sim->actions = 0;
    sim->listened = false;
    sim_part_ends(sim);
}

/* How much of its frames the worker's pipe takes. */
static uint64_t room_for(const struct worker *worker)
{
    uint64_t room = PIPE_BYTES - worker->in_pipe;
    return worker->unwritten_bytes < room ? worker->unwritten_bytes : room;
}

/* The write to one worker is done. */
static void flushed(struct simulator *sim)
{
    struct worker *worker = &sim->workers[sim->flush_lane];
    uint64_t bytes = room_for(worker);
    bool is_large = worker->unwritten_bytes > LARGE_BYTES;
    sim->flushing = false;
    worker->unwritten_bytes -= bytes;
    worker->in_pipe += bytes;
    for (uint64_t rest = bytes; rest > 0;) {
        struct frame *frame = sim_frame_at(worker, worker->unsent);
        uint64_t part = frame->left < rest ? frame->left : rest;
        frame->left -= part;
        rest -= part;
        worker->unsent += frame->left == 0;
    }
    if (is_large && bytes > 0) {
        sim_silence_ends(sim, worker);
        pp_schedule_written(&sim->schedule, sim->flush_lane, sim->clock.now_ns);
        sim->result->parts_written++;
        sim_excuse(sim);
    }
    sim_worker_wake(sim, worker);
}

static void flush(struct simulator *sim)
{
    const struct simulator_costs *costs = &sim->world->costs;
    if (sim->flushing) {
        flushed(sim);
    }
    while (sim->dirty_count > 0) {
        size_t lane = sim->dirty[--sim->dirty_count];
        struct worker *worker = &sim->workers[lane];
        worker->dirty = false;
        if (worker->unwritten_bytes > 0) {
            sim->flushing = true;
            sim->flush_lane = lane;
            spend(sim, FLUSH,
                  costs->write + (worker->phase == READING ? costs->waking : 0) +
                      sim_copy_ns(sim, room_for(worker)));
            return;
        }
    }
    sim->phase = sim->after_flush;
    if (sim->phase == POLL) {
        listen(sim, FOR_ALL);
    }
}

/* ---- listen ---- */

static bool is_readable(const struct worker *worker)
{
    return worker->replies.begin < worker->unwritten || worker->phase == GONE;
}

static bool is_ready(const struct worker *worker)
{
    bool writable = worker->phase != GONE && worker->unwritten_bytes > 0 && worker->in_pipe == 0;
    return worker->process && (is_readable(worker) || writable);
}

static void gather_ready(struct simulator *sim)
{
    sim->heard_ns = sim->clock.now_ns;
    sim->ready_count = sim->ready_index = 0;
    for (size_t lane = 0; lane < sim->world->workers; lane++) {
        if (is_ready(&sim->workers[lane])) {
            sim->ready[sim->ready_count++] = lane;
        }
    }
    sim->reading = false;
    sim->phase = TAKE_IN;
}

static void fall_asleep(struct simulator *sim)
{
    uint64_t now_ns = sim->clock.now_ns;
    uint64_t until = pp_schedule_deadline(&sim->schedule);
    sim->deadline = until;
    sim_check_asleep(sim);
    uint64_t other = now_ns + HEARTBEAT_NS;
    if (sim->world->pattern == SIMULATOR_TRICKLE && sim->submitted < sim->world->tasks) {
        other = sim->next_submit_ns;
    }
    uint64_t first = until < other ? until : other;
    uint64_t ms = first > now_ns ? (first - now_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
    sim->phase = ASLEEP;
    sim_clock_at(&sim->clock, now_ns + ms * NS_PER_MS, parent_of(sim), PARENT_TIMEOUT);
}

static void poll_workers(struct simulator *sim)
{
    if (!sim->polled) {
        sim->polled = true;
        spend(sim, POLL,
              (sim->listening == FOR_ALL ? sim->world->costs.step : 0) + sim->world->costs.poll +
                  sim->world->costs.poll_lane * sim->schedule.live);
        return;
    }
    gather_ready(sim);
    if (sim->ready_count == 0 && sim->listening == FOR_ALL) {
        fall_asleep(sim);
    }
}

static void awake(struct simulator *sim)
{
    sim_clock_call_off(&sim->clock, parent_of(sim)); /* the other reason to wake up */
    sim->awake_soon = false;
    sim->cost += sim->world->costs.sleep;
    gather_ready(sim);
    sim->timed_out = sim->ready_count == 0 && sim->clock.now_ns >= sim->deadline;
}

/* ---- take_in ---- */

static void settle(struct simulator *sim, struct task *task)
{
    if (task->done) {
        return; /* cancelled by force */
    }
    task->attempts++;
    if (task->attempts <= sim->world->retries) {
        pp_schedule_resubmit(&sim->schedule, &task->job);
        sim->returned++;
    } else {
        sim_task_done(sim, task);
    }
}

/* What the worker had begun it has not. */
static void lose_answers(struct simulator *sim, struct worker *worker)
{
    for (uint64_t i = worker->replies.begin; i < worker->replies.end; i++) {
        if (sim_reply_at(worker, i)->task != NULL) {
            sim_task_lost(sim, sim_reply_at(worker, i)->task);
        }
    }
    if (worker->running != NULL) {
        sim_task_lost(sim, worker->running);
    }
    worker->replies.begin = worker->unwritten = worker->replies.end;
    worker->frames.begin = worker->piped = worker->unsent = worker->frames.end;
    worker->in_pipe = worker->unwritten_bytes = 0;
}

/* Of the first jobs of the queue, those that were cancelled while a worker had them. */
static void drop_cancelled(struct simulator *sim, size_t count)
{
    struct pp_job *job = sim->schedule.queue.first;
    for (size_t i = 0; i < count; i++) {
        struct pp_job *next = job->next;
        if (((struct task *)job)->done) {
            pp_schedule_remove(&sim->schedule, job);
            sim->returned--;
        }
        job = next;
    }
}

/* Nobody knows which of those that the worker had begun it died of. */
static void suspect_all(struct simulator *sim, size_t lane, size_t count)
{
    struct pp_job *job = sim->schedule.lanes[lane].window.first;
    for (size_t i = 0; i < count; i++, job = job->next) {
        ((struct task *)job)->suspect = true;
    }
    pp_schedule_suspect(&sim->schedule, lane, count);
    sim->result->suspects += count;
}

/* The worker's end has been seen, and all it wrote before. */
static void bury(struct simulator *sim, size_t lane)
{
    struct worker *worker = &sim->workers[lane];
    struct task *running = worker->running;
    size_t claimed = worker->claimed;
    bool greeted = sim->schedule.lanes[lane].hello;
    sim_silence_ends(sim, worker);
    lose_answers(sim, worker);
    worker->process = false;
    sim->cost += sim->world->costs.reap;
    if (!greeted && claimed == 0 && !worker->refused) {
        sim_start_blamed(sim, CRASHED);
        pp_schedule_blame(&sim->schedule, CRASHED);
    }
    if (worker->obscure && claimed > 1) {
        suspect_all(sim, lane, claimed);
        claimed = 0;
        running = NULL;
    }
    if (!greeted && claimed == 0) {
        sim_start_failed(sim, sim->clock.now_ns);
    }
    size_t queued = sim->schedule.queue.count;
    struct pp_job *guilty = pp_schedule_died(&sim->schedule, lane, claimed, sim->clock.now_ns);
    size_t returned = sim->schedule.queue.count - queued;
    sim_check_left(sim, lane, guilty, returned);
    CHECK(running == NULL || guilty == &running->job, "lane %zu died of another task than is blamed", lane);
    CHECK((guilty != NULL) == (claimed > 0), "lane %zu died, and a task is blamed wrongly or not at all",
          lane);
    drop_cancelled(sim, returned);
    if (guilty != NULL) {
        settle(sim, (struct task *)guilty);
    }
}

static void take_in_hello(struct simulator *sim, size_t lane)
{
    struct worker *worker = &sim->workers[lane];
    if (worker->dies_at_start) {
        worker->refused = true;
        sim_start_blamed(sim, worker->start_code);
        pp_schedule_blame(&sim->schedule, worker->start_code);
    } else {
        sim_start_succeeded(sim);
        pp_schedule_hello(&sim->schedule, lane, sim->heard_ns);
    }
}

static void take_in_lane(struct simulator *sim, size_t lane)
{
    struct worker *worker = &sim->workers[lane];
    if (worker->replies.begin == worker->unwritten && worker->phase == GONE) {
        bury(sim, lane);
        return;
    }
    while (worker->replies.begin < worker->unwritten) {
        struct reply reply = *sim_reply_at(worker, worker->replies.begin++);
        if (reply.task == NULL) {
            take_in_hello(sim, lane);
            continue;
        }
        sim_silence_ends(sim, worker);
        struct pp_job *job = pp_schedule_reply(&sim->schedule, lane, reply.nanoseconds, sim->heard_ns);
        CHECK(job == &reply.task->job, "lane %zu answers another task than the first of its window", lane);
        worker->claimed--;
        sim_check_left(sim, lane, job, 0);
        if (!reply.task->cancelled) {
            sim_task_done(sim, reply.task);
        }
        sim->cost += sim->world->costs.reply;
    }
    sim_worker_wake(sim, worker);
}

/* Reads from each of those that were ready, one after the other. */
static void take_in(struct simulator *sim)
{
    if (sim->reading) {
        take_in_lane(sim, sim->ready[sim->ready_index]);
        sim->reading = false;
        sim->ready_index++;
    }
    for (; sim->ready_index < sim->ready_count; sim->ready_index++) {
        size_t lane = sim->ready[sim->ready_index];
        const struct worker *worker = &sim->workers[lane];
        mark_dirty(sim, lane);
        if (is_readable(worker)) {
            uint64_t frames = worker->unwritten - worker->replies.begin;
            sim->reading = true;
            spend(sim, TAKE_IN,
                  sim->world->costs.read + sim_copy_ns(sim, frames * sim_frame_bytes(sim->world->size)));
            return;
        }
    }
    pp_schedule_heard(&sim->schedule, sim->heard_ns);
    if (sim->listening == BEFORE_A_START) { /* goes on where it was */
        sim->phase = HAND_OUT;
        sim->hand_out_ns = sim->heard_ns;
        sim_part_ends(sim);
    } else {
        begin_hand_out(sim, CALLER);
    }
}

/* ---- The caller ---- */

static bool is_map(const struct simulator *sim)
{
    return sim->world->pattern == SIMULATOR_ORDERED || sim->world->pattern == SIMULATOR_COMPLETED;
}

/* Takes the next result, if it is there: in the order submitted, or as completed. */
static bool consume(struct simulator *sim)
{
    size_t next = sim->consumed;
    if (sim->world->pattern == SIMULATOR_COMPLETED) {
        if (sim->consumed == sim->finished) {
            return false;
        }
        next = sim->outcomes[sim->consumed];
    } else if (sim->consumed == sim->submitted || !sim->tasks[next].done) {
        return false;
    }
    sim_task_given(sim, next);
    sim->consumed++;
    sim->cost += sim->world->costs.consume;
    return true;
}

/* Whether the caller begins to submit: a map when a quarter of its look-ahead is free. */
static bool wants_to_submit(const struct simulator *sim)
{
    size_t under_way = sim->submitted - sim->consumed;
    return sim->submitted < sim->world->tasks && (!is_map(sim) || under_way < 2 * sim->world->workers ||
                                                  under_way < sim->world->look_ahead / 4 * 3);
}

/* And whether it goes on, once it has begun. */
static bool may_submit(const struct simulator *sim)
{
    return sim->submitted < sim->world->tasks &&
           (!is_map(sim) || sim->submitted - sim->consumed < sim->world->look_ahead) &&
           (sim->world->pattern != SIMULATOR_TRICKLE || sim->clock.now_ns >= sim->next_submit_ns);
}

/* Submits one. Whether the parent steps in, as pp_core_submitted does: it was told that it may act, and this is
 * no long burst; or nobody was heard for long. */
static bool submit(struct simulator *sim)
{
    struct task *task = &sim->tasks[sim->submitted++];
    sim_task_submitted(sim, task);
    sim->cost += sim->world->costs.submit;
    if (sim->world->pattern == SIMULATOR_TRICKLE && draw_below(&sim->random, 4) == 0) {
        sim->next_submit_ns = sim->clock.now_ns + draw_below(&sim->random, 2 * sim->world->pause_ns + 1);
    }
    bool may_act = pp_schedule_submit(&sim->schedule, &task->job, task->key, task->size);
    bool to_look = ++sim->submits == sim->look_at;
    if (to_look) {
        uint64_t patience_ns = UNHEARD_NS + sim->schedule.live * UNHEARD_LANE_NS;
        bool is_long = sim->clock.now_ns + sim->cost >= sim->schedule.heard_ns + patience_ns;
        sim->look_gap = is_long ? 1 : 2 * sim->look_gap;
        sim->look_gap = sim->look_gap < LONGEST_GAP ? sim->look_gap : LONGEST_GAP;
        sim->look_at += sim->look_gap;
        if (is_long) {
            listen(sim, AMONG_SUBMITS);
            return true;
        }
    }
    if (may_act && sim->submits <= 2 * sim->world->workers + 8) {
        begin_hand_out(sim, CALLER);
        return true;
    }
    return false;
}

/* A task that was not begun is the caller's again. */
static void cancel(struct simulator *sim, struct task *task)
{
    if (task->job.place == PP_PLACE_WINDOW) {
        take_back(sim, task->job.lane);
    }
    CHECK(task->job.place == PP_PLACE_QUEUE, "a task that was not started cannot be cancelled");
    pp_schedule_remove(&sim->schedule, &task->job);
    sim->returned -= task->sent;
    sim_task_done(sim, task);
}

/* A task that was begun: its worker is killed if it is at it, else its answer will be dropped. */
static void cancel_by_force(struct simulator *sim, struct task *task)
{
    size_t lane = task->job.lane;
    struct worker *worker = &sim->workers[lane];
    if (sim->schedule.lanes[lane].state != PP_LANE_READY) {
        return;
    }
    take_back(sim, lane);
    if (sim->schedule.lanes[lane].window.last == &task->job && worker->phase != GONE) {
        worker->obscure = false;
        sim_worker_vanish(sim, worker);
        sim->result->busy_kills++;
    }
    task->cancelled = true;
    sim_task_done(sim, task);
}

static void cancel_some(struct simulator *sim)
{
    if (sim->cancels + sim->force_cancels == 0 || sim->submitted == 0 || draw_below(&sim->random, 4) != 0) {
        return;
    }
    struct task *task = &sim->tasks[draw_below(&sim->random, sim->submitted)];
    if (task->done) {
        return;
    }
    if (sim->cancels > 0 && !task->started) {
        sim->cancels--;
        cancel(sim, task);
    } else if (sim->force_cancels > 0 && task->started) {
        sim->force_cancels--;
        cancel_by_force(sim, task);
    }
}

/* Submits and takes results until there is nothing to do but to step. */
static void call(struct simulator *sim)
{
    bool is_there = true;
    while (is_there || sim->submitting) {
        while (sim->submitting && may_submit(sim)) {
            if (submit(sim)) {
                return;
            }
        }
        cancel_some(sim);
        is_there = consume(sim);
        sim->submitting = wants_to_submit(sim) && may_submit(sim);
    }
    sim->submits = 0;
    sim->look_at = sim->look_gap = 1;
    if (sim->finished == sim->world->tasks && sim->cost > 0) {
        spend(sim, CALLER, 0);
    } else if (sim->finished == sim->world->tasks) {
        sim->over = true;
    } else if (sim->finished == sim->submitted) {
        /* Nothing is under way, and the caller does not step. */
        uint64_t now_ns = sim->clock.now_ns;
        sim->phase = AWAY;
        sim_clock_at(&sim->clock, sim->next_submit_ns > now_ns ? sim->next_submit_ns : now_ns, parent_of(sim),
                     PARENT_TIMEOUT);
    } else {
        begin_hand_out(sim, POLL);
    }
}

/* ---- The parent's life ---- */

/* If nothing was to be done at the deadline it must have moved. */
static void hand_out_in_time(struct simulator *sim)
{
    bool timed_out = sim->timed_out;
    hand_out(sim);
    if (timed_out && sim->timed_out && sim->phase == FLUSH) {
        sim->timed_out = false;
        CHECK(pp_schedule_deadline(&sim->schedule) > sim->clock.now_ns,
              "nothing to do at the deadline, and it stays");
    }
}

/* Goes on until there is something to do that takes time, or it sleeps. */
static void go_on(struct simulator *sim)
{
    while (!sim->is_busy && sim->phase != ASLEEP && sim->phase != AWAY && !sim->over && !sim->failed) {
        switch (sim->phase) {
        case CALLER:
            call(sim);
            break;
        case HAND_OUT:
            hand_out_in_time(sim);
            break;
        case FLUSH:
            flush(sim);
            break;
        case POLL:
            poll_workers(sim);
            break;
        case TAKE_IN:
            take_in(sim);
            break;
        case ASLEEP:
        case AWAY:
            break;
        }
    }
}

void sim_parent_event(struct simulator *sim, enum event_kind kind)
{
    if (kind == WORK_DONE && sim->is_busy) {
        sim->is_busy = false;
        sim->result->parent_busy_ns += sim->clock.now_ns - sim->busy_since;
    } else if (kind != WORK_DONE && sim->phase == AWAY) {
        sim_clock_call_off(&sim->clock, parent_of(sim));
        sim->phase = CALLER;
    } else if (kind != WORK_DONE) {
        awake(sim);
    }
    go_on(sim);
}
