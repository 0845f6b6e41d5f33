/* model_w2v.c: Word2Vec: CBOW and skip-gram by negative sampling. */
#include "classes.h"
#include "layer_impl.h"
#include "model.h"
#include "wengert/layers_more.h"
#include "wengert/models.h"
#include "wengert/nce.h"
#include "wengert/ops.h"

#define W2V wg_word2vec_hyper

static const wg_field word2vec_fields[] = { WG_FIELD(W2V, vocab_size),
                                            WG_FIELD_NUM(W2V, context_len, 5),
                                            WG_FIELD(W2V, skip_gram),
                                            WG_FIELD_NUM(W2V, embedding_dim, 300),
                                            WG_FIELD_NUM(W2V, num_negative_samples, 64),
                                            WG_FIELD_NUM(W2V, noise_dist_power, 0.75),
                                            WG_FIELD(W2V, min_count),
                                            WG_FIELD(W2V, max_tokens),
                                            WG_FIELD_NOT(W2V, keep_stopwords, "filter_stopwords"),
                                            WG_FIELD_STR(W2V, optimizer, "SGD(lr=0.1)"),
                                            WG_FIELD_STR(W2V, init, "glorot_uniform"),
                                            WG_FIELDS_END };

static bool word2vec_make(wg_layer *l)
{
    const W2V *h = wg_layer_hyper(l);
    wg_embedding_hyper embeddings = { .n_out = h->embedding_dim,
                                      .vocab_size = h->vocab_size,
                                      .pool = h->skip_gram ? NULL : "mean",
                                      .init = h->init };
    wg_nce_hyper loss = { .n_classes = h->vocab_size,
                          .num_negative_samples = h->num_negative_samples,
                          .init = h->init,
                          .keep_log_label_prob = true };

    if (h->vocab_size < 1 || h->embedding_dim < 1 || h->context_len < 1)
        return wg_layer_fail(
            l, WG_EARG,
            "vocab_size %lld, embedding_dim %lld and context_len %lld must be at least 1",
            (long long)h->vocab_size, (long long)h->embedding_dim, (long long)h->context_len);
    if (h->num_negative_samples < 1 || h->num_negative_samples > h->vocab_size)
        return wg_layer_fail(l, WG_EARG,
                             "num_negative_samples is %lld, wanted 1 to vocab_size, which is %lld",
                             (long long)h->num_negative_samples, (long long)h->vocab_size);
    return wg__model_optimizer(l, h->optimizer) &&
           wg_layer_add(l, "embeddings", "Embedding", &embeddings) &&
           wg_layer_add(l, "loss", "NCELoss", &loss);
}

static bool word2vec_apply(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y)
{
    wg_tensor *context = wg_apply_n(wg_layer_component(l, "embeddings"), 2, x);

    (void)n;
    wg_apply_all(wg_layer_component(l, "loss"), 3, (wg_tensor *[]){ context, x[2], x[3] }, y);
    return true;
}

const wg_layer_class wg_class_word2vec = { .name = "Word2Vec",
                                           .hyper_size = sizeof(W2V),
                                           .hyper = word2vec_fields,
                                           .n_in = 4,
                                           .n_out = 2,
                                           .make = word2vec_make,
                                           .apply_all = word2vec_apply };

wg_layer *wg_word2vec(wg_params *w, const char *name, wg_word2vec_hyper hyper)
{
    return wg_layer_new(&wg_class_word2vec, w, name, &hyper);
}

/* ids with offsets, or padded to the width of a context with weights. */
static void inputs(const wg_layer *l, wg_graph *g, bool padded, wg_tensor **x)
{
    const W2V *h = wg_layer_hyper(l);

    if (padded) {
        wg_shape window = WG_SHAPE(1, 2 * h->context_len);

        x[0] = wg_input(g, "ids", WG_I64, window);
        x[1] = wg_input(g, "weights", wg_params_dtype(l->store), window);
    } else {
        x[0] = wg_input(g, "ids", WG_I64, WG_SHAPE(1));
        x[1] = wg_input(g, "offsets", WG_I64, WG_SHAPE(2));
    }
    x[2] = wg_input(g, "target", WG_I64, WG_SHAPE(1));
    x[3] = wg_input(g, "neg_samples", WG_I64, WG_SHAPE(h->num_negative_samples));
}

wg_graph *wg_word2vec_record(wg_layer *l, wg_graph *g, bool padded)
{
    wg_tensor *x[4], *y[2], *rows;

    if (!l || l->kind != &wg_class_word2vec) {
        wg_record_fail(g, WG_EARG, "word2vec_record", "the layer is %s",
                       l ? l->kind->name : "NULL");
        return g;
    }
    padded = padded && !((const W2V *)wg_layer_hyper(l))->skip_gram;
    for (int train = 1; train >= 0; train--) {
        wg_begin(g, train ? "train" : "predict", train ? WG_TRAIN : WG_PREDICT);
        inputs(l, g, padded, x);
        wg_apply_all(l, 4, x, y);
        if (wg_graph_error(g)) return g;
        wg_output("loss", y[0]);
        wg_output("y_pred", y[1]);
        if (train) wg__model_minimize(l, l, y[0]);
        wg_end(g);
    }
    wg_begin(g, "embed", WG_PREDICT);
    rows = wg_gather(wg_layer_leaf(wg_layer_component(l, "embeddings"), g, "W"),
                     wg_input(g, "words", WG_I64, WG_SHAPE(1)), 0);
    wg_output("embeddings", rows);
    return wg_end(g);
}
