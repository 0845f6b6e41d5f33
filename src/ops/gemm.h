/*
 * gemm.h: sums of products: the inside of matmul and of the convolutions.
 *
 * An element of a result is one sum over k. Its order never depends on tiles, threads, neighbours
 * or memory layout: k is cut into blocks of equal length, at most WG_GEMM_BLOCK; a block is summed
 * term by term (fused at levels 1 and 2), and the blocks' sums are added in order. So the bits of
 * an element are those of its row and column alone, in a batch of any size. Only products of very
 * few rows with a transposed right side, and of one column, are summed in lanes instead (gemm.c,
 * dots); that choice looks at extents and flags alone.
 *
 * The largest products (a billion multiplications and more) go to OpenBLAS where its build can be
 * kept to the calling thread (blas.c): then an element's bits depend on the product's extents
 * too, but never on threads.
 */
#ifndef WG_OPS_GEMM_H
#define WG_OPS_GEMM_H

#include <stdbool.h>
#include <stdint.h>

#include "vec.h"
#include "wengert/base.h"

/* The right side is packed in panels: NR columns, k rows, row after row. Two vectors wide, so that
 * a panel of one block stays in first-level cache while the rows of the left side pass by. */
#define NR (2 * VN)

enum {
    WG_GEMM_BLOCK = 256, /* longest block of summands */
    WG_GEMM_LINE = 64    /* bytes: scratch pieces begin at multiples */
};

/* `len` consecutive summands that begin `off` elements after the start of their row. */
typedef struct {
    int64_t off, len;
} wg__run;

/* What wg__tiles sums: for each row, the runs one after the other, `step` elements between
 * summands. */
typedef struct {
    int n_runs;
    const wg__run *run;
    int64_t step; /* of the left side; the right side goes on row by row */
    int64_t k;    /* total length of the runs */
    int64_t n;    /* columns */
    int64_t ldb;  /* 0: the right side is packed; else it is read where it lies */
    bool add;     /* to what the result holds already */
    /* else to these rows, NULL: to nothing; elements from one to the next */
    const void *onto;
    int64_t ld_onto;
} wg__sum;

/* c [m, n] = op(a) op(b); op(a) is [m, k]: a is [m, k], or [k, m] when ta; b likewise. ld: elements
 * between rows as they lie. */
typedef struct {
    bool ta, tb;
    int64_t m, n, k, lda, ldb, ldc;
    const void *onto; /* rows that the result is added to, where wg__takes_onto; NULL: none */
    int64_t ld_onto;
} wg__product;

static inline int64_t wg__least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* k cut into equal blocks: the length of all but the last. */
static inline int64_t wg__gemm_block(int64_t k)
{
    int64_t blocks = (k + WG_GEMM_BLOCK - 1) / WG_GEMM_BLOCK;

    return blocks > 1 ? (k + blocks - 1) / blocks : k;
}

/* Bytes rounded up to whole lines. */
static inline size_t wg__lines(size_t bytes)
{
    return (bytes + WG_GEMM_LINE - 1) / WG_GEMM_LINE * WG_GEMM_LINE;
}

/* Columns of a packed right side, the last panel filled up with zeros: enough for every level. */
static inline int64_t wg__packed_columns(int64_t n, size_t size)
{
    int64_t lanes = WG_GEMM_LINE / (int64_t)size;

    return (n + lanes - 1) / lanes * lanes;
}

/* Floating-point operations below which a second thread costs more than it saves. */
#define WG_GEMM_GRAIN 2e6

/* blas.c: whether OpenBLAS does this product; how much of its buffer it then touches for a thread,
 * at most; the product itself, of elements of 4 or 8 bytes. */
bool wg__blas_takes(const wg__product *p);
size_t wg__blas_bytes(size_t size);
void wg__blas_gemm(const wg__product *p, size_t size, const void *a, const void *b, void *c,
                   int threads);

/* A product with one column is the transposed product with one row: for one row too, which then has
 * the bits it has among others. *turned: its left side is the right one of *p. */
static inline wg__product wg__upright(const wg__product *p, bool *turned)
{
    *turned = p->n == 1 && p->ldc == 1;
    if (!*turned) return *p;
    return (wg__product){ .ta = !p->tb,
                          .tb = !p->ta,
                          .m = 1,
                          .n = p->m,
                          .k = p->k,
                          .lda = p->ldb,
                          .ldb = p->lda,
                          .ldc = p->m };
}

/* Few rows times a transposed matrix: both lie along k, and packing would cost more than the
 * product. */
static inline bool wg__as_dots(const wg__product *p)
{
    return p->tb && p->m <= 4 && (!p->ta || (p->m == 1 && p->lda == 1));
}

/* Whether each element is one sum of the kernel of tiles, to which something may be added before it
 * is written. */
static inline bool wg__takes_onto(const wg__product *p)
{
    return p->m > 0 && p->n > 1 && p->k > 1 && p->k <= WG_GEMM_BLOCK && !wg__as_dots(p) &&
           !wg__blas_takes(p);
}

/* Elements, and so few of them that one thread does it and no BLAS. */
static inline bool wg__is_few(const wg__product *p)
{
    return p->m > 0 && p->n > 0 && p->k > 0 &&
           2.0 * (double)p->m * (double)p->n * (double)p->k < WG_GEMM_GRAIN;
}

/* matmul.c: the number of products, of matrices of these extents, that an entry of wg_op_matmul
 * with attributes `attr` is, and what each of them is. */
int64_t wg__products(const wg_shape *a, const wg_shape *b, const void *attr, const wg_shape *y,
                     wg__product *p);

/* Bytes of scratch that wg__gemm wants. */
size_t wg__gemm_scratch(const wg__product *p, size_t size, int threads);

/* Whether the right side is read in place: for few rows (a copy pays only when many blocks of them
 * read it), or when all of it is in cache. Whole vectors of `whole` lanes are read. */
static inline bool wg__gemm_direct(const wg__product *p, int64_t m, int64_t whole)
{
    return !p->tb && p->n % whole == 0 && (m <= 256 || p->k * p->n <= 16384 || p->k <= 8);
}

/*
 * For each type and level:
 *
 *   wg__pack      k rows of n columns of op(b) into rows at..at+k-1 of panels that are `height`
 *                 rows high.
 *   wg__tiles     for each of m rows: to[i][j] (+)= sum over the runs of row[i][...] b[...][j],
 *                 j < n.
 *   wg__outer     c = the product of k 1: c[i][j] = a[i step] b[j]; plus: an underflow to -0
 *                 becomes 0, as in sums of lanes.
 *   wg__gemm_few  c = the product where wg__is_few, of what wg__upright made.
 *   wg__gemm_kit  these for a product of any extents, and of n columns where wg__as_dots; the lanes
 *                 of a vector; how many of them are read at once in place; whether OpenBLAS may be
 *                 asked.
 *
 * For each type, by the kit of a level: wg__gemm, c = the product; wg__gemm_one, one that is
 * neither wg__outer's nor a matter of dot products, by one thread.
 */
#define WG_GEMM_OF(REAL, T)                                                                        \
    typedef struct {                                                                               \
        int64_t lanes, whole;                                                                      \
        bool blas;                                                                                 \
        void (*tiles)(const wg__sum *s, int64_t m, const REAL *const *row, const REAL *b,          \
                      REAL *const *to);                                                            \
        void (*pack)(int64_t k, int64_t n, const REAL *b, int64_t ldb, bool tb, REAL *to,          \
                     int64_t height, int64_t at);                                                  \
        void (*dots)(const wg__product *p, const REAL *a, const REAL *b, REAL *c, int64_t n);      \
        void (*outer)(int64_t m, int64_t n, const REAL *a, int64_t step, const REAL *b, REAL *c,   \
                      int64_t ldc, bool plus);                                                     \
    } wg__gemm_kit##T;                                                                             \
    void wg__gemm##T(const wg__gemm_kit##T *kit, const wg__product *p, const REAL *a,              \
                     const REAL *b, REAL *c, void *scratch, int threads);                          \
    void wg__gemm_one##T(const wg__gemm_kit##T *kit, const wg__product *p, const REAL *a,          \
                         const REAL *b, REAL *c, void *scratch);                                   \
    WG_GEMM_AT(REAL, T, 0)                                                                         \
    WG_GEMM_AT(REAL, T, 1) WG_GEMM_AT(REAL, T, 2)
#define WG_GEMM_AT(REAL, T, L)                                                                     \
    extern const wg__gemm_kit##T wg__gemm_kit##T##_##L;                                            \
    void wg__gemm_few##T##_##L(const wg__product *p, const REAL *a, const REAL *b, REAL *c,        \
                               void *scratch);                                                     \
    void wg__outer##T##_##L(int64_t m, int64_t n, const REAL *a, int64_t step, const REAL *b,      \
                            REAL *c, int64_t ldc, bool plus);                                      \
    void wg__pack##T##_##L(int64_t k, int64_t n, const REAL *b, int64_t ldb, bool tb, REAL *to,    \
                           int64_t height, int64_t at);                                            \
    void wg__tiles##T##_##L(const wg__sum *s, int64_t m, const REAL *const *row, const REAL *b,    \
                            REAL *const *to);
WG_GEMM_OF(float, _f32)
WG_GEMM_OF(double, _f64)

/* c[i] = row i of a times row i of b, summed as where wg__as_dots. */
void wg__dot_pairs_f32_2(int64_t n, int64_t k, const float *a, int64_t a_step, const float *b,
                         int64_t b_step, float *c);
#undef WG_GEMM_AT
#undef WG_GEMM_OF

#endif
