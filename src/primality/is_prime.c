/* One number: small divisors, then the strong probable prime test to base 2, then the extra strong Lucas
 * test. */

#include "proc_pool/is_prime.h"

#include "montgomery.h"

static const uint8_t small_primes[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61};

/* The exponent of 2 in n, for n > 0. */
static int trailing_zeros(uint64_t n)
{
    int zeros = 0;
    for (; n % 2 == 0; n /= 2) {
        zeros++;
    }
    return zeros;
}

/* The Jacobi symbol (a | n), for odd n. */
static int jacobi(uint64_t a, uint64_t n)
{
    int sign = 1;
    for (a %= n; a != 0; a %= n) {
        int twos = trailing_zeros(a);
        a >>= twos;
        if (twos % 2 == 1 && (n % 8 == 3 || n % 8 == 5)) {
            sign = -sign;
        }
        if (a % 4 == 3 && n % 4 == 3) {
            sign = -sign;
        }
        uint64_t swap = a;
        a = n;
        n = swap;
    }
    return n == 1 ? sign : 0;
}

static bool is_square(uint64_t n)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
        root |= (root | bit) * (root | bit) <= n ? bit : 0;
    }
    return root * root == n;
}

/* The strong probable prime test: with n - 1 = d * 2^s, either 2^d = 1 or 2^(d * 2^r) = -1 for some r < s. */
static bool is_probable_prime_base_2(uint64_t n, uint64_t inverse)
{
    uint64_t one_m = montgomery_one(n), minus_one_m = n - one_m;
    int s = trailing_zeros(n - 1);
    uint64_t d = (n - 1) >> s;
    uint64_t x_m = one_m;
    for (int bit = 63; bit >= 0; bit--) {
        x_m = montgomery_multiply(x_m, x_m, n, inverse);
        if (d >> bit & 1) {
            x_m = add_mod(x_m, x_m, n);
        }
    }
    bool probable = x_m == one_m || x_m == minus_one_m;
    for (int r = 1; r < s; r++) {
        x_m = montgomery_multiply(x_m, x_m, n, inverse);
        probable |= x_m == minus_one_m;
    }
    return probable;
}

/* The extra strong Lucas test (J. Grantham's, with R. Baillie's parameters): Q = 1 and P the first of 3, 4,
 * 5, ... with (D | n) = -1, D = P^2 - 4. With n + 1 = d * 2^s, either V_d = +-2 and U_d = 0, or V_(d * 2^r) =
 * 0 for some r < s - 1. U_d = 0 is seen in V_(d+1): D * U_d = 2 * V_(d+1) - P * V_d. */
static bool is_lucas_probable_prime(uint64_t n, uint64_t inverse)
{
    uint64_t p = 3;
    for (int symbol; (symbol = jacobi(p * p - 4, n)) != -1; p++) {
        if (symbol == 0 || (p == 20 && is_square(n))) {
            return false;
        }
    }
    uint64_t one_m = montgomery_one(n), two_m = add_mod(one_m, one_m, n), p_m = two_m;
    for (uint64_t i = 2; i < p; i++) {
        p_m = add_mod(p_m, one_m, n);
    }
    int s = trailing_zeros(n + 1);
    uint64_t d = (n + 1) >> s;
    uint64_t v_m = two_m, next_m = p_m; /* V_k and V_(k+1), with k the bits of d seen so far */
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t between_m = subtract_mod(montgomery_multiply(v_m, next_m, n, inverse), p_m, n);
        if (d >> bit & 1) {
            next_m = subtract_mod(montgomery_multiply(next_m, next_m, n, inverse), two_m, n);
            v_m = between_m;
        } else {
            v_m = subtract_mod(montgomery_multiply(v_m, v_m, n, inverse), two_m, n);
            next_m = between_m;
        }
    }
    bool probable = (v_m == two_m && next_m == p_m) || (v_m == n - two_m && next_m == n - p_m);
    for (int r = 0; r < s - 1; r++) {
        probable |= v_m == 0;
        v_m = subtract_mod(montgomery_multiply(v_m, v_m, n, inverse), two_m, n);
    }
    return probable;
}

bool pp_is_prime(uint64_t n)
{
    for (size_t i = 0; i < sizeof small_primes; i++) {
        if (n % small_primes[i] == 0) {
            return n == small_primes[i];
        }
    }
    if (n < 67 * 67) {
        return n > 1;
    }
    uint64_t inverse = inverse_mod_2_64(n);
    return is_probable_prime_base_2(n, inverse) && is_lucas_probable_prime(n, inverse);
}
