/*
 * op_run.h: runs entries by calling their kernels one after the other, without a plan, so that a test of a
 * kernel tests the kernel alone. Types are inferred again from the arrays fed, as a plan does.
 */
#ifndef OP_RUN_H
#define OP_RUN_H

#include "harness.h"

#include <wengert/grad.h>
#include <wengert/graph.h>
#include <wengert/op.h>
#include <wengert/ops.h>
#include <wengert/plan.h>

#include "graph/internal.h"

/* The error of the last run. */
static wg_error run_error;

static inline int64_t run_count(const wg_array *a)
{
    return wg_shape_count(&a->type.shape);
}

/* Element-wise: one element at a time, operands broadcast. */
static inline void run_rows(const wg_op *op, const wg_tensor *t, const wg_array *in, wg_array *out)
{
    wg_row_fn *row = wg__row_kernel(op, in[op->decides < 0 ? 0 : op->decides].type.dtype, 0);

    for (int64_t i = 0; i < run_count(out); i++) {
        const void *x[8];
        int step[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };

        for (int k = 0; k < t->n_in; k++) {
            const wg_shape *s = &in[k].type.shape;
            int64_t rest = i, at = 0, size = 1;

            for (int a = out->type.shape.rank - 1, b = s->rank - 1; a >= 0; a--, b--) {
                int64_t index = rest % out->type.shape.dim[a];

                rest /= out->type.shape.dim[a];
                if (b < 0) continue;
                at += (s->dim[b] == 1 ? 0 : index) * size;
                size *= s->dim[b];
            }
            x[k] = (char *)in[k].data + at * (int64_t)wg_dtype_size(in[k].type.dtype);
        }
        row(t->attr, 1, x, step, (char *)out->data + i * (int64_t)wg_dtype_size(out->type.dtype));
    }
}

static inline bool run_entry(const wg_tensor *t, const wg_array *value, int threads, wg_array *out)
{
    wg_array *in = calloc((size_t)t->n_in + 1, sizeof *in);
    const wg_type **type = calloc((size_t)t->n_in + 1, sizeof *type);
    const void **x = calloc((size_t)t->n_in + 1, sizeof *x);
    void *scratch = NULL;
    wg_eval_fn *eval;
    bool ok;

    for (int i = 0; i < t->n_in; i++) {
        in[i] = value[t->in[i]->id];
        type[i] = &in[i].type;
        x[i] = t->op->shape_only >> (i > 31 ? 31 : i) & 1 ? NULL : in[i].data;
    }
    ok = wg__infer(t->op, t->attr, t->n_in, type, &out->type, &run_error);
    if (!ok) goto done;
    out->data = malloc((size_t)wg_type_bytes(&out->type) + 64);
    memset(out->data, 0xa5, (size_t)wg_type_bytes(&out->type) + 64);
    eval = wg__eval_kernel(t->op, wg__deciding_dtype(t->op, t->n_in, type, &out->type), 0);
    if (eval) {
        wg_sig s = { t->op, t->attr, t->n_in, type, &run_error };

        if (t->op->scratch) scratch = malloc(t->op->scratch(&s, &out->type, threads) + 1);
        eval(&(wg_call){ t->op, t->attr, t->n_in, type, x, &out->type, out->data, scratch, threads,
                         &run_error, NULL });
        /* nothing is written behind the result */
        for (int i = 0; i < 64; i++)
            ok = ok && ((unsigned char *)out->data)[wg_type_bytes(&out->type) + i] == 0xa5;
        CHECK(ok);
        ok = run_error.code == WG_OK;
    } else {
        run_rows(t->op, t, in, out);
    }
done:
    free(scratch);
    free(in);
    free(type);
    free(x);
    return ok;
}

/* The value of t with these feeds (inputs and parameters by name), on so many threads. The caller frees
 * .data; it is NULL after an error, which is in run_error. */
static inline wg_array run(wg_tensor *t, int threads, int n_feeds, const wg_feed *feeds)
{
    wg_tensor **order;
    int64_t n = wg_order(1, &t, &order);
    wg_array *value = calloc((size_t)wg_graph_count(t->graph), sizeof *value), result = { 0 };
    bool ok = n > 0;

    memset(&run_error, 0, sizeof run_error);
    for (int64_t i = 0; i < n && ok; i++) {
        wg_array *v = &value[order[i]->id];

        if (order[i]->op->flags & (WG_OP_FEED | WG_OP_PARAM)) {
            for (int k = 0; k < n_feeds; k++) {
                if (strcmp(feeds[k].name, wg__leaf_name(order[i])) != 0) continue;
                *v = feeds[k].value;
                v->data = malloc((size_t)wg_type_bytes(&v->type) + 1);
                if (wg_type_bytes(&v->type))
                    memcpy(v->data, feeds[k].value.data, (size_t)wg_type_bytes(&v->type));
            }
            if (!v->data) {
                wg_fail(&run_error, WG_ESTATE, "run", "%s was not fed", wg__leaf_name(order[i]));
                ok = false;
            }
        } else {
            ok = run_entry(order[i], value, threads, v);
        }
    }
    if (ok) {
        result = value[t->id];
        value[t->id].data = NULL;
    }
    for (int64_t i = 0; i < wg_graph_count(t->graph); i++) free(value[i].data);
    free(value);
    wg_free(order);
    return result;
}

/* Records the gradient of operand k of entry y for the gradient dy of y: its record's own rule. */
static inline wg_tensor *rule(wg_tensor *y, wg_tensor *dy, int k)
{
    wg_tensor **dx = calloc((size_t)y->n_in, sizeof *dx), *result;
    bool *need = calloc((size_t)y->n_in, sizeof *need);

    need[k] = true;
    y->op->vjp(&(wg_vjp){ y, dy, y->n_in, y->in, need, y->attr }, dx);
    result = dx[k];
    free(dx);
    free(need);
    return result;
}

/* Elements 1, 2, ... of a type, or for bool 1, 0, 0, 1, 0, 0, ...: any misplaced one shows. */
static inline wg_array numbered(wg_dtype dtype, wg_shape shape)
{
    wg_array a = { { dtype, shape }, NULL };
    int64_t n = wg_shape_count(&shape);

    a.data = malloc((size_t)wg_type_bytes(&a.type) + 1);
    for (int64_t i = 0; i < n; i++) {
        if (dtype == WG_F32) ((float *)a.data)[i] = (float)(i + 1);
        else if (dtype == WG_F64) ((double *)a.data)[i] = (double)(i + 1);
        else if (dtype == WG_I64) ((int64_t *)a.data)[i] = i + 1;
        else ((unsigned char *)a.data)[i] = i % 3 == 0;
    }
    return a;
}

/* Small pseudo-random numbers in [-1, 1), the same for the same seed. */
static inline uint64_t mixed(uint64_t i)
{
    i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9u;
    i = (i ^ (i >> 27)) * 0x94d049bb133111ebu;
    return i ^ (i >> 31);
}
static inline double noise(uint64_t seed, int64_t i)
{
    return (double)(mixed(mixed(seed + 1) + (uint64_t)i) >> 11) * 0x1p-52 - 1;
}
static inline wg_array noisy(wg_dtype dtype, wg_shape shape, uint64_t seed)
{
    wg_array a = { { dtype, shape }, NULL };

    a.data = malloc((size_t)wg_type_bytes(&a.type) + 1);
    for (int64_t i = 0; i < wg_shape_count(&shape); i++) {
        if (dtype == WG_F32) ((float *)a.data)[i] = (float)noise(seed, i);
        else if (dtype == WG_F64) ((double *)a.data)[i] = noise(seed, i);
        else ((int64_t *)a.data)[i] = (int64_t)(noise(seed, i) * 1000);
    }
    return a;
}

static inline double inner(const wg_array *a, const wg_array *b)
{
    double sum = 0;

    for (int64_t i = 0; i < run_count(a); i++)
        sum += ((const double *)a->data)[i] * ((const double *)b->data)[i];
    return sum;
}

#endif
