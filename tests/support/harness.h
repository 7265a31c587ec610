#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

/* What every suite shares: running it, and the proof that a test leaves nothing behind. */

#include <check.h>
#include <stddef.h>

/* A test case with the fixture that counts this process's descriptors and children before and after each test
 * and fails the test that leaves one more. `seconds` is the time limit of each of its tests. */
TCase *harness_case(Suite *suite, const char *name, double seconds);

/* Runs the suite, each test in a process of its own, prints what failed and the totals. For main() to return. */
int harness_run(Suite *suite);

/* How many descriptors this process has open. */
size_t harness_open_descriptors(void);

/* PP_EXHAUSTIVE is set: run the long form of a test. */
int harness_exhaustive(void);

#endif
