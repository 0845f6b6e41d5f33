/* test_sampler.c: the discrete sampler and noise words (tests/golden/discrete_sampler). */
#include <wengert/op.h>
#include <wengert/sampler.h>

#include "chi_square.h"
#include "gate.h"
#include "golden_kinds.h"

static void golden(void)
{
    golden_run_file("discrete_sampler", golden_kinds_sampler);
}

/* Tail values of published tables, so that the test of the tests stands on something. */
static void chi_square(void)
{
    CLOSE1(chi_square_tail(3.841458820694124, 1), 0.05, 1e-12, 0);
    CLOSE1(chi_square_tail(5.991464547107979, 2), 0.05, 1e-12, 0);
    CLOSE1(chi_square_tail(18.307038053275146, 10), 0.05, 1e-12, 0);
    CLOSE1(chi_square_tail(24.724970311318277, 11), 0.01, 1e-11, 0);
}

/* Random tables of all sizes: the tables imply the probabilities, zeros are never drawn. */
static void tables(void)
{
    for (int64_t n = 1; n < 400; n = n * 3 / 2 + 1)
        for (uint64_t run = 0; run < 20; run++) {
            double p[600], q[600] = { 0 }, sum = 0, off = 0;
            wg_discrete_sampler *s;

            wg_random_uniform(1, (uint64_t)n, run, 0, n, WG_F64, p);
            for (int64_t i = 0; i < n; i++) {
                p[i] = i > 0 && p[i] < 0.2 ? 0 : pow(p[i], (double)(1 + run));
                sum += p[i];
            }
            for (int64_t i = 0; i < n; i++) p[i] /= sum;
            s = wg_discrete_sampler_new(n, p, false, true, NULL);
            REQUIRE(s != NULL);
            for (int64_t i = 0; i < n; i++) {
                double t = wg_discrete_sampler_prob_table(s)[i];

                q[i] += t / (double)n;
                q[wg_discrete_sampler_alias_table(s)[i]] += (1 - t) / (double)n;
            }
            for (int64_t i = 0; i < n; i++) {
                off = fmax(off, fabs(p[i] - q[i]));
                if (p[i] == 0 && q[i] != 0) off = 1;
            }
            CHECK(off < 1e-14);
            wg_discrete_sampler_free(s);
        }
}

static void same_draws_again(void)
{
    static const double p[] = { 0.4, 0.3, 0.2, 0.05, 0.05 };
    wg_discrete_sampler *s = wg_discrete_sampler_new(5, p, false, true, NULL),
                        *t = wg_discrete_sampler_new(5, p, false, false, NULL);
    int64_t a[300], b[300], c[300];

    REQUIRE(s && t);
    wg_discrete_sampler_draw(s, 3, "noise", 8, 300, a, NULL);
    wg_discrete_sampler_draw(s, 3, "noise", 9, 300, c, NULL);
    wg_discrete_sampler_draw(s, 3, "noise", 8, 300, b, NULL);
    SAME_BITS(a, b, sizeof a);
    CHECK(memcmp(a, c, sizeof a) != 0);
    wg_discrete_sampler_draw(s, 3, "other", 8, 300, c, NULL);
    CHECK(memcmp(a, c, sizeof a) != 0);
    wg_discrete_sampler_draw(s, 4, "noise", 8, 300, c, NULL);
    CHECK(memcmp(a, c, sizeof a) != 0);
    /* The first draws do not depend on how many follow. */
    wg_discrete_sampler_draw(s, 3, "noise", 8, 10, c, NULL);
    SAME_BITS(a, c, 10 * sizeof *a);
    for (uint64_t run = 0; run < 50; run++) {
        wg_discrete_sampler_draw(t, 3, "noise", run, 4, a, NULL);
        wg_discrete_sampler_draw(t, 3, "noise", run, 4, b, NULL);
        SAME_BITS(a, b, 4 * sizeof *a);
    }
    wg_discrete_sampler_free(s);
    wg_discrete_sampler_free(t);
}

/* One value has nearly all the mass: rejection alone would take a million attempts. The order of
 * the others is that of draws from what is left. */
static void heavy_head(void)
{
    enum { RUNS = 40000 };
    double p[5] = { 0.9999999, 4e-8, 3e-8, 2e-8, 1e-8 };
    int64_t sample[5], second[5] = { 0 }, last[5] = { 0 }, first = 0;
    double want[5] = { 0, 0.4, 0.3, 0.2, 0.1 }, want_last[5] = { 0 };
    wg_discrete_sampler *s = wg_discrete_sampler_new(5, p, false, false, NULL);

    REQUIRE(s != NULL);
    /* P(last of four = i), from all orders of the others */
    for (int a = 1; a < 5; a++)
        for (int b = 1; b < 5; b++)
            for (int c = 1; c < 5; c++)
                if (a != b && b != c && a != c)
                    want_last[10 - a - b - c] +=
                        want[a] * want[b] / (1 - want[a]) * want[c] / (1 - want[a] - want[b]);
    for (uint64_t run = 0; run < RUNS; run++) {
        wg_discrete_sampler_draw(s, 1, "heavy", run, 5, sample, NULL);
        first += sample[0] == 0;
        second[sample[1]]++;
        last[sample[4]]++;
    }
    CHECK(first >= RUNS - 2);
    second[0] = last[0] = 0;
    CHECK(chi_square_p(5, second, want) > 1e-6);
    CHECK(chi_square_p(5, last, want_last) > 1e-6);
    wg_discrete_sampler_free(s);
}

/* A probability of 0 is no value to draw. */
static void erratum_T6_more_than_there_are(void)
{
    static const double p[] = { 0.5, 0, 0.5 };
    wg_discrete_sampler *s = wg_discrete_sampler_new(3, p, false, false, NULL);
    int64_t sample[3];
    wg_error error = { 0 };

    REQUIRE(s != NULL);
    EQ_INT(wg_discrete_sampler_n(s), 3);
    EQ_INT(wg_discrete_sampler_n_possible(s), 2);
    EQ_INT(wg_discrete_sampler_draw(s, 1, "n", 0, 3, sample, &error), WG_EARG);
    ERROR_IS(&error, WG_EARG,
             "wg_discrete_sampler_draw: 3 samples without replacement from 2 values of a "
             "probability above 0",
             NULL);
    EQ_INT(wg_discrete_sampler_draw(s, 1, "n", 0, 2, sample, NULL), WG_OK);
    EQ_INT(sample[0] + sample[1], 2);
    wg_discrete_sampler_free(s);
}

static void erratum_L5_log_probabilities(void)
{
    static const double p[] = { 0.125, 0, 0.5, 0.375 };
    double l[4];
    wg_discrete_sampler *s, *t;
    int64_t a[200], b[200];

    for (int i = 0; i < 4; i++) l[i] = log(p[i]);
    s = wg_discrete_sampler_new(4, p, false, true, NULL);
    t = wg_discrete_sampler_new(4, l, true, true, NULL);
    REQUIRE(s && t);
    for (int i = 0; i < 4; i++) {
        CLOSE1(wg_discrete_sampler_prob(t, i), p[i], 1e-15, 0);
        CLOSE1(wg_discrete_sampler_log_prob(t, i), l[i], 1e-15, 0);
        CLOSE1(wg_discrete_sampler_log_prob(s, i), l[i], 1e-15, 0);
    }
    wg_discrete_sampler_draw(s, 1, "n", 0, 200, a, NULL);
    wg_discrete_sampler_draw(t, 1, "n", 0, 200, b, NULL);
    SAME_BITS(a, b, sizeof a);
    wg_discrete_sampler_free(s);
    wg_discrete_sampler_free(t);
}

static void refuses(int64_t n, const double *p, bool log_given, const char *text)
{
    wg_error error = { 0 };
    char message[300];

    snprintf(message, sizeof message, "wg_discrete_sampler_new: %s", text);
    CHECK(wg_discrete_sampler_new(n, p, log_given, true, &error) == NULL);
    ERROR_IS(&error, WG_EARG, message, NULL);
}

static void bad_input(void)
{
    wg_error error = { 0 };
    int64_t sample[1];
    double one = 1;
    wg_discrete_sampler *s;

    refuses(2, (double[]){ 0.5, 0.4 }, false, "2 probabilities sum to 0.9, wanted 1");
    refuses(2, (double[]){ 1.5, -0.5 }, false,
            "probability 1 is -0.5, wanted a number from 0 to 1");
    refuses(2, (double[]){ NAN, 1 }, false, "probability 0 is nan, wanted a number from 0 to 1");
    refuses(2, (double[]){ 0, INFINITY }, false,
            "probability 1 is inf, wanted a number from 0 to 1");
    refuses(2, (double[]){ 0, 0 }, false, "2 probabilities sum to 0, wanted 1");
    refuses(2, (double[]){ 0.5, -1 }, true, "log-probability 0 is 0.5, wanted at most 0");
    refuses(2, (double[]){ -1, -1 }, true, "2 probabilities sum to 0.735758882, wanted 1");
    refuses(0, &one, false, "0 values, wanted 1 to 2147483647");
    refuses(1, NULL, false, "probs is NULL");
    s = wg_discrete_sampler_new(1, &one, false, true, NULL);
    wg_discrete_sampler_draw(s, 0, "n", 0, -1, sample, &error);
    ERROR_IS(&error, WG_EARG, "wg_discrete_sampler_draw: -1 samples", NULL);
    error.code = WG_OK;
    wg_discrete_sampler_draw(s, 0, NULL, 0, 1, sample, &error);
    ERROR_IS(&error, WG_EARG, "wg_discrete_sampler_draw: name is NULL", NULL);
    error.code = WG_OK;
    wg_discrete_sampler_draw(NULL, 0, "n", 0, 1, sample, &error);
    ERROR_IS(&error, WG_EARG, "wg_discrete_sampler_draw: the sampler is NULL", NULL);
    error.code = WG_OK;
    wg_discrete_sampler_draw(s, 0, "n", 0, 1, NULL, &error);
    ERROR_IS(&error, WG_EARG, "wg_discrete_sampler_draw: 1 samples into NULL", NULL);
    EQ_INT(wg_discrete_sampler_draw(s, 0, "n", 0, 1, sample, NULL), WG_OK);
    EQ_INT(sample[0], 0);
    wg_discrete_sampler_free(s);
    wg_discrete_sampler_free(NULL);
    EQ_INT(wg_discrete_sampler_n(NULL), 0);
    CHECK(wg_discrete_sampler_prob(NULL, 0) == 0);
}

/* The special tokens are no noise words, at power 0 either. */
static void erratum_D9_special_tokens_are_no_noise(void)
{
    static const int64_t counts[] = { 5, 5, 0, 3, 1 }, special[] = { 0, 1, 2 };
    double p[5];
    wg_error error = { 0 };

    EQ_INT(wg_noise_distribution(5, counts, 3, special, 0, p, NULL), WG_OK);
    CLOSE(p, ((double[]){ 0, 0, 0, 0.5, 0.5 }), 5, 0, 0);
    EQ_INT(wg_noise_distribution(5, counts, 3, special, 1, p, NULL), WG_OK);
    CLOSE(p, ((double[]){ 0, 0, 0, 0.75, 0.25 }), 5, 0, 0);
    wg_noise_distribution(3, counts, 3, special, 0.75, p, &error);
    ERROR_IS(&error, WG_EARG, "wg_noise_distribution: the counts to the power 0.75 sum to 0", NULL);
    error.code = WG_OK;
    wg_noise_distribution(5, counts, 0, NULL, NAN, p, &error);
    ERROR_IS(&error, WG_EARG, "wg_noise_distribution: power is nan, wanted a number", NULL);
    error.code = WG_OK;
    wg_noise_distribution(1, (int64_t[]){ -2 }, 0, NULL, 1, p, &error);
    ERROR_IS(&error, WG_EARG, "wg_noise_distribution: count 0 is -2", NULL);
    error.code = WG_OK;
    wg_noise_distribution(0, counts, 0, NULL, 1, p, &error);
    ERROR_IS(&error, WG_EARG, "wg_noise_distribution: no words", NULL);
}

static wg_status make_one(void *arg, wg_error *error)
{
    wg_discrete_sampler *s =
        wg_discrete_sampler_new(3, (double[]){ 0.5, 0.25, 0.25 }, false, false, error);

    (void)arg;
    wg_discrete_sampler_free(s);
    return s ? WG_OK : WG_ENOMEM;
}

static void memory_ends(void)
{
    gate_every_allocation(make_one, NULL, "sampler");
}

TESTS(TEST(golden), TEST(chi_square), TEST(tables), TEST(same_draws_again), TEST(heavy_head),
      TEST(erratum_T6_more_than_there_are), TEST(erratum_L5_log_probabilities), TEST(bad_input),
      TEST(erratum_D9_special_tokens_are_no_noise), TEST(memory_ends))
