/* chain.c: where chains (plan_chain.c) are run, and how. */
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

void wg__chains_map(wg_build *b)
{
    wg_spec *s = b->s;

    s->code = wg__native_map(&b->native, &s->code_bytes);
    for (int64_t i = 0; i < s->n_instr; i++) {
        wg_blocks *k = s->instr[i].as.blocks;

        if (s->instr[i].kind != WG_I_BLOCKS) continue;
        for (int32_t c = 0; c < k->n_chains && s->code; c++)
            k->chain[c].fn = (wg_native_fn *)(uintptr_t)(s->code + k->chain[c].entry);
        if (s->code) continue;
        k->n_chains = 0;
        k->one_chain = false;
    }
}
