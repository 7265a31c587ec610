#ifndef POOL_WORKER_H
#define POOL_WORKER_H

/* The life of a worker, on any two descriptors: whether they belong to a forked process is not its business.
 */

#include "buffer.h"
#include "claim.h"

/* What a task appends its reply to; see executor.h, which promises the same to users. */
typedef struct pp_reply pp_reply;

typedef int pp_worker_task(const void *arg, size_t arg_size, pp_reply *reply);

int pp_reply_append(pp_reply *reply, const void *bytes, size_t size);
void *pp_reply_reserve(pp_reply *reply, size_t size);
void pp_reply_commit(pp_reply *reply, size_t size);

/* What a worker reads into and answers from; {0}: nothing yet, it grows as needed. Made before the fork, so
 * that nothing need be allocated between that and the first task: in a program with threads the heap's lock
 * may have been held. */
struct pp_worker_memory {
    struct pp_buffer in;
    struct pp_buffer out;
};

/* False: no memory. */
bool pp_worker_memory_open(struct pp_worker_memory *memory);

void pp_worker_memory_close(struct pp_worker_memory *memory);

struct pp_worker {
    struct pp_worker_memory memory; /* the caller's to free, also if it grew */
    int requests_from;              /* blocking; not closed here */
    int replies_to;                 /* blocking; not closed here */
    struct pp_claim *claim;
    int (*initializer)(void *); /* may be NULL */
    void *initializer_context;
};

/* How a worker exits. Tasks that call exit() have statuses of their own; nothing depends on these being
 * different. */
enum pp_worker_status {
    PP_WORKER_DONE = 0,          /* EOF on its request pipe */
    PP_WORKER_NOT_READY = 120,   /* the initializer failed; the hello told its code */
    PP_WORKER_BAD_REQUEST = 121, /* what came was no frame */
    PP_WORKER_PIPE_FAILED = 122, /* a pipe could not be read or written */
    PP_WORKER_NO_MEMORY = 123,
    PP_WORKER_BAD_CLAIM = 124 /* a task wrote over the claim word; it is not answered */
};

/* Says hello, then takes requests, claims them, runs them and answers, until EOF. Returns how to exit. */
enum pp_worker_status pp_worker_run(struct pp_worker *worker);

#endif
