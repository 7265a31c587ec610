#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/* signals.h: ^C and its relatives. The first one is noted, so that the run can end in order; the second ends
 * the program at once. */

#include <signal.h>

/* Notes SIGINT, SIGTERM, SIGHUP and SIGPIPE from now on, except what was ignored when the program started.
 * They interrupt calls that block. */
void pp_signals_catch(void);

/* The signal that came first; 0: none yet. */
int pp_signals_caught(void);

/* Where that is kept, for those who look at it in a loop. */
const volatile sig_atomic_t *pp_signals_flag(void);

/* Ends the program by `signal`, so that whoever waits for it sees that. Returns only if the signal is
 * ignored. */
void pp_signals_die(int signal);

#endif
