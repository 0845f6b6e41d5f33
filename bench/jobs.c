/* jobs.c: see jobs.h. */
#include <stdlib.h>
#include <string.h>
#include <wengert/op.h>

#include "jobs.h"

/* ---- data ---- */

enum { NORMAL, UNIFORM, ONES, INDEX };

/* n numbers of one kind, rounded to f32 whatever their type is; `below` bounds indices. Drawn some
 * at a time: memory that is let go again would count as that of a step. */
static void fill(wg_array *a, uint64_t key, int what, int64_t below)
{
    enum { DRAWN = 1024 };
    int64_t n = wg_shape_count(&a->type.shape);
    size_t bytes = (size_t)n * wg_dtype_size(a->type.dtype);
    float draw[DRAWN];

    a->data = aligned_alloc(64, (bytes + 63) / 64 * 64); /* as PyTorch's own tensors are */
    if (!a->data) abort();
    for (int64_t first = 0; first < n; first += DRAWN) {
        int64_t m = n - first < DRAWN ? n - first : DRAWN;

        if (what == NORMAL) wg_random_normal(1, key, 0, first, m, WG_F32, draw);
        else wg_random_uniform(1, key, 0, first, m, WG_F32, draw);
        for (int64_t i = 0; i < m; i++) {
            double x = what == ONES ? 1 : (double)draw[i];

            if (what == INDEX) ((int64_t *)a->data)[first + i] = (int64_t)(x * (double)below);
            else if (a->type.dtype == WG_F64) ((double *)a->data)[first + i] = x;
            else ((float *)a->data)[first + i] = (float)x;
        }
    }
}

static void feed(job *j, const char *name, wg_dtype dtype, wg_shape shape, int what, int64_t below)
{
    wg_array a = { { dtype, shape }, NULL };

    fill(&a, (uint64_t)(j->n_fed + 1), what, below);
    j->name[j->n_fed] = name;
    j->fed[j->n_fed++] = a;
}

static wg_tensor *real(job *j, const char *name, wg_shape shape, int what)
{
    feed(j, name, j->kind.real, shape, what, 0);
    return wg_input(j->g, name, j->kind.real, shape);
}

static wg_tensor *normal(job *j, const char *name, wg_shape shape)
{
    return real(j, name, shape, NORMAL);
}

static wg_tensor *indices(job *j, const char *name, wg_shape shape, int64_t below)
{
    feed(j, name, WG_I64, shape, INDEX, below);
    return wg_input(j->g, name, WG_I64, shape);
}

/* Random entries get fixed numbers too: both sides compute with the same ones. */
static void feed_draws(job *j, wg_tensor *loss)
{
    wg_tensor **order = NULL;
    int64_t n = wg_order(1, &loss, &order);

    for (int64_t i = 0; i < n; i++) {
        const wg_type *type = wg_tensor_type(order[i]);
        bool bell = !strcmp(wg_tensor_op(order[i]), "normal");

        if (bell || !strcmp(wg_tensor_op(order[i]), "uniform"))
            feed(j, wg_tensor_leaf_name(order[i]), type->dtype, type->shape,
                 bell ? NORMAL : UNIFORM, 0);
    }
    wg_free(order);
}

/* ---- what ends a workload ---- */

static wg_layer *keep(job *j, wg_layer *l)
{
    return j->layer[j->n_layers++] = l;
}

static wg_layer *fc(job *j, const char *name, int64_t n_out, const char *act_fn)
{
    return keep(j,
                wg_fully_connected(j->w, name, (wg_fc_hyper){ .n_out = n_out, .act_fn = act_fn }));
}

/* The gradients of all weights that are trained, as outputs. */
static void output_gradients(job *j, wg_tensor *loss)
{
    enum { MOST = 32 };
    wg_tensor *leaf[MOST], *grad[MOST];
    char name[200];
    int n = 0;

    for (int i = 0; i < wg_params_count(j->w) && n < MOST; i++) {
        const wg_param *p = wg_params_at(j->w, i);

        if (p->trainable && p->value.type.dtype == j->kind.real)
            leaf[n++] = wg_param_leaf(j->g, j->w, p->name);
    }
    wg_grad(loss, n, leaf, grad);
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "g.%s", wg_tensor_leaf_name(leaf[i]));
        wg_output(name, grad[i]);
    }
}

/* Where a ReLU's operand is zero but for rounding, rounding decides its gradient: each one's
 * result, as "relu.K", says on which side an element fell. */
static void output_sides(wg_tensor *loss)
{
    wg_tensor **order = NULL;
    int64_t n = wg_order(1, &loss, &order);
    char name[20];

    for (int64_t i = 0, k = 0; i < n; i++) {
        if (strcmp(wg_tensor_op(order[i]), "relu") != 0) continue;
        snprintf(name, sizeof name, "relu.%lld", (long long)k++);
        wg_output(name, order[i]);
    }
    wg_free(order);
}

/* Timed steps have a tiny rate, so that values stay alike over thousands of them on one batch. */
static void step(job *j, const char *optimiser, const char *more, wg_tensor *loss)
{
    wg_error error = { .code = WG_OK };
    char text[100];

    j->rate = !j->kind.visible ? 1e-6 : strcmp(optimiser, "SGD") == 0 ? 0.1 : 1e-4;
    feed_draws(j, loss);
    wg_output("loss", loss);
    if (j->kind.gradients) {
        output_gradients(j, loss);
        output_sides(loss);
    }
    snprintf(text, sizeof text, "%s(lr=%g%s)", optimiser, j->rate, more);
    j->optim = wg_optim_from_text(j->w, "optim", text, &error);
    if (!j->optim) wg_error_print(&error, stderr);
    wg_minimize(j->optim, loss);
}

static wg_tensor *mse(wg_tensor *a, wg_tensor *b)
{
    return wg_mean(wg_square(wg_sub(a, b)), WG_ALL_AXES, false);
}

/* ---- workloads ---- */

static void tiny_mlp(job *j)
{
    wg_tensor *x = normal(j, "x", WG_SHAPE(1, 3)), *y = normal(j, "y", WG_SHAPE(1, 1));

    x = wg_apply(fc(j, "a", 16, "Tanh"), x);
    x = wg_apply(fc(j, "b", 16, "Tanh"), x);
    x = wg_apply(fc(j, "c", 1, NULL), x);
    step(j, "SGD", "", wg_sum(wg_square(wg_sub(x, y)), WG_ALL_AXES, false));
}

static void mlp(job *j)
{
    wg_tensor *x = normal(j, "x", WG_SHAPE(128, 784)), *y = indices(j, "y", WG_SHAPE(128), 10),
              *loss;

    x = wg_apply(fc(j, "a", 512, "ReLU"), x);
    x = wg_apply(fc(j, "b", 512, "ReLU"), x);
    loss = wg_cross_entropy_index(y, wg_apply(fc(j, "c", 10, NULL), x));
    step(j, "Adam", "", wg_mul(loss, wg_scalar_like(loss, 1.0 / 128)));
}

static void vae(job *j)
{
    wg_tensor *x = real(j, "x", WG_SHAPE(64, 28, 28, 1), UNIFORM);
    wg_layer *l = keep(j, wg_bernoulli_vae(j->w, "vae", (wg_bernoulli_vae_hyper){ .T = 5 }));

    step(j, "RMSProp", "", wg_bernoulli_vae_loss(l, x, NULL));
}

static void critic(job *j, int64_t n_feats)
{
    wg_tensor *x = normal(j, "x", WG_SHAPE(128, n_feats)), *loss;
    wg_layer *l = keep(j, wg_wgan_gp(j->w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 512 }));

    loss = wg_wgan_gp_critic_step(l, x, NULL);
    wg_layer_freeze(wg_layer_component(l, "generator"));
    step(j, "RMSProp", "", loss);
}

static void wgan_gp_critic(job *j)
{
    critic(j, 2);
}

static void wgan_gp_critic_784(job *j)
{
    critic(j, 784);
}

static void w2v_nce(job *j)
{
    wg_layer *l = keep(j, wg_word2vec(j->w, "w2v",
                                      (wg_word2vec_hyper){ .vocab_size = 20000,
                                                           .embedding_dim = 300,
                                                           .num_negative_samples = 64 }));
    wg_tensor *x[4], *y[2];

    x[0] = indices(j, "ids", WG_SHAPE(128, 10), 20000);
    x[1] = real(j, "weights", WG_SHAPE(128, 10), ONES);
    x[2] = indices(j, "target", WG_SHAPE(128), 20000);
    x[3] = indices(j, "neg", WG_SHAPE(64), 20000);
    wg_apply_all(l, 4, x, y);
    step(j, "SGD", "", y[0]);
}

static void bilstm(job *j)
{
    wg_tensor *x = normal(j, "x", WG_SHAPE(32, 64, 50)), *y = normal(j, "y", WG_SHAPE(32, 256, 50));
    wg_layer *l =
        keep(j, wg_bidirectional_lstm(j->w, "l", (wg_bidirectional_lstm_hyper){ .n_out = 128 }));

    step(j, "Adam", "", mse(wg_apply(l, x), y));
}

static void mha(job *j)
{
    wg_tensor *x = normal(j, "x", WG_SHAPE(16, 64, 256)),
              *y = normal(j, "y", WG_SHAPE(16, 64, 256));
    wg_layer *l = keep(j, wg_multi_headed_attention(j->w, "l", (wg_mha_hyper){ .n_heads = 8 }));

    step(j, "Adam", "", mse(wg_apply_n(l, 3, (wg_tensor *[]){ x, x, x }), y));
}

static void wavenet_block(job *j)
{
    wg_shape shape = WG_SHAPE(8, 1024, 64);
    wg_tensor *x[2] = { normal(j, "x", shape), normal(j, "skip", shape) },
              *y[2] = { normal(j, "y1", shape), normal(j, "y2", shape) }, *out[2];
    wg_layer *l =
        keep(j, wg_wavenet_residual(
                    j->w, "l",
                    (wg_wavenet_hyper){
                        .ch_residual = 64, .ch_dilation = 64, .dilation = 7, .kernel_width = 2 }));

    wg_apply_all(l, 2, x, out);
    step(j, "SGD", "", wg_add(mse(out[0], y[0]), mse(out[1], y[1])));
}

static void resnet_block(job *j)
{
    wg_shape shape = WG_SHAPE(32, 32, 32, 64);
    wg_tensor *x = normal(j, "x", shape), *y = normal(j, "y", shape);
    wg_layer *l = keep(j, wg_skip_identity(j->w, "l",
                                           (wg_skip_identity_hyper){ .out_ch = 64,
                                                                     .kernel_shape1 = { 3, 3 },
                                                                     .kernel_shape2 = { 3, 3 },
                                                                     .act_fn = "ReLU" }));

    step(j, "SGD", ", momentum=0.9", mse(wg_apply(l, x), y));
}

/* Forward and backward: the gradients by all inputs are outputs. */
static void gradients(job *j, wg_tensor *y, int n, wg_tensor *const *wrt)
{
    static const char *const names[] = { "d0", "d1", "d2", "d3", "d4" };
    wg_tensor *dy = normal(j, "dy", wg_tensor_type(y)->shape), *d[5];

    wg_vjp_of(y, dy, n, wrt, d);
    wg_output("y", y);
    for (int i = 0; i < n; i++) wg_output(names[i], d[i]);
}

static void elementwise_chain(job *j)
{
    static const char *const names[] = { "a", "b", "c", "d", "e" };
    wg_tensor *x[5], *y;

    for (int i = 0; i < 5; i++) x[i] = normal(j, names[i], WG_SHAPE(4194304));
    y = wg_mul(wg_tanh(wg_add(wg_mul(x[0], x[1]), x[2])), wg_sigmoid(x[3]));
    gradients(j, wg_sub(y, wg_exp(wg_neg(wg_mul(x[4], x[4])))), 5, x);
}

static void softmax(job *j)
{
    wg_tensor *x = normal(j, "x", WG_SHAPE(4096, 1024));

    gradients(j, wg_softmax(x, -1), 1, &x);
}

static void layernorm_chain(job *j)
{
    wg_tensor *x[4] = { normal(j, "x", WG_SHAPE(4096, 1024)), normal(j, "r", WG_SHAPE(4096, 1024)),
                        normal(j, "g", WG_SHAPE(1024)), normal(j, "b", WG_SHAPE(1024)) };
    wg_tensor *s = wg_add(x[0], x[1]), *mean = wg_mean(s, WG_AXES(-1), true),
              *var = wg_var(s, WG_AXES(-1), 0, true), *n;

    n = wg_mul(wg_sub(s, mean), wg_rsqrt(wg_add(var, wg_scalar_like(var, 1e-5))));
    gradients(j, wg_act("GELU(approximate=False)", wg_add(wg_mul(n, x[2]), x[3])), 4, x);
}

static const struct {
    const char *name;
    void (*build)(job *j);
} workloads[] = {
    { "tiny_mlp", tiny_mlp },
    { "mlp", mlp },
    { "vae", vae },
    { "wgan_gp_critic", wgan_gp_critic },
    { "wgan_gp_critic_784", wgan_gp_critic_784 },
    { "w2v_nce", w2v_nce },
    { "bilstm", bilstm },
    { "mha", mha },
    { "wavenet_block", wavenet_block },
    { "resnet_block", resnet_block },
    { "elementwise_chain", elementwise_chain },
    { "softmax", softmax },
    { "layernorm_chain", layernorm_chain },
};

/* ---- opening and closing ---- */

int job_count(void)
{
    return sizeof workloads / sizeof *workloads;
}

const char *job_name(int k)
{
    return workloads[k].name;
}

int job_find(const char *name)
{
    for (int k = 0; k < job_count(); k++)
        if (!strcmp(workloads[k].name, name)) return k;
    return -1;
}

bool job_open(job *j, int k, job_kind kind, wg_error *error)
{
    *j = (job){ .kind = kind, .g = wg_graph_new(), .w = wg_params_new(kind.real, 1) };
    wg_begin(j->g, "step", WG_TRAIN);
    workloads[k].build(j);
    wg_end(j->g);
    if (!wg_graph_error(j->g)) return true;
    *error = *wg_graph_error(j->g);
    job_close(j);
    return false;
}

void job_close(job *j)
{
    for (int i = 0; i < j->n_fed; i++) free(j->fed[i].data);
    wg_optim_free(j->optim);
    for (int i = 0; i < j->n_layers; i++) wg_layer_free(j->layer[i]);
    wg_graph_free(j->g);
    wg_params_free(j->w);
}

wg_plan *job_plan(const job *j, const wg_plan_options *options, wg_error *error)
{
    wg_plan *p = wg_plan_new_error(j->g, j->w, "step", options, error);

    for (int i = 0; i < j->n_fed && p; i++) {
        if (wg_plan_feed(p, j->name[i], j->fed[i]) == WG_OK) continue;
        *error = *wg_plan_error(p);
        wg_plan_free(p);
        p = NULL;
    }
    return p;
}
