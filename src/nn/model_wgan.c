/* model_wgan.c: WGAN_GP: generator and critic, the critic's loss with a penalty on its gradient. */
#include "classes.h"
#include "layer_impl.h"
#include "model.h"
#include "wengert/grad.h"
#include "wengert/models.h"
#include "wengert/ops.h"

static const wg_field wgan_fields[] = { WG_FIELD_NUM(wg_wgan_gp_hyper, g_hidden, 512),
                                        WG_FIELD_STR(wg_wgan_gp_hyper, init, "he_uniform"),
                                        WG_FIELD_STR(wg_wgan_gp_hyper, optimizer,
                                                     "RMSProp(lr=0.0001)"),
                                        WG_FIELD_NUM(wg_wgan_gp_hyper, lambda_, 10),
                                        WG_FIELD_NUM(wg_wgan_gp_hyper, n_steps, 1000),
                                        WG_FIELD_NUM(wg_wgan_gp_hyper, batchsize, 128),
                                        WG_FIELD_NUM(wg_wgan_gp_hyper, c_updates_per_epoch, 5),
                                        WG_FIELD(wg_wgan_gp_hyper, debug),
                                        WG_FIELD(wg_wgan_gp_hyper, n_feats),
                                        WG_FIELDS_END };

/* ---- a network: FC1, FC2, FC3 with ReLU, FC4 without ---- */

typedef struct {
    int64_t n_hidden;
    int64_t n_out; /* the generator's is learned */
    const char *init;
} network_hyper;

static const wg_field network_fields[] = { WG_FIELD(network_hyper, n_hidden),
                                           WG_FIELD(network_hyper, n_out),
                                           WG_FIELD_STR(network_hyper, init, "he_uniform"),
                                           WG_FIELDS_END };
static const char *const parts[] = { "FC1", "FC2", "FC3", "FC4" };

static bool network_make(wg_layer *l)
{
    const network_hyper *h = wg_layer_hyper(l);
    wg_fc_hyper hidden = { .n_out = h->n_hidden, .act_fn = "ReLU", .init = h->init };
    wg_fc_hyper last = { .n_out = h->n_out ? h->n_out : 1,
                         .act_fn = "Affine(slope=1, intercept=0)",
                         .init = h->init };

    for (int i = 0; i < 4; i++)
        if (!wg_layer_add(l, parts[i], "FullyConnected", i < 3 ? &hidden : &last)) return false;
    return true;
}

static wg_tensor *network_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    (void)n;
    return wg__chain(l, x[0], NULL, NULL);
}

static const wg_layer_class network_class = { .name = "WGAN_GP network",
                                              .hyper_size = sizeof(network_hyper),
                                              .hyper = network_fields,
                                              .n_in = 1,
                                              .make = network_make,
                                              .apply = network_apply };

/* ---- the model ---- */

static bool wgan_make(wg_layer *l)
{
    const wg_wgan_gp_hyper *h = wg_layer_hyper(l);
    network_hyper generator = { h->g_hidden, h->n_feats, h->init },
                  critic = { h->g_hidden, 1, h->init };

    if (!wg__at_least(l, "g_hidden", h->g_hidden, 1)) return false;
    if (!(h->lambda_ >= 0 && h->lambda_ < 1e300))
        return wg_layer_fail(l, WG_EARG, "lambda_ is %g, wanted 0 or more", h->lambda_);
    return wg__model_optimizer(l, h->optimizer) &&
           wg__layer_add_class(l, "critic", &network_class, &critic, true) &&
           wg__layer_add_class(l, "generator", &network_class, &generator, true);
}

static bool wgan_init(wg_layer *l, int n, const wg_type *const *x)
{
    wg_wgan_gp_hyper *h = wg_layer_change_hyper(l);
    wg_layer *generator = wg_layer_component(l, "generator");
    wg_fc_hyper *last = wg_layer_change_hyper(wg_layer_component(generator, "FC4"));

    (void)n;
    if (x[0]->shape.rank != 2 || x[0]->shape.dim[1] < 1)
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted [n, n_feats]",
                             WG_TYPE_STR(x[0]));
    if (h->n_feats && h->n_feats != x[0]->shape.dim[1])
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted [n, %lld]", WG_TYPE_STR(x[0]),
                             (long long)h->n_feats);
    h->n_feats = x[0]->shape.dim[1];
    ((network_hyper *)wg_layer_change_hyper(generator))->n_out = last->n_out = h->n_feats;
    return true;
}

static bool wgan_apply(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y)
{
    (void)n;
    y[0] = wg_apply(wg_layer_component(l, "generator"), x[0]);
    y[1] = wg_apply(wg_layer_component(l, "critic"), y[0]);
    return true;
}

const wg_layer_class wg_class_wgan_gp = { .name = "WGAN_GP",
                                          .hyper_size = sizeof(wg_wgan_gp_hyper),
                                          .hyper = wgan_fields,
                                          .n_in = 1,
                                          .n_out = 2,
                                          .make = wgan_make,
                                          .init = wgan_init,
                                          .apply_all = wgan_apply };

wg_layer *wg_wgan_gp(wg_params *w, const char *name, wg_wgan_gp_hyper hyper)
{
    return wg_layer_new(&wg_class_wgan_gp, w, name, &hyper);
}

/* ---- its two steps ---- */

/* false, with the graph in error, unless l is such a model and fits the batch. */
static bool begin_step(wg_layer *l, wg_tensor *like, const char *function)
{
    wg_graph *g = wg_tensor_graph(like);
    const wg_type *type = wg_tensor_type(like);

    if (wg_graph_error(g)) return false;
    if (!l || l->kind != &wg_class_wgan_gp)
        wg_record_fail(g, WG_EARG, function, "the layer is %s", l ? l->kind->name : "NULL");
    else if (!wg__layer_ready(l, 1, &type))
        wg_record_fail(g, l->broken.code, l->broken.op, "%s", l->broken.text);
    else wg_scope_begin(g, "%s", l->name);
    return !wg_graph_error(g);
}

static wg_tensor *draw_noise(wg_layer *l, wg_tensor *like)
{
    char name[WG__DRAW_NAME];

    return wg_layer_value(
        l, wg_normal_like(like, wg__draw_name(wg_tensor_graph(like), "noise", name), 0, 1),
        "noise");
}

/* Records a network in the scope by which numpy-ml calls its hidden values: a plan that keeps all
 * values has them under that path. */
static wg_tensor *within(wg_graph *g, const char *scope, wg_layer *network, wg_tensor *x)
{
    wg_tensor *y;

    wg_scope_begin(g, "%s", scope);
    y = wg_apply(network, x);
    wg_scope_end(g);
    return y;
}

wg_tensor *wg_wgan_gp_critic_step(wg_layer *l, wg_tensor *X_real, wg_wgan_gp_values *v)
{
    const wg_wgan_gp_hyper *h;
    wg_wgan_gp_values here, *to = v ? v : &here;
    char name[WG__DRAW_NAME];
    wg_layer *critic;
    wg_tensor *others, *fake;
    wg_graph *g;

    if (!X_real) return NULL;
    if (!begin_step(l, X_real, "wgan_gp_critic_step"))
        return wg_record_fail(wg_tensor_graph(X_real), WG_EARG, "wgan_gp", "no step");
    g = wg_tensor_graph(X_real);
    h = wg_layer_hyper(l);
    critic = wg_layer_component(l, "critic");
    to->noise = draw_noise(l, X_real);
    fake = within(g, "G_fwd_X_fake", wg_layer_component(l, "generator"), to->noise);
    to->X_fake = wg_layer_value(l, wg_detach(fake), "X_fake");
    to->alpha =
        wg_uniform_like(wg_slice_axis(X_real, 1, 0, 1, 1), wg__draw_name(g, "alpha", name), 0, 1);
    others = wg_sub(wg_scalar_like(to->alpha, 1), to->alpha);
    to->X_interp = wg_layer_value(l, wg_add(wg_mul(to->alpha, X_real), wg_mul(others, to->X_fake)),
                                  "X_interp");
    to->Y_fake = within(g, "C_fwd_Y_fake", critic, to->X_fake);
    to->Y_real = within(g, "C_fwd_Y_real", critic, X_real);
    to->Y_interp = within(g, "C_fwd_Y_interp", critic, to->X_interp);
    wg_scope_begin(g, "C_dY_interp_wrt");
    to->gradInterp = wg_gradient_at(to->Y_interp, to->X_interp);
    wg_scope_end(g);
    to->loss = wg_wgan_gp_critic_loss(to->Y_fake, to->Y_real, to->gradInterp, h->lambda_);
    wg_scope_end(g);
    return to->loss;
}

wg_tensor *wg_wgan_gp_generator_step(wg_layer *l, wg_tensor *like, wg_wgan_gp_values *v)
{
    wg_wgan_gp_values here, *to = v ? v : &here;

    if (!like) return NULL;
    if (!begin_step(l, like, "wgan_gp_generator_step"))
        return wg_record_fail(wg_tensor_graph(like), WG_EARG, "wgan_gp", "no step");
    *to = (wg_wgan_gp_values){ .loss = NULL };
    to->noise = draw_noise(l, like);
    to->X_fake = wg_apply(wg_layer_component(l, "generator"), to->noise);
    to->Y_fake = wg_apply(wg_layer_component(l, "critic"), to->X_fake);
    to->loss = wg_wgan_gp_generator_loss(to->Y_fake);
    wg_scope_end(wg_tensor_graph(like));
    return to->loss;
}

static void output_all(int n, const char *const *names, wg_tensor *const *t)
{
    for (int i = 0; i < n; i++) wg_output(names[i], t[i]);
}

/* Gradients of the loss as outputs. */
static void output_gradients(wg_tensor *loss, int n, const char *const *names,
                             wg_tensor *const *wrt)
{
    wg_tensor *grad[3];

    wg_grad(loss, n, wrt, grad);
    output_all(n, names, grad);
}

/* The generator's step leaves the critic alone. */
static void minimize_generator(wg_layer *l, wg_tensor *loss)
{
    wg_layer *critic = wg_layer_component(l, "critic");
    bool frozen = critic->frozen;

    wg_layer_freeze(critic);
    wg__model_minimize(l, wg_layer_component(l, "generator"), loss);
    if (!frozen) wg_layer_unfreeze(critic);
}

wg_graph *wg_wgan_gp_record(wg_layer *l, wg_graph *g, int64_t n_feats)
{
    static const char *const c_names[] = { "C_loss",   "X_fake",   "Y_fake",     "Y_real",
                                           "X_interp", "Y_interp", "gradInterp", "alpha" },
                             *const g_names[] = { "G_loss", "X_fake", "Y_fake" };
    static const char *const dc_names[] = { "dC_Y_fake", "dC_Y_real", "dC_gradInterp" },
                             *const dg_names[] = { "dG_Y_fake" },
                             *const d_names[] = { "dY_real", "dGrad_interp" };
    wg_wgan_gp_values v;
    wg_tensor *X, *y[2];
    wg_dtype real;

    if (!l) {
        wg_record_fail(g, WG_EARG, "wgan_gp_record", "the layer is NULL");
        return g;
    }
    real = wg_params_dtype(l->store);
    wg_begin(g, "critic", WG_TRAIN);
    X = wg_input(g, "X_real", real, WG_SHAPE(1, n_feats));
    wg_wgan_gp_critic_step(l, X, &v);
    if (wg_graph_error(g)) return g;
    output_all(8, c_names,
               (wg_tensor *[]){ v.loss, v.X_fake, v.Y_fake, v.Y_real, v.X_interp, v.Y_interp,
                                v.gradInterp, v.alpha });
    output_gradients(v.loss, 3, dc_names, (wg_tensor *[]){ v.Y_fake, v.Y_real, v.gradInterp });
    if (((const wg_wgan_gp_hyper *)wg_layer_hyper(l))->debug)
        output_gradients(v.loss, 2, d_names, (wg_tensor *[]){ v.Y_real, v.gradInterp });
    wg__model_minimize(l, wg_layer_component(l, "critic"), v.loss);
    wg_end(g);

    wg_begin(g, "generator", WG_TRAIN);
    wg_wgan_gp_generator_step(l, X, &v);
    if (wg_graph_error(g)) return g;
    output_all(3, g_names, (wg_tensor *[]){ v.loss, v.X_fake, v.Y_fake });
    output_gradients(v.loss, 1, dg_names, &v.Y_fake);
    minimize_generator(l, v.loss);
    wg_end(g);

    wg_begin(g, "predict", WG_PREDICT);
    X = wg_input(g, "noise", real, WG_SHAPE(1, n_feats));
    wg_apply_all(l, 1, &X, y);
    output_all(2, g_names + 1, y);
    return wg_end(g);
}
