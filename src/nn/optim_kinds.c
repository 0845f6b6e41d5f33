/* optim_kinds.c: the rules: new weights from gradients, as compositions that wg_minimize records
 * into a training function and wg_optim_update into a graph of its own. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "optim.h"
#include "wengert/op.h"
#include "wengert/ops.h"

static wg_tensor *scaled(wg_tensor *x, double v)
{
    return wg_mul(x, wg_scalar_like(x, v));
}

/* The five all have; the default rates and decays differ. */
#define COMMON(rate, weight_decay, own_decay)                                                      \
    { .key = "lr",                                                                                 \
      .otherwise = (rate),                                                                         \
      .above_lo = true,                                                                            \
      .hi = DBL_MAX,                                                                               \
      .wanted = "a positive number" },                                                             \
        { .key = "clip_norm",                                                                      \
          .kind = WG__HYPER_OPTIONAL,                                                              \
          .otherwise = (double)NAN,                                                                \
          .above_lo = true,                                                                        \
          .hi = DBL_MAX,                                                                           \
          .wanted = "a positive number or None" },                                                 \
        { .key = "clip_global_norm",                                                               \
          .kind = WG__HYPER_OPTIONAL,                                                              \
          .otherwise = (double)NAN,                                                                \
          .extra = true,                                                                           \
          .above_lo = true,                                                                        \
          .hi = DBL_MAX,                                                                           \
          .wanted = "a positive number or None" },                                                 \
        { .key = "weight_decay",                                                                   \
          .otherwise = (weight_decay),                                                             \
          .extra = !(own_decay),                                                                   \
          .hi = DBL_MAX,                                                                           \
          .wanted = "0 or more" },                                                                 \
    {                                                                                              \
        .key = "accumulate", .kind = WG__HYPER_WHOLE, .otherwise = 1, .extra = true, .lo = 1,      \
        .hi = 1e9, .wanted = "1 to 1000000000"                                                     \
    }

#define FRACTION(name, value)                                                                      \
    {                                                                                              \
        .key = #name, .otherwise = (value), .hi = 1, .below_hi = true,                             \
        .wanted = "0 <= " #name " < 1"                                                             \
    }

#define EPS                                                                                        \
    {                                                                                              \
        .key = "eps", .otherwise = 1e-7, .above_lo = true, .hi = DBL_MAX,                          \
        .wanted = "a positive number"                                                              \
    }

/* ---- SGD ---- */

enum { MOMENTUM = WG__OWN, NESTEROV };

static const wg__hyper_field sgd_fields[] = {
    COMMON(0.01, 0, false),
    FRACTION(momentum, 0),
    { .key = "nesterov",
      .kind = WG__HYPER_BOOL,
      .extra = true,
      .hi = 1,
      .wanted = "True or False" },
};

/* With Nesterov's correction the step is taken from where the momentum will have led. */
static wg_tensor *sgd_one(const wg__step *s, const wg__weight *old, wg_tensor *g, wg__weight *next)
{
    wg_tensor *move = wg_mul(g, wg_cast_like(s->rate, g));
    double momentum = s->value[MOMENTUM].v;

    if (momentum != 0) {
        next->slot[0] = wg_add(scaled(old->slot[0], momentum), move);
        move = s->value[NESTEROV].v != 0 ? wg_add(scaled(next->slot[0], momentum), move)
                                         : next->slot[0];
    }
    return wg_sub(old->w, move);
}

/* A gradient that is a sum of scatter_add_like(rows, idx, base) along the first axis. */
enum { MAX_PARTS = 8 };

struct row_parts {
    int n;
    wg_tensor *base, *idx[MAX_PARTS], *rows[MAX_PARTS];
};

static bool is_op(const wg_tensor *t, const char *name)
{
    return strcmp(wg_tensor_record(t)->name, name) == 0;
}

static bool find_rows(wg_tensor *g, struct row_parts *parts)
{
    const wg_op *op = wg_tensor_record(g);
    const int64_t *axis;

    if (is_op(g, "add"))
        return find_rows(wg_tensor_in(g, 0), parts) && find_rows(wg_tensor_in(g, 1), parts);
    if (!is_op(g, "scatter_add_like") || parts->n == MAX_PARTS ||
        (parts->n > 0 && wg_tensor_in(g, 2) != parts->base))
        return false;
    axis = (const void *)((const char *)wg_tensor_attr(g) + op->fields[0].offset);
    if (*axis != 0) return false;
    parts->base = wg_tensor_in(g, 2);
    parts->rows[parts->n] = wg_tensor_in(g, 0);
    parts->idx[parts->n++] = wg_tensor_in(g, 1);
    return true;
}

/* Whether t is w, perhaps under other extents. */
static bool is_view(const wg_tensor *t, const wg_tensor *w)
{
    while (t != w && (is_op(t, "squeeze") || is_op(t, "unsqueeze"))) t = wg_tensor_in(t, 0);
    return t == w;
}

wg_tensor *wg__optim_rows(const wg_optim *o, const wg__step *s, wg_tensor *w, wg_tensor *g)
{
    struct row_parts p = { 0 };
    wg_shape row;

    if (o->kind != &wg__sgd || o->value[MOMENTUM].v != 0 || !isnan(o->value[WG__CLIP].v) ||
        s->scale || s->decay || s->apply)
        return NULL;
    while (is_op(g, "reshape_like")) g = wg_tensor_in(g, 0);
    if (!find_rows(g, &p) || !is_view(p.base, w)) return NULL;
    row = wg_tensor_type(p.base)->shape; /* of a store entry: it never differs */
    row.dim[0] = -1;
    for (int i = 0; i < p.n && p.n > 1; i++) {
        p.idx[i] = wg_reshape(p.idx[i], WG_SHAPE(-1));
        p.rows[i] = wg_reshape(p.rows[i], row);
    }
    if (p.n > 1) {
        p.idx[0] = wg_concat(p.n, p.idx, 0);
        p.rows[0] = wg_concat(p.n, p.rows, 0);
    }
    p.rows[0] = wg_mul(p.rows[0], wg_neg(wg_cast_like(s->rate, w)));
    p.rows[0] = wg_scatter_add(p.base, p.idx[0], p.rows[0], 0);
    return p.base == w ? p.rows[0] : wg_reshape_like(p.rows[0], w);
}

const wg__optim_class wg__sgd = { .name = "SGD",
                                  .n = 7,
                                  .field = sgd_fields,
                                  .n_slots = 1,
                                  .slot = { "c" },
                                  .cache = { "update" },
                                  .one = sgd_one };

/* ---- AdaGrad ---- */

enum { ADAGRAD_EPS = WG__OWN };

static const wg__hyper_field adagrad_fields[] = { COMMON(0.01, 0, false), EPS };

/* w - rate g / (sqrt(squares) + eps) */
static wg_tensor *by_root(const wg__step *s, const wg__weight *old, wg_tensor *g,
                          wg_tensor *squares, double eps)
{
    wg_tensor *below = wg_add(wg_sqrt(squares), wg_scalar_like(g, eps));

    return wg_sub(old->w, wg_div(wg_mul(g, wg_cast_like(s->rate, g)), below));
}

static wg_tensor *adagrad_one(const wg__step *s, const wg__weight *old, wg_tensor *g,
                              wg__weight *next)
{
    next->slot[0] = wg_add(old->slot[0], wg_square(g));
    return by_root(s, old, g, next->slot[0], s->value[ADAGRAD_EPS].v);
}

const wg__optim_class wg__adagrad = { .name = "AdaGrad",
                                      .n = 6,
                                      .field = adagrad_fields,
                                      .n_slots = 1,
                                      .slot = { "s" },
                                      .cache = { "squares" },
                                      .one = adagrad_one };

/* ---- RMSProp ---- */

enum { RMS_EPS = WG__OWN, RMS_DECAY };

static const wg__hyper_field rmsprop_fields[] = { COMMON(0.001, 0, false), EPS,
                                                  FRACTION(decay, 0.9) };

static wg_tensor *rmsprop_one(const wg__step *s, const wg__weight *old, wg_tensor *g,
                              wg__weight *next)
{
    double decay = s->value[RMS_DECAY].v;

    next->slot[0] = wg_add(scaled(old->slot[0], decay), scaled(wg_square(g), 1 - decay));
    return by_root(s, old, g, next->slot[0], s->value[RMS_EPS].v);
}

const wg__optim_class wg__rmsprop = { .name = "RMSProp",
                                      .n = 7,
                                      .field = rmsprop_fields,
                                      .n_slots = 1,
                                      .slot = { "s" },
                                      .cache = { "squares" },
                                      .one = rmsprop_one };

/* ---- Adam ---- */

enum { DECAY1 = WG__OWN, DECAY2, ADAM_EPS };

static const wg__hyper_field adam_fields[] = { COMMON(0.001, 0, false), FRACTION(decay1, 0.9),
                                               FRACTION(decay2, 0.999), EPS };
static const wg__hyper_field adamw_fields[] = { COMMON(0.001, 0.01, true), FRACTION(decay1, 0.9),
                                                FRACTION(decay2, 0.999), EPS };

/* Both bias corrections go into two scalars, lr sqrt(1 - d2^t) / (1 - d1^t) and eps sqrt(1 - d2^t),
 * so that each element costs one square root and one division. */
static void adam_begin(wg__step *s)
{
    wg_tensor *one = wg_scalar_like(s->t, 1),
              *p1 = wg_pow(wg_scalar_like(s->t, s->value[DECAY1].v), s->t),
              *p2 = wg_pow(wg_scalar_like(s->t, s->value[DECAY2].v), s->t),
              *root = wg_sqrt(wg_sub(one, p2));

    s->rate = wg_div(wg_mul(s->lr, root), wg_sub(one, p1));
    s->eps = scaled(root, s->value[ADAM_EPS].v);
}

static wg_tensor *adam_one(const wg__step *s, const wg__weight *old, wg_tensor *g, wg__weight *next)
{
    double decay1 = s->value[DECAY1].v, decay2 = s->value[DECAY2].v;
    wg_tensor *rate = wg_cast_like(s->rate, g), *eps = wg_cast_like(s->eps, g);

    next->slot[0] = wg_add(scaled(old->slot[0], decay1), scaled(g, 1 - decay1));
    next->slot[1] = wg_add(scaled(old->slot[1], decay2), scaled(wg_square(g), 1 - decay2));
    return wg_sub(old->w, wg_div(wg_mul(next->slot[0], rate), wg_add(wg_sqrt(next->slot[1]), eps)));
}

const wg__optim_class wg__adam = { .name = "Adam",
                                   .n = 8,
                                   .field = adam_fields,
                                   .n_slots = 2,
                                   .slot = { "m", "v" },
                                   .cache = { "mean", "var" },
                                   .counts = true,
                                   .begin = adam_begin,
                                   .one = adam_one };

const wg__optim_class wg__adamw = { .name = "AdamW",
                                    .n = 8,
                                    .field = adamw_fields,
                                    .n_slots = 2,
                                    .slot = { "m", "v" },
                                    .cache = { "mean", "var" },
                                    .counts = true,
                                    .begin = adam_begin,
                                    .one = adam_one };

/* ---- what all share ---- */

void wg__optim_nesterov(wg_optim *o)
{
    o->value[MOMENTUM].v = 0.9;
    o->value[NESTEROV].v = 1;
}

int wg__optim_slots(const wg_optim *o)
{
    return o->kind == &wg__sgd && o->value[MOMENTUM].v == 0 ? 0 : o->kind->n_slots;
}

int64_t wg__accumulate(const wg_optim *o)
{
    return (int64_t)o->value[WG__ACCUMULATE].v;
}

wg_tensor *wg__clip_scale(wg_tensor *norm, double clip)
{
    wg_tensor *limit = wg_scalar_like(norm, clip);

    return wg_div(limit, wg_maximum(norm, limit));
}

void wg__optim_begin(const wg_optim *o, wg__step *s)
{
    s->value = o->value;
    s->rate = s->lr;
    if (o->kind->begin) o->kind->begin(s);
}

void wg__optim_one(const wg_optim *o, const wg__step *s, const wg__weight *old, wg_tensor *g,
                   wg__weight *next)
{
    wg__weight from = *old;
    wg_tensor *sum = old->sum ? wg_add(old->sum, g) : NULL;
    double clip = o->value[WG__CLIP].v;

    if (sum) g = sum;
    if (s->scale) g = wg_mul(g, wg_cast_like(s->scale, g));
    if (!isnan(clip)) g = wg_mul(g, wg__clip_scale(wg_norm(g, WG_ALL_AXES, false), clip));
    if (s->decay) {
        wg_tensor *kept = wg_sub(wg_scalar_like(s->lr, 1), wg_mul(s->lr, s->decay));

        from.w = wg_mul(old->w, wg_cast_like(kept, g));
    }
    next->w = o->kind->one(s, &from, g, next);
    next->sum = NULL;
    if (!s->apply) return;
    next->w = wg_where(s->apply, next->w, old->w);
    for (int i = 0; i < wg__optim_slots(o); i++)
        next->slot[i] = wg_where(s->apply, next->slot[i], old->slot[i]);
    if (sum) next->sum = wg_where(s->apply, wg_zeros_like(sum), sum);
}
