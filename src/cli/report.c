#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A fixed text and its size. Always copied as a whole, which is two moves and no call; what is too much is
 * overwritten. */
struct word {
    char bytes[32];
    size_t size;
};

#define WORD(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct word tsv_words[] = {[PP_VERDICT_COMPOSITE] = WORD("\tcomposite\n"),
                                        [PP_VERDICT_PRIME] = WORD("\tprime\n"),
                                        [PP_VERDICT_NEITHER] = WORD("\tneither\n"),
                                        [PP_VERDICT_FAILED] = WORD("\tfailed\n")};

static const struct word json_words[] = {[PP_VERDICT_COMPOSITE] = WORD("\",\"prime\":false}\n"),
                                         [PP_VERDICT_PRIME] = WORD("\",\"prime\":true}\n"),
                                         [PP_VERDICT_NEITHER] = WORD("\",\"prime\":false}\n"),
                                         [PP_VERDICT_FAILED] = WORD("\",\"error\":\"failed\"}\n")};

static const char *const table_marks[] = {[PP_VERDICT_COMPOSITE] = " ",
                                          [PP_VERDICT_PRIME] = "P",
                                          [PP_VERDICT_NEITHER] = " ",
                                          [PP_VERDICT_FAILED] = "?"};

static inline size_t put(char *out, const struct word *word)
{
    memcpy(out, word->bytes, sizeof word->bytes);
    return word->size;
}

size_t pp_report_digits(char *out, enum pp_format format, const char *digits, size_t size,
                        enum pp_verdict verdict)
{
    static const struct word open = WORD("{\"n\":\"");
    size_t at = 0;
    if (format == PP_FORMAT_COUNT || (format == PP_FORMAT_PRIMES && verdict != PP_VERDICT_PRIME)) {
        return 0;
    }
    if (format == PP_FORMAT_JSON) {
        at = put(out, &open);
    }
    memcpy(out + at, digits,
           32); /* of a fixed size, so that it is two moves; what is too much is overwritten */
    at += size;
    if (format == PP_FORMAT_PRIMES) {
        out[at++] = '\n';
        return at;
    }
    return at + put(out + at, format == PP_FORMAT_JSON ? &json_words[verdict] : &tsv_words[verdict]);
}

size_t pp_report_number(char *out, enum pp_format format, uint64_t n, enum pp_verdict verdict, double seconds)
{
    char digits[32] = {0};
    if (format == PP_FORMAT_TABLE) {
        int size =
            snprintf(out, PP_REPORT_BYTES, "%16" PRIu64 "  %s %9.6fs\n", n, table_marks[verdict], seconds);
        return size > 0 ? (size_t)size : 0;
    }
    size_t size = pp_number_format(digits, n);
    return pp_report_digits(out, format, digits, size, verdict);
}

/* The excerpt is printable ASCII; only these two need care in JSON. */
static void append_escaped(struct pp_text *text, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\') {
            pp_text_append(text, "\\", 1);
        }
        pp_text_append(text, &bytes[i], 1);
    }
}

void pp_report_bad(struct pp_text *text, enum pp_format format, uint64_t line, const char *excerpt,
                   size_t size, enum pp_line_kind kind)
{
    if (format == PP_FORMAT_TSV) {
        pp_text_append(text, excerpt, size);
        pp_text_append(text, "\tinvalid\n", 9);
    } else if (format == PP_FORMAT_JSON) {
        pp_text_printf(text, "{\"line\":%" PRIu64 ",\"text\":\"", line);
        append_escaped(text, excerpt, size);
        pp_text_printf(text, "\",\"error\":\"%s\"}\n", pp_line_error(kind));
    }
}

void pp_report_header(struct pp_text *text, enum pp_format format, bool is_known, uint64_t numbers,
                      size_t workers)
{
    if (format != PP_FORMAT_TABLE) {
        return;
    }
    pp_text_printf(text, "Checking ");
    if (is_known) {
        pp_text_printf(text, "%" PRIu64 " ", numbers);
    }
    pp_text_printf(text, "numbers with %zu processes:\n", workers);
}

void pp_report_total(struct pp_text *text, enum pp_format format, uint64_t primes, double seconds)
{
    if (format == PP_FORMAT_TABLE) {
        pp_text_printf(text, "Total time: %.2fs\n", seconds);
    } else if (format == PP_FORMAT_COUNT) {
        pp_text_printf(text, "%" PRIu64 "\n", primes);
    }
}
