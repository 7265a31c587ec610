/* F_SETPIPE_SZ is Linux's own. */
#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "pipe_size.h"

#include <fcntl.h>

#ifdef __linux__
void pp_pipe_widen(int fd, size_t size)
{
    if (fcntl(fd, F_GETPIPE_SZ) < (int)size) {
        fcntl(fd, F_SETPIPE_SZ, (int)size);
    }
}
#else
void pp_pipe_widen(int fd, size_t size)
{
    (void)fd;
    (void)size;
}
#endif
