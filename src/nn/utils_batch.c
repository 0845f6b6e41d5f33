/* utils_batch.c: minibatches as lists of rows. */
#include <string.h>

#include "utils_shape.h"
#include "wengert/data.h"

enum { BATCHSIZE = 256 };

struct wg_minibatch {
    int64_t n, batchsize, at;
    int64_t order[];
};

wg_minibatch *wg_minibatch_new(int64_t n, int64_t batchsize, bool shuffle, uint64_t seed,
                               uint64_t run, wg_error *error)
{
    static const char OP[] = "wg_minibatch_new";
    wg_minibatch *b = NULL;

    if (n < 1) wg_fail(error, WG_EARG, OP, "%lld examples, wanted 1 or more", (long long)n);
    else if (batchsize < 0)
        wg_fail(error, WG_EARG, OP, "batchsize is %lld, wanted 1 or more, or 0 for %d",
                (long long)batchsize, BATCHSIZE);
    else {
        b = n < INT64_MAX / 16 ? wg_alloc(n * 8 + (int64_t)sizeof *b, 1) : NULL;
        if (!b) wg_fail(error, WG_ENOMEM, OP, "the order of %lld examples", (long long)n);
    }
    if (!b) return NULL;
    b->n = n;
    b->batchsize = batchsize == 0 ? BATCHSIZE : batchsize;
    if (shuffle) wg_shuffled(seed, run, n, b->order);
    else
        for (int64_t i = 0; i < n; i++) b->order[i] = i;
    return b;
}

int64_t wg_minibatch_n_batches(const wg_minibatch *b)
{
    return b ? (b->n - 1) / b->batchsize + 1 : 0;
}

int64_t wg_minibatch_next(wg_minibatch *b, const int64_t **rows)
{
    int64_t n = b ? b->n - b->at : 0;

    if (n == 0) return 0;
    if (n > b->batchsize) n = b->batchsize;
    *rows = b->order + b->at;
    b->at += n;
    return n;
}

bool wg_minibatch_seek(wg_minibatch *b, int64_t k)
{
    if (!b || k < 0 || k > wg_minibatch_n_batches(b)) return false;
    b->at = k == wg_minibatch_n_batches(b) ? b->n : k * b->batchsize;
    return true;
}

void wg_minibatch_free(wg_minibatch *b)
{
    wg_free(b);
}

wg_status wg_take_rows(wg_array X, int64_t n_rows, const int64_t *row, wg_array to, wg_error *error)
{
    static const char OP[] = "wg_take_rows";
    wg_shape want = X.type.shape;
    int64_t rows, bytes;

    if (want.rank < 1 || want.rank > WG_MAX_RANK)
        return wg_fail(error, WG_ESHAPE, OP, "X has no rows");
    rows = want.dim[0];
    if (n_rows < 0 || (n_rows > 0 && (!row || !X.data || !to.data)))
        return wg_fail(error, WG_EARG, OP, "%lld rows%s", (long long)n_rows,
                       n_rows < 0 ? "" : ", but row, X.data or to.data is NULL");
    if (X.type.dtype != to.type.dtype)
        return wg_fail(error, WG_EDTYPE, OP, "X is %s, the batch %s", wg_dtype_name(X.type.dtype),
                       wg_dtype_name(to.type.dtype));
    want.dim[0] = n_rows;
    if (!wg_shape_equal(&want, &to.type.shape))
        return wg_fail(error, WG_ESHAPE, OP, "%lld rows of X %s do not fill %s", (long long)n_rows,
                       WG__SHAPE_STR(&X.type.shape), WG__SHAPE_STR(&to.type.shape));
    if (wg_type_bytes(&X.type) < 0 || wg_type_bytes(&to.type) < 0)
        return wg_fail(error, WG_ELIMIT, OP, "X %s or its rows have too many bytes to count",
                       WG__SHAPE_STR(&X.type.shape));
    bytes = n_rows > 0 ? wg_type_bytes(&to.type) / n_rows : 0;
    for (int64_t k = 0; k < n_rows; k++) {
        if (row[k] < 0 || row[k] >= rows)
            return wg_fail(error, WG_EINDEX, OP, "row %lld of %lld", (long long)row[k],
                           (long long)rows);
        memcpy((char *)to.data + k * bytes, (const char *)X.data + row[k] * bytes, (size_t)bytes);
    }
    return WG_OK;
}
