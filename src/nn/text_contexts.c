/* text_contexts.c: the training examples of Word2Vec, a batch at a time. */
#include <math.h>
#include <string.h>

#include "text_inside.h"

enum { DRAWS = 128, BATCHSIZE = 128, CONTEXT_LEN = 5 };

static const char NEXT[] = "wg_contexts_next";

/* A list of numbers that grows. */
typedef struct {
    int64_t *v, n, room;
} numbers;

struct wg_contexts {
    wg_contexts_options o;
    /* where words come from: text, with a vocabulary, or lines of indices */
    const wg_vocabulary *v;
    wg__lines *lines;
    wg_tokens tokens;
    const wg_i64s *ids;
    int64_t n_ids, at_ids;
    numbers line; /* the known words of the line at hand */
    int64_t at;   /* the next of them */
    int64_t n_words, n_read;
    uint64_t key;
    double u[DRAWS];
    /* with the option sample: shares that are kept, by word; known words met, and their draws */
    double *keep, u_keep[DRAWS];
    int64_t n_met;
    uint64_t keep_key;
    numbers target, offset, id;
    wg_error error;
};

static bool push(numbers *l, int64_t v)
{
    int64_t *more = wg__room_for(l->v, &l->room, l->n, l->n + 1, sizeof *more);

    if (!more) return false;
    l->v = more;
    l->v[l->n++] = v;
    return true;
}

/* ---- making one ---- */

static wg_contexts *make(const char *op, const wg_contexts_options *options, wg_error *error)
{
    wg_contexts_options o = { 0 };
    wg_contexts *c;

    if (options) o = *options;
    if (o.batchsize == 0) o.batchsize = BATCHSIZE;
    if (o.context_len == 0) o.context_len = CONTEXT_LEN;
    if (o.batchsize < 1 || o.context_len < 1 || o.context_len > INT32_MAX) {
        wg_fail(error, WG_EARG, op, "%s is %lld, wanted 1 or more",
                o.batchsize < 1 ? "batchsize" : "context_len",
                (long long)(o.batchsize < 1 ? o.batchsize : o.context_len));
        return NULL;
    }
    for (int64_t i = 0; o.radius && i < o.n_radii; i++)
        if (o.radius[i] < 0) {
            wg_fail(error, WG_EARG, op, "radius %lld is %lld, wanted 0 or more", (long long)i,
                    (long long)o.radius[i]);
            return NULL;
        }
    if (!(o.sample >= 0) || isinf(o.sample)) {
        wg_fail(error, WG_EARG, op, "sample is %g, wanted 0 or more", o.sample);
        return NULL;
    }
    c = wg_alloc(1, sizeof *c);
    if (!c) {
        wg_fail(error, WG_ENOMEM, op, "an iterator");
        return NULL;
    }
    c->o = o;
    c->key = wg_random_key("wg_contexts");
    c->keep_key = wg_random_key("wg_contexts/sample");
    return c;
}

/* What share of each word is kept. */
static bool make_keep(wg_contexts *c)
{
    const int64_t *count = wg_vocabulary_counts(c->v);
    int64_t n = wg_vocabulary_n_tokens(c->v),
            special[3] = { wg_vocabulary_bol(c->v), wg_vocabulary_eol(c->v),
                           wg_vocabulary_unk(c->v) };
    double all = (double)wg_vocabulary_n_words(c->v);

    c->keep = wg_alloc(n, sizeof *c->keep);
    if (!c->keep) return false;
    for (int i = 0; i < 3; i++)
        if (special[i] >= 0) all -= (double)count[special[i]];
    for (int64_t i = 0; i < n; i++) {
        double t = count[i] > 0 ? c->o.sample * all / (double)count[i] : 1;

        c->keep[i] = sqrt(t) + t;
    }
    return true;
}

wg_contexts *wg_contexts_new(const wg_vocabulary *v, const wg_corpus *corpus,
                             const wg_contexts_options *options, wg_error *error)
{
    static const char OP[] = "wg_contexts_new";
    wg_contexts *c;

    if (wg_vocabulary_n_tokens(v) == 0) {
        wg_fail(error, WG_EARG, OP, "the vocabulary %s", v ? "was not fitted" : "is NULL");
        return NULL;
    }
    c = make(OP, options, error);
    if (!c) return NULL;
    c->v = v;
    if (wg__lines_new(OP, corpus, &c->lines, error) == WG_OK) {
        if (c->o.sample == 0 || make_keep(c)) return c;
        wg_fail(error, WG_ENOMEM, OP, "shares of the words");
    }
    wg_contexts_free(c);
    return NULL;
}

wg_contexts *wg_contexts_of_ids(int64_t n_lines, const wg_i64s *lines,
                                const wg_contexts_options *options, wg_error *error)
{
    static const char OP[] = "wg_contexts_of_ids";
    wg_contexts *c;

    if (n_lines < 0 || (n_lines > 0 && !lines)) {
        wg_fail(error, WG_EARG, OP, "%lld lines%s", (long long)n_lines,
                n_lines < 0 ? "" : " at NULL");
        return NULL;
    }
    if (options && options->sample != 0) {
        wg_fail(error, WG_EARG, OP, "sample is %g: lines of indices have no counts",
                options->sample);
        return NULL;
    }
    c = make(OP, options, error);
    if (!c) return NULL;
    c->ids = lines;
    c->n_ids = n_lines;
    return c;
}

void wg_contexts_free(wg_contexts *c)
{
    if (!c) return;
    wg__lines_free(c->lines);
    wg_tokens_free(&c->tokens);
    wg_free(c->keep);
    wg_free(c->line.v);
    wg_free(c->target.v);
    wg_free(c->offset.v);
    wg_free(c->id.v);
    wg_free(c);
}

int64_t wg_contexts_n_words(const wg_contexts *c)
{
    return c ? c->n_words : 0;
}

int64_t wg_contexts_n_read(const wg_contexts *c)
{
    return c ? c->n_read : 0;
}

/* ---- words ---- */

static wg_status no_memory(wg_contexts *c)
{
    return wg_fail(&c->error, WG_ENOMEM, NEXT, "a batch of %lld examples", (long long)c->target.n);
}

/* Whether known word k, the next in the text, is kept: from its number alone. */
static bool kept(wg_contexts *c, int64_t k)
{
    int64_t i = c->n_met++;

    if (!c->keep) return true;
    if (i % DRAWS == 0)
        wg_random_uniform(c->o.seed, c->keep_key, c->o.run, i, DRAWS, WG_F64, c->u_keep);
    return c->u_keep[i % DRAWS] < c->keep[k];
}

/* The known words of the next line that has tokens; *more false at the end. */
static wg_status next_line(wg_contexts *c, bool *more)
{
    int64_t bol = wg_vocabulary_bol(c->v), eol = wg_vocabulary_eol(c->v),
            unk = wg_vocabulary_unk(c->v);
    wg_status status;

    c->line.n = c->at = 0;
    if (c->ids) {
        const wg_i64s *ids = c->ids + c->at_ids;

        *more = c->at_ids < c->n_ids;
        if (!*more) return WG_OK;
        c->at_ids++;
        c->n_read += ids->n;
        for (int i = 0; i < ids->n; i++)
            if (ids->v[i] >= 0 && !push(&c->line, ids->v[i])) return no_memory(c);
        return WG_OK;
    }
    *more = false;
    if (!c->lines) return WG_OK;
    status = wg__lines_tokens(c->lines, NEXT, wg_vocabulary_hyperparameters(c->v), &c->tokens, more,
                              &c->error);
    if (status != WG_OK || !*more) return status;
    c->n_read += c->tokens.n;
    for (int64_t i = 0; i < c->tokens.n; i++) {
        int64_t k = wg_vocabulary_index(c->v, c->tokens.token[i].text, c->tokens.token[i].length);

        if (k == bol || k == eol || k == unk || !kept(c, k)) continue;
        if (!push(&c->line, k)) return no_memory(c);
    }
    return WG_OK;
}

/* The radius of known word number n_words, from its number alone. */
static wg_status next_radius(wg_contexts *c, int64_t *radius)
{
    int64_t i = c->n_words;

    if (c->o.radius) {
        if (i >= c->o.n_radii)
            return wg_fail(&c->error, WG_EARG, NEXT, "%lld radii for more words",
                           (long long)c->o.n_radii);
        *radius = c->o.radius[i];
    } else {
        if (i % DRAWS == 0) wg_random_uniform(c->o.seed, c->key, c->o.run, i, DRAWS, WG_F64, c->u);
        *radius = 1 + (int64_t)(c->u[i % DRAWS] * (double)c->o.context_len);
    }
    c->n_words++;
    return WG_OK;
}

/* The examples of one word. */
static wg_status add_word(wg_contexts *c)
{
    int64_t i = c->at++, word = c->line.v[i], radius = 0, first, last;
    wg_status status = next_radius(c, &radius);
    bool ok = true;

    if (status != WG_OK) return status;
    first = radius < i ? i - radius : 0;
    last = radius < c->line.n - 1 - i ? i + radius : c->line.n - 1;
    if (first == last) return WG_OK;
    for (int64_t k = first; ok && k <= last; k++) {
        if (k == i) continue;
        if (c->o.skip_gram)
            ok = push(&c->id, word) && push(&c->target, c->line.v[k]) && push(&c->offset, c->id.n);
        else ok = push(&c->id, c->line.v[k]);
    }
    if (!c->o.skip_gram) ok = ok && push(&c->target, word) && push(&c->offset, c->id.n);
    return ok ? WG_OK : no_memory(c);
}

wg_status wg_contexts_next(wg_contexts *c, wg_contexts_batch *batch, wg_error *error)
{
    wg_status status;
    bool more = true;

    if (!batch) return wg_fail(error, WG_EARG, NEXT, "batch is NULL");
    *batch = (wg_contexts_batch){ 0, NULL, NULL, NULL };
    if (!c) return wg_fail(error, WG_EARG, NEXT, "the iterator is NULL");
    c->target.n = c->offset.n = c->id.n = 0;
    status = c->error.code;
    if (status == WG_OK && !push(&c->offset, 0)) status = no_memory(c);
    while (status == WG_OK && more && c->target.n < c->o.batchsize)
        status = c->at < c->line.n ? add_word(c) : next_line(c, &more);
    if (status != WG_OK) return wg_fail(error, status, NEXT, "%s", c->error.text);
    *batch = (wg_contexts_batch){ c->target.n, c->target.v, c->offset.v, c->id.v };
    return WG_OK;
}
