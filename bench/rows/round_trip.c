/* From submit to result, one task after the other, beside a bare ping-pong of 8 bytes over two pipes. */

#ifdef __linux__
#define _GNU_SOURCE // NOLINT: for sched_setaffinity
#endif

#include "row.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

struct pong {
    pid_t pid;
    int to;
    int from;
};

static struct pong open_pong(void)
{
    struct duct requests = open_duct();
    struct duct replies = open_duct();
    pid_t pid = fork();
    must_errno(pid, "fork");
    if (pid == 0) {
        uint64_t number;
        close(requests.to);
        close(replies.from);
        while (read(requests.from, &number, sizeof number) == (ssize_t)sizeof number &&
               write(replies.to, &number, sizeof number) == (ssize_t)sizeof number) {
        }
        _exit(0);
    }
    close(requests.from);
    close(replies.to);
    return (struct pong){.pid = pid, .to = requests.to, .from = replies.from};
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
        add_round(&pair, round_trip(executor, COUNT), bare);
    }
    close_executor(executor);
    close(pong.to);
    close(pong.from);
    waitpid(pong.pid, NULL, 0);
    report(name, &pair, 1e-6, "us", "8-byte ping-pong with poll", reach);
}

/* On which CPUs the two sides of a ping-pong run makes it four times as fast or as slow, and the kernel
 * chooses anew now and then. So what counts is measured with all on one CPU, where that can be had. */
void row_round_trip(void)
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
