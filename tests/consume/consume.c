/*
 * consume.c: a program outside of the tree, compiled against the installed library, as C11 and as
 * C++17. A small convolutional network learns to tell upright bars from level ones; it is saved,
 * loaded, and both copies train on with the same losses. Exit status 0 when all of that holds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wengert.h>

enum { IMAGES = 32, SIDE = 6, CHANNELS = 4 };

/* A bar of ones in one row or column of each image, and which of the two it is. */
static void make_bars(float *x, float *t)
{
    unsigned state = 1;

    memset(x, 0, IMAGES * SIDE * SIDE * sizeof *x);
    for (int k = 0; k < IMAGES; k++) {
        int upright = k % 2, at;

        state = state * 1664525u + 1013904223u;
        at = (int)(state >> 16) % SIDE;
        for (int i = 0; i < SIDE; i++) {
            int row = upright ? i : at, column = upright ? at : i;

            x[(k * SIDE + row) * SIDE + column] = 1;
        }
        t[2 * k] = (float)!upright;
        t[2 * k + 1] = (float)upright;
    }
}

static bool make_store(wg_params *w, wg_error *error)
{
    return wg_params_add(w, "conv/W", WG_F32, WG_SHAPE(3, 3, 1, CHANNELS), true, NULL, error) ==
               WG_OK &&
           wg_params_add(w, "out/W", WG_F32, WG_SHAPE(CHANNELS, 2), true, NULL, error) == WG_OK &&
           wg_params_add(w, "out/b", WG_F32, WG_SHAPE(2), true, NULL, error) == WG_OK &&
           wg_params_fill_normal(w, "conv/W", 0, 0.5, error) == WG_OK &&
           wg_params_fill_normal(w, "out/W", 0, 0.5, error) == WG_OK;
}

/* Recorded with one image; any number may be fed. */
static void record(wg_graph *g, const wg_params *w)
{
    static const char *const names[3] = { "conv/W", "out/W", "out/b" };
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(1, SIDE, SIDE, 1));
    wg_tensor *t = wg_input(g, "t", WG_F32, WG_SHAPE(1, 2));
    wg_tensor *weight[3], *gradient[3], *h, *scores, *loss;
    wg_window window;

    memset(&window, 0, sizeof window);
    window.stride[0] = window.stride[1] = 1;
    window.pad_mode = WG_PAD_SAME;
    for (int i = 0; i < 3; i++) weight[i] = wg_param_leaf(g, w, names[i]);

    wg_begin(g, "train", WG_TRAIN);
    h = wg_relu(wg_conv2d(x, weight[0], window));
    h = wg_reshape(wg_mean(h, WG_AXES(1, 2), true), WG_SHAPE(0, -1));
    scores = wg_output("scores", wg_add(wg_matmul(h, weight[1]), weight[2]));
    loss = wg_neg(wg_mean(wg_sum(wg_mul(t, wg_log_softmax(scores, -1)), WG_AXES(-1), false),
                          WG_ALL_AXES, false));
    wg_output("loss", loss);
    wg_grad(loss, 3, weight, gradient);
    for (int i = 0; i < 3; i++)
        wg_update(names[i], wg_sub(weight[i], wg_mul(gradient[i], wg_scalar_like(gradient[i], 2))));
    wg_end(g);
}

/* The loss of one step; -1 after printing the error. */
static double step(wg_plan *p)
{
    if (wg_plan_run(p) == WG_OK) return wg_item(wg_plan_value(p, "loss"));
    wg_error_print(wg_plan_error(p), stderr);
    return -1;
}

static wg_plan *make_plan(wg_graph *g, wg_params *w, const float *x, const float *t)
{
    wg_plan *p = wg_plan_new(g, w, "train", NULL);

    if (!p) {
        wg_error_print(wg_graph_error(g), stderr);
        return NULL;
    }
    wg_plan_feed(p, "x", WG_F32_ARRAY(x, IMAGES, SIDE, SIDE, 1));
    wg_plan_feed(p, "t", WG_F32_ARRAY(t, IMAGES, 2));
    return p;
}

/* A mistake is an error that names this file, and nothing else happens. */
static bool reports_mistakes(void)
{
    wg_graph *g = wg_graph_new();
    const wg_error *error;
    bool good;

    wg_matmul(wg_input(g, "a", WG_F32, WG_SHAPE(2, 3)), wg_input(g, "b", WG_F32, WG_SHAPE(4, 5)));
    error = wg_graph_error(g);
    good = error && error->code == WG_ESHAPE && error->site && strstr(error->site, "consume.c:");
    wg_graph_free(g);
    return good;
}

static int fail(const char *what)
{
    fprintf(stderr, "consume: %s\n", what);
    return 1;
}

int main(void)
{
    static float x[IMAGES * SIDE * SIDE], t[IMAGES * 2];
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_graph *g = wg_graph_new();
    wg_error error;
    wg_program again;
    wg_plan *plan, *other;
    double first, last = 0;
    char *text = NULL;
    size_t length = 0;

    memset(&error, 0, sizeof error);
    make_bars(x, t);
    if (!make_store(w, &error)) {
        wg_error_print(&error, stderr);
        return fail("no store");
    }
    record(g, w);
    plan = make_plan(g, w, x, t);
    if (!plan) return fail("no plan");
    first = step(plan);
    for (int i = 0; i < 200; i++) last = step(plan);
    printf("%s: loss %.4f to %.4f\n", wg_version(), first, last);
    if (!(first > 0 && last >= 0 && last < 0.1 * first)) return fail("it does not learn");

    if (wg_save_text(g, w, NULL, &text, &length, &error) != WG_OK ||
        wg_load_text(text, length, NULL, &again, &error) != WG_OK) {
        wg_error_print(&error, stderr);
        return fail("not saved and loaded");
    }
    other = make_plan(again.graph, again.params, x, t);
    if (!other) return fail("no plan of the loaded program");
    for (int i = 0; i < 5; i++)
        if (step(plan) != step(other)) return fail("the loaded program trains differently");
    if (!reports_mistakes()) return fail("a mistake is not reported");

    wg_plan_free(other);
    wg_plan_free(plan);
    wg_program_free(&again);
    wg_free(text);
    wg_graph_free(g);
    wg_params_free(w);
    return 0;
}
