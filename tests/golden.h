/*
 * golden.h: reads the files in tests/golden: one JSON file a class, each a list of cases with
 * inputs, parameters, outputs and gradients as {"shape", "data"} (see golden/README.md).
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <jansson.h>
#include <wengert.h>

#include "harness.h"

/* The file's cases; free the root with json_decref. */
static inline json_t *golden_load(const char *name)
{
    char path[256];
    json_error_t error;
    json_t *root;

    snprintf(path, sizeof path, "golden/%s.json", name);
    root = json_load_file(path, 0, &error);
    harness_check(root != NULL, __FILE__, __LINE__, "%s:%d: %s", path, error.line, error.text);
    return root;
}

static inline const char *golden_name(const json_t *c)
{
    return json_string_value(json_object_get(c, "name"));
}

static inline const json_t *golden_hyper(const json_t *c, const char *key)
{
    return json_object_get(json_object_get(c, "hyperparameters"), key);
}

static inline double golden_number(const json_t *c, const char *key, double otherwise)
{
    const json_t *v = golden_hyper(c, key);

    return v ? json_number_value(v) : otherwise;
}

static inline const char *golden_string(const json_t *c, const char *key)
{
    return json_string_value(golden_hyper(c, key));
}

/* section/key as new memory (free it), f64 or i64; data NULL when the case has none. */
static inline wg_array golden_array(const json_t *c, const char *section, const char *key)
{
    const json_t *t = json_object_get(json_object_get(c, section), key), *shape, *data, *v;
    wg_array a = { { WG_F64, { 0, { 0 } } }, NULL };
    size_t i;

    if (!t) return a;
    shape = json_object_get(t, "shape");
    data = json_object_get(t, "data");
    if (json_object_get(t, "dtype")) a.type.dtype = WG_I64;
    a.type.shape.rank = (int)json_array_size(shape);
    for (int k = 0; k < a.type.shape.rank; k++)
        a.type.shape.dim[k] = json_integer_value(json_array_get(shape, (size_t)k));
    a.data = calloc(json_array_size(data) + 1, 8);
    json_array_foreach(data, i, v)
    {
        if (a.type.dtype == WG_I64) ((int64_t *)a.data)[i] = json_integer_value(v);
        else ((double *)a.data)[i] = json_number_value(v);
    }
    harness_check((int64_t)json_array_size(data) == wg_shape_count(&a.type.shape), __FILE__,
                  __LINE__, "%s: %s/%s holds %zu numbers", golden_name(c), section, key,
                  json_array_size(data));
    return a;
}

/* Step t of an array whose first axis counts steps. Borrows. */
static inline wg_array golden_step(wg_array a, int64_t t)
{
    wg_array one = { { a.type.dtype, { a.type.shape.rank - 1, { 0 } } }, NULL };

    for (int k = 1; k < a.type.shape.rank; k++) one.type.shape.dim[k - 1] = a.type.shape.dim[k];
    one.data = (char *)a.data + (size_t)(t * wg_shape_count(&one.type.shape)) * 8;
    return one;
}

/* The measure of golden/README.md: max |a - b| <= tol (1 + max |b|); shapes are equal. */
static inline void golden_close(const wg_array *a, const wg_array *b, double tol, const char *what,
                                const json_t *c, const char *file, int line)
{
    char x[WG_TYPE_TEXT], y[WG_TYPE_TEXT];
    double largest = 0, worst = 0;
    int64_t n = wg_shape_count(&b->type.shape);

    if (!harness_check(a && wg_shape_equal(&a->type.shape, &b->type.shape), file, line,
                       "%s: %s is %s, not %s", golden_name(c), what,
                       a ? wg_type_text(&a->type, x) : "NULL", wg_type_text(&b->type, y)))
        return;
    for (int64_t i = 0; i < n; i++) {
        double got = harness_number(a->data, a->type.dtype, i),
               want = harness_number(b->data, b->type.dtype, i);

        largest = fmax(largest, fabs(want));
        worst = !(fabs(got - want) <= worst) ? fabs(got - want) : worst;
        if (got != got) worst = INFINITY;
    }
    harness_check(worst <= tol * (1 + largest), file, line,
                  "%s: %s is off by %g, largest %g, tolerance %g", golden_name(c), what, worst,
                  largest, tol);
}
#define GOLDEN_CLOSE(a, b, tol, what, c)                                                           \
    golden_close((a), (b), (tol), (what), (c), __FILE__, __LINE__)

/* Walks the cases of a file; the caller ends with json_decref(root). */
#define CASES(file, c)                                                                             \
    json_t *root = golden_load(file), *c;                                                          \
    size_t case_index;                                                                             \
                                                                                                   \
    json_array_foreach(json_object_get(root, "cases"), case_index, c)

#endif
