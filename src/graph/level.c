/* level.c: which kernels the processor can run. */
#include <stdlib.h>

#include "internal.h"

static int processor_level(void)
{
#if defined(__x86_64__) || defined(__i386__)
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");

    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return WG_LEVEL_AVX512;
    if (avx2) return WG_LEVEL_AVX2;
#endif
    return WG_LEVEL_PLAIN;
}

int wg_level(void)
{
    const char *wish = getenv("WENGERT_LEVEL");
    int level = processor_level();

    /* One digit that lowers the level; anything else is ignored, as it cannot raise it either. */
    if (wish && wish[0] >= '0' && wish[0] <= '9' && wish[1] == '\0' && wish[0] - '0' < level)
        return wish[0] - '0';
    return level;
}
