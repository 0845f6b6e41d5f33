/* rbm.c: RBM: a restricted Boltzmann machine, trained by contrastive divergence. The update rule is
 * the gradient of F(v) - F(v'), which the engine derives. */
#include <math.h>
#include <stdio.h>

#include "classes.h"
#include "layer_impl.h"
#include "wengert/ops.h"
#include "wengert/plan.h"

static const wg_field rbm_fields[] = { WG_FIELD(wg_rbm_hyper, n_out),
                                       WG_FIELD_NUM(wg_rbm_hyper, K, 1),
                                       WG_FIELD_STR(wg_rbm_hyper, init, "glorot_uniform"),
                                       WG_FIELDS_END };

static bool rbm_make(wg_layer *l)
{
    const wg_rbm_hyper *h = wg_layer_hyper(l);

    if (!wg__at_least(l, "n_out", h->n_out, 1)) return false;
    if (!wg__at_least(l, "K", h->K, 1)) return false;
    return wg_layer_knows(l, NULL, h->init);
}

static bool rbm_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_rbm_hyper *h = wg_layer_hyper(l);
    int64_t n_in;

    (void)n;
    if (x[0]->shape.rank != 2)
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted [n, n_in]", WG_TYPE_STR(x[0]));
    n_in = x[0]->shape.dim[1];
    return wg_layer_param(l, "W", WG_SHAPE(n_in, h->n_out), true, h->init, "Sigmoid") &&
           wg_layer_param(l, "b_in", WG_SHAPE(1, n_in), true, "zeros", NULL) &&
           wg_layer_param(l, "b_out", WG_SHAPE(1, h->n_out), true, "zeros", NULL);
}

/* ---- the two conditionals and the energy ---- */

static wg_tensor *hidden_input(const wg_layer *l, wg_tensor *v)
{
    wg_graph *g = wg_tensor_graph(v);

    return wg_add(wg_matmul(v, wg_layer_leaf(l, g, "W")), wg_layer_leaf(l, g, "b_out"));
}

static wg_tensor *hidden(const wg_layer *l, wg_tensor *v)
{
    return wg_sigmoid(hidden_input(l, v));
}

static wg_tensor *visible(const wg_layer *l, wg_tensor *h)
{
    wg_graph *g = wg_tensor_graph(h);
    wg_tensor *z = wg_matmul_t(h, wg_layer_leaf(l, g, "W"), false, true);

    return wg_sigmoid(wg_add(z, wg_layer_leaf(l, g, "b_in")));
}

static wg_tensor *free_energy(const wg_layer *l, wg_tensor *v)
{
    wg_graph *g = wg_tensor_graph(v);
    wg_tensor *field = wg_sum(wg_mul(v, wg_layer_leaf(l, g, "b_in")), WG_AXES(1), false);

    return wg_neg(wg_add(field, wg_sum(wg_softplus(hidden_input(l, v)), WG_AXES(1), false)));
}

/* 1 where U <= p, else 0; the draw has a name of its own for each use in one function. */
static wg_tensor *sample(wg_tensor *p, const char *base)
{
    char name[WG__DRAW_NAME];
    wg_tensor *u = wg_uniform_like(p, wg__draw_name(wg_tensor_graph(p), base, name), 0, 1);

    return wg_cast_like(wg_le(u, p), p);
}

/* The end of a Gibbs chain from hidden probabilities p: visible ones, and all that is on the way.
 */
typedef struct {
    wg_tensor *first, *v;
} chain;

static chain gibbs(const wg_layer *l, wg_tensor *p, int64_t steps)
{
    char name[32];
    chain c = { NULL, NULL };

    for (int64_t k = 0; k < steps; k++) {
        wg_tensor *h;

        snprintf(name, sizeof name, "U%lld", (long long)k);
        h = sample(k ? hidden(l, c.v) : p, name);
        if (!k) c.first = h;
        c.v = visible(l, h);
        if (wg_graph_error(wg_tensor_graph(p))) break;
    }
    return c;
}

/* A later batch may be of another width than the one the parameters were made for. */
static bool fits(const wg_layer *l, wg_tensor *v)
{
    wg_array weight = wg_layer_parameter(l, "W");
    const wg_type *type = wg_tensor_type(v);

    if (type->shape.rank == 2 && type->shape.dim[1] == weight.type.shape.dim[0]) return true;
    wg_record_fail(wg_tensor_graph(v), WG_ESHAPE, "RBM",
                   "the input is %s, wanted [n, n_in] for W %s", WG_TYPE_STR(type),
                   WG_TYPE_STR(&weight.type));
    return false;
}

static bool rbm_apply(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y)
{
    const wg_rbm_hyper *h = wg_layer_hyper(l);
    wg_tensor *v = x[0], *p, *energy, *v2, *p2;
    chain c;

    (void)n;
    if (!fits(l, v)) return false;
    p = wg_layer_value(l, hidden(l, v), "p_H");
    c = gibbs(l, p, h->K);
    wg_layer_value(l, c.first, "H");
    v2 = wg_layer_value(l, wg_detach(c.v), "p_V_prime");
    p2 = wg_layer_value(l, hidden(l, v2), "p_H_prime");
    wg_layer_value(l, wg_matmul_t(v, p, true, false), "positive_grad");
    wg_layer_value(l, wg_matmul_t(v2, p2, true, false), "negative_grad");
    energy = wg_layer_value(l, free_energy(l, v), "free_energy");
    y[0] = p;
    y[1] =
        wg_sub(wg_sum(energy, WG_ALL_AXES, false), wg_sum(free_energy(l, v2), WG_ALL_AXES, false));
    return true;
}

const wg_layer_class wg_class_rbm = { .name = "RBM",
                                      .hyper_size = sizeof(wg_rbm_hyper),
                                      .hyper = rbm_fields,
                                      .n_in = 1,
                                      .n_out = 2,
                                      .make = rbm_make,
                                      .init = rbm_init,
                                      .apply_all = rbm_apply };

wg_layer *wg_rbm(wg_params *w, const char *name, wg_rbm_hyper hyper)
{
    return wg_layer_new(&wg_class_rbm, w, name, &hyper);
}

/* ---- beside the forward pass ---- */

/* Opens the layer's scope when it can be used on v; it learns n_in if it has not yet. */
static bool begin(wg_layer *l, wg_tensor *v)
{
    wg_graph *g = wg_tensor_graph(v);
    const wg_type *type = wg_tensor_type(v);

    if (wg_graph_error(g)) return false;
    if (!l || l->kind != &wg_class_rbm) {
        wg_record_fail(g, WG_EARG, "RBM", "%s is no RBM", l ? l->name : "NULL");
        return false;
    }
    wg_scope_begin(g, "%s", l->id[0] ? l->id : "RBM");
    if (!wg__layer_ready(l, 1, &type)) wg__layer_why(l, g);
    else if (fits(l, v)) return true;
    wg_scope_end(g);
    return false;
}

/* The poison, as every constructor gives it after an error. */
static wg_tensor *failed(wg_tensor *v)
{
    return wg_record_fail(wg_tensor_graph(v), WG_EARG, "RBM", "the graph is in error");
}

wg_tensor *wg_rbm_free_energy(wg_layer *l, wg_tensor *v)
{
    wg_tensor *energy;

    if (!v) return NULL;
    if (!begin(l, v)) return failed(v);
    energy = free_energy(l, v);
    wg_scope_end(wg_tensor_graph(v));
    return energy;
}

wg_tensor *wg_rbm_reconstruction(wg_layer *l, wg_tensor *v, int64_t n_steps, bool return_prob)
{
    wg_graph *g = wg_tensor_graph(v);
    wg_tensor *p;

    if (!v) return NULL;
    if (n_steps < 1)
        return wg_record_fail(g, WG_EARG, "RBM", "n_steps is %lld, wanted at least 1",
                              (long long)n_steps);
    if (!begin(l, v)) return failed(v);
    wg_scope_begin(g, "reconstruct");
    p = gibbs(l, hidden(l, v), n_steps).v;
    if (!return_prob) p = sample(p, "U_V");
    wg_scope_end(g);
    wg_scope_end(g);
    return p;
}

/* Runs the program once and counts the run, so that the next call draws others. */
static wg_status run_once(wg_layer *l, wg_tensor *result, wg_array v, wg_array *y)
{
    const wg_param *run = wg_params_find(l->store, "rng/run");

    if (wg_read(result, l->store, 1, &(wg_feed){ "v", v }, y, &l->error) == WG_OK && run)
        *(int64_t *)run->value.data += 1;
    return l->error.code;
}

wg_status wg_rbm_reconstruct(wg_layer *l, wg_array v, int64_t n_steps, bool return_prob,
                             wg_array *y)
{
    wg_graph *g;

    if (!l || !y) return WG_EARG;
    *y = (wg_array){ .data = NULL };
    l->error = l->broken;
    if (l->error.code != WG_OK) return l->error.code;
    g = wg_graph_new();
    if (!g) return wg_fail(&l->error, WG_ENOMEM, "RBM", "out of memory");
    run_once(l,
             wg_rbm_reconstruction(l, wg_input(g, "v", v.type.dtype, v.type.shape), n_steps,
                                   return_prob),
             v, y);
    wg_graph_free(g);
    return l->error.code;
}

wg_status wg_rbm_cd_update(wg_layer *l, wg_array v)
{
    double one = 1;
    float one_f32 = 1;
    wg_array y[2], dy[2] = { { .data = NULL } };
    wg_status status;

    if (!l) return WG_EARG;
    if (l->kind != &wg_class_rbm)
        return wg_fail(&l->error, WG_EARG, l->kind->name, "%s is no RBM", l->name);
    wg_layer_flush_gradients(l);
    status = wg_layer_forward(l, 1, &v, true, y);
    if (status != WG_OK) return status;
    dy[1] = wg_array_of(y[1].type.dtype, WG_SHAPE_SCALAR,
                        y[1].type.dtype == WG_F32 ? (void *)&one_f32 : (void *)&one);
    status = wg_layer_backward(l, 1, dy, true, NULL);
    return status == WG_OK ? wg_layer_update(l, NAN) : status;
}
