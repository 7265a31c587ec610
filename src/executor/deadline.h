#ifndef EXECUTOR_DEADLINE_H
#define EXECUTOR_DEADLINE_H

/* Time limits as callers give them (milliseconds, negative: none), on the clock (nanoseconds, UINT64_MAX:
 * never), and as poll wants them (milliseconds, -1: none). */

#include "pipe_io.h"

#include <limits.h>
#include <stdint.h>

#define PP_NS_PER_MS UINT64_C(1000000)

/* The time at which a wait that begins at now_ns ends, or one that begins now. */
static inline uint64_t pp_end_ns(uint64_t now_ns, int timeout_ms)
{
    return timeout_ms < 0 ? UINT64_MAX : now_ns + (uint64_t)timeout_ms * PP_NS_PER_MS;
}

static inline uint64_t pp_wait_end_ns(int timeout_ms)
{
    return timeout_ms < 0 ? UINT64_MAX : pp_end_ns(pp_clock_ns(), timeout_ms);
}

/* From now until then, rounded up. */
static inline int pp_poll_timeout_ms(uint64_t now_ns, uint64_t end_ns)
{
    if (end_ns == UINT64_MAX) {
        return -1;
    }
    if (end_ns <= now_ns) {
        return 0;
    }
    uint64_t ms = (end_ns - now_ns + PP_NS_PER_MS - 1) / PP_NS_PER_MS;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* What is left now of a wait. */
static inline int pp_wait_left_ms(uint64_t end_ns)
{
    return end_ns == UINT64_MAX ? -1 : pp_poll_timeout_ms(pp_clock_ns(), end_ns);
}

#endif
