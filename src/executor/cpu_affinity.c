#ifdef __linux__
#define _GNU_SOURCE /* sched_getaffinity, CPU_ALLOC */
#endif

#include "cpu_affinity.h"

#ifdef __linux__
#include <errno.h>
#include <sched.h>
#include <stdbool.h>

/* The count in a mask with room for `capacity` CPUs. *too_small: the kernel's masks are larger than that. */
static size_t count_in_mask(size_t capacity, bool *too_small)
{
    *too_small = false;
    cpu_set_t *mask = CPU_ALLOC(capacity);
    if (mask == NULL) {
        return 0;
    }
    size_t size = CPU_ALLOC_SIZE(capacity);
    size_t count = 0;
    if (sched_getaffinity(0, size, mask) == 0) {
        count = (size_t)CPU_COUNT_S(size, mask);
    } else {
        *too_small = errno == EINVAL;
    }
    CPU_FREE(mask);
    return count;
}

size_t pp_cpu_affinity(void)
{
    enum { MOST_CPUS = 1 << 20 };
    bool too_small = true;
    size_t count = 0;
    for (size_t capacity = 1024; too_small && capacity <= MOST_CPUS; capacity *= 2) {
        count = count_in_mask(capacity, &too_small);
    }
    return count;
}

#else

size_t pp_cpu_affinity(void)
{
    return 0;
}

#endif
