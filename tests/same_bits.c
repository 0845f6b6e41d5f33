/*
 * same_bits.c: no test of its own: it prints numbers that must be the same whichever compiler built
 * it and however many threads run it. .ci/run compares what the builds print. A convolutional network
 * with every kind of step (products, windows, reductions, gathers, draws) is recorded in one function
 * with its gradient, the norm of that gradient differentiated once more, and updates from both.
 */
#include <stdio.h>
#include <string.h>
#include <wengert.h>

enum { BATCH = 37, SIDE = 13, CLASSES = 10, FILTERS = 6, RUNS = 3 };

static uint64_t hash(const void *p, size_t n)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *)p)[i]) * UINT64_C(1099511628211);
    return h;
}

static wg_params *make_store(wg_dtype dtype)
{
    wg_params *w = wg_params_new(dtype, 11);

    wg_params_add(w, "conv/W", dtype, WG_SHAPE(3, 3, 1, FILTERS), true, NULL, NULL);
    wg_params_add(w, "conv/b", dtype, WG_SHAPE(FILTERS), true, NULL, NULL);
    wg_params_add(w, "out/W", dtype, WG_SHAPE(6 * 6 * FILTERS, CLASSES), true, NULL, NULL);
    wg_params_fill_normal(w, "conv/W", 0, 0.4, NULL);
    wg_params_fill_uniform(w, "conv/b", -0.1, 0.1, NULL);
    wg_params_fill_normal(w, "out/W", 0, 0.1, NULL);
    return w;
}

static void record(wg_graph *g, const wg_params *w, wg_dtype dtype)
{
    static const char *const names[3] = { "conv/W", "conv/b", "out/W" };
    wg_window conv = { .pad_mode = WG_PAD_SAME }, pool = { .kernel = { 2, 2 }, .stride = { 2, 2 } };
    wg_tensor *x = wg_input(g, "x", dtype, WG_SHAPE(1, SIDE, SIDE, 1));
    wg_tensor *t = wg_input(g, "t", WG_I64, WG_SHAPE(1));
    wg_tensor *weight[3], *d[3], *second[3], *h, *scores, *loss, *slope;

    for (int i = 0; i < 3; i++) weight[i] = wg_param_leaf(g, w, names[i]);
    wg_begin(g, "train", WG_TRAIN);
    h = wg_tanh(wg_add(wg_conv2d(x, weight[0], conv), weight[1]));
    h = wg_max_pool2d(h, pool);
    h = wg_mul(h, wg_bernoulli_like(h, "mask", 0.8));
    h = wg_reshape(h, WG_SHAPE(0, -1));
    scores = wg_matmul(h, weight[2]);
    loss = wg_sub(wg_logsumexp(scores, WG_AXES(1), true),
                  wg_take_along_axis(scores, wg_unsqueeze(t, WG_AXES(1)), 1));
    loss = wg_output("loss", wg_mean(loss, WG_ALL_AXES, false));
    wg_grad(loss, 3, weight, d);
    slope = wg_scalar_like(loss, 0);
    for (int i = 0; i < 3; i++) slope = wg_add(slope, wg_sum(wg_square(d[i]), WG_ALL_AXES, false));
    wg_output("slope", slope);
    wg_grad(slope, 3, weight, second);
    for (int i = 0; i < 3; i++) {
        wg_tensor *step = wg_add(d[i], wg_mul(second[i], wg_scalar_like(second[i], 0.01)));

        wg_update(names[i], wg_sub(weight[i], wg_mul(step, wg_scalar_like(step, 0.1))));
    }
    wg_end(g);
}

/* Bits of every output and of the whole store after a few runs. */
static int run(wg_dtype dtype, int threads)
{
    static double x64[BATCH * SIDE * SIDE];
    static float x32[BATCH * SIDE * SIDE];
    static int64_t t[BATCH];
    wg_plan_options options = { .threads = threads, .grain = 64 };
    wg_params *w = make_store(dtype);
    wg_graph *g = wg_graph_new();
    wg_error error = { 0 };
    wg_plan *p;
    char *text;
    size_t length;
    int bad = 0;

    wg_random_normal(1, 2, 3, 0, BATCH * SIDE * SIDE, WG_F64, x64);
    for (int i = 0; i < BATCH * SIDE * SIDE; i++) x32[i] = (float)x64[i];
    for (int i = 0; i < BATCH; i++) t[i] = i * 7 % CLASSES;
    record(g, w, dtype);
    p = wg_plan_new(g, w, "train", &options);
    if (!p) {
        wg_error_print(wg_graph_error(g), stderr);
        return 1;
    }
    wg_plan_feed(p, "x",
                 wg_array_of(dtype, WG_SHAPE(BATCH, SIDE, SIDE, 1),
                             dtype == WG_F64 ? (const void *)x64 : x32));
    wg_plan_feed(p, "t", WG_I64_ARRAY(t, BATCH));
    for (int i = 0; i < RUNS; i++) {
        if (wg_plan_run(p) != WG_OK) {
            wg_error_print(wg_plan_error(p), stderr);
            return 1;
        }
        printf("%s run %d: loss %a, slope %a\n", wg_dtype_name(dtype), i,
               wg_item(wg_plan_value(p, "loss")), wg_item(wg_plan_value(p, "slope")));
    }
    for (int i = 0; i < wg_params_count(w); i++) {
        const wg_param *q = wg_params_at(w, i);

        printf("%s %016llx\n", q->name,
               (unsigned long long)hash(q->value.data, (size_t)wg_type_bytes(&q->value.type)));
    }
    if (wg_save_text(g, w, NULL, &text, &length, &error) == WG_OK) {
        printf("saved as %zu bytes, %016llx\n", length, (unsigned long long)hash(text, length));
        wg_free(text);
    } else {
        wg_error_print(&error, stderr);
        bad = 1;
    }
    wg_plan_free(p);
    wg_graph_free(g);
    wg_params_free(w);
    return bad;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 && strcmp(argv[1], "1") == 0 ? 1 : 2;

    return run(WG_F32, threads) || run(WG_F64, threads);
}
