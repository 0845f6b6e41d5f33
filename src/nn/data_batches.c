/* data_batches.c: which examples make which batch. */
#include <math.h>

#include "wengert/data.h"
#include "wengert/op.h"

/* The run of wg_shuffled that parts training from validation: no epoch reaches it. */
static const uint64_t SPLIT_RUN = UINT64_MAX;

struct wg_batches {
    wg_batches_options options;
    int64_t n, n_kept; /* examples trained on, kept apart */
    int64_t epoch;     /* of `order`; -1: none yet */
    int64_t *train;    /* the examples trained on, ascending; NULL: all */
    int64_t *kept;
    int64_t *order; /* of the epoch */
};

static wg_status refuse(int64_t n, const wg_batches_options *o, wg_error *error)
{
    if (n < 1) return wg_fail(error, WG_EARG, "wg_batches_new", "%lld examples", (long long)n);
    if (o->batchsize < 1)
        return wg_fail(error, WG_EARG, "wg_batches_new", "batchsize is %lld, wanted 1 or more",
                       (long long)o->batchsize);
    if (!(o->validation >= 0 && o->validation < 1))
        return wg_fail(error, WG_EARG, "wg_batches_new",
                       "validation is %g, wanted a share from 0 to below 1", o->validation);
    return WG_OK;
}

/* Marks the examples at the end of a shuffle as kept apart, then lists both kinds in order. */
static bool split(wg_batches *b, int64_t all)
{
    bool *mark = wg_alloc(all, sizeof *mark);
    int64_t t = 0, k = 0;

    b->train = wg_alloc(b->n, sizeof *b->train);
    b->kept = wg_alloc(b->n_kept, sizeof *b->kept);
    if (!mark || !b->train || !b->kept) {
        wg_free(mark);
        return false;
    }
    wg_shuffled(b->options.seed, SPLIT_RUN, all, b->order);
    for (int64_t i = b->n; i < all; i++) mark[b->order[i]] = true;
    for (int64_t i = 0; i < all; i++)
        if (mark[i]) b->kept[k++] = i;
        else b->train[t++] = i;
    wg_free(mark);
    return true;
}

wg_batches *wg_batches_new(int64_t n, const wg_batches_options *options, wg_error *error)
{
    wg_batches *b;

    if (!options) {
        wg_fail(error, WG_EARG, "wg_batches_new", "the options are NULL");
        return NULL;
    }
    if (refuse(n, options, error) != WG_OK) return NULL;
    b = wg_alloc(1, sizeof *b);
    if (!b) goto no_memory;
    b->options = *options;
    b->n_kept = (int64_t)floor((double)n * options->validation + 0.5);
    b->n = n - b->n_kept;
    b->epoch = -1;
    b->order = wg_alloc(n, sizeof *b->order);
    if (!b->order) goto no_memory;
    if (wg_batches_count(b) < 1) {
        wg_fail(error, WG_EARG, "wg_batches_new",
                "%lld examples, %lld kept apart, make no batch of %lld", (long long)n,
                (long long)b->n_kept, (long long)options->batchsize);
        wg_batches_free(b);
        return NULL;
    }
    if (b->n_kept == 0 || split(b, n)) return b;
no_memory:
    wg_batches_free(b);
    wg_fail(error, WG_ENOMEM, "wg_batches_new", "%lld examples", (long long)n);
    return NULL;
}

void wg_batches_free(wg_batches *b)
{
    if (!b) return;
    wg_free(b->train);
    wg_free(b->kept);
    wg_free(b->order);
    wg_free(b);
}

int64_t wg_batches_count(const wg_batches *b)
{
    int64_t whole = b->n / b->options.batchsize;

    return whole + (!b->options.drop_last && b->n % b->options.batchsize > 0);
}

int64_t wg_batches_examples(const wg_batches *b)
{
    return b->options.drop_last ? wg_batches_count(b) * b->options.batchsize : b->n;
}

static void reorder(wg_batches *b, int64_t epoch)
{
    if (b->options.in_order)
        for (int64_t i = 0; i < b->n; i++) b->order[i] = i;
    else wg_shuffled(b->options.seed, (uint64_t)epoch, b->n, b->order);
    for (int64_t i = 0; b->train && i < b->n; i++) b->order[i] = b->train[b->order[i]];
    b->epoch = epoch;
}

const int64_t *wg_batches_rows(wg_batches *b, int64_t epoch, int64_t i, int64_t *n)
{
    int64_t first;

    *n = 0;
    if (epoch < 0 || i < 0 || i >= wg_batches_count(b)) return NULL;
    if (b->epoch != epoch) reorder(b, epoch);
    first = i * b->options.batchsize;
    *n = b->n - first < b->options.batchsize ? b->n - first : b->options.batchsize;
    return b->order + first;
}

const int64_t *wg_batches_validation(const wg_batches *b, int64_t *n)
{
    *n = b->n_kept;
    return b->kept;
}
