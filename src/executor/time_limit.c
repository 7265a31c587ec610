/* Tasks that run for longer than the caller allows end with their worker. */

#include "core.h"

#include "deadline.h"

/* When the task that the worker runs will overrun its time. Kills it if it has. UINT64_MAX: it runs none. */
static uint64_t limit_lane(struct pp_executor *executor, size_t lane, uint64_t now_ns)
{
    struct pp_seat *seat = &executor->seats[lane];
    const struct pp_slot *slot = &executor->pool->slots[lane];
    uint64_t limit_ns = executor->options.task_timeout_ms * PP_NS_PER_MS;
    uint64_t claimed;
    if (slot->state != PP_SLOT_OPEN || executor->schedule.lanes[lane].window.count == 0 ||
        seat->verdict != PP_VERDICT_NONE) {
        return UINT64_MAX;
    }
    if (pp_pool_claimed(executor->pool, lane, &claimed) != 0) {
        pp_core_take_back(executor, lane); /* finds the same, and buries it */
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
    if (pp_core_bury_if_dead(executor, lane, now_ns)) {
        return UINT64_MAX;
    }
    /* Overdue, unless it has just gone on to the next; from now on it cannot. */
    pp_core_take_back(executor, lane);
    if (slot->state == PP_SLOT_OPEN && slot->claimed_before == seat->seen) {
        seat->verdict = PP_VERDICT_TASK_TIMEOUT;
        pp_pool_kill(executor->pool, lane);
        return UINT64_MAX;
    }
    return now_ns + limit_ns;
}

void pp_core_limit_begins(struct pp_executor *executor, uint64_t now_ns)
{
    uint64_t end_ns = now_ns + executor->options.task_timeout_ms * PP_NS_PER_MS;
    executor->limit_check_ns = end_ns < executor->limit_check_ns ? end_ns : executor->limit_check_ns;
}

void pp_core_enforce_limits(struct pp_executor *executor, uint64_t now_ns)
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
