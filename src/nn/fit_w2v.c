/* fit_w2v.c: Word2Vec on a corpus: vocabulary, noise, a run of the training kit. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "classes.h"
#include "fit_w2v.h"
#include "wengert/op.h"

static const char FIT[] = "wg_word2vec_fit";
static const char NOISE[] = "word2vec/noise";

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

/* ---- the run ---- */

typedef struct {
    wg__w2v_batches b;
    wg_word2vec_fit_options o;
    wg_train_source source;
    wg_word2vec_progress p;
} fitting;

static wg_train_act on_batch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    fitting *f = data;

    (void)t, (void)state, (void)error;
    ++*f->b.t->steps; /* when steps are made once more too: the store went back with them */
    return WG_TRAIN_GO_ON;
}

/* After an epoch, or what was made of it. */
static bool tell(fitting *f, const wg_train_state *state, bool whole)
{
    f->p.epoch = state->epoch + !whole;
    f->p.step = *f->b.t->steps;
    f->p.examples = state->examples;
    f->p.loss = state->mean;
    f->p.previous = state->previous;
    f->p.words = f->b.words_read;
    f->p.seconds = wg__w2v_now() - f->b.began;
    f->p.whole = whole;
    f->b.began = 0;
    return !f->o.on_epoch || f->o.on_epoch(f->o.data, &f->p);
}

static wg_train_act on_epoch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    fitting *f = data;

    (void)t, (void)error;
    ++*f->b.t->epochs;
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
    const char *words = wg_metadata_get(f->b.t->graph, wg__w2v_key);

    snprintf(buf, size, "%lld bytes, words %016llx, context_len %lld, sample %g",
             (long long)bytes_of(f->b.corpus),
             (unsigned long long)wg_random_key(words ? words : ""), (long long)f->b.context_len,
             f->o.sample);
}

static wg_status run(fitting *f, const wg_train_options *o, wg_error *e)
{
    wg_train *t = wg_train_new(f->b.t->graph, f->b.t->store, o, e);
    const wg_train_state *state;

    if (!t) return e->code;
    state = wg_train_state_of(t);
    if (wg_train_run(t, e) == WG_OK && state->batch > 0) {
        wg__w2v_close(&f->b);
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
    fitting f = { .o = *o,
                  .b = { .t = t,
                         .corpus = corpus,
                         .batch = o->batchsize ? o->batchsize : 128,
                         .k = h->num_negative_samples,
                         .context_len = h->context_len,
                         .skip_gram = h->skip_gram,
                         .dtype = m->dtype,
                         .seed = m->seed,
                         .sample = o->sample } };

    f.p.n_epochs = o->n_epochs ? o->n_epochs : 20;
    f.source =
        (wg_train_source){ .next = wg__w2v_next, .data = &f.b, .summed = true, .name = name };
    name_source(&f, name, sizeof name);
    kit = (wg_train_options){ .function = "train",
                              .source = &f.source,
                              .epochs = f.p.n_epochs,
                              .batchsize = f.b.batch,
                              .seed = f.b.seed,
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
    if (wg__w2v_batches_make(&f.b, e) == WG_OK) run(&f, &kit, e);
    wg__w2v_batches_free(&f.b);
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
