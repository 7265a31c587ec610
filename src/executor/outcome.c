/* Futures become done, in whatever way but a reply's. */

#include "core.h"

void pp_core_cancel(struct pp_executor *executor, struct pp_future *future)
{
    pp_future_become_cancelled(future);
    pp_core_finish(executor, future);
}

void pp_core_fail(struct pp_executor *executor, struct pp_future *future, int error, int code)
{
    pp_future_fail(future, error, code, NULL, 0);
    pp_core_finish(executor, future);
}

void pp_core_fail_queued(struct pp_executor *executor, int error, int code)
{
    struct pp_job *job;
    while ((job = pp_schedule_remove_first(&executor->schedule)) != NULL) {
        pp_core_fail(executor, pp_future_of(job), error, code);
    }
}

void pp_core_drop_cancelled(struct pp_executor *executor, size_t count)
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

void pp_core_cancel_queued(struct pp_executor *executor)
{
    struct pp_job *job;
    while ((job = pp_schedule_remove_first(&executor->schedule)) != NULL) {
        pp_core_cancel(executor, pp_future_of(job));
    }
}
