#include "proc_pool/is_prime.h"

void pp_is_prime_batch(const uint64_t *numbers, size_t count, bool *verdicts)
{
    for (size_t i = 0; i < count; i++) {
        verdicts[i] = pp_is_prime(numbers[i]);
    }
}

const char *pp_is_prime_kernel(void)
{
    return "portable";
}
