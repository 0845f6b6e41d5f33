/* The functions of vec.h for one type and level: included through each_real.h only. */
#if LEVEL == 0
#define BYTES 16
#elif LEVEL == 1
#define BYTES 32
#else
#define BYTES 64
#endif

typedef REAL V __attribute__((vector_size(BYTES)));
typedef INT VI __attribute__((vector_size(BYTES)));
typedef UINT VU __attribute__((vector_size(BYTES)));
#undef BYTES

#if LEVEL == 2 && BITS == 32
typedef __mmask16 M;
#elif LEVEL == 2
typedef __mmask8 M;
#else
typedef VI M; /* all bits of a lane, or none */
#endif

/* MM(add)(a, b) is _mm256_add_ps or its like for this type and level. */
#if LEVEL == 0 && BITS == 32
#define MM(f) _mm_##f##_ps
#elif LEVEL == 0
#define MM(f) _mm_##f##_pd
#elif LEVEL == 1 && BITS == 32
#define MM(f) _mm256_##f##_ps
#elif LEVEL == 1
#define MM(f) _mm256_##f##_pd
#elif BITS == 32
#define MM(f)  _mm512_##f##_ps
#define MMK(f) _mm512_##f##_ps_mask
#else
#define MM(f)  _mm512_##f##_pd
#define MMK(f) _mm512_##f##_pd_mask
#endif

WG_INLINE V VLOAD(const REAL *p)
{
    V x;

    memcpy(&x, p, sizeof x);
    return x;
}

WG_INLINE void VSTORE(REAL *p, V x)
{
    memcpy(p, &x, sizeof x);
}

WG_INLINE V VSPLAT(REAL c)
{
    return c - (V){ 0 };
} /* minus: -0 + 0 would lose the sign */

WG_INLINE V FN(vset)(V x, REAL c)
{
    (void)x;
    return VSPLAT(c);
}

#if LEVEL == 2
WG_INLINE V VLOAD_N(const REAL *p, int n)
{
    return MM(maskz_loadu)((M)((1u << n) - 1), p);
}
WG_INLINE void VSTORE_N(REAL *p, V x, int n)
{
    MM(mask_storeu)(p, (M)((1u << n) - 1), x);
}
#elif LEVEL == 1
WG_INLINE __m256i FN(first_lanes)(int n)
{
#if BITS == 32
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
#else
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
#endif
}
WG_INLINE V VLOAD_N(const REAL *p, int n)
{
    return MM(maskload)(p, FN(first_lanes)(n));
}
WG_INLINE void VSTORE_N(REAL *p, V x, int n)
{
    MM(maskstore)(p, FN(first_lanes)(n), x);
}
#else
WG_INLINE V VLOAD_N(const REAL *p, int n)
{
    REAL lane[VN] = { 0 };

    memcpy(lane, p, (size_t)n * sizeof(REAL));
    return VLOAD(lane);
}

WG_INLINE void VSTORE_N(REAL *p, V x, int n)
{
    REAL lane[VN];

    VSTORE(lane, x);
    memcpy(p, lane, (size_t)n * sizeof(REAL));
}
#endif

/* ---- masks and choice ---- */

#if LEVEL == 2
WG_INLINE M FN(vlt)(V a, V b)
{
    return MMK(cmp)(a, b, _CMP_LT_OQ);
}
WG_INLINE M FN(vle)(V a, V b)
{
    return MMK(cmp)(a, b, _CMP_LE_OQ);
}
WG_INLINE M FN(veq)(V a, V b)
{
    return MMK(cmp)(a, b, _CMP_EQ_OQ);
}
WG_INLINE M FN(vne)(V a, V b)
{
    return MMK(cmp)(a, b, _CMP_NEQ_UQ);
}
WG_INLINE M FN(vand)(M m, M n)
{
    return (M)(m & n);
}
WG_INLINE M FN(vor)(M m, M n)
{
    return (M)(m | n);
}
WG_INLINE M FN(vnot)(M m)
{
    return (M)~m;
}
WG_INLINE int FN(vany)(M m)
{
    return m != 0;
}
WG_INLINE V FN(vsel)(M m, V a, V b)
{
    return MM(mask_blend)(m, b, a);
}
#else
WG_INLINE M FN(vlt)(V a, V b)
{
    return (M)(a < b);
}
WG_INLINE M FN(vle)(V a, V b)
{
    return (M)(a <= b);
}
WG_INLINE M FN(veq)(V a, V b)
{
    return (M)(a == b);
}
WG_INLINE M FN(vne)(V a, V b)
{
    return (M)(a != b);
}
WG_INLINE M FN(vand)(M m, M n)
{
    return m & n;
}
WG_INLINE M FN(vor)(M m, M n)
{
    return m | n;
}
WG_INLINE M FN(vnot)(M m)
{
    return ~m;
}
#if LEVEL == 1
WG_INLINE int FN(vany)(M m)
{
    return MM(movemask)((V)m) != 0;
}
WG_INLINE V FN(vsel)(M m, V a, V b)
{
    return MM(blendv)(b, a, (V)m);
}
#else
WG_INLINE int FN(vany)(M m)
{
#if WG_X86
    return MM(movemask)((V)m) != 0;
#else
    INT all = 0;

    for (int i = 0; i < VN; i++) all |= m[i];
    return all != 0;
#endif
}
WG_INLINE V FN(vsel)(M m, V a, V b)
{
    return (V)((m & (M)a) | (~m & (M)b));
}
#endif
#endif

/* ---- arithmetic ---- */

#if LEVEL == 0
WG_INLINE V FN(vfma)(V a, V b, V c)
{
    return a * b + c;
}
#else
WG_INLINE V FN(vfma)(V a, V b, V c)
{
    return MM(fmadd)(a, b, c);
}
#endif

#define SIGN ((UINT)1 << (BITS - 1))
WG_INLINE V FN(vabs)(V x)
{
    return (V)((VU)x & (SIGN - 1));
}
WG_INLINE V FN(vcopysign)(V a, V s)
{
    return (V)(((VU)a & (SIGN - 1)) | ((VU)s & SIGN));
}
#undef SIGN

#if WG_X86
WG_INLINE V FN(vsqrt)(V x)
{
    return MM(sqrt)(x);
}
WG_INLINE V FN(vmin_raw)(V a, V b)
{
    return MM(min)(a, b);
} /* a < b ? a : b */
WG_INLINE V FN(vmax_raw)(V a, V b)
{
    return MM(max)(a, b);
}
#else
WG_INLINE V FN(vsqrt)(V x)
{
    for (int i = 0; i < VN; i++)
        x[i] = BITS == 32 ? (REAL)__builtin_sqrtf(x[i]) : (REAL)__builtin_sqrt(x[i]);
    return x;
}
WG_INLINE V FN(vmin_raw)(V a, V b)
{
    return FN(vsel)(FN(vlt)(a, b), a, b);
}
WG_INLINE V FN(vmax_raw)(V a, V b)
{
    return FN(vsel)(FN(vlt)(b, a), a, b);
}
#endif
WG_INLINE V FN(vmin)(V a, V b)
{
    return FN(vsel)(FN(vne)(a, a), a, FN(vmin_raw)(a, b));
}
WG_INLINE V FN(vmax)(V a, V b)
{
    return FN(vsel)(FN(vne)(a, a), a, FN(vmax_raw)(a, b));
}

#if LEVEL == 2
WG_INLINE V FN(vround)(V x)
{
    return MM(roundscale)(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
WG_INLINE V FN(vfloor)(V x)
{
    return MM(roundscale)(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
#elif LEVEL == 1
WG_INLINE V FN(vround)(V x)
{
    return MM(round)(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
WG_INLINE V FN(vfloor)(V x)
{
    return MM(round)(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
#else
/* Adding 2^(digits - 1) leaves no room for a fraction; what is larger has none. */
WG_INLINE V FN(vround)(V x)
{
    V big = VSPLAT(BITS == 32 ? (REAL)0x1p23 : (REAL)0x1p52), a = FN(vabs)(x);

    return FN(vcopysign)(FN(vsel)(FN(vlt)(a, big), (a + big) - big, a), x);
}
WG_INLINE V FN(vfloor)(V x)
{
    V r = FN(vround)(x);

    return FN(vcopysign)(FN(vsel)(FN(vlt)(x, r), r - 1, r), x);
}
#endif

#undef MM
#undef MMK
