/* Workers that are killed, stopped and made to crash at random while they work: what comes out is what would
 * have come out without, and the pool is whole afterwards. A storm prints its seed if it fails; PP_SEED makes
 * it that one again.
 *
 * The signals are sent by the thread that steps, between two steps: so a pid is that of a worker that was not
 * reaped yet, and never a stranger's. The workers are at any point of their lives meanwhile. */

#include "executor/core.h"
#include "support/harness.h"
#include "support/tasks.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 4, MOST_WORKERS = 8 };

struct storm {
    uint64_t seed;
    uint64_t random;
    pp_executor *executor;
    pid_t stopped[MOST_WORKERS]; /* by lane; 0: it is not */
    unsigned killed;
    unsigned crashed;
};

static uint64_t next_random(struct storm *storm)
{
    storm->random ^= storm->random << 13;
    storm->random ^= storm->random >> 7;
    storm->random ^= storm->random << 17;
    return storm->random;
}

static void begin(struct storm *storm, int number, const struct pp_options *options)
{
    const char *seed = getenv("PP_SEED");
    *storm = (struct storm){.executor = open_executor_with(options)};
    storm->seed = seed != NULL ? strtoull(seed, NULL, 10)
                               : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid() * 97 + (uint64_t)number;
    storm->random = storm->seed * 2654435761U + 1;
}

#define ck_assert_in(storm, condition)                                                                \
    ck_assert_msg(condition, "in the storm with PP_SEED=%llu: %s", (unsigned long long)(storm)->seed, \
                  #condition)

static void go_on(struct storm *storm, size_t lane)
{
    const struct pp_slot *slot = &storm->executor->pool->slots[lane];
    if (storm->stopped[lane] != 0 && slot->pid == storm->stopped[lane]) {
        kill(slot->pid, SIGCONT);
    }
    storm->stopped[lane] = 0;
}

/* One in `rarity` times something happens to some worker. */
static void strike(struct storm *storm, unsigned rarity)
{
    static const int signals[] = {SIGKILL, SIGKILL, SIGSEGV, SIGSTOP};
    if (next_random(storm) % rarity != 0) {
        return;
    }
    size_t lane = next_random(storm) % storm->executor->options.workers;
    const struct pp_slot *slot = &storm->executor->pool->slots[lane];
    int signal_number = signals[next_random(storm) % 4];
    go_on(storm, next_random(storm) % storm->executor->options.workers);
    if (slot->pid <= 0) {
        return;
    }
    kill(slot->pid, signal_number);
    if (signal_number == SIGSTOP) {
        storm->stopped[lane] = slot->pid;
    } else {
        storm->killed++;
    }
}

/* All workers can be had, all at once. */
static void assert_whole(struct storm *storm)
{
    struct gate gate;
    pp_future *futures[MOST_WORKERS];
    size_t workers = storm->executor->options.workers;
    for (size_t lane = 0; lane < workers; lane++) {
        go_on(storm, lane);
    }
    while (storm->executor->unfinished > 0) {
        ck_assert_int_ge(pp_executor_step(storm->executor, -1), 0);
    }
    gate_open(&gate);
    /* The living do not know this gate: it is younger than they are. */
    for (size_t lane = 0; lane < storm->executor->pool->used; lane++) {
        if (storm->executor->pool->slots[lane].pid > 0) {
            kill(storm->executor->pool->slots[lane].pid, SIGKILL);
            siginfo_t info;
            waitid(P_PID, (id_t)storm->executor->pool->slots[lane].pid, &info, WEXITED | WNOWAIT);
        }
    }
    while (storm->executor->schedule.live > 0) {
        pp_executor_step(storm->executor, 0);
    }
    for (size_t i = 0; i < workers; i++) {
        futures[i] = submit(storm->executor, task_gate, &gate, sizeof gate);
    }
    for (size_t running = 0; running < workers;) {
        ck_assert_int_ge(pp_executor_step(storm->executor, 1), 0);
        running = 0;
        for (size_t i = 0; i < workers; i++) {
            running += pp_future_state(futures[i]) == PP_RUNNING;
        }
    }
    gate_let_through(&gate, workers);
    for (size_t i = 0; i < workers; i++) {
        ck_assert_in(storm, int_result(futures[i]) > 0);
        pp_future_release(futures[i]);
    }
    gate_close(&gate);
}

static void end(struct storm *storm)
{
    for (size_t lane = 0; lane < storm->executor->options.workers; lane++) {
        go_on(storm, lane);
    }
    ck_assert_int_eq(pp_executor_close(storm->executor, PP_CLOSE_DRAIN, -1), 0);
}

/* ---- The work ---- */

struct item {
    uint64_t number;
    uint32_t turns; /* how much work it is */
    uint32_t size;  /* of the result */
};

static uint64_t work_out(const struct item *item)
{
    uint64_t x = item->number + 1;
    for (uint32_t i = 0; i < item->turns; i++) {
        x = x * 6364136223846793005U + 1442695040888963407U;
    }
    return x;
}

static int task_work(const void *arg, size_t arg_size, pp_reply *reply)
{
    struct item item;
    (void)arg_size;
    memcpy(&item, arg, sizeof item);
    uint64_t result = work_out(&item);
    for (uint32_t i = 0; i < item.size; i++) {
        int error = pp_reply_append(reply, &result, sizeof result);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static void make_item(uint64_t number, struct item *item)
{
    uint64_t mixed = number * 0x9e3779b97f4a7c15U >> 32;
    *item = (struct item){.number = number,
                          .turns = mixed % 50 == 0 ? 200000 : (uint32_t)(mixed % 1000),
                          .size = mixed % 64 == 1 ? 20000 : 1 + (uint32_t)(mixed % 8)};
}

static bool is_right(const struct item *item, const void *bytes, size_t size)
{
    uint64_t expected = work_out(item);
    if (size != item->size * sizeof expected) {
        return false;
    }
    for (size_t i = 0; i < item->size; i++) {
        if (memcmp((const char *)bytes + i * sizeof expected, &expected, sizeof expected) != 0) {
            return false;
        }
    }
    return true;
}

static int give(void *context, struct pp_source_item *item)
{
    static struct item made;
    uint64_t *next = context;
    make_item((*next)++, &made);
    *item = (struct pp_source_item){.arg = &made, .arg_size = sizeof made};
    return 0;
}

static unsigned kills_wanted(void)
{
    return harness_exhaustive() ? 2500 : 60;
}

START_TEST(a_map_in_a_storm_gives_what_it_gives_in_fair_weather)
{
    struct storm storm;
    uint64_t next = 0;
    pp_map *map;
    struct pp_map_item item;
    begin(&storm, _i,
          &(struct pp_options){
              .workers = WORKERS, .retries = 1000000, .max_tasks_per_worker = _i == 3 ? 100 : 0});
    const struct pp_map_options options = {.as_completed = _i == 1, .look_ahead_bytes = _i == 2 ? 1 : 0};
    ck_assert_int_eq(pp_map_open(&map, storm.executor, task_work, give, &next, &options), 0);
    for (uint64_t taken = 0; storm.killed < kills_wanted();) {
        int error = pp_map_next(map, &item, 0);
        if (error == PP_E_TIMEOUT) {
            error = pp_map_next(map, &item, 1);
        }
        strike(&storm, 30);
        if (error == PP_E_TIMEOUT) {
            strike(&storm, 3);
            continue;
        }
        struct item expected;
        make_item(item.index, &expected);
        ck_assert_in(&storm, error == 0);
        ck_assert_in(&storm, item.error == 0);
        ck_assert_in(&storm, _i == 1 || item.index == taken);
        ck_assert_in(&storm, is_right(&expected, item.result, item.result_size));
        taken++;
    }
    pp_map_close(map);
    assert_whole(&storm);
    end(&storm);
}
END_TEST

START_TEST(without_retries_each_task_is_right_or_tells_the_signal_and_no_more_fail_than_were_hit)
{
    enum { COUNT = 400 };
    struct storm storm;
    begin(&storm, 100 + _i, &(struct pp_options){.workers = WORKERS});
    unsigned failed = 0;
    for (uint64_t number = 0; storm.killed < kills_wanted();) {
        pp_future *futures[COUNT];
        struct item items[COUNT];
        for (int i = 0; i < COUNT; i++) {
            make_item(number++, &items[i]);
            futures[i] = submit(storm.executor, task_work, &items[i], sizeof items[i]);
        }
        while (pp_wait(futures, COUNT, PP_UNTIL_ALL_DONE, 0, NULL) == PP_E_TIMEOUT) {
            strike(&storm, 10);
            ck_assert_int_ge(pp_executor_step(storm.executor, 1), 0);
        }
        for (int i = 0; i < COUNT; i++) {
            const void *bytes;
            size_t size;
            int error = pp_future_result(futures[i], 0, &bytes, &size);
            ck_assert_in(&storm, error == 0 || error == PP_E_CRASH);
            if (error == 0) {
                ck_assert_in(&storm, is_right(&items[i], bytes, size));
            } else {
                int signal_number = pp_future_failure(futures[i])->history[0].signal;
                ck_assert_in(&storm, signal_number == SIGKILL || signal_number == SIGSEGV);
                failed++;
            }
            pp_future_release(futures[i]);
        }
    }
    ck_assert_in(&storm, failed <= storm.killed);
    assert_whole(&storm);
    end(&storm);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults/storm");
    TCase *tcase = harness_case(suite, "storm", harness_exhaustive() ? 900 : 60);
    tcase_add_loop_test(tcase, a_map_in_a_storm_gives_what_it_gives_in_fair_weather, 0, 4);
    tcase_add_loop_test(
        tcase, without_retries_each_task_is_right_or_tells_the_signal_and_no_more_fail_than_were_hit, 0, 1);
    return harness_run(suite);
}
