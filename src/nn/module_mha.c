/* module_mha.c: MultiHeadedAttentionModule: projections, attention by heads, projection. */
#include "classes.h"
#include "wengert/layers_seq.h"
#include "wengert/modules.h"
#include "wengert/ops.h"

static const wg_field mha_fields[] = { WG_FIELD_NUM(wg_mha_hyper, n_heads, 8),
                                       WG_FIELD(wg_mha_hyper, dropout_p),
                                       WG_FIELD_STR(wg_mha_hyper, init, "glorot_uniform"),
                                       WG_FIELD(wg_mha_hyper, kqv_dim),
                                       WG_FIELD(wg_mha_hyper, latent_dim),
                                       WG_FIELDS_END };
static const char *const projections[] = { "Q", "K", "V", "O" };

static bool good_dims(wg_layer *l, int64_t kqv_dim, int64_t n_heads)
{
    if (kqv_dim >= 1 && kqv_dim % n_heads == 0) return true;
    return wg_layer_fail(l, WG_EARG, "kqv_dim is %lld, wanted a multiple of n_heads, which is %lld",
                         (long long)kqv_dim, (long long)n_heads);
}

/* Once kqv_dim is known: the width of a head and of the projections. */
static void set_dims(wg_layer *l, int64_t kqv_dim)
{
    wg_mha_hyper *h = wg_layer_change_hyper(l);

    h->kqv_dim = kqv_dim;
    h->latent_dim = kqv_dim / h->n_heads;
    for (int i = 0; i < 4; i++) {
        wg_fc_hyper *p = wg_layer_change_hyper(wg_layer_component(l, projections[i]));

        p->n_out = kqv_dim;
    }
}

static bool mha_make(wg_layer *l)
{
    const wg_mha_hyper *h = wg_layer_hyper(l);
    wg_fc_hyper projection = { .n_out = 1, .init = h->init };

    if (!wg__at_least(l, "n_heads", h->n_heads, 1)) return false;
    if (h->kqv_dim != 0 && !good_dims(l, h->kqv_dim, h->n_heads)) return false;
    if (!wg_layer_add(l, "attention", "DotProductAttention",
                      &(wg_attention_hyper){ .dropout_p = h->dropout_p, .init = h->init }))
        return false;
    for (int i = 0; i < 4; i++)
        if (!wg_layer_add(l, projections[i], "FullyConnected", &projection)) return false;
    if (h->kqv_dim != 0) set_dims(l, h->kqv_dim);
    return true;
}

/* What is wrong with the operands, in text; NULL: nothing. */
static const char *wrong_operands(const wg_type *const *x, int64_t kqv_dim)
{
    for (int i = 0; i < 3; i++) {
        if (x[i]->shape.rank != 3) return "wanted [n, t, kqv_dim] three times";
        if (x[i]->shape.dim[2] != (kqv_dim ? kqv_dim : x[0]->shape.dim[2]))
            return "wanted one kqv_dim in all";
    }
    if (x[1]->shape.dim[1] != x[2]->shape.dim[1]) return "K and V differ in steps";
    return NULL;
}

static bool mha_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_mha_hyper *h = wg_layer_hyper(l);
    const char *wrong = wrong_operands(x, h->kqv_dim);

    (void)n;
    if (wrong)
        return wg_layer_fail(l, WG_ESHAPE, "operands are %s, %s, %s: %s", WG_TYPE_STR(x[0]),
                             WG_TYPE_STR(x[1]), WG_TYPE_STR(x[2]), wrong);
    if (!good_dims(l, x[0]->shape.dim[2], h->n_heads)) return false;
    set_dims(l, x[0]->shape.dim[2]);
    return true;
}

/* [n, t, kqv_dim] -> [n, n_heads, t, latent_dim] */
static wg_tensor *split_heads(wg_tensor *x, int64_t n_heads)
{
    return wg_transpose(wg_reshape(x, WG_SHAPE(0, 0, n_heads, -1)), 1, 2);
}

static wg_tensor *mha_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    static const char *const values[] = { "Q_proj", "K_proj", "V_proj" }, *const grads[] = {
        "dQ_proj", "dK_proj", "dV_proj"
    };
    const wg_mha_hyper *h = wg_layer_hyper(l);
    const wg_type *types[3];
    wg_tensor *part[4], *y;
    const char *wrong;

    for (int i = 0; i < 3; i++) types[i] = wg_tensor_type(x[i]);
    wrong = wrong_operands(types, h->kqv_dim);
    if (wrong)
        return wg_record_fail(wg_tensor_graph(x[0]), WG_ESHAPE, wg_layer_kind(l),
                              "operands are %s, %s, %s: %s", WG_TYPE_STR(types[0]),
                              WG_TYPE_STR(types[1]), WG_TYPE_STR(types[2]), wrong);
    for (int i = 0; i < 3; i++) {
        wg_tensor *p = wg_apply(wg_layer_component(l, projections[i]), x[i]);

        p = wg_layer_value(l, split_heads(p, h->n_heads), values[i]);
        part[i] = wg_layer_value_grad(l, p, grads[i]);
    }
    if (n == 4) part[3] = x[3];
    y = wg_apply_n(wg_layer_component(l, "attention"), n, part);
    if (wg_graph_error(wg_tensor_graph(x[0]))) return NULL;
    /* attention ends with the product of its weights and V */
    wg_layer_value(l, wg_tensor_in(y, 0), "attention_weights");
    y = wg_layer_value(l, wg_collapse(wg_transpose(y, 1, 2), 2, 3), "attention_out");
    return wg_apply(wg_layer_component(l, "O"), y);
}

const wg_layer_class wg_class_multi_headed_attention = { .name = "MultiHeadedAttentionModule",
                                                         .hyper_size = sizeof(wg_mha_hyper),
                                                         .hyper = mha_fields,
                                                         .n_in = 4,
                                                         .n_optional = 1,
                                                         .make = mha_make,
                                                         .init = mha_init,
                                                         .apply = mha_apply };

wg_layer *wg_multi_headed_attention(wg_params *w, const char *name, wg_mha_hyper hyper)
{
    return wg_layer_new(&wg_class_multi_headed_attention, w, name, &hyper);
}
