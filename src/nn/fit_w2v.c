/* fit_w2v.c: Word2Vec on a corpus: vocabulary, noise, batches streamed from the text into the
 * training kit. */
#define _POSIX_C_SOURCE 200809L
#include "wengert/word2vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "classes.h"
#include "fit_w2v.h"
#include "wengert/op.h"
#include "wengert/plan.h"
#include "wengert/train.h"

static const char FIT[] = "wg_word2vec_fit";
static const char NOISE[] = "word2vec/noise", NEGATIVES[] = "word2vec/neg_samples";

void wg__w2v_free(wg__w2v *t)
{
    wg_discrete_sampler_free(t->noise);
    wg_graph_free(t->graph);
    wg_layer_free(t->layer);
    wg_params_free(t->store);
    wg_vocabulary_free(t->words);
    *t = (wg__w2v){ 0 };
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
    wg__w2v_free(&m->now);
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

int wg__w2v_specials(const wg_vocabulary *v, int64_t index[3])
{
    int64_t all[3] = { wg_vocabulary_bol(v), wg_vocabulary_eol(v), wg_vocabulary_unk(v) };
    int n = 0;

    for (int i = 0; i < 3; i++)
        if (all[i] >= 0) index[n++] = all[i];
    return n;
}

wg_vocabulary_hyper wg__w2v_vocabulary(const wg_word2vec_hyper *h)
{
    wg_vocabulary_hyper v = wg_vocabulary_defaults();

    v.filter_stopwords = !h->keep_stopwords;
    v.min_count = h->min_count;
    v.max_tokens = h->max_tokens;
    return v;
}

static wg_status count_words(const wg_word2vec_hyper *h, const wg_corpus *corpus, wg__w2v *t,
                             wg_error *e)
{
    wg_vocabulary_hyper v = wg__w2v_vocabulary(h);
    int64_t special[3], n;

    t->words = wg_vocabulary_new(&v, e);
    if (!t->words || wg_vocabulary_fit(t->words, corpus, e) != WG_OK) return e->code;
    n = wg_vocabulary_n_tokens(t->words) - wg__w2v_specials(t->words, special);
    if (n < h->num_negative_samples)
        return wg_fail(
            e, WG_EARG, FIT,
            "the corpus has %lld words, fewer than the %lld negative samples: more text, "
            "or a smaller num_negative_samples",
            (long long)n, (long long)h->num_negative_samples);
    return WG_OK;
}

/* The noise is drawn from its entry in the store, so that a program that was saved draws alike. */
static wg_status make_noise(const wg_word2vec_hyper *h, wg__w2v *t, wg_error *e)
{
    int64_t n = wg_vocabulary_n_tokens(t->words), special[3];
    double *probs = wg_alloc(n, sizeof *probs);
    wg_discrete_sampler *first = NULL;

    if (!probs) return wg_fail(e, WG_ENOMEM, FIT, "%lld words", (long long)n);
    if (wg_noise_distribution(n, wg_vocabulary_counts(t->words),
                              wg__w2v_specials(t->words, special), special, h->noise_dist_power,
                              probs, e) == WG_OK)
        first = wg_discrete_sampler_new(n, probs, false, false, e);
    if (first && wg_nce_keep_noise(t->store, NOISE, first, e) == WG_OK)
        t->noise = wg_nce_kept_noise(t->store, NOISE, false, e);
    wg_discrete_sampler_free(first);
    wg_free(probs);
    return e->code;
}

/* A count that begins at zero. */
static int64_t *count_entry(wg_params *w, const char *name, wg_error *e)
{
    const wg_param *p;

    if (wg_params_add(w, name, WG_I64, WG_SHAPE_SCALAR, false, NULL, e) != WG_OK) return NULL;
    p = wg_params_find(w, name);
    return p->value.data;
}

wg_status wg__w2v_make(const wg_word2vec_model *m, wg__w2v *t, wg_error *e)
{
    wg_word2vec_hyper h = *(const wg_word2vec_hyper *)wg_layer_hyper(m->like);

    h.vocab_size = wg_vocabulary_n_tokens(t->words);
    if (!t->store) t->store = wg_params_new(m->dtype, m->seed);
    t->graph = t->store ? wg_graph_new() : NULL;
    t->layer = t->graph ? wg_word2vec(t->store, "word2vec", h) : NULL;
    if (!t->layer) return wg_fail(e, WG_ENOMEM, FIT, "a model");
    if (make_noise(&h, t, e) != WG_OK) return e->code;
    wg_word2vec_record(t->layer, t->graph, true);
    if (wg_graph_error(t->graph)) return *e = *wg_graph_error(t->graph), e->code;
    t->steps = count_entry(t->store, "word2vec/steps", e);
    if (t->steps) t->epochs = count_entry(t->store, "word2vec/epochs", e);
    return t->epochs ? wg__w2v_describe(m, t, e) : e->code;
}

static wg_status begin(const wg_word2vec_model *m, const wg_corpus *corpus, wg__w2v *t, wg_error *e)
{
    if (count_words(wg_layer_hyper(m->like), corpus, t, e) != WG_OK) return e->code;
    return wg__w2v_make(m, t, e);
}

/* ---- batches ---- */

/* One fit. A batch waits in arrays of a step's extents: [batch, width] of ids and weights for CBOW,
 * one id an example for skip-gram. */
typedef struct {
    wg__w2v *t;
    const wg_corpus *corpus;
    wg_word2vec_fit_options o;
    int64_t batch, width, k, context_len;
    bool skip_gram;
    wg_dtype dtype;
    uint64_t seed;
    int64_t *id, *offset, *target, *negative;
    void *weight;
    wg_train_source source;

    wg_contexts *stream;        /* of the epoch; NULL: not begun */
    wg_contexts_batch examples; /* of the stream, and how many of them are used up */
    int64_t used, at;           /* at: the batch that comes next */
    bool over;                  /* the stream is at its end */
    double began;               /* the epoch, in seconds; 0: it has not */
    wg_word2vec_progress p;
} fitting;

static void close_stream(fitting *f)
{
    if (f->stream) f->p.words = wg_contexts_n_words(f->stream);
    wg_contexts_free(f->stream);
    f->stream = NULL;
}

static void fitting_free(fitting *f)
{
    wg_contexts_free(f->stream);
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

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The epoch from its beginning. */
static wg_status open_stream(fitting *f, wg_error *e)
{
    wg_contexts_options o = { .skip_gram = f->skip_gram,
                              .batchsize = f->batch,
                              .context_len = f->context_len,
                              .seed = f->seed,
                              .run = (uint64_t)*f->t->epochs,
                              .sample = f->o.sample };

    wg_contexts_free(f->stream);
    f->stream = wg_contexts_new(f->t->words, f->corpus, &o, e);
    f->examples.n = f->used = f->at = 0;
    f->over = false;
    if (!(f->began > 0)) f->began = now();
    return f->stream ? WG_OK : e->code;
}

/* The example at hand becomes number i of the batch. */
static void take(fitting *f, int64_t i)
{
    const wg_contexts_batch *b = &f->examples;
    int64_t first = b->offset[f->used], n = b->offset[f->used + 1] - first, at = i * f->width;

    for (int64_t j = 0; j < f->width; j++) f->id[at + j] = j < n ? b->id[first + j] : 0;
    set_weights(f, at, n, 1);
    set_weights(f, at + n, f->width - n, 0);
    f->target[i] = b->target[f->used];
}

/* The stream's next examples, as many as a batch has; how many there are, -1 with *e filled. */
static int64_t gather(fitting *f, bool wanted, wg_error *e)
{
    int64_t n = 0;

    while (n < f->batch && !f->over) {
        if (f->used == f->examples.n) {
            if (wg_contexts_next(f->stream, &f->examples, e) != WG_OK) return -1;
            f->used = 0;
            f->over = f->examples.n == 0;
            continue;
        }
        if (wanted) take(f, n);
        f->used++;
        n++;
    }
    if (n > 0) f->at++;
    return n;
}

static wg_status feed(fitting *f, wg_plan *p, int64_t n, wg_error *e)
{
    wg_shape window = WG_SHAPE(n, f->width), line = WG_SHAPE(n);
    wg_status status =
        wg_nce_draw(f->t->noise, f->seed, NEGATIVES, (uint64_t)*f->t->steps, f->k, f->negative, e);

    if (status != WG_OK) return status;
    status = wg_plan_feed(p, "ids", wg_array_of(WG_I64, f->skip_gram ? line : window, f->id));
    if (status == WG_OK && f->skip_gram)
        status = wg_plan_feed(p, "offsets", wg_array_of(WG_I64, WG_SHAPE(n + 1), f->offset));
    else if (status == WG_OK)
        status = wg_plan_feed(p, "weights", wg_array_of(f->dtype, window, f->weight));
    if (status == WG_OK) status = wg_plan_feed(p, "target", wg_array_of(WG_I64, line, f->target));
    if (status == WG_OK)
        status = wg_plan_feed(p, "neg_samples", wg_array_of(WG_I64, WG_SHAPE(f->k), f->negative));
    if (status != WG_OK && e->code == WG_OK) *e = *wg_plan_error(p);
    return status;
}

/* Windows depend on seed and epoch, so that batch i follows from the stream: after a resume the
 * batches before it are passed over, and for an earlier one the epoch is read anew. */
static int64_t next_batch(void *data, wg_plan *p, int64_t epoch, int64_t i, wg_error *e)
{
    fitting *f = data;
    int64_t n;

    (void)epoch;
    if ((!f->stream || i < f->at) && open_stream(f, e) != WG_OK) return -1;
    while (f->at < i) {
        n = gather(f, false, e);
        if (n == 0)
            wg_fail(e, WG_EARG, FIT, "the corpus has %lld batches an epoch, %lld were made of it",
                    (long long)f->at, (long long)i);
        if (n <= 0) return -1;
    }
    n = gather(f, true, e);
    if (n > 0) return feed(f, p, n, e) == WG_OK ? n : -1;
    if (n == 0) close_stream(f);
    if (n == 0 && i == 0) {
        wg_fail(e, WG_EARG, FIT, "the corpus has no word with another beside it in its line");
        n = -1;
    }
    return n;
}

/* ---- the run ---- */

static wg_train_act on_batch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    fitting *f = data;

    (void)t, (void)state, (void)error;
    ++*f->t->steps; /* when steps are made once more too: the store went back with them */
    return WG_TRAIN_GO_ON;
}

/* After an epoch, or what was made of it. */
static bool tell(fitting *f, const wg_train_state *state, bool whole)
{
    f->p.epoch = state->epoch + !whole;
    f->p.step = *f->t->steps;
    f->p.examples = state->examples;
    f->p.loss = state->mean;
    f->p.previous = state->previous;
    f->p.seconds = now() - f->began;
    f->p.whole = whole;
    f->began = 0;
    return !f->o.on_epoch || f->o.on_epoch(f->o.data, &f->p);
}

static wg_train_act on_epoch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    fitting *f = data;

    (void)t, (void)error;
    ++*f->t->epochs;
    f->source.examples = state->examples; /* about as many come in the next */
    return tell(f, state, true) ? WG_TRAIN_GO_ON : WG_TRAIN_STOP;
}

static int64_t bytes_of(const wg_corpus *c)
{
    int64_t n = 0;
    struct stat s;

    for (int64_t i = 0; i < c->n_files; i++)
        if (stat(c->file[i], &s) == 0) n += s.st_size;
    for (int64_t i = 0; i < c->n_lines; i++) n += (int64_t)strlen(c->line[i]);
    return n;
}

/* What the batches depend on, beside the seed. */
static void name_source(const fitting *f, char *buf, size_t size)
{
    const char *words = wg_metadata_get(f->t->graph, wg__w2v_key);

    snprintf(buf, size, "%lld bytes, words %016llx, context_len %lld, sample %g",
             (long long)bytes_of(f->corpus), (unsigned long long)wg_random_key(words ? words : ""),
             (long long)f->context_len, f->o.sample);
}

static wg_status run(fitting *f, const wg_train_options *o, wg_error *e)
{
    wg_train *t = wg_train_new(f->t->graph, f->t->store, o, e);
    const wg_train_state *state;

    if (!t) return e->code;
    state = wg_train_state_of(t);
    if (wg_train_run(t, e) == WG_OK && state->batch > 0) {
        close_stream(f);
        tell(f, state, false);
    }
    wg_train_free(t);
    return e->code;
}

static wg_status train(const wg_word2vec_model *m, wg__w2v *t, const wg_corpus *corpus,
                       const wg_word2vec_fit_options *o, wg_error *e)
{
    static const wg_train_options none;
    const wg_word2vec_hyper *h = wg_layer_hyper(t->layer);
    wg_train_options kit = o->train ? *o->train : none;
    char name[160];
    fitting f = { .t = t,
                  .corpus = corpus,
                  .o = *o,
                  .batch = o->batchsize ? o->batchsize : 128,
                  .k = h->num_negative_samples,
                  .context_len = h->context_len,
                  .skip_gram = h->skip_gram,
                  .dtype = m->dtype,
                  .seed = m->seed };

    f.p.n_epochs = o->n_epochs ? o->n_epochs : 20;
    f.source = (wg_train_source){ .next = next_batch, .data = &f, .summed = true, .name = name };
    name_source(&f, name, sizeof name);
    kit = (wg_train_options){ .function = "train",
                              .source = &f.source,
                              .epochs = f.p.n_epochs,
                              .batchsize = f.batch,
                              .seed = f.seed,
                              .max_steps = o->max_steps,
                              .folder = kit.folder,
                              .checkpoint = kit.checkpoint,
                              .every_steps = kit.every_steps,
                              .every_seconds = kit.every_seconds,
                              .keep = kit.keep,
                              .resume = kit.resume,
                              .ops = kit.ops,
                              .on_batch = on_batch,
                              .on_epoch = on_epoch,
                              .callback_data = &f,
                              .verbose = o->quiet ? -1 : o->bar,
                              .to = o->to ? o->to : stdout,
                              .log = kit.log,
                              .go_on = kit.go_on,
                              .stop = kit.stop,
                              .plan = kit.plan };
    if (fitting_make(&f, e) == WG_OK) run(&f, &kit, e);
    fitting_free(&f);
    return e->code;
}

wg_status wg_word2vec_fit(wg_word2vec_model *m, const wg_corpus *corpus,
                          const wg_word2vec_fit_options *options, wg_error *error)
{
    wg_word2vec_fit_options o = { 0 };
    wg_error e = { .code = WG_OK };
    wg__w2v fresh = { 0 }, *t = &fresh;

    if (options) o = *options;
    if (!m || !corpus)
        return wg_fail(error, WG_EARG, FIT, "the %s is NULL", m ? "corpus" : "model");
    if (o.n_epochs < 0 || o.batchsize < 0 || o.max_steps < 0)
        return wg_fail(error, WG_EARG, FIT,
                       "n_epochs %lld, batchsize %lld and max_steps %lld must be 0 or more",
                       (long long)o.n_epochs, (long long)o.batchsize, (long long)o.max_steps);
    if (o.keep && m->now.layer) t = &m->now;
    else begin(m, corpus, &fresh, &e);
    if (e.code == WG_OK) train(m, t, corpus, &o, &e);
    if (t == &fresh && fresh.steps &&
        *fresh.steps > 0) { /* a fit that took a step replaces the last one */
        wg__w2v_free(&m->now);
        m->now = fresh;
    } else {
        wg__w2v_free(&fresh);
    }
    if (e.code != WG_OK && error && error->code == WG_OK) *error = e;
    return e.code;
}
