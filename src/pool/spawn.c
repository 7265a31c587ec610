#include "spawn.h"

#include "liveness.h"
#include "pipe_io.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* The pools of this process. The lock is held from the opening of a worker's pipes until the parent has
 * closed the child's ends: otherwise a child forked meanwhile by another thread, for another pool, would
 * inherit ends that nobody knows of yet. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pp_pool *pools;

/* SIGRTMAX: a call to libc. */
static int last_signal;

void pp_spawn_register(struct pp_pool *pool)
{
    pthread_mutex_lock(&lock);
    /* What only children call is called once here, or each of them would have to link it first. */
    struct sigaction unused;
    last_signal = SIGRTMAX;
    sigaction(SIGIO, NULL, &unused);
    pool->next_pool = pools;
    pools = pool;
    pthread_mutex_unlock(&lock);
}

void pp_spawn_unregister(struct pp_pool *pool)
{
    pthread_mutex_lock(&lock);
    for (struct pp_pool **link = &pools; *link != NULL; link = &(*link)->next_pool) {
        if (*link == pool) {
            *link = pool->next_pool;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

void pp_spawn_fd_close(int *fd)
{
    if (*fd != -1) {
        pthread_mutex_lock(&lock);
        pp_fd_close(fd);
        pthread_mutex_unlock(&lock);
    }
}

/* The three pipes of one worker. */
struct connection {
    struct pp_pipe request;
    struct pp_pipe reply;
    struct pp_pipe liveness;
};

static void disconnect(struct connection *connection)
{
    pp_pipe_close(&connection->request);
    pp_pipe_close(&connection->reply);
    pp_pipe_close(&connection->liveness);
}

/* 0 or -errno; then nothing is open. */
static int connect_pipes(struct connection *connection)
{
    static const struct pp_pipe closed = {-1, -1};
    *connection = (struct connection){closed, closed, closed};
    int error = pp_pipe_open(&connection->request);
    if (error == 0) {
        error = pp_pipe_open(&connection->reply);
    }
    if (error == 0) {
        error = pp_pipe_open(&connection->liveness);
    }
    if (error == 0) {
        error = pp_fd_set_nonblocking(connection->request.to);
    }
    if (error == 0) {
        error = pp_fd_set_nonblocking(connection->reply.from);
    }
    if (error != 0) {
        disconnect(connection);
    }
    return error;
}

/* ---- In the child ---- */

/* What makes this process a worker, if it is one. A task may open a pool of its own, and the workers of that
 * must let go of these too: their sibling is the worker that forked them. */
static struct {
    struct connection connection; /* only the worker's ends */
    struct pp_shared_pages page;
} own = {.connection = {{-1, -1}, {-1, -1}, {-1, -1}}};

/* Closes the parent's ends of all workers of all pools, unmaps the pages of the pools other than `mine`, and
 * forgets the pools: a task may open its own. */
static void leave_siblings(const struct pp_pool *mine)
{
    for (struct pp_pool *pool = pools; pool != NULL; pool = pool->next_pool) {
        for (size_t i = 0; i < pool->used; i++) {
            struct pp_slot slot = pool->slots[i]; /* a copy: what is written here becomes a page of our own */
            pp_fd_close(&slot.requests_to);
            pp_fd_close(&slot.requests_from);
            pp_fd_close(&slot.replies_from);
            pp_fd_close(&slot.liveness_to);
        }
        struct pp_timer timer = pool->timer;
        pp_timer_close(&timer);
        if (pool != mine) {
            pp_shared_pages_close(&pool->pages);
        }
    }
    pools = NULL;
    pthread_mutex_unlock(&lock);
    disconnect(&own.connection);
    pp_shared_pages_close(&own.page);
}

/* What the program caught gets its default action, as after exec: its handlers are not for this process. What
 * it ignored stays ignored, but for two: SIGIO may be how the parent's death arrives, and a task may want to wait
 * for children. ^C is the parent's business. */
static void reset_signals(void)
{
    const struct sigaction to_default = {.sa_handler = SIG_DFL};
    const struct sigaction to_ignore = {.sa_handler = SIG_IGN};
    /* All there are, also those that POSIX does not name: the call fails harmlessly where there is none. */
    for (int signal_number = 1; signal_number <= last_signal; signal_number++) {
        struct sigaction now;
        if (sigaction(signal_number, NULL, &now) == 0 && now.sa_handler != SIG_IGN &&
            now.sa_handler != SIG_DFL) {
            sigaction(signal_number, &to_default, NULL);
        }
    }
    sigaction(SIGIO, &to_default, NULL);
    sigaction(SIGCHLD, &to_default, NULL);
    sigaction(SIGINT, &to_ignore, NULL);
}

static _Noreturn void become_worker(struct pp_pool *pool, size_t slot, struct connection *connection)
{
    int (*initializer)(void *) = pool->initializer;
    pp_fd_close(&connection->request.to);
    pp_fd_close(&connection->reply.from);
    pp_fd_close(&connection->liveness.to);
    pp_shared_pages_keep_only(&pool->pages, slot);
    struct pp_worker worker = {
        .memory = pool->worker_memory,
        .requests_from = connection->request.from,
        .replies_to = connection->reply.to,
        .claim = pp_shared_page(&pool->pages, 0),
        .initializer = initializer,
        .initializer_context = pool->initializer_context,
    };
    leave_siblings(pool);
    own.connection = *connection;
    own.page = pool->pages;
    reset_signals();
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    pp_liveness_watch(connection->liveness.from);
    _exit((int)pp_worker_run(&worker));
}

/* ---- In the parent ---- */

/* Forks with all signals blocked, so that no handler of the program runs in the child before its signals are
 * reset. */
static pid_t fork_worker(struct pp_pool *pool, size_t slot, struct connection *connection)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(pool, slot, connection);
    }
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid == -1 ? (pid_t)-error : pid;
}

int pp_spawn(struct pp_pool *pool, size_t slot)
{
    struct connection connection;
    pthread_mutex_lock(&lock);
    int error = connect_pipes(&connection);
    if (error == 0) {
        pid_t pid = fork_worker(pool, slot, &connection);
        if (pid < 0) {
            error = (int)pid;
            disconnect(&connection);
        } else {
            struct pp_slot *s = &pool->slots[slot];
            pp_fd_close(&connection.reply.to);
            pp_fd_close(&connection.liveness.from);
            s->pid = pid;
            s->requests_to = connection.request.to;
            s->requests_from = connection.request.from;
            s->replies_from = connection.reply.from;
            s->liveness_to = connection.liveness.to;
        }
    }
    pthread_mutex_unlock(&lock);
    return error;
}
