#ifndef CLI_TEXT_H
#define CLI_TEXT_H

/* text.h: bytes that grow at their end. What a worker formats and what the parent composes. */

#include <stddef.h>
#include <stdint.h>

/* {0} is an empty text. `failed` becomes true when memory ran out; then the text keeps what it had, every
 * further append is dropped, and whoever hands the text on looks at `failed` once. */
struct pp_text {
    char *bytes;
    size_t size;
    size_t capacity;
    int failed;
};

/* Frees the bytes; the text is empty afterwards. */
void pp_text_free(struct pp_text *text);

/* Room for `size` more bytes at the end, to be written in place: the caller adds what it used to text->size.
 * NULL when there is no memory. */
char *pp_text_reserve(struct pp_text *text, size_t size);

void pp_text_append(struct pp_text *text, const void *bytes, size_t size);

/* Appends as printf does. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void pp_text_printf(struct pp_text *text, const char *format, ...);

/* A word to be shown in a message: itself, or if it is very long its beginning and "...", in `room`. */
#define PP_TEXT_SHOWN_BYTES 204
const char *pp_text_shown(char room[PP_TEXT_SHOWN_BYTES], const char *word);

#endif
