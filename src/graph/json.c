/*
 * json.c: reading JSON, through jansson, which no other file knows. Its process-wide settings (allocator,
 * hash seed) stay as the host program left them.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "program.h"

static json_t *inside(const wg_json *v)
{
    return (json_t *)(uintptr_t)v;
}

/* The line on which nesting exceeds the bound; 0: nowhere. Parsers and destructors recurse, so this comes first. */
static int64_t too_deep(const char *text, size_t n)
{
    int64_t line = 1;
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < n; i++) {
        char c = text[i];

        if (c == '\n') line++;
        if (quoted) {
            if (c == '\\') i++;
            else if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > WG_JSON_DEPTH) return line;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return 0;
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

wg_json *wg__json_parse(const char *text, size_t n, const char *file, wg_error *error)
{
    json_error_t e;
    json_t *v;
    int64_t line;
    const char *near;

    if (n == 0) {
        wg__io_fail(error, WG_EFORMAT, file, "is empty");
        return NULL;
    }
    /* jansson counts lines and columns in ints. */
    if (n > INT32_MAX) {
        wg__io_fail(error, WG_ELIMIT, file, "%zu bytes of JSON are more than %" PRId32, n,
                    INT32_MAX);
        return NULL;
    }
    line = too_deep(text, n);
    if (line > 0) {
        wg__io_fail(error, WG_ELIMIT, file, "line %" PRId64 ": nested deeper than %d levels", line,
                    WG_JSON_DEPTH);
        return NULL;
    }
    v = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (v) return (wg_json *)v;
    if (json_error_code(&e) == json_error_out_of_memory) {
        wg__io_fail(error, WG_ENOMEM, file, "out of memory");
        return NULL;
    }
    near = strstr(e.text, " near ");
    wg__io_fail(error, WG_EFORMAT, file, "line %d, column %d: %s%s", e.line, e.column,
                fault_text(json_error_code(&e)), near ? WG_SHOW(near) : "");
    return NULL;
}

void wg__json_free(wg_json *v)
{
    json_decref(inside(v));
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
