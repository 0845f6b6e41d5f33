/* golden_text.c: runs the cases of golden/text.json, vocabulary.json and word2vec_corpus.json. */
#include <wengert/sampler.h>
#include <wengert/text.h>

#include "golden_kinds.h"
#include "sha256.h"
#include "temp.h"

static const json_t *input(const json_t *c, const char *key)
{
    return json_object_get(json_object_get(c, "inputs"), key);
}

static const json_t *output(const json_t *c, const char *key)
{
    return json_object_get(json_object_get(c, "outputs"), key);
}

static bool flag(const json_t *c, const char *key, bool otherwise)
{
    const json_t *v = golden_hyper(c, key);

    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

/* ---- tokenizers ---- */

static bool same_text(const json_t *want, const char *text, size_t length)
{
    return json_is_string(want) && json_string_length(want) == length &&
           memcmp(json_string_value(want), text, length) == 0;
}

static bool same_tokens(const json_t *c, const wg_tokens *t)
{
    const json_t *want = output(c, "tokens");
    bool ok = json_is_array(want) && (int64_t)json_array_size(want) == t->n;

    if (!ok) return golden_wrong(c, "%lld tokens, not %zu", (long long)t->n, json_array_size(want));
    for (int64_t i = 0; i < t->n; i++) {
        const json_t *w = json_array_get(want, (size_t)i);

        if (!same_text(w, t->token[i].text, t->token[i].length))
            ok = golden_wrong(c, "token %lld is \"%s\", not \"%s\"", (long long)i, t->token[i].text,
                              json_string_value(w));
        if (t->token[i].text[t->token[i].length] != 0)
            ok = golden_wrong(c, "token %lld does not end", (long long)i);
    }
    return ok;
}

static bool stop_words(const json_t *c)
{
    const json_t *want = output(c, "is_stop_word"), *word;
    const char *hash = golden_string(c, "sha256_of_sorted_newline_joined");
    int n;
    const char *const *list = wg_stop_words(&n);
    bool ok = true;
    char text[4096], hex[65];
    size_t i, at = 0;

    if (json_integer_value(golden_hyper(c, "n_stop_words")) != n)
        ok = golden_wrong(c, "%d stop words", n);
    json_array_foreach(input(c, "words"), i, word)
    {
        bool is = wg_is_stop_word(json_string_value(word), json_string_length(word));

        if (is != (json_integer_value(json_array_get(want, i)) != 0))
            ok = golden_wrong(c, "\"%s\" is %d", json_string_value(word), is);
    }
    for (int k = 0; k < n; k++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", k ? "\n" : "", list[k]);
    if (hash && strcmp(sha256(text, at, hex), hash) != 0) ok = golden_wrong(c, "hash %s", hex);
    return ok;
}

static bool bytes_to_chars(const json_t *c)
{
    wg_array bytes = golden_array(c, "inputs", "bytes");
    wg_error error = { 0 };
    char *text;
    size_t length;
    bool ok = wg_bytes_to_chars(wg_shape_count(&bytes.type.shape), bytes.data, &text, &length,
                                &error) == WG_OK;

    if (!ok) golden_error(c, &error);
    else if (!same_text(output(c, "text"), text, length))
        ok = golden_wrong(c, "text is \"%s\"", text);
    wg_free(text);
    free(bytes.data);
    return ok;
}

static bool golden_tokenizer_case(const json_t *c, double *worst)
{
    const char *tokenizer = golden_string(c, "tokenizer");
    const json_t *line = input(c, "line");
    wg_tokenize_options o = { flag(c, "lowercase", true), flag(c, "filter_stopwords", true),
                              flag(c, "filter_punctuation", true) };
    wg_tokens t = { 0 };
    wg_error error = { 0 };
    wg_status status;
    bool ok;

    (void)worst;
    if (!tokenizer)
        return golden_hyper(c, "n_stop_words") ? stop_words(c)
                                               : golden_wrong(c, "no hyperparameter \"tokenizer\"");
    if (strcmp(tokenizer, "bytes_to_chars") == 0) return bytes_to_chars(c);
    if (!line) return golden_wrong(c, "no line");
    if (golden_string(c, "splitter"))
        status = wg_tokenize_bytes_raw(json_string_value(line), json_string_length(line),
                                       golden_string(c, "splitter"), &t, &error);
    else
        status = wg_tokenize(tokenizer, json_string_value(line), json_string_length(line), &o, &t,
                             &error);
    ok = status == WG_OK ? same_tokens(c, &t) : golden_error(c, &error);
    wg_tokens_free(&t);
    return ok;
}

/* ---- vocabulary ---- */

static bool same_words(const json_t *c, const char *what, int64_t n, const char *const *got)
{
    const json_t *want = output(c, what);

    if (!want) return true;
    if ((int64_t)json_array_size(want) != n)
        return golden_wrong(c, "%s: %lld, not %zu", what, (long long)n, json_array_size(want));
    for (int64_t i = 0; i < n; i++) {
        const char *w = json_string_value(json_array_get(want, (size_t)i));

        if (!w || strcmp(w, got[i]) != 0)
            return golden_wrong(c, "%s: %lld is \"%s\", not \"%s\"", what, (long long)i, got[i], w);
    }
    return true;
}

static bool same_counts(const json_t *c, const char *what, int64_t n, const int64_t *got)
{
    const json_t *want = output(c, what);

    if (!want) return true;
    if ((int64_t)json_array_size(want) != n)
        return golden_wrong(c, "%s: %lld, not %zu", what, (long long)n, json_array_size(want));
    for (int64_t i = 0; i < n; i++)
        if (json_integer_value(json_array_get(want, (size_t)i)) != got[i])
            return golden_wrong(c, "%s: %lld is %lld", what, (long long)i, (long long)got[i]);
    return true;
}

static int64_t strings(const json_t *list, const char **to)
{
    const json_t *s;
    size_t i;

    json_array_foreach(list, i, s) to[i] = json_string_value(s);
    return (int64_t)json_array_size(list);
}

static int64_t integers(const json_t *list, int64_t *to)
{
    const json_t *s;
    size_t i;

    json_array_foreach(list, i, s) to[i] = json_integer_value(s);
    return (int64_t)json_array_size(list);
}

static bool tokens_and_counts(const json_t *c, const wg_vocabulary *v)
{
    int64_t n = wg_vocabulary_n_tokens(v);
    const char **words = calloc((size_t)n + 1, sizeof *words);
    bool ok = true;

    for (int64_t i = 0; i < n; i++) words[i] = wg_vocabulary_word(v, i).text;
    ok = same_words(c, "tokens", n, words) && same_counts(c, "counts", n, wg_vocabulary_counts(v));
    for (int64_t i = 0; ok && i < n; i++)
        if (!wg_vocabulary_has(v, words[i], strlen(words[i])))
            ok = golden_wrong(c, "\"%s\" is not found", words[i]);
    if (ok && output(c, "n_tokens") && json_integer_value(output(c, "n_tokens")) != n)
        ok = golden_wrong(c, "n_tokens is %lld", (long long)n);
    if (ok && output(c, "n_words") &&
        json_integer_value(output(c, "n_words")) != wg_vocabulary_n_words(v))
        ok = golden_wrong(c, "n_words is %lld", (long long)wg_vocabulary_n_words(v));
    free(words);
    return ok;
}

/* most_common_K and words_with_count_K for every K the case has. */
static bool by_count(const json_t *c, const wg_vocabulary *v)
{
    static const char MOST[] = "most_common_", WITH[] = "words_with_count_";
    int64_t room = wg_vocabulary_n_tokens(v), *index = calloc((size_t)room + 1, sizeof *index);
    const char *key;
    const json_t *want;
    bool ok = true;

    json_object_foreach(json_object_get(c, "outputs"), key, want)
    {
        int64_t n = -1;

        if (strncmp(key, MOST, strlen(MOST)) == 0) {
            int64_t asked = atoll(key + strlen(MOST));

            n = wg_vocabulary_most_common(v, asked < room ? asked : room, index);
            for (int64_t i = 0; ok && i < n; i++) {
                const json_t *pair = json_array_get(want, (size_t)i);
                wg_token t = wg_vocabulary_word(v, index[i]);

                if (!same_text(json_array_get(pair, 0), t.text, t.length) ||
                    json_integer_value(json_array_get(pair, 1)) != wg_vocabulary_count(v, index[i]))
                    ok = golden_wrong(c, "%s: %lld is \"%s\"", key, (long long)i, t.text);
            }
        } else if (strncmp(key, WITH, strlen(WITH)) == 0) {
            const json_t *word;
            size_t i;

            /* The list is in alphabetical order there, in that of the indices here. */
            n = wg_vocabulary_words_with_count(v, atoll(key + strlen(WITH)), room, index);
            json_array_foreach(want, i, word) if (ok) ok =
                wg_vocabulary_has(v, json_string_value(word), json_string_length(word)) ||
                golden_wrong(c, "%s: \"%s\" is not held", key, json_string_value(word));
        }
        if (n >= 0 && (size_t)n != json_array_size(want))
            ok = golden_wrong(c, "%s: %lld, not %zu", key, (long long)n, json_array_size(want));
    }
    free(index);
    return ok;
}

static bool look_ups(const json_t *c, const wg_vocabulary *v)
{
    const json_t *probes = input(c, "probe_words"), *indices = input(c, "probe_indices");
    size_t room = json_array_size(probes) + json_array_size(indices) + 1;
    const char **words = calloc(room, sizeof *words), **kept = calloc(room, sizeof *kept);
    int64_t *index = calloc(room, sizeof *index), n = strings(probes, words);
    bool ok = true;

    wg_vocabulary_words_to_indices(v, n, words, index);
    ok = same_counts(c, "words_to_indices", n, index) &&
         same_words(c, "filter_unk", wg_vocabulary_filter(v, n, words, true, kept), kept) &&
         same_words(c, "filter_skip", wg_vocabulary_filter(v, n, words, false, kept), kept);
    n = integers(indices, index);
    wg_vocabulary_indices_to_words(v, n, index, words);
    ok = ok && same_words(c, "indices_to_words", n, words);
    free(words);
    free(kept);
    free(index);
    return ok;
}

static bool check_vocabulary(const json_t *c, wg_vocabulary *v, const wg_corpus *corpus)
{
    wg_error error = { 0 };

    if (wg_vocabulary_fit(v, corpus, &error) != WG_OK) return golden_error(c, &error);
    return tokens_and_counts(c, v) && by_count(c, v) && look_ups(c, v);
}

/* From a file, and from lines in memory. */
static bool golden_vocabulary_case(const json_t *c, double *worst)
{
    wg_vocabulary_hyper h = { flag(c, "lowercase", true),
                              flag(c, "filter_stopwords", true),
                              flag(c, "filter_punctuation", true),
                              (int64_t)golden_number(c, "min_count", 0),
                              (int64_t)golden_number(c, "max_tokens", 0),
                              golden_string(c, "tokenizer") };
    const char *text = json_string_value(input(c, "text")), *path;
    wg_error error = { 0 };
    wg_vocabulary *v = wg_vocabulary_new(&h, &error);
    wg_corpus corpus;
    char name[128];
    FILE *f;
    bool ok;

    (void)worst;
    if (!v || !text) {
        wg_vocabulary_free(v);
        return text ? golden_error(c, &error) : golden_wrong(c, "no text");
    }
    snprintf(name, sizeof name, "%s/golden.txt", temp_dir());
    f = fopen(name, "wb");
    ok = f && fwrite(text, 1, strlen(text), f) == strlen(text);
    if (f && fclose(f) != 0) ok = false;
    if (!ok) golden_wrong(c, "%s cannot be written", name);
    path = name;
    corpus = wg_corpus_file(&path);
    corpus.encoding = golden_string(c, "encoding");
    ok = ok && check_vocabulary(c, v, &corpus);
    if (ok && !corpus.encoding) {
        char **line = calloc(strlen(text) + 1, sizeof *line);
        int64_t n = 0;

        for (const char *s = text; *s; n++) {
            size_t k = strcspn(s, "\n");

            k += s[k] == '\n';
            line[n] = strndup(s, k);
            s += k;
        }
        corpus = wg_corpus_lines(n, (const char *const *)line);
        ok = check_vocabulary(c, v, &corpus);
        while (n > 0) free(line[--n]);
        free(line);
    }
    wg_vocabulary_free(v);
    return ok;
}

/* ---- the corpus of Word2Vec ---- */

static bool noise(const json_t *c, double *worst)
{
    const json_t *counts = input(c, "counts"), *special = input(c, "special_indices");
    int64_t n = (int64_t)json_array_size(counts), n_special;
    int64_t *count = calloc((size_t)n + 1, sizeof *count);
    int64_t *specials = calloc(json_array_size(special) + 1, sizeof *specials);
    double *probs = calloc((size_t)n + 1, sizeof *probs);
    wg_array want = golden_array(c, "outputs", "probs"),
             got = wg_array_of(WG_F64, wg_shape_of(1, &n), probs);
    wg_error error = { 0 };
    bool ok;

    integers(counts, count);
    n_special = integers(special, specials);
    ok = wg_noise_distribution(n, count, n_special, specials,
                               golden_number(c, "noise_dist_power", 0.75), probs, &error) == WG_OK;
    if (!ok) golden_error(c, &error);
    ok = ok && golden_near(c, "probs", &got, &want, 1e-9, worst);
    free(count);
    free(specials);
    free(probs);
    free(want.data);
    return ok;
}

/* Example `at` of the case beside example k of the batch. */
static bool same_example(const json_t *c, bool skip_gram, size_t at, const wg_contexts_batch *b,
                         int64_t k)
{
    const int64_t *id = b->id + b->offset[k];
    int64_t n = b->offset[k + 1] - b->offset[k];

    if (skip_gram) {
        const json_t *pair = json_array_get(output(c, "pairs"), at);

        return pair && n == 1 && id[0] == json_integer_value(json_array_get(pair, 0)) &&
               b->target[k] == json_integer_value(json_array_get(pair, 1));
    } else {
        const json_t *target = json_array_get(output(c, "targets"), at),
                     *context = json_array_get(output(c, "contexts"), at);

        if (!target || b->target[k] != json_integer_value(target) ||
            (int64_t)json_array_size(context) != n)
            return false;
        for (int64_t i = 0; i < n; i++)
            if (id[i] != json_integer_value(json_array_get(context, (size_t)i))) return false;
        return true;
    }
}

static bool walk_batches(const json_t *c, wg_contexts *it, bool skip_gram)
{
    const json_t *sizes = output(c, "batch_sizes");
    size_t seen = 0, n_batches = 0;
    wg_contexts_batch b;
    wg_error error = { 0 };

    for (;;) {
        if (wg_contexts_next(it, &b, &error) != WG_OK) return golden_error(c, &error);
        if (b.n == 0) break;
        if (json_integer_value(json_array_get(sizes, n_batches++)) != b.n)
            return golden_wrong(c, "batch %zu has %lld examples", n_batches - 1, (long long)b.n);
        for (int64_t k = 0; k < b.n; k++)
            if (!same_example(c, skip_gram, seen++, &b, k))
                return golden_wrong(c, "example %zu differs", seen - 1);
    }
    if (n_batches != json_array_size(sizes) ||
        seen != json_array_size(output(c, skip_gram ? "pairs" : "targets")))
        return golden_wrong(c, "%zu examples in %zu batches", seen, n_batches);
    return true;
}

static bool golden_corpus_case(const json_t *c, double *worst)
{
    const json_t *lines = input(c, "lines"), *radii = input(c, "R"), *line;
    wg_contexts_options o = { .skip_gram = flag(c, "skip_gram", false),
                              .batchsize = (int64_t)golden_number(c, "batchsize", 0) };
    wg_i64s *ids;
    int64_t *radius;
    wg_error error = { 0 };
    wg_contexts *it;
    size_t i;
    bool ok;

    if (golden_hyper(c, "noise_dist_power")) return noise(c, worst);
    if (!lines || !radii) return golden_wrong(c, "no lines or no radii");
    ids = calloc(json_array_size(lines) + 1, sizeof *ids);
    radius = calloc(json_array_size(radii) + 1, sizeof *radius);
    o.n_radii = integers(radii, radius);
    o.radius = radius;
    json_array_foreach(lines, i, line)
    {
        int64_t *v = calloc(json_array_size(line) + 1, sizeof *v);

        ids[i].n = (int)integers(line, v);
        ids[i].v = v;
    }
    it = wg_contexts_of_ids((int64_t)json_array_size(lines), ids, &o, &error);
    ok = it ? walk_batches(c, it, o.skip_gram) : golden_error(c, &error);
    wg_contexts_free(it);
    for (i = 0; i < json_array_size(lines); i++) free((void *)(uintptr_t)ids[i].v);
    free(ids);
    free(radius);
    return ok;
}

const golden_kind golden_kinds_text[] = {
    { "tokenizers", golden_tokenizer_case },
    { "Vocabulary", golden_vocabulary_case },
    { "Word2Vec corpus handling", golden_corpus_case },
    { NULL, NULL },
};
