/* procs.c: a pool of processes made by hand, with nothing but fork and pipe. What an executor hides is all
 * here.
 *
 *             jobs (a pipe of numbers)             results (a pipe of structs)
 *   parent ==============================> workers ===========================> parent
 *
 * The parent writes the numbers into one pipe from which all workers read; each number is read by one of
 * them. All workers write their results into a second pipe from which the parent reads, as they come: quick
 * ones first.
 *
 * How does a worker learn that there is no more? read returns 0 (end of file) when the pipe is empty and its
 * writing end is closed everywhere. A number of its own as an end marker would be one that cannot be checked.
 * "Everywhere" is the trap: fork copies every descriptor, so each worker holds the writing end of the pipe it
 * reads from, and must close it, or all wait for each other for ever.
 *
 * What this pool does not do: if a worker dies, the number it was at is lost, and nobody says which; nothing
 * limits the time a number takes; results come in any order; and more jobs than fit into a pipe would need a
 * parent that reads results while it writes jobs. That is what proc_pool is for. */

#include "sample.h"

#include <proc_pool/executor.h> /* only to ask how many CPUs there are */
#include <proc_pool/is_prime.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct result {
    uint64_t n;
    bool prime;
    double seconds;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
    perror(what);
    exit(3);
}

static struct result check(uint64_t n)
{
    struct result result = {.n = n};
    const double start = now();
    result.prime = pp_is_prime_trial(n);
    result.seconds = now() - start;
    return result;
}

/* The life of a worker. A pipe delivers a write of at most PIPE_BUF bytes (512 at least) in one piece,
 * however many write to it, so the results of different workers do not mix. */
static void work(int jobs, int results)
{
    uint64_t n;
    while (read(jobs, &n, sizeof n) == sizeof n) {
        const struct result result = check(n);
        if (write(results, &result, sizeof result) != sizeof result) {
            _exit(3);
        }
    }
    _exit(0); /* not exit: what the parent had buffered for standard output is not ours to write */
}

/* Starts the workers. They read from `jobs` and write to `results`; the other two ends are closed in them. */
static void start_workers(int count, int jobs, int to_jobs, int results, int from_results)
{
    for (int i = 0; i < count; i++) {
        const pid_t pid = fork();
        if (pid == -1) {
            fail("procs: fork");
        }
        if (pid == 0) {
            close(to_jobs);
            close(from_results);
            work(jobs, results);
        }
    }
}

/* All of the sample fits into the pipe, so none of these writes has to wait for a worker. */
static void send_jobs(int to_jobs)
{
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        if (write(to_jobs, &sample[i], sizeof sample[i]) != sizeof sample[i]) {
            fail("procs: jobs");
        }
    }
    close(to_jobs); /* no more: each worker reads what is left, then end of file */
}

/* Prints results until the last worker has closed its end. Returns how many there were. */
static int print_results(int from_results)
{
    struct result result;
    int count = 0;
    while (read(from_results, &result, sizeof result) == sizeof result) {
        printf("%16" PRIu64 "  %s %9.6fs\n", result.n, result.prime ? "P" : " ", result.seconds);
        fflush(stdout);
        count++;
    }
    return count;
}

static void wait_for_workers(int count)
{
    while (count-- > 0) {
        wait(NULL);
    }
}

static int read_workers(int argc, char *argv[])
{
    char *end = NULL;
    const long count = argc == 2 ? strtol(argv[1], &end, 10) : (long)pp_cpu_count();
    if (argc > 2 || (argc == 2 && (*argv[1] < '0' || *argv[1] > '9' || *end != '\0')) || count < 1 ||
        count > 4096) {
        fprintf(stderr, "procs: usage: procs [WORKERS], a number from 1 to 4096\n");
        exit(2);
    }
    return (int)count;
}

int main(int argc, char *argv[])
{
    const int workers = read_workers(argc, argv);
    const double start = now();
    int jobs[2];
    int results[2];
    printf("Checking %d numbers with %d processes:\n", SAMPLE_COUNT, workers);
    fflush(stdout);
    if (pipe(jobs) == -1 || pipe(results) == -1) {
        fail("procs: pipe");
    }
    const int from_jobs = jobs[0];
    const int to_jobs = jobs[1];
    const int from_results = results[0];
    const int to_results = results[1];

    start_workers(workers, from_jobs, to_jobs, to_results, from_results);
    close(from_jobs); /* the workers' ends; while we held this one, its end of file could not come */
    close(to_results);
    send_jobs(to_jobs);
    const int checks = print_results(from_results);
    wait_for_workers(workers);

    printf("%d checks in %.2fs\n", checks, now() - start);
    return ferror(stdout) || fclose(stdout) != 0 ? 3 : checks == SAMPLE_COUNT ? 0 : 1;
}
