/*
 * random.c: draws. A draw is a pure function of (seed, key, run, index): seed and run are operands,
 * the store entries "rng/seed" and "rng/run"; the key is the draw's full name. Threads, block sizes
 * and the order of recording cannot change a bit; only a committed update of "rng/run" gives new
 * draws.
 */
#include <math.h>

#include "each_real.h"
#include "op.h"

/* Elements below which a second thread costs more than it saves: draws are dearer than copies. */
enum { DRAW_GRAIN = 4096 };

WG_SMALL_BEGIN

/* Operands: the type to draw, the seed, the run. Attributes begin with the key. */
static bool draw_infer(const wg_sig *s, wg_type *out)
{
    const char *key = *(const char *const *)s->attr;

    *out = *s->in[0];
    if (!key[0]) return wg_sig_fail(s, WG_ENAME, "the draw's name is empty");
    for (int i = 1; i < 3; i++)
        if (s->in[i]->dtype != WG_I64 || s->in[i]->shape.rank != 0)
            return wg_sig_fail(s, WG_EDTYPE, "%s is %s, wanted i64[]",
                               i == 1 ? "the seed" : "the run", WG_TYPE_STR(s->in[i]));
    return wg_sig_real(s, 0);
}

struct draw {
    const wg_call *c;
    uint64_t seed, key, run;
};

static struct draw draw_of(const wg_call *c)
{
    const char *name = *(const char *const *)c->attr;
    const int64_t *seed = c->x[1], *run = c->x[2];

    return (struct draw){ c, (uint64_t)*seed, wg_random_key(name), (uint64_t)*run };
}

/* Where element i of the result lies. */
static void *element(const wg_call *c, int64_t i)
{
    return (char *)c->y + i * (int64_t)wg_dtype_size(c->ty->dtype);
}

/* ---- uniform ---- */

struct uniform_attr {
    const char *name;
    double lo, hi;
};
static const wg_field uniform_fields[] = { WG_FIELD(struct uniform_attr, name),
                                           WG_FIELD(struct uniform_attr, lo),
                                           WG_FIELD(struct uniform_attr, hi), WG_FIELDS_END };

static bool uniform_infer(const wg_sig *s, wg_type *out)
{
    const struct uniform_attr *at = s->attr;

    if (!(at->lo <= at->hi) || !isfinite(at->hi - at->lo))
        return wg_sig_fail(s, WG_EARG, "from %g to %g: wanted finite bounds in order", at->lo,
                           at->hi);
    return draw_infer(s, out);
}

WG_SMALL_END

/* lo + (hi - lo) u may round up to hi, which the interval does not hold: the number below it
 * then. */
static void uniform_range(void *arg, int64_t first, int64_t end)
{
    const struct draw *d = arg;
    const struct uniform_attr *at = d->c->attr;
    wg_dtype dtype = d->c->ty->dtype;
    void *to = element(d->c, first);
    double width = at->hi - at->lo;

    wg_random_uniform(d->seed, d->key, d->run, first, end - first, dtype, to);
    if (dtype == WG_F32) {
        float *y = to, lo = (float)at->lo, hi = (float)at->hi,
              top = lo < hi ? nextafterf(hi, lo) : lo;

        for (int64_t i = 0; i < end - first; i++) {
            float v = (float)(at->lo + width * (double)y[i]);

            y[i] = v < hi ? v : top;
        }
    } else {
        double *y = to, top = at->lo < at->hi ? nextafter(at->hi, at->lo) : at->lo;

        for (int64_t i = 0; i < end - first; i++) {
            double v = at->lo + width * y[i];

            y[i] = v < at->hi ? v : top;
        }
    }
}

WG_SMALL_BEGIN

static void uniform_eval(const wg_call *c)
{
    struct draw d = draw_of(c);

    wg_parallel(c->threads, wg__count(c->ty), DRAW_GRAIN, uniform_range, &d);
}

const wg_op wg_op_uniform = { .name = "uniform",
                              .doc = "draws from lo to below hi",
                              .n_in = 3,
                              .flags = WG_OP_RANDOM | WG_OP_NO_GRAD,
                              .shape_only = WG_SHAPE_ONLY(0),
                              .attr_size = sizeof(struct uniform_attr),
                              .fields = uniform_fields,
                              .infer = uniform_infer,
                              .eval = WG_EVAL_KERNELS({ [WG_F32] = { uniform_eval },
                                                        [WG_F64] = { uniform_eval } }) };

/* ---- normal ---- */

struct normal_attr {
    const char *name;
    double mean, std;
};
static const wg_field normal_fields[] = { WG_FIELD(struct normal_attr, name),
                                          WG_FIELD(struct normal_attr, mean),
                                          WG_FIELD(struct normal_attr, std), WG_FIELDS_END };

static bool normal_infer(const wg_sig *s, wg_type *out)
{
    const struct normal_attr *at = s->attr;

    if (!isfinite(at->mean) || !isfinite(at->std) || at->std < 0)
        return wg_sig_fail(
            s, WG_EARG,
            "mean %g, standard deviation %g: wanted finite numbers, the second not below 0",
            at->mean, at->std);
    return draw_infer(s, out);
}

WG_SMALL_END

static void normal_range(void *arg, int64_t first, int64_t end)
{
    const struct draw *d = arg;
    const struct normal_attr *at = d->c->attr;
    wg_dtype dtype = d->c->ty->dtype;
    void *to = element(d->c, first);

    wg_random_normal(d->seed, d->key, d->run, first, end - first, dtype, to);
    if (dtype == WG_F32) {
        float *y = to;

        for (int64_t i = 0; i < end - first; i++) y[i] = (float)(at->mean + at->std * (double)y[i]);
    } else {
        double *y = to;

        for (int64_t i = 0; i < end - first; i++) y[i] = at->mean + at->std * y[i];
    }
}

WG_SMALL_BEGIN

static void normal_eval(const wg_call *c)
{
    struct draw d = draw_of(c);

    wg_parallel(c->threads, wg__count(c->ty), DRAW_GRAIN, normal_range, &d);
}

const wg_op wg_op_normal = { .name = "normal",
                             .doc = "normal draws",
                             .n_in = 3,
                             .flags = WG_OP_RANDOM | WG_OP_NO_GRAD,
                             .shape_only = WG_SHAPE_ONLY(0),
                             .attr_size = sizeof(struct normal_attr),
                             .fields = normal_fields,
                             .infer = normal_infer,
                             .eval = WG_EVAL_KERNELS({ [WG_F32] = { normal_eval },
                                                       [WG_F64] = { normal_eval } }) };

/* ---- bernoulli ---- */

struct bernoulli_attr {
    const char *name;
    double p;
};
static const wg_field bernoulli_fields[] = { WG_FIELD(struct bernoulli_attr, name),
                                             WG_FIELD(struct bernoulli_attr, p), WG_FIELDS_END };

static bool bernoulli_infer(const wg_sig *s, wg_type *out)
{
    const struct bernoulli_attr *at = s->attr;

    if (!(at->p >= 0 && at->p <= 1))
        return wg_sig_fail(s, WG_EARG, "probability %g, wanted one from 0 to 1", at->p);
    return draw_infer(s, out);
}

WG_SMALL_END

static void bernoulli_range(void *arg, int64_t first, int64_t end)
{
    const struct draw *d = arg;
    const struct bernoulli_attr *at = d->c->attr;
    wg_dtype dtype = d->c->ty->dtype;
    void *to = element(d->c, first);

    wg_random_uniform(d->seed, d->key, d->run, first, end - first, dtype, to);
    if (dtype == WG_F32) {
        float *y = to;

        for (int64_t i = 0; i < end - first; i++) y[i] = (double)y[i] < at->p ? 1 : 0;
    } else {
        double *y = to;

        for (int64_t i = 0; i < end - first; i++) y[i] = y[i] < at->p ? 1 : 0;
    }
}

WG_SMALL_BEGIN

static void bernoulli_eval(const wg_call *c)
{
    struct draw d = draw_of(c);

    wg_parallel(c->threads, wg__count(c->ty), DRAW_GRAIN, bernoulli_range, &d);
}

const wg_op wg_op_bernoulli = {
    .name = "bernoulli",
    .doc = "1 with probability p, else 0",
    .n_in = 3,
    .flags = WG_OP_RANDOM | WG_OP_NO_GRAD,
    .shape_only = WG_SHAPE_ONLY(0),
    .attr_size = sizeof(struct bernoulli_attr),
    .fields = bernoulli_fields,
    .infer = bernoulli_infer,
    .eval = WG_EVAL_KERNELS({ [WG_F32] = { bernoulli_eval }, [WG_F64] = { bernoulli_eval } })
};

/* ---- recording ---- */

enum { KEY_BYTES = 1300 };

/* The draw's full name into key, reserved in the open function. */
static bool claim(wg_graph *g, const wg_op *op, const char *name, char key[KEY_BYTES])
{
    const char *scope = wg_scope(g);

    if (!name || !name[0] || strchr(name, '/'))
        wg_record_fail(g, WG_ENAME, op->name,
                       !name || !name[0] ? "the draw's name is empty"
                                         : "\"%.100s\" holds a '/': scopes make paths",
                       name ? name : "");
    else if (snprintf(key, KEY_BYTES, "%s%s%s", scope, scope[0] ? "/" : "", name) >= KEY_BYTES)
        wg_record_fail(g, WG_ENAME, op->name, "the full name is longer than %d bytes",
                       KEY_BYTES - 1);
    else return wg_claim_name(g, op->name, key);
    return false;
}

/* attr begins with the name, still to be filled in. A training function that commits anything also
 * moves on to the next run's draws. */
static wg_tensor *draw(const wg_op *op, void *attr, wg_tensor *like, const char *name)
{
    wg_graph *g = wg_tensor_graph(like);
    char key[KEY_BYTES];
    wg_tensor *seed, *run;

    if (!like) return NULL;
    if (!claim(g, op, name, key)) return wg_record1(op, attr, like); /* the poison */
    *(const char **)attr = key;
    seed = wg_parameter(g, "rng/seed", WG_I64, WG_SHAPE_SCALAR);
    run = wg_parameter(g, "rng/run", WG_I64, WG_SHAPE_SCALAR);
    if (wg_mode_of(g) == WG_TRAIN) wg_update_along("rng/run", wg_add(run, wg_scalar(g, WG_I64, 1)));
    return wg_record3(op, attr, like, seed, run);
}

wg_tensor *wg_uniform_like(wg_tensor *x, const char *name, double lo, double hi)
{
    return draw(&wg_op_uniform, &(struct uniform_attr){ NULL, lo, hi }, x, name);
}

wg_tensor *wg_normal_like(wg_tensor *x, const char *name, double mean, double std)
{
    return draw(&wg_op_normal, &(struct normal_attr){ NULL, mean, std }, x, name);
}

wg_tensor *wg_bernoulli_like(wg_tensor *x, const char *name, double p)
{
    return draw(&wg_op_bernoulli, &(struct bernoulli_attr){ NULL, p }, x, name);
}

/* A fixed shape is the type of a constant that is never computed. */
wg_tensor *wg_uniform(wg_graph *g, const char *name, double lo, double hi, wg_dtype dtype,
                      wg_shape shape)
{
    return wg_uniform_like(wg__full(g, dtype, shape, 0), name, lo, hi);
}

wg_tensor *wg_normal(wg_graph *g, const char *name, double mean, double std, wg_dtype dtype,
                     wg_shape shape)
{
    return wg_normal_like(wg__full(g, dtype, shape, 0), name, mean, std);
}

wg_tensor *wg_bernoulli(wg_graph *g, const char *name, double p, wg_dtype dtype, wg_shape shape)
{
    return wg_bernoulli_like(wg__full(g, dtype, shape, 0), name, p);
}

WG_SMALL_END
