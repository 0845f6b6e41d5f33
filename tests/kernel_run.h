/* kernel_run.h: one kernel of one record at a processor level, on so many threads, beside a result of its own. */
#ifndef KERNEL_RUN_H
#define KERNEL_RUN_H

#include "harness.h"

#include "graph/internal.h"
#include "wengert/grad.h"
#include "ops/op.h"

/* ---- arrays ---- */

/* Numbers below 1 in size with a fixed seed, both types alike up to rounding. */
static inline wg_array drawn(wg_dtype dtype, wg_shape shape, uint64_t seed)
{
    wg_array a = { { dtype, shape }, NULL };
    int64_t n = wg_shape_count(&shape);
    double *u = malloc((size_t)n * sizeof *u + 1);

    a.data = malloc((size_t)n * sizeof *u + 1);
    wg_random_uniform(seed, 0, 0, 0, n, WG_F64, u);
    for (int64_t i = 0; i < n; i++) {
        float f = (float)(2 * u[i] - 1);

        if (dtype == WG_F32) ((float *)a.data)[i] = f;
        else ((double *)a.data)[i] = f;
    }
    free(u);
    return a;
}

static inline double item(const wg_array *a, int64_t i)
{
    return a->type.dtype == WG_F32 ? ((const float *)a->data)[i] : ((const double *)a->data)[i];
}

static inline int64_t count_of(const wg_array *a)
{
    return wg_shape_count(&a->type.shape);
}

static inline bool has_shape(const wg_type *type, wg_shape shape)
{
    return wg_shape_equal(&type->shape, &shape);
}

/* Elements as doubles; the caller frees. */
static inline double *doubles(const wg_array *a)
{
    double *d = malloc((size_t)count_of(a) * sizeof *d + 1);

    for (int64_t i = 0; i < count_of(a); i++) d[i] = item(a, i);
    return d;
}

/* ---- the kernel ---- */

enum { GUARD = 64 };

static inline bool untouched(const unsigned char *p, unsigned char with)
{
    for (int i = 0; i < GUARD; i++)
        if (p[i] != with) return false;
    return true;
}

/* The result; .data is NULL when the shape rule refuses. Fails when something beside result or scratch is
 * written; what they hold before must not matter, so they hold NaN. */
static inline wg_array kernel(const wg_op *op, const void *attr, int n_in, const wg_array *in,
                              int level, int threads)
{
    const wg_type *type[3];
    const void *x[3];
    wg_array out = { 0 };
    wg_error error = { 0 };
    wg_sig s = { op, attr, n_in, type, &error };
    size_t bytes, scratch;
    unsigned char *room;

    for (int i = 0; i < n_in; i++) {
        type[i] = &in[i].type;
        x[i] = op->shape_only >> i & 1 ? NULL : in[i].data;
    }
    if (!wg__infer(op, attr, n_in, type, &out.type, &error)) {
        NO_ERROR(&error);
        return out;
    }
    bytes = (size_t)wg_type_bytes(&out.type);
    scratch = op->scratch ? op->scratch(&s, &out.type, threads) : 0;
    out.data = malloc(bytes + GUARD);
    room = aligned_alloc(64, (scratch + GUARD + 63) / 64 * 64);
    memset(out.data, 0xff, bytes + GUARD);
    memset(room, 0xff, scratch + GUARD);
    wg__eval_kernel(op, out.type.dtype, level)(
        &(wg_call){ op, attr, n_in, type, x, &out.type, out.data, room, threads, &error, NULL });
    NO_ERROR(&error);
    CHECK(untouched((unsigned char *)out.data + bytes, 0xff));
    CHECK(untouched(room + scratch, 0xff));
    free(room);
    return out;
}

/* How far a sum of n products of numbers below 1 may be from the exact one. Each addition rounds by half a unit
 * of a partial sum, which grows like a random walk, sqrt(k) / 3: the errors add up to n u / 4 in the root mean square,
 * and six times that is allowed. */
static inline double slack(wg_dtype dtype, double n)
{
    return (dtype == WG_F32 ? 0x1p-24 : 0x1p-53) * (8 + 1.5 * n);
}

#endif
