/* O_ASYNC is BSD's and Linux's, not POSIX's; F_SETSIG is Linux's. */
#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "liveness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#ifdef O_ASYNC
/* Linux lets one choose what comes instead of SIGIO. Which it will be. */
static int choose_signal(int from)
{
#ifdef F_SETSIG
    return fcntl(from, F_SETSIG, SIGKILL) == -1 ? SIGIO : SIGKILL;
#else
    (void)from;
    return SIGIO;
#endif
}

int pp_liveness_watch(int from)
{
    int signal_number = choose_signal(from);
    int flags = fcntl(from, F_GETFL);
    if (flags == -1 || fcntl(from, F_SETOWN, getpid()) == -1 || fcntl(from, F_SETFL, flags | O_ASYNC) == -1) {
        return -errno;
    }
    /* A write end that was closed before O_ASYNC was set sent no signal. */
    struct pollfd end = {.fd = from};
    if (poll(&end, 1, 0) == 1 && (end.revents & POLLHUP) != 0) {
        raise(signal_number);
    }
    return signal_number;
}
#else
int pp_liveness_watch(int from)
{
    (void)from;
    return -ENOTSUP;
}
#endif
