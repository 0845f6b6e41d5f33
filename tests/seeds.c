/*
 * seeds.c: no test of its own: saves a few programs and stores of every kind into the folder named, for
 * the fuzz harnesses to begin with.
 */
#include <stdio.h>
#include <wengert.h>

static int bad;

static void expect(wg_status status, const wg_error *error)
{
    if (status == WG_OK) return;
    wg_error_print(error, stderr);
    bad = 1;
}

/* Every element type, ranks 0 to 4, an extent of zero, odd names. */
static wg_params *make_store(void)
{
    wg_params *w = wg_params_new(WG_F32, 5);

    wg_params_add(w, "W", WG_F32, WG_SHAPE(3, 2), true, NULL, NULL);
    wg_params_add(w, "deep/er/b", WG_F64, WG_SHAPE(2), true, NULL, NULL);
    wg_params_add(w, "count", WG_I64, WG_SHAPE_SCALAR, false, NULL, NULL);
    wg_params_add(w, "mask", WG_BOOL, WG_SHAPE(2, 1, 2, 1), false, NULL, NULL);
    wg_params_add(w, "empty", WG_F32, WG_SHAPE(0, 7), false, NULL, NULL);
    wg_params_add(w, "a \"name\" \\ with \xc3\xa4 in it", WG_F32, WG_SHAPE(1), true, NULL, NULL);
    wg_params_fill_normal(w, "W", 0, 1, NULL);
    wg_params_fill_uniform(w, "deep/er/b", -1, 1, NULL);
    return w;
}

/* Two functions with outputs, updates, scopes, names, draws and a constant. */
static wg_graph *make_graph(const wg_params *w)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(4, 3));
    wg_tensor *weight = wg_param_leaf(g, w, "W"), *y, *loss;
    wg_tensor *shift = wg_constant(g, WG_F32_ARRAY(((const float[]){ 0.5f, -1.5f }), 2));

    wg_begin(g, "train", WG_TRAIN);
    wg_scope_begin(g, "layer");
    y = wg_name(wg_tanh(wg_add(wg_matmul(x, weight), shift)), "y");
    wg_scope_end(g);
    y = wg_mul(y, wg_bernoulli_like(y, "mask", 0.9));
    loss = wg_output("loss", wg_mean(wg_square(y), WG_ALL_AXES, false));
    wg_update("W", wg_sub(weight, wg_mul(wg_grad1(loss, weight), wg_scalar(g, WG_F32, 0.1))));
    wg_end(g);
    wg_begin(g, "predict", WG_PREDICT);
    y = wg_reshape(wg_matmul(x, weight), WG_SHAPE(0, 2, -1));
    wg_output("kind", wg_argmax(wg_max(y, WG_AXES(-1), false), -1, false));
    wg_output("rows", wg_slice_axis(wg_flip(y, WG_AXES(0, 1)), 0, 0, 3, 2));
    wg_end(g);
    wg_metadata_set(g, "author", "nobody");
    return g;
}

/* Windows with all their numbers, and i64 beside real numbers. */
static wg_graph *make_images(void)
{
    wg_graph *g = wg_graph_new();
    wg_window window = { .kernel = { 2, 2 }, .stride = { 2, 1 }, .pad = { 1, 0, 0, 1 } };
    wg_tensor *x = wg_input(g, "image", WG_F64, WG_SHAPE(1, 5, 4, 2));
    wg_tensor *k = wg_parameter(g, "K", WG_F64, WG_SHAPE(2, 2, 2, 3));
    wg_tensor *at = wg_input(g, "at", WG_I64, WG_SHAPE(2));

    wg_begin(g, "look", WG_PREDICT);
    x = wg_max_pool2d(wg_conv2d(x, k, window), window);
    wg_output("picked", wg_gather(wg_softmax(wg_collapse(x, 1, -1), -1), at, 1));
    wg_output("far", wg_where(wg_gt(x, wg_scalar_like(x, 0)), x, wg_exp(x)));
    wg_end(g);
    return g;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    wg_error error = { 0 };
    wg_params *w = make_store(), *k = wg_params_new(WG_F64, 6);
    wg_graph *g = make_graph(w), *images = make_images();
    wg_save_options aside = { .inline_bytes = -1 },
                    one = { .function = "predict", .compact = true }, sites = { .sites = true };
    char path[1024];

    wg_params_add(k, "K", WG_F64, WG_SHAPE(2, 2, 2, 3), true, NULL, NULL);
    snprintf(path, sizeof path, "%s/inline.json", folder);
    expect(wg_save(path, g, w, &sites, &error), &error);
    snprintf(path, sizeof path, "%s/aside.json", folder);
    expect(wg_save(path, g, w, &aside, &error), &error);
    snprintf(path, sizeof path, "%s/pruned.json", folder);
    expect(wg_save(path, g, w, &one, &error), &error);
    snprintf(path, sizeof path, "%s/images.json", folder);
    expect(wg_save(path, images, k, NULL, &error), &error);
    snprintf(path, sizeof path, "%s/store.safetensors", folder);
    expect(wg_params_save(path, w, NULL, &error), &error);
    snprintf(path, sizeof path, "%s/below.safetensors", folder);
    expect(wg_params_save(path, w, "deep", &error), &error);
    snprintf(path, sizeof path, "%s/fresh.safetensors", folder);
    expect(wg_params_save(path, k, NULL, &error), &error);

    wg_graph_free(images);
    wg_graph_free(g);
    wg_params_free(k);
    wg_params_free(w);
    return bad;
}
