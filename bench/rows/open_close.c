/* Opening an executor of twelve workers, a few short tasks, closing it; beside as many bare forks. */

#include "row.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORKS = 12, FEW = 20 };

/* What holds up all children, or nothing. */
static const struct duct no_gate = {.to = -1, .from = -1};
static struct duct gate = {.to = -1, .from = -1};

static int pass_gate(void)
{
    char byte;
    return gate.from == -1 || read(gate.from, &byte, 1) == 1 ? 0 : EIO;
}

static void open_gate_for(size_t count)
{
    static const char bytes[FORKS];
    if (gate.to != -1 && write(gate.to, bytes, count) != (ssize_t)count) {
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

double open_few_close(void)
{
    uint64_t started;
    return open_run_close(FEW, &started);
}

void row_open_close(void)
{
    enum { ROUNDS = 41 };
    struct pair few = {.count = 0};
    struct pair all = {.count = 0};
    uint64_t started, most = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        double bare = bare_forks();
        add_round(&few, open_run_close(FEW, &started), bare);
        most = started > most ? started : most;
    }
    report("open 12 workers, 20 tasks, close", &few, 1e-3, "ms", "12 bare fork, exit, wait", 1.5);
    printf("  of the 12 workers at most %d were needed, and started\n", (int)most);
    gate = open_duct();
    for (size_t i = 0; i < ROUNDS; i++) {
        double bare = bare_forks();
        add_round(&all, open_run_close(FORKS, &started), bare);
    }
    report("open 12 workers, all at work at once, close", &all, 1e-3, "ms", "12 bare fork, wait, exit", 0);
    close(gate.from);
    close(gate.to);
    gate = no_gate;
}
