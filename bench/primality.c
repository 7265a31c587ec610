/* How long a number takes: one at a time and in batches with every kernel that this processor has, beside
 * FLINT's n_is_prime and PARI's uisprime (one call a number) where they are installed.
 *
 * All contenders take turns with the same few thousand numbers, many times over, and what is compared is the
 * ratio within each turn, of which the median is shown: so whatever else the machine is doing hits all alike. */

#include "primality/kernel.h"
#include "proc_pool/is_prime.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef HAVE_flint
#include <flint/flint.h>
#include <flint/ulong_extras.h>
#endif
#ifdef HAVE_pari
#include <pari/pari.h>
#endif

enum { NUMBERS = 1 << 15, SLICE = 1 << 12, TURNS = 15, MOST_CONTENDERS = 8 };

struct contender {
    const char *name;
    const struct kernel *kernel;  /* for batches */
    bool (*is_prime)(uint64_t n); /* for one at a time, if kernel is NULL */
};

static struct contender contenders[MOST_CONTENDERS];
static int contender_count;

#ifdef HAVE_flint
static bool flint_is_prime(uint64_t n)
{
    return n_is_prime(n);
}
#endif

#ifdef HAVE_pari
static bool pari_is_prime(uint64_t n)
{
    return uisprime(n);
}
#endif

static void enter(const char *name, const struct kernel *kernel, bool (*is_prime)(uint64_t))
{
    contenders[contender_count++] = (struct contender){name, kernel, is_prime};
}

/* The first is what the others are compared with. */
static void enter_all(void)
{
#ifdef HAVE_flint
    enter("FLINT", NULL, flint_is_prime);
#endif
    enter("one", NULL, pp_is_prime);
#ifdef HAVE_pari
    pari_init(1 << 23, 0);
    enter("PARI", NULL, pari_is_prime);
#endif
    static const char *const kernels[] = {"avx512ifma", "avx2", "portable"};
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        if (pp_kernel_named(kernels[i]) != NULL) {
            enter(kernels[i], pp_kernel_named(kernels[i]), NULL);
        }
    }
}

static uint64_t random_state = 1;

static uint64_t next_random(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t random_of(int bits)
{
    uint64_t top = UINT64_C(1) << (bits - 1);
    return top | (next_random() & (top - 1));
}

static uint64_t prime_of(int bits)
{
    uint64_t n;
    do {
        n = random_of(bits) | 1;
    } while (!pp_is_prime(n));
    return n;
}

static uint64_t any(int bits)
{
    (void)bits;
    return next_random();
}

static uint64_t any_odd(int bits)
{
    return any(bits) | 1;
}

static uint64_t semiprime_of(int bits)
{
    return prime_of(bits / 2) * prime_of(bits - bits / 2);
}

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time); /* what other programs take does not count */
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Nanoseconds a number. */
static double run(const struct contender *contender, const uint64_t *numbers, bool *verdicts)
{
    double begin = now_ns();
    if (contender->kernel != NULL) {
        pp_kernel_run(contender->kernel, numbers, SLICE, verdicts);
    } else {
        for (size_t i = 0; i < SLICE; i++) {
            verdicts[i] = contender->is_prime(numbers[i]);
        }
    }
    return (now_ns() - begin) / SLICE;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double times[TURNS])
{
    qsort(times, TURNS, sizeof times[0], ascending);
    return times[TURNS / 2];
}

static void measure(const char *what, uint64_t (*make)(int), int bits)
{
    static uint64_t numbers[NUMBERS];
    static double ns[MOST_CONTENDERS][TURNS], ratios[MOST_CONTENDERS][TURNS];
    static bool verdicts[MOST_CONTENDERS][SLICE];
    for (size_t i = 0; i < NUMBERS; i++) {
        numbers[i] = make(bits);
    }
    for (size_t turn = 0; turn < TURNS; turn++) {
        const uint64_t *slice = numbers + turn * SLICE % NUMBERS;
        for (int c = 0; c < contender_count; c++) {
            ns[c][turn] = run(&contenders[c], slice, verdicts[c]);
            ratios[c][turn] = ns[c][turn] / ns[0][turn];
            if (memcmp(verdicts[c], verdicts[0], sizeof verdicts[c]) != 0) {
                printf("%s and %s do not agree\n", contenders[c].name, contenders[0].name);
                exit(EXIT_FAILURE);
            }
        }
    }
    printf("%-18s", what);
    for (int c = 0; c < contender_count; c++) {
        printf(" %8.2f %5.3f", median(ns[c]), median(ratios[c]));
    }
    printf("\n");
    fflush(stdout);
}

int main(void)
{
    enter_all();
    printf("Nanoseconds a number, and as a ratio to %s; medians.\n%-18s", contenders[0].name, "");
    for (int c = 0; c < contender_count; c++) {
        printf(" %14s", contenders[c].name);
    }
    printf("\n");
    measure("random", any, 64);
    measure("random odd", any_odd, 64);
    measure("primes, 64 bits", prime_of, 64);
    measure("p * q, 32 bits each", semiprime_of, 64);
    for (int bits = 8; bits <= 64; bits += 4) {
        char what[32];
        snprintf(what, sizeof what, "random, %d bits", bits);
        measure(what, random_of, bits);
        snprintf(what, sizeof what, "primes, %d bits", bits);
        measure(what, prime_of, bits);
    }
    return EXIT_SUCCESS;
}
