/* run.c: the round trip of a piece.
 *
 * pp_map_next takes pieces from pp_cut_next and hands them to workers, where pp_check_piece answers them; it
 * gives the answers back in order, and deliver passes them to the ledger, which writes. While no answer is
 * ready, what is written is flushed and the progress bar drawn. A piece whose worker died or took too long
 * goes through rescue, number by number. */

#include "run.h"

#include "board.h"
#include "check.h"
#include "clock.h"
#include "cut.h"
#include "journal.h"
#include "ledger.h"
#include "messages.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "rescue.h"
#include "signals.h"
#include "stats.h"
#include "timeline.h"

#include <proc_pool/executor.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* A wait ends after so long at the latest, because a signal that arrives between the last look at its flag
 * and poll(2) does not interrupt the poll. */
enum { WAIT_MS = 200 };

/* How much may be under way: so much that a worker still has pieces while the parent writes. */
enum { LOOK_AHEAD_BYTES = 2 * 1024 * 1024, LOOK_AHEAD_BYTES_PER_WORKER = 256 * 1024 };

/* Why a run ends before its input does; beyond the codes of executor.h. */
enum { STOP_STRICT = 1, STOP_SIGNAL = 2 };

struct run {
    const struct pp_command *command;
    const struct pp_inputs *inputs;
    struct pp_job job;
    size_t workers;
    struct pp_output output;
    struct pp_journal journal;
    struct pp_ledger ledger;
    struct pp_cutter cutter;
    struct pp_executor *executor;
    struct pp_timeline *timeline;
    struct pp_statistics statistics;
    uint64_t began_ns;
    int status;      /* the exit status so far */
    bool complained; /* the reason for it was given */
};

/* ---- Failures ---- */

/* The system failed: says so once. */
static int fail_system(struct run *run, const char *what, int error)
{
    if (!run->complained) {
        pp_messages_add("%s: %s", what, pp_strerror(error));
    }
    run->complained = true;
    run->status = PP_EXIT_SYSTEM;
    return error;
}

/* What may be done about it when the system refuses what workers need; "" if nobody knows. */
static const char *advice_on(int error)
{
    switch (error) {
    case -EMFILE:
        return "; \"ulimit -n\" tells how many there may be";
    case -EAGAIN:
        return "; \"ulimit -u\" tells how many processes there may be";
    case -ENOMEM:
        return "; fewer workers need less";
    default:
        return "";
    }
}

/* Likewise, where it is workers that cannot be had or cannot work. */
static int fail_workers(struct run *run, const char *what, int error)
{
    if (!run->complained) {
        pp_messages_add("%s: %s%s", what, pp_strerror(error), advice_on(error));
    }
    run->complained = true;
    return fail_system(run, what, error);
}

/* A closed pipe is quiet: the reader had enough. */
static int fail_output(struct run *run, int error)
{
    run->complained = run->complained || error == -EPIPE || error == -EINTR;
    struct pp_text what = {0};
    pp_text_printf(&what, "%s: cannot be written", pp_output_name(&run->output));
    pp_text_append(&what, "", 1);
    (void)fail_system(run, what.failed ? "output" : what.bytes, error);
    pp_text_free(&what);
    return error;
}

static int fail_input(struct run *run, size_t input, int error)
{
    struct pp_text what = {0};
    const char *name = input < run->inputs->count ? run->inputs->list[input].name : "input";
    if (error == -ENODATA && !run->complained) {
        pp_messages_add("%s: became shorter while it was read", name);
        run->complained = true;
    }
    pp_text_printf(&what, "%s: cannot be read", name);
    pp_text_append(&what, "", 1);
    (void)fail_system(run, what.failed ? name : what.bytes, error);
    pp_text_free(&what);
    return error;
}

static int fail_ledger(struct run *run, size_t input, int error)
{
    if (error == -EBADMSG) {
        return fail_system(run, "a worker's answer", error);
    }
    return run->ledger.input_failed ? fail_input(run, input, error) : fail_output(run, error);
}

/* ---- One answer ---- */

static void describe_failure(struct pp_text *cause, const struct pp_failure *failure, uint64_t timeout_ms)
{
    if (failure->error == PP_E_TASK_TIMEOUT) {
        pp_text_printf(cause, "it took longer than %g s", (double)timeout_ms * 1e-3);
    } else if (failure->attempts > 0) {
        const struct pp_attempt *last = &failure->history[failure->attempts - 1];
        pp_text_printf(cause, "worker %ld ", (long)last->pid);
        if (last->signal != 0) {
            pp_text_printf(cause, "was ended by signal %d (%s)", last->signal, strsignal(last->signal));
        } else {
            pp_text_printf(cause, "exited with status %d", last->exit_status);
        }
        if (failure->attempts > 1) {
            pp_text_printf(cause, ", at attempt %zu", failure->attempts);
        }
    } else {
        pp_text_printf(cause, "%s", pp_strerror(failure->error));
    }
}

/* A single number or line whose task failed for good. */
static int lose(struct run *run, const struct pp_map_item *item, const struct pp_piece *piece)
{
    char excerpt[PP_EXCERPT_BYTES];
    struct pp_line scan;
    struct pp_text cause = {0};
    struct pp_loss loss = {.excerpt = excerpt};
    const int error = pp_rescue_scan(run->inputs, item->arg, &scan, &loss.lines);
    if (error != 0) {
        return fail_input(run, piece->input, error);
    }
    loss.kind = piece->kind == PP_PIECE_BAD ? (enum pp_line_kind)piece->first : pp_line_end(&scan, &loss.n);
    loss.excerpt_size = pp_line_excerpt(&scan, excerpt);
    describe_failure(&cause, item->failure, run->command->timeout_ms);
    pp_text_append(&cause, "", 1);
    loss.cause = cause.failed ? "no memory to say why" : cause.bytes;
    const int result = pp_ledger_lose(&run->ledger, piece, &loss);
    pp_text_free(&cause);
    return result < 0 ? fail_ledger(run, piece->input, result) : result;
}

static int drain(struct run *run, pp_map *map, bool is_whole);

/* Tries a piece again in single numbers. */
static int rescue(struct run *run, const struct pp_map_item *item, const struct pp_piece *piece)
{
    struct pp_rescue rescue;
    pp_map *map = NULL;
    int error = pp_rescue_open(&rescue, run->inputs, item->arg);
    if (error == 0) {
        error = pp_map_open(&map, run->executor, pp_check_piece, pp_rescue_next, &rescue, NULL);
    }
    error = error != 0 ? fail_input(run, piece->input, error) : drain(run, map, false);
    pp_map_close(map);
    pp_rescue_close(&rescue);
    return error;
}

static int take_answer(struct run *run, const struct pp_map_item *item, const struct pp_piece *piece)
{
    struct pp_answer answer;
    const int error = pp_ledger_add(&run->ledger, piece, item->result, item->result_size, &answer);
    if (error < 0) {
        return fail_ledger(run, piece->input, error);
    }
    pp_timeline_add(run->timeline, piece, &answer);
    return error;
}

/* 0; STOP_STRICT; or what failed, already reported. */
static int deliver(struct run *run, const struct pp_map_item *item)
{
    struct pp_piece piece;
    memcpy(&piece, item->arg, sizeof piece);
    const bool is_one = piece.is_one || piece.kind == PP_PIECE_NUMBER || piece.kind == PP_PIECE_BAD;
    switch (item->error) {
    case 0:
        return take_answer(run, item, &piece);
    case PP_E_CRASH:
    case PP_E_TASK_TIMEOUT:
        return is_one ? lose(run, item, &piece) : rescue(run, item, &piece);
    case PP_E_TASK:
        return fail_input(run, piece.input, item->failure->code);
    case PP_E_NO_WORKERS:
        return fail_workers(run, "no worker could be started", item->failure->code);
    default:
        return fail_workers(run, "a task could not be run", item->error);
    }
}

/* ---- All answers ---- */

/* The position after a piece that was delivered in order. */
static void note_point(struct run *run, const struct pp_piece *piece)
{
    const bool has_bytes = piece->kind == PP_PIECE_FILE;
    const bool is_end = !has_bytes && piece->last == run->inputs->list[piece->input].last;
    size_t input = piece->input + (is_end ? 1u : 0u);
    uint64_t at = piece->last + (has_bytes ? 0 : 1);
    if (is_end) {
        at = input < run->inputs->count ? run->inputs->list[input].first : 0;
    }
    const struct pp_point point = {input,
                                   at,
                                   run->output.written,
                                   run->ledger.numbers,
                                   run->ledger.primes,
                                   run->ledger.bad,
                                   run->ledger.failed};
    int error = pp_output_flush(&run->output);
    if (error == 0) {
        error = pp_journal_note(&run->journal, &run->output, &point);
    }
    if (error != 0) {
        (void)fail_output(run, error);
    }
}

/* Nothing is ready: shows what there is, then waits. */
static int wait_for_next(struct run *run, pp_map *map, struct pp_map_item *item)
{
    const int wait_ms = pp_progress_wait_ms();
    pp_messages_flush();
    if (!run->output.is_temporary) {
        const int error = pp_output_flush(&run->output);
        if (error != 0) {
            return fail_output(run, error);
        }
    }
    pp_progress_draw();
    return pp_map_next(map, item, wait_ms < 0 ? WAIT_MS : wait_ms);
}

/* Takes all answers of a map. 0, or why not all came. `is_whole`: it is the map of the whole input, not of a
 * piece that is tried again. */
static int drain(struct run *run, pp_map *map, bool is_whole)
{
    for (;;) {
        struct pp_map_item item;
        if (pp_signals_caught() != 0) {
            return STOP_SIGNAL;
        }
        int error = pp_map_next(map, &item, 0);
        if (error == PP_E_TIMEOUT) {
            error = wait_for_next(run, map, &item);
        }
        if (error == PP_E_TIMEOUT || error == -EINTR) {
            continue;
        }
        if (error == PP_E_END || run->complained) {
            return error == PP_E_END ? 0 : error;
        }
        if (error != 0) {
            return fail_input(run, run->cutter.input, error);
        }
        error = deliver(run, &item);
        if (error != 0) {
            return error;
        }
        struct pp_piece piece;
        memcpy(&piece, item.arg, sizeof piece);
        pp_progress_add(&piece);
        if (is_whole && pp_journal_is_due(&run->journal)) {
            note_point(run, &piece);
        }
    }
}

/* ---- Beginning and end ---- */

/* Results in the order of the input into a file of their own, from inputs that can be read again. */
static bool can_be_resumed(const struct run *run)
{
    const unsigned kinds = 1u << PP_INPUT_FILE | 1u << PP_INPUT_RANGE | 1u << PP_INPUT_NUMBER;
    return run->output.is_temporary && !run->command->as_completed && run->job.format != PP_FORMAT_TABLE &&
           pp_inputs_are_all(run->inputs, kinds);
}

static void go_on_from(struct run *run, const struct pp_point *point)
{
    run->ledger.numbers = point->numbers;
    run->ledger.primes = point->primes;
    run->ledger.bad = point->bad;
    run->ledger.failed = point->failed;
    if (point->input == 0 && point->at == 0) {
        return;
    }
    pp_cut_start(&run->cutter, (size_t)point->input, point->at);
    if (point->input < run->inputs->count && run->inputs->list[point->input].kind == PP_INPUT_FILE) {
        pp_places_start(&run->ledger.places, (size_t)point->input, point->at);
    }
    if (!run->command->quiet) {
        pp_messages_add("going on after %" PRIu64 " numbers that an interrupted run has done",
                        point->numbers);
    }
}

/* Whatever a journal needs. Without --resume a run that cannot have one goes on without. */
static int open_journal(struct run *run)
{
    struct pp_text identity = {0};
    struct pp_text complaint = {0};
    struct pp_point point = {0};
    if (!can_be_resumed(run)) {
        return 0;
    }
    int error = pp_journal_identify(&identity, &run->job, run->command->shard, run->command->shards);
    if (error == 0) {
        error = run->command->resume
                    ? pp_journal_resume(&run->journal, &run->output, &identity, &point, &complaint)
                    : -ENOENT;
        if (error == -ENOENT) {
            error = pp_journal_open(&run->journal, &run->output, &identity);
        }
    }
    if (error == 0) {
        go_on_from(run, &point);
    } else if (error == -EINVAL && complaint.size > 0) {
        pp_messages_add("%.*s", (int)complaint.size, complaint.bytes);
        run->complained = true;
        run->status = PP_EXIT_USAGE;
    } else {
        (void)fail_output(run, error);
    }
    pp_text_free(&identity);
    pp_text_free(&complaint);
    return error;
}

static int open_output(struct run *run)
{
    const int error = pp_output_open(&run->output, run->command->output, pp_signals_flag());
    if (error != 0) {
        return fail_output(run, error);
    }
    if (run->command->resume && !can_be_resumed(run)) {
        pp_messages_add("--resume: %s is not a regular file", pp_output_name(&run->output));
        run->complained = true;
        run->status = PP_EXIT_USAGE;
        return -EINVAL;
    }
    return open_journal(run);
}

/* A picture that cannot be written is better known before a long run than after it. */
static int check_pictures(struct run *run)
{
    const char *paths[] = {run->command->timeline, run->command->trace};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const int error = paths[i] != NULL ? pp_output_check(paths[i]) : 0;
        if (error != 0) {
            pp_messages_add("%s: cannot be written: %s", paths[i], pp_strerror(error));
            run->complained = true;
            run->status = PP_EXIT_SYSTEM;
            return error;
        }
    }
    return 0;
}

static int open_run(struct run *run)
{
    const struct pp_command *command = run->command;
    const bool sees_stream = !pp_inputs_are_all(run->inputs, ~(1u << PP_INPUT_STREAM));
    run->workers = command->workers != 0 ? command->workers : pp_cpu_count();
    run->job = (struct pp_job){run->inputs, command->method, command->format, command->strict, 0};
    run->job.piece_bytes =
        pp_check_choose_piece_bytes(&run->job, pp_inputs_file_bytes(run->inputs), run->workers);
    pp_check_prepare(&run->job);
    int error = pp_ledger_open(&run->ledger, &run->job, &run->output, command->quiet);
    if (error == 0) {
        error = pp_cut_open(&run->cutter, run->inputs, &run->job, command->as_completed && sees_stream);
    }
    if (error != 0) {
        return fail_system(run, "cannot begin", error);
    }
    error = check_pictures(run);
    if (error == 0) {
        error = open_output(run);
    }
    if (error == 0) {
        pp_board_open(run->workers);
        if (command->timeline != NULL || command->trace != NULL) {
            run->timeline = pp_timeline_open(run->workers, command->trace != NULL);
        }
    }
    return error;
}

static void put_header(struct run *run)
{
    struct pp_text text = {0};
    uint64_t numbers;
    const bool is_known = pp_inputs_count_numbers(run->inputs, &numbers);
    pp_report_header(&text, run->job.format, is_known, numbers, run->workers);
    (void)pp_output_write(&run->output, text.bytes, text.size);
    pp_text_free(&text);
}

static void put_total(struct run *run)
{
    struct pp_text text = {0};
    const double seconds = (double)(pp_monotonic_ns() - run->began_ns) * 1e-9;
    pp_report_total(&text, run->job.format, run->ledger.primes, seconds);
    (void)pp_output_write(&run->output, text.bytes, text.size);
    pp_text_free(&text);
}

static int run_map(struct run *run)
{
    const struct pp_options options = {.workers = run->workers,
                                       .initializer = pp_board_enter,
                                       .task_timeout_ms = run->command->timeout_ms,
                                       .retries = run->command->retries};
    const struct pp_map_options map_options = {
        .as_completed = run->command->as_completed,
        .look_ahead_bytes = LOOK_AHEAD_BYTES + run->workers * LOOK_AHEAD_BYTES_PER_WORKER};
    pp_map *map = NULL;
    int error = pp_executor_open(&run->executor, &options);
    run->cutter.executor = run->executor;
    if (error == 0) {
        error = pp_map_open(&map, run->executor, pp_check_piece, pp_cut_next, &run->cutter, &map_options);
    }
    error = error != 0 ? fail_workers(run, "workers", error) : drain(run, map, true);
    pp_map_close(map);
    pp_executor_statistics(run->executor, &run->statistics);
    (void)pp_executor_close(run->executor, error == 0 ? PP_CLOSE_DRAIN : PP_CLOSE_KILL, -1);
    pp_progress_end();
    return error;
}

static void end_output(struct run *run, int error)
{
    if (error == 0) {
        put_total(run);
        error = pp_output_finish(&run->output);
        if (error != 0) {
            (void)fail_output(run, error);
        }
        pp_journal_close(&run->journal, false);
        pp_output_close(&run->output);
        return;
    }
    const bool keep = run->command->resume && error != STOP_STRICT && run->journal.fd != -1;
    pp_output_abandon(&run->output, keep);
    pp_output_close(&run->output);
    pp_journal_close(&run->journal, keep);
}

static void write_picture(struct run *run, const char *path,
                          void draw(const struct pp_timeline *, struct pp_text *))
{
    struct pp_text text = {0};
    if (path == NULL) {
        return;
    }
    if (run->timeline == NULL) {
        text.failed = 1;
    } else {
        draw(run->timeline, &text);
    }
    const int error = pp_output_whole(path, &text);
    if (error != 0) {
        pp_messages_add("%s: cannot be written: %s", path, pp_strerror(error));
        run->status = PP_EXIT_SYSTEM;
    }
    pp_text_free(&text);
}

static void summarize(struct run *run)
{
    const struct pp_ledger *ledger = &run->ledger;
    if (ledger->bad + ledger->failed > 0 && run->status == PP_EXIT_OK) {
        run->status = PP_EXIT_BAD;
    }
    if (ledger->bad > 0 && run->command->quiet) {
        pp_messages_add("%" PRIu64 " bad line%s", ledger->bad, ledger->bad == 1 ? "" : "s");
    }
    if (ledger->failed > 0 && run->command->quiet) {
        pp_messages_add("%" PRIu64 " number%s failed", ledger->failed, ledger->failed == 1 ? "" : "s");
    }
    if (run->command->stats) {
        struct pp_text text = {0};
        pp_stats_table(&text, (double)(pp_monotonic_ns() - run->began_ns) * 1e-9, ledger->numbers,
                       &run->statistics);
        pp_messages_add_text(&text);
        pp_text_free(&text);
    }
}

static bool shows_progress(const struct pp_command *command)
{
    return command->progress == PP_WHEN_ALWAYS ||
           (command->progress == PP_WHEN_AUTO && isatty(STDERR_FILENO));
}

int pp_run(const struct pp_command *command, const struct pp_inputs *inputs, int *signal)
{
    struct run run = {.command = command,
                      .inputs = inputs,
                      .began_ns = pp_monotonic_ns(),
                      .output.fd = -1,
                      .journal.fd = -1};
    int error = open_run(&run);
    if (error == 0) {
        pp_messages_before(pp_progress_clear);
        pp_progress_open(shows_progress(command), command->progress == PP_WHEN_ALWAYS, inputs);
        run.output.before_write = isatty(run.output.fd) ? pp_progress_clear : NULL;
        put_header(&run);
        error = run_map(&run);
        write_picture(&run, command->timeline, pp_timeline_draw_svg);
        write_picture(&run, command->trace, pp_timeline_draw_trace);
    }
    *signal = pp_signals_caught();
    end_output(&run, error);
    if (run.status != PP_EXIT_USAGE) {
        summarize(&run);
    }
    pp_messages_flush();
    pp_timeline_close(run.timeline);
    pp_board_close();
    pp_cut_close(&run.cutter);
    pp_ledger_close(&run.ledger);
    return run.status;
}
