/*
 * grad.c: the reverse pass. One walk backwards over the post-order of the outputs; each entry's
 * rule records the gradients of its operands, so a gradient is a graph and differentiates again.
 *
 * Contributions to one tensor are added left to right: its users in reverse post-order, the
 * operands of one user in order. That depends on the graph alone, not on the order in which the
 * compiler evaluated arguments, and it lets the gradient of an early step of a sequence die as soon
 * as it is used. Parts of one tensor (the gradients of its slices) become one `assemble` instead of
 * a chain of additions of whole tensors, or a sequence of n steps would cost n squared. What a
 * weight used by many products gets from each, a^T dy, becomes one product with all rows: a step of
 * a sequence has few of them, and every product of few rows goes through the whole weight.
 */
#include "wengert/grad.h"

/* Before op.h forbids it: the pass compares types where a rule may not. */
static const wg_type *type_of(const wg_tensor *t)
{
    return wg_tensor_type(t);
}

#include "op.h"

/* Products for one weight from which on they become one: fewer need not pay the copies. */
enum { JOINED = 4 };

/* A contribution to the gradient of one entry; lists are in the order of addition. */
struct share {
    wg_tensor *t;
    int32_t next; /* index into walk.share, -1 at the end */
};

/* Everything the pass knows about the entry at one position of the order. */
struct mark {
    int32_t first, last; /* its contributions so far, -1: none */
    wg_tensor *total;    /* their sum, once the entry was passed; kept for wrt only */
    bool leads;          /* to a tensor that is asked for: its gradient is wanted */
    bool below;          /* one of its operands leads: its rule must run */
    bool asked;
};

struct walk {
    wg_graph *g;
    wg_tensor **order;
    int64_t n;
    int32_t *place; /* id -> position in order, -1: not reached */
    int64_t n_place;
    struct mark *mark; /* by position */
    struct share *share;
    int64_t n_share;
    wg_tensor **x, **dx; /* scratch of one rule */
    bool *need;
    wg_tensor **part; /* scratch of one sum */
};

static void walk_free(struct walk *w)
{
    wg_free(w->order);
    wg_free(w->place);
    wg_free(w->mark);
    wg_free(w->share);
    wg_free(w->x);
    wg_free(w->dx);
    wg_free(w->need);
    wg_free(w->part);
}

static struct mark *mark_of(const struct walk *w, const wg_tensor *t)
{
    int64_t id = wg_tensor_id(t);

    return id < w->n_place && w->place[id] >= 0 ? &w->mark[w->place[id]] : NULL;
}

static bool lends_type_only(const wg_op *op, int i)
{
    return op->shape_only >> (i < 31 ? i : 31) & 1;
}

/* Whether a gradient goes on from t to its operands at all. */
static bool passes(const wg_tensor *t)
{
    return wg_tensor_n_in(t) > 0 && wg_dtype_is_real(wg_dtype_of(t)) &&
           !(wg_tensor_record(t)->flags & WG_OP_NO_GRAD);
}

/* Marks forwards what leads to a wrt, so that rules whose result nobody wants do not run. Returns
 * false when out of memory. */
static bool walk_prepare(struct walk *w, int n_out, wg_tensor *const *out, int n_wrt,
                         wg_tensor *const *wrt)
{
    int64_t edges = 0, widest = 1;

    w->n = wg_order(n_out, out, &w->order);
    if (w->n < 0) return false;
    for (int64_t k = 0; k < w->n; k++) {
        int64_t id = wg_tensor_id(w->order[k]), n_in = wg_tensor_n_in(w->order[k]);

        if (id >= w->n_place) w->n_place = id + 1;
        if (n_in > widest) widest = n_in;
        edges += n_in;
    }
    w->place = wg_alloc(w->n_place, sizeof *w->place);
    w->mark = wg_alloc(w->n, sizeof *w->mark);
    w->share = wg_alloc(edges + n_out, sizeof *w->share);
    w->x = wg_alloc(widest, sizeof(wg_tensor *));
    w->dx = wg_alloc(widest, sizeof(wg_tensor *));
    w->need = wg_alloc(widest, sizeof *w->need);
    w->part = wg_alloc(edges + n_out, sizeof(wg_tensor *));
    if (!w->place || !w->mark || !w->share || !w->x || !w->dx || !w->need || !w->part) return false;

    for (int64_t id = 0; id < w->n_place; id++) w->place[id] = -1;
    for (int64_t k = 0; k < w->n; k++) {
        w->place[wg_tensor_id(w->order[k])] = (int32_t)k;
        w->mark[k] = (struct mark){ .first = -1, .last = -1 };
    }
    for (int i = 0; i < n_wrt; i++) {
        struct mark *m = mark_of(w, wrt[i]);

        if (m) m->asked = true;
    }
    for (int64_t k = 0; k < w->n; k++) {
        const wg_tensor *t = w->order[k];
        int n_in = passes(t) ? wg_tensor_n_in(t) : 0;

        for (int i = 0; i < n_in; i++)
            if (!lends_type_only(wg_tensor_record(t), i) && mark_of(w, wg_tensor_in(t, i))->leads)
                w->mark[k].below = true;
        w->mark[k].leads = w->mark[k].asked || w->mark[k].below;
    }
    return true;
}

static void contribute(struct walk *w, struct mark *m, wg_tensor *t)
{
    int32_t at = (int32_t)w->n_share++;

    w->share[at] = (struct share){ t, -1 };
    if (m->last >= 0) w->share[m->last].next = at;
    else m->first = at;
    m->last = at;
}

/* Which contributions belong together: all results of record `op`; NULL: all products of rows that
 * have the extents of what they are for, or they would not fit side by side. */
static bool belongs(const wg_tensor *t, const wg_op *op)
{
    if (!t) return false;
    if (op) return wg_tensor_record(t) == op;
    return wg__is_rows_product(t) && wg_type_equal(type_of(t), type_of(wg_tensor_in(t, 0)));
}

/* Replaces those contributions by one entry, in the place of the first; leaves them as they are
 * when it would be none. */
static void join(struct walk *w, struct mark *m, const wg_op *op)
{
    wg_tensor *whole = NULL;
    int n = 0;

    for (int32_t s = m->first; s >= 0; s = w->share[s].next)
        if (belongs(w->share[s].t, op)) w->part[n++] = w->share[s].t;
    if (op && n > 1) whole = wg__assemble(n, w->part);
    else if (!op && n >= JOINED) whole = wg__join_products(n, w->part);
    if (!whole) return;
    for (int32_t s = m->first; s >= 0; s = w->share[s].next) {
        if (!belongs(w->share[s].t, op)) continue;
        w->share[s].t = whole;
        whole = NULL;
    }
}

/* The sum of all contributions to one entry, of which there is at least one. */
static wg_tensor *total(struct walk *w, struct mark *m)
{
    const wg_op *seen[4];
    int n_seen = 0;
    wg_tensor *sum = NULL;

    for (int32_t s = m->first; s >= 0 && n_seen < 4; s = w->share[s].next) {
        const wg_op *op = w->share[s].t ? wg_tensor_record(w->share[s].t) : NULL;
        bool fresh = op && op->flags & WG_OP_GRAD_PART;

        for (int i = 0; i < n_seen; i++) fresh &= seen[i] != op;
        if (!fresh) continue;
        seen[n_seen++] = op;
        join(w, m, op);
    }
    join(w, m, NULL);
    for (int32_t s = m->first; s >= 0; s = w->share[s].next)
        if (w->share[s].t) sum = sum ? wg_add(sum, w->share[s].t) : w->share[s].t;
    return sum;
}

/* A rule that gives a gradient of another type than the operand's would surface far away. */
static bool fits(const struct walk *w, const wg_tensor *t, int i, const wg_tensor *d)
{
    const wg_tensor *x = wg_tensor_in(t, i);

    if (wg_type_equal(type_of(d), type_of(x))) return true;
    wg_record_fail(w->g, WG_EGRAD, wg_tensor_op(t),
                   "the gradient rule gives %s for operand %d, which is %s",
                   WG_TYPE_STR(type_of(d)), i, WG_TYPE_STR(type_of(x)));
    return false;
}

/* Runs the rule of t, hands what it recorded to the operands. */
static void apply_rule(struct walk *w, wg_tensor *t, wg_tensor *dy)
{
    const wg_op *op = wg_tensor_record(t);
    int n_in = wg_tensor_n_in(t);
    wg_vjp v = {
        .y = t, .dy = dy, .n_in = n_in, .x = w->x, .need = w->need, .attr = wg_tensor_attr(t)
    };

    if (!op->vjp) {
        wg_record_fail(w->g, WG_EGRAD, op->name,
                       "no gradient rule, on the way from the result to %s",
                       WG_TYPE_STR(type_of(t)));
        return;
    }
    for (int i = 0; i < n_in; i++) {
        w->x[i] = wg_tensor_in(t, i);
        w->dx[i] = NULL;
        w->need[i] = !lends_type_only(op, i) && mark_of(w, w->x[i])->leads;
    }
    op->vjp(&v, w->dx);
    for (int i = 0; i < n_in && !wg_graph_error(w->g); i++) {
        wg_tensor *d = w->need[i] ? w->dx[i] : NULL;

        if (!d) continue;
        /* Always, not "where extents differ": those recorded are an example, and a batch of 1 would
         * hide the broadcast. */
        if (op->flags & WG_OP_BROADCASTS) d = wg_sum_to_like(d, w->x[i]);
        if (!wg_graph_error(w->g) && fits(w, t, i, d)) contribute(w, mark_of(w, w->x[i]), d);
    }
}

static void walk_back(struct walk *w)
{
    for (int64_t k = w->n - 1; k >= 0 && !wg_graph_error(w->g); k--) {
        wg_tensor *t = w->order[k];
        struct mark *m = &w->mark[k];

        if (!m->leads || m->first < 0) continue;
        wg_derive_begin(t);
        m->total = total(w, m);
        if (m->below && !wg_graph_error(w->g)) apply_rule(w, t, m->total);
        wg_derive_end(w->g);
    }
}

/* grad[i] = sum over k of dy[k] * (d out[k] / d wrt[i]), in one walk. The arguments are known to
 * fit. */
static wg_graph *reverse(const char *function, wg_graph *g, int n_out, wg_tensor *const *out,
                         wg_tensor *const *dy, int n_wrt, wg_tensor *const *wrt, wg_tensor **grad)
{
    struct walk w = { .g = g };

    if (!walk_prepare(&w, n_out, out, n_wrt, wrt)) {
        wg_record_fail(g, WG_ENOMEM, function, "out of memory");
    } else {
        for (int k = 0; k < n_out; k++) {
            struct mark *m = mark_of(&w, out[k]);

            if (m->leads) contribute(&w, m, dy[k]);
        }
        walk_back(&w);
    }
    for (int i = 0; i < n_wrt && !wg_graph_error(g); i++) {
        struct mark *m = mark_of(&w, wrt[i]);

        if (m && m->total) {
            grad[i] = m->total;
            continue;
        }
        /* Asked for twice: the same zeros. */
        grad[i] = wg_zeros_like(wrt[i]);
        if (m) m->total = grad[i];
    }
    walk_free(&w);
    return g;
}

/* ---- arguments ---- */

static wg_graph *refuse(wg_graph *g, int n, wg_tensor **result)
{
    for (int i = 0; i < n && result; i++)
        result[i] = wg_record_fail(g, WG_EARG, "grad", "the graph is in error");
    return g;
}

/* "wrt[2]" for an element of a list, "loss" for an argument of its own (i -1). */
static const char *label(char buf[32], const char *what, int i)
{
    if (i < 0) return what;
    snprintf(buf, 32, "%s[%d]", what, i);
    return buf;
}

static bool real_of(wg_graph *g, const char *function, const char *what, int i, wg_tensor *t)
{
    char buf[32];
    const char *name = label(buf, what, i);

    if (!t) {
        wg_record_fail(g, WG_EARG, function, "%s is NULL", name);
        return false;
    }
    if (wg_tensor_graph(t) != g) {
        wg_record_fail(g, WG_EARG, function, "%s belongs to another graph", name);
        return false;
    }
    if (!wg_dtype_is_real(wg_dtype_of(t))) {
        wg_record_fail(g, WG_EDTYPE, function, "%s is %s; only f32 and f64 have a gradient", name,
                       WG_TYPE_STR(type_of(t)));
        return false;
    }
    return true;
}

/* n tensors of g that can be differentiated by; result must have room for as many. */
static bool wrt_fit(wg_graph *g, const char *function, int n, wg_tensor *const *wrt,
                    wg_tensor **result)
{
    if (n < 0 || (n > 0 && (!wrt || !result))) {
        wg_record_fail(g, WG_EARG, function, n < 0 ? "a negative number of tensors" : "NULL list");
        return false;
    }
    for (int i = 0; i < n; i++)
        if (!real_of(g, function, "wrt", i, wrt[i])) return false;
    return true;
}

/* t must have the type of `of`. */
static bool same_type(wg_graph *g, const char *function, const char *what, int i, wg_tensor *t,
                      const char *of_what, const wg_tensor *of)
{
    char buf[32], of_buf[32];

    if (!real_of(g, function, what, i, t)) return false;
    if (wg_type_equal(type_of(t), type_of(of))) return true;
    /* one wording for "dy is f32[2], but y is f32[3]" and "v[1] is f32[2], but wrt[1] is f32[3]" */
    wg_record_fail(g, wg_dtype_of(t) == wg_dtype_of(of) ? WG_ESHAPE : WG_EDTYPE, function,
                   "%s is %s, but %s is %s", label(buf, what, i), WG_TYPE_STR(type_of(t)),
                   label(of_buf, of_what, i), WG_TYPE_STR(type_of(of)));
    return false;
}

static bool tangents_fit(wg_graph *g, const char *function, const char *what, int n,
                         wg_tensor *const *v, wg_tensor *const *wrt)
{
    if (n > 0 && !v) {
        wg_record_fail(g, WG_EARG, function, "NULL list");
        return false;
    }
    for (int i = 0; i < n; i++)
        if (!same_type(g, function, what, i, v[i], "wrt", wrt[i])) return false;
    return true;
}

static bool loss_fits(wg_graph *g, const char *function, wg_tensor *loss)
{
    if (!real_of(g, function, "loss", -1, loss)) return false;
    if (wg_shape_count(&type_of(loss)->shape) == 1) return true;
    wg_record_fail(g, WG_ESHAPE, function, "the loss must have one element, but is %s",
                   WG_TYPE_STR(type_of(loss)));
    return false;
}

/* ---- public ---- */

wg_graph *wg_vjp_of(wg_tensor *y, wg_tensor *dy, int n, wg_tensor *const *wrt, wg_tensor **grad)
{
    wg_graph *g = y ? wg_tensor_graph(y) : NULL;

    if (!g) {
        for (int i = 0; i < n && grad; i++) grad[i] = NULL;
        return NULL;
    }
    if (!wg_graph_error(g) && real_of(g, "vjp_of", "y", -1, y) &&
        same_type(g, "vjp_of", "dy", -1, dy, "y", y) && wrt_fit(g, "vjp_of", n, wrt, grad))
        reverse("vjp_of", g, 1, &y, &dy, n, wrt, grad);
    return wg_graph_error(g) ? refuse(g, n, grad) : g;
}

wg_graph *wg_grad(wg_tensor *loss, int n, wg_tensor *const *wrt, wg_tensor **grad)
{
    wg_graph *g = loss ? wg_tensor_graph(loss) : NULL;

    if (!g) {
        for (int i = 0; i < n && grad; i++) grad[i] = NULL;
        return NULL;
    }
    if (!wg_graph_error(g) && loss_fits(g, "grad", loss) && wrt_fit(g, "grad", n, wrt, grad)) {
        wg_tensor *dy = wg_ones_like(loss);

        if (!wg_graph_error(g)) reverse("grad", g, 1, &loss, &dy, n, wrt, grad);
    }
    return wg_graph_error(g) ? refuse(g, n, grad) : g;
}

wg_tensor *wg_grad1(wg_tensor *loss, wg_tensor *wrt)
{
    wg_tensor *grad = NULL;

    wg_grad(loss, 1, &wrt, &grad);
    return grad;
}

/* The product g(u) = J' u is linear in u, so its own gradient along the tangents is J times them,
 * and the value of u never enters. */
wg_tensor *wg_jvp_of(wg_tensor *y, int n, wg_tensor *const *wrt, wg_tensor *const *tangent)
{
    wg_graph *g = y ? wg_tensor_graph(y) : NULL;
    wg_tensor **grad, *u, *jvp = NULL;

    if (!g) return NULL;
    grad = n > 0 ? wg_alloc(n, sizeof(wg_tensor *)) : NULL;
    if (n > 0 && !grad) return wg_record_fail(g, WG_ENOMEM, "jvp_of", "out of memory");
    if (!wg_graph_error(g) && real_of(g, "jvp_of", "y", -1, y) &&
        wrt_fit(g, "jvp_of", n, wrt, n > 0 ? grad : &u) &&
        tangents_fit(g, "jvp_of", "tangent", n, tangent, wrt)) {
        u = wg_zeros_like(y);
        if (!wg_graph_error(g)) reverse("jvp_of", g, 1, &y, &u, n, wrt, grad);
        if (!wg_graph_error(g)) reverse("jvp_of", g, n, grad, tangent, 1, &u, &jvp);
    }
    wg_free(grad);
    if (wg_graph_error(g)) refuse(g, 1, &jvp);
    return jvp;
}

wg_graph *wg_hvp(wg_tensor *loss, int n, wg_tensor *const *wrt, wg_tensor *const *v, wg_tensor **hv)
{
    wg_graph *g = loss ? wg_tensor_graph(loss) : NULL;
    wg_tensor **grad = NULL;

    if (!g) {
        for (int i = 0; i < n && hv; i++) hv[i] = NULL;
        return NULL;
    }
    if (!wg_graph_error(g) && loss_fits(g, "hvp", loss) && wrt_fit(g, "hvp", n, wrt, hv) &&
        tangents_fit(g, "hvp", "v", n, v, wrt) && n > 0) {
        wg_tensor *dy = wg_ones_like(loss);

        grad = wg_alloc(n, sizeof(wg_tensor *));
        if (!grad) wg_record_fail(g, WG_ENOMEM, "hvp", "out of memory");
        if (!wg_graph_error(g)) reverse("hvp", g, 1, &loss, &dy, n, wrt, grad);
        if (!wg_graph_error(g)) reverse("hvp", g, n, grad, v, n, wrt, hv);
        wg_free(grad);
    }
    return wg_graph_error(g) ? refuse(g, n, hv) : g;
}
