/* text_tokenize.c: a line as tokens. */
#include <string.h>

#include "spell.h"
#include "text_inside.h"

static const char OP[] = "wg_tokenize";

void *wg__room_for(void *p, int64_t *room, int64_t used, int64_t want, size_t size)
{
    int64_t n = *room < 8 ? 8 : *room;
    void *more;

    if (want <= *room) return p;
    while (n < want) n = n > INT64_MAX / 2 ? want : 2 * n;
    more = wg_alloc(n, size);
    if (!more) return NULL;
    if (used > 0) memcpy(more, p, (size_t)used * size);
    wg_free(p);
    *room = n;
    return more;
}

/* ---- building a list ---- */

/* While a list is built its memory may move: tokens are lengths only, one after the other, each
 * with its 0 byte; finish() makes them addresses. */

void wg_tokens_free(wg_tokens *t)
{
    if (!t) return;
    wg_free(t->token);
    wg_free(t->memory);
    memset(t, 0, sizeof *t);
}

static void begin(wg_tokens *t)
{
    t->n = 0;
    t->used = 0;
}

/* Adds bytes to the token that is being made. */
static bool add(wg_tokens *t, const char *s, size_t n)
{
    int64_t room = (int64_t)t->size, used = (int64_t)t->used;
    char *more =
        n < PTRDIFF_MAX / 2 ? wg__room_for(t->memory, &room, used, used + (int64_t)n + 1, 1) : NULL;

    if (!more) return false;
    t->memory = more;
    t->size = (size_t)room;
    if (n > 0) memcpy(t->memory + t->used, s, n);
    t->used += n;
    return true;
}

static bool end_token(wg_tokens *t, size_t start)
{
    wg_token *more = wg__room_for(t->token, &t->room, t->n, t->n + 1, sizeof *more);

    if (!more) return false;
    t->token = more;
    if (!add(t, "", 1)) return false;
    t->token[t->n++] = (wg_token){ NULL, t->used - 1 - start };
    return true;
}

static void finish(wg_tokens *t)
{
    size_t at = 0;

    for (int64_t i = 0; i < t->n; i++) {
        t->token[i].text = t->memory + at;
        at += t->token[i].length + 1;
    }
}

static bool add_token(wg_tokens *t, const char *s, size_t n)
{
    size_t start = t->used;

    return add(t, s, n) && end_token(t, start);
}

static bool add_lower(wg_tokens *t, const char *s, size_t n, bool lowercase)
{
    char to[WG__LOWER_BYTES];

    if (!lowercase) return add(t, s, n);
    for (size_t at = 0, read; at < n; at += read) {
        size_t k = wg__lower_next(s + at, n - at, &read, to);

        if (!add(t, to, k)) return false;
    }
    return true;
}

/* Ends the token that began at `start`, unless it is empty or a stop word that is filtered. */
static bool end_word(wg_tokens *t, size_t start, const wg_tokenize_options *o)
{
    size_t n = t->used - start;

    if (n == 0 || (o->filter_stopwords && wg_is_stop_word(t->memory + start, n))) {
        t->used = start;
        return true;
    }
    return end_token(t, start);
}

/* ---- the tokenizers: false when out of memory; lines are UTF-8 ---- */

typedef bool tokenize_fn(const char *s, size_t n, const wg_tokenize_options *o, wg_tokens *t);

/* The number of bytes from s on that are characters of this kind; *count of characters. */
static size_t run_of(bool (*kind)(uint32_t c), bool is, const char *s, size_t n, int64_t *count)
{
    size_t at = 0;
    uint32_t c = 0;

    for (*count = 0; at < n; (*count)++) {
        size_t k = wg__utf8_get(s + at, n - at, &c);

        if (kind(c) != is) break;
        at += k;
    }
    return at;
}

/* Letters are counted after they were put into lower case, as Python does: the dot above of a
 * Turkish capital I is no word character. */
static bool words(const char *s, size_t n, const wg_tokenize_options *o, wg_tokens *t)
{
    for (size_t at = 0, k; at < n; at += k) {
        size_t start = t->used;
        int64_t count;
        uint32_t c;

        k = run_of(wg__is_word, true, s + at, n - at, &count);
        if (k > 0) {
            if (o->filter_punctuation && count < 2) continue;
            if (!add(t, s + at, k) || !end_word(t, start, o)) return false;
            continue;
        }
        k = wg__utf8_get(s + at, n - at, &c);
        if (o->filter_punctuation || wg__is_blank(c)) continue;
        if (!add(t, s + at, k) || !end_word(t, start, o)) return false;
    }
    return true;
}

/* Bytes of ASCII punctuation are no part of other characters. */
static bool add_without_punctuation(wg_tokens *t, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!wg__is_punctuation((unsigned char)s[i]) && !add(t, s + i, 1)) return false;
    return true;
}

static bool whitespace(const char *s, size_t n, const wg_tokenize_options *o, wg_tokens *t)
{
    int64_t count;

    for (size_t at = 0, k; at < n; at += k) {
        size_t start = t->used;

        at += run_of(wg__is_blank, true, s + at, n - at, &count);
        k = run_of(wg__is_blank, false, s + at, n - at, &count);
        if (!(o->filter_punctuation ? add_without_punctuation(t, s + at, k) : add(t, s + at, k)) ||
            !end_word(t, start, o))
            return false;
    }
    return true;
}

static bool characters(const char *s, size_t n, const wg_tokenize_options *o, wg_tokens *t)
{
    size_t kept = 0, first = 0, last;
    int64_t count;
    char *line = wg_alloc((int64_t)n + 1, 1);
    bool ok = line != NULL;
    uint32_t c;

    /* Punctuation goes first: the spaces on both sides of it become one run. */
    for (size_t i = 0; ok && i < n; i++) {
        if (o->filter_punctuation && wg__is_punctuation((unsigned char)s[i])) continue;
        if (s[i] == ' ' && kept > 0 && line[kept - 1] == ' ') continue;
        line[kept++] = s[i];
    }
    if (ok) first = run_of(wg__is_blank, true, line, kept, &count);
    last = first;
    for (size_t at = first, k; ok && at < kept; at += k) {
        k = wg__utf8_get(line + at, kept - at, &c);
        if (!wg__is_blank(c)) last = at + k;
    }
    for (size_t at = first, k; ok && at < last; at += k) {
        k = wg__utf8_get(line + at, last - at, &c);
        ok = add_token(t, line + at, k);
    }
    wg_free(line);
    return ok;
}

/* A byte in decimal, after a space unless the token is empty. */
static bool add_byte(wg_tokens *t, size_t start, char byte)
{
    unsigned v = (unsigned char)byte;
    char to[4];
    size_t k = 0;

    if (t->used > start) to[k++] = ' ';
    if (v >= 100) to[k++] = (char)('0' + v / 100);
    if (v >= 10) to[k++] = (char)('0' + v / 10 % 10);
    to[k++] = (char)('0' + v % 10);
    return add(t, to, k);
}

static bool words_bytes(const char *s, size_t n, const wg_tokenize_options *o, wg_tokens *t)
{
    wg_tokens w = { 0 };
    bool ok = words(s, n, o, &w);

    finish(&w);
    for (int64_t i = 0; ok && i < w.n; i++) {
        size_t start = t->used;

        for (size_t k = 0; ok && k < w.token[i].length; k++)
            ok = add_byte(t, start, w.token[i].text[k]);
        ok = ok && end_token(t, start);
    }
    wg_tokens_free(&w);
    return ok;
}

static bool bytes(const char *s, size_t n, const wg_tokenize_options *o, wg_tokens *t)
{
    (void)o;
    for (size_t i = 0; i < n; i++) {
        size_t start = t->used;

        if (!add_byte(t, start, s[i]) || !end_token(t, start)) return false;
    }
    return true;
}

static bool bytes_split(const char *s, size_t n, bool punctuation, wg_tokens *t)
{
    size_t start = t->used;

    for (size_t i = 0; i < n; i++) {
        bool apart = punctuation && wg__is_punctuation((unsigned char)s[i]);

        if (apart) {
            if (!end_token(t, start)) return false;
            start = t->used;
        }
        if (!add_byte(t, start, s[i])) return false;
        if (apart) {
            if (!end_token(t, start)) return false;
            start = t->used;
        }
    }
    return end_token(t, start);
}

static bool bytes_raw(const char *s, size_t n, const wg_tokenize_options *o, wg_tokens *t)
{
    (void)o;
    return bytes_split(s, n, false, t);
}

/* ---- by name ---- */

static const char *const names[] = { "words",       "whitespace", "characters",
                                     "words_bytes", "bytes",      "bytes_raw" };
static const struct {
    tokenize_fn *run;
    bool characters; /* of UTF-8, rather than bytes of any kind */
} tokenizers[] = { { words, true },       { whitespace, true }, { characters, true },
                   { words_bytes, true }, { bytes, false },     { bytes_raw, false } };

enum { N_TOKENIZERS = sizeof names / sizeof *names };

static int find(const char *tokenizer)
{
    int i = 0;

    while (i < N_TOKENIZERS && strcmp(tokenizer, names[i]) != 0) i++;
    return i;
}

wg_status wg__tokenizer_known(const char *op, const char *tokenizer, wg_error *error)
{
    if (!tokenizer) return wg_fail(error, WG_EARG, op, "tokenizer is NULL");
    if (find(tokenizer) < N_TOKENIZERS) return WG_OK;
    return wg_fail(error, WG_ENAME, op, "unknown tokenizer \"%.60s\", the nearest is \"%s\"",
                   tokenizer, wg__nearest(tokenizer, N_TOKENIZERS, names));
}

wg_tokenize_options wg_tokenize_defaults(void)
{
    return (wg_tokenize_options){ true, true, true };
}

static wg_status check_utf8(const char *op, const char *s, size_t n, wg_error *error)
{
    for (size_t at = 0, k; at < n; at += k) {
        uint32_t c;

        k = wg__utf8_get(s + at, n - at, &c);
        if (k == 0)
            return wg_fail(error, WG_EFORMAT, op, "byte 0x%02x at %zu is not UTF-8",
                           (unsigned)(unsigned char)s[at], at);
    }
    return WG_OK;
}

wg_status wg_tokenize(const char *tokenizer, const char *line, size_t length,
                      const wg_tokenize_options *options, wg_tokens *t, wg_error *error)
{
    wg_tokenize_options o = options ? *options : wg_tokenize_defaults();
    wg_tokens low = { 0 };
    wg_status status;
    int kind;
    bool ok = true;

    if (!t) return wg_fail(error, WG_EARG, OP, "tokens is NULL");
    begin(t);
    if (!line) return wg_fail(error, WG_EARG, OP, "line is NULL");
    status = wg__tokenizer_known(OP, tokenizer, error);
    if (status != WG_OK) return status;
    kind = find(tokenizer);
    if (tokenizers[kind].characters) {
        status = check_utf8(OP, line, length, error);
        if (status != WG_OK) return status;
        if (o.lowercase) {
            ok = add_lower(&low, line, length, true);
            line = low.memory ? low.memory : "";
            length = low.used;
        }
    }
    ok = ok && tokenizers[kind].run(line, length, &o, t);
    wg_tokens_free(&low);
    if (!ok) {
        begin(t);
        return wg_fail(error, WG_ENOMEM, OP, "the tokens of a line of %zu bytes", length);
    }
    finish(t);
    return WG_OK;
}

wg_status wg_tokenize_bytes_raw(const char *line, size_t length, const char *splitter, wg_tokens *t,
                                wg_error *error)
{
    static const char RAW[] = "wg_tokenize_bytes_raw";

    if (!t) return wg_fail(error, WG_EARG, RAW, "tokens is NULL");
    begin(t);
    if (!line) return wg_fail(error, WG_EARG, RAW, "line is NULL");
    if (splitter && strcmp(splitter, "punctuation") != 0)
        return wg_fail(error, WG_ENAME, RAW,
                       "unknown splitter \"%.60s\", wanted \"punctuation\" or none", splitter);
    if (!bytes_split(line, length, splitter != NULL, t)) {
        begin(t);
        return wg_fail(error, WG_ENOMEM, RAW, "the tokens of a line of %zu bytes", length);
    }
    finish(t);
    return WG_OK;
}

wg_status wg_bytes_to_chars(int64_t n, const int64_t *byte, char **text, size_t *length,
                            wg_error *error)
{
    static const char CHARS[] = "wg_bytes_to_chars";
    wg_status status = WG_OK;
    char *to;

    if (!text) return wg_fail(error, WG_EARG, CHARS, "text is NULL");
    *text = NULL;
    if (n < 0 || n == INT64_MAX || (n > 0 && !byte))
        return wg_fail(error, WG_EARG, CHARS, "%lld bytes%s", (long long)n,
                       n < 0 ? "" : " at NULL");
    to = wg_alloc(n + 1, 1);
    if (!to) return wg_fail(error, WG_ENOMEM, CHARS, "%lld bytes", (long long)n);
    for (int64_t i = 0; status == WG_OK && i < n; i++) {
        if (byte[i] < 0 || byte[i] > 255)
            status = wg_fail(error, WG_EARG, CHARS, "byte %lld is %lld, wanted 0 to 255",
                             (long long)i, (long long)byte[i]);
        to[i] = (char)(byte[i] & 255);
    }
    if (status == WG_OK) status = check_utf8(CHARS, to, (size_t)n, error);
    if (status != WG_OK) {
        wg_free(to);
        return status;
    }
    *text = to;
    if (length) *length = (size_t)n;
    return WG_OK;
}
