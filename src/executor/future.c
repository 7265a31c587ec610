#include "future.h"

#include <assert.h>
#include <errno.h>

enum { CHUNK_FUTURES = 64 };

struct pp_chunk {
    struct pp_chunk *next;
    struct pp_future futures[CHUNK_FUTURES];
};

/* ---- The store ---- */

struct pp_store *pp_store_open(struct pp_executor *executor)
{
    struct pp_store *store = calloc(1, sizeof *store);
    if (store != NULL) {
        store->executor = executor;
    }
    return store;
}

static void free_store(struct pp_store *store)
{
    while (store->chunks != NULL) {
        struct pp_chunk *chunk = store->chunks;
        store->chunks = chunk->next;
        for (size_t i = 0; i < CHUNK_FUTURES && store->keeps_memory; i++) {
            pp_payload_free(&chunk->futures[i].arg);
            pp_payload_free(&chunk->futures[i].result);
        }
        free(chunk);
    }
    free(store);
}

void pp_store_close(struct pp_store *store)
{
    store->executor = NULL;
    if (store->live == 0) {
        free_store(store);
    }
}

static bool grow(struct pp_store *store)
{
    struct pp_chunk *chunk = aligned_alloc(PP_FUTURE_LINE, sizeof *chunk);
    if (chunk == NULL) {
        return false;
    }
    chunk->next = store->chunks;
    store->chunks = chunk;
    for (size_t i = CHUNK_FUTURES; i-- > 0;) {
        struct pp_future *future = &chunk->futures[i];
        future->arg.memory = future->result.memory = NULL;
        future->arg.size = future->result.size = 0;
        future->arg.capacity = future->result.capacity = 0;
        future->next = store->free_futures;
        store->free_futures = future;
    }
    return true;
}

struct pp_future *pp_future_open(struct pp_store *store, pp_task *task, const void *arg, size_t arg_size)
{
    if (store->free_futures == NULL && !grow(store)) {
        return NULL;
    }
    struct pp_future *future = store->free_futures;
    struct pp_future *next_free = future->next;
    /* All but the bytes of the payloads, which are set when there are any. */
    future->job = (struct pp_job){0};
    future->store = store;
    future->task = task;
    future->watchers = NULL;
    future->owner = NULL;
    future->next = future->previous = NULL;
    future->mark = NULL;
    future->record = NULL;
    future->state = PP_PENDING;
    future->error = 0;
    future->released = future->to_notify = future->notifying = false;
    if (!pp_payload_set(&future->arg, arg, arg_size)) {
        future->next = next_free;
        return NULL;
    }
    store->free_futures = next_free;
    store->live++;
    return future;
}

static void free_record(struct pp_record *record)
{
    if (record != NULL) {
        free(record->attempts);
        free(record);
    }
}

void pp_future_collect(struct pp_future *future)
{
    if (!future->released || !pp_is_done(future) || future->to_notify || future->notifying ||
        future->job.place != PP_PLACE_NONE) {
        return;
    }
    assert(future->watchers == NULL);
    struct pp_store *store = future->store;
    bool keeps_memory = pp_payload_clear(&future->arg);
    keeps_memory |= pp_payload_clear(&future->result);
    store->keeps_memory |= keeps_memory;
    free_record(future->record);
    future->record = NULL;
    future->next = store->free_futures;
    store->free_futures = future;
    store->live--;
    if (store->live == 0 && store->executor == NULL) {
        free_store(store);
    }
}

void pp_future_release(struct pp_future *future)
{
    if (future != NULL) {
        assert(!future->released);
        future->released = true;
        pp_future_collect(future);
    }
}

/* ---- Who is told ---- */

void pp_future_watch(struct pp_future *future, struct pp_watcher *watcher)
{
    struct pp_watcher **end = &future->watchers;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    watcher->next = NULL;
    *end = watcher;
}

void pp_future_unwatch(struct pp_future *future, struct pp_watcher *watcher)
{
    struct pp_watcher **link = &future->watchers;
    while (*link != NULL && *link != watcher) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = watcher->next;
    }
}

static void queue_for_notification(struct pp_future *future)
{
    struct pp_store *store = future->store;
    future->to_notify = true;
    future->next_to_notify = NULL;
    *(store->notify_first != NULL ? &store->notify_last->next_to_notify : &store->notify_first) = future;
    store->notify_last = future;
}

/* Tells those who want to know at once, and leaves the user's callbacks for later. */
static void tell_watchers(struct pp_future *future)
{
    struct pp_watcher **link = &future->watchers;
    while (*link != NULL) {
        struct pp_watcher *watcher = *link;
        if (watcher->done != NULL) {
            *link = watcher->next;
            watcher->done(watcher, future);
        } else {
            link = &watcher->next;
        }
    }
    if (future->watchers != NULL) {
        queue_for_notification(future);
    }
}

void pp_store_notify(struct pp_store *store)
{
    while (store->notify_first != NULL) {
        struct pp_future *future = store->notify_first;
        store->notify_first = future->next_to_notify;
        future->to_notify = false;
        future->notifying = true;
        while (future->watchers != NULL) {
            struct pp_watcher *watcher = future->watchers;
            future->watchers = watcher->next;
            watcher->callback(future, watcher->context);
            free(watcher);
        }
        future->notifying = false;
        pp_future_collect(future);
    }
}

int pp_future_on_done(struct pp_future *future, pp_callback *callback, void *context)
{
    if (pp_is_done(future) && !future->to_notify) {
        callback(future, context);
        return 0;
    }
    struct pp_watcher *watcher = malloc(sizeof *watcher);
    if (watcher == NULL) {
        return -ENOMEM;
    }
    *watcher = (struct pp_watcher){.callback = callback, .context = context};
    pp_future_watch(future, watcher);
    return 0;
}

/* ---- Outcomes ---- */

static void become(struct pp_future *future, enum pp_state state, int error)
{
    assert(future->state == PP_PENDING);
    future->state = (uint8_t)state;
    future->error = error;
    if (future->watchers != NULL) {
        tell_watchers(future);
    }
    if (future->owner != NULL) {
        future->owner->done(future->owner, future);
    }
}

/* The future's record, made if there is none yet. NULL: no memory. */
static struct pp_record *record_of(struct pp_future *future)
{
    if (future->record == NULL) {
        future->record = calloc(1, sizeof *future->record);
    }
    return future->record;
}

void pp_future_succeed(struct pp_future *future, const void *result, size_t size)
{
    if (pp_payload_set(&future->result, result, size)) {
        become(future, PP_SUCCEEDED, 0);
    } else {
        pp_future_fail(future, -ENOMEM, 0, NULL, 0);
    }
}

void pp_future_fail(struct pp_future *future, int error, int code, const void *text, size_t size)
{
    struct pp_record *record = record_of(future);
    if (record != NULL) {
        bool kept = pp_payload_set(&future->result, text, size);
        record->failure.error = error;
        record->failure.code = code;
        record->failure.text = kept ? pp_payload_bytes(&future->result) : "";
        record->failure.text_size = kept ? size : 0;
        record->failure.history = record->attempts;
    }
    become(future, PP_FAILED, error);
}

void pp_future_become_cancelled(struct pp_future *future)
{
    become(future, PP_CANCELLED, PP_E_CANCELLED);
}

size_t pp_future_add_attempt(struct pp_future *future, const struct pp_attempt *attempt)
{
    struct pp_record *record = record_of(future);
    if (record == NULL) {
        return SIZE_MAX; /* without memory to count, no retries */
    }
    size_t count = record->failure.attempts;
    struct pp_attempt *attempts = realloc(record->attempts, (count + 1) * sizeof *attempts);
    if (attempts == NULL) {
        return SIZE_MAX;
    }
    attempts[count] = *attempt;
    record->attempts = attempts;
    record->failure.attempts = count + 1;
    return count + 1;
}

/* ---- What users ask ---- */

bool pp_future_is_done(const struct pp_future *future)
{
    return pp_is_done(future);
}

const struct pp_failure *pp_future_failure(const struct pp_future *future)
{
    /* What is left to say when there was no memory to say more. */
    static const struct pp_failure unrecorded = {.error = -ENOMEM, .text = ""};
    if (future->state != PP_FAILED) {
        return NULL;
    }
    return future->record != NULL ? &future->record->failure : &unrecorded;
}
