/* The sums of vec.h for one type and level: included through each_real.h only. */

#define LANES 16

/* Block sums so far: bit k of `blocks` says that part[k], the sum of 2^k blocks, waits for its
 * right half. */
typedef struct {
    int64_t blocks;
    REAL part[48];
} FN(wg_tree);

WG_INLINE void FN(tree_add)(FN(wg_tree) * t, REAL sum)
{
    int k = 0;

    for (; t->blocks >> k & 1; k++) sum = t->part[k] + sum;
    t->part[k] = sum;
    t->blocks++;
}

WG_INLINE REAL FN(tree_total)(const FN(wg_tree) * t)
{
    REAL sum = 0;
    bool any = false;

    for (int k = 0; t->blocks >> k; k++) {
        if (!(t->blocks >> k & 1)) continue;
        sum = any ? t->part[k] + sum : t->part[k];
        any = true;
    }
    return sum;
}

WG_INLINE REAL FN(tree_of)(const REAL *sums, int64_t blocks)
{
    FN(wg_tree) t = { 0, { 0 } };

    for (int64_t i = 0; i < blocks; i++) FN(tree_add)(&t, sums[i]);
    return FN(tree_total)(&t);
}

/* 16 lanes in registers, whatever their width, to one number. */
WG_INLINE REAL FN(lanes_total)(const V *acc)
{
    REAL lane[LANES];

    WG_UNROLL
    for (int i = 0; i < LANES / VN; i++) VSTORE(lane + i * VN, acc[i]);
    WG_UNROLL
    for (int half = LANES / 2; half > 0; half /= 2) {
        WG_UNROLL
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    }
    return lane[0];
}

WG_INLINE REAL FN(vsum_block)(const REAL *x, int64_t n)
{
    V acc[LANES / VN];
    int64_t i = 0;

    WG_UNROLL
    for (int j = 0; j < LANES / VN; j++) acc[j] = VSPLAT(0);
    for (; i + LANES <= n; i += LANES) {
        WG_UNROLL
        for (int j = 0; j < LANES / VN; j++) acc[j] += VLOAD(x + i + j * VN);
    }
    for (int j = 0; i < n; i += VN, j++) {
        int left = n - i < VN ? (int)(n - i) : VN;
        V rest = left == VN ? VLOAD(x + i) : VLOAD_N(x + i, left); /* lanes beyond add +0 */

        WG_UNROLL
        for (int k = 0; k < LANES / VN; k++)
            if (k == j) acc[k] += rest;
    }
    return FN(lanes_total)(acc);
}

/* Four whole blocks at once: a lane's additions wait for each other, those of other blocks do
 * not. */
WG_INLINE void FN(vsum_blocks4)(const REAL *x, REAL *sum)
{
    V acc[4][LANES / VN];

    WG_UNROLL
    for (int b = 0; b < 4; b++) {
        WG_UNROLL
        for (int j = 0; j < LANES / VN; j++) acc[b][j] = VSPLAT(0);
    }
    for (int i = 0; i < WG_BLOCK; i += LANES) {
        WG_UNROLL
        for (int b = 0; b < 4; b++) {
            WG_UNROLL
            for (int j = 0; j < LANES / VN; j++) acc[b][j] += VLOAD(x + b * WG_BLOCK + i + j * VN);
        }
    }
    WG_UNROLL
    for (int b = 0; b < 4; b++) sum[b] = FN(lanes_total)(acc[b]);
}

__attribute__((unused, noinline)) static REAL FN(vsum)(const REAL *x, int64_t n)
{
    FN(wg_tree) t = { 0, { 0 } };
    int64_t i = 0;
    REAL sum[4];

    if (n <= WG_BLOCK) return FN(vsum_block)(x, n);
    if (LANES / VN <= 2) { /* more would not fit into the registers, nor is there need */
        for (; i + 4 * WG_BLOCK <= n; i += 4 * WG_BLOCK) {
            FN(vsum_blocks4)(x + i, sum);
            for (int b = 0; b < 4; b++) FN(tree_add)(&t, sum[b]);
        }
    }
    for (; i < n; i += WG_BLOCK)
        FN(tree_add)(&t, FN(vsum_block)(x + i, n - i < WG_BLOCK ? n - i : WG_BLOCK));
    return FN(tree_total)(&t);
}

/* One V of columns: each of the 16 lanes of the order is a V here, since the elements of a sum lie
 * a row apart. */
WG_INLINE V FN(columns_block)(const REAL *x, int64_t n, int64_t step, int m)
{
    V lane[LANES];

    for (int i = 0; i < LANES; i++) lane[i] = VSPLAT(0);
    for (int64_t i = 0; i < n; i++) {
        const REAL *p = x + i * step;

        lane[i % LANES] += m == VN ? VLOAD(p) : VLOAD_N(p, m);
    }
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

__attribute__((unused, noinline)) static void FN(vsum_columns)(REAL *y, const REAL *x, int64_t n,
                                                               int64_t step, int64_t m)
{
    for (int64_t j = 0; j < m; j += VN) {
        int w = m - j < VN ? (int)(m - j) : VN;
        int64_t blocks = 0;
        V part[48], sum = VSPLAT(0);
        bool any = false;

        for (int64_t i = 0; i < n; i += WG_BLOCK, blocks++) {
            V s = FN(columns_block)(x + i * step + j, n - i < WG_BLOCK ? n - i : WG_BLOCK, step, w);
            int k = 0;

            for (; blocks >> k & 1; k++) s = part[k] + s;
            part[k] = s;
        }
        for (int k = 0; blocks >> k; k++) {
            if (!(blocks >> k & 1)) continue;
            sum = any ? part[k] + sum : part[k];
            any = true;
        }
        if (w == VN) VSTORE(y + j, sum);
        else VSTORE_N(y + j, sum, w);
    }
}

#undef LANES
