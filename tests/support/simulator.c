/* Two clocks drive the world: the wall, on which latencies, timeouts and faults happen, and `work`, which
 * advances by one for each ns that a running process gets done. With a core for each process they are the
 * same; with fewer, work is slower, for all alike. A process has one piece of work at a time and, when that
 * is done, goes on to its next phase:
 *
 *   parent   CALLER -> HAND_OUT -> FLUSH (a write each) -> POLL -> ASLEEP -> TAKE_IN (a read each)
 *                   -> HAND_OUT -> FLUSH -> CALLER
 *   worker   STARTING -> (READING | READ -> RUNNING ... -> WRITE [WRITING] -> ...) -> GONE */

#include "support/simulator.h"

#include "executor/schedule.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIPE_BYTES = 64 * 1024,
    FLUSH_BYTES = 32 * 1024,
    FRAME_BYTES = 24,
    FRAME_UNIT = 16,
    REPLY_AGE_NS = 50000,
    NS_PER_MS = 1000000,
    HEARTBEAT_NS = 250000000,
    FIRST_PAUSE_NS = 10000000,
    CREDIT_NS = 16000000,
    CREDIT_BYTES = 256 * 1024
};

#define LONGEST_NS UINT64_C(5000000000) /* of a task */

/* ---- Random numbers: splitmix64 ---- */

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From 0 to limit - 1. */
static uint64_t draw_below(uint64_t *state, uint64_t limit)
{
    return limit == 0 ? 0 : draw(state) % limit;
}

static double draw_unit(uint64_t *state)
{
    return (double)(draw(state) >> 11) / 9007199254740992.0;
}

/* From low to high, each magnitude as likely as the others. */
static uint64_t draw_magnitude(uint64_t *state, double low, double high)
{
    return (uint64_t)(low * pow(high / low, draw_unit(state)));
}

/* ---- What the world is made of ---- */

struct task {
    struct pp_job job;
    uint64_t duration_ns;
    uint64_t key;
    unsigned attempts;
    bool sent; /* at least once */
    bool submitted;
    bool started; /* claimed by a worker that lives, or done */
    bool done;
    bool deadly;
};

struct frame {
    struct task *task;
    uint64_t epoch;
};

struct reply {
    struct task *task; /* NULL: a hello */
    uint64_t nanoseconds;
};

/* A queue in a ring, of two kinds of item, cut in stretches by its user. */
struct ring {
    void *items;
    size_t item_size;
    size_t capacity; /* a power of two */
    uint64_t begin;
    uint64_t end;
};

/* A time, and how long the parent had been busy until then: what is counted from a moment on is time in which
 * the parent could have acted. */
struct moment {
    uint64_t time;
    uint64_t parent_busy;
};

enum phase { GONE, STARTING, READING, READ, RUNNING, WRITE, WRITING };

struct worker {
    enum phase phase;
    bool stopped;
    bool busy;    /* has work under way, or left when stopped */
    bool eof;     /* its request pipe is closed */
    bool process; /* there is one, dead or alive, that was not reaped */
    bool waking;
    uint64_t work_end;   /* on the clock of work; what is left of it while stopped */
    uint32_t generation; /* of its pending events */
    struct ring frames;  /* [begin, piped): read; [piped, unsent): in the pipe; [unsent, end): the parent's */
    uint64_t piped;
    uint64_t unsent;
    struct ring replies; /* [begin, unwritten): in the pipe; [unwritten, end): the worker's */
    uint64_t unwritten;
    struct task *running;
    uint64_t oldest_began_ns; /* of the tasks whose replies are not written */
    uint64_t slowness;
    uint64_t epoch;
    size_t claimed; /* tasks claimed and not answered, as the parent counts the answers */
    struct moment idle_since;
    struct moment progress; /* when it last began or answered a task, or was sent one after it had none */
    bool dirty;
    bool dies_at_start;
};

enum parent_phase { CALLER, HAND_OUT, FLUSH, POLL, ASLEEP, TAKE_IN, AWAY };

enum event_kind { WORK_DONE, WAKE, PARENT_WAKE, PARENT_TIMEOUT, KILL, STOP, CONTINUE };

struct event {
    uint64_t time;
    uint64_t order; /* of events at one time */
    uint32_t who;   /* PARENT or a lane */
    uint32_t generation;
    enum event_kind kind;
};

#define PARENT UINT32_MAX

struct heap {
    struct event *events;
    size_t count;
    size_t capacity;
};

struct simulator {
    const struct simulator_world *world;
    struct simulator_result *result;
    struct pp_schedule schedule;
    struct task *tasks;
    struct worker *workers;
    struct heap wall;
    struct heap work;
    uint64_t now;
    uint64_t work_now;
    size_t runnable;
    uint64_t orders;
    uint64_t random;
    /* The parent. */
    enum parent_phase phase;
    enum parent_phase after_flush;
    uint32_t generation;
    bool awake_soon;
    uint64_t cost; /* to be spent with the next piece of work */
    uint64_t busy_since;
    bool is_busy;
    uint64_t hand_out_ns;
    bool spawning;
    size_t spawn_lane;
    bool flushing;
    size_t flush_lane;
    bool polled;
    size_t *dirty;
    size_t dirty_count;
    size_t *ready;
    size_t ready_count;
    size_t ready_index;
    bool reading;
    size_t burst;
    uint64_t deadline;
    bool timed_out;
    uint64_t heard_ns;
    /* The tasks. */
    size_t submitted;
    size_t consumed; /* ORDERED: the head */
    size_t finished;
    size_t unstarted;
    struct moment unstarted_since;
    uint64_t next_submit_ns;
    size_t first_sends; /* the tasks before this one have been sent at least once, or cancelled */
    size_t returned;    /* tasks in the queue that were sent before */
    size_t failed_spawns;
    size_t failed_starts;
    size_t failures_in_a_row;
    uint64_t last_failure_ns;
    size_t cancels;
    bool failed;
    bool over;
};

static void violation(struct simulator *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void violation(struct simulator *sim, const char *format, ...)
{
    if (sim->failed) {
        return;
    }
    sim->failed = true;
    int length = snprintf(sim->result->violation, sizeof sim->result->violation,
                          "at %llu ns: ", (unsigned long long)sim->now);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->result->violation + length, sizeof sim->result->violation - (size_t)length, format,
              arguments);
    va_end(arguments);
}

/* A check that stops this world if it fails. */
#define CHECK(condition, ...)            \
    do {                                 \
        if (!(condition)) {              \
            violation(sim, __VA_ARGS__); \
        }                                \
    } while (0)

static void *grown(void *memory, size_t size)
{
    void *larger = realloc(memory, size);
    if (larger == NULL) {
        abort();
    }
    return larger;
}

/* ---- Rings ---- */

static void *ring_at(const struct ring *ring, uint64_t index)
{
    return (char *)ring->items + (index & (ring->capacity - 1)) * ring->item_size;
}

static void *ring_push(struct ring *ring, size_t item_size)
{
    if (ring->end - ring->begin == ring->capacity) {
        struct ring larger = {.item_size = item_size,
                              .capacity = ring->capacity > 0 ? 2 * ring->capacity : 8};
        larger.items = grown(NULL, larger.capacity * item_size);
        larger.begin = ring->begin;
        for (larger.end = ring->begin; larger.end < ring->end; larger.end++) {
            memcpy(ring_at(&larger, larger.end), ring_at(ring, larger.end), item_size);
        }
        free(ring->items);
        *ring = larger;
    }
    return ring_at(ring, ring->end++);
}

static struct frame *frame_at(const struct worker *worker, uint64_t index)
{
    return ring_at(&worker->frames, index);
}

static struct reply *reply_at(const struct worker *worker, uint64_t index)
{
    return ring_at(&worker->replies, index);
}

/* ---- Events ---- */

static bool is_before(const struct event *left, const struct event *right)
{
    return left->time != right->time ? left->time < right->time : left->order < right->order;
}

static void push_event(struct simulator *sim, struct heap *heap, struct event event)
{
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity > 0 ? 2 * heap->capacity : 16;
        heap->events = grown(heap->events, heap->capacity * sizeof *heap->events);
    }
    event.order = sim->orders++;
    size_t at = heap->count++;
    while (at > 0 && is_before(&event, &heap->events[(at - 1) / 2])) {
        heap->events[at] = heap->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->events[at] = event;
}

static struct event pop_event(struct heap *heap)
{
    struct event first = heap->events[0];
    struct event last = heap->events[--heap->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && is_before(&heap->events[child + 1], &heap->events[child])) {
            child++;
        }
        if (!is_before(&heap->events[child], &last)) {
            break;
        }
        heap->events[at] = heap->events[child];
        at = child;
    }
    heap->events[at] = last;
    return first;
}

static uint32_t generation_of(const struct simulator *sim, uint32_t who)
{
    return who == PARENT ? sim->generation : sim->workers[who].generation;
}

/* Events of an older generation have been called off. Faults are for a lane whatever process is in it, and
 * nothing calls them off. */
static void drop_called_off(struct simulator *sim, struct heap *heap)
{
    while (heap->count > 0 && heap->events[0].kind < KILL &&
           heap->events[0].generation != generation_of(sim, heap->events[0].who)) {
        pop_event(heap);
    }
}

static void at_wall(struct simulator *sim, uint64_t time, uint32_t who, enum event_kind kind)
{
    push_event(sim, &sim->wall,
               (struct event){.time = time, .who = who, .generation = generation_of(sim, who), .kind = kind});
}

static void start_work(struct simulator *sim, uint32_t who, uint64_t amount)
{
    push_event(sim, &sim->work,
               (struct event){.time = sim->work_now + amount,
                              .who = who,
                              .generation = generation_of(sim, who),
                              .kind = WORK_DONE});
    sim->runnable++;
}

/* How long the wall clock takes for so much work, and how much is done in so much time. */
static uint64_t wall_of_work(const struct simulator *sim, uint64_t amount)
{
    size_t cores = sim->world->cores;
    return cores == 0 || sim->runnable <= cores ? amount : (amount * sim->runnable + cores - 1) / cores;
}

static uint64_t work_of_wall(const struct simulator *sim, uint64_t amount)
{
    size_t cores = sim->world->cores;
    return cores == 0 || sim->runnable <= cores ? amount : amount * cores / sim->runnable;
}

static uint64_t frame_bytes(size_t payload)
{
    return (FRAME_BYTES + payload + FRAME_UNIT - 1) / FRAME_UNIT * FRAME_UNIT;
}

static uint64_t copy_ns(const struct simulator *sim, uint64_t frames)
{
    return frames * frame_bytes(sim->world->size) * sim->world->costs.kilobyte / 1024;
}

/* ---- Moments ---- */

static struct moment moment_now(const struct simulator *sim)
{
    uint64_t busy = sim->result->parent_busy_ns + (sim->is_busy ? sim->now - sim->busy_since : 0);
    return (struct moment){sim->now, busy};
}

static uint64_t free_time_since(const struct simulator *sim, struct moment then)
{
    struct moment now = moment_now(sim);
    return now.time - then.time - (now.parent_busy - then.parent_busy);
}

static struct moment later(struct moment left, struct moment right)
{
    return left.time > right.time ? left : right;
}

/* ---- Tasks ---- */

static void count_unstarted(struct simulator *sim, int by)
{
    if (sim->unstarted == 0) {
        sim->unstarted_since = moment_now(sim);
    }
    sim->unstarted = (size_t)((long)sim->unstarted + by);
}

static void finish(struct simulator *sim, struct task *task)
{
    CHECK(!task->done, "task %zu has a second outcome", (size_t)(task - sim->tasks));
    if (!task->started) {
        count_unstarted(sim, -1);
    }
    task->started = task->done = true;
    sim->finished++;
}

/* Its worker is gone, and its answer with it. */
static void lose_start(struct simulator *sim, struct task *task)
{
    if (task->started && !task->done) {
        task->started = false;
        count_unstarted(sim, 1);
    }
}

/* ---- Workers ---- */

static uint32_t lane_of(const struct simulator *sim, const struct worker *worker)
{
    return (uint32_t)(worker - sim->workers);
}

static void wake_parent(struct simulator *sim)
{
    if (sim->phase == ASLEEP && !sim->awake_soon) {
        sim->awake_soon = true;
        at_wall(sim, sim->now + sim->world->costs.wake, PARENT, PARENT_WAKE);
    }
}

static void work_on(struct simulator *sim, struct worker *worker, enum phase phase, uint64_t amount)
{
    worker->phase = phase;
    worker->busy = true;
    worker->work_end = sim->work_now + amount;
    start_work(sim, lane_of(sim, worker), amount);
}

static void go_on(struct simulator *sim, struct worker *worker);

/* Writes what the pipe has room for. */
static void write_replies(struct simulator *sim, struct worker *worker)
{
    uint64_t each = frame_bytes(sim->world->size);
    while (worker->unwritten < worker->replies.end &&
           (worker->unwritten == worker->replies.begin ||
            (worker->unwritten - worker->replies.begin + 1) * each <= PIPE_BYTES)) {
        worker->unwritten++;
    }
    wake_parent(sim);
    if (worker->unwritten < worker->replies.end) {
        worker->phase = WRITING;
    } else {
        go_on(sim, worker);
    }
}

static void start_write(struct simulator *sim, struct worker *worker)
{
    const struct simulator_costs *costs = &sim->world->costs;
    uint64_t waking = sim->phase == ASLEEP && !sim->awake_soon ? costs->waking : 0;
    work_on(sim, worker, WRITE,
            costs->write + waking + copy_ns(sim, worker->replies.end - worker->unwritten));
}

static bool claim(struct simulator *sim, struct worker *worker, const struct frame *frame)
{
    if (frame->epoch != worker->epoch) {
        return false;
    }
    struct task *task = frame->task;
    CHECK(!task->started, "task %zu is started while it runs or is done", (size_t)(task - sim->tasks));
    worker->claimed++;
    worker->progress = moment_now(sim);
    task->started = true;
    count_unstarted(sim, -1);
    return true;
}

static void run(struct simulator *sim, struct worker *worker, struct task *task, uint64_t dropped)
{
    const struct simulator_costs *costs = &sim->world->costs;
    worker->running = task;
    work_on(sim, worker, RUNNING,
            dropped * costs->task / 4 + costs->task + task->duration_ns * worker->slowness);
}

static void vanish(struct simulator *sim, struct worker *worker)
{
    if (worker->busy && !worker->stopped) {
        sim->runnable--;
    }
    worker->busy = worker->stopped = worker->waking = false;
    worker->phase = GONE;
    worker->generation++;
    wake_parent(sim);
}

/* What a worker does between two pieces of work. */
static void go_on(struct simulator *sim, struct worker *worker)
{
    const struct simulator_costs *costs = &sim->world->costs;
    uint64_t dropped = 0;
    while (worker->frames.begin < worker->piped) {
        struct frame frame = *frame_at(worker, worker->frames.begin++);
        if (claim(sim, worker, &frame)) {
            run(sim, worker, frame.task, dropped);
            return;
        }
        dropped++;
    }
    uint64_t in_pipe = worker->unsent - worker->piped;
    if (in_pipe > 0) {
        work_on(sim, worker, READ, costs->read + copy_ns(sim, in_pipe) + dropped * costs->task / 4);
    } else if (worker->unwritten < worker->replies.end) {
        start_write(sim, worker);
    } else if (worker->eof) {
        vanish(sim, worker);
    } else {
        worker->phase = READING;
        worker->idle_since = moment_now(sim);
    }
}

static void answer(struct simulator *sim, struct worker *worker, struct task *task, uint64_t nanoseconds)
{
    if (worker->unwritten == worker->replies.end) {
        worker->oldest_began_ns = sim->now - nanoseconds;
    }
    struct reply *reply = ring_push(&worker->replies, sizeof(struct reply));
    *reply = (struct reply){task, nanoseconds};
}

/* A piece of the worker's work is done. */
static void worker_event(struct simulator *sim, struct worker *worker)
{
    worker->busy = false;
    sim->runnable--;
    switch (worker->phase) {
    case STARTING:
        if (worker->dies_at_start) {
            vanish(sim, worker);
        } else {
            answer(sim, worker, NULL, 0);
            go_on(sim, worker);
        }
        break;
    case READ:
        worker->piped = worker->unsent;
        if (worker->unsent < worker->frames.end) {
            wake_parent(sim);
        }
        go_on(sim, worker);
        break;
    case RUNNING: {
        struct task *task = worker->running;
        if (task->deadly && task->attempts == 0) {
            vanish(sim, worker);
            break;
        }
        worker->running = NULL;
        answer(sim, worker, task, task->duration_ns * worker->slowness);
        uint64_t bytes = (worker->replies.end - worker->unwritten) * frame_bytes(sim->world->size);
        if (bytes >= FLUSH_BYTES || sim->now - worker->oldest_began_ns >= REPLY_AGE_NS) {
            start_write(sim, worker);
        } else {
            go_on(sim, worker);
        }
        break;
    }
    case WRITE:
        write_replies(sim, worker);
        break;
    case GONE:
    case READING:
    case WRITING:
        violation(sim, "the simulator is wrong: work in phase %d", worker->phase);
        break;
    }
}

/* Something came for a worker that waits for it. */
static void wake_worker(struct simulator *sim, struct worker *worker)
{
    if ((worker->phase == READING || worker->phase == WRITING) && !worker->waking) {
        worker->waking = true;
        at_wall(sim, sim->now + sim->world->costs.wake, lane_of(sim, worker), WAKE);
    }
}

static void woken(struct simulator *sim, struct worker *worker)
{
    worker->waking = false;
    if (worker->stopped) {
        return; /* CONTINUE looks again */
    }
    if (worker->phase == READING) {
        go_on(sim, worker);
    } else if (worker->phase == WRITING) {
        write_replies(sim, worker);
    }
}

static void start_worker(struct simulator *sim, size_t lane)
{
    struct worker *worker = &sim->workers[lane];
    worker->process = true;
    worker->epoch = 0;
    worker->claimed = 0;
    worker->eof = worker->stopped = worker->waking = false;
    worker->running = NULL;
    worker->slowness = lane < sim->world->slow ? 10 : 1;
    worker->dies_at_start = sim->failed_starts > 0;
    worker->progress = moment_now(sim);
    sim->failed_starts -= sim->failed_starts > 0;
    sim->result->spawns++;
    work_on(sim, worker, STARTING, sim->world->costs.start);
}

/* ---- Faults ---- */

static void stop(struct simulator *sim, struct worker *worker)
{
    if (worker->phase != GONE && !worker->stopped) {
        worker->stopped = true;
        if (worker->busy) {
            worker->work_end -= sim->work_now;
            sim->runnable--;
        }
        worker->generation++;
        worker->waking = false;
    }
}

static void resume(struct simulator *sim, struct worker *worker)
{
    if (worker->phase != GONE && worker->stopped) {
        worker->stopped = false;
        if (worker->busy) {
            work_on(sim, worker, worker->phase, worker->work_end);
        } else {
            woken(sim, worker);
        }
    }
}

/* ---- The parent's checks ---- */

static bool is_idle(const struct simulator *sim, size_t lane)
{
    const struct worker *worker = &sim->workers[lane];
    const struct pp_lane *l = &sim->schedule.lanes[lane];
    size_t limit = sim->world->tasks_per_worker;
    return worker->phase == READING && !worker->stopped && !worker->waking && l->state == PP_LANE_READY &&
           l->hello && worker->piped == worker->frames.end && (limit == 0 || l->tasks < limit);
}

/* No worker is idle for long while there is something to start and the parent has time. */
static void check_idle(struct simulator *sim)
{
    const struct simulator_world *world = sim->world;
    uint64_t bound = SIMULATOR_IDLE_BOUND_NS + 2 * world->costs.wake;
    if (sim->unstarted == 0) {
        return;
    }
    /* Each that stops or dies may be sent it before one that runs is. */
    bound *= 1 + world->stops + world->stops_for_good + world->kills;
    for (size_t lane = 0; lane < sim->world->workers; lane++) {
        if (is_idle(sim, lane)) {
            uint64_t idle = free_time_since(sim, later(sim->workers[lane].idle_since, sim->unstarted_since));
            sim->result->idle_ns = idle > sim->result->idle_ns ? idle : sim->result->idle_ns;
            CHECK(idle <= bound, "worker %zu idle for %llu ns with %zu unstarted, %zu of them queued", lane,
                  (unsigned long long)idle, sim->unstarted, sim->schedule.queue.count);
        }
    }
}

/* Nothing lies long with a worker that begins nothing. */
static void check_patience(struct simulator *sim)
{
    if (sim->world->workers == 1) {
        return;
    }
    for (size_t lane = 0; lane < sim->world->workers; lane++) {
        const struct worker *worker = &sim->workers[lane];
        const struct pp_lane *l = &sim->schedule.lanes[lane];
        if (l->window.count > worker->claimed) {
            uint64_t patience =
                ((SIMULATOR_PATIENCE_NS + 4 * l->window.first->expected_ns) << l->window.first->returns) +
                2 * sim->world->costs.wake;
            uint64_t silent = free_time_since(sim, worker->progress);
            CHECK(silent <= patience,
                  "%zu tasks not begun are with worker %zu, which began nothing for %llu ns",
                  l->window.count - worker->claimed, lane, (unsigned long long)silent);
        }
    }
}

static void check_window(struct simulator *sim, size_t lane)
{
    const struct pp_lane *l = &sim->schedule.lanes[lane];
    CHECK(l->window.count <= 2 || (l->window_ns <= CREDIT_NS && l->window_bytes <= CREDIT_BYTES),
          "lane %zu holds %zu tasks, %llu ns, %zu bytes", lane, l->window.count,
          (unsigned long long)l->window_ns, l->window_bytes);
    CHECK(!l->late || l->window.count == 1, "lane %zu is late and holds %zu tasks", lane, l->window.count);
    CHECK(sim->world->tasks_per_worker == 0 || l->tasks <= sim->world->tasks_per_worker,
          "lane %zu is sent more tasks than it may have", lane);
}

/* The schedule must have nothing to do before its deadline. */
static void check_early(struct simulator *sim)
{
    struct pp_action action;
    uint64_t until = sim->deadline == UINT64_MAX ? sim->now + NS_PER_MS : sim->deadline;
    uint64_t early = sim->now + draw_below(&sim->random, until - sim->now);
    uint64_t heard = sim->schedule.heard_ns;
    pp_schedule_heard(&sim->schedule, early);
    if (pp_schedule_next(&sim->schedule, early, &action)) {
        violation(sim, "action %d at %llu, before the deadline %llu", action.kind, (unsigned long long)early,
                  (unsigned long long)sim->deadline);
    }
    pp_schedule_heard(&sim->schedule, heard);
}

/* ---- The parent ---- */

static void spend(struct simulator *sim, enum parent_phase phase, uint64_t amount)
{
    sim->phase = phase;
    sim->is_busy = true;
    sim->busy_since = sim->now;
    start_work(sim, PARENT, amount + sim->cost);
    sim->cost = 0;
}

static void mark_dirty(struct simulator *sim, size_t lane)
{
    if (!sim->workers[lane].dirty) {
        sim->workers[lane].dirty = true;
        sim->dirty[sim->dirty_count++] = lane;
    }
}

static void take_back(struct simulator *sim, size_t lane)
{
    struct worker *worker = &sim->workers[lane];
    CHECK(sim->schedule.lanes[lane].state == PP_LANE_READY && worker->process && !worker->eof,
          "take back from lane %zu, which takes no requests", lane);
    worker->epoch++;
    worker->frames.end = worker->unsent;
    sim->result->take_backs++;
    size_t returned = pp_schedule_taken_back(&sim->schedule, lane, worker->claimed);
    sim->result->taken_back += returned;
    sim->returned += returned;
}

/* First come, first served; and what was sent and came back before all others. */
static void check_turn(struct simulator *sim, struct task *task)
{
    size_t index = (size_t)(task - sim->tasks);
    if (task->sent) {
        sim->returned--;
        return;
    }
    CHECK(sim->returned == 0, "task %zu is sent before %zu that were sent and came back", index,
          sim->returned);
    CHECK(index >= sim->first_sends, "task %zu is sent after task %zu", index, sim->first_sends);
    task->sent = true;
    sim->first_sends = index + 1;
}

static void send(struct simulator *sim, const struct pp_action *action)
{
    struct worker *worker = &sim->workers[action->lane];
    struct task *task = (struct task *)action->job; /* its first member */
    CHECK(sim->schedule.lanes[action->lane].state == PP_LANE_READY && worker->process && !worker->eof,
          "task for lane %zu, which takes none", action->lane);
    CHECK(task->submitted && !task->done && !task->started, "task %zu is sent in the wrong state",
          (size_t)(task - sim->tasks));
    check_turn(sim, task);
    struct frame *frame = ring_push(&worker->frames, sizeof(struct frame));
    *frame = (struct frame){task, worker->epoch};
    if (sim->schedule.lanes[action->lane].window.count == 1) {
        worker->progress = moment_now(sim);
    }
    sim->cost += sim->world->costs.send;
    mark_dirty(sim, action->lane);
    check_window(sim, action->lane);
}

static void give_up(struct simulator *sim)
{
    struct pp_job *job;
    CHECK(sim->failures_in_a_row >= 5, "given up after %zu failures", sim->failures_in_a_row);
    sim->failures_in_a_row = 0;
    CHECK(sim->schedule.live == 0, "given up with %zu workers", sim->schedule.live);
    CHECK(sim->world->failed_spawns + sim->world->failed_starts + sim->world->kills > 0,
          "given up without a failure");
    while ((job = pp_schedule_remove_first(&sim->schedule)) != NULL) {
        finish(sim, (struct task *)job);
    }
    sim->returned = 0;
}

/* A start came to nothing. */
static void note_failure(struct simulator *sim, uint64_t now_ns)
{
    sim->failures_in_a_row++;
    sim->last_failure_ns = now_ns;
}

static void spawn(struct simulator *sim, size_t lane)
{
    CHECK(sim->schedule.lanes[lane].state == PP_LANE_ABSENT && !sim->workers[lane].process,
          "spawn in lane %zu, which has a worker", lane);
    CHECK(sim->failures_in_a_row == 0 || sim->hand_out_ns >= sim->last_failure_ns + FIRST_PAUSE_NS,
          "a start right after one that came to nothing");
    sim->spawning = true;
    sim->spawn_lane = lane;
    spend(sim, HAND_OUT, sim->world->costs.fork);
}

static void spawned(struct simulator *sim)
{
    sim->spawning = false;
    if (sim->failed_spawns > 0) {
        sim->failed_spawns--;
        note_failure(sim, sim->hand_out_ns);
        pp_schedule_spawn_failed(&sim->schedule, -1, sim->hand_out_ns);
    } else {
        start_worker(sim, sim->spawn_lane);
        pp_schedule_spawned(&sim->schedule, sim->spawn_lane);
    }
}

static void retire(struct simulator *sim, size_t lane)
{
    struct worker *worker = &sim->workers[lane];
    CHECK(worker->claimed == 0 && worker->process && sim->world->tasks_per_worker > 0,
          "lane %zu is retired with work", lane);
    worker->eof = true;
    wake_worker(sim, worker);
}

static void hand_out(struct simulator *sim)
{
    struct pp_action action;
    size_t actions = 0;
    if (sim->spawning) {
        spawned(sim);
    }
    while (!sim->failed && pp_schedule_next(&sim->schedule, sim->hand_out_ns, &action)) {
        sim->timed_out = false;
        CHECK(++actions < 4 * sim->world->tasks + 8 * sim->world->workers + 100, "actions without end");
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
            give_up(sim);
            break;
        }
    }
    sim->phase = FLUSH;
}

/* The write to one worker is done. */
static void flushed(struct simulator *sim)
{
    struct worker *worker = &sim->workers[sim->flush_lane];
    uint64_t each = frame_bytes(sim->world->size);
    sim->flushing = false;
    while (worker->unsent < worker->frames.end &&
           (worker->unsent == worker->piped || (worker->unsent - worker->piped + 1) * each <= PIPE_BYTES)) {
        worker->unsent++;
    }
    wake_worker(sim, worker);
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
        if (worker->unsent < worker->frames.end) {
            sim->flushing = true;
            sim->flush_lane = lane;
            uint64_t room = PIPE_BYTES / frame_bytes(sim->world->size) + 1;
            uint64_t frames = worker->frames.end - worker->unsent;
            spend(sim, FLUSH,
                  costs->write + (worker->phase == READING ? costs->waking : 0) +
                      copy_ns(sim, frames < room ? frames : room));
            return;
        }
    }
    sim->phase = sim->after_flush;
    if (sim->phase == POLL) {
        sim->polled = false;
    }
}

static bool is_ready(const struct simulator *sim, size_t lane)
{
    const struct worker *worker = &sim->workers[lane];
    bool readable = worker->replies.begin < worker->unwritten || worker->phase == GONE;
    bool writable =
        worker->phase != GONE && worker->unsent < worker->frames.end && worker->unsent == worker->piped;
    return worker->process && (readable || writable);
}

static void gather_ready(struct simulator *sim)
{
    sim->heard_ns = sim->now;
    sim->ready_count = sim->ready_index = 0;
    for (size_t lane = 0; lane < sim->world->workers; lane++) {
        if (is_ready(sim, lane)) {
            sim->ready[sim->ready_count++] = lane;
        }
    }
}

/* A new round of hand_out. */
static void begin_hand_out(struct simulator *sim, enum parent_phase after)
{
    sim->phase = HAND_OUT;
    sim->after_flush = after;
    sim->hand_out_ns = sim->now;
}

static void fall_asleep(struct simulator *sim)
{
    uint64_t until = pp_schedule_deadline(&sim->schedule);
    CHECK(until > sim->hand_out_ns || until > sim->schedule.heard_ns,
          "the deadline %llu is over and there is nothing to do", (unsigned long long)until);
    CHECK(sim->schedule.queue.count == 0 || sim->schedule.lists[PP_LISTED_IDLE].first == NULL,
          "asleep with %zu queued and a lane listed as idle", sim->schedule.queue.count);
    sim->deadline = until;
    uint64_t other = sim->now + HEARTBEAT_NS;
    if (sim->world->pattern == SIMULATOR_TRICKLE && sim->submitted < sim->world->tasks) {
        other = sim->next_submit_ns;
    }
    uint64_t ms = 0;
    uint64_t first = until < other ? until : other;
    if (first > sim->now) {
        ms = (first - sim->now + NS_PER_MS - 1) / NS_PER_MS;
        if (sim->now < until && draw_below(&sim->random, 8) == 0) {
            check_early(sim);
        }
    }
    sim->phase = ASLEEP;
    at_wall(sim, sim->now + ms * NS_PER_MS, PARENT, PARENT_TIMEOUT);
}

static void poll_workers(struct simulator *sim)
{
    if (!sim->polled) {
        sim->polled = true;
        sim->result->steps++;
        spend(sim, POLL,
              sim->world->costs.step + sim->world->costs.poll +
                  sim->world->costs.poll_lane * sim->schedule.live);
        return;
    }
    gather_ready(sim);
    if (sim->ready_count > 0) {
        sim->phase = TAKE_IN;
        sim->reading = false;
    } else {
        fall_asleep(sim);
    }
}

static void awake(struct simulator *sim)
{
    sim->generation++; /* the other reason to wake up is called off */
    sim->awake_soon = false;
    check_idle(sim);
    check_patience(sim);
    gather_ready(sim);
    sim->timed_out = sim->ready_count == 0 && sim->now >= sim->deadline;
    sim->phase = TAKE_IN;
    sim->reading = false;
}

static void settle(struct simulator *sim, struct task *task)
{
    lose_start(sim, task);
    task->attempts++;
    if (task->attempts <= sim->world->retries) {
        pp_schedule_resubmit(&sim->schedule, &task->job);
        sim->returned++;
    } else {
        finish(sim, task);
    }
}

/* The worker's end has been seen, and all it wrote before. */
static void bury(struct simulator *sim, size_t lane)
{
    struct worker *worker = &sim->workers[lane];
    size_t queued = sim->schedule.queue.count;
    struct task *running = worker->running;
    for (uint64_t i = worker->replies.begin; i < worker->replies.end; i++) {
        if (reply_at(worker, i)->task != NULL) {
            lose_start(sim, reply_at(worker, i)->task);
        }
    }
    if (worker->running != NULL) {
        lose_start(sim, worker->running);
    }
    worker->replies.begin = worker->unwritten = worker->replies.end;
    worker->frames.begin = worker->piped = worker->unsent = worker->frames.end;
    worker->process = false;
    sim->cost += sim->world->costs.reap;
    if (!sim->schedule.lanes[lane].hello && worker->claimed == 0) {
        note_failure(sim, sim->now);
    }
    struct pp_job *guilty = pp_schedule_died(&sim->schedule, lane, worker->claimed, sim->now);
    sim->returned += sim->schedule.queue.count - queued;
    CHECK(running == NULL || guilty == &running->job, "lane %zu died of another task than is blamed", lane);
    CHECK((guilty != NULL) == (worker->claimed > 0),
          "lane %zu died, and a task is blamed wrongly or not at all", lane);
    if (guilty != NULL) {
        settle(sim, (struct task *)guilty);
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
        struct reply reply = *reply_at(worker, worker->replies.begin++);
        if (reply.task == NULL) {
            pp_schedule_hello(&sim->schedule, lane, sim->heard_ns);
            sim->failures_in_a_row = 0;
            continue;
        }
        struct pp_job *job = pp_schedule_reply(&sim->schedule, lane, reply.nanoseconds, sim->heard_ns);
        CHECK(job == &reply.task->job, "lane %zu answers another task than the first of its window", lane);
        worker->claimed--;
        worker->progress = moment_now(sim);
        finish(sim, reply.task);
        sim->cost += sim->world->costs.reply;
    }
    wake_worker(sim, worker);
}

/* Reads from each of those that were ready, one after the other. */
static void take_in(struct simulator *sim)
{
    const struct simulator_costs *costs = &sim->world->costs;
    if (sim->reading) {
        take_in_lane(sim, sim->ready[sim->ready_index]);
        sim->reading = false;
        sim->ready_index++;
    }
    for (; sim->ready_index < sim->ready_count; sim->ready_index++) {
        size_t lane = sim->ready[sim->ready_index];
        const struct worker *worker = &sim->workers[lane];
        mark_dirty(sim, lane);
        if (worker->replies.begin < worker->unwritten || worker->phase == GONE) {
            sim->reading = true;
            spend(sim, TAKE_IN, costs->read + copy_ns(sim, worker->unwritten - worker->replies.begin));
            return;
        }
    }
    pp_schedule_heard(&sim->schedule, sim->heard_ns);
    begin_hand_out(sim, CALLER);
}

/* ---- The caller ---- */

static void consume(struct simulator *sim)
{
    while (sim->consumed < sim->submitted &&
           (sim->world->pattern == SIMULATOR_COMPLETED ? sim->consumed < sim->finished
                                                       : sim->tasks[sim->consumed].done)) {
        sim->consumed++;
        sim->cost += sim->world->costs.consume;
    }
}

static bool may_submit(const struct simulator *sim)
{
    switch (sim->world->pattern) {
    case SIMULATOR_ORDERED:
    case SIMULATOR_COMPLETED:
        return sim->submitted - sim->consumed < sim->world->look_ahead;
    case SIMULATOR_TRICKLE:
        return sim->now >= sim->next_submit_ns;
    case SIMULATOR_AT_ONCE:
    case SIMULATOR_PATTERNS:
        break;
    }
    return true;
}

/* Submits one. Whether the schedule wants to act at once. */
static bool submit(struct simulator *sim)
{
    struct task *task = &sim->tasks[sim->submitted++];
    task->submitted = true;
    sim->cost += sim->world->costs.submit;
    count_unstarted(sim, 1);
    if (sim->world->pattern == SIMULATOR_TRICKLE && draw_below(&sim->random, 4) == 0) {
        sim->next_submit_ns = sim->now + draw_below(&sim->random, 2 * sim->world->pause_ns + 1);
    }
    return pp_schedule_submit(&sim->schedule, &task->job, task->key, sim->world->size) &&
           sim->burst++ < 2 * sim->world->workers + 8;
}

static void cancel(struct simulator *sim)
{
    struct task *task = &sim->tasks[draw_below(&sim->random, sim->submitted)];
    sim->cancels--;
    if (task->done || task->started || !task->submitted) {
        return;
    }
    if (task->job.place == PP_PLACE_WINDOW) {
        take_back(sim, task->job.lane);
    }
    CHECK(task->job.place == PP_PLACE_QUEUE, "a task that was not started cannot be cancelled");
    pp_schedule_remove(&sim->schedule, &task->job);
    sim->returned -= task->sent;
    finish(sim, task);
}

static void call(struct simulator *sim)
{
    consume(sim);
    if (sim->cancels > 0 && sim->submitted > 0 && draw_below(&sim->random, 4) == 0) {
        cancel(sim);
    }
    while (sim->submitted < sim->world->tasks && may_submit(sim)) {
        if (submit(sim)) {
            begin_hand_out(sim, CALLER);
            return;
        }
    }
    size_t open = sim->submitted - sim->consumed;
    CHECK(sim->world->pattern == SIMULATOR_AT_ONCE || sim->world->pattern == SIMULATOR_TRICKLE ||
              open <= sim->world->look_ahead,
          "%zu tasks under way", open);
    sim->burst = 0;
    if (sim->finished == sim->world->tasks && sim->cost > 0) {
        spend(sim, CALLER, 0);
    } else if (sim->finished == sim->world->tasks) {
        sim->over = true;
    } else if (sim->finished == sim->submitted) {
        /* Nothing is under way, and the caller does not step. */
        sim->phase = AWAY;
        at_wall(sim, sim->next_submit_ns > sim->now ? sim->next_submit_ns : sim->now, PARENT, PARENT_TIMEOUT);
    } else {
        begin_hand_out(sim, POLL);
    }
}

/* The parent goes on until it has something to do that takes time, or sleeps. */
static void parent_event(struct simulator *sim)
{
    if (sim->is_busy) {
        sim->is_busy = false;
        sim->runnable--;
        sim->result->parent_busy_ns += sim->now - sim->busy_since;
    }
    while (!sim->is_busy && sim->phase != ASLEEP && sim->phase != AWAY && !sim->over && !sim->failed) {
        bool timed_out = sim->timed_out;
        switch (sim->phase) {
        case CALLER:
            call(sim);
            break;
        case HAND_OUT:
            hand_out(sim);
            if (timed_out && sim->timed_out && !sim->is_busy) {
                /* Nothing was to be done at the deadline: then it must have moved. */
                sim->timed_out = false;
                sim->result->spurious++;
                CHECK(pp_schedule_deadline(&sim->schedule) > sim->now,
                      "nothing to do at the deadline, and it stays");
            }
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

/* ---- The world ---- */

static void happen_to_parent(struct simulator *sim, enum event_kind kind)
{
    if (kind != WORK_DONE && sim->phase == AWAY) {
        sim->generation++;
        sim->phase = CALLER;
    } else if (kind != WORK_DONE) {
        awake(sim);
    }
    parent_event(sim);
}

static void happen_to_worker(struct simulator *sim, struct worker *worker, enum event_kind kind)
{
    switch (kind) {
    case WORK_DONE:
        worker_event(sim, worker);
        break;
    case WAKE:
        woken(sim, worker);
        break;
    case KILL:
        if (worker->phase != GONE) {
            vanish(sim, worker);
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

/* The next event of either clock. False: there is none. */
static bool advance(struct simulator *sim, struct event *event)
{
    drop_called_off(sim, &sim->work);
    drop_called_off(sim, &sim->wall);
    bool has_work = sim->work.count > 0;
    bool has_wall = sim->wall.count > 0;
    uint64_t work_at = has_work ? sim->now + wall_of_work(sim, sim->work.events[0].time - sim->work_now) : 0;
    if (has_work && (!has_wall || work_at <= sim->wall.events[0].time)) {
        *event = pop_event(&sim->work);
        sim->now = work_at;
        sim->work_now = event->time;
        return true;
    }
    if (has_wall) {
        *event = pop_event(&sim->wall);
        sim->work_now += work_of_wall(sim, event->time - sim->now);
        sim->now = event->time;
    }
    return has_wall;
}

static const uint64_t book_ns[] = {2000,      16000000,  23000000,  77000000,  1000,      77000000, 89000000,
                                   1000,      1000,      100000000, 100000000, 1000,      1000,     109000000,
                                   109000000, 118000000, 118000000, 1000,      134000000, 1000};

static uint64_t draw_time(struct simulator *sim, size_t index, uint64_t mean)
{
    double u = draw_unit(&sim->random);
    switch (sim->world->load) {
    case SIMULATOR_EXPONENTIAL:
        return (uint64_t)(-log(1 - u) * (double)mean);
    case SIMULATOR_PARETO: {
        double ns = 0.2 * (double)mean * pow(1 - u, -1 / 1.2);
        return ns < 1000.0 * (double)mean ? (uint64_t)ns : 1000 * mean;
    }
    case SIMULATOR_BIMODAL:
        return u < 0.01 ? 1000 * mean : mean;
    case SIMULATOR_ONE_LONG:
        return index == sim->world->tasks / 3 ? 200000 * mean + 2000000 : mean;
    case SIMULATOR_BOOK:
        return book_ns[index % (sizeof book_ns / sizeof book_ns[0])];
    case SIMULATOR_UNIFORM:
    case SIMULATOR_LOADS:
        break;
    }
    return mean;
}

static uint64_t draw_duration(struct simulator *sim, size_t index, uint64_t mean)
{
    uint64_t ns = draw_time(sim, index, mean);
    return ns < LONGEST_NS ? ns : LONGEST_NS;
}

static int compare_up(const void *left, const void *right)
{
    uint64_t l = ((const struct task *)left)->duration_ns;
    uint64_t r = ((const struct task *)right)->duration_ns;
    return (l > r) - (l < r);
}

static int compare_down(const void *left, const void *right)
{
    return compare_up(right, left);
}

static void draw_tasks(struct simulator *sim)
{
    const struct simulator_world *world = sim->world;
    for (size_t i = 0; i < world->tasks; i++) {
        struct task *task = &sim->tasks[i];
        size_t function = draw_below(&sim->random, world->functions);
        task->key = 0x400000 + 64 * function;
        task->duration_ns = draw_duration(sim, i, world->mean_ns >> (3 * function));
    }
    for (size_t i = 0; i < world->deadly; i++) {
        sim->tasks[draw_below(&sim->random, world->tasks)].deadly = true;
    }
    if (world->order != SIMULATOR_AS_DRAWN) {
        qsort(sim->tasks, world->tasks, sizeof *sim->tasks,
              world->order == SIMULATOR_ASCENDING ? compare_up : compare_down);
    }
    for (size_t i = 0; i < world->tasks; i++) {
        uint64_t ns = sim->tasks[i].duration_ns;
        sim->result->total_ns += ns;
        sim->result->longest_ns = ns > sim->result->longest_ns ? ns : sim->result->longest_ns;
    }
}

static void push_fault(struct simulator *sim, uint64_t time, uint32_t lane, enum event_kind kind)
{
    push_event(sim, &sim->wall, (struct event){.time = time, .who = lane, .kind = kind});
}

static void draw_faults(struct simulator *sim)
{
    const struct simulator_world *world = sim->world;
    uint64_t span = sim->result->total_ns / world->workers + 2 * (world->costs.fork + world->costs.start);
    for (size_t i = 0; i < world->kills; i++) {
        uint32_t lane = (uint32_t)draw_below(&sim->random, world->workers);
        push_fault(sim, draw_below(&sim->random, span), lane, KILL);
    }
    for (size_t i = 0; i < world->stops + world->stops_for_good; i++) {
        uint32_t lane = (uint32_t)draw_below(&sim->random, world->workers);
        uint64_t from = draw_below(&sim->random, span);
        push_fault(sim, from, lane, STOP);
        if (i < world->stops) {
            push_fault(sim, from + draw_magnitude(&sim->random, 1e4, 1e8), lane, CONTINUE);
        } else {
            push_fault(sim, from + UINT64_C(3000000000), lane, KILL);
        }
    }
}

/* With nothing but work in its way. */
static bool is_clean(const struct simulator_world *world)
{
    return world->kills + world->stops + world->stops_for_good + world->deadly + world->slow +
                   world->failed_spawns + world->failed_starts + world->tasks_per_worker + world->cores ==
               0 &&
           (world->pattern == SIMULATOR_AT_ONCE ||
            (world->pattern == SIMULATOR_COMPLETED && world->look_ahead >= 4 * world->workers));
}

static void check_makespan(struct simulator *sim)
{
    const struct simulator_world *world = sim->world;
    const struct simulator_result *result = sim->result;
    const struct simulator_costs *costs = &world->costs;
    uint64_t each = costs->task + costs->read + costs->write + costs->waking + 2 * copy_ns(sim, 1);
    uint64_t rounds = 10 +
                      (world->pattern == SIMULATOR_COMPLETED ? world->tasks / (world->look_ahead / 4) : 0) +
                      (frame_bytes(world->size) > PIPE_BYTES / 64 ? world->tasks / world->workers : 0);
    uint64_t bound = (result->total_ns + world->tasks * each) / world->workers + result->longest_ns;
    bound += bound / 20 + result->parent_busy_ns + costs->start + 2 * rounds * costs->wake +
             SIMULATOR_IDLE_BOUND_NS;
    CHECK(result->makespan_ns <= bound, "makespan %llu, bound %llu", (unsigned long long)result->makespan_ns,
          (unsigned long long)bound);
}

/* Nothing is left of what is over. */
static void check_end(struct simulator *sim)
{
    CHECK(sim->schedule.queue.count == 0, "%zu tasks are queued at the end", sim->schedule.queue.count);
    CHECK(sim->schedule.rich == 0, "%zu lanes are counted as rich at the end", sim->schedule.rich);
    for (size_t lane = 0; lane < sim->world->workers; lane++) {
        CHECK(sim->schedule.lanes[lane].window.count == 0, "lane %zu holds tasks at the end", lane);
    }
}

static void run_world(struct simulator *sim)
{
    struct event event = {0};
    uint64_t latest =
        20 * sim->result->total_ns + UINT64_C(200000000000) + 2 * sim->world->pause_ns * sim->world->tasks;
    uint64_t most_events = 1000000 + 1000 * (uint64_t)sim->world->tasks;
    parent_event(sim);
    while (!sim->over && !sim->failed) {
        if (!advance(sim, &event)) {
            violation(sim, "nothing happens any more and %zu tasks are not done",
                      sim->world->tasks - sim->finished);
            return;
        }
        sim->result->events++;
        CHECK(sim->result->events < most_events && sim->now < latest, "this goes on for ever");
        if (event.who == PARENT) {
            happen_to_parent(sim, event.kind);
        } else {
            happen_to_worker(sim, &sim->workers[event.who], event.kind);
        }
    }
    sim->result->makespan_ns = sim->now;
    if (!sim->failed) {
        check_end(sim);
    }
}

bool simulate(const struct simulator_world *world, struct simulator_result *result)
{
    *result = (struct simulator_result){0};
    struct simulator sim = {.world = world,
                            .result = result,
                            .random = world->seed,
                            .failed_spawns = world->failed_spawns,
                            .failed_starts = world->failed_starts,
                            .cancels = world->cancels};
    sim.tasks = calloc(world->tasks, sizeof *sim.tasks);
    sim.workers = calloc(world->workers, sizeof *sim.workers);
    sim.dirty = calloc(world->workers, sizeof *sim.dirty);
    sim.ready = calloc(world->workers, sizeof *sim.ready);
    if (sim.tasks == NULL || sim.workers == NULL || sim.dirty == NULL || sim.ready == NULL ||
        !pp_schedule_open(&sim.schedule, world->workers, world->tasks_per_worker)) {
        abort();
    }
    draw_tasks(&sim);
    draw_faults(&sim);
    run_world(&sim);
    if (!sim.failed && is_clean(world)) {
        check_makespan(&sim);
    }
    pp_schedule_close(&sim.schedule);
    for (size_t lane = 0; lane < world->workers; lane++) {
        free(sim.workers[lane].frames.items);
        free(sim.workers[lane].replies.items);
    }
    free(sim.wall.events);
    free(sim.work.events);
    free(sim.ready);
    free(sim.dirty);
    free(sim.workers);
    free(sim.tasks);
    return !sim.failed;
}

/* ---- Worlds ---- */

static struct simulator_costs draw_costs(uint64_t *random)
{
    uint64_t syscall = draw_magnitude(random, 100, 5000);
    return (struct simulator_costs){
        .submit = draw_magnitude(random, 10, 200),
        .consume =
            draw_below(random, 8) == 0 ? draw_magnitude(random, 1000, 200000) : draw_below(random, 100),
        .send = draw_magnitude(random, 10, 200),
        .reply = draw_magnitude(random, 10, 200),
        .step = draw_magnitude(random, 50, 500),
        .poll = syscall,
        .poll_lane = draw_magnitude(random, 5, 50),
        .read = syscall,
        .write = syscall,
        .kilobyte = draw_magnitude(random, 30, 500),
        .waking = draw_magnitude(random, 500, 5000),
        .wake = draw_magnitude(random, 500, 100000),
        .fork = draw_magnitude(random, 30000, 1000000),
        .start =
            draw_below(random, 8) == 0 ? draw_magnitude(random, 1e6, 1e8) : draw_magnitude(random, 5e4, 1e6),
        .reap = draw_magnitude(random, 10000, 100000),
        .task = draw_magnitude(random, 20, 200),
    };
}

/* Most worlds are small, so that there can be many. */
static size_t draw_workers(uint64_t *random)
{
    static const size_t most[] = {2, 4, 4, 8, 8, 16, 16, 64};
    if (draw_below(random, 256) == 0) {
        return 1 + draw_below(random, 1024);
    }
    return 1 + draw_below(random, most[draw_below(random, 8)]);
}

static void draw_faults_of(struct simulator_world *world, uint64_t *random)
{
    size_t few = 1 + draw_below(random, 2 * world->workers < 20 ? 2 * world->workers : 20);
    size_t tasks = 1 + draw_below(random, world->tasks < 10 ? world->tasks : 10);
    switch (draw_below(random, 16)) {
    case 0:
        world->kills = few;
        break;
    case 1:
        world->deadly = tasks;
        break;
    case 2:
        world->stops = few;
        break;
    case 3:
        world->stops_for_good = 1 + draw_below(random, world->workers);
        break;
    case 4:
        world->slow = 1 + draw_below(random, world->workers);
        break;
    case 5:
        world->failed_spawns = draw_below(random, 4) == 0 ? UINT32_MAX : few;
        break;
    case 6:
        world->failed_starts = draw_below(random, 4) == 0 ? UINT32_MAX : few;
        break;
    case 7:
        world->tasks_per_worker = 1 + draw_below(random, 10);
        break;
    case 8:
        world->kills = few;
        world->deadly = tasks;
        world->stops = few;
        world->stops_for_good = draw_below(random, 2);
        world->failed_spawns = draw_below(random, 3);
        world->failed_starts = draw_below(random, 3);
        world->tasks_per_worker = draw_below(random, 2) * (1 + draw_below(random, 20));
        world->slow = draw_below(random, 2);
        break;
    default:
        break; /* all is well */
    }
}

struct simulator_world simulator_draw(uint64_t seed)
{
    uint64_t random = seed ^ UINT64_C(0x5851f42d4c957f2d);
    struct simulator_world world = {.seed = seed, .costs = draw_costs(&random)};
    world.workers = draw_workers(&random);
    world.tasks =
        draw_below(&random, 32) == 0 ? draw_magnitude(&random, 100, 10000) : 1 + draw_below(&random, 90);
    world.functions = draw_below(&random, 4) == 0 ? 1 + draw_below(&random, 4) : 1;
    world.mean_ns = draw_magnitude(&random, 10, 1e8);
    world.size = draw_below(&random, 8) == 0 ? draw_magnitude(&random, 8, 1 << 17) : 8;
    world.load = (enum simulator_load)draw_below(&random, SIMULATOR_LOADS);
    world.order = (enum simulator_order)draw_below(&random, SIMULATOR_ORDERS);
    world.pattern = (enum simulator_pattern)draw_below(&random, SIMULATOR_PATTERNS);
    world.look_ahead = 2 * world.workers + draw_below(&random, 100);
    world.pause_ns = draw_magnitude(&random, 1e3, 1e8);
    world.retries = (unsigned)draw_below(&random, 3);
    world.cores = draw_below(&random, 8) == 0 ? 1 + draw_below(&random, world.workers) : 0;
    world.cancels = draw_below(&random, 8) == 0 ? draw_below(&random, 10) : 0;
    draw_faults_of(&world, &random);
    return world;
}

void simulator_describe(const struct simulator_world *world, char *text, size_t size)
{
    static const char *const loads[] = {"uniform", "exponential", "Pareto", "bimodal", "one long", "book"};
    static const char *const orders[] = {"as drawn", "ascending", "descending"};
    static const char *const patterns[] = {"at once", "ordered", "as completed", "trickle"};
    snprintf(
        text, size,
        "PP_SEED=%llu: %zu workers, %zu cores, %zu tasks of %zu bytes, %s, mean %llu ns, %zu functions, "
        "%s, %s, look-ahead %zu; %zu a worker, retries %u; kills %zu, stops %zu, for good %zu, deadly %zu, "
        "cancels %zu, slow %zu, failed spawns %zu, failed starts %zu",
        (unsigned long long)world->seed, world->workers, world->cores, world->tasks, world->size,
        loads[world->load], (unsigned long long)world->mean_ns, world->functions, orders[world->order],
        patterns[world->pattern], world->look_ahead, world->tasks_per_worker, world->retries, world->kills,
        world->stops, world->stops_for_good, world->deadly, world->cancels, world->slow, world->failed_spawns,
        world->failed_starts);
}
