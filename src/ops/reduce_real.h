/* The functions of reduce_vec.h for one type and level: included through each_real.h only. */

WG_INLINE V FN(join)(int op, V a, V b)
{
    return op == WG_JOIN_SUM    ? a + b
           : op == WG_JOIN_PROD ? a * b
           : op == WG_JOIN_MAX  ? vmax(a, b)
                                : vmin(a, b);
}

WG_INLINE REAL FN(join1)(int op, REAL a, REAL b)
{
    if (op == WG_JOIN_SUM) return a + b;
    if (op == WG_JOIN_PROD) return a * b;
    if (op == WG_JOIN_MAX) return b > a || b != b ? b : a; /* where a is NaN, b > a is false */
    return b < a || b != b ? b : a;
}

/* n >= 1 elements joined, not by a sum: compiled once, in reduce_rows.c. */
REAL FN(wg__join_row)(int op, const REAL *x, int64_t n);

/* y = e^(x - top), unless y is NULL, which x may be; returns their canonical sum: compiled once, in
 * softmax.c. */
REAL FN(wg__exp_row)(const REAL *x, int64_t n, REAL top, REAL *y);

/* The canonical sum of a few: what remains of its tree when all lanes but 8 are empty. */
WG_INLINE REAL FN(sum_few)(const REAL *x, int64_t n)
{
    REAL l[8] = { 0 };

    for (int64_t i = 0; i < n; i++) l[i] += x[i];
    return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
}

WG_INLINE REAL FN(row)(int op, const REAL *x, int64_t n)
{
    if (op == WG_JOIN_SUM) return n <= 8 ? FN(sum_few)(x, n) : FN(vsum)(x, n);
    return FN(wg__join_row)(op, x, n);
}

/* ---- columns ---- */

/* Columns treated together: a row of them is short enough for 16 to stay in the first-level cache.
 */
enum { FN(WG_CHUNK) = 1024 / (int)sizeof(REAL) };

/* A vector at p: whole wherever memory allows, since lanes beyond the columns meant are never used.
 */
WG_INLINE V FN(load_within)(const REAL *p, const REAL *end)
{
    return end - p >= VN ? VLOAD(p) : VLOAD_N(p, (int)(end - p));
}

WG_INLINE void FN(store_columns)(REAL *y, int64_t left, V v)
{
    if (left >= VN) VSTORE(y, v);
    else VSTORE_N(y, v, (int)left);
}

/* The canonical order of vec.h with a row of sums for each of its 16 lanes: y[j] = the sum of x[i
 * step + j] over i < n <= WG_BLOCK, for j < m <= WG_CHUNK. A lane is visited once for four of its
 * rows. */
__attribute__((unused, noinline)) static void
FN(sum_columns)(const REAL *x, int64_t n, int64_t step, int64_t m, const REAL *end, REAL *y)
{
    _Alignas(64) REAL lane[16][FN(WG_CHUNK)];
    int used = n < 16 ? (int)n : 16;
    int64_t i = 16;

    for (int l = 0; l < used; l++)
        for (int64_t j = 0; j < m; j += VN)
            VSTORE(&lane[l][j], VSPLAT(0) + FN(load_within)(x + l * step + j, end));
    for (; m > 2 * VN && i + 64 <= n; i += 64) {
        for (int l = 0; l < 16; l++) {
            const REAL *p = x + (i + l) * step, *q = p + 16 * step, *r = q + 16 * step,
                       *s = r + 16 * step;
            int64_t j = 0, whole = end - s - VN; /* vectors that begin up to there lie within x */

            if (whole >= m) whole = m - 1;
            for (; j <= whole; j += VN)
                VSTORE(&lane[l][j], VLOAD(&lane[l][j]) + VLOAD(p + j) + VLOAD(q + j) +
                                        VLOAD(r + j) + VLOAD(s + j));
            for (; j < m; j += VN)
                VSTORE(&lane[l][j], VLOAD(&lane[l][j]) + FN(load_within)(p + j, end) +
                                        FN(load_within)(q + j, end) + FN(load_within)(r + j, end) +
                                        FN(load_within)(s + j, end));
        }
    }
    for (; i < n; i++)
        for (int64_t j = 0; j < m; j += VN)
            VSTORE(&lane[i & 15][j],
                   VLOAD(&lane[i & 15][j]) + FN(load_within)(x + i * step + j, end));
    /* a lane without rows holds +0, which changes no sum that began with +0 */
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half && l + half < used; l++)
            for (int64_t j = 0; j < m; j += VN)
                VSTORE(&lane[l][j], VLOAD(&lane[l][j]) + VLOAD(&lane[l + half][j]));
    for (int64_t j = 0; j < m; j += VN) FN(store_columns)(y + j, m - j, VLOAD(&lane[0][j]));
}

WG_INLINE void FN(join_columns)(int op, const REAL *x, int64_t n, int64_t step, int64_t m,
                                const REAL *end, REAL *y)
{
    _Alignas(64) REAL acc[FN(WG_CHUNK)];
    int64_t i = 1;

    for (int64_t j = 0; j < m; j += VN) VSTORE(acc + j, FN(load_within)(x + j, end));
    for (; i + 4 <= n; i += 4) {
        const REAL *p = x + i * step, *q = p + step, *r = q + step, *s = r + step;

        for (int64_t j = 0; j < m; j += VN) {
            V a = FN(join)(op, FN(load_within)(p + j, end), FN(load_within)(q + j, end));
            V b = FN(join)(op, FN(load_within)(r + j, end), FN(load_within)(s + j, end));

            VSTORE(acc + j, FN(join)(op, VLOAD(acc + j), FN(join)(op, a, b)));
        }
    }
    for (; i < n; i++)
        for (int64_t j = 0; j < m; j += VN)
            VSTORE(acc + j, FN(join)(op, VLOAD(acc + j), FN(load_within)(x + i * step + j, end)));
    for (int64_t j = 0; j < m; j += VN) FN(store_columns)(y + j, m - j, VLOAD(acc + j));
}
