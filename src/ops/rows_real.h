/*
 * The loops of rows.h for one type and level: included through each_real.h only.
 *
 * One loop serves every case, so that the expression is compiled once and all elements go through
 * the same code. An operand of step 0 is spread over one vector in memory that the loop does not
 * move on from; what is left at the end goes through vectors of its own. Where size counts for more
 * than time (each_real.h) the loops do whole vectors only: wg__row_edges brings all else into that
 * form, and calls the kernel again.
 */

#define EDGES(name, n_in, first, more, result)                                                     \
    static __attribute__((noinline, unused)) void FN(name)(WG_ROW_PARAMS, wg_row_fn * row)         \
    {                                                                                              \
        static const wg__row_shape shape = { n_in, { first, more, more }, result, VN };            \
                                                                                                   \
        wg__row_edges(attr, n, xs, step, y, row, &shape);                                          \
    }
EDGES(edges1, 1, sizeof(REAL), sizeof(REAL), sizeof(REAL))
EDGES(edges2, 2, sizeof(REAL), sizeof(REAL), sizeof(REAL))
EDGES(edges1m, 1, sizeof(REAL), sizeof(REAL), 1)
EDGES(edges2m, 2, sizeof(REAL), sizeof(REAL), 1)
EDGES(edges_select, 3, 1, sizeof(REAL), sizeof(REAL))
#undef EDGES

typedef V FN(lane1)(const void *attr, V x);
typedef V FN(lane2)(const void *attr, V a, V b);
typedef M FN(mask1)(const void *attr, V x);
typedef M FN(mask2)(const void *attr, V a, V b);

#if !WG_IS_SMALL
WG_INLINE const REAL *FN(operand)(const void *x, int step, int64_t n, REAL *spread, int64_t *next)
{
    *next = step ? VN : 0;
    if (step || n == 0) return x; /* nothing is read for no elements */
    VSTORE(spread, VSPLAT(*(const REAL *)x));
    return spread;
}

/* The last n < VN elements of an operand. One element is read and written as one, for what reads it
 * next waits for a masked store to reach the cache. */
WG_INLINE V FN(load_left)(const REAL *x, int64_t next, int64_t n)
{
    if (!next) return VLOAD(x);
    return n == 1 ? VSPLAT(*x) : VLOAD_N(x, (int)n);
}

WG_INLINE void FN(store_left)(REAL *y, V x, int64_t n)
{
    if (n == 1) *y = x[0];
    else VSTORE_N(y, x, (int)n);
}

#endif

/* ---- numbers ---- */

#if WG_IS_SMALL
WG_INLINE void FN(row1)(WG_ROW_PARAMS, wg_row_fn *row, FN(lane1) * lane)
{
    if (!step[0] || n % VN) FN(edges1)(attr, n, xs, step, y, row);
    else
        for (int64_t i = 0; i < n; i += VN)
            VSTORE((REAL *)y + i, lane(attr, VLOAD((const REAL *)xs[0] + i)));
}

WG_INLINE void FN(row2)(WG_ROW_PARAMS, wg_row_fn *row, FN(lane2) * lane)
{
    const REAL *a = xs[0], *b = xs[1];

    if (!step[0] || !step[1] || n % VN) FN(edges2)(attr, n, xs, step, y, row);
    else
        for (int64_t i = 0; i < n; i += VN)
            VSTORE((REAL *)y + i, lane(attr, VLOAD(a + i), VLOAD(b + i)));
}
#else
/* Full vectors meet two branches that are never taken: all else is out of their way. */
WG_INLINE void FN(row1)(WG_ROW_PARAMS, wg_row_fn *row, FN(lane1) * lane)
{
    const REAL *x = xs[0];
    REAL *to = y;

    if (WG_RARE(!step[0])) { /* one element, repeated */
        FN(edges1)(attr, n, xs, step, y, row);
        return;
    }
    for (; n > 0; n -= VN, x += VN, to += VN) {
        V v;

        if (WG_RARE(n < VN)) v = FN(load_left)(x, VN, n);
        else v = VLOAD(x);
        v = lane(attr, v);
        if (WG_RARE(n < VN)) FN(store_left)(to, v, n);
        else VSTORE(to, v);
    }
}

WG_INLINE void FN(row2)(WG_ROW_PARAMS, wg_row_fn *row, FN(lane2) * lane)
{
    REAL spread[2][VN], *to = y;
    int64_t next_a, next_b;
    const REAL *a = FN(operand)(xs[0], step[0], n, spread[0], &next_a);
    const REAL *b = FN(operand)(xs[1], step[1], n, spread[1], &next_b);

    (void)row;
    for (; n > 0; n -= VN, a += next_a, b += next_b, to += VN) {
        V u, v;

        if (WG_RARE(n < VN)) {
            u = FN(load_left)(a, next_a, n);
            v = FN(load_left)(b, next_b, n);
        } else {
            u = VLOAD(a);
            v = VLOAD(b);
        }
        u = lane(attr, u, v);
        if (WG_RARE(n < VN)) FN(store_left)(to, u, n);
        else VSTORE(to, u);
    }
}

#endif

/* ---- masks as bools in memory: VN bytes ---- */

WG_INLINE void FN(store_mask)(uint8_t *y, M m)
{
#if LEVEL == 2 && BITS == 32
    _mm_storeu_si128((__m128i *)y, _mm_maskz_set1_epi8(m, 1));
#elif LEVEL == 2
    _mm_storel_epi64((__m128i *)y, _mm_maskz_set1_epi8(m, 1));
#elif LEVEL == 1
#if BITS == 32
    uint32_t set = (uint32_t)_mm256_movemask_ps((__m256)m);
#else
    uint32_t set = (uint32_t)_mm256_movemask_pd((__m256d)m);
#endif
    for (int i = 0; i < VN; i += 4) {
        uint32_t four = (set >> i & 15) * 0x204081u & 0x01010101u; /* a bit to each byte */

        memcpy(y + i, &four, sizeof four);
    }
#else
    for (int i = 0; i < VN; i++) y[i] = (uint8_t)(m[i] & 1);
#endif
}

WG_INLINE M FN(load_mask)(const uint8_t *x)
{
#if LEVEL == 2 && BITS == 32
    __m128i set = _mm_loadu_si128((const __m128i *)x);

    return _mm_test_epi8_mask(set, set);
#elif LEVEL == 2
    __m128i set = _mm_loadl_epi64((const __m128i *)x);

    return (M)_mm_test_epi8_mask(set, set);
#elif LEVEL == 1 && BITS == 32
    __m256i set = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)x));

    return (M)_mm256_cmpgt_epi32(set, _mm256_setzero_si256());
#elif LEVEL == 1
    int four;

    memcpy(&four, x, sizeof four);
    return (M)_mm256_cmpgt_epi64(_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four)),
                                 _mm256_setzero_si256());
#else
    M m;

    for (int i = 0; i < VN; i++) m[i] = -(INT)(x[i] != 0);
    return m;
#endif
}

WG_INLINE void FN(row1m)(WG_ROW_PARAMS, wg_row_fn *row, FN(mask1) * lane)
{
    if (!step[0] || n % VN) FN(edges1m)(attr, n, xs, step, y, row);
    else
        for (int64_t i = 0; i < n; i += VN)
            FN(store_mask)((uint8_t *)y + i, lane(attr, VLOAD((const REAL *)xs[0] + i)));
}

#if WG_IS_SMALL
WG_INLINE void FN(row2m)(WG_ROW_PARAMS, wg_row_fn *row, FN(mask2) * lane)
{
    const REAL *a = xs[0], *b = xs[1];

    if (!step[0] || !step[1] || n % VN) FN(edges2m)(attr, n, xs, step, y, row);
    else
        for (int64_t i = 0; i < n; i += VN)
            FN(store_mask)((uint8_t *)y + i, lane(attr, VLOAD(a + i), VLOAD(b + i)));
}

/* y = a where the bool of operand 0 is set, else b. */
WG_INLINE void FN(row_select)(WG_ROW_PARAMS, wg_row_fn *row)
{
    const uint8_t *m = xs[0];
    const REAL *a = xs[1], *b = xs[2];

    if (!step[0] || !step[1] || !step[2] || n % VN) FN(edges_select)(attr, n, xs, step, y, row);
    else
        for (int64_t i = 0; i < n; i += VN)
            VSTORE((REAL *)y + i, FN(vsel)(FN(load_mask)(m + i), VLOAD(a + i), VLOAD(b + i)));
}
#else
WG_INLINE void FN(row2m)(WG_ROW_PARAMS, wg_row_fn *row, FN(mask2) * lane)
{
    REAL spread[2][VN];
    uint8_t *to = y;
    int64_t next_a, next_b;
    const REAL *a = FN(operand)(xs[0], step[0], n, spread[0], &next_a);
    const REAL *b = FN(operand)(xs[1], step[1], n, spread[1], &next_b);

    for (; n >= VN; n -= VN, a += next_a, b += next_b, to += VN)
        FN(store_mask)(to, lane(attr, VLOAD(a), VLOAD(b)));
    if (n > 0) FN(edges2m)(attr, n, (const void *const[]){ a, b }, step, to, row);
}

/* y = a where the bool of operand 0 is set, else b. */
WG_INLINE void FN(row_select)(WG_ROW_PARAMS, wg_row_fn *row)
{
    REAL spread[2][VN], *to = y;
    uint8_t spread_m[VN];
    const uint8_t *m = xs[0];
    int64_t next_a, next_b, next_m = step[0] ? VN : 0;
    const REAL *a = FN(operand)(xs[1], step[1], n, spread[0], &next_a);
    const REAL *b = FN(operand)(xs[2], step[2], n, spread[1], &next_b);

    if (!step[0] && n) m = memset(spread_m, *m, sizeof spread_m);
    for (; n >= VN; n -= VN, m += next_m, a += next_a, b += next_b, to += VN)
        VSTORE(to, FN(vsel)(FN(load_mask)(m), VLOAD(a), VLOAD(b)));
    if (n > 0) FN(edges_select)(attr, n, (const void *const[]){ m, a, b }, step, to, row);
}
#endif

