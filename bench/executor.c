/* The executor next to what it is made of and next to its rivals: always ratios of two things measured in
 * turns in one run, medians over the rounds. What is to be reached is said with each row; the program fails
 * if a row misses it.
 *
 *     executor            everything
 *     executor ROW...     only the rows named (see main)
 *
 * Run from the top of the repository: rivals lie in bench/python and bench/perl. */

#ifdef __linux__
#define _GNU_SOURCE // NOLINT: for sched_setaffinity
#endif

#include "proc_pool/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ROUNDS = 64, WINDOW = 4096 };

static int missed;

static _Noreturn void die(const char *what, int error)
{
    fprintf(stderr, "executor bench: %s: %s\n", what, pp_strerror(error));
    exit(EXIT_FAILURE);
}

static void must(int error, const char *what)
{
    if (error < 0) {
        die(what, error);
    }
}

/* For system calls. */
static void must_errno(long result, const char *what)
{
    if (result == -1) {
        die(what, -errno);
    }
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare_doubles(const void *left, const void *right)
{
    double l = *(const double *)left;
    double r = *(const double *)right;
    return (l > r) - (l < r);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* Two things measured in turns. */
struct pair {
    double ours[MAX_ROUNDS];
    double theirs[MAX_ROUNDS];
    double ratio[MAX_ROUNDS];
    size_t count;
};

static void add(struct pair *pair, double ours, double theirs)
{
    pair->ours[pair->count] = ours;
    pair->theirs[pair->count] = theirs;
    pair->ratio[pair->count] = ours / theirs;
    pair->count++;
}

/* Prints the medians, and whether the median ratio is at most `reach` (0: nothing is asked). */
static void report(const char *name, struct pair *pair, double unit, const char *unit_name, const char *rival,
                   double reach)
{
    double ratio = median(pair->ratio, pair->count);
    printf("%-44s %10.3f %-2s  %-34s %10.3f %-2s  ratio %7.3f", name, median(pair->ours, pair->count) / unit,
           unit_name, rival, median(pair->theirs, pair->count) / unit, unit_name, ratio);
    if (reach > 0) {
        bool reached = ratio <= reach;
        printf("  at most %.2f: %s", reach, reached ? "reached" : "MISSED");
        missed += !reached;
    }
    printf("\n");
    fflush(stdout);
}

static pp_executor *open_executor(size_t workers)
{
    pp_executor *executor;
    must(pp_executor_open(&executor, &(struct pp_options){.workers = workers}), "open");
    return executor;
}

static void close_executor(pp_executor *executor)
{
    must(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), "close");
}

/* ---- Tasks ---- */

static int increment(const void *arg, size_t size, pp_reply *reply)
{
    uint64_t number;
    if (size != sizeof number) {
        return 1;
    }
    memcpy(&number, arg, sizeof number);
    number++;
    return pp_reply_append(reply, &number, sizeof number);
}

static int echo(const void *arg, size_t size, pp_reply *reply)
{
    return pp_reply_append(reply, arg, size);
}

/* Keeps a core busy for so many seconds and answers how long that really took. */
static int spin(const void *arg, size_t size, pp_reply *reply)
{
    double seconds;
    if (size != sizeof seconds) {
        return 1;
    }
    memcpy(&seconds, arg, sizeof seconds);
    double start = now_s();
    double took;
    do {
        took = now_s() - start;
    } while (took < seconds);
    return pp_reply_append(reply, &took, sizeof took);
}

/* ---- A tiny task ---- */

/* Seconds a task with a rolling window of futures: the oldest is waited for before the next is submitted. */
static double tiny_by_futures(pp_executor *executor, size_t count)
{
    static pp_future *window[WINDOW];
    uint64_t sum = 0;
    double start = now_s();
    for (size_t i = 0; i < count + WINDOW; i++) {
        pp_future **slot = &window[i % WINDOW];
        if (i >= WINDOW && i - WINDOW < count) {
            const void *bytes;
            size_t size;
            uint64_t number;
            must(pp_future_result(*slot, -1, &bytes, &size), "result");
            memcpy(&number, bytes, sizeof number);
            sum += number;
            pp_future_release(*slot);
        }
        if (i < count) {
            uint64_t number = i;
            must(pp_executor_submit(executor, increment, &number, sizeof number, slot), "submit");
        }
    }
    double seconds = now_s() - start;
    if (sum != (uint64_t)count * (count + 1) / 2) {
        die("wrong sum", PP_E_TASK);
    }
    return seconds / (double)count;
}

/* Seconds a task with all submitted before the first is waited for. */
static double tiny_all_at_once(pp_executor *executor, size_t count)
{
    pp_future **futures = calloc(count, sizeof(pp_future *));
    if (futures == NULL) {
        die("futures", -ENOMEM);
    }
    double start = now_s();
    for (size_t i = 0; i < count; i++) {
        uint64_t number = i;
        must(pp_executor_submit(executor, increment, &number, sizeof number, &futures[i]), "submit");
    }
    for (size_t i = 0; i < count; i++) {
        must(pp_future_wait(futures[i], -1), "wait");
        pp_future_release(futures[i]);
    }
    double seconds = now_s() - start;
    free(futures);
    return seconds / (double)count;
}

struct counter {
    uint64_t next;
    uint64_t end;
};

static int count_up(void *context, struct pp_source_item *item)
{
    struct counter *counter = context;
    if (counter->next == counter->end) {
        return PP_E_END;
    }
    item->arg = &counter->next;
    item->arg_size = sizeof counter->next;
    counter->next++;
    return 0;
}

static double tiny_by_map(pp_executor *executor, size_t count, bool as_completed)
{
    struct counter counter = {0, count};
    struct pp_map_item item;
    pp_map *map;
    int error;
    uint64_t items = 0;
    double start = now_s();
    must(pp_map_open(&map, executor, increment, count_up, &counter,
                     &(struct pp_map_options){.as_completed = as_completed}),
         "map");
    while ((error = pp_map_next(map, &item, -1)) == 0) {
        must(item.error, "item");
        items++;
    }
    pp_map_close(map);
    if (error != PP_E_END || items != count) {
        die("map ended", error);
    }
    return (now_s() - start) / (double)count;
}

/* ---- The bare probe: the same bytes through the same pipes, and nothing else ---- */

struct frame {
    uint64_t task;
    uint64_t order;
    uint64_t number;
};

struct probe_worker {
    pid_t pid;
    int to;
    int from;
    size_t sent;
    size_t end; /* of its part of the numbers */
    struct frame out[2048];
    size_t out_begin; /* in bytes */
    size_t out_end;
};

static _Noreturn void run_probe_worker(int from, int to)
{
    static struct frame frames[65536 / sizeof(struct frame)];
    ssize_t count;
    size_t have = 0;
    while ((count = read(from, (char *)frames + have, sizeof frames - have)) > 0) {
        have += (size_t)count;
        size_t whole = have / sizeof(struct frame);
        for (size_t i = 0; i < whole; i++) {
            frames[i].number++;
        }
        size_t size = whole * sizeof(struct frame);
        for (size_t done = 0; done < size;) {
            ssize_t written = write(to, (char *)frames + done, size - done);
            if (written <= 0) {
                _exit(1);
            }
            done += (size_t)written;
        }
        memmove(frames, (char *)frames + size, have - size);
        have -= size;
    }
    _exit(0);
}

static void pipe_or_die(int fds[2])
{
    must_errno(pipe(fds), "pipe");
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
}

static void feed_probe(struct probe_worker *worker)
{
    if (worker->out_begin == worker->out_end) {
        worker->out_begin = worker->out_end = 0;
        size_t frames = sizeof worker->out / sizeof worker->out[0];
        size_t i = 0;
        for (; i < frames && worker->sent < worker->end; i++, worker->sent++) {
            worker->out[i] = (struct frame){.order = worker->sent, .number = worker->sent};
        }
        worker->out_end = i * sizeof worker->out[0];
    }
    if (worker->out_begin < worker->out_end) {
        ssize_t count =
            write(worker->to, (char *)worker->out + worker->out_begin, worker->out_end - worker->out_begin);
        if (count > 0) {
            worker->out_begin += (size_t)count;
        }
    }
}

static double probe(size_t count)
{
    enum { WORKERS = 2 };
    static struct probe_worker workers[WORKERS];
    static struct frame frames[65536 / sizeof(struct frame)];
    struct pollfd fds[2 * WORKERS];
    size_t answered = 0;
    size_t have[WORKERS] = {0};
    for (size_t i = 0; i < WORKERS; i++) {
        int requests[2];
        int replies[2];
        pipe_or_die(requests);
        pipe_or_die(replies);
        workers[i] = (struct probe_worker){.to = requests[1],
                                           .from = replies[0],
                                           .sent = i * count / WORKERS,
                                           .end = (i + 1) * count / WORKERS};
        workers[i].pid = fork();
        must_errno(workers[i].pid, "fork");
        if (workers[i].pid == 0) {
            for (size_t j = 0; j <= i; j++) {
                close(workers[j].to);
                close(workers[j].from);
            }
            run_probe_worker(requests[0], replies[1]);
        }
        close(requests[0]);
        close(replies[1]);
        fcntl(workers[i].to, F_SETFL, O_NONBLOCK);
    }
    double start = now_s();
    while (answered < count) {
        for (size_t i = 0; i < WORKERS; i++) {
            feed_probe(&workers[i]);
            bool more = workers[i].out_begin < workers[i].out_end || workers[i].sent < workers[i].end;
            fds[2 * i] = (struct pollfd){.fd = workers[i].from, .events = POLLIN};
            fds[2 * i + 1] = (struct pollfd){.fd = more ? workers[i].to : -1, .events = POLLOUT};
        }
        must_errno(poll(fds, 2 * WORKERS, -1), "poll");
        for (size_t i = 0; i < WORKERS; i++) {
            if (fds[2 * i].revents != 0) {
                ssize_t got = read(workers[i].from, frames, sizeof frames);
                must_errno(got, "read");
                have[i] += (size_t)got;
                answered += have[i] / sizeof(struct frame);
                have[i] %= sizeof(struct frame);
            }
        }
    }
    double seconds = now_s() - start;
    for (size_t i = 0; i < WORKERS; i++) {
        close(workers[i].to);
        close(workers[i].from);
        waitpid(workers[i].pid, NULL, 0);
    }
    return seconds / (double)count;
}

static double cpu_s(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) / 1e6;
}

/* Unlike wall time, CPU time does not much mind what else runs on the machine. */
static void report_cpu_time(void)
{
    enum { COUNT = 3000000 };
    double parent = cpu_s(RUSAGE_SELF);
    double workers = cpu_s(RUSAGE_CHILDREN);
    pp_executor *executor = open_executor(2);
    tiny_by_futures(executor, COUNT);
    close_executor(executor);
    printf("CPU time of a tiny task, window of futures: %.1f ns in the parent, %.1f ns in a worker\n",
           (cpu_s(RUSAGE_SELF) - parent) / COUNT * 1e9, (cpu_s(RUSAGE_CHILDREN) - workers) / COUNT * 1e9);
}

static void row_tiny(void)
{
    enum { ROUNDS = 7, COUNT = 1000000, REACH_NS = 100 };
    static struct pair futures;
    static struct pair all;
    static struct pair ordered;
    static struct pair completed;
    pp_executor *executor = open_executor(2);
    tiny_by_futures(executor, COUNT / 10);
    for (size_t i = 0; i < ROUNDS; i++) {
        double bare = probe(COUNT);
        add(&futures, tiny_by_futures(executor, COUNT), bare);
        add(&ordered, tiny_by_map(executor, COUNT, false), bare);
        add(&completed, tiny_by_map(executor, COUNT, true), bare);
        add(&all, tiny_all_at_once(executor, COUNT), bare);
    }
    close_executor(executor);
    double ns = 1e-9;
    report("tiny task, window of futures", &futures, ns, "ns", "bare coalescing probe", 0);
    report("tiny task, map in order", &ordered, ns, "ns", "bare coalescing probe", 0);
    report("tiny task, map as completed", &completed, ns, "ns", "bare coalescing probe", 0);
    report("tiny task, 10^6 futures at once", &all, ns, "ns", "bare coalescing probe", 0);
    double best = median(futures.ours, futures.count) / ns;
    bool reached = best <= REACH_NS;
    printf("tiny task through futures: %.1f ns, at most %d: %s\n", best, REACH_NS,
           reached ? "reached" : "MISSED");
    missed += !reached;
    report_cpu_time();
}

/* ---- The round trip ---- */

struct pong {
    pid_t pid;
    int to;
    int from;
};

static struct pong open_pong(void)
{
    int requests[2];
    int replies[2];
    pipe_or_die(requests);
    pipe_or_die(replies);
    pid_t pid = fork();
    must_errno(pid, "fork");
    if (pid == 0) {
        uint64_t number;
        close(requests[1]);
        close(replies[0]);
        while (read(requests[0], &number, sizeof number) == (ssize_t)sizeof number &&
               write(replies[1], &number, sizeof number) == (ssize_t)sizeof number) {
        }
        _exit(0);
    }
    close(requests[0]);
    close(replies[1]);
    return (struct pong){.pid = pid, .to = requests[1], .from = replies[0]};
}

static double ping_pong(const struct pong *pong, size_t count)
{
    double start = now_s();
    for (size_t i = 0; i < count; i++) {
        uint64_t number = i;
        struct pollfd fd = {.fd = pong->from, .events = POLLIN};
        must_errno(write(pong->to, &number, sizeof number), "write");
        must_errno(poll(&fd, 1, -1), "poll");
        must_errno(read(pong->from, &number, sizeof number), "read");
    }
    return (now_s() - start) / (double)count;
}

static double round_trip(pp_executor *executor, size_t count)
{
    double start = now_s();
    for (size_t i = 0; i < count; i++) {
        uint64_t number = i;
        const void *bytes;
        size_t size;
        pp_future *future;
        must(pp_executor_submit(executor, increment, &number, sizeof number, &future), "submit");
        must(pp_future_result(future, -1, &bytes, &size), "result");
        pp_future_release(future);
    }
    return (now_s() - start) / (double)count;
}

static void compare_round_trips(const char *name, double reach)
{
    enum { ROUNDS = 41, COUNT = 500 };
    struct pair pair = {.count = 0};
    struct pong pong = open_pong();
    pp_executor *executor = open_executor(1);
    round_trip(executor, COUNT);
    ping_pong(&pong, COUNT);
    for (size_t i = 0; i < ROUNDS; i++) {
        double bare = ping_pong(&pong, COUNT);
        add(&pair, round_trip(executor, COUNT), bare);
    }
    close_executor(executor);
    close(pong.to);
    close(pong.from);
    waitpid(pong.pid, NULL, 0);
    report(name, &pair, 1e-6, "us", "8-byte ping-pong with poll", reach);
}

/* On which CPUs the two sides of a ping-pong run makes it four times as fast or as slow, and the kernel
 * chooses anew now and then. So what counts is measured with all on one CPU, where that can be had. */
static void row_round_trip(void)
{
#ifdef __linux__
    cpu_set_t all;
    cpu_set_t one;
    must_errno(sched_getaffinity(0, sizeof all, &all), "sched_getaffinity");
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    must_errno(sched_setaffinity(0, sizeof one, &one), "sched_setaffinity");
    compare_round_trips("submit to result, on one CPU", 1.1);
    must_errno(sched_setaffinity(0, sizeof all, &all), "sched_setaffinity");
    compare_round_trips("submit to result, anywhere", 0);
#else
    compare_round_trips("submit to result", 1.1);
#endif
}

/* ---- Opening and closing ---- */

enum { FORKS = 12, FEW = 20 };

/* What holds up all children, or nothing. */
static int gate_from = -1;
static int gate_to = -1;

static int pass_gate(void)
{
    char byte;
    return gate_from == -1 || read(gate_from, &byte, 1) == 1 ? 0 : EIO;
}

static void open_gate_for(size_t count)
{
    static const char bytes[FORKS];
    if (gate_to != -1 && write(gate_to, bytes, count) != (ssize_t)count) {
        die("gate", -errno);
    }
}

static int pass_gate_task(const void *arg, size_t size, pp_reply *reply)
{
    (void)arg, (void)size, (void)reply;
    return pass_gate();
}

static double bare_forks(void)
{
    pid_t pids[FORKS];
    double start = now_s();
    for (size_t i = 0; i < FORKS; i++) {
        pids[i] = fork();
        must_errno(pids[i], "fork");
        if (pids[i] == 0) {
            _exit(pass_gate());
        }
    }
    open_gate_for(FORKS);
    for (size_t i = 0; i < FORKS; i++) {
        must_errno(waitpid(pids[i], NULL, 0), "waitpid");
    }
    return now_s() - start;
}

/* *started: how many workers it took. */
static double open_run_close(size_t tasks, uint64_t *started)
{
    pp_future *futures[FEW];
    struct pp_statistics statistics;
    double start = now_s();
    pp_executor *executor = open_executor(FORKS);
    for (size_t i = 0; i < tasks; i++) {
        must(pp_executor_submit(executor, pass_gate_task, &i, sizeof i, &futures[i]), "submit");
    }
    open_gate_for(tasks);
    must(pp_wait(futures, tasks, PP_UNTIL_ALL_DONE, -1, NULL), "wait");
    pp_executor_statistics(executor, &statistics);
    close_executor(executor);
    double seconds = now_s() - start;
    for (size_t i = 0; i < tasks; i++) {
        pp_future_release(futures[i]);
    }
    *started = statistics.workers_started;
    return seconds;
}

static void row_open_close(void)
{
    enum { ROUNDS = 41 };
    static struct pair few, all;
    uint64_t started, most = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        double bare = bare_forks();
        add(&few, open_run_close(FEW, &started), bare);
        most = started > most ? started : most;
    }
    report("open 12 workers, 20 tasks, close", &few, 1e-3, "ms", "12 bare fork, exit, wait", 1.5);
    printf("  of the 12 workers at most %d were needed, and started\n", (int)most);
    int gate[2];
    must_errno(pipe(gate), "pipe");
    gate_from = gate[0], gate_to = gate[1];
    for (size_t i = 0; i < ROUNDS; i++) {
        double bare = bare_forks();
        add(&all, open_run_close(FORKS, &started), bare);
    }
    report("open 12 workers, all at work at once, close", &all, 1e-3, "ms", "12 bare fork, wait, exit", 0);
    close(gate_from);
    close(gate_to);
    gate_from = gate_to = -1;
}

/* ---- Mixes ---- */

/* xorshift64*; the mixes are the same in each run. */
static double uniform(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (double)((*state * UINT64_C(0x2545f4914f6cdd1d)) >> 11) / 9007199254740992.0;
}

/* Runs the tasks and returns the makespan; *bound becomes what no schedule of the times that the tasks really
 * took can beat: all of it shared evenly, or the longest. Times of 0 are tiny tasks. */
static double makespan(size_t workers, const double *seconds, size_t count, double *bound)
{
    pp_future **futures = calloc(count, sizeof(pp_future *));
    pp_executor *executor = open_executor(workers);
    if (futures == NULL) {
        die("futures", -ENOMEM);
    }
    double start = now_s();
    for (size_t i = 0; i < count; i++) {
        must(pp_executor_submit(executor, spin, &seconds[i], sizeof seconds[i], &futures[i]), "submit");
    }
    must(pp_executor_step(executor, 0), "step");
    double total = 0;
    double longest = 0;
    for (size_t i = 0; i < count; i++) {
        const void *bytes;
        size_t size;
        double took;
        must(pp_future_result(futures[i], -1, &bytes, &size), "result");
        memcpy(&took, bytes, sizeof took);
        total += took;
        longest = took > longest ? took : longest;
    }
    double wall = now_s() - start;
    for (size_t i = 0; i < count; i++) {
        pp_future_release(futures[i]);
    }
    close_executor(executor);
    free(futures);
    *bound = total / (double)workers > longest ? total / (double)workers : longest;
    return wall;
}

/* How long the book's sample takes by trial division, in ms on the reference machine, ascending. */
static const double sample_ms[] = {0,   16, 23, 77,  0,   77,  89,  0, 0,   100,
                                   100, 0,  0,  109, 109, 118, 118, 0, 134, 0};
enum { SAMPLE = sizeof sample_ms / sizeof sample_ms[0] };

static int compare_down(const void *left, const void *right)
{
    return compare_doubles(right, left);
}

enum mix { EXPONENTIAL, PARETO, BIMODAL, BOOK, BOOK_DESCENDING, SORTED_UP, SORTED_DOWN, MIXES };

static const char *const mix_names[MIXES] = {
    "exponential, mean 100 us",  "Pareto, alpha 1.2, from 20 us",    "99 % 10 us, 1 % 5 ms",
    "the book's sample",         "the book's sample, largest first", "exponential, shortest first",
    "exponential, longest first"};

static size_t fill_mix(enum mix mix, double *seconds)
{
    uint64_t state = 88172645463325252u;
    size_t count = mix == BOOK || mix == BOOK_DESCENDING ? SAMPLE : 4000;
    for (size_t i = 0; i < count; i++) {
        double u = uniform(&state);
        switch (mix) {
        case PARETO:
            seconds[i] = 20e-6 * pow(1 - u, -1 / 1.2);
            seconds[i] = seconds[i] < 0.1 ? seconds[i] : 0.1;
            break;
        case BIMODAL:
            seconds[i] = u < 0.01 ? 5e-3 : 10e-6;
            break;
        case BOOK:
            seconds[i] = sample_ms[i] * 1e-3;
            break;
        case BOOK_DESCENDING:
            seconds[i] = sample_ms[SAMPLE - 1 - i] * 1e-3;
            break;
        case EXPONENTIAL:
        case SORTED_UP:
        case SORTED_DOWN:
        case MIXES:
            seconds[i] = -100e-6 * log(1 - u);
            break;
        }
    }
    if (mix == SORTED_UP || mix == SORTED_DOWN) {
        qsort(seconds, count, sizeof *seconds, mix == SORTED_UP ? compare_doubles : compare_down);
    }
    return count;
}

static void row_mixes(void)
{
    enum { ROUNDS = 5 };
    static double seconds[4000];
    for (enum mix mix = 0; mix < MIXES; mix++) {
        struct pair pair = {.count = 0};
        size_t count = fill_mix(mix, seconds);
        for (size_t i = 0; i < ROUNDS; i++) {
            double bound;
            double wall = makespan(2, seconds, count, &bound);
            add(&pair, wall, bound);
        }
        report(mix_names[mix], &pair, 1e-3, "ms", "lower bound of what the tasks took", 0);
    }
}

struct times {
    const double *seconds;
    size_t count;
    size_t next;
};

static int give_time(void *context, struct pp_source_item *item)
{
    struct times *times = context;
    if (times->next == times->count) {
        return PP_E_END;
    }
    item->arg = &times->seconds[times->next++];
    item->arg_size = sizeof(double);
    return 0;
}

/* The makespan of a map as completed. */
static double map_makespan(const double *seconds, size_t count)
{
    struct times times = {seconds, count, 0};
    struct pp_map_item item;
    pp_map *map;
    pp_executor *executor = open_executor(2);
    double start = now_s();
    must(pp_map_open(&map, executor, spin, give_time, &times, &(struct pp_map_options){.as_completed = true}),
         "map");
    while (pp_map_next(map, &item, -1) == 0) {
        must(item.error, "item");
    }
    double wall = now_s() - start;
    pp_map_close(map);
    close_executor(executor);
    return wall;
}

/* One task of 2 s comes as a surprise among a million tiny ones. A list schedule in the order given starts it
 * when all before it are under way, and the other worker does the rest meanwhile. Submitted all at once,
 * nothing runs until the last has been submitted, which a list schedule does not know of. */
static void row_one_long(void)
{
    enum { ROUNDS = 3, COUNT = 1000000, AT = 100000 };
    static struct pair mapped;
    static struct pair at_once;
    double *seconds = calloc(COUNT, sizeof *seconds);
    if (seconds == NULL) {
        die("times", -ENOMEM);
    }
    for (size_t i = 0; i < ROUNDS; i++) {
        double bound;
        seconds[AT] = 0;
        double tiny = map_makespan(seconds, COUNT) / COUNT;
        seconds[AT] = 2;
        add(&mapped, map_makespan(seconds, COUNT), AT * tiny + 2);
        add(&at_once, makespan(2, seconds, COUNT, &bound), AT * tiny + 2);
    }
    free(seconds);
    report("one task of 2 s among 10^6 tiny, map", &mapped, 1, "s", "list-scheduling bound", 1.01);
    report("one task of 2 s among 10^6 tiny, at once", &at_once, 1, "s", "list-scheduling bound", 0);
}

/* ---- Sizes ---- */

/* Seconds to send so many bytes through a pipe to a process and back again, in pieces of at most 64 KiB. */
static double pipe_echo(size_t total)
{
    static char block[65536];
    int requests[2];
    int replies[2];
    pipe_or_die(requests);
    pipe_or_die(replies);
    pid_t pid = fork();
    must_errno(pid, "fork");
    if (pid == 0) {
        ssize_t count;
        close(requests[1]);
        close(replies[0]);
        while ((count = read(requests[0], block, sizeof block)) > 0 &&
               write(replies[1], block, (size_t)count) == count) {
        }
        _exit(0);
    }
    close(requests[0]);
    close(replies[1]);
    fcntl(requests[1], F_SETFL, O_NONBLOCK);
    double start = now_s();
    size_t sent = 0;
    size_t received = 0;
    while (received < total) {
        struct pollfd fds[2] = {{.fd = replies[0], .events = POLLIN},
                                {.fd = sent < total ? requests[1] : -1, .events = POLLOUT}};
        must_errno(poll(fds, 2, -1), "poll");
        if (fds[0].revents != 0) {
            ssize_t count = read(replies[0], block, sizeof block);
            must_errno(count, "read");
            received += (size_t)count;
        }
        if (fds[1].revents != 0) {
            size_t left = total - sent;
            ssize_t count = write(requests[1], block, left < sizeof block ? left : sizeof block);
            sent += count > 0 ? (size_t)count : 0;
        }
    }
    double seconds = now_s() - start;
    close(requests[1]);
    close(replies[0]);
    waitpid(pid, NULL, 0);
    return seconds;
}

struct echoes {
    const char *bytes;
    size_t size;
    size_t left;
};

static int give_bytes(void *context, struct pp_source_item *item)
{
    struct echoes *echoes = context;
    if (echoes->left == 0) {
        return PP_E_END;
    }
    echoes->left--;
    item->arg = echoes->bytes;
    item->arg_size = echoes->size;
    return 0;
}

static double echo_bytes(pp_executor *executor, const char *bytes, size_t size, size_t count)
{
    struct echoes echoes = {bytes, size, count};
    struct pp_map_item item;
    pp_map *map;
    int error;
    double start = now_s();
    must(pp_map_open(&map, executor, echo, give_bytes, &echoes, NULL), "map");
    while ((error = pp_map_next(map, &item, -1)) == 0) {
        if (item.error != 0 || item.result_size != size) {
            die("echo", item.error);
        }
    }
    pp_map_close(map);
    return error == PP_E_END ? now_s() - start : 0;
}

static void row_sizes(void)
{
    enum { ROUNDS = 9 };
    static const struct {
        size_t size;
        size_t count;
        const char *name;
    } sizes[] = {{8, 400000, "echo of 8 B, map"},
                 {1024, 60000, "echo of 1 KiB, map"},
                 {65536, 1500, "echo of 64 KiB, map"},
                 {1048576, 100, "echo of 1 MiB, map"}};
    char *bytes = calloc(1, 1048576);
    if (bytes == NULL) {
        die("bytes", -ENOMEM);
    }
    pp_executor *executor = open_executor(1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pair pair = {.count = 0};
        echo_bytes(executor, bytes, sizes[i].size, sizes[i].count / 10);
        for (size_t j = 0; j < ROUNDS; j++) {
            double bare = pipe_echo(sizes[i].size * sizes[i].count);
            add(&pair, echo_bytes(executor, bytes, sizes[i].size, sizes[i].count), bare);
        }
        report(sizes[i].name, &pair, 1e-3, "ms", "as many bytes by bare pipes", 0);
    }
    close_executor(executor);
    free(bytes);
}

/* ---- Rivals ---- */

/* Runs a rival that prints lines "NAME<tab>SECONDS A TASK", and prints how many times our time that is. */
static void run_rival(const char *needs, const char *command, double ours)
{
    char line[256];
    char probe_command[256];
    snprintf(probe_command, sizeof probe_command, "%s >/dev/null 2>&1", needs);
    if (system(probe_command) !=
        0) { // NOLINT(bugprone-command-processor,cert-env33-c): a bench's own commands
        printf("skip %s: not installed\n", command);
        return;
    }
    fflush(stdout);
    FILE *output = popen(command, "r"); // NOLINT(bugprone-command-processor,cert-env33-c)
    if (output == NULL) {
        die(command, -errno);
    }
    while (fgets(line, sizeof line, output) != NULL) {
        char *tab = strchr(line, '\t');
        if (tab != NULL) {
            double seconds = strtod(tab + 1, NULL);
            printf("%-44.*s %10.3f us  %-34s %10.3f us  ratio %7.0f\n", (int)(tab - line), line,
                   seconds * 1e6, "tiny task through futures", ours * 1e6, seconds / ours);
        }
    }
    if (pclose(output) != 0) {
        printf("%s failed\n", command);
    }
}

static double xargs_per_task(void)
{
    enum { COUNT = 2000 };
    double start = now_s();
    // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c)
    if (system("yes 1 | head -n 2000 | xargs -n 1 -P 2 true") != 0) {
        return 0;
    }
    return (now_s() - start) / COUNT;
}

static void row_rivals(void)
{
    pp_executor *executor = open_executor(2);
    tiny_by_futures(executor, 100000);
    double ours = tiny_by_futures(executor, 1000000);
    close_executor(executor);
    run_rival("python3 -c 'import concurrent.futures'", "python3 bench/python/executor_rivals.py", ours);
    run_rival("perl -MMCE -MMCE::Map -e 1", "perl bench/perl/executor_rivals.pl", ours);
    // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c)
    if (system("command -v xargs >/dev/null 2>&1") == 0) {
        double seconds = xargs_per_task();
        printf("%-44s %10.3f us  %-34s %10.3f us  ratio %7.0f\n", "xargs -n 1 -P 2 true", seconds * 1e6,
               "tiny task through futures", ours * 1e6, seconds / ours);
    } else {
        printf("skip xargs: not installed\n");
    }
}

/* ---- Idling ---- */

enum { IDLE_SECONDS = 10 };

/* What row_idle runs under strace: idles between two writes to a descriptor that is not there. */
static void idle(void)
{
    struct pollfd fds[16];
    pp_executor *executor = open_executor(2);
    round_trip(executor, 100);
    int timeout = pp_executor_next_deadline(executor);
    size_t count = pp_executor_pollfds(executor, fds, 16);
    if (write(-1, "idle begins", 11) == -1 && timeout == -1) {
        poll(fds, (nfds_t)count, IDLE_SECONDS * 1000);
    }
    if (write(-1, "idle ends", 9) == -1) {
        close_executor(executor);
    }
}

/* Counts the system calls of all processes between the two marks; the poll that waits is one. */
static void row_idle(const char *self)
{
    char command[512];
    // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c)
    if (system("command -v strace >/dev/null 2>&1") != 0) {
        printf("skip idling: strace is not installed\n");
        return;
    }
    snprintf(
        command, sizeof command,
        "strace -f %s --idle 2>&1 | awk '/idle begins/ { on = 1; next } /idle ends/ { on = 0 } on { print }'",
        self);
    fflush(stdout);
    FILE *output = popen(command, "r"); // NOLINT(bugprone-command-processor,cert-env33-c)
    if (output == NULL) {
        die(command, -errno);
    }
    char line[512];
    int calls = 0;
    while (fgets(line, sizeof line, output) != NULL) {
        bool waits = strstr(line, "poll(") != NULL || strstr(line, "poll resumed") != NULL;
        calls += !waits;
        if (!waits) {
            printf("  %s", line);
        }
    }
    bool reached = pclose(output) == 0 && calls == 0;
    printf("system calls of parent and 2 workers in %d s of idling, besides the poll that waits: %d: %s\n",
           IDLE_SECONDS, calls, reached ? "reached" : "MISSED");
    missed += !reached;
}

/* ---- main ---- */

static bool wanted(int argc, char *argv[], const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return argc == 1;
}

int main(int argc, char *argv[])
{
    static const struct {
        const char *name;
        void (*run)(void);
    } rows[] = {{"open-close",
                 row_open_close}, /* first: what a fork costs depends on how large the process has become */
                {"tiny", row_tiny},
                {"round-trip", row_round_trip},
                {"long", row_one_long},
                {"mixes", row_mixes},
                {"sizes", row_sizes},
                {"rivals", row_rivals}};
    if (argc == 2 && strcmp(argv[1], "--idle") == 0) {
        idle();
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (wanted(argc, argv, rows[i].name)) {
            rows[i].run();
        }
    }
    if (wanted(argc, argv, "idle")) {
        row_idle(argv[0]);
    }
    return missed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
