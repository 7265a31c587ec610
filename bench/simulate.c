/* What one parent can feed: the simulator of the tests, with the costs of this machine.
 *
 * First the costs are measured: system calls and wake-ups on bare pipes, the executor's own share from the
 * CPU time of a run of tiny tasks. Then, for 1 and 2 workers, the simulator's prediction is held against the
 * executor itself, in turns; it fails when one is off by more than 5 %. Then it tells what cannot be measured
 * here: 1 to 1024 workers with a core each, and from how many workers on the parent is the bottleneck.
 *
 * Costs and runs are the best of several rounds: what is predicted is a machine left alone. */

#include "proc_pool/executor.h"

#include "executor/schedule.h"
#include "support/simulator.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 7, COMPARED_ROUNDS = 15, LOOK_AHEAD = 4000 };

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "simulate: %s failed\n", what);
    exit(EXIT_FAILURE);
}

static void must(bool good, const char *what)
{
    if (!good) {
        die(what);
    }
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double least(double left, double right)
{
    return left == 0 || right < left ? right : left;
}

/* From one measurement to a cost; nothing costs less than nothing. */
static uint64_t cost(double ns)
{
    return ns > 0 ? (uint64_t)(ns + 0.5) : 0;
}

static double cpu_ns(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return ((double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec) * 1e9 +
           ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) * 1e3;
}

/* ---- Bare pipes ---- */

static void open_pipe(int *from, int *to)
{
    int fds[2];
    must(pipe(fds) == 0, "pipe");
    *from = fds[0];
    *to = fds[1];
}

static char block[32768];

/* A write, a read, a poll, with nobody waiting; `size` bytes. */
static void measure_calls(size_t size, double *write_ns, double *read_ns, double *poll_ns)
{
    enum { CALLS = 2000 };
    int from;
    int to;
    open_pipe(&from, &to);
    double writing = 0;
    double reading = 0;
    double polling = 0;
    double clock = now_ns();
    for (size_t i = 0; i < CALLS; i++) {
        must(write(to, block, size) == (ssize_t)size, "write");
        double written = now_ns();
        struct pollfd fd = {.fd = from, .events = POLLIN};
        must(poll(&fd, 1, 0) == 1, "poll");
        double polled = now_ns();
        must(read(from, block, size) == (ssize_t)size, "read");
        double done = now_ns();
        writing += written - clock;
        polling += polled - written;
        reading += done - polled;
        clock = done;
    }
    close(from);
    close(to);
    *write_ns = least(*write_ns, writing / CALLS);
    *read_ns = least(*read_ns, reading / CALLS);
    *poll_ns = least(*poll_ns, polling / CALLS);
}

/* Of a poll, what each worker's pipe adds. */
static double measure_poll_lane(void)
{
    enum { CALLS = 500, LANES = 200 };
    struct pollfd fds[2 * LANES];
    int to[LANES];
    for (size_t i = 0; i < LANES; i++) {
        fds[2 * i] = (struct pollfd){.events = POLLIN};
        fds[2 * i + 1] = (struct pollfd){.fd = -1};
        open_pipe(&fds[2 * i].fd, &to[i]);
    }
    double start = now_ns();
    for (size_t i = 0; i < CALLS; i++) {
        must(poll(fds, 2 * LANES, 0) == 0, "poll");
    }
    double ns = (now_ns() - start) / CALLS / LANES;
    for (size_t i = 0; i < LANES; i++) {
        close(fds[2 * i].fd);
        close(to[i]);
    }
    return ns;
}

/* A write that wakes its reader; how long it takes, besides the time that the reader is busy before he answers, until
 * the answer has come; and how much of it the writer has worked. Both sleep for as long as they do between tasks: what
 * one sleeps for less is warm. */
static void measure_waking(double *write_ns, double *trip_ns, double *cpu_per_trip_ns)
{
    enum { TRIPS = 500, BUSY_NS = 50000 };
    int from;
    int to;
    int replies;
    int replies_to;
    char byte = 0;
    open_pipe(&from, &to);
    open_pipe(&replies, &replies_to);
    pid_t pid = fork();
    must(pid != -1, "fork");
    if (pid == 0) {
        close(to);
        while (read(from, &byte, 1) == 1) {
            for (double until = now_ns() + BUSY_NS; now_ns() < until;) {
            }
            must(write(replies_to, &byte, 1) == 1, "write");
        }
        _exit(0);
    }
    double writing = 0;
    double cpu = cpu_ns(RUSAGE_SELF);
    double start = now_ns();
    for (size_t i = 0; i < TRIPS; i++) {
        double before = now_ns();
        must(write(to, &byte, 1) == 1, "write");
        writing += now_ns() - before;
        struct pollfd fd = {.fd = replies, .events = POLLIN};
        must(poll(&fd, 1, -1) == 1 && read(replies, &byte, 1) == 1, "read");
    }
    *cpu_per_trip_ns = least(*cpu_per_trip_ns, (cpu_ns(RUSAGE_SELF) - cpu) / TRIPS);
    *trip_ns = least(*trip_ns, (now_ns() - start) / TRIPS - BUSY_NS);
    *write_ns = least(*write_ns, writing / TRIPS);
    close(to);
    close(from);
    close(replies);
    close(replies_to);
    waitpid(pid, NULL, 0);
}

static void measure_fork(double *fork_ns, double *start_ns, double *reap_ns)
{
    int from;
    int to;
    char byte = 0;
    open_pipe(&from, &to);
    double start = now_ns();
    pid_t pid = fork();
    must(pid != -1, "fork");
    if (pid == 0) {
        _exit(write(to, &byte, 1) == 1 ? 0 : 1);
    }
    double forked = now_ns();
    must(read(from, &byte, 1) == 1, "read");
    double started = now_ns();
    waitpid(pid, NULL, 0);
    *fork_ns = least(*fork_ns, forked - start);
    *start_ns = least(*start_ns, started - forked);
    *reap_ns = least(*reap_ns, now_ns() - started);
    close(from);
    close(to);
}

/* ---- The executor ---- */

/* Turns a wheel so many times; what that takes is measured beforehand. */
static uint64_t turn(uint64_t times)
{
    uint64_t wheel = times;
    for (uint64_t i = 0; i < times; i++) {
        wheel = wheel * UINT64_C(6364136223846793005) + 1;
    }
    return wheel;
}

static int turn_task(const void *arg, size_t size, pp_reply *reply)
{
    uint64_t times;
    if (size != sizeof times) {
        return 1;
    }
    memcpy(&times, arg, sizeof times);
    times = turn(times);
    return pp_reply_append(reply, &times, sizeof times);
}

/* For as long as a run takes: what interrupts it interrupts this. */
static double measure_turn(void)
{
    enum { TURNS = 30000000 };
    double best = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        double start = now_ns();
        uint64_t wheel = turn(TURNS);
        best = least(best, (now_ns() - start) / TURNS);
        must(wheel != 0, "turning"); /* so that it is not left out */
    }
    return best;
}

struct supply {
    uint64_t times;
    size_t left;
};

static int give(void *context, struct pp_source_item *item)
{
    struct supply *supply = context;
    if (supply->left == 0) {
        return PP_E_END;
    }
    supply->left--;
    item->arg = &supply->times;
    item->arg_size = sizeof supply->times;
    return 0;
}

struct run {
    double wall_ns;
    double parent_ns; /* CPU time */
    double workers_ns;
};

/* From open to the last result; the close is not in the wall time. */
static struct run run_executor(size_t workers, uint64_t times, size_t tasks)
{
    struct supply supply = {times, tasks};
    struct pp_map_item item;
    pp_executor *executor;
    pp_map *map = NULL;
    double parent = cpu_ns(RUSAGE_SELF);
    double children = cpu_ns(RUSAGE_CHILDREN);
    double start = now_ns();
    must(pp_executor_open(&executor, &(struct pp_options){.workers = workers}) == 0 &&
             pp_map_open(&map, executor, turn_task, give, &supply, NULL) == 0,
         "open");
    size_t items = 0;
    while (pp_map_next(map, &item, -1) == 0) {
        must(item.error == 0, "task");
        items++;
    }
    must(items == tasks, "map");
    struct run run = {.wall_ns = now_ns() - start, .parent_ns = cpu_ns(RUSAGE_SELF) - parent};
    pp_map_close(map);
    must(pp_executor_close(executor, PP_CLOSE_DRAIN, -1) == 0, "close");
    run.workers_ns = cpu_ns(RUSAGE_CHILDREN) - children;
    return run;
}

/* ---- The schedule ---- */

static void carry_out(struct pp_schedule *schedule)
{
    struct pp_action action;
    while (pp_schedule_next(schedule, 0, &action)) {
        if (action.kind == PP_ACTION_SPAWN) {
            pp_schedule_spawned(schedule, action.lane);
        }
    }
}

/* All workers have been sent something that they may not have begun. */
static struct pp_job *make_busy(struct pp_schedule *schedule, size_t workers)
{
    struct pp_job *jobs = calloc(4 * workers, sizeof *jobs);
    must(jobs != NULL && pp_schedule_open(schedule, workers, 0), "memory");
    for (size_t i = 0; i < workers; i++) {
        pp_schedule_submit(schedule, &jobs[i], 1, 8);
    }
    carry_out(schedule);
    for (size_t lane = 0; lane < workers; lane++) {
        pp_schedule_hello(schedule, lane, 0);
        pp_schedule_reply(schedule, lane, 1000, 0);
    }
    for (size_t i = workers; i < 4 * workers; i++) {
        pp_schedule_submit(schedule, &jobs[i], 1, 8);
    }
    carry_out(schedule);
    while (pp_schedule_remove_first(schedule) != NULL) {
    }
    return jobs;
}

/* What a step costs besides its system calls and what each task costs: to find twice that there is nothing to
 * do, to ask until when, and to read the clock twice. */
static double measure_step(size_t workers)
{
    enum { CALLS = 500 };
    struct pp_schedule schedule;
    struct pp_job *jobs = make_busy(&schedule, workers);
    double best = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct pp_action action;
        double start = now_ns();
        for (size_t i = 0; i < CALLS; i++) {
            double clock = now_ns();
            bool acts = pp_schedule_next(&schedule, 0, &action);
            acts = pp_schedule_next(&schedule, 0, &action) || acts;
            must(!acts && pp_schedule_deadline(&schedule) != 0 && clock <= now_ns(), "schedule");
        }
        best = least(best, (now_ns() - start) / CALLS);
    }
    pp_schedule_close(&schedule);
    free(jobs);
    return best;
}

/* ---- Calibration ---- */

static struct simulator_costs calibrate(void)
{
    enum { TINY = 300000 };
    double write_ns = 0;
    double read_ns = 0;
    double poll_ns = 0;
    double long_write_ns = 0;
    double long_read_ns = 0;
    double lane_ns = 0;
    double waking_write_ns = 0;
    double trip_ns = 0;
    double trip_cpu_ns = 0;
    double fork_ns = 0;
    double start_ns = 0;
    double reap_ns = 0;
    double parent_ns = 0;
    double worker_ns = 0;
    double unused = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        measure_calls(1, &write_ns, &read_ns, &poll_ns);
        measure_calls(sizeof block, &long_write_ns, &long_read_ns, &unused);
        lane_ns = least(lane_ns, measure_poll_lane());
        measure_waking(&waking_write_ns, &trip_ns, &trip_cpu_ns);
        measure_fork(&fork_ns, &start_ns, &reap_ns);
        struct run run = run_executor(1, 0, TINY);
        parent_ns = least(parent_ns, run.parent_ns / TINY);
        worker_ns = least(worker_ns, run.workers_ns / TINY);
    }
    double kilobyte_ns =
        (long_write_ns + long_read_ns - write_ns - read_ns) / 2 / ((double)sizeof block / 1024);
    /* There and back: two writes that wake, two waits. The poll is the parent's only. What it has worked besides is
     * for falling asleep and waking up. */
    double sleep_ns = trip_cpu_ns - waking_write_ns - read_ns - poll_ns;
    double wake_ns = (trip_ns - 2 * waking_write_ns - 2 * read_ns - poll_ns - 2 * sleep_ns) / 2;
    /* Of what a tiny task costs, its part of the system calls is counted by itself: of a thousand tasks each. */
    double copies_ns = 2 * kilobyte_ns * 32 / 1024 + (write_ns + read_ns + poll_ns) / 1000;
    double share_ns = (parent_ns - copies_ns) / 4;
    return (struct simulator_costs){
        .submit = cost(share_ns),
        .consume = cost(share_ns),
        .send = cost(share_ns),
        .reply = cost(share_ns),
        .step = cost(measure_step(1)), /* and by the number of workers when it is known */
        .poll = cost(poll_ns),
        .poll_lane = cost(lane_ns),
        .read = cost(read_ns),
        .write = cost(write_ns),
        .kilobyte = cost(kilobyte_ns),
        .waking = cost(waking_write_ns - write_ns),
        .wake = cost(wake_ns),
        .sleep = cost(sleep_ns),
        .fork = cost(fork_ns),
        .start = cost(start_ns),
        .reap = cost(reap_ns),
        .task = cost(worker_ns - copies_ns),
    };
}

static void print_costs(const struct simulator_costs *costs)
{
    printf(
        "costs in ns: of a task in the parent %llu, in the worker %llu; a step with 1 worker %llu, with 1024 "
        "%llu;\n  write %llu, read %llu, poll %llu and %llu a worker, 1 KiB %llu; to wake somebody %llu, "
        "until he runs %llu and then %llu; fork %llu, start %llu\n",
        4 * (unsigned long long)costs->submit, (unsigned long long)costs->task,
        (unsigned long long)costs->step, (unsigned long long)cost(measure_step(1024)),
        (unsigned long long)costs->write, (unsigned long long)costs->read, (unsigned long long)costs->poll,
        (unsigned long long)costs->poll_lane, (unsigned long long)costs->kilobyte,
        (unsigned long long)costs->waking, (unsigned long long)costs->wake, (unsigned long long)costs->sleep,
        (unsigned long long)costs->fork, (unsigned long long)costs->start);
}

/* ---- Predictions ---- */

static struct simulator_result predict(const struct simulator_costs *costs, size_t workers, size_t cores,
                                       size_t tasks, uint64_t task_ns)
{
    struct simulator_world world = {.seed = 1,
                                    .costs = *costs,
                                    .workers = workers,
                                    .cores = cores,
                                    .tasks = tasks,
                                    .functions = 1,
                                    .mean_ns = task_ns,
                                    .size = sizeof(uint64_t),
                                    .load = SIMULATOR_UNIFORM,
                                    .pattern = SIMULATOR_ORDERED,
                                    .look_ahead = LOOK_AHEAD + 250 * workers};
    world.costs.step = cost(measure_step(workers));
    struct simulator_result result;
    if (!simulate(&world, &result)) {
        die(result.violation);
    }
    return result;
}

static const struct {
    uint64_t ns;
    const char *name;
    size_t measured; /* tasks for a worker, here: short runs have the better chance to be left alone */
    size_t tasks;    /* and in the simulation */
} lengths[] = {{1000, "1 us", 50000, 10000}, {100000, "100 us", 400, 1000}, {10000000, "10 ms", 5, 20}};

enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

static int compare_with_the_executor(const struct simulator_costs *costs, double turn_ns)
{
    int missed = 0;
    printf("\n%-8s %8s %14s %14s %8s\n", "task", "workers", "predicted ms", "measured ms", "ratio");
    for (size_t i = 0; i < LENGTHS; i++) {
        for (size_t workers = 1; workers <= 2; workers++) {
            size_t tasks = lengths[i].measured * workers;
            uint64_t times = (uint64_t)((double)lengths[i].ns / turn_ns);
            double measured = 0;
            for (size_t round = 0; round < COMPARED_ROUNDS; round++) {
                measured = least(measured, run_executor(workers, times, tasks).wall_ns);
            }
            struct simulator_result result = predict(costs, workers, pp_cpu_count(), tasks, lengths[i].ns);
            double ratio = (double)result.makespan_ns / measured;
            bool reached = ratio > 0.95 && ratio < 1.05;
            missed += !reached;
            printf("%-8s %8zu %14.3f %14.3f %8.3f %s\n", lengths[i].name, workers,
                   (double)result.makespan_ns / 1e6, measured / 1e6, ratio,
                   reached ? "within 5 %" : "MISSED: not within 5 %");
        }
    }
    return missed;
}

struct outlook {
    double effective; /* how many workers' work is done, once all have started */
    double load;      /* of the parent */
    double makespan_ms;
};

/* Two runs, one twice as long: what is between them is without the start. */
static struct outlook look_at(const struct simulator_costs *costs, size_t length, size_t workers)
{
    size_t tasks = lengths[length].tasks * workers;
    size_t most =
        1000 * workers > 200000 ? 1000 * workers : 200000; /* several times a window and a look-ahead */
    tasks = tasks < most ? tasks : most;
    struct simulator_result once = predict(costs, workers, 0, tasks, lengths[length].ns);
    struct simulator_result twice = predict(costs, workers, 0, 2 * tasks, lengths[length].ns);
    double between = (double)(twice.makespan_ns - once.makespan_ns);
    return (struct outlook){.effective = (double)(twice.total_ns - once.total_ns) / between,
                            .load = (double)(twice.parent_busy_ns - once.parent_busy_ns) / between,
                            .makespan_ms = (double)once.makespan_ns / 1e6};
}

/* The parent is the bottleneck where the workers get less than nine tenths of what one alone gets each. */
static void predict_many(const struct simulator_costs *costs, size_t length)
{
    double alone = look_at(costs, length, 1).effective;
    size_t fed = 0;
    size_t starved = 0;
    printf("\ntasks of %s, a core for each worker; %zu tasks a worker, and then once they all run\n"
           "%8s %14s %18s %10s\n",
           lengths[length].name, lengths[length].tasks, "workers", "makespan ms", "do the work of", "parent");
    for (size_t workers = 1; workers <= 1024; workers *= 2) {
        struct outlook outlook = look_at(costs, length, workers);
        printf("%8zu %14.3f %18.2f %9.0f%%\n", workers, outlook.makespan_ms, outlook.effective,
               100 * outlook.load);
        if (starved == 0 && outlook.effective >= 0.9 * alone * (double)workers) {
            fed = workers;
        } else if (starved == 0) {
            starved = workers;
        }
    }
    if (starved == 0) {
        printf("one parent feeds all 1024\n");
        return;
    }
    while (starved - fed > 1 + starved / 20) {
        size_t middle = (fed + starved) / 2;
        bool enough = look_at(costs, length, middle).effective >= 0.9 * alone * (double)middle;
        *(enough ? &fed : &starved) = middle;
    }
    printf("the parent is the bottleneck from about %zu workers on\n", starved);
}

int main(void)
{
    double turn_ns = measure_turn();
    struct simulator_costs costs = calibrate();
    print_costs(&costs);
    int missed = compare_with_the_executor(&costs, turn_ns);
    for (size_t i = 0; i < LENGTHS; i++) {
        predict_many(&costs, i);
    }
    return missed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
