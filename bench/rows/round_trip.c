/* From submit to result, one task after the other, beside a bare ping-pong of 8 bytes over two pipes. */

#ifdef __linux__
#define _GNU_SOURCE // NOLINT: for sched_setaffinity
#endif

#include "row.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANYWHERE = -1 };

/* ---- CPUs ---- */

#ifdef __linux__
static cpu_set_t allowed;

/* The first two CPUs that this process may use. How many there are of them; 0: it cannot be told to stay on
 * one. */
static size_t find_cpus(int cpus[2])
{
    size_t count = 0;
    must_errno(sched_getaffinity(0, sizeof allowed, &allowed), "sched_getaffinity");
    for (int cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++) {
        if (CPU_ISSET((size_t)cpu, &allowed)) {
            cpus[count++] = cpu;
        }
    }
    return count;
}

/* 0 or -errno. */
static int stay_on(int cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    return cpu == ANYWHERE || sched_setaffinity(0, sizeof one, &one) == 0 ? 0 : -errno;
}

/* Undoes stay_on, after find_cpus. */
static void roam(void)
{
    must_errno(sched_setaffinity(0, sizeof allowed, &allowed), "sched_setaffinity");
}
#else
static size_t find_cpus(int cpus[2])
{
    cpus[0] = cpus[1] = ANYWHERE;
    return 0;
}

static int stay_on(int cpu)
{
    (void)cpu;
    return 0;
}

static void roam(void)
{
}
#endif

/* ---- The bare ping-pong ---- */

struct pong {
    pid_t pid;
    int to;
    int from;
};

static struct pong open_pong(int cpu)
{
    struct duct requests = open_duct();
    struct duct replies = open_duct();
    pid_t pid = fork();
    must_errno(pid, "fork");
    if (pid == 0) {
        uint64_t number;
        close(requests.to);
        close(replies.from);
        if (stay_on(cpu) != 0) {
            _exit(1);
        }
        while (read(requests.from, &number, sizeof number) == (ssize_t)sizeof number &&
               write(replies.to, &number, sizeof number) == (ssize_t)sizeof number) {
        }
        _exit(0);
    }
    close(requests.from);
    close(replies.to);
    return (struct pong){.pid = pid, .to = requests.to, .from = replies.from};
}

static void close_pong(struct pong *pong)
{
    int status;
    close(pong->to);
    close(pong->from);
    if (waitpid(pong->pid, &status, 0) != pong->pid || status != 0) {
        die("the bare ping-pong failed", -EIO);
    }
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

double bare_round_trip(void)
{
    enum { COUNT = 2000 };
    int cpus[2] = {ANYWHERE, ANYWHERE};
    find_cpus(cpus);
    must(stay_on(cpus[0]), "sched_setaffinity");
    struct pong pong = open_pong(cpus[0]);
    ping_pong(&pong, COUNT);
    double seconds = ping_pong(&pong, COUNT);
    close_pong(&pong);
    roam();
    return seconds;
}

/* ---- Ours ---- */

static int worker_stays_on(void *cpu)
{
    return stay_on(*(int *)cpu);
}

double round_trip(pp_executor *executor, size_t count)
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

/* ---- The rows ---- */

/* The parent stays where it is; the other side, a bare child or a worker, on that CPU. */
static void compare_round_trips(const char *name, int other_cpu, double reach)
{
    enum { ROUNDS = 41, COUNT = 500 };
    struct pair pair = {.count = 0};
    struct pong pong = open_pong(other_cpu);
    pp_executor *executor;
    must(pp_executor_open(&executor, &(struct pp_options){.workers = 1,
                                                          .initializer = worker_stays_on,
                                                          .initializer_context = &other_cpu}),
         "open");
    round_trip(executor, COUNT);
    ping_pong(&pong, COUNT);
    for (size_t i = 0; i < ROUNDS; i++) {
        double bare = ping_pong(&pong, COUNT);
        add_round(&pair, round_trip(executor, COUNT), bare);
    }
    close_executor(executor);
    close_pong(&pong);
    report(name, &pair, 1e-6, "us", "8-byte ping-pong with poll", reach);
}

/* Whether the two sides run on one CPU or on two makes a round trip several times as fast or as slow, with
 * bare pipes too, and the kernel chooses anew now and then. So each side of either is told where to stay;
 * where that cannot be said, nothing can be asked. */
void row_round_trip(void)
{
    int cpus[2] = {ANYWHERE, ANYWHERE};
    size_t count = find_cpus(cpus);
    if (count == 0) {
        compare_round_trips("submit to result, on any CPUs", ANYWHERE, 0);
        return;
    }
    must(stay_on(cpus[0]), "sched_setaffinity");
    compare_round_trips("submit to result, on one CPU", cpus[0], 1.1);
    if (count == 2) {
        compare_round_trips("submit to result, on two CPUs", cpus[1], 1.1);
    } else {
        printf("skip submit to result, on two CPUs: this process may use only one\n");
    }
    roam();
}
