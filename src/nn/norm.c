/* norm.c: BatchNorm1D, BatchNorm2D, LayerNorm1D, LayerNorm2D. */
#include "classes.h"
#include "wengert/ops.h"

static const wg_field batchnorm_fields[] = { WG_FIELD_NUM(wg_batchnorm_hyper, momentum, 0.9),
                                             WG_FIELD_NUM(wg_batchnorm_hyper, epsilon, 1e-5),
                                             WG_FIELD(wg_batchnorm_hyper, unbiased),
                                             WG_FIELDS_END };
static const wg_field layernorm_fields[] = { WG_FIELD_NUM(wg_layernorm_hyper, epsilon, 1e-5),
                                             WG_FIELDS_END };

static bool good_epsilon(wg_layer *l, double epsilon)
{
    /* written so that NaN fails */
    if (epsilon >= 0 && epsilon <= 1e300) return true;
    return wg_layer_fail(l, WG_EARG, "epsilon is %g, wanted 0 or more", epsilon);
}

static bool batchnorm_make(wg_layer *l)
{
    const wg_batchnorm_hyper *h = wg_layer_hyper(l);

    if (h->momentum >= 0 && h->momentum <= 1) return good_epsilon(l, h->epsilon);
    return wg_layer_fail(l, WG_EARG, "momentum is %g, wanted 0 to 1", h->momentum);
}

static bool layernorm_make(wg_layer *l)
{
    return good_epsilon(l, ((const wg_layernorm_hyper *)wg_layer_hyper(l))->epsilon);
}

/* The axes 0..n-1: those of the examples, and in images of rows and columns. */
static wg_axes first_axes(int n)
{
    return wg_axes_of(n, (const int[]){ 0, 1, 2 });
}

static const char *wanted(int rank)
{
    return rank == 2 ? "[n, n_in]" : "[n, rows, cols, ch]";
}

/* Parameters have the extents of the last n_last axes. */
static bool norm_init(wg_layer *l, const wg_type *x, int rank, int n_last, bool running)
{
    wg_shape s;

    if (x->shape.rank != rank)
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted %s", WG_TYPE_STR(x),
                             wanted(rank));
    s = wg_shape_of(n_last, x->shape.dim + rank - n_last);
    return wg_layer_param(l, "scaler", s, true, "ones", NULL) &&
           wg_layer_param(l, "intercept", s, true, "zeros", NULL) &&
           (!running || (wg_layer_param(l, "running_var", s, false, "ones", NULL) &&
                         wg_layer_param(l, "running_mean", s, false, "zeros", NULL)));
}

static bool batchnorm1d_init(wg_layer *l, int n, const wg_type *const *x)
{
    (void)n;
    return norm_init(l, x[0], 2, 1, true);
}
static bool batchnorm2d_init(wg_layer *l, int n, const wg_type *const *x)
{
    (void)n;
    return norm_init(l, x[0], 4, 1, true);
}
static bool layernorm1d_init(wg_layer *l, int n, const wg_type *const *x)
{
    (void)n;
    return norm_init(l, x[0], 2, 1, false);
}
static bool layernorm2d_init(wg_layer *l, int n, const wg_type *const *x)
{
    (void)n;
    return norm_init(l, x[0], 4, 3, false);
}

/* A later input may be another than the one the parameters were made for. */
static bool fits(const wg_layer *l, const wg_tensor *x, int rank)
{
    wg_array scaler = wg_layer_parameter(l, "scaler");
    const wg_type *type = wg_tensor_type(x);
    int last = scaler.type.shape.rank, from = type->shape.rank - last;
    bool ok = type->shape.rank == rank;

    for (int i = 0; ok && i < last; i++) ok = type->shape.dim[from + i] == scaler.type.shape.dim[i];
    if (!ok)
        wg_record_fail(wg_tensor_graph(x), WG_ESHAPE, wg_layer_kind(l),
                       "the input is %s, wanted %s for scaler %s", WG_TYPE_STR(type), wanted(rank),
                       WG_TYPE_STR(&scaler.type));
    return ok;
}

/* running = momentum running + (1 - momentum) batch, after the run; a batch of nothing, whose
 * statistics are NaN, leaves it as it was. */
static void follow(const wg_layer *l, const char *key, wg_tensor *batch, wg_tensor *m)
{
    const wg_batchnorm_hyper *h = wg_layer_hyper(l);
    wg_tensor *old = wg_layer_pending(l, wg_tensor_graph(batch), key), *next;

    next = wg_add(wg_mul(old, wg_scalar_like(batch, h->momentum)),
                  wg_mul(batch, wg_scalar_like(batch, 1 - h->momentum)));
    wg_layer_assign(l, wg_where(wg_gt(m, wg_scalar_like(m, 0)), next, old), key);
}

/* var m / (m - 1), and var itself for one element */
static wg_tensor *unbiased(wg_tensor *var, wg_tensor *m)
{
    wg_tensor *one = wg_scalar_like(m, 1);

    return wg_mul(var, wg_div(m, wg_maximum(wg_sub(m, one), one)));
}

static wg_tensor *batchnorm(wg_layer *l, wg_tensor *x, int rank)
{
    const wg_batchnorm_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x);
    bool train = wg_layer_trains(l, g);
    wg_axes axes = first_axes(rank - 1);
    wg_tensor *mean, *var, *m, *normal, *scaler;

    if (!fits(l, x, rank)) return NULL;
    /* broadcasting alone would make an input of one channel as wide as the parameters: the ops that
     * take a type (reshape_like, expand_like) refuse it when the plan runs */
    if (train) {
        mean = wg_mean(x, axes, true); /* as wg_var has it: x - mean is made once */
        var = wg_var(x, axes, 0, false);
        m = wg_count(x, axes);
        follow(l, "running_mean", wg_reshape_like(mean, var), m);
        follow(l, "running_var", h->unbiased ? unbiased(var, m) : var, m);
    } else {
        mean = wg_expand_like(wg_layer_pending(l, g, "running_mean"), x, axes, false);
        var = wg_layer_pending(l, g, "running_var");
    }
    normal = wg_mul(wg_sub(x, mean), wg_rsqrt(wg_add(var, wg_scalar_like(var, h->epsilon))));
    scaler = wg_reshape_like(wg_layer_leaf(l, g, "scaler"), var);
    return wg_add(wg_mul(normal, scaler), wg_layer_leaf(l, g, "intercept"));
}

static wg_tensor *batchnorm1d_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    (void)n;
    return batchnorm(l, x[0], 2);
}
static wg_tensor *batchnorm2d_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    (void)n;
    return batchnorm(l, x[0], 4);
}

static wg_tensor *layernorm(wg_layer *l, wg_tensor *x, int rank)
{
    const wg_layernorm_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x);
    wg_axes axes = rank == 2 ? WG_AXES(1) : WG_AXES(1, 2, 3);
    wg_tensor *mean, *var, *normal, *scaler;

    if (!fits(l, x, rank)) return NULL;
    mean = wg_mean(x, axes, true);
    var = wg_var(x, axes, 0, true);
    normal = wg_mul(wg_sub(x, mean), wg_rsqrt(wg_add(var, wg_scalar_like(var, h->epsilon))));
    scaler = wg_expand_like(wg_layer_leaf(l, g, "scaler"), normal, first_axes(1), false);
    return wg_add(wg_mul(normal, scaler), wg_layer_leaf(l, g, "intercept"));
}

static wg_tensor *layernorm1d_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    (void)n;
    return layernorm(l, x[0], 2);
}
static wg_tensor *layernorm2d_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    (void)n;
    return layernorm(l, x[0], 4);
}

const wg_layer_class wg_class_batchnorm1d = { .name = "BatchNorm1D",
                                              .hyper_size = sizeof(wg_batchnorm_hyper),
                                              .hyper = batchnorm_fields,
                                              .n_in = 1,
                                              .make = batchnorm_make,
                                              .init = batchnorm1d_init,
                                              .apply = batchnorm1d_apply };
const wg_layer_class wg_class_batchnorm2d = { .name = "BatchNorm2D",
                                              .hyper_size = sizeof(wg_batchnorm_hyper),
                                              .hyper = batchnorm_fields,
                                              .n_in = 1,
                                              .make = batchnorm_make,
                                              .init = batchnorm2d_init,
                                              .apply = batchnorm2d_apply };
const wg_layer_class wg_class_layernorm1d = { .name = "LayerNorm1D",
                                              .hyper_size = sizeof(wg_layernorm_hyper),
                                              .hyper = layernorm_fields,
                                              .n_in = 1,
                                              .make = layernorm_make,
                                              .init = layernorm1d_init,
                                              .apply = layernorm1d_apply };
const wg_layer_class wg_class_layernorm2d = { .name = "LayerNorm2D",
                                              .hyper_size = sizeof(wg_layernorm_hyper),
                                              .hyper = layernorm_fields,
                                              .n_in = 1,
                                              .make = layernorm_make,
                                              .init = layernorm2d_init,
                                              .apply = layernorm2d_apply };

wg_layer *wg_batchnorm1d(wg_params *w, const char *name, wg_batchnorm_hyper hyper)
{
    return wg_layer_new(&wg_class_batchnorm1d, w, name, &hyper);
}
wg_layer *wg_batchnorm2d(wg_params *w, const char *name, wg_batchnorm_hyper hyper)
{
    return wg_layer_new(&wg_class_batchnorm2d, w, name, &hyper);
}
wg_layer *wg_layernorm1d(wg_params *w, const char *name, wg_layernorm_hyper hyper)
{
    return wg_layer_new(&wg_class_layernorm1d, w, name, &hyper);
}
wg_layer *wg_layernorm2d(wg_params *w, const char *name, wg_layernorm_hyper hyper)
{
    return wg_layer_new(&wg_class_layernorm2d, w, name, &hyper);
}
