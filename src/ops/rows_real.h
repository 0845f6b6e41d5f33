/*
 * The loops of rows.h for one type and level: included through each_real.h only.
 *
 * One loop serves every case, so that the expression is compiled once and all elements go through
 * the same code. An operand of step 0 is spread over one vector in memory that the loop does not
 * move on from; what is left at the end goes through vectors of its own.
 */

typedef V FN(lane1)(const void *attr, V x);
typedef V FN(lane2)(const void *attr, V a, V b);
typedef M FN(mask1)(const void *attr, V x);
typedef M FN(mask2)(const void *attr, V a, V b);

WG_INLINE const REAL *FN(operand)(const void *x, int step, int64_t n, REAL *spread, int64_t *next)
{
    *next = step ? VN : 0;
    if (step || n == 0) return x; /* nothing is read for no elements */
    VSTORE(spread, VSPLAT(*(const REAL *)x));
    return spread;
}

/* The last n elements of an operand, which stay where they are if it does not move. */
WG_INLINE const REAL *FN(remainder)(const REAL *x, int64_t next, int64_t n, REAL *last)
{
    if (!next) return x;
    VSTORE(last, VLOAD_N(x, (int)n));
    return last;
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

/* Full vectors meet two branches that are never taken: all else is out of their way. */
WG_INLINE void FN(row1)(const void *attr, int64_t n, const void *const *xs, const int *step,
                        void *ys, FN(lane1) * lane)
{
    REAL spread[VN], *y = ys;
    int64_t next;
    const REAL *x = FN(operand)(xs[0], step[0], n, spread, &next);

    for (; n > 0; n -= VN, x += next, y += VN) {
        V v;

        if (WG_RARE(n < VN)) v = FN(load_left)(x, next, n);
        else v = VLOAD(x);
        v = lane(attr, v);
        if (WG_RARE(n < VN)) FN(store_left)(y, v, n);
        else VSTORE(y, v);
    }
}

WG_INLINE void FN(row2)(const void *attr, int64_t n, const void *const *xs, const int *step,
                        void *ys, FN(lane2) * lane)
{
    REAL spread[2][VN], *y = ys;
    int64_t next_a, next_b;
    const REAL *a = FN(operand)(xs[0], step[0], n, spread[0], &next_a);
    const REAL *b = FN(operand)(xs[1], step[1], n, spread[1], &next_b);

    for (; n > 0; n -= VN, a += next_a, b += next_b, y += VN) {
        V u, v;

        if (WG_RARE(n < VN)) {
            u = FN(load_left)(a, next_a, n);
            v = FN(load_left)(b, next_b, n);
        } else {
            u = VLOAD(a);
            v = VLOAD(b);
        }
        u = lane(attr, u, v);
        if (WG_RARE(n < VN)) FN(store_left)(y, u, n);
        else VSTORE(y, u);
    }
}

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

WG_INLINE void FN(row1m)(const void *attr, int64_t n, const void *const *xs, const int *step,
                         void *ys, FN(mask1) * lane)
{
    REAL spread[VN], last[VN];
    uint8_t out[VN], *y = ys, *end = NULL;
    int64_t next, rest = 0;
    const REAL *x = FN(operand)(xs[0], step[0], n, spread, &next);

    for (;;) {
        for (; n >= VN; n -= VN, x += next, y += VN) FN(store_mask)(y, lane(attr, VLOAD(x)));
        if (n == 0) break;
        x = FN(remainder)(x, next, n, last);
        rest = n, n = VN, end = y, y = out;
    }
    if (rest) memcpy(end, out, (size_t)rest);
}

WG_INLINE void FN(row2m)(const void *attr, int64_t n, const void *const *xs, const int *step,
                         void *ys, FN(mask2) * lane)
{
    REAL spread[2][VN], last[2][VN];
    uint8_t out[VN], *y = ys, *end = NULL;
    int64_t next_a, next_b, rest = 0;
    const REAL *a = FN(operand)(xs[0], step[0], n, spread[0], &next_a);
    const REAL *b = FN(operand)(xs[1], step[1], n, spread[1], &next_b);

    for (;;) {
        for (; n >= VN; n -= VN, a += next_a, b += next_b, y += VN)
            FN(store_mask)(y, lane(attr, VLOAD(a), VLOAD(b)));
        if (n == 0) break;
        a = FN(remainder)(a, next_a, n, last[0]);
        b = FN(remainder)(b, next_b, n, last[1]);
        rest = n, n = VN, end = y, y = out;
    }
    if (rest) memcpy(end, out, (size_t)rest);
}

/* y = a where the bool of operand 0 is set, else b. */
WG_INLINE void FN(row_select)(int64_t n, const void *const *xs, const int *step, void *ys)
{
    REAL spread[2][VN], last[2][VN], out[VN], *y = ys, *end = NULL;
    uint8_t spread_m[VN], last_m[VN];
    const uint8_t *m = xs[0];
    int64_t next_a, next_b, next_m = step[0] ? VN : 0, rest = 0;
    const REAL *a = FN(operand)(xs[1], step[1], n, spread[0], &next_a);
    const REAL *b = FN(operand)(xs[2], step[2], n, spread[1], &next_b);

    if (!step[0] && n) m = memset(spread_m, *m, sizeof spread_m);
    for (;;) {
        for (; n >= VN; n -= VN, m += next_m, a += next_a, b += next_b, y += VN)
            VSTORE(y, FN(vsel)(FN(load_mask)(m), VLOAD(a), VLOAD(b)));
        if (n == 0) break;
        if (next_m) {
            memset(last_m, 0, sizeof last_m);
            m = memcpy(last_m, m, (size_t)n);
        }
        a = FN(remainder)(a, next_a, n, last[0]);
        b = FN(remainder)(b, next_b, n, last[1]);
        rest = n, n = VN, end = y, y = out;
    }
    if (rest) VSTORE_N(end, VLOAD(out), (int)rest);
}
