#ifdef __linux__
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#endif

#include "support/tasks.h"

#include "executor/core.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int task_echo(const void *arg, size_t arg_size, pp_reply *reply)
{
    return pp_reply_append(reply, arg, arg_size);
}

int task_pid(const void *arg, size_t arg_size, pp_reply *reply)
{
    int pid = (int)getpid();
    (void)arg;
    (void)arg_size;
    return pp_reply_append(reply, &pid, sizeof pid);
}

int task_fail(const void *arg, size_t arg_size, pp_reply *reply)
{
    int code;
    memcpy(&code, arg, sizeof code);
    pp_reply_append(reply, (const char *)arg + sizeof code, arg_size - sizeof code);
    return code;
}

static void end_by(int signal_number)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(signal_number, SIG_DFL); /* a sanitizer may have caught it */
    raise(signal_number);
}

int task_die(const void *arg, size_t arg_size, pp_reply *reply)
{
    int death;
    memcpy(&death, arg, sizeof death);
    (void)arg_size;
    (void)reply;
    if (death_signal((enum death)death) != 0) {
        end_by(death_signal((enum death)death));
    }
    _exit(death_exit_status((enum death)death));
}

int death_signal(enum death death)
{
    static const int signals[] = {
        [DIE_SEGV] = SIGSEGV, [DIE_ABORT] = SIGABRT, [DIE_KILL] = SIGKILL, [DIE_TERM] = SIGTERM};
    return signals[death];
}

int death_exit_status(enum death death)
{
    return death == DIE_EXIT_0 ? 0 : death == DIE_EXIT_3 ? 3 : -1;
}

void gate_open(struct gate *gate)
{
    int here[2];
    int go[2];
    ck_assert_int_eq(pipe(here), 0);
    ck_assert_int_eq(pipe(go), 0);
    *gate = (struct gate){here[0], here[1], go[0], go[1]};
}

void gate_close(struct gate *gate)
{
    close(gate->here_from);
    close(gate->here_to);
    close(gate->go_from);
    close(gate->go_to);
}

void gate_let_through(const struct gate *gate, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(write(gate->go_to, "", 1), 1);
    }
}

void gate_await(const struct gate *gate, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char byte;
        ck_assert_int_eq(read(gate->here_from, &byte, 1), 1);
    }
}

int task_gate(const void *arg, size_t arg_size, pp_reply *reply)
{
    struct gate gate;
    char byte;
    if (arg_size == 0) {
        return 0;
    }
    memcpy(&gate, arg, sizeof gate);
    if (write(gate.here_to, "", 1) != 1 || read(gate.go_from, &byte, 1) != 1) {
        return -1;
    }
    return task_pid(NULL, 0, reply);
}

unsigned *shared_counters(size_t count)
{
    void *memory =
        mmap(NULL, (count + 1) * sizeof(unsigned), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

void shared_counters_free(unsigned *counters, size_t count)
{
    munmap(counters, (count + 1) * sizeof(unsigned));
}

int task_tally(const void *arg, size_t arg_size, pp_reply *reply)
{
    const struct tally *tally = arg;
    if (arg_size == 0) {
        return 0;
    }
    atomic_fetch_add((_Atomic unsigned *)&tally->counters[tally->index], 1);
    if (tally->death != DEATHS) {
        int death = (int)tally->death;
        task_die(&death, sizeof death, reply);
    }
    return pp_reply_append(reply, &tally->index, sizeof tally->index);
}

int task_spin(const void *arg, size_t arg_size, pp_reply *reply)
{
    (void)arg;
    (void)arg_size;
    (void)reply;
    for (volatile unsigned long i = 0;; i++) {
    }
}

pp_executor *open_executor_with(const struct pp_options *options)
{
    pp_executor *executor;
    ck_assert_int_eq(pp_executor_open(&executor, options), 0);
    return executor;
}

pp_executor *open_executor(size_t workers)
{
    return open_executor_with(&(struct pp_options){.workers = workers});
}

pp_future *submit(pp_executor *executor, pp_task *task, const void *arg, size_t arg_size)
{
    pp_future *future;
    ck_assert_int_eq(pp_executor_submit(executor, task, arg, arg_size, &future), 0);
    return future;
}

pp_future *submit_gate(pp_executor *executor, const struct gate *gate)
{
    return submit(executor, task_gate, gate, sizeof *gate);
}

pp_future *submit_death(pp_executor *executor, enum death death)
{
    int number = (int)death;
    return submit(executor, task_die, &number, sizeof number);
}

void make_cheap(pp_executor *executor, pp_task *task)
{
    for (int i = 0; i < 60; i++) {
        pp_future *future = submit(executor, task, "", 0);
        ck_assert_int_eq(pp_future_wait(future, -1), 0);
        pp_future_release(future);
    }
}

void keep_busy_first(pp_executor *executor)
{
    pp_future_release(submit(executor, task_gate, "", 0));
    executor->look_at = 0; /* no submit is that one: until the next step nobody is heard */
}

int int_result(pp_future *future)
{
    const void *bytes;
    size_t size;
    int result;
    ck_assert_int_eq(pp_future_result(future, -1, &bytes, &size), 0);
    ck_assert_uint_eq(size, sizeof result);
    memcpy(&result, bytes, sizeof result);
    return result;
}

void assert_died(pp_future *future, int signal_number, int exit_status)
{
    const struct pp_failure *failure = pp_future_failure(future);
    ck_assert_ptr_ne(failure, NULL);
    ck_assert_int_eq(failure->error, PP_E_CRASH);
    ck_assert_uint_ge(failure->attempts, 1);
    const struct pp_attempt *last = &failure->history[failure->attempts - 1];
    ck_assert_int_eq(last->signal, signal_number);
    ck_assert_int_eq(last->exit_status, exit_status);
    ck_assert_int_gt((int)last->pid, 0);
    ck_assert_int_eq(kill(last->pid, 0), -1);
    ck_assert_int_eq(errno, ESRCH); /* and it was reaped */
}

double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* It does not run any more: there is no such process, or init has not reaped it yet. */
static int is_gone(int pid)
{
    char path[64];
    char text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        size_t size = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[size] = '\0';
        const char *behind_name = strrchr(text, ')');
        return behind_name == NULL || behind_name[2] == 'Z' || behind_name[2] == 'X';
    }
    return kill(pid, 0) == -1 && errno == ESRCH;
}

long await_gone(int pid, long limit_ms)
{
    double start = now_ms();
    while (!is_gone(pid)) {
        if (now_ms() - start > (double)limit_ms) {
            return -1;
        }
        const struct timespec pause = {.tv_nsec = 100000};
        nanosleep(&pause, NULL);
    }
    return (long)(now_ms() - start + 0.999);
}
