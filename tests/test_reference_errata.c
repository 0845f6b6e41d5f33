/* test_reference_errata.c: activations, losses and optimisers where numpy-ml is wrong, one test an
 * erratum; and what golden files do not reach. */
#include <float.h>
#include <wengert/reference.h>

#include "harness.h"
#include "ref_made.h"
#include "ref_subjects.h"

/* ---- activations ---- */

static void erratum_A1_gelu_keeps_its_argument(void)
{
    wg_ref_act exact, tanh_form;

    REQUIRE(wg_ref_act_parse("GELU(approximate=False)", &exact));
    REQUIRE(wg_ref_act_parse("GELU(approximate=True)", &tanh_form));
    EQ_INT(exact.kind, WG_REF_GELU);
    EQ_INT(tanh_form.kind, WG_REF_GELU_TANH);
    CHECK(fabs(wg_ref_act_fn(exact, 2) - wg_ref_act_fn(tanh_form, 2)) > 1e-5);
}

static void erratum_A2_exact_gelu_of_arrays(void)
{
    double z[3] = { -1, 0, 2 }, y[3], want[3] = { -0.15865525393145707, 0, 1.9544997361036416 };

    wg_ref_act_fn_n((wg_ref_act){ WG_REF_GELU, 0, 0 }, 3, z, y);
    CLOSE(y, want, 3, 1e-15, 1e-16);
}

/* f' and f'' against differences of f and f' on [-5, 5]. */
static void erratum_A3_A4_gelu_derivatives(void)
{
    double h = 1e-4;

    for (int exact = 0; exact < 2; exact++) {
        for (double z = -5; z <= 5; z += 0.37) {
            double d = (wg_ref_gelu(z + h, !exact) - wg_ref_gelu(z - h, !exact)) / (2 * h);
            double d2 =
                (wg_ref_gelu_grad(z + h, !exact) - wg_ref_gelu_grad(z - h, !exact)) / (2 * h);

            CLOSE1(wg_ref_gelu_grad(z, !exact), d, 0, 2e-8);
            CLOSE1(wg_ref_gelu_grad2(z, !exact), d2, 0, 5e-8);
        }
    }
    CLOSE1(wg_ref_gelu_grad2(0, false), 0.79788456080286541, 1e-15, 0);
}

static void erratum_A6_softplus_tails(void)
{
    CLOSE1(wg_ref_softplus(800), 800, 1e-15, 0);
    CLOSE1(wg_ref_softplus_grad(800), 1, 1e-15, 0);
    CLOSE1(wg_ref_softplus_grad2(800), 0, 0, 1e-300);
    CLOSE1(wg_ref_softplus(-40), 4.248354255291589e-18, 1e-14, 0);
}

static void erratum_A7_nothing_cancels(void)
{
    CLOSE1(wg_ref_sigmoid_grad(40), 4.248354255291589e-18, 1e-14, 0);
    CLOSE1(wg_ref_sigmoid_grad(-40), wg_ref_sigmoid_grad(40), 1e-15, 0);
    CLOSE1(wg_ref_tanh_grad(20), 4 * exp(-40), 1e-14, 0);
    CLOSE1(wg_ref_elu(-1e-9, 1), -1e-9 + 0.5e-18, 1e-15, 0);
    CLOSE1(wg_ref_sigmoid_grad2(1e-9), -1.25e-10, 1e-15, 0);
}

static void erratum_A8_breakpoints(void)
{
    CLOSE1(wg_ref_leaky_relu_grad(0, 0.3), 0.3, 0, 0);
    CLOSE1(wg_ref_elu_grad2(0, 2), 2, 0, 0);
    CLOSE1(wg_ref_elu_grad(0, 2), 2, 0, 0);
    CLOSE1(wg_ref_selu_grad(0), 1.0507009873554805 * 1.6732632423543772, 1e-15, 0);
    CLOSE1(wg_ref_relu_grad(0), 0, 0, 0);
    CLOSE1(wg_ref_hard_sigmoid_grad(2.5), 0.2, 0, 0);
    CLOSE1(wg_ref_hard_sigmoid_grad(-2.5), 0.2, 0, 0);
}

static void activations_from_text(void)
{
    wg_ref_act act = { WG_REF_TANH, 7, 8 };

    CHECK(wg_ref_act_parse(NULL, &act) && act.kind == WG_REF_IDENTITY);
    CHECK(wg_ref_act_parse("Leaky ReLU(alpha=0.25)", &act));
    CHECK(act.kind == WG_REF_LEAKY_RELU && act.a == 0.25);
    CHECK(wg_ref_act_parse("Affine(slope=-2.5, intercept=0.75)", &act));
    CHECK(act.kind == WG_REF_AFFINE && act.a == -2.5 && act.b == 0.75);
    CHECK(wg_ref_act_parse("elu", &act) && act.kind == WG_REF_ELU && act.a == 1);
    CHECK(wg_ref_act_parse("Hard Sigmoid", &act) && act.kind == WG_REF_HARD_SIGMOID);
    act = (wg_ref_act){ WG_REF_TANH, 7, 8 };
    CHECK(!wg_ref_act_parse("ReLUU", &act));
    CHECK(!wg_ref_act_parse("ELU(beta=1)", &act));
    CHECK(!wg_ref_act_parse("ELU(alpha=x)", &act));
    CHECK(!wg_ref_act_parse("ELU(alpha=1", &act));
    CHECK(!wg_ref_act_parse("ELU(alpha=1))", &act));
    CHECK(!wg_ref_act_parse("GELU(approximate=2)", &act));
    CHECK(!wg_ref_act_parse("Tanh(alpha=1)", &act));
    CHECK(act.kind == WG_REF_TANH && act.a == 7 && act.b == 8);
}

/* ---- losses ---- */

static void erratum_L1_critic_signs(void)
{
    double fake[4], real[2];

    wg_ref_wgan_gp_critic_grad(4, 2, 0, 0, 10, NULL, fake, real, NULL);
    CLOSE1(fake[3], 0.25, 0, 0);
    CLOSE1(real[1], -0.5, 0, 0);
}

/* Noise classes that are targets, targets and noise that repeat: every term has its gradient. */
static void erratum_L2_accidental_hits(void)
{
    json_t *hyper = json_pack("{s:b}", "subtract_log_label_prob", 0);
    int64_t X[] = { 3, 2, 4 }, W[] = { 5, 4 }, b[] = { 1, 5 }, three = 3, four = 4;
    gresult r = { 0 };
    gcase c;

    put_numbers(&r, G_INPUT, "X", 3, X, 1);
    put_numbers(&r, G_PARAM, "W", 2, W, 2);
    put_numbers(&r, G_PARAM, "b", 2, b, 3);
    g_put_i(&r, G_INPUT, "target", 1, &three, (int64_t[]){ 1, 4, 1 });
    g_put_i(&r, G_INPUT, "neg_samples", 1, &four, (int64_t[]){ 1, 0, 4, 0 });
    g_put_num(&r, G_OUTPUT_GRAD, "loss", 1);
    c = made_case("NCELoss", &r, hyper);
    expect_differences(g_subject(ref_subjects_loss, "NCELoss"), &c, 24 + 20 + 5);
    g_result_free(&r);
    json_decref(hyper);
}

static void erratum_L3_saturated_logits(void)
{
    double x = 1, W[2] = { -60, 60 }, b[2] = { 0, 0 }, dX = NAN, dW[2] = { 0 }, db[2] = { 0 };
    int64_t target = 0, neg = 1;
    wg_ref_nce t = { .N = 1, .C = 1, .D = 1, .K = 1, .X = &x, .W = W, .b = b };

    t.target = &target;
    t.neg = &neg;
    CLOSE1(wg_ref_nce_loss(&t, NULL), 120, 1e-15, 0);
    wg_ref_nce_loss_grad(&t, &dX, dW, db);
    CLOSE1(db[0], -1, 1e-15, 0);
    CLOSE1(db[1], 1, 1e-15, 0);
    CLOSE1(dX, 120, 1e-15, 0);
}

static void erratum_L6_rows_that_are_not_one_hot(void)
{
    double y[6] = { 1, 1, 0, 0.2, 0, 0.5 }, z[6] = { 0.3, -0.4, 1.2, 0.1, 0.7, -2 }, p[6], dz[6];
    double h = 1e-5;

    wg_ref_softmax(2, 3, 1, z, p);
    wg_ref_cross_entropy_grad(2, 3, y, p, dz);
    for (int i = 0; i < 6; i++) {
        double up, down, at = z[i];

        z[i] = at + h;
        up = wg_ref_cross_entropy(2, 3, y, z);
        z[i] = at - h;
        down = wg_ref_cross_entropy(2, 3, y, z);
        z[i] = at;
        CLOSE1(dz[i], (up - down) / (2 * h), 0, 1e-9);
    }
}

static void erratum_L7_perfect_prediction(void)
{
    double y[2] = { 1, 0 }, z[2] = { 800, 0 }, wrong[2] = { -800, 0 };

    CLOSE1(wg_ref_cross_entropy(1, 2, y, z), 0, 0, 0);
    CLOSE1(wg_ref_cross_entropy(1, 2, y, wrong), 800, 1e-15, 0);
}

static void erratum_L8_clipped_reconstruction(void)
{
    double y[4] = { 1, 0, 1, 0 }, p[4] = { 0, 1, 0.25, 0.25 }, mean = 0, log_var = 0;
    double dp[4], dmean, dlog_var;

    wg_ref_vae_loss_grad(1, 4, 1, y, p, &mean, &log_var, dp, &dlog_var, &dmean);
    CLOSE(dp, ((double[]){ 0, 0, -4, 4 / 3.0 }), 4, 1e-15, 0);
    CLOSE1(wg_ref_vae_loss(1, 1, 1, y, p, &mean, &log_var), -log(DBL_EPSILON), 1e-15, 0);
}

/* Class indices give what their one-hot rows give. */
static void cross_entropy_from_indices(void)
{
    int64_t label[3] = { 2, 0, 3 };
    double y[12] = { 0 }, z[12], p[12], rows[12], indices[12];

    for (int i = 0; i < 3; i++) y[4 * i + label[i]] = 1;
    made_numbers(3, 12, z);
    wg_ref_softmax(3, 4, 1, z, p);
    wg_ref_cross_entropy_grad(3, 4, y, p, rows);
    wg_ref_cross_entropy_index_grad(3, 4, label, p, indices);
    CLOSE(indices, rows, 12, 0, 1e-15);
    CLOSE1(wg_ref_cross_entropy_index(3, 4, label, z), wg_ref_cross_entropy(3, 4, y, z), 1e-15, 0);
}

/* ---- optimisers and schedulers ---- */

static void erratum_O2_noam_starts_at_one(void)
{
    CLOSE1(wg_ref_noam_lr(1, 512, 1, 4000), pow(512, -0.5) * pow(4000, -1.5), 1e-14, 0);
    CLOSE1(wg_ref_noam_lr(4000, 512, 1, 4000), pow(512, -0.5) * pow(4000, -0.5), 1e-14, 0);
}

/* A steadily rising loss lets the rate fall whatever the patience. */
static void erratum_O3_king_with_much_patience(void)
{
    static const int64_t patience[] = { 3, 10, 19, 28, 100, 1000 };

    for (size_t k = 0; k < sizeof patience / sizeof patience[0]; k++) {
        double *history = calloc((size_t)wg_ref_king_room(patience[k]), sizeof *history), lr = 1;
        wg_ref_king king = { .lr = 1, .decay = 0.5, .patience = patience[k], .history = history };

        REQUIRE(history != NULL);
        for (int64_t t = 0; t < 2 * patience[k] + 5; t++)
            REQUIRE(wg_ref_king_lr(&king, (double)t + 0.1 * (double)(t % 3), &lr));
        harness_check(lr < 1, __FILE__, __LINE__, "patience %lld: rate %g", (long long)patience[k],
                      lr);
        free(history);
    }
}

static void nesterov_and_adamw(void)
{
    double grad[2] = { 0.5, -2 }, p[2] = { 1, 1 }, c[2] = { 0 }, m[2] = { 0 }, v[2] = { 0 },
           q[2] = { 1, 1 }, mq[2] = { 0 }, vq[2] = { 0 };

    wg_ref_nesterov(2, 0.1, 0.9, 0, grad, p, c);
    CLOSE(p, ((double[]){ 1 - 0.1 * 0.5 * 1.9, 1 + 0.2 * 1.9 }), 2, 1e-15, 0);
    wg_ref_nesterov(2, 0.1, 0.9, 0, grad, p, c);
    CLOSE1(c[0], 0.05 * 1.9, 1e-15, 0);
    CLOSE1(p[0], 1 - 0.095 - (0.9 * 0.095 + 0.05), 1e-15, 0);
    /* decay apart from the moments: AdamW's step is Adam's and lr wd p */
    wg_ref_adam(2, 1, 0.1, 0.9, 0.999, 1e-8, 0, grad, q, mq, vq);
    p[0] = p[1] = 1;
    wg_ref_adamw(2, 1, 0.1, 0.9, 0.999, 1e-8, 0.01, 0, grad, p, m, v);
    for (int i = 0; i < 2; i++) CLOSE1(p[i], q[i] - 0.1 * 0.01, 1e-14, 0);
    SAME_BITS(m, mq, sizeof m);
}

static void norms_are_clipped(void)
{
    double grad[2] = { 3, 4 };

    CLOSE1(wg_ref_clip_factor(2, 1, grad), 0.2, 1e-15, 0);
    CLOSE1(wg_ref_clip_factor(2, 5, grad), 1, 0, 0);
    CLOSE1(wg_ref_clip_factor(2, 0, grad), 1, 0, 0);
}

TESTS(TEST(erratum_A1_gelu_keeps_its_argument), TEST(erratum_A2_exact_gelu_of_arrays),
      TEST(erratum_A3_A4_gelu_derivatives), TEST(erratum_A6_softplus_tails),
      TEST(erratum_A7_nothing_cancels), TEST(erratum_A8_breakpoints), TEST(activations_from_text),
      TEST(erratum_L1_critic_signs), TEST(erratum_L2_accidental_hits),
      TEST(erratum_L3_saturated_logits), TEST(erratum_L6_rows_that_are_not_one_hot),
      TEST(erratum_L7_perfect_prediction), TEST(erratum_L8_clipped_reconstruction),
      TEST(cross_entropy_from_indices), TEST(erratum_O2_noam_starts_at_one),
      TEST(erratum_O3_king_with_much_patience), TEST(nesterov_and_adamw), TEST(norms_are_clipped))
