/* alloc.c: the one gate all memory of the library goes through. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* The size stands before the block: the gate's release wants it, and 16 bytes keep the
 * alignment. */
enum { HEADER = 16 };

static void *plain_alloc(void *data, size_t bytes)
{
    (void)data;
    return malloc(bytes);
}

static void plain_release(void *data, void *p, size_t bytes)
{
    (void)data;
    (void)bytes;
    free(p);
}

static wg_allocator gate = { plain_alloc, plain_release, NULL };
static atomic_size_t live_bytes;
static atomic_int_least64_t alloc_count;

void wg_set_allocator(const wg_allocator *allocator)
{
    gate = allocator ? *allocator : (wg_allocator){ plain_alloc, plain_release, NULL };
}

void *wg__alloc(size_t bytes)
{
    unsigned char *p;

    if (bytes > SIZE_MAX - HEADER || bytes > PTRDIFF_MAX - HEADER) return NULL;
    atomic_fetch_add_explicit(&alloc_count, 1, memory_order_relaxed);
    p = gate.alloc(gate.data, bytes + HEADER);
    if (!p) return NULL;
    memcpy(p, &bytes, sizeof bytes);
    atomic_fetch_add_explicit(&live_bytes, bytes, memory_order_relaxed);
    return p + HEADER;
}

void *wg__zalloc(size_t bytes)
{
    void *p = wg__alloc(bytes);

    if (p) memset(p, 0, bytes);
    return p;
}

void wg__release(void *p)
{
    unsigned char *block;
    size_t bytes;

    if (!p) return;
    block = (unsigned char *)p - HEADER;
    memcpy(&bytes, block, sizeof bytes);
    atomic_fetch_sub_explicit(&live_bytes, bytes, memory_order_relaxed);
    gate.release(gate.data, block, bytes + HEADER);
}

size_t wg__block_bytes(const void *p)
{
    size_t bytes = 0;

    if (p) memcpy(&bytes, (const unsigned char *)p - HEADER, sizeof bytes);
    return bytes;
}

void *wg_alloc(int64_t n, size_t size)
{
    int64_t bytes;

    return wg__mul(n, (int64_t)size, &bytes) ? wg__zalloc((size_t)bytes) : NULL;
}

char *wg_text_copy(const char *text)
{
    return text ? wg__strdup(text) : NULL;
}

void wg_free(void *p)
{
    wg__release(p);
}

bool wg__mul(int64_t a, int64_t b, int64_t *out)
{
    return a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, out);
}

bool wg__add(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

void *wg__array(int64_t n, size_t size)
{
    int64_t bytes;

    return wg__mul(n, (int64_t)size, &bytes) ? wg__alloc((size_t)bytes) : NULL;
}

void *wg__grow(void *p, int64_t *cap, int64_t need, size_t size)
{
    int64_t more = *cap < 8 ? 8 : *cap;
    void *q;

    if (need <= *cap) return p;
    if (!wg__mul(more, 2, &more)) return NULL;
    if (more < need) more = need;
    q = wg__array(more, size);
    if (!q) return NULL;
    if (p) memcpy(q, p, (size_t)*cap * size);
    wg__release(p);
    *cap = more;
    return q;
}

char *wg__strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = wg__alloc(n);

    if (copy) memcpy(copy, s, n);
    return copy;
}

size_t wg__live_bytes(void)
{
    return atomic_load(&live_bytes);
}

int64_t wg__alloc_count(void)
{
    return atomic_load(&alloc_count);
}
