/* Futures, as far as they touch a worker: is it running, and how it is stopped. */

#include "core.h"

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
        pp_core_take_back(executor, future->job.lane);
    }
    if (future->job.place != PP_PLACE_QUEUE) {
        return PP_E_STATE;
    }
    pp_schedule_remove(&executor->schedule, &future->job);
    pp_core_cancel(executor, future);
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
    pp_core_take_back(executor, lane);
    if (future->job.place == PP_PLACE_WINDOW && executor->schedule.lanes[lane].window.last == &future->job) {
        executor->seats[lane].verdict = PP_VERDICT_CANCELLED;
        pp_pool_kill(executor->pool, lane);
    }
    if (future->job.place == PP_PLACE_QUEUE) {
        pp_schedule_remove(&executor->schedule, &future->job); /* its worker was found dead: a retry */
    }
    if (!pp_is_done(future)) {
        pp_core_cancel(executor, future);
    }
    bool is_cancelled = future->state == PP_CANCELLED;
    pp_store_notify(store);
    return is_cancelled ? 0 : PP_E_STATE;
}
