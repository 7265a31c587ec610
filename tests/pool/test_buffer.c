#include "support/harness.h"

#include "buffer.h"
#include "support/random.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Lets reserve see the NULL that a libc would give it. Only AddressSanitizer asks. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void append(struct pp_buffer *buffer, const unsigned char *bytes, size_t size)
{
    ck_assert(pp_buffer_reserve(buffer, size));
    ck_assert_uint_ge(pp_buffer_room_size(buffer), size);
    memcpy(pp_buffer_room(buffer), bytes, size);
    buffer->end += size;
}

START_TEST(an_empty_queue_has_no_memory)
{
    struct pp_buffer buffer = {0};
    ck_assert_uint_eq(pp_buffer_size(&buffer), 0);
    pp_buffer_consume(&buffer, 0);
    ck_assert_ptr_null(buffer.memory);
    pp_buffer_free(&buffer);
    ck_assert_ptr_null(buffer.memory);
}
END_TEST

START_TEST(reserving_nothing_gives_a_queue_that_begins_aligned)
{
    struct pp_buffer buffer = {0};
    ck_assert(pp_buffer_reserve(&buffer, 0));
    ck_assert_ptr_nonnull(buffer.memory);
    ck_assert_uint_eq(((uintptr_t)pp_buffer_front(&buffer) - PP_BUFFER_ORIGIN) % _Alignof(max_align_t), 0);
    pp_buffer_free(&buffer);
}
END_TEST

/* Against a plain array that holds everything that was ever appended. */
START_TEST(bytes_come_out_as_they_went_in)
{
    enum { TOTAL = 2000000, PIECE = 9000 };
    static unsigned char all[TOTAL + PIECE];
    struct random random = {(uint64_t)_i};
    for (size_t i = 0; i < sizeof all; i++) {
        all[i] = (unsigned char)random_next(&random);
    }
    struct pp_buffer buffer = {0};
    size_t in = 0, out = 0;
    while (out < TOTAL) {
        if (in < TOTAL && random_below(&random, 2) == 0) {
            size_t size = random_below(&random, PIECE);
            append(&buffer, all + in, size);
            in += size;
        } else {
            size_t size = random_below(&random, in - out + 1);
            if (in >= TOTAL && random_below(&random, 4) == 0) {
                size = in - out;
            }
            pp_buffer_consume(&buffer, size);
            out += size;
        }
        ck_assert_uint_eq(pp_buffer_size(&buffer), in - out);
        ck_assert(in == out || memcmp(pp_buffer_front(&buffer), all + out, in - out) == 0);
    }
    pp_buffer_free(&buffer);
}
END_TEST

START_TEST(no_move_changes_the_place_in_a_multiple_of_16)
{
    static const unsigned char bytes[5000];
    struct random random = {7};
    int moves = 0;
    for (int round = 0; round < 2000; round++) {
        struct pp_buffer buffer = {0};
        append(&buffer, bytes, sizeof bytes);
        for (int step = 0; step < 10 && pp_buffer_size(&buffer) > 1; step++) {
            pp_buffer_consume(&buffer, random_below(&random, pp_buffer_size(&buffer) - 1) + 1);
            size_t begin = buffer.begin;
            append(&buffer, bytes, random_below(&random, sizeof bytes));
            ck_assert_uint_eq(buffer.begin % 16, begin % 16);
            ck_assert_uint_ge(buffer.begin, PP_BUFFER_ORIGIN);
            ck_assert_uint_le(buffer.end, buffer.capacity);
            moves += buffer.begin != begin;
        }
        pp_buffer_free(&buffer);
    }
    ck_assert_int_gt(moves, 100);
}
END_TEST

START_TEST(a_steady_stream_needs_no_more_memory_than_its_backlog)
{
    enum { BACKLOG = 10000, PIECE = 1000 };
    static const unsigned char bytes[BACKLOG];
    struct pp_buffer buffer = {0};
    append(&buffer, bytes, BACKLOG);
    for (int i = 0; i < 10000; i++) {
        append(&buffer, bytes, PIECE);
        pp_buffer_consume(&buffer, PIECE);
        ck_assert_uint_le(buffer.capacity, (size_t)4 * (BACKLOG + PIECE));
    }
    pp_buffer_free(&buffer);
}
END_TEST

START_TEST(an_empty_queue_gives_a_large_memory_back_and_keeps_a_small_one)
{
    static const struct {
        size_t size;
        bool kept;
    } table[] = {{1, true}, {4096, true}, {65536, true}, {4194304, false}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct pp_buffer buffer = {0};
        ck_assert(pp_buffer_reserve(&buffer, table[i].size));
        buffer.end += table[i].size;
        pp_buffer_consume(&buffer, table[i].size - 1);
        ck_assert_ptr_nonnull(buffer.memory);
        pp_buffer_consume(&buffer, 1);
        ck_assert_msg((buffer.memory != NULL) == table[i].kept, "%zu bytes", table[i].size);
        ck_assert_uint_eq(pp_buffer_size(&buffer), 0);
        /* It can be used again, and is aligned as when it was fresh. */
        append(&buffer, (const unsigned char *)"again", 5);
        ck_assert_uint_eq(buffer.begin, PP_BUFFER_ORIGIN);
        ck_assert_mem_eq(pp_buffer_front(&buffer), "again", 5);
        pp_buffer_free(&buffer);
    }
}
END_TEST

START_TEST(room_that_cannot_be_had_is_refused_and_nothing_changes)
{
    static const size_t rooms[] = {SIZE_MAX,     SIZE_MAX - 8, SIZE_MAX / 2 + 1,
                                   SIZE_MAX / 4, SIZE_MAX / 8, SIZE_MAX / 16};
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        struct pp_buffer fresh = {0};
        ck_assert(!pp_buffer_reserve(&fresh, rooms[i]));
        ck_assert_ptr_null(fresh.memory);
        struct pp_buffer buffer = {0};
        append(&buffer, (const unsigned char *)"kept", 4);
        struct pp_buffer before = buffer;
        ck_assert(!pp_buffer_reserve(&buffer, rooms[i]));
        ck_assert_ptr_eq(buffer.memory, before.memory);
        ck_assert_uint_eq(buffer.capacity, before.capacity);
        ck_assert_uint_eq(pp_buffer_size(&buffer), 4);
        ck_assert_mem_eq(pp_buffer_front(&buffer), "kept", 4);
        pp_buffer_free(&buffer);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("buffer");
    TCase *tcase = harness_case(suite, "buffer", 10);
    tcase_add_test(tcase, an_empty_queue_has_no_memory);
    tcase_add_test(tcase, reserving_nothing_gives_a_queue_that_begins_aligned);
    tcase_add_loop_test(tcase, bytes_come_out_as_they_went_in, 1, 4);
    tcase_add_test(tcase, no_move_changes_the_place_in_a_multiple_of_16);
    tcase_add_test(tcase, a_steady_stream_needs_no_more_memory_than_its_backlog);
    tcase_add_test(tcase, an_empty_queue_gives_a_large_memory_back_and_keeps_a_small_one);
    tcase_add_test(tcase, room_that_cannot_be_had_is_refused_and_nothing_changes);
    return harness_run(suite);
}
