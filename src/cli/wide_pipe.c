/* F_SETPIPE_SZ is Linux's own. */
#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "wide_pipe.h"

#include <fcntl.h>

#ifdef __linux__
enum { WIDE_BYTES = 1024 * 1024 };

void pp_wide_pipe(int fd)
{
    if (fcntl(fd, F_GETPIPE_SZ) < WIDE_BYTES) { /* also -1: it is no pipe, and the next call says so again */
        fcntl(fd, F_SETPIPE_SZ, WIDE_BYTES);
    }
}
#else
void pp_wide_pipe(int fd)
{
    (void)fd;
}
#endif
