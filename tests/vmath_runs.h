/* vmath_runs.h: the functions of vmath_kit.h for one type and level: through each_real.h only. */
#define RUN(f, b32, b64)                                                                                     \
    static void FN(run_##f)(REAL * y, const REAL *x, int64_t n)                                    \
    {                                                                                              \
        int64_t i = 0;                                                                             \
                                                                                                   \
        for (; i + VN <= n; i += VN) VSTORE(y + i, v##f(VLOAD(x + i)));                            \
        if (i < n) VSTORE_N(y + i, v##f(VLOAD_N(x + i, (int)(n - i))), (int)(n - i));              \
    }
FUNCTIONS(RUN)
#undef RUN

#define RUN2(f)                                                                                    \
    static void FN(run_##f)(REAL * y, const REAL *a, const REAL *b, int64_t n)                     \
    {                                                                                              \
        for (int64_t i = 0; i < n; i += VN) {                                                      \
            int w = n - i < VN ? (int)(n - i) : VN;                                                \
                                                                                                   \
            VSTORE_N(y + i, v##f(VLOAD_N(a + i, w), VLOAD_N(b + i, w)), w);                        \
        }                                                                                          \
    }
RUN2(pow)
RUN2(min)
RUN2(max)
#undef RUN2

static REAL FN(run_sum)(const REAL *x, int64_t n)
{
    return FN(vsum)(x, n);
}
__attribute__((unused)) static void FN(run_columns)(REAL *y, const REAL *x, int64_t n, int64_t step,
                                                    int64_t m)
{
    FN(vsum_columns)(y, x, n, step, m);
}
