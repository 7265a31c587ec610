#ifndef POOL_PIPE_SIZE_H
#define POOL_PIPE_SIZE_H

#include <stddef.h>

/* Makes the pipe that fd is an end of hold `size` bytes, where a pipe's size can be changed and this process
 * may; else it stays as it is. Nothing that is in it is lost. */
void pp_pipe_widen(int fd, size_t size);

#endif
