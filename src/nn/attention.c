/* attention.c: DotProductAttention: y = softmax(q k^T / sqrt(d_k) + mask) v. */
#include "classes.h"
#include "wengert/layers_seq.h"
#include "wengert/ops.h"

static const wg_field attention_fields[] = {
    WG_FIELD_NOT(wg_attention_hyper, unscaled, "scale"), WG_FIELD(wg_attention_hyper, dropout_p),
    WG_FIELD_STR(wg_attention_hyper, init, "glorot_uniform"), WG_FIELDS_END
};

static bool attention_make(wg_layer *l)
{
    const wg_attention_hyper *h = wg_layer_hyper(l);

    if (!(h->dropout_p >= 0 && h->dropout_p < 1))
        return wg_layer_fail(l, WG_EARG, "dropout_p is %g, wanted 0 <= dropout_p < 1",
                             h->dropout_p);
    return wg_layer_knows(l, NULL, h->init);
}

static wg_tensor *check_operands(wg_layer *l, wg_tensor *const *x)
{
    const wg_type *q = wg_tensor_type(x[0]), *k = wg_tensor_type(x[1]), *v = wg_tensor_type(x[2]);
    int rank = q->shape.rank;

    if (rank >= 2 && k->shape.rank == rank && v->shape.rank == rank &&
        q->shape.dim[rank - 1] == k->shape.dim[rank - 1] &&
        k->shape.dim[rank - 2] == v->shape.dim[rank - 2])
        return NULL;
    return wg_record_fail(wg_tensor_graph(x[0]), WG_ESHAPE, wg_layer_kind(l),
                          "operands are %s, %s, %s, wanted [..., n_q, d_k], [..., n_k, d_k], "
                          "[..., n_k, d_v]",
                          WG_TYPE_STR(q), WG_TYPE_STR(k), WG_TYPE_STR(v));
}

/* A mask of more axes than the scores, or wider ones, would widen the result. */
static wg_tensor *check_mask(wg_layer *l, const wg_tensor *mask, const wg_tensor *scores)
{
    const wg_type *m = wg_tensor_type(mask), *s = wg_tensor_type(scores);
    int skip = s->shape.rank - m->shape.rank;
    bool fits = skip >= 0;

    for (int i = 0; fits && i < m->shape.rank; i++)
        fits = m->shape.dim[i] == 1 || m->shape.dim[i] == s->shape.dim[skip + i];
    if (fits) return NULL;
    return wg_record_fail(wg_tensor_graph(mask), WG_ESHAPE, wg_layer_kind(l),
                          "the mask is %s, wanted what broadcasts to the scores %s", WG_TYPE_STR(m),
                          WG_TYPE_STR(s));
}

static wg_tensor *attention_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_attention_hyper *h = wg_layer_hyper(l);
    wg_tensor *wrong = check_operands(l, x), *scores, *weights;

    if (wrong) return wrong;
    scores = wg_matmul_t(x[0], x[1], false, true);
    if (!h->unscaled) scores = wg_mul(scores, wg_rsqrt(wg_count(x[1], WG_AXES(-1))));
    if (n == 4) {
        wrong = check_mask(l, x[3], scores);
        if (wrong) return wrong;
        scores = wg_add(scores, wg_broadcast_like(x[3], scores));
    }
    weights = wg_softmax(scores, -1);
    if (h->dropout_p > 0 && wg_layer_trains(l, wg_tensor_graph(x[0]))) {
        char name[WG__DRAW_NAME];
        wg_tensor *mask = wg_bernoulli_like(
            weights, wg__draw_name(wg_tensor_graph(x[0]), "dropout_mask", name), 1 - h->dropout_p);

        weights = wg_mul(weights, wg_mul(mask, wg_scalar_like(mask, 1 / (1 - h->dropout_p))));
    }
    return wg_matmul(wg_layer_value(l, weights, "attention_weights"), x[2]);
}

const wg_layer_class wg_class_dot_product_attention = { .name = "DotProductAttention",
                                                        .hyper_size = sizeof(wg_attention_hyper),
                                                        .hyper = attention_fields,
                                                        .n_in = 4,
                                                        .n_optional = 1,
                                                        .make = attention_make,
                                                        .apply = attention_apply };

wg_layer *wg_dot_product_attention(wg_params *w, const char *name, wg_attention_hyper hyper)
{
    return wg_layer_new(&wg_class_dot_product_attention, w, name, &hyper);
}
