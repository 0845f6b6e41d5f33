/* ref_utils.c: the functions on plain arrays that the references are made of, as a subject of the
 * golden file of numpy-ml's utils; of its functions those that the references have. */
#include <stdlib.h>
#include <wengert/reference.h>

#include "ref_geometry.h"
#include "ref_subjects.h"

static bool named(const gcase *c, const char *function)
{
    return strcmp(g_str(c, "function", ""), function) == 0;
}

/* Extents of a shape among the hyperparameters. */
static bool shape(const gcase *c, const char *key, int64_t dim[4])
{
    const json_t *v = ref_hyper(c, key);

    for (size_t k = 0; k < 4; k++) dim[k] = ref_item(v, k);
    return json_array_size(v) == 4;
}

/* conv1D: (n_ex, l_in, in_ch) by (kernel_width, in_ch, out_ch). */
static bool conv1D(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X"), *W = g_in(c, "W");
    const json_t *pad = ref_hyper(c, "pad");
    const char *text = json_string_value(pad);
    wg_ref_conv1d h;
    int64_t dim[3];
    bool ok = true;
    double *Z;

    if (!X || X->rank != 3 || !W || W->rank != 3) return false;
    h = (wg_ref_conv1d){ .n_ex = g_dim(X, 0),
                         .l_in = g_dim(X, 1),
                         .in_ch = g_dim(X, 2),
                         .kernel_width = g_dim(W, 0),
                         .out_ch = g_dim(W, 2),
                         .stride = g_int(c, "stride", 1),
                         .dilation = g_int(c, "dilation", 0),
                         .left = ref_item(pad, 0),
                         .right = ref_item(pad, 1) };
    if (text)
        (strcmp(text, "same") == 0 ? wg_ref_pad_same : wg_ref_pad_causal)(
            h.l_in, h.kernel_width, h.stride, h.dilation, &h.left, &h.right);
    dim[0] = h.n_ex;
    dim[1] = wg_ref_conv1d_length(&h);
    dim[2] = h.out_ch;
    Z = ref_put(r, G_OUTPUT, "Z", 3, dim, &ok);
    return ok && wg_ref_conv1D(&h, X->f, W->f, Z);
}

/* conv2D and deconv2D, by columns or element by element. */
static bool conv2D(const gcase *c, bool naive, gresult *r)
{
    bool deconv = named(c, "deconv2D"), ok = true;
    const garray *X = g_in(c, "X"), *W = g_in(c, "W");
    wg_ref_conv2d h = { .stride = g_int(c, "stride", 1), .dilation = g_int(c, "dilation", 0) };
    double *Z, *again;
    int64_t dim[4];

    if (!X || X->rank != 4 || !W || W->rank != 4) return false;
    ref_set_image(&h, X);
    ref_set_kernel(&h, W);
    if (!ref_set_pad(&h, ref_hyper(c, "pad"), deconv ? wg_ref_deconv2d_same : wg_ref_pad_same2d))
        return false;
    dim[0] = h.n_ex;
    dim[1] = deconv ? wg_ref_deconv2d_rows(&h) : wg_ref_conv2d_rows(&h);
    dim[2] = deconv ? wg_ref_deconv2d_cols(&h) : wg_ref_conv2d_cols(&h);
    dim[3] = h.out_ch;
    Z = ref_put(r, G_OUTPUT, deconv ? "Y" : "Z", 4, dim, &ok);
    if (!ok) return false;
    if (naive && deconv) return wg_ref_deconv2D_naive(&h, X->f, W->f, Z);
    if (naive) wg_ref_conv2D_naive(&h, X->f, W->f, Z);
    if (naive) return true;
    if (!deconv) return wg_ref_conv2D(&h, X->f, W->f, Z);
    again = calloc((size_t)(dim[0] * dim[1] * dim[2] * dim[3]) + 1, sizeof *again);
    ok = again && wg_ref_deconv2d_forward(&h, X->f, W->f, NULL, again, Z);
    free(again);
    return ok;
}

/* im2col and col2im, whose kernel is given by its shape alone. */
static bool columns(const gcase *c, gresult *r)
{
    wg_ref_conv2d h = { .stride = g_int(c, "stride", 1), .dilation = g_int(c, "dilation", 0) };
    const garray *X = g_in(c, "X"), *X_col = g_in(c, "X_col");
    int64_t x[4], w[4], dim[2], pad[4], four = 4;
    bool ok = true;
    double *out;

    if (X)
        for (int k = 0; k < 4; k++) x[k] = g_dim(X, k);
    else if (!X_col || !shape(c, "X_shape", x)) return false;
    if (!shape(c, "W_shape", w)) return false;
    h.n_ex = x[0];
    h.in_rows = x[1];
    h.in_cols = x[2];
    h.in_ch = x[3];
    h.kernel_rows = w[0];
    h.kernel_cols = w[1];
    h.out_ch = w[3];
    if (!ref_set_pad(&h, ref_hyper(c, "pad"), wg_ref_pad_same2d)) return false;
    dim[0] = w[0] * w[1] * w[2];
    dim[1] = wg_ref_conv2d_rows(&h) * wg_ref_conv2d_cols(&h) * h.n_ex;
    if (!X) {
        out = ref_put(r, G_OUTPUT, "X", 4, x, &ok);
        if (!ok || g_dim(X_col, 0) != dim[0] || g_dim(X_col, 1) != dim[1]) return false;
        wg_ref_col2im(&h, X_col->f, out);
        return true;
    }
    pad[0] = h.pad.top;
    pad[1] = h.pad.bottom;
    pad[2] = h.pad.left;
    pad[3] = h.pad.right;
    out = ref_put(r, G_OUTPUT, "X_col", 2, dim, &ok);
    if (!ok || !g_put_i(r, G_OUTPUT, "pad", 1, &four, pad)) return false;
    wg_ref_im2col(&h, X->f, out);
    return true;
}

/* pad2D by numbers; 'same' knows its kernel by shape. */
static bool pad2D(const gcase *c, gresult *r)
{
    const json_t *kernel = ref_hyper(c, "kernel_shape");
    wg_ref_conv2d h = { .stride = g_int(c, "stride", 1), .dilation = g_int(c, "dilation", 0) };
    const garray *X = g_in(c, "X");
    int64_t dim[4], pad[4], four = 4;
    bool ok = true;
    double *out;

    if (!X || X->rank != 4) return false;
    ref_set_image(&h, X);
    h.kernel_rows = ref_item(kernel, 0);
    h.kernel_cols = ref_item(kernel, 1);
    if (!ref_set_pad(&h, ref_hyper(c, "pad"), wg_ref_pad_same2d)) return false;
    pad[0] = h.pad.top;
    pad[1] = h.pad.bottom;
    pad[2] = h.pad.left;
    pad[3] = h.pad.right;
    dim[0] = h.n_ex;
    dim[1] = h.in_rows + pad[0] + pad[1];
    dim[2] = h.in_cols + pad[2] + pad[3];
    dim[3] = h.in_ch;
    out = ref_put(r, G_OUTPUT, "X_pad", 4, dim, &ok);
    if (!ok || !g_put_i(r, G_OUTPUT, "pad", 1, &four, pad)) return false;
    wg_ref_pad2D(h.n_ex, h.in_rows, h.in_cols, h.in_ch, h.pad, X->f, out);
    return true;
}

static bool dilate(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    int64_t d = g_int(c, "d", 0), dim[4];
    bool ok = true;
    double *out;

    if (!X || X->rank != 4) return false;
    for (int k = 0; k < 4; k++) dim[k] = g_dim(X, k);
    dim[1] += (dim[1] - 1) * d;
    dim[2] += (dim[2] - 1) * d;
    out = ref_put(r, G_OUTPUT, "Xd", 4, dim, &ok);
    if (!ok) return false;
    wg_ref_dilate(g_dim(X, 0), g_dim(X, 1), g_dim(X, 2), g_dim(X, 3), d, X->f, out);
    return true;
}

static bool any(const gcase *c, bool naive, gresult *r)
{
    if (named(c, "conv2D") || named(c, "deconv2D")) return conv2D(c, naive, r);
    if (named(c, "conv1D")) return conv1D(c, r);
    if (named(c, "im2col") || named(c, "col2im")) return columns(c, r);
    if (named(c, "pad2D")) return pad2D(c, r);
    return named(c, "dilate") && dilate(c, r);
}

static bool by_columns(const gcase *c, gresult *r)
{
    return any(c, false, r);
}
static bool by_elements(const gcase *c, gresult *r)
{
    return any(c, true, r);
}

const gsubject ref_subjects_utils[] = {
    { "utils", by_columns, NULL, NULL },
    { "utils, naive", by_elements, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
