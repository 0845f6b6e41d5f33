/* op_cases.c: what drives the rows of op_cases_*.c. */
#include "op_cases.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const op_case_list *const op_case_lists[] = {
    &op_cases_leaf,   &op_cases_math,   &op_cases_compare,
    &op_cases_reduce, &op_cases_shape,  &op_cases_index,
    &op_cases_matmul, &op_cases_window, NULL,
};

/* ---- rows ---- */

int op_case_count(void)
{
    int n = 0;

    for (int k = 0; op_case_lists[k]; k++) n += op_case_lists[k]->n;
    return n;
}

const op_case *op_case_at(int i)
{
    for (int k = 0; op_case_lists[k]; i -= op_case_lists[k++]->n)
        if (i < op_case_lists[k]->n) return &op_case_lists[k]->row[i];
    return NULL;
}

const op_case *op_case_find(const char *name)
{
    for (int i = 0; i < op_case_count(); i++)
        if (strcmp(op_case_at(i)->name, name) == 0) return op_case_at(i);
    return NULL;
}

const char *op_case_op(const op_case *c, char buf[64])
{
    snprintf(buf, 64, "%.*s", (int)strcspn(c->name, " "), c->name);
    return buf;
}

/* ---- values ---- */

/* splitmix64: test values depend on nothing of the library. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t seed_of(const char *name, int salt)
{
    uint64_t h = 1469598103934665603u + (uint64_t)salt;

    for (; *name; name++) h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h;
}

/* A multiple of 1/1024 in [lo, hi]: the same number in f32 and f64. */
static double uniform(uint64_t *state, double lo, double hi)
{
    double u = (double)(draw(state) >> 11) / 9007199254740992.0;

    return ceil(lo * 1024) / 1024 + floor(u * (floor(hi * 1024) - ceil(lo * 1024) + 1)) / 1024;
}

static int operand_shape(const op_operand *o, int batch, int64_t dim[WG_MAX_RANK])
{
    int rank = 0;

    for (; rank < 6 && o->dim[rank] != 0; rank++)
        dim[rank] = o->dim[rank] == B ? batch : o->dim[rank];
    return rank;
}

static int n_operands(const op_case *c)
{
    int n = 0;

    while (n < MAX_IN && c->in[n].kind != NONE) n++;
    return n;
}

void op_values(const op_case *c, int batch, nd x[MAX_IN])
{
    int grid_used = 0;

    for (int k = 0; k < n_operands(c); k++) {
        const op_operand *o = &c->in[k];
        uint64_t state = seed_of(c->name, k), shuffle = seed_of(c->name, 99);
        int64_t dim[WG_MAX_RANK];
        int rank = operand_shape(o, batch, dim), cells = (int)((o->hi - o->lo) * 8), *order;

        x[k] = nd_new(rank, dim);
        order = room(cells, sizeof *order);
        for (int i = 0; i < cells; i++) order[i] = i;
        for (int i = cells - 1; o->kind == GRID && i > 0; i--) {
            int j = (int)(draw(&shuffle) % (uint64_t)(i + 1)), swap = order[i];

            order[i] = order[j];
            order[j] = swap;
        }
        for (int64_t e = 0; e < nd_count(&x[k]); e++) {
            double v = 0;

            switch (o->kind) {
            case NONE:
                break;
            case REAL:
                v = uniform(&state, o->lo, o->hi);
                break;
            case GRID:
                v = o->lo + (order[grid_used++ % cells] + 0.5) / 8;
                break;
            case SIGNED:
                v = uniform(&state, o->lo, o->hi);
                if (draw(&state) & 1) v = -v;
                break;
            case INT:
                v = o->lo + (double)(draw(&state) % (uint64_t)(o->hi - o->lo + 1));
                break;
            case MASK:
                v = (double)(draw(&state) >> 7 & 1);
                break;
            }
            x[k].v[e] = v;
        }
        free(order);
    }
}

nd op_reference(const op_case *c, const nd x[MAX_IN])
{
    return c->map ? nd_map(c->map, n_operands(c), x) : c->ref(x);
}

/* ---- recording ---- */

static wg_dtype operand_dtype(const op_operand *o, wg_dtype real)
{
    return o->kind == INT ? WG_I64 : o->kind == MASK ? WG_BOOL : real;
}

static void record_inputs(op_record *r, wg_dtype real, int batch)
{
    char name[8];

    for (int k = 0; k < r->n_in; k++) {
        int64_t dim[WG_MAX_RANK];
        int rank = operand_shape(&r->c->in[k], batch, dim);

        snprintf(name, sizeof name, "x%d", k);
        r->x[k] = wg_input(r->g, name, operand_dtype(&r->c->in[k], real), wg_shape_of(rank, dim));
    }
}

/* Records y once more, in a new graph, with other records. */
static void exchange_records(op_record *r, wg_dtype real, int batch, op_exchange_fn *exchange,
                             void *arg)
{
    wg_graph *old = r->g;
    wg_tensor **order, **copy;
    int64_t n = wg_order(1, &r->y, &order);

    r->g = wg_graph_new();
    copy = room(wg_graph_count(old), sizeof *copy);
    record_inputs(r, real, batch);
    for (int64_t i = 0; i < n; i++) {
        const wg_tensor *t = order[i];
        const wg_op *op = exchange(wg_tensor_record(t), arg);
        int n_in = wg_tensor_n_in(t);
        wg_tensor **in = room(n_in, sizeof(wg_tensor *));

        for (int k = 0; k < n_in; k++) in[k] = copy[wg_tensor_id(wg_tensor_in(t, k))];
        copy[wg_tensor_id(t)] = n_in > 0 ? wg_record(op, wg_tensor_attr(t), n_in, in)
                                         : wg_record_leaf(r->g, op, wg_tensor_attr(t));
        free(in);
    }
    r->y = copy[wg_tensor_id(r->y)];
    free(copy);
    wg_free(order);
    wg_graph_free(old);
}

/* sum of w t, w an input of t's type */
static wg_tensor *weighed(const op_record *r, wg_tensor *t, const char *name)
{
    const wg_type *type = wg_tensor_type(t);
    wg_tensor *w = wg_input(r->g, name, type->dtype, type->shape);

    return wg_sum(wg_mul(w, t), WG_ALL_AXES, false);
}

void op_record_make(op_record *r, const op_case *c, wg_dtype real, int batch, int orders,
                    op_exchange_fn *exchange, void *arg)
{
    wg_tensor *wrt[MAX_IN];

    *r = (op_record){ .c = c, .g = wg_graph_new(), .n_in = n_operands(c) };
    r->store = wg_params_new(real, 7);
    wg_params_add(r->store, "p", real, WG_SHAPE(2, 3), true, NULL, NULL);
    wg_params_fill(r->store, "p", 0.75, NULL);
    record_inputs(r, real, batch);
    r->y = c->build(r->g, r->x);
    if (exchange && !wg_graph_error(r->g)) exchange_records(r, real, batch, exchange, arg);
    if (wg_graph_error(r->g) || c->flags & VALUE_ONLY) return;

    for (int k = 0; k < r->n_in; k++) {
        if (!wg_dtype_is_real(wg_dtype_of(r->x[k]))) continue;
        wrt[r->n_wrt] = r->x[k];
        r->wrt[r->n_wrt++] = k;
    }
    for (int o = 0; o < orders && !wg_graph_error(r->g); o++) {
        wg_tensor *s = NULL;

        if (o == 0) s = weighed(r, r->y, "w");
        for (int i = 0; i < r->n_wrt && o > 0; i++) {
            char name[16];
            wg_tensor *term;

            snprintf(name, sizeof name, "v%d.%d", o, i);
            term = weighed(r, r->grad[o - 1][i], name);
            s = s ? wg_add(s, term) : term;
        }
        r->s[o] = s;
        wg_grad(s, r->n_wrt, wrt, r->grad[o]);
        r->orders = o + 1;
    }
}

void op_record_free(op_record *r)
{
    wg_graph_free(r->g);
    wg_params_free(r->store);
}

/* ---- running ---- */

enum { MAX_OUT = 1 + MAX_ORDER + MAX_ORDER * MAX_IN };

static int outputs(const op_record *r, bool sums, wg_tensor *out[MAX_OUT])
{
    int n = 0;

    if (!sums) out[n++] = r->y;
    for (int o = 0; o < r->orders; o++) out[n++] = r->s[o];
    for (int o = 0; o < r->orders && !sums; o++)
        for (int i = 0; i < r->n_wrt; i++) out[n++] = r->grad[o][i];
    return n;
}

bool op_plan_make(op_plan *p, const op_record *r, bool sums, const wg_plan_options *options)
{
    wg_tensor *out[MAX_OUT];
    int n = outputs(r, sums, out);

    *p = (op_plan){ .sums = sums };
    p->plan = wg_plan_of(n, out, r->store, options, &p->error);
    return p->plan != NULL;
}

/* Memory of the caller, holding v in this type. */
static void *converted(const nd *v, wg_dtype dtype)
{
    int64_t n = nd_count(v);
    char *data = room(n, wg_dtype_size(dtype));

    for (int64_t i = 0; i < n; i++) {
        void *to = data + (size_t)i * wg_dtype_size(dtype);

        switch (dtype) {
        case WG_F32:
            *(float *)to = (float)v->v[i];
            break;
        case WG_F64:
            *(double *)to = v->v[i];
            break;
        case WG_I64:
            *(int64_t *)to = (int64_t)v->v[i];
            break;
        default:
            *(bool *)to = v->v[i] != 0;
        }
    }
    return data;
}

static nd weights(const char *name, int rank, const int64_t *dim)
{
    nd w = nd_new(rank, dim);
    uint64_t state = seed_of(name, 5);

    for (int64_t i = 0; i < nd_count(&w); i++) w.v[i] = uniform(&state, -1, 1);
    return w;
}

/* ---- feeds ---- */

static void add_feed(op_feeds *f, const char *name, const nd *v, wg_dtype dtype)
{
    wg_feed *to = &f->feed[f->n];

    snprintf(f->name[f->n], sizeof f->name[0], "%s", name);
    to->name = f->name[f->n++];
    to->value = wg_array_of(dtype, wg_shape_of(v->rank, v->dim), converted(v, dtype));
}

static void add_weights(op_feeds *f, const char *name, const nd *shape, wg_dtype dtype)
{
    nd w = weights(name, shape->rank, shape->dim);

    add_feed(f, name, &w, dtype);
    nd_free(&w);
}

void op_feeds_make(op_feeds *f, const op_record *r, int batch)
{
    nd x[MAX_IN] = { 0 }, y;
    char name[16];

    f->n = 0;
    op_values(r->c, batch, x);
    for (int k = 0; k < r->n_in; k++) {
        snprintf(name, sizeof name, "x%d", k);
        add_feed(f, name, &x[k], wg_dtype_of(r->x[k]));
    }
    if (r->orders > 0) {
        y = op_reference(r->c, x);
        add_weights(f, "w", &y, wg_dtype_of(r->y));
        nd_free(&y);
    }
    for (int o = 1; o < r->orders; o++) {
        for (int i = 0; i < r->n_wrt; i++) {
            snprintf(name, sizeof name, "v%d.%d", o, i);
            add_weights(f, name, &x[r->wrt[i]], wg_dtype_of(r->x[r->wrt[i]]));
        }
    }
    for (int k = 0; k < r->n_in; k++) nd_free(&x[k]);
}

void op_feeds_free(op_feeds *f)
{
    while (f->n > 0) free(f->feed[--f->n].value.data);
}

/* ---- plans ---- */

/* Whether these outputs depend on an input: a gradient may not depend on everything. */
static bool reaches(const op_record *r, bool sums, const char *name)
{
    wg_tensor *out[MAX_OUT], **order;
    int64_t count = wg_order(outputs(r, sums, out), out, &order);
    bool found = false;

    for (int64_t i = 0; i < count && !found; i++)
        found = wg_tensor_record(order[i])->flags & WG_OP_FEED &&
                strcmp(*(const char *const *)wg_tensor_attr(order[i]), name) == 0;
    wg_free(order);
    return found;
}

bool op_plan_feed(op_plan *p, const op_record *r, int batch)
{
    op_feeds_free(&p->feeds);
    op_feeds_make(&p->feeds, r, batch);
    for (int k = 0; k < p->feeds.n; k++) {
        const wg_feed *f = &p->feeds.feed[k];

        if (!reaches(r, p->sums, f->name)) continue;
        if (wg_plan_feed(p->plan, f->name, f->value) == WG_OK) continue;
        p->error = *wg_plan_error(p->plan);
        return false;
    }
    return true;
}

bool op_plan_run(op_plan *p)
{
    if (wg_plan_run(p->plan) == WG_OK) return true;
    p->error = *wg_plan_error(p->plan);
    return false;
}

void op_plan_free(op_plan *p)
{
    op_feeds_free(&p->feeds);
    wg_plan_free(p->plan);
}

/* ---- derivatives ---- */

/* Sum of w y by the reference. */
static double reference_sum(const op_case *c, const nd *x)
{
    nd y = op_reference(c, x), w = weights("w", y.rank, y.dim);
    double s = 0;

    for (int64_t i = 0; i < nd_count(&y); i++) s += w.v[i] * y.v[i];
    nd_free(&y);
    nd_free(&w);
    return s;
}

/* The sum of one order at a point: by the reference for order 0, else by the plan. */
static double sum_at(const op_record *r, op_plan *sums, const nd *x, int o, int k)
{
    if (o == 0) return reference_sum(r->c, x);
    memcpy(sums->feeds.feed[k].value.data, x[k].v, (size_t)nd_count(&x[k]) * sizeof(double));
    if (!op_plan_run(sums)) return NAN;
    return wg_item(wg_plan_value_at(sums->plan, o));
}

/* Central difference with one step of Richardson extrapolation: an error of order h^4. */
static double difference(const op_record *r, op_plan *sums, nd *x, int o, int k, int64_t e)
{
    const double h = 1.0 / 256;
    double at = x[k].v[e], f[4], d;

    for (int i = 0; i < 4; i++) {
        x[k].v[e] = at + (i < 2 ? h : h / 2) * (i % 2 ? -1 : 1);
        f[i] = sum_at(r, sums, x, o, k);
    }
    x[k].v[e] = at;
    d = (4 * (f[2] - f[3]) / h - (f[0] - f[1]) / (2 * h)) / 3;
    if (o > 0)
        memcpy(sums->feeds.feed[k].value.data, x[k].v, (size_t)nd_count(&x[k]) * sizeof(double));
    return d;
}

bool op_derivatives_agree(const op_record *r, int batch, int operand, char text[300])
{
    op_plan all = { 0 }, sums = { 0 };
    nd x[MAX_IN] = { 0 };
    bool ok =
        op_plan_make(&all, r, false, NULL) && op_plan_feed(&all, r, batch) && op_plan_run(&all);

    text[0] = '\0';
    if (!ok) wg_error_text(&all.error, text, 300);
    if (ok && r->orders > 1) {
        ok = op_plan_make(&sums, r, true, NULL) && op_plan_feed(&sums, r, batch);
        if (!ok) wg_error_text(&sums.error, text, 300);
    }
    op_values(r->c, batch, x);
    for (int o = 0; o < r->orders && ok; o++) {
        for (int i = 0; i < r->n_wrt && ok; i++) {
            const wg_array *grad = wg_plan_value_at(all.plan, 1 + r->orders + o * r->n_wrt + i);
            int k = r->wrt[i];

            if (operand >= 0 && operand != k) continue;
            ok = grad && wg_shape_count(&grad->type.shape) == nd_count(&x[k]);
            if (!ok) snprintf(text, 300, "no gradient of order %d for operand %d", o + 1, k);
            for (int64_t e = 0; e < nd_count(&x[k]) && ok; e++) {
                double got = ((const double *)grad->data)[e];
                double want = difference(r, &sums, x, o, k, e);

                ok = fabs(got - want) <= 2e-8 * (1 + fabs(want));
                if (!ok)
                    snprintf(text, 300,
                             "%s: order %d, operand %d, element %d at batch %d: recorded gradient "
                             "%.12g, "
                             "difference %.12g",
                             r->c->name, o + 1, k, (int)e, batch, got, want);
            }
        }
    }
    for (int k = 0; k < r->n_in; k++) nd_free(&x[k]);
    op_plan_free(&all);
    op_plan_free(&sums);
    return ok;
}
