#ifndef CLI_MESSAGES_H
#define CLI_MESSAGES_H

/* messages.h: diagnostics, on standard error and nowhere else, each a line that begins with "proc_pool: ".
 * They are gathered and written together, between two pictures of the progress bar. */

#include "text.h"

/* Called before something is written to standard error: takes the progress bar away. */
void pp_messages_before(void (*clear)(void));

/* Adds a message. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void pp_messages_add(const char *format, ...);

/* Adds text that is no message of its own: a table. */
void pp_messages_add_text(const struct pp_text *text);

/* Writes what was added. What standard error does not take is lost: there is nobody left to tell. */
void pp_messages_flush(void);

#endif
