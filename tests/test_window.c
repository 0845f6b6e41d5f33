/*
 * test_window.c: convolutions against plain loops in double, at every level and
 * number of threads. The loops know windows only by their definition.
 */
#include "windows.h"

/* The trilinear form: y, dx, dw from x, w, dy, term by term. */
static void plain(const convolution *c, const placed *p, const double *x, const double *w,
                  const double *dy, double *y, double *dx, double *dw)
{
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t o = 0; o < p->out[0]; o++)
            for (int64_t q = 0; q < p->out[1]; q++)
                for (int64_t r = 0; r < c->kr; r++)
                    for (int64_t t = 0; t < c->kc; t++) {
                        int64_t at = under(c, p, i, o, q, r, t);

                        if (at < 0) continue;
                        for (int64_t k = 0; k < c->in; k++)
                            for (int64_t m = 0; m < c->out; m++) {
                                int64_t iw = ((r * c->kc + t) * c->in + k) * c->out + m;
                                int64_t iy = ((i * p->out[0] + o) * p->out[1] + q) * c->out + m;

                                y[iy] += x[at + k] * w[iw];
                                dx[at + k] += dy[iy] * w[iw];
                                dw[iw] += x[at + k] * dy[iy];
                            }
                    }
}

static void check_conv(const convolution *c, wg_dtype dtype)
{
    placed p = place(&c->w, c->rows, c->columns, c->kr, c->kc);
    wg_array x = drawn(dtype, WG_SHAPE(c->n, c->rows, c->columns, c->in), 1);
    wg_array w = drawn(dtype, WG_SHAPE(c->kr, c->kc, c->in, c->out), 2);
    wg_array dy = drawn(dtype, WG_SHAPE(c->n, p.out[0], p.out[1], c->out), 3);
    double *xs = doubles(&x), *ws = doubles(&w), *dys = doubles(&dy),
           terms = (double)(c->kr * c->kc);
    double *y = calloc((size_t)count_of(&dy) + 1, sizeof *y),
           *dx = calloc((size_t)count_of(&x) + 1, sizeof *y);
    double *dw = calloc((size_t)count_of(&w) + 1, sizeof *y);
    double places = (double)(c->n * p.out[0] * p.out[1]);

    plain(c, &p, xs, ws, dys, y, dx, dw);
    for (int level = 0; level <= wg_level(); level++) {
        int threads = 1 + level;
        wg_array got = kernel(&wg_op_conv2d, &c->w, 2, (wg_array[]){ x, w }, level, threads);

        CHECK(CLOSE_ARRAY(&got, y, count_of(&dy), 0, slack(dtype, terms * (double)c->in)));
        free(got.data);
        got = kernel(&wg_op_conv2d_dx, &c->w, 3, (wg_array[]){ dy, w, x }, level, threads);
        CHECK(CLOSE_ARRAY(&got, dx, count_of(&x), 0, slack(dtype, terms * (double)c->out)));
        free(got.data);
        got = kernel(&wg_op_conv2d_dw, &c->w, 3, (wg_array[]){ x, dy, w }, level, threads);
        CHECK(CLOSE_ARRAY(&got, dw, count_of(&w), 0, slack(dtype, places)));
        free(got.data);
    }
    free(x.data), free(w.data), free(dy.data);
    free(xs), free(ws), free(dys), free(y), free(dx), free(dw);
}

static void convolutions(void)
{
    static const convolution list[] = {
        { 2, 6, 7, 3, 4, 3, 3, { .pad_mode = WG_PAD_EXPLICIT } },
        { 2, 6, 7, 3, 4, 3, 2, { PAD(1, 2, 0, 3) } },
        { 2, 7, 6, 3, 4, 3, 3, { .stride = { 2, 3 }, PAD(2, 0, 1, 1) } },
        { 1, 9, 9, 2, 5, 3, 3, { .dilation = { 1, 2 }, PAD(1, 1, 2, 2) } },
        { 1,
          9,
          8,
          2,
          5,
          3,
          3,
          { .stride = { 2, 2 }, .dilation = { 1, 0 }, .pad_mode = WG_PAD_SAME } },
        { 1, 8, 8, 2, 3, 4, 4, { .stride = { 1, 3 }, .pad_mode = WG_PAD_SAME } },
        { 1, 8, 8, 2, 3, 4, 4, { .stride = { 3, 2 }, .pad_mode = WG_PAD_HALF } },
        { 1, 8, 8, 2, 3, 3, 2, { .stride = { 3, 1 }, .pad_mode = WG_PAD_FRONT } },
        { 3, 40, 1, 4, 6, 3, 1, { .dilation = { 3, 0 }, .pad_mode = WG_PAD_CAUSAL } },
        { 2, 900, 1, 5, 6, 2, 1, { .dilation = { 7, 0 }, .pad_mode = WG_PAD_CAUSAL } },
        { 1, 300, 1, 3, 4, 5, 1, { .stride = { 2, 1 }, PAD(2, 1, 0, 0) } },
        { 2, 1, 500, 3, 2, 1, 4, { .stride = { 1, 2 }, PAD(0, 0, 3, 3) } },
        { 2, 3, 450, 2, 3, 2, 3, { .pad_mode = WG_PAD_SAME } },
        { 1, 5, 5, 4, 3, 1, 1, { .pad_mode = WG_PAD_EXPLICIT } },
        { 2, 5, 6, 4, 3, 1, 1, { .stride = { 2, 2 } } },
        { 2, 5, 6, 4, 3, 1, 1, { .stride = { 3, 2 }, PAD(1, 0, 0, 1) } },
        { 2, 7, 7, 2, 3, 2, 2, { .stride = { 5, 4 } } }, /* places no window sees */
        { 2, 3, 2, 3, 4, 5, 5, { PAD(2, 2, 2, 3) } },    /* larger than the image */
        { 1, 1, 1, 2, 3, 3, 3, { .pad_mode = WG_PAD_SAME } },
        { 1, 2, 2, 1, 2, 2, 2, { PAD(5, 4, 3, 6) } }, /* windows of padding alone */
        { 2, 2, 3, 2, 2, 2, 2, { .dilation = { 4, 5 }, PAD(5, 5, 5, 5) } },
        { 3, 12, 12, 1, 32, 5, 5, { .pad_mode = WG_PAD_EXPLICIT } },
        { 3, 9, 9, 1, 1, 3, 3, { .pad_mode = WG_PAD_SAME } },
        { 5, 4, 4, 20, 33, 3, 3, { .pad_mode = WG_PAD_SAME } },   /* several images at once */
        { 1, 20, 21, 17, 16, 3, 3, { .pad_mode = WG_PAD_SAME } }, /* several units an image */
        { 1, 4, 5, 300, 7, 2, 2, { .pad_mode = WG_PAD_SAME } },   /* taps cut in pieces */
        { 1, 4, 5, 7, 270, 2, 2, { .pad_mode = WG_PAD_SAME } },
        { 1, 3, 3, 64, 48, 3, 3, { PAD(1, 1, 1, 1) } },
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        check_conv(&list[i], WG_F32);
        check_conv(&list[i], WG_F64);
    }
}

static void empty_convolutions(void)
{
    static const convolution list[] = {
        { 0, 6, 7, 3, 4, 3, 3, { PAD(1, 1, 1, 1) } },
        { 2, 6, 7, 0, 4, 3, 3, { PAD(1, 1, 1, 1) } },
        { 2, 6, 7, 3, 0, 3, 3, { PAD(1, 1, 1, 1) } },
        { 2, 0, 7, 3, 4, 3, 3, { PAD(2, 2, 1, 1) } },
        { 2, 6, 0, 3, 4, 2, 2, { PAD(0, 0, 2, 1) } },
        { 0, 6, 7, 0, 0, 2, 2, { .stride = { 2, 2 } } },
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        check_conv(&list[i], WG_F32);
        check_conv(&list[i], WG_F64);
    }
}

/* A number in 0..n-1 that depends on seed and place alone. */
static int64_t pick(uint64_t seed, int64_t place, int64_t n)
{
    double u;

    wg_random_uniform(seed, 1, 0, place, 1, WG_F64, &u);
    return (int64_t)(u * (double)n);
}

static void drawn_convolutions(void)
{
    for (uint64_t seed = 0; seed < 150; seed++) {
        convolution c = { .n = pick(seed, 0, 4),
                          .rows = 1 + pick(seed, 1, 14),
                          .columns = 1 + pick(seed, 2, 14),
                          .in = 1 + pick(seed, 3, 9),
                          .out = 1 + pick(seed, 4, 20),
                          .kr = 1 + pick(seed, 5, 4),
                          .kc = 1 + pick(seed, 6, 4) };
        placed p;

        for (int a = 0; a < 2; a++) {
            c.w.stride[a] = pick(seed, 7 + a, 4);
            c.w.dilation[a] = pick(seed, 9 + a, 3);
        }
        c.w.pad_mode = pick(seed, 11, 5);
        for (int i = 0; i < 4; i++) c.w.pad[i] = pick(seed, 12 + i, 4);
        p = place(&c.w, c.rows, c.columns, c.kr, c.kc);
        if (p.out[0] > 0 && p.out[1] > 0) check_conv(&c, seed % 2 ? WG_F32 : WG_F64);
    }
}

/* ---- transposed convolution ---- */

/* The whole spread, then cropped: as numpy-ml describes it. */
static void check_spread(const convolution *c, int64_t top, int64_t bottom, int64_t left,
                         int64_t right)
{
    int64_t sr = stride_of(&c->w, 0), sc = stride_of(&c->w, 1);
    int64_t high = sr * (c->rows - 1) + (c->kr - 1) * (c->w.dilation[0] + 1) + 1;
    int64_t wide = sc * (c->columns - 1) + (c->kc - 1) * (c->w.dilation[1] + 1) + 1;
    wg_array dy = drawn(WG_F64, WG_SHAPE(c->n, c->rows, c->columns, c->out), 1);
    wg_array w = drawn(WG_F64, WG_SHAPE(c->kr, c->kc, c->in, c->out), 2);
    int64_t rows = high - top - bottom, columns = wide - left - right;
    double *want = calloc((size_t)(c->n * rows * columns * c->in) + 1, sizeof *want);

    for (int64_t i = 0; i < c->n * c->rows * c->columns * c->kr * c->kc * c->in * c->out; i++) {
        int64_t m = i % c->out, k = i / c->out % c->in, tap = i / c->out / c->in % (c->kr * c->kc);
        int64_t from = i / c->out / c->in / (c->kr * c->kc), q = from % c->columns;
        int64_t o = from / c->columns % c->rows, image = from / c->columns / c->rows;
        int64_t row = o * sr + tap / c->kc * (c->w.dilation[0] + 1) - top;
        int64_t column = q * sc + tap % c->kc * (c->w.dilation[1] + 1) - left;

        if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
        want[((image * rows + row) * columns + column) * c->in + k] +=
            item(&dy, from * c->out + m) * item(&w, (tap * c->in + k) * c->out + m);
    }
    for (int level = 0; level <= wg_level(); level++) {
        wg_array y = kernel(&wg_op_conv2d_dx, &c->w, 2, (wg_array[]){ dy, w }, level, 2);

        CHECK(has_shape(&y.type, WG_SHAPE(c->n, rows, columns, c->in)));
        CHECK(CLOSE_ARRAY(&y, want, c->n * rows * columns * c->in, 0, 1e-13));
        if (y.data) {
            wg_array back = kernel(&wg_op_conv2d, &c->w, 2, (wg_array[]){ y, w }, level, 1);

            CHECK(wg_type_equal(&back.type, &dy.type)); /* or it would have no gradient */
            free(back.data);
        }
        free(y.data);
    }
    free(dy.data), free(w.data), free(want);
}

static void transposed_convolutions(void)
{
    check_spread(&(convolution){ 2, 4, 5, 3, 2, 3, 3, { .stride = { 2, 3 } } }, 0, 0, 0, 0);
    check_spread(&(convolution){ 2, 4, 5, 3, 2, 3, 4, { .stride = { 2, 1 }, PAD(1, 0, 2, 1) } }, 1,
                 0, 2, 1);
    check_spread(&(convolution){ 1, 6, 5, 3, 2, 2, 2, { .stride = { 3, 3 }, PAD(2, 3, 1, 4) } }, 2,
                 3, 1, 4);
    check_spread(&(convolution){ 1, 4, 4, 1, 2, 3, 3, { .dilation = { 1, 2 } } }, 0, 0, 0, 0);
    check_spread(
        &(convolution){ 1, 4, 3, 2, 1, 3, 4, { .stride = { 2, 2 }, .pad_mode = WG_PAD_HALF } }, 1,
        1, 1, 2);
    check_spread(
        &(convolution){ 1, 4, 3, 2, 1, 3, 4, { .stride = { 2, 2 }, .pad_mode = WG_PAD_FRONT } }, 2,
        0, 3, 0);
}

static void same_becomes_half(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(1, 4, 5, 2)), *y;
    wg_tensor *w = wg_input(g, "w", WG_F32, WG_SHAPE(3, 2, 6, 2));

    y = wg_conv2d_dx(x, w, NULL, (wg_window){ .stride = { 2, 3 }, .pad_mode = WG_PAD_SAME });
    NO_ERROR(wg_graph_error(g));
    CHECK(has_shape(y->type, WG_SHAPE(1, 7, 13, 6))); /* stride (n - 1) + 1 */
    y = wg_grad1(wg_sum(wg_mul(y, y), WG_ALL_AXES, false), x);
    NO_ERROR(wg_graph_error(g));
    CHECK(has_shape(y->type, x->type->shape));
    wg_graph_free(g);
}

/* ---- bits ---- */

static void check_bits(const convolution *c, wg_dtype dtype)
{
    placed p = place(&c->w, c->rows, c->columns, c->kr, c->kc);
    wg_array x = drawn(dtype, WG_SHAPE(c->n, c->rows, c->columns, c->in), 1);
    wg_array w = drawn(dtype, WG_SHAPE(c->kr, c->kc, c->in, c->out), 2);
    wg_array dy = drawn(dtype, WG_SHAPE(c->n, p.out[0], p.out[1], c->out), 3);
    const wg_op *op[] = { &wg_op_conv2d, &wg_op_conv2d_dx, &wg_op_conv2d_dw };
    wg_array in[3][3] = { { x, w }, { dy, w, x }, { x, dy, w } };

    for (int level = 0; level <= wg_level(); level++)
        for (int k = 0; k < 3; k++) {
            wg_array one = kernel(op[k], &c->w, k ? 3 : 2, in[k], level, 1);

            for (int threads = 2; threads <= 4; threads++) {
                wg_array y = kernel(op[k], &c->w, k ? 3 : 2, in[k], level, threads);

                SAME_BITS(y.data, one.data, wg_type_bytes(&one.type));
                free(y.data);
            }
            free(one.data);
        }
    free(x.data), free(w.data), free(dy.data);
}

static void any_threads_same_bits(void)
{
    check_bits(&(convolution){ 7, 14, 14, 16, 24, 3, 3, { .pad_mode = WG_PAD_SAME } }, WG_F32);
    check_bits(&(convolution){ 6, 20, 20, 1, 32, 5, 5, { .pad_mode = WG_PAD_EXPLICIT } }, WG_F64);
    check_bits(&(convolution){ 2, 31, 29, 12, 20, 3, 3, { .stride = { 2, 2 }, PAD(1, 1, 1, 1) } },
               WG_F32);
    check_bits(&(convolution){ 1, 2000, 1, 24, 24, 2, 1, { .pad_mode = WG_PAD_CAUSAL } }, WG_F32);
    check_bits(&(convolution){ 3, 5, 5, 96, 200, 3, 3, { .pad_mode = WG_PAD_SAME } }, WG_F32);
}

/* An image's result does not depend on the images beside it. */
static void any_batch_same_bits(void)
{
    wg_window same = { .pad_mode = WG_PAD_SAME };
    wg_array x = drawn(WG_F32, WG_SHAPE(9, 6, 6, 5), 1),
             w = drawn(WG_F32, WG_SHAPE(3, 3, 5, 11), 2);
    int64_t in = 6 * 6 * 5, out = 6 * 6 * 11;

    for (int level = 0; level <= wg_level(); level++) {
        wg_array all = kernel(&wg_op_conv2d, &same, 2, (wg_array[]){ x, w }, level, 2);

        for (int64_t i = 0; i < 9; i++) {
            wg_array one = { { WG_F32, WG_SHAPE(1, 6, 6, 5) }, (float *)x.data + i * in };
            wg_array y = kernel(&wg_op_conv2d, &same, 2, (wg_array[]){ one, w }, level, 1);

            SAME_BITS(y.data, (float *)all.data + i * out, out * 4);
            free(y.data);
        }
        free(all.data);
    }
    free(x.data), free(w.data);
}

/* ---- as recorded ---- */

static void conv1d_is_conv2d(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(2, 9, 3)),
              *w = wg_input(g, "w", WG_F64, WG_SHAPE(4, 3, 5));
    wg_window s = { .stride = { 2, 7 }, .dilation = { 1, 7 }, PAD(3, 2, 9, 9) };
    wg_tensor *y = wg_conv1d(x, w, s);
    const wg_type *conv;

    NO_ERROR(wg_graph_error(g));
    CHECK(has_shape(y->type, WG_SHAPE(2, 4, 5)));
    conv = wg_tensor_in(y, 0)->type;
    CHECK(has_shape(conv, WG_SHAPE(2, 4, 1, 5)));
    wg_graph_free(g);
}

static void refusals(void)
{
    enum { CONV, DX, DW, POOL, FOLD, LINE };
    struct {
        int what;
        wg_shape a, b, like;
        wg_window w;
        wg_status code;
        const char *text;
    } list[] = {
        { CONV,
          WG_SHAPE(1, 8, 8, 3),
          WG_SHAPE(3, 3, 4, 5),
          WG_SHAPE(1),
          { .pad_mode = 0 },
          WG_ESHAPE,
          "conv2d: channels differ: 3 in f32[1 x 8 x 8 x 3], 4 in f32[3 x 3 x 4 x 5]" },
        { CONV,
          WG_SHAPE(1, 2, 8, 3),
          WG_SHAPE(3, 3, 3, 5),
          WG_SHAPE(1),
          { .dilation = { 1, 0 }, PAD(1, 1, 0, 0) },
          WG_ESHAPE,
          "conv2d: a window that reaches over 5 rows does not fit into f32[1 x 2 x 8 x 3] with its "
          "padding" },
        { CONV,
          WG_SHAPE(8, 8, 3),
          WG_SHAPE(3, 3, 3, 5),
          WG_SHAPE(1),
          { .pad_mode = 0 },
          WG_ESHAPE,
          "conv2d: operand 0 is f32[8 x 8 x 3]: wanted an image [n, rows, cols, channels]" },
        { CONV,
          WG_SHAPE(1, 8, 8, 3),
          WG_SHAPE(3, 3, 5),
          WG_SHAPE(1),
          { .pad_mode = 0 },
          WG_ESHAPE,
          "conv2d: operand 1 is f32[3 x 3 x 5]: wanted weights [rows, cols, in, out]" },
        { CONV,
          WG_SHAPE(1, 8, 8, 3),
          WG_SHAPE(3, 3, 3, 5),
          WG_SHAPE(1),
          { .stride = { 0, -1 } },
          WG_EARG,
          "conv2d: stride -1: wanted 1 to 2147483647, or 0 for 1" },
        { CONV,
          WG_SHAPE(1, 8, 8, 3),
          WG_SHAPE(3, 3, 3, 5),
          WG_SHAPE(1),
          { .dilation = { -1, 0 } },
          WG_EARG,
          "conv2d: dilation -1: wanted 0 (an ordinary window) to 2147483646" },
        { CONV,
          WG_SHAPE(1, 8, 8, 3),
          WG_SHAPE(3, 3, 3, 5),
          WG_SHAPE(1),
          { PAD(0, 0, -2, 0) },
          WG_EARG,
          "conv2d: padding -2: wanted 0 to 2147483647" },
        { DX,
          WG_SHAPE(1, 6, 6, 5),
          WG_SHAPE(3, 3, 3, 5),
          WG_SHAPE(1, 9, 8, 3),
          { .pad_mode = 0 },
          WG_ESHAPE,
          "conv2d_dx: f32[1 x 9 x 8 x 3] has 1 images of 7 x 6 windows, not those of f32[1 x 6 x 6 "
          "x 5]" },
        { DX,
          WG_SHAPE(1, 6, 6, 5),
          WG_SHAPE(3, 3, 3, 5),
          WG_SHAPE(0),
          { PAD(6, 6, 0, 0) },
          WG_ESHAPE,
          "conv2d_dx: padding leaves nothing of the rows that f32[1 x 6 x 6 x 5] spreads over" },
        { DW,
          WG_SHAPE(2, 8, 8, 3),
          WG_SHAPE(1, 6, 6, 5),
          WG_SHAPE(3, 3, 3, 5),
          { .pad_mode = 0 },
          WG_ESHAPE,
          "conv2d_dw: f32[2 x 8 x 8 x 3] has 2 images of 6 x 6 windows, not those of f32[1 x 6 x 6 "
          "x 5]" },
        { POOL,
          WG_SHAPE(1, 8, 8, 3),
          WG_SHAPE(1),
          WG_SHAPE(1),
          { .kernel = { 2, 0 } },
          WG_EARG,
          "max_pool2d: window of 2 x 0: wanted extents from 1" },
        { FOLD,
          WG_SHAPE(1, 4, 4, 2, 2, 3),
          WG_SHAPE(1),
          WG_SHAPE(1, 8, 8, 3),
          { .kernel = { 2, 2 } },
          WG_ESHAPE,
          "col2im_like: the windows of f32[1 x 8 x 8 x 3] are f32[1 x 7 x 7 x 2 x 2 x 3], not "
          "f32[1 x 4 x 4 x 2 x 2 x 3]" },
        { LINE,
          WG_SHAPE(1, 8, 8, 3),
          WG_SHAPE(3, 3, 5),
          WG_SHAPE(1),
          { .pad_mode = 0 },
          WG_ESHAPE,
          "conv1d: operands of rank 4 and 3: wanted [n, length, in] and [width, in, out]" },
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *a = wg_input(g, "a", WG_F32, list[i].a),
                  *b = wg_input(g, "b", WG_F32, list[i].b);
        wg_tensor *like = wg_input(g, "like", WG_F32, list[i].like);

        switch (list[i].what) {
        case CONV:
            wg_conv2d(a, b, list[i].w);
            break;
        case DX:
            wg_conv2d_dx(a, b, list[i].like.rank == 4 ? like : NULL, list[i].w);
            break;
        case DW:
            wg_conv2d_dw(a, b, like, list[i].w);
            break;
        case POOL:
            wg_max_pool2d(a, list[i].w);
            break;
        case FOLD:
            wg_col2im_like(a, like, list[i].w);
            break;
        default:
            wg_conv1d(a, b, list[i].w);
        }
        CHECK(wg_graph_error(g) != NULL);
        if (wg_graph_error(g))
            ERROR_IS(wg_graph_error(g), list[i].code, list[i].text, wg_graph_error(g)->site);
        wg_graph_free(g);
    }
}

/* Numbers near the limits are refused or computed without overflow. */
static void huge_numbers(void)
{
    int64_t large = INT32_MAX;
    wg_window w = { .kernel = { large, large },
                    .stride = { large, large },
                    .dilation = { large - 1, large - 1 },
                    .pad_mode = WG_PAD_SAME };
    wg_graph *g = wg_graph_new();
    wg_tensor *y = wg_max_pool2d(wg_input(g, "x", WG_F32, WG_SHAPE(1, 3, large, 1)), w);

    NO_ERROR(wg_graph_error(g));
    CHECK(has_shape(y->type, WG_SHAPE(1, 3, large, 1)));
    wg_max_pool2d(wg_input(g, "z", WG_F32, WG_SHAPE(1, 3, large + 1, 1)), w);
    CHECK(wg_graph_error(g) && wg_graph_error(g)->code == WG_ELIMIT);
    wg_graph_free(g);
    g = wg_graph_new();
    /* spread over 10^12 places and more: no step of the arithmetic may overflow */
    wg_conv2d_dx(wg_input(g, "dy", WG_F32, WG_SHAPE(1, 1000, 1000, 1)),
                 wg_input(g, "w", WG_F32, WG_SHAPE(1, 1, 1, 1)), NULL,
                 (wg_window){ .stride = { large, large } });
    CHECK(wg_graph_error(g) && wg_graph_error(g)->code == WG_ELIMIT);
    wg_graph_free(g);
}

TESTS(TEST(convolutions), TEST(empty_convolutions), TEST(drawn_convolutions),
      TEST(transposed_convolutions), TEST(same_becomes_half), TEST(any_threads_same_bits),
      TEST(any_batch_same_bits), TEST(conv1d_is_conv2d), TEST(refusals), TEST(huge_numbers))
