/* A model of the claim word (src/pool/claim.h) and of what the two sides build on it, for spin; tests/model.sh runs it.
 *
 * A parent gives TASKS tasks to WORKERS workers. It sends frames (epoch, seq), takes back what a worker has not begun
 * whenever it likes, and sends that again to whichever worker. Workers claim, run, gather replies and write them when
 * they like, and may die at any moment. When one has died its word says what happened: the task claimed last and not
 * answered is guilty and fails, those claimed before it run again, the rest was never begun.
 *
 * Checked, over all interleavings:
 *   - each task gets exactly one outcome;
 *   - no task is claimed twice, unless the worker that had claimed it died with the reply;
 *   - what was taken back, or is believed to be unbegun, was claimed by nobody, and what fails was claimed;
 *   - a reply is that of the oldest claimed task that has none;
 *   - the parent is never left waiting for ever (spin's invalid end states);
 *   - and never goes round in a circle (spin's non-progress cycles): with so many deaths and take-backs, and no more,
 *     every run ends. That there is no end of either is not in the model.
 *
 * Each of these makes the protocol wrong in one point, and spin must find it out:
 *   -DTAKE_TORN        the worker's compare-and-swap is a load and a store
 *   -DTAKE_BACK_TORN   the parent's is
 *   -DEPOCH_IGNORED    a claim compares seq only
 *   -DDEATH_FORGETS    what a dead worker had claimed is believed to be unbegun */

#ifndef TASKS
#define TASKS 3
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef TAKE_BACKS
#define TAKE_BACKS 2 /* at most so many, in all */
#endif
#ifndef DEATHS
#define DEATHS 1 /* at most so many, in all */
#endif

#define FOR_EACH(i, n) i = 0; do :: i == (n) -> i = 0; break :: else ->
#define END_FOR(i) i++ od

/* The claim words: both halves are read and written in one step. */
byte epoch[WORKERS];
byte next[WORKERS];

bool alive[WORKERS];
bool eof[WORKERS]; /* the worker's end of the reply pipe is closed */
byte deaths;

/* Out-queue and request pipe: epoch, seq, task. What was taken back stays in it until the worker drops it. */
chan requests0 = [TASKS + 1] of { byte, byte, byte };
chan requests1 = [TASKS + 1] of { byte, byte, byte };
chan requests[WORKERS];
/* The replies that the worker gathers and those in its pipe. They carry the task so that beliefs can be checked. */
chan gathered[WORKERS];
chan gathered0 = [TASKS] of { byte };
chan gathered1 = [TASKS] of { byte };
chan replies[WORKERS];
chan replies0 = [TASKS] of { byte };
chan replies1 = [TASKS] of { byte };

/* What is true, whatever anybody believes: who claimed the task, plus one; 0: nobody. */
byte owner[TASKS];
bool outcome[TASKS];

#define TAKEN assert(owner[t] == 0 && !outcome[t]); owner[t] = me + 1

proctype worker(byte me)
{
    byte e, s, t;
    bool claimed;

life:
end:
    do
    :: !alive[me] -> break
#ifdef TAKE_TORN
    :: alive[me] && nempty(requests[me]) ->
        requests[me] ? e, s, t;
        claimed = epoch[me] == e && next[me] == s;
        if
        :: claimed -> d_step { epoch[me] = e; next[me] = s + 1; TAKEN }
        :: else -> skip
        fi;
#else
    :: alive[me] && nempty(requests[me]) -> d_step {
        requests[me] ? e, s, t;
#ifdef EPOCH_IGNORED
        claimed = next[me] == s;
#else
        claimed = epoch[me] == e && next[me] == s;
#endif
        if
        :: claimed -> next[me] = s + 1; TAKEN
        :: else -> t = 0
        fi;
        e = 0; s = 0 }
#endif
        if
        :: claimed && alive[me] -> d_step { gathered[me] ! t; t = 0; claimed = false } /* it has run */
        :: claimed && !alive[me] -> break /* it crashed */
        :: !claimed -> skip
        fi
    :: alive[me] && nempty(gathered[me]) -> d_step { gathered[me] ? t; replies[me] ! t; t = 0 }
    od;
    skip;
    /* Dead: what was gathered is lost, what is in the pipe is not. */
    d_step {
        do
        :: len(gathered[me]) > 0 -> gathered[me] ? t
        :: else -> break
        od;
        e = 0; s = 0; t = 0; claimed = false;
        eof[me] = true
    }
endgrave:
    (!eof[me]); /* another was put in its place */
    goto life
}

/* Kills a worker at any moment. */
#define KILL(w) :: deaths < DEATHS && alive[w] -> d_step { alive[w] = false; deaths++ }

proctype fate()
{
end:
    do
    :: deaths == DEATHS -> break
    KILL(0)
#if WORKERS > 1
    KILL(1)
#endif
    od
}

typedef queue {
    byte task[TASKS] /* sent, in order, and not answered, not taken back */
}

/* The parent's beliefs. */
queue q[WORKERS];
byte length[WORKERS];   /* of that queue */
byte my_epoch[WORKERS];
byte sent[WORKERS];     /* in this epoch */
byte claimed[WORKERS];  /* of the queue, in epochs before */
byte answered[WORKERS]; /* of this epoch's */
bool queued[TASKS];     /* is to be sent */
byte waiting;           /* how many are */
byte take_backs;
byte done;

#define give(t) queued[t] = true; waiting++

/* Sends the first task that waits. */
inline send(w)
{
    d_step {
        i = 0;
        do
        :: queued[i] -> break
        :: else -> i++
        od;
        requests[w] ! my_epoch[w], sent[w], i;
        sent[w]++;
        q[w].task[length[w]] = i;
        length[w]++;
        queued[i] = false;
        waiting--;
        i = 0
    }
}

inline receive(w)
{
    d_step {
        replies[w] ? t;
        assert(length[w] > 0 && q[w].task[0] == t);
        assert(owner[t] == w + 1 && !outcome[t]);
        if
        :: claimed[w] > 0 -> claimed[w]--
        :: else ->
            answered[w]++;
            assert(epoch[w] == my_epoch[w] && answered[w] <= next[w])
        fi;
        outcome[t] = true;
        done++;
        length[w]--;
        FOR_EACH(i, length[w]) q[w].task[i] = q[w].task[i + 1]; END_FOR(i);
        q[w].task[length[w]] = 0;
        t = 0
    }
}

inline take_back(w)
{
    take_backs++;
#ifdef TAKE_BACK_TORN
    n = next[w];
#endif
    d_step {
#ifndef TAKE_BACK_TORN
        n = next[w];
#endif
        assert(epoch[w] == my_epoch[w] && n <= sent[w]);
        my_epoch[w]++;
        epoch[w] = my_epoch[w];
        next[w] = 0;
        sent[w] = 0;
        claimed[w] = claimed[w] + n - answered[w];
        answered[w] = 0;
        do
        :: length[w] > claimed[w] ->
            length[w]--;
            t = q[w].task[length[w]];
            assert(owner[t] == 0 && !outcome[t]);
            give(t);
            q[w].task[length[w]] = 0
        :: else -> break
        od;
        n = 0; t = 0
    }
}

/* Its last replies have been read: says what becomes of its tasks, and puts another in its place. */
inline bury(w)
{
    d_step {
        assert(epoch[w] == my_epoch[w] && next[w] <= sent[w]);
#ifdef DEATH_FORGETS
        n = 0;
#else
        n = claimed[w] + next[w] - answered[w]; /* of the queue */
#endif
        assert(n <= length[w]);
        FOR_EACH(i, length[w])
            t = q[w].task[i];
            assert(!outcome[t]);
            if
            :: i + 1 == n -> /* guilty */
                assert(owner[t] == w + 1);
                outcome[t] = true;
                done++
            :: i + 1 < n -> /* ran, but its reply is lost */
                assert(owner[t] == w + 1);
                owner[t] = 0;
                give(t)
            :: else -> /* was never begun */
                assert(owner[t] == 0);
                give(t)
            fi;
            q[w].task[i] = 0;
        END_FOR(i);
        do
        :: len(requests[w]) > 0 -> requests[w] ? i, i, i
        :: else -> break
        od;
        i = 0; n = 0; t = 0;
        length[w] = 0; sent[w] = 0; claimed[w] = 0; answered[w] = 0; my_epoch[w] = 0;
        epoch[w] = 0; next[w] = 0;
        eof[w] = false;
        alive[w] = true
    }
}

#define ACTIONS(w) \
    :: done < TASKS && waiting > 0 && !eof[w] && nfull(requests[w]) -> send(w) \
    :: done < TASKS && nempty(replies[w]) -> receive(w) \
    :: done < TASKS && !eof[w] && sent[w] > 0 && take_backs < TAKE_BACKS -> take_back(w) \
    :: done < TASKS && eof[w] && empty(replies[w]) -> bury(w)

proctype parent()
{
    byte i, n, t;

    d_step { FOR_EACH(i, TASKS) give(i); END_FOR(i) }
    do
    :: done == TASKS -> break
    ACTIONS(0)
#if WORKERS > 1
    ACTIONS(1)
#endif
    od;
    skip;
    d_step { FOR_EACH(i, TASKS) assert(outcome[i]); END_FOR(i) }
}

init
{
    byte w;
    atomic {
        requests[0] = requests0; gathered[0] = gathered0; replies[0] = replies0;
#if WORKERS > 1
        requests[1] = requests1; gathered[1] = gathered1; replies[1] = replies1;
#endif
        FOR_EACH(w, WORKERS) alive[w] = true; run worker(w); END_FOR(w);
        run parent();
        run fate()
    }
}
