#include "lucas.h"

#include <stdbool.h>

/* The Jacobi symbol (a | n) for odd n, by quadratic reciprocity. */
static int jacobi(uint64_t a, uint64_t n)
{
    assert(n % 2 == 1);
    int sign = 1;
    for (a %= n; a != 0; a %= n) {
        for (; a % 2 == 0; a /= 2) {
            sign = n % 8 == 3 || n % 8 == 5 ? -sign : sign;
        }
        sign = a % 4 == 3 && n % 4 == 3 ? -sign : sign;
        uint64_t swapped = a;
        a = n;
        n = swapped;
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

uint64_t pp_lucas_parameter_search(uint64_t n)
{
    /* A square has no parameter, and the search would go on until P shares a factor with it. Others have one
     * soon: each P has an even chance, so that it pays to try some first. */
    enum { SQUARES_HAVE_NONE = LUCAS_LAST_P + 10 };
    for (uint64_t p = LUCAS_LAST_P + 1;; p++) {
        int symbol = jacobi(p * p - 4, n);
        if (symbol != 1) {
            return symbol == -1 ? p : 0;
        }
        if (p == SQUARES_HAVE_NONE && is_square(n)) {
            return 0;
        }
    }
}
