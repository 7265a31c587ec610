#include "support/pool_driver.h"

#include "pipe_io.h"
#include "support/process.h"

#include <check.h>
#include <errno.h>
#include <string.h>

struct pp_pool *driver_open(size_t count)
{
    struct pp_pool *pool;
    ck_assert_int_eq(pp_pool_open(&pool, count, NULL, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(pp_pool_spawn(pool, i), 0);
    }
    return pool;
}

uint64_t driver_send(struct pp_pool *pool, size_t slot, pp_worker_task *task, const void *arg, size_t size)
{
    uint64_t ordinal = UINT64_MAX;
    ck_assert_int_eq(pp_pool_send(pool, slot, task, arg, size, &ordinal), 0);
    pp_pool_flush(pool, slot);
    return ordinal;
}

int driver_next(struct pp_pool *pool, size_t slot, struct pp_reply_view *reply)
{
    for (;;) {
        int result = pp_pool_next_reply(pool, slot, reply);
        if (result != 0 || pool->slots[slot].state == PP_SLOT_ENDED) {
            return result;
        }
        ck_assert_int_gt(poll(&pool->pollfds[2 * slot], 2, -1), 0);
        if (pool->pollfds[2 * slot + 1].revents != 0) {
            pp_pool_flush(pool, slot);
        }
        if (pool->pollfds[2 * slot].revents != 0) {
            ssize_t count = pp_pool_receive(pool, slot);
            ck_assert_msg(count >= 0 || count == -EAGAIN, "receive: %zd", count);
        }
    }
}

void driver_expect_hello(struct pp_pool *pool, size_t slot, int code)
{
    struct pp_reply_view reply;
    ck_assert_int_eq(driver_next(pool, slot, &reply), 1);
    ck_assert_int_eq(reply.kind, PP_REPLY_HELLO);
    ck_assert_int_eq(reply.code, code);
}

void driver_expect(struct pp_pool *pool, size_t slot, int code, const void *bytes, size_t size)
{
    struct pp_reply_view reply;
    ck_assert_int_eq(driver_next(pool, slot, &reply), 1);
    ck_assert_int_eq(reply.kind, PP_REPLY_RETURNED);
    ck_assert_int_eq(reply.code, code);
    ck_assert_uint_eq(reply.size, size);
    ck_assert_uint_eq((uintptr_t)reply.payload % _Alignof(max_align_t), 0);
    ck_assert(size == 0 || memcmp(reply.payload, bytes, size) == 0);
}

struct pp_exit driver_reap(struct pp_pool *pool, size_t slot)
{
    struct pp_exit how;
    ck_assert_int_eq(pool->slots[slot].state, PP_SLOT_ENDED);
    process_await_end(pool->slots[slot].pid);
    ck_assert(pp_pool_has_exited(pool, slot));
    pp_pool_reap(pool, slot, &how);
    ck_assert_int_eq(pool->slots[slot].state, PP_SLOT_EMPTY);
    return how;
}

struct pp_exit driver_expect_end(struct pp_pool *pool, size_t slot)
{
    struct pp_reply_view reply;
    ck_assert_int_eq(driver_next(pool, slot, &reply), 0);
    return driver_reap(pool, slot);
}
