/*
 * command_models.c: small saved programs that the tests of the command work on.
 *
 *     command_models FOLDER
 *
 * xor.json     two dense layers and Adam
 * conv.json    a convolution, rectified units, class indices; with call sites
 * dead.json    the same with a bias that leaves no rectified unit alive
 * words.json   an embedding: inputs are indices
 * nan.json     the logarithm of a number below 0 in the scope "bad"
 * bare.json    no store; inputs of every type
 * count.json   one update, no input, no output
 * wrong.json   a gradient that is not that of the loss: a tensor detached on its way
 */
#include <stdlib.h>
#include <wengert.h>

static int failed;

static void save(const char *folder, const char *name, wg_graph *g, wg_params *w, bool sites)
{
    wg_error error = { .code = WG_OK };
    char path[1000];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (wg_save(path, g, w, &(wg_save_options){ .sites = sites }, &error) != WG_OK) {
        wg_error_print(&error, stderr);
        failed = 1;
    }
    wg_graph_free(g);
    wg_params_free(w);
}

static void make_xor(const char *folder)
{
    wg_params *w = wg_params_new(WG_F32, 7);
    wg_graph *g = wg_graph_new();
    wg_layer *fc1 = wg_fully_connected(w, "fc1", (wg_fc_hyper){ .n_out = 8, .act_fn = "Tanh" });
    wg_layer *fc2 = wg_fully_connected(w, "fc2", (wg_fc_hyper){ .n_out = 1 });
    wg_optim *adam = wg_adam(w, "adam", NULL);
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(1, 2));
    wg_tensor *y = wg_input(g, "y", WG_F32, WG_SHAPE(1, 1));

    wg_begin(g, "train", WG_TRAIN);
    wg_minimize(adam, wg_output("loss", wg_squared_error(y, wg_apply(fc2, wg_apply(fc1, x)))));
    wg_end(g);
    wg_begin(g, "predict", WG_PREDICT);
    wg_output("p", wg_apply(fc2, wg_apply(fc1, x)));
    wg_end(g);
    wg_metadata_set(g, "name", "exclusive or & \"more\" <here>");
    save(folder, "xor.json", g, w, false);
    wg_optim_free(adam);
    wg_layer_free(fc1);
    wg_layer_free(fc2);
}

static void make_conv(const char *folder, const char *name, bool dead)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_graph *g = wg_graph_new();
    wg_conv2d_hyper how = {
        .out_ch = 3, .kernel_shape = { 3, 3 }, .pad_mode = WG_PAD_SAME, .act_fn = "ReLU"
    };
    wg_layer *conv = wg_conv2d_layer(w, "conv", how);
    wg_layer *flat = wg_flatten(w, "flatten", (wg_flatten_hyper){ .keep_dim = "first" });
    wg_layer *fc = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = 4 });
    wg_optim *sgd = wg_sgd(w, "sgd", NULL);
    wg_tensor *x = wg_input(g, "image", WG_F32, WG_SHAPE(1, 6, 6, 1));
    wg_tensor *label = wg_input(g, "label", WG_I64, WG_SHAPE(1));

    wg_begin(g, "train", WG_TRAIN);
    wg_minimize(sgd,
                wg_output("loss", wg_cross_entropy_index(
                                      label, wg_apply(fc, wg_apply(flat, wg_apply(conv, x))))));
    wg_end(g);
    wg_begin(g, "test", WG_PREDICT);
    wg_output("kind", wg_argmax(wg_apply(fc, wg_apply(flat, wg_apply(conv, x))), -1, false));
    wg_end(g);
    if (dead && wg_params_fill(w, "conv/b", -1000, NULL) != WG_OK) failed = 1;
    save(folder, name, g, w, true);
    wg_optim_free(sgd);
    wg_layer_free(conv);
    wg_layer_free(flat);
    wg_layer_free(fc);
}

static void make_words(const char *folder)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_graph *g = wg_graph_new();
    wg_tensor *ids = wg_input(g, "ids", WG_I64, WG_SHAPE(1, 3)), *table;

    if (wg_params_add(w, "table", WG_F64, WG_SHAPE(5, 2), true, NULL, NULL) != WG_OK ||
        wg_params_fill_normal(w, "table", 0, 1, NULL) != WG_OK)
        failed = 1;
    wg_begin(g, "score", WG_PREDICT);
    table = wg_param_leaf(g, w, "table");
    wg_output("loss", wg_sum(wg_square(wg_gather(table, ids, 0)), WG_ALL_AXES, false));
    wg_end(g);
    save(folder, "words.json", g, w, false);
}

static void make_nan(const char *folder)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 2)), *y;

    if (wg_params_add(w, "bad/W", WG_F64, WG_SHAPE(1, 2), true, NULL, NULL) != WG_OK ||
        wg_params_fill(w, "bad/W", -1, NULL) != WG_OK)
        failed = 1;
    wg_begin(g, "score", WG_PREDICT);
    wg_scope_begin(g, "bad");
    y = wg_log(wg_mul(wg_param_leaf(g, w, "bad/W"), wg_exp(x)));
    wg_scope_end(g);
    wg_output("loss", wg_sum(y, WG_ALL_AXES, false));
    wg_end(g);
    save(folder, "nan.json", g, w, false);
}

static void make_wrong(const char *folder)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 2));

    wg_begin(g, "score", WG_PREDICT);
    wg_output("loss", wg_sum(wg_mul(wg_exp(x), wg_detach(x)), WG_ALL_AXES, false));
    wg_end(g);
    save(folder, "wrong.json", g, w, false);
}

/* No store; a function of updates alone would need one. Inputs of every type, one of rank 0. */
static void make_bare(const char *folder)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE_SCALAR);
    wg_tensor *k = wg_input(g, "k", WG_I64, WG_SHAPE(2, 2));
    wg_tensor *b = wg_input(g, "b", WG_BOOL, WG_SHAPE(2, 2));

    wg_begin(g, "f", WG_PREDICT);
    wg_output("y", wg_where(b, wg_mul(wg_cast(k, WG_F64), x), x));
    wg_output("one", wg_scalar(g, WG_F64, 1));
    wg_output("loss", wg_square(x));
    wg_end(g);
    save(folder, "bare.json", g, NULL, false);
}

/* A function without inputs and outputs. */
static void make_count(const char *folder)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_graph *g = wg_graph_new();

    if (wg_params_add(w, "n", WG_I64, WG_SHAPE_SCALAR, false, NULL, NULL) != WG_OK) failed = 1;
    wg_begin(g, "count", WG_TRAIN);
    wg_update("n", wg_add(wg_param_leaf(g, w, "n"), wg_scalar(g, WG_I64, 1)));
    wg_end(g);
    save(folder, "count.json", g, w, false);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: command_models FOLDER\n");
        return 2;
    }
    make_xor(argv[1]);
    make_conv(argv[1], "conv.json", false);
    make_conv(argv[1], "dead.json", true);
    make_words(argv[1]);
    make_nan(argv[1]);
    make_wrong(argv[1]);
    make_bare(argv[1]);
    make_count(argv[1]);
    return failed;
}
