#include "support/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

static size_t descriptors_before;

size_t harness_open_descriptors(void)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    size_t count = 0;
    for (int fd = 0; fd < (int)limit.rlim_cur; fd++) {
        if (fcntl(fd, F_GETFD) != -1) {
            count++;
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
