#ifndef CLI_SHARD_H
#define CLI_SHARD_H

/* shard.h: where part I of N begins. The inputs are laid end to end; a single range may be 2^64 numbers long,
 * so positions on that line need more than 64 bits, and exactly as many as this has. */

#include <stdint.h>

/* high * 2^64 + low */
struct pp_position {
    uint64_t high;
    uint64_t low;
};

struct pp_position pp_position_add(struct pp_position position, struct pp_position length);

/* a - b, or 0 if b is further on. */
struct pp_position pp_position_distance(struct pp_position a, struct pp_position b);

/* Less than 0, 0 or more than 0 as a is before, at or behind b. */
int pp_position_compare(struct pp_position a, struct pp_position b);

/* floor(length * shard / shards): where part `shard` of `shards` begins. shard <= shards, which is not 0. */
struct pp_position pp_shard_begin(struct pp_position length, uint32_t shard, uint32_t shards);

#endif
