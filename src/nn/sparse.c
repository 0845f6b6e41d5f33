/* sparse.c: SparseEvolution: a dense layer of which only some connections exist, and its evolution.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "layer_impl.h"
#include "own.h"
#include "wengert/ops.h"

static const wg_field sparse_fields[] = { WG_FIELD(wg_sparse_hyper, n_out),
                                          WG_FIELD_NUM(wg_sparse_hyper, zeta, 0.3),
                                          WG_FIELD_NUM(wg_sparse_hyper, epsilon, 20),
                                          WG_FIELD_STR(wg_sparse_hyper, act_fn, "Identity"),
                                          WG_FIELD_STR(wg_sparse_hyper, init, "glorot_uniform"),
                                          WG_FIELDS_END };

static bool sparse_make(wg_layer *l)
{
    const wg_sparse_hyper *h = wg_layer_hyper(l);

    if (!wg__at_least(l, "n_out", h->n_out, 1)) return false;
    if (!(h->zeta >= 0 && h->zeta <= 1))
        return wg_layer_fail(l, WG_EARG, "zeta is %g, wanted 0 to 1", h->zeta);
    if (!(h->epsilon > 0 && h->epsilon <= 1e300))
        return wg_layer_fail(l, WG_EARG, "epsilon is %g, wanted above 0", h->epsilon);
    return wg_layer_knows(l, h->act_fn, h->init);
}

double wg_sparse_density(double epsilon, int64_t n_in, int64_t n_out)
{
    return fmin(1, epsilon * ((double)n_in + (double)n_out) / ((double)n_in * (double)n_out));
}

static void set(wg_array *a, int64_t i, double v)
{
    if (a->type.dtype == WG_F32) ((float *)a->data)[i] = (float)v;
    else ((double *)a->data)[i] = v;
}

/* Connections of an Erdos-Renyi graph, each drawn from its own place in the stream of the entry. */
static void draw_mask(wg_layer *l, const char *full, double p)
{
    wg_array mask = wg_params_find(l->store, full)->value;
    int64_t n = wg_shape_count(&mask.type.shape);
    double u;

    for (int64_t i = 0; i < n; i++) {
        wg_random_uniform(wg_params_seed(l->store), wg_random_key(full), 0, i, 1, WG_F64, &u);
        set(&mask, i, u < p);
    }
}

static bool sparse_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_sparse_hyper *h = wg_layer_hyper(l);
    char full[WG_PATH_MAX];
    int64_t n_in;
    bool given;

    (void)n;
    if (x[0]->shape.rank < 2)
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted [n, ..., n_in]",
                             WG_TYPE_STR(x[0]));
    n_in = x[0]->shape.dim[x[0]->shape.rank - 1];
    if (!wg__layer_path(full, sizeof full, l, "W_mask"))
        return wg_layer_fail(l, WG_ENAME, "the layer's name is too long");
    given = wg_params_find(l->store, full) != NULL; /* loaded, or set before the first use */
    if (!wg_layer_param(l, "W", WG_SHAPE(n_in, h->n_out), true, h->init, h->act_fn) ||
        !wg_layer_param(l, "b", WG_SHAPE(1, h->n_out), true, "zeros", NULL) ||
        !wg_layer_param(l, "W_mask", WG_SHAPE(n_in, h->n_out), false, "zeros", NULL))
        return false;
    if (!given) draw_mask(l, full, wg_sparse_density(h->epsilon, n_in, h->n_out));
    return true;
}

static wg_tensor *sparse_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_sparse_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x[0]);
    wg_tensor *weight = wg_mul(wg_layer_leaf(l, g, "W_mask"), wg_layer_leaf(l, g, "W")), *z;

    (void)n;
    z = wg_add(wg_matmul(x[0], weight), wg_layer_leaf(l, g, "b"));
    return wg_act(h->act_fn, wg_layer_value(l, z, "Z"));
}

/* ---- evolution ---- */

typedef struct {
    double size; /* |w|, or a random draw */
    int64_t at;
} place;

static int by_size(const void *a, const void *b)
{
    const place *x = a, *y = b;

    if (x->size < y->size) return -1;
    if (x->size > y->size) return 1;
    return x->at < y->at ? -1
                         : x->at > y->at; /* qsort alone would leave the order of equals open */
}

/* Cuts the floor(zeta count) connections of this sign whose weights are nearest to zero. */
static int64_t cut(const wg_array *weight, wg_array *mask, int sign, double zeta, place *list)
{
    int64_t n = wg_shape_count(&weight->type.shape), count = 0, k;

    for (int64_t i = 0; i < n; i++) {
        double w = wg__array_at(weight, i);

        if (wg__array_at(mask, i) == 0 || !(w * sign > 0)) continue;
        list[count].size = fabs(w);
        list[count++].at = i;
    }
    k = (int64_t)floor(zeta * (double)count);
    if (k < 1) return 0;
    qsort(list, (size_t)count, sizeof *list, by_size);
    for (int64_t i = 0; i < k; i++) set(mask, list[i].at, 0);
    return k;
}

/* Grows k connections: every place without one draws a number, the k smallest win. */
static void grow(wg_array *mask, int64_t k, uint64_t seed, uint64_t key, uint64_t step, place *list)
{
    int64_t n = wg_shape_count(&mask->type.shape), count = 0;

    for (int64_t i = 0; i < n; i++) {
        if (wg__array_at(mask, i) != 0) continue;
        wg_random_uniform(seed, key, step, i, 1, WG_F64, &list[count].size);
        list[count++].at = i;
    }
    qsort(list, (size_t)count, sizeof *list, by_size);
    for (int64_t i = 0; i < k; i++) set(mask, list[i].at, 1);
}

int64_t wg_sparse_prune(wg_array weight, wg_array mask, double zeta)
{
    int64_t n = wg_shape_count(&weight.type.shape), k;
    place *list;

    if (!wg_dtype_is_real(weight.type.dtype) || !wg_type_equal(&weight.type, &mask.type) ||
        !(zeta >= 0 && zeta <= 1))
        return -1;
    list = wg_alloc(n + 1, sizeof *list);
    if (!list) return -1;
    k = cut(&weight, &mask, 1, zeta, list);
    k += cut(&weight, &mask, -1, zeta, list);
    wg_free(list);
    return k;
}

static wg_status evolve_fail(wg_layer *l, wg_status code, const char *text)
{
    return wg_fail(&l->error, code, l->kind->name, "%s%s", l->name, text);
}

wg_status wg_sparse_evolve(wg_layer *l, uint64_t step, int64_t *n_rewired)
{
    const wg_sparse_hyper *h;
    char full[WG_PATH_MAX + 16];
    wg_array weight, mask;
    place *list;
    int64_t k;

    if (!l) return WG_EARG;
    l->error = l->broken;
    if (l->error.code != WG_OK) return l->error.code;
    if (l->kind != &wg_class_sparse_evolution)
        return evolve_fail(l, WG_EARG, " is no SparseEvolution");
    if (!l->ready) return evolve_fail(l, WG_ESTATE, " has no connections before its first use");
    if (!wg_layer_trainable(l)) return evolve_fail(l, WG_ESTATE, ": the layer is frozen");
    h = wg_layer_hyper(l);
    weight = wg_layer_parameter(l, "W");
    mask = wg_layer_parameter(l, "W_mask");
    list = wg_alloc(wg_shape_count(&weight.type.shape) + 1, sizeof *list);
    if (!list) return evolve_fail(l, WG_ENOMEM, ": out of memory");
    k = cut(&weight, &mask, 1, h->zeta, list);
    k += cut(&weight, &mask, -1, h->zeta, list);
    snprintf(full, sizeof full, "%s/evolve", l->name);
    grow(&mask, k, wg_params_seed(l->store), wg_random_key(full), step, list);
    wg_free(list);
    if (n_rewired) *n_rewired = k;
    return WG_OK;
}

static bool sparse_updated(wg_layer *l, int64_t step)
{
    return wg_sparse_evolve(l, (uint64_t)step, NULL) == WG_OK;
}

const wg_layer_class wg_class_sparse_evolution = { .name = "SparseEvolution",
                                                   .hyper_size = sizeof(wg_sparse_hyper),
                                                   .hyper = sparse_fields,
                                                   .n_in = 1,
                                                   .make = sparse_make,
                                                   .init = sparse_init,
                                                   .apply = sparse_apply,
                                                   .updated = sparse_updated };

wg_layer *wg_sparse_evolution(wg_params *w, const char *name, wg_sparse_hyper hyper)
{
    return wg_layer_new(&wg_class_sparse_evolution, w, name, &hyper);
}
