#ifndef EXECUTOR_PAYLOAD_H
#define EXECUTOR_PAYLOAD_H

/* An owned copy of some bytes, aligned for any type. Short ones need no memory of their own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PP_PAYLOAD_SHORT = 32 };

struct pp_payload {
    unsigned char *memory; /* NULL while the bytes are short */
    size_t size;
    _Alignas(max_align_t) unsigned char bytes[PP_PAYLOAD_SHORT];
};

static inline const void *pp_payload_bytes(const struct pp_payload *payload)
{
    return payload->memory != NULL ? payload->memory : payload->bytes;
}

/* Copies `size` bytes and a NUL behind them into an empty payload. False: no memory; then it is still empty.
 */
static inline bool pp_payload_set(struct pp_payload *payload, const void *bytes, size_t size)
{
    unsigned char *to = payload->bytes;
    if (size >= PP_PAYLOAD_SHORT) {
        to = payload->memory = malloc(size + 1);
        if (to == NULL) {
            return false;
        }
    }
    if (size > 0) {
        memcpy(to, bytes, size);
    }
    to[size] = '\0';
    payload->size = size;
    return true;
}

/* An empty payload takes over `size` bytes of memory that came from malloc. */
static inline void pp_payload_adopt(struct pp_payload *payload, unsigned char *memory, size_t size)
{
    payload->memory = memory;
    payload->size = size;
}

/* Frees the bytes; the payload is empty and not yet set. */
static inline void pp_payload_clear(struct pp_payload *payload)
{
    free(payload->memory);
    payload->memory = NULL;
    payload->size = 0;
}

#endif
