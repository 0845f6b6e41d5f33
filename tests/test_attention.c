/* test_attention.c: DotProductAttention: golden values, differences, dropout, bad input. */
#include "layer_kit.h"

static const kit_subject subject = { .file = "layer_dot_product_attention",
                                     .kind = "DotProductAttention",
                                     .in = { "Q", "K", "V" },
                                     .out = { "Y" },
                                     .kept = { { "attention_weights", "layer/attention_weights" } },
                                     .mask = "layer/dropout_mask" };

static void golden(void)
{
    kit_golden(&subject);
}

/* Cases with Q0, K0, V0, Q1, ...: two forwards, then one backward for both. */
static void two_forwards(void)
{
    static const char *const in[2][3] = { { "Q0", "K0", "V0" }, { "Q1", "K1", "V1" } };
    static const char *const out[] = { "Y0", "Y1" };
    int seen = 0;

    CASES(subject.file, c)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_array x[2][3], y[2], dy[2], dx[6], want;
        wg_layer *l;

        if (!json_object_get(json_object_get(c, "inputs"), "Q0")) {
            wg_params_free(w);
            continue;
        }
        seen++;
        l = kit_make(&subject, c, w);
        for (int f = 0; f < 2; f++) {
            for (int i = 0; i < 3; i++) x[f][i] = golden_array(c, "inputs", in[f][i]);
            EQ_INT(wg_layer_forward(l, 3, x[f], true, &y[f]), WG_OK);
            want = golden_array(c, "outputs", out[f]);
            GOLDEN_CLOSE(&y[f], &want, 1e-9, out[f], c);
            free(want.data);
            dy[f] = golden_array(c, "output_grads", out[f]);
        }
        EQ_INT(wg_layer_backward(l, 2, dy, true, dx), WG_OK);
        for (int i = 0; i < 6; i++) {
            want = golden_array(c, "input_grads", in[i / 3][i % 3]);
            GOLDEN_CLOSE(&dx[i], &want, 1e-9, in[i / 3][i % 3], c);
            free(want.data);
            free(x[i / 3][i % 3].data);
        }
        for (int f = 0; f < 2; f++) free(dy[f].data);
        wg_layer_free(l);
        wg_params_free(w);
    }
    json_decref(root);
    EQ_INT(seen, 1);
}

static void differences(void)
{
    for (int scale = 0; scale < 2; scale++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = wg_dot_product_attention(w, "att", (wg_attention_hyper){ .unscaled = scale });
        wg_shape two[] = { WG_SHAPE(2, 3), WG_SHAPE(4, 3), WG_SHAPE(4, 2) };
        wg_shape four[] = { WG_SHAPE(2, 1, 2, 3), WG_SHAPE(2, 1, 3, 3), WG_SHAPE(2, 1, 3, 1) };

        kit_check(l, w, 3, two, 2);
        kit_check(l, w, 3, four, 2);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* A layer with a dropout of one half recorded on q, k, v of [2, 3, 4], the weights as output. */
static wg_plan *weights_plan(wg_params *w, wg_layer *l, wg_mode mode, wg_graph **g)
{
    wg_tensor *x[3];
    wg_plan *p;

    *g = wg_graph_new();
    wg_begin(*g, "f", mode);
    x[0] = wg_input(*g, "q", WG_F64, WG_SHAPE(1, 3, 4));
    x[1] = wg_input(*g, "k", WG_F64, WG_SHAPE(1, 50, 4));
    x[2] = wg_input(*g, "v", WG_F64, WG_SHAPE(1, 50, 1));
    wg_output("y", wg_apply_n(l, 3, x));
    wg_end(*g);
    NO_ERROR(wg_graph_error(*g));
    p = wg_plan_new(*g, w, "f", &(wg_plan_options){ .keep = true });
    NO_ERROR(wg_graph_error(*g));
    return p;
}

/* Zeros among the weights, and the largest |sum of a row - 1|. */
static int dropped(wg_plan *p, double *off)
{
    double *q = kit_numbers(24, 1), *k = kit_numbers(400, 2), *v = kit_numbers(100, 3), sum;
    const wg_array *a;
    int zeros = 0;

    wg_plan_feed(p, "q", WG_F64_ARRAY(q, 2, 3, 4));
    wg_plan_feed(p, "k", WG_F64_ARRAY(k, 2, 50, 4));
    wg_plan_feed(p, "v", WG_F64_ARRAY(v, 2, 50, 1));
    EQ_INT(wg_plan_run(p), WG_OK);
    a = wg_plan_value(p, "att/attention_weights");
    CHECK(a != NULL);
    *off = 0;
    for (int row = 0; a && row < 6; row++) {
        sum = 0;
        for (int i = 0; i < 50; i++) {
            double x = ((double *)a->data)[row * 50 + i];

            zeros += x == 0;
            sum += x;
        }
        *off = fmax(*off, fabs(sum - 1));
    }
    free(q);
    free(k);
    free(v);
    return zeros;
}

/* numpy-ml masks the scores: no weight is ever dropped, and every row sums to 1 / (1 - p). */
static void erratum_Y2_dropout_of_the_weights(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_dot_product_attention(w, "att", (wg_attention_hyper){ .dropout_p = 0.5 });
    wg_graph *train, *predict, *frozen;
    wg_plan *p = weights_plan(w, l, WG_TRAIN, &train),
            *q = weights_plan(w, l, WG_PREDICT, &predict);
    wg_plan *r;
    double off;
    int n = dropped(p, &off);

    CHECK(n > 100 && n < 200); /* of 300, sigma is 8.7 */
    CHECK(off > 0.01);
    EQ_INT(dropped(q, &off), 0);
    CLOSE1(1 + off, 1, 1e-12, 0);
    wg_layer_freeze(l);
    r = weights_plan(w, l, WG_TRAIN, &frozen);
    EQ_INT(dropped(r, &off), 0);
    wg_layer_unfreeze(l);
    wg_plan_free(p);
    wg_plan_free(q);
    wg_plan_free(r);
    wg_graph_free(train);
    wg_graph_free(predict);
    wg_graph_free(frozen);
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml cannot take a second minibatch: the inner softmax keeps its inputs. */
static void erratum_Y3_second_minibatch(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_dot_product_attention(w, "att", (wg_attention_hyper){ 0 });
    double *v = kit_numbers(200, 4), *first = NULL;

    for (int batch = 0; batch < 3; batch++) {
        int n = batch == 1 ? 3 : 2;
        wg_array x[] = { WG_F64_ARRAY(v, n, 3, 4), WG_F64_ARRAY(v + 40, n, 5, 4),
                         WG_F64_ARRAY(v + 100, n, 5, 2) };
        wg_array y, dy = WG_F64_ARRAY(v + 140, n, 3, 2), dx[3];

        EQ_INT(wg_layer_forward(l, 3, x, true, &y), WG_OK);
        EQ_INT(wg_layer_backward(l, 1, &dy, true, dx), WG_OK);
        NO_ERROR(wg_layer_error(l));
        if (batch == 0) {
            first = calloc(24, sizeof *first);
            memcpy(first, dx[0].data, 24 * sizeof *first);
        }
        if (batch == 2) SAME_BITS(dx[0].data, first, 24 * sizeof *first);
        wg_layer_flush_gradients(l);
    }
    free(first);
    free(v);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Used twice in one training function, with its own draw each time. */
static void twice_in_one_graph(void)
{
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_layer *l = wg_dot_product_attention(w, "att", (wg_attention_hyper){ .dropout_p = 0.25 });
    wg_graph *g = wg_graph_new();
    wg_tensor *x, *y, *z;

    wg_begin(g, "f", WG_TRAIN);
    x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3, 4));
    y = wg_apply_n(l, 3, (wg_tensor *[]){ x, x, x });
    z = wg_apply_n(l, 3, (wg_tensor *[]){ y, x, x });
    wg_output("z", z);
    CHECK(!wg_name_is_free(g, "att/dropout_mask"));
    CHECK(!wg_name_is_free(g, "att/dropout_mask_2"));
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A mask is added to the scores: with first and second derivatives, and of any extents that broadcast. */
static void mask_differences(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_dot_product_attention(w, "att", (wg_attention_hyper){ 0 });
    wg_shape two[] = { WG_SHAPE(2, 3), WG_SHAPE(4, 3), WG_SHAPE(4, 2), WG_SHAPE(2, 4) };
    wg_shape four[] = { WG_SHAPE(2, 1, 2, 3), WG_SHAPE(2, 1, 3, 3), WG_SHAPE(2, 1, 3, 1),
                        WG_SHAPE(2, 1) };

    kit_check(l, w, 4, two, 2);
    kit_check(l, w, 4, four, 2);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Keys that are masked out might as well not be there: same values, and gradients of exactly 0. */
static void masked_keys_do_not_count(void)
{
    static const double never[] = { -INFINITY, -1e9 };

    for (int i = 0; i < 2; i++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = wg_dot_product_attention(w, "att", (wg_attention_hyper){ 0 });
        double *q = kit_numbers(6, 1), *k = kit_numbers(12, 2), *v = kit_numbers(8, 3);
        double mask[] = { 0, 0, never[i], never[i] };
        wg_array few[] = { WG_F64_ARRAY(q, 2, 3), WG_F64_ARRAY(k, 2, 3), WG_F64_ARRAY(v, 2, 2) };
        wg_array all[] = { few[0], WG_F64_ARRAY(k, 4, 3), WG_F64_ARRAY(v, 4, 2),
                           WG_F64_ARRAY(mask, 1, 4) };
        wg_array y, dy = WG_F64_ARRAY(q, 2, 2), dx[4];
        double want[4];

        EQ_INT(wg_layer_forward(l, 3, few, false, &y), WG_OK);
        memcpy(want, y.data, sizeof want);
        EQ_INT(wg_layer_forward(l, 4, all, true, &y), WG_OK);
        for (int j = 0; j < 4; j++) CLOSE1(((double *)y.data)[j], want[j], 1e-14, j);
        EQ_INT(wg_layer_backward(l, 1, &dy, true, dx), WG_OK);
        for (int j = 0; j < 12; j++) CHECK((((double *)dx[1].data)[j] != 0) == (j < 6));
        for (int j = 0; j < 8; j++) CHECK((((double *)dx[2].data)[j] != 0) == (j < 4));
        free(q);
        free(k);
        free(v);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* Recorded with one length, run with another: a mask of the first one's extents does not fit. */
static void mask_of_another_length(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_dot_product_attention(w, "att", (wg_attention_hyper){ 0 });
    wg_graph *g = wg_graph_new();
    double *v = kit_numbers(100, 1);
    wg_tensor *x, *mask;
    wg_plan *p;

    wg_begin(g, "f", WG_PREDICT);
    x = wg_input(g, "x", WG_F64, WG_SHAPE(3, 4));
    mask = wg_input(g, "mask", WG_F64, WG_SHAPE(3, 3));
    wg_output("y", wg_apply_n(l, 4, (wg_tensor *[]){ x, x, x, mask }));
    wg_end(g);
    p = wg_plan_new(g, w, "f", NULL);
    NO_ERROR(wg_graph_error(g));
    wg_plan_feed(p, "x", WG_F64_ARRAY(v, 5, 4));
    wg_plan_feed(p, "mask", WG_F64_ARRAY(v, 5, 5));
    EQ_INT(wg_plan_run(p), WG_OK);
    wg_plan_feed(p, "mask", WG_F64_ARRAY(v, 3, 3));
    EQ_INT(wg_plan_run(p), WG_ESHAPE);
    free(v);
    wg_plan_free(p);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

static void bad_input(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_dot_product_attention(w, "a", (wg_attention_hyper){ .dropout_p = 1 });

    ERROR_IS(wg_layer_error(l), WG_EARG,
             "DotProductAttention: dropout_p is 1, wanted 0 <= dropout_p < 1", NULL);
    wg_layer_free(l);
    l = wg_dot_product_attention(w, "a", (wg_attention_hyper){ .init = "xavier" });
    EQ_INT(wg_layer_error(l)->code, WG_ENAME);
    wg_layer_free(l);
    REFUSES(wg_dot_product_attention(w, "a", (wg_attention_hyper){ 0 }), WG_ESHAPE,
            "DotProductAttention: operands are f64[2 x 3], f64[4 x 2], f64[4 x 2], wanted "
            "[..., n_q, d_k], [..., n_k, d_k], [..., n_k, d_v]",
            WG_SHAPE(2, 3), WG_SHAPE(4, 2), WG_SHAPE(4, 2));
    REFUSES(wg_dot_product_attention(w, "a", (wg_attention_hyper){ 0 }), WG_EARG,
            "DotProductAttention: 2 operands given, wanted 3 to 4", WG_SHAPE(2, 3), WG_SHAPE(4, 3));
    REFUSES(wg_dot_product_attention(w, "a", (wg_attention_hyper){ 0 }), WG_ESHAPE,
            "DotProductAttention: the mask is f64[4 x 2], wanted what broadcasts to the scores "
            "f64[2 x 4]",
            WG_SHAPE(2, 3), WG_SHAPE(4, 3), WG_SHAPE(4, 2), WG_SHAPE(4, 2));
    REFUSES(wg_dot_product_attention(w, "a", (wg_attention_hyper){ 0 }), WG_ESHAPE,
            "DotProductAttention: the mask is f64[1 x 2 x 4], wanted what broadcasts to the scores "
            "f64[2 x 4]",
            WG_SHAPE(2, 3), WG_SHAPE(4, 3), WG_SHAPE(4, 2), WG_SHAPE(1, 2, 4));
    wg_params_free(w);
}

TESTS(TEST(golden), TEST(two_forwards), TEST(differences), TEST(erratum_Y2_dropout_of_the_weights),
      TEST(erratum_Y3_second_minibatch), TEST(twice_in_one_graph), TEST(mask_differences),
      TEST(masked_keys_do_not_count), TEST(mask_of_another_length), TEST(bad_input))
