/* test_sparse.c: SparseEvolution: the first connections, masked gradients, evolution, and where
 * numpy-ml is wrong. */
#include "golden.h"
#include "layer_rows.h"

static int64_t connections(const wg_array *mask)
{
    int64_t n = 0;

    for (int64_t i = 0; i < wg_shape_count(&mask->type.shape); i++) {
        double m = harness_number(mask->data, mask->type.dtype, i);

        CHECK(m == 0 || m == 1);
        n += m != 0;
    }
    return n;
}

/* A layer of these extents that has been used once. */
static wg_layer *used(wg_params *w, const char *name, int64_t n_in, wg_sparse_hyper hyper)
{
    wg_layer *l = wg_sparse_evolution(w, name, hyper);
    wg_array x = { { wg_params_dtype(w), WG_SHAPE(1, n_in) }, calloc((size_t)n_in, 8) }, y;

    CHECK(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
    NO_ERROR(wg_layer_error(l));
    free(x.data);
    return l;
}

/* ---- where numpy-ml is wrong ---- */

/* It raises at the first use, and its probability may exceed 1. */
static void erratum_Y19_density(void)
{
    wg_params *w = wg_params_new(WG_F64, 3), *other = wg_params_new(WG_F64, 3);
    wg_layer *full = used(w, "full", 4, (wg_sparse_hyper){ .n_out = 3 });
    wg_layer *l = used(w, "l", 200, (wg_sparse_hyper){ .n_out = 100, .epsilon = 20 });
    wg_layer *again;
    wg_array mask = wg_layer_parameter(full, "W_mask"), same;
    double p = wg_sparse_density(20, 200, 100), n;

    CLOSE1(wg_sparse_density(20, 4, 3), 1, 0, 0);
    CLOSE1(p, 20.0 * 300 / 20000, 1e-15, 0);
    EQ_INT(connections(&mask), 12);
    mask = wg_layer_parameter(l, "W_mask");
    n = (double)connections(&mask);
    /* binomial: five standard deviations */
    CHECK(fabs(n - 20000 * p) < 5 * sqrt(20000 * p * (1 - p)));
    CHECK(!wg_params_find(w, "l/W_mask")->trainable);
    /* from seed and name alone */
    again = used(other, "l", 200, (wg_sparse_hyper){ .n_out = 100, .epsilon = 20 });
    same = wg_layer_parameter(again, "W_mask");
    SAME_BITS(mask.data, same.data, 20000 * 8);
    wg_layer_free(full);
    wg_layer_free(l);
    wg_layer_free(again);
    wg_params_free(w);
    wg_params_free(other);
}

/* No gradient reaches a weight without connection; the input's and a second derivative know it too.
 */
static void erratum_Y20_masked_gradient(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = used(w, "l", 5, (wg_sparse_hyper){ .n_out = 4, .epsilon = 1, .act_fn = "Tanh" });
    double data[15], *d;
    wg_array x = WG_F64_ARRAY(data, 3, 5), y, mask = wg_layer_parameter(l, "W_mask"), grad;
    int64_t n = connections(&mask);

    CHECK(n > 2 && n < 18);
    wg_random_normal(1, 2, 3, 0, 15, WG_F64, data);
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CHECK(wg_layer_backward(l, 1, &y, true, NULL) == WG_OK);
    grad = wg_layer_gradient(l, "W");
    REQUIRE(grad.data != NULL);
    d = grad.data;
    for (int i = 0; i < 20; i++) CHECK((((double *)mask.data)[i] != 0) == (d[i] != 0));
    CHECK(wg_layer_gradient(l, "W_mask").data == NULL);
    wg_layer_free(l);
    wg_params_free(w);
}

static void erratum_Y21_second_order(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_sparse_evolution(
        w, "l", (wg_sparse_hyper){ .n_out = 3, .epsilon = 1, .act_fn = "Tanh" });
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(2, 4)), *dx, *s;
    double data[8];
    wg_feed feed = { "x", WG_F64_ARRAY(data, 2, 4) };
    wg_error error = { .code = WG_OK };
    wg_array read;

    wg_random_normal(1, 2, 3, 0, 8, WG_F64, data);
    dx = wg_grad1(wg_sum(wg_apply(l, x), WG_ALL_AXES, false), x);
    s = wg_sum(wg_square(dx), WG_ALL_AXES, false);
    CHECK(wg_read(wg_grad1(s, wg_param_leaf(g, w, "l/W")), w, 1, &feed, &read, &error) == WG_OK);
    NO_ERROR(&error);
    for (int i = 0; i < 12 && read.data; i++)
        CHECK(((double *)wg_layer_parameter(l, "W_mask").data)[i] != 0 ||
              ((double *)read.data)[i] == 0);
    wg_free(read.data);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* update(cur_loss) steps the optimizer's scheduler, then lets connections evolve; Noam's first rate
 * is not that of step 0. */
static void erratum_Y22_update(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = used(w, "l", 6, (wg_sparse_hyper){ .n_out = 5, .zeta = 0.5, .epsilon = 1 });
    double data[12], before[30];
    wg_array x = WG_F64_ARRAY(data, 2, 6), y, mask = wg_layer_parameter(l, "W_mask");
    int64_t n = connections(&mask);
    bool moved = false;

    wg_random_normal(1, 2, 3, 0, 12, WG_F64, data);
    CHECK(wg_layer_set_optimizer(l, "SGD(lr_scheduler=NoamScheduler(model_dim=4, scale_factor=1, "
                                    "warmup_steps=4))") == WG_OK);
    for (int step = 0; step < 3; step++) {
        memcpy(before, mask.data, sizeof before);
        CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
        CHECK(wg_layer_backward(l, 1, &y, true, NULL) == WG_OK);
        CHECK(wg_layer_update(l, 0.5) == WG_OK);
        NO_ERROR(wg_layer_error(l));
        EQ_INT(connections(&mask), n);
        moved = moved || memcmp(before, mask.data, sizeof before) != 0;
    }
    CHECK(moved);
    wg_layer_freeze(l);
    memcpy(before, mask.data, sizeof before);
    CHECK(wg_layer_update(l, 0.5) == WG_ESTATE);
    SAME_BITS(before, mask.data, sizeof before);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Cut are those nearest to zero on each side, grown are places that had none: as many. */
static void erratum_Y23_evolution(void)
{
    static const double weights[] = { 0.5, -0.1, 0.2, -0.7, 0.05, 0.9, -0.3, 0, 0.1, -0.2 };
    static const double at_first[] = { 1, 1, 1, 1, 0, 1, 1, 1, 1, 0 };
    /* positive: 0.5 0.2 0.9 0.1; negative: -0.1 -0.7 -0.3; half of each, floored: 0.1, 0.2; -0.1 */
    static const double left[] = { 1, 0, 0, 1, 0, 1, 1, 1, 0, 0 };
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = used(w, "l", 5, (wg_sparse_hyper){ .n_out = 2, .zeta = 0.5 });
    wg_array mask = wg_layer_parameter(l, "W_mask");
    double m[10], grown[10] = { 0 };
    int64_t k = 0;

    memcpy(m, at_first, sizeof m);
    EQ_INT(wg_sparse_prune(WG_F64_ARRAY(weights, 5, 2), WG_F64_ARRAY(m, 5, 2), 0.5), 3);
    CLOSE(m, left, 10, 0, 0);
    /* a zeta of which nothing comes cuts nothing (numpy-ml cuts every negative one) */
    memcpy(m, at_first, sizeof m);
    EQ_INT(wg_sparse_prune(WG_F64_ARRAY(weights, 5, 2), WG_F64_ARRAY(m, 5, 2), 0.1), 0);
    CLOSE(m, at_first, 10, 0, 0);
    /* the whole step, many times: every free place is drawn about as often */
    wg_params_set(w, "l/W", WG_F64_ARRAY(weights, 5, 2), NULL);
    for (uint64_t step = 0; step < 600; step++) {
        memcpy(mask.data, at_first, sizeof at_first);
        CHECK(wg_sparse_evolve(l, step, &k) == WG_OK);
        EQ_INT(k, 3);
        EQ_INT(connections(&mask), 8);
        for (int i = 0; i < 10; i++) {
            if (left[i] != 0) CHECK(((double *)mask.data)[i] != 0); /* what stays, stays */
            else grown[i] += ((double *)mask.data)[i];
        }
    }
    for (int i = 0; i < 10; i++) /* 3 of 5 places: 360 of 600, standard deviation 12 */
        if (left[i] == 0) CHECK(fabs(grown[i] - 360) < 60);
    /* from the number of the step alone */
    memcpy(mask.data, at_first, sizeof at_first);
    wg_sparse_evolve(l, 7, NULL);
    memcpy(m, mask.data, sizeof m);
    memcpy(mask.data, at_first, sizeof at_first);
    wg_sparse_evolve(l, 7, NULL);
    SAME_BITS(m, mask.data, sizeof m);
    wg_layer_free(l);
    wg_params_free(w);
}

/* ---- going on ---- */

/* A summary taken over: equal connections, an equal next step, and equal evolution. */
static void goes_on_from_a_summary(void)
{
    wg_params *w = wg_params_new(WG_F64, 3), *v = wg_params_new(WG_F64, 3);
    wg_layer *l = used(w, "l", 6, (wg_sparse_hyper){ .n_out = 5, .zeta = 0.4, .epsilon = 1 });
    wg_layer *m = wg_sparse_evolution(v, "l", (wg_sparse_hyper){ .n_out = 5 });
    double data[12];
    wg_array x = WG_F64_ARRAY(data, 2, 6), y, a, b;
    char *text;

    wg_random_normal(1, 2, 3, 0, 12, WG_F64, data);
    for (int step = 0; step < 4; step++) {
        if (step == 2) {
            text = wg_layer_summary(l);
            CHECK(wg_layer_set_params(m, text) == WG_OK);
            NO_ERROR(wg_layer_error(m));
            wg_free(text);
        }
        for (int i = 0; i < 1 + (step >= 2); i++) {
            wg_layer *at = i ? m : l;

            CHECK(wg_layer_forward(at, 1, &x, true, &y) == WG_OK);
            CHECK(wg_layer_backward(at, 1, &y, true, NULL) == WG_OK);
            CHECK(wg_layer_update(at, NAN) == WG_OK);
        }
    }
    a = wg_layer_parameter(l, "W_mask");
    b = wg_layer_parameter(m, "W_mask");
    SAME_BITS(a.data, b.data, 30 * 8);
    a = wg_layer_parameter(l, "W");
    b = wg_layer_parameter(m, "W");
    SAME_BITS(a.data, b.data, 30 * 8);
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(w);
    wg_params_free(v);
}

static void refused(void)
{
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_layer *l = wg_sparse_evolution(w, "a", (wg_sparse_hyper){ .n_out = 2, .zeta = 1.25 });
    float some[4] = { 0 };
    double more[4] = { 0 };

    ERROR_IS(wg_layer_error(l), WG_EARG, "SparseEvolution: zeta is 1.25, wanted 0 to 1", NULL);
    wg_layer_free(l);
    l = wg_sparse_evolution(w, "a", (wg_sparse_hyper){ .n_out = 2, .epsilon = -1 });
    ERROR_IS(wg_layer_error(l), WG_EARG, "SparseEvolution: epsilon is -1, wanted above 0", NULL);
    wg_layer_free(l);
    l = wg_sparse_evolution(w, "a", (wg_sparse_hyper){ .n_out = 2 });
    EQ_INT(wg_sparse_evolve(l, 0, NULL), WG_ESTATE);
    ERROR_IS(wg_layer_error(l), WG_ESTATE,
             "SparseEvolution: a has no connections before its first use", NULL);
    wg_layer_free(l);
    l = used(w, "b", 3, (wg_sparse_hyper){ .n_out = 2 });
    wg_layer_freeze(l);
    EQ_INT(wg_sparse_evolve(l, 0, NULL), WG_ESTATE);
    ERROR_IS(wg_layer_error(l), WG_ESTATE, "SparseEvolution: b: the layer is frozen", NULL);
    wg_layer_free(l);
    l = wg_flatten(w, "f", (wg_flatten_hyper){ 0 });
    EQ_INT(wg_sparse_evolve(l, 0, NULL), WG_EARG);
    ERROR_IS(wg_layer_error(l), WG_EARG, "Flatten: f is no SparseEvolution", NULL);
    wg_layer_free(l);
    EQ_INT(wg_sparse_evolve(NULL, 0, NULL), WG_EARG);
    EQ_INT(wg_sparse_prune(WG_F32_ARRAY(some, 4), WG_F64_ARRAY(more, 4), 0.5), -1);
    EQ_INT(wg_sparse_prune(WG_F64_ARRAY(more, 4), WG_F64_ARRAY(more, 4), 2), -1);
    wg_params_free(w);
}

TESTS(TEST(erratum_Y19_density), TEST(erratum_Y20_masked_gradient), TEST(erratum_Y21_second_order),
      TEST(erratum_Y22_update), TEST(erratum_Y23_evolution), TEST(goes_on_from_a_summary),
      TEST(refused))
