#ifndef TESTS_POOL_DRIVER_H
#define TESTS_POOL_DRIVER_H

/* What a floor above the pool does, in the simplest way, for tests: waits for one slot at a time. */

#include "pool.h"

/* Opens a pool and spawns a worker into each of its slots. */
struct pp_pool *driver_open(size_t count);

/* Sends, and writes what the pipe takes. The request's ordinal. */
uint64_t driver_send(struct pp_pool *pool, size_t slot, pp_worker_task *task, const void *arg, size_t size);

/* Waits for the next reply and writes requests meanwhile. 1: *reply is it; 0: the slot is ENDED; -EPROTO. */
int driver_next(struct pp_pool *pool, size_t slot, struct pp_reply_view *reply);

/* The next reply is a hello with that code. */
void driver_expect_hello(struct pp_pool *pool, size_t slot, int code);

/* The next reply is a task's, with that code and those bytes. */
void driver_expect(struct pp_pool *pool, size_t slot, int code, const void *bytes, size_t size);

/* No further reply comes: the slot is ENDED. Waits for the process and reaps it: the slot is EMPTY. */
struct pp_exit driver_expect_end(struct pp_pool *pool, size_t slot);

/* Waits for the process of an ENDED slot, and reaps it. */
struct pp_exit driver_reap(struct pp_pool *pool, size_t slot);

#endif
