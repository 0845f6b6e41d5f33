/* arena.c: bump allocation for what lives and dies with its graph. */
#include <string.h>

#include "internal.h"

#ifndef WG_ARENA_PAGE
#define WG_ARENA_PAGE 1024
#endif

enum { ALIGN = 16, LARGEST_PAGE = 1 << 20 };

struct wg_page {
    wg_page *below;
    size_t used, size;
    _Alignas(ALIGN) unsigned char bytes[];
};

void wg__arena_init(wg_arena *a)
{
    a->page = NULL;
    a->page_bytes = WG_ARENA_PAGE;
}

void *wg__arena_take(wg_arena *a, size_t bytes)
{
    wg_page *page = a->page;
    void *p;

    if (bytes > PTRDIFF_MAX - sizeof(wg_page) - ALIGN) return NULL;
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (!page || page->size - page->used < bytes) {
        size_t size = bytes > a->page_bytes ? bytes : a->page_bytes;

        page = wg__alloc(sizeof *page + size);
        if (!page) return NULL;
        page->below = a->page;
        page->used = 0;
        page->size = size;
        a->page = page;
        if (a->page_bytes < LARGEST_PAGE) a->page_bytes *= 2;
    }
    p = page->bytes + page->used;
    page->used += bytes;
    return p;
}

char *wg__arena_text(wg_arena *a, const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = wg__arena_take(a, n);

    if (copy) memcpy(copy, s, n);
    return copy;
}

size_t wg__arena_bytes(const wg_arena *a)
{
    size_t bytes = 0;

    for (const wg_page *p = a->page; p; p = p->below) bytes += wg__block_bytes(p);
    return bytes;
}

void wg__arena_free(wg_arena *a)
{
    while (a->page) {
        wg_page *below = a->page->below;

        wg__release(a->page);
        a->page = below;
    }
}
