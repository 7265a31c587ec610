/* One number at a time: pp_is_prime and pp_is_prime_trial against the sieve, the literature and the
 * twelve-base test. */

#include "proc_pool/is_prime.h"

#include "support/harness.h"
#include "support/oracle.h"

#include <inttypes.h>
#include <stdlib.h>

static void assert_same(uint64_t n, bool expected)
{
    ck_assert_msg(pp_is_prime(n) == expected, "%" PRIu64 " is %s", n, expected ? "prime" : "not prime");
}

/* Compares pp_is_prime with the sieve on [low, high); answers how many primes there are. */
static size_t compare_with_sieve(uint64_t low, uint64_t high)
{
    enum { SEGMENT = 1 << 20 };
    bool *prime = malloc(SEGMENT);
    size_t primes = 0;
    for (; low < high; low += SEGMENT) {
        size_t count = high - low < SEGMENT ? (size_t)(high - low) : SEGMENT;
        oracle_sieve(low, count, prime);
        for (size_t i = 0; i < count; i++) {
            if (pp_is_prime(low + i) != prime[i]) {
                assert_same(low + i, prime[i]);
            }
            primes += prime[i];
        }
    }
    free(prime);
    return primes;
}

START_TEST(every_number_below_ten_million_agrees_with_the_sieve)
{
    ck_assert_uint_eq(compare_with_sieve(0, 10000000), 664579);
}
END_TEST

START_TEST(numbers_just_above_2_to_the_32_agree_with_the_sieve)
{
    ck_assert_uint_gt(compare_with_sieve((UINT64_C(1) << 32) - 500000, (UINT64_C(1) << 32) + 500000), 0);
}
END_TEST

START_TEST(every_number_below_2_to_the_32_agrees_with_the_sieve)
{
    if (harness_exhaustive()) {
        ck_assert_uint_eq(compare_with_sieve(0, UINT64_C(1) << 32), 203280221);
    }
}
END_TEST

START_TEST(numbers_around_every_power_of_two_agree_with_twelve_bases)
{
    for (int k = 1; k <= 64; k++) {
        uint64_t power = k < 64 ? UINT64_C(1) << k : 0;
        for (uint64_t n = power - 1000; n != power + 1000; n++) {
            assert_same(n, oracle_twelve_bases(n));
        }
    }
}
END_TEST

START_TEST(numbers_that_fooled_other_tests_get_the_right_answer)
{
    for (size_t i = 0; i < oracle_case_count; i++) {
        ck_assert_msg(pp_is_prime(oracle_cases[i].n) == oracle_cases[i].prime, "%" PRIu64 ": %s",
                      oracle_cases[i].n, oracle_cases[i].why);
    }
}
END_TEST

START_TEST(squares_and_products_of_close_primes_are_composite)
{
    uint64_t state = 1;
    for (int i = 0; i < 3000; i++) {
        uint64_t p = oracle_random(&state) >> 32 >> i % 16 | 1;
        while (!oracle_twelve_bases(p)) {
            p = p > 3 ? p - 2 : 3;
        }
        uint64_t q = p;
        assert_same(p * p, false);
        for (int neighbour = 0; neighbour < 3 && q > 3; neighbour++) {
            do {
                q -= 2;
            } while (q > 3 && !oracle_twelve_bases(q));
            assert_same(p * q, false);
        }
    }
}
END_TEST

/* Composites of the form (k + 1)(r k + 1) with both factors prime: most strong pseudoprimes are of this kind.
 */
START_TEST(products_of_the_form_k_plus_1_times_rk_plus_1_are_composite)
{
    uint64_t state = 2;
    int wanted = harness_exhaustive() ? 1000000 : 20000;
    for (uint64_t r = 2; r <= 13; r++) {
        for (int found = 0; found < wanted / 12;) {
            uint64_t k = oracle_random_size(&state) >> 34 & ~UINT64_C(1);
            if (k > 0 && pp_is_prime(k + 1) && pp_is_prime(r * k + 1)) {
                assert_same((k + 1) * (r * k + 1), false);
                found++;
            }
        }
    }
}
END_TEST

START_TEST(random_numbers_agree_with_twelve_bases)
{
    uint64_t state = 3;
    for (int i = harness_exhaustive() ? 20000000 : 500000; i > 0; i--) {
        uint64_t n = oracle_random_size(&state);
        if (pp_is_prime(n) != oracle_twelve_bases(n)) {
            assert_same(n, oracle_twelve_bases(n));
        }
    }
}
END_TEST

START_TEST(trial_division_agrees_with_the_sieve_and_handles_the_ends_of_the_range)
{
    enum { COUNT = 200000 };
    bool *prime = malloc(COUNT);
    oracle_sieve(0, COUNT, prime);
    for (uint64_t n = 0; n < COUNT; n++) {
        ck_assert_msg(pp_is_prime_trial(n) == prime[n], "%" PRIu64, n);
    }
    free(prime);
    ck_assert(pp_is_prime_trial(4294967291));
    ck_assert(!pp_is_prime_trial(UINT64_MAX));
    ck_assert(!pp_is_prime_trial(UINT64_MAX - 1));
    ck_assert(!pp_is_prime_trial(UINT64_C(10007) * 10007));
    ck_assert(pp_is_prime_trial(1000000007));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("is_prime");
    TCase *tcase = harness_case(suite, "one number", 3600);
    tcase_add_test(tcase, every_number_below_ten_million_agrees_with_the_sieve);
    tcase_add_test(tcase, numbers_just_above_2_to_the_32_agree_with_the_sieve);
    tcase_add_test(tcase, every_number_below_2_to_the_32_agrees_with_the_sieve);
    tcase_add_test(tcase, numbers_around_every_power_of_two_agree_with_twelve_bases);
    tcase_add_test(tcase, numbers_that_fooled_other_tests_get_the_right_answer);
    tcase_add_test(tcase, squares_and_products_of_close_primes_are_composite);
    tcase_add_test(tcase, products_of_the_form_k_plus_1_times_rk_plus_1_are_composite);
    tcase_add_test(tcase, random_numbers_agree_with_twelve_bases);
    tcase_add_test(tcase, trial_division_agrees_with_the_sieve_and_handles_the_ends_of_the_range);
    return harness_run(suite);
}
