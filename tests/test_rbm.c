/* test_rbm.c: the restricted Boltzmann machine: contrastive divergence, free energy,
 * reconstruction, and where numpy-ml is wrong. Golden cases run in the golden runner. */
#include <jansson.h>

#include "layer_rows.h"

static const double some[] = { 1, 0, 1, 1, 0, 0.25, 1, 0, 0.5, 1, 1, 0 };

static double sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

/* F(v) = -v b_in - sum softplus(v W + b_out), written out */
static double energy_of(const wg_layer *l, const double *v)
{
    wg_array W = wg_layer_parameter(l, "W"), b = wg_layer_parameter(l, "b_in"),
             c = wg_layer_parameter(l, "b_out");
    int64_t n = W.type.shape.dim[0], m = W.type.shape.dim[1];
    double f = 0;

    for (int64_t i = 0; i < n; i++) f -= v[i] * ((double *)b.data)[i];
    for (int64_t j = 0; j < m; j++) {
        double z = ((double *)c.data)[j];

        for (int64_t i = 0; i < n; i++) z += v[i] * ((double *)W.data)[i * m + j];
        f -= log1p(exp(z));
    }
    return f;
}

/* Biases away from zero. */
static void shake(wg_params *w)
{
    CHECK(wg_params_fill_normal(w, "r/b_in", 0, 0.5, NULL) == WG_OK);
    CHECK(wg_params_fill_normal(w, "r/b_out", 0, 0.5, NULL) == WG_OK);
}

static wg_layer *used(wg_params *w, int64_t n_in, wg_rbm_hyper h)
{
    wg_layer *l = wg_rbm(w, "r", h);
    wg_array v = { { WG_F64, WG_SHAPE(1, n_in) }, calloc((size_t)n_in, 8) }, y[2];

    CHECK(wg_layer_forward(l, 1, &v, false, y) == WG_OK);
    NO_ERROR(wg_layer_error(l));
    free(v.data);
    shake(w);
    return l;
}

/* ---- energy ---- */

static void free_energy(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    wg_layer *l = used(w, 4, (wg_rbm_hyper){ .n_out = 3 });
    wg_graph *g = wg_graph_new();
    wg_tensor *v = wg_input(g, "v", WG_F64, WG_SHAPE(1, 4)), *f = wg_rbm_free_energy(l, v);
    wg_feed feed = { "v", WG_F64_ARRAY(some, 3, 4) };
    wg_check_report report = { 0 };
    wg_error error = { .code = WG_OK };
    wg_array y;

    NO_ERROR(wg_graph_error(g));
    CHECK(wg_read(f, w, 1, &feed, &y, &error) == WG_OK);
    EQ_INT(y.type.shape.rank, 1);
    for (int i = 0; i < 3; i++) CLOSE1(((double *)y.data)[i], energy_of(l, some + 4 * i), 1e-14, 0);
    wg_free(y.data);
    wg_check_grad(wg_sum(wg_square(f), WG_ALL_AXES, false), w, 1, &feed, NULL, &report, &error);
    NO_ERROR(&error);
    CHECK(report.pass && report.n >= 8);
    wg_check_free(&report);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* ---- where numpy-ml is wrong ---- */

/* It cannot be constructed, and its hyperparameters cannot be read. */
static void erratum_Y8_construction_waits_for_input(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    wg_layer *l = wg_rbm(w, "r", (wg_rbm_hyper){ .n_out = 3 });
    wg_array v = WG_F64_ARRAY(some, 3, 4), y[2];

    NO_ERROR(wg_layer_error(l));
    EQ_INT(wg_layer_n_params(l), 0);
    CHECK(wg_layer_forward(l, 1, &v, true, y) == WG_OK);
    EQ_INT(wg_layer_n_params(l), 3);
    EQ_INT(wg_layer_parameter(l, "W").type.shape.dim[0], 4);
    wg_layer_free(l);
    wg_params_free(w);
}

static void erratum_Y9_hyperparameters(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    wg_layer *l = wg_rbm(w, "r", (wg_rbm_hyper){ .n_out = 3, .K = 2 });
    char *text = wg_layer_hyperparameters(l);
    json_t *v = json_loads(text, 0, NULL);

    REQUIRE(v != NULL);
    EQ_STR(json_string_value(json_object_get(v, "layer")), "RBM");
    EQ_STR(json_string_value(json_object_get(v, "init")), "glorot_uniform");
    EQ_INT(json_integer_value(json_object_get(v, "n_out")), 3);
    EQ_INT(json_integer_value(json_object_get(v, "K")), 2);
    json_decref(v);
    wg_free(text);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The gradient is negative minus positive statistics; a small step against it lowers F(v) - F(v').
 */
static void erratum_Y10_descent(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    wg_layer *l = used(w, 4, (wg_rbm_hyper){ .n_out = 3, .K = 2 });
    wg_array v = WG_F64_ARRAY(some, 3, 4), y[2], dy[2] = { { .data = NULL } }, positive, negative,
             v2, grad;
    double one = 1, last = 0, now = 0, kept[12];

    CHECK(wg_layer_forward(l, 1, &v, true, y) == WG_OK);
    last = wg_item(&y[1]);
    dy[1] = wg_array_of(WG_F64, WG_SHAPE_SCALAR, &one);
    CHECK(wg_layer_backward(l, 1, dy, true, NULL) == WG_OK);
    grad = wg_layer_gradient(l, "W");
    positive = wg_layer_derived(l, "positive_grad");
    negative = wg_layer_derived(l, "negative_grad");
    v2 = wg_layer_derived(l, "p_V_prime");
    REQUIRE(grad.data && positive.data && negative.data && v2.data);
    for (int i = 0; i < 12; i++)
        CLOSE1(((double *)grad.data)[i],
               ((double *)negative.data)[i] - ((double *)positive.data)[i], 1e-13, 1e-13);
    memcpy(kept, v2.data, sizeof kept);
    for (int i = 0; i < 3; i++) now += energy_of(l, some + 4 * i) - energy_of(l, kept + 4 * i);
    CLOSE1(last, now, 1e-13, 1e-13);
    CHECK(wg_layer_set_optimizer(l, "SGD(lr=0.01)") == WG_OK);
    CHECK(wg_layer_update(l, NAN) == WG_OK);
    now = 0;
    for (int i = 0; i < 3; i++) now += energy_of(l, some + 4 * i) - energy_of(l, kept + 4 * i);
    CHECK(now < last);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Gradients are sums over the batch of the parameters' shapes, and add up over forwards. */
static void erratum_Y11_bias_gradients(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    wg_layer *l = used(w, 4, (wg_rbm_hyper){ .n_out = 3 });
    wg_array v = WG_F64_ARRAY(some, 3, 4), y[2], dy[4] = { { .data = NULL } }, b, v2, p, p2, c;
    double one = 1, want[4] = { 0 }, hidden[3] = { 0 };

    dy[1] = dy[3] = wg_array_of(WG_F64, WG_SHAPE_SCALAR, &one);
    for (int f = 0; f < 2; f++) {
        CHECK(wg_layer_forward(l, 1, &v, true, y) == WG_OK);
        v2 = wg_layer_derived(l, "p_V_prime");
        p = wg_layer_derived(l, "p_H");
        p2 = wg_layer_derived(l, "p_H_prime");
        REQUIRE(v2.data && p.data && p2.data);
        for (int i = 0; i < 12; i++) want[i % 4] += ((double *)v2.data)[i] - some[i];
        for (int i = 0; i < 9; i++) hidden[i % 3] += ((double *)p2.data)[i] - ((double *)p.data)[i];
    }
    CHECK(wg_layer_backward(l, 2, dy, true, NULL) == WG_OK);
    b = wg_layer_gradient(l, "b_in");
    c = wg_layer_gradient(l, "b_out");
    REQUIRE(b.data && c.data);
    EQ_INT(b.type.shape.dim[0], 1);
    EQ_INT(b.type.shape.dim[1], 4);
    CLOSE((double *)b.data, want, 4, 1e-13, 1e-13);
    CLOSE((double *)c.data, hidden, 3, 1e-13, 1e-13);
    CHECK(wg_layer_update(l, NAN) == WG_OK);
    EQ_INT(wg_layer_parameter(l, "b_in").type.shape.dim[0], 1);
    wg_layer_free(l);
    wg_params_free(w);
}

/* reconstruct makes the steps it is asked for, whatever K is: with draws given, the chain written
 * out. */
static void erratum_Y12_steps_of_reconstruct(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    wg_layer *l = used(w, 4, (wg_rbm_hyper){ .n_out = 2, .K = 1 });
    wg_graph *g = wg_graph_new();
    wg_tensor *v = wg_input(g, "v", WG_F64, WG_SHAPE(1, 4));
    wg_tensor *p = wg_rbm_reconstruction(l, v, 3, true);
    wg_error error = { .code = WG_OK };
    wg_plan *plan = wg_plan_of(1, &p, w, NULL, &error);
    static const double u[3][2] = { { 0.1, 0.9 }, { 0.7, 0.2 }, { 0.4, 0.6 } };
    wg_array W = wg_layer_parameter(l, "W"), b = wg_layer_parameter(l, "b_in"),
             c = wg_layer_parameter(l, "b_out");
    double x[4];

    NO_ERROR(wg_graph_error(g));
    REQUIRE(plan != NULL);
    memcpy(x, some, sizeof x);
    wg_plan_feed(plan, "v", WG_F64_ARRAY(some, 1, 4));
    CHECK(wg_plan_feed(plan, "r/reconstruct/U0", WG_F64_ARRAY(u[0], 1, 2)) == WG_OK);
    CHECK(wg_plan_feed(plan, "r/reconstruct/U1", WG_F64_ARRAY(u[1], 1, 2)) == WG_OK);
    CHECK(wg_plan_feed(plan, "r/reconstruct/U2", WG_F64_ARRAY(u[2], 1, 2)) == WG_OK);
    CHECK(wg_plan_run(plan) == WG_OK);
    for (int step = 0; step < 3; step++) {
        double h[2];

        for (int j = 0; j < 2; j++) {
            double z = ((double *)c.data)[j];

            for (int i = 0; i < 4; i++) z += x[i] * ((double *)W.data)[2 * i + j];
            h[j] = u[step][j] <= sigmoid(z);
        }
        for (int i = 0; i < 4; i++) {
            double z = ((double *)b.data)[i];

            for (int j = 0; j < 2; j++) z += h[j] * ((double *)W.data)[2 * i + j];
            x[i] = sigmoid(z);
        }
    }
    CLOSE_ARRAY(wg_plan_value_at(plan, 0), (double *)x, 4, 1e-13, 0);
    wg_plan_free(plan);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* A frozen layer reconstructs; CD_update changes all three parameters, and keeps their shapes. */
static void erratum_Y13_reconstruct_and_update(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    wg_layer *l = used(w, 4, (wg_rbm_hyper){ .n_out = 3 });
    wg_array v = WG_F64_ARRAY(some, 3, 4), y, z;
    double before[12], b[4];
    bool differ = false;

    memcpy(before, wg_layer_parameter(l, "W").data, sizeof before);
    memcpy(b, wg_layer_parameter(l, "b_in").data, sizeof b);
    CHECK(wg_rbm_cd_update(l, v) == WG_OK);
    NO_ERROR(wg_layer_error(l));
    CHECK(memcmp(before, wg_layer_parameter(l, "W").data, sizeof before) != 0);
    CHECK(memcmp(b, wg_layer_parameter(l, "b_in").data, sizeof b) != 0);
    wg_layer_freeze(l);
    EQ_INT(wg_rbm_cd_update(l, v), WG_ESTATE);
    CHECK(wg_rbm_reconstruct(l, v, 2, true, &y) == WG_OK);
    CHECK(wg_shape_equal(&y.type.shape, &v.type.shape));
    for (int i = 0; i < 12; i++) CHECK(((double *)y.data)[i] > 0 && ((double *)y.data)[i] < 1);
    for (int k = 0; k < 4; k++) { /* each call draws anew */
        CHECK(wg_rbm_reconstruct(l, v, 2, false, &z) == WG_OK);
        for (int i = 0; i < 12; i++) {
            double one = ((double *)z.data)[i];

            CHECK(one == 0 || one == 1);
        }
        if (k > 0) differ = differ || memcmp(y.data, z.data, 96) != 0;
        wg_free(y.data);
        y = z;
    }
    CHECK(differ);
    wg_free(y.data);
    wg_layer_free(l);
    wg_params_free(w);
}

/* ---- training ---- */

/* Two patterns of four are learned: reconstruction errors fall. In f32, any batch. */
static void learns(void)
{
    wg_params *w = wg_params_new(WG_F32, 2);
    wg_layer *l = wg_rbm(w, "r", (wg_rbm_hyper){ .n_out = 4 });
    float data[2][6] = { { 1, 1, 1, 0, 0, 0 }, { 0, 0, 0, 1, 1, 1 } };
    wg_array v = WG_F32_ARRAY(data, 2, 6), y;
    double first = 0, last = 0;

    CHECK(wg_layer_set_optimizer(l, "SGD(lr=0.1)") == WG_OK);
    for (int step = 0; step < 400; step++) {
        double error = 0;

        REQUIRE(wg_rbm_cd_update(l, v) == WG_OK);
        if (step > 0 && step < 380) continue;
        CHECK(wg_rbm_reconstruct(l, v, 1, true, &y) == WG_OK);
        for (int i = 0; i < 12; i++)
            error += fabs((double)(((float *)y.data)[i] - data[i / 6][i % 6]));
        if (step == 0) first = error;
        else last += error / 20;
        wg_free(y.data);
    }
    CHECK(last < 0.5 * first);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A recorded training step with its draws: saved, loaded, gone on with to the bit. Recorded at
 * batch 1. */
static void save_and_go_on(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_rbm(w, "r", (wg_rbm_hyper){ .n_out = 3, .K = 2 });
    wg_tensor *v = wg_input(g, "v", WG_F64, WG_SHAPE(1, 4)), *y[2];
    wg_optim *o = wg_sgd(w, "sgd", NULL);
    wg_error error = { .code = WG_OK };
    wg_program q;
    wg_plan *one, *two;
    char *text;
    size_t length;

    wg_begin(g, "f", WG_TRAIN);
    wg_apply_all(l, 1, &v, y);
    wg_output("p", y[0]);
    wg_minimize(o, y[1]);
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    one = wg_plan_new(g, w, "f", NULL);
    REQUIRE(one != NULL);
    wg_plan_feed(one, "v", WG_F64_ARRAY(some, 3, 4));
    CHECK(wg_plan_run(one) == WG_OK);
    CHECK(wg_save_text(g, w, NULL, &text, &length, &error) == WG_OK);
    REQUIRE(wg_load_text(text, length, NULL, &q, &error) == WG_OK);
    two = wg_plan_new(q.graph, q.params, "f", NULL);
    for (int step = 0; step < 3; step++) {
        wg_plan_feed(one, "v", WG_F64_ARRAY(some + step, 2, 4));
        wg_plan_feed(two, "v", WG_F64_ARRAY(some + step, 2, 4));
        CHECK(wg_plan_run(one) == WG_OK);
        CHECK(wg_plan_run(two) == WG_OK);
    }
    SAME_BITS(wg_params_find(w, "r/W")->value.data, wg_params_find(q.params, "r/W")->value.data,
              96);
    SAME_BITS(wg_params_find(w, "r/b_in")->value.data,
              wg_params_find(q.params, "r/b_in")->value.data, 32);
    wg_plan_free(one);
    wg_plan_free(two);
    wg_program_free(&q);
    wg_free(text);
    wg_optim_free(o);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* Twice in one function: two chains with draws of their own. */
static void used_twice(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_rbm(w, "r", (wg_rbm_hyper){ .n_out = 3 });
    wg_tensor *v = wg_input(g, "v", WG_F64, WG_SHAPE(1, 4)), *y[2], *z[2];

    wg_begin(g, "f", WG_TRAIN);
    wg_apply_all(l, 1, &v, y);
    wg_apply_all(l, 1, &v, z);
    wg_output("loss", wg_add(y[1], z[1]));
    wg_rbm_reconstruction(l, v, 2, false);
    wg_rbm_reconstruction(l, v, 2, false);
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

static void refused(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    wg_layer *l = wg_rbm(w, "a", (wg_rbm_hyper){ 0 }),
             *f = wg_flatten(w, "f", (wg_flatten_hyper){ 0 });
    wg_array wide = WG_F64_ARRAY(some, 2, 6), v = WG_F64_ARRAY(some, 3, 4), y[2], one;

    ERROR_IS(wg_layer_error(l), WG_EARG, "RBM: n_out is 0, wanted at least 1", NULL);
    wg_layer_free(l);
    l = wg_rbm(w, "a", (wg_rbm_hyper){ .n_out = 1, .K = -2 });
    ERROR_IS(wg_layer_error(l), WG_EARG, "RBM: K is -2, wanted at least 1", NULL);
    wg_layer_free(l);
    l = used(w, 4, (wg_rbm_hyper){ .n_out = 3 });
    EQ_INT(wg_layer_forward(l, 1, &wide, true, y), WG_ESHAPE);
    ERROR_IS(wg_layer_error(l), WG_ESHAPE,
             "RBM: the input is f64[2 x 6], wanted [n, n_in] for W f64[4 x 3]", NULL);
    EQ_INT(wg_rbm_reconstruct(l, v, 0, true, &one), WG_EARG);
    ERROR_IS(wg_layer_error(l), WG_EARG, "RBM: n_steps is 0, wanted at least 1", NULL);
    EQ_INT(wg_rbm_reconstruct(f, v, 1, true, &one), WG_EARG);
    ERROR_IS(wg_layer_error(f), WG_EARG, "RBM: f is no RBM", NULL);
    EQ_INT(wg_rbm_cd_update(f, v), WG_EARG);
    CHECK(wg_layer_error(f)->code == WG_EARG);
    wg_layer_free(l);
    wg_layer_free(f);
    wg_params_free(w);
}

TESTS(TEST(free_energy), TEST(erratum_Y8_construction_waits_for_input),
      TEST(erratum_Y9_hyperparameters), TEST(erratum_Y10_descent), TEST(erratum_Y11_bias_gradients),
      TEST(erratum_Y12_steps_of_reconstruct), TEST(erratum_Y13_reconstruct_and_update),
      TEST(learns), TEST(save_and_go_on), TEST(used_twice), TEST(refused))
