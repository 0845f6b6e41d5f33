/*
 * window.c: the arithmetic of windows; and windows as rows: im2col, with col2im_like, which adds
 * them up again, as its adjoint.
 */
#ifndef REAL
#include "vec.h"
#include "window.h"

const char *const wg__pad_modes[] = { "explicit", "same", "causal", "half", "front", NULL };

/* ---- arithmetic ---- */

/* Numbers up to here multiply by each other without overflow. */
enum { LARGEST = INT32_MAX };

/* Total padding by mode; -1 for explicit. Same and causal keep the extent at any stride, half and
 * front are what they come to at stride 1. An extent that spreading gives may be near 2^62. */
static int64_t total_padding(int64_t mode, int64_t n, int64_t stride, int64_t reach)
{
    int64_t total;

    if (mode == WG_PAD_EXPLICIT) return -1;
    if (mode == WG_PAD_HALF || mode == WG_PAD_FRONT) return reach - 1;
    if (__builtin_mul_overflow(stride, n - 1, &total) ||
        __builtin_add_overflow(total, reach - n, &total))
        return INT64_MAX; /* leaves nothing */
    return total > 0 ? total : 0;
}

/* How far a window reaches. */
static int64_t reach_of(int64_t taps, int64_t step)
{
    return (taps - 1) * step + 1;
}

static int64_t stride_of(const wg_window *w, int axis)
{
    return w->stride[axis] ? w->stride[axis] : 1;
}

static int64_t put_padding(const wg_window *w, int axis, int64_t n, wg__axis_window *a)
{
    int64_t total = total_padding(w->pad_mode, n, a->stride, reach_of(a->taps, a->step));

    if (total < 0) {
        a->before = w->pad[2 * axis];
        return w->pad[2 * axis] + w->pad[2 * axis + 1];
    }
    a->before = w->pad_mode == WG_PAD_CAUSAL || w->pad_mode == WG_PAD_FRONT ? total : total / 2;
    return total;
}

wg__windows wg__windows_of(const wg_window *w, int64_t rows, int64_t columns, const int64_t taps[2])
{
    wg__windows to;

    for (int i = 0; i < 2; i++) {
        wg__axis_window *a = &to.axis[i];
        int64_t rest;

        *a = (wg__axis_window){ .n = i ? columns : rows,
                                .taps = taps[i],
                                .step = w->dilation[i] + 1,
                                .stride = stride_of(w, i) };
        rest = a->n + put_padding(w, i, a->n, a) - reach_of(a->taps, a->step);
        a->out = rest < 0 ? -1 : rest / a->stride + 1;
    }
    return to;
}

wg__windows wg__windows_spread_of(const wg_window *w, int64_t rows, int64_t columns,
                                  const int64_t taps[2])
{
    wg__windows to;

    for (int i = 0; i < 2; i++) {
        wg__axis_window *a = &to.axis[i];

        *a = (wg__axis_window){ .out = i ? columns : rows,
                                .taps = taps[i],
                                .step = w->dilation[i] + 1,
                                .stride = stride_of(w, i) };
        a->n = a->stride * (a->out - 1) + reach_of(a->taps, a->step);
        a->n -= put_padding(w, i, a->n, a);
    }
    return to;
}

WG_SMALL_BEGIN

static bool numbers_fit(const wg_sig *s, const wg_window *w, int64_t rows, int64_t columns,
                        const int64_t taps[2])
{
    for (int i = 0; i < 2; i++) {
        if (w->stride[i] < 0 || w->stride[i] > LARGEST)
            return wg_sig_fail(s, WG_EARG, "stride %" PRId64 ": wanted 1 to %d, or 0 for 1",
                               w->stride[i], (int)LARGEST);
        if (w->dilation[i] < 0 || w->dilation[i] >= LARGEST)
            return wg_sig_fail(s, WG_EARG,
                               "dilation %" PRId64 ": wanted 0 (an ordinary window) to %d",
                               w->dilation[i], (int)LARGEST - 1);
        if (taps[i] < 1 || taps[i] > LARGEST)
            return wg_sig_fail(s, WG_EARG,
                               "window of %" PRId64 " x %" PRId64 ": wanted extents from 1",
                               taps[0], taps[1]);
    }
    for (int i = 0; i < 4; i++)
        if (w->pad[i] < 0 || w->pad[i] > LARGEST)
            return wg_sig_fail(s, WG_EARG, "padding %" PRId64 ": wanted 0 to %d", w->pad[i],
                               (int)LARGEST);
    if (rows > LARGEST || columns > LARGEST)
        return wg_sig_fail(s, WG_ELIMIT, "an image of %" PRId64 " x %" PRId64 " is too large", rows,
                           columns);
    return true;
}

/* A reach may still be near 2^62; padded extents stay below 2^63 because each term does. */
bool wg__windows_infer(const wg_sig *s, const wg_window *w, int64_t rows, int64_t columns,
                       const int64_t taps[2], int shown, wg__windows *to)
{
    if (!numbers_fit(s, w, rows, columns, taps)) return false;
    *to = wg__windows_of(w, rows, columns, taps);
    for (int i = 0; i < 2; i++) {
        const wg__axis_window *a = &to->axis[i];

        if (a->out < 0)
            return wg_sig_fail(
                s, WG_ESHAPE,
                "a window that reaches over %" PRId64 " %s does not fit into %s with its padding",
                reach_of(a->taps, a->step), i ? "columns" : "rows", WG_TYPE_STR(s->in[shown]));
    }
    return true;
}

bool wg__windows_spread(const wg_sig *s, const wg_window *w, int64_t rows, int64_t columns,
                        const int64_t taps[2], int shown, wg__windows *to)
{
    if (!numbers_fit(s, w, rows, columns, taps)) return false;
    *to = wg__windows_spread_of(w, rows, columns, taps);
    for (int i = 0; i < 2; i++)
        if (to->axis[i].n < 0 || to->axis[i].out < 1)
            return wg_sig_fail(s, WG_ESHAPE,
                               "padding leaves nothing of the %s that %s spreads over",
                               i ? "columns" : "rows", WG_TYPE_STR(s->in[shown]));
    return true;
}

/* ---- im2col: every window as a row ---- */

static const wg_field window_fields[] = { WG_WINDOW_FIELDS(wg_window), WG_FIELDS_END };

static void im2col_shape(const wg_shape *x, const wg_window *w, const wg__windows *g, wg_shape *y)
{
    *y = (wg_shape){
        6, { x->dim[0], g->axis[0].out, g->axis[1].out, w->kernel[0], w->kernel[1], x->dim[3] }
    };
}

static bool im2col_infer(const wg_sig *s, wg_type *out)
{
    const wg_shape *x = &s->in[0]->shape;
    const wg_window *w = s->attr;
    wg__windows g;

    if (!wg_sig_real(s, 0) || !wg__image_fits(s, 0) ||
        !wg__windows_infer(s, w, x->dim[1], x->dim[2], w->kernel, 0, &g))
        return false;
    out->dtype = s->in[0]->dtype;
    im2col_shape(x, w, &g, &out->shape);
    return true;
}

static void im2col_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_col2im_like(v->dy, v->x[0], *(const wg_window *)v->attr);
}

/* ---- col2im_like: its adjoint ---- */

static bool col2im_infer(const wg_sig *s, wg_type *out)
{
    const wg_shape *like = &s->in[1]->shape;
    const wg_window *w = s->attr;
    wg__windows g;
    wg_type c = { s->in[1]->dtype, { 0, { 0 } } };

    if (!wg_sig_real(s, 0) || !wg_sig_same_dtype(s) || !wg__image_fits(s, 1) ||
        !wg__windows_infer(s, w, like->dim[1], like->dim[2], w->kernel, 1, &g))
        return false;
    im2col_shape(like, w, &g, &c.shape);
    if (!wg_type_equal(&c, s->in[0]))
        return wg_sig_fail(s, WG_ESHAPE, "the windows of %s are %s, not %s", WG_TYPE_STR(s->in[1]),
                           WG_TYPE_STR(&c), WG_TYPE_STR(s->in[0]));
    *out = *s->in[1];
    return true;
}

static void col2im_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_im2col(v->dy, *(const wg_window *)v->attr);
}

WG_SMALL_END

/* Elements moved below which threads do not pay. */
static int64_t grain(int64_t elements)
{
    return elements > 0 ? 1 + 65536 / elements : 65536;
}

#define WG_TEMPLATE "window.c"
#define WG_ONE_LEVEL
#include "each_real.h"
#undef WG_ONE_LEVEL

WG_SMALL_BEGIN

const wg_op wg_op_im2col = { .name = "im2col",
                             .doc = "every window of an image as a row",
                             .n_in = 1,
                             .attr_size = sizeof(wg_window),
                             .fields = window_fields,
                             .infer = im2col_infer,
                             .eval = WG_EVAL_KERNELS(WG_REAL_ONE(im2col_eval)),
                             .vjp = im2col_vjp };

wg_tensor *wg_im2col(wg_tensor *x, wg_window window)
{
    return wg_record1(&wg_op_im2col, &window, x);
}

const wg_op wg_op_col2im_like = { .name = "col2im_like",
                                  .doc = "rows of windows added up into an image",
                                  .n_in = 2,
                                  .shape_only = WG_SHAPE_ONLY(1),
                                  .attr_size = sizeof(wg_window),
                                  .fields = window_fields,
                                  .infer = col2im_infer,
                                  .eval = WG_EVAL_KERNELS(WG_REAL_ONE(col2im_eval)),
                                  .vjp = col2im_vjp };

wg_tensor *wg_col2im_like(wg_tensor *c, wg_tensor *like, wg_window window)
{
    return wg_record2(&wg_op_col2im_like, &window, c, like);
}

WG_SMALL_END

#else /* for each type */

typedef struct {
    const REAL *from;
    REAL *to;
    wg__windows g;
    int64_t channels;
} FN(window_job);

/* One row of windows, of all images. */
static void FN(im2col_rows)(void *arg, int64_t lo, int64_t hi)
{
    const FN(window_job) *j = arg;
    const wg__axis_window *row = &j->g.axis[0], *column = &j->g.axis[1];
    int64_t ch = j->channels, line = column->taps * ch;
    REAL *y = j->to + lo * column->out * row->taps * line;

    for (int64_t i = lo; i < hi; i++) {
        const REAL *image = j->from + i / row->out * row->n * column->n * ch;
        int64_t o = i % row->out, r_end, r_first = wg__taps_inside(row, o, &r_end);

        for (int64_t p = 0; p < column->out; p++, y += row->taps * line) {
            int64_t end, first = wg__taps_inside(column, p, &end);

            memset(y, 0, (size_t)(row->taps * line) * sizeof(REAL));
            for (int64_t r = r_first; r < r_end && first < end; r++) {
                int64_t at = (o * row->stride - row->before + r * row->step) * column->n +
                             p * column->stride - column->before;

                for (int64_t c = first; c < end; c++)
                    memcpy(y + r * line + c * ch, image + (at + c * column->step) * ch,
                           (size_t)ch * sizeof(REAL));
            }
        }
    }
}

static void FN(im2col_eval)(const wg_call *c)
{
    const wg_shape *x = &c->tx[0]->shape;
    const wg_window *w = c->attr;
    wg__windows g = wg__windows_of(w, x->dim[1], x->dim[2], w->kernel);
    FN(window_job) j = { c->x[0], c->y, g, x->dim[3] };

    if (wg__count(c->ty) == 0) return;
    wg_parallel(c->threads, x->dim[0] * j.g.axis[0].out, grain(wg__extents(&c->ty->shape, 2, 6)),
                FN(im2col_rows), &j);
}

/* One row of the image: whatever windows see it, in order of the kernel's rows, so that rows can be
 * made by different threads. */
static void FN(col2im_rows)(void *arg, int64_t lo, int64_t hi)
{
    const FN(window_job) *j = arg;
    const wg__axis_window *row = &j->g.axis[0], *column = &j->g.axis[1];
    int64_t ch = j->channels, line = column->taps * ch;

    for (int64_t i = lo; i < hi; i++) {
        const REAL *windows = j->from + i / row->n * row->out * column->out * row->taps * line;
        REAL *y = j->to + i * column->n * ch;

        memset(y, 0, (size_t)(column->n * ch) * sizeof(REAL));
        for (int64_t r = 0; r < row->taps; r++) {
            int64_t at = i % row->n + row->before - r * row->step, o = at / row->stride;

            if (at < 0 || at % row->stride || o >= row->out) continue;
            for (int64_t p = 0; p < column->out; p++) {
                const REAL *x = windows + ((o * column->out + p) * row->taps + r) * line;
                int64_t end, first = wg__taps_inside(column, p, &end);

                for (int64_t c = first; c < end; c++) {
                    REAL *to = y + (p * column->stride - column->before + c * column->step) * ch;

                    for (int64_t k = 0; k < ch; k++) to[k] += x[c * ch + k];
                }
            }
        }
    }
}

static void FN(col2im_eval)(const wg_call *c)
{
    const wg_shape *y = &c->ty->shape;
    const wg_window *w = c->attr;
    wg__windows g = wg__windows_of(w, y->dim[1], y->dim[2], w->kernel);
    FN(window_job) j = { c->x[0], c->y, g, y->dim[3] };

    if (wg__count(c->ty) == 0) return;
    wg_parallel(c->threads, y->dim[0] * y->dim[1], grain(y->dim[2] * y->dim[3] * w->kernel[0]),
                FN(col2im_rows), &j);
}
#endif
