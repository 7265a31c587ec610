#include "cut.h"

#include "lines.h"
#include "wide_pipe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD = sizeof(struct pp_piece),
    TEXT_MAX = 128 * 1024,
    STREAM_BUFFER = HEAD + TEXT_MAX,
    STREAM_ROOM = STREAM_BUFFER + 1 + PP_LINES_PADDING
};

_Static_assert(HEAD >= PP_LINES_BEFORE, "the struct in front of a piece's text is its padding there");

int pp_cut_open(struct pp_cutter *cutter, const struct pp_inputs *inputs, const struct pp_job *job,
                bool counts_lines)
{
    *cutter = (struct pp_cutter){.inputs = inputs, .job = job, .counts_lines = counts_lines};
    const bool one_by_one = pp_check_is_one_by_one(job);
    cutter->own = one_by_one ? calloc(1, STREAM_ROOM) : NULL;
    cutter->rest = malloc(TEXT_MAX);
    cutter->made = calloc(1, HEAD + PP_EXCERPT_BYTES + PP_LINES_PADDING);
    if ((one_by_one && cutter->own == NULL) || cutter->rest == NULL || cutter->made == NULL) {
        pp_cut_close(cutter);
        return -ENOMEM;
    }
    return 0;
}

void pp_cut_close(struct pp_cutter *cutter)
{
    free(cutter->own);
    free(cutter->rest);
    free(cutter->made);
    *cutter = (struct pp_cutter){0};
}

void pp_cut_start(struct pp_cutter *cutter, size_t input, uint64_t at)
{
    cutter->input = input;
    cutter->at = at;
    cutter->begun = true;
}

static void end_input(struct pp_cutter *cutter)
{
    cutter->input++;
    cutter->begun = false;
}

static int give_piece(struct pp_cutter *cutter, struct pp_source_item *item, enum pp_piece_kind kind,
                      uint64_t first, uint64_t last)
{
    cutter->piece =
        (struct pp_piece){.kind = kind, .input = (uint32_t)cutter->input, .first = first, .last = last};
    *item = (struct pp_source_item){.arg = &cutter->piece, .arg_size = sizeof cutter->piece};
    return 0;
}

/* ---- Files, ranges, numbers. PP_E_END: of this input. ---- */

static int cut_file(struct pp_cutter *cutter, struct pp_source_item *item)
{
    const struct pp_input *input = &cutter->inputs->list[cutter->input];
    const uint64_t first = cutter->at;
    if (first >= input->last) {
        return PP_E_END;
    }
    const uint32_t size = cutter->job->piece_bytes;
    cutter->at = input->last - first < size ? input->last : first + size;
    return give_piece(cutter, item, PP_PIECE_FILE, first, cutter->at);
}

static int cut_range(struct pp_cutter *cutter, struct pp_source_item *item)
{
    const uint64_t end = cutter->inputs->list[cutter->input].last;
    const uint64_t first = cutter->at;
    const uint64_t size = pp_check_piece_numbers(cutter->job, first);
    const uint64_t last = end - first < size ? end : first + size - 1;
    int error = give_piece(cutter, item, PP_PIECE_RANGE, first, last);
    if (last == end) { /* now, because the number after it may not exist */
        end_input(cutter);
    } else {
        cutter->at = last + 1;
    }
    return error;
}

static int cut_number(struct pp_cutter *cutter, struct pp_source_item *item)
{
    int error = give_piece(cutter, item, PP_PIECE_NUMBER, cutter->at, cutter->at);
    end_input(cutter);
    return error;
}

/* ---- Streams ---- */

static uint64_t count_newlines(const char *bytes, size_t size)
{
    uint64_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += bytes[i] == '\n';
    }
    return count;
}

/* Describes the text behind `head` and makes both the item. The line count goes on, so this is called for
 * every piece of a stream in order. */
static int give_text(struct pp_cutter *cutter, struct pp_source_item *item, char *head, struct pp_piece piece,
                     uint64_t bytes, uint64_t lines)
{
    piece.input = (uint32_t)cutter->input;
    piece.line = cutter->counts_lines ? cutter->lines + 1 : 0;
    if (piece.kind == PP_PIECE_TEXT) {
        piece.first = cutter->at;
    }
    piece.last = cutter->at + bytes;
    cutter->at += bytes;
    cutter->lines += lines;
    memcpy(head, &piece, sizeof piece);
    *item = (struct pp_source_item){.arg = head, .arg_size = HEAD + piece.size + PP_LINES_PADDING};
    return 0;
}

/* The buffer is about to be given away: what is in it from `end` on is kept for the next. */
static void part_with_buffer(struct pp_cutter *cutter, size_t end)
{
    cutter->rest_size = cutter->end - end;
    memcpy(cutter->rest, cutter->buffer + end, cutter->rest_size);
    cutter->buffer = NULL;
}

/* A buffer that begins with what is left of the last. 0 or -ENOMEM. */
static int get_buffer(struct pp_cutter *cutter)
{
    if (cutter->buffer == NULL) {
        cutter->buffer =
            cutter->own != NULL ? cutter->own : pp_executor_reserve(cutter->executor, STREAM_ROOM);
        if (cutter->buffer == NULL) {
            return -ENOMEM;
        }
        cutter->begin = cutter->searched = HEAD;
        cutter->end = HEAD + cutter->rest_size;
        memcpy(cutter->buffer + HEAD, cutter->rest, cutter->rest_size);
        cutter->rest_size = 0;
    }
    return 0;
}

/* The lines buffer[begin … end - 1]. The struct goes in front of them, over what was handed out before; if
 * nothing was, the buffer itself is what is handed out. */
static int give_lines(struct pp_cutter *cutter, struct pp_source_item *item, size_t end)
{
    char *text = cutter->buffer + cutter->begin;
    const size_t size = end - cutter->begin;
    memset(cutter->buffer + cutter->end, 0, PP_LINES_PADDING);
    if (cutter->begin == HEAD && cutter->own == NULL) {
        part_with_buffer(cutter, end);
    }
    cutter->begin = end;
    cutter->searched = end;
    return give_text(cutter, item, text - HEAD,
                     (struct pp_piece){.kind = PP_PIECE_TEXT, .size = (uint32_t)size}, size,
                     cutter->counts_lines ? count_newlines(text, size) : 0);
}

/* The long line is complete: a short one that amounts to the same takes its place. */
static int give_long_line(struct pp_cutter *cutter, struct pp_source_item *item)
{
    char *text = cutter->made + HEAD;
    uint64_t n;
    enum pp_line_kind kind = pp_line_end(&cutter->line, &n);
    struct pp_piece piece = {.kind = PP_PIECE_TEXT};
    cutter->is_long = false;
    if (kind == PP_LINE_NUMBER) {
        piece.size = (uint32_t)pp_number_format(text, n);
        text[piece.size++] = '\n';
    } else if (kind == PP_LINE_PASSED_OVER) {
        text[piece.size++] = '\n';
    } else {
        piece.kind = PP_PIECE_BAD;
        piece.first = (uint64_t)kind;
        piece.size = (uint32_t)pp_line_excerpt(&cutter->line, text);
    }
    return give_text(cutter, item, cutter->made, piece, 1, 1);
}

/* Where the lines that can be handed out end: behind the first newline, or the last. 0: there is none. */
static size_t find_end(struct pp_cutter *cutter)
{
    const char *bytes = cutter->buffer;
    if (pp_check_is_one_by_one(cutter->job)) {
        const char *newline = memchr(bytes + cutter->searched, '\n', cutter->end - cutter->searched);
        cutter->searched = newline == NULL ? cutter->end : cutter->searched;
        return newline == NULL ? 0 : (size_t)(newline - bytes) + 1;
    }
    size_t at = cutter->end;
    while (at > cutter->searched && bytes[at - 1] != '\n') {
        at--;
    }
    return at > cutter->searched ? at : 0;
}

/* Eats what has come of a long line; true when its end was among it. */
static bool eat_long_line(struct pp_cutter *cutter)
{
    const char *from = cutter->buffer + cutter->begin;
    const size_t size = cutter->end - cutter->begin;
    const char *newline = memchr(from, '\n', size);
    const size_t eaten = newline == NULL ? size : (size_t)(newline - from);
    pp_line_feed(&cutter->line, from, eaten);
    cutter->begin += newline == NULL ? eaten : eaten + 1;
    cutter->searched = cutter->begin;
    return newline != NULL;
}

static void make_room(struct pp_cutter *cutter)
{
    const size_t left = cutter->end - cutter->begin;
    memmove(cutter->buffer + HEAD, cutter->buffer + cutter->begin, left);
    cutter->searched -= cutter->begin - HEAD;
    cutter->begin = HEAD;
    cutter->end = HEAD + left;
}

static int is_readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    const int ready = poll(&poll_fd, 1, 0);
    return ready < 0 ? (errno == EINTR ? 0 : -errno) : ready;
}

/* Reads once, if that does not block. PP_E_AGAIN: it would. */
static int read_more(struct pp_cutter *cutter, int fd)
{
    const int readable = is_readable(fd);
    if (readable <= 0) {
        return readable == 0 ? PP_E_AGAIN : readable;
    }
    const ssize_t got = pp_input_read_some(fd, cutter->buffer + cutter->end, STREAM_BUFFER - cutter->end);
    if (got == -EAGAIN) { /* somebody made it non-blocking, and somebody else was faster */
        return PP_E_AGAIN;
    }
    cutter->ended = got == 0;
    cutter->end += got > 0 ? (size_t)got : 0;
    return got < 0 ? (int)got : 0;
}

/* The last line may lack its newline. */
static int finish_stream(struct pp_cutter *cutter, struct pp_source_item *item)
{
    if (cutter->is_long) {
        return give_long_line(cutter, item);
    }
    if (cutter->begin == cutter->end) {
        return PP_E_END;
    }
    cutter->buffer[cutter->end++] = '\n';
    return give_lines(cutter, item, cutter->end);
}

static int cut_stream(struct pp_cutter *cutter, struct pp_source_item *item)
{
    const int fd = cutter->inputs->list[cutter->input].fd;
    const bool one_by_one = pp_check_is_one_by_one(cutter->job);
    int error = get_buffer(cutter);
    while (error == 0) {
        if (cutter->is_long && eat_long_line(cutter)) {
            return give_long_line(cutter, item);
        }
        size_t end = find_end(cutter);
        const bool is_full = cutter->end - cutter->begin == TEXT_MAX;
        if (end > 0 && (one_by_one || is_full || cutter->ended)) {
            return give_lines(cutter, item, end);
        }
        if (cutter->ended) {
            return finish_stream(cutter, item);
        }
        if (is_full) {
            cutter->is_long = true;
            pp_line_begin(&cutter->line);
            continue;
        }
        make_room(cutter);
        error = read_more(cutter, fd);
        end = error == PP_E_AGAIN ? find_end(cutter) : 0;
        if (end > 0) {
            return give_lines(cutter, item, end);
        }
    }
    item->wait_fd = fd;
    return error;
}

/* ---- All inputs ---- */

static void begin_input(struct pp_cutter *cutter)
{
    const struct pp_input *input = &cutter->inputs->list[cutter->input];
    cutter->begun = true;
    cutter->at = input->kind == PP_INPUT_STREAM ? 0 : input->first;
    cutter->begin = cutter->end = cutter->searched = HEAD;
    cutter->rest_size = 0;
    if (input->kind == PP_INPUT_STREAM) {
        pp_wide_pipe(input->fd);
    }
    cutter->lines = 0;
    cutter->ended = false;
    cutter->is_long = false;
}

static int cut_input(struct pp_cutter *cutter, struct pp_source_item *item)
{
    const struct pp_input *input = &cutter->inputs->list[cutter->input];
    if (input->nothing) {
        return PP_E_END;
    }
    if (!cutter->begun) {
        begin_input(cutter);
    }
    switch (input->kind) {
    case PP_INPUT_NUMBER:
        return cut_number(cutter, item);
    case PP_INPUT_RANGE:
        return cut_range(cutter, item);
    case PP_INPUT_FILE:
        return cut_file(cutter, item);
    case PP_INPUT_STREAM:
        break;
    }
    return cut_stream(cutter, item);
}

int pp_cut_next(void *context, struct pp_source_item *item)
{
    struct pp_cutter *cutter = context;
    while (cutter->input < cutter->inputs->count) {
        const int error = cut_input(cutter, item);
        if (error != PP_E_END) {
            return error;
        }
        end_input(cutter);
    }
    return PP_E_END;
}
