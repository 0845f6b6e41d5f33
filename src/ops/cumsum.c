/* cumsum.c: running sums along one axis, from the front or from the end; each is the other's
 * adjoint. */
#include "each_real.h"
#include "reduce.h"

struct cumsum_attr {
    int64_t axis;
    bool reverse;
};
static const wg_field cumsum_fields[] = {
    WG_FIELD(struct cumsum_attr, axis),
    WG_FIELD(struct cumsum_attr, reverse),
    WG_FIELDS_END,
};

WG_SMALL_BEGIN

static bool cumsum_infer(const wg_sig *s, wg_type *out)
{
    const struct cumsum_attr *at = s->attr;
    int axis;

    *out = *s->in[0];
    return wg__sig_number(s) && wg_sig_axis(s, at->axis, s->in[0]->shape.rank, &axis);
}

static void cumsum_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct cumsum_attr *at = v->attr;

    dx[0] = wg_cumsum(v->dy, (int)at->axis, !at->reverse);
}

WG_SMALL_END

enum { CUMSUM_CHUNK = 256 }; /* neighbouring lines taken together */

struct cumsum_job {
    const wg_call *c;
    int64_t n, inner, chunks;
    bool reverse;
};

/* Item: a chunk of neighbouring lines. U is T, or for i64 its unsigned twin, which wraps around. */
#define CUMSUM(name, T, U)                                                                         \
    static void name##_lines(void *arg, int64_t lo, int64_t hi)                                    \
    {                                                                                              \
        const struct cumsum_job *job = arg;                                                        \
                                                                                                   \
        for (int64_t item = lo; item < hi; item++) {                                               \
            int64_t from = item % job->chunks * CUMSUM_CHUNK, left = job->inner - from;            \
            int64_t first = item / job->chunks * job->n * job->inner + from;                       \
            int64_t m = left < CUMSUM_CHUNK ? left : CUMSUM_CHUNK;                                 \
            int64_t step = job->reverse ? -job->inner : job->inner;                                \
            const U *x = (const U *)job->c->x[0] + first;                                          \
            U *y = (U *)job->c->y + first;                                                         \
                                                                                                   \
            if (job->reverse) x += (job->n - 1) * job->inner, y += (job->n - 1) * job->inner;      \
            if (m == 1) {                                                                          \
                U sum = *x;                                                                        \
                                                                                                   \
                *y = sum;                                                                          \
                for (int64_t i = 1; i < job->n; i++) y[i * step] = sum = sum + x[i * step];        \
                continue;                                                                          \
            }                                                                                      \
            memcpy(y, x, (size_t)m * sizeof(T));                                                   \
            for (int64_t i = 1; i < job->n; i++)                                                   \
                for (int64_t j = 0; j < m; j++)                                                    \
                    y[i * step + j] = y[(i - 1) * step + j] + x[i * step + j];                     \
        }                                                                                          \
    }                                                                                              \
    static void name(const wg_call *c)                                                             \
    {                                                                                              \
        const struct cumsum_attr *at = c->attr;                                                    \
        struct cumsum_job job = { .c = c, .reverse = at->reverse };                                \
        int64_t outer, wide;                                                                       \
                                                                                                   \
        wg__axis_split(c->ty, at->axis, &outer, &job.n, &job.inner);                               \
        if (outer * job.n * job.inner == 0) return;                                                \
        job.chunks = (job.inner + CUMSUM_CHUNK - 1) / CUMSUM_CHUNK;                                \
        wide = job.inner < CUMSUM_CHUNK ? job.inner : CUMSUM_CHUNK;                                \
        wg_parallel(c->threads, outer *job.chunks, 1 + WG_REDUCE_GRAIN / (job.n * wide),           \
                    name##_lines, &job);                                                           \
    }
CUMSUM(cumsum_f32, float, float)
CUMSUM(cumsum_f64, double, double)
CUMSUM(cumsum_i64, int64_t, uint64_t)
#undef CUMSUM

WG_SMALL_BEGIN

const wg_op wg_op_cumsum = {
    .name = "cumsum",
    .doc = "running sum along an axis",
    .n_in = 1,
    .attr_size = sizeof(struct cumsum_attr),
    .fields = cumsum_fields,
    .infer = cumsum_infer,
    .eval = WG_EVAL_KERNELS({ [WG_F32] = { cumsum_f32 },
                              [WG_F64] = { cumsum_f64 },
                              [WG_I64] = { cumsum_i64 } }),
    .vjp = cumsum_vjp,
};

wg_tensor *wg_cumsum(wg_tensor *x, int axis, bool reverse)
{
    return wg_record1(&wg_op_cumsum, &(struct cumsum_attr){ axis, reverse }, x);
}

WG_SMALL_END
