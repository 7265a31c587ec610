#include "places.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* How many pieces that came too early are remembered. Beyond that they are forgotten and counted again should
 * that be needed: memory stays bounded however long the first piece takes. */
enum { EARLY = 1024 };

struct span {
    uint64_t first, last, lines;
};

/* A position and how many lines begin before it. */
struct mark {
    uint64_t at, lines;
};

struct pp_place {
    uint64_t origin;     /* where `front.lines` began to count */
    bool base_known;     /* false: `front.lines` lacks the lines before `origin` */
    struct mark front;   /* as far as there is no gap */
    struct mark counted; /* the last position that was found by counting, lines from the file's beginning */
    struct span *early;  /* pieces behind the front, unordered */
    size_t early_count;
};

void pp_places_start(struct pp_places *places, size_t input, uint64_t at)
{
    places->list[input] = (struct pp_place){.origin = at, .base_known = at == 0, .front = {at, 0}};
}

int pp_places_open(struct pp_places *places, const struct pp_inputs *inputs)
{
    places->inputs = inputs;
    places->list = calloc(inputs->count + 1, sizeof *places->list);
    if (places->list == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < inputs->count; i++) {
        const struct pp_input *input = &inputs->list[i];
        pp_places_start(places, i, input->kind == PP_INPUT_FILE ? input->first : 0);
        places->list[i].base_known |= input->fd == 0; /* standard input counts from where it stood */
    }
    return 0;
}

void pp_places_close(struct pp_places *places)
{
    for (size_t i = 0; places->list != NULL && i < places->inputs->count; i++) {
        free(places->list[i].early);
    }
    free(places->list);
    places->list = NULL;
}

/* Moves the front over the early piece that begins at it. False if there is none. */
static bool advance(struct pp_place *place)
{
    for (size_t i = 0; i < place->early_count; i++) {
        if (place->early[i].first == place->front.at) {
            place->front.at = place->early[i].last;
            place->front.lines += place->early[i].lines;
            place->early[i] = place->early[--place->early_count];
            return true;
        }
    }
    return false;
}

void pp_places_learn(struct pp_places *places, size_t input, uint64_t first, uint64_t last, uint64_t lines)
{
    struct pp_place *place = &places->list[input];
    if (first == place->front.at) {
        place->front.at = last;
        place->front.lines += lines;
        while (advance(place)) {
        }
        return;
    }
    if (place->early == NULL) {
        place->early = calloc(EARLY, sizeof *place->early);
    }
    if (place->early != NULL && place->early_count < EARLY) {
        place->early[place->early_count++] = (struct span){first, last, lines};
    }
}

static int find_base(const struct pp_places *places, size_t i)
{
    struct pp_place *place = &places->list[i];
    if (place->base_known) {
        return 0;
    }
    int error = pp_input_count_lines(places->inputs->list[i].fd, 0, place->origin, &place->front.lines);
    place->base_known = error == 0;
    return error;
}

int pp_places_find(struct pp_places *places, size_t input, uint64_t at, uint64_t *lines)
{
    struct pp_place *place = &places->list[input];
    int error = find_base(places, input);
    if (error != 0) {
        return error;
    }
    assert(place->front.at <= at);
    struct mark from = place->front;
    if (place->counted.at <= at && place->counted.at > from.at) {
        from = place->counted;
    }
    *lines = from.lines;
    if (from.at < at) {
        error = pp_input_count_lines(places->inputs->list[input].fd, from.at, at, lines);
        place->counted = (struct mark){at, *lines};
    }
    return error;
}
