/* nce.c: NCELoss: noise-contrastive estimation and negative sampling. */
#include "classes.h"
#include "own.h"
#include "wengert/nce.h"
#include "wengert/ops.h"

static const wg_field nce_fields[] = {
    WG_FIELD(wg_nce_hyper, n_classes), WG_FIELD(wg_nce_hyper, num_negative_samples),
    WG_FIELD_STR(wg_nce_hyper, init, "glorot_uniform"),
    WG_FIELD_NOT(wg_nce_hyper, keep_log_label_prob, "subtract_log_label_prob"), WG_FIELDS_END
};

static bool nce_make(wg_layer *l)
{
    const wg_nce_hyper *h = wg_layer_hyper(l);

    if (!wg__at_least(l, "n_classes", h->n_classes, 1)) return false;
    if (h->num_negative_samples < 1 || h->num_negative_samples > h->n_classes)
        return wg_layer_fail(l, WG_EARG,
                             "num_negative_samples is %lld, wanted 1 to n_classes, which is %lld",
                             (long long)h->num_negative_samples, (long long)h->n_classes);
    return wg_layer_knows(l, NULL, h->init);
}

static bool index_vector(const wg_type *t)
{
    return t->dtype == WG_I64 && t->shape.rank == 1;
}

/* What the operands must be, looked at in init for the first and in apply for every use. */
static bool operands_fit(int n, const wg_type *const *x, const wg_nce_hyper *h, char text[256])
{
    static const char *const names[] = { "target", "neg_samples" };

    if (x[0]->shape.rank != 3) {
        snprintf(text, 256, "X is %s, wanted [n_ex, n_c, n_in]", WG_TYPE_STR(x[0]));
        return false;
    }
    for (int i = 0; i < 2; i++) {
        if (index_vector(x[i + 1])) continue;
        snprintf(text, 256, "%s is %s, wanted i64 of rank 1", names[i], WG_TYPE_STR(x[i + 1]));
        return false;
    }
    if (x[1]->shape.dim[0] != x[0]->shape.dim[0]) {
        snprintf(text, 256, "target is %s and X is %s, wanted a target for each example",
                 WG_TYPE_STR(x[1]), WG_TYPE_STR(x[0]));
        return false;
    }
    if (x[2]->shape.dim[0] != h->num_negative_samples) {
        snprintf(text, 256, "neg_samples is %s, wanted num_negative_samples, which is %lld",
                 WG_TYPE_STR(x[2]), (long long)h->num_negative_samples);
        return false;
    }
    if (n < 4 && !h->keep_log_label_prob) {
        snprintf(text, 256, "subtract_log_label_prob needs noise_probs, the fourth operand");
        return false;
    }
    if (n > 3 && (!wg_dtype_is_real(x[3]->dtype) || x[3]->shape.rank != 1 ||
                  x[3]->shape.dim[0] != h->n_classes)) {
        snprintf(text, 256, "noise_probs is %s, wanted the probabilities of %lld classes",
                 WG_TYPE_STR(x[3]), (long long)h->n_classes);
        return false;
    }
    return true;
}

static bool nce_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_nce_hyper *h = wg_layer_hyper(l);
    char text[256];

    if (!operands_fit(n, x, h, text)) return wg_layer_fail(l, WG_ESHAPE, "%s", text);
    return wg_layer_param(l, "W", WG_SHAPE(h->n_classes, x[0]->shape.dim[2]), true, h->init,
                          NULL) &&
           wg_layer_param(l, "b", WG_SHAPE(1, h->n_classes), true, "zeros", NULL);
}

/* b or log Q of the classes in idx: a vector, or a column for targets. */
static wg_tensor *of_classes(wg_tensor *v, wg_tensor *idx, bool column)
{
    v = wg_gather(v, idx, 0);
    return column ? wg_unsqueeze(v, WG_AXES(-1)) : v;
}

static bool nce_apply(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y)
{
    const wg_nce_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x[0]);
    wg_tensor *weight = wg_layer_leaf(l, g, "W"), *b, *log_q = NULL;
    wg_tensor *target = x[1], *neg = x[2], *z, *z_neg, *loss;
    const wg_type *types[4];
    char text[256];

    for (int i = 0; i < n; i++) types[i] = wg_tensor_type(x[i]);
    if (!wg_graph_error(g) && !operands_fit(n, types, h, text)) {
        wg_record_fail(g, WG_ESHAPE, "NCELoss", "%s", text);
        return false;
    }
    b = wg_squeeze(wg_layer_leaf(l, g, "b"), WG_AXES(0));
    /* noise that is kept in a store is f64, whatever the weights are */
    if (!h->keep_log_label_prob) log_q = wg_cast_like(wg_log(wg_detach(x[3])), x[0]);
    /* for the extents fed too: as many targets as examples, none of them broadcast */
    target = wg_expand_like(target, wg_select(wg_select(x[0], 2, 0), 1, 0), WG_NO_AXES, false);

    z = wg_matmul_t(x[0], wg_unsqueeze(wg_gather(weight, target, 0), WG_AXES(1)), false, true);
    z = wg_add(wg_squeeze(z, WG_AXES(-1)), of_classes(b, target, true));
    if (log_q) z = wg_sub(z, of_classes(log_q, target, true));
    z = wg_layer_value(l, z, "target_logits");
    loss = wg_sum(wg_softplus(wg_neg(z)), WG_ALL_AXES, false);

    if (wg_layer_trains(l, g)) {
        neg = wg_reshape(neg, WG_SHAPE(h->num_negative_samples));
        z_neg = wg_add(wg_matmul_t(x[0], wg_gather(weight, neg, 0), false, true),
                       of_classes(b, neg, false));
        if (log_q) z_neg = wg_sub(z_neg, of_classes(log_q, neg, false));
        z_neg = wg_layer_value(l, z_neg, "noise_logits");
        loss = wg_add(loss, wg_sum(wg_softplus(z_neg), WG_ALL_AXES, false));
    }
    y[0] = loss;
    y[1] = wg_layer_value(l, wg_sigmoid(z), "y_pred");
    return true;
}

const wg_layer_class wg_class_nce_loss = { .name = "NCELoss",
                                           .hyper_size = sizeof(wg_nce_hyper),
                                           .hyper = nce_fields,
                                           .n_in = 4,
                                           .n_optional = 1,
                                           .n_out = 2,
                                           .make = nce_make,
                                           .init = nce_init,
                                           .apply_all = nce_apply };

wg_layer *wg_nce_loss(wg_params *w, const char *name, wg_nce_hyper hyper)
{
    return wg_layer_new(&wg_class_nce_loss, w, name, &hyper);
}

wg_status wg_nce_draw(wg_discrete_sampler *noise, uint64_t seed, const char *name, uint64_t step,
                      int64_t k, int64_t *neg, wg_error *error)
{
    int64_t possible = noise ? wg_discrete_sampler_n_possible(noise) : 0;

    if (noise && k > possible)
        return wg_fail(error, WG_EARG, "nce_draw",
                       "the noise has %lld possible values, fewer than the %lld negative samples",
                       (long long)possible, (long long)k);
    return wg_discrete_sampler_draw(noise, seed, name, step, k, neg, error);
}

wg_status wg_nce_noise_probs(const wg_discrete_sampler *noise, wg_array *probs, wg_error *error)
{
    int64_t n = noise ? wg_discrete_sampler_n(noise) : 0;
    double *v;

    if (!noise) return wg_fail(error, WG_EARG, "nce_noise_probs", "the sampler is NULL");
    v = wg_alloc(n, sizeof *v);
    if (!v) return wg_fail(error, WG_ENOMEM, "nce_noise_probs", "%lld values", (long long)n);
    for (int64_t i = 0; i < n; i++) v[i] = wg_discrete_sampler_prob(noise, i);
    *probs = wg_array_of(WG_F64, wg_shape_of(1, &n), v);
    return WG_OK;
}

wg_status wg_nce_keep_noise(wg_params *w, const char *entry, const wg_discrete_sampler *noise,
                            wg_error *error)
{
    wg_error inner = { .code = WG_OK }, *e = error ? error : &inner;
    wg_array probs = { { WG_F64, { 0, { 0 } } }, NULL };
    bool fresh = false;

    if (!w || !entry)
        return wg_fail(e, WG_EARG, "nce_keep_noise", "the %s is NULL", w ? "entry" : "store");
    if (wg_nce_noise_probs(noise, &probs, e) == WG_OK &&
        wg_params_add(w, entry, WG_F64, probs.type.shape, false, &fresh, e) == WG_OK && fresh)
        wg_params_set(w, entry, probs, e);
    wg_free(probs.data);
    return e->code;
}

wg_discrete_sampler *wg_nce_kept_noise(const wg_params *w, const char *entry, bool with_replacement,
                                       wg_error *error)
{
    static const char function[] = "nce_kept_noise";
    const wg_param *p = w && entry ? wg_params_find(w, entry) : NULL;
    wg_discrete_sampler *s = NULL;
    double *v, sum = 0;
    int64_t n;

    if (!p || !wg_dtype_is_real(p->value.type.dtype) || p->value.type.shape.rank != 1) {
        wg_fail(error, WG_ENAME, function, "the store has no probabilities \"%.160s\"",
                entry ? entry : "");
        return NULL;
    }
    n = p->value.type.shape.dim[0];
    v = wg_alloc(n, sizeof *v);
    if (!v) {
        wg_fail(error, WG_ENOMEM, function, "%lld values", (long long)n);
        return NULL;
    }
    for (int64_t i = 0; i < n; i++) sum += v[i] = wg__array_at(&p->value, i);
    /* a store that was copied to f32 rounds each of them */
    for (int64_t i = 0; i < n && p->value.type.dtype == WG_F32; i++) v[i] /= sum;
    s = wg_discrete_sampler_new(n, v, false, with_replacement, error);
    wg_free(v);
    return s;
}
