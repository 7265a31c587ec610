#include "proc_pool/executor.h"
#include "support/harness.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static const int own_errors[] = {PP_E_CANCELLED,  PP_E_TIMEOUT, PP_E_TASK,   PP_E_TASK_TIMEOUT, PP_E_CRASH,
                                 PP_E_NO_WORKERS, PP_E_STATE,   PP_E_CLOSED, PP_E_AGAIN,        PP_E_END};
enum { OWN_ERRORS = sizeof own_errors / sizeof own_errors[0] };

START_TEST(zero_is_success)
{
    ck_assert_str_eq(pp_strerror(0), "success");
}
END_TEST

START_TEST(each_code_of_the_executor_has_a_message_of_its_own)
{
    const char *message = pp_strerror(own_errors[_i]);
    ck_assert_str_ne(message, pp_strerror(INT_MIN));
    ck_assert_ptr_eq(strstr(message, "nknown"), NULL);
    for (int other = 0; other < OWN_ERRORS; other++) {
        ck_assert(other == _i || strcmp(message, pp_strerror(own_errors[other])) != 0);
    }
}
END_TEST

START_TEST(a_negative_errno_says_what_the_system_says)
{
    static const int numbers[] = {EPERM, ENOENT, EINTR, EAGAIN, ENOMEM, EINVAL, EMFILE, EPIPE, EMSGSIZE};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ck_assert_str_eq(pp_strerror(-numbers[i]), strerror(numbers[i]));
    }
}
END_TEST

START_TEST(any_other_code_has_a_message_too)
{
    static const int codes[] = {1,      EINVAL, 10001,  INT_MAX,     -4000,  -9999,
                                -10000, -10011, -20000, INT_MIN + 1, INT_MIN};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        ck_assert_ptr_ne(pp_strerror(codes[i]), NULL);
        ck_assert_uint_gt(strlen(pp_strerror(codes[i])), 0);
    }
    ck_assert_str_eq(pp_strerror(EINVAL), "unknown error");
}
END_TEST

START_TEST(errno_is_left_alone)
{
    errno = ENOSPC;
    pp_strerror(-EPIPE);
    pp_strerror(-9999);
    ck_assert_int_eq(errno, ENOSPC);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("executor/errors");
    TCase *tcase = harness_case(suite, "strerror", 10);
    tcase_add_test(tcase, zero_is_success);
    tcase_add_loop_test(tcase, each_code_of_the_executor_has_a_message_of_its_own, 0, OWN_ERRORS);
    tcase_add_test(tcase, a_negative_errno_says_what_the_system_says);
    tcase_add_test(tcase, any_other_code_has_a_message_too);
    tcase_add_test(tcase, errno_is_left_alone);
    return harness_run(suite);
}
