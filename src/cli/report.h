#ifndef CLI_REPORT_H
#define CLI_REPORT_H

/* report.h: how results look, in each format. Formatting only; who writes it where is output.h. */

#include "numbers.h"
#include "options.h"
#include "text.h"

enum pp_verdict { PP_VERDICT_COMPOSITE, PP_VERDICT_PRIME, PP_VERDICT_NEITHER, PP_VERDICT_FAILED };

/* The most bytes that a number takes in any format. */
#define PP_REPORT_BYTES 96

/* The verdict on a number that was tested. */
static inline enum pp_verdict pp_report_verdict(uint64_t n, bool is_prime)
{
    return is_prime ? PP_VERDICT_PRIME : n < 2 ? PP_VERDICT_NEITHER : PP_VERDICT_COMPOSITE;
}

/* Writes the line for a number at `out`, which has PP_REPORT_BYTES, and returns its size; 0 if the format has
 * no line for it. `seconds` is what the test took; only the table shows it. */
size_t pp_report_number(char *out, enum pp_format format, uint64_t n, enum pp_verdict verdict,
                        double seconds);

/* The same for a number whose canonical digits are in memory already, for TSV, JSON and PRIMES. 32 bytes can
 * be read at `digits`. */
size_t pp_report_digits(char *out, enum pp_format format, const char *digits, size_t size,
                        enum pp_verdict verdict);

/* The line for a bad line of the input, number `line`; only JSON and TSV have one. */
void pp_report_bad(struct pp_text *text, enum pp_format format, uint64_t line, const char *excerpt,
                   size_t size, enum pp_line_kind kind);

/* What stands above and below the results: the table's header and total, the count. `numbers` is how many
 * will be checked, if that is known. */
void pp_report_header(struct pp_text *text, enum pp_format format, bool is_known, uint64_t numbers,
                      size_t workers);
void pp_report_total(struct pp_text *text, enum pp_format format, uint64_t primes, double seconds);

#endif
