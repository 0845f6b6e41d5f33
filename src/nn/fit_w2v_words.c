/* fit_w2v_words.c: what Word2Vec has learned: embeddings of words, the table of all. */
#include <string.h>

#include "fit_w2v.h"
#include "spell.h"
#include "wengert/op.h"

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
    int n_special = v ? wg__w2v_specials(v, special) : 0;

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
