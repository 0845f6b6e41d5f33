/* golden_json.h: reading golden files in tests: {"cases": [{"name", tensors of {"shape", "data"}, ...}]}. */
#ifndef GOLDEN_JSON_H
#define GOLDEN_JSON_H

#include <jansson.h>
#include <stdlib.h>

#include "harness.h"

/* The whole file; NULL, and a failed check, when it cannot be read. */
static inline json_t *golden_load(const char *path)
{
    json_error_t error;
    json_t *j = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

    harness_check(j != NULL, __FILE__, __LINE__, "%s:%d: %s", path, j ? 0 : error.line,
                  j ? "" : error.text);
    return j;
}

static inline wg_shape golden_shape(const json_t *tensor)
{
    const json_t *dims = json_object_get(tensor, "shape");
    int64_t dim[WG_MAX_RANK] = { 0 };
    int rank = (int)json_array_size(dims);

    for (int i = 0; i < rank && i < WG_MAX_RANK; i++)
        dim[i] = json_integer_value(json_array_get(dims, (size_t)i));
    return wg_shape_of(rank, dim);
}

/* Elements in new memory of this type: free. */
static inline void *golden_data(const json_t *tensor, wg_dtype dtype)
{
    const json_t *data = json_object_get(tensor, "data");
    size_t n = json_array_size(data), size = wg_dtype_size(dtype);
    char *to = calloc(n ? n : 1, size);

    for (size_t i = 0; i < n && to; i++) {
        double v = json_number_value(json_array_get(data, i));
        void *at = to + i * size;

        if (dtype == WG_F32) *(float *)at = (float)v;
        else if (dtype == WG_F64) *(double *)at = v;
        else if (dtype == WG_I64) *(int64_t *)at = (int64_t)v;
        else *(bool *)at = v != 0;
    }
    return to;
}

static inline wg_array golden_array(const json_t *tensor, wg_dtype dtype)
{
    return wg_array_of(dtype, golden_shape(tensor), golden_data(tensor, dtype));
}

/* max |a - b| <= tol (1 + max |b|), b the golden value */
static inline bool golden_close(const char *what, const wg_array *a, const json_t *golden,
                                double tol, const char *file, int line)
{
    wg_shape shape = golden_shape(golden);
    double *b, size = 0;
    int64_t n = wg_shape_count(&shape);

    if (!a) return harness_check(false, file, line, "%s is missing", what);
    if (!harness_check(wg_shape_equal(&a->type.shape, &shape), file, line, "%s has another shape",
                       what))
        return false;
    b = golden_data(golden, WG_F64);
    for (int64_t i = 0; i < n; i++) size = fmax(size, fabs(b[i]));
    for (int64_t i = 0; i < n; i++) {
        double v = harness_number(a->data, a->type.dtype, i);

        if (harness_check(fabs(v - b[i]) <= tol * (1 + size), file, line,
                          "%s[%d] is %.17g, golden %.17g", what, (int)i, v, b[i]))
            continue;
        free(b);
        return false;
    }
    free(b);
    return true;
}

#define GOLDEN_CLOSE(what, a, golden, tol)                                                         \
    golden_close((what), (a), (golden), (tol), __FILE__, __LINE__)

#endif
