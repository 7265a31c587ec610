/* What the processes of an executor do while there is nothing to do. */

#include "row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDLE_SECONDS = 10 };

/* What row_idle runs under strace: idles between two writes to a descriptor that is not there. */
void idle(void)
{
    struct pollfd fds[16];
    pp_executor *executor = open_executor(2);
    round_trip(executor, 100);
    int timeout = pp_executor_next_deadline(executor);
    size_t count = pp_executor_pollfds(executor, fds, 16);
    if (write(-1, "idle begins", 11) == -1 && timeout == -1) {
        poll(fds, (nfds_t)count, IDLE_SECONDS * 1000);
    }
    if (write(-1, "idle ends", 9) == -1) {
        close_executor(executor);
    }
}

/* Counts the system calls of all processes between the two marks; the poll that waits is one. */
void row_idle(void)
{
    char command[8192];
    char self[4096] = "";
    must_errno(readlink("/proc/self/exe", self, sizeof self - 1), "readlink");
    // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c)
    if (system("command -v strace >/dev/null 2>&1") != 0) {
        printf("skip idling: strace is not installed\n");
        return;
    }
    snprintf(
        command, sizeof command,
        "strace -f %s --idle 2>&1 | awk '/idle begins/ { on = 1; next } /idle ends/ { on = 0 } on { print }'",
        self);
    fflush(stdout);
    FILE *output = popen(command, "r"); // NOLINT(bugprone-command-processor,cert-env33-c)
    if (output == NULL) {
        die(command, -errno);
    }
    char line[512];
    int calls = 0;
    while (fgets(line, sizeof line, output) != NULL) {
        bool waits = strstr(line, "poll(") != NULL || strstr(line, "poll resumed") != NULL;
        calls += !waits;
        if (!waits) {
            printf("  %s", line);
        }
    }
    bool reached = pclose(output) == 0 && calls == 0;
    printf("system calls of parent and 2 workers in %d s of idling, besides the poll that waits: %d: %s\n",
           IDLE_SECONDS, calls, verdict(reached));
}
