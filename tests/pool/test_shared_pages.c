#include "support/harness.h"

#include "shared_pages.h"
#include "support/process.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>

enum { COUNT = 5 };

struct visit {
    struct pp_shared_pages pages;
    size_t kept;
    size_t touched;
};

static int touch(void *context)
{
    struct visit *visit = context;
    const struct sigaction to_default = {.sa_handler = SIG_DFL};
    sigaction(SIGSEGV, &to_default, NULL); /* a sanitizer may have caught it */
    volatile unsigned char *touched = pp_shared_page(&visit->pages, visit->touched);
    volatile unsigned char *kept = pp_shared_page(&visit->pages, visit->kept);
    pp_shared_pages_keep_only(&visit->pages, visit->kept);
    if (pp_shared_page(&visit->pages, 0) != (void *)kept || visit->pages.count != 1) {
        return 1;
    }
    kept[visit->pages.page_size - 1] = 77;
    touched[0]++;
    return 0;
}

START_TEST(a_child_that_keeps_one_page_shares_it_and_cannot_touch_the_others)
{
    struct visit visit;
    ck_assert_int_eq(pp_shared_pages_open(&visit.pages, COUNT), 0);
    ck_assert_uint_eq(visit.pages.count, COUNT);
    for (visit.kept = 0; visit.kept < COUNT; visit.kept++) {
        for (visit.touched = 0; visit.touched < COUNT; visit.touched++) {
            unsigned char *touched = pp_shared_page(&visit.pages, visit.touched);
            unsigned char *kept = pp_shared_page(&visit.pages, visit.kept);
            touched[0] = 5;
            kept[visit.pages.page_size - 1] = 0;
            pid_t pid = process_start(touch, &visit);
            if (visit.touched == visit.kept) {
                process_expect_exit(pid, 0);
                ck_assert_uint_eq(touched[0], 6);
            } else {
                process_expect_signal(pid, SIGSEGV);
                ck_assert_uint_eq(touched[0], 5);
            }
            ck_assert_uint_eq(kept[visit.pages.page_size - 1], 77);
        }
    }
    pp_shared_pages_close(&visit.pages);
}
END_TEST

START_TEST(pages_begin_zeroed_and_apart)
{
    struct pp_shared_pages pages;
    ck_assert_int_eq(pp_shared_pages_open(&pages, COUNT), 0);
    for (size_t i = 0; i < COUNT; i++) {
        unsigned char *page = pp_shared_page(&pages, i);
        ck_assert_uint_eq((uintptr_t)page % pages.page_size, 0);
        for (size_t byte = 0; byte < pages.page_size; byte++) {
            ck_assert_uint_eq(page[byte], 0);
            page[byte] = 0xff;
        }
    }
    pp_shared_pages_close(&pages);
    ck_assert_ptr_null(pages.memory);
    pp_shared_pages_close(&pages); /* does nothing */
}
END_TEST

START_TEST(a_single_page_is_kept_whole)
{
    struct visit visit = {.kept = 0, .touched = 0};
    ck_assert_int_eq(pp_shared_pages_open(&visit.pages, 1), 0);
    process_expect_exit(process_start(touch, &visit), 0);
    pp_shared_pages_close(&visit.pages);
}
END_TEST

START_TEST(more_pages_than_there_is_memory_for_are_refused)
{
    static const size_t counts[] = {SIZE_MAX, SIZE_MAX / 4096, SIZE_MAX / 4096 + 2, SIZE_MAX / 8192};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct pp_shared_pages pages = {0};
        ck_assert_int_eq(pp_shared_pages_open(&pages, counts[i]), -ENOMEM);
        ck_assert_ptr_null(pages.memory);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shared_pages");
    TCase *tcase = harness_case(suite, "shared_pages", 10);
    tcase_add_test(tcase, a_child_that_keeps_one_page_shares_it_and_cannot_touch_the_others);
    tcase_add_test(tcase, pages_begin_zeroed_and_apart);
    tcase_add_test(tcase, a_single_page_is_kept_whole);
    tcase_add_test(tcase, more_pages_than_there_is_memory_for_are_refused);
    return harness_run(suite);
}
