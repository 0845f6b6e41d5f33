/* test_reference_windows.c: faults of numpy-ml in convolutions, pooling and their modules, each
 * shown on the references by numbers that follow from the definition. */
#include <wengert/reference.h>

#include "harness.h"
#include "ref_slope.h"

/* ---- Conv2D, Conv1D ---- */

static const wg_ref_act tanh_act = { WG_REF_TANH, 0, 0 }, relu = { WG_REF_RELU, 0, 0 };

enum { MANY = 4000 };

/* Conv2D._backward_naive multiplies a list; here it agrees with the backward by columns. */
static void erratum_Y24_naive_backward(void)
{
    static const wg_ref_conv2d h[] = {
        { 2, 5, 6, 3, 3, 2, 2, 1, 0, { 0, 0, 0, 0 }, { WG_REF_TANH, 0, 0 } },
        { 1, 6, 5, 2, 3, 2, 2, 2, 0, { 0, 1, 2, 0 }, { WG_REF_RELU, 0, 0 } },
        { 2, 7, 8, 1, 2, 3, 3, 1, 2, { 1, 1, 1, 1 }, { WG_REF_SIGMOID, 0, 0 } },
        { 1, 4, 4, 2, 1, 1, 5, 3, 0, { 2, 0, 0, 3 }, { WG_REF_IDENTITY, 0, 0 } },
    };
    static double X[MANY], W[MANY], b[8], Z[MANY], Y[MANY], dY[MANY];
    static double dX[2][MANY], dW[2][MANY], db[2][8];

    for (size_t k = 0; k < sizeof h / sizeof h[0]; k++) {
        int64_t in = h[k].n_ex * h[k].in_rows * h[k].in_cols * h[k].in_ch;
        int64_t taps = h[k].kernel_rows * h[k].kernel_cols * h[k].in_ch * h[k].out_ch;
        int64_t out =
            h[k].n_ex * wg_ref_conv2d_rows(&h[k]) * wg_ref_conv2d_cols(&h[k]) * h[k].out_ch;

        slope_fill(in, X, 1);
        slope_fill(taps, W, 2);
        slope_fill(h[k].out_ch, b, 3);
        slope_fill(out, dY, 4);
        memset(dW, 0, sizeof dW);
        memset(db, 0, sizeof db);
        REQUIRE(wg_ref_conv2d_forward(&h[k], X, W, b, Z, Y));
        CHECK(wg_ref_conv2d_backward(&h[k], X, W, Z, dY, dX[0], dW[0], db[0]));
        CHECK(wg_ref_conv2d_backward_naive(&h[k], X, W, Z, dY, dX[1], dW[1], db[1]));
        CLOSE(dX[1], dX[0], in, 1e-13, 1e-13);
        CLOSE(dW[1], dW[0], taps, 1e-13, 1e-13);
        CLOSE(db[1], db[0], h[k].out_ch, 1e-13, 1e-13);
        CHECK(slope_dot(taps, dW[0], dW[0]) > 1e-3);
    }
}

/* A forward pass that follows is not disturbed by what was added: the second call adds as much. */
static void gradients_of_parameters_add_up(void)
{
    const wg_ref_conv1d h = { 2, 7, 3, 3, 2, 2, 1, 1, 2, tanh_act };
    static double X[42], W[18], Z[64], Y[64], dY[64], dX[42], dW[18], once[18];
    int64_t out = 2 * wg_ref_conv1d_length(&h) * 2;

    slope_fill(42, X, 1);
    slope_fill(18, W, 2);
    slope_fill(out, dY, 3);
    REQUIRE(wg_ref_conv1d_forward(&h, X, W, NULL, Z, Y));
    CHECK(wg_ref_conv1d_backward(&h, X, W, Z, dY, dX, dW, NULL));
    memcpy(once, dW, sizeof dW);
    CHECK(wg_ref_conv1d_backward(&h, X, W, Z, dY, dX, dW, NULL));
    for (int k = 0; k < 18; k++) CLOSE1(dW[k], 2 * once[k], 1e-15, 1e-15);
    CHECK(slope_dot(18, once, once) > 0);
}

/* A kernel larger than the padded input fits nowhere. */
static void erratum_U8_kernel_larger_than_input(void)
{
    const wg_ref_conv2d h = { 1, 2, 2, 1, 5, 5, 1, 1, 0, { 0, 0, 0, 0 }, relu };

    EQ_INT(wg_ref_conv2d_rows(&h), 0);
    EQ_INT(wg_ref_conv2d_cols(&h), 0);
    EQ_INT(wg_ref_conv_out(2, 0, 0, 3, 2, 0), 0);
    EQ_INT(wg_ref_conv_out(2, 1, 0, 3, 2, 0), 1);
}

/* col2im gives (n, rows, cols, ch) and is the adjoint of im2col: <im2col X, C> = <X, col2im C>. */
static void erratum_U4_col2im_axes(void)
{
    const wg_ref_conv2d h = { 2, 5, 4, 3, 2, 3, 1, 2, 1, { 1, 0, 2, 3 }, relu };
    static double X[120], X_col[MANY], C[MANY], back[120];
    int64_t n = 18 * 2 * wg_ref_conv2d_rows(&h) * wg_ref_conv2d_cols(&h);

    slope_fill(120, X, 1);
    slope_fill(n, C, 2);
    wg_ref_im2col(&h, X, X_col);
    wg_ref_col2im(&h, C, back);
    CLOSE1(slope_dot(n, X_col, C), slope_dot(120, X, back), 1e-12, 1e-12);
    /* One column entry, of channel 2 under tap (1, 0) at place (0, 1) of example 1. */
    memset(C, 0, sizeof C);
    C[((2 * 2 + 1) * 3 + 0) * (n / 18) + 1 * 2 + 1] = 1;
    wg_ref_col2im(&h, C, back);
    for (int k = 0; k < 120; k++)
        EQ_INT(back[k], k == ((1 * 5 + (0 * 2 + 1 * 2 - 1)) * 4 + (1 * 2 + 0 - 2)) * 3 + 2);
}

/* The fewest zeros that give the wanted size, none where none are needed. */
static void erratum_U2_padding_that_exists(void)
{
    int64_t before, after;

    CHECK(wg_ref_calc_pad(3, 1, 2, 2, 0, &before, &after));
    EQ_INT(before, 0);
    EQ_INT(after, 0);
    CHECK(wg_ref_calc_pad(5, 5, 4, 1, 0, &before, &after));
    EQ_INT(before, 1);
    EQ_INT(after, 2);
    CHECK(!wg_ref_calc_pad(9, 2, 2, 1, 0, &before, &after));
}

/* ---- Pool2D ---- */

/* Every window sees one element and three zeros around it: the maximum is ReLU of the element, and
 * its gradient reaches X only where that is positive. */
static void erratum_Y25_gradient_of_padded_maximum(void)
{
    const wg_ref_conv2d h = { 1, 2, 2, 1, 2, 2, 0, 2, 0, { 1, 1, 1, 1 }, relu };
    static const double X[4] = { 1, -2, 3, 4 }, dY[4] = { 0.5, 0.25, -1, 2 };
    static const double Y_want[4] = { 1, 0, 3, 4 }, dX_want[4] = { 0.5, 0, -1, 2 };
    double Y[4], dX[4];

    wg_ref_pool2d_max_forward(&h, X, Y);
    wg_ref_pool2d_max_backward(&h, X, dY, dX);
    SAME_BITS(Y, Y_want, sizeof Y);
    SAME_BITS(dX, dX_want, sizeof dX);
}

/* The zeros around an image take part: an image below zero has zero corners. */
static void erratum_Y26_zeros_take_part(void)
{
    const wg_ref_conv2d h = { 1, 3, 3, 1, 3, 3, 0, 1, 0, { 1, 1, 1, 1 }, relu };
    double X[9], Y[9], dX[9];

    for (int k = 0; k < 9; k++) X[k] = -1 - k;
    wg_ref_pool2d_max_forward(&h, X, Y);
    for (int k = 0; k < 9; k++) CLOSE1(Y[k], k == 4 ? -1 : 0, 0, 0);
    for (int k = 0; k < 9; k++) Y[k] = 1;
    wg_ref_pool2d_max_backward(&h, X, Y, dX);
    for (int k = 0; k < 9; k++) CLOSE1(dX[k], k == 0, 0, 0);
}

/* ---- Deconv2D ---- */

/* Z[n, s i + u - top, s j + v - left, o] += X[n, i, j, c] W[u, v, c, o], as it is defined. */
static void scatter(const wg_ref_conv2d *h, const double *X, const double *W, double *Z)
{
    int64_t rows = wg_ref_deconv2d_rows(h), cols = wg_ref_deconv2d_cols(h);

    memset(Z, 0, (size_t)(h->n_ex * rows * cols * h->out_ch) * sizeof *Z);
    for (int64_t n = 0; n < h->n_ex; n++)
        for (int64_t i = 0; i < h->in_rows; i++)
            for (int64_t j = 0; j < h->in_cols; j++)
                for (int64_t u = 0; u < h->kernel_rows; u++)
                    for (int64_t v = 0; v < h->kernel_cols; v++) {
                        int64_t r = h->stride * i + u - h->pad.top;
                        int64_t s = h->stride * j + v - h->pad.left;

                        if (r < 0 || r >= rows || s < 0 || s >= cols) continue;
                        for (int64_t c = 0; c < h->in_ch; c++)
                            for (int64_t o = 0; o < h->out_ch; o++)
                                Z[((n * rows + r) * cols + s) * h->out_ch + o] +=
                                    X[((n * h->in_rows + i) * h->in_cols + j) * h->in_ch + c] *
                                    W[((u * h->kernel_cols + v) * h->in_ch + c) * h->out_ch + o];
                    }
}

/* Both ways to compute it against the definition, and its backward as the adjoint. */
static void check_deconv2d(const wg_ref_conv2d *h)
{
    static double X[MANY], W[MANY], Z[MANY], Y[MANY], want[MANY], dY[MANY], dX[MANY], dW[MANY];
    int64_t in = h->n_ex * h->in_rows * h->in_cols * h->in_ch;
    int64_t taps = h->kernel_rows * h->kernel_cols * h->in_ch * h->out_ch;
    int64_t out = h->n_ex * wg_ref_deconv2d_rows(h) * wg_ref_deconv2d_cols(h) * h->out_ch;

    slope_fill(in, X, 1);
    slope_fill(taps, W, 2);
    slope_fill(out, dY, 3);
    scatter(h, X, W, want);
    REQUIRE(out > 0 && wg_ref_deconv2d_forward(h, X, W, NULL, Z, Y));
    CLOSE(Y, want, out, 1e-13, 1e-13);
    CHECK(wg_ref_deconv2D_naive(h, X, W, Z));
    CLOSE(Z, want, out, 1e-13, 1e-13);
    /* Linear in X and in W: <dY, Y> is what either gradient gives along its operand. */
    memset(dW, 0, sizeof dW);
    CHECK(wg_ref_deconv2d_backward(h, X, W, Z, dY, dX, dW, NULL));
    CLOSE1(slope_dot(in, X, dX), slope_dot(out, dY, Y), 1e-12, 1e-12);
    CLOSE1(slope_dot(taps, W, dW), slope_dot(out, dY, Y), 1e-12, 1e-12);
}

/* A number in [low, high] of a stream. */
static int64_t draw(uint64_t *state, int64_t low, int64_t high)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return low + (int64_t)((*state >> 33) % (uint64_t)(high - low + 1));
}

/* Geometries nobody thought of: both ways of every layer agree, and every backward is the adjoint
 * of its forward. */
static void any_geometry(void)
{
    static double X[MANY], W[MANY], Z[MANY], Y[MANY], Z2[MANY], dY[MANY], dX[2][MANY], dW[2][MANY];
    uint64_t state = 11;
    int ran = 0;

    for (int k = 0; k < 300; k++) {
        static const int64_t low[] = { 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0 };
        static const int64_t high[] = { 2, 7, 7, 2, 4, 4, 3, 3, 2, 3, 3, 3, 3 };
        wg_ref_conv2d h = { .act_fn = { WG_REF_IDENTITY, 0, 0 } };
        int64_t *const field[] = { &h.n_ex,        &h.in_rows,     &h.in_cols,    &h.in_ch,
                                   &h.kernel_rows, &h.kernel_cols, &h.out_ch,     &h.stride,
                                   &h.dilation,    &h.pad.top,     &h.pad.bottom, &h.pad.left,
                                   &h.pad.right };
        int64_t in, taps, out, pooled;

        for (int f = 0; f < 13; f++) *field[f] = draw(&state, low[f], high[f]);
        in = h.n_ex * h.in_rows * h.in_cols * h.in_ch;
        taps = h.kernel_rows * h.kernel_cols * h.in_ch * h.out_ch;
        out = h.n_ex * wg_ref_conv2d_rows(&h) * wg_ref_conv2d_cols(&h) * h.out_ch;
        pooled = out / h.out_ch * h.in_ch;
        if (out == 0 || out > MANY) continue;
        ran++;
        slope_fill(in, X, (uint64_t)k);
        slope_fill(taps, W, (uint64_t)k + 1);
        slope_fill(MANY, dY, (uint64_t)k + 2);
        memset(dW, 0, sizeof dW);
        CHECK(wg_ref_conv2d_forward(&h, X, W, NULL, Z, Y));
        wg_ref_conv2D_naive(&h, X, W, Z2);
        CLOSE(Z2, Y, out, 1e-13, 1e-13);
        CHECK(wg_ref_conv2d_backward(&h, X, W, Z, dY, dX[0], dW[0], NULL));
        CHECK(wg_ref_conv2d_backward_naive(&h, X, W, Z, dY, dX[1], dW[1], NULL));
        CLOSE(dX[1], dX[0], in, 1e-13, 1e-13);
        CLOSE(dW[1], dW[0], taps, 1e-12, 1e-12);
        CLOSE1(slope_dot(in, X, dX[0]), slope_dot(out, dY, Y), 1e-11, 1e-11);
        CLOSE1(slope_dot(taps, W, dW[0]), slope_dot(out, dY, Y), 1e-11, 1e-11);
        wg_ref_pool2d_average_forward(&h, X, Y);
        wg_ref_pool2d_average_backward(&h, dY, dX[0]);
        CLOSE1(slope_dot(in, X, dX[0]), slope_dot(pooled, dY, Y), 1e-11, 1e-11);
        /* A maximum is linear in the elements it takes. */
        wg_ref_pool2d_max_forward(&h, X, Y);
        wg_ref_pool2d_max_backward(&h, X, dY, dX[0]);
        CLOSE1(slope_dot(in, X, dX[0]), slope_dot(pooled, dY, Y), 1e-11, 1e-11);
        out = h.n_ex * wg_ref_deconv2d_rows(&h) * wg_ref_deconv2d_cols(&h) * h.out_ch;
        if (out == 0 || out > MANY) continue;
        memset(dW, 0, sizeof dW);
        CHECK(wg_ref_deconv2d_forward(&h, X, W, NULL, Z, Y));
        CHECK(wg_ref_deconv2D_naive(&h, X, W, Z2));
        CLOSE(Z2, Y, out, 1e-13, 1e-13);
        CHECK(wg_ref_deconv2d_backward(&h, X, W, Z, dY, dX[0], dW[0], NULL));
        CLOSE1(slope_dot(in, X, dX[0]), slope_dot(out, dY, Y), 1e-11, 1e-11);
        CLOSE1(slope_dot(taps, W, dW[0]), slope_dot(out, dY, Y), 1e-11, 1e-11);
    }
    CHECK(ran > 150);
}

static void erratum_Y27_each_side_has_its_pad(void)
{
    wg_ref_conv2d h = { 2, 3, 3, 2, 3, 3, 2, 2, 0, { 0, 2, 1, 0 }, { WG_REF_IDENTITY, 0, 0 } };
    wg_ref_conv2d even = { 1, 4, 3, 1, 2, 2, 2, 1, 0, { 0, 0, 0, 0 }, { WG_REF_IDENTITY, 0, 0 } };

    check_deconv2d(&h);
    h.pad = (wg_ref_pad){ 2, 0, 0, 1 };
    check_deconv2d(&h);
    even.pad = wg_ref_deconv2d_same(&even);
    EQ_INT(even.pad.top, 0);
    EQ_INT(even.pad.bottom, 1);
    EQ_INT(wg_ref_deconv2d_rows(&even), 4);
    check_deconv2d(&even);
}

static void erratum_Y28_pad_larger_than_kernel(void)
{
    wg_ref_conv2d h = { 1, 5, 5, 1, 2, 2, 2, 2, 0, { 2, 2, 2, 2 }, { WG_REF_IDENTITY, 0, 0 } };
    double X[25] = { 0 }, Z[1], dX[25];

    EQ_INT(wg_ref_deconv2d_rows(&h), 6);
    check_deconv2d(&h);
    /* All may be cropped away: then there is nothing, and no gradient flows. */
    h.pad = (wg_ref_pad){ 9, 9, 0, 0 };
    EQ_INT(wg_ref_deconv2d_rows(&h), 0);
    CHECK(wg_ref_deconv2d_forward(&h, X, X, NULL, Z, Z));
    dX[24] = 1;
    CHECK(wg_ref_deconv2d_backward(&h, X, X, Z, Z, dX, NULL, NULL));
    CLOSE1(dX[24], 0, 0, 0);
}

/* ---- skip modules ---- */

/* A module of 2 -> 3 -> 2 channels, its parameters filled. */
typedef struct {
    wg_ref_skip h;
    wg_ref_skip_params p;
    double memory[12][100];
    double X[600], Y[600], dY[600], stat[6][3];
    wg_ref_skip_stats stats;
} skip_world;

static double **skip_slot(wg_ref_skip_params *p, int k)
{
    double **const slot[12] = { &p->conv1_W,
                                &p->conv1_b,
                                &p->conv2_W,
                                &p->conv2_b,
                                &p->conv_skip_W,
                                &p->conv_skip_b,
                                &p->batchnorm1_scaler,
                                &p->batchnorm1_intercept,
                                &p->batchnorm2_scaler,
                                &p->batchnorm2_intercept,
                                &p->batchnorm_skip_scaler,
                                &p->batchnorm_skip_intercept };

    return slot[k];
}

static void skip_begin(skip_world *w, int64_t rows, int64_t cols, int64_t stride1, int64_t kskip)
{
    *w =
        (skip_world){ .h = { .conv1 = { 2, rows, cols, 2, 3, 3, 3, stride1, 0, { 0 }, { 0 } },
                             .conv2 = { 0, 0, 0, 0, 3, 3, 2, 1, 0, { 0 }, { 0 } },
                             .conv_skip = { 0, 0, 0, 0, kskip, kskip, 0, stride1, 0, { 0 }, { 0 } },
                             .act_fn = tanh_act,
                             .epsilon = 1e-5 } };
    for (int k = 0; k < 12; k++) {
        *skip_slot(&w->p, k) = w->memory[k];
        slope_fill(100, w->memory[k], (uint64_t)k + 1);
    }
    slope_fill(600, w->X, 20);
    slope_fill(600, w->dY, 21);
    w->stats = (wg_ref_skip_stats){ w->stat[0], w->stat[1], w->stat[2],
                                    w->stat[3], w->stat[4], w->stat[5] };
}

static int64_t skip_outputs(const skip_world *w)
{
    return 2 * 2 * wg_ref_conv2d_rows(&w->h.conv2) * wg_ref_conv2d_cols(&w->h.conv2);
}

static double skip_S(void *context)
{
    skip_world *w = context;

    if (!wg_ref_skip_conv_forward(&w->h, &w->p, w->X, &w->stats, w->Y)) return NAN;
    return slope_dot(skip_outputs(w), w->dY, w->Y);
}

/* The backward of a linked module against slopes along X and along every parameter. */
static void check_skip(skip_world *w)
{
    int64_t in = 2 * 2 * w->h.conv1.in_rows * w->h.conv1.in_cols;
    static double dX[600], dp[12][100];
    wg_ref_skip_params g;

    for (int k = 0; k < 12; k++) *skip_slot(&g, k) = dp[k];
    memset(dp, 0, sizeof dp);
    REQUIRE(in <= 600 && skip_outputs(w) <= 600 && skip_outputs(w) > 0);
    CHECK(wg_ref_skip_conv_backward(&w->h, &w->p, w->X, w->dY, dX, &g));
    SLOPE_CLOSE(skip_S, w, in, w->X, dX, 1e-7);
    for (int k = 0; k < 12; k++) SLOPE_CLOSE(skip_S, w, 100, w->memory[k], dp[k], 1e-7);
    CHECK(slope_dot(in, dX, dX) > 1e-3);
}

static void erratum_M11_any_padding(void)
{
    static skip_world w;

    skip_begin(&w, 5, 4, 1, 3);
    w.h.conv1.pad = (wg_ref_pad){ 0, 1, 2, 1 };
    w.h.conv2.pad = (wg_ref_pad){ 1, 0, 0, 1 };
    CHECK(wg_ref_skip_link(&w.h));
    check_skip(&w);
    skip_begin(&w, 5, 4, 1, 2);
    w.h.conv1.pad = wg_ref_pad_same2d(&w.h.conv1);
    wg_ref_skip_link(&w.h);
    w.h.conv2.pad = wg_ref_pad_same2d(&w.h.conv2);
    CHECK(wg_ref_skip_link(&w.h));
    EQ_INT(wg_ref_conv2d_rows(&w.h.conv2), 5);
    EQ_INT(w.h.conv_skip.pad.top, 0);
    EQ_INT(w.h.conv_skip.pad.bottom, 1);
    check_skip(&w);
}

/* Images of 5 x 5 and then 6 x 6 at stride 2 beside a 2 x 2 skip kernel: one pad each. */
static void erratum_M19_padding_of_each_image(void)
{
    static skip_world w;

    for (int64_t n = 5; n <= 6; n++) {
        skip_begin(&w, n, n, 2, 2);
        w.h.conv1.pad = w.h.conv2.pad = (wg_ref_pad){ 1, 1, 1, 1 };
        CHECK(wg_ref_skip_link(&w.h));
        EQ_INT(wg_ref_conv2d_rows(&w.h.conv2), 3);
        EQ_INT(wg_ref_conv2d_rows(&w.h.conv_skip), 3);
        EQ_INT(w.h.conv_skip.pad.top + w.h.conv_skip.pad.bottom, n == 5 ? 1 : 0);
        check_skip(&w);
    }
}

/* Branches that cannot be made equally large are refused. */
static void skip_branches_that_do_not_meet(void)
{
    static skip_world w;

    skip_begin(&w, 9, 9, 1, 1);
    CHECK(!wg_ref_skip_link(&w.h)); /* 9 -> 7 -> 5, and a 1 x 1 kernel gives 9 */
    w.h.conv_skip = (wg_ref_conv2d){ 0 };
    CHECK(!wg_ref_skip_link(&w.h)); /* the identity gives 9 */
    w.h.conv1.pad = w.h.conv2.pad = (wg_ref_pad){ 1, 1, 1, 1 };
    CHECK(wg_ref_skip_link(&w.h));
}

/* The same module, twice: the second step is like the first. */
static void erratum_M5_second_step(void)
{
    static skip_world w;
    static double dX[2][600], dp[2][12][100], Y[600];
    wg_ref_skip_params g;

    skip_begin(&w, 5, 4, 1, 2);
    w.h.conv1.pad = w.h.conv2.pad = (wg_ref_pad){ 1, 1, 1, 1 };
    REQUIRE(wg_ref_skip_link(&w.h));
    for (int step = 0; step < 2; step++) {
        for (int k = 0; k < 12; k++) *skip_slot(&g, k) = dp[step][k];
        CHECK(isfinite(skip_S(&w)));
        if (step == 0) memcpy(Y, w.Y, sizeof Y);
        CHECK(wg_ref_skip_conv_backward(&w.h, &w.p, w.X, w.dY, dX[step], &g));
    }
    SAME_BITS(w.Y, Y, sizeof Y);
    SAME_BITS(dX[1], dX[0], sizeof dX[0]);
    SAME_BITS(dp[1], dp[0], sizeof dp[0]);
}

TESTS(TEST(erratum_Y24_naive_backward), TEST(gradients_of_parameters_add_up),
      TEST(erratum_U8_kernel_larger_than_input), TEST(erratum_U4_col2im_axes),
      TEST(erratum_U2_padding_that_exists), TEST(erratum_Y25_gradient_of_padded_maximum),
      TEST(erratum_Y26_zeros_take_part), TEST(any_geometry),
      TEST(erratum_Y27_each_side_has_its_pad), TEST(erratum_Y28_pad_larger_than_kernel),
      TEST(erratum_M11_any_padding), TEST(erratum_M19_padding_of_each_image),
      TEST(skip_branches_that_do_not_meet), TEST(erratum_M5_second_step))
