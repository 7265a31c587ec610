#ifndef CLI_RUN_H
#define CLI_RUN_H

/* run.h: one run of the program, from opened inputs to exit status. */

#include "input.h"
#include "options.h"

/* The exit statuses; the manual page says what each means. */
enum { PP_EXIT_OK = 0, PP_EXIT_BAD = 1, PP_EXIT_USAGE = 2, PP_EXIT_SYSTEM = 3 };

/* Runs the command over the inputs, and returns its exit status. *signal becomes the signal that it is to end
 * by, or 0. Format and method have been decided. */
int pp_run(const struct pp_command *command, const struct pp_inputs *inputs, int *signal);

#endif
