/* word_vectors.c: tables of words with their vectors: word2vec's text format, neighbours. */
#include "wengert/word2vec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spell.h"
#include "text_inside.h"
#include "wengert/io.h"

struct wg_word_vectors {
    int64_t n, dim;
    char *text;        /* the words, each with its 0 byte */
    const char **word; /* [n] */
    int64_t *sorted;   /* [n]: indices by word */
    float *row;        /* [n, dim] */
    double *norm;      /* [n] */
};

int64_t wg_word_vectors_count(const wg_word_vectors *v)
{
    return v ? v->n : 0;
}

int64_t wg_word_vectors_dim(const wg_word_vectors *v)
{
    return v ? v->dim : 0;
}

const char *wg_word_vectors_word(const wg_word_vectors *v, int64_t index)
{
    return v && index >= 0 && index < v->n ? v->word[index] : NULL;
}

const float *wg_word_vectors_row(const wg_word_vectors *v, int64_t index)
{
    return v && index >= 0 && index < v->n ? v->row + index * v->dim : NULL;
}

void wg_word_vectors_free(wg_word_vectors *v)
{
    if (!v) return;
    wg_free(v->text);
    wg_free(v->word);
    wg_free(v->sorted);
    wg_free(v->row);
    wg_free(v->norm);
    wg_free(v);
}

/* The place of a word among the sorted: of itself, or of the first that comes after it. */
static int64_t place_of(const wg_word_vectors *v, const char *word)
{
    int64_t lo = 0, hi = v->n;

    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;

        if (strcmp(v->word[v->sorted[mid]], word) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

int64_t wg_word_vectors_find(const wg_word_vectors *v, const char *word)
{
    int64_t at = v && word ? place_of(v, word) : 0;

    if (!v || !word || at == v->n || strcmp(v->word[v->sorted[at]], word) != 0) return -1;
    return v->sorted[at];
}

/* ---- making one ---- */

/* Room for n words of dim numbers; words and rows are still to come. */
static wg_word_vectors *make(const char *op, int64_t n, int64_t dim, wg_error *error)
{
    wg_word_vectors *v = wg_alloc(1, sizeof *v);

    if (v) {
        v->n = n;
        v->dim = dim;
        v->word = wg_alloc(n, sizeof *v->word);
        v->sorted = wg_alloc(n, sizeof *v->sorted);
        v->norm = wg_alloc(n, sizeof *v->norm);
        if (n == 0 || dim <= INT64_MAX / n) v->row = wg_alloc(n * dim, sizeof *v->row);
        if (v->word && v->sorted && v->norm && v->row) return v;
    }
    wg_fail(error, WG_ENOMEM, op, "%lld words with %lld numbers each", (long long)n,
            (long long)dim);
    wg_word_vectors_free(v);
    return NULL;
}

/* Sorts `index`, with as much room beside it, by the words; merging, for qsort has no argument. */
static void sort_words(const char *const *word, int64_t *index, int64_t *room, int64_t n)
{
    int64_t half = n / 2, i = 0, k = half, at = 0;

    if (n < 2) return;
    sort_words(word, index, room, half);
    sort_words(word, index + half, room, n - half);
    while (i < half && k < n)
        room[at++] = strcmp(word[index[i]], word[index[k]]) <= 0 ? index[i++] : index[k++];
    while (i < half) room[at++] = index[i++];
    memcpy(index, room, (size_t)at * sizeof *index);
}

/* Once words and rows are there: the order of the words, which tells equal ones, and the norms. */
static bool finish(wg_word_vectors *v, const char *op, wg_error *error)
{
    int64_t *room = wg_alloc(v->n, sizeof *room);

    if (!room) {
        wg_fail(error, WG_ENOMEM, op, "%lld words", (long long)v->n);
        return false;
    }
    for (int64_t i = 0; i < v->n; i++) v->sorted[i] = i;
    sort_words(v->word, v->sorted, room, v->n);
    wg_free(room);
    for (int64_t i = 1; i < v->n; i++)
        if (strcmp(v->word[v->sorted[i - 1]], v->word[v->sorted[i]]) == 0) {
            wg_fail(error, WG_EARG, op, "the word \"%.60s\" comes twice", v->word[v->sorted[i]]);
            return false;
        }
    for (int64_t i = 0; i < v->n; i++) {
        const float *x = v->row + i * v->dim;
        double sum = 0;

        for (int64_t k = 0; k < v->dim; k++) sum += (double)x[k] * (double)x[k];
        v->norm[i] = sqrt(sum);
    }
    return true;
}

static bool has_blank(const char *word)
{
    size_t n = strlen(word), at = 0;

    while (at < n) {
        uint32_t c;
        size_t bytes = wg__utf8_get(word + at, n - at, &c);

        if (bytes && wg__is_blank(c)) return true;
        at += bytes ? bytes : 1;
    }
    return false;
}

wg_word_vectors *wg_word_vectors_new(int64_t n, const char *const *words, wg_array rows,
                                     wg_error *error)
{
    static const char OP[] = "wg_word_vectors_new";
    const wg_shape *s = &rows.type.shape;
    wg_word_vectors *v;
    size_t bytes = 0, at = 0;

    if (n < 0 || (n > 0 && (!words || !rows.data))) {
        wg_fail(error, WG_EARG, OP, "%lld words%s", (long long)n, n < 0 ? "" : " at NULL");
        return NULL;
    }
    if (!wg_dtype_is_real(rows.type.dtype) || s->rank != 2 || s->dim[0] != n) {
        wg_fail(error, wg_dtype_is_real(rows.type.dtype) ? WG_ESHAPE : WG_EDTYPE, OP,
                "the rows are %s, wanted real [%lld x dim]", WG_TYPE_STR(&rows.type), (long long)n);
        return NULL;
    }
    for (int64_t i = 0; i < n; i++) {
        if (!words[i] || !words[i][0] || has_blank(words[i])) {
            wg_fail(error, WG_EARG, OP, "word %lld is \"%.60s\", wanted one without blanks",
                    (long long)i, words[i] ? words[i] : "");
            return NULL;
        }
        bytes += strlen(words[i]) + 1;
    }
    v = make(OP, n, s->dim[1], error);
    if (!v) return NULL;
    v->text = wg_alloc((int64_t)bytes, 1);
    if (!v->text) {
        wg_fail(error, WG_ENOMEM, OP, "%zu bytes of words", bytes);
        wg_word_vectors_free(v);
        return NULL;
    }
    for (int64_t i = 0; i < n; i++) {
        size_t length = strlen(words[i]) + 1;

        v->word[i] = memcpy(v->text + at, words[i], length);
        at += length;
    }
    for (int64_t i = 0; i < n * v->dim; i++)
        v->row[i] = rows.type.dtype == WG_F32 ? ((const float *)rows.data)[i]
                                              : (float)((const double *)rows.data)[i];
    if (finish(v, OP, error)) return v;
    wg_word_vectors_free(v);
    return NULL;
}

/* ---- word2vec's text format ---- */

static const char READ[] = "wg_word_vectors_read";

static bool blank_byte(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *after_blanks(const char *s)
{
    while (blank_byte(*s)) s++;
    return s;
}

/* A whole number of 1 or more; NULL: none. */
static const char *count(const char *s, int64_t *n)
{
    int digits = 0;

    *n = 0;
    for (s = after_blanks(s); *s >= '0' && *s <= '9' && digits < 15; s++, digits++)
        *n = *n * 10 + (*s - '0');
    return digits > 0 && *n > 0 && (*s == '\0' || blank_byte(*s)) ? s : NULL;
}

static bool bad_line(const wg__lines *l, wg_error *error, const char *what, long long n)
{
    char place[WG__PLACE_TEXT];

    wg_fail(error, WG_EFORMAT, READ, "%s%s %lld", wg__lines_place(l, place), what, n);
    return false;
}

/* The words read so far have their offset in `text` until it no longer moves. */
struct reading {
    wg_word_vectors *v;
    int64_t *offset;
    int64_t room, used; /* of text */
};

static bool read_row(struct reading *r, const wg__lines *l, int64_t i, const char *line,
                     size_t length, wg_error *error)
{
    wg_word_vectors *v = r->v;
    const char *s = line;
    int64_t word;
    char *more;

    while (*s && !blank_byte(*s)) s++;
    word = s - line;
    if (word == 0) return bad_line(l, error, "no word, wanted one and numbers:", (long long)v->dim);
    if (strlen(line) != length) return bad_line(l, error, "a 0 byte after byte", s - line);
    more = wg__room_for(v->text, &r->room, r->used, r->used + word + 1, 1);
    if (!more) {
        wg_fail(error, WG_ENOMEM, READ, "%lld bytes of words", (long long)r->used);
        return false;
    }
    v->text = more;
    r->offset[i] = r->used;
    memcpy(more + r->used, line, (size_t)word);
    more[r->used + word] = '\0';
    r->used += word + 1;
    for (int64_t k = 0; k < v->dim; k++) {
        double x;

        s = wg__read_double(after_blanks(s), &x);
        if (!s || (*s && !blank_byte(*s)))
            return bad_line(l, error, "the word is not followed by a number", (long long)k + 1);
        v->row[i * v->dim + k] = (float)x;
    }
    if (*after_blanks(s)) return bad_line(l, error, "more numbers than", (long long)v->dim);
    return true;
}

static bool read_lines(struct reading *r, wg__lines *l, wg_error *error)
{
    const char *line, *s;
    size_t length;
    int64_t n, dim;

    if (wg__lines_next(l, &line, &length, error) != WG_OK) return false;
    s = line ? count(line, &n) : NULL;
    s = s ? count(s, &dim) : NULL;
    if (!s || *after_blanks(s)) {
        wg_fail(error, WG_EFORMAT, READ,
                "%.120s does not begin with a line of two numbers, of words and of their extents",
                wg__lines_place(l, (char[WG__PLACE_TEXT]){ 0 }));
        return false;
    }
    r->v = make(READ, n, dim, error);
    r->offset = wg_alloc(n, sizeof *r->offset);
    if (!r->v) return false;
    if (!r->offset) {
        wg_fail(error, WG_ENOMEM, READ, "%lld words", (long long)n);
        return false;
    }
    for (int64_t i = 0; i < n; i++) {
        if (wg__lines_next(l, &line, &length, error) != WG_OK) return false;
        if (!line) {
            wg_fail(error, WG_EFORMAT, READ, "%sthe file ends after %lld of %lld words",
                    wg__lines_place(l, (char[WG__PLACE_TEXT]){ 0 }), (long long)i, (long long)n);
            return false;
        }
        if (!read_row(r, l, i, line, length, error)) return false;
    }
    for (int64_t i = 0; i < n; i++) r->v->word[i] = r->v->text + r->offset[i];
    return finish(r->v, READ, error);
}

wg_word_vectors *wg_word_vectors_read(const char *path, wg_error *error)
{
    struct reading r = { 0 };
    wg_corpus corpus = wg_corpus_file(&path);
    wg__lines *l;
    bool ok;

    if (!path) {
        wg_fail(error, WG_EARG, READ, "the path is NULL");
        return NULL;
    }
    if (wg__lines_new(READ, &corpus, &l, error) != WG_OK) return NULL;
    ok = read_lines(&r, l, error);
    wg__lines_free(l);
    wg_free(r.offset);
    if (ok) return r.v;
    wg_word_vectors_free(r.v);
    return NULL;
}

enum { NUMBER_TEXT = 24 };

/* Nine digits: any float reads back to itself. printf writes the point as the locale has it. */
static size_t number_text(float x, char buf[NUMBER_TEXT])
{
    size_t n = (size_t)snprintf(buf, NUMBER_TEXT, " %.9g", (double)x), to = 0;

    for (size_t i = 0; i < n; i++) {
        bool plain = strchr(" +-e0123456789", buf[i]) != NULL;

        if (plain || to == 0 || buf[to - 1] != '.') buf[to++] = plain ? buf[i] : '.';
    }
    return to;
}

wg_status wg_word_vectors_write(const wg_word_vectors *v, const char *path, wg_error *error)
{
    static const char OP[] = "wg_word_vectors_write";
    int64_t room = 0, used = 0;
    char *text = NULL, *more, number[NUMBER_TEXT];
    wg_error inner = { .code = WG_OK };

    if (!v || !path) return wg_fail(error, WG_EARG, OP, "the %s is NULL", v ? "path" : "table");
    for (int64_t i = -1; i < v->n && inner.code == WG_OK; i++) {
        int64_t most = i < 0 ? 64 : (int64_t)strlen(v->word[i]) + v->dim * NUMBER_TEXT + 2;

        more = wg__room_for(text, &room, used, used + most, 1);
        if (!more) {
            wg_fail(&inner, WG_ENOMEM, OP, "%lld bytes", (long long)(used + most));
            break;
        }
        text = more;
        if (i < 0) {
            used += snprintf(text, (size_t)most, "%lld %lld\n", (long long)v->n, (long long)v->dim);
            continue;
        }
        memcpy(text + used, v->word[i], strlen(v->word[i]));
        used += (int64_t)strlen(v->word[i]);
        for (int64_t k = 0; k < v->dim; k++) {
            float x = v->row[i * v->dim + k];
            size_t n = number_text(x, number);

            if (!isfinite(x))
                wg_fail(&inner, WG_ENONFINITE, OP, "number %lld of \"%.60s\" is not finite",
                        (long long)k, v->word[i]);
            memcpy(text + used, number, n);
            used += (int64_t)n;
        }
        text[used++] = '\n';
    }
    if (inner.code == WG_OK) wg_file_write(path, 1, &(wg_bytes){ text, (size_t)used }, &inner);
    wg_free(text);
    if (inner.code != WG_OK && error && error->code == WG_OK) *error = inner;
    return inner.code;
}

/* ---- neighbours ---- */

/* Dot product in double, in four lanes: a compiler may not reorder a single sum. */
static double dot(const float *a, const float *b, int64_t n)
{
    double s[4] = { 0 };
    int64_t i = 0;

    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++) s[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < n; i++) s[0] += (double)a[i] * (double)b[i];
    return s[0] + s[1] + (s[2] + s[3]);
}

wg_status wg_word_vectors_nearest(const wg_word_vectors *v, const char *word, int64_t k,
                                  wg_neighbour *found, int64_t *n, wg_error *error)
{
    static const char OP[] = "wg_word_vectors_nearest";
    int64_t self = wg_word_vectors_find(v, word), count = 0;

    if (n) *n = 0;
    if (!v || !word || !found || !n)
        return wg_fail(error, WG_EARG, OP, "the %s is NULL",
                       !v     ? "table"
                       : word ? "result"
                              : "word");
    if (k < 1) return wg_fail(error, WG_EARG, OP, "k is %lld, wanted 1 or more", (long long)k);
    if (self < 0)
        return wg_fail(error, WG_ENAME, OP, "the table lacks the word \"%.60s\"%s%.60s%s", word,
                       v->n ? ", the nearest is \"" : "",
                       v->n ? wg__nearest(word, v->n > 1 << 30 ? 1 << 30 : (int)v->n, v->word) : "",
                       v->n ? "\"" : "");
    for (int64_t i = 0; i < v->n; i++) {
        double below = v->norm[i] * v->norm[self];
        double c =
            below > 0 ? dot(wg_word_vectors_row(v, i), wg_word_vectors_row(v, self), v->dim) / below
                      : 0;
        int64_t at;

        if (i == self || (count == k && !(c > found[k - 1].cosine))) continue;
        at = count < k ? count++ : k - 1;
        for (; at > 0 && c > found[at - 1].cosine; at--) found[at] = found[at - 1];
        found[at] = (wg_neighbour){ i, v->word[i], c };
    }
    *n = count;
    return WG_OK;
}
