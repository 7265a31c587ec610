#include "ledger.h"

#include "messages.h"
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int pp_ledger_open(struct pp_ledger *ledger, const struct pp_job *job, struct pp_output *output, bool quiet)
{
    *ledger = (struct pp_ledger){.job = job, .output = output, .quiet = quiet};
    return pp_places_open(&ledger->places, job->inputs);
}

void pp_ledger_close(struct pp_ledger *ledger)
{
    if (ledger->job != NULL) {
        pp_places_close(&ledger->places);
    }
}

/* ---- Where a piece is ---- */

static bool has_lines(const struct pp_piece *piece)
{
    return piece->kind == PP_PIECE_FILE || piece->kind == PP_PIECE_TEXT || piece->kind == PP_PIECE_BAD;
}

static uint64_t begin_of(const struct pp_piece *piece)
{
    return piece->kind == PP_PIECE_BAD ? piece->last - 1 : piece->first;
}

/* How many lines of the input come before the piece. */
static int count_before(struct pp_ledger *ledger, const struct pp_piece *piece, uint64_t *lines)
{
    if (piece->line > 0) {
        *lines = piece->line - 1;
        return 0;
    }
    const int error = pp_places_find(&ledger->places, piece->input, begin_of(piece), lines);
    ledger->input_failed = error != 0;
    return error;
}

static const char *name_of(const struct pp_ledger *ledger, const struct pp_piece *piece)
{
    return ledger->job->inputs->list[piece->input].name;
}

/* ---- Bad lines ---- */

static void report_bad(struct pp_ledger *ledger, const struct pp_piece *piece, uint64_t line,
                       const struct pp_bad *bad)
{
    if (ledger->quiet) {
        return;
    }
    if (bad->kind == PP_LINE_OUT_OF_RANGE) {
        pp_messages_add("%s:%" PRIu64 ": out of range: %.*s (numbers go from 0 to 18446744073709551615)",
                        name_of(ledger, piece), line, (int)bad->text_size, bad->text);
    } else {
        pp_messages_add("%s:%" PRIu64 ": not a number: \"%.*s\"", name_of(ledger, piece), line,
                        (int)bad->text_size, bad->text);
    }
}

/* The output up to where the bad line comes, then what the format says about the line. */
static void put_bad(struct pp_ledger *ledger, uint64_t line, const struct pp_bad *bad)
{
    struct pp_text text = {0};
    if (!ledger->job->strict) {
        pp_report_bad(&text, ledger->job->format, line, bad->text, bad->text_size,
                      (enum pp_line_kind)bad->kind);
        (void)pp_output_write(ledger->output, text.bytes, text.size);
    }
    pp_text_free(&text);
}

/* Takes one record out of the first *size bytes. False: there is none, or it makes no sense. */
static bool take_bad(struct pp_bad *bad, const char **records, size_t *size, uint64_t from,
                     uint64_t output_size)
{
    if (*size < PP_BAD_HEAD) {
        return false;
    }
    memcpy(bad, *records, PP_BAD_HEAD);
    if (bad->text_size > PP_EXCERPT_BYTES || *size < pp_bad_size(bad) || bad->output_at < from ||
        bad->output_at > output_size) {
        return false;
    }
    memcpy(bad->text, *records + PP_BAD_HEAD, bad->text_size);
    *records += pp_bad_size(bad);
    *size -= pp_bad_size(bad);
    return true;
}

/* The piece's output, with its bad lines. TSV has them in the output already; JSON lacks them there, because
 * only here their line numbers are known. */
static int put_with_bad(struct pp_ledger *ledger, const struct pp_piece *piece,
                        const struct pp_answer *answer, const char *output, size_t records_size)
{
    const bool is_json = ledger->job->format == PP_FORMAT_JSON;
    const char *records = output + answer->output_size;
    uint64_t before = 0;
    uint64_t put = 0;
    int error = 0;
    if (answer->bad_count > 0 && (!ledger->quiet || is_json)) {
        error = count_before(ledger, piece, &before);
    }
    for (uint32_t i = 0; i < answer->bad_count && error == 0; i++) {
        struct pp_bad bad;
        if (!take_bad(&bad, &records, &records_size, put, answer->output_size)) {
            return -EBADMSG;
        }
        report_bad(ledger, piece, before + bad.line + 1, &bad);
        if (is_json) {
            error = pp_output_write(ledger->output, output + put, bad.output_at - put);
            put_bad(ledger, before + bad.line + 1, &bad);
            put = bad.output_at;
        }
    }
    if (error == 0 && records_size != 0) {
        error = -EBADMSG;
    }
    return error != 0 ? error : pp_output_write(ledger->output, output + put, answer->output_size - put);
}

/* ---- Answers ---- */

static void learn(struct pp_ledger *ledger, const struct pp_piece *piece, uint64_t lines)
{
    if (has_lines(piece)) {
        pp_places_learn(&ledger->places, piece->input, begin_of(piece), piece->last, lines);
    }
}

int pp_ledger_add(struct pp_ledger *ledger, const struct pp_piece *piece, const void *bytes, size_t size,
                  struct pp_answer *answer)
{
    if (size < sizeof *answer) {
        return -EBADMSG;
    }
    size -= sizeof *answer;
    memcpy(answer, (const char *)bytes + size, sizeof *answer);
    if (answer->output_size > size) {
        return -EBADMSG;
    }
    ledger->numbers += answer->numbers;
    ledger->primes += answer->primes;
    ledger->bad += answer->bad_count;
    const int error = put_with_bad(ledger, piece, answer, bytes, size - (size_t)answer->output_size);
    if (error != 0) {
        return error;
    }
    learn(ledger, piece, answer->lines);
    return answer->bad_count > 0 && ledger->job->strict ? PP_LEDGER_STOP : 0;
}

/* ---- Losses ---- */

static void report_failed(const struct pp_ledger *ledger, const struct pp_piece *piece, uint64_t line,
                          const struct pp_loss *loss)
{
    if (ledger->quiet) {
        return;
    }
    if (has_lines(piece)) {
        pp_messages_add("%s:%" PRIu64 ": %" PRIu64 " failed: %s", name_of(ledger, piece), line, loss->n,
                        loss->cause);
    } else {
        pp_messages_add("%" PRIu64 " failed: %s", loss->n, loss->cause);
    }
}

static int lose_bad(struct pp_ledger *ledger, const struct pp_piece *piece, uint64_t line,
                    const struct pp_loss *loss)
{
    struct pp_bad bad = {.kind = (uint8_t)loss->kind, .text_size = (uint8_t)loss->excerpt_size};
    memcpy(bad.text, loss->excerpt, loss->excerpt_size);
    ledger->bad++;
    report_bad(ledger, piece, line, &bad);
    put_bad(ledger, line, &bad);
    return ledger->job->strict ? PP_LEDGER_STOP : 0;
}

static int lose_number(struct pp_ledger *ledger, const struct pp_piece *piece, uint64_t line,
                       const struct pp_loss *loss)
{
    char out[PP_REPORT_BYTES];
    ledger->failed++;
    report_failed(ledger, piece, line, loss);
    const size_t size = pp_report_number(out, ledger->job->format, loss->n, PP_VERDICT_FAILED, 0);
    return pp_output_write(ledger->output, out, size);
}

int pp_ledger_lose(struct pp_ledger *ledger, const struct pp_piece *piece, const struct pp_loss *loss)
{
    uint64_t before = 0;
    int error = has_lines(piece) ? count_before(ledger, piece, &before) : 0;
    if (error != 0) {
        return error;
    }
    learn(ledger, piece, loss->lines);
    if (loss->kind == PP_LINE_PASSED_OVER) {
        return 0;
    }
    return loss->kind == PP_LINE_NUMBER ? lose_number(ledger, piece, before + 1, loss)
                                        : lose_bad(ledger, piece, before + 1, loss);
}
