#ifndef POOL_CLAIM_H
#define POOL_CLAIM_H

/* The claim word: who owns a task that was sent.
 *
 * Parent and worker share one 64-bit atomic word {epoch, next}. Each request frame carries (epoch, seq), the
 * seqs of an epoch counting from 0. Before it runs a frame the worker claims it: CAS {e, s} -> {e, s+1}. A
 * frame whose epoch is no longer current cannot be claimed and is dropped unread. To take back all that the
 * worker has not started, the parent does CAS {e, n} -> {e+1, 0}: frames with seq >= n are the parent's
 * again, those with seq < n were claimed and their replies will come. One of the two wins each frame, without
 * a lock, a message or a system call, and also while the worker is deep in a long task and reads nothing.
 * tests/claim.pml is a model of this that a model checker explores.
 *
 * A task gone wild can write anything into this page, so the parent believes no word that the protocol cannot
 * have produced, and the worker looks after each task whether its claim still stands: frames behind a word
 * that was moved on would count as claimed and never run. */

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock in one process's memory would not bind the other");

/* Lies alone in a shared page. */
struct pp_claim {
    _Atomic uint64_t word;       /* epoch << 32 | next */
    _Atomic uint64_t started_ns; /* when the task claimed last began, by pp_clock_ns */
};

/* Worker: claims frame (epoch, seq), which begins at now_ns. False: it was taken back. */
static inline bool pp_claim_take(struct pp_claim *claim, uint32_t epoch, uint32_t seq, uint64_t now_ns)
{
    uint64_t expected = (uint64_t)epoch << 32 | seq;
    /* Stored first, so that whoever sees the claim sees a start no older than it. If the claim then fails, no
     * task runs here and the time means nothing. */
    atomic_store_explicit(&claim->started_ns, now_ns, memory_order_relaxed);
    return atomic_compare_exchange_strong_explicit(&claim->word, &expected, expected + 1,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

/* Worker, after it ran frame (epoch, seq): whether the word is still what that claim made it, or the parent
 * has taken back what followed. False: something here has written over it; the word is as the claim made it
 * again, unless the parent acted upon it meanwhile, so that the parent blames the right task when this worker
 * ends. */
static inline bool pp_claim_check(struct pp_claim *claim, uint32_t epoch, uint32_t seq)
{
    uint64_t claimed = ((uint64_t)epoch << 32 | seq) + 1;
    uint64_t word = atomic_load_explicit(&claim->word, memory_order_relaxed);
    uint32_t epochs_ahead = (uint32_t)(word >> 32) - epoch;
    bool taken_back = epochs_ahead != 0 && epochs_ahead <= INT32_MAX && (uint32_t)word == 0;
    if (word == claimed || taken_back) {
        return true;
    }
    atomic_compare_exchange_strong(&claim->word, &word, claimed);
    return false;
}

/* Parent: how many frames of `epoch`, of which `sent` were sent, have been claimed. False: the word is not
 * one that the protocol can have produced. */
static inline bool pp_claim_count(const struct pp_claim *claim, uint32_t epoch, uint32_t sent,
                                  uint32_t *count)
{
    uint64_t word = atomic_load_explicit(&claim->word, memory_order_acquire);
    *count = (uint32_t)word;
    return word >> 32 == epoch && *count <= sent;
}

/* Parent: ends `epoch` and begins the next. *count of its frames had been claimed. False as above; then
 * nothing has changed. */
static inline bool pp_claim_take_back(struct pp_claim *claim, uint32_t epoch, uint32_t sent, uint32_t *count)
{
    uint64_t fresh = (uint64_t)(epoch + 1) << 32;
    uint64_t word = atomic_load_explicit(&claim->word, memory_order_acquire);
    do {
        *count = (uint32_t)word;
        if (word >> 32 != epoch || *count > sent) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&claim->word, &word, fresh, memory_order_acq_rel,
                                                    memory_order_acquire));
    return true;
}

#endif
