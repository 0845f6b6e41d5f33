/* parallel.c: the one room that knows OpenMP. */
#ifdef _OPENMP
#include <omp.h>
#endif

#include "internal.h"

void wg_parallel(int threads, int64_t n, int64_t grain,
                 void (*body)(void *arg, int64_t lo, int64_t hi), void *arg)
{
    int64_t chunks;

    if (n <= 0) return;
    if (grain < 1) grain = 1;
    chunks = (n - 1) / grain + 1;
    if (threads > chunks) threads = (int)chunks;
#ifdef _OPENMP
    /* the branch stands outside: a region costs a third of a microsecond even with one thread */
    if (threads > 1 && !omp_in_parallel()) {
#pragma omp parallel num_threads(threads)
        {
            int64_t k = omp_get_thread_num(), t = omp_get_num_threads();
            int64_t lo = chunks / t * k + (k < chunks % t ? k : chunks % t);
            int64_t hi = lo + chunks / t + (k < chunks % t);

            lo *= grain;
            hi = hi == chunks ? n : hi * grain;
            if (lo < hi) body(arg, lo, hi);
        }
        return;
    }
#endif
    body(arg, 0, n);
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
