/* A worker reads what is in its pipe, claims and runs task after task, gathers the answers and writes them as
 * src/pool/worker.c does. */

#include "support/simulator_parts.h"

enum { FLUSH_BYTES = 32 * 1024, REPLY_AGE_NS = 50000 };

static void work_on(struct simulator *sim, struct worker *worker, enum phase phase, uint64_t amount)
{
    amount += worker->cost;
    worker->cost = 0;
    worker->phase = phase;
    worker->busy = true;
    worker->work_left = sim->clock.work_ns + amount;
    sim_clock_work(&sim->clock, lane_of(sim, worker), amount);
}

static void go_on(struct simulator *sim, struct worker *worker);

/* Writes what the pipe has room for. */
static void write_replies(struct simulator *sim, struct worker *worker)
{
    uint64_t each = sim_frame_bytes(sim->world->size);
    while (worker->unwritten < worker->replies.end &&
           (worker->unwritten == worker->replies.begin ||
            (worker->unwritten - worker->replies.begin + 1) * each <= PIPE_BYTES)) {
        worker->unwritten++;
    }
    sim_parent_wake(sim);
    if (worker->unwritten < worker->replies.end) {
        worker->phase = WRITING;
    } else {
        go_on(sim, worker);
    }
}

static uint64_t unwritten_replies(const struct simulator *sim, const struct worker *worker)
{
    return (worker->replies.end - worker->unwritten) * sim_frame_bytes(sim->world->size);
}

static void start_write(struct simulator *sim, struct worker *worker)
{
    const struct simulator_costs *costs = &sim->world->costs;
    uint64_t waking = sim->phase == ASLEEP && !sim->awake_soon ? costs->waking : 0;
    work_on(sim, worker, WRITE, costs->write + waking + sim_copy_ns(sim, unwritten_replies(sim, worker)));
}

static bool claim(struct simulator *sim, struct worker *worker, const struct frame *frame)
{
    if (frame->epoch != worker->epoch) {
        return false;
    }
    sim_silence_ends(sim, worker);
    worker->mute = false;
    worker->claimed++;
    sim_task_started(sim, frame->task);
    return true;
}

static void run(struct simulator *sim, struct worker *worker, struct task *task, uint64_t dropped)
{
    const struct simulator_costs *costs = &sim->world->costs;
    worker->running = task;
    work_on(sim, worker, RUNNING,
            dropped * costs->task / 4 + costs->task + task->duration_ns * worker->slowness);
}

void sim_worker_vanish(struct simulator *sim, struct worker *worker)
{
    if (worker->busy && !worker->stopped) {
        sim_clock_rest(&sim->clock);
    }
    sim_idle_ends(sim, worker);
    worker->busy = worker->stopped = worker->waking = false;
    worker->phase = GONE;
    sim_clock_call_off(&sim->clock, lane_of(sim, worker));
    sim_parent_wake(sim);
}

/* What a worker does between two pieces of work. */
static void go_on(struct simulator *sim, struct worker *worker)
{
    const struct simulator_costs *costs = &sim->world->costs;
    uint64_t dropped = 0;
    while (worker->frames.begin < worker->piped) {
        struct frame frame = *sim_frame_at(worker, worker->frames.begin++);
        if (claim(sim, worker, &frame)) {
            run(sim, worker, frame.task, dropped);
            return;
        }
        dropped++;
    }
    if (worker->in_pipe > 0) {
        work_on(sim, worker, READ,
                costs->read + sim_copy_ns(sim, worker->in_pipe) + dropped * costs->task / 4);
    } else if (worker->unwritten < worker->replies.end) {
        start_write(sim, worker);
    } else if (worker->eof) {
        sim_worker_vanish(sim, worker);
    } else {
        worker->phase = READING;
        sim_idle_begins(sim, worker);
    }
}

static void answer(struct simulator *sim, struct worker *worker, struct task *task, uint64_t nanoseconds)
{
    if (worker->unwritten == worker->replies.end) {
        worker->oldest_began_ns = sim->clock.now_ns - nanoseconds;
    }
    struct reply *reply = sim_ring_push(&worker->replies, sizeof(struct reply));
    *reply = (struct reply){task, nanoseconds};
}

static void has_run(struct simulator *sim, struct worker *worker)
{
    struct task *task = worker->running;
    if (task->deadly && task->attempts == 0) {
        sim_worker_vanish(sim, worker);
        return;
    }
    worker->running = NULL;
    answer(sim, worker, task, task->duration_ns * worker->slowness);
    if (unwritten_replies(sim, worker) >= FLUSH_BYTES ||
        sim->clock.now_ns - worker->oldest_began_ns >= REPLY_AGE_NS) {
        start_write(sim, worker);
    } else {
        go_on(sim, worker);
    }
}

static void has_started(struct simulator *sim, struct worker *worker)
{
    if (worker->dies_at_start && worker->start_code == CRASHED) {
        sim_worker_vanish(sim, worker);
        return;
    }
    answer(sim, worker, NULL, 0);
    if (worker->dies_at_start) { /* its initializer failed: it says so, and ends */
        worker->unwritten = worker->replies.end;
        sim_worker_vanish(sim, worker);
    } else {
        go_on(sim, worker);
    }
}

/* A piece of the worker's work is done. */
static void work_done(struct simulator *sim, struct worker *worker)
{
    worker->busy = false;
    switch (worker->phase) {
    case STARTING:
        has_started(sim, worker);
        break;
    case READ:
        worker->piped = worker->unsent;
        worker->in_pipe = 0;
        if (worker->unwritten_bytes > 0) {
            sim_parent_wake(sim);
        }
        go_on(sim, worker);
        break;
    case RUNNING:
        has_run(sim, worker);
        break;
    case WRITE:
        write_replies(sim, worker);
        break;
    case GONE:
    case READING:
    case WRITING:
        sim_violation(sim, "the simulator is wrong: work in phase %d", worker->phase);
        break;
    }
}

void sim_worker_wake(struct simulator *sim, struct worker *worker)
{
    if ((worker->phase == READING || worker->phase == WRITING) && !worker->waking) {
        worker->waking = true;
        sim_idle_ends(sim, worker);
        sim_clock_at(&sim->clock, sim->clock.now_ns + sim->world->costs.wake, lane_of(sim, worker), WAKE);
    }
}

static void woken(struct simulator *sim, struct worker *worker)
{
    worker->waking = false;
    if (worker->stopped) {
        return; /* CONTINUE looks again */
    }
    worker->cost = sim->world->costs.sleep;
    if (worker->phase == READING) {
        go_on(sim, worker);
    } else if (worker->phase == WRITING) {
        write_replies(sim, worker);
    }
}

void sim_worker_start(struct simulator *sim, size_t lane)
{
    struct worker *worker = &sim->workers[lane];
    worker->process = true;
    worker->epoch = 0;
    worker->claimed = 0;
    worker->cost = 0;
    worker->eof = worker->stopped = worker->waking = worker->obscure = worker->refused = false;
    worker->mute = false;
    worker->running = NULL;
    worker->slowness = lane < sim->world->slow ? 10 : 1;
    worker->dies_at_start = sim->failed_starts > 0;
    worker->start_code = CRASHED;
    worker->progress = sim_moment_now(sim);
    if (worker->dies_at_start) {
        sim->failed_starts--;
        worker->start_code = draw_below(&sim->random, 2) == 0 ? CRASHED : REFUSED - (int)lane;
    }
    work_on(sim, worker, STARTING, sim->world->costs.start);
}

/* ---- Faults ---- */

static void stop(struct simulator *sim, struct worker *worker)
{
    if (worker->phase != GONE && !worker->stopped) {
        sim_idle_ends(sim, worker);
        worker->stopped = true;
        if (worker->held > worker->claimed) {
            sim_excuse(sim);
        }
        if (worker->busy) {
            worker->work_left -= sim->clock.work_ns;
            sim_clock_rest(&sim->clock);
        }
        sim_clock_call_off(&sim->clock, lane_of(sim, worker));
        worker->waking = false;
    }
}

static void resume(struct simulator *sim, struct worker *worker)
{
    if (worker->phase != GONE && worker->stopped) {
        worker->stopped = false;
        if (worker->busy) {
            work_on(sim, worker, worker->phase, worker->work_left);
        } else {
            woken(sim, worker);
        }
    }
}

void sim_worker_event(struct simulator *sim, struct worker *worker, enum event_kind kind)
{
    switch (kind) {
    case WORK_DONE:
        work_done(sim, worker);
        break;
    case WAKE:
        woken(sim, worker);
        break;
    case KILL:
    case KILL_OBSCURELY:
        if (worker->phase != GONE) {
            worker->obscure = kind == KILL_OBSCURELY;
            sim_worker_vanish(sim, worker);
        }
        break;
    case STOP:
        stop(sim, worker);
        break;
    case CONTINUE:
        resume(sim, worker);
        break;
    case PARENT_WAKE:
    case PARENT_TIMEOUT:
        break;
    }
}
