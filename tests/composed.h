/*
 * composed.h: what every composition must stand: gradients of first and second order against
 * differences, recorded at batch 1 and run at others, f32 beside f64, saved and loaded.
 */
#ifndef COMPOSED_H
#define COMPOSED_H

#include <wengert.h>
#include <wengert/check.h>
#include <wengert/op.h>

#include "harness.h"

enum { COMPOSED_MOST = 8 };

typedef enum {
    COMPOSED_NORMAL,
    COMPOSED_CHANCE, /* in (0.05, 0.95) */
    COMPOSED_BIT,    /* 0 or 1 */
    COMPOSED_INDEX   /* i64, below `below` */
} composed_kind;

/* An input; extent -1 stands for the batch. */
typedef struct {
    const char *name;
    composed_kind kind;
    int rank;
    int64_t dim[3], below;
} composed_input;

/* Records the composition on its inputs and returns one real element. The store may hold
 * parameters, made at the first call. */
typedef wg_tensor *composed_build(wg_graph *g, wg_params *store, wg_tensor *const *in,
                                  const void *arg);

typedef struct {
    const char *name;
    int n;
    const composed_input *in;
    composed_build *build;
    const void *arg;
} composed;

static inline wg_shape composed_shape(const composed_input *in, int64_t batch)
{
    wg_shape s = wg_shape_of(in->rank, in->dim);

    for (int i = 0; i < s.rank; i++)
        if (s.dim[i] < 0) s.dim[i] = batch;
    return s;
}

/* Values for an input, as f64 or i64; the same for every call. New memory. */
static inline wg_array composed_values(const composed_input *in, int64_t batch)
{
    wg_array a =
        wg_array_of(in->kind == COMPOSED_INDEX ? WG_I64 : WG_F64, composed_shape(in, batch), NULL);
    int64_t n = wg_shape_count(&a.type.shape);
    double *v = calloc((size_t)n + 1, sizeof *v);
    uint64_t key = wg_random_key(in->name);

    if (in->kind == COMPOSED_NORMAL) wg_random_normal(11, key, 0, 0, n, WG_F64, v);
    else wg_random_uniform(11, key, 0, 0, n, WG_F64, v);
    for (int64_t i = 0; i < n; i++) {
        if (in->kind == COMPOSED_NORMAL && fabs(v[i]) < 0.02) v[i] = 0.3; /* off the kinks at 0 */
        if (in->kind == COMPOSED_CHANCE) v[i] = 0.05 + 0.9 * v[i];
        if (in->kind == COMPOSED_BIT) v[i] = v[i] < 0.5;
        if (in->kind == COMPOSED_INDEX)
            ((int64_t *)(void *)v)[i] = (int64_t)(v[i] * (double)in->below);
    }
    a.data = v;
    return a;
}

static inline wg_array composed_f32(wg_array a)
{
    int64_t n = wg_shape_count(&a.type.shape);
    float *v = calloc((size_t)n + 1, sizeof *v);

    for (int64_t i = 0; i < n; i++) v[i] = (float)((const double *)a.data)[i];
    a.type.dtype = WG_F32;
    a.data = v;
    return a;
}

/* Function "f" with the outputs "loss" and the gradient by every real input. */
static inline wg_graph *composed_graph(const composed *k, wg_params *store, int64_t batch,
                                       wg_tensor **loss)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *in[COMPOSED_MOST];

    wg_begin(g, "f", WG_TRAIN);
    for (int i = 0; i < k->n; i++)
        in[i] = wg_input(g, k->in[i].name, k->in[i].kind == COMPOSED_INDEX ? WG_I64 : WG_F64,
                         composed_shape(&k->in[i], batch));
    *loss = wg_output("loss", k->build(g, store, in, k->arg));
    for (int i = 0; i < k->n; i++)
        if (k->in[i].kind != COMPOSED_INDEX) wg_output(k->in[i].name, wg_grad1(*loss, in[i]));
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    return g;
}

/* Runs "f" of a graph; the plan, from which to read. */
static inline wg_plan *composed_run(const composed *k, wg_graph *g, wg_params *store,
                                    const wg_array *value)
{
    wg_error error = { .code = WG_OK };
    wg_plan *p = wg_plan_new_error(g, store, "f", NULL, &error);

    NO_ERROR(&error);
    for (int i = 0; i < k->n && p; i++) {
        wg_plan_feed(p, k->in[i].name, value[i]);
        NO_ERROR(wg_plan_error(p));
    }
    if (!p) return NULL;
    wg_plan_run(p);
    NO_ERROR(wg_plan_error(p));
    return p;
}

/* Every output of b beside that of a: to the bit, or by the measure of golden/README.md. */
static inline void composed_same(const composed *k, wg_plan *a, wg_plan *b, double tol,
                                 const char *what, int64_t batch)
{
    for (int i = -1; i < k->n && a && b; i++) {
        const char *name = i < 0 ? "loss" : k->in[i].name;
        const wg_array *x, *y;
        double top = 0, off = 0;

        if (i >= 0 && k->in[i].kind == COMPOSED_INDEX) continue;
        x = wg_plan_value(a, name);
        y = wg_plan_value(b, name);
        if (!harness_check(x && y && wg_shape_equal(&x->type.shape, &y->type.shape), __FILE__,
                           __LINE__, "%s, %s, batch %d: %s has another shape", k->name, what,
                           (int)batch, name))
            continue;
        for (int64_t e = 0; e < wg_shape_count(&x->type.shape); e++) {
            double u = harness_number(x->data, x->type.dtype, e),
                   v = harness_number(y->data, y->type.dtype, e);

            top = fmax(top, fabs(u));
            off = fabs(u - v) <= off ? off : fabs(u - v);
        }
        harness_check(off <= tol * (1 + top), __FILE__, __LINE__,
                      "%s, %s, batch %d: %s is off by %g of %g", k->name, what, (int)batch, name,
                      off, top);
    }
}

static inline void composed_differences(const composed *k, wg_tensor *loss, const wg_params *store,
                                        const wg_feed *feed)
{
    wg_check_options options = { .order = 2, .rtol = 2e-6, .atol = 1e-8 };
    wg_check_report report = { 0 };
    wg_error error = { .code = WG_OK };

    wg_check_grad(loss, store, k->n, feed, &options, &report, &error);
    NO_ERROR(&error);
    if (!harness_check(report.pass && report.n > 0, __FILE__, __LINE__, "%s: gradient is wrong",
                       k->name))
        wg_check_print(&report, stderr);
    wg_check_free(&report);
}

static inline void composed_saved(const composed *k, wg_graph *g, wg_params *store,
                                  const wg_array *value, wg_plan *before)
{
    wg_error error = { .code = WG_OK };
    wg_program program = { NULL, NULL };
    wg_plan *after;
    size_t length;
    char *text;

    wg_save_text(g, store, NULL, &text, &length, &error);
    NO_ERROR(&error);
    wg_load_text(text, length, NULL, &program, &error);
    NO_ERROR(&error);
    wg_free(text);
    if (!program.graph) return;
    after = composed_run(k, program.graph, program.params, value);
    composed_same(k, before, after, 0, "loaded", 4);
    wg_plan_free(after);
    wg_program_free(&program);
}

static inline void composed_single(const composed *k, wg_graph *g, const wg_params *store,
                                   const wg_array *value, wg_plan *before)
{
    wg_clone_options to_f32 = { .real = WG_F32 };
    wg_params *w = wg_params_copy(store, WG_F32);
    wg_graph *h = wg_graph_new();
    wg_array single[COMPOSED_MOST];
    wg_tensor *out[COMPOSED_MOST + 1], *copy[COMPOSED_MOST + 1];
    int n = wg_function_n_outputs(g, 0);
    wg_plan *p;

    for (int i = 0; i < n; i++) out[i] = wg_function_output(g, 0, i);
    wg_begin(h, "f", WG_TRAIN);
    wg_clone(h, n, out, &to_f32, copy);
    for (int i = 0; i < n; i++) wg_output(wg_function_output_name(g, 0, i), copy[i]);
    wg_end(h);
    NO_ERROR(wg_graph_error(h));
    for (int i = 0; i < k->n; i++)
        single[i] = k->in[i].kind == COMPOSED_INDEX ? value[i] : composed_f32(value[i]);
    p = composed_run(k, h, w, single);
    composed_same(k, before, p, 1e-4, "f32", 4);
    for (int i = 0; i < k->n; i++)
        if (single[i].data != value[i].data) free(single[i].data);
    wg_plan_free(p);
    wg_graph_free(h);
    wg_params_free(w);
}

/* The whole of it. */
static inline void composed_check(const composed *k)
{
    static const int64_t batches[] = { 1, 3, 4 };
    wg_params *store = wg_params_new(WG_F64, 5);
    wg_tensor *loss, *other;
    wg_graph *g = composed_graph(k, store, 1, &loss);

    for (int b = 0; b < 3 && !wg_graph_error(g); b++) {
        wg_array value[COMPOSED_MOST];
        wg_feed feed[COMPOSED_MOST];
        wg_graph *h = composed_graph(k, store, batches[b], &other);
        wg_plan *p, *q;

        for (int i = 0; i < k->n; i++) {
            value[i] = composed_values(&k->in[i], batches[b]);
            feed[i] = (wg_feed){ k->in[i].name, value[i] };
        }
        p = composed_run(k, g, store, value);
        q = composed_run(k, h, store, value);
        composed_same(k, p, q, 0, "recorded at its own batch", batches[b]);
        if (batches[b] != 3) composed_differences(k, loss, store, feed);
        if (batches[b] == 4) {
            composed_saved(k, g, store, value, p);
            composed_single(k, g, store, value, p);
        }
        wg_plan_free(p);
        wg_plan_free(q);
        wg_graph_free(h);
        for (int i = 0; i < k->n; i++) free(value[i].data);
    }
    wg_graph_free(g);
    wg_params_free(store);
}

#endif
