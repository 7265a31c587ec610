#ifndef POOL_FRAME_H
#define POOL_FRAME_H

/* Bytes and messages. A frame is a 24-byte header, a payload, and zeros up to a multiple of 16. Both sides
 * are one program on one machine, so integers travel as they lie in memory; but a task may have written
 * anything into the pipe, so the reader checks each field and believes no length before the bytes are there. */

#include "buffer.h"

#include <assert.h>
#include <stdint.h>
#include <sys/uio.h>

#define PP_FRAME_MAX_PAYLOAD ((size_t)1 << 30)

/* Parent to worker: run `task` on the payload, if {epoch, seq} can still be claimed (claim.h). */
struct pp_request {
    uint64_t task;
    uint32_t mark;
    uint32_t size; /* of the payload */
    uint32_t epoch;
    uint32_t seq;
};

enum pp_reply_kind {
    PP_REPLY_HELLO, /* the worker has started; `code` is what its initializer returned, 0: it takes requests
                     */
    PP_REPLY_RETURNED, /* the task returned `code`; the payload is what it appended */
    PP_REPLY_NO_MEMORY /* the worker could not hold the argument; the task was not run */
};

/* Worker to parent. */
struct pp_reply_header {
    uint32_t mark; /* tells the kind */
    uint32_t size;
    uint32_t ordinal; /* how many tasks this worker had answered before, modulo 2^32; 0 for a hello */
    int32_t code;
    uint64_t nanoseconds; /* how long the task ran */
};

enum { PP_FRAME_HEADER_SIZE = 24, PP_FRAME_UNIT = 16 };

/* The bytes of a frame with that payload. */
static inline size_t pp_frame_size(size_t payload_size)
{
    assert(payload_size <= PP_FRAME_MAX_PAYLOAD);
    return (PP_FRAME_HEADER_SIZE + payload_size + PP_FRAME_UNIT - 1) / PP_FRAME_UNIT * PP_FRAME_UNIT;
}

/* The parts of a request, to be written from where they lie: `request`, whose mark is filled in, the payload,
 * zeros. */
enum { PP_REQUEST_PARTS = 3 };
void pp_request_gather(struct iovec parts[PP_REQUEST_PARTS], struct pp_request *request, const void *payload);

/* Appends what follows the first `skip` bytes of the parts. There is room for it. */
void pp_parts_append(struct pp_buffer *buffer, const struct iovec *parts, int count, size_t skip);

/* Appends a whole request. `request->mark` is filled in. False when memory is short; then nothing has
 * changed. */
bool pp_request_append(struct pp_buffer *buffer, const struct pp_request *request, const void *payload);

enum pp_frame_state {
    PP_FRAME_PARTIAL, /* more bytes are needed */
    PP_FRAME_HEADER,  /* the header is there and right, the payload is not there yet */
    PP_FRAME_WHOLE,
    PP_FRAME_BAD /* these bytes are no frame */
};

/* Looks at the front of the queue and copies the header if it is there. The payload of a whole frame lies at
 * pp_frame_payload(buffer), aligned for any type. Nothing is consumed. */
enum pp_frame_state pp_request_look(const struct pp_buffer *buffer, struct pp_request *request);
enum pp_frame_state pp_reply_look(const struct pp_buffer *buffer, struct pp_reply_header *header,
                                  enum pp_reply_kind *kind);

static inline const void *pp_frame_payload(const struct pp_buffer *buffer)
{
    return pp_buffer_front(buffer) + PP_FRAME_HEADER_SIZE;
}

/* A queue of requests of which the first may have been written in part: its frame ends `first` bytes from the
 * front, and `count` bytes from the front are about to be consumed. How many bytes of the frame that is cut
 * then remain. */
size_t pp_request_rest(const struct pp_buffer *buffer, size_t first, size_t count);

/* A reply is written in place. begin reserves its header at the end of the queue and tells where it lies, as
 * an offset from the front; the payload is appended behind it, after room has made sure of the memory for it
 * and for the padding; finish fills in the header and pads the frame, and cannot fail. False: memory is
 * short, nothing has changed. */
bool pp_reply_begin(struct pp_buffer *buffer, size_t *offset);
bool pp_reply_room(struct pp_buffer *buffer, size_t payload_size);
void pp_reply_finish(struct pp_buffer *buffer, size_t offset, enum pp_reply_kind kind,
                     const struct pp_reply_header *header);

#endif
