/*
 * pack.c: the right side of products in panels (gemm.h), from rows or from columns.
 */
#ifndef REAL
#include "gemm.h"

#define WG_TEMPLATE "pack.c"
#include "each_real.h"

#else /* for each type and level */

#include "deal.h"

/* Lanes of x become rows of y: VN vectors, each step deals the two halves like a pack of cards. */
WG_INLINE void FN(transpose)(const REAL *x, int64_t ldx, REAL *y, int64_t ldy)
{
    V a[VN], t[VN];

    WG_UNROLL
    for (int i = 0; i < VN; i++) {
        a[i] = VLOAD(x + i * ldx);
        __builtin_prefetch(x + i * ldx + VN);
    }
    WG_UNROLL
    for (int half = VN / 2; half > 0; half /= 2) {
        WG_UNROLL
        for (int i = 0; i < VN / 2; i++) {
            t[2 * i] = LOW(a[i], a[i + VN / 2]);
            t[2 * i + 1] = HIGH(a[i], a[i + VN / 2]);
        }
        WG_UNROLL
        for (int i = 0; i < VN; i++) a[i] = t[i];
    }
    WG_UNROLL
    for (int i = 0; i < VN; i++) VSTORE(y + i * ldy, a[i]);
}

/* One panel of n columns, `wide` with its padding, from rows. */
static void FN(pack_rows)(int64_t k, int n, int wide, const REAL *b, int64_t ldb, REAL *to)
{
    for (int64_t p = 0; p < k; p++, b += ldb, to += wide)
        for (int i = 0; i < wide; i += VN) {
            if (n - i >= VN) VSTORE(to + i, VLOAD(b + i));
            else VSTORE(to + i, VLOAD_N(b + i, n - i > 0 ? n - i : 0));
        }
}

/* The same from columns. */
static void FN(pack_columns)(int64_t k, int n, int wide, const REAL *b, int64_t ldb, REAL *to)
{
    for (int i = 0; i < wide; i += VN, b += VN * ldb, to += VN) {
        int64_t p = 0;

        if (n - i >= VN)
            for (; p + VN <= k; p += VN) FN(transpose)(b + p, ldb, to + p * wide, wide);
        for (; p < k; p++)
            for (int j = 0; j < VN; j++) to[p * wide + j] = i + j < n ? b[j * ldb + p] : 0;
    }
}

void FN(wg__pack)(int64_t k, int64_t n, const REAL *b, int64_t ldb, bool tb, REAL *to,
                  int64_t height, int64_t at)
{
    for (int64_t j = 0; j < n; j += NR) {
        int here = (int)wg__least(n - j, NR), wide = here <= VN ? VN : NR;
        REAL *panel = to + j * height + at * wide;

        if (tb) FN(pack_columns)(k, here, wide, b + j * ldb, ldb, panel);
        else FN(pack_rows)(k, here, wide, b + j, ldb, panel);
    }
}

#undef LOW
#undef HIGH
#endif
