/*
 * json_read.c: JSON text into values, in one pass over a copy of it. A tree of jansson's takes six
 * times as long, for it allocates every value and every name: most of the time that loading a
 * program took. What is refused here, json_fault.c explains.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct reader {
    char *at;
    wg_arena arena;
    wg_member *stack; /* of the lists and objects that are open; in lists without names */
    int64_t n, cap;
    int depth;
    bool no_memory;
};

static void *take(struct reader *r, size_t bytes)
{
    void *p = wg__arena_take(&r->arena, bytes);

    if (!p) r->no_memory = true;
    return p;
}

static void skip_blanks(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t') r->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- strings ---- */

/* The four digits of \uXXXX at s; -1: none. */
static int32_t four_digits(const char *s)
{
    int32_t v = 0;

    for (int i = 0; i < 4; i++) {
        char c = s[i];
        int digit = is_digit(c)              ? c - '0'
                    : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                    : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                             : -1;

        if (digit < 0) return -1;
        v = v * 16 + digit;
    }
    return v;
}

/* The character of \uXXXX at *s, or of two of them, which is not 0; else 0. Moves behind it. */
static int32_t numbered(char **s)
{
    int32_t c = four_digits(*s + 2), low;

    if (c <= 0 || (c >= 0xdc00 && c < 0xe000)) return 0;
    *s += 6;
    if (c < 0xd800 || c >= 0xe000) return c;
    low = (*s)[0] == '\\' && (*s)[1] == 'u' ? four_digits(*s + 2) : -1;
    if (low < 0xdc00 || low >= 0xe000) return 0;
    *s += 6;
    return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

/* Takes the escape at *s out: what it stands for is never longer. */
static bool escaped(char **s, char **to)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *letter = strchr(letters, (*s)[1]);
    int32_t c;

    if ((*s)[1] && letter) {
        *(*to)++ = meant[letter - letters];
        *s += 2;
        return true;
    }
    c = (*s)[1] == 'u' ? numbered(s) : 0;
    if (c == 0) return false;
    if (c < 0x80) {
        *(*to)++ = (char)c;
        return true;
    }
    if (c < 0x800) {
        *(*to)++ = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        *(*to)++ = (char)(0xe0 | c >> 12);
        *(*to)++ = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        *(*to)++ = (char)(0xf0 | c >> 18);
        *(*to)++ = (char)(0x80 | (c >> 12 & 0x3f));
        *(*to)++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *(*to)++ = (char)(0x80 | (c & 0x3f));
    return true;
}

/* The string whose quote is at hand, ended where it stands. The text's own end, a 0, ends none. */
static bool read_string(struct reader *r, const char **out)
{
    char *s = r->at + 1, *to = s;

    if (*r->at != '"') return false;
    *out = to;
    while (*s != '"') {
        unsigned char c = (unsigned char)*s;
        int bytes = 1;

        if (c < 0x20) return false;
        if (c == '\\') {
            if (!escaped(&s, &to)) return false;
            continue;
        }
        if (c >= 0x80) bytes = wg__utf8_bytes(s);
        if (bytes == 0) return false;
        for (; bytes > 0; bytes--) *to++ = *s++;
    }
    r->at = s + 1;
    *to = '\0';
    return true;
}

/* ---- numbers ---- */

/* The double nearest to the digits at `from`, a point among them, times ten to `exponent`. Without
 * a point: where one is read, the locale has a say. */
static bool read_slowly(struct reader *r, const char *from, const char *to, long long exponent,
                        double *out)
{
    size_t room = (size_t)(to - from) + 32, n = 0;
    char *text = take(r, room);

    if (!text) return false;
    for (; from < to; from++)
        if (*from != '.') text[n++] = *from;
    snprintf(text + n, room - n, "e%lld", exponent);
    *out = strtod(text, NULL);
    return isfinite(*out);
}

static bool read_real(struct reader *r, const char *from, const char *to, uint64_t digits,
                      bool exact, long long exponent, wg_json *v)
{
    static const double ten_to[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    bool negative = *from == '-';

    v->kind = WG_JSON_REAL;
    /* Two numbers that a double holds: their product and quotient are rounded once. */
    if (FLT_EVAL_METHOD == 0 && exact && digits <= UINT64_C(1) << 53 && exponent >= -22 &&
        exponent <= 22) {
        double m = negative ? -(double)digits : (double)digits;

        v->as.real = exponent < 0 ? m / ten_to[-exponent] : m * ten_to[exponent];
        return true;
    }
    return read_slowly(r, from, to, exponent, &v->as.real);
}

/* The exponent at r->at, which is added to. */
static bool read_exponent(struct reader *r, long long *exponent)
{
    long long given = 0;
    bool negative;

    r->at++;
    negative = *r->at == '-';
    r->at += *r->at == '-' || *r->at == '+';
    if (!is_digit(*r->at)) return false;
    /* Beyond what any digits of a text can make up for. */
    for (; is_digit(*r->at); r->at++)
        if (given < 100000000000) given = 10 * given + (*r->at - '0');
    *exponent += negative ? -given : given;
    return true;
}

static bool read_number(struct reader *r, wg_json *v)
{
    const uint64_t most = UINT64_MAX / 10 - 1;
    char *from = r->at, *to;
    bool negative = *from == '-', exact = true, whole = true;
    long long exponent = 0;
    uint64_t digits = 0;

    r->at += negative;
    if (!is_digit(*r->at) || (r->at[0] == '0' && is_digit(r->at[1]))) return false;
    for (; is_digit(*r->at) || (*r->at == '.' && whole); r->at++) {
        if (*r->at == '.') {
            whole = false;
            if (!is_digit(r->at[1])) return false;
            continue;
        }
        exponent -= !whole;
        if (digits <= most) digits = digits * 10 + (uint64_t)(*r->at - '0');
        else exact = false;
    }
    to = r->at;
    if (*r->at == 'e' || *r->at == 'E') {
        whole = false;
        if (!read_exponent(r, &exponent)) return false;
    }
    if (!whole) return read_real(r, from, to, digits, exact, exponent, v);
    if (!exact || digits > (uint64_t)INT64_MAX + negative) return false;
    v->kind = WG_JSON_INT;
    v->as.integer = (int64_t)(negative ? 0 - digits : digits);
    return true;
}

/* ---- lists and objects ---- */

static bool read_value(struct reader *r, wg_json *v);

/* No two members have one name; of many a table is made. */
static bool names_differ(wg_member *m, int64_t n)
{
    int32_t *slots = (int32_t *)(m + n);

    if (n <= WG_FEW_MEMBERS) {
        for (int64_t i = 1; i < n; i++)
            for (int64_t k = 0; k < i; k++)
                if (strcmp(m[i].key, m[k].key) == 0) return false;
        return true;
    }
    memset(slots, 0xff, (size_t)wg__json_slots(n) * sizeof *slots);
    for (int64_t i = 0; i < n; i++) {
        int32_t *slot = wg__json_slot(m, n, slots, m[i].key);

        if (*slot >= 0) return false;
        *slot = (int32_t)i;
    }
    return true;
}

/* What the stack holds from `first` on becomes the value. */
static bool close_list(struct reader *r, int64_t first, wg_json *v)
{
    int64_t n = r->n - first;
    wg_json *item = n ? take(r, (size_t)n * sizeof *item) : NULL;

    if (n && !item) return false;
    for (int64_t i = 0; i < n; i++) item[i] = r->stack[first + i].value;
    *v = (wg_json){ .kind = WG_JSON_LIST, .n = (int32_t)n, .as.item = item };
    return true;
}

static bool close_object(struct reader *r, int64_t first, wg_json *v)
{
    int64_t n = r->n - first;
    size_t table = n > WG_FEW_MEMBERS ? (size_t)wg__json_slots(n) * sizeof(int32_t) : 0;
    wg_member *m = n ? take(r, (size_t)n * sizeof *m + table) : NULL;

    if (n && !m) return false;
    if (n) memcpy(m, r->stack + first, (size_t)n * sizeof *m);
    *v = (wg_json){ .kind = WG_JSON_OBJECT, .n = (int32_t)n, .as.member = m };
    return names_differ(m, n);
}

static bool read_item(struct reader *r, bool named)
{
    wg_member m = { .key = NULL };
    wg_member *wider;

    if (named) {
        if (!read_string(r, &m.key)) return false;
        skip_blanks(r);
        if (*r->at++ != ':') return false;
        skip_blanks(r);
    }
    if (!read_value(r, &m.value)) return false;
    wider = wg__grow(r->stack, &r->cap, r->n + 1, sizeof *wider);
    if (!wider) {
        r->no_memory = true;
        return false;
    }
    r->stack = wider;
    r->stack[r->n++] = m;
    skip_blanks(r);
    return true;
}

static bool read_items(struct reader *r, bool named, wg_json *v)
{
    const char end = named ? '}' : ']';
    int64_t first = r->n;
    bool ok;

    if (++r->depth > WG_JSON_DEPTH) return false;
    r->at++;
    skip_blanks(r);
    if (*r->at != end) {
        if (!read_item(r, named)) return false;
        while (*r->at == ',') {
            r->at++;
            skip_blanks(r);
            if (!read_item(r, named)) return false;
        }
    }
    if (*r->at++ != end) return false;
    ok = named ? close_object(r, first, v) : close_list(r, first, v);
    r->n = first;
    r->depth--;
    return ok;
}

static bool read_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(r->at, word, n) != 0) return false;
    r->at += n;
    return true;
}

static bool read_value(struct reader *r, wg_json *v)
{
    *v = (wg_json){ .kind = WG_JSON_NULL };
    switch (*r->at) {
    case '{':
        return read_items(r, true, v);
    case '[':
        return read_items(r, false, v);
    case '"':
        v->kind = WG_JSON_TEXT;
        return read_string(r, &v->as.text);
    case 't':
    case 'f':
        v->kind = WG_JSON_BOOL;
        v->as.truth = *r->at == 't';
        return read_word(r, v->as.truth ? "true" : "false");
    case 'n':
        return read_word(r, "null");
    default:
        return read_number(r, v);
    }
}

wg_json *wg__json_parse(const char *text, size_t n, const char *file, wg_error *error)
{
    struct reader r = { .n = 0 };
    struct wg_document *document;
    char *copy;
    bool ok = false;

    if (n == 0) {
        wg__io_fail(error, WG_EFORMAT, file, "is empty");
        return NULL;
    }
    /* Lines, columns, items and members are counted in ints. */
    if (n > INT32_MAX - 1) {
        wg__io_fail(error, WG_ELIMIT, file, "%zu bytes of JSON are more than %" PRId32, n,
                    INT32_MAX - 1);
        return NULL;
    }
    wg__arena_init(&r.arena);
    document = take(&r, sizeof *document);
    copy = document ? take(&r, n + 1) : NULL;
    if (copy) {
        memcpy(copy, text, n);
        copy[n] = '\0';
        r.at = copy;
        skip_blanks(&r);
        ok = read_value(&r, &document->root);
        if (ok) skip_blanks(&r);
        ok = ok && r.at == copy + n;
    }
    wg__release(r.stack);
    if (ok) {
        document->arena = r.arena;
        return &document->root;
    }
    wg__arena_free(&r.arena);
    if (r.no_memory) wg__io_fail(error, WG_ENOMEM, file, "out of memory");
    else wg__json_fault(text, n, file, error);
    return NULL;
}
