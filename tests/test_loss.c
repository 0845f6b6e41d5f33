/* test_loss.c: losses: golden values, gradients, errata, what is refused. NCELoss has its own
 * file. */
#include <wengert.h>

#include "composed.h"
#include "gate.h"
#include "golden_kinds.h"

static void golden(void)
{
    static const char *const files[] = { "loss_squared_error", "loss_cross_entropy", "loss_vae",
                                         "loss_wgan_gp" };

    for (int i = 0; i < 4; i++) golden_run_file(files[i], golden_kinds_loss);
}

/* ---- gradients, batches, element types, files ---- */

static wg_tensor *squared_error(wg_graph *g, wg_params *store, wg_tensor *const *in,
                                const void *arg)
{
    (void)g, (void)store;
    return wg_squared_error(in[1], wg_act(arg, in[0]));
}

static wg_tensor *cross_entropy(wg_graph *g, wg_params *store, wg_tensor *const *in,
                                const void *arg)
{
    (void)g, (void)store, (void)arg;
    return wg_cross_entropy(in[1], wg_softmax(in[0], -1));
}

static wg_tensor *cross_entropy_logits(wg_graph *g, wg_params *store, wg_tensor *const *in,
                                       const void *arg)
{
    (void)g, (void)store, (void)arg;
    return wg_cross_entropy_logits(in[1], in[0]);
}

static wg_tensor *cross_entropy_index(wg_graph *g, wg_params *store, wg_tensor *const *in,
                                      const void *arg)
{
    (void)g, (void)store, (void)arg;
    return wg_cross_entropy_index(in[1], in[0]);
}

static wg_tensor *vae_loss(wg_graph *g, wg_params *store, wg_tensor *const *in, const void *arg)
{
    (void)g, (void)store, (void)arg;
    return wg_vae_loss(in[0], in[1], in[2], in[3]);
}

static wg_tensor *vae_images(wg_graph *g, wg_params *store, wg_tensor *const *in, const void *arg)
{
    (void)g, (void)store, (void)arg;
    return wg_vae_loss(wg_expand_like(wg_scalar_like(in[0], 0.3), in[0], WG_ALL_AXES, false),
                       wg_sigmoid(in[0]), in[1], in[1]);
}

static wg_tensor *critic(wg_tensor *x, wg_tensor *w1, wg_tensor *w2)
{
    return wg_matmul(wg_tanh(wg_matmul(x, w1)), w2);
}

/* The whole critic step: the loss holds a recorded gradient, and is differentiated twice more. */
static wg_tensor *critic_loss(wg_graph *g, wg_params *store, wg_tensor *const *in, const void *arg)
{
    wg_tensor *grad = wg_gradient_at(critic(in[2], in[3], in[4]), in[2]);

    (void)g, (void)store;
    return wg_wgan_gp_critic_loss(critic(in[0], in[3], in[4]), critic(in[1], in[3], in[4]), grad,
                                  *(const double *)arg);
}

static wg_tensor *generator_loss(wg_graph *g, wg_params *store, wg_tensor *const *in,
                                 const void *arg)
{
    (void)g, (void)store, (void)arg;
    return wg_wgan_gp_generator_loss(critic(in[0], in[1], in[2]));
}

static void compositions(void)
{
    static const composed_input z_and_y[] = { { "z", COMPOSED_NORMAL, 2, { -1, 5 }, 0 },
                                              { "y", COMPOSED_CHANCE, 2, { -1, 5 }, 0 } };
    static const composed_input z_and_label[] = { { "z", COMPOSED_NORMAL, 2, { -1, 5 }, 0 },
                                                  { "label", COMPOSED_INDEX, 1, { -1 }, 5 } };
    static const composed_input vae[] = { { "y", COMPOSED_BIT, 2, { -1, 6 }, 0 },
                                          { "p", COMPOSED_CHANCE, 2, { -1, 6 }, 0 },
                                          { "mean", COMPOSED_NORMAL, 2, { -1, 2 }, 0 },
                                          { "log_var", COMPOSED_NORMAL, 2, { -1, 2 }, 0 } };
    static const composed_input images[] = { { "x", COMPOSED_NORMAL, 3, { -1, 2, 3 }, 0 },
                                             { "t", COMPOSED_NORMAL, 2, { -1, 2 }, 0 } };
    static const composed_input gan[] = { { "fake", COMPOSED_NORMAL, 2, { -1, 3 }, 0 },
                                          { "real", COMPOSED_NORMAL, 2, { 2, 3 }, 0 },
                                          { "interp", COMPOSED_NORMAL, 2, { -1, 3 }, 0 },
                                          { "w1", COMPOSED_NORMAL, 2, { 3, 4 }, 0 },
                                          { "w2", COMPOSED_NORMAL, 2, { 4, 1 }, 0 } };
    static const composed_input gen[] = { { "fake", COMPOSED_NORMAL, 2, { -1, 3 }, 0 },
                                          { "w1", COMPOSED_NORMAL, 2, { 3, 4 }, 0 },
                                          { "w2", COMPOSED_NORMAL, 2, { 4, 1 }, 0 } };
    static const double lambdas[] = { 10, 2.5 };

    composed_check(&(composed){ "squared_error", 2, z_and_y, squared_error, NULL });
    composed_check(&(composed){ "squared_error Tanh", 2, z_and_y, squared_error, "Tanh" });
    composed_check(&(composed){ "cross_entropy", 2, z_and_y, cross_entropy, NULL });
    composed_check(&(composed){ "cross_entropy_logits", 2, z_and_y, cross_entropy_logits, NULL });
    composed_check(&(composed){ "cross_entropy_index", 2, z_and_label, cross_entropy_index, NULL });
    composed_check(&(composed){ "vae_loss", 4, vae, vae_loss, NULL });
    composed_check(&(composed){ "vae_loss of images", 2, images, vae_images, NULL });
    for (int i = 0; i < 2; i++)
        composed_check(&(composed){ "critic_loss", 5, gan, critic_loss, &lambdas[i] });
    composed_check(&(composed){ "generator_loss", 3, gen, generator_loss, NULL });
}

/* ---- numbers by hand ---- */

/* Reads one tensor of a graph with these feeds. */
static wg_array read_value(wg_tensor *t, int n, const wg_feed *feed)
{
    wg_error error = { .code = WG_OK };
    wg_array a = { 0 };

    wg_read(t, NULL, n, feed, &a, &error);
    NO_ERROR(&error);
    return a;
}

#define GIVES(t, n_feeds, feeds, rtol, atol, ...)                                                  \
    do {                                                                                           \
        wg_array got = read_value((t), (n_feeds), (feeds));                                        \
        double want[] = { __VA_ARGS__ };                                                           \
        CLOSE_ARRAY(&got, want, sizeof want / sizeof *want, rtol, atol);                           \
        wg_free(got.data);                                                                         \
    } while (0)

static void erratum_L1_critic_gradient_signs(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *fake = wg_input(g, "fake", WG_F64, WG_SHAPE(1));
    wg_tensor *real = wg_input(g, "real", WG_F64, WG_SHAPE(1));
    wg_tensor *grad = wg_input(g, "grad", WG_F64, WG_SHAPE(1, 2)), *loss;
    double f[4] = { 1, 2, 3, 4 }, r[2] = { 5, 7 }, d[4] = { 3, 4, 0.6, 0.8 };
    wg_feed feed[] = { { "fake", WG_F64_ARRAY(f, 4) },
                       { "real", WG_F64_ARRAY(r, 2) },
                       { "grad", WG_F64_ARRAY(d, 2, 2) } };

    loss = wg_wgan_gp_critic_loss(fake, real, grad, 10);
    GIVES(loss, 3, feed, 1e-15, 0, 2.5 - 6 + 10 * 16.0 / 2);
    GIVES(wg_loss_grad(loss, fake), 3, feed, 0, 0, 0.25, 0.25, 0.25, 0.25);
    GIVES(wg_loss_grad(loss, real), 3, feed, 0, 0, -0.5, -0.5);
    GIVES(wg_loss_grad(loss, grad), 3, feed, 1e-14, 1e-15, 10 * 4 * 0.6, 10 * 4 * 0.8, 0, 0);
    wg_graph_free(g);
}

static void erratum_L6_rows_that_are_not_one_hot(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *y = wg_input(g, "y", WG_F64, WG_SHAPE(1, 3));
    wg_tensor *z = wg_input(g, "z", WG_F64, WG_SHAPE(1, 3));
    double labels[3] = { 1, 1, 0 }, logits[3] = { 0.3, -0.2, 0.9 }, p[3], sum = 0;
    wg_feed feed[] = { { "y", WG_F64_ARRAY(labels, 1, 3) }, { "z", WG_F64_ARRAY(logits, 1, 3) } };

    for (int i = 0; i < 3; i++) sum += p[i] = exp(logits[i]);
    for (int i = 0; i < 3; i++) p[i] /= sum;
    GIVES(wg_loss_grad(wg_cross_entropy(y, wg_softmax(z, -1)), z), 2, feed, 1e-14, 1e-15,
          2 * p[0] - 1, 2 * p[1] - 1, 2 * p[2]);
    GIVES(wg_loss_grad(wg_cross_entropy_logits(y, z), z), 2, feed, 1e-14, 1e-15, 2 * p[0] - 1,
          2 * p[1] - 1, 2 * p[2]);
    wg_graph_free(g);
}

/* The documented guard stays where probabilities are given; from logits nothing needs one. */
static void erratum_L7_guard_of_the_logarithm(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *y = wg_input(g, "y", WG_F64, WG_SHAPE(1, 2));
    wg_tensor *p = wg_input(g, "p", WG_F64, WG_SHAPE(1, 2));
    double labels[2] = { 1, 0 }, right[2] = { 1, 0 }, wrong[2] = { 0, 1 }, far[2] = { 0, 800 };
    wg_feed feed[] = { { "y", WG_F64_ARRAY(labels, 1, 2) }, { "p", WG_F64_ARRAY(right, 1, 2) } };

    GIVES(wg_cross_entropy(y, p), 2, feed, 1e-15, 0, -0x1p-52);
    feed[1].value.data = wrong;
    GIVES(wg_cross_entropy(y, p), 2, feed, 1e-15, 0, 52 * log(2));
    feed[1].value.data = far;
    GIVES(wg_cross_entropy_logits(y, p), 2, feed, 1e-15, 0, 800);
    wg_graph_free(g);
}

static void erratum_L8_no_gradient_where_the_clip_is_active(void)
{
    for (int single = 0; single < 2; single++) {
        wg_graph *g = wg_graph_new();
        wg_dtype real = single ? WG_F32 : WG_F64;
        wg_tensor *y = wg_input(g, "y", real, WG_SHAPE(1, 4));
        wg_tensor *p = wg_input(g, "p", real, WG_SHAPE(1, 4));
        wg_tensor *t = wg_input(g, "t", real, WG_SHAPE(1, 1));
        wg_tensor *loss = wg_vae_loss(y, p, t, t), *dp = wg_loss_grad(loss, p);
        double y64[4] = { 1, 0, 1, 0 }, p64[4] = { 0, 1, 0.5, 0.25 }, t64[1] = { 0 };
        float y32[4] = { 1, 0, 1, 0 }, p32[4] = { 0, 1, 0.5f, 0.25f }, t32[1] = { 0 };
        wg_feed feed[] = { { "y", wg_array_of(real, WG_SHAPE(1, 4), single ? (void *)y32 : y64) },
                           { "p", wg_array_of(real, WG_SHAPE(1, 4), single ? (void *)p32 : p64) },
                           { "t", wg_array_of(real, WG_SHAPE(1, 1), single ? (void *)t32 : t64) } };

        GIVES(dp, 3, feed, 1e-6, 0, 0, 0, -2, 4 / 3.0);
        /* -log eps twice, and the two others: finite in f32 too */
        GIVES(loss, 3, feed, 1e-6, 0, 2 * (single ? 23 : 52) * log(2) + log(2) - log(0.75));
        wg_graph_free(g);
    }
}

/* Sure and wrong: the gradient at the softmax input is the documented one, whatever p underflows
 * to. */
static void sure_and_wrong(void)
{
    for (int single = 0; single < 2; single++) {
        wg_dtype real = single ? WG_F32 : WG_F64;
        wg_graph *g = wg_graph_new();
        wg_tensor *y = wg_input(g, "y", real, WG_SHAPE(1, 2));
        wg_tensor *z = wg_input(g, "z", real, WG_SHAPE(1, 2));
        double y64[2] = { 1, 0 }, z64[2] = { 0, 60 };
        float y32[2] = { 1, 0 }, z32[2] = { 0, 60 };
        wg_feed feed[] = { { "y", wg_array_of(real, WG_SHAPE(1, 2), single ? (void *)y32 : y64) },
                           { "z", wg_array_of(real, WG_SHAPE(1, 2), single ? (void *)z32 : z64) } };
        wg_tensor *loss = wg_cross_entropy(y, wg_softmax(z, -1));

        GIVES(loss, 2, feed, single ? 1e-6 : 1e-10, 0, 52 * log(2));
        GIVES(wg_loss_grad(loss, z), 2, feed, 1e-6, 0, -1, 1);
        wg_graph_free(g);
    }
}

/* Minus the sum, and real minus fake for the critic: values whose sign the formulas leave out. */
static void erratum_L9_signs_of_the_documented_formulas(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *y = wg_input(g, "y", WG_F64, WG_SHAPE(2, 2));
    wg_tensor *p = wg_input(g, "p", WG_F64, WG_SHAPE(2, 2));
    double labels[4] = { 1, 0, 0, 1 }, probs[4] = { 0.25, 0.75, 0.5, 0.5 };
    wg_feed feed[] = { { "y", WG_F64_ARRAY(labels, 2, 2) }, { "p", WG_F64_ARRAY(probs, 2, 2) } };

    GIVES(wg_cross_entropy(y, p), 2, feed, 1e-14, 0, 3 * log(2));
    GIVES(wg_squared_error(y, p), 2, feed, 1e-15, 0, 0.5 * (2 * 0.75 * 0.75 + 2 * 0.25));
    GIVES(wg_wgan_gp_generator_loss(p), 1, feed + 1, 1e-15, 0, -0.5);
    wg_graph_free(g);
}

/* A critic whose gradient vanishes somewhere: the norm has no slope there, nothing is NaN. */
static void vanishing_gradient(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *grad = wg_input(g, "grad", WG_F64, WG_SHAPE(2, 2));
    wg_tensor *one = wg_reshape(wg_scalar(g, WG_F64, 0), WG_SHAPE(1)), *loss;
    double d[4] = { 0, 0, 3, 4 };
    wg_feed feed = { "grad", WG_F64_ARRAY(d, 2, 2) };

    loss = wg_wgan_gp_critic_loss(one, one, grad, 1);
    GIVES(loss, 1, &feed, 1e-15, 0, (1 + 16) / 2.0);
    GIVES(wg_loss_grad(loss, grad), 1, &feed, 1e-14, 0, 0, 0, 4 * 0.6, 4 * 0.8);
    wg_graph_free(g);
}

/* Each y is differentiated by its own x: the Jacobian's blocks, example by example. */
static void gradient_of_each_example(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 2));
    double v[6] = { 1, 2, 3, 4, 5, 6 };
    wg_feed feed = { "x", WG_F64_ARRAY(v, 3, 2) };

    GIVES(wg_gradient_at(wg_sum(wg_square(x), WG_AXES(1), true), x), 1, &feed, 0, 0, 2, 4, 6, 8, 10,
          12);
    wg_graph_free(g);
}

/* ---- what is refused ---- */

#define REFUSED(line_of, code, message)                                                            \
    do {                                                                                           \
        wg_graph *g = wg_graph_new();                                                              \
        wg_tensor *a = wg_input(g, "a", WG_F64, WG_SHAPE(2, 3)),                                   \
                  *b = wg_input(g, "b", WG_F64, WG_SHAPE(4, 3)),                                   \
                  *s = wg_input(g, "s", WG_F64, WG_SHAPE_SCALAR),                                  \
                  *e = wg_input(g, "e", WG_F64, WG_SHAPE(0, 3)),                                   \
                  *v = wg_input(g, "v", WG_F64, WG_SHAPE(2));                                      \
                                                                                                   \
        (void)a, (void)b, (void)s, (void)e, (void)v;                                               \
        line_of;                                                                                   \
        /* of a macro over two lines one compiler takes the first, another the last */             \
        if (CHECK(wg_graph_error(g) && wg_graph_error(g)->site &&                                  \
                  strstr(wg_graph_error(g)->site, "test_loss.c:")))                                \
            ERROR_IS(wg_graph_error(g), code, message, wg_graph_error(g)->site);                   \
        wg_graph_free(g);                                                                          \
    } while (0)

static void refused_operands(void)
{
    REFUSED(wg_squared_error(b, a), WG_ESHAPE,
            "squared_error: y is f64[4 x 3] and y_pred is f64[2 x 3], wanted equal extents");
    REFUSED(wg_squared_error(v, a), WG_ESHAPE,
            "squared_error: y is f64[2] and y_pred is f64[2 x 3], wanted equal extents");
    REFUSED(wg_squared_error(e, e), WG_ESHAPE,
            "squared_error: y_pred is f64[0 x 3]: nothing to take the loss of");
    REFUSED(wg_cross_entropy(s, a), WG_ESHAPE,
            "cross_entropy: y is f64[] and y_pred is f64[2 x 3], wanted equal extents");
    REFUSED(wg_cross_entropy(s, s), WG_ESHAPE, "cross_entropy: y_pred is f64[], wanted [n, ...]");
    REFUSED(wg_cross_entropy_logits(b, a), WG_ESHAPE,
            "cross_entropy_logits: y is f64[4 x 3] and z is f64[2 x 3], wanted equal extents");
    REFUSED(wg_vae_loss(a, b, a, a), WG_ESHAPE,
            "vae_loss: y is f64[2 x 3] and y_pred is f64[4 x 3], wanted equal extents");
    REFUSED(wg_vae_loss(a, a, v, a), WG_ESHAPE,
            "vae_loss: t_mean is f64[2] and t_log_var is f64[2 x 3], wanted equal extents");
    REFUSED(wg_vae_loss(b, b, a, a), WG_ESHAPE,
            "vae_loss: the latent batch is f64[2] and the batch of y_pred is f64[4], wanted equal "
            "extents");
    REFUSED(wg_vae_loss(e, e, e, e), WG_ESHAPE,
            "vae_loss: y_pred is f64[0 x 3]: nothing to take the loss of");
    REFUSED(wg_vae_loss(s, s, a, a), WG_ESHAPE, "vae_loss: y_pred is f64[], wanted [n, ...]");
    REFUSED(wg_vae_loss(NULL, a, a, a), WG_EARG, "vae_loss: an operand is NULL");
    REFUSED(wg_wgan_gp_critic_loss(v, v, v, 10), WG_ESHAPE,
            "wgan_gp_critic_loss: gradInterp is f64[2], wanted [n, m, ...]");
    REFUSED(wg_wgan_gp_critic_loss(v, v, a, -1), WG_EARG,
            "wgan_gp_critic_loss: lambda_ is -1, wanted a number of at least 0");
    REFUSED(wg_wgan_gp_critic_loss(v, v, a, (double)NAN), WG_EARG,
            "wgan_gp_critic_loss: lambda_ is nan, wanted a number of at least 0");
    REFUSED(wg_wgan_gp_critic_loss(v, e, a, 1), WG_ESHAPE,
            "wgan_gp_critic_loss: Y_real is f64[0 x 3]: nothing to take the loss of");
    REFUSED(wg_wgan_gp_critic_loss(v, NULL, a, 1), WG_EARG,
            "wgan_gp_critic_loss: an operand is NULL");
    REFUSED(wg_wgan_gp_generator_loss(e), WG_ESHAPE,
            "wgan_gp_generator_loss: Y_fake is f64[0 x 3]: nothing to take the loss of");
    REFUSED(wg_loss_grad(wg_squared_error(a, a), b), WG_EARG,
            "loss_grad: the loss is not made from the tensor it is to be derived by");
    REFUSED(wg_loss_grad(wg_squared_error(a, a), NULL), WG_EARG, "loss_grad: an operand is NULL");
}

/* What a plan says to these feeds of the loss. */
static void fails(wg_tensor *loss, wg_feed a, wg_feed b, wg_status code, const char *message,
                  const char *scope)
{
    wg_feed feed[] = { a, b };
    wg_error error = { .code = WG_OK };
    wg_array value = { 0 };

    EQ_INT(wg_read(loss, NULL, 2, feed, &value, &error), code);
    ERROR_IS(&error, code, message, error.site);
    EQ_STR(error.scope, scope);
    CHECK(value.data == NULL);
}

/* Recorded at batch 1 everything fits; what is fed does not. */
static void refused_feeds(void)
{
    static double x[12] = { 0.5, 0.25, 0.25, 0.5, 0.25, 0.25, 0.5, 0.25, 0.25, 3, 1, 2 };
    static int64_t k[4] = { 0, 2, 3, -1 };
    wg_graph *g = wg_graph_new();
    wg_tensor *a = wg_input(g, "a", WG_F64, WG_SHAPE(1, 3)),
              *b = wg_input(g, "b", WG_F64, WG_SHAPE(1, 3)),
              *index = wg_input(g, "index", WG_I64, WG_SHAPE(1));
    wg_tensor *squares = wg_squared_error(a, b), *entropy = wg_cross_entropy(a, b);
    wg_tensor *by_index = wg_cross_entropy_index(index, b), *vae = wg_vae_loss(a, a, b, b);
    wg_feed a1 = { "a", WG_F64_ARRAY(x, 1, 3) }, b4 = { "b", WG_F64_ARRAY(x, 4, 3) };
    wg_feed a0 = { "a", WG_F64_ARRAY(x, 0, 3) }, b0 = { "b", WG_F64_ARRAY(x, 0, 3) };
    wg_feed a4 = { "a", WG_F64_ARRAY(x, 4, 3) }, k2 = { "index", WG_I64_ARRAY(k, 2) };
    wg_feed k4 = { "index", WG_I64_ARRAY(k, 4) }, k_minus = { "index", WG_I64_ARRAY(k + 3, 1) };
    wg_feed b1 = { "b", WG_F64_ARRAY(x, 1, 3) };

    NO_ERROR(wg_graph_error(g));
    fails(squares, a1, b4, WG_ESHAPE,
          "expand_like: f64[1 x 3] is not f64[4 x 3] reduced: wanted f64[4 x 3]", "y as y_pred");
    fails(squares, a0, b0, WG_ESHAPE, "max: no element to choose from: f64[0 x 3]", "");
    fails(vae, a4, b1, WG_ESHAPE, "expand_like: f64[1] is not f64[4] reduced: wanted f64[4]",
          "the latent batch as the batch of y_pred");
    fails(vae, a0, b0, WG_ESHAPE, "max: no element to choose from: f64[0 x 3]", "");
    fails(by_index, k2, b4, WG_ESHAPE,
          "take_along_axis: indices i64[2 x 1] along axis 1 of f64[4 x 3]: other extents differ",
          "");
    fails(by_index, k4, b4, WG_EINDEX,
          "take_along_axis: index 3 at [2, 0] is out of range for axis 1 of f64[4 x 3]", "");
    fails(by_index, k_minus, b1, WG_EINDEX,
          "take_along_axis: index -1 at [0, 0] is out of range for axis 1 of f64[1 x 3]", "");
    fails(entropy, a4, b4, WG_EINDEX, "gather: index 1 at [3] is out of range for axis 0 of f64[1]",
          "rows of y_pred sum to 1");
    wg_graph_free(g);
}

static void checked_arrays(void)
{
    int64_t labels[4] = { 0, 9, 3, 10 };
    double p[6] = { 0.5, 0.25, 0.25, 0.5, 0.25, 0.2 }, bad[2] = { 1.5, -0.5 }, none[1] = { NAN };
    float single[10];
    wg_error error = { .code = WG_OK };

    for (int i = 0; i < 10; i++) single[i] = 0.1f;
    EQ_INT(wg_check_labels(WG_I64_ARRAY(labels, 3), 10, &error), WG_OK);
    EQ_INT(wg_check_probs(WG_F64_ARRAY(p, 1, 3), &error), WG_OK);
    EQ_INT(wg_check_probs(WG_F32_ARRAY(single, 10), &error), WG_OK);
    EQ_INT(wg_check_probs(WG_F64_ARRAY(p, 0, 3), &error), WG_OK);
    NO_ERROR(&error);
#define SAYS(call, code_, message)                                                                 \
    do {                                                                                           \
        error.code = WG_OK;                                                                        \
        EQ_INT(call, code_);                                                                       \
        ERROR_IS(&error, code_, message, NULL);                                                    \
    } while (0)
    SAYS(wg_check_labels(WG_I64_ARRAY(labels, 4), 10, &error), WG_EINDEX,
         "check_labels: label 3 is 10, wanted 0 to 9");
    SAYS(wg_check_labels(WG_F64_ARRAY(p, 2), 10, &error), WG_EDTYPE,
         "check_labels: labels are f64[2], wanted i64");
    SAYS(wg_check_probs(WG_F64_ARRAY(p, 2, 3), &error), WG_EARG,
         "check_probs: row 1 sums to 0.95, wanted 1");
    SAYS(wg_check_probs(WG_F64_ARRAY(bad, 1, 2), &error), WG_EARG,
         "check_probs: row 0: probability 0 is 1.5, wanted 0 to 1");
    SAYS(wg_check_probs(WG_F64_ARRAY(none, 1), &error), WG_EARG,
         "check_probs: row 0: probability 0 is nan, wanted 0 to 1");
    SAYS(wg_check_probs(WG_I64_ARRAY(labels, 4), &error), WG_EDTYPE,
         "check_probs: probabilities are i64[4], wanted f32 or f64");
    SAYS(wg_check_probs(wg_array_of(WG_F64, WG_SHAPE_SCALAR, p), &error), WG_ESHAPE,
         "check_probs: probabilities are f64[], wanted [..., n_classes]");
#undef SAYS
}

/* ---- without memory ---- */

static wg_status all_losses(void *arg, wg_error *error)
{
    static double x[6] = { 0.5, 0.25, 0.25, 0.2, 0.3, 0.5 };
    static int64_t k[2] = { 0, 2 };
    wg_feed feed[] = { { "a", WG_F64_ARRAY(x, 2, 3) }, { "k", WG_I64_ARRAY(k, 2) } };
    wg_graph *g = wg_graph_new();
    wg_tensor *a = wg_input(g, "a", WG_F64, WG_SHAPE(2, 3));
    wg_tensor *index = wg_input(g, "k", WG_I64, WG_SHAPE(2)), *sum;
    wg_array value = { 0 };
    wg_status status = WG_ENOMEM;

    (void)arg;
    sum = wg_add(wg_squared_error(a, a), wg_cross_entropy(a, a));
    sum = wg_add(sum, wg_add(wg_cross_entropy_logits(a, a), wg_cross_entropy_index(index, a)));
    sum = wg_add(sum, wg_add(wg_vae_loss(a, a, a, a), wg_wgan_gp_generator_loss(a)));
    sum = wg_add(sum, wg_wgan_gp_critic_loss(a, a, wg_gradient_at(wg_square(a), a), 10));
    if (!wg_graph_error(g)) status = wg_read(wg_loss_grad(sum, a), NULL, 2, feed, &value, error);
    else {
        *error = *wg_graph_error(g);
        status = error->code;
    }
    wg_free(value.data);
    wg_graph_free(g);
    return status;
}

static void without_memory(void)
{
    gate_every_allocation(all_losses, NULL, "losses");
}

TESTS(TEST(golden), TEST(compositions), TEST(erratum_L1_critic_gradient_signs),
      TEST(erratum_L6_rows_that_are_not_one_hot), TEST(erratum_L7_guard_of_the_logarithm),
      TEST(sure_and_wrong), TEST(erratum_L8_no_gradient_where_the_clip_is_active),
      TEST(erratum_L9_signs_of_the_documented_formulas), TEST(vanishing_gradient),
      TEST(gradient_of_each_example), TEST(refused_operands), TEST(refused_feeds),
      TEST(checked_arrays), TEST(without_memory))
