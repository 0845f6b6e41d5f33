/* levels.h: how many of the kernels' levels (plain, AVX2, AVX-512) this processor runs, whatever the
 * library was told to use. */
#ifndef TESTS_LEVELS_H
#define TESTS_LEVELS_H

static inline int levels(void)
{
#if defined(__x86_64__) && !defined(WG_PLAIN_ONLY)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 1;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return 2;
    return 3;
#else
    return 1;
#endif
}

#endif
