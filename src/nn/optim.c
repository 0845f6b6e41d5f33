/* optim.c: optimisers as recorded updates of weights, moments and step counter. */
#include <math.h>
#include <string.h>

#include "wengert/grad.h"
#include "wengert/op.h"
#include "wengert/ops.h"
#include "wengert/optim.h"

/* What one step shares among all weights: scalars of the optimiser, recorded once. */
struct step {
    wg_graph *g;
    wg_tensor *lr;  /* f64: the rate this step moves by */
    wg_tensor *eps; /* f64, Adam */
};

struct wg_optim {
    wg_params *store;
    char *name;
    const struct optim_class *kind;
    union {
        wg_sgd_hyper sgd;
        wg_adam_hyper adam;
    } hyper;
    double lr, clip_norm;
    char **claimed; /* entries this optimiser made; another function may use them again */
    int n_claimed, cap_claimed;
    wg_error error;
};

struct optim_class {
    const char *name;
    void (*begin)(wg_optim *o, struct step *s, wg_tensor *t);
    void (*one)(wg_optim *o, const struct step *s, const char *entry, wg_tensor *w, wg_tensor *g);
};

/* ---- entries ---- */

/* The store is asked first: it knows by a table what it lacks. Entries made for an earlier function
 * are looked up. */
static bool make_entry(wg_optim *o, const char *name, wg_dtype dtype, wg_shape shape, bool *fresh)
{
    wg_error error = { .code = WG_OK };
    char *copy = wg_text_copy(name);

    if (o->n_claimed == o->cap_claimed) {
        char **list = wg_alloc(o->cap_claimed * 2 + 16, sizeof *list);

        if (list && o->n_claimed) memcpy(list, o->claimed, (size_t)o->n_claimed * sizeof *list);
        if (list) {
            wg_free(o->claimed);
            o->claimed = list;
            o->cap_claimed = o->cap_claimed * 2 + 16;
        }
    }
    if (!copy || o->n_claimed == o->cap_claimed) {
        wg_free(copy);
        wg_fail(&o->error, WG_ENOMEM, o->kind->name, "out of memory");
        return false;
    }
    if (wg_params_add(o->store, name, dtype, shape, false, fresh, &error) == WG_OK) {
        o->claimed[o->n_claimed++] = copy;
        return true;
    }
    wg_free(copy);
    for (int i = 0; i < o->n_claimed; i++)
        if (strcmp(o->claimed[i], name) == 0) return !(*fresh = false);
    if (o->error.code == WG_OK) o->error = error;
    return false;
}

/* The leaf of an optimiser's entry, made of zeros with the type of `like` unless the store was
 * loaded with it. */
static wg_tensor *slot(wg_optim *o, wg_graph *g, const char *entry, const char *suffix,
                       wg_tensor *like)
{
    char name[1024];
    bool fresh;
    const wg_type *type = wg_tensor_type(like);

    if (snprintf(name, sizeof name, "%s/%s_%s", entry, o->name, suffix) >= (int)sizeof name)
        return wg_record_fail(g, WG_ENAME, o->kind->name, "the name \"%.80s...\" is too long",
                              entry);
    if (!make_entry(o, name, type->dtype, type->shape, &fresh))
        return wg_record_fail(g, o->error.code, o->error.op, "%s", o->error.text);
    return wg_param_leaf(g, o->store, name);
}

static void update_slot(wg_optim *o, const char *entry, const char *suffix, wg_tensor *value)
{
    char name[1024];

    snprintf(name, sizeof name, "%s/%s_%s", entry, o->name, suffix);
    wg_update(name, value);
}

static wg_tensor *scalar_entry(wg_optim *o, wg_graph *g, const char *key, wg_dtype dtype,
                               double first)
{
    char name[1024];
    bool fresh;

    if (snprintf(name, sizeof name, "%s/%s", o->name, key) >= (int)sizeof name)
        return wg_record_fail(g, WG_ENAME, o->kind->name, "the name \"%.80s...\" is too long",
                              o->name);
    if (!make_entry(o, name, dtype, WG_SHAPE_SCALAR, &fresh))
        return wg_record_fail(g, o->error.code, o->error.op, "%s", o->error.text);
    if (fresh) wg_params_fill(o->store, name, first, NULL);
    return wg_param_leaf(g, o->store, name);
}

/* ---- SGD ---- */

static void sgd_begin(wg_optim *o, struct step *s, wg_tensor *t)
{
    (void)o;
    (void)s;
    (void)t;
}

static void sgd_one(wg_optim *o, const struct step *s, const char *entry, wg_tensor *w,
                    wg_tensor *g)
{
    wg_tensor *move = wg_mul(g, wg_cast_like(s->lr, w));

    if (o->hyper.sgd.momentum != 0) {
        wg_tensor *c = slot(o, s->g, entry, "c", w),
                  *kept = wg_mul(c, wg_scalar_like(c, o->hyper.sgd.momentum));

        move = wg_add(kept, move);
        update_slot(o, entry, "c", move);
    }
    wg_update(entry, wg_sub(w, move));
}

static const struct optim_class sgd = { "SGD", sgd_begin, sgd_one };

/* ---- Adam ---- */

/* Both bias corrections go into two scalars, lr sqrt(1 - d2^t) / (1 - d1^t) and eps sqrt(1 - d2^t),
 * so that each element costs one square root and one division. */
static void adam_begin(wg_optim *o, struct step *s, wg_tensor *t)
{
    const wg_adam_hyper *h = &o->hyper.adam;
    wg_tensor *one = wg_scalar_like(t, 1), *p1 = wg_pow(wg_scalar_like(t, h->decay1), t),
              *p2 = wg_pow(wg_scalar_like(t, h->decay2), t), *root = wg_sqrt(wg_sub(one, p2));

    s->lr = wg_div(wg_mul(s->lr, root), wg_sub(one, p1));
    s->eps = wg_mul(wg_scalar_like(root, h->eps), root);
}

static void adam_one(wg_optim *o, const struct step *s, const char *entry, wg_tensor *w,
                     wg_tensor *g)
{
    const wg_adam_hyper *h = &o->hyper.adam;
    wg_tensor *m = slot(o, s->g, entry, "m", w), *v = slot(o, s->g, entry, "v", w);
    wg_tensor *old_m = wg_mul(m, wg_scalar_like(m, h->decay1)),
              *old_v = wg_mul(v, wg_scalar_like(v, h->decay2));
    wg_tensor *new_m = wg_add(old_m, wg_mul(g, wg_scalar_like(g, 1 - h->decay1)));
    wg_tensor *new_v = wg_add(old_v, wg_mul(wg_square(g), wg_scalar_like(g, 1 - h->decay2)));
    wg_tensor *lr = wg_cast_like(s->lr, w), *eps = wg_cast_like(s->eps, w);
    wg_tensor *move = wg_div(wg_mul(new_m, lr), wg_add(wg_sqrt(new_v), eps));

    update_slot(o, entry, "m", new_m);
    update_slot(o, entry, "v", new_v);
    wg_update(entry, wg_sub(w, move));
}

static const struct optim_class adam = { "Adam", adam_begin, adam_one };

/* ---- making ---- */

static wg_optim *make(const struct optim_class *kind, wg_params *w, const char *name, double lr,
                      double clip_norm)
{
    wg_optim *o = wg_alloc(1, sizeof *o);

    if (!o) return NULL;
    o->kind = kind;
    o->store = w;
    o->lr = lr;
    o->clip_norm = clip_norm;
    o->name = wg_text_copy(name ? name : "");
    if (!o->name) {
        wg_free(o);
        return NULL;
    }
    if (!w) wg_fail(&o->error, WG_EARG, kind->name, "the store is NULL");
    if (!o->name[0]) wg_fail(&o->error, WG_ENAME, kind->name, "the optimiser's name is empty");
    if (!(lr > 0) || isinf(lr))
        wg_fail(&o->error, WG_EARG, kind->name, "lr is %g, wanted a positive number", lr);
    if (!(clip_norm >= 0) || isinf(clip_norm))
        wg_fail(&o->error, WG_EARG, kind->name, "clip_norm is %g, wanted %s", clip_norm,
                isinf(clip_norm) ? "a number, or 0 for no clipping" : "0 or more");
    return o;
}

wg_sgd_hyper wg_sgd_defaults(void)
{
    return (wg_sgd_hyper){ .lr = 0.01 };
}

wg_adam_hyper wg_adam_defaults(void)
{
    return (wg_adam_hyper){ .lr = 0.001, .decay1 = 0.9, .decay2 = 0.999, .eps = 1e-7 };
}

wg_optim *wg_sgd(wg_params *w, const char *name, const wg_sgd_hyper *hyper)
{
    wg_sgd_hyper h = hyper ? *hyper : wg_sgd_defaults();
    wg_optim *o = make(&sgd, w, name, h.lr, h.clip_norm);

    if (!o) return NULL;
    o->hyper.sgd = h;
    if (!(h.momentum >= 0 && h.momentum < 1))
        wg_fail(&o->error, WG_EARG, "SGD", "momentum is %g, wanted 0 <= momentum < 1", h.momentum);
    return o;
}

wg_optim *wg_adam(wg_params *w, const char *name, const wg_adam_hyper *hyper)
{
    wg_adam_hyper h = hyper ? *hyper : wg_adam_defaults();
    wg_optim *o = make(&adam, w, name, h.lr, h.clip_norm);

    if (!o) return NULL;
    o->hyper.adam = h;
    if (!(h.decay1 >= 0 && h.decay1 < 1 && h.decay2 >= 0 && h.decay2 < 1))
        wg_fail(&o->error, WG_EARG, "Adam", "decay1 %g and decay2 %g must lie in [0, 1)", h.decay1,
                h.decay2);
    if (!(h.eps > 0))
        wg_fail(&o->error, WG_EARG, "Adam", "eps is %g, wanted a positive number", h.eps);
    return o;
}

void wg_optim_free(wg_optim *o)
{
    if (!o) return;
    for (int i = 0; i < o->n_claimed; i++) wg_free(o->claimed[i]);
    wg_free(o->claimed);
    wg_free(o->name);
    wg_free(o);
}

wg_status wg_optim_set_lr(wg_optim *o, double lr, wg_error *error)
{
    char name[1024];

    if (!o) return wg_fail(error, WG_EARG, "optim_set_lr", "the optimiser is NULL");
    if (!(lr > 0) || isinf(lr))
        return wg_fail(error, WG_EARG, "optim_set_lr", "lr is %g, wanted a positive number", lr);
    o->lr = lr;
    snprintf(name, sizeof name, "%s/lr", o->name);
    return wg_params_find(o->store, name) ? wg_params_fill(o->store, name, lr, error) : WG_OK;
}

/* ---- one step ---- */

/* g scaled down to norm `clip` when it is longer. */
static wg_tensor *clipped(wg_tensor *g, double clip)
{
    wg_tensor *limit = wg_scalar_like(g, clip), *norm = wg_norm(g, WG_ALL_AXES, false);

    return wg_mul(g, wg_div(limit, wg_maximum(norm, limit)));
}

/* The trainable real leaves the loss depends on, in the order every walk takes. */
static int find_weights(const wg_optim *o, wg_tensor *loss, wg_tensor ***weights)
{
    wg_tensor **order;
    int64_t count = wg_order(1, &loss, &order);
    int n = 0;

    for (int64_t i = 0; i < count; i++) {
        const wg_param *p;

        if (!(wg_tensor_record(order[i])->flags & WG_OP_PARAM) ||
            !wg_dtype_is_real(wg_dtype_of(order[i])))
            continue;
        p = wg_params_find(o->store, wg_tensor_leaf_name(order[i]));
        if (p && p->trainable) order[n++] = order[i];
    }
    *weights = order;
    return count < 0 ? -1 : n;
}

static void record_step(wg_optim *o, wg_tensor *loss, int n, wg_tensor *const *w, wg_tensor **grad)
{
    struct step s = { wg_tensor_graph(loss), NULL, NULL };
    wg_tensor *lr = scalar_entry(o, s.g, "lr", WG_F64, o->lr),
              *step = scalar_entry(o, s.g, "step", WG_I64, 0);
    wg_tensor *next = wg_add(step, wg_scalar_like(step, 1));
    char name[1024];

    s.lr = lr;
    wg_grad(loss, n, w, grad);
    o->kind->begin(o, &s, wg_cast_like(next, lr));
    for (int i = 0; i < n && !wg_graph_error(s.g); i++)
        o->kind->one(o, &s, wg_tensor_leaf_name(w[i]), w[i],
                     o->clip_norm > 0 ? clipped(grad[i], o->clip_norm) : grad[i]);
    snprintf(name, sizeof name, "%s/step", o->name);
    wg_update(name, next);
}

wg_graph *wg_minimize(wg_optim *o, wg_tensor *loss)
{
    wg_graph *g = wg_tensor_graph(loss);
    wg_tensor **w = NULL, **grad;
    int n;

    if (!g || wg_graph_error(g)) return g;
    if (!o) wg_record_fail(g, WG_EARG, "minimize", "the optimiser is NULL");
    else if (o->error.code != WG_OK)
        wg_record_fail(g, o->error.code, o->error.op, "%s", o->error.text);
    if (wg_graph_error(g)) return g;
    n = find_weights(o, loss, &w);
    grad = n > 0 ? wg_alloc(n, sizeof *grad) : NULL;
    if (n == 0)
        wg_record_fail(g, WG_EARG, "minimize",
                       "the loss depends on no trainable entry of the store");
    else if (!grad) wg_record_fail(g, WG_ENOMEM, "minimize", "out of memory");
    else {
        wg_scope_begin(g, "%s", o->name);
        record_step(o, loss, n, w, grad);
        wg_scope_end(g);
    }
    wg_free(grad);
    wg_free(w);
    return g;
}
