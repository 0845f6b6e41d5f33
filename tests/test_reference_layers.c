/* test_reference_layers.c: layers where numpy-ml is wrong, one test an erratum; and what golden
 * files do not reach. */
#include <wengert/reference.h>

#include "harness.h"
#include "ref_made.h"
#include "ref_subjects.h"

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
    c = made_case(s->subject, &r, hyper);
    expect_differences(s, &c, second ? 12 + 15 + 20 + 5 : 12 + 20 + 5);
    g_result_free(&r);
    json_decref(hyper);
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
    c = made_case("Dropout", &r, hyper);
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
        c = made_case("Softmax", &r, hyper);
        expect_differences(first, &c, 40);
        put_numbers(&r, G_INPUT, "dY", 4, X, 3);
        put_numbers(&r, G_INPUT, "G_X", 4, X, 4);
        g_put_num(&one, G_OUTPUT_GRAD, "S", 1);
        c = made_case("Softmax", &r, hyper);
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
    made_numbers(1, 6, s->W);
    made_numbers(2, 3, s->b_in);
    made_numbers(3, 2, s->b_out);
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
    c = made_case("BatchNorm2D", &r, hyper);
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

    made_numbers(7, N, W);
    made_numbers(8, N, w);
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

/* Batches of heads with dropped weights, to the second order. */
static void attention_of_batches(void)
{
    json_t *hyper = json_pack("{s:b,s:f}", "scale", 1, "dropout_p", 0.25);
    int64_t Q[] = { 2, 2, 3, 4 }, K[] = { 2, 2, 5, 4 }, V[] = { 2, 2, 5, 2 }, Y[] = { 2, 2, 3, 2 },
            A[] = { 2, 2, 3, 5 };
    gresult r = { 0 }, one = { 0 };
    double *mask;
    gcase c;

    put_numbers(&r, G_INPUT, "Q", 4, Q, 1);
    put_numbers(&r, G_INPUT, "K", 4, K, 2);
    put_numbers(&r, G_INPUT, "V", 4, V, 3);
    mask = g_put(&r, G_INPUT, "dropout_mask", 4, A, NULL);
    for (int i = 0; mask && i < 60; i++) mask[i] = i % 4 != 2;
    put_numbers(&r, G_OUTPUT_GRAD, "Y", 4, Y, 4);
    c = made_case("DotProductAttention", &r, hyper);
    expect_differences(g_subject(ref_subjects_norm, "DotProductAttention"), &c, 40 + 40 + 40);
    put_numbers(&r, G_INPUT, "dY", 4, Y, 5);
    put_numbers(&r, G_INPUT, "G_Q", 4, Q, 6);
    put_numbers(&r, G_INPUT, "G_K", 4, K, 7);
    put_numbers(&r, G_INPUT, "G_V", 4, V, 8);
    g_put_num(&one, G_OUTPUT_GRAD, "S", 1);
    c = made_case("DotProductAttention", &r, hyper);
    c.section[G_OUTPUT_GRAD] = one.section[G_OUTPUT_GRAD];
    expect_differences(g_subject(ref_subjects_second, "DotProductAttention"), &c,
                       40 + 40 + 40 + 24);
    g_result_free(&one);
    g_result_free(&r);
    json_decref(hyper);
}

/* What is written may have held anything. */
static void written_arrays_are_not_read(void)
{
    double in[24], P[2][12], A[2][12], Y[2][8], dQ[2][12], dK[2][8], dV[2][8], ddY[2][8], G[12];
    double E[2][6], W[6];
    static const int64_t ids[3] = { 1, 0, 1 }, offsets[4] = { 0, 2, 2, 3 };
    wg_ref_attention t = { .B = 2, .nq = 2, .nk = 2, .dk = 2, .dv = 2, .factor = 0.7 };

    made_numbers(1, 24, in);
    made_numbers(2, 6, W);
    made_numbers(3, 12, G);
    t.Q = in;
    t.K = in + 8;
    t.V = in + 16;
    for (int k = 0; k < 2; k++) {
        double *const all[] = { P[k], A[k], Y[k], dQ[k], dK[k], dV[k], ddY[k], E[k] };
        const int size[] = { 12, 12, 8, 12, 8, 8, 8, 6 };

        for (int a = 0; a < 8; a++)
            for (int i = 0; i < size[a]; i++) all[a][i] = k ? NAN : 0;
        wg_ref_attention_forward(&t, P[k], A[k], Y[k]);
        REQUIRE(wg_ref_attention_backward(&t, P[k], in, dQ[k], dK[k], dV[k]));
        wg_ref_embedding(WG_REF_POOL_MEAN, 3, 2, ids, offsets, W, E[k]);
    }
    SAME_BITS(Y[0], Y[1], sizeof Y[0]);
    CLOSE(dQ[1], dQ[0], 8, 0, 0);
    CLOSE(dK[1], dK[0], 8, 0, 0);
    CLOSE(dV[1], dV[0], 8, 0, 0);
    SAME_BITS(E[0], E[1], sizeof E[0]);
    CLOSE(E[1] + 2, ((double[]){ 0, 0 }), 2, 0, 0); /* an example of no ids */
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 8; i++) dQ[k][i] = dK[k][i] = dV[k][i] = ddY[k][i] = k ? NAN : 0;
        REQUIRE(wg_ref_attention_bwd2(&t, P[0], in, G, G, G, ddY[k], dQ[k], dK[k], dV[k]));
    }
    CLOSE(dQ[1], dQ[0], 8, 0, 0);
    CLOSE(dK[1], dK[0], 8, 0, 0);
    CLOSE(dV[1], dV[0], 8, 0, 0);
    CLOSE(ddY[1], ddY[0], 8, 0, 0);
}

/* Connections grow at the place that the draw counts to among those that are free. */
static void places_of_growth(void)
{
    double mask[6] = { 1, 0, 1, 0, 0, 1 }, W[6] = { 1, 2, 3, 4, 5, 6 };
    const double u[4] = { 0.5, 0.99, 0, 0 }, weight[4] = { -1, -2, -3, -4 };

    EQ_INT(wg_ref_sparse_evolution_grow(6, 2, u, weight, W, mask), 2);
    CLOSE(mask, ((double[]){ 1, 0, 1, 1, 1, 1 }), 6, 0, 0);
    CLOSE(W, ((double[]){ 1, 2, 3, -1, -2, 6 }), 6, 0, 0);
    EQ_INT(wg_ref_sparse_evolution_grow(6, 2, u + 2, weight + 2, W, mask), 1);
    CLOSE(W, ((double[]){ 1, -3, 3, -1, -2, 6 }), 6, 0, 0);
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

    made_numbers(1, 6, X);
    made_numbers(2, 6, W);
    made_numbers(3, 4, dY);
    wg_ref_fully_connected(act, 2, 3, 2, X, W, NULL, Z, NULL);
    REQUIRE(wg_ref_fully_connected_backward(act, 2, 3, 2, X, W, Z, dY, dX, once, db));
    for (int k = 0; k < 2; k++)
        REQUIRE(wg_ref_fully_connected_backward(act, 2, 3, 2, X, W, Z, dY, dX, twice, NULL));
    for (int i = 0; i < 6; i++) CLOSE1(twice[i], 2 * once[i], 1e-15, 0);
}

TESTS(TEST(erratum_W1_masked_gradient), TEST(erratum_W2_the_callers_array_stays),
      TEST(erratum_Y5_Y6_softmax_along_any_axis), TEST(erratum_Y10_Y11_descent_direction),
      TEST(erratum_Y12_steps_of_the_call), TEST(erratum_Y15_inference_backward),
      TEST(erratum_Y14_both_running_variances), TEST(erratum_Y16_repeated_ids),
      TEST(erratum_Y17_second_order_with_curvature), TEST(erratum_Y18_backward_takes_the_stored_Z),
      TEST(erratum_Y19_density_is_a_probability), TEST(erratum_Y20_masked_gradient),
      TEST(erratum_Y21_masked_second_order), TEST(erratum_Y23_evolution_keeps_the_number),
      TEST(places_of_growth), TEST(attention_of_batches), TEST(written_arrays_are_not_read),
      TEST(multiply_by_zero), TEST(gradients_accumulate))
