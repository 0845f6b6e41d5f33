/*
 * plan_parts.c: entries that lie inside fused steps as the simple ones they are made of. A softmax
 * goes over its line four times, and nothing else can be done meanwhile; its parts run in chains
 * (plan_chain.c) with what stands before and behind them, and their last one writes the result
 * where it belongs.
 *
 * The parts must stand in the plan's list before extents are known: they are put in before each
 * such entry, and never computed where it stays whole.
 */
#include <string.h>

#include "plan.h"

static bool has_parts(const wg_tensor *t)
{
    return wg__more(t->op)->n_parts > 0 && t->type->dtype == WG_F32;
}

/* Part i of t, the parts before which are part[0..i). NULL: out of memory. */
static wg_tensor *make_part(wg_plan *p, const wg_tensor *t, int i, wg_tensor *const *part,
                            int32_t id)
{
    const wg_op_more *more = wg__more(t->op);
    const wg_part *from = &more->parts[i];
    wg_tensor *made = wg__arena_take(&p->mem, sizeof *made + 2 * sizeof *made->in);
    void *attr = from->op->attr_size ? wg__arena_take(&p->mem, from->op->attr_size) : NULL;
    wg_tensor **in = (wg_tensor **)(made + 1);

    if (!made || (from->op->attr_size && !attr)) return NULL;
    if (attr) {
        memset(attr, 0, from->op->attr_size);
        more->part_attr(t->attr, i, attr);
    }
    for (int k = 0; k < from->op->n_in; k++)
        in[k] = from->in[k] == WG_PART_OPERAND ? t->in[0] : part[from->in[k]];
    *made = (wg_tensor){ .graph = t->graph,
                         .op = from->op,
                         .attr = attr,
                         .id = id,
                         .n_in = from->op->n_in,
                         .in = in,
                         .scope = t->scope,
                         .site = t->site,
                         .derived = true };
    return made;
}

static bool put_parts(wg_plan *p, wg_tensor **list, int32_t id)
{
    int64_t n = 0, turned = 0, split = 0;

    for (int64_t i = 0; i < p->n; i++) {
        wg_tensor *t = p->live[i];

        if (turned < p->n_turned && p->turned[turned] == i) p->turned[turned++] = (int32_t)n;
        if (has_parts(t)) {
            int parts = wg__more(t->op)->n_parts;

            p->split[split++] = (wg_whole){ (int32_t)n, (int32_t)n + parts };
            for (int k = 0; k < parts; k++) {
                list[n + k] = make_part(p, t, k, &list[n], id++);
                if (!list[n + k]) return false;
            }
            n += parts;
        }
        list[n++] = t;
    }
    wg__release(p->live);
    p->live = list;
    p->n_own += n - p->n;
    p->n = n;
    return true;
}

bool wg__parts_entries(wg_plan *p)
{
    unsigned needs = WG_PASS_PARTS | WG_PASS_CHAIN | WG_PASS_LINES | WG_PASS_FUSE;
    int64_t n = 0, parts = 0;
    int32_t highest = -1;
    wg_tensor **list;

    if ((p->passes & needs) != needs || p->level < WG_LEVEL_AVX512) return true;
    for (int64_t i = 0; i < p->n; i++) {
        if (p->live[i]->id > highest) highest = p->live[i]->id;
        if (!has_parts(p->live[i])) continue;
        n++;
        parts += wg__more(p->live[i]->op)->n_parts;
    }
    if (n == 0 || parts >= INT32_MAX - highest || parts >= INT32_MAX - p->n) return true;
    p->split = wg__arena_take(&p->mem, (size_t)n * sizeof *p->split);
    list = wg__array(p->n + parts, sizeof *list);
    p->n_split = n;
    if (p->split && list && put_parts(p, list, highest + 1)) return true;
    wg__release(list);
    return false;
}

bool wg__parts_choose(wg_build *b, const wg_whole *s)
{
    const wg_plan *p = b->p;
    const wg_tensor *t = p->live[s->at];
    const wg_type *x = b->type[p->in[p->first[s->at]]];
    int64_t block = p->options.block,
            line = wg__more(t->op)->line(&(wg_sig){ t->op, t->attr, 1, &x, b->error }, x);

    /* a block of the step is one line, or chains would not make its sums */
    if (line < WG_CHUNK || 2 * line <= block || line > WG_LINE_BLOCKS * block ||
        wg__elements(x) <= line)
        return false;
    b->canon[s->at] = s->at - 1;
    b->s->stats.split++;
    return true;
}
