/* test_loss_reference.c: the engine's values and gradients of activations and losses beside the
 * explicit ones of wengert_reference, on random operands: max |a - b| <= 1e-10 (1 + max |b|). */
#include <wengert.h>
#include <wengert/op.h>
#include <wengert/reference.h>

#include "harness.h"

static const double TOL = 1e-10;

/* ---- operands and comparing ---- */

static double *normals(int64_t n, uint64_t seed)
{
    double *v = calloc((size_t)n + 1, sizeof *v);

    wg_random_normal(21, seed, 0, 0, n, WG_F64, v);
    return v;
}

static double *chances(int64_t n, uint64_t seed)
{
    double *v = calloc((size_t)n + 1, sizeof *v);

    wg_random_uniform(22, seed, 0, 0, n, WG_F64, v);
    return v;
}

static int64_t *below(int64_t most, int64_t n, uint64_t seed)
{
    double *v = chances(n, seed);
    int64_t *k = calloc((size_t)n + 1, sizeof *k);

    for (int64_t i = 0; i < n; i++) k[i] = (int64_t)(v[i] * (double)most);
    free(v);
    return k;
}

/* Raises *worst by the measure; a and b hold n numbers. */
static void compare(const wg_array *a, const double *b, int64_t n, const char *what, double *worst)
{
    double top = 0, off = 0;

    if (!harness_check(a && a->data && wg_shape_count(&a->type.shape) == n, __FILE__, __LINE__,
                       "%s has another size", what))
        return;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs(((const double *)a->data)[i] - b[i]);

        top = fmax(top, fabs(b[i]));
        off = d <= off ? off : d;
    }
    off /= 1 + top;
    if (!(off <= *worst)) *worst = off;
    harness_check(off <= TOL, __FILE__, __LINE__, "%s is off by %g", what, off);
}

static void report(const char *name, double worst)
{
    fprintf(stderr, "    %-28s engine %.1e\n", name, worst);
}

enum { MOST = 8 };

/* A loss on inputs a, b, ...: feeds as they are added, outputs as they are wanted. */
struct bench {
    wg_graph *g;
    int n_in, n_out;
    wg_feed feed[MOST];
    wg_tensor *in[MOST], *out[MOST];
    wg_plan *plan;
};

static wg_tensor *operand(struct bench *b, wg_dtype dtype, wg_shape shape, const void *data)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };

    if (!b->g) b->g = wg_graph_new();
    b->feed[b->n_in] = (wg_feed){ names[b->n_in], wg_array_of(dtype, shape, data) };
    b->in[b->n_in] = wg_input(b->g, names[b->n_in], dtype, shape);
    return b->in[b->n_in++];
}

/* Its place among the results. */
static int wanted(struct bench *b, wg_tensor *t)
{
    b->out[b->n_out] = t;
    return b->n_out++;
}

static bool run(struct bench *b, wg_params *w)
{
    wg_error error = { .code = WG_OK };

    NO_ERROR(wg_graph_error(b->g));
    if (wg_graph_error(b->g)) return false;
    b->plan = wg_plan_of(b->n_out, b->out, w, NULL, &error);
    NO_ERROR(&error);
    for (int i = 0; b->plan && i < b->n_in; i++)
        wg_plan_feed(b->plan, b->feed[i].name, b->feed[i].value);
    if (b->plan && wg_plan_run(b->plan) != WG_OK) NO_ERROR(wg_plan_error(b->plan));
    return b->plan != NULL;
}

static const wg_array *result(const struct bench *b, int i)
{
    return wg_plan_value_at(b->plan, i);
}

static void bench_free(struct bench *b)
{
    wg_plan_free(b->plan);
    wg_graph_free(b->g);
    memset(b, 0, sizeof *b);
}

/* ---- activations ---- */

static const char *const every[] = { "Identity",
                                     "Sigmoid",
                                     "Tanh",
                                     "ReLU",
                                     "Leaky ReLU(alpha=0.2)",
                                     "ELU(alpha=0.7)",
                                     "SELU",
                                     "GELU(approximate=True)",
                                     "GELU(approximate=False)",
                                     "Exponential",
                                     "Hard Sigmoid",
                                     "SoftPlus",
                                     "Affine(slope=-2.5, intercept=0.75)" };
enum { N_EVERY = sizeof every / sizeof every[0], N = 3000 };

/* f, f', f'' and the vector-Jacobian product through wg_act; breakpoints and far tails too. */
static void activations(void)
{
    static const double special[] = { 0.0, -0.0, 2.5, -2.5, 40, -40, 700, -700, 1e-300, -1e-300 };

    for (int k = 0; k < N_EVERY; k++) {
        double *x = normals(N, 1), *dy = normals(N, 2), *want = calloc(N, sizeof *want), worst = 0;
        struct bench b = { 0 };
        wg_tensor *in, *y, *s;
        wg_ref_act act;

        for (int i = 0; i < N; i++) x[i] *= 4;
        memcpy(x, special, sizeof special);
        if (strcmp(every[k], "Exponential") == 0) x[6] = 20;
        CHECK(wg_ref_act_parse(every[k], &act));
        in = operand(&b, WG_F64, WG_SHAPE(N), x);
        y = wg_act(every[k], in);
        s = wg_sum(wg_mul(y, operand(&b, WG_F64, WG_SHAPE(N), dy)), WG_ALL_AXES, false);
        wanted(&b, y);
        wanted(&b, wg_act_grad(every[k], in));
        wanted(&b, wg_act_grad2(every[k], in));
        wanted(&b, wg_grad1(s, in));
        if (run(&b, NULL)) {
            wg_ref_act_fn_n(act, N, x, want);
            compare(result(&b, 0), want, N, every[k], &worst);
            wg_ref_act_grad_n(act, N, x, want);
            compare(result(&b, 1), want, N, every[k], &worst);
            wg_ref_act_grad2_n(act, N, x, want);
            compare(result(&b, 2), want, N, every[k], &worst);
            wg_ref_act_backward(act, N, x, dy, want);
            compare(result(&b, 3), want, N, every[k], &worst);
        }
        report(every[k], worst);
        bench_free(&b);
        free(x);
        free(dy);
        free(want);
    }
}

/* ---- SquaredError, CrossEntropy ---- */

static void squared_error(void)
{
    double worst = 0;

    for (int k = 0; k < N_EVERY; k++) {
        int64_t n = 7 * 5;
        double *z = normals(n, 3), *y = normals(n, 4), p[35], want[35], loss;
        struct bench b = { 0 };
        wg_tensor *in = operand(&b, WG_F64, WG_SHAPE(7, 5), z), *t;
        wg_ref_act act;

        wg_ref_act_parse(every[k], &act);
        t = wg_squared_error(operand(&b, WG_F64, WG_SHAPE(7, 5), y), wg_act(every[k], in));
        wanted(&b, t);
        wanted(&b, wg_loss_grad(t, in));
        if (run(&b, NULL)) {
            wg_ref_act_fn_n(act, n, z, p);
            loss = wg_ref_squared_error(n, y, p);
            wg_ref_squared_error_grad(act, n, y, p, z, want);
            compare(result(&b, 0), &loss, 1, "SquaredError", &worst);
            compare(result(&b, 1), want, n, "SquaredError dz", &worst);
        }
        bench_free(&b);
        free(z);
        free(y);
    }
    report("SquaredError", worst);
}

static void softmax(int64_t rows, int64_t classes, const double *z, double *p)
{
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0;

        for (int64_t k = 0; k < classes; k++) sum += exp(z[i * classes + k]);
        for (int64_t k = 0; k < classes; k++) p[i * classes + k] = exp(z[i * classes + k]) / sum;
    }
}

/* One-hot labels, labels that sum to anything, and class indices; by probabilities and by
 * logits. */
static void cross_entropy(void)
{
    enum { ROWS = 6, CLASSES = 5 };
    double worst = 0;

    for (int way = 0; way < 6; way++) {
        bool indexed = way % 3 == 2, logits = way >= 3;
        double *z = normals(ROWS * CLASSES, 5), *y = chances(ROWS * CLASSES, 6);
        double p[ROWS * CLASSES], want[ROWS * CLASSES], loss;
        int64_t *label = below(CLASSES, ROWS, 7);
        struct bench b = { 0 };
        wg_tensor *in = operand(&b, WG_F64, WG_SHAPE(ROWS, CLASSES), z), *t;

        for (int i = 0; way % 3 == 0 && i < ROWS * CLASSES; i++)
            y[i] = i % CLASSES == label[i / CLASSES];
        softmax(ROWS, CLASSES, z, p);
        if (indexed) {
            t = wg_cross_entropy_index(operand(&b, WG_I64, WG_SHAPE(ROWS), label), in);
            loss = wg_ref_cross_entropy_index(ROWS, CLASSES, label, z);
            wg_ref_cross_entropy_index_grad(ROWS, CLASSES, label, p, want);
        } else {
            wg_tensor *labels = operand(&b, WG_F64, WG_SHAPE(ROWS, CLASSES), y);

            t = logits ? wg_cross_entropy_logits(labels, in)
                       : wg_cross_entropy(labels, wg_softmax(in, -1));
            loss = wg_ref_cross_entropy(ROWS, CLASSES, y, z);
            wg_ref_cross_entropy_grad(ROWS, CLASSES, y, p, want);
        }
        wanted(&b, t);
        wanted(&b, wg_loss_grad(t, in));
        if (run(&b, NULL)) {
            compare(result(&b, 0), &loss, 1, "CrossEntropy", &worst);
            compare(result(&b, 1), want, ROWS * CLASSES, "CrossEntropy dz", &worst);
        }
        bench_free(&b);
        free(z);
        free(y);
        free(label);
    }
    report("CrossEntropy", worst);
}

/* ---- VAELoss, WGAN_GPLoss ---- */

static void vae_loss(void)
{
    double worst = 0;

    for (int64_t n = 1; n < 9; n += 3) {
        int64_t D = 6, T = 3;
        double *y = chances(n * D, 8), *p = chances(n * D, 9), *mean = normals(n * T, 10);
        double *log_var = normals(n * T, 11), *dp = calloc((size_t)(n * D), sizeof *dp);
        double *d_log_var = calloc((size_t)(n * T), 8), *d_mean = calloc((size_t)(n * T), 8), loss;
        struct bench b = { 0 };
        wg_tensor *t;

        p[0] = 0; /* where the limit is active */
        p[1] = 1;
        t = wg_vae_loss(operand(&b, WG_F64, WG_SHAPE(n, D), y),
                        operand(&b, WG_F64, WG_SHAPE(n, D), p),
                        operand(&b, WG_F64, WG_SHAPE(n, T), mean),
                        operand(&b, WG_F64, WG_SHAPE(n, T), log_var));
        wanted(&b, t);
        for (int i = 0; i < b.n_in; i++)
            if (b.feed[i].value.data != y) wanted(&b, wg_loss_grad(t, b.in[i]));
        if (run(&b, NULL)) {
            loss = wg_ref_vae_loss(n, D, T, y, p, mean, log_var);
            wg_ref_vae_loss_grad(n, D, T, y, p, mean, log_var, dp, d_log_var, d_mean);
            compare(result(&b, 0), &loss, 1, "VAELoss", &worst);
            for (int i = 0, k = 1; i < b.n_in; i++) {
                const void *of = b.feed[i].value.data;

                if (of == y) continue;
                compare(result(&b, k++),
                        of == p      ? dp
                        : of == mean ? d_mean
                                     : d_log_var,
                        of == p ? n * D : n * T, "VAELoss gradient", &worst);
            }
        }
        bench_free(&b);
        free(y);
        free(p);
        free(mean);
        free(log_var);
        free(dp);
        free(d_log_var);
        free(d_mean);
    }
    report("VAELoss", worst);
}

static void wgan_gp_loss(void)
{
    static const int64_t sizes[][4] = { { 1, 1, 1, 1 }, { 5, 3, 4, 6 }, { 2, 7, 2, 1 } };
    double worst = 0;

    for (int k = 0; k < 3; k++) {
        int64_t n_fake = sizes[k][0], n_real = sizes[k][1], n = sizes[k][2], m = sizes[k][3];
        double *fake = normals(n_fake, 12), *real = normals(n_real, 13), *grad = normals(n * m, 14);
        double d_fake[8], d_real[8], d_grad[32], loss, lambda_ = 10.0 / (k + 1);
        struct bench b = { 0 };
        wg_tensor *f = operand(&b, WG_F64, WG_SHAPE(n_fake), fake);
        wg_tensor *r = operand(&b, WG_F64, WG_SHAPE(n_real), real);
        wg_tensor *d = operand(&b, WG_F64, WG_SHAPE(n, m), grad);
        wg_tensor *critic, *generator;

        if (k == 1)
            for (int64_t i = 0; i < m; i++) grad[i] = 0; /* an example without a slope */
        critic = wg_wgan_gp_critic_loss(f, r, d, lambda_);
        generator = wg_wgan_gp_generator_loss(f);
        wanted(&b, critic);
        wanted(&b, wg_loss_grad(critic, f));
        wanted(&b, wg_loss_grad(critic, r));
        wanted(&b, wg_loss_grad(critic, d));
        wanted(&b, generator);
        wanted(&b, wg_loss_grad(generator, f));
        if (run(&b, NULL)) {
            loss = wg_ref_wgan_gp_critic(n_fake, n_real, n, m, lambda_, fake, real, grad);
            wg_ref_wgan_gp_critic_grad(n_fake, n_real, n, m, lambda_, grad, d_fake, d_real, d_grad);
            compare(result(&b, 0), &loss, 1, "WGAN_GPLoss C", &worst);
            compare(result(&b, 1), d_fake, n_fake, "WGAN_GPLoss dY_fake", &worst);
            compare(result(&b, 2), d_real, n_real, "WGAN_GPLoss dY_real", &worst);
            compare(result(&b, 3), d_grad, n * m, "WGAN_GPLoss dGradInterp", &worst);
            loss = wg_ref_wgan_gp_generator(n_fake, fake);
            wg_ref_wgan_gp_generator_grad(n_fake, d_fake);
            compare(result(&b, 4), &loss, 1, "WGAN_GPLoss G", &worst);
            compare(result(&b, 5), d_fake, n_fake, "WGAN_GPLoss G dY_fake", &worst);
        }
        bench_free(&b);
        free(fake);
        free(real);
        free(grad);
    }
    report("WGAN_GPLoss", worst);
}

/* ---- NCELoss ---- */

/* Hits among the negatives, repeated targets, evaluation, with log Q and without. */
static void nce_loss(void)
{
    enum { CLASSES = 6, EX = 9, CONTEXTS = 2, IN = 3, K = 4 };
    static const double q[CLASSES] = { 0.1, 0.3, 0.2, 0.15, 0.05, 0.2 };
    double worst = 0;

    for (int way = 0; way < 4; way++) {
        bool keep = way % 2, trained = way < 2;
        double *X = normals(EX * CONTEXTS * IN, 15), log_q[CLASSES];
        double dX[EX * CONTEXTS * IN], dW[CLASSES * IN] = { 0 }, db[CLASSES] = { 0 };
        double y_pred[EX * CONTEXTS], loss;
        int64_t *target = below(CLASSES, EX, 16), *neg = below(CLASSES, K, 17);
        wg_params *w = wg_params_new(WG_F64, 3);
        wg_layer *l = wg_nce_loss(w, "nce", (wg_nce_hyper){ CLASSES, K, NULL, keep });
        struct bench b = { 0 };
        wg_tensor *x[4] = { operand(&b, WG_F64, WG_SHAPE(EX, CONTEXTS, IN), X), NULL, NULL, NULL };
        wg_tensor *y[2];

        for (int i = 0; i < CLASSES; i++) log_q[i] = log(q[i]);
        x[1] = operand(&b, WG_I64, WG_SHAPE(EX), target);
        x[2] = operand(&b, WG_I64, WG_SHAPE(K), neg);
        x[3] = wg_constant(b.g, WG_F64_ARRAY(q, CLASSES));
        wg_begin(b.g, "f", trained ? WG_TRAIN : WG_PREDICT);
        wg_apply_all(l, keep ? 3 : 4, x, y);
        wanted(&b, wg_output("loss", y[0]));
        wanted(&b, y[1]);
        wanted(&b, wg_loss_grad(y[0], x[0]));
        wanted(&b, wg_loss_grad(y[0], wg_param_leaf(b.g, w, "nce/W")));
        wanted(&b, wg_loss_grad(y[0], wg_param_leaf(b.g, w, "nce/b")));
        wg_end(b.g);
        wg_init_trunc_normal(w, "nce/b", 0, 1, NULL);
        if (run(&b, w)) {
            wg_ref_nce t = { .N = EX,
                             .C = CONTEXTS,
                             .D = IN,
                             .K = trained ? K : 0,
                             .X = X,
                             .W = wg_params_find(w, "nce/W")->value.data,
                             .b = wg_params_find(w, "nce/b")->value.data,
                             .log_q = keep ? NULL : log_q,
                             .target = target,
                             .neg = neg };

            loss = wg_ref_nce_loss(&t, y_pred);
            wg_ref_nce_loss_grad(&t, dX, dW, db);
            compare(result(&b, 0), &loss, 1, "NCELoss", &worst);
            compare(result(&b, 1), y_pred, EX * CONTEXTS, "NCELoss y_pred", &worst);
            compare(result(&b, 2), dX, EX * CONTEXTS * IN, "NCELoss dX", &worst);
            compare(result(&b, 3), dW, CLASSES * IN, "NCELoss dW", &worst);
            compare(result(&b, 4), db, CLASSES, "NCELoss db", &worst);
        }
        bench_free(&b);
        wg_layer_free(l);
        wg_params_free(w);
        free(X);
        free(target);
        free(neg);
    }
    report("NCELoss", worst);
}

TESTS(TEST(activations), TEST(squared_error), TEST(cross_entropy), TEST(vae_loss),
      TEST(wgan_gp_loss), TEST(nce_loss))
