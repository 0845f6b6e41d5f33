/* numerics_real.h: loops around libmvec's functions, for each type and level. */
#if LEVEL > 0
static void FN(mvec_run)(const void *f, void *y, const void *x)
{
    V (*g)(V);

    memcpy(&g, f, sizeof g);
    for (int i = 0; i < 1024; i += VN)
        VSTORE((REAL *)y + i, g(VLOAD((const REAL *)x + i)));
}
#endif
