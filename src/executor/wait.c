/* Waiting for one future, and for several, of one executor or of several. */

#include "core.h"

#include "deadline.h"

#include <errno.h>

/* ---- One future ---- */

int pp_future_wait(struct pp_future *future, int timeout_ms)
{
    uint64_t end_ns = pp_is_done(future) || timeout_ms <= 0 ? 0 : pp_wait_end_ns(timeout_ms);
    while (!pp_is_done(future)) {
        int left_ms = timeout_ms <= 0 ? timeout_ms : pp_wait_left_ms(end_ns);
        int stepped = pp_executor_step(future->store->executor, left_ms);
        if (stepped < 0) {
            return stepped;
        }
        if (left_ms == 0 && !pp_is_done(future)) {
            return PP_E_TIMEOUT;
        }
    }
    return 0;
}

int pp_future_result(struct pp_future *future, int timeout_ms, const void **bytes, size_t *size)
{
    int error = pp_future_wait(future, timeout_ms);
    if (error != 0) {
        return error;
    }
    *bytes = pp_payload_bytes(&future->result);
    *size = future->error == 0 ? future->result.size : 0;
    return future->error;
}

/* ---- Steps of several executors ---- */

struct member {
    struct pp_executor *executor;
    size_t left; /* futures of it that are still waited for; 0: it may have been closed */
};

/* The executors that step together. */
struct party {
    struct member *members;
    size_t count;
    size_t capacity;
    struct pollfd *fds; /* room for what is polled */
    size_t fds_capacity;
};

/* Counts one more future of that executor. *member becomes its number. False: no memory. */
static bool join(struct party *party, struct pp_executor *executor, size_t *member)
{
    for (*member = 0; *member < party->count; ++*member) {
        if (party->members[*member].executor == executor) {
            party->members[*member].left++;
            return true;
        }
    }
    if (party->count == party->capacity) {
        size_t capacity = party->capacity == 0 ? 4 : 2 * party->capacity;
        struct member *grown = realloc(party->members, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        party->members = grown;
        party->capacity = capacity;
    }
    party->members[party->count++] = (struct member){.executor = executor, .left = 1};
    return true;
}

/* Waits until one of several executors has something to take in. 0 or -errno. */
static int poll_all(struct party *party, int timeout_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < party->count; i++) {
        if (party->members[i].left > 0) {
            int deadline = pp_executor_next_deadline(party->members[i].executor);
            count += pp_executor_pollfds(party->members[i].executor, NULL, 0);
            timeout_ms = deadline >= 0 && (timeout_ms < 0 || deadline < timeout_ms) ? deadline : timeout_ms;
        }
    }
    if (count >= party->fds_capacity) {
        struct pollfd *grown = realloc(party->fds, (count + 1) * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        party->fds = grown;
        party->fds_capacity = count + 1;
    }
    size_t filled = 0;
    for (size_t i = 0; i < party->count; i++) {
        if (party->members[i].left > 0) {
            filled += pp_executor_pollfds(party->members[i].executor, party->fds + filled, count - filled);
        }
    }
    return poll(party->fds, (nfds_t)filled, timeout_ms) == -1 ? -errno : 0;
}

static void free_party(struct party *party)
{
    free(party->members);
    free(party->fds);
}

/* One step of all: returns as soon as something may have become done, at the latest after the timeout. 0 or
 * -errno. */
static int step_all(struct party *party, int timeout_ms)
{
    if (party->count == 1) {
        int stepped = pp_executor_step(party->members[0].executor, timeout_ms);
        return stepped < 0 ? stepped : 0;
    }
    int finished = 0;
    for (size_t i = 0; i < party->count && finished >= 0; i++) {
        if (party->members[i].left > 0) {
            int stepped = pp_executor_step(party->members[i].executor, 0);
            finished = stepped != 0 ? stepped : finished;
        }
    }
    return finished != 0 || timeout_ms == 0 ? (finished < 0 ? finished : 0) : poll_all(party, timeout_ms);
}

/* ---- wait ---- */

/* How far a wait has come. Whether all are done is seen by a look at the first one that was not; of one among
 * many, a watcher tells, so that no step looks at them all. */
struct wait {
    struct pp_future *const *futures;
    size_t count;
    enum pp_until until;
    size_t settled;              /* ALL_DONE: the first ones, known to be done */
    struct pp_watcher *watchers; /* otherwise: one for each that was not done, at its place */
    size_t left;                 /* and how many of these still are not */
    bool is_over;
};

static void note(struct wait *wait, const struct pp_future *future)
{
    wait->left--;
    wait->is_over |= wait->left == 0 || wait->until == PP_UNTIL_FIRST_DONE ||
                     (wait->until == PP_UNTIL_FIRST_FAILURE && future->state == PP_FAILED);
}

static void on_done_in_wait(struct pp_watcher *watcher, struct pp_future *future)
{
    note(watcher->context, future);
}

/* Looks at all of them once, and learns of the rest by watchers. False: no memory. */
static bool watch(struct wait *wait)
{
    wait->left = wait->count;
    for (size_t i = 0; i < wait->count; i++) {
        if (pp_is_done(wait->futures[i])) {
            note(wait, wait->futures[i]);
        }
    }
    if (wait->is_over) {
        return true;
    }
    wait->watchers = malloc(wait->count * sizeof *wait->watchers);
    for (size_t i = 0; i < wait->count && wait->watchers != NULL; i++) {
        if (!pp_is_done(wait->futures[i])) {
            wait->watchers[i] = (struct pp_watcher){.done = on_done_in_wait, .context = wait};
            pp_future_watch(wait->futures[i], &wait->watchers[i]);
        }
    }
    return wait->watchers != NULL;
}

static void unwatch(struct wait *wait)
{
    for (size_t i = 0; i < wait->count && wait->watchers != NULL; i++) {
        if (!pp_is_done(wait->futures[i])) {
            pp_future_unwatch(wait->futures[i], &wait->watchers[i]);
        }
    }
    free(wait->watchers);
}

static bool is_over(struct wait *wait)
{
    if (wait->until != PP_UNTIL_ALL_DONE) {
        return wait->is_over;
    }
    while (wait->settled < wait->count && pp_is_done(wait->futures[wait->settled])) {
        wait->settled++;
    }
    return wait->settled == wait->count;
}

static int step_until_over(struct wait *wait, struct party *party, int timeout_ms)
{
    for (size_t i = 0; i < wait->count; i++) {
        size_t member;
        if (!pp_is_done(wait->futures[i]) && !join(party, wait->futures[i]->store->executor, &member)) {
            return -ENOMEM;
        }
    }
    uint64_t end_ns = pp_wait_end_ns(timeout_ms);
    for (;;) {
        int left_ms = pp_wait_left_ms(end_ns);
        int error = step_all(party, left_ms);
        if (error != 0 || is_over(wait)) {
            return error;
        }
        if (left_ms == 0) {
            return PP_E_TIMEOUT;
        }
    }
}

int pp_wait(pp_future *const futures[], size_t count, enum pp_until until, int timeout_ms, size_t *done)
{
    if ((unsigned)until > PP_UNTIL_ALL_DONE) {
        return -EINVAL;
    }
    struct wait wait = {.futures = futures, .count = count, .until = until, .is_over = count == 0};
    struct party party = {0};
    int error = until == PP_UNTIL_ALL_DONE || count == 0 || watch(&wait) ? 0 : -ENOMEM;
    if (error == 0 && !is_over(&wait)) {
        error = step_until_over(&wait, &party, timeout_ms);
    }
    unwatch(&wait);
    free_party(&party);
    if (done != NULL) {
        *done = 0;
        for (size_t i = 0; i < count; i++) {
            *done += pp_is_done(futures[i]);
        }
    }
    return error;
}

/* ---- as_completed ---- */

/* One future's place in an iteration. */
struct entry {
    struct pp_watcher watcher;
    struct pp_as_completed *iterator;
    struct pp_future *future; /* NULL: has come out */
    struct entry *next_ready;
    size_t member;
};

struct pp_as_completed {
    struct party party;
    struct entry *first_ready; /* done, and not come out yet, in the order in which they became done */
    struct entry *last_ready;
    size_t left;
    uint64_t end_ns;
    size_t count;
    struct entry entries[];
};

static void make_ready(struct entry *entry)
{
    struct pp_as_completed *iterator = entry->iterator;
    entry->next_ready = NULL;
    *(iterator->first_ready != NULL ? &iterator->last_ready->next_ready : &iterator->first_ready) = entry;
    iterator->last_ready = entry;
}

static void on_done(struct pp_watcher *watcher, struct pp_future *future)
{
    struct entry *entry = (struct entry *)watcher; /* its first member */
    (void)future;
    entry->iterator->party.members[entry->member].left--;
    make_ready(entry);
}

/* Takes one future into the iteration. False: no memory. */
static bool enter(struct pp_as_completed *iterator, struct pp_future *future)
{
    struct entry *entry = &iterator->entries[iterator->count];
    *entry = (struct entry){.watcher.done = on_done, .iterator = iterator, .future = future};
    if (pp_is_done(future)) {
        make_ready(entry);
    } else if (join(&iterator->party, future->store->executor, &entry->member)) {
        pp_future_watch(future, &entry->watcher);
    } else {
        return false;
    }
    iterator->count++;
    iterator->left++;
    return true;
}

int pp_as_completed_open(struct pp_as_completed **iterator, pp_future *const futures[], size_t count,
                         int timeout_ms)
{
    struct pp_as_completed *opened = NULL;
    *iterator = NULL;
    if (count < (SIZE_MAX - sizeof *opened) / sizeof opened->entries[0]) {
        opened = malloc(sizeof *opened + count * sizeof opened->entries[0]);
    }
    if (opened == NULL) {
        return -ENOMEM;
    }
    *opened = (struct pp_as_completed){.end_ns = pp_wait_end_ns(timeout_ms)};
    bool entered = true;
    for (size_t i = 0; i < count && entered; i++) {
        if (futures[i]->mark != opened) {
            futures[i]->mark = opened;
            entered = enter(opened, futures[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        futures[i]->mark = NULL;
    }
    if (!entered) {
        pp_as_completed_close(opened);
        return -ENOMEM;
    }
    *iterator = opened;
    return 0;
}

static struct pp_future *take_ready(struct pp_as_completed *iterator)
{
    struct entry *entry = iterator->first_ready;
    struct pp_future *future = entry->future;
    iterator->first_ready = entry->next_ready;
    iterator->left--;
    entry->future = NULL;
    return future;
}

int pp_as_completed_next(struct pp_as_completed *iterator, pp_future **future)
{
    *future = NULL;
    bool in_time = true;
    while (iterator->first_ready == NULL) {
        if (iterator->left == 0) {
            return PP_E_END;
        }
        if (!in_time) {
            return PP_E_TIMEOUT;
        }
        int left_ms = pp_wait_left_ms(iterator->end_ns);
        int error = step_all(&iterator->party, left_ms);
        if (error != 0) {
            return error;
        }
        in_time = left_ms != 0;
    }
    *future = take_ready(iterator);
    return 0;
}

size_t pp_as_completed_left(const struct pp_as_completed *iterator)
{
    return iterator->left;
}

void pp_as_completed_close(struct pp_as_completed *iterator)
{
    if (iterator == NULL) {
        return;
    }
    for (size_t i = 0; i < iterator->count; i++) {
        struct entry *entry = &iterator->entries[i];
        if (entry->future != NULL && !pp_is_done(entry->future)) {
            pp_future_unwatch(entry->future, &entry->watcher);
        }
    }
    free_party(&iterator->party);
    free(iterator);
}
