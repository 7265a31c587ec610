#include "row.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static size_t missed;

_Noreturn void die(const char *what, int error)
{
    fprintf(stderr, "executor bench: %s: %s\n", what, pp_strerror(error));
    exit(EXIT_FAILURE);
}

void must(int error, const char *what)
{
    if (error < 0) {
        die(what, error);
    }
}

void must_errno(long result, const char *what)
{
    if (result == -1) {
        die(what, -errno);
    }
}

double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int compare_doubles(const void *left, const void *right)
{
    double l = *(const double *)left;
    double r = *(const double *)right;
    return (l > r) - (l < r);
}

double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

void add_round(struct pair *pair, double ours, double theirs)
{
    pair->ours[pair->count] = ours;
    pair->theirs[pair->count] = theirs;
    pair->ratio[pair->count] = ours / theirs;
    pair->count++;
}

const char *verdict(bool reached)
{
    missed += !reached;
    return reached ? "reached" : "MISSED";
}

size_t count_missed(void)
{
    return missed;
}

void report(const char *name, struct pair *pair, double unit, const char *unit_name, const char *beside,
            double reach)
{
    double ratio = median(pair->ratio, pair->count);
    printf("%-44s %10.3f %-2s  %-34s %10.3f %-2s  ratio %7.3f", name, median(pair->ours, pair->count) / unit,
           unit_name, beside, median(pair->theirs, pair->count) / unit, unit_name, ratio);
    if (reach > 0) {
        printf("  at most %.2f: %s", reach, verdict(ratio <= reach));
    }
    printf("\n");
    fflush(stdout);
}

void report_rival(const char *rival, struct pair *pair, const char *ours)
{
    printf("%-44s %10.3f us  %-34s %10.3f us  %7.1f times faster\n", rival,
           median(pair->theirs, pair->count) * 1e6, ours, median(pair->ours, pair->count) * 1e6,
           1 / median(pair->ratio, pair->count));
    fflush(stdout);
}

struct duct open_duct(void)
{
    int fds[2];
    must_errno(pipe(fds), "pipe");
    must_errno(fcntl(fds[0], F_SETFD, FD_CLOEXEC), "fcntl");
    must_errno(fcntl(fds[1], F_SETFD, FD_CLOEXEC), "fcntl");
    return (struct duct){.from = fds[0], .to = fds[1]};
}

pp_executor *open_executor(size_t workers)
{
    pp_executor *executor;
    must(pp_executor_open(&executor, &(struct pp_options){.workers = workers}), "open");
    return executor;
}

void close_executor(pp_executor *executor)
{
    must(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), "close");
}

int increment(const void *arg, size_t size, pp_reply *reply)
{
    uint64_t number;
    if (size != sizeof number) {
        return 1;
    }
    memcpy(&number, arg, sizeof number);
    number++;
    return pp_reply_append(reply, &number, sizeof number);
}
