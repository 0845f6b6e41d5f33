/* test_act.c: activations: golden values, names and texts, derivatives, what is refused. */
#include <wengert.h>

#include "composed.h"
#include "gate.h"
#include "golden_kinds.h"

/* One of each, with arguments other than the defaults where it takes some. */
static const char *const every[] = { "Identity",
                                     "Sigmoid",
                                     "Tanh",
                                     "ReLU",
                                     "Leaky ReLU(alpha=0.2)",
                                     "ELU(alpha=0.7)",
                                     "SELU",
                                     "GELU(approximate=True)",
                                     "GELU(approximate=False)",
                                     "Exponential",
                                     "Hard Sigmoid",
                                     "SoftPlus",
                                     "Affine(slope=-2.5, intercept=0.75)" };
enum { N_EVERY = sizeof every / sizeof every[0] };

static void golden(void)
{
    static const char *const files[] = { "act_affine",    "act_elu",         "act_exponential",
                                         "act_gelu",      "act_hardsigmoid", "act_identity",
                                         "act_leakyrelu", "act_relu",        "act_selu",
                                         "act_sigmoid",   "act_softplus",    "act_tanh" };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        golden_run_file(files[i], golden_kinds_act);
}

/* f, f' or f'' at one number. */
static double at(const char *act_fn, int order, double x)
{
    wg_array y = { 0 };
    wg_error error = { .code = WG_OK };
    double v;

    wg_act_array(act_fn, order, WG_F64_ARRAY(&x, 1), &y, &error);
    NO_ERROR(&error);
    v = wg_item(&y);
    wg_free(y.data);
    return v;
}

/* ---- derivatives ---- */

static wg_tensor *weighted(wg_graph *g, wg_params *store, wg_tensor *const *in, const void *arg)
{
    (void)g, (void)store;
    return wg_sum(wg_mul(wg_act(arg, in[0]), in[1]), WG_ALL_AXES, false);
}

static wg_tensor *weighted_grad(wg_graph *g, wg_params *store, wg_tensor *const *in,
                                const void *arg)
{
    (void)g, (void)store;
    return wg_sum(wg_mul(wg_act_grad(arg, in[0]), in[1]), WG_ALL_AXES, false);
}

static wg_tensor *weighted_grad2(wg_graph *g, wg_params *store, wg_tensor *const *in,
                                 const void *arg)
{
    (void)g, (void)store;
    return wg_sum(wg_mul(wg_act_grad2(arg, in[0]), in[1]), WG_ALL_AXES, false);
}

/* Batches, both element types, second order, save and load: of f, f' and f''. */
static void compositions(void)
{
    static const composed_input in[] = { { "x", COMPOSED_NORMAL, 2, { -1, 7 }, 0 },
                                         { "dY", COMPOSED_NORMAL, 2, { -1, 7 }, 0 } };

    for (int i = 0; i < N_EVERY; i++) {
        composed_check(&(composed){ every[i], 2, in, weighted, every[i] });
        composed_check(&(composed){ every[i], 2, in, weighted_grad, every[i] });
        composed_check(&(composed){ every[i], 2, in, weighted_grad2, every[i] });
    }
}

/* What wg_act_grad and wg_act_grad2 give is what the engine records, to rounding, on both sides of
 * every break and at the breaks themselves. */
static void the_recorded_derivative(void)
{
    enum { N = 401 };
    double x[N];

    for (int i = 0; i < N; i++) x[i] = -10 + 0.05 * i;
    x[0] = -0.0;
    x[1] = -2.5;
    x[2] = 2.5;
    for (int k = 0; k < N_EVERY; k++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *in = wg_input(g, "x", WG_F64, WG_SHAPE(N)), *d, *dd, *out[4];
        wg_feed feed = { "x", WG_F64_ARRAY(x, N) };

        d = wg_grad1(wg_sum(wg_act(every[k], in), WG_ALL_AXES, false), in);
        dd = wg_grad1(wg_sum(d, WG_ALL_AXES, false), in);
        out[0] = d;
        out[1] = wg_act_grad(every[k], in);
        out[2] = dd;
        out[3] = wg_act_grad2(every[k], in);
        NO_ERROR(wg_graph_error(g));
        for (int i = 0; i < 4; i += 2) {
            wg_array a = { 0 }, b = { 0 };

            wg_read(out[i], NULL, 1, &feed, &a, NULL);
            wg_read(out[i + 1], NULL, 1, &feed, &b, NULL);
            /* the rounding of 1 - s(x) near 1, which the recorded one multiplies by powers of x */
            CLOSE((double *)a.data, (double *)b.data, N, 1e-12, 1e-12);
            wg_free(a.data);
            wg_free(b.data);
        }
        wg_graph_free(g);
    }
}

/* Nowhere NaN, and infinite only where the function itself is. */
static void everywhere_finite(void)
{
    static const double far[] = { 1e3, 1e10, 1e100, 1e160, 1e300, 1.7e308 };

    for (int k = 0; k < N_EVERY; k++)
        for (int order = 0; order <= 2; order++)
            for (int i = 0; i < 12; i++) {
                double x = i % 2 ? -far[i / 2] : far[i / 2], y = at(every[k], order, x);
                bool grows = strcmp(every[k], "Exponential") == 0 && x > 0;
                bool steep = strncmp(every[k], "Affine", 6) == 0 && far[i / 2] > 1e307;

                harness_check(grows ? y == INFINITY : isfinite(y) || (steep && order == 0),
                              __FILE__, __LINE__, "%s, order %d, at %g: %g", every[k], order, x, y);
            }
}

/* The same in f32, whose powers overflow sooner. */
static void everywhere_finite_in_f32(void)
{
    static const float far[] = { 20, -20, 90, -90, 1e3f, -1e3f, 1e15f, -1e15f, 1e30f, -1e30f };
    enum { N = sizeof far / sizeof far[0] };

    for (int k = 0; k < N_EVERY; k++)
        for (int order = 0; order <= 2; order++) {
            wg_array y = { 0 };
            wg_error error = { .code = WG_OK };

            wg_act_array(every[k], order, WG_F32_ARRAY(far, N), &y, &error);
            NO_ERROR(&error);
            for (int i = 0; i < N && y.data; i++) {
                double v = harness_number(y.data, y.type.dtype, i);
                bool grows = strcmp(every[k], "Exponential") == 0 && far[i] > 88;

                harness_check(grows ? v == INFINITY : isfinite(v), __FILE__, __LINE__,
                              "%s, order %d, at %g: %g", every[k], order, (double)far[i], v);
            }
            wg_free(y.data);
        }
}

static void nan_stays(void)
{
    for (int k = 0; k < N_EVERY; k++) {
        double y = at(every[k], 0, (double)NAN);

        harness_check(isnan(y), __FILE__, __LINE__, "%s of NaN is %g", every[k], y);
    }
}

/* ---- errata ---- */

static void erratum_A1_gelu_keeps_its_argument(void)
{
    char *text = wg_act_text("GELU(approximate=False)", NULL);

    EQ_STR(text, "GELU(approximate=False)");
    wg_free(text);
    CHECK(fabs(at("GELU(approximate=False)", 0, 1.0) - at("GELU", 0, 1.0)) > 1e-5);
}

static void erratum_A2_exact_gelu_of_arrays(void)
{
    double x[3] = { -1, 0, 2 }, want[3];
    wg_array y = { 0 };

    for (int i = 0; i < 3; i++) want[i] = x[i] * 0.5 * (1 + erf(x[i] / sqrt(2)));
    EQ_INT(wg_act_array("GELU(approximate=False)", 0, WG_F64_ARRAY(x, 3), &y, NULL), WG_OK);
    CLOSE_ARRAY(&y, want, 3, 1e-14, 1e-16);
    wg_free(y.data);
}

/* Central differences of the tanh form itself. */
static void erratum_A3_gelu_grad_is_of_the_tanh_form(void)
{
    for (double x = -5; x <= 5; x += 0.25) {
        double h = 1e-5;

        CLOSE1(at("GELU", 1, x), (at("GELU", 0, x + h) - at("GELU", 0, x - h)) / (2 * h), 1e-8,
               1e-9);
    }
}

static void erratum_A4_gelu_second_derivative(void)
{
    double pi = acos(-1.0);

    CLOSE1(at("GELU(approximate=False)", 2, 0), 2 / sqrt(2 * pi), 1e-14, 0);
    for (double x = -5; x <= 5; x += 0.25) {
        double h = 1e-5, phi = exp(-x * x / 2) / sqrt(2 * pi);

        CLOSE1(at("GELU(approximate=False)", 2, x), phi * (2 - x * x), 1e-12, 1e-14);
        CLOSE1(at("GELU", 2, x), (at("GELU", 1, x + h) - at("GELU", 1, x - h)) / (2 * h), 1e-7,
               1e-9);
    }
}

/* x erf' where the docstring adds, and the factors of x the second formula leaves out. */
static void erratum_A5_gelu_formulas(void)
{
    double pi = acos(-1.0);

    for (double x = -4; x <= 4; x += 0.5) {
        double bell = 2 / sqrt(pi) * exp(-x * x / 2), erf_half = erf(x / sqrt(2));

        CLOSE1(at("GELU(approximate=False)", 1, x), 0.5 + 0.5 * erf_half + 0.5 * x * bell / sqrt(2),
               1e-13, 1e-15);
        CLOSE1(at("GELU(approximate=False)", 2, x), bell / sqrt(2) - 0.5 * x * x * bell / sqrt(2),
               1e-13, 1e-15);
    }
}

static void erratum_A6_softplus_does_not_overflow(void)
{
    CLOSE1(at("SoftPlus", 0, 800), 800, 0, 0);
    CLOSE1(at("SoftPlus", 1, 800), 1, 0, 0);
    CLOSE1(at("SoftPlus", 2, 800), 0, 0, 0);
    CLOSE1(at("SoftPlus", 0, -40), exp(-40), 1e-14, 0);
    CLOSE1(at("SoftPlus", 2, 40), exp(-40), 1e-14, 0);
}

static void erratum_A7_tails_keep_their_digits(void)
{
    CLOSE1(at("Sigmoid", 1, 40), exp(-40), 1e-13, 0);
    CLOSE1(at("Sigmoid", 1, -40), exp(-40), 1e-13, 0);
    CLOSE1(at("Sigmoid", 2, 40), -exp(-40), 1e-13, 0);
    CLOSE1(at("Sigmoid", 2, -40), exp(-40), 1e-13, 0);
    CLOSE1(at("Sigmoid", 2, 1e-9), -1e-9 / 8, 1e-13, 0);
    CLOSE1(at("Tanh", 1, 20), 4 * exp(-40), 1e-13, 0);
    CLOSE1(at("Tanh", 2, -20), 8 * exp(-40), 1e-13, 0);
    CLOSE1(at("ELU", 0, -1e-9), expm1(-1e-9), 1e-15, 0);
    CLOSE1(at("ELU", 1, -40), exp(-40), 1e-13, 0);
    CLOSE1(at("SELU", 2, -40), 1.0507009873554805 * 1.6732632423543772 * exp(-40), 1e-13, 0);
    CLOSE1(at("GELU", 2, 8), at("GELU", 2, -8), 1e-9, 0);
    CLOSE1(at("GELU(approximate=False)", 2, 9), exp(-40.5) / sqrt(2 * acos(-1.0)) * (2 - 81), 1e-13,
           0);
    CLOSE1(at("GELU", 0, -12), -12 / (1 + exp(2 * 0.7978845608028654 * (12 + 0.044715 * 1728))),
           1e-12, 0);
}

static void erratum_A8_the_documented_side_at_0(void)
{
    static const double zeros[] = { 0.0, -0.0 };

    for (int i = 0; i < 2; i++) {
        double z = zeros[i];

        CLOSE1(at("Leaky ReLU(alpha=0.3)", 1, z), 0.3, 0, 0);
        CLOSE1(at("ELU(alpha=2)", 1, z), 2, 0, 0);
        CLOSE1(at("ELU(alpha=2)", 2, z), 2, 0, 0);
        CLOSE1(at("SELU", 1, z), 1.0507009873554805 * 1.6732632423543772, 1e-15, 0);
        CLOSE1(at("ReLU", 1, z), 0, 0, 0);
    }
    CLOSE1(at("Hard Sigmoid", 1, 2.5), 0.2, 0, 0);
    CLOSE1(at("Hard Sigmoid", 1, -2.5), 0.2, 0, 0);
    CLOSE1(at("Hard Sigmoid", 1, nextafter(2.5, 3)), 0, 0, 0);
    CLOSE1(at("Hard Sigmoid", 1, nextafter(-2.5, -3)), 0, 0, 0);
}

static void erratum_A9_integers_are_converted(void)
{
    int64_t x[2] = { -1, -3 };
    double y_want[2] = { 0.3 * -1, 0.3 * -3 }, d_want[2] = { 0.3, 0.3 };
    wg_array y = { 0 }, d = { 0 };

    EQ_INT(wg_act_array("Leaky ReLU", 0, WG_I64_ARRAY(x, 2), &y, NULL), WG_OK);
    EQ_INT(wg_act_array("Leaky ReLU", 1, WG_I64_ARRAY(x, 2), &d, NULL), WG_OK);
    CLOSE_ARRAY(&y, y_want, 2, 1e-15, 0);
    CLOSE_ARRAY(&d, d_want, 2, 0, 0);
    wg_free(y.data);
    wg_free(d.data);
}

static void erratum_A10_one_axis_stays_one(void)
{
    double x[3] = { 1, 2, 3 };

    for (int order = 0; order <= 2; order++) {
        wg_array y = { 0 };

        EQ_INT(wg_act_array("Tanh", order, WG_F64_ARRAY(x, 3), &y, NULL), WG_OK);
        EQ_INT(y.type.shape.rank, 1);
        EQ_INT(y.type.shape.dim[0], 3);
        wg_free(y.data);
    }
}

static void erratum_I3_every_text_reads_back(void)
{
    static const char *const pairs[][2] = {
        { "Hard Sigmoid", "Hard Sigmoid" },
        { "hardsigmoid", "Hard Sigmoid" },
        { "gelu", "GELU(approximate=True)" },
        { "GELU(approximate=false)", "GELU(approximate=False)" },
        { "GELU(approximate=0)", "GELU(approximate=False)" },
        { "elu", "ELU(alpha=1.0)" },
        { "ELU(alpha=2)", "ELU(alpha=2.0)" },
        { "leaky_relu", "Leaky ReLU(alpha=0.3)" },
        { "LeakyReLU( alpha = 3e-1 )", "Leaky ReLU(alpha=0.3)" },
        { "leaky-relu()", "Leaky ReLU(alpha=0.3)" },
        { "affine", "Affine(slope=1, intercept=0)" },
        { "Affine(intercept=.5,slope=-2.)", "Affine(slope=-2, intercept=0.5)" },
        { "soft plus", "SoftPlus" },
        { "IDENTITY", "Identity" },
        { "", "Identity" },
        { NULL, "Identity" },
        { "Leaky ReLU(alpha=1e-7)", "Leaky ReLU(alpha=1e-07)" },
        { "ELU(alpha=0.30000000000000004)", "ELU(alpha=0.30000000000000004)" },
    };
    wg_error error = { .code = WG_OK };

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *text = wg_act_text(pairs[i][0], &error), *again = wg_act_text(text, &error);

        EQ_STR(text, pairs[i][1]);
        EQ_STR(again, text);
        wg_free(text);
        wg_free(again);
    }
    for (int i = 0; i < N_EVERY; i++) {
        char *text = wg_act_text(every[i], &error);

        EQ_STR(text, every[i]);
        wg_free(text);
    }
    NO_ERROR(&error);
}

/* ---- names, gains ---- */

static void gains(void)
{
    CLOSE1(wg_act_gain("Tanh"), 5.0 / 3, 0, 0);
    CLOSE1(wg_act_gain("ReLU"), sqrt(2), 0, 0);
    CLOSE1(wg_act_gain("leaky relu"), sqrt(2 / 1.09), 1e-15, 0);
    CLOSE1(wg_act_gain("Leaky ReLU(alpha=1)"), 1, 1e-15, 0);
    CLOSE1(wg_act_gain("Sigmoid"), 1, 0, 0);
    CLOSE1(wg_act_gain(NULL), 1, 0, 0);
}

static void refused_texts(void)
{
    static const struct {
        const char *text;
        wg_status code;
        const char *message;
    } bad[] = {
#define KNOWN                                                                                      \
    ": known are Identity, Sigmoid, Tanh, ReLU, Leaky ReLU, ELU, SELU, GELU, Exponential, Hard "   \
    "Sigmoid, SoftPlus, Affine"
        { "Softsign", WG_ENAME, "unknown activation \"Softsign\", nearest is \"SoftPlus\"" KNOWN },
        { "Relu6", WG_ENAME, "unknown activation \"Relu6\", nearest is \"ReLU\"" KNOWN },
        { "tahn(x=1)", WG_ENAME, "unknown activation \"tahn\", nearest is \"Tanh\"" KNOWN },
        { "(alpha=1)", WG_ENAME, "unknown activation \"(alpha=1)\", nearest is \"Tanh\"" KNOWN },
#undef KNOWN
        { "ELU(beta=1)", WG_EARG, "ELU has no argument \"beta\", nearest is \"alpha\"" },
        { "Affine(slop=1)", WG_EARG, "Affine has no argument \"slop\", nearest is \"slope\"" },
        { "ReLU(alpha=1)", WG_EARG, "ReLU takes no argument \"alpha\"" },
        { "ELU(alpha=1, alpha=2)", WG_EARG, "ELU: argument \"alpha\" is given twice" },
        { "ELU(alpha=big)", WG_EARG, "\"ELU(alpha=big)\", column 11: wanted a number for alpha" },
        { "ELU(alpha=1e999)", WG_EARG,
          "\"ELU(alpha=1e999)\", column 11: wanted a number for alpha" },
        { "GELU(approximate=2)", WG_EARG,
          "\"GELU(approximate=2)\", column 18: wanted True or False for approximate" },
        { "GELU(approximate=maybe)", WG_EARG,
          "\"GELU(approximate=maybe)\", column 18: wanted True or False for approximate" },
        { "ELU(alpha=1", WG_EARG, "\"ELU(alpha=1\", column 12: wanted ',' or ')'" },
        { "ELU(alpha=1;)", WG_EARG, "\"ELU(alpha=1;)\", column 12: wanted ',' or ')'" },
        { "ELU(alpha 1)", WG_EARG, "\"ELU(alpha 1)\", column 11: wanted '='" },
        { "ELU(0.3)", WG_EARG, "ELU has no argument \"0\", nearest is \"alpha\"" },
        { "ELU(alpha=1,)", WG_EARG, "\"ELU(alpha=1,)\", column 13: wanted an argument" },
        { "ReLU(", WG_EARG, "\"ReLU(\", column 6: wanted ')'" },
        { "ELU[1]", WG_EARG, "\"ELU[1]\", column 4: wanted '(' or the end" },
        { "ELU() x", WG_EARG, "\"ELU() x\", column 7: wanted the end" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        wg_error error = { .code = WG_OK };
        char message[400];

        snprintf(message, sizeof message, "act: %s", bad[i].message);
        CHECK(!wg_act_known(bad[i].text, &error));
        ERROR_IS(&error, bad[i].code, message, NULL);
        error = (wg_error){ .code = WG_OK };
        CHECK(wg_act_text(bad[i].text, &error) == NULL);
        ERROR_IS(&error, bad[i].code, message, NULL);
    }
}

/* Mutilated texts are read or refused; what is read prints what reads back. */
static void any_text(void)
{
    static const char letters[] = "aeELUGR()=,.-+_ 0123456789TrueFalsphx\t\xff";
    uint64_t state = 5;
    int known = 0;

    for (int i = 0; i < 20000; i++) {
        char text[80], *printed;
        size_t length;

        snprintf(text, sizeof text, "%s", every[i % N_EVERY]);
        length = strlen(text);
        for (int k = 0; k < 1 + i % 3; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            text[(state >> 33) % length] = letters[(state >> 40) % (sizeof letters - 1)];
        }
        printed = wg_act_text(text, NULL);
        if (!printed) continue;
        known++;
        if (!CHECK(wg_act_known(printed, NULL))) fprintf(stderr, "%s -> %s\n", text, printed);
        wg_free(printed);
    }
    CHECK(known > 100 && known < 5000);
}

static void refused_operands(void)
{
    wg_error error = { .code = WG_OK };
    wg_array y = { 0 };
    double x = 1;
    bool b = true;
    wg_graph *g = wg_graph_new();

    wg_act("ReLU", wg_input(g, "k", WG_I64, WG_SHAPE(2, 3)));
    ERROR_IS(wg_graph_error(g), WG_EDTYPE,
             "act: ReLU of i64[2 x 3], wanted f32 or f64: convert it with wg_cast",
             harness_site((char[64]){ 0 }, __FILE__, __LINE__ - 3));
    wg_graph_free(g);
    g = wg_graph_new();
    wg_act_grad("Softmin", wg_input(g, "x", WG_F32, WG_SHAPE(2)));
    EQ_INT(wg_graph_error(g)->code, WG_ENAME);
    wg_act_grad2("ReLU", wg_input(g, "x", WG_F32, WG_SHAPE(2)));
    EQ_INT(wg_graph_error(g)->code, WG_ENAME);
    wg_graph_free(g);
    CHECK(wg_act("ReLU", NULL) == NULL);
    wg_act_array("ReLU", 3, WG_F64_ARRAY(&x, 1), &y, &error);
    ERROR_IS(&error, WG_EARG, "act_array: order is 3, wanted 0, 1 or 2", NULL);
    error = (wg_error){ .code = WG_OK };
    wg_act_array("ReLU", 0, WG_BOOL_ARRAY(&b, 1), &y, &error);
    ERROR_IS(&error, WG_EDTYPE, "act_array: x is bool[1], wanted numbers", NULL);
    CHECK(y.data == NULL);
}

static wg_status array_job(void *arg, wg_error *error)
{
    double x[2] = { -1, 1 };
    wg_array y = { 0 };
    wg_status status = wg_act_array("ELU(alpha=0.5)", *(int *)arg, WG_F64_ARRAY(x, 2), &y, error);

    wg_free(y.data);
    return status;
}

static void without_memory(void)
{
    for (int order = 0; order <= 2; order++) gate_every_allocation(array_job, &order, "act_array");
}

TESTS(TEST(golden), TEST(compositions), TEST(the_recorded_derivative), TEST(everywhere_finite),
      TEST(everywhere_finite_in_f32), TEST(nan_stays), TEST(erratum_A1_gelu_keeps_its_argument),
      TEST(erratum_A2_exact_gelu_of_arrays), TEST(erratum_A3_gelu_grad_is_of_the_tanh_form),
      TEST(erratum_A4_gelu_second_derivative), TEST(erratum_A5_gelu_formulas),
      TEST(erratum_A6_softplus_does_not_overflow), TEST(erratum_A7_tails_keep_their_digits),
      TEST(erratum_A8_the_documented_side_at_0), TEST(erratum_A9_integers_are_converted),
      TEST(erratum_A10_one_axis_stays_one), TEST(erratum_I3_every_text_reads_back), TEST(gains),
      TEST(refused_texts), TEST(any_text), TEST(refused_operands), TEST(without_memory))
