/* plan_build.c: from what is fed to a specialisation: types inferred again, then the passes in
 * their order. */
#include <string.h>

#include "plan.h"

struct same_type {
    const wg_build *b;
    const wg_type *type;
};

static bool same_type(const void *context, int64_t i)
{
    const struct same_type *c = context;

    return wg_type_equal(c->type, c->b->type_list[i]);
}

const wg_type *wg__build_type(wg_build *b, const wg_type *type)
{
    uint64_t key = wg__hash_bytes((uint64_t)type->dtype + 1, type->shape.dim,
                                  (size_t)type->shape.rank * sizeof *type->shape.dim);
    int64_t at = wg__hash_find(&b->types, key, same_type, &(struct same_type){ b, type });
    const wg_type **list;
    wg_type *own;

    if (at >= 0) return b->type_list[at];
    list = wg__grow(b->type_list, &b->types_cap, b->n_types + 1, sizeof *list);
    if (!list) return NULL;
    b->type_list = list;
    own = wg__arena_take(&b->s->mem, sizeof *own);
    if (!own || !wg__hash_add(&b->types, key, b->n_types)) return NULL;
    *own = (wg_type){ type->dtype, { type->shape.rank, { 0 } } };
    for (int i = 0; i < type->shape.rank; i++) own->shape.dim[i] = type->shape.dim[i];
    list[b->n_types++] = own;
    return own;
}

static bool no_memory(wg_build *b)
{
    wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
    return false;
}

/* The type that was recorded is not read: extents are a function of what is fed. */
static bool infer_entry(wg_build *b, int32_t e, const wg_type **in, wg_type *out)
{
    const wg_plan *p = b->p;
    const wg_tensor *t = p->live[e];

    for (int k = 0; k < t->n_in; k++) in[k] = b->type[p->in[p->first[e] + k]];
    if (wg__infer(t->op, t->attr, t->n_in, in, out, b->error)) return true;
    wg__blame(b->error, t);
    return false;
}

static bool infer_types(wg_build *b)
{
    const wg_plan *p = b->p;
    int64_t input = 0, split = 0;
    const wg_type **in = b->tx;
    bool ok = true;

    for (int32_t e = 0; e < p->n && ok; e++) {
        const wg_tensor *t;
        const wg_plan_input *fed = NULL;
        wg_type type;

        if (split < p->n_split && p->split[split].first == e) {
            const wg_whole *s = &p->split[split++];

            /* with these extents there may be no parts */
            for (bool whole = !wg__parts_choose(b, s); whole && e < s->at; e++)
                b->type[e] = b->type[p->in[p->first[s->at]]];
        }
        t = p->live[e];
        if (t->op->flags & (WG_OP_FEED | WG_OP_RANDOM)) fed = &p->input[input++];
        if (t->op->flags & WG_OP_FEED) type = fed->value.type;
        else ok = infer_entry(b, e, in, &type);
        if (ok && fed && fed->random && fed->fed && !wg_type_equal(&type, &fed->value.type)) {
            wg_fail(b->error, WG_ESHAPE, "plan_run", "draw \"%.80s\" is %s here: fed %s", fed->name,
                    WG_TYPE_STR(&type), WG_TYPE_STR(&fed->value.type));
            wg__blame(b->error, t);
            ok = false;
        }
        if (!ok) break;
        /* most entries have the type of their first operand */
        if (t->n_in > 0 && wg_type_equal(&type, in[0])) b->type[e] = in[0];
        else b->type[e] = wg__build_type(b, &type);
        if (!b->type[e]) ok = no_memory(b);
    }
    return ok;
}

/* The store entry's extents do not change; those of the value may. */
static bool check_updates(wg_build *b)
{
    const wg_plan *p = b->p;

    for (int64_t i = 0; i < p->n_updates; i++) {
        int32_t e = p->root[p->n_outputs + i];
        const wg_type *have = &p->updated[i]->value.type;

        if (wg_type_equal(b->type[e], have)) continue;
        wg_fail(b->error, WG_ESHAPE, "plan_run", "update of \"%.80s\", which is %s, with %s",
                p->updated[i]->name, WG_TYPE_STR(have), WG_TYPE_STR(b->type[e]));
        wg__blame(b->error, p->live[e]);
        return false;
    }
    return true;
}

bool wg__build_reorder(wg_build *b, const int32_t *order, int32_t n)
{
    int32_t *first = wg__array((int64_t)b->n_steps + 1, sizeof *first);
    int32_t *member = wg__array(b->p->n, sizeof *member), *to = wg__array(b->n_steps, sizeof *to);
    wg_step_shape *shape = wg__array(b->n_steps, sizeof *shape);
    bool ok = first && member && to && shape;

    if (ok) {
        first[0] = 0;
        for (int32_t k = 0; k < b->n_steps; k++) {
            int32_t from = k < n ? order[k] : k, m = b->first_member[from];

            to[from] = k;
            shape[k] = b->shape[from];
            first[k + 1] = first[k];
            while (m < b->first_member[from + 1]) member[first[k + 1]++] = b->member[m++];
        }
        memcpy(b->first_member, first, ((size_t)b->n_steps + 1) * sizeof *first);
        memcpy(b->member, member, (size_t)first[b->n_steps] * sizeof *member);
        memcpy(b->shape, shape, (size_t)b->n_steps * sizeof *shape);
        for (int32_t e = 0; e < b->p->n; e++)
            if (wg__computed(b, e)) b->step[e] = to[b->step[e]];
    }
    wg__release(first);
    wg__release(member);
    wg__release(to);
    wg__release(shape);
    return ok;
}

bool wg__build_take(wg_build *b)
{
    const wg_plan *p = b->p;
    int64_t n = p->n, edges = p->first[n], widest = 0;

    for (int64_t i = 0; i < n; i++)
        if (p->live[i]->n_in > widest) widest = p->live[i]->n_in;
    b->tx = wg__array(widest, sizeof *b->tx);
    b->type = wg__array(n, sizeof *b->type);
    b->in = wg__array(edges, sizeof *b->in);
    b->op = wg__array(n, sizeof *b->op);
    b->attr = wg__array(n, sizeof *b->attr);
    b->canon = wg__array(n, sizeof *b->canon);
    b->owner = wg__array(n, sizeof *b->owner);
    b->mark = wg__zalloc((size_t)n);
    b->column = wg__zalloc((size_t)n);
    b->data = wg__array(n, sizeof *b->data);
    b->step = wg__array(n, sizeof *b->step);
    b->last = wg__array(n, sizeof *b->last);
    b->offset = wg__array(n, sizeof *b->offset);
    b->member = wg__array(n, sizeof *b->member);
    b->index = wg__array(n, sizeof *b->index);
    b->inside = wg__array(n, sizeof *b->inside);
    if (!b->type || !b->in || !b->op || !b->attr || !b->canon || !b->owner || !b->mark ||
        !b->column || !b->data || !b->step || !b->last || !b->offset || !b->member || !b->index ||
        !b->inside || !b->tx)
        return no_memory(b);
    if (edges) memcpy(b->in, p->in, (size_t)edges * sizeof *b->in);
    for (int64_t i = 0; i < n; i++) {
        b->op[i] = p->live[i]->op;
        b->attr[i] = p->live[i]->attr;
        b->canon[i] = b->owner[i] = (int32_t)i;
        b->data[i] = NULL;
        b->step[i] = b->last[i] = -1;
        b->offset[i] = -1;
        b->inside[i] = 0;
    }
    return true;
}

void wg__build_release(wg_build *b)
{
    wg__native_release(&b->native);
    wg__release(b->type);
    wg__release(b->in);
    wg__release(b->op);
    wg__release(b->attr);
    wg__release(b->canon);
    wg__release(b->owner);
    wg__release(b->mark);
    wg__release(b->column);
    wg__release(b->data);
    wg__release(b->step);
    wg__release(b->last);
    wg__release(b->offset);
    wg__release(b->member);
    wg__release(b->index);
    wg__release(b->stream);
    wg__release(b->bundle);
    wg__release(b->shape);
    wg__release(b->inside);
    wg__release(b->tx);
    wg__release(b->patch);
    wg__release(b->first_member);
    wg__release(b->scratch);
    wg__release(b->scratch_at);
    wg__release(b->whole);
    wg__release(b->shift);
    wg__release(b->around);
    wg__release(b->type_list);
    wg__hash_free(&b->types);
}

static bool set_key(wg_build *b, bool apart)
{
    const wg_plan *p = b->p;
    wg_spec *s = b->s;

    s->apart = apart;
    s->fed = wg__arena_take(&s->mem, (size_t)p->n_inputs * sizeof *s->fed);
    s->bound = wg__arena_take(&s->mem, (size_t)p->n_inputs * sizeof *s->bound);
    if (!s->fed || !s->bound) return no_memory(b);
    for (int64_t i = 0; i < p->n_inputs; i++) {
        s->fed[i] = p->input[i].value.type;
        if (p->input[i].random && !p->input[i].fed) s->fed[i].shape.rank = -1;
        s->bound[i] = NULL;
    }
    return true;
}

bool wg__plan_arrange(wg_build *b)
{
    return wg__plan_fuse(b) && wg__plan_memory(b);
}

wg_spec *wg__spec_build(wg_plan *p, bool apart, wg_error *error)
{
    wg_list own = { .n = 0 };
    wg_build b = { .p = p, .s = wg__zalloc(sizeof *b.s), .error = error, .list = &own };
    wg_spec_stats simplified;
    bool ok;

    if (!b.s) {
        no_memory(&b);
        return NULL;
    }
    wg__arena_init(&b.s->mem);
    b.s->stats.entries = p->n - p->n_own;
    ok = set_key(&b, apart) && wg__build_take(&b) && infer_types(&b) && check_updates(&b) &&
         wg__plan_simplify(&b) && wg__plan_turn(&b) && wg__plan_repeat(&b);
    simplified = b.s->stats;
    ok = ok && wg__plan_arrange(&b) && wg__plan_remake(&b, &simplified) &&
         wg__plan_recompute(&b, &simplified) && wg__plan_reserve(p, b.s->arena_bytes) == WG_OK &&
         wg__plan_emit(&b);
    wg__list_swap(p, &own);
    for (int64_t i = 0; own.live && ok && i < b.s->n_instr; i++)
        b.s->instr[i].entry = own.from[b.s->instr[i].entry];
    wg__list_free(&own);
    wg__build_release(&b);
    if (ok) return b.s;
    wg__spec_free(b.s);
    return NULL;
}

void wg__spec_free(wg_spec *s)
{
    if (!s) return;
    wg__native_unmap(s->code, s->code_bytes);
    wg__arena_free(&s->mem);
    wg__release(s);
}
