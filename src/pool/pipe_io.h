#ifndef POOL_PIPE_IO_H
#define POOL_PIPE_IO_H

/* Moving bytes through pipes: EINTR, CLOEXEC and partial writes are dealt with here, once. */

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* A pipe's two ends; -1: closed. Bytes written `to` it can be read `from` it. */
struct pp_pipe {
    int from;
    int to;
};

/* Opens a pipe. Both ends are close-on-exec, blocking, and not one of the descriptors 0 to 2: a program that
 * closed its standard output must not find a task's printf in our frames. 0 or -errno; then both ends are -1. */
int pp_pipe_open(struct pp_pipe *pipe_ends);

/* Closes what is open of it. */
void pp_pipe_close(struct pp_pipe *pipe_ends);

/* Closes *fd unless it is -1, and makes it -1. */
void pp_fd_close(int *fd);

/* Moves *fd above the standard descriptors 0 to 2, close-on-exec. 0, or -errno; then *fd is what it was. */
int pp_fd_make_private(int *fd);

/* 0 or -errno. */
int pp_fd_set_nonblocking(int fd);

/* Reads up to `size` bytes. Returns how many, 0 at the end of the stream, or -errno (-EAGAIN: nothing now).
 */
ssize_t pp_fd_read(int fd, void *bytes, size_t size);

/* Writes up to `size` bytes. Returns how many or -errno (-EAGAIN: no room now). Raises SIGPIPE like write(2).
 */
ssize_t pp_fd_write(int fd, const void *bytes, size_t size);

/* The same from up to `count` places, one after the other. */
ssize_t pp_fd_write_gathered(int fd, const struct iovec *parts, int count);

/* Writes all of it to a blocking descriptor. 0 or -errno. Raises SIGPIPE like write(2). */
int pp_fd_write_all(int fd, const void *bytes, size_t size);

/* The clock that everything here is measured with: monotonic, the same in all processes, in nanoseconds. */
unsigned long long pp_clock_ns(void);

#endif
