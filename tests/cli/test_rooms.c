/* The smaller rooms of the program: options, shards, places, texts, the sieve. */

#include "cli/options.h"
#include "cli/places.h"
#include "cli/shard.h"
#include "cli/sieve.h"
#include "cli/text.h"
#include "support/harness.h"

#include <proc_pool/is_prime.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Options ---- */

enum { WORDS_MAX = 24 };

/* Parses words separated by blanks. */
static int parse(struct pp_command *command, struct pp_text *complaint, const char *words)
{
    static char copy[512];
    char *argv[WORDS_MAX + 1] = {"proc_pool"};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, " "); word != NULL && argc < WORDS_MAX; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    return pp_options_parse(command, argc, argv, complaint);
}

START_TEST(every_option_is_understood)
{
    struct pp_command command;
    struct pp_text complaint = {0};
    ck_assert_int_eq(
        parse(&command, &complaint,
              "-m trial 7 -cq --format json -oout --resume --shard=2/5 -t 1.5 --retries 0 a b -- -c"),
        0);
    ck_assert_uint_eq(command.workers, 7);
    ck_assert_int_eq(command.method, PP_METHOD_TRIAL);
    ck_assert_int_eq(command.format, PP_FORMAT_JSON);
    ck_assert(command.as_completed && command.quiet && command.resume && !command.strict);
    ck_assert_str_eq(command.output, "out");
    ck_assert(command.sharded && command.shard == 2 && command.shards == 5);
    ck_assert_uint_eq(command.timeout_ms, 1500);
    ck_assert_uint_eq(command.retries, 0);
    ck_assert_uint_eq(command.input_count, 3);
    ck_assert_str_eq(command.inputs[0], "a");
    ck_assert_str_eq(command.inputs[2], "-c");
    pp_options_free(&command);
    ck_assert_int_eq(
        parse(&command, &complaint, "--strict --stats --progress=never --timeline=t.svg --trace t.json"), 0);
    ck_assert(command.strict && command.stats && command.progress == PP_WHEN_NEVER);
    ck_assert_str_eq(command.timeline, "t.svg");
    ck_assert_str_eq(command.trace, "t.json");
    ck_assert_uint_eq(command.retries, 3);
    ck_assert_uint_eq(command.shards, 1);
    ck_assert_uint_eq(command.workers, 0);
    pp_options_free(&command);
    pp_text_free(&complaint);
}
END_TEST

START_TEST(a_wrong_command_line_is_refused_with_a_reason)
{
    static const char *const wrong[] = {
        "--nope",       "-Z",        "-t",           "-t 0",        "-t 1.2345",  "-t 1e3",    "--shard=1",
        "--shard=1/1",  "--shard=/", "--shard=-1/2", "--retries x", "--strict=1", "4097",      "0",
        "-1",           "x",         "-m",           "-m fas",      "--format=",  "--output=", "-format tsv",
        "--shard=0/0x", "-cqz",      "--timeout=",   "1e3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct pp_command command;
        struct pp_text complaint = {0};
        ck_assert_msg(parse(&command, &complaint, wrong[i]) == -EINVAL, "%s", wrong[i]);
        ck_assert_msg(complaint.size > 10, "%s", wrong[i]);
        ck_assert_ptr_null(memchr(complaint.bytes, '\n', complaint.size));
        pp_options_free(&command);
        pp_text_free(&complaint);
    }
}
END_TEST

START_TEST(no_words_at_all_make_the_parser_stumble)
{
    static const char *const pieces[] = {"-",      "--",  "-t",       "=",  "--shard=", "1/2",
                                         "auto",   "-cq", "--format", "\t", "-o",       "1.5",
                                         "--help", "-m",  "x",        "0",  "--=tsv",   "-tt"};
    unsigned state = 1;
    for (int round = 0; round < 20000; round++) {
        char words[512] = "";
        struct pp_command command;
        struct pp_text complaint = {0};
        for (int i = 0; i < 6; i++) {
            state = state * 1103515245u + 12345u;
            strcat(words, pieces[(state >> 16) % (sizeof pieces / sizeof *pieces)]);
            strcat(words, state & 0x4000 ? " " : "");
        }
        const int error = parse(&command, &complaint, words);
        ck_assert_msg(error == 0 || (error == -EINVAL && complaint.size > 0), "%s", words);
        pp_options_free(&command);
        pp_text_free(&complaint);
    }
}
END_TEST

START_TEST(spelling_distance_counts_edits)
{
    ck_assert_uint_eq(pp_spelling_distance("format", "format"), 0);
    ck_assert_uint_eq(pp_spelling_distance("fromat", "format"), 1);
    ck_assert_uint_eq(pp_spelling_distance("formt", "format"), 1);
    ck_assert_uint_eq(pp_spelling_distance("formats", "format"), 1);
    ck_assert_uint_eq(pp_spelling_distance("", "abc"), 3);
    ck_assert_uint_eq(pp_spelling_distance("kitten", "sitting"), 3);
}
END_TEST

/* ---- Shards ---- */

START_TEST(parts_meet_without_gap_or_overlap)
{
    static const struct pp_position lengths[] = {{0, 0},          {0, 1}, {0, 10},
                                                 {0, UINT64_MAX}, {1, 0}, {3, 12345}};
    static const uint32_t shards[] = {1, 2, 3, 10, 1000003, UINT32_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t j = 0; j < sizeof shards / sizeof *shards; j++) {
            struct pp_position begin = pp_shard_begin(lengths[i], 0, shards[j]);
            struct pp_position end = pp_shard_begin(lengths[i], shards[j], shards[j]);
            ck_assert(begin.high == 0 && begin.low == 0);
            ck_assert(end.high == lengths[i].high && end.low == lengths[i].low);
            for (uint32_t k = 1; k < 1000 && k < shards[j]; k++) {
                struct pp_position at = pp_shard_begin(lengths[i], k, shards[j]);
                ck_assert_int_le(pp_position_compare(begin, at), 0);
                ck_assert_int_le(pp_position_compare(at, end), 0);
                begin = at;
            }
        }
    }
    ck_assert_uint_eq(pp_shard_begin((struct pp_position){0, 10}, 1, 3).low, 3);
    ck_assert_uint_eq(pp_shard_begin((struct pp_position){1, 0}, 1, 2).low, UINT64_C(1) << 63);
    ck_assert_uint_eq(pp_shard_begin((struct pp_position){1, 0}, UINT32_MAX - 1, UINT32_MAX).low,
                      UINT64_MAX - UINT64_C(4294967297));
}
END_TEST

START_TEST(positions_add_and_subtract_with_carry)
{
    const struct pp_position one = {0, 1};
    const struct pp_position most = {0, UINT64_MAX};
    struct pp_position sum = pp_position_add(most, one);
    ck_assert(sum.high == 1 && sum.low == 0);
    struct pp_position difference = pp_position_distance(sum, one);
    ck_assert(difference.high == 0 && difference.low == UINT64_MAX);
    difference = pp_position_distance(one, sum);
    ck_assert(difference.high == 0 && difference.low == 0);
}
END_TEST

/* ---- Places ---- */

START_TEST(lines_are_counted_whatever_order_pieces_come_in)
{
    char path[] = "/tmp/test_rooms_XXXXXX";
    const char text[] = "a\nbb\n\nccc\ndddd\ne"; /* lines begin at 0 2 5 6 10 15 */
    static const uint64_t begins[] = {0, 2, 5, 6, 10, 15};
    int fd = mkstemp(path);
    ck_assert_int_ne(fd, -1);
    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    struct pp_input input = {
        .kind = PP_INPUT_FILE, .name = path, .fd = fd, .last = sizeof text - 1, .file_size = sizeof text - 1};
    struct pp_inputs inputs = {.list = &input, .count = 1};
    for (uint64_t first = 0; first < 16; first++) { /* as a shard that begins at `first` */
        struct pp_places places;
        input.first = first;
        ck_assert_int_eq(pp_places_open(&places, &inputs), 0);
        for (uint64_t at = 15;; at--) { /* the last pieces come first */
            uint64_t lines;
            uint64_t wanted = 0;
            for (size_t i = 0; i < 6; i++) {
                wanted += begins[i] < at;
            }
            ck_assert_int_eq(pp_places_find(&places, 0, at, &lines), 0);
            ck_assert_uint_eq(lines, wanted);
            if (at == first) {
                break;
            }
        }
        pp_places_close(&places);
    }
    close(fd);
    unlink(path);
}
END_TEST

START_TEST(a_gap_closes_when_its_piece_comes)
{
    struct pp_input input = {.kind = PP_INPUT_STREAM, .name = "-", .fd = -1};
    struct pp_inputs inputs = {.list = &input, .count = 1};
    struct pp_places places;
    uint64_t lines;
    ck_assert_int_eq(pp_places_open(&places, &inputs), 0);
    pp_places_learn(&places, 0, 10, 20, 3);
    pp_places_learn(&places, 0, 20, 30, 4);
    pp_places_learn(&places, 0, 0, 10, 5);
    ck_assert_int_eq(pp_places_find(&places, 0, 30, &lines), 0);
    ck_assert_uint_eq(lines, 12);
    pp_places_close(&places);
}
END_TEST

/* ---- The sieve ---- */

struct found {
    uint64_t next; /* the number that must come next, if it is prime */
    uint64_t count;
};

static void assert_next(void *context, const uint64_t *primes, size_t count)
{
    struct found *found = context;
    for (size_t i = 0; i < count; i++) {
        while (!pp_is_prime(found->next)) {
            found->next++;
        }
        ck_assert_uint_eq(primes[i], found->next);
        found->next++;
        found->count++;
    }
}

static uint64_t sieve(uint64_t first, uint64_t last)
{
    struct found found = {first, 0};
    ck_assert_int_eq(pp_sieve_range(first, last, assert_next, &found), 0);
    while (found.next <= last && found.next != 0) {
        ck_assert(!pp_is_prime(found.next));
        found.next++;
    }
    return found.count;
}

START_TEST(the_sieve_finds_the_primes_and_nothing_else)
{
    static const uint64_t starts[] = {0,
                                      65521,
                                      65535u * 65535u,
                                      4294967295 - 5000,
                                      4294967296 + 100000,
                                      UINT64_C(1) << 40,
                                      UINT64_C(10000000000000000),
                                      UINT64_MAX - 20000};
    for (uint64_t first = 0; first < 60; first++) {
        for (uint64_t last = first; last < 130; last++) {
            sieve(first, last);
        }
    }
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        sieve(starts[i], starts[i] + 20000);
        sieve(starts[i] + 1, starts[i] + 1);
    }
    ck_assert_uint_eq(sieve(0, PP_SIEVE_WIDTH - 1), 82025);
    ck_assert_uint_eq(sieve(UINT64_MAX, UINT64_MAX), 0);
}
END_TEST

/* ---- Texts ---- */

START_TEST(a_text_grows_and_keeps_what_it_has)
{
    struct pp_text text = {0};
    for (int i = 0; i < 1000; i++) {
        pp_text_printf(&text, "%d,", i);
        pp_text_append(&text, "x", 1);
    }
    ck_assert_int_eq(text.failed, 0);
    ck_assert_uint_eq(text.size, 10 + 180 + 2700 + 2000);
    ck_assert_mem_eq(text.bytes, "0,x1,x", 6);
    pp_text_free(&text);
    ck_assert_ptr_null(text.bytes);
}
END_TEST

START_TEST(a_word_is_shown_whole_unless_it_is_very_long)
{
    char room[PP_TEXT_SHOWN_BYTES];
    char word[1000];
    for (size_t size = 0; size < sizeof word; size++) {
        memset(word, 'x', size);
        word[size] = '\0';
        const char *shown = pp_text_shown(room, word);
        ck_assert_uint_lt(strlen(shown), PP_TEXT_SHOWN_BYTES);
        ck_assert_int_eq(strcmp(shown, word) == 0, size < PP_TEXT_SHOWN_BYTES);
    }
    for (size_t i = 0; i + 2 < sizeof word; i += 2) {
        memcpy(word + i, "\xC3\xA9", 2);
    }
    for (size_t begin = 0; begin < 2; begin++) { /* a letter of two bytes is not cut, wherever it is */
        word[0] = begin == 0 ? '\xC3' : 'x';
        word[1] = begin == 0 ? '\xA9' : '\xC3';
        if (begin == 1) {
            memmove(word + 2, "\xA9", 1);
            for (size_t i = 3; i + 2 < sizeof word; i += 2) {
                memcpy(word + i, "\xC3\xA9", 2);
            }
        }
        const char *shown = pp_text_shown(room, word);
        ck_assert_uint_eq((strlen(shown) - 3 - begin) % 2, 0);
        ck_assert_str_eq(shown + strlen(shown) - 3, "...");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/rooms");
    TCase *tcase = harness_case(suite, "rooms", 60);
    tcase_add_test(tcase, every_option_is_understood);
    tcase_add_test(tcase, a_wrong_command_line_is_refused_with_a_reason);
    tcase_add_test(tcase, no_words_at_all_make_the_parser_stumble);
    tcase_add_test(tcase, spelling_distance_counts_edits);
    tcase_add_test(tcase, parts_meet_without_gap_or_overlap);
    tcase_add_test(tcase, positions_add_and_subtract_with_carry);
    tcase_add_test(tcase, lines_are_counted_whatever_order_pieces_come_in);
    tcase_add_test(tcase, a_gap_closes_when_its_piece_comes);
    tcase_add_test(tcase, the_sieve_finds_the_primes_and_nothing_else);
    tcase_add_test(tcase, a_text_grows_and_keeps_what_it_has);
    tcase_add_test(tcase, a_word_is_shown_whole_unless_it_is_very_long);
    return harness_run(suite);
}
