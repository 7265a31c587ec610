/* timerfd is Linux's own. */
#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "timer.h"

#include "pipe_io.h"

#ifdef __linux__
#include <sys/timerfd.h>
#endif

enum { NS_PER_S = 1000000000 };

void pp_timer_open(struct pp_timer *timer)
{
    *timer = (struct pp_timer){.fd = -1, .at_ns = UINT64_MAX};
#ifdef __linux__
    timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer->fd != -1 && pp_fd_make_private(&timer->fd) != 0) {
        pp_fd_close(&timer->fd);
    }
#endif
}

void pp_timer_close(struct pp_timer *timer)
{
    pp_fd_close(&timer->fd);
    timer->at_ns = UINT64_MAX;
}

/* Sets it, instead of what it was set to. */
static bool set(const struct pp_timer *timer, uint64_t at_ns)
{
#ifdef __linux__
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(at_ns / NS_PER_S), .tv_nsec = (long)(at_ns % NS_PER_S)}};
    return timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &at, NULL) == 0;
#else
    (void)timer;
    (void)at_ns;
    return false;
#endif
}

bool pp_timer_ring_by(struct pp_timer *timer, uint64_t at_ns)
{
    if (timer->at_ns > at_ns) {
        if (timer->fd == -1 || !set(timer, at_ns > 0 ? at_ns : 1)) { /* 0 would unset it */
            return false;
        }
        timer->at_ns = at_ns;
    }
    return true;
}

void pp_timer_rang(struct pp_timer *timer)
{
    timer->at_ns = UINT64_MAX;
}
