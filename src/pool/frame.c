#include "frame.h"

#include <string.h>

static_assert(sizeof(struct pp_request) == PP_FRAME_HEADER_SIZE, "the header has no holes");
static_assert(sizeof(struct pp_reply_header) == PP_FRAME_HEADER_SIZE, "the header has no holes");
static_assert((PP_BUFFER_ORIGIN + PP_FRAME_HEADER_SIZE) % PP_FRAME_UNIT == 0,
              "a payload is aligned for any type");
static_assert(_Alignof(max_align_t) <= PP_FRAME_UNIT, "a payload is aligned for any type");

/* No two differ in a single bit. */
static const uint32_t request_mark = 0x51455250; /* "PREQ" in memory on a little-endian machine */
static const uint32_t reply_marks[] = {
    [PP_REPLY_HELLO] = 0x4c4c4548,     /* "HELL" */
    [PP_REPLY_RETURNED] = 0x4e544552,  /* "RETN" */
    [PP_REPLY_NO_MEMORY] = 0x4d454d4e, /* "NMEM" */
};

/* Zeros what follows the payload in a frame. The payload and the header's end may be written after that only:
 * the last unit of a short frame has parts of both. */
static void pad(unsigned char *frame, size_t payload_size)
{
    memset(frame + pp_frame_size(payload_size) - PP_FRAME_UNIT, 0, PP_FRAME_UNIT);
}

void pp_request_gather(struct iovec parts[PP_REQUEST_PARTS], struct pp_request *request, const void *payload)
{
    static const unsigned char zeros[PP_FRAME_UNIT];
    request->mark = request_mark;
    parts[0] = (struct iovec){request, sizeof *request};
    parts[1] = (struct iovec){(void *)(uintptr_t)payload, request->size}; // NOLINT(performance-no-int-to-ptr)
    parts[2] = (struct iovec){(void *)(uintptr_t)zeros,                   // NOLINT(performance-no-int-to-ptr)
                              pp_frame_size(request->size) - sizeof *request - request->size};
}

bool pp_request_append(struct pp_buffer *buffer, const struct pp_request *request, const void *payload)
{
    struct pp_request header = *request;
    header.mark = request_mark;
    size_t frame_size = pp_frame_size(header.size);
    if (!pp_buffer_reserve(buffer, frame_size)) {
        return false;
    }
    unsigned char *frame = pp_buffer_room(buffer);
    pad(frame, header.size);
    memcpy(frame, &header, sizeof header);
    if (header.size > 0) {
        memcpy(frame + sizeof header, payload, header.size);
    }
    buffer->end += frame_size;
    return true;
}

void pp_parts_append(struct pp_buffer *buffer, const struct iovec *parts, int count, size_t skip)
{
    for (int i = 0; i < count; i++) {
        size_t skipped = skip < parts[i].iov_len ? skip : parts[i].iov_len;
        size_t size = parts[i].iov_len - skipped;
        skip -= skipped;
        memcpy(pp_buffer_room(buffer), (const unsigned char *)parts[i].iov_base + skipped, size);
        buffer->end += size;
    }
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
    if (pp_buffer_size(buffer) < PP_FRAME_HEADER_SIZE) {
        return PP_FRAME_PARTIAL;
    }
    memcpy(request, pp_buffer_front(buffer), sizeof *request);
    return request->mark == request_mark ? frame_state(buffer, request->size) : PP_FRAME_BAD;
}

enum pp_frame_state pp_reply_look(const struct pp_buffer *buffer, struct pp_reply_header *header,
                                  enum pp_reply_kind *kind)
{
    if (pp_buffer_size(buffer) < PP_FRAME_HEADER_SIZE) {
        return PP_FRAME_PARTIAL;
    }
    memcpy(header, pp_buffer_front(buffer), sizeof *header);
    if (header->mark == reply_marks[PP_REPLY_RETURNED]) {
        *kind = PP_REPLY_RETURNED; /* nearly always */
    } else if (header->mark == reply_marks[PP_REPLY_HELLO]) {
        *kind = PP_REPLY_HELLO;
    } else if (header->mark == reply_marks[PP_REPLY_NO_MEMORY]) {
        *kind = PP_REPLY_NO_MEMORY;
    } else {
        return PP_FRAME_BAD;
    }
    return frame_state(buffer, header->size);
}

bool pp_reply_room(struct pp_buffer *buffer, size_t payload_size)
{
    return pp_buffer_reserve(buffer, payload_size + PP_FRAME_UNIT);
}

bool pp_reply_begin(struct pp_buffer *buffer, size_t *offset)
{
    if (!pp_reply_room(buffer, PP_FRAME_HEADER_SIZE)) {
        return false;
    }
    *offset = pp_buffer_size(buffer);
    buffer->end += PP_FRAME_HEADER_SIZE;
    return true;
}

void pp_reply_finish(struct pp_buffer *buffer, size_t offset, enum pp_reply_kind kind,
                     const struct pp_reply_header *header)
{
    struct pp_reply_header filled = *header;
    size_t payload_size = pp_buffer_size(buffer) - offset - PP_FRAME_HEADER_SIZE;
    assert(payload_size <= PP_FRAME_MAX_PAYLOAD);
    filled.mark = reply_marks[kind];
    filled.size = (uint32_t)payload_size;
    unsigned char *frame = pp_buffer_front(buffer) + offset;
    /* The payload is there already: only what is behind it may be zeroed. */
    size_t padding = pp_frame_size(payload_size) - sizeof filled - payload_size;
    memset(pp_buffer_room(buffer), 0, padding);
    buffer->end += padding;
    memcpy(frame, &filled, sizeof filled);
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
