#include "proc_pool/is_prime.h"

/* Largest integer whose square does not exceed n, bit by bit: no floating point, exact up to 2^64 - 1. */
static uint64_t integer_sqrt(uint64_t n)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
        uint64_t candidate = root | bit;
        if (candidate * candidate <= n) {
            root = candidate;
        }
    }
    return root;
}

bool pp_is_prime_trial(uint64_t n)
{
    if (n < 2) {
        return false;
    }
    if (n == 2) {
        return true;
    }
    if (n % 2 == 0) {
        return false;
    }
    uint64_t limit = integer_sqrt(n);
    for (uint64_t divisor = 3; divisor <= limit; divisor += 2) {
        if (n % divisor == 0) {
            return false;
        }
    }
    return true;
}
