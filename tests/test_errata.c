/*
 * test_errata.c: faults of numpy-ml that belong to no single class's test file: its documentation,
 * its loops, its imports. docs/numpy-ml.md lists them all; tests/check_errata.sh holds it to the
 * tests.
 */
#include <wengert/sampler.h> /* first and by itself: see T7 */

#include <wengert/layer.h>
#include <wengert/layers_more.h>
#include <wengert/layers_seq.h>
#include <wengert/utils.h>

#include "harness.h"

static double numbers(int64_t i)
{
    return fmod(0.618033988749895 * (double)(i + 1), 1) - 0.5;
}

/* The array's elements in new memory: free. */
static wg_array filled(wg_shape shape)
{
    int64_t n = wg_shape_count(&shape);
    double *data = calloc((size_t)n + 1, sizeof *data);

    for (int64_t i = 0; i < n; i++) data[i] = numbers(i);
    return wg_array_of(WG_F64, shape, data);
}

static void shape_is(const wg_array *a, wg_shape want, int line)
{
    char text[WG_TYPE_TEXT];

    harness_check(wg_shape_equal(&a->type.shape, &want), __FILE__, line, "the result is %s",
                  wg_type_text(&a->type, text));
}

/* numpy-ml deletes sections of the caller's dictionary: a second layer gets no parameters from
 * it. */
static void erratum_Y1_summary_stays_whole(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l[3];
    wg_array x = filled(WG_SHAPE(2, 3)), y;
    double want[8];
    char name[4], *text, *copy;

    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "l%d", i);
        l[i] = wg_fully_connected(w, name, (wg_fc_hyper){ .n_out = 4, .act_fn = "Tanh" });
        CHECK(wg_layer_forward(l[i], 1, &x, false, &y) == WG_OK);
        if (i == 0) memcpy(want, y.data, sizeof want);
    }
    text = wg_layer_summary(l[0]);
    copy = strdup(text);
    for (int i = 1; i < 3; i++) {
        CHECK(wg_layer_set_params(l[i], text) == WG_OK);
        EQ_STR(text, copy);
        CHECK(wg_layer_forward(l[i], 1, &x, false, &y) == WG_OK);
        SAME_BITS(y.data, want, sizeof want);
    }
    for (int i = 0; i < 3; i++) wg_layer_free(l[i]);
    wg_free(text);
    free(copy);
    free(x.data);
    wg_params_free(w);
}

/* Documented as K Q^T; it is softmax(Q K^T / sqrt(d_k)) V, one row of weights for each query. */
static void erratum_Y4_queries_by_keys(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_dot_product_attention(w, "a", (wg_attention_hyper){ .dropout_p = 0 });
    wg_array x[3] = { filled(WG_SHAPE(1, 2, 3)), filled(WG_SHAPE(1, 4, 3)),
                      filled(WG_SHAPE(1, 4, 2)) };
    const double *q = x[0].data, *k = x[1].data, *v = x[2].data;
    double want[4], weights[8];
    wg_array y, kept;

    for (int i = 0; i < 2; i++) {
        double sum = 0;

        for (int j = 0; j < 4; j++) {
            double z = 0;

            for (int d = 0; d < 3; d++) z += q[3 * i + d] * k[3 * j + d];
            sum += weights[4 * i + j] = exp(z / sqrt(3));
        }
        for (int c = 0; c < 2; c++) want[2 * i + c] = 0;
        for (int j = 0; j < 4; j++) {
            weights[4 * i + j] /= sum;
            for (int c = 0; c < 2; c++) want[2 * i + c] += weights[4 * i + j] * v[2 * j + c];
        }
    }
    REQUIRE(wg_layer_forward(l, 3, x, true, &y) == WG_OK);
    shape_is(&y, WG_SHAPE(1, 2, 2), __LINE__);
    CLOSE((double *)y.data, want, 4, 1e-12, 1e-12);
    kept = wg_layer_derived(l, "attention_weights");
    REQUIRE(kept.data != NULL);
    shape_is(&kept, WG_SHAPE(1, 2, 4), __LINE__);
    CLOSE((double *)kept.data, weights, 8, 1e-12, 1e-12);
    for (int i = 0; i < 3; i++) free(x[i].data);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Flatten keeps the last axis as documented in words, (-1, X.shape[-1]). */
static void flatten_keeps_the_last(wg_params *w)
{
    wg_layer *l = wg_flatten(w, "flatten", (wg_flatten_hyper){ .keep_dim = "last" });
    wg_array x = filled(WG_SHAPE(2, 3, 4)), y;

    REQUIRE(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
    shape_is(&y, WG_SHAPE(6, 4), __LINE__);
    SAME_BITS(y.data, x.data, 24 * sizeof(double));
    wg_layer_free(l);
    free(x.data);
}

/* With retain, as in training, the running statistics move; without they are used and stay. */
static void retaining_trains_batch_norm(wg_params *w)
{
    wg_layer *l = wg_batchnorm1d(w, "norm", (wg_batchnorm_hyper){ .momentum = 0.9 });
    wg_array x = filled(WG_SHAPE(5, 2)), y;
    double before[2];

    REQUIRE(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
    memcpy(before, wg_layer_parameter(l, "running_mean").data, sizeof before);
    CLOSE(before, ((const double[]){ 0, 0 }), 2, 0, 0);
    REQUIRE(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CHECK(memcmp(before, wg_layer_parameter(l, "running_mean").data, sizeof before) != 0);
    wg_layer_free(l);
    free(x.data);
}

/* rows' = (rows + top + bottom - (kernel (dilation + 1) - dilation)) / stride + 1 */
static void output_size_knows_dilation(wg_params *w)
{
    wg_layer *l = wg_conv2d_layer(
        w, "conv",
        (wg_conv2d_hyper){
            .out_ch = 1, .kernel_shape = { 3, 2 }, .dilation = 1, .pad = { 2, 0, 0, 1 } });
    wg_array x = filled(WG_SHAPE(1, 7, 6, 1)), y;

    REQUIRE(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
    shape_is(&y, WG_SHAPE(1, 7 + 2 - 5 + 1, 6 + 1 - 3 + 1, 1), __LINE__);
    wg_layer_free(l);
    free(x.data);
}

/* What numpy-ml's texts say of these layers is not what they do. */
static void erratum_Y33_documented_and_done(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *add = wg_add_layer(w, "add", (wg_merge_hyper){ 0 }),
             *embedding = wg_embedding(w, "e", (wg_embedding_hyper){ .n_out = 2, .vocab_size = 3 });
    static const int64_t ids[] = { 0, 2 };
    wg_array x = WG_I64_ARRAY(ids, 1, 2), y, dx;
    char *text = wg_layer_hyperparameters(add);

    flatten_keeps_the_last(w);
    retaining_trains_batch_norm(w);
    output_size_knows_dilation(w);
    CHECK(text && strstr(text, "\"layer\":\"Add\"") != NULL);
    wg_free(text);
    /* ids have no gradient: the place is there, and empty */
    REQUIRE(wg_layer_forward(embedding, 1, &x, true, &y) == WG_OK);
    REQUIRE(wg_layer_backward(embedding, 1, &y, true, &dx) == WG_OK);
    CHECK(dx.data == NULL);
    CHECK(wg_layer_gradient(embedding, "W").data != NULL);
    wg_layer_free(add);
    wg_layer_free(embedding);
    wg_params_free(w);
}

/* numpy-ml's GAN sees the first 8 of 40 examples, unshuffled, in every epoch. Here a batch is of a
 * permutation: each example once an epoch, in another order each time. */
static void erratum_D6_every_example_is_seen(void)
{
    int64_t order[2][40], n, at;
    const int64_t *rows;

    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        wg_minibatch *b = wg_minibatch_new(40, 8, true, 7, epoch, NULL);
        bool seen[40] = { false };

        for (at = 0; (n = wg_minibatch_next(b, &rows)) > 0; at += n) {
            EQ_INT(n, 8);
            for (int64_t i = 0; i < n && at + i < 40; i++) {
                order[epoch][at + i] = rows[i];
                seen[rows[i]] = true;
            }
        }
        EQ_INT(at, 40);
        for (int i = 0; i < 40; i++) CHECK(seen[i]);
        wg_minibatch_free(b);
    }
    CHECK(memcmp(order[0], order[1], sizeof order[0]) != 0);
}

/* Five critic steps an epoch are asked for and there are three batches: the next shuffle goes
 * on. */
static void erratum_D14_the_next_shuffle_goes_on(void)
{
    uint64_t run = 0;
    wg_minibatch *b = wg_minibatch_new(40, 16, true, 3, run, NULL);
    static const int64_t sizes[] = { 16, 16, 8, 16, 16 };
    const int64_t *rows;

    EQ_INT(wg_minibatch_n_batches(b), 3);
    for (int step = 0; step < 5; step++) {
        int64_t n = wg_minibatch_next(b, &rows);

        if (n == 0) {
            wg_minibatch_free(b);
            b = wg_minibatch_new(40, 16, true, 3, ++run, NULL);
            n = wg_minibatch_next(b, &rows);
        }
        EQ_INT(n, sizes[step]);
    }
    EQ_INT(run, 1);
    wg_minibatch_free(b);
}

/* data_structures.py imports what newer versions of its language lack, and cannot be loaded.
 * Here one header, included before any other, is all that a sampler needs. */
static void erratum_T7_sampler_of_its_header_alone(void)
{
    static const double probs[] = { 0.25, 0, 0.75 };
    wg_discrete_sampler *s = wg_discrete_sampler_new(3, probs, false, true, NULL);
    int64_t drawn[64], counts[3] = { 0, 0, 0 };

    REQUIRE(s != NULL);
    CHECK(wg_discrete_sampler_draw(s, 1, "T7", 0, 64, drawn, NULL) == WG_OK);
    for (int i = 0; i < 64; i++) counts[drawn[i]]++;
    CHECK(counts[0] > 0 && counts[1] == 0 && counts[2] > counts[0]);
    wg_discrete_sampler_free(s);
}

TESTS(TEST(erratum_Y1_summary_stays_whole), TEST(erratum_Y4_queries_by_keys),
      TEST(erratum_Y33_documented_and_done), TEST(erratum_D6_every_example_is_seen),
      TEST(erratum_D14_the_next_shuffle_goes_on), TEST(erratum_T7_sampler_of_its_header_alone))
