#include "progress.h"

#include "board.h"
#include "clock.h"
#include "output.h"
#include "text.h"

#include <inttypes.h>
#include <unistd.h>

enum { FIRST_MS = 300, EVERY_MS = 100, WIDTH = 24 };

static struct {
    bool shown;
    bool always; /* also for a run that is over before anybody could have read it */
    bool visible;
    bool total_known;
    double total; /* bytes of files and numbers of the rest, together */
    double done;
    bool counts_numbers; /* all of it are numbers: the board knows better than the pieces that came back */
    uint64_t began_ns;
    uint64_t next_ns;
} bar;

static double length_of(const struct pp_input *input)
{
    return input->nothing                 ? 0
           : input->kind == PP_INPUT_FILE ? (double)(input->last - input->first)
                                          : (double)(input->last - input->first) + 1;
}

void pp_progress_open(bool shown, bool always, const struct pp_inputs *inputs)
{
    bar.shown = shown;
    bar.always = always;
    bar.visible = false;
    bar.total = bar.done = 0;
    bar.total_known = !pp_inputs_are_all(inputs, 1u << PP_INPUT_STREAM);
    bar.counts_numbers = pp_inputs_are_all(inputs, 1u << PP_INPUT_NUMBER | 1u << PP_INPUT_RANGE);
    for (size_t i = 0; i < inputs->count; i++) {
        bar.total += length_of(&inputs->list[i]);
        bar.total_known = bar.total_known && inputs->list[i].kind != PP_INPUT_STREAM;
    }
    bar.began_ns = pp_monotonic_ns();
    bar.next_ns = bar.began_ns + (always ? 0 : (uint64_t)FIRST_MS * 1000000);
}

void pp_progress_add(const struct pp_piece *piece)
{
    const bool inclusive = piece->kind == PP_PIECE_RANGE || piece->kind == PP_PIECE_NUMBER;
    if (!piece->is_one) {
        bar.done += (double)(piece->last - piece->first) + inclusive;
    }
}

int pp_progress_wait_ms(void)
{
    return bar.shown ? EVERY_MS : -1;
}

/* 1234567 as 1.23M, so that the bar does not change its width with every picture. */
static void append_rate(struct pp_text *text, double rate)
{
    static const char *const units[] = {"", "k", "M", "G"};
    size_t unit = 0;
    while (rate >= 1000 && unit < 3) {
        rate /= 1000;
        unit++;
    }
    pp_text_printf(text, "%.*f%s/s", rate < 10 ? 2 : rate < 100 ? 1 : 0, rate, units[unit]);
}

static void append_time(struct pp_text *text, double seconds)
{
    const double most = 359999; /* 99:59:59 */
    const unsigned long s = (unsigned long)(seconds < most ? seconds + 0.5 : most);
    if (s >= 3600) {
        pp_text_printf(text, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    } else {
        pp_text_printf(text, "%lu:%02lu", s / 60, s % 60);
    }
}

static void append_bar(struct pp_text *text, double share)
{
    char cells[WIDTH + 1];
    for (int i = 0; i < WIDTH; i++) {
        cells[i] = i < (int)(share * WIDTH) ? '#' : '.';
    }
    cells[WIDTH] = '\0';
    pp_text_printf(text, "[%s] %5.1f%%  ", cells, share * 100);
}

static void compose(struct pp_text *text, double seconds)
{
    const uint64_t numbers = pp_board_numbers();
    const double done = bar.counts_numbers ? (double)numbers : bar.done;
    const double share = bar.total > 0 && done < bar.total ? done / bar.total : 1;
    pp_text_printf(text, "\r");
    if (bar.total_known) {
        append_bar(text, share);
    }
    pp_text_printf(text, "%" PRIu64 " done  ", numbers);
    append_rate(text, (double)numbers / seconds);
    pp_text_printf(text, bar.total_known && share > 0 ? "  ETA " : "  ");
    append_time(text, bar.total_known && share > 0 ? seconds * (1 - share) / share : seconds);
    pp_text_printf(text, "\033[K");
}

void pp_progress_draw(void)
{
    const uint64_t now_ns = bar.shown ? pp_monotonic_ns() : 0;
    if (!bar.shown || now_ns < bar.next_ns) {
        return;
    }
    bar.next_ns = now_ns + (uint64_t)EVERY_MS * 1000000;
    struct pp_text text = {0};
    compose(&text, (double)(now_ns - bar.began_ns) * 1e-9);
    (void)pp_output_all(STDERR_FILENO, text.bytes, text.size);
    pp_text_free(&text);
    bar.visible = true;
}

void pp_progress_end(void)
{
    if (bar.always) {
        bar.next_ns = 0;
        pp_progress_draw();
    }
    pp_progress_clear();
    bar.shown = false;
}

void pp_progress_clear(void)
{
    if (bar.visible) {
        (void)pp_output_all(STDERR_FILENO, "\r\033[K", 4);
        bar.visible = false;
    }
}
