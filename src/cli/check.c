/* check.c: a piece, from bytes to answer.
 *
 * check_piece -> by kind: check_file (reads) or check_text -> check_lines, batch after batch: pp_lines_take
 * (text to numbers) -> test_numbers (all at once) -> report_lines (numbers to text). Ranges have no text to
 * begin with: check_range. The output is written into the reply as it comes (sheet.h); everything else
 * gathers in `work`, which lives as long as the worker, and follows it. */

#include "check.h"

#include "board.h"
#include "clock.h"
#include "lines.h"
#include "piece.h"
#include "report.h"
#include "sheet.h"
#include "sieve.h"

#include <proc_pool/is_prime.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A file is read WINDOW bytes at a time, which stay in the cache until they are answered, and some BEYOND for
 * the line that goes on there. */
enum { WINDOW = 128 * 1024, BEYOND = 64 };
enum {
    PIECE_OF_LINE = 32,
    PIECE_MIN = 16 * 1024,
    PIECE_MAX = 1024 * 1024,
    PIECE_MAX_MANY_RESULTS =
        64 * 1024, /* more than one of its answers fits into a pipe: work goes on while it drains */
    PIECES_A_WORKER = 16
};

static const struct pp_job *job;

/* The worker's own memory. */
static struct {
    struct pp_answer answer;
    struct pp_sheet output;
    struct pp_text bad;      /* records */
    struct pp_text bad_line; /* what is written for one */
    bool stopped;            /* strict, and there was a bad line */
    struct pp_lines lines;
    uint64_t numbers[PP_LINES_MAX]; /* those of the batch that are not settled at sight */
    uint32_t of_line[PP_LINES_MAX]; /* which line each of them is on */
    bool verdicts[PP_LINES_MAX];    /* on each of them */
    bool is_prime[PP_LINES_MAX];    /* by line */
} work;

void pp_check_prepare(const struct pp_job *the_job)
{
    job = the_job;
}

bool pp_check_is_one_by_one(const struct pp_job *the_job)
{
    return the_job->method == PP_METHOD_TRIAL || the_job->format == PP_FORMAT_TABLE;
}

static bool has_few_results(const struct pp_job *the_job)
{
    return the_job->format == PP_FORMAT_PRIMES || the_job->format == PP_FORMAT_COUNT;
}

uint32_t pp_check_choose_piece_bytes(const struct pp_job *the_job, uint64_t total, size_t workers)
{
    if (pp_check_is_one_by_one(the_job)) {
        return PIECE_OF_LINE;
    }
    const uint64_t most = has_few_results(the_job) ? PIECE_MAX : PIECE_MAX_MANY_RESULTS;
    const uint64_t share = total / (workers * PIECES_A_WORKER);
    return (uint32_t)(share < PIECE_MIN ? PIECE_MIN : share > most ? most : share);
}

/* By trial division a number costs up to half its square root divisions; a millisecond holds about a million.
 */
static uint64_t trial_piece_numbers(uint64_t n)
{
    uint64_t root = 1;
    while (root < UINT32_MAX && root * root < n) {
        root *= 2;
    }
    const uint64_t numbers = 2000000 / root;
    return numbers < 1 ? 1 : numbers > 4096 ? 4096 : numbers;
}

uint64_t pp_check_piece_numbers(const struct pp_job *the_job, uint64_t n)
{
    if (the_job->method == PP_METHOD_TRIAL) {
        return trial_piece_numbers(n);
    }
    return has_few_results(the_job) ? PP_SIEVE_WIDTH : the_job->format == PP_FORMAT_TABLE ? 512 : 8192;
}

/* ---- One number at a time: where each is to be timed, or takes long ---- */

static bool test_one(uint64_t n)
{
    return job->method == PP_METHOD_TRIAL ? pp_is_prime_trial(n) : pp_is_prime(n);
}

static void check_number(uint64_t n)
{
    const uint64_t start = job->format == PP_FORMAT_TABLE ? pp_monotonic_ns() : 0;
    const bool prime = test_one(n);
    const uint64_t end = job->format == PP_FORMAT_TABLE ? pp_monotonic_ns() : 0;
    work.answer.numbers++;
    work.answer.primes += prime;
    char *out = pp_sheet_room(&work.output, PP_REPORT_BYTES);
    if (out != NULL) {
        work.output.at +=
            pp_report_number(out, job->format, n, pp_report_verdict(n, prime), (double)(end - start) * 1e-9);
    }
}

/* ---- Lines ---- */

static void write_bad(const char *excerpt, size_t size, enum pp_line_kind kind)
{
    struct pp_text *text = &work.bad_line;
    text->size = 0;
    pp_report_bad(text, job->format, 0, excerpt, size, kind);
    char *out = pp_sheet_room(&work.output, text->size);
    if (out != NULL && !text->failed) {
        memcpy(out, text->bytes, text->size);
        work.output.at += text->size;
    }
}

static void add_bad(uint64_t line, enum pp_line_kind kind, const char *excerpt, size_t size)
{
    struct pp_bad bad = {.line = (uint32_t)line,
                         .output_at = (uint32_t)pp_sheet_size(&work.output),
                         .kind = (uint8_t)kind,
                         .text_size = (uint8_t)size};
    memcpy(bad.text, excerpt, size);
    pp_text_append(&work.bad, &bad, pp_bad_size(&bad));
    work.answer.bad_count++;
    work.stopped = job->strict;
    if (job->format == PP_FORMAT_TSV && !job->strict) {
        write_bad(excerpt, size, kind);
    }
}

static void add_bad_scan(uint64_t line, const struct pp_line *scan, enum pp_line_kind kind)
{
    char excerpt[PP_EXCERPT_BYTES];
    const size_t size = pp_line_excerpt(scan, excerpt);
    add_bad(line, kind, excerpt, size);
}

static void add_bad_line(uint64_t line, const char *bytes, size_t size, enum pp_line_kind kind)
{
    struct pp_line scan;
    pp_line_begin(&scan);
    pp_line_feed(&scan, bytes, size);
    add_bad_scan(line, &scan, kind);
}

/* Not settled at sight, as even numbers and multiples of 3 and 5 are. (n * the inverse of p is at most
 * (2^64 - 1) / p exactly for multiples of p: Granlund and Montgomery, 1994.) */
static bool is_open(uint64_t n)
{
    const bool odd = n % 2 != 0;
    const bool no_3 = n * 0xAAAAAAAAAAAAAAABu > UINT64_MAX / 3;
    const bool no_5 = n * 0xCCCCCCCCCCCCCCCDu > UINT64_MAX / 5;
    return (odd & no_3 & no_5) | (n < 6);
}

/* Tests the numbers of the first `count` lines of the batch, into work.is_prime. */
static void test_numbers(size_t count)
{
    const struct pp_lines *lines = &work.lines;
    size_t open = 0;
    for (size_t i = 0; i < count; i++) { /* without a branch, which could not be foretold */
        work.numbers[open] = lines->n[i];
        work.of_line[open] = (uint32_t)i;
        open += is_open(lines->n[i]);
    }
    pp_is_prime_batch(work.numbers, open, work.verdicts);
    memset(work.is_prime, 0, count * sizeof *work.is_prime);
    for (size_t i = 0; i < open; i++) {
        work.is_prime[work.of_line[i]] = work.verdicts[i];
        work.answer.primes += work.verdicts[i];
    }
}

/* The first line of the batch that is bad; count if none is. */
static size_t find_bad(const struct pp_lines *lines, size_t count)
{
    size_t i = 0;
    while (i < count && lines->kind[i] <= PP_LINE_PASSED_OVER) {
        i++;
    }
    return i;
}

/* A line that is the canonical form of its number: its own digits are what is written. */
static void report_plain(const char *text, size_t i)
{
    const struct pp_lines *lines = &work.lines;
    char *out = pp_sheet_room(&work.output, PP_REPORT_BYTES);
    if (out != NULL) {
        work.output.at += pp_report_digits(out, job->format, text + lines->at[i], lines->size[i],
                                           pp_report_verdict(lines->n[i], work.is_prime[i]));
    }
}

/* Any other line. */
static void report_odd(const char *text, size_t i, uint64_t first_line)
{
    const struct pp_lines *lines = &work.lines;
    const enum pp_line_kind kind = (enum pp_line_kind)lines->kind[i];
    if (kind == PP_LINE_PASSED_OVER) {
        return;
    }
    if (kind != PP_LINE_NUMBER) {
        add_bad_line(first_line + i, text + lines->at[i], lines->size[i], kind);
        return;
    }
    work.answer.numbers++;
    char *out = pp_sheet_room(&work.output, PP_REPORT_BYTES);
    if (out != NULL) {
        work.output.at += pp_report_number(out, job->format, lines->n[i],
                                           pp_report_verdict(lines->n[i], work.is_prime[i]), 0);
    }
}

/* Where only primes are written, the others leave no trace. */
static void report_batch(const char *text, size_t count, uint64_t first_line)
{
    const bool only_primes = has_few_results(job);
    for (size_t i = 0; i < count; i++) {
        if (!work.lines.is_plain[i]) {
            report_odd(text, i, first_line);
        } else {
            work.answer.numbers++;
            if (!only_primes || work.is_prime[i]) {
                report_plain(text, i);
            }
        }
    }
}

static void check_each(const char *text, size_t count, uint64_t first_line)
{
    const struct pp_lines *lines = &work.lines;
    for (size_t i = 0; i < count; i++) {
        if (lines->kind[i] == PP_LINE_NUMBER) {
            check_number(lines->n[i]);
        } else if (lines->kind[i] != PP_LINE_PASSED_OVER) {
            add_bad_line(first_line + i, text + lines->at[i], lines->size[i],
                         (enum pp_line_kind)lines->kind[i]);
        }
    }
}

/* Whole lines, with padding as lines.h wants it. */
static void check_lines(const char *text, size_t size)
{
    struct pp_lines *lines = &work.lines;
    size_t at = 0;
    while (at < size && !work.stopped) {
        pp_lines_take(lines, text, size, &at);
        const size_t good = job->strict ? find_bad(lines, lines->count) : lines->count;
        const size_t count = good < lines->count ? good + 1 : good;
        if (job->format == PP_FORMAT_TABLE || job->method == PP_METHOD_TRIAL) {
            check_each(text, count, work.answer.lines);
        } else {
            test_numbers(count);
            report_batch(text, count, work.answer.lines);
        }
        work.answer.lines += count;
        pp_board_progress(work.answer.numbers);
    }
}

/* A line that is too long to be held: its bytes have gone through `scan`. */
static void check_scanned(const struct pp_line *scan)
{
    uint64_t n;
    enum pp_line_kind kind = pp_line_end(scan, &n);
    if (kind == PP_LINE_NUMBER) {
        check_number(n);
    } else if (kind != PP_LINE_PASSED_OVER) {
        add_bad_scan(work.answer.lines, scan, kind);
    }
    work.answer.lines++;
}

/* ---- A piece of a file ---- */

/* The rest of a line that began with `begun` and goes on in the file at `offset`. */
static int scan_long_line(int fd, const char *begun, size_t size, uint64_t offset, uint64_t end)
{
    static char more[64 * 1024];
    struct pp_line scan;
    pp_line_begin(&scan);
    pp_line_feed(&scan, begun, size);
    while (offset < end) {
        const size_t wanted = end - offset < sizeof more ? (size_t)(end - offset) : sizeof more;
        const int error = pp_input_read_at(fd, more, wanted, offset);
        if (error != 0) {
            return error;
        }
        const char *newline = memchr(more, '\n', wanted);
        pp_line_feed(&scan, more, newline == NULL ? wanted : (size_t)(newline - more));
        offset = newline == NULL ? offset + wanted : end;
    }
    check_scanned(&scan);
    return 0;
}

static const char *find_last_newline(const char *text, size_t size)
{
    while (size > 0 && text[size - 1] != '\n') {
        size--;
    }
    return size == 0 ? NULL : text + size - 1;
}

/* The lines of bytes[0 … size - 1] that begin before bytes[own]; the first begins at bytes[0]. What is behind
 * them in the file is at `offset`, which is also the end of the file if it is `end`. */
static int check_owned(int fd, char *bytes, size_t own, size_t size, uint64_t offset, uint64_t end)
{
    const char *last = find_last_newline(bytes, own - 1); /* what ends the last line but one */
    size_t last_begin = last == NULL ? 0 : (size_t)(last - bytes) + 1;
    char *last_end = memchr(bytes + own - 1, '\n', size - (own - 1));
    if (last_end == NULL && offset == end) {
        last_end = bytes + size;
        *last_end = '\n';
    }
    if (last_end != NULL) {
        check_lines(bytes, (size_t)(last_end - bytes) + 1);
        return 0;
    }
    check_lines(bytes, last_begin);
    return work.stopped ? 0 : scan_long_line(fd, bytes + last_begin, size - last_begin, offset, end);
}

/* The lines that begin in bytes first … last - 1, which are a window at most. Reads a little more, because
 * the last line goes on beyond them, and one byte before, because that says whether a line begins at the
 * first. */
static int check_window(const struct pp_input *input, uint64_t first, uint64_t last)
{
    static char padded[PP_LINES_BEFORE + 1 + WINDOW + BEYOND + 1 + PP_LINES_PADDING];
    char *bytes = padded + PP_LINES_BEFORE;
    const size_t before = first > 0;
    const size_t own = (size_t)(last - first);
    const uint64_t left = input->file_size - last;
    const size_t beyond = left < BEYOND ? (size_t)left : BEYOND;
    const size_t size = before + own + beyond;
    const int error = pp_input_read_at(input->fd, bytes, size, first - before);
    if (error != 0) {
        return error;
    }
    size_t begin = 0;
    if (before == 1) { /* a newline before the last byte begins a line in the piece */
        const char *newline = memchr(bytes, '\n', own);
        if (newline == NULL) {
            return 0;
        }
        begin = (size_t)(newline - bytes) + 1;
    }
    return check_owned(input->fd, bytes + begin, before + own - begin, size - begin, last + beyond,
                       input->file_size);
}

static int check_file(const struct pp_piece *piece)
{
    const struct pp_input *input = &job->inputs->list[piece->input];
    int error = 0;
    for (uint64_t at = piece->first; at < piece->last && error == 0 && !work.stopped; at += WINDOW) {
        error = check_window(input, at, piece->last - at < WINDOW ? piece->last : at + WINDOW);
    }
    return error;
}

/* ---- Ranges ---- */

static void add_primes(void *context, const uint64_t *primes, size_t count)
{
    (void)context;
    work.answer.primes += count;
    char *out =
        job->format == PP_FORMAT_COUNT ? NULL : pp_sheet_room(&work.output, count * (PP_NUMBER_DIGITS + 1));
    if (out == NULL) {
        return;
    }
    char *at = out;
    for (size_t i = 0; i < count; i++) {
        at += pp_number_format(at, primes[i]);
        *at++ = '\n';
    }
    work.output.at = at;
}

/* Adds one to the decimal digits that end before `end`; there is room for one more in front. Returns where
 * they begin now. */
static char *count_up(char *begin, char *end)
{
    char *digit = end - 1;
    while (digit >= begin && *digit == '9') {
        *digit-- = '0';
    }
    if (digit < begin) {
        *--begin = '1';
        return begin;
    }
    ++*digit;
    return begin;
}

/* Every number of the range has a line: the digits are counted up beside the numbers. */
static void report_range(uint64_t first, uint64_t last)
{
    char digits[64];
    char *const end = digits + 1 + PP_NUMBER_DIGITS;
    size_t size = pp_number_format(digits, first);
    char *begin = memmove(end - size, digits, size);
    for (uint64_t from = first;; from += PP_LINES_MAX) {
        const size_t count = last - from < PP_LINES_MAX ? (size_t)(last - from) + 1 : PP_LINES_MAX;
        for (size_t i = 0; i < count; i++) {
            work.lines.n[i] = from + i;
        }
        test_numbers(count);
        char *out = pp_sheet_room(&work.output, count * PP_REPORT_BYTES);
        for (size_t i = 0; i < count && out != NULL; i++) {
            size = pp_report_digits(out, job->format, begin, (size_t)(end - begin),
                                    pp_report_verdict(from + i, work.is_prime[i]));
            out += size;
            work.output.at = out;
            begin = count_up(begin, end);
        }
        if (last - from < PP_LINES_MAX) {
            return;
        }
    }
}

static int check_range(uint64_t first, uint64_t last)
{
    if (job->method == PP_METHOD_TRIAL || job->format == PP_FORMAT_TABLE) {
        for (uint64_t n = first;; n++) {
            check_number(n);
            if (n == last) {
                return 0;
            }
        }
    }
    work.answer.numbers += last - first + 1;
    if (job->format == PP_FORMAT_PRIMES || job->format == PP_FORMAT_COUNT) {
        return pp_sieve_range(first, last, add_primes, NULL);
    }
    report_range(first, last);
    return 0;
}

/* ---- The task ---- */

static int check_by_kind(const struct pp_piece *piece)
{
    const char *bytes = (const char *)(piece + 1);
    switch ((enum pp_piece_kind)piece->kind) {
    case PP_PIECE_FILE:
        return check_file(piece);
    case PP_PIECE_TEXT:
        check_lines(bytes, piece->size);
        return 0;
    case PP_PIECE_RANGE:
        return check_range(piece->first, piece->last);
    case PP_PIECE_NUMBER:
        check_number(piece->first);
        return 0;
    case PP_PIECE_BAD:
        add_bad(0, (enum pp_line_kind)piece->first, bytes, piece->size);
        work.answer.lines = 1;
        return 0;
    }
    return -EINVAL;
}

int pp_check_piece(const void *arg, size_t arg_size, pp_reply *reply)
{
    (void)arg_size;
    work.answer = (struct pp_answer){.started_ns = pp_monotonic_ns(), .lane = pp_board_lane()};
    pp_sheet_begin(&work.output, reply);
    work.bad.size = 0;
    work.stopped = false;
    pp_board_begin(work.answer.started_ns);
    int error = check_by_kind(arg);
    pp_sheet_end(&work.output);
    work.answer.ended_ns = pp_monotonic_ns();
    work.answer.output_size = pp_sheet_size(&work.output);
    pp_board_end(work.answer.numbers, work.answer.ended_ns);
    if (error == 0 && (work.output.failed || work.bad.failed || work.bad_line.failed)) {
        error = -ENOMEM;
    }
    if (error == 0) {
        error = pp_reply_append(reply, work.bad.bytes, work.bad.size);
    }
    return error != 0 ? error : pp_reply_append(reply, &work.answer, sizeof work.answer);
}
