#include "support/oracle.h"

#include <stdlib.h>
#include <string.h>

uint64_t oracle_product(uint64_t a, uint64_t b, uint64_t n)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 uint128;
    return (uint64_t)((uint128)a * b % n);
#else
    uint64_t sum = 0;
    for (a %= n, b %= n; b != 0; b >>= 1) {
        if (b & 1) {
            sum = sum >= n - a ? sum - (n - a) : sum + a;
        }
        a = a >= n - a ? a - (n - a) : a + a;
    }
    return sum;
#endif
}

uint64_t oracle_power(uint64_t a, uint64_t e, uint64_t n)
{
    uint64_t power = 1 % n;
    for (a %= n; e != 0; e >>= 1) {
        if (e & 1) {
            power = oracle_product(power, a, n);
        }
        a = oracle_product(a, a, n);
    }
    return power;
}

static bool passes_strong_test(uint64_t n, uint64_t base)
{
    uint64_t d = n - 1;
    int s = 0;
    for (; d % 2 == 0; d /= 2) {
        s++;
    }
    uint64_t x = oracle_power(base, d, n);
    bool passes = x == 1 || x == n - 1;
    for (int r = 1; r < s && !passes; r++) {
        x = oracle_product(x, x, n);
        passes = x == n - 1;
    }
    return passes;
}

bool oracle_twelve_bases(uint64_t n)
{
    static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        if (n % bases[i] == 0) {
            return n == bases[i];
        }
    }
    for (size_t i = 0; i < sizeof bases / sizeof bases[0] && n > 1; i++) {
        if (!passes_strong_test(n, bases[i])) {
            return false;
        }
    }
    return n > 1;
}

static void strike_multiples(uint64_t divisor, uint64_t low, size_t count, bool *prime)
{
    uint64_t first = divisor * divisor;
    if (first < low) {
        first = (low + divisor - 1) / divisor * divisor;
    }
    for (uint64_t multiple = first; multiple < low + count; multiple += divisor) {
        prime[multiple - low] = false;
    }
}

void oracle_sieve(uint64_t low, size_t count, bool *prime)
{
    memset(prime, true, count);
    for (uint64_t i = low; i < 2 && i < low + count; i++) {
        prime[i - low] = false;
    }
    size_t roots = 2;
    while (roots * roots < low + count) {
        roots++;
    }
    bool *composite = calloc(roots, 1);
    if (composite == NULL) {
        abort();
    }
    for (size_t p = 2; p < roots; p++) {
        if (!composite[p]) {
            for (size_t multiple = p * p; multiple < roots; multiple += p) {
                composite[multiple] = true;
            }
            strike_multiples(p, low, count, prime);
        }
    }
    free(composite);
}

uint64_t oracle_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t oracle_random_size(uint64_t *state)
{
    uint64_t bits = oracle_random(state) % 64;
    uint64_t top = UINT64_C(1) << bits;
    return top | (oracle_random(state) & (top - 1));
}

#define PSI      "smallest strong pseudoprime to the first prime bases"
#define SPSP     "strong pseudoprime to base 2"
#define SQUARE   "square"
#define MERSENNE "Mersenne composite, strong pseudoprime to base 2"
#define HIGH     "strong pseudoprime to base 2 near 2^64"
#define CARM     "Carmichael number"
#define LUCAS    "hard for Lucas tests"
#define SLPSP    "strong Lucas pseudoprime"
#define ESLPSP   "extra strong Lucas pseudoprime"
#define BELOW    "largest prime below a power of two"
#define BASE     "prime that divides a base of Sinclair's"

const struct oracle_case oracle_cases[] = {
    {0, false, "zero"},
    {1, false, "one"},
    {2, true, "the even prime"},
    {3, true, "odd prime"},
    {4, false, SQUARE},
    {2047, false, PSI},
    {1373653, false, PSI},
    {25326001, false, PSI},
    {3215031751, false, PSI},
    {2152302898747, false, PSI},
    {3474749660383, false, PSI},
    {341550071728321, false, PSI},
    {3825123056546413051, false, PSI},
    {3277, false, SPSP},
    {4033, false, SPSP},
    {4681, false, SPSP},
    {8321, false, SPSP},
    {15841, false, SPSP},
    {29341, false, SPSP},
    {42799, false, SPSP},
    {49141, false, SPSP},
    {52633, false, SPSP},
    {65281, false, SPSP},
    {74665, false, SPSP},
    {80581, false, SPSP},
    {85489, false, SPSP},
    {88357, false, SPSP},
    {90751, false, SPSP},
    {1194649, false, "1093^2, strong pseudoprime to base 2"},
    {12327121, false, "3511^2, strong pseudoprime to base 2"},
    {4294967297, false, "Fermat number F5"},
    {8388607, false, MERSENNE},
    {536870911, false, MERSENNE},
    {137438953471, false, MERSENNE},
    {2199023255551, false, MERSENNE},
    {8796093022207, false, MERSENNE},
    {140737488355327, false, MERSENNE},
    {9007199254740991, false, MERSENNE},
    {576460752303423487, false, MERSENNE},
    {UINT64_C(18446744066047760377), false, HIGH},
    {UINT64_C(18446743208455367653), false, HIGH},
    {UINT64_C(18446742409737710881), false, HIGH},
    {UINT64_C(18446725861112997001), false, HIGH},
    {561, false, CARM},
    {1105, false, CARM},
    {1729, false, CARM},
    {2465, false, CARM},
    {2821, false, CARM},
    {6601, false, CARM},
    {8911, false, CARM},
    {10585, false, CARM},
    {UINT64_C(18404023255395111361), false, CARM},
    {UINT64_C(18446312605943409265), false, CARM},
    {UINT64_C(11708069165918597341), false, LUCAS},
    {395009109077493751, false, LUCAS},
    {225670644213750121, false, LUCAS},
    {2386342059899637841, false, LUCAS},
    {5459, false, SLPSP},
    {5777, false, SLPSP},
    {10877, false, SLPSP},
    {16109, false, SLPSP},
    {18971, false, SLPSP},
    {22499, false, SLPSP},
    {989, false, ESLPSP},
    {3239, false, ESLPSP},
    {27971, false, ESLPSP},
    {29681, false, ESLPSP},
    {UINT64_C(18446744030759878681), false, "4294967291^2, the largest square of a prime"},
    {UINT64_C(18446744073709551615), false, "2^64 - 1"},
    {UINT64_C(18446744073709551614), false, "2^64 - 2"},
    {UINT64_C(18446744073709551613), false, "2^64 - 3"},
    {UINT64_C(18446744073709551556), false, "2^64 - 60"},
    {UINT64_C(18446744065119617023), false, "4294967291 * 4294967293"},
    {251, true, BELOW},
    {65521, true, BELOW},
    {16777213, true, BELOW},
    {2147483647, true, BELOW},
    {4294967291, true, BELOW},
    {8589934583, true, BELOW},
    {1099511627689, true, BELOW},
    {281474976710597, true, BELOW},
    {1125899906842597, true, BELOW},
    {4503599627370449, true, BELOW},
    {9007199254740881, true, BELOW},
    {1152921504606846883, true, BELOW},
    {2305843009213693951, true, BELOW},
    {4611686018427387847, true, BELOW},
    {9223372036854775783, true, BELOW},
    {UINT64_C(18446744073709551557), true, BELOW},
    {13, true, BASE},
    {19, true, BASE},
    {73, true, BASE},
    {193, true, BASE},
    {407521, true, BASE},
    {299210837, true, BASE},
    {9999999999999917, true, "largest prime below 10^16"},
    {3333335652092209, false, "57735047^2"},
    {7777777536340681, false, "88191709^2"},
};

const size_t oracle_case_count = sizeof oracle_cases / sizeof oracle_cases[0];
