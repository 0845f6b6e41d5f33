/* golden_init.c: checks the facts of golden/initializers.json: bounds and moments of many draws. */
#include "golden_kinds.h"

enum { DRAWS = 100000 };

struct moments {
    double n, sum, squares, most;
};

/* Draws of as many entries as it takes, each of another seed. */
static bool draw(const json_t *c, wg_shape shape, struct moments *m)
{
    while (m->n < DRAWS) {
        wg_params *w = wg_params_new(WG_F64, (uint64_t)m->n);
        wg_error error = { .code = WG_OK };
        int64_t n = wg_shape_count(&shape);
        const double *v;

        wg_params_add(w, "W", WG_F64, shape, true, NULL, &error);
        wg_init_fill(w, "W", golden_string(c, "init"), golden_string(c, "act_fn"), &error);
        if (error.code != WG_OK || n == 0) {
            wg_params_free(w);
            return n == 0 ? golden_wrong(c, "no weights to draw") : golden_error(c, &error);
        }
        v = wg_params_find(w, "W")->value.data;
        for (int64_t i = 0; i < n; i++) {
            m->sum += v[i];
            m->squares += v[i] * v[i];
            m->most = fmax(m->most, fabs(v[i]));
        }
        m->n += (double)n;
        wg_params_free(w);
    }
    return true;
}

static bool fact(const json_t *c, const char *key, double *v)
{
    wg_array a = golden_array(c, "outputs", key);
    bool there = a.data && wg_shape_count(&a.type.shape) == 1;

    if (there) *v = *(double *)a.data;
    free(a.data);
    return there;
}

static bool fans_and_gain(const json_t *c, const wg_shape *shape)
{
    double in = 0, out = 0, gain = wg_act_gain(golden_string(c, "act_fn"));

    if (golden_hyper(c, "fan_in") &&
        (!wg_calc_fan(shape, &in, &out) || in != golden_number(c, "fan_in", 0) ||
         out != golden_number(c, "fan_out", 0)))
        return golden_wrong(c, "fans %g, %g", in, out);
    if (golden_hyper(c, "gain") &&
        !(fabs(gain - golden_number(c, "gain", 0)) <= 1e-12 * (1 + gain)))
        return golden_wrong(c, "gain %.17g", gain);
    return true;
}

static bool golden_init_case(const json_t *c, double *worst)
{
    const json_t *dims = golden_hyper(c, "weight_shape");
    int64_t dim[WG_MAX_RANK] = { 0 };
    int rank = (int)json_array_size(dims);
    struct moments m = { 0 };
    double mean, variance, bound, got_mean, got_variance;
    wg_shape shape;

    for (int i = 0; i < rank && i < WG_MAX_RANK; i++)
        dim[i] = json_integer_value(json_array_get(dims, (size_t)i));
    shape = wg_shape_of(rank, dim);
    if (!golden_string(c, "init") || !fact(c, "mean", &mean) || !fact(c, "variance", &variance))
        return golden_wrong(c, "wanted hyperparameter init, outputs mean and variance");
    if (!fans_and_gain(c, &shape) || !draw(c, shape, &m)) return false;
    got_mean = m.sum / m.n;
    got_variance = m.squares / m.n - got_mean * got_mean;
    if (fact(c, "bound", &bound) && !(m.most <= bound * (1 + 1e-15)))
        return golden_wrong(c, "%.17g lies beyond the bound %.17g", m.most, bound);
    if (!(fabs(got_mean - mean) <= 5 * sqrt(variance / m.n)))
        return golden_wrong(c, "mean %g, not %g", got_mean, mean);
    if (!(fabs(got_variance - variance) <= 0.03 * variance))
        return golden_wrong(c, "variance %g, not %g", got_variance, variance);
    *worst = fmax(*worst, 0); /* facts about samples: there is no difference to report */
    return true;
}

const golden_kind golden_kinds_init[] = {
    { "initializers", golden_init_case },
    { NULL, NULL },
};
