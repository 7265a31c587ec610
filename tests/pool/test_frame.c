#include "support/harness.h"

#include "frame.h"
#include "support/random.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_SIZE = 24, SIZES = 105 };

/* 0 to 100, and what lies around a pipe's capacity. */
static size_t size_of(int i)
{
    static const size_t large[SIZES - 101] = {4095, 65535, 65536, 1000001};
    return i <= 100 ? (size_t)i : large[i - 101];
}

static unsigned char *random_bytes(struct random *random, size_t size)
{
    unsigned char *bytes = malloc(size + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)random_next(random);
    }
    return bytes;
}

static void assert_payload(const struct pp_buffer *buffer, const void *expected, size_t size)
{
    ck_assert_uint_eq((uintptr_t)pp_frame_payload(buffer) % _Alignof(max_align_t), 0);
    ck_assert_int_eq(memcmp(pp_frame_payload(buffer), expected, size), 0);
    const unsigned char *padding = (const unsigned char *)pp_frame_payload(buffer) + size;
    for (size_t i = 0; i < pp_frame_size(size) - HEADER_SIZE - size; i++) {
        ck_assert_uint_eq(padding[i], 0);
    }
}

START_TEST(a_frame_is_the_header_and_the_payload_up_to_a_multiple_of_16)
{
    for (int i = 0; i < SIZES; i++) {
        size_t size = pp_frame_size(size_of(i));
        ck_assert_uint_eq(size % 16, 0);
        ck_assert_uint_ge(size, HEADER_SIZE + size_of(i));
        ck_assert_uint_lt(size, HEADER_SIZE + size_of(i) + 16);
    }
    ck_assert_uint_ge(pp_frame_size(PP_FRAME_MAX_PAYLOAD), PP_FRAME_MAX_PAYLOAD);
}
END_TEST

START_TEST(requests_come_out_as_they_went_in)
{
    struct random random = {1};
    struct pp_buffer buffer = {0};
    unsigned char *bytes[SIZES];
    for (int i = 0; i < SIZES; i++) {
        bytes[i] = random_bytes(&random, size_of(i));
        struct pp_request request = {.task = (uint64_t)i << 40,
                                     .size = (uint32_t)size_of(i),
                                     .epoch = (uint32_t)i + 7,
                                     .seq = UINT32_MAX - (uint32_t)i};
        ck_assert(pp_request_append(&buffer, &request, bytes[i]));
    }
    for (int i = 0; i < SIZES; i++) {
        struct pp_request request;
        ck_assert_int_eq(pp_request_look(&buffer, &request), PP_FRAME_WHOLE);
        ck_assert_uint_eq(request.task, (uint64_t)i << 40);
        ck_assert_uint_eq(request.size, size_of(i));
        ck_assert_uint_eq(request.epoch, (uint32_t)i + 7);
        ck_assert_uint_eq(request.seq, UINT32_MAX - (uint32_t)i);
        assert_payload(&buffer, bytes[i], size_of(i));
        pp_buffer_consume(&buffer, pp_frame_size(size_of(i)));
        free(bytes[i]);
    }
    ck_assert_uint_eq(pp_buffer_size(&buffer), 0);
    pp_buffer_free(&buffer);
}
END_TEST

START_TEST(a_request_without_payload_needs_no_bytes_to_copy)
{
    struct pp_buffer buffer = {0};
    struct pp_request request = {.task = 1};
    ck_assert(pp_request_append(&buffer, &request, NULL));
    ck_assert_int_eq(pp_request_look(&buffer, &request), PP_FRAME_WHOLE);
    pp_buffer_free(&buffer);
}
END_TEST

/* A reply whose payload is appended in random pieces. */
static void append_reply(struct pp_buffer *buffer, enum pp_reply_kind kind,
                         const struct pp_reply_header *header, const unsigned char *bytes, size_t size,
                         struct random *random)
{
    size_t offset;
    ck_assert(pp_reply_begin(buffer, &offset));
    for (size_t done = 0; done < size;) {
        size_t piece = random_below(random, size - done) + 1;
        ck_assert(pp_reply_room(buffer, piece));
        memcpy(pp_buffer_room(buffer), bytes + done, piece);
        buffer->end += piece;
        done += piece;
    }
    pp_reply_finish(buffer, offset, kind, header);
}

START_TEST(replies_written_in_place_come_out_as_they_went_in)
{
    static const enum pp_reply_kind kinds[] = {PP_REPLY_HELLO, PP_REPLY_RETURNED, PP_REPLY_NO_MEMORY};
    struct random random = {2};
    struct pp_buffer buffer = {0};
    unsigned char *bytes[SIZES];
    for (int i = 0; i < SIZES; i++) {
        bytes[i] = random_bytes(&random, size_of(i));
        struct pp_reply_header header = {
            .ordinal = (uint32_t)i, .code = i - 50, .nanoseconds = UINT64_MAX - (uint64_t)i};
        append_reply(&buffer, kinds[i % 3], &header, bytes[i], size_of(i), &random);
    }
    for (int i = 0; i < SIZES; i++) {
        struct pp_reply_header header;
        enum pp_reply_kind kind;
        ck_assert_int_eq(pp_reply_look(&buffer, &header, &kind), PP_FRAME_WHOLE);
        ck_assert_int_eq(kind, kinds[i % 3]);
        ck_assert_uint_eq(header.size, size_of(i));
        ck_assert_uint_eq(header.ordinal, (uint32_t)i);
        ck_assert_int_eq(header.code, i - 50);
        ck_assert_uint_eq(header.nanoseconds, UINT64_MAX - (uint64_t)i);
        assert_payload(&buffer, bytes[i], size_of(i));
        pp_buffer_consume(&buffer, pp_frame_size(size_of(i)));
        free(bytes[i]);
    }
    ck_assert_uint_eq(pp_buffer_size(&buffer), 0);
    pp_buffer_free(&buffer);
}
END_TEST

/* One frame of each direction, alone in a queue. */
static void make_request(struct pp_buffer *buffer, size_t size)
{
    static const unsigned char zeros[128];
    struct pp_request request = {.task = 1, .size = (uint32_t)size, .epoch = 2, .seq = 3};
    *buffer = (struct pp_buffer){0};
    ck_assert(pp_request_append(buffer, &request, zeros));
}

static void make_reply(struct pp_buffer *buffer, enum pp_reply_kind kind, size_t size)
{
    static const unsigned char zeros[128];
    struct pp_reply_header header = {.code = 1};
    struct random random = {3};
    *buffer = (struct pp_buffer){0};
    append_reply(buffer, kind, &header, zeros, size, &random);
}

static enum pp_frame_state request_state(const struct pp_buffer *buffer)
{
    struct pp_request request;
    return pp_request_look(buffer, &request);
}

static enum pp_frame_state reply_state(const struct pp_buffer *buffer)
{
    struct pp_reply_header header;
    enum pp_reply_kind kind;
    return pp_reply_look(buffer, &header, &kind);
}

START_TEST(every_truncation_waits_for_more)
{
    for (size_t size = 0; size <= 100; size++) {
        struct pp_buffer request, reply;
        make_request(&request, size);
        make_reply(&reply, PP_REPLY_RETURNED, size);
        size_t whole = pp_frame_size(size);
        ck_assert_uint_eq(pp_buffer_size(&request), whole);
        ck_assert_uint_eq(pp_buffer_size(&reply), whole);
        for (size_t length = 0; length <= whole; length++) {
            enum pp_frame_state expected = length < HEADER_SIZE ? PP_FRAME_PARTIAL
                                           : length < whole     ? PP_FRAME_HEADER
                                                                : PP_FRAME_WHOLE;
            request.end = request.begin + length;
            reply.end = reply.begin + length;
            ck_assert_int_eq(request_state(&request), expected);
            ck_assert_int_eq(reply_state(&reply), expected);
        }
        pp_buffer_free(&request);
        pp_buffer_free(&reply);
    }
}
END_TEST

START_TEST(a_mark_with_one_wrong_bit_is_bad)
{
    static const enum pp_reply_kind kinds[] = {PP_REPLY_HELLO, PP_REPLY_RETURNED, PP_REPLY_NO_MEMORY};
    for (int bit = 0; bit < 32; bit++) {
        struct pp_buffer buffer;
        make_request(&buffer, 5);
        pp_buffer_front(&buffer)[offsetof(struct pp_request, mark) + (size_t)bit / 8] ^=
            (unsigned char)(1 << bit % 8);
        ck_assert_int_eq(request_state(&buffer), PP_FRAME_BAD);
        pp_buffer_free(&buffer);
        for (int kind = 0; kind < 3; kind++) {
            make_reply(&buffer, kinds[kind], 5);
            pp_buffer_front(&buffer)[offsetof(struct pp_reply_header, mark) + (size_t)bit / 8] ^=
                (unsigned char)(1 << bit % 8);
            ck_assert_int_eq(reply_state(&buffer), PP_FRAME_BAD);
            pp_buffer_free(&buffer);
        }
    }
}
END_TEST

START_TEST(a_size_beyond_the_limit_is_bad_and_the_limit_itself_is_awaited)
{
    static const struct {
        uint32_t size;
        enum pp_frame_state state;
    } table[] = {{(uint32_t)PP_FRAME_MAX_PAYLOAD, PP_FRAME_HEADER},
                 {(uint32_t)PP_FRAME_MAX_PAYLOAD + 1, PP_FRAME_BAD},
                 {UINT32_MAX - 40, PP_FRAME_BAD},
                 {UINT32_MAX, PP_FRAME_BAD}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct pp_buffer request, reply;
        make_request(&request, 100);
        make_reply(&reply, PP_REPLY_RETURNED, 100);
        memcpy(pp_buffer_front(&request) + offsetof(struct pp_request, size), &table[i].size, 4);
        memcpy(pp_buffer_front(&reply) + offsetof(struct pp_reply_header, size), &table[i].size, 4);
        ck_assert_int_eq(request_state(&request), table[i].state);
        ck_assert_int_eq(reply_state(&reply), table[i].state);
        pp_buffer_free(&request);
        pp_buffer_free(&reply);
    }
}
END_TEST

START_TEST(garbage_is_no_frame)
{
    enum { SIZE = 200000 };
    struct random random = {4};
    unsigned char *bytes = random_bytes(&random, SIZE);
    for (size_t i = 0; i + 64 <= SIZE; i++) {
        struct pp_buffer buffer = {.memory = bytes, .capacity = SIZE, .begin = i, .end = i + 64};
        ck_assert_int_eq(request_state(&buffer), PP_FRAME_BAD);
        ck_assert_int_eq(reply_state(&buffer), PP_FRAME_BAD);
    }
    free(bytes);
}
END_TEST

START_TEST(the_two_directions_do_not_take_each_other_for_theirs)
{
    struct pp_buffer request, reply;
    make_request(&request, 40);
    make_reply(&reply, PP_REPLY_RETURNED, 40);
    ck_assert_int_eq(reply_state(&request), PP_FRAME_BAD);
    ck_assert_int_eq(request_state(&reply), PP_FRAME_BAD);
    pp_buffer_free(&request);
    pp_buffer_free(&reply);
}
END_TEST

/* A queue is written in random pieces. The reference knows where each frame ends, counted from the first byte
 * ever appended, and looks for the first end that is not before what has been written. */
START_TEST(the_rest_of_a_cut_frame_is_what_a_slow_reference_says)
{
    enum { FRAMES = 1000 };
    static const unsigned char zeros[3000];
    static size_t ends[FRAMES];
    struct random random = {(uint64_t)_i};
    struct pp_buffer buffer = {0};
    size_t frames = 0, appended = 0, written = 0, rest = 0;
    while (frames < FRAMES || pp_buffer_size(&buffer) > 0) {
        if (frames < FRAMES && random_below(&random, 3) > 0) {
            struct pp_request request = {
                .task = 1,
                .size = (uint32_t)(random_below(&random, 2) ? random_below(&random, sizeof zeros) : 8)};
            ck_assert(pp_request_append(&buffer, &request, zeros));
            ends[frames++] = appended += pp_frame_size(request.size);
            continue;
        }
        size_t count = random_below(&random, pp_buffer_size(&buffer) + 1);
        if (random_below(&random, 3) == 0) {
            count = rest <= pp_buffer_size(&buffer) ? rest : count; /* exactly to the end of the cut frame */
        }
        rest = pp_request_rest(&buffer, rest, count);
        pp_buffer_consume(&buffer, count);
        written += count;
        size_t expected = 0;
        for (size_t i = 0; i < frames && written > 0; i++) {
            if (ends[i] >= written) {
                expected = ends[i] - written;
                break;
            }
        }
        ck_assert_uint_eq(rest, expected);
    }
    pp_buffer_free(&buffer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frame");
    TCase *tcase = harness_case(suite, "frame", 10);
    tcase_add_test(tcase, a_frame_is_the_header_and_the_payload_up_to_a_multiple_of_16);
    tcase_add_test(tcase, requests_come_out_as_they_went_in);
    tcase_add_test(tcase, a_request_without_payload_needs_no_bytes_to_copy);
    tcase_add_test(tcase, replies_written_in_place_come_out_as_they_went_in);
    tcase_add_test(tcase, every_truncation_waits_for_more);
    tcase_add_test(tcase, a_mark_with_one_wrong_bit_is_bad);
    tcase_add_test(tcase, a_size_beyond_the_limit_is_bad_and_the_limit_itself_is_awaited);
    tcase_add_test(tcase, garbage_is_no_frame);
    tcase_add_test(tcase, the_two_directions_do_not_take_each_other_for_theirs);
    tcase_add_loop_test(tcase, the_rest_of_a_cut_frame_is_what_a_slow_reference_says, 1, 4);
    return harness_run(suite);
}
