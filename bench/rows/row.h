#ifndef BENCH_ROWS_ROW_H
#define BENCH_ROWS_ROW_H

/* What the rows of bench/executor share, and the rows. Each file beside this one is a kind of row: what it
 * measures, beside what, and what is to be reached. */

#include "proc_pool/executor.h"

/* ---- Two things measured in turns ---- */

enum { MAX_ROUNDS = 64 };

struct pair {
    double ours[MAX_ROUNDS];
    double theirs[MAX_ROUNDS];
    double ratio[MAX_ROUNDS]; /* of each round */
    size_t count;
};

void add_round(struct pair *pair, double ours, double theirs);

/* Prints the medians, and whether the median ratio is at most `reach` (0: nothing is asked). */
void report(const char *name, struct pair *pair, double unit, const char *unit_name, const char *beside,
            double reach);

/* Prints the medians in microseconds, and how many times faster than the rival we are. */
void report_rival(const char *rival, struct pair *pair, const char *ours);

double median(double *values, size_t count); /* sorts them */
int compare_doubles(const void *left, const void *right);

/* "reached" or "MISSED", and counts the latter. */
const char *verdict(bool reached);
size_t count_missed(void);

/* Seconds, on the monotonic clock. */
double now_s(void);

/* ---- What cannot go on ends the program ---- */

_Noreturn void die(const char *what, int error);
void must(int error, const char *what);         /* for this library's calls: dies of a negative code */
void must_errno(long result, const char *what); /* for system calls: dies of -1 */

struct duct {
    int to;
    int from;
};
struct duct open_duct(void); /* a pipe; close-on-exec, and its ends are the caller's to close */

pp_executor *open_executor(size_t workers);
void close_executor(pp_executor *executor); /* after all that was submitted has run */

/* ---- What several rows measure ---- */

pp_task increment;

/* Seconds a tiny task, with a rolling window of futures. */
double tiny_by_futures(pp_executor *executor, size_t count);

/* Seconds a tiny task with the same bytes through the same pipes between bare processes. */
double bare_probe(size_t count);

/* Seconds of a bare ping-pong of 8 bytes, with both sides on one CPU where that can be had: so it is work
 * only, and no waiting for another CPU to wake up. */
double bare_round_trip(void);

/* Seconds from submit to result, one task after the other. */
double round_trip(pp_executor *executor, size_t count);

/* Seconds to open 12 workers, run 20 tasks and close. */
double open_few_close(void);

/* ---- The rows ---- */

void row_open_close(void);
void row_tiny(void);
void row_round_trip(void);
void row_one_long(void);
void row_mixes(void);
void row_sizes(void);
void row_rivals(void);
void row_idle(void);

/* What row_idle traces, in a process of its own. */
void idle(void);

#endif
