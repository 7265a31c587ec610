/* bulk_stages: where the time of a line of numbers goes. Each stage of the worker's path, alone, over random
 * 64-bit numbers, in nanoseconds of CPU time a line; strtoull beside the parsers. */

#include "cli/lines.h"
#include "cli/lines_kernel.h"
#include "cli/report.h"

#include <proc_pool/is_prime.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TEXT = 128 * 1024, ROUNDS = 200 };

static char padded[PP_LINES_BEFORE + TEXT + PP_LINES_PADDING];
static char *const text = padded + PP_LINES_BEFORE;
static size_t text_size;
static int file;
static struct pp_lines lines;
static volatile uint64_t sink; /* what a stage computes must go somewhere */

static double cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void read_text(void)
{
    sink += (uint64_t)pread(file, text, text_size, 0);
}

static void parse_with_strtoull(void)
{
    char *end = text;
    while (end < text + text_size) {
        sink += strtoull(end, &end, 10);
        end++;
    }
}

static void parse_portably(void)
{
    for (size_t at = 0; at < text_size; sink += lines.count) {
        pp_lines_take_portable(&lines, text, text_size, &at);
    }
}

static void parse(void)
{
    for (size_t at = 0; at < text_size; sink += lines.count) {
        pp_lines_take(&lines, text, text_size, &at);
    }
}

static void parse_and_test(void)
{
    static bool verdicts[PP_LINES_MAX];
    for (size_t at = 0; at < text_size;) {
        pp_lines_take(&lines, text, text_size, &at);
        pp_is_prime_batch(lines.n, lines.count, verdicts);
        sink += verdicts[0];
    }
}

static void parse_and_format(void)
{
    static char out[PP_LINES_MAX * PP_REPORT_BYTES];
    for (size_t at = 0; at < text_size;) {
        char *end = out;
        pp_lines_take(&lines, text, text_size, &at);
        for (size_t i = 0; i < lines.count; i++) {
            end +=
                pp_report_digits(end, PP_FORMAT_TSV, text + lines.at[i], lines.size[i], PP_VERDICT_COMPOSITE);
        }
        sink += (uint64_t)*out;
    }
}

static double measure(void stage(void), double count)
{
    double best = 0;
    for (int repeat = 0; repeat < 5; repeat++) {
        const double start = cpu_ns();
        for (int i = 0; i < ROUNDS; i++) {
            stage();
        }
        const double took = (cpu_ns() - start) / ROUNDS / count;
        best = repeat == 0 || took < best ? took : best;
    }
    return best;
}

/* SplitMix64, as in bulk_numbers. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Fills the text with random numbers. Returns how many there are. */
static double make_lines(const char *ending)
{
    uint64_t state = 1;
    double count = 0;
    for (text_size = 0; text_size + PP_NUMBER_DIGITS + 2 <= TEXT; count++) {
        text_size += pp_number_format(text + text_size, next_random(&state));
        memcpy(text + text_size, ending, strlen(ending));
        text_size += strlen(ending);
    }
    return count;
}

static int make_file(void)
{
    FILE *temporary = tmpfile();
    file = temporary == NULL ? -1 : fileno(temporary);
    return file != -1 && write(file, text, text_size) == (ssize_t)text_size ? 0 : -1;
}

int main(void)
{
    double count = make_lines("\n");
    if (make_file() != 0) {
        perror("bulk_stages");
        return 1;
    }
    const double parsing = measure(parse, count);
    printf("ns a line: read %.2f, parse %.2f, test %.2f (%s), format tsv %.2f\n", measure(read_text, count),
           parsing, measure(parse_and_test, count) - parsing, pp_is_prime_kernel(),
           measure(parse_and_format, count) - parsing);
    const double slow = measure(parse_with_strtoull, count);
    printf("strtoull %.2f: %.1f x the parser, %.1f x the portable one (%.2f)\n", slow, slow / parsing,
           slow / measure(parse_portably, count), measure(parse_portably, count));
    count = make_lines("\r\n");
    printf("with carriage returns: parse %.2f x\n", measure(parse, count) / parsing);
    return 0;
}
