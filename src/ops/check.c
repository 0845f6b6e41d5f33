/*
 * check.c: the gradient check. Loss and store are cloned to f64, the gradient is recorded on the
 * clone, and what a plan of it gives is compared with differences of what a plan of the loss gives.
 * Second order: the gradient of <first gradient, v> for fixed random v, against differences of that
 * product.
 */
#include "wengert/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wengert/grad.h"
#include "wengert/op.h"
#include "wengert/ops.h"
#include "check_diff.h"

static const char function[] = "check_grad";

/* A real parameter or input that the loss depends on. */
struct leaf {
    wg_tensor *t;     /* on the clone */
    const char *name; /* of the original graph */
    const char *op, *site;
    double *x; /* its value, read by every run: in the copied store, or in fed memory of ours */
    wg_shape shape;
    int64_t n;
    double rms;         /* size of the values, 1 when all are 0 */
    double *v;          /* second order: the fixed direction */
    const double *grad; /* recorded gradient of the order at hand, by the plan `all` */
    double top;         /* largest element of it */
};

struct check {
    wg_check_options o;
    wg_error *error;
    wg_graph *g; /* the clone */
    wg_params *w;
    wg_tensor *loss; /* on the clone */
    struct leaf *leaf;
    int n_leaf;
    wg_feed *feed; /* as f64; memory of ours where `own` */
    bool *own;
    int n_feed;
    int order;
    double at0;           /* the scalar at the point itself */
    wg_plan *all, *value; /* gradients; the scalar that is differentiated, as output 0 */
};

static wg_status no_memory(const struct check *c)
{
    return wg_fail(c->error, WG_ENOMEM, function, "out of memory");
}

static wg_status hand_on(const struct check *c, const wg_error *from)
{
    if (c->error && c->error->code == WG_OK) *c->error = *from;
    return from->code;
}

/* ---- what is checked: leaves, store, feeds ---- */

static bool lends_type_only(const wg_op *op, int i)
{
    return op->shape_only >> (i < 31 ? i : 31) & 1;
}

/* The first entry that reads the leaf's values. */
static const wg_tensor *first_user(wg_tensor *const *order, int64_t n, const wg_tensor *leaf)
{
    for (int64_t k = 0; k < n; k++)
        for (int i = 0; i < wg_tensor_n_in(order[k]); i++)
            if (wg_tensor_in(order[k], i) == leaf &&
                !lends_type_only(wg_tensor_record(order[k]), i))
                return order[k];
    return leaf;
}

/* Clones the loss; entry k of the clone's order is entry k of the original's. */
static wg_status make_clone(struct check *c, wg_tensor *loss)
{
    wg_clone_options to_f64 = { .real = WG_F64 };
    wg_tensor **from = NULL, **to = NULL;
    wg_status status = WG_OK;
    int64_t n = 0;

    c->g = wg_graph_new();
    if (!c->g) return no_memory(c);
    wg_clone(c->g, 1, &loss, &to_f64, &c->loss);
    if (wg_graph_error(c->g)) return hand_on(c, wg_graph_error(c->g));

    n = wg_order(1, &loss, &from);
    if (n < 0 || wg_order(1, &c->loss, &to) != n || !(c->leaf = wg_alloc(n, sizeof *c->leaf)))
        status = no_memory(c);
    for (int64_t k = 0; k < n && status == WG_OK; k++) {
        const wg_tensor *user;

        if (!(wg_tensor_record(from[k])->flags & (WG_OP_FEED | WG_OP_PARAM)) ||
            !wg_dtype_is_real(wg_dtype_of(from[k])))
            continue;
        user = first_user(from, n, from[k]);
        c->leaf[c->n_leaf++] = (struct leaf){ .t = to[k],
                                              .name = wg_tensor_leaf_name(from[k]),
                                              .op = wg_tensor_op(user),
                                              .site = wg_tensor_site(user) };
    }
    wg_free(from);
    wg_free(to);
    return status;
}

/* The feeds as f64; those of other types as they are. */
static wg_status convert_feeds(struct check *c, int n, const wg_feed *feeds)
{
    c->feed = wg_alloc(n, sizeof *c->feed);
    c->own = wg_alloc(n, sizeof *c->own);
    if (!c->feed || !c->own) return no_memory(c);
    for (; c->n_feed < n; c->n_feed++) {
        const wg_array *a = &feeds[c->n_feed].value;
        wg_feed *f = &c->feed[c->n_feed];
        int64_t count = wg_shape_count(&a->type.shape);
        double *v;

        *f = feeds[c->n_feed];
        if (!f->name || count < 0 || !wg_dtype_is_real(a->type.dtype) || (count > 0 && !a->data))
            continue;
        v = wg_alloc(count, sizeof *v);
        if (!v) return no_memory(c);
        for (int64_t i = 0; i < count; i++)
            v[i] = a->type.dtype == WG_F32 ? (double)((const float *)a->data)[i]
                                           : ((const double *)a->data)[i];
        f->value = wg_array_of(WG_F64, a->type.shape, v);
        c->own[c->n_feed] = true;
    }
    return WG_OK;
}

/* Where each leaf's value lies. */
static wg_status find_values(struct check *c)
{
    for (int i = 0; i < c->n_leaf; i++) {
        struct leaf *l = &c->leaf[i];
        const wg_array *a = NULL;
        double squares = 0;

        if (wg_tensor_record(l->t)->flags & WG_OP_PARAM) {
            const wg_param *p = c->w ? wg_params_find(c->w, l->name) : NULL;

            if (p) a = &p->value;
            else
                return wg_fail(c->error, WG_ENAME, function, "the store has no entry \"%.160s\"",
                               l->name);
        }
        for (int k = 0; k < c->n_feed && !a; k++)
            if (c->own[k] && strcmp(c->feed[k].name, l->name) == 0) a = &c->feed[k].value;
        if (!a)
            return wg_fail(c->error, WG_ESTATE, function, "input \"%.160s\" was not fed", l->name);
        l->x = a->data;
        l->shape = a->type.shape;
        l->n = wg_shape_count(&l->shape);
        for (int64_t k = 0; k < l->n; k++) squares += l->x[k] * l->x[k];
        l->rms = squares > 0 ? sqrt(squares / (double)l->n) : 1;
    }
    return WG_OK;
}

/* ---- plans ---- */

static wg_status feed_all(struct check *c, wg_plan *p)
{
    for (int k = 0; k < c->n_feed; k++)
        if (wg_plan_feed(p, c->feed[k].name, c->feed[k].value) != WG_OK)
            return hand_on(c, wg_plan_error(p));
    return WG_OK;
}

static void direction_name(char buf[32], int i)
{
    snprintf(buf, 32, "check_grad/v%d", i);
}

static wg_status feed_directions(struct check *c, wg_plan *p)
{
    char name[32];

    for (int i = 0; i < c->n_leaf && c->order == 2; i++) {
        direction_name(name, i);
        if (wg_plan_feed(p, name, wg_array_of(WG_F64, c->leaf[i].shape, c->leaf[i].v)) != WG_OK)
            return hand_on(c, wg_plan_error(p));
    }
    return WG_OK;
}

/* The scalar of order 2: sum over leaves of <gradient, v>, with v inputs of our own. */
static wg_tensor *product(struct check *c, wg_tensor *const *grad)
{
    wg_tensor *s = NULL;
    char name[32];

    for (int i = 0; i < c->n_leaf; i++) {
        struct leaf *l = &c->leaf[i];
        wg_tensor *v, *term;

        l->v = wg_alloc(l->n, sizeof *l->v);
        if (!l->v) return NULL;
        direction_name(name, i);
        wg_random_normal(c->o.seed, wg_random_key(l->name), UINT64_MAX, 0, l->n, WG_F64, l->v);
        v = wg_input(c->g, name, WG_F64, wg_tensor_type(l->t)->shape);
        term = wg_sum(wg_mul(grad[i], v), WG_ALL_AXES, false);
        s = s ? wg_add(s, term) : term;
    }
    return s;
}

/* Makes the plans of one order: `value` gives the scalar, `all` its recorded gradients. The loss is
 * an output of both, so that both have every input. */
static wg_status make_plans(struct check *c)
{
    int n = c->n_leaf;
    wg_tensor **out = wg_alloc(2 * n + 3, sizeof(wg_tensor *)), **wrt = out + n + 2, *s = c->loss;
    wg_status status = out ? WG_OK : no_memory(c);

    if (!out) return status;
    for (int i = 0; i < n; i++) wrt[i] = c->leaf[i].t;
    for (int o = 1; o <= c->order && status == WG_OK; o++) {
        if (o == 2 && !(s = product(c, out + 2))) status = no_memory(c);
        else wg_grad(s, n, wrt, out + 2);
    }
    if (status == WG_OK && wg_graph_error(c->g)) status = hand_on(c, wg_graph_error(c->g));
    out[0] = s;
    out[1] = c->loss;
    if (status == WG_OK) {
        wg_error first = { .code = WG_OK };

        c->value = wg_plan_of(2, out, c->w, NULL, &first);
        c->all = c->value ? wg_plan_of(2 + n, out, c->w, NULL, &first) : NULL;
        if (!c->all) status = hand_on(c, &first);
    }
    wg_free(out);
    if (status == WG_OK) status = feed_all(c, c->value);
    if (status == WG_OK) status = feed_all(c, c->all);
    if (status == WG_OK) status = feed_directions(c, c->value);
    if (status == WG_OK) status = feed_directions(c, c->all);
    if (status == WG_OK && wg_plan_run(c->all) != WG_OK) status = hand_on(c, wg_plan_error(c->all));
    if (status == WG_OK && wg_plan_run(c->value) != WG_OK)
        status = hand_on(c, wg_plan_error(c->value));
    if (status == WG_OK) c->at0 = wg_item(wg_plan_value_at(c->value, 0));
    for (int i = 0; i < n && status == WG_OK; i++) {
        struct leaf *l = &c->leaf[i];

        l->grad = wg_plan_value_at(c->all, 2 + i)->data;
        l->top = 0;
        for (int64_t k = 0; k < l->n; k++) l->top = fmax(l->top, fabs(l->grad[k]));
    }
    return status;
}

static void free_plans(struct check *c)
{
    wg_plan_free(c->all);
    wg_plan_free(c->value);
    c->all = c->value = NULL;
    for (int i = 0; i < c->n_leaf; i++) {
        wg_free(c->leaf[i].v);
        c->leaf[i].v = NULL;
    }
}

/* ---- one line: an entry or a direction ---- */

struct line {
    struct check *c;
    struct leaf *l;
    double *base;    /* values of the leaf at the point */
    const double *d; /* direction; NULL: entry `at` alone */
    int64_t at;
    bool failed;
};

static double value_at(void *arg, double t)
{
    struct line *p = arg;
    double *x = p->l->x, value = NAN;

    if (p->d)
        for (int64_t k = 0; k < p->l->n; k++) x[k] = p->base[k] + t * p->d[k];
    else x[p->at] = p->base[p->at] + t;
    if (wg_plan_run(p->c->value) == WG_OK) value = wg_item(wg_plan_value_at(p->c->value, 0));
    else p->failed = true;
    return value;
}

enum verdict { PASS, KINK, FAIL };

/* Fills item with what was seen along one line. */
static enum verdict judge(const struct check *c, double analytic, double top, const wg__slope *s,
                          wg_check_item *item)
{
    double size = fmax(fabs(analytic), fabs(s->value)), beyond;
    double error = analytic - s->value;

    item->analytic = analytic;
    item->numeric = s->value;
    item->error = error;
    item->estimate = s->estimate;
    item->tolerance = c->o.atol + c->o.rtol * size + (isfinite(s->estimate) ? 2 * s->estimate : 0);
    if (!isfinite(analytic)) return FAIL;
    if (!isfinite(s->estimate)) return KINK;
    /* How far the recorded value lies outside of what the two slopes allow. */
    beyond = fabs(error) - fabs(s->jump) / 2 - s->jump_estimate;
    if (s->estimate > c->o.atol + 1e-4 * fmax(size, top))
        return beyond > 100 * s->estimate ? FAIL : KINK;
    if (fabs(s->jump) > item->tolerance + 3 * s->jump_estimate) return KINK;
    return fabs(error) <= item->tolerance ? PASS : FAIL;
}

/* ---- one leaf ---- */

/* Keeps the worse of two: a failure before a kink before a pass, then by error over tolerance. */
static void keep_worst(wg_check_item *worst, enum verdict *worst_verdict, const wg_check_item *seen,
                       enum verdict v)
{
    double a = fabs(seen->error) / seen->tolerance, b = fabs(worst->error) / worst->tolerance;

    if (worst->index >= 0 && (v < *worst_verdict || (v == *worst_verdict && !(a > b) && !isnan(a))))
        return;
    *worst = *seen;
    *worst_verdict = v;
}

static wg_status check_leaf(struct check *c, struct leaf *l, wg_check_item *worst)
{
    bool entries = l->n <= c->o.every;
    int64_t lines = entries ? l->n : c->o.directions;
    double *base = wg_alloc(l->n, sizeof *base), *d = entries ? NULL : wg_alloc(l->n, sizeof *d);
    enum verdict verdict = PASS;
    struct line line = { .c = c, .l = l, .base = base, .d = d };
    wg_status status = base && (entries || d) ? WG_OK : no_memory(c);

    for (int64_t k = 0; k < l->n && status == WG_OK; k++) base[k] = l->x[k];
    for (int64_t k = 0; k < lines && status == WG_OK; k++) {
        wg_check_item seen = *worst;
        double analytic = 0, scale = l->rms;
        wg__slope s;

        if (entries) {
            line.at = k;
            analytic = l->grad[k];
            scale = fmax(fabs(base[k]), l->rms / 4);
        } else {
            wg_random_normal(c->o.seed, wg_random_key(l->name), (uint64_t)k, 0, l->n, WG_F64, d);
            for (int64_t i = 0; i < l->n; i++) analytic += l->grad[i] * d[i];
        }
        s = wg__slope_at(value_at, &line, c->at0, scale, c->o.rtol / 8, c->o.atol / 8);
        for (int64_t i = 0; i < l->n; i++) l->x[i] = base[i];
        if (line.failed) status = hand_on(c, wg_plan_error(c->value));
        seen.index = k;
        keep_worst(worst, &verdict, &seen, judge(c, analytic, l->top, &s, &seen));
    }
    worst->by_direction = !entries;
    worst->pass = verdict == PASS;
    worst->kink = verdict == KINK;
    wg_free(base);
    wg_free(d);
    return status;
}

/* ---- the whole ---- */

static char *copied(const char *s)
{
    size_t n = s ? strlen(s) + 1 : 0;
    char *own = s ? wg_alloc((int64_t)n, 1) : NULL;

    if (own) memcpy(own, s, n);
    return own;
}

static wg_status check_order(struct check *c, wg_check_report *report)
{
    wg_status status;

    if (c->order > 1 && c->n_leaf == 0)
        return WG_OK; /* there is no direction to differentiate along */
    status = make_plans(c);
    if (status == WG_OK && !isfinite(wg_item(wg_plan_value_at(c->value, 1))))
        status = wg_fail(c->error, WG_ENONFINITE, function, "the loss is %g at the point given",
                         wg_item(wg_plan_value_at(c->value, 1)));
    for (int i = 0; i < c->n_leaf && status == WG_OK; i++) {
        struct leaf *l = &c->leaf[i];
        wg_check_item *item = &report->item[report->n];

        *item = (wg_check_item){ .name = copied(l->name),
                                 .order = c->order,
                                 .index = -1,
                                 .op = l->op,
                                 .site = copied(l->site) };
        report->n++;
        if (!item->name || (l->site && !item->site)) status = no_memory(c);
        else status = check_leaf(c, l, item);
        report->pass &= item->pass;
    }
    free_plans(c);
    return status;
}

static wg_status options_of(struct check *c, const wg_check_options *options)
{
    wg_check_options o = options ? *options : (wg_check_options){ 0 };

    if (o.order == 0) o.order = 2;
    if (o.rtol == 0) o.rtol = 1e-6;
    if (o.atol == 0) o.atol = 1e-9;
    if (o.every == 0) o.every = 64;
    if (o.directions == 0) o.directions = 8;
    c->o = o;
    if (o.order < 1 || o.order > 2)
        return wg_fail(c->error, WG_EARG, function, "order %d: wanted 1 or 2", o.order);
    if (!(o.rtol > 0) || !(o.atol > 0) || o.every < 0 || o.directions < 0)
        return wg_fail(c->error, WG_EARG, function, "a tolerance or count is negative");
    return WG_OK;
}

static wg_status loss_of(struct check *c, wg_tensor *loss)
{
    const wg_type *type = wg_tensor_type(loss);

    if (!loss) return wg_fail(c->error, WG_EARG, function, "the loss is NULL");
    if (wg_graph_error(wg_tensor_graph(loss)))
        return hand_on(c, wg_graph_error(wg_tensor_graph(loss)));
    if (!wg_dtype_is_real(type->dtype))
        return wg_fail(c->error, WG_EDTYPE, function,
                       "the loss is %s; only f32 and f64 have a gradient", WG_TYPE_STR(type));
    if (wg_shape_count(&type->shape) != 1)
        return wg_fail(c->error, WG_ESHAPE, function, "the loss must have one element, but is %s",
                       WG_TYPE_STR(type));
    return WG_OK;
}

wg_status wg_check_grad(wg_tensor *loss, const wg_params *w, int n_feeds, const wg_feed *feeds,
                        const wg_check_options *options, wg_check_report *report, wg_error *error)
{
    struct check c = { .error = error };
    wg_status status;

    if (error) *error = (wg_error){ .code = WG_OK, .op = "" };
    if (!report) return wg_fail(error, WG_EARG, function, "the report is NULL");
    *report = (wg_check_report){ .pass = true };
    status = options_of(&c, options);
    if (status == WG_OK) status = loss_of(&c, loss);
    if (status == WG_OK && (n_feeds < 0 || (n_feeds > 0 && !feeds)))
        status = wg_fail(error, WG_EARG, function, "the list of feeds is NULL");
    if (status == WG_OK && w && !(c.w = wg_params_copy(w, WG_F64))) status = no_memory(&c);
    if (status == WG_OK) status = make_clone(&c, loss);
    if (status == WG_OK) status = convert_feeds(&c, n_feeds, feeds);
    if (status == WG_OK) status = find_values(&c);
    if (status == WG_OK &&
        !(report->item = wg_alloc((int64_t)c.n_leaf * c.o.order, sizeof *report->item)))
        status = no_memory(&c);
    for (c.order = 1; c.order <= c.o.order && status == WG_OK; c.order++)
        status = check_order(&c, report);

    for (int k = 0; k < c.n_feed; k++)
        if (c.own[k]) wg_free(c.feed[k].value.data);
    wg_free(c.feed);
    wg_free(c.own);
    wg_free(c.leaf);
    wg_graph_free(c.g);
    wg_params_free(c.w);
    if (status != WG_OK) wg_check_free(report);
    return status;
}

void wg_check_free(wg_check_report *report)
{
    if (!report) return;
    for (int i = 0; i < report->n; i++) {
        wg_free((void *)(uintptr_t)report->item[i].name);
        wg_free((void *)(uintptr_t)report->item[i].site);
    }
    wg_free(report->item);
    *report = (wg_check_report){ .pass = false };
}
