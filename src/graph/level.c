/* level.c: which kernels the processor can run. */
#include <stdlib.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "internal.h"

#if defined(__x86_64__)
/* What the processor has, and the system saves: the compiler's own list of all processors there are
 * would be 5 kB. */
static int processor_level(void)
{
    enum { FMA = 1 << 12, SAVED = 1 << 27, AVX = 1 << 28, AVX2 = 1 << 5 };
    const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; /* f, dq, bw, vl */
    const unsigned first = FMA | SAVED | AVX, ymm = 0x6, zmm = 0xe6;
    unsigned a, b, c, d, saved, high;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & first) != first) return WG_LEVEL_PLAIN;
    __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return WG_LEVEL_PLAIN;
    if (!(b & AVX2) || (saved & ymm) != ymm) return WG_LEVEL_PLAIN;
    return (b & avx512) == avx512 && (saved & zmm) == zmm ? WG_LEVEL_AVX512 : WG_LEVEL_AVX2;
}
#else
static int processor_level(void)
{
    return WG_LEVEL_PLAIN;
}
#endif

int wg_level(void)
{
    const char *wish = getenv("WENGERT_LEVEL");
    int level = processor_level();

    /* One digit that lowers the level; anything else is ignored, as it cannot raise it either. */
    if (wish && wish[0] >= '0' && wish[0] <= '9' && wish[1] == '\0' && wish[0] - '0' < level)
        return wish[0] - '0';
    return level;
}
