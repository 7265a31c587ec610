/* map: a window of futures over a stream of items. The next result is always the first of a queue: in order,
 * of all futures under way; as completed, of those that are done. */

#include "core.h"

#include "deadline.h"

#include <assert.h>
#include <errno.h>

enum { LOOK_AHEAD_BYTES = 1 << 20, LOOK_AHEAD_BYTES_PER_WORKER = 64 << 10 };

/* Futures linked by next and previous. */
struct future_queue {
    struct pp_future *first;
    struct pp_future *last;
};

struct pp_map {
    struct pp_owner owner; /* of the futures under way */
    struct pp_executor *executor;
    pp_task *task;
    pp_source *source;
    void *source_context;
    bool as_completed;
    size_t look_ahead_bytes;
    size_t least_items;            /* that may be under way whatever their size */
    struct future_queue under_way; /* in order: all of them; as completed: those not done */
    struct future_queue done;      /* as completed: those that are */
    size_t items;                  /* under way, done ones included, until they are given */
    size_t bytes;                  /* what they cost in memory; results as far as they are known */
    size_t unfinished;             /* of the items: not done */
    size_t result_bytes;           /* what the result of one of those is expected to have */
    bool knows_results;            /* at least one was seen */
    uint64_t next_index;
    struct pp_future *given; /* what the last item points into */
    struct pp_source_item held;
    bool holds_item; /* `held` came from the source but there was no memory to submit it */
    bool waits;      /* the source has nothing until held.wait_fd is readable */
    int ended;       /* PP_E_END, or what the source failed with; 0: there may be more */
};

static void append(struct future_queue *queue, struct pp_future *future)
{
    future->next = NULL;
    future->previous = queue->last;
    *(queue->last != NULL ? &queue->last->next : &queue->first) = future;
    queue->last = future;
}

static void unlink_future(struct future_queue *queue, struct pp_future *future)
{
    *(future->previous != NULL ? &future->previous->next : &queue->first) = future->next;
    *(future->next != NULL ? &future->next->previous : &queue->last) = future->previous;
}

static size_t cost_of(const struct pp_future *future)
{
    return sizeof *future + future->arg.size + future->result.size;
}

/* Expects results like the last ones; rather like the larger of them. */
static void learn(struct pp_map *map, size_t size)
{
    if (size >= map->result_bytes) {
        map->result_bytes = size;
    } else {
        map->result_bytes -= (map->result_bytes - size + 7) / 8;
    }
    map->knows_results = true;
}

/* One of the map's futures became done. */
static void on_done(struct pp_owner *owner, struct pp_future *future)
{
    struct pp_map *map = (struct pp_map *)owner; /* its first member */
    map->bytes += future->result.size;
    map->unfinished--;
    learn(map, future->result.size);
    if (map->as_completed) {
        unlink_future(&map->under_way, future);
        append(&map->done, future);
    }
}

int pp_map_open(struct pp_map **map, struct pp_executor *executor, pp_task *task, pp_source *source,
                void *source_context, const struct pp_map_options *options)
{
    struct pp_map_options chosen = options != NULL ? *options : (struct pp_map_options){0};
    *map = NULL;
    if (task == NULL || source == NULL) {
        return -EINVAL;
    }
    struct pp_map *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return -ENOMEM;
    }
    size_t workers = executor->options.workers;
    if (chosen.look_ahead_bytes == 0) {
        chosen.look_ahead_bytes = LOOK_AHEAD_BYTES + workers * LOOK_AHEAD_BYTES_PER_WORKER;
    }
    *opened = (struct pp_map){
        .owner.done = on_done,
        .executor = executor,
        .task = task,
        .source = source,
        .source_context = source_context,
        .as_completed = chosen.as_completed,
        .look_ahead_bytes = chosen.look_ahead_bytes,
        .least_items = 2 * workers,
    };
    *map = opened;
    return 0;
}

/* ---- Taking items in ---- */

/* The results that are to come count as well: small arguments may have large results. */
static bool has_room(const struct pp_map *map)
{
    return map->items < map->least_items ||
           (map->knows_results && map->bytes < map->look_ahead_bytes &&
            map->unfinished * map->result_bytes < map->look_ahead_bytes - map->bytes);
}

/* Items are taken in by the batch, when a quarter of the look-ahead is free: what is done over and over stays
 * in the caches. */
static bool wants_more(const struct pp_map *map)
{
    return map->items < map->least_items || map->bytes < map->look_ahead_bytes / 4 * 3;
}

/* Submits the item that is held. 0, or why it cannot be. */
static int submit_held(struct pp_map *map)
{
    struct pp_future *future;
    int error = pp_executor_submit(map->executor, map->task, map->held.arg, map->held.arg_size, &future);
    if (error != 0) {
        return error;
    }
    map->holds_item = false;
    future->owner = &map->owner;
    future->index = map->next_index++;
    append(&map->under_way, future);
    map->items++;
    map->unfinished++;
    map->bytes += cost_of(future) - future->result.size;
    if (pp_future_is_done(future)) {
        on_done(&map->owner, future); /* it failed before it had an owner: no worker, no memory */
    }
    return 0;
}

/* Asks the source for one item. */
static void ask(struct pp_map *map)
{
    map->held.wait_fd = -1;
    int answer = map->source(map->source_context, &map->held);
    if (answer == PP_E_AGAIN && map->held.wait_fd < 0) {
        answer = -EINVAL; /* nothing would ever tell when to ask again */
    }
    map->holds_item = answer == 0;
    map->waits = answer == PP_E_AGAIN;
    if (answer != 0 && answer != PP_E_AGAIN) {
        map->ended = answer;
    }
}

/* Takes from the source what the look-ahead allows. 0; -ENOMEM: there is none for the item held, which is
 * kept. */
static int pull(struct pp_map *map)
{
    if (!wants_more(map)) {
        return 0;
    }
    while (map->ended == 0 && !map->waits && has_room(map)) {
        if (!map->holds_item) {
            ask(map);
        }
        if (map->holds_item) {
            int error = submit_held(map);
            if (error == -ENOMEM) {
                return error;
            }
            map->ended = error;
        }
    }
    return 0;
}

/* ---- Giving results out ---- */

/* The next result, removed from its queue; NULL: it is not there yet. */
static struct pp_future *take_result(struct pp_map *map)
{
    struct future_queue *queue = map->as_completed ? &map->done : &map->under_way;
    struct pp_future *future = queue->first;
    if (future == NULL || !pp_is_done(future)) {
        return NULL;
    }
    unlink_future(queue, future);
    map->items--;
    map->bytes -= cost_of(future);
    return future;
}

static void release_given(struct pp_map *map)
{
    if (map->given != NULL) {
        pp_future_release(map->given);
        map->given = NULL;
    }
}

static void give(struct pp_map *map, struct pp_future *future, struct pp_map_item *item)
{
    map->given = future;
    *item = (struct pp_map_item){
        .index = future->index,
        .error = future->error,
        .result = pp_payload_bytes(&future->result),
        .result_size = future->error == 0 ? future->result.size : 0,
        .arg = pp_payload_bytes(&future->arg),
        .arg_size = future->arg.size,
        .failure = pp_future_failure(future),
    };
}

/* Waits for a result or for the source. As pp_executor_step. */
static int step(struct pp_map *map, int timeout_ms)
{
    if (!map->waits) {
        return pp_executor_step(map->executor, timeout_ms);
    }
    struct pollfd more = {.fd = map->held.wait_fd, .events = POLLIN};
    int stepped = pp_executor_step_watching(map->executor, timeout_ms, &more);
    if (more.revents != 0) {
        map->waits = false;
    }
    return stepped;
}

int pp_map_next(struct pp_map *map, struct pp_map_item *item, int timeout_ms)
{
    uint64_t end_ns = 0;
    bool waited = false;
    release_given(map);
    for (;;) {
        int error = pull(map);
        struct pp_future *future = take_result(map);
        if (future != NULL) {
            give(map, future, item);
            return 0;
        }
        if (map->items == 0 && (map->ended != 0 || error != 0)) {
            return map->ended != 0 ? map->ended : error;
        }
        if (waited && timeout_ms >= 0 && pp_clock_ns() >= end_ns) {
            return PP_E_TIMEOUT;
        }
        if (!waited && timeout_ms > 0) {
            end_ns = pp_wait_end_ns(timeout_ms);
        }
        waited = true;
        int stepped = step(map, timeout_ms > 0 ? pp_wait_left_ms(end_ns) : timeout_ms);
        if (stepped < 0) {
            return stepped;
        }
    }
}

/* ---- Closing ---- */

static void let_go(struct pp_future *future)
{
    future->owner = NULL;
    if (!pp_is_done(future)) {
        pp_future_cancel(future);
    }
    pp_future_release(future);
}

void pp_map_close(struct pp_map *map)
{
    if (map == NULL) {
        return;
    }
    release_given(map);
    struct future_queue *queues[] = {&map->done, &map->under_way};
    for (size_t i = 0; i < 2; i++) {
        while (queues[i]->first != NULL) {
            struct pp_future *future = queues[i]->first;
            unlink_future(queues[i], future);
            let_go(future);
        }
    }
    free(map);
}
