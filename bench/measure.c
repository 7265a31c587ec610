/* measure COMMAND...: runs it with its standard output thrown away, and prints its wall time and the CPU time
 * (user and system) of it and of all children that it waited for, in seconds: "0.563127 1.101480". Fails if
 * the command does. measure --cpus: prints how many CPUs this process may use. The scripts beside this file
 * build on it. */

#include "proc_pool/executor.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double timeval_s(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

_Noreturn static void run(char *command[])
{
    int null = open("/dev/null", O_WRONLY);
    if (null == -1 || dup2(null, STDOUT_FILENO) == -1) {
        perror("measure: /dev/null");
        _exit(127);
    }
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
}

int main(int argc, char *argv[])
{
    if (argc < 2) {
        fprintf(stderr, "usage: measure COMMAND... | measure --cpus\n");
        return 2;
    }
    if (strcmp(argv[1], "--cpus") == 0) {
        printf("%zu\n", pp_cpu_count());
        return EXIT_SUCCESS;
    }
    double start_s = now_s();
    pid_t child = fork();
    if (child == 0) {
        run(argv + 1);
    }
    int status;
    if (child == -1 || waitpid(child, &status, 0) != child) {
        perror("measure");
        return EXIT_FAILURE;
    }
    double wall_s = now_s() - start_s;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "measure: %s failed\n", argv[1]);
        return EXIT_FAILURE;
    }
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    printf("%.6f %.6f\n", wall_s, timeval_s(usage.ru_utime) + timeval_s(usage.ru_stime));
    return EXIT_SUCCESS;
}
