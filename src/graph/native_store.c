/*
 * native_store.c: machine code while a plan is compiled, and where it is run. Chains of equal steps
 * share theirs: the steps of a recurrent layer, layers of one kind. Memory is never writable and
 * executable at once.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <string.h>

#if defined(__x86_64__) && defined(__unix__) && !defined(WG_PLAIN_ONLY)
#include <sys/mman.h>
#define MAPS 1
#else
#define MAPS 0
#endif

#include "native.h"

/* What was asked for, and what it became; group 0: nothing. */
struct wg_native_known {
    wg_native steps; /* on the heap: constants behind steps */
    wg_native_code made;
};

enum { ALIGN = 64 };

struct wanted {
    const wg_native_store *s;
    const wg_native *n;
};

static bool same(const void *context, int64_t value)
{
    const struct wanted *w = context;
    const wg_native *x = &w->s->known[value].steps, *y = w->n;

    return x->n_steps == y->n_steps && x->n_constants == y->n_constants &&
           x->n_pointers == y->n_pointers && x->n_sums == y->n_sums &&
           memcmp(x->step, y->step, (size_t)x->n_steps * sizeof *x->step) == 0 &&
           memcmp(x->constant, y->constant, (size_t)x->n_constants * sizeof *x->constant) == 0;
}

static bool keep(wg_native_store *s, const wg_native *n, uint64_t hash)
{
    size_t steps = (size_t)n->n_steps * sizeof *n->step;
    size_t constants = (size_t)n->n_constants * sizeof *n->constant;
    struct wg_native_known *known = wg__grow(s->known, &s->cap, s->n_known + 1, sizeof *known);
    wg_native_step *copy;

    if (!known) return false;
    s->known = known;
    copy = wg__alloc(steps + constants);
    if (!copy) return false;
    memcpy(copy, n->step, steps);
    memcpy((char *)copy + steps, n->constant, constants);
    known += s->n_known;
    known->steps = *n;
    known->steps.step = copy;
    known->steps.constant = (const uint32_t *)(const void *)((const char *)copy + steps);
    known->made = (wg_native_code){ 0 };
    s->n_known++;
    return wg__hash_add(&s->by_steps, hash, s->n_known - 1);
}

/* The code at the end of what there is; false: none. */
static bool make(wg_native_store *s, const wg_native *n, wg_native_code *c)
{
    int64_t at = (s->n + ALIGN - 1) / ALIGN * ALIGN;
    uint8_t *code;

    for (int64_t want = at + 4096;; want = at + (int64_t)c->bytes) {
        code = wg__grow(s->code, &s->room, want, 1);
        if (!code) return false;
        s->code = code;
        if (!wg__native_make(n, code + at, (size_t)(s->room - at), c)) return false;
        if (c->bytes <= (size_t)(s->room - at)) break;
    }
    memset(code + s->n, 0xcc, (size_t)(at - s->n)); /* traps, should anything ever go there */
    s->n = at + (int64_t)c->bytes;
    c->entry += (size_t)at;
    return true;
}

bool wg__native_add(wg_native_store *s, const wg_native *n, wg_native_code *c)
{
    uint64_t hash = wg__hash_bytes(0, n->step, (size_t)n->n_steps * sizeof *n->step);
    int64_t at;

    hash = wg__hash_bytes(hash, n->constant, (size_t)n->n_constants * sizeof *n->constant);
    at = wg__hash_find(&s->by_steps, hash, same, &(struct wanted){ s, n });

    if (at < 0) {
        if (!keep(s, n, hash)) return false;
        at = s->n_known - 1;
        if (!make(s, n, &s->known[at].made)) s->known[at].made.group = 0;
    }
    *c = s->known[at].made;
    return c->group > 0;
}

uint8_t *wg__native_map(const wg_native_store *s, size_t *bytes)
{
#if MAPS
    if (s->n > 0) {
        size_t size = (size_t)s->n;
        void *code = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (code == MAP_FAILED) return NULL;
        memcpy(code, s->code, size);
        *bytes = size;
        if (mprotect(code, size, PROT_READ | PROT_EXEC) == 0) return code;
        munmap(code, size);
    }
#endif
    (void)s, (void)bytes;
    return NULL;
}

void wg__native_unmap(uint8_t *code, size_t bytes)
{
#if MAPS
    if (code) munmap(code, bytes);
#endif
    (void)code, (void)bytes;
}

void wg__native_release(wg_native_store *s)
{
    for (int64_t i = 0; i < s->n_known; i++) wg__release((void *)(uintptr_t)s->known[i].steps.step);
    wg__release(s->known);
    wg__release(s->code);
    wg__hash_free(&s->by_steps);
}
