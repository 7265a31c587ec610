#ifndef PROC_POOL_IS_PRIME_H
#define PROC_POOL_IS_PRIME_H

#include <stdbool.h>
#include <stdint.h>

bool pp_is_prime(uint64_t n);
bool pp_is_prime_trial(uint64_t n);

#endif
