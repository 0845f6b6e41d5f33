/* test_modules.c: layers made of layers: golden values, differences, names, other sizes, two and
 * more steps, bad input. */
#include "module_kit.h"

static const kit_subject subjects[] = {
    { .file = "module_wavenet_residual",
      .kind = "WavenetResidualModule",
      .in = { "X_main", "X_skip" },
      .out = { "Y_main", "Y_skip" } },
    { .file = "module_bidirectional_lstm",
      .kind = "BidirectionalLSTM",
      .in = { "X" },
      .out = { "Y" } },
    { .file = "module_multi_headed_attention",
      .kind = "MultiHeadedAttentionModule",
      .in = { "Q", "K", "V" },
      .out = { "Y" },
      .kept = { { "attention_weights", "layer/attention/attention_weights" } },
      .mask = "layer/attention/dropout_mask" },
    { .file = "module_skip_identity",
      .kind = "SkipConnectionIdentityModule",
      .in = { "X" },
      .out = { "Y" },
      .tol_grad = 1e-8 },
    { .file = "module_skip_conv",
      .kind = "SkipConnectionConvModule",
      .in = { "X" },
      .out = { "Y" },
      .tol_grad = 1e-8 },
};

static void golden_wavenet(void)
{
    kit_golden(&subjects[0]);
}
static void golden_bilstm(void)
{
    kit_golden(&subjects[1]);
}
static void golden_attention(void)
{
    kit_golden(&subjects[2]);
}
static void golden_skip_identity(void)
{
    kit_golden(&subjects[3]);
}
static void golden_skip_conv(void)
{
    kit_golden(&subjects[4]);
}

/* Components and derived variables by numpy-ml's names, in its order. */
static void names(void)
{
    EACH_MODULE(m)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = make(m, w);
        wg_array x[3], dx[3];
        char ids[200] = "", list[400], *key, *rest;

        for (int i = 0; i < wg_layer_n_components(l); i++)
            snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s%s", i ? " " : "",
                     wg_layer_component_id(l, i));
        EQ_STR(ids, m->ids);
        make_inputs(m, m->small, 3, x);
        go(l, m->n, x, true, dx);
        snprintf(list, sizeof list, "%s %s", m->values, m->grads);
        for (key = strtok_r(list, " ", &rest); key; key = strtok_r(NULL, " ", &rest))
            harness_check(wg_layer_derived(l, key).data != NULL, __FILE__, __LINE__, "%s has no %s",
                          m->kind, key);
        free_arrays(m->n, x);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* dLdAdd3_X is the whole gradient of X; dLdBn1 and dLdConv1 belong to the outputs. */
static void gradients_inside(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(&modules[3], w);
    wg_array x[3], dx[3], d;

    make_inputs(&modules[3], modules[3].small, 3, x);
    go(l, 1, x, true, dx);
    d = wg_layer_derived(l, "dLdAdd3_X");
    CLOSE_ARRAY(&d, (double *)dx[0].data, 36, 1e-12, 0);
    EQ_INT(wg_layer_derived(l, "dLdBn1").type.shape.dim[3], 3);
    EQ_INT(wg_layer_derived(l, "dLdConv1").type.shape.dim[3], 3);
    EQ_INT(wg_layer_derived(l, "dLdConv2").type.shape.dim[3], 2);
    free_arrays(1, x);
    wg_layer_free(l);
    wg_params_free(w);
}

static void differences(void)
{
    EACH_MODULE(m)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = make(m, w);

        kit_check(l, w, m->n, m->small, m->kind[0] == 'S' ? 1 : 2);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* Recorded for the small sizes at batch 1, run at others: the same bits as recorded there.
 * Sequences of recurrent modules keep their length. */
static void other_sizes(void)
{
    static const char *const names[] = { "x0", "x1", "x2" };

    EACH_MODULE(m)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = make(m, w);
        bool fixed = !strcmp(m->kind, "BidirectionalLSTM");
        const wg_shape *sizes = fixed ? m->small : m->large;
        wg_plan *p[2];
        wg_graph *g[2];
        wg_array x[3];

        make_inputs(m, sizes, 5, x);
        for (int way = 0; way < 2; way++) {
            wg_tensor *in[3], *y[2], *sum, *out[4];

            g[way] = wg_graph_new();
            wg_begin(g[way], "f", WG_TRAIN);
            for (int i = 0; i < m->n; i++) {
                wg_shape s = way ? sizes[i] : m->small[i];

                if (!way) s.dim[0] = 1;
                in[i] = wg_input(g[way], names[i], WG_F64, s);
            }
            wg_apply_all(l, m->n, in, y);
            sum = wg_sum(wg_square(y[0]), WG_ALL_AXES, false);
            out[0] = y[0];
            wg_grad(sum, m->n, in, out + 1);
            wg_output("y", y[0]);
            wg_end(g[way]);
            NO_ERROR(wg_graph_error(g[way]));
            p[way] = wg_plan_of(m->n + 1, out, w, NULL, NULL);
            for (int i = 0; i < m->n; i++) wg_plan_feed(p[way], names[i], x[i]);
            EQ_INT(wg_plan_run(p[way]), WG_OK);
            NO_ERROR(wg_plan_error(p[way]));
        }
        for (int i = 0; i <= m->n; i++) {
            const wg_array *a = wg_plan_value_at(p[0], i), *b = wg_plan_value_at(p[1], i);

            if (a && b &&
                harness_check(wg_type_equal(&a->type, &b->type), __FILE__, __LINE__,
                              "%s: result %d", m->kind, i))
                SAME_BITS(a->data, b->data, wg_type_bytes(&a->type));
        }
        for (int way = 0; way < 2; way++) {
            wg_plan_free(p[way]);
            wg_graph_free(g[way]);
        }
        free_arrays(m->n, x);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* ---- use ---- */

/* Frozen: gradients of the inputs only, and batch norms leave their running statistics alone. */
static void frozen(void)
{
    EACH_MODULE(m)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = make(m, w);
        wg_array x[3], dx[3];
        int n;

        make_inputs(m, m->small, 5, x);
        go(l, m->n, x, true, dx);
        n = n_gradients(l);
        wg_layer_flush_gradients(l);
        wg_layer_freeze(l);
        go(l, m->n, x, true, dx);
        EQ_INT(n_gradients(l), 0);
        CHECK(dx[0].data != NULL);
        EQ_INT(wg_layer_update(l, NAN), WG_ESTATE);
        for (int i = 0; i < wg_params_count(w); i++) CHECK(!wg_params_at(w, i)->trainable);
        wg_layer_unfreeze(l);
        wg_layer_flush_gradients(l);
        go(l, m->n, x, true, dx);
        EQ_INT(n_gradients(l), n);
        free_arrays(m->n, x);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* The value of t after a training run on x. */
static void value_of(wg_graph *g, wg_params *w, const struct module *m, const wg_array *x,
                     wg_tensor *t, double *to)
{
    static const char *const names[] = { "x0", "x1", "x2" };
    wg_plan *p = wg_plan_of(1, &t, w, NULL, NULL);

    NO_ERROR(wg_graph_error(g));
    for (int i = 0; i < m->n && p; i++) wg_plan_feed(p, names[i], x[i]);
    CHECK(p && wg_plan_run(p) == WG_OK);
    if (p) {
        const wg_array *a = wg_plan_value_at(p, 0);

        memcpy(to, a->data, (size_t)wg_type_bytes(&a->type));
    }
    wg_plan_free(p);
}

/* Used again in one function, on half of the same input, a module gives what it gives alone there:
 * parameters are shared, states and statistics of the batch are not. */
static void twice_in_one_graph(void)
{
    static const char *const names[] = { "x0", "x1", "x2" };

    EACH_MODULE(m)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = make(m, w);
        double together[200], alone[200];
        wg_array x[3];

        make_inputs(m, m->small, 5, x);
        for (int both = 1; both >= 0; both--) {
            wg_graph *g = wg_graph_new();
            wg_tensor *in[3], *half[3], *y[2];

            wg_begin(g, "f", WG_TRAIN);
            for (int i = 0; i < m->n; i++) {
                in[i] = wg_input(g, names[i], WG_F64, m->small[i]);
                half[i] = wg_mul(in[i], wg_scalar(g, WG_F64, 0.5));
            }
            if (both) wg_apply_all(l, m->n, in, y);
            wg_apply_all(l, m->n, half, y);
            wg_output("y", y[0]);
            wg_end(g);
            value_of(g, w, m, x, y[0], both ? together : alone);
            if (!both) SAME_BITS(together, alone, wg_type_bytes(wg_tensor_type(y[0])));
            wg_graph_free(g);
        }
        free_arrays(m->n, x);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

static void summary_makes_a_twin(void)
{
    EACH_MODULE(m) kit_twin(m);
}

static void save_and_go_on(void)
{
    EACH_MODULE(m) kit_go_on(m);
}

/* With a mask of the later steps a step's result does not depend on them, and on others it does. */
static void causal_mask(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_multi_headed_attention(w, "m", (wg_mha_hyper){ .n_heads = 2 });
    wg_shape shapes[] = { WG_SHAPE(1, 3, 4), WG_SHAPE(1, 3, 4), WG_SHAPE(1, 3, 4), WG_SHAPE(3, 3) };
    double mask[9], *v = kit_numbers(24, 5), want[24];
    wg_array x[4], y;

    for (int i = 0; i < 9; i++) mask[i] = i % 3 > i / 3 ? -INFINITY : 0;
    for (int i = 0; i < 3; i++) x[i] = WG_F64_ARRAY(v, 2, 3, 4);
    x[3] = WG_F64_ARRAY(mask, 3, 3);
    EQ_INT(wg_layer_forward(l, 4, x, false, &y), WG_OK);
    memcpy(want, y.data, sizeof want);
    for (int i = 0; i < 4; i++) v[4 + i] += 1; /* the second step of the first example */
    EQ_INT(wg_layer_forward(l, 4, x, false, &y), WG_OK);
    for (int i = 0; i < 24; i++)
        CHECK((((double *)y.data)[i] == want[i]) == (i / 4 != 1 && i / 4 != 2));
    kit_check(l, w, 4, shapes, 2);
    free(v);
    wg_layer_free(l);
    wg_params_free(w);
}

/* An image that no padding fits, fed to a graph recorded on one that some does: refused when it
 * runs, by the layer's path. */
static void padding_when_it_runs(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_skip_conv(w, "m",
                               (wg_skip_conv_hyper){ .out_ch1 = 2,
                                                     .out_ch2 = 2,
                                                     .kernel_shape1 = { 2, 2 },
                                                     .kernel_shape2 = { 2, 2 },
                                                     .kernel_shape_skip = { 3, 3 },
                                                     .stride1 = 2,
                                                     .stride2 = 2,
                                                     .stride_skip = 2 });
    wg_graph *g = wg_graph_new();
    wg_tensor *t = wg_apply(l, wg_input(g, "x", WG_F64, WG_SHAPE(1, 4, 4, 1)));
    wg_plan *p = wg_plan_of(1, &t, w, NULL, NULL);
    double *v = kit_numbers(288, 1);
    wg_error error;

    REQUIRE(p != NULL);
    wg_plan_feed(p, "x", WG_F64_ARRAY(v, 2, 4, 4, 1));
    EQ_INT(wg_plan_run(p), WG_OK);
    wg_plan_feed(p, "x", WG_F64_ARRAY(v, 2, 12, 12, 1));
    EQ_INT(wg_plan_run(p), WG_ESHAPE);
    error = *wg_plan_error(p);
    EQ_STR(error.scope, "m");
    error.site = NULL;
    ERROR_IS(&error, WG_ESHAPE,
             "place_like: f64[2 x 12 x 12 x 1] is longer than f64[2 x 8 x 12 x 1] along axis 1",
             NULL);
    free(v);
    wg_plan_free(p);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

static void bad_input(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_multi_headed_attention(w, "a", (wg_mha_hyper){ .n_heads = 3, .kqv_dim = 4 });

    ERROR_IS(wg_layer_error(l), WG_EARG,
             "MultiHeadedAttentionModule: kqv_dim is 4, wanted a multiple of n_heads, which is 3",
             NULL);
    wg_layer_free(l);
    REFUSES(wg_multi_headed_attention(w, "b", (wg_mha_hyper){ .n_heads = 3 }), WG_EARG,
            "MultiHeadedAttentionModule: kqv_dim is 4, wanted a multiple of n_heads, which is 3",
            WG_SHAPE(2, 3, 4), WG_SHAPE(2, 3, 4), WG_SHAPE(2, 3, 4));
    REFUSES(wg_multi_headed_attention(w, "c", (wg_mha_hyper){ .n_heads = 2 }), WG_ESHAPE,
            "MultiHeadedAttentionModule: operands are f64[2 x 3 x 4], f64[2 x 3 x 4], f64[2 x 5 x "
            "4]: K and V differ in steps",
            WG_SHAPE(2, 3, 4), WG_SHAPE(2, 3, 4), WG_SHAPE(2, 5, 4));
    l = wg_bidirectional_lstm(
        w, "d", (wg_bidirectional_lstm_hyper){ .n_out = 2, .merge_mode = "multiplty" });
    ERROR_IS(wg_layer_error(l), WG_ENAME,
             "BidirectionalLSTM: merge_mode is \"multiplty\"; the nearest valid one is "
             "\"multiply\"",
             NULL);
    wg_layer_free(l);
    REFUSES(wg_bidirectional_lstm(w, "e", (wg_bidirectional_lstm_hyper){ .n_out = 2 }), WG_ESHAPE,
            "BidirectionalLSTM: the input is f64[2 x 3 x 0], wanted [n, n_in, n_t] with n_t at "
            "least 1",
            WG_SHAPE(2, 3, 0));
    l = wg_wavenet_residual(w, "f", (wg_wavenet_hyper){ .ch_residual = 2, .ch_dilation = 2 });
    ERROR_IS(wg_layer_error(l), WG_EARG,
             "WavenetResidualModule: ch_residual 2, ch_dilation 2 and kernel_width 0 must be at "
             "least 1",
             NULL);
    wg_layer_free(l);
    l = make(&modules[0], w);
    REFUSES(l, WG_ESHAPE,
            "WavenetResidualModule: X_skip is f64[2 x 5 x 2], wanted [n, length, 2] like X_main",
            WG_SHAPE(2, 4, 2), WG_SHAPE(2, 5, 2));
    CHECK(!wg_layer_make(w, "s", "SkipConnectionConvModule",
                         "{\"out_ch1\": 2, \"out_ch2\": 2, \"kernel_shape1\": 1, "
                         "\"kernel_shape2\": 1, \"kernel_shape_skip\": 1, \"stride_skip\": 0}",
                         &error));
    ERROR_IS(&error, WG_EARG, "SkipConnectionConvModule: stride_skip is 0, wanted at least 1",
             NULL);
    l = wg_skip_identity(
        w, "g",
        (wg_skip_identity_hyper){
            .out_ch = 2, .epsilon = -1, .kernel_shape1 = { 1, 1 }, .kernel_shape2 = { 1, 1 } });
    ERROR_IS(wg_layer_error(l), WG_EARG,
             "SkipConnectionIdentityModule: epsilon is -1, wanted 0 or more", NULL);
    wg_layer_free(l);
    REFUSES(wg_skip_conv(w, "h",
                         (wg_skip_conv_hyper){ .out_ch1 = 1,
                                               .out_ch2 = 1,
                                               .kernel_shape1 = { 3, 3 },
                                               .kernel_shape2 = { 3, 3 },
                                               .kernel_shape_skip = { 2, 2 } }),
            WG_ESHAPE,
            "SkipConnectionConvModule: no padding of f64[1 x 9 x 9 x 1] gives conv_skip the size "
            "of the main branch, f64[1 x 5 x 5 x 1]",
            WG_SHAPE(1, 9, 9, 1));
    wg_params_free(w);
}

TESTS(TEST(golden_wavenet), TEST(golden_bilstm), TEST(golden_attention), TEST(golden_skip_identity),
      TEST(golden_skip_conv), TEST(names), TEST(gradients_inside), TEST(differences),
      TEST(other_sizes), TEST(frozen), TEST(twice_in_one_graph), TEST(summary_makes_a_twin),
      TEST(save_and_go_on), TEST(causal_mask), TEST(padding_when_it_runs), TEST(bad_input))
