/* module_kit.h: one of each module, with inputs of two sizes, for test_modules.c and
 * test_module_errata.c. */
#ifndef MODULE_KIT_H
#define MODULE_KIT_H

#include "layer_kit.h"

enum { N_MODULES = 5 };

/* How to make one, inputs of two sizes, and what numpy-ml calls its parts. */
static const struct module {
    const char *kind, *json;
    int n;
    wg_shape small[3], large[3];
    const char *ids, *values, *grads;
} modules[N_MODULES] = {
    { .kind = "WavenetResidualModule",
      .json = "{\"ch_residual\": 2, \"ch_dilation\": 3, \"dilation\": 1, \"kernel_width\": 2}",
      .n = 2,
      .small = { { 3, { 2, 4, 2 } }, { 3, { 2, 4, 2 } } },
      .large = { { 3, { 3, 6, 2 } }, { 3, { 3, 6, 2 } } },
      .ids = "conv_1x1 add_skip add_residual conv_dilation multiply_gate",
      .values = "tanh_out sigm_out conv_dilation_out multiply_gate_out conv_1x1_out",
      .grads = "dLdTanh dLdSigmoid dLdConv_1x1 dLdMultiply dLdConv_dilation" },
    { .kind = "BidirectionalLSTM",
      .json = "{\"n_out\": 2, \"merge_mode\": \"multiply\"}",
      .n = 1,
      .small = { { 3, { 2, 2, 3 } } },
      .large = { { 3, { 3, 2, 5 } } },
      .ids = "cell_fwd cell_bwd",
      .values = "Y_fwd Y_bwd",
      .grads = "" },
    { .kind = "MultiHeadedAttentionModule",
      .json = "{\"n_heads\": 2}",
      .n = 3,
      .small = { { 3, { 2, 2, 4 } }, { 3, { 2, 3, 4 } }, { 3, { 2, 3, 4 } } },
      .large = { { 3, { 3, 4, 4 } }, { 3, { 3, 1, 4 } }, { 3, { 3, 1, 4 } } },
      .ids = "attention Q K V O",
      .values = "Q_proj K_proj V_proj attention_weights attention_out",
      .grads = "dQ_proj dK_proj dV_proj" },
    { .kind = "SkipConnectionIdentityModule",
      .json = "{\"out_ch\": 3, \"kernel_shape1\": [2, 3], \"kernel_shape2\": [3, 2], "
              "\"act_fn\": \"Tanh\"}",
      .n = 1,
      .small = { { 4, { 2, 3, 3, 2 } } },
      .large = { { 4, { 3, 5, 4, 2 } } },
      .ids = "conv1 batchnorm1 conv2 batchnorm2 add3",
      .values = "conv1_out conv2_out batchnorm1_out batchnorm2_out",
      .grads = "dLdAdd3_X dLdBn2 dLdBn1 dLdConv2 dLdConv1" },
    { .kind = "SkipConnectionConvModule",
      .json = "{\"out_ch1\": 2, \"out_ch2\": 3, \"kernel_shape1\": [2, 2], \"kernel_shape2\": "
              "[2, 3], \"kernel_shape_skip\": [2, 2], \"pad1\": 1, \"pad2\": [1, 1], \"stride1\": "
              "2, \"stride_skip\": 2, \"act_fn\": \"Tanh\"}",
      .n = 1,
      .small = { { 4, { 2, 5, 5, 2 } } },
      .large = { { 4, { 3, 8, 7, 2 } } },
      .ids = "add3 conv1 conv2 conv_skip batchnorm1 batchnorm2 batchnorm_skip",
      .values = "conv1_out conv2_out batchnorm1_out batchnorm2_out conv_skip_out "
                "batchnorm_skip_out",
      .grads = "dLdAdd3_X dLdBn2 dLdBn1 dLdConv2 dLdConv1 dLdBnSkip dLdConvSkip" },
};

static inline wg_layer *make(const struct module *m, wg_params *w)
{
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_layer_make(w, "m", m->kind, m->json, &error);

    NO_ERROR(&error);
    return l;
}

static inline void make_inputs(const struct module *m, const wg_shape *shapes, uint64_t seed,
                               wg_array *x)
{
    for (int i = 0; i < m->n; i++)
        x[i] = (wg_array){ { WG_F64, shapes[i] },
                           kit_numbers(wg_shape_count(&shapes[i]), seed + (uint64_t)i) };
}

static inline void free_arrays(int n, wg_array *x)
{
    for (int i = 0; i < n; i++) free(x[i].data);
}

/* The error is asked for after the call. */
#define OK(l, call)                                                                                \
    do {                                                                                           \
        wg_status status = (call);                                                                 \
                                                                                                   \
        harness_check(status == WG_OK, __FILE__, __LINE__, "%s: %s: %s", wg_layer_kind(l), #call,  \
                      wg_layer_error(l)->text);                                                    \
    } while (0)

/* A training forward and its backward with dy like y; gradients are added up. */
static inline void go(wg_layer *l, int n, const wg_array *x, bool retain_grads, wg_array *dx)
{
    wg_array y[2] = { 0 }, dy[2] = { 0 };

    OK(l, wg_layer_forward(l, n, x, true, y));
    for (int k = 0; k < wg_layer_n_out(l); k++) {
        size_t bytes = (size_t)wg_type_bytes(&y[k].type);

        dy[k] = (wg_array){ y[k].type, malloc(bytes) };
        memcpy(dy[k].data, y[k].data, bytes);
    }
    OK(l, wg_layer_backward(l, 1, dy, retain_grads, dx));
    free_arrays(wg_layer_n_out(l), dy);
}

static inline int n_gradients(const wg_layer *l)
{
    int n = 0;

    for (int i = 0; i < wg_layer_n_params(l); i++)
        n += wg_layer_gradient(l, wg_layer_param_key(l, i)).data != NULL;
    for (int i = 0; i < wg_layer_n_components(l); i++)
        n += n_gradients(wg_layer_component_at(l, i));
    return n;
}

#define EACH_MODULE(m) for (const struct module *m = modules; m < modules + N_MODULES; m++)

/* set_params(summary()) on a fresh object: the same outputs and the same next step. */
static inline void kit_twin(const struct module *m)
{
    wg_params *w = wg_params_new(WG_F64, 1), *u = wg_params_new(WG_F64, 77);
    wg_layer *a = make(m, w), *b = make(m, u);
    wg_array x[3], y[2], z[2], dx[3];
    char *summary;

    OK(a, wg_layer_set_optimizer(a, "Adam(lr=0.01)"));
    make_inputs(m, m->small, 5, x);
    go(a, m->n, x, true, dx);
    OK(a, wg_layer_update(a, NAN));
    summary = wg_layer_summary(a);
    OK(b, wg_layer_set_params(b, summary));
    wg_free(summary);
    for (int step = 0; step < 2; step++) {
        OK(a, wg_layer_forward(a, m->n, x, false, y));
        OK(b, wg_layer_forward(b, m->n, x, false, z));
        for (int k = 0; k < wg_layer_n_out(a); k++)
            SAME_BITS(y[k].data, z[k].data, wg_type_bytes(&y[k].type));
        go(a, m->n, x, true, dx);
        OK(a, wg_layer_update(a, NAN));
        go(b, m->n, x, true, dx);
        OK(b, wg_layer_update(b, NAN));
    }
    free_arrays(m->n, x);
    wg_layer_free(a);
    wg_layer_free(b);
    wg_params_free(w);
    wg_params_free(u);
}

/* A training step saved and loaded goes on bit for bit. */
static inline void kit_go_on(const struct module *m)
{
    static const char *const names[] = { "x0", "x1", "x2" };

    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(m, w);
    wg_optim *o = wg_adam(w, "adam", NULL);
    wg_graph *g = wg_graph_new();
    wg_error error = { .code = WG_OK };
    wg_program loaded;
    wg_tensor *in[3], *y[2];
    wg_array x[3];
    size_t length;
    char *text;
    wg_plan *p[2];

    wg_begin(g, "train", WG_TRAIN);
    for (int i = 0; i < m->n; i++) in[i] = wg_input(g, names[i], WG_F64, m->small[i]);
    wg_apply_all(l, m->n, in, y);
    wg_output("loss", wg_sum(wg_square(y[0]), WG_ALL_AXES, false));
    wg_minimize(o, wg_function_output(g, 0, 0));
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    make_inputs(m, m->small, 5, x);
    p[0] = wg_plan_new(g, w, "train", NULL);
    for (int i = 0; i < m->n && p[0]; i++) wg_plan_feed(p[0], names[i], x[i]);
    for (int step = 0; step < 3; step++) EQ_INT(wg_plan_run(p[0]), WG_OK);
    wg_save_text(g, w, NULL, &text, &length, &error);
    NO_ERROR(&error);
    wg_load_text(text, length, NULL, &loaded, &error);
    NO_ERROR(&error);
    wg_free(text);
    p[1] = wg_plan_new(loaded.graph, loaded.params, "train", NULL);
    for (int i = 0; i < m->n && p[1]; i++) wg_plan_feed(p[1], names[i], x[i]);
    for (int step = 0; step < 3; step++) {
        EQ_INT(wg_plan_run(p[0]), WG_OK);
        EQ_INT(wg_plan_run(p[1]), WG_OK);
        SAME_BITS(wg_plan_value_at(p[0], 0)->data, wg_plan_value_at(p[1], 0)->data, 8);
    }
    wg_plan_free(p[0]);
    wg_plan_free(p[1]);
    wg_program_free(&loaded);
    free_arrays(m->n, x);
    wg_optim_free(o);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

#endif
