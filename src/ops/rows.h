/*
 * Row kernels of element-wise ops, from one expression of vectors (vec.h, vmath.h):
 *
 *   WG_ROW1(tanh, vtanh(x))           defines tanh_row_f32_0 ... tanh_row_f64_2, for
 *                                     .row = WG_ROWS(tanh)
 *   WG_ROW2(add, a + b)
 *   WG_ROW1_MASK(name, mask of x)     the same with bools as result
 *   WG_ROW2_MASK(lt, vlt(a, b))
 *
 * Each also defines tanh_lane, the expression as a text, for .lane of a record (op.h).
 *
 * The expression also sees `attr`; one that is a record's lane names members of the attributes as
 * ATTR(member), a macro of the file. And, from an expression of numbers, for the other types; the
 * result's type comes first (of i64 and bool):
 *
 *   WG_ROW1_OF(int64_t, neg_row_i64, int64_t, expression of x)
 *   WG_ROW2_OF(uint8_t, lt_row_i64, int64_t, expression of a and b)
 *
 * WG_ROWS(name) fills a record's slots for f32 and f64, WG_ROWS_I64(name) for i64 too.
 */
#ifndef WG_ROWS_H
#define WG_ROWS_H

#include "vmath.h"
#include "wengert/op.h"

#define WG_ROW_PARAMS const void *attr, int64_t n, const void *const *xs, const int *step, void *y

/* Operands and result of a row kernel: bytes of an element each; elements of a vector. */
typedef struct {
    int n_in, size[3], out, lanes;
} wg__row_shape;

/* The same as `row`, which is called for whole vectors and steps of 1 alone. */
void wg__row_edges(WG_ROW_PARAMS, wg_row_fn *row, const wg__row_shape *s);

#define WG_TEMPLATE "rows_real.h"
#include "each_real.h"

#define WG_TARGET_0
#define WG_TARGET_1 __attribute__((target(WG_ISA_1)))
#define WG_TARGET_2 __attribute__((target(WG_ISA_2)))

/* One level of one type: the expression as a function, and the loop around it. */
#define WG_ROW1_AT(name, T, L, result, loop, expr)                                                 \
    WG_TARGET_##L WG_INLINE result##_##T##_##L name##_lane_##T##_##L(const void *attr,             \
                                                                     wg_v_##T##_##L x)             \
    {                                                                                              \
        (void)attr;                                                                                \
        return expr;                                                                               \
    }                                                                                              \
    WG_TARGET_##L static void name##_row_##T##_##L(WG_ROW_PARAMS)                                  \
    {                                                                                              \
        loop##_##T##_##L(attr, n, xs, step, y, name##_row_##T##_##L, name##_lane_##T##_##L);      \
    }

#define WG_ROW2_AT(name, T, L, result, loop, expr)                                                 \
    WG_TARGET_##L WG_INLINE result##_##T##_##L name##_lane_##T##_##L(                              \
        const void *attr, wg_v_##T##_##L a, wg_v_##T##_##L b)                                      \
    {                                                                                              \
        (void)attr;                                                                                \
        return expr;                                                                               \
    }                                                                                              \
    WG_TARGET_##L static void name##_row_##T##_##L(WG_ROW_PARAMS)                                  \
    {                                                                                              \
        loop##_##T##_##L(attr, n, xs, step, y, name##_row_##T##_##L, name##_lane_##T##_##L);      \
    }

/* clang-format off */
#if WG_X86
#define WG_ROW_EACH(at, name, result, loop, expr)                                                  \
    at(name, f32, 0, result, loop, expr) at(name, f32, 1, result, loop, expr)                      \
    at(name, f32, 2, result, loop, expr) at(name, f64, 0, result, loop, expr)                      \
    at(name, f64, 1, result, loop, expr) at(name, f64, 2, result, loop, expr)
#else
#define WG_ROW_EACH(at, name, result, loop, expr)                                                  \
    at(name, f32, 0, result, loop, expr) at(name, f64, 0, result, loop, expr)
#endif
/* clang-format on */

/* The expression as a text too, for .lane of a record. */
#define WG_LANE_TEXT(name, text)                                                                   \
    __attribute__((unused)) static const char name##_lane[] = text;

#define WG_ROW1(name, expr)                                                                        \
    WG_LANE_TEXT(name, #expr) WG_ROW_EACH(WG_ROW1_AT, name, wg_v, row1, expr)
#define WG_ROW2(name, expr)                                                                        \
    WG_LANE_TEXT(name, #expr) WG_ROW_EACH(WG_ROW2_AT, name, wg_v, row2, expr)
#define WG_ROW1_MASK(name, expr)                                                                   \
    WG_LANE_TEXT(name, #expr) WG_ROW_EACH(WG_ROW1_AT, name, wg_vm, row1m, expr)
#define WG_ROW2_MASK(name, expr)                                                                   \
    WG_LANE_TEXT(name, #expr) WG_ROW_EACH(WG_ROW2_AT, name, wg_vm, row2m, expr)

/* Plain loops, of indices and bools: there are few, and they are short. */
#define WG_ROW1_OF(R, name, T, expr)                                                               \
    WG_SMALL static void name(WG_ROW_PARAMS)                                                       \
    {                                                                                              \
        const T *px = xs[0];                                                                       \
        R *py = y;                                                                                 \
                                                                                                   \
        (void)attr;                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                          \
            T x = px[step[0] ? i : 0];                                                             \
                                                                                                   \
            py[i] = (R)(expr);                                                                     \
        }                                                                                          \
    }

#define WG_ROW2_OF(R, name, T, expr)                                                               \
    WG_SMALL static void name(WG_ROW_PARAMS)                                                       \
    {                                                                                              \
        const T *pa = xs[0], *pb = xs[1];                                                          \
        R *py = y;                                                                                 \
                                                                                                   \
        (void)attr;                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                          \
            T a = pa[step[0] ? i : 0], b = pb[step[1] ? i : 0];                                    \
                                                                                                   \
            py[i] = (R)(expr);                                                                     \
        }                                                                                          \
    }

/* clang-format off */
/* A record's slots: f32 and f64; with i64; with i64 and bool. */
#define WG_ROWS(f)                                                                                 \
    WG_ROW_KERNELS({ [WG_F32] = WG_LEVELS(f##_row_f32), [WG_F64] = WG_LEVELS(f##_row_f64) })
#define WG_ROWS_I64(f)                                                                             \
    WG_ROW_KERNELS({ [WG_F32] = WG_LEVELS(f##_row_f32), [WG_F64] = WG_LEVELS(f##_row_f64),         \
                     [WG_I64] = { f##_row_i64 } })
#define WG_ROWS_ALL(f)                                                                             \
    WG_ROW_KERNELS({ [WG_F32] = WG_LEVELS(f##_row_f32), [WG_F64] = WG_LEVELS(f##_row_f64),         \
                     [WG_I64] = { f##_row_i64 }, [WG_BOOL] = { f##_row_bool } })
/* clang-format on */

#endif
