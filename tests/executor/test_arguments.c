/* Arguments that are written in place. */

#include "support/harness.h"
#include "support/tasks.h"

#include <stdlib.h>
#include <string.h>

/* Bytes that say which argument they are of. */
static void fill(unsigned char *bytes, size_t size, unsigned which)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)((i + which) * 2654435761U >> 13);
    }
}

static void assert_filled(pp_future *future, size_t size, unsigned which)
{
    const void *bytes;
    size_t count;
    unsigned char *expected = malloc(size + 1);
    fill(expected, size, which);
    ck_assert_int_eq(pp_future_result(future, -1, &bytes, &count), 0);
    ck_assert_uint_eq(count, size);
    ck_assert(memcmp(bytes, expected, size) == 0);
    free(expected);
}

static void assert_closed(pp_executor *executor)
{
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
}

START_TEST(an_argument_written_in_place_arrives_unchanged)
{
    static const size_t sizes[] = {0, 1, 31, 32, 33, 4096, 65512, 65536, 262144, (1 << 20) + 1, 8 << 20};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    pp_executor *executor = open_executor(2);
    pp_future *futures[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned char *room = pp_executor_reserve(executor, sizes[i]);
        ck_assert_ptr_nonnull(room);
        ck_assert_uint_eq((uintptr_t)room % _Alignof(max_align_t), 0);
        fill(room, sizes[i], i);
        futures[i] = submit(executor, task_echo, room, sizes[i]);
        room = pp_executor_reserve(executor, sizes[i]); /* is not what the future has now */
        ck_assert_ptr_nonnull(room);
        memset(room, '!', sizes[i]);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        assert_filled(futures[i], sizes[i], i);
        pp_future_release(futures[i]);
    }
    assert_closed(executor);
}
END_TEST

START_TEST(an_argument_far_shorter_than_its_room_does_not_hold_it)
{
    enum { ROOM = 1 << 20, SIZE = 100 };
    pp_executor *executor = open_executor(1);
    unsigned char *room = pp_executor_reserve(executor, ROOM);
    fill(room, SIZE, 1);
    pp_future *future = submit(executor, task_echo, room, SIZE);
    ck_assert_ptr_eq(pp_executor_reserve(executor, ROOM), room);
    memset(room, '!', ROOM);
    assert_filled(future, SIZE, 1);
    pp_future_release(future);
    assert_closed(executor);
}
END_TEST

START_TEST(room_that_nothing_is_made_of_is_no_burden)
{
    pp_executor *executor = open_executor(1);
    ck_assert_ptr_nonnull(pp_executor_reserve(executor, 10));
    ck_assert_ptr_nonnull(pp_executor_reserve(executor, 1000000));
    ck_assert_ptr_null(pp_executor_reserve(executor, PP_MAX_BYTES + 1));
    assert_closed(executor);
}
END_TEST

/* Counts its runs in what is shared, and ends its worker in the first. */
static unsigned *runs;

static int task_echo_at_second_try(const void *arg, size_t arg_size, pp_reply *reply)
{
    if (++*runs == 1) {
        memset((void *)(uintptr_t)arg, '!', arg_size);
        abort();
    }
    return task_echo(arg, arg_size, reply);
}

START_TEST(a_task_that_runs_again_gets_the_same_argument)
{
    enum { SIZE = 500000 };
    const struct pp_options options = {.workers = 1, .retries = 1};
    pp_executor *executor;
    runs = shared_counters(1);
    ck_assert_int_eq(pp_executor_open(&executor, &options), 0);
    unsigned char *room = pp_executor_reserve(executor, SIZE);
    fill(room, SIZE, 7);
    pp_future *future = submit(executor, task_echo_at_second_try, room, SIZE);
    assert_filled(future, SIZE, 7);
    ck_assert_uint_eq(*runs, 2);
    pp_future_release(future);
    assert_closed(executor);
    shared_counters_free(runs, 1);
}
END_TEST

/* Gives so many items, each in place. */
struct items {
    pp_executor *executor;
    unsigned count;
    unsigned given;
};

enum { ITEM = 100000 };

static int give_in_place(void *context, struct pp_source_item *item)
{
    struct items *items = context;
    if (items->given == items->count) {
        return PP_E_END;
    }
    unsigned char *room = pp_executor_reserve(items->executor, ITEM);
    fill(room, ITEM, items->given++);
    *item = (struct pp_source_item){.arg = room, .arg_size = ITEM};
    return 0;
}

START_TEST(a_source_may_give_items_in_place_and_sees_them_again_with_the_results)
{
    enum { COUNT = 100 };
    pp_executor *executor = open_executor(2);
    struct items items = {executor, COUNT, 0};
    unsigned char *expected = malloc(ITEM);
    pp_map *map;
    ck_assert_int_eq(pp_map_open(&map, executor, task_echo, give_in_place, &items, NULL), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        struct pp_map_item item;
        ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
        fill(expected, ITEM, i);
        ck_assert_mem_eq(item.result, expected, ITEM);
        ck_assert_mem_eq(item.arg, expected, ITEM);
    }
    pp_map_close(map);
    free(expected);
    assert_closed(executor);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("executor/arguments");
    TCase *tcase = harness_case(suite, "in place", 20);
    tcase_add_test(tcase, an_argument_written_in_place_arrives_unchanged);
    tcase_add_test(tcase, an_argument_far_shorter_than_its_room_does_not_hold_it);
    tcase_add_test(tcase, room_that_nothing_is_made_of_is_no_burden);
    tcase_add_test(tcase, a_task_that_runs_again_gets_the_same_argument);
    tcase_add_test(tcase, a_source_may_give_items_in_place_and_sees_them_again_with_the_results);
    return harness_run(suite);
}
