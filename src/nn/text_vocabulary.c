/* text_vocabulary.c: words, their counts and their indices. */
#include <stdlib.h>
#include <string.h>

#include "text_inside.h"

enum { N_SPECIAL = 3 };
static const char *const BOL = "<bol>", *const EOL = "<eol>", *const UNK = "<unk>";

/* The words in one piece of memory, and a table of them by hash, open addressing with linear
 * steps: index + 1, 0 for a free place. */
typedef struct {
    char *text;
    int64_t text_used, text_room;
    int64_t n, word_room, count_room;
    struct word {
        int64_t at, length;
    } * word;
    int64_t *count;
    int64_t *slot, n_slots;
    int64_t bol, eol, unk, n_words;
} table;

struct wg_vocabulary {
    wg_vocabulary_hyper hyper;
    char *tokenizer;
    table t;
};

/* ---- the table ---- */

static void table_free(table *t)
{
    wg_free(t->text);
    wg_free(t->word);
    wg_free(t->count);
    wg_free(t->slot);
    memset(t, 0, sizeof *t);
}

static uint64_t hash_add(uint64_t h, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
    return h;
}

static const uint64_t HASH = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

/* Whether word i is s, put into lower case when `lower`. */
static bool is_word(const table *t, int64_t i, const char *s, size_t n, bool lower)
{
    const char *w = t->text + t->word[i].at;
    size_t length = (size_t)t->word[i].length, done = 0;
    char c[WG__LOWER_BYTES];

    if (!lower) return n == length && (n == 0 || memcmp(w, s, n) == 0);
    for (size_t at = 0, read; at < n; at += read) {
        size_t k = wg__lower_next(s + at, n - at, &read, c);

        if (k > length - done || memcmp(w + done, c, k) != 0) return false;
        done += k;
    }
    return done == length;
}

/* The word's place in `slot`: where it is, or where it belongs. */
static int64_t place_of(const table *t, const char *s, size_t n, bool lower)
{
    uint64_t h = HASH;
    char c[WG__LOWER_BYTES];
    int64_t at;

    if (!lower) h = hash_add(h, s, n);
    for (size_t i = 0, read; lower && i < n; i += read) {
        size_t k = wg__lower_next(s + i, n - i, &read, c);

        h = hash_add(h, c, k);
    }
    at = (int64_t)((h ^ h >> 32) & (uint64_t)(t->n_slots - 1));
    while (t->slot[at] > 0 && !is_word(t, t->slot[at] - 1, s, n, lower))
        at = (at + 1) & (t->n_slots - 1);
    return at;
}

static int64_t find(const table *t, const char *s, size_t n, bool lower)
{
    return t->n_slots > 0 && s ? t->slot[place_of(t, s, n, lower)] - 1 : -1;
}

static bool more_slots(table *t)
{
    table bigger = *t;

    if (t->n + 1 <= t->n_slots / 2) return true;
    bigger.n_slots = t->n_slots > 0 ? 2 * t->n_slots : 64;
    bigger.slot = wg_alloc(bigger.n_slots, sizeof *bigger.slot);
    if (!bigger.slot) return false;
    for (int64_t i = 0; i < t->n; i++)
        bigger.slot[place_of(&bigger, t->text + t->word[i].at, (size_t)t->word[i].length, false)] =
            i + 1;
    wg_free(t->slot);
    *t = bigger;
    return true;
}

/* Counts a word `times` more; it is added when it is new. Its index; -1 when out of memory. */
static int64_t count_word(table *t, const char *s, size_t n, int64_t times)
{
    int64_t at, i;
    char *text;
    struct word *word;
    int64_t *count;

    if (!more_slots(t)) return -1;
    at = place_of(t, s, n, false);
    i = t->slot[at] - 1;
    if (i < 0) {
        i = t->n;
        text = wg__room_for(t->text, &t->text_room, t->text_used, t->text_used + (int64_t)n + 1, 1);
        if (!text) return -1;
        t->text = text;
        word = wg__room_for(t->word, &t->word_room, i, i + 1, sizeof *word);
        if (!word) return -1;
        t->word = word;
        count = wg__room_for(t->count, &t->count_room, i, i + 1, sizeof *count);
        if (!count) return -1;
        t->count = count;
        if (n > 0) memcpy(t->text + t->text_used, s, n);
        t->text[t->text_used + (int64_t)n] = 0;
        t->word[i] = (struct word){ t->text_used, (int64_t)n };
        t->count[i] = 0;
        t->text_used += (int64_t)n + 1;
        t->slot[at] = i + 1;
        t->n++;
    }
    t->count[i] += times;
    return i;
}

/* ---- a fit ---- */

static bool begin(table *t)
{
    t->bol = count_word(t, BOL, strlen(BOL), 0);
    t->eol = count_word(t, EOL, strlen(EOL), 0);
    t->unk = count_word(t, UNK, strlen(UNK), 0);
    return t->bol >= 0 && t->eol >= 0 && t->unk >= 0;
}

/* Counts everything, in the order of the corpus. */
static wg_status count_corpus(const wg_vocabulary *v, wg__lines *lines, table *t, wg_error *error)
{
    static const char OP[] = "wg_vocabulary_fit";
    wg_tokens tokens = { 0 };
    wg_status status = begin(t) ? WG_OK : wg_fail(error, WG_ENOMEM, OP, "the first words");
    bool more = true;
    int64_t n_lines = 0, n_words = 0;

    while (status == WG_OK) {
        status = wg__lines_tokens(lines, OP, &v->hyper, &tokens, &more, error);
        if (status != WG_OK || !more) break;
        n_lines++;
        t->count[t->bol]++;
        t->count[t->eol]++;
        for (int64_t i = 0; status == WG_OK && i < tokens.n; i++, n_words++)
            if (count_word(t, tokens.token[i].text, tokens.token[i].length, 1) < 0)
                status = wg_fail(error, WG_ENOMEM, OP, "%lld words", (long long)t->n);
    }
    wg_tokens_free(&tokens);
    if (status == WG_OK && n_words == 0)
        status = wg_fail(error, WG_EARG, OP, "the corpus has no words in %lld lines",
                         (long long)n_lines);
    t->n_words = 2 * n_lines + n_words;
    return status;
}

/* A new table of the words listed, in this order; the counts of the others go to <unk>. */
static bool keep(table *t, int64_t n, const int64_t *index)
{
    table k = { 0 };
    int64_t left_out = 0;
    bool ok = true;

    for (int64_t i = 0; i < t->n; i++) left_out += t->count[i];
    for (int64_t i = 0; ok && i < n; i++) {
        const struct word *w = &t->word[index[i]];

        ok = count_word(&k, t->text + w->at, (size_t)w->length, t->count[index[i]]) >= 0;
        left_out -= t->count[index[i]];
    }
    if (!ok) {
        table_free(&k);
        return false;
    }
    k.bol = find(&k, BOL, strlen(BOL), false);
    k.eol = find(&k, EOL, strlen(EOL), false);
    k.unk = find(&k, UNK, strlen(UNK), false);
    k.n_words = t->n_words;
    k.count[k.unk] += left_out;
    table_free(t);
    *t = k;
    return true;
}

static bool drop_rare(table *t, int64_t min_count)
{
    int64_t *index = wg_alloc(t->n, sizeof *index), n = N_SPECIAL;
    bool ok;

    if (!index) return false;
    index[0] = t->unk;
    index[1] = t->eol;
    index[2] = t->bol;
    for (int64_t i = 0; i < t->n; i++)
        if (i != t->unk && i != t->eol && i != t->bol && t->count[i] >= min_count) index[n++] = i;
    ok = keep(t, n, index);
    wg_free(index);
    return ok;
}

/* Merges two sorted halves over and over: of equal counts the smaller index stays first. */
static void sort_by_count(const int64_t *count, int64_t n, int64_t *index, int64_t *spare)
{
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t lo = 0; lo < n; lo += 2 * width) {
            int64_t mid = lo + width < n ? lo + width : n, hi = mid + width < n ? mid + width : n;
            int64_t a = lo, b = mid;

            for (int64_t to = lo; to < hi; to++)
                spare[to] = a < mid && (b == hi || count[index[a]] >= count[index[b]]) ? index[a++]
                                                                                       : index[b++];
        }
        memcpy(index, spare, (size_t)n * sizeof *index);
    }
}

/* All indices in falling order of count; new memory, NULL when there is none. */
static int64_t *by_count(const table *t)
{
    int64_t *index = t->n < INT64_MAX / 16 ? wg_alloc(2 * t->n, sizeof *index) : NULL;

    if (!index) return NULL;
    for (int64_t i = 0; i < t->n; i++) index[i] = i;
    sort_by_count(t->count, t->n, index, index + t->n);
    return index;
}

static bool keep_frequent(table *t, int64_t n)
{
    int64_t *index = by_count(t);
    bool has_unk = false, ok;

    if (!index) return false;
    for (int64_t i = 0; i < n; i++) has_unk |= index[i] == t->unk;
    if (!has_unk) index[n - 1] = t->unk;
    ok = keep(t, n, index);
    wg_free(index);
    return ok;
}

wg_status wg_vocabulary_fit(wg_vocabulary *v, const wg_corpus *corpus, wg_error *error)
{
    static const char OP[] = "wg_vocabulary_fit";
    table t = { 0 };
    wg__lines *lines;
    wg_status status;

    if (!v) return wg_fail(error, WG_EARG, OP, "the vocabulary is NULL");
    status = wg__lines_new(OP, corpus, &lines, error);
    if (status != WG_OK) return status;
    status = count_corpus(v, lines, &t, error);
    wg__lines_free(lines);
    if (status == WG_OK && v->hyper.min_count > 0 && !drop_rare(&t, v->hyper.min_count))
        status = wg_fail(error, WG_ENOMEM, OP, "%lld words", (long long)t.n);
    if (status == WG_OK && v->hyper.max_tokens > 0 && t.n > v->hyper.max_tokens &&
        !keep_frequent(&t, v->hyper.max_tokens))
        status = wg_fail(error, WG_ENOMEM, OP, "%lld words", (long long)t.n);
    if (status != WG_OK) {
        table_free(&t);
        return status;
    }
    table_free(&v->t);
    v->t = t;
    return WG_OK;
}

/* ---- making one ---- */

wg_vocabulary_hyper wg_vocabulary_defaults(void)
{
    return (wg_vocabulary_hyper){ true, true, true, 0, 0, "words" };
}

wg_vocabulary *wg_vocabulary_new(const wg_vocabulary_hyper *hyper, wg_error *error)
{
    static const char OP[] = "wg_vocabulary_new";
    wg_vocabulary_hyper h = hyper ? *hyper : wg_vocabulary_defaults();
    wg_vocabulary *v;

    if (!h.tokenizer) h.tokenizer = "words";
    if (wg__tokenizer_known(OP, h.tokenizer, error) != WG_OK) return NULL;
    if (h.min_count < 0 || h.max_tokens < 0) {
        wg_fail(error, WG_EARG, OP, "%s is %lld, wanted 1 or more, or 0 for none",
                h.min_count < 0 ? "min_count" : "max_tokens",
                (long long)(h.min_count < 0 ? h.min_count : h.max_tokens));
        return NULL;
    }
    v = wg_alloc(1, sizeof *v);
    if (v) v->tokenizer = wg_text_copy(h.tokenizer);
    if (!v || !v->tokenizer) {
        wg_free(v);
        wg_fail(error, WG_ENOMEM, OP, "an empty vocabulary");
        return NULL;
    }
    v->hyper = h;
    v->hyper.tokenizer = v->tokenizer;
    return v;
}

void wg_vocabulary_free(wg_vocabulary *v)
{
    if (!v) return;
    table_free(&v->t);
    wg_free(v->tokenizer);
    wg_free(v);
}

wg_vocabulary *wg__vocabulary_of(const wg_vocabulary_hyper *h, int64_t n, const char *const *words,
                                 const int64_t *counts, wg_error *error)
{
    static const char OP[] = "wg_vocabulary";
    wg_vocabulary *v = wg_vocabulary_new(h, error);
    wg_status status = v ? WG_OK : error->code;

    for (int64_t i = 0; i < n && status == WG_OK; i++) {
        int64_t at = count_word(&v->t, words[i], strlen(words[i]), counts[i]);

        if (at < 0) status = wg_fail(error, WG_ENOMEM, OP, "%lld words", (long long)n);
        else if (at != i || counts[i] < 0 || counts[i] > INT64_MAX - v->t.n_words)
            status =
                wg_fail(error, WG_EFORMAT, OP, "word %lld, \"%.60s\", comes twice or %lld times",
                        (long long)i, words[i], (long long)counts[i]);
        else v->t.n_words += counts[i];
    }
    if (status != WG_OK) {
        wg_vocabulary_free(v);
        return NULL;
    }
    v->t.bol = find(&v->t, BOL, strlen(BOL), false);
    v->t.eol = find(&v->t, EOL, strlen(EOL), false);
    v->t.unk = find(&v->t, UNK, strlen(UNK), false);
    return v;
}

/* ---- look-ups ---- */

const wg_vocabulary_hyper *wg_vocabulary_hyperparameters(const wg_vocabulary *v)
{
    return v ? &v->hyper : NULL;
}

int64_t wg_vocabulary_n_tokens(const wg_vocabulary *v)
{
    return v ? v->t.n : 0;
}

int64_t wg_vocabulary_n_words(const wg_vocabulary *v)
{
    return v ? v->t.n_words : 0;
}

static bool in_range(const wg_vocabulary *v, int64_t index)
{
    return v && index >= 0 && index < v->t.n;
}

wg_token wg_vocabulary_word(const wg_vocabulary *v, int64_t index)
{
    if (!in_range(v, index)) return (wg_token){ UNK, strlen(UNK) };
    return (wg_token){ v->t.text + v->t.word[index].at, (size_t)v->t.word[index].length };
}

int64_t wg_vocabulary_count(const wg_vocabulary *v, int64_t index)
{
    return in_range(v, index) ? v->t.count[index] : 0;
}

const int64_t *wg_vocabulary_counts(const wg_vocabulary *v)
{
    return v ? v->t.count : NULL;
}

int64_t wg_vocabulary_bol(const wg_vocabulary *v)
{
    return v && v->t.n > 0 ? v->t.bol : -1;
}

int64_t wg_vocabulary_eol(const wg_vocabulary *v)
{
    return v && v->t.n > 0 ? v->t.eol : -1;
}

int64_t wg_vocabulary_unk(const wg_vocabulary *v)
{
    return v && v->t.n > 0 ? v->t.unk : -1;
}

int64_t wg_vocabulary_index(const wg_vocabulary *v, const char *word, size_t length)
{
    int64_t i = v ? find(&v->t, word, length, v->hyper.lowercase) : -1;

    return i >= 0 ? i : wg_vocabulary_unk(v);
}

bool wg_vocabulary_has(const wg_vocabulary *v, const char *word, size_t length)
{
    return v && find(&v->t, word, length, false) >= 0;
}

void wg_vocabulary_words_to_indices(const wg_vocabulary *v, int64_t n, const char *const *words,
                                    int64_t *indices)
{
    for (int64_t i = 0; i < n; i++)
        indices[i] = wg_vocabulary_index(v, words[i], words[i] ? strlen(words[i]) : 0);
}

void wg_vocabulary_indices_to_words(const wg_vocabulary *v, int64_t n, const int64_t *indices,
                                    const char **words)
{
    for (int64_t i = 0; i < n; i++) words[i] = wg_vocabulary_word(v, indices[i]).text;
}

int64_t wg_vocabulary_filter(const wg_vocabulary *v, int64_t n, const char *const *words, bool unk,
                             const char **kept)
{
    int64_t k = 0;

    for (int64_t i = 0; i < n; i++) {
        if (words[i] && wg_vocabulary_has(v, words[i], strlen(words[i]))) kept[k++] = words[i];
        else if (unk) kept[k++] = UNK;
    }
    return k;
}

int64_t wg_vocabulary_most_common(const wg_vocabulary *v, int64_t n, int64_t *indices)
{
    int64_t *index;

    if (!v || n < 1 || v->t.n == 0) return 0;
    index = by_count(&v->t);
    if (!index) return -1;
    if (n > v->t.n) n = v->t.n;
    memcpy(indices, index, (size_t)n * sizeof *indices);
    wg_free(index);
    return n;
}

int64_t wg_vocabulary_words_with_count(const wg_vocabulary *v, int64_t count, int64_t room,
                                       int64_t *indices)
{
    int64_t k = 0;

    for (int64_t i = 0; v && i < v->t.n; i++)
        if (v->t.count[i] == count) {
            if (k < room) indices[k] = i;
            k++;
        }
    return k;
}
