#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pp_text_free(struct pp_text *text)
{
    free(text->bytes);
    *text = (struct pp_text){0};
}

char *pp_text_reserve(struct pp_text *text, size_t size)
{
    if (text->failed) {
        return NULL;
    }
    if (text->capacity - text->size < size) {
        size_t capacity = text->capacity * 2 > text->size + size ? text->capacity * 2 : text->size + size;
        char *bytes = realloc(text->bytes, capacity);
        if (bytes == NULL) {
            text->failed = 1;
            return NULL;
        }
        text->bytes = bytes;
        text->capacity = capacity;
    }
    return text->bytes + text->size;
}

void pp_text_append(struct pp_text *text, const void *bytes, size_t size)
{
    char *room = pp_text_reserve(text, size);
    if (room != NULL && size > 0) {
        memcpy(room, bytes, size);
        text->size += size;
    }
}

void pp_text_printf(struct pp_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *room = size < 0 ? NULL : pp_text_reserve(text, (size_t)size + 1);
    if (room == NULL) {
        text->failed = 1;
        return;
    }
    va_start(arguments, format);
    vsnprintf(room, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->size += (size_t)size;
}

const char *pp_text_shown(char room[PP_TEXT_SHOWN_BYTES], const char *word)
{
    static const char dots[] = "...";
    size_t size = PP_TEXT_SHOWN_BYTES - sizeof dots;
    if (strlen(word) < PP_TEXT_SHOWN_BYTES) {
        return word;
    }
    while (size > 0 && ((unsigned char)word[size] & 0xC0u) == 0x80u) { /* not in the middle of a letter */
        size--;
    }
    memcpy(room, word, size);
    memcpy(room + size, dots, sizeof dots);
    return room;
}
