#ifndef POOL_SPAWN_H
#define POOL_SPAWN_H

/* Forking a worker, and what the child must let go of. Knows all pools of the process, because a child
 * inherits the descriptors of each. */

#include "pool.h"

/* Makes a pool known, so that children forked for other pools close its descriptors; and unknown again. */
void pp_spawn_register(struct pp_pool *pool);
void pp_spawn_unregister(struct pp_pool *pool);

/* Closes a descriptor of a slot of a registered pool, as pp_fd_close, but not while a fork in another thread
 * is about to close the same number in its child, where it may by then be somebody else's. */
void pp_spawn_fd_close(int *fd);

/* Forks the worker of an EMPTY slot whose claim page has been reset. Fills in pid and descriptors. 0 or
 * -errno, the slot then unchanged. */
int pp_spawn(struct pp_pool *pool, size_t slot);

#endif
