/*
 * scale.c: how cost grows. One JSON line a point, {"what", "x", "seconds"}: seconds of recording,
 * of differentiating, of compiling with the first run, and of a run, by the number of entries of a
 * chain (0.9 sin over and over, of one number, with its gradient, both held against the formula);
 * seconds of a training step of dense tanh layers by batch, by depth, and of a recurrent layer by
 * length. Medians of S seconds of repetitions a point, of at least three. Entries are those
 * recorded; the gradient adds to them.
 *     scale [--seconds S] [--entries N]
 */
#define _POSIX_C_SOURCE 199309L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wengert.h>

#include "timing.h"

enum { MOST = 1000 };

static double budget = 0.3;

static double median(double *times, int n)
{
    qsort(times, (size_t)n, sizeof *times, by_size);
    return times[n / 2];
}

static void point(const char *what, int64_t x, double seconds)
{
    printf("{\"what\": \"%s\", \"x\": %lld, \"seconds\": %.9g}\n", what, (long long)x, seconds);
    fflush(stdout);
}

static bool said(const wg_error *e)
{
    wg_error_print(e, stderr);
    return false;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b) + 1e-300;
}

/* ---- entries ---- */

static bool chain(int64_t n)
{
    static double times[4][MOST];
    double first = 1.25, value = first, slope = 1, start = now();
    int rounds = 0;

    for (int64_t i = 0; i < n / 2; i++) {
        slope *= 0.9 * cos(value);
        value = 0.9 * sin(value);
    }
    for (; rounds < 3 || (rounds < MOST && now() - start < budget); rounds++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE_SCALAR), *f = wg_scalar(g, WG_F64, 0.9),
                  *y = x, *d;
        wg_error error = { .code = WG_OK };
        double t = now();
        wg_plan *p;
        bool ok;

        for (int64_t i = 0; i < n / 2; i++) y = wg_mul(wg_sin(y), f);
        times[0][rounds] = now() - t;
        t = now();
        d = wg_grad1(y, x);
        times[1][rounds] = now() - t;
        t = now();
        p = wg_plan_of(2, (wg_tensor *[]){ y, d }, NULL, &(wg_plan_options){ .threads = 1 },
                       &error);
        if (!p) return said(&error);
        ok = wg_plan_feed(p, "x", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &first)) == WG_OK &&
             wg_plan_run(p) == WG_OK;
        times[2][rounds] = now() - t;
        t = now();
        ok = ok && wg_plan_run(p) == WG_OK;
        times[3][rounds] = now() - t;
        if (!ok) return said(wg_plan_error(p));
        ok = near(wg_item(wg_plan_value_at(p, 0)), value) &&
             near(wg_item(wg_plan_value_at(p, 1)), slope);
        wg_plan_free(p);
        wg_graph_free(g);
        if (!ok) {
            fprintf(stderr, "scale: %lld entries have a wrong value or slope\n", (long long)n);
            return false;
        }
    }
    point("record", n, median(times[0], rounds));
    point("differentiate", n, median(times[1], rounds));
    point("compile and run once", n, median(times[2], rounds));
    point("run", n, median(times[3], rounds));
    return true;
}

/* ---- training steps ---- */

/* The mean square of y, made from x of this shape, made less by gradient descent. */
static bool step(const char *what, int64_t at, wg_shape shape,
                 wg_tensor *(*model)(wg_params *w, wg_layer **layer, int64_t n, wg_tensor *x),
                 int64_t n)
{
    static double times[MOST];
    wg_graph *g = wg_graph_new();
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_layer **layer = calloc((size_t)n + 1, sizeof *layer);
    float *data = malloc((size_t)wg_shape_count(&shape) * sizeof *data);
    wg_error error = { .code = WG_OK };
    wg_optim *sgd = wg_optim_from_text(w, "sgd", "SGD(lr=1e-6)", &error);
    int rounds = 0;
    wg_tensor *y;
    wg_plan *p;
    bool ok;

    wg_random_normal(1, 2, 0, 0, wg_shape_count(&shape), WG_F32, data);
    wg_begin(g, "step", WG_TRAIN);
    y = model(w, layer, n, wg_input(g, "x", WG_F32, shape));
    wg_minimize(sgd, wg_output("loss", wg_mean(wg_square(y), WG_ALL_AXES, false)));
    wg_end(g);
    p = wg_plan_new_error(g, w, "step", &(wg_plan_options){ .threads = 1 }, &error);
    ok = p && wg_plan_feed(p, "x", wg_array_of(WG_F32, shape, data)) == WG_OK &&
         wg_plan_run(p) == WG_OK && wg_plan_run(p) == WG_OK;
    for (double start = now(); ok && (rounds < 3 || (rounds < MOST && now() - start < budget));
         rounds++) {
        double t = now();

        ok = wg_plan_run(p) == WG_OK;
        times[rounds] = now() - t;
    }
    if (ok) point(what, at, median(times, rounds));
    else said(p ? wg_plan_error(p) : &error);
    wg_plan_free(p);
    wg_optim_free(sgd);
    for (int64_t i = 0; i <= n; i++) wg_layer_free(layer[i]);
    wg_graph_free(g);
    wg_params_free(w);
    free(layer);
    free(data);
    return ok;
}

static wg_tensor *dense(wg_params *w, wg_layer **layer, int64_t n, wg_tensor *x)
{
    for (int64_t i = 0; i < n; i++) {
        char name[24];

        snprintf(name, sizeof name, "fc%lld", (long long)i);
        layer[i] = wg_fully_connected(w, name, (wg_fc_hyper){ .n_out = 64, .act_fn = "Tanh" });
        x = wg_apply(layer[i], x);
    }
    return x;
}

static wg_tensor *recurrent(wg_params *w, wg_layer **layer, int64_t n, wg_tensor *x)
{
    (void)n;
    layer[0] = wg_lstm(w, "lstm", (wg_lstm_hyper){ .n_out = 32 });
    return wg_apply(layer[0], x);
}

int main(int argc, char **argv)
{
    int64_t most = 1000000;
    bool ok = true;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--seconds") && i + 1 < argc) budget = atof(argv[++i]);
        else if (!strcmp(argv[i], "--entries") && i + 1 < argc) most = atoll(argv[++i]);
        else {
            fprintf(stderr, "usage: scale [--seconds S] [--entries N]\n");
            return 2;
        }
    }
    for (int64_t n = 1000; n <= most && ok; n *= 10) {
        ok = chain(n);
        if (ok && n * 3 < most) ok = chain(n * 3);
    }
    for (int64_t n = 8; n <= 4096 && ok; n *= 2)
        ok = step("step by batch", n, WG_SHAPE(n, 64), dense, 4);
    for (int64_t n = 2; n <= 1024 && ok; n *= 2)
        ok = step("step by depth", n, WG_SHAPE(32, 64), dense, n);
    for (int64_t n = 4; n <= 1024 && ok; n *= 2)
        ok = step("step by length", n, WG_SHAPE(8, 32, n), recurrent, 0);
    return !ok;
}
