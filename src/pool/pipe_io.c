/* Only pipe2 makes a pipe that a fork and exec in another thread cannot inherit in the moment before it is
 * close-on-exec. It is in Linux and the BSDs, and in POSIX since 2024. */
#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "pipe_io.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
static int open_close_on_exec(int ends[2])
{
    return pipe2(ends, O_CLOEXEC);
}
#else
static int open_close_on_exec(int ends[2])
{
    if (pipe(ends) == -1) {
        return -1;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
}
#endif

int pp_fd_make_private(int *fd)
{
    if (*fd > STDERR_FILENO) {
        return 0;
    }
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (moved == -1) {
        return -errno;
    }
    close(*fd);
    *fd = moved;
    return 0;
}

int pp_pipe_open(struct pp_pipe *pipe_ends)
{
    int ends[2];
    *pipe_ends = (struct pp_pipe){-1, -1};
    if (open_close_on_exec(ends) == -1) {
        return -errno;
    }
    *pipe_ends = (struct pp_pipe){.from = ends[0], .to = ends[1]};
    int error = pp_fd_make_private(&pipe_ends->from);
    if (error == 0) {
        error = pp_fd_make_private(&pipe_ends->to);
    }
    if (error != 0) {
        pp_pipe_close(pipe_ends);
    }
    return error;
}

void pp_pipe_close(struct pp_pipe *pipe_ends)
{
    pp_fd_close(&pipe_ends->from);
    pp_fd_close(&pipe_ends->to);
}

void pp_fd_close(int *fd)
{
    if (*fd != -1) {
        /* On Linux the descriptor is gone even after EINTR, and closing again could hit a stranger's. */
        close(*fd);
        *fd = -1;
    }
}

int pp_fd_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1) {
        return -errno;
    }
    return 0;
}

ssize_t pp_fd_read(int fd, void *bytes, size_t size)
{
    ssize_t count;
    do {
        count = read(fd, bytes, size);
    } while (count == -1 && errno == EINTR);
    return count == -1 ? -errno : count;
}

ssize_t pp_fd_write(int fd, const void *bytes, size_t size)
{
    ssize_t count;
    do {
        count = write(fd, bytes, size);
    } while (count == -1 && errno == EINTR);
    return count == -1 ? -errno : count;
}

ssize_t pp_fd_write_gathered(int fd, const struct iovec *parts, int count)
{
    ssize_t written;
    do {
        written = writev(fd, parts, count);
    } while (written == -1 && errno == EINTR);
    return written == -1 ? -errno : written;
}

int pp_fd_write_all(int fd, const void *bytes, size_t size)
{
    const unsigned char *rest = bytes;
    while (size > 0) {
        ssize_t count = pp_fd_write(fd, rest, size);
        if (count < 0) {
            return (int)count;
        }
        rest += count;
        size -= (size_t)count;
    }
    return 0;
}

unsigned long long pp_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000000000U + (unsigned long long)now.tv_nsec;
}
