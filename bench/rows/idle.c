/* Nothing wakes up while there is nothing to do: the system calls of a parent and two workers that idle, as
 * strace sees them.
 *
 *     row_idle                         this program, traced, as `executor --idle`
 *     start_traced ------------------> idle: has both workers run a task, then lets them settle
 *     reads a line <------------------ writes "idle begins" and waits within pp_map_next for its input
 *     sleeps, then closes the input -> writes "idle ends" as soon as its source is asked again
 *     look_through the trace
 *
 * So the poll that waits is the library's own, and its time limit too. Between the two lines there must be
 * this one poll of the parent, without a limit, and nothing else of anybody. */

#include "row.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { IDLE_SECONDS = 10, WORKERS = 2, MOST_SHOWN = 10, NOT_FOUND = 127 };

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- The process that is traced ---- */

static int doze(const void *arg, size_t size, pp_reply *reply)
{
    (void)arg, (void)size, (void)reply;
    sleep_ms(100);
    return 0;
}

/* So that strace shows it. */
static void say(const char *line)
{
    must_errno(write(STDOUT_FILENO, line, strlen(line)), "write");
}

struct quiet_source {
    pp_executor *executor;
    bool was_asked;
};

/* Has nothing until standard input can be read, and then nothing more. */
static int give_nothing(void *context, struct pp_source_item *item)
{
    struct quiet_source *source = context;
    if (source->was_asked) {
        say("idle ends\n");
        return PP_E_END;
    }
    source->was_asked = true;
    item->wait_fd = STDIN_FILENO;
    bool has_deadline = pp_executor_next_deadline(source->executor) != -1;
    say(has_deadline ? "idle begins, a deadline\n" : "idle begins, no deadline\n");
    return PP_E_AGAIN;
}

void idle(void)
{
    pp_future *futures[WORKERS];
    struct pp_statistics statistics;
    struct pp_map_item item;
    pp_map *map;
    pp_executor *executor = open_executor(WORKERS);
    for (size_t i = 0; i < WORKERS; i++) {
        must(pp_executor_submit(executor, doze, NULL, 0, &futures[i]), "submit");
    }
    must(pp_wait(futures, WORKERS, PP_UNTIL_ALL_DONE, -1, NULL), "wait");
    pp_executor_statistics(executor, &statistics);
    if (statistics.workers != WORKERS) {
        die("workers did not start", PP_E_NO_WORKERS);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        pp_future_release(futures[i]);
    }
    must(pp_executor_step(executor, 0), "step");
    sleep_ms(200); /* the workers settle */
    struct quiet_source source = {.executor = executor};
    must(pp_map_open(&map, executor, increment, give_nothing, &source, NULL), "map");
    if (pp_map_next(map, &item, -1) != PP_E_END) {
        die("the map did not end", PP_E_STATE);
    }
    pp_map_close(map);
    close_executor(executor);
}

/* ---- The process that looks on ---- */

static pid_t start_traced(int input, int output, int trace)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    pid_t pid = fork();
    must_errno(pid, "fork");
    if (pid == 0) {
        if (length > 0 && dup2(input, STDIN_FILENO) != -1 && dup2(output, STDOUT_FILENO) != -1 &&
            dup2(trace, STDERR_FILENO) != -1) {
            self[length] = '\0';
            execlp("strace", "strace", "-f", self, "--idle", (char *)NULL);
        }
        _exit(NOT_FOUND);
    }
    return pid;
}

/* What was seen between the two lines. */
struct idling {
    bool began;
    bool ended;
    bool has_deadline;
    int waits; /* of the parent: polls without a limit that were begun */
    int others;
};

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* A poll that only a descriptor can end; some systems have ppoll only. */
static bool is_endless_poll(const char *call)
{
    return (begins_with(call, "poll(") && strstr(call, "], ") != NULL && strstr(call, ", -1") != NULL) ||
           (begins_with(call, "ppoll(") && strstr(call, ", NULL, NULL") != NULL);
}

static bool is_end_of_poll(const char *call)
{
    return begins_with(call, "<... poll resumed>") || begins_with(call, "<... ppoll resumed>");
}

/* Each line begins with the process, "[pid 17] "; whoever writes that idling begins is the parent. Prints the
 * first of what should not be there. */
static struct idling look_through(FILE *trace)
{
    struct idling seen = {.began = false};
    char parent[64] = "";
    char line[1024];
    rewind(trace);
    while (!seen.ended && fgets(line, sizeof line, trace) != NULL) {
        const char *mark = strstr(line, "write(1, \"idle ");
        if (!seen.began) {
            if (mark != NULL && (size_t)(mark - line) < sizeof parent) {
                memcpy(parent, line, (size_t)(mark - line));
                seen.began = true;
                seen.has_deadline = strstr(mark, "no deadline") == NULL;
            }
            continue;
        }
        bool is_parent = begins_with(line, parent);
        const char *call = line + strlen(parent);
        if (mark != NULL) {
            seen.ended = true;
        } else if (is_parent && is_endless_poll(call)) {
            seen.waits++;
        } else if (!is_parent || !is_end_of_poll(call)) {
            if (seen.others++ < MOST_SHOWN) {
                printf("  %s", line);
            }
        }
    }
    return seen;
}

static void report_idling(FILE *trace)
{
    struct idling seen = look_through(trace);
    if (!seen.ended) {
        char line[256] = "no word of it\n";
        rewind(trace);
        if (fgets(line, sizeof line, trace) == NULL || strchr(line, '\n') == NULL) {
            strcat(line, "\n");
        }
        printf("idle: not measured, for the trace is not whole; it begins with: %s", line);
        return;
    }
    bool reached = seen.waits == 1 && seen.others == 0 && !seen.has_deadline;
    printf(
        "idle for %d s: endless polls of the parent: %d of 1; %s; other system calls of it and %d workers: "
        "%d: %s\n",
        IDLE_SECONDS, seen.waits, seen.has_deadline ? "a deadline" : "no deadline", WORKERS, seen.others,
        verdict(reached));
}

void row_idle(void)
{
    struct duct input = open_duct();
    struct duct output = open_duct();
    FILE *trace = tmpfile();
    if (trace == NULL) {
        die("tmpfile", -errno);
    }
    fflush(stdout);
    pid_t pid = start_traced(input.from, output.to, fileno(trace));
    close(input.from);
    close(output.to);
    char byte;
    if (read(output.from, &byte, 1) == 1) {
        sleep_ms(IDLE_SECONDS * 1000);
    }
    close(input.to);
    int status;
    must_errno(waitpid(pid, &status, 0), "waitpid");
    close(output.from);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
        printf("skip idling: strace is not installed\n");
    } else {
        report_idling(trace);
    }
    fclose(trace);
}
