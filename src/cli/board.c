/* mmap's MAP_ANONYMOUS became POSIX only in 2024; everybody has had it since long before. */
#define _DEFAULT_SOURCE 1 /* NOLINT(bugprone-reserved-identifier) */

#include "board.h"

#include "clock.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DEATHS = 1024 };

#define NO_LANE UINT32_MAX

typedef _Atomic uint64_t counter;

/* A lane in shared memory; a cache line of its own or two, so that workers do not slow each other. */
struct lane {
    _Alignas(128) _Atomic int64_t pid;
    counter workers, tasks, numbers, busy_ns, since_ns, under_way, peak_kib, cpu_ns;
};

struct board {
    counter entered; /* lanes given out; more than there are when workers were replaced */
    counter deaths;
    struct pp_death death[DEATHS];
    struct lane lanes[];
};

static struct board *board;
static size_t lane_count;
static size_t board_size;
static uint32_t my_lane = NO_LANE;
static uint64_t cpu_before_ns; /* of the workers that had my lane before me */

void pp_board_open(size_t lanes)
{
    board_size = sizeof *board + lanes * sizeof board->lanes[0];
    void *memory = mmap(NULL, board_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    board = memory == MAP_FAILED ? NULL : memory;
    lane_count = board == NULL ? 0 : lanes;
}

void pp_board_close(void)
{
    if (board != NULL) {
        munmap(board, board_size);
    }
    board = NULL;
    lane_count = 0;
}

static uint64_t get(counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

static void set(counter *c, uint64_t value)
{
    atomic_store_explicit(c, value, memory_order_relaxed);
}

/* ---- In a worker ---- */

/* The lane's owner left in the middle of a task. */
static void note_death(uint32_t lane, uint64_t began_ns)
{
    const uint64_t i = atomic_fetch_add(&board->deaths, 1);
    if (i < DEATHS) {
        board->death[i] = (struct pp_death){began_ns, pp_monotonic_ns(), lane};
    }
}

static bool is_gone(int64_t pid)
{
    return pid == 0 || (kill((pid_t)pid, 0) == -1 && errno == ESRCH);
}

static bool take_over(uint32_t i)
{
    struct lane *lane = &board->lanes[i];
    int64_t owner = atomic_load(&lane->pid);
    return is_gone(owner) && atomic_compare_exchange_strong(&lane->pid, &owner, (int64_t)getpid());
}

/* A fresh lane while there are some; asking about every owner is for those who come later, or thousands of
 * workers would ask millions of times. */
static uint32_t find_lane(void)
{
    const uint64_t fresh = atomic_fetch_add(&board->entered, 1);
    if (fresh < lane_count && take_over((uint32_t)fresh)) {
        return (uint32_t)fresh;
    }
    for (uint32_t i = 0; i < lane_count; i++) {
        if (take_over(i)) {
            return i;
        }
    }
    return NO_LANE;
}

int pp_board_enter(void *context)
{
    (void)context;
    my_lane = board == NULL ? NO_LANE : find_lane();
    if (my_lane == NO_LANE) {
        return 0;
    }
    struct lane *lane = &board->lanes[my_lane];
    set(&lane->workers, get(&lane->workers) + 1);
    cpu_before_ns = get(&lane->cpu_ns);
    const uint64_t began_ns = get(&lane->since_ns);
    if (began_ns != 0) {
        note_death(my_lane, began_ns);
    }
    set(&lane->under_way, 0);
    set(&lane->since_ns, 0);
    return 0;
}

uint32_t pp_board_lane(void)
{
    return my_lane;
}

void pp_board_begin(uint64_t now_ns)
{
    if (my_lane != NO_LANE) {
        set(&board->lanes[my_lane].since_ns, now_ns);
    }
}

void pp_board_progress(uint64_t numbers)
{
    if (my_lane != NO_LANE) {
        set(&board->lanes[my_lane].under_way, numbers);
    }
}

static uint64_t nanoseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

/* getrusage costs a system call: not for every tiny task. */
static void note_usage(struct lane *lane, uint64_t tasks, uint64_t took_ns)
{
    struct rusage usage;
    if (tasks % 64 != 1 && took_ns < 1000000) {
        return;
    }
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        const uint64_t kib = (uint64_t)usage.ru_maxrss;
        set(&lane->cpu_ns, cpu_before_ns + nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime));
        set(&lane->peak_kib, kib > get(&lane->peak_kib) ? kib : get(&lane->peak_kib));
    }
}

void pp_board_end(uint64_t numbers, uint64_t now_ns)
{
    if (my_lane == NO_LANE) {
        return;
    }
    struct lane *lane = &board->lanes[my_lane];
    const uint64_t took_ns = now_ns - get(&lane->since_ns);
    const uint64_t tasks = get(&lane->tasks) + 1;
    set(&lane->tasks, tasks);
    set(&lane->busy_ns, get(&lane->busy_ns) + took_ns);
    set(&lane->under_way, 0);
    set(&lane->numbers, get(&lane->numbers) + numbers);
    set(&lane->since_ns, 0);
    note_usage(lane, tasks, took_ns);
}

/* ---- In the parent ---- */

size_t pp_board_lanes(void)
{
    return lane_count;
}

struct pp_lane pp_board_read(size_t i)
{
    if (i >= lane_count) {
        return (struct pp_lane){0};
    }
    struct lane *lane = &board->lanes[i];
    return (struct pp_lane){atomic_load(&lane->pid), get(&lane->workers),  get(&lane->tasks),
                            get(&lane->numbers),     get(&lane->busy_ns),  get(&lane->since_ns),
                            get(&lane->under_way),   get(&lane->peak_kib), get(&lane->cpu_ns)};
}

uint64_t pp_board_numbers(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < lane_count; i++) {
        sum += get(&board->lanes[i].numbers) + get(&board->lanes[i].under_way);
    }
    return sum;
}

uint64_t pp_board_death_count(void)
{
    return board == NULL ? 0 : atomic_load(&board->deaths);
}

size_t pp_board_deaths(size_t from, struct pp_death *deaths, size_t capacity)
{
    size_t count = 0;
    while (from < pp_board_death_count() && from < DEATHS && count < capacity) {
        deaths[count++] = board->death[from++];
    }
    return count;
}
