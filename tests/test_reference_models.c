/* test_reference_models.c: faults of numpy-ml's models, each shown on the references by numbers
 * that follow from the definition. */
#include <wengert/reference.h>

#include "harness.h"
#include "ref_slope.h"

static const wg_ref_act tanh_act = { WG_REF_TANH, 0, 0 }, relu = { WG_REF_RELU, 0, 0 };
static const wg_ref_act sigmoid = { WG_REF_SIGMOID, 0, 0 };

/* ---- BernoulliVAE ---- */

typedef struct {
    wg_ref_vae h;
    wg_ref_vae_params p;
    double memory[12][400], X[60], noise[4], target[60];
} vae_world;

static void vae_begin(vae_world *w)
{
    memset(w, 0, sizeof *w);
    w->h = (wg_ref_vae){ .conv1 = { 2, 6, 5, 1, 3, 2, 2, 1, 0, { 0 }, { 0 } },
                         .pool1 = { .kernel_rows = 2, .kernel_cols = 2, .stride = 2 },
                         .conv2 = { 0, 0, 0, 0, 1, 2, 3, 1, 0, { 0, 1, 1, 0 }, { 0 } },
                         .pool2 = { .kernel_rows = 2, .kernel_cols = 1, .stride = 1 },
                         .latent_dim = 5,
                         .T = 2 };
    w->p = (wg_ref_vae_params){ w->memory[0], w->memory[1], w->memory[2],  w->memory[3],
                                w->memory[4], w->memory[5], w->memory[6],  w->memory[7],
                                w->memory[8], w->memory[9], w->memory[10], w->memory[11] };
    for (int k = 0; k < 12; k++) slope_fill(400, w->memory[k], (uint64_t)k + 1);
    slope_fill(60, w->X, 91);
    slope_fill(4, w->noise, 92);
    for (int k = 0; k < 60; k++) w->target[k] = k % 2;
    wg_ref_vae_link(&w->h);
}

static double vae_S(void *context)
{
    double m[4], v[4], t[4], X_recon[60];
    vae_world *w = context;

    if (!wg_ref_vae_forward(&w->h, &w->p, w->X, w->noise, m, v, t, X_recon)) return NAN;
    return wg_ref_vae_loss(2, 30, 2, w->target, X_recon, m, v);
}

/* The noise is scaled by the standard deviation, exp(t_log_var / 2), and the gradients follow. */
static void erratum_D1_standard_deviation(void)
{
    static double dX[60], dp[12][400];
    wg_ref_vae_params g = { dp[0], dp[1], dp[2], dp[3], dp[4],  dp[5],
                            dp[6], dp[7], dp[8], dp[9], dp[10], dp[11] };
    double m[4], v[4], t[4], X_recon[60], loss;
    static vae_world w;

    vae_begin(&w);
    EQ_INT(wg_ref_vae_pixels(&w.h), 30);
    CHECK(wg_ref_vae_flat(&w.h) > 0 && wg_ref_vae_flat(&w.h) * 5 <= 400);
    CHECK(wg_ref_vae_forward(&w.h, &w.p, w.X, w.noise, m, v, t, X_recon));
    for (int k = 0; k < 4; k++) {
        double z = (t[k] - m[k]) / w.noise[k];

        CLOSE1(z * z, exp(v[k]), 1e-12, 0);
    }
    CHECK(wg_ref_vae_backward(&w.h, &w.p, w.X, w.noise, w.target, &loss, dX, &g));
    CLOSE1(loss, vae_S(&w), 1e-15, 0);
    SLOPE_CLOSE(vae_S, &w, 60, w.X, dX, 1e-7);
    for (int k = 0; k < 12; k++) SLOPE_CLOSE(vae_S, &w, 400, w.memory[k], dp[k], 1e-7);
    CHECK(slope_dot(60, dX, dX) > 1e-8);
}

/* ---- WGAN_GP ---- */

enum { BATCH = 4, FEATS = 3, HIDDEN = 5, WIDE = BATCH * FEATS };

typedef struct {
    wg_ref_wgan generator, critic;
    wg_ref_wgan_params gp, cp;
    double memory[16][HIDDEN * HIDDEN], noise[WIDE], real[WIDE], fake[WIDE], alpha[BATCH];
} wgan_world;

static void wgan_begin(wgan_world *w, wg_ref_act act_fn)
{
    memset(w, 0, sizeof *w);
    w->generator = (wg_ref_wgan){ BATCH, FEATS, HIDDEN, FEATS, act_fn };
    w->critic = (wg_ref_wgan){ BATCH, FEATS, HIDDEN, 1, act_fn };
    for (int k = 0; k < 16; k++) slope_fill(HIDDEN * HIDDEN, w->memory[k], (uint64_t)k + 1);
    for (int k = 0; k < 4; k++) {
        w->gp.W[k] = w->memory[k];
        w->gp.b[k] = w->memory[4 + k];
        w->cp.W[k] = w->memory[8 + k];
        w->cp.b[k] = w->memory[12 + k];
    }
    slope_fill(WIDE, w->noise, 21);
    slope_fill(WIDE, w->real, 22);
    slope_fill(WIDE, w->fake, 23);
    slope_fill(BATCH, w->alpha, 24);
    for (int k = 0; k < BATCH; k++) w->alpha[k] = (w->alpha[k] + 1) / 2;
}

static wg_ref_wgan_params wgan_grads(double memory[8][HIDDEN * HIDDEN])
{
    wg_ref_wgan_params g;

    memset(memory, 0, 8 * sizeof memory[0]);
    for (int k = 0; k < 4; k++) {
        g.W[k] = memory[k];
        g.b[k] = memory[4 + k];
    }
    return g;
}

static double generator_loss(void *context)
{
    wgan_world *w = context;
    double loss;

    return wg_ref_wgan_generator_step(&w->generator, &w->gp, &w->critic, &w->cp, w->noise, &loss,
                                      NULL, NULL, NULL)
               ? loss
               : NAN;
}

/* The generator learns through the critic: its gradients are not 0, and a step along them lowers
 * the loss. */
static void erratum_D5_generator_learns(void)
{
    static double memory[8][HIDDEN * HIDDEN];
    wg_ref_wgan_params g = wgan_grads(memory);
    double before, squares = 0;
    static wgan_world w;

    wgan_begin(&w, relu);
    CHECK(wg_ref_wgan_generator_step(&w.generator, &w.gp, &w.critic, &w.cp, w.noise, &before, NULL,
                                     NULL, &g));
    for (int k = 0; k < 8; k++)
        SLOPE_CLOSE(generator_loss, &w, HIDDEN * HIDDEN, w.memory[k], memory[k], 1e-7);
    for (int k = 0; k < 8; k++) squares += slope_dot(HIDDEN * HIDDEN, memory[k], memory[k]);
    CHECK(squares > 1e-3);
    for (int k = 0; k < 8; k++)
        for (int i = 0; i < HIDDEN * HIDDEN; i++) w.memory[k][i] -= 1e-4 * memory[k][i];
    CLOSE1(generator_loss(&w) - before, -1e-4 * squares, 1e-2, 0);
}

static double critic_loss(void *context)
{
    wgan_world *w = context;
    double loss;

    return wg_ref_wgan_critic_step(&w->critic, &w->cp, 10, w->real, w->fake, w->alpha, &loss, NULL,
                                   NULL, NULL, NULL, NULL, NULL)
               ? loss
               : NAN;
}

/* The penalty through all four layers, for ReLU as in numpy-ml, and for Tanh and Sigmoid, whose
 * second derivatives numpy-ml's _bwd2 leaves out (errata Y17). */
static void erratum_Y17_penalty_through_every_layer(void)
{
    const wg_ref_act acts[] = { relu, tanh_act, sigmoid };
    static double memory[8][HIDDEN * HIDDEN];
    static wgan_world w;

    for (int a = 0; a < 3; a++) {
        wg_ref_wgan_params g = wgan_grads(memory);
        double loss;

        wgan_begin(&w, acts[a]);
        CHECK(wg_ref_wgan_critic_step(&w.critic, &w.cp, 10, w.real, w.fake, w.alpha, &loss, NULL,
                                      NULL, NULL, NULL, NULL, &g));
        for (int k = 0; k < 8; k++)
            SLOPE_CLOSE(critic_loss, &w, HIDDEN * HIDDEN, w.memory[8 + k], memory[k], 1e-7);
    }
}

/* S = sum G dX, dX the critic's first backward for dY (here w->alpha, G w->fake). */
static double penalty_S(void *context)
{
    wgan_world *w = context;
    double dX[WIDE];

    if (!wg_ref_wgan_backward(&w->critic, &w->cp, w->real, w->alpha, dX, NULL)) return NAN;
    return slope_dot(WIDE, w->fake, dX);
}

/* What the second backward gives beside parameters: the gradients at X and at dY. */
static void second_backward_at_its_inputs(void)
{
    static double memory[8][HIDDEN * HIDDEN];
    wg_ref_wgan_params g = wgan_grads(memory);
    double ddY[BATCH], dX2[WIDE];
    static wgan_world w;

    wgan_begin(&w, tanh_act);
    CHECK(wg_ref_wgan_bwd2(&w.critic, &w.cp, w.real, w.alpha, w.fake, ddY, dX2, &g));
    SLOPE_CLOSE(penalty_S, &w, WIDE, w.real, dX2, 1e-8);
    SLOPE_CLOSE(penalty_S, &w, BATCH, w.alpha, ddY, 1e-8);
    for (int k = 0; k < 8; k++)
        SLOPE_CLOSE(penalty_S, &w, HIDDEN * HIDDEN, w.memory[8 + k], memory[k], 1e-8);
    CHECK(slope_dot(WIDE, dX2, dX2) > 1e-6);
}

/* ---- Word2Vec ---- */

typedef struct {
    wg_ref_word2vec h;
    wg_ref_word2vec_params p;
    double memory[3][18];
} word_world;

static double word_S(void *context)
{
    word_world *w = context;
    double loss;

    return wg_ref_word2vec_forward(&w->h, &w->p, &loss, NULL) ? loss : NAN;
}

/* Contexts that repeat a word, and noise that hits a target. */
static void erratum_D11_repeats_and_hits(void)
{
    static const int64_t ids[] = { 1, 1, 4, 0, 2, 2, 2 }, offsets[] = { 0, 3, 7 };
    static const int64_t target[] = { 3, 5 }, neg[] = { 5, 0, 5 };
    static double dp[3][18];
    static word_world w;
    wg_ref_word2vec_params g = { dp[0], dp[1], dp[2] };

    w.h = (wg_ref_word2vec){ 2, 6, 3, 3, ids, offsets, target, neg };
    w.p = (wg_ref_word2vec_params){ w.memory[0], w.memory[1], w.memory[2] };
    for (int k = 0; k < 3; k++) slope_fill(18, w.memory[k], (uint64_t)k + 1);
    CHECK(wg_ref_word2vec_backward(&w.h, &w.p, &g));
    for (int k = 0; k < 3; k++) SLOPE_CLOSE(word_S, &w, 18, w.memory[k], dp[k], 1e-8);
    /* Word 2 stands three times among the four of the second context, word 0 once. */
    for (int k = 0; k < 3; k++) CLOSE1(dp[0][2 * 3 + k], 3 * dp[0][0 * 3 + k], 1e-14, 1e-16);
    CHECK(dp[0][0] != 0);
}

TESTS(TEST(erratum_D1_standard_deviation), TEST(erratum_D5_generator_learns),
      TEST(erratum_Y17_penalty_through_every_layer), TEST(second_backward_at_its_inputs),
      TEST(erratum_D11_repeats_and_hits))
