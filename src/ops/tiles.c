/*
 * tiles.c: what products are made of, for each type and level: tiles of the result, and dot
 * products of few rows. The right side is packed by pack.c; what goes around them is in gemm.c.
 *
 * The innermost loop holds a tile of the result in registers: R rows of W vectors. For each summand
 * it loads W vectors of the right side, and one element for each row of the left side, spread over
 * a vector. Rows are pointers, so that the same loop reads a matrix, a transposed one, or an image
 * through the windows of a convolution.
 */
#ifndef REAL
#include "gemm.h"

#define WG_TEMPLATE "tiles.c"
#include "each_real.h"

#else /* for each type and level */

#define TILES  FN(wg__tiles)
#define PACK   FN(wg__pack)
#define TILE_T FN(tile_fn)
#if BITS == 32
#define KIT wg__gemm_kit_f32
#define ONE wg__gemm_one_f32
#else
#define KIT wg__gemm_kit_f64
#define ONE wg__gemm_one_f64
#endif

/* Columns beyond n are neither read nor written: the last vector is masked at level 2; at the
 * others the right side is padded, and the result goes through memory. */
#if LEVEL == 2
#define LOAD_B(w)    (w == W - 1 ? VLOAD_N(b + (w)*VN, last) : VLOAD(b + (w)*VN))
#define LOAD_N(p, w) (w == W - 1 ? VLOAD_N((p) + (w)*VN, last) : VLOAD((p) + (w)*VN))
#define STORE_N(p, w, y)                                                                           \
    do {                                                                                           \
        if (w == W - 1) VSTORE_N((p) + (w)*VN, y, last);                                           \
        else VSTORE((p) + (w)*VN, y);                                                              \
    } while (0)
#else
#define LOAD_B(w)        VLOAD(b + (w)*VN)
#define LOAD_N(p, w)     VLOAD((p) + (w)*VN)
#define STORE_N(p, w, y) VSTORE((p) + (w)*VN, y)

static __attribute__((noinline)) void FN(put_lanes)(const REAL *lane, int rows, int width,
                                                    const REAL *const *onto, REAL *const *to,
                                                    int n)
{
    for (int r = 0; r < rows; r++, lane += width)
        for (int j = 0; j < n; j++) to[r][j] = onto ? onto[r][j] + lane[j] : lane[j];
}
#endif

/* What will be read of the left side: rows[k & mask][k + shift] is asked for beside summand k; and
 * of what the sums are added to, NULL: nothing. */
typedef struct {
    const REAL *const *row;
    int64_t mask, shift;
    const REAL *const *onto;
} FN(ahead);

/* The next rows where a summand is the next element; otherwise summands to come. */
WG_INLINE FN(ahead) FN(look_ahead)(const wg__sum *s, const REAL *const *row, int64_t R, int64_t m)
{
    if (s->step != 1) return (FN(ahead)){ row, 0, 16 * s->step, NULL };
    return (FN(ahead)){ m > R ? row + R : row, m >= R + 16 ? 15 : m >= R + 8 ? 7 : 0, 0, NULL };
}

WG_INLINE void FN(tile)(const int R, const int W, const wg__sum *s, const REAL *const *row,
                        const REAL *b, int64_t ldb, REAL *const *to, int n,
                        const FN(ahead) * next)
{
    V acc[12][8];

    WG_UNROLL
    for (int r = 0; r < R; r++) {
        WG_UNROLL
        for (int w = 0; w < W; w++) acc[r][w] = (V){ 0 };
    }
#if LEVEL == 2
    const int last = n - (W - 1) * VN;
#endif
    if (R * W >= 12) { /* the result arrives while the sums are made */
        WG_UNROLL
        for (int i = 0; i < R * W; i++) __builtin_prefetch(to[i / W] + i % W * VN, 1);
    }
    for (int i = 0; i < s->n_runs; i++) {
        const REAL *x[12];
        int64_t step = s->step, end = s->run[i].len * step, off = s->run[i].off + next->shift;

        WG_UNROLL
        for (int r = 0; r < R; r++) x[r] = row[r] + s->run[i].off;
        for (int64_t k = 0; k != end; k += step) {
            V right[8];

            if (R * W >= 12 && !WG_IS_SMALL)
                __builtin_prefetch(next->row[k & next->mask] + off + k);

            WG_UNROLL
            for (int w = 0; w < W; w++) right[w] = LOAD_B(w);
            if (W == 2) { /* the next panel, where the right side is read in place */
                __builtin_prefetch(b + NR, 0, 2);
                __builtin_prefetch(b + NR + VN, 0, 2);
            }
            b += ldb;
            WG_UNROLL
            for (int r = 0; r < R; r++) {
                V left = VSPLAT(x[r][k]);

                WG_UNROLL
                for (int w = 0; w < W; w++) acc[r][w] = vfma(left, right[w], acc[r][w]);
            }
        }
    }
#if LEVEL < 2
    if (n < W * VN) {
        REAL lane[6 * 4 * VN];

        WG_UNROLL
        for (int r = 0; r < R; r++) {
            WG_UNROLL
            for (int w = 0; w < W; w++) VSTORE(lane + (r * W + w) * VN, acc[r][w]);
        }
        FN(put_lanes)(lane, R, W * VN, next->onto, to, n);
        return;
    }
#endif
    if (next->onto) {
        WG_UNROLL
        for (int r = 0; r < R; r++) {
            WG_UNROLL
            for (int w = 0; w < W; w++) acc[r][w] = LOAD_N(next->onto[r], w) + acc[r][w];
        }
    }
    WG_UNROLL
    for (int r = 0; r < R; r++) {
        WG_UNROLL
        for (int w = 0; w < W; w++) STORE_N(to[r], w, acc[r][w]);
    }
}

typedef void TILE_T(const wg__sum *s, const REAL *const *row, const REAL *b, int64_t ldb,
                    REAL *const *to, int n, const FN(ahead) * next);

#define SHAPE(R, W)                                                                                \
    static void FN(tile_##R##_##W)(const wg__sum *s, const REAL *const *row, const REAL *b,        \
                                   int64_t ldb, REAL *const *to, int n, const FN(ahead) * next)    \
    {                                                                                              \
        FN(tile)(R, W, s, row, b, ldb, to, n, next);                                               \
    }
#define EVEN(W) SHAPE(1, W) SHAPE(2, W) SHAPE(4, W) SHAPE(6, W)
EVEN(1) EVEN(2)
#if LEVEL == 0 && WG_IS_SMALL /* few rows take two vectors, as all do */
#define WIDE NULL
#else
SHAPE(1, 4) SHAPE(2, 4)
#define WIDE NULL, FN(tile_1_4), FN(tile_2_4)
#endif
#if WG_IS_SMALL /* odd numbers of rows are two tiles */
#define SHAPES(W)                                                                                  \
    NULL, FN(tile_1_##W), FN(tile_2_##W), NULL, FN(tile_4_##W), NULL, FN(tile_6_##W)
#else
SHAPE(3, 1) SHAPE(5, 1) SHAPE(3, 2) SHAPE(5, 2)
#define SHAPES(W)                                                                                  \
    NULL, FN(tile_1_##W), FN(tile_2_##W), FN(tile_3_##W), FN(tile_4_##W), FN(tile_5_##W),          \
        FN(tile_6_##W)
#endif
#if LEVEL == 2 /* 32 registers */
    SHAPE(8, 1) SHAPE(12, 1) SHAPE(8, 2) SHAPE(12, 2) SHAPE(3, 4) SHAPE(1, 8)
#define LARGE(W) NULL, FN(tile_8_##W), NULL, NULL, NULL, FN(tile_12_##W)
        static TILE_T *const FN(tile_of)[3][13] = {
            { SHAPES(1), LARGE(1) },
            { SHAPES(2), LARGE(2) },
            { WIDE, FN(tile_3_4) },
        };
#undef LARGE
#else
    static TILE_T *const FN(tile_of)[3][7] = {
        { SHAPES(1) },
        { SHAPES(2) },
        { WIDE },
    };
#endif
#undef SHAPE
#undef EVEN
#undef WIDE
#undef SHAPES

/* Rows of the next tile when m are left: no part of the cut is below 4, where the chains of
 * dependent sums would be too few, if that can be helped. */
static int FN(tile_rows)(int64_t m)
{
#if WG_IS_SMALL
    static const signed char rows[7] = { 0, 1, 2, 2, 4, 4, 6 };

    return LEVEL == 2 && m >= 8 ? (m >= 12 ? 12 : 8) : m >= 6 ? 6 : rows[m];
#elif LEVEL == 2
    static const signed char rows[24] = { 0,  1, 2, 3, 4, 5,  6,  4, 8,  5, 6,  6,
                                          12, 8, 8, 5, 8, 12, 12, 8, 12, 8, 12, 12 };

    return m >= 24 ? 12 : rows[m];
#else
    static const signed char rows[12] = { 0, 1, 2, 3, 4, 5, 6, 4, 4, 5, 6, 6 };

    return m >= 12 ? 6 : rows[m];
#endif
}

/* What sums are added to comes from far: the first panel's tiles ask for it, row by row, a line
 * beside a summand. */
WG_INLINE void FN(ask_onto)(const wg__sum *s, int64_t i, int64_t m, const REAL **row,
                            FN(ahead) *next)
{
    const REAL *from = s->onto;

    if (!from || s->ld_onto == 0 || s->step != 1) return;
    *next = (FN(ahead)){ row, m - i >= 16 ? 15 : m - i >= 8 ? 7 : 0, 0, next->onto };
    for (int64_t r = 0; r <= next->mask; r++) row[r] = from + (i + r) * s->ld_onto;
}

/* R rows of the result from row i and column j on, and what is added there. */
WG_INLINE void FN(rows_at)(const wg__sum *s, REAL *const *to, int64_t i, int64_t j, int R,
                           REAL **at, const REAL **onto, FN(ahead) *next)
{
    for (int r = 0; r < R; r++) at[r] = to[i + r] + j;
    if (s->add) next->onto = (const REAL *const *)at;
    if (!s->onto) return;
    for (int r = 0; r < R; r++) onto[r] = (const REAL *)s->onto + (i + r) * s->ld_onto + j;
    next->onto = onto;
}

/* The right side where it lies, for m rows that fit one tile. Few rows take more columns at a
 * time. */
static void FN(tiles_wide)(const wg__sum *s, int m, const REAL *const *row, const REAL *b,
                           REAL *const *to)
{
    FN(ahead) next = FN(look_ahead)(s, row, m, m);
    const REAL *onto[12];
    REAL *at[12];
    int64_t j = 0;

    while (j < s->n) {
        int64_t left = s->n - j;
        TILE_T *tile = FN(tile_of)[0][m];
        int w = 1;

        if (left > VN) tile = FN(tile_of)[1][m], w = 2;
        if (left > 3 * VN && FN(tile_of)[2][m] && m <= 3) tile = FN(tile_of)[2][m], w = 4;
#if LEVEL == 2
        if (left > 7 * VN && m == 1) tile = FN(tile_1_8), w = 8;
#endif
        FN(rows_at)(s, to, 0, j, m, at, onto, &next);
        if (left > w * VN) left = w * VN;
        tile(s, row, b + j, s->ldb, at, (int)left, &next);
        j += left;
    }
}

void TILES(const wg__sum *s, int64_t m, const REAL *const *row, const REAL *b, REAL *const *to)
{
    FN(ahead) next;
    const REAL *onto[12], *asked[16];
    REAL *at[12];
    int R;

    if (s->ldb && m <= 12 && FN(tile_rows)(m) == m) {
        FN(tiles_wide)(s, (int)m, row, b, to);
        return;
    }
    for (int64_t j = 0; j < s->n; j += NR) {
        int n = (int)wg__least(s->n - j, NR), w = n <= VN ? 1 : 2;
        const REAL *panel = s->ldb ? b + j : b + j * s->k;
        int64_t ld = s->ldb ? s->ldb : w * VN;

        for (int64_t i = 0; i < m; i += R) {
            R = FN(tile_rows)(m - i);
            next = FN(look_ahead)(s, row + i, R, m - i);
            FN(rows_at)(s, to, i, j, R, at, onto, &next);
            if (j == 0) FN(ask_onto)(s, i, m, asked, &next);
            FN(tile_of)[w - 1][R](s, row + i, panel, ld, at, n, &next);
        }
    }
}

#include "deal.h"

/* ---- few rows, right side transposed ---- */

/* The sums of the lanes of four vectors. Each step adds second halves to first ones. */
WG_INLINE void FN(totals)(const V *x, REAL *total)
{
    V a = LOW(x[0], x[2]) + HIGH(x[0], x[2]), b = LOW(x[1], x[3]) + HIGH(x[1], x[3]);
#if LEVEL == 0 && BITS == 64
    V c = LOW(a, b), d = HIGH(a, b);

    VSTORE(total, c);
    VSTORE(total + 2, d);
#else
    V c = LOW(a, b) + HIGH(a, b);
#if LEVEL == 2 && BITS == 32
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(c), _mm512_extractf32x8_ps(c, 1));

    _mm_storeu_ps(total, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
#elif LEVEL == 2
    _mm256_storeu_pd(total, _mm256_add_pd(_mm512_castpd512_pd256(c), _mm512_extractf64x4_pd(c, 1)));
#elif LEVEL == 1 && BITS == 32
    _mm_storeu_ps(total, _mm_add_ps(_mm256_castps256_ps128(c), _mm256_extractf128_ps(c, 1)));
#else
    VSTORE(total, c);
#endif
#endif
}

/* `pairs`: each of the four rows of the right side has a row of its own on the left. */
WG_INLINE void FN(dot_step)(const int R, const bool pairs, V acc[4][4], const REAL *const *x,
                            const REAL *const *y, int64_t k, int n)
{
    V right[4];

    WG_UNROLL
    for (int q = 0; q < 4; q++) right[q] = n < VN ? VLOAD_N(y[q] + k, n) : VLOAD(y[q] + k);
    WG_UNROLL
    for (int r = 0; r < R; r++) {
        V left = n < VN ? VLOAD_N(x[r] + k, n) : VLOAD(x[r] + k);

        WG_UNROLL
        for (int q = 0; q < 4; q++) {
            if (pairs && q > 0) left = n < VN ? VLOAD_N(x[q] + k, n) : VLOAD(x[q] + k);
            acc[r][q] = vfma(left, right[q], acc[r][q]);
        }
    }
}

/* R rows with n rows of b, four at a time; every product is summed in VN lanes. */
WG_INLINE void FN(dots)(const int R, const bool pairs, const wg__product *p, const REAL *a,
                        const REAL *b, REAL *c, int64_t n)
{
    for (int64_t j = 0; j < n; j += 4) {
        int here = (int)wg__least(n - j, 4);
        const REAL *x[4], *y[4];
        REAL total[4];
        V acc[4][4];
        int64_t k = 0;

        for (int r = 0; r < R; r++) x[r] = a + r * p->lda;
        for (int q = 0; q < 4; q++) {
            int64_t at = j + (q < here ? q : 0);

            y[q] = b + at * p->ldb;
            if (pairs) x[q] = a + at * p->lda;
        }
        WG_UNROLL
        for (int r = 0; r < R; r++) {
            WG_UNROLL
            for (int q = 0; q < 4; q++) acc[r][q] = (V){ 0 };
        }
        for (; k + VN <= p->k; k += VN) FN(dot_step)(R, pairs, acc, x, y, k, VN);
        if (k < p->k) FN(dot_step)(R, pairs, acc, x, y, k, (int)(p->k - k));
        WG_UNROLL
        for (int r = 0; r < R; r++) {
            REAL *to = c + r * p->ldc + j;

            FN(totals)(acc[r], here == 4 ? to : total);
            for (int q = 0; q < here && here < 4; q++) to[q] = total[q];
        }
    }
}

/* Four rows want 16 sums and what they read in registers. */
static void FN(dot_rows)(const wg__product *p, const REAL *a, const REAL *b, REAL *c, int64_t n)
{
    int64_t r = 0;

#if LEVEL == 2 && !WG_IS_SMALL
    if (p->m == 4) FN(dots)(4, false, p, a, b, c, n), r = 4;
#endif
    for (; p->m - r >= 2; r += 2) FN(dots)(2, false, p, a + r * p->lda, b, c + r * p->ldc, n);
    if (p->m - r >= 1) FN(dots)(1, false, p, a + r * p->lda, b, c + r * p->ldc, n);
}

#if LEVEL == 2 && !WG_IS_SMALL
void FN(wg__dot_pairs)(int64_t n, int64_t k, const REAL *a, int64_t a_step, const REAL *b,
                       int64_t b_step, REAL *c)
{
    wg__product p = { .k = k, .lda = a_step, .ldb = b_step };

    FN(dots)(1, true, &p, a, b, c, n);
}
#endif

/* ---- all of them, for gemm.c ---- */

const KIT FN(wg__gemm_kit) = { .lanes = VN,
                               .whole = LEVEL == 2 ? 1 : VN,
                               .blas = LEVEL > 0,
                               .tiles = TILES,
                               .pack = PACK,
                               .dots = FN(dot_rows),
                               .outer = FN(wg__outer) };

void FN(wg__gemm_few)(const wg__product *p, const REAL *a, const REAL *b, REAL *c, void *scratch)
{
    int64_t next = p->ta ? 1 : p->lda;

    if (p->m == 1 && p->k <= WG_GEMM_BLOCK && p->n <= NR &&
        wg__gemm_direct(p, 1, LEVEL == 2 ? 1 : VN)) {
        wg__run run = { 0, p->k };
        wg__sum s = { 1, &run, p->ta ? p->lda : 1, 0, 0, 0, false, NULL, 0 };
        TILE_T *tile = FN(tile_of)[p->n > VN][1];

        tile(&s, &a, b, p->ldb, &c, (int)p->n, &(FN(ahead)){ &a, 0, 0, NULL });
        return;
    }
    if (p->k == 1 && (!p->tb || p->ldb == 1))
        FN(wg__outer)(p->m, p->n, a, next, b, c, p->ldc, wg__as_dots(p));
    else if (wg__as_dots(p)) FN(dot_rows)(p, a, b, c, p->n);
    else ONE(&FN(wg__gemm_kit), p, a, b, c, scratch);
}

#undef LOW
#undef HIGH
#undef TILES
#undef PACK
#undef TILE_T
#undef KIT
#undef ONE
#undef LOAD_B
#undef LOAD_N
#undef STORE_N
#endif
