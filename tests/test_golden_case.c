/* test_golden_case.c: the kit that measures golden cases finds what is wrong. */
#include "golden_case.h"
#include "harness.h"
#include "ref_made.h"
#include "temp.h"

/* ---- a subject whose faults can be chosen: Y = X^2 + |X - 1| at each of three places ---- */

static enum {
    RIGHT,
    WRONG_SLOPE, /* 2x + 0.5 where it should be 2x */
    MISSING,
    OTHER_SHAPE,
    NOT_A_NUMBER,
    NO_BACKWARD,
    OF_NOTHING, /* a gradient of an array the case does not have */
    AT_KINK     /* beyond both slopes where X is 1 */
} fault;

static bool forward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    double *Y = g_put_like(r, G_OUTPUT, "Y", X, NULL);

    for (int64_t i = 0; Y && i < g_count(X); i++) Y[i] = X->f[i] * X->f[i] + fabs(X->f[i] - 1);
    return Y != NULL;
}

static bool backward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    const double *dY = g_out_grad_f(c, "Y");
    int64_t n = g_count(X), other[2] = { n, 1 };
    double *dX;

    if (fault == MISSING) return true;
    if (fault == NO_BACKWARD) return false;
    if (fault == OTHER_SHAPE) dX = g_put(r, G_INPUT_GRAD, "X", 2, other, NULL);
    else dX = g_put_like(r, G_INPUT_GRAD, fault == OF_NOTHING ? "Z" : "X", X, NULL);
    for (int64_t i = 0; dX && i < n; i++) {
        double slope = X->f[i] > 1 ? 1 : -1;

        dX[i] = dY[i] * (2 * X->f[i] + slope + (fault == WRONG_SLOPE ? 0.5 : 0));
        if (fault == AT_KINK && X->f[i] == 1) dX[i] = dY[i] * 3.1;
        if (fault == NOT_A_NUMBER) dX[i] = NAN;
    }
    return dX != NULL;
}

static const gsubject curve = { "curve", forward, backward, NULL };

/* The error that differences show for X, upstream 1, with a golden gradient of X. */
static double shown(double x)
{
    int64_t n = 3;
    gresult r = { 0 };
    gcheck check;
    gcase c;

    g_put(&r, G_INPUT, "X", 1, &n, (double[]){ x, -0.5, 2 });
    g_put(&r, G_OUTPUT_GRAD, "Y", 1, &n, (double[]){ 1, 1, 1 });
    g_put(&r, G_INPUT_GRAD, "X", 1, &n, (double[]){ 0, 0, 0 });
    c = made_case("curve", &r, NULL);
    check = g_check_differences(&curve, &c);
    CLOSE1(g_in_f(&c, "X")[0], x, 0, 0); /* the case is as it was */
    g_result_free(&r);
    return check.error;
}

static void differences_find_wrong_gradients(void)
{
    fault = RIGHT;
    CHECK(shown(0.25) < 1e-9);
    fault = WRONG_SLOPE;
    CHECK(shown(0.25) > 0.05);
    CHECK(shown(0.5) > 0.05); /* where the slope itself is 0: no kink */
    fault = MISSING;
    CHECK(isinf(shown(0.25)));
    fault = OTHER_SHAPE;
    CHECK(isinf(shown(0.25)));
    fault = NOT_A_NUMBER;
    CHECK(isinf(shown(0.25)));
    fault = NO_BACKWARD;
    CHECK(isinf(shown(0.25)));
    fault = OF_NOTHING;
    CHECK(isinf(shown(0.25)));
    fault = RIGHT;
}

/* At a kink any slope between the two sides' is right, and no other; one beside it is stepped
 * around. */
static void differences_at_a_kink(void)
{
    fault = RIGHT;
    CHECK(shown(1) < 1e-7);
    CHECK(shown(1.0002) < 1e-7);
    CHECK(shown(0.99998) < 1e-7);
    fault = AT_KINK;
    CHECK(shown(1) > 0.01);
    fault = RIGHT;
}

/* ---- against golden values ---- */

static gcheck against(const double *got, const double *golden, const char *name)
{
    int64_t n = 2;
    gresult want = { 0 }, r = { 0 };
    gcheck check;
    gcase c;

    g_put(&want, G_OUTPUT, "Y", 1, &n, golden);
    if (got) g_put(&r, G_OUTPUT, "Y", 1, &n, got);
    c = made_case("curve", &want, NULL);
    c.name = name;
    check = g_check_golden(&c, &r, G_OUTPUT);
    g_result_free(&want);
    g_result_free(&r);
    return check;
}

static void golden_measure(void)
{
    const double golden[2] = { 3, -1e-12 };
    gcheck check = against((double[]){ 3 + 2e-9, -1e-12 }, golden, "plain");

    CLOSE1(check.error, 2e-9 / 4, 1e-6, 0);
    CLOSE1(check.over, 0.5, 1e-6, 0);
    EQ_INT(check.count, 2);
    CHECK(against((double[]){ 3 + 8e-9, -1e-12 }, golden, "plain").over > 1);
    /* a small element counts for itself where magnitudes are extreme */
    CHECK(against((double[]){ 3, 0 }, golden, "plain").over < 1);
    CHECK(against((double[]){ 3, 0 }, golden, "extreme magnitudes").over > 1);
    CHECK(against((double[]){ 3, -1e-12 }, golden, "extreme magnitudes").over == 0);
    check = against(NULL, golden, "plain");
    CHECK(isinf(check.error) && isinf(check.over));
    EQ_STR(check.where, "Y is missing");
    CHECK(isinf(against((double[]){ 3, NAN }, golden, "plain").over));
    CHECK(isinf(against((double[]){ INFINITY, 0 }, golden, "plain").over));
}

static void golden_integers_are_exact(void)
{
    gresult want = { 0 }, r = { 0 };
    int64_t n = 2;
    gcase c;

    g_put_i(&want, G_OUTPUT, "k", 1, &n, (int64_t[]){ 7, 9007199254740993 });
    c = made_case("curve", &want, NULL);
    g_put_i(&r, G_OUTPUT, "k", 1, &n, (int64_t[]){ 7, 9007199254740993 });
    CHECK(g_check_golden(&c, &r, G_OUTPUT).over == 0);
    g_put_i(&r, G_OUTPUT, "k", 1, &n, (int64_t[]){ 7, 9007199254740992 });
    CHECK(isinf(g_check_golden(&c, &r, G_OUTPUT).over));
    g_put(&r, G_OUTPUT, "k", 2, (int64_t[]){ 1, 2 }, NULL);
    CHECK(isinf(g_check_golden(&c, &r, G_OUTPUT).over));
    g_result_free(&want);
    g_result_free(&r);
}

static void tolerances(void)
{
    gcase c = { .subject = "SkipConnectionConvModule" };

    CHECK(g_tolerance(&c, G_OUTPUT) == 1e-9);
    CHECK(g_tolerance(&c, G_PARAM_GRAD) == 1e-8);
    c.subject = "WGAN_GPLoss";
    CHECK(g_tolerance(&c, G_INPUT_GRAD) == 1e-9);
    c.subject = "WGAN_GP";
    CHECK(g_tolerance(&c, G_PARAM_GRAD) == 1e-8);
    c.subject = "schedulers";
    CHECK(g_tolerance(&c, G_OUTPUT) == 1e-12);
}

/* ---- reading ---- */

static void expect_message(const char *text, const char *wanted)
{
    char path[100], message[300] = "";
    gfile file;
    FILE *f;

    snprintf(path, sizeof path, "%s/g.json", temp_dir());
    f = fopen(path, "w");
    REQUIRE(f != NULL);
    fputs(text, f);
    fclose(f);
    CHECK(!g_file_load(path, &file, message));
    harness_check(strstr(message, wanted) != NULL, __FILE__, __LINE__, "%s, not %s", message,
                  wanted);
    g_file_free(&file);
}

static void files_that_are_none(void)
{
    expect_message("{", "g.json:1: ");
    expect_message("{\"subject\": \"A\", \"cases\": []}", "no golden file");
    expect_message("{\"cases\": [{\"name\": \"a\"}]}", "no golden file");
    expect_message("{\"subject\": \"A\", \"cases\": [{}]}", "a case has no name");
    expect_message("{\"subject\": \"A\", \"cases\": [{\"name\": \"a\", \"inputs\": {\"X\": "
                   "{\"shape\": [2, 2], \"data\": [1, 2, 3]}}}]}",
                   "a, inputs: X holds 3 numbers for a shape of 4");
    expect_message("{\"subject\": \"A\", \"cases\": [{\"name\": \"a\", \"inputs\": {\"X\": "
                   "{\"shape\": [1], \"data\": [\"x\"]}}}]}",
                   "a, inputs: X[0] is no number");
    expect_message("{\"subject\": \"A\", \"cases\": [{\"name\": \"a\", \"inputs\": {\"X\": "
                   "{\"shape\": [-1], \"data\": []}}}]}",
                   "a negative extent");
}

static void cases_are_read(void)
{
    char text[300] = "";
    const garray *ids;
    gfile file;

    if (!harness_check(g_file_load("golden/layer_embedding.json", &file, text), __FILE__, __LINE__,
                       "%s", text))
        return;
    EQ_STR(file.subject, "Embedding");
    EQ_INT(file.n, 6);
    EQ_STR(g_str(&file.cases[0], "pool", "none"), "none"); /* null counts as not named */
    EQ_STR(g_str(&file.cases[1], "pool", "none"), "sum");
    EQ_INT(g_int(&file.cases[0], "n_out", 0), 3);
    EQ_INT(g_int(&file.cases[0], "absent", 5), 5);
    ids = g_in(&file.cases[0], "ids");
    CHECK(ids && ids->dtype == G_I64 && ids->i && !ids->f && g_count(ids) == 6);
    CHECK(g_in_f(&file.cases[0], "ids") == NULL && g_in(&file.cases[0], "nothing") == NULL);
    EQ_INT(g_dim(g_param(&file.cases[0], "W"), -1), 3);
    EQ_INT(g_numbered(&file.cases[0].section[G_INPUT], "ids"), 0);
    g_file_free(&file);
}

TESTS(TEST(differences_find_wrong_gradients), TEST(differences_at_a_kink), TEST(golden_measure),
      TEST(golden_integers_are_exact), TEST(tolerances), TEST(files_that_are_none),
      TEST(cases_are_read))
