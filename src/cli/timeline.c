#include "timeline.h"

#include "board.h"
#include "clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BOXES = 2048, BOXES_MIN = 64, ALL_BOXES = 256 * 1024, TRACE_MAX = 250000 };
enum { LEFT = 60, TOP = 48, WIDTH = 1000, LANE = 22, BOX = 16 };

/* Tasks that ran without a gap that could be seen. */
struct box {
    uint64_t from_ns, to_ns; /* since the run began */
    uint64_t tasks, numbers;
    uint64_t first; /* of a single task: its number, if it was one */
    bool is_number;
};

struct lane {
    struct box *boxes;
    size_t count;
};

/* One task of a trace. */
struct event {
    uint64_t from_ns, to_ns, numbers, first, last;
    uint32_t lane, input;
    uint32_t kind;
};

struct pp_timeline {
    uint64_t began_ns;
    uint64_t grain_ns; /* gaps shorter than this are not kept */
    size_t lane_count;
    size_t boxes; /* at most in a lane */
    struct lane *lanes;
    struct event *events;
    size_t event_count, event_capacity, events_lost;
    bool keeps_all;
};

struct pp_timeline *pp_timeline_open(size_t lanes, bool keeps_all)
{
    struct pp_timeline *timeline = calloc(1, sizeof *timeline);
    if (timeline == NULL) {
        return NULL;
    }
    timeline->began_ns = pp_monotonic_ns();
    timeline->keeps_all = keeps_all;
    timeline->lane_count = lanes;
    timeline->boxes = lanes * BOXES > ALL_BOXES ? ALL_BOXES / lanes : BOXES;
    timeline->boxes = timeline->boxes < BOXES_MIN ? BOXES_MIN : timeline->boxes;
    timeline->lanes = calloc(lanes, sizeof *timeline->lanes);
    if (timeline->lanes == NULL) {
        pp_timeline_close(timeline);
        return NULL;
    }
    return timeline;
}

void pp_timeline_close(struct pp_timeline *timeline)
{
    if (timeline == NULL) {
        return;
    }
    for (size_t i = 0; timeline->lanes != NULL && i < timeline->lane_count; i++) {
        free(timeline->lanes[i].boxes);
    }
    free(timeline->lanes);
    free(timeline->events);
    free(timeline);
}

/* ---- Taking in ---- */

static bool joins(const struct box *box, const struct box *next, uint64_t grain_ns)
{
    return next->from_ns >= box->from_ns && next->from_ns <= box->to_ns + grain_ns &&
           next->to_ns - box->from_ns <= 4 * grain_ns;
}

static void join(struct box *box, const struct box *next)
{
    box->to_ns = next->to_ns > box->to_ns ? next->to_ns : box->to_ns;
    box->tasks += next->tasks;
    box->numbers += next->numbers;
    box->is_number = false;
}

/* Makes room by joining what lies closer together than before; the grain doubles until half of it is free. */
static void thin_out(struct pp_timeline *timeline, struct lane *lane)
{
    while (lane->count > timeline->boxes / 2) {
        timeline->grain_ns = timeline->grain_ns == 0 ? 1000 : timeline->grain_ns * 2;
        size_t kept = 0;
        for (size_t i = 1; i < lane->count; i++) {
            if (joins(&lane->boxes[kept], &lane->boxes[i], timeline->grain_ns)) {
                join(&lane->boxes[kept], &lane->boxes[i]);
            } else {
                lane->boxes[++kept] = lane->boxes[i];
            }
        }
        lane->count = kept + 1;
    }
}

static void add_box(struct pp_timeline *timeline, struct lane *lane, const struct box *box)
{
    if (lane->boxes == NULL && (lane->boxes = calloc(timeline->boxes, sizeof *lane->boxes)) == NULL) {
        return;
    }
    if (lane->count > 0 && joins(&lane->boxes[lane->count - 1], box, timeline->grain_ns)) {
        join(&lane->boxes[lane->count - 1], box);
        return;
    }
    if (lane->count == timeline->boxes) {
        thin_out(timeline, lane);
    }
    lane->boxes[lane->count++] = *box;
}

static void add_event(struct pp_timeline *timeline, const struct event *event)
{
    if (timeline->event_count == timeline->event_capacity) {
        const size_t capacity = timeline->event_capacity == 0 ? 1024 : timeline->event_capacity * 2;
        struct event *events = capacity > 2 * TRACE_MAX || timeline->event_count >= TRACE_MAX
                                   ? NULL
                                   : realloc(timeline->events, capacity * sizeof *events);
        if (events == NULL) {
            timeline->events_lost++;
            return;
        }
        timeline->events = events;
        timeline->event_capacity = capacity;
    }
    timeline->events[timeline->event_count++] = *event;
}

void pp_timeline_add(struct pp_timeline *timeline, const struct pp_piece *piece,
                     const struct pp_answer *answer)
{
    if (timeline == NULL || answer->lane >= timeline->lane_count || answer->started_ns < timeline->began_ns ||
        answer->ended_ns < answer->started_ns) {
        return;
    }
    const uint64_t from_ns = answer->started_ns - timeline->began_ns;
    const uint64_t to_ns = answer->ended_ns - timeline->began_ns;
    const struct box box = {from_ns, to_ns, 1, answer->numbers, piece->first, piece->kind == PP_PIECE_NUMBER};
    add_box(timeline, &timeline->lanes[answer->lane], &box);
    if (timeline->keeps_all) {
        const struct event event = {from_ns,     to_ns,        answer->numbers, piece->first,
                                    piece->last, answer->lane, piece->input,    piece->kind};
        add_event(timeline, &event);
    }
}

/* ---- The picture ---- */

struct scale {
    uint64_t end_ns;
};

static double x_of(const struct scale *scale, uint64_t ns)
{
    return LEFT + WIDTH * (double)ns / (double)scale->end_ns;
}

/* A round step that gives four to ten of them. */
static double step_of(double seconds)
{
    double step = 1e-9;
    for (int i = 0; step * 10 < seconds; i++) {
        step *= i % 3 == 1 ? 2.5 : 2;
    }
    return step;
}

static void draw_axis(struct pp_text *text, const struct scale *scale, size_t lanes)
{
    const double seconds = (double)scale->end_ns * 1e-9;
    const double step = step_of(seconds);
    const size_t bottom = TOP + lanes * LANE;
    for (double at = 0; at <= seconds * 1.0001; at += step) {
        const double x = LEFT + WIDTH * at / seconds;
        pp_text_printf(text, "<path class='g' d='M%.1f %dV%zu'/><text class='t' x='%.1f' y='%zu'>%g</text>\n",
                       x, TOP - 4, bottom + 4, x, bottom + 18, at);
    }
    pp_text_printf(text, "<text class='t' x='%d' y='%zu'>seconds</text>\n", LEFT + WIDTH / 2, bottom + 34);
}

static void draw_box(struct pp_text *text, const struct scale *scale, const struct box *box, double y)
{
    const double x = x_of(scale, box->from_ns);
    double width = x_of(scale, box->to_ns) - x;
    width = width < 0.6 ? 0.6 : width;
    pp_text_printf(text, "<rect class='%s' x='%.2f' y='%.0f' width='%.2f' height='%d'><title>",
                   box->tasks == 1 ? "b" : "m", x, y, width, BOX);
    if (box->is_number) {
        pp_text_printf(text, "%" PRIu64 ", ", box->first);
    } else {
        pp_text_printf(text, "%" PRIu64 " task%s, %" PRIu64 " numbers, ", box->tasks,
                       box->tasks == 1 ? "" : "s", box->numbers);
    }
    pp_text_printf(text, "%.6f s from %.6f s</title></rect>\n", (double)(box->to_ns - box->from_ns) * 1e-9,
                   (double)box->from_ns * 1e-9);
    if (box->is_number && width > 120) {
        pp_text_printf(text, "<text class='n' x='%.1f' y='%.0f'>%" PRIu64 "</text>\n", x + 4, y + 12,
                       box->first);
    }
}

/* From the start of the task that killed the worker to its successor's first breath, or to the end. */
static void draw_death(struct pp_text *text, const struct scale *scale, uint64_t began_ns,
                       const struct pp_death *death, const char *what)
{
    if (death->began_ns < began_ns || death->found_ns < death->began_ns) {
        return;
    }
    const double from = x_of(scale, death->began_ns - began_ns);
    const double to = x_of(scale, death->found_ns - began_ns);
    const double y = TOP + (double)death->lane * LANE + (LANE - BOX) / 2.0;
    pp_text_printf(text,
                   "<rect class='d' x='%.2f' y='%.0f' width='%.2f' height='%d'><title>%s, %.6f s from %.6f s"
                   "</title></rect>\n",
                   from, y, to - from < 0.6 ? 0.6 : to - from, BOX, what,
                   (double)(death->found_ns - death->began_ns) * 1e-9,
                   (double)(death->began_ns - began_ns) * 1e-9);
    pp_text_printf(text, "<path class='x' d='M%.1f %.1fl8 8m0 -8l-8 8'/>\n", to - 4, y + BOX / 2.0 - 4);
}

static void draw_deaths(const struct pp_timeline *timeline, struct pp_text *text, const struct scale *scale)
{
    struct pp_death deaths[64];
    size_t from = 0;
    size_t count;
    while ((count = pp_board_deaths(from, deaths, sizeof deaths / sizeof *deaths)) > 0) {
        for (size_t i = 0; i < count; i++) {
            draw_death(text, scale, timeline->began_ns, &deaths[i], "the worker died of this task");
        }
        from += count;
    }
    for (size_t i = 0; i < timeline->lane_count; i++) { /* nobody came after these */
        const struct pp_death cut = {pp_board_read(i).since_ns, timeline->began_ns + scale->end_ns,
                                     (uint32_t)i};
        draw_death(text, scale, timeline->began_ns, &cut, "this task did not end");
    }
}

static size_t count_used(const struct pp_timeline *timeline)
{
    size_t used = 1;
    for (size_t i = 0; i < timeline->lane_count; i++) {
        used = pp_board_read(i).workers > 0 || timeline->lanes[i].count > 0 ? i + 1 : used;
    }
    return used;
}

static void draw_lane(const struct pp_timeline *timeline, struct pp_text *text, const struct scale *scale,
                      size_t i)
{
    const double y = TOP + (double)i * LANE;
    const struct lane *lane = &timeline->lanes[i];
    pp_text_printf(text, "<text class='w' x='%d' y='%.0f'>%zu</text>\n", LEFT - 10, y + 16, i + 1);
    pp_text_printf(text, "<rect class='l' x='%d' y='%.0f' width='%d' height='%d'/>\n", LEFT,
                   y + (LANE - BOX) / 2.0, WIDTH, BOX);
    for (size_t j = 0; j < lane->count; j++) {
        draw_box(text, scale, &lane->boxes[j], y + (LANE - BOX) / 2.0);
    }
}

void pp_timeline_draw_svg(const struct pp_timeline *timeline, struct pp_text *text)
{
    const struct scale scale = {pp_monotonic_ns() - timeline->began_ns};
    const size_t lanes = count_used(timeline);
    const size_t height = TOP + lanes * LANE + 48;
    pp_text_printf(text,
                   "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%zu' viewBox='0 0 %d %zu' "
                   "font-family='sans-serif' font-size='12'>\n",
                   LEFT + WIDTH + 40, height, LEFT + WIDTH + 40, height);
    pp_text_printf(text, "<style>.b{fill:#4878a8;stroke:#fff;stroke-width:.5}.m{fill:#7ba3c9}.d{fill:#c44}"
                         ".l{fill:#f0f0f0}.g{stroke:#bbb;stroke-width:.5;fill:none}"
                         ".x{stroke:#800;stroke-width:2;fill:none}.n{fill:#fff;font-size:11px}"
                         ".t{text-anchor:middle;fill:#555}.w{text-anchor:end;fill:#333}</style>\n"
                         "<rect width='100%%' height='100%%' fill='#fff'/>\n");
    pp_text_printf(text,
                   "<text x='%d' y='24' font-size='15'>proc_pool: %zu worker%s, %.3f s, %" PRIu64
                   " died</text>\n<text class='w' x='%d' y='%d'>worker</text>\n",
                   LEFT, lanes, lanes == 1 ? "" : "s", (double)scale.end_ns * 1e-9,
                   (uint64_t)pp_board_death_count(), LEFT - 10, TOP - 8);
    draw_axis(text, &scale, lanes);
    for (size_t i = 0; i < lanes; i++) {
        draw_lane(timeline, text, &scale, i);
    }
    draw_deaths(timeline, text, &scale);
    pp_text_printf(text, "</svg>\n");
}

/* ---- The trace ---- */

static void trace_event(struct pp_text *text, const struct event *event)
{
    pp_text_printf(
        text, ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":%" PRIu32 ",\"ts\":%.3f,\"dur\":%.3f,\"name\":\"",
        event->lane + 1, (double)event->from_ns * 1e-3, (double)(event->to_ns - event->from_ns) * 1e-3);
    if (event->kind == PP_PIECE_NUMBER) {
        pp_text_printf(text, "%" PRIu64, event->first);
    } else if (event->kind == PP_PIECE_RANGE) {
        pp_text_printf(text, "%" PRIu64 "..%" PRIu64, event->first, event->last);
    } else {
        pp_text_printf(text, "input %" PRIu32 " at byte %" PRIu64, event->input + 1, event->first);
    }
    pp_text_printf(text, "\",\"args\":{\"numbers\":%" PRIu64 "}}", event->numbers);
}

static void trace_deaths(const struct pp_timeline *timeline, struct pp_text *text)
{
    struct pp_death death;
    for (size_t i = 0; pp_board_deaths(i, &death, 1) == 1; i++) {
        if (death.began_ns >= timeline->began_ns && death.found_ns >= death.began_ns) {
            pp_text_printf(text,
                           ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":%" PRIu32
                           ",\"ts\":%.3f,\"dur\":%.3f,\"name\":\"worker died\",\"cname\":\"terrible\"}",
                           death.lane + 1, (double)(death.began_ns - timeline->began_ns) * 1e-3,
                           (double)(death.found_ns - death.began_ns) * 1e-3);
        }
    }
}

void pp_timeline_draw_trace(const struct pp_timeline *timeline, struct pp_text *text)
{
    pp_text_printf(text,
                   "{\"displayTimeUnit\":\"ms\",\"tasksLeftOut\":%zu,\"traceEvents\":[\n"
                   "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"proc_pool\"}}",
                   timeline->events_lost);
    for (size_t i = 0; i < count_used(timeline); i++) {
        pp_text_printf(text,
                       ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":%zu,\"name\":\"thread_name\",\"args\":{\"name\":"
                       "\"worker %zu\"}}",
                       i + 1, i + 1);
    }
    for (size_t i = 0; i < timeline->event_count; i++) {
        trace_event(text, &timeline->events[i]);
    }
    trace_deaths(timeline, text);
    pp_text_printf(text, "\n]}\n");
}
