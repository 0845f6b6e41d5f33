/*
 * blas.c: the largest products by OpenBLAS. Every call computes one tile on the calling thread;
 * which tiles there are depends on the extents alone, so one thread and many give the same bits. K
 * is never cut.
 *
 * OpenBLAS's openmp and sequential builds keep to the calling thread when asked; the pthread build
 * can be asked for the whole process only, which is not ours to change: there our own kernels do
 * all products.
 */
#include <cblas.h>

#include "gemm.h"
#include "wengert/op.h"

enum {
    TILE_ROWS = 256,
    TILE_COLUMNS = 512,
    LEAST = 64,
    DEPTH = 384 /* most of K that the x86 kernels of 0.3.21 pack at a time */
};

/* Multiplications from which on OpenBLAS is ahead of our own kernels: it keeps more of a large
 * result in cache. */
static const double WORTH = 1 << 30;

typedef struct {
    const wg__product *p;
    const void *a, *b;
    void *c;
    size_t size;
    int64_t rows, columns, across; /* of a tile; tiles side by side */
    int64_t tile;
} blas_job;

bool wg__blas_takes(const wg__product *p)
{
    return p->m >= LEAST && p->n >= LEAST && p->k >= LEAST &&
           (double)p->m * (double)p->n * (double)p->k >= WORTH && p->m <= INT32_MAX &&
           p->n <= INT32_MAX && p->k <= INT32_MAX && p->lda <= INT32_MAX && p->ldb <= INT32_MAX &&
           p->ldc <= INT32_MAX && openblas_get_parallel() != OPENBLAS_THREAD;
}

/* OpenBLAS packs some of K of the rows and columns of a tile. Of 128 MiB that it maps for a thread
 * the rest stays untouched: 656 KiB are resident in f32, 1344 in f64, with Cooperlake kernels. */
size_t wg__blas_bytes(size_t size)
{
    return (size_t)(TILE_ROWS + TILE_COLUMNS) * DEPTH * size;
}

static void one_tile(void *arg)
{
    const blas_job *j = arg;
    const wg__product *p = j->p;
    int64_t i = j->tile / j->across * j->rows, k = j->tile % j->across * j->columns;
    int m = (int)wg__least(p->m - i, j->rows), n = (int)wg__least(p->n - k, j->columns);
    const char *a = (const char *)j->a + (size_t)(p->ta ? i : i * p->lda) * j->size;
    const char *b = (const char *)j->b + (size_t)(p->tb ? k * p->ldb : k) * j->size;
    char *c = (char *)j->c + (size_t)(i * p->ldc + k) * j->size;
    CBLAS_TRANSPOSE ta = p->ta ? CblasTrans : CblasNoTrans, tb = p->tb ? CblasTrans : CblasNoTrans;

    if (j->size == sizeof(float))
        cblas_sgemm(CblasRowMajor, ta, tb, m, n, (int)p->k, 1, (const float *)(const void *)a,
                    (int)p->lda, (const float *)(const void *)b, (int)p->ldb, 0, (float *)(void *)c,
                    (int)p->ldc);
    else
        cblas_dgemm(CblasRowMajor, ta, tb, m, n, (int)p->k, 1, (const double *)(const void *)a,
                    (int)p->lda, (const double *)(const void *)b, (int)p->ldb, 0,
                    (double *)(void *)c, (int)p->ldc);
}

static void tiles(void *arg, int64_t lo, int64_t hi)
{
    blas_job own = *(const blas_job *)arg;

    for (own.tile = lo; own.tile < hi; own.tile++) wg_on_one_thread(one_tile, &own);
}

/* n in equal parts, which end at whole lines: their extent. */
static int64_t share(int64_t n, int64_t *parts)
{
    int64_t extent = ((n + *parts - 1) / *parts + 15) / 16 * 16;

    *parts = (n + extent - 1) / extent;
    return extent;
}

/* Tiles are alike, and their number is even where it can be: two threads finish together. */
void wg__blas_gemm(const wg__product *p, size_t size, const void *a, const void *b, void *c,
                   int threads)
{
    blas_job j = { .p = p, .a = a, .b = b, .c = c, .size = size };
    int64_t down = (p->m + TILE_ROWS - 1) / TILE_ROWS;

    j.across = (p->n + TILE_COLUMNS - 1) / TILE_COLUMNS;
    if (down * j.across % 2) {
        if (p->m > p->n) down++;
        else j.across++;
    }
    j.rows = share(p->m, &down);
    j.columns = share(p->n, &j.across);
    wg_parallel(threads, j.across * down, 1, tiles, &j);
}
