#ifndef TESTS_SIMULATOR_CLOCK_H
#define TESTS_SIMULATOR_CLOCK_H

/* The two clocks that drive the simulated world: the wall, on which latencies, timeouts and faults happen, and
 * `work`, which advances by one for each ns that a running process gets done. With a core for each process they
 * are the same; with fewer, work is slower, for all alike. A process has one piece of work at a time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind { WORK_DONE, WAKE, PARENT_WAKE, PARENT_TIMEOUT, KILL, KILL_OBSCURELY, STOP, CONTINUE };

struct event {
    uint64_t time;
    uint64_t order; /* of events at one time */
    uint32_t who;
    uint32_t generation;
    enum event_kind kind;
};

struct event_heap {
    struct event *events;
    size_t count;
    size_t capacity;
};

struct sim_clock {
    uint64_t now_ns;  /* on the wall */
    uint64_t work_ns; /* on the clock of work */
    size_t cores;     /* 0: one for each process */
    size_t runnable;  /* processes with work under way */
    struct event_heap wall;
    struct event_heap work;
    uint64_t orders;
    uint32_t *generations; /* of what each process waits for */
};

void sim_clock_open(struct sim_clock *clock, size_t processes, size_t cores);
void sim_clock_close(struct sim_clock *clock);

/* Something happens to `who` at a time, unless it is called off before. */
void sim_clock_at(struct sim_clock *clock, uint64_t time_ns, uint32_t who, enum event_kind kind);

/* The same, and nothing calls it off. */
void sim_clock_at_any_rate(struct sim_clock *clock, uint64_t time_ns, uint32_t who, enum event_kind kind);

/* `who` begins a piece of work. It is over with its WORK_DONE, or when it is called off: then sim_clock_rest. */
void sim_clock_work(struct sim_clock *clock, uint32_t who, uint64_t amount_ns);
void sim_clock_rest(struct sim_clock *clock);

/* What `who` waits for will not happen, work that it has under way included. */
void sim_clock_call_off(struct sim_clock *clock, uint32_t who);

/* Goes on to the next event of either clock. False: there is none. */
bool sim_clock_next(struct sim_clock *clock, struct event *event);

#endif
