/*
 * plan_run.c: a run is a loop over instructions; then the commits, which cannot fail. Everything
 * that can fail comes before the first byte of the store is written.
 */
#define _POSIX_C_SOURCE 199309L
#include <string.h>
#include <time.h>

#include "plan.h"

/* ---- spreading an operand ---- */

#define FILL(T)                                                                                    \
    do {                                                                                           \
        T v = *(const T *)from, *y = to;                                                           \
        for (int64_t i = 0; i < n; i++) y[i] = v;                                                  \
    } while (0)

/* n elements of a run that is copied (step 1) or repeated (step 0). */
static void run_out(int size, int64_t step, const void *from, int64_t n, void *to)
{
    if (step) memcpy(to, from, (size_t)n * (size_t)size);
    else if (size == 4) FILL(uint32_t);
    else if (size == 8) FILL(uint64_t);
    else memset(to, *(const unsigned char *)from, (size_t)n);
}
#undef FILL

/* Elements first..first + n - 1 of the result's order. The last axis of a dense operand has stride
 * 0 or 1. */
void wg__spread(const wg_spread *how, const void *from, int64_t first, int64_t n, void *to)
{
    int last = how->rank - 1;
    int64_t index[WG_MAX_RANK], at = 0, rest = first;
    char *y = to;

    if (n <= 0) return;
    for (int i = last; i >= 0; i--) {
        index[i] = rest % how->dim[i];
        rest /= how->dim[i];
        at += index[i] * how->stride[i];
    }
    while (n > 0) {
        int64_t run = how->dim[last] - index[last];

        if (run > n) run = n;
        run_out(how->size, how->stride[last], (const char *)from + at * how->size, run, y);
        y += run * how->size;
        n -= run;
        if (n == 0) break;
        at -= index[last] * how->stride[last];
        index[last] = 0;
        for (int i = last - 1; i >= 0; i--) {
            at += how->stride[i];
            if (++index[i] < how->dim[i]) break;
            at -= index[i] * how->stride[i];
            index[i] = 0;
        }
    }
}

/* ---- block by block ---- */

/* The operand's elements for a block: in place where they lie in a row, else in the buffer. */
static const void *spread_block(const wg_spread_use *u, char *memory, int64_t first, int64_t n)
{
    const wg_spread *how = u->how;
    int last = how->rank - 1;
    int64_t inner = how->dim[last];

    if (u->local < 0) return (const char *)u->from + first / inner * how->size;
    if (how->period > 0) return memory + u->local + first % how->period * how->size;
    if (how->rank == 2 && how->stride[0] == 0 && how->stride[1] == 1 && first % inner + n <= inner)
        return (const char *)u->from + first % inner * how->size;
    wg__spread(how, u->from, first, n, memory + u->local);
    return memory + u->local;
}

/* A period as often as it takes, so that a block may begin anywhere in it. */
static void repeat(const wg_spread_use *u, int64_t block, char *memory)
{
    int64_t bytes = (u->how->period + block) * u->how->size, have = u->how->period * u->how->size;
    char *y = memory + u->local;

    memcpy(y, u->from, (size_t)have);
    for (; have < bytes; have *= 2)
        memcpy(y + have, y, (size_t)(bytes - have < have ? bytes - have : have));
}

/* Lines of the next block, asked for a few at a time while this one is worked on: all at once they
 * would wait for one another. */
struct ahead {
    const wg_blocks *k;
    const void *const *x;
    int64_t n, share; /* elements of the block; lines at a time */
    int32_t next;     /* of k->ahead */
    const char *at, *end;
};

static struct ahead look_ahead(const wg_blocks *k, const void *const *x, int64_t n)
{
    struct ahead a = { k, x, n, 0, 0, NULL, NULL };
    int64_t bytes = 0;

    for (int32_t i = 0; i < k->n_ahead; i++) bytes += k->ref[k->ahead[i]].stride * n;
    if (k->n_asks > 0) a.share = (bytes / WG_ALIGN + k->n_ahead) / k->n_asks + 1;
    return a;
}

static inline void ask(struct ahead *a)
{
    for (int64_t i = 0; i < a->share; i++, a->at += WG_ALIGN) {
        if (a->at >= a->end) {
            int32_t ref;
            int64_t bytes;

            if (a->next == a->k->n_ahead) return;
            ref = a->k->ahead[a->next++];
            bytes = a->k->ref[ref].stride * a->n;
            a->at = (const char *)a->x[ref] + bytes;
            a->end = a->at + bytes;
            a->at -= (uintptr_t)a->at % WG_ALIGN; /* or the last line would be left out */
        }
        __builtin_prefetch(a->at, 0, 2);
    }
}

static void run_member(const wg_blocks *k, const wg_member *m, int64_t n, const void *const *x,
                       const void *y, const void *past)
{
    m->row(m->attr, n, x, m->step, (void *)(uintptr_t)y);
    if (m->stream) k->past((void *)(uintptr_t)past, y, (size_t)(n * m->stream));
}

/* The pointers go on to the next block. */
static inline void move(const wg_blocks *k, const void **x, int64_t n, int64_t lines)
{
    const wg_moving *m = k->moving, *end = m + k->n_moving;

    if (n == k->block)
        for (; m < end; m++) x[m->ref] = (const char *)x[m->ref] + m->block;
    else
        for (; m < end; m++)
            x[m->ref] = (const char *)x[m->ref] + m->stride * (m->narrow ? lines : n);
}

/* Elements lo..hi-1, which begin with a unit. */
static void run_range(const wg_blocks *k, char *memory, int64_t lo, int64_t hi)
{
    const void **x = (const void **)(void *)(memory + k->pointers_at), **spread = x + k->n_refs;
    int64_t lines = 0;

    for (int32_t i = 0; i < k->n_refs; i++) {
        const wg_ref *r = &k->ref[i];

        x[i] = r->local >= 0 ? memory + r->local
               : r->base     ? (const char *)r->base + (r->narrow ? lo / k->line : lo) * r->stride
                             : NULL;
    }
    if (k->one_chain && wg__chain_run(k->chain, x, hi - lo)) lo = hi;
    for (int64_t n; lo < hi; lo += n) {
        n = hi - lo < k->block ? hi - lo : k->block;
        if (k->row > 0 && n > k->row - lo % k->row) n = k->row - lo % k->row;
        for (int32_t i = 0; i < k->n_uses; i++) spread[i] = spread_block(&k->use[i], memory, lo, n);
        for (int32_t i = 0; i < k->n_pairs; i++) x[k->pair[i].ref] = spread[k->pair[i].use];
        struct ahead a = look_ahead(k, x, lo + n < hi ? n : 0);
        if (k->line > 0) lines = n / k->line;
        if (k->n_columns > 0) wg__columns_move(k, memory, x, lo);
        for (int32_t i = 0, chain = 0; i < k->n_members; i++) {
            const wg_member *m = &k->member[i];
            const void *const *y = x + m->first + m->n;

            if (chain < k->n_chains && k->chain[chain].first == i) {
                const wg_chained *c = &k->chain[chain++];

                if (wg__chain_run(c, x, n)) {
                    i += c->n - 1;
                    continue;
                }
            }
            if (!m->narrow) ask(&a);
            run_member(k, m, m->narrow ? lines : n, x + m->first, y[0], y[m->stream > 0]);
        }
        move(k, x, n, lines);
        if (k->n_columns > 0) wg__columns_flush(k, memory, lo + n);
    }
    if (k->streams) wg__stream_end();
}

static void prepare(const wg_blocks *k, char *memory)
{
    for (int32_t i = 0; i < k->n_uses; i++)
        if (k->use[i].how->period > 0) repeat(&k->use[i], k->block, memory);
    wg__columns_begin(k, memory);
}

struct sliced {
    const wg_blocks *k;
    bool ready[WG_MOST_THREADS];
};

static void run_slice(void *arg, int worker, int64_t lo, int64_t hi)
{
    struct sliced *s = arg;
    char *memory = s->k->memory + (size_t)worker * s->k->slice_bytes;

    if (!s->ready[worker]) prepare(s->k, memory);
    s->ready[worker] = true;
    run_range(s->k, memory, lo, hi);
}

static void run_blocks(const wg_blocks *k)
{
    if (k->slices > 1) {
        struct sliced s = { k, { false } };

        wg_parallel_workers(k->slices, k->count, k->unit, run_slice, &s);
    } else {
        prepare(k, k->memory);
        run_range(k, k->memory, 0, k->count);
    }
    if (k->n_columns > 0) wg__columns_end(k);
}

/* ---- the loops ---- */

static void commit(const wg_spec *s)
{
    for (int64_t i = 0; i < s->n_commits; i++) {
        const wg_commit *c = &s->commit[i];

        /* most entries of an optimiser's state are one number */
        if (c->bytes == 8) memcpy(c->to, c->from, 8);
        else if (c->bytes == 4) memcpy(c->to, c->from, 4);
        else memcpy(c->to, c->from, c->bytes);
    }
}

static inline void run_instr(wg_instr *i)
{
    switch (i->kind) {
    case WG_I_ROW:
        i->as.row.fn(i->as.row.attr, i->as.row.n, i->as.row.x, i->as.row.step, i->as.row.y);
        break;
    case WG_I_EVAL:
        i->as.eval.fn(i->as.eval.call);
        break;
    case WG_I_BLOCKS:
        run_blocks(i->as.blocks);
        break;
    case WG_I_SPREAD:
        wg__spread(i->as.spread.how, i->as.spread.from, 0, i->as.spread.n, i->as.spread.to);
        break;
    case WG_I_COPY:
        if (i->as.copy.bytes > 0) memcpy(i->as.copy.to, i->as.copy.from, i->as.copy.bytes);
        break;
    }
}

static wg_status refused(wg_plan *p, const wg_instr *i)
{
    wg__blame(&p->error, p->live[i->entry]);
    return p->error.code;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct lanes {
    const wg_plan *p;
    wg_spec *s;
    const wg_bundle *u;
    wg_instr *refused[2];
};

static void run_lane(struct lanes *l, int lane)
{
    wg_instr *i = &l->s->instr[lane ? l->u->split : l->u->first],
             *end = &l->s->instr[lane ? l->u->end : l->u->split];

    for (; i < end; i++) {
        run_instr(i);
        if (l->s->lane_error[lane].code == WG_OK) continue;
        l->refused[lane] = i;
        return;
    }
}

/* One thread takes the second lane first: what a lane owes to the other would show. */
static void run_lanes(void *arg, int64_t lo, int64_t hi)
{
    while (hi-- > lo) run_lane(arg, (int)hi);
}

/* The error of a lane becomes the plan's: when both have one, that of the earlier entry. */
static wg_status lanes_refused(wg_plan *p, wg_spec *s, wg_instr *const *i)
{
    int w = !i[0] || (i[1] && i[1]->entry < i[0]->entry);

    if (!i[w]) return WG_OK;
    p->error = s->lane_error[w];
    s->lane_error[0] = s->lane_error[1] = (wg_error){ .code = WG_OK };
    return refused(p, i[w]);
}

static wg_status run_bundle(wg_plan *p, wg_spec *s, const wg_bundle *u)
{
    struct lanes l = { p, s, u, { NULL, NULL } };

    wg_parallel(2, 2, 1, run_lanes, &l);
    return lanes_refused(p, s, l.refused);
}

/* With the options check and timing. */
static wg_status run_watched(wg_plan *p, wg_spec *s)
{
    double start = now(), last = start;
    int32_t leaf = 0;

    for (int64_t k = 0; k < s->n_instr; k++) {
        wg_instr *i = &s->instr[k];

        run_instr(i);
        for (int w = 0; w < 2; w++)
            if (s->lane_error[w].code != WG_OK)
                return lanes_refused(p, s, (wg_instr *[]){ w ? NULL : i, w ? i : NULL });
        if (p->error.code != WG_OK) return refused(p, i);
        if (p->options.check && i->kind != WG_I_COPY && i->kind != WG_I_SPREAD &&
            !wg__check_finite(p, s, &leaf, i->entry))
            return p->error.code;
        if (s->seconds) {
            double t = now();

            s->seconds[k] += t - last;
            last = t;
        }
    }
    if (p->options.check && !wg__check_finite(p, s, &leaf, (int32_t)p->n)) return p->error.code;
    commit(s);
    p->seconds += now() - start;
    return WG_OK;
}

wg_status wg__spec_run(wg_plan *p, wg_spec *s)
{
    wg_instr *i = s->instr;

    if (p->options.check || s->seconds) return run_watched(p, s);
    for (int64_t k = 0; k <= s->n_bundles; k++) {
        wg_instr *end = &s->instr[k < s->n_bundles ? s->bundle[k].first : s->n_instr];

        for (; i < end; i++) {
            run_instr(i);
            if (p->error.code != WG_OK) return refused(p, i);
        }
        if (k == s->n_bundles) break;
        if (run_bundle(p, s, &s->bundle[k]) != WG_OK) return p->error.code;
        i = &s->instr[s->bundle[k].end];
    }
    commit(s);
    return WG_OK;
}

/* ---- pointers ---- */

void wg__spec_bind(wg_plan *p, wg_spec *s)
{
    for (int64_t i = 0; i < p->n_inputs; i++) {
        const void *data = p->input[i].value.data;

        if (!p->input[i].fed || s->bound[i] == data) continue;
        for (int64_t k = s->patch_first[i]; k < s->patch_first[i + 1]; k++) *s->patch[k] = data;
        s->bound[i] = data;
    }
}

struct shift {
    uintptr_t lo, hi;
    char *base;
};

static void *shifted(const struct shift *s, const void *p)
{
    uintptr_t a = (uintptr_t)p;

    return a >= s->lo && a < s->hi ? s->base + (a - s->lo) : (void *)a;
}

static void shift_instr(const wg_plan *p, const struct shift *s, wg_instr *i)
{
    switch (i->kind) {
    case WG_I_ROW:
        for (int k = 0; k < p->live[i->entry]->n_in; k++)
            i->as.row.x[k] = shifted(s, i->as.row.x[k]);
        i->as.row.y = shifted(s, i->as.row.y);
        break;
    case WG_I_EVAL: {
        wg_call *c = i->as.eval.call;
        const void **x = (const void **)(uintptr_t)c->x;

        for (int k = 0; k < c->n_in; k++) x[k] = shifted(s, x[k]);
        c->y = shifted(s, c->y);
        c->scratch = shifted(s, c->scratch);
        break;
    }
    case WG_I_BLOCKS: {
        wg_blocks *b = i->as.blocks;

        for (int32_t k = 0; k < b->n_refs; k++) b->ref[k].base = shifted(s, b->ref[k].base);
        for (int32_t k = 0; k < b->n_uses; k++) b->use[k].from = shifted(s, b->use[k].from);
        b->memory = shifted(s, b->memory);
        break;
    }
    case WG_I_SPREAD:
        i->as.spread.from = shifted(s, i->as.spread.from);
        i->as.spread.to = shifted(s, i->as.spread.to);
        break;
    case WG_I_COPY:
        i->as.copy.from = shifted(s, i->as.copy.from);
        i->as.copy.to = shifted(s, i->as.copy.to);
        break;
    }
}

void wg__spec_rebase(wg_plan *p, wg_spec *s, char *base)
{
    struct shift by = { (uintptr_t)s->base, (uintptr_t)s->base + s->arena_bytes, base };

    for (int64_t i = 0; i < s->n_instr; i++) shift_instr(p, &by, &s->instr[i]);
    for (int64_t i = 0; i < s->n_commits; i++) s->commit[i].from = shifted(&by, s->commit[i].from);
    for (int64_t i = 0; i < p->n_outputs; i++) s->output[i].data = shifted(&by, s->output[i].data);
    for (int64_t i = 0; s->value && i < p->n; i++)
        s->value[i].data = shifted(&by, s->value[i].data);
    s->base = base;
}
