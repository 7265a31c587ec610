#include "support/harness.h"

#include "pipe_io.h"
#include "timer.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define FAR_NS UINT64_C(1000000000000) /* a quarter of an hour */

static struct pp_timer timer;

static void open_timer(void)
{
    pp_timer_open(&timer);
}

static void close_timer(void)
{
    pp_timer_close(&timer);
}

static bool has_rung(void)
{
    struct pollfd fd = {.fd = timer.fd, .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void wait_for_ring(void)
{
    struct pollfd fd = {.fd = timer.fd, .events = POLLIN};
    ck_assert_int_eq(poll(&fd, 1, -1), 1);
}

START_TEST(a_timer_rings_at_its_time_and_not_before)
{
    ck_assert(!has_rung());
    uint64_t at_ns = pp_clock_ns() + 3000000;
    ck_assert(pp_timer_ring_by(&timer, at_ns));
    ck_assert_uint_eq(timer.at_ns, at_ns);
    wait_for_ring();
    ck_assert_uint_ge(pp_clock_ns(), at_ns);
    pp_timer_rang(&timer);
    ck_assert_uint_eq(timer.at_ns, UINT64_MAX);
}
END_TEST

START_TEST(an_earlier_time_counts_and_a_later_one_changes_nothing)
{
    uint64_t now_ns = pp_clock_ns();
    ck_assert(pp_timer_ring_by(&timer, now_ns + FAR_NS));
    ck_assert(pp_timer_ring_by(&timer, now_ns + 2 * FAR_NS));
    ck_assert_uint_eq(timer.at_ns, now_ns + FAR_NS);
    ck_assert(pp_timer_ring_by(&timer, now_ns + 3000000));
    ck_assert_uint_eq(timer.at_ns, now_ns + 3000000);
    wait_for_ring();
}
END_TEST

START_TEST(a_time_that_has_passed_rings_at_once)
{
    static const uint64_t passed[] = {0, 1, 999999999, 1000000000};
    ck_assert(pp_timer_ring_by(&timer, passed[_i]));
    wait_for_ring();
}
END_TEST

START_TEST(a_timer_that_rang_is_silent_once_it_is_set_again)
{
    ck_assert(pp_timer_ring_by(&timer, 1));
    wait_for_ring();
    pp_timer_rang(&timer);
    ck_assert(pp_timer_ring_by(&timer, pp_clock_ns() + FAR_NS));
    ck_assert(!has_rung());
    ck_assert(pp_timer_ring_by(&timer, 1));
    wait_for_ring();
}
END_TEST

START_TEST(its_descriptor_is_private)
{
    int standard_input = fcntl(STDIN_FILENO, F_DUPFD, 10);
    close(STDIN_FILENO);
    struct pp_timer other;
    pp_timer_open(&other);
    dup2(standard_input, STDIN_FILENO);
    close(standard_input);
    ck_assert_int_gt(other.fd, STDERR_FILENO);
    ck_assert_int_eq(fcntl(other.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    pp_timer_close(&other);
}
END_TEST

START_TEST(a_closed_timer_never_rings)
{
    pp_timer_close(&timer);
    ck_assert_int_eq(timer.fd, -1);
    ck_assert(!pp_timer_ring_by(&timer, 1));
    ck_assert_uint_eq(timer.at_ns, UINT64_MAX);
    pp_timer_close(&timer); /* does nothing */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool/timer");
    TCase *tcase = harness_case(suite, "timer", 30);
    tcase_add_checked_fixture(tcase, open_timer, close_timer);
    open_timer();
    bool is_there = timer.fd != -1;
    close_timer();
    if (is_there) {
        tcase_add_test(tcase, a_timer_rings_at_its_time_and_not_before);
        tcase_add_test(tcase, an_earlier_time_counts_and_a_later_one_changes_nothing);
        tcase_add_loop_test(tcase, a_time_that_has_passed_rings_at_once, 0, 4);
        tcase_add_test(tcase, a_timer_that_rang_is_silent_once_it_is_set_again);
        tcase_add_test(tcase, its_descriptor_is_private);
    }
    tcase_add_test(tcase, a_closed_timer_never_rings);
    return harness_run(suite);
}
