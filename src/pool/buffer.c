#include "buffer.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096 };

/* Moves the queue to where it begins when it is fresh, if what has been consumed in front of it is as large
 * as itself: then the moves cost no more than the appends. Its offset in a multiple of 16 must not change
 * with that. */
static void move_to_origin(struct pp_buffer *buffer)
{
    size_t origin = PP_BUFFER_ORIGIN + (buffer->begin - PP_BUFFER_ORIGIN) % 16;
    if (buffer->begin > origin && buffer->begin - origin >= pp_buffer_size(buffer)) {
        memmove(buffer->memory + origin, pp_buffer_front(buffer), pp_buffer_size(buffer));
        buffer->end -= buffer->begin - origin;
        buffer->begin = origin;
    }
}

bool pp_buffer_grow(struct pp_buffer *buffer, size_t room)
{
    if (buffer->memory != NULL && room <= pp_buffer_room_size(buffer)) {
        return true;
    }
    if (buffer->memory != NULL) {
        move_to_origin(buffer);
        if (room <= pp_buffer_room_size(buffer)) {
            return true;
        }
    }
    size_t end = buffer->memory == NULL ? PP_BUFFER_ORIGIN : buffer->end;
    if (end > SIZE_MAX / 4 || room > SIZE_MAX / 4 - end) {
        return false;
    }
    /* At least twice as much, so that growing costs no more than appending; and whole pieces. */
    size_t capacity = end + room > 2 * buffer->capacity ? end + room : 2 * buffer->capacity;
    capacity = (capacity + PIECE - 1) / PIECE * PIECE;
    unsigned char *memory = realloc(buffer->memory, capacity);
    if (memory == NULL) {
        return false;
    }
    if (buffer->memory == NULL) {
        buffer->begin = buffer->end = PP_BUFFER_ORIGIN;
    }
    buffer->memory = memory;
    buffer->capacity = capacity;
    return true;
}

void pp_buffer_consume(struct pp_buffer *buffer, size_t count)
{
    assert(count <= pp_buffer_size(buffer));
    buffer->begin += count;
    if (buffer->begin < buffer->end) {
        return;
    }
    if (buffer->capacity > PP_BUFFER_LARGE) {
        pp_buffer_free(buffer);
    } else if (buffer->memory != NULL) {
        buffer->begin = buffer->end = PP_BUFFER_ORIGIN;
    }
}

void pp_buffer_free(struct pp_buffer *buffer)
{
    free(buffer->memory);
    *buffer = (struct pp_buffer){0};
}

void pp_spares_free(struct pp_spares *spares)
{
    while (spares->first != NULL) {
        struct pp_spare *spare = spares->first;
        spares->first = spare->next;
        free(spare);
    }
    spares->bytes = 0;
}
