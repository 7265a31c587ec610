#ifndef EXECUTOR_CGROUP_QUOTA_H
#define EXECUTOR_CGROUP_QUOTA_H

#include <stddef.h>

/* How many CPUs' worth of time the cgroups of a process grant it, rounded up: the least over its own cgroup
 * and all above it that can be seen, in both versions of cgroups. `process` is its folder in /proc. 0: no
 * limit, or none known, as it is everywhere but on Linux. Whatever cannot be read or understood limits
 * nothing. */
size_t pp_cgroup_quota(const char *process);

#endif
