/* _SC_NPROCESSORS_ONLN came into POSIX only in 2024. Linux shows it always; others hide what is not in the
 * POSIX that was asked for, unless none was. */
#ifndef __linux__
#undef _POSIX_C_SOURCE
#endif

#include "cgroup_quota.h"
#include "cpu_affinity.h"
#include "proc_pool/executor.h"

#include <unistd.h>

static size_t cpus_online(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (size_t)count : 0;
}

/* The lesser of two limits, where 0 is none. */
static size_t lesser(size_t one, size_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

size_t pp_cpu_count(void)
{
    size_t count = cpus_online();
    count = lesser(count, pp_cpu_affinity());
    count = lesser(count, pp_cgroup_quota("/proc/self"));
    return count > 0 ? count : 1;
}
