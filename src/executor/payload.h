#ifndef EXECUTOR_PAYLOAD_H
#define EXECUTOR_PAYLOAD_H

/* An owned copy of some bytes, aligned for any type. Short ones need no memory of their own, and what others got
 * serves the next ones, if it is not much. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PP_PAYLOAD_SHORT = 32, PP_PAYLOAD_KEPT = 256 };

/* Empty and without memory: {0}, but for the bytes. */
struct pp_payload {
    unsigned char *memory; /* NULL: the bytes are short, and here */
    uint32_t size;         /* at most PP_MAX_BYTES */
    uint32_t capacity;     /* of the memory */
    _Alignas(max_align_t) unsigned char bytes[PP_PAYLOAD_SHORT];
};

static inline const void *pp_payload_bytes(const struct pp_payload *payload)
{
    return payload->memory != NULL ? payload->memory : payload->bytes;
}

/* Frees the bytes, and all memory; the payload is empty and not yet set. */
static inline void pp_payload_free(struct pp_payload *payload)
{
    free(payload->memory);
    payload->memory = NULL;
    payload->size = payload->capacity = 0;
}

/* Drops the bytes; the payload is empty and not yet set. Whether it keeps memory, which is to be freed some day. */
static inline bool pp_payload_clear(struct pp_payload *payload)
{
    payload->size = 0;
    if (payload->capacity > PP_PAYLOAD_KEPT) {
        pp_payload_free(payload);
    }
    return payload->memory != NULL;
}

/* An empty payload takes over `size` bytes of memory that came from malloc. */
static inline void pp_payload_adopt(struct pp_payload *payload, unsigned char *memory, size_t size)
{
    free(payload->memory);
    payload->memory = memory;
    payload->size = payload->capacity = (uint32_t)size;
}

/* Copies `size` bytes, at most PP_MAX_BYTES, and a NUL behind them into an empty payload. False: no memory; then
 * it is still empty. */
static inline bool pp_payload_set(struct pp_payload *payload, const void *bytes, size_t size)
{
    if (size >= PP_PAYLOAD_SHORT && size >= payload->capacity) {
        size_t capacity = (size + PP_PAYLOAD_SHORT) / PP_PAYLOAD_SHORT * PP_PAYLOAD_SHORT;
        unsigned char *memory = malloc(capacity);
        if (memory == NULL) {
            return false;
        }
        pp_payload_adopt(payload, memory, capacity);
    }
    unsigned char *to = payload->memory != NULL ? payload->memory : payload->bytes;
    if (size > 0) {
        memcpy(to, bytes, size);
    }
    to[size] = '\0';
    payload->size = (uint32_t)size;
    return true;
}

#endif
