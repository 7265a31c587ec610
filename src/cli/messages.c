#include "messages.h"

#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { GATHER = 32 * 1024 };

static struct pp_text pending;
static void (*clear_before)(void);

void pp_messages_before(void (*clear)(void))
{
    clear_before = clear;
}

void pp_messages_add(const char *format, ...)
{
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    pp_text_printf(&pending, "proc_pool: %s%s\n", size < 0 ? format : line,
                   size >= (int)sizeof line ? "..." : "");
    if (pending.size >= GATHER) {
        pp_messages_flush();
    }
}

void pp_messages_add_text(const struct pp_text *text)
{
    pp_text_append(&pending, text->bytes, text->size);
}

void pp_messages_flush(void)
{
    if (pending.size > 0) {
        if (clear_before != NULL) {
            clear_before();
        }
        (void)pp_output_all(STDERR_FILENO, pending.bytes, pending.size);
    }
    pp_text_free(&pending);
}
