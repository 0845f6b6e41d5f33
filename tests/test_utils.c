/* test_utils.c: numpy-ml's utilities for arrays (tests/golden/utils). */
#include <wengert.h>
#include <wengert/op.h>
#include <wengert/utils.h>

#include "gate.h"
#include "golden_kinds.h"

static void golden(void)
{
    golden_run_file("utils", golden_kinds_utils);
}

/* y = act_fn(z + b), by the engine. */
static void activate(wg_array *z, const wg_array *b, const char *act_fn)
{
    int64_t n = wg_shape_count(&z->type.shape), out = z->type.shape.dim[z->type.shape.rank - 1];
    wg_graph *g = wg_graph_new();
    wg_tensor *y;
    wg_plan *plan;

    for (int64_t i = 0; b->data && i < n; i++)
        ((double *)z->data)[i] += ((double *)b->data)[i % out];
    y = wg_act(act_fn, wg_constant(g, *z));
    plan = wg_plan_of(1, &y, NULL, NULL, NULL);
    if (CHECK(plan && wg_plan_run(plan) == WG_OK))
        memcpy(z->data, wg_plan_value_at(plan, 0)->data, (size_t)n * sizeof(double));
    wg_plan_free(plan);
    wg_graph_free(g);
}

typedef wg_status convolve_fn(wg_array X, wg_array W, int64_t stride, wg_padding pad,
                              int64_t dilation, wg_array *Z, wg_error *error);

/* The goldens of a layer through the functions for arrays. */
static void layer_golden(const char *file, convolve_fn *convolve)
{
    CASES(file, c)
    {
        wg_array X = golden_array(c, "inputs", "X"), W = golden_array(c, "parameters", "W"),
                 b = golden_array(c, "parameters", "b"), want = golden_array(c, "outputs", "Y"), Y;
        const json_t *pad = golden_hyper(c, "pad");
        wg_padding p = wg_padding_all(json_integer_value(pad));
        wg_error error = { 0 };

        if (json_is_string(pad))
            p = json_string_value(pad)[0] == 's' ? wg_padding_same() : wg_padding_causal();
        if (json_is_array(pad)) {
            p.n = (int)json_array_size(pad);
            for (int i = 0; i < p.n; i++)
                p.v[i] = json_integer_value(json_array_get(pad, (size_t)i));
        }
        convolve(X, W, (int64_t)golden_number(c, "stride", 1), p,
                 (int64_t)golden_number(c, "dilation", 0), &Y, &error);
        NO_ERROR(&error);
        if (CHECK(Y.data != NULL)) {
            activate(&Y, &b, golden_string(c, "act_fn"));
            GOLDEN_CLOSE(&Y, &want, 1e-9, "Y", c);
        }
        wg_free(Y.data);
        free(X.data);
        free(W.data);
        free(b.data);
        free(want.data);
    }
    json_decref(root);
}

static void golden_layers(void)
{
    layer_golden("layer_deconv2d", wg_deconv2d_naive);
    layer_golden("layer_conv2d", wg_conv2d_naive);
    layer_golden("layer_conv2d", wg_conv2d_array);
    layer_golden("layer_conv1d", wg_conv1d_array);
}

/* ---- properties over many geometries ---- */

typedef struct {
    int64_t n, rows, cols, in, out, krows, kcols, stride, dilation;
    wg_padding pad;
} geometry;

static int64_t pick(uint64_t run, int64_t i, int64_t lo, int64_t hi)
{
    double u;

    wg_random_uniform(11, wg_random_key("utils"), run, i, 1, WG_F64, &u);
    return lo + (int64_t)(u * (double)(hi - lo + 1));
}

static geometry draw(uint64_t run)
{
    geometry g = { pick(run, 0, 1, 3), pick(run, 1, 1, 7), pick(run, 2, 1, 7), pick(run, 3, 1, 3),
                   pick(run, 4, 1, 4), pick(run, 5, 1, 4), pick(run, 6, 1, 4), pick(run, 7, 1, 3),
                   pick(run, 8, 0, 2), wg_padding_same() };

    switch (pick(run, 9, 0, 3)) {
    case 0:
        g.pad = wg_padding_all(pick(run, 10, 0, 3));
        break;
    case 1:
        g.pad = wg_padding_two(pick(run, 10, 0, 3), pick(run, 11, 0, 3));
        break;
    case 2:
        g.pad = wg_padding_four(pick(run, 10, 0, 3), pick(run, 11, 0, 3), pick(run, 12, 0, 3),
                                pick(run, 13, 0, 3));
        break;
    default:
        break;
    }
    return g;
}

static wg_array random_array(uint64_t run, const char *key, wg_dtype dtype, wg_shape s)
{
    wg_array a = wg_array_of(dtype, s, calloc((size_t)wg_shape_count(&s), 8));

    wg_random_normal(5, wg_random_key(key), run, 0, wg_shape_count(&s), dtype, a.data);
    return a;
}

static double dot(const wg_array *a, const wg_array *b)
{
    double sum = 0;

    for (int64_t i = 0; i < wg_shape_count(&a->type.shape); i++)
        sum += ((double *)a->data)[i] * ((double *)b->data)[i];
    return sum;
}

/* conv2D agrees with the naive one and with im2col's columns times W's; deconv2D is the adjoint in
 * X of a convolution with W's channels exchanged; col2im is the adjoint of im2col. */
static void random_geometries(void)
{
    int fits = 0, refused = 0;

    for (uint64_t run = 0; run < 300; run++) {
        geometry g = draw(run);
        wg_shape Xs = WG_SHAPE(g.n, g.rows, g.cols, g.in),
                 Ws = WG_SHAPE(g.krows, g.kcols, g.in, g.out), Zs;
        wg_array X = random_array(run, "X", WG_F64, Xs), W = random_array(run, "W", WG_F64, Ws);
        wg_array Z, N, C, R, B;
        int64_t p[4], windows;
        wg_error error = { 0 };

        if (wg_calc_conv_out_dims(&Xs, &Ws, g.stride, g.pad, g.dilation, &Zs, NULL) != WG_OK) {
            refused++;
            EQ_INT(wg_conv2d_array(X, W, g.stride, g.pad, g.dilation, &Z, NULL), WG_ESHAPE);
            EQ_INT(wg_conv2d_naive(X, W, g.stride, g.pad, g.dilation, &N, NULL), WG_ESHAPE);
            EQ_INT(wg_im2col_array(X, &Ws, g.pad, g.stride, g.dilation, &C, p, NULL), WG_ESHAPE);
            CHECK(!Z.data && !N.data && !C.data);
            free(X.data);
            free(W.data);
            continue;
        }
        fits++;
        wg_conv2d_array(X, W, g.stride, g.pad, g.dilation, &Z, &error);
        wg_conv2d_naive(X, W, g.stride, g.pad, g.dilation, &N, &error);
        wg_im2col_array(X, &Ws, g.pad, g.stride, g.dilation, &C, p, &error);
        NO_ERROR(&error);
        REQUIRE(Z.data && N.data && C.data);
        CHECK(wg_shape_equal(&Z.type.shape, &Zs) && wg_shape_equal(&N.type.shape, &Zs));
        CLOSE((double *)Z.data, (double *)N.data, wg_shape_count(&Zs), 1e-13, 1e-13);
        if (g.pad.mode == WG_PAD_SAME) CHECK(Zs.dim[1] == g.rows && Zs.dim[2] == g.cols);
        windows = Zs.dim[1] * Zs.dim[2] * g.n;
        EQ_INT(C.type.shape.dim[0], g.krows * g.kcols * g.in);
        EQ_INT(C.type.shape.dim[1], windows);
        for (int64_t at = 0; at < windows * g.out; at++) {
            int64_t q = at % g.out, i = at / g.out / (Zs.dim[1] * Zs.dim[2]),
                    op = at / g.out % (Zs.dim[1] * Zs.dim[2]);
            double sum = 0;

            for (int64_t m = 0; m < g.in; m++)
                for (int64_t k = 0; k < g.krows * g.kcols; k++)
                    sum +=
                        ((double *)C.data)[(m * g.krows * g.kcols + k) * windows + op * g.n + i] *
                        ((double *)W.data)[(k * g.in + m) * g.out + q];
            if (fabs(sum - ((double *)Z.data)[at]) > 1e-12) CHECK(!"im2col and conv2D differ");
        }
        R = random_array(run, "R", WG_F64, C.type.shape);
        wg_col2im_array(R, &Xs, &Ws, wg_padding_four(p[0], p[1], p[2], p[3]), g.stride, g.dilation,
                        &B, &error);
        NO_ERROR(&error);
        if (CHECK(B.data != NULL)) CLOSE1(dot(&R, &C), dot(&B, &X), 1e-11, 1e-11);
        wg_free(B.data);
        wg_free(Z.data);
        wg_free(N.data);
        wg_free(C.data);
        free(R.data);
        free(X.data);
        free(W.data);
    }
    CHECK(fits > 150 && refused > 10);
}

/* <deconv2D(X, W), Z> = <X, conv2D(Z, W with its channels exchanged)>. */
static void deconv2d_is_the_adjoint(void)
{
    int fits = 0;

    for (uint64_t run = 0; run < 200; run++) {
        geometry g = draw(run);
        wg_array X = random_array(run, "X", WG_F64, WG_SHAPE(g.n, g.rows, g.cols, g.in)),
                 W = random_array(run, "W", WG_F64, WG_SHAPE(g.krows, g.kcols, g.in, g.out)),
                 V = random_array(run, "W", WG_F64, WG_SHAPE(g.krows, g.kcols, g.out, g.in)), Y, Z,
                 C;

        if (g.pad.mode == WG_PAD_SAME) g.pad = wg_padding_all(1);
        for (int64_t i = 0; i < g.krows * g.kcols * g.in * g.out; i++) {
            int64_t k = i / (g.in * g.out), m = i / g.out % g.in, q = i % g.out;

            ((double *)V.data)[(k * g.out + q) * g.in + m] = ((double *)W.data)[i];
        }
        if (wg_deconv2d_naive(X, W, g.stride, g.pad, g.dilation, &Y, NULL) == WG_OK) {
            fits++;
            Z = random_array(run, "Z", WG_F64, Y.type.shape);
            EQ_INT(wg_conv2d_array(Z, V, g.stride, g.pad, g.dilation, &C, NULL), WG_OK);
            if (CHECK(wg_shape_equal(&C.type.shape, &X.type.shape)))
                CLOSE1(dot(&Y, &Z), dot(&X, &C), 1e-11, 1e-11);
            wg_free(C.data);
            wg_free(Y.data);
            free(Z.data);
        }
        free(X.data);
        free(W.data);
        free(V.data);
    }
    CHECK(fits > 100);
}

/* The op of the engine, recorded, gives what the array function gives. */
static void agrees_with_the_op(void)
{
    for (uint64_t run = 0; run < 20; run++) {
        geometry g = draw(run);
        wg_array X = random_array(run, "X", WG_F64, WG_SHAPE(g.n, g.rows, g.cols, g.in)),
                 W = random_array(run, "W", WG_F64, WG_SHAPE(g.krows, g.kcols, g.in, g.out)), Z;
        wg_window window = { .stride = { g.stride, g.stride },
                             .dilation = { g.dilation, g.dilation } };
        wg_graph *graph = wg_graph_new();
        wg_tensor *z;
        const wg_array *want;
        wg_error error = { 0 };
        int64_t p[4];
        wg_plan *plan;

        g.pad = wg_padding_same();
        wg_calc_pad_dims_2d(&X.type.shape, (int64_t[]){ g.rows, g.cols },
                            (int64_t[]){ g.krows, g.kcols }, g.stride, g.dilation, p, &error);
        for (int i = 0; i < 4; i++) window.pad[i] = p[i];
        z = wg_conv2d(wg_constant(graph, X), wg_constant(graph, W), window);
        plan = wg_plan_of(1, &z, NULL, NULL, NULL);
        wg_conv2d_array(X, W, g.stride, g.pad, g.dilation, &Z, &error);
        NO_ERROR(&error);
        if (CHECK(plan && wg_plan_run(plan) == WG_OK)) {
            want = wg_plan_value_at(plan, 0);
            if (CHECK(Z.data && want)) GOLDEN_CLOSE(&Z, want, 1e-13, "conv2D", NULL);
        }
        wg_plan_free(plan);
        wg_graph_free(graph);
        wg_free(Z.data);
        free(X.data);
        free(W.data);
    }
}

/* Sums are made in double and rounded once: the float result is the double one, rounded. */
static void float_is_rounded_double(void)
{
    geometry g = { 2, 6, 5, 3, 4, 3, 2, 1, 0, wg_padding_same() };
    wg_array X = random_array(1, "X", WG_F32, WG_SHAPE(2, 6, 5, 3)),
             W = random_array(1, "W", WG_F32, WG_SHAPE(3, 2, 3, 4)), x, w, Z, z;
    bool same = true;

    x = random_array(1, "X", WG_F64, X.type.shape);
    w = random_array(1, "W", WG_F64, W.type.shape);
    for (int i = 0; i < 180; i++) ((double *)x.data)[i] = ((float *)X.data)[i];
    for (int i = 0; i < 72; i++) ((double *)w.data)[i] = ((float *)W.data)[i];
    EQ_INT(wg_conv2d_array(X, W, 1, g.pad, 0, &Z, NULL), WG_OK);
    EQ_INT(wg_conv2d_array(x, w, 1, g.pad, 0, &z, NULL), WG_OK);
    EQ_INT(Z.type.dtype, WG_F32);
    for (int i = 0; i < 240; i++) same &= ((float *)Z.data)[i] == (float)((double *)z.data)[i];
    CHECK(same);
    wg_free(Z.data);
    wg_free(z.data);
    free(X.data);
    free(W.data);
    free(x.data);
    free(w.data);
}

/* Padding, dilation and windows take any element type. */
static void other_types(void)
{
    static const int64_t ids[] = { 1, 2, 3, 4 };
    static const bool flags[] = { true, true };
    wg_array Y;
    wg_shape W = WG_SHAPE(1, 2, 1, 1);

    EQ_INT(
        wg_pad1d_array(WG_I64_ARRAY(ids, 1, 4, 1), wg_padding_two(1, 0), 0, 0, 0, &Y, NULL, NULL),
        WG_OK);
    CLOSE((int64_t *)Y.data, ((int64_t[]){ 0, 1, 2, 3, 4 }), 5, 0, 0);
    wg_free(Y.data);
    EQ_INT(wg_dilate_array(WG_BOOL_ARRAY(flags, 1, 2, 1, 1), 1, &Y, NULL), WG_OK);
    SAME_BITS(Y.data, ((bool[]){ true, false, true }), 3);
    wg_free(Y.data);
    EQ_INT(
        wg_im2col_array(WG_I64_ARRAY(ids, 1, 2, 2, 1), &W, wg_padding_all(0), 1, 0, &Y, NULL, NULL),
        WG_OK);
    CLOSE((int64_t *)Y.data, ((int64_t[]){ 1, 3, 2, 4 }), 4, 0, 0);
    wg_free(Y.data);
}

/* ---- minibatches ---- */

static void shuffled_minibatches_are_permutations(void)
{
    int64_t first[1000], again[1000], seen[1000] = { 0 };
    const int64_t *rows;

    for (int round = 0; round < 3; round++) {
        wg_minibatch *b = wg_minibatch_new(1000, 0, true, 9, round == 2, NULL);
        int64_t at = 0, n, sizes = 0;

        REQUIRE(b != NULL);
        EQ_INT(wg_minibatch_n_batches(b), 4);
        while ((n = wg_minibatch_next(b, &rows)) > 0) {
            sizes = sizes * 1000 + n;
            memcpy((round == 1 ? again : first) + at, rows, (size_t)n * sizeof *rows);
            at += n;
        }
        EQ_INT(sizes, 256256256232);
        EQ_INT(wg_minibatch_next(b, &rows), 0);
        if (round == 0)
            for (int i = 0; i < 1000; i++) seen[first[i]]++;
        if (round == 1) SAME_BITS(first, again, sizeof first);
        if (round == 2) CHECK(memcmp(first, again, sizeof first) != 0);
        CHECK(wg_minibatch_seek(b, 2) && !wg_minibatch_seek(b, 5) && !wg_minibatch_seek(b, -1));
        EQ_INT(wg_minibatch_next(b, &rows), 256);
        SAME_BITS(rows, first + 512, 256 * sizeof *rows);
        CHECK(wg_minibatch_seek(b, 4));
        EQ_INT(wg_minibatch_next(b, &rows), 0);
        wg_minibatch_free(b);
    }
    for (int i = 0; i < 1000; i++)
        if (seen[i] != 1) CHECK(!"a row is missing");
    wg_minibatch_free(NULL);
}

static void rows_are_taken(void)
{
    static const float X[] = { 1, 2, 3, 4, 5, 6 };
    float to[4];
    wg_error error = { 0 };

    EQ_INT(
        wg_take_rows(WG_F32_ARRAY(X, 3, 2), 2, (int64_t[]){ 2, 0 }, WG_F32_ARRAY(to, 2, 2), NULL),
        WG_OK);
    CLOSE(to, ((float[]){ 5, 6, 1, 2 }), 4, 0, 0);
    wg_take_rows(WG_F32_ARRAY(X, 3, 2), 2, (int64_t[]){ 1, 3 }, WG_F32_ARRAY(to, 2, 2), &error);
    ERROR_IS(&error, WG_EINDEX, "wg_take_rows: row 3 of 3", NULL);
    error.code = WG_OK;
    wg_take_rows(WG_F32_ARRAY(X, 3, 2), 2, (int64_t[]){ 1, 3 }, WG_F32_ARRAY(to, 4), &error);
    ERROR_IS(&error, WG_ESHAPE, "wg_take_rows: 2 rows of X [3 x 2] do not fill [4]", NULL);
    error.code = WG_OK;
    wg_take_rows(WG_F32_ARRAY(X, 3, 2), 1, (int64_t[]){ 1 }, WG_F64_ARRAY(to, 1, 2), &error);
    ERROR_IS(&error, WG_EDTYPE, "wg_take_rows: X is f32, the batch f64", NULL);
}

TESTS(TEST(golden), TEST(golden_layers), TEST(random_geometries), TEST(deconv2d_is_the_adjoint),
      TEST(agrees_with_the_op), TEST(float_is_rounded_double), TEST(other_types),
      TEST(shuffled_minibatches_are_permutations), TEST(rows_are_taken))
