/* plan_world.h: what tests of plans share: a store and a graph to play with. */
#ifndef PLAN_WORLD_H
#define PLAN_WORLD_H

#include <stdlib.h>

#include "harness.h"
#include "plan_records.h"

struct world {
    wg_graph *g;
    wg_params *w;
};

static inline struct world world_make(void)
{
    return (struct world){ wg_graph_new(), wg_params_new(WG_F32, 7) };
}

static inline void world_free(struct world *o)
{
    wg_graph_free(o->g);
    wg_params_free(o->w);
}

/* A store entry of n elements start, start + 1, ...; its leaf. */
static inline wg_tensor *entry(struct world *o, const char *name, int64_t n, float start)
{
    float *v;

    CHECK(wg_params_add(o->w, name, WG_F32, WG_SHAPE(n), true, NULL, NULL) == WG_OK);
    v = wg_params_find(o->w, name)->value.data;
    for (int64_t i = 0; i < n; i++) v[i] = start + (float)i;
    return wg_param_leaf(o->g, o->w, name);
}

static inline float at(struct world *o, const char *name, int64_t i)
{
    return ((const float *)wg_params_find(o->w, name)->value.data)[i];
}

static inline float value(wg_plan *p, const char *name, int64_t i)
{
    const wg_array *a = wg_plan_value(p, name);

    NO_ERROR(wg_plan_error(p));
    return a && i < wg_shape_count(&a->type.shape) ? ((const float *)a->data)[i] : NAN;
}

static inline wg_plan *plan_with(struct world *o, wg_plan_options options)
{
    wg_error error;
    wg_plan *p = wg_plan_new_error(o->g, o->w, "f", &options, &error);

    NO_ERROR(&error);
    return p;
}

static inline wg_plan *plan(struct world *o)
{
    return plan_with(o, (wg_plan_options){ 0 });
}

/* All bytes of a store, to compare. */
static inline unsigned char *snapshot(const wg_params *w, size_t *bytes)
{
    unsigned char *all;
    size_t at_byte = 0;

    *bytes = 0;
    for (int i = 0; i < wg_params_count(w); i++)
        *bytes += (size_t)wg_type_bytes(&wg_params_at(w, i)->value.type);
    all = malloc(*bytes + 1);
    for (int i = 0; i < wg_params_count(w); i++) {
        const wg_array *v = &wg_params_at(w, i)->value;

        memcpy(all + at_byte, v->data, (size_t)wg_type_bytes(&v->type));
        at_byte += (size_t)wg_type_bytes(&v->type);
    }
    return all;
}

static inline void same_store(const wg_params *w, const unsigned char *before)
{
    size_t bytes;
    unsigned char *now = snapshot(w, &bytes);

    SAME_BITS(now, before, bytes);
    free(now);
}

/* Gradient descent with momentum on W [n] and M [n]. */
static inline void momentum(struct world *o, int64_t n, const char *w, const char *m)
{
    wg_tensor *x = wg_input(o->g, "x", WG_F32, WG_SHAPE(1)), *W = entry(o, w, n, 1),
              *M = entry(o, m, n, 0), *dW;

    dW = p_mul(W, p_total(p_mul(W, x)));
    M = p_add(p_mul(M, wg_scalar(o->g, WG_F32, 0.5)), dW);
    wg_update(m, M);
    wg_update(w, p_sub(W, p_mul(M, wg_scalar(o->g, WG_F32, 0.25))));
}

#endif
