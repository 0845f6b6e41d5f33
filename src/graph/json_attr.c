/* json_attr.c: attributes through their field tables, and elements of arrays, to and from JSON. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "program.h"

/* ---- writing ---- */

static void put_i64s(wg_text *t, int64_t n, const int64_t *v)
{
    wg__put(t, "[");
    for (int64_t i = 0; i < n; i++) {
        if (i > 0) wg__put(t, ", ");
        wg__put_int(t, v[i]);
    }
    wg__put(t, "]");
}

static void put_axes(wg_text *t, const wg_axes *axes)
{
    wg__put(t, axes->n < 0 ? "\"all\"" : "[");
    for (int i = 0; i < axes->n; i++) {
        if (i > 0) wg__put(t, ", ");
        wg__put_int(t, axes->axis[i]);
    }
    if (axes->n >= 0) wg__put(t, "]");
}

static void put_array(wg_text *t, const wg_array *a)
{
    wg__put(t, "{\"dtype\": ");
    wg__put_string(t, wg_dtype_name(a->type.dtype));
    wg__put(t, ", \"shape\": ");
    wg__put_shape(t, &a->type.shape);
    wg__put(t, ", \"data\": ");
    wg__put_elements(t, a);
    wg__put(t, "}");
}

static void put_member(wg_text *t, const wg_field *f, const void *at)
{
    switch (f->kind) {
    case WG_A_BOOL:
        wg__put(t, *(const bool *)at ? "true" : "false");
        break;
    case WG_A_I64:
        wg__put_int(t, *(const int64_t *)at);
        break;
    case WG_A_F64:
        wg__put_f64(t, *(const double *)at);
        break;
    case WG_A_AXES:
        put_axes(t, at);
        break;
    case WG_A_SHAPE:
        wg__put_shape(t, at);
        break;
    case WG_A_DTYPE:
        wg__put_string(t, wg_dtype_name(*(const wg_dtype *)at));
        break;
    case WG_A_STR:
        wg__put_string(t, *(const char *const *)at);
        break;
    case WG_A_I64N:
        put_i64s(t, (int64_t)(f->size / sizeof(int64_t)), at);
        break;
    case WG_A_I64S:
        put_i64s(t, ((const wg_i64s *)at)->n, ((const wg_i64s *)at)->v);
        break;
    case WG_A_ARRAY:
        put_array(t, at);
        break;
    case WG_A_CHOICE:
        wg__put_string(t, f->choices[*(const int64_t *)at]);
        break;
    }
}

void wg__put_attr(wg_text *t, const wg_field *fields, const void *attr)
{
    wg__put(t, "{");
    for (const wg_field *f = fields; f && f->name; f++) {
        if (f != fields) wg__put(t, ", ");
        wg__put_string(t, f->name);
        wg__put(t, ": ");
        put_member(t, f, (const unsigned char *)attr + f->offset);
    }
    wg__put(t, "}");
}

/* ---- reading ---- */

bool wg__misfit(wg_misfit *m, wg_status code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    m->code = code;
    vsnprintf(m->text, sizeof m->text, fmt, args);
    va_end(args);
    return false;
}

static bool wrong_kind(wg_misfit *m, const char *what, const wg_json *v, const char *wanted)
{
    return wg__misfit(m, WG_EFORMAT, "%s is %s, not %s", what, wg__json_what(v), wanted);
}

/* "nan:7fc00001": a NaN with these bits. */
static bool nan_bits(const char *s, int digits, uint64_t *bits)
{
    uint64_t top = digits == 8 ? 0x7f800000u : 0x7ff0000000000000u;
    uint64_t sign = digits == 8 ? 0x80000000u : 0x8000000000000000u;

    if (strspn(s, "0123456789abcdef") != (size_t)digits || s[digits]) return false;
    *bits = 0;
    for (; *s; s++) *bits = *bits << 4 | (uint64_t)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
    return (*bits & ~sign) > top;
}

/* A number, or one of the words for what JSON has no number for. */
static bool read_f64(const wg_json *v, double *out)
{
    const char *s;
    uint64_t bits;

    if (wg__json_number(v, out)) return true;
    s = wg__json_text(v);
    if (!s) return false;
    if (strcmp(s, "inf") == 0) *out = INFINITY;
    else if (strcmp(s, "-inf") == 0) *out = -INFINITY;
    else if (strcmp(s, "nan") == 0) *out = NAN;
    else if (strncmp(s, "nan:", 4) == 0 && nan_bits(s + 4, 16, &bits))
        memcpy(out, &bits, sizeof bits);
    else return false;
    return true;
}

static bool read_f32(const wg_json *v, int64_t i, float *out, wg_misfit *m)
{
    const char *s = wg__json_text(v);
    double number;
    uint64_t bits;

    if (s && strncmp(s, "nan:", 4) == 0) {
        uint32_t half;

        if (!nan_bits(s + 4, 8, &bits))
            return wg__misfit(m, WG_EFORMAT, "element %" PRId64 " is no number", i);
        half = (uint32_t)bits;
        memcpy(out, &half, sizeof half);
        return true;
    }
    if (!read_f64(v, &number))
        return wg__misfit(m, WG_EFORMAT, "element %" PRId64 " is no number", i);
    /* From halfway between the largest f32 and the power of two above, rounding would give
     * infinity. */
    if (isfinite(number) && fabs(number) >= 0x1.ffffffp127)
        return wg__misfit(m, WG_EFORMAT, "element %" PRId64 " is %g, outside of f32", i, number);
    *out = (float)number;
    return true;
}

bool wg__read_elements(const wg_json *v, const wg_type *type, void *out, wg_misfit *m)
{
    int64_t n = wg_shape_count(&type->shape);

    if (!v || wg__json_kind(v) != WG_JSON_LIST) return wrong_kind(m, "'data'", v, "a list");
    if (wg__json_count(v) != n)
        return wg__misfit(m, WG_EFORMAT, "'data' has %" PRId64 " elements, %s has %" PRId64,
                          wg__json_count(v), WG_TYPE_STR(type), n);
    for (int64_t i = 0; i < n; i++) {
        const wg_json *e = wg__json_at(v, i);
        bool ok;

        switch (type->dtype) {
        case WG_F32:
            if (!read_f32(e, i, (float *)out + i, m)) return false;
            continue;
        case WG_F64:
            ok = read_f64(e, (double *)out + i);
            break;
        case WG_I64:
            ok = wg__json_int(e, (int64_t *)out + i);
            break;
        default:
            ok = wg__json_bool(e, (bool *)out + i);
            break;
        }
        if (ok) continue;
        return wg__misfit(m, WG_EFORMAT, "element %" PRId64 " is no %s", i,
                          type->dtype == WG_F64   ? "number"
                          : type->dtype == WG_I64 ? "64-bit integer"
                                                  : "truth value");
    }
    return true;
}

bool wg__read_dtype(const wg_json *v, const char *what, wg_dtype *out, wg_misfit *m)
{
    const char *s = v ? wg__json_text(v) : NULL;

    if (!s) return wrong_kind(m, what, v, "an element type");
    for (int d = 0; d < WG_N_DTYPES; d++) {
        if (strcmp(s, wg_dtype_name((wg_dtype)d)) != 0) continue;
        *out = (wg_dtype)d;
        return true;
    }
    return wg__misfit(m, WG_EFORMAT, "%s is \"%s\", not f32, f64, i64 or bool", what, WG_SHOW(s));
}

/* Integers of a list into v, at most `most` of them. */
static bool read_ints(const wg_json *list, const char *what, int64_t most, int64_t *v, wg_misfit *m)
{
    int64_t n = wg__json_count(list);

    if (!list || wg__json_kind(list) != WG_JSON_LIST)
        return wrong_kind(m, what, list, "a list of integers");
    if (n > most)
        return wg__misfit(m, WG_EFORMAT,
                          "%s has %" PRId64 " numbers, at most %" PRId64 " are allowed", what, n,
                          most);
    for (int64_t i = 0; i < n; i++)
        if (!wg__json_int(wg__json_at(list, i), &v[i]))
            return wg__misfit(m, WG_EFORMAT, "%s[%" PRId64 "] is %s, not an integer", what, i,
                              wg__json_what(wg__json_at(list, i)));
    return true;
}

bool wg__read_extents(const wg_json *v, const char *what, wg_shape *out, wg_misfit *m)
{
    *out = (wg_shape){ 0, { 0 } };
    if (!read_ints(v, what, WG_MAX_RANK, out->dim, m)) return false;
    out->rank = (int)wg__json_count(v);
    return true;
}

static bool read_axes(const wg_json *v, const char *what, wg_axes *out, wg_misfit *m)
{
    const char *s = wg__json_text(v);
    int64_t axis[WG_MAX_RANK];

    *out = (wg_axes){ -1, { 0 } };
    if (s && strcmp(s, "all") == 0) return true;
    if (!read_ints(v, what, WG_MAX_RANK, axis, m)) return false;
    out->n = (int)wg__json_count(v);
    for (int i = 0; i < out->n; i++) {
        if (axis[i] < -WG_MAX_RANK || axis[i] >= WG_MAX_RANK)
            return wg__misfit(m, WG_EFORMAT, "%s[%d] is %" PRId64 ", which is no axis", what, i,
                              axis[i]);
        out->axis[i] = (int)axis[i];
    }
    return true;
}

static bool read_list(const wg_json *v, const char *what, wg_arena *scratch, wg_i64s *out,
                      wg_misfit *m)
{
    int64_t n = wg__json_count(v), *list;

    if (wg__json_kind(v) != WG_JSON_LIST) return wrong_kind(m, what, v, "a list of integers");
    list = n > INT32_MAX ? NULL : wg__arena_take(scratch, (size_t)n * sizeof *list);
    if (!list) return wg__misfit(m, WG_ENOMEM, "out of memory");
    *out = (wg_i64s){ (int)n, list };
    return read_ints(v, what, n, list, m);
}

static bool read_array(const wg_json *v, const char *what, wg_arena *scratch, wg_array *out,
                       wg_misfit *m)
{
    wg_json_walk w = { .object = v };
    const wg_json *data;
    wg_misfit inner;

    if (wg__json_kind(v) != WG_JSON_OBJECT) return wrong_kind(m, what, v, "an object");
    while (wg__json_next(&w))
        if (strcmp(w.key, "dtype") != 0 && strcmp(w.key, "shape") != 0 &&
            strcmp(w.key, "data") != 0)
            return wg__misfit(m, WG_EFORMAT, "%s: unknown member \"%s\"", what, WG_SHOW(w.key));
    data = wg__json_get(v, "data");
    if (!wg__read_dtype(wg__json_get(v, "dtype"), "'dtype'", &out->type.dtype, &inner) ||
        !wg__read_extents(wg__json_get(v, "shape"), "'shape'", &out->type.shape, &inner))
        return wg__misfit(m, inner.code, "%s: %s", what, inner.text);
    if (wg_type_bytes(&out->type) < 0)
        return wg__misfit(m, WG_ELIMIT, "%s: %s is no legal type", what, WG_TYPE_STR(&out->type));
    /* The list's own length bounds what is allocated. */
    if (data && wg__json_count(data) == wg_shape_count(&out->type.shape)) {
        out->data = wg__arena_take(scratch, (size_t)wg_type_bytes(&out->type));
        if (!out->data) return wg__misfit(m, WG_ENOMEM, "out of memory");
    }
    return wg__read_elements(data, &out->type, out->data, &inner) ||
           wg__misfit(m, inner.code, "%s: %s", what, inner.text);
}

static bool read_choice(const wg_json *v, const char *what, const wg_field *f, int64_t *out,
                        wg_misfit *m)
{
    const char *s = wg__json_text(v);
    char list[100];
    size_t n = 0;

    if (!s) return wrong_kind(m, what, v, "a string");
    for (*out = 0; f->choices[*out]; ++*out)
        if (strcmp(s, f->choices[*out]) == 0) return true;
    list[0] = '\0';
    for (int i = 0; f->choices[i] && n < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", f->choices[i]);
    return wg__misfit(m, WG_EFORMAT, "%s is \"%s\", not one of %s", what, WG_SHOW(s), list);
}

static bool read_member(const wg_json *v, const char *what, const wg_field *f, wg_arena *scratch,
                        void *at, wg_misfit *m)
{
    switch (f->kind) {
    case WG_A_BOOL:
        return wg__json_bool(v, at) || wrong_kind(m, what, v, "true or false");
    case WG_A_I64:
        return wg__json_int(v, at) || wrong_kind(m, what, v, "an integer");
    case WG_A_F64:
        return read_f64(v, at) || wrong_kind(m, what, v, "a number");
    case WG_A_AXES:
        return read_axes(v, what, at, m);
    case WG_A_SHAPE:
        return wg__read_extents(v, what, at, m);
    case WG_A_DTYPE:
        return wg__read_dtype(v, what, at, m);
    case WG_A_STR:
        *(const char **)at = wg__json_text(v);
        return *(const char **)at || wrong_kind(m, what, v, "a string");
    case WG_A_I64N: {
        int64_t n = (int64_t)(f->size / sizeof(int64_t));

        if (!read_ints(v, what, n, at, m)) return false;
        return wg__json_count(v) == n ||
               wg__misfit(m, WG_EFORMAT, "%s has %" PRId64 " numbers, wanted %" PRId64, what,
                          wg__json_count(v), n);
    }
    case WG_A_I64S:
        return read_list(v, what, scratch, at, m);
    case WG_A_ARRAY:
        return read_array(v, what, scratch, at, m);
    case WG_A_CHOICE:
        return read_choice(v, what, f, at, m);
    }
    return wg__misfit(m, WG_EFORMAT, "%s is of an unknown kind", what);
}

static const wg_field *field_of(const wg_field *fields, const char *name)
{
    const wg_field *f = fields;

    while (f && f->name && strcmp(f->name, name) != 0) f++;
    return f && f->name ? f : NULL;
}

/* "attribute 'axis'", without printf: every attribute of every node passes here. */
static void describe(const wg_field *f, char what[64])
{
    static const char word[] = "attribute '";
    size_t n = strlen(f->name), most = 64 - sizeof word - 1;

    if (n > most) n = most;
    memcpy(what, word, sizeof word - 1);
    memcpy(what + sizeof word - 1, f->name, n);
    memcpy(what + sizeof word - 1 + n, "'", 2);
}

bool wg__read_attr(const wg_json *v, const wg_field *fields, wg_arena *scratch, void *attr,
                   wg_misfit *m)
{
    wg_json_walk w = { .object = v };

    if (v && wg__json_kind(v) != WG_JSON_OBJECT) return wrong_kind(m, "'attr'", v, "an object");
    for (const wg_field *f = fields; f && f->name; f++) {
        const wg_json *member = wg__json_get(v, f->name);
        char what[64];

        describe(f, what);
        if (!member) return wg__misfit(m, WG_EFORMAT, "%s is missing", what);
        if (!read_member(member, what, f, scratch, (unsigned char *)attr + f->offset, m))
            return false;
    }
    while (v && wg__json_next(&w))
        if (!field_of(fields, w.key))
            return wg__misfit(m, WG_EFORMAT, "unknown attribute \"%s\"", WG_SHOW(w.key));
    return true;
}
