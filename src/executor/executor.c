/* An executor's life: it opens, tasks are submitted to it, it closes. */

#include "core.h"

#include "deadline.h"

#include <assert.h>
#include <errno.h>

enum {
    MOST_WORKERS = 4096,
    /* How long an idle worker may take to leave: far longer than it needs. */
    LEAVE_NS = 250000000
};

/* A hundred years: longer limits could not be added to the clock. */
#define MOST_TIMEOUT_MS (UINT64_C(100) * 366 * 24 * 3600 * 1000)

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
    opened->look_at = opened->look_gap = 1;
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

void *pp_executor_reserve(struct pp_executor *executor, size_t size)
{
    if (size > PP_MAX_BYTES) {
        return NULL;
    }
    if (executor->reserved == NULL || executor->reserved_size < size) {
        free(executor->reserved);
        executor->reserved_size = size;
        executor->reserved = malloc(size + 1);
    }
    return executor->reserved;
}

int pp_executor_submit(struct pp_executor *executor, pp_task *task, const void *arg, size_t arg_size,
                       struct pp_future **future)
{
    if (task == NULL) {
        return -EINVAL;
    }
    if (arg_size > PP_MAX_BYTES) {
        return -EMSGSIZE;
    }
    if (executor->closing || executor->broken) {
        return executor->closing ? PP_E_CLOSED : PP_E_NO_WORKERS;
    }
    /* A short argument would hold all of the room until it is done, and be counted for less. */
    bool in_place = arg != NULL && arg == executor->reserved && arg_size >= executor->reserved_size / 8 * 7;
    struct pp_future *opened = pp_future_open(executor->store, task, arg, in_place ? 0 : arg_size);
    if (opened == NULL) {
        return -ENOMEM;
    }
    if (in_place) {
        assert(arg_size <= executor->reserved_size);
        pp_payload_adopt(&opened->arg, executor->reserved, arg_size);
        executor->reserved = NULL;
    }
    opened->released = future == NULL;
    if (future != NULL) {
        *future = opened;
    }
    executor->unfinished++;
    executor->statistics.tasks_submitted++;
    pp_core_submitted(executor,
                      pp_schedule_submit(&executor->schedule, &opened->job, (uintptr_t)task, arg_size));
    return 0;
}

void pp_executor_statistics(const struct pp_executor *executor, struct pp_statistics *statistics)
{
    *statistics = executor->statistics;
    statistics->workers = executor->schedule.live;
    statistics->tasks_done = executor->finished;
}

/* ---- Closing ---- */

static void cancel_unstarted(struct pp_executor *executor)
{
    for (size_t lane = 0; lane < executor->pool->used; lane++) {
        if (executor->pool->slots[lane].state == PP_SLOT_OPEN) {
            pp_core_take_back(executor, lane);
        }
    }
    pp_core_cancel_queued(executor);
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

/* Tells all workers to leave and waits until they have; but none has anything to do any more, so not for
 * long: one that is stopped never will, and of one whose child holds its pipes nobody hears. False: time is
 * up. */
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
            pp_core_end_all_workers(executor);
            return true;
        }
        pp_core_poll(executor, patience_end_ns < end_ns ? patience_end_ns : end_ns, NULL);
        for (size_t lane = 0; lane < pool->used; lane++) {
            if (pool->slots[lane].state != PP_SLOT_EMPTY && has_left(executor, lane)) {
                pp_core_dismiss(executor, lane);
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
        pp_core_end_all_workers(executor);
        pp_core_cancel_queued(executor);
    }
    pp_store_notify(executor->store);
    pp_pool_close(executor->pool);
    pp_schedule_close(&executor->schedule);
    pp_store_close(executor->store);
    free(executor->reserved);
    free(executor->dirty);
    free(executor->seats);
    free(executor);
    return error;
}
