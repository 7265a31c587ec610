#ifndef PRIMALITY_KERNEL_H
#define PRIMALITY_KERNEL_H

/* What batch.c asks of the code for one kind of processor, and the kernels there are. A kernel tests numbers
 * in groups of a fixed size, many in flight at once; batch.c fills the groups and knows where each number
 * came from. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SCREENED = 128, /* most numbers that screen() takes at a time */
    GROUP = 64,     /* numbers in a group: one bit each in a mask */
    CLASSES = 3     /* most size classes of a kernel */
};

/* Arithmetic for odd numbers of one size. In a mask, bit i speaks of n[i]. Only the first `count` of a group
 * count, but all are numbers of the class, and any of them may be tested. */
struct size_class {
    uint64_t highest; /* largest number of the class, the smallest being above the class before */

    /* Which numbers are probable primes to base 2, in the sense of base2.h. They are above 2^16. */
    uint64_t (*base2)(const uint64_t n[GROUP], size_t count);

    /* Which numbers are extra strong Lucas probable primes, as lucas.h defines them. They are above 2^32, and
     * probable primes to base 2 without prime factors up to 61. */
    uint64_t (*lucas)(const uint64_t n[GROUP], size_t count);
};

struct kernel {
    const char *name;

    /* Whether this processor has all that the kernel uses. */
    bool (*is_supported)(void);

    /* Settles what is easily settled: sets verdicts[i], i < count <= SCREENED, right for n[i] < 2^16 and to
     * false for all others; puts into left[] the positions, in ascending order, of those that remain to be
     * tested: odd, above 2^16, without prime factors up to 61 (at least). Answers how many there are. */
    size_t (*screen)(const uint64_t *n, size_t count, bool *verdicts, uint8_t left[SCREENED]);

    /* In ascending order of size; the last one's highest is UINT64_MAX. */
    struct size_class classes[CLASSES];
};

extern const struct kernel pp_kernel_portable;
#if defined(__x86_64__) && defined(__GNUC__)
#define PP_HAVE_X86_KERNELS
extern const struct kernel pp_kernel_avx2;
extern const struct kernel pp_kernel_avx512ifma;
#endif

/* The kernel of that name, if this build and this processor have it, or NULL. */
const struct kernel *pp_kernel_named(const char *name);

/* pp_is_prime_batch with a kernel that the processor supports. */
void pp_kernel_run(const struct kernel *kernel, const uint64_t *numbers, size_t count, bool *verdicts);

/* What other kernels borrow from the portable one. */
size_t pp_portable_screen(const uint64_t *n, size_t count, bool *verdicts, uint8_t left[SCREENED]);
uint64_t pp_portable_base2(const uint64_t n[GROUP], size_t count);
uint64_t pp_portable_lucas(const uint64_t n[GROUP], size_t count);

#endif
