/* Many numbers at a time: every kernel that this processor has, in every lane, against the sieve, the
 * literature, one another and the twelve-base test. */

#include "primality/kernel.h"
#include "proc_pool/is_prime.h"

#include "support/harness.h"
#include "support/oracle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct kernel *kernels[8];
static int kernel_count;

static void find_kernels(void)
{
    static const char *const names[] = {"avx512ifma", "avx2", "portable"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct kernel *kernel = pp_kernel_named(names[i]);
        if (kernel != NULL) {
            kernels[kernel_count++] = kernel;
        }
    }
}

static void assert_verdicts(const struct kernel *kernel, const uint64_t *numbers, size_t count,
                            const bool *expected)
{
    bool *verdicts = malloc(count + 2);
    memset(verdicts, 2, count + 2);
    pp_kernel_run(kernel, numbers, count, verdicts + 1);
    unsigned char edges[2];
    memcpy(&edges[0], verdicts, 1);
    memcpy(&edges[1], verdicts + count + 1, 1);
    ck_assert_msg(edges[0] == 2 && edges[1] == 2, "%s wrote outside of %zu verdicts", kernel->name, count);
    if (memcmp(verdicts + 1, expected, count) != 0) {
        for (size_t i = 0; i < count; i++) {
            ck_assert_msg(verdicts[1 + i] == expected[i], "%s: %" PRIu64 ", number %zu of %zu, is %s",
                          kernel->name, numbers[i], i, count, expected[i] ? "prime" : "not prime");
        }
    }
    free(verdicts);
}

static void compare_with_sieve(const struct kernel *kernel, uint64_t low, uint64_t high)
{
    enum { SEGMENT = 1 << 20 };
    bool *prime = malloc(SEGMENT);
    uint64_t *numbers = malloc(SEGMENT * sizeof numbers[0]);
    for (; low < high; low += SEGMENT) {
        size_t count = high - low < SEGMENT ? (size_t)(high - low) : SEGMENT;
        oracle_sieve(low, count, prime);
        for (size_t i = 0; i < count; i++) {
            numbers[i] = low + i;
        }
        assert_verdicts(kernel, numbers, count, prime);
    }
    free(numbers);
    free(prime);
}

START_TEST(every_kernel_agrees_with_the_sieve)
{
    const struct kernel *kernel = kernels[_i];
    const uint64_t end = UINT64_C(1) << 32;
    if (harness_exhaustive()) {
        compare_with_sieve(kernel, 0, end);
    } else {
        compare_with_sieve(kernel, 0, 10000000);
        compare_with_sieve(kernel, end - 3000000, end);
    }
    compare_with_sieve(kernel, end, end + 3000000);
}
END_TEST

START_TEST(numbers_around_every_power_of_two_agree_with_twelve_bases)
{
    enum { AROUND = 2000 };
    uint64_t numbers[AROUND];
    bool expected[AROUND];
    for (int k = 0; k < 64; k++) {
        for (uint64_t i = 0; i < AROUND; i++) { /* 2^64 for k = 0 */
            numbers[i] = (UINT64_C(1) << k) - (k == 0) - AROUND / 2 + i;
            expected[i] = oracle_twelve_bases(numbers[i]);
        }
        assert_verdicts(kernels[_i], numbers, AROUND, expected);
    }
}
END_TEST

/* Where one way of computing ends and the next begins; the last class of avx512ifma has 5 * 2^52 numbers. */
START_TEST(numbers_around_every_limit_of_a_size_class_agree_with_twelve_bases)
{
    enum { AROUND = 2000 };
    uint64_t numbers[AROUND];
    bool expected[AROUND];
    for (size_t c = 0; c < CLASSES && kernels[_i]->classes[c].highest != 0; c++) {
        for (uint64_t i = 0; i < AROUND; i++) { /* past 2^64 they go on at 0 */
            numbers[i] = kernels[_i]->classes[c].highest - AROUND / 2 + i;
            expected[i] = oracle_twelve_bases(numbers[i]);
        }
        assert_verdicts(kernels[_i], numbers, AROUND, expected);
    }
}
END_TEST

/* Numbers of which 2 and all odd primes up to 31 are squares have a parameter P above 30, beyond all tables. */
START_TEST(numbers_with_a_large_lucas_parameter_get_the_right_answer)
{
    enum { COUNT = 1024 };
    const uint64_t modulus = UINT64_C(8) * 3 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29 * 31;
    uint64_t state = 13, numbers[COUNT];
    bool expected[COUNT];
    for (int i = 0; i < COUNT; i++) {
        do {
            numbers[i] = (oracle_random(&state) >> i % 20) / modulus * modulus + 1;
            expected[i] = oracle_twelve_bases(numbers[i]);
        } while (numbers[i] == 1 || (i % 4 != 0 && !expected[i]));
    }
    assert_verdicts(kernels[_i], numbers, COUNT, expected);
    for (int i = 0; i < COUNT; i++) {
        ck_assert(pp_is_prime(numbers[i]) == expected[i]);
    }
}
END_TEST

/* A group that is not full: what is behind `count` has no say in what comes out before it. */
START_TEST(part_of_a_group_is_tested_like_the_whole)
{
    uint64_t state = 14, numbers[GROUP];
    for (size_t c = 0; c < CLASSES && kernels[_i]->classes[c].highest != 0; c++) {
        const struct size_class *class = &kernels[_i]->classes[c];
        for (size_t i = 0; i < GROUP; i++) {
            numbers[i] = (class->highest - (oracle_random(&state) & 0xfffff)) | 1;
            while (i % 2 == 0 && !pp_is_prime(numbers[i])) {
                numbers[i] -= 2;
            }
        }
        uint64_t whole = class->base2(numbers, GROUP);
        for (size_t count = 1; count < GROUP; count++) {
            uint64_t said = (UINT64_C(1) << count) - 1;
            ck_assert_uint_eq(class->base2(numbers, count) & said, whole & said);
        }
    }
}
END_TEST

/* Each case goes through each lane of the vectors of its class, in company of primes, which reach every
 * stage. */
START_TEST(hard_numbers_get_the_right_answer_in_every_lane)
{
    uint64_t numbers[GROUP];
    bool expected[GROUP];
    for (size_t c = 0; c < oracle_case_count; c++) {
        uint64_t company = oracle_cases[c].n | 1;
        while (company < UINT64_MAX && !pp_is_prime(company)) {
            company += 2;
        }
        company = company == UINT64_MAX ? UINT64_C(18446744073709551557) : company;
        for (size_t lane = 0; lane < GROUP; lane++) {
            for (size_t i = 0; i < GROUP; i++) {
                numbers[i] = i == lane ? oracle_cases[c].n : company;
                expected[i] = i == lane ? oracle_cases[c].prime : true;
            }
            assert_verdicts(kernels[_i], numbers, GROUP, expected);
        }
    }
}
END_TEST

/* Base 2 alone, without what comes before and after, in each size class: primes, and composites that
 * screening or a table would have caught. */
START_TEST(base_2_alone_agrees_with_plain_arithmetic_in_every_class)
{
    uint64_t state = 11, numbers[GROUP];
    for (int round = 0; round < 200; round++) {
        for (size_t c = 0; c < CLASSES && kernels[_i]->classes[c].highest != 0; c++) {
            const struct size_class *class = &kernels[_i]->classes[c];
            uint64_t lowest = c == 0 ? UINT64_C(1) << 16 : kernels[_i]->classes[c - 1].highest + 1;
            for (size_t i = 0; i < GROUP; i++) {
                do {
                    numbers[i] = (oracle_random_size(&state) | 1) % (class->highest - lowest) + lowest;
                    while (numbers[i] % 2 == 0 || (i % 4 != 0 && !pp_is_prime(numbers[i]))) {
                        numbers[i]++;
                    }
                } while (numbers[i] > class->highest);
            }
            uint64_t probable = class->base2(numbers, GROUP);
            for (size_t i = 0; i < GROUP; i++) {
                uint64_t n = numbers[i], power = oracle_power(2, (n - 1) >> (n % 8 == 1 ? 2 : 1), n);
                bool expected = (power == 1 && (n % 8 == 1 || n % 8 == 7)) || (power == n - 1 && n % 8 != 7);
                ck_assert_msg((probable >> i & 1) == expected, "%s: %" PRIu64 " in base 2", kernels[_i]->name,
                              n);
            }
        }
    }
}
END_TEST

/* Lucas alone: composites that pass base 2 never reach it in numbers, so here it gets all sorts, and is
 * compared with the portable kernel's, which pp_is_prime shares. */
START_TEST(lucas_alone_agrees_between_kernels)
{
    uint64_t state = 12, numbers[GROUP];
    for (int round = 0; round < 300; round++) {
        for (size_t c = 0; c < CLASSES && kernels[_i]->classes[c].highest != 0; c++) {
            const struct size_class *class = &kernels[_i]->classes[c];
            uint64_t lowest = c == 0 ? 0 : kernels[_i]->classes[c - 1].highest;
            lowest = lowest >> 32 == 0 ? UINT64_C(1) << 32 : lowest;
            if (class->highest <= lowest) {
                continue;
            }
            for (size_t i = 0; i < GROUP; i++) {
                bool small_factor;
                do {
                    numbers[i] = (lowest + 1 + oracle_random(&state) % (class->highest - lowest)) | 1;
                    small_factor = false;
                    for (uint64_t p = 3; p <= 61; p += 2) {
                        small_factor |= numbers[i] % p == 0;
                    }
                } while (small_factor || numbers[i] > class->highest ||
                         (i % 2 == 0 && !pp_is_prime(numbers[i])));
            }
            uint64_t expected = pp_portable_lucas(numbers, GROUP), found = class->lucas(numbers, GROUP);
            ck_assert_msg(found == expected, "%s: class %zu, round %d", kernels[_i]->name, c, round);
            for (size_t i = 0; i < GROUP; i += 2) {
                ck_assert_msg(found >> i & 1, "%s: %" PRIu64 " is prime", kernels[_i]->name, numbers[i]);
            }
        }
    }
}
END_TEST

START_TEST(every_count_from_0_to_200_works_at_every_alignment)
{
    uint64_t state = 5, numbers[208];
    bool expected[208];
    for (size_t i = 0; i < 208; i++) {
        numbers[i] = i % 3 == 0 ? oracle_random(&state) | 1 : oracle_random_size(&state);
        while (i % 3 == 0 && !pp_is_prime(numbers[i])) {
            numbers[i] -= 2;
        }
        expected[i] = oracle_twelve_bases(numbers[i]);
    }
    for (size_t count = 0; count <= 200; count++) {
        for (size_t offset = 0; offset < 8; offset++) {
            assert_verdicts(kernels[_i], numbers + offset, count, expected + offset);
        }
    }
    pp_kernel_run(kernels[_i], NULL, 0, NULL);
}
END_TEST

static uint64_t some_prime(uint64_t *state, int bits)
{
    uint64_t top = UINT64_C(1) << (bits - 1);
    uint64_t p = top | (oracle_random(state) & (top - 1)) | 1;
    while (!pp_is_prime(p)) {
        p = p < 2 * top - 2 ? p + 2 : top | 1;
    }
    return p;
}

START_TEST(squares_and_products_of_close_primes_are_composite)
{
    enum { COUNT = 4096 };
    uint64_t state = 6, *numbers = malloc(COUNT * sizeof numbers[0]);
    bool *expected = calloc(COUNT, sizeof expected[0]);
    for (int i = 0; i < COUNT; i++) {
        uint64_t p = some_prime(&state, 8 + i % 25), q = p;
        if (i % 2 == 1) {
            do {
                q -= 2;
            } while (!pp_is_prime(q));
        }
        numbers[i] = p * q;
    }
    assert_verdicts(kernels[_i], numbers, COUNT, expected);
    free(expected);
    free(numbers);
}
END_TEST

/* (k + 1)(r k + 1), both prime: the form of most pseudoprimes. With k = 0 mod 4 many of these pass base 2. */
START_TEST(products_of_the_form_k_plus_1_times_rk_plus_1_are_composite)
{
    enum { COUNT = 1 << 12 };
    uint64_t state = 7, numbers[COUNT];
    static const bool expected[COUNT];
    int rounds = harness_exhaustive() ? 300 : 5;
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < COUNT;) {
            uint64_t r = 2 + oracle_random(&state) % 12;
            uint64_t k = (oracle_random(&state) >> (32 + oracle_random(&state) % 20 + (r > 3) + (r > 7))) &
                         ~UINT64_C(1);
            if (k > 0 && (k + 1) <= UINT64_MAX / (r * k + 1) && pp_is_prime(k + 1) &&
                pp_is_prime(r * k + 1)) {
                numbers[i++] = (k + 1) * (r * k + 1);
            }
        }
        assert_verdicts(kernels[_i], numbers, COUNT, expected);
    }
}
END_TEST

START_TEST(random_numbers_of_mixed_sizes_agree_between_kernels_and_with_twelve_bases)
{
    enum { COUNT = 1 << 16 };
    uint64_t state = 8, *numbers = malloc(COUNT * sizeof numbers[0]);
    bool *expected = malloc(COUNT);
    long rounds = harness_exhaustive() ? (1000000000 + COUNT - 1) / COUNT : 30;
    for (long round = 0; round < rounds; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t odd = round % 2 == 1;
            numbers[i] = (round % 3 == 0 ? oracle_random(&state) : oracle_random_size(&state)) | odd;
        }
        pp_kernel_run(kernels[kernel_count - 1], numbers, COUNT, expected);
        for (size_t i = (size_t)round % 10; i < COUNT; i += 10) {
            ck_assert_msg(expected[i] == oracle_twelve_bases(numbers[i]), "%" PRIu64, numbers[i]);
        }
        for (int k = 0; k < kernel_count - 1; k++) {
            assert_verdicts(kernels[k], numbers, COUNT, expected);
        }
    }
    free(expected);
    free(numbers);
}
END_TEST

START_TEST(the_environment_chooses_the_kernel_and_nonsense_is_ignored)
{
    const char *best = kernels[0]->name;
    static const char *const wanted[] = {"portable", "avx2", "avx512ifma", "", "fast", "PORTABLE"};
    const char *value = wanted[_i];
    const struct kernel *named = pp_kernel_named(value);
    setenv("PP_IS_PRIME_KERNEL", value, 1);
    ck_assert_str_eq(pp_is_prime_kernel(), named != NULL ? value : best);
    setenv("PP_IS_PRIME_KERNEL", "portable", 1); /* too late: chosen once */
    ck_assert_str_eq(pp_is_prime_kernel(), named != NULL ? value : best);
    bool verdict;
    pp_is_prime_batch(&(uint64_t){UINT64_C(18446744073709551557)}, 1, &verdict);
    ck_assert(verdict);
}
END_TEST

int main(void)
{
    find_kernels();
    Suite *suite = suite_create("batch");
    TCase *tcase = harness_case(suite, "kernels", 7200);
    tcase_add_loop_test(tcase, every_kernel_agrees_with_the_sieve, 0, kernel_count);
    tcase_add_loop_test(tcase, numbers_around_every_power_of_two_agree_with_twelve_bases, 0, kernel_count);
    tcase_add_loop_test(tcase, numbers_around_every_limit_of_a_size_class_agree_with_twelve_bases, 0,
                        kernel_count);
    tcase_add_loop_test(tcase, numbers_with_a_large_lucas_parameter_get_the_right_answer, 0, kernel_count);
    tcase_add_loop_test(tcase, part_of_a_group_is_tested_like_the_whole, 0, kernel_count);
    tcase_add_loop_test(tcase, hard_numbers_get_the_right_answer_in_every_lane, 0, kernel_count);
    tcase_add_loop_test(tcase, base_2_alone_agrees_with_plain_arithmetic_in_every_class, 0, kernel_count);
    tcase_add_loop_test(tcase, lucas_alone_agrees_between_kernels, 0, kernel_count);
    tcase_add_loop_test(tcase, every_count_from_0_to_200_works_at_every_alignment, 0, kernel_count);
    tcase_add_loop_test(tcase, squares_and_products_of_close_primes_are_composite, 0, kernel_count);
    tcase_add_loop_test(tcase, products_of_the_form_k_plus_1_times_rk_plus_1_are_composite, 0, kernel_count);
    tcase_add_test(tcase, random_numbers_of_mixed_sizes_agree_between_kernels_and_with_twelve_bases);
    tcase_add_loop_test(tcase, the_environment_chooses_the_kernel_and_nonsense_is_ignored, 0, 6);
    return harness_run(suite);
}
