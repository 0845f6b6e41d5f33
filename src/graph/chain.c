/* chain.c: where chains (plan_chain.c) are run, and how. */
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "plan.h"

/* ---- sums, in the order of vec.h ---- */

/* The sums of 2^k blocks that wait for their right halves, where bit k of the number of blocks is
 * set. */
struct tree {
    float part[48];
};

#ifdef __x86_64__
/* The upper half onto the lower, until one is left. */
__attribute__((target("avx512f,avx512dq"))) static float lanes_total(const float *lane)
{
    __m512 all = _mm512_load_ps(lane);
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));

    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
#else /* there are no chains */
static float lanes_total(const float *lane)
{
    return lane[0];
}
#endif

static void tree_add(struct tree *t, int64_t blocks, float sum)
{
    int k = 0;

    for (; blocks >> k & 1; k++) sum = t->part[k] + sum;
    t->part[k] = sum;
}

static float tree_total(const struct tree *t, int64_t blocks)
{
    int k = 0;
    float sum;

    while (!(blocks >> k & 1)) k++;
    sum = t->part[k];
    for (k++; blocks >> k; k++)
        if (blocks >> k & 1) sum = t->part[k] + sum;
    return sum;
}

/* ---- in a run ---- */

static void call(const wg_chained *c, const void *const *frame, wg_native_memory *memory,
                 int64_t first, int64_t end)
{
    int64_t vectors = end - (end - first) % 16,
            groups = vectors - (vectors - first) % (16 * c->group);

    c->fn(frame, groups, vectors, memory, ((uint64_t)1 << (end - vectors)) - 1, first);
}

/* The sums of a line, blocks one after the other. */
static void run_line(const wg_chained *c, const void *const *frame, wg_native_memory *memory,
                     const void *const *x, int64_t n)
{
    struct tree tree[WG_NATIVE_SUMS];
    int64_t blocks = 0;

    for (int64_t first = 0; first < n; first += WG_SUM_BLOCK, blocks++) {
        call(c, frame, memory, first, n - first < WG_SUM_BLOCK ? n : first + WG_SUM_BLOCK);
        for (int32_t i = 0; i < c->n_sums; i++)
            tree_add(&tree[i], blocks, lanes_total(memory->sum[i]));
    }
    for (int32_t i = 0; i < c->n_sums; i++)
        *(float *)(uintptr_t)x[c->ref[c->n_frame + i]] = tree_total(&tree[i], blocks);
}

bool wg__chain_run(const wg_chained *c, const void *const *x, int64_t n)
{
    const void *frame[WG_CHAIN_FRAME];
    wg_native_memory memory;

    for (int32_t i = 0; i < c->n_frame; i++) frame[i] = x[c->ref[i]];
    for (int32_t i = 0; i < c->n_streams; i++)
        if ((uintptr_t)frame[i] % 64) return false;
    if (c->n_sums > 0) run_line(c, frame, &memory, x, n);
    else call(c, frame, &memory, 0, n);
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
