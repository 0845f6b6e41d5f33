/* test_init.c: first values: facts of golden/initializers.json, names, seeds, what is refused. */
#include <wengert.h>

#include "golden_kinds.h"

static void golden(void)
{
    golden_run_file("initializers", golden_kinds_init);
}

/* The entry's name decides its draws, not the order in which entries are made. */
static void seeded_by_name(void)
{
    static const char *const inits[] = { "he_uniform",    "he_normal",  "glorot_uniform",
                                         "glorot_normal", "std_normal", "trunc_normal" };

    for (int i = 0; i < 6; i++) {
        wg_params *a = wg_params_new(WG_F32, 3), *b = wg_params_new(WG_F32, 3),
                  *c = wg_params_new(WG_F32, 4);
        const void *x, *y, *y_of_b, *y_of_c;

        wg_params_add(a, "x/W", WG_F32, WG_SHAPE(4, 5), true, NULL, NULL);
        wg_params_add(a, "y/W", WG_F32, WG_SHAPE(4, 5), true, NULL, NULL);
        wg_params_add(b, "y/W", WG_F32, WG_SHAPE(4, 5), true, NULL, NULL);
        wg_params_add(c, "y/W", WG_F32, WG_SHAPE(4, 5), true, NULL, NULL);
        wg_init_fill(a, "x/W", inits[i], NULL, NULL);
        wg_init_fill(a, "y/W", inits[i], NULL, NULL);
        wg_init_fill(b, "y/W", inits[i], NULL, NULL);
        wg_init_fill(c, "y/W", inits[i], NULL, NULL);
        x = wg_params_find(a, "x/W")->value.data;
        y = wg_params_find(a, "y/W")->value.data;
        y_of_b = wg_params_find(b, "y/W")->value.data;
        y_of_c = wg_params_find(c, "y/W")->value.data;
        SAME_BITS(y, y_of_b, 80);
        CHECK(memcmp(x, y, 80) != 0);
        CHECK(memcmp(y, y_of_c, 80) != 0);
        wg_params_free(a);
        wg_params_free(b);
        wg_params_free(c);
    }
}

static void fans(void)
{
    wg_shape s = WG_SHAPE(3, 2, 6, 8);
    double in = 0, out = 0;

    CHECK(wg_calc_fan(&s, &in, &out));
    CLOSE1(in, 36, 0, 0);
    CLOSE1(out, 48, 0, 0);
    s = WG_SHAPE(7, 3);
    CHECK(wg_calc_fan(&s, &in, &out) && in == 7 && out == 3);
    s = WG_SHAPE(5, 7, 3);
    CHECK(wg_calc_fan(&s, &in, &out) && in == 35 && out == 15);
    s = WG_SHAPE(5);
    CHECK(!wg_calc_fan(&s, &in, &out));
    s = WG_SHAPE(1, 2, 3, 4, 5);
    CHECK(!wg_calc_fan(&s, &in, &out));
}

/* Draws of one initialiser into a store entry of this element type. */
static void fill(wg_params *w, const char *entry, wg_dtype dtype, wg_shape shape)
{
    wg_error error = { .code = WG_OK };

    wg_params_add(w, entry, dtype, shape, true, NULL, &error);
    NO_ERROR(&error);
}

static void single_beside_double(void)
{
    wg_params *a = wg_params_new(WG_F64, 9), *b = wg_params_new(WG_F32, 9);

    fill(a, "W", WG_F64, WG_SHAPE(30, 20));
    fill(b, "W", WG_F32, WG_SHAPE(30, 20));
    EQ_INT(wg_init_fill(a, "W", "trunc_normal", NULL, NULL), WG_OK);
    EQ_INT(wg_init_fill(b, "W", "trunc_normal", NULL, NULL), WG_OK);
    CLOSE((float *)wg_params_find(b, "W")->value.data, (double *)wg_params_find(a, "W")->value.data,
          600, 1e-7, 0);
    wg_params_free(a);
    wg_params_free(b);
}

static void mean_and_deviation(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    double sum = 0, squares = 0, off = 0, mean;
    const double *v;
    int n = 120000;

    fill(w, "a", WG_F64, WG_SHAPE(300, 400));
    EQ_INT(wg_init_trunc_normal(w, "a", 3, 0.5, NULL), WG_OK);
    v = wg_params_find(w, "a")->value.data;
    for (int i = 0; i < n; i++) {
        sum += v[i] - 3;
        squares += (v[i] - 3) * (v[i] - 3);
        off = fmax(off, fabs(v[i] - 3));
    }
    mean = sum / n;
    CHECK(off <= 1 && off > 0.99);
    CHECK(fabs(mean) <= 5 * 0.5 / sqrt(n));
    CLOSE1(squares / n - mean * mean, 0.25 * 0.7737413035499232, 0.03, 0);
    EQ_INT(wg_init_trunc_normal(w, "a", -1, 0, NULL), WG_OK);
    for (int i = 0; i < n; i++)
        if (v[i] != -1) off = 5;
    CHECK(off < 5);
    wg_params_free(w);
}

/* A fan of 0 has no bound; there is nothing to fill. */
static void no_weights(void)
{
    wg_params *w = wg_params_new(WG_F32, 2);
    wg_error error = { .code = WG_OK };

    fill(w, "a", WG_F32, WG_SHAPE(0, 4));
    fill(w, "b", WG_F32, WG_SHAPE(0, 0));
    EQ_INT(wg_init_fill(w, "a", "he_uniform", NULL, &error), WG_OK);
    EQ_INT(wg_init_fill(w, "a", "glorot_normal", NULL, &error), WG_OK);
    EQ_INT(wg_init_fill(w, "b", NULL, NULL, &error), WG_OK);
    NO_ERROR(&error);
    wg_params_free(w);
}

/* ---- errata ---- */

static void erratum_I1_trunc_normal_takes_a_shape(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    const double *v;

    fill(w, "W", WG_F64, WG_SHAPE(3, 2, 6, 8));
    EQ_INT(wg_init_fill(w, "W", "trunc_normal", "ReLU", NULL), WG_OK);
    v = wg_params_find(w, "W")->value.data;
    for (int i = 0; i < 288; i++)
        if (!CHECK(v[i] != 0 && fabs(v[i]) <= 2)) break;
    wg_params_free(w);
}

static void erratum_I2_gain_of_leaky_relu(void)
{
    CLOSE1(wg_act_gain("Leaky ReLU(alpha=0.3)"), 1.3545709229571927, 1e-15, 0);
    CLOSE1(wg_act_gain("Leaky ReLU(alpha=1)"), 1, 1e-15, 0);
}

/* Golden values keep numpy-ml's reading: the standard deviation is that of the draws before the
 * tails are cut. */
static void erratum_I8_normal_ones_have_the_truncated_variance(void)
{
    wg_params *w = wg_params_new(WG_F64, 2);
    double squares = 0;
    const double *v;

    fill(w, "W", WG_F64, WG_SHAPE(400, 300));
    EQ_INT(wg_init_fill(w, "W", "he_normal", NULL, NULL), WG_OK);
    v = wg_params_find(w, "W")->value.data;
    for (int i = 0; i < 120000; i++) squares += v[i] * v[i];
    CLOSE1(squares / 120000, 2.0 / 400 * 0.7737413035499232, 0.03, 0);
    wg_params_free(w);
}

/* ---- what is refused ---- */

static void refused(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_error error = { .code = WG_OK };

    fill(w, "W", WG_F32, WG_SHAPE(4, 5));
    fill(w, "b", WG_F32, WG_SHAPE(5));
    fill(w, "k", WG_I64, WG_SHAPE(2, 2));
#define REFUSED(call, code_, message)                                                              \
    do {                                                                                           \
        error.code = WG_OK;                                                                        \
        EQ_INT(call, code_);                                                                       \
        ERROR_IS(&error, code_, message, NULL);                                                    \
    } while (0)
    REFUSED(wg_init_fill(w, "W", "he_unifrom", NULL, &error), WG_ENAME,
            "init_fill: unknown initialiser \"he_unifrom\", nearest is \"he_uniform\": known are "
            "zeros, ones, he_uniform, he_normal, glorot_uniform, glorot_normal, std_normal, "
            "trunc_normal");
    REFUSED(wg_init_fill(w, "z", "ones", NULL, &error), WG_ENAME,
            "init_fill: the store has no entry \"z\"");
    REFUSED(wg_init_fill(w, NULL, "ones", NULL, &error), WG_ENAME,
            "init_fill: the store has no entry \"\"");
    REFUSED(wg_init_fill(NULL, "W", "ones", NULL, &error), WG_ENAME,
            "init_fill: the store has no entry \"W\"");
    REFUSED(wg_init_fill(w, "b", "he_normal", NULL, &error), WG_ESHAPE,
            "init_fill: \"b\" is f32[5]: he_normal needs weights of rank 2, 3 or 4");
    REFUSED(wg_init_fill(w, "k", "std_normal", NULL, &error), WG_EDTYPE,
            "init_fill: \"k\" is i64[2 x 2], wanted f32 or f64");
    REFUSED(wg_init_fill(w, "W", "he_normal", "ReLU(alpha=1)", &error), WG_EARG,
            "act: ReLU takes no argument \"alpha\"");
    REFUSED(wg_init_trunc_normal(w, "W", 0, -1, &error), WG_EARG,
            "init_trunc_normal: mean 0 and std -1: wanted finite numbers, std at least 0");
    REFUSED(wg_init_trunc_normal(w, "W", (double)INFINITY, 1, &error), WG_EARG,
            "init_trunc_normal: mean inf and std 1: wanted finite numbers, std at least 0");
    REFUSED(wg_init_trunc_normal(w, "q", 0, 1, &error), WG_ENAME,
            "init_trunc_normal: the store has no entry \"q\"");
    REFUSED(wg_init_trunc_normal(w, "k", 0, 1, &error), WG_EDTYPE,
            "init_trunc_normal: \"k\" is i64[2 x 2], wanted f32 or f64");
#undef REFUSED
    wg_params_free(w);
}

TESTS(TEST(golden), TEST(seeded_by_name), TEST(fans), TEST(single_beside_double),
      TEST(mean_and_deviation), TEST(no_weights), TEST(erratum_I1_trunc_normal_takes_a_shape),
      TEST(erratum_I2_gain_of_leaky_relu), TEST(erratum_I8_normal_ones_have_the_truncated_variance),
      TEST(refused))
