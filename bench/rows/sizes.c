/* Arguments and results of several sizes, beside the memory speed of the pipe: bare pipes that carry as many
 * bytes as our frames have, headers included, to one child and back, and are as wide as ours may become. On
 * either side there are two processes. */

#include "row.h"

#include "frame.h"
#include "pipe_size.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What goes through a pipe at once; what the pool widens a pipe to that it found full (pool.c). */
enum { PIECE_BYTES = 64 * 1024, WIDE_BYTES = 512 * 1024 };

static int echo(const void *arg, size_t size, pp_reply *reply)
{
    return pp_reply_append(reply, arg, size);
}

static _Noreturn void run_echo(int from, int to)
{
    static char piece[PIECE_BYTES];
    ssize_t count;
    while ((count = read(from, piece, sizeof piece)) > 0 && write(to, piece, (size_t)count) == count) {
    }
    _exit(count == 0 ? 0 : 1);
}

/* Sends what there is room for and takes in what has come. */
static void pump(int to, int from, size_t total)
{
    static char piece[PIECE_BYTES];
    size_t sent = 0;
    size_t received = 0;
    while (received < total) {
        struct pollfd fds[2] = {{.fd = from, .events = POLLIN},
                                {.fd = sent < total ? to : -1, .events = POLLOUT}};
        must_errno(poll(fds, 2, -1), "poll");
        if (fds[0].revents != 0) {
            ssize_t count = read(from, piece, sizeof piece);
            must_errno(count, "read");
            if (count == 0) {
                die("the bare echo ended", -EPIPE);
            }
            received += (size_t)count;
        }
        if (fds[1].revents != 0) {
            size_t left = total - sent;
            ssize_t count = write(to, piece, left < sizeof piece ? left : sizeof piece);
            sent += count > 0 ? (size_t)count : 0;
        }
    }
}

/* Seconds for so many bytes to go to a child and come back. */
static double pipe_echo(size_t total)
{
    struct duct requests = open_duct();
    struct duct replies = open_duct();
    pp_pipe_widen(requests.to, WIDE_BYTES);
    pp_pipe_widen(replies.to, WIDE_BYTES);
    pid_t pid = fork();
    must_errno(pid, "fork");
    if (pid == 0) {
        close(requests.to);
        close(replies.from);
        run_echo(requests.from, replies.to);
    }
    close(requests.from);
    close(replies.to);
    must_errno(fcntl(requests.to, F_SETFL, O_NONBLOCK), "fcntl");
    double start = now_s();
    pump(requests.to, replies.from, total);
    double seconds = now_s() - start;
    close(requests.to);
    close(replies.from);
    must_errno(waitpid(pid, NULL, 0), "waitpid");
    return seconds;
}

struct echoes {
    const char *bytes;
    size_t size;
    size_t left;
};

static int give_bytes(void *context, struct pp_source_item *item)
{
    struct echoes *echoes = context;
    if (echoes->left == 0) {
        return PP_E_END;
    }
    echoes->left--;
    item->arg = echoes->bytes;
    item->arg_size = echoes->size;
    return 0;
}

static double echo_bytes(pp_executor *executor, const char *bytes, size_t size, size_t count)
{
    struct echoes echoes = {bytes, size, count};
    struct pp_map_item item;
    pp_map *map;
    int error;
    double start = now_s();
    must(pp_map_open(&map, executor, echo, give_bytes, &echoes, NULL), "map");
    while ((error = pp_map_next(map, &item, -1)) == 0) {
        if (item.error != 0 || item.result_size != size) {
            die("echo", item.error);
        }
    }
    pp_map_close(map);
    must(error == PP_E_END ? 0 : error, "map");
    return now_s() - start;
}

void row_sizes(void)
{
    enum { ROUNDS = 9 };
    static const struct {
        size_t size;
        size_t count;
        const char *name;
    } sizes[] = {{8, 400000, "echo of 8 B, map, one worker"},
                 {1024, 60000, "echo of 1 KiB, map, one worker"},
                 {65536, 1500, "echo of 64 KiB, map, one worker"},
                 {1048576, 100, "echo of 1 MiB, map, one worker"}};
    char *bytes = calloc(1, 1048576);
    if (bytes == NULL) {
        die("bytes", -ENOMEM);
    }
    pp_executor *executor = open_executor(1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pair pair = {.count = 0};
        echo_bytes(executor, bytes, sizes[i].size, sizes[i].count / 10);
        for (size_t j = 0; j < ROUNDS; j++) {
            double bare = pipe_echo(pp_frame_size(sizes[i].size) * sizes[i].count);
            add_round(&pair, echo_bytes(executor, bytes, sizes[i].size, sizes[i].count), bare);
        }
        report(sizes[i].name, &pair, 1e-3, "ms", "the frames' bytes by pipes, one child", 0);
    }
    close_executor(executor);
    free(bytes);
}
