/* data_read.c: data of any file, and what is taken out of it. */
#include <math.h>
#include <string.h>

#include "source.h"
#include "wengert/op.h"

static const struct {
    const char *name;
    size_t size;
} kinds[WG_N_DATA_KINDS] = {
    [WG_DATA_F32] = { "f32", 4 }, [WG_DATA_F64] = { "f64", 8 }, [WG_DATA_I64] = { "i64", 8 },
    [WG_DATA_I32] = { "i32", 4 }, [WG_DATA_U8] = { "u8", 1 },   [WG_DATA_BOOL] = { "bool", 1 },
};

const char *wg_data_kind_name(wg_data_kind kind)
{
    return (unsigned)kind < WG_N_DATA_KINDS ? kinds[kind].name : "?";
}

void wg_data_free(wg_data *data)
{
    if (!data) return;
    if (!data->borrowed) wg_free(data->data);
    *data = (wg_data){ WG_DATA_F32, false, WG_SHAPE_SCALAR, NULL };
}

wg_data wg_data_of(wg_array a)
{
    static const wg_data_kind kind[WG_N_DTYPES] = { WG_DATA_F32, WG_DATA_F64, WG_DATA_I64,
                                                    WG_DATA_BOOL };

    return (wg_data){ kind[a.type.dtype], true, a.type.shape, a.data };
}

int64_t wg_data_example(const wg_data *data)
{
    wg_shape example;

    if (data->shape.rank < 1) return -1;
    example = wg_shape_of(data->shape.rank - 1, data->shape.dim + 1);
    return wg_shape_count(&example);
}

/* ---- reading ---- */

/* "[3, 0]" */
static void index_text(const wg_shape *shape, int64_t i, char text[256])
{
    int64_t index[WG_MAX_RANK];
    int at = 1;

    for (int k = shape->rank - 1; k >= 0; k--) {
        index[k] = i % shape->dim[k];
        i /= shape->dim[k];
    }
    strcpy(text, "[");
    for (int k = 0; k < shape->rank; k++)
        at += snprintf(text + at, (size_t)(256 - at), "%s%lld", k ? ", " : "", (long long)index[k]);
    strcpy(text + at, "]");
}

static wg_status check_finite(const wg_data *d, const wg__source *s)
{
    int64_t n = wg_shape_count(&d->shape);
    char index[256];

    if (d->kind != WG_DATA_F32 && d->kind != WG_DATA_F64) return WG_OK;
    for (int64_t i = 0; i < n; i++) {
        double v =
            d->kind == WG_DATA_F32 ? ((const float *)d->data)[i] : ((const double *)d->data)[i];

        if (isfinite(v)) continue;
        index_text(&d->shape, i, index);
        return wg_fail(s->error, WG_ENONFINITE, s->op, "%s: element %s is %g", s->path, index, v);
    }
    return WG_OK;
}

static wg_status read_idx(wg__source *s, wg_data *data)
{
    wg_idx idx;
    wg_status status = wg__idx_from(s, &idx);

    if (status == WG_OK) *data = (wg_data){ WG_DATA_U8, false, idx.shape, idx.data };
    return status;
}

wg_status wg_data_read(const char *path, const wg_data_options *options, wg_data *data,
                       wg_error *error)
{
    unsigned char first[WG__SOURCE_AHEAD];
    wg__source s;
    wg_status status;
    int n;

    if (!data) return wg_fail(error, WG_EARG, "wg_data_read", "data is NULL");
    *data = (wg_data){ WG_DATA_F32, false, WG_SHAPE_SCALAR, NULL };
    status = wg__source_open(&s, path, "wg_data_read", error);
    if (status != WG_OK) return status;
    n = wg__source_peek(&s, first);
    if (n < 0 || (n < WG__SOURCE_AHEAD && !wg__source_sound(&s)))
        status = wg__source_fail(&s, 0, 0);
    else if (n == 0) status = wg_fail(error, WG_EFORMAT, s.op, "%s: is empty", path);
    else if (first[0] == 0x93) status = wg__npy_from(&s, data);
    else if (n >= 4 && first[0] == 0 && first[1] == 0) status = read_idx(&s, data);
    else if (memchr(first, 0, (size_t)n) && first[0] < 0x80)
        status = wg_fail(error, WG_EFORMAT, s.op, "%s: neither npy nor idx nor text", path);
    else status = wg__csv_from(&s, options, data);
    if (status == WG_OK && !(options && options->allow_nan)) status = check_finite(data, &s);
    wg__source_close(&s);
    if (status != WG_OK) wg_data_free(data);
    return status;
}

wg_status wg_npy_read(const char *path, wg_data *data, wg_error *error)
{
    wg__source s;
    wg_status status;

    if (!data) return wg_fail(error, WG_EARG, "wg_npy_read", "data is NULL");
    *data = (wg_data){ WG_DATA_F32, false, WG_SHAPE_SCALAR, NULL };
    status = wg__source_open(&s, path, "wg_npy_read", error);
    if (status == WG_OK) status = wg__npy_from(&s, data);
    wg__source_close(&s);
    return status;
}

wg_status wg_csv_read(const char *path, const wg_data_options *options, wg_data *data,
                      wg_error *error)
{
    unsigned char first[WG__SOURCE_AHEAD];
    wg__source s;
    wg_status status;
    int n;

    if (!data) return wg_fail(error, WG_EARG, "wg_csv_read", "data is NULL");
    *data = (wg_data){ WG_DATA_F32, false, WG_SHAPE_SCALAR, NULL };
    status = wg__source_open(&s, path, "wg_csv_read", error);
    if (status != WG_OK) return status;
    n = wg__source_peek(&s, first);
    if (n < 0 || (n < WG__SOURCE_AHEAD && !wg__source_sound(&s)))
        status = wg__source_fail(&s, 0, 0);
    else status = wg__csv_from(&s, options, data);
    wg__source_close(&s);
    return status;
}

/* ---- taking ---- */

static double element(const wg_data *d, int64_t i)
{
    switch (d->kind) {
    case WG_DATA_F32:
        return ((const float *)d->data)[i];
    case WG_DATA_F64:
        return ((const double *)d->data)[i];
    case WG_DATA_I64:
        return (double)((const int64_t *)d->data)[i];
    case WG_DATA_I32:
        return ((const int32_t *)d->data)[i];
    default:
        return ((const unsigned char *)d->data)[i];
    }
}

#define TO_REAL(type)                                                                              \
    for (int64_t i = 0; i < n; i++) y[i] = factor * (type)x[i]

#define FROM_EACH(type)                                                                            \
    switch (d->kind) {                                                                             \
    case WG_DATA_F32: {                                                                            \
        const float *x = (const float *)d->data + first;                                           \
        TO_REAL(type);                                                                             \
        break;                                                                                     \
    }                                                                                              \
    case WG_DATA_F64: {                                                                            \
        const double *x = (const double *)d->data + first;                                         \
        TO_REAL(type);                                                                             \
        break;                                                                                     \
    }                                                                                              \
    case WG_DATA_I64: {                                                                            \
        const int64_t *x = (const int64_t *)d->data + first;                                       \
        TO_REAL(type);                                                                             \
        break;                                                                                     \
    }                                                                                              \
    case WG_DATA_I32: {                                                                            \
        const int32_t *x = (const int32_t *)d->data + first;                                       \
        TO_REAL(type);                                                                             \
        break;                                                                                     \
    }                                                                                              \
    default: {                                                                                     \
        const unsigned char *x = (const unsigned char *)d->data + first;                           \
        TO_REAL(type);                                                                             \
    }                                                                                              \
    }

static void take_f32(const wg_data *d, int64_t first, int64_t n, double scale, float *y)
{
    float factor = (float)scale;

    FROM_EACH(float)
}

static void take_f64(const wg_data *d, int64_t first, int64_t n, double scale, double *y)
{
    double factor = scale;

    FROM_EACH(double)
}

#undef FROM_EACH
#undef TO_REAL

static wg_status unfit(const wg_data *d, int64_t i, const char *what, wg_error *error)
{
    char index[256];

    index_text(&d->shape, i, index);
    return wg_fail(error, WG_EDTYPE, "wg_data_take", "element %s is %.9g, %s", index, element(d, i),
                   what);
}

static wg_status take_i64(const wg_data *d, int64_t first, int64_t n, int64_t *y, wg_error *error)
{
    static const double past = 9223372036854775808.0;

    for (int64_t i = 0; i < n; i++) {
        double v;

        if (d->kind == WG_DATA_I64) {
            y[i] = ((const int64_t *)d->data)[first + i];
            continue;
        }
        v = element(d, first + i);
        if (!(v >= -past && v < past) || v != floor(v))
            return unfit(d, first + i, "no whole number, for a batch of i64", error);
        y[i] = (int64_t)v;
    }
    return WG_OK;
}

static wg_status take_bool(const wg_data *d, int64_t first, int64_t n, bool *y, wg_error *error)
{
    for (int64_t i = 0; i < n; i++) {
        double v = element(d, first + i);

        if (v != 0 && v != 1)
            return unfit(d, first + i, "neither 0 nor 1, for a batch of bool", error);
        y[i] = v != 0;
    }
    return WG_OK;
}

wg_status wg_data_take(const wg_data *data, int64_t n, const int64_t *row, double scale,
                       wg_array to, wg_error *error)
{
    int64_t rows, size;
    wg_status status = WG_OK;

    if (!data || data->shape.rank < 1 || !data->data || (unsigned)data->kind >= WG_N_DATA_KINDS)
        return wg_fail(error, WG_EARG, "wg_data_take", "data has no examples");
    rows = data->shape.dim[0];
    size = wg_data_example(data);
    if (n < 0) return wg_fail(error, WG_EARG, "wg_data_take", "%lld rows", (long long)n);
    if (!wg_dtype_is_real(to.type.dtype) && scale != 1)
        return wg_fail(error, WG_EARG, "wg_data_take", "scale %g with %s, which needs 1", scale,
                       wg_dtype_name(to.type.dtype));
    if (size > 0 && n > INT64_MAX / size)
        return wg_fail(error, WG_ESHAPE, "wg_data_take", "%lld rows of %lld elements", (long long)n,
                       (long long)size);
    if (wg_shape_count(&to.type.shape) != n * size)
        return wg_fail(error, WG_ESHAPE, "wg_data_take",
                       "%lld rows of %lld elements do not fill %s", (long long)n, (long long)size,
                       WG_TYPE_STR(&to.type));
    if (!to.data && n * size > 0) return wg_fail(error, WG_EARG, "wg_data_take", "to.data is NULL");
    for (int64_t k = 0; status == WG_OK && k < n; k++) {
        int64_t from = row ? row[k] : k;

        if (from < 0 || from >= rows)
            return wg_fail(error, WG_EINDEX, "wg_data_take", "row %lld of %lld", (long long)from,
                           (long long)rows);
        switch (to.type.dtype) {
        case WG_F32:
            take_f32(data, from * size, size, scale, (float *)to.data + k * size);
            break;
        case WG_F64:
            take_f64(data, from * size, size, scale, (double *)to.data + k * size);
            break;
        case WG_I64:
            status = take_i64(data, from * size, size, (int64_t *)to.data + k * size, error);
            break;
        default:
            status = take_bool(data, from * size, size, (bool *)to.data + k * size, error);
        }
    }
    return status;
}

wg_status wg_data_columns(const wg_data *data, int64_t first, int64_t n, wg_data *part,
                          wg_error *error)
{
    int64_t rows, columns;
    size_t size;
    char *to;

    if (!data || !part || !data->data) return wg_fail(error, WG_EARG, "wg_data_columns", "no data");
    if (data->shape.rank != 2)
        return wg_fail(error, WG_ESHAPE, "wg_data_columns", "columns of a rank of %d, wanted 2",
                       data->shape.rank);
    rows = data->shape.dim[0];
    columns = data->shape.dim[1];
    if (first < 0) first += columns;
    if (n < 1 || first < 0 || first >= columns || n > columns - first)
        return wg_fail(error, WG_EINDEX, "wg_data_columns", "%lld columns from %lld of %lld",
                       (long long)n, (long long)first, (long long)columns);
    size = kinds[data->kind].size;
    to = wg_alloc(rows * n, size);
    if (!to) return wg_fail(error, WG_ENOMEM, "wg_data_columns", "out of memory");
    for (int64_t i = 0; i < rows; i++)
        memcpy(to + (size_t)(i * n) * size,
               (const char *)data->data + (size_t)(i * columns + first) * size, (size_t)n * size);
    *part = (wg_data){ data->kind, false, n == 1 ? WG_SHAPE(rows) : WG_SHAPE(rows, n), to };
    return WG_OK;
}
