/* Replies, as the parent reads them: a stream of bytes fed in arbitrary cuts, against a slow reader of the
 * whole. */

#include "support/frame_stream.h"

static const struct {
    uint32_t mark;
    enum pp_reply_kind kind;
} marks[] = {{0x4c4c4548, PP_REPLY_HELLO}, {0x4e544552, PP_REPLY_RETURNED}, {0x4d454d4e, PP_REPLY_NO_MEMORY}};

/* What the slow reader finds at the beginning of `size` bytes. */
static enum pp_frame_state read_slowly(const uint8_t *bytes, size_t size, enum pp_reply_kind *kind)
{
    if (size < STREAM_HEADER) {
        return PP_FRAME_PARTIAL;
    }
    bool known = false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (stream_u32(bytes) == marks[i].mark) {
            *kind = marks[i].kind;
            known = true;
        }
    }
    if (!known || stream_u32(bytes + 4) > 1u << 30) {
        return PP_FRAME_BAD;
    }
    return size < stream_frame_size(stream_u32(bytes + 4)) ? PP_FRAME_HEADER : PP_FRAME_WHOLE;
}

static void check_header(const uint8_t *bytes, const struct pp_reply_header *header)
{
    FUZZ_REQUIRE(header->mark == stream_u32(bytes) && header->size == stream_u32(bytes + 4));
    FUZZ_REQUIRE(header->ordinal == stream_u32(bytes + 8) &&
                 (uint32_t)header->code == stream_u32(bytes + 12));
    FUZZ_REQUIRE(header->nanoseconds == stream_u64(bytes + 16));
}

static enum pp_frame_state look(const struct pp_buffer *buffer, const uint8_t *bytes)
{
    struct pp_reply_header header;
    enum pp_reply_kind kind = PP_REPLY_HELLO;
    enum pp_reply_kind wanted_kind = PP_REPLY_HELLO;
    struct pp_buffer exact = stream_exact(buffer);
    const size_t size = pp_buffer_size(buffer);
    const enum pp_frame_state state = pp_reply_look(buffer, &header, &kind);
    FUZZ_REQUIRE(size == 0 || memcmp(pp_buffer_front(buffer), bytes, size) == 0);
    FUZZ_REQUIRE(state == read_slowly(bytes, size, &wanted_kind));
    if (state == PP_FRAME_HEADER || state == PP_FRAME_WHOLE) {
        check_header(bytes, &header);
        FUZZ_REQUIRE(kind == wanted_kind);
        FUZZ_REQUIRE(pp_frame_size(header.size) == stream_frame_size(header.size));
    }
    if (state == PP_FRAME_WHOLE) {
        const uint8_t *payload = pp_frame_payload(buffer);
        FUZZ_REQUIRE((uintptr_t)payload % _Alignof(max_align_t) == 0);
        FUZZ_REQUIRE(memcmp(payload, bytes + STREAM_HEADER, header.size) == 0);
    }
    FUZZ_REQUIRE(pp_reply_look(&exact, &header, &kind) == state);
    pp_buffer_free(&exact);
    return state;
}

/* Appends frames made from the input to the stream as a worker does, the payload in two parts, and looks at
 * each after it. */
static void compose(struct fuzz_input *input, struct pp_buffer *stream)
{
    while (input->left > 0) {
        const uint8_t choice = fuzz_byte(input);
        struct pp_reply_header header = {
            .ordinal = choice, .code = -(int32_t)fuzz_byte(input), .nanoseconds = ~(uint64_t)choice};
        size_t size = fuzz_byte(input) % 128;
        size = size < input->left ? size : input->left;
        const size_t part = size * (choice / 3 % 5) / 4;
        const size_t at = pp_buffer_size(stream);
        size_t offset;
        FUZZ_REQUIRE(pp_reply_begin(stream, &offset) && offset == at && pp_reply_room(stream, size));
        stream_append(stream, input->at, part);
        FUZZ_REQUIRE(pp_reply_room(stream, size - part));
        stream_append(stream, input->at + part, size - part);
        pp_reply_finish(stream, offset, marks[choice % 3].kind, &header);
        const uint8_t *frame = pp_buffer_front(stream) + at;
        header.mark = marks[choice % 3].mark;
        header.size = (uint32_t)size;
        check_header(frame, &header);
        FUZZ_REQUIRE(pp_buffer_size(stream) - at == stream_frame_size(header.size));
        FUZZ_REQUIRE(memcmp(frame + STREAM_HEADER, input->at, size) == 0);
        for (size_t i = STREAM_HEADER + size; i < pp_buffer_size(stream) - at; i++) {
            FUZZ_REQUIRE(frame[i] == 0);
        }
        input->at += size;
        input->left -= size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct stream_target target = {.size_at = 4, .look = look, .compose = compose};
    stream_fuzz(&target, data, size);
    return 0;
}
