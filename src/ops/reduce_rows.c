/*
 * reduce_rows.c: contiguous elements joined into their product, the largest or the smallest, for
 * all who include reduce_vec.h.
 */
#ifndef REAL
#include "reduce_vec.h"

#define WG_NARROW
#define WG_TEMPLATE "reduce_rows.c"
#include "each_real.h"

#else

/* Without NaN a comparison is one instruction, and NaN is looked for once. */
WG_INLINE REAL FN(join_lanes)(int op, const REAL *lane, int64_t n)
{
    REAL r = lane[0];

    for (int64_t i = 1; i < n; i++) {
        if (op == WG_JOIN_MAX) r = lane[i] > r ? lane[i] : r;
        else if (op == WG_JOIN_MIN) r = lane[i] < r ? lane[i] : r;
        else r = FN(join1)(op, r, lane[i]);
    }
    return r;
}

WG_INLINE REAL FN(lanes)(int op, V a)
{
    REAL lane[VN];

    VSTORE(lane, a);
    if ((op == WG_JOIN_MAX || op == WG_JOIN_MIN) && vany(vne(a, a))) return (REAL)NAN;
    WG_UNROLL
    for (int half = VN / 2; half > 0; half /= 2) {
        WG_UNROLL
        for (int i = 0; i < half; i++) {
            REAL pair[2] = { lane[i], lane[i + half] };

            lane[i] = FN(join_lanes)(op, pair, 2);
        }
    }
    return lane[0];
}

/* Fewer than a vector: one after the other. */
WG_INLINE REAL FN(few)(int op, const REAL *x, int64_t n)
{
    V a;

    if (op == WG_JOIN_MAX || op == WG_JOIN_MIN) {
        a = VLOAD_N(x, (int)n); /* lanes beyond hold 0, no NaN */
        if (vany(vne(a, a))) return (REAL)NAN;
    }
    return FN(join_lanes)(op, x, n);
}

/* Four vectors in flight: one waits for its last result. */
WG_INLINE REAL FN(block)(int op, const REAL *x, int64_t n)
{
    int64_t i = VN;
    V a, b, c, d;
    REAL r;

    if (n < VN) return FN(few)(op, x, n);
    a = VLOAD(x);
    if (n >= 4 * VN) {
        b = VLOAD(x + VN);
        c = VLOAD(x + 2 * VN);
        d = VLOAD(x + 3 * VN);
        for (i = 4 * VN; i + 4 * VN <= n; i += 4 * VN) {
            a = FN(join)(op, a, VLOAD(x + i));
            b = FN(join)(op, b, VLOAD(x + i + VN));
            c = FN(join)(op, c, VLOAD(x + i + 2 * VN));
            d = FN(join)(op, d, VLOAD(x + i + 3 * VN));
        }
        a = FN(join)(op, FN(join)(op, a, b), FN(join)(op, c, d));
    }
    for (; i + VN <= n; i += VN) a = FN(join)(op, a, VLOAD(x + i));
    r = FN(lanes)(op, a);
    for (; i < n; i++) r = FN(join1)(op, r, x[i]);
    return r;
}

static REAL FN(prod_block)(const REAL *x, int64_t n)
{
    return FN(block)(WG_JOIN_PROD, x, n);
}

static REAL FN(max_block)(const REAL *x, int64_t n)
{
    return FN(block)(WG_JOIN_MAX, x, n);
}

static REAL FN(min_block)(const REAL *x, int64_t n)
{
    return FN(block)(WG_JOIN_MIN, x, n);
}

REAL FN(wg__join_row)(int op, const REAL *x, int64_t n)
{
    REAL (*block)(const REAL *, int64_t) = op == WG_JOIN_PROD  ? FN(prod_block)
                                           : op == WG_JOIN_MAX ? FN(max_block)
                                                               : FN(min_block);
    REAL r;

    if (n < VN && op == WG_JOIN_PROD) return FN(few)(WG_JOIN_PROD, x, n);
    if (n < VN && op == WG_JOIN_MAX) return FN(few)(WG_JOIN_MAX, x, n);
    if (n < VN) return FN(few)(WG_JOIN_MIN, x, n);
    r = block(x, n < WG_BLOCK ? n : WG_BLOCK);
    for (int64_t i = WG_BLOCK; i < n; i += WG_BLOCK)
        r = FN(join1)(op, r, block(x + i, n - i < WG_BLOCK ? n - i : WG_BLOCK));
    return r;
}

#endif
