/* word2vec.c: mean embeddings of contexts, and negative sampling. */
#include <wengert/reference_dense.h>
#include <wengert/reference_loss.h>
#include <wengert/reference_model.h>

#include "ref_matrix.h"

static wg_ref_nce loss_of(const wg_ref_word2vec *h, const wg_ref_word2vec_params *p,
                          const double *X)
{
    return (wg_ref_nce){ .N = h->n_ex,
                         .C = 1,
                         .D = h->embedding_dim,
                         .K = h->n_neg,
                         .X = X,
                         .W = p->loss_W,
                         .b = p->loss_b,
                         .target = h->target,
                         .neg = h->neg };
}

bool wg_ref_word2vec_forward(const wg_ref_word2vec *h, const wg_ref_word2vec_params *p,
                             double *loss, double *y_pred)
{
    double *X = ref_zeros(h->n_ex * h->embedding_dim);
    wg_ref_nce nce;

    if (!X) return false;
    wg_ref_embedding(WG_REF_POOL_MEAN, h->n_ex, h->embedding_dim, h->ids, h->offsets,
                     p->embeddings_W, X);
    nce = loss_of(h, p, X);
    *loss = wg_ref_nce_loss(&nce, y_pred);
    free(X);
    return true;
}

bool wg_ref_word2vec_backward(const wg_ref_word2vec *h, const wg_ref_word2vec_params *p,
                              wg_ref_word2vec_params *grads)
{
    int64_t n = h->n_ex * h->embedding_dim;
    double *X = ref_zeros(2 * n), *dX;
    wg_ref_nce nce;

    if (!X) return false;
    dX = X + n;
    wg_ref_embedding(WG_REF_POOL_MEAN, h->n_ex, h->embedding_dim, h->ids, h->offsets,
                     p->embeddings_W, X);
    nce = loss_of(h, p, X);
    wg_ref_nce_loss_grad(&nce, dX, grads->loss_W, grads->loss_b);
    wg_ref_embedding_backward(WG_REF_POOL_MEAN, h->n_ex, h->embedding_dim, h->ids, h->offsets, dX,
                              grads->embeddings_W);
    free(X);
    return true;
}
