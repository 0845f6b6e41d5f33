/* values.c: arrays to and from JSON without losing a bit. */
#include "values.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "wengert/op.h"

/* ---- writing ---- */

json_t *wg__real_to_json(double x)
{
    if (isnan(x)) return json_string("NaN");
    if (isinf(x)) return json_string(x > 0 ? "Infinity" : "-Infinity");
    return json_real(x);
}

static json_t *element(const wg_array *a, int64_t i)
{
    switch (a->type.dtype) {
    case WG_F32:
        return wg__real_to_json((double)((const float *)a->data)[i]);
    case WG_F64:
        return wg__real_to_json(((const double *)a->data)[i]);
    case WG_I64:
        return json_integer(((const int64_t *)a->data)[i]);
    default:
        return json_boolean(((const bool *)a->data)[i]);
    }
}

json_t *wg__array_to_json(const wg_array *a)
{
    int64_t n = wg_shape_count(&a->type.shape);
    json_t *v = json_object(), *shape = json_array(), *data = json_array();
    bool ok = v && shape && data && n >= 0 && wg_dtype_size(a->type.dtype) > 0;

    for (int k = 0; ok && k < a->type.shape.rank; k++)
        ok = json_array_append_new(shape, json_integer(a->type.shape.dim[k])) == 0;
    for (int64_t i = 0; ok && i < n; i++) ok = json_array_append_new(data, element(a, i)) == 0;
    ok = ok && json_object_set(v, "shape", shape) == 0 && json_object_set(v, "data", data) == 0;
    if (ok && a->type.dtype != WG_F64)
        ok = json_object_set_new(v, "dtype", json_string(wg_dtype_name(a->type.dtype))) == 0;
    json_decref(shape);
    json_decref(data);
    if (ok) return v;
    json_decref(v);
    return NULL;
}

/* ---- reading ---- */

bool wg__real_from_json(const json_t *v, double *x)
{
    const char *s = json_string_value(v);

    if (json_is_number(v)) *x = json_number_value(v);
    else if (s && strcmp(s, "NaN") == 0) *x = (double)NAN;
    else if (s && strcmp(s, "Infinity") == 0) *x = (double)INFINITY;
    else if (s && strcmp(s, "-Infinity") == 0) *x = -(double)INFINITY;
    else return false;
    return true;
}

static bool read_element(const json_t *v, wg_array *a, size_t i)
{
    double x;

    switch (a->type.dtype) {
    case WG_I64:
        if (!json_is_integer(v)) return false;
        ((int64_t *)a->data)[i] = json_integer_value(v);
        return true;
    case WG_BOOL:
        if (!json_is_boolean(v)) return false;
        ((bool *)a->data)[i] = json_is_true(v);
        return true;
    case WG_F32:
        if (!wg__real_from_json(v, &x) || (isfinite(x) && fabs(x) > (double)FLT_MAX)) return false;
        ((float *)a->data)[i] = (float)x;
        return true;
    default:
        return wg__real_from_json(v, &((double *)a->data)[i]);
    }
}

static bool fail(wg_error *error, const char *op, const char *what, const char *text)
{
    wg_fail(error, WG_EFORMAT, op, "%.80s: %s", what, text);
    return false;
}

static bool read_type(const json_t *v, wg_type *type, const char *op, const char *what,
                      wg_error *error)
{
    const json_t *shape = json_object_get(v, "shape"), *dtype = json_object_get(v, "dtype"), *d;
    const char *key, *name = json_string_value(dtype);
    json_t *unused;
    size_t i;

    if (!json_is_object(v)) return fail(error, op, what, "wanted {\"shape\": ..., \"data\": ...}");
    json_object_foreach((json_t *)(uintptr_t)v, key, unused)
    {
        (void)unused;
        if (strcmp(key, "shape") != 0 && strcmp(key, "data") != 0 && strcmp(key, "dtype") != 0) {
            wg_fail(error, WG_EFORMAT, op,
                    "%.80s: unknown member \"%.40s\", wanted shape, data, "
                    "dtype",
                    what, key);
            return false;
        }
    }
    *type = (wg_type){ WG_F64, { 0, { 0 } } };
    if (dtype) {
        int k = 0;

        while (k < WG_N_DTYPES && !(name && strcmp(name, wg_dtype_name((wg_dtype)k)) == 0)) k++;
        if (k == WG_N_DTYPES)
            return fail(error, op, what, "\"dtype\" must be f32, f64, i64 or bool");
        type->dtype = (wg_dtype)k;
    }
    if (!json_is_array(shape) || json_array_size(shape) > WG_MAX_RANK)
        return fail(error, op, what, "\"shape\" must be a list of at most 8 extents");
    type->shape.rank = (int)json_array_size(shape);
    json_array_foreach(shape, i, d)
    {
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return fail(error, op, what, "\"shape\" must hold integers that are not negative");
        type->shape.dim[i] = json_integer_value(d);
    }
    return true;
}

bool wg__array_from_json(const json_t *v, wg_array *a, const char *op, const char *what,
                         wg_error *error)
{
    const json_t *data, *x;
    int64_t count;
    size_t i;

    a->data = NULL;
    if (!read_type(v, &a->type, op, what, error)) return false;
    data = json_object_get(v, "data");
    count = wg_shape_count(&a->type.shape);
    if (!json_is_array(data) || count < 0 || (int64_t)json_array_size(data) != count) {
        char text[WG_TYPE_TEXT];

        wg_fail(error, WG_EFORMAT, op, "%.80s: \"data\" holds %zu elements, not those of %s", what,
                json_array_size(data), wg_type_text(&a->type, text));
        return false;
    }
    a->data = wg_alloc(count > 0 ? count : 1, wg_dtype_size(a->type.dtype));
    if (!a->data) {
        wg_fail(error, WG_ENOMEM, op, "out of memory");
        return false;
    }
    json_array_foreach(data, i, x)
    {
        if (read_element(x, a, i)) continue;
        wg_fail(error, WG_EFORMAT, op, "%.80s: element %zu of \"data\" is no %s", what, i,
                wg_dtype_name(a->type.dtype));
        wg_free(a->data);
        a->data = NULL;
        return false;
    }
    return true;
}

bool wg__array_read_json(const json_t *v, wg_array to, const char *op, const char *what,
                         wg_error *error)
{
    char got[WG_TYPE_TEXT], want[WG_TYPE_TEXT];
    wg_array a;

    if (!wg__array_from_json(v, &a, op, what, error)) return false;
    if (!wg_type_equal(&a.type, &to.type)) {
        wg_fail(error, a.type.dtype != to.type.dtype ? WG_EDTYPE : WG_ESHAPE, op,
                "%.80s is %s, wanted %s", what, wg_type_text(&a.type, got),
                wg_type_text(&to.type, want));
        wg_free(a.data);
        return false;
    }
    if (wg_type_bytes(&a.type) > 0) memcpy(to.data, a.data, (size_t)wg_type_bytes(&a.type));
    wg_free(a.data);
    return true;
}
