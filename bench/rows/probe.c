/* The bare probe: frames of 24 bytes through the pipes of two workers, as many at a time as there is room
 * for, and nothing else: no futures, no order, no failures. What is left of a tiny task when all that an
 * executor is for has been taken away. */

#include "row.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct frame {
    uint64_t task;
    uint64_t order;
    uint64_t number;
};

struct probe_worker {
    pid_t pid;
    int to;
    int from;
    size_t sent;
    size_t end; /* of its part of the numbers */
    struct frame out[2048];
    size_t out_begin; /* in bytes */
    size_t out_end;
};

static _Noreturn void run_probe_worker(int from, int to)
{
    static struct frame frames[65536 / sizeof(struct frame)];
    ssize_t count;
    size_t have = 0;
    while ((count = read(from, (char *)frames + have, sizeof frames - have)) > 0) {
        have += (size_t)count;
        size_t whole = have / sizeof(struct frame);
        for (size_t i = 0; i < whole; i++) {
            frames[i].number++;
        }
        size_t size = whole * sizeof(struct frame);
        for (size_t done = 0; done < size;) {
            ssize_t written = write(to, (char *)frames + done, size - done);
            if (written <= 0) {
                _exit(1);
            }
            done += (size_t)written;
        }
        memmove(frames, (char *)frames + size, have - size);
        have -= size;
    }
    _exit(0);
}

static void feed_probe(struct probe_worker *worker)
{
    if (worker->out_begin == worker->out_end) {
        worker->out_begin = worker->out_end = 0;
        size_t frames = sizeof worker->out / sizeof worker->out[0];
        size_t i = 0;
        for (; i < frames && worker->sent < worker->end; i++, worker->sent++) {
            worker->out[i] = (struct frame){.order = worker->sent, .number = worker->sent};
        }
        worker->out_end = i * sizeof worker->out[0];
    }
    if (worker->out_begin < worker->out_end) {
        ssize_t count =
            write(worker->to, (char *)worker->out + worker->out_begin, worker->out_end - worker->out_begin);
        if (count > 0) {
            worker->out_begin += (size_t)count;
        }
    }
}

double bare_probe(size_t count)
{
    enum { WORKERS = 2 };
    static struct probe_worker workers[WORKERS];
    static struct frame frames[65536 / sizeof(struct frame)];
    struct pollfd fds[2 * WORKERS];
    size_t answered = 0;
    size_t have[WORKERS] = {0};
    for (size_t i = 0; i < WORKERS; i++) {
        struct duct requests = open_duct();
        struct duct replies = open_duct();
        workers[i] = (struct probe_worker){.to = requests.to,
                                           .from = replies.from,
                                           .sent = i * count / WORKERS,
                                           .end = (i + 1) * count / WORKERS};
        workers[i].pid = fork();
        must_errno(workers[i].pid, "fork");
        if (workers[i].pid == 0) {
            for (size_t j = 0; j <= i; j++) {
                close(workers[j].to);
                close(workers[j].from);
            }
            run_probe_worker(requests.from, replies.to);
        }
        close(requests.from);
        close(replies.to);
        fcntl(workers[i].to, F_SETFL, O_NONBLOCK);
    }
    double start = now_s();
    while (answered < count) {
        for (size_t i = 0; i < WORKERS; i++) {
            feed_probe(&workers[i]);
            bool more = workers[i].out_begin < workers[i].out_end || workers[i].sent < workers[i].end;
            fds[2 * i] = (struct pollfd){.fd = workers[i].from, .events = POLLIN};
            fds[2 * i + 1] = (struct pollfd){.fd = more ? workers[i].to : -1, .events = POLLOUT};
        }
        must_errno(poll(fds, 2 * WORKERS, -1), "poll");
        for (size_t i = 0; i < WORKERS; i++) {
            if (fds[2 * i].revents != 0) {
                ssize_t got = read(workers[i].from, frames, sizeof frames);
                must_errno(got, "read");
                have[i] += (size_t)got;
                answered += have[i] / sizeof(struct frame);
                have[i] %= sizeof(struct frame);
            }
        }
    }
    double seconds = now_s() - start;
    for (size_t i = 0; i < WORKERS; i++) {
        close(workers[i].to);
        close(workers[i].from);
        waitpid(workers[i].pid, NULL, 0);
    }
    return seconds / (double)count;
}
