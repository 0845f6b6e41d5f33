/* sampler.c: the alias method, and sampling without replacement, from counter-based draws. */
#include <math.h>
#include <string.h>

#include "wengert/op.h"
#include "wengert/sampler.h"

static const char NEW[] = "wg_discrete_sampler_new";
static const char DRAW[] = "wg_discrete_sampler_draw";

/* Draws by rejection take the counters from 0 on, the keys of the values left over those from here:
 * no draw of one call is read twice. */
static const int64_t KEYS_AT = INT64_C(1) << 48;

struct wg_discrete_sampler {
    int64_t n, n_possible;
    bool with_replacement;
    double *p, *log_p, *prob;
    int64_t *alias;
    /* without replacement: which values are drawn already, and keys of those that are not */
    unsigned char *taken;
    double *key;
    int64_t *heap;
};

int64_t wg_discrete_sampler_n(const wg_discrete_sampler *s)
{
    return s ? s->n : 0;
}

int64_t wg_discrete_sampler_n_possible(const wg_discrete_sampler *s)
{
    return s ? s->n_possible : 0;
}

double wg_discrete_sampler_prob(const wg_discrete_sampler *s, int64_t i)
{
    return s && i >= 0 && i < s->n ? s->p[i] : 0;
}

double wg_discrete_sampler_log_prob(const wg_discrete_sampler *s, int64_t i)
{
    return s && i >= 0 && i < s->n ? s->log_p[i] : -INFINITY;
}

const double *wg_discrete_sampler_prob_table(const wg_discrete_sampler *s)
{
    return s ? s->prob : NULL;
}

const int64_t *wg_discrete_sampler_alias_table(const wg_discrete_sampler *s)
{
    return s ? s->alias : NULL;
}

void wg_discrete_sampler_free(wg_discrete_sampler *s)
{
    if (!s) return;
    wg_free(s->p);
    wg_free(s->log_p);
    wg_free(s->prob);
    wg_free(s->alias);
    wg_free(s->taken);
    wg_free(s->key);
    wg_free(s->heap);
    wg_free(s);
}

/* Copies and checks the probabilities; p and log_p sum to one afterwards. */
static wg_status take_probs(wg_discrete_sampler *s, const double *probs, bool log_given,
                            wg_error *error)
{
    double sum = 0, lost = 0;

    for (int64_t i = 0; i < s->n; i++) {
        double p = log_given ? exp(probs[i]) : probs[i], t;

        if (isnan(probs[i]) || p < 0 || isinf(p) || (log_given && probs[i] > 1e-8))
            return wg_fail(error, WG_EARG, NEW, "%s %lld is %g, wanted %s",
                           log_given ? "log-probability" : "probability", (long long)i, probs[i],
                           log_given ? "at most 0" : "a number from 0 to 1");
        s->p[i] = p;
        /* Kahan's sum: many small values must not look like a sum that is not one. */
        p -= lost;
        t = sum + p;
        lost = t - sum - p;
        sum = t;
    }
    if (!(fabs(sum - 1) <= 1e-8))
        return wg_fail(error, WG_EARG, NEW, "%lld probabilities sum to %.9g, wanted 1",
                       (long long)s->n, sum);
    for (int64_t i = 0; i < s->n; i++) {
        s->log_p[i] = (log_given ? probs[i] : log(s->p[i])) - log(sum);
        s->p[i] /= sum;
        s->n_possible += s->p[i] > 0;
    }
    return WG_OK;
}

/* Vose's construction. `list` has room for n: cells below average from its start, the others from
 * its end. What is left of the cells sums to their number: when one kind runs out, the rest are 1
 * but for rounding, and a value of probability 0 is not among them. */
static void build(wg_discrete_sampler *s, int64_t *list)
{
    int64_t n_small = 0, n_large = 0, n = s->n;

    for (int64_t i = 0; i < n; i++) {
        s->prob[i] = s->p[i] * (double)n;
        s->alias[i] = i;
        if (s->prob[i] < 1) list[n_small++] = i;
        else list[n - ++n_large] = i;
    }
    while (n_small > 0 && n_large > 0) {
        int64_t small = list[--n_small], large = list[n - n_large];

        s->alias[small] = large;
        s->prob[large] = s->prob[large] + s->prob[small] - 1;
        if (s->prob[large] < 1) {
            n_large--;
            list[n_small++] = large;
        }
    }
    while (n_large > 0) s->prob[list[n - n_large--]] = 1;
    while (n_small > 0) s->prob[list[--n_small]] = 1;
}

wg_discrete_sampler *wg_discrete_sampler_new(int64_t n, const double *probs, bool log_given,
                                             bool with_replacement, wg_error *error)
{
    wg_discrete_sampler *s = NULL;
    int64_t *list = NULL;

    if (!probs) {
        wg_fail(error, WG_EARG, NEW, "probs is NULL");
        return NULL;
    }
    if (n < 1 || n > INT32_MAX) {
        wg_fail(error, WG_EARG, NEW, "%lld values, wanted 1 to %d", (long long)n, INT32_MAX);
        return NULL;
    }
    s = wg_alloc(1, sizeof *s);
    if (!s) goto no_memory;
    s->n = n;
    s->with_replacement = with_replacement;
    s->p = wg_alloc(n, sizeof *s->p);
    s->log_p = wg_alloc(n, sizeof *s->log_p);
    s->prob = wg_alloc(n, sizeof *s->prob);
    s->alias = wg_alloc(n, sizeof *s->alias);
    list = wg_alloc(n, sizeof *list);
    if (!s->p || !s->log_p || !s->prob || !s->alias || !list) goto no_memory;
    if (!with_replacement) {
        s->taken = wg_alloc(n, 1);
        s->key = wg_alloc(n, sizeof *s->key);
        s->heap = wg_alloc(n, sizeof *s->heap);
        if (!s->taken || !s->key || !s->heap) goto no_memory;
    }
    if (take_probs(s, probs, log_given, error) != WG_OK) goto fail;
    build(s, list);
    wg_free(list);
    return s;
no_memory:
    wg_fail(error, WG_ENOMEM, NEW, "%lld values", (long long)n);
fail:
    wg_free(list);
    wg_discrete_sampler_free(s);
    return NULL;
}

/* ---- draws ---- */

/* Uniform numbers in the order of their counters, made a few at a time. */
typedef struct {
    uint64_t seed, key, run;
    int64_t at;
    double u[128];
} stream;

enum { STREAM = 128 };

static double next_uniform(stream *r)
{
    if (r->at % STREAM == 0)
        wg_random_uniform(r->seed, r->key, r->run, r->at, STREAM, WG_F64, r->u);
    return r->u[r->at++ % STREAM];
}

static int64_t draw_one(const wg_discrete_sampler *s, stream *r)
{
    double cell = next_uniform(r), u = next_uniform(r);
    int64_t c = (int64_t)(cell * (double)s->n);

    if (c >= s->n) c = s->n - 1;
    return u < s->prob[c] ? c : s->alias[c];
}

/* Restores the heap, smallest key first, below place i of n. */
static void sift(const double *key, int64_t *heap, int64_t n, int64_t i)
{
    int64_t v = heap[i];

    for (int64_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && key[heap[child + 1]] < key[heap[child]]) child++;
        if (key[v] <= key[heap[child]]) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = v;
}

/* k values that are not taken, in the order of independent exponential times of rates p: the law of
 * drawing one by one from the rest (Efraimidis and Spirakis 2006). Times as logarithms, which
 * neither overflow nor vanish. */
static void draw_by_keys(wg_discrete_sampler *s, stream *r, int64_t k, int64_t *samples)
{
    int64_t n = 0;

    for (int64_t i = 0; i < s->n; i++) {
        double u = next_uniform(r);

        if (s->taken[i] || s->p[i] == 0) continue;
        s->key[i] = log(-log1p(-u)) - s->log_p[i];
        s->heap[n++] = i;
    }
    for (int64_t i = n / 2; i-- > 0;) sift(s->key, s->heap, n, i);
    for (int64_t i = 0; i < k; i++) {
        samples[i] = s->heap[0];
        s->heap[0] = s->heap[--n];
        sift(s->key, s->heap, n, 0);
    }
}

/* Rejecting what was drawn before has the same law as the keys, whenever one stops: quick while
 * much of the mass is left, endless at the end, so the keys finish. */
static void draw_distinct(wg_discrete_sampler *s, stream *r, int64_t k, int64_t *samples)
{
    int64_t got = 0;

    for (int64_t tries = 0; got < k && tries < 4 * k + 32; tries++) {
        int64_t v = draw_one(s, r);

        if (s->taken[v]) continue;
        s->taken[v] = 1;
        samples[got++] = v;
    }
    if (got < k) {
        stream keys = { r->seed, r->key, r->run, KEYS_AT, { 0 } };

        draw_by_keys(s, &keys, k - got, samples + got);
    }
    for (int64_t i = 0; i < got; i++) s->taken[samples[i]] = 0;
}

wg_status wg_discrete_sampler_draw(wg_discrete_sampler *s, uint64_t seed, const char *name,
                                   uint64_t run, int64_t n_samples, int64_t *samples,
                                   wg_error *error)
{
    stream r = { seed, 0, run, 0, { 0 } };

    if (!s) return wg_fail(error, WG_EARG, DRAW, "the sampler is NULL");
    if (!name) return wg_fail(error, WG_EARG, DRAW, "name is NULL");
    if (n_samples < 0 || (n_samples > 0 && !samples))
        return wg_fail(error, WG_EARG, DRAW, "%lld samples%s", (long long)n_samples,
                       n_samples < 0 ? "" : " into NULL");
    if (!s->with_replacement && n_samples > s->n_possible)
        return wg_fail(error, WG_EARG, DRAW,
                       "%lld samples without replacement from %lld values of a probability above 0",
                       (long long)n_samples, (long long)s->n_possible);
    r.key = wg_random_key(name);
    if (s->with_replacement)
        for (int64_t i = 0; i < n_samples; i++) samples[i] = draw_one(s, &r);
    else draw_distinct(s, &r, n_samples, samples);
    return WG_OK;
}

/* ---- noise words ---- */

wg_status wg_noise_distribution(int64_t n, const int64_t *counts, int64_t n_special,
                                const int64_t *special, double power, double *probs,
                                wg_error *error)
{
    static const char OP[] = "wg_noise_distribution";
    double sum = 0;

    if (n < 1 || !counts || !probs)
        return wg_fail(error, WG_EARG, OP, n < 1 ? "no words" : "counts or probs is NULL");
    if (!isfinite(power)) return wg_fail(error, WG_EARG, OP, "power is %g, wanted a number", power);
    for (int64_t i = 0; i < n; i++) {
        if (counts[i] < 0)
            return wg_fail(error, WG_EARG, OP, "count %lld is %lld", (long long)i,
                           (long long)counts[i]);
        probs[i] = pow((double)counts[i], power);
    }
    for (int64_t i = 0; i < n_special; i++)
        if (special[i] >= 0 && special[i] < n) probs[special[i]] = 0;
    for (int64_t i = 0; i < n; i++) sum += probs[i];
    if (!(sum > 0) || !isfinite(sum))
        return wg_fail(error, WG_EARG, OP, "the counts to the power %g sum to %g", power, sum);
    for (int64_t i = 0; i < n; i++) probs[i] /= sum;
    return WG_OK;
}
