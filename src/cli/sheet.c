#include "sheet.h"

enum { PART = 16 * 1024 };

void pp_sheet_begin(struct pp_sheet *sheet, pp_reply *reply)
{
    static char nothing;
    *sheet = (struct pp_sheet){.reply = reply, .begin = &nothing, .at = &nothing, .end = &nothing};
}

void pp_sheet_end(struct pp_sheet *sheet)
{
    const size_t size = (size_t)(sheet->at - sheet->begin);
    if (size > 0) {
        pp_reply_commit(sheet->reply, size);
    }
    sheet->before += size;
    sheet->begin = sheet->at = sheet->end; /* the room is no longer ours */
}

char *pp_sheet_turn(struct pp_sheet *sheet, size_t size)
{
    const size_t part = size < PART ? PART : size;
    pp_sheet_end(sheet);
    char *begin = sheet->failed ? NULL : pp_reply_reserve(sheet->reply, part);
    if (begin == NULL) {
        sheet->failed = true;
        return NULL;
    }
    sheet->begin = sheet->at = begin;
    sheet->end = begin + part;
    return begin;
}
