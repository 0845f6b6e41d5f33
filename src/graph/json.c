/*
 * json.c: reading JSON, through jansson, which no other file knows. Its process-wide settings
 * (allocator, hash seed) stay as the host program left them.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "program.h"

static json_t *inside(const wg_json *v)
{
    return (json_t *)(uintptr_t)v;
}

/*
 * When memory ends while jansson widens the buffer of a token, it drops the byte at hand and goes
 * on: a number loses a digit in silence, a string its closing quote, beyond which it then reads and
 * writes. So the text is handed over as the second item of a list. The first item is the number 1,
 * written with so many zeros that the buffer, which doubles from 16 bytes, is wide enough for every
 * token of the text before the text begins; and if memory ended on the way, the text does not
 * begin.
 */
struct wrapped {
    struct {
        const char *text; /* NULL: zeros */
        size_t n;
    } part[5];
    int at;
    bool no_memory;
};

enum { ZEROS = 1, TAIL = 2, PARTS = 5 };

static size_t more_of(void *to, size_t room, void *data)
{
    struct wrapped *w = data;
    size_t n = 0;

    if (w->at <= TAIL && errno == ENOMEM) w->no_memory = true;
    if (w->no_memory) return 0;
    while (w->at < PARTS && n < room) {
        size_t take = w->part[w->at].n < room - n ? w->part[w->at].n : room - n;

        if (w->part[w->at].text) {
            memcpy((char *)to + n, w->part[w->at].text, take);
            w->part[w->at].text += take;
        } else {
            memset((char *)to + n, '0', take);
        }
        w->part[w->at].n -= take;
        n += take;
        if (w->part[w->at].n > 0) break;
        /* The number is looked at before the rest of it is given. */
        if (w->at++ == ZEROS) break;
    }
    return n;
}

/* NULL with *no_memory or *e. Line 1 of the error is that of the number. */
static json_t *parse_wrapped(const char *text, size_t n, size_t longest, bool *no_memory,
                             json_error_t *e)
{
    char tail[40];
    size_t size = 64, zeros;
    struct wrapped w = { { { "[1", 2 }, { NULL, 0 }, { tail, 0 }, { text, n }, { "]", 1 } },
                         0,
                         false };
    json_t *list, *v = NULL;

    while (size < longest + 64) size *= 2;
    /* Past the last widening, and the tail well before the next. */
    zeros = size / 2 + 1;
    snprintf(tail, sizeof tail, "e-%zu,\n", zeros);
    w.part[ZEROS].n = zeros;
    w.part[TAIL].n = strlen(tail);
    errno = 0;
    list = json_load_callback(more_of, &w, JSON_REJECT_DUPLICATES, e);
    *no_memory = w.no_memory ||
                 (!list && (errno == ENOMEM || json_error_code(e) == json_error_unknown ||
                            json_error_code(e) == json_error_out_of_memory)) ||
                 (list && json_real_value(json_array_get(list, 0)) != 1);
    if (!*no_memory && json_array_size(list) == 2) v = json_incref(json_array_get(list, 1));
    json_decref(list);
    return v;
}

static const char *fault_text(enum json_error_code code)
{
    switch (code) {
    case json_error_premature_end_of_input:
        return "ends too early";
    case json_error_end_of_input_expected:
        return "goes on after its end";
    case json_error_duplicate_key:
        return "a name occurs twice in one object";
    case json_error_numeric_overflow:
        return "a number is out of range";
    case json_error_invalid_utf8:
        return "is not UTF-8";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a string holds the character 0";
    default:
        return "is not JSON";
    }
}

/* Where the text stops being JSON. What was put around it must not show. */
static void explain(const wg_survey *look, const json_error_t *e, const char *file, wg_error *error)
{
    const char *near = strstr(e->text, " near ");
    int line = e->line - 1;
    enum json_error_code code = json_error_code(e);

    if (line < 1 && !look->more_line) wg__io_fail(error, WG_EFORMAT, file, "goes on after its end");
    else if (look->more_line && (line < 1 || line > look->more_line ||
                                 (line == look->more_line && e->column >= look->more_column)))
        wg__io_fail(error, WG_EFORMAT, file, "line %d, column %d: goes on after its end",
                    look->more_line, look->more_column);
    else if (code == json_error_premature_end_of_input || line > look->lines ||
             (line == look->lines && e->column > look->column))
        wg__io_fail(error, WG_EFORMAT, file, "line %d, column %d: ends too early", look->lines,
                    look->column);
    else
        wg__io_fail(error, WG_EFORMAT, file, "line %d, column %d: %s%s", line, e->column,
                    fault_text(code), near ? WG_SHOW(near) : "");
}

wg_json *wg__json_parse(const char *text, size_t n, const char *file, wg_error *error)
{
    wg_survey look;
    json_error_t e = { 0 };
    json_t *v;
    bool no_memory;

    if (n == 0) {
        wg__io_fail(error, WG_EFORMAT, file, "is empty");
        return NULL;
    }
    /* Lines and columns are counted in ints. */
    if (n > INT32_MAX - 1) {
        wg__io_fail(error, WG_ELIMIT, file, "%zu bytes of JSON are more than %" PRId32, n,
                    INT32_MAX - 1);
        return NULL;
    }
    look = wg__json_survey(text, n, NULL);
    if (look.deep_line > 0) {
        wg__io_fail(error, WG_ELIMIT, file, "line %d: nested deeper than %d levels", look.deep_line,
                    WG_JSON_DEPTH);
        return NULL;
    }
    if (look.zero_line > 0) {
        wg__io_fail(error, WG_EFORMAT, file, "line %d: holds the character 0", look.zero_line);
        return NULL;
    }
    v = parse_wrapped(text, n, look.longest, &no_memory, &e);
    if (no_memory) wg__io_fail(error, WG_ENOMEM, file, "out of memory");
    else if (!v) explain(&look, &e, file, error);
    return (wg_json *)v;
}

void wg__json_free(wg_json *v)
{
    json_decref(inside(v));
}

wg_json *wg__json_keep(const wg_json *v)
{
    return (wg_json *)json_incref(inside(v));
}

wg_json_kind wg__json_kind(const wg_json *v)
{
    switch (json_typeof(inside(v))) {
    case JSON_OBJECT:
        return WG_JSON_OBJECT;
    case JSON_ARRAY:
        return WG_JSON_LIST;
    case JSON_STRING:
        return WG_JSON_TEXT;
    case JSON_INTEGER:
        return WG_JSON_INT;
    case JSON_REAL:
        return WG_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return WG_JSON_BOOL;
    default:
        return WG_JSON_NULL;
    }
}

const char *wg__json_what(const wg_json *v)
{
    static const char *const what[] = { "null",     "a truth value", "an integer", "a real number",
                                        "a string", "a list",        "an object" };

    return v ? what[wg__json_kind(v)] : "missing";
}

int64_t wg__json_count(const wg_json *v)
{
    return v ? (int64_t)(json_array_size(inside(v)) + json_object_size(inside(v))) : 0;
}

const wg_json *wg__json_at(const wg_json *v, int64_t i)
{
    return (const wg_json *)json_array_get(inside(v), (size_t)i);
}

const wg_json *wg__json_get(const wg_json *v, const char *key)
{
    return (const wg_json *)json_object_get(inside(v), key);
}

const char *wg__json_text(const wg_json *v)
{
    return json_string_value(inside(v));
}

bool wg__json_int(const wg_json *v, int64_t *out)
{
    if (!json_is_integer(inside(v))) return false;
    *out = json_integer_value(inside(v));
    return true;
}

bool wg__json_number(const wg_json *v, double *out)
{
    if (!json_is_number(inside(v))) return false;
    *out = json_number_value(inside(v));
    return true;
}

bool wg__json_bool(const wg_json *v, bool *out)
{
    if (!json_is_boolean(inside(v))) return false;
    *out = json_is_true(inside(v));
    return true;
}

bool wg__json_next(wg_json_walk *w)
{
    json_t *object = inside(w->object);

    w->at = w->at ? json_object_iter_next(object, w->at) : json_object_iter(object);
    if (!w->at) return false;
    w->key = json_object_iter_key(w->at);
    w->value = (const wg_json *)json_object_iter_value(w->at);
    return true;
}

/* Recursion ends: what was parsed is at most WG_JSON_DEPTH deep. */
void wg__put_value(wg_text *t, const wg_json *v)
{
    wg_json_walk w = { .object = v };
    bool first = true;

    switch (wg__json_kind(v)) {
    case WG_JSON_NULL:
        wg__put(t, "null");
        break;
    case WG_JSON_BOOL:
        wg__put(t, json_is_true(inside(v)) ? "true" : "false");
        break;
    case WG_JSON_INT:
        wg__put_int(t, json_integer_value(inside(v)));
        break;
    case WG_JSON_REAL:
        wg__put_real(t, json_real_value(inside(v)));
        break;
    case WG_JSON_TEXT:
        wg__put_string(t, wg__json_text(v));
        break;
    case WG_JSON_LIST:
        wg__put(t, "[");
        for (int64_t i = 0; i < wg__json_count(v); i++) {
            if (i > 0) wg__put(t, ", ");
            wg__put_value(t, wg__json_at(v, i));
        }
        wg__put(t, "]");
        break;
    case WG_JSON_OBJECT:
        wg__put(t, "{");
        for (; wg__json_next(&w); first = false) {
            if (!first) wg__put(t, ", ");
            wg__put_string(t, w.key);
            wg__put(t, ": ");
            wg__put_value(t, w.value);
        }
        wg__put(t, "}");
        break;
    }
}
