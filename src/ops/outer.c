/* outer.c: products with one summand an element: each element of a column meets a row. */
#ifndef REAL
#include "gemm.h"

#define WG_TEMPLATE "outer.c"
#include "each_real.h"

#else /* for each type and level */

/* W vectors of columns, the last with n lanes, for all rows. */
WG_INLINE void FN(outer_strip)(const int W, int n, int64_t m, const REAL *a, int64_t step,
                               const REAL *b, REAL *c, int64_t ldc, bool plus)
{
    int last = n - (W - 1) * VN;
    V right[4], zero = VSPLAT(0);

    WG_UNROLL
    for (int w = 0; w < W; w++)
        right[w] = w < W - 1 || last == VN ? VLOAD(b + w * VN) : VLOAD_N(b + w * VN, last);
    for (int64_t i = 0; i < m; i++, a += step, c += ldc) {
        V left = VSPLAT(*a);

        WG_UNROLL
        for (int w = 0; w < W; w++) {
            V y = vfma(left, right[w], zero);

            if (plus) y = y + zero;
            if (w < W - 1 || last == VN) VSTORE(c + w * VN, y);
            else VSTORE_N(c + w * VN, y, last);
        }
    }
}

void FN(wg__outer)(int64_t m, int64_t n, const REAL *a, int64_t step, const REAL *b, REAL *c,
                   int64_t ldc, bool plus)
{
    int64_t j = 0;

    if (m == 1 && n == 1) {
        *c = vfma(VSPLAT(*a), VSPLAT(*b), VSPLAT(0))[0];
        if (plus) *c += 0;
        return;
    }
    for (; n - j >= 4 * VN; j += 4 * VN)
        FN(outer_strip)(4, 4 * VN, m, a, step, b + j, c + j, ldc, plus);
    for (; n - j > VN; j += 2 * VN)
        FN(outer_strip)(2, (int)wg__least(n - j, 2 * VN), m, a, step, b + j, c + j, ldc, plus);
    if (n > j) FN(outer_strip)(1, (int)(n - j), m, a, step, b + j, c + j, ldc, plus);
}
#endif
