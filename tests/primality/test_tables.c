/* Makes src/primality/tables.c ("print" as argument), or checks that what is compiled in is what it would
 * make. */

#include "primality/tables.h"
#include "proc_pool/is_prime.h"

#include "support/harness.h"
#include "support/oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Like ck_assert_msg, which works only while a test runs. */
static void require(bool condition, const char *message)
{
    if (!condition) {
        fprintf(stderr, "test_tables: %s\n", message);
        abort();
    }
}

/* --- primes below 2^16: a bit for each odd number */

static void make_small_primes(uint64_t words[SMALL_LIMIT / 128])
{
    static bool prime[SMALL_LIMIT];
    oracle_sieve(0, SMALL_LIMIT, prime);
    memset(words, 0, SMALL_LIMIT / 16);
    for (uint64_t n = 1; n < SMALL_LIMIT; n += 2) {
        words[n / 128] |= (uint64_t)prime[n] << n / 2 % 64;
    }
}

/* --- pseudoprimes to base 2
 *
 * If the prime p divides n and 2^(n-1) = 1 mod n, then the order of 2 modulo p divides both n - 1 and p - 1,
 * so it divides n / p - 1. So all pseudoprimes whose least prime factor is p are among the p * (1 + k *
 * order), k > 0: few enough to try them all. */

enum { MOST_PSEUDOPRIMES = 4 * PSEUDOPRIME_SLOTS }; /* with those found more than once */

/* Plumb's form of the test, as base2.h states it, with plain arithmetic. */
static bool is_probable_prime(uint64_t n)
{
    uint64_t power = oracle_power(2, (n - 1) >> (n % 8 == 1 ? 2 : 1), n);
    return (power == 1 && (n % 8 == 1 || n % 8 == 7)) || (power == n - 1 && n % 8 != 7);
}

static bool has_factor_up_to_trial_limit(uint64_t n)
{
    for (uint64_t p = 3; p <= TRIAL_LIMIT; p += 2) {
        if (n % p == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t order_of_2(uint64_t p)
{
    uint64_t order = 1;
    for (uint64_t power = 2; power != 1; power = 2 * power % p) {
        order++;
    }
    return order;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The list, in ascending order. Answers how many there are. */
static size_t make_pseudoprimes(uint32_t list[MOST_PSEUDOPRIMES])
{
    static bool prime[SMALL_LIMIT];
    oracle_sieve(0, SMALL_LIMIT, prime);
    size_t count = 0;
    for (uint64_t p = TRIAL_LIMIT + 2; p < SMALL_LIMIT; p += 2) {
        if (!prime[p]) {
            continue;
        }
        uint64_t step = order_of_2(p);
        for (uint64_t cofactor = 1 + step; p * cofactor >> 32 == 0; cofactor += step) {
            if (cofactor % 2 == 1 && cofactor >= p && !has_factor_up_to_trial_limit(cofactor) &&
                is_probable_prime(p * cofactor)) {
                require(count < MOST_PSEUDOPRIMES, "more pseudoprimes than expected");
                list[count++] = (uint32_t)(p * cofactor);
            }
        }
    }
    qsort(list, count, sizeof list[0], compare);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++) {
        if (unique == 0 || list[i] != list[unique - 1]) {
            list[unique++] = list[i];
        }
    }
    return unique;
}

/* --- their perfect hash: groups are placed one after the other, the largest first */

static size_t group_of(uint32_t n)
{
    return n * PSEUDOPRIME_MULTIPLIER >> 54;
}

static size_t slot_of(uint32_t n, size_t move)
{
    return (n * PSEUDOPRIME_MULTIPLIER >> 42 & (PSEUDOPRIME_SLOTS - 1)) ^ move;
}

/* Puts the members of a group where `move` says, or leaves the slots as they were if one of them is taken. */
static bool place(const uint32_t *members, size_t count, size_t move, uint32_t slots[PSEUDOPRIME_SLOTS])
{
    for (size_t i = 0; i < count; i++) {
        uint32_t *slot = &slots[slot_of(members[i], move)];
        if (*slot != 0) {
            while (i-- > 0) {
                slots[slot_of(members[i], move)] = 0;
            }
            return false;
        }
        *slot = members[i];
    }
    return true;
}

static size_t members_of(size_t group, const uint32_t *list, size_t count,
                         uint32_t members[MOST_PSEUDOPRIMES])
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (group_of(list[i]) == group) {
            members[found++] = list[i];
        }
    }
    return found;
}

static void make_hash(const uint32_t *list, size_t count, uint32_t slots[PSEUDOPRIME_SLOTS],
                      uint16_t moves[PSEUDOPRIME_GROUPS])
{
    static uint32_t members[MOST_PSEUDOPRIMES];
    memset(slots, 0, PSEUDOPRIME_SLOTS * sizeof slots[0]);
    memset(moves, 0, PSEUDOPRIME_GROUPS * sizeof moves[0]);
    for (size_t size = 64; size > 0; size--) {
        for (size_t group = 0; group < PSEUDOPRIME_GROUPS; group++) {
            if (members_of(group, list, count, members) != size) {
                continue;
            }
            size_t move = 0;
            while (move < PSEUDOPRIME_SLOTS && !place(members, size, move, slots)) {
                move++;
            }
            require(move < PSEUDOPRIME_SLOTS, "no perfect hash with this multiplier");
            moves[group] = (uint16_t)move;
        }
    }
}

/* --- signs for the parameter of the Lucas test */

static int legendre(uint64_t a, uint64_t q)
{
    return oracle_power(a, (q - 1) / 2, q) == 1 ? 1 : -1;
}

/* The row of the odd prime q: the symbols (n | q), for each P in whose discriminant q occurs an odd number of
 * times. Adds to mod_8 the sign of reciprocity, (n | q)(q | n) = -1 if both are 3 mod 4. */
static void make_row(uint64_t q, uint16_t *row, uint16_t mod_8[4])
{
    require(q >= 3, "not an odd prime");
    memset(row, 0, q * sizeof row[0]);
    for (uint64_t p = LUCAS_FIRST_P; p <= LUCAS_LAST_P; p++) {
        uint16_t bit = (uint16_t)(1 << (p - LUCAS_FIRST_P));
        int times = 0;
        for (uint64_t d = p * p - 4; d % q == 0; d /= q) {
            times++;
        }
        for (uint64_t n = 1; n < q && times % 2 == 1; n++) {
            row[n] = (uint16_t)(row[n] | (legendre(n, q) < 0 ? bit : 0));
        }
        for (uint64_t n = 3; n < 8 && times % 2 == 1 && q % 4 == 3; n += 4) {
            mod_8[n / 2] ^= bit;
        }
    }
}

static void make_lucas_signs(struct lucas_signs *signs)
{
    memset(signs, 0, sizeof *signs);
    for (uint64_t p = LUCAS_FIRST_P; p <= LUCAS_LAST_P; p++) {
        int twos = 0;
        for (uint64_t d = p * p - 4; d % 2 == 0; d /= 2) {
            twos++;
        }
        if (twos % 2 == 1) { /* (2 | n) = -1 for n = 3, 5 mod 8 */
            signs->mod_8[1] ^= (uint16_t)(1 << (p - LUCAS_FIRST_P));
            signs->mod_8[2] ^= (uint16_t)(1 << (p - LUCAS_FIRST_P));
        }
    }
    make_row(3, signs->mod_3, signs->mod_8);
    make_row(5, signs->mod_5, signs->mod_8);
    make_row(7, signs->mod_7, signs->mod_8);
    make_row(11, signs->mod_11, signs->mod_8);
    make_row(13, signs->mod_13, signs->mod_8);
}

/* --- the first values of Lucas sequences */

static void make_lucas_values(uint64_t values[][LUCAS_VALUES])
{
    for (uint64_t p = LUCAS_FIRST_P; p <= LUCAS_VALUES_P; p++) {
        uint64_t *v = values[p - LUCAS_FIRST_P];
        v[0] = 2;
        v[1] = p;
        for (size_t k = 2; k < LUCAS_VALUES; k++) {
            v[k] = p * v[k - 1] - v[k - 2];
            require(v[k - 1] <= UINT64_MAX / p && v[k] > v[k - 1], "a value of more than 64 bits");
        }
    }
}

/* --- printing them as a source file */

static void print_row(const char *name, const uint16_t *row, size_t count)
{
    printf("    .%s = {", name);
    for (size_t i = 0; i < count; i++) {
        printf("%s0x%03x", i == 0 ? "" : ", ", row[i]);
    }
    printf("},\n");
}

static void print_tables(void)
{
    static uint64_t small[SMALL_LIMIT / 128];
    static uint32_t list[MOST_PSEUDOPRIMES], slots[PSEUDOPRIME_SLOTS];
    static uint16_t moves[PSEUDOPRIME_GROUPS];
    static uint64_t values[LUCAS_VALUES_P - LUCAS_FIRST_P + 1][LUCAS_VALUES];
    struct lucas_signs signs;
    make_small_primes(small);
    size_t count = make_pseudoprimes(list);
    make_hash(list, count, slots, moves);
    make_lucas_signs(&signs);
    printf(
        "/* Made by tests/primality/test_tables.c, which also checks it; tables.h tells what is what. */\n\n"
        "/* clang-format off */\n\n#include \"tables.h\"\n\nconst uint64_t pp_small_primes[] = {");
    for (size_t i = 0; i < SMALL_LIMIT / 128; i++) {
        printf("%s0x%016" PRIx64 ",", i % 5 == 0 ? "\n    " : " ", small[i]);
    }
    printf("\n};\n\n/* %zu of them, from %" PRIu32 " to %" PRIu32
           ". */\nconst uint32_t pp_pseudoprimes[] = {",
           count, list[0], list[count - 1]);
    for (size_t i = 0; i < PSEUDOPRIME_SLOTS; i++) {
        printf("%s%" PRIu32 ",", i % 9 == 0 ? "\n    " : " ", slots[i]);
    }
    printf("\n};\n\nconst uint16_t pp_pseudoprime_moves[] = {");
    for (size_t i = 0; i < PSEUDOPRIME_GROUPS; i++) {
        printf("%s%u,", i % 24 == 0 ? "\n    " : " ", moves[i]);
    }
    printf("\n};\n\nconst struct lucas_signs pp_lucas_signs = {\n");
    print_row("mod_8", signs.mod_8, 4);
    print_row("mod_3", signs.mod_3, 3);
    print_row("mod_5", signs.mod_5, 5);
    print_row("mod_7", signs.mod_7, 7);
    print_row("mod_11", signs.mod_11, 11);
    print_row("mod_13", signs.mod_13, 13);
    printf("};\n\nconst uint64_t pp_lucas_values[][LUCAS_VALUES] = {\n");
    make_lucas_values(values);
    for (size_t i = 0; i < LUCAS_VALUES_P - LUCAS_FIRST_P + 1; i++) {
        printf("    {");
        for (size_t k = 0; k < LUCAS_VALUES; k++) {
            printf("%s0x%" PRIx64, k == 0 ? "" : k % 5 == 0 ? ",\n     " : ", ", values[i][k]);
        }
        printf("},\n");
    }
    printf("};\n");
}

/* --- checking the ones compiled in */

START_TEST(the_bitmap_of_small_primes_is_the_sieve)
{
    static uint64_t remade[SMALL_LIMIT / 128];
    make_small_primes(remade);
    ck_assert_mem_eq(pp_small_primes, remade, sizeof remade);
    size_t primes = 0;
    for (uint64_t n = 0; n < SMALL_LIMIT; n++) {
        primes += is_small_prime(n);
    }
    ck_assert_uint_eq(primes, 6542);
}
END_TEST

START_TEST(the_hash_of_pseudoprimes_holds_all_there_are_and_nothing_else)
{
    static uint32_t list[MOST_PSEUDOPRIMES], slots[PSEUDOPRIME_SLOTS];
    static uint16_t moves[PSEUDOPRIME_GROUPS];
    size_t count = make_pseudoprimes(list);
    make_hash(list, count, slots, moves);
    ck_assert_mem_eq(pp_pseudoprimes, slots, sizeof slots);
    ck_assert_mem_eq(pp_pseudoprime_moves, moves, sizeof moves);
    size_t listed = 0;
    for (size_t i = 0; i < PSEUDOPRIME_SLOTS; i++) {
        listed += pp_pseudoprimes[i] != 0;
    }
    ck_assert_uint_eq(listed, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert(is_listed_pseudoprime(list[i]) && !pp_is_prime_trial(list[i]));
    }
}
END_TEST

START_TEST(the_signs_of_lucas_parameters_are_the_jacobi_symbols)
{
    struct lucas_signs remade;
    make_lucas_signs(&remade);
    ck_assert_mem_eq(&pp_lucas_signs, &remade, sizeof remade);
}
END_TEST

START_TEST(the_values_of_lucas_sequences_follow_the_recurrence)
{
    static uint64_t remade[LUCAS_VALUES_P - LUCAS_FIRST_P + 1][LUCAS_VALUES];
    make_lucas_values(remade);
    ck_assert_mem_eq(pp_lucas_values, remade, sizeof remade);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "print") == 0) {
        print_tables();
        return EXIT_SUCCESS;
    }
    Suite *suite = suite_create("tables");
    TCase *tcase = harness_case(suite, "remade", 120);
    tcase_add_test(tcase, the_bitmap_of_small_primes_is_the_sieve);
    tcase_add_test(tcase, the_hash_of_pseudoprimes_holds_all_there_are_and_nothing_else);
    tcase_add_test(tcase, the_signs_of_lucas_parameters_are_the_jacobi_symbols);
    tcase_add_test(tcase, the_values_of_lucas_sequences_follow_the_recurrence);
    return harness_run(suite);
}
