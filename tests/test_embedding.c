/* test_embedding.c: Embedding: repeated ids, examples of any length by offsets or padded, look-ups.
 */
#include "layer_rows.h"

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

/* The caller's summary is read, not taken apart: it serves again. */
static void erratum_Y1_text_stays(void)
{
    wg_params *w = wg_params_new(WG_F64, 1), *v = wg_params_new(WG_F64, 2);
    wg_layer *l = table(w, "sum"), *m;
    char *text = wg_layer_summary(l), *before = wg_text_copy(text), *again;

    REQUIRE(text && before);
    for (int i = 0; i < 2; i++) {
        m = wg_embedding(v, i ? "b" : "a", (wg_embedding_hyper){ .n_out = 1, .vocab_size = 1 });
        CHECK(wg_layer_set_params(m, text) == WG_OK);
        NO_ERROR(wg_layer_error(m));
        EQ_STR(text, before);
        again = wg_layer_summary(m);
        EQ_STR(again, before);
        wg_free(again);
        wg_layer_free(m);
    }
    wg_free(text);
    wg_free(before);
    wg_layer_free(l);
    wg_params_free(w);
    wg_params_free(v);
}

TESTS(TEST(erratum_Y16_repeated_ids), TEST(ragged_and_padded), TEST(offsets_that_do_not_fit),
      TEST(lookup), TEST(erratum_Y1_text_stays))
