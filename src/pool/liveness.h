#ifndef POOL_LIVENESS_H
#define POOL_LIVENESS_H

/* How a busy worker learns that its parent is gone.
 *
 * The worker holds the read end of a pipe into which nobody ever writes and whose only write end is its
 * parent's. When the parent ends, in whatever way, the kernel closes that end, and because the read end is in
 * O_ASYNC mode it sends the worker a signal at once, even in the middle of a computation: SIGKILL where one
 * may choose, so that a worker that is stopped goes too, and whatever a task did to its signals; SIGIO
 * elsewhere, whose default action is to terminate. No timer, no polling, no EINTR for tasks. O_ASYNC and its
 * owner belong to the open file, so each worker needs a pipe of its own. */

/* In a worker whose SIGIO has its default action and is not blocked: from now on this process ends when the
 * last write end of the pipe is closed; also if that happened before. Returns the signal by which it will
 * end, or -errno; -ENOTSUP: this system has no O_ASYNC for pipes, and only EOF on the request pipe tells an
 * idle worker. */
int pp_liveness_watch(int from);

#endif
