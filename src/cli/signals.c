#include "signals.h"

#include <stddef.h>

static volatile sig_atomic_t caught;

static void on_signal(int signal_number)
{
    if (caught != 0 && signal_number != SIGPIPE) {
        /* Asked twice: the default action is pending behind this handler and comes when it returns. */
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    if (caught == 0) {
        caught = signal_number;
    }
}

void pp_signals_catch(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old;
        struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: blocking calls are to return */
        sigemptyset(&action.sa_mask);
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
}

int pp_signals_caught(void)
{
    return (int)caught;
}

const volatile sig_atomic_t *pp_signals_flag(void)
{
    return &caught;
}

void pp_signals_die(int signal_number)
{
    struct sigaction old;
    if (sigaction(signal_number, NULL, &old) == 0 && old.sa_handler == SIG_IGN) {
        return;
    }
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal_number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}
