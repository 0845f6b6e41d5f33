/* fit_w2v_file.c: Word2Vec models as saved programs, their words in the metadata. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "fit_w2v.h"
#include "text_inside.h"
#include "wengert/io.h"

const char wg__w2v_key[] = "word2vec.model";

/* ---- as text ---- */

static json_t *hyper_json(const wg_word2vec_model *m)
{
    const wg_word2vec_hyper *h = wg_layer_hyper(m->like);
    char seed[24];

    snprintf(seed, sizeof seed, "%llu", (unsigned long long)m->seed);
    return json_pack("{s:s, s:s, s:I, s:b, s:I, s:I, s:f, s:I, s:I, s:b, s:s, s:s}", "dtype",
                     wg_dtype_name(m->dtype), "seed", seed, "context_len",
                     (json_int_t)h->context_len, "skip_gram", h->skip_gram, "embedding_dim",
                     (json_int_t)h->embedding_dim, "num_negative_samples",
                     (json_int_t)h->num_negative_samples, "noise_dist_power", h->noise_dist_power,
                     "min_count", (json_int_t)h->min_count, "max_tokens", (json_int_t)h->max_tokens,
                     "keep_stopwords", h->keep_stopwords, "optimizer", h->optimizer, "init",
                     h->init);
}

static bool add_words(json_t *root, const wg_vocabulary *v)
{
    json_t *words = json_array(), *counts = json_array();
    bool ok = words && counts;

    for (int64_t i = 0; ok && i < wg_vocabulary_n_tokens(v); i++) {
        wg_token word = wg_vocabulary_word(v, i);

        ok = json_array_append_new(words, json_stringn(word.text, word.length)) == 0 &&
             json_array_append_new(counts, json_integer(wg_vocabulary_count(v, i))) == 0;
    }
    ok = json_object_set_new(root, "words", words) == 0 && ok;
    return json_object_set_new(root, "counts", counts) == 0 && ok;
}

wg_status wg__w2v_describe(const wg_word2vec_model *m, const wg__w2v *t, wg_error *e)
{
    json_t *root = hyper_json(m);
    char *text = root && add_words(root, t->words) ? json_dumps(root, JSON_COMPACT) : NULL;

    json_decref(root);
    if (!text) return wg_fail(e, WG_ENOMEM, "wg_word2vec_model", "the words as text");
    wg_metadata_set(t->graph, wg__w2v_key, text);
    free(text);
    if (wg_graph_error(t->graph)) *e = *wg_graph_error(t->graph);
    return e->code;
}

wg_status wg_word2vec_model_save(const char *path, const wg_word2vec_model *m, wg_error *error)
{
    static const char OP[] = "wg_word2vec_model_save";

    if (!path || !m) return wg_fail(error, WG_EARG, OP, "the %s is NULL", m ? "path" : "model");
    if (!m->now.layer) return wg_fail(error, WG_ESTATE, OP, "the model has no words before a fit");
    return wg_save(path, m->now.graph, m->now.store, NULL, error);
}

/* ---- and back ---- */

static const char LOAD[] = "wg_word2vec_model_load";

static wg_word2vec_model *model_of(const json_t *root, wg_error *e)
{
    wg_word2vec_hyper h = { 0 };
    json_int_t context_len, dim, negatives, min_count, max_tokens;
    const char *dtype, *seed;
    int skip_gram, keep_stopwords;
    json_error_t where;

    if (json_unpack_ex((json_t *)root, &where, 0,
                       "{s:s, s:s, s:I, s:b, s:I, s:I, s:F, s:I, s:I, s:b, s:s, s:s}", "dtype",
                       &dtype, "seed", &seed, "context_len", &context_len, "skip_gram", &skip_gram,
                       "embedding_dim", &dim, "num_negative_samples", &negatives,
                       "noise_dist_power", &h.noise_dist_power, "min_count", &min_count,
                       "max_tokens", &max_tokens, "keep_stopwords", &keep_stopwords, "optimizer",
                       &h.optimizer, "init", &h.init) != 0) {
        wg_fail(e, WG_EFORMAT, LOAD, "the hyperparameters are damaged: %.100s", where.text);
        return NULL;
    }
    h.context_len = context_len;
    h.skip_gram = skip_gram;
    h.embedding_dim = dim;
    h.num_negative_samples = negatives;
    h.min_count = min_count;
    h.max_tokens = max_tokens;
    h.keep_stopwords = keep_stopwords;
    return wg_word2vec_model_new(h, strcmp(dtype, "f64") == 0 ? WG_F64 : WG_F32,
                                 strtoull(seed, NULL, 10), e);
}

static wg_status read_words(const json_t *root, const wg_word2vec_model *m, wg__w2v *t, wg_error *e)
{
    const wg_word2vec_hyper *h = wg_layer_hyper(m->like);
    const json_t *words = json_object_get(root, "words"), *counts = json_object_get(root, "counts");
    int64_t n = (int64_t)json_array_size(words);
    wg_vocabulary_hyper v = wg__w2v_vocabulary(h);
    const char **word = wg_alloc(n + 1, sizeof *word);
    int64_t *count = wg_alloc(n + 1, sizeof *count);
    bool ok = n > 0 && json_array_size(counts) == (size_t)n;

    if (!word || !count) {
        wg_fail(e, WG_ENOMEM, LOAD, "%lld words", (long long)n);
    } else {
        for (int64_t i = 0; ok && i < n; i++) {
            const json_t *number = json_array_get(counts, (size_t)i);

            word[i] = json_string_value(json_array_get(words, (size_t)i));
            count[i] = json_integer_value(number);
            ok = word[i] && json_is_integer(number);
        }
        if (!ok) wg_fail(e, WG_EFORMAT, LOAD, "the words or their counts are damaged");
        else t->words = wg__vocabulary_of(&v, n, word, count, e);
    }
    wg_free(word);
    wg_free(count);
    return e->code;
}

static wg_word2vec_model *from_program(const char *path, wg_program *p, wg_error *e)
{
    const char *text = wg_metadata_get(p->graph, wg__w2v_key);
    json_t *root = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    wg_word2vec_model *m = root ? model_of(root, e) : NULL;
    wg__w2v t = { .store = p->params };

    p->params = NULL;
    if (!root)
        wg_fail(e, WG_EFORMAT, LOAD, "%s: %s", path,
                text ? "the text about its words is damaged" : "holds no Word2Vec with its words");
    if (m && read_words(root, m, &t, e) == WG_OK) wg__w2v_make(m, &t, e);
    json_decref(root);
    if (m && e->code == WG_OK) {
        m->now = t;
        return m;
    }
    wg__w2v_free(&t);
    wg_word2vec_model_free(m);
    return NULL;
}

wg_word2vec_model *wg_word2vec_model_load(const char *path, wg_error *error)
{
    wg_error e = { .code = WG_OK };
    wg_word2vec_model *m = NULL;
    wg_program p = { NULL, NULL };

    if (!path) wg_fail(&e, WG_EARG, LOAD, "the path is NULL");
    else if (wg_load(path, NULL, &p, &e) == WG_OK) m = from_program(path, &p, &e);
    wg_program_free(&p);
    if (e.code != WG_OK && error && error->code == WG_OK) *error = e;
    return m;
}
