#ifndef CLI_WIDE_PIPE_H
#define CLI_WIDE_PIPE_H

/* wide_pipe.h: pipes to and from other programs that hold more, so that the two sides wait less often for
 * each other. */

/* Makes it hold a mebibyte if fd is a pipe, a pipe's size can be changed, and this process may; else nothing
 * happens. */
void pp_wide_pipe(int fd);

#endif
