/* data_csv.c: tables of numbers as text. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "source.h"
#include "spell.h"
#include "wengert/op.h"

enum { CHUNK = 1 << 16, LINE_MOST = 1 << 24, FIELD_SHOWN = 24 };

typedef struct {
    wg__source *s;
    const wg_data_options *options;
    char *line; /* the line at hand, terminated */
    int64_t n, cap;
    unsigned char *chunk;
    int64_t at, end; /* in the chunk */
    int64_t number;  /* of the line, from 1 */
    bool ended;
    char separator; /* ' ': any blanks */
    int64_t columns;
    double *value;
    int64_t count, room;
} csv;

static wg_status no_memory(const csv *c)
{
    return wg_fail(c->s->error, WG_ENOMEM, c->s->op, "%s: line %lld", c->s->path,
                   (long long)c->number);
}

/* Doubles an array of `size` bytes an element. */
static bool grow(void **p, int64_t *cap, int64_t used, int64_t least, size_t size)
{
    int64_t wider = *cap ? 2 * *cap : least;
    void *q = wg_alloc(wider, size);

    if (!q) return false;
    if (used > 0) memcpy(q, *p, (size_t)used * size);
    wg_free(*p);
    *p = q;
    *cap = wider;
    return true;
}

/* ---- lines ---- */

static wg_status fill(csv *c)
{
    int64_t got = wg__source_read(c->s, c->chunk, CHUNK);

    c->at = 0;
    c->end = got > 0 ? got : 0;
    if (got == CHUNK) return WG_OK;
    c->ended = true;
    return got < 0 || !wg__source_sound(c->s) ? wg__source_fail(c->s, got, CHUNK) : WG_OK;
}

static wg_status put(csv *c, unsigned char b)
{
    if (b == 0)
        return wg_fail(c->s->error, WG_EFORMAT, c->s->op,
                       "%s: line %lld: a zero byte: this is no text in UTF-8", c->s->path,
                       (long long)c->number);
    if (c->n + 1 >= c->cap) {
        void *line = c->line;

        if (c->n >= LINE_MOST)
            return wg_fail(c->s->error, WG_ELIMIT, c->s->op,
                           "%s: line %lld is longer than %d bytes", c->s->path,
                           (long long)c->number, LINE_MOST);
        if (!grow(&line, &c->cap, c->n, 256, 1)) return no_memory(c);
        c->line = line;
    }
    c->line[c->n++] = (char)b;
    c->line[c->n] = '\0';
    return WG_OK;
}

/* The next line without its end, of LF, CR LF or CR. *more: there is one. */
static wg_status next_line(csv *c, bool *more)
{
    wg_status status = WG_OK;
    bool any = false;

    c->n = 0;
    if (c->line) c->line[0] = '\0';
    c->number++;
    while (status == WG_OK) {
        unsigned char b;

        if (c->at == c->end) {
            if (c->ended) break;
            status = fill(c);
            continue;
        }
        b = c->chunk[c->at++];
        any = true;
        if (b == '\n') break;
        status = put(c, b);
    }
    while (c->n > 0 && c->line[c->n - 1] == '\r') c->line[--c->n] = '\0';
    *more = status == WG_OK && any;
    return status;
}

static bool is_data(const csv *c)
{
    const char *p = c->line;

    if (!p) return false;
    while (*p == ' ' || *p == '\t') p++;
    return *p && *p != '#';
}

/* ---- fields ---- */

static bool is_separator(const csv *c, char b)
{
    return b == c->separator || (c->separator == ' ' && b == '\t');
}

/* The field at *p, blanks and quotes about it taken away; *p moves to the separator or the end. */
static void field(const csv *c, const char **p, const char **from, const char **to)
{
    const char *s = *p;

    while (*s == ' ' || (*s == '\t' && c->separator != '\t')) s++;
    if (*s == '"') {
        *from = ++s;
        while (*s && *s != '"') s++;
        *to = s;
        while (*s && !is_separator(c, *s)) s++;
    } else {
        *from = s;
        while (*s && !is_separator(c, *s)) s++;
        *to = s;
    }
    while (*to > *from && isspace((unsigned char)(*to)[-1])) --*to;
    *p = s;
}

static bool word_is(const char *from, const char *to, const char *word)
{
    for (; from < to && *word; from++, word++)
        if (tolower((unsigned char)*from) != *word) return false;
    return from == to && !*word;
}

/* Most tables hold small whole numbers: digits alone, few enough to be exact. */
static bool read_digits(const char *from, const char *to, double *v)
{
    int64_t whole = 0;

    if (from == to || to - from > 15) return false;
    for (; from < to; from++) {
        if (!isdigit((unsigned char)*from)) return false;
        whole = 10 * whole + (*from - '0');
    }
    *v = (double)whole;
    return true;
}

/* Whole fields only; nan and inf as Python and R write them. */
static bool read_number(const char *from, const char *to, double *v)
{
    const char *unsigned_ = from + (from < to && (*from == '-' || *from == '+'));

    if (read_digits(from, to, v)) return true;
    if (from == to || word_is(unsigned_, to, "nan") || word_is(from, to, "na")) {
        *v = NAN;
        return true;
    }
    if (word_is(unsigned_, to, "inf") || word_is(unsigned_, to, "infinity")) {
        *v = *from == '-' ? -INFINITY : INFINITY;
        return true;
    }
    return wg__read_double(from, v) == to;
}

/* The field as it may stand in a message. */
static const char *shown(const char *from, const char *to, char text[FIELD_SHOWN + 4])
{
    int n = 0;

    for (; from < to && n < FIELD_SHOWN; from++)
        text[n++] = (unsigned char)*from < 0x20 || (unsigned char)*from > 0x7e ? '?' : *from;
    strcpy(text + n, from < to ? "..." : "");
    return text;
}

static wg_status place_fail(const csv *c, wg_status code, int64_t column, const char *from,
                            const char *to, const char *what)
{
    char text[FIELD_SHOWN + 4];

    return wg_fail(c->s->error, code, c->s->op, "%s: line %lld, column %lld: \"%s\" %s", c->s->path,
                   (long long)c->number, (long long)column, shown(from, to, text), what);
}

static wg_status read_field(csv *c, const char *from, const char *to, int64_t column)
{
    double v;

    if (from == to && !c->options->allow_nan)
        return wg_fail(c->s->error, WG_ENONFINITE, c->s->op, "%s: line %lld, column %lld is empty",
                       c->s->path, (long long)c->number, (long long)column);
    if (!read_number(from, to, &v))
        return place_fail(c, WG_EFORMAT, column, from, to, "is no number");
    if (!isfinite(v) && !c->options->allow_nan)
        return place_fail(c, WG_ENONFINITE, column, from, to, "is not finite");
    if (c->count == c->room) {
        void *value = c->value;

        if (!grow(&value, &c->room, c->count, 1024, sizeof *c->value)) return no_memory(c);
        c->value = value;
    }
    c->value[c->count++] = v;
    return WG_OK;
}

/* A line's end after a separator is one more, empty field, but not after blanks. */
static wg_status read_fields(csv *c)
{
    const char *p = c->line, *from, *to;
    int64_t column = 0;
    wg_status status = WG_OK;

    while (c->separator == ' ' && (*p == ' ' || *p == '\t')) p++;
    do {
        field(c, &p, &from, &to);
        status = read_field(c, from, to, ++column);
        if (status != WG_OK || !*p) break;
        p++;
        while (c->separator == ' ' && (*p == ' ' || *p == '\t')) p++;
    } while (c->separator != ' ' || *p);
    if (status != WG_OK) return status;
    if (c->columns == 0) c->columns = column;
    if (column == c->columns) return WG_OK;
    return wg_fail(c->s->error, WG_EFORMAT, c->s->op,
                   "%s: line %lld has %lld columns, those before have %lld", c->s->path,
                   (long long)c->number, (long long)column, (long long)c->columns);
}

/* Names are what cannot be read as numbers. */
static bool is_header(const csv *c)
{
    const char *p = c->line, *from, *to;
    double v;

    if (c->options->header != WG_HEADER_AUTO) return c->options->header == WG_HEADER_YES;
    while (c->separator == ' ' && (*p == ' ' || *p == '\t')) p++;
    for (;; p++) {
        field(c, &p, &from, &to);
        if (!read_number(from, to, &v)) return true;
        if (!*p) return false;
    }
}

static void find_separator(csv *c)
{
    const char *p = strpbrk(c->line, ",;\t");

    c->separator = c->options->separator;
    if (!c->separator) c->separator = p ? *p : ' ';
}

/* ---- the whole ---- */

static wg_status read_table(csv *c)
{
    bool more = true, first = true;
    wg_status status = WG_OK;

    while (status == WG_OK) {
        status = next_line(c, &more);
        if (status != WG_OK || !more) break;
        /* A byte order mark of UTF-8 is no text. */
        if (c->number == 1 && c->n >= 3 && memcmp(c->line, "\xef\xbb\xbf", 3) == 0)
            memmove(c->line, c->line + 3, (size_t)c->n - 2);
        if (!is_data(c)) continue;
        if (first) find_separator(c);
        if (!first || !is_header(c)) status = read_fields(c);
        first = false;
    }
    if (status == WG_OK && c->count == 0)
        return wg_fail(c->s->error, WG_EFORMAT, c->s->op, "%s: no line of numbers", c->s->path);
    return status;
}

wg_status wg__csv_from(wg__source *s, const wg_data_options *options, wg_data *data)
{
    static const wg_data_options defaults = { false, 0, WG_HEADER_AUTO };
    csv c = { .s = s, .options = options ? options : &defaults };
    unsigned char *first = s->ahead;
    wg_status status;

    if (s->n_ahead >= 2 &&
        ((first[0] == 0xff && first[1] == 0xfe) || (first[0] == 0xfe && first[1] == 0xff)))
        return wg_fail(s->error, WG_EFORMAT, s->op, "%s: text in UTF-16: save it as UTF-8",
                       s->path);
    c.chunk = wg_alloc(CHUNK, 1);
    status = c.chunk ? read_table(&c) : no_memory(&c);
    wg_free(c.chunk);
    wg_free(c.line);
    if (status != WG_OK) {
        wg_free(c.value);
        return status;
    }
    *data = (wg_data){ WG_DATA_F64, false, WG_SHAPE(c.count / c.columns, c.columns), c.value };
    if (c.columns == 1) data->shape = WG_SHAPE(c.count);
    return WG_OK;
}
