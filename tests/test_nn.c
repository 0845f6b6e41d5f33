/* test_nn.c: layers against golden values, and what they refuse, and a class of one's own. */
#include <wengert.h>
#include <wengert/layer.h>

#include "golden.h"

/* ---- running ---- */

enum { MOST = 8 };

/* Tensors to compute, with the golden arrays they must give. */
typedef struct {
    int n, n_feeds;
    wg_tensor *out[MOST];
    wg_array want[MOST];
    const char *what[MOST];
    wg_feed feed[MOST];
} wanted;

static void expect(wanted *w, wg_tensor *t, wg_array want, const char *what)
{
    w->out[w->n] = t;
    w->want[w->n] = want;
    w->what[w->n++] = what;
}

static wg_tensor *input(wanted *w, wg_graph *g, const char *name, wg_array value)
{
    w->feed[w->n_feeds++] = (wg_feed){ name, value };
    return wg_input(g, name, value.type.dtype, value.type.shape);
}

static void run(wanted *w, wg_graph *g, wg_params *store, double tol, const json_t *c)
{
    wg_error error = { .code = WG_OK };
    wg_plan *p = NULL;

    NO_ERROR(wg_graph_error(g));
    if (!wg_graph_error(g)) p = wg_plan_of(w->n, w->out, store, NULL, &error);
    for (int i = 0; i < w->n_feeds && p; i++) wg_plan_feed(p, w->feed[i].name, w->feed[i].value);
    if (p && wg_plan_run(p) == WG_OK)
        for (int i = 0; i < w->n; i++)
            GOLDEN_CLOSE(wg_plan_value_at(p, i), &w->want[i], tol, w->what[i], c);
    else NO_ERROR(p ? wg_plan_error(p) : &error);
    CHECK(p != NULL);
    wg_plan_free(p);
    for (int i = 0; i < w->n; i++) free(w->want[i].data);
    for (int i = 0; i < w->n_feeds; i++) free(w->feed[i].value.data);
}

/* ---- layers ---- */

/* One golden case of a layer: its values, and the gradients of sum(Y dY) by operands and
 * parameters. A case may use the layer twice: X0, Y0, X1, Y1. Frees layer and store. */
static void one_layer(const json_t *c, wg_params *store, wg_layer *l)
{
    static const char *const keys[] = { "W", "b" }, *const names[] = { "layer/W", "layer/b" };
    static const char *const xs[] = { "X", "X0", "X1" }, *const ys[] = { "Y", "Y0", "Y1" };
    static const char *const dys[] = { "dY", "dY0", "dY1" };
    bool twice = json_object_get(json_object_get(c, "inputs"), "X0") != NULL;
    wg_graph *g = wg_graph_new();
    wg_tensor *x[3], *s = NULL;
    wanted w = { 0 };

    for (int i = twice; i < 1 + 2 * twice; i++) {
        wg_tensor *y, *part;

        x[i] = input(&w, g, xs[i], golden_array(c, "inputs", xs[i]));
        y = wg_apply(l, x[i]);
        part = wg_sum(wg_mul(y, input(&w, g, dys[i], golden_array(c, "output_grads", ys[i]))),
                      WG_ALL_AXES, false);
        s = s ? wg_add(s, part) : part;
        expect(&w, y, golden_array(c, "outputs", ys[i]), ys[i]);
    }
    NO_ERROR(wg_graph_error(g));
    for (int i = twice; i < 1 + 2 * twice; i++)
        expect(&w, wg_grad1(s, x[i]), golden_array(c, "input_grads", xs[i]), xs[i]);
    for (int i = 0; i < 2; i++) {
        wg_array value = golden_array(c, "parameters", keys[i]);
        wg_error error = { .code = WG_OK };

        if (!value.data) continue;
        wg_params_set(store, names[i], value, &error);
        NO_ERROR(&error);
        expect(&w, wg_grad1(s, wg_param_leaf(g, store, names[i])),
               golden_array(c, "parameter_grads", keys[i]), keys[i]);
        free(value.data);
    }
    run(&w, g, store, 1e-9, c);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(store);
}

/* numpy-ml's `pad`: a number, rows and columns, all four sides, or "same". */
static int64_t pad_of(const json_t *c, int64_t pad[4])
{
    const json_t *p = golden_hyper(c, "pad");
    size_t n = json_array_size(p);

    if (json_is_string(p)) return WG_PAD_SAME;
    for (size_t i = 0; i < 4; i++)
        pad[i] = json_integer_value(n == 0 ? p : json_array_get(p, n == 4 ? i : i / 2));
    return WG_PAD_EXPLICIT;
}

static void fully_connected(void)
{
    CASES("layer_fully_connected", c)
    {
        wg_params *w = wg_params_new(WG_F64, 1);

        one_layer(c, w,
                  wg_fully_connected(w, "layer",
                                     (wg_fc_hyper){ .n_out = (int64_t)golden_number(c, "n_out", 0),
                                                    .act_fn = golden_string(c, "act_fn") }));
    }
    json_decref(root);
}

static void convolutions(void)
{
    CASES("layer_conv2d", c)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        const json_t *k = golden_hyper(c, "kernel_shape");
        wg_conv2d_hyper h = { .out_ch = (int64_t)golden_number(c, "out_ch", 0),
                              .act_fn = golden_string(c, "act_fn") };

        for (size_t i = 0; i < 2; i++) h.kernel_shape[i] = json_integer_value(json_array_get(k, i));
        h.stride = (int64_t)golden_number(c, "stride", 1);
        h.dilation = (int64_t)golden_number(c, "dilation", 0);
        h.pad_mode = pad_of(c, h.pad);
        one_layer(c, w, wg_conv2d_layer(w, "layer", h));
    }
    json_decref(root);
}

static void pooling(void)
{
    CASES("layer_pool2d", c)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        const json_t *k = golden_hyper(c, "kernel_shape");
        wg_pool2d_hyper h = { .mode = golden_string(c, "mode") };

        for (size_t i = 0; i < 2; i++) h.kernel_shape[i] = json_integer_value(json_array_get(k, i));
        h.stride = (int64_t)golden_number(c, "stride", 1);
        h.pad_mode = pad_of(c, h.pad);
        one_layer(c, w, wg_pool2d(w, "layer", h));
    }
    json_decref(root);
}

static void flattening(void)
{
    CASES("layer_flatten", c)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        const char *keep = golden_string(c, "keep_dim");

        one_layer(c, w,
                  wg_flatten(w, "layer", (wg_flatten_hyper){ .keep_dim = keep ? keep : "none" }));
    }
    json_decref(root);
}

/* ---- what is refused ---- */

#define REFUSED(make, code, message)                                                               \
    do {                                                                                           \
        wg_params *w = wg_params_new(WG_F32, 1);                                                   \
        wg_graph *g = wg_graph_new();                                                              \
        wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3));                                   \
        wg_layer *l = make;                                                                        \
        const char *here = harness_site((char[64]){ 0 }, __FILE__, __LINE__);                      \
                                                                                                   \
        wg_apply(l, x);                                                                            \
        ERROR_IS(wg_graph_error(g), code, message, here);                                          \
        wg_layer_free(l);                                                                          \
        wg_graph_free(g);                                                                          \
        wg_params_free(w);                                                                         \
    } while (0)

static void refused_layers(void)
{
    static const wg_layer_class wide = { .name = "Wide", .n_in = 1, .n_out = 9 };

    REFUSED(wg_layer_new(&wide, w, "wide", NULL), WG_ELIMIT, "Wide: 9 results, wanted at most 8");
    REFUSED(wg_fully_connected(w, "fc", (wg_fc_hyper){ 0 }), WG_EARG,
            "FullyConnected: n_out is 0, wanted at least 1");
    REFUSED(wg_fully_connected(w, "", (wg_fc_hyper){ .n_out = 1 }), WG_ENAME,
            "FullyConnected: the layer's name is empty");
    REFUSED(wg_fully_connected(NULL, "fc", (wg_fc_hyper){ .n_out = 1 }), WG_EARG,
            "FullyConnected: the store is NULL");
    REFUSED(wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = 1, .init = "ones!" }), WG_ENAME,
            "init_fill: unknown initialiser \"ones!\", nearest is \"ones\": known are zeros, ones, "
            "he_uniform, "
            "he_normal, glorot_uniform, "
            "glorot_normal, std_normal, trunc_normal");
    REFUSED(wg_conv2d_layer(w, "c", (wg_conv2d_hyper){ .out_ch = 2 }), WG_EARG,
            "Conv2D: out_ch 2 and kernel_shape (0, 0) must be at least 1");
    REFUSED(wg_conv2d_layer(w, "c", (wg_conv2d_hyper){ .out_ch = 2, .kernel_shape = { 3, 3 } }),
            WG_ESHAPE, "Conv2D: the input is f32[2 x 3], wanted [n, rows, cols, in_ch]");
    REFUSED(wg_pool2d(w, "p", (wg_pool2d_hyper){ .kernel_shape = { 2, 2 }, .mode = "median" }),
            WG_ENAME, "Pool2D: unknown mode \"median\": known are max and average");
    REFUSED(wg_flatten(w, "f", (wg_flatten_hyper){ .keep_dim = "second" }), WG_ENAME,
            "Flatten: unknown keep_dim \"second\": known are first, last, none");
    REFUSED(NULL, WG_EARG, "apply: the layer is NULL");
}

/* Two layers of one path would fight over one entry. */
static void one_path_twice(void)
{
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3));
    wg_layer *a = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = 3 });
    wg_layer *b = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = 3 });

    wg_apply(a, x);
    NO_ERROR(wg_graph_error(g));
    wg_apply(b, x);
    REQUIRE(wg_graph_error(g) != NULL);
    EQ_INT(wg_graph_error(g)->code, WG_ENAME);
    CHECK(strstr(wg_graph_error(g)->text, "fc/W") != NULL);
    wg_layer_free(a);
    wg_layer_free(b);
    wg_graph_free(g);
    wg_params_free(w);
}

/* ---- a layer of one's own ---- */

/* y = act(x) - mean, with a running mean of all batches; `width` is learned from the first. */
typedef struct {
    const char *act_fn;
    int64_t width;
} centre_hyper;

static const wg_field centre_fields[] = { WG_FIELD_STR(centre_hyper, act_fn, "Tanh"),
                                          WG_FIELD(centre_hyper, width), WG_FIELDS_END };

static bool centre_make(wg_layer *l)
{
    return wg_layer_knows(l, ((const centre_hyper *)wg_layer_hyper(l))->act_fn, "zeros");
}

static bool centre_init(wg_layer *l, int n, const wg_type *const *x)
{
    centre_hyper *h = wg_layer_change_hyper(l);

    h->width = x[n - 1]->shape.dim[1];
    return wg_layer_param(l, "mean", WG_SHAPE(h->width), false, "zeros", NULL);
}

static wg_tensor *centre_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    wg_tensor *y = wg_act(((const centre_hyper *)wg_layer_hyper(l))->act_fn, x[n - 1]),
              *mean = wg_layer_pending(l, wg_tensor_graph(y), "mean");

    if (wg_layer_trains(l, wg_tensor_graph(y)))
        mean = wg_layer_assign(l, wg_add(mean, wg_mean(y, WG_AXES(0), false)), "mean");
    return wg_sub(y, mean);
}

static const wg_layer_class centre = { .name = "Centre",
                                       .hyper_size = sizeof(centre_hyper),
                                       .hyper = centre_fields,
                                       .n_in = 1,
                                       .make = centre_make,
                                       .init = centre_init,
                                       .apply = centre_apply };

/* Runs the layer, used twice, on a batch of 1 and 3 and on one of 5 and 7; the running mean then. */
static double centred(wg_mode mode, bool frozen, double y[2])
{
    double x[2] = { 1, 3 }, more[2] = { 5, 7 }, mean;
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_layer_new(&centre, w, "c", &(centre_hyper){ .act_fn = "Identity" });
    wg_plan *p;

    if (frozen) wg_layer_freeze(l);
    CHECK(wg_layer_store(l) == w);
    wg_begin(g, "f", mode);
    wg_apply(l, wg_input(g, "x", WG_F64, WG_SHAPE(1, 1)));
    wg_output("y", wg_apply(l, wg_input(g, "more", WG_F64, WG_SHAPE(1, 1))));
    wg_end(g);
    p = wg_plan_new(g, w, "f", NULL);
    NO_ERROR(wg_graph_error(g));
    EQ_INT(((const centre_hyper *)wg_layer_hyper(l))->width, 1);
    for (int i = 0; i < 2 && p; i++) {
        wg_plan_feed(p, "x", WG_F64_ARRAY(x, 2, 1));
        wg_plan_feed(p, "more", WG_F64_ARRAY(more, 2, 1));
        if (CHECK(wg_plan_run(p) == WG_OK)) memcpy(y, wg_plan_value(p, "y")->data, sizeof x);
    }
    mean = *(double *)wg_layer_parameter(l, "mean").data;
    wg_plan_free(p);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
    return mean;
}

static void a_layer_of_ones_own(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_layer_new(&centre, w, "c", &(centre_hyper){ .act_fn = "Tan" });
    wg_error error = { .code = WG_OK };
    double y[2];

    EQ_INT(wg_layer_error(l)->code, WG_ENAME);
    wg_layer_free(l);
    wg_params_free(w);
    /* each run adds 2 and, going on from there in the second use, 6 */
    CLOSE1(centred(WG_TRAIN, false, y), 16, 0, 0);
    CLOSE(y, ((double[]){ 5 - 16.0, 7 - 16.0 }), 2, 0, 0);
    CLOSE1(centred(WG_TRAIN, true, y), 0, 0, 0);
    CLOSE(y, ((double[]){ 5, 7 }), 2, 0, 0);
    CLOSE1(centred(WG_PREDICT, false, y), 0, 0, 0);
    CHECK(wg_init_known(NULL, NULL) && wg_init_known("he_normal", NULL));
    CHECK(!wg_init_known("he_norml", &error));
    CHECK(strstr(error.text, "nearest is \"he_normal\"") != NULL);
}

TESTS(TEST(fully_connected), TEST(convolutions), TEST(pooling), TEST(flattening),
      TEST(refused_layers), TEST(one_path_twice), TEST(a_layer_of_ones_own))
