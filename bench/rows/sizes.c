/* Arguments and results of several sizes, beside the memory speed of the pipe. */

#include "row.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int echo(const void *arg, size_t size, pp_reply *reply)
{
    return pp_reply_append(reply, arg, size);
}

/* Seconds to send so many bytes through a pipe to a process and back again, in pieces of at most 64 KiB. */
static double pipe_echo(size_t total)
{
    static char block[65536];
    struct duct requests = open_duct();
    struct duct replies = open_duct();
    pid_t pid = fork();
    must_errno(pid, "fork");
    if (pid == 0) {
        ssize_t count;
        close(requests.to);
        close(replies.from);
        while ((count = read(requests.from, block, sizeof block)) > 0 &&
               write(replies.to, block, (size_t)count) == count) {
        }
        _exit(0);
    }
    close(requests.from);
    close(replies.to);
    fcntl(requests.to, F_SETFL, O_NONBLOCK);
    double start = now_s();
    size_t sent = 0;
    size_t received = 0;
    while (received < total) {
        struct pollfd fds[2] = {{.fd = replies.from, .events = POLLIN},
                                {.fd = sent < total ? requests.to : -1, .events = POLLOUT}};
        must_errno(poll(fds, 2, -1), "poll");
        if (fds[0].revents != 0) {
            ssize_t count = read(replies.from, block, sizeof block);
            must_errno(count, "read");
            received += (size_t)count;
        }
        if (fds[1].revents != 0) {
            size_t left = total - sent;
            ssize_t count = write(requests.to, block, left < sizeof block ? left : sizeof block);
            sent += count > 0 ? (size_t)count : 0;
        }
    }
    double seconds = now_s() - start;
    close(requests.to);
    close(replies.from);
    waitpid(pid, NULL, 0);
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
    return error == PP_E_END ? now_s() - start : 0;
}

void row_sizes(void)
{
    enum { ROUNDS = 9 };
    static const struct {
        size_t size;
        size_t count;
        const char *name;
    } sizes[] = {{8, 400000, "echo of 8 B, map"},
                 {1024, 60000, "echo of 1 KiB, map"},
                 {65536, 1500, "echo of 64 KiB, map"},
                 {1048576, 100, "echo of 1 MiB, map"}};
    char *bytes = calloc(1, 1048576);
    if (bytes == NULL) {
        die("bytes", -ENOMEM);
    }
    pp_executor *executor = open_executor(1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pair pair = {.count = 0};
        echo_bytes(executor, bytes, sizes[i].size, sizes[i].count / 10);
        for (size_t j = 0; j < ROUNDS; j++) {
            double bare = pipe_echo(sizes[i].size * sizes[i].count);
            add_round(&pair, echo_bytes(executor, bytes, sizes[i].size, sizes[i].count), bare);
        }
        report(sizes[i].name, &pair, 1e-3, "ms", "as many bytes by bare pipes", 0);
    }
    close_executor(executor);
    free(bytes);
}
