/* chain.c: runs chains (plan_chain.c). */
#include "plan.h"

bool wg__chain_run(const wg_chained *c, const void *const *x, int64_t n)
{
    const void *frame[WG_CHAIN_FRAME];
    _Alignas(64) char spill[WG_NATIVE_SPILLS * 64];
    int64_t vectors = n / 16 * 16;

    for (int32_t i = 0; i < c->n_frame; i++) frame[i] = x[c->ref[i]];
    for (int32_t i = 0; i < c->n_streams; i++)
        if ((uintptr_t)frame[i] % 64) return false;
    c->fn(frame, vectors - vectors % (16 * c->group), vectors, spill,
          ((uint64_t)1 << (n - vectors)) - 1);
    return true;
}
