#include "support/harness.h"

#include "claim.h"
#include "shared_pages.h"
#include "support/process.h"
#include "support/random.h"

#include <sched.h>

static uint64_t word_of(uint32_t epoch, uint32_t next)
{
    return (uint64_t)epoch << 32 | next;
}

static void assert_count(struct pp_claim *claim, uint32_t epoch, uint32_t sent, uint32_t expected)
{
    uint32_t count = 99;
    ck_assert(pp_claim_count(claim, epoch, sent, &count));
    ck_assert_uint_eq(count, expected);
}

START_TEST(frames_are_claimed_once_and_in_their_order)
{
    struct pp_claim claim = {0};
    assert_count(&claim, 0, 3, 0);
    ck_assert(!pp_claim_take(&claim, 0, 1, 5)); /* not yet: 0 comes first */
    for (uint32_t seq = 0; seq < 3; seq++) {
        ck_assert(pp_claim_take(&claim, 0, seq, 10 + seq));
        ck_assert_uint_eq(claim.started_ns, 10 + seq);
        assert_count(&claim, 0, 3, seq + 1);
        ck_assert(!pp_claim_take(&claim, 0, seq, 20));
    }
}
END_TEST

START_TEST(what_was_taken_back_cannot_be_claimed)
{
    struct pp_claim claim = {0};
    uint32_t count;
    ck_assert(pp_claim_take(&claim, 0, 0, 1));
    ck_assert(pp_claim_take(&claim, 0, 1, 1));
    ck_assert(pp_claim_take_back(&claim, 0, 5, &count));
    ck_assert_uint_eq(count, 2);
    for (uint32_t seq = 0; seq < 6; seq++) {
        ck_assert(!pp_claim_take(&claim, 0, seq, 1));
    }
    assert_count(&claim, 1, 5, 0);
    ck_assert(pp_claim_take(&claim, 1, 0, 1));
    ck_assert(pp_claim_take_back(&claim, 1, 1, &count));
    ck_assert_uint_eq(count, 1);
    ck_assert(pp_claim_take_back(&claim, 2, 0, &count)); /* an epoch in which nothing was sent */
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(claim.word, word_of(3, 0));
}
END_TEST

START_TEST(the_last_frames_of_a_full_epoch_and_the_last_epoch_carry_nothing_over)
{
    struct pp_claim claim = {word_of(UINT32_MAX, UINT32_MAX - 1), 0};
    uint32_t count;
    ck_assert(pp_claim_take(&claim, UINT32_MAX, UINT32_MAX - 1, 1));
    ck_assert_uint_eq(claim.word, word_of(UINT32_MAX, UINT32_MAX));
    ck_assert(pp_claim_check(&claim, UINT32_MAX, UINT32_MAX - 1));
    assert_count(&claim, UINT32_MAX, UINT32_MAX, UINT32_MAX);
    ck_assert(pp_claim_take_back(&claim, UINT32_MAX, UINT32_MAX, &count));
    ck_assert_uint_eq(count, UINT32_MAX);
    ck_assert_uint_eq(claim.word, 0);
    ck_assert(pp_claim_check(&claim, UINT32_MAX, UINT32_MAX - 1));
}
END_TEST

START_TEST(a_word_that_the_protocol_cannot_have_made_is_refused)
{
    static const struct {
        uint32_t epoch, sent;
        uint32_t word_epoch, word_next;
    } table[] = {{0, 0, 0, 1},
                 {0, 3, 0, 4},
                 {0, 3, 1, 0},
                 {1, 3, 0, 3},
                 {7, 100, 8, 100},
                 {7, 100, 6, 1},
                 {7, UINT32_MAX - 1, 7, UINT32_MAX},
                 {0, 5, UINT32_MAX, UINT32_MAX}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint64_t word = word_of(table[i].word_epoch, table[i].word_next);
        struct pp_claim claim = {word, 0};
        uint32_t count;
        ck_assert(!pp_claim_count(&claim, table[i].epoch, table[i].sent, &count));
        ck_assert(!pp_claim_take_back(&claim, table[i].epoch, table[i].sent, &count));
        ck_assert_uint_eq(claim.word, word);
    }
}
END_TEST

START_TEST(a_word_written_over_during_a_task_is_noticed_and_repaired)
{
    static const struct {
        uint32_t epoch, seq; /* was claimed */
        uint32_t word_epoch, word_next;
        bool right;
    } table[] = {{0, 0, 0, 1, true},          /* nothing happened */
                 {0, 0, 1, 0, true},          /* taken back */
                 {0, 0, 1000, 0, true},       /* taken back again and again */
                 {UINT32_MAX, 3, 0, 0, true}, /* taken back at the end of the epochs */
                 {0, 0, 0, 0, false},         {0, 0, 0, 2, false},
                 {5, 9, 5, 9, false},         {5, 9, 5, 11, false},
                 {5, 9, 4, 0, false},         {5, 9, 6, 1, false},
                 {5, 9, 0, 0, false},         {5, 9, UINT32_MAX, UINT32_MAX, false}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct pp_claim claim = {word_of(table[i].word_epoch, table[i].word_next), 0};
        uint64_t before = claim.word;
        ck_assert_msg(pp_claim_check(&claim, table[i].epoch, table[i].seq) == table[i].right, "row %zu", i);
        ck_assert_uint_eq(claim.word, table[i].right ? before : word_of(table[i].epoch, table[i].seq + 1));
    }
}
END_TEST

/* ---- The race: a process that claims against one that takes back ---- */

enum { TASKS = 200000, EPOCHS = 1 << 17 };

/* Epoch e holds the frames of tasks base[e], base[e] + 1, … up to TASKS, all sent at once. */
struct race {
    struct pp_claim claim;
    _Atomic uint32_t sent[EPOCHS]; /* 0: the epoch is not there yet */
    uint32_t base[EPOCHS];
    _Atomic uint32_t runs[TASKS];
};

static int claim_all(void *context)
{
    struct race *race = context;
    uint32_t done = 0;
    for (uint32_t epoch = 0; done < TASKS;) {
        uint32_t sent = atomic_load(&race->sent[epoch]);
        uint32_t seq = 0;
        while (seq < sent && pp_claim_take(&race->claim, epoch, seq, 1)) {
            atomic_fetch_add(&race->runs[race->base[epoch] + seq], 1);
            done = race->base[epoch] + seq + 1;
            seq++;
            if (done % 128 == 0) {
                sched_yield(); /* on a single CPU the other must have its turn */
            }
        }
        if (sent == 0) {
            sched_yield();
        } else if (done < TASKS) {
            epoch++; /* taken back */
        }
    }
    return 0;
}

START_TEST(two_processes_that_race_for_frames_run_each_exactly_once)
{
    struct random random = {(uint64_t)_i};
    struct pp_shared_pages pages;
    ck_assert_int_eq(pp_shared_pages_open(&pages, sizeof(struct race) / 4096 + 1), 0);
    struct race *race = pp_shared_page(&pages, 0);
    uint32_t epoch = 0, base = 0, count, interrupted = 0;
    race->base[0] = 0;
    atomic_store(&race->sent[0], TASKS);
    pid_t pid = process_start(claim_all, race);
    for (;;) {
        /* Mostly while the other is at it, sometimes before it has begun. */
        bool impatient = random_below(&random, 8) == 0;
        do {
            sched_yield();
            ck_assert(pp_claim_count(&race->claim, epoch, TASKS - base, &count));
        } while (count == 0 && !impatient);
        for (size_t spins = random_below(&random, 100); spins > 0; spins--) {
            ck_assert(pp_claim_count(&race->claim, epoch, TASKS - base, &count));
        }
        if (epoch + 1 == EPOCHS) {
            break;
        }
        ck_assert(pp_claim_take_back(&race->claim, epoch, TASKS - base, &count));
        interrupted += count > 0;
        base += count;
        if (base == TASKS) {
            break;
        }
        epoch++;
        race->base[epoch] = base;
        atomic_store(&race->sent[epoch], TASKS - base);
    }
    process_expect_exit(pid, 0);
    for (uint32_t i = 0; i < TASKS; i++) {
        ck_assert_msg(race->runs[i] == 1, "task %u ran %u times", i, race->runs[i]);
    }
    /* Otherwise the two took turns, and nothing was shown. */
    ck_assert_uint_gt(interrupted, 5);
    pp_shared_pages_close(&pages);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("claim");
    TCase *tcase = harness_case(suite, "claim", 20);
    tcase_add_test(tcase, frames_are_claimed_once_and_in_their_order);
    tcase_add_test(tcase, what_was_taken_back_cannot_be_claimed);
    tcase_add_test(tcase, the_last_frames_of_a_full_epoch_and_the_last_epoch_carry_nothing_over);
    tcase_add_test(tcase, a_word_that_the_protocol_cannot_have_made_is_refused);
    tcase_add_test(tcase, a_word_written_over_during_a_task_is_noticed_and_repaired);
    tcase_add_loop_test(tcase, two_processes_that_race_for_frames_run_each_exactly_once, 1, 4);
    return harness_run(suite);
}
