/*
 * plan_turn.c: matrices that many small products read transposed, as the weights of a recurrent
 * layer in its gradient, are transposed once. A product that reads its right side against the rows
 * packs it first; where few rows meet it, that is a fifth of its time, and the next step of the
 * sequence does it again.
 *
 * The entry that transposes must stand in the plan's list before extents are known, so one is put
 * in for every value that may want it; those that are not needed are never computed.
 */
#include <string.h>

#include "plan.h"

enum { READERS = 4 }; /* least number of them */

/* The record that turns operand k of t, for example extents; NULL: it is read as it lies. */
static const wg_op *turn_of(const wg_tensor *t, int k, const wg_type **tx, const void **attr)
{
    wg_error error = { .code = WG_OK };

    for (int i = 0; i < t->n_in; i++) tx[i] = t->in[i]->type;
    return wg__more(t->op)->turns(&(wg_sig){ t->op, t->attr, t->n_in, tx, &error }, t->type, k,
                                  attr);
}

/* ---- entries that transpose ---- */

struct turns {
    wg_plan *p;
    int32_t *readers; /* by id */
    const wg_type *tx[WG_TURN_OPERANDS];
};

static bool has_turns(const wg_tensor *t)
{
    return wg__more(t->op)->turns && t->n_in <= WG_TURN_OPERANDS;
}

/* Counts readers, or with `list` writes entries there, each before its first reader. */
static int64_t walk(struct turns *s, int32_t id, wg_tensor **list)
{
    wg_plan *p = s->p;
    int64_t n = 0, made = 0;

    for (int64_t i = 0; i < p->n; i++) {
        wg_tensor *t = p->live[i];

        for (int k = 0; has_turns(t) && k < t->n_in; k++) {
            int32_t *readers = &s->readers[t->in[k]->id];
            const void *attr = NULL;
            const wg_op *op = turn_of(t, k, s->tx, &attr);
            wg_tensor *turned;

            if (!op) continue;
            if (!list) {
                made += ++*readers == READERS;
                continue;
            }
            if (*readers < READERS) continue;
            *readers = 0;
            turned = wg__arena_take(&p->mem, sizeof *turned + sizeof *turned->in);
            if (!turned) return -1;
            *turned = (wg_tensor){ .graph = t->graph,
                                   .op = op,
                                   .attr = attr,
                                   .id = id++,
                                   .n_in = 1,
                                   .in = (wg_tensor *const *)(turned + 1),
                                   .scope = t->in[k]->scope,
                                   .site = t->in[k]->site,
                                   .derived = true };
            memcpy(turned + 1, &t->in[k], sizeof *turned->in);
            p->turned[p->n_turned++] = (int32_t)n;
            list[n++] = turned;
        }
        if (list) list[n++] = t;
    }
    return list ? n : made;
}

bool wg__turn_entries(wg_plan *p)
{
    struct turns s = { .p = p };
    int32_t highest = -1;
    int64_t made = 0, any = 0;
    wg_tensor **list = NULL;
    bool ok = true;

    if (!(p->passes & WG_PASS_TURN)) return true;
    for (int64_t i = 0; i < p->n; i++) {
        if (p->live[i]->id > highest) highest = p->live[i]->id;
        any += has_turns(p->live[i]);
    }
    if (any < READERS) return true;
    s.readers = wg__zalloc(((size_t)highest + 1) * sizeof *s.readers);
    if (!s.readers) return false;
    made = walk(&s, 0, NULL);
    if (made > 0 && made < INT32_MAX - highest && made < INT32_MAX - p->n) {
        p->turned = wg__arena_take(&p->mem, (size_t)made * sizeof *p->turned);
        list = wg__array(p->n + made, sizeof *list);
        made = p->turned && list ? walk(&s, highest + 1, list) : -1;
        ok = made >= 0;
    }
    wg__release(s.readers);
    if (!ok || !list) {
        wg__release(list);
        return ok;
    }
    wg__release(p->live);
    p->live = list;
    p->n_own += made - p->n;
    p->n = made;
    return true;
}

/* ---- readers ---- */

/* Whether operand k of entry e is better read turned. */
static bool is_reader(const wg_build *b, int32_t e, int k)
{
    const wg_plan *p = b->p;
    const wg_op *op = wg__op_at(b, e);
    const void *attr;

    for (int i = 0; i < wg__n_in(p, e); i++) b->tx[i] = b->type[b->in[p->first[e] + i]];
    return wg__more(op)->turns(&(wg_sig){ op, b->attr[e], wg__n_in(p, e), b->tx, b->error },
                               b->type[e], k, &attr) != NULL;
}

/* Operand k of e becomes t, which transposes it. false: out of memory. */
static bool turn(wg_build *b, int32_t e, int k, int32_t t)
{
    const wg_op *op = wg__op_at(b, e);
    void *attr = wg__arena_take(&b->s->mem, op->attr_size);

    if (!attr) return false;
    memcpy(attr, b->attr[e], op->attr_size);
    if (!wg__more(op)->absorb(attr, k, wg__op_at(b, t), b->attr[t],
                              b->type[b->in[b->p->first[t]]]->shape.rank))
        return true;
    b->attr[e] = attr;
    b->in[b->p->first[e] + k] = t;
    b->mark[t] |= WG_NEEDED;
    b->s->stats.turned++;
    return true;
}

bool wg__plan_turn(wg_build *b)
{
    const wg_plan *p = b->p;
    int32_t *readers, *by;
    bool ok;

    if (p->n_turned == 0) return true;
    readers = wg__zalloc((size_t)p->n * sizeof *readers);
    by = wg__array(p->n, sizeof *by); /* by operand: what transposes it, -1 */
    ok = readers && by;
    for (int64_t i = 0; i < p->n && ok; i++) by[i] = -1;
    for (int64_t i = p->n_turned; i-- > 0 && ok;)
        by[b->in[p->first[p->turned[i]]]] = p->turned[i];
    for (int change = 0; change < 2; change++)
        for (int32_t e = 0; e < p->n && ok; e++) {
            const wg_op *op = wg__op_at(b, e);

            if (!wg__more(op)->turns || !wg__computed(b, e) || wg__n_in(p, e) > WG_TURN_OPERANDS)
                continue;
            for (int k = 0; k < wg__n_in(p, e) && ok; k++) {
                int32_t in = b->in[p->first[e] + k], t = wg__lends_type(op, k) ? -1 : by[in];

                if (t < 0 || t > e || !is_reader(b, e, k)) continue;
                if (!change) readers[in]++;
                else if (readers[in] >= READERS) ok = turn(b, e, k, t);
            }
        }
    wg__release(readers);
    wg__release(by);
    if (!ok) wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
    return ok;
}
