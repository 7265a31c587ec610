/* sieve.c: a segment of the sieve of Eratosthenes over the odd numbers, crossed out by the primes up to 2^16.
 *
 * Below 2^32 what remains is prime. Above, a prime factor may be larger than 2^16; what remains, one odd
 * number in ten, goes through the exact test. Sieving further would cross out little more: the share of
 * numbers with no factor up to x falls only as 1 / log x (Mertens). */

#include "sieve.h"

#include <proc_pool/is_prime.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROOT = 65536, ODD_PRIMES = 6541 }; /* the odd primes below 2^16 */
enum { GROUP = 2048 };                    /* how many survivors are tested at once */

static uint16_t odd_primes[ODD_PRIMES];

/* The odd primes below 2^16, once in each process. */
static void find_odd_primes(void)
{
    if (odd_primes[0] != 0) {
        return;
    }
    static bool composite[ROOT];
    size_t count = 0;
    for (uint32_t n = 3; n < ROOT; n += 2) {
        if (composite[n]) {
            continue;
        }
        odd_primes[count++] = (uint16_t)n;
        for (uint32_t multiple = n * n; n < 256 && multiple < ROOT; multiple += 2 * n) {
            composite[multiple] = true;
        }
    }
}

/* Bytes that say of each odd number from `base` on whether it was crossed out. Bytes, not bits: they cross
 * out twice as fast, and half a megabyte still fits the cache. */
static void cross_out(uint8_t *crossed, uint64_t base, size_t count)
{
    const uint64_t end = base + 2 * (count - 1); /* the last odd number */
    memset(crossed, 0, count);
    for (size_t i = 0; i < ODD_PRIMES; i++) {
        const uint64_t p = odd_primes[i];
        if (p * p > end) {
            break;
        }
        /* Distance in odd numbers from base to its first odd multiple: base + 2d = 0 mod p. */
        const uint64_t rest = base % p;
        const uint64_t up = rest == 0 ? 0 : p - rest;
        uint64_t at = up % 2 == 0 ? up / 2 : (up + p) / 2;
        if (p * p > base) { /* below its square a multiple has a smaller factor, or is p itself */
            at = (p * p - base) / 2;
        }
        for (; at < count; at += p) {
            crossed[at] = 1;
        }
    }
}

/* Moves the primes among the numbers to the front, in their order, and returns how many there are. */
static size_t keep_primes(uint64_t *numbers, size_t count)
{
    bool verdicts[GROUP];
    size_t kept = 0;
    pp_is_prime_batch(numbers, count, verdicts);
    for (size_t i = 0; i < count; i++) {
        numbers[kept] = numbers[i];
        kept += verdicts[i];
    }
    return kept;
}

static void report_rest(const uint8_t *crossed, uint64_t base, size_t count, pp_sieve_found *found,
                        void *context)
{
    static uint64_t numbers[GROUP];
    const bool is_complete = base + 2 * (count - 1) <= UINT32_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        numbers[kept] = base + 2 * i;
        kept += crossed[i] == 0;
        if (kept == GROUP || (i + 1 == count && kept > 0)) {
            found(context, numbers, is_complete ? kept : keep_primes(numbers, kept));
            kept = 0;
        }
    }
}

int pp_sieve_range(uint64_t first, uint64_t last, pp_sieve_found *found, void *context)
{
    static uint8_t *crossed;
    if (crossed == NULL && (crossed = malloc(PP_SIEVE_WIDTH / 2 + 1)) == NULL) {
        return -ENOMEM;
    }
    find_odd_primes();
    if (first <= 2 && last >= 2) {
        const uint64_t two = 2;
        found(context, &two, 1);
    }
    const uint64_t base = first < 3 ? 3 : first | 1;
    if (base <= last) {
        const size_t count = (size_t)((last - base) / 2 + 1);
        cross_out(crossed, base, count);
        report_rest(crossed, base, count, found, context);
    }
    return 0;
}
