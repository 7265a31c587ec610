#ifndef CLI_BOARD_H
#define CLI_BOARD_H

/* board.h: where workers chalk up what they do, in memory that parent and workers share. The progress bar,
 * the statistics and the timeline read it; results never depend on it, so a board that could not be had, or
 * that a worker gone wild has smeared, costs a picture and nothing else.
 *
 * Each worker has a lane. A worker that takes the place of a dead one takes over its lane. */

#include <stddef.h>
#include <stdint.h>

/* What happened in a lane so far. Written by the worker that has the lane, read by the parent at any time. */
struct pp_lane {
    int64_t pid; /* of the worker that has it now; 0: nobody had it yet */
    uint64_t workers;
    uint64_t tasks;
    uint64_t numbers;
    uint64_t busy_ns;
    uint64_t since_ns;  /* when the task under way began; 0: none is */
    uint64_t under_way; /* numbers done in the task under way */
    uint64_t peak_kib;  /* the most memory that a worker here had, as the system reports it */
    uint64_t cpu_ns;    /* of the workers that had it, up to their last task */
};

/* A worker that died at work, as its successor found it. */
struct pp_death {
    uint64_t began_ns; /* its last task */
    uint64_t found_ns;
    uint32_t lane;
};

/* In the parent, before the executor opens. Without memory there is no board, and everything below does
 * nothing. */
void pp_board_open(size_t lanes);
void pp_board_close(void);

/* In a worker, once: takes a lane that nobody has, or whose owner is gone. An initializer for pp_options. */
int pp_board_enter(void *context);

/* In a worker: its lane, and what it does. */
uint32_t pp_board_lane(void);
void pp_board_begin(uint64_t now_ns);
void pp_board_progress(uint64_t numbers);
void pp_board_end(uint64_t numbers, uint64_t now_ns);

/* In the parent. pp_board_read gives lane `i` as it is now, or zeros. */
size_t pp_board_lanes(void);
struct pp_lane pp_board_read(size_t i);

/* All numbers done, also by tasks that are still under way. */
uint64_t pp_board_numbers(void);

/* How many workers died at work so far. */
uint64_t pp_board_death_count(void);

/* The deaths number `from` and later, at most `capacity` of them; how many. Old ones beyond 1024 are
 * forgotten. */
size_t pp_board_deaths(size_t from, struct pp_death *deaths, size_t capacity);

#endif
