#ifndef CLI_PLACES_H
#define CLI_PLACES_H

/* places.h: which line of an input a piece begins with. Workers count the lines of their pieces; here they
 * are added up as far as the pieces follow each other without a gap. A number that is needed earlier (results
 * as they complete, a shard that does not begin at the file's first line) is found by counting newlines in
 * the file. */

#include "input.h"

struct pp_place;

struct pp_places {
    const struct pp_inputs *inputs;
    struct pp_place *list; /* one an input */
};

/* 0 or -ENOMEM. */
int pp_places_open(struct pp_places *places, const struct pp_inputs *inputs);
void pp_places_close(struct pp_places *places);

/* Nothing before byte `at` of the input will be learnt: it was done by an earlier run. */
void pp_places_start(struct pp_places *places, size_t input, uint64_t at);

/* In bytes first … last - 1 of the input begin `lines` lines. */
void pp_places_learn(struct pp_places *places, size_t input, uint64_t first, uint64_t last, uint64_t lines);

/* How many lines begin before byte `at`, where a piece begins that has not been learnt yet. 0, or -errno if
 * it had to be counted and the file could not be read. */
int pp_places_find(struct pp_places *places, size_t input, uint64_t at, uint64_t *lines);

#endif
