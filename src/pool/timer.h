#ifndef POOL_TIMER_H
#define POOL_TIMER_H

/* A descriptor that becomes readable at a chosen time. It stands in for poll's timeout, which is set up and
 * torn down in each call: nearly all waits end before their time, and a timer that was set once serves all of
 * them until it rings, for what one more descriptor costs. Linux only (timerfd); elsewhere, and where the
 * system refuses one, there is none, and poll's timeout has to do. */

#include <stdbool.h>
#include <stdint.h>

struct pp_timer {
    int fd;         /* to be polled for POLLIN while the timer is set; -1: there is none */
    uint64_t at_ns; /* when it rings, on the clock of pp_clock_ns; UINT64_MAX: it is not set */
};

/* Opens one that is not set. The descriptor is close-on-exec and above the standard ones. */
void pp_timer_open(struct pp_timer *timer);

/* Closes it. One that is closed does nothing. */
void pp_timer_close(struct pp_timer *timer);

/* Sees to it that the timer rings at that time or earlier; if it would do so anyway there is nothing to do. A
 * time that has passed rings at once. False: there is no timer. */
bool pp_timer_ring_by(struct pp_timer *timer, uint64_t at_ns);

/* The descriptor was readable: the timer is not set any more. (The descriptor stays readable until the timer is
 * set again.) */
void pp_timer_rang(struct pp_timer *timer);

#endif
