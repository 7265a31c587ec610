/* Requests, as a worker reads them: a stream of bytes fed in arbitrary cuts, against a slow reader of the
 * whole. */

#include "support/frame_stream.h"

/* What the slow reader finds at the beginning of `size` bytes. */
static enum pp_frame_state read_slowly(const uint8_t *bytes, size_t size)
{
    if (size < STREAM_HEADER) {
        return PP_FRAME_PARTIAL;
    }
    if (stream_u32(bytes + 8) != 0x51455250 || stream_u32(bytes + 12) > 1u << 30) {
        return PP_FRAME_BAD;
    }
    return size < stream_frame_size(stream_u32(bytes + 12)) ? PP_FRAME_HEADER : PP_FRAME_WHOLE;
}

static void check_header(const uint8_t *bytes, const struct pp_request *request)
{
    FUZZ_REQUIRE(request->task == stream_u64(bytes) && request->mark == stream_u32(bytes + 8));
    FUZZ_REQUIRE(request->size == stream_u32(bytes + 12) && request->epoch == stream_u32(bytes + 16));
    FUZZ_REQUIRE(request->seq == stream_u32(bytes + 20));
}

static enum pp_frame_state look(const struct pp_buffer *buffer, const uint8_t *bytes)
{
    struct pp_request request;
    struct pp_buffer exact = stream_exact(buffer);
    const size_t size = pp_buffer_size(buffer);
    const enum pp_frame_state state = pp_request_look(buffer, &request);
    FUZZ_REQUIRE(size == 0 || memcmp(pp_buffer_front(buffer), bytes, size) == 0);
    FUZZ_REQUIRE(state == read_slowly(bytes, size));
    FUZZ_REQUIRE(pp_request_look(&exact, &request) == state);
    if (state == PP_FRAME_HEADER || state == PP_FRAME_WHOLE) {
        check_header(bytes, &request);
        FUZZ_REQUIRE(pp_frame_size(request.size) == stream_frame_size(request.size));
    }
    if (state == PP_FRAME_WHOLE) {
        const uint8_t *payload = pp_frame_payload(buffer);
        FUZZ_REQUIRE((uintptr_t)payload % _Alignof(max_align_t) == 0);
        FUZZ_REQUIRE(memcmp(payload, bytes + STREAM_HEADER, request.size) == 0);
    }
    pp_buffer_free(&exact);
    return state;
}

/* Appends frames made from the input to the stream, and looks at each after it. */
static void compose(struct fuzz_input *input, struct pp_buffer *stream)
{
    while (input->left > 0) {
        struct pp_request request = {.task = fuzz_number(input, 1) << 56 | input->left,
                                     .epoch = fuzz_byte(input)};
        const size_t size = fuzz_byte(input) % 128;
        request.seq = ~(uint32_t)size;
        request.size = (uint32_t)(size < input->left ? size : input->left);
        const size_t at = pp_buffer_size(stream);
        FUZZ_REQUIRE(pp_request_append(stream, &request, input->at));
        const uint8_t *frame = pp_buffer_front(stream) + at;
        request.mark = stream_u32(frame + 8);
        check_header(frame, &request);
        FUZZ_REQUIRE(read_slowly(frame, pp_buffer_size(stream) - at) == PP_FRAME_WHOLE);
        FUZZ_REQUIRE(pp_buffer_size(stream) - at == stream_frame_size(request.size));
        FUZZ_REQUIRE(memcmp(frame + STREAM_HEADER, input->at, request.size) == 0);
        for (size_t i = STREAM_HEADER + request.size; i < pp_buffer_size(stream) - at; i++) {
            FUZZ_REQUIRE(frame[i] == 0);
        }
        input->at += request.size;
        input->left -= request.size;
    }
}

/* Writes a queue of whole frames in arbitrary cuts: what remains of the frame that is cut is where the next
 * begins. */
static void check_rest(const struct pp_buffer *stream, uint64_t cuts)
{
    struct pp_buffer queue = {0};
    const size_t size = pp_buffer_size(stream);
    size_t written = 0;
    size_t boundary = 0;
    size_t rest = 0;
    stream_append(&queue, pp_buffer_front(stream), size);
    while (written < size) {
        const size_t cut = stream_cut(&cuts, size - written);
        rest = pp_request_rest(&queue, rest, cut);
        pp_buffer_consume(&queue, cut);
        written += cut;
        while (boundary < written) {
            boundary += (size_t)stream_frame_size(stream_u32(pp_buffer_front(stream) + boundary + 12));
        }
        FUZZ_REQUIRE(rest == boundary - written);
    }
    FUZZ_REQUIRE(rest == 0);
    pp_buffer_free(&queue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct stream_target target = {
        .size_at = 12, .look = look, .compose = compose, .check = check_rest};
    stream_fuzz(&target, data, size);
    return 0;
}
