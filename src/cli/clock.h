#ifndef CLI_CLOCK_H
#define CLI_CLOCK_H

/* clock.h: the monotonic clock, the same for parent and workers. */

#include <stdint.h>

uint64_t pp_monotonic_ns(void);

#endif
