/* type.c: element types, shapes, broadcasting, axes, and how a type reads: "f32[32 x 784]". */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "internal.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[WG_N_DTYPES] = { [WG_F32] = { "f32", 4 },
                          [WG_F64] = { "f64", 8 },
                          [WG_I64] = { "i64", 8 },
                          [WG_BOOL] = { "bool", 1 } };

size_t wg_dtype_size(wg_dtype dtype)
{
    return (unsigned)dtype < WG_N_DTYPES ? dtypes[dtype].size : 0;
}

const char *wg_dtype_name(wg_dtype dtype)
{
    return (unsigned)dtype < WG_N_DTYPES ? dtypes[dtype].name : "?";
}

int64_t wg_shape_count(const wg_shape *shape)
{
    int64_t n = 1;
    bool empty = false, over = false;

    if (!shape || shape->rank < 0 || shape->rank > WG_MAX_RANK) return -1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0) return -1;
        if (shape->dim[i] == 0) empty = true;
        else if (__builtin_mul_overflow(n, shape->dim[i], &n)) {
            over = true;
            n = 1;
        }
    }
    return empty ? 0 : over ? -1 : n;
}

int64_t wg_type_bytes(const wg_type *type)
{
    int64_t n = type ? wg_shape_count(&type->shape) : -1, bytes;
    size_t size = type ? wg_dtype_size(type->dtype) : 0;

    return n >= 0 && size > 0 && wg__mul(n, (int64_t)size, &bytes) ? bytes : -1;
}

bool wg_shape_equal(const wg_shape *a, const wg_shape *b)
{
    if (!a || !b || a->rank != b->rank) return a == b;
    for (int i = 0; i < a->rank && i < WG_MAX_RANK; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

bool wg_type_equal(const wg_type *a, const wg_type *b)
{
    if (!a || !b) return a == b;
    return a->dtype == b->dtype && wg_shape_equal(&a->shape, &b->shape);
}

const char *wg_type_text(const wg_type *type, char buf[WG_TYPE_TEXT])
{
    static const wg_type none = { WG_N_DTYPES, { 0, { 0 } } };
    int rank, at;

    if (!type) type = &none;
    rank = type->shape.rank;
    at = snprintf(buf, WG_TYPE_TEXT, "%s[", wg_dtype_name(type->dtype));

    if (rank < 0 || rank > WG_MAX_RANK) {
        snprintf(buf + at, WG_TYPE_TEXT - (size_t)at, "rank out of range]");
        return buf;
    }
    for (int i = 0; i < rank; i++)
        at += snprintf(buf + at, WG_TYPE_TEXT - (size_t)at, "%s%" PRId64, i ? " x " : "",
                       type->shape.dim[i]);
    snprintf(buf + at, WG_TYPE_TEXT - (size_t)at, "]");
    return buf;
}

double wg_item(const wg_array *a)
{
    if (!a || !a->data || wg_shape_count(&a->type.shape) < 1) return NAN;
    switch (a->type.dtype) {
    case WG_F32:
        return *(const float *)a->data;
    case WG_F64:
        return *(const double *)a->data;
    case WG_I64:
        return (double)*(const int64_t *)a->data;
    case WG_BOOL:
        return *(const unsigned char *)a->data != 0;
    default:
        return NAN;
    }
}

/* ---- what shape rules ask ---- */

bool wg_sig_fail(const wg_sig *s, wg_status code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    wg__vfail(s->error, code, s->op->name, fmt, args);
    va_end(args);
    return false;
}

bool wg_sig_axis(const wg_sig *s, int64_t axis, int rank, int *out)
{
    if (axis < -rank || axis >= rank)
        return wg_sig_fail(s, WG_EARG, "axis %" PRId64 " is out of range for rank %d%s%s", axis,
                           rank, s->n_in > 0 ? ": " : "", s->n_in > 0 ? WG_TYPE_STR(s->in[0]) : "");
    *out = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

bool wg_sig_axes(const wg_sig *s, const wg_axes *axes, int rank, unsigned *set)
{
    *set = 0;
    if (axes->n < -1 || axes->n > WG_MAX_RANK)
        return wg_sig_fail(s, WG_EARG, "more than %d axes", WG_MAX_RANK);
    if (axes->n == -1) {
        *set = (1u << rank) - 1;
        return true;
    }
    for (int i = 0; i < axes->n; i++) {
        int axis;

        if (!wg_sig_axis(s, axes->axis[i], rank, &axis)) return false;
        if (*set >> axis & 1)
            return wg_sig_fail(s, WG_EARG, "axis %d is named twice", axes->axis[i]);
        *set |= 1u << axis;
    }
    return true;
}

bool wg_sig_real(const wg_sig *s, int i)
{
    if (wg_dtype_is_real(s->in[i]->dtype)) return true;
    return wg_sig_fail(s, WG_EDTYPE, "operand %d is %s, wanted f32 or f64: convert it with wg_cast",
                       i, WG_TYPE_STR(s->in[i]));
}

bool wg_sig_same_dtype(const wg_sig *s)
{
    for (int i = 1; i < s->n_in; i++)
        if (s->in[i]->dtype != s->in[0]->dtype)
            return wg_sig_fail(s, WG_EDTYPE,
                               "element types differ: %s and %s: convert one with wg_cast",
                               WG_TYPE_STR(s->in[0]), WG_TYPE_STR(s->in[i]));
    return true;
}

bool wg_sig_broadcast(const wg_sig *s, wg_shape *out)
{
    wg_shape all = s->in[0]->shape;

    for (int k = 1; k < s->n_in; k++) {
        const wg_shape *b = &s->in[k]->shape;
        int rank = all.rank > b->rank ? all.rank : b->rank;
        wg_shape sum = { rank, { 0 } };

        for (int i = 0; i < rank; i++) {
            int ia = i - (rank - all.rank), ib = i - (rank - b->rank);
            int64_t da = ia < 0 ? 1 : all.dim[ia], db = ib < 0 ? 1 : b->dim[ib];

            if (da != db && da != 1 && db != 1)
                return wg_sig_fail(s, WG_ESHAPE, "cannot broadcast %s with %s",
                                   WG_TYPE_STR((&(wg_type){ s->in[0]->dtype, all })),
                                   WG_TYPE_STR(s->in[k]));
            sum.dim[i] = da == 1 ? db : da;
        }
        all = sum;
    }
    *out = all;
    return true;
}

bool wg_infer_same(const wg_sig *s, wg_type *out)
{
    *out = *s->in[0];
    return wg_sig_real(s, 0);
}

bool wg_infer_same_any(const wg_sig *s, wg_type *out)
{
    *out = *s->in[0];
    return true;
}

bool wg_infer_broadcast(const wg_sig *s, wg_type *out)
{
    out->dtype = s->in[0]->dtype;
    return wg_sig_same_dtype(s) && wg_sig_broadcast(s, &out->shape);
}

void wg_call_fail(const wg_call *c, wg_status code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    wg__vfail(c->error, code, c->op->name, fmt, args);
    va_end(args);
}
