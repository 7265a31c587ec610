#ifndef DEMOS_SAMPLE_H
#define DEMOS_SAMPLE_H

/* sample.h: twenty numbers that are unevenly hard for trial division. Some are prime or the square of a prime
 * near 10^8, so that every divisor must be tried; some have a tiny factor and are done at once. Ascending. */

#include <stdint.h>

static const uint64_t sample[] = {
    2,
    142702110479723,  /* prime */
    299593572317531,  /* prime */
    3333333333333301, /* prime */
    3333333333333333,
    3333335652092209, /* 57735047^2 */
    4444444444444423, /* prime */
    4444444444444444,
    4444444488888889, /* 66666667^2 */
    5555553133149889, /* 74535583^2 */
    5555555555555503, /* prime */
    5555555555555555,
    6666666666666666,
    6666666666666719, /* prime */
    6666667141414921, /* 81649661^2 */
    7777777536340681, /* 88191709^2 */
    7777777777777753, /* prime */
    7777777777777777,
    9999999999999917, /* prime */
    9999999999999999,
};

enum { SAMPLE_COUNT = sizeof sample / sizeof *sample };

#endif
