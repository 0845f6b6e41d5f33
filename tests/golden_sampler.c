/* golden_sampler.c: runs the cases of golden/discrete_sampler.json. */
#include <wengert/sampler.h>

#include "chi_square.h"
#include "golden_kinds.h"

enum { DRAWS = 100000 };

/* The distribution the alias tables draw from. */
static bool implied_pmf(const json_t *c, const wg_discrete_sampler *s, const wg_array *pmf,
                        double *worst)
{
    int64_t n = wg_discrete_sampler_n(s);
    const double *prob = wg_discrete_sampler_prob_table(s);
    const int64_t *alias = wg_discrete_sampler_alias_table(s);
    double *q = calloc((size_t)n, sizeof *q);
    wg_array got = wg_array_of(WG_F64, wg_shape_of(1, &n), q);
    bool ok = true;

    for (int64_t i = 0; i < n && ok; i++) {
        ok = prob[i] >= 0 && prob[i] <= 1 + 1e-12 && alias[i] >= 0 && alias[i] < n;
        if (!ok)
            golden_wrong(c, "cell %lld holds %g, %lld", (long long)i, prob[i], (long long)alias[i]);
        else {
            q[i] += prob[i] / (double)n;
            q[alias[i]] += (1 - prob[i]) / (double)n;
        }
    }
    ok = ok && golden_near(c, "implied pmf", &got, pmf, 1e-12, worst);
    free(q);
    return ok;
}

static bool follows(const json_t *c, const char *what, int64_t n, const int64_t *count,
                    const double *p)
{
    double level = chi_square_p(n, count, p);

    return level > 1e-6 || golden_wrong(c, "%s: chi-square level %g", what, level);
}

static bool with_replacement(const json_t *c, wg_discrete_sampler *s, double *worst)
{
    wg_array pmf = golden_array(c, "outputs", "pmf");
    int64_t n = wg_discrete_sampler_n(s), *count = calloc((size_t)n, sizeof *count);
    int64_t *sample = calloc(DRAWS, sizeof *sample);
    bool ok = implied_pmf(c, s, &pmf, worst);

    ok = ok && wg_discrete_sampler_draw(s, 7, golden_name(c), 0, DRAWS, sample, NULL) == WG_OK;
    for (int64_t i = 0; ok && i < DRAWS; i++) count[sample[i]]++;
    ok = ok && follows(c, "draws", n, count, pmf.data);
    free(sample);
    free(count);
    free(pmf.data);
    return ok;
}

/* Which of the listed sets these k distinct samples are; -1: none. */
static int64_t set_of(const json_t *sets, const int64_t *sample, int64_t k)
{
    const json_t *set, *v;
    size_t i, j;

    json_array_foreach(sets, i, set)
    {
        int64_t found = 0;

        json_array_foreach(set, j, v) for (int64_t m = 0; m < k; m++) found +=
            sample[m] == json_integer_value(v);
        if (found == k && (int64_t)json_array_size(set) == k) return (int64_t)i;
    }
    return -1;
}

static bool without_replacement(const json_t *c, wg_discrete_sampler *s)
{
    wg_array inclusion = golden_array(c, "outputs", "inclusion"),
             set_probs = golden_array(c, "outputs", "set_probs");
    const json_t *sets = json_object_get(json_object_get(c, "outputs"), "sets");
    int64_t n = wg_discrete_sampler_n(s), k = (int64_t)golden_number(c, "n_samples", 1);
    int64_t n_sets = (int64_t)json_array_size(sets), *count = calloc((size_t)n, sizeof *count);
    int64_t *set_count = calloc((size_t)n_sets + 1, sizeof *set_count);
    int64_t *sample = calloc((size_t)k, sizeof *sample);
    bool ok = true;

    for (uint64_t run = 0; ok && run < DRAWS; run++) {
        int64_t set;

        ok = wg_discrete_sampler_draw(s, 7, golden_name(c), run, k, sample, NULL) == WG_OK;
        for (int64_t i = 0; i < k; i++) count[sample[i]]++;
        set = set_of(sets, sample, k);
        if (set < 0) ok = golden_wrong(c, "draw %llu is none of the sets", (unsigned long long)run);
        else set_count[set]++;
    }
    ok = ok && follows(c, "sets", n_sets, set_count, set_probs.data);
    /* One value at a time: its inclusions are a binomial count. */
    for (int64_t i = 0; ok && i < n; i++) {
        double p = ((double *)inclusion.data)[i];

        ok = follows(c, "inclusion", 2, (int64_t[]){ count[i], DRAWS - count[i] },
                     (double[]){ p, 1 - p });
    }
    free(sample);
    free(set_count);
    free(count);
    free(inclusion.data);
    free(set_probs.data);
    return ok;
}

static bool golden_sampler_case(const json_t *c, double *worst)
{
    wg_array probs = golden_array(c, "inputs", "probs");
    bool replace = json_is_true(golden_hyper(c, "with_replacement")), ok;
    wg_error error = { 0 };
    wg_discrete_sampler *s;

    if (!probs.data) return golden_wrong(c, "the case has no probs");
    s = wg_discrete_sampler_new(wg_shape_count(&probs.type.shape), probs.data,
                                json_is_true(golden_hyper(c, "log")), replace, &error);
    if (!s) ok = golden_error(c, &error);
    else ok = replace ? with_replacement(c, s, worst) : without_replacement(c, s);
    wg_discrete_sampler_free(s);
    free(probs.data);
    return ok;
}

const golden_kind golden_kinds_sampler[] = {
    { "DiscreteSampler", golden_sampler_case },
    { NULL, NULL },
};
