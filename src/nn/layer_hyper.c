/* layer_hyper.c: structs of hyperparameters by their field tables: defaults, copies, JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layer_impl.h"
#include "spell.h"
#include "wengert/ops_window.h"

static void *at(void *hyper, const wg_field *f)
{
    return (char *)hyper + f->offset;
}

static bool inverted(const wg_field *f)
{
    return f->kind == WG_A_BOOL && f->string;
}

static const wg_field *field(const wg_layer_class *kind, const char *name, size_t length)
{
    for (const wg_field *f = kind->hyper; f && f->name; f++)
        if (strlen(f->name) == length && !strncmp(f->name, name, length)) return f;
    return NULL;
}

/* The choice NAME_mode beside a list NAME: together they are numpy-ml's pad. */
static const wg_field *mode_of(const wg_layer_class *kind, const wg_field *f)
{
    char name[WG_KEY_MAX];

    if (f->kind != WG_A_I64N) return NULL;
    snprintf(name, sizeof name, "%s_mode", f->name);
    return field(kind, name, strlen(name));
}

static bool is_mode(const wg_layer_class *kind, const wg_field *f)
{
    size_t n = strlen(f->name);
    const wg_field *of;

    if (f->kind != WG_A_CHOICE || n < 6 || strcmp(f->name + n - 5, "_mode") != 0) return false;
    of = field(kind, f->name, n - 5);
    return of && of->kind == WG_A_I64N;
}

static bool own_field(void *hyper, const wg_field *f, bool exact)
{
    switch (f->kind) {
    case WG_A_I64:
    case WG_A_CHOICE:
        if (!exact && *(int64_t *)at(hyper, f) == 0) *(int64_t *)at(hyper, f) = (int64_t)f->number;
        return true;
    case WG_A_F64:
        if (!exact && *(double *)at(hyper, f) == 0) *(double *)at(hyper, f) = f->number;
        return true;
    case WG_A_STR: {
        const char **s = at(hyper, f);

        if (!*s && !exact) *s = f->string;
        return !*s || (*s = wg_text_copy(*s)) != NULL;
    }
    default:
        return true;
    }
}

bool wg__hyper_copy(void *to, const wg_layer_class *kind, const void *from, bool exact)
{
    bool ok = true;

    if (kind->hyper_size && from) memcpy(to, from, kind->hyper_size);
    for (const wg_field *f = kind->hyper; f && f->name; f++)
        if (!own_field(to, f, exact)) ok = false;
    return ok;
}

void wg__hyper_clear(void *hyper, const wg_layer_class *kind)
{
    for (const wg_field *f = kind->hyper; f && f->name; f++)
        if (f->kind == WG_A_STR) {
            wg_free(*(void **)at(hyper, f));
            *(void **)at(hyper, f) = NULL;
        }
}

/* ---- writing ---- */

static json_t *list_json(const int64_t *v, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n && list; i++) json_array_append_new(list, json_integer(v[i]));
    return list;
}

static json_t *pad_json(const int64_t *pad, size_t n, const wg_field *mode, int64_t chosen)
{
    bool same = true;

    if (chosen != WG_PAD_EXPLICIT) return json_string(mode->choices[chosen]);
    for (size_t i = 1; i < n; i++) same = same && pad[i] == pad[0];
    return same ? json_integer(pad[0]) : list_json(pad, n);
}

static json_t *field_json(const wg_layer_class *kind, void *hyper, const wg_field *f)
{
    const wg_field *mode = mode_of(kind, f);
    void *v = at(hyper, f);

    switch (f->kind) {
    case WG_A_BOOL:
        return json_boolean(*(bool *)v != inverted(f));
    case WG_A_I64:
        return json_integer(*(int64_t *)v);
    case WG_A_F64:
        return json_real(*(double *)v);
    case WG_A_STR:
        return *(char **)v ? json_string(*(char **)v) : json_null();
    case WG_A_CHOICE:
        return json_string(f->choices[*(int64_t *)v]);
    case WG_A_I64N:
        return mode ? pad_json(v, f->size / sizeof(int64_t), mode, *(int64_t *)at(hyper, mode))
                    : list_json(v, f->size / sizeof(int64_t));
    default:
        return json_null();
    }
}

json_t *wg__hyper_json(const wg_layer_class *kind, const void *hyper)
{
    json_t *object = json_object();

    for (const wg_field *f = kind->hyper; f && f->name && object; f++)
        if (!is_mode(kind, f) &&
            json_object_set_new(object, f->name, field_json(kind, (void *)hyper, f)) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

/* ---- reading ---- */

static bool wrong(wg_error *error, const wg_layer_class *kind, const wg_field *f, const char *want)
{
    wg_fail(error, WG_EARG, kind->name, "%s is no %s", f->name, want);
    return false;
}

static int choice(const wg_field *f, const char *text)
{
    for (int i = 0; text && f->choices[i]; i++)
        if (!strcmp(f->choices[i], text)) return i;
    return -1;
}

static bool bad_choice(wg_error *error, const wg_layer_class *kind, const char *name,
                       const wg_field *f, const char *text)
{
    int n = 0;

    while (f->choices[n]) n++;
    wg_fail(error, WG_EARG, kind->name, "%s is \"%s\"; the nearest valid one is \"%s\"", name, text,
            wg__nearest(text, n, f->choices));
    return false;
}

static bool read_list(int64_t *to, size_t n, const json_t *from, wg_error *error,
                      const wg_layer_class *kind, const wg_field *f)
{
    if (json_array_size(from) != n) {
        wg_fail(error, WG_EARG, kind->name, "%s has %zu numbers, wanted %zu", f->name,
                json_array_size(from), n);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!json_is_integer(json_array_get(from, i)))
            return wrong(error, kind, f, "list of integers");
        to[i] = json_integer_value(json_array_get(from, i));
    }
    return true;
}

/* "same", an int, [r, c] or [top, bottom, left, right]; in one dimension an int or [left, right].
 */
static bool read_pad(void *hyper, const wg_layer_class *kind, const wg_field *f,
                     const wg_field *mode, const json_t *from, wg_error *error)
{
    int64_t *pad = at(hyper, f), *chosen = at(hyper, mode), two[2];
    size_t n = f->size / sizeof(int64_t);

    if (json_is_string(from)) {
        int c = choice(mode, json_string_value(from));

        if (c < 0) return bad_choice(error, kind, f->name, mode, json_string_value(from));
        *chosen = c;
        memset(pad, 0, f->size);
        return true;
    }
    if (json_is_integer(from)) {
        for (size_t i = 0; i < n; i++) pad[i] = json_integer_value(from);
    } else if (json_is_array(from) && n == 4 && json_array_size(from) == 2) {
        if (!read_list(two, 2, from, error, kind, f)) return false;
        pad[0] = pad[1] = two[0];
        pad[2] = pad[3] = two[1];
    } else if (!json_is_array(from)) {
        return wrong(error, kind, f, "padding: wanted a name, a number or a list of numbers");
    } else if (!read_list(pad, n, from, error, kind, f)) {
        return false;
    }
    *chosen = WG_PAD_EXPLICIT;
    return true;
}

/* A number stands for its digits (numpy-ml's keep_dim is "first", "last" or -1), null for the
 * default. */
static bool read_text(char **to, const json_t *from, wg_error *error, const wg_layer_class *kind,
                      const wg_field *f)
{
    const char *text = json_is_string(from) ? json_string_value(from) : f->string;
    char digits[32], *copy;

    snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(from));
    if (json_is_integer(from)) text = digits;
    copy = text ? wg_text_copy(text) : NULL;
    if (text && !copy) {
        wg_fail(error, WG_ENOMEM, kind->name, "out of memory");
        return false;
    }
    wg_free(*to);
    *to = copy;
    return true;
}

static bool read_field(void *hyper, const wg_layer_class *kind, const wg_field *f,
                       const json_t *from, wg_error *error)
{
    const wg_field *mode = mode_of(kind, f);
    void *v = at(hyper, f);

    switch (f->kind) {
    case WG_A_BOOL:
        if (!json_is_boolean(from)) return wrong(error, kind, f, "boolean");
        *(bool *)v = json_is_true(from) != inverted(f);
        return true;
    case WG_A_I64:
        if (!json_is_integer(from)) return wrong(error, kind, f, "integer");
        *(int64_t *)v = json_integer_value(from);
        return true;
    case WG_A_F64:
        if (!json_is_number(from)) return wrong(error, kind, f, "number");
        *(double *)v = json_number_value(from);
        return true;
    case WG_A_STR:
        if (!json_is_string(from) && !json_is_integer(from) && !json_is_null(from))
            return wrong(error, kind, f, "string");
        return read_text(v, from, error, kind, f);
    case WG_A_CHOICE: {
        int c = choice(f, json_string_value(from));

        if (!json_is_string(from)) return wrong(error, kind, f, "string");
        if (c < 0) return bad_choice(error, kind, f->name, f, json_string_value(from));
        *(int64_t *)v = c;
        return true;
    }
    case WG_A_I64N:
        if (mode) return read_pad(hyper, kind, f, mode, from, error);
        /* one number stands for all */
        if (json_is_integer(from)) {
            for (size_t i = 0; i < f->size / sizeof(int64_t); i++)
                ((int64_t *)v)[i] = json_integer_value(from);
            return true;
        }
        if (!json_is_array(from)) return wrong(error, kind, f, "list of integers");
        return read_list(v, f->size / sizeof(int64_t), from, error, kind, f);
    default:
        return wrong(error, kind, f, "value of a known kind");
    }
}

bool wg__hyper_read(void *hyper, const wg_layer_class *kind, const json_t *from, wg_error *error)
{
    const char *names[64], *key;
    const json_t *value;
    int n = 0;

    for (const wg_field *f = kind->hyper; f && f->name && n < 64; f++)
        if (!is_mode(kind, f)) names[n++] = f->name;
    json_object_foreach((json_t *)from, key, value)
    {
        const wg_field *f = field(kind, key, strlen(key));

        if (f && !is_mode(kind, f)) {
            if (!read_field(hyper, kind, f, value, error)) return false;
        } else if (n) {
            wg_fail(error, WG_ENAME, kind->name,
                    "no hyperparameter is called %s; the nearest is %s", key,
                    wg__nearest(key, n, names));
            return false;
        } else {
            wg_fail(error, WG_ENAME, kind->name, "%s: this class has no hyperparameters", key);
            return false;
        }
    }
    return true;
}
