/* demo_futures.c: futures in the open. Five tasks on three workers: each future is shown after its task was
 * submitted, then as it completes. Three are running and two pending: running means that a worker has begun
 * the task, not that it was sent somewhere. */

#include <proc_pool/executor.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WORKERS = 3, TASKS = 5 };

static const char *name_of(enum pp_state state)
{
    static const char *const names[] = {[PP_PENDING] = "pending",
                                        [PP_RUNNING] = "running",
                                        [PP_SUCCEEDED] = "succeeded",
                                        [PP_FAILED] = "failed",
                                        [PP_CANCELLED] = "cancelled"};
    return names[state];
}

/* The task: runs in a worker. Sleeps n tenths of a second and replies n * 10. */
static int loiter(const void *arg, size_t arg_size, pp_reply *reply)
{
    (void)arg_size;
    int n;
    memcpy(&n, arg, sizeof n);
    const struct timespec time = {.tv_sec = n / 10, .tv_nsec = n % 10 * 100000000L};
    nanosleep(&time, NULL);
    const int result = n * 10;
    return pp_reply_append(reply, &result, sizeof result);
}

/* The executor works only while it is called: this lets it start a worker and hear from it. */
static void give_it_a_moment(pp_executor *executor, const pp_future *future)
{
    for (int i = 0; i < 10 && pp_future_state(future) == PP_PENDING; i++) {
        (void)pp_executor_step(executor, 10);
    }
}

static int submit_all(pp_executor *executor, pp_future *futures[])
{
    for (int i = 0; i < TASKS; i++) {
        const int n = i + 3;
        const int error = pp_executor_submit(executor, loiter, &n, sizeof n, &futures[i]);
        if (error != 0) {
            return error;
        }
        give_it_a_moment(executor, futures[i]);
        printf("submitted loiter(%d): <future %d, %s>\n", n, i, name_of(pp_future_state(futures[i])));
        fflush(stdout);
    }
    return 0;
}

static int find(pp_future *const *futures, const pp_future *future)
{
    int i = 0;
    while (futures[i] != future) {
        i++;
    }
    return i;
}

/* A future that as_completed gives out is done, so its result is there and nothing blocks. */
static int print_as_completed(pp_future *const futures[])
{
    pp_as_completed *iterator = NULL;
    pp_future *future;
    int error = pp_as_completed_open(&iterator, futures, TASKS, -1);
    while (error == 0 && (error = pp_as_completed_next(iterator, &future)) == 0) {
        const void *bytes;
        size_t size;
        int result = 0;
        error = pp_future_result(future, 0, &bytes, &size);
        if (error == 0) {
            memcpy(&result, bytes, sizeof result);
            printf("<future %d, %s> result: %d\n", find(futures, future), name_of(pp_future_state(future)),
                   result);
            fflush(stdout);
        }
    }
    pp_as_completed_close(iterator);
    return error == PP_E_END ? 0 : error;
}

int main(void)
{
    pp_executor *executor = NULL;
    pp_future *futures[TASKS] = {0};
    int error = pp_executor_open(&executor, &(struct pp_options){.workers = WORKERS});
    if (error == 0) {
        printf("%d tasks, %d workers\n", TASKS, WORKERS);
        error = submit_all(executor, futures);
    }
    if (error == 0) {
        error = print_as_completed(futures);
    }
    for (int i = 0; i < TASKS; i++) {
        pp_future_release(futures[i]);
    }
    (void)pp_executor_close(executor, PP_CLOSE_KILL, -1);
    if (error != 0) {
        fprintf(stderr, "demo_futures: %s\n", pp_strerror(error));
        return 3;
    }
    return ferror(stdout) || fclose(stdout) != 0 ? 3 : 0;
}
