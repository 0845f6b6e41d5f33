/* parallel.c: the one room that knows OpenMP. */
#ifdef _OPENMP
#include <omp.h>
#include <stdatomic.h>
#endif

#include "plan.h"

#ifdef _OPENMP
/* Every worker begins with a share of its own, the same in every region, so that what it wrote is
 * still in its cache; it takes an eighth at a time, and who has none left takes from the others: a
 * worker that woke up late or was interrupted holds nobody up. */
enum { PIECES = 8 };

typedef struct {
    _Alignas(WG_ALIGN) atomic_int_fast64_t next; /* chunk */
    int64_t end;
} share;

typedef struct {
    share *share;
    int shares;
    int64_t n, grain, piece; /* items; items a chunk; chunks at a time */
    void (*body)(void *arg, int worker, int64_t lo, int64_t hi);
    void *arg;
} region;

static void cut(region *r, int64_t chunks)
{
    int64_t part = chunks / r->shares, rest = chunks % r->shares, at = 0;

    for (int k = 0; k < r->shares; k++) {
        atomic_init(&r->share[k].next, at);
        r->share[k].end = at += part + (k < rest);
    }
    r->piece = part / PIECES > 1 ? part / PIECES : 1;
}

static void work(const region *r, int worker)
{
    for (int k = 0; k < r->shares; k++) {
        share *s = &r->share[(worker + k) % r->shares];

        for (;;) {
            int64_t lo = atomic_fetch_add_explicit(&s->next, r->piece, memory_order_relaxed), hi;

            if (lo >= s->end) break;
            hi = lo + r->piece < s->end ? lo + r->piece : s->end;
            hi = hi * r->grain < r->n ? hi * r->grain : r->n;
            r->body(r->arg, worker, lo * r->grain, hi);
        }
    }
}
#endif

void wg_parallel_workers(int threads, int64_t n, int64_t grain,
                         void (*body)(void *arg, int worker, int64_t lo, int64_t hi), void *arg)
{
    int64_t chunks;

    if (n <= 0) return;
    if (grain < 1) grain = 1;
    chunks = (n - 1) / grain + 1;
    if (threads > chunks) threads = (int)chunks;
#ifdef _OPENMP
    /* the branch stands outside: a region costs a third of a microsecond even with one thread */
    if (threads > 1 && !omp_in_parallel()) {
        share shares[WG_MOST_THREADS];
        region r = {
            shares, threads < WG_MOST_THREADS ? threads : WG_MOST_THREADS, n, grain, 1, body, arg
        };

        cut(&r, chunks);
#pragma omp parallel num_threads(r.shares)
        work(&r, omp_get_thread_num());
        return;
    }
#endif
    body(arg, 0, 0, n);
}

struct plain {
    void (*body)(void *arg, int64_t lo, int64_t hi);
    void *arg;
};

static void run_plain(void *arg, int worker, int64_t lo, int64_t hi)
{
    const struct plain *p = arg;

    (void)worker;
    p->body(p->arg, lo, hi);
}

void wg_parallel(int threads, int64_t n, int64_t grain,
                 void (*body)(void *arg, int64_t lo, int64_t hi), void *arg)
{
    wg_parallel_workers(threads, n, grain, run_plain, &(struct plain){ body, arg });
}

void wg_on_one_thread(void (*body)(void *arg), void *arg)
{
#ifdef _OPENMP
    /* the setting belongs to the calling thread alone */
    int before = omp_get_max_threads();

    if (before > 1) omp_set_num_threads(1);
    body(arg);
    if (before > 1) omp_set_num_threads(before);
#else
    body(arg);
#endif
}
