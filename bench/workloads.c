/*
 * workloads.c: training steps of thirteen models on fixed random f32 data, timed.
 *     workloads [--threads N] [--seconds S] [--report] [NAME...]
 * Prints one JSON line a workload: median and least seconds of a step, in at least S seconds of
 * steps (0.5 by default). A step is forward, loss, backward and the optimiser's update; of the last
 * three forward and backward alone.
 */
#define _POSIX_C_SOURCE 199309L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wengert.h>
#include <wengert/op.h>

enum { MOST_FEEDS = 8, MOST_TIMES = 20000 };

typedef struct {
    wg_graph *g;
    wg_params *w;
    wg_layer *layer[8];
    wg_optim *optim;
    wg_array fed[MOST_FEEDS];
    const char *name[MOST_FEEDS];
    int n_layers, n_fed;
} job;

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- data ---- */

static uint64_t key;

/* Normal numbers times scale plus shift; indices below n for i64. */
static wg_tensor *input(job *j, const char *name, wg_dtype dtype, wg_shape shape, double n)
{
    int64_t count = wg_shape_count(&shape);
    wg_array a = wg_array_of(dtype, shape, malloc((size_t)count * wg_dtype_size(dtype)));
    float *u = malloc((size_t)count * sizeof *u);

    if (dtype == WG_F32 && n == 0) wg_random_normal(1, ++key, 0, 0, count, WG_F32, a.data);
    else if (dtype == WG_F32) wg_random_uniform(1, ++key, 0, 0, count, WG_F32, a.data);
    else {
        wg_random_uniform(1, ++key, 0, 0, count, WG_F32, u);
        for (int64_t i = 0; i < count; i++) ((int64_t *)a.data)[i] = (int64_t)((double)u[i] * n);
    }
    free(u);
    j->name[j->n_fed] = name;
    j->fed[j->n_fed++] = a;
    return wg_input(j->g, name, dtype, shape);
}

static wg_tensor *normal(job *j, const char *name, wg_shape shape)
{
    return input(j, name, WG_F32, shape, 0);
}

static wg_layer *keep(job *j, wg_layer *l)
{
    return j->layer[j->n_layers++] = l;
}

static wg_layer *fc(job *j, const char *name, int64_t n_out, const char *act_fn)
{
    return keep(j,
                wg_fully_connected(j->w, name, (wg_fc_hyper){ .n_out = n_out, .act_fn = act_fn }));
}

/* Rates are tiny, so that values stay alike over thousands of steps on the same data. */
static void step(job *j, const char *optimiser, wg_tensor *loss)
{
    wg_error error = { .code = WG_OK };

    j->optim = wg_optim_from_text(j->w, "optim", optimiser, &error);
    if (!j->optim) wg_error_print(&error, stderr);
    wg_minimize(j->optim, wg_output("loss", loss));
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
    step(j, "SGD(lr=1e-6)", wg_sum(wg_square(wg_sub(x, y)), WG_ALL_AXES, false));
}

static void mlp(job *j)
{
    wg_tensor *x = normal(j, "x", WG_SHAPE(128, 784)),
              *y = input(j, "y", WG_I64, WG_SHAPE(128), 10), *loss;

    x = wg_apply(fc(j, "a", 512, "ReLU"), x);
    x = wg_apply(fc(j, "b", 512, "ReLU"), x);
    loss = wg_cross_entropy_index(y, wg_apply(fc(j, "c", 10, NULL), x));
    step(j, "Adam(lr=1e-6)", wg_mul(loss, wg_scalar_like(loss, 1.0 / 128)));
}

static void vae(job *j)
{
    wg_tensor *x = input(j, "x", WG_F32, WG_SHAPE(64, 28, 28, 1), 1);
    wg_layer *l = keep(j, wg_bernoulli_vae(j->w, "vae", (wg_bernoulli_vae_hyper){ .T = 5 }));

    step(j, "RMSProp(lr=1e-6)", wg_bernoulli_vae_loss(l, x, NULL));
}

static void critic(job *j, int64_t n_feats)
{
    wg_tensor *x = normal(j, "x", WG_SHAPE(128, n_feats)), *loss;
    wg_layer *l = keep(j, wg_wgan_gp(j->w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 512 }));

    loss = wg_wgan_gp_critic_step(l, x, NULL);
    wg_layer_freeze(wg_layer_component(l, "generator"));
    step(j, "RMSProp(lr=1e-6)", loss);
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

    x[0] = input(j, "ids", WG_I64, WG_SHAPE(128, 10), 20000);
    x[1] = input(j, "weights", WG_F32, WG_SHAPE(128, 10), 1);
    x[2] = input(j, "target", WG_I64, WG_SHAPE(128), 20000);
    x[3] = input(j, "neg", WG_I64, WG_SHAPE(64), 20000);
    for (int i = 0; i < 1280; i++) ((float *)j->fed[1].data)[i] = 1;
    wg_apply_all(l, 4, x, y);
    step(j, "SGD(lr=1e-6)", y[0]);
}

static void bilstm(job *j)
{
    wg_tensor *x = normal(j, "x", WG_SHAPE(32, 64, 50)), *y = normal(j, "y", WG_SHAPE(32, 256, 50));
    wg_layer *l =
        keep(j, wg_bidirectional_lstm(j->w, "l", (wg_bidirectional_lstm_hyper){ .n_out = 128 }));

    step(j, "Adam(lr=1e-6)", mse(wg_apply(l, x), y));
}

static void mha(job *j)
{
    wg_tensor *x = normal(j, "x", WG_SHAPE(16, 64, 256)),
              *y = normal(j, "y", WG_SHAPE(16, 64, 256));
    wg_layer *l = keep(j, wg_multi_headed_attention(j->w, "l", (wg_mha_hyper){ .n_heads = 8 }));

    step(j, "Adam(lr=1e-6)", mse(wg_apply_n(l, 3, (wg_tensor *[]){ x, x, x }), y));
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
    step(j, "SGD(lr=1e-6)", wg_add(mse(out[0], y[0]), mse(out[1], y[1])));
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

    step(j, "SGD(lr=1e-6, momentum=0.9)", mse(wg_apply(l, x), y));
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

/* ---- timing ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static bool time_plan(wg_plan *p, const char *name, int threads, double budget)
{
    static double times[MOST_TIMES];
    double begin, spent = 0;
    int n = 0, repeat = 1;

    for (int i = 0; i < 3; i++)
        if (wg_plan_run(p) != WG_OK) return false;
    begin = seconds();
    for (int i = 0; i < 10; i++) wg_plan_run(p);
    /* a step too short for the clock is timed in packs */
    if (seconds() - begin < 1e-4) repeat = 1000;
    while (n < MOST_TIMES && (spent < budget || n < 5)) {
        begin = seconds();
        for (int i = 0; i < repeat; i++)
            if (wg_plan_run(p) != WG_OK) return false;
        times[n] = (seconds() - begin) / repeat;
        spent += times[n++] * repeat;
    }
    qsort(times, (size_t)n, sizeof *times, by_size);
    printf("{\"workload\": \"%s\", \"threads\": %d, \"median_s\": %.9g, \"min_s\": %.9g, "
           "\"steps\": %d}\n",
           name, threads, times[n / 2], times[0], n * repeat);
    fflush(stdout);
    return true;
}

static bool run(int k, int threads, double budget, bool report)
{
    job j = { .g = wg_graph_new(), .w = wg_params_new(WG_F32, 1) };
    wg_error error = { .code = WG_OK };
    wg_plan *p;
    bool ok;

    wg_begin(j.g, "step", WG_TRAIN);
    workloads[k].build(&j);
    wg_end(j.g);
    p = wg_plan_new_error(j.g, j.w, "step",
                          &(wg_plan_options){ .threads = threads, .timing = report }, &error);
    ok = p != NULL;
    for (int i = 0; i < j.n_fed && ok; i++) ok = wg_plan_feed(p, j.name[i], j.fed[i]) == WG_OK;
    ok = ok && time_plan(p, workloads[k].name, threads, budget);
    if (!ok) wg_error_print(p ? wg_plan_error(p) : &error, stderr);
    if (ok && report) wg_plan_report_print(p, false, stdout);
    wg_plan_free(p);
    for (int i = 0; i < j.n_fed; i++) free(j.fed[i].data);
    wg_optim_free(j.optim);
    for (int i = 0; i < j.n_layers; i++) wg_layer_free(j.layer[i]);
    wg_graph_free(j.g);
    wg_params_free(j.w);
    return ok;
}

int main(int argc, char **argv)
{
    enum { N = sizeof workloads / sizeof *workloads };
    int threads = 1, first = 1;
    double budget = 0.5;
    bool report = false, ok = true;

    for (; first < argc && argv[first][0] == '-'; first++) {
        if (!strcmp(argv[first], "--report")) report = true;
        else if (!strcmp(argv[first], "--threads") && first + 1 < argc)
            threads = atoi(argv[++first]);
        else if (!strcmp(argv[first], "--seconds") && first + 1 < argc)
            budget = atof(argv[++first]);
        else {
            fprintf(stderr, "usage: workloads [--threads N] [--seconds S] [--report] [NAME...]\n");
            return 2;
        }
    }
    for (int k = 0; k < N; k++) {
        bool wanted = first == argc;

        for (int i = first; i < argc; i++) wanted |= !strcmp(argv[i], workloads[k].name);
        if (wanted) ok = run(k, threads, budget, report) && ok;
    }
    return !ok;
}
