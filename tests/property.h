/*
 * property.h: random functions from the library's own records, for test_property.c. Everything follows from a
 * seed. Every call is a legal one: a generator that finds no operands it can use returns NULL.
 */
#ifndef PROPERTY_H
#define PROPERTY_H

#include <stdlib.h>
#include <wengert.h>
#include <wengert/op.h>

#include "harness.h"

enum { POOL = 400, FEEDS = 64 };

typedef struct {
    uint64_t state;
    wg_graph *g;
    wg_params *w;
    wg_shape full; /* what tensors of the graph broadcast to */
    wg_tensor *pool[POOL];
    int n, names;
    wg_feed feed[FEEDS];
    int n_feeds;
    wg_tensor *leaf[POOL]; /* real inputs and parameters: what to differentiate by */
    int n_leaves;
} gen;

typedef wg_tensor *generator(gen *r);

static inline int64_t below(gen *r, int64_t n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((r->state >> 33) % (uint64_t)n);
}

static inline bool chance(gen *r, int percent)
{
    return below(r, 100) < percent;
}

static inline double number(gen *r)
{
    return (double)(below(r, 4001) - 2000) / 1000;
}

static inline const wg_shape *shape_of(const wg_tensor *t)
{
    return &wg_tensor_type(t)->shape;
}

static inline int64_t count_of(const wg_tensor *t)
{
    return wg_shape_count(shape_of(t));
}

static inline bool is_real(const wg_tensor *t)
{
    return wg_dtype_is_real(wg_dtype_of(t));
}

static inline const char *fresh(gen *r, char text[16])
{
    snprintf(text, 16, "n%d", r->names++);
    return text;
}

static inline wg_tensor *put(gen *r, wg_tensor *t)
{
    if (t && r->n < POOL && count_of(t) <= 40000) r->pool[r->n++] = t;
    return t;
}

/* ---- leaves ---- */

static inline void *random_data(gen *r, const wg_type *type, int64_t most)
{
    int64_t n = wg_shape_count(&type->shape);
    void *data = malloc((size_t)wg_type_bytes(type) + 8);

    for (int64_t i = 0; i < n; i++) {
        if (type->dtype == WG_F32) ((float *)data)[i] = (float)number(r);
        else if (type->dtype == WG_F64) ((double *)data)[i] = number(r);
        else if (type->dtype == WG_I64)
            ((int64_t *)data)[i] = most > 0 ? below(r, most) : below(r, 21) - 10;
        else ((bool *)data)[i] = chance(r, 50);
    }
    return data;
}

static inline wg_tensor *constant(gen *r, wg_dtype dtype, wg_shape shape, int64_t most)
{
    wg_type type = { dtype, shape };
    void *data = random_data(r, &type, most);
    wg_tensor *t = wg_constant(r->g, (wg_array){ type, data });

    free(data);
    return t;
}

/* An input, a parameter or a constant. */
static inline wg_tensor *leaf_of(gen *r, wg_dtype dtype, wg_shape shape)
{
    wg_type type = { dtype, shape };
    char name[16];
    void *data;
    wg_tensor *t;

    if (r->n_feeds == FEEDS || chance(r, 20)) return constant(r, dtype, shape, 0);
    data = random_data(r, &type, 0);
    fresh(r, name);
    if (chance(r, 50)) {
        wg_params_add(r->w, name, dtype, shape, true, NULL, NULL);
        wg_params_set(r->w, name, (wg_array){ type, data }, NULL);
        free(data);
        t = wg_param_leaf(r->g, r->w, name);
    } else {
        t = wg_input(r->g, name, dtype, shape);
        r->feed[r->n_feeds++] = (wg_feed){ strdup(name), { type, data } };
    }
    if (wg_dtype_is_real(dtype) && r->n_leaves < POOL) r->leaf[r->n_leaves++] = t;
    return t;
}

/* The graph's full shape with some axes 1 and some leading ones left out. */
static inline wg_shape some_shape(gen *r)
{
    wg_shape s = { 0, { 0 } };

    for (int i = chance(r, 30) ? (int)below(r, r->full.rank + 1) : 0; i < r->full.rank; i++)
        s.dim[s.rank++] = chance(r, 20) ? 1 : r->full.dim[i];
    return s;
}

static inline wg_dtype some_real(gen *r)
{
    return chance(r, 70) ? WG_F32 : WG_F64;
}

/* ---- choosing operands ---- */

static inline wg_tensor *any(gen *r)
{
    return r->pool[below(r, r->n)];
}

static inline wg_tensor *real(gen *r)
{
    for (int i = 0; i < 20; i++) {
        wg_tensor *t = any(r);

        if (is_real(t)) return t;
    }
    return put(r, leaf_of(r, some_real(r), some_shape(r)));
}

static inline wg_tensor *of_dtype(gen *r, wg_dtype dtype)
{
    for (int i = 0; i < 20; i++) {
        wg_tensor *t = any(r);

        if (wg_dtype_of(t) == dtype) return t;
    }
    return put(r, leaf_of(r, dtype, some_shape(r)));
}

/* Of rank 1 at least, and not empty when `full`. */
static inline wg_tensor *axed(gen *r, bool full)
{
    for (int i = 0; i < 20; i++) {
        wg_tensor *t = real(r);

        if (wg_rank(t) > 0 && (!full || count_of(t) > 0)) return t;
    }
    return put(r, leaf_of(r, WG_F32, WG_SHAPE(2, 3)));
}

/* Broadcast extents of two shapes; false when they do not go together or become large. */
static inline bool joined(const wg_shape *a, const wg_shape *b, wg_shape *out)
{
    int64_t n;

    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < out->rank; i++) {
        int ia = i - (out->rank - a->rank), ib = i - (out->rank - b->rank);
        int64_t x = ia < 0 ? 1 : a->dim[ia], y = ib < 0 ? 1 : b->dim[ib];

        if (x != y && x != 1 && y != 1) return false;
        out->dim[i] = x == 1 ? y : x;
    }
    n = wg_shape_count(out);
    return n >= 0 && n <= 20000;
}

/* Something of a's element type that broadcasts with it. */
static inline wg_tensor *partner(gen *r, wg_tensor *a)
{
    wg_shape out = { 0, { 0 } };

    for (int i = 0; i < 30; i++) {
        wg_tensor *b = any(r);

        if (wg_dtype_of(b) == wg_dtype_of(a) && joined(shape_of(a), shape_of(b), &out)) return b;
    }
    return chance(r, 50) || !is_real(a) ? a : wg_scalar_like(a, number(r));
}

static inline int some_axis(gen *r, const wg_tensor *t)
{
    int a = (int)below(r, wg_rank(t));

    return chance(r, 30) ? a - wg_rank(t) : a;
}

static inline wg_axes some_axes(gen *r, int rank)
{
    wg_axes a = { 0, { 0 } };

    if (chance(r, 20)) return WG_ALL_AXES;
    for (int i = 0; i < rank; i++)
        if (chance(r, 50)) a.axis[a.n++] = i;
    return a;
}

/* Values that cannot run away, whatever t holds. */
static inline wg_tensor *tame(gen *r, wg_tensor *t)
{
    switch (below(r, 4)) {
    case 0:
        return wg_tanh(t);
    case 1:
        return wg_sin(t);
    case 2:
        return wg_clip(t, -2, 2);
    default:
        return wg_sigmoid(t);
    }
}

static inline wg_tensor *positive(gen *r, wg_tensor *t)
{
    return wg_add(wg_abs(chance(r, 50) ? t : tame(r, t)), wg_scalar_like(t, 0.5));
}

/* Every extent of `axis` at least 1. */
static inline bool has_room(const wg_tensor *t, int axis)
{
    return shape_of(t)->dim[axis < 0 ? axis + wg_rank(t) : axis] > 0;
}

static inline gen gen_make(uint64_t seed)
{
    static const int64_t extents[] = { 1, 2, 3, 4, 5, 7 };
    gen r = { .state = seed * 2 + 1, .g = wg_graph_new(), .w = wg_params_new(WG_F32, seed) };

    for (int i = 0; i < 5; i++) below(&r, 2);
    r.full.rank = 1 + (int)below(&r, 4);
    for (int i = 0; i < r.full.rank; i++) r.full.dim[i] = extents[below(&r, 6)];
    if (chance(&r, 15)) r.full.dim[below(&r, r.full.rank)] = 300 + below(&r, 300);
    else if (chance(&r, 5)) r.full.dim[below(&r, r.full.rank)] = 0;
    for (int i = 0; i < 5; i++)
        put(&r, leaf_of(&r, i < 3 ? some_real(&r) : i == 3 ? WG_I64 : WG_BOOL, some_shape(&r)));
    return r;
}

static inline void gen_free(gen *r)
{
    for (int i = 0; i < r->n_feeds; i++) {
        free((char *)(uintptr_t)r->feed[i].name);
        free(r->feed[i].value.data);
    }
    wg_graph_free(r->g);
    wg_params_free(r->w);
}

#endif
