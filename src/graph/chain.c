/*
 * chain.c: runs chains (plan_chain.c): handlers that load, store and ask for memory, beside those
 * of records, and what goes from chunk to chunk. The type of a handler is that of ops/chain.h.
 */
#if defined(__x86_64__) && !defined(WG_PLAIN_ONLY) && !defined(__clang__)
#include <immintrin.h>
#endif

#include "plan.h"

#if defined(__x86_64__) && !defined(WG_PLAIN_ONLY) && !defined(__clang__)

#define TARGET __attribute__((target("avx512f")))
#define PARAMS                                                                                     \
    const wg_link *l, const void *const *frame, __m512 a0, __m512 a1, __m512 a2, __m512 a3,        \
        __m512 a4, __m512 a5, __m512 a6, __m512 a7

typedef void link_fn(PARAMS);

/* The compiler makes a jump of it; where it does not, it is a call some hundreds deep at most. */
#define NEXT  ((link_fn *)l[1].fn)(l + 1, frame, a0, a1, a2, a3, a4, a5, a6, a7)
#define AT(k) (*(const float *const *)(const void *)((const char *)frame + l->x[k]))
#define EIGHT(m)                                                                                   \
    do {                                                                                           \
        m(0);                                                                                      \
        m(1);                                                                                      \
        m(2);                                                                                      \
        m(3);                                                                                      \
        m(4);                                                                                      \
        m(5);                                                                                      \
        m(6);                                                                                      \
        m(7);                                                                                      \
    } while (0)

#define LOAD(i)   a##i = _mm512_loadu_ps(p + 16 * i)
#define STORE(i)  _mm512_storeu_ps(y + 16 * i, a##i)
#define STREAM(i) _mm512_stream_ps(y + 16 * i, a##i)
#define SUM(i)    _mm512_storeu_ps(y + 16 * i, _mm512_add_ps(_mm512_loadu_ps(y + 16 * i), a##i))
#define AHEAD(i)  __builtin_prefetch(p + 64 * i, 0, 2)

TARGET static void load(PARAMS)
{
    const float *p = AT(0);

    EIGHT(LOAD);
    NEXT;
}

TARGET static void store(PARAMS)
{
    float *y = (float *)(uintptr_t)AT(0);

    EIGHT(STORE);
    NEXT;
}

TARGET static void stream(PARAMS)
{
    float *y = (float *)(uintptr_t)AT(0);

    EIGHT(STREAM);
    NEXT;
}

TARGET static void sum(PARAMS)
{
    float *y = (float *)(uintptr_t)AT(0);

    EIGHT(SUM);
    NEXT;
}

TARGET static void ahead(PARAMS)
{
    const char *p = (const char *)AT(0) + l->x[1];

    EIGHT(AHEAD);
    NEXT;
}

TARGET static void end(PARAMS)
{
    (void)l, (void)frame, (void)a0, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6,
        (void)a7;
}

void (*wg__chain_handler(wg_chain_part part))(void)
{
    static link_fn *const by_part[] = { load, store, stream, sum, ahead, end };

    return (void (*)(void))by_part[part];
}

TARGET int64_t wg__chain_run(const wg_chained *c, const void *const *x, int64_t n)
{
    const char *frame[WG_CHAIN_FRAME];
    __m512 o = _mm512_setzero_ps();

    for (int32_t i = 0; i < c->n_frame; i++)
        frame[i] = (const char *)x[c->at[i].ref] + c->at[i].skew;
    for (int32_t i = 0; i < c->n_streams; i++)
        if ((uintptr_t)frame[i] % sizeof o) return 0;
    for (int64_t k = n / WG_CHUNK; k > 0; k--) {
        ((link_fn *)c->link->fn)(c->link, (const void *const *)frame, o, o, o, o, o, o, o, o);
        for (int32_t i = 0; i < c->n_moving; i++) frame[i] += WG_CHUNK * sizeof(float);
    }
    return n / WG_CHUNK * WG_CHUNK;
}

#else

void (*wg__chain_handler(wg_chain_part part))(void)
{
    (void)part;
    return NULL;
}

int64_t wg__chain_run(const wg_chained *c, const void *const *x, int64_t n)
{
    (void)c, (void)x, (void)n;
    return 0;
}

#endif
