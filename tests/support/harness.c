#include "support/harness.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

static size_t descriptors_before;

size_t harness_open_descriptors(void)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    /* poll tells of many descriptors at once which are not open; asking for each takes longer than most
     * tests. */
    enum { AT_ONCE = 256 };
    size_t count = 0;
    for (int first = 0; first < (int)limit.rlim_cur; first += AT_ONCE) {
        struct pollfd fds[AT_ONCE];
        nfds_t size = 0;
        for (int fd = first; fd < first + AT_ONCE && fd < (int)limit.rlim_cur; fd++) {
            fds[size++] = (struct pollfd){.fd = fd};
        }
        ck_assert_int_ne(poll(fds, size, 0), -1);
        for (nfds_t i = 0; i < size; i++) {
            count += (fds[i].revents & POLLNVAL) == 0;
        }
    }
    return count;
}

int harness_exhaustive(void)
{
    return getenv("PP_EXHAUSTIVE") != NULL;
}

static void count_before(void)
{
    descriptors_before = harness_open_descriptors();
}

static void assert_nothing_left(void)
{
    ck_assert_uint_eq(harness_open_descriptors(), descriptors_before);
    int status;
    ck_assert_msg(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD, "a child process was left behind");
}

TCase *harness_case(Suite *suite, const char *name, double seconds)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, count_before, assert_nothing_left);
    tcase_set_timeout(tcase, seconds);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int harness_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    int run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
