/* fit_w2v_batches.c: Word2Vec's batches, streamed from the text into a plan. */
#define _POSIX_C_SOURCE 200809L
#include <time.h>

#include "fit_w2v.h"
#include "wengert/op.h"

static const char FIT[] = "wg_word2vec_fit", NEGATIVES[] = "word2vec/neg_samples";

void wg__w2v_close(wg__w2v_batches *b)
{
    if (b->stream) b->words_read = wg_contexts_n_words(b->stream);
    wg_contexts_free(b->stream);
    b->stream = NULL;
}

void wg__w2v_batches_free(wg__w2v_batches *b)
{
    wg_contexts_free(b->stream);
    wg_free(b->id);
    wg_free(b->offset);
    wg_free(b->target);
    wg_free(b->negative);
    wg_free(b->weight);
}

wg_status wg__w2v_batches_make(wg__w2v_batches *b, wg_error *e)
{
    int64_t cells;

    if (b->context_len > INT32_MAX || b->batch > INT32_MAX)
        return wg_fail(e, WG_EARG, FIT, "batchsize %lld and context_len %lld are too large",
                       (long long)b->batch, (long long)b->context_len);
    b->width = b->skip_gram ? 1 : 2 * b->context_len;
    cells = b->batch * b->width;
    b->id = wg_alloc(cells, sizeof *b->id);
    b->offset = wg_alloc(b->batch + 1, sizeof *b->offset);
    b->target = wg_alloc(b->batch, sizeof *b->target);
    b->negative = wg_alloc(b->k, sizeof *b->negative);
    b->weight = wg_alloc(cells, wg_dtype_size(b->dtype));
    if (!b->id || !b->offset || !b->target || !b->negative || !b->weight)
        return wg_fail(e, WG_ENOMEM, FIT, "a batch of %lld examples", (long long)b->batch);
    for (int64_t i = 0; i <= b->batch; i++) b->offset[i] = i;
    return WG_OK;
}

static void set_weights(const wg__w2v_batches *b, int64_t from, int64_t n, double v)
{
    for (int64_t i = from; i < from + n; i++) {
        if (b->dtype == WG_F32) ((float *)b->weight)[i] = (float)v;
        else ((double *)b->weight)[i] = v;
    }
}

double wg__w2v_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The epoch from its beginning. */
static wg_status open_stream(wg__w2v_batches *b, wg_error *e)
{
    wg_contexts_options o = { .skip_gram = b->skip_gram,
                              .batchsize = b->batch,
                              .context_len = b->context_len,
                              .seed = b->seed,
                              .run = (uint64_t)*b->t->epochs,
                              .sample = b->sample };

    wg_contexts_free(b->stream);
    b->stream = wg_contexts_new(b->t->words, b->corpus, &o, e);
    b->examples.n = b->used = b->at = 0;
    b->over = false;
    if (!(b->began > 0)) b->began = wg__w2v_now();
    return b->stream ? WG_OK : e->code;
}

/* The example at hand becomes number i of the batch. */
static void take(wg__w2v_batches *b, int64_t i)
{
    const wg_contexts_batch *x = &b->examples;
    int64_t first = x->offset[b->used], n = x->offset[b->used + 1] - first, at = i * b->width;

    for (int64_t j = 0; j < b->width; j++) b->id[at + j] = j < n ? x->id[first + j] : 0;
    set_weights(b, at, n, 1);
    set_weights(b, at + n, b->width - n, 0);
    b->target[i] = x->target[b->used];
}

/* The stream's next examples, as many as a batch has; how many there are, -1 with *e filled. */
static int64_t gather(wg__w2v_batches *b, bool wanted, wg_error *e)
{
    int64_t n = 0;

    while (n < b->batch && !b->over) {
        if (b->used == b->examples.n) {
            if (wg_contexts_next(b->stream, &b->examples, e) != WG_OK) return -1;
            b->used = 0;
            b->over = b->examples.n == 0;
            continue;
        }
        if (wanted) take(b, n);
        b->used++;
        n++;
    }
    if (n > 0) b->at++;
    return n;
}

static wg_status feed(wg__w2v_batches *b, wg_plan *p, int64_t n, wg_error *e)
{
    wg_shape window = WG_SHAPE(n, b->width), line = WG_SHAPE(n);
    wg_status status =
        wg_nce_draw(b->t->noise, b->seed, NEGATIVES, (uint64_t)*b->t->steps, b->k, b->negative, e);

    if (status != WG_OK) return status;
    status = wg_plan_feed(p, "ids", wg_array_of(WG_I64, b->skip_gram ? line : window, b->id));
    if (status == WG_OK && b->skip_gram)
        status = wg_plan_feed(p, "offsets", wg_array_of(WG_I64, WG_SHAPE(n + 1), b->offset));
    else if (status == WG_OK)
        status = wg_plan_feed(p, "weights", wg_array_of(b->dtype, window, b->weight));
    if (status == WG_OK) status = wg_plan_feed(p, "target", wg_array_of(WG_I64, line, b->target));
    if (status == WG_OK)
        status = wg_plan_feed(p, "neg_samples", wg_array_of(WG_I64, WG_SHAPE(b->k), b->negative));
    if (status != WG_OK && e->code == WG_OK) *e = *wg_plan_error(p);
    return status;
}

/* Windows depend on seed and epoch, so that batch i follows from the stream: after a resume the
 * batches before it are passed over, and for an earlier one the epoch is read anew. */
int64_t wg__w2v_next(void *data, wg_plan *p, int64_t epoch, int64_t i, wg_error *e)
{
    wg__w2v_batches *b = data;
    int64_t n;

    (void)epoch;
    if ((!b->stream || i < b->at) && open_stream(b, e) != WG_OK) return -1;
    while (b->at < i) {
        n = gather(b, false, e);
        if (n == 0)
            wg_fail(e, WG_EARG, FIT, "the corpus has %lld batches an epoch, %lld were made of it",
                    (long long)b->at, (long long)i);
        if (n <= 0) return -1;
    }
    n = gather(b, true, e);
    if (n > 0) return feed(b, p, n, e) == WG_OK ? n : -1;
    if (n == 0) wg__w2v_close(b);
    if (n == 0 && i == 0) {
        wg_fail(e, WG_EARG, FIT, "the corpus has no word with another beside it in its line");
        n = -1;
    }
    return n;
}
