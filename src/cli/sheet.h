#ifndef CLI_SHEET_H
#define CLI_SHEET_H

/* sheet.h: what a task writes on: the memory of its reply, taken a good part at a time, so that a line costs
 * no call and nothing is copied. */

#include <proc_pool/executor.h>

#include <stdbool.h>
#include <stddef.h>

struct pp_sheet {
    pp_reply *reply;
    char *begin; /* the part under way is begin … end - 1 … */
    char *at;    /* … and written up to here */
    char *end;
    size_t before; /* bytes written before it */
    bool failed;   /* there was no memory; what comes after that is dropped */
};

/* An empty sheet over an empty reply. */
void pp_sheet_begin(struct pp_sheet *sheet, pp_reply *reply);

/* The part of pp_sheet_room that has to do something. */
char *pp_sheet_turn(struct pp_sheet *sheet, size_t size);

/* Where the next bytes go; there is room for `size`. NULL: there is none. What was written is counted by
 * moving sheet->at behind it. Until pp_sheet_end nobody else appends to the reply. */
static inline char *pp_sheet_room(struct pp_sheet *sheet, size_t size)
{
    return (size_t)(sheet->end - sheet->at) >= size ? sheet->at : pp_sheet_turn(sheet, size);
}

/* Bytes written so far. */
static inline size_t pp_sheet_size(const struct pp_sheet *sheet)
{
    return sheet->before + (size_t)(sheet->at - sheet->begin);
}

/* All that was written is in the reply; more can be. */
void pp_sheet_end(struct pp_sheet *sheet);

#endif
