/* fit_w2v.c: Word2Vec on a corpus: vocabulary, noise, epochs of batches streamed from the text. */
#define _POSIX_C_SOURCE 200809L
#include "wengert/word2vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "classes.h"
#include "spell.h"
#include "wengert/nce.h"
#include "wengert/ops.h"
#include "wengert/plan.h"

static const char FIT[] = "wg_word2vec_fit";
static const char NOISE[] = "word2vec/noise", NEGATIVES[] = "word2vec/neg_samples";

/* What a fit makes anew. */
typedef struct {
    wg_vocabulary *words;
    wg_params *store;
    wg_layer *layer;
    wg_graph *graph;
    wg_plan *plan;
    wg_discrete_sampler *noise;
    int64_t steps, epochs; /* over fits that kept the weights */
} trained;

struct wg_word2vec_model {
    wg_params *scratch; /* holds `like`, whose hyperparameters are the model's */
    wg_layer *like;
    wg_dtype dtype;
    uint64_t seed;
    trained now;
};

static void trained_free(trained *t)
{
    wg_plan_free(t->plan);
    wg_discrete_sampler_free(t->noise);
    wg_graph_free(t->graph);
    wg_layer_free(t->layer);
    wg_params_free(t->store);
    wg_vocabulary_free(t->words);
    *t = (trained){ 0 };
}

wg_word2vec_model *wg_word2vec_model_new(wg_word2vec_hyper hyper, wg_dtype dtype, uint64_t seed,
                                         wg_error *error)
{
    static const char OP[] = "wg_word2vec_model_new";
    wg_word2vec_model *m;

    if (!wg_dtype_is_real(dtype)) {
        wg_fail(error, WG_EDTYPE, OP, "the element type is %s, wanted f32 or f64",
                wg_dtype_name(dtype));
        return NULL;
    }
    if (!(hyper.noise_dist_power >= 0) || isinf(hyper.noise_dist_power) || hyper.min_count < 0 ||
        hyper.max_tokens < 0) {
        wg_fail(error, WG_EARG, OP,
                "noise_dist_power %g, min_count %lld and max_tokens %lld must be 0 or more",
                hyper.noise_dist_power, (long long)hyper.min_count, (long long)hyper.max_tokens);
        return NULL;
    }
    m = wg_alloc(1, sizeof *m);
    hyper.vocab_size = INT32_MAX; /* enough for any number of negative samples */
    if (m) m->scratch = wg_params_new(dtype, seed);
    if (m && m->scratch) m->like = wg_word2vec(m->scratch, "word2vec", hyper);
    if (m && m->like && wg_layer_error(m->like)->code == WG_OK) {
        m->dtype = dtype;
        m->seed = seed;
        return m;
    }
    if (m && m->like) {
        const wg_error *e = wg_layer_error(m->like);

        wg_fail(error, e->code, e->op, "%s", e->text);
    } else {
        wg_fail(error, WG_ENOMEM, OP, "a model");
    }
    wg_word2vec_model_free(m);
    return NULL;
}

void wg_word2vec_model_free(wg_word2vec_model *m)
{
    if (!m) return;
    trained_free(&m->now);
    wg_layer_free(m->like);
    wg_params_free(m->scratch);
    wg_free(m);
}

wg_layer *wg_word2vec_model_layer(const wg_word2vec_model *m)
{
    return m ? m->now.layer : NULL;
}

const wg_vocabulary *wg_word2vec_model_vocabulary(const wg_word2vec_model *m)
{
    return m ? m->now.words : NULL;
}

wg_params *wg_word2vec_model_params(const wg_word2vec_model *m)
{
    return m ? m->now.store : NULL;
}

wg_graph *wg_word2vec_model_graph(const wg_word2vec_model *m)
{
    return m ? m->now.graph : NULL;
}

/* ---- what a fit begins with ---- */

static int specials(const wg_vocabulary *v, int64_t index[3])
{
    int64_t all[3] = { wg_vocabulary_bol(v), wg_vocabulary_eol(v), wg_vocabulary_unk(v) };
    int n = 0;

    for (int i = 0; i < 3; i++)
        if (all[i] >= 0) index[n++] = all[i];
    return n;
}

static wg_status count_words(const wg_word2vec_hyper *h, const wg_corpus *corpus, trained *t,
                             wg_error *e)
{
    wg_vocabulary_hyper v = wg_vocabulary_defaults();
    int64_t special[3], n;

    v.filter_stopwords = !h->keep_stopwords;
    v.min_count = h->min_count;
    v.max_tokens = h->max_tokens;
    t->words = wg_vocabulary_new(&v, e);
    if (!t->words || wg_vocabulary_fit(t->words, corpus, e) != WG_OK) return e->code;
    n = wg_vocabulary_n_tokens(t->words) - specials(t->words, special);
    if (n < h->num_negative_samples)
        return wg_fail(
            e, WG_EARG, FIT,
            "the corpus has %lld words, fewer than the %lld negative samples: more text, "
            "or a smaller num_negative_samples",
            (long long)n, (long long)h->num_negative_samples);
    return WG_OK;
}

/* The noise is drawn from its entry in the store, so that a program that was saved draws alike. */
static wg_status make_noise(const wg_word2vec_hyper *h, trained *t, wg_error *e)
{
    int64_t n = wg_vocabulary_n_tokens(t->words), special[3];
    double *probs = wg_alloc(n, sizeof *probs);
    wg_discrete_sampler *first = NULL;

    if (!probs) return wg_fail(e, WG_ENOMEM, FIT, "%lld words", (long long)n);
    if (wg_noise_distribution(n, wg_vocabulary_counts(t->words), specials(t->words, special),
                              special, h->noise_dist_power, probs, e) == WG_OK)
        first = wg_discrete_sampler_new(n, probs, false, false, e);
    if (first && wg_nce_keep_noise(t->store, NOISE, first, e) == WG_OK)
        t->noise = wg_nce_kept_noise(t->store, NOISE, false, e);
    wg_discrete_sampler_free(first);
    wg_free(probs);
    return e->code;
}

static wg_status begin(const wg_word2vec_model *m, const wg_corpus *corpus, trained *t, wg_error *e)
{
    wg_word2vec_hyper h = *(const wg_word2vec_hyper *)wg_layer_hyper(m->like);

    if (count_words(&h, corpus, t, e) != WG_OK) return e->code;
    h.vocab_size = wg_vocabulary_n_tokens(t->words);
    t->store = wg_params_new(m->dtype, m->seed);
    t->graph = t->store ? wg_graph_new() : NULL;
    t->layer = t->graph ? wg_word2vec(t->store, "word2vec", h) : NULL;
    if (!t->layer) return wg_fail(e, WG_ENOMEM, FIT, "a model");
    if (make_noise(&h, t, e) != WG_OK) return e->code;
    wg_word2vec_record(t->layer, t->graph, true);
    if (wg_graph_error(t->graph)) return *e = *wg_graph_error(t->graph), e->code;
    t->plan = wg_plan_new_error(t->graph, t->store, "train", NULL, e);
    return e->code;
}

/* ---- steps ---- */

/* One fit. A batch waits in arrays of a step's extents: [batch, width] of ids and weights for CBOW,
 * one id an example for skip-gram. */
typedef struct {
    trained *t;
    wg_word2vec_fit_options o;
    int64_t batch, width, k, context_len;
    bool skip_gram;
    wg_dtype dtype;
    uint64_t seed;
    int64_t *id, *offset, *target, *negative;
    void *weight;
    int64_t n;    /* examples waiting */
    int64_t left; /* steps that max_steps allows; -1: any */
    double sum;   /* of the epoch's losses */
    wg_word2vec_progress p;
} fitting;

static void fitting_free(fitting *f)
{
    wg_free(f->id);
    wg_free(f->offset);
    wg_free(f->target);
    wg_free(f->negative);
    wg_free(f->weight);
}

static wg_status fitting_make(fitting *f, wg_error *e)
{
    int64_t cells;

    if (f->context_len > INT32_MAX || f->batch > INT32_MAX)
        return wg_fail(e, WG_EARG, FIT, "batchsize %lld and context_len %lld are too large",
                       (long long)f->batch, (long long)f->context_len);
    f->width = f->skip_gram ? 1 : 2 * f->context_len;
    cells = f->batch * f->width;
    f->id = wg_alloc(cells, sizeof *f->id);
    f->offset = wg_alloc(f->batch + 1, sizeof *f->offset);
    f->target = wg_alloc(f->batch, sizeof *f->target);
    f->negative = wg_alloc(f->k, sizeof *f->negative);
    f->weight = wg_alloc(cells, wg_dtype_size(f->dtype));
    if (!f->id || !f->offset || !f->target || !f->negative || !f->weight)
        return wg_fail(e, WG_ENOMEM, FIT, "a batch of %lld examples", (long long)f->batch);
    for (int64_t i = 0; i <= f->batch; i++) f->offset[i] = i;
    return WG_OK;
}

static void set_weights(const fitting *f, int64_t from, int64_t n, double v)
{
    for (int64_t i = from; i < from + n; i++) {
        if (f->dtype == WG_F32) ((float *)f->weight)[i] = (float)v;
        else ((double *)f->weight)[i] = v;
    }
}

static wg_status step(fitting *f, wg_error *e)
{
    wg_plan *p = f->t->plan;
    wg_shape window = WG_SHAPE(f->n, f->width), line = WG_SHAPE(f->n);
    const wg_array *loss;
    double value;

    if (wg_nce_draw(f->t->noise, f->seed, NEGATIVES, (uint64_t)f->t->steps, f->k, f->negative, e) !=
        WG_OK)
        return e->code;
    if (f->skip_gram) {
        wg_plan_feed(p, "ids", wg_array_of(WG_I64, line, f->id));
        wg_plan_feed(p, "offsets", wg_array_of(WG_I64, WG_SHAPE(f->n + 1), f->offset));
    } else {
        wg_plan_feed(p, "ids", wg_array_of(WG_I64, window, f->id));
        wg_plan_feed(p, "weights", wg_array_of(f->dtype, window, f->weight));
    }
    wg_plan_feed(p, "target", wg_array_of(WG_I64, line, f->target));
    wg_plan_feed(p, "neg_samples", wg_array_of(WG_I64, WG_SHAPE(f->k), f->negative));
    if (wg_plan_run(p) != WG_OK) return *e = *wg_plan_error(p), e->code;
    loss = wg_plan_value(p, "loss");
    value = loss ? wg_item(loss) : (double)NAN;
    f->t->steps++;
    f->p.step = f->t->steps;
    if (!isfinite(value))
        return wg_fail(e, WG_ENONFINITE, FIT,
                       "the loss is %g in epoch %lld, step %lld: a smaller learning rate may help",
                       value, (long long)f->p.epoch, (long long)f->t->steps);
    f->sum += value;
    f->p.examples += f->n;
    f->n = 0;
    if (f->left > 0) f->left--;
    return WG_OK;
}

/* Takes examples in; a step whenever a batch is full. */
static wg_status take(fitting *f, const wg_contexts_batch *b, wg_error *e)
{
    for (int64_t i = 0; i < b->n && f->left != 0; i++) {
        int64_t first = b->offset[i], n = b->offset[i + 1] - first, at = f->n * f->width;

        for (int64_t j = 0; j < f->width; j++) f->id[at + j] = j < n ? b->id[first + j] : 0;
        set_weights(f, at, n, 1);
        set_weights(f, at + n, f->width - n, 0);
        f->target[f->n++] = b->target[i];
        if (f->n == f->batch && step(f, e) != WG_OK) return e->code;
    }
    return WG_OK;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void tell(const fitting *f)
{
    const wg_word2vec_progress *p = &f->p;
    FILE *to = f->o.to ? f->o.to : stdout;

    if (f->o.quiet) return;
    fprintf(to, "epoch %lld/%lld%s: loss %.4f", (long long)p->epoch, (long long)p->n_epochs,
            p->whole ? "" : " (not whole)", p->loss);
    if (!isnan(p->previous)) fprintf(to, " (%+.4f)", p->loss - p->previous);
    fprintf(to, ", %lld examples, %.0f words/s\n", (long long)p->examples,
            p->seconds > 0 ? (double)p->words / p->seconds : 0.0);
    fflush(to);
}

/* *more false: the fit ends here. */
static wg_status epoch(fitting *f, const wg_corpus *corpus, bool *more, wg_error *e)
{
    wg_contexts_options o = { .skip_gram = f->skip_gram,
                              .batchsize = f->batch,
                              .context_len = f->context_len,
                              .seed = f->seed,
                              .run = (uint64_t)f->t->epochs,
                              .sample = f->o.sample };
    wg_contexts *c = wg_contexts_new(f->t->words, corpus, &o, e);
    wg_contexts_batch b;
    double began = now();

    if (!c) return e->code;
    f->n = f->p.examples = 0;
    f->sum = 0;
    do {
        if (wg_contexts_next(c, &b, e) != WG_OK || take(f, &b, e) != WG_OK) break;
    } while (b.n > 0 && f->left != 0);
    f->p.words = wg_contexts_n_words(c);
    wg_contexts_free(c);
    if (e->code != WG_OK) return e->code;
    f->p.whole = b.n == 0;
    if (f->n > 0 && f->left != 0 && step(f, e) != WG_OK) return e->code;
    if (f->p.examples == 0)
        return wg_fail(e, WG_EARG, FIT,
                       "the corpus has no word with another beside it in its line");
    f->t->epochs += f->p.whole;
    f->p.previous = f->p.loss;
    f->p.loss = f->sum / (double)f->p.examples;
    f->p.seconds = now() - began;
    tell(f);
    *more = (!f->o.on_epoch || f->o.on_epoch(f->o.data, &f->p)) && f->left != 0;
    return WG_OK;
}

static wg_status train(const wg_word2vec_model *m, trained *t, const wg_corpus *corpus,
                       const wg_word2vec_fit_options *o, wg_error *e)
{
    const wg_word2vec_hyper *h = wg_layer_hyper(t->layer);
    const char *limit = getenv("WENGERT_MAX_STEPS");
    fitting f = { .t = t,
                  .o = *o,
                  .batch = o->batchsize ? o->batchsize : 128,
                  .k = h->num_negative_samples,
                  .context_len = h->context_len,
                  .skip_gram = h->skip_gram,
                  .dtype = m->dtype,
                  .seed = m->seed,
                  .left = o->max_steps ? o->max_steps : -1 };
    bool more = true;

    if (limit && atoll(limit) > 0 && (f.left < 0 || atoll(limit) < f.left)) f.left = atoll(limit);
    f.p.n_epochs = o->n_epochs ? o->n_epochs : 20;
    f.p.loss = (double)NAN;
    if (fitting_make(&f, e) == WG_OK)
        for (int64_t i = 1; i <= f.p.n_epochs && more && e->code == WG_OK; i++) {
            f.p.epoch = i;
            epoch(&f, corpus, &more, e);
        }
    fitting_free(&f);
    return e->code;
}

wg_status wg_word2vec_fit(wg_word2vec_model *m, const wg_corpus *corpus,
                          const wg_word2vec_fit_options *options, wg_error *error)
{
    wg_word2vec_fit_options o = { 0 };
    wg_error e = { .code = WG_OK };
    trained fresh = { 0 }, *t = &fresh;

    if (options) o = *options;
    if (!m || !corpus)
        return wg_fail(error, WG_EARG, FIT, "the %s is NULL", m ? "corpus" : "model");
    if (o.n_epochs < 0 || o.batchsize < 0 || o.max_steps < 0)
        return wg_fail(error, WG_EARG, FIT,
                       "n_epochs %lld, batchsize %lld and max_steps %lld must be 0 or more",
                       (long long)o.n_epochs, (long long)o.batchsize, (long long)o.max_steps);
    if (o.keep && m->now.plan) t = &m->now;
    else begin(m, corpus, &fresh, &e);
    if (e.code == WG_OK) train(m, t, corpus, &o, &e);
    if (t == &fresh && fresh.steps > 0) { /* a fit that took a step replaces the last one */
        trained_free(&m->now);
        m->now = fresh;
    } else {
        trained_free(&fresh);
    }
    if (e.code != WG_OK && error && error->code == WG_OK) *error = e;
    return e.code;
}

/* ---- what was learned ---- */

static wg_status rows_of(const wg_word2vec_model *m, const char *op, int64_t n, wg_array *rows,
                         wg_array *table, wg_error *error)
{
    if (rows) rows->data = NULL;
    if (!m || !rows || n < 0)
        return wg_fail(error, WG_EARG, op, "%s",
                       !m      ? "the model is NULL"
                       : !rows ? "the result is NULL"
                               : "the number of words is negative");
    if (!m->now.layer) return wg_fail(error, WG_ESTATE, op, "the model has no words before a fit");
    *table = wg_layer_parameter(wg_layer_component(m->now.layer, "embeddings"), "W");
    rows->type = (wg_type){ table->type.dtype, WG_SHAPE(n, table->type.shape.dim[1]) };
    rows->data = wg_alloc(n * table->type.shape.dim[1], wg_dtype_size(table->type.dtype));
    if (!rows->data) return wg_fail(error, WG_ENOMEM, op, "%lld words", (long long)n);
    return WG_OK;
}

static void copy_row(wg_array *rows, int64_t i, const wg_array *table, int64_t index)
{
    size_t bytes = (size_t)rows->type.shape.dim[1] * wg_dtype_size(rows->type.dtype);

    memcpy((char *)rows->data + (size_t)i * bytes,
           (const char *)table->data + (size_t)index * bytes, bytes);
}

static void drop(wg_array *rows)
{
    wg_free(rows->data);
    rows->data = NULL;
}

wg_status wg_word2vec_embedding(const wg_word2vec_model *m, int64_t n, const int64_t *ids,
                                wg_array *rows, wg_error *error)
{
    static const char OP[] = "wg_word2vec_embedding";
    wg_array table;
    wg_status status = rows_of(m, OP, n, rows, &table, error);

    for (int64_t i = 0; i < n && status == WG_OK; i++) {
        int64_t size = table.type.shape.dim[0];

        if (ids[i] < 0 || ids[i] >= size)
            status = wg_fail(error, WG_EINDEX, OP, "index %lld is %lld, the vocabulary has %lld",
                             (long long)i, (long long)ids[i], (long long)size);
        else copy_row(rows, i, &table, ids[i]);
    }
    if (status != WG_OK && rows) drop(rows);
    return status;
}

/* Why there is no such word, with the nearest there is. */
static wg_status unknown(const wg_vocabulary *v, const char *op, const char *word, wg_error *error)
{
    int64_t n = wg_vocabulary_n_tokens(v);
    const char **known = wg_alloc(n, sizeof *known);

    if (!known) return wg_fail(error, WG_ENOMEM, op, "%lld words", (long long)n);
    for (int64_t i = 0; i < n; i++) known[i] = wg_vocabulary_word(v, i).text;
    if (wg_vocabulary_hyperparameters(v)->filter_stopwords && wg_is_stop_word(word, strlen(word)))
        wg_fail(error, WG_ENAME, op, "\"%.60s\" is a stop word, which the vocabulary leaves out",
                word);
    else
        wg_fail(error, WG_ENAME, op, "the vocabulary lacks \"%.60s\", the nearest is \"%.60s\"",
                word, wg__nearest(word, n > INT32_MAX ? INT32_MAX : (int)n, known));
    wg_free(known);
    return WG_ENAME;
}

wg_status wg_word2vec_embedding_of(const wg_word2vec_model *m, int64_t n, const char *const *words,
                                   wg_array *rows, wg_error *error)
{
    static const char OP[] = "wg_word2vec_embedding_of";
    wg_array table;
    wg_status status = rows_of(m, OP, n, rows, &table, error);

    for (int64_t i = 0; i < n && status == WG_OK; i++) {
        const wg_vocabulary *v = m->now.words;
        size_t length = words[i] ? strlen(words[i]) : 0;
        int64_t index = words[i] ? wg_vocabulary_index(v, words[i], length) : -1;

        if (!words[i]) status = wg_fail(error, WG_EARG, OP, "word %lld is NULL", (long long)i);
        else if (index < 0 ||
                 (index == wg_vocabulary_unk(v) && !wg_vocabulary_has(v, words[i], length)))
            status = unknown(v, OP, words[i], error);
        else copy_row(rows, i, &table, index);
    }
    if (status != WG_OK && rows) drop(rows);
    return status;
}

wg_word_vectors *wg_word2vec_model_vectors(const wg_word2vec_model *m, wg_error *error)
{
    static const char OP[] = "wg_word2vec_model_vectors";
    const wg_vocabulary *v = wg_word2vec_model_vocabulary(m);
    int64_t n = wg_vocabulary_n_tokens(v), special[3], kept = 0;
    int64_t *id = wg_alloc(n, sizeof *id);
    const char **word = wg_alloc(n, sizeof *word);
    wg_word_vectors *result = NULL;
    wg_array rows = { .data = NULL };
    int n_special = v ? specials(v, special) : 0;

    if (!v) {
        wg_fail(error, WG_ESTATE, OP, "the model has no words before a fit");
    } else if (!id || !word || wg_vocabulary_most_common(v, n, id) < 0) {
        wg_fail(error, WG_ENOMEM, OP, "%lld words", (long long)n);
    } else {
        for (int64_t i = 0; i < n; i++) {
            bool is_special = false;

            for (int k = 0; k < n_special; k++) is_special |= id[i] == special[k];
            if (is_special) continue;
            word[kept] = wg_vocabulary_word(v, id[i]).text;
            id[kept++] = id[i];
        }
        if (wg_word2vec_embedding(m, kept, id, &rows, error) == WG_OK)
            result = wg_word_vectors_new(kept, word, rows, error);
    }
    wg_free(rows.data);
    wg_free(id);
    wg_free(word);
    return result;
}
