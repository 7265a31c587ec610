/* map: results in order or as they come, from sources of any kind, within bounds. */

#include "executor/core.h"
#include "support/harness.h"
#include "support/tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A source of the numbers from 0, each with a tail of zeros. */
struct numbers {
    size_t count; /* SIZE_MAX: without end */
    size_t given;
    size_t asked;
    size_t item_size; /* 0: that of the number */
    int failure;      /* what it ends with; 0: PP_E_END */
    unsigned char *item;
    pp_map *map;
};

static int give_numbers(void *context, struct pp_source_item *item)
{
    struct numbers *numbers = context;
    numbers->asked++;
    if (numbers->given == numbers->count) {
        return numbers->failure != 0 ? numbers->failure : PP_E_END;
    }
    if (numbers->item_size == 0) {
        numbers->item_size = sizeof numbers->given;
    }
    numbers->item = realloc(numbers->item, numbers->item_size);
    memset(numbers->item, 0, numbers->item_size);
    memcpy(numbers->item, &numbers->given, sizeof numbers->given);
    numbers->given++;
    *item = (struct pp_source_item){.arg = numbers->item, .arg_size = numbers->item_size};
    return 0;
}

static size_t number_in(const void *bytes)
{
    size_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

/* Takes ten times as long for every seventh, so that tasks finish out of order. */
static int task_square(const void *arg, size_t arg_size, pp_reply *reply)
{
    size_t number = number_in(arg);
    (void)arg_size;
    for (volatile size_t i = 0; i < (number % 7 == 0 ? 100000 : 100); i++) {
    }
    number *= number;
    return pp_reply_append(reply, &number, sizeof number);
}

/* Fails, crashes or exits for some. */
static int task_square_or_not(const void *arg, size_t arg_size, pp_reply *reply)
{
    static const int deaths[] = {DIE_SEGV, DIE_EXIT_0, DIE_KILL};
    size_t number = number_in(arg);
    if (number % 10 == 3) {
        pp_reply_append(reply, "three", 5);
        return 33;
    }
    if (number % 50 == 8) {
        task_die(&deaths[number / 50 % 3], sizeof(int), reply);
    }
    return task_square(arg, arg_size, reply);
}

static pp_map *open_map(pp_executor *executor, pp_task *task, struct numbers *numbers,
                        const struct pp_map_options *options)
{
    ck_assert_int_eq(pp_map_open(&numbers->map, executor, task, give_numbers, numbers, options), 0);
    return numbers->map;
}

static void close_all(pp_executor *executor, struct numbers *numbers)
{
    pp_map_close(numbers->map);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
    free(numbers->item);
}

START_TEST(results_come_in_order_though_tasks_end_out_of_order)
{
    static const size_t counts[] = {0, 1, 2, 3, 40, 5000};
    static const size_t workers[] = {1, 2, 5};
    for (size_t w = 0; w < 3; w++) {
        struct numbers numbers = {.count = counts[_i]};
        pp_executor *executor = open_executor(workers[w]);
        pp_map *map = open_map(executor, task_square, &numbers, NULL);
        struct pp_map_item item;
        for (size_t i = 0; i < counts[_i]; i++) {
            ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
            ck_assert_uint_eq(item.index, i);
            ck_assert_int_eq(item.error, 0);
            ck_assert_ptr_eq(item.failure, NULL);
            ck_assert_uint_eq(item.result_size, sizeof i);
            ck_assert_uint_eq(number_in(item.result), i * i);
            ck_assert_uint_eq(item.arg_size, sizeof i);
            ck_assert_uint_eq(number_in(item.arg), i);
        }
        for (int again = 0; again < 3; again++) {
            ck_assert_int_eq(pp_map_next(map, &item, again - 1), PP_E_END);
        }
        ck_assert_uint_eq(numbers.asked, counts[_i] + 1); /* not again after its end */
        close_all(executor, &numbers);
    }
}
END_TEST

START_TEST(as_completed_gives_each_once_and_does_not_wait_for_the_slow)
{
    enum { COUNT = 3000 };
    static bool seen[COUNT];
    struct numbers numbers = {.count = COUNT};
    pp_executor *executor = open_executor(3);
    pp_map *map = open_map(executor, task_square, &numbers, &(struct pp_map_options){.as_completed = true});
    struct pp_map_item item;
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
        ck_assert_uint_lt(item.index, COUNT);
        ck_assert(!seen[item.index]);
        seen[item.index] = true;
        ck_assert_uint_eq(number_in(item.result), item.index * item.index);
    }
    ck_assert_int_eq(pp_map_next(map, &item, -1), PP_E_END);
    close_all(executor, &numbers);
}
END_TEST

/* A source of gates, the first one shut and the others open. */
struct gates {
    struct gate gate;
    size_t given;
    size_t count;
};

static int give_gates(void *context, struct pp_source_item *item)
{
    struct gates *gates = context;
    if (gates->given == gates->count) {
        return PP_E_END;
    }
    *item = (struct pp_source_item){.arg = &gates->gate,
                                    .arg_size = gates->given++ == 0 ? sizeof gates->gate : 0};
    return 0;
}

START_TEST(a_slow_first_item_holds_up_the_results_in_order_and_not_those_as_completed)
{
    enum { COUNT = 200 };
    struct gates gates = {.count = COUNT};
    struct pp_map_item item;
    pp_map *map;
    gate_open(&gates.gate);
    pp_executor *executor = open_executor(2);
    const struct pp_map_options options = {.as_completed = _i == 1};
    ck_assert_int_eq(pp_map_open(&map, executor, task_gate, give_gates, &gates, &options), 0);
    if (_i == 0) {
        ck_assert_int_eq(pp_map_next(map, &item, 50), PP_E_TIMEOUT);
        ck_assert_int_eq(pp_map_next(map, &item, 0), PP_E_TIMEOUT);
        gate_let_through(&gates.gate, 1);
        for (size_t i = 0; i < COUNT; i++) {
            ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
            ck_assert_uint_eq(item.index, i);
        }
    } else {
        for (size_t i = 1; i < COUNT; i++) {
            ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
            ck_assert_uint_ne(item.index, 0);
        }
        ck_assert_int_eq(pp_map_next(map, &item, 20), PP_E_TIMEOUT);
        gate_let_through(&gates.gate, 1);
        ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
        ck_assert_uint_eq(item.index, 0);
    }
    ck_assert_int_eq(pp_map_next(map, &item, -1), PP_E_END);
    pp_map_close(map);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
    gate_close(&gates.gate);
}
END_TEST

START_TEST(nothing_is_taken_from_the_source_before_it_is_asked_for)
{
    struct numbers numbers = {.count = 10};
    pp_executor *executor = open_executor(2);
    open_map(executor, task_echo, &numbers, NULL);
    pp_executor_step(executor, 0);
    ck_assert_uint_eq(numbers.asked, 0);
    close_all(executor, &numbers);
    ck_assert_uint_eq(numbers.asked, 0);
}
END_TEST

static const struct {
    size_t workers;
    size_t look_ahead;
    size_t item_size;
} bounds[] = {
    {2, 1, 8},
    {2, 1, 100000},
    {1, 1, 8},
    {2, 100000, 8},
    {2, 100000, 1000},
    {2, 1000000, 100000},
    {1, 8 << 20, 1 << 20},
};

START_TEST(an_endless_source_is_asked_for_no_more_than_the_look_ahead)
{
    struct numbers numbers = {.count = SIZE_MAX, .item_size = bounds[_i].item_size};
    pp_executor *executor = open_executor(bounds[_i].workers);
    const struct pp_map_options options = {.look_ahead_bytes = bounds[_i].look_ahead};
    pp_map *map = open_map(executor, task_square, &numbers, &options);
    struct pp_map_item item;
    size_t farthest = 0;
    for (size_t i = 0; i < 300; i++) {
        ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
        ck_assert_uint_eq(item.index, i);
        farthest = numbers.given - i > farthest ? numbers.given - i : farthest;
    }
    size_t least = 2 * bounds[_i].workers;
    size_t most = bounds[_i].look_ahead / (sizeof(pp_future) + bounds[_i].item_size) + 1;
    ck_assert_uint_le(farthest, most > least ? most : least);
    ck_assert_uint_ge(farthest, bounds[_i].workers); /* and all have work */
    close_all(executor, &numbers);
}
END_TEST

static int task_grow(const void *arg, size_t arg_size, pp_reply *reply)
{
    (void)arg_size;
    if (number_in(arg) == 0) {
        return task_spin(NULL, 0, reply);
    }
    void *room = pp_reply_reserve(reply, 1 << 20);
    if (room == NULL) {
        return -1;
    }
    memset(room, 1, 1 << 20);
    pp_reply_commit(reply, 1 << 20);
    return 0;
}

START_TEST(large_results_of_small_arguments_are_bounded_too)
{
    struct numbers numbers = {.count = SIZE_MAX};
    pp_executor *executor = open_executor(2);
    const struct pp_map_options options = {.look_ahead_bytes = 8 << 20};
    pp_map *map = open_map(executor, task_grow, &numbers, &options);
    struct pp_map_item item;
    /* The first one never ends, and what comes behind it waits for it. */
    ck_assert_int_eq(pp_map_next(map, &item, 300), PP_E_TIMEOUT);
    ck_assert_uint_ge(numbers.given, 4);
    ck_assert_uint_le(numbers.given, 10);
    pp_map_close(map);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_KILL, -1), 0);
    free(numbers.item);
}
END_TEST

START_TEST(an_item_that_fails_comes_at_its_place_and_the_map_goes_on)
{
    enum { COUNT = 300 };
    struct numbers numbers = {.count = COUNT};
    pp_executor *executor = open_executor(3);
    pp_map *map =
        open_map(executor, task_square_or_not, &numbers, &(struct pp_map_options){.as_completed = _i == 1});
    struct pp_map_item item;
    size_t failed = 0;
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
        ck_assert(_i == 1 || item.index == i);
        ck_assert_uint_eq(number_in(item.arg), item.index);
        int expected = item.index % 10 == 3 ? PP_E_TASK : item.index % 50 == 8 ? PP_E_CRASH : 0;
        ck_assert_int_eq(item.error, expected);
        ck_assert_int_eq(item.failure != NULL, expected != 0);
        ck_assert_ptr_ne(item.result, NULL);
        if (expected == 0) {
            ck_assert_uint_eq(number_in(item.result), item.index * item.index);
        } else {
            ck_assert_uint_eq(item.result_size, 0);
            ck_assert_int_eq(item.failure->error, expected);
            ck_assert_str_eq(item.failure->text, expected == PP_E_TASK ? "three" : "");
            failed++;
        }
    }
    ck_assert_uint_eq(failed, 30 + 6);
    ck_assert_int_eq(pp_map_next(map, &item, -1), PP_E_END);
    close_all(executor, &numbers);
}
END_TEST

START_TEST(a_source_that_fails_ends_the_map_after_all_that_it_gave)
{
    struct numbers numbers = {.count = 30, .failure = -EIO};
    pp_executor *executor = open_executor(2);
    pp_map *map = open_map(executor, task_square, &numbers, NULL);
    struct pp_map_item item;
    for (size_t i = 0; i < 30; i++) {
        ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
        ck_assert_uint_eq(item.index, i);
    }
    ck_assert_int_eq(pp_map_next(map, &item, -1), -EIO);
    ck_assert_int_eq(pp_map_next(map, &item, -1), -EIO);
    ck_assert_uint_eq(numbers.asked, 31);
    close_all(executor, &numbers);
}
END_TEST

/* A source that has an item for each byte in a pipe, up to a full stop: its end is not to be seen, because
 * the workers have inherited the other end. */
struct stream {
    int from;
    char byte;
    size_t asked;
    bool forgets_to_say;
};

static int give_bytes(void *context, struct pp_source_item *item)
{
    struct stream *stream = context;
    struct pollfd readable = {.fd = stream->from, .events = POLLIN};
    stream->asked++;
    if (poll(&readable, 1, 0) == 0) {
        item->wait_fd = stream->forgets_to_say ? -1 : stream->from;
        return PP_E_AGAIN;
    }
    if (read(stream->from, &stream->byte, 1) != 1 || stream->byte == '.') {
        return PP_E_END;
    }
    item->arg = &stream->byte;
    item->arg_size = 1;
    return 0;
}

START_TEST(a_source_that_has_nothing_now_is_asked_again_when_it_has)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct stream stream = {.from = ends[0]};
    pp_executor *executor = open_executor(2);
    pp_map *map;
    struct pp_map_item item;
    ck_assert_int_eq(pp_map_open(&map, executor, task_echo, give_bytes, &stream,
                                 &(struct pp_map_options){.as_completed = _i == 1}),
                     0);
    ck_assert_int_eq(pp_map_next(map, &item, 0), PP_E_TIMEOUT);
    ck_assert_int_eq(pp_map_next(map, &item, 30), PP_E_TIMEOUT);
    ck_assert_uint_eq(stream.asked, 1); /* nothing was there, so it was not asked again */
    for (char c = 'a'; c < 'f'; c++) {
        ck_assert_int_eq(write(ends[1], &c, 1), 1);
        ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
        ck_assert_int_eq(*(const char *)item.result, c);
        ck_assert_int_eq(pp_map_next(map, &item, 0), PP_E_TIMEOUT);
    }
    ck_assert_int_eq(write(ends[1], "xyz.", 4), 4);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
    }
    ck_assert_int_eq(pp_map_next(map, &item, -1), PP_E_END);
    pp_map_close(map);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_source_that_does_not_say_what_to_wait_for_ends_the_map)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct stream stream = {.from = ends[0], .forgets_to_say = true};
    pp_executor *executor = open_executor(1);
    pp_map *map;
    struct pp_map_item item;
    ck_assert_int_eq(pp_map_open(&map, executor, task_echo, give_bytes, &stream, NULL), 0);
    ck_assert_int_eq(pp_map_next(map, &item, -1), -EINVAL);
    pp_map_close(map);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(results_go_on_while_the_source_has_nothing)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "abc", 3), 3);
    struct stream stream = {.from = ends[0]};
    pp_executor *executor = open_executor(2);
    pp_map *map;
    struct pp_map_item item;
    ck_assert_int_eq(pp_map_open(&map, executor, task_echo, give_bytes, &stream, NULL), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
    }
    ck_assert_int_eq(pp_map_next(map, &item, 10), PP_E_TIMEOUT);
    pp_map_close(map);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(closing_in_the_middle_cancels_the_rest_and_leaves_the_executor_whole)
{
    struct gates gates = {.count = 100};
    struct pp_map_item item;
    pp_map *map;
    gate_open(&gates.gate);
    pp_executor *executor = open_executor(1);
    const struct pp_map_options options = {.as_completed = _i == 1};
    ck_assert_int_eq(pp_map_open(&map, executor, task_gate, give_gates, &gates, &options), 0);
    ck_assert_int_eq(pp_map_next(map, &item, 0), PP_E_TIMEOUT);
    gate_await(&gates.gate, 1);
    pp_map_close(map);
    struct pp_statistics statistics;
    pp_executor_statistics(executor, &statistics);
    ck_assert_uint_eq(statistics.tasks_submitted, 2);
    ck_assert_uint_eq(statistics.tasks_done, 1); /* cancelled; the other one runs */
    pp_future *future = submit(executor, task_echo, "x", 1);
    gate_let_through(&gates.gate, 1);
    ck_assert_int_eq(pp_future_wait(future, -1), 0);
    ck_assert_int_eq(pp_future_state(future), PP_SUCCEEDED);
    pp_future_release(future);
    pp_executor_statistics(executor, &statistics);
    ck_assert_uint_eq(statistics.workers_started, 1); /* what runs is left to itself */
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
    gate_close(&gates.gate);
}
END_TEST

START_TEST(a_map_that_was_never_asked_closes_too)
{
    struct numbers numbers = {.count = SIZE_MAX};
    pp_executor *executor = open_executor(2);
    open_map(executor, task_square, &numbers, NULL);
    close_all(executor, &numbers);
    pp_map_close(NULL);
}
END_TEST

START_TEST(several_maps_share_an_executor)
{
    enum { COUNT = 500 };
    struct numbers one = {.count = COUNT};
    struct numbers two = {.count = COUNT};
    pp_executor *executor = open_executor(2);
    open_map(executor, task_square, &one, NULL);
    open_map(executor, task_echo, &two, NULL);
    struct pp_map_item a;
    struct pp_map_item b;
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_int_eq(pp_map_next(one.map, &a, -1), 0);
        ck_assert_int_eq(pp_map_next(two.map, &b, -1), 0);
        ck_assert_uint_eq(number_in(a.result), i * i);
        ck_assert_uint_eq(number_in(b.result), i);
    }
    pp_map_close(one.map);
    ck_assert_int_eq(pp_map_next(two.map, &b, -1), PP_E_END);
    close_all(executor, &two);
    free(one.item);
}
END_TEST

START_TEST(what_cannot_be_opened_is_refused)
{
    pp_executor *executor = open_executor(1);
    pp_map *map;
    ck_assert_int_eq(pp_map_open(&map, executor, NULL, give_numbers, NULL, NULL), -EINVAL);
    ck_assert_ptr_eq(map, NULL);
    ck_assert_int_eq(pp_map_open(&map, executor, task_echo, NULL, NULL, NULL), -EINVAL);
    ck_assert_ptr_eq(map, NULL);
    ck_assert_int_eq(pp_executor_close(executor, PP_CLOSE_DRAIN, -1), 0);
}
END_TEST

static int refuse(void *unused)
{
    (void)unused;
    return 5;
}

START_TEST(without_any_worker_every_item_fails_and_none_is_waited_for)
{
    struct numbers numbers = {.count = 20};
    pp_executor *executor = open_executor_with(&(struct pp_options){.workers = 2, .initializer = refuse});
    pp_map *map = open_map(executor, task_echo, &numbers, &(struct pp_map_options){.as_completed = _i == 1});
    struct pp_map_item item;
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(pp_map_next(map, &item, -1), 0);
        ck_assert_int_eq(item.error, PP_E_NO_WORKERS);
        ck_assert_int_eq(item.failure->code, 5);
    }
    ck_assert_int_eq(pp_map_next(map, &item, -1), PP_E_END);
    close_all(executor, &numbers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("executor/map");
    TCase *order = harness_case(suite, "order", 40);
    tcase_add_loop_test(order, results_come_in_order_though_tasks_end_out_of_order, 0, 6);
    tcase_add_test(order, as_completed_gives_each_once_and_does_not_wait_for_the_slow);
    tcase_add_loop_test(order, a_slow_first_item_holds_up_the_results_in_order_and_not_those_as_completed, 0,
                        2);
    tcase_add_test(order, several_maps_share_an_executor);

    TCase *sources = harness_case(suite, "sources", 40);
    tcase_add_test(sources, nothing_is_taken_from_the_source_before_it_is_asked_for);
    tcase_add_loop_test(sources, an_endless_source_is_asked_for_no_more_than_the_look_ahead, 0,
                        sizeof bounds / sizeof bounds[0]);
    tcase_add_test(sources, large_results_of_small_arguments_are_bounded_too);
    tcase_add_test(sources, a_source_that_fails_ends_the_map_after_all_that_it_gave);
    tcase_add_loop_test(sources, a_source_that_has_nothing_now_is_asked_again_when_it_has, 0, 2);
    tcase_add_test(sources, a_source_that_does_not_say_what_to_wait_for_ends_the_map);
    tcase_add_test(sources, results_go_on_while_the_source_has_nothing);

    TCase *ends = harness_case(suite, "ends", 40);
    tcase_add_loop_test(ends, an_item_that_fails_comes_at_its_place_and_the_map_goes_on, 0, 2);
    tcase_add_loop_test(ends, closing_in_the_middle_cancels_the_rest_and_leaves_the_executor_whole, 0, 2);
    tcase_add_test(ends, a_map_that_was_never_asked_closes_too);
    tcase_add_test(ends, what_cannot_be_opened_is_refused);
    tcase_add_loop_test(ends, without_any_worker_every_item_fails_and_none_is_waited_for, 0, 2);
    return harness_run(suite);
}
