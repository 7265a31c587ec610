#include "shard.h"

#include <assert.h>

struct pp_position pp_position_add(struct pp_position position, struct pp_position length)
{
    struct pp_position sum = {position.high + length.high, position.low + length.low};
    sum.high += sum.low < position.low;
    return sum;
}

int pp_position_compare(struct pp_position a, struct pp_position b)
{
    if (a.high != b.high) {
        return a.high < b.high ? -1 : 1;
    }
    return a.low < b.low ? -1 : a.low > b.low;
}

struct pp_position pp_position_distance(struct pp_position a, struct pp_position b)
{
    if (pp_position_compare(a, b) <= 0) {
        return (struct pp_position){0};
    }
    return (struct pp_position){a.high - b.high - (a.low < b.low), a.low - b.low};
}

/* By hand, as at school, in digits of 32 bits: multiply from the lowest digit up, divide from the highest
 * down. The product has at most five digits, because `shard` has one. */
struct pp_position pp_shard_begin(struct pp_position length, uint32_t shard, uint32_t shards)
{
    assert(shards > 0 && shard <= shards);
    uint32_t digit[5] = {(uint32_t)length.low, (uint32_t)(length.low >> 32), (uint32_t)length.high,
                         (uint32_t)(length.high >> 32), 0};
    uint64_t carry = 0;
    for (int i = 0; i < 5; i++) {
        carry += (uint64_t)digit[i] * shard;
        digit[i] = (uint32_t)carry;
        carry >>= 32;
    }
    uint64_t rest = 0;
    for (int i = 4; i >= 0; i--) {
        rest = rest << 32 | digit[i];
        digit[i] = (uint32_t)(rest / shards);
        rest %= shards;
    }
    assert(digit[4] == 0);
    return (struct pp_position){(uint64_t)digit[3] << 32 | digit[2], (uint64_t)digit[1] << 32 | digit[0]};
}
