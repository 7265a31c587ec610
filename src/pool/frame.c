#include "frame.h"

#include <assert.h>
#include <string.h>

enum { HEADER_SIZE = 24, FRAME_UNIT = 16 };

static_assert(sizeof(struct pp_request) == HEADER_SIZE, "the header has no holes");
static_assert(sizeof(struct pp_reply_header) == HEADER_SIZE, "the header has no holes");
static_assert((PP_BUFFER_ORIGIN + HEADER_SIZE) % FRAME_UNIT == 0, "a payload is aligned for any type");
static_assert(_Alignof(max_align_t) <= FRAME_UNIT, "a payload is aligned for any type");

static const uint32_t request_mark = 0x51455250; /* "PREQ" */
static const uint32_t reply_marks[] = {
    [PP_REPLY_HELLO] = 0x4c4c4548,     /* "HELL" */
    [PP_REPLY_RETURNED] = 0x4e544552,  /* "RETN" */
    [PP_REPLY_NO_MEMORY] = 0x4d454d4e, /* "NMEM" */
};
enum { REPLY_KINDS = sizeof reply_marks / sizeof reply_marks[0] };

size_t pp_frame_size(size_t payload_size)
{
    assert(payload_size <= PP_FRAME_MAX_PAYLOAD);
    return (HEADER_SIZE + payload_size + FRAME_UNIT - 1) / FRAME_UNIT * FRAME_UNIT;
}

static void append(struct pp_buffer *buffer, const void *bytes, size_t size)
{
    assert(size <= pp_buffer_room_size(buffer));
    if (size > 0) {
        memcpy(pp_buffer_room(buffer), bytes, size);
        buffer->end += size;
    }
}

/* Ends a frame whose payload is at the end of the queue with room for the padding behind it. */
static void pad(struct pp_buffer *buffer, size_t payload_size)
{
    static const unsigned char zeros[FRAME_UNIT];
    append(buffer, zeros, pp_frame_size(payload_size) - HEADER_SIZE - payload_size);
}

bool pp_request_append(struct pp_buffer *buffer, const struct pp_request *request, const void *payload)
{
    struct pp_request header = *request;
    header.mark = request_mark;
    if (!pp_buffer_reserve(buffer, pp_frame_size(header.size))) {
        return false;
    }
    append(buffer, &header, sizeof header);
    append(buffer, payload, header.size);
    pad(buffer, header.size);
    return true;
}

static enum pp_frame_state frame_state(const struct pp_buffer *buffer, uint32_t payload_size)
{
    if (payload_size > PP_FRAME_MAX_PAYLOAD) {
        return PP_FRAME_BAD;
    }
    return pp_buffer_size(buffer) < pp_frame_size(payload_size) ? PP_FRAME_HEADER : PP_FRAME_WHOLE;
}

enum pp_frame_state pp_request_look(const struct pp_buffer *buffer, struct pp_request *request)
{
    if (pp_buffer_size(buffer) < HEADER_SIZE) {
        return PP_FRAME_PARTIAL;
    }
    memcpy(request, pp_buffer_front(buffer), sizeof *request);
    return request->mark == request_mark ? frame_state(buffer, request->size) : PP_FRAME_BAD;
}

enum pp_frame_state pp_reply_look(const struct pp_buffer *buffer, struct pp_reply_header *header,
                                  enum pp_reply_kind *kind)
{
    if (pp_buffer_size(buffer) < HEADER_SIZE) {
        return PP_FRAME_PARTIAL;
    }
    memcpy(header, pp_buffer_front(buffer), sizeof *header);
    for (int i = 0; i < REPLY_KINDS; i++) {
        if (header->mark == reply_marks[i]) {
            *kind = (enum pp_reply_kind)i;
            return frame_state(buffer, header->size);
        }
    }
    return PP_FRAME_BAD;
}

const void *pp_frame_payload(const struct pp_buffer *buffer)
{
    return pp_buffer_front(buffer) + HEADER_SIZE;
}

bool pp_reply_room(struct pp_buffer *buffer, size_t payload_size)
{
    return pp_buffer_reserve(buffer, payload_size + FRAME_UNIT);
}

bool pp_reply_begin(struct pp_buffer *buffer, size_t *offset)
{
    if (!pp_reply_room(buffer, HEADER_SIZE)) {
        return false;
    }
    *offset = pp_buffer_size(buffer);
    buffer->end += HEADER_SIZE;
    return true;
}

void pp_reply_finish(struct pp_buffer *buffer, size_t offset, enum pp_reply_kind kind,
                     const struct pp_reply_header *header)
{
    struct pp_reply_header filled = *header;
    size_t payload_size = pp_buffer_size(buffer) - offset - HEADER_SIZE;
    assert(payload_size <= PP_FRAME_MAX_PAYLOAD);
    filled.mark = reply_marks[kind];
    filled.size = (uint32_t)payload_size;
    memcpy(pp_buffer_front(buffer) + offset, &filled, sizeof filled);
    pad(buffer, payload_size);
}

size_t pp_request_rest(const struct pp_buffer *buffer, size_t first, size_t count)
{
    size_t boundary = first;
    while (boundary < count) {
        struct pp_request request;
        memcpy(&request, pp_buffer_front(buffer) + boundary, sizeof request);
        boundary += pp_frame_size(request.size);
    }
    return boundary - count;
}
