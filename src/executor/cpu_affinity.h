#ifndef EXECUTOR_CPU_AFFINITY_H
#define EXECUTOR_CPU_AFFINITY_H

#include <stddef.h>

/* How many CPUs the scheduler may put this thread on (sched_setaffinity, taskset, a cpuset cgroup). 0:
 * unknown, as it is everywhere but on Linux. */
size_t pp_cpu_affinity(void);

#endif
