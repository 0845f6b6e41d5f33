/* plan_records.h: a handful of records for tests of plans, so that these do not lean on the library's own. */
#ifndef PLAN_RECORDS_H
#define PLAN_RECORDS_H

#include <math.h>
#include <wengert.h>
#include <wengert/op.h>

#define ROW2(name, T, expr)                                                                        \
    static void name(const void *attr, int64_t n, const void *const *x, const int *step, void *y)  \
    {                                                                                              \
        const T *pa = x[0], *pb = x[1];                                                            \
                                                                                                   \
        (void)attr;                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                          \
            T a = pa[i * step[0]], b = pb[i * step[1]];                                            \
                                                                                                   \
            ((T *)y)[i] = expr;                                                                    \
        }                                                                                          \
    }
ROW2(p_add_f32, float, a + b)
ROW2(p_add_f64, double, a + b)
ROW2(p_add_i64, int64_t, a + b)
ROW2(p_sub_f32, float, a - b)
ROW2(p_mul_f32, float, a *b)

#define ADD_ROWS [WG_F32] = { p_add_f32 }, [WG_F64] = { p_add_f64 }, [WG_I64] = { p_add_i64 }
static const wg_op p_add_op = { .name = "add",
                                .doc = "",
                                .n_in = 2,
                                .flags = WG_OP_NO_GRAD | WG_OP_COMMUTES,
                                .decides = -1,
                                .infer = wg_infer_broadcast,
                                .row = WG_ROW_KERNELS({ ADD_ROWS }) };
static inline wg_tensor *p_add(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&p_add_op, NULL, a, b);
}
static const wg_op p_sub_op = { .name = "sub",
                                .doc = "",
                                .n_in = 2,
                                .flags = WG_OP_NO_GRAD,
                                .decides = -1,
                                .infer = wg_infer_broadcast,
                                .row = WG_ROW_KERNELS({ [WG_F32] = { p_sub_f32 } }) };
static inline wg_tensor *p_sub(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&p_sub_op, NULL, a, b);
}
static const wg_op p_mul_op = { .name = "mul",
                                .doc = "",
                                .n_in = 2,
                                .flags = WG_OP_NO_GRAD | WG_OP_COMMUTES,
                                .decides = -1,
                                .infer = wg_infer_broadcast,
                                .row = WG_ROW_KERNELS({ [WG_F32] = { p_mul_f32 } }) };
static inline wg_tensor *p_mul(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&p_mul_op, NULL, a, b);
}

/* a < b as bool, and a choice by it: element types differ within a step */
static void p_less_f32(const void *attr, int64_t n, const void *const *x, const int *step, void *y)
{
    (void)attr;
    for (int64_t i = 0; i < n; i++)
        ((bool *)y)[i] = ((const float *)x[0])[i * step[0]] < ((const float *)x[1])[i * step[1]];
}
static bool p_less_infer(const wg_sig *s, wg_type *out)
{
    out->dtype = WG_BOOL;
    return wg_sig_same_dtype(s) && wg_sig_broadcast(s, &out->shape);
}
static const wg_op p_less_op = { .name = "less",
                                 .doc = "",
                                 .n_in = 2,
                                 .flags = WG_OP_NO_GRAD,
                                 .decides = 0,
                                 .infer = p_less_infer,
                                 .row = WG_ROW_KERNELS({ [WG_F32] = { p_less_f32 } }) };
static inline wg_tensor *p_less(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&p_less_op, NULL, a, b);
}
static void p_pick_f32(const void *attr, int64_t n, const void *const *x, const int *step, void *y)
{
    (void)attr;
    for (int64_t i = 0; i < n; i++)
        ((float *)y)[i] = ((const bool *)x[0])[i * step[0]] ? ((const float *)x[1])[i * step[1]]
                                                            : ((const float *)x[2])[i * step[2]];
}
static bool p_pick_infer(const wg_sig *s, wg_type *out)
{
    out->dtype = s->in[1]->dtype;
    return wg_sig_broadcast(s, &out->shape);
}
static const wg_op p_pick_op = { .name = "pick",
                                 .doc = "",
                                 .n_in = 3,
                                 .flags = WG_OP_NO_GRAD,
                                 .decides = 1,
                                 .infer = p_pick_infer,
                                 .row = WG_ROW_KERNELS({ [WG_F32] = { p_pick_f32 } }) };
static inline wg_tensor *p_pick(wg_tensor *c, wg_tensor *a, wg_tensor *b)
{
    return wg_record3(&p_pick_op, NULL, c, a, b);
}

static void p_log_f32(const void *attr, int64_t n, const void *const *x, const int *step, void *y)
{
    (void)attr;
    for (int64_t i = 0; i < n; i++) ((float *)y)[i] = logf(((const float *)x[0])[i * step[0]]);
}
static const wg_op p_log_op = { .name = "log",
                                .doc = "",
                                .n_in = 1,
                                .flags = WG_OP_NO_GRAD,
                                .decides = -1,
                                .infer = wg_infer_same,
                                .row = WG_ROW_KERNELS({ [WG_F32] = { p_log_f32 } }) };
static inline wg_tensor *p_log(wg_tensor *x)
{
    return wg_record1(&p_log_op, NULL, x);
}

/* not element-wise: the sum of everything; uses memory of its own; refuses a negative first element */
static bool p_total_infer(const wg_sig *s, wg_type *out)
{
    *out = (wg_type){ s->in[0]->dtype, { 0, { 0 } } };
    return wg_sig_real(s, 0);
}
static size_t p_total_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    (void)out;
    (void)threads;
    return (size_t)wg_type_bytes(s->in[0]) + 1;
}
static void p_total_eval(const wg_call *c)
{
    int64_t n = wg_shape_count(&c->tx[0]->shape);
    const float *x = c->x[0];
    float *own = c->scratch, sum = 0;

    if (n > 0 && x[0] == -77) {
        wg_call_fail(c, WG_EINDEX, "the first element is -77");
        return;
    }
    for (int64_t i = 0; i < n; i++) own[i] = x[i];
    for (int64_t i = 0; i < n; i++) sum += own[i];
    *(float *)c->y = sum;
}
static const wg_op p_total_op = { .name = "total",
                                  .doc = "",
                                  .n_in = 1,
                                  .flags = WG_OP_NO_GRAD,
                                  .infer = p_total_infer,
                                  .eval = WG_EVAL_KERNELS({ [WG_F32] = { p_total_eval } }),
                                  .scratch = p_total_scratch };
static inline wg_tensor *p_total(wg_tensor *x)
{
    return wg_record1(&p_total_op, NULL, x);
}

/* a draw that always comes out as 0.5 */
struct p_draw_attr {
    const char *name;
};
static const wg_field p_draw_fields[] = { WG_FIELD(struct p_draw_attr, name), WG_FIELDS_END };
static void p_draw_eval(const wg_call *c)
{
    for (int64_t i = 0; i < wg_shape_count(&c->ty->shape); i++) ((float *)c->y)[i] = 0.5f;
}
static const wg_op p_draw_op = { .name = "draw",
                                 .doc = "",
                                 .n_in = 1,
                                 .flags = WG_OP_NO_GRAD | WG_OP_RANDOM,
                                 .shape_only = WG_SHAPE_ONLY(0),
                                 .attr_size = sizeof(struct p_draw_attr),
                                 .fields = p_draw_fields,
                                 .infer = wg_infer_same,
                                 .eval = WG_EVAL_KERNELS({ [WG_F32] = { p_draw_eval } }) };
static inline wg_tensor *p_draw(wg_tensor *like, const char *name)
{
    return wg_record1(&p_draw_op, &(struct p_draw_attr){ name }, like);
}

#ifndef WG_NO_SITES
#define p_draw(...)  wg_at(WG_SITE, p_draw(__VA_ARGS__))
#define p_add(...)   wg_at(WG_SITE, p_add(__VA_ARGS__))
#define p_sub(...)   wg_at(WG_SITE, p_sub(__VA_ARGS__))
#define p_mul(...)   wg_at(WG_SITE, p_mul(__VA_ARGS__))
#define p_less(...)  wg_at(WG_SITE, p_less(__VA_ARGS__))
#define p_pick(...)  wg_at(WG_SITE, p_pick(__VA_ARGS__))
#define p_log(...)   wg_at(WG_SITE, p_log(__VA_ARGS__))
#define p_total(...) wg_at(WG_SITE, p_total(__VA_ARGS__))
#endif

#endif
