/* What a schedule must keep to, judged by what the world sees: counts of the simulator's own, not the
 * schedule's. support/simulator.h tells what and why. */

#include "support/simulator_parts.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum { CREDIT_BYTES = 256 * 1024, LEAST_CREDIT_NS = 875000, MOST_CREDIT_NS = 16000000 };
enum { FIRST_PAUSE_NS = 10000000, LONGEST_PAUSE_NS = 1000000000, GIVE_UP_AFTER = 5 };

void sim_violation(struct simulator *sim, const char *format, ...)
{
    if (sim->failed) {
        return;
    }
    sim->failed = true;
    int length = snprintf(sim->result->violation, sizeof sim->result->violation,
                          "at %llu ns: ", (unsigned long long)sim->clock.now_ns);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->result->violation + length, sizeof sim->result->violation - (size_t)length, format,
              arguments);
    va_end(arguments);
}

/* ---- Moments ---- */

struct moment sim_moment_now(const struct simulator *sim)
{
    uint64_t now_ns = sim->clock.now_ns;
    return (struct moment){now_ns,
                           sim->result->parent_busy_ns + (sim->is_busy ? now_ns - sim->busy_since : 0)};
}

static uint64_t free_time_since(const struct simulator *sim, struct moment then)
{
    struct moment now = sim_moment_now(sim);
    return now.time - then.time - (now.parent_busy - then.parent_busy);
}

static struct moment later(struct moment left, struct moment right)
{
    return left.time > right.time ? left : right;
}

/* ---- Idle workers ---- */

static void check_idle(struct simulator *sim, const struct worker *worker)
{
    uint64_t bound = SIMULATOR_IDLE_BOUND_NS + 2 * sim->world->costs.wake;
    struct moment since = later(worker->idle_since, later(sim->unstarted_since, sim->excused_since));
    if (!worker->idle || worker->mute || sim->unstarted == 0) {
        return;
    }
    uint64_t idle = free_time_since(sim, since);
    sim->result->idle_ns = idle > sim->result->idle_ns ? idle : sim->result->idle_ns;
    CHECK(idle <= bound, "worker %u idle for %llu ns with %zu unstarted, %zu of them queued",
          lane_of(sim, worker), (unsigned long long)idle, sim->unstarted, sim->schedule.queue.count);
}

/* What is counted from is about to be another moment, for all of them. Nobody can have been idle for longer
 * than since the last one. */
static void check_all_idle(struct simulator *sim)
{
    uint64_t longest = free_time_since(sim, later(sim->unstarted_since, sim->excused_since));
    if (longest > SIMULATOR_IDLE_BOUND_NS) {
        for (size_t lane = 0; lane < sim->world->workers; lane++) {
            check_idle(sim, &sim->workers[lane]);
        }
    }
}

void sim_idle_begins(struct simulator *sim, struct worker *worker)
{
    worker->idle = true;
    worker->idle_since = sim_moment_now(sim);
}

void sim_idle_ends(struct simulator *sim, struct worker *worker)
{
    check_idle(sim, worker);
    worker->idle = false;
}

void sim_excuse(struct simulator *sim)
{
    check_all_idle(sim);
    sim->excused_since = sim_moment_now(sim);
}

/* ---- Silent workers ---- */

void sim_silence_ends(struct simulator *sim, struct worker *worker)
{
    const struct pp_lane *l = &sim->schedule.lanes[lane_of(sim, worker)];
    if (sim->world->workers > 1 && l->window.count > worker->claimed) {
        uint64_t overdue = 4 * l->window.first->expected_ns;
        uint64_t patience = (overdue > SIMULATOR_PATIENCE_NS ? overdue : SIMULATOR_PATIENCE_NS)
                            << l->window.first->returns;
        patience += NS_PER_MS + 2 * sim->world->costs.wake;
        uint64_t silent = free_time_since(sim, worker->progress);
        CHECK(silent <= patience, "%zu tasks not begun are with worker %u, which began nothing for %llu ns",
              l->window.count - worker->claimed, lane_of(sim, worker), (unsigned long long)silent);
    }
    worker->progress = sim_moment_now(sim);
}

/* ---- Tasks ---- */

static size_t index_of(const struct simulator *sim, const struct task *task)
{
    return (size_t)(task - sim->tasks);
}

static void one_more_unstarted(struct simulator *sim)
{
    if (sim->unstarted++ == 0) {
        sim->unstarted_since = sim_moment_now(sim);
    }
}

static void one_less_unstarted(struct simulator *sim)
{
    if (sim->unstarted == 1) {
        check_all_idle(sim);
    }
    sim->unstarted--;
}

void sim_task_submitted(struct simulator *sim, struct task *task)
{
    task->submitted = true;
    one_more_unstarted(sim);
    sim->open++;
    bool is_map = sim->world->pattern == SIMULATOR_ORDERED || sim->world->pattern == SIMULATOR_COMPLETED;
    CHECK(!is_map || sim->open <= sim->world->look_ahead, "%zu tasks under way", sim->open);
}

void sim_task_started(struct simulator *sim, struct task *task)
{
    CHECK(!task->started, "task %zu is started while it runs or is done", index_of(sim, task));
    one_less_unstarted(sim);
    task->started = true;
}

void sim_task_lost(struct simulator *sim, struct task *task)
{
    if (task->started && !task->done) {
        task->started = false;
        one_more_unstarted(sim);
    }
}

void sim_task_done(struct simulator *sim, struct task *task)
{
    CHECK(task->submitted && !task->done, "task %zu has a second outcome, or one too early",
          index_of(sim, task));
    if (!task->started) {
        one_less_unstarted(sim);
    }
    task->started = task->done = true;
    task->done_ns = sim->clock.now_ns;
    sim->outcomes[sim->finished++] = index_of(sim, task);
}

void sim_task_given(struct simulator *sim, size_t index)
{
    sim->given[sim->submitted - sim->open] = index;
    sim->open--;
}

/* Each is given once, and after its outcome; in the order submitted, or in that of the outcomes. */
static void check_given(struct simulator *sim)
{
    bool by_outcome = sim->world->pattern == SIMULATOR_COMPLETED;
    uint64_t before_ns = 0;
    CHECK(sim->open == 0, "%zu outcomes were not given", sim->open);
    for (size_t i = 0; i < sim->world->tasks && !sim->failed; i++) {
        struct task *task = &sim->tasks[sim->given[i]];
        CHECK(task->done, "task %zu is given twice, or without an outcome", sim->given[i]);
        CHECK(by_outcome ? task->done_ns >= before_ns : sim->given[i] == i, "task %zu is given as number %zu",
              sim->given[i], i);
        before_ns = task->done_ns;
        task->done = false; /* nobody asks any more */
    }
}

/* ---- Windows ---- */

/* First come, first served; and what was sent and came back before all others. */
static void check_turn(struct simulator *sim, struct task *task)
{
    size_t index = index_of(sim, task);
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

void sim_part_ends(struct simulator *sim)
{
    sim->part = 0;
    sim->part_lane = SIZE_MAX;
}

/* Who is sent something is sent no more than its even part of the queue at a time. */
static void check_part(struct simulator *sim, size_t lane)
{
    size_t lanes = sim->world->workers;
    if (sim->part_lane != lane) {
        sim->part_lane = lane;
        sim->part = (sim->schedule.queue.count + 1 + lanes - 1) / lanes;
    }
    CHECK(sim->part > 0, "lane %zu is sent more than its part of the queue", lane);
    sim->part--;
}

static void check_window(struct simulator *sim, size_t lane)
{
    const struct worker *worker = &sim->workers[lane];
    const struct pp_lane *l = &sim->schedule.lanes[lane];
    CHECK(worker->held == l->window.count && worker->held_ns == l->window_ns &&
              worker->held_bytes == l->window_bytes,
          "lane %zu holds %zu tasks, %llu ns, %llu bytes, and believes %zu, %llu, %zu", lane, worker->held,
          (unsigned long long)worker->held_ns, (unsigned long long)worker->held_bytes, l->window.count,
          (unsigned long long)l->window_ns, l->window_bytes);
    CHECK(sim->world->tasks_per_worker == 0 || l->tasks <= sim->world->tasks_per_worker,
          "lane %zu is sent more tasks than it may have", lane);
}

void sim_check_send(struct simulator *sim, size_t lane, struct task *task)
{
    struct worker *worker = &sim->workers[lane];
    const struct pp_lane *l = &sim->schedule.lanes[lane];
    CHECK(l->state == PP_LANE_READY && worker->process && !worker->eof, "task for lane %zu, which takes none",
          lane);
    CHECK(task->submitted && !task->done && !task->started, "task %zu is sent in the wrong state",
          index_of(sim, task));
    check_turn(sim, task);
    check_part(sim, lane);
    worker->held++;
    worker->held_ns += task->job.expected_ns;
    worker->held_bytes += task->size;
    CHECK(worker->held <= 2 || (worker->held_ns <= l->credit_ns && worker->held_bytes <= CREDIT_BYTES),
          "lane %zu holds %zu tasks, %llu ns of %llu, %llu bytes", lane, worker->held,
          (unsigned long long)worker->held_ns, (unsigned long long)l->credit_ns,
          (unsigned long long)worker->held_bytes);
    CHECK(l->credit_ns >= LEAST_CREDIT_NS && l->credit_ns <= MOST_CREDIT_NS, "lane %zu has a credit of %llu",
          lane, (unsigned long long)l->credit_ns);
    CHECK(!l->late || worker->held == 1, "lane %zu is late and holds %zu tasks", lane, worker->held);
    check_window(sim, lane);
    const struct task *before = (const struct task *)task->job.previous;
    CHECK(before == NULL || (!task->suspect && !before->suspect), "suspect %zu is not alone in lane %zu",
          index_of(sim, task), lane);
    if (worker->held == worker->claimed + 1) { /* it had nothing that it had not begun */
        worker->progress = sim_moment_now(sim);
    }
    if (worker->stopped || worker->phase == GONE) {
        sim_excuse(sim);
    }
}

static void leave_window(struct worker *worker, const struct pp_job *job)
{
    worker->held--;
    worker->held_ns -= job->expected_ns;
    worker->held_bytes -= ((const struct task *)job)->size;
}

void sim_check_left(struct simulator *sim, size_t lane, const struct pp_job *job, size_t returned)
{
    struct worker *worker = &sim->workers[lane];
    if (job != NULL) {
        leave_window(worker, job);
    }
    job = sim->schedule.queue.first;
    for (size_t i = 0; i < returned; i++, job = job->next) {
        leave_window(worker, job);
    }
    sim->returned += returned;
    check_window(sim, lane);
}

/* Each task is in one place: its own word, the lists of the schedule and what became of it agree. */
static void check_places(struct simulator *sim)
{
    size_t found = 0;
    for (const struct pp_job *job = sim->schedule.queue.first; job != NULL; job = job->next, found++) {
        CHECK(job->place == PP_PLACE_QUEUE && !((const struct task *)job)->done,
              "a task in the queue should be elsewhere");
    }
    CHECK(found == sim->schedule.queue.count, "%zu tasks in the queue, counted as %zu", found,
          sim->schedule.queue.count);
    size_t cancelled = 0;
    for (size_t lane = 0; lane < sim->world->workers; lane++) {
        size_t held = 0;
        for (const struct pp_job *job = sim->schedule.lanes[lane].window.first; job != NULL;
             job = job->next) {
            CHECK(job->place == PP_PLACE_WINDOW && job->lane == lane,
                  "a task in lane %zu should be elsewhere", lane);
            cancelled += ((const struct task *)job)->done;
            held++;
        }
        CHECK(held == sim->schedule.lanes[lane].window.count, "%zu tasks in lane %zu, counted as %zu", held,
              lane, sim->schedule.lanes[lane].window.count);
        found += held;
    }
    CHECK(found - cancelled == sim->submitted - sim->finished, "%zu tasks are somewhere, of %zu under way",
          found - cancelled, sim->submitted - sim->finished);
}

/* ---- Starts ---- */

void sim_start_blamed(struct simulator *sim, int reason)
{
    sim->last_failure = reason;
}

void sim_start_failed(struct simulator *sim, uint64_t now_ns)
{
    sim->failures_in_a_row++;
    sim->last_failure_ns = now_ns;
}

void sim_start_succeeded(struct simulator *sim)
{
    sim->failures_in_a_row = 0;
    sim->last_failure = 0;
}

/* Until when nobody is to be started, after so many failures in a row. */
static uint64_t pause_end_ns(const struct simulator *sim)
{
    uint64_t pause_ns = FIRST_PAUSE_NS;
    for (size_t i = 1; i < sim->failures_in_a_row && pause_ns < LONGEST_PAUSE_NS; i++) {
        pause_ns *= 2;
    }
    return sim->failures_in_a_row > 0 ? sim->last_failure_ns + pause_ns : 0;
}

void sim_check_spawn(struct simulator *sim, size_t lane)
{
    CHECK(sim->schedule.lanes[lane].state == PP_LANE_ABSENT && !sim->workers[lane].process,
          "spawn in lane %zu, which has a worker", lane);
    CHECK(sim->hand_out_ns >= pause_end_ns(sim), "a start right after one that came to nothing");
}

void sim_check_give_up(struct simulator *sim, int reason)
{
    CHECK(sim->failures_in_a_row >= GIVE_UP_AFTER, "given up after %zu failures", sim->failures_in_a_row);
    CHECK(sim->schedule.live == 0, "given up with %zu workers", sim->schedule.live);
    CHECK(reason == sim->last_failure && reason != 0, "given up for reason %d instead of %d", reason,
          sim->last_failure);
    sim->failures_in_a_row = 0;
    sim->result->given_up++;
}

/* ---- Asleep ---- */

/* The schedule must have nothing to do before its deadline. */
static void check_early(struct simulator *sim)
{
    struct pp_action action;
    uint64_t now_ns = sim->clock.now_ns;
    uint64_t until = sim->deadline == UINT64_MAX ? now_ns + NS_PER_MS : sim->deadline;
    uint64_t early = now_ns + draw_below(&sim->random, until - now_ns);
    uint64_t heard = sim->schedule.heard_ns;
    pp_schedule_heard(&sim->schedule, early);
    if (pp_schedule_next(&sim->schedule, early, &action)) {
        sim_violation(sim, "action %d at %llu, before the deadline %llu", action.kind,
                      (unsigned long long)early, (unsigned long long)sim->deadline);
    }
    pp_schedule_heard(&sim->schedule, heard);
}

void sim_check_asleep(struct simulator *sim)
{
    const struct pp_schedule *schedule = &sim->schedule;
    CHECK(sim->deadline > sim->hand_out_ns || sim->deadline > schedule->heard_ns,
          "the deadline %llu is over and there is nothing to do", (unsigned long long)sim->deadline);
    CHECK(schedule->queue.count == 0 || schedule->lists[PP_LISTED_IDLE].first == NULL,
          "asleep with %zu queued and a lane listed as idle", schedule->queue.count);
    CHECK(schedule->queue.count == 0 || schedule->live == sim->world->workers ||
              sim->hand_out_ns < pause_end_ns(sim),
          "asleep with %zu queued and %zu workers", schedule->queue.count, schedule->live);
    if (sim->clock.now_ns < sim->deadline && draw_below(&sim->random, 8) == 0) {
        check_early(sim);
    }
    if (sim->open < 1 << 14 && draw_below(&sim->random, 32) == 0) {
        check_places(sim);
    }
}

/* ---- The end ---- */

/* With nothing but work in its way. */
static bool is_clean(const struct simulator_world *world)
{
    return world->kills + world->obscure_kills + world->stops + world->stops_for_good + world->deadly +
                   world->slow + world->failed_spawns + world->failed_starts + world->force_cancels +
                   world->tasks_per_worker + world->cores ==
               0 &&
           (world->pattern == SIMULATOR_AT_ONCE ||
            (world->pattern == SIMULATOR_COMPLETED && world->look_ahead >= 4 * world->workers));
}

static void check_makespan(struct simulator *sim)
{
    const struct simulator_world *world = sim->world;
    const struct simulator_result *result = sim->result;
    const struct simulator_costs *costs = &world->costs;
    assert(world->workers > 0 && (world->pattern != SIMULATOR_COMPLETED || world->look_ahead >= 4));
    uint64_t frame = sim_frame_bytes(world->size > world->large ? world->size : world->large);
    uint64_t parts = 1 + frame / PIPE_BYTES;
    uint64_t each =
        costs->task + parts * (costs->read + costs->write + costs->waking) + 2 * sim_copy_ns(sim, frame);
    uint64_t rounds = 10 +
                      (world->pattern == SIMULATOR_COMPLETED ? world->tasks / (world->look_ahead / 4) : 0) +
                      (frame > PIPE_BYTES / 64 ? parts * world->tasks / world->workers : 0);
    uint64_t bound = (result->total_ns + world->tasks * each) / world->workers + result->longest_ns;
    bound += bound / 20 + result->parent_busy_ns + costs->start + 2 * rounds * costs->wake +
             SIMULATOR_IDLE_BOUND_NS;
    CHECK(result->makespan_ns <= bound, "makespan %llu, bound %llu", (unsigned long long)result->makespan_ns,
          (unsigned long long)bound);
}

void sim_check_end(struct simulator *sim)
{
    CHECK(sim->schedule.queue.count == 0, "%zu tasks are queued at the end", sim->schedule.queue.count);
    CHECK(sim->schedule.rich == 0, "%zu lanes are counted as rich at the end", sim->schedule.rich);
    for (size_t lane = 0; lane < sim->world->workers; lane++) {
        const struct pp_job *job = sim->schedule.lanes[lane].window.first;
        for (; job != NULL; job = job->next) { /* a worker that was killed may not have been buried yet */
            CHECK(((const struct task *)job)->cancelled, "lane %zu holds a task at the end", lane);
        }
    }
    check_given(sim);
    if (is_clean(sim->world)) {
        check_makespan(sim);
    }
}
