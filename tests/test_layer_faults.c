/* test_layer_faults.c: numpy-ml's faults in convolutions, pooling, softmax, embeddings and merging layers, and what is
 * refused there. */
#include <jansson.h>

#include "layer_rows.h"

static wg_layer *made(wg_params *w, const char *kind, const char *json)
{
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_layer_make(w, "l", kind, json, &error);

    NO_ERROR(&error);
    return l;
}

/* ---- embeddings ---- */

/* The table of vocab_size 4, n_out 2: row i is (i + 1, 10 (i + 1)). */
static wg_layer *table(wg_params *w, const char *pool)
{
    static const double rows[] = { 1, 10, 2, 20, 3, 30, 4, 40 };
    wg_layer *l =
        wg_embedding(w, "e", (wg_embedding_hyper){ .n_out = 2, .vocab_size = 4, .pool = pool });
    int64_t ids[1] = { 0 };
    wg_array x = WG_I64_ARRAY(ids, 1, 1), y;

    CHECK(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
    CHECK(wg_params_set(w, "e/W", WG_F64_ARRAY(rows, 4, 2), NULL) == WG_OK);
    return l;
}

/* A repeated id counts each time, in the value and in its gradient. */
static void erratum_Y16_repeated_ids(void)
{
    static const char *const pools[] = { "sum", "mean" };

    for (int i = 0; i < 2; i++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = table(w, pools[i]);
        int64_t ids[] = { 2, 2, 2, 1 };
        double ones[] = { 1, 1 }, of = i ? 4 : 1;
        wg_array x = WG_I64_ARRAY(ids, 1, 4), dy = WG_F64_ARRAY(ones, 1, 1, 2), y, d;

        CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
        CHECK(wg_type_equal(&y.type, &dy.type));
        CLOSE((double *)y.data, ((const double[]){ 11 / of, 110 / of }), 2, 1e-15, 0);
        CHECK(wg_layer_backward(l, 1, &dy, true, NULL) == WG_OK);
        d = wg_layer_gradient(l, "W");
        CLOSE((double *)d.data, ((const double[]){ 0, 0, 1 / of, 1 / of, 3 / of, 3 / of, 0, 0 }), 8,
              1e-15, 0);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* Examples of any length by offsets, one of them empty; the same padded with weight 0. */
static void ragged_and_padded(void)
{
    static const char *const pools[] = { "sum", "mean" };

    for (int i = 0; i < 2; i++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = table(w, pools[i]);
        int64_t ids[] = { 3, 0, 1, 1, 2 }, offsets[] = { 0, 1, 1, 5 };
        int64_t rectangle[] = { 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2 };
        double weights[] = { 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1 }, kept[6];
        double want[] = { 4, 40, 0, 0, i ? 2 : 8, i ? 20 : 80 };
        wg_array x[2] = { WG_I64_ARRAY(ids, 5), WG_I64_ARRAY(offsets, 4) }, y, dw[2];
        wg_array p[2] = { WG_I64_ARRAY(rectangle, 3, 4), WG_F64_ARRAY(weights, 3, 4) };
        double grad[8];

        CHECK(wg_layer_forward(l, 2, x, true, &y) == WG_OK);
        NO_ERROR(wg_layer_error(l));
        EQ_INT(y.type.shape.dim[0], 3);
        CLOSE((double *)y.data, want, 6, 1e-15, 0);
        memcpy(kept, want, sizeof kept);
        CHECK(wg_layer_backward(l, 1, &(wg_array){ y.type, kept }, true, NULL) == WG_OK);
        dw[0] = wg_layer_gradient(l, "W");
        memcpy(grad, dw[0].data, sizeof grad);
        wg_layer_flush_gradients(l);
        CHECK(wg_layer_forward(l, 2, p, true, &y) == WG_OK);
        NO_ERROR(wg_layer_error(l));
        CLOSE((double *)y.data, want, 6, 1e-15, 0);
        CHECK(wg_layer_backward(l, 1, &(wg_array){ y.type, kept }, true, NULL) == WG_OK);
        dw[1] = wg_layer_gradient(l, "W");
        CLOSE((double *)dw[1].data, (double *)grad, 8, 1e-15, 1e-15);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

static void offsets_that_do_not_fit(void)
{
    static const int64_t bad[][4] = {
        { 1, 2, 3, 4 }, { 0, 1, 2, 3 }, { 0, 1, 2, 5 }, { 0, 3, 1, 4 }, { 0, -1, 2, 4 }
    };
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = table(w, "sum"), *plain;
    int64_t ids[] = { 3, 0, 1, 2 }, uneven[] = { 0, 1, 4 };
    wg_array x[2] = { WG_I64_ARRAY(ids, 4), { .data = NULL } }, y;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        x[1] = WG_I64_ARRAY(bad[i], 4);
        harness_check(wg_layer_forward(l, 2, x, true, &y) == WG_EINDEX, __FILE__, __LINE__,
                      "offsets %zu are taken", i);
    }
    ids[1] = 4;
    x[1] = WG_I64_ARRAY(((const int64_t[]){ 0, 1, 2, 4 }), 4);
    EQ_INT(wg_layer_forward(l, 2, x, true, &y), WG_EINDEX);
    ids[1] = 0;
    CHECK(wg_layer_forward(l, 2, x, true, &y) == WG_OK);
    wg_layer_free(l);
    wg_params_free(w);
    /* without pool all examples have one length */
    w = wg_params_new(WG_F64, 1);
    plain = table(w, NULL);
    x[1] = WG_I64_ARRAY(uneven, 3);
    EQ_INT(wg_layer_forward(plain, 2, x, true, &y), WG_EINDEX);
    x[0] = WG_I64_ARRAY(ids, 3);
    EQ_INT(wg_layer_forward(plain, 2, x, true, &y), WG_ESHAPE);
    ERROR_IS(wg_layer_error(plain), WG_ESHAPE,
             "Embedding: 3 ids in 2 examples: without pool all have one length", NULL);
    wg_layer_free(plain);
    wg_params_free(w);
}

static void lookup(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = table(w, "mean"),
             *fresh = wg_embedding(w, "f", (wg_embedding_hyper){ .n_out = 2, .vocab_size = 3 });
    int64_t ids[] = { 3, 1, 4 };
    wg_array y;

    CHECK(wg_embedding_lookup(l, WG_I64_ARRAY(ids, 2), &y) == WG_OK);
    CLOSE((double *)y.data, ((const double[]){ 4, 40, 2, 20 }), 4, 0, 0);
    wg_free(y.data);
    EQ_INT(wg_embedding_lookup(l, WG_I64_ARRAY(ids, 3), &y), WG_EINDEX);
    CHECK(y.data == NULL);
    EQ_INT(wg_embedding_lookup(fresh, WG_I64_ARRAY(ids, 1), &y), WG_ESTATE);
    ERROR_IS(wg_layer_error(fresh), WG_ESTATE, "Embedding: f has no W before its first use", NULL);
    EQ_INT(wg_embedding_lookup(l, WG_F64_ARRAY(ids, 2), &y), WG_EDTYPE);
    ERROR_IS(wg_layer_error(l), WG_EDTYPE, "Embedding: e: ids are f64[2], wanted i64", NULL);
    wg_layer_free(l);
    wg_layer_free(fresh);
    wg_params_free(w);
}

/* ---- softmax ---- */

/* Along any axis: sums are 1, and the gradient of those sums is 0. numpy-ml knows the last axis of 2-D alone. */
static void erratum_Y5_Y6_softmax_along_any_axis(void)
{
    double data[120], ones[120];

    wg_random_normal(1, 2, 3, 0, 120, WG_F64, data);
    for (int i = 0; i < 120; i++) ones[i] = 1;
    for (int dim = 0; dim < 4; dim++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        char json[32];
        wg_layer *l;
        wg_array x = WG_F64_ARRAY(data, 2, 3, 4, 5), dy = WG_F64_ARRAY(ones, 2, 3, 4, 5), y, dx;
        int64_t stride = dim == 0   ? 60
                         : dim == 1 ? 20
                         : dim == 2 ? 5
                                    : 1,
                n = x.type.shape.dim[dim];

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

/* ---- windows ---- */

/* Padding zeros take part in the maximum and get no gradient: windows are those of the padded image. */
static void erratum_Y25_Y26_pool_of_a_padded_image(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = made(w, "Pool2D", "{\"kernel_shape\": [2, 2], \"pad\": 1}");
    double data[] = { -1, -2, -3, 4 }, ones[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    wg_array x = WG_F64_ARRAY(data, 1, 2, 2, 1), dy = WG_F64_ARRAY(ones, 1, 3, 3, 1), y, dx;

    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CLOSE((double *)y.data, ((const double[]){ 0, 0, 0, 0, 4, 4, 0, 4, 4 }), 9, 0, 0);
    CHECK(wg_layer_backward(l, 1, &dy, true, &dx) == WG_OK);
    CLOSE((double *)dx.data, ((const double[]){ 0, 0, 0, 4 }), 4, 0, 0);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The output of a transposed convolution of one pixel is the kernel; each side is cropped by its own number. */
static void erratum_Y27_Y28_crop_of_deconvolution(void)
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
    double nine[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };

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
    { /* pad beyond kernel - 1 crops on: 3 rows at stride 2, kernel 2: 6 rows, less 2 + 2 */
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = made(w, "Deconv2D",
                           "{\"out_ch\": 1, \"kernel_shape\": [2, 2], \"stride\": 2, \"pad\": 2}");
        wg_array image = WG_F64_ARRAY(nine, 1, 3, 3, 1);

        CHECK(wg_layer_forward(l, 1, &image, false, &y) == WG_OK);
        EQ_INT(y.type.shape.dim[1], 2);
        EQ_INT(y.type.shape.dim[2], 2);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* "same" of a transposed convolution at stride s gives s (rows - 1) + 1 rows: the size of the dilated input. */
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

TESTS(TEST(erratum_Y16_repeated_ids), TEST(ragged_and_padded), TEST(offsets_that_do_not_fit),
      TEST(lookup), TEST(erratum_Y5_Y6_softmax_along_any_axis),
      TEST(erratum_Y7_softmax_hyperparameters), TEST(erratum_Y18_stored_values),
      TEST(erratum_Y25_Y26_pool_of_a_padded_image), TEST(erratum_Y27_Y28_crop_of_deconvolution),
      TEST(erratum_U7_same_of_deconvolution), TEST(other_image_sizes),
      TEST(mistakes_of_hyperparameters), TEST(mistakes_of_operands),
      TEST(after_a_wrong_first_input), TEST(merging_does_not_broadcast))
