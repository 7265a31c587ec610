#ifndef TESTS_FRAME_STREAM_H
#define TESTS_FRAME_STREAM_H

/* Streams of frames for the fuzz targets of the frame decoder: how they are made, damaged, cut, and read
 * slowly.
 *
 * The input of a target begins with a byte that tells the kind of stream and eight from which the cuts
 * follow; then come the bytes of the stream, or what the frames are made of. */

#include "frame.h"
#include "support/fuzz.h"

#include <stdbool.h>
#include <string.h>

enum { STREAM_HEADER = 24, STREAM_UNIT = 16 };

/* A field of a header, wherever it lies. */
static inline uint32_t stream_u32(const uint8_t *at)
{
    uint32_t n;
    memcpy(&n, at, sizeof n);
    return n;
}

static inline uint64_t stream_u64(const uint8_t *at)
{
    uint64_t n;
    memcpy(&n, at, sizeof n);
    return n;
}

/* The size of a frame, the slow way: header and payload, and one more byte until it is a multiple. */
static inline uint64_t stream_frame_size(uint32_t payload)
{
    uint64_t size = (uint64_t)STREAM_HEADER + payload;
    while (size % STREAM_UNIT != 0) {
        size++;
    }
    return size;
}

static inline void stream_append(struct pp_buffer *buffer, const uint8_t *bytes, size_t size)
{
    FUZZ_REQUIRE(pp_buffer_reserve(buffer, size));
    if (size > 0) {
        memcpy(pp_buffer_room(buffer), bytes, size);
        buffer->end += size;
    }
}

/* The same queue in memory that ends where it does, so that a look behind its end is seen. */
static inline struct pp_buffer stream_exact(const struct pp_buffer *buffer)
{
    const size_t size = pp_buffer_size(buffer);
    struct pp_buffer exact = {fuzz_memory(PP_BUFFER_ORIGIN + size), PP_BUFFER_ORIGIN + size, PP_BUFFER_ORIGIN,
                              PP_BUFFER_ORIGIN + size};
    if (size > 0) {
        memcpy(exact.memory + PP_BUFFER_ORIGIN, pp_buffer_front(buffer), size);
    }
    return exact;
}

/* Overwrites up to three bytes, as the input says. */
static inline void stream_damage(struct fuzz_input *input, struct pp_buffer *stream)
{
    for (int left = fuzz_byte(input) % 4; left > 0 && pp_buffer_size(stream) > 0; left--) {
        const size_t at = (size_t)(fuzz_number(input, 2) % pp_buffer_size(stream));
        pp_buffer_front(stream)[at] = fuzz_byte(input);
    }
}

/* How many of the `left` bytes of the stream come next: at least one. Short cuts are as likely as long ones. */
static inline size_t stream_cut(uint64_t *cuts, size_t left)
{
    *cuts = *cuts * 6364136223846793005u + 1442695040888963407u;
    const uint64_t limit = (uint64_t)1 << (*cuts >> 33) % 12;
    const size_t size = (size_t)((*cuts >> 40) % limit) + 1;
    return size < left ? size : left;
}

/* What a target knows of its direction. */
struct stream_target {
    size_t size_at; /* in a header: the size of the payload */

    /* Looks at the queue, which begins with the bytes of the stream that are not consumed. */
    enum pp_frame_state (*look)(const struct pp_buffer *queue, const uint8_t *bytes);

    /* Appends frames made from the input to the stream, and looks at each after it. */
    void (*compose)(struct fuzz_input *input, struct pp_buffer *stream);

    /* What else is to be seen of whole frames; may be NULL. */
    void (*check)(const struct pp_buffer *stream, uint64_t cuts);
};

/* Feeds the stream. How many bytes of whole frames it began with. */
static inline size_t stream_decode(const struct stream_target *target, const struct pp_buffer *stream,
                                   uint64_t cuts)
{
    struct pp_buffer queue = {0};
    const size_t size = pp_buffer_size(stream);
    const uint8_t *bytes = size > 0 ? pp_buffer_front(stream) : NULL;
    enum pp_frame_state state = PP_FRAME_PARTIAL;
    size_t fed = 0;
    size_t consumed = 0;
    while (fed < size && state != PP_FRAME_BAD) {
        const size_t cut = stream_cut(&cuts, size - fed);
        stream_append(&queue, bytes + fed, cut);
        fed += cut;
        while ((state = target->look(&queue, bytes + consumed)) == PP_FRAME_WHOLE) {
            const size_t frame = (size_t)stream_frame_size(stream_u32(bytes + consumed + target->size_at));
            pp_buffer_consume(&queue, frame);
            consumed += frame;
        }
    }
    pp_buffer_free(&queue);
    return consumed;
}

static inline void stream_fuzz(const struct stream_target *target, const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct pp_buffer stream = {0};
    const uint8_t kind = fuzz_byte(&input);
    const uint64_t cuts = fuzz_number(&input, 8);
    if (kind % 2 == 0) { /* anything */
        stream_append(&stream, input.at, input.left);
        stream_decode(target, &stream, cuts);
    } else { /* frames, whole, then damaged */
        struct fuzz_input damage = {input.at, input.left};
        target->compose(&input, &stream);
        if (target->check != NULL && pp_buffer_size(&stream) > 0) {
            target->check(&stream, cuts);
        }
        FUZZ_REQUIRE(stream_decode(target, &stream, cuts) == pp_buffer_size(&stream));
        stream_damage(&damage, &stream);
        stream_decode(target, &stream, cuts);
    }
    pp_buffer_free(&stream);
}

#endif
