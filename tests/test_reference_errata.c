/* test_reference_errata.c: where numpy-ml is wrong the references are right, one test an erratum;
 * and what golden files do not reach. */
#include <float.h>
#include <wengert/reference.h>

#include "harness.h"
#include "ref_run.h"
#include "ref_subjects.h"

/* ---- cases made here ---- */

/* n numbers between -1 and 1, away from 0 */
static void numbers(uint64_t seed, int64_t n, double *x)
{
    for (int64_t i = 0; i < n; i++) {
        double u;

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        u = (double)(seed >> 11) / 9007199254740992.0;
        x[i] = u < 0.5 ? -0.05 - 1.9 * u : 0.05 + 1.9 * (u - 0.5);
    }
}

/* A case under construction: arrays are put as into a result. */
static gcase made(const char *subject, const gresult *arrays, const json_t *hyper)
{
    gcase c = { .subject = subject, .name = "made here", .note = "", .hyper = hyper };

    memcpy(c.section, arrays->section, sizeof c.section);
    return c;
}

static double *put_numbers(gresult *r, gsection s, const char *name, int rank, const int64_t *dim,
                           uint64_t seed)
{
    double *x = g_put(r, s, name, rank, dim, NULL);

    if (x) numbers(seed, g_count(g_find(&r->section[s], name)), x);
    return x;
}

/* Gradients against differences, in at least `least` places. */
static void expect_differences(const gsubject *s, gcase *c, int64_t least)
{
    gcheck check = g_check_differences(s, c);

    harness_check(check.error <= 1e-7, __FILE__, __LINE__, "%s: %.3g: %s", c->subject, check.error,
                  check.where);
    harness_check(check.count >= least, __FILE__, __LINE__, "%s: only %lld gradients", c->subject,
                  (long long)check.count);
}

/* A layer with X, W, mask and b, its gradients against differences. */
static void expect_layer(const gsubject *s, const char *act_fn, bool mask, bool second)
{
    json_t *hyper = json_pack("{s:s}", "act_fn", act_fn);
    int64_t X[] = { 3, 4 }, W[] = { 4, 5 }, b[] = { 1, 5 }, Y[] = { 3, 5 };
    gresult r = { 0 };
    double *M;
    gcase c;

    put_numbers(&r, G_INPUT, "X", 2, X, 1);
    put_numbers(&r, G_PARAM, "W", 2, W, 2);
    put_numbers(&r, G_PARAM, "b", 2, b, 3);
    if (mask && (M = g_put(&r, G_INPUT, "W_mask", 2, W, NULL)))
        for (int i = 0; i < 20; i++) M[i] = i % 3 != 0;
    if (second) {
        put_numbers(&r, G_INPUT, "dY", 2, Y, 4);
        put_numbers(&r, G_INPUT, "G_X", 2, X, 5);
        g_put_num(&r, G_OUTPUT_GRAD, "S", 1);
    } else {
        put_numbers(&r, G_OUTPUT_GRAD, "Y", 2, Y, 4);
    }
    c = made(s->subject, &r, hyper);
    expect_differences(s, &c, second ? 12 + 15 + 20 + 5 : 12 + 20 + 5);
    g_result_free(&r);
    json_decref(hyper);
}

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
    c = made("NCELoss", &r, hyper);
    expect_differences(g_subject(ref_subjects_loss, "NCELoss"), &c, 24 + 20 + 5);
    g_result_free(&r);
    json_decref(hyper);
}

static void erratum_L3_saturated_logits(void)
{
    double x = 1, W[2] = { -60, 60 }, b[2] = { 0, 0 }, dX, dW[2] = { 0 }, db[2] = { 0 };
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
    numbers(3, 12, z);
    wg_ref_softmax(3, 4, 1, z, p);
    wg_ref_cross_entropy_grad(3, 4, y, p, rows);
    wg_ref_cross_entropy_index_grad(3, 4, label, p, indices);
    CLOSE(indices, rows, 12, 0, 1e-15);
    CLOSE1(wg_ref_cross_entropy_index(3, 4, label, z), wg_ref_cross_entropy(3, 4, y, z), 1e-15, 0);
}

/* ---- dropout ---- */

static void expect_dropout(const char *scale)
{
    json_t *hyper = json_pack("{s:s,s:f,s:s}", "act_fn", "Tanh", "p", 0.4, "scale", scale);
    int64_t X[] = { 3, 4 }, W[] = { 4, 5 }, b[] = { 1, 5 }, Y[] = { 3, 5 };
    const gsubject *s = g_subject(ref_subjects_dense, "Dropout");
    gresult r = { 0 }, grads = { 0 };
    const garray *dX;
    double *mask;
    gcase c;

    put_numbers(&r, G_INPUT, "X", 2, X, 1);
    put_numbers(&r, G_PARAM, "W", 2, W, 2);
    put_numbers(&r, G_PARAM, "b", 2, b, 3);
    put_numbers(&r, G_OUTPUT_GRAD, "Y", 2, Y, 4);
    mask = g_put(&r, G_INPUT, "dropout_mask", 2, X, NULL);
    for (int i = 0; mask && i < 12; i++) mask[i] = i % 4 != 1;
    c = made("Dropout", &r, hyper);
    expect_differences(s, &c, 12 + 20 + 5);
    CHECK(s->backward(&c, &grads));
    dX = g_find(&grads.section[G_INPUT_GRAD], "X");
    for (int i = 0; dX && mask && i < 12; i++) CHECK(mask[i] != 0 ? dX->f[i] != 0 : dX->f[i] == 0);
    g_result_free(&grads);
    g_result_free(&r);
    json_decref(hyper);
}

static void erratum_W1_masked_gradient(void)
{
    expect_dropout("output");
    expect_dropout("input");
}

static void erratum_W2_the_callers_array_stays(void)
{
    const double dY[2] = { 1, 1 };
    double scaled[2];

    wg_ref_dropout_output_backward(2, 0.5, dY, scaled);
    CLOSE(dY, ((double[]){ 1, 1 }), 2, 0, 0);
    CLOSE(scaled, ((double[]){ 2, 2 }), 2, 0, 0);
}

/* ---- layers ---- */

/* Any axis of an array of any rank, 4-D attention scores among them. */
static void erratum_Y5_Y6_softmax_along_any_axis(void)
{
    const gsubject *first = g_subject(ref_subjects_combine, "Softmax"),
                   *second = g_subject(ref_subjects_second, "Softmax");
    int64_t X[] = { 2, 3, 2, 4 };

    for (int dim = -4; dim < 4; dim++) {
        json_t *hyper = json_pack("{s:i}", "dim", dim);
        gresult r = { 0 }, one = { 0 };
        gcase c;

        put_numbers(&r, G_INPUT, "X", 4, X, 1);
        put_numbers(&r, G_OUTPUT_GRAD, "Y", 4, X, 2);
        c = made("Softmax", &r, hyper);
        expect_differences(first, &c, 40);
        put_numbers(&r, G_INPUT, "dY", 4, X, 3);
        put_numbers(&r, G_INPUT, "G_X", 4, X, 4);
        g_put_num(&one, G_OUTPUT_GRAD, "S", 1);
        c = made("Softmax", &r, hyper);
        c.section[G_OUTPUT_GRAD] = one.section[G_OUTPUT_GRAD];
        expect_differences(second, &c, 80);
        g_result_free(&one);
        g_result_free(&r);
        json_decref(hyper);
    }
}

/* Weights of an RBM of 3 visible and 2 hidden units, and two examples. */
typedef struct {
    double W[6], b_in[3], b_out[2], V[6];
    wg_ref_rbm rbm;
} small_rbm;

static void rbm_make(small_rbm *s)
{
    numbers(1, 6, s->W);
    numbers(2, 3, s->b_in);
    numbers(3, 2, s->b_out);
    for (int i = 0; i < 6; i++) s->V[i] = i % 2;
    s->rbm = (wg_ref_rbm){ 3, 2, s->W, s->b_in, s->b_out };
}

static double energy_gap(const small_rbm *s, const double *vp)
{
    double F[2], Fp[2];

    wg_ref_rbm_free_energy(&s->rbm, 2, s->V, F);
    wg_ref_rbm_free_energy(&s->rbm, 2, vp, Fp);
    return F[0] + F[1] - Fp[0] - Fp[1];
}

/* Descent: the gradient of the gap of free energies with the reconstruction held fixed, summed over
 * the batch in all three parameters; and accumulated. */
static void erratum_Y10_Y11_descent_direction(void)
{
    static const double U[4] = { 0.3, 0.8, 0.6, 0.1 };
    double p[4], vp[6], hp[4], d[11] = { 0 }, h = 1e-5;
    small_rbm s;
    double *const at[3] = { s.W, s.b_in, s.b_out };
    const int n[3] = { 6, 3, 2 };

    rbm_make(&s);
    REQUIRE(wg_ref_rbm_gibbs(&s.rbm, 2, 1, s.V, U, p, NULL, vp, hp));
    for (int twice = 0; twice < 2; twice++)
        wg_ref_rbm_backward(&s.rbm, 2, s.V, p, vp, hp, d, d + 6, d + 9);
    for (int k = 0, i = 0; k < 3; k++) {
        for (int j = 0; j < n[k]; j++, i++) {
            double was = at[k][j], up, down;

            at[k][j] = was + h;
            up = energy_gap(&s, vp);
            at[k][j] = was - h;
            down = energy_gap(&s, vp);
            at[k][j] = was;
            CLOSE1(d[i], 2 * (up - down) / (2 * h), 0, 1e-9);
        }
    }
}

/* Three steps sample in the first two whatever the layer's own K is. */
static void erratum_Y12_steps_of_the_call(void)
{
    static const double U[12] = { 0.5, 0.5, 0.5, 0.5, 0.01, 0.99, 0.4, 0.6, 0.2, 0.7, 0.9, 0.1 };
    double three[6], one[6], H[4], chained[6];
    small_rbm s;

    rbm_make(&s);
    REQUIRE(wg_ref_rbm_gibbs(&s.rbm, 2, 3, s.V, U, NULL, NULL, three, NULL));
    /* by hand: visible from sampled hidden, three times */
    memcpy(one, s.V, sizeof one);
    for (int k = 0; k < 3; k++) {
        REQUIRE(wg_ref_rbm_gibbs(&s.rbm, 2, 1, one, U + 4 * k, NULL, H, chained, NULL));
        for (int i = 0; i < 4; i++) CHECK(H[i] == 0 || H[i] == 1);
        memcpy(one, chained, sizeof one);
    }
    CLOSE(three, chained, 6, 1e-15, 0);
}

static void erratum_Y15_inference_backward(void)
{
    json_t *hyper = json_pack("{s:s}", "mode", "inference");
    int64_t X[] = { 2, 3, 2, 4 }, C = 4;
    gresult r = { 0 };
    double *var;
    gcase c;

    put_numbers(&r, G_INPUT, "X", 4, X, 1);
    put_numbers(&r, G_PARAM, "scaler", 1, &C, 2);
    put_numbers(&r, G_PARAM, "intercept", 1, &C, 3);
    put_numbers(&r, G_INPUT, "running_mean", 1, &C, 4);
    var = put_numbers(&r, G_INPUT, "running_var", 1, &C, 5);
    for (int i = 0; var && i < 4; i++) var[i] = fabs(var[i]);
    put_numbers(&r, G_OUTPUT_GRAD, "Y", 4, X, 6);
    c = made("BatchNorm2D", &r, hyper);
    expect_differences(g_subject(ref_subjects_norm, "BatchNorm2D"), &c, 40 + 8);
    g_result_free(&r);
    json_decref(hyper);
}

static void erratum_Y14_both_running_variances(void)
{
    double mean = 1, var = 2, m = 0, biased = 1, unbiased = 1;

    wg_ref_batchnorm_running(4, 1, 0.5, false, &mean, &var, &m, &biased);
    CLOSE1(m, 0.5, 0, 0);
    CLOSE1(biased, 1.5, 1e-15, 0);
    wg_ref_batchnorm_running(4, 1, 0.5, true, &mean, &var, &m, &unbiased);
    CLOSE1(unbiased, 0.5 + 0.5 * 2 * 4 / 3.0, 1e-15, 0);
}

static void erratum_Y16_repeated_ids(void)
{
    static const int64_t ids[4] = { 1, 1, 1, 0 }, offsets[3] = { 0, 4, 4 };
    double dY[4] = { 1, 2, 5, 5 }, sum[4] = { 0 }, mean[4] = { 0 };

    wg_ref_embedding_backward(WG_REF_POOL_SUM, 2, 2, ids, offsets, dY, sum);
    CLOSE(sum, ((double[]){ 1, 2, 3, 6 }), 4, 0, 0);
    wg_ref_embedding_backward(WG_REF_POOL_MEAN, 2, 2, ids, offsets, dY, mean);
    CLOSE(mean, ((double[]){ 0.25, 0.5, 0.75, 1.5 }), 4, 0, 0);
}

static void erratum_Y17_second_order_with_curvature(void)
{
    static const char *const acts[] = {
        "Tanh", "Sigmoid",     "SoftPlus", "ELU(alpha=0.7)", "GELU(approximate=False)",
        "SELU", "Exponential", "ReLU"
    };

    for (size_t k = 0; k < sizeof acts / sizeof acts[0]; k++)
        expect_layer(g_subject(ref_subjects_second, "FullyConnected"), acts[k], false, true);
}

static void erratum_Y18_backward_takes_the_stored_Z(void)
{
    wg_ref_act act = { WG_REF_TANH, 0, 0 };
    double X[2] = { 0.5, -1 }, W[2] = { 0.3, 0.7 }, b = 0.1, Z, dY = 1, before[2], after[2];

    wg_ref_fully_connected(act, 1, 2, 1, X, W, &b, &Z, NULL);
    REQUIRE(wg_ref_fully_connected_backward(act, 1, 2, 1, X, W, &Z, &dY, before, NULL, NULL));
    b = 2; /* an update between forward and backward */
    REQUIRE(wg_ref_fully_connected_backward(act, 1, 2, 1, X, W, &Z, &dY, after, NULL, NULL));
    SAME_BITS(before, after, sizeof before);
}

static void erratum_Y19_density_is_a_probability(void)
{
    CLOSE1(wg_ref_sparse_evolution_density(4, 3, 20), 1, 0, 0);
    CLOSE1(wg_ref_sparse_evolution_density(30, 40, 2), 2 * 70 / 1200.0, 1e-15, 0);
}

static void erratum_Y20_masked_gradient(void)
{
    const gsubject *s = g_subject(ref_subjects_dense, "SparseEvolution");
    double X[4] = { 1, 2, 3, 4 }, W[4] = { 1, 1, 1, 1 }, M[4] = { 1, 0, 0, 1 }, Z[4], dW[4] = { 0 };
    const double dY[4] = { 1, 1, 1, 1 };
    wg_ref_act act = { WG_REF_IDENTITY, 0, 0 };

    expect_layer(s, "Tanh", true, false);
    REQUIRE(wg_ref_sparse_evolution(act, 2, 2, 2, X, W, M, NULL, Z, NULL));
    REQUIRE(wg_ref_sparse_evolution_backward(act, 2, 2, 2, X, W, M, Z, dY, NULL, dW, NULL));
    CLOSE(dW, ((double[]){ 4, 0, 0, 6 }), 4, 0, 0);
}

/* SparseEvolution to the second order, by the same cases as the dense layer. */
static bool sparse2(const gcase *c, gresult *r, bool forward)
{
    const garray *X = g_in(c, "X"), *W = g_param(c, "W"), *dY = g_in(c, "dY");
    const double *M = g_in_f(c, "W_mask"), *G = g_in_f(c, "G_X"), *b = g_param_f(c, "b");
    double Z[15], dX[12], S = 0;
    wg_ref_act act;

    if (!wg_ref_act_parse(g_str(c, "act_fn", NULL), &act)) return false;
    if (!wg_ref_sparse_evolution(act, 3, 4, 5, X->f, W->f, M, b, Z, NULL)) return false;
    if (!forward)
        return wg_ref_sparse_evolution_bwd2(
            act, 3, 4, 5, X->f, W->f, M, Z, dY->f, G, g_put_like(r, G_INPUT_GRAD, "dY", dY, NULL),
            g_put_like(r, G_INPUT_GRAD, "X", X, NULL), g_put_like(r, G_PARAM_GRAD, "W", W, NULL),
            g_put_like(r, G_PARAM_GRAD, "b", g_param(c, "b"), NULL));
    if (!wg_ref_sparse_evolution_backward(act, 3, 4, 5, X->f, W->f, M, Z, dY->f, dX, NULL, NULL))
        return false;
    for (int i = 0; i < 12; i++) S += G[i] * dX[i];
    return g_put_num(r, G_OUTPUT, "S", S) != NULL;
}

static bool sparse2_forward(const gcase *c, gresult *r)
{
    return sparse2(c, r, true);
}

static bool sparse2_backward(const gcase *c, gresult *r)
{
    return sparse2(c, r, false);
}

static void erratum_Y21_masked_second_order(void)
{
    static const gsubject s = { "SparseEvolution", sparse2_forward, sparse2_backward, "W_mask" };

    expect_layer(&s, "Tanh", true, true);
    expect_layer(&s, "SoftPlus", true, true);
}

static void erratum_Y23_evolution_keeps_the_number(void)
{
    enum { N = 30 };
    double W[N], mask[N], after[N], u[N], w[N];
    int64_t dropped, before = 0, now = 0, positive = 0, negative = 0;

    numbers(7, N, W);
    numbers(8, N, w);
    for (int i = 0; i < N; i++) {
        mask[i] = i % 4 != 0;
        before += mask[i] != 0;
        positive += mask[i] != 0 && W[i] > 0;
        negative += mask[i] != 0 && W[i] < 0;
        u[i] = fabs(w[i]) * 0.999;
    }
    dropped = wg_ref_sparse_evolution_prune(N, 0.3, W, mask, after);
    EQ_INT(dropped, positive * 3 / 10 + negative * 3 / 10);
    for (int i = 0; i < N; i++) {
        CHECK(after[i] == 0 || mask[i] != 0);
        /* what went is nearer zero than all that stayed with its sign */
        for (int j = 0; j < N; j++)
            if (mask[i] != 0 && after[i] == 0 && after[j] != 0 && W[i] * W[j] > 0)
                CHECK(fabs(W[i]) <= fabs(W[j]));
    }
    EQ_INT(wg_ref_sparse_evolution_grow(N, dropped, u, w, W, after), dropped);
    for (int i = 0; i < N; i++) now += after[i] != 0;
    EQ_INT(now, before);
    EQ_INT(wg_ref_sparse_evolution_prune(N, 0, W, after, mask), 0);
    SAME_BITS(mask, after, sizeof mask);
    EQ_INT(wg_ref_sparse_evolution_grow(N, N, u, w, W, after), N - before);
}

/* A product with zeros among its factors has the gradients of the others' product. */
static void multiply_by_zero(void)
{
    double a = 0, b = 3, c = 5, da, db, dc, dY = 1;
    const double *X[3] = { &a, &b, &c };
    double *dX[3] = { &da, &db, &dc };

    wg_ref_multiply_backward((wg_ref_act){ WG_REF_IDENTITY, 0, 0 }, 3, 1, X, &dY, dX);
    CLOSE(((double[]){ da, db, dc }), ((double[]){ 15, 0, 0 }), 3, 0, 0);
}

/* Parameters' gradients add up over calls. */
static void gradients_accumulate(void)
{
    wg_ref_act act = { WG_REF_SIGMOID, 0, 0 };
    double X[6], W[6], Z[4], dY[4], dX[6], once[6] = { 0 }, twice[6] = { 0 }, db[2] = { 0 };

    numbers(1, 6, X);
    numbers(2, 6, W);
    numbers(3, 4, dY);
    wg_ref_fully_connected(act, 2, 3, 2, X, W, NULL, Z, NULL);
    REQUIRE(wg_ref_fully_connected_backward(act, 2, 3, 2, X, W, Z, dY, dX, once, db));
    for (int k = 0; k < 2; k++)
        REQUIRE(wg_ref_fully_connected_backward(act, 2, 3, 2, X, W, Z, dY, dX, twice, NULL));
    for (int i = 0; i < 6; i++) CLOSE1(twice[i], 2 * once[i], 1e-15, 0);
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
      TEST(cross_entropy_from_indices), TEST(erratum_W1_masked_gradient),
      TEST(erratum_W2_the_callers_array_stays), TEST(erratum_Y5_Y6_softmax_along_any_axis),
      TEST(erratum_Y10_Y11_descent_direction), TEST(erratum_Y12_steps_of_the_call),
      TEST(erratum_Y14_both_running_variances), TEST(erratum_Y15_inference_backward),
      TEST(erratum_Y16_repeated_ids), TEST(erratum_Y17_second_order_with_curvature),
      TEST(erratum_Y18_backward_takes_the_stored_Z), TEST(erratum_Y19_density_is_a_probability),
      TEST(erratum_Y20_masked_gradient), TEST(erratum_Y21_masked_second_order),
      TEST(erratum_Y23_evolution_keeps_the_number), TEST(multiply_by_zero),
      TEST(gradients_accumulate), TEST(erratum_O2_noam_starts_at_one),
      TEST(erratum_O3_king_with_much_patience), TEST(nesterov_and_adamw), TEST(norms_are_clipped))
