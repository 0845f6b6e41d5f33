/* test_layer_faults.c: numpy-ml's faults in convolutions, pooling, softmax and dense layers, and
 * what is refused there. */
#include <jansson.h>

#include "layer_rows.h"

static wg_layer *made(wg_params *w, const char *kind, const char *json)
{
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_layer_make(w, "l", kind, json, &error);

    NO_ERROR(&error);
    return l;
}

/* ---- softmax ---- */

/* Of [2, 3, 4, 5] along `dim`: sums are 1, and the gradient of those sums is 0. */
static void softmax_along(int dim)
{
    double data[120], ones[120];
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_array x = WG_F64_ARRAY(data, 2, 3, 4, 5), dy = WG_F64_ARRAY(ones, 2, 3, 4, 5), y, dx;
    int64_t stride = dim == 0 ? 60 : dim == 1 ? 20 : dim == 2 ? 5 : 1, n = x.type.shape.dim[dim];
    char json[32];
    wg_layer *l;

    wg_random_normal(1, 2, 3, 0, 120, WG_F64, data);
    for (int i = 0; i < 120; i++) ones[i] = 1;
    snprintf(json, sizeof json, "{\"dim\": %d}", dim);
    l = made(w, "Softmax", json);
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    for (int64_t i = 0; i < 120; i++) {
        double sum = 0;

        if (i / stride % n != 0) continue;
        for (int64_t k = 0; k < n; k++) sum += ((double *)y.data)[i + k * stride];
        CLOSE1(sum, 1, 1e-14, 0);
    }
    CHECK(wg_layer_backward(l, 1, &dy, true, &dx) == WG_OK);
    for (int i = 0; i < 120; i++) CLOSE1(((double *)dx.data)[i], 0, 0, 1e-15);
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml's backward joins all axes but the first. */
static void erratum_Y5_softmax_of_four_axes(void)
{
    softmax_along(3);
}

/* It knows the rule of the last axis alone. */
static void erratum_Y6_softmax_along_other_axes(void)
{
    for (int dim = 0; dim < 3; dim++) softmax_along(dim);
}

static void erratum_Y7_softmax_hyperparameters(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = made(w, "Softmax", "{\"dim\": 0}"),
             *m = wg_softmax_layer(w, "m", (wg_softmax_hyper){ 0 });
    char *text = wg_layer_hyperparameters(l);
    json_t *v = json_loads(text, 0, NULL);

    EQ_INT(json_integer_value(json_object_get(v, "dim")), 0);
    CHECK(json_is_integer(json_object_get(v, "dim")));
    EQ_INT(((const wg_softmax_hyper *)wg_layer_hyper(m))->dim, -1);
    json_decref(v);
    wg_free(text);
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(w);
}

/* ---- what backward uses ---- */

/* The gradient is that of the forward pass that was made, whatever becomes of the parameters. */
static void erratum_Y18_stored_values(void)
{
    for (int i = 0; i < N_LAYER_ROWS; i++) {
        const layer_row *row = &layer_rows[i];
        wg_array x[ROW_OPERANDS], y, dx[ROW_OPERANDS], kept[ROW_OPERANDS], dy;
        row_program p;

        row_begin(&p, row, WG_F64);
        for (int k = 0; k < row->n; k++) x[k] = row_array(row, k, 3, WG_F64, 4);
        CHECK(wg_layer_forward(p.l, row->n, x, true, &y) == WG_OK);
        dy = y;
        dy.data = malloc((size_t)wg_type_bytes(&y.type) + 1);
        memcpy(dy.data, y.data, (size_t)wg_type_bytes(&y.type));
        CHECK(wg_layer_backward(p.l, 1, &dy, false, dx) == WG_OK);
        for (int k = 0; k < row->n; k++) {
            kept[k] = dx[k];
            if (!dx[k].data) continue;
            kept[k].data = malloc((size_t)wg_type_bytes(&dx[k].type) + 1);
            memcpy(kept[k].data, dx[k].data, (size_t)wg_type_bytes(&dx[k].type));
        }
        for (int k = 0; k < wg_params_count(p.w); k++) {
            const wg_param *e = wg_params_at(p.w, k);

            if (e->value.type.dtype == WG_F64) wg_params_fill(p.w, e->name, 9, NULL);
        }
        for (int k = 0; k < row->n; k++) memset(x[k].data, 0, (size_t)wg_type_bytes(&x[k].type));
        CHECK(wg_layer_backward(p.l, 1, &dy, true, dx) == WG_OK);
        for (int k = 0; k < row->n; k++)
            if (kept[k].data) same_array(&dx[k], &kept[k], 0, row->kind, "dx after a change");
        for (int k = 0; k < row->n; k++) {
            free(x[k].data);
            free(kept[k].data);
        }
        free(dy.data);
        row_free(&p);
    }
}

/* The gradient of S = sum(G dX), dX = f'(Z) dY W', y = tanh(x W) with one number in each: W has the
 * term of f'' too, and x a gradient at all. */
static void erratum_Y17_second_order_of_dense(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_fully_connected(w, "l", (wg_fc_hyper){ .n_out = 1, .act_fn = "Tanh" });
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 1)), *dx, *s, *d[2];
    double at = 0.7, of = 0.4, t = tanh(at * of), d1 = 1 - t * t, d2 = -2 * t * d1;
    wg_feed feed = { "x", WG_F64_ARRAY(&at, 1, 1) };
    wg_error error = { .code = WG_OK };
    wg_array read;

    dx = wg_grad1(wg_sum(wg_apply(l, x), WG_ALL_AXES, false), x);
    s = wg_sum(dx, WG_ALL_AXES, false);
    wg_grad(s, 2, (wg_tensor *[]){ x, wg_param_leaf(g, w, "l/W") }, d);
    NO_ERROR(wg_graph_error(g));
    wg_params_set(w, "l/W", WG_F64_ARRAY(&of, 1, 1), NULL);
    CHECK(wg_read(d[0], w, 1, &feed, &read, &error) == WG_OK);
    CLOSE1(wg_item(&read), d2 * of * of, 1e-14, 0);
    wg_free(read.data);
    CHECK(wg_read(d[1], w, 1, &feed, &read, &error) == WG_OK);
    CLOSE1(wg_item(&read), d1 + d2 * at * of, 1e-14, 0);
    wg_free(read.data);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* ---- windows ---- */

/* The maximum of 2x2 windows of a padded 2x2 image. */
static wg_layer *padded_pool(wg_params *w, wg_array *y)
{
    static const double data[] = { -1, -2, -3, 4 };
    wg_layer *l = made(w, "Pool2D", "{\"kernel_shape\": [2, 2], \"pad\": 1}");
    wg_array x = WG_F64_ARRAY(data, 1, 2, 2, 1);

    CHECK(wg_layer_forward(l, 1, &x, true, y) == WG_OK);
    return l;
}

/* Windows of the gradient are those of the padded image; what falls on padding is dropped. */
static void erratum_Y25_gradient_of_a_padded_image(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    double ones[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    wg_array dy = WG_F64_ARRAY(ones, 1, 3, 3, 1), y, dx;
    wg_layer *l = padded_pool(w, &y);

    CHECK(wg_layer_backward(l, 1, &dy, true, &dx) == WG_OK);
    CLOSE((double *)dx.data, ((const double[]){ 0, 0, 0, 4 }), 4, 0, 0);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Padding is zeros, as documented, that take part in the maximum. */
static void erratum_Y26_padding_takes_part(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_array y;
    wg_layer *l = padded_pool(w, &y);

    CLOSE((double *)y.data, ((const double[]){ 0, 0, 0, 0, 4, 4, 0, 4, 4 }), 9, 0, 0);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The output of a transposed convolution of one pixel is the kernel; each side is cropped by its
 * own number. */
static void erratum_Y27_each_side_is_cropped_by_its_own(void)
{
    static const double kernel[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, one[] = { 1 };
    static const struct {
        const char *json;
        int64_t rows, cols;
        double want[9];
    } cases[] = {
        { "{\"out_ch\": 1, \"kernel_shape\": [3, 3]}", 3, 3, { 1, 2, 3, 4, 5, 6, 7, 8, 9 } },
        { "{\"out_ch\": 1, \"kernel_shape\": [3, 3], \"pad\": [0, 2, 1, 0]}", 1, 2, { 2, 3 } },
        { "{\"out_ch\": 1, \"kernel_shape\": [3, 3], \"pad\": [1, 0, 0, 2]}", 2, 1, { 4, 7 } },
        { "{\"out_ch\": 1, \"kernel_shape\": [3, 3], \"pad\": 1}", 1, 1, { 5 } },
        { "{\"out_ch\": 1, \"kernel_shape\": [3, 3], \"pad\": \"same\"}", 1, 1, { 5 } },
    };
    wg_array x = WG_F64_ARRAY(one, 1, 1, 1, 1), y;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = made(w, "Deconv2D", cases[i].json);

        CHECK(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
        CHECK(wg_params_set(w, "l/W", WG_F64_ARRAY(kernel, 3, 3, 1, 1), NULL) == WG_OK);
        CHECK(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
        EQ_INT(y.type.shape.dim[1], cases[i].rows);
        EQ_INT(y.type.shape.dim[2], cases[i].cols);
        CLOSE((double *)y.data, cases[i].want, cases[i].rows * cases[i].cols, 1e-15, 0);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* A pad beyond kernel - 1 crops on: 3 rows at stride 2, kernel 2 make 6, less 2 + 2. */
static void erratum_Y28_crop_beyond_the_kernel(void)
{
    static const double nine[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l =
        made(w, "Deconv2D", "{\"out_ch\": 1, \"kernel_shape\": [2, 2], \"stride\": 2, \"pad\": 2}");
    wg_array image = WG_F64_ARRAY(nine, 1, 3, 3, 1), y;

    CHECK(wg_layer_forward(l, 1, &image, false, &y) == WG_OK);
    EQ_INT(y.type.shape.dim[1], 2);
    EQ_INT(y.type.shape.dim[2], 2);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Padding that cannot give a size: a crop of everything, a kernel larger than the padded image. */
static void nothing_left(void)
{
    static const double zeros[16];
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l =
        made(w, "Deconv2D", "{\"out_ch\": 2, \"kernel_shape\": [2, 2], \"pad\": [1, 1, 0, 0]}");
    wg_array x = WG_F64_ARRAY(zeros, 1, 1, 4, 1), y;

    EQ_INT(wg_layer_forward(l, 1, &x, true, &y), WG_ESHAPE);
    ERROR_IS(wg_layer_error(l), WG_ESHAPE,
             "Deconv2D: the input is f64[1 x 1 x 4 x 1]: pad leaves f64[1 x 0 x 5 x 2]", NULL);
    EQ_STR(wg_layer_error(l)->scope, "l");
    wg_layer_free(l);
    l = wg_layer_make(w, "c", "Conv2D", "{\"out_ch\": 2, \"kernel_shape\": [3, 3]}", NULL);
    EQ_INT(wg_layer_forward(l, 1, &x, true, &y), WG_ESHAPE);
    ERROR_IS(wg_layer_error(l), WG_ESHAPE,
             "conv2d: a window that reaches over 3 rows does not fit into f64[1 x 1 x 4 x 1] with "
             "its padding",
             NULL);
    EQ_STR(wg_layer_error(l)->scope, "c");
    wg_layer_free(l);
    wg_params_free(w);
}

/* "same" of a transposed convolution at stride s gives s (rows - 1) + 1 rows: the size of the
 * dilated input. */
static void erratum_U7_same_of_deconvolution(void)
{
    static const double zeros[16];
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l =
        made(w, "Deconv2D",
             "{\"out_ch\": 2, \"kernel_shape\": [3, 2], \"stride\": 2, \"pad\": \"same\"}");
    wg_array x = WG_F64_ARRAY(zeros, 1, 4, 4, 1), y;

    CHECK(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
    EQ_INT(y.type.shape.dim[1], 7);
    EQ_INT(y.type.shape.dim[2], 7);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Another image size at any time, with gradients of each. */
static void other_image_sizes(void)
{
    static const char *const kinds[] = { "Conv2D", "Deconv2D", "Pool2D" };
    double data[300];

    wg_random_normal(1, 2, 3, 0, 300, WG_F64, data);
    for (int i = 0; i < 3; i++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = made(w, kinds[i],
                           i == 2 ? "{\"kernel_shape\": [2, 2], \"mode\": \"average\"}"
                                  : "{\"out_ch\": 3, \"kernel_shape\": [2, 2], \"pad\": \"same\"}");
        wg_array x[2] = { WG_F64_ARRAY(data, 2, 4, 5, 2), WG_F64_ARRAY(data, 1, 7, 6, 2) }, y[2],
                 dy[2], dx[2];
        double up[2][300];

        for (int f = 0; f < 2; f++) {
            CHECK(wg_layer_forward(l, 1, &x[f], true, &y[f]) == WG_OK);
            memcpy(up[f], y[f].data, (size_t)wg_type_bytes(&y[f].type));
            dy[f] = (wg_array){ y[f].type, up[f] };
        }
        CHECK(wg_layer_backward(l, 2, dy, true, dx) == WG_OK);
        CHECK(wg_type_equal(&dx[0].type, &x[0].type) && wg_type_equal(&dx[1].type, &x[1].type));
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* ---- what is refused ---- */

static void mistakes_of_hyperparameters(void)
{
    static const struct {
        const char *kind, *json;
        wg_status code;
        const char *text;
    } rows[] = {
        { "Conv1D", "{\"kernel_width\": 2}", WG_EARG, "Conv1D: out_ch is 0, wanted at least 1" },
        { "Conv1D", "{\"out_ch\": 2}", WG_EARG, "Conv1D: kernel_width is 0, wanted at least 1" },
        { "Conv1D", "{\"out_ch\": 2, \"kernel_width\": 2, \"stride\": 0}", WG_EARG,
          "Conv1D: stride is 0, wanted at least 1" },
        { "Conv1D", "{\"out_ch\": 2, \"kernel_width\": 2, \"dilation\": -1}", WG_EARG,
          "Conv1D: dilation is -1, wanted at least 0" },
        { "Conv1D", "{\"out_ch\": 2, \"kernel_width\": 2, \"pad\": \"casual\"}", WG_EARG,
          "Conv1D: pad is \"casual\"; the nearest valid one is \"causal\"" },
        { "Conv1D", "{\"out_ch\": 2, \"kernel_width\": 2, \"pad\": [1, 2, 3]}", WG_EARG,
          "Conv1D: pad has 3 numbers, wanted 2" },
        { "Conv1D", "{\"out_ch\": 2, \"kernel_width\": 2, \"pad\": -1}", WG_EARG,
          "Conv1D: pad is -1, wanted at least 0" },
        { "Conv2D", "{\"out_ch\": 2, \"kernel_shape\": [2, 2], \"pad\": \"causal\"}", WG_EARG,
          "Conv2D: pad is \"causal\"; the nearest valid one is \"same\"" },
        { "Deconv2D", "{\"out_ch\": 2, \"kernel_shape\": [2, 0]}", WG_EARG,
          "Deconv2D: out_ch 2 and kernel_shape (2, 0) must be at least 1" },
        { "Pool2D", "{}", WG_EARG, "Pool2D: kernel_shape (0, 0) must be at least 1" },
        { "Pool2D", "{\"kernel_shape\": [2, 2], \"stride\": -2}", WG_EARG,
          "Pool2D: stride is -2, wanted at least 1" },
        { "Embedding", "{\"n_out\": 2}", WG_EARG,
          "Embedding: n_out 2 and vocab_size 0 must be at least 1" },
        { "Embedding", "{\"n_out\": 2, \"vocab_size\": 3, \"pool\": \"max\"}", WG_ENAME,
          "Embedding: unknown pool \"max\": known are sum and mean" },
        { "Add", "{\"n_inputs\": -1}", WG_EARG, "Add: n_inputs is -1, wanted 0 (any) or more" },
        { "Softmax", "{\"dims\": 1}", WG_ENAME,
          "Softmax: no hyperparameter is called dims; the nearest is dim" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_error error = { .code = WG_OK };
        wg_layer *l = wg_layer_make(w, "l", rows[i].kind, rows[i].json, &error);

        CHECK(l == NULL);
        ERROR_IS(&error, rows[i].code, rows[i].text, NULL);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* Operands that do not fit, with the layer's path. */
static void mistakes_of_operands(void)
{
    static const struct {
        const char *kind, *json;
        int n;
        wg_type x[2];
        wg_status code;
        const char *text;
    } rows[] = {
        { "Conv1D",
          "{\"out_ch\": 2, \"kernel_width\": 2}",
          1,
          { { WG_F64, { 2, { 2, 3 } } } },
          WG_ESHAPE,
          "Conv1D: the input is f64[2 x 3], wanted [n, length, in_ch]" },
        { "Deconv2D",
          "{\"out_ch\": 2, \"kernel_shape\": [2, 2]}",
          1,
          { { WG_F64, { 3, { 2, 3, 4 } } } },
          WG_ESHAPE,
          "Deconv2D: the input is f64[2 x 3 x 4], wanted [n, rows, cols, in_ch]" },
        { "Add",
          "{}",
          2,
          { { WG_F64, { 2, { 2, 3 } } }, { WG_F64, { 2, { 1, 3 } } } },
          WG_ESHAPE,
          "Add: operand 1 is f64[1 x 3], operand 0 is f64[2 x 3]" },
        { "Multiply",
          "{\"n_inputs\": 3}",
          2,
          { { WG_F64, { 2, { 2, 3 } } }, { WG_F64, { 2, { 2, 3 } } } },
          WG_EARG,
          "Multiply: 2 operands given, n_inputs is 3" },
        { "Softmax",
          "{\"dim\": 2}",
          1,
          { { WG_F64, { 2, { 2, 3 } } } },
          WG_EARG,
          "Softmax: dim is 2, the input is f64[2 x 3]" },
        { "Flatten",
          "{}",
          1,
          { { WG_F64, { 0, { 0 } } } },
          WG_ESHAPE,
          "Flatten: the input is f64[], wanted rank 1 or more" },
        { "Embedding",
          "{\"n_out\": 2, \"vocab_size\": 3}",
          1,
          { { WG_F64, { 2, { 2, 3 } } } },
          WG_EDTYPE,
          "Embedding: ids are f64[2 x 3], wanted i64 [n, n_in]" },
        { "Embedding",
          "{\"n_out\": 2, \"vocab_size\": 3}",
          2,
          { { WG_I64, { 2, { 2, 3 } } }, { WG_F64, { 2, { 2, 4 } } } },
          WG_ESHAPE,
          "Embedding: weights are f64[2 x 4], ids are i64[2 x 3]" },
        { "Embedding",
          "{\"n_out\": 2, \"vocab_size\": 3, \"pool\": \"sum\"}",
          2,
          { { WG_I64, { 1, { 4 } } }, { WG_I64, { 1, { 1 } } } },
          WG_ESHAPE,
          "Embedding: offsets are i64[1], wanted i64[n + 1], n 1 or more" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_graph *g = wg_graph_new();
        wg_layer *l = made(w, rows[i].kind, rows[i].json);
        wg_tensor *x[2];
        const char *here;

        for (int k = 0; k < rows[i].n; k++)
            x[k] = wg_input(g, k ? "b" : "a", rows[i].x[k].dtype, rows[i].x[k].shape);
        wg_apply_n(l, rows[i].n, x), here = HERE;
        ERROR_IS(wg_graph_error(g), rows[i].code, rows[i].text, here);
        EQ_STR(wg_graph_error(g)->scope, "l");
        wg_layer_free(l);
        wg_graph_free(g);
        wg_params_free(w);
    }
}

/* A first input that does not fit is no end: the layer learns from the next. */
static void after_a_wrong_first_input(void)
{
    double zeros[24] = { 0 };

    for (int i = 0; i < N_LAYER_ROWS; i++) {
        const layer_row *row = &layer_rows[i];
        wg_array x[ROW_OPERANDS], y, wrong = WG_F64_ARRAY(zeros, 1, 1, 1, 1, 1);
        row_program p;
        bool any;

        row_begin(&p, row, WG_F64);
        for (int k = 0; k < row->n; k++) x[k] = row_array(row, k, 2, WG_F64, 0);
        any = strcmp(row->kind, "FullyConnected") == 0 ||
              strcmp(row->kind, "SparseEvolution") == 0 || strcmp(row->kind, "Flatten") == 0 ||
              strcmp(row->kind, "Softmax") == 0 || row->n > 1 || strcmp(row->kind, "Dropout") == 0;
        if (!any) {
            CHECK(wg_layer_forward(p.l, 1, &wrong, true, &y) != WG_OK);
            CHECK(wg_layer_error(p.l)->text[0] != 0);
        }
        CHECK(wg_layer_forward(p.l, row->n, x, true, &y) == WG_OK);
        NO_ERROR(wg_layer_error(p.l));
        for (int k = 0; k < row->n; k++) free(x[k].data);
        row_free(&p);
    }
}

/* Fed other extents than recorded, operands of Add do not broadcast. */
static void merging_does_not_broadcast(void)
{
    static const double zeros[6];
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_add_layer(w, "sum", (wg_merge_hyper){ 0 });
    wg_tensor *x[2] = { wg_input(g, "a", WG_F64, WG_SHAPE(1, 3)),
                        wg_input(g, "b", WG_F64, WG_SHAPE(1, 3)) };
    wg_error error = { .code = WG_OK };
    wg_array y;
    wg_feed feeds[2] = { { "a", WG_F64_ARRAY(zeros, 2, 3) }, { "b", WG_F64_ARRAY(zeros, 1, 3) } };

    EQ_INT(wg_read(wg_apply_n(l, 2, x), w, 2, feeds, &y, &error), WG_ESHAPE);
    feeds[1].value = feeds[0].value;
    error.code = WG_OK;
    CHECK(wg_read(wg_apply_n(l, 2, x), w, 2, feeds, &y, &error) == WG_OK);
    wg_free(y.data);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

TESTS(TEST(erratum_Y5_softmax_of_four_axes), TEST(erratum_Y6_softmax_along_other_axes),
      TEST(erratum_Y7_softmax_hyperparameters), TEST(erratum_Y17_second_order_of_dense),
      TEST(erratum_Y18_stored_values), TEST(erratum_Y25_gradient_of_a_padded_image),
      TEST(erratum_Y26_padding_takes_part), TEST(erratum_Y27_each_side_is_cropped_by_its_own),
      TEST(erratum_Y28_crop_beyond_the_kernel), TEST(erratum_U7_same_of_deconvolution),
      TEST(nothing_left), TEST(other_image_sizes), TEST(mistakes_of_hyperparameters),
      TEST(mistakes_of_operands), TEST(after_a_wrong_first_input), TEST(merging_does_not_broadcast))
