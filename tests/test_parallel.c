/*
 * test_parallel.c: wg_parallel and wg_parallel_workers: every item once, borders at multiples of the
 * grain, no two ranges of one worker at once, and the shares of a worker that is held up are taken by
 * the others.
 */
#include <stdatomic.h>
#include <time.h>
#include <wengert/op.h>

#include "harness.h"

enum { MOST = 5000, THREADS = 300 };

struct job {
    int64_t n, grain;
    int threads;
    unsigned char times[MOST];
    atomic_int inside[THREADS], faults;
};

static void count(struct job *j, int64_t lo, int64_t hi)
{
    if (lo >= hi || lo % j->grain != 0 || (hi % j->grain != 0 && hi != j->n)) j->faults++;
    for (int64_t i = lo; i < hi; i++) j->times[i]++;
}

static void item(void *arg, int64_t lo, int64_t hi)
{
    count(arg, lo, hi);
}

static void worker_item(void *arg, int worker, int64_t lo, int64_t hi)
{
    struct job *j = arg;

    if (worker < 0 || worker >= j->threads || atomic_fetch_add(&j->inside[worker], 1) != 0)
        j->faults++;
    count(j, lo, hi);
    atomic_fetch_sub(&j->inside[worker], 1);
}

static void every_item_once(void)
{
    static const int64_t sizes[] = { 0, 1, 2, 3, 15, 16, 17, 100, 1023, 4999, MOST };
    static const int64_t grains[] = { 1, 2, 7, 64, 6000 };
    static const int threads[] = { 1, 2, 3, 8, 256, THREADS };
    static struct job j;

    for (size_t a = 0; a < sizeof sizes / sizeof *sizes; a++)
        for (size_t b = 0; b < sizeof grains / sizeof *grains; b++)
            for (size_t t = 0; t < sizeof threads / sizeof *threads; t++)
                for (int worker = 0; worker < 2; worker++) {
                    int64_t wrong = 0;

                    memset(&j, 0, sizeof j);
                    j.n = sizes[a];
                    j.grain = grains[b];
                    j.threads = threads[t];
                    if (worker) wg_parallel_workers(j.threads, j.n, j.grain, worker_item, &j);
                    else wg_parallel(j.threads, j.n, j.grain, item, &j);
                    for (int64_t i = 0; i < MOST; i++) wrong += j.times[i] != (i < j.n);
                    EQ_INT(wrong, 0);
                    EQ_INT(j.faults, 0);
                }
}

/* ---- who is held up ---- */

struct slow {
    atomic_int_fast64_t done[2]; /* items by worker */
    atomic_int_fast64_t held;    /* items of the held up worker, the last ones included */
    atomic_int first;            /* that worker */
};

/* The worker that takes item 0 waits until all others are done: that is never, if nobody takes the
 * rest of its share. It gives up after ten seconds. */
static void held_up(void *arg, int worker, int64_t lo, int64_t hi)
{
    struct slow *s = arg;

    if (lo == 0) {
        s->first = worker;
        s->held = s->done[worker] + hi - lo;
        for (int i = 0; i < 10000 && s->done[1 - worker] < 160 - s->held; i++)
            nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    }
    s->done[worker] += hi - lo;
}

static void whoever_is_free_takes_the_rest(void)
{
    struct slow s = { .first = -1 };

    wg_parallel_workers(2, 160, 1, held_up, &s);
    EQ_INT(s.done[0] + s.done[1], 160);
    REQUIRE(s.first >= 0);
    /* OMP_THREAD_LIMIT may leave us one thread */
    if (s.done[1 - s.first] > 0) EQ_INT(s.done[s.first], s.held);
}

TESTS(TEST(every_item_once), TEST(whoever_is_free_takes_the_rest))
