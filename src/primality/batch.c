/* Many numbers: whatever order they come in, the tests see full groups of one size.
 *
 *     numbers --> screen --> queue for base 2, a size class each --> queue for Lucas, likewise --> verdicts
 *                   |                        |                               |
 *                 small, even,            composite;                     composite
 *                 small factor            below 2^32: settled by the list of pseudoprimes
 *
 * Of random numbers about one in eight is left after screening, and one in six of those after base 2: so each
 * stage works on what the last one left, closed up, and no lane of a vector is spent on a number whose fate
 * is known. A queue that has a group is tested at once; at the end, what remains is tested in groups filled
 * up with copies, or singly if it is little. */

#include "kernel.h"
#include "proc_pool/is_prime.h"
#include "tables.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    CAPACITY = 2 * GROUP + SCREENED,
    FEW = 4 /* so many numbers take less time one by one than a group does */
};

struct queue {
    size_t count;
    uint64_t n[CAPACITY];
    bool *verdict[CAPACITY]; /* where the answer for n goes */
};

struct pipeline {
    const struct kernel *kernel;
    struct queue base2[CLASSES], lucas[CLASSES];
};

static void push(struct queue *queue, uint64_t n, bool *verdict)
{
    assert(queue->count < CAPACITY);
    queue->n[queue->count] = n;
    queue->verdict[queue->count] = verdict;
    queue->count++;
}

/* Takes the last group out of the queue, or all if it holds less, and fills up with copies. Answers where it
 * begins; it stays readable until the next push. */
static size_t take_group(struct queue *queue, size_t *members)
{
    *members = queue->count < GROUP ? queue->count : GROUP;
    queue->count -= *members;
    for (size_t i = *members; i < GROUP; i++) {
        queue->n[queue->count + i] = queue->n[queue->count];
    }
    return queue->count;
}

static void run_lucas(struct pipeline *line, size_t class)
{
    struct queue *queue = &line->lucas[class];
    size_t members, first = take_group(queue, &members);
    uint64_t primes = line->kernel->classes[class].lucas(queue->n + first, members);
    for (size_t i = 0; i < members; i++) {
        *queue->verdict[first + i] = primes >> i & 1;
    }
}

static void run_base2(struct pipeline *line, size_t class)
{
    struct queue *queue = &line->base2[class], *next = &line->lucas[class];
    size_t members, first = take_group(queue, &members);
    uint64_t probable = line->kernel->classes[class].base2(queue->n + first, members);
    for (size_t i = 0; i < members; i++) {
        uint64_t n = queue->n[first + i];
        if (!(probable >> i & 1)) {
            continue;
        }
        if (n >> 32 == 0) {
            *queue->verdict[first + i] = !is_listed_pseudoprime(n);
        } else {
            push(next, n, queue->verdict[first + i]);
        }
    }
    if (next->count >= GROUP) {
        run_lucas(line, class);
    }
}

/* A vector takes as long for one number as for a group: a few are better tested one by one. */
static void test_singly(struct queue *queue)
{
    while (queue->count > 0) {
        queue->count--;
        *queue->verdict[queue->count] = pp_is_prime(queue->n[queue->count]);
    }
}

static void drain(struct pipeline *line, size_t class)
{
    if (line->base2[class].count > FEW) {
        run_base2(line, class);
    }
    if (line->lucas[class].count > FEW) {
        run_lucas(line, class);
    }
    test_singly(&line->base2[class]);
    test_singly(&line->lucas[class]);
}

static void sort_in(struct pipeline *line, uint64_t n, bool *verdict)
{
    size_t class = 0;
    while (n > line->kernel->classes[class].highest) {
        class ++;
    }
    push(&line->base2[class], n, verdict);
}

void pp_kernel_run(const struct kernel *kernel, const uint64_t *numbers, size_t count, bool *verdicts)
{
    struct pipeline line;
    line.kernel = kernel;
    for (size_t class = 0; class < CLASSES; class ++) {
        line.base2[class].count = line.lucas[class].count = 0;
    }
    while (count > 0) {
        uint8_t left[SCREENED];
        size_t taken = count < SCREENED ? count : SCREENED;
        size_t remain = kernel->screen(numbers, taken, verdicts, left);
        for (size_t i = 0; i < remain; i++) {
            sort_in(&line, numbers[left[i]], &verdicts[left[i]]);
        }
        for (size_t class = 0; class < CLASSES; class ++) {
            while (line.base2[class].count >= GROUP) {
                run_base2(&line, class);
            }
        }
        numbers += taken, verdicts += taken, count -= taken;
    }
    for (size_t class = 0; class < CLASSES; class ++) {
        drain(&line, class);
    }
}

/* --- which kernel */

/* The fastest first. */
static const struct kernel *const kernels[] = {
#ifdef PP_HAVE_X86_KERNELS
    &pp_kernel_avx512ifma, &pp_kernel_avx2,
#endif
    &pp_kernel_portable, NULL};

const struct kernel *pp_kernel_named(const char *name)
{
    for (const struct kernel *const *kernel = kernels; *kernel != NULL; kernel++) {
        if (strcmp((*kernel)->name, name) == 0) {
            return (*kernel)->is_supported() ? *kernel : NULL;
        }
    }
    return NULL;
}

static const struct kernel *choose(void)
{
    const char *wanted = getenv("PP_IS_PRIME_KERNEL");
    const struct kernel *named = wanted != NULL ? pp_kernel_named(wanted) : NULL;
    if (named != NULL) {
        return named;
    }
    for (const struct kernel *const *kernel = kernels; *kernel != NULL; kernel++) {
        if ((*kernel)->is_supported()) {
            return *kernel;
        }
    }
    return &pp_kernel_portable;
}

/* Chosen once. Threads that come here together choose the same, and the first to store it makes it stay. */
static const struct kernel *chosen_kernel(void)
{
    static _Atomic(const struct kernel *) chosen;
    const struct kernel *kernel = atomic_load_explicit(&chosen, memory_order_acquire);
    if (kernel == NULL) {
        const struct kernel *mine = choose();
        kernel = atomic_compare_exchange_strong(&chosen, &kernel, mine) ? mine : kernel;
    }
    return kernel;
}

void pp_is_prime_batch(const uint64_t *numbers, size_t count, bool *verdicts)
{
    pp_kernel_run(chosen_kernel(), numbers, count, verdicts);
}

const char *pp_is_prime_kernel(void)
{
    return chosen_kernel()->name;
}
