/*
 * stream.c: copies past the caches, for plan_stream.c. Whole vectors of memory go without being
 * fetched first; they are there for other threads only after wg__stream_end.
 */
#if defined(__x86_64__) && !defined(WG_PLAIN_ONLY)
#include <immintrin.h>
#endif
#include <string.h>

#include "plan.h"

#if defined(__x86_64__) && !defined(WG_PLAIN_ONLY)
/* One vector type each: the ends, which fill no vector, go the ordinary way. */
#define STREAM(name, isa, T, load, stream)                                                         \
    __attribute__((target(isa))) static void name(void *to, const void *from, size_t bytes)        \
    {                                                                                              \
        char *y = to;                                                                              \
        const char *x = from;                                                                      \
        size_t head = (sizeof(T) - (uintptr_t)y % sizeof(T)) % sizeof(T);                          \
                                                                                                   \
        if (head > bytes) head = bytes;                                                            \
        if (head > 0) memcpy(y, x, head);                                                          \
        y += head, x += head, bytes -= head;                                                       \
        for (; bytes >= sizeof(T); bytes -= sizeof(T), y += sizeof(T), x += sizeof(T))             \
            stream((void *)y, load((const void *)x));                                              \
        if (bytes > 0) memcpy(y, x, bytes);                                                        \
    }

STREAM(stream_0, "sse2", __m128i, _mm_loadu_si128, _mm_stream_si128)
STREAM(stream_1, "avx2", __m256i, _mm256_loadu_si256, _mm256_stream_si256)
STREAM(stream_2, "avx512f", __m512i, _mm512_loadu_si512, _mm512_stream_si512)

wg_stream_fn *wg__stream_copy(int level)
{
    static wg_stream_fn *const by_level[] = { stream_0, stream_1, stream_2 };

    return by_level[level];
}

void wg__stream_end(void)
{
    _mm_sfence();
}
#else
static void plain(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

wg_stream_fn *wg__stream_copy(int level)
{
    (void)level;
    return plain;
}

void wg__stream_end(void) {}
#endif
