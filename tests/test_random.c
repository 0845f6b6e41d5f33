/* test_random.c: draws: their distribution, their keys, and that nothing but those decides their bits. */
#include "op_run.h"

#include <wengert/params.h>

enum { N = 200000 };

static wg_feed feeds_of(const char *name, int64_t *value)
{
    return (wg_feed){ name, wg_array_of(WG_I64, WG_SHAPE_SCALAR, value) };
}

/* t with this seed and run. */
static wg_array drawn(wg_tensor *t, int64_t seed, int64_t turn, int threads)
{
    wg_array got =
        run(t, threads, 2, (wg_feed[]){ feeds_of("rng/seed", &seed), feeds_of("rng/run", &turn) });

    NO_ERROR(wg_graph_error(wg_tensor_graph(t)));
    NO_ERROR(&run_error);
    return got;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double *sorted(const wg_array *a)
{
    int64_t n = run_count(a);
    double *v = malloc((size_t)n * sizeof *v);

    for (int64_t i = 0; i < n; i++) v[i] = harness_number(a->data, a->type.dtype, i);
    qsort(v, (size_t)n, sizeof *v, ascending);
    return v;
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}
static double uniform_cdf(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* The Kolmogorov-Smirnov distance times sqrt(n) is above 1.95 for one seed in a thousand; seeds are fixed. */
static void check_distribution(wg_array got, double scale, double shift, double (*cdf)(double),
                               double mean, double variance)
{
    double sum = 0, square = 0, far = 0, *v;
    int64_t n = run_count(&got);

    for (int64_t i = 0; i < n; i++) sum += harness_number(got.data, got.type.dtype, i);
    sum /= (double)n;
    for (int64_t i = 0; i < n; i++) {
        double d = harness_number(got.data, got.type.dtype, i) - sum;

        square += d * d;
    }
    square /= (double)n;
    CLOSE1(sum, mean, 0, 4 * sqrt(variance / (double)n));
    CLOSE1(square, variance, 0.015, 0);
    v = sorted(&got);
    for (int64_t i = 0; i < n; i++) {
        double p = cdf((v[i] - shift) / scale);

        far =
            fmax(far, fmax(fabs(p - (double)i / (double)n), fabs(p - (double)(i + 1) / (double)n)));
    }
    if (!CHECK(far * sqrt((double)n) < 1.95))
        fprintf(stderr, "distance %g\n", far * sqrt((double)n));
    free(v);
    free(got.data);
}

static void draws_follow_their_distribution(void)
{
    for (int d = 0; d < 2; d++) {
        wg_dtype dtype = d ? WG_F64 : WG_F32;
        wg_graph *g = wg_graph_new();
        wg_array got;
        double ones = 0;

        check_distribution(drawn(wg_uniform(g, "u", 0, 1, dtype, WG_SHAPE(N)), 1, 0, 2), 1, 0,
                           uniform_cdf, 0.5, 1.0 / 12);
        check_distribution(drawn(wg_uniform(g, "v", -3, 5, dtype, WG_SHAPE(N)), 1, 0, 2), 8, -3,
                           uniform_cdf, 1, 64.0 / 12);
        check_distribution(drawn(wg_normal(g, "n", 0, 1, dtype, WG_SHAPE(N)), 1, 0, 2), 1, 0,
                           normal_cdf, 0, 1);
        check_distribution(drawn(wg_normal(g, "m", -2, 0.25, dtype, WG_SHAPE(N)), 1, 0, 2), 0.25,
                           -2, normal_cdf, -2, 0.0625);
        got = drawn(wg_bernoulli(g, "b", 0.3, dtype, WG_SHAPE(N)), 1, 0, 2);
        for (int64_t i = 0; i < N; i++) {
            double v = harness_number(got.data, dtype, i);

            if (v != 0 && v != 1) CHECK(v == 0 || v == 1);
            ones += v;
        }
        CLOSE1(ones / N, 0.3, 0, 4 * sqrt(0.21 / N));
        free(got.data);
        wg_graph_free(g);
    }
}

/* Neighbouring elements, runs, seeds and names are uncorrelated. */
static void draws_are_independent(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *a = wg_normal(g, "a", 0, 1, WG_F64, WG_SHAPE(N)),
              *b = wg_normal(g, "b", 0, 1, WG_F64, WG_SHAPE(N));
    wg_array first = drawn(a, 1, 0, 1),
             other[] = { drawn(b, 1, 0, 1), drawn(a, 1, 1, 1), drawn(a, 2, 0, 1) };
    double *x = first.data, sum = 0, bound = 4 / sqrt(N);

    for (int lag = 1; lag < 5; lag++) {
        sum = 0;
        for (int64_t i = 0; i + lag < N; i++) sum += x[i] * x[i + lag];
        CLOSE1(sum / N, 0, 0, bound);
    }
    for (int k = 0; k < 3; k++) {
        sum = 0;
        for (int64_t i = 0; i < N; i++) sum += x[i] * ((double *)other[k].data)[i];
        CLOSE1(sum / N, 0, 0, bound);
        free(other[k].data);
    }
    free(first.data);
    wg_graph_free(g);
}

/* The interval is open above even where lo + (hi - lo) u rounds to hi, and closed below. */
static void uniform_stays_below_hi(void)
{
    wg_graph *g = wg_graph_new();
    wg_array got = drawn(wg_uniform(g, "u", 1, 1 + 0x1p-22, WG_F32, WG_SHAPE(1000)), 3, 0, 1);
    bool low = false, high = false;

    for (int i = 0; i < 1000; i++) {
        float v = ((float *)got.data)[i];

        if (!(v >= 1 && v < 1 + 0x1p-22f)) CHECK(v >= 1 && v < 1 + 0x1p-22f);
        low = low || v == 1;
        high = high || v == 1 + 0x1p-23f;
    }
    CHECK(low && high);
    free(got.data);
    got = drawn(wg_uniform(g, "same", 2.5, 2.5, WG_F64, WG_SHAPE(3)), 3, 0, 1);
    CLOSE_ARRAY(&got, ((double[]){ 2.5, 2.5, 2.5 }), 3, 0, 0);
    free(got.data);
    got = drawn(wg_bernoulli(g, "all", 1, WG_F32, WG_SHAPE(3)), 3, 0, 1);
    CLOSE_ARRAY(&got, ((float[]){ 1, 1, 1 }), 3, 0, 0);
    free(got.data);
    got = drawn(wg_bernoulli(g, "none", 0, WG_F32, WG_SHAPE(3)), 3, 0, 1);
    CLOSE_ARRAY(&got, ((float[]){ 0, 0, 0 }), 3, 0, 0);
    free(got.data);
    wg_graph_free(g);
}

/* Neither threads, nor what else is recorded, nor the shape's rank changes a bit; a prefix is a prefix. */
static void bits_depend_on_the_key_alone(void)
{
    for (int kind = 0; kind < 6; kind++) {
        wg_graph *g = wg_graph_new(), *h = wg_graph_new();
        wg_dtype dtype = kind % 2 ? WG_F64 : WG_F32;
        size_t size = wg_dtype_size(dtype);
        wg_tensor *x, *y, *like;
        wg_array one, two, three, few;

        wg_scope_begin(g, "outer");
        wg_scope_begin(h, "outer");
        wg_normal(h, "before", 0, 1, WG_F32, WG_SHAPE(3));
        like = wg_input(h, "like", dtype, WG_SHAPE(1, 1, 7));
        x = kind < 2   ? wg_uniform(g, "d", -1, 1, dtype, WG_SHAPE(70001))
            : kind < 4 ? wg_normal(g, "d", -1, 1, dtype, WG_SHAPE(70001))
                       : wg_bernoulli(g, "d", 0.4, dtype, WG_SHAPE(70001));
        y = kind < 2   ? wg_uniform_like(like, "d", -1, 1)
            : kind < 4 ? wg_normal_like(like, "d", -1, 1)
                       : wg_bernoulli_like(like, "d", 0.4);
        one = drawn(x, 9, 4, 1);
        two = drawn(x, 9, 4, 2);
        three = drawn(x, 9, 4, 5);
        SAME_BITS(two.data, one.data, 70001 * size);
        SAME_BITS(three.data, one.data, 70001 * size);
        {
            int64_t seed = 9, turn = 4;
            wg_array fed = numbered(dtype, WG_SHAPE(3, 1, 7));

            few =
                run(y, 1, 3,
                    (wg_feed[]){
                        feeds_of("rng/seed", &seed), feeds_of("rng/run", &turn), { "like", fed } });
            NO_ERROR(&run_error);
            EQ_INT(run_count(&few), 21);
            SAME_BITS(few.data, one.data, 21 * size);
            free(fed.data);
        }
        free(one.data);
        free(two.data);
        free(three.data);
        free(few.data);
        wg_graph_free(g);
        wg_graph_free(h);
    }
}

/* The published algorithms (FNV-1a, Philox4x32-10) computed apart from this library: a saved program that
 * goes on elsewhere must draw the same. */
static void bits_do_not_change(void)
{
    wg_graph *g = wg_graph_new();
    wg_array u = drawn(wg_uniform(g, "u", 0, 1, WG_F64, WG_SHAPE(3)), 7, 0, 1);
    wg_array f = drawn(wg_uniform(g, "f", 0, 1, WG_F32, WG_SHAPE(3)), 7, 0, 1);

    CLOSE_ARRAY(&u, ((double[]){ 0.6003236029130556, 0.20766349602087408, 0.8514457564502672 }), 3,
                0, 0);
    CLOSE_ARRAY(&f, ((float[]){ 0.960695207118988f, 0.45897376537323f, 0.5362169742584229f }), 3, 0,
                0);
    free(u.data);
    free(f.data);
    wg_graph_free(g);
}

/* ---- keys ---- */

static void a_key_occurs_once(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3));

    wg_begin(g, "train", WG_TRAIN);
    wg_scope_begin(g, "drop");
    wg_bernoulli_like(x, "mask", 0.5);
    wg_scope_end(g);
    wg_bernoulli_like(x, "mask", 0.5);
    wg_output("y", x);
    wg_end(g);
    wg_begin(g, "predict", WG_PREDICT);
    wg_scope_begin(g, "drop");
    wg_bernoulli_like(x, "mask", 0.5);
    NO_ERROR(wg_graph_error(g));
    wg_uniform_like(x, "mask", 0, 1);
    ERROR_IS(wg_graph_error(g), WG_ENAME,
             "uniform: \"drop/mask\" is taken in this function: use another name or scope",
             harness_site((char[64]){ 0 }, __FILE__, __LINE__ - 3));
    wg_graph_free(g);
}

/* The site comes as an argument, for compilers number the lines of a macro's own text in different ways. */
#define REFUSED(site, expression, code, message)                                                   \
    do {                                                                                           \
        wg_graph *g = wg_graph_new();                                                              \
        wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3));                                   \
        wg_tensor *i = wg_input(g, "i", WG_I64, WG_SHAPE(2, 3));                                   \
        wg_tensor *t = expression;                                                                 \
                                                                                                   \
        CHECK(t != NULL && x && i);                                                                \
        ERROR_IS(wg_graph_error(g), code, message, site);                                          \
        wg_graph_free(g);                                                                          \
    } while (0)

static void what_is_refused(void)
{
    REFUSED(HERE, wg_uniform_like(x, "", 0, 1), WG_ENAME, "uniform: the draw's name is empty");
    REFUSED(HERE, wg_normal_like(x, NULL, 0, 1), WG_ENAME, "normal: the draw's name is empty");
    REFUSED(HERE, wg_normal_like(x, "a/b", 0, 1), WG_ENAME,
            "normal: \"a/b\" holds a '/': scopes make paths");
    REFUSED(HERE, wg_uniform_like(x, "u", 1, 0), WG_EARG,
            "uniform: from 1 to 0: wanted finite bounds in order");
    REFUSED(HERE, wg_uniform_like(x, "u", 0, INFINITY), WG_EARG,
            "uniform: from 0 to inf: wanted finite bounds in order");
    REFUSED(HERE, wg_normal_like(x, "n", 0, -1), WG_EARG,
            "normal: mean 0, standard deviation -1: wanted finite numbers, the second not below 0");
    REFUSED(HERE, wg_bernoulli_like(x, "b", 1.5), WG_EARG,
            "bernoulli: probability 1.5, wanted one from 0 to 1");
    REFUSED(HERE, wg_bernoulli_like(x, "b", NAN), WG_EARG,
            "bernoulli: probability nan, wanted one from 0 to 1");
    REFUSED(HERE, wg_uniform_like(i, "u", 0, 1), WG_EDTYPE,
            "uniform: operand 0 is i64[2 x 3], wanted f32 or f64: convert it with wg_cast");
    REFUSED(HERE, wg_uniform(g, "u", 0, 1, WG_BOOL, WG_SHAPE(2)), WG_EDTYPE,
            "uniform: operand 0 is bool[2], wanted f32 or f64: convert it with wg_cast");
    CHECK(wg_uniform_like(NULL, "u", 0, 1) == NULL);
    CHECK(wg_normal(NULL, "u", 0, 1, WG_F32, WG_SHAPE(2)) == NULL);
}

/* ---- the run counter ---- */

static void training_moves_on(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *w = wg_parameter(g, "w", WG_F32, WG_SHAPE(4)), *t;
    int f;

    wg_begin(g, "train", WG_TRAIN);
    wg_update("w", wg_uniform_like(w, "a", 0, 1));
    wg_uniform_like(w, "b", 0, 1);
    wg_end(g);
    wg_begin(g, "look", WG_TRAIN);
    wg_output("y", wg_uniform_like(w, "a", 0, 1));
    wg_end(g);
    wg_begin(g, "predict", WG_PREDICT);
    wg_update("w", wg_uniform_like(w, "a", 0, 1));
    wg_end(g);
    REQUIRE(NO_ERROR(wg_graph_error(g)));
    f = wg_function_find(g, "train");
    EQ_INT(wg_function_n_updates(g, f), 2);
    EQ_STR(wg_function_update_name(g, f, 1), "rng/run");
    t = wg_function_update(g, f, 1);
    {
        int64_t turn = 41;
        wg_array got = run(t, 1, 1, (wg_feed[]){ feeds_of("rng/run", &turn) });

        CLOSE_ARRAY(&got, ((int64_t[]){ 42 }), 1, 0, 0);
        free(got.data);
    }
    EQ_INT(wg_function_n_updates(g, wg_function_find(g, "look")), 0);
    EQ_INT(wg_function_n_updates(g, wg_function_find(g, "predict")), 1);
    wg_graph_free(g);
}

/* The same through a plan: each committed run draws anew, what is fed under the key replaces the draw. */
static void plans_draw(void)
{
    wg_graph *g = wg_graph_new();
    wg_params *store = wg_params_new(WG_F32, 5);
    wg_tensor *w;
    wg_plan *p, *look;
    float fed[4] = { 1, 2, 3, 4 };
    int64_t seed = 5;

    REQUIRE(wg_params_add(store, "w", WG_F32, WG_SHAPE(4), true, NULL, NULL) == WG_OK);
    w = wg_parameter(g, "w", WG_F32, WG_SHAPE(4));
    wg_begin(g, "train", WG_TRAIN);
    wg_scope_begin(g, "noise");
    wg_update("w", wg_normal_like(w, "n", 0, 1));
    wg_scope_end(g);
    wg_end(g);
    wg_begin(g, "look", WG_TRAIN);
    wg_scope_begin(g, "noise");
    wg_output("y", wg_normal_like(w, "n", 0, 1));
    wg_scope_end(g);
    wg_end(g);
    p = wg_plan_new(g, store, "train", NULL);
    look = wg_plan_new(g, store, "look", NULL);
    REQUIRE(NO_ERROR(wg_graph_error(g)) && p && look);
    for (int64_t turn = 0; turn < 3; turn++) {
        wg_array want = run(wg_function_output(g, wg_function_find(g, "look"), 0), 1, 3,
                            (wg_feed[]){ feeds_of("rng/seed", &seed),
                                         feeds_of("rng/run", &turn),
                                         { "w", WG_F32_ARRAY(fed, 4) } });

        CLOSE1(wg_item(&wg_params_find(store, "rng/run")->value), (double)turn, 0, 0);
        for (int again = 0; again < 2; again++) { /* without an update the counter stands still */
            CHECK(wg_plan_run(look) == WG_OK);
            SAME_BITS(wg_plan_value(look, "y")->data, want.data, 4 * sizeof(float));
        }
        CHECK(wg_plan_run(p) == WG_OK);
        SAME_BITS(wg_params_find(store, "w")->value.data, want.data, 4 * sizeof(float));
        free(want.data);
    }
    CHECK(wg_plan_feed(p, "noise/n", WG_F32_ARRAY(fed, 4)) == WG_OK);
    CHECK(wg_plan_run(p) == WG_OK);
    SAME_BITS(wg_params_find(store, "w")->value.data, fed, sizeof fed);
    NO_ERROR(wg_plan_error(p));
    wg_plan_free(p);
    wg_plan_free(look);
    wg_params_free(store);
    wg_graph_free(g);
}

TESTS(TEST(draws_follow_their_distribution), TEST(draws_are_independent),
      TEST(uniform_stays_below_hi), TEST(bits_depend_on_the_key_alone), TEST(bits_do_not_change),
      TEST(a_key_occurs_once), TEST(what_is_refused), TEST(training_moves_on), TEST(plans_draw))
