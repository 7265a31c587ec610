#ifndef POOL_BUFFER_H
#define POOL_BUFFER_H

/* A queue of bytes in one piece of memory: appended at the end, consumed at the front.
 *
 * The queue begins 8 bytes behind an address that is aligned for any type. Frames have a 24-byte header and a
 * length that is a multiple of 16, so while only whole frames are consumed every payload is aligned for any
 * type, in place. */

#include <stdbool.h>
#include <stddef.h>

enum { PP_BUFFER_ORIGIN = 8, PP_BUFFER_LARGE = 1 << 20 };

/* {0} is an empty queue without memory. */
struct pp_buffer {
    unsigned char *memory;
    size_t capacity;
    size_t begin; /* the queue is memory[begin, end) */
    size_t end;
};

static inline size_t pp_buffer_size(const struct pp_buffer *buffer)
{
    return buffer->end - buffer->begin;
}

static inline unsigned char *pp_buffer_front(const struct pp_buffer *buffer)
{
    return buffer->memory + buffer->begin;
}

/* The memory behind the end, and how much of it there is. */
static inline unsigned char *pp_buffer_room(const struct pp_buffer *buffer)
{
    return buffer->memory + buffer->end;
}

static inline size_t pp_buffer_room_size(const struct pp_buffer *buffer)
{
    return buffer->capacity - buffer->end;
}

/* The part of pp_buffer_reserve that has to do something. */
bool pp_buffer_grow(struct pp_buffer *buffer, size_t room);

/* Makes room for at least `room` bytes behind the end; may move the queue. False when memory is short; then
 * nothing has changed. */
static inline bool pp_buffer_reserve(struct pp_buffer *buffer, size_t room)
{
    return room < pp_buffer_room_size(buffer) || pp_buffer_grow(buffer, room);
}

/* Drops the first `count` bytes. An empty queue gives a large piece of memory back. */
void pp_buffer_consume(struct pp_buffer *buffer, size_t count);

/* Frees the memory; the queue is empty and can be used again. */
void pp_buffer_free(struct pp_buffer *buffer);

/* Memory for queues that are empty most of the time: what one of them does not need any more is the next one's,
 * so that many take turns and none allocates. What was given back last is lent first: it is in the cache. */
enum { PP_SPARE_BYTES = 4 << 20 }; /* more than that is freed, and large pieces are */

/* Lies in the spare memory itself. */
struct pp_spare {
    struct pp_spare *next;
    size_t capacity;
};

struct pp_spares {
    struct pp_spare *first;
    size_t bytes;
};

/* A queue without memory gets some if there is any. */
static inline void pp_spares_lend(struct pp_spares *spares, struct pp_buffer *buffer)
{
    if (buffer->memory == NULL && spares->first != NULL) {
        struct pp_spare *spare = spares->first;
        spares->first = spare->next;
        spares->bytes -= spare->capacity;
        *buffer =
            (struct pp_buffer){(unsigned char *)spare, spare->capacity, PP_BUFFER_ORIGIN, PP_BUFFER_ORIGIN};
    }
}

/* An empty queue gives its memory back; one that is not empty keeps it. */
static inline void pp_spares_take_back(struct pp_spares *spares, struct pp_buffer *buffer)
{
    if (buffer->memory == NULL || buffer->begin < buffer->end) {
        return;
    }
    if (buffer->capacity > PP_BUFFER_LARGE || spares->bytes + buffer->capacity > PP_SPARE_BYTES) {
        pp_buffer_free(buffer);
        return;
    }
    struct pp_spare *spare = (struct pp_spare *)(void *)buffer->memory; /* malloc's, and larger than this */
    *spare = (struct pp_spare){spares->first, buffer->capacity};
    spares->first = spare;
    spares->bytes += buffer->capacity;
    *buffer = (struct pp_buffer){0};
}

void pp_spares_free(struct pp_spares *spares);

#endif
