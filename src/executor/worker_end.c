/* The end of a worker: what became of the tasks it had. */

#include "core.h"

#include "pipe_io.h"

#include <errno.h>

void pp_core_dismiss(struct pp_executor *executor, size_t lane)
{
    struct pp_exit how;
    size_t count = executor->schedule.lanes[lane].window.count;
    pp_pool_reap(executor->pool, lane, &how);
    pp_schedule_died(&executor->schedule, lane, 0, pp_clock_ns());
    pp_core_drop_cancelled(executor, count);
}

void pp_core_end_all_workers(struct pp_executor *executor)
{
    struct pp_pool *pool = executor->pool;
    for (size_t lane = 0; lane < pool->used; lane++) {
        pp_pool_kill(pool, lane); /* all of them, so that they end side by side */
    }
    for (size_t lane = 0; lane < pool->used; lane++) {
        if (pool->slots[lane].state != PP_SLOT_EMPTY) {
            pp_core_dismiss(executor, lane);
        }
    }
}

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
        pp_core_fail(executor, future, PP_E_TASK_TIMEOUT, 0);
    } else if (verdict == PP_VERDICT_NO_MEMORY) {
        pp_core_fail(executor, future, -ENOMEM, 0);
    } else if (attempts <= executor->options.retries && !executor->options.strict) {
        executor->statistics.tasks_retried++;
        pp_schedule_resubmit(&executor->schedule, &future->job);
    } else {
        pp_core_fail(executor, future, PP_E_CRASH, 0);
    }
}

/* Strict: one death ends everything. */
static void break_down(struct pp_executor *executor)
{
    executor->broken = true;
    executor->broken_reason = PP_E_CRASH;
    pp_core_end_all_workers(executor);
    pp_core_fail_queued(executor, PP_E_NO_WORKERS, PP_E_CRASH);
}

/* Whether a worker ended in a way that tells nothing of which task did it: what was in its pipes, or in the
 * word that says what it claimed, is none of ours. */
static bool is_obscure(const struct pp_seat *seat, const struct pp_exit *how)
{
    return seat->garbled || how->exit_status == PP_WORKER_BAD_REQUEST ||
           how->exit_status == PP_WORKER_PIPE_FAILED;
}

/* The task that the worker died of; NULL: none, or nobody knows, and those that it may have been will run
 * again, each alone. All others are in the queue. */
static struct pp_job *find_guilty(struct pp_executor *executor, size_t lane, size_t suspects, bool is_clear)
{
    if (!is_clear && suspects > 1) {
        pp_schedule_suspect(&executor->schedule, lane, suspects);
        suspects = 0;
    }
    return pp_schedule_died(&executor->schedule, lane, suspects, pp_clock_ns());
}

void pp_core_bury(struct pp_executor *executor, size_t lane)
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
    pp_core_drop_cancelled(executor, window - (guilty != NULL));
    *seat = (struct pp_seat){.dirty = seat->dirty};
    if (guilty != NULL) {
        settle(executor, pp_future_of(guilty), &how, verdict);
    }
    if (executor->options.strict && !expected && !executor->broken) {
        break_down(executor);
    }
}
