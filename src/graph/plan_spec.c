/* plan_spec.c: which specialisation runs: by what is fed, the few last used are kept. And the
 * memory they share. */
#define _DEFAULT_SOURCE
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "plan.h"

/* Whether memory that is fed is also memory of a store entry that the plan updates. */
static bool feeds_overlap_store(const wg_plan *p)
{
    for (int64_t i = 0; i < p->n_inputs; i++) {
        uintptr_t lo = (uintptr_t)p->input[i].value.data, hi;
        int64_t a = 0, b = p->n_updates;

        if (!p->input[i].fed) continue;
        hi = lo + (uintptr_t)wg_type_bytes(&p->input[i].value.type);
        while (a < b) { /* the first entry that ends behind lo */
            int64_t mid = a + (b - a) / 2;
            const wg_array *v = &p->by_address[mid]->value;

            if ((uintptr_t)v->data + (uintptr_t)wg_type_bytes(&v->type) > lo) b = mid;
            else a = mid + 1;
        }
        if (a < p->n_updates && (uintptr_t)p->by_address[a]->value.data < hi) return true;
    }
    return false;
}

static bool spec_fits(const wg_plan *p, const wg_spec *s, bool apart)
{
    if (s->apart != apart) return false;
    for (int64_t i = 0; i < p->n_inputs; i++) {
        const wg_plan_input *in = &p->input[i];

        if (in->random && !in->fed) {
            if (s->fed[i].shape.rank != -1) return false;
        } else if (!wg_shape_equal(&s->fed[i].shape, &in->value.type.shape)) {
            return false;
        }
    }
    return true;
}

wg_status wg__plan_reserve(wg_plan *p, size_t bytes)
{
    const size_t huge = (size_t)2 << 20;
    size_t align = bytes >= huge ? huge : WG_ALIGN;
    void *block;

    /* an address even for no bytes: everything is counted from it */
    if (p->arena_block && bytes <= p->arena_bytes) return WG_OK;
    block = bytes <= SIZE_MAX - align ? wg__alloc(bytes + align) : NULL;
    if (!block)
        return wg_fail(&p->error, WG_ENOMEM, "plan_run", "out of memory: the values need %zu bytes",
                       bytes);
    wg__release(p->arena_block);
    p->arena_block = block;
    p->arena = (char *)block + (align - (uintptr_t)block % align);
    p->arena_bytes = bytes;
#ifdef MADV_HUGEPAGE
    /* fewer page faults and lookups; only a wish, so a refusal does not matter */
    if (bytes >= huge) (void)madvise(p->arena, bytes / huge * huge, MADV_HUGEPAGE);
#endif
    return WG_OK;
}

static bool keep_spec(wg_plan *p, wg_spec *s)
{
    int oldest = 0;

    for (int i = 0; i < WG_SPECS; i++) {
        if (!p->spec[i]) {
            oldest = i;
            break;
        }
        if (p->spec[i]->used < p->spec[oldest]->used) oldest = i;
    }
    if (p->now == p->spec[oldest]) p->now = NULL;
    wg__spec_free(p->spec[oldest]);
    p->spec[oldest] = s;
    return true;
}

bool wg__plan_specialise(wg_plan *p, bool examples)
{
    bool apart;
    wg_spec *s = NULL;

    for (int64_t i = 0; i < p->n_inputs && !examples; i++) {
        const wg_tensor *t = p->live[p->input[i].at];

        if (p->input[i].fed || p->input[i].random) continue;
        wg_fail(&p->error, WG_ESTATE, "plan_run",
                "input \"%.80s\" was never fed, %s for example: call wg_plan_feed",
                p->input[i].name, WG_TYPE_STR(t->type));
        wg__blame(&p->error, t);
        return false;
    }
    apart = (p->passes & WG_PASS_IN_PLACE) && feeds_overlap_store(p);
    for (int i = 0; i < WG_SPECS && !s; i++)
        if (p->spec[i] && spec_fits(p, p->spec[i], apart)) s = p->spec[i];
    if (!s) {
        s = wg__spec_build(p, apart, &p->error);
        if (!s) return false;
        keep_spec(p, s);
    }
    s->used = ++p->clock;
    if (s->base != p->arena) wg__spec_rebase(p, s, p->arena);
    p->now = s;
    return true;
}
