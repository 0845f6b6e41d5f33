/* test_module_errata.c: where numpy-ml's modules are wrong, or differ from what they document. */
#include "module_kit.h"

/* numpy-ml tests for "multiplty" and cannot go back through this mode. */
static void erratum_M1_multiply(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[1], w);

    kit_check(l, w, 1, modules[1].small, 2);
    wg_layer_free(l);
    wg_params_free(w);
}

/* With more than one step the module attends: Q and K have gradients. numpy-ml takes one step. */
static void erratum_M2_many_steps(void)
{
    static const char *const both[] = { "Q", "K" };
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[2], w);
    wg_array x[3], dx[3];

    make_inputs(&modules[2], modules[2].small, 5, x);
    go(l, 3, x, true, dx);
    for (int i = 0; i < 2; i++) {
        wg_array d = wg_layer_gradient(wg_layer_component(l, both[i]), "W");
        double most = 0;

        CHECK(d.data != NULL);
        for (int k = 0; k < 16 && d.data; k++) most = fmax(most, fabs(((double *)d.data)[k]));
        CHECK(most > 1e-4);
    }
    free_arrays(3, x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml's projections are never updated. */
static void erratum_M3_projections_learn(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[2], w);
    wg_array x[3], dx[3];
    double before[4][16];

    make_inputs(&modules[2], modules[2].small, 5, x);
    go(l, 3, x, true, dx);
    for (int i = 0; i < 4; i++)
        memcpy(before[i], wg_layer_parameter(wg_layer_component_at(l, i + 1), "W").data, 128);
    OK(l, wg_layer_update(l, NAN));
    for (int i = 0; i < 4; i++)
        CHECK(memcmp(before[i], wg_layer_parameter(wg_layer_component_at(l, i + 1), "W").data,
                     128) != 0);
    free_arrays(3, x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Dropout is of the weights of each head alone; numpy-ml masks the inputs of the projections too.
 */
static void erratum_M4_one_draw(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l =
        wg_multi_headed_attention(w, "m", (wg_mha_hyper){ .n_heads = 2, .dropout_p = 0.5 });
    wg_graph *g = wg_graph_new();
    wg_tensor *x;
    int draws = 0;

    wg_begin(g, "f", WG_TRAIN);
    x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 3, 4));
    wg_output("y", wg_apply_n(l, 3, (wg_tensor *[]){ x, x, x }));
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    for (int64_t i = 0; i < wg_graph_count(g); i++) {
        wg_tensor *t = wg_graph_at(g, i);

        if (!(wg_tensor_record(t)->flags & WG_OP_RANDOM)) continue;
        draws++;
        EQ_STR(wg_tensor_leaf_name(t), "m/attention/dropout_mask");
        EQ_INT(wg_tensor_type(t)->shape.dim[1], 2);
    }
    EQ_INT(draws, 1);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* No module of numpy-ml's can be trained for two steps. */
static void erratum_M5_many_steps_in_a_row(void)
{
    EACH_MODULE(m)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = make(m, w);
        wg_array x[3], dx[3], y[2];
        double loss[2] = { 0 };

        OK(l, wg_layer_set_optimizer(l, "SGD(lr=0.01)"));
        make_inputs(m, m->small, 5, x);
        for (int step = 0; step < 12; step++) {
            go(l, m->n, x, true, dx);
            if (step == 0 || step == 11) {
                OK(l, wg_layer_forward(l, m->n, x, true, y));
                for (int64_t i = 0; i < wg_shape_count(&y[0].type.shape); i++)
                    loss[step > 0] += pow(((double *)y[0].data)[i], 2);
            }
            OK(l, wg_layer_update(l, NAN));
        }
        harness_check(loss[1] < loss[0], __FILE__, __LINE__, "%s: %g to %g", m->kind, loss[0],
                      loss[1]);
        free_arrays(m->n, x);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* numpy-ml's set_params of a module changes nothing. */
static void erratum_M6_set_params(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[3], w);
    const wg_skip_identity_hyper *h;
    const wg_batchnorm_hyper *norm;

    OK(l, wg_layer_set_params(
              l, "{\"hyperparameters\": {\"momentum\": 0.5, \"stride1\": 2, \"epsilon\": 0, "
                 "\"act_fn\": \"ReLU\"}}"));
    h = wg_layer_hyper(l);
    CLOSE1(h->momentum, 0.5, 0, 0);
    EQ_INT(h->stride1, 2);
    EQ_STR(h->act_fn, "ReLU");
    norm = wg_layer_hyper(wg_layer_component(l, "batchnorm2"));
    CLOSE1(norm->momentum, 0.5, 0, 0);
    CLOSE1(norm->epsilon, 0, 0, 0);
    EQ_INT(((const wg_conv2d_hyper *)wg_layer_hyper(wg_layer_component(l, "conv1")))->stride, 2);
    EQ_STR(((const wg_conv2d_hyper *)wg_layer_hyper(wg_layer_component(l, "conv1")))->act_fn,
           "ReLU");
    EQ_STR(((const wg_merge_hyper *)wg_layer_hyper(wg_layer_component(l, "add3")))->act_fn, "ReLU");
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml's width is 2 whatever was asked. */
static void erratum_M7_kernel_width(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_wavenet_residual(
        w, "m", (wg_wavenet_hyper){ .ch_residual = 2, .ch_dilation = 3, .kernel_width = 5 });
    wg_array x[3], dx[3];

    make_inputs(&modules[0], modules[0].small, 5, x);
    go(l, 2, x, true, dx);
    EQ_INT(wg_layer_parameter(wg_layer_component(l, "conv_dilation"), "W").type.shape.dim[0], 5);
    free_arrays(2, x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The first block has no X_skip: numpy-ml raises. Y_skip is then the output of conv_1x1. */
static void erratum_M8_without_X_skip(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[0], w);
    wg_array x[3], y[2], r;

    make_inputs(&modules[0], modules[0].small, 5, x);
    OK(l, wg_layer_forward(l, 1, x, true, y));
    r = wg_layer_derived(l, "conv_1x1_out");
    CLOSE_ARRAY(&y[1], (double *)r.data, 16, 0, 0);
    free_arrays(2, x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Documented so: one convolution feeds both gates. */
static void erratum_M9_one_convolution(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[0], w);
    wg_array x[3], dx[3], z, t, s;

    make_inputs(&modules[0], modules[0].small, 5, x);
    go(l, 2, x, true, dx);
    z = wg_layer_derived(l, "conv_dilation_out");
    t = wg_layer_derived(l, "tanh_out");
    s = wg_layer_derived(l, "sigm_out");
    for (int i = 0; i < 24; i++) {
        double v = ((double *)z.data)[i];

        CLOSE1(((double *)t.data)[i], tanh(v), 1e-12, 1e-15);
        CLOSE1(((double *)s.data)[i], 1 / (1 + exp(-v)), 1e-12, 1e-15);
    }
    free_arrays(2, x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Main before skip, in values and gradients; the last block's main needs none. */
static void erratum_M10_main_before_skip(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[0], w);
    wg_array x[3], y[2], dy[2] = { 0 }, dx[2];
    double ones[16];

    for (int i = 0; i < 16; i++) ones[i] = 1;
    make_inputs(&modules[0], modules[0].small, 5, x);
    OK(l, wg_layer_forward(l, 2, x, true, y));
    dy[1] = WG_F64_ARRAY(ones, 2, 4, 2);
    OK(l, wg_layer_backward(l, 1, dy, true, dx));
    CLOSE_ARRAY(&dx[1], ones, 16, 0, 0); /* Y_skip = X_skip + r */
    free_arrays(2, x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml takes an int or two numbers: "same" and four are documented too. */
static void erratum_M11_pads(void)
{
    static const char *const pads[][2] = { { "\"same\"", "\"same\"" },
                                           { "[1, 0, 2, 1]", "[0, 1, 1, 0]" },
                                           { "2", "[1, 0]" } };

    for (int i = 0; i < 3; i++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_error error = { .code = WG_OK };
        char json[400];
        wg_layer *l;

        snprintf(json, sizeof json,
                 "{\"out_ch1\": 2, \"out_ch2\": 1, \"kernel_shape1\": [2, 2], \"kernel_shape2\": "
                 "[2, 2], \"kernel_shape_skip\": [3, 3], \"pad1\": %s, \"pad2\": %s}",
                 pads[i][0], pads[i][1]);
        l = wg_layer_make(w, "m", "SkipConnectionConvModule", json, &error);
        NO_ERROR(&error);
        if (l) kit_check(l, w, 1, modules[4].small, 1);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* numpy-ml's batch norms have SGD, whatever the module was given. */
static void erratum_M12_optimizer_of_the_norms(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[3], w), *norm;
    wg_array x[3], dx[3], g;
    double before[3], by[3];

    OK(l, wg_layer_set_optimizer(l, "Adam(lr=0.125)"));
    make_inputs(&modules[3], modules[3].small, 5, x);
    go(l, 1, x, true, dx);
    norm = wg_layer_component(l, "batchnorm1");
    memcpy(before, wg_layer_parameter(norm, "scaler").data, sizeof before);
    g = wg_layer_gradient(norm, "scaler");
    /* Adam's first step is lr whatever the gradient, but for eps */
    for (int i = 0; i < 3; i++) {
        double v = ((double *)g.data)[i];

        by[i] = before[i] - 0.125 * v / (fabs(v) + 1e-7);
    }
    OK(l, wg_layer_update(l, NAN));
    g = wg_layer_parameter(norm, "scaler");
    CLOSE_ARRAY(&g, by, 3, 1e-6, 1e-9);
    free_arrays(1, x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Documented order: convolution, activation, batch norm. */
static void erratum_M13_activation_before_norm(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[3], w);
    wg_array x[3], dx[3], a;
    double mean = 0, most = 0;

    make_inputs(&modules[3], modules[3].small, 5, x);
    go(l, 1, x, true, dx);
    a = wg_layer_derived(l, "conv1_out");
    for (int i = 0; i < 54; i++) most = fmax(most, fabs(((double *)a.data)[i]));
    CHECK(most < 1); /* conv1 ends with Tanh */
    a = wg_layer_derived(l, "batchnorm1_out");
    for (int i = 0; i < 54; i++) mean += ((double *)a.data)[i] / 54;
    CLOSE1(1 + mean, 1, 1e-12, 0); /* normalised last */
    free_arrays(1, x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Every property answers before the first forward; numpy-ml's modules raise. */
static void erratum_M14_before_the_first_forward(void)
{
    EACH_MODULE(m)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = make(m, w);
        char *hyper = wg_layer_hyperparameters(l), *summary = wg_layer_summary(l);
        wg_array x[3], dx[3];

        CHECK(hyper && strstr(hyper, m->kind));
        CHECK(summary && strstr(summary, "hyperparameters"));
        EQ_INT(n_gradients(l), 0);
        wg_layer_freeze(l);
        CHECK(!wg_layer_trainable(wg_layer_component_at(l, 0)));
        wg_layer_unfreeze(l);
        make_inputs(m, m->small, 5, x);
        go(l, m->n, x, true, dx);
        CHECK(n_gradients(l) > 0);
        free_arrays(m->n, x);
        wg_free(hyper);
        wg_free(summary);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* gate_fn is among the hyperparameters, and concat gives twice n_out. */
static void erratum_M15_gate_and_width(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_bidirectional_lstm(w, "m", (wg_bidirectional_lstm_hyper){ .n_out = 3 });
    char *hyper = wg_layer_hyperparameters(l);
    wg_array x[3], y;

    CHECK(hyper && strstr(hyper, "\"gate_fn\""));
    make_inputs(&modules[1], modules[1].small, 5, x);
    OK(l, wg_layer_forward(l, 1, x, false, &y));
    EQ_INT(y.type.shape.dim[1], 6);
    free_arrays(1, x);
    wg_free(hyper);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Without retain_grads nothing accumulates, in no component. */
static void erratum_M16_retain_grads(void)
{
    EACH_MODULE(m)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = make(m, w);
        wg_array x[3], dx[3];

        make_inputs(m, m->small, 5, x);
        go(l, m->n, x, false, dx);
        EQ_INT(n_gradients(l), 0);
        CHECK(dx[0].data != NULL);
        free_arrays(m->n, x);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* Two forwards, one backward: gradients of the inputs in order, of the parameters added up. */
static void erratum_M17_two_forwards(void)
{
    EACH_MODULE(m)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = make(m, w);
        wg_array x[2][3], dx[6], y[2], dy[4] = { 0 };
        double *alone[2];

        for (int f = 0; f < 2; f++) {
            const wg_shape *sizes = f ? m->large : m->small;

            make_inputs(m, sizes, 5 + 10 * (uint64_t)f, x[f]);
            go(l, m->n, x[f], true, dx);
            alone[f] = calloc((size_t)wg_shape_count(&sizes[0]), 8);
            memcpy(alone[f], dx[0].data, (size_t)wg_type_bytes(&dx[0].type));
            wg_layer_flush_gradients(l);
        }
        for (int f = 0; f < 2; f++) {
            OK(l, wg_layer_forward(l, m->n, x[f], true, y));
            for (int k = 0; k < wg_layer_n_out(l); k++) {
                size_t bytes = (size_t)wg_type_bytes(&y[k].type);
                wg_array *d = &dy[f * wg_layer_n_out(l) + k];

                *d = (wg_array){ y[k].type, malloc(bytes) };
                memcpy(d->data, y[k].data, bytes);
            }
        }
        OK(l, wg_layer_backward(l, 2, dy, true, dx));
        for (int f = 0; f < 2; f++) {
            CLOSE_ARRAY(&dx[f * m->n], alone[f], wg_shape_count(&x[f][0].type.shape), 1e-9, 1e-11);
            free(alone[f]);
            free_arrays(m->n, x[f]);
        }
        free_arrays(4, dy);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* Every forward begins with zero states, for any batch and length. */
static void erratum_M18_fresh_states(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[1], w);
    wg_array x[3], z[3], y;
    double first[12];

    make_inputs(&modules[1], modules[1].small, 5, x);
    make_inputs(&modules[1], modules[1].large, 6, z);
    OK(l, wg_layer_forward(l, 1, x, true, &y));
    memcpy(first, y.data, sizeof first);
    OK(l, wg_layer_forward(l, 1, z, true, &y));
    OK(l, wg_layer_forward(l, 1, x, true, &y));
    SAME_BITS(y.data, first, sizeof first);
    free_arrays(1, x);
    free_arrays(1, z);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The padding of the skip branch is that of the image at hand; numpy-ml keeps the first one. */
static void erratum_M19_skip_padding(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_skip_conv(w, "m",
                               (wg_skip_conv_hyper){ .out_ch1 = 2,
                                                     .out_ch2 = 2,
                                                     .kernel_shape1 = { 2, 2 },
                                                     .kernel_shape2 = { 2, 2 },
                                                     .kernel_shape_skip = { 2, 2 },
                                                     .pad1 = { 1, 1, 1, 1 },
                                                     .stride1 = 2,
                                                     .stride_skip = 2 });
    const wg_skip_conv_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_graph_new();
    wg_tensor *t = wg_apply(l, wg_input(g, "x", WG_F64, WG_SHAPE(1, 5, 5, 1)));
    wg_plan *p = wg_plan_of(1, &t, w, NULL, NULL);
    double *v = kit_numbers(1000, 9);

    NO_ERROR(wg_graph_error(g));
    for (int64_t n = 4; n < 12; n++) {
        wg_array x = WG_F64_ARRAY(v, 2, n, n + 1, 1), y;
        const wg_array *z;

        OK(l, wg_layer_forward(l, 1, &x, false, &y));
        EQ_INT(y.type.shape.dim[1], (n + 2 - 2) / 2 + 1 - 1);
        EQ_INT(h->pad_skip[0], 0);
        wg_plan_feed(p, "x", x);
        EQ_INT(wg_plan_run(p), WG_OK);
        NO_ERROR(wg_plan_error(p));
        z = wg_plan_value_at(p, 0);
        if (z) SAME_BITS(z->data, y.data, wg_type_bytes(&y.type));
    }
    free(v);
    wg_plan_free(p);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A frozen component: the rest trains, and nothing is half updated. numpy-ml raises half way. */
static void erratum_M20_frozen_component(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[3], w), *conv1, *conv2;
    wg_array x[3], dx[3];
    double before[2][36];

    make_inputs(&modules[3], modules[3].small, 5, x);
    go(l, 1, x, true, dx);
    wg_layer_flush_gradients(l);
    conv1 = wg_layer_component(l, "conv1");
    conv2 = wg_layer_component(l, "conv2");
    memcpy(before[0], wg_layer_parameter(conv1, "W").data, sizeof before[0]);
    memcpy(before[1], wg_layer_parameter(conv2, "W").data, sizeof before[1]);
    wg_layer_freeze(conv2);
    go(l, 1, x, true, dx);
    CHECK(wg_layer_gradient(conv2, "W").data == NULL);
    OK(l, wg_layer_update(l, NAN));
    CHECK(memcmp(before[0], wg_layer_parameter(conv1, "W").data, sizeof before[0]) != 0);
    SAME_BITS(before[1], wg_layer_parameter(conv2, "W").data, sizeof before[1]);
    free_arrays(1, x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml forgets the optimizer of two modules. */
static void erratum_M21_optimizer_among_hyperparameters(void)
{
    EACH_MODULE(m)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = make(m, w);
        char *hyper = wg_layer_hyperparameters(l);

        CHECK(hyper && strstr(hyper, "\"optimizer\""));
        wg_free(hyper);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

TESTS(TEST(erratum_M1_multiply), TEST(erratum_M2_many_steps), TEST(erratum_M3_projections_learn),
      TEST(erratum_M4_one_draw), TEST(erratum_M5_many_steps_in_a_row), TEST(erratum_M6_set_params),
      TEST(erratum_M7_kernel_width), TEST(erratum_M8_without_X_skip),
      TEST(erratum_M9_one_convolution), TEST(erratum_M10_main_before_skip), TEST(erratum_M11_pads),
      TEST(erratum_M12_optimizer_of_the_norms), TEST(erratum_M13_activation_before_norm),
      TEST(erratum_M14_before_the_first_forward), TEST(erratum_M15_gate_and_width),
      TEST(erratum_M16_retain_grads), TEST(erratum_M17_two_forwards),
      TEST(erratum_M18_fresh_states), TEST(erratum_M19_skip_padding),
      TEST(erratum_M20_frozen_component), TEST(erratum_M21_optimizer_among_hyperparameters))
