/*
 * test_utils_errors.c: the utilities for arrays where numpy-ml is wrong, and what they refuse.
 */
#include <wengert/utils.h>

#include "gate.h"

static bool shape_is(const wg_shape *s, wg_shape want)
{
    return wg_shape_equal(s, &want);
}

/* ---- where numpy-ml is wrong ---- */

static void erratum_U1_out_dims_of_same_and_causal(void)
{
    wg_shape X = WG_SHAPE(2, 9, 3), W = WG_SHAPE(4, 3, 2), Y;

    EQ_INT(wg_calc_conv_out_dims(&X, &W, 1, wg_padding_same(), 1, &Y, NULL), WG_OK);
    CHECK(shape_is(&Y, WG_SHAPE(2, 9, 2)));
    EQ_INT(wg_calc_conv_out_dims(&X, &W, 2, wg_padding_causal(), 0, &Y, NULL), WG_OK);
    CHECK(shape_is(&Y, WG_SHAPE(2, 9, 2)));
}

/* Every size that some padding makes is made, and no other. */
static void erratum_U2_no_padding_is_a_padding(void)
{
    int made = 0, without = 0, wrong = 0;

    for (int64_t n = 1; n < 9; n++)
        for (int64_t k = 1; k < 5; k++)
            for (int64_t s = 1; s < 4; s++)
                for (int64_t d = 0; d < 2; d++)
                    for (int64_t out = 1; out < 10; out++) {
                        wg_shape X = WG_SHAPE(1, n, 1);
                        int64_t p[2], reach = (k - 1) * (d + 1) + 1;
                        bool possible = false;
                        wg_status status =
                            wg_calc_pad_dims_1d(&X, out, k, s, d, out % 2 == 0, p, NULL);

                        for (int64_t total = 0; total < 60; total++)
                            possible |= n + total >= reach && (n + total - reach) / s + 1 == out;
                        if ((status == WG_OK) != possible) wrong++;
                        if (status != WG_OK) continue;
                        made++;
                        without += p[0] + p[1] == 0;
                        if (p[0] < 0 || p[1] < 0 || n + p[0] + p[1] < reach ||
                            (n + p[0] + p[1] - reach) / s + 1 != out)
                            wrong++;
                    }
    EQ_INT(wrong, 0);
    CHECK(made > 500 && without > 50);
    {
        wg_shape X = WG_SHAPE(1, 3, 1);
        int64_t p[2];

        EQ_INT(wg_calc_pad_dims_1d(&X, 1, 2, 2, 0, false, p, NULL), WG_OK);
        CHECK(p[0] == 0 && p[1] == 0);
    }
}

static void erratum_U3_same_without_a_kernel(void)
{
    static const double x[12] = { 0 };
    wg_error error = { 0 };
    wg_array Y;

    wg_pad1d_array(WG_F64_ARRAY(x, 1, 4, 3), wg_padding_same(), 0, 1, 0, &Y, NULL, &error);
    ERROR_IS(&error, WG_EARG, "wg_pad1d_array: 'same' padding needs the kernel's extents", NULL);
    CHECK(Y.data == NULL);
    error.code = WG_OK;
    wg_pad1d_array(WG_F64_ARRAY(x, 1, 4, 3), wg_padding_causal(), 0, 1, 0, &Y, NULL, &error);
    ERROR_IS(&error, WG_EARG, "wg_pad1d_array: 'causal' padding needs the kernel's extents", NULL);
    error.code = WG_OK;
    wg_pad2d_array(WG_F64_ARRAY(x, 1, 2, 2, 3), wg_padding_same(), NULL, 1, 0, &Y, NULL, &error);
    ERROR_IS(&error, WG_EARG, "wg_pad2d_array: 'same' padding needs the kernel's extents", NULL);
}

/* Every element of a single window goes back where it came from: [n, rows, cols, ch]. */
static void erratum_U4_col2im_order(void)
{
    double x[24], *y;
    wg_shape X = WG_SHAPE(1, 2, 3, 4), W = WG_SHAPE(2, 3, 4, 1);
    wg_array C, Y;
    int64_t p[4];

    for (int i = 0; i < 24; i++) x[i] = i;
    wg_im2col_array(wg_array_of(WG_F64, X, x), &W, wg_padding_all(0), 1, 0, &C, p, NULL);
    wg_col2im_array(C, &X, &W, wg_padding_four(0, 0, 0, 0), 1, 0, &Y, NULL);
    REQUIRE(Y.data != NULL);
    y = Y.data;
    CHECK(wg_shape_equal(&Y.type.shape, &X));
    CLOSE(y, x, 24, 0, 0);
    wg_free(C.data);
    wg_free(Y.data);
}

/* Four pads are (top, bottom, left, right). */
static void erratum_U5_order_of_four_pads(void)
{
    static const double x[1] = { 7 };
    wg_array Y;
    int64_t p[4];

    wg_pad2d_array(WG_F64_ARRAY(x, 1, 1, 1, 1), wg_padding_four(1, 0, 2, 1), NULL, 1, 0, &Y, p,
                   NULL);
    REQUIRE(Y.data != NULL);
    CHECK(Y.type.shape.dim[1] == 2 && Y.type.shape.dim[2] == 4);
    CLOSE((double *)Y.data, ((double[]){ 0, 0, 0, 0, 0, 0, 7, 0 }), 8, 0, 0);
    CHECK(p[0] == 1 && p[1] == 0 && p[2] == 2 && p[3] == 1);
    wg_free(Y.data);
}

/* Documented: the size of the input at any stride, where TensorFlow has ceil(n / stride). */
static void erratum_U6_same_keeps_the_size_at_any_stride(void)
{
    wg_shape X = WG_SHAPE(1, 4, 4, 1), W = WG_SHAPE(3, 2, 1, 1), Y;

    EQ_INT(wg_calc_conv_out_dims(&X, &W, 2, wg_padding_same(), 0, &Y, NULL), WG_OK);
    CHECK(wg_shape_equal(&Y, &X));
}

static void erratum_U7_deconv_same_has_the_dilated_size(void)
{
    double x[16] = { 1 }, w[4] = { 1, 2, 3, 4 };
    wg_array Y;

    wg_deconv2d_naive(WG_F64_ARRAY(x, 1, 4, 4, 1), WG_F64_ARRAY(w, 2, 2, 1, 1), 2,
                      wg_padding_same(), 0, &Y, NULL);
    REQUIRE(Y.data != NULL);
    CHECK(shape_is(&Y.type.shape, WG_SHAPE(1, 7, 7, 1)));
    /* total 1, none of it before: the kernel's first tap stays */
    CLOSE((double *)Y.data, ((double[]){ 1, 2, 0 }), 3, 0, 0);
    wg_free(Y.data);
}

static void erratum_U8_kernel_larger_than_the_padded_input(void)
{
    double x[4] = { 0 }, w[25] = { 0 };
    wg_shape X = WG_SHAPE(1, 2, 2, 1), W = WG_SHAPE(5, 5, 1, 1), Y;
    wg_error error = { 0 };
    wg_array Z;

    wg_calc_conv_out_dims(&X, &W, 1, wg_padding_all(0), 0, &Y, &error);
    ERROR_IS(&error, WG_ESHAPE,
             "wg_calc_conv_out_dims: W [5 x 5 x 1 x 1], dilation 0, is larger than X [1 x 2 x 2 x "
             "1] with padding (0, 0, 0, 0)",
             NULL);
    error.code = WG_OK;
    wg_conv2d_naive(wg_array_of(WG_F64, X, x), wg_array_of(WG_F64, W, w), 2, wg_padding_all(1), 0,
                    &Z, &error);
    ERROR_IS(
        &error, WG_ESHAPE,
        "wg_conv2d_naive: W [5 x 5 x 1 x 1], dilation 0, is larger than X [1 x 2 x 2 x 1] with "
        "padding (1, 1, 1, 1)",
        NULL);
    CHECK(Z.data == NULL);
}

/* Pads that are not alike crop their own sides. */
static void erratum_Y27_deconv_crops_the_sides_pad_names(void)
{
    double x[4] = { 1, 2, 3, 4 }, v[4] = { 1, 1, 1, 1 };
    wg_array Y;

    wg_deconv2d_naive(WG_F64_ARRAY(x, 1, 2, 2, 1), WG_F64_ARRAY(v, 2, 2, 1, 1), 2,
                      wg_padding_four(0, 1, 1, 0), 0, &Y, NULL);
    REQUIRE(Y.data != NULL);
    CHECK(shape_is(&Y.type.shape, WG_SHAPE(1, 3, 3, 1)));
    CLOSE((double *)Y.data, ((double[]){ 1, 2, 2, 1, 2, 2, 3, 4, 4 }), 9, 0, 0);
    wg_free(Y.data);
}

/* Pads of more than kernel - 1 crop too. */
static void erratum_Y28_deconv_crops_beyond_the_kernel(void)
{
    double x[4] = { 1, 2, 3, 4 }, w[1] = { 1 }, v[4] = { 1, 1, 1, 1 };
    wg_array Y;

    wg_deconv2d_naive(WG_F64_ARRAY(x, 1, 2, 2, 1), WG_F64_ARRAY(w, 1, 1, 1, 1), 1,
                      wg_padding_four(1, 0, 0, 0), 0, &Y, NULL);
    REQUIRE(Y.data != NULL);
    CLOSE((double *)Y.data, ((double[]){ 3, 4 }), 2, 0, 0);
    wg_free(Y.data);
    wg_deconv2d_naive(WG_F64_ARRAY(x, 1, 2, 2, 1), WG_F64_ARRAY(v, 2, 2, 1, 1), 3,
                      wg_padding_four(0, 2, 3, 0), 0, &Y, NULL);
    REQUIRE(Y.data != NULL);
    CHECK(shape_is(&Y.type.shape, WG_SHAPE(1, 3, 2, 1)));
    CLOSE((double *)Y.data, ((double[]){ 2, 2, 2, 2, 0, 0 }), 6, 0, 0);
    wg_free(Y.data);
}

/* ---- bad input ---- */

#define REFUSED(call, code, message)                                                               \
    do {                                                                                           \
        wg_error error = { 0 };                                                                    \
        (void)(call);                                                                              \
        ERROR_IS(&error, code, message, NULL);                                                     \
    } while (0)

static void bad_shapes(void)
{
    static double x[64];
    wg_shape X3 = WG_SHAPE(1, 3, 1), X4 = WG_SHAPE(1, 3, 3, 2), W4 = WG_SHAPE(2, 2, 3, 1), Y;
    int64_t p[4];
    wg_array Z, X = WG_F64_ARRAY(x, 1, 3, 3, 2), W = WG_F64_ARRAY(x, 2, 2, 2, 1);

    REFUSED(wg_calc_pad_dims_1d(&X4, 3, 2, 1, 0, false, p, &error), WG_ESHAPE,
            "wg_calc_pad_dims_1d: X_shape is [1 x 3 x 3 x 2], wanted rank 3");
    REFUSED(wg_calc_pad_dims_1d(NULL, 3, 2, 1, 0, false, p, &error), WG_EARG,
            "wg_calc_pad_dims_1d: X_shape is NULL");
    REFUSED(wg_calc_pad_dims_1d(&X3, 1, 1, 1, 0, false, p, &error), WG_ESHAPE,
            "wg_calc_pad_dims_1d: no padding makes 1 of 3 elements with a kernel of 1 (reach 1), "
            "stride 1: without any there are 3");
    REFUSED(wg_calc_pad_dims_1d(&X3, 0, 1, 1, 0, false, p, &error), WG_EARG,
            "wg_calc_pad_dims_1d: a result of 0, wanted 1 to 2147483647");
    REFUSED(wg_calc_pad_dims_1d(&X3, 3, 0, 1, 0, false, p, &error), WG_EARG,
            "wg_calc_pad_dims_1d: a kernel of 0, wanted 1 to 2147483647");
    REFUSED(wg_calc_pad_dims_1d(&X3, 3, 1, 0, 0, false, p, &error), WG_EARG,
            "wg_calc_pad_dims_1d: stride is 0, wanted 1 to 2147483647");
    REFUSED(wg_calc_pad_dims_2d(&X4, (int64_t[]){ 3, 3 }, (int64_t[]){ 2, 2 }, 1, -1, p, &error),
            WG_EARG, "wg_calc_pad_dims_2d: dilation is -1, wanted 0 to 2147483647");
    REFUSED(wg_calc_conv_out_dims(&X4, &W4, 1, wg_padding_all(0), 0, &Y, &error), WG_ESHAPE,
            "wg_calc_conv_out_dims: X [1 x 3 x 3 x 2] has 2 channels, W [2 x 2 x 3 x 1] wants 3");
    REFUSED(wg_calc_conv_out_dims(&X3, &W4, 1, wg_padding_all(0), 0, &Y, &error), WG_ESHAPE,
            "wg_calc_conv_out_dims: W is [2 x 2 x 3 x 1], wanted rank 3");
    REFUSED(wg_conv2d_array(WG_F64_ARRAY(x, 0, 3, 3, 2), W, 1, wg_padding_all(0), 0, &Z, &error),
            WG_ESHAPE,
            "wg_conv2d_array: X is [0 x 3 x 3 x 2], wanted extents from 1 to 2147483647");
    REFUSED(wg_conv2d_array(X, WG_F32_ARRAY(x, 2, 2, 2, 1), 1, wg_padding_all(0), 0, &Z, &error),
            WG_EDTYPE, "wg_conv2d_array: X is f64 and W is f32, wanted both f32 or both f64");
    REFUSED(wg_conv2d_array(X, WG_F64_ARRAY(NULL, 2, 2, 2, 1), 1, wg_padding_all(0), 0, &Z, &error),
            WG_EARG, "wg_conv2d_array: W has no data");
    REFUSED(wg_conv2d_array(X, W, 1, wg_padding_causal(), 0, &Z, &error), WG_EARG,
            "wg_conv2d_array: 'causal' padding of images, it is for sequences");
    REFUSED(wg_conv2d_array(X, W, 1, (wg_padding){ 9, 0, { 0 } }, 0, &Z, &error), WG_EARG,
            "wg_conv2d_array: padding mode 9, wanted WG_PAD_EXPLICIT, WG_PAD_SAME or "
            "WG_PAD_CAUSAL");
    REFUSED(wg_conv2d_array(X, W, 1, (wg_padding){ 0, 3, { 0 } }, 0, &Z, &error), WG_EARG,
            "wg_conv2d_array: pad has 3 numbers, wanted 1, 2 or 4");
    REFUSED(wg_conv2d_array(X, W, 1, wg_padding_two(0, -1), 0, &Z, &error), WG_EARG,
            "wg_conv2d_array: pad[1] is -1, wanted 0 to 2147483647");
    REFUSED(wg_conv1d_array(WG_F64_ARRAY(x, 1, 3, 2), WG_F64_ARRAY(x, 2, 2, 1), 1,
                            wg_padding_four(1, 1, 1, 1), 0, &Z, &error),
            WG_EARG, "wg_conv1d_array: pad has 4 numbers, wanted 1 or 2");
    REFUSED(wg_deconv2d_naive(X, W, 1, wg_padding_all(2), 0, &Z, &error), WG_ESHAPE,
            "wg_deconv2d_naive: pad (2, 2, 2, 2) leaves nothing of X [1 x 3 x 3 x 2] by W [2 x 2 x "
            "2 x 1], stride 1");
    REFUSED(wg_conv2d_array(X, W, 1, wg_padding_all(0), 0, NULL, &error), WG_EARG,
            "wg_conv2d_array: the result is NULL");
    REFUSED(wg_pad2d_array(X, wg_padding_all(INT32_MAX), NULL, 1, 0, &Z, NULL, &error), WG_ELIMIT,
            "wg_pad2d_array: the result f64[1 x 4294967297 x 4294967297 x 2] has too many bytes to "
            "count");
    REFUSED(wg_dilate_array(X, -1, &Z, &error), WG_EARG,
            "wg_dilate_array: d is -1, wanted 0 to 2147483647");
}

static void col2im_without_four_pads(void)
{
    static double x[64];
    wg_shape X = WG_SHAPE(1, 3, 3, 2), W = WG_SHAPE(2, 2, 2, 1);
    wg_array C = WG_F64_ARRAY(x, 8, 4), Y;

    REFUSED(wg_col2im_array(C, &X, &W, wg_padding_all(0), 1, 0, &Y, &error), WG_EARG,
            "wg_col2im_array: pad has 1 numbers, wanted four: top, bottom, left, right");
    REFUSED(wg_col2im_array(C, &X, &W, wg_padding_same(), 1, 0, &Y, &error), WG_EARG,
            "wg_col2im_array: pad has 0 numbers, wanted four: top, bottom, left, right");
    REFUSED(wg_col2im_array(C, &X, &W, wg_padding_four(1, 0, 0, 0), 1, 0, &Y, &error), WG_ESHAPE,
            "wg_col2im_array: X_col is [8 x 4], the windows of X_shape [1 x 3 x 3 x 2] are [8 x "
            "6]");
    REFUSED(wg_col2im_array(WG_I64_ARRAY(x, 8, 4), &X, &W, wg_padding_four(0, 0, 0, 0), 1, 0, &Y,
                            &error),
            WG_EDTYPE, "wg_col2im_array: X_col is i64, wanted f32 or f64");
    CHECK(Y.data == NULL);
    REFUSED(wg_minibatch_new(0, 4, true, 0, 0, &error), WG_EARG,
            "wg_minibatch_new: 0 examples, wanted 1 or more");
    REFUSED(wg_minibatch_new(4, -4, true, 0, 0, &error), WG_EARG,
            "wg_minibatch_new: batchsize is -4, wanted 1 or more, or 0 for 256");
}

/* ---- memory ---- */

static wg_status use_all(void *arg, wg_error *error)
{
    static float x[64], w[8];
    wg_array X = WG_F32_ARRAY(x, 1, 3, 3, 2), W = WG_F32_ARRAY(w, 2, 2, 2, 1), Y = { .data = NULL },
             C = { .data = NULL };
    wg_minibatch *b = wg_minibatch_new(9, 2, true, 0, 0, error);
    int64_t p[4];
    wg_status status = b ? WG_OK : WG_ENOMEM;

    (void)arg;
    wg_minibatch_free(b);
    if (status == WG_OK) status = wg_conv2d_array(X, W, 1, wg_padding_same(), 0, &Y, error);
    wg_free(Y.data);
    if (status != WG_OK) return status;
    status = wg_im2col_array(X, &W.type.shape, wg_padding_same(), 1, 0, &C, p, error);
    if (status == WG_OK)
        status = wg_col2im_array(C, &X.type.shape, &W.type.shape,
                                 wg_padding_four(p[0], p[1], p[2], p[3]), 1, 0, &Y, error);
    if (status == WG_OK) wg_free(Y.data);
    wg_free(C.data);
    return status;
}

static void memory_ends(void)
{
    gate_every_allocation(use_all, NULL, "utilities");
}

TESTS(TEST(erratum_U1_out_dims_of_same_and_causal), TEST(erratum_U2_no_padding_is_a_padding),
      TEST(erratum_U3_same_without_a_kernel), TEST(erratum_U4_col2im_order),
      TEST(erratum_U5_order_of_four_pads), TEST(erratum_U6_same_keeps_the_size_at_any_stride),
      TEST(erratum_U7_deconv_same_has_the_dilated_size),
      TEST(erratum_U8_kernel_larger_than_the_padded_input),
      TEST(erratum_Y27_deconv_crops_the_sides_pad_names),
      TEST(erratum_Y28_deconv_crops_beyond_the_kernel), TEST(bad_shapes),
      TEST(col2im_without_four_pads), TEST(memory_ends))
