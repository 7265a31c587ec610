#include "rescue.h"

#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_whole(struct pp_rescue *rescue, const struct pp_inputs *inputs)
{
    const struct pp_piece *whole = &rescue->whole;
    rescue->base = whole->first;
    rescue->size = (size_t)(whole->last - whole->first);
    rescue->bytes = malloc(rescue->size + 1);
    if (rescue->bytes == NULL) {
        return -ENOMEM;
    }
    return pp_input_read_at(inputs->list[whole->input].fd, rescue->bytes, rescue->size, whole->first);
}

static int copy_text(struct pp_rescue *rescue, const char *text)
{
    const struct pp_piece *whole = &rescue->whole;
    rescue->base = whole->first;
    rescue->size = whole->size;
    rescue->bytes = malloc(whole->size + 1u);
    rescue->part = realloc(rescue->part, sizeof *rescue->part + whole->size + 1 + PP_LINES_PADDING);
    if (rescue->bytes == NULL || rescue->part == NULL) {
        return -ENOMEM;
    }
    memcpy(rescue->bytes, text, whole->size);
    return 0;
}

int pp_rescue_open(struct pp_rescue *rescue, const struct pp_inputs *inputs, const void *whole)
{
    *rescue = (struct pp_rescue){0};
    memcpy(&rescue->whole, whole, sizeof rescue->whole);
    rescue->at = rescue->whole.first;
    rescue->part = malloc(sizeof *rescue->part);
    if (rescue->part == NULL) {
        return -ENOMEM;
    }
    switch ((enum pp_piece_kind)rescue->whole.kind) {
    case PP_PIECE_FILE:
        return read_whole(rescue, inputs);
    case PP_PIECE_TEXT:
        return copy_text(rescue, (const char *)whole + sizeof rescue->whole);
    case PP_PIECE_RANGE:
    case PP_PIECE_NUMBER:
    case PP_PIECE_BAD:
        break;
    }
    return 0;
}

void pp_rescue_close(struct pp_rescue *rescue)
{
    free(rescue->bytes);
    free(rescue->part);
    *rescue = (struct pp_rescue){0};
}

/* Where the line after the one that begins in or goes through `at` begins; the end of the piece at most. */
static uint64_t find_next(const struct pp_rescue *rescue)
{
    const size_t from = (size_t)(rescue->at - rescue->base);
    const char *newline = memchr(rescue->bytes + from, '\n', rescue->size - from);
    return newline == NULL ? rescue->base + rescue->size
                           : rescue->base + (uint64_t)(newline - rescue->bytes) + 1;
}

static size_t fill_part(struct pp_rescue *rescue)
{
    struct pp_piece *part = rescue->part;
    *part = rescue->whole;
    part->is_one = true;
    part->first = rescue->at;
    part->line = rescue->whole.line == 0 ? 0 : rescue->whole.line;
    if (rescue->bytes == NULL) {
        part->last = rescue->at;
        rescue->ended = rescue->at == rescue->whole.last;
        rescue->at++;
        return sizeof *part;
    }
    part->last = find_next(rescue);
    rescue->ended = part->last == rescue->base + rescue->size;
    rescue->at = part->last;
    if (part->kind == PP_PIECE_FILE) {
        return sizeof *part;
    }
    part->size = (uint32_t)(part->last - part->first);
    memcpy(part + 1, rescue->bytes + (part->first - rescue->base), part->size);
    memset((char *)(part + 1) + part->size, 0, PP_LINES_PADDING);
    if (rescue->whole.line > 0) {
        rescue->whole.line++;
    }
    return sizeof *part + part->size + PP_LINES_PADDING;
}

int pp_rescue_next(void *context, struct pp_source_item *item)
{
    struct pp_rescue *rescue = context;
    if (rescue->ended) {
        return PP_E_END;
    }
    *item = (struct pp_source_item){.arg_size = fill_part(rescue)};
    item->arg = rescue->part;
    return 0;
}

/* ---- Looking at a lost line ---- */

/* Feeds the bytes up to a newline; true when there was one. */
static bool feed_until_newline(struct pp_line *line, const char *bytes, size_t size)
{
    const char *newline = memchr(bytes, '\n', size);
    pp_line_feed(line, bytes, newline == NULL ? size : (size_t)(newline - bytes));
    return newline != NULL;
}

/* The line that begins in the part, if one does; else the scan stays that of an empty line. */
static int scan_file(const struct pp_input *input, const struct pp_piece *part, struct pp_line *line,
                     uint64_t *lines)
{
    char bytes[8192];
    uint64_t at = part->first;
    bool begun = at == 0;
    *lines = begun;
    if (!begun) {
        at--;
    }
    while (at < input->file_size && (begun || at + 1 < part->last)) {
        const uint64_t left = (begun ? input->file_size : part->last - 1) - at;
        const size_t size = left < sizeof bytes ? (size_t)left : sizeof bytes;
        int error = pp_input_read_at(input->fd, bytes, size, at);
        if (error != 0) {
            return error;
        }
        if (begun) {
            if (feed_until_newline(line, bytes, size)) {
                return 0;
            }
            at += size;
            continue;
        }
        const char *newline = memchr(bytes, '\n', size);
        *lines = begun = newline != NULL;
        at += newline == NULL ? size : (size_t)(newline - bytes) + 1;
    }
    return 0;
}

int pp_rescue_scan(const struct pp_inputs *inputs, const void *part, struct pp_line *line, uint64_t *lines)
{
    struct pp_piece piece;
    memcpy(&piece, part, sizeof piece);
    pp_line_begin(line);
    if (piece.kind == PP_PIECE_FILE) {
        return scan_file(&inputs->list[piece.input], &piece, line, lines);
    }
    *lines = 1;
    const char *text = (const char *)part + sizeof piece;
    if (piece.kind == PP_PIECE_TEXT) {
        (void)feed_until_newline(line, text, piece.size);
    } else if (piece.kind == PP_PIECE_BAD) {
        pp_line_feed(line, text, piece.size);
    } else {
        char digits[PP_NUMBER_DIGITS];
        pp_line_feed(line, digits, pp_number_format(digits, piece.first));
    }
    return 0;
}
