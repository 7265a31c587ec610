/* The policy.
 *
 * Jobs wait in one queue, first come, first served. A worker that is sent a job has it in its window until it
 * answers. The art is how much to send ahead: too little, and a worker that is done waits for the parent; too
 * much, and a job waits behind a long one while others are idle. Nobody is asked to choose a chunk size:
 *
 *   Credit in time. A worker is kept supplied with CREDIT_NS of work, judged by what jobs of the same
 * function have cost so far; with jobs longer than that, by one spare. A function that was never measured
 * gets one job a worker. A short queue is shared: nobody gets more than its even part of it. Where the parent
 * takes long to come round, because it feeds very many, a worker runs dry while jobs wait for it: then its
 * credit doubles, up to MOST_CREDIT_NS, so that each round of the parent serves for longer; it shrinks again
 * while the worker is found with more than half of it left.
 *
 *   Fill those who answer. A worker is filled when it is idle or has just answered. One that is silent gets
 * nothing more, so a surprise (a long job among short ones) holds back at most what it was sent before.
 *
 *   Take back. What was sent and not begun is taken back
 *     - from the worker with the most of it, when another is idle and the queue is empty: at once if it is
 *       worth a wake-up (WORTH_NS) or its owner is starting or late, else when its owner has been silent for
 *       STUCK_NS;
 *     - after that time too when nobody is idle but a place is empty, and it is worth starting a worker for;
 *     - from a worker that is silent for LATE_NS and for four times what its job should take.
 * It goes to the front of the queue. A worker from which it was taken because of its silence is late until it
 * answers. One that is late and has nothing is suspect: it may be stopped, so it gets one job at a time, when
 * nobody else is there; one that has not said hello yet comes before it, but after those that have. Taking in
 * a part of a large argument is no silence, and silence is counted up to when the parent last listened to
 * all: a parent that is itself behind the clock must not take it for the workers'. While nobody is idle,
 * patience with a job doubles each time that a silent worker had not begun it: on an overloaded machine,
 * where all start slowly, it would be sent to and fro for ever.
 *
 *   Start workers as they are needed: when a job waits and nobody is idle or has just answered. A start that
 * fails (no process, or one that dies before it says hello) is tried again after a pause that doubles; if
 * there is no worker at all after GIVE_UP_AFTER failures in a row, what is queued fails. A death in the
 * middle of work is the job's fault, not the worker's, and costs no pause.
 *
 *   A worker that died of nobody knows which job: all that it may have been run again, each alone.
 *
 * Every READY worker with an empty window is listed as idle, new or suspect; so none has nothing to do while the
 * queue is not empty. tests/support/simulator.h tells what else is promised, and checked. */

#include "schedule.h"

#include <assert.h>
#include <stdlib.h>

enum {
    CREDIT_NS = 1000000,
    MOST_CREDIT_NS = 16000000,
    CREDIT_BYTES = 256 * 1024,
    WORTH_NS = 50000,
    STUCK_NS = 1000000,
    LATE_NS = 2000000,
    MOST_RETURNS = 8,
    FIRST_PAUSE_NS = 10000000,
    LONGEST_PAUSE_NS = 1000000000,
    GIVE_UP_AFTER = 5
};

/* What jobs of one function cost: a moving average, the last of them counting for 1/8, in 1/16 ns. */
struct pp_cost {
    uint64_t key;
    uint64_t mean_16th_ns;
    bool known; /* at least one was measured */
};

/* ---- Lists ---- */

static void append(struct pp_job_list *list, struct pp_job *job)
{
    job->next = NULL;
    job->previous = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = job;
    list->last = job;
    list->count++;
}

static void remove_job(struct pp_job_list *list, struct pp_job *job)
{
    *(job->previous != NULL ? &job->previous->next : &list->first) = job->next;
    *(job->next != NULL ? &job->next->previous : &list->last) = job->previous;
    list->count--;
}

static struct pp_job *remove_first(struct pp_job_list *list)
{
    struct pp_job *job = list->first;
    list->first = job->next;
    *(job->next != NULL ? &job->next->previous : &list->last) = NULL;
    list->count--;
    return job;
}

/* Puts all of `front`, in its order, before what is in `list`; `front` is empty then. */
static void prepend_all(struct pp_job_list *list, struct pp_job_list *front)
{
    if (front->count == 0) {
        return;
    }
    front->last->next = list->first;
    *(list->first != NULL ? &list->first->previous : &list->last) = front->last;
    list->first = front->first;
    list->count += front->count;
    *front = (struct pp_job_list){0};
}

static void unlist(struct pp_schedule *schedule, struct pp_lane *lane)
{
    if (lane->list != PP_LISTED_NOWHERE) {
        struct pp_lane_queue *queue = &schedule->lists[lane->list];
        *(lane->previous != NULL ? &lane->previous->next : &queue->first) = lane->next;
        *(lane->next != NULL ? &lane->next->previous : &queue->last) = lane->previous;
        lane->list = PP_LISTED_NOWHERE;
    }
}

/* Idle lanes are used last in, first out: the last one's memory is warmest. Served lanes take turns. */
static void enlist(struct pp_schedule *schedule, struct pp_lane *lane, enum pp_lane_list list)
{
    if (lane->list == list) {
        return;
    }
    unlist(schedule, lane);
    struct pp_lane_queue *queue = &schedule->lists[list];
    lane->list = list;
    if (list == PP_LISTED_IDLE) {
        lane->previous = NULL;
        lane->next = queue->first;
        *(queue->first != NULL ? &queue->first->previous : &queue->last) = lane;
        queue->first = lane;
    } else {
        lane->next = NULL;
        lane->previous = queue->last;
        *(queue->last != NULL ? &queue->last->next : &queue->first) = lane;
        queue->last = lane;
    }
}

/* ---- Costs ---- */

/* The entry for a function; all that do not fit into the table share one behind it. */
static struct pp_cost *find_cost(struct pp_schedule *schedule, uint64_t key)
{
    size_t start = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 58);
    static_assert(PP_SCHEDULE_COSTS == 64, "the hash gives six bits");
    for (size_t i = 0; i < PP_SCHEDULE_COSTS; i++) {
        struct pp_cost *cost = &schedule->costs[(start + i) % PP_SCHEDULE_COSTS];
        if (cost->key == key) {
            return cost;
        }
        if (cost->key == 0) {
            cost->key = key;
            return cost;
        }
    }
    return &schedule->costs[PP_SCHEDULE_COSTS];
}

static uint64_t expected_ns(const struct pp_cost *cost)
{
    return cost->mean_16th_ns / 16;
}

static void measure(struct pp_cost *cost, uint64_t nanoseconds)
{
    uint64_t sample = nanoseconds < UINT64_MAX / 32 ? nanoseconds * 16 : UINT64_MAX / 2;
    if (!cost->known) {
        cost->mean_16th_ns = sample;
        cost->known = true;
    } else if (sample >= cost->mean_16th_ns) {
        cost->mean_16th_ns += (sample - cost->mean_16th_ns) / 8;
    } else {
        cost->mean_16th_ns -= (cost->mean_16th_ns - sample) / 8;
    }
}

/* ---- Lanes ---- */

static struct pp_lane *lane_at(const struct pp_schedule *schedule, size_t lane)
{
    assert(lane < schedule->lane_count);
    return &schedule->lanes[lane];
}

static size_t lane_index(const struct pp_schedule *schedule, const struct pp_lane *lane)
{
    return (size_t)(lane - schedule->lanes);
}

static void enlist_empty(struct pp_schedule *schedule, struct pp_lane *lane)
{
    enlist(schedule, lane, lane->late ? PP_LISTED_SUSPECT : lane->hello ? PP_LISTED_IDLE : PP_LISTED_NEW);
}

/* Keeps the number of lanes from which something might be taken back. */
static void count_rich(struct pp_schedule *schedule, struct pp_lane *lane)
{
    bool rich = lane->window.count > 0 && !lane->tail_claimed;
    if (rich != lane->rich) {
        lane->rich = rich;
        schedule->rich = rich ? schedule->rich + 1 : schedule->rich - 1;
    }
}

static bool has_done_its_tasks(const struct pp_schedule *schedule, const struct pp_lane *lane)
{
    return schedule->tasks_per_worker > 0 && lane->tasks >= schedule->tasks_per_worker;
}

/* Whether the lane may be sent that job now, whatever others have. */
static bool has_room(const struct pp_schedule *schedule, const struct pp_lane *lane, const struct pp_job *job)
{
    if (lane->state != PP_LANE_READY || has_done_its_tasks(schedule, lane)) {
        return false;
    }
    if (lane->window.count == 0) {
        return true;
    }
    if (lane->late || !job->cost->known || job->alone || lane->window.last->alone) {
        return false;
    }
    return lane->window.count == 1 || (lane->window_ns + expected_ns(job->cost) <= lane->credit_ns &&
                                       lane->window_bytes + job->size <= CREDIT_BYTES);
}

static void add_to_window(struct pp_schedule *schedule, struct pp_lane *lane, struct pp_job *job,
                          uint64_t now_ns)
{
    assert(lane->state == PP_LANE_READY);
    unlist(schedule, lane);
    if (lane->window.count == 0) {
        lane->progress_ns = now_ns;
    }
    job->place = PP_PLACE_WINDOW;
    job->lane = (uint32_t)lane_index(schedule, lane);
    job->expected_ns = expected_ns(job->cost);
    append(&lane->window, job);
    lane->window_ns += job->expected_ns;
    lane->window_bytes += job->size;
    lane->tasks++;
    lane->tail_claimed = false;
    count_rich(schedule, lane);
}

static void remove_from_window(struct pp_lane *lane, struct pp_job *job)
{
    remove_job(&lane->window, job);
    lane->window_ns -= job->expected_ns;
    lane->window_bytes -= job->size;
    job->place = PP_PLACE_NONE;
}

/* Moves all jobs behind the first `kept` from the window to the front of the queue. How many they were. */
static size_t return_to_queue(struct pp_schedule *schedule, struct pp_lane *lane, size_t kept)
{
    struct pp_job_list returned = {0};
    while (lane->window.count > kept) {
        struct pp_job *job = lane->window.last;
        assert(job != NULL);
        remove_from_window(lane, job);
        job->place = PP_PLACE_QUEUE;
        job->previous = NULL;
        job->next = returned.first;
        *(returned.first != NULL ? &returned.first->previous : &returned.last) = job;
        returned.first = job;
        returned.count++;
    }
    size_t count = returned.count;
    prepend_all(&schedule->queue, &returned);
    return count;
}

/* ---- Opening and closing ---- */

bool pp_schedule_open(struct pp_schedule *schedule, size_t lanes, uint64_t tasks_per_worker)
{
    *schedule = (struct pp_schedule){.lane_count = lanes, .tasks_per_worker = tasks_per_worker};
    schedule->lanes = calloc(lanes, sizeof *schedule->lanes);
    schedule->costs = calloc(PP_SCHEDULE_COSTS + 1, sizeof *schedule->costs);
    if (schedule->lanes == NULL || schedule->costs == NULL) {
        pp_schedule_close(schedule);
        return false;
    }
    return true;
}

void pp_schedule_close(struct pp_schedule *schedule)
{
    free(schedule->lanes);
    free(schedule->costs);
    *schedule = (struct pp_schedule){0};
}

/* ---- Events ---- */

bool pp_schedule_submit(struct pp_schedule *schedule, struct pp_job *job, uint64_t key, size_t size)
{
    job->cost = find_cost(schedule, key);
    job->size = (uint32_t)size;
    job->place = PP_PLACE_QUEUE;
    append(&schedule->queue, job);
    return schedule->lists[PP_LISTED_IDLE].first != NULL || schedule->lists[PP_LISTED_NEW].first != NULL ||
           schedule->lists[PP_LISTED_SUSPECT].first != NULL || schedule->live < schedule->lane_count;
}

void pp_schedule_resubmit(struct pp_schedule *schedule, struct pp_job *job)
{
    struct pp_job_list front = {0};
    job->place = PP_PLACE_QUEUE;
    append(&front, job);
    prepend_all(&schedule->queue, &front);
}

void pp_schedule_remove(struct pp_schedule *schedule, struct pp_job *job)
{
    assert(job->place == PP_PLACE_QUEUE);
    remove_job(&schedule->queue, job);
    job->place = PP_PLACE_NONE;
}

struct pp_job *pp_schedule_remove_first(struct pp_schedule *schedule)
{
    if (schedule->queue.first == NULL) {
        return NULL;
    }
    struct pp_job *job = remove_first(&schedule->queue);
    job->place = PP_PLACE_NONE;
    return job;
}

void pp_schedule_hello(struct pp_schedule *schedule, size_t lane, uint64_t now_ns)
{
    struct pp_lane *l = lane_at(schedule, lane);
    assert(l->state == PP_LANE_READY && !l->hello);
    l->hello = true;
    l->late = false;
    l->progress_ns = now_ns;
    if (l->list == PP_LISTED_NEW || l->list == PP_LISTED_SUSPECT) {
        enlist_empty(schedule, l);
    }
    schedule->failures = 0;
    schedule->failure_reason = 0;
    schedule->spawn_after_ns = 0;
}

struct pp_job *pp_schedule_reply(struct pp_schedule *schedule, size_t lane, uint64_t nanoseconds,
                                 uint64_t now_ns)
{
    struct pp_lane *l = lane_at(schedule, lane);
    struct pp_job *job = l->window.first;
    assert(l->state == PP_LANE_READY && job != NULL);
    measure(job->cost, nanoseconds);
    bool was_measured = job->expected_ns > 0;
    remove_from_window(l, job);
    count_rich(schedule, l);
    if (l->window.count == 0 && was_measured && schedule->queue.count > 0) {
        l->credit_ns = l->credit_ns < MOST_CREDIT_NS / 2 ? 2 * l->credit_ns : MOST_CREDIT_NS;
    }
    l->progress_ns = now_ns;
    l->late = false;
    if (l->window.count > 0) {
        enlist(schedule, l, PP_LISTED_SERVED);
    } else {
        enlist_empty(schedule, l);
    }
    return job;
}

void pp_schedule_written(struct pp_schedule *schedule, size_t lane, uint64_t now_ns)
{
    struct pp_lane *l = lane_at(schedule, lane);
    assert(l->state == PP_LANE_READY);
    l->progress_ns = now_ns;
}

void pp_schedule_heard(struct pp_schedule *schedule, uint64_t now_ns)
{
    schedule->heard_ns = now_ns;
}

size_t pp_schedule_taken_back(struct pp_schedule *schedule, size_t lane, size_t claimed)
{
    struct pp_lane *l = lane_at(schedule, lane);
    assert(l->state == PP_LANE_READY && claimed <= l->window.count);
    struct pp_job *first = l->window.first;
    if (claimed == 0 && first != NULL && l->late) {
        first->returns += first->returns < MOST_RETURNS;
    }
    size_t returned = return_to_queue(schedule, l, claimed);
    l->tasks -= returned;
    l->tail_claimed = true;
    count_rich(schedule, l);
    if (l->window.count == 0) {
        enlist_empty(schedule, l);
    } else {
        unlist(schedule, l);
    }
    if (schedule->filling == l) {
        schedule->filling = NULL;
    }
    return returned;
}

void pp_schedule_suspect(struct pp_schedule *schedule, size_t lane, size_t count)
{
    struct pp_job *job = lane_at(schedule, lane)->window.first;
    for (size_t i = 0; i < count; i++, job = job->next) {
        assert(job != NULL);
        job->alone = true;
    }
}

static void pause_starts(struct pp_schedule *schedule, uint64_t now_ns)
{
    uint64_t pause = FIRST_PAUSE_NS;
    for (unsigned i = 0; i < schedule->failures && pause < LONGEST_PAUSE_NS; i++) {
        pause *= 2;
    }
    schedule->failures++;
    schedule->spawn_after_ns = now_ns + pause;
}

struct pp_job *pp_schedule_died(struct pp_schedule *schedule, size_t lane, size_t claimed, uint64_t now_ns)
{
    struct pp_lane *l = lane_at(schedule, lane);
    assert(l->state != PP_LANE_ABSENT && claimed <= l->window.count);
    return_to_queue(schedule, l, claimed);
    struct pp_job *guilty = l->window.last;
    if (guilty != NULL) {
        remove_from_window(l, guilty);
    }
    return_to_queue(schedule, l, 0);
    if (!l->hello && guilty == NULL) {
        pause_starts(schedule, now_ns);
    }
    count_rich(schedule, l);
    unlist(schedule, l);
    schedule->ready -= l->state == PP_LANE_READY;
    schedule->live--;
    *l = (struct pp_lane){0};
    return guilty;
}

void pp_schedule_spawned(struct pp_schedule *schedule, size_t lane)
{
    struct pp_lane *l = lane_at(schedule, lane);
    assert(l->state == PP_LANE_ABSENT);
    l->state = PP_LANE_READY;
    l->credit_ns = CREDIT_NS;
    schedule->live++;
    schedule->ready++;
    enlist_empty(schedule, l);
}

void pp_schedule_spawn_failed(struct pp_schedule *schedule, int error, uint64_t now_ns)
{
    pp_schedule_blame(schedule, error);
    pause_starts(schedule, now_ns);
}

void pp_schedule_blame(struct pp_schedule *schedule, int error)
{
    schedule->failure_reason = error;
}

/* ---- Actions ---- */

static bool may_spawn(const struct pp_schedule *schedule, uint64_t now_ns)
{
    return schedule->live < schedule->lane_count && now_ns >= schedule->spawn_after_ns;
}

/* The lane that is to be filled next, beginning with the first job of the queue; NULL: nobody may. */
static struct pp_lane *next_to_fill(struct pp_schedule *schedule, uint64_t now_ns)
{
    const struct pp_job *job = schedule->queue.first;
    struct pp_lane *lane;
    /* One more worker is a better hope than one that does not begin, unless that is still starting; but not
     * again for the same job: then it is the machine that is slow, not the worker. */
    const struct pp_lane *suspect = schedule->lists[PP_LISTED_SUSPECT].first;
    bool prefers_new = suspect != NULL && suspect->hello && job->returns < 2 && may_spawn(schedule, now_ns);
    int last = prefers_new ? PP_LISTED_NEW : PP_LISTED_SUSPECT;
    do {
        lane = NULL;
        for (int list = PP_LISTED_IDLE; list <= last && lane == NULL; list++) {
            lane = schedule->lists[list].first;
        }
        if (lane == NULL) {
            return NULL;
        }
        unlist(schedule, lane);
        if (lane->window_ns > lane->credit_ns / 2 && lane->credit_ns > CREDIT_NS) {
            lane->credit_ns -= lane->credit_ns / 8;
        }
    } while (!has_room(schedule, lane, job));
    return lane;
}

/* The lane that is to get the first job of the queue; NULL: nobody may. */
static struct pp_lane *lane_to_fill(struct pp_schedule *schedule, uint64_t now_ns)
{
    struct pp_lane *lane = schedule->filling;
    if (lane == NULL || schedule->share == 0 || !has_room(schedule, lane, schedule->queue.first)) {
        lane = schedule->filling = next_to_fill(schedule, now_ns);
        schedule->share = (schedule->queue.count + schedule->lane_count - 1) / schedule->lane_count;
    }
    return lane;
}

static size_t first_absent(const struct pp_schedule *schedule)
{
    size_t lane = 0;
    while (schedule->lanes[lane].state != PP_LANE_ABSENT) {
        lane++;
    }
    return lane;
}

/* What to do for the first job of the queue. */
static bool hand_out(struct pp_schedule *schedule, uint64_t now_ns, struct pp_action *action)
{
    struct pp_lane *lane = lane_to_fill(schedule, now_ns);
    if (lane != NULL) {
        struct pp_job *job = remove_first(&schedule->queue);
        add_to_window(schedule, lane, job, now_ns);
        schedule->share--;
        *action = (struct pp_action){PP_ACTION_SEND, .lane = job->lane, .job = job};
        return true;
    }
    if (schedule->live == 0 && schedule->failures >= GIVE_UP_AFTER) {
        *action = (struct pp_action){PP_ACTION_GIVE_UP, .error = schedule->failure_reason};
        schedule->failures = 0;
        schedule->spawn_after_ns = 0;
        return true;
    }
    if (may_spawn(schedule, now_ns)) {
        *action = (struct pp_action){PP_ACTION_SPAWN, .lane = first_absent(schedule)};
        return true;
    }
    return false;
}

/* Somebody could be sent what is taken back and the queue has nothing else for him. */
static bool somebody_waits(const struct pp_schedule *schedule)
{
    return schedule->queue.count == 0 && schedule->lists[PP_LISTED_IDLE].first != NULL;
}

/* What the lane has been sent besides the job that it is on: as expected when it was sent, or by what the
 * last one's function is known to cost now, whichever is more. */
static uint64_t tail_ns(const struct pp_lane *lane)
{
    uint64_t then = lane->window_ns - lane->window.first->expected_ns;
    uint64_t now = (lane->window.count - 1) * expected_ns(lane->window.last->cost);
    return then > now ? then : now;
}

/* The lane has work for one more worker, and there is a place for him. */
static bool is_worth_a_start(const struct pp_schedule *schedule, const struct pp_lane *lane)
{
    return schedule->queue.count == 0 && schedule->live < schedule->lane_count && lane->hello &&
           lane->window.count > 1 && lane->window.last->returns < 2 && tail_ns(lane) >= CREDIT_NS;
}

/* From when on a silent lane is not left its tail any more. */
static uint64_t patience_end_ns(const struct pp_schedule *schedule, const struct pp_lane *lane)
{
    if (somebody_waits(schedule)) {
        bool at_once = tail_ns(lane) >= WORTH_NS || !lane->hello || lane->late;
        return at_once ? 0 : lane->progress_ns + STUCK_NS;
    }
    uint64_t overdue = 4 * lane->window.first->expected_ns;
    uint64_t end =
        lane->progress_ns + ((overdue > LATE_NS ? overdue : LATE_NS) << lane->window.first->returns);
    if (is_worth_a_start(schedule, lane)) {
        uint64_t stuck = lane->progress_ns + STUCK_NS;
        uint64_t start = stuck > schedule->spawn_after_ns ? stuck : schedule->spawn_after_ns;
        end = start < end ? start : end;
    }
    return end;
}

/* From whom to take back. */
static bool take_back(struct pp_schedule *schedule, struct pp_action *action)
{
    if (schedule->rich == 0 || schedule->lane_count == 1) {
        return false;
    }
    struct pp_lane *richest = NULL;
    for (size_t i = 0; i < schedule->lane_count; i++) {
        struct pp_lane *lane = &schedule->lanes[i];
        if (lane->rich && schedule->heard_ns >= patience_end_ns(schedule, lane) &&
            (richest == NULL || tail_ns(lane) > tail_ns(richest))) {
            richest = lane;
        }
    }
    if (richest == NULL) {
        return false;
    }
    richest->late = schedule->heard_ns >= richest->progress_ns + STUCK_NS;
    *action = (struct pp_action){PP_ACTION_TAKE_BACK, .lane = lane_index(schedule, richest)};
    return true;
}

/* Whom to let go after its number of tasks. */
static bool retire(struct pp_schedule *schedule, struct pp_action *action)
{
    for (struct pp_lane *lane = schedule->lists[PP_LISTED_IDLE].first; lane != NULL; lane = lane->next) {
        if (has_done_its_tasks(schedule, lane)) {
            unlist(schedule, lane);
            lane->state = PP_LANE_LEAVING;
            schedule->ready--;
            *action = (struct pp_action){PP_ACTION_RETIRE, .lane = lane_index(schedule, lane)};
            return true;
        }
    }
    return false;
}

bool pp_schedule_next(struct pp_schedule *schedule, uint64_t now_ns, struct pp_action *action)
{
    if (schedule->tasks_per_worker > 0 && retire(schedule, action)) {
        return true;
    }
    if (schedule->queue.count > 0 && hand_out(schedule, now_ns, action)) {
        return true;
    }
    return take_back(schedule, action);
}

uint64_t pp_schedule_deadline(const struct pp_schedule *schedule)
{
    uint64_t deadline = UINT64_MAX;
    if (schedule->queue.count > 0 && schedule->live < schedule->lane_count) {
        deadline = schedule->spawn_after_ns;
    }
    if (schedule->queue.count > 0 && schedule->lists[PP_LISTED_IDLE].first != NULL) {
        return 0;
    }
    if (schedule->rich > 0 && schedule->lane_count > 1) {
        for (size_t i = 0; i < schedule->lane_count; i++) {
            if (schedule->lanes[i].rich) {
                uint64_t end = patience_end_ns(schedule, &schedule->lanes[i]);
                deadline = end < deadline ? end : deadline;
            }
        }
    }
    return deadline;
}
