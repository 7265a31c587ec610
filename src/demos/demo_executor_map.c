/* demo_executor_map.c: watch map at work. Five tasks on three workers: map gives results in the order of the
 * items, so a quick one waits for its turn, but never for longer than the slow one before it. */

#include <proc_pool/executor.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 3, TASKS = 5 };

/* A line with the time of day, indented by `tabs`. One write a line: the lines of several processes do not
 * mix, and none is left in a buffer when a worker ends. */
static void display(int tabs, const char *format, ...)
{
    char line[256];
    const time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    size_t size = strftime(line, sizeof line, "[%H:%M:%S] ", &local);
    while (tabs-- > 0) {
        line[size++] = '\t';
    }
    va_list arguments;
    va_start(arguments, format);
    const int text = vsnprintf(line + size, sizeof line - size - 1, format, arguments);
    va_end(arguments);
    size += text > 0 ? (size_t)text : 0;
    line[size++] = '\n';
    if (write(STDOUT_FILENO, line, size) < 0) {
        _exit(3);
    }
}

/* The task: runs in a worker. The argument is an int n; the result n * 10. */
static int loiter(const void *arg, size_t arg_size, pp_reply *reply)
{
    (void)arg_size;
    int n;
    memcpy(&n, arg, sizeof n);
    display(n, "loiter(%d): doing nothing for %ds...", n, n);
    sleep((unsigned)n);
    display(n, "loiter(%d): done.", n);
    const int result = n * 10;
    return pp_reply_append(reply, &result, sizeof result);
}

/* The source: 0, 1, 2, 3, 4. */
static int next_number(void *context, struct pp_source_item *item)
{
    static int given;
    int *next = context;
    if (*next == TASKS) {
        return PP_E_END;
    }
    given = (*next)++;
    *item = (struct pp_source_item){.arg = &given, .arg_size = sizeof given};
    return 0;
}

static int print_results(pp_map *map)
{
    struct pp_map_item item;
    int error;
    while ((error = pp_map_next(map, &item, -1)) == 0) {
        int result;
        if (item.error != 0) {
            return item.error;
        }
        memcpy(&result, item.result, sizeof result);
        display(0, "result %d: %d", (int)item.index, result);
    }
    return error == PP_E_END ? 0 : error;
}

int main(void)
{
    pp_executor *executor = NULL;
    pp_map *map = NULL;
    int next = 0;
    display(0, "Script starting.");
    int error = pp_executor_open(&executor, &(struct pp_options){.workers = WORKERS});
    if (error == 0) {
        error = pp_map_open(&map, executor, loiter, next_number, &next, NULL);
    }
    if (error == 0) {
        display(0, "results: <map object>");
        display(0, "Waiting for individual results:");
        error = print_results(map);
    }
    pp_map_close(map);
    (void)pp_executor_close(executor, PP_CLOSE_KILL, -1);
    if (error != 0) {
        fprintf(stderr, "demo_executor_map: %s\n", pp_strerror(error));
        return 3;
    }
    return 0;
}
